//! Who does what to whom: frames over the few hits of a text.
//!
//! A frame asks for an object, an act and further groups within a distance, in one clause, sentence or message, and
//! says what a denial means. It looks only at hits near its object, so the work is linear in the hits.

use crate::text::lexicon::{Across, Denied, Groups, Lexicon, Order, builtin};
use crate::text::scan::Hit;
use crate::text::{Confidence, FrameHit, NameId, SignalId, Via};

/// A denial reaches this far (half words): "не можем сделать вам скидку".
const DENIAL_REACH: u32 = 6;
/// "скидок на этот товар нет"
const LACKING_REACH: u32 = 6;
/// Groups of a frame's `unless` count this far.
const UNLESS_REACH: u32 = 48;

/// A frame as run. Distances are in half words.
#[derive(Clone, Debug)]
pub(in crate::text) struct Frame {
    pub(in crate::text) signal: SignalId,
    pub(in crate::text) object: Groups,
    pub(in crate::text) act: Groups,
    pub(in crate::text) with: Vec<Groups>,
    pub(in crate::text) unless: Groups,
    pub(in crate::text) within: u16,
    pub(in crate::text) across: Across,
    pub(in crate::text) order: Order,
    pub(in crate::text) denied: Denied,
    pub(in crate::text) suspected: bool,
    pub(in crate::text) alone: Option<u32>,
    pub(in crate::text) disguised: bool,
}

impl Frame {
    /// A frame without an act: the object alone says it.
    pub(in crate::text) fn mention(signal: SignalId, object: Groups) -> Self {
        Self {
            signal,
            object,
            act: Groups::default(),
            with: Vec::new(),
            unless: Groups::default(),
            within: 0,
            across: Across::Clause,
            order: Order::Any,
            denied: Denied::Suppress,
            suspected: false,
            alone: None,
            disguised: false,
        }
    }
}

/// A frame that stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::text) struct Found {
    pub(in crate::text) signal: SignalId,
    pub(in crate::text) start: u32,
    pub(in crate::text) end: u32,
    pub(in crate::text) via: Via,
    pub(in crate::text) confidence: Confidence,
    pub(in crate::text) hit: Option<FrameHit>,
    /// The object among the hits: what guards and masks look at.
    pub(in crate::text) object: usize,
    pub(in crate::text) object_start: u32,
    pub(in crate::text) object_end: u32,
    /// A denial somewhere else changes nothing.
    pub(in crate::text) firm: bool,
    /// What takes it back.
    pub(in crate::text) by: Option<NameId>,
}

/// Ways to hide a word that nobody falls into by accident.
pub(in crate::text) const DISGUISE: Via = Via::ZERO_WIDTH
    .union(Via::LOOKALIKE)
    .union(Via::COMPATIBILITY)
    .union(Via::LEET)
    .union(Via::SPACED)
    .union(Via::REPEATED)
    .union(Via::TRANSLITERATED)
    .union(Via::SPELLED);
/// A guessed word by itself is one to be sure of from so many bytes on: no part number is `wh4ts4pp`.
const MIN_CERTAIN_GUESS: u32 = 7;
/// Readings that guess.
pub(in crate::text) const GUESSED: Via = Via::LEET.union(Via::TRANSLITERATED);

/// Holds all frames against the hits (sorted by start). `words` is the length of the text in half words.
pub(in crate::text) fn find(
    lexicon: &Lexicon,
    hits: &[Hit],
    present: &Groups,
    words: u32,
    out: &mut Vec<Found>,
) {
    for (at, object) in hits.iter().enumerate() {
        if object.hidden {
            continue;
        }
        let Some(frames) = lexicon.frames_of.get(usize::from(object.group)) else { continue };
        for index in frames {
            if let Some(frame) = lexicon.frames.get(usize::from(*index))
                && possible(frame, object, present, words)
                && let Some(found) = hold(lexicon, frame, hits, at, object)
            {
                out.push(found);
            }
        }
    }
    settle_refusals(lexicon, out);
}

