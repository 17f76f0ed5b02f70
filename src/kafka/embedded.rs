//! A broker inside the process, for the demo: librdkafka's mock cluster.
//!
//! It speaks the protocol over loopback, so that everything above it is the real thing. It has no transactions, no
//! compaction and no admin calls, and drops what is over 5 MiB in a partition: nothing to keep data in.

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::topics::Layout;
use crate::config::{Delivery, Kafka, Topics};

/// A broker that lives as long as this value.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    layout: Layout,
}

impl EmbeddedBroker {
    /// Starts it with the six topics.
    ///
    /// # Errors
    /// When no port of the loopback is free.
    pub fn start(topics: &Topics, partitions: i32) -> Result<Self, KafkaError> {
        let cluster = MockCluster::new(1)?;
        let Topics { messages, orders, verdicts, alerts, dead_letters, state } = topics;
        for topic in [messages, orders, verdicts, alerts, dead_letters, state] {
            cluster.create_topic(topic, partitions, 1)?;
        }
        Ok(Self { cluster, layout: Layout { partitions, alerts_partitions: partitions } })
    }

    /// What the topics look like.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How it is reached: `kafka` without its connection, with what this broker cannot do left out.
    pub fn connect(&self, kafka: Kafka) -> Kafka {
        Kafka {
            topics: kafka.topics,
            brokers: self.cluster.bootstrap_servers().split(',').map(str::to_owned).collect(),
            delivery: Delivery::AtLeastOnce,
            ..Kafka::default()
        }
    }
}
