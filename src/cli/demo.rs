//! `demo`: the whole system in one process.

mod board;
mod screen;

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::{Config, Flag};
use crate::daemon::log::{self, Destination};
use crate::daemon::reload::Loader;
use crate::demo::feed::Review;
use crate::demo::watch::Seen;
use crate::demo::{self, Demo, Options, Progress};
use crate::event::DispositionLabel;
use crate::score::{Verdict, VerdictKind};

use super::output::{BOLD, DIM, count, page};
use super::rules::{Rules, load_config};
use super::{Failure, Status};
use board::Board;
use screen::Screen;

/// Show the whole system at work in one process: no Kafka, no Alertmanager, no configuration needed
///
/// A simulated fleet writes what its collectors would write: messages and orders in the marketplaces' own formats. The
/// daemon judges them as it does in production, on a broker that is embedded in this process. Every violation is
/// printed with its reason. No store, person or text in it is real.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch demo\n  \
    contactwatch demo --stores 200 --seconds 120\n  \
    contactwatch demo --alertmanager http://localhost:9093 --listen 127.0.0.1:9466\n\n\
    Ctrl-C ends it early, with its summary.\n\
    Exit codes: 0 fine; 2 usage, configuration or policies; 3 anything else, with the reason.")]
pub(super) struct Args {
    /// How many stores
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    stores: u16,
    /// How long, in seconds; an hour of the fleet takes a second
    #[arg(long, value_name = "S", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// What chance begins with: the same number tells the same story
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// Judge with the packs, lexicons and domain lists of this directory (see `contactwatch init`)
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Configuration file: what judges and where alerts go to; its Kafka is left alone
    #[arg(long, value_name = "FILE", env = "CONTACTWATCH_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Deliver alerts to this Alertmanager instead of the stand-in
    #[arg(long, value_name = "URL")]
    alertmanager: Vec<String>,
    /// Where HTTP listens; without it on a free port of the loopback
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the daemon's log to this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// How long after the last event verdicts and alerts may take to come out.
const FAREWELL: Duration = Duration::from_secs(20);
/// Nothing comes any more when nothing has come for so long.
const QUIET: Duration = Duration::from_millis(400);
/// How often the screen changes.
const FRAME: Duration = Duration::from_millis(200);
/// Violations told in a second; a large fleet has more than can be read.
const TOLD: u32 = 6;

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let config = configuration(args)?;
    log::init(config.log, destination(args)?);
    let options = Options { stores: usize::from(args.stores), seconds: args.seconds, seed: args.seed };
    let demo = demo::start(config.clone(), loader(config), options)?;
    let mut screen = Screen::new();
    for line in board::head(&demo, options.stores) {
        screen.line(&line)?;
    }
    let mut board = Board::default();
    let watched = watch(&demo, &mut board, &mut screen);
    screen.clear();
    let summed_up = watched.and_then(|missing| sum_up(args, &demo, &board, &missing));
    // What a part of the daemon could not go on with is worth more than anything that follows from it.
    demo.end()?;
    summed_up?;
    Ok(Status::Fine)
}

fn configuration(args: &Args) -> Result<Config, Failure> {
    let policies = args.policies.as_ref().map(|dir| Flag {
        flag: "--policies",
        key: "policies.dir",
        value: dir.display().to_string(),
    });
    let mut config = load_config(args.config.as_deref(), policies.as_slice())?.config;
    if !args.alertmanager.is_empty() {
        config.alertmanager.urls.clone_from(&args.alertmanager);
    }
    config.http.listen = args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    Ok(config)
}

/// The log would tear the screen: it goes to a file, or is counted alone.
fn destination(args: &Args) -> Result<Destination, Failure> {
    let Some(path) = &args.log else { return Ok(Destination::Nowhere) };
    let file = File::create(path)
        .map_err(|error| Failure::usage(format!("cannot write the log {}: {error}", path.display())))?;
    Ok(Destination::File(file))
}

fn loader(config: Config) -> Loader {
    Arc::new(move |generation| {
        let rules = Rules::load(&config).map_err(Failure::messages)?;
        Ok(rules.judge(config.verdicts, generation))
    })
}

/// Watches until the fleet has lived its time and everything is out, somebody ends it, or a part cannot go on. Returns
/// what did not come out in time.
fn watch(demo: &Demo, board: &mut Board, screen: &mut Screen) -> io::Result<Option<String>> {
    let mut pace = Rate::new();
    let mut reviewer = Reviewer::default();
    let mut drawn_at = clock::instant();
    let mut seen_at = clock::instant();
    let mut written_at: Option<Instant> = None;
    while !demo.is_over() {
        match demo.next(Duration::from_millis(20)) {
            Some(Seen::Verdict(verdict)) => {
                seen_at = clock::instant();
                board.judged(&verdict);
                if verdict.verdict == VerdictKind::Violation && pace.may_tell() {
                    for line in board.tell(&verdict, screen.width()) {
                        screen.line(&line)?;
                    }
                }
                if let Some(label) = reviewer.looks_at(&verdict) {
                    demo.review(Review { verdict: *verdict, label });
                }
            }
            Some(Seen::DeadLetter(letter)) => {
                seen_at = clock::instant();
                board.unreadable();
                screen.line(&Board::tell_letter(&letter, screen.width()))?;
            }
            None => {}
        }
        if drawn_at.elapsed() < FRAME {
            continue;
        }
        drawn_at = clock::instant();
        let progress = demo.progress();
        let rate = pace.of(progress.committed);
        screen.show(
            || board.block(&progress, rate, demo.waits_for()),
            || board.line(&progress, rate, demo.waits_for()),
        )?;
        if demo.is_written() {
            let since = *written_at.get_or_insert_with(clock::instant);
            if demo.is_settled() && seen_at.elapsed() > QUIET {
                return Ok(None);
            }
            if since.elapsed() > FAREWELL {
                return Ok(Some(missing(demo, &progress)));
            }
        }
    }
    Ok(None)
}

