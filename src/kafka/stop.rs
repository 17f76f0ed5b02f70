//! Why a worker cannot go on as it is.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What went wrong, by what has to be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The transaction is lost: abort it, forget what it held, restore, and go on.
    #[error("{0}")]
    Abort(String),
    /// The process must end; a supervisor starts it anew.
    #[error("{0}")]
    Fatal(String),
}

impl Stop {
    /// A fatal error, with what the operator can do about it.
    pub(super) fn fatal(text: &str, code: RDKafkaErrorCode) -> Self {
        Self::Fatal(told(text, code))
    }

    /// Sorts an error of a transactional call that repeating does not mend.
    pub(super) fn of_transaction(what: &str, error: &KafkaError) -> Self {
        let text = format!("{what}: {error}");
        match error {
            KafkaError::Transaction(inner) if inner.is_fatal() => Self::Fatal(told(&text, inner.code())),
            KafkaError::Transaction(inner) if inner.txn_requires_abort() => Self::Abort(text),
            KafkaError::Transaction(inner) => Self::Fatal(told(&text, inner.code())),
            _ => Self::Abort(text),
        }
    }
}

/// Whether the same call may be repeated.
pub(super) fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(inner) if inner.is_retriable() && !inner.txn_requires_abort())
}

/// Adds what the operator can do about a fatal error.
fn told(text: &str, code: RDKafkaErrorCode) -> String {
    let advice = match code {
        RDKafkaErrorCode::Fenced
        | RDKafkaErrorCode::ProducerFenced
        | RDKafkaErrorCode::InvalidProducerEpoch => {
            "; another process took this one's place (same kafka.instance twice?), or the process stood still for \
             longer than its transaction may take"
        }
        RDKafkaErrorCode::TransactionalIdAuthorizationFailed => {
            "; grant Write and Describe on transactional ids that begin with the group's name, or set \
             kafka.delivery to at_least_once"
        }
        RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion => {
            "; this broker has no transactions: set kafka.delivery to at_least_once"
        }
        _ => "",
    };
    format!("{text}{advice}")
}
