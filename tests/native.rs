//! Native envelopes: every stored payload of every marketplace, wrapped as a collector would, and what it becomes.
//!
//! The payloads and their sources are in `fixtures/native/`. To accept changes: `INSTA_UPDATE=always` for the
//! snapshots, `UPDATE_FIXTURES=1` for the wrapped file.

// Helpers of tests stop a test by panicking; clippy knows only #[test] functions as tests.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use contactwatch::event::{
    Attachment, Author, Body, ConversationContext, ConversationType, DecodeError, Decoded, ErrorCode, Event,
    Message, MessageKind, OrderEvent, OrderKind, OrderState, Origin, Scheme, SkipReason, TimeSource, decode,
};
use proptest::prelude::*;

/// What a row becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    One,
    Many(usize),
    NotContact,
    NotEvent,
    Empty,
    BadJson,
}
use Becomes::{BadJson, Empty, Many, NotContact, NotEvent, One};

/// A payload, what the collector fetched for it, and what becomes of both.
type Row = (&'static str, &'static str, Becomes);

const OZON_CHAT: &str =
    r#""chat":{"chat_id":"b646d975-0c9c-4872-9f41-8b1e57181063","chat_type":"BUYER_SELLER"}"#;
const OZON_LIST_ROW: &str = r#""chat":{"chat":{"chat_id":"5e767w03-b400-4y1b-a841-75319ca8a5c8","chat_type":"buyer_seller"},"unread_count":1}"#;
const YM_CHAT: &str =
    r#""chat":{"chatId":5001,"context":{"type":"ORDER","orderId":123456789},"type":"CHAT","status":"NEW"}"#;
const YM_MESSAGE: &str = r#""message":{"messageId":70001,"createdAt":"2017-11-21T03:00:00+03:00","sender":"PARTNER","message":"Здравствуйте, заказ собран"},"chat":{"chatId":5001,"context":{"type":"ORDER","orderId":123456789},"type":"CHAT","status":"NEW"}"#;

