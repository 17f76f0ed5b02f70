//! What collectors would put into Kafka: the platforms' own objects in their envelopes (docs/contract.md §2), and
//! canonical events for what has no native form.

use serde_json::{Value, json};

use crate::time::{Millis, Span};

/// A marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Platform {
    Ozon,
    Wildberries,
    YandexMarket,
}

impl Platform {
    pub(super) const ALL: [Self; 3] = [Self::Ozon, Self::Wildberries, Self::YandexMarket];

    /// As events and packs name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ozon => "ozon",
            Self::Wildberries => "wildberries",
            Self::YandexMarket => "yandex_market",
        }
    }
}

/// Something that is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) title: &'static str,
    /// Number of the product card.
    pub(super) sku: u32,
    /// The seller's own number.
    pub(super) offer: &'static str,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) platform: Platform,
    pub(super) id: String,
    pub(super) agency: &'static str,
    pub(super) item: Item,
}

impl Store {
    /// Key of its records.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.platform.name(), self.id)
    }

    fn number(&self) -> u64 {
        self.id.parse().unwrap_or_default()
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Posting, `rid` or order number, as the chat names it.
    pub(super) number: String,
    /// Number of the assembly task, where there is one.
    pub(super) task: u64,
    pub(super) tracking: String,
}

/// A conversation with a buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chat {
    pub(super) id: String,
    pub(super) buyer: u64,
    pub(super) order: Option<Order>,
}

/// Who wrote, and what the sending system knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author<'a> {
    Buyer,
    /// A person.
    Operator,
    /// A program, with the template it used.
    Program(Option<&'a str>),
    /// The platform itself, where it writes in the seller's name.
    Platform,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) author: Author<'a>,
    pub(super) id: u64,
    pub(super) at: Millis,
    pub(super) text: &'a str,
    /// The first of its chat.
    pub(super) opens: bool,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Created,
    Packed,
    Shipped,
    Delivered,
}

/// How long after an event its collector sees it.
const POLL: Span = Span::seconds(4);

fn envelope(store: &Store, at: Millis, native: &Value, more: &[(&str, Value)]) -> Value {
    let mut envelope = json!({
        "v": 1, "type": "native", "platform": store.platform.name(), "store": store.id, "agency": store.agency,
        "observed_at": at.plus(POLL).to_string(), "native": native,
    });
    for (name, value) in more {
        envelope[*name] = value.clone();
    }
    envelope
}

/// A message as its platform tells it.
pub(super) fn message(store: &Store, chat: &Chat, message: &Message<'_>) -> Value {
    let send_log = match message.author {
        Author::Operator => {
            Some(json!({ "origin": "human", "operator": format!("op-{}", chat.buyer % 9 + 1) }))
        }
        Author::Program(template) => Some(json!({ "origin": "api", "template_id": template })),
        Author::Buyer | Author::Platform => None,
    };
    let mut more: Vec<(&str, Value)> = send_log.map(|log| ("send_log", log)).into_iter().collect();
    let native = match store.platform {
        Platform::Ozon => ozon_message(store, chat, message, &mut more),
        Platform::Wildberries => wildberries_message(store, chat, message),
        Platform::YandexMarket => yandex_message(store, chat, message, &mut more),
    };
    envelope(store, message.at, &native, &more)
}

/// Buyers come by push; the seller's own messages by the chat's history, which names the order but not the chat.
fn ozon_message(store: &Store, chat: &Chat, message: &Message<'_>, more: &mut Vec<(&str, Value)>) -> Value {
    let at = message.at.to_string();
    let id = format!("30000000{:011}", message.id % 100_000_000_000);
    match message.author {
        Author::Buyer => json!({
            "message_type": "TYPE_NEW_MESSAGE", "chat_id": chat.id, "chat_type": "Buyer_Seller", "message_id": id,
            // The first letter is Cyrillic, as the platform prints it.
            "created_at": at, "user": { "id": chat.buyer.to_string(), "type": "Сustomer" },
            "data": [message.text], "seller_id": store.id,
        }),
        author => {
            let (user, kind) = match author {
                Author::Platform => (chat.buyer.to_string(), "Crm"),
                _ => (store.id.clone(), "Seller"),
            };
            more.push((
                "fetched",
                json!({ "chat": {
                "chat_id": chat.id, "chat_status": "OPENED", "chat_type": "BUYER_SELLER", "created_at": at,
            } }),
            ));
            let order = chat.order.as_ref().map_or("", |order| &order.number);
            json!({
                "context": { "order_number": order, "sku": store.item.sku.to_string() }, "created_at": at,
                "data": [message.text], "is_image": false, "is_read": true, "message_id": id,
                "user": { "id": user, "type": kind },
            })
        }
    }
}

