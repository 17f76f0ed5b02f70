//! What is said about broken files. Each row changes one thing in a pack that compiles.

use super::*;

/// The faults of the small pack with one text replaced.
fn with(from: &str, to: &str) -> String {
    assert!(PACK.contains(from), "the pack does not hold {from:?}");
    faults(&sources(&PACK.replacen(from, to, 1)))
}

/// Rows of (what is wrong, faults) as one text for a snapshot.
fn report(rows: &[(&str, String)]) -> String {
    rows.iter().map(|(what, faults)| format!("# {what}\n{faults}\n")).collect()
}

#[test]
fn shape() {
    insta::assert_snapshot!(report(&[
        ("syntax", with("params: {", "params: {{")),
        ("unclosed", with("lang: no}]", "lang: no}")),
        ("tab", with("    weight: 80", "\tweight: 80")),
        ("unknown key", with("    weight: 80", "    wieght: 80")),
        ("unknown key at the top", with("version: 1.0.0", "versoin: 1.0.0")),
        ("unknown key of a condition", with("grace: 60s", "graze: 60s")),
        ("missing key", with("version: 1.0.0\n", "")),
        ("wrong type: list", with("weight: 80", "weight: [80]")),
        ("wrong type: map", with("advice: Answer.", "advice: {text: Answer.}")),
        ("wrong type: scalar", with("params: {reply_window: 48h, warn: 90m}", "params: many")),
        ("key written twice", with("    weight: 80", "    weight: 80\n    weight: 81")),
        ("no regexes", with("surfaces: [chat]", "surfaces: [chat], regex: \"disc.*\"")),
        ("no patterns", with("surfaces: [chat]", "surfaces: [chat], pattern: \"disc.*\"")),
        ("unknown condition", with("when: {content:", "when: {contents:")),
        ("two conditions", with("when: {content: {", "when: {insert_approved: {}, content: {")),
        ("empty file", faults(&sources("{}"))),
        ("two documents", faults(&sources(&format!("{PACK}---\n{PACK}")))),
    ]));
}

/// A small file that would expand to gigabytes: aliases of aliases where any list fits, and one long list repeated
/// where the shape has room for it.
#[test]
fn a_bomb_is_refused() {
    let steps = vec!["{buyer: x}"; 1_000].join(", ");
    let case =
        format!("  - &case {{name: a, given: [{steps}], then: {{seller: x}}, expect: {{verdict: clean}}}}\n");
    let flat = format!("{}tests:\n{case}{}", PACK.split("tests:").next().unwrap(), "  - *case\n".repeat(900));
    let found = faults(&sources(&flat));
    assert!(found.contains("expands to more than a policy file may hold"), "{found}");

    let mut nested = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefghij".chars().zip("abcdefghi".chars()) {
        nested.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", ")));
    }
    let deep = format!("params: {}", "[".repeat(100_000));
    for text in [nested, deep] {
        assert!(faults(&sources(&text)).starts_with("packs/base.yaml:"));
    }
}

#[test]
fn names() {
    insta::assert_snapshot!(report(&[
        ("unknown signal", with("promo.*, review.ask", "promo.discont, review.ask")),
        ("unknown group of signals", with("promo.*, review.ask", "prom.*")),
        ("unknown signal without a likeness", with("promo.*, review.ask", "weather")),
        ("unknown list", with("signals: [promo.*, review.ask]", "links: {allow: [\"list:messenger\"]}")),
        ("unknown kind of link", with("signals: [promo.*, review.ask]", "links: {allow: [first_part]}")),
        ("unknown surface", with("surfaces: [chat]", "surfaces: [chatt]")),
        ("unknown origin", with("answered_by: [human]", "answered_by: [humans]")),
        (
            "unknown class",
            with(
                "when: {content: {surfaces: [chat], signals: [promo.*, review.ask]}}",
                "when: {template_requirement: {classes: [{class: shipment}]}}"
            )
        ),
        ("unknown parameter", with("$reply_window", "$reply_windw")),
        ("unknown severity", with("severity: critical", "severity: critcal")),
        ("unknown mode", with("mode: enforce", "mode: enforced")),
        ("unknown mode of a rule", with("    weight: 80", "    weight: 80\n    mode: of")),
        ("unknown group", with("group: content", "group: contents")),
        ("unknown source", with("    source: law", "    source: lore")),
        ("duplicate rule", with("id: promo", "id: reply-overdue")),
        ("unused parameter", with("warn: 90m}", "warn: 90m, spare: 3h}")),
        ("rule without id", with("  - id: promo\n    severity", "  - severity")),
        (
            "missing fields",
            with("    clause: No offers.\n", "").to_string() + &with("    advice: Answer.\n", "")
        ),
        ("empty clause", with("clause: No offers.", "clause: \"\"")),
        (
            "rule without a question",
            with("    when: {unanswered: {warn: $warn, breach: 2h, answered_by: [human]}}\n", "")
        ),
        ("word listed twice", with("surfaces: [chat]", "surfaces: [chat, chat]")),
        ("no platform", with("platform: bazaar\n", "")),
    ]));
}

