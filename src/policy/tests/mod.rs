//! Compiling whole policies: what shipped packs become, what layers do, what is said about broken files.

mod errors;
mod layers;
mod stories;

use crate::shipped::{Part, Tree};

use super::testing::SCANNER;
use super::*;

/// A small pack that compiles; tests change a line of it.
const PACK: &str = r#"pack: bazaar/base
version: 1.0.0
platform: bazaar
mode: enforce
effective: {from: 2024-07-01T00:00:00+03:00, to: null}
sources: [{id: law, kind: official, title: The law, lang: no}]
params: {reply_window: 48h, warn: 90m}
groups: {contact: 90, content: 80}
rules:
  - id: proactive-contact
    severity: critical
    weight: 80
    group: contact
    clause: Answer only.
    source: law
    advice: Wait for the buyer.
    when: {contact: {reply_within: $reply_window, grace: 60s, kinds: []}}
  - id: reply-overdue
    severity: warning
    weight: 50
    group: contact
    clause: Answer soon.
    source: law
    advice: Answer.
    when: {unanswered: {warn: $warn, breach: 2h, answered_by: [human]}}
  - id: promo
    severity: warning
    weight: 55
    group: content
    clause: No offers.
    source: law
    advice: Leave the offer out.
    when: {content: {surfaces: [chat], signals: [promo.*, review.ask]}}
tests:
  - {name: in time, given: [{buyer: Hello}], then: {seller: Hi, at: 1h}, expect: {verdict: clean}}
"#;

fn sources(pack: &str) -> PolicySources<'_> {
    PolicySources { packs: vec![("packs/base.yaml", pack)], ..PolicySources::default() }
}

fn compiled(sources: &PolicySources<'_>) -> Compilation {
    match build(sources, &*SCANNER) {
        Ok(compilation) => compilation,
        Err(errors) => panic!("{}", lines(&errors)),
    }
}

fn lines(errors: &[PolicyError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

/// The faults of a policy that must not compile.
fn faults(sources: &PolicySources<'_>) -> String {
    match build(sources, &*SCANNER) {
        Ok(_) => panic!("compiled"),
        Err(errors) => lines(&errors),
    }
}

/// The shipped packs, overlays, exceptions and notices.
fn shipped() -> Compilation {
    let tree = Tree::shipped();
    compiled(&PolicySources {
        packs: tree.part(Part::Packs),
        overlays: tree.part(Part::Overlays),
        exceptions: tree.part(Part::Exceptions),
        notices: tree.part(Part::Notices),
        ..PolicySources::default()
    })
}

#[test]
fn the_shipped_policy_compiles() {
    let compilation = shipped();
    let cases = |pack: &str| compilation.cases.iter().filter(|case| &*case.pack == pack).count();
    let packs: Vec<String> = compilation
        .packs
        .iter()
        .map(|pack| format!("{}: {} rules, {} cases", pack.id, pack.rules.len(), cases(&pack.id)))
        .collect();
    insta::assert_snapshot!(packs.join("\n"));
}

/// A rule without a case that it hits and one that it misses may be dead or mad, and nobody would see it.
#[test]
fn every_rule_in_force_is_hit_by_a_case() {
    let compilation = shipped();
    for pack in &compilation.packs {
        // A child is tested for what it changes, and a rule in shadow is on trial.
        let all: Vec<&cases::Case> = compilation.cases.iter().filter(|case| case.pack == pack.id).collect();
        let child = all.len() < pack.rules.len();
        for rule in pack.rules.iter().filter(|rule| !child && rule.mode == Mode::Enforce) {
            let hit = all.iter().any(|case| case.expect.rules.iter().flatten().any(|id| *id == rule.id));
            assert!(hit, "no case of {} hits {}", pack.id, rule.id);
        }
        let clean = all.iter().filter(|case| case.expect.verdict == VerdictKind::Clean).count();
        assert!(clean * 4 >= all.len(), "{} has {clean} clean cases of {}", pack.id, all.len());
    }
}

/// YAML 1.1 reads a bare `no` as false and `off` as well; a language and a mode are words all the same.
#[test]
fn bare_words_of_yaml_1_1_stay_words() {
    let pack = PACK.replace("  - id: promo\n", "  - id: promo\n    mode: off\n");
    let compilation = compiled(&sources(&pack));
    assert_eq!(compilation.packs[0].rules.len(), 2);
    assert_eq!(
        compilation.effective[0].rules[2].field("mode").map(|field| field.value.as_str()),
        Some("off")
    );
}

#[test]
fn the_hash_changes_with_everything_that_can_change_a_verdict() {
    let hash = |sources: &PolicySources<'_>| compiled(sources).platforms["bazaar"][0].hash.to_string();
    let base = hash(&sources(PACK));
    assert_eq!(base.len(), 16);
    assert_eq!(base, hash(&sources(&PACK.replace('\n', "\r\n"))), "line ends do not matter");
    let other = PACK.replace("weight: 55", "weight: 56");
    assert_ne!(base, hash(&sources(&other)), "text");
    assert_ne!(base, hash(&PolicySources { lexicon_hash: 1, ..sources(PACK) }), "lexicons");
    let overlays = vec![("overlay.yaml", "overlay: bazaar/base\nparams: {warn: 30m}")];
    assert_ne!(base, hash(&PolicySources { overlays, ..sources(PACK) }), "overlay");
    let bindings = vec![Binding {
        pack: "bazaar/base".to_owned(),
        mode: Some(BindingMode::Mode(Mode::Shadow)),
        ..Binding::default()
    }];
    assert_ne!(base, hash(&PolicySources { bindings, ..sources(PACK) }), "mode");
}
