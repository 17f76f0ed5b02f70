mod cascade;
mod context;
mod evasions;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::text::HostClass;

macro_rules! config {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/", $name)))),*]
    };
}

const FILES: &[(&str, &str)] = config!(
    "lexicons/address.yaml",
    "lexicons/classes.yaml",
    "lexicons/contacts.yaml",
    "lexicons/contacts_en_zh.yaml",
    "lexicons/folding.yaml",
    "lexicons/gifts.yaml",
    "lexicons/guards.yaml",
    "lexicons/notices.yaml",
    "lexicons/payments.yaml",
    "lexicons/promo.yaml",
    "lexicons/reviews.yaml",
    "lexicons/social.yaml",
    "domains/first_party.yaml",
    "domains/forms.yaml",
    "domains/link_hubs.yaml",
    "domains/marketplaces.yaml",
    "domains/messengers.yaml",
    "domains/payment.yaml",
    "domains/return_pages.yaml",
    "domains/shorteners.yaml",
    "domains/tracking.yaml",
);

/// Facts that are no breach by themselves.
const HARMLESS: [&str; 7] =
    ["topic.", "status.", "evasion.", "promise.", "gift.item", "gift.this_order", "gift.sent"];

fn scanner() -> &'static Scanner {
    static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();
    SCANNER.get_or_init(|| {
        Scanner::compile(&LexiconSources { files: FILES }).unwrap_or_else(|error| panic!("{error}"))
    })
}

fn scan_in(text: &str, context: &ScanContext<'_>) -> Signals {
    let mut out = Signals::default();
    scanner().scan(text, context, &mut Scratch::default(), &mut out);
    out
}

fn scan(text: &str) -> Signals {
    scan_in(text, &ScanContext { platform: "ozon", ..ScanContext::default() })
}

fn names(out: &Signals) -> Vec<&'static str> {
    out.signals.iter().map(|one| scanner().signal_name(one.id)).collect()
}

fn reasons(out: &Signals) -> Vec<&'static str> {
    out.suppressed.iter().map(|one| scanner().name(one.by)).collect()
}

