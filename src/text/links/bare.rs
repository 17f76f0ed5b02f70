//! Hosts without a scheme: what may be one, and what is a sentence without a blank.

use std::ops::Range;

/// Country suffixes that are everyday words, units or file endings: a lower-case `a.b` with one of these is not a host
/// unless a path follows or a list knows it.
const WORDS_AND_FILES: [&str; 45] = [
    "am", "as", "at", "be", "do", "id", "in", "is", "it", "la", "me", "my", "no", "so", "to", "us", "ps",
    "py", "rs", "sh", "md", "pl", "ms", "kg", "cm", "mm", "gb", "mg", "ml", "ph", "im", "pm", "pa", "ma",
    "re", "ne", "mr", "st", "gg", "by", "tm", "th", "al", "ai", "sr",
];

/// Longer suffixes that make a host of two plain words; all others need a path, `www.` or a list.
const GENERIC: [&str; 52] = [
    "com", "net", "org", "info", "biz", "edu", "gov", "example", "shop", "store", "online", "site",
    "website", "xyz", "top", "club", "pro", "app", "dev", "link", "page", "blog", "market", "space", "tech",
    "chat", "vip", "icu", "mobi", "tel", "asia", "wiki", "agency", "group", "center", "company", "delivery",
    "digital", "email", "exchange", "host", "limited", "ltd", "moscow", "name", "network", "studio",
    "support", "systems", "team", "trade", "travel",
];

/// Suffixes after which capitals and Russian letters before do not speak against a host.
const STRONG: [&str; 8] = ["ru", "com", "net", "org", "su", "cn", "kz", "xn--p1ai"];

/// Russian suffixes.
const RUSSIAN: [&str; 12] =
    ["рф", "рус", "москва", "онлайн", "сайт", "дети", "орг", "ком", "бел", "укр", "қаз", "католик"];

/// What stands around a bare host.
pub(super) struct Context<'a> {
    /// As it is written in the original.
    pub(super) written: &'a str,
    /// A list knows it.
    pub(super) known: bool,
    /// A path, query or port follows.
    pub(super) with_path: bool,
    /// It is the target of a Markdown link.
    pub(super) in_target: bool,
}

/// Letters, digits, dashes and dots; no Chinese, because Chinese sentences run into hosts.
pub(in crate::text) fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '.' | '-' | '_')
        || (!c.is_ascii() && c.is_alphabetic() && matches!(c as u32, 0xC0..=0x52F))
}

/// Where the host characters from `from` on end.
pub(in crate::text) fn host_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.find(|c| !is_host_char(c)).unwrap_or(rest.len())
}

/// The stretch of host characters around the dot at `dot`, not before `floor`; dots in a row are no part of it.
pub(super) fn host_around(text: &str, floor: usize, dot: usize) -> Option<Range<usize>> {
    let mut start = dot;
    let mut after = '.';
    for (at, c) in text.get(floor..dot)?.char_indices().rev() {
        if !is_host_char(c) || (c == '.' && after == '.') {
            break;
        }
        start = floor + at;
        after = c;
    }
    let mut end = dot + 1;
    let mut before = '.';
    for (at, c) in text.get(dot + 1..)?.char_indices() {
        if !is_host_char(c) || (c == '.' && before == '.') {
            break;
        }
        end = dot + 1 + at + c.len_utf8();
        before = c;
    }
    let edges = ['.', '-', '_'];
    let whole = text.get(start..end)?;
    start += whole.len() - whole.trim_start_matches(edges).len();
    let whole = text.get(start..end)?;
    end = start + whole.trim_end_matches(edges).len();
    (start <= dot && dot < end).then_some(start..end)
}

/// Whether this can be a host at all: labels and a public suffix that exists.
pub(in crate::text) fn is_host(host: &str) -> bool {
    let Some((rest, last)) = host.rsplit_once('.') else { return false };
    !rest.is_empty()
        && host.len() <= 253
        && host.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && is_suffix(last)
}

fn is_suffix(last: &str) -> bool {
    if last.chars().count() < 2 || !(last.chars().all(char::is_alphabetic) || last.starts_with("xn--")) {
        return false;
    }
    // `example` is kept for documents; people and tests write it for "some site".
    last == "example" || RUSSIAN.contains(&last) || psl::suffix(last.as_bytes()).is_some_and(|s| s.is_known())
}

/// Whether a bare host is meant as one.
pub(super) fn is_plausible(host: &str, context: &Context<'_>) -> bool {
    if context.with_path && host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    if !is_host(host) {
        return false;
    }
    if context.known || context.in_target || host.starts_with("www.") {
        return true;
    }
    let Some((rest, last)) = host.rsplit_once('.') else { return false };
    let second = rest.rsplit('.').next().unwrap_or_default();
    let strong = STRONG.contains(&last);
    let russian = RUSSIAN.contains(&last);
    let written_last = context.written.rsplit('.').next().unwrap_or_default();
    // `спасибо.Ok`, `thanks.My`: the next sentence begins with a capital.
    let capital = written_last.chars().next().is_some_and(char::is_uppercase);
    if capital && !(strong && second.is_ascii()) {
        return false;
    }
    if second.chars().count() < 2 && !(context.with_path && last.is_ascii()) {
        return false;
    }
    // `12.kg`
    if second.bytes().all(|b| b.is_ascii_digit()) && !strong {
        return false;
    }
    if russian {
        return second.chars().count() >= if last.chars().count() > 3 { 3 } else { 2 };
    }
    // A Russian word, a full stop and an English word, unless the suffix says otherwise.
    if !rest.is_ascii() && !strong {
        return false;
    }
    let everyday = WORDS_AND_FILES.contains(&last)
        || (last.len() > 2 && !GENERIC.contains(&last) && !last.starts_with("xn--"));
    if everyday && !context.with_path {
        return last.len() == 2
            && rest.contains('.')
            && rest.split('.').all(|label| label.len() > 1 && label.is_ascii());
    }
    true
}

/// Whether the text before ends a Markdown label and opens its target.
pub(super) fn opens_target(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '<', '/']);
    before.ends_with("](") || before.ends_with("]: ") || before.ends_with("]:")
}

/// Whether an at-sign in words stands before: the host of an e-mail address.
pub(super) fn spelled_at_before(before: &str) -> bool {
    let before = before.trim_end();
    ["(at)", "[at]", "{at}", "(a)", "собака", "собачка", "(собака)"].iter().any(|at| before.ends_with(at))
}
