//! Reading a task's state back from the changelog.
//!
//! A task judges only after it has read its partition to the end. "The end" is where the partition ended after the
//! group's offsets had become stable, and everything up to there must be decided: a crashed owner may have left a
//! transaction open, and what it wrote counts, or not, only once the broker knows how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::clock;
use crate::config::Kafka;

use super::client::{self, PlainContext};
use super::failpoint;
use super::stop::Stop;

/// How long one question to the broker may take.
const CALL: Duration = Duration::from_secs(5);
/// How often an open transaction is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often the broker may fail to answer in a row.
const TRIES: u32 = 24;
/// A transaction that is open for longer than any of this program's may be says so in the log, and again so often.
const HANGS: Duration = Duration::from_secs(60);

/// Partitions of the changelog being read.
pub(super) struct Restore {
    topic: String,
    /// Sees what is committed.
    reader: BaseConsumer<PlainContext>,
    /// Sees everything: where a partition really ends.
    edge: BaseConsumer<PlainContext>,
    /// Partitions whose end is not known, or not decided yet: the end, once it is known.
    undecided: BTreeMap<i32, Option<i64>>,
    reading: BTreeSet<i32>,
    looked_at: Option<Instant>,
    failures: u32,
    pub(super) began: Instant,
    /// When the log was last told that something hangs.
    told_at: Instant,
}

impl Restore {
    /// Begins to read `partitions`.
    pub(super) fn begin(kafka: &Kafka, partitions: impl IntoIterator<Item = i32>) -> Result<Self, Stop> {
        let create = |isolation: &str| {
            let mut config = client::reader(kafka).map_err(|error| Stop::Fatal(error.to_string()))?;
            config.set("isolation.level", isolation).set("enable.partition.eof", "true");
            client::connect(&config, PlainContext::new(kafka))
                .map_err(|error| Stop::Fatal(format!("cannot create a reader of the state: {error}")))
        };
        Ok(Self {
            topic: kafka.topics.state.clone(),
            reader: create("read_committed")?,
            edge: create("read_uncommitted")?,
            undecided: partitions.into_iter().map(|partition| (partition, None)).collect(),
            reading: BTreeSet::new(),
            looked_at: None,
            failures: 0,
            began: clock::instant(),
            told_at: clock::instant(),
        })
    }

    /// Partitions that are not read yet.
    pub(super) fn left(&self) -> impl Iterator<Item = i32> {
        self.undecided.keys().chain(&self.reading).copied()
    }

    /// A partition was taken away: it needs no reading any more.
    pub(super) fn forget(&mut self, partition: i32) {
        self.undecided.remove(&partition);
        if self.reading.remove(&partition) {
            // A reader that goes on reading it does no harm: what it reads is nobody's.
            let _ = self.reader.incremental_unassign(&client::partitions(&self.topic, [partition]));
        }
    }

    /// Goes on for about `budget`; hands every record to `each`. Returns the partitions that were read to their end.
    ///
    /// # Errors
    /// [`Stop::Fatal`] when the broker does not answer for two minutes, or a record cannot be taken back.
    pub(super) fn advance(
        &mut self,
        budget: Duration,
        mut each: impl FnMut(i32, &[u8], Option<&[u8]>) -> Result<(), Stop>,
    ) -> Result<Vec<i32>, Stop> {
        let began = clock::instant();
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            self.decide(began, budget)?;
            self.looked_at = Some(clock::instant());
        }
        let mut finished = Vec::new();
        while began.elapsed() < budget && !self.reading.is_empty() {
            match self.reader.poll(Duration::from_millis(5)) {
                None => {}
                Some(Ok(message)) => {
                    failpoint::pass("restoring")?;
                    if self.reading.contains(&message.partition()) {
                        each(message.partition(), message.key().unwrap_or_default(), message.payload())?;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    finished.extend(self.reading.take(&partition));
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(Stop::Fatal(format!("cannot read topic {}: {code}", self.topic)));
                }
                Some(Err(error)) => tracing::warn!(topic = self.topic, %error, "reading the state"),
            }
        }
        Ok(finished)
    }

    /// Asks where partitions end, and begins to read those that are decided up to there.
    fn decide(&mut self, began: Instant, budget: Duration) -> Result<(), Stop> {
        let mut decided = TopicPartitionList::new();
        for (partition, end) in &mut self.undecided {
            if began.elapsed() > budget {
                break;
            }
            let result = match *end {
                Some(end) => Ok(end),
                None => self.edge.fetch_watermarks(&self.topic, *partition, CALL).map(|(_, high)| high),
            };
            let stable = result.and_then(|high| {
                *end = Some(high);
                let (_, stable) = self.reader.fetch_watermarks(&self.topic, *partition, CALL)?;
                Ok(stable >= high)
            });
            match stable {
                Ok(true) => {
                    let added = decided.add_partition_offset(&self.topic, *partition, Offset::Beginning);
                    added.map_err(|error| Stop::Fatal(format!("topic {}: {error}", self.topic)))?;
                    self.failures = 0;
                }
                Ok(false) => self.failures = 0,
                Err(error) if self.failures < TRIES => {
                    self.failures += 1;
                    tracing::warn!(topic = self.topic, partition, %error, "cannot ask where the state ends");
                    break;
                }
                Err(error) => {
                    return Err(Stop::Fatal(format!(
                        "cannot read the state: nobody says where partition {partition} of topic {} ends: {error}",
                        self.topic
                    )));
                }
            }
        }
        if decided.count() == 0 {
            self.tell();
            return Ok(());
        }
        for element in decided.elements() {
            self.undecided.remove(&element.partition());
            self.reading.insert(element.partition());
        }
        self.reader
            .incremental_assign(&decided)
            .map_err(|error| Stop::Fatal(format!("cannot read topic {}: {error}", self.topic)))
    }

    /// Says what is waited for, when that takes long: a transaction that nobody will ever end stops every reader of
    /// committed records, and only the operator can end it. A broker that does not answer is told of elsewhere.
    fn tell(&mut self) {
        let open = self.undecided.iter().filter(|(_, end)| end.is_some());
        let partitions: Vec<i32> = open.map(|(partition, _)| *partition).collect();
        if partitions.is_empty() || self.failures > 0 || self.told_at.elapsed() < HANGS {
            return;
        }
        self.told_at = clock::instant();
        tracing::warn!(
            topic = self.topic,
            ?partitions,
            waiting = ?self.began.elapsed(),
            "the state cannot be read: a transaction in these partitions does not end; when this goes on, find it with \
             `kafka-transactions.sh find-hanging` and end it with `kafka-transactions.sh abort`"
        );
    }
}
