//! What is told of a store over HTTP: which rules fire, and in which messages. Ids, rules and clauses; no words of anybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::policy::{Mode, Severity};
use crate::score::{FactValue, Trigger, Verdict, VerdictKind};
use crate::text::Confidence;

/// A verdict without the words that it rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Brief {
    verdict_id: String,
    trigger: Trigger,
    event_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    pub(super) occurred_at: String,
    verdict: VerdictKind,
    score: f64,
    findings: Vec<BriefFinding>,
}

/// A finding without its evidence and advice.
#[derive(Clone, Debug, Serialize)]
struct BriefFinding {
    rule: Arc<str>,
    severity: Severity,
    confidence: Confidence,
    mode: Mode,
    clause: Arc<str>,
    /// Why a rule about time or order fired: a word of the program, as `window_closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What was found in the text, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signals: Vec<String>,
}

impl Brief {
    /// What stays of a verdict.
    pub(super) fn of(verdict: &Verdict) -> Self {
        let findings = verdict.findings.iter().map(|finding| {
            let mut signals: Vec<String> =
                finding.evidence.iter().map(|evidence| evidence.signal.clone()).collect();
            signals.sort_unstable();
            signals.dedup();
            let reason = match finding.facts.get("reason") {
                Some(FactValue::Text(word)) => Some(word.clone()),
                _ => None,
            };
            BriefFinding {
                rule: Arc::clone(&finding.rule),
                severity: finding.severity,
                confidence: finding.confidence,
                mode: finding.mode,
                clause: Arc::clone(&finding.clause),
                reason,
                signals,
            }
        });
        Self {
            verdict_id: verdict.verdict_id.clone(),
            trigger: verdict.trigger,
            event_id: verdict.event_id.clone(),
            conversation: verdict.conversation.clone(),
            message_id: verdict.message_id.clone(),
            occurred_at: verdict.occurred_at.clone(),
            verdict: verdict.verdict,
            score: verdict.score,
            findings: findings.collect(),
        }
    }
}

/// How often a rule fired in the verdicts that are kept.
#[derive(Clone, Debug, Serialize)]
pub struct RuleCount {
    rule: Arc<str>,
    /// Verdicts with a finding of it.
    verdicts: usize,
    /// Of these, where it was certain and its pack enforces.
    certain: usize,
    /// Of these, where its packs only shadow.
    shadow: usize,
    /// Time of the last of them.
    last: String,
}

/// The rules of verdicts, the most frequent first.
pub(super) fn count<'a>(verdicts: impl Iterator<Item = &'a Brief>) -> Vec<RuleCount> {
    let mut counts: BTreeMap<&Arc<str>, RuleCount> = BTreeMap::new();
    for verdict in verdicts {
        // A rule may stand in several packs, and in one of them twice: a verdict counts once.
        let mut rules: BTreeMap<&Arc<str>, (bool, bool)> = BTreeMap::new();
        for finding in &verdict.findings {
            let (enforced, certain) = rules.entry(&finding.rule).or_default();
            *enforced |= finding.mode == Mode::Enforce;
            *certain |= finding.mode == Mode::Enforce && finding.confidence == Confidence::Certain;
        }
        for (rule, (enforced, certain)) in rules {
            let count = counts.entry(rule).or_insert_with(|| RuleCount {
                rule: Arc::clone(rule),
                verdicts: 0,
                certain: 0,
                shadow: 0,
                last: String::new(),
            });
            count.verdicts += 1;
            count.certain += usize::from(certain);
            count.shadow += usize::from(!enforced);
            // RFC 3339 in UTC with milliseconds: later is greater.
            if verdict.occurred_at > count.last {
                count.last.clone_from(&verdict.occurred_at);
            }
        }
    }
    let mut counts: Vec<RuleCount> = counts.into_values().collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.verdicts));
    counts
}
