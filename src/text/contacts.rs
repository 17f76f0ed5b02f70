//! Phones, e-mail addresses, handles and card numbers.
//!
//! Precision comes first: a number is a phone because it is written like one or because a word beside it says so, and
//! orders, parcels, articles and tax numbers are taken off by the order's own numbers, by context words and by check
//! digits.

pub(in crate::text) mod digits;

use std::ops::Range;

use super::fold::{FoldTables, Near, View};
use super::links::{host_end, is_host, is_host_char};
use super::{Confidence, ScanContext, Via};
use digits::{Group, Shape};

/// What kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContactKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A name in a messenger: `@shop_help`.
    Handle,
    /// A bank card.
    Card,
}

/// A contact in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// What it is.
    pub kind: ContactKind,
    /// First byte in the original text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What had to be undone to see it.
    pub via: Via,
    /// `Suspected` for a bare run of digits that may be something else.
    pub confidence: Confidence,
}

/// Finds the contacts of one view and adds those that no earlier view has found; `out` stays ordered by start.
/// Call it with every view of [`super::fold::Folded::contact_views`], in that order.
pub fn find(view: &View, tables: &FoldTables, context: &ScanContext<'_>, out: &mut Vec<Contact>) {
    let earlier = out.len();
    let mut scan = Scan { view, text: &view.text, tables, context, earlier, out };
    scan.signs();
    scan.numbers();
    if out.len() > earlier {
        out.sort_by_key(|contact| contact.start);
    }
}

struct Scan<'a> {
    view: &'a View,
    text: &'a str,
    tables: &'a FoldTables,
    context: &'a ScanContext<'a>,
    /// Contacts of earlier views.
    earlier: usize,
    out: &'a mut Vec<Contact>,
}

impl<'a> Scan<'a> {
    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    fn push(&mut self, kind: ContactKind, range: Range<usize>, confidence: Confidence) {
        let place = self.view.original(range.clone());
        let known = self.out.get(..self.earlier).unwrap_or_default();
        let rival = known.partition_point(|c| c.start < place.end).checked_sub(1).and_then(|n| known.get(n));
        if rival.is_some_and(|c| c.end > place.start) {
            return;
        }
        let via = self.view.via(range);
        self.out.push(Contact { kind, start: place.start, end: place.end, via, confidence });
    }

    /// E-mail addresses and handles: what stands around an at-sign.
    fn signs(&mut self) {
        let mut floor = 0;
        let bytes = self.text.as_bytes();
        while let Some(at) = bytes.get(floor..).and_then(|rest| memchr::memchr(b'@', rest)).map(|n| floor + n)
        {
            let name = self.slice(floor..at);
            let local =
                name.char_indices().rev().take_while(|(_, c)| is_host_char(*c) || matches!(c, '+' | '%'));
            let start = local.last().map_or(at, |(n, _)| floor + n);
            let end = host_end(self.text, at + 1);
            let host = self.slice(at + 1..end).trim_end_matches(['.', '-', '_']);
            let end = at + 1 + host.len();
            floor = end.max(at + 1);
            let local = self.slice(start..at).trim_start_matches(['.', '-']);
            let start = at - local.len();
            if local.is_empty() {
                self.handle(at, host);
            } else if local.len() >= 2 && is_host(host) {
                self.push(ContactKind::Email, start..end, Confidence::Certain);
            } else if local.len() >= 2 && self.tables.mail_hosts.iter().any(|known| known == host) {
                self.push(ContactKind::Email, start..end, Confidence::Suspected);
            }
        }
    }

    fn handle(&mut self, at: usize, name: &str) {
        let name = name.split('-').next().unwrap_or_default().trim_end_matches('.');
        let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
        let begins = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        let before = self.slice(0..at).chars().next_back();
        // `в@тс`, `a @@b`, and the platform's own name are none.
        let joined = before.is_some_and(|c| is_host_char(c) || matches!(c, '@' | '/' | '='));
        if letters && begins && !joined && (4..=32).contains(&name.len()) && name != self.context.platform {
            self.push(ContactKind::Handle, at..at + 1 + name.len(), Confidence::Certain);
        }
    }

    /// Phones and cards.
    fn numbers(&mut self) {
        if !digits::any(self.text) {
            return;
        }
        let mut from = 0;
        let mut groups = digits::Groups::new();
        while let Some(run) = digits::run(self.text, from, &mut groups) {
            from = run.end;
            let mut at = 0;
            while at < groups.len() {
                at = self.number(&groups, at, run.end).unwrap_or(at + 1);
            }
        }
    }

    /// Reads a number from the group at `first` on; answers the group after it.
    fn number(&mut self, groups: &[Group], first: usize, run_end: usize) -> Option<usize> {
        let group = groups.get(first)?;
        if !self.may_begin(group, first) {
            return None;
        }
        for count in (1..=(groups.len() - first).min(8)).rev() {
            let taken = groups.get(first..first + count)?;
            let last = taken.last()?;
            // A number that goes on with a dash is not this one: 24219509-0020-1.
            let goes_on = groups.get(first + count).is_some_and(|next| !next.after_blank);
            if goes_on || (first + count == groups.len() && !self.may_end(run_end)) {
                continue;
            }
            let Some((shape, kind)) = digits::shape(self.text, taken) else { continue };
            let start = group.start - usize::from(group.plus) - usize::from(group.bracket);
            let range = start..last.end;
            if let Some(confidence) = self.judge(shape, kind, group, taken, &range) {
                self.push(kind, range, confidence);
                return Some(first + count);
            }
            if shape != Shape::NeedsWord {
                return None;
            }
        }
        None
    }

