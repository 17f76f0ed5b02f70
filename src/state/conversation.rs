//! What is remembered of a conversation: when the buyer wrote, what waits for an answer, what was brought up.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::{ConversationContext, ConversationType};
use crate::time::{Millis, Span};

use super::seen::SeenIds;

/// One conversation. Times are event times; nothing here depends on the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Who it is with.
    pub kind: ConversationType,
    /// What it is about.
    pub context: ConversationContext,
    /// Number of the order it is about, once a message named it.
    pub order: Option<Box<str>>,
    /// Latest event.
    pub last_event_at: Millis,
    /// When the buyer wrote, oldest first; the latest [`Conversation::BUYER_CAP`].
    buyer: SmallVec<[BuyerMessage; 2]>,
    /// Earlier buyer messages than those in `buyer` were forgotten.
    buyer_forgotten: bool,
    /// Buyer messages without an answer, oldest first.
    turn: Option<Box<Turn>>,
    /// Latest message of the seller that counts as an answer.
    last_answer_at: Option<Millis>,
    /// What few conversations need.
    extra: Option<Box<Extra>>,
    /// Ids seen.
    pub seen: SeenIds,
}

/// A buyer message, as far as windows care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyerMessage {
    /// When it was written.
    pub at: Millis,
    /// The time is the collector's, not the platform's.
    pub observed: bool,
    /// What it brought up.
    pub topics: Topics,
}

bitflags::bitflags! {
    /// What a buyer brought up.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    pub struct Topics: u8 {
        /// Reviews and stars.
        const REVIEW = 1;
        /// Discounts and bonuses.
        const DISCOUNT = 1 << 1;
        /// The delivery address.
        const ADDRESS = 1 << 2;
        /// Phones, e-mails, messengers.
        const CONTACT = 1 << 3;
        /// Gifts.
        const GIFT = 1 << 4;
        /// Cancelling the order.
        const CANCEL = 1 << 5;
    }
}

/// Buyer messages that wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Oldest first; the first one and the latest others, up to [`Conversation::WAITING_CAP`].
    pub waiting: SmallVec<[Waiting; 1]>,
    /// Deadlines up to here have fired: after a restore they are not armed again.
    pub fired_until: Option<Millis>,
    /// A turn that became known late fires no deadline before this: its answer may be on the way as well.
    pub not_before: Option<Millis>,
}

/// One buyer message that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// When it was written.
    pub at: Millis,
    /// The time is the collector's.
    pub observed: bool,
    /// Its event id: a timer verdict names it.
    pub event_id: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Extra {
    /// Hashes of word 5-grams of the buyer's last messages, sorted, each with when it was first written.
    quotes: Vec<(u64, Millis)>,
    /// The seller's short messages of the last ten minutes that could be parts of a contact.
    fragments: Vec<(Millis, Box<str>)>,
    /// A buyer message that quotes a promise made outside the platform.
    promise_elsewhere: Option<Millis>,
}

impl Conversation {
    /// Buyer messages kept.
    pub const BUYER_CAP: usize = 16;
    /// Unanswered messages kept.
    pub const WAITING_CAP: usize = 16;
    const QUOTES_CAP: usize = 192;
    const FRAGMENTS_CAP: usize = 5;
    const FRAGMENT_BYTES: usize = 160;
    /// Contacts are split over messages no further apart than this.
    pub const FRAGMENTS_WITHIN: Span = Span::minutes(10);

    /// The buyer wrote. `event_id` is given when the message needs an answer.
    pub fn buyer_wrote(&mut self, message: BuyerMessage, event_id: Option<&str>) {
        self.touch(message.at);
        let position = self.buyer.partition_point(|other| other.at <= message.at);
        if !(self.buyer_forgotten && position == 0) {
            self.buyer.insert(position, message);
        }
        if self.buyer.len() > Self::BUYER_CAP {
            self.buyer.remove(0);
            self.buyer_forgotten = true;
        }
        let answered = self.last_answer_at.is_some_and(|at| at >= message.at);
        if let (Some(event_id), false) = (event_id, answered) {
            let turn = self.turn.get_or_insert_default();
            let position = turn.waiting.partition_point(|other| other.at <= message.at);
            let waiting = Waiting { at: message.at, observed: message.observed, event_id: event_id.into() };
            turn.waiting.insert(position, waiting);
            if turn.waiting.len() > Self::WAITING_CAP {
                turn.waiting.remove(1);
            }
        }
    }

