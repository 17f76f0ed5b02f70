//! Ozon: the cases that its payloads hold.

use contactwatch::event::{
    Attachment, Author, ConversationType, MessageKind, OrderKind, OrderState, Origin, Scheme, TimeSource,
};

use super::{OZON_LIST_ROW, event, message_of, order_of, row, wrapped};

#[test]
fn ozon_texts_keep_their_markdown_and_give_their_pictures() {
    let message = message_of("ozon/community_chat_history_image_message.json", OZON_LIST_ROW);
    assert_eq!(message.message_id.as_deref(), Some("4000000000000000001"));
    assert_eq!(
        message.text.as_deref(),
        Some("Buyer question\n![](https://api-seller.ozon.ru/v2/chat/file/messenger/1.jpg)")
    );
    assert_eq!(
        message.attachments,
        [Attachment {
            kind: "image".into(),
            url: Some("https://api-seller.ozon.ru/v2/chat/file/messenger/1.jpg".into()),
            ..Attachment::default()
        }]
    );
    assert_eq!((message.order.order, message.order.sku.as_deref()), (None, Some("987654321")));
    assert_eq!(message.conversation.as_deref(), Some("5e767w03-b400-4y1b-a841-75319ca8a5c8"));

    for (data, expected) in [
        (
            "[Screenshot_1.jpg (12KB)](https://api-seller.ozon.ru/v2/chat/file/a.jpg)",
            Some(("image", "https://api-seller.ozon.ru/v2/chat/file/a.jpg")),
        ),
        (
            "см. [акт](https://api-seller.ozon.ru/v2/chat/file/b.pdf)",
            Some(("file", "https://api-seller.ozon.ru/v2/chat/file/b.pdf")),
        ),
        ("[ модель ](https://www.ozon.ru/product/1)", None),
        ("![x](https://evil.example/qr.png)", Some(("image", "https://evil.example/qr.png"))),
        ("](", None),
        ("[a](", None),
        ("]()", None),
        ("текст ](x) [y", None),
    ] {
        let native = format!(
            r#"{{"message_type":"TYPE_NEW_MESSAGE","chat_id":"c","chat_type":"BUYER_SELLER","message_id":"1","seller_id":7,"data":["{data}"]}}"#
        );
        let record = wrapped("ozon", &native, "");
        let event = event(&record);
        let found = &event.message().unwrap().attachments;
        let found: Vec<_> = found.iter().map(|file| (&*file.kind, file.url.as_deref().unwrap())).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{data}");
    }
}

#[test]
fn ozon_chat_types_say_who_is_spoken_to() {
    for (written, expected) in [
        ("Buyer_Seller", ConversationType::Buyer),
        ("BUYER_SELLER_SELECT", ConversationType::Buyer),
        ("Seller_Support", ConversationType::Support),
        ("Seller_Notification", ConversationType::PlatformNotice),
        ("Seller_Notification_FBS", ConversationType::PlatformNotice),
        ("SELLER_NOTIFICATION_UPDATE_CONTENT", ConversationType::PlatformNotice),
        ("Seller_API_Updates", ConversationType::PlatformNotice),
        ("Seller_Personal_Manager_Unity_Crm", ConversationType::Support),
        ("Seller_Business_Development_Group", ConversationType::Support),
        ("UNSPECIFIED", ConversationType::Unknown),
        ("Seller_Courier_2027", ConversationType::Unknown),
    ] {
        let record = row("ozon/push_type_new_message.json", "").replace("Buyer_Seller", written);
        assert_eq!(event(&record).message().unwrap().conversation_type, expected, "{written}");
    }
    let notice = message_of("ozon/community_push_new_message_notification_chat.json", "");
    assert_eq!(notice.conversation_type, ConversationType::PlatformNotice);
    assert_eq!((notice.message_id, notice.conversation, notice.author), (None, None, Author::Unknown));
}

#[test]
fn ozon_authors_are_read_in_any_spelling() {
    for (written, author, origin) in [
        ("Сustomer", Author::Buyer, Origin::Human),
        ("CUSTOMER", Author::Buyer, Origin::Human),
        ("Seller", Author::Seller, Origin::Unknown),
        ("Crm", Author::Platform, Origin::PlatformAutomatic),
        ("NotificationUser", Author::Platform, Origin::PlatformAutomatic),
        ("Support", Author::Support, Origin::Human),
        ("Courier", Author::Courier, Origin::Human),
        ("Robot", Author::Unknown, Origin::Unknown),
    ] {
        let record = row("ozon/push_type_new_message.json", "").replace("Сustomer", written);
        let event = event(&record);
        let message = event.message().unwrap();
        assert_eq!((message.author, message.origin), (author, origin), "{written}");
        assert_eq!(message.buyer.is_some(), author == Author::Buyer);
    }
}

