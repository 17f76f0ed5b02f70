//! Steps of a case into the bodies of canonical events.

use std::borrow::Cow;

use crate::event::{
    Attachment, Author, Body, ChangeStatus, Channel, ConversationContext, ConversationType, Enforcement,
    EnforcementKind, Item, Message, MessageKind, OrderEvent, OrderKind, OrderRef, OrderState,
    Origin as Writer, Party, Registry, TemplateEvent, TextFormat, TimeSource,
};
use crate::policy::error::PolicyError;
use crate::policy::layers::Origin;
use crate::policy::spec::Text;
use crate::policy::words::Word;
use crate::policy::yaml::At;
use crate::time::Span;

use super::Step;
use super::spec::{CaseSpec, ItemSpec, ShippedWithSpec, StepSpec, TemplateSpec, TemplateStepSpec};

/// Reads the steps of one case.
pub(super) struct StepReader<'a> {
    origin: &'a Origin,
    case: &'a CaseSpec,
    errors: &'a mut Vec<PolicyError>,
    /// Time of the last step.
    pub(super) time: Span,
}

fn owned(text: &Text) -> Cow<'static, str> {
    Cow::Owned(text.value.clone())
}

fn maybe(text: Option<&Text>) -> Option<Cow<'static, str>> {
    text.map(owned)
}

fn item(spec: &ItemSpec) -> Item<'static> {
    let text = |text: &Option<String>| text.clone().map(Cow::Owned);
    Item { sku: text(&spec.sku), title: text(&spec.title), brand: text(&spec.brand), quantity: spec.quantity }
}

impl<'a> StepReader<'a> {
    pub(super) fn new(origin: &'a Origin, case: &'a CaseSpec, errors: &'a mut Vec<PolicyError>) -> Self {
        Self { origin, case, errors, time: Span(0) }
    }

    fn error<T>(&mut self, at: &At<T>, message: impl Into<String>) {
        self.errors.push(PolicyError::new(self.origin.place(at), message));
    }

    /// The steps of a case; `until:` at the end gives none, it only moves the time.
    pub(super) fn steps(&mut self, given: &[At<StepSpec>], then: &At<StepSpec>) -> Vec<Step> {
        let mut steps = Vec::new();
        for at in given.iter().chain([then]) {
            let spec = &at.value;
            if let Some(until) = &spec.until {
                if std::ptr::eq(at, then) {
                    self.advance(until);
                } else {
                    self.error(until, "\"until:\" stands after \"then:\" alone");
                }
                continue;
            }
            if let Some(time) = &spec.at {
                self.advance(time);
            }
            let source = self.word(spec.time_source.as_ref(), TimeSource::from_word, "time source");
            let number = steps.len() + 1;
            if let Some((id, body)) = self.body(at, number) {
                steps.push(Step { at: self.time, source: source.unwrap_or(TimeSource::Native), id, body });
            }
        }
        steps
    }

    fn advance(&mut self, text: &Text) {
        match Span::parse(&text.value) {
            Ok(span) if span < self.time => {
                self.error(text, format!("{span} lies before the step before it"))
            }
            Ok(span) => self.time = span,
            Err(error) => self.error(text, format!("\"{}\" is {error}", text.value)),
        }
    }

    fn word<T>(&mut self, text: Option<&Text>, read: fn(&str) -> Option<T>, what: &str) -> Option<T> {
        let text = text?;
        let word = read(&text.value);
        if word.is_none() {
            self.error(text, format!("unknown {what} \"{}\"", text.value));
        }
        word
    }

    fn listed<W: Word>(&mut self, text: Option<&Text>) -> Option<W> {
        let text = text?;
        let word = W::read(&text.value);
        if word.is_none() {
            let place = self.origin.place(text);
            let error = PolicyError::new(place, format!("unknown {} \"{}\"", W::WHAT, text.value));
            self.errors.push(error.nearest(&text.value, W::words()));
        }
        word
    }