const ROWS: &[Row] = &[
    ("ozon/api_chat_history_v3_request.json", "", NotEvent),
    ("ozon/api_chat_history_v3_response.json", OZON_CHAT, Many(1)),
    ("ozon/api_chat_list_v3_request.json", "", NotEvent),
    ("ozon/api_chat_list_v3_response.json", "", NotEvent),
    ("ozon/api_chat_send_file_request.json", "", NotEvent),
    ("ozon/api_chat_send_file_response.json", "", NotEvent),
    ("ozon/api_chat_send_message_request.json", "", NotEvent),
    ("ozon/api_chat_send_message_response.json", "", NotEvent),
    ("ozon/api_chat_start_request.json", "", NotEvent),
    ("ozon/api_chat_start_response.json", "", NotEvent),
    ("ozon/as_published_invalid/fbo_posting_cancelled.txt", "", BadJson),
    ("ozon/as_published_invalid/fbo_stocks_changed.txt", "", BadJson),
    ("ozon/as_published_invalid/order_state_changed.txt", "", BadJson),
    ("ozon/community_chat_history_image_message.json", OZON_LIST_ROW, One),
    ("ozon/community_push_new_message_notification_chat.json", "", One),
    ("ozon/push_ping_response.json", "", NotEvent),
    ("ozon/push_response_error.json", "", NotEvent),
    ("ozon/push_response_ok.json", "", NotEvent),
    ("ozon/push_type_chat_closed.json", "", One),
    ("ozon/push_type_create_item.json", "", NotContact),
    ("ozon/push_type_create_or_update_item.json", "", NotContact),
    ("ozon/push_type_cutoff_date_changed.json", "", One),
    ("ozon/push_type_delivery_date_changed.json", "", One),
    ("ozon/push_type_description_category_tree_changed.json", "", NotContact),
    ("ozon/push_type_fbo_posting_cancelled.json", "", One),
    ("ozon/push_type_fbo_posting_delivery_date_changed.json", "", One),
    ("ozon/push_type_fbo_posting_new.json", "", One),
    ("ozon/push_type_fbo_posting_state_changed.json", "", One),
    ("ozon/push_type_fbo_stocks_changed.json", "", NotContact),
    ("ozon/push_type_message_read.json", "", One),
    ("ozon/push_type_new_message.json", "", One),
    ("ozon/push_type_new_message_latin.json", "", One),
    ("ozon/push_type_new_posting.json", "", One),
    ("ozon/push_type_new_posting_2023.json", "", One),
    ("ozon/push_type_order_cancelled.json", "", One),
    ("ozon/push_type_order_new.json", "", One),
    ("ozon/push_type_order_state_changed.json", "", One),
    ("ozon/push_type_ping.json", "", NotContact),
    ("ozon/push_type_posting_cancelled.json", "", One),
    ("ozon/push_type_price_index_changed_2023.json", "", NotContact),
    ("ozon/push_type_state_changed.json", "", One),
    ("ozon/push_type_stocks_changed.json", "", NotContact),
    ("ozon/push_type_update_item.json", "", NotContact),
    ("ozon/push_type_update_message.json", "", One),
    ("wildberries/chats_response.json", "", NotEvent),
    ("wildberries/community_event_client_photo.json", "", One),
    ("wildberries/community_event_platform_review_prompt.json", "", One),
    ("wildberries/community_event_seller_api_follow_up.json", "", One),
    ("wildberries/event_client_new_chat_attachments.json", "", One),
    ("wildberries/event_client_text.json", "", One),
    ("wildberries/event_seller_api_text.json", "", One),
    ("wildberries/event_seller_no_message.json", "", One),
    ("wildberries/events_response.json", "", Many(4)),
    ("wildberries/events_response_empty.json", "", Empty),
    ("wildberries/fbs_orders_new_response.json", "", Many(1)),
    ("wildberries/fbs_orders_status_history_response.json", "", Many(1)),
    ("wildberries/fbs_orders_status_response.json", "", Many(1)),
    ("wildberries/message_error_InvalidFileSize.json", "", NotEvent),
    ("wildberries/message_error_InvalidMessage.json", "", NotEvent),
    ("wildberries/message_error_InvalidSignature.json", "", NotEvent),
    ("wildberries/message_error_UnsupportedFilesType.json", "", NotEvent),
    ("wildberries/message_response.json", "", NotEvent),
    ("yandex_market/api_chat_history_request.json", "", NotEvent),
    ("yandex_market/api_chat_history_response.json", YM_CHAT, Many(1)),
    ("yandex_market/api_chat_history_response_2026.json", r#""chat":{"chatId":5001}"#, Many(3)),
    ("yandex_market/api_create_chat_request.json", "", NotEvent),
    ("yandex_market/api_create_chat_response.json", "", NotEvent),
    ("yandex_market/api_get_chat_message_response.json", YM_CHAT, One),
    ("yandex_market/api_get_chat_response.json", "", NotEvent),
    ("yandex_market/api_get_chat_response_direct.json", "", NotEvent),
    ("yandex_market/api_get_chats_request.json", "", NotEvent),
    ("yandex_market/api_get_chats_response.json", "", NotEvent),
    ("yandex_market/api_send_message_request.json", "", NotEvent),
    ("yandex_market/api_send_message_response.json", "", NotEvent),
    ("yandex_market/notification_chat_arbitrage_finished.json", "", One),
    ("yandex_market/notification_chat_arbitrage_started.json", "", One),
    ("yandex_market/notification_chat_created.json", "", One),
    ("yandex_market/notification_chat_message_sent.json", "", One),
    ("yandex_market/notification_chat_message_sent.json", YM_MESSAGE, One),
    ("yandex_market/notification_goods_feedback_comment_created.json", "", NotContact),
    ("yandex_market/notification_goods_feedback_created.json", "", NotContact),
    ("yandex_market/notification_order_cancellation_request.json", "", One),
    ("yandex_market/notification_order_cancelled.json", "", One),
    ("yandex_market/notification_order_created.json", "", One),
    ("yandex_market/notification_order_return_created.json", "", One),
    ("yandex_market/notification_order_return_status_updated.json", "", One),
    ("yandex_market/notification_order_status_updated.json", "", One),
    ("yandex_market/notification_order_updated.json", "", One),
    ("yandex_market/notification_ping.json", "", NotContact),
    ("yandex_market/notification_ping_nanoseconds.json", "", NotContact),
    ("yandex_market/notification_response.json", "", NotEvent),
    ("yandex_market/notification_response_error.json", "", NotEvent),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The payload on one line: no JSON text has a line end inside a string, and ids keep their digits.
fn payload(path: &str) -> String {
    let text = std::fs::read_to_string(fixtures().join("native").join(path)).expect(path);
    text.lines().map(str::trim).collect()
}

fn wrapped(platform: &str, native: &str, fetched: &str) -> String {
    // Where the object names the store, the collector need not.
    let named = native.contains("\"seller_id\"") || native.contains("\"businessId\"");
    let store = match platform {
        _ if named => "",
        "ozon" => r#""store":"7","#,
        "wildberries" => r#""store":"54828159","#,
        _ => r#""store":"654321","#,
    };
    let fetched = if fetched.is_empty() { String::new() } else { format!(r#","fetched":{{{fetched}}}"#) };
    format!(
        r#"{{"v":1,"type":"native","platform":"{platform}",{store}"agency":"acme","route":"poll","observed_at":"2026-10-01T09:00:00.120Z","native":{native}{fetched}}}"#
    )
}

fn row(path: &str, fetched: &str) -> String {
    let platform = path.split('/').next().expect("a folder");
    wrapped(platform, &payload(path), fetched)
}

fn events(record: &str) -> Vec<Event<'_>> {
    match decode(record.as_bytes()) {
        Ok(Decoded::One(event)) => vec![event],
        Ok(Decoded::Many(events)) => events,
        other => panic!("{record}: {other:?}"),
    }
}

fn event(record: &str) -> Event<'_> {
    events(record).pop().expect("an event")
}

fn refused(record: &str) -> DecodeError {
    decode(record.as_bytes()).expect_err(record)
}

fn message_of(path: &str, fetched: &str) -> Message<'static> {
    let record = row(path, fetched);
    match event(&record).into_owned().body {
        Body::Message(message) => message,
        other => panic!("{path}: {other:?}"),
    }
}

fn order_of(record: &str) -> OrderEvent<'static> {
    match event(record).into_owned().body {
        Body::Order(order) => order,
        other => panic!("{record}: {other:?}"),
    }
}

