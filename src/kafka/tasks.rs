//! Everything a worker owns: its tasks, what they judge with, and the one transaction for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Statistics;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::clock;
use crate::config::{Delivery, Kafka};
use crate::runtime::query::Query;
use crate::runtime::readiness::Readiness;
use crate::state::Retention;
use crate::state::codec::RecordKey;

use super::changelog::Restore;
use super::client::{self, PlainContext};
use super::dead_letter::Limits;
use super::desk::Desk;
use super::failpoint;
use super::rebalance::Member;
use super::stop::Stop;
use super::task::{Content, Flow, Phase, Place, Task};
use super::transaction::Outgoing;

/// How often deadlines, flow and silence are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long one question to the broker may take.
pub(super) const CALL: Duration = Duration::from_secs(5);
/// Offsets are committed at least so often, also of inputs that stand still: brokers forget offsets of topics that the
/// group is not subscribed to.
const REFRESH: Duration = Duration::from_secs(3600);
/// After a question that nobody answered the next one waits so long.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// An end that has stood so long is one.
const STOOD: Duration = Duration::from_secs(1);

/// The input topics in the order of their index.
pub(super) type Inputs = [String; 2];
/// Index of the topic that the group is subscribed to.
pub(super) const MESSAGES: usize = 0;
/// Index of the topic that follows it.
pub(super) const ORDERS: usize = 1;

/// The tasks of one worker.
pub(super) struct Tasks {
    pub(super) name: String,
    pub(super) kafka: Kafka,
    pub(super) inputs: Inputs,
    pub(super) retention: Retention,
    pub(super) limits: Limits,
    pub(super) tasks: BTreeMap<i32, Task>,
    pub(super) restores: Vec<Restore>,
    /// Reads the topics that the group is not subscribed to.
    pub(super) follower: Arc<BaseConsumer<PlainContext>>,
    pub(super) followed: BTreeSet<i32>,
    pub(super) desk: Desk,
    pub(super) queries: Receiver<Query>,
    pub(super) readiness: Readiness,
    /// The group told once which partitions are ours.
    pub(super) joined: bool,
    /// Since when something waits for a commit.
    pub(super) dirty_since: Option<Instant>,
    pub(super) looked_at: Instant,
    pub(super) refreshed_at: Instant,
    /// Ends of inputs as last asked for, and since when they stand there.
    pub(super) ends: BTreeMap<(usize, i32), (i64, Instant)>,
    /// When the broker did not say where an input ends.
    pub(super) unanswered_at: Option<Instant>,
    pub(super) aborts: u32,
    /// No new attempt before then.
    pub(super) rest_until: Option<Instant>,
    /// A callback met an error that ends the worker.
    pub(super) failed: Option<Stop>,
}

/// What a worker is made of.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) kafka: Kafka,
    pub(super) retention: Retention,
    pub(super) follower: Arc<BaseConsumer<PlainContext>>,
    pub(super) desk: Desk,
    pub(super) queries: Receiver<Query>,
    pub(super) readiness: Readiness,
}

