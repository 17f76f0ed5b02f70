//! `backtest`: how often is it wrong, and what does that prove?

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::backtest::{self, Budget, Group, GroupBy, Report, Sample, Side, Status as Standing, Wording};
use crate::engine::{Around, BareText, Emit, Engine};
use crate::event::Surface;
use crate::score::VerdictKind;
use crate::time::Millis;

use super::corpus::{Labelled, Row};
use super::input::{Inputs, Line, line_fault};
use super::output::{BOLD, DIM, GREEN, RED, YELLOW};
use super::rules::{PolicyArgs, Rules};
use super::table::{Cell, Table};
use super::timelines;
use super::{Failure, Status, output};
use crate::clock;

/// Measure misjudgments and misses on labelled texts, with confidence bounds
///
/// Rows are {"id","lang","text","label","source"}; a row may name `platform` and `surface` (Ozon and chat otherwise),
/// the `rules` that must be found, its `family`, whether it is `hard` (benign in the words of violations) or how it is
/// `obfuscated`, and what is around it: `buyer`, `earlier`, `items`, `numbers`. Timelines are
/// {"name","events","until","expect"}.
///
/// Labels: benign must not be flagged; promo, offplatform, review_solicit and violation must be. unknown and
/// spam_other count on neither side. A text is flagged when its verdict is a violation.
///
/// Bounds are one-sided 95 % Clopper-Pearson bounds. Exits with 1 when the misjudgment rate of ordinary benign texts,
/// as a whole or of one language, is not proven below the budget although there are texts enough to prove it, or that
/// of hard ones below theirs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch backtest corpus/*.ndjson\n  \
    contactwatch backtest --budget 0.001 --json corpus/*.ndjson > report.json\n  \
    contactwatch backtest --half tune --show misjudged 20 corpus/*.ndjson")]
pub(super) struct Args {
    /// Labelled rows or timelines, one JSON object per line; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Judge every row as a seller's reply on Ozon, whatever `platform` and `surface` it names
    #[arg(long)]
    assume_reply: bool,
    /// Largest allowed rate of misjudgments
    #[arg(long, value_name = "RATE", default_value = "0.003", value_parser = parse_rate)]
    budget: f64,
    /// Largest allowed rate of misjudgments of rows that are `hard`
    #[arg(long, value_name = "RATE", default_value = "0.03", value_parser = parse_rate)]
    hard_budget: f64,
    /// Read only half of the rows, chosen by a hash of their text: tune on the one, believe the other
    #[arg(long, value_name = "HALF")]
    half: Option<Half>,
    /// Write the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Also show N texts that were misjudged, missed or left to a reviewer, with the findings
    #[arg(long, num_args = 2, value_names = ["WHICH", "N"])]
    show: Option<Vec<String>>,
    /// Stop at the first line that cannot be read (exit code 3)
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Show {
    Misjudged,
    Missed,
    Review,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Half {
    Tune,
    Report,
}

impl Half {
    fn holds(self, text: &str) -> bool {
        backtest::Half::of(text)
            == match self {
                Self::Tune => backtest::Half::Tune,
                Self::Report => backtest::Half::Report,
            }
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("expected a rate between 0 and 1, such as 0.003".to_owned()),
    }
}

fn parse_show(show: Option<&[String]>) -> Result<Option<(Show, usize)>, Failure> {
    let Some([which, number]) = show else { return Ok(None) };
    let fault = || {
        Failure::usage(format!("--show {which} {number}: expected misjudged, missed or review, and a number"))
    };
    let which = Show::from_str(which, false).map_err(|_| fault())?;
    Ok(Some((which, number.parse().map_err(|_| fault())?)))
}

/// A text that was misjudged or missed.
struct Example {
    sample: Sample,
    text: String,
    words: Vec<String>,
}

struct Backtest {
    engine: Engine,
    rules: Rules,
    assume_reply: bool,
    now: Millis,
    half: Option<Half>,
    show: Option<(Show, usize)>,
    samples: Vec<Sample>,
    examples: Vec<Example>,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let show = parse_show(args.show.as_deref())?;
    let inputs = Inputs::new(&timelines::files(&args.files)?)?;
    let rules = args.policy.load()?;
    let mut backtest = Backtest {
        engine: Engine::new(rules.ruleset.clone(), Emit::All),
        rules,
        assume_reply: args.assume_reply,
        now: clock::now(),
        half: args.half,
        show,
        samples: Vec::new(),
        examples: Vec::new(),
    };
    let mut errors = 0_u64;
    inputs.each_line(|place, line, progress| {
        let result = match line {
            Line::Bytes(bytes) => backtest.line(bytes),
            Line::TooLarge => Err("16 MiB or more".to_owned()),
        };
        let Err(message) = result else { return Ok(()) };
        errors += 1;
        let fault = line_fault(place, &message);
        if args.strict {
            return Err(Failure::runtime(fault));
        }
        progress.fault(&fault);
        Ok(())
    })?;
    if backtest.samples.is_empty() {
        let unread = if errors > 0 {
            format!(" ({} could not be read)", output::count(errors, "line"))
        } else {
            String::new()
        };
        return Err(Failure::runtime(format!("no labelled text was read{unread}: this proves nothing")));
    }
    let budget = Budget { ordinary: args.budget, hard: args.hard_budget };
    let report = backtest::report(&backtest.samples, budget);
    let mut page = output::page();
    if args.json {
        output::record(&mut page, &report)?;
    } else {
        write(&mut page, &report, errors)?;
        for example in &backtest.examples {
            write_example(&mut page, example)?;
        }
    }
    page.flush()?;
    Ok(Status::findings(report.over_budget()))
}

impl Backtest {
    fn line(&mut self, bytes: &[u8]) -> Result<(), String> {
        match Labelled::read(bytes)? {
            Labelled::Row(row) => self.row(&row),
            Labelled::Timeline(timeline) => {
                let verdicts = timelines::run(&self.engine, self.rules.state(), &timeline)?;
                let samples = timelines::pair(&timeline, &verdicts);
                self.samples.extend(samples.iter().map(|pair| pair.sample(&timeline)));
                Ok(())
            }
        }
    }

    fn row<'a>(&mut self, row: &'a Row<'_>) -> Result<(), String> {
        let label = row.label()?;
        if self.half.is_some_and(|half| !half.holds(&row.text)) {
            return Ok(());
        }
        let (platform, surface) = match (self.assume_reply, &row.platform) {
            (true, _) => ("ozon", Surface::Chat),
            (false, platform) => (platform.as_deref().unwrap_or("ozon"), row.surface()?),
        };
        if !self.rules.platforms().contains(&platform) {
            let known = self.rules.platforms().join(", ");
            return Err(format!("no policy pack is for the platform \"{platform}\"; expected {known}"));
        }
        let words = |list: &'a [String]| list.iter().map(String::as_str).collect::<Vec<&'a str>>();
        let (earlier, items, numbers) = (words(&row.earlier), words(&row.items), words(&row.numbers));
        let around =
            Around { buyer: row.buyer.as_deref(), earlier: &earlier, items: &items, numbers: &numbers };
        let (text, id) = (&*row.text, &*row.id);
        let bare = BareText { platform, store: None, surface, text, id, at: self.now, around };
        let (verdict, asked) = self.engine.judge_text(&bare, None);
        let sample = Sample {
            id: row.id.to_string(),
            lang: row.lang.to_string(),
            source: row.source.to_string(),
            label,
            wording: if row.hard || !row.obfuscated.is_empty() {
                Wording::Difficult
            } else {
                Wording::Ordinary
            },
            family: row.family.to_string(),
            disguise: row.obfuscated.clone(),
            expected: row.rules.clone(),
            verdict: verdict.verdict,
            found: timelines::convicting(&verdict),
            undone: timelines::undone(&verdict),
            asked,
        };
        if let Some((show, limit)) = self.show
            && self.examples.len() < limit
            && match show {
                Show::Misjudged => sample.misjudged(),
                Show::Missed => sample.missed(),
                Show::Review => sample.label.side().is_some() && sample.verdict == VerdictKind::Review,
            }
        {
            let mut words = Vec::new();
            // Every clause that the same words break has a finding of its own.
            for evidence in verdict.findings.iter().flat_map(|finding| &finding.evidence) {
                let word = format!("{} \"{}\"", evidence.signal, evidence.excerpt);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            self.examples.push(Example { sample: sample.clone(), text: row.text.to_string(), words });
        }
        self.samples.push(sample);
        Ok(())
    }
}

fn percent(rate: f64) -> String {
    format!("{:.4} %", rate * 100.0)
}

fn write(out: &mut impl Write, report: &Report, errors: u64) -> io::Result<()> {
    let uncounted: Vec<String> = report.uncounted.iter().map(|(label, n)| format!("{n} {label}")).collect();
    write!(out, "{BOLD}{}{BOLD:#}", output::count(report.rows, "text"))?;
    if !uncounted.is_empty() {
        write!(out, ", of which {} count on neither side", uncounted.join(" and "))?;
    }
    if errors > 0 {
        write!(out, "; {} could not be read", output::count(errors, "line"))?;
    }
    writeln!(out)?;
    for side in [Side::Benign, Side::Violating] {
        write_side(out, report, side)?;
    }
    write_asked(out, report)?;
    let over = report.over_budget();
    let budget = format!("{} %", (report.budget * 1e6).round() / 1e4);
    let proven = report.groups.iter().any(|group| group.status == Some(Standing::Within));
    let (style, verdict) = match (over, proven) {
        (true, _) => (RED, format!("over the budget of {budget}")),
        (false, true) => (GREEN, format!("within the budget of {budget} where there are texts enough")),
        (false, false) => {
            (YELLOW, format!("unproven: {} clean benign texts would prove {budget}", report.needed))
        }
    };
    writeln!(out, "\nMisjudgments: {style}{verdict}{style:#}")
}

/// How many texts of every wording went on to the encoder.
fn write_asked(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let wordings = report.groups.iter().filter(|group| group.by == GroupBy::Wording && group.asked > 0);
    let shares = wordings.map(|group| {
        format!("{:.1} % of {} texts", 100.0 * group.asked as f64 / group.n.max(1) as f64, group.key)
    });
    let shares: Vec<String> = shares.collect();
    if shares.is_empty() {
        Ok(())
    } else {
        writeln!(out, "\nThe encoder was asked about {}", shares.join(", "))
    }
}

fn write_side(out: &mut impl Write, report: &Report, side: Side) -> io::Result<()> {
    let groups: Vec<&Group> = report.groups.iter().filter(|group| group.side == side).collect();
    if groups.is_empty() {
        return Ok(());
    }
    let (title, head): (_, &[&str]) = match side {
        Side::Benign => (
            "Benign: misjudged, with the upper 95 % bound",
            &["", "", ">n", ">flagged", ">review", ">rate", ">at most", ""],
        ),
        Side::Violating => (
            "Violations: found, with the lower 95 % bound; named: for the reason of the label",
            &["", "", ">n", ">found", ">review", ">named", ">rate", ">at least"],
        ),
    };
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")?;
    let mut table = Table::new(head);
    let mut seen: BTreeMap<GroupBy, ()> = BTreeMap::new();
    for group in groups {
        let first = seen.insert(group.by, ()).is_none();
        let by = match group.by {
            GroupBy::All => "all",
            GroupBy::Label => "label",
            GroupBy::Lang => "language",
            GroupBy::Source => "source",
            GroupBy::Rule => "rule",
            GroupBy::Wording => "wording",
            GroupBy::LangWording => "language and wording",
            GroupBy::Family => "family",
            GroupBy::Disguise => "disguise",
            GroupBy::Undone => "undone",
        };
        let key = if group.by == GroupBy::All { "" } else { &group.key };
        let mut row = vec![
            Cell::text(if first { by } else { "" }).style(DIM),
            Cell::text(key),
            Cell::number(group.n),
            Cell::number(group.flagged).style(if side == Side::Benign { RED } else { GREEN }),
            Cell::number(group.review),
        ];
        row.extend(group.named.map(Cell::number));
        row.push(Cell::right(percent(group.rate)));
        row.push(Cell::right(percent(group.bound)));
        if side == Side::Benign {
            row.push(match group.status {
                Some(Standing::Within) => Cell::text("within").style(GREEN),
                Some(Standing::Over) => Cell::text("over").style(RED),
                Some(Standing::Unproven) => Cell::text("unproven").style(YELLOW),
                None => Cell::text(""),
            });
        }
        table.row(row);
    }
    table.write(out)
}

fn write_example(out: &mut impl Write, example: &Example) -> io::Result<()> {
    let Example { sample, text, words } = example;
    let what = match (sample.misjudged(), sample.missed()) {
        (true, _) => "misjudged",
        (_, true) => "missed",
        _ => "to review",
    };
    writeln!(
        out,
        "\n{RED}{what}{RED:#} {BOLD}{}{BOLD:#} {DIM}{} {} {}{DIM:#}\n  {}",
        sample.id,
        sample.lang,
        sample.label.as_str(),
        sample.found.join(", "),
        text.replace('\n', "\n  "),
    )?;
    for word in words {
        writeln!(out, "  {DIM}= {word}{DIM:#}")?;
    }
    Ok(())
}
