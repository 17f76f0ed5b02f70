//! `score`: events in, verdicts out.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::config::{Flag, Verdicts};
use crate::engine::{Around, BareText, Effects, Emit, Engine, Outcome};
use crate::event::{Decoded, ErrorCode, Event, SkipReason, Surface, decode};
use crate::score::{Verdict, VerdictKind};
use crate::state::TaskState;
use crate::time::{Millis, TimeError};

use super::corpus::Row;
use super::input::{Inputs, Line, line_fault};
use super::rules::{PolicyArgs, Rules};
use super::summary::Summary;
use super::{Failure, Status, output};
use crate::clock;

/// Judge a history: events in, verdicts out
///
/// Reads events, one JSON object per line, in the canonical format or as native platform objects, and writes one
/// verdict per judged message and fired deadline. All inputs are one history, in the order they are named; rules run
/// on the time of the events, so a replay of a year gives the verdicts that the year would have had.
///
/// A line that cannot be read is reported on standard error with its number, counted and skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch score history.ndjson > verdicts.ndjson\n  \
    zcat 2026-*.ndjson.gz | contactwatch score --verdicts not_clean\n  \
    contactwatch score --until 2026-10-03T00:00:00Z history.ndjson   deadlines up to then fire\n  \
    contactwatch score --assume-reply drafts.ndjson                  rows {\"id\",\"lang\",\"text\"}\n  \
    contactwatch score --summary history.ndjson                      a table for people")]
pub(super) struct Args {
    /// Files of events, one JSON object per line; - or nothing is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Let time reach T after the last event: deadlines up to then fire
    #[arg(long, value_name = "T", value_parser = parse_time)]
    until: Option<Millis>,
    /// Judge rows {"id","lang","text"} as seller replies on Ozon inside an open window, each on its own
    #[arg(long, conflicts_with = "until")]
    assume_reply: bool,
    /// Stop at the first line that cannot be read (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Exit with 1 when a verdict is at least this bad
    #[arg(long, value_name = "VERDICT")]
    fail_on: Option<FailOn>,
    /// Which verdicts are written [default: all]
    #[arg(long, value_name = "WHICH")]
    verdicts: Option<Verdicts>,
    /// Instead of verdicts write a table for people: stores, rules, the worst messages
    #[arg(long)]
    summary: bool,
    /// Write counts on standard error at the end, also when that is no terminal
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Review,
    Violation,
}

fn parse_time(text: &str) -> Result<Millis, TimeError> {
    Millis::parse(text)
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let flag = args.verdicts.and_then(|verdicts| verdicts.to_possible_value());
    let flags: Vec<Flag> = flag
        .map(|value| Flag { flag: "--verdicts", key: "verdicts", value: value.get_name().to_owned() })
        .into_iter()
        .collect();
    let config = args.policy.load_config(&flags)?.config;
    let inputs = Inputs::new(&args.files)?;
    let rules = Rules::load(&config)?;
    // A summary counts clean messages too.
    let emit = if args.summary { Emit::All } else { config.verdicts.into() };
    let sink =
        if args.summary { Sink::Summary(Summary::default()) } else { Sink::Records(output::records()) };
    let mut task = Task {
        engine: Engine::new(rules.ruleset.clone(), emit),
        state: rules.state(),
        effects: Effects::default(),
        sink,
        emit,
        now: clock::now(),
        worst: VerdictKind::Clean,
        counts: Counts::default(),
    };
    inputs.each_line(|place, line, progress| {
        let result = match line {
            Line::Bytes(bytes) if args.assume_reply => task.row(bytes)?,
            Line::Bytes(bytes) => task.record(bytes)?,
            Line::TooLarge => Err((ErrorCode::TooLarge, "16 MiB or more; no event is that large".to_owned())),
        };
        let Err((code, message)) = result else { return Ok(()) };
        *task.counts.errors.entry(code.word()).or_default() += 1;
        let fault = line_fault(place, &message);
        if args.strict {
            task.sink.flush()?;
            return Err(Failure::runtime(fault));
        }
        progress.fault(&fault);
        Ok(())
    })?;
    task.end(args.until)?;
    if task.counts.events == 0 && !task.counts.errors.is_empty() {
        let shape =
            if args.assume_reply { "{\"id\",\"lang\",\"text\"}" } else { "`contactwatch schema event`" };
        anstream::eprintln!("nothing in the input could be judged: no line has the shape of {shape}");
    }
    if args.stats || io::stderr().is_terminal() {
        anstream::eprintln!("{}", task.counts.line());
    }
    let fail = args.fail_on.is_some_and(|fail_on| match fail_on {
        FailOn::Review => task.worst >= VerdictKind::Review,
        FailOn::Violation => task.worst == VerdictKind::Violation,
    });
    Ok(Status::findings(fail))
}

