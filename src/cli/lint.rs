//! `lint`: will this text pass?

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use clap::ValueEnum;

use crate::engine::{Around, BareText, Emit, Engine};
use crate::event::Surface;
use crate::policy::{Mode, nearest};
use crate::score::{Finding, Verdict, VerdictKind};
use crate::text::Confidence;

use super::output::{BOLD, DIM, GREEN, severity_style, severity_word, verdict_style};
use super::rules::{PolicyArgs, Rules};
use super::underline::underline;
use super::{Failure, Status, findings, input, output};
use crate::clock;

/// Check texts before they are sent: findings with the words underlined
///
/// In the chat a text is judged as a seller's answer in time to a buyer who wrote first; elsewhere as what is shown
/// there. Exits with 1 when a text would be a violation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch lint \"Дарим скидку 10 % на следующий заказ\"\n  \
    contactwatch lint --platform all --surface insert - < card.txt\n  \
    contactwatch lint --json \"Напишите нам в Telegram\" | jq .findings")]
pub(super) struct Args {
    /// Texts to check, each by itself; - or nothing is standard input, read as one text
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Platform whose policies judge, or `all`
    #[arg(long, value_name = "PLATFORM", default_value = "ozon")]
    platform: String,
    /// Where the text is shown
    #[arg(long, value_name = "SURFACE", default_value = "chat")]
    surface: Where,
    /// Write verdicts, one JSON object per line, instead of a page for people
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Where {
    /// A message of a conversation
    Chat,
    /// A template, before it is rendered
    Template,
    /// A card in the parcel
    Insert,
    /// The order page
    OrderPage,
}

impl From<Where> for Surface {
    fn from(place: Where) -> Self {
        match place {
            Where::Chat => Self::Chat,
            Where::Template => Self::Template,
            Where::Insert => Self::Insert,
            Where::OrderPage => Self::OrderPage,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let rules = args.policy.load()?;
    let platforms = platforms(&rules, &args.platform)?;
    let engine = Engine::new(rules.ruleset.clone(), Emit::All);
    let texts = match args.texts.as_slice() {
        [] => vec![input::whole(Path::new("-"))?],
        [only] if only == "-" => vec![input::whole(Path::new("-"))?],
        texts => texts.to_vec(),
    };
    let now = clock::now();
    let mut worst = VerdictKind::Clean;
    let mut page = output::page();
    let mut another = false;
    for (index, text) in texts.iter().enumerate() {
        for platform in &platforms {
            let id = format!("lint/{}", index + 1);
            let surface = args.surface.into();
            let bare = BareText {
                platform,
                store: None,
                surface,
                text,
                id: &id,
                at: now,
                around: Around::default(),
            };
            let verdict = engine.check_text(&bare, None);
            worst = worst.max(verdict.verdict);
            if args.json {
                output::record(&mut page, &verdict)?;
            } else {
                if another {
                    writeln!(page)?;
                }
                another = true;
                let title = match (texts.len(), platforms.len()) {
                    (1, 1) => None,
                    (1, _) => Some((*platform).to_owned()),
                    (_, 1) => Some(format!("text {}", index + 1)),
                    _ => Some(format!("text {}, {platform}", index + 1)),
                };
                write(&mut page, title.as_deref(), text, &verdict)?;
            }
        }
    }
    page.flush()?;
    Ok(Status::findings(worst == VerdictKind::Violation))
}

/// The platforms asked for.
fn platforms<'a>(rules: &'a Rules, asked: &str) -> Result<Vec<&'a str>, Failure> {
    let known = rules.platforms();
    if asked == "all" {
        return Ok(known);
    }
    match known.iter().find(|platform| **platform == asked) {
        Some(platform) => Ok(vec![platform]),
        None => {
            let hint = match nearest(asked, &known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("expected {} or all", known.join(", ")),
            };
            Err(Failure::usage(format!("no policy pack is for the platform \"{asked}\"; {hint}")))
        }
    }
}

fn write(out: &mut impl Write, title: Option<&str>, text: &str, verdict: &Verdict) -> std::io::Result<()> {
    let style = verdict_style(verdict.verdict);
    let word = match verdict.verdict {
        VerdictKind::Clean => "clean: it may be sent",
        VerdictKind::Review => "review: a person should look at it",
        VerdictKind::Violation => "violation: it must not be sent",
    };
    if let Some(title) = title {
        write!(out, "{BOLD}{title}{BOLD:#}: ")?;
    }
    writeln!(out, "{style}{word}{style:#}")?;
    for shown in findings::shown(verdict) {
        write_finding(out, text, shown.finding)?;
        if let Some(also) = shown.also() {
            writeln!(out, "  {DIM}= {also}{DIM:#}")?;
        }
    }
    for unknown in &verdict.unknown {
        writeln!(out, "  {DIM}not known from the text alone: {unknown}{DIM:#}")?;
    }
    Ok(())
}

fn write_finding(out: &mut impl Write, text: &str, finding: &Finding) -> std::io::Result<()> {
    let style = severity_style(finding.severity);
    write!(out, "\n{style}{}[{}]{style:#}", severity_word(finding.severity), finding.rule)?;
    if finding.confidence == Confidence::Suspected {
        write!(out, " suspected")?;
    }
    if finding.mode == Mode::Shadow {
        write!(out, " {DIM}(shadow: does not count){DIM:#}")?;
    }
    writeln!(out)?;
    let spans: Vec<Range<usize>> =
        finding.evidence.iter().map(|evidence| evidence.start as usize..evidence.end as usize).collect();
    for shown in underline(text, &spans) {
        writeln!(out, "  {DIM}|{DIM:#} {}", shown.line)?;
        writeln!(out, "  {DIM}|{DIM:#} {style}{}{style:#}", shown.marks)?;
    }
    let mut undone: Vec<&str> =
        finding.evidence.iter().flat_map(|e| e.via.iter().map(String::as_str)).collect();
    undone.sort_unstable();
    undone.dedup();
    if !undone.is_empty() {
        writeln!(out, "  {DIM}= hidden by:{DIM:#} {}", undone.join(", "))?;
    }
    for (name, value) in &finding.facts {
        writeln!(out, "  {DIM}= {name}:{DIM:#} {}", super::summary::fact(value))?;
    }
    writeln!(out, "  {DIM}= clause:{DIM:#} {}", finding.clause)?;
    writeln!(out, "  {GREEN}= advice:{GREEN:#} {}", finding.advice)
}