impl Tasks {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { name, kafka, retention, follower, desk, queries, readiness } = parts;
        let limits = Limits::new(kafka.dead_letter_limits.run, kafka.dead_letter_limits.ratio);
        readiness.set(&name, Err("joins the consumer group".to_owned()));
        Self {
            name,
            inputs: [kafka.topics.messages.clone(), kafka.topics.orders.clone()],
            kafka,
            retention,
            limits,
            tasks: BTreeMap::new(),
            restores: Vec::new(),
            follower,
            followed: BTreeSet::new(),
            desk,
            queries,
            readiness,
            joined: false,
            dirty_since: None,
            looked_at: clock::instant(),
            refreshed_at: clock::instant(),
            ends: BTreeMap::new(),
            unanswered_at: None,
            aborts: 0,
            rest_until: None,
            failed: None,
        }
    }

    // What arrives.

    /// A record arrived.
    pub(super) fn arrived(&mut self, input: usize, message: &BorrowedMessage<'_>) -> Result<(), Stop> {
        let Some(task) = self.tasks.get_mut(&message.partition()) else { return Ok(()) };
        task.inputs[input].at_end = false;
        // While a task rewinds, what arrives lies beyond where it goes on, and will come again.
        if task.rewinds || task.has(input, message.offset()) {
            return Ok(());
        }
        let place = Place { offset: message.offset(), timestamp: message.timestamp().to_millis() };
        let content = Content::of(message.payload());
        let raw = (message.key(), message.payload().unwrap_or_default());
        let now = clock::moment();
        if task.takes_directly(input, &content, now.clock) {
            self.desk.take(task, input, place, &content, raw, now.clock)?;
        } else {
            task.wait(input, place, content, raw, now);
            self.merge(message.partition())?;
        }
        self.dirty();
        Ok(())
    }

    /// An input has no more records in this partition for now.
    pub(super) fn ended(&mut self, input: usize, partition: i32) -> Result<(), Stop> {
        let Some(task) = self.tasks.get_mut(&partition).filter(|task| !task.rewinds) else { return Ok(()) };
        task.inputs[input].at_end = true;
        self.merge(partition)
    }

    /// Takes what waits, oldest first, as long as nothing older can come.
    pub(super) fn merge(&mut self, partition: i32) -> Result<(), Stop> {
        let Some(task) = self.tasks.get_mut(&partition) else { return Ok(()) };
        let now = clock::moment();
        while let Some((input, waiting)) = task.take(now.instant) {
            self.desk.take(task, input, waiting.place, &waiting.content, waiting.raw(), now.clock)?;
        }
        if task.changed {
            self.dirty();
        }
        Ok(())
    }

    pub(super) fn dirty(&mut self) {
        self.dirty_since.get_or_insert_with(clock::instant);
    }

    // What comes round.

    /// Everything that is due between two polls.
    pub(super) fn tick(&mut self, member: &BaseConsumer<Member>) -> Result<(), Stop> {
        if let Some(stop) = self.failed.take() {
            return Err(stop);
        }
        self.answer();
        self.restore(member)?;
        if self.looked_at.elapsed() >= LOOK {
            self.looked_at = clock::instant();
            self.readiness.beat(&self.name, clock::now());
            self.desk.outbox.idle();
            self.renew();
            self.look(member)?;
        }
        if self.commit_is_due() {
            self.commit(member)?;
        }
        Ok(())
    }

    fn commit_is_due(&self) -> bool {
        let interval = Duration::from_millis(self.kafka.commit_interval_ms.into());
        self.dirty_since.is_some_and(|since| {
            since.elapsed() >= interval || self.desk.taken >= u64::from(self.kafka.commit_events)
        })
    }

    /// Others judge from now on, when policies were loaded anew.
    fn renew(&mut self) {
        if self.desk.renew() {
            for task in self.tasks.values_mut().filter(|task| task.phase == Phase::Running) {
                self.desk.settle_in(&mut task.state);
                task.changed = true;
            }
            self.dirty();
        }
    }

    /// Silence, flow and deadlines.
    fn look(&mut self, member: &BaseConsumer<Member>) -> Result<(), Stop> {
        let partitions: Vec<i32> = self.tasks.keys().copied().collect();
        let limit = clock::now().minus(self.kafka.lateness);
        for partition in partitions {
            self.merge(partition)?;
            self.control_flow(member, partition);
            let Some(task) = self.tasks.get(&partition) else { continue };
            let due = task.state.timers.next_at().is_some_and(|at| at <= limit);
            if due && task.caught_up() && self.stands_still(partition) {
                // Nothing of before the deadline can be on its way any more.
                if let Some(task) = self.tasks.get_mut(&partition) {
                    self.desk.advance(task, limit)?;
                    self.dirty();
                }
            }
        }
        if self.refreshed_at.elapsed() >= REFRESH {
            self.refreshed_at = clock::instant();
            self.tasks.values_mut().for_each(|task| task.changed = task.phase == Phase::Running);
            self.dirty();
        }
        Ok(())
    }

    fn control_flow(&mut self, member: &BaseConsumer<Member>, partition: i32) {
        let Some(task) = self.tasks.get_mut(&partition) else { return };
        for (input, topic) in self.inputs.iter().enumerate() {
            let list = client::partitions(topic, [partition]);
            let result = match (task.flow(input), input) {
                (None, _) => continue,
                (Some(Flow::Pause), MESSAGES) => member.pause(&list),
                (Some(Flow::Resume), MESSAGES) => member.resume(&list),
                (Some(Flow::Pause), _) => self.follower.pause(&list),
                (Some(Flow::Resume), _) => self.follower.resume(&list),
            };
            if let Err(error) = result {
                tracing::warn!(topic, partition, %error, "cannot control the flow");
            }
            self.desk.metrics.paused("merge");
        }
    }

    /// Whether the broker confirms, now, that the inputs of a task hold nothing more. Without this a daemon that is cut
    /// off from its broker would see every buyer unanswered.
    fn stands_still(&mut self, partition: i32) -> bool {
        if self.unanswered_at.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return false;
        }
        let Some(task) = self.tasks.get(&partition) else { return false };
        let mut still = true;
        for (input, topic) in self.inputs.iter().enumerate() {
            let end = match self.follower.fetch_watermarks(topic, partition, Duration::from_secs(1)) {
                Ok((_, end)) => end,
                Err(error) => {
                    self.unanswered_at = Some(clock::instant());
                    tracing::debug!(topic, partition, %error, "cannot ask where the partition ends");
                    return false;
                }
            };
            let known = self.ends.entry((input, partition)).or_insert_with(|| (end, clock::instant()));
            if known.0 != end {
                *known = (end, clock::instant());
            }
            // Behind the last record there may be marks of transactions: an end that has stood for a while, with
            // nothing arrived since, is the end as well.
            still &= task.inputs[input].next.unwrap_or(0) >= end || known.1.elapsed() >= STOOD;
        }
        still
    }

    /// Answers what HTTP asks.
    fn answer(&mut self) {
        while let Ok(query) = self.queries.try_recv() {
            // Whoever asked may have gone.
            match query {
                Query::Check(event, reply) => {
                    if let Some(task) = self.owner(&event.platform, &event.store)
                        && let Some(verdict) = self.desk.check(&task.state, &event)
                    {
                        let _ = reply.send(verdict);
                    }
                }
                Query::Owns { platform, store, reply } => {
                    if self.owner(&platform, &store).is_some() {
                        let _ = reply.send(());
                    }
                }
            }
        }
    }

    /// The task of a store, once its state is read.
    fn owner(&self, platform: &str, store: &str) -> Option<&Task> {
        let owner = self.tasks.values().find(|task| task.state.knows(platform, store));
        owner.filter(|task| task.phase == Phase::Running)
    }

    // What goes out.

    /// Commits everything that was done since the last commit.
    pub(super) fn commit(&mut self, member: &BaseConsumer<Member>) -> Result<(), Stop> {
        self.dirty_since = None;
        let changed = self.tasks.values().any(|task| task.changed);
        if !changed && self.desk.outbox.pending() == 0 {
            return Ok(());
        }
        let began = clock::instant();
        failpoint::pass("committing")?;
        if self.kafka.delivery == Delivery::AtLeastOnce {
            // State may be behind what went out, never before it.
            let went_out = self.desk.outbox.pending() > 0;
            self.desk.outbox.settle()?;
            if went_out {
                failpoint::pass("between_output_and_state")?;
            }
        }
        let mut offsets = TopicPartitionList::new();
        for task in self.tasks.values_mut().filter(|task| task.changed) {
            for (input, topic) in task.inputs.iter().zip(&self.inputs) {
                if let Some(next) = input.next {
                    task.state.set_applied(topic, next);
                    offsets
                        .add_partition_offset(topic, task.partition, Offset::Offset(next))
                        .map_err(|error| Stop::Abort(error.to_string()))?;
                }
            }
            write_changes(&mut self.desk, task, &self.kafka.topics.state)?;
        }
        self.desk.outbox.commit(member, &offsets)?;
        self.aborts = 0;
        self.desk.taken = 0;
        for task in self.tasks.values_mut().filter(|task| task.changed) {
            task.changed = false;
            self.desk.committed(task, &self.inputs);
        }
        self.desk.metrics.committed(began.elapsed());
        Ok(())
    }

    /// The last commit, before the worker ends.
    pub(super) fn close(&mut self, member: &BaseConsumer<Member>) -> Result<(), Stop> {
        let committed = self.commit(member);
        self.readiness.remove(&self.name);
        committed
    }

    /// The worker ends without a commit: what is open is taken back at once, rather than by time-out. Its tasks go too:
    /// leaving the group revokes partitions, and nothing of them may be committed then.
    pub(super) fn give_up(&mut self) {
        self.tasks.clear();
        self.restores.clear();
        if let Err(stop) = self.desk.outbox.abort() {
            tracing::debug!(%stop, "the open transaction is left to the broker");
        }
        self.readiness.remove(&self.name);
    }

    /// What the library counts.
    pub(super) fn statistics(&mut self, statistics: &Statistics) {
        self.desk.statistics(statistics, &self.tasks, &self.inputs);
        if let Some(group) = &statistics.cgrp {
            self.heard(&group.state);
        }
    }
}

/// Writes every entry that changed since the last commit.
fn write_changes(desk: &mut Desk, task: &mut Task, topic: &str) -> Result<(), Stop> {
    let partition = Some(task.partition);
    let mut sent = Ok(());
    let outbox = &mut desk.outbox;
    let touched = &mut desk.touched;
    touched.clear();
    task.state
        .drain_changes(|key, value| {
            if sent.is_ok() {
                sent = key.encode().map_err(|error| Stop::Abort(error.to_string())).and_then(|key| {
                    outbox.send(Outgoing { topic, partition, key: Some(&key), value, headers: None })
                });
            }
            if let RecordKey::Conversation(store, conversation) = key {
                touched.push((store.clone(), conversation.clone()));
            }
        })
        .map_err(|error| Stop::Fatal(error.to_string()))?;
    sent?;
    desk.awaiting(task);
    Ok(())
}