#[test]
fn windows() {
    let kind = |text: &str| with("kinds: []", &format!("kinds: [{{id: care, after: shipped, {text}}}]"));
    let promo = |when: &str| {
        with(
            "when: {content: {surfaces: [chat], signals: [promo.*, review.ask]}}",
            &format!("when: {{{when}}}"),
        )
    };
    insta::assert_snapshot!(report(&[
        ("no length of time", with("breach: 2h", "breach: 2 hours")),
        ("no length of time in a parameter", with("warn: 90m", "warn: soon")),
        ("negative", with("breach: 2h", "breach: -2h")),
        ("warns at the breach", with("warn: 90m", "warn: 2h")),
        ("grace as long as the window", with("grace: 60s", "grace: 48h")),
        ("grace as long as the breach", with("breach: 2h", "breach: 2h, grace: 3h")),
        ("empty window", with("reply_window: 48h", "reply_window: 0h")),
        ("ends before it begins", with("to: null", "to: 2024-06-01T00:00:00Z")),
        ("no instant", with("from: 2024-07-01T00:00:00+03:00", "from: 2024-07-01")),
        ("quota of none", kind("within: 72h, quota: 0")),
        ("quota of half", kind("within: 72h, quota: 0.5")),
        ("kind shorter than the grace", kind("within: 30s")),
        ("unknown anchor", with("kinds: []", "kinds: [{id: care, after: send, within: 72h}]")),
        ("unknown name", kind("within: 72h, names: [buyer]")),
        ("two kinds of one name", kind("within: 72h}, {id: care, after: paid, within: 72h")),
        ("weight too high", with("weight: 80", "weight: 101")),
        ("weight below none", with("weight: 80", "weight: -1")),
        ("no weight", with("weight: 80", "weight: much")),
        ("cap too high", with("contact: 90", "contact: 120")),
        ("steps out of order", promo("template_review_age: {steps: [{after: 72h, severity: info}, {after: 72h, severity: warning}]}")),
        ("burst of one", promo("duplicate_text: {buyers: 1, within: 10m, min_chars: 12}")),
        ("spread over everything", promo("fixed_delay: {orders: 5, within: 1h, spread: 1h}")),
        ("asks for nothing", promo("content: {surfaces: [chat]}")),
        ("asks nowhere", promo("content: {surfaces: [], signals: [promo.*]}")),
    ].map(|(what, faults)| (what, faults))));
}

#[test]
fn every_fault_of_a_file_is_reported_at_once() {
    let pack = PACK
        .replace("promo.*, review.ask", "promo.discont, review.aks")
        .replace("weight: 80", "weight: 800")
        .replace("answered_by: [human]", "answered_by: [robot]");
    let other = "pack: bazaar/other\nversio: 1";
    let overlay = "overlay: bazaar/bse";
    let sources = PolicySources {
        packs: vec![("packs/base.yaml", &pack), ("packs/other.yaml", other)],
        overlays: vec![("overlay.yaml", overlay)],
        ..PolicySources::default()
    };
    insta::assert_snapshot!(faults(&sources));
}

#[test]
fn parents() {
    let child = |text: &str| {
        let child =
            format!("pack: bazaar/child\nversion: 1.0.0\neffective: {{from: 2025-01-01T00:00:00Z}}\n{text}");
        let packs = vec![("packs/base.yaml", PACK), ("packs/child.yaml", child.as_str())];
        faults(&PolicySources { packs, ..PolicySources::default() })
    };
    let circle = |name: &str, parent: &str| {
        format!(
            "pack: {name}\ninherits: {parent}\nversion: 1.0.0\neffective: {{from: 2025-01-01T00:00:00Z}}\n"
        )
    };
    let (a, b, c) = (circle("a", "b"), circle("b", "c"), circle("c", "b"));
    let circles = vec![("a.yaml", a.as_str()), ("b.yaml", b.as_str()), ("c.yaml", c.as_str())];
    let twins = vec![("packs/base.yaml", PACK), ("packs/copy.yaml", PACK)];
    insta::assert_snapshot!(report(&[
        ("no such parent", child("inherits: bazaar/bas")),
        ("no such rule to drop", child("inherits: bazaar/base\ndrop: [prom]")),
        (
            "a new rule with a part of its fields",
            child("inherits: bazaar/base\nrules: [{id: extra, weight: 10}]")
        ),
        ("a circle", faults(&PolicySources { packs: circles, ..PolicySources::default() })),
        ("two packs of one name", faults(&PolicySources { packs: twins, ..PolicySources::default() })),
    ]));
}

