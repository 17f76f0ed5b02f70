//! The catalogue of metrics, as docs/metrics.md has it: what rules, dashboards and the exposition are held against.

#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::{BTreeMap, BTreeSet};

/// A family as documented.
pub(crate) struct Family {
    pub kind: String,
    pub labels: BTreeSet<String>,
}

/// Every documented family, by name. A unit test of `src/metrics` holds the document against the program.
pub(crate) fn families() -> BTreeMap<String, Family> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let document = std::fs::read_to_string(path).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next().unwrap().trim_end_matches('`').to_owned();
        let kind = cells.next().unwrap().to_owned();
        let labels = cells.next().unwrap().split(", ").filter(|label| !label.is_empty());
        (name, Family { kind, labels: labels.map(str::to_owned).collect() })
    })
    .collect()
}

/// The names by which PromQL may ask for them: histograms have three.
pub(crate) fn series() -> BTreeMap<String, BTreeSet<String>> {
    let mut series = BTreeMap::new();
    for (name, family) in families() {
        if family.kind == "histogram" {
            let mut buckets = family.labels.clone();
            buckets.insert("le".to_owned());
            series.insert(format!("{name}_bucket"), buckets);
            series.insert(format!("{name}_sum"), family.labels.clone());
            series.insert(format!("{name}_count"), family.labels);
        } else {
            series.insert(name, family.labels);
        }
    }
    series
}

/// The metrics that an expression asks for, each with the labels of its selector.
pub(crate) fn selectors(expr: &str) -> Vec<(String, BTreeSet<String>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(start) = rest.find(|c: char| word(c)) {
        // What stands in quotes is a value.
        if let Some(quote) = rest.find('"').filter(|quote| *quote < start) {
            let value = &rest[quote + 1..];
            rest = value.find('"').map_or("", |end| &value[end + 1..]);
            continue;
        }
        rest = &rest[start..];
        let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        if !name.contains("contactwatch_") {
            continue;
        }
        let mut labels = BTreeSet::new();
        if let Some(body) = rest.strip_prefix('{') {
            let mut quoted = false;
            let end = body.find(|c: char| {
                quoted ^= c == '"';
                c == '}' && !quoted
            });
            let (body, after) = body.split_at(end.unwrap_or(body.len()));
            let mut names = body.split('"').step_by(2);
            labels.extend(names.by_ref().filter_map(|part| {
                let label = part.trim_matches([',', ' ']).trim_end_matches(['=', '!', '~']).trim();
                (!label.is_empty()).then(|| label.to_owned())
            }));
            rest = after;
        }
        found.push((name.to_owned(), labels));
    }
    found
}
