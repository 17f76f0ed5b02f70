//! What is known around a text spares it, and nothing else does: every row is judged with what is known and without.

use super::*;
use crate::text::TextFormat;

const NO_CONTEXT: ScanContext<'_> = ScanContext {
    platform: "ozon",
    surface: crate::event::Surface::Chat,
    format: TextFormat::Plain,
    names: &[],
    numbers: &[],
    quoted: &[],
    recent: &[],
    unjudged: false,
};

/// The first certain breach of a text, or the host of a link that leads away.
fn breach(text: &str, context: &ScanContext<'_>) -> Option<String> {
    let out = scan_in(text, context);
    let link = out.links.iter().find(|link| link.class != HostClass::FirstParty);
    let certain = out.signals.iter().filter(|signal| signal.confidence == Confidence::Certain);
    let mut names = certain.map(|signal| scanner().signal_name(signal.id));
    let named = names.find(|name| !HARMLESS.iter().any(|part| name.starts_with(part)));
    named.map(str::to_owned).or(link.map(|link| link.host.to_string()))
}

fn check(text: &str, spared: &ScanContext<'_>, otherwise: &ScanContext<'_>) {
    assert_eq!(breach(text, spared), None, "{text}: flagged in spite of what is known");
    assert!(breach(text, otherwise).is_some(), "{text}: nothing to be spared from");
}

#[test]
fn titles_of_the_order() {
    for (text, title) in [
        ("Напишите, подошёл ли чехол Telegram Beige", "Чехол Telegram Beige для смартфона"),
        ("Есть картридж Bonus Black, подарим второй Bonus Black? Нет, комплект один", "Картридж Bonus Black"),
        ("Наклейка Подпишись На Меня в наличии", "Наклейка Подпишись На Меня"),
        ("The Follow Us sticker is 10 cm wide", "Vinyl sticker Follow Us"),
        ("微信收款盒子有货", "微信收款盒子 二代"),
    ] {
        let spared = ScanContext { names: &[title], ..NO_CONTEXT };
        assert_eq!(breach(text, &spared), None, "{text}");
    }
    // Elsewhere in the text the same word means what it means.
    let spared = ScanContext { names: &["Чехол Telegram Beige"], ..NO_CONTEXT };
    assert!(breach("Чехол Telegram Beige есть, напишите нам в телеграм", &spared).is_some());
    let spared = ScanContext { names: &["微信收款盒子 二代"], ..NO_CONTEXT };
    assert!(breach("微信收款盒子有货，详情加我微信", &spared).is_some());
}

#[test]
fn numbers_of_the_order() {
    for (text, number) in [
        ("Отслеживайте 8 912 345-67-89", "8912345-6789"),
        ("звоните в ПВЗ, назовите 89123456789", "89123456789"),
        ("4276 1234 5678 9014 это номер отправления", "4276123456789014"),
    ] {
        check(text, &ScanContext { numbers: &[number], ..NO_CONTEXT }, &NO_CONTEXT);
    }
}

#[test]
fn numbers_by_what_they_are_and_what_stands_beside_them() {
    // The same digits with and without a word that says what they are.
    for (spared, otherwise) in [
        ("IMEI 356938035643809", "звоните +7 956 938-03-56"),
        ("VIN XTA210990Y2766543", "звоните 89990276654"),
        ("ИНН 7707083893", "телефон 7707083893"),
        ("трек 80083190123456", "телефон 80083190123"),
        ("артикул 89001234567", "89001234567, звоните"),
        ("IP камеры 192.168.100.200", "тел. 8.916.810.02.00"),
        ("Заказ №89001234567", "Наш номер 89001234567"),
        ("订单号13812345678", "电话13812345678"),
        ("车架号13812345678", "打13812345678"),
        ("order number 89001234567", "call 89001234567"),
        ("8 900 123 45 67 руб", "8 900 123 45 67"),
        // The check digit of a card number fails.
        ("5469 3800 1234 5678 серия на наклейке", "5469 3800 1234 5673 переведите сюда"),
    ] {
        assert_eq!(breach(spared, &NO_CONTEXT), None, "{spared}");
        assert!(breach(otherwise, &NO_CONTEXT).is_some(), "{otherwise}");
    }
}

