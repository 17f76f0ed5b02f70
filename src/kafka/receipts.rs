//! What became of records that were sent: for producers that write a few and want to know.

use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::client::Credentials;
use crate::config::Kafka;

/// A producer's context that remembers the first refusal.
pub(super) struct Receipts {
    credentials: Credentials,
    refusal: Mutex<Option<KafkaError>>,
}

impl Receipts {
    pub(super) fn new(kafka: &Kafka) -> Self {
        Self { credentials: Credentials::new(kafka), refusal: Mutex::default() }
    }

    /// The first refusal since the last call.
    pub(super) fn refusal(&self) -> Option<KafkaError> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Receipts {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.credentials.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.credentials.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.credentials.generate_oauth_token(config)
    }
}

impl ProducerContext for Receipts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.clone());
        }
    }
}
