//! The shipped policies, lexicons and domain lists, compiled in, and how a tree of such files is sorted into parts.
//!
//! Every command works anywhere because of the compiled-in tree; an operator's directory of the same layout (as
//! `init` writes it) takes its place part by part. Pure: who reads a directory hands its files to [`Tree::new`].

use std::borrow::Cow;

use crate::text::classifier::Model;
use crate::text::encoder::Head;

use include_dir::{Dir, DirEntry, include_dir};

/// The classifier's model, as its training wrote it.
pub static CLASSIFIER: &[u8] = include_bytes!("../config/classifier.bin");

/// The classifier's model. An empty one, which has no opinion, should the compiled-in bytes be none: a test sees to it
/// that they are.
pub fn classifier() -> Model {
    Model::read(CLASSIFIER).unwrap_or_default()
}

/// The head upon the encoder, as its training wrote it; nothing when this build has none.
pub fn encoder_head_bytes() -> &'static [u8] {
    SHIPPED.get_file("encoder-head.bin").map_or(&[], |file| file.contents())
}

/// The head upon the encoder, when this build has one.
pub fn encoder_head() -> Option<Head> {
    Head::read(encoder_head_bytes()).ok()
}

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config");

/// The part of a tree a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `policies/`: packs.
    Packs,
    /// `lexicons/`: words.
    Lexicons,
    /// `domains/`: lists of hosts.
    Domains,
    /// `overlays/`: the operator's changes to packs.
    Overlays,
    /// `exceptions.yaml`: rules muted for a scope until a date.
    Exceptions,
    /// `stores.yaml`: stores with parameters of their own, and what seeds their registries.
    Stores,
    /// `platform_notices.yaml`: what platforms send in a seller's name.
    Notices,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Packs,
        Self::Lexicons,
        Self::Domains,
        Self::Overlays,
        Self::Exceptions,
        Self::Stores,
        Self::Notices,
    ];

    /// Where its files lie: a directory (with a slash at its end) or a file.
    pub const fn location(self) -> &'static str {
        match self {
            Self::Packs => "policies/",
            Self::Lexicons => "lexicons/",
            Self::Domains => "domains/",
            Self::Overlays => "overlays/",
            Self::Exceptions => "exceptions.yaml",
            Self::Stores => "stores.yaml",
            Self::Notices => "platform_notices.yaml",
        }
    }

    /// The part a path within a tree belongs to. Files that are no YAML or begin with a dot belong to none.
    fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if !yaml || name.starts_with('.') {
            return None;
        }
        Self::ALL.into_iter().find(|part| {
            let location = part.location();
            if location.ends_with('/') { path.starts_with(location) } else { path == location }
        })
    }
}

/// One file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Path within the tree, with slashes.
    pub path: String,
    /// How messages call it.
    pub name: String,
    /// What it says.
    pub text: Cow<'static, str>,
}

/// Files that make up policies, lexicons and domain lists, ordered by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: Vec<TreeFile>,
}

impl Tree {
    /// A tree of these files.
    pub fn new(mut files: Vec<TreeFile>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// The compiled-in tree.
    pub fn shipped() -> Self {
        let mut files = Vec::new();
        collect(&SHIPPED, &mut files);
        Self::new(files)
    }

    /// Every file.
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// Whether any file belongs to `part`.
    pub fn has(&self, part: Part) -> bool {
        self.files.iter().any(|file| Part::of(&file.path) == Some(part))
    }

    /// The files of one part: name and text, as the compilers take them.
    pub fn part(&self, part: Part) -> Vec<(&str, &str)> {
        self.files
            .iter()
            .filter(|file| Part::of(&file.path) == Some(part))
            .map(|file| (file.name.as_str(), &*file.text))
            .collect()
    }

    /// This tree, with the parts it lacks taken from `base`.
    #[must_use]
    pub fn over(mut self, base: Self) -> Self {
        let lacking: Vec<Part> = Part::ALL.into_iter().filter(|part| !self.has(*part)).collect();
        let taken = |file: &TreeFile| Part::of(&file.path).is_some_and(|part| lacking.contains(&part));
        self.files.extend(base.files.into_iter().filter(taken));
        Self::new(self.files)
    }
}

fn collect(dir: &Dir<'static>, files: &mut Vec<TreeFile>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, files),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                let name = format!("shipped:{path}");
                // Bytes that are no text cannot belong to any part; `init` writes texts alone.
                if let Some(text) = file.contents_utf8() {
                    files.push(TreeFile { path, name, text: Cow::Borrowed(text) });
                }
            }
        }
    }
}

/// The shipped rules, for tests of what is built upon them.
#[cfg(all(test, feature = "daemon"))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) fn ruleset() -> std::sync::Arc<crate::policy::Ruleset> {
    use crate::policy::PolicySources;
    use crate::text::Scanner;
    use crate::text::scan::LexiconSources;

    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    let scanner = Scanner::compile(&LexiconSources { files: &files }).unwrap();
    let scanner = std::sync::Arc::new(scanner.with_classifier(classifier()));
    let sources = PolicySources {
        packs: tree.part(Part::Packs),
        notices: tree.part(Part::Notices),
        hold_back: crate::time::Span::minutes(2),
        ..PolicySources::default()
    };
    let compiled = crate::policy::build(&sources, &*scanner).unwrap();
    std::sync::Arc::new(compiled.into_ruleset(scanner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let file = |path: &&str| TreeFile {
            path: (*path).to_owned(),
            name: format!("mine/{path}"),
            text: Cow::Owned(String::new()),
        };
        Tree::new(paths.iter().map(file).collect())
    }

    fn names(tree: &Tree, part: Part) -> Vec<&str> {
        tree.part(part).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn files_are_sorted_into_parts_by_where_they_lie() {
        let tree = tree(&[
            "policies/ozon/b.yaml",
            "policies/ozon/a.yml",
            "policies/ozon/.a.yaml",
            "policies/README.md",
            "lexicons/ru.yaml",
            "platform_notices.yaml",
            "contactwatch.yaml",
            "sub/exceptions.yaml",
        ]);
        assert_eq!(names(&tree, Part::Packs), ["mine/policies/ozon/a.yml", "mine/policies/ozon/b.yaml"]);
        assert_eq!(names(&tree, Part::Lexicons), ["mine/lexicons/ru.yaml"]);
        assert_eq!(names(&tree, Part::Notices), ["mine/platform_notices.yaml"]);
        assert!(!tree.has(Part::Exceptions) && !tree.has(Part::Domains));
    }

    #[test]
    fn a_part_is_taken_whole_from_one_tree() {
        let base = tree(&["policies/base.yaml", "lexicons/base.yaml", "contactwatch.yaml"]);
        let own = tree(&["policies/own.yaml", "readme.txt"]).over(base);
        let paths: Vec<&str> = own.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["lexicons/base.yaml", "policies/own.yaml", "readme.txt"]);
    }

    #[test]
    fn the_configuration_is_shipped() {
        let shipped = Tree::shipped();
        assert!(shipped.files().iter().any(|file| file.path == "contactwatch.yaml"));
        assert!(shipped.files().iter().all(|file| file.name == format!("shipped:{}", file.path)));
    }

    #[test]
    fn the_compiled_in_classifier_is_one() {
        assert_eq!(Model::read(CLASSIFIER), Ok(classifier()));
    }
}
