//! Writing: buffered standard output, styles for terminals, progress on standard error.

use std::cell::Cell;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use crate::policy::Severity;
use crate::score::{Verdict, VerdictKind};

/// Standard output for machines: buffered, no styles.
pub(super) fn records() -> BufWriter<io::StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Standard output for people: buffered, styles when it is a terminal (or when `--color` says so).
pub(super) fn page() -> BufWriter<AutoStream<io::StdoutLock<'static>>> {
    BufWriter::new(AutoStream::auto(io::stdout().lock()))
}

/// One JSON record per line.
pub(super) fn record(out: &mut impl Write, value: &impl serde::Serialize) -> Result<(), super::Failure> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")?;
    Ok(())
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// `text` in `style`.
pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `n` things: `1 store`, `2 stores`.
pub(super) fn count(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// The word that error lines begin with.
pub(super) fn error_word() -> String {
    styled(RED, "error")
}

/// The style of a verdict.
pub(super) fn verdict_style(verdict: VerdictKind) -> Style {
    match verdict {
        VerdictKind::Clean => GREEN,
        VerdictKind::Review => YELLOW,
        VerdictKind::Violation => RED,
    }
}

/// The style of a severity.
pub(super) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => RED,
        Severity::Warning => YELLOW,
        Severity::Info => CYAN,
    }
}

/// The word of a severity.
pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Whether a verdict is written when only those that are not clean are.
pub(super) fn is_notable(verdict: &Verdict) -> bool {
    verdict.verdict != VerdictKind::Clean || !verdict.findings.is_empty()
}

/// Progress on standard error: only on a terminal, and only when the work takes over a second.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    pending: u64,
    faults: Cell<u64>,
}

/// Faulty lines that are told one by one: a file of another kind has nothing but those.
const FAULTS: u64 = 20;

impl Progress {
    /// Of `total` bytes, when that is known.
    pub(super) fn new(total: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self { bar: None, pending: 0, faults: Cell::new(0) };
        }
        let (bar, template) = match total {
            Some(total) => {
                (ProgressBar::new(total), "{wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}")
            }
            None => (ProgressBar::new_spinner(), "{spinner} {bytes} {binary_bytes_per_sec}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // Hidden at first: short work leaves no trace.
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        Self { bar: Some(bar), pending: 0, faults: Cell::new(0) }
    }

    /// So many more bytes are done.
    pub(super) fn advance(&mut self, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        self.pending += bytes;
        if self.pending < 1 << 18 {
            return;
        }
        bar.inc(self.pending);
        self.pending = 0;
        if bar.is_hidden() && bar.elapsed() > Duration::from_secs(1) {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
    }

    /// A line that cannot be read: the first ones are told, the others are counted.
    pub(super) fn fault(&self, line: &str) {
        self.faults.set(self.faults.get() + 1);
        if self.faults.get() <= FAULTS {
            self.say(line);
        }
    }

    /// A line on standard error that the bar does not tear.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| anstream::eprintln!("{line}")),
            None => anstream::eprintln!("{line}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let more @ 1.. = self.faults.get().saturating_sub(FAULTS) {
            anstream::eprintln!("… and {} that cannot be read", count(more, "more line"));
        }
    }
}
