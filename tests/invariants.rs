//! What must hold for every history: evidence, determinism, restart, privacy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use contactwatch::engine::{Effects, Engine};
use contactwatch::event::{Event, decode};
use contactwatch::score::Verdict;
use contactwatch::state::TaskState;
use contactwatch::state::codec::RecordKey;
use contactwatch::time::Millis;
use support::{Timeline, engine, events, run, timelines};

fn bytes(verdicts: &[Verdict]) -> Vec<String> {
    verdicts.iter().map(|verdict| serde_json::to_string(verdict).unwrap()).collect()
}

/// Invariant 3.
#[test]
fn findings_have_evidence_in_the_original() {
    let engine = engine();
    for (place, timeline) in timelines() {
        for verdict in run(&engine, &timeline) {
            let text = events(&timeline)
                .iter()
                .filter(|event| event.event_id == verdict.event_id)
                .find_map(|event| event.message().and_then(|message| message.text.clone()))
                .unwrap_or_default();
            for finding in &verdict.findings {
                assert!(
                    !finding.evidence.is_empty() || !finding.facts.is_empty(),
                    "{place}: {}",
                    finding.rule
                );
                for evidence in finding.evidence.iter().filter(|_| verdict.message_id.is_some()) {
                    let (start, end) = (evidence.start as usize, evidence.end as usize);
                    assert!(text.get(start..end).is_some(), "{place}: {} {start}..{end}", finding.rule);
                }
            }
        }
    }
}

/// Invariant 5, live against replayed.
#[test]
fn a_replay_gives_the_same_bytes() {
    let (first, second) = (engine(), engine());
    for (place, timeline) in timelines() {
        assert_eq!(bytes(&run(&first, &timeline)), bytes(&run(&second, &timeline)), "{place}");
    }
}

/// Processes the timeline with a restart (all state through its records) before event number `cut`.
fn run_with_restart(engine: &Engine, timeline: &Timeline, cut: usize) -> Vec<Verdict> {
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for (index, event) in events(timeline).iter().enumerate() {
        if index == cut {
            state = restarted(engine, &state);
        }
        engine.process(&mut state, event, &mut effects);
    }
    if let Some(until) = &timeline.until {
        engine.advance(&mut state, Millis::parse(until).unwrap(), &mut effects);
    }
    engine.finish(&mut state, &mut effects);
    effects.verdicts
}

fn restarted(engine: &Engine, state: &TaskState) -> TaskState {
    let mut restored = TaskState::default();
    for (key, record) in state.records().unwrap() {
        let key = RecordKey::decode(&key.encode().unwrap()).unwrap();
        restored.restore(&key, Some(&record)).unwrap();
    }
    engine.rearm(&mut restored);
    assert_eq!(
        restored.records().unwrap(),
        state.records().unwrap(),
        "records do not survive the round trip"
    );
    restored
}

/// Invariant 5, over restarts: wherever the history is cut, the verdicts are those of the undisturbed run.
#[test]
fn a_restored_state_goes_on_as_if_nothing_had_happened() {
    let engine = engine();
    for (place, timeline) in timelines() {
        let undisturbed = bytes(&run(&engine, &timeline));
        let length = events(&timeline).len();
        for cut in [1, length / 2, length.saturating_sub(1)] {
            let disturbed = bytes(&run_with_restart(&engine, &timeline, cut));
            assert_eq!(disturbed, undisturbed, "{place}: cut before event {cut}");
        }
    }
}

/// As [`a_restored_state_goes_on_as_if_nothing_had_happened`], with all histories one after another in one task: its
/// time runs ahead of most of them, so that what is due is due late.
#[test]
fn a_restored_task_goes_on_as_if_nothing_had_happened() {
    let engine = engine();
    let timelines = timelines();
    let mut all: Vec<Event<'_>> = Vec::new();
    for (number, (_, timeline)) in timelines.iter().enumerate() {
        all.extend(events(timeline).into_iter().map(|mut event| {
            event.store = format!("{}-{number}", event.store).into();
            event
        }));
    }
    let end = Millis::parse("2027-01-01T00:00:00Z").unwrap();
    let run = |restarts: &dyn Fn(usize) -> bool| {
        let mut state = TaskState::default();
        let mut effects = Effects::default();
        for (index, event) in all.iter().enumerate() {
            if restarts(index) {
                state = restarted(&engine, &state);
            }
            engine.process(&mut state, event, &mut effects);
        }
        engine.advance(&mut state, end, &mut effects);
        bytes(&effects.verdicts)
    };
    let undisturbed = run(&|_| false);
    for every in [2, 3, 5] {
        let disturbed = run(&|index| index % every == 0);
        let lost: Vec<_> = undisturbed.iter().filter(|verdict| !disturbed.contains(verdict)).collect();
        assert!(lost.is_empty(), "every {every}: {} lost: {:#?}", lost.len(), &lost[..lost.len().min(5)]);
        assert_eq!(disturbed, undisturbed, "a restart before every event number {every}");
    }
}

/// Duplicates change nothing: every history told twice over gives the verdicts of the history.
#[test]
fn repeats_change_nothing() {
    let engine = engine();
    for (place, timeline) in timelines() {
        let mut state = TaskState::default();
        let mut effects = Effects::default();
        for event in events(&timeline) {
            engine.process(&mut state, &event, &mut effects);
            engine.process(&mut state, &event, &mut effects);
        }
        if let Some(until) = &timeline.until {
            engine.advance(&mut state, Millis::parse(until).unwrap(), &mut effects);
        }
        engine.finish(&mut state, &mut effects);
        assert_eq!(bytes(&effects.verdicts), bytes(&run(&engine, &timeline)), "{place}");
    }
}

/// Invariant 8, as far as the core speaks: errors name fields, excerpts mask contacts.
#[test]
fn errors_and_excerpts_tell_no_secrets() {
    const SECRET: &str = "Позвоните +7 900 000-11-22, Анна";
    for broken in [
        format!(
            r#"{{"v":1,"type":"message","platform":"p","store":"s","text":"{SECRET}","occurred_at":"x","message_id":"1"}}"#
        ),
        format!(r#"{{"v":1,"type":"message","text":"{SECRET}""#),
        format!(
            r#"{{"v":1,"type":"message","platform":"p","store":"s","text":["{SECRET}"],"message_id":"1"}}"#
        ),
        format!(r#"{{"v":1,"type":"{SECRET}"}}"#),
    ] {
        let error = decode(broken.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains("900 000") && !error.contains("Анна"), "{error}");
    }
    let engine = engine();
    for (place, timeline) in timelines() {
        for verdict in run(&engine, &timeline) {
            for evidence in verdict.findings.iter().flat_map(|finding| &finding.evidence) {
                let digits = evidence.excerpt.split(|c: char| !c.is_ascii_digit() && !" -()".contains(c));
                let longest = digits.map(|run| run.chars().filter(char::is_ascii_digit).count()).max();
                assert!(longest < Some(7), "{place}: {}", evidence.excerpt);
            }
        }
    }
}
