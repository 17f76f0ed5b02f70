//! The encoder of `make encoder`, against what the Python package that brings its weights computes, and the shipped head
//! upon it. Without the file nothing is tested, and that is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use contactwatch::text::encoder::{Encoder, EncoderScratch, MOST_PIECES, WIDTH};

/// Some numbers of the third piece (`PLACES`), and the mean of the absolute values of all, by the reference.
struct Reference {
    text: &'static str,
    pieces: usize,
    third: [f32; 6],
    mean: f32,
}

const PLACES: [usize; 6] = [0, 300, 600, 900, 1100, 1279];
const REFERENCES: [Reference; 4] = [
    Reference {
        text: "Здравствуйте! Напишите нам в ватсап, пришлём видео.",
        pieces: 22,
        third: [0.1766, -0.1766, 1.4296, 247.1345, 1.3632, 23.7396],
        mean: 2.13989,
    },
    Reference {
        text: "Leave 5 stars & get a refund…",
        pieces: 10,
        third: [3.2146, 0.6867, -0.0416, -0.6875, 0.3781, 12.3027],
        mean: 2.07178,
    },
    Reference {
        text: "亲，加微信领红包，好评返现10元！",
        pieces: 19,
        third: [0.7065, -0.3532, 2.0542, 5.0065, 4.8068, 6.4351],
        mean: 1.95249,
    },
    Reference {
        text: "ＡＢ ﬁ ½  x",
        pieces: 6,
        third: [0.3532, 0.0, 1.3298, -1.1996, 0.0439, 8.1542],
        mean: 1.72352,
    },
];

fn encoder() -> Option<Encoder> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/encoder.bin");
    let path = std::env::var_os("CONTACTWATCH_ENCODER").map_or(shipped, PathBuf::from);
    match std::fs::read(&path) {
        Ok(bytes) => Some(Encoder::read(&bytes).unwrap()),
        Err(error) => {
            eprintln!("*** {}: {error}: the encoder was NOT tested (make encoder)", path.display());
            None
        }
    }
}

#[test]
fn the_encoder_computes_what_its_reference_does() {
    let Some(encoder) = encoder() else { return };
    let mut scratch = EncoderScratch::default();
    for Reference { text, pieces, third, mean } in REFERENCES {
        let rows = encoder.read_text(text, &mut scratch);
        assert_eq!(rows.len(), pieces * WIDTH, "{text}");
        for (place, wanted) in PLACES.into_iter().zip(third) {
            let found = rows[2 * WIDTH + place];
            assert!(
                (found - wanted).abs() < 2e-3 * wanted.abs().max(1.0),
                "{text} {place}: {found}, not {wanted}"
            );
        }
        let found = rows.iter().map(|number| number.abs()).sum::<f32>() / rows.len() as f32;
        assert!((found - mean).abs() < 1e-3, "{text}: {found}, not {mean}");
    }
}

#[test]
fn the_encoder_reads_anything() {
    let Some(encoder) = encoder() else { return };
    let mut scratch = EncoderScratch::default();
    for text in ["", " ", "\u{0}\u{feff}\u{200b}", "👍🏽👩‍👩‍👧", "\u{fdfa}\u{fdfa}", "ь\u{301}\u{301}"]
    {
        assert!(encoder.read_text(text, &mut scratch).iter().all(|number| number.is_finite()), "{text:?}");
    }
    for letter in ["a", "ы ", "好", "\u{fdfa}", "!", "\u{301}"] {
        let rows = encoder.read_text(&letter.repeat(100_000), &mut scratch);
        assert!(rows.len() <= MOST_PIECES * WIDTH, "{letter}");
    }
}
