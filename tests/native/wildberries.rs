//! Wildberries: the cases that its payloads hold.

use contactwatch::event::{Author, ConversationContext, MessageKind, OrderState, Origin, TimeSource};

use super::{event, message_of, order_of, row, wrapped};

#[test]
fn wildberries_names_programs_and_hides_itself_behind_the_seller() {
    let prompt = message_of("wildberries/community_event_platform_review_prompt.json", "");
    assert_eq!((prompt.author, prompt.origin), (Author::Seller, Origin::Unknown));
    assert_eq!(prompt.order.order.as_deref(), Some("eAP.m80165aef86ce46c3ab9e2292cb04f3ae.0.0"));
    assert_eq!(prompt.order.sku.as_deref(), Some("1304195061"));
    assert_eq!(prompt.context, ConversationContext::Order);
    let card = &prompt.attachments[0];
    assert_eq!((&*card.kind, &card.url, &card.ocr_text), ("product_card", &None, &None));

    let follow_up = message_of("wildberries/community_event_seller_api_follow_up.json", "");
    assert_eq!((follow_up.author, follow_up.origin), (Author::Seller, Origin::Erp));

    let photo = message_of("wildberries/community_event_client_photo.json", "");
    assert_eq!((photo.author, photo.text), (Author::Buyer, None));
    assert_eq!((&*photo.attachments[0].kind, &photo.attachments[0].url), ("image", &None));
    assert_eq!(photo.buyer, None, "names are no ids");

    let empty = message_of("wildberries/event_seller_no_message.json", "");
    assert_eq!((empty.kind, empty.text, empty.attachments.len()), (MessageKind::Sent, None, 0));
}

#[test]
fn wildberries_times_come_from_the_milliseconds() {
    let record = row("wildberries/community_event_client_photo.json", "");
    assert_eq!(event(&record).occurred_at.to_string(), "2026-09-17T13:56:43.087Z");
    let record =
        record.replace("\"addTimestamp\":1789653403087,", "").replace("\"addTimestamp\": 1789653403087,", "");
    assert_eq!(event(&record).occurred_at.to_string(), "2026-09-17T13:56:43.000Z");
    assert_eq!(event(&record).time_source, TimeSource::Native);
}

#[test]
fn wildberries_states_follow_the_table() {
    for (supplier, wb, expected) in [
        ("new", "waiting", OrderState::Created),
        ("confirm", "waiting", OrderState::AwaitingShipment),
        ("complete", "waiting", OrderState::Shipped),
        ("complete", "sorted", OrderState::Shipped),
        ("complete", "ready_for_pickup", OrderState::AtPickup),
        ("complete", "sold", OrderState::Delivered),
        ("cancel", "waiting", OrderState::Cancelled),
        ("confirm", "canceled_by_client", OrderState::Cancelled),
        ("new", "declined_by_client", OrderState::Cancelled),
        ("complete", "postponed_delivery", OrderState::Shipped),
        ("novel", "waiting", OrderState::Unknown),
    ] {
        let native =
            format!(r#"{{"orders":[{{"id":5632423,"supplierStatus":"{supplier}","wbStatus":"{wb}"}}]}}"#);
        let record = wrapped("wildberries", &native, "");
        assert_eq!(order_of(&record).state, Some(expected), "{supplier} {wb}");
    }
    let record = row("wildberries/fbs_orders_status_response.json", "");
    let first = event(&record);
    assert_eq!(first.time_source, TimeSource::Observed);
    let again = record.replace("2026-10-01T09:00:00.120Z", "2026-10-01T10:00:00Z");
    assert_eq!(event(&again).event_id, first.event_id, "a state polled twice is one event");
}

#[test]
fn a_row_may_stand_alone() {
    let native = r#"{"id":5632423,"supplierStatus":"complete","wbStatus":"sorted"}"#;
    assert_eq!(order_of(&wrapped("wildberries", native, "")).state, Some(OrderState::Shipped));
}
