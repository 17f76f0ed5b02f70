//! Inline tests of a pack: what is given, what happens then, what the verdict must be.

use serde::Deserialize;

use super::error::PolicyError;
use super::layers::PackDraft;
use super::ruleset::Pack;

/// One case as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSpec {
    /// Name.
    pub name: String,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name.
    pub name: String,
}

pub(super) fn compile(_draft: &PackDraft, _pack: &Pack, _errors: &mut Vec<PolicyError>) -> Vec<Case> {
    Vec::new()
}
