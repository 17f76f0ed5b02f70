//! Series of single stores, up to a cap.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hashbrown::{HashMap, HashSet};
use prometheus::{Histogram, IntCounter};

use super::families::Families;
use crate::state::StoreKey;

/// What every store beyond the cap, and every platform that no pack knows, is counted as.
const OTHER: &str = "other";

/// Handles of one store.
#[derive(Debug)]
pub(super) struct StoreHandles {
    pub(super) platform: Box<str>,
    /// The label: the store, or `other`.
    pub(super) store: Box<str>,
    pub(super) from_buyers: IntCounter,
    pub(super) from_seller: IntCounter,
    /// Info, warning, critical.
    pub(super) violations: [IntCounter; 3],
    /// Of its platform.
    pub(super) end_to_end: Histogram,
    pub(super) met: IntCounter,
    pub(super) breached: IntCounter,
}

/// Handles of all stores, shared by all workers.
#[derive(Debug)]
pub(super) struct Stores {
    families: Families,
    cap: usize,
    platforms: RwLock<HashSet<Box<str>>>,
    known: Mutex<HashMap<StoreKey, Arc<StoreHandles>>>,
    others: Mutex<HashMap<Box<str>, Arc<StoreHandles>>>,
}

impl Stores {
    pub(super) fn new(families: Families, cap: usize) -> Self {
        let (known, others, platforms) = Default::default();
        Self { families, cap, platforms, known, others }
    }

    /// Platforms that packs know; others share one label.
    pub(super) fn know_platforms<'a>(&self, platforms: impl Iterator<Item = &'a str>) {
        let mut known = self.platforms.write().unwrap_or_else(PoisonError::into_inner);
        *known = platforms.map(Into::into).collect();
    }

    /// The label of a platform.
    pub(super) fn platform<'a>(&self, platform: &'a str) -> &'a str {
        let known = self.platforms.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(platform) { platform } else { OTHER }
    }

    /// A store of the file of stores: its series begin at 0.
    pub(super) fn know(&self, platform: &str, store: &str, agency: Option<&str>) {
        let handles = self.of(platform, store);
        let labels = [&*handles.platform, &*handles.store, agency.unwrap_or("unknown")];
        self.families.store_info.with_label_values(&labels).set(1);
    }

    /// The handles of a store. Its series exist from the first event of the store on: an increase from 0 is seen.
    pub(super) fn of(&self, platform: &str, store: &str) -> Arc<StoreHandles> {
        let platform = self.platform(platform);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = StoreKey { platform: platform.into(), store: store.into() };
        if let Some(handles) = known.get(&key) {
            return Arc::clone(handles);
        }
        if known.len() < self.cap && platform != OTHER {
            let handles = Arc::new(self.make(platform, store));
            known.insert(key, Arc::clone(&handles));
            return handles;
        }
        self.families.series_capped.with_label_values(&[] as &[&str]).inc();
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(others.entry(platform.into()).or_insert_with(|| Arc::new(self.make(platform, OTHER))))
    }

    fn make(&self, platform: &str, store: &str) -> StoreHandles {
        let Families { messages_scored, violations, sla_responses, awaiting_reply, end_to_end, .. } =
            &self.families;
        awaiting_reply.with_label_values(&[platform, store]).add(0);
        StoreHandles {
            platform: platform.into(),
            store: store.into(),
            from_buyers: messages_scored.with_label_values(&[platform, store, "buyer"]),
            from_seller: messages_scored.with_label_values(&[platform, store, "seller"]),
            violations: ["info", "warning", "critical"]
                .map(|severity| violations.with_label_values(&[platform, store, severity])),
            end_to_end: end_to_end.with_label_values(&[platform]),
            met: sla_responses.with_label_values(&[platform, store, "met"]),
            breached: sla_responses.with_label_values(&[platform, store, "breached"]),
        }
    }
}
