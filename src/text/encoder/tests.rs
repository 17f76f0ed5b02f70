use proptest::prelude::*;

use super::*;

/// An encoder's file without pieces.
pub(super) fn blank_file() -> Vec<u8> {
    let mut out = [MAGIC.as_slice(), &[VERSION]].concat();
    // No piece, no unit and no byte of normal forms.
    out.resize(out.len() + 3 * 4, 0);
    network::blank(&mut out);
    out
}

#[test]
fn every_letter_that_no_piece_has_is_one() {
    let encoder = blank();
    let mut scratch = EncoderScratch::default();
    let mut count = |text: &str| encoder.read_text(text, &mut scratch).len() / WIDTH;
    // A beginning and an end, and the sign that stands before a first word.
    assert_eq!((count(""), count("a"), count("  a  b ")), (3, 4, 6));
    assert_eq!(count(&"ы".repeat(100_000)), MOST_PIECES);
}

#[test]
fn a_damaged_encoder_is_refused() {
    let bytes = blank_file();
    for end in (0..bytes.len()).step_by(100_003).chain(0..64) {
        assert!(Encoder::read(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Encoder::read(&longer).err(), Some(EncoderError::Damaged(bytes.len())));
    assert_eq!(Encoder::read(b"CWEN\x02rest").err(), Some(EncoderError::Kind));
    let mut wild = bytes.clone();
    wild[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Encoder::read(&wild).err(), Some(EncoderError::Damaged(9)));
    wild[5..9].copy_from_slice(&0_u32.to_le_bytes());
    wild[17..21].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Encoder::read(&wild).err(), Some(EncoderError::Damaged(21)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}|[а-яa-z ]{0,200}|[\u{4e00}-\u{4eff}\u{0}-\u{20}]{0,50}") {
        let encoder = blank();
        let mut scratch = EncoderScratch::default();
        let rows = encoder.read_text(&text, &mut scratch);
        prop_assert!(rows.len().is_multiple_of(WIDTH) && rows.len() >= 3 * WIDTH && rows.len() <= MOST_PIECES * WIDTH);
        prop_assert!(rows.iter().all(|number| number.is_finite()));
    }
}
