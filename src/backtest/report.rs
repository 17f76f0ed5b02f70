//! From samples to rates with bounds, and to a word: within the budget, over it, or unproven.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::score::VerdictKind;
use crate::text::Via;

use super::{Sample, Wording, bounds};

/// On which side a sample counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Compliant texts: the fewer are flagged the better, `bound` is an upper one.
    Benign,
    /// Violations: the more are flagged the better, `bound` is a lower one.
    Violating,
}

/// What the samples of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// Nothing but their side.
    All,
    /// The label.
    Label,
    /// The language.
    Lang,
    /// The source of the rows.
    Source,
    /// How they say it: ordinary and hard, plain and obfuscated.
    Wording,
    /// Language and wording.
    LangWording,
    /// What they are about.
    Family,
    /// Violating: how their words are disguised.
    Disguise,
    /// Benign: what was undone to see the words that flagged them.
    Undone,
    /// Benign: the rule that flagged ordinary ones. Violating: the rule that their row names.
    Rule,
}

/// How a benign group stands to the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The bound is below the budget.
    Within,
    /// The bound is not below the budget, although there are samples enough; or even the lower bound is above it.
    Over,
    /// Too few samples: even without a misjudgment the bound could not be below the budget.
    Unproven,
}

/// A group of samples, counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Side.
    pub side: Side,
    /// What the samples have in common …
    pub by: GroupBy,
    /// … and its value.
    pub key: String,
    /// Samples.
    pub n: u64,
    /// Judged a violation.
    pub flagged: u64,
    /// Judged worth a look.
    pub review: u64,
    /// The encoder was asked about them. Not counted by rule and by what was undone.
    #[serde(skip_serializing_if = "nothing")]
    pub asked: u64,
    /// Violating: flagged for the reason of the label. Absent for benign groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<u64>,
    /// `flagged / n`.
    pub rate: f64,
    /// One-sided 95 % Clopper-Pearson bound: upper for benign, lower for violating groups.
    pub bound: f64,
    /// Benign groups by language, by wording and as a whole are held against their budget, unless they mix ordinary
    /// with hard texts. Absent for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// Everything counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of this record: 1.
    pub v: u8,
    /// Largest allowed rate of misjudgments of ordinary texts.
    pub budget: f64,
    /// Largest allowed rate of misjudgments of hard texts.
    pub hard_budget: f64,
    /// Probability that a bound holds.
    pub confidence: f64,
    /// Benign samples that prove the budget when none is flagged.
    pub needed: u64,
    /// Samples read.
    pub rows: u64,
    /// Counted on neither side, by label.
    pub uncounted: BTreeMap<&'static str, u64>,
    /// The groups: benign first.
    pub groups: Vec<Group>,
}

fn nothing(count: &u64) -> bool {
    *count == 0
}

impl Report {
    /// Whether a benign group is over the budget.
    pub fn over_budget(&self) -> bool {
        self.groups.iter().any(|group| group.status == Some(Status::Over))
    }
}

/// The largest allowed rates of misjudgments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Of ordinary texts.
    pub ordinary: f64,
    /// Of benign texts in the words of violations.
    pub hard: f64,
}

#[derive(Clone, Copy, Default)]
struct Count {
    n: u64,
    hard: u64,
    flagged: u64,
    review: u64,
    asked: u64,
    named: u64,
}

impl Count {
    fn add(&mut self, sample: &Sample, named: bool) {
        let verdict = sample.verdict;
        self.n += 1;
        self.hard += u64::from(sample.wording == Wording::Difficult);
        self.flagged += u64::from(verdict == VerdictKind::Violation);
        self.review += u64::from(verdict == VerdictKind::Review);
        self.asked += u64::from(sample.asked);
        self.named += u64::from(named);
    }
}

