//! The relay: reads the alerts topic, and keeps every Alertmanager told.
//!
//! One thread polls and keeps the book; requests run beside it, one at a time for each sink, so that a slow or dead one
//! holds up neither the other nor the topic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::alertmanager::{Delivery, Sink};
use super::book::{Book, Identity, Place, Taken, Timing};
use super::record::AlertRecord;
use crate::clock;
use crate::config::{Alertmanager, Kafka};
use crate::kafka::Stop;
use crate::kafka::client::{self, Credentials, client_context};
use crate::metrics::RelayMetrics;
use crate::runtime::readiness::Readiness;
use crate::runtime::shutdown::Shutdown;

/// How long a poll waits.
const WAIT: Duration = Duration::from_millis(50);
/// How often offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// After the first failure a sink is left alone for so long …
const FIRST_REST: Duration = Duration::from_secs(1);
/// … then for twice as long each time, up to this.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long the last deliveries may take when the relay ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long one question to the broker may take.
const CALL: Duration = Duration::from_secs(10);

/// What the relay needs of the rest of the process.
#[derive(Debug)]
pub struct Setting {
    /// Connection and topics.
    pub kafka: Kafka,
    /// Where alerts go to.
    pub alertmanager: Alertmanager,
    /// Where it counts.
    pub metrics: RelayMetrics,
    /// Where it says how far it is.
    pub readiness: Readiness,
    /// When it ends.
    pub shutdown: Shutdown,
}

/// Starts the relay.
///
/// # Errors
/// When the thread cannot be started.
pub fn spawn(setting: Setting) -> std::io::Result<JoinHandle<Result<(), Stop>>> {
    std::thread::Builder::new().name("relay".to_owned()).spawn(move || Relay::start(setting)?.run())
}

/// Partitions that came and went inside `poll`, to be looked at after it.
#[derive(Default)]
struct Changes {
    came: Vec<i32>,
    went: Vec<i32>,
}

struct Member {
    credentials: Credentials,
    changes: Mutex<Changes>,
}

client_context!(Member, credentials);

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let partitions = |list: &TopicPartitionList| -> Vec<i32> {
            list.elements().iter().map(|element| element.partition()).collect()
        };
        match rebalance {
            Rebalance::Assign(list) => changes.came.extend(partitions(list)),
            // What is not committed is read again by whoever owns it next: alerts may be sent twice, never lost.
            Rebalance::Revoke(list) => changes.went.extend(partitions(list)),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance of the relay"),
        }
    }
}

/// One Alertmanager, and how it fares.
struct Outlet {
    sink: Sink,
    /// As it is called in metrics and logs.
    name: String,
    busy: bool,
    failures: u32,
    rest_until: Option<Instant>,
}

/// A request ended.
struct Ended {
    outlet: usize,
    /// What was sent, each as it was at its revision.
    sent: Vec<(Identity, u64)>,
    delivery: Delivery,
    took: Duration,
}

struct Relay {
    topic: String,
    consumer: BaseConsumer<Member>,
    book: Book,
    outlets: Vec<Outlet>,
    runtime: tokio::runtime::Runtime,
    ended: mpsc::Receiver<Ended>,
    end: mpsc::Sender<Ended>,
    /// By partition: records before this were taken by a sink before a restart.
    delivered: BTreeMap<i32, i64>,
    committed: BTreeMap<i32, (i64, i64)>,
    committed_at: Instant,
    metrics: RelayMetrics,
    readiness: Readiness,
    shutdown: Shutdown,
}

impl Relay {
    fn start(setting: Setting) -> Result<Self, Stop> {
        let Setting { kafka, alertmanager, metrics, readiness, shutdown } = setting;
        let fatal = |error: &dyn std::fmt::Display| Stop::Fatal(format!("the relay: {error}"));
        readiness.set("relay", Err("joins its consumer group".to_owned()));
        let group = format!("{}-relay", kafka.group);
        let member = Member { credentials: Credentials::new(&kafka), changes: Mutex::default() };
        let config = client::consumer(&kafka, &group).map_err(|error| fatal(&error))?;
        let consumer = client::connect(&config, member).map_err(|error| fatal(&error))?;
        consumer.subscribe(&[&kafka.topics.alerts]).map_err(|error| fatal(&error))?;
        let sinks = Sink::all(&alertmanager).map_err(|error| fatal(&error))?;
        let outlet = |(index, sink): (usize, Sink)| Outlet {
            sink,
            name: format!("alertmanager-{index}"),
            busy: false,
            failures: 0,
            rest_until: None,
        };
        let outlets: Vec<Outlet> = sinks.into_iter().enumerate().map(outlet).collect();
        outlets.iter().for_each(|outlet| metrics.know(&outlet.name));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("delivery")
            .enable_all()
            .build()
            .map_err(|error| fatal(&error))?;
        let (end, ended) = mpsc::channel();
        Ok(Self {
            topic: kafka.topics.alerts,
            consumer,
            book: Book::new(Timing::from(&alertmanager), outlets.len()),
            outlets,
            runtime,
            ended,
            end,
            delivered: BTreeMap::new(),
            committed: BTreeMap::new(),
            committed_at: clock::instant(),
            metrics,
            readiness,
            shutdown,
        })
    }

