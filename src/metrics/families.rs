//! The catalogue: every metric's name, labels, buckets and help, in one place.
//!
//! Label values come from configuration and closed word lists, never from the bytes of an event: a platform that no pack
//! knows is `other`, a store beyond the cap is `other`.

use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// A family, as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

macro_rules! families {
    (@type counter) => { IntCounterVec };
    (@type seconds_counter) => { CounterVec };
    (@type gauge) => { IntGaugeVec };
    (@type float_gauge) => { GaugeVec };
    (@type histogram) => { HistogramVec };
    (@kind counter) => { "counter" };
    (@kind seconds_counter) => { "counter" };
    (@kind gauge) => { "gauge" };
    (@kind float_gauge) => { "gauge" };
    (@kind histogram) => { "histogram" };
    (@make histogram $name:literal $help:literal $labels:expr; $buckets:expr) => {
        HistogramVec::new(HistogramOpts::new($name, $help).buckets($buckets.to_vec()), $labels)
    };
    (@make $kind:ident $name:literal $help:literal $labels:expr;) => {
        <families!(@type $kind)>::new(Opts::new($name, $help), $labels)
    };
    ($($field:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal $($buckets:expr)?;)+) => {
        /// Every family.
        #[derive(Clone, Debug)]
        pub(super) struct Families { $(pub(super) $field: families!(@type $kind)),+ }

        /// Every family, for documents and tests.
        pub const CATALOGUE: &[Entry] = &[
            $(Entry { name: $name, kind: families!(@kind $kind), labels: &[$($label),*], help: $help }),+
        ];

        impl Families {
            /// Registers all of them.
            pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
                $(let $field = families!(@make $kind $name $help &[$($label),*]; $($buckets)?)?;
                  registry.register(Box::new($field.clone()))?;)+
                Ok(Self { $($field),+ })
            }
        }
    };
}

const MICROS: &[f64] = &[1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2];
const DELAYS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];
const REPLIES: &[f64] = &[300.0, 900.0, 1800.0, 3600.0, 5400.0, 7200.0, 14400.0, 28800.0, 86400.0, 172_800.0];
const CALLS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SCORES: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const DAYS: &[f64] = &[60.0, 600.0, 3600.0, 14400.0, 43200.0, 86400.0, 172_800.0, 604_800.0, 2_592_000.0];

