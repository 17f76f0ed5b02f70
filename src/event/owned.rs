//! Events that outlive the bytes they came in: the few that wait for a missing fact.

use std::borrow::Cow;

use super::{
    Attachment, Body, Disposition, Enforcement, Event, Item, Message, OrderEvent, OrderRef, Registry,
    TemplateEvent,
};

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn own_opt(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(own)
}

fn own_all(texts: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
    texts.into_iter().map(own).collect()
}

impl Event<'_> {
    /// The same event with every text its own.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            event_id: own(self.event_id),
            platform: own(self.platform),
            store: own(self.store),
            agency: own_opt(self.agency),
            occurred_at: self.occurred_at,
            time_source: self.time_source,
            observed_at: self.observed_at,
            body: match self.body {
                Body::Message(message) => Body::Message(message.into_owned()),
                Body::Order(order) => Body::Order(order.into_owned()),
                Body::Registry(registry) => Body::Registry(registry.into_owned()),
                Body::Enforcement(enforcement) => Body::Enforcement(enforcement.into_owned()),
                Body::Disposition(disposition) => Body::Disposition(disposition.into_owned()),
            },
        }
    }

    /// A copy of the event with every text its own.
    #[must_use]
    pub fn to_owned_static(&self) -> Event<'static> {
        self.clone().into_owned()
    }
}

impl Message<'_> {
    fn into_owned(self) -> Message<'static> {
        Message {
            kind: self.kind,
            conversation: own_opt(self.conversation),
            conversation_type: self.conversation_type,
            context: self.context,
            message_id: own_opt(self.message_id),
            author: self.author,
            origin: self.origin,
            channel: self.channel,
            text: own_opt(self.text),
            text_format: self.text_format,
            attachments: self.attachments.into_iter().map(Attachment::into_owned).collect(),
            order: self.order.into_owned(),
            template: own_opt(self.template),
            operator: own_opt(self.operator),
            buyer: own_opt(self.buyer),
        }
    }
}

impl Attachment<'_> {
    fn into_owned(self) -> Attachment<'static> {
        Attachment {
            kind: own(self.kind),
            url: own_opt(self.url),
            ocr_text: own_opt(self.ocr_text),
            qr_payloads: own_all(self.qr_payloads),
        }
    }
}

impl OrderRef<'_> {
    fn into_owned(self) -> OrderRef<'static> {
        OrderRef { posting: own_opt(self.posting), order: own_opt(self.order), sku: own_opt(self.sku) }
    }
}

impl Item<'_> {
    fn into_owned(self) -> Item<'static> {
        Item {
            sku: own_opt(self.sku),
            title: own_opt(self.title),
            brand: own_opt(self.brand),
            quantity: self.quantity,
        }
    }
}

impl OrderEvent<'_> {
    fn into_owned(self) -> OrderEvent<'static> {
        OrderEvent {
            kind: self.kind,
            order: self.order.into_owned(),
            scheme: self.scheme,
            state: self.state,
            items: self.items.into_iter().map(Item::into_owned).collect(),
            tracking: own_all(self.tracking),
            delay: self.delay,
            status: self.status,
            by: self.by,
            insert: self.insert.map(own_opt),
            gift_items: self.gift_items.map(|items| items.into_iter().map(Item::into_owned).collect()),
            blocks: own_all(self.blocks),
            qr_payloads: own_all(self.qr_payloads),
        }
    }
}

impl Registry<'_> {
    fn into_owned(self) -> Registry<'static> {
        match self {
            Self::Template(template) => Registry::Template(template.into_owned()),
            Self::Capability { name, granted } => Registry::Capability { name: own(name), granted },
            Self::Domain { domain, registered } => Registry::Domain { domain: own(domain), registered },
            Self::Store { title, time_zone } => {
                Registry::Store { title: own_opt(title), time_zone: own_opt(time_zone) }
            }
        }
    }
}

impl TemplateEvent<'_> {
    fn into_owned(self) -> TemplateEvent<'static> {
        TemplateEvent {
            template: own(self.template),
            status: self.status,
            class: self.class,
            surface: self.surface,
            text: own_opt(self.text),
            version: own_opt(self.version),
        }
    }
}

impl Enforcement<'_> {
    fn into_owned(self) -> Enforcement<'static> {
        Enforcement {
            kind: self.kind,
            reason: own_opt(self.reason),
            message_id: own_opt(self.message_id),
            order: self.order.into_owned(),
        }
    }
}

impl Disposition<'_> {
    fn into_owned(self) -> Disposition<'static> {
        Disposition {
            verdict_id: own(self.verdict_id),
            label: self.label,
            reviewer: own_opt(self.reviewer),
            note: own_opt(self.note),
        }
    }
}
