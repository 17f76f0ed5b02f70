//! Cases as people write them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::policy::spec::{Text, Texts};
use crate::policy::yaml::At;

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSpec {
    /// What it shows.
    pub name: Text,
    /// Type of every conversation in it; `buyer` when absent.
    pub conversation_type: Option<Text>,
    /// What every conversation in it is about; `unknown` when absent.
    pub context: Option<Text>,
    /// Number of its order; `4001-0001` when absent.
    pub order: Option<Text>,
    /// What happened before, in order of time.
    #[serde(default)]
    pub given: Vec<At<StepSpec>>,
    /// What is judged: the last event, or `until:` for timers.
    pub then: At<StepSpec>,
    /// What the verdict must be.
    pub expect: ExpectSpec,
}

/// What the verdict must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// `clean`, `review` or `violation`.
    pub verdict: Text,
    /// Exactly these rules; may be left out of `clean` and of `review`.
    pub rules: Option<Texts>,
    /// Severity of the worst finding.
    pub severity: Option<Text>,
    /// Reason of `proactive-contact`.
    pub reason: Option<Text>,
    /// Exactly these unknown facts.
    pub unknown: Option<Texts>,
}

/// One step: a key that says what happens, and what describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// When, since the beginning; the time of the step before when absent.
    pub at: Option<Text>,
    /// `observed` when only the collector saw the time.
    pub time_source: Option<Text>,

    /// The seller writes this …
    pub seller: Option<Text>,
    /// … the buyer writes …
    pub buyer: Option<Text>,
    /// … the platform …
    pub platform: Option<Text>,
    /// … its support …
    pub support: Option<Text>,
    /// … the courier …
    pub courier: Option<Text>,
    /// … or somebody nobody knows.
    pub unknown: Option<Text>,
    /// Who or what wrote; `human` when absent.
    pub origin: Option<Text>,
    /// Over which channel; `platform_chat` when absent.
    pub channel: Option<Text>,
    /// Conversation; `c1` when absent.
    pub chat: Option<Text>,
    /// Type of the conversation, other than the case's.
    pub conversation_type: Option<Text>,
    /// What it is about, other than the case's.
    pub context: Option<Text>,
    /// Message id; by position when absent.
    pub id: Option<Text>,
    /// The words of the message `id` were changed to these.
    #[serde(default)]
    pub edited: bool,
    /// The text is Markdown.
    #[serde(default)]
    pub markdown: bool,
    /// Words in an attached picture.
    pub ocr: Option<Text>,
    /// QR codes in an attached picture, or on the order page.
    #[serde(default)]
    pub qr: Texts,
    /// Order number the step is about, or `none`; the case's when absent.
    pub about: Option<Text>,

    /// The order reaches this state.
    pub order: Option<Text>,
    /// Delivery scheme.
    pub scheme: Option<Text>,
    /// What was bought.
    #[serde(default)]
    pub items: Vec<ItemSpec>,
    /// Tracking numbers.
    #[serde(default)]
    pub tracking: Texts,
    /// `delay`, or another logistics event.
    pub logistics: Option<Text>,
    /// An address change: `requested`, `approved`, `rejected`.
    pub address_change: Option<Text>,
    /// Who did it.
    pub by: Option<Text>,
    /// A review invitation was sent by this party.
    pub review_invited: Option<Text>,
    /// What went into the parcel.
    pub shipped_with: Option<ShippedWithSpec>,
    /// Blocks on the order page.
    pub page_changed: Option<Texts>,

    /// As a map a registration, as a word the template of the message.
    pub template: Option<TemplateSpec>,
    /// The store got this capability …
    pub capability: Option<Text>,
    /// … or lost it.
    pub revoked: Option<Text>,
    /// The store registered this domain …
    pub domain: Option<Text>,
    /// … or removed it.
    pub domain_removed: Option<Text>,
    /// The store was frozen …
    #[serde(default)]
    pub freeze: bool,
    /// … or released.
    #[serde(default)]
    pub unfreeze: bool,

    /// Time passes until here, and timers fire.
    pub until: Option<Text>,
}

/// What went into a parcel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippedWithSpec {
    /// Template of the card, or `none`; the event does not say when absent.
    pub insert: Option<Text>,
    /// Gifts; the event does not say when absent.
    pub gift_items: Option<Vec<GiftSpec>>,
}

/// A gift in a parcel: its title.
pub type GiftSpec = ItemSpec;

/// An item: its title alone, or a map.
#[derive(Clone, Debug, Default)]
pub struct ItemSpec {
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Pieces.
    pub quantity: Option<u32>,
}

/// The template of a message, or a step in the life of one.
#[derive(Clone, Debug)]
pub enum TemplateSpec {
    /// The message was rendered from it.
    Of(String),
    /// It was registered.
    Registered(Box<TemplateStepSpec>),
}

/// A step in the life of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateStepSpec {
    /// Template id.
    pub id: Text,
    /// `submitted`, `approved`, `rejected`, `retired`.
    pub status: Text,
    /// Class.
    pub class: Option<Text>,
    /// `chat` when absent.
    pub surface: Option<Text>,
    /// Words.
    pub text: Option<Text>,
    /// Version.
    pub version: Option<Text>,
}

impl<'de> Deserialize<'de> for ItemSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            sku: Option<String>,
            title: Option<String>,
            brand: Option<String>,
            quantity: Option<u32>,
        }
        struct TitleOrMap;
        impl<'de> Visitor<'de> for TitleOrMap {
            type Value = ItemSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a title, or a map of sku, title, brand and quantity")
            }
            fn visit_str<E: Error>(self, title: &str) -> Result<ItemSpec, E> {
                Ok(ItemSpec { title: Some(title.to_owned()), ..ItemSpec::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ItemSpec, A::Error> {
                let Fields { sku, title, brand, quantity } =
                    Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ItemSpec { sku, title, brand, quantity })
            }
        }
        deserializer.deserialize_any(TitleOrMap)
    }
}

impl<'de> Deserialize<'de> for TemplateSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrMap;
        impl<'de> Visitor<'de> for IdOrMap {
            type Value = TemplateSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a template id, or a map of id, status, class, surface, text and version")
            }
            fn visit_str<E: Error>(self, id: &str) -> Result<TemplateSpec, E> {
                Ok(TemplateSpec::Of(id.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TemplateSpec, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map))
                    .map(|step| TemplateSpec::Registered(Box::new(step)))
            }
        }
        deserializer.deserialize_any(IdOrMap)
    }
}