#[test]
fn ozon_edits_carry_their_time() {
    let record = row("ozon/push_type_update_message.json", "");
    let event = event(&record);
    assert_eq!(event.event_id, "ozon/7/m/3000000000817031942/edited/2022-07-18T20:59:04.528Z");
    assert_eq!(event.message().unwrap().kind, MessageKind::Edited);
}

#[test]
fn ozon_new_postings_tell_payment_and_scheme() {
    let full = row("ozon/push_type_new_posting.json", "");
    let old = row("ozon/push_type_new_posting_2023.json", "");
    for (record, state, scheme, source) in [
        (full.clone(), OrderState::Paid, Scheme::Rfbs, TimeSource::Native),
        (full.replace("3pl_tracking", "ozon"), OrderState::Paid, Scheme::Fbs, TimeSource::Native),
        (full.replace("3pl_tracking", "non_integrated"), OrderState::Paid, Scheme::Rfbs, TimeSource::Native),
        (old.clone(), OrderState::Paid, Scheme::FbsOrRfbs, TimeSource::Native),
        (
            old.replace("2021-01-26T06:56:36.294Z", ""),
            OrderState::Unpaid,
            Scheme::FbsOrRfbs,
            TimeSource::Observed,
        ),
    ] {
        let order = order_of(&record);
        assert_eq!(
            (order.kind, order.state, order.scheme),
            (OrderKind::Created, Some(state), scheme),
            "{record}"
        );
        assert_eq!(event(&record).time_source, source);
        assert_eq!(order.tracking.is_empty(), record.contains("24219509"));
    }
    assert_eq!(event(&full).event_id, "ozon/1/o/24319409-0021-1/created/2021-01-26T06:56:36.294Z");
}

#[test]
fn ozon_dates_that_move_later_are_a_delay() {
    let record = row("ozon/push_type_delivery_date_changed.json", "");
    let later = event(&record);
    assert_eq!(
        later.event_id,
        "ozon/15/o/24219509-0020-2/dates_changed/2021-11-21T19:00:00.000Z..2021-11-24T16:00:00.000Z"
    );
    assert_eq!(later.time_source, TimeSource::Observed);
    assert!(order_of(&record).delay);
    let earlier = record.replace("2021-11-24", "2021-11-20");
    let emptied = record.replace("2021-11-24T07:00:00Z", "").replace("2021-11-24T16:00:00Z", "");
    for record in [earlier, emptied, row("ozon/push_type_cutoff_date_changed.json", "")] {
        let order = order_of(&record);
        assert_eq!((order.kind, order.delay), (OrderKind::DatesChanged, false), "{record}");
    }
    // The same push again, seen later, is the same event.
    let again = record.replace("2026-10-01T09:00:00.120Z", "2026-10-01T10:00:00Z");
    assert_eq!(event(&again).event_id, later.event_id);
}

#[test]
fn ozon_orders_and_postings_meet_in_the_order_number() {
    for (path, posting, order) in [
        ("ozon/push_type_state_changed.json", Some("24219509-0020-2"), "24219509-0020"),
        ("ozon/push_type_fbo_posting_cancelled.json", Some("0574652831-0001-1"), "0574652831-0001"),
        ("ozon/push_type_order_new.json", None, "24219509-0020"),
        ("ozon/push_type_order_state_changed.json", None, "24219509-0020"),
    ] {
        let record = row(path, "");
        let found = order_of(&record).order;
        assert_eq!((found.posting.as_deref(), found.order.as_deref()), (posting, Some(order)), "{path}");
    }
}

#[test]
fn ozon_states_follow_the_table() {
    for (written, expected) in [
        ("posting_created", OrderState::Created),
        ("posting_packing", OrderState::Paid),
        ("posting_transferring_to_delivery", OrderState::AwaitingShipment),
        ("posting_in_courier_service", OrderState::Shipped),
        ("posting_conditionally_delivered", OrderState::Shipped),
        ("posting_in_pickup_point", OrderState::AtPickup),
        ("posting_received", OrderState::Delivered),
        ("posting_canceled", OrderState::Cancelled),
        ("posting_returned_to_warehouse", OrderState::Returned),
        ("posting_in_client_arbitration", OrderState::Disputed),
        ("posting_not_in_sort_center", OrderState::Unknown),
        ("posting_teleported", OrderState::Unknown),
    ] {
        let record = row("ozon/push_type_state_changed.json", "").replace("posting_delivered", written);
        let order = order_of(&record);
        assert_eq!(order.state, Some(expected), "{written}");
        assert_eq!(order.kind == OrderKind::Cancelled, expected == OrderState::Cancelled);
    }
}
