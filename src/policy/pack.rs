//! One pack with its layers merged, into the pack as it runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::time::Millis;

use super::condition::Condition;
use super::diff::{EffectiveField, EffectivePack, EffectiveRule};
use super::error::PolicyError;
use super::layers::{Layer, Origin, PackDraft, RuleDraft, Sourced};
use super::reader::{Reader, Vocabulary};
use super::ruleset::{Mode, OnUnknown, Pack, Rule, Severity};
use super::spec::Text;
use super::words::{Switch, Word, mode_word};

/// For whom a pack is compiled.
pub(super) struct Target<'a> {
    pub(super) platform: &'a str,
    pub(super) store: Option<&'a str>,
    /// The mode, where a binding or store overrides the pack's own.
    pub(super) mode: Option<Sourced<Mode>>,
    /// Parameters of the store.
    pub(super) params: &'a [(String, Sourced<String>)],
    pub(super) vocabulary: &'a dyn Vocabulary,
    pub(super) lexicon_hash: u64,
}

/// Compiles a pack for a target.
pub(super) fn compile(
    draft: &PackDraft,
    target: &Target<'_>,
    errors: &mut Vec<PolicyError>,
) -> (Pack, EffectivePack) {
    let mut params = draft.params.clone();
    for (name, value) in target.params {
        if let Some(entry) = params.iter_mut().find(|(known, _)| known == name) {
            entry.1 = value.clone();
        }
    }
    let faults = errors.len();
    let mut fields = Vec::new();
    let mode = mode(draft, target, &mut fields, errors);
    let (from, to) = effective(draft, &mut fields, errors);
    let groups = groups(draft, &mut fields, errors);
    let mut used = BTreeSet::new();
    let (mut rules, mut shown) = (Vec::new(), Vec::new());
    for rule in &draft.rules {
        let (compiled, fields) = compile_rule(rule, draft, &params, &groups, target, &mut used, errors);
        rules.extend(compiled);
        shown.push(EffectiveRule { id: Arc::from(rule.id.value.as_str()), fields });
    }
    let sound = errors.len() == faults;
    for (name, value) in &draft.params {
        // A child need not use what its parent declared; and a rule with a fault may have meant to use it.
        let own = value.layer == draft.origin.layer && sound;
        if own && !used.contains(name) {
            let message = format!("no rule uses the parameter \"{name}\"");
            errors.push(
                PolicyError::new(value.place.clone(), message)
                    .fix(format!("write ${name} in a rule, or drop it")),
            );
        }
    }
    let hash = hash(draft, &params, target, mode);
    let pack = Pack {
        id: Arc::clone(&draft.id),
        version: Arc::from(draft.version.value.as_str()),
        hash: Arc::clone(&hash),
        platform: Arc::from(target.platform),
        mode,
        from,
        to,
        rules,
        groups,
    };
    let effective = EffectivePack {
        id: Arc::clone(&pack.id),
        version: Arc::clone(&pack.version),
        title: draft.title.clone(),
        hash,
        platform: Arc::clone(&pack.platform),
        store: target.store.map(Arc::from),
        fields,
        rules: shown,
    };
    (pack, effective)
}

fn field(name: impl Into<String>, value: impl Into<String>, from: &Sourced<impl Sized>) -> EffectiveField {
    EffectiveField {
        name: name.into(),
        value: value.into(),
        param: None,
        place: from.place.clone(),
        layer: from.layer.clone(),
    }
}

fn default(name: &str, value: &str, draft: &PackDraft) -> EffectiveField {
    let place = draft.place.clone();
    EffectiveField {
        name: name.to_owned(),
        value: value.to_owned(),
        param: None,
        place,
        layer: Layer::Default,
    }
}

fn unknown<W: Word>(value: &Sourced<String>) -> PolicyError {
    PolicyError::new(value.place.clone(), format!("unknown {} \"{}\"", W::WHAT, value.value))
        .nearest(&value.value, W::words())
}

