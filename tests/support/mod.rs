//! What several test programs need: the shipped engine, and the golden timelines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use contactwatch::engine::{Effects, Emit, Engine};
use contactwatch::event::{Decoded, Event, decode};
use contactwatch::policy::{self, Compilation};
use contactwatch::score::Verdict;
use contactwatch::shipped::{Part, Tree};
use contactwatch::state::TaskState;
use contactwatch::text::Scanner;
use contactwatch::text::scan::LexiconSources;
use contactwatch::time::{Millis, Span};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(crate) struct Timeline {
    pub name: String,
    #[serde(default)]
    pub until: Option<String>,
    pub events: Vec<Box<RawValue>>,
    pub expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub event_id: String,
    pub trigger: String,
    pub verdict: String,
    pub rules: BTreeSet<String>,
    pub reason: Option<String>,
    pub severity: Option<String>,
    pub unknown: Option<Vec<String>>,
    pub confidence: Option<String>,
    #[serde(default)]
    pub occurred_at: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
}

/// The shipped policy and scanner.
pub(crate) fn policy() -> (Compilation, Arc<Scanner>) {
    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    files.extend(tree.part(Part::Notices));
    let scanner = Scanner::compile(&LexiconSources { files: &files }).unwrap();
    let scanner = Arc::new(scanner.with_classifier(contactwatch::shipped::classifier()));
    let sources = policy::PolicySources {
        packs: tree.part(Part::Packs),
        notices: tree.part(Part::Notices),
        hold_back: Span::minutes(2),
        ..policy::PolicySources::default()
    };
    let policy = policy::build(&sources, &*scanner).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    (policy, scanner)
}

/// The engine as shipped.
pub(crate) fn engine() -> Engine {
    let (policy, scanner) = policy();
    Engine::new(Arc::new(policy.into_ruleset(scanner)), Emit::All)
}

/// Every verdict of a timeline.
pub(crate) fn run(engine: &Engine, timeline: &Timeline) -> Vec<Verdict> {
    effects(engine, timeline).verdicts
}

/// All that a timeline leaves.
pub(crate) fn effects(engine: &Engine, timeline: &Timeline) -> Effects {
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for event in events(timeline) {
        engine.process(&mut state, &event, &mut effects);
    }
    if let Some(until) = &timeline.until {
        engine.advance(&mut state, Millis::parse(until).unwrap(), &mut effects);
    }
    engine.finish(&mut state, &mut effects);
    effects
}

/// The events of a timeline, decoded.
pub(crate) fn events(timeline: &Timeline) -> Vec<Event<'_>> {
    let decoded = timeline.events.iter().map(|event| {
        decode(event.get().as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", timeline.name))
    });
    decoded
        .flat_map(|decoded| match decoded {
            Decoded::One(event) => vec![event],
            Decoded::Many(events) => events,
            Decoded::Skipped(_) => Vec::new(),
        })
        .collect()
}

/// Every golden timeline with its place.
pub(crate) fn timelines() -> Vec<(String, Timeline)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/timelines");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), number + 1);
            let timeline = serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            all.push((place, timeline));
        }
    }
    assert!(all.len() >= 260, "only {} timelines were found", all.len());
    all
}
