//! `topics`: is Kafka ready, and what is missing?

use std::io::Write;

use clap::Subcommand;

use crate::config::Kafka;
use crate::kafka::topics::{self, Layout};

use super::output::GREEN;
use super::rules::ConfigFile;
use super::{Failure, Status, output};

/// Check the topics of the configuration, or create them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch topics check --config contactwatch.yaml\n  \
    contactwatch topics create --partitions 12 --config contactwatch.yaml\n\n\
    Exit codes: 0 everything is there; 2 something is not as it must be; 3 Kafka does not answer, or refuses.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the topics as the daemon does at its start; changes nothing
    Check(ConfigFile),
    /// Create the topics that are missing, inputs too
    ///
    /// Topics that exist stay as they are; the partition count of an input that exists is taken over. The state topic is
    /// created compacted.
    Create(Create),
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    file: ConfigFile,
    /// Partitions of each topic: so many workers can share the load, and it cannot be changed later
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    partitions: u16,
    /// Replicas of each partition [default: kafka.replication_factor, or what the broker has for its default]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    replication_factor: Option<u16>,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Check(file) => {
            let kafka = kafka(file)?;
            let layout = topics::check(&kafka).map_err(crate::daemon::DaemonError::from)?;
            tell(&kafka, layout)
        }
        Command::Create(create) => {
            let kafka = kafka(&create.file)?;
            let replicas = match create.replication_factor.unwrap_or(kafka.replication_factor) {
                0 => -1,
                replicas => i32::from(replicas),
            };
            let made = topics::create(&kafka, create.partitions.into(), replicas)
                .map_err(crate::daemon::DaemonError::from)?;
            let mut page = output::page();
            for topic in made {
                writeln!(page, "created {topic}")?;
            }
            page.flush()?;
            let layout = topics::check(&kafka).map_err(crate::daemon::DaemonError::from)?;
            tell(&kafka, layout)
        }
    }
}

fn kafka(file: &ConfigFile) -> Result<Kafka, Failure> {
    Ok(file.load()?.config.kafka)
}

fn tell(kafka: &Kafka, layout: Layout) -> Result<Status, Failure> {
    let mut page = output::page();
    let partitions = output::count(u64::from(layout.partitions.unsigned_abs()), "partition");
    writeln!(
        page,
        "{GREEN}all six topics are as they must be{GREEN:#}: {partitions} at {}",
        kafka.brokers.join(", ")
    )?;
    page.flush()?;
    Ok(Status::Fine)
}
