//! Registrations: remembered for the time they are in force; templates are judged when they are shown to review.

use std::collections::HashMap;

use crate::event::{Event, Registry, Surface, TemplateEvent, TemplateStatus, TextFormat};
use crate::policy::{Condition, StoreSeed};
use crate::score::{Judgement, Scanned, Scene, Trigger, ask_template};
use crate::state::{Profile, StoreKey, TaskState};
use crate::text::ScanContext;
use crate::time::{EARLIEST, LATEST};

use super::{Effects, Engine, Outcome};

impl Engine {
    pub(super) fn registry(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        registry: &Registry<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        let (_, store, _) = state.store_mut(&event.platform, &event.store);
        if !store.profile.seen.is_first(&event.event_id, event.occurred_at) {
            return Outcome::Duplicate;
        }
        store.traffic.touch(event.occurred_at);
        store.profile.register(registry, &event.event_id, event.occurred_at);
        if let (Registry::Store { .. }, Some(agency)) = (registry, event.agency.as_deref()) {
            store.profile.agency = Some(agency.into());
        }
        match registry {
            Registry::Template(template) => self.template(state, event, template, effects),
            _ => Outcome::Observed,
        }
    }

    fn template(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        template: &TemplateEvent<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        self.arm_reviews(state, event, template);
        let shown = matches!(template.status, TemplateStatus::Submitted | TemplateStatus::Approved);
        let (Some(text), true) = (template.text.as_deref(), shown) else { return Outcome::Observed };
        let mut desk = std::mem::take(&mut state.desk);
        // A template for the chat is judged as a template: it has rules of its own before it is ever sent.
        let surface = if template.surface == Surface::Chat { Surface::Template } else { template.surface };
        let context = ScanContext {
            platform: &event.platform,
            surface,
            format: TextFormat::Markdown,
            ..ScanContext::default()
        };
        self.ruleset.scanner.scan(text, &context, &mut desk.scratch, &mut desk.text);
        let (_, store, _) = state.store_mut(&event.platform, &event.store);
        let texts = [Scanned { source: text, signals: &desk.text, attachment: false }];
        let scene = Scene {
            ruleset: &self.ruleset,
            event,
            profile: &store.profile,
            traffic: &store.traffic,
            conversation: None,
            order: None,
            order_key: None,
            texts: &texts,
            surface,
            template: Some((&template.template, store.profile.template(&template.template))),
        };
        let judgement = Judgement::of(&scene, ask_template, false);
        self.emit(effects, &scene, Trigger::Registry, judgement);
        state.desk = desk;
        Outcome::Judged
    }

    /// A submitted template has deadlines for its review.
    fn arm_reviews(&self, state: &mut TaskState, event: &Event<'_>, template: &TemplateEvent<'_>) {
        if template.status != TemplateStatus::Submitted {
            return;
        }
        let now = state.stream_time().unwrap_or_default();
        let (key, store, timers) = state.store_mut(&event.platform, &event.store);
        let Some(known) = store.profile.template_mut(&template.template) else { return };
        for (_, rule) in self.rules(&key, event.occurred_at) {
            let Condition::TemplateReviewAge { steps } = &rule.condition else { continue };
            for (age, _) in steps {
                let deadline = event.occurred_at.plus(*age);
                self.arm_review(timers, &key, &template.template, known, deadline, now);
            }
        }
    }
}

impl Engine {
    /// Tells the state what a stores file says was registered before any event. Nothing is judged: the events that
    /// follow say what happens under these registrations. What is listed does not expire.
    pub fn seed(state: &mut TaskState, seeds: &[StoreSeed]) {
        seeds.iter().for_each(|seed| Self::seed_one(state, seed));
    }

    /// The same for one store.
    pub fn seed_one(state: &mut TaskState, seed: &StoreSeed) {
        let (_, store, _) = state.store_mut(&seed.platform, &seed.store);
        store.traffic.last_event_at = LATEST;
        plant(&mut store.profile, seed);
    }

    /// Tells a state that was seeded before what the stores file says now: what it no longer says is taken back. Only
    /// stores that the state knows are looked at.
    pub fn reseed(state: &mut TaskState, seeds: &[StoreSeed]) {
        let keys: Vec<StoreKey> = state.stores().map(|(key, _)| key.clone()).collect();
        let by_key: HashMap<(&str, &str), &StoreSeed> =
            seeds.iter().map(|seed| ((&*seed.platform, &*seed.store), seed)).collect();
        for key in keys {
            let seed = by_key.get(&(&*key.platform, &*key.store)).copied();
            let Some(known) = state.store(&key.platform, &key.store) else { continue };
            let mut profile = Profile::clone(&known.profile);
            profile.unseed();
            if let Some(seed) = seed {
                plant(&mut profile, seed);
            }
            let listed = known.traffic.last_event_at == LATEST;
            let (same, stays) = (profile == *known.profile, listed == seed.is_some());
            if same && stays {
                continue;
            }
            let now = state.stream_time().unwrap_or_default();
            let (_, store, _) = state.store_mut(&key.platform, &key.store);
            if !same {
                *store.profile = profile;
            }
            if !stays {
                store.traffic.last_event_at = if seed.is_some() { LATEST } else { now };
            }
        }
    }
}

/// Registers what a stores file says of a store, from the beginning of time.
fn plant(profile: &mut Profile, seed: &StoreSeed) {
    let at = EARLIEST;
    if let Some(agency) = &seed.agency {
        profile.agency = Some((&**agency).into());
    }
    let title = seed.title.as_deref().map(Into::into);
    let time_zone = seed.time_zone.as_deref().map(Into::into);
    profile.register(&Registry::Store { title, time_zone }, "", at);
    for name in &seed.capabilities {
        profile.register(&Registry::Capability { name: (&**name).into(), granted: true }, "", at);
    }
    for domain in &seed.domains {
        profile.register(&Registry::Domain { domain: (&**domain).into(), registered: true }, "", at);
    }
    for template in &seed.templates {
        let event = TemplateEvent {
            template: (&*template.id).into(),
            status: template.status,
            class: template.class,
            surface: template.surface,
            text: template.text.as_deref().map(Into::into),
            version: template.version.as_deref().map(Into::into),
        };
        profile.register(&Registry::Template(event), "", at);
    }
}
