//! The inline cases of the shipped packs, and that no rule goes without a case.

mod support;

#[test]
fn every_inline_case_holds() {
    let (policy, scanner) = support::policy();
    let reports = contactwatch::trial::run_cases(&policy, &scanner);
    let faults: Vec<String> = reports
        .iter()
        .filter(|report| !report.passed())
        .map(|report| {
            format!(
                "{}: {} \"{}\": {}",
                report.case.place,
                report.case.pack,
                report.case.name,
                report.faults.join("; ")
            )
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} cases fail:\n{}", faults.len(), reports.len(), faults.join("\n"));
}

/// The rule ids of the contract (docs/contract.md §4).
const RULES: [&str; 29] = [
    "proactive-contact",
    "reply-overdue",
    "reply-window-missed",
    "off-platform-channel",
    "off-platform-contact",
    "off-platform-payment",
    "external-link",
    "promo",
    "follow-us",
    "review-solicitation",
    "review-incentive",
    "review-invitation",
    "address-request",
    "address-change-flow",
    "cancel-request",
    "auto-reply-unapproved",
    "template-requirement",
    "template-content",
    "insert-unregistered",
    "insert-content",
    "order-page-content",
    "gift-wording",
    "gift-private",
    "gift-unfulfilled",
    "duplicate-burst",
    "fixed-delay-followup",
    "impersonated-notice",
    "unexplained-notice",
    "template-review-overdue",
];

#[test]
fn every_rule_of_the_contract_is_hit_and_missed_by_cases() {
    let (policy, scanner) = support::policy();
    let known: std::collections::BTreeSet<String> =
        policy.effective.iter().flat_map(|pack| pack.rules.iter().map(|rule| rule.id.to_string())).collect();
    for rule in &known {
        assert!(
            RULES.contains(&rule.as_str()),
            "rule {rule} is not in the contract: add it to docs/contract.md and here"
        );
    }
    let reports = contactwatch::trial::run_cases(&policy, &scanner);
    assert!(reports.len() >= 150, "only {} cases", reports.len());
    for rule in RULES {
        let hit = reports.iter().filter(|report| report.fired.iter().any(|fired| &**fired == rule)).count();
        let packs_with_it =
            |pack: &str| policy.packs.iter().any(|known| &*known.id == pack && known.rule(rule).is_some());
        let missed = reports
            .iter()
            .filter(|report| {
                packs_with_it(&report.case.pack) && report.fired.iter().all(|fired| &**fired != rule)
            })
            .count();
        assert!(hit > 0, "no case hits {rule}");
        assert!(missed > 0, "no case of a pack with {rule} misses it");
    }
}
