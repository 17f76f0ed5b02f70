//! A simulated fleet: stores on three platforms, their orders and conversations, and now and then somebody who breaks a
//! rule ([`super::stories`]). The same setting gives the same records, byte for byte.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::native::{self, Author, Chat, Item, Message, Order, Platform, Step, Store};
use super::random::Random;
use super::texts::{Exchange, texts};
use crate::time::{Millis, Span};

/// What a fleet is made from.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// How many stores.
    pub stores: usize,
    /// What chance begins with.
    pub seed: u64,
    /// From when on it lives.
    pub begin: Millis,
    /// Until when.
    pub end: Millis,
}

/// Where a record belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Messages, registries, enforcement.
    Messages,
    /// Orders.
    Orders,
}

/// One Kafka record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: Topic,
    /// Its key: `platform/store`.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
}

/// The fleet.
#[derive(Debug)]
pub struct Fleet {
    setting: Setting,
    pub(super) stores: Vec<Store>,
    pub(super) random: Random,
    /// What will happen, by time and then in the order it was planned.
    queue: BTreeMap<(Millis, u64), Record>,
    planned: u64,
    /// Everyday life is planned up to here.
    lived_to: Millis,
    ids: u64,
    broken: usize,
    /// Exchanges that break a rule and were not heard yet in this round.
    bad_words: Vec<&'static Exchange>,
}

const ITEMS: [Item; 9] = [
    Item { title: "Плед шерстяной 140х200", sku: 470_011_201, offer: "PL-140" },
    Item {
        title: "Лампа настольная светодиодная", sku: 470_022_302, offer: "LN-7"
    },
    Item { title: "Часы спортивные", sku: 470_033_403, offer: "CH-22" },
    Item { title: "Полотенце махровое 70х140", sku: 46_000_341, offer: "PM-70" },
    Item { title: "Чехол силиконовый чёрный", sku: 146_000_231, offer: "CS-54" },
    Item { title: "Колонка портативная", sku: 146_000_442, offer: "KP-10" },
    Item { title: "Чайник электрический 1,7 л", sku: 146_000_777, offer: "SL-7" },
    Item { title: "Скатерть льняная", sku: 146_000_888, offer: "LM-2" },
    Item { title: "Кастрюля 3,5 л", sku: 146_000_999, offer: "KS-35" },
];

/// Conversations of a store in an hour, and of a whole fleet at least.
const CONVERSATIONS: usize = 2;
const CONVERSATIONS_OF_FLEET: usize = 60;
/// Messages in a hundred that arrive twice.
const REPEATED: i64 = 2;
/// So long before its beginning the fleet has been living already.
const BEFORE: Span = Span::hours(6);

impl Fleet {
    /// Opens the stores and lays out who will break which rule.
    pub fn new(setting: Setting) -> Self {
        let stores = (0..setting.stores).map(store).collect();
        let mut fleet = Self {
            setting,
            stores,
            random: Random::new(setting.seed),
            queue: BTreeMap::new(),
            planned: 0,
            lived_to: setting.begin.minus(BEFORE),
            ids: 0,
            broken: 0,
            bad_words: Vec::new(),
        };
        for index in 0..fleet.stores.len() {
            fleet.open(index);
        }
        fleet.tell_stories(setting.begin, setting.end);
        fleet
    }

    /// Records of everything that happened up to `at` and was not asked for before.
    pub fn until(&mut self, at: Millis) -> Vec<Record> {
        while self.lived_to <= at {
            self.live_an_hour(self.lived_to);
            self.lived_to = self.lived_to.plus(Span::hours(1));
        }
        let later = self.queue.split_off(&(at.plus(Span(1)), 0));
        std::mem::replace(&mut self.queue, later).into_values().collect()
    }

    /// Records among all that are planned which cannot be read.
    pub fn broken(&self) -> usize {
        self.broken
    }

    /// Every store: platform, id and agency.
    pub fn agencies(&self) -> Vec<(&'static str, String, &'static str)> {
        self.stores.iter().map(|store| (store.platform.name(), store.id.clone(), store.agency)).collect()
    }

    // Planning.

    fn plan(&mut self, at: Millis, topic: Topic, key: String, value: Vec<u8>) {
        // What would lie in the future never happens.
        if at <= self.setting.end {
            self.planned += 1;
            self.queue.insert((at, self.planned), Record { topic, key, value });
        }
    }

