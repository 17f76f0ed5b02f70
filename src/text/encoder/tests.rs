use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// An encoder's file without pieces.
pub(super) fn blank_file() -> Vec<u8> {
    let mut out = [MAGIC.as_slice(), &[VERSION]].concat();
    // No piece and no normal form.
    out.resize(out.len() + 2 * 4, 0);
    network::blank(&mut out);
    out
}

/// An encoder's file with these pieces and their scores, and one normal form: `Ａ` is `A `.
fn file(pieces: &[(&str, f32)]) -> Vec<u8> {
    let mut out = [MAGIC.as_slice(), &[VERSION]].concat();
    out.extend((pieces.len() as u32).to_le_bytes());
    for (piece, score) in pieces {
        out.extend(score.to_le_bytes());
        out.push(piece.len() as u8);
        out.extend(piece.as_bytes());
    }
    out.extend(1_u32.to_le_bytes());
    out.extend(u32::from('Ａ').to_le_bytes());
    out.extend([2, b'A', b' ']);
    network::blank(&mut out);
    out
}

#[test]
fn the_likeliest_cut_is_taken() {
    let signs = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)];
    let pieces = [("\u{2581}", -1.0), ("a", -2.0), ("b", -2.0), ("\u{2581}ab", -4.0), ("A", -3.0)];
    let encoder = Encoder::read(&file(&[signs.as_slice(), &pieces].concat())).unwrap();
    let mut scratch = EncoderScratch::default();
    let mut check = |text: &str, wanted: &[u32]| {
        assert_eq!(encoder.pieces(text, 0, &mut scratch), wanted, "{text:?}");
    };
    check("", &[0, 4, 2]);
    check("ab", &[0, 7, 2]);
    check("  ab  ba ", &[0, 7, 4, 6, 5, 2]);
    // Unknown letters side by side are one piece.
    check("aыыыa", &[0, 4, 5, 3, 5, 2]);
    check("Ａ a", &[0, 4, 8, 4, 5, 2]);
}

#[test]
fn a_long_text_is_read_from_where_it_matters() {
    let encoder = blank();
    let mut scratch = EncoderScratch::default();
    // A beginning, unknown letters, an end.
    assert_eq!(encoder.pieces(&"ы".repeat(3), 0, &mut scratch).len(), 3);
    let signs = [("s", 0.0), ("p", 0.0), ("e", 0.0), ("u", 0.0)];
    let encoder = Encoder::read(&file(&[signs.as_slice(), &[("a", -1.0), ("b", -1.0)]].concat())).unwrap();
    let (first, second, sign) = (4, 5, 3);
    // So many letters `a`, then so many `b`, read from a byte on: how many of each are looked at, after the sign of a word.
    let mut check = |letters: [usize; 2], from: usize, wanted: [usize; 2], signs: usize| {
        let text = "a".repeat(letters[0]) + &"b".repeat(letters[1]);
        let pieces = encoder.pieces(&text, from, &mut scratch);
        let count = |piece: u32| pieces.iter().filter(|one| **one == piece).count();
        assert_eq!([count(first), count(second)], wanted, "{letters:?} from {from}");
        assert_eq!((count(sign), pieces.first(), pieces.last()), (signs, Some(&0), Some(&2)));
        assert!(pieces.len() <= MOST_PIECES);
    };
    let most = MOST_PIECES - 2;
    check([20, 30], 20, [20, 30], 1);
    check([most - 1, 0], 50, [most - 1, 0], 1);
    check([100_000, 1], 0, [most - 1, 0], 1);
    check([500, 400], 0, [most - 1, 0], 1);
    check([500, 400], 500, [0, most], 0);
    check([500, 400], 450, [50, most - 50], 0);
    // The last ones, when few follow; and nothing breaks where there is nothing.
    check([500, 10], 500, [most - 10, 10], 0);
    check([500, 10], 99_999, [most - 1, 0], 1);
    assert_eq!(encoder.read_text(&"a".repeat(100_000), 99, &mut scratch).pieces(), MOST_PIECES);
}

#[test]
fn a_damaged_encoder_is_refused() {
    let bytes = blank_file();
    for end in (0..bytes.len()).step_by(100_003).chain(0..64) {
        assert!(Encoder::read(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Encoder::read(&longer).err(), Some(EncoderError::Damaged(bytes.len())));
    assert_eq!(Encoder::read(b"CWEN\x01rest").err(), Some(EncoderError::Kind));
    let changed = |at: usize, to: u32| {
        let mut wild = bytes.clone();
        wild[at..at + 4].copy_from_slice(&to.to_le_bytes());
        Encoder::read(&wild).err()
    };
    // How many pieces, how many normal forms, how many rows.
    assert_eq!(changed(5, u32::MAX), Some(EncoderError::Damaged(9)));
    assert!(changed(9, 1).is_some());
    assert_eq!(changed(13, u32::MAX), Some(EncoderError::Damaged(17)));
}

/// Read once: it takes longer to read than to be asked.
static BLANK: LazyLock<Encoder> = LazyLock::new(blank);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}|[а-яa-z ]{0,200}|[\u{4e00}-\u{4eff}\u{0}-\u{20}]{0,50}", from in 0_usize..300) {
        let mut scratch = EncoderScratch::default();
        let meaning = BLANK.read_text(&text, from, &mut scratch);
        prop_assert!((3..=MOST_PIECES).contains(&meaning.pieces()));
        for piece in 0..meaning.pieces() {
            prop_assert!(meaning.piece(piece).iter().all(|number| number.is_finite()));
        }
    }
}
