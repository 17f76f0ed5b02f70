//! `Engine::process` with the shipped packs on a 354-byte event, beside a bare Aho-Corasick scan of the same text; and what
//! the classifier adds, to texts that it is asked about and to those that are settled without it.
//!
//! Ratios between the rows of one run mean something; absolute times belong to the machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use contactwatch::engine::{Effects, Emit, Engine};
use contactwatch::event::{Decoded, decode};
use contactwatch::policy::{self, PolicySources};
use contactwatch::shipped::{self, Part, Tree};
use contactwatch::state::TaskState;
use contactwatch::text::classifier::Model;
use contactwatch::text::scan::LexiconSources;
use contactwatch::text::{ScanContext, Scanner, Scratch, Signals};
use contactwatch::time::{Millis, Span};
use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};

/// A clean Russian answer that makes the event 354 bytes long.
const TEXT: &str = "Здравствуйте! Чехол подойдёт, вырез под камеру совпадает";
const GREETING: &str = "Здравствуйте! Спасибо, всего доброго!";
const PHONE: &str = "Здравствуйте! Чехол подойдёт, звоните 8 916 123-45-67";

fn record(n: i64) -> String {
    record_of(TEXT, n)
}

/// An event whose text names a model where it says "Чехол".
fn record_of(text: &str, n: i64) -> String {
    let at = Millis(1_790_000_000_000).plus(Span(n));
    let head = format!(
        r#"{{"v":1,"type":"message","event_id":"ozon/7/m/{n:010}/sent","platform":"ozon","store":"7","occurred_at":"{at}","kind":"sent","conversation":"c{:03}","author":"seller","origin":"human","channel":"platform_chat","text":""#,
        n % 1000
    );
    // A model in every text: the same words to a thousand buyers would be a burst.
    let model: String =
        (0..5).filter_map(|place| "дзлнф".chars().nth((n / 5_i64.pow(place) % 5) as usize)).collect();
    format!("{head}{}\"}}", text.replace("Чехол", &format!("Чехол {model}")))
}

/// The fields of the benchmarked event, borrowed.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Plain<'a> {
    v: u32,
    r#type: &'a str,
    event_id: &'a str,
    platform: &'a str,
    store: &'a str,
    occurred_at: &'a str,
    kind: &'a str,
    conversation: &'a str,
    author: &'a str,
    origin: &'a str,
    channel: &'a str,
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

fn engine(classifier: Option<Model>) -> (Engine, Arc<Scanner>) {
    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    let scanner = Scanner::compile(&LexiconSources { files: &files }).expect("the shipped lexicons compile");
    let scanner = Arc::new(match classifier {
        Some(model) => scanner.with_classifier(model),
        None => scanner,
    });
    let sources = PolicySources {
        packs: tree.part(Part::Packs),
        notices: tree.part(Part::Notices),
        hold_back: Span::minutes(2),
        ..PolicySources::default()
    };
    let policy = policy::build(&sources, &*scanner).expect("the shipped packs compile");
    (Engine::new(Arc::new(policy.into_ruleset(Arc::clone(&scanner))), Emit::NotClean), scanner)
}

fn process(criterion: &mut Criterion) {
    let (plain, scanner) = engine(None);
    let bytes = record(0).len() as u64;
    let mut group = criterion.benchmark_group(format!("event of {bytes} bytes"));
    group.throughput(Throughput::Elements(1));

    let forms = scanner.forms();
    let folded = TEXT.to_lowercase();
    // For so many terms the rival's best is the NFA: its DFA takes hundreds of megabytes and is fast here only because
    // one text over and over stays in the cache.
    for kind in [AhoCorasickKind::ContiguousNFA, AhoCorasickKind::DFA] {
        let bare = AhoCorasick::builder().kind(Some(kind)).build(&forms).expect("the forms build");
        let name =
            format!("bare aho-corasick {kind:?}, {} terms, {} KiB", forms.len(), bare.memory_usage() / 1024);
        group.bench_function(name, |bencher| {
            bencher.iter(|| bare.find_overlapping_iter(black_box(&folded)).count());
        });
    }

    let event = record(0);
    group.bench_function("serde_json alone, borrowed, from bytes", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Plain<'_>>(black_box(event.as_bytes())).is_ok());
    });
    assert!(serde_json::from_slice::<Plain<'_>>(event.as_bytes()).is_ok());
    group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(event.as_bytes())).is_ok()));

    // A greeting and a phone number are settled before the classifier is asked.
    let (asking, asked) = engine(Some(shipped::classifier()));
    let (mut scratch, mut signals) = (Scratch::default(), Signals::default());
    let context = ScanContext { platform: "ozon", ..ScanContext::default() };
    for (what, text) in [("an answer", TEXT), ("a greeting", GREETING), ("a phone number", PHONE)] {
        for (scanner, with) in [(&scanner, "without"), (&asked, "with")] {
            group.bench_function(format!("scan {what}, {with} the classifier"), |bencher| {
                bencher.iter(|| scanner.scan(black_box(text), &context, &mut scratch, &mut signals));
            });
        }
    }
    for (what, text, clean) in [("an answer", TEXT, true), ("a phone number", PHONE, false)] {
        for (engine, with) in [(&plain, "without"), (&asking, "with")] {
            let name = format!("decode + Engine::process {what}, {with} the classifier");
            group.bench_function(name, |bencher| judge(bencher, engine, text, clean));
        }
    }
    group.finish();
}

/// Answers to a thousand buyers who asked, one after the other.
fn judge(bencher: &mut Bencher<'_>, engine: &Engine, text: &str, clean: bool) {
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for n in 0..1000 {
        let opening =
            record(n).replace("\"author\":\"seller\"", "\"author\":\"buyer\"").replace("/sent", "/asked");
        if let Ok(Decoded::One(event)) = decode(opening.as_bytes()) {
            engine.process(&mut state, &event, &mut effects);
        }
    }
    let records: Vec<String> = (0..20_000).map(|n| record_of(text, n)).collect();
    let mut next = records.iter().cycle();
    let mut lap = 0_u64;
    let mut id = String::new();
    bencher.iter(|| {
        let Some(record) = next.next() else { return };
        let Ok(Decoded::One(mut event)) = decode(black_box(record.as_bytes())) else { return };
        // Every id is new: a repeat would be dropped before it is judged.
        lap += 1;
        id.clear();
        std::fmt::Write::write_fmt(&mut id, format_args!("{lap}")).ok();
        event.event_id = std::borrow::Cow::Borrowed(&id);
        effects.clear();
        engine.process(&mut state, &event, &mut effects);
    });
    assert_eq!(effects.verdicts.is_empty(), clean, "{text}: {:?}", effects.verdicts.first());
}

criterion_group!(benches, process);
criterion_main!(benches);