/// One event on a few lines: what rules see of it.
fn summary(event: &Event<'_>) -> String {
    let mut out = format!("  {}\n", event.event_id);
    let _ = write!(out, "    store {} at {} {}", event.store, event.occurred_at, event.time_source.as_str());
    match &event.body {
        Body::Message(m) => {
            let _ = write!(
                out,
                "\n    {} by {} ({}), {} about {}, chat {}, id {}",
                m.kind.as_str(),
                m.author.as_str(),
                m.origin.as_str(),
                m.conversation_type.as_str(),
                m.context.as_str(),
                m.conversation.as_deref().unwrap_or("-"),
                m.message_id.as_deref().unwrap_or("-"),
            );
            let order = [("posting", &m.order.posting), ("order", &m.order.order), ("sku", &m.order.sku)];
            for (name, value) in order.into_iter().chain([("buyer", &m.buyer)]) {
                if let Some(value) = value {
                    let _ = write!(out, "\n    {name} {value}");
                }
            }
            if let Some(text) = &m.text {
                let _ = write!(out, "\n    {} {text:?}", m.text_format.as_str());
            }
            for file in &m.attachments {
                let _ = write!(out, "\n    {} {}", file.kind, file.url.as_deref().unwrap_or("-"));
            }
        }
        Body::Order(o) => {
            let _ = write!(
                out,
                "\n    {} to {}, scheme {}, posting {}, order {}",
                o.kind.as_str(),
                o.state.map_or("-", OrderState::as_str),
                o.scheme.as_str(),
                o.order.posting.as_deref().unwrap_or("-"),
                o.order.order.as_deref().unwrap_or("-"),
            );
            for item in &o.items {
                let _ = write!(out, "\n    item {} x{:?}", item.sku.as_deref().unwrap_or("-"), item.quantity);
            }
            for number in &o.tracking {
                let _ = write!(out, "\n    tracking {number}");
            }
            if o.delay {
                out.push_str("\n    delay");
            }
        }
        other => panic!("not a native body: {other:?}"),
    }
    out.push('\n');
    out
}

