//! Every way to write past a filter that is known, with innocent texts in which undoing it must find nothing.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Evasion {
    /// What has to be undone; empty where words, not letters, are the disguise.
    #[serde(default)]
    undone: String,
    found: Vec<String>,
    innocent: Vec<String>,
}

/// Whether the lexicons alone are sure of a violation.
fn convicts(out: &Signals) -> bool {
    let certain = out.signals.iter().filter(|signal| signal.confidence == Confidence::Certain);
    let mut names = certain.map(|signal| scanner().signal_name(signal.id));
    names.any(|name| !HARMLESS.iter().any(|part| name.starts_with(part)))
        || out.links.iter().any(|link| link.class != HostClass::FirstParty)
}

#[test]
fn each_way_is_found_out_and_no_innocent_text_with_it() {
    let yaml = include_str!("evasions.yaml");
    let ways: BTreeMap<String, Evasion> = serde_saphyr::from_str(yaml).unwrap();
    let context = ScanContext { platform: "ozon", ..ScanContext::default() };
    let mut wrong = Vec::new();
    for (way, Evasion { undone, found, innocent }) in &ways {
        assert!(found.len() >= 3 && innocent.len() >= 2, "{way}: too few texts to mean anything");
        let mut times = 0;
        for text in found {
            let out = scan_in(text, &context);
            times +=
                usize::from(out.signals.iter().any(|signal| signal.via.words().any(|via| via == undone)));
            if !convicts(&out) {
                wrong.push(format!("{way}: not found: {text}: {:?} {:?}", names(&out), reasons(&out)));
            }
        }
        if !undone.is_empty() && times * 2 < found.len() {
            wrong.push(format!("{way}: {undone} was undone in {times} of {} texts", found.len()));
        }
        for text in innocent {
            let out = scan_in(text, &context);
            if convicts(&out) {
                wrong.push(format!("{way}: innocent: {text}: {:?}", names(&out)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
