//! Counts over all series, for those who live in the same process.

use prometheus::core::Collector;

use super::families::Families;

/// What was counted up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records whose effects are committed.
    pub committed: u64,
    /// Events that were seen before.
    pub duplicates: u64,
    /// Alert records written.
    pub alerts_written: u64,
    /// Alerts that were sent, each time anew.
    pub alerts_sent: u64,
    /// Alerts that the relay keeps up.
    pub alerts_active: u64,
    /// Alerts that an Alertmanager has not taken yet.
    pub alerts_queued: u64,
    /// Verdicts that a reviewer labelled.
    pub reviews: u64,
    /// Acts of marketplaces.
    pub enforcements: u64,
    /// Errors and warnings in the log.
    pub complaints: u64,
}

impl Totals {
    pub(super) fn of(families: &Families) -> Self {
        Self {
            committed: sum(&families.committed_offset, &[]),
            duplicates: sum(&families.events_duplicate, &[]),
            alerts_written: sum(&families.alerts_written, &[]),
            alerts_sent: sum(&families.alert_sends, &["ok"]),
            alerts_active: sum(&families.alerts_active, &[]),
            alerts_queued: sum(&families.alert_queue, &[]),
            reviews: sum(&families.reviews, &[]),
            enforcements: sum(&families.enforcements, &[]),
            complaints: sum(&families.log_messages, &["error", "warn"]),
        }
    }
}

/// The sum of counters or gauges: of those series that have one of the label values, or of all when none is named.
fn sum(family: &impl Collector, values: &[&str]) -> u64 {
    let collected = family.collect();
    let series = collected.iter().flat_map(|family| family.get_metric()).filter(|series| {
        values.is_empty() || series.get_label().iter().any(|label| values.contains(&label.value()))
    });
    let total: f64 =
        series.map(|series| series.get_counter().get_value() + series.get_gauge().get_value()).sum();
    // Counts are whole, and far below what a double holds.
    total.max(0.0) as u64
}
