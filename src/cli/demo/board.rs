//! What the demo has seen, and how that is told.

use std::collections::BTreeSet;
use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::findings::{self, Shown};
use crate::cli::output::{BOLD, DIM, GREEN, RED, YELLOW, count, severity_style, styled};
use crate::cli::summary::{Summary, fact};
use crate::cli::table::{Cell, Table};
use crate::demo::{Demo, Progress};
use crate::kafka::dead_letter::Letter;
use crate::policy::Mode;
use crate::score::{Finding, Verdict, VerdictKind};
use crate::time::Millis;

/// Rows of the tables at the end.
const ROWS: usize = 12;
/// Column in which the reasons begin.
const REASONS: usize = 36;
/// Column in which clause and advice begin.
const EXPLANATIONS: usize = 12;
/// Width of the column of stores and places.
const PLACE: usize = REASONS - 13;

/// Verdicts of one platform.
#[derive(Clone, Debug, Default)]
struct Row {
    platform: String,
    clean: u64,
    review: u64,
    violation: u64,
}

/// Everything that was seen.
#[derive(Default)]
pub(super) struct Board {
    rows: Vec<Row>,
    summary: Summary,
    dead_letters: u64,
    /// Rules that were explained already.
    explained: BTreeSet<String>,
}

impl Board {
    /// Takes a verdict.
    pub(super) fn judged(&mut self, verdict: &Verdict) {
        self.summary.add(verdict);
        let index = match self.rows.binary_search_by(|row| row.platform.cmp(&verdict.platform)) {
            Ok(index) => index,
            Err(index) => {
                self.rows.insert(index, Row { platform: verdict.platform.clone(), ..Row::default() });
                index
            }
        };
        let row = &mut self.rows[index];
        match verdict.verdict {
            VerdictKind::Clean => row.clean += 1,
            VerdictKind::Review => row.review += 1,
            VerdictKind::Violation => row.violation += 1,
        }
    }

    /// Takes a dead letter.
    pub(super) fn unreadable(&mut self) {
        self.dead_letters += 1;
    }

    /// A violation in lines for people: when, where, which rules by which words; what a rule says, the first time.
    /// Lines longer than `width` are cut.
    pub(super) fn tell(&mut self, verdict: &Verdict, width: usize) -> Vec<String> {
        let when = minute(&verdict.occurred_at);
        let store = format!("{}/{}", verdict.platform, verdict.store);
        let mut lines = Vec::new();
        for Shown { finding, .. } in findings::shown(verdict) {
            if finding.mode == Mode::Shadow {
                continue;
            }
            let head = match lines.is_empty() {
                true => format!("{DIM}{when}{DIM:#} {store:<PLACE$}"),
                false => " ".repeat(REASONS - 1),
            };
            let rule = styled(severity_style(finding.severity), &finding.rule);
            let reasons = fit(reasons(finding), width.saturating_sub(REASONS + finding.rule.len()));
            lines.push(format!("{head} {rule}{reasons}"));
            if self.explained.insert(finding.rule.to_string()) {
                let room = width.saturating_sub(EXPLANATIONS);
                for text in [finding.clause.to_string(), format!("→ {}", finding.advice)] {
                    lines.push(format!("{:EXPLANATIONS$}{DIM}{}{DIM:#}", "", fit(text, room)));
                }
            }
        }
        lines
    }

    /// A dead letter as a line for people.
    pub(super) fn tell_letter(letter: &Letter, width: usize) -> String {
        let place = format!("{}/{}@{}", letter.origin.topic, letter.origin.partition, letter.origin.offset);
        let error = fit(letter.error.clone(), width.saturating_sub(REASONS + letter.code.len() + 2));
        format!("{DIM}dead letter{DIM:#} {place:<PLACE$} {}: {error}", styled(YELLOW, &letter.code))
    }

    /// The live block.
    pub(super) fn block(&self, progress: &Progress, rate: u64, waits_for: Option<String>) -> String {
        let mut table = Table::new(&["", ">verdicts", ">clean", ">review", ">violation"]);
        for row in &self.rows {
            table.row(vec![
                Cell::text(&*row.platform),
                Cell::number(row.clean + row.review + row.violation),
                Cell::number(row.clean).style(GREEN),
                Cell::number(row.review).style(YELLOW),
                Cell::number(row.violation).style(RED),
            ]);
        }
        let mut out = Vec::new();
        // Writing into memory does not fail.
        let _ = writeln!(out).and_then(|()| table.write(&mut out));
        let table = String::from_utf8_lossy(&out).into_owned();
        format!("{table}  {}\n  {}", self.flow(progress, rate, waits_for), self.results(progress))
    }

