//! The configuration of Alertmanager: a route and receivers for each agency, out of the file of contacts.
//!
//! What the order of routes rests on was tried with Alertmanager 0.25: a route with `continue` that matches takes an
//! alert away from the receiver above it. So the last route has no matcher, and nobody's agency reaches a person.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::contacts::{Agency, Contacts, Way};
use crate::policy::At;

/// Which Alertmanager reads the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// 0.25, as Debian 12 has it: the token of a bot stands in the configuration itself.
    V025,
    /// 0.26 and later: the token stands in a file of its own.
    V026,
}

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Routing<'a> {
    /// Who is told.
    pub contacts: &'a Contacts,
    /// The token of the bot, for a reader that cannot read it from its file.
    pub token: Option<&'a str>,
    /// Who reads it.
    pub reader: Reader,
}

/// A text as YAML has it in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A matcher of one label, as YAML.
fn matcher(label: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    quoted(&format!("{label}=\"{value}\""))
}

const HEAD: &str = "\
# Written by `contactwatch alertmanager-config`: change the file of contacts, not this one.
#
# Times: what is told at once is critical; a warning waits for the morning, but is told only if it is still active then.
# A violation stays active for alertmanager.active_for of contactwatch (1 h): set that to 12h when nothing of the night
# may be missed, or look at the audit copy.
global:
  # Only for clients that say no end; contactwatch and Prometheus always do.
  resolve_timeout: 5m
";

const ROUTE: &str = "\
route:
  receiver: operations
  group_by: [agency, platform, store, alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
";

const OPERATIONS: &str = "  \
  # The daemon about itself, and figures of whole platforms: never to the people of a store.
  - receiver: operations
    matchers: ['component=~\"daemon|kafka|delivery|misjudgment|sla|meta\"']
    group_by: [alertname, job]
";

const AUDIT: &str = "  \
  # A copy of everything that a store caused; the routes below are asked as well.
  - receiver: audit
    matchers: ['source=\"contactwatch\"']
    group_by: ['...']
    # Shorter than Alertmanager's memory of what it told (data.retention, 5 d).
    repeat_interval: 4d
    continue: true
";

const LAST: &str = "  \
  # Last, for what nobody above took: an agency that is unknown, or has no contact, reaches a person all the same.
  - receiver: operations
";

const INHIBIT: &str = "\
inhibit_rules:
# The worse alert of one rule in one store silences the milder ones.
- source_matchers: ['severity=\"critical\"']
  target_matchers: ['severity=~\"warning|info\"']
  equal: [agency, platform, store, alertname]
- source_matchers: ['severity=\"warning\"']
  target_matchers: ['severity=\"info\"']
  equal: [agency, platform, store, alertname]
# The daemon told it itself, with the conversation.
- source_matchers: ['alertname=\"ReplyOverdue\"']
  target_matchers: ['alertname=\"ContactwatchReplyDeadlineNear\"']
  equal: [platform, store]
# While nothing is read, what is worked out from it is not to be trusted.
- source_matchers: ['alertname=~\"ContactwatchAbsent|ContactwatchNotConsuming\"']
  target_matchers: ['component=~\"stores|sla|misjudgment\"']
  equal: [job]
- source_matchers: ['alertname=~\"ContactwatchAbsent|ContactwatchNotConsuming\"']
  target_matchers: ['alertname=~\"ContactwatchInputSilent|ContactwatchLagging|ContactwatchPartitionsUnassigned\"']
  equal: [job]
";

impl fmt::Display for Routing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.mail_server(f)?;
        f.write_str("\ntemplates: ['templates/*.tmpl']\n\n")?;
        self.times(f)?;
        f.write_str("\n")?;
        self.routes(f)?;
        f.write_str("\n")?;
        f.write_str(INHIBIT)?;
        f.write_str("\n")?;
        self.receivers(f)
    }
}

