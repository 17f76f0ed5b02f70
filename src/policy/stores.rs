//! Stores as an operator lists them: parameters and packs of their own, and what seeds the registries.

use std::sync::Arc;

use serde::Deserialize;

use crate::event::{Surface, TemplateClass, TemplateStatus};

use super::error::{Place, PolicyError};
use super::spec::Text;
use super::words::Word;
use super::yaml::{At, Entries};

/// A file of stores.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoresSpec {
    /// The stores.
    #[serde(default)]
    pub stores: Vec<At<StoreSpec>>,
}

/// One store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSpec {
    /// Platform.
    pub platform: Text,
    /// Id within the platform.
    pub store: Text,
    /// Agency that runs it.
    #[serde(default)]
    pub agency: Option<String>,
    /// Human name.
    #[serde(default)]
    pub title: Option<String>,
    /// IANA time zone, for display.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Parameters of the packs with other values.
    #[serde(default)]
    pub params: Entries<Text>,
    /// Packs with another mode, or packs that only this store has.
    #[serde(default)]
    pub packs: Vec<StorePackSpec>,
    /// Brand domains.
    #[serde(default)]
    pub domains: Vec<Text>,
    /// Capabilities.
    #[serde(default)]
    pub capabilities: Vec<Text>,
    /// Templates.
    #[serde(default)]
    pub templates: Vec<TemplateSpec>,
}

/// A pack of one store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorePackSpec {
    /// Pack id.
    pub pack: Text,
    /// `enforce`, `shadow` or `off`; the pack's own when absent.
    pub mode: Option<Text>,
}

/// A template that is known before its first event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSpec {
    /// Template id.
    pub id: Text,
    /// `submitted`, `approved`, `rejected`, `retired`; `approved` when absent.
    pub status: Option<Text>,
    /// `shipment_notice`, `logistics_delay`, `return_guide`.
    pub class: Option<Text>,
    /// `chat` when absent.
    pub surface: Option<Text>,
    /// The words.
    pub text: Option<String>,
    /// Version.
    pub version: Option<String>,
}

/// What seeds the registries of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSeed {
    /// Platform.
    pub platform: Arc<str>,
    /// Store id.
    pub store: Arc<str>,
    /// Agency.
    pub agency: Option<Arc<str>>,
    /// Human name.
    pub title: Option<Arc<str>>,
    /// Time zone.
    pub time_zone: Option<Arc<str>>,
    /// Brand domains, in lower case.
    pub domains: Vec<Arc<str>>,
    /// Capabilities.
    pub capabilities: Vec<Arc<str>>,
    /// Templates.
    pub templates: Vec<TemplateSeed>,
}

/// A template that is known before its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateSeed {
    /// Template id.
    pub id: Arc<str>,
    /// Status.
    pub status: TemplateStatus,
    /// Class.
    pub class: Option<TemplateClass>,
    /// Surface.
    pub surface: Surface,
    /// Words.
    pub text: Option<Arc<str>>,
    /// Version.
    pub version: Option<Arc<str>>,
}

/// Reads what a store seeds.
pub(super) fn seed(file: &Arc<str>, spec: &StoreSpec, errors: &mut Vec<PolicyError>) -> StoreSeed {
    let arc = |text: &Option<String>| text.as_deref().map(Arc::from);
    let texts = |texts: &[Text]| texts.iter().map(|text| Arc::from(text.value.as_str())).collect();
    let mut templates: Vec<TemplateSeed> = Vec::new();
    for template in &spec.templates {
        if templates.iter().any(|known| *known.id == *template.id.value) {
            let message = format!("template \"{}\" is listed twice", template.id.value);
            errors.push(PolicyError::new(Place::at(file, template.id.referenced), message));
        }
        templates.push(TemplateSeed {
            id: Arc::from(template.id.value.as_str()),
            status: word(file, template.status.as_ref(), errors).unwrap_or(TemplateStatus::Approved),
            class: word(file, template.class.as_ref(), errors),
            surface: word(file, template.surface.as_ref(), errors).unwrap_or(Surface::Chat),
            text: arc(&template.text),
            version: arc(&template.version),
        });
    }
    StoreSeed {
        platform: Arc::from(spec.platform.value.as_str()),
        store: Arc::from(spec.store.value.as_str()),
        agency: arc(&spec.agency),
        title: arc(&spec.title),
        time_zone: arc(&spec.time_zone),
        domains: spec.domains.iter().map(|domain| Arc::from(domain.value.to_lowercase())).collect(),
        capabilities: texts(&spec.capabilities),
        templates,
    }
}

fn word<W: Word>(file: &Arc<str>, text: Option<&Text>, errors: &mut Vec<PolicyError>) -> Option<W> {
    let text = text?;
    let word = W::read(&text.value);
    if word.is_none() {
        let place = Place::at(file, text.referenced);
        errors.push(
            PolicyError::new(place, format!("unknown {} \"{}\"", W::WHAT, text.value))
                .nearest(&text.value, W::words()),
        );
    }
    word
}
