//! Properties over random histories of a small world: one store, three conversations, two orders.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contactwatch::engine::{Effects, Engine};
use contactwatch::event::{Decoded, Event, decode};
use contactwatch::score::{Trigger, Verdict};
use contactwatch::state::TaskState;
use contactwatch::state::codec::RecordKey;
use contactwatch::time::{Millis, Span};
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(support::engine);

const T0: Millis = Millis(1_790_000_000_000);
const TEXTS: [&str; 8] = [
    "Где мой заказ?",
    "Спасибо!",
    "Заказ в пути, ожидайте.",
    "Дарим скидку 10 % на следующий заказ",
    "Напишите нам в WhatsApp +7 900 000-11-22",
    "К этому заказу подарим чехол, положим его в посылку вместе с заказом.",
    "8 900",
    "",
];

/// One random event: what, where, when (seconds), with which words.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    place: u8,
    at: i64,
    text: usize,
}

fn step(span: i64) -> impl Strategy<Value = Step> {
    (0..12_u8, 0..3_u8, 0..span, 0..TEXTS.len()).prop_map(|(kind, place, at, text)| Step {
        kind,
        place,
        at,
        text,
    })
}

/// The step as a record of the canonical format.
fn record(number: usize, step: &Step) -> String {
    let at = T0.plus(Span::seconds(step.at));
    let platform = "wildberries";
    let head = |kind: &str, id: String| {
        format!(
            r#"{{"v":1,"type":"{kind}","event_id":"{platform}/1/{id}","platform":"{platform}","store":"1","occurred_at":"{at}","#
        )
    };
    let order = step.place % 2;
    let message = |author: &str, kind: &str, origin: &str| {
        format!(
            r#"{}"kind":"{kind}","conversation":"c{}","conversation_type":"buyer","message_id":"{number}","author":"{author}","origin":"{origin}","text":"{}","order":{{"order":"o{order}"}}}}"#,
            head("message", format!("m/{number}/{kind}")),
            step.place,
            TEXTS[step.text],
        )
    };
    let change = |state: &str| {
        let id = format!("o/o{order}/{state}/{number}");
        format!(r#"{}"kind":"state_changed","state":"{state}","order":"o{order}"}}"#, head("order", id))
    };
    match step.kind {
        0..=2 => message("buyer", "sent", "human"),
        3..=5 => message("seller", "sent", "human"),
        6 => message("seller", "edited", "erp"),
        7 => message("platform", "sent", "platform_automatic"),
        8 => change("paid"),
        9 => change("shipped"),
        10 => format!(
            r#"{}"kind":"shipped_with","order":"o{order}","gift_items":[{{"title":"Чехол"}}]}}"#,
            head("order", format!("o/o{order}/shipped_with/{number}"))
        ),
        _ => format!(
            r#"{}"kind":"capability","name":"wb_care","status":"{}"}}"#,
            head("registry", format!("r/capability/{number}")),
            if step.place == 0 { "revoked" } else { "granted" }
        ),
    }
}

fn with_events<R>(records: &[String], run: impl FnOnce(&[Event<'_>]) -> R) -> R {
    let events: Vec<Event<'_>> = records
        .iter()
        .map(|record| match decode(record.as_bytes()) {
            Ok(Decoded::One(event)) => event,
            other => panic!("{record}: {other:?}"),
        })
        .collect();
    run(&events)
}

fn verdicts<'a>(events: impl IntoIterator<Item = &'a Event<'a>>) -> Vec<Verdict> {
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for event in events {
        ENGINE.process(&mut state, event, &mut effects);
    }
    ENGINE.finish(&mut state, &mut effects);
    effects.verdicts
}

/// What was decided about what, a line each.
fn told(verdicts: &[Verdict]) -> Vec<String> {
    verdicts
        .iter()
        .map(|verdict| {
            let rules: Vec<&str> = verdict.findings.iter().map(|finding| &*finding.rule).collect();
            let Verdict { trigger, event_id, occurred_at, verdict, unknown, .. } = verdict;
            format!("{trigger:?} {event_id} {occurred_at} {verdict:?} {rules:?} {unknown:?}")
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened, the records of the state bring it back, and a tombstone for each empties it.
    #[test]
    fn state_survives_its_records(steps in prop::collection::vec(step(30 * 86_400), 0..40)) {
        let records: Vec<String> = steps.iter().enumerate().map(|(n, step)| record(n, step)).collect();
        with_events(&records, |events| {
            let mut state = TaskState::default();
            let mut effects = Effects::default();
            for event in events {
                ENGINE.process(&mut state, event, &mut effects);
            }
            let saved = state.records().unwrap();
            let mut restored = TaskState::default();
            for (key, record) in &saved {
                let key = RecordKey::decode(&key.encode().unwrap()).unwrap();
                restored.restore(&key, Some(record)).unwrap();
            }
            assert_eq!(restored.records().unwrap(), saved);
            assert_eq!(restored.stream_time(), state.stream_time());
        });
    }

    /// A repeat at any later place changes no verdict.
    #[test]
    fn a_repeat_anywhere_changes_nothing(
        steps in prop::collection::vec(step(5 * 86_400), 1..25),
        original in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        let records: Vec<String> = steps.iter().enumerate().map(|(n, step)| record(n, step)).collect();
        with_events(&records, |events| {
            let original = original.index(events.len());
            let place = original + 1 + place.index(events.len() - original);
            let mut repeated: Vec<&Event<'_>> = events.iter().collect();
            repeated.insert(place, &events[original]);
            assert_eq!(told(&verdicts(repeated)), told(&verdicts(events)));
        });
    }

    /// Events that come in another order within the hold-back give every seller message the same verdict. (Which of
    /// two allowed messages used up a quota depends on arrival, so the world has no proactive kinds here: no
    /// capability is ever granted, and edits and gifts stay out.)
    #[test]
    fn arrival_order_within_the_hold_back_does_not_matter(
        steps in prop::collection::vec(step(90), 1..12),
        order in any::<u64>(),
    ) {
        let steps: Vec<Step> = steps
            .into_iter()
            .filter(|step| matches!(step.kind, 0..=5))
            // What a buyer said may be quoted, and a quotation that is still under way cannot be known: buyers ask here.
            .map(|step| Step { text: step.text % if step.kind < 3 { 3 } else { 5 }, ..step })
            .collect();
        let records: Vec<String> = steps.iter().enumerate().map(|(n, step)| record(n, step)).collect();
        with_events(&records, |events| {
            let words = |verdicts: Vec<Verdict>| -> BTreeMap<String, String> {
                verdicts
                    .into_iter()
                    .filter(|verdict| verdict.trigger == Trigger::Message)
                    .map(|verdict| {
                        let rules: Vec<String> = verdict.findings.iter().map(|f| f.rule.to_string()).collect();
                        (verdict.event_id, format!("{:?} {rules:?}", verdict.verdict))
                    })
                    .collect()
            };
            let mut sorted: Vec<&Event<'_>> = events.iter().collect();
            sorted.sort_by_key(|event| event.occurred_at);
            let mut shuffled: Vec<&Event<'_>> = events.iter().collect();
            let mut seed = order | 1;
            for index in (1..shuffled.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(index, (seed >> 33) as usize % (index + 1));
            }
            assert_eq!(words(verdicts(shuffled)), words(verdicts(sorted)));
        });
    }
}