/// The cheap part: whether all groups occur at all.
fn possible(frame: &Frame, object: &Hit, present: &Groups, words: u32) -> bool {
    frame.alone.is_none_or(|limit| words <= limit)
        && (!frame.disguised || object.via.intersects(DISGUISE))
        && (frame.act.is_empty() || frame.act.intersects(present))
        && frame.with.iter().all(|with| with.intersects(present))
}

fn hold(lexicon: &Lexicon, frame: &Frame, hits: &[Hit], at: usize, object: &Hit) -> Option<Found> {
    let mut span = (object.start, object.end);
    let mut via = object.via;
    let mut act = None;
    let mut negated = lacks(hits, at, frame.act.is_empty());
    if !frame.act.is_empty() {
        let (chosen, denied) = nearest_act(frame, hits, at, object)?;
        negated |= denied;
        act = Some(chosen);
        widen(&mut span, &mut via, chosen);
    }
    for with in &frame.with {
        let other = neighbours(hits, at, u32::from(frame.within))
            .find(|(_, hit)| {
                with.contains(hit.group)
                    && within_structure(frame.across, object, hit)
                    && act.is_none_or(|act| !overlap(act, hit))
            })?
            .1;
        widen(&mut span, &mut via, other);
    }
    if !frame.unless.is_empty()
        && neighbours_or_over(hits, at, UNLESS_REACH)
            .any(|hit| frame.unless.contains(hit.group) && hit.sentence == object.sentence)
    {
        return None;
    }
    let by = match (frame.denied, negated) {
        (Denied::Suppress, true) => Some(lexicon.reasons.refusal),
        (Denied::Require, false) => return None,
        _ => None,
    };
    let guessed = act.is_none()
        && frame.with.is_empty()
        && via.intersects(GUESSED)
        && object.end - object.start < MIN_CERTAIN_GUESS;
    Some(Found {
        signal: frame.signal,
        start: span.0,
        end: span.1,
        via,
        confidence: if frame.suspected || guessed { Confidence::Suspected } else { Confidence::Certain },
        hit: act.map(|act| FrameHit { act: NameId(act.group), object: NameId(object.group), negated }),
        object: at,
        object_start: object.start,
        object_end: object.end,
        firm: frame.denied != Denied::Suppress,
        by,
    })
}

fn widen(span: &mut (u32, u32), via: &mut Via, hit: &Hit) {
    *span = (span.0.min(hit.start), span.1.max(hit.end));
    *via |= hit.via;
}

/// The nearest act that is not denied, else the nearest denied one.
fn nearest_act<'h>(frame: &Frame, hits: &'h [Hit], at: usize, object: &Hit) -> Option<(&'h Hit, bool)> {
    let mut denied_act: Option<&Hit> = None;
    let mut best: Option<(&Hit, u32)> = None;
    for (index, hit) in neighbours(hits, at, u32::from(frame.within)) {
        let ordered = match frame.order {
            Order::Any => true,
            Order::ActFirst => hit.start < object.start,
            Order::ObjectFirst => hit.start > object.start,
        };
        if !ordered || !frame.act.contains(hit.group) || !within_structure(frame.across, object, hit) {
            continue;
        }
        if denied(hits, index) {
            denied_act = denied_act.or(Some(hit));
        } else {
            let distance = gap(object, hit);
            if best.is_none_or(|(_, known)| distance < known) {
                best = Some((hit, distance));
            }
        }
    }
    // "в WhatsApp не общаемся, пишите здесь": what the object's own clause denies, the next one does not affirm.
    let own_clause = |hit: &Hit| hit.clause == object.clause;
    if denied_act.is_some_and(own_clause) && best.is_some_and(|(hit, _)| !own_clause(hit)) {
        best = None;
    }
    match (best, frame.denied, denied_act) {
        (_, Denied::Require, Some(hit)) => Some((hit, true)),
        (Some((hit, _)), _, _) => Some((hit, false)),
        (None, _, Some(hit)) => Some((hit, true)),
        (None, _, None) => None,
    }
}

/// Whether a negator stands before a hit or a lack right after it.
pub(in crate::text) fn denied(hits: &[Hit], at: usize) -> bool {
    let Some(act) = hits.get(at) else { return false };
    neighbours(hits, at, DENIAL_REACH).any(|(_, hit)| {
        hit.clause == act.clause
            && ((hit.group == builtin::NEGATOR && hit.start < act.start)
                || (hit.group == builtin::LACKING && hit.start > act.start && gap(act, hit) <= 1))
    })
}

