//! What the simulated fleet says: `demo/texts.yaml`, compiled in.

use std::sync::LazyLock;

use serde::Deserialize;

use super::native::Platform;

const YAML: &str = include_str!("../../demo/texts.yaml");

/// Everything that is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    /// A buyer who is content.
    pub(super) thanks: Vec<String>,
    /// What a seller says to that.
    pub(super) welcome: Vec<String>,
    /// Questions and their answers.
    pub(super) exchanges: Vec<Exchange>,
}

/// A buyer's question and a seller's answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    /// Language of the answer.
    #[allow(dead_code, reason = "for readers of the file, and its test")]
    pub(super) lang: String,
    /// `clean`, or the rule that the answer breaks.
    pub(super) expect: String,
    /// `trap`: clean, though it looks otherwise.
    #[serde(default)]
    #[allow(dead_code, reason = "for readers of the file, and its test")]
    pub(super) like: Option<String>,
    /// Platforms whose words it uses; all when empty.
    #[serde(default)]
    pub(super) only: Vec<String>,
    /// The question.
    pub(super) buyer: String,
    /// The answer.
    pub(super) seller: String,
}

impl Exchange {
    /// Whether it may be heard on a platform.
    pub(super) fn fits(&self, platform: Platform) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == platform.name())
    }

    /// Whether the answer breaks no rule.
    pub(super) fn is_clean(&self) -> bool {
        self.expect == "clean"
    }
}

/// The texts. A test reads the file; a file that cannot be read leaves nothing to say.
pub(super) fn texts() -> &'static Texts {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| serde_saphyr::from_str(YAML).unwrap_or_default());
    &TEXTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::{Around, BareText, Emit, Engine};
    use crate::event::Surface;
    use crate::policy::Mode;
    use crate::time::Millis;

    #[test]
    fn every_text_is_judged_as_it_says() {
        let texts: Texts = serde_saphyr::from_str(YAML).unwrap();
        let engine = Engine::new(crate::shipped::ruleset(), Emit::All);
        let at = Millis::parse("2026-10-01T09:00:00Z").unwrap();
        let mut faults = Vec::new();
        for platform in Platform::ALL {
            let mut check = |text: &str, expected: &str| {
                let platform = platform.name();
                let bare = BareText {
                    platform,
                    store: None,
                    surface: Surface::Chat,
                    text,
                    id: "t",
                    at,
                    around: Around::default(),
                };
                let verdict = engine.check_text(&bare, None);
                let mut rules: Vec<&str> = verdict
                    .findings
                    .iter()
                    .filter(|finding| finding.mode == Mode::Enforce)
                    .map(|finding| &*finding.rule)
                    .collect();
                rules.dedup();
                let holds = match expected {
                    "clean" => verdict.verdict.as_str() == "clean",
                    rule => verdict.verdict.as_str() == "violation" && rules.contains(&rule),
                };
                if !holds {
                    let found = verdict.verdict.as_str();
                    faults.push(format!("{platform}: {text}: {found} {rules:?}, not {expected}"));
                }
            };
            for exchange in texts.exchanges.iter().filter(|exchange| exchange.fits(platform)) {
                check(&exchange.seller, &exchange.expect);
            }
            texts.welcome.iter().for_each(|text| check(text, "clean"));
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn there_is_enough_to_say() {
        let exchanges = &texts().exchanges;
        let rules: BTreeSet<&str> = exchanges.iter().map(|exchange| &*exchange.expect).collect();
        let languages: BTreeSet<&str> = exchanges.iter().map(|exchange| &*exchange.lang).collect();
        assert!(rules.len() > 9 && languages.len() == 3, "{rules:?} {languages:?}");
        assert!(exchanges.iter().filter(|exchange| exchange.like.as_deref() == Some("trap")).count() > 5);
        assert!(!texts().thanks.is_empty());
        for platform in Platform::ALL {
            assert!(exchanges.iter().any(|exchange| exchange.is_clean() && exchange.fits(platform)));
        }
    }
}