    fn run(mut self) -> Result<(), Stop> {
        while !self.shutdown.begun() {
            self.readiness.beat("relay", clock::now());
            self.read()?;
            self.pass();
            self.send();
            if self.committed_at.elapsed() >= COMMIT_EVERY {
                self.commit(CommitMode::Async);
            }
        }
        // What is waiting gets one more chance; what is not taken is read again after a restart.
        let began = clock::instant();
        self.send();
        while self.outlets.iter().any(|outlet| outlet.busy) && began.elapsed() < FAREWELL {
            self.hear(WAIT);
        }
        self.commit(CommitMode::Sync);
        self.readiness.remove("relay");
        self.consumer.unsubscribe();
        self.runtime.shutdown_background();
        Ok(())
    }

    /// Takes what the topic has.
    fn read(&mut self) -> Result<(), Stop> {
        let mut wait = WAIT;
        for _ in 0..1000 {
            let Some(polled) = self.consumer.poll(wait) else { break };
            wait = Duration::ZERO;
            // Partitions come inside `poll`: what is known of them is asked for before their first record is taken.
            let arrived = match polled {
                Ok(message) => Some(arrived(&message)),
                Err(KafkaError::MessageConsumptionFatal(code)) => {
                    return Err(Stop::Fatal(format!("the relay's consumer group refuses it: {code}")));
                }
                Err(error) => {
                    tracing::warn!(%error, "reading alerts");
                    None
                }
            };
            self.change()?;
            if let Some((place, record)) = arrived {
                self.take(place, record);
            }
        }
        self.change()
    }

    fn take(&mut self, place: Place, record: Result<AlertRecord, String>) {
        match record {
            Ok(record) => {
                let delivered =
                    self.delivered.get(&place.partition).is_some_and(|before| place.offset < *before);
                if self.book.take(record, place, delivered, clock::now()) == Taken::Expired {
                    for outlet in &self.outlets {
                        self.metrics.dropped(&outlet.name, "expired", 1);
                    }
                }
            }
            Err(error) => {
                tracing::error!(
                    topic = self.topic,
                    place.partition,
                    place.offset,
                    error,
                    "an alert cannot be read"
                );
                self.metrics.dropped("none", "unreadable", 1);
            }
        }
    }

