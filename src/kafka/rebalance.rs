//! A worker as a member of its group: what happens when partitions come and go.
//!
//! The library calls back inside `poll`, on the worker's own thread. What the callbacks must reach (the tasks and the
//! transaction) therefore lies in the consumer's context, behind a lock that nobody else holds meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::statistics::Statistics;

use super::client::{Credentials, client_context};
use super::tasks::Tasks;

/// The context of a worker's group consumer.
pub(super) struct Member {
    credentials: Credentials,
    tasks: Mutex<Tasks>,
}

impl Member {
    pub(super) fn new(credentials: Credentials, tasks: Tasks) -> Self {
        Self { credentials, tasks: Mutex::new(tasks) }
    }

    /// The tasks. Never held while the consumer is polled.
    pub(super) fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

client_context!(Member, credentials, {
    fn stats(&self, statistics: Statistics) {
        self.tasks().statistics(&statistics);
    }
});

impl ConsumerContext for Member {
    /// Partitions are about to be let go: what was done for them is committed first, while they are still ours.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(list) => {
                let partitions: Vec<i32> =
                    list.elements().iter().map(|element| element.partition()).collect();
                self.tasks().revoke(consumer, &partitions, consumer.assignment_lost());
            }
            Rebalance::Assign(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance"),
        }
    }

    /// Partitions came: what arrives of them waits in their tasks until their state is back.
    ///
    /// They are not paused here: the library starts to fetch by a thread of its own, and a pause that comes at that
    /// moment makes it forget the start, for ever (librdkafka issues 2190 and 5591).
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            let partitions: Vec<i32> = list.elements().iter().map(|element| element.partition()).collect();
            self.tasks().assign(&partitions);
        }
    }
}
