//! The whole system in one process: an embedded broker, a simulated fleet that writes to it, the real daemon between
//! its topics, a stand-in for Alertmanager, and a reader of what comes out.
//!
//! [`fleet`] decides what happens ([`texts`], [`stories`]) and [`native`] puts it into the platforms' own words;
//! [`feed`] writes it; [`watch`] reads verdicts; [`receiver`] takes alerts. How it looks is `cli::demo`'s business.

pub mod feed;
pub mod fleet;
mod native;
mod random;
pub mod receiver;
mod stories;
mod texts;
pub mod watch;

use std::net::SocketAddr;
use std::time::Duration;

use crate::clock;
use crate::config::{Config, GroupProtocol, Role, Secret, Verdicts};
use crate::daemon::reload::Loader;
use crate::daemon::{self, DaemonError, Running, Start};
use crate::kafka::embedded::EmbeddedBroker;
use crate::metrics::Totals;
use crate::time::{Millis, Span};

use feed::{Feed, Pace, Review};
use fleet::{Fleet, Setting};
use receiver::{Alerts, Receiver};
use watch::{Seen, Watch};

/// Partitions of every topic.
const PARTITIONS: i32 = 4;
/// Worker threads. The embedded broker takes seconds to share partitions out among several; one judges far more than
/// the largest fleet writes.
const WORKERS: u16 = 1;
/// Token of the routes that show text: the texts are invented.
pub const TOKEN: &str = "demo";

/// What a demo is made from.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many stores.
    pub stores: usize,
    /// How long the fleet lives; an hour of it takes a second.
    pub seconds: u32,
    /// What chance begins with.
    pub seed: u64,
}

/// A demo that runs.
pub struct Demo {
    running: Running,
    feed: Feed,
    watch: Watch,
    receiver: Option<Receiver>,
    /// Where alerts go to.
    alertmanager: String,
    planted: usize,
    // Last: the clients above close before their broker goes.
    runtime: tokio::runtime::Runtime,
    broker: EmbeddedBroker,
}

/// How far everything is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Simulated time.
    pub simulated: Millis,
    /// Records written by the fleet.
    pub written: u64,
    /// Of these, records whose effects are committed.
    pub committed: u64,
    /// Alerts at the stand-in receiver; `None` when there is a real one.
    pub alerts: Option<Alerts>,
    /// Alerts that Alertmanager took, each time anew.
    pub sent: u64,
}

/// Starts everything. `config` says what judges, where alerts go to and where HTTP listens; its Kafka is the embedded
/// one.
///
/// # Errors
/// As [`daemon::start`].
pub fn start(mut config: Config, loader: Loader, options: Options) -> Result<Demo, DaemonError> {
    let fault = |error: &dyn std::fmt::Display| DaemonError::Runtime(error.to_string());
    let broker = EmbeddedBroker::start(&config.kafka.topics, PARTITIONS).map_err(|error| fault(&error))?;
    let layout = broker.layout();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("receiver")
        .enable_all()
        .build()
        .map_err(|error| fault(&error))?;
    let receiver = match config.alertmanager.urls.is_empty() {
        true => Some(runtime.block_on(Receiver::bind()).map_err(|error| fault(&error))?),
        false => None,
    };
    config.alertmanager.urls.extend(receiver.as_ref().map(Receiver::url));

    let pace = Pace::of(options.seconds, clock::now());
    let late = clock::now().since(pace.begin).0 + Span::hours(1).0;
    config.kafka = broker.connect(config.kafka);
    config.kafka.group = "contactwatch-demo".to_owned();
    config.kafka.workers = WORKERS;
    // The other protocol waits three seconds for more members.
    config.kafka.group_protocol = GroupProtocol::Consumer;
    // Simulated events are up to a day old: deadlines pass by their time, not by the clock's.
    config.kafka.lateness = Span(late);
    config.alertmanager.max_age = Span(late + config.alertmanager.max_age.0);
    config.roles = vec![Role::Score, Role::Relay, Role::Http];
    config.verdicts = Verdicts::All;
    config.policies.reload_on_change = false;
    config.http.bearer_token.get_or_insert(Secret::new(TOKEN));

    let watch = Watch::new(&config.kafka, layout).map_err(DaemonError::Runtime)?;
    let Options { stores, seed, .. } = options;
    let fleet = Fleet::new(Setting { stores, seed, begin: pace.begin, end: pace.end });
    let planted = fleet.broken();
    let agencies = fleet.agencies();
    let alertmanager = config.alertmanager.urls.join(", ");
    let kafka = config.kafka.clone();
    let running = daemon::start_on(Start { config, loader, watched: Vec::new() }, layout)?;
    // A fleet has no file of stores, which is where agencies stand.
    for (platform, store, agency) in agencies {
        running.metrics().know_store(platform, &store, Some(agency));
    }
    let feed = Feed::spawn(fleet, &kafka, pace).map_err(DaemonError::Runtime)?;
    Ok(Demo { running, feed, watch, receiver, alertmanager, planted, runtime, broker })
}

impl Demo {
    /// Where HTTP listens.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.running.http_address()
    }

    /// Where alerts go to.
    pub fn alertmanager(&self) -> &str {
        &self.alertmanager
    }

    /// Whether that is the stand-in.
    pub fn has_stand_in(&self) -> bool {
        self.receiver.is_some()
    }

    /// Unreadable records that the fleet will have written at its end.
    pub fn planted(&self) -> usize {
        self.planted
    }

    /// What the daemon counts.
    pub fn totals(&self) -> Totals {
        self.running.metrics().totals()
    }

    /// What the daemon is waiting for before it judges; `None` when it judges.
    pub fn waits_for(&self) -> Option<String> {
        self.running
            .readiness()
            .report()
            .into_iter()
            .find_map(|(name, state)| Some(format!("{name} {}", state.err()?)))
    }

    /// Whether somebody asked for the end, or something cannot go on.
    pub fn is_over(&self) -> bool {
        self.running.is_over()
    }

    /// Whether the fleet has lived its time.
    pub fn is_written(&self) -> bool {
        self.feed.is_done()
    }

    /// How far everything is.
    pub fn progress(&self) -> Progress {
        let totals = self.totals();
        Progress {
            simulated: self.feed.simulated(),
            written: self.feed.written(),
            committed: totals.committed,
            alerts: self.receiver.as_ref().map(Receiver::alerts),
            sent: totals.alerts_sent,
        }
    }

    /// Whether everything written is judged and its alerts are delivered.
    pub fn is_settled(&self) -> bool {
        let totals = self.totals();
        totals.committed >= self.feed.written() && totals.alerts_queued == 0
    }

    /// The next thing that came out, if one does within `wait`.
    pub fn next(&self, wait: Duration) -> Option<Seen> {
        self.watch.next(wait)
    }

    /// A reviewer labels a verdict.
    pub fn review(&self, review: Review) {
        self.feed.review(review);
    }

    /// Ends everything.
    ///
    /// # Errors
    /// What a part could not go on with.
    pub fn end(self) -> Result<(), DaemonError> {
        let Self { running, feed, watch, runtime, broker, .. } = self;
        let fed = feed.end();
        running.shutdown().begin();
        let ended = running.wait();
        drop(watch);
        runtime.shutdown_background();
        drop(broker);
        ended?;
        fed.map_err(DaemonError::Runtime)
    }
}
