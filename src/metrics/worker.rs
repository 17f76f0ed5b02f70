//! What a worker counts. Handles are resolved once: an event costs a few atomic additions.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use prometheus::{Histogram, IntCounter};

use super::stores::StoreHandles;
use super::{Metrics, seconds};
use crate::engine::{Answer, Breach, Outcome, Reviewed};
use crate::event::{Author, Body, EnforcementKind, Event};
use crate::policy::{Mode, Severity};
use crate::score::{Verdict, VerdictKind};
use crate::state::{Counts, StoreKey};
use crate::time::Millis;

const TYPES: [&str; 5] = ["message", "order", "registry", "enforcement", "disposition"];

/// The counters of one worker. Topics are numbered as its inputs.
#[derive(Debug)]
pub struct WorkerMetrics {
    metrics: Arc<Metrics>,
    index: String,
    consumed: [[IntCounter; 5]; 2],
    duplicate: [IntCounter; 2],
    out_of_order: [IntCounter; 2],
    encoder: IntCounter,
    scoring: Histogram,
    commit: Histogram,
    busy: prometheus::Counter,
    alerts: IntCounter,
    stores: HashMap<Box<str>, HashMap<Box<str>, Arc<StoreHandles>>>,
    /// Open questions as set last: stores beyond the cap share a gauge.
    awaiting: HashMap<StoreKey, i64>,
}

impl WorkerMetrics {
    pub(super) fn new(metrics: Arc<Metrics>, index: usize) -> Self {
        let families = &metrics.families;
        let topics = &metrics.topics;
        let of = |family: &prometheus::IntCounterVec| {
            [&topics[0], &topics[1]].map(|topic| family.with_label_values(&[topic]))
        };
        let none: &[&str] = &[];
        Self {
            index: index.to_string(),
            consumed: [&topics[0], &topics[1]].map(|topic| {
                TYPES.map(|kind| families.events_consumed.with_label_values(&[topic.as_str(), kind]))
            }),
            duplicate: of(&families.events_duplicate),
            out_of_order: of(&families.events_out_of_order),
            encoder: families.encoder_messages.with_label_values(none),
            scoring: families.message_scoring.with_label_values(none),
            commit: families.commit.with_label_values(none),
            busy: families.worker_busy.with_label_values(&[index.to_string()]),
            alerts: families.alerts_written.with_label_values(none),
            stores: HashMap::new(),
            awaiting: HashMap::new(),
            metrics,
        }
    }

    fn store(&mut self, platform: &str, store: &str) -> &StoreHandles {
        if !self.stores.get(platform).is_some_and(|stores| stores.contains_key(store)) {
            let handles = self.metrics.stores.of(platform, store);
            self.stores.entry(platform.into()).or_default().insert(store.into(), handles);
        }
        &self.stores[platform][store]
    }

