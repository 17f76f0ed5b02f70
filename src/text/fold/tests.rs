use std::sync::LazyLock;

use super::*;

static TABLES: LazyLock<FoldTables> = LazyLock::new(|| {
    FoldTables::compile(include_str!("../../../config/lexicons/folding.yaml"))
        .expect("shipped tables compile")
});

fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    folded.fold(text, &TABLES);
    folded
}

fn main_of(text: &str) -> String {
    fold(text).main().text.clone()
}

fn views_of(text: &str) -> Vec<String> {
    fold(text).views().map(|v| v.text.clone()).collect()
}

fn spelled_of(text: &str) -> String {
    fold(text).spelled().map(|v| v.text.clone()).unwrap_or_default()
}

#[test]
fn the_main_view_undoes_what_is_sure() {
    for (text, expected) in [
        ("Здравствуйте!", "здравствуйте!"),
        ("Ёлка и йод", "елка и йод"),
        ("и\u{306}од е\u{308}лка", "йод елка"),
        ("скид\u{200b}ку", "скидку"),
        ("ват\u{ad}сап", "ватсап"),
        ("теле\u{2060}грам", "телеграм"),
        ("ｗｈａｔｓａｐｐ", "whatsapp"),
        ("𝐭𝐞𝐥𝐞𝐠𝐫𝐚𝐦", "telegram"),
        ("ⓣⓔⓛⓔⓖⓡⓐⓜ", "telegram"),
        ("🅣🅔🅛🅔", "tele"),
        ("тeлeгрaм", "телеграм"),
        ("cкидкa 10%", "скидка 10%"),
        ("ВОТ BOT", "вот bot"),
        ("скиииидка", "скидка"),
        ("ООО www.ozon.ru XXX", "ооо www.ozon.ru xxx"),
        ("8️⃣9️⃣0️⃣", "890"),
        ("加微信號", "加微信号"),
        ("  a \t b\u{a0}c\r\n\r\nd ", " a b c\nd "),
        ("заказ №5 ™ …", "заказ №5 ™ …"),
        ("за\u{301}мок", "замок"),
        ("1000000 333", "1000000 333"),
        ("ᴛᴇʟᴇɢʀᴀᴍ", "telegram"),
        ("iPhone15про", "iphone15про"),
        ("t․me", "t.me"),
        ("❤️ 👨‍👩‍👧", "❤ 👨👩👧"),
        ("ﬁn ½", "fin 1⁄2"),
        ("", ""),
    ] {
        assert_eq!(main_of(text), expected, "{text:?}");
    }
}

#[test]
fn alternates_read_what_is_not_sure() {
    for (text, expected) in [
        ("ckidка", "скидка"),
        ("ваша ckidka тут", "ваша скидка тут"),
        ("в а т с а п", "ватсап"),
        ("т.е.л.е.г.р.а.м", "телеграм"),
        ("п-р-о-м-о-к-о-д", "промокод"),
        ("с*к*и*д*к*а", "скидка"),
        ("c к и д к 4", "скидка"),
        ("п и ш и  в а м", "пиши вам"),
        ("т3л3грам", "телеграм"),
        ("скидк4", "скидка"),
        ("в@тс@п", "ватсап"),
        ("wh4ts4pp", "whatsapp"),
        ("napishite v vatsap", "напишите в ватсап"),
        ("skidka na sleduyuschiy zakaz", "скидка на следующий заказ"),
        ("ostavte otzyv", "оставьте отзыв"),
        ("加 v 详聊", "加v详聊"),
        ("微 信 联 系", "微信联系"),
        ("PС", "pc"),
    ] {
        assert!(views_of(text).iter().any(|v| v == expected), "{text:?}: {:?}", views_of(text));
    }
}

#[test]
fn a_plain_message_has_one_view() {
    for text in [
        "Здравствуйте! Ваш заказ №24219509-0020-1 передан в доставку, ожидайте 12.10 до 18:00.",
        "Размер 42, вес 500 г, 10 шт. Спасибо за покупку!",
        "Чехол для iPhone 15 Pro Max подойдёт",
        "The parcel is on its way to you, please wait for the call from the courier.",
        "您好，您的订单已经发货，请耐心等待。",
        "Объём 500мл, длина 3м",
        "ООО «Ромашка», ИНН 7707083893",
    ] {
        let folded = fold(text);
        assert_eq!(folded.views().count(), 1, "{text:?} {:?}", views_of(text));
        assert!(
            folded.main().via(0..folded.main().text.len()).difference(Via::COMPATIBILITY).is_empty(),
            "{text:?}"
        );
    }
}

#[test]
fn the_spelled_view_puts_signs_for_words() {
    for (text, expected) in [
        ("t . me / shop", "t.me/shop"),
        ("wa точка me слэш 79001234567", "wa.me/79001234567"),
        ("t (точка) me/shop", "t.me/shop"),
        ("t[.]me/shop", "t.me/shop"),
        ("t。me/shop", "t.me/shop"),
        ("shop собака mail точка ru", "shop@mail.ru"),
        ("shop собака мейл ру", "shop@mail.ru"),
        ("shop собака мейл точка ру", "shop@mail.ru"),
        ("shop(at)mail.ru", "shop@mail.ru"),
        ("shop [at] mail [dot] ru", "shop@mail.ru"),
        ("восемь девятьсот сто двадцать три сорок пять шестьдесят семь 89", "8 900 123 45 67 89"),
        ("восемь девятьсот сто двадцать три 45 67", "8 900 123 45 67"),
        ("8 9 0 0 1 2 3 4 5 6 7", "89001234567"),
        ("89OO1234567", "89001234567"),
        ("8 9ОО 123 45 67", "8 900 123 45 67"),
        ("一三八一二三四五六七八", "13812345678"),
        ("t点me", "t.me"),
    ] {
        assert_eq!(spelled_of(text), expected, "{text:?}");
    }
    for text in
        ["Один из двух", "точка выдачи", "мы рядом. Me too", "shop at ozon.ru", "одна собака", "一点也不"]
    {
        assert_eq!(spelled_of(text), "", "{text:?}");
    }
}