    /// How things stand, in one line.
    pub(super) fn line(&self, progress: &Progress, rate: u64, waits_for: Option<String>) -> String {
        let sum = |of: fn(&Row) -> u64| self.rows.iter().map(of).sum::<u64>();
        format!(
            "{DIM}--{DIM:#} {}; {} clean, {} to review, {}; {}",
            self.flow(progress, rate, waits_for),
            sum(|row| row.clean),
            sum(|row| row.review),
            count(sum(|row| row.violation), "violation"),
            self.results(progress),
        )
    }

    fn flow(&self, progress: &Progress, rate: u64, waits_for: Option<String>) -> String {
        let time = minute(&progress.simulated.to_string());
        let lag = progress.written.saturating_sub(progress.committed);
        let begins = waits_for.map_or_else(String::new, |what| format!("   {YELLOW}{what} ...{YELLOW:#}"));
        format!("{BOLD}{time} UTC{BOLD:#}   {rate} events/s   lag {lag}{begins}")
    }

    fn results(&self, progress: &Progress) -> String {
        let alerts = match progress.alerts {
            Some(alerts) => format!("alerts {} active, {} resolved", alerts.active, alerts.resolved),
            None => format!("alerts {} sent", progress.sent),
        };
        format!("{alerts}   dead letters {}", self.dead_letters)
    }

    /// What was caught.
    pub(super) fn sum_up(&self, out: &mut impl Write, demo: &Demo, progress: &Progress) -> io::Result<()> {
        self.summary.write_tables(out, ROWS)?;
        let totals = demo.totals();
        writeln!(out, "\n{BOLD}Around{BOLD:#}")?;
        writeln!(
            out,
            "  {} written, {} committed with their verdicts; {} met twice",
            count(progress.written, "event"),
            progress.committed,
            totals.duplicates,
        )?;
        let to = if demo.has_stand_in() { "the stand-in for Alertmanager" } else { "Alertmanager" };
        let taken = match progress.alerts {
            Some(alerts) => format!("{} active, {} resolved", alerts.active, alerts.resolved),
            None => format!("{} active", totals.alerts_active),
        };
        let written = count(totals.alerts_written, "alert record");
        writeln!(out, "  {written} for {to}: {taken}")?;
        let unreadable = count(self.dead_letters, "unreadable record");
        writeln!(out, "  {unreadable} to the dead letters, of {} planted", demo.planted())?;
        let reviewed = count(totals.reviews, "verdict");
        let acts = count(totals.enforcements, "act");
        writeln!(out, "  {reviewed} labelled by the reviewer, {acts} of a marketplace")
    }
}

/// By what a rule was broken: the words, or the facts.
fn reasons(finding: &Finding) -> String {
    let mut reasons: Vec<String> =
        finding.facts.get("reason").map(|reason| fact(reason).replace('_', " ")).into_iter().collect();
    reasons.extend(finding.evidence.iter().take(3).map(|evidence| format!("«{}»", evidence.excerpt)));
    if reasons.is_empty() {
        reasons.extend(finding.facts.iter().filter_map(|(name, value)| told(name, &fact(value))));
    }
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) }
}

/// A fact as a few words; `None` for ids, and for the deadline that the line begins with.
fn told(name: &str, value: &str) -> Option<String> {
    if name == "deadline" || name.ends_with("_id") || value.contains('/') {
        return None;
    }
    let value = match Millis::parse(value) {
        Ok(at) => minute(&at.to_string()),
        Err(_) => value.to_owned(),
    };
    Some(format!("{} {value}", name.replace('_', " ")))
}

/// A text that is no wider on the screen.
fn fit(text: String, width: usize) -> String {
    if text.width() <= width {
        return text;
    }
    let mut fitted = String::new();
    let mut taken = 1;
    for letter in text.chars() {
        taken += letter.width().unwrap_or(0);
        if taken > width {
            break;
        }
        fitted.push(letter);
    }
    fitted.push('…');
    fitted
}

/// Day and minute of a time.
fn minute(at: &str) -> String {
    at.get(5..16).unwrap_or_default().replace('T', " ")
}

/// The line above everything.
pub(super) fn head(demo: &Demo, stores: usize) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{BOLD}contactwatch demo{BOLD:#}: {} on Ozon, Wildberries and Yandex Market, an hour in every second",
            count(stores as u64, "simulated store"),
        ),
        format!(
            "  {DIM}Kafka{DIM:#}         embedded in this process; the daemon between its topics is the real one"
        ),
    ];
    if let Some(address) = demo.http_address() {
        lines.push(format!(
            "  {DIM}metrics{DIM:#}       {}",
            styled(BOLD, &format!("http://{address}/metrics"))
        ));
    }
    let stand_in = if demo.has_stand_in() { " (a stand-in)" } else { "" };
    lines.push(format!("  {DIM}Alertmanager{DIM:#}  {}{stand_in}", demo.alertmanager()));
    lines.push(String::new());
    lines
}
