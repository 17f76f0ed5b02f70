//! Verdicts as a table for people: which stores are at risk, which rules hit, and the worst messages with the reason.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::policy::{Mode, Severity};
use crate::score::{Finding, Verdict, VerdictKind};

use super::findings::{self, Shown};
use super::output::{
    BOLD, DIM, GREEN, RED, YELLOW, count, severity_style, severity_word, styled, verdict_style,
};
use super::table::{Cell, Table};

/// How many of the worst verdicts are shown, and how many of one store and of one rule: a page is to show what there
/// is, not the same thing ten times.
const WORST: usize = 10;
const WORST_OF_STORE: usize = 3;
const WORST_OF_RULE: usize = 2;
/// How many stores and rules are shown.
const ROWS: usize = 30;

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    clean: u64,
    review: u64,
    violation: u64,
    score: f64,
}

impl Count {
    fn add(&mut self, verdict: &Verdict) {
        match verdict.verdict {
            VerdictKind::Clean => self.clean += 1,
            VerdictKind::Review => self.review += 1,
            VerdictKind::Violation => self.violation += 1,
        }
        self.score = self.score.max(verdict.score);
    }

    fn all(&self) -> u64 {
        self.clean + self.review + self.violation
    }
}

#[derive(Debug)]
struct RuleCount {
    severity: Severity,
    counted: u64,
    shadow: u64,
    stores: BTreeSet<(String, String)>,
}

/// Everything that was judged, counted.
#[derive(Debug, Default)]
pub(super) struct Summary {
    stores: BTreeMap<(String, String), Count>,
    rules: BTreeMap<String, RuleCount>,
    worst: Vec<Verdict>,
}

