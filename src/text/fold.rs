//! Folding: how a text reads once disguises are undone, with a way back to the original bytes.
//!
//! The main view undoes what can be undone without doubt: case, width, compatibility forms, invisible characters,
//! ё, traditional Chinese, letters of another script inside a word, letters repeated. What may be read in more than
//! one way makes a further view, and only when the text gives cause for it, so a plain message has one view.

mod alternates;
mod class;
mod letters;
mod spelled;
mod tables;
mod view;
mod words;

use crate::text::Via;
pub(in crate::text) use tables::Near;
pub use tables::{FoldTables, TablesError};
pub use view::View;

bitflags::bitflags! {
    /// What the first pass saw that may need another look.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Causes: u16 {
        /// A word mixes scripts.
        const MIXED = 1;
        /// A letter stands three times in a row.
        const REPEATED = 1 << 1;
        /// Four letters stand alone in a row.
        const SPACED = 1 << 2;
        /// Digits or signs touch letters.
        const LEET = 1 << 3;
        /// Words that may spell a number or sign, or digits that stand alone.
        const SPELLED = 1 << 4;
        /// A blank beside a Chinese character.
        const HAN_SPACE = 1 << 5;
        const LATIN = 1 << 6;
        const CYRILLIC = 1 << 7;
    }
}

/// The views of one text. Reused from text to text: a plain one allocates nothing once the buffers have grown.
#[derive(Debug, Default)]
pub struct Folded {
    /// After the first pass: scripts still mixed.
    raw: View,
    main: View,
    /// Whether `main` differs from `raw`.
    rewritten: bool,
    other: Slot,
    joined: Slot,
    leet: [Slot; 2],
    transliterated: Slot,
    spelled: Slot,
    scratch: words::Scratch,
}

#[derive(Debug, Default)]
struct Slot {
    on: bool,
    view: View,
}

impl Folded {
    /// Folds a text, forgetting the one before.
    pub fn fold(&mut self, original: &str, tables: &FoldTables) {
        let causes = letters::fold(original, tables, &mut self.raw);
        self.rewritten = causes.intersects(Causes::MIXED | Causes::REPEATED)
            && words::normalise(&self.raw, &mut self.main, tables, words::Reading::Main, &mut self.scratch);
        for slot in [&mut self.other, &mut self.joined, &mut self.transliterated, &mut self.spelled] {
            slot.on = false;
        }
        self.leet.iter_mut().for_each(|slot| slot.on = false);
        if !(causes - Causes::LATIN - Causes::CYRILLIC).is_empty() || causes.contains(Causes::LATIN) {
            self.alternates(causes, tables);
        }
    }

    fn alternates(&mut self, causes: Causes, tables: &FoldTables) {
        let main = if self.rewritten { &self.main } else { &self.raw };
        if causes.contains(Causes::LATIN) && causes.intersects(Causes::MIXED | Causes::CYRILLIC) {
            let reading = words::Reading::Other;
            self.other.on =
                words::normalise(&self.raw, &mut self.other.view, tables, reading, &mut self.scratch);
        }
        if causes.intersects(Causes::SPACED | Causes::HAN_SPACE) {
            self.joined.on = alternates::join(main, &mut self.joined.view, tables, &mut self.scratch);
        }
        let base = if self.joined.on { &self.joined.view } else { main };
        if causes.intersects(Causes::LEET | Causes::SPACED) {
            let mut more = true;
            for (nth, slot) in self.leet.iter_mut().enumerate() {
                if more {
                    (slot.on, more) = alternates::leet(base, &mut slot.view, tables, nth);
                }
            }
        }
        if causes.contains(Causes::LATIN) {
            self.transliterated.on = alternates::transliterate(base, &mut self.transliterated.view, tables);
        }
        if causes.intersects(Causes::SPELLED | Causes::LEET | Causes::SPACED) {
            self.spelled.on = spelled::spell(main, &mut self.spelled.view, tables, &mut self.scratch);
        }
    }

    /// The main view.
    pub fn main(&self) -> &View {
        if self.rewritten { &self.main } else { &self.raw }
    }

    /// The views to look for terms in: main first, then those the text gave cause for.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        let [first, second] = &self.leet;
        let alternates = [&self.other, &self.joined, first, second, &self.transliterated];
        std::iter::once(self.main())
            .chain(alternates.into_iter().filter(|slot| slot.on).map(|slot| &slot.view))
    }

    /// The view with numbers, dots, at-signs and slashes in place of their words; for links and contacts only.
    pub fn spelled(&self) -> Option<&View> {
        self.spelled.on.then_some(&self.spelled.view)
    }

    /// The views to look for links and contacts in: main, the other reading of words that mix scripts, spelled.
    pub fn contact_views(&self) -> impl Iterator<Item = &View> {
        std::iter::once(self.main()).chain(self.other.on.then_some(&self.other.view)).chain(self.spelled())
    }
}

#[cfg(test)]
mod tests;
