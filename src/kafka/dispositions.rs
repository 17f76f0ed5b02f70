//! Dispositions that arrive by HTTP: written into the messages topic, where they are events like any other.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::client;
use super::receipts::Receipts;
use crate::config::Kafka;

/// How long the broker may take.
const CALL: Duration = Duration::from_secs(10);

/// Writes events into the messages topic.
pub struct Sink {
    kafka: Kafka,
    config: rdkafka::ClientConfig,
}

impl Sink {
    /// A sink for the configuration's messages topic. Connects when there is something to write.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub fn new(kafka: &Kafka) -> Result<Self, client::ClientError> {
        Ok(Self { config: client::producer(kafka)?, kafka: kafka.clone() })
    }

    /// Writes one event; returns when the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn write(&self, key: &str, value: &[u8]) -> Result<(), KafkaError> {
        // Labels come by hand, a few an hour: a producer for each is cheaper than one that waits all day.
        let producer: BaseProducer<Receipts> =
            client::connect_producer(&self.config, Receipts::new(&self.kafka))?;
        let record = BaseRecord::to(&self.kafka.topics.messages).key(key).payload(value);
        producer.send(record).map_err(|(error, _)| error)?;
        producer.flush(CALL)?;
        producer.context().refusal().map_or(Ok(()), Err)
    }
}
