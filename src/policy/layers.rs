//! The layers of a pack: shipped text, the parent it inherits from, the operator's overlay.
//!
//! Merging keeps for every value where it was written and in which layer, so that errors point at the line that
//! is wrong and `policy show` can say who set what.

use std::fmt;
use std::sync::Arc;

use super::cases::CaseSpec;
use super::error::{Place, PolicyError};
use super::overlay::OverlaySpec;
use super::spec::{ConditionSpec, EffectiveSpec, PackSpec, RuleSpec, Text};
use super::yaml::At;

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Nobody: the program's default.
    Default,
    /// A pack: the one asked for, or one it inherits from.
    Pack(Arc<str>),
    /// The operator.
    Overlay,
    /// A binding of the configuration.
    Binding,
    /// One store: platform and id.
    Store(Arc<str>, Arc<str>),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Pack(id) => write!(f, "pack {id}"),
            Self::Overlay => f.write_str("overlay"),
            Self::Binding => f.write_str("binding"),
            Self::Store(platform, store) => write!(f, "store {platform}/{store}"),
        }
    }
}

/// A value, where it was written and in which layer.
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
    /// Who.
    pub layer: Layer,
}

/// The file and layer that a piece of text comes from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) layer: Layer,
}

impl Origin {
    pub(super) fn place<T>(&self, at: &At<T>) -> Place {
        Place::at(&self.file, at.referenced)
    }

    pub(super) fn sourced<T: Clone>(&self, at: &At<T>) -> Sourced<T> {
        Sourced { value: at.value.clone(), place: self.place(at), layer: self.layer.clone() }
    }
}

/// A rule with its layers merged.
#[derive(Clone, Debug)]
pub(super) struct RuleDraft {
    pub(super) id: Sourced<String>,
    pub(super) severity: Option<Sourced<String>>,
    pub(super) weight: Option<Sourced<String>>,
    pub(super) group: Option<Sourced<String>>,
    pub(super) clause: Option<Sourced<String>>,
    pub(super) source: Option<Sourced<String>>,
    pub(super) advice: Option<Sourced<String>>,
    pub(super) mode: Option<Sourced<String>>,
    pub(super) on_unknown: Option<Sourced<String>>,
    pub(super) when: Option<Sourced<ConditionSpec>>,
}

impl RuleDraft {
    fn new(id: Sourced<String>) -> Self {
        Self {
            id,
            severity: None,
            weight: None,
            group: None,
            clause: None,
            source: None,
            advice: None,
            mode: None,
            on_unknown: None,
            when: None,
        }
    }

    /// Takes over every field that `spec` sets.
    fn apply(&mut self, spec: &RuleSpec, origin: &Origin) {
        macro_rules! take {
            ($($field:ident),*) => { $(if let Some(at) = &spec.$field { self.$field = Some(origin.sourced(at)); })* };
        }
        take!(severity, weight, group, clause, source, advice, mode, on_unknown, when);
    }
}

/// A pack with its layers merged.
#[derive(Clone, Debug)]
pub(super) struct PackDraft {
    pub(super) id: Arc<str>,
    pub(super) place: Place,
    pub(super) origin: Origin,
    pub(super) title: String,
    pub(super) version: Sourced<String>,
    pub(super) platform: Option<Sourced<String>>,
    pub(super) mode: Option<Sourced<String>>,
    pub(super) effective: EffectiveSpec,
    pub(super) sources: Vec<Sourced<String>>,
    pub(super) params: Vec<(String, Sourced<String>)>,
    pub(super) groups: Vec<(String, Sourced<String>)>,
    pub(super) rules: Vec<RuleDraft>,
    pub(super) tests: Vec<At<CaseSpec>>,
    /// Texts that went into it, for its hash.
    pub(super) inputs: Vec<Arc<str>>,
}

/// A pack file that was read.
#[derive(Debug)]
pub(super) struct PackFile {
    pub(super) file: Arc<str>,
    pub(super) text: Arc<str>,
    pub(super) spec: PackSpec,
}

/// Merges every pack with its parents. A pack whose parents cannot be resolved is left out, with an error.
pub(super) fn drafts(files: &[PackFile], errors: &mut Vec<PolicyError>) -> Vec<PackDraft> {
    let mut drafts = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let id = &file.spec.pack;
        if let Some(first) = files[..index].iter().find(|other| other.spec.pack.value == id.value) {
            let place = Place::at(&first.file, first.spec.pack.referenced);
            let message = format!("pack \"{}\" exists already, in {place}", id.value);
            errors.push(PolicyError::new(Place::at(&file.file, id.referenced), message));
            continue;
        }
        drafts.extend(draft(file, files, &mut Vec::new(), errors));
    }
    drafts
}

