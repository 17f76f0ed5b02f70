//! Canonical records: what is read, what is refused, and how an error names the field.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
use std::borrow::Cow;

use contactwatch::event::{
    Author, Body, ChangeStatus, Channel, ConversationType, Decoded, ErrorCode, Event, MessageKind, OrderKind,
    OrderState, Origin, Party, Registry, TemplateClass, TimeSource, decode,
};
use proptest::prelude::*;

const EXAMPLE: &str = r#"{"v":1,"type":"message","event_id":"ozon/7/m/3000000000817031942/sent","platform":"ozon","store":"7","agency":"acme","occurred_at":"2026-10-01T09:00:00.120Z","time_source":"native","observed_at":"2026-10-01T09:00:01Z","route":"poll","kind":"sent","conversation":"b646d975-0c9c","conversation_type":"buyer","message_id":"3000000000817031942","author":"seller","origin":"human","channel":"platform_chat","text":"Здравствуйте!","text_format":"markdown","attachments":[{"kind":"image","url":"https://cdn.example/1.jpg","ocr_text":null,"qr_payloads":[]}],"order":{"posting":"24219509-0020-1","order":"24219509-0020","sku":"987654321"},"template":null,"operator":"op-3","buyer":"115568"}"#;

fn one(json: &str) -> Event<'_> {
    match decode(json.as_bytes()) {
        Ok(Decoded::One(event)) => event,
        other => panic!("{json}: {other:?}"),
    }
}