/// Counts samples against a budget.
pub fn report(samples: &[Sample], budget: Budget) -> Report {
    let mut counts: BTreeMap<(Side, GroupBy, Cow<'_, str>), Count> = BTreeMap::new();
    let mut uncounted: BTreeMap<&'static str, u64> = BTreeMap::new();
    for sample in samples {
        let Some(side) = sample.label.side() else {
            *uncounted.entry(sample.label.as_str()).or_default() += 1;
            continue;
        };
        let named = side == Side::Violating && sample.named();
        let wording = sample.wording.as_str(side);
        let groups = [
            (GroupBy::All, Cow::Borrowed("all")),
            (GroupBy::Label, sample.label.as_str().into()),
            (GroupBy::Lang, sample.lang.as_str().into()),
            (GroupBy::Source, sample.source.as_str().into()),
            (GroupBy::Wording, wording.into()),
            (GroupBy::LangWording, format!("{} {wording}", sample.lang).into()),
            (GroupBy::Family, sample.family.as_str().into()),
        ];
        let disguises = sample.disguise.iter().filter(|_| side == Side::Violating);
        let disguises = disguises.map(|word| (GroupBy::Disguise, word.as_str().into()));
        for (by, key) in groups.into_iter().chain(disguises) {
            if !key.is_empty() {
                counts.entry((side, by, key)).or_default().add(sample, named);
            }
        }
    }
    count_rules(samples, &mut counts);
    let groups = counts.into_iter().map(|((side, by, key), count)| group(side, by, &key, count, budget));
    Report {
        v: 1,
        budget: budget.ordinary,
        hard_budget: budget.hard,
        confidence: bounds::CONFIDENCE,
        needed: bounds::needed(budget.ordinary),
        rows: samples.len() as u64,
        uncounted,
        groups: groups.collect(),
    }
}

/// Rules: how many of the ordinary benign samples each flagged, and how many of the samples that name it were found
/// by it. Disguises: how many of all benign samples were flagged because one was undone.
fn count_rules<'a>(samples: &'a [Sample], counts: &mut BTreeMap<(Side, GroupBy, Cow<'a, str>), Count>) {
    let benign = || samples.iter().filter(|sample| sample.label.side() == Some(Side::Benign));
    let all = benign().count() as u64;
    let ordinary = benign().filter(|sample| sample.wording == Wording::Ordinary).count() as u64;
    // What never flagged a benign text is worth knowing, too.
    for word in Via::all().difference(Via::ATTACHMENT).words().filter(|_| all > 0) {
        counts.insert((Side::Benign, GroupBy::Undone, word.into()), Count { n: all, ..Count::default() });
    }
    for sample in samples {
        match sample.label.side() {
            Some(Side::Benign) => {
                let rules = sample.found.iter().filter(|_| sample.wording == Wording::Ordinary);
                let rules = rules.map(|rule| (GroupBy::Rule, rule, ordinary));
                let undone = sample.undone.iter().map(|word| (GroupBy::Undone, word, all));
                for (by, key, n) in rules.chain(undone) {
                    let count = counts.entry((Side::Benign, by, key.into())).or_default();
                    count.n = n;
                    count.flagged += 1;
                }
            }
            Some(Side::Violating) => {
                for rule in &sample.expected {
                    let found = sample.found.contains(rule);
                    let count = counts.entry((Side::Violating, GroupBy::Rule, rule.into())).or_default();
                    count.n += 1;
                    count.flagged += u64::from(found);
                    count.named += u64::from(found);
                }
            }
            None => {}
        }
    }
}

fn group(side: Side, by: GroupBy, key: &str, count: Count, budget: Budget) -> Group {
    let Count { n, hard, flagged, review, asked, named } = count;
    let bound = match side {
        Side::Benign => bounds::upper(flagged, n),
        Side::Violating => bounds::lower(flagged, n),
    };
    let gate = side == Side::Benign
        && matches!(by, GroupBy::All | GroupBy::Lang | GroupBy::Wording | GroupBy::LangWording);
    let budget = match hard {
        0 => Some(budget.ordinary),
        hard if hard == n => Some(budget.hard),
        _ => None,
    };
    let status = budget.filter(|_| gate).map(|budget| {
        let needed = bounds::needed(budget);
        if bound < budget {
            Status::Within
        } else if n >= needed || bounds::lower(flagged, n) > budget {
            Status::Over
        } else {
            Status::Unproven
        }
    });
    Group {
        side,
        by,
        key: key.to_owned(),
        n,
        flagged,
        review,
        asked,
        named: (side == Side::Violating).then_some(named),
        rate: if n == 0 { 0.0 } else { flagged as f64 / n as f64 },
        bound,
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Label;
    use super::*;

    const BUDGET: Budget = Budget { ordinary: 0.003, hard: 0.03 };

    fn samples(n: usize, lang: &str, label: Label, verdict: VerdictKind, found: &[&str]) -> Vec<Sample> {
        let sample = Sample {
            id: "1".to_owned(),
            lang: lang.to_owned(),
            source: "shop".to_owned(),
            label,
            wording: Wording::Ordinary,
            family: String::new(),
            disguise: Vec::new(),
            expected: Vec::new(),
            verdict,
            found: found.iter().map(|&rule| rule.to_owned()).collect(),
            undone: Vec::new(),
            asked: false,
        };
        vec![sample; n]
    }

    fn group<'a>(report: &'a Report, side: Side, by: GroupBy, key: &str) -> &'a Group {
        report.groups.iter().find(|g| g.side == side && g.by == by && g.key == key).unwrap()
    }

    #[test]
    fn a_language_is_within_over_or_unproven() {
        use VerdictKind::{Clean, Violation};
        for (clean, flagged, status, over) in [
            (998, 0, Status::Within, false),
            (997, 0, Status::Unproven, false),
            (997, 1, Status::Over, true),
            (1579, 1, Status::Within, false),
            (95, 5, Status::Over, true),
            (100, 1, Status::Unproven, false),
        ] {
            let mut all = samples(clean, "ru", Label::Benign, Clean, &[]);
            all.extend(samples(flagged, "ru", Label::Benign, Violation, &["promo"]));
            let report = report(&all, BUDGET);
            assert_eq!(
                group(&report, Side::Benign, GroupBy::Lang, "ru").status,
                Some(status),
                "{clean}+{flagged}"
            );
            assert_eq!(report.over_budget(), over, "{clean}+{flagged}");
        }
    }

    #[test]
    fn hard_texts_have_a_budget_of_their_own_and_mixed_groups_have_none() {
        use VerdictKind::{Clean, Violation};
        let mut all = samples(998, "ru", Label::Benign, Clean, &[]);
        let mut hard = samples(199, "ru", Label::Benign, Clean, &[]);
        hard.extend(samples(1, "ru", Label::Benign, Violation, &["promo"]));
        hard.iter_mut().for_each(|sample| sample.wording = Wording::Difficult);
        hard[199].undone = vec!["leet".to_owned()];
        all.extend(hard);
        let mut hidden = samples(4, "ru", Label::Violation, Violation, &["promo"]);
        hidden[0].wording = Wording::Difficult;
        hidden[0].disguise = vec!["leet".to_owned(), "split".to_owned()];
        all.extend(hidden);
        let report = report(&all, BUDGET);
        for (side, by, key, n, flagged, status) in [
            (Side::Benign, GroupBy::All, "all", 1198, 1, None),
            (Side::Benign, GroupBy::Lang, "ru", 1198, 1, None),
            (Side::Benign, GroupBy::Wording, "ordinary", 998, 0, Some(Status::Within)),
            (Side::Benign, GroupBy::LangWording, "ru hard", 200, 1, Some(Status::Within)),
            (Side::Benign, GroupBy::Undone, "leet", 1198, 1, None),
            (Side::Violating, GroupBy::LangWording, "ru plain", 3, 3, None),
            (Side::Violating, GroupBy::Wording, "obfuscated", 1, 1, None),
            (Side::Violating, GroupBy::Disguise, "split", 1, 1, None),
        ] {
            let group = group(&report, side, by, key);
            assert_eq!((group.n, group.flagged, group.status), (n, flagged, status), "{by:?} {key}");
        }
        let rules = report.groups.iter().filter(|g| g.side == Side::Benign && g.by == GroupBy::Rule);
        assert_eq!(rules.count(), 0, "rules are held against ordinary texts");
    }

    #[test]
    fn what_nobody_can_say_counts_on_neither_side() {
        let mut all = samples(3, "ru", Label::Unknown, VerdictKind::Violation, &["promo"]);
        all.extend(samples(2, "ru", Label::SpamOther, VerdictKind::Violation, &["external-link"]));
        let report = report(&all, BUDGET);
        assert!(report.groups.is_empty());
        assert_eq!(report.uncounted, BTreeMap::from([("unknown", 3), ("spam_other", 2)]));
        assert_eq!(report.rows, 5);
    }

    #[test]
    fn rules_are_held_against_all_benign_rows_and_against_the_rows_that_name_them() {
        let mut all = samples(9, "ru", Label::Benign, VerdictKind::Clean, &[]);
        all.extend(samples(1, "ru", Label::Benign, VerdictKind::Violation, &["promo"]));
        let mut named = samples(4, "ru", Label::Violation, VerdictKind::Violation, &["promo"]);
        named[0].expected = vec!["promo".to_owned()];
        named[1].expected = vec!["follow-us".to_owned()];
        all.extend(named);
        let report = report(&all, BUDGET);
        let promo = group(&report, Side::Benign, GroupBy::Rule, "promo");
        assert_eq!((promo.n, promo.flagged), (10, 1));
        let follow = group(&report, Side::Violating, GroupBy::Rule, "follow-us");
        assert_eq!((follow.n, follow.flagged), (1, 0));
        assert_eq!(group(&report, Side::Violating, GroupBy::All, "all").named, Some(3));
    }

    #[test]
    fn a_label_is_given_its_due_by_any_of_its_rules() {
        let all = samples(1, "ru", Label::OffPlatform, VerdictKind::Violation, &["external-link"]);
        assert!(all[0].named() && !all[0].missed());
        let all = samples(1, "ru", Label::ReviewSolicit, VerdictKind::Violation, &["external-link"]);
        assert!(!all[0].named() && !all[0].missed());
        let all = samples(1, "ru", Label::Promo, VerdictKind::Review, &[]);
        assert!(all[0].missed());
    }
}
