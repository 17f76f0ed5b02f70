//! Lists of hosts: what a host is, and which named lists a link is on. Data, compiled from `config/domains`.

use std::collections::BTreeMap;

use ahash::AHashMap;
use serde::Deserialize;

use super::{HostClass, Link};

/// Why domain lists cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct DomainsError {
    /// The file as it was named.
    pub file: String,
    /// What is wrong, with line and column for YAML.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    lists: BTreeMap<String, WrittenList>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenList {
    class: Option<HostClass>,
    platform: Option<String>,
    entries: Vec<WrittenEntry>,
}

/// Just one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    domain: Option<String>,
    host_suffix: Option<String>,
    url_prefix: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A registrable domain with all its hosts.
    Domain(Box<str>),
    /// A host and those below it.
    HostSuffix(Box<str>),
    /// The beginning of host and path, without `www.`.
    UrlPrefix(Box<str>),
}

impl Entry {
    fn matches(&self, host: &str, registrable: Option<&str>, address: &str) -> bool {
        match self {
            Entry::Domain(domain) => registrable == Some(domain),
            Entry::HostSuffix(suffix) => is_below(host, suffix),
            Entry::UrlPrefix(prefix) => without_www(address).starts_with(&**prefix),
        }
    }
}

/// Compiled lists. Immutable; share one among threads.
#[derive(Debug, Default)]
pub struct DomainLists {
    lists: BTreeMap<Box<str>, Vec<Entry>>,
    /// By platform.
    first_party: BTreeMap<Box<str>, Vec<Entry>>,
    domains: AHashMap<Box<str>, HostClass>,
    hosts: AHashMap<Box<str>, HostClass>,
}

impl DomainLists {
    /// Compiles the files of `config/domains`, given as name and content.
    ///
    /// # Errors
    /// [`DomainsError`] when a file is not such YAML, an entry is not just one of `domain`, `host_suffix` and
    /// `url_prefix`, a `domain` is none that can be registered, or two lists give one host different classes.
    pub fn compile(files: &[(&str, &str)]) -> Result<Self, DomainsError> {
        let mut this = Self::default();
        for (file, content) in files {
            this.add(content).map_err(|reason| DomainsError { file: (*file).to_owned(), reason })?;
        }
        Ok(this)
    }

    fn add(&mut self, content: &str) -> Result<(), String> {
        let written: Written = serde_saphyr::from_str(content).map_err(|e| e.to_string())?;
        for (name, list) in written.lists {
            if self.lists.contains_key(name.as_str()) {
                return Err(format!("the list `{name}` is defined twice"));
            }
            let entries = list
                .entries
                .into_iter()
                .map(|entry| read(entry).map_err(|reason| format!("list `{name}`: {reason}")))
                .collect::<Result<Vec<_>, _>>()?;
            match (list.class, list.platform) {
                (Some(HostClass::FirstParty), Some(platform)) => {
                    self.first_party.entry(platform.into()).or_default().extend(entries.iter().cloned());
                }
                (Some(HostClass::FirstParty), None) => {
                    return Err(format!("list `{name}`: first party of which `platform`?"));
                }
                (_, Some(_)) => {
                    return Err(format!("list `{name}`: only first-party hosts belong to a `platform`"));
                }
                (Some(class), None) => self.classify_all(&name, class, &entries)?,
                (None, None) => {}
            }
            self.lists.insert(name.into(), entries);
        }
        Ok(())
    }

    fn classify_all(&mut self, name: &str, class: HostClass, entries: &[Entry]) -> Result<(), String> {
        for entry in entries {
            let (map, host) = match entry {
                Entry::Domain(domain) => (&mut self.domains, domain),
                Entry::HostSuffix(host) => (&mut self.hosts, host),
                Entry::UrlPrefix(prefix) => {
                    return Err(format!("list `{name}`: `{prefix}` cannot have a class"));
                }
            };
            if map.insert(host.clone(), class).is_some_and(|other| other != class) {
                return Err(format!("list `{name}`: another list says otherwise of `{host}`"));
            }
        }
        Ok(())
    }

