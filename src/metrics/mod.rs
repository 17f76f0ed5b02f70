//! Every metric: [`families`] declares them, [`worker`] counts in workers, [`relay`] in the relay.

pub mod families;
mod relay;
mod stores;
mod totals;
mod worker;

use std::sync::Arc;

use prometheus::{Encoder, Registry, TextEncoder};

use crate::config::{Config, StoreLabel};
use crate::event::{DispositionLabel, EnforcementKind, ErrorCode};
use crate::policy::{Mode, Pack};
use crate::runtime::judge::Judge;
use crate::time::Millis;

use families::Families;
pub use relay::RelayMetrics;
use stores::Stores;
pub use totals::Totals;
pub use worker::WorkerMetrics;

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    families: Families,
    stores: Stores,
    topics: [String; 2],
}

impl Metrics {
    /// Registers all families.
    ///
    /// # Errors
    /// When two families share a name: a fault of this program.
    pub fn new(config: &Config) -> prometheus::Result<Arc<Self>> {
        let registry = Registry::new();
        let families = Families::new(&registry)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let revision = option_env!("CONTACTWATCH_REVISION").unwrap_or("unknown");
        let rustc = option_env!("CONTACTWATCH_RUSTC").unwrap_or("unknown");
        families.build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision, rustc]).set(1);
        families.misjudgment_budget.with_label_values(&[] as &[&str]).set(config.metrics.misjudgment_budget);
        for level in ["error", "warn", "info", "debug"] {
            families.log_messages.with_label_values(&[level]).inc_by(0);
        }
        for kind in ["assign", "revoke", "lost"] {
            families.rebalances.with_label_values(&[kind]).inc_by(0);
        }
        for result in ["ok", "error"] {
            families.produced.with_label_values(&[result]).inc_by(0);
        }
        families.commit_failures.with_label_values(&["aborted"]).inc_by(0);
        families.series_capped.with_label_values(&[] as &[&str]).inc_by(0);
        families.alerts_written.with_label_values(&[] as &[&str]).inc_by(0);
        let per_store = config.metrics.store_label == StoreLabel::PerStore;
        let cap = if per_store { config.metrics.max_stores as usize } else { 0 };
        let topics = [config.kafka.topics.messages.clone(), config.kafka.topics.orders.clone()];
        // The first dead letter is the one to notice: a series that appears with it has no increase.
        for topic in &topics {
            for code in ErrorCode::ALL {
                families.events_rejected.with_label_values(&[topic.as_str(), code.word()]).inc_by(0);
            }
        }
        Ok(Arc::new(Self { stores: Stores::new(families.clone(), cap), registry, families, topics }))
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "cannot render metrics");
        }
        text
    }

    /// Counts over all series.
    pub fn totals(&self) -> Totals {
        Totals::of(&self.families)
    }

    /// Others judge now: their packs are named, and the stores that they know have series that begin at 0.
    pub fn judged_by(&self, judge: &Judge) {
        self.families.policy_info.reset();
        self.families.store_info.reset();
        let ruleset = judge.engine.ruleset();
        self.stores.know_platforms(ruleset.platforms());
        for pack in ruleset.packs() {
            let mode = if pack.mode == Mode::Enforce { "enforce" } else { "shadow" };
            let labels = [&*pack.platform, &*pack.id, &*pack.version, &*pack.hash, mode];
            self.families.policy_info.with_label_values(&labels).set(1);
            self.begin_at_zero(pack);
        }
        for seed in &judge.seeds {
            self.stores.know(&seed.platform, &seed.store, seed.agency.as_deref());
        }
        self.loaded(Some(judge.loaded_at));
    }

    /// Rare things: a series that appears with its first count has no increase that Prometheus could see.
    fn begin_at_zero(&self, pack: &Pack) {
        let Families { enforcements, flags, reviews, review_verdicts, rule_matches, .. } = &self.families;
        let platform = self.stores.platform(&pack.platform);
        flags.with_label_values(&[platform]).inc_by(0);
        reviews.with_label_values(&[platform]).inc_by(0);
        for kind in EnforcementKind::ALL {
            enforcements.with_label_values(&[platform, kind.as_str()]).inc_by(0);
        }
        for rule in &pack.rules {
            let enforced = pack.mode == Mode::Enforce && rule.mode == Mode::Enforce;
            let action = if enforced { "alert" } else { "shadow" };
            rule_matches.with_label_values(&[platform, &rule.id, action]).inc_by(0);
            for label in DispositionLabel::ALL {
                review_verdicts.with_label_values(&[platform, &rule.id, label.as_str()]).inc_by(0);
            }
        }
    }

    /// A store that is known before its first event, as those of the file of stores are.
    pub fn know_store(&self, platform: &str, store: &str, agency: Option<&str>) {
        self.stores.know(platform, store, agency);
    }

    /// A load of policies and stores ended: `None` when it failed, and the old ones stay.
    pub fn loaded(&self, at: Option<Millis>) {
        let none: &[&str] = &[];
        self.families.config_last_reload_successful.with_label_values(none).set(at.is_some().into());
        if let Some(at) = at {
            self.families.config_last_reload_timestamp.with_label_values(none).set(seconds(at));
        }
    }

    /// A line was logged.
    pub fn logged(&self, level: &str) {
        self.families.log_messages.with_label_values(&[level]).inc();
    }

    /// The counters of a worker.
    pub fn worker(self: &Arc<Self>, index: usize) -> WorkerMetrics {
        WorkerMetrics::new(Arc::clone(self), index)
    }

    /// The counters of the relay, with a name for each of its sinks.
    pub fn relay(self: &Arc<Self>) -> RelayMetrics {
        RelayMetrics::new(self.families.clone())
    }
}

/// A moment as Prometheus has it.
fn seconds(at: Millis) -> f64 {
    at.0 as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn dead_letters_are_counted_from_zero() {
        let metrics = Metrics::new(&Config::default()).unwrap();
        let text = String::from_utf8(metrics.render()).unwrap();
        let begun = text.lines().filter(|line| line.starts_with("contactwatch_events_rejected_total{"));
        assert!(begun.clone().all(|line| line.ends_with(" 0")));
        assert_eq!(begun.count(), 2 * ErrorCode::ALL.len());
    }

    /// The families that appear in the exposition once everything has been counted, and no others but the process's.
    #[test]
    fn names_follow_the_conventions_and_are_documented() {
        let mut names = BTreeSet::new();
        for family in families::CATALOGUE {
            assert!(names.insert(family.name), "{} twice", family.name);
            assert!(family.name.starts_with("contactwatch_"), "{}", family.name);
            assert_eq!(family.kind == "counter", family.name.ends_with("_total"), "{}", family.name);
            assert!(family.help.ends_with('.'), "{}", family.name);
        }
        let table: String = families::CATALOGUE
            .iter()
            .map(|family| {
                let labels = family.labels.join(", ");
                format!("| `{}` | {} | {} | {} |\n", family.name, family.kind, labels, family.help)
            })
            .collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (head, rest) = document.split_once("|---|---|---|---|\n").unwrap();
        let tail = rest.split_once("\n\n").map(|(_, tail)| tail).unwrap_or_default();
        let written = format!("{head}|---|---|---|---|\n{table}\n{tail}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &written).unwrap();
        }
        assert!(document == written, "docs/metrics.md is not up to date: run the tests with UPDATE_DOCS=1");
    }
}