/// All rows of a file of cases; says every row that fails.
fn check_cases(file: &str, yaml: &str) {
    let cases: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(yaml).unwrap();
    let mut wrong = Vec::new();
    for (wanted, texts) in &cases {
        for text in texts {
            let out = scan(text);
            let found: Vec<&str> = names(&out)
                .into_iter()
                .filter(|name| !HARMLESS.iter().any(|part| name.starts_with(part)))
                .collect();
            // A messenger link is as good as the messenger's name.
            let linked =
                *wanted == "contact" && out.links.iter().any(|link| link.class == HostClass::Messenger);
            let right = if wanted == "clean" {
                found.is_empty()
            } else {
                linked || found.iter().any(|name| name.starts_with(wanted))
            };
            if !right {
                wrong.push(format!("{wanted}: {text}: {found:?} {:?}", reasons(&out)));
            }
        }
    }
    assert!(wrong.is_empty(), "{file}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! cases {
    ($($name:ident: $file:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            check_cases($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/text/", $file)));
        })*
    };
}

cases! {
    russian: "ru.yaml",
    english: "en.yaml",
    chinese: "zh.yaml",
    russian_unseen: "ru_unseen.yaml",
    english_unseen: "en_unseen.yaml",
    chinese_unseen: "zh_unseen.yaml",
    seeds: "seeds.yaml",
    disguised: "disguised.yaml",
    fresh: "fresh2.yaml",
    fresh_again: "fresh3.yaml",
}

fn check(text: &str, wanted: &str) {
    let out = scan(text);
    assert!(names(&out).contains(&wanted), "{text}: {wanted} not in {:?} {:?}", names(&out), reasons(&out));
}

#[test]
fn facts_about_the_order() {
    check("Ваш заказ отправлен сегодня", "status.shipped");
    check("Your order has been shipped", "status.shipped");
    check("您的订单已发货", "status.shipped");
    check("Посылка прошла таможню", "status.customs_cleared");
    check("包裹已清关", "status.customs_cleared");
    check("Заказ передан курьеру", "status.out_for_delivery");
    check("包裹正在派送中", "status.out_for_delivery");
    check("Заказ ожидает вас в пункте выдачи", "status.at_pickup");
    check("The parcel is ready for pickup", "status.at_pickup");
    check("Заказ доставлен", "status.delivered");
    check("显示签收了", "status.delivered");
    check("К сожалению, доставка задерживается", "status.delay");
    check("物流有点延误", "status.delay");
    assert!(!names(&scan("Заказ ещё не отправлен")).contains(&"status.shipped"));
}

#[test]
fn what_a_buyer_quotes_and_speaks_of() {
    check("вы обещали в вотсапе подарок", "promise.elsewhere");
    check("You promised me a gift on WhatsApp", "promise.elsewhere");
    check("你在微信上答应送我一个", "promise.elsewhere");
    check("А скидку сделаете?", "topic.discount");
    check("Я оставила отзыв", "topic.review");
    check("Хочу отменить заказ", "topic.cancel");
    check("Можно поменять адрес?", "topic.address");
    check("Где мой подарок?", "topic.gift");
    check("Есть ли у вас ватсап?", "topic.contact");
}

#[test]
fn elements_of_a_gift_promise() {
    for text in
        ["赠送收纳袋一个，随本次订单发出", "Подарим вам чехол, отправим вместе с заказом в одной посылке"]
    {
        check(text, "gift.promise");
        check(text, "gift.item");
        check(text, "gift.sent_together");
    }
    check("赠送收纳袋一个，随本次订单发出", "gift.this_order");
}

#[test]
fn tells_act_and_object() {
    let out = scan("Мы дарим вам скидку");
    let hit = out.signals.iter().find_map(|one| one.frame).unwrap();
    assert_eq!(scanner().name(hit.act), "promo_offers");
    assert_eq!(scanner().name(hit.object), "discount");
    assert!(!hit.negated);
}

#[test]
fn a_refusal_is_kept_with_its_reason() {
    assert_eq!(reasons(&scan("К сожалению, скидок нет")), ["refusal"]);
    assert!(reasons(&scan("Баллы начисляет Ozon")).contains(&"platform_offer"));
}

#[test]
fn names_of_items_are_no_offers() {
    let names = ["Картридж Bonus Black для принтера", "Чехол Telegram Beige"];
    let context = ScanContext { names: &names, ..ScanContext::default() };
    let text = "Дарим вам чехол Telegram Beige";
    let out = scan_in("Напишите, подошёл ли чехол Telegram Beige", &context);
    assert!(out.signals.iter().all(|one| scanner().signal_name(one.id).starts_with("topic.gift")), "{out:?}");
    assert!(reasons(&out).contains(&"order_item_title"), "{text}: {:?}", reasons(&out));
    // The name somewhere else in the text is still a messenger.
    let out = scan_in("Чехол Telegram Beige есть, напишите нам в телеграм", &context);
    assert!(self::names(&out).contains(&"contact.messenger"), "{out:?}");
}

#[test]
fn own_numbers_are_no_phones() {
    let context = ScanContext { numbers: &["8912345-6789"], ..ScanContext::default() };
    let out = scan_in("Позиция 8 912 345-67-89 в пути", &context);
    assert!(!names(&out).contains(&"contact.phone"), "{out:?}");
    let out = scan_in("Позвоните 8 912 345-67-80", &context);
    assert!(names(&out).contains(&"contact.phone"), "{out:?}");
}

#[test]
fn quoted_words_are_the_buyers() {
    let mut scratch = Scratch::default();
    let mut quoted = Vec::new();
    quote_hashes(
        scanner(),
        "Здравствуйте, дайте мне скидку 10% на следующий заказ",
        &mut scratch,
        &mut quoted,
    );
    quoted.sort_unstable();
    let context = ScanContext { quoted: &quoted, ..ScanContext::default() };
    let out = scan_in("Вы писали: дайте мне скидку 10% на следующий заказ. Это невозможно", &context);
    assert!(!names(&out).contains(&"promo.discount"), "{out:?}");
    assert!(reasons(&out).contains(&"quoted_buyer"), "{out:?}");
    let out = scan("> дарим скидку 10%?\nНет");
    assert!(reasons(&out).contains(&"quoted_buyer"), "{out:?}");
}

#[test]
fn contacts_in_pieces() {
    let context = ScanContext { recent: &["наш номер 8912", "345"], ..ScanContext::default() };
    let out = scan_in("6789", &context);
    let phone = out.signals.iter().find(|one| one.via.contains(Via::SPLIT)).unwrap();
    assert_eq!((scanner().signal_name(phone.id), phone.start, phone.end), ("contact.phone", 0, 4));
    // With words beside the pieces: what is found, and where in the last message.
    for (recent, text, expected) in [
        (&["отправлю частями: +7 961"][..], "остальное: 740-62-17. Валерий", Some((20, 29))),
        (&["часть первая: 8923", "вторая: 117"], "третья часть: 6610", Some((25, 29))),
        (&["+375", "33 690", "27"], "rest: 4 4 1", Some((6, 11))),
        (&["手机186", "2207"], "再后面是 7 1 0 4", Some((13, 20))),
        (&["размер 48", "рост 179"], "талия 80-84", None),
        (&["длина 8 см", "ширина 905 мм", "высота 712"], "вес 4408", None),
        (&["8 905 и 17 ключ", "712"], "44-08", None),
    ] {
        let context = ScanContext { recent, ..ScanContext::default() };
        let out = scan_in(text, &context);
        let phone = out.signals.iter().find(|one| one.via.contains(Via::SPLIT));
        assert_eq!(phone.map(|one| (one.start, one.end)), expected, "{recent:?} {text}");
    }
    let context = ScanContext { recent: &["wa"], ..ScanContext::default() };
    let out = scan_in(".me/79001234567", &context);
    assert_eq!(
        out.links.first().map(|link| (&*link.host, link.class)),
        Some(("wa.me", HostClass::Messenger))
    );
    let context =
        ScanContext { recent: &["Заказ готов.", "Спасибо"], ..ScanContext::default() };
    assert!(scan_in("Отправим завтра", &context).links.is_empty());
}

#[test]
fn own_and_other_marketplaces() {
    let text = "Закажите на Wildberries, там есть";
    let on = |platform| names(&scan_in(text, &ScanContext { platform, ..ScanContext::default() }));
    assert!(on("ozon").contains(&"diversion.site"));
    assert!(!on("wildberries").contains(&"diversion.site"));
}

#[test]
fn classes_of_whole_texts() {
    fn check(text: &str, expected: TextClass) {
        assert_eq!(scan(text).class, expected, "{text}");
    }
    check("Спасибо большое!", TextClass::THANKS);
    check("👍", TextClass::BLANK | TextClass::THANKS);
    check("🙈", TextClass::BLANK);
    check("", TextClass::BLANK);
    check("Здравствуйте!", TextClass::SMALL_TALK);
    check("Да", TextClass::MONOSYLLABIC);
    check("好的，谢谢", TextClass::THANKS);
    check("您好", TextClass::SMALL_TALK);
    check("Thank you very much", TextClass::THANKS);
    check("Спасибо, а когда отправите?", TextClass::empty());
    check("Hello, where is my order", TextClass::empty());
}

#[test]
fn folded_hash_is_stable() {
    assert_eq!(scan("Привет, мир!").folded_hash, scan("ПРИВЕТ мир").folded_hash);
    assert_ne!(scan("Привет").folded_hash, scan("Привет!а").folded_hash);
    assert_eq!(scan("ab").folded_hash, 0x089c_4407_b545_986a, "FNV-1a of \"ab\"");
    assert_eq!(scan("Привет, 12").folded_chars, 8);
}

#[test]
fn every_promised_signal_exists() {
    for name in crate::text::lexicon::VOCABULARY {
        assert_eq!(scanner().signal(name).map(|id| scanner().signal_name(id)), Some(name));
    }
    assert_eq!(scanner().signal("none.such"), None);
    assert!(scanner().domains().list_names().len() > 3);
}

#[test]
fn errors_say_where_and_what() {
    fn check(yaml: &str, place: &str, says: &str) {
        let folding = FILES.iter().find(|(name, _)| name.ends_with("folding.yaml")).unwrap();
        let files = [*folding, ("lexicons/x.yaml", yaml)];
        let error = Scanner::compile(&LexiconSources { files: &files }).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(says), "{error}");
    }
    check("terms:\n  a:\n    ru: ['б(в']\n", "lexicons/x.yaml:3:10", "not closed");
    check("terms: {a: {fr: [b]}}\n", "lexicons/x.yaml:1:", "fr");
    check(
        "frames:\n  - {signal: none.such, object: [percent]}\n",
        "lexicons/x.yaml:2:14",
        "list it under `signals`",
    );
    check("frames:\n  - {signal: promo.offer, object: [none]}\n", "lexicons/x.yaml:2:36", "no term group");
    check("frames:\n  - {signal: promo.offer, object: []}\n", "lexicons/x.yaml:2:14", "needs an `object`");
    check("guards:\n  - {id: g, signals: [nothing.*]}\n", "lexicons/x.yaml:2:", "names no signal");
    check("terms: {a: {ru: ['~']}}\n", "lexicons/x.yaml:1:", "empty after folding");
}

