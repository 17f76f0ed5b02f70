//! Trains the classifier's model: a linear support vector machine per output, by dual coordinate descent.
//!
//! `cargo run --example train_classifier -- --out config/classifier.bin` reads the lessons (see `rows`), prints how models
//! trained on four fifths of them judge the last fifth, and writes the model of all of them. The same lessons give the
//! same bytes: the order of rows is shuffled from a fixed seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a tool of the developers: it stops at the first fault"
)]

mod rows;
mod svm;

use std::collections::BTreeMap;

use contactwatch::text::classifier::{Bounds, Model};

use rows::{Kind, Row};

/// Scores from which on the words convict, are looked at, and spare what frames found. Chosen on the table that this
/// program prints, for at most one ordinary text in a thousand misjudged.
const BOUNDS: Bounds = Bounds { convict: 0.9, review: 0.2, doubt: 0.0 };
const FOLDS: u64 = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let out = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--out", path] => Some(path.to_owned()),
        _ => panic!("usage: train_classifier [--out FILE]"),
    };
    let rows = rows::read();
    println!("{} rows", rows.len());
    let mut scored: Vec<(&Row, f32)> = Vec::new();
    for fold in 0..FOLDS {
        let (test, train): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.fold % FOLDS == fold);
        let machine = svm::fit(&train, 1);
        scored.extend(test.iter().map(|row| (*row, machine.score(row).1[0])));
    }
    table(&scored);
    let Some(out) = out else { return };
    let machine = svm::fit(&rows.iter().collect::<Vec<_>>(), contactwatch::text::classifier::OUTPUTS);
    let bytes = Model::new(&machine.effective(), machine.bias, BOUNDS).write();
    std::fs::write(&out, &bytes).unwrap();
    println!("{out}: {} bytes", bytes.len());
}

/// What frames and model together say of rows that the model did not learn from.
fn table(scored: &[(&Row, f32)]) {
    let mut counts: BTreeMap<(Kind, &str), [u32; 3]> = BTreeMap::new();
    for (row, score) in scored {
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
