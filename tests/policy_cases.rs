//! The inline cases of the shipped packs, and that no rule goes without a case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

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
