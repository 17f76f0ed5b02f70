//! The lessons: labelled texts with the features of each of their readings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contactwatch::backtest::Half;
use contactwatch::event::Surface;
use contactwatch::shipped::{Part, Tree};
use contactwatch::text::classifier::{
    FINDING_ROWS, OUTPUTS, ROWS, Reading, TOPICS, WORD_ROWS, group_share, is_group, share,
};
use contactwatch::text::scan::LexiconSources;
use contactwatch::text::{Confidence, HostClass, ScanContext, Scanner, Scratch, Signals};
use serde_json::{Value, json};

use super::typos;

/// How much all words of a text weigh together, beside what the lexicons found.
const WORDS: f32 = 4.0;
/// How much a signal, a group of terms and a pair of them weigh.
const FINDINGS: [f32; 4] = [2.0, 0.7, 0.4, 0.4];
/// Cases of packs and lexicons must hold: each counts as so many texts.
const CASE_WEIGHT: f32 = 8.0;
/// A copy with slips of the keyboard counts as so many texts.
const MISSPELLED_WEIGHT: f32 = 0.5;
/// A feature that fewer rows have teaches nothing but those rows.
const LEAST_ROWS: u32 = 2;
/// Corpora that say too little about sellers: private SMS full of "call me".
const LEFT_OUT: [&str; 2] = ["uci-sms", "smish5971"];

/// What a row is: for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ordinary,
    Hard,
    Plain,
    Obfuscated,
    NearMiss,
    PairViolation,
    Case,
    ThirdParty,
    NewNearMiss,
    NewViolation,
    NewOrdinary,
    /// A copy of another with slips of the keyboard.
    Misspelled,
}

/// A labelled text.
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) lang: String,
    pub(crate) text: String,
    /// Chosen by a hash of the text, or of its writer.
    pub(crate) fold: u64,
    pub(crate) weight: f32,
    /// 1 or -1 for every output.
    pub(crate) label: [f32; OUTPUTS],
    /// The views of the text, as folded.
    pub(crate) views: Vec<String>,
    /// Rows of the model and values, for every reading.
    pub(crate) readings: Vec<Vec<(u32, f32)>>,
    /// Which view each reading is of.
    pub(crate) view_of: Vec<usize>,
    /// The frames were tuned on this text: what they say of it proves nothing.
    pub(crate) tuned_on: bool,
    /// Frames, numbers or links alone make it a violation.
    pub(crate) convicted: bool,
}

/// Features with their values; what occurs several times counts as often.
fn values(reading: Reading) -> Vec<(u32, f32)> {
    let word = WORDS * share(reading.words.len());
    let mut all: Vec<(u32, f32)> = reading.words.into_iter().map(|row| (row, word)).collect();
    let groups = reading.findings.iter().filter(|row| is_group(**row)).count();
    let group = group_share(groups);
    let value = |row| if is_group(row) { group * finding(row) } else { finding(row) };
    all.extend(reading.findings.into_iter().map(|row| (row, value(row))));
    all.sort_by_key(|(row, _)| *row);
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    all
}

/// Weight of the features of a row of the model, length of text aside.
pub(crate) fn scale(row: u32) -> f32 {
    if (row as usize) < WORD_ROWS { WORDS } else { finding(row) }
}

/// Whether a row of the model is of a signal that frames, numbers or links made.
pub(crate) fn is_signal(row: u32) -> bool {
    row as usize >= WORD_ROWS && !is_group(row)
}

fn finding(row: u32) -> f32 {
    let stretch = (row as usize - WORD_ROWS) / (FINDING_ROWS / FINDINGS.len());
    FINDINGS.get(stretch).copied().unwrap_or_default()
}

