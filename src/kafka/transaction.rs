//! What goes out, and its commit: verdicts, alerts, dead letters, changes of state and offsets in one transaction, or,
//! without transactions, in the order that loses nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig};

use crate::clock;
use crate::config::Delivery;

use super::client::{self, Credentials, client_context};
use super::failpoint;
use super::rebalance::Member;
use super::stop::{Stop, is_retriable};

/// How long a transaction may stay open before the broker aborts it. Shorter than the session time-out: whoever takes
/// over after a crash never waits for the crashed transaction.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one call may wait for the broker.
const CALL: Duration = Duration::from_secs(10);
/// A call that is not back after so long is not waited for any more: the library does not keep to the time it is given.
const HUNG: Duration = Duration::from_secs(15);
/// How long calls are repeated, and records wait for their acknowledgement.
const PATIENCE: Duration = Duration::from_secs(120);

/// One record that goes out.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    /// By the key when `None`.
    pub(super) partition: Option<i32>,
    /// As the record had it, which may be none.
    pub(super) key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Option<OwnedHeaders>,
}

/// Counts what the broker acknowledged and refused.
pub(super) struct Deliveries {
    credentials: Credentials,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    /// The first refusal since the last commit.
    refusal: Mutex<Option<String>>,
}

client_context!(Deliveries, credentials);

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::Message;
        match result {
            Ok(_) => drop(self.acknowledged.fetch_add(1, Ordering::Relaxed)),
            Err((error, message)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let told = format!("topic {} refused a record: {error}", message.topic());
                self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(told);
            }
        }
    }
}

/// The producer of one worker.
pub(super) struct Outbox {
    producer: Arc<BaseProducer<Deliveries>>,
    /// A call of this producer never came back: only a new one can be used.
    hung: bool,
    config: ClientConfig,
    credentials: Credentials,
    delivery: Delivery,
    /// Since when a transaction is open.
    opened_at: Option<Instant>,
    /// Records handed over since the last commit.
    pending: u64,
}

impl Outbox {
    /// Connects; with transactions, takes over the transactional id, which aborts what a predecessor left open.
    ///
    /// # Errors
    /// [`Stop::Fatal`] when the broker refuses, or does not answer in two minutes.
    pub(super) fn new(
        mut config: ClientConfig,
        credentials: Credentials,
        delivery: Delivery,
        id: &str,
    ) -> Result<Self, Stop> {
        if delivery == Delivery::ExactlyOnce {
            config.set("transactional.id", id);
            config.set("transaction.timeout.ms", TRANSACTION_TIMEOUT.as_millis().to_string());
            // Records may not live longer than their transaction.
            config.set("message.timeout.ms", TRANSACTION_TIMEOUT.as_millis().to_string());
        }
        let producer = connect(&config, &credentials)?;
        let mut outbox =
            Self { producer, hung: false, config, credentials, delivery, opened_at: None, pending: 0 };
        outbox.take_over()?;
        Ok(outbox)
    }

    fn take_over(&mut self) -> Result<(), Stop> {
        match self.delivery {
            Delivery::ExactlyOnce => self
                .repeat("cannot begin to use transactions", || |producer| producer.init_transactions(CALL)),
            Delivery::AtLeastOnce => Ok(()),
        }
    }

