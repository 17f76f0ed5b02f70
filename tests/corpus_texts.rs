//! The labelled texts are what they claim to be: enough of every kind, one by one, and the exam apart from the lessons.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde::Deserialize;

/// Pieces of so many letters are compared: words are long in Russian and English, short in Chinese.
const PIECE: usize = 6;
const CHINESE_PIECE: usize = 3;
/// Two texts that share more of their pieces (Jaccard) come from one template.
const ALIKE: f64 = 0.5;
/// Half of `texts` and all of `unread` are an exam, the others are learned from.
const FOLDERS: [&str; 4] = ["texts", "pairs", "allowed", "unread"];
/// Rules that a text by itself can break.
const RULES: [&str; 11] = [
    "off-platform-contact",
    "off-platform-payment",
    "external-link",
    "promo",
    "follow-us",
    "review-solicitation",
    "review-incentive",
    "address-request",
    "cancel-request",
    "gift-wording",
    "impersonated-notice",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    lang: String,
    label: String,
    #[serde(default)]
    family: String,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    hard: bool,
    #[serde(default)]
    obfuscated: Vec<String>,
    #[serde(default, rename = "platform")]
    _platform: Option<String>,
    text: String,
    #[serde(default, rename = "buyer")]
    _buyer: Option<String>,
    #[serde(default, rename = "earlier")]
    _earlier: Vec<String>,
    #[serde(default, rename = "items")]
    _items: Vec<String>,
    #[serde(default, rename = "numbers")]
    _numbers: Vec<String>,
}

impl Row {
    fn kind(&self) -> &'static str {
        match (&*self.label, self.hard, self.obfuscated.is_empty()) {
            ("benign", false, true) => "ordinary",
            ("benign", true, true) => "hard",
            ("violation", false, true) => "plain",
            ("violation", false, false) => "obfuscated",
            _ => panic!("{}: neither one thing nor the other", self.id),
        }
    }

    fn letters(&self) -> Vec<char> {
        self.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    }

    fn pieces(&self) -> BTreeSet<Vec<char>> {
        let letters = self.letters();
        let length = if self.lang == "zh" { CHINESE_PIECE } else { PIECE };
        if letters.len() <= length {
            return BTreeSet::from([letters]);
        }
        letters.windows(length).map(<[char]>::to_vec).collect()
    }
}

fn rows(folder: &str) -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let row: Row = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{}:{}: {error}", file.display(), number + 1));
            rows.push(row);
        }
    }
    rows
}

/// Every pair of rows, the second among `others`, that looks made from one template.
fn alike<'a>(rows: &'a [Row], others: Option<&'a [Row]>) -> Vec<(&'a str, &'a str, f64)> {
    let known = others.unwrap_or(rows);
    let known_pieces: Vec<BTreeSet<Vec<char>>> = known.iter().map(Row::pieces).collect();
    let mut index: HashMap<(&str, &[char]), Vec<usize>> = HashMap::new();
    for (at, (row, pieces)) in known.iter().zip(&known_pieces).enumerate() {
        for piece in pieces {
            index.entry((&*row.lang, piece.as_slice())).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let pieces = row.pieces();
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for piece in &pieces {
            for other in index.get(&(&*row.lang, piece.as_slice())).into_iter().flatten() {
                if others.is_some() || *other < at {
                    *shared.entry(*other).or_default() += 1;
                }
            }
        }
        for (other, count) in shared {
            let share = count as f64 / (pieces.len() + known_pieces[other].len() - count) as f64;
            if share > ALIKE {
                found.push((&*known[other].id, &*row.id, share));
            }
        }
    }
    found
}

#[test]
fn there_are_texts_enough_of_every_kind() {
    let rows = rows("texts");
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in &rows {
        *counts.entry((&row.lang, row.kind())).or_default() += 1;
    }
    for (lang, benign, violating) in [("ru", 3_000, 1_500), ("en", 1_200, 600), ("zh", 1_200, 600)] {
        let count = |kind| counts.get(&(lang, kind)).copied().unwrap_or_default();
        assert!(count("ordinary") + count("hard") >= benign, "{lang}: {counts:?}");
        assert!(count("plain") + count("obfuscated") >= violating, "{lang}: {counts:?}");
        // A third of the benign texts that were asked for are hard, of the violating ones disguised.
        assert!(count("hard") >= benign / 3, "{lang}: {counts:?}");
        assert!(count("obfuscated") >= violating / 3, "{lang}: {counts:?}");
        for rule in RULES {
            let named =
                rows.iter().filter(|row| row.lang == lang && row.rules.iter().any(|known| known == rule));
            assert!(named.count() >= 5, "{lang}: {rule}");
        }
    }
}

#[test]
fn rows_are_labelled_in_full() {
    for row in FOLDERS.into_iter().flat_map(rows) {
        assert!(!row.text.trim().is_empty(), "{}", row.id);
        assert_eq!(row.label == "benign", row.rules.is_empty(), "{}", row.id);
        assert_eq!(row.label == "benign", !row.family.is_empty(), "{}", row.id);
        for rule in &row.rules {
            assert!(RULES.contains(&&**rule), "{}: {rule}", row.id);
        }
        row.kind();
    }
}

#[test]
fn ids_and_texts_are_unique() {
    let rows: Vec<Row> = FOLDERS.into_iter().flat_map(rows).collect();
    let mut ids = BTreeSet::new();
    let mut letters = BTreeSet::new();
    for row in &rows {
        assert!(ids.insert(&row.id), "{} stands twice", row.id);
        assert!(letters.insert((&row.lang, row.letters())), "{}: the same text stands twice", row.id);
    }
}

#[test]
fn no_two_texts_are_from_one_template() {
    for folder in ["texts", "unread"] {
        let texts = rows(folder);
        let found = alike(&texts, None);
        assert!(found.is_empty(), "{} pairs: {:?}", found.len(), &found[..found.len().min(20)]);
    }
}

/// What is learned from must not hold the answers to what is reported.
#[cfg(feature = "daemon")]
#[test]
fn the_exam_is_not_among_the_lessons() {
    use contactwatch::backtest::Half;

    let (lessons, exam): (Vec<Row>, Vec<Row>) =
        rows("texts").into_iter().partition(|row| Half::of(&row.text) == Half::Tune);
    assert!(lessons.len().abs_diff(exam.len()) < lessons.len() / 10, "{} and {}", lessons.len(), exam.len());
    let only_lessons: Vec<Row> = ["pairs", "allowed"].into_iter().flat_map(rows).collect();
    let unread = rows("unread");
    for (exam, lessons) in [(&exam, &only_lessons), (&unread, &only_lessons), (&unread, &lessons)] {
        let found = alike(exam, Some(lessons));
        assert!(found.is_empty(), "{} pairs: {:?}", found.len(), &found[..found.len().min(20)]);
    }
}
