//! All forms of all lexicons in one double-array trie over characters.
//!
//! Nearly every form begins where a word begins, so nothing is tried inside words: a walk starts at the first letter of
//! a word (and at every character that begins a form without a left boundary, Chinese above all) and ends where no form
//! goes on. An Aho-Corasick automaton answers the same question by a step per byte and failure links in between, and
//! then has its finds inside words thrown away; on Russian chat this is several times faster and takes half the memory.

use std::collections::BTreeMap;
use std::ops::Range;

use super::is_word;

/// The compiled forms.
pub(in crate::text) struct Trie {
    /// By code point: the character's code (0: in no form) and what it is.
    table: Box<[u32]>,
    /// The same beyond the first 65,536 code points, for characters in forms; ordered.
    beyond: Vec<(char, u32)>,
    nodes: Vec<Node>,
    /// By node: the form that ends there.
    ends: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Node {
    /// The child by a code is at `base ^ code`. [`END`] is set where a form ends.
    base: u32,
    /// The parent; a child is one only when this says so.
    check: u32,
}

/// A character of words.
const WORD: u32 = 1 << 31;
/// Some form begins with it.
const STARTS: u32 = 1 << 30;
/// Some form begins with it that asks for no left boundary.
const FREE: u32 = 1 << 29;
const CODE: u32 = FREE - 1;

const END: u32 = 1 << 31;
const NOBODY: u32 = u32::MAX;
const ROOT: u32 = 0;

/// More free places than this are not tried for one node: a little room for a quick build.
const MAX_TRIES: usize = 64;

impl std::fmt::Debug for Trie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trie").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl Trie {
    /// Compiles forms in ascending order, none twice; with each, whether it asks for a left boundary.
    /// Their numbers are their places.
    pub(in crate::text) fn new<'a>(forms: impl Iterator<Item = (&'a str, bool)> + Clone) -> Self {
        let mut frequency: hashbrown::HashMap<char, u32> = hashbrown::HashMap::new();
        for letter in forms.clone().flat_map(|(form, _)| form.chars()) {
            *frequency.entry(letter).or_default() += 1;
        }
        // Frequent characters have low codes and so their nodes stand close together.
        let mut letters: Vec<(char, u32)> = frequency.into_iter().collect();
        letters.sort_by_key(|(letter, count)| (std::cmp::Reverse(*count), *letter));
        let mut codes: BTreeMap<char, u32> = letters.iter().map(|(letter, _)| *letter).zip(1..).collect();
        for (form, left) in forms.clone() {
            if let Some(code) = form.chars().next().and_then(|first| codes.get_mut(&first)) {
                *code |= STARTS | if left { 0 } else { FREE };
            }
        }
        let with_word = |letter: char, code: u32| code | if is_word(letter) { WORD } else { 0 };
        let table = (0..0x1_0000_u32)
            .map(|code| char::from_u32(code).map_or(0, |c| with_word(c, codes.get(&c).copied().unwrap_or(0))))
            .collect();
        let beyond = codes.range('\u{10000}'..).map(|(c, code)| (*c, with_word(*c, *code))).collect();
        let mut trie = Self { table, beyond, nodes: Vec::new(), ends: Vec::new() };
        let coded: Vec<Vec<u32>> = forms
            .map(|(form, _)| {
                let mut coded = Vec::with_capacity(form.len() / 2 + 1);
                coded.extend(form.chars().map(|c| trie.entry(c) & CODE));
                coded
            })
            .collect();
        Builder::new(&mut trie).fill(&coded);
        trie
    }

    /// Calls `found` with the number of every form that occurs, its place, and whether a character of words stands
    /// before it. Ordered by start, then end. Forms that ask for a left boundary are not looked for inside words.
    ///
    /// `starts` names places inside words where a word starts all the same.
    #[inline]
    pub(in crate::text) fn find(
        &self,
        text: &str,
        starts: impl Fn(usize) -> bool,
        mut found: impl FnMut(u32, Range<usize>, bool),
    ) {
        let mut inside = 0;
        for (at, letter) in text.char_indices() {
            let entry = self.entry(letter);
            if entry & STARTS != 0 {
                let inside = inside != 0 && !starts(at);
                if !inside || entry & FREE != 0 {
                    self.walk(text, at, inside, &mut found);
                }
            }
            inside = entry & WORD;
        }
    }

    #[inline]
    fn walk(&self, text: &str, start: usize, inside: bool, found: &mut impl FnMut(u32, Range<usize>, bool)) {
        let (mut at, mut base) = (ROOT, self.nodes.first().map_or(0, |root| root.base));
        for (n, letter) in text.get(start..).unwrap_or_default().char_indices() {
            let next = (base & !END) ^ (self.entry(letter) & CODE);
            let Some(node) = self.nodes.get(next as usize).filter(|node| node.check == at) else { return };
            (at, base) = (next, node.base);
            if base & END != 0
                && let Some(form) = self.ends.get(at as usize)
            {
                found(*form, start..start + n + letter.len_utf8(), inside);
            }
        }
    }

    #[inline]
    fn entry(&self, letter: char) -> u32 {
        match self.table.get(letter as usize) {
            Some(entry) => *entry,
            None => self.entry_beyond(letter),
        }
    }

    #[cold]
    fn entry_beyond(&self, letter: char) -> u32 {
        match self.beyond.binary_search_by_key(&letter, |(known, _)| *known) {
            Ok(at) => self.beyond.get(at).map_or(0, |(_, entry)| *entry),
            Err(_) if is_word(letter) => WORD,
            Err(_) => 0,
        }
    }

    /// The forms, in order of their numbers: to hold other matchers against this one.
    pub(in crate::text) fn forms(&self) -> Vec<String> {
        let low =
            (0..).zip(&*self.table).filter_map(|(code, entry)| Some((entry & CODE, char::from_u32(code)?)));
        let high = self.beyond.iter().map(|(letter, entry)| (entry & CODE, *letter));
        let letters: BTreeMap<u32, char> = low.chain(high).filter(|(code, _)| *code != 0).collect();
        let mut forms = BTreeMap::new();
        for (at, node) in (0..).zip(&self.nodes) {
            if node.check == NOBODY || node.base & END == 0 {
                continue;
            }
            let mut spelled: Vec<char> = Vec::new();
            let mut here = at;
            while let Some(child) = self.nodes.get(here as usize).filter(|node| node.check != NOBODY) {
                let Some(parent) = self.nodes.get(child.check as usize) else { break };
                spelled.extend(letters.get(&((parent.base & !END) ^ here)));
                here = child.check;
            }
            let form = self.ends.get(at as usize).copied().unwrap_or(NOBODY);
            forms.insert(form, spelled.iter().rev().collect());
        }
        forms.into_values().collect()
    }

    /// Bytes on the heap.
    pub(in crate::text) fn memory(&self) -> usize {
        self.table.len() * 4
            + self.beyond.len() * size_of::<(char, u32)>()
            + self.nodes.len() * size_of::<Node>()
            + self.ends.len() * 4
    }
}

