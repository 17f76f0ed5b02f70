//! Dispositions that arrive by HTTP: written into the messages topic, where they are events like any other.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientContext, client::OAuthToken};

use super::client::{self, Credentials};
use crate::config::Kafka;

/// How long the broker may take.
const CALL: Duration = Duration::from_secs(10);

struct Context(Credentials, std::sync::Mutex<Option<KafkaError>>);

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.0.generate_oauth_token(config)
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            *self.1.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error.clone());
        }
    }
}

/// Writes events into the messages topic.
pub struct Sink {
    config: ClientConfig,
    credentials: Credentials,
    topic: String,
}

impl Sink {
    /// A sink for the configuration's messages topic. Connects when there is something to write.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub fn new(kafka: &Kafka) -> Result<Self, client::ClientError> {
        let config = client::producer(kafka)?;
        Ok(Self { config, credentials: Credentials::new(kafka), topic: kafka.topics.messages.clone() })
    }

    /// Writes one event; returns when the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn write(&self, key: &str, value: &[u8]) -> Result<(), KafkaError> {
        // Labels come by hand, a few an hour: a producer for each is cheaper than one that waits all day.
        let context = Context(self.credentials.clone(), std::sync::Mutex::default());
        let producer: BaseProducer<Context> = self.config.create_with_context(context)?;
        producer.send(BaseRecord::to(&self.topic).key(key).payload(value)).map_err(|(error, _)| error)?;
        producer.flush(CALL)?;
        let failed = producer.context().1.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        failed.map_or(Ok(()), Err)
    }
}
