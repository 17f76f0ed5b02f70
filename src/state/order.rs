//! What is remembered of an order: when it reached which state, what is in it, what was promised for it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::{ChangeStatus, Item, OrderEvent, OrderKind, OrderState, Party, Scheme, TimeSource};
use crate::hash::stable_hash;
use crate::time::{Millis, Span};

use super::seen::SeenIds;

/// One order (one posting, where the platform splits orders).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// An event of the order was seen; before that it is a name that something was promised under.
    pub known: bool,
    /// Delivery scheme.
    pub scheme: Scheme,
    /// First time each state was reached, in the order of arrival; states never go back.
    reached: SmallVec<[Reached; 4]>,
    /// What was bought.
    pub items: Vec<OrderItem>,
    /// The order's own numbers: order, posting.
    pub numbers: SmallVec<[Box<str>; 2]>,
    /// Tracking numbers.
    pub tracking: SmallVec<[Box<str>; 1]>,
    /// Delay events, latest last.
    delays: SmallVec<[Millis; 2]>,
    /// The last address change.
    pub address_change: Option<AddressChange>,
    /// Messages of each proactive kind: hash of the kind's id, how many.
    quotas: SmallVec<[(u32, u16); 1]>,
    /// Gifts promised.
    pub promises: Vec<Promise>,
    /// What went into the parcel, once that is known.
    pub shipped_with: Option<ShippedWith>,
    /// Latest event.
    pub last_event_at: Millis,
    /// Ids seen.
    pub seen: SeenIds,
    /// When it is asked whether promised gifts were in the parcel; a restart must neither forget nor move that moment.
    pub gift_look: Option<Millis>,
}

/// A state and when it was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The state.
    pub state: OrderState,
    /// When.
    pub at: Millis,
    /// The time is the collector's.
    pub observed: bool,
}

/// One line of the order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// SKU or offer id.
    pub sku: Option<Box<str>>,
    /// Title.
    pub title: Option<Box<str>>,
    /// Brand.
    pub brand: Option<Box<str>>,
}

/// An address change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChange {
    /// When it was asked for.
    pub requested_at: Millis,
    /// By whom.
    pub by: Option<Party>,
    /// The platform's answer, once there is one.
    pub settled: Option<ChangeStatus>,
}

/// A gift that a seller promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// When.
    pub at: Millis,
    /// The message, by event id.
    pub event_id: Box<str>,
    /// Conversation it was made in.
    pub conversation: Option<Box<str>>,
    /// The message id, for the export of the whole conversation.
    pub message_id: Option<Box<str>>,
    /// Folded words that name the gift; empty when the promise does not name it.
    pub words: Vec<Box<str>>,
    /// How it ended.
    pub closed: Option<(Millis, PromiseEnd)>,
}

/// How a promise ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromiseEnd {
    /// The gift was in the parcel.
    Kept,
    /// It was not.
    Broken,
    /// Nobody knows: the contents of the parcel were never reported.
    Unknown,
    /// The order was cancelled before it was shipped.
    Void,
}

/// What went into the parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShippedWith {
    /// When it was packed.
    pub at: Millis,
    /// Gifts; `None` when the event did not say.
    pub gifts: Option<Vec<OrderItem>>,
}

/// The moment of an order a window hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderAnchor {
    /// Order created.
    Created,
    /// Paid, or accepted with payment on delivery.
    Paid,
    /// Handed to the carrier.
    Shipped,
    /// With the buyer.
    Delivered,
}

/// When an order reached a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It did, then.
    At {
        /// When.
        at: Millis,
        /// The time is the collector's.
        observed: bool,
    },
    /// It has not.
    NotYet,
    /// It has, but nobody saw when.
    Unseen,
}

/// How far a state is along the way.
const fn rank(state: OrderState) -> u8 {
    match state {
        OrderState::Unknown => 0,
        OrderState::Created => 1,
        OrderState::Unpaid => 2,
        OrderState::Paid => 3,
        OrderState::AwaitingShipment => 4,
        OrderState::Shipped => 5,
        OrderState::CustomsCleared => 6,
        OrderState::OutForDelivery => 7,
        OrderState::AtPickup => 8,
        OrderState::Delivered => 9,
        OrderState::Cancelled | OrderState::Returned | OrderState::Disputed => 10,
    }
}

impl Order {
    const DELAYS_CAP: usize = 8;
    const PROMISES_CAP: usize = 8;
    const ITEMS_CAP: usize = 64;
    const NUMBERS_CAP: usize = 8;

