//! From one record to what goes out: judging, counting, writing. The part of a worker that is the same for all its tasks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rdkafka::statistics::Statistics;

use crate::alert::AlertTerms;
use crate::clock;
use crate::config::Topics;
use crate::engine::{Answer, Effects, Emit, Engine};
use crate::event::{Body, Event};
use crate::metrics::WorkerMetrics;
use crate::policy::{Condition, Severity};
use crate::runtime::judge::{Judge, SharedJudge};
use crate::runtime::recent::Recent;
use crate::score::Verdict;
use crate::state::{StoreKey, TaskState};
use crate::time::Millis;

use super::dead_letter;
use super::failpoint;
use super::stop::Stop;
use super::task::{Content, Place, Raw, Task};
use super::tasks::Inputs;
use super::transaction::{Outbox, Outgoing};

/// One event in so many is timed.
const TIMED: u64 = 64;
/// What a worker judges with, and where it writes to.
pub(super) struct Desk {
    shared: SharedJudge,
    judge: Arc<Judge>,
    /// Places in `judge.seeds`.
    seeds: HashMap<StoreKey, usize>,
    pub(super) outbox: Outbox,
    pub(super) metrics: WorkerMetrics,
    terms: AlertTerms,
    topics: Topics,
    alert_partitions: i32,
    recent: Arc<Recent>,
    effects: Effects,
    /// Records taken since the last commit.
    pub(super) taken: u64,
    /// Conversations written with the last changes.
    pub(super) touched: Vec<(StoreKey, Box<str>)>,
    /// Records that the program failed on: input, partition, offset.
    poison: HashSet<(usize, i32, i64)>,
    /// Waiting buyers by partition, store and conversation.
    waiting: BTreeMap<i32, BTreeMap<StoreKey, BTreeMap<Box<str>, Millis>>>,
    /// Buffer for what is written.
    json: Vec<u8>,
    key: String,
}

/// What a desk is made of.
pub(super) struct DeskParts {
    pub(super) judge: SharedJudge,
    pub(super) outbox: Outbox,
    pub(super) metrics: WorkerMetrics,
    pub(super) terms: AlertTerms,
    pub(super) topics: Topics,
    pub(super) alert_partitions: i32,
    pub(super) recent: Arc<Recent>,
}

impl Desk {
    pub(super) fn new(parts: DeskParts) -> Self {
        let DeskParts { judge: shared, outbox, metrics, terms, topics, alert_partitions, recent } = parts;
        let judge = shared.load_full();
        Self {
            seeds: seeds(&judge),
            shared,
            judge,
            outbox,
            metrics,
            terms,
            topics,
            alert_partitions,
            recent,
            effects: Effects::default(),
            taken: 0,
            touched: Vec::new(),
            poison: HashSet::new(),
            waiting: BTreeMap::new(),
            json: Vec::new(),
            key: String::new(),
        }
    }

    /// Takes over a judge that was loaded since. Says whether there was one.
    pub(super) fn renew(&mut self) -> bool {
        let newest = self.shared.load();
        if newest.generation == self.judge.generation {
            return false;
        }
        self.judge = Arc::clone(&newest);
        self.seeds = seeds(&self.judge);
        true
    }

    /// Makes a state ready to be judged by: what the file of stores says of its stores, and all deadlines.
    pub(super) fn settle_in(&self, state: &mut TaskState) {
        Engine::reseed(state, &self.judge.seeds);
        self.judge.engine.rearm(state);
    }