    /// Something without a native form.
    pub(super) fn canonical(&mut self, store: &Store, kind: &str, what: &str, at: Millis, fields: &Value) {
        let topic = if kind == "order" { Topic::Orders } else { Topic::Messages };
        let value = native::canonical(store, kind, what, at, fields).to_string().into_bytes();
        self.plan(at, topic, store.key(), value);
    }

    /// A record that cannot be read.
    pub(super) fn spoil(&mut self, store: &Store, at: Millis, value: &str) {
        if at <= self.setting.end {
            self.broken += 1;
        }
        self.plan(at, Topic::Messages, store.key(), value.as_bytes().to_vec());
    }

    /// Somebody writes the first message of a chat.
    pub(super) fn opens(&mut self, store: &Store, chat: &Chat, author: Author<'_>, at: Millis, text: &str) {
        self.writes(store, chat, Message { author, id: 0, at, text, opens: true });
    }

    /// Somebody writes a later one.
    pub(super) fn says(&mut self, store: &Store, chat: &Chat, author: Author<'_>, at: Millis, text: &str) {
        self.writes(store, chat, Message { author, id: 0, at, text, opens: false });
    }

    fn writes(&mut self, store: &Store, chat: &Chat, message: Message<'_>) {
        let message = Message { id: self.id(), ..message };
        let value = native::message(store, chat, &message).to_string().into_bytes();
        if self.random.chance(REPEATED) {
            // A push and the next poll bring the same message twice.
            self.plan(message.at.plus(Span::minutes(3)), Topic::Messages, store.key(), value.clone());
        }
        self.plan(message.at, Topic::Messages, store.key(), value);
    }

    /// An order reaches a step.
    pub(super) fn step(&mut self, store: &Store, order: &Order, step: Step, at: Millis) {
        let value = native::order(store, order, step, at).to_string().into_bytes();
        self.plan(at, Topic::Orders, store.key(), value);
    }

    pub(super) fn id(&mut self) -> u64 {
        self.ids += 1;
        // Seeds differ in their ids, so that two demos on one broker would not meet.
        70_000_000 + self.setting.seed % 1000 * 10_000_000 + self.ids
    }

    /// A new order.
    pub(super) fn order(&mut self, store: &Store) -> Order {
        let id = self.id();
        let number = match store.platform {
            Platform::Ozon => format!("{}-{:04}-1", id % 100_000_000, self.random.between(1, 9999)),
            Platform::Wildberries => format!("eAP.m{}.0.0", self.random.uuid().replace('-', "")),
            Platform::YandexMarket => (400_000_000 + id % 100_000_000).to_string(),
        };
        Order { number, task: id, tracking: format!("80083{:09}", self.random.between(0, 1_000_000_000)) }
    }

    /// A new chat about an order, or about nothing that is known.
    pub(super) fn chat(&mut self, store: &Store, order: Option<&Order>) -> Chat {
        let id = match store.platform {
            Platform::Ozon => self.random.uuid(),
            Platform::Wildberries => format!("1:{}", self.random.uuid()),
            Platform::YandexMarket => self.id().to_string(),
        };
        let buyer = self.random.between(2_000_000, 9_000_000).unsigned_abs();
        Chat { id, buyer, order: order.cloned() }
    }