/// A row of the chat feed; its first message alone has the product card, and with it the order.
fn wildberries_message(store: &Store, chat: &Chat, message: &Message<'_>) -> Value {
    let (sender, source) = match message.author {
        Author::Buyer => ("client", "rusite"),
        Author::Operator | Author::Platform => ("seller", "seller-portal"),
        Author::Program(_) => ("seller", "seller-public-api"),
    };
    let mut row = json!({
        "chatID": chat.id,
        "eventID": uuid::Uuid::from_u64_pair(store.number(), message.id).to_string(),
        "eventType": "message", "message": { "text": message.text }, "source": source,
        "addTimestamp": message.at.0, "addTime": seconds(message.at), "sender": sender,
    });
    if message.opens {
        row["isNewChat"] = json!(true);
        row["message"]["attachments"]["goodCard"] = json!({
            "nmID": store.item.sku, "price": 0, "priceCurrency": "", "size": "", "name": store.item.title,
            "rid": chat.order.as_ref().map_or("", |order| &order.number),
        });
    }
    if sender == "client" {
        row["clientID"] = json!(chat.buyer.to_string());
    }
    row
}

/// A notification has ids alone: the collector fetches message and chat.
fn yandex_message(store: &Store, chat: &Chat, message: &Message<'_>, more: &mut Vec<(&str, Value)>) -> Value {
    let sender = match message.author {
        Author::Buyer => "CUSTOMER",
        Author::Operator | Author::Program(_) => "PARTNER",
        Author::Platform => "MARKET",
    };
    let chat_id: u64 = chat.id.parse().unwrap_or_default();
    let context = match &chat.order {
        Some(order) => json!({ "type": "ORDER", "orderId": order.number.parse::<u64>().unwrap_or_default() }),
        None => json!({ "type": "DIRECT" }),
    };
    more.push(("fetched", json!({
        "message": {
            "messageId": message.id, "createdAt": message.at.to_string(), "sender": sender, "message": message.text,
        },
        "chat": { "chatId": chat_id, "context": context, "type": "CHAT", "status": "WAITING_FOR_PARTNER" },
    })));
    json!({
        "notificationType": "CHAT_MESSAGE_SENT", "businessId": store.number(), "chatId": chat_id,
        "messageId": message.id.to_string(), "sentAt": message.at.to_string(),
    })
}

/// A step of an order as its platform tells it.
pub(super) fn order(store: &Store, order: &Order, step: Step, at: Millis) -> Value {
    let native = match store.platform {
        Platform::Ozon => ozon_order(store, order, step, at),
        Platform::Wildberries => wildberries_order(store, order, step, at),
        Platform::YandexMarket => yandex_order(store, order, step, at),
    };
    envelope(store, at, &native, &[])
}

fn ozon_order(store: &Store, order: &Order, step: Step, at: Millis) -> Value {
    let state = match step {
        Step::Created => {
            return json!({
                "message_type": "TYPE_NEW_POSTING", "posting_number": order.number,
                "products": [{ "sku": store.item.sku, "offer_id": store.item.offer, "quantity": 1 }],
                "in_process_at": at.to_string(), "warehouse_id": 12_850_503_335_000_u64,
                "shipment_date": at.plus(Span::hours(30)).to_string(), "tpl_integration_type": "3pl_tracking",
                "is_express": false, "tracking_number": order.tracking, "seller_id": store.number(),
            });
        }
        Step::Packed => "posting_transferring_to_delivery",
        Step::Shipped => "posting_transferred_to_courier_service",
        Step::Delivered => "posting_delivered",
    };
    json!({
        "message_type": "TYPE_STATE_CHANGED", "posting_number": order.number, "new_state": state,
        "changed_state_date": at.to_string(), "warehouse_id": 0, "seller_id": store.number(),
    })
}