impl Summary {
    /// Takes one verdict.
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let store = (verdict.platform.clone(), verdict.store.clone());
        self.stores.entry(store.clone()).or_default().add(verdict);
        for Shown { finding, .. } in findings::shown(verdict) {
            let rule = self.rules.entry(finding.rule.to_string()).or_insert_with(|| RuleCount {
                severity: finding.severity,
                counted: 0,
                shadow: 0,
                stores: BTreeSet::new(),
            });
            rule.severity = rule.severity.max(finding.severity);
            match finding.mode {
                Mode::Enforce => rule.counted += 1,
                Mode::Shadow => rule.shadow += 1,
            }
            rule.stores.insert(store.clone());
        }
        if verdict.verdict != VerdictKind::Clean {
            self.worst.push(verdict.clone());
            // Keeps memory bounded on a long history; sorting here and there is cheaper than a heap of verdicts.
            if self.worst.len() >= 4096 {
                self.rank();
                self.worst.truncate(1024);
            }
        }
    }

    /// The worst first. Equal ones in the order of time, so that two runs agree.
    fn rank(&mut self) {
        self.worst.sort_by(|a, b| {
            let key = |verdict: &Verdict| (Reverse(verdict.verdict), Reverse((verdict.score * 10.0) as i64));
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.occurred_at, &a.event_id).cmp(&(&b.occurred_at, &b.event_id)))
        });
    }

    /// Writes the tables, and the worst verdicts.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.write_tables(out, ROWS)?;
        self.write_worst(out)
    }

    /// Writes the tables: so many of the worst stores, and the rules.
    pub(super) fn write_tables(&self, out: &mut impl Write, stores: usize) -> io::Result<()> {
        let mut total = Count::default();
        for count in self.stores.values() {
            total.clean += count.clean;
            total.review += count.review;
            total.violation += count.violation;
        }
        if total.all() == 0 {
            return writeln!(out, "nothing was judged: no message of a seller, and no deadline passed");
        }
        writeln!(
            out,
            "{BOLD}{} in {}{BOLD:#}: {}, {}, {}",
            count(total.all(), "verdict"),
            count(self.stores.len() as u64, "store"),
            styled(GREEN, &format!("{} clean", total.clean)),
            styled(YELLOW, &format!("{} to review", total.review)),
            styled(RED, &count(total.violation, "violation")),
        )?;
        self.write_stores(out, stores)?;
        self.write_rules(out)
    }

    fn write_stores(&self, out: &mut impl Write, rows: usize) -> io::Result<()> {
        if self.stores.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{BOLD}Stores{BOLD:#}")?;
        let mut table = Table::new(&["store", ">judged", ">clean", ">review", ">violation", ">worst score"]);
        let mut stores: Vec<_> = self.stores.iter().collect();
        stores.sort_by_key(|(store, count)| (Reverse(count.violation), Reverse(count.review), *store));
        for ((platform, store), count) in stores.iter().take(rows) {
            table.row(vec![
                Cell::text(format!("{platform}/{store}")),
                Cell::number(count.all()),
                Cell::number(count.clean),
                Cell::number(count.review).style(YELLOW),
                Cell::number(count.violation).style(RED),
                Cell::right(format!("{:.1}", count.score)),
            ]);
        }
        table.write(out)?;
        more(out, stores.len(), rows)
    }

    fn write_rules(&self, out: &mut impl Write) -> io::Result<()> {
        if self.rules.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{BOLD}Rules{BOLD:#}")?;
        let shadow = self.rules.values().any(|found| found.shadow > 0);
        let mut head = vec!["rule", "severity", ">findings", ">stores"];
        if shadow {
            head.push(">only in shadow");
        }
        let mut table = Table::new(&head);
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(rule, count)| (Reverse(count.counted), Reverse(count.shadow), *rule));
        for (rule, found) in rules.iter().take(ROWS) {
            let mut row = vec![
                Cell::text(*rule),
                Cell::text(severity_word(found.severity)).style(severity_style(found.severity)),
                Cell::number(found.counted),
                Cell::number(found.stores.len() as u64),
            ];
            if shadow {
                row.push(Cell::number(found.shadow).style(DIM));
            }
            table.row(row);
        }
        table.write(out)?;
        more(out, rules.len(), ROWS)
    }

    /// The worst, but not the same thing again and again.
    fn varied(&self) -> Vec<&Verdict> {
        let (mut of_store, mut of_rule) = (BTreeMap::new(), BTreeMap::new());
        let mut worst = Vec::new();
        for verdict in &self.worst {
            let rule =
                verdict.findings.iter().find(|finding| finding.mode == Mode::Enforce).map(|f| &*f.rule);
            let store: &mut usize = of_store.entry((&verdict.platform, &verdict.store)).or_default();
            let rule: &mut usize = of_rule.entry(rule).or_default();
            if *store < WORST_OF_STORE && *rule < WORST_OF_RULE && worst.len() < WORST {
                *store += 1;
                *rule += 1;
                worst.push(verdict);
            }
        }
        worst
    }

    fn write_worst(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.rank();
        let worst = self.varied();
        if worst.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{BOLD}The worst{BOLD:#}")?;
        for verdict in worst {
            let style = verdict_style(verdict.verdict);
            writeln!(
                out,
                "  {style}{} {:.1}{style:#}  {}/{}  {}  {DIM}{}{DIM:#}",
                verdict.verdict.as_str(),
                verdict.score,
                verdict.platform,
                verdict.store,
                verdict.occurred_at,
                verdict.event_id,
            )?;
            for Shown { finding, .. } in findings::shown(verdict) {
                write_finding(out, finding)?;
            }
            for unknown in &verdict.unknown {
                writeln!(out, "    {DIM}not known: {unknown}{DIM:#}")?;
            }
        }
        Ok(())
    }
}

fn write_finding(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let style = severity_style(finding.severity);
    write!(out, "    {style}{}{style:#}", finding.rule)?;
    if let Some(reason) = finding.facts.get("reason") {
        write!(out, " ({})", fact(reason))?;
    }
    if finding.mode == Mode::Shadow {
        write!(out, " {DIM}(shadow: does not count){DIM:#}")?;
    }
    let words: Vec<String> =
        finding.evidence.iter().map(|evidence| format!("\"{}\"", evidence.excerpt)).collect();
    if !words.is_empty() {
        write!(out, ": {}", words.join(", "))?;
    } else if !finding.facts.contains_key("reason") {
        // Nothing was said wrongly: what was done is in the facts.
        let facts: Vec<String> =
            finding.facts.iter().map(|(name, value)| format!("{name} {}", fact(value))).collect();
        write!(out, ": {}", facts.join(", "))?;
    }
    writeln!(out, "\n      {DIM}clause {}{DIM:#}", finding.clause)
}

/// A fact as people read it.
pub(super) fn fact(value: &crate::score::FactValue) -> String {
    use crate::score::FactValue;
    match value {
        FactValue::Text(text) => text.clone(),
        FactValue::Number(number) => number.to_string(),
        FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        FactValue::List(words) => words.join(", "),
    }
}

fn more(out: &mut impl Write, rows: usize, shown: usize) -> io::Result<()> {
    if rows > shown {
        writeln!(out, "  {DIM}… and {} more{DIM:#}", rows - shown)?;
    }
    Ok(())
}
