//! Trains the classifier's model: a linear support vector machine per output, by dual coordinate descent.
//!
//! `cargo run --example train_classifier -- --out config/classifier.bin` reads the lessons (see `rows`) and writes the
//! model of all of them. The same lessons give the same bytes: the order of rows is shuffled from a fixed seed. Without
//! `--out`, it prints how models trained on four fifths of them judge the last fifth, and with `--lessons FILE` also writes
//! the lessons for the encoder, from which `scripts/encoder-head` learns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a tool of the developers: it stops at the first fault"
)]

mod lessons;
mod rows;
mod svm;
mod typos;

use std::collections::BTreeMap;
use std::path::Path;

use contactwatch::text::classifier::{Bounds, Model, OUTPUTS, sureness};

use rows::{Kind, Row};

/// Scores from which on the words convict, are looked at, and spare what frames found. Chosen on the table that this
/// program prints: little more than one ordinary text in a thousand misjudged, and fewer than two in a hundred looked at.
const BOUNDS: Bounds = Bounds { convict: 1.0, review: 0.15, doubt: 0.7 };
const FOLDS: u64 = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mut out, mut shown, mut lessons) = (None, 0, None);
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--out", path] => out = Some(path.to_owned()),
        ["--show", count] => shown = count.parse().unwrap(),
        ["--lessons", path] => lessons = Some(path.to_owned()),
        _ => panic!("usage: train_classifier [--out FILE | --show N | --lessons FILE]"),
    }
    let rows = rows::read();
    println!("{} rows", rows.len());
    let Some(out) = out else {
        let scored = judged_by_others(&rows);
        table(&scored);
        alone(&scored);
        show(&scored, shown);
        if let Some(path) = lessons {
            lessons::write(Path::new(&path), &scored, FOLDS);
        }
        return;
    };
    let machine = svm::fit(&rows.iter().collect::<Vec<_>>(), OUTPUTS);
    let bytes = Model::new(&machine.effective(), machine.bias, BOUNDS).write();
    std::fs::write(&out, &bytes).unwrap();
    println!("{out}: {} bytes", bytes.len());
}

/// Every row as a model judges it that has learned from the other folds.
fn judged_by_others(rows: &[Row]) -> Vec<Scored<'_>> {
    let judge = |fold: u64| {
        let (test, train): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.fold % FOLDS == fold);
        let machine = svm::fit(&train, OUTPUTS);
        test.into_iter().map(|row| Scored::of(row, &machine)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let folds: Vec<_> = (0..FOLDS).map(|fold| scope.spawn(move || judge(fold))).collect();
        folds.into_iter().flat_map(|fold| fold.join().unwrap()).collect()
    })
}

/// A row, and what a model says of it that did not learn from it.
pub(crate) struct Scored<'a> {
    pub(crate) row: &'a Row,
    /// How sure the model is that it is a violation.
    pub(crate) score: f32,
    /// How much it sounds like each topic.
    pub(crate) topics: Vec<f32>,
    /// Which view sounded worst to it.
    pub(crate) view: usize,
}

impl<'a> Scored<'a> {
    fn of(row: &'a Row, machine: &svm::Machine) -> Self {
        let (reading, scores) = machine.score(row);
        Self { row, score: sureness(&scores), topics: scores[1..].to_vec(), view: row.view_of[reading] }
    }
}

/// What frames and model together say of rows that the model did not learn from.
fn table(scored: &[Scored<'_>]) {
    let mut counts: BTreeMap<(Kind, &str), [u32; 3]> = BTreeMap::new();
    for Scored { row, score, .. } in scored {
        let verdict = if *score >= BOUNDS.convict || (row.convicted && *score >= BOUNDS.doubt) {
            2
        } else {
            usize::from(*score >= BOUNDS.review || row.convicted)
        };
        counts.entry((row.kind, &row.lang)).or_default()[verdict] += 1;
    }
    println!("{:<12} {:<4} {:>6} {:>10} {:>8}", "", "", "n", "violation", "review");
    for ((kind, lang), [clean, review, violation]) in counts {
        let n = clean + review + violation;
        let share = |part: u32| 100.0 * f64::from(part) / f64::from(n);
        let name = format!("{kind:?}").to_lowercase();
        println!("{name:<12} {lang:<4} {n:>6} {:>8.2} % {:>6.2} %", share(violation), share(review));
    }
}

/// The `count` ordinary and hard texts of every language that come nearest to a conviction or are past it, and the
/// violations that are furthest from one.
fn show(scored: &[Scored<'_>], count: usize) {
    for lang in ["ru", "en", "zh"] {
        for (kind, sign) in
            [(Kind::Ordinary, 1.0), (Kind::Hard, 1.0), (Kind::Plain, -1.0), (Kind::Obfuscated, -1.0)]
        {
            let mut rows: Vec<_> =
                scored.iter().filter(|Scored { row, .. }| row.kind == kind && row.lang == lang).collect();
            let key = |Scored { row, score, .. }: &Scored<'_>| {
                let found = row.convicted && *score >= BOUNDS.doubt;
                sign * if found { score.max(BOUNDS.convict) } else { *score }
            };
            rows.sort_by(|a, b| key(b).total_cmp(&key(a)));
            for Scored { row, score, .. } in rows.iter().take(count) {
                let by = if row.convicted { "frames" } else { "" };
                println!("{kind:?} {lang} {score:.2} {by} {}", row.text);
            }
        }
    }
}

/// What the model alone finds of rows that it did not learn from, at a given share of misjudgments.
fn alone(scored: &[Scored<'_>]) {
    let innocent: [(&str, &[Kind], f64); 7] = [
        ("ordinary 0.1 %", &[Kind::Ordinary], 0.001),
        ("ordinary 0.2 %", &[Kind::Ordinary], 0.002),
        ("ordinary 0.5 %", &[Kind::Ordinary], 0.005),
        ("ordinary 2 %", &[Kind::Ordinary], 0.02),
        ("ordinary 1 %", &[Kind::Ordinary], 0.01),
        ("near misses 1 %", &[Kind::NearMiss, Kind::Hard], 0.01),
        ("new near misses 2 %", &[Kind::NewNearMiss], 0.02),
    ];
    println!("\nthe model alone, at        bound");
    for (name, kinds, share) in innocent {
        let mut scores: Vec<f32> =
            scored.iter().filter(|one| kinds.contains(&one.row.kind)).map(|one| one.score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let bound = scores[(scores.len() as f64 * share) as usize];
        print!("{name:<24} {bound:>7.3}");
        for kind in [Kind::Plain, Kind::PairViolation, Kind::NewViolation] {
            for lang in ["ru", "en", "zh"] {
                let of: Vec<f32> = scored
                    .iter()
                    .filter(|Scored { row, .. }| row.kind == kind && row.lang == lang)
                    .map(|one| one.score)
                    .collect();
                let found = of.iter().filter(|score| **score > bound).count();
                print!("  {lang} {:.1}", 100.0 * found as f64 / of.len().max(1) as f64);
            }
            print!(" {kind:?} |");
        }
        println!();
    }
}
