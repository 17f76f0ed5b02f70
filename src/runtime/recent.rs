//! Verdicts and alerts of late, in memory: for a look at a store, not for the record, which is in Kafka.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::brief::{self, Brief, RuleCount};
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

/// Platform and store.
type Key = Arc<(String, String)>;

#[derive(Debug, Default)]
struct Kept {
    /// Verdicts by store, oldest first, each with its number.
    stores: HashMap<Key, VecDeque<(u64, Brief)>>,
    /// Whose verdict has a number: the oldest of all is the first.
    order: BTreeMap<u64, Key>,
    next: u64,
    alerts: HashMap<String, String>,
    alert_order: VecDeque<String>,
}

/// What is remembered of a store.
#[derive(Debug, Serialize)]
pub struct StoreView {
    /// Verdicts with findings that are kept.
    pub kept: usize,
    /// Time of the oldest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Rules of all that are kept, the most frequent first.
    pub rules: Vec<RuleCount>,
    /// Newest first, as many as were wanted.
    pub verdicts: Vec<Brief>,
}

impl Recent {
    fn kept<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a verdict that has findings.
    pub fn verdict(&self, verdict: &Verdict) {
        let brief = Brief::of(verdict);
        let key = Arc::new((verdict.platform.clone(), verdict.store.clone()));
        self.kept(|kept| {
            while kept.order.len() >= VERDICTS {
                let Some((_, oldest)) = kept.order.pop_first() else { break };
                if let Some(verdicts) = kept.stores.get_mut(&oldest) {
                    verdicts.pop_front();
                    if verdicts.is_empty() {
                        kept.stores.remove(&oldest);
                    }
                }
            }
            let verdicts = kept.stores.entry(Arc::clone(&key)).or_default();
            if verdicts.len() >= PER_STORE
                && let Some((number, _)) = verdicts.pop_front()
            {
                kept.order.remove(&number);
            }
            verdicts.push_back((kept.next, brief));
            kept.order.insert(kept.next, key);
            kept.next += 1;
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

    /// What is kept of a store, with so many of its verdicts at most.
    pub fn store(&self, platform: &str, store: &str, limit: usize) -> StoreView {
        let key = (platform.to_owned(), store.to_owned());
        self.kept(|kept| {
            let verdicts = kept.stores.get(&key);
            let briefs = || verdicts.into_iter().flatten().map(|(_, brief)| brief);
            StoreView {
                kept: briefs().count(),
                since: briefs().map(|brief| &brief.occurred_at).min().cloned(),
                rules: brief::count(briefs()),
                verdicts: briefs().rev().take(limit).cloned().collect(),
            }
        })
    }

    /// An alert record as JSON.
    pub fn alert_by_id(&self, id: &str) -> Option<String> {
        self.kept(|kept| kept.alerts.get(id).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Trigger, VerdictKind};

    fn verdict(store: &str, number: usize) -> Verdict {
        Verdict {
            v: 1,
            verdict_id: number.to_string(),
            trigger: Trigger::Message,
            event_id: format!("ozon/{store}/m/{number}/sent"),
            platform: "ozon".to_owned(),
            store: store.to_owned(),
            agency: None,
            conversation: None,
            message_id: None,
            occurred_at: format!("2026-10-01T00:00:00.{number:03}Z"),
            verdict: VerdictKind::Violation,
            score: 1.0,
            findings: Vec::new(),
            unknown: Vec::new(),
            suppressed: Vec::new(),
            packs: Vec::new(),
        }
    }

    fn ids(view: &StoreView) -> Vec<String> {
        let json = serde_json::to_value(view).unwrap();
        let verdicts = json["verdicts"].as_array().unwrap().clone();
        verdicts.iter().map(|verdict| verdict["verdict_id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_store_keeps_its_last_verdicts() {
        let recent = Recent::default();
        for number in 0..PER_STORE + 3 {
            recent.verdict(&verdict("7", number));
        }
        let view = recent.store("ozon", "7", 2);
        assert_eq!((view.kept, view.since.as_deref()), (PER_STORE, Some("2026-10-01T00:00:00.003Z")));
        assert_eq!(ids(&view), [(PER_STORE + 2).to_string(), (PER_STORE + 1).to_string()]);
        assert_eq!(recent.kept(|kept| kept.order.len()), PER_STORE);
    }

    #[test]
    fn many_stores_share_a_bound_and_the_oldest_go_first() {
        let recent = Recent::default();
        for number in 0..VERDICTS + 5 {
            recent.verdict(&verdict(&number.to_string(), number % 1000));
        }
        assert_eq!(recent.kept(|kept| (kept.order.len(), kept.stores.len())), (VERDICTS, VERDICTS));
        assert_eq!((recent.store("ozon", "4", 1).kept, recent.store("ozon", "5", 1).kept), (0, 1));
    }

    #[test]
    fn alerts_are_bounded() {
        let recent = Recent::default();
        for number in 0..=ALERTS {
            recent.alert(&number.to_string(), b"{}");
        }
        assert!(recent.alert_by_id("0").is_none() && recent.alert_by_id("1").is_some());
    }
}
