//! Links and bare hosts.
//!
//! A scan for `.` and `://` finds where a host may be; only there is anything read. A scheme makes a link of any host; a
//! bare one needs a public suffix and a look around it, because a full stop without a blank is common in chats.

mod bare;

pub(super) use bare::{host_end, is_host, is_host_char};

use std::borrow::Cow;
use std::ops::Range;

use super::domains::{DomainLists, registrable};
use super::fold::View;
use super::{HostClass, Link, TextFormat, Via};

/// Schemes of messengers' own, and the host they stand for.
const APP_SCHEMES: [(&str, &str); 8] = [
    ("tg", "t.me"),
    ("telegram", "t.me"),
    ("whatsapp", "whatsapp.com"),
    ("viber", "viber.com"),
    ("vk", "vk.com"),
    ("weixin", "weixin.qq.com"),
    ("skype", "skype.com"),
    ("max", "max.ru"),
];

/// Finds the links of one view and adds those that no earlier view has found; `out` stays ordered by start.
/// Call it with the main view first, then with the spelled one.
pub fn find(
    view: &View,
    original: &str,
    format: TextFormat,
    lists: &DomainLists,
    platform: &str,
    out: &mut Vec<Link>,
) {
    let earlier = out.len();
    let mut scan = Scan { view, original, format, lists, platform, text: &view.text, at: 0, earlier, out };
    let bytes = view.text.as_bytes();
    let mut from = 0;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr2(b'.', b':', rest)) {
        let mark = from + found;
        from = mark + 1;
        if mark < scan.at {
            continue;
        }
        if bytes.get(mark) == Some(&b'.') {
            scan.bare(mark);
        } else if bytes.get(mark + 1..mark + 3).is_some_and(|s| s.iter().all(|b| matches!(b, b'/' | b'\\'))) {
            scan.with_scheme(mark);
        }
        from = from.max(scan.at);
    }
    if earlier > 0 && out.len() > earlier {
        out.sort_by_key(|link| link.start);
    }
}

struct Scan<'a> {
    view: &'a View,
    original: &'a str,
    format: TextFormat,
    lists: &'a DomainLists,
    platform: &'a str,
    text: &'a str,
    /// Everything before has been read.
    at: usize,
    /// Links of earlier views.
    earlier: usize,
    out: &'a mut Vec<Link>,
}

/// What a stretch of text says when it is read as an address.
struct Address {
    host: String,
    address: String,
}

