//! Who is told: the file of contacts that routes of Alertmanager are made from.

use std::sync::Arc;

use serde::Deserialize;

use crate::policy::{At, Entries, Place, PolicyError, read_yaml};

/// The file as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// Whoever runs the daemon; also told of agencies that nobody else is told of.
    pub operations: At<Way>,
    /// Whoever raises the alarm when the watchdog stays away; nobody when absent.
    #[serde(default)]
    pub watchdog: Option<At<Way>>,
    /// A copy of everything that a store caused.
    #[serde(default)]
    pub audit: Option<At<Way>>,
    /// The bot that writes to Telegram.
    #[serde(default)]
    pub telegram: Option<Bot>,
    /// The server that takes e-mail.
    #[serde(default)]
    pub email: Option<Mail>,
    /// When people sleep: what can wait is not told then.
    #[serde(default)]
    pub night: Night,
    /// IANA time zone of agencies that name none.
    #[serde(default = "utc")]
    pub time_zone: At<String>,
    /// Agencies, by the id that stores and events name.
    #[serde(default)]
    pub agencies: Entries<Agency>,
}

/// Ways to one receiver; all of them are used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Chat of Telegram: a number, below 0 for groups.
    #[serde(default)]
    pub telegram: Option<i64>,
    /// Address of e-mail.
    #[serde(default)]
    pub email: Option<String>,
    /// URL that Alertmanager posts to.
    #[serde(default)]
    pub webhook: Option<At<String>>,
}

/// The bot that writes to Telegram.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bot {
    /// Its token.
    #[serde(default)]
    pub bot_token: Option<String>,
    /// File that holds the token.
    #[serde(default)]
    pub bot_token_file: Option<At<String>>,
    /// Another server of the Bot API.
    #[serde(default)]
    pub api_url: Option<String>,
}

/// The server that takes e-mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `host:port`.
    pub smarthost: String,
    /// Sender.
    pub from: String,
    /// User name.
    #[serde(default)]
    pub username: Option<String>,
    /// File that holds the password; read by Alertmanager.
    #[serde(default)]
    pub password_file: Option<String>,
    /// Whether the server must offer TLS.
    #[serde(default = "yes")]
    pub require_tls: bool,
}

/// When people sleep.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Night {
    /// `HH:MM`.
    pub from: At<String>,
    /// `HH:MM`.
    pub to: At<String>,
}

impl Default for Night {
    fn default() -> Self {
        Self { from: nowhere("22:00"), to: nowhere("08:00") }
    }
}

/// One agency.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// Told of critical alerts, at any hour.
    pub urgent: At<Way>,
    /// Told of warnings, by day; as `urgent` when absent.
    #[serde(default)]
    pub daily: Option<At<Way>>,
    /// Told of everything else, on working days; as `daily` when absent.
    #[serde(default)]
    pub info: Option<At<Way>>,
    /// IANA time zone.
    #[serde(default)]
    pub time_zone: Option<At<String>>,
}

impl Agency {
    /// Who is told of warnings.
    pub fn daily(&self) -> &At<Way> {
        self.daily.as_ref().unwrap_or(&self.urgent)
    }

    /// Who is told of the rest.
    pub fn info(&self) -> &At<Way> {
        self.info.as_ref().unwrap_or_else(|| self.daily())
    }
}

fn nowhere(text: &str) -> At<String> {
    At::new(text.to_owned(), serde_saphyr::Location::UNKNOWN, serde_saphyr::Location::UNKNOWN)
}

fn utc() -> At<String> {
    nowhere("UTC")
}

fn yes() -> bool {
    true
}

impl Contacts {
    /// Reads the file, and holds it against the agencies that stores name.
    ///
    /// # Errors
    /// Every fault, with its place and what would be right.
    pub fn read(file: &str, text: &str, agencies: &[&str]) -> Result<Self, Vec<PolicyError>> {
        let file: Arc<str> = file.into();
        let contacts: Self = read_yaml(&file, text).map_err(|error| vec![error])?;
        let mut check = Check { file, errors: Vec::new(), contacts: &contacts };
        check.all(agencies);
        match check.errors {
            errors if errors.is_empty() => Ok(contacts),
            errors => Err(errors),
        }
    }
}

struct Check<'a> {
    file: Arc<str>,
    contacts: &'a Contacts,
    errors: Vec<PolicyError>,
}

