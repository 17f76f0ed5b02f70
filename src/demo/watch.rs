//! What comes out, read from the topics as any consumer would: verdicts and dead letters.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::config::Kafka;
use crate::kafka::client::{self, PlainContext};
use crate::kafka::dead_letter::Letter;
use crate::kafka::topics::Layout;
use crate::score::Verdict;

/// Something that came out.
#[derive(Debug)]
pub enum Seen {
    /// A verdict.
    Verdict(Box<Verdict>),
    /// A record that could not be read.
    DeadLetter(Letter),
}

/// A reader of everything that comes out.
pub struct Watch {
    consumer: BaseConsumer<PlainContext>,
    verdicts: String,
}

impl Watch {
    /// Reads both topics from their beginning, in no group.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(kafka: &Kafka, layout: Layout) -> Result<Self, String> {
        let fault = |error: &dyn std::fmt::Display| format!("cannot read verdicts: {error}");
        let consumer: BaseConsumer<PlainContext> = client::reader(kafka)
            .map_err(|error| fault(&error))?
            .create_with_context(PlainContext::new(kafka))
            .map_err(|error| fault(&error))?;
        let mut list = TopicPartitionList::new();
        for topic in [&kafka.topics.verdicts, &kafka.topics.dead_letters] {
            for partition in 0..layout.partitions {
                list.add_partition_offset(topic, partition, Offset::Beginning)
                    .map_err(|error| fault(&error))?;
            }
        }
        consumer.assign(&list).map_err(|error| fault(&error))?;
        Ok(Self { consumer, verdicts: kafka.topics.verdicts.clone() })
    }

    /// The next thing that came out, if one does within `wait`.
    pub fn next(&self, wait: Duration) -> Option<Seen> {
        let message = self.consumer.poll(wait)?.ok()?;
        if message.topic() == self.verdicts {
            return serde_json::from_slice(message.payload()?).ok().map(Seen::Verdict);
        }
        Letter::of(message.headers()?).map(Seen::DeadLetter)
    }
}
