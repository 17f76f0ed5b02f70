//! Links and contacts on their way to signals: as hits for the frames, masked, and joined over several messages.

use smallvec::SmallVec;

use super::{Hit, Scanner, Scratch, masks};
use crate::text::contacts::{self, Contact, ContactKind, digits};
use crate::text::lexicon::builtin;
use crate::text::links;
use crate::text::{Confidence, HostClass, Link, ScanContext, Signal, SignalId, Signals, Suppressed, Via};

impl Scanner {
    /// Links and contacts are signals by themselves and words to the frames ("наш ник: @shop").
    pub(super) fn collect_contacts(
        &self,
        text: &str,
        context: &ScanContext<'_>,
        scratch: &mut Scratch,
        out: &mut Signals,
    ) {
        // Own numbers are taken back later, with the reason.
        let unmasked = ScanContext { numbers: &[], ..*context };
        for view in scratch.folded.contact_views() {
            links::find(view, text, context.format, &self.domains, context.platform, &mut out.links);
            contacts::find(view, &self.tables, &unmasked, &mut scratch.contacts);
        }
        // What stands before the at-sign of a link is no mailbox: https://shop.example@host.example
        let in_link = |one: &Contact| {
            one.kind == ContactKind::Email
                && out.links.iter().any(|link| link.start < one.start && one.start < link.end)
        };
        scratch.contacts.retain(|one| !in_link(one));
        let foreign =
            out.links.iter().filter(|link| matches!(link.class, HostClass::Messenger | HostClass::Social));
        let places = foreign.map(|link| (builtin::LINK, link.start, link.end, link.via));
        let contacts = scratch.contacts.iter().map(|one| (group_of(one.kind), one.start, one.end, one.via));
        for (group, start, end, via) in places.chain(contacts) {
            scratch.hits.push(Hit::new(start..end, group, via, 2));
        }
    }

    pub(super) fn report_contacts(
        &self,
        text: &str,
        context: &ScanContext<'_>,
        (contacts, hits): (&[Contact], &[Hit]),
        masks: &masks::Masks,
        out: &mut Signals,
    ) {
        // The buyer's own address, named to refuse it: "на ivan@… прислать не можем".
        let refused = |one: &Contact| {
            let hash = |one: &Contact| masks::contact_hash(text, one.start, one.end);
            let place = |hit: &&Hit| hit.start == one.start && hit.group == group_of(one.kind);
            context.quoted.binary_search(&hash(one)).is_ok()
                && hits.iter().find(place).is_some_and(|place| {
                    hits.iter().any(|hit| {
                        !hit.hidden
                            && hit.clause == place.clause
                            && matches!(hit.group, builtin::NEGATOR | builtin::LACKING)
                    })
                })
        };
        let reasons = &self.lexicon.reasons;
        for one in contacts {
            let id = self.id_of(one.kind);
            let (start, end) = (one.start, one.end);
            let written = text.get(start as usize..end as usize).unwrap_or_default();
            let by = if masks::own_number(written, context.numbers) {
                Some(reasons.own_number)
            } else {
                (masks.quoted(start, end) || refused(one)).then_some(reasons.quoted_buyer)
            };
            match by {
                Some(by) => out.suppressed.push(Suppressed { id, start, end, by }),
                None => {
                    let (via, confidence) = (one.via, one.confidence);
                    out.signals.push(Signal { id, start, end, via, confidence, frame: None });
                }
            }
        }
    }

    /// A link to a messenger is a way to reach the seller, a link to a social network an account to follow.
    pub(super) fn report_links(&self, from: usize, masks: Option<&masks::Masks>, out: &mut Signals) {
        for link in out.links.iter().skip(from) {
            let id = match link.class {
                HostClass::Messenger => self.ids.messenger,
                HostClass::Social => self.ids.account,
                _ => continue,
            };
            let (start, end, via) = (link.start, link.end, link.via);
            if masks.is_some_and(|masks| masks.quoted(start, end)) {
                out.suppressed.push(Suppressed { id, start, end, by: self.lexicon.reasons.quoted_buyer });
            } else {
                out.signals.push(Signal {
                    id,
                    start,
                    end,
                    via,
                    confidence: Confidence::Certain,
                    frame: None,
                });
            }
        }
    }

