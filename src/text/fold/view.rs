//! A reading of a text, with the way back to the original bytes.
//!
//! The map is a list of pieces, not a number per byte: plain text is one piece, so it costs nothing to make.

use std::ops::Range;

use crate::text::Via;

/// A stretch of a view that comes from one stretch of the original.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// First byte in the view; the piece ends where the next begins.
    folded: u32,
    /// First byte in the original.
    start: u32,
    /// One past the last byte in the original.
    end: u32,
    /// What was undone in it.
    via: Via,
    /// What was dropped between the piece before and this one.
    gap: Via,
    /// Every character has as many bytes here as in the original: offsets run in step.
    in_step: bool,
}

/// A reading of a text.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The folded text. A line break is `\n`, any other run of white space one blank.
    pub text: String,
    pieces: Vec<Piece>,
    /// Everything undone anywhere, so that a plain text is answered without a search.
    any: Via,
    /// What was dropped since the last piece.
    pending: Via,
}

impl View {
    /// The bytes of the original behind a range of the folded text, on character boundaries.
    /// A range that cuts a character is widened to it.
    pub fn original(&self, folded: Range<usize>) -> Range<u32> {
        let (from, to) = self.whole(&folded);
        let start = match self.piece_at(from) {
            Some((piece, _)) if piece.in_step => piece.start + offset(from).saturating_sub(piece.folded),
            Some((piece, _)) => piece.start,
            None => return self.pieces.last().map_or(0..0, |p| p.end..p.end),
        };
        if to <= from {
            return start..start;
        }
        let end = match self.piece_at(to - 1) {
            Some((piece, _)) if piece.in_step => piece.start + offset(to).saturating_sub(piece.folded),
            Some((piece, _)) => piece.end,
            None => start,
        };
        start..end.max(start)
    }

    /// What had to be undone to read a range of the folded text.
    pub fn via(&self, folded: Range<usize>) -> Via {
        if self.any.is_empty() {
            return Via::empty();
        }
        let (from, to) = self.whole(&folded);
        let mut via = Via::empty();
        let Some((_, first)) = self.piece_at(from) else { return via };
        for piece in self.pieces.iter().skip(first).take_while(|p| (p.folded as usize) < to) {
            via |= piece.via;
            // Dropped characters count where they cut a word, not after an emoji or at a word's edge.
            if !piece.gap.is_empty()
                && piece.folded as usize > from
                && self.inside_word(piece.folded as usize)
            {
                via |= piece.gap;
            }
        }
        via
    }

    /// Everything undone anywhere in the text, edges of words included.
    pub fn via_anywhere(&self) -> Via {
        self.any
    }

