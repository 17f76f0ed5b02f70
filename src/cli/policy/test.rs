//! `policy test`: the inline cases of every pack, and golden timelines.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::cases::{self, Failed};
use crate::cli::corpus::{Labelled, Timeline};
use crate::cli::input::{Inputs, Line, line_fault};
use crate::cli::output::{self, RED};
use crate::cli::rules::PolicyArgs;
use crate::cli::table::{Cell, Table};
use crate::cli::timelines::{self, Pair};
use crate::cli::{Failure, Status};

use super::{write_failed, write_verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of golden timelines, or directories of them
    #[arg(value_name = "TIMELINES")]
    timelines: Vec<PathBuf>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// How often a rule was expected, and what came.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Hits {
    expected: u64,
    hit: u64,
    missed: u64,
    unexpected: u64,
}

#[derive(Serialize)]
struct TestReport {
    v: u8,
    cases: usize,
    timelines: usize,
    failed: Vec<Failed>,
    rules: BTreeMap<String, Hits>,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let rules = args.policy.load()?;
    let mut report = TestReport {
        v: 1,
        cases: rules.policy.cases.len(),
        timelines: 0,
        failed: cases::run(&rules),
        rules: BTreeMap::new(),
    };
    let engine = crate::engine::Engine::new(rules.ruleset.clone(), crate::engine::Emit::All);
    if !args.timelines.is_empty() {
        let inputs = Inputs::new(&timelines::files(&args.timelines)?)?;
        inputs.each_line(|place, line, _| {
            let Line::Bytes(bytes) = line else {
                return Err(Failure::runtime(line_fault(place, "16 MiB or more")));
            };
            let fault = |message: String| Failure::usage(line_fault(place, &message));
            let Labelled::Timeline(timeline) = Labelled::read(bytes).map_err(fault)? else {
                return Err(fault("this is no timeline: it has no `events`".to_owned()));
            };
            let verdicts = timelines::run(&engine, rules.state(), &timeline).map_err(fault)?;
            report.timeline(&place.to_string(), &timeline, &timelines::pair(&timeline, &verdicts));
            Ok(())
        })?;
    }
    let mut page = output::page();
    if args.json {
        output::record(&mut page, &report)?;
    } else {
        report.write(&mut page)?;
    }
    page.flush()?;
    Ok(Status::findings(!report.failed.is_empty()))
}

impl TestReport {
    fn timeline(&mut self, place: &str, timeline: &Timeline<'_>, pairs: &[Pair<'_>]) {
        self.timelines += 1;
        for pair in pairs {
            if let Some(fault) = pair.fault() {
                self.failed.push(Failed { place: place.to_owned(), name: timeline.name.to_string(), fault });
            }
            let (expected, got) = pair.rules();
            for rule in expected.union(&got) {
                let hits = self.rules.entry(rule.clone()).or_default();
                match (expected.contains(rule), got.contains(rule)) {
                    (true, true) => (hits.expected, hits.hit) = (hits.expected + 1, hits.hit + 1),
                    (true, false) => (hits.expected, hits.missed) = (hits.expected + 1, hits.missed + 1),
                    _ => hits.unexpected += 1,
                }
            }
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write_failed(out, &self.failed)?;
        if !self.rules.is_empty() {
            let mut table = Table::new(&["rule", ">expected", ">hit", ">missed", ">unexpected"]);
            for (rule, hits) in &self.rules {
                table.row(vec![
                    Cell::text(rule),
                    Cell::number(hits.expected),
                    Cell::number(hits.hit),
                    Cell::number(hits.missed).style(RED),
                    Cell::number(hits.unexpected).style(RED),
                ]);
            }
            table.write(out)?;
        }
        write_verdict(out, self.cases, self.timelines, self.failed.len())
    }
}
