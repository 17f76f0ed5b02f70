//! A text with some of its bytes underlined, also where characters are wide, joined or invisible.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// One line of the text, and what goes below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Underlined {
    /// The line, fit for a terminal: tabs are spaces, control characters are visible.
    pub(super) line: String,
    /// Spaces and carets.
    pub(super) marks: String,
}

/// The lines of `text` that `spans` (bytes) touch, with carets below the touched characters. Spans that are no
/// place in the text are left out.
pub(super) fn underline(text: &str, spans: &[Range<usize>]) -> Vec<Underlined> {
    let mut underlined = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let shown = mark(line, start, spans);
        if shown.marks.contains('^') {
            underlined.push(shown);
        }
        start += line.len() + 1;
    }
    underlined
}

fn mark(line: &str, start: usize, spans: &[Range<usize>]) -> Underlined {
    let (mut shown, mut marks) = (String::new(), String::new());
    for (offset, character) in line.char_indices() {
        let from = start + offset;
        let touched = spans.iter().any(|span| span.start < from + character.len_utf8() && from < span.end);
        let before = shown.len();
        match character {
            '\t' => shown.push_str("  "),
            '\r' => continue,
            // What reorders or hides text on the screen would make the carets lie.
            c if c.is_control() || is_invisible(c) => shown.push('\u{b7}'),
            c => shown.push(c),
        }
        let width: usize = shown[before..].chars().filter_map(UnicodeWidthChar::width).sum();
        marks.extend(std::iter::repeat_n(if touched { '^' } else { ' ' }, width));
    }
    marks.truncate(marks.trim_end().len());
    Underlined { line: shown, marks }
}

/// Characters without width that are used to break words, and those that change the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, words: &[&str]) -> Vec<(String, String)> {
        let span = |word: &&str| {
            let start = text.find(word).unwrap();
            start..start + word.len()
        };
        let spans: Vec<_> = words.iter().map(span).collect();
        underline(text, &spans).into_iter().map(|u| (u.line, u.marks)).collect()
    }

    #[test]
    fn carets_stand_below_the_words() {
        for (text, words, expected) in [
            ("Дарим скидку 10 %", &["скидку 10 %"][..], ("Дарим скидку 10 %", "      ^^^^^^^^^^^")),
            ("给您优惠券哦", &["优惠券"], ("给您优惠券哦", "    ^^^^^^")),
            ("a\tb", &["b"], ("a  b", "   ^")),
            ("е\u{301}ж", &["ж"], ("е\u{301}ж", " ^")),
            ("ски\u{200b}дка тут", &["ски\u{200b}дка"], ("ски\u{b7}дка тут", "^^^^^^^")),
            ("one two", &["one", "two"], ("one two", "^^^ ^^^")),
        ] {
            assert_eq!(shown(text, words), [(expected.0.to_owned(), expected.1.to_owned())], "{text}");
        }
    }

    #[test]
    fn only_touched_lines_are_shown() {
        let text = "Добрый день!\r\nСкидка\nвам\nСпасибо";
        assert_eq!(
            shown(text, &["Скидка\nвам"]),
            [("Скидка".to_owned(), "^^^^^^".to_owned()), ("вам".to_owned(), "^^^".to_owned())]
        );
    }

    #[test]
    fn spans_that_are_no_place_in_the_text_are_left_out() {
        assert!(underline("abc", &[7..9, 2..2]).is_empty());
        assert_eq!(underline("день", std::slice::from_ref(&(1..3)))[0].marks, "^^");
    }
}
