//! What the daemon says of itself, on standard error or where it is told to: lines for people, or one JSON object per line.
//!
//! Nothing here knows a message: events are logged by their place (topic, partition, offset) and their ids alone.

use std::fs::File;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, OnceLock};

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Level, Log, LogFormat};
use crate::metrics::Metrics;

/// Counts lines by level, once there are metrics.
static METRICS: OnceLock<Arc<Metrics>> = OnceLock::new();

struct Counted;

impl<S: Subscriber> Layer<S> for Counted {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(metrics) = METRICS.get() {
            let level = match *event.metadata().level() {
                tracing::Level::ERROR => "error",
                tracing::Level::WARN => "warn",
                tracing::Level::INFO => "info",
                _ => "debug",
            };
            metrics.logged(level);
        }
    }
}

/// Where lines go to.
#[derive(Debug)]
pub enum Destination {
    /// Standard error.
    StandardError,
    /// A file.
    File(File),
    /// Nowhere: they are counted only.
    Nowhere,
}

/// Begins to log. A second call changes nothing.
pub fn init(log: Log, destination: Destination) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let (writer, ansi) = match destination {
        Destination::StandardError => (BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal()),
        Destination::File(file) => (BoxMakeWriter::new(Mutex::new(file)), false),
        Destination::Nowhere => (BoxMakeWriter::new(std::io::sink), false),
    };
    let lines = fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.with_target(false).with_ansi(ansi).boxed(),
    };
    // The libraries of HTTP are of interest to their authors alone.
    let ours = tracing_subscriber::filter::filter_fn(|metadata| {
        *metadata.level() <= tracing::Level::WARN
            || metadata.target().starts_with("contactwatch")
            || metadata.target() == "kafka"
    });
    let _ = tracing_subscriber::registry().with(level).with(Counted).with(lines.with_filter(ours)).try_init();
}

/// From now on lines are counted.
pub fn count(metrics: &Arc<Metrics>) {
    // One process has one daemon; a second one in a test counts with the first.
    let _ = METRICS.set(Arc::clone(metrics));
}
