//! The lessons for the encoder: one JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;

use super::Scored;
use super::rows::Kind;

/// Writes the rows, each with the score that a model gives it that did not learn from it.
pub(crate) fn write(path: &Path, scored: &[Scored<'_>], folds: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    // Slips of the keyboard teach the encoder nothing that is worth their time.
    for Scored { row, score, topics, view } in scored.iter().filter(|one| one.row.kind != Kind::Misspelled) {
        let record = json!({
            "kind": format!("{:?}", row.kind),
            "lang": row.lang,
            "views": row.views,
            "worst": view,
            "bad": row.label[0] > 0.0,
            "labels": row.label,
            "weight": row.weight,
            "fold": row.fold % folds,
            "score": score,
            "topics": topics,
            "convicted": row.convicted,
        });
        writeln!(out, "{record}").unwrap();
    }
    out.flush().unwrap();
    println!("{}: the lessons are written", path.display());
}