    fn may_begin(&self, group: &Group, nth: usize) -> bool {
        if nth > 0 {
            return group.after_blank;
        }
        let start = group.start - usize::from(group.plus) - usize::from(group.bracket);
        let before = self.slice(0..start);
        let Some(c) = before.chars().next_back() else { return true };
        if c.is_alphabetic() && is_host_char(c) {
            // `тел89001234567`
            let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
            return matches!(self.tables.near(word), Some(Near::Phone | Near::Weak));
        }
        let further = before.chars().rev().nth(1);
        match c {
            '-' | '_' | '/' | '=' | '.' | ',' | '%' => !further.is_some_and(|c| c.is_ascii_alphanumeric()),
            '#' | '№' => false,
            _ => true,
        }
    }

    fn may_end(&self, at: usize) -> bool {
        let rest = self.slice(at..self.text.len());
        !rest
            .chars()
            .next()
            .is_some_and(|c| (c.is_alphabetic() && is_host_char(c)) || matches!(c, '@' | '_' | '%'))
    }

    fn judge(
        &self,
        shape: Shape,
        kind: ContactKind,
        group: &Group,
        taken: &[Group],
        range: &Range<usize>,
    ) -> Option<Confidence> {
        if self.is_own(range) || is_sum(self.slice(range.end..self.text.len())) {
            return None;
        }
        let unmistakable = group.plus || group.bracket || taken.iter().any(|g| g.bracket);
        let near = self.near(range);
        let via = self.view.via(range.clone());
        match (kind, near, shape) {
            (_, Some(Near::Other), Shape::Formatted) if !unmistakable => Some(Confidence::Suspected),
            (_, Some(Near::Other), _) if !unmistakable => None,
            (ContactKind::Card, Some(Near::Card), _) | (_, _, Shape::Formatted) => Some(Confidence::Certain),
            // "Number 8450006924": parts, forms and cars have such numbers as well.
            (ContactKind::Phone, Some(Near::Weak), Shape::NeedsWord) if taken.len() == 1 => {
                Some(Confidence::Suspected)
            }
            (ContactKind::Phone, Some(Near::Phone | Near::Weak), _) => Some(Confidence::Certain),
            (_, _, Shape::NeedsWord) => None,
            (ContactKind::Phone, _, _) if !via.difference(Via::TRADITIONAL).is_empty() => {
                Some(Confidence::Certain)
            }
            _ => Some(Confidence::Suspected),
        }
    }

    /// Whether the number is one of the order's own, or a part of one.
    fn is_own(&self, range: &Range<usize>) -> bool {
        let number: smallvec::SmallVec<[u8; 32]> =
            self.slice(range.clone()).bytes().filter(u8::is_ascii_digit).collect();
        self.context.numbers.iter().any(|own| {
            let own: smallvec::SmallVec<[u8; 64]> = own.bytes().filter(u8::is_ascii_digit).collect();
            own.windows(number.len().max(1)).any(|part| part == number.as_slice())
        })
    }

    /// What the words around say: the nearest before it within its sentence, else one after it.
    fn near(&self, range: &Range<usize>) -> Option<Near> {
        let before = digits::tail(self.slice(0..range.start), 64);
        let before = before.rsplit(['\n', '!', '?', ';', '。', '！', '？']).next().unwrap_or_default();
        let mut found = None;
        for word in before.rsplit(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(4) {
            match self.tables.near(word) {
                Some(Near::Weak) => found = Some(Near::Weak),
                Some(near) => return Some(near),
                None => {}
            }
        }
        if before.trim_end_matches([' ', ':', '.']).ends_with("s/n") {
            return Some(Near::Other);
        }
        if found.is_none() {
            found = self.tables.near_chinese(digits::tail(before, 30), true);
        }
        if found.is_some() {
            return found;
        }
        let after = digits::head(self.slice(range.end..self.text.len()), 48);
        let after = after.split(['\n', '!', '?', ';', '。']).next().unwrap_or_default();
        let word = after.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(3);
        let phone = |near: &Near| *near == Near::Phone;
        word.filter_map(|w| self.tables.near(w))
            .find(phone)
            .or(self.tables.near_chinese(after, false).filter(phone))
    }
}

/// Whether what follows a number says that it is a sum or a measure.
fn is_sum(after: &str) -> bool {
    const UNITS: [&str; 22] = [
        "руб", "р.", "₽", "$", "€", "¥", "元", "тг", "₸", "шт", "кг", "мм", "см", "км", "мл", "гб", "тб",
        "mah", "мач", "%", "°", "дн",
    ];
    let after = after.trim_start_matches(' ');
    UNITS.iter().any(|unit| after.starts_with(unit))
}

#[cfg(test)]
mod tests;