struct Builder<'a> {
    trie: &'a mut Trie,
    /// Before this place there is none free.
    full: usize,
    /// Blocks of this many places hold all children of one base.
    block: usize,
}

impl<'a> Builder<'a> {
    fn new(trie: &'a mut Trie) -> Self {
        let codes =
            trie.table.iter().chain(trie.beyond.iter().map(|(_, entry)| entry)).map(|entry| entry & CODE);
        let block = (codes.max().unwrap_or(0) as usize + 1).next_power_of_two();
        Self { trie, full: 1, block }
    }

    /// Places the nodes of all words, depth first: a word's nodes stand near each other.
    fn fill(&mut self, words: &[Vec<u32>]) {
        self.grow(self.block);
        let mut open = vec![(ROOT, 0..words.len(), 0)];
        let mut children: Vec<(u32, Range<usize>)> = Vec::new();
        while let Some((node, mut range, depth)) = open.pop() {
            if words.get(range.start).is_some_and(|word| word.len() == depth) {
                self.end(node, range.start);
                range.start += 1;
            }
            children.clear();
            for n in range {
                let Some(code) = words.get(n).and_then(|word| word.get(depth)) else { continue };
                match children.last_mut() {
                    Some((last, group)) if last == code => group.end = n + 1,
                    _ => children.push((*code, n..n + 1)),
                }
            }
            if children.is_empty() {
                continue;
            }
            let base = self.place(&children);
            if let Some(parent) = self.trie.nodes.get_mut(node as usize) {
                parent.base |= base;
            }
            for (code, group) in children.drain(..).rev() {
                let child = base ^ code;
                if let Some(slot) = self.trie.nodes.get_mut(child as usize) {
                    slot.check = node;
                }
                open.push((child, group, depth + 1));
            }
        }
        self.trie.nodes.shrink_to_fit();
        self.trie.ends.shrink_to_fit();
    }