#[test]
fn overlays_and_exceptions() {
    let overlay = |text: &str| {
        let overlays = vec![("overlay.yaml", text)];
        faults(&PolicySources { overlays, ..sources(PACK) })
    };
    let exception = |text: &str| {
        let text = format!("exceptions:\n  - {text}\n");
        let exceptions = vec![("exceptions.yaml", text.as_str())];
        faults(&PolicySources { exceptions, ..sources(PACK) })
    };
    insta::assert_snapshot!(report(&[
        ("overlay of an unknown pack", overlay("overlay: bazaar/bse")),
        ("overlay of an unknown rule", overlay("overlay: bazaar/base\nrules: {prom: {mode: shadow}}")),
        ("overlay of an unknown parameter", overlay("overlay: bazaar/base\nparams: {reply_windw: 24h}")),
        ("overlay with an unknown key", overlay("overlay: bazaar/base\nrules: {promo: {wieght: 3}}")),
        (
            "overlay with a wrong value",
            overlay("overlay: bazaar/base\nparams: {warn: 3h}\nrules: {promo: {weight: 300}}")
        ),
        ("overlay with an id", overlay("overlay: bazaar/base\nrules: {promo: {id: promo}}")),
        ("exception without a reason", exception("{rule: promo, expires: never}")),
        ("exception without an end", exception("{rule: promo, reason: agreed}")),
        ("exception with a strange end", exception("{rule: promo, reason: agreed, expires: tomorrow}")),
        ("exception for an unknown rule", exception("{rule: prom, reason: agreed, expires: never}")),
        (
            "exception for an unknown pack",
            exception("{rule: promo, pack: bazaar/bse, reason: agreed, expires: never}")
        ),
        (
            "exception for half a store",
            exception("{rule: promo, store: \"7\", reason: agreed, expires: never}")
        ),
    ]));
}

#[test]
fn stores_bindings_and_notices() {
    let store = |text: &str| {
        let text = format!("stores:\n  - {text}\n");
        faults(&PolicySources { stores: vec![("stores.yaml", text.as_str())], ..sources(PACK) })
    };
    let twice = "{platform: bazaar, store: \"7\"}\n  - {platform: bazaar, store: \"7\"}";
    let bindings = vec![Binding {
        pack: "bazaar/bas".to_owned(),
        file: "contactwatch.yaml".to_owned(),
        ..Binding::default()
    }];
    let notices = vec![("notices.yaml", "notices: [{platform: bazaar, prefix: Hello}]")];
    insta::assert_snapshot!(report(&[
        ("unknown platform", store("{platform: bazar, store: \"7\"}")),
        ("unknown parameter", store("{platform: bazaar, store: \"7\", params: {wran: 30m}}")),
        ("wrong parameter", store("{platform: bazaar, store: \"7\", params: {warn: 4h}}")),
        ("unknown pack", store("{platform: bazaar, store: \"7\", packs: [{pack: bazaar/bas}]}")),
        ("unknown mode", store("{platform: bazaar, store: \"7\", packs: [{pack: bazaar/base, mode: on}]}")),
        ("unknown status", store("{platform: bazaar, store: \"7\", templates: [{id: t1, status: ok}]}")),
        ("listed twice", store(twice)),
        ("binding of an unknown pack", faults(&PolicySources { bindings, ..sources(PACK) })),
        ("a notice too short", faults(&PolicySources { notices, ..sources(PACK) })),
    ]));
}

#[test]
fn cases() {
    let case = |text: &str| {
        with(
            "  - {name: in time, given: [{buyer: Hello}], then: {seller: Hi, at: 1h}, expect: {verdict: clean}}",
            text,
        )
    };
    insta::assert_snapshot!(report(&[
        ("unknown verdict", case("  - {name: a, then: {seller: Hi}, expect: {verdict: cleen}}")),
        (
            "unknown rule",
            case("  - {name: a, then: {seller: Hi}, expect: {verdict: violation, rules: [prom]}}")
        ),
        ("violation of nothing", case("  - {name: a, then: {seller: Hi}, expect: {verdict: violation}}")),
        (
            "clean with rules",
            case("  - {name: a, then: {seller: Hi}, expect: {verdict: clean, rules: [promo]}}")
        ),
        (
            "unknown reason",
            case(
                "  - {name: a, then: {seller: Hi}, expect: {verdict: violation, rules: [promo], reason: window_close}}"
            )
        ),
        (
            "two things in one step",
            case("  - {name: a, then: {seller: Hi, buyer: Hello}, expect: {verdict: clean}}")
        ),
        ("nothing in a step", case("  - {name: a, then: {at: 1h}, expect: {verdict: clean}}")),
        (
            "time runs back",
            case(
                "  - {name: a, given: [{buyer: Hello, at: 2h}], then: {seller: Hi, at: 1h}, expect: {verdict: clean}}"
            )
        ),
        (
            "until among the given",
            case("  - {name: a, given: [{until: 2h}], then: {seller: Hi, at: 1h}, expect: {verdict: clean}}")
        ),
        ("unknown key of a step", case("  - {name: a, then: {seler: Hi}, expect: {verdict: clean}}")),
        (
            "unknown state",
            case("  - {name: a, given: [{order: shiped}], then: {seller: Hi}, expect: {verdict: clean}}")
        ),
        (
            "one name twice",
            case(
                "  - {name: a, then: {seller: Hi}, expect: {verdict: clean}}\n  - {name: a, then: {seller: Hi}, expect: {verdict: clean}}"
            )
        ),
    ]));
}