fn mode(
    draft: &PackDraft,
    target: &Target<'_>,
    fields: &mut Vec<EffectiveField>,
    errors: &mut Vec<PolicyError>,
) -> Mode {
    let own = draft.mode.as_ref().map(|text| (text, Mode::read(&text.value)));
    if let Some((text, None)) = own {
        errors.push(unknown::<Mode>(text));
    }
    match (&target.mode, own) {
        (Some(mode), _) => {
            fields.push(field("mode", mode_word(mode.value), mode));
            mode.value
        }
        (None, Some((text, mode))) => {
            fields.push(field("mode", text.value.clone(), text));
            mode.unwrap_or(Mode::Enforce)
        }
        (None, None) => {
            fields.push(default("mode", mode_word(Mode::Enforce), draft));
            Mode::Enforce
        }
    }
}

fn effective(
    draft: &PackDraft,
    fields: &mut Vec<EffectiveField>,
    errors: &mut Vec<PolicyError>,
) -> (Millis, Option<Millis>) {
    let mut instant = |name: &str, text: &Text| {
        let sourced = draft.origin.sourced(text);
        match Millis::parse(&text.value) {
            Ok(at) => {
                fields.push(field(name, at.to_string(), &sourced));
                Some(at)
            }
            Err(error) => {
                errors.push(PolicyError::new(sourced.place, format!("\"{}\" is {error}", text.value)));
                None
            }
        }
    };
    let spec = &draft.effective;
    let from = instant("effective.from", &spec.from);
    let to = spec.to.as_ref().and_then(|to| instant("effective.to", to));
    if let Some(recorded) = &spec.recorded {
        instant("effective.recorded", recorded);
    }
    if let (Some(from), Some(to), Some(text)) = (from, to, &spec.to)
        && to <= from
    {
        let message = format!("the pack ends at {to}, before it begins at {from}");
        errors.push(PolicyError::new(draft.origin.place(text), message));
    }
    (from.unwrap_or_default(), to)
}

fn groups(
    draft: &PackDraft,
    fields: &mut Vec<EffectiveField>,
    errors: &mut Vec<PolicyError>,
) -> Vec<(Arc<str>, f32)> {
    let mut groups = Vec::new();
    for (name, cap) in &draft.groups {
        let points = points(cap, "cap", errors);
        fields.push(field(format!("groups.{name}"), cap.value.clone(), cap));
        groups.push((Arc::from(name.as_str()), points));
    }
    groups
}

/// A number of points, 0 to 100.
fn points(text: &Sourced<String>, what: &str, errors: &mut Vec<PolicyError>) -> f32 {
    match text.value.parse::<f32>() {
        Ok(points) if (0.0..=100.0).contains(&points) => points,
        Ok(_) => {
            let message = format!("a {what} of {} is outside 0..100", text.value);
            errors.push(PolicyError::new(text.place.clone(), message));
            0.0
        }
        Err(_) => {
            let message = format!("a {what} is a number from 0 to 100, not \"{}\"", text.value);
            errors.push(PolicyError::new(text.place.clone(), message));
            0.0
        }
    }
}

