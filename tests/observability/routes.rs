//! The shipped routes: which labels end at whom.

use std::path::Path;

use crate::files::root;
use crate::harness::content;

/// Receivers, and the labels of an alert.
const TABLE: &[(&str, &[&str])] = &[
    // The daemon's own alerts: a copy, and the agency by severity.
    (
        "audit,urgent/acme",
        &["source=contactwatch", "alertname=OffPlatformContact", "agency=acme", "severity=critical"],
    ),
    ("audit,daily/acme", &["source=contactwatch", "alertname=Promo", "agency=acme", "severity=warning"]),
    ("audit,info/acme", &["source=contactwatch", "alertname=Promo", "agency=acme", "severity=info"]),
    ("audit,urgent/bravo", &["source=contactwatch", "alertname=Promo", "agency=bravo", "severity=critical"]),
    // Nobody's agency reaches a person, not the copy alone.
    ("audit,operations", &["source=contactwatch", "alertname=Promo", "agency=nobody", "severity=critical"]),
    ("audit,operations", &["source=contactwatch", "alertname=Promo", "severity=warning"]),
    // Prometheus about stores: the agency, no copy.
    (
        "urgent/acme",
        &[
            "alertname=ContactwatchStoreViolationSurge",
            "component=stores",
            "agency=acme",
            "severity=critical",
        ],
    ),
    (
        "daily/acme",
        &["alertname=ContactwatchReplyDeadlineNear", "component=stores", "agency=acme", "severity=warning"],
    ),
    (
        "operations",
        &[
            "alertname=ContactwatchReplyDeadlineNear",
            "component=stores",
            "agency=unknown",
            "severity=warning",
        ],
    ),
    (
        "operations",
        &["alertname=ContactwatchMarketplaceActed", "component=stores", "platform=ozon", "severity=critical"],
    ),
    // The daemon about itself, and figures of platforms.
    (
        "operations",
        &["alertname=ContactwatchSlaBudgetBurn", "component=sla", "platform=ozon", "severity=critical"],
    ),
    (
        "operations",
        &["alertname=ContactwatchMisjudgmentBudgetExceeded", "component=misjudgment", "severity=critical"],
    ),
    ("operations", &["alertname=ContactwatchDown", "component=daemon", "severity=critical"]),
    ("operations", &["alertname=ContactwatchNotConsuming", "component=kafka", "severity=critical"]),
    (
        "operations",
        &["alertname=ContactwatchAlertDeliveryFailing", "component=delivery", "severity=critical"],
    ),
    ("watchdog", &["alertname=ContactwatchWatchdog", "component=meta", "severity=none"]),
    // A stranger, and a severity that nobody knows.
    ("operations", &["alertname=HostDown", "job=node"]),
    ("daily/acme", &["alertname=Other", "agency=acme"]),
];

pub(crate) fn alerts_go_where_they_belong(_: &Path) -> String {
    let dir = root().join("dashboards/alertmanager");
    for (receivers, labels) in TABLE {
        let expected = format!("--verify.receivers={receivers}");
        let mut args = vec!["config", "routes", "test", "--config.file=alertmanager.yml", &expected];
        args.extend(*labels);
        content(&dir, "amtool", &args);
    }
    format!("{} kinds of alerts", TABLE.len())
}
