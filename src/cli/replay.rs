//! `replay`: what would another policy have said of the same history?

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::engine::{Effects, Emit, Engine};
use crate::event::{Decoded, decode};
use crate::policy::{Mode, Severity};
use crate::score::{Verdict, VerdictKind};
use crate::state::TaskState;
use crate::time::Millis;

use super::input::{Inputs, Line, line_fault};
use super::output::{BOLD, DIM, severity_word, verdict_style};
use super::rules::{PolicyArgs, Rules};
use super::table::{Cell, Table};
use super::{Failure, Status, output};

/// Judge a history with two policies, and show which verdicts change, and why
///
/// The policies in force (--policies, --config, or the shipped ones) are held against those in DIR.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch init ./new && $EDITOR ./new/policies/ozon/*.yaml\n  \
    contactwatch replay --against ./new history.ndjson        what would my edit have changed?\n  \
    contactwatch replay --against ./new --json history.ndjson | jq .event_id")]
pub(super) struct Args {
    /// Policies to hold against those in force
    #[arg(long, value_name = "DIR")]
    against: PathBuf,
    /// Files of events, one JSON object per line; - or nothing is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Let time reach T after the last event
    #[arg(long, value_name = "T", value_parser = |text: &str| Millis::parse(text))]
    until: Option<Millis>,
    /// Write one JSON object per changed verdict
    #[arg(long)]
    json: bool,
    /// Stop at the first line that cannot be read (exit code 3)
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What one policy thinks of one thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Opinion {
    verdict: VerdictKind,
    score: f64,
    /// Rules with enforced findings, and how bad.
    rules: BTreeMap<String, Severity>,
}

impl Opinion {
    fn of(verdict: &Verdict) -> Self {
        let mut rules = BTreeMap::new();
        for finding in verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce) {
            let severity = rules.entry(finding.rule.to_string()).or_insert(finding.severity);
            *severity = (*severity).max(finding.severity);
        }
        Self { verdict: verdict.verdict, score: verdict.score, rules }
    }
}

/// A verdict that changes.
#[derive(Debug, Serialize)]
struct Change {
    verdict_id: String,
    event_id: String,
    platform: String,
    store: String,
    occurred_at: String,
    /// `null` where the policy gives no verdict at all.
    old: Option<Opinion>,
    new: Option<Opinion>,
    /// Why: rules added, removed, or of another severity.
    why: Vec<String>,
}

/// One side: a policy, its state, what it said and nobody has compared yet.
struct Side {
    engine: Engine,
    state: TaskState,
    effects: Effects,
    said: HashMap<String, (Opinion, Verdict)>,
}

impl Side {
    fn new(rules: &Rules) -> Self {
        Self {
            engine: Engine::new(rules.ruleset.clone(), Emit::All),
            state: rules.state(),
            effects: Effects::default(),
            said: HashMap::new(),
        }
    }

    fn process(&mut self, event: &crate::event::Event<'_>) {
        self.engine.process(&mut self.state, event, &mut self.effects);
    }

    fn end(&mut self, until: Option<Millis>) {
        if let Some(until) = until {
            self.engine.advance(&mut self.state, until, &mut self.effects);
        }
        self.engine.finish(&mut self.state, &mut self.effects);
    }
}

/// What changed, counted.
#[derive(Default)]
struct Tally {
    compared: u64,
    changes: u64,
    verdicts: BTreeMap<(&'static str, &'static str), u64>,
    rules: BTreeMap<String, (u64, u64)>,
}

struct Replay<W: Write> {
    old: Side,
    new: Side,
    tally: Tally,
    json: bool,
    out: W,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let config = args.policy.load_config(&[])?.config;
    let mut other = config.clone();
    other.policies.dir = Some(args.against.clone());
    let inputs = Inputs::new(&args.files)?;
    let (old, new) = (Rules::load(&config)?, Rules::load(&other)?);
    let mut replay = Replay {
        old: Side::new(&old),
        new: Side::new(&new),
        tally: Tally::default(),
        json: args.json,
        out: output::page(),
    };
    inputs.each_line(|place, line, progress| {
        let decoded = match line {
            Line::Bytes(bytes) => decode(bytes).map_err(|error| error.message),
            Line::TooLarge => Err("16 MiB or more; no event is that large".to_owned()),
        };
        match decoded {
            Ok(Decoded::One(event)) => replay.event(&event)?,
            Ok(Decoded::Many(events)) => {
                for event in &events {
                    replay.event(event)?;
                }
            }
            Ok(Decoded::Skipped(_)) => {}
            Err(message) => {
                let fault = line_fault(place, &message);
                if args.strict {
                    return Err(Failure::runtime(fault));
                }
                progress.fault(&fault);
            }
        }
        Ok(())
    })?;
    replay.end(args.until)?;
    Ok(Status::Fine)
}

impl<W: Write> Replay<W> {
    fn event(&mut self, event: &crate::event::Event<'_>) -> Result<(), Failure> {
        self.old.process(event);
        self.new.process(event);
        self.compare()
    }