/// A message with `fields` added; they must not repeat `v`, `type`, `platform`, `store`.
fn message(fields: &str) -> String {
    format!(r#"{{"type":"message","platform":"p","store":"7",{fields}}}"#)
}

fn order(fields: &str) -> String {
    format!(
        r#"{{"type":"order","event_id":"e","platform":"p","store":"7","occurred_at":"2026-10-01T09:00:00Z",{fields}}}"#
    )
}

fn registry(fields: &str) -> String {
    format!(
        r#"{{"type":"registry","event_id":"e","platform":"p","store":"7","occurred_at":"2026-10-01T09:00:00Z",{fields}}}"#
    )
}

#[test]
fn the_example_of_the_format_reads_whole() {
    let event = one(EXAMPLE);
    assert_eq!(event.event_id, "ozon/7/m/3000000000817031942/sent");
    assert_eq!(event.agency.as_deref(), Some("acme"));
    assert_eq!(event.occurred_at.to_string(), "2026-10-01T09:00:00.120Z");
    assert_eq!(event.observed_at.map(|t| t.to_string()).as_deref(), Some("2026-10-01T09:00:01.000Z"));
    let message = event.message().unwrap();
    assert_eq!(message.kind, MessageKind::Sent);
    assert_eq!(message.author, Author::Seller);
    assert_eq!(message.origin, Origin::Human);
    assert_eq!(message.conversation_type, ConversationType::Buyer);
    assert_eq!(message.text.as_deref(), Some("Здравствуйте!"));
    assert_eq!(message.order.posting.as_deref(), Some("24219509-0020-1"));
    assert_eq!(message.order.order.as_deref(), Some("24219509-0020"));
    assert_eq!(message.order.sku.as_deref(), Some("987654321"));
    assert_eq!(message.template, None);
    assert_eq!(message.attachments[0].url.as_deref(), Some("https://cdn.example/1.jpg"));
    assert_eq!(event.to_owned_static(), event);
}

#[test]
fn texts_without_escapes_are_borrowed_from_the_record() {
    let event = one(EXAMPLE);
    let message = event.message().unwrap();
    for text in [Some(&event.event_id), Some(&event.store), message.text.as_ref(), message.order.sku.as_ref()]
    {
        assert!(matches!(text, Some(Cow::Borrowed(_))), "{text:?}");
    }
    assert!(matches!(event.clone().into_owned().event_id, Cow::Owned(_)));
}

#[test]
fn escapes_are_undone_and_a_cut_emoji_does_not_refuse_the_message() {
    for (written, expected) in [
        (r#"a\nb \u041f"#, "a\nb П"),
        (r#"cut \ud83d"#, "cut \u{fffd}\u{fffd}\u{fffd}"),
        (r#"\ud83d\ude00"#, "😀"),
    ] {
        let json = message(&format!(
            r#""message_id":1,"occurred_at":"2026-10-01T09:00:00Z","author":"seller","text":"{written}""#
        ));
        assert_eq!(one(&json).message().unwrap().text.as_deref(), Some(expected));
    }
}

#[test]
fn ids_keep_every_digit() {
    for (written, expected) in [
        ("30000000001280042740", "30000000001280042740"),
        ("\"0574652831-0001\"", "0574652831-0001"),
        ("7", "7"),
        ("340282366920938463463374607431768211456", "340282366920938463463374607431768211456"),
    ] {
        let json = message(&format!(r#""message_id":{written},"occurred_at":"2026-10-01T09:00:00Z""#));
        let event = one(&json);
        assert_eq!(event.message().unwrap().message_id.as_deref(), Some(expected));
        assert_eq!(event.event_id, format!("p/7/m/{expected}/sent"));
    }
}

#[test]
fn absent_and_unknown_words_have_their_meaning() {
    let base = r#""message_id":"1","occurred_at":"2026-10-01T09:00:00Z""#;
    for (fields, check) in [
        ("", (Author::Unknown, Origin::Unknown, Channel::PlatformChat, ConversationType::Buyer)),
        (
            r#","author":null,"origin":null,"channel":null,"conversation_type":null"#,
            (Author::Unknown, Origin::Unknown, Channel::PlatformChat, ConversationType::Buyer),
        ),
        (
            r#","author":"robot","origin":"robot","channel":"pigeon","conversation_type":"room""#,
            (Author::Unknown, Origin::Unknown, Channel::Other, ConversationType::Unknown),
        ),
        (
            r#","author":"SЕLLЕR","origin":"api","channel":"Platform-Chat","conversation_type":"Dispute""#,
            (Author::Seller, Origin::Erp, Channel::PlatformChat, ConversationType::Dispute),
        ),
    ] {
        let json = message(&format!("{base}{fields}"));
        let event = one(&json);
        let found = event.message().unwrap();
        assert_eq!((found.author, found.origin, found.channel, found.conversation_type), check, "{fields}");
    }
}

#[test]
fn an_order_reference_has_three_forms() {
    let base = r#""message_id":"1","occurred_at":"2026-10-01T09:00:00Z""#;
    for (fields, posting, order, sku) in [
        (r#","order":"24219509-0020""#, None, Some("24219509-0020"), None),
        (r#","order":24219509"#, None, Some("24219509"), None),
        (r#","order":{"posting":"a","order":5,"sku":6}"#, Some("a"), Some("5"), Some("6")),
        (r#","order":{"posting":"a"},"sku":6"#, Some("a"), None, Some("6")),
        (r#","order":"","posting":"a""#, Some("a"), None, None),
    ] {
        let json = message(&format!("{base}{fields}"));
        let event = one(&json);
        let found = &event.message().unwrap().order;
        assert_eq!(
            (found.posting.as_deref(), found.order.as_deref(), found.sku.as_deref()),
            (posting, order, sku),
            "{fields}"
        );
    }
}

#[test]
fn times_of_the_collector_are_marked() {
    for (fields, occurred, source) in [
        (r#""occurred_at":"2026-10-01T12:00:00+03:00""#, "2026-10-01T09:00:00.000Z", TimeSource::Native),
        (r#""observed_at":"2026-10-01T09:00:00Z""#, "2026-10-01T09:00:00.000Z", TimeSource::Observed),
        (
            r#""occurred_at":"2026-10-01T09:00:00Z","time_source":"observed""#,
            "2026-10-01T09:00:00.000Z",
            TimeSource::Observed,
        ),
        (
            r#""occurred_at":"2026-10-01T09:00:00Z","time_source":"broker""#,
            "2026-10-01T09:00:00.000Z",
            TimeSource::Observed,
        ),
    ] {
        let json = message(&format!(r#""message_id":"1",{fields}"#));
        let event = one(&json);
        assert_eq!(
            (event.occurred_at.to_string().as_str(), event.time_source),
            (occurred, source),
            "{fields}"
        );
    }
}

#[test]
fn edits_without_an_id_get_one_with_their_time() {
    let json = message(r#""message_id":"1","kind":"edited","occurred_at":"2026-10-01T09:00:00Z""#);
    assert_eq!(one(&json).event_id, "p/7/m/1/edited/2026-10-01T09:00:00.000Z");
}

#[test]
fn order_events_read_every_field() {
    let json = order(
        r#""kind":"shipped_with","order":{"order":"24219509-0020"},"posting":"24219509-0020-1","scheme":"RFBS",
        "state":"customs_cleared","items":[{"sku":5,"title":"t","brand":"b","quantity":2},{"offer_id":"x"}],
        "tracking":["T1",null,""],"delay":true,"insert":null,"gift_items":[{"sku":"g"}],"blocks":["tracking_qr"],
        "qr_payloads":["https://a.example"],"by":"courier","status":"maybe""#,
    );
    let event = one(&json);
    let Body::Order(found) = &event.body else { panic!("{event:?}") };
    assert_eq!(found.kind, OrderKind::ShippedWith);
    assert_eq!(found.order.order.as_deref(), Some("24219509-0020"));
    assert_eq!(found.order.posting.as_deref(), Some("24219509-0020-1"));
    assert_eq!(found.scheme.as_str(), "rfbs");
    assert_eq!(found.state, Some(OrderState::CustomsCleared));
    assert_eq!(found.items[0].quantity, Some(2));
    assert_eq!(found.items[1].sku.as_deref(), Some("x"));
    assert_eq!(found.tracking, ["T1"]);
    assert!(found.delay);
    assert_eq!(found.by, Some(Party::Unknown));
    assert_eq!(found.status, None);
    assert_eq!(found.gift_items.as_ref().map(Vec::len), Some(1));
    assert_eq!(found.blocks, ["tracking_qr"]);
    assert_eq!(event.to_owned_static(), event);
}

#[test]
fn no_insert_and_unknown_insert_differ() {
    for (fields, expected) in [
        (r#""insert":null"#, Some(None)),
        (r#""insert":"card-1""#, Some(Some("card-1"))),
        (r#""insert":"""#, Some(None)),
        (r#""delay":false"#, None),
    ] {
        let json = order(&format!(r#""kind":"shipped_with","order":"1",{fields}"#));
        let event = one(&json);
        let Body::Order(found) = event.body else { panic!("not an order") };
        assert_eq!(found.insert.as_ref().map(|insert| insert.as_deref()), expected, "{fields}");
    }
}

#[test]
fn address_changes_name_step_and_party() {
    let json = order(r#""kind":"address_change","order":"1","status":"Approved","by":"platform""#);
    let Body::Order(found) = one(&json).body else { panic!("not an order") };
    assert_eq!((found.status, found.by), (Some(ChangeStatus::Approved), Some(Party::Platform)));
}

#[test]
fn registries_are_read() {
    let json = registry(
        r#""kind":"template","template":"ship-01","status":"approved","class":"shipment_notice","surface":"chat","text":"№ {tracking_number}","version":2"#,
    );
    let Body::Registry(Registry::Template(found)) = one(&json).body else { panic!("not a template") };
    assert_eq!(found.template, "ship-01");
    assert_eq!(found.class, Some(TemplateClass::ShipmentNotice));
    assert_eq!(found.version.as_deref(), Some("2"));

    for (fields, expected) in [
        (
            r#""kind":"capability","name":"care","status":"revoked""#,
            Registry::Capability { name: "care".into(), granted: false },
        ),
        (
            r#""kind":"domain","domain":"brand.example","status":"registered""#,
            Registry::Domain { domain: "brand.example".into(), registered: true },
        ),
        (r#""kind":"store","title":"Shop""#, Registry::Store { title: Some("Shop".into()), time_zone: None }),
    ] {
        assert_eq!(one(&registry(fields)).body, Body::Registry(expected));
    }
}

#[test]
fn enforcements_and_dispositions_are_read() {
    let head = r#""event_id":"e","platform":"p","store":"7","occurred_at":"2026-10-01T09:00:00Z""#;
    let json = format!(
        r#"{{"type":"enforcement",{head},"kind":"freeze","reason":"4.3","message_id":1,"order":"5","agency":"a"}}"#
    );
    let Body::Enforcement(found) = one(&json).body else { panic!("not an enforcement") };
    assert_eq!(
        (found.kind.as_str(), found.message_id.as_deref(), found.order.order.as_deref()),
        ("freeze", Some("1"), Some("5"))
    );
    let json = format!(
        r#"{{"type":"disposition",{head},"verdict_id":"v","label":"misjudged","reviewer":"r","note":"n"}}"#
    );
    let Body::Disposition(found) = one(&json).body else { panic!("not a disposition") };
    assert_eq!((found.label.as_str(), found.note.as_deref()), ("misjudged", Some("n")));
}

#[test]
fn errors_have_a_code_and_name_the_field() {
    let time = r#""occurred_at":"2026-10-01T09:00:00Z""#;
    let secret = "секретный текст";
    for (json, code, says) in [
        (String::new(), ErrorCode::InvalidJson, "empty"),
        ("[1]".to_owned(), ErrorCode::InvalidJson, "object"),
        (format!(r#"{{"text":"{secret}"#), ErrorCode::InvalidJson, "line 1 column"),
        (format!("{}}}", message(&format!(r#""message_id":1,{time}"#))), ErrorCode::InvalidJson, "trailing"),
        (r#"{"type":"message","v":2}"#.to_owned(), ErrorCode::UnsupportedVersion, "version 2"),
        (r#"{"type":"message","v":"x"}"#.to_owned(), ErrorCode::UnsupportedVersion, "`v`"),
        (r#"{"v":1}"#.to_owned(), ErrorCode::MissingField, "`type`"),
        (format!(r#"{{"type":"{secret}"}}"#), ErrorCode::UnknownType, "message, order, registry"),
        (r#"{"type":"message","store":"7"}"#.to_owned(), ErrorCode::MissingField, "`platform`"),
        (r#"{"type":"message","platform":"p"}"#.to_owned(), ErrorCode::MissingField, "`store`"),
        (r#"{"type":"message","type":"order"}"#.to_owned(), ErrorCode::InvalidField, "`type`"),
        (message(time), ErrorCode::MissingField, "`event_id`"),
        (message(r#""message_id":1"#), ErrorCode::MissingField, "`occurred_at`"),
        (message(r#""message_id":1,"occurred_at":"yesterday""#), ErrorCode::InvalidTime, "`occurred_at`"),
        (message(r#""message_id":1,"occurred_at":1759309200"#), ErrorCode::InvalidField, "an integer"),
        (
            message(
                r#""message_id":1,"occurred_at":"2026-10-03T09:00:00Z","observed_at":"2026-10-01T09:00:00Z""#,
            ),
            ErrorCode::InvalidTime,
            "more than a day",
        ),
        (message(&format!(r#""message_id":1.5,{time}"#)), ErrorCode::InvalidField, "`message_id`"),
        (
            message(&format!(r#""message_id":1,"text":{{"a":"{secret}"}},{time}"#)),
            ErrorCode::InvalidField,
            "`text`",
        ),
        (
            message(&format!(r#""message_id":1,"attachments":[5],{time}"#)),
            ErrorCode::InvalidField,
            "`attachments`",
        ),
        (
            message(&format!(r#""message_id":1,"author":["{secret}"],{time}"#)),
            ErrorCode::InvalidField,
            "`author`",
        ),
        (order(r#""kind":"created""#), ErrorCode::MissingField, "`order`"),
        (order(r#""kind":"created","order":"1","delay":"yes""#), ErrorCode::InvalidField, "`delay`"),
        (
            order(r#""kind":"created","order":"1","items":[{"quantity":-1}]"#),
            ErrorCode::InvalidField,
            "`items.quantity`",
        ),
        (registry(r#""kind":"planet""#), ErrorCode::InvalidField, "`kind`"),
        (
            registry(r#""kind":"template","template":"t","status":"blessed""#),
            ErrorCode::InvalidField,
            "`status`",
        ),
        (registry(r#""kind":"domain","status":"registered""#), ErrorCode::MissingField, "`domain`"),
    ] {
        let error = decode(json.as_bytes()).expect_err(&json);
        assert_eq!(error.code, code, "{json}: {error}");
        assert!(error.message.contains(says), "{json}: {error}");
        assert!(!error.message.contains("секрет"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_text_and_records_without_end_are_refused() {
    let error = decode(b"{\"v\":1,\"text\":\"\xff\"}").unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidUtf8);
    assert!(error.message.contains("byte 15"), "{error}");
    assert_eq!(decode(&vec![b' '; 16 * 1024 * 1024 + 1]).unwrap_err().code, ErrorCode::TooLarge);
}

#[test]
fn a_json_error_names_the_byte() {
    let error = decode(b"{\n\"v\":1,\n  oops}").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::InvalidJson, "key must be a string at line 3 column 3 (byte 11)")
    );
}

#[test]
fn every_cut_of_a_record_is_an_error() {
    for end in 0..EXAMPLE.len() {
        assert!(decode(&EXAMPLE.as_bytes()[..end]).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(at in 0..EXAMPLE.len(), byte in any::<u8>(), cut in 0_usize..20) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.drain(at..(at + cut).min(bytes.len()));
        let _ = decode(&bytes);
    }
}
