//! What no type can say: values that contradict each other, or that cannot work.

use std::collections::BTreeMap;

use super::{Config, Kafka, Secret, Security};

/// A fault: the key, what is wrong with it, how to mend it.
pub(super) type Fault = (String, String);

/// Properties that delivery guarantees rest on.
const OWNED_PROPERTIES: [&str; 20] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "transactional.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "isolation.level",
    "security.protocol",
    "sasl.mechanisms",
    "sasl.username",
    "partition.assignment.strategy",
    "group.protocol",
    "group.instance.id",
    "auto.offset.reset",
    "acks",
    "partitioner",
    "enable.partition.eof",
    "transaction.timeout.ms",
    "statistics.interval.ms",
];

/// Everything that is wrong.
pub(super) fn check(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: String| faults.push((key.to_owned(), message));

    for (key, span) in [
        ("retention.conversation", config.retention.conversation),
        ("retention.order", config.retention.order),
        ("retention.promise", config.retention.promise),
        ("retention.store", config.retention.store),
        ("alertmanager.active_for", config.alertmanager.active_for),
        ("alertmanager.unanswered_for", config.alertmanager.unanswered_for),
        ("alertmanager.max_age", config.alertmanager.max_age),
        ("alertmanager.resend_every", config.alertmanager.resend_every),
        ("alertmanager.timeout", config.alertmanager.timeout),
    ] {
        if span.0 <= 0 {
            fault(key, "is zero; give it a length such as 400d or 30s".to_owned());
        }
    }
    for binding in &config.policies.bindings {
        for store in &binding.stores {
            let named =
                store.split_once('/').is_some_and(|(platform, id)| !platform.is_empty() && !id.is_empty());
            if !named {
                fault("policies.bindings", format!("store \"{store}\" is not written as platform/store"));
            }
        }
    }
    if config.roles.is_empty() {
        fault("roles", "is empty, so the process would do nothing; expected score, relay, http".to_owned());
    }
    check_kafka(config, &mut fault);
    if !(0.0..=1.0).contains(&config.metrics.misjudgment_budget) {
        fault("metrics.misjudgment_budget", "is a share; expected 0 to 1, such as 0.003".to_owned());
    }
    if config.alertmanager.bearer_token.is_some() || config.alertmanager.bearer_token_file.is_some() {
        if config.alertmanager.username.is_some() {
            fault("alertmanager.username", "and a bearer token exclude each other; keep one".to_owned());
        }
    } else if config.alertmanager.username.is_some()
        && config.alertmanager.password.is_none()
        && config.alertmanager.password_file.is_none()
    {
        let message = "needs alertmanager.password_file or CONTACTWATCH__ALERTMANAGER__PASSWORD";
        fault("alertmanager.username", message.to_owned());
    }
    for url in &config.alertmanager.urls {
        if !is_http(url) {
            fault("alertmanager.urls", format!("\"{url}\" is no address such as http://alertmanager:9093"));
        }
    }
    for (key, url) in [
        ("alertmanager.external_url", &config.alertmanager.external_url),
        ("alertmanager.runbook_url", &config.alertmanager.runbook_url),
    ] {
        if let Some(url) = url.as_ref().filter(|url| !is_http(url)) {
            fault(key, format!("\"{url}\" is no http or https address"));
        }
    }
    for (key, inline, file) in [
        ("kafka.password", &config.kafka.password, &config.kafka.password_file),
        ("http.bearer_token", &config.http.bearer_token, &config.http.bearer_token_file),
        (
            "alertmanager.bearer_token",
            &config.alertmanager.bearer_token,
            &config.alertmanager.bearer_token_file,
        ),
        ("alertmanager.password", &config.alertmanager.password, &config.alertmanager.password_file),
    ] {
        if inline.is_some() && file.is_some() {
            fault(key, format!("is set, and so is {key}_file; keep one of them"));
        } else if let (None, Some(path)) = (inline, file)
            && let Err(error) = Secret::read(path)
        {
            fault(&format!("{key}_file"), format!("{} cannot be read: {error}", path.display()));
        }
    }
    faults
}

