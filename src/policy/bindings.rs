//! Which packs are in force where: by platform, and for the stores that differ.

use std::sync::Arc;

use super::compile::PolicySources;
use super::diff::EffectivePack;
use super::error::{Place, PolicyError};
use super::layers::{Layer, Origin, PackDraft, Sourced};
use super::pack::{self, Target};
use super::reader::Vocabulary;
use super::ruleset::{Mode, Pack, PacksByPlatform, PacksByStore};
use super::stores::{StoreSpec, StoresSpec};
use super::words::{Switch, Word};

/// Where a pack is in force, by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// Pack id.
    pub pack: String,
    /// Its mode there; its own when `None`.
    pub mode: Option<BindingMode>,
    /// On these platforms; on its own when empty.
    pub platforms: Vec<String>,
    /// Only for these stores (platform, id); for all when empty.
    pub stores: Vec<(String, String)>,
    /// Where the binding is written, for messages.
    pub file: String,
}

/// What a binding makes of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingMode {
    /// In force, in this mode.
    Mode(Mode),
    /// Not in force.
    Off,
}

/// A file of stores that was read.
#[derive(Debug)]
pub(super) struct StoreFile {
    pub(super) file: Arc<str>,
    pub(super) spec: StoresSpec,
}

/// Packs where they are in force.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) platforms: PacksByPlatform,
    pub(super) stores: PacksByStore,
    pub(super) effective: Vec<EffectivePack>,
}

/// A pack in force: index of its draft, and the mode that overrides its own.
type InForce = Vec<(usize, Option<Sourced<Mode>>)>;

struct Binder<'a> {
    sources: &'a PolicySources<'a>,
    drafts: &'a [PackDraft],
    vocabulary: &'a dyn Vocabulary,
}

/// Compiles packs for every platform, and again for the stores that differ. Faults of the packs themselves were
/// reported before: without `sound` packs only names and modes are checked.
pub(super) fn bind(
    sources: &PolicySources<'_>,
    drafts: &[PackDraft],
    stores: &[StoreFile],
    vocabulary: &dyn Vocabulary,
    sound: bool,
    errors: &mut Vec<PolicyError>,
) -> Bound {
    let binder = Binder { sources, drafts, vocabulary };
    for binding in &sources.bindings {
        if drafts.iter().all(|draft| *draft.id != *binding.pack) {
            let place = Place::file(&Arc::from(binding.file.as_str()));
            let message = format!("binding of an unknown pack \"{}\"", binding.pack);
            errors.push(
                PolicyError::new(place, message)
                    .nearest(&binding.pack, drafts.iter().map(|draft| &*draft.id)),
            );
        }
    }
    let mut bound = Bound::default();
    for platform in binder.platforms() {
        let in_force = binder.in_force(platform, None);
        let packs = binder.compile(platform, None, &in_force, &[], sound, &mut bound.effective, errors);
        bound.platforms.insert(Box::from(platform), packs);
    }
    let listed: Vec<(&Arc<str>, &StoreSpec)> = stores
        .iter()
        .flat_map(|file| file.spec.stores.iter().map(move |store| (&file.file, &store.value)))
        .collect();
    for (index, (file, store)) in listed.iter().enumerate() {
        let same = |other: &StoreSpec| {
            other.platform.value == store.platform.value && other.store.value == store.store.value
        };
        if listed[..index].iter().any(|(_, other)| same(other)) {
            let message = format!("store {}/{} is listed twice", store.platform.value, store.store.value);
            errors.push(PolicyError::new(Place::at(file, store.store.referenced), message));
            continue;
        }
        binder.store(file, store, &bound.platforms, sound, errors, &mut bound.effective, &mut bound.stores);
    }
    for (platform, store) in binder.bound_stores() {
        let done = bound.stores.get(platform).is_some_and(|stores| stores.contains_key(store));
        if !done {
            let in_force = binder.in_force(platform, Some(store));
            let packs =
                binder.compile(platform, Some(store), &in_force, &[], sound, &mut bound.effective, errors);
            bound.stores.entry(Box::from(platform)).or_default().insert(Box::from(store), packs);
        }
    }
    bound
}