    /// A clean exchange that fits the platform.
    pub(super) fn clean_exchange(&mut self, platform: Platform) -> Option<&'static Exchange> {
        let fitting =
            texts().exchanges.iter().filter(|exchange| exchange.is_clean() && exchange.fits(platform));
        self.random.pick(&fitting.collect::<Vec<_>>()).copied()
    }

    /// An exchange that breaks a rule and fits the platform; each is heard before one is heard again.
    pub(super) fn bad_exchange(&mut self, platform: Platform) -> Option<&'static Exchange> {
        if !self.bad_words.iter().any(|exchange| exchange.fits(platform)) {
            self.bad_words.extend(texts().exchanges.iter().filter(|exchange| !exchange.is_clean()));
            self.random.shuffle(&mut self.bad_words);
        }
        let at = self.bad_words.iter().position(|exchange| exchange.fits(platform))?;
        Some(self.bad_words.swap_remove(at))
    }

    // Everyday life.

    /// A store opens: it is registered with what it may do.
    fn open(&mut self, index: usize) {
        let store = self.stores[index].clone();
        let at =
            self.setting.begin.minus(Span::days(10)).plus(Span::seconds(i64::try_from(index).unwrap_or(0)));
        let title = json!({ "kind": "store", "title": format!("{} {}", store.item.title, store.id) });
        self.canonical(&store, "registry", "r/store", at, &title);
        match store.platform {
            // The last store of the platform never asked for the permission.
            Platform::Wildberries if index >= 3 || self.stores.len() < 4 => {
                let care = json!({ "kind": "capability", "name": "wb_care", "status": "granted" });
                self.canonical(&store, "registry", "r/capability/wb_care/1", at, &care);
            }
            Platform::Ozon => {
                for status in ["submitted", "approved"] {
                    let template = json!({
                        "kind": "template", "template": "ship-01", "status": status, "class": "shipment_notice",
                        "surface": "chat", "version": "1", "text": SHIPMENT_NOTICE,
                    });
                    let at = if status == "approved" { at.plus(Span::days(2)) } else { at };
                    self.canonical(
                        &store,
                        "registry",
                        &format!("r/template/ship-01/{status}"),
                        at,
                        &template,
                    );
                }
            }
            Platform::Wildberries | Platform::YandexMarket => {}
        }
    }

    /// Everything that begins in an hour and breaks no rule.
    fn live_an_hour(&mut self, hour: Millis) {
        let conversations = (self.stores.len() * CONVERSATIONS).max(CONVERSATIONS_OF_FLEET);
        for _ in 0..conversations {
            let at = hour.plus(Span(self.random.between(0, Span::hours(1).0)));
            let Some(store) = self.random.pick(&self.stores).cloned() else { return };
            self.sell(&store, at);
        }
    }

    /// Somebody orders, asks about it, and is answered.
    fn sell(&mut self, store: &Store, at: Millis) {
        let order = self.order(store);
        let chat = self.chat(store, Some(&order));
        let packed = at.plus(Span::minutes(self.random.between(90, 240)));
        let shipped = packed.plus(Span::minutes(self.random.between(90, 300)));
        let delivered = shipped.plus(Span::hours(self.random.between(20, 60)));
        self.step(store, &order, Step::Created, at);
        self.step(store, &order, Step::Packed, packed);
        self.step(store, &order, Step::Shipped, shipped);
        self.step(store, &order, Step::Delivered, delivered);
        let asked = at.plus(Span::minutes(self.random.between(75, 240)));
        match store.platform {
            Platform::YandexMarket if self.random.chance(40) => {
                let at = at.plus(Span::minutes(self.random.between(30, 60)));
                let summary = summary(store, &order);
                self.opens(store, &chat, Author::Program(Some("summary-1")), at, &summary);
                self.ask(store, &chat, asked, false);
            }
            Platform::Wildberries if self.random.chance(25) && self.may_care(store) => {
                let at = shipped.plus(Span::minutes(self.random.between(60, 600)));
                self.opens(store, &chat, Author::Operator, at, CARE);
            }
            Platform::Wildberries if self.random.chance(5) => {
                self.opens(store, &chat, Author::Platform, asked, REVIEW_PROMPT);
            }
            Platform::Ozon if self.random.chance(20) => {
                let at = shipped.plus(Span::minutes(self.random.between(60, 200)));
                self.opens(store, &chat, Author::Buyer, at, "Здравствуйте, есть трек-номер?");
                let notice = SHIPMENT_NOTICE.replace("{tracking_number}", &order.tracking);
                self.says(
                    store,
                    &chat,
                    Author::Program(Some("ship-01")),
                    at.plus(Span::seconds(20)),
                    &notice,
                );
            }
            _ => self.ask(store, &chat, asked, true),
        }
    }

    /// A question and its answer in good time; now and then a word of thanks.
    fn ask(&mut self, store: &Store, chat: &Chat, at: Millis, opens: bool) {
        let Some(exchange) = self.clean_exchange(store.platform) else { return };
        if opens {
            self.opens(store, chat, Author::Buyer, at, &exchange.buyer);
        } else {
            self.says(store, chat, Author::Buyer, at, &exchange.buyer);
        }
        // Few answers come so late that a warning is due.
        let minutes = if self.random.chance(2) { (92, 115) } else { (3, 70) };
        let answered = at.plus(Span::minutes(self.random.between(minutes.0, minutes.1)));
        self.says(store, chat, Author::Operator, answered, &exchange.seller);
        if !self.random.chance(45) {
            return;
        }
        let thanked = answered.plus(Span::minutes(self.random.between(1, 30)));
        if let Some(thanks) = self.random.pick(&texts().thanks) {
            self.says(store, chat, Author::Buyer, thanked, thanks);
        }
        if self.random.chance(60)
            && let Some(welcome) = self.random.pick(&texts().welcome)
        {
            let at = thanked.plus(Span::minutes(self.random.between(1, 20)));
            self.says(store, chat, Author::Operator, at, welcome);
        }
    }

    /// Whether a store has the permission to write first after shipment.
    pub(super) fn may_care(&self, store: &Store) -> bool {
        self.stores.len() < 4
            || self.stores.iter().position(|other| other == store).is_some_and(|index| index >= 3)
    }
}

