use std::sync::LazyLock;

use super::super::fold::Folded;
use super::*;

static TABLES: LazyLock<FoldTables> = LazyLock::new(|| {
    FoldTables::compile(include_str!("../../../config/lexicons/folding.yaml"))
        .expect("shipped tables compile")
});

fn contacts(text: &str, numbers: &[&str]) -> Vec<Contact> {
    let mut folded = Folded::default();
    folded.fold(text, &TABLES);
    let context = ScanContext { platform: "ozon", numbers, ..ScanContext::default() };
    let mut out = Vec::new();
    for view in folded.contact_views() {
        find(view, &TABLES, &context, &mut out);
    }
    out
}

/// `Kind <slice>` of each contact, a `?` for suspected, joined by ` | `.
fn shown(text: &str, numbers: &[&str]) -> String {
    let show = |c: &Contact| {
        let mark = if c.confidence == Confidence::Suspected { "?" } else { "" };
        format!("{:?}{mark} <{}>", c.kind, &text[c.start as usize..c.end as usize])
    };
    contacts(text, numbers).iter().map(show).collect::<Vec<_>>().join(" | ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(text, &[]), expected, "{text:?}");
}

#[test]
fn phones_are_found() {
    for (text, expected) in [
        ("Позвоните нам 8 (900) 123-45-67", "Phone <8 (900) 123-45-67>"),
        (
            "Перезвоните пожалуйста, восемь девятьсот сто двадцать три 45 67",
            "Phone <восемь девятьсот сто двадцать три 45 67>",
        ),
        ("call us at +7 900 123 45 67", "Phone <+7 900 123 45 67>"),
        ("+8613812345678 打电话联系", "Phone <+8613812345678>"),
        ("+7(900)123-45-67", "Phone <+7(900)123-45-67>"),
        ("+79001234567", "Phone <+79001234567>"),
        ("8-900-123-45-67", "Phone <8-900-123-45-67>"),
        ("8 900 123 45 67", "Phone <8 900 123 45 67>"),
        ("8900 123 45 67", "Phone <8900 123 45 67>"),
        ("8(900)1234567", "Phone <8(900)1234567>"),
        ("8.900.123.45.67", "Phone <8.900.123.45.67>"),
        ("89001234567", "Phone? <89001234567>"),
        ("тел. 89001234567", "Phone <89001234567>"),
        ("тел89001234567", "Phone <89001234567>"),
        ("звоните: 9001234567", "Phone <9001234567>"),
        ("мой номер 89001234567", "Phone <89001234567>"),
        ("89001234567 звоните", "Phone <89001234567>"),
        ("whatsapp 79001234567", "Phone <79001234567>"),
        ("8 800 555-35-35", "Phone <8 800 555-35-35>"),
        ("8 (495) 123-45-67", "Phone <8 (495) 123-45-67>"),
        ("(495) 123-45-67", "Phone <(495) 123-45-67>"),
        ("8 (4852) 12-34-56", "Phone <8 (4852) 12-34-56>"),
        ("телефон 223-45-67", "Phone <223-45-67>"),
        ("номер 223-45-67", "Phone <223-45-67>"),
        ("звоните 8450006924", "Phone <8450006924>"),
        ("Номер 8450006924 это сальник", "Phone? <8450006924>"),
        ("8️⃣9️⃣0️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣", "Phone <8️⃣9️⃣0️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7>"),
        ("8 9 0 0 1 2 3 4 5 6 7", "Phone <8 9 0 0 1 2 3 4 5 6 7>"),
        ("89OO1234567", "Phone <89OO1234567>"),
        (
            "восемь девятьсот сто двадцать три сорок пять шестьдесят семь 89 — звоните",
            "Phone <восемь девятьсот сто двадцать три сорок пять шестьдесят семь>",
        ),
        ("８９００１２３４５６７", "Phone <８９００１２３４５６７>"),
        ("电话13812345678", "Phone <13812345678>"),
        ("13812345678", "Phone? <13812345678>"),
        ("138-1234-5678", "Phone <138-1234-5678>"),
        ("手机号：一三八一二三四五六七八", "Phone <一三八一二三四五六七八>"),
        ("微信同号 13812345678", "Phone <13812345678>"),
        ("+375 29 123-45-67", "Phone <+375 29 123-45-67>"),
        ("+44 20 7946 0958", "Phone <+44 20 7946 0958>"),
        ("212-555-1234", "Phone <212-555-1234>"),
        ("call 09061701461", "Phone <09061701461>"),
        ("Вопросы по заказу: +7 900 123-45-67", "Phone <+7 900 123-45-67>"),
        ("Ваш заказ готов, звоните 89001234567", "Phone <89001234567>"),
        ("8 900 123-45-67, 8 900 765-43-21", "Phone <8 900 123-45-67> | Phone <8 900 765-43-21>"),
        ("с 9 до 18 8 900 123-45-67", "Phone <8 900 123-45-67>"),
        ("89001\u{200b}234567", "Phone <89001\u{200b}234567>"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_no_phone() {
    for text in [
        "Номер заказа 47873153-0052-1",
        "Трек-номер 80083190123456",
        "Артикул 79001234567",
        "номер детали 8450006748, старый не берите",
        "Номер запчасти 1607233540, щёточный узел",
        "Заводской номер 79221604455",
        "артикул: 89001234567",
        "арт. 89001234567",
        "Заказ №89001234567",
        "заказ 89001234567",
        "Курьер вам позвонит за час до доставки",
        "IMEI 356938035643809 указан на коробке",
        "订单号 4787315300521",
        "订单号13812345678",
        "运单号：13812345678",
        "货号 13812345678",
        "ИНН 7707083893",
        "ИНН 500100732259",
        "ОГРН 1027700132195",
        "БИК 044525225",
        "S/N 89001234567",
        "серийный номер 89001234567",
        "order number 89001234567",
        "tracking 89001234567",
        "штрихкод 4600051000057",
        "4600051000057",
        "RA123456789RU",
        "24219509-0020-1",
        "89001234567-0001-1",
        "8 900 руб",
        "8 900 123 45 67 руб",
        "размер 100х200х300",
        "192.168.100.200",
        "12.10.2026 18:00",
        "12.10.2026-15.10.2026",
        "9:00-18:00",
        "с 10 до 20",
        "2026-10-12 09:00",
        "v1.2.3.4.5.6.7",
        "10 000 000",
        "1 000 000 000 рублей",
        "123-45-67",
        "99999999999",
        "https://www.ozon.ru/product/chehol-89001234567/",
        "https://www.ozon.ru/product/89001234567",
        "abc89001234567",
        "sku_89001234567",
        "Модель 8900-1234567",
        "7707083893",
        "0000000000",
        "80083190123456",
        "+10%",
        "скидка +100500",
        "один два три",
        "ISBN 978-5-699-12014-7",
    ] {
        let found = shown(text, &[]);
        // A formatted number beside "model" may stay under suspicion.
        assert!(found.is_empty() || (found.contains('?') && text.starts_with("Модель")), "{text:?}: {found}");
    }
}

#[test]
fn the_orders_own_numbers_are_no_phones() {
    for (text, numbers) in [
        ("Ваш номер 89001234567", &["89001234567"][..]),
        ("Отслеживать: 8 900 123 45 67", &["89001234567"]),
        ("отправили 79001234567", &["0-79001234567-1"]),
        ("карта 4276 1234 5678 9014", &["4276123456789014"]),
    ] {
        assert_eq!(shown(text, numbers), "", "{text:?}");
    }
    assert_eq!(shown("звоните 89001234567", &["123", ""]), "Phone <89001234567>");
}

#[test]
fn addresses_and_handles_are_found() {
    for (text, expected) in [
        ("Напишите нам на почту shop@mail.ru", "Email <shop@mail.ru>"),
        ("наш e-mail: help собака yandex точка ru", "Email <help собака yandex точка ru>"),
        ("Please email us at support@example.com", "Email <support@example.com>"),
        ("发邮件到 abc@163.com", "Email <abc@163.com>"),
        ("发邮件到abc@163.com谢谢", "Email <abc@163.com>"),
        ("shop собака mail точка ru", "Email <shop собака mail точка ru>"),
        ("shop(at)mail.ru", "Email <shop(at)mail.ru>"),
        ("shop [at] mail [dot] ru", "Email <shop [at] mail [dot] ru>"),
        ("ivan.petrov+shop@mail.ru.", "Email <ivan.petrov+shop@mail.ru>"),
        ("SHOP@MAIL.RU", "Email <SHOP@MAIL.RU>"),
        ("shop@mаil.ru", "Email <shop@mаil.ru>"),
        ("почта@шоп.рф", "Email <почта@шоп.рф>"),
        ("shop@gmail", "Email? <shop@gmail>"),
        ("shop собака gmail", "Email? <shop собака gmail>"),
        ("наш ник в тг: @shop_help", "Handle <@shop_help>"),
        ("пишите в ✈️ @shop", "Handle <@shop>"),
        ("加我@shop_help", "Handle <@shop_help>"),
        ("(@shop_help)", "Handle <@shop_help>"),
        ("@shop.help, пишите", "Handle <@shop.help>"),
        ("a@b.ru, @shop1", "Handle <@shop1>"),
        ("@2x", ""),
        ("@", ""),
        ("@@shop", ""),
        ("@abc", ""),
        ("в@тс@п", ""),
        ("https://t.me/@shop", ""),
        ("@ozon", ""),
        ("10 шт @ 500 руб", ""),
        ("Посылка отправлена Почтой России", ""),
        ("Заказ почти собран", ""),
        ("Чек отправлен на почту, указанную в профиле Ozon", ""),
        ("shop at ozon.ru", ""),
        ("собака породы хаски", ""),
    ] {
        check(text, expected);
    }
}

#[test]
fn cards_are_found() {
    for (text, expected) in [
        ("переведите на карту 4276 1234 5678 9015", ""),
        ("переведите на карту 4111 1111 1111 1111", "Card <4111 1111 1111 1111>"),
        ("карта 4111111111111111", "Card <4111111111111111>"),
        ("4111-1111-1111-1111", "Card <4111-1111-1111-1111>"),
        ("4111111111111111", "Card? <4111111111111111>"),
        ("2200 0000 0000 0004", "Card <2200 0000 0000 0004>"),
        ("4111111111111112", ""),
        ("1111111111111111", ""),
        ("0000000000000000", ""),
        ("заказ 4111111111111111", ""),
    ] {
        check(text, expected);
    }
}

#[test]
fn floods_are_read_once() {
    for flood in
        ["8", "8 ", "89001234567 ", "@", "a@", "a@b.ru", "восемь ", "8-", "(8", "+7 900 123-45-67 ", "11 11 "]
    {
        let text = flood.repeat(200_000 / flood.len());
        contacts(&text, &["123"]);
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn spans_are_sound(text in "(\\PC|[0-9 ()+@.-]|\\+7 900 123|89001234567|восемь | собака |电话|\u{fe0f}\u{20e3}|shop){0,30}") {
            let mut last = 0;
            for contact in contacts(&text, &["12"]) {
                prop_assert!(contact.start >= last && contact.start < contact.end);
                prop_assert!(text.get(contact.start as usize..contact.end as usize).is_some());
                last = contact.start;
            }
        }
    }
}
