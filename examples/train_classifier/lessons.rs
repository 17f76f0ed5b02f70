//! The lessons for the head upon the encoder: `rows.ndjson`, and for each of its rows the numbers of its pieces.
//!
//! `pieces.f16` holds the numbers of all pieces of all rows, one after the other, as little-endian half floats;
//! `pieces.n` how many pieces each row has, as little-endian `u32`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use contactwatch::text::encoder::{Encoder, EncoderScratch, WIDTH};
use serde_json::json;

use super::rows::{Kind, Row};

/// Writes the rows, each with the score that a model gives it that did not learn from it.
pub(crate) fn write(dir: &Path, encoder: &Path, scored: &[(&Row, f32)], folds: u64) {
    let encoder = Encoder::read(&std::fs::read(encoder).unwrap()).unwrap();
    let mut scratch = EncoderScratch::default();
    std::fs::create_dir_all(dir).unwrap();
    let create = |name: &str| BufWriter::new(File::create(dir.join(name)).unwrap());
    let (mut rows, mut pieces, mut counts) =
        (create("rows.ndjson"), create("pieces.f16"), create("pieces.n"));
    // Slips of the keyboard teach the head nothing that is worth their time.
    for (row, score) in scored.iter().filter(|(row, _)| row.kind != Kind::Misspelled) {
        let record = json!({
            "kind": format!("{:?}", row.kind),
            "lang": row.lang,
            "text": row.text,
            "bad": row.label[0] > 0.0,
            "labels": row.label,
            "weight": row.weight,
            "fold": row.fold % folds,
            "score": score,
            "convicted": row.convicted,
        });
        writeln!(rows, "{record}").unwrap();
        let numbers = encoder.read_text(&row.text, &mut scratch);
        counts.write_all(&((numbers.len() / WIDTH) as u32).to_le_bytes()).unwrap();
        for number in numbers {
            pieces.write_all(&half(*number).to_le_bytes()).unwrap();
        }
    }
    for mut file in [rows, pieces, counts] {
        file.flush().unwrap();
    }
    println!("{}: the lessons are written", dir.display());
}

/// The nearest half float. Numbers that are too small for one become nought, those that are too large its largest.
fn half(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    // The exponent moves from a bias of 127 to one of 15, and thirteen bits of the fraction are rounded off.
    let size = (bits & 0x7fff_ffff).saturating_sub(112 << 23);
    let odd = (size >> 13) & 1;
    sign | ((size + 0xfff + odd) >> 13).min(0x7bff) as u16
}