    /// What a host is for a store of `platform`. The platform's own hosts win; then the longest host suffix;
    /// then the registrable domain.
    pub fn classify(&self, platform: &str, host: &str, registrable: Option<&str>) -> HostClass {
        let own = self
            .first_party
            .get(platform)
            .is_some_and(|own| own.iter().any(|e| e.matches(host, registrable, "")));
        if own {
            return HostClass::FirstParty;
        }
        let mut suffix = host;
        loop {
            if let Some(class) = self.hosts.get(suffix) {
                return *class;
            }
            match suffix.split_once('.') {
                Some((_, rest)) => suffix = rest,
                None => break,
            }
        }
        registrable.and_then(|domain| self.domains.get(domain)).copied().unwrap_or(HostClass::Other)
    }

    /// Whether a link is on a named list; false when there is no such list.
    pub fn in_list(&self, list: &str, link: &Link) -> bool {
        let Some(entries) = self.lists.get(list) else { return false };
        entries.iter().any(|entry| entry.matches(&link.host, link.domain.as_deref(), &link.address))
    }

    /// The names of all lists, in order.
    pub fn list_names(&self) -> Vec<&str> {
        self.lists.keys().map(|name| &**name).collect()
    }
}

/// The domain that somebody can register, by the public suffix list.
pub(super) fn registrable(host: &str) -> Option<&str> {
    if matches!(url::Host::parse(host), Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_))) || host.starts_with('[')
    {
        return None;
    }
    psl::domain_str(host)
}

fn read(entry: WrittenEntry) -> Result<Entry, String> {
    match (entry.domain, entry.host_suffix, entry.url_prefix) {
        (Some(domain), None, None) => {
            let domain = lower(&domain)?;
            match registrable(&domain) {
                Some(own) if own == &*domain => Ok(Entry::Domain(domain)),
                _ => Err(format!("`{domain}` is no registrable domain: write `host_suffix`")),
            }
        }
        (None, Some(host), None) => Ok(Entry::HostSuffix(lower(&host)?)),
        (None, None, Some(prefix)) if prefix.contains('/') => {
            Ok(Entry::UrlPrefix(without_www(&prefix.to_lowercase()).into()))
        }
        (None, None, Some(prefix)) => Err(format!("`{prefix}` has no path: write `domain` or `host_suffix`")),
        _ => Err("an entry is just one of `domain`, `host_suffix`, `url_prefix`".to_owned()),
    }
}

/// Lists may be written in Unicode; hosts are compared in their ASCII form.
fn lower(host: &str) -> Result<Box<str>, String> {
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) if name.contains('.') => Ok(name.into()),
        _ => Err(format!("`{host}` is no host name")),
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn without_www(address: &str) -> &str {
    address.strip_prefix("www.").unwrap_or(address)
}