fn wildberries_order(store: &Store, order: &Order, step: Step, at: Millis) -> Value {
    let code = match step {
        Step::Created => {
            return json!({ "orders": [{
                "id": order.task, "rid": order.number, "createdAt": seconds(at), "deliveryType": "fbs",
                "article": store.item.offer, "nmId": store.item.sku, "offices": ["Калуга"], "warehouseId": 658_434,
            }] });
        }
        Step::Packed => "confirm",
        Step::Shipped => "sent_to_carrier",
        Step::Delivered => "received_by_client",
    };
    // A history of states: the list of states alone has no times.
    json!({ "orders": [{ "orderID": order.task, "statuses": [{ "date": seconds(at), "code": code }] }] })
}

fn yandex_order(store: &Store, order: &Order, step: Step, at: Millis) -> Value {
    let number: u64 = order.number.parse().unwrap_or_default();
    let (status, substatus) = match step {
        Step::Created => {
            return json!({
                "notificationType": "ORDER_CREATED", "orderId": number, "campaignId": store.number() + 1,
                "items": [{ "offerId": store.item.offer, "count": 1 }], "createdAt": at.to_string(),
            });
        }
        Step::Packed => ("PROCESSING", "READY_TO_SHIP"),
        Step::Shipped => ("DELIVERY", "DELIVERY_SERVICE_RECEIVED"),
        Step::Delivered => ("DELIVERED", "DELIVERY_SERVICE_DELIVERED"),
    };
    json!({
        "notificationType": "ORDER_STATUS_UPDATED", "orderId": number, "campaignId": store.number() + 1,
        "status": status, "substatus": substatus, "updatedAt": at.to_string(),
    })
}

/// A canonical event: what no platform has a form for. `what` makes its id.
pub(super) fn canonical(store: &Store, kind: &str, what: &str, at: Millis, fields: &Value) -> Value {
    let mut event = json!({
        "v": 1, "type": kind, "event_id": format!("{}/{what}", store.key()), "platform": store.platform.name(),
        "store": store.id, "agency": store.agency, "occurred_at": at.to_string(),
    });
    if let (Some(event), Some(fields)) = (event.as_object_mut(), fields.as_object()) {
        event.extend(fields.clone());
    }
    event
}