    /// The event of a step, and its id without platform and store.
    fn body(&mut self, at: &At<StepSpec>, number: usize) -> Option<(String, Body<'static>)> {
        let spec = &at.value;
        let writers = [
            (&spec.seller, Author::Seller),
            (&spec.buyer, Author::Buyer),
            (&spec.platform, Author::Platform),
            (&spec.support, Author::Support),
            (&spec.courier, Author::Courier),
            (&spec.unknown, Author::Unknown),
        ];
        let mut bodies = Vec::new();
        for (text, author) in writers {
            if let Some(text) = text {
                bodies.push(self.message(spec, text, author, number));
            }
        }
        let order_keys = [
            spec.order.is_some(),
            spec.logistics.is_some(),
            spec.address_change.is_some(),
            spec.review_invited.is_some(),
            spec.shipped_with.is_some(),
            spec.page_changed.is_some(),
        ];
        if order_keys.iter().filter(|set| **set).count() > 1 {
            self.error(at, "a step says one thing that happens to an order");
        }
        if let Some(event) = self.order(spec) {
            let id = format!("o/{}/{}/{number}", self.number(spec), event.kind.as_str());
            bodies.push((id, Body::Order(event)));
        }
        if let Some(registry) = self.registry(spec) {
            bodies.push((format!("r/{number}"), Body::Registry(registry)));
        }
        for (set, kind) in
            [(spec.freeze, EnforcementKind::Freeze), (spec.unfreeze, EnforcementKind::Unfreeze)]
        {
            if set {
                let body = Body::Enforcement(Enforcement { kind, ..Enforcement::default() });
                bodies.push((format!("e/{}/{number}", kind.as_str()), body));
            }
        }
        if bodies.len() != 1 {
            self.error(at, "a step says one thing that happens: seller, buyer, platform, order, template, …");
        }
        bodies.pop()
    }

    /// Order number the step is about.
    fn number(&self, spec: &StepSpec) -> String {
        let number = spec.about.as_ref().or(self.case.order.as_ref());
        number.map_or_else(|| "4001-0001".to_owned(), |text| text.value.clone())
    }

