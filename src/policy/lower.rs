//! Conditions as written into conditions as run, with the checks that only make sense for one kind of question.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::time::Span;

use super::condition::{
    ClassRequirement, Condition, Contact, Content, LinkPolicy, ProactiveKind, Topics, Unanswered,
};
use super::error::PolicyError;
use super::reader::Reader;
use super::ruleset::Severity;
use super::spec::{
    ClassSpec, ConditionSpec, ContactSpec, ContentSpec, FixedDelaySpec, GiftWordingSpec, KindSpec, StepsSpec,
    Text, Texts, UnansweredSpec, UnexplainedNoticeSpec,
};
use super::words::Word;

impl Reader<'_> {
    /// Compiles the question of a rule of this severity.
    pub(super) fn condition(&mut self, spec: &ConditionSpec, severity: Severity) -> Option<Condition> {
        Some(match spec {
            ConditionSpec::Contact(spec) => Condition::Contact(self.contact(spec)),
            ConditionSpec::Unanswered(spec) => Condition::Unanswered(self.unanswered(spec)),
            ConditionSpec::Channel(spec) => {
                Condition::Channel { allowed: self.some("channel.allowed", &spec.allowed) }
            }
            ConditionSpec::Content(spec) => Condition::Content(self.content(spec, severity)),
            ConditionSpec::TemplateApproved(spec) => {
                Condition::TemplateApproved { origins: self.some("template_approved.origins", &spec.origins) }
            }
            ConditionSpec::TemplateRequirement(spec) => {
                Condition::TemplateRequirement { classes: self.classes(&spec.classes) }
            }
            ConditionSpec::TemplateReviewAge(spec) => {
                Condition::TemplateReviewAge { steps: self.steps(spec) }
            }
            ConditionSpec::InsertApproved(_) => Condition::InsertApproved,
            ConditionSpec::PageBlocks(spec) => Condition::PageBlocks {
                allowed: self.names("page_blocks.allowed", &spec.allowed),
                links: self.links("page_blocks.links", &spec.links),
            },
            ConditionSpec::ReviewInvitedBy(spec) => {
                Condition::ReviewInvitedBy { allowed: self.some("review_invited_by.allowed", &spec.allowed) }
            }
            ConditionSpec::AddressChange(spec) => Condition::AddressChange {
                states: self.some("address_change.states", &spec.states),
                approvers: self.some("address_change.approvers", &spec.approvers),
            },
            ConditionSpec::GiftWording(spec) => self.gift_wording(spec),
            ConditionSpec::GiftPrivate(spec) => Condition::GiftPrivate {
                promise: self.signals("gift_private.promise", &spec.promise),
                elsewhere: self.signals("gift_private.elsewhere", &spec.elsewhere),
            },
            ConditionSpec::GiftUnfulfilled(spec) => {
                Condition::GiftUnfulfilled { due: self.span("gift_unfulfilled.due", &spec.due) }
            }
            ConditionSpec::DuplicateText(spec) => Condition::DuplicateText {
                k: self.count("duplicate_text.buyers", &spec.buyers, 2, "one buyer is no burst"),
                within: self.window("duplicate_text.within", &spec.within),
                min_chars: self.count("duplicate_text.min_chars", &spec.min_chars, 0, ""),
            },
            ConditionSpec::FixedDelay(spec) => self.fixed_delay(spec),
            ConditionSpec::UnexplainedNotice(spec) => self.unexplained(spec),
        })
    }

    /// Words of a closed list that must not be empty.
    fn some<W: Word, A: smallvec::Array<Item = W>>(&mut self, name: &str, texts: &[Text]) -> SmallVec<A> {
        if texts.is_empty() {
            let place = self.at.clone();
            self.error(PolicyError::new(place, format!("{name} is empty")));
        }
        self.any(name, texts)
    }

    /// Words of a closed list; an empty one sets no limit.
    fn any<W: Word, A: smallvec::Array<Item = W>>(&mut self, name: &str, texts: &[Text]) -> SmallVec<A> {
        self.words(name, texts).into_iter().collect()
    }

    fn contact(&mut self, spec: &ContactSpec) -> Contact {
        let reply_window = if self.is(&spec.reply_within, "forever") {
            self.name("contact.reply_within", &spec.reply_within);
            None
        } else {
            Some(self.window("contact.reply_within", &spec.reply_within))
        };
        let grace = spec.grace.as_ref().map_or(Span(0), |grace| self.span("contact.grace", grace));
        let kinds: Vec<ProactiveKind> = spec.kinds.iter().map(|kind| self.kind(kind)).collect();
        for (index, kind) in spec.kinds.iter().enumerate() {
            if spec.kinds[..index].iter().any(|earlier| earlier.id.value == kind.id.value) {
                let message = format!("kind \"{}\" exists already", kind.id.value);
                self.error(PolicyError::new(self.place(&kind.id), message));
            }
        }
        if let Some(text) = &spec.grace {
            self.grace([text, &spec.reply_within], grace, reply_window.unwrap_or(Span(i64::MAX)));
            for (kind, spec) in kinds.iter().zip(&spec.kinds) {
                self.grace([text, &spec.within], grace, kind.window);
            }
        }
        Contact { reply_window, grace, kinds }
    }

    /// A grace is for skewed clocks: one as long as the window doubles the window.
    fn grace(&mut self, texts: [&Text; 2], grace: Span, window: Span) {
        if window.0 > 0 && grace >= window {
            let message = format!("the grace of {grace} is as long as the window of {window}");
            self.error(PolicyError::new(self.blame(&texts), message));
        }
    }

    fn kind(&mut self, spec: &KindSpec) -> ProactiveKind {
        let at = |field: &str| format!("contact.kinds.{}.{field}", spec.id.value);
        let names: Vec<&str> = spec.names.iter().map(|name| name.value.as_str()).collect();
        for name in &spec.names {
            if !matches!(name.value.as_str(), "order" | "item") {
                let message = format!("a text cannot be asked to name \"{}\"", name.value);
                let error =
                    PolicyError::new(self.place(name), message).nearest(&name.value, ["order", "item"]);
                self.error(error);
            }
        }
        self.names(&at("names"), &spec.names);
        ProactiveKind {
            id: Arc::from(spec.id.value.as_str()),
            contexts: self.any(&at("contexts"), &spec.contexts),
            schemes: self.any(&at("schemes"), &spec.schemes),
            before_buyer: self.flag(&at("before_buyer"), spec.before_buyer),
            anchor: self.word(&at("after"), &spec.after).unwrap_or(super::condition::OrderAnchor::Created),
            window: self.window(&at("within"), &spec.within),
            quota: spec
                .quota
                .as_ref()
                .map(|quota| self.count(&at("quota"), quota, 1, "a kind that may never be sent is no kind")),
            capability: spec.capability.as_ref().map(|name| self.name(&at("capability"), name)),
            names_order: names.contains(&"order"),
            names_item: names.contains(&"item"),
            deny: self.signals(&at("deny"), &spec.deny),
        }
    }

    fn unanswered(&mut self, spec: &UnansweredSpec) -> Unanswered {
        let warn = spec.warn.as_ref().map(|warn| self.window("unanswered.warn", warn));
        let breach = self.window("unanswered.breach", &spec.breach);
        let grace = spec.grace.as_ref().map_or(Span(0), |grace| self.span("unanswered.grace", grace));
        if let (Some(text), Some(warn)) = (&spec.warn, warn)
            && warn >= breach
            && breach.0 > 0
        {
            let message = format!("warns after {warn}, which is not before the breach after {breach}");
            let place = self.blame(&[text, &spec.breach]);
            self.error(PolicyError::new(place, message).fix("warn earlier, or drop \"warn:\""));
        }
        if let Some(text) = &spec.grace {
            self.grace([text, &spec.breach], grace, breach);
        }
        Unanswered {
            warn,
            breach,
            grace,
            silent_while_frozen: self.flag("unanswered.silent_while_frozen", spec.silent_while_frozen),
            closers: self.words("unanswered.closers", &spec.closers).into_iter().collect(),
            no_answer: self.words("unanswered.no_answer", &spec.no_answer).into_iter().collect(),
            answered_by: self.some("unanswered.answered_by", &spec.answered_by),
        }
    }

    fn content(&mut self, spec: &ContentSpec, severity: Severity) -> Content {
        if spec.signals.is_empty() && spec.links.is_none() {
            let place = self.at.clone();
            self.error(PolicyError::new(place, "asks for nothing").fix("name \"signals:\" or \"links:\""));
        }
        let softened = spec.softened.as_ref().map(|softened| {
            let topics = self.topics("content.softened.buyer_raised", &softened.buyer_raised);
            let to = self.word("content.softened.to", &softened.to).unwrap_or(Severity::Info);
            // An overlay may have made the rule as mild as its softened form, or milder.
            (topics, to.min(severity))
        });
        Content {
            surfaces: self.some("content.surfaces", &spec.surfaces),
            templated_only: self.flag("content.templated_only", spec.templated_only),
            signals: self.signals("content.signals", &spec.signals),
            links: spec.links.as_ref().map(|links| LinkPolicy {
                allow: self.links("content.links.allow", &links.allow),
                max: links.max.as_ref().map(|max| self.count("content.links.max", max, 0, "")),
            }),
            unless_buyer_raised: self.topics("content.unless_buyer_raised", &spec.unless_buyer_raised),
            softened,
        }
    }

    fn topics(&mut self, name: &str, texts: &Texts) -> Topics {
        self.words(name, texts).into_iter().collect()
    }

    fn classes(&mut self, specs: &[ClassSpec]) -> Vec<ClassRequirement> {
        let mut classes: Vec<ClassRequirement> = Vec::new();
        for spec in specs {
            let at = |field: &str| format!("template_requirement.{}.{field}", spec.class.value);
            let Some(class) = self.word(&at("class"), &spec.class) else { continue };
            if classes.iter().any(|known| known.class == class) {
                let message = format!("class \"{}\" is listed twice", spec.class.value);
                self.error(PolicyError::new(self.place(&spec.class), message));
            }
            classes.push(ClassRequirement {
                class,
                tracking_variable: spec
                    .tracking_variable
                    .as_ref()
                    .map(|name| self.name(&at("tracking_variable"), name)),
                order_states: self.any(&at("order_states"), &spec.order_states),
                delay_within: spec.delay_within.as_ref().map(|span| self.window(&at("delay_within"), span)),
                link_list: spec.link_list.as_ref().map(|list| self.list(&at("link_list"), list)),
            });
        }
        classes
    }

    fn steps(&mut self, spec: &StepsSpec) -> SmallVec<[(Span, Severity); 2]> {
        let mut steps: SmallVec<[(Span, Severity); 2]> = SmallVec::new();
        for (index, step) in spec.steps.iter().enumerate() {
            let at = |field: &str| format!("template_review_age.{index}.{field}");
            let after = self.window(&at("after"), &step.after);
            let severity = self.word(&at("severity"), &step.severity).unwrap_or(Severity::Info);
            if let Some((earlier, _)) = steps.last()
                && after <= *earlier
            {
                let message = format!("the step after {after} does not follow the one after {earlier}");
                self.error(
                    PolicyError::new(self.place(&step.after), message).fix("list steps by growing age"),
                );
            }
            steps.push((after, severity));
        }
        steps
    }

    fn gift_wording(&mut self, spec: &GiftWordingSpec) -> Condition {
        let promise = self.signals("gift_wording.promise", &spec.promise);
        let mut elements = Vec::new();
        for (name, signals) in &spec.elements.0 {
            let field = format!("gift_wording.elements.{}", name.value);
            elements.push((Arc::from(name.value.as_str()), self.signals(&field, signals)));
        }
        let unless = self.signals("gift_wording.unless", &spec.unless);
        Condition::GiftWording { promise, elements, unless }
    }

    fn fixed_delay(&mut self, spec: &FixedDelaySpec) -> Condition {
        let within = self.window("fixed_delay.within", &spec.within);
        let spread = self.span("fixed_delay.spread", &spec.spread);
        if spread >= within && within.0 > 0 {
            let message = format!("a spread of {spread} within {within} is met by any messages at all");
            let place = self.blame(&[&spec.spread, &spec.within]);
            self.error(PolicyError::new(place, message));
        }
        Condition::FixedDelay {
            k: self.count("fixed_delay.orders", &spec.orders, 2, "one message has no rhythm"),
            within,
            spread,
        }
    }

    fn unexplained(&mut self, spec: &UnexplainedNoticeSpec) -> Condition {
        let mut claims = Vec::new();
        for (state, signals) in &spec.claims.0 {
            let Some(state) = self.word(&format!("unexplained_notice.{}", state.value), state) else {
                continue;
            };
            for signal in signals {
                let one = std::slice::from_ref(signal);
                self.signals(&format!("unexplained_notice.claims.{}", signal.value), one);
                claims.extend(self.vocabulary.signal(&signal.value).map(|id| (id, state)));
            }
        }
        Condition::UnexplainedNotice {
            claims,
            tolerance: self.span("unexplained_notice.tolerance", &spec.tolerance),
        }
    }
}