    /// Takes one record: judges its events, or puts it to the dead letters. `raw` is its key and value.
    pub(super) fn take(
        &mut self,
        task: &mut Task,
        input: usize,
        place: Place,
        content: &Content<'_>,
        raw: Raw<'_>,
        now: Millis,
    ) -> Result<(), Stop> {
        failpoint::pass("taking")?;
        self.taken += 1;
        task.changed = true;
        let poisonous = self.poison.contains(&(input, task.partition, place.offset));
        let fault = match poisonous {
            true => Some(("internal", "the program failed on this record; please report it".to_owned())),
            false => content.fault(now),
        };
        let breach = task.inputs[input].limits.observe(fault.is_none());
        if let Some(breach) = breach {
            let (code, error) = fault.unwrap_or_default();
            let topic = self.input_topic(input);
            return Err(Stop::Fatal(format!(
                "topic {topic}, partition {}: {breach}; the last one is at offset {}: {code}: {error}; mend its \
                 producer, then skip or repair the records (`contactwatch dead-letters --help`), or raise \
                 kafka.dead_letter_limits",
                task.partition, place.offset
            )));
        }
        if let Some((code, error)) = fault {
            self.metrics.rejected(input, code);
            let origin = dead_letter::Origin {
                topic: self.input_topic(input).to_owned(),
                partition: task.partition,
                offset: place.offset,
                timestamp: place.timestamp,
            };
            let headers = dead_letter::headers(&origin, code, &error);
            let (key, value) = raw;
            self.outbox.send(Outgoing {
                topic: &self.topics.dead_letters,
                partition: None,
                key,
                value: Some(value),
                headers: Some(headers),
            })?;
        } else if let Content::Events(events) = content {
            for event in events {
                self.event(task, input, place, event, now)?;
            }
        }
        // Only now: a record that stops the worker is taken again.
        task.inputs[input].next = Some(place.offset + 1);
        Ok(())
    }

    fn input_topic(&self, input: usize) -> &str {
        if input == super::tasks::MESSAGES { &self.topics.messages } else { &self.topics.orders }
    }

    fn event(
        &mut self,
        task: &mut Task,
        input: usize,
        place: Place,
        event: &Event<'_>,
        now: Millis,
    ) -> Result<(), Stop> {
        let state = &mut task.state;
        if !state.knows(&event.platform, &event.store) {
            let key = StoreKey { platform: (&*event.platform).into(), store: (&*event.store).into() };
            if let Some(seed) = self.seeds.get(&key).and_then(|&index| self.judge.seeds.get(index)) {
                Engine::seed_one(state, seed);
            }
        }
        if state.stream_time().is_some_and(|time| event.occurred_at < time) {
            self.metrics.out_of_order(input);
        }
        let timed = self.taken.is_multiple_of(TIMED).then(clock::instant);
        let (engine, effects) = (&self.judge.engine, &mut self.effects);
        // What a panic leaves behind is dropped: the transaction is aborted and the state is read anew.
        let outcome = catch_unwind(AssertUnwindSafe(|| engine.process(state, event, effects)));
        let Ok(outcome) = outcome else {
            self.effects.clear();
            self.poison.insert((input, task.partition, place.offset));
            let (partition, offset) = (task.partition, place.offset);
            let topic = self.input_topic(input);
            let told = format!("the program failed on topic {topic}, partition {partition}, offset {offset}");
            return Err(Stop::Abort(told));
        };
        if let Some(began) = timed {
            self.metrics.scored_in(began.elapsed());
        }
        self.metrics.consumed(input, event, outcome);
        task.inputs[input].taken_at = Some(event.occurred_at);
        if let Body::Enforcement(act) = &event.body {
            self.metrics.enforcement(&event.platform, act.kind);
        }
        self.hand_out(task, now)
    }

    /// Lets stream time reach `to`, by the clock.
    pub(super) fn advance(&mut self, task: &mut Task, to: Millis) -> Result<(), Stop> {
        task.changed = true;
        self.judge.engine.advance(&mut task.state, to, &mut self.effects);
        self.hand_out(task, clock::now())
    }