    /// Lets the library do what it has to while nothing is sent: renew a token, say.
    pub(super) fn idle(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Records handed over since the last commit.
    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    /// Acknowledged and refused records since the last call.
    pub(super) fn take_counts(&self) -> (u64, u64) {
        let context = self.producer.context();
        (context.acknowledged.swap(0, Ordering::Relaxed), context.refused.swap(0, Ordering::Relaxed))
    }

    /// Hands a record over. A full queue is back-pressure: it is waited for.
    pub(super) fn send(&mut self, outgoing: Outgoing<'_>) -> Result<(), Stop> {
        self.begin()?;
        let mut record = BaseRecord::<[u8], [u8]>::to(outgoing.topic);
        if let Some(key) = outgoing.key {
            record = record.key(key);
        }
        if let Some(partition) = outgoing.partition {
            record = record.partition(partition);
        }
        if let Some(value) = outgoing.value {
            record = record.payload(value);
        }
        if let Some(headers) = outgoing.headers {
            record = record.headers(headers);
        }
        let began = clock::instant();
        while let Err((error, back)) = self.producer.send(record) {
            let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if !full || began.elapsed() > PATIENCE {
                return Err(self.sort(&format!("cannot write to topic {}", outgoing.topic), &error));
            }
            self.producer.poll(Duration::from_millis(10));
            record = back;
        }
        self.pending += 1;
        if self.pending.is_multiple_of(1000) {
            self.producer.poll(Duration::ZERO);
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Stop> {
        if self.delivery == Delivery::ExactlyOnce && self.opened_at.is_none() {
            let begun = self.producer.begin_transaction();
            begun.map_err(|error| self.sort("cannot begin a transaction", &error))?;
            self.opened_at = Some(clock::instant());
        }
        Ok(())
    }

    /// Waits until everything handed over is acknowledged. The library's own `flush` never takes less than 100 ms,
    /// and its commit and abort fail or hang while records are under way: so they are waited for here.
    pub(super) fn settle(&self) -> Result<(), Stop> {
        let began = clock::instant();
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(1));
            if began.elapsed() > PATIENCE {
                return Err(Stop::Abort("the broker acknowledges no records".to_owned()));
            }
        }
        failpoint::pass("settled")?;
        let refusal = self.producer.context().refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        match refusal {
            None => Ok(()),
            Some(refused) => Err(self.fatal(&refused).unwrap_or(Stop::Abort(refused))),
        }
    }

    /// Commits everything handed over, and `offsets` with it.
    pub(super) fn commit<C: Consumer<Member>>(
        &mut self,
        member: &C,
        offsets: &TopicPartitionList,
    ) -> Result<(), Stop> {
        match self.delivery {
            Delivery::ExactlyOnce => {
                self.begin()?;
                self.settle()?;
                failpoint::pass("before_offsets")?;
                let metadata: ConsumerGroupMetadata = member
                    .group_metadata()
                    .ok_or_else(|| Stop::Abort("no group to commit for".to_owned()))?;
                let added = Arc::new((offsets.clone(), metadata));
                self.repeat("cannot add offsets to the transaction", || {
                    let added = Arc::clone(&added);
                    move |producer| {
                        let _ = failpoint::pass("adding_offsets");
                        producer.send_offsets_to_transaction(&added.0, &added.1, CALL)
                    }
                })?;
                failpoint::pass("before_commit")?;
                self.repeat("cannot commit the transaction", || {
                    |producer| producer.commit_transaction(CALL)
                })?;
                self.opened_at = None;
            }
            Delivery::AtLeastOnce => {
                self.settle()?;
                failpoint::pass("before_offsets")?;
                if offsets.count() > 0 {
                    member
                        .commit(offsets, CommitMode::Sync)
                        .map_err(|error| Stop::Abort(format!("cannot commit offsets: {error}")))?;
                }
            }
        }
        self.pending = 0;
        failpoint::pass("after_commit")?;
        Ok(())
    }

    /// Takes back everything handed over since the last commit, as far as that can be done.
    pub(super) fn abort(&mut self) -> Result<(), Stop> {
        self.pending = 0;
        self.producer.purge(PurgeConfig::default().queue());
        // What is refused now belongs to what is taken back.
        let _ = self.settle();
        self.producer.context().refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let aborted = match self.opened_at {
            None => Ok(()),
            Some(_) if self.hung => Err(Stop::Abort("a call of it never came back".to_owned())),
            Some(_) => {
                self.repeat("cannot abort the transaction", || |producer| producer.abort_transaction(CALL))
            }
        };
        if let Err(stop) = aborted {
            if matches!(stop, Stop::Fatal(_)) && self.is_fenced() {
                return Err(stop);
            }
            // The broker has taken it back itself, because it was open for too long, or nobody knows how it stands; a
            // new producer begins anew, and takes back what may be left.
            tracing::warn!(reason = %stop, "the producer is made anew");
            self.producer = connect(&self.config, &self.credentials)?;
            self.hung = false;
            self.take_over()?;
        }
        self.opened_at = None;
        Ok(())
    }

    /// Another process took this one's place: its producer was fenced, and not because a transaction was open for too
    /// long.
    fn is_fenced(&self) -> bool {
        use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch, ProducerFenced};
        let ran_out = self.opened_at.is_some_and(|at| at.elapsed() >= TRANSACTION_TIMEOUT.mul_f64(0.9));
        let fatal = self.producer.client().fatal_error();
        !ran_out
            && fatal.is_some_and(|(code, _)| matches!(code, Fenced | ProducerFenced | InvalidProducerEpoch))
    }

