//! What layers do to a pack, where it is in force, and what changed.

use crate::policy::condition::{Condition, SignalSet};
use crate::policy::diff::diff;
use crate::time::{Millis, Span};

use super::*;

fn at(text: &str) -> Millis {
    Millis::parse(text).unwrap()
}

/// Window, warning and weight of `promo` of a pack.
fn numbers(pack: &Pack) -> (Option<Span>, Option<Span>, f32) {
    let Condition::Contact(contact) = &pack.rules[0].condition else { panic!("{:?}", pack.rules[0]) };
    let Condition::Unanswered(unanswered) = &pack.rules[1].condition else { panic!("{:?}", pack.rules[1]) };
    (contact.reply_window, unanswered.warn, pack.rules[2].weight)
}

#[test]
fn a_group_of_signals_is_every_signal_of_it() {
    let compilation = compiled(&sources(PACK));
    let Condition::Content(content) = &compilation.packs[0].rules[2].condition else { panic!() };
    let names = ["promo.bonus", "promo.discount", "promo.offer", "promo.worded", "review.ask"];
    let expected: SignalSet = names.iter().filter_map(|name| SCANNER.signal(name)).collect();
    assert_eq!(content.signals, expected);
}

#[test]
fn overlay_and_store_change_what_is_below_them() {
    let overlays =
        vec![("overlay.yaml", "overlay: bazaar/base\nparams: {warn: 60m}\nrules: {promo: {weight: 70}}")];
    let stores = "stores:\n  - {platform: bazaar, store: \"7\", params: {warn: 30m, reply_window: 24h}}\n  - {platform: bazaar, store: \"8\", domains: [Brand.Example]}";
    let compilation =
        compiled(&PolicySources { overlays, stores: vec![("stores.yaml", stores)], ..sources(PACK) });
    let hours = |n| Some(Span::hours(n));
    assert_eq!(numbers(&compilation.platforms["bazaar"][0]), (hours(48), hours(1), 70.0));
    assert_eq!(numbers(&compilation.stores["bazaar"]["7"][0]), (hours(24), Some(Span::minutes(30)), 70.0));
    assert_eq!(compilation.stores["bazaar"].len(), 1, "a store that only seeds has the platform's packs");
    assert_eq!(&*compilation.seeds[1].domains[0], "brand.example");

    let fields = |index: usize| {
        let rules = compilation.effective[index].rules.iter();
        let field = |rule: &str, field: &crate::policy::diff::EffectiveField| {
            let param = field.param.as_ref().map_or(String::new(), |name| format!(" (${name})"));
            format!("{rule}.{} = {}{param}, {}, {}\n", field.name, field.value, field.layer, field.place)
        };
        rules
            .flat_map(|rule| rule.fields.iter().map(|f| field(&rule.id, f)).collect::<Vec<_>>())
            .collect::<String>()
    };
    insta::assert_snapshot!(format!("# platform\n{}\n# store 7\n{}", fields(0), fields(1)));
}

const CHILD: &str = r#"pack: bazaar/child
version: 2.0.0
inherits: bazaar/base
mode: shadow
effective: {from: 2025-01-01T00:00:00Z}
sources: [{id: docs, kind: official}]
params: {reply_window: 72h}
drop: [reply-overdue]
rules:
  - {id: promo, severity: critical, source: docs}
"#;

#[test]
fn a_child_changes_single_fields_and_drops_rules() {
    let packs = vec![("packs/child.yaml", CHILD), ("packs/base.yaml", PACK)];
    let compilation = compiled(&PolicySources { packs, ..PolicySources::default() });
    let child = &compilation.platforms["bazaar"][0];
    assert_eq!((&*child.id, child.mode, &*child.platform), ("bazaar/child", Mode::Shadow, "bazaar"));
    assert_eq!(child.rules.iter().map(|rule| &*rule.id).collect::<Vec<_>>(), ["proactive-contact", "promo"]);
    let promo = &child.rules[1];
    assert_eq!((promo.severity, promo.weight, &*promo.source), (Severity::Critical, 55.0, "docs"));
    let Condition::Contact(contact) = &child.rules[0].condition else { panic!() };
    assert_eq!(contact.reply_window, Some(Span::hours(72)), "the child's own parameter in the parent's rule");

    let old = compiled(&sources(PACK)).effective;
    let new = PACK
        .replace("version: 1.0.0", "version: 1.1.0")
        .replace("weight: 55", "weight: 60")
        .replace("reply_window: 48h", "reply_window: 24h")
        .replace("id: reply-overdue", "id: reply-late");
    let packs = vec![
        ("packs/base.yaml", new.as_str()),
        (
            "packs/child2.yaml",
            "pack: bazaar/second\nversion: 1.0.0\ninherits: bazaar/base\neffective: {from: 2025-01-01T00:00:00Z}",
        ),
    ];
    let new = compiled(&PolicySources { packs, ..PolicySources::default() }).effective;
    let show = |changes: Vec<crate::policy::diff::Change>| {
        changes.iter().map(|change| format!("{change}\n")).collect::<String>()
    };
    insta::assert_snapshot!(format!("{}\n# and back\n{}", show(diff(&old, &new)), show(diff(&new, &old))));
    assert!(diff(&old, &old).is_empty());
}

