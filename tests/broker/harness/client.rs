//! What stands around the daemon: producers, and readers of its topics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

const CALL: Duration = Duration::from_secs(20);

/// A record as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    /// `None` is a tombstone.
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Record {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.value.clone().unwrap_or_default()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.value.as_deref().unwrap_or_default()).unwrap()
    }
}

/// Which records a reader sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    Committed,
    Everything,
}

pub(crate) struct Client {
    bootstrap: String,
}

impl Client {
    pub(crate) fn new(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned() }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("allow.auto.create.topics", "false");
        config.set("log_level", "0");
        config
    }

    fn consumer(&self, group: &str, sees: Sees) -> BaseConsumer {
        let isolation = if sees == Sees::Committed { "read_committed" } else { "read_uncommitted" };
        self.config()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50")
            .set("isolation.level", isolation)
            .create()
            .unwrap()
    }

    /// Brokers that answer; 0 when none does.
    pub(crate) fn brokers(&self) -> usize {
        let consumer = self.consumer("probe", Sees::Everything);
        consumer.fetch_metadata(None, Duration::from_secs(2)).map_or(0, |metadata| metadata.brokers().len())
    }

    pub(crate) fn producer(&self) -> Sender {
        let producer = self
            .config()
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "2")
            .set("message.timeout.ms", "120000")
            .create()
            .unwrap();
        Sender(producer)
    }

    /// Partitions of a topic; none when it does not exist.
    pub(crate) fn partitions(&self, topic: &str) -> Vec<i32> {
        let consumer = self.consumer("probe", Sees::Everything);
        let metadata = consumer.fetch_metadata(Some(topic), CALL).unwrap();
        let found = metadata.topics().iter().filter(|found| found.error().is_none());
        found.flat_map(|found| found.partitions().iter().map(|partition| partition.id())).collect()
    }

    /// Everything that the topic holds now, by partition and offset.
    pub(crate) fn read(&self, topic: &str, sees: Sees) -> Vec<Record> {
        let consumer = self.consumer("reader", sees);
        let mut list = TopicPartitionList::new();
        let mut left: BTreeSet<i32> = self.partitions(topic).into_iter().collect();
        for partition in &left {
            list.add_partition_offset(topic, *partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut records = Vec::new();
        while !left.is_empty() {
            match consumer.poll(CALL) {
                Some(Ok(message)) => records.push(Record {
                    topic: topic.to_owned(),
                    partition: message.partition(),
                    offset: message.offset(),
                    key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message.headers().map_or_else(BTreeMap::new, |headers| {
                        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                        headers
                            .iter()
                            .map(|header| (header.key.to_owned(), text(header.value.unwrap_or_default())))
                            .collect()
                    }),
                }),
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(left.remove(&partition)),
                Some(Err(error)) => panic!("reading {topic}: {error}"),
                None => panic!("topic {topic} falls silent"),
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// What readers of committed records see.
    pub(crate) fn committed(&self, topic: &str) -> Vec<Record> {
        self.read(topic, Sees::Committed)
    }

    /// The group's offsets of a topic, by partition; those that were never committed are left out.
    pub(crate) fn offsets(&self, group: &str, topic: &str) -> BTreeMap<i32, i64> {
        let consumer = self.consumer(group, Sees::Everything);
        let mut list = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            list.add_partition(topic, partition);
        }
        let committed = consumer.committed_offsets(list, CALL).unwrap();
        let known = committed.elements_for_topic(topic).into_iter();
        known
            .filter_map(|element| Some((element.partition(), element.offset().to_raw()?)))
            .filter(|(_, offset)| *offset >= 0)
            .collect()
    }
}

pub(crate) struct Sender(BaseProducer);

impl Sender {
    pub(crate) fn send(&self, topic: &str, key: &str, value: Option<&[u8]>) {
        let mut record = BaseRecord::<str, [u8]>::to(topic).key(key);
        if let Some(value) = value {
            record = record.payload(value);
        }
        while let Err((error, back)) = self.0.send(record) {
            assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
            self.0.poll(Duration::from_millis(50));
            record = back;
        }
    }

    pub(crate) fn flush(&self) {
        self.0.flush(Duration::from_secs(120)).unwrap();
    }
}