fn compile_rule(
    rule: &RuleDraft,
    draft: &PackDraft,
    params: &[(String, Sourced<String>)],
    groups: &[(Arc<str>, f32)],
    target: &Target<'_>,
    used: &mut BTreeSet<String>,
    errors: &mut Vec<PolicyError>,
) -> (Option<Rule>, Vec<EffectiveField>) {
    let mut fields = Vec::new();
    let mut faults = Vec::new();
    let mut text = |name: &str, value: &Option<Sourced<String>>, faults: &mut Vec<PolicyError>| match value {
        Some(value) if !value.value.trim().is_empty() => {
            fields.push(field(name, value.value.clone(), value));
            value.clone()
        }
        _ => {
            faults.push(PolicyError::new(rule.id.place.clone(), format!("\"{name}:\" is missing")));
            Sourced { value: String::new(), place: rule.id.place.clone(), layer: Layer::Default }
        }
    };
    let severity_text = text("severity", &rule.severity, &mut faults);
    let weight_text = text("weight", &rule.weight, &mut faults);
    let group_text = text("group", &rule.group, &mut faults);
    let clause = text("clause", &rule.clause, &mut faults);
    let source = text("source", &rule.source, &mut faults);
    let advice = text("advice", &rule.advice, &mut faults);
    let complete = faults.is_empty();

    let severity = word::<Severity>(&severity_text, complete, &mut faults).unwrap_or(Severity::Info);
    let weight = if complete { points(&weight_text, "weight", &mut faults) } else { 0.0 };
    let group = groups.iter().position(|(name, _)| **name == *group_text.value);
    if complete && group.is_none() {
        let message = format!("unknown group \"{}\"", group_text.value);
        let known = groups.iter().map(|(name, _)| &**name);
        faults.push(PolicyError::new(group_text.place.clone(), message).nearest(&group_text.value, known));
    }
    if complete && draft.sources.iter().all(|known| known.value != source.value) {
        let known = draft.sources.iter().map(|source| source.value.as_str());
        let message = format!("unknown source \"{}\"", source.value);
        faults.push(PolicyError::new(source.place.clone(), message).nearest(&source.value, known));
    }
    let switch = match &rule.mode {
        Some(text) => {
            fields.push(field("mode", text.value.clone(), text));
            word::<Switch>(text, true, &mut faults).map_or(Some(Mode::Enforce), |switch| switch.0)
        }
        None => Some(Mode::Enforce),
    };
    let on_unknown = match &rule.on_unknown {
        Some(text) => {
            fields.push(field("on_unknown", text.value.clone(), text));
            word::<OnUnknown>(text, true, &mut faults).unwrap_or(OnUnknown::Review)
        }
        None => OnUnknown::Review,
    };
    errors.extend(faults.into_iter().map(|fault| fault.in_rule(&rule.id.value)));

    let Some(when) = &rule.when else {
        let message = "\"when:\" is missing";
        errors.push(PolicyError::new(rule.id.place.clone(), message).in_rule(&rule.id.value));
        return (None, fields);
    };
    let origin = Origin { file: Arc::clone(&when.place.file), layer: when.layer.clone() };
    let mut reader = Reader {
        vocabulary: target.vocabulary,
        params,
        rule: &rule.id.value,
        origin,
        at: when.place.clone(),
        errors,
        used,
        fields: Vec::new(),
    };
    let condition: Option<Condition> = reader.condition(&when.value, severity);
    fields.extend(reader.fields);
    let arc = |text: &Sourced<String>| Arc::from(text.value.trim());
    let compiled = condition.zip(switch).map(|(condition, mode)| Rule {
        id: Arc::from(rule.id.value.as_str()),
        severity,
        weight,
        group: group.unwrap_or(0),
        clause: arc(&clause),
        source: arc(&source),
        advice: arc(&advice),
        mode,
        on_unknown,
        condition,
    });
    (compiled, fields)
}

fn word<W: Word>(text: &Sourced<String>, given: bool, faults: &mut Vec<PolicyError>) -> Option<W> {
    let word = W::read(&text.value);
    if given && word.is_none() {
        faults.push(unknown::<W>(text));
    }
    word
}

/// Sixteen digits that change with everything that can change a verdict: texts, parameters, mode, lexicons.
fn hash(
    draft: &PackDraft,
    params: &[(String, Sourced<String>)],
    target: &Target<'_>,
    mode: Mode,
) -> Arc<str> {
    let mut bytes = Vec::new();
    let mut push = |part: &str| {
        // Checked out with other line ends, a pack is still the same pack.
        let part = part.replace("\r\n", "\n");
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    };
    draft.inputs.iter().for_each(|text| push(text));
    for (name, value) in params {
        push(name);
        push(&value.value);
    }
    push(mode_word(mode));
    push(target.platform);
    push(&format!("{:016x}", target.lexicon_hash));
    let digest = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &bytes).as_u64_pair().0;
    Arc::from(format!("{digest:016x}"))
}
