//! Hostile input: each gives a clear error or a bounded verdict, none panics, none costs more than its size.

mod support;

use std::borrow::Cow;

use contactwatch::engine::{Effects, Outcome};
use contactwatch::event::{
    Author, Body, Channel, ConversationType, ErrorCode, Event, Message, Origin, TextFormat, TimeSource,
    decode,
};
use contactwatch::state::TaskState;
use contactwatch::time::{Millis, Span};
use support::engine;

const T0: Millis = Millis(1_790_000_000_000);

fn message(id: &str, author: Author, at: Millis, text: String) -> Event<'static> {
    Event {
        event_id: Cow::Owned(format!("ozon/7/m/{id}/sent")),
        platform: "ozon".into(),
        store: "7".into(),
        agency: None,
        occurred_at: at,
        time_source: TimeSource::Native,
        observed_at: None,
        body: Body::Message(Message {
            conversation: Some("c".into()),
            conversation_type: ConversationType::Buyer,
            message_id: Some(id.to_owned().into()),
            author,
            origin: Origin::Human,
            channel: Channel::PlatformChat,
            text: Some(text.into()),
            text_format: TextFormat::Markdown,
            ..Message::default()
        }),
    }
}

#[test]
fn broken_records_are_named_errors() {
    let huge = vec![b' '; 17 << 20];
    for (record, expected) in [
        (&b"\xff\xfe{}"[..], ErrorCode::InvalidUtf8),
        (b"{\"v\":1,\"type\":\"message\"", ErrorCode::InvalidJson),
        (b"[1,2]", ErrorCode::InvalidJson),
        (b"nonsense", ErrorCode::InvalidJson),
        (b"", ErrorCode::InvalidJson),
        (b"{\"v\":2,\"type\":\"message\"}", ErrorCode::UnsupportedVersion),
        (b"{\"v\":1,\"type\":\"telegram\"}", ErrorCode::UnknownType),
        (&huge, ErrorCode::TooLarge),
    ] {
        let shown = String::from_utf8_lossy(&record[..record.len().min(40)]).into_owned();
        let error = decode(record).expect_err(&shown);
        assert_eq!(error.code, expected, "{shown}: {error}");
    }
    for year in ["1970", "2200"] {
        let record = format!(
            r#"{{"v":1,"type":"message","platform":"ozon","store":"7","message_id":"1","author":"seller","text":"x","occurred_at":"{year}-01-01T00:00:00Z"}}"#
        );
        let error = decode(record.as_bytes()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidTime, "{error}");
    }
}

#[test]
fn hostile_texts_get_bounded_verdicts() {
    let engine = engine();
    let floods = [
        ("ten megabytes of words", "Добрый день, ваш заказ в пути. ".repeat(330_000)),
        ("zero width", format!("скид{}ка", "\u{200b}".repeat(1_000_000))),
        ("links", "https://shop.example/a ".repeat(10_000)),
        ("bare domains", "shop.example ".repeat(10_000)),
        ("nested Markdown", format!("{}x{}", "[".repeat(50_000), "](http://a.example)".repeat(50_000))),
        ("dots", ".".repeat(1_000_000)),
        ("digits", "8".repeat(1_000_000)),
        ("at signs", "@".repeat(500_000)),
        ("single letters", "с к и д к а ".repeat(50_000)),
        ("mixed scripts", "cкидkа ".repeat(50_000)),
        ("combining marks", format!("е{}", "\u{301}".repeat(500_000))),
        ("one word", "ж".repeat(1_000_000)),
        ("terms", "скидка промокод отзыв ".repeat(30_000)),
        ("number words", "восемь девятьсот ".repeat(50_000)),
    ];
    for (name, text) in floods {
        let mut state = TaskState::default();
        let mut effects = Effects::default();
        engine.process(&mut state, &message("b", Author::Buyer, T0, text.clone()), &mut effects);
        let reply = message("s", Author::Seller, T0.plus(Span::minutes(1)), text);
        engine.process(&mut state, &reply, &mut effects);
        assert_eq!(effects.verdicts.len(), 1, "{name}");
        let size = serde_json::to_string(&effects.verdicts[0]).unwrap().len();
        assert!(size < 64 * 1024, "{name}: a verdict of {size} bytes");
    }
}

#[test]
fn a_million_events_in_one_conversation_are_bounded() {
    let engine = engine();
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    let mut judged = 0;
    for n in 0..1_000_000_i64 {
        let author = if n % 2 == 0 { Author::Buyer } else { Author::Seller };
        let event = message(&n.to_string(), author, T0.plus(Span(n * 500)), "Когда придёт?".to_owned());
        if engine.process(&mut state, &event, &mut effects) == Outcome::Judged {
            judged += 1;
        }
        effects.verdicts.clear();
    }
    assert_eq!(judged, 500_000);
    let size: usize = state.records().unwrap().iter().map(|(_, record)| record.len()).sum();
    assert!(size < 64 * 1024, "{size} bytes of state");
    assert!(state.timers.len() < 1_000_000, "{} timers", state.timers.len());
}

/// The changelog may hold anything: a damaged record is an error, never a panic and never a wrong state.
#[test]
fn damaged_state_records_are_errors() {
    use contactwatch::state::StoreKey;
    use contactwatch::state::codec::{CodecError, RecordKey};
    let engine = engine();
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    engine.process(&mut state, &message("1", Author::Buyer, T0, "Где мой заказ?".to_owned()), &mut effects);
    for (key, record) in state.records().unwrap() {
        for cut in 0..record.len() {
            let result = TaskState::default().restore(&key, Some(&record[..cut]));
            assert!(result.is_err(), "{key:?} cut at {cut}");
        }
        let mut other = record.clone();
        other[0] = 99;
        let result = TaskState::default().restore(&key, Some(&other));
        assert_eq!(result, Err(CodecError::Version { found: 99 }));
    }
    let store = StoreKey { platform: "p".into(), store: "s".into() };
    let keys = [
        RecordKey::Task,
        RecordKey::Profile(store.clone()),
        RecordKey::Conversation(store.clone(), "c".into()),
        RecordKey::Order(store, "o".into()),
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..20_000 {
        let bytes: Vec<u8> = std::iter::once(1)
            .chain((0..round % 64).map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed as u8
            }))
            .collect();
        for key in &keys {
            let _ = TaskState::default().restore(key, Some(&bytes));
        }
        let _ = RecordKey::decode(&bytes);
    }
}