/// All lessons: the tuning half of the project's texts, pairs, cases of packs and lexicons, and the tuning half of benign
/// corpora of third parties where they are at hand.
pub(crate) fn read() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = Tree::shipped();
    let mut files = tree.part(Part::Lexicons);
    files.extend(tree.part(Part::Domains));
    let scanner = Scanner::compile(&LexiconSources { files: &files }).unwrap();
    let mut reader = Reader { scanner, scratch: Scratch::default(), rows: Vec::new() };
    for file in listed(&root.join("tests/corpus/texts"), "ndjson") {
        reader.ndjson(&file, |row| match (row["label"] == "benign", row["hard"] == true) {
            (true, false) => Kind::Ordinary,
            (true, true) => Kind::Hard,
            (false, _) if row["obfuscated"].is_array() => Kind::Obfuscated,
            (false, _) => Kind::Plain,
        });
    }
    // The first file of pairs has many writers, each other file a single one: none of it is learned from when it is
    // tested, so that it shows how the model judges somebody it never read.
    let pairs = listed(&root.join("tests/corpus/pairs"), "ndjson");
    let allowed = listed(&root.join("tests/corpus/allowed"), "ndjson");
    let writers = pairs.iter().map(|file| (file, "")).chain(allowed.iter().map(|file| (file, "allowed/")));
    for (file, folder) in writers {
        let writer = format!("{folder}{}", file.file_stem().unwrap().to_str().unwrap());
        let known = folder.is_empty() && writer.ends_with("-1");
        let from = reader.rows.len();
        reader.ndjson(file, |row| match (row["label"] == "benign", known) {
            (true, true) => Kind::NearMiss,
            (false, true) => Kind::PairViolation,
            (true, false) if row["hard"] != true => Kind::NewOrdinary,
            (true, false) => Kind::NewNearMiss,
            (false, false) => Kind::NewViolation,
        });
        if !known {
            let fold = fold(&writer);
            for row in &mut reader.rows[from..] {
                (row.fold, row.tuned_on) = (fold, false);
            }
        }
    }
    for file in listed(&root.join("tests/text"), "yaml") {
        reader.lexicon_cases(&file);
    }
    for pack in tree.part(Part::Packs) {
        reader.pack_cases(pack.1);
    }
    for file in listed(&root.join("tests/corpus/timelines"), "ndjson") {
        reader.timelines(&file);
    }
    let corpora =
        std::env::var_os("CONTACTWATCH_CORPORA").map_or(root.join("../shared/corpus"), PathBuf::from);
    let corpora = listed(&corpora, "ndjson");
    if corpora.is_empty() {
        eprintln!(
            "the corpora of third parties are not at hand: the model will be another than the shipped one"
        );
    }
    for file in corpora {
        reader.ndjson(&file, |_| Kind::ThirdParty);
    }
    drop_rare(&mut reader.rows);
    reader.rows
}

fn listed(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|known| known == extension));
    files.sort();
    files
}

fn drop_rare(rows: &mut [Row]) {
    let mut seen = vec![0_u32; ROWS];
    for row in rows.iter() {
        let mut own: Vec<u32> = row.readings.iter().flatten().map(|(feature, _)| *feature).collect();
        own.sort_unstable();
        own.dedup();
        own.iter().for_each(|feature| seen[*feature as usize] += 1);
    }
    for reading in rows.iter_mut().flat_map(|row| &mut row.readings) {
        reading.retain(|(feature, _)| seen[*feature as usize] >= LEAST_ROWS);
    }
}

struct Reader {
    scanner: Scanner,
    scratch: Scratch,
    rows: Vec<Row>,
}

