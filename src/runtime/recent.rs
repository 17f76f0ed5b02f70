//! Verdicts and alerts of late, in memory: for a look at a store, not for the record, which is in Kafka.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::score::Verdict;

/// Verdicts kept of one store.
const PER_STORE: usize = 200;
/// Verdicts kept in all.
const VERDICTS: usize = 20_000;
/// Alert records kept.
const ALERTS: usize = 10_000;

/// What was judged lately, by this process.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    stores: HashMap<(String, String), VecDeque<String>>,
    /// Stores of the verdicts kept, oldest first.
    order: VecDeque<(String, String)>,
    alerts: HashMap<String, String>,
    alert_order: VecDeque<String>,
}

impl Recent {
    fn kept<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a verdict that has findings.
    pub fn verdict(&self, verdict: &Verdict) {
        let Ok(json) = serde_json::to_string(verdict) else { return };
        let key = (verdict.platform.clone(), verdict.store.clone());
        self.kept(|kept| {
            while kept.order.len() >= VERDICTS {
                let Some(oldest) = kept.order.pop_front() else { break };
                if let Some(verdicts) = kept.stores.get_mut(&oldest) {
                    verdicts.pop_front();
                    if verdicts.is_empty() {
                        kept.stores.remove(&oldest);
                    }
                }
            }
            let verdicts = kept.stores.entry(key.clone()).or_default();
            if verdicts.len() >= PER_STORE {
                verdicts.pop_front();
                if let Some(at) = kept.order.iter().position(|other| *other == key) {
                    kept.order.remove(at);
                }
            }
            verdicts.push_back(json);
            kept.order.push_back(key);
        });
    }

    /// Keeps an alert record.
    pub fn alert(&self, id: &str, json: &[u8]) {
        let Ok(json) = std::str::from_utf8(json) else { return };
        self.kept(|kept| {
            if kept.alerts.insert(id.to_owned(), json.to_owned()).is_none() {
                kept.alert_order.push_back(id.to_owned());
            }
            if kept.alert_order.len() > ALERTS
                && let Some(oldest) = kept.alert_order.pop_front()
            {
                kept.alerts.remove(&oldest);
            }
        });
    }

    /// Verdicts of a store, newest first, each as JSON.
    pub fn verdicts(&self, platform: &str, store: &str, limit: usize) -> Vec<String> {
        self.kept(|kept| {
            let verdicts = kept.stores.get(&(platform.to_owned(), store.to_owned()));
            verdicts.map_or_else(Vec::new, |verdicts| verdicts.iter().rev().take(limit).cloned().collect())
        })
    }

    /// An alert record as JSON.
    pub fn alert_by_id(&self, id: &str) -> Option<String> {
        self.kept(|kept| kept.alerts.get(id).cloned())
    }
}