impl Scan<'_> {
    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// `scheme://…`, with the colon at `colon`.
    fn with_scheme(&mut self, colon: usize) {
        let before = self.slice(self.at..colon);
        let scheme_len = before
            .bytes()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-'))
            .count();
        let start = colon - scheme_len;
        let end = url_end(self.text, colon + 3);
        if end <= colon + 3 {
            self.at = colon + 1;
            return;
        }
        let scheme = self.slice(start..colon);
        let app = APP_SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, host)| *host);
        let found = match app {
            Some(host) => {
                let rest = self.slice(colon + 3..end).split(['?', '#']).next().unwrap_or_default();
                Some((Address { host: host.to_owned(), address: format!("{host}/{rest}") }, None))
            }
            None => self.read(colon + 3..end),
        };
        if let Some((address, class)) = found {
            self.push(start..end, address, class);
        }
        self.at = end;
    }

    /// A host without a scheme around the dot at `dot`.
    fn bare(&mut self, dot: usize) {
        let Some(host) = bare::host_around(self.text, self.at, dot) else { return };
        self.at = self.at.max(host.end);
        // No host is longer than 253 letters.
        if host.len() > 1024 {
            return;
        }
        let after = self.slice(host.end..self.text.len());
        let before = self.slice(0..host.start);
        if after.starts_with('@') {
            // `ozon.ru@evil.example`: what stands before the sign is only there to be seen.
            let name = host.end + 1;
            let real = host_end(self.text, name);
            let real = name..name + self.slice(name..real).trim_end_matches(['.', '-']).len();
            if is_host(self.slice(host.clone())) && is_host(self.slice(real.clone())) {
                self.take(host.start..real.end, real);
            } else {
                // An e-mail address.
                self.at = real.end;
            }
            return;
        }
        if before.ends_with('@') || bare::spelled_at_before(before) {
            return;
        }
        let in_target = self.format == TextFormat::Markdown && bare::opens_target(before);
        let original = self.view.original(host.clone());
        let written = self.original.get(original.start as usize..original.end as usize).unwrap_or_default();
        let with_path = after.starts_with(['/', '?', '#'])
            || (after.starts_with(':') && after.as_bytes().get(1).is_some_and(u8::is_ascii_digit));
        let known = registrable(self.slice(host.clone())).is_some_and(|domain| {
            self.lists.classify("", self.slice(host.clone()), Some(domain)) != HostClass::Other
        });
        let context = bare::Context { written, known, with_path, in_target };
        if bare::is_plausible(self.slice(host.clone()), &context) {
            self.take(host.clone(), host);
        }
    }

    /// Takes a bare host, with the path that follows it.
    fn take(&mut self, mut range: Range<usize>, host: Range<usize>) {
        let rest = self.slice(host.end..self.text.len());
        let goes_on = rest.starts_with(['/', '?', '#', ':']);
        let end = if goes_on { url_end(self.text, host.end).max(host.end) } else { host.end };
        range.end = end;
        if let Some((address, class)) = self.read(host.start..end) {
            self.push(range, address, class);
        }
        self.at = end;
    }

    /// Reads an address without its scheme. Letters that were only taken for others are held to be what is written
    /// where that matters: a host that merely looks like the platform's is not the platform's.
    fn read(&self, range: Range<usize>) -> Option<(Address, Option<HostClass>)> {
        let folded = self.parse(self.slice(range.clone()));
        if !self.view.via(range.clone()).intersects(Via::LOOKALIKE | Via::REPEATED) {
            return folded.map(|a| (a, None));
        }
        let original = self.view.original(range);
        let written = self.original.get(original.start as usize..original.end as usize).unwrap_or_default();
        let written = self.parse(&written.to_lowercase());
        match folded {
            Some(folded) => {
                let class = self.lists.classify(self.platform, &folded.host, registrable(&folded.host));
                let trusted = matches!(class, HostClass::FirstParty | HostClass::Tracking | HostClass::Other);
                match written {
                    Some(written) if trusted => Some((written, None)),
                    None if trusted => Some((folded, Some(HostClass::Other))),
                    _ => Some((folded, None)),
                }
            }
            None => written.map(|a| (a, None)),
        }
    }

    fn parse(&self, text: &str) -> Option<Address> {
        // Markdown shows `t\.me` as t.me.
        let text: Cow<'_, str> = if self.format == TextFormat::Markdown && text.contains('\\') {
            text.replace('\\', "").into()
        } else {
            text.into()
        };
        let url = url::Url::parse(&format!("http://{text}")).ok()?;
        let host = url.host_str()?.trim_end_matches('.').to_lowercase();
        if host.is_empty() {
            return None;
        }
        let path = url.path().to_lowercase();
        let address = if path == "/" { host.clone() } else { format!("{host}{path}") };
        Some(Address { host, address })
    }

    fn push(&mut self, range: Range<usize>, address: Address, class: Option<HostClass>) {
        let place = self.view.original(range.clone());
        let known = self.out.get(..self.earlier).unwrap_or_default();
        // Links of the earlier view are in order and apart: the last that begins before this one ends is the only rival.
        let rival =
            known.partition_point(|link| link.start < place.end).checked_sub(1).and_then(|n| known.get(n));
        if rival.is_some_and(|link| link.end > place.start) {
            return;
        }
        let domain = registrable(&address.host).map(Into::into);
        let class =
            class.unwrap_or_else(|| self.lists.classify(self.platform, &address.host, domain.as_deref()));
        self.out.push(Link {
            start: place.start,
            end: place.end,
            host: address.host.into(),
            domain,
            address: address.address.into(),
            class,
            via: self.view.via(range),
        });
    }
}

/// Where an address that is being read from `from` on ends: at a blank, quotation mark, Chinese character or a closing
/// bracket that it has not opened (the end of a Markdown target); closing punctuation does not belong to it.
fn url_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let (mut round, mut square) = (0usize, 0usize);
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        match c {
            '(' => round += 1,
            '[' => square += 1,
            ')' if round == 0 => {
                end = at;
                break;
            }
            ']' if square == 0 => {
                end = at;
                break;
            }
            ')' => round -= 1,
            ']' => square -= 1,
            '<' | '>' | '"' | '«' | '»' | '“' | '”' | '„' | '`' | '|' | '{' | '}' | '、' | '。' | '《'
            | '》' | '【' | '】' => {
                end = at;
                break;
            }
            _ if c.is_whitespace() || is_cjk(c) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let url = rest.get(..end).unwrap_or_default();
    from + url.trim_end_matches(['.', ',', '!', '?', ':', ';', '\'', '*', '_', '~', '…', '-', '—']).len()
}

fn is_cjk(c: char) -> bool {
    matches!(c as u32, 0x3000..=0x30FF | 0x3400..=0x9FFF | 0xFF00..=0xFF60)
}

#[cfg(test)]
mod tests;