impl Check<'_> {
    fn fault<T>(&mut self, at: &At<T>, message: String, fix: &str) {
        let place = Place::at(&self.file, at.referenced);
        self.errors.push(PolicyError::new(place, message).fix(fix));
    }

    fn all(&mut self, known: &[&str]) {
        let contacts = self.contacts;
        self.way(&contacts.operations);
        for way in contacts.watchdog.iter().chain(&contacts.audit) {
            self.way(way);
        }
        if let Some(Bot { bot_token: None, bot_token_file: None, .. }) = &contacts.telegram {
            let place = Place::file(&self.file);
            let error =
                PolicyError::new(place, "telegram: the bot has no token").fix("give it bot_token_file");
            self.errors.push(error);
        }
        for moment in [&contacts.night.from, &contacts.night.to] {
            if !is_moment(&moment.value) {
                let message = format!("\"{}\" is no time of the day", moment.value);
                self.fault(moment, message, "write it as \"22:00\", in quotes");
            }
        }
        self.zone(&contacts.time_zone);
        for (id, agency) in &contacts.agencies.0 {
            if !known.contains(&id.value.as_str()) {
                let place = Place::at(&self.file, id.referenced);
                let message = format!("no store is run by agency \"{}\"", id.value);
                self.errors.push(PolicyError::new(place, message).nearest(&id.value, known.iter().copied()));
            }
            for way in
                [Some(&agency.urgent), agency.daily.as_ref(), agency.info.as_ref()].into_iter().flatten()
            {
                self.way(way);
            }
            if let Some(zone) = &agency.time_zone {
                self.zone(zone);
            }
        }
    }

    fn way(&mut self, way: &At<Way>) {
        let Way { telegram, email, webhook } = &way.value;
        if telegram.is_none() && email.is_none() && webhook.is_none() {
            self.fault(way, "nobody is told".to_owned(), "name telegram, email or webhook");
        }
        if telegram.is_some() && self.contacts.telegram.is_none() {
            let fix = "add telegram: {bot_token_file: FILE} to the file";
            self.fault(way, "no bot writes to Telegram".to_owned(), fix);
        }
        if email.is_some() && self.contacts.email.is_none() {
            let fix = "add email: {smarthost: \"host:587\", from: ADDRESS} to the file";
            self.fault(way, "no server takes e-mail".to_owned(), fix);
        }
        if let Some(url) = webhook
            && !url::Url::parse(&url.value)
                .is_ok_and(|url| url.has_host() && url.scheme().starts_with("http"))
        {
            let message = format!("\"{}\" is no address", url.value);
            self.fault(url, message, "write it as http://host:port/path");
        }
    }

    fn zone(&mut self, zone: &At<String>) {
        let words = zone.value.split('/').all(|part| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
        });
        if !words {
            let message = format!("\"{}\" is no time zone", zone.value);
            self.fault(zone, message, "write it as Europe/Moscow");
        }
    }
}

fn is_moment(text: &str) -> bool {
    let Some((hour, minute)) = text.split_once(':') else { return false };
    let below = |part: &str, limit: u32| part.len() == 2 && part.parse::<u32>().is_ok_and(|n| n < limit);
    below(hour, 24) && below(minute, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_a_place_and_a_way_out() {
        for (text, expected) in [
            ("operations: {}", "c.yaml:1:13: nobody is told; name telegram, email or webhook"),
            (
                "audit: {webhook: 'http://a/'}",
                "c.yaml:1:1: the map that this line belongs to lacks \"operations:\"",
            ),
            ("operations: {webhok: x}", "c.yaml:1:14: unknown key \"webhok\"; did you mean \"webhook\"?"),
            (
                "operations: {webhook: localhost}",
                "c.yaml:1:23: \"localhost\" is no address; write it as http://host:port/path",
            ),
            (
                "operations: {telegram: -1}",
                "c.yaml:1:13: no bot writes to Telegram; add telegram: {bot_token_file: FILE} to the file",
            ),
            (
                "operations: {email: a@b}",
                "c.yaml:1:13: no server takes e-mail; add email: {smarthost: \"host:587\", from: ADDRESS} to the file",
            ),
            (
                "operations: {webhook: 'http://a/'}\ntelegram: {}",
                "c.yaml: telegram: the bot has no token; give it bot_token_file",
            ),
            (
                "operations: {webhook: 'http://a/'}\nnight: {from: late, to: '08:00'}",
                "c.yaml:2:15: \"late\" is no time of the day; write it as \"22:00\", in quotes",
            ),
            (
                "operations: {webhook: 'http://a/'}\ntime_zone: 'Europe Moscow'",
                "c.yaml:2:12: \"Europe Moscow\" is no time zone; write it as Europe/Moscow",
            ),
            (
                "operations: {webhook: 'http://a/'}\nagencies: {akme: {urgent: {webhook: 'http://a/'}}}",
                "c.yaml:2:12: no store is run by agency \"akme\"; did you mean \"acme\"?",
            ),
        ] {
            let errors = Contacts::read("c.yaml", text, &["acme", "bravo"]).unwrap_err();
            let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(told, [expected], "{text}");
        }
    }
}
