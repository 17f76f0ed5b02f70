//! Dead letters as an operator handles them: read them, put them back where they came from.
//!
//! What was put back is remembered as the offsets of a consumer group of its own, `<kafka.group>-dead-letters`. A letter
//! that cannot be read yet stays; those behind it may then be put back twice, which does no harm: the daemon drops an
//! event whose id it has seen.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::client::{self, ClientError, PlainContext};
use super::dead_letter::{Letter, Origin};
use super::receipts::Receipts;
use super::task::Content;
use crate::clock;
use crate::config::Kafka;

/// How long one question to the broker may take.
const CALL: Duration = Duration::from_secs(10);
/// How long a partition that should have records may be silent.
const SILENCE: Duration = Duration::from_secs(15);

/// Why dead letters cannot be handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LettersError {
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(#[from] ClientError),
    /// The broker does not answer, or refuses.
    #[error("{0}")]
    Broker(String),
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it lies in the topic of dead letters.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Why it is there, and where it came from; `None` when somebody else wrote it.
    pub letter: Option<Letter>,
    /// Key of the record.
    pub key: Option<Vec<u8>>,
    /// The record as it came.
    pub value: Vec<u8>,
}

/// The topic of dead letters, read from where the last replay ended.
pub struct Letters<'a> {
    kafka: &'a Kafka,
    consumer: BaseConsumer<PlainContext>,
    /// By partition: where reading began, and the end of the topic then.
    bounds: BTreeMap<i32, (i64, i64)>,
}

impl<'a> Letters<'a> {
    /// Connects. With `all`, letters that were put back before are read again.
    ///
    /// # Errors
    /// When the topic is not there, or the broker does not answer.
    pub fn open(kafka: &'a Kafka, all: bool) -> Result<Self, LettersError> {
        let group = format!("{}-dead-letters", kafka.group);
        let mut config = client::consumer(kafka, &group)?;
        config.set("enable.partition.eof", "true").set("statistics.interval.ms", "0");
        let consumer: BaseConsumer<PlainContext> = client::connect(&config, PlainContext::new(kafka))
            .map_err(|error| ClientError(error.to_string()))?;
        let topic = &kafka.topics.dead_letters;
        let broker = |error: KafkaError| {
            LettersError::Broker(format!("no answer from Kafka at {}: {error}", kafka.brokers.join(", ")))
        };
        let metadata = consumer.fetch_metadata(Some(topic), CALL).map_err(broker)?;
        let partitions: Vec<i32> = metadata
            .topics()
            .iter()
            .filter(|found| found.error().is_none())
            .flat_map(|found| found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id))
            .collect();
        if partitions.is_empty() {
            return Err(LettersError::Broker(format!(
                "topic {topic} does not exist: the daemon or `contactwatch topics create` makes it"
            )));
        }
        let asked = client::partitions(topic, partitions.iter().copied());
        let committed = consumer.committed_offsets(asked, CALL).map_err(broker)?;
        let mut bounds = BTreeMap::new();
        for partition in partitions {
            let (low, end) = consumer.fetch_watermarks(topic, partition, CALL).map_err(broker)?;
            let committed =
                committed.find_partition(topic, partition).and_then(|element| element.offset().to_raw());
            let from = committed.filter(|offset| !all && *offset >= 0).unwrap_or(low).max(low);
            bounds.insert(partition, (from, end));
        }
        Ok(Self { kafka, consumer, bounds })
    }

    /// Letters that wait, at most; markers of transactions count as well.
    pub fn at_most(&self) -> u64 {
        self.bounds.values().map(|(from, end)| (end - from).max(0).unsigned_abs()).sum()
    }

    /// Reads every letter up to where the topic ended when it was opened.
    ///
    /// # Errors
    /// When the broker falls silent, or `each` fails.
    pub fn read<E: From<LettersError>>(
        &self,
        mut each: impl FnMut(DeadLetter) -> Result<(), E>,
    ) -> Result<(), E> {
        let topic = &self.kafka.topics.dead_letters;
        let broker = |error: KafkaError| LettersError::Broker(format!("cannot read topic {topic}: {error}"));
        let mut open: BTreeMap<i32, i64> = self
            .bounds
            .iter()
            .filter(|(_, (from, end))| from < end)
            .map(|(at, (_, end))| (*at, *end))
            .collect();
        let mut list = TopicPartitionList::new();
        for partition in open.keys() {
            let added =
                list.add_partition_offset(topic, *partition, Offset::Offset(self.bounds[partition].0));
            added.map_err(broker)?;
        }
        self.consumer.assign(&list).map_err(broker)?;
        while !open.is_empty() {
            match self.consumer.poll(SILENCE) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    if open.get(&partition).is_some_and(|end| offset < *end) {
                        each(DeadLetter {
                            partition,
                            offset,
                            letter: message.headers().and_then(Letter::of),
                            key: message.key().map(<[u8]>::to_vec),
                            value: message.payload().unwrap_or_default().to_vec(),
                        })?;
                    }
                    if open.get(&partition).is_some_and(|end| offset + 1 >= *end) {
                        open.remove(&partition);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
                Some(Err(error)) => return Err(broker(error).into()),
                None => return Err(LettersError::Broker(format!("topic {topic} falls silent")).into()),
            }
        }
        Ok(())
    }

    /// Remembers what was put back: everything but what stays, from the first letter that stays on.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn settle(&self, staying: &[(i32, i64)]) -> Result<(), LettersError> {
        let topic = &self.kafka.topics.dead_letters;
        let broker =
            |error: KafkaError| LettersError::Broker(format!("cannot commit offsets of {topic}: {error}"));
        let mut list = TopicPartitionList::new();
        for (partition, (_, end)) in &self.bounds {
            let first = staying.iter().filter(|(at, _)| at == partition).map(|(_, offset)| *offset).min();
            list.add_partition_offset(topic, *partition, Offset::Offset(first.unwrap_or(*end)))
                .map_err(broker)?;
        }
        self.consumer.commit(&list, CommitMode::Sync).map_err(broker)
    }
}

