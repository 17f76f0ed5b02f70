//! `policy test`: the inline cases of every pack, and golden timelines.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::corpus::{Labelled, Timeline};
use crate::cli::input::{Inputs, Line, line_fault};
use crate::cli::output::{self, RED};
use crate::cli::rules::PolicyArgs;
use crate::cli::table::{Cell, Table};
use crate::cli::timelines::{self, Pair};
use crate::cli::{Failure, Status};
use crate::trial::HitsByRule;

use super::{Failed, write_failed, write_verdict};

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

#[derive(Serialize)]
struct TestReport {
    v: u8,
    cases: usize,
    timelines: usize,
    failed: Vec<Failed>,
    rules: HitsByRule,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let rules = args.policy.load_on_trial()?;
    let mut report = TestReport {
        v: 1,
        cases: rules.policy.cases.len(),
        timelines: 0,
        failed: rules.policy.failing().map(Failed::of).collect(),
        rules: HitsByRule::default(),
    };
    for case in &rules.policy.cases {
        report.rules.count_case(case);
    }
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
                let (place, name) = (place.to_owned(), timeline.name.to_string());
                self.failed.push(Failed { place, pack: None, name, fault });
            }
            let (expected, got) = pair.rules();
            let shared = |rules: BTreeSet<String>| rules.into_iter().map(Arc::from).collect();
            self.rules.count(&shared(expected), &shared(got));
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write_failed(out, &self.failed)?;
        let mut rules = self.rules.iter().peekable();
        if rules.peek().is_some() {
            let mut table = Table::new(&["rule", ">expected", ">hit", ">missed", ">unexpected"]);
            for (rule, hits) in rules {
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