impl Binder<'_> {
    fn platforms(&self) -> Vec<&str> {
        let own = self.drafts.iter().filter_map(|draft| Some(draft.platform.as_ref()?.value.as_str()));
        let bound = self.sources.bindings.iter().flat_map(|b| b.platforms.iter().map(String::as_str));
        let mut platforms: Vec<&str> = own.chain(bound).collect();
        platforms.sort_unstable();
        platforms.dedup();
        platforms
    }

    fn bound_stores(&self) -> Vec<(&str, &str)> {
        let stores = self.sources.bindings.iter().flat_map(|b| &b.stores);
        stores.map(|(platform, store)| (platform.as_str(), store.as_str())).collect()
    }

    /// The packs of a platform or store, in the order of the pack files. The last binding that speaks of a place
    /// decides, one that names the store before one that does not.
    fn in_force(&self, platform: &str, store: Option<&str>) -> InForce {
        let mut in_force = InForce::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            let own = draft.platform.as_ref().is_some_and(|own| own.value == platform);
            let bindings: Vec<&Binding> =
                self.sources.bindings.iter().filter(|binding| *binding.pack == *draft.id).collect();
            let here = |binding: &&&Binding| match binding.platforms.as_slice() {
                [] => own,
                platforms => platforms.iter().any(|name| name == platform),
            };
            let general = bindings.iter().filter(|binding| binding.stores.is_empty()).rfind(here);
            let special = bindings.iter().rfind(|binding| {
                binding.stores.iter().any(|(p, s)| p == platform && Some(s.as_str()) == store)
            });
            match special.or(general) {
                Some(binding) => match binding.mode {
                    Some(BindingMode::Off) => {}
                    Some(BindingMode::Mode(value)) => {
                        let place = Place::file(&Arc::from(binding.file.as_str()));
                        in_force.push((index, Some(Sourced { value, place, layer: Layer::Binding })));
                    }
                    None => in_force.push((index, None)),
                },
                None if own && bindings.is_empty() => in_force.push((index, None)),
                None => {}
            }
        }
        in_force
    }

    #[expect(clippy::too_many_arguments, reason = "what is compiled, for whom, and where results go")]
    fn compile(
        &self,
        platform: &str,
        store: Option<&str>,
        in_force: &InForce,
        params: &[(String, Sourced<String>)],
        sound: bool,
        effective: &mut Vec<EffectivePack>,
        errors: &mut Vec<PolicyError>,
    ) -> Vec<Arc<Pack>> {
        if !sound {
            return Vec::new();
        }
        let mut packs = Vec::new();
        for (index, mode) in in_force {
            let target = Target {
                platform,
                store,
                mode: mode.clone(),
                params,
                vocabulary: self.vocabulary,
                lexicon_hash: self.sources.lexicon_hash,
            };
            let (pack, shown) = pack::compile(&self.drafts[*index], &target, errors);
            packs.push(Arc::new(pack));
            effective.push(shown);
        }
        packs
    }

    #[expect(clippy::too_many_arguments, reason = "one store, what is known, and where results go")]
    fn store(
        &self,
        file: &Arc<str>,
        spec: &StoreSpec,
        platforms: &PacksByPlatform,
        sound: bool,
        errors: &mut Vec<PolicyError>,
        effective: &mut Vec<EffectivePack>,
        into: &mut PacksByStore,
    ) {
        let (platform, store) = (spec.platform.value.as_str(), spec.store.value.as_str());
        let layer = Layer::Store(Arc::from(platform), Arc::from(store));
        let origin = Origin { file: Arc::clone(file), layer };
        if !platforms.contains_key(platform) {
            let message = format!("no pack is for the platform \"{platform}\"");
            let known = platforms.keys().map(|name| &**name);
            errors.push(PolicyError::new(origin.place(&spec.platform), message).nearest(platform, known));
            return;
        }
        let bound = self.bound_stores().contains(&(platform, store));
        if spec.params.0.is_empty() && spec.packs.is_empty() && !bound {
            return;
        }
        let mut in_force = self.in_force(platform, Some(store));
        for wanted in &spec.packs {
            let name = &wanted.pack;
            let Some(index) = self.drafts.iter().position(|draft| *draft.id == *name.value) else {
                let message = format!("there is no pack \"{}\"", name.value);
                let known = self.drafts.iter().map(|draft| &*draft.id);
                errors.push(PolicyError::new(origin.place(name), message).nearest(&name.value, known));
                continue;
            };
            let mode = wanted.mode.as_ref().map(|text| (text, Switch::read(&text.value)));
            if let Some((text, None)) = mode {
                let message = format!("unknown mode \"{}\"", text.value);
                errors.push(
                    PolicyError::new(origin.place(text), message).nearest(&text.value, Switch::words()),
                );
            }
            in_force.retain(|(known, _)| *known != index);
            match mode {
                Some((_, Some(Switch(None)))) => {}
                Some((text, Some(Switch(Some(mode))))) => {
                    let mode =
                        Sourced { value: mode, place: origin.place(text), layer: origin.layer.clone() };
                    in_force.push((index, Some(mode)));
                }
                _ => in_force.push((index, None)),
            }
        }
        in_force.sort_by_key(|(index, _)| *index);
        let mut params = Vec::new();
        for (name, value) in &spec.params.0 {
            let names = |index: &usize| self.drafts[*index].params.iter().map(|(known, _)| known.as_str());
            let known: Vec<&str> = in_force.iter().flat_map(|(index, _)| names(index)).collect();
            if !known.contains(&name.value.as_str()) {
                let message = format!("no pack of this store has a parameter \"{}\"", name.value);
                errors.push(PolicyError::new(origin.place(name), message).nearest(&name.value, known));
            }
            params.push((name.value.clone(), origin.sourced(value)));
        }
        let packs = self.compile(platform, Some(store), &in_force, &params, sound, effective, errors);
        into.entry(Box::from(platform)).or_default().insert(Box::from(store), packs);
    }
}