/// Why the daemon would refuse this record now: a code, and what is wrong.
pub fn fault(value: &[u8]) -> Option<(&'static str, String)> {
    Content::of(Some(value)).fault(clock::now())
}

/// Puts records back into the topics and partitions they came from; returns when the broker has all of them.
///
/// # Errors
/// When the broker does not take one: then some may have been put back, and the rest can be tried again.
pub fn put_back<'a>(
    kafka: &Kafka,
    records: impl IntoIterator<Item = (&'a Origin, Option<&'a [u8]>, &'a [u8])>,
) -> Result<u64, LettersError> {
    let producer: BaseProducer<Receipts> =
        client::connect_producer(&client::producer(kafka)?, Receipts::new(kafka))
            .map_err(|error| ClientError(error.to_string()))?;
    let mut sent = 0;
    for (origin, key, value) in records {
        let from = format!("{}/{}/{}", origin.topic, origin.partition, origin.offset);
        let headers = OwnedHeaders::new().insert(Header { key: "replayed_from", value: Some(&from) });
        let mut record = BaseRecord::<[u8], [u8]>::to(&origin.topic)
            .partition(origin.partition)
            .payload(value)
            .headers(headers);
        if let Some(key) = key {
            record = record.key(key);
        }
        if let Some(timestamp) = origin.timestamp {
            record = record.timestamp(timestamp);
        }
        while let Err((error, back)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(LettersError::Broker(format!("cannot write to topic {}: {error}", origin.topic)));
            }
            producer.poll(Duration::from_millis(100));
            record = back;
        }
        sent += 1;
    }
    let flushed = producer.flush(CALL * 3);
    let refused = producer.context().refusal();
    match refused.or(flushed.err()) {
        None => Ok(sent),
        Some(error) => Err(LettersError::Broker(format!("the broker does not take everything: {error}"))),
    }
}