#[test]
fn every_fixture_has_a_row() {
    let mut found = BTreeSet::new();
    let mut folders = vec![fixtures().join("native")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != "md") {
                let path = path.strip_prefix(fixtures().join("native")).unwrap();
                found.insert(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let rows: BTreeSet<String> = ROWS.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(found.difference(&rows).collect::<Vec<_>>(), [""; 0], "fixtures without a row");
    assert_eq!(rows.difference(&found).collect::<Vec<_>>(), [""; 0], "rows without a fixture");
}

#[test]
fn every_fixture_becomes_what_its_row_says() {
    for (platform, snapshot) in
        [("ozon/", "ozon"), ("wildberries/", "wildberries"), ("yandex_market/", "yandex_market")]
    {
        let mut out = String::new();
        for (path, fetched, expected) in ROWS.iter().filter(|(path, ..)| path.starts_with(platform)) {
            let record = row(path, fetched);
            let decoded = decode(record.as_bytes());
            let found = match &decoded {
                Ok(Decoded::One(_)) => One,
                Ok(Decoded::Many(events)) => Many(events.len()),
                Ok(Decoded::Skipped(SkipReason::NotContact)) => NotContact,
                Ok(Decoded::Skipped(SkipReason::NotEvent)) => NotEvent,
                Ok(Decoded::Skipped(SkipReason::Empty)) => Empty,
                Err(error) if error.code == ErrorCode::InvalidJson => BadJson,
                Err(error) => panic!("{path}: {error}"),
            };
            assert_eq!(found, *expected, "{path}");
            if matches!(found, One | Many(_)) {
                let _ = writeln!(out, "{path}{}", if fetched.is_empty() { "" } else { " + fetched" });
                for event in events(&record) {
                    assert_eq!(event.to_owned_static(), event);
                    assert_eq!(event.agency.as_deref(), Some("acme"));
                    out.push_str(&summary(&event));
                }
            }
        }
        insta::assert_snapshot!(snapshot, out);
    }
}

#[test]
fn the_wrapped_file_is_up_to_date() {
    let mut lines = String::new();
    for (path, fetched, becomes) in ROWS {
        if matches!(becomes, One | Many(_)) {
            lines.push_str(&row(path, fetched));
            lines.push('\n');
        }
    }
    let path = fixtures().join("native-wrapped.ndjson");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &lines).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == lines, "{} is stale: run this test with UPDATE_FIXTURES=1", path.display());
}