    /// Repeats a call while the library says that it may be repeated. `call` makes one attempt.
    fn repeat<C>(&mut self, what: &str, mut call: impl FnMut() -> C) -> Result<(), Stop>
    where
        C: FnOnce(&BaseProducer<Deliveries>) -> KafkaResult<()> + Send + 'static,
    {
        let began = clock::instant();
        loop {
            match self.attempt(what, call())? {
                Ok(()) => return Ok(()),
                Err(error) if is_retriable(&error) && began.elapsed() < PATIENCE => {
                    self.producer.poll(Duration::from_millis(50));
                }
                // Nobody knows whether the broker did it: a restart finds out.
                Err(error) if is_retriable(&error) => {
                    return Err(Stop::Fatal(format!("{what}: no answer in two minutes: {error}")));
                }
                Err(error) => return Err(self.sort(what, &error)),
            }
        }
    }

    /// Makes a call by a thread of its own, and leaves it alone when it does not come back: adding offsets waits for
    /// ever when the group's coordinator was away at the wrong moment (librdkafka issues 5456 and 5511). The thread
    /// keeps its producer, which the broker fences as soon as there is a new one.
    fn attempt<C>(&mut self, what: &str, call: C) -> Result<KafkaResult<()>, Stop>
    where
        C: FnOnce(&BaseProducer<Deliveries>) -> KafkaResult<()> + Send + 'static,
    {
        let (tell, told) = sync_channel(1);
        let producer = Arc::clone(&self.producer);
        let thread = std::thread::Builder::new().name("transaction".to_owned());
        // Nobody listens to an answer that comes too late.
        let spawned = thread.spawn(move || drop(tell.send(call(&producer))));
        spawned.map_err(|error| Stop::Fatal(format!("{what}: cannot start a thread: {error}")))?;
        told.recv_timeout(HUNG).map_err(|_| {
            self.hung = true;
            Stop::Abort(format!("{what}: the call does not come back"))
        })
    }

    fn sort(&self, what: &str, error: &KafkaError) -> Stop {
        // After a fatal error the call itself only says that there was one.
        self.fatal(what).unwrap_or_else(|| Stop::of_transaction(what, error))
    }

    /// What a fatal error of the producer means, when there was one: the end where another took its place, else a
    /// transaction lost, and a new producer.
    fn fatal(&self, what: &str) -> Option<Stop> {
        let (code, reason) = self.producer.client().fatal_error()?;
        let text = format!("{what}: {reason}");
        Some(if self.is_fenced() { Stop::fatal(&text, code) } else { Stop::Abort(text) })
    }
}

fn connect(config: &ClientConfig, credentials: &Credentials) -> Result<Arc<BaseProducer<Deliveries>>, Stop> {
    let context = Deliveries {
        credentials: credentials.clone(),
        acknowledged: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        refusal: Mutex::default(),
    };
    client::connect_producer(config, context)
        .map(Arc::new)
        .map_err(|error| Stop::Fatal(format!("cannot create a producer: {error}")))
}

/// A transactional id that is this worker's alone, the same after a restart when the process has a name.
pub(super) fn transactional_id(group: &str, instance: &str, worker: usize) -> String {
    format!("{group}-{instance}-{worker}")
}

/// The name of this process: as configured, or one that nobody else has.
pub fn instance(configured: Option<&str>) -> Arc<str> {
    use std::hash::{BuildHasher, Hasher};
    match configured {
        Some(name) => name.into(),
        None => {
            let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
            format!("{:x}-{random:x}", std::process::id()).into()
        }
    }
}
