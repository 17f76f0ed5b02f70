//! What is in force and who said so (`policy show`), and what changes between two policies (`policy diff`).

use std::fmt;
use std::sync::Arc;

use super::error::Place;
use super::layers::Layer;

/// One value of a rule as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveField {
    /// Path, such as `severity` or `contact.reply_within`.
    pub name: String,
    /// Value, as written.
    pub value: String,
    /// The parameter it comes from.
    pub param: Option<String>,
    /// Where it was written.
    pub place: Place,
    /// Who wrote it.
    pub layer: Layer,
}

/// One rule as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveRule {
    /// Rule id.
    pub id: Arc<str>,
    /// Its values, the common ones first.
    pub fields: Vec<EffectiveField>,
}

impl EffectiveRule {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&EffectiveField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One pack as it runs, for a platform or for one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectivePack {
    /// Pack id.
    pub id: Arc<str>,
    /// Version.
    pub version: Arc<str>,
    /// Title, for people.
    pub title: String,
    /// Hash.
    pub hash: Arc<str>,
    /// Platform.
    pub platform: Arc<str>,
    /// The store, for a variant of one store.
    pub store: Option<Arc<str>>,
    /// Its own values: mode, dates, caps of groups.
    pub fields: Vec<EffectiveField>,
    /// Its rules, also those that are switched off (`mode` says so).
    pub rules: Vec<EffectiveRule>,
}

/// One difference between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the new policy has this pack.
    PackAdded(Arc<str>),
    /// Only the old policy has it.
    PackRemoved(Arc<str>),
    /// Only the new pack has this rule.
    RuleAdded {
        /// Pack.
        pack: Arc<str>,
        /// Rule.
        rule: Arc<str>,
    },
    /// Only the old pack has it.
    RuleRemoved {
        /// Pack.
        pack: Arc<str>,
        /// Rule.
        rule: Arc<str>,
    },
    /// A value differs.
    Changed {
        /// Pack; with its store for a variant.
        pack: Arc<str>,
        /// Rule; `None` for a value of the pack itself.
        rule: Option<Arc<str>>,
        /// Field.
        field: String,
        /// Old value, if there was one.
        old: Option<String>,
        /// New value, if there is one.
        new: Option<String>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        match self {
            Self::PackAdded(pack) => write!(f, "+ pack {pack}"),
            Self::PackRemoved(pack) => write!(f, "- pack {pack}"),
            Self::RuleAdded { pack, rule } => write!(f, "+ {pack}: rule {rule}"),
            Self::RuleRemoved { pack, rule } => write!(f, "- {pack}: rule {rule}"),
            Self::Changed { pack, rule, field, old, new } => {
                write!(f, "~ {pack}: ")?;
                if let Some(rule) = rule {
                    write!(f, "{rule}.")?;
                }
                write!(f, "{field}: {} → {}", value(old), value(new))
            }
        }
    }
}

/// What changes from `old` to `new`, in the order of `new`.
pub fn diff(old: &[EffectivePack], new: &[EffectivePack]) -> Vec<Change> {
    let mut changes = Vec::new();
    let twin = |pack: &EffectivePack, others: &[EffectivePack]| {
        others.iter().position(|o| o.id == pack.id && o.platform == pack.platform && o.store == pack.store)
    };
    for pack in new {
        match twin(pack, old) {
            Some(index) => packs(&old[index], pack, &mut changes),
            None => changes.push(Change::PackAdded(label(pack))),
        }
    }
    let gone = old.iter().filter(|pack| twin(pack, new).is_none());
    changes.extend(gone.map(|pack| Change::PackRemoved(label(pack))));
    changes
}

fn label(pack: &EffectivePack) -> Arc<str> {
    match &pack.store {
        Some(store) => Arc::from(format!("{} ({}/{store})", pack.id, pack.platform)),
        None => Arc::clone(&pack.id),
    }
}

fn packs(old: &EffectivePack, new: &EffectivePack, changes: &mut Vec<Change>) {
    let pack = label(new);
    if old.version != new.version {
        changes.push(Change::Changed {
            pack: Arc::clone(&pack),
            rule: None,
            field: "version".to_owned(),
            old: Some(old.version.to_string()),
            new: Some(new.version.to_string()),
        });
    }
    fields(&pack, None, &old.fields, &new.fields, changes);
    for rule in &new.rules {
        match old.rules.iter().find(|known| known.id == rule.id) {
            Some(known) => fields(&pack, Some(&rule.id), &known.fields, &rule.fields, changes),
            None => changes.push(Change::RuleAdded { pack: Arc::clone(&pack), rule: Arc::clone(&rule.id) }),
        }
    }
    for rule in old.rules.iter().filter(|rule| new.rules.iter().all(|known| known.id != rule.id)) {
        changes.push(Change::RuleRemoved { pack: Arc::clone(&pack), rule: Arc::clone(&rule.id) });
    }
}

fn fields(
    pack: &Arc<str>,
    rule: Option<&Arc<str>>,
    old: &[EffectiveField],
    new: &[EffectiveField],
    changes: &mut Vec<Change>,
) {
    let value = |fields: &[EffectiveField], name: &str| {
        fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    };
    let gone = old.iter().filter(|field| value(new, &field.name).is_none());
    for field in new.iter().chain(gone) {
        let (before, after) = (value(old, &field.name), value(new, &field.name));
        if before != after {
            changes.push(Change::Changed {
                pack: Arc::clone(pack),
                rule: rule.cloned(),
                field: field.name.clone(),
                old: before,
                new: after,
            });
        }
    }
}