#[test]
fn a_push_and_a_poll_of_one_thing_have_one_id() {
    let latin = row("ozon/push_type_new_message_latin.json", "");
    let cyrillic = row("ozon/push_type_new_message.json", "");
    let polled = row("ozon/api_chat_history_v3_response.json", OZON_CHAT);
    let integer = polled.replace("\"3000000000817031942\"", "3000000000817031942");
    for other in [&cyrillic, &polled, &integer] {
        assert_eq!(event(&latin).event_id, event(other).event_id);
    }
    let (latin_message, cyrillic_message) = (event(&latin), event(&cyrillic));
    assert_eq!(
        latin_message.message().map(|m| (m.author, m.origin, m.buyer.as_deref(), m.conversation.as_deref())),
        cyrillic_message.message().map(|m| (
            m.author,
            m.origin,
            m.buyer.as_deref(),
            m.conversation.as_deref()
        )),
    );
    assert_eq!(event(&latin).event_id, "ozon/7/m/3000000000817031942/sent");

    let pushed = row("yandex_market/notification_chat_message_sent.json", "");
    let page = row("yandex_market/api_chat_history_response_2026.json", r#""chat":{"chatId":5001}"#);
    assert_eq!(event(&pushed).event_id, events(&page)[0].event_id);
    assert_eq!(event(&pushed).event_id, "yandex_market/654321/m/70001/sent");

    let feed = row("wildberries/events_response.json", "");
    let feed = events(&feed);
    for (n, single) in [
        "wildberries/event_client_new_chat_attachments.json",
        "wildberries/event_client_text.json",
        "wildberries/event_seller_api_text.json",
        "wildberries/event_seller_no_message.json",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(feed[n], event(&row(single, "")), "{single}");
    }
}

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
fn the_sending_system_knows_who_wrote() {
    let log = r#","send_log":{"origin":"api","template_id":"ship-01","operator":"bot-3"}}"#;
    for (path, fetched) in [
        ("wildberries/community_event_platform_review_prompt.json", ""),
        ("yandex_market/notification_chat_message_sent.json", YM_MESSAGE),
    ] {
        let record = row(path, fetched);
        let record = format!("{}{log}", &record[..record.len() - 1]);
        let event = event(&record);
        let message = event.message().unwrap();
        assert_eq!(message.author, Author::Seller);
        assert_eq!(message.origin, Origin::Erp);
        assert_eq!(
            (message.template.as_deref(), message.operator.as_deref()),
            (Some("ship-01"), Some("bot-3"))
        );
    }
    // A log is of the seller's messages; beside anybody else's it says nothing.
    let record = row("wildberries/event_client_text.json", "");
    let record = format!("{}{log}", &record[..record.len() - 1]);
    let event = event(&record);
    let message = event.message().unwrap();
    assert_eq!((message.origin, message.template.as_deref()), (Origin::Human, None));
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

#[test]
fn stores_come_from_the_collector_first() {
    let native = payload("yandex_market/notification_order_created.json");
    for (store, expected) in [(r#""store":"654321","#, "654321"), ("", "1234567")] {
        let record = format!(
            r#"{{"platform":"Yandex-Market",{store}"observed_at":"2026-10-01T09:00:00Z","native":{native}}}"#
        );
        assert_eq!(event(&record).store, expected);
        assert_eq!(event(&record).platform, "yandex_market");
    }
    let record = row("ozon/push_type_new_message.json", "").replace("\"agency\"", "\"store\":9,\"agency\"");
    assert_eq!(event(&record).store, "9");
}

#[test]
fn refusals_say_what_the_collector_must_add() {
    let closed = row("ozon/push_type_chat_closed.json", "").replace("observed_at", "seen_at");
    let history = row("ozon/api_chat_history_v3_response.json", "");
    let page = row("yandex_market/api_chat_history_response_2026.json", "");
    let feed = row("wildberries/event_client_text.json", "");
    let broken = feed
        .replace("\"addTimestamp\":1698037387000", "\"addTimestamp\":\"soon\"")
        .replace("\"addTimestamp\": 1698037387000", "\"addTimestamp\":\"soon\"");
    for (record, code, says) in [
        (closed, ErrorCode::InvalidTime, "collector must add"),
        (history, ErrorCode::MissingField, "`fetched.chat.chat_id`"),
        (page, ErrorCode::MissingField, "`fetched.chat.chatId`"),
        (feed.replace(r#""store":"54828159","#, ""), ErrorCode::MissingField, "`store`"),
        (broken, ErrorCode::InvalidField, "`native.addTimestamp`"),
        (
            feed.replace("\"wildberries\"", "\"bazaar\""),
            ErrorCode::InvalidField,
            "ozon, wildberries or yandex_market",
        ),
        (r#"{"native":{}}"#.to_owned(), ErrorCode::InvalidField, "`platform`"),
        (r#"{"type":"native","platform":"ozon"}"#.to_owned(), ErrorCode::MissingField, "`native`"),
        (wrapped("ozon", "[1]", ""), ErrorCode::InvalidField, "`native`: a list"),
        (wrapped("ozon", "{\"message_type\":5}", ""), ErrorCode::InvalidField, "`native.message_type`"),
    ] {
        let error = refused(&record);
        assert_eq!(error.code, code, "{record}: {error}");
        assert!(error.message.contains(says), "{record}: {error}");
        assert!(!error.message.contains("Здравствуйте"), "{error}");
    }
}

#[test]
fn every_cut_of_a_wrapped_record_is_an_error() {
    for (path, fetched, _) in ROWS {
        let record = row(path, fetched);
        for end in 0..record.len() {
            assert!(decode(&record.as_bytes()[..end]).is_err(), "{path} cut at {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_damaged_fixture_is_read_or_refused(
        n in 0..ROWS.len(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in 0_usize..30,
    ) {
        let (path, fetched, _) = ROWS[n];
        let mut bytes = row(path, fetched).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.drain(at..(at + cut).min(bytes.len()));
        let _ = decode(&bytes);
    }

    /// Any JSON value in the place of any other: types are never taken for granted.
    #[test]
    fn a_fixture_with_a_value_of_another_type_is_read_or_refused(
        n in 0..ROWS.len(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "0", "-1.5", "\"\"", "[]", "{}", "true", "[null,{}]", "\"Сustomer\""]),
    ) {
        let (path, fetched, _) = ROWS[n];
        let record = row(path, fetched);
        let colons: Vec<usize> = record.match_indices("\":").map(|(at, _)| at + 2).collect();
        let from = *at.get(&colons);
        let end = record[from..].find([',', '}']).map_or(record.len(), |end| from + end);
        let _ = decode(format!("{}{value}{}", &record[..from], &record[end..]).as_bytes());
    }
}