/// A time without its fraction.
fn seconds(at: Millis) -> String {
    let text = at.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(whole, _)| format!("{whole}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{self, Body, Decoded, TimeSource};

    fn store(platform: Platform) -> Store {
        let item = Item { title: "Плед", sku: 470_011_201, offer: "PL-140" };
        Store { platform, id: "184213".to_owned(), agency: "severny-veter", item }
    }

    fn order_of(platform: Platform) -> Order {
        let number = match platform {
            Platform::Ozon => "24219509-0020-1",
            Platform::Wildberries => "eAP.m80165aef86ce46c3ab9e2292cb04f3ae.0.0",
            Platform::YandexMarket => "423943917",
        };
        Order { number: number.to_owned(), task: 13_833_711, tracking: "80083121288447".to_owned() }
    }

    fn at() -> Millis {
        Millis::parse("2026-10-01T09:00:00Z").unwrap()
    }

    /// What a payload says, in a line.
    fn told(payload: &Value) -> String {
        let bytes = payload.to_string();
        let event = match event::decode(bytes.as_bytes()).unwrap() {
            Decoded::One(event) => event,
            Decoded::Many(mut events) => events.pop().unwrap(),
            Decoded::Skipped(reason) => panic!("{reason:?}: {bytes}"),
        };
        assert_eq!((event.occurred_at, event.time_source), (at(), TimeSource::Native), "{bytes}");
        assert_eq!((&*event.store, event.agency.as_deref()), ("184213", Some("severny-veter")));
        let absent = "-";
        match &event.body {
            Body::Message(message) => format!(
                "{} {} {} {} {} {} {}",
                message.author.as_str(),
                message.origin.as_str(),
                message.conversation_type.as_str(),
                message.conversation.as_deref().unwrap_or(absent),
                message.order.posting.as_deref().or(message.order.order.as_deref()).unwrap_or(absent),
                message.template.as_deref().unwrap_or(absent),
                message.text.as_deref().unwrap_or(absent),
            ),
            Body::Order(order) => format!(
                "{} {} {} {}",
                order.kind.as_str(),
                order.state.map_or(absent, event::OrderState::as_str),
                order.order.posting.as_deref().or(order.order.order.as_deref()).unwrap_or(absent),
                order.items.first().and_then(|item| item.sku.as_deref()).unwrap_or(absent),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_say_what_was_meant() {
        for (platform, author, opens, expected) in [
            (Platform::Ozon, Author::Buyer, true, "buyer human buyer 5001 - - Да"),
            (Platform::Ozon, Author::Operator, false, "seller human buyer 5001 24219509-0020-1 - Да"),
            (
                Platform::Ozon,
                Author::Program(Some("t-1")),
                false,
                "seller erp buyer 5001 24219509-0020-1 t-1 Да",
            ),
            (
                Platform::Ozon,
                Author::Platform,
                false,
                "platform platform_automatic buyer 5001 24219509-0020-1 - Да",
            ),
            (
                Platform::Wildberries,
                Author::Buyer,
                true,
                "buyer human buyer 5001 eAP.m80165aef86ce46c3ab9e2292cb04f3ae.0.0 - Да",
            ),
            (Platform::Wildberries, Author::Operator, false, "seller human buyer 5001 - - Да"),
            (Platform::Wildberries, Author::Program(None), false, "seller erp buyer 5001 - - Да"),
            (Platform::Wildberries, Author::Platform, false, "seller unknown buyer 5001 - - Да"),
            (Platform::YandexMarket, Author::Buyer, true, "buyer human buyer 5001 423943917 - Да"),
            (Platform::YandexMarket, Author::Operator, false, "seller human buyer 5001 423943917 - Да"),
            (
                Platform::YandexMarket,
                Author::Program(Some("t-1")),
                false,
                "seller erp buyer 5001 423943917 t-1 Да",
            ),
            (
                Platform::YandexMarket,
                Author::Platform,
                false,
                "platform platform_automatic buyer 5001 423943917 - Да",
            ),
        ] {
            let chat = Chat { id: "5001".to_owned(), buyer: 2_475_455, order: Some(order_of(platform)) };
            let written = Message { author, id: 70_000_001, at: at(), text: "Да", opens };
            assert_eq!(told(&message(&store(platform), &chat, &written)), expected, "{platform:?}");
        }
    }

    #[test]
    fn orders_say_what_was_meant() {
        for (platform, step, expected) in [
            (Platform::Ozon, Step::Created, "created paid 24219509-0020-1 470011201"),
            (Platform::Ozon, Step::Packed, "state_changed awaiting_shipment 24219509-0020-1 -"),
            (Platform::Ozon, Step::Shipped, "state_changed shipped 24219509-0020-1 -"),
            (Platform::Ozon, Step::Delivered, "state_changed delivered 24219509-0020-1 -"),
            (Platform::Wildberries, Step::Created, "created created 13833711 470011201"),
            (Platform::Wildberries, Step::Packed, "state_changed awaiting_shipment 13833711 -"),
            (Platform::Wildberries, Step::Shipped, "state_changed shipped 13833711 -"),
            (Platform::Wildberries, Step::Delivered, "state_changed delivered 13833711 -"),
            (Platform::YandexMarket, Step::Created, "created created 423943917 PL-140"),
            (Platform::YandexMarket, Step::Packed, "state_changed awaiting_shipment 423943917 -"),
            (Platform::YandexMarket, Step::Shipped, "state_changed shipped 423943917 -"),
            (Platform::YandexMarket, Step::Delivered, "state_changed delivered 423943917 -"),
        ] {
            assert_eq!(
                told(&order(&store(platform), &order_of(platform), step, at())),
                expected,
                "{platform:?}"
            );
        }
    }
}
