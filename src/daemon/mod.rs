//! The daemon: roles put together in one process.
//!
//! [`start`] checks the topics, starts the threads of every role and returns ([`start_on`] does so with topics that are
//! known to be right); [`Running::wait`] lasts until the process
//! is asked to end, or something fatal happens. Workers and the relay are plain threads; HTTP and delivery run on a
//! small tokio runtime beside them.

pub mod log;
pub mod reload;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::alert::{AlertTerms, relay};
use crate::clock;
use crate::config::{Config, Role, Secret};
use crate::http;
use crate::kafka::topics::{self, Layout};
use crate::kafka::{self, Stop, worker};
use crate::metrics::Metrics;

use crate::runtime::judge::SharedJudge;
use crate::runtime::query::Query;
use crate::runtime::readiness::Readiness;
use crate::runtime::recent::Recent;
use crate::runtime::shutdown::Shutdown;
use reload::{Loader, Reloader};

/// How long threads may take to end once they were asked to.
const FAREWELL: Duration = Duration::from_secs(45);
/// How often threads are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Configuration, policies or topics: the operator mends them.
    #[error("{}", .0.join("\n"))]
    Operator(Vec<String>),
    /// What happened while it ran.
    #[error("{0}")]
    Runtime(String),
}

impl From<topics::TopicsError> for DaemonError {
    fn from(error: topics::TopicsError) -> Self {
        match error {
            topics::TopicsError::Faults(faults) => Self::Operator(faults),
            topics::TopicsError::Setting(fault) => Self::Operator(vec![fault]),
            topics::TopicsError::Broker(fault) => Self::Runtime(fault),
        }
    }
}

/// A daemon that runs.
#[derive(Debug)]
pub struct Running {
    shutdown: Shutdown,
    threads: Vec<(String, JoinHandle<Result<(), Stop>>)>,
    http: Option<SocketAddr>,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    runtime: tokio::runtime::Runtime,
}

/// What the daemon is started with, beside its configuration.
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// Compiles what judges; called at the start and at every reload.
    pub loader: Loader,
    /// Files whose change is a reason to load anew.
    pub watched: Vec<PathBuf>,
}

/// Starts every role of the configuration.
///
/// # Errors
/// [`DaemonError::Operator`] when policies, topics or the address are not as they must be, [`DaemonError::Runtime`] when
/// the broker cannot be reached.
pub fn start(start: Start) -> Result<Running, DaemonError> {
    begin(start, |config| Ok(topics::prepare(&config.kafka)?))
}

/// The same, on a broker whose topics are known to have this layout.
///
/// # Errors
/// As [`start`].
pub fn start_on(start: Start, layout: Layout) -> Result<Running, DaemonError> {
    begin(start, |_| Ok(layout))
}

fn begin(
    start: Start,
    layout: impl FnOnce(&Config) -> Result<Layout, DaemonError>,
) -> Result<Running, DaemonError> {
    let Start { config, loader, watched } = start;
    hide_panics();
    let has = |role| config.roles.contains(&role);
    let loaded = loader(1).map_err(DaemonError::Operator)?;
    let metrics = Metrics::new(&config).map_err(|error| DaemonError::Runtime(format!("metrics: {error}")))?;
    log::count(&metrics);
    metrics.judged_by(&loaded);
    let judge: SharedJudge = Arc::new(arc_swap::ArcSwap::from_pointee(loaded));
    let readiness = Readiness::default();
    readiness.set("policies", Ok(()));
    let layout = layout(&config)?;
    readiness.set("topics", Ok(()));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(|error| DaemonError::Runtime(format!("cannot start threads: {error}")))?;
    let shutdown = Shutdown::default();
    let recent = Arc::new(Recent::default());
    let reloader = Arc::new(Reloader::new(Arc::clone(&judge), loader, Arc::clone(&metrics)));
    let instance = kafka::instance(config.kafka.instance.as_deref());
    let terms = AlertTerms::from(&config.alertmanager);
    let mut threads = Vec::new();
    let mut queries = Vec::new();

    // The address first: whether it is free is known before any partition is asked for.
    let server = match has(Role::Http) {
        true => Some(
            runtime
                .block_on(http::Server::bind(config.http.listen))
                .map_err(|error| DaemonError::Operator(vec![error.to_string()]))?,
        ),
        false => None,
    };
    if has(Role::Score) {
        for index in 0..workers(config.kafka.workers) {
            let (sender, receiver) = mpsc::channel::<Query>();
            queries.push(sender);
            let setting = worker::Setting {
                index,
                instance: Arc::clone(&instance),
                kafka: config.kafka.clone(),
                retention: config.retention.into(),
                layout,
                judge: Arc::clone(&judge),
                terms: terms.clone(),
                metrics: metrics.worker(index),
                readiness: readiness.clone(),
                recent: Arc::clone(&recent),
                queries: receiver,
                shutdown: shutdown.clone(),
            };
            // Not ready from the first moment on, whenever the thread comes to say so itself.
            let name = format!("worker {index}");
            readiness.set(&name, Err("connects to Kafka".to_owned()));
            threads.push((name, worker::spawn(setting).map_err(thread_fault)?));
        }
    }
    if has(Role::Relay) {
        if config.alertmanager.urls.is_empty() {
            tracing::warn!("alertmanager.urls is empty: alerts stay in topic {}", config.kafka.topics.alerts);
        } else {
            let setting = relay::Setting {
                kafka: config.kafka.clone(),
                alertmanager: config.alertmanager.clone(),
                metrics: metrics.relay(),
                readiness: readiness.clone(),
                shutdown: shutdown.clone(),
            };
            readiness.set("relay", Err("connects to Kafka".to_owned()));
            threads.push(("relay".to_owned(), relay::spawn(setting).map_err(thread_fault)?));
        }
    }
    let address = server.as_ref().map(http::Server::address);
    if let Some(server) = server {
        let dispositions = kafka::dispositions::Sink::new(&config.kafka)
            .map_err(|error| DaemonError::Operator(vec![error.to_string()]))?;
        let http = &config.http;
        let token =
            Secret::of("http.bearer_token", http.bearer_token.as_ref(), http.bearer_token_file.as_deref());
        let app = http::App {
            metrics: Arc::clone(&metrics),
            readiness: readiness.clone(),
            judge,
            queries,
            recent,
            token: token.map_err(|fault| DaemonError::Operator(vec![fault]))?,
            reloader: Arc::clone(&reloader),
            dispositions: Some(Arc::new(dispositions)),
        };
        runtime.spawn(server.serve(app, shutdown.clone()));
    }
    runtime.spawn(signals(shutdown.clone(), Arc::clone(&reloader)));
    if config.policies.reload_on_change {
        reload::watch(reloader, watched, shutdown.clone()).map_err(thread_fault)?;
    }
    Ok(Running { shutdown, threads, http: address, readiness, metrics, runtime })
}