/// The engine's word for the configuration's.
enum Sink {
    Records(io::BufWriter<io::StdoutLock<'static>>),
    Summary(Summary),
}

impl Sink {
    fn take(&mut self, verdict: &Verdict) -> Result<(), Failure> {
        match self {
            Self::Records(out) => output::record(out, verdict),
            Self::Summary(summary) => {
                summary.add(verdict);
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(out) => out.flush()?,
            Self::Summary(summary) => {
                let mut page = output::page();
                summary.write(&mut page)?;
                page.flush()?;
            }
        }
        Ok(())
    }
}

struct Task {
    engine: Engine,
    state: TaskState,
    effects: Effects,
    sink: Sink,
    emit: Emit,
    now: Millis,
    worst: VerdictKind,
    counts: Counts,
}

/// A line that cannot be read.
type Fault = (ErrorCode, String);

impl Task {
    /// One line of events.
    fn record(&mut self, bytes: &[u8]) -> Result<Result<(), Fault>, Failure> {
        self.counts.lines += 1;
        match decode(bytes) {
            Ok(Decoded::One(event)) => self.event(&event)?,
            Ok(Decoded::Many(events)) => {
                for event in &events {
                    self.event(event)?;
                }
            }
            Ok(Decoded::Skipped(reason)) => *self.counts.skipped.entry(skip_word(reason)).or_default() += 1,
            Err(error) => return Ok(Err((error.code, error.message))),
        }
        Ok(Ok(()))
    }

    fn event(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        let outcome = self.engine.process(&mut self.state, event, &mut self.effects);
        *self.counts.outcomes.entry(outcome_word(outcome)).or_default() += 1;
        self.counts.events += 1;
        self.drain()
    }

    /// One row of a corpus, judged as a reply.
    fn row(&mut self, bytes: &[u8]) -> Result<Result<(), Fault>, Failure> {
        self.counts.lines += 1;
        let row = match Row::read(bytes) {
            Ok(row) => row,
            Err(message) => return Ok(Err((ErrorCode::InvalidField, message))),
        };
        let Row { text, id, .. } = &row;
        let bare = BareText {
            platform: "ozon",
            store: None,
            surface: Surface::Chat,
            text,
            id,
            at: self.now,
            around: Around::default(),
        };
        let verdict = self.engine.check_text(&bare, None);
        self.counts.events += 1;
        *self.counts.outcomes.entry(outcome_word(Outcome::Judged)).or_default() += 1;
        if self.emit == Emit::All || output::is_notable(&verdict) {
            self.effects.verdicts.push(verdict);
        }
        self.drain().map(Ok)
    }

    /// The input has ended.
    fn end(&mut self, until: Option<Millis>) -> Result<(), Failure> {
        if let Some(until) = until {
            self.engine.advance(&mut self.state, until, &mut self.effects);
        }
        self.engine.finish(&mut self.state, &mut self.effects);
        self.drain()?;
        self.sink.flush()
    }

    fn drain(&mut self) -> Result<(), Failure> {
        for verdict in self.effects.verdicts.drain(..) {
            self.worst = self.worst.max(verdict.verdict);
            self.counts.verdicts += 1;
            self.sink.take(&verdict)?;
        }
        Ok(())
    }
}

/// What became of the input, by bounded words.
#[derive(Default)]
struct Counts {
    lines: u64,
    events: u64,
    verdicts: u64,
    outcomes: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    errors: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn line(&self) -> String {
        let words = |counts: &BTreeMap<&str, u64>| {
            counts.iter().map(|(word, n)| format!("{word} {n}")).collect::<Vec<_>>().join(", ")
        };
        let mut line = format!("{} lines, {} events", self.lines, self.events);
        if !self.outcomes.is_empty() {
            line += &format!(" ({})", words(&self.outcomes));
        }
        line += &format!(", {} verdicts", self.verdicts);
        for (title, counts) in [("skipped", &self.skipped), ("errors", &self.errors)] {
            if !counts.is_empty() {
                line += &format!("; {title}: {}", words(counts));
            }
        }
        line
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Judged => "judged",
        Outcome::Observed => "observed",
        Outcome::Held => "held back",
        Outcome::Duplicate => "duplicate",
        Outcome::Unscored => "unscored",
    }
}

fn skip_word(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::NotContact => "not a contact or order event",
        SkipReason::NotEvent => "answer of an API",
        SkipReason::Empty => "empty page",
    }
}