    /// Forgets the text, keeps the buffers.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.pieces.clear();
        self.any = Via::empty();
        self.pending = Via::empty();
    }

    /// Appends text that runs in step with the original from `start` on.
    #[inline]
    pub(super) fn push_in_step(&mut self, text: &str, start: usize, via: Via) {
        if text.is_empty() {
            return;
        }
        self.step(start, start + text.len(), via);
        self.text.push_str(text);
    }

    /// Appends one character that has as many bytes as the original character at `start`.
    #[inline]
    pub(super) fn push_char_in_step(&mut self, c: char, start: usize) {
        self.step(start, start + c.len_utf8(), Via::empty());
        self.text.push(c);
    }

    fn step(&mut self, start: usize, end: usize, via: Via) {
        let (start, end) = (offset(start), offset(end));
        let gap = std::mem::take(&mut self.pending);
        if let Some(last) = self.pieces.last_mut()
            && last.in_step
            && last.end == start
            && last.via == via
            && gap.is_empty()
        {
            last.end = end;
            return;
        }
        self.any |= via;
        self.pieces.push(Piece { folded: offset(self.text.len()), start, end, via, gap, in_step: true });
    }

    /// Appends text that stands as a whole for a stretch of the original.
    pub(super) fn push_whole(&mut self, text: &str, original: Range<usize>, via: Via) {
        if text.is_empty() {
            return;
        }
        let gap = std::mem::take(&mut self.pending);
        self.any |= via;
        self.pieces.push(Piece {
            folded: offset(self.text.len()),
            start: offset(original.start),
            end: offset(original.end),
            via,
            gap,
            in_step: false,
        });
        self.text.push_str(text);
    }

    /// Notes that something was dropped before what comes next.
    pub(super) fn push_gap(&mut self, via: Via) {
        self.pending |= via;
        self.any |= via;
    }

    /// Makes the last character stand for the original up to `end` as well, as another character.
    pub(super) fn replace_last(&mut self, c: char, end: usize, via: Via) {
        let Some(old) = self.text.chars().next_back() else { return };
        let at = self.text.len() - old.len_utf8();
        let start = self.original(at..self.text.len()).start;
        let mut gap = Via::empty();
        let mut kept = Via::empty();
        if let Some(last) = self.pieces.last_mut() {
            kept = last.via;
            if last.folded as usize >= at {
                gap = last.gap;
                self.pieces.pop();
            } else if last.in_step {
                last.end = start;
            }
        }
        self.text.truncate(at);
        self.pending = gap;
        let mut buffer = [0; 4];
        self.push_whole(c.encode_utf8(&mut buffer), start as usize..end, kept | via);
    }

    fn whole(&self, range: &Range<usize>) -> (usize, usize) {
        let mut from = range.start.min(self.text.len());
        let mut to = range.end.min(self.text.len()).max(from);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        while !self.text.is_char_boundary(to) {
            to += 1;
        }
        (from, to)
    }

    fn piece_at(&self, folded: usize) -> Option<(Piece, usize)> {
        if folded >= self.text.len() {
            return None;
        }
        let after = self.pieces.partition_point(|p| p.folded as usize <= folded);
        let at = after.checked_sub(1)?;
        self.pieces.get(at).map(|p| (*p, at))
    }

    fn inside_word(&self, at: usize) -> bool {
        let (Some(before), Some(after)) = (self.text.get(..at), self.text.get(at..)) else { return false };
        before.chars().next_back().is_some_and(char::is_alphanumeric)
            && after.chars().next().is_some_and(char::is_alphanumeric)
    }
}

fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Rewrites one view into another, left to right; what is not touched is copied with its map.
pub(super) struct Rewrite<'a> {
    base: &'a View,
    out: &'a mut View,
    /// First byte of the base not yet dealt with.
    at: usize,
    /// The piece that holds it.
    piece: usize,
}

impl<'a> Rewrite<'a> {
    pub(super) fn new(base: &'a View, out: &'a mut View) -> Self {
        out.clear();
        Self { base, out, at: 0, piece: 0 }
    }

    /// Copies up to `end`.
    pub(super) fn copy_to(&mut self, end: usize) {
        let end = end.min(self.base.text.len());
        while self.at < end {
            let Some(piece) = self.base.pieces.get(self.piece) else { break };
            let piece_end = self.piece_end(self.piece);
            let stop = piece_end.min(end);
            if self.at == piece.folded as usize {
                self.out.pending |= piece.gap;
                self.out.any |= piece.gap;
            }
            let text = self.base.text.get(self.at..stop).unwrap_or_default();
            if piece.in_step {
                self.out.push_in_step(
                    text,
                    piece.start as usize + self.at - piece.folded as usize,
                    piece.via,
                );
            } else {
                self.out.push_whole(text, piece.start as usize..piece.end as usize, piece.via);
            }
            self.at = stop;
            if stop == piece_end {
                self.piece += 1;
            }
        }
    }

    /// Puts `text` for the base up to `end`.
    pub(super) fn put(&mut self, text: &str, end: usize, via: Via) {
        if text.is_empty() {
            return self.drop_to(end, via);
        }
        let range = self.at..end;
        let original = self.base.original(range.clone());
        let via = via | self.base.via(range);
        self.out.push_whole(text, original.start as usize..original.end as usize, via);
        self.advance(end);
    }

    /// Drops the base up to `end`.
    pub(super) fn drop_to(&mut self, end: usize, via: Via) {
        if end > self.at {
            self.out.push_gap(via);
            self.advance(end);
        }
    }

    /// Copies the rest.
    pub(super) fn finish(mut self) {
        self.copy_to(self.base.text.len());
    }

    fn advance(&mut self, end: usize) {
        self.at = end.max(self.at);
        while self.piece < self.base.pieces.len() && self.piece_end(self.piece) <= self.at {
            self.piece += 1;
        }
    }

    fn piece_end(&self, piece: usize) -> usize {
        self.base.pieces.get(piece + 1).map_or(self.base.text.len(), |p| p.folded as usize)
    }
}