impl Running {
    /// Where HTTP listens, when it does.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// How far the process is.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How it is asked to end.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Whether it was asked to end, or a thread cannot go on: [`Running::wait`] will not wait.
    pub fn is_over(&self) -> bool {
        self.shutdown.begun() || self.threads.iter().any(|(_, thread)| thread.is_finished())
    }

    /// Lasts until the process is asked to end or a thread cannot go on, and ends all threads in order: workers commit
    /// what they did, the relay delivers what it has.
    ///
    /// # Errors
    /// What a thread could not go on with, or that one did not end in time.
    pub fn wait(mut self) -> Result<(), DaemonError> {
        while !self.is_over() {
            std::thread::sleep(LOOK);
        }
        self.shutdown.begin();
        let began = clock::instant();
        let mut faults = Vec::new();
        while !self.threads.is_empty() && began.elapsed() < FAREWELL {
            let (ended, left) = self.threads.into_iter().partition(|(_, thread)| thread.is_finished());
            self.threads = left;
            for (name, thread) in ended as Vec<(String, JoinHandle<Result<(), Stop>>)> {
                match thread.join() {
                    Ok(Ok(())) => tracing::info!(thread = name, "ended"),
                    Ok(Err(stop)) => faults.push(format!("{name}: {stop}")),
                    Err(_) => {
                        faults.push(format!("{name}: the program failed; please report what the log says"))
                    }
                }
            }
            if !self.threads.is_empty() {
                std::thread::sleep(LOOK);
            }
        }
        // A client library that hangs while it closes has nothing left to lose: everything is committed.
        faults.extend(self.threads.iter().map(|(name, _)| format!("{name} did not end in time")));
        self.runtime.shutdown_timeout(Duration::from_secs(2));
        if faults.is_empty() { Ok(()) } else { Err(DaemonError::Runtime(faults.join("\n"))) }
    }
}

/// Asks to end on SIGTERM and SIGINT; loads anew on SIGHUP.
async fn signals(shutdown: Shutdown, reloader: Arc<Reloader>) {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let listen =
        |kind| signal(kind).inspect_err(|error| tracing::error!(%error, "cannot listen for signals"));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) =
        (listen(SignalKind::terminate()), listen(SignalKind::interrupt()), listen(SignalKind::hangup()))
    else {
        return;
    };
    async fn next(signal: &mut Signal) {
        if signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
    loop {
        tokio::select! {
            () = next(&mut terminate) => break,
            () = next(&mut interrupt) => break,
            () = next(&mut hang_up) => {
                let reloader = Arc::clone(&reloader);
                // Faults are in the log; what judged goes on judging.
                let _ = tokio::task::spawn_blocking(move || reloader.reload("SIGHUP").is_ok()).await;
            }
        }
    }
    tracing::info!("asked to end");
    shutdown.begin();
}

/// A panic may carry the words of a message: only its place is told.
fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "the program failed; please report this");
    }));
}

fn thread_fault(error: std::io::Error) -> DaemonError {
    DaemonError::Runtime(format!("cannot start a thread: {error}"))
}

/// Worker threads: as configured, or one per core.
fn workers(configured: u16) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => usize::from(workers),
    }
}
