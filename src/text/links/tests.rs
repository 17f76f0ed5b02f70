use std::sync::LazyLock;

use super::super::domains::shipped;
use super::super::fold::{FoldTables, Folded};
use super::*;

static LISTS: LazyLock<DomainLists> = LazyLock::new(shipped);
static TABLES: LazyLock<FoldTables> = LazyLock::new(|| {
    FoldTables::compile(include_str!("../../../config/lexicons/folding.yaml"))
        .expect("shipped tables compile")
});

fn links(text: &str, format: TextFormat) -> Vec<Link> {
    let mut folded = Folded::default();
    folded.fold(text, &TABLES);
    let mut out = Vec::new();
    for view in folded.contact_views() {
        find(view, text, format, &LISTS, "ozon", &mut out);
    }
    out
}

/// `address class slice` of each link, joined by ` | `.
fn shown(text: &str, format: TextFormat) -> String {
    let show =
        |l: &Link| format!("{} {:?} <{}>", l.address, l.class, &text[l.start as usize..l.end as usize]);
    links(text, format).iter().map(show).collect::<Vec<_>>().join(" | ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(text, TextFormat::Plain), expected, "{text:?}");
}

#[test]
fn links_are_found() {
    for (text, expected) in [
        ("https://t.me/shop", "t.me/shop Messenger <https://t.me/shop>"),
        ("Смотрите HTTPS://T.ME/Shop!", "t.me/shop Messenger <HTTPS://T.ME/Shop>"),
        ("hxxps://t.me/shop", "t.me/shop Messenger <hxxps://t.me/shop>"),
        ("http://localhost/a", "localhost/a Other <http://localhost/a>"),
        ("(см. https://ozon.ru/p/1?x=2#y).", "ozon.ru/p/1 FirstParty <https://ozon.ru/p/1?x=2#y>"),
        (
            "https://ru.wikipedia.org/wiki/A_(b)",
            "ru.wikipedia.org/wiki/a_(b) Other <https://ru.wikipedia.org/wiki/A_(b)>",
        ),
        ("www.shop.ru", "www.shop.ru Other <www.shop.ru>"),
        ("наш сайт shop.ru.", "shop.ru Other <shop.ru>"),
        ("наш сайт: myshop.com,", "myshop.com Other <myshop.com>"),
        ("Ozon.Ru", "ozon.ru FirstParty <Ozon.Ru>"),
        ("OZON.RU", "ozon.ru FirstParty <OZON.RU>"),
        ("t.me/shop", "t.me/shop Messenger <t.me/shop>"),
        ("wa.me", "wa.me Messenger <wa.me>"),
        ("vk.com/shop", "vk.com/shop Social <vk.com/shop>"),
        ("market.yandex.ru/x", "market.yandex.ru/x Marketplace <market.yandex.ru/x>"),
        ("forms.yandex.ru/u/1", "forms.yandex.ru/u/1 Form <forms.yandex.ru/u/1>"),
        ("clck.ru/3abc", "clck.ru/3abc Shortener <clck.ru/3abc>"),
        ("ozon.ru@evil.example", "evil.example Other <ozon.ru@evil.example>"),
        ("https://ozon.ru@evil.example/p", "evil.example/p Other <https://ozon.ru@evil.example/p>"),
        ("https://ozon.ru:443@evil.example/p", "evil.example/p Other <https://ozon.ru:443@evil.example/p>"),
        ("ozon.ru.evil.example", "ozon.ru.evil.example Other <ozon.ru.evil.example>"),
        ("https://evil.example/ozon.ru", "evil.example/ozon.ru Other <https://evil.example/ozon.ru>"),
        ("https://ozon.ru/info/../x", "ozon.ru/x FirstParty <https://ozon.ru/info/../x>"),
        ("шоп.рф", "xn--n1acz.xn--p1ai Other <шоп.рф>"),
        ("заходите на магазин.онлайн", "xn--80aairftm.xn--80asehdb Other <магазин.онлайн>"),
        ("https://шоп.рф/путь", "xn--n1acz.xn--p1ai/%d0%bf%d1%83%d1%82%d1%8c Other <https://шоп.рф/путь>"),
        ("t．me/shop", "t.me/shop Messenger <t．me/shop>"),
        ("t｡me/shop", "t.me/shop Messenger <t｡me/shop>"),
        ("t․me/shop", "t.me/shop Messenger <t․me/shop>"),
        ("t。me/shop", "t.me/shop Messenger <t。me/shop>"),
        ("t . me / shop", "t.me/shop Messenger <t . me / shop>"),
        ("t[.]me/shop", "t.me/shop Messenger <t[.]me/shop>"),
        ("t (точка) me/shop", "t.me/shop Messenger <t (точка) me/shop>"),
        ("wa точка me слэш 79001234567", "wa.me/79001234567 Messenger <wa точка me слэш 79001234567>"),
        ("пишите t dot me slash shop", "t.me/shop Messenger <t dot me slash shop>"),
        ("t.\u{200b}me/shop", "t.me/shop Messenger <t.\u{200b}me/shop>"),
        ("ｔ.ｍｅ/shop", "t.me/shop Messenger <ｔ.ｍｅ/shop>"),
        ("t.mе/shop", "t.me/shop Messenger <t.mе/shop>"),
        ("http://192.168.1.1:8080/a", "192.168.1.1/a Other <http://192.168.1.1:8080/a>"),
        ("93.184.216.34/pay", "93.184.216.34/pay Other <93.184.216.34/pay>"),
        ("shop.ru:8080/a", "shop.ru/a Other <shop.ru:8080/a>"),
        ("tg://resolve?domain=shop", "t.me/resolve Messenger <tg://resolve?domain=shop>"),
        (
            "whatsapp://send?phone=79001234567",
            "whatsapp.com/send Messenger <whatsapp://send?phone=79001234567>",
        ),
        ("加我t.me/shop吧", "t.me/shop Messenger <t.me/shop>"),
        ("请看https://t.me/shop，谢谢", "t.me/shop Messenger <https://t.me/shop>"),
        ("смотрите...ozon.ru...", "ozon.ru FirstParty <ozon.ru>"),
        ("«shop.ru»", "shop.ru Other <shop.ru>"),
        ("a.ru/1 b.ru/2", "a.ru/1 Other <a.ru/1> | b.ru/2 Other <b.ru/2>"),
        ("1688.com", "1688.com Marketplace <1688.com>"),
        (
            "https://www.ozon.ru/info/return/",
            "www.ozon.ru/info/return/ FirstParty <https://www.ozon.ru/info/return/>",
        ),
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai Other <xn--e1afmkfd.xn--p1ai>"),
        ("//t.me/shop", "t.me/shop Messenger <t.me/shop>"),
        ("https:\\\\t.me\\shop", "t.me/shop Messenger <https:\\\\t.me\\shop>"),
        ("shop.mysite.me", "shop.mysite.me Other <shop.mysite.me>"),
        ("магазин.com", "xn--80aairftm.com Other <магазин.com>"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_no_link() {
    for text in [
        "привет.Как дела",
        "привет.как дела",
        "т.е. и т.д.",
        "и т.п.",
        "ул.Ленина, д.5",
        "10.5",
        "v1.2.3",
        "версия 1.2.3.4",
        "шт.Цена",
        "photo.jpg",
        "чек.pdf",
        "readme.md",
        "archive.zip",
        "Node.js",
        "Спасибо.Ok",
        "товар.It is",
        "thanks.My order",
        "good.my friend",
        "12.10.2026",
        "12.10.26 в 18.00",
        "ivan.petrov@mail.ru",
        "shop@mail.ru",
        "shop(at)mail.ru",
        "shop собака mail.ru",
        "г.Москва",
        "г.москва",
        "S.Oliver",
        "a.m. p.m.",
        "e.g. i.e.",
        "5.kg",
        "1.5кг",
        "...",
        ".",
        ". . .",
        "192.168.1.1",
        "одно.Онлайн оплата",
        "Добрый день.Samsung в наличии",
        "И.И.Иванов",
        "руб.за шт.",
        "д.м.н.",
        "http://",
        "://",
        "в 10:30. До встречи",
        "请稍等。谢谢",
        "см.инструкцию",
        "конец.a",
        "x.y.z",
        "100.in",
        "точка me",
        "home.love you",
        "it does dot compare",
        "see you soon.xxx",
        "go to store.like now",
    ] {
        check(text, "");
    }
}

#[test]
fn markdown_targets_are_links() {
    for (text, expected) in [
        ("[наш магазин](https://t.me/shop)", "t.me/shop Messenger <https://t.me/shop>"),
        ("[ a b ]( https://t.me/shop )", "t.me/shop Messenger <https://t.me/shop>"),
        ("![](https://shop.ru/a.png)", "shop.ru/a.png Other <https://shop.ru/a.png>"),
        ("[x](shop.me)", "shop.me Other <shop.me>"),
        ("[x](//shop.me/a)", "shop.me/a Other <shop.me/a>"),
        ("[x](<https://t.me/shop>)", "t.me/shop Messenger <https://t.me/shop>"),
        (
            "[https://ozon.ru](https://evil.example)",
            "ozon.ru FirstParty <https://ozon.ru> | evil.example Other <https://evil.example>",
        ),
        (
            "[a [b](https://t.me/x)](https://vk.com/y)",
            "t.me/x Messenger <https://t.me/x> | vk.com/y Social <https://vk.com/y>",
        ),
        ("[x](https://t.me/shop", "t.me/shop Messenger <https://t.me/shop>"),
        ("[x](https://t\\.me/shop)", "t.me/shop Messenger <https://t\\.me/shop>"),
        ("**https://t.me/shop**", "t.me/shop Messenger <https://t.me/shop>"),
        ("![](photo.jpg)", ""),
        ("[x](/relative/path)", ""),
    ] {
        assert_eq!(shown(text, TextFormat::Markdown), expected, "{text:?}");
    }
}

#[test]
fn a_host_that_looks_like_the_platforms_is_not() {
    for text in ["https://ozоn.ru/info", "ozоn.ru", "https://oooozon.ru", "www.оzon.ru/a"] {
        let found = links(text, TextFormat::Plain);
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(found[0].class, HostClass::Other, "{text:?} {found:?}");
    }
    assert!(links("t.mе/shop", TextFormat::Plain)[0].via.contains(Via::LOOKALIKE));
    assert!(links("t точка me", TextFormat::Plain)[0].via.contains(Via::SPELLED));
}

#[test]
fn floods_are_read_once() {
    for flood in [
        "https://shop.example/a ",
        "shop.example ",
        "a.",
        "a.b@",
        "://",
        "[x](http://a.ru",
        "ozon.ru@",
        "http://http://",
        "t . me ",
    ] {
        let text = flood.repeat(100_000 / flood.len());
        links(&text, TextFormat::Markdown);
    }
    let nested = format!("{}x{}", "[".repeat(50_000), "](http://a.example)".repeat(20_000));
    assert_eq!(links(&nested, TextFormat::Markdown).len(), 20_000);
    assert_eq!(links(&"https://shop.example/a ".repeat(10_000), TextFormat::Plain).len(), 10_000);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn spans_are_sound(text in "(\\PC|[a-z.@:/]|https://|t\\.me/|\\]\\(|\\.ru| точка |ё|е\u{301}|。|\u{200b}){0,40}") {
            let mut last = 0;
            for link in links(&text, TextFormat::Markdown) {
                prop_assert!(link.start >= last && link.start < link.end);
                prop_assert!(text.get(link.start as usize..link.end as usize).is_some());
                prop_assert!(!link.host.is_empty() && link.address.starts_with(&*link.host));
                last = link.start;
            }
        }
    }
}