/// The approved shipment notice.
pub(super) const SHIPMENT_NOTICE: &str =
    "Здравствуйте! Ваш заказ передан в доставку. Трек-номер: {tracking_number}.";
/// The message that may be sent once after shipment.
pub(super) const CARE: &str = "Здравствуйте! Ваш заказ отгружен, упакован в плёнку.";
/// What Wildberries writes in the seller's name after a low review.
const REVIEW_PROMPT: &str = "Здравствуйте. Вы оставили отзыв с низкой оценкой. Давайте обсудим, что не так с товаром. \
                             Пожалуйста, расскажите подробно: попробую решить проблему";

/// The message that may be sent once before the buyer asks.
pub(super) fn summary(store: &Store, order: &Order) -> String {
    format!("Здравствуйте! Заказ {} принят: {} {}, 1 шт.", order.number, store.item.title, store.item.offer)
}

/// The stores in turn: platform, agency and goods go round.
fn store(index: usize) -> Store {
    let platform = Platform::ALL[index % 3];
    let first = match platform {
        Platform::Ozon => 184_213,
        Platform::Wildberries => 250_011,
        Platform::YandexMarket => 654_300,
    };
    Store {
        platform,
        id: (first + index / 3 * 137).to_string(),
        agency: if index.is_multiple_of(2) { "severny-veter" } else { "lotos-trade" },
        item: ITEMS[index % 3 * 3 + index / 3 % 3],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::{self, Decoded};

    fn setting(stores: usize, seed: u64) -> Setting {
        let begin = Millis::parse("2026-10-01T09:00:00Z").unwrap();
        Setting { stores, seed, begin, end: begin.plus(Span::hours(25)) }
    }

    fn lived(setting: Setting, steps: i64) -> Vec<Record> {
        let mut fleet = Fleet::new(setting);
        let step = setting.end.since(setting.begin).0 / steps;
        (0..=steps).flat_map(|n| fleet.until(setting.begin.plus(Span(step * n)))).collect()
    }

    #[test]
    fn a_seed_tells_one_story_however_often_it_is_asked() {
        let once = lived(setting(25, 7), 1);
        assert_eq!(once, lived(setting(25, 7), 500));
        assert_ne!(once, lived(setting(25, 8), 1));
        assert!(once.len() > 5000, "{}", once.len());
    }

    #[test]
    fn records_can_be_read_but_for_those_that_are_meant_not_to() {
        for stores in [1, 4, 25, 60] {
            let setting = setting(stores, 3);
            let broken = Fleet::new(setting).broken();
            let mut unreadable = 0;
            let mut seen = BTreeSet::new();
            for record in lived(setting, 10) {
                let events = match event::decode(&record.value) {
                    Ok(Decoded::One(event)) => vec![event],
                    Ok(Decoded::Many(events)) => events,
                    Ok(Decoded::Skipped(reason)) => {
                        panic!("{reason:?}: {}", String::from_utf8_lossy(&record.value))
                    }
                    Err(_) => {
                        unreadable += 1;
                        continue;
                    }
                };
                for event in events {
                    assert!(event.occurred_at <= setting.end, "{} lies in the future", event.event_id);
                    assert_eq!(record.key, format!("{}/{}", event.platform, event.store));
                    seen.insert(event.platform.into_owned());
                }
            }
            assert_eq!((unreadable, broken), (3, 3), "{stores} stores");
            assert_eq!(seen.len(), stores.min(3));
        }
    }
}