#[test]
fn a_binding_says_where_a_pack_is_in_force() {
    let binding = |pack: &str, mode, stores: &[&str]| Binding {
        pack: pack.to_owned(),
        mode,
        stores: stores.iter().map(|store| ("bazaar".to_owned(), (*store).to_owned())).collect(),
        ..Binding::default()
    };
    let shadow = Some(BindingMode::Mode(Mode::Shadow));
    let enforce = Some(BindingMode::Mode(Mode::Enforce));
    for (what, bindings, everywhere, store_seven) in [
        ("none", vec![], "base enforce, child shadow", None),
        ("own mode", vec![binding("bazaar/base", None, &[])], "base enforce, child shadow", None),
        ("other mode", vec![binding("bazaar/base", shadow, &[])], "base shadow, child shadow", None),
        ("off", vec![binding("bazaar/child", Some(BindingMode::Off), &[])], "base enforce", None),
        (
            "one store alone",
            vec![binding("bazaar/child", enforce, &["7"])],
            "base enforce",
            Some("base enforce, child enforce"),
        ),
        (
            "one store differs",
            vec![binding("bazaar/child", enforce, &["7"]), binding("bazaar/child", None, &[])],
            "base enforce, child shadow",
            Some("base enforce, child enforce"),
        ),
        (
            "off in one store",
            vec![binding("bazaar/base", None, &[]), binding("bazaar/base", Some(BindingMode::Off), &["7"])],
            "base enforce, child shadow",
            Some("child shadow"),
        ),
    ] {
        let packs = vec![("packs/base.yaml", PACK), ("packs/child.yaml", CHILD)];
        let compilation = compiled(&PolicySources { packs, bindings, ..PolicySources::default() });
        let names = |packs: &[std::sync::Arc<Pack>]| {
            let name = |pack: &std::sync::Arc<Pack>| {
                format!("{} {}", pack.id.trim_start_matches("bazaar/"), mode_word(pack.mode))
            };
            packs.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(names(&compilation.platforms["bazaar"]), everywhere, "{what}");
        let seven =
            compilation.stores.get("bazaar").and_then(|stores| stores.get("7")).map(|packs| names(packs));
        assert_eq!(seven.as_deref(), store_seven, "{what}, store 7");
    }
}

#[test]
fn a_store_names_its_own_packs() {
    let stores = "stores: [{platform: bazaar, store: \"7\", packs: [{pack: bazaar/child, mode: enforce}, {pack: bazaar/base, mode: off}]}]";
    let packs = vec![("packs/base.yaml", PACK), ("packs/child.yaml", CHILD)];
    let stores = vec![("stores.yaml", stores)];
    let compilation = compiled(&PolicySources { packs, stores, ..PolicySources::default() });
    let seven = &compilation.stores["bazaar"]["7"];
    assert_eq!(seven.len(), 1);
    assert_eq!((&*seven[0].id, seven[0].mode), ("bazaar/child", Mode::Enforce));
}

#[test]
fn exceptions_compile_and_ended_ones_are_reported() {
    let text = r#"exceptions:
  - {rule: promo, reason: agreed, expires: 2026-01-01T00:00:00Z}
  - {rule: promo, pack: bazaar/base, platform: bazaar, store: "7", domain: Brand.Example, template: t1, reason: agreed, expires: never}
"#;
    let exceptions = vec![("exceptions.yaml", text)];
    let now = Some(at("2026-06-01T00:00:00Z"));
    let compilation = compiled(&PolicySources { exceptions, now, ..sources(PACK) });
    assert_eq!(compilation.exceptions.len(), 2, "an ended one is kept: a replay needs it");
    assert_eq!(compilation.exceptions[0].expires, Some(at("2026-01-01T00:00:00Z")));
    let second = &compilation.exceptions[1];
    assert_eq!(
        (second.domain.as_deref(), second.pack.as_deref(), second.expires),
        (Some("brand.example"), Some("bazaar/base"), None)
    );
    insta::assert_snapshot!(lines(&compilation.warnings));
}

#[test]
fn files_of_comments_are_examples() {
    let comment = "# nothing yet\n\n#  - {rule: promo}\n";
    let sources = PolicySources {
        overlays: vec![("overlay.yaml", comment)],
        exceptions: vec![("exceptions.yaml", comment)],
        stores: vec![("stores.yaml", comment)],
        notices: vec![("notices.yaml", comment)],
        ..sources(PACK)
    };
    assert!(compiled(&sources).seeds.is_empty());
}

/// Examples that no longer compile teach the wrong thing: the commented lines of the shipped files are tried out.
#[test]
fn the_commented_examples_compile() {
    let tree = Tree::shipped();
    let text = |path: &str| tree.files().iter().find(|file| file.path == path).unwrap().text.to_string();
    let overlay = text("overlays/example.yaml");
    let overlay: String = overlay
        .lines()
        .skip_while(|line| !line.starts_with("# overlay:"))
        .map(|line| format!("{}\n", &line[2..]))
        .collect();
    let listed = |path: &str| text(path).replace(": []\n", ":\n").replace("\n#  ", "\n  ");
    let (exceptions, stores) = (listed("exceptions.yaml"), listed("stores.yaml"));
    let compilation = compiled(&PolicySources {
        packs: tree.part(Part::Packs),
        overlays: vec![("overlay.yaml", &overlay)],
        exceptions: vec![("exceptions.yaml", &exceptions)],
        stores: vec![("stores.yaml", &stores)],
        ..PolicySources::default()
    });
    assert_eq!((compilation.exceptions.len(), compilation.seeds.len()), (2, 1));
    assert_eq!(compilation.seeds[0].templates.len(), 1);
}