impl Reader {
    fn ndjson(&mut self, file: &Path, kind: impl Fn(&Value) -> Kind) {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let kind = kind(&row);
            let lesson = match kind {
                Kind::ThirdParty => {
                    let source = row["source"].as_str().unwrap_or_default();
                    row["label"] == "benign" && !LEFT_OUT.contains(&source)
                }
                _ => true,
            };
            let of_lessons = !matches!(
                kind,
                Kind::Ordinary | Kind::Hard | Kind::Plain | Kind::Obfuscated | Kind::ThirdParty
            );
            if lesson && (of_lessons || Half::of(row["text"].as_str().unwrap()) == Half::Tune) {
                self.add(&row, kind, 1.0);
                if kind != Kind::ThirdParty
                    && let Some(typed) = typos::misspelled(row["text"].as_str().unwrap())
                {
                    let original = self.rows.last().unwrap().fold;
                    let mut row = row.clone();
                    row["text"] = typed.into();
                    self.add(&row, Kind::Misspelled, MISSPELLED_WEIGHT);
                    self.rows.last_mut().unwrap().fold = original;
                }
            }
        }
    }

    /// `signal: [texts that must make it]`, and `clean`.
    fn lexicon_cases(&mut self, file: &Path) {
        let cases: BTreeMap<String, Vec<String>> =
            serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for (signal, texts) in cases {
            let rule = match signal.split('.').next().unwrap() {
                _ if signal == "review.incentive" => Some("review-incentive"),
                "contact" => Some("off-platform-contact"),
                "payment" | "compensation" => Some("off-platform-payment"),
                "diversion" => Some("external-link"),
                "promo" => Some("promo"),
                "social" => Some("follow-us"),
                "review" => Some("review-solicitation"),
                "address" => Some("address-request"),
                "cancel" => Some("cancel-request"),
                "gift" => Some("gift-wording"),
                "notice" => Some("impersonated-notice"),
                "clean" => None,
                other => panic!("{}: no rule for {other}", file.display()),
            };
            for text in texts {
                self.add_case(&text, rule.into_iter().collect());
            }
        }
    }

    /// What sellers write in the inline cases of a pack, with the content rules that must be found.
    fn pack_cases(&mut self, pack: &str) {
        let pack: Value = serde_saphyr::from_str(pack).unwrap();
        for case in pack["tests"].as_array().into_iter().flatten() {
            let (Some(text), expect) = (case["then"]["seller"].as_str(), &case["expect"]) else { continue };
            let rules = expect["rules"].as_array().into_iter().flatten().filter_map(Value::as_str);
            self.add_case(text, rules.filter(|rule| topic(rule).is_some()).collect());
        }
    }

    /// What sellers write in golden timelines, with the content rules that must be found.
    fn timelines(&mut self, file: &Path) {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let timeline: Value = serde_json::from_str(line).unwrap();
            let expected = timeline["expect"].as_array().into_iter().flatten();
            for expected in expected.filter(|expected| expected["trigger"] == "message") {
                let same = |event: &&Value| event["event_id"] == expected["event_id"];
                let event = timeline["events"].as_array().into_iter().flatten().find(same);
                let Some(event) = event else { continue };
                let Some(text) = event["text"].as_str() else { continue };
                // What a picture says is not said by the words beside it.
                if event["attachments"].as_array().is_some_and(|pictures| !pictures.is_empty()) {
                    continue;
                }
                let rules: Vec<&str> =
                    expected["rules"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                // These speak of other surfaces, or of more than the words.
                let elsewhere = ["template-content", "insert-content", "gift-private"];
                let by_words: Vec<&str> =
                    rules.iter().copied().filter(|rule| topic(rule).is_some()).collect();
                let only_there = by_words.is_empty() && rules.iter().any(|rule| elsewhere.contains(rule));
                if only_there || expected["verdict"] == "review" {
                    continue;
                }
                self.add_case(text, by_words);
            }
        }
    }

    fn add_case(&mut self, text: &str, rules: Vec<&str>) {
        let lang = if text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) {
            "zh"
        } else if text.chars().any(|c| ('а'..='я').contains(&c)) {
            "ru"
        } else {
            "en"
        };
        self.add(&json!({"lang": lang, "text": text, "rules": rules}), Kind::Case, CASE_WEIGHT);
    }

    fn add(&mut self, row: &Value, kind: Kind, weight: f32) {
        let text = row["text"].as_str().unwrap();
        let list = |key: &str| -> Vec<&str> {
            row[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let (items, earlier) = (list("items"), list("earlier"));
        let context = ScanContext {
            platform: row["platform"].as_str().unwrap_or("ozon"),
            surface: Surface::Chat,
            names: &items,
            recent: &earlier,
            ..ScanContext::default()
        };
        let mut readings = Vec::new();
        self.scanner.features(text, &context, &mut self.scratch, &mut readings);
        let view_of = readings.iter().map(|reading| reading.view).collect();
        let readings = readings.into_iter().map(values).collect();
        let views = self.scratch.views().map(str::to_owned).collect();
        let mut signals = Signals::default();
        self.scanner.scan(text, &context, &mut self.scratch, &mut signals);
        let mut label = [-1.0; OUTPUTS];
        for rule in list("rules") {
            if let Some(topic) = topic(rule) {
                label[0] = 1.0;
                label[topic + 1] = 1.0;
            }
        }
        let lang = row["lang"].as_str().unwrap().to_owned();
        self.rows.push(Row {
            kind,
            lang,
            text: text.to_owned(),
            fold: fold(text),
            weight,
            label,
            views,
            readings,
            view_of,
            tuned_on: kind != Kind::Case,
            convicted: self.convicts(&signals),
        });
    }

    fn convicts(&self, signals: &Signals) -> bool {
        const NO_RULE: [&str; 5] = ["topic.", "status.", "gift.", "promise.", "evasion."];
        let certain = signals.signals.iter().filter(|signal| signal.confidence == Confidence::Certain);
        let mut names = certain.map(|signal| self.scanner.signal_name(signal.id));
        names.any(|name| !NO_RULE.iter().any(|part| name.starts_with(part)))
            || signals.links.iter().any(|link| link.class != HostClass::FirstParty)
    }
}

/// Which fold a text or a writer belongs to.
fn fold(of: &str) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, hash) >> 20
}

/// Which topic of the classifier a rule is about.
fn topic(rule: &str) -> Option<usize> {
    let family = match rule {
        "off-platform-contact" => "contact",
        "off-platform-payment" => "payment",
        "external-link" => "diversion",
        "promo" => "promo",
        "follow-us" => "social",
        "review-solicitation" => "review",
        "review-incentive" => "incentive",
        "address-request" => "address",
        "cancel-request" => "cancel",
        "gift-wording" => "gift",
        "impersonated-notice" => "notice",
        _ => return None,
    };
    TOPICS.iter().position(|name| name.strip_suffix(".worded") == Some(family))
}