fn draft<'a>(
    file: &'a PackFile,
    files: &'a [PackFile],
    line: &mut Vec<&'a str>,
    errors: &mut Vec<PolicyError>,
) -> Option<PackDraft> {
    let spec = &file.spec;
    let id: Arc<str> = Arc::from(spec.pack.value.as_str());
    let origin = Origin { file: Arc::clone(&file.file), layer: Layer::Pack(Arc::clone(&id)) };
    line.push(&spec.pack.value);
    let parent = match &spec.inherits {
        None => None,
        Some(name) => Some(parent(name, &origin, files, line, errors)?),
    };
    // Faults of a parent are reported where the parent itself is merged, never once per child.
    let mut faults = Vec::new();
    let mut draft = PackDraft {
        id,
        place: origin.place(&spec.pack),
        title: spec.title.clone(),
        version: origin.sourced(&spec.version),
        platform: spec.platform.as_ref().map(|at| origin.sourced(at)),
        mode: spec.mode.as_ref().map(|at| origin.sourced(at)),
        effective: spec.effective.clone(),
        sources: Vec::new(),
        params: Vec::new(),
        groups: Vec::new(),
        rules: Vec::new(),
        tests: spec.tests.clone(),
        inputs: vec![Arc::clone(&file.text)],
        origin: origin.clone(),
    };
    if let Some(parent) = parent {
        draft.platform = draft.platform.or(parent.platform);
        draft.sources = parent.sources;
        draft.params = parent.params;
        draft.groups = parent.groups;
        draft.rules = parent.rules;
        draft.inputs.extend(parent.inputs);
    }
    draft.sources.extend(spec.sources.iter().map(|source| origin.sourced(&source.id)));
    merge(&mut draft.params, spec.params.0.iter(), &origin);
    merge(&mut draft.groups, spec.groups.0.iter(), &origin);
    for dropped in &spec.drop {
        let before = draft.rules.len();
        draft.rules.retain(|rule| rule.id.value != dropped.value);
        if draft.rules.len() == before {
            let message = format!("the parent has no rule \"{}\" to drop", dropped.value);
            faults.push(
                PolicyError::new(origin.place(dropped), message)
                    .nearest(&dropped.value, draft.rules.iter().map(|rule| rule.id.value.as_str())),
            );
        }
    }
    rules(&mut draft, spec, &mut faults);
    if line.len() == 1 {
        errors.extend(faults);
    }
    line.pop();
    Some(draft)
}

fn rules(draft: &mut PackDraft, spec: &PackSpec, errors: &mut Vec<PolicyError>) {
    let origin = draft.origin.clone();
    let mut seen: Vec<(&str, Place)> = Vec::new();
    for at in &spec.rules {
        let Some(id) = &at.value.id else {
            errors.push(PolicyError::new(origin.place(at), "a rule needs an \"id:\""));
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == id.value) {
            let message = format!("the pack has this rule already, in line {}", first.line);
            errors.push(PolicyError::new(origin.place(id), message).in_rule(&id.value));
            continue;
        }
        seen.push((&id.value, origin.place(id)));
        match draft.rules.iter_mut().find(|rule| rule.id.value == id.value) {
            Some(rule) => rule.apply(&at.value, &origin),
            None => {
                let mut rule = RuleDraft::new(origin.sourced(id));
                rule.apply(&at.value, &origin);
                draft.rules.push(rule);
            }
        }
    }
}

fn parent<'a>(
    name: &Text,
    origin: &Origin,
    files: &'a [PackFile],
    line: &mut Vec<&'a str>,
    errors: &mut Vec<PolicyError>,
) -> Option<PackDraft> {
    let place = origin.place(name);
    if line.contains(&name.value.as_str()) {
        // A circle is reported once, by the pack whose own circle it is.
        if line.first() == Some(&name.value.as_str()) {
            let circle = line.iter().copied().chain([name.value.as_str()]).collect::<Vec<_>>().join(" → ");
            errors.push(PolicyError::new(place, format!("packs inherit in a circle: {circle}")));
        }
        return None;
    }
    match files.iter().find(|file| file.spec.pack.value == name.value) {
        Some(file) => draft(file, files, line, errors),
        None => {
            errors.push(
                PolicyError::new(place, format!("there is no pack \"{}\" to inherit from", name.value))
                    .nearest(&name.value, files.iter().map(|file| file.spec.pack.value.as_str())),
            );
            None
        }
    }
}

fn merge<'a>(
    into: &mut Vec<(String, Sourced<String>)>,
    from: impl Iterator<Item = &'a (Text, Text)>,
    origin: &Origin,
) {
    for (name, value) in from {
        let value = origin.sourced(value);
        match into.iter_mut().find(|(known, _)| *known == name.value) {
            Some(entry) => entry.1 = value,
            None => into.push((name.value.clone(), value)),
        }
    }
}

/// Lays an overlay over the pack it names. It changes that pack alone, not the packs that inherit from it.
pub(super) fn lay_over(
    drafts: &mut [PackDraft],
    spec: &OverlaySpec,
    file: &Arc<str>,
    text: &Arc<str>,
    errors: &mut Vec<PolicyError>,
) {
    let origin = Origin { file: Arc::clone(file), layer: Layer::Overlay };
    let id = &spec.overlay;
    let Some(index) = drafts.iter().position(|draft| *draft.id == *id.value) else {
        errors.push(
            PolicyError::new(origin.place(id), format!("there is no pack \"{}\" to lay over", id.value))
                .nearest(&id.value, drafts.iter().map(|draft| &*draft.id)),
        );
        return;
    };
    let draft = &mut drafts[index];
    draft.inputs.push(Arc::clone(text));
    for (name, value) in &spec.params.0 {
        match draft.params.iter_mut().find(|(known, _)| *known == name.value) {
            Some(entry) => entry.1 = origin.sourced(value),
            None => {
                let message = format!("pack {} has no parameter \"{}\"", draft.id, name.value);
                errors.push(
                    PolicyError::new(origin.place(name), message)
                        .nearest(&name.value, draft.params.iter().map(|(known, _)| known.as_str())),
                );
            }
        }
    }
    for (name, rule) in &spec.rules.0 {
        if let Some(id) = &rule.id {
            let message = "in an overlay the key is the rule's id";
            errors.push(PolicyError::new(origin.place(id), message).fix("remove \"id:\""));
        }
        match draft.rules.iter_mut().find(|known| known.id.value == name.value) {
            Some(known) => known.apply(rule, &origin),
            None => {
                let message = format!("pack {} has no rule \"{}\"", draft.id, name.value);
                errors.push(
                    PolicyError::new(origin.place(name), message)
                        .nearest(&name.value, draft.rules.iter().map(|rule| rule.id.value.as_str())),
                );
            }
        }
    }
}
