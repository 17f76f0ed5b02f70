//! Who decides: the frames, the classifier, or the head upon the encoder.

use super::*;
use crate::text::classifier::{Bounds, OUTPUTS, WORD_ROWS};
use crate::text::encoder::{HeadBounds, blank, constant_head};

const PLAIN: &str = "Кошка сидит на дереве и смотрит вдаль";
const OFFER: &str = "Дарим скидку 10 % на следующий заказ";

/// A classifier that gives every text this score. Where it is to know words, it suspects all of them a little.
fn classifier(score: f32, knows_words: bool) -> Model {
    let mut bias = [0.0; OUTPUTS];
    bias[0] = score;
    let weights = vec![[1e-6; OUTPUTS]; if knows_words { WORD_ROWS } else { 0 }];
    Model::new(&weights, bias, Bounds { convict: 1.15, review: 0.35, doubt: 0.5 })
}

/// The tests' lexicons with such a classifier and a head that says `joint` of every text.
fn cascade(score: f32, joint: f32) -> Scanner {
    cascade_of(classifier(score, true), joint)
}

fn cascade_of(classifier: Model, joint: f32) -> Scanner {
    let bounds = HeadBounds { ask: -1.0, convict: 3.0, review: 1.0 };
    let scanner = Scanner::compile(&LexiconSources { files: FILES }).unwrap();
    scanner.with_classifier(classifier).with_encoder(blank(), constant_head(bounds, 0.0, joint))
}

/// The surest signal whose name is not of mere topics, and whether the encoder was asked.
fn judged(scanner: &Scanner, text: &str, unjudged: bool) -> (Option<Confidence>, bool) {
    let (mut scratch, mut out) = (Scratch::default(), Signals::default());
    let context = ScanContext { platform: "ozon", unjudged, ..ScanContext::default() };
    scanner.scan(text, &context, &mut scratch, &mut out);
    let speaking = out.signals.iter().filter(|signal| scanner.speaks(signal.id));
    (speaking.map(|signal| signal.confidence).max(), scratch.take_asked() > 0)
}

#[test]
fn the_head_decides_where_it_is_asked() {
    use Confidence::{Certain, Suspected};
    for (score, joint, found) in [
        (0.4, 4.0, Some(Certain)),
        // The classifier alone would acquit.
        (-0.9, 4.0, Some(Certain)),
        (-0.9, 2.0, Some(Suspected)),
        // The classifier alone would convict.
        (2.0, 2.0, Some(Suspected)),
        (2.0, 0.5, None),
    ] {
        assert_eq!(judged(&cascade(score, joint), PLAIN, false), (found, true), "{score} {joint}");
    }
}

#[test]
fn nothing_is_found_without_words_to_show() {
    let scanner = cascade_of(classifier(0.4, false), 4.0);
    assert_eq!(judged(&scanner, PLAIN, false), (None, true));
}

#[test]
fn the_head_doubts_what_frames_found_in_the_classifiers_place() {
    use Confidence::{Certain, Suspected};
    for (joint, found) in [(-0.5, Suspected), (2.5, Suspected), (3.5, Certain)] {
        // The classifier alone would doubt.
        assert_eq!(judged(&cascade(-0.9, joint), OFFER, false), (Some(found), true), "{joint}");
    }
}

#[test]
fn the_classifier_decides_below_the_bound() {
    let scanner = cascade(-1.1, 4.0);
    assert_eq!(judged(&scanner, PLAIN, false), (None, false));
    assert_eq!(judged(&scanner, OFFER, false), (Some(Confidence::Suspected), false));
}

#[test]
fn nobody_asks_about_what_is_settled_or_not_judged() {
    let scanner = cascade(0.4, -4.0);
    for text in ["Звоните: +7 916 123-45-67", "Дapим cкидку 10 % на следующий заказ"]
    {
        assert_eq!(judged(&scanner, text, false), (Some(Confidence::Certain), false), "{text}");
    }
    // The classifier would suspect every text.
    assert_eq!(judged(&scanner, PLAIN, true), (None, false));
    for (text, found) in [("Спасибо!", None), ("Спасибо за заказ кошки", Some(Confidence::Suspected))]
    {
        assert_eq!(judged(&cascade(0.4, 2.0), text, false), (found, found.is_some()), "{text}");
    }
}

#[test]
fn words_of_an_item_ask_nobody() {
    let mut bias = [0.0; OUTPUTS];
    bias[0] = -1.05;
    let bounds = Bounds { convict: 1.15, review: 0.35, doubt: 0.5 };
    let classifier = Model::new(&vec![[0.2; OUTPUTS]; WORD_ROWS], bias, bounds);
    let scanner = cascade_of(classifier, 4.0);
    let (mut scratch, mut out) = (Scratch::default(), Signals::default());
    let title = "Держатель для кошки";
    for (names, asked) in [(&[][..], true), (&[title][..], false)] {
        let context = ScanContext { platform: "ozon", names, ..ScanContext::default() };
        scanner.scan(title, &context, &mut scratch, &mut out);
        assert_eq!(scratch.take_asked() > 0, asked, "{names:?}");
    }
}
