//! What packs are compiled against in tests: the scanner of the shipped lexicons.

use std::sync::LazyLock;

use crate::shipped::{Part, Tree};
use crate::text::Scanner;
use crate::text::scan::LexiconSources;

/// Compiled once for all tests of a run.
pub(crate) static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    Scanner::compile(&LexiconSources { files: &files }).unwrap().with_classifier(crate::shipped::classifier())
});
