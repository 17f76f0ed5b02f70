//! A vocabulary for tests: the names that shipped packs speak of, without a scanner.

use crate::text::SignalId;

use super::reader::Vocabulary;

/// The names of `testdata/names.txt`.
#[derive(Debug)]
pub(crate) struct ShippedNames;

const NAMES: &str = include_str!("testdata/names.txt");

fn section(title: &str) -> impl Iterator<Item = &'static str> {
    let lines = NAMES.lines().skip_while(move |line| line.strip_prefix("# ") != Some(title)).skip(1);
    lines.take_while(|line| !line.starts_with('#'))
}

impl Vocabulary for ShippedNames {
    fn signal(&self, name: &str) -> Option<SignalId> {
        let index = section("signals").position(|known| known == name)?;
        u16::try_from(index).ok().map(SignalId)
    }

    fn signal_names(&self) -> Vec<&str> {
        section("signals").collect()
    }

    fn list_names(&self) -> Vec<&str> {
        section("lists").collect()
    }
}