/// Whether the object itself is said to be lacking ("скидок нет"), or, without an act, is denied at all.
fn lacks(hits: &[Hit], at: usize, alone: bool) -> bool {
    let Some(object) = hits.get(at) else { return false };
    neighbours(hits, at, LACKING_REACH).any(|(_, hit)| {
        hit.clause == object.clause
            && match hit.group {
                builtin::LACKING => hit.start > object.start || gap(object, hit) <= 2,
                builtin::NEGATOR => alone,
                _ => false,
            }
    })
}

/// Where one frame heard the object refused, a mere mention of the same object says nothing more.
fn settle_refusals(lexicon: &Lexicon, found: &mut [Found]) {
    let refusal = Some(lexicon.reasons.refusal);
    for at in 0..found.len() {
        let Some(this) = found.get(at).copied() else { continue };
        if this.by.is_some() || this.hit.is_some() || this.firm {
            continue;
        }
        // Found frames of one object (under whatever group) stand together.
        let same =
            |other: &&Found| other.object_start < this.object_end && this.object_start < other.object_end;
        let before = found.get(..at).unwrap_or_default().iter().rev().take_while(same);
        let after = found.get(at..).unwrap_or_default().iter().take_while(same);
        let family =
            |other: &Found| other.signal == this.signal && other.by == refusal && other.hit.is_some();
        let refused = before.chain(after).any(family);
        if refused && let Some(this) = found.get_mut(at) {
            this.by = refusal;
        }
    }
}

/// Hits that stand apart from the one at `at`, visible, within a distance in half words, nearest side first.
pub(in crate::text) fn neighbours(
    hits: &[Hit],
    at: usize,
    within: u32,
) -> impl Iterator<Item = (usize, &Hit)> + '_ {
    /// No term is longer than this many half words, so nothing nearer hides behind it.
    const LONGEST: u32 = 24;
    let (from, to, start, end) =
        hits.get(at).map_or((0, 0, 0, 0), |hit| (hit.pos, hit.end_pos, hit.start, hit.end));
    let left = (0..at).rev().filter_map(move |index| hits.get(index).map(|hit| (index, hit)));
    let left = left
        .take_while(move |(_, hit)| from.saturating_sub(hit.pos) <= within + LONGEST)
        .filter(move |(_, hit)| hit.end <= start && from.saturating_sub(hit.end_pos) <= within);
    let right = hits.iter().enumerate().skip(at + 1);
    let right = right
        .take_while(move |(_, hit)| hit.pos.saturating_sub(to) <= within)
        .filter(move |(_, hit)| hit.start >= end);
    left.chain(right).filter(|(_, hit)| !hit.hidden)
}

/// Neighbours and hits that overlap.
pub(in crate::text) fn neighbours_or_over(
    hits: &[Hit],
    at: usize,
    within: u32,
) -> impl Iterator<Item = &Hit> + '_ {
    let (from, to) = hits.get(at).map_or((0, 0), |hit| (hit.pos, hit.end_pos));
    let left = hits.get(..at).unwrap_or_default().iter().rev();
    let left = left.take_while(move |hit| from.saturating_sub(hit.pos) <= within);
    let right = hits.get(at + 1..).unwrap_or_default().iter();
    let right = right.take_while(move |hit| hit.pos.saturating_sub(to) <= within);
    left.chain(right).filter(|hit| !hit.hidden)
}

pub(in crate::text) fn within_structure(across: Across, one: &Hit, other: &Hit) -> bool {
    match across {
        Across::Clause => one.clause == other.clause,
        Across::Sentence => one.sentence == other.sentence,
        Across::Message => true,
    }
}

fn overlap(one: &Hit, other: &Hit) -> bool {
    one.start < other.end && other.start < one.end
}

fn gap(one: &Hit, other: &Hit) -> u32 {
    if one.start <= other.start {
        other.pos.saturating_sub(one.end_pos)
    } else {
        one.pos.saturating_sub(other.end_pos)
    }
}