#[test]
fn words_of_the_buyer() {
    let mut scratch = Scratch::default();
    for (buyer, text) in [
        (
            "У вас в рекламе написано дарим скидку 10% на следующий заказ",
            "Дарим скидку 10% на следующий заказ: такого объявления сейчас нигде не висит",
        ),
        ("Пишите мне в ватсап на номер 89031234567", "Про «пишите мне в ватсап на номер 89031234567»: видим"),
        (
            "please send me your whatsapp number so we can talk",
            "You wrote send me your whatsapp number so we can talk: noted",
        ),
        ("能不能加个微信给我发一下安装视频谢谢", "您说的加个微信给我发一下安装视频，已记录"),
    ] {
        let mut quoted = Vec::new();
        quote_hashes(scanner(), buyer, &mut scratch, &mut quoted);
        quoted.sort_unstable();
        check(text, &ScanContext { quoted: &quoted, ..NO_CONTEXT }, &NO_CONTEXT);
    }
}

#[test]
fn hosts_and_names_of_the_own_marketplace() {
    for (text, own, other) in [
        ("Подробности: https://www.ozon.ru/product/1", "ozon", "wildberries"),
        ("https://www.wildberries.ru/catalog/1/detail.aspx", "wildberries", "ozon"),
        ("https://market.yandex.ru/product/1", "yandex_market", "ozon"),
        ("Закажите на Wildberries, там есть", "wildberries", "ozon"),
    ] {
        let on = |platform| ScanContext { platform, ..NO_CONTEXT };
        check(text, &on(own), &on(other));
    }
}

#[test]
fn who_gives_and_who_speaks() {
    // The marketplace's own programmes, its notices passed on, couriers and service centres: beside the seller doing it.
    for (spared, otherwise) in [
        ("Баллы за заказ начисляет Ozon", "Баллы за заказ начислим мы, скидка 10%"),
        ("Скидку по Ozon Карте считает сам Ozon", "Сделаем вам скидку"),
        ("Курьер вам позвонит за час", "Мы вам позвоним через час"),
        ("Обратитесь в авторизованный сервисный центр, телефон в талоне", "Наш телефон на вкладыше, звоните"),
        ("Деньги вернутся на карту от Ozon", "Деньги переведём вам на карту сами"),
        ("К сожалению, скидок не делаем", "Сделаем скидку"),
        ("В вотсапе не общаемся", "Общаемся в вотсапе"),
        ("平台积分由Ozon发放", "我们给您打折"),
        ("快递员会打电话给您", "我给您打电话"),
        ("We don't chat on WhatsApp", "We chat on WhatsApp"),
        ("Ozon gives the points", "We give you a discount"),
    ] {
        assert_eq!(breach(spared, &NO_CONTEXT), None, "{spared}");
        assert!(breach(otherwise, &NO_CONTEXT).is_some(), "{otherwise}");
    }
}

/// Titles and buyers say what a seller must not: the classifier does not take it for his own words.
#[test]
fn the_classifier_hears_the_seller_alone() {
    let scanner = Scanner::compile(&LexiconSources { files: FILES }).unwrap();
    let scanner = scanner.with_classifier(crate::shipped::classifier());
    let said = |text: &str, context: &ScanContext<'_>| {
        let mut out = Signals::default();
        scanner.scan(text, context, &mut Scratch::default(), &mut out);
        let names = out.signals.iter().map(|signal| scanner.signal_name(signal.id).to_owned());
        names.filter(|name| !HARMLESS.iter().any(|part| name.starts_with(part))).collect::<Vec<_>>()
    };
    for (text, title) in [
        (
            "Табличка Пишите мне в личку, договоримся лично в наличии",
            "Табличка Пишите мне в личку, договоримся лично",
        ),
        (
            "The sticker Message me privately, we settle it between us is in stock",
            "Sticker Message me privately, we settle it between us",
        ),
        ("这款私下聊给你便宜贴纸有货", "私下聊给你便宜贴纸"),
    ] {
        assert_eq!(said(text, &ScanContext { names: &[title], ..NO_CONTEXT }), [""; 0], "{text}");
        let other = ScanContext { names: &["Чехол 喝水杯子 Mug"], ..NO_CONTEXT };
        assert_ne!(said(text, &other), [""; 0], "{text}: another title spares");
    }
    let asked = "давайте я вам на карту напрямую скину половину, так будет выгоднее";
    let mut quoted = Vec::new();
    scanner.quote_hashes(asked, &mut Scratch::default(), &mut quoted);
    quoted.sort_unstable();
    let text = format!("Вы пишете: {asked}. Так мы не делаем.");
    assert_ne!(said(&text, &NO_CONTEXT), [""; 0], "nothing to be spared from");
    assert_eq!(said(&text, &ScanContext { quoted: &quoted, ..NO_CONTEXT }), [""; 0]);
}
