//! What became of records that were sent: for producers that write a few and want to know.

use std::sync::{Mutex, PoisonError};

use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::client::{Credentials, client_context};
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

client_context!(Receipts, credentials);

impl ProducerContext for Receipts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.clone());
        }
    }
}
