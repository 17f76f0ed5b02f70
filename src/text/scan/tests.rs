use super::*;

const FILES: &[(&str, &str)] = &[(
    "lexicons/promo.yaml",
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/lexicons/promo.yaml")),
)];

fn scanner() -> Scanner {
    Scanner::compile(&LexiconSources { files: FILES }).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn finds_a_discount() {
    let scanner = scanner();
    let (mut scratch, mut out) = (Scratch::default(), Signals::default());
    let text = "Дарим скидку 10% на следующий заказ";
    scanner.scan(text, &ScanContext::default(), &mut scratch, &mut out);
    let names: Vec<&str> = out.signals.iter().map(|one| scanner.signal_name(one.id)).collect();
    assert!(names.contains(&"promo.discount"), "{names:?}");
    scanner.scan("К сожалению, скидок нет", &ScanContext::default(), &mut scratch, &mut out);
    assert!(out.signals.is_empty(), "{out:?}");
    assert_eq!(out.suppressed.len(), 1);
}