    /// Takes one order event. Repeats and late arrivals move nothing back: of each state the earliest time stays.
    pub fn observe(&mut self, event: &OrderEvent<'_>, at: Millis, source: TimeSource) {
        self.known = true;
        self.last_event_at = self.last_event_at.max(at);
        let observed = source == TimeSource::Observed;
        if event.scheme != Scheme::Unknown
            && (self.scheme == Scheme::Unknown || event.scheme != Scheme::FbsOrRfbs)
        {
            self.scheme = event.scheme;
        }
        for number in [&event.order.posting, &event.order.order].into_iter().flatten() {
            self.add_number(number);
        }
        if !event.items.is_empty() {
            self.learn_items(&event.items, event.kind == OrderKind::ItemsChanged);
        }
        for number in &event.tracking {
            if self.tracking.len() < Self::NUMBERS_CAP
                && !self.tracking.iter().any(|known| **known == **number)
            {
                self.tracking.push((&**number).into());
            }
        }
        match event.kind {
            OrderKind::Created => self.reach(OrderState::Created, at, observed),
            OrderKind::Cancelled => self.reach(OrderState::Cancelled, at, observed),
            _ => {}
        }
        if let Some(state) = event.state {
            self.reach(state, at, observed);
        }
        if event.delay {
            let position = self.delays.partition_point(|time| *time <= at);
            self.delays.insert(position, at);
            if self.delays.len() > Self::DELAYS_CAP {
                self.delays.remove(0);
            }
        }
        if event.kind == OrderKind::AddressChange {
            self.change_address(event, at);
        }
        if event.kind == OrderKind::ShippedWith {
            let gifts = event.gift_items.as_ref().map(|gifts| gifts.iter().map(OrderItem::from).collect());
            self.shipped_with = Some(ShippedWith { at, gifts });
        }
    }

    fn add_number(&mut self, number: &str) {
        if self.numbers.len() < Self::NUMBERS_CAP && !self.numbers.iter().any(|known| **known == *number) {
            self.numbers.push(number.into());
        }
    }