    /// Looks after partitions that came and went.
    fn change(&mut self) -> Result<(), Stop> {
        let changes = {
            let mut changes = self.consumer.context().changes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *changes)
        };
        for partition in changes.went {
            self.book.forget(partition);
            self.delivered.remove(&partition);
            self.committed.remove(&partition);
        }
        if changes.came.is_empty() {
            return Ok(());
        }
        let list = client::partitions(&self.topic, changes.came.iter().copied());
        let committed = match self.consumer.committed_offsets(list, CALL) {
            Ok(committed) => committed,
            // Asked again at the next turn; what is taken meanwhile is told once more at worst.
            Err(error) if is_unreachable(&error) => {
                tracing::warn!(%error, "the relay cannot ask for its offsets");
                let mut kept = self.consumer.context().changes.lock().unwrap_or_else(PoisonError::into_inner);
                kept.came.extend(changes.came);
                return Ok(());
            }
            Err(error) => return Err(Stop::Fatal(format!("the relay cannot ask for its offsets: {error}"))),
        };
        for element in committed.elements() {
            if let Ok(before) = element.metadata().parse() {
                self.delivered.insert(element.partition(), before);
            }
        }
        self.readiness.set("relay", Ok(()));
        Ok(())
    }

    /// Lets time pass in the book.
    fn pass(&mut self) {
        self.hear(Duration::ZERO);
        for (sink, missed) in self.book.pass(clock::now()) {
            self.metrics.dropped(&self.outlets[sink].name, "expired", missed);
        }
        for (severity, alerts) in self.book.active() {
            self.metrics.active(severity, alerts);
        }
        for (index, outlet) in self.outlets.iter().enumerate() {
            self.metrics.queued(&outlet.name, self.book.queued(index));
        }
    }

    /// Sends every idle sink what it is due.
    fn send(&mut self) {
        let now = clock::now();
        for (index, outlet) in self.outlets.iter_mut().enumerate() {
            let rests = outlet.rest_until.is_some_and(|until| clock::instant() < until);
            if outlet.busy || rests {
                continue;
            }
            let alerts = self.book.due(index, now);
            if alerts.is_empty() {
                continue;
            }
            outlet.busy = true;
            let (sink, end) = (outlet.sink.clone(), self.end.clone());
            self.runtime.spawn(async move {
                let began = clock::instant();
                let delivery = sink.deliver(&alerts).await;
                let sent = alerts.into_iter().map(|alert| (alert.labels, alert.revision)).collect();
                let ended = Ended { outlet: index, sent, delivery, took: began.elapsed() };
                // The relay may have ended meanwhile.
                let _ = end.send(ended);
            });
        }
    }

    /// Takes note of requests that ended.
    fn hear(&mut self, wait: Duration) {
        let mut next = self.ended.recv_timeout(wait).ok();
        while let Some(Ended { outlet: index, sent, delivery, took }) = next {
            let outlet = &mut self.outlets[index];
            let now = clock::now();
            outlet.busy = false;
            let pick = |chosen: &[usize]| {
                let picked = chosen.iter().map(|at| (&sent[*at].0, sent[*at].1));
                picked.collect::<Vec<_>>()
            };
            let settled: BTreeSet<usize> = delivery.taken.iter().chain(&delivery.rejected).copied().collect();
            let left = sent.len() - settled.len();
            for waited in self.book.taken_by(index, pick(&delivery.taken), now) {
                let waited = Duration::from_millis(waited.0.max(0).unsigned_abs());
                self.metrics.detection_to_send(&outlet.name, waited);
            }
            if !delivery.taken.is_empty() {
                self.metrics.sent(&outlet.name, "ok", delivery.taken.len(), took, now);
            }
            if !delivery.rejected.is_empty() {
                tracing::error!(sink = outlet.name, alerts = delivery.rejected.len(), "refused for good");
                self.metrics.sent(&outlet.name, "rejected", delivery.rejected.len(), took, now);
                self.metrics.dropped(&outlet.name, "rejected", delivery.rejected.len());
                self.book.taken_by(index, pick(&delivery.rejected), now);
            }
            match delivery.failure {
                None => (outlet.failures, outlet.rest_until) = (0, None),
                Some(reason) => {
                    let rest = (FIRST_REST * (1 << outlet.failures.min(6))).min(LONGEST_REST);
                    outlet.failures = outlet.failures.saturating_add(1);
                    outlet.rest_until = Some(clock::instant() + rest);
                    tracing::warn!(sink = outlet.name, alerts = left, again_in = ?rest, reason, "not delivered");
                    self.metrics.sent(&outlet.name, "error", left, took, now);
                }
            }
            next = self.ended.try_recv().ok();
        }
    }

    /// Commits the offsets before which nothing is active any more.
    fn commit(&mut self, mode: CommitMode) {
        self.committed_at = clock::instant();
        let mut list = TopicPartitionList::new();
        let offsets = self.book.offsets();
        for (partition, (from, delivered)) in &offsets {
            if self.committed.get(partition) == Some(&(*from, *delivered)) {
                continue;
            }
            if list.add_partition_offset(&self.topic, *partition, Offset::Offset(*from)).is_ok()
                && let Some(mut element) = list.find_partition(&self.topic, *partition)
            {
                element.set_metadata(delivered.to_string());
            }
        }
        if list.count() == 0 {
            return;
        }
        match self.consumer.commit(&list, mode) {
            Ok(()) => self.committed = offsets,
            // Read again at worst: Alertmanager knows an alert by its labels.
            Err(error) => tracing::warn!(%error, "the relay cannot commit"),
        }
    }
}

/// Whether the broker is away, and may come back.
fn is_unreachable(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, RequestTimedOut};
    let away = [AllBrokersDown, BrokerTransportFailure, OperationTimedOut, RequestTimedOut];
    error.rdkafka_error_code().is_some_and(|code| away.contains(&code))
}

fn arrived(message: &BorrowedMessage<'_>) -> (Place, Result<AlertRecord, String>) {
    let place = Place { partition: message.partition(), offset: message.offset() };
    let value = message.payload().unwrap_or_default();
    (place, serde_json::from_slice(value).map_err(|error| error.to_string()))
}
