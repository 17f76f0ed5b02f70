//! What the relay counts.

use std::time::Duration;

use super::families::Families;
use super::seconds;
use crate::time::Millis;

/// The counters of the relay. Sinks are numbered as in the configuration.
#[derive(Clone, Debug)]
pub struct RelayMetrics {
    families: Families,
}

impl RelayMetrics {
    pub(super) fn new(families: Families) -> Self {
        for severity in ["info", "warning", "critical"] {
            families.alerts_active.with_label_values(&[severity]).set(0);
        }
        Self { families }
    }

    /// Makes the series of a sink, so that an increase from 0 is seen.
    pub fn know(&self, sink: &str) {
        for result in ["ok", "rejected", "error"] {
            self.families.alert_sends.with_label_values(&[sink, result]).inc_by(0);
        }
        for reason in ["rejected", "expired"] {
            self.families.alerts_dropped.with_label_values(&[sink, reason]).inc_by(0);
        }
        self.families.alert_queue.with_label_values(&[sink]).set(0);
    }

    /// One request ended: how, with so many alerts.
    pub fn sent(&self, sink: &str, result: &str, alerts: usize, took: Duration, now: Millis) {
        self.families.alert_sends.with_label_values(&[sink, result]).inc_by(alerts as u64);
        self.families.alert_send.with_label_values(&[sink]).observe(took.as_secs_f64());
        if result == "ok" {
            self.families.alert_last_success.with_label_values(&[sink]).set(seconds(now));
        }
    }

    /// Alerts were given up.
    pub fn dropped(&self, sink: &str, reason: &str, alerts: usize) {
        self.families.alerts_dropped.with_label_values(&[sink, reason]).inc_by(alerts as u64);
    }

    /// Alerts that are kept up, by severity.
    pub fn active(&self, severity: &str, alerts: usize) {
        self.families.alerts_active.with_label_values(&[severity]).set(alerts as i64);
    }

    /// Alerts that a sink has not taken yet.
    pub fn queued(&self, sink: &str, alerts: usize) {
        self.families.alert_queue.with_label_values(&[sink]).set(alerts as i64);
    }

    /// From verdict to acceptance.
    pub fn detection_to_send(&self, sink: &str, took: Duration) {
        self.families.alert_detection_to_send.with_label_values(&[sink]).observe(took.as_secs_f64());
    }
}