    fn platform<'a>(&self, platform: &'a str) -> &'a str {
        self.metrics.stores.platform(platform)
    }

    /// An event was taken.
    pub fn consumed(&mut self, input: usize, event: &Event<'_>, outcome: Outcome) {
        let kind = match &event.body {
            Body::Message(_) => 0,
            Body::Order(_) => 1,
            Body::Registry(_) => 2,
            Body::Enforcement(_) => 3,
            Body::Disposition(_) => 4,
        };
        self.consumed[input][kind].inc();
        if outcome == Outcome::Duplicate {
            self.duplicate[input].inc();
            return;
        }
        if let Body::Message(message) = &event.body {
            let handles = self.store(&event.platform, &event.store);
            match (message.author, outcome) {
                (Author::Buyer, _) => handles.from_buyers.inc(),
                (Author::Seller, Outcome::Judged | Outcome::Held) => handles.from_seller.inc(),
                _ => {}
            }
        }
    }

    /// A record went to the dead letters.
    pub fn rejected(&mut self, input: usize, reason: &str) {
        let topic = &self.metrics.topics[input];
        self.metrics.families.events_rejected.with_label_values(&[topic.as_str(), reason]).inc();
    }

    /// An event was older than stream time.
    pub fn out_of_order(&mut self, input: usize) {
        self.out_of_order[input].inc();
    }

    /// A verdict was reached.
    pub fn verdict(&mut self, verdict: &Verdict, now: Millis) {
        let metrics = Arc::clone(&self.metrics);
        let families = &metrics.families;
        let platform = metrics.stores.platform(&verdict.platform);
        if let Ok(at) = Millis::parse(&verdict.occurred_at) {
            let took = now.since(at).0.max(0) as f64 / 1000.0;
            self.store(&verdict.platform, &verdict.store).end_to_end.observe(took);
        }
        for hit in &verdict.suppressed {
            // `exception: <reason>` holds an author's words.
            let reason = if hit.by.starts_with("exception") { "exception" } else { &hit.by };
            families.suppressions.with_label_values(&[platform, reason]).inc();
        }
        let mut worst = None;
        for finding in &verdict.findings {
            let action = if finding.mode == Mode::Enforce { "alert" } else { "shadow" };
            families.rule_matches.with_label_values(&[platform, &finding.rule, action]).inc();
            if finding.mode == Mode::Enforce {
                worst = worst.max(Some(finding.severity));
            }
        }
        if !verdict.findings.is_empty() {
            families.risk_score.with_label_values(&[platform]).observe(verdict.score / 100.0);
        }
        if verdict.verdict != VerdictKind::Clean {
            families.flags.with_label_values(&[platform]).inc();
        }
        if let Some(worst) = worst {
            let index = match worst {
                Severity::Info => 0,
                Severity::Warning => 1,
                Severity::Critical => 2,
            };
            self.store(&verdict.platform, &verdict.store).violations[index].inc();
        }
    }

    /// Alert records were written.
    pub fn alerts(&mut self, records: u64) {
        self.alerts.inc_by(records);
    }

    /// A waiting buyer was answered.
    pub fn answer(&mut self, answer: &Answer) {
        let platform = self.platform(&answer.store.platform);
        let waited = answer.waited.0 as f64 / 1000.0;
        self.metrics.families.first_response.with_label_values(&[platform]).observe(waited);
        if !answer.overdue {
            self.store(&answer.store.platform, &answer.store.store).met.inc();
        }
    }

    /// A reply is overdue.
    pub fn breach(&mut self, breach: &Breach) {
        self.store(&breach.store.platform, &breach.store.store).breached.inc();
    }

    /// A reviewer labelled a verdict.
    pub fn reviewed(&mut self, reviewed: &Reviewed) {
        let platform = self.platform(&reviewed.store.platform);
        let families = &self.metrics.families;
        let label = reviewed.label.as_str();
        let none = [Box::from("none")];
        let rules = if reviewed.rules.is_empty() { &none[..] } else { &reviewed.rules };
        for rule in rules {
            families.review_verdicts.with_label_values(&[platform, rule, label]).inc();
        }
        if let (Some(delay), true) = (reviewed.delay, reviewed.first) {
            families.reviews.with_label_values(&[platform]).inc();
            families.review_delay.with_label_values(&[platform]).observe(delay.0.max(0) as f64 / 1000.0);
        }
    }

    /// A marketplace acted.
    pub fn enforcement(&mut self, platform: &str, kind: EnforcementKind) {
        let labels = [self.platform(platform), kind.as_str()];
        self.metrics.families.enforcements.with_label_values(&labels).inc();
    }

    /// The encoder was asked about so many texts.
    pub fn encoder_asked(&mut self, texts: u64) {
        self.encoder.inc_by(texts);
    }

    /// How long one event took.
    pub fn scored_in(&mut self, took: Duration) {
        self.scoring.observe(took.as_secs_f64());
    }

    /// Open questions of a store.
    pub fn awaiting(&mut self, store: &StoreKey, open: usize, oldest: Option<Millis>) {
        let open = open as i64;
        let before = self.awaiting.insert(store.clone(), open).unwrap_or(0);
        if open == 0 {
            self.awaiting.remove(store);
        }
        let metrics = Arc::clone(&self.metrics);
        let handles = self.store(&store.platform, &store.store);
        let labels = [&*handles.platform, &*handles.store];
        metrics.families.awaiting_reply.with_label_values(&labels).add(open - before);
        match oldest {
            Some(at) => metrics.families.oldest_awaiting.with_label_values(&labels).set(seconds(at)),
            // Nobody waits: a series that was never there cannot go.
            None => drop(metrics.families.oldest_awaiting.remove_label_values(&labels)),
        }
    }

    /// A worker did not wait for so long.
    pub fn busy(&mut self, took: Duration) {
        self.busy.inc_by(took.as_secs_f64());
    }

    /// Partitions owned.
    pub fn assigned(&mut self, topic: &str, partitions: usize) {
        let labels = [topic, &self.index];
        self.metrics.families.assigned_partitions.with_label_values(&labels).set(partitions as i64);
    }

    /// Partitions came, went, or were lost.
    pub fn rebalance(&mut self, kind: &str) {
        self.metrics.families.rebalances.with_label_values(&[kind]).inc();
    }

    /// A commit took so long.
    pub fn committed(&mut self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }

    /// A transaction was taken back.
    pub fn commit_failed(&mut self, reason: &str) {
        self.metrics.families.commit_failures.with_label_values(&[reason]).inc();
    }

    /// How far a partition is committed.
    pub fn committed_offset(&mut self, topic: &str, partition: i32, next: i64) {
        let labels = [topic, &partition.to_string()];
        self.metrics.families.committed_offset.with_label_values(&labels).set(next);
    }

    /// Event time of the last event of a partition.
    pub fn last_event(&mut self, topic: &str, partition: i32, at: Millis) {
        let labels = [topic, &partition.to_string()];
        self.metrics.families.last_event.with_label_values(&labels).set(seconds(at));
    }

    /// Records of a partition that were not taken yet.
    pub fn lag(&mut self, topic: &str, partition: i32, records: i64) {
        let labels = [topic, &partition.to_string()];
        self.metrics.families.lag.with_label_values(&labels).set(records);
    }

    /// A partition went: nobody here knows about it any more.
    pub fn forget_partition(&mut self, topic: &str, partition: i32) {
        let partition = partition.to_string();
        let labels = [topic, partition.as_str()];
        let families = &self.metrics.families;
        // What was never counted cannot be removed.
        let _ = families.lag.remove_label_values(&labels);
        let _ = families.last_event.remove_label_values(&labels);
        let _ = families.committed_offset.remove_label_values(&labels);
    }

    /// Records that the broker took and refused.
    pub fn produced(&mut self, taken: u64, refused: u64) {
        self.metrics.families.produced.with_label_values(&["ok"]).inc_by(taken);
        self.metrics.families.produced.with_label_values(&["error"]).inc_by(refused);
    }

    /// The client reported an error.
    pub fn client_error(&mut self, code: &str) {
        self.metrics.families.client_errors.with_label_values(&[code]).inc();
    }

    /// Round trips to a broker, in seconds.
    pub fn broker_rtt(&mut self, broker: &str, p50: f64, p95: f64, p99: f64) {
        for (percentile, value) in [("50", p50), ("95", p95), ("99", p99)] {
            self.metrics.families.broker_rtt.with_label_values(&[broker, percentile]).set(value);
        }
    }

    /// Entries that a partition's state holds.
    pub fn state(&mut self, partition: i32, counts: &Counts) {
        let partition = partition.to_string();
        for (kind, entries) in kinds(counts) {
            let labels = [partition.as_str(), kind];
            self.metrics.families.state_entries.with_label_values(&labels).set(entries as i64);
        }
    }

    /// A partition went, and its state with it.
    pub fn forget_state(&mut self, partition: i32) {
        let partition = partition.to_string();
        for (kind, _) in kinds(&Counts::default()) {
            let _ = self.metrics.families.state_entries.remove_label_values(&[partition.as_str(), kind]);
        }
    }

    /// State was read back in so long.
    pub fn restored(&mut self, took: Duration) {
        self.metrics.families.state_restore.with_label_values(&[] as &[&str]).set(took.as_secs_f64());
    }

    /// The flow of an input changed.
    pub fn paused(&mut self, reason: &str) {
        self.metrics.families.consumer_paused.with_label_values(&[reason]).inc();
    }
}

fn kinds(counts: &Counts) -> [(&'static str, usize); 5] {
    let Counts { stores, conversations, orders, flags, timers } = *counts;
    [
        ("store", stores),
        ("conversation", conversations),
        ("order", orders),
        ("flag", flags),
        ("timer", timers),
    ]
}
