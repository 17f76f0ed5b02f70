//! The encoder of `make encoder`, against what `scripts/encoder-head` computes, which trains the head. Without the file
//! nothing is tested, and that is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use contactwatch::text::encoder::{Encoder, EncoderScratch, MOST_PIECES};

/// The pieces of a text, some numbers of the third one (`PLACES`), and the mean of the absolute values of all, by the
/// reference.
struct Reference {
    text: &'static str,
    pieces: &'static [u32],
    third: [f32; 6],
    mean: f32,
}

const PLACES: [usize; 6] = [0, 60, 133, 222, 301, 383];
const REFERENCES: [Reference; 5] = [
    Reference {
        text: "здравствуйте! напишите нам в ватсап, пришлём видео.",
        pieces: &[
            0, 48298, 11312, 6203, 38, 29, 169437, 4400, 49, 6, 5105, 2257, 1078, 4, 440, 736, 41913, 130,
            9868, 5, 2,
        ],
        third: [0.1658, 0.2951, 0.5534, -0.0222, -0.168, 0.2733],
        mean: 0.22239,
    },
    Reference {
        text: "leave 5 stars & get a refund…",
        pieces: &[0, 31358, 190, 6057, 7, 619, 2046, 10, 127402, 27, 2],
        third: [0.2201, 0.1302, 0.0661, 0.2942, 0.1938, 0.2309],
        mean: 0.22119,
    },
    Reference {
        text: "亲，加微信领红包，好评返现10元！",
        pieces: &[0, 6, 18857, 4, 3490, 41093, 19427, 11366, 5702, 4, 176068, 15527, 15895, 963, 2954, 38, 2],
        third: [0.1304, 0.3127, 0.3301, 0.02, -0.1774, 0.2582],
        mean: 0.21561,
    },
    Reference {
        text: "ＡＢ ﬁ ½  x",
        pieces: &[0, 11321, 809, 78660, 1022, 2],
        third: [0.2762, 0.4215, 0.4331, 0.3807, -0.0176, 0.0543],
        mean: 0.22417,
    },
    Reference {
        text: "👍🏽👩\u{200d}👩\u{200d}👧 \u{301}\u{301} ꙮꙮ ok",
        pieces: &[0, 6, 118280, 245164, 244785, 6, 244785, 6, 245719, 3309, 4868, 6, 3, 3664, 2],
        third: [0.181, 0.4621, 0.1302, 0.1711, 0.1009, 0.2139],
        mean: 0.22644,
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
        assert_eq!(encoder.pieces(text, 0, &mut scratch), pieces, "{text}");
        let meaning = encoder.read_text(text, 0, &mut scratch);
        for (place, wanted) in PLACES.into_iter().zip(third) {
            let found = meaning.piece(2)[place];
            assert!((found - wanted).abs() < 2e-3, "{text} {place}: {found}, not {wanted}");
        }
        let all = (0..pieces.len()).flat_map(|piece| meaning.piece(piece));
        let found = all.map(|number| number.abs()).sum::<f32>() / meaning.piece(0).len() as f32;
        let found = found / pieces.len() as f32;
        assert!((found - mean).abs() < 1e-3, "{text}: {found}, not {mean}");
    }
}

#[test]
fn the_encoder_reads_anything() {
    let Some(encoder) = encoder() else { return };
    let mut scratch = EncoderScratch::default();
    for text in ["", " ", "\u{0}\u{feff}\u{200b}", "👍🏽👩‍👩‍👧", "\u{fdfa}\u{fdfa}", "ь\u{301}\u{301}"]
    {
        let meaning = encoder.read_text(text, 0, &mut scratch);
        let mut numbers = (0..meaning.pieces()).flat_map(|piece| meaning.piece(piece));
        assert!(numbers.all(|number| number.is_finite()), "{text:?}");
    }
    for letter in ["a", "ы ", "好", "\u{fdfa}", "!", "\u{301}"] {
        let meaning = encoder.read_text(&letter.repeat(100_000), 50_000, &mut scratch);
        assert!(meaning.pieces() <= MOST_PIECES, "{letter}");
    }
}