impl Routing<'_> {
    fn zone<'a>(&'a self, agency: &'a Agency) -> &'a str {
        &agency.time_zone.as_ref().unwrap_or(&self.contacts.time_zone).value
    }

    fn mail_server(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mail) = &self.contacts.email else { return Ok(()) };
        writeln!(f, "  smtp_smarthost: {}\n  smtp_from: {}", quoted(&mail.smarthost), quoted(&mail.from))?;
        if let Some(username) = &mail.username {
            writeln!(f, "  smtp_auth_username: {}", quoted(username))?;
        }
        if let Some(file) = &mail.password_file {
            writeln!(f, "  smtp_auth_password_file: {}", quoted(file))?;
        }
        writeln!(f, "  smtp_require_tls: {}", mail.require_tls)
    }

    fn times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones: BTreeSet<&str> =
            self.contacts.agencies.0.iter().map(|(_, agency)| self.zone(agency)).collect();
        if zones.is_empty() {
            return f.write_str("time_intervals: []\n");
        }
        let (from, to) = (&self.contacts.night.from.value, &self.contacts.night.to.value);
        let span = |from: &str, to: &str| format!("{{start_time: '{from}', end_time: '{to}'}}");
        let mut times = Vec::new();
        if from < to {
            times.push(span(from, to));
        } else {
            // An interval does not pass midnight.
            times.push(span(from, "24:00"));
            if to != "00:00" {
                times.push(span("00:00", to));
            }
        }
        f.write_str("time_intervals:\n")?;
        for zone in zones {
            let place = quoted(zone);
            writeln!(f, "- name: {}\n  time_intervals:", quoted(&format!("night {zone}")))?;
            writeln!(f, "  - times: [{}]\n    location: {place}", times.join(", "))?;
            writeln!(f, "- name: {}\n  time_intervals:", quoted(&format!("weekend {zone}")))?;
            writeln!(f, "  - weekdays: ['saturday', 'sunday']\n    location: {place}")?;
        }
        Ok(())
    }

    fn routes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROUTE)?;
        let watchdog = if self.contacts.watchdog.is_some() { "watchdog" } else { "nobody" };
        f.write_str("  # Always firing: whoever gets it raises the alarm when it stays away.\n")?;
        writeln!(f, "  - receiver: {watchdog}\n    matchers: ['alertname=\"ContactwatchWatchdog\"']")?;
        f.write_str("    group_wait: 0s\n    group_interval: 1m\n    repeat_interval: 5m\n")?;
        f.write_str(OPERATIONS)?;
        if self.contacts.audit.is_some() {
            f.write_str(AUDIT)?;
        }
        for (id, agency) in &self.contacts.agencies.0 {
            let (id, zone) = (&id.value, self.zone(agency));
            let to = |kind: &str| quoted(&format!("{kind}/{id}"));
            let (night, weekend) = (quoted(&format!("night {zone}")), quoted(&format!("weekend {zone}")));
            writeln!(f, "  - receiver: {}\n    matchers: [{}]", to("daily"), matcher("agency", id))?;
            f.write_str("    routes:\n")?;
            writeln!(f, "    - receiver: {}\n      matchers: ['severity=\"critical\"']", to("urgent"))?;
            f.write_str("      group_by: [agency, platform, store]\n      group_wait: 10s\n      repeat_interval: 4h\n")?;
            writeln!(f, "    - receiver: {}\n      matchers: ['severity=\"warning\"']", to("daily"))?;
            writeln!(f, "      mute_time_intervals: [{night}]")?;
            writeln!(f, "    - receiver: {}\n      matchers: ['severity=\"info\"']", to("info"))?;
            f.write_str("      group_by: [agency]\n      group_interval: 1h\n")?;
            writeln!(f, "      mute_time_intervals: [{night}, {weekend}]")?;
        }
        f.write_str(LAST)
    }

    fn receivers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contacts = self.contacts;
        f.write_str("receivers:\n")?;
        self.receiver(f, "operations", &contacts.operations, true)?;
        match &contacts.watchdog {
            Some(way) => self.receiver(f, "watchdog", way, false)?,
            None => f.write_str("- name: nobody\n")?,
        }
        if let Some(way) = &contacts.audit {
            self.receiver(f, "audit", way, true)?;
        }
        for (id, agency) in &contacts.agencies.0 {
            let id = &id.value;
            self.receiver(f, &format!("urgent/{id}"), &agency.urgent, true)?;
            self.receiver(f, &format!("daily/{id}"), agency.daily(), true)?;
            self.receiver(f, &format!("info/{id}"), agency.info(), false)?;
        }
        Ok(())
    }

    fn receiver(&self, f: &mut fmt::Formatter<'_>, name: &str, way: &At<Way>, ends: bool) -> fmt::Result {
        let Way { telegram, email, webhook } = &way.value;
        writeln!(f, "- name: {}", quoted(name))?;
        if let Some(chat) = telegram {
            writeln!(f, "  telegram_configs:\n  - chat_id: {chat}\n    {}", self.bot())?;
            f.write_str("    parse_mode: HTML\n    message: '{{ template \"contactwatch.telegram\" . }}'\n")?;
            writeln!(f, "    send_resolved: {ends}")?;
        }
        if let Some(address) = email {
            writeln!(f, "  email_configs:\n  - to: {}", quoted(address))?;
            f.write_str(
                "    headers: {Subject: '{{ template \"contactwatch.subject\" . }}'}\n    html: ''\n",
            )?;
            f.write_str("    text: '{{ template \"contactwatch.text\" . }}'\n")?;
            writeln!(f, "    send_resolved: {ends}")?;
        }
        if let Some(url) = webhook {
            writeln!(f, "  webhook_configs:\n  - url: {}", quoted(&url.value))?;
            writeln!(f, "    send_resolved: {ends}")?;
        }
        Ok(())
    }

    /// Where the bot's token is, and its server.
    fn bot(&self) -> String {
        let mut text = String::new();
        let Some(bot) = &self.contacts.telegram else { return text };
        let file = bot.bot_token_file.as_ref().filter(|_| self.reader == Reader::V026);
        let token = bot.bot_token.as_deref().or(self.token);
        let _ = match (file, token) {
            (Some(file), _) => write!(text, "bot_token_file: {}", quoted(&file.value)),
            (None, token) => write!(text, "bot_token: {}", quoted(token.unwrap_or_default())),
        };
        if let Some(url) = &bot.api_url {
            let _ = write!(text, "\n    api_url: {}", quoted(url));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, reader: Reader) -> String {
        let contacts = Contacts::read("c.yaml", text, &["acme", "o'neil \"x\""]).unwrap();
        Routing { contacts: &contacts, token: Some("read from the file"), reader }.to_string()
    }

    #[test]
    fn what_is_left_out_falls_back() {
        let text = render("operations: {webhook: 'http://ops/'}", Reader::V025);
        assert!(text.contains("- receiver: nobody") && !text.contains("audit\n"), "{text}");
        let text = render(
            "operations: {webhook: 'http://ops/'}\nagencies: {acme: {urgent: {webhook: 'http://acme/'}}}",
            Reader::V025,
        );
        assert_eq!(text.matches("url: 'http://acme/'").count(), 3, "{text}");
    }

    #[test]
    fn names_are_quoted_for_yaml_and_for_matchers() {
        let text = render(
            "operations: {webhook: 'http://ops/'}\nagencies: {\"o'neil \\\"x\\\"\": {urgent: {webhook: 'http://o/'}}}",
            Reader::V025,
        );
        assert!(text.contains(r#"matchers: ['agency="o''neil \"x\""']"#), "{text}");
        assert!(text.contains(r#"receiver: 'urgent/o''neil "x"'"#), "{text}");
    }

    #[test]
    fn the_token_stays_in_its_file_where_the_reader_can_read_it() {
        let contacts =
            "operations: {telegram: -1}\ntelegram: {bot_token_file: /run/token, api_url: 'http://bot/'}";
        let text = render(contacts, Reader::V026);
        assert!(text.contains("bot_token_file: '/run/token'\n    api_url: 'http://bot/'\n"), "{text}");
        let text = render(contacts, Reader::V025);
        assert!(text.contains("bot_token: 'read from the file'"), "{text}");
    }

    #[test]
    fn a_night_does_not_pass_midnight() {
        for (night, expected) in [
            (
                "",
                "times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '08:00'}]",
            ),
            ("night: {from: '01:00', to: '07:30'}", "times: [{start_time: '01:00', end_time: '07:30'}]"),
            ("night: {from: '21:00', to: '00:00'}", "times: [{start_time: '21:00', end_time: '24:00'}]"),
        ] {
            let text = render(
                &format!(
                    "operations: {{webhook: 'http://o/'}}\nagencies: {{acme: {{urgent: {{webhook: 'http://a/'}}}}}}\n{night}"
                ),
                Reader::V025,
            );
            assert!(text.contains(expected), "{night}: {text}");
        }
    }
}
