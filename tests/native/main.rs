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
    Author, Body, DecodeError, Decoded, ErrorCode, Event, Message, OrderEvent, OrderState, Origin,
    SkipReason, decode,
};
use proptest::prelude::*;

use rows::Becomes::{BadJson, Empty, Many, NotContact, NotEvent, One};
use rows::{OZON_CHAT, OZON_LIST_ROW, ROWS, YM_MESSAGE};

mod ozon;
mod rows;
mod wildberries;
mod yandex_market;

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

    let pushed = row("yandex_market/notification_chat_message_sent.json", YM_MESSAGE);
    let page = row("yandex_market/api_chat_history_response_2026.json", r#""chat":{"chatId":5001}"#);
    assert_eq!(event(&pushed).event_id, events(&page)[0].event_id);
    assert_eq!(event(&pushed).event_id, "yandex_market/654321/m/70001/sent");
    // A bare announcement carries the id of its message; with no author and no text it is never judged.
    let bare = row("yandex_market/notification_chat_message_sent.json", "");
    assert_eq!(event(&bare).event_id, "yandex_market/654321/m/70001/sent");

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
