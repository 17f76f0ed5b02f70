//! Partitions come and go: state is read before a task judges, and what was done is committed before it goes.
//!
//! The same way leads back from a lost transaction: what memory holds beyond the last commit is dropped, and read anew.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::clock;
use crate::config::GroupProtocol;
use crate::state::TaskState;
use crate::state::codec::RecordKey;

use super::changelog::Restore;
use super::client::{self, PlainContext};
use super::failpoint;
use super::rebalance::Member;
use super::stop::Stop;
use super::task::{Phase, Task};
use super::tasks::{CALL, MESSAGES, ORDERS, Tasks};

/// How long reading state may keep the worker from its other work at a time.
const RESTORE_BUDGET: Duration = Duration::from_millis(50);
/// So many transactions in a row may be lost before the worker gives up.
const ABORTS: u32 = 8;

impl Tasks {
    /// Partitions came: their state is read first.
    pub(super) fn assign(&mut self, partitions: &[i32]) {
        tracing::info!(worker = self.name, ?partitions, "assigned");
        self.desk.metrics.rebalance("assign");
        self.joined = true;
        for &partition in partitions {
            let state = TaskState::new(self.retention);
            self.tasks.insert(partition, Task::new(partition, state, self.inputs.len(), &self.limits));
        }
        self.begin_restore(partitions.to_vec());
        self.tell();
    }

    fn begin_restore(&mut self, partitions: Vec<i32>) {
        if partitions.is_empty() {
            return;
        }
        match Restore::begin(&self.kafka, partitions) {
            Ok(restore) => self.restores.push(restore),
            Err(stop) => self.failed = Some(stop),
        }
    }

    /// Partitions go. What was done is committed first; when they are lost already, it is taken back.
    pub(super) fn revoke(&mut self, member: &BaseConsumer<Member>, partitions: &[i32], lost: bool) {
        tracing::info!(worker = self.name, ?partitions, lost, "revoked");
        self.desk.metrics.rebalance(if lost { "lost" } else { "revoke" });
        let done = match lost {
            true => Err(Stop::Abort("the group gave our partitions away".to_owned())),
            false => failpoint::pass("revoking").and_then(|()| self.commit(member)),
        };
        // The library would remember that they are paused until they come back.
        let list = client::partitions(&self.inputs[MESSAGES], partitions.iter().copied());
        if let Err(error) = member.resume(&list) {
            tracing::warn!(worker = self.name, %error, "cannot resume what goes");
        }
        for partition in partitions {
            self.tasks.remove(partition);
            self.desk.forget(*partition, &self.inputs);
            self.restores.iter_mut().for_each(|restore| restore.forget(*partition));
        }
        self.restores.retain(|restore| restore.left().next().is_some());
        self.unfollow(partitions);
        if let Err(stop) = done
            && let Err(stop) = self.recover(stop)
        {
            self.failed = Some(stop);
        }
        self.tell();
    }

    /// A transaction was lost: what it held is taken back, and all tasks begin again from their committed state.
    ///
    /// # Errors
    /// Fatal stops, and a stop that has come too often in a row.
    pub(super) fn recover(&mut self, stop: Stop) -> Result<(), Stop> {
        let reason = match stop {
            Stop::Abort(reason) => reason,
            fatal @ Stop::Fatal(_) => return Err(fatal),
        };
        self.aborts += 1;
        if self.aborts > ABORTS {
            return Err(Stop::Fatal(format!("{ABORTS} commits failed in a row; the last one: {reason}")));
        }
        let rest = Duration::from_millis(100 << self.aborts.min(6));
        tracing::warn!(worker = self.name, reason, again_in = ?rest, "the transaction is taken back");
        self.desk.metrics.commit_failed("aborted");
        self.desk.outbox.abort()?;
        self.desk.taken = 0;
        self.dirty_since = None;
        self.rest_until = Some(clock::instant() + rest);
        self.restores.clear();
        let partitions: Vec<i32> = self.tasks.keys().copied().collect();
        for &partition in &partitions {
            let state = TaskState::new(self.retention);
            let mut task = Task::new(partition, state, self.inputs.len(), &self.limits);
            task.rewinds = true;
            // Its consumer stays as it is: still paused, when it was.
            task.inputs[MESSAGES].paused =
                self.tasks.get(&partition).is_some_and(|task| task.inputs[MESSAGES].paused);
            self.tasks.insert(partition, task);
        }
        self.unfollow(&partitions);
        self.begin_restore(partitions);
        self.tell();
        Ok(())
    }

    /// Goes on reading state. Tasks whose state is back begin to judge.
    pub(super) fn restore(&mut self, member: &BaseConsumer<Member>) -> Result<(), Stop> {
        if self.restores.is_empty() {
            return Ok(());
        }
        if let Some(until) = self.rest_until {
            if clock::instant() < until {
                return Ok(());
            }
            self.rest_until = None;
        }
        let mut restores = std::mem::take(&mut self.restores);
        for restore in &mut restores {
            let tasks = &mut self.tasks;
            let topic = &self.kafka.topics.state;
            let finished = restore.advance(RESTORE_BUDGET, |partition, key, value| {
                let Some(task) = tasks.get_mut(&partition) else { return Ok(()) };
                let fault = |error: &dyn std::fmt::Display| {
                    Stop::Fatal(format!("topic {topic}, partition {partition}: {error}"))
                };
                let key = RecordKey::decode(key).map_err(|error| fault(&error))?;
                task.state.restore(&key, value).map_err(|error| fault(&error))
            })?;
            if !finished.is_empty() {
                self.run(member, &finished)?;
                self.desk.metrics.restored(restore.began.elapsed());
            }
        }
        restores.retain(|restore| restore.left().next().is_some());
        // A rebalance cannot come in between: callbacks run inside `poll` alone.
        restores.append(&mut self.restores);
        self.restores = restores;
        self.tell();
        Ok(())
    }

