//! What an operator lays over the shipped packs: overlays, exceptions, and the notices that platforms send in a
//! seller's name.

use std::sync::Arc;

use serde::Deserialize;

use crate::time::Millis;

use super::error::{Place, PolicyError};
use super::ruleset::{Exception, PlatformNotice};
use super::spec::{RuleSpec, Text};
use super::yaml::{At, Entries};

/// Changes to one pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlaySpec {
    /// Id of the pack.
    pub overlay: Text,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// Parameters with other values.
    #[serde(default)]
    pub params: Entries<Text>,
    /// Fields of rules with other values; `mode: off` switches a rule off.
    #[serde(default)]
    pub rules: Entries<RuleSpec>,
}

/// A file of exceptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionsSpec {
    /// The exceptions.
    #[serde(default)]
    pub exceptions: Vec<At<ExceptionSpec>>,
}

/// A rule that does not count, for somebody, until a day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSpec {
    /// Rule id.
    pub rule: Text,
    /// In this pack alone.
    pub pack: Option<Text>,
    /// In this store: platform …
    pub platform: Option<Text>,
    /// … and id.
    pub store: Option<Text>,
    /// For links to this domain.
    pub domain: Option<Text>,
    /// For messages of this template.
    pub template: Option<Text>,
    /// Why.
    pub reason: Option<Text>,
    /// Until when, or `never`.
    pub expires: Option<Text>,
}

/// A file of notices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesSpec {
    /// The notices.
    #[serde(default)]
    pub notices: Vec<NoticeSpec>,
}

/// A message that a platform sends in the seller's name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeSpec {
    /// Platform.
    pub platform: Text,
    /// The text begins so.
    pub prefix: Text,
    /// Where it was seen, for people.
    #[serde(default)]
    pub note: String,
}

/// What exceptions are held against.
pub(super) struct Known<'a> {
    pub(super) packs: Vec<&'a str>,
    pub(super) rules: Vec<&'a str>,
    pub(super) platforms: Vec<&'a str>,
    pub(super) now: Option<Millis>,
}

/// Compiles exceptions. Expired ones are kept, because a replay needs them, and reported as warnings.
pub(super) fn exceptions(
    file: &Arc<str>,
    spec: &ExceptionsSpec,
    known: &Known<'_>,
    errors: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyError>,
) -> Vec<Exception> {
    let mut compiled = Vec::new();
    for at in &spec.exceptions {
        let before = errors.len();
        let exception = &at.value;
        let place = Place::at(file, at.referenced);
        let here = |text: &Text| Place::at(file, text.referenced);
        for (what, text, words) in [
            ("rule", Some(&exception.rule), &known.rules),
            ("pack", exception.pack.as_ref(), &known.packs),
            ("platform", exception.platform.as_ref(), &known.platforms),
        ] {
            let Some(text) = text else { continue };
            if !words.contains(&text.value.as_str()) {
                errors.push(
                    PolicyError::new(
                        here(text),
                        format!("exception for an unknown {what} \"{}\"", text.value),
                    )
                    .nearest(&text.value, words.iter().copied()),
                );
            }
        }
        let store = match (&exception.platform, &exception.store) {
            (Some(platform), Some(store)) => {
                Some((Arc::from(platform.value.as_str()), Arc::from(store.value.as_str())))
            }
            (None, None) => None,
            _ => {
                let message = "an exception names a store by \"platform:\" and \"store:\" together";
                errors.push(PolicyError::new(place.clone(), message));
                None
            }
        };
        let reason = exception.reason.as_ref().map_or("", |reason| reason.value.trim());
        if reason.is_empty() {
            errors.push(
                PolicyError::new(place.clone(), "an exception needs a reason")
                    .fix("add \"reason:\"; it is shown wherever the exception is used"),
            );
        }
        let expires = match &exception.expires {
            None => {
                errors.push(
                    PolicyError::new(place.clone(), "an exception needs an end")
                        .fix("add \"expires: 2027-01-31T00:00:00Z\", or \"expires: never\""),
                );
                None
            }
            Some(text) if text.value == "never" => None,
            Some(text) => match Millis::parse(&text.value) {
                Ok(at) => Some(at),
                Err(error) => {
                    errors.push(PolicyError::new(here(text), format!("\"{}\" is {error}", text.value)));
                    None
                }
            },
        };
        if let (Some(at), Some(now)) = (expires, known.now)
            && at <= now
        {
            let message = format!("this exception ended at {at} and mutes only what was sent before");
            warnings.push(PolicyError::new(place, message).in_rule(&exception.rule.value));
        }
        if errors.len() == before {
            compiled.push(Exception {
                rule: Arc::from(exception.rule.value.as_str()),
                pack: exception.pack.as_ref().map(|pack| Arc::from(pack.value.as_str())),
                store,
                domain: exception.domain.as_ref().map(|domain| Arc::from(domain.value.to_lowercase())),
                template: exception.template.as_ref().map(|template| Arc::from(template.value.as_str())),
                reason: Arc::from(reason),
                expires,
            });
        }
    }
    compiled
}

/// Compiles notices.
pub(super) fn notices(
    file: &Arc<str>,
    spec: &NoticesSpec,
    errors: &mut Vec<PolicyError>,
) -> Vec<PlatformNotice> {
    let mut compiled = Vec::new();
    for notice in &spec.notices {
        // A short prefix would exempt what sellers write themselves.
        if notice.prefix.value.chars().filter(|c| c.is_alphanumeric()).count() < 20 {
            let place = Place::at(file, notice.prefix.referenced);
            let message =
                "a notice needs at least 20 letters: a shorter prefix exempts what sellers write themselves";
            errors.push(PolicyError::new(place, message));
        }
        compiled.push(PlatformNotice {
            platform: Arc::from(notice.platform.value.as_str()),
            prefix: Arc::from(notice.prefix.value.as_str()),
        });
    }
    compiled
}
