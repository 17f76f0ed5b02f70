//! Where the demo writes: lines that stay, and on a terminal a live block below them.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::page;
use crate::clock;

/// Without a terminal the block is written so often, as one line.
const EVERY: Duration = Duration::from_secs(5);

/// Nothing is cut to less.
const NARROWEST: usize = 60;

/// Standard output, as the demo uses it.
pub(super) struct Screen {
    /// The live block; `None` without a terminal.
    block: Option<ProgressBar>,
    wrote_at: Instant,
}

impl Screen {
    pub(super) fn new() -> Self {
        let styles = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        // Without styles a terminal is written to like a file: NO_COLOR means no escape codes.
        let live = io::stdout().is_terminal() && styles;
        let block = live.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { block, wrote_at: clock::instant() }
    }

    /// How wide a line may be: without a terminal as wide as it likes.
    pub(super) fn width(&self) -> usize {
        match (&self.block, terminal_size::terminal_size_of(io::stdout())) {
            (Some(_), Some((width, _))) => usize::from(width.0).max(NARROWEST),
            _ => usize::MAX,
        }
    }

    /// A line that stays.
    pub(super) fn line(&self, line: &str) -> io::Result<()> {
        match &self.block {
            Some(block) => {
                block.println(line);
                Ok(())
            }
            None => {
                let mut out = page();
                writeln!(out, "{line}")?;
                out.flush()
            }
        }
    }

    /// How things stand: `block` where it can be drawn anew, else `line` now and then.
    pub(super) fn show(
        &mut self,
        block: impl FnOnce() -> String,
        line: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if let Some(bar) = &self.block {
            bar.set_message(block());
            return Ok(());
        }
        if self.wrote_at.elapsed() < EVERY {
            return Ok(());
        }
        self.wrote_at = clock::instant();
        self.line(&line())
    }

    /// Takes the block away.
    pub(super) fn clear(&self) {
        if let Some(block) = &self.block {
            block.finish_and_clear();
        }
    }
}