    fn learn_items(&mut self, items: &[Item<'_>], replace: bool) {
        if replace {
            self.items.clear();
        }
        for item in items {
            let item = OrderItem::from(item);
            let known = self.items.iter().position(|known| known.sku.is_some() && known.sku == item.sku);
            if let Some(index) = known {
                let known = &mut self.items[index];
                known.title = item.title.or_else(|| known.title.take());
                known.brand = item.brand.or_else(|| known.brand.take());
            } else if self.items.len() < Self::ITEMS_CAP && !self.items.contains(&item) {
                self.items.push(item);
            }
        }
    }

    fn reach(&mut self, state: OrderState, at: Millis, observed: bool) {
        if state == OrderState::Unknown {
            return;
        }
        match self.reached.iter_mut().find(|reached| reached.state == state) {
            // A platform's own time beats the collector's, which is always later than the truth.
            Some(known) if (known.observed && !observed) || (at < known.at && known.observed == observed) => {
                *known = Reached { state, at, observed };
            }
            Some(_) => {}
            None => self.reached.push(Reached { state, at, observed }),
        }
    }

    fn change_address(&mut self, event: &OrderEvent<'_>, at: Millis) {
        match event.status.unwrap_or_default() {
            ChangeStatus::Requested => {
                self.address_change = Some(AddressChange { requested_at: at, by: event.by, settled: None });
            }
            settled => {
                let change = self.address_change.get_or_insert(AddressChange {
                    requested_at: at,
                    by: None,
                    settled: None,
                });
                change.settled = Some(settled);
            }
        }
    }

    /// The state in force at `at`; `None` when nothing was reached by then.
    pub fn state_at(&self, at: Millis) -> Option<OrderState> {
        self.reached
            .iter()
            .filter(|reached| reached.at <= at)
            .max_by_key(|reached| (rank(reached.state), reached.at))
            .map(|reached| reached.state)
    }

    /// First time `state` was reached.
    pub fn reached(&self, state: OrderState) -> Option<Reached> {
        self.reached.iter().copied().find(|reached| reached.state == state)
    }

    /// The last state change at or before `at`.
    pub fn last_change(&self, at: Millis) -> Option<Reached> {
        self.reached.iter().copied().filter(|reached| reached.at <= at).max_by_key(|reached| reached.at)
    }

    /// When the moment a window hangs on was reached.
    pub fn moment(&self, anchor: OrderAnchor) -> Moment {
        let state = match anchor {
            OrderAnchor::Created => OrderState::Created,
            OrderAnchor::Paid => OrderState::Paid,
            OrderAnchor::Shipped => OrderState::Shipped,
            OrderAnchor::Delivered => OrderState::Delivered,
        };
        if let Some(reached) = self.reached(state) {
            return Moment::At { at: reached.at, observed: reached.observed };
        }
        // A later stage on the way to the buyer implies the moment; a cancellation implies nothing.
        let passed = self.reached.iter().any(|reached| {
            rank(reached.state) > rank(state) && !matches!(reached.state, OrderState::Cancelled)
        });
        if passed || self.reached.is_empty() { Moment::Unseen } else { Moment::NotYet }
    }

    /// Whether a delay event lies within `within` before `at` (or in the same instant).
    pub fn delayed_within(&self, at: Millis, within: Span) -> bool {
        self.delays.iter().any(|delay| *delay <= at && at.since(*delay) <= within)
    }

    /// Messages of the proactive kind `id` so far.
    pub fn used(&self, id: &str) -> u16 {
        let key = kind_key(id);
        self.quotas.iter().find(|(kind, _)| *kind == key).map_or(0, |(_, used)| *used)
    }

    /// Counts one more message of the proactive kind `id`.
    pub fn count_use(&mut self, id: &str) {
        let key = kind_key(id);
        match self.quotas.iter_mut().find(|(kind, _)| *kind == key) {
            Some((_, used)) => *used = used.saturating_add(1),
            None => self.quotas.push((key, 1)),
        }
    }

    /// Remembers a promise; the oldest closed one makes room.
    pub fn promise(&mut self, promise: Promise) {
        if self.promises.len() >= Self::PROMISES_CAP {
            let closed = self.promises.iter().position(|promise| promise.closed.is_some());
            self.promises.remove(closed.unwrap_or(0));
        }
        self.last_event_at = self.last_event_at.max(promise.at);
        self.promises.push(promise);
    }

    /// Promises that are neither kept nor broken.
    pub fn open_promises(&self) -> impl Iterator<Item = &Promise> {
        self.promises.iter().filter(|promise| promise.closed.is_none())
    }

    /// Whether the order was handed over at or before `at`.
    pub fn shipped_by(&self, at: Millis) -> bool {
        self.state_at(at).is_some_and(|state| {
            (rank(OrderState::Shipped)..=rank(OrderState::Delivered)).contains(&rank(state))
                || matches!(state, OrderState::Returned | OrderState::Disputed)
        })
    }
}

fn kind_key(id: &str) -> u32 {
    stable_hash(id.as_bytes()) as u32
}

impl From<&Item<'_>> for OrderItem {
    fn from(item: &Item<'_>) -> Self {
        let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(Into::into);
        Self { sku: own(&item.sku), title: own(&item.title), brand: own(&item.brand) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(state: OrderState) -> OrderEvent<'static> {
        OrderEvent { kind: OrderKind::StateChanged, state: Some(state), ..OrderEvent::default() }
    }

    #[test]
    fn states_never_go_back_whatever_the_order_of_arrival() {
        use OrderState::{AwaitingShipment, Delivered, Paid, Shipped};
        let steps = [(10, Paid), (20, AwaitingShipment), (30, Shipped), (35, Shipped), (40, Delivered)];
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 2, 1]] {
            let mut known = Order::default();
            for index in order {
                let (at, state) = steps[index];
                known.observe(&changed(state), Millis(at), TimeSource::Native);
            }
            for (at, expected) in [(5, None), (15, Some(Paid)), (32, Some(Shipped)), (99, Some(Delivered))] {
                assert_eq!(known.state_at(Millis(at)), expected, "at {at}, order {order:?}");
            }
            assert_eq!(known.moment(OrderAnchor::Shipped), Moment::At { at: Millis(30), observed: false });
        }
    }

    #[test]
    fn a_moment_is_reached_not_yet_or_unseen() {
        use OrderState::{AtPickup, AwaitingShipment, Cancelled};
        for (states, expected) in [
            (&[][..], Moment::Unseen),
            (&[AwaitingShipment], Moment::NotYet),
            (&[AtPickup], Moment::Unseen),
            (&[AwaitingShipment, Cancelled], Moment::NotYet),
        ] {
            let mut order = Order::default();
            for state in states {
                order.observe(&changed(*state), Millis(1), TimeSource::Native);
            }
            assert_eq!(order.moment(OrderAnchor::Shipped), expected, "{states:?}");
        }
    }

    #[test]
    fn the_platforms_time_beats_the_collectors() {
        for order in [[true, false], [false, true]] {
            let mut known = Order::default();
            for observed in order {
                let (at, source) = if observed { (5, TimeSource::Observed) } else { (9, TimeSource::Native) };
                known.observe(&changed(OrderState::Shipped), Millis(at), source);
            }
            assert_eq!(known.moment(OrderAnchor::Shipped), Moment::At { at: Millis(9), observed: false });
        }
    }
}