    /// Writes and counts what judging left.
    fn hand_out(&mut self, task: &mut Task, now: Millis) -> Result<(), Stop> {
        self.metrics.encoder_asked(task.state.desk.scratch.take_asked());
        let mut effects = std::mem::take(&mut self.effects);
        for verdict in &effects.verdicts {
            self.verdict(task.partition, verdict, now)?;
        }
        for answer in &effects.answers {
            self.metrics.answer(answer);
            self.resolve(task, answer, now)?;
        }
        for breach in &effects.breaches {
            self.metrics.breach(breach);
        }
        for reviewed in &effects.reviews {
            self.metrics.reviewed(reviewed);
        }
        effects.clear();
        self.effects = effects;
        Ok(())
    }

    fn verdict(&mut self, partition: i32, verdict: &Verdict, now: Millis) -> Result<(), Stop> {
        use std::fmt::Write;
        self.json.clear();
        serde_json::to_writer(&mut self.json, verdict).map_err(|error| Stop::Abort(error.to_string()))?;
        self.key.clear();
        let _ = write!(self.key, "{}/{}", verdict.platform, verdict.store);
        self.outbox.send(Outgoing {
            topic: &self.topics.verdicts,
            partition: None,
            key: Some(self.key.as_bytes()),
            value: Some(&self.json),
            headers: None,
        })?;
        self.metrics.verdict(verdict, now);
        if verdict.findings.is_empty() {
            return Ok(());
        }
        self.recent.verdict(verdict);
        for alert in self.terms.firing(verdict, now) {
            self.alert(partition, &alert)?;
        }
        Ok(())
    }

    /// A waiting buyer got an answer: what alerted about it is over.
    fn resolve(&mut self, task: &Task, answer: &Answer, now: Millis) -> Result<(), Stop> {
        if answer.alerted.is_none() {
            return Ok(());
        }
        let StoreKey { platform, store } = &*answer.store;
        // Once each: several packs may have the rule, and its own severity may be info.
        let mut rules: Vec<(&str, Severity)> = Vec::new();
        let judge = Arc::clone(&self.judge);
        for rule in judge.engine.ruleset().packs_for(platform, store, now).flat_map(|pack| &pack.rules) {
            if let Condition::Unanswered(_) = &rule.condition {
                // The warning before the deadline, and what is only suspected, alert as info.
                for told in [(&*rule.id, rule.severity), (&*rule.id, Severity::Info)] {
                    if !rules.contains(&told) {
                        rules.push(told);
                    }
                }
            }
        }
        let known = task.state.store(platform, store);
        let agency = known.and_then(|known| known.profile.agency.as_deref());
        for alert in self.terms.resolved(answer, agency, &rules, now) {
            self.alert(task.partition, &alert)?;
        }
        Ok(())
    }