    /// A contact in pieces over several messages: only links and contacts, only what reaches into this text.
    pub(super) fn scan_split(
        &self,
        text: &str,
        context: &ScanContext<'_>,
        scratch: &mut Scratch,
        out: &mut Signals,
    ) {
        let Scratch { folded, contacts, joined, joined_links, .. } = scratch;
        for separator in ["", " "] {
            joined.clear();
            for earlier in context.recent {
                joined.push_str(earlier.trim());
                joined.push_str(separator);
            }
            let own = u32::try_from(joined.len()).unwrap_or(u32::MAX);
            let shift = u32::try_from(text.len() - text.trim_start().len()).unwrap_or_default();
            joined.push_str(text.trim());
            folded.fold(joined, &self.tables);
            contacts.clear();
            joined_links.clear();
            for view in folded.contact_views() {
                links::find(view, joined, context.format, &self.domains, context.platform, joined_links);
                contacts::find(view, &self.tables, context, contacts);
            }
            let place = |end: u32| (0, end.saturating_sub(own).saturating_add(shift));
            for one in contacts.iter().filter(|one| one.start < own && one.end > own) {
                let (start, end) = place(one.end);
                for id in [self.id_of(one.kind), self.ids.split] {
                    let (via, confidence) = (one.via | Via::SPLIT, one.confidence);
                    out.signals.push(Signal { id, start, end, via, confidence, frame: None });
                }
            }
            for link in joined_links.drain(..).filter(|link| link.start < own && link.end > own) {
                let (start, end) = place(link.end);
                // Words that meet at the seam ("готово." + "Скоро") make hosts of no known kind: say nothing of them.
                let known =
                    !matches!(link.class, HostClass::Other | HostClass::FirstParty | HostClass::Tracking);
                if known && !out.links.iter().any(|other| other.host == link.host) {
                    out.links.push(Link { start, end, via: link.via | Via::SPLIT, ..link });
                    self.report_links(out.links.len() - 1, None, out);
                }
            }
        }
        out.links.sort_by_key(|link| link.start);
        if !out.signals.iter().any(|signal| signal.id == self.ids.split) {
            self.scan_split_number(text, context, scratch, out);
        }
    }

    /// A number in pieces with words beside them: "частями: +7 961", "остальное: 740-62-17".
    fn scan_split_number(
        &self,
        text: &str,
        context: &ScanContext<'_>,
        scratch: &mut Scratch,
        out: &mut Signals,
    ) {
        let Scratch { folded, joined, .. } = scratch;
        folded.fold(text, &self.tables);
        let view = folded.spelled().unwrap_or(folded.main());
        // Most messages hold no number: nothing more is asked of those before them.
        let Some(piece) = digits::first_piece(&view.text) else { return };
        let place = view.original(piece.clone());
        let own = view.text.get(piece).unwrap_or_default().bytes().filter(u8::is_ascii_digit);
        let own: SmallVec<[u8; 16]> = own.collect();
        joined.clear();
        for earlier in context.recent {
            folded.fold(earlier, &self.tables);
            let text = &folded.spelled().unwrap_or(folded.main()).text;
            joined.push_str(digits::last_piece(text).and_then(|piece| text.get(piece)).unwrap_or_default());
        }
        if joined.is_empty() {
            return;
        }
        joined.extend(own.into_iter().map(char::from));
        joined.retain(|c| c.is_ascii_digit() || c == '+');
        if let Some(confidence) = digits::mobile(joined)
            && !masks::own_number(joined, context.numbers)
        {
            for id in [self.ids.phone, self.ids.split] {
                let (start, end) = (place.start, place.end);
                out.signals.push(Signal { id, start, end, via: Via::SPLIT, confidence, frame: None });
            }
        }
    }

    fn id_of(&self, kind: ContactKind) -> SignalId {
        match kind {
            ContactKind::Phone => self.ids.phone,
            ContactKind::Email => self.ids.email,
            ContactKind::Handle => self.ids.handle,
            ContactKind::Card => self.ids.card,
        }
    }
}

fn group_of(kind: ContactKind) -> u16 {
    match kind {
        ContactKind::Phone => builtin::PHONE,
        ContactKind::Email => builtin::EMAIL,
        ContactKind::Handle => builtin::HANDLE,
        ContactKind::Card => builtin::CARD,
    }
}