fn check_kafka(config: &Config, fault: &mut impl FnMut(&str, String)) {
    let kafka = &config.kafka;
    if kafka.brokers.is_empty() {
        fault("kafka.brokers", "is empty; name at least one host:port".to_owned());
    }
    for broker in &kafka.brokers {
        let port = broker.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
        if !port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            fault("kafka.brokers", format!("\"{broker}\" is not written as host:port"));
        }
    }
    if kafka.group.is_empty() {
        fault("kafka.group", "is empty".to_owned());
    }
    let mut topics = BTreeMap::new();
    for (key, topic) in [
        ("messages", &kafka.topics.messages),
        ("orders", &kafka.topics.orders),
        ("verdicts", &kafka.topics.verdicts),
        ("alerts", &kafka.topics.alerts),
        ("dead_letters", &kafka.topics.dead_letters),
        ("state", &kafka.topics.state),
    ] {
        let key = format!("kafka.topics.{key}");
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if topic.is_empty() || topic.len() > 249 || !topic.chars().all(legal) {
            fault(&key, format!("\"{topic}\" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -"));
        }
        if let Some(other) = topics.insert(topic.as_str(), key.clone()) {
            fault(&key, format!("is the same topic as {other}"));
        }
    }
    if !(1..=60_000).contains(&kafka.commit_interval_ms) {
        fault("kafka.commit_interval_ms", format!("is {}; expected 1 to 60000", kafka.commit_interval_ms));
    }
    if kafka.commit_events == 0 {
        fault("kafka.commit_events", "is 0; expected at least 1".to_owned());
    }
    if kafka.instance.as_ref().is_some_and(String::is_empty) {
        fault("kafka.instance", "is empty; name this process, or leave the key out".to_owned());
    }
    if kafka.static_membership && kafka.instance.is_none() {
        fault(
            "kafka.static_membership",
            "needs kafka.instance, a name that is the same after a restart".to_owned(),
        );
    }
    if kafka.dead_letter_limits.run == 0 || !(0.0..=1.0).contains(&kafka.dead_letter_limits.ratio) {
        fault("kafka.dead_letter_limits", "expects a run of at least 1 and a ratio from 0 to 1".to_owned());
    }
    if kafka.workers > 1024 {
        fault("kafka.workers", format!("is {}; expected at most 1024, 0 for one per core", kafka.workers));
    }
    check_sasl(kafka, fault);
    if kafka.certificate_file.is_some() != kafka.key_file.is_some() {
        fault("kafka.certificate_file", "and kafka.key_file belong together; set both or neither".to_owned());
    }
    for property in kafka.properties.keys() {
        let key = format!("kafka.properties.{property}");
        if OWNED_PROPERTIES.contains(&property.as_str()) {
            fault(&key, "is set by the daemon itself; use the keys of section kafka".to_owned());
        } else if ["password", "secret", "token", "key.pem"].iter().any(|word| property.contains(word)) {
            fault(&key, "is a secret; use kafka.password_file or kafka.key_file".to_owned());
        }
    }
}

/// Mechanisms that the client library has built in.
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

fn check_sasl(kafka: &Kafka, fault: &mut impl FnMut(&str, String)) {
    if !matches!(kafka.security, Security::SaslPlaintext | Security::SaslTls) {
        return;
    }
    let mechanism = kafka.sasl_mechanism.as_str();
    if !MECHANISMS.contains(&mechanism) {
        fault("kafka.sasl_mechanism", format!("is \"{mechanism}\"; expected {}", MECHANISMS.join(", ")));
    } else if mechanism == "OAUTHBEARER" {
        if kafka.token_file.is_none() {
            fault("kafka.sasl_mechanism", "OAUTHBEARER needs kafka.token_file".to_owned());
        }
    } else if kafka.username.is_none() || (kafka.password.is_none() && kafka.password_file.is_none()) {
        let message = "needs kafka.username, and kafka.password_file or CONTACTWATCH__KAFKA__PASSWORD";
        fault("kafka.security", message.to_owned());
    }
}

fn is_http(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}