#[test]
fn ranges_lead_back_to_the_original() {
    // text, view text to look for, original slice, what was undone
    for (text, needle, original, via) in [
        ("дарим скид\u{200b}ку!", "скидку", "скид\u{200b}ку", Via::ZERO_WIDTH),
        ("пишите в ｗｈａｔｓ", "whats", "ｗｈａｔｓ", Via::COMPATIBILITY),
        ("ваш тeлeгрaм тут", "телеграм", "тeлeгрaм", Via::LOOKALIKE),
        ("дам скииидку", "скидку", "скииидку", Via::REPEATED),
        ("в а т с а п", "ватсап", "в а т с а п", Via::SPACED),
        ("мой т3л3грам", "телеграм", "т3л3грам", Via::LEET),
        ("ostavte otzyv", "отзыв", "otzyv", Via::TRANSLITERATED),
        ("加微信號吧", "微信号", "微信號", Via::TRADITIONAL),
        ("\u{feff}Скидка\u{200b} всем", "скидка", "Скидка", Via::empty()),
        ("👍🏻 Скидка", "скидка", "Скидка", Via::empty()),
        ("a  \n b", "\n", "  \n ", Via::empty()),
    ] {
        let folded = fold(text);
        let hit = folded.views().find_map(|v| Some((v, v.text.find(needle)?)));
        let (view, at) = hit.unwrap_or_else(|| panic!("{needle:?} not in {text:?}"));
        let range = view.original(at..at + needle.len());
        assert_eq!(&text[range.start as usize..range.end as usize], original, "{text:?}");
        assert_eq!(view.via(at..at + needle.len()), via, "{text:?}");
    }
}

/// The table against the crate it is made from.
#[test]
fn the_table_agrees_with_the_unicode_crate() {
    use unicode_normalization::UnicodeNormalization;
    for c in ('\u{21}'..='\u{FFFF}').filter(|c| c.is_alphabetic()) {
        let entry = TABLES.entry(c);
        if entry.is_slow()
            || entry.is_drop()
            || entry.is_mark()
            || !entry.via().difference(Via::COMPATIBILITY).is_empty()
        {
            continue;
        }
        let expected: String = std::iter::once(c).nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let again = expected.chars().any(|c| TABLES.entry(c).folded() != c);
        if expected.chars().count() == 1 && !again {
            assert_eq!(entry.folded().to_string(), expected, "{c:?}");
        }
    }
}

#[test]
fn floods_stay_linear() {
    for flood in
        ["\u{200b}", "a\u{200b}", "а a", "a.b ", "e\u{301}\u{302}", "оo", "一 ", "1o", "точка ", " . "]
    {
        let text = flood.repeat(300_000 / flood.len());
        let folded = fold(&text);
        for view in folded.views().chain(folded.spelled()) {
            assert!(view.text.len() <= text.len() * 4 + 16, "{flood:?}");
        }
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    const PIECES: &str = "(\\PC|[a-zA-Z0-9а-яёА-ЯЁ .@/-]|\u{200b}|\u{ad}|\u{301}|\u{306}|\n|  |точка|собака|восемь|сто|微|信|號|。|ﬁ|ｗ|𝐭|ⓔ|О|o|3|в а т с|т3л3г){0,40}";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn spans_are_sound(text in PIECES) {
            let folded = fold(&text);
            for view in folded.views().chain(folded.spelled()) {
                prop_assert!(view.text.len() <= text.len() * 6 + 16);
                let mut last = 0;
                for (at, c) in view.text.char_indices() {
                    let range = view.original(at..at + c.len_utf8());
                    prop_assert!(range.start <= range.end && range.end as usize <= text.len());
                    prop_assert!(text.is_char_boundary(range.start as usize), "{at} {range:?}");
                    prop_assert!(text.is_char_boundary(range.end as usize), "{at} {range:?}");
                    prop_assert!(range.start >= last, "order");
                    last = range.start;
                    let _ = view.via(at..view.text.len());
                }
                let whole = view.original(0..view.text.len());
                prop_assert!(whole.end as usize <= text.len());
            }
        }

        #[test]
        fn folding_twice_changes_nothing(text in PIECES) {
            let once = main_of(&text);
            prop_assert_eq!(main_of(&once), once);
        }

        #[test]
        fn buffers_carry_nothing_over(a in PIECES, b in PIECES) {
            let mut folded = Folded::default();
            folded.fold(&a, &TABLES);
            folded.fold(&b, &TABLES);
            let again: Vec<_> = folded.views().map(|v| v.text.clone()).collect();
            prop_assert_eq!(again, views_of(&b));
        }
    }
}
