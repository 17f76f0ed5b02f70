//! What goes wrong in a fleet: one function for each way to break a rule, and the deck they are dealt from.

use serde_json::json;

use super::fleet::{CARE, Fleet, summary};
use super::native::{Author, Order, Platform, Step, Store};
use crate::time::{Millis, Span};

/// A way to break a rule, or to trouble the fleet otherwise.
type Story = fn(&mut Fleet, &Store, Millis);

/// Every story, and where it happens; `None` is anywhere.
const STORIES: [(Option<Platform>, Story); 20] = [
    (Some(Platform::Ozon), first_contact),
    (Some(Platform::Ozon), late_answer),
    (None, messenger),
    (Some(Platform::Wildberries), second_care_message),
    (Some(Platform::Ozon), gift_not_sent),
    (Some(Platform::YandexMarket), summary_with_an_offer),
    (None, burst),
    (Some(Platform::Ozon), freeze),
    (Some(Platform::Ozon), robot),
    (Some(Platform::Ozon), late_answer),
    (Some(Platform::Ozon), closed_window),
    (Some(Platform::Wildberries), late_care_message),
    (Some(Platform::Ozon), promotional_template),
    (Some(Platform::YandexMarket), second_summary),
    (Some(Platform::Ozon), unregistered_card),
    (Some(Platform::Ozon), review_invitation),
    (Some(Platform::Ozon), address_change),
    (Some(Platform::Ozon), order_page),
    (Some(Platform::Wildberries), care_without_permission),
    (Some(Platform::Ozon), forgotten_template),
];

/// Stories in an hour, for every so many stores. A small fleet has as many as this one.
const STORES: usize = 25;

impl Fleet {
    /// Deals stories over the time of the fleet: every other one is a wrong word, and the rest comes from the deck.
    pub(super) fn tell_stories(&mut self, begin: Millis, end: Millis) {
        let hours = usize::try_from(end.since(begin).0 / Span::hours(1).0).unwrap_or(0);
        let stories = hours * self.stores.len().max(STORES) * 3 / (STORES * 2);
        let mut deck: Vec<(Option<Platform>, Story)> = Vec::new();
        for story in 0..stories {
            // Not in the very first minutes, and early enough to end.
            let span = end.since(begin).0 / i64::try_from(stories).unwrap_or(1).max(1);
            let offset = span * i64::try_from(story).unwrap_or(0) + self.random.between(0, span.max(1));
            let at = begin.plus(Span::minutes(20)).plus(Span(offset));
            if story % 2 == 0 {
                self.somewhere(None, at, wrong_word);
                continue;
            }
            if deck.is_empty() {
                deck.extend(STORIES.iter().rev());
            }
            if let Some((platform, story)) = deck.pop() {
                self.somewhere(platform, at, story);
            }
        }
        // Producers fail, too: three records that nobody can read.
        for (index, (part, value)) in [
            (3, r#"{"v":1,"type":"message","platform":"ozon","store":"#),
            (
                5,
                r#"{"v":1,"type":"native","platform":"ozon","store":"184213","native":{"message_type":"TYPE_NEW_MESSAGE"}}"#,
            ),
            (
                7,
                r#"{"v":1,"type":"order","event_id":"x","platform":"ozon","store":"184213","occurred_at":"yesterday","kind":"created"}"#,
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let at = begin.plus(Span(end.since(begin).0 * part / 10));
            if let Some(store) = self.stores.get(index % self.stores.len().max(1)).cloned() {
                self.spoil(&store, at, value);
            }
        }
    }

    /// Has a story happen in some store of a platform.
    fn somewhere(&mut self, platform: Option<Platform>, at: Millis, story: Story) {
        let fitting: Vec<Store> = self
            .stores
            .iter()
            .filter(|store| platform.is_none_or(|platform| store.platform == platform))
            .cloned()
            .collect();
        if let Some(store) = self.random.pick(&fitting).cloned() {
            story(self, &store, at);
        }
    }

    /// An order that was created, and perhaps shipped, before.
    fn old_order(&mut self, store: &Store, created: Millis, shipped: Option<Millis>) -> Order {
        let order = self.order(store);
        self.step(store, &order, Step::Created, created);
        if let Some(shipped) = shipped {
            self.step(store, &order, Step::Shipped, shipped);
        }
        order
    }
}

fn minutes(fleet: &mut Fleet, low: i64, high: i64) -> Span {
    Span::minutes(fleet.random.between(low, high))
}

/// An answer in good time that says what must not be said.
fn wrong_word(fleet: &mut Fleet, store: &Store, at: Millis) {
    let Some(exchange) = fleet.bad_exchange(store.platform) else { return };
    let order = fleet.old_order(store, at.minus(Span::hours(5)), None);
    let chat = fleet.chat(store, Some(&order));
    let asked = at.minus(minutes(fleet, 4, 15));
    fleet.opens(store, &chat, Author::Buyer, asked, &exchange.buyer);
    fleet.says(store, &chat, Author::Operator, at, &exchange.seller);
}

/// A seller writes to somebody who never wrote.
fn first_contact(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(3)), None);
    let chat = fleet.chat(store, Some(&order));
    fleet.opens(
        store,
        &chat,
        Author::Operator,
        at,
        "Уважаемый покупатель! Спасибо за заказ, мы уже собираем его.",
    );
}