families! {
    build_info = gauge "contactwatch_build_info" ["version", "revision", "rustc"] "Build; value 1.";
    store_info = gauge "contactwatch_store_info" ["platform", "store", "agency"] "Known stores; value 1.";
    config_last_reload_successful = gauge "contactwatch_config_last_reload_successful" [] "1 if the last load of policies and stores worked.";
    config_last_reload_timestamp = float_gauge "contactwatch_config_last_reload_timestamp_seconds" [] "When what judges now was loaded.";
    policy_info = gauge "contactwatch_policy_info" ["platform", "pack", "policy_version", "hash", "mode"] "Packs in force; value 1.";
    events_consumed = counter "contactwatch_events_consumed_total" ["topic", "type"] "Events taken from Kafka.";
    events_rejected = counter "contactwatch_events_rejected_total" ["topic", "reason"] "Records that went to the dead letters.";
    events_duplicate = counter "contactwatch_events_duplicate_total" ["topic"] "Events dropped because their id was seen before.";
    events_out_of_order = counter "contactwatch_events_out_of_order_total" ["topic"] "Events older than the stream time they met.";
    messages_scored = counter "contactwatch_messages_scored_total" ["platform", "store", "direction"] "Messages judged (seller) or observed (buyer).";
    encoder_messages = counter "contactwatch_encoder_messages_total" [] "Texts that the sentence encoder was asked about.";
    message_scoring = histogram "contactwatch_message_scoring_seconds" [] "Judging one event; one in 64 is timed." MICROS;
    end_to_end = histogram "contactwatch_end_to_end_seconds" ["platform"] "From an event's own time to its verdict." DELAYS;
    worker_busy = seconds_counter "contactwatch_worker_busy_seconds_total" ["worker"] "Time a worker did not wait.";
    consumer_paused = counter "contactwatch_consumer_paused_total" ["reason"] "Changes of flow: pauses and their ends.";
    violations = counter "contactwatch_violations_total" ["platform", "store", "severity"] "Verdicts with a finding that counts, by its worst severity.";
    rule_matches = counter "contactwatch_rule_matches_total" ["platform", "rule", "action"] "Findings: alert, shadow, or suppressed by an exception.";
    risk_score = histogram "contactwatch_risk_score" ["platform"] "Score of verdicts with findings, 0 to 1." SCORES;
    suppressions = counter "contactwatch_suppressions_total" ["platform", "reason"] "Hits that a mask, a guard or an exception took back.";
    sla_responses = counter "contactwatch_sla_responses_total" ["platform", "store", "result"] "Replies: met at the reply, breached at the deadline.";
    first_response = histogram "contactwatch_first_response_seconds" ["platform"] "From a buyer's question to the first reply." REPLIES;
    awaiting_reply = gauge "contactwatch_conversations_awaiting_reply" ["platform", "store"] "Open buyer questions.";
    oldest_awaiting = float_gauge "contactwatch_oldest_awaiting_reply_timestamp_seconds" ["platform", "store"] "Time of the oldest open question; absent when there is none.";
    review_verdicts = counter "contactwatch_review_verdicts_total" ["platform", "rule", "verdict"] "Reviewers' labels, by the rules of the verdict.";
    review_delay = histogram "contactwatch_review_delay_seconds" ["platform"] "From what was judged to the first label." DAYS;
    flags = counter "contactwatch_flags_total" ["platform"] "Verdicts that were not clean: what reviewers have to look at.";
    reviews = counter "contactwatch_reviews_total" ["platform"] "Flagged verdicts with a first label.";
    misjudgment_budget = float_gauge "contactwatch_misjudgment_budget_ratio" [] "Configured budget.";
    enforcements = counter "contactwatch_enforcements_total" ["platform", "kind"] "Acts of marketplaces: warning, freeze, unfreeze, fine, closure.";
    lag = gauge "contactwatch_kafka_consumer_lag_messages" ["topic", "partition"] "Records not taken yet.";
    last_event = float_gauge "contactwatch_kafka_last_event_timestamp_seconds" ["topic", "partition"] "Event time of the last event taken.";
    committed_offset = gauge "contactwatch_kafka_committed_offset" ["topic", "partition"] "Next offset, as committed last.";
    assigned_partitions = gauge "contactwatch_kafka_assigned_partitions" ["topic", "worker"] "Partitions owned.";
    rebalances = counter "contactwatch_kafka_rebalances_total" ["type"] "assign, revoke, lost.";
    commit_failures = counter "contactwatch_kafka_commit_failures_total" ["reason"] "Transactions taken back.";
    commit = histogram "contactwatch_kafka_commit_seconds" [] "One commit: changes of state, offsets, transaction." CALLS;
    produced = counter "contactwatch_kafka_produced_total" ["result"] "Records written: ok, error.";
    client_errors = counter "contactwatch_kafka_client_errors_total" ["code"] "Errors of the Kafka client.";
    broker_rtt = float_gauge "contactwatch_kafka_broker_rtt_seconds" ["broker", "percentile"] "Round trips over the last seconds, as the client measures them.";
    state_entries = gauge "contactwatch_state_entries" ["partition", "kind"] "Stores, conversations, orders, flags and timers held.";
    state_restore = float_gauge "contactwatch_state_restore_seconds" [] "How long the last restore took.";
    alerts_written = counter "contactwatch_alerts_written_total" [] "Alert records written to the alerts topic.";
    alerts_active = gauge "contactwatch_alerts_active" ["severity"] "Alerts that the relay keeps sending.";
    alert_sends = counter "contactwatch_alert_sends_total" ["sink", "result"] "Alerts sent, by Alertmanager: ok, rejected, error.";
    alert_send = histogram "contactwatch_alert_send_seconds" ["sink"] "One request to an Alertmanager." CALLS;
    alert_queue = gauge "contactwatch_alert_queue_depth" ["sink"] "Alerts that an Alertmanager has not taken yet.";
    alerts_dropped = counter "contactwatch_alerts_dropped_total" ["sink", "reason"] "Alerts given up: rejected, expired, unreadable.";
    alert_last_success = float_gauge "contactwatch_alert_last_success_timestamp_seconds" ["sink"] "Last accepted request.";
    alert_detection_to_send = histogram "contactwatch_alert_detection_to_send_seconds" ["sink"] "From verdict to acceptance." DELAYS;
    series_capped = counter "contactwatch_metrics_series_capped_total" [] "Stores folded into \"other\" because of metrics.max_stores.";
    log_messages = counter "contactwatch_log_messages_total" ["level"] "Log lines.";
}
