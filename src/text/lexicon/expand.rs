//! The compact notation for inflected forms: `скид(ка|ки|ке|ку|кой)`.
//!
//! `(a|b|)` stands for each of its alternatives (the last is empty), parentheses nest, `(=name)` stands for a named list
//! of endings, and `~` at an edge lifts the word boundary there. Forms are written out by people and only copied out
//! here: a generator of forms would predict words nobody uses and collide with words that somebody does.

use std::collections::BTreeMap;

/// More forms than this from one entry is a slip, not a paradigm.
const MAX_FORMS: usize = 16_384;

/// Named lists of endings, as written: `ка|ки|ке`.
pub(super) type Endings = BTreeMap<String, String>;

/// All forms of one entry, in writing order, without repeats. The error says what is wrong with the notation.
pub(super) fn expand(entry: &str, endings: &Endings) -> Result<Vec<String>, String> {
    let mut rest = entry.chars().peekable();
    let forms = alternatives(&mut rest, endings, 0)?;
    if rest.next().is_some() {
        return Err(format!("`{entry}` closes a parenthesis that was never opened: remove `)`"));
    }
    let mut unique = Vec::with_capacity(forms.len());
    let mut seen = hashbrown::HashSet::with_capacity(forms.len());
    for form in forms {
        if form.trim().is_empty() {
            return Err(format!(
                "`{entry}` can mean nothing at all: write at least one letter outside `(…|)`"
            ));
        }
        if seen.insert(form.clone()) {
            unique.push(form);
        }
    }
    Ok(unique)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads up to a closing parenthesis or the end: `a|b(c|d)`.
fn alternatives(rest: &mut Chars<'_>, endings: &Endings, depth: usize) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    let mut current = vec![String::new()];
    while let Some(&next) = rest.peek() {
        match next {
            ')' => break,
            '|' if depth > 0 => {
                rest.next();
                done.append(&mut current);
                current.push(String::new());
            }
            '(' => {
                rest.next();
                let parts = group(rest, endings, depth)?;
                if current.len() * parts.len() > MAX_FORMS {
                    return Err(format!("more than {MAX_FORMS} forms: split the entry"));
                }
                current = current
                    .iter()
                    .flat_map(|head| parts.iter().map(move |tail| format!("{head}{tail}")))
                    .collect();
            }
            letter => {
                rest.next();
                current.iter_mut().for_each(|form| form.push(letter));
            }
        }
    }
    done.append(&mut current);
    Ok(done)
}

/// Reads the inside of a parenthesis and its closing.
fn group(rest: &mut Chars<'_>, endings: &Endings, depth: usize) -> Result<Vec<String>, String> {
    if depth > 8 {
        return Err("parentheses nest deeper than 8: write the forms out".to_owned());
    }
    if rest.next_if_eq(&'=').is_some() {
        let mut name = String::new();
        while let Some(letter) = rest.next_if(|letter| *letter != ')') {
            name.push(letter);
        }
        rest.next();
        let list = endings
            .get(&name)
            .ok_or_else(|| format!("no endings are named `{name}`: add them under `endings`"))?;
        return alternatives(&mut list.chars().peekable(), endings, depth + 1);
    }
    let parts = alternatives(rest, endings, depth + 1)?;
    match rest.next() {
        Some(')') => Ok(parts),
        _ => Err("a parenthesis is not closed: add `)`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &str, expected: &[&str]) {
        let endings = Endings::from([("ka".to_owned(), "ка|ки|ок".to_owned())]);
        assert_eq!(expand(entry, &endings).unwrap(), expected, "{entry}");
    }

    fn check_refused(entry: &str, says: &str) {
        let refused = expand(entry, &Endings::new()).unwrap_err();
        assert!(refused.contains(says), "{entry}: {refused}");
    }

    #[test]
    fn writes_out_forms() {
        check("скидка", &["скидка"]);
        check("скид(ка|ки)", &["скидка", "скидки"]);
        check("скид(=ka)", &["скидка", "скидки", "скидок"]);
        check("(кэш|кеш)б(э|е)к", &["кэшбэк", "кэшбек", "кешбэк", "кешбек"]);
        check("discount(|s)", &["discount", "discounts"]);
        check("(наш(|у)|мой) сайт", &["наш сайт", "нашу сайт", "мой сайт"]);
        check("a(|)", &["a"]);
        check("5|6", &["5|6"]);
    }

    #[test]
    fn says_what_is_wrong() {
        check_refused("скид(ка", "not closed");
        check_refused("скид)ка", "never opened");
        check_refused("(=none)", "no endings are named `none`");
        check_refused("(|a)", "nothing at all");
        check_refused("", "nothing at all");
        check_refused(&"(a|b)".repeat(15), "split the entry");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(entry in "[a-c()|=~ ]{0,24}") {
            let _ = expand(&entry, &Endings::new());
        }
    }
}