    fn end(&mut self, node: u32, form: usize) {
        if let (Some(slot), Some(end)) =
            (self.trie.nodes.get_mut(node as usize), self.trie.ends.get_mut(node as usize))
        {
            slot.base |= END;
            *end = u32::try_from(form).unwrap_or(NOBODY);
        }
    }

    fn is_free(&self, place: usize) -> bool {
        place != ROOT as usize && self.trie.nodes.get(place).is_none_or(|node| node.check == NOBODY)
    }

    /// A base at which all children find free places.
    fn place(&mut self, children: &[(u32, Range<usize>)]) -> u32 {
        let first = children.first().map_or(0, |(code, _)| *code);
        while !self.is_free(self.full) {
            self.full += 1;
        }
        let len = self.trie.nodes.len();
        let free = (self.full..len).filter(|place| self.is_free(*place)).take(MAX_TRIES);
        let base = free
            .filter_map(|place| u32::try_from(place).ok().map(|place| place ^ first))
            .find(|base| children.iter().all(|(code, _)| self.is_free((base ^ code) as usize)))
            .unwrap_or_else(|| u32::try_from(len.next_multiple_of(self.block)).unwrap_or(END - 1));
        self.grow((base as usize / self.block + 1) * self.block);
        base
    }

    fn grow(&mut self, len: usize) {
        if len > self.trie.nodes.len() {
            self.trie.nodes.resize(len, Node { base: 0, check: NOBODY });
            self.trie.ends.resize(len, NOBODY);
        }
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    use super::*;

    /// What an Aho-Corasick automaton finds, less what stands inside words and may not.
    fn plain(forms: &[(String, bool)], text: &str) -> Vec<(usize, usize, u32)> {
        let automaton = AhoCorasick::new(forms.iter().map(|(form, _)| form)).unwrap();
        let mut found: Vec<_> = automaton
            .find_overlapping_iter(text)
            .filter(|hit| {
                let inside = text[..hit.start()].chars().next_back().is_some_and(is_word);
                !(inside && forms[hit.pattern().as_usize()].1)
            })
            .map(|hit| (hit.start(), hit.end(), hit.pattern().as_u32()))
            .collect();
        found.sort_unstable();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn finds_what_aho_corasick_finds(
            forms in proptest::collection::btree_map("[аб вc1好的😀𠀀-]{1,6}", any::<bool>(), 0..40),
            text in "[аб вc1好的😀𠀀ё𝐚-]{0,60}",
        ) {
            let forms: Vec<(String, bool)> = forms.into_iter().collect();
            let trie = Trie::new(forms.iter().map(|(form, left)| (form.as_str(), *left)));
            let mut found = Vec::new();
            trie.find(&text, |_| false, |form, place, inside| {
                assert_eq!(inside, text[..place.start].chars().next_back().is_some_and(is_word));
                if !(inside && forms[form as usize].1) {
                    found.push((place.start, place.end, form));
                }
            });
            prop_assert_eq!(&found, &plain(&forms, &text));
            let all: Vec<String> = forms.into_iter().map(|(form, _)| form).collect();
            prop_assert_eq!(trie.forms(), all);
        }
    }

    #[test]
    fn no_forms_find_nothing() {
        let trie = Trie::new(std::iter::empty());
        trie.find("что угодно", |_| false, |_, _, _| unreachable!());
        assert!(trie.forms().is_empty());
    }
}