    fn alert(&mut self, partition: i32, alert: &crate::alert::AlertRecord) -> Result<(), Stop> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, alert).map_err(|error| Stop::Abort(error.to_string()))?;
        self.recent.alert(&alert.alert_id, &self.json);
        self.metrics.alerts(1);
        self.outbox.send(Outgoing {
            topic: &self.topics.alerts,
            // One identity stays in one partition, and so with one relay.
            partition: Some(partition % self.alert_partitions.max(1)),
            key: Some(alert.alert_id.as_bytes()),
            value: Some(&self.json),
            headers: None,
        })
    }

    /// Judges a draft by a copy of what the state knows; nothing is remembered.
    pub(super) fn check(&self, state: &TaskState, draft: &Event<'static>) -> Option<Verdict> {
        let Body::Message(message) = &draft.body else { return None };
        let order = message.order.posting.as_deref().or(message.order.order.as_deref());
        let mut copy = state.excerpt(&draft.platform, &draft.store, message.conversation.as_deref(), order);
        let engine = Engine::new(Arc::clone(self.judge.engine.ruleset()), Emit::All);
        let mut effects = Effects::default();
        engine.process(&mut copy, draft, &mut effects);
        engine.finish(&mut copy, &mut effects);
        effects.verdicts.into_iter().rev().find(|verdict| *verdict.event_id == *draft.event_id)
    }

    // Counting.

    /// Waiting buyers of the conversations that were just written.
    pub(super) fn awaiting(&mut self, task: &Task) {
        let waiting = self.waiting.entry(task.partition).or_default();
        let mut stores: Vec<StoreKey> = Vec::new();
        for (store, conversation) in self.touched.drain(..) {
            let since = task
                .state
                .store(&store.platform, &store.store)
                .and_then(|known| known.conversations.get(&conversation))
                .and_then(|known| known.first_unanswered())
                .map(|first| first.at);
            let of_store = waiting.entry(store.clone()).or_default();
            let before = match since {
                Some(since) => of_store.insert(conversation, since),
                None => of_store.remove(&*conversation),
            };
            if before != since {
                stores.push(store);
            }
        }
        for store in stores {
            let of_store = waiting.get(&store);
            let oldest = of_store.and_then(|of_store| of_store.values().min().copied());
            self.metrics.awaiting(&store, of_store.map_or(0, BTreeMap::len), oldest);
            if of_store.is_some_and(BTreeMap::is_empty) {
                waiting.remove(&store);
            }
        }
    }

    /// Waiting buyers of a task whose state has just come back.
    pub(super) fn awaiting_of(&mut self, task: &Task) {
        self.touched.clear();
        for (key, store) in task.state.stores() {
            let open = store.conversations.iter().filter(|(_, known)| known.first_unanswered().is_some());
            self.touched.extend(open.map(|(id, _)| (key.clone(), id.clone())));
        }
        self.awaiting(task);
    }

    /// A partition went: its gauges go with it.
    pub(super) fn forget(&mut self, partition: i32, inputs: &Inputs) {
        for store in self.waiting.remove(&partition).unwrap_or_default().keys() {
            self.metrics.awaiting(store, 0, None);
        }
        self.metrics.forget_state(partition);
        for topic in inputs {
            self.metrics.forget_partition(topic, partition);
        }
    }

    /// A task was committed.
    pub(super) fn committed(&mut self, task: &Task, inputs: &Inputs) {
        for (input, topic) in task.inputs.iter().zip(inputs) {
            if let Some(next) = input.next {
                self.metrics.committed_offset(topic, task.partition, next);
            }
            if let Some(at) = input.taken_at {
                self.metrics.last_event(topic, task.partition, at);
            }
        }
        self.metrics.state(task.partition, &task.state.counts());
    }

    /// What the library counts: how far behind, how far away.
    pub(super) fn statistics(
        &mut self,
        statistics: &Statistics,
        tasks: &BTreeMap<i32, Task>,
        inputs: &Inputs,
    ) {
        for (index, topic) in inputs.iter().enumerate() {
            let Some(counted) = statistics.topics.get(topic) else { continue };
            for (partition, known) in &counted.partitions {
                let Some(task) = tasks.get(partition) else { continue };
                let end = if known.ls_offset >= 0 { known.ls_offset } else { known.hi_offset };
                if end >= 0 {
                    let next = task.inputs[index].next.unwrap_or(known.lo_offset.max(0));
                    self.metrics.lag(topic, *partition, (end - next).max(0));
                }
            }
        }
        for broker in statistics.brokers.values().filter(|broker| broker.nodeid >= 0) {
            if let Some(rtt) = &broker.rtt {
                let seconds = |micros: i64| micros as f64 / 1e6;
                self.metrics.broker_rtt(
                    &broker.nodename,
                    seconds(rtt.p50),
                    seconds(rtt.p95),
                    seconds(rtt.p99),
                );
            }
        }
        let (acknowledged, refused) = self.outbox.take_counts();
        self.metrics.produced(acknowledged, refused);
    }
}

fn seeds(judge: &Judge) -> HashMap<StoreKey, usize> {
    let key = |index: usize| {
        let seed = &judge.seeds[index];
        StoreKey { platform: (&*seed.platform).into(), store: (&*seed.store).into() }
    };
    (0..judge.seeds.len()).map(|index| (key(index), index)).collect()
}
