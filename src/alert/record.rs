//! The record of one alert, as it stands in the alerts topic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config;
use crate::engine::Answer;
use crate::policy::{Mode, Severity};
use crate::score::{Finding, Trigger, Verdict};
use crate::text::Confidence;
use crate::time::{Millis, Span};

/// Longest annotation, in bytes: people read it in a messenger.
const LONGEST: usize = 1000;

/// Whether something alerts, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It alerts.
    Firing,
    /// It is over.
    Resolved,
}

/// One alert record: a finding that alerts, or its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertRecord {
    /// Version of this record: 1.
    pub v: u8,
    /// The same in live and replay, and for the resolution.
    #[serde(rename = "alert_id")]
    pub alert_id: String,
    /// Firing or resolved.
    pub status: Status,
    /// The identity of the alert: nothing that varies.
    pub labels: BTreeMap<String, String>,
    /// Everything that varies. No message text beyond masked excerpts.
    pub annotations: BTreeMap<String, String>,
    /// When it was detected. RFC 3339, UTC, milliseconds.
    pub starts_at: String,
    /// When it is over by itself.
    pub ends_at: String,
    /// Where the verdict can be read.
    #[serde(rename = "generatorURL", default, skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
}

/// What records are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertTerms {
    active_for: Span,
    unanswered_for: Span,
    external_url: Option<String>,
    runbook_url: Option<String>,
}

impl From<&config::Alertmanager> for AlertTerms {
    fn from(config: &config::Alertmanager) -> Self {
        let base = |url: &Option<String>| url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        Self {
            active_for: config.active_for,
            unanswered_for: config.unanswered_for,
            external_url: base(&config.external_url),
            runbook_url: base(&config.runbook_url),
        }
    }
}

/// What an alert is about: the same for its firing and its end.
struct Subject<'a> {
    platform: &'a str,
    store: &'a str,
    agency: Option<&'a str>,
    event_id: &'a str,
    trigger: Trigger,
    rule: &'a str,
    severity: Severity,
}

impl AlertTerms {
    /// The records of a verdict, detected at `now`: one for each rule whose finding counts, by its worst finding.
    pub fn firing(&self, verdict: &Verdict, now: Millis) -> Vec<AlertRecord> {
        let mut records: Vec<AlertRecord> = Vec::new();
        // Findings come worst first.
        for finding in verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce) {
            let subject = Subject {
                platform: &verdict.platform,
                store: &verdict.store,
                agency: verdict.agency.as_deref(),
                event_id: &verdict.event_id,
                trigger: verdict.trigger,
                rule: &finding.rule,
                severity: severity(finding),
            };
            if records
                .iter()
                .any(|record| record.labels.get("rule").is_some_and(|rule| **rule == *finding.rule))
            {
                continue;
            }
            // Only what a deadline found can be answered, and so be over before its time.
            let lasts = if verdict.trigger == Trigger::Timer { self.unanswered_for } else { self.active_for };
            let mut record = self.record(&subject, Status::Firing, now, now.plus(lasts));
            record.annotations.extend(annotations(verdict, finding));
            if let Some(base) = &self.runbook_url {
                // A base that ends with `#` names sections of one page.
                let slash = if base.ends_with('#') { "" } else { "/" };
                let url = format!("{base}{slash}{}", finding.rule);
                record.annotations.insert("runbook_url".to_owned(), url);
            }
            records.push(record);
        }
        records
    }

    /// The ends of what a waiting buyer had alerted, at `now`; `rules` are all that may have.
    pub fn resolved(
        &self,
        answer: &Answer,
        agency: Option<&str>,
        rules: &[(&str, Severity)],
        now: Millis,
    ) -> Vec<AlertRecord> {
        let Some(event_id) = &answer.alerted else { return Vec::new() };
        let record = |(rule, severity): &(&str, Severity)| {
            let subject = Subject {
                platform: &answer.store.platform,
                store: &answer.store.store,
                agency,
                event_id,
                trigger: Trigger::Timer,
                rule,
                severity: *severity,
            };
            self.record(&subject, Status::Resolved, now, now)
        };
        rules.iter().map(record).collect()
    }

    fn record(&self, subject: &Subject<'_>, status: Status, now: Millis, ends: Millis) -> AlertRecord {
        let alert_id = subject.id();
        let generator_url = self.external_url.as_ref().map(|base| format!("{base}/v1/alerts/{alert_id}"));
        AlertRecord {
            v: 1,
            status,
            labels: subject.labels(),
            annotations: BTreeMap::from([("alert_id".to_owned(), alert_id.clone())]),
            starts_at: now.to_string(),
            ends_at: ends.to_string(),
            generator_url,
            alert_id,
        }
    }
}

