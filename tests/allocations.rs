//! A clean message costs no allocation once the buffers have grown (the hot path's budget).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use allocation_counter::measure;
use contactwatch::engine::{Effects, Emit, Engine, Outcome};
use contactwatch::event::{Decoded, decode};
use contactwatch::state::TaskState;
use contactwatch::time::{Millis, Span};

fn record(n: i64, author: &str, text: &str) -> String {
    let at = Millis(1_790_000_000_000).plus(Span::minutes(n));
    format!(
        r#"{{"v":1,"type":"message","event_id":"ozon/7/m/{n}/sent","platform":"ozon","store":"7","occurred_at":"{at}","kind":"sent","conversation":"c","conversation_type":"buyer","message_id":"{n}","author":"{author}","origin":"human","channel":"platform_chat","text":"{text}","text_format":"plain","buyer":"115568"}}"#
    )
}

#[test]
fn a_clean_message_allocates_nothing() {
    let engine = Engine::new(support::engine().ruleset().clone(), Emit::NotClean);
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    let answer = "Здравствуйте! Размер соответствует таблице, если сомневаетесь, берите на размер больше.";
    let mut allocations = Vec::new();
    for n in 0..64 {
        let (author, text) =
            if n == 0 { ("buyer", "Какой размер выбрать?") } else { ("seller", answer) };
        let record = record(n, author, text);
        let mut outcome = Outcome::Observed;
        let info = measure(|| {
            let Ok(Decoded::One(event)) = decode(record.as_bytes()) else { return };
            outcome = engine.process(&mut state, &event, &mut effects);
        });
        assert_eq!(outcome == Outcome::Judged, n > 0, "message {n}");
        allocations.push(info.count_total);
    }
    assert!(effects.verdicts.is_empty(), "{:?}", effects.verdicts);
    // The list of ids seen doubles now and then; every other message is free.
    let paying: Vec<usize> = (8..64).filter(|n| allocations[*n] > 0).collect();
    assert!(paying.len() <= 6, "messages {paying:?} allocated: {allocations:?}");
}