/// What did not come out in time.
fn missing(demo: &Demo, progress: &Progress) -> String {
    let alerts = demo.totals().alerts_queued;
    match progress.written.saturating_sub(progress.committed) {
        0 => format!("{} not delivered to {}", count(alerts, "alert"), demo.alertmanager()),
        events => format!("{} not judged", count(events, "event")),
    }
}

fn sum_up(args: &Args, demo: &Demo, board: &Board, missing: &Option<String>) -> io::Result<()> {
    let progress = demo.progress();
    let mut out = page();
    writeln!(out)?;
    if !demo.is_written() {
        writeln!(out, "{DIM}Ended early.{DIM:#}")?;
    }
    if let Some(missing) = missing {
        writeln!(out, "{BOLD}Not all came out in time{BOLD:#}: {missing}")?;
    }
    board.sum_up(&mut out, demo, &progress)?;
    writeln!(out, "\n{BOLD}Next{BOLD:#}")?;
    let program = std::env::args().next().unwrap_or_else(|| "contactwatch".to_owned());
    let logged = demo.totals().complaints;
    if args.log.is_none() && logged > 0 {
        writeln!(out, "  {DIM}The daemon logged {}:{DIM:#}", count(logged, "warning"))?;
        writeln!(out, "    {program} demo --log demo.log")?;
    }
    for (what, command) in NEXT {
        writeln!(
            out,
            "  {DIM}{what}{DIM:#}\n    {}",
            command.replace("contactwatch ", &format!("{program} "))
        )?;
    }
    out.flush()
}

/// What to try next.
const NEXT: [(&str, &str); 5] = [
    ("Will this text pass?", "contactwatch lint \"Дарим скидку 10 % за отзыв!\""),
    (
        "A larger fleet, for longer, at a known address:",
        "contactwatch demo --stores 200 --seconds 120 --listen 127.0.0.1:9466",
    ),
    ("While it runs, what dashboards are made of:", "curl -s 127.0.0.1:9466/metrics | grep violations_total"),
    ("While it runs, a draft, held against the store's policies:", DRAFT),
    (
        "Edit the policies, and see what they make of the same fleet:",
        "contactwatch init policies && contactwatch demo --policies policies",
    ),
];
const DRAFT: &str = "curl -s -H 'Authorization: Bearer demo' --json \\\n      \
    '{\"platform\":\"ozon\",\"store\":\"184213\",\"text\":\"Пишите нам в ватсап\"}' 127.0.0.1:9466/v1/check";

/// Labels some verdicts, so that the way of labels is seen. He disagrees by the count, not by reading: every verdict of
/// the fleet is right, and nobody should take his labels for a measurement.
#[derive(Default)]
struct Reviewer {
    flagged: u64,
    clean: u64,
}

impl Reviewer {
    /// He looks at one flagged verdict in so many, of which he disagrees with one in so many.
    const LOOKS_AT: u64 = 3;
    const DISAGREES_WITH: u64 = 8;
    /// Of so many clean verdicts he says of one that something was missed.
    const MISSES: u64 = 2000;

    fn looks_at(&mut self, verdict: &Verdict) -> Option<DispositionLabel> {
        if verdict.verdict == VerdictKind::Clean {
            self.clean += 1;
            return self.clean.is_multiple_of(Self::MISSES).then_some(DispositionLabel::Missed);
        }
        self.flagged += 1;
        match self.flagged {
            n if !n.is_multiple_of(Self::LOOKS_AT) => None,
            n if n.is_multiple_of(Self::LOOKS_AT * Self::DISAGREES_WITH) => Some(DispositionLabel::Misjudged),
            _ => Some(DispositionLabel::Confirmed),
        }
    }
}

/// How fast events are judged, and how many violations may still be told in this second.
struct Rate {
    since: Instant,
    committed: u64,
    rate: u64,
    told: u32,
}

impl Rate {
    fn new() -> Self {
        Self { since: clock::instant(), committed: 0, rate: 0, told: 0 }
    }

    fn may_tell(&mut self) -> bool {
        self.told += 1;
        self.told <= TOLD
    }

    fn of(&mut self, committed: u64) -> u64 {
        if self.since.elapsed() >= Duration::from_secs(1) {
            self.rate = committed.saturating_sub(self.committed);
            self.committed = committed;
            self.since = clock::instant();
            self.told = 0;
        }
        self.rate
    }
}
