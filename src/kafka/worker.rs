//! A worker: one thread that reads its partitions, judges, and commits.
//!
//! The loop is all there is: take what arrived, do what is due, wait. Partitions come and go inside `poll`
//! ([`super::rebalance`]); what the worker owns is in [`super::tasks`].

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::alert::AlertTerms;
use crate::clock;
use crate::config::Kafka;
use crate::metrics::WorkerMetrics;
use crate::runtime::judge::SharedJudge;
use crate::runtime::query::Query;
use crate::runtime::readiness::Readiness;
use crate::runtime::recent::Recent;
use crate::runtime::shutdown::Shutdown;
use crate::state::Retention;

use super::client::{self, Credentials, PlainContext};
use super::desk::{Desk, DeskParts};
use super::rebalance::Member;
use super::stop::Stop;
use super::tasks::{MESSAGES, ORDERS, Parts, Tasks};
use super::topics::Layout;
use super::transaction::{Outbox, transactional_id};

/// Records taken from one consumer before the rest gets its turn.
const BATCH: usize = 512;
/// How long an idle worker waits for a record.
const WAIT: Duration = Duration::from_millis(10);

/// What a worker needs of the rest of the process.
#[derive(Debug)]
pub struct Setting {
    /// Counts workers from 0.
    pub index: usize,
    /// Name of the process, see [`super::instance`].
    pub instance: Arc<str>,
    /// Connection, topics, delivery.
    pub kafka: Kafka,
    /// How long state lives.
    pub retention: Retention,
    /// What the topics look like.
    pub layout: Layout,
    /// What judges.
    pub judge: SharedJudge,
    /// What goes into alerts.
    pub terms: AlertTerms,
    /// Where it counts.
    pub metrics: WorkerMetrics,
    /// Where it says how far it is.
    pub readiness: Readiness,
    /// Verdicts and alerts that HTTP shows.
    pub recent: Arc<Recent>,
    /// What HTTP asks.
    pub queries: Receiver<Query>,
    /// When it ends.
    pub shutdown: Shutdown,
}

/// Starts a worker. Its thread ends with `Ok` when it was asked to, after its last commit.
///
/// # Errors
/// When the thread cannot be started.
pub fn spawn(setting: Setting) -> std::io::Result<JoinHandle<Result<(), Stop>>> {
    let name = format!("worker {}", setting.index);
    std::thread::Builder::new().name(name).spawn(move || run(setting))
}

fn run(setting: Setting) -> Result<(), Stop> {
    let index = setting.index;
    let shutdown = setting.shutdown.clone();
    let (member, follower) = connect(setting)?;
    let mut result = Ok(());
    while result.is_ok() && !shutdown.begun() {
        result = round(&member, &follower).or_else(|stop| member.context().tasks().recover(stop));
    }
    let mut tasks = member.context().tasks();
    let result = result.and_then(|()| match tasks.close(&member) {
        Err(Stop::Abort(reason)) => {
            tracing::warn!(
                worker = index,
                reason,
                "the last transaction is taken back; whoever is next repeats it"
            );
            tasks.give_up();
            Ok(())
        }
        closed => closed,
    });
    if result.is_err() {
        tasks.give_up();
    }
    drop(tasks);
    member.unsubscribe();
    result
}

type GroupConsumer = BaseConsumer<Member>;
type Follower = Arc<BaseConsumer<PlainContext>>;

fn connect(setting: Setting) -> Result<(GroupConsumer, Follower), Stop> {
    let Setting {
        index,
        instance,
        kafka,
        retention,
        layout,
        judge,
        terms,
        metrics,
        readiness,
        recent,
        queries,
        shutdown: _,
    } = setting;
    let fatal = |error: &dyn std::fmt::Display| Stop::Fatal(error.to_string());
    let id = transactional_id(&kafka.group, &instance, index);
    let producer = client::producer(&kafka).map_err(|error| fatal(&error))?;
    let outbox = Outbox::new(producer, Credentials::new(&kafka), kafka.delivery, &id)?;

    let mut config = client::reader(&kafka).map_err(|error| fatal(&error))?;
    config.set("enable.partition.eof", "true");
    let follower: Follower =
        Arc::new(client::connect(&config, PlainContext::new(&kafka)).map_err(|error| fatal(&error))?);

    let mut config = client::consumer(&kafka, &kafka.group).map_err(|error| fatal(&error))?;
    config.set("enable.partition.eof", "true");
    if kafka.static_membership {
        config.set("group.instance.id", format!("{instance}-{index}"));
    }
    let desk = Desk::new(DeskParts {
        judge,
        outbox,
        metrics,
        terms,
        topics: kafka.topics.clone(),
        alert_partitions: layout.alerts_partitions,
        recent,
    });
    let messages = kafka.topics.messages.clone();
    let credentials = Credentials::new(&kafka);
    let tasks = Tasks::new(Parts {
        name: format!("worker {index}"),
        kafka,
        retention,
        follower: Arc::clone(&follower),
        desk,
        queries,
        readiness,
    });
    let member: GroupConsumer =
        client::connect(&config, Member::new(credentials, tasks)).map_err(|error| fatal(&error))?;
    member.subscribe(&[&messages]).map_err(|error| fatal(&error))?;
    tracing::debug!(worker = index, "subscribed");
    Ok((member, follower))
}

/// Once round: take what arrived, do what is due, and wait when there was nothing.
fn round(member: &GroupConsumer, follower: &Follower) -> Result<(), Stop> {
    let began = clock::instant();
    let mut taken = drain(member, member, MESSAGES, Duration::ZERO)?;
    taken += drain(member, follower, ORDERS, Duration::ZERO)?;
    let mut tasks = member.context().tasks();
    tasks.tick(member)?;
    tasks.desk.metrics.busy(began.elapsed());
    drop(tasks);
    if taken == 0 {
        drain(member, member, MESSAGES, WAIT)?;
    }
    Ok(())
}

/// Takes what a consumer has, up to a batch. Waits for the first record only.
fn drain<C: ConsumerContext>(
    member: &GroupConsumer,
    consumer: &BaseConsumer<C>,
    input: usize,
    mut wait: Duration,
) -> Result<usize, Stop> {
    let mut taken = 0;
    while taken < BATCH {
        let Some(polled) = consumer.poll(wait) else { break };
        wait = Duration::ZERO;
        let mut tasks = member.context().tasks();
        match polled {
            Ok(message) => {
                tasks.arrived(input, &message)?;
                taken += 1;
            }
            Err(KafkaError::PartitionEOF(partition)) => tasks.ended(input, partition)?,
            Err(KafkaError::MessageConsumptionFatal(code)) => return Err(fatal(code)),
            Err(error) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                tasks.desk.metrics.client_error(&format!("{code:?}"));
                if client::is_connection_lost(code) {
                    tracing::debug!(worker = tasks.name, %error, "reading");
                } else {
                    tracing::warn!(worker = tasks.name, %error, "reading");
                }
            }
        }
    }
    Ok(taken)
}

fn fatal(code: RDKafkaErrorCode) -> Stop {
    let advice = match code {
        RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::UnreleasedInstanceId => {
            "; another process has the same kafka.instance"
        }
        _ => "",
    };
    Stop::Fatal(format!("the consumer group refuses this worker: {code}{advice}"))
}