/// A seller writes again, two days after the last word of the buyer.
fn closed_window(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(60)), None);
    let chat = fleet.chat(store, Some(&order));
    let asked = at.minus(Span::hours(51));
    fleet.opens(store, &chat, Author::Buyer, asked, "Здравствуйте, плед колется?");
    fleet.says(
        store,
        &chat,
        Author::Operator,
        asked.plus(Span::minutes(9)),
        "Добрый день! Нет, шерсть тонкая.",
    );
    fleet.says(store, &chat, Author::Operator, at, "Здравствуйте! Вам понравился плед?");
}

/// A buyer waits longer than the platform allows, and is answered at last.
fn late_answer(fleet: &mut Fleet, store: &Store, at: Millis) {
    let Some(exchange) = fleet.clean_exchange(store.platform) else { return };
    let chat = fleet.chat(store, None);
    fleet.opens(store, &chat, Author::Buyer, at, &exchange.buyer);
    let answered = at.plus(minutes(fleet, 150, 260));
    fleet.says(store, &chat, Author::Operator, answered, &exchange.seller);
}

/// The sending system of the agency tells of a message over a messenger.
fn messenger(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(4)), None);
    let id = fleet.random.uuid();
    let message = json!({
        "kind": "sent", "message_id": id, "author": "seller", "origin": "human", "channel": "whatsapp",
        "text": "Здравствуйте, это магазин, перезвоним вечером.", "operator": "op-4", "order": order.number,
    });
    fleet.canonical(store, "message", &format!("m/{id}/sent"), at, &message);
}

/// A program answers without a template that was approved.
fn robot(fleet: &mut Fleet, store: &Store, at: Millis) {
    let chat = fleet.chat(store, None);
    fleet.opens(store, &chat, Author::Buyer, at, "Есть кто-нибудь?");
    let words = "Ваше обращение принято, оператор ответит в ближайшее время.";
    fleet.says(store, &chat, Author::Program(None), at.plus(Span::seconds(15)), words);
}

/// A gift is promised, and the parcel leaves without it.
fn gift_not_sent(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(3)), None);
    let chat = fleet.chat(store, Some(&order));
    fleet.opens(store, &chat, Author::Buyer, at.minus(Span::minutes(50)), "А что-нибудь к заказу положите?");
    let promise = "Подарим мерную ложку, положим в посылку вместе с этим заказом.";
    fleet.says(store, &chat, Author::Operator, at.minus(Span::minutes(45)), promise);
    let packed = json!({ "kind": "shipped_with", "order": { "posting": order.number }, "gift_items": [] });
    fleet.canonical(store, "order", &format!("o/{}/shipped_with/1", order.number), at, &packed);
}

/// A parcel leaves with a card that nobody registered.
fn unregistered_card(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(6)), None);
    let packed = json!({
        "kind": "shipped_with", "order": { "posting": order.number }, "insert": "flyer-autumn", "gift_items": [],
    });
    fleet.canonical(store, "order", &format!("o/{}/shipped_with/1", order.number), at, &packed);
}

/// The ERP invites to a review, which the platform alone may.
fn review_invitation(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(70)), Some(at.minus(Span::hours(60))));
    let invited = json!({ "kind": "review_invited", "order": { "posting": order.number }, "by": "seller" });
    fleet.canonical(store, "order", &format!("o/{}/review_invited/1", order.number), at, &invited);
}

/// The seller approves a new address himself.
fn address_change(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(5)), None);
    for (status, by, at) in [("requested", "buyer", at.minus(Span::hours(1))), ("approved", "seller", at)] {
        let change = json!({ "kind": "address_change", "order": { "posting": order.number }, "status": status, "by": by });
        fleet.canonical(store, "order", &format!("o/{}/address_change/{status}", order.number), at, &change);
    }
}