    /// The state of these partitions is back: they go on where it ends.
    fn run(&mut self, member: &BaseConsumer<Member>, partitions: &[i32]) -> Result<(), Stop> {
        let mut asked = TopicPartitionList::new();
        for partition in partitions {
            for topic in &self.inputs {
                asked.add_partition(topic, *partition);
            }
        }
        let committed = member
            .committed_offsets(asked, CALL * 6)
            .map_err(|error| Stop::Abort(format!("cannot ask for committed offsets: {error}")))?;
        let mut sought = TopicPartitionList::new();
        let mut followed = TopicPartitionList::new();
        let added = |result: Result<(), KafkaError>| result.map_err(|error| Stop::Fatal(error.to_string()));
        for &partition in partitions {
            let Some(task) = self.tasks.get_mut(&partition) else { continue };
            for (index, topic) in self.inputs.iter().enumerate() {
                let committed = committed
                    .find_partition(topic, partition)
                    .and_then(|element| element.offset().to_raw())
                    .filter(|offset| *offset >= 0);
                let applied = task.state.applied(topic);
                let start = begin_at(&self.follower, topic, partition, applied, committed)?;
                task.inputs[index].next = start;
                let from = start.map_or(Offset::Beginning, Offset::Offset);
                if index == MESSAGES {
                    if std::mem::take(&mut task.rewinds) {
                        added(sought.add_partition_offset(topic, partition, from))?;
                    }
                } else {
                    added(followed.add_partition_offset(topic, partition, from))?;
                    self.followed.insert(partition);
                }
            }
            task.drop_taken();
            task.phase = Phase::Running;
            task.state.track();
            self.desk.settle_in(&mut task.state);
            self.desk.awaiting_of(task);
            task.changed = true;
        }
        if sought.count() > 0 {
            let sought = member.seek_partitions(sought, CALL).and_then(|sought| {
                sought
                    .elements()
                    .iter()
                    .try_for_each(rdkafka::topic_partition_list::TopicPartitionListElem::error)
            });
            sought.map_err(|error| Stop::Fatal(format!("cannot go back to committed offsets: {error}")))?;
        }
        self.follower
            .incremental_assign(&followed)
            .map_err(|error| Stop::Fatal(format!("cannot begin to read: {error}")))?;
        self.dirty();
        for partition in partitions {
            self.merge(*partition)?;
        }
        Ok(())
    }

    fn unfollow(&mut self, partitions: &[i32]) {
        let followed = partitions.iter().copied().filter(|partition| self.followed.remove(partition));
        let list = client::partitions(&self.inputs[ORDERS], followed);
        if list.count() > 0
            && let Err(error) =
                self.follower.resume(&list).and_then(|()| self.follower.incremental_unassign(&list))
        {
            self.failed = Some(Stop::Fatal(format!("cannot let go of partitions: {error}")));
        }
    }

    /// The broker's group protocol tells nothing to a member that gets no partition: it is in the group once it has its
    /// coordinator.
    pub(super) fn heard(&mut self, group_state: &str) {
        let told = self.kafka.group_protocol == GroupProtocol::Classic;
        if !told && !self.joined && group_state == "up" {
            self.joined = true;
            self.tell();
        }
    }

    /// Says how far the worker is.
    fn tell(&mut self) {
        let left = self.tasks.values().filter(|task| task.phase == Phase::Restoring).count();
        let state = match (self.joined, left) {
            (false, _) => Err("joins the consumer group".to_owned()),
            (true, 0) => Ok(()),
            (true, left) => Err(format!("reads the state of {left} partitions")),
        };
        self.readiness.set(&self.name, state);
        for topic in &self.inputs {
            self.desk.metrics.assigned(topic, self.tasks.len());
        }
    }
}

/// Where a task begins to read an input: where its state ends, or where the group stands when the state knows nothing;
/// `None` is the beginning.
///
/// # Errors
/// When the topic ends before what was read of it, which means that it is another topic now.
fn begin_at(
    reader: &BaseConsumer<PlainContext>,
    topic: &str,
    partition: i32,
    applied: Option<i64>,
    committed: Option<i64>,
) -> Result<Option<i64>, Stop> {
    match (applied, committed) {
        (Some(applied), Some(committed)) if applied > committed => tracing::warn!(
            topic,
            partition,
            applied,
            committed,
            "the group's offset was set back, or has expired; what the state holds already is not judged again"
        ),
        (Some(applied), Some(committed)) if applied < committed => tracing::warn!(
            topic,
            partition,
            applied,
            committed,
            "the group's offset was set forward; what lies between is not judged"
        ),
        (None, Some(committed)) => tracing::warn!(
            topic,
            partition,
            committed,
            "there is no state; what was read before is forgotten"
        ),
        _ => {}
    }
    let Some(start) = applied.max(committed) else { return Ok(None) };
    let (low, end) = reader
        .fetch_watermarks(topic, partition, CALL)
        .map_err(|error| Stop::Abort(format!("topic {topic}, partition {partition}: {error}")))?;
    if start > end {
        return Err(Stop::Fatal(format!(
            "topic {topic}, partition {partition} ends at offset {end}, but {start} records of it were read before: it is \
             not the topic that it was; if it was made anew on purpose, make the state topic anew as well, and give \
             kafka.group another name"
        )));
    }
    if start < low {
        let lost = low - start;
        tracing::error!(topic, partition, lost, "records were deleted by retention before they were read");
    }
    Ok(Some(start))
}
