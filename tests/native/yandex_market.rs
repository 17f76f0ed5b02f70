//! Yandex Market: the cases that its payloads hold.

use contactwatch::event::{Author, ConversationContext, ConversationType, MessageKind, OrderState, Origin};

use super::{YM_MESSAGE, event, message_of, order_of, payload, row};

#[test]
fn yandex_messages_need_what_was_fetched() {
    let bare = message_of("yandex_market/notification_chat_message_sent.json", "");
    assert_eq!((bare.author, bare.text, bare.conversation.as_deref()), (Author::Unknown, None, Some("5001")));

    let record = row("yandex_market/notification_chat_message_sent.json", YM_MESSAGE);
    let whole = event(&record);
    assert_eq!(whole.occurred_at.to_string(), "2017-11-21T00:00:00.213Z", "the later of two times");
    let message = whole.message().unwrap();
    assert_eq!((message.author, message.origin), (Author::Seller, Origin::Unknown));
    assert_eq!(message.context, ConversationContext::Order);
    assert_eq!(message.order.order.as_deref(), Some("123456789"));

    // The whole answer of the chat method, about no order, is understood as well.
    let direct = payload("yandex_market/api_get_chat_response_direct.json");
    let record = row("yandex_market/notification_chat_created.json", &format!(r#""chat":{direct}"#));
    let opened = event(&record);
    let message = opened.message().unwrap();
    assert_eq!((message.author, message.context), (Author::Buyer, ConversationContext::Direct));
    assert_eq!((message.order.order.as_deref(), message.buyer.as_deref()), (None, Some("abcdefghij")));

    let dispute = YM_MESSAGE.replace("\"CHAT\"", "\"ARBITRAGE\"");
    let message = message_of("yandex_market/notification_chat_message_sent.json", &dispute);
    assert_eq!(message.conversation_type, ConversationType::Dispute);
}

#[test]
fn yandex_disputes_open_and_close() {
    for (path, kind) in [
        ("yandex_market/notification_chat_arbitrage_started.json", MessageKind::ConversationOpened),
        ("yandex_market/notification_chat_arbitrage_finished.json", MessageKind::ConversationClosed),
    ] {
        let message = message_of(path, "");
        assert_eq!((message.kind, message.conversation_type), (kind, ConversationType::Dispute));
    }
}

#[test]
fn yandex_states_follow_the_table() {
    for (status, substatus, expected) in [
        ("PLACING", "", OrderState::Created),
        ("PENDING", "", OrderState::Created),
        ("UNPAID", "", OrderState::Unpaid),
        ("PROCESSING", "STARTED", OrderState::Paid),
        ("PROCESSING", "READY_TO_SHIP", OrderState::AwaitingShipment),
        ("DELIVERY", "", OrderState::Shipped),
        ("PICKUP", "", OrderState::AtPickup),
        ("DELIVERED", "", OrderState::Delivered),
        ("CANCELLED", "USER_CHANGED_MIND", OrderState::Cancelled),
        ("PARTIALLY_RETURNED", "", OrderState::Returned),
        ("LOST_IN_SPACE", "", OrderState::Unknown),
    ] {
        let record = row("yandex_market/notification_order_status_updated.json", "")
            .replace("PROCESSING", status)
            .replace("STARTED", substatus);
        assert_eq!(order_of(&record).state, Some(expected), "{status} {substatus}");
    }
    let record = row("yandex_market/notification_order_return_status_updated.json", "");
    assert_eq!(order_of(&record).state, Some(OrderState::Returned));
    let record = record.replace("\"REFUNDED\"", "\"PREMODERATION_DISPUTE\"");
    assert_eq!(order_of(&record).state, Some(OrderState::Disputed));
}

#[test]
fn a_repeated_state_of_another_time_is_another_event() {
    let record = row("yandex_market/notification_order_status_updated.json", "");
    let again = record.replace("00:00:00.213Z", "01:00:00.213Z");
    assert_eq!(event(&record).event_id, "yandex_market/654321/o/123456789/paid/2017-11-21T00:00:00.213Z");
    assert_ne!(event(&record).event_id, event(&again).event_id);
}