    /// Verdicts that both sides have given. A message held back by one side alone waits for the other.
    fn compare(&mut self) -> Result<(), Failure> {
        let old: Vec<Verdict> = self.old.effects.verdicts.drain(..).collect();
        let new: Vec<Verdict> = self.new.effects.verdicts.drain(..).collect();
        for verdict in old {
            self.old.said.insert(verdict.verdict_id.clone(), (Opinion::of(&verdict), verdict));
        }
        for verdict in new {
            let opinion = Opinion::of(&verdict);
            match self.old.said.remove(&verdict.verdict_id) {
                Some((old, _)) => self.pair(&verdict, Some(old), Some(opinion))?,
                None => drop(self.new.said.insert(verdict.verdict_id.clone(), (opinion, verdict))),
            }
        }
        // A verdict of the old side may meet one that the new side gave earlier.
        if !self.new.said.is_empty() {
            let ids: Vec<String> =
                self.old.said.keys().filter(|id| self.new.said.contains_key(*id)).cloned().collect();
            for id in ids {
                if let (Some((old, _)), Some((new, verdict))) =
                    (self.old.said.remove(&id), self.new.said.remove(&id))
                {
                    self.pair(&verdict, Some(old), Some(new))?;
                }
            }
        }
        Ok(())
    }

    fn end(mut self, until: Option<Millis>) -> Result<(), Failure> {
        self.old.end(until);
        self.new.end(until);
        self.compare()?;
        let mut alone: Vec<(Verdict, Option<Opinion>, Option<Opinion>)> = Vec::new();
        alone.extend(self.old.said.drain().map(|(_, (opinion, verdict))| (verdict, Some(opinion), None)));
        alone.extend(self.new.said.drain().map(|(_, (opinion, verdict))| (verdict, None, Some(opinion))));
        alone.sort_by(|(a, ..), (b, ..)| {
            (&a.occurred_at, &a.verdict_id).cmp(&(&b.occurred_at, &b.verdict_id))
        });
        for (verdict, old, new) in alone {
            self.pair(&verdict, old, new)?;
        }
        if !self.json {
            if self.tally.changes > 0 {
                writeln!(self.out)?;
            }
            self.tally.write(&mut self.out)?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn pair(&mut self, verdict: &Verdict, old: Option<Opinion>, new: Option<Opinion>) -> Result<(), Failure> {
        self.tally.compared += 1;
        let why = why(old.as_ref(), new.as_ref());
        let word = |opinion: &Option<Opinion>| opinion.as_ref().map_or("none", |o| o.verdict.as_str());
        if why.is_empty() && word(&old) == word(&new) {
            return Ok(());
        }
        // A deadline that passes without a word on one side and with a clean verdict on the other changes nothing.
        if old.as_ref().or(new.as_ref()).is_some_and(|o| o.rules.is_empty())
            && (old.is_none() || new.is_none())
        {
            return Ok(());
        }
        self.tally.count(&old, &new, word(&old), word(&new));
        let change = Change {
            verdict_id: verdict.verdict_id.clone(),
            event_id: verdict.event_id.clone(),
            platform: verdict.platform.clone(),
            store: verdict.store.clone(),
            occurred_at: verdict.occurred_at.clone(),
            old,
            new,
            why,
        };
        if self.json { output::record(&mut self.out, &change) } else { Ok(change.write(&mut self.out)?) }
    }
}

fn why(old: Option<&Opinion>, new: Option<&Opinion>) -> Vec<String> {
    let empty = BTreeMap::new();
    let (old, new) = (old.map_or(&empty, |o| &o.rules), new.map_or(&empty, |o| &o.rules));
    let mut why = Vec::new();
    for rule in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        match (old.get(rule), new.get(rule)) {
            (Some(_), None) => why.push(format!("-{rule}")),
            (None, Some(severity)) => why.push(format!("+{rule} ({})", severity_word(*severity))),
            (Some(a), Some(b)) if a != b => {
                why.push(format!("{rule}: {} → {}", severity_word(*a), severity_word(*b)));
            }
            _ => {}
        }
    }
    why
}

impl Change {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let word = |opinion: &Option<Opinion>| match opinion {
            Some(opinion) => {
                let style = verdict_style(opinion.verdict);
                format!("{style}{}{style:#}", opinion.verdict.as_str())
            }
            None => "none".to_owned(),
        };
        let Self { platform, store, occurred_at, event_id, why, .. } = self;
        let why = if why.is_empty() { "facts or confidence differ".to_owned() } else { why.join(", ") };
        writeln!(
            out,
            "{} → {}  {platform}/{store}  {occurred_at}  {DIM}{event_id}{DIM:#}\n    {why}",
            word(&self.old),
            word(&self.new)
        )
    }
}

impl Tally {
    fn count(&mut self, old: &Option<Opinion>, new: &Option<Opinion>, from: &'static str, to: &'static str) {
        self.changes += 1;
        *self.verdicts.entry((from, to)).or_default() += 1;
        let has = |opinion: &Option<Opinion>, rule: &str| {
            opinion.as_ref().is_some_and(|o| o.rules.contains_key(rule))
        };
        for opinion in [old, new].into_iter().flatten() {
            for rule in opinion.rules.keys() {
                let counts = self.rules.entry(rule.clone()).or_default();
                match (has(old, rule), has(new, rule)) {
                    (true, false) => counts.0 += 1,
                    (false, true) => counts.1 += 1,
                    _ => {}
                }
            }
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{BOLD}{} of {} verdicts change{BOLD:#}", self.changes, self.compared)?;
        for ((old, new), n) in &self.verdicts {
            writeln!(out, "  {n} {old} → {new}")?;
        }
        let changed: Vec<_> = self.rules.iter().filter(|(_, counts)| **counts != (0, 0)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut table = Table::new(&["rule", ">no longer", ">newly"]);
        for (rule, (removed, added)) in changed {
            table.row(vec![Cell::text(rule), Cell::number(*removed), Cell::number(*added)]);
        }
        table.write(out)
    }
}