    /// The seller wrote something that counts as an answer: every turn up to its time is answered.
    pub fn seller_answered(&mut self, at: Millis) {
        self.touch(at);
        self.last_answer_at = self.last_answer_at.max(Some(at));
        if let Some(turn) = &mut self.turn {
            let first = turn.waiting.first().map(|waiting| waiting.at);
            turn.waiting.retain(|waiting| waiting.at > at);
            match turn.waiting.first().map(|waiting| waiting.at) {
                None => self.turn = None,
                // What is left is another turn, with deadlines of its own.
                left if left != first => (turn.fired_until, turn.not_before) = (None, None),
                _ => {}
            }
        }
    }

    /// Something happened at `at`.
    pub fn touch(&mut self, at: Millis) {
        self.last_event_at = self.last_event_at.max(at);
    }

    /// The buyer's last message at or before `at`; `Err` when it was forgotten (more than
    /// [`Conversation::BUYER_CAP`] later ones are known).
    pub fn last_buyer_message(&self, at: Millis) -> Result<Option<BuyerMessage>, Forgotten> {
        let position = self.buyer.partition_point(|message| message.at <= at);
        match position.checked_sub(1) {
            Some(index) => Ok(Some(self.buyer[index])),
            None if self.buyer_forgotten => Err(Forgotten),
            None => Ok(None),
        }
    }

    /// Whether any buyer message is known, at whatever time.
    pub fn has_buyer_message(&self) -> bool {
        !self.buyer.is_empty() || self.buyer_forgotten
    }

    /// What the buyer brought up in messages within `window` before `at`.
    pub fn topics(&self, at: Millis, window: Span) -> Topics {
        self.buyer
            .iter()
            .filter(|message| message.at <= at && at.since(message.at) <= window)
            .fold(Topics::empty(), |all, message| all | message.topics)
    }

    /// The buyer message that waits longest.
    pub fn first_unanswered(&self) -> Option<&Waiting> {
        self.turn.as_ref().and_then(|turn| turn.waiting.first())
    }

    /// Deadlines up to here have fired.
    pub fn fired_until(&self) -> Option<Millis> {
        self.turn.as_ref().and_then(|turn| turn.fired_until)
    }

    /// No deadline of the turn fires before this.
    pub fn not_before(&self) -> Option<Millis> {
        self.turn.as_ref().and_then(|turn| turn.not_before)
    }

    /// The turn became known when some of its deadlines had passed: none fires before `at`.
    pub fn hold_deadlines(&mut self, at: Millis) {
        if let Some(turn) = &mut self.turn {
            turn.not_before = turn.not_before.or(Some(at));
        }
    }

    /// Records that the deadline at `at` fired.
    pub fn fired(&mut self, at: Millis) {
        if let Some(turn) = &mut self.turn {
            turn.fired_until = turn.fired_until.max(Some(at));
        }
    }

    /// Adds hashes of the buyer's words, so that a seller who quotes them is not taken at his own word.
    pub fn remember_quotes(&mut self, at: Millis, hashes: &[u64]) {
        if hashes.is_empty() {
            return;
        }
        let quotes = &mut self.extra.get_or_insert_default().quotes;
        quotes.extend(hashes.iter().map(|hash| (*hash, at)));
        if quotes.len() > Self::QUOTES_CAP {
            quotes.sort_unstable_by_key(|(hash, at)| (*at, *hash));
            quotes.drain(..quotes.len() - Self::QUOTES_CAP);
        }
        quotes.sort_unstable();
        quotes.dedup_by_key(|(hash, _)| *hash);
    }

    /// Hashes of what the buyer wrote before `at`, sorted: nobody quotes what is yet to be written.
    pub fn quotes(&self, at: Millis) -> impl Iterator<Item = u64> {
        let quotes = self.extra.as_ref().map_or(&[][..], |extra| &extra.quotes[..]);
        quotes.iter().filter(move |(_, written)| *written < at).map(|(hash, _)| *hash)
    }

    /// Keeps a short seller message that may be a part of a contact. Long or wordy ones are not kept.
    pub fn remember_fragment(&mut self, at: Millis, text: &str) {
        if text.len() > Self::FRAGMENT_BYTES || !looks_like_part_of_a_contact(text) {
            return;
        }
        let extra = self.extra.get_or_insert_default();
        extra.fragments.retain(|(time, _)| at.since(*time) <= Self::FRAGMENTS_WITHIN);
        if extra.fragments.len() >= Self::FRAGMENTS_CAP {
            extra.fragments.remove(0);
        }
        let position = extra.fragments.partition_point(|(time, _)| *time <= at);
        extra.fragments.insert(position, (at, text.into()));
    }