/// The shipped lists, for tests of this and the neighbouring modules.
#[cfg(test)]
pub(super) fn shipped() -> DomainLists {
    macro_rules! file {
        ($name:literal) => {
            ($name, include_str!(concat!("../../config/domains/", $name, ".yaml")))
        };
    }
    DomainLists::compile(&[
        file!("first_party"),
        file!("messengers"),
        file!("social"),
        file!("link_hubs"),
        file!("forms"),
        file!("payment"),
        file!("shorteners"),
        file!("marketplaces"),
        file!("tracking"),
        file!("return_pages"),
    ])
    .unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Via;

    fn class(platform: &str, host: &str) -> HostClass {
        shipped().classify(platform, host, registrable(host))
    }

    #[test]
    fn hosts_have_a_class() {
        use HostClass::*;
        for (platform, host, expected) in [
            ("ozon", "ozon.ru", FirstParty),
            ("ozon", "www.ozon.ru", FirstParty),
            ("ozon", "seller-edu.ozon.ru", FirstParty),
            ("ozon", "ozon.ru.evil.example", Other),
            ("ozon", "notozon.ru", Other),
            ("ozon", "wildberries.ru", Marketplace),
            ("wildberries", "ozon.ru", Marketplace),
            ("wildberries", "basket-01.wbbasket.ru", FirstParty),
            ("wildberries", "wb.ru", FirstParty),
            ("yandex_market", "market.yandex.ru", FirstParty),
            ("yandex_market", "m.market.yandex.ru", FirstParty),
            ("yandex_market", "yandex.ru", Other),
            ("yandex_market", "notmarket.yandex.ru", Other),
            ("yandex_market", "forms.yandex.ru", Form),
            ("ozon", "market.yandex.ru", Marketplace),
            ("ozon", "t.me", Messenger),
            ("ozon", "api.whatsapp.com", Messenger),
            ("ozon", "u.wechat.com", Messenger),
            ("ozon", "docs.google.com", Form),
            ("ozon", "google.com", Other),
            ("ozon", "taplink.cc", LinkHub),
            ("ozon", "shop.carrd.co", LinkHub),
            ("ozon", "qr.nspk.ru", Payment),
            ("ozon", "clck.ru", Shortener),
            ("ozon", "www.pochta.ru", Tracking),
            ("", "ozon.ru", Marketplace),
            ("ozon", "", Other),
            ("ozon", "com", Other),
        ] {
            assert_eq!(class(platform, host), expected, "{platform} {host}");
        }
    }

    #[test]
    fn named_lists_hold_pages() {
        let lists = shipped();
        let link = |address: &str| {
            let host = address.split('/').next().unwrap_or_default();
            Link {
                start: 0,
                end: 0,
                host: host.into(),
                domain: registrable(host).map(Into::into),
                address: address.into(),
                class: HostClass::Other,
                via: Via::empty(),
            }
        };
        for (list, address, expected) in [
            ("ozon_return_pages", "www.ozon.ru/info/return-conditions", true),
            ("ozon_return_pages", "ozon.ru/info/return/", true),
            ("ozon_return_pages", "ozon.ru/product/1", false),
            ("ozon_return_pages", "ozon.ru.evil.example/info/return", false),
            ("messengers", "t.me/shop", true),
            ("tracking", "www.cdek.ru/track", true),
            ("no_such_list", "t.me/shop", false),
        ] {
            assert_eq!(lists.in_list(list, &link(address)), expected, "{list} {address}");
        }
        assert!(lists.list_names().contains(&"ozon_return_pages"));
    }

    #[test]
    fn mistakes_are_refused() {
        for (yaml, reason) in [
            ("version: 1\nlists: {a: {entries: [{domain: market.yandex.ru}]}}", "no registrable domain"),
            ("version: 1\nlists: {a: {entries: [{domain: a.ru, host_suffix: b.ru}]}}", "just one of"),
            ("version: 1\nlists: {a: {entries: [{url_prefix: a.ru}]}}", "no path"),
            ("version: 1\nlists: {a: {class: first_party, entries: []}}", "which `platform`"),
            ("version: 1\nlists: {a: {class: form, platform: ozon, entries: []}}", "only first-party"),
            ("version: 1\nlists: {a: {entries: [{host: a.ru}]}}", "host"),
            ("version: 1\nlists: {a: {entries: [{host_suffix: 'a b'}]}}", "no host name"),
            (
                "version: 1\nlists: {a: {class: form, entries: [{domain: a.ru}]}, b: {class: payment, entries: [{domain: a.ru}]}}",
                "otherwise",
            ),
        ] {
            let error = DomainLists::compile(&[("x.yaml", yaml)]).expect_err(yaml).to_string();
            assert!(error.contains(reason) && error.starts_with("x.yaml"), "{error}");
        }
    }
}