    fn order_ref(&self, spec: &StepSpec) -> OrderRef<'static> {
        match self.number(spec) {
            none if none == "none" => OrderRef::default(),
            // Where numbers have groups, the posting has one group more than its order.
            number => OrderRef {
                posting: number.contains('-').then(|| Cow::Owned(format!("{number}-1"))),
                order: Some(Cow::Owned(number)),
                sku: None,
            },
        }
    }

    fn message(
        &mut self,
        spec: &StepSpec,
        text: &Text,
        author: Author,
        number: usize,
    ) -> (String, Body<'static>) {
        let id = spec.id.as_ref().map_or_else(|| format!("m{number}"), |id| id.value.clone());
        let chat = spec.chat.as_ref().map_or("c1", |chat| &chat.value).to_owned();
        let (case_type, case_context) = (self.case.conversation_type.as_ref(), self.case.context.as_ref());
        let conversation_type = spec.conversation_type.as_ref().or(case_type);
        let conversation_type =
            self.word(conversation_type, ConversationType::from_word, "type of conversation");
        let context = self.listed(spec.context.as_ref().or(case_context));
        let own = if author == Author::Platform { Writer::PlatformAutomatic } else { Writer::Human };
        let kind = if spec.edited { MessageKind::Edited } else { MessageKind::Sent };
        let mut attachments = Vec::new();
        if spec.ocr.is_some() || !spec.qr.is_empty() {
            attachments.push(Attachment {
                kind: Cow::Borrowed("image"),
                url: None,
                ocr_text: maybe(spec.ocr.as_ref()),
                qr_payloads: spec.qr.iter().map(owned).collect(),
            });
        }
        let template = match &spec.template {
            Some(TemplateSpec::Of(id)) => Some(Cow::Owned(id.clone())),
            _ => None,
        };
        let message = Message {
            kind,
            conversation_type: conversation_type.unwrap_or(ConversationType::Buyer),
            context: context.unwrap_or(ConversationContext::Unknown),
            message_id: Some(Cow::Owned(id.clone())),
            author,
            origin: self.listed(spec.origin.as_ref()).unwrap_or(own),
            channel: self.listed(spec.channel.as_ref()).unwrap_or(Channel::PlatformChat),
            text: Some(owned(text)),
            text_format: if spec.markdown { TextFormat::Markdown } else { TextFormat::Plain },
            attachments,
            order: self.order_ref(spec),
            template,
            operator: None,
            buyer: Some(Cow::Owned(format!("buyer-{chat}"))),
            conversation: Some(Cow::Owned(chat)),
        };
        // A message may be edited several times: the position tells the edits apart, as the time does in life.
        let suffix = if spec.edited { format!("edited/{number}") } else { "sent".to_owned() };
        (format!("m/{id}/{suffix}"), Body::Message(message))
    }

    fn order(&mut self, spec: &StepSpec) -> Option<OrderEvent<'static>> {
        let event = OrderEvent {
            order: self.order_ref(spec),
            scheme: self.listed(spec.scheme.as_ref()).unwrap_or_default(),
            items: spec.items.iter().map(item).collect(),
            tracking: spec.tracking.iter().map(owned).collect(),
            by: self.listed::<Party>(spec.by.as_ref()),
            ..OrderEvent::default()
        };
        if let Some(state) = &spec.order {
            let state = self.listed::<OrderState>(Some(state)).unwrap_or_default();
            let kind = match state {
                OrderState::Created => OrderKind::Created,
                OrderState::Cancelled => OrderKind::Cancelled,
                _ => OrderKind::StateChanged,
            };
            return Some(OrderEvent { kind, state: Some(state), ..event });
        }
        if let Some(what) = &spec.logistics {
            return Some(OrderEvent {
                kind: OrderKind::LogisticsEvent,
                delay: what.value == "delay",
                ..event
            });
        }
        if let Some(status) = &spec.address_change {
            let status = self.word(Some(status), ChangeStatus::from_word, "step of a change");
            return Some(OrderEvent { kind: OrderKind::AddressChange, status, ..event });
        }
        if let Some(by) = &spec.review_invited {
            return Some(OrderEvent { kind: OrderKind::ReviewInvited, by: self.listed(Some(by)), ..event });
        }
        if let Some(parcel) = &spec.shipped_with {
            let ShippedWithSpec { insert, gift_items } = parcel;
            let insert = insert.as_ref().map(|id| (id.value != "none").then(|| owned(id)));
            let gift_items = gift_items.as_ref().map(|items| items.iter().map(item).collect());
            return Some(OrderEvent { kind: OrderKind::ShippedWith, insert, gift_items, ..event });
        }
        if let Some(blocks) = &spec.page_changed {
            let blocks = blocks.iter().map(owned).collect();
            let qr_payloads = spec.qr.iter().map(owned).collect();
            return Some(OrderEvent { kind: OrderKind::PageChanged, blocks, qr_payloads, ..event });
        }
        None
    }

    fn registry(&mut self, spec: &StepSpec) -> Option<Registry<'static>> {
        if let Some(TemplateSpec::Registered(template)) = &spec.template {
            return Some(Registry::Template(self.template(template)));
        }
        for (text, granted) in [(&spec.capability, true), (&spec.revoked, false)] {
            if let Some(name) = text {
                return Some(Registry::Capability { name: owned(name), granted });
            }
        }
        for (text, registered) in [(&spec.domain, true), (&spec.domain_removed, false)] {
            if let Some(domain) = text {
                return Some(Registry::Domain { domain: owned(domain), registered });
            }
        }
        None
    }

    fn template(&mut self, spec: &TemplateStepSpec) -> TemplateEvent<'static> {
        TemplateEvent {
            template: owned(&spec.id),
            status: self.listed(Some(&spec.status)).unwrap_or_default(),
            class: self.listed(spec.class.as_ref()),
            surface: self.listed(spec.surface.as_ref()).unwrap_or_default(),
            text: maybe(spec.text.as_ref()),
            version: maybe(spec.version.as_ref()),
        }
    }
}
