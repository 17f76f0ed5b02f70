//! `run`: the daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Policies};
use crate::daemon::reload::Loader;
use crate::daemon::{self, DaemonError, Start, log};

use super::rules::{ConfigFile, Rules, load_config};
use super::{Failure, Status};

/// Run the daemon: read events from Kafka, judge them, alert
///
/// Checks the topics, restores its state, then judges until it is asked to end (SIGTERM or Ctrl-C). More processes with
/// the same kafka.group share the partitions. SIGHUP, POST /-/reload and a change of a policy file load policies and
/// stores anew. Logs go to standard error; /readyz?verbose says what is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch run --config contactwatch.yaml\n  \
    CONTACTWATCH__KAFKA__BROKERS=kafka-0:9092,kafka-1:9092 contactwatch run\n  \
    contactwatch config check contactwatch.yaml              is the configuration right?\n  \
    contactwatch topics check --config contactwatch.yaml     is Kafka ready?\n\n\
    Exit codes: 0 after it was asked to end; 2 configuration, policies or topics; 3 anything else, with the reason.")]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let config = args.file.load()?.config;
    log::init(config.log, log::Destination::StandardError);
    let start = Start {
        loader: loader(args.file.config.clone(), config.clone()),
        watched: watched(args.file.config.as_deref(), &config),
        config,
    };
    let running = daemon::start(start)?;
    if let Some(address) = running.http_address() {
        tracing::info!("http://{address}: /metrics, /livez, /readyz?verbose, /version, /v1");
    }
    running.wait()?;
    Ok(Status::Fine)
}

/// Reads policies and stores as the configuration file names them now. What else it says holds until a restart.
fn loader(file: Option<PathBuf>, running: Config) -> Loader {
    Arc::new(move |generation| {
        let config = load_config(file.as_deref(), &[]).map_err(|failure| failure.messages())?.config;
        let rest = |config: &Config| Config { policies: Policies::default(), stores: None, ..config.clone() };
        if rest(&config) != rest(&running) {
            tracing::warn!("the configuration file changed beyond policies and stores: that needs a restart");
        }
        let rules = Rules::load(&config).map_err(|failure| failure.messages())?;
        Ok(rules.judge(config.verdicts, generation))
    })
}

/// Files whose change is a reason to load anew.
fn watched(file: Option<&Path>, config: &Config) -> Vec<PathBuf> {
    let Policies { dir, overlays, exceptions, .. } = &config.policies;
    let named = file.map(Path::to_owned).into_iter().chain(dir.clone()).chain(config.stores.clone());
    named.chain(overlays.iter().chain(exceptions).cloned()).collect()
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Operator(faults) => Self::Usage(faults),
            DaemonError::Runtime(fault) => Self::Runtime(fault),
        }
    }
}