impl Subject<'_> {
    fn id(&self) -> String {
        let Self { platform, store, event_id, trigger, rule, severity, .. } = self;
        let name = format!("{platform}\n{store}\n{event_id}\n{trigger:?}\n{rule}\n{}", word(*severity));
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// Labels of the identity. An unknown agency has no label: Alertmanager drops empty ones, and with them changes
    /// the identity.
    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels: BTreeMap<String, String> = [
            ("alertname", camel_case(self.rule)),
            ("source", "contactwatch".to_owned()),
            ("severity", word(self.severity).to_owned()),
            ("platform", self.platform.to_owned()),
            ("store", self.store.to_owned()),
            ("rule", self.rule.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(agency) = self.agency.filter(|agency| !agency.is_empty()) {
            labels.insert("agency".to_owned(), agency.to_owned());
        }
        labels
    }
}

/// What is only suspected wakes nobody up.
fn severity(finding: &Finding) -> Severity {
    match finding.confidence {
        Confidence::Suspected => Severity::Info,
        Confidence::Certain => finding.severity,
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// `off-platform-contact` as `OffPlatformContact`.
fn camel_case(rule: &str) -> String {
    let mut name = String::with_capacity(rule.len());
    for part in rule.split('-') {
        let mut chars = part.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

fn annotations(verdict: &Verdict, finding: &Finding) -> Vec<(String, String)> {
    let evidence: Vec<String> =
        finding.evidence.iter().map(|evidence| format!("«{}»", evidence.excerpt)).collect();
    let facts: Vec<String> = finding.facts.iter().map(|(name, fact)| format!("{name} {fact}")).collect();
    let suspected = if finding.confidence == Confidence::Suspected { "suspected: " } else { "" };
    let shown = if evidence.is_empty() { facts.join(", ") } else { evidence.join(", ") };
    let pack = verdict.packs.iter().find(|pack| pack.mode == Mode::Enforce);
    let mut annotations = vec![
        ("summary", format!("{suspected}{} in {}/{}", finding.rule, verdict.platform, verdict.store)),
        ("description", format!("{}: {shown}", finding.clause)),
        ("clause", finding.clause.to_string()),
        ("evidence", evidence.join(", ")),
        ("facts", facts.join(", ")),
        ("advice", finding.advice.to_string()),
        ("occurred_at", verdict.occurred_at.clone()),
        ("score", format!("{:.1}", verdict.score)),
        ("verdict_id", verdict.verdict_id.clone()),
        ("event_id", verdict.event_id.clone()),
    ];
    if let Some(pack) = pack {
        annotations.push(("policy", format!("{}@{}", pack.pack, pack.version)));
    }
    annotations.retain(|(_, text)| !text.is_empty());
    annotations.into_iter().map(|(name, text)| (name.to_owned(), shorten(text))).collect()
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST - '…'.len_utf8()).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Around, BareText, Emit, Engine};
    use crate::state::StoreKey;

    /// A verdict of the shipped policies, as `lint` gives it.
    fn verdict(text: &str) -> Verdict {
        let ruleset = crate::shipped::ruleset();
        let at = Millis::parse("2026-10-01T09:00:00Z").unwrap();
        let bare = BareText {
            platform: "ozon",
            store: Some("7"),
            surface: crate::event::Surface::Chat,
            text,
            id: "ozon/7/m/1/sent",
            at,
            around: Around::default(),
        };
        Engine::new(ruleset, Emit::All).check_text(&bare, None)
    }

    fn terms() -> AlertTerms {
        AlertTerms::from(&config::Config::default().alertmanager)
    }

    #[test]
    fn a_verdict_becomes_records_without_secrets() {
        let now = Millis::parse("2026-10-01T09:00:01Z").unwrap();
        let records = terms().firing(&verdict("Позвоните мне +7 916 123-45-67, дам скидку 10 %"), now);
        let told: Vec<String> = records
            .iter()
            .map(|record| {
                let label = |name: &str| record.labels.get(name).map_or("-", String::as_str);
                format!("{} {} {} {}", label("alertname"), label("severity"), label("rule"), label("agency"))
            })
            .collect();
        assert_eq!(told, ["OffPlatformContact critical off-platform-contact -", "Promo warning promo -"]);
        let json = serde_json::to_string(&records).unwrap();
        assert!(!json.contains("123-45"), "a phone number is told: {json}");
        for record in &records {
            assert_eq!(record.starts_at, "2026-10-01T09:00:01.000Z");
            assert_eq!(record.ends_at, "2026-10-01T10:00:01.000Z");
            assert!(record.annotations.contains_key("clause") && record.annotations.contains_key("advice"));
        }
        let again = terms().firing(&verdict("Позвоните мне +7 916 123-45-67, дам скидку 10 %"), now);
        assert_eq!(again, records, "ids are the same in a replay");
    }

    #[test]
    fn an_end_names_the_alert_that_it_ends() {
        let now = Millis::parse("2026-10-01T12:00:00Z").unwrap();
        let subject = Subject {
            platform: "ozon",
            store: "7",
            agency: Some("acme"),
            event_id: "ozon/7/m/1/sent",
            trigger: Trigger::Timer,
            rule: "reply-overdue",
            severity: Severity::Warning,
        };
        let key = Arc::new(StoreKey { platform: "ozon".into(), store: "7".into() });
        let alerted = Some("ozon/7/m/1/sent".into());
        let answer = Answer { store: key, waited: Span::hours(3), overdue: true, alerted };
        let ends = terms().resolved(&answer, Some("acme"), &[("reply-overdue", Severity::Warning)], now);
        assert_eq!(ends.len(), 1);
        assert_eq!((&ends[0].alert_id, ends[0].status), (&subject.id(), Status::Resolved));
        assert_eq!(ends[0].labels, subject.labels());
        let quiet = Answer { alerted: None, ..answer };
        assert!(terms().resolved(&quiet, None, &[("reply-overdue", Severity::Warning)], now).is_empty());
    }

    #[test]
    fn runbooks_are_pages_or_sections_of_one() {
        for (base, expected) in [
            ("https://wiki/runbooks/", "https://wiki/runbooks/promo"),
            ("https://wiki/runbooks", "https://wiki/runbooks/promo"),
            ("https://wiki/RUNBOOKS.md#", "https://wiki/RUNBOOKS.md#promo"),
        ] {
            let mut config = config::Config::default().alertmanager;
            config.runbook_url = Some(base.to_owned());
            let records = AlertTerms::from(&config).firing(&verdict("дам скидку 10 %"), Millis(0));
            assert_eq!(records[0].annotations["runbook_url"], expected);
        }
    }

    #[test]
    fn names_and_texts_are_fitted() {
        for (rule, expected) in
            [("promo", "Promo"), ("off-platform-contact", "OffPlatformContact"), ("follow-us", "FollowUs")]
        {
            assert_eq!(camel_case(rule), expected);
        }
        let long = shorten("ы".repeat(3000));
        assert!(long.len() <= LONGEST && long.ends_with('…'));
    }
}
