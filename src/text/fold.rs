//! Stand-in until the folding branch is merged.
use std::ops::Range;

use crate::text::Via;

/// Tables.
#[derive(Debug, Default)]
pub struct FoldTables;

/// A reading.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The folded text.
    pub text: String,
    map: Vec<u32>,
}

impl View {
    /// Original bytes behind a range.
    pub fn original(&self, folded: Range<usize>) -> Range<u32> {
        let start = self.map.get(folded.start).copied().unwrap_or_default();
        let end = self.map.get(folded.end).copied().unwrap_or(start);
        start..end
    }
    /// What was undone.
    pub fn via(&self, _folded: Range<usize>) -> Via {
        Via::empty()
    }
}

/// Readings of one text.
#[derive(Debug, Default)]
pub struct Folded {
    views: Vec<View>,
}

impl Folded {
    /// Folds.
    pub fn fold(&mut self, text: &str, _tables: &FoldTables) {
        if self.views.is_empty() {
            self.views.push(View::default());
        }
        for view in &mut self.views {
            view.text.clear();
            view.map.clear();
            let mut blank = false;
            for (at, letter) in text.char_indices() {
                let letter = if letter.is_whitespace() && letter != '\n' { ' ' } else { letter };
                if letter == ' ' && blank {
                    continue;
                }
                blank = letter == ' ';
                for low in letter.to_lowercase() {
                    let low = if low == 'ё' { 'е' } else { low };
                    view.text.push(low);
                    view.map.resize(view.text.len(), u32::try_from(at).unwrap_or(u32::MAX));
                }
            }
            view.map.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
    }
    /// Readings, the main one first.
    pub fn views(&self) -> &[View] {
        &self.views
    }
}