/// The order page gets a block for promotion.
fn order_page(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(5)), None);
    let page = json!({
        "kind": "page_changed", "order": { "posting": order.number }, "blocks": ["tracking_qr", "promo_banner"],
        "qr_payloads": ["https://lotos-demo.example/club"],
    });
    fleet.canonical(store, "order", &format!("o/{}/page_changed/1", order.number), at, &page);
}

/// A template with a bonus in it is handed in.
fn promotional_template(fleet: &mut Fleet, store: &Store, at: Millis) {
    let id = format!("ship-{}", fleet.id());
    let template = json!({
        "kind": "template", "template": id, "status": "submitted", "class": "shipment_notice", "surface": "chat",
        "text": "Ваш заказ отправлен, трек {tracking_number}. Бонус 200 рублей на следующую покупку!", "version": "1",
    });
    fleet.canonical(store, "registry", &format!("r/template/{id}/submitted"), at, &template);
}

/// A template waits six days for its review.
fn forgotten_template(fleet: &mut Fleet, store: &Store, at: Millis) {
    let id = format!("delay-{}", fleet.id());
    let template = json!({
        "kind": "template", "template": id, "status": "submitted", "class": "logistics_delay", "surface": "chat",
        "text": "Здравствуйте! Доставка вашего заказа задерживается, приносим извинения.", "version": "1",
    });
    fleet.canonical(
        store,
        "registry",
        &format!("r/template/{id}/submitted"),
        at.minus(Span::hours(144)),
        &template,
    );
}

/// The message that may be sent once is sent again.
fn second_care_message(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(40)), Some(at.minus(Span::hours(30))));
    let chat = fleet.chat(store, Some(&order));
    fleet.opens(store, &chat, Author::Operator, at.minus(Span::hours(25)), CARE);
    fleet.says(store, &chat, Author::Operator, at, "Напоминаем: ваш заказ в пути.");
}

/// The message that may be sent once comes after its time.
fn late_care_message(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(90)), Some(at.minus(Span::hours(80))));
    let chat = fleet.chat(store, Some(&order));
    fleet.opens(store, &chat, Author::Operator, at, CARE);
}

/// A store without the permission sends it.
fn care_without_permission(fleet: &mut Fleet, store: &Store, at: Millis) {
    let without = fleet
        .stores
        .iter()
        .find(|other| other.platform == store.platform && !fleet.may_care(other))
        .unwrap_or(store)
        .clone();
    let order = fleet.old_order(&without, at.minus(Span::hours(20)), Some(at.minus(Span::hours(8))));
    let chat = fleet.chat(&without, Some(&order));
    fleet.opens(&without, &chat, Author::Operator, at, CARE);
}

/// The order summary is sent twice.
fn second_summary(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(4)), None);
    let chat = fleet.chat(store, Some(&order));
    let words = summary(store, &order);
    fleet.opens(store, &chat, Author::Program(Some("summary-1")), at.minus(Span::hours(3)), &words);
    fleet.says(store, &chat, Author::Program(Some("summary-1")), at, &words);
}

/// The order summary comes with an offer.
fn summary_with_an_offer(fleet: &mut Fleet, store: &Store, at: Millis) {
    let order = fleet.old_order(store, at.minus(Span::hours(2)), None);
    let chat = fleet.chat(store, Some(&order));
    let words = format!("{} Скидка 10 % на следующий заказ!", summary(store, &order));
    fleet.opens(store, &chat, Author::Program(Some("summary-1")), at, &words);
}

/// The same words go to many buyers within minutes.
fn burst(fleet: &mut Fleet, store: &Store, at: Millis) {
    let words = "Здравствуйте! Склад переезжает, поэтому ваш заказ соберём на день позже обычного срока.";
    for buyer in 0..6 {
        let order = fleet.old_order(store, at.minus(Span::hours(6)), None);
        let chat = fleet.chat(store, Some(&order));
        fleet.opens(store, &chat, Author::Buyer, at.minus(Span::minutes(40 - buyer)), "Когда отправите?");
        fleet.says(store, &chat, Author::Operator, at.plus(Span::seconds(buyer * 40)), words);
    }
}

/// The marketplace punishes the store.
fn freeze(fleet: &mut Fleet, store: &Store, at: Millis) {
    let n = fleet.id();
    for (kind, at) in [("warning", at), ("freeze", at.plus(Span::hours(1)))] {
        let act = json!({ "kind": kind, "reason": "Нарушение правил общения с покупателями" });
        fleet.canonical(store, "enforcement", &format!("e/{kind}/{n}"), at, &act);
    }
}
