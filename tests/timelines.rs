//! The golden timelines: whole histories of one store, and every verdict they must give.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use contactwatch::engine::{Effects, Emit, Engine};
use contactwatch::event::{Decoded, decode};
use contactwatch::policy::{self, Mode};
use contactwatch::score::{FactValue, Verdict};
use contactwatch::shipped::{Part, Tree};
use contactwatch::state::TaskState;
use contactwatch::text::Scanner;
use contactwatch::text::scan::LexiconSources;
use contactwatch::time::{Millis, Span};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Timeline {
    name: String,
    #[serde(default)]
    until: Option<String>,
    events: Vec<Box<RawValue>>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    event_id: String,
    trigger: String,
    verdict: String,
    rules: BTreeSet<String>,
    reason: Option<String>,
    severity: Option<String>,
    unknown: Option<Vec<String>>,
    confidence: Option<String>,
    #[serde(default)]
    #[allow(dead_code)]
    occurred_at: Option<String>,
    #[serde(default)]
    #[allow(dead_code)]
    note: Option<String>,
}

fn engine() -> Engine {
    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    let scanner = Arc::new(Scanner::compile(&LexiconSources { files: &files }).unwrap());
    let sources = policy::PolicySources {
        packs: tree.part(Part::Packs),
        notices: tree.part(Part::Notices),
        hold_back: Span::minutes(2),
        ..policy::PolicySources::default()
    };
    let policy = policy::build(&sources, &*scanner).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    Engine::new(Arc::new(policy.into_ruleset(scanner)), Emit::All)
}

fn run(engine: &Engine, timeline: &Timeline) -> Vec<Verdict> {
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for event in &timeline.events {
        match decode(event.get().as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", timeline.name)) {
            Decoded::One(event) => drop(engine.process(&mut state, &event, &mut effects)),
            Decoded::Many(events) => {
                for event in &events {
                    engine.process(&mut state, event, &mut effects);
                }
            }
            Decoded::Skipped(_) => {}
        }
    }
    if let Some(until) = &timeline.until {
        engine.advance(&mut state, Millis::parse(until).unwrap(), &mut effects);
    }
    engine.finish(&mut state, &mut effects);
    effects.verdicts
}

fn enforced(verdict: &Verdict) -> BTreeSet<String> {
    let enforced = verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
    enforced.map(|finding| finding.rule.to_string()).collect()
}

/// What is wrong, one line each.
fn compare(timeline: &Timeline, verdicts: &[Verdict]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rest: Vec<&Verdict> = verdicts.iter().collect();
    for expected in &timeline.expect {
        let word = |verdict: &Verdict| serde_json::to_value(verdict.trigger).unwrap().as_str().unwrap().to_owned();
        // A turn may fire several deadlines: the one with the wanted rules first.
        let wanted = |verdict: &&&Verdict| {
            verdict.event_id == expected.event_id && word(verdict) == expected.trigger
        };
        let exact = rest.iter().position(|v| wanted(&v) && enforced(v) == expected.rules && v.verdict.as_str() == expected.verdict && expected.severity.as_ref().is_none_or(|s| v.findings.iter().any(|f| format!("{:?}", f.severity).to_lowercase() == *s)));
        let Some(index) = exact.or_else(|| rest.iter().position(|v| wanted(&v))) else {
            faults.push(format!("no {} verdict for {}; expected {} {:?}", expected.trigger, expected.event_id, expected.verdict, expected.rules));
            continue;
        };
        let verdict = rest.remove(index);
        if verdict.verdict.as_str() != expected.verdict || enforced(verdict) != expected.rules {
            faults.push(format!(
                "{}: expected {} {:?}, got {} {:?} unknown {:?}",
                expected.event_id, expected.verdict, expected.rules, verdict.verdict.as_str(), enforced(verdict), verdict.unknown
            ));
        }
        if let Some(reason) = &expected.reason {
            let reasons: Vec<_> = verdict.findings.iter().filter(|f| f.mode == Mode::Enforce).filter_map(|f| f.facts.get("reason")).collect();
            if !reasons.contains(&&FactValue::Text(reason.clone())) {
                faults.push(format!("{}: expected reason {reason}, got {reasons:?}", expected.event_id));
            }
        }
        if let Some(unknown) = &expected.unknown
            && !unknown.iter().all(|fact| verdict.unknown.iter().any(|known| known.starts_with(fact)))
        {
            faults.push(format!("{}: expected unknown {unknown:?}, got {:?}", expected.event_id, verdict.unknown));
        }
        if let Some(confidence) = &expected.confidence {
            let found: Vec<String> = verdict.findings.iter().filter(|f| f.mode == Mode::Enforce).map(|f| format!("{:?}", f.confidence).to_lowercase()).collect();
            if !found.contains(confidence) {
                faults.push(format!("{}: expected confidence {confidence}, got {found:?}", expected.event_id));
            }
        }
    }
    for verdict in rest {
        faults.push(format!("unexpected {:?} verdict for {}: {} {:?}", verdict.trigger, verdict.event_id, verdict.verdict.as_str(), enforced(verdict)));
    }
    faults
}

#[test]
fn every_timeline_gives_exactly_its_verdicts() {
    let engine = engine();
    let dir = std::env::var("TIMELINES").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/timelines").to_owned());
    let mut failed = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = fs::read_dir(Path::new(&dir)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), number + 1);
            let timeline: Timeline = serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            count += 1;
            for fault in compare(&timeline, &run(&engine, &timeline)) {
                failed.push(format!("{place} {}: {fault}", timeline.name));
            }
        }
    }
    assert!(failed.is_empty(), "{} faults in {count} timelines:\n{}", failed.len(), failed.join("\n"));
}