    /// Fragments sent in the ten minutes before `at`, oldest first.
    pub fn fragments(&self, at: Millis) -> impl Iterator<Item = &str> {
        let fragments = self.extra.as_ref().map_or(&[][..], |extra| &extra.fragments[..]);
        // A message held back finds itself here when it is judged at last.
        let recent = move |time: Millis| time < at && at.since(time) <= Self::FRAGMENTS_WITHIN;
        fragments.iter().filter(move |(time, _)| recent(*time)).map(|(_, text)| &**text)
    }

    /// The buyer quoted a promise that was made outside the platform.
    pub fn remember_promise_elsewhere(&mut self, at: Millis) {
        self.extra.get_or_insert_default().promise_elsewhere = Some(at);
    }

    /// Such a quotation before `at` that no seller message has followed yet.
    pub fn promise_elsewhere(&self, at: Millis) -> Option<Millis> {
        self.extra.as_ref().and_then(|extra| extra.promise_elsewhere).filter(|quoted| *quoted <= at)
    }

    /// A seller message has followed the quotation.
    pub fn settle_promise_elsewhere(&mut self) {
        if let Some(extra) = &mut self.extra {
            extra.promise_elsewhere = None;
        }
    }

    /// Drops what is of use for hours only; says whether there was something. Called when the conversation has been
    /// silent for days.
    pub fn shrink(&mut self) -> bool {
        self.extra.take().is_some()
    }
}

/// Too many later buyer messages are known to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten;

/// Digits, at-signs, slashes, or hardly any words: what a contact cut in pieces is made of.
fn looks_like_part_of_a_contact(text: &str) -> bool {
    text.len() <= 12
        || text.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'@' | b'/' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buyer(at: i64) -> BuyerMessage {
        BuyerMessage { at: Millis(at), observed: false, topics: Topics::empty() }
    }

    fn last(conversation: &Conversation, at: i64) -> Option<i64> {
        conversation.last_buyer_message(Millis(at)).unwrap().map(|message| message.at.0)
    }

    #[test]
    fn the_window_opens_at_the_last_buyer_message_before_the_answer_in_any_order_of_arrival() {
        for order in [[10, 20, 30], [30, 20, 10], [20, 30, 10]] {
            let mut conversation = Conversation::default();
            for at in order {
                conversation.buyer_wrote(buyer(at), None);
            }
            for (at, expected) in [(5, None), (10, Some(10)), (25, Some(20)), (99, Some(30))] {
                assert_eq!(last(&conversation, at), expected, "at {at}, order {order:?}");
            }
        }
    }

    #[test]
    fn an_answer_closes_turns_up_to_its_time_only() {
        // (arrivals: positive = buyer wrote at, negative = seller answered at), first unanswered
        for (arrivals, expected) in [
            (&[10][..], Some(10)),
            (&[10, 20], Some(10)),
            (&[10, -15], None),
            (&[10, 20, -15], Some(20)),
            (&[-15, 10], None),
            (&[-15, 20], Some(20)),
            (&[20, 10, -10], Some(20)),
            (&[10, -10], None),
            (&[10, -9], Some(10)),
        ] {
            let mut conversation = Conversation::default();
            for at in arrivals {
                match at {
                    at @ 0.. => conversation.buyer_wrote(buyer(*at), Some("id")),
                    at => conversation.seller_answered(Millis(-at)),
                }
            }
            assert_eq!(conversation.first_unanswered().map(|w| w.at.0), expected, "{arrivals:?}");
        }
    }

    #[test]
    fn a_million_events_are_bounded_and_what_was_forgotten_is_not_guessed() {
        let mut conversation = Conversation::default();
        for n in 0..100_000 {
            conversation.buyer_wrote(buyer(1000 + n), Some("some-event-id"));
            conversation.remember_fragment(Millis(1000 + n), "8 900");
            conversation.remember_quotes(Millis(1000 + n), &[n as u64]);
        }
        let size = postcard::to_allocvec(&conversation).unwrap().len();
        assert!(size < 4096, "{size}");
        assert_eq!(conversation.last_buyer_message(Millis(5)), Err(Forgotten));
        assert_eq!(conversation.first_unanswered().map(|w| w.at.0), Some(1000));
    }

    #[test]
    fn fragments_are_short_recent_and_few() {
        let mut conversation = Conversation::default();
        let minute = 60_000;
        for (at, text) in
            [(0, "wa"), (minute, ".me/"), (2 * minute, "Спасибо, что написали нам, сейчас всё проверим")]
        {
            conversation.remember_fragment(Millis(at), text);
        }
        let at = |at: i64| conversation.fragments(Millis(at)).collect::<Vec<_>>();
        assert_eq!(at(3 * minute), ["wa", ".me/"]);
        assert_eq!(at(11 * minute), [".me/"]);
        assert_eq!(at(30 * minute), [""; 0]);
    }
}