/// Texts made of words that the lexicons know, so that frames and guards are at work.
fn busy_text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "скидка",
        "дарим",
        "не",
        "отзыв",
        "оставьте",
        "в",
        "ватсап",
        "пишите",
        ",",
        ".",
        "\n",
        "10%",
        "8 900 123-45-67",
        "好评",
        "送您",
        "加微信",
        "没有",
        "，",
        "ckидka",
        "т.е.л.е.г.р.а.м",
        "t.me/x",
        "a@b.ru",
        "> ",
        "discount",
        "give",
        "спасибо за",
        "🙂",
        "\u{200b}",
        "Ozon",
        "карта памяти",
    ]);
    prop::collection::vec(words, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn scans_anything(text in prop_oneof![".{0,120}", busy_text()], recent in busy_text(), name in busy_text()) {
        let context = ScanContext { recent: &[&recent], names: &[&name], platform: "ozon", ..ScanContext::default() };
        let out = scan_in(&text, &context);
        for one in &out.signals {
            prop_assert!(text.get(one.start as usize..one.end as usize).is_some_and(|part| !part.is_empty()));
        }
        for one in &out.suppressed {
            prop_assert!(text.get(one.start as usize..one.end as usize).is_some());
        }
        prop_assert!(out.signals.is_sorted_by_key(|one| (one.start, one.id)));
        prop_assert!(out.links.is_sorted_by_key(|one| one.start));
        // The same scratch, used before, gives the same answer.
        let (mut scratch, mut again) = (Scratch::default(), Signals::default());
        scanner().scan(&recent, &context, &mut scratch, &mut again);
        scanner().scan(&text, &context, &mut scratch, &mut again);
        prop_assert_eq!(&out.signals, &again.signals);
        prop_assert_eq!(&out.suppressed, &again.suppressed);
    }
}

/// Real texts that are no seller's and break no rule stay clean. Skipped where the corpora are not at hand.
#[test]
fn benign_corpora_stay_clean() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    for (name, limit) in [("crosswoz", 0.005), ("banking77", 0.005), ("uss-sgd", 0.005), ("uss-mwoz", 0.006)]
    {
        let Ok(rows) = std::fs::read_to_string(folder.join(name).with_extension("ndjson")) else {
            eprintln!("SKIPPED: no {name} in {}", folder.display());
            continue;
        };
        let (mut benign, mut flagged) = (0.0, 0.0);
        for row in rows.lines() {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            if row["label"] == "benign" {
                let found = names(&scan(row["text"].as_str().unwrap()));
                benign += 1.0;
                flagged +=
                    f64::from(found.iter().any(|name| !HARMLESS.iter().any(|part| name.starts_with(part))));
            }
        }
        assert!(flagged / benign <= limit, "{name}: {flagged} of {benign}");
    }
}
