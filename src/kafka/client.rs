//! From configuration to librdkafka: connection, security, and the settings that the daemon's guarantees rest on.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, ProducerContext};
use serde::Deserialize;

use crate::config::{GroupProtocol, Kafka, Secret, Security};

/// A setting that cannot be used: the operator mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(pub String);

/// Connection and security; what every client shares. The operator's own properties are laid over it.
///
/// # Errors
/// When the password cannot be read.
pub fn base(kafka: &Kafka) -> Result<ClientConfig, ClientError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.brokers.join(","));
    config.set("client.id", concat!("contactwatch/", env!("CARGO_PKG_VERSION")));
    config.set("allow.auto.create.topics", "false");
    let protocol = match kafka.security {
        Security::Plaintext => "plaintext",
        Security::Tls => "ssl",
        Security::SaslPlaintext => "sasl_plaintext",
        Security::SaslTls => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    for (property, path) in [
        ("ssl.ca.location", &kafka.ca_file),
        ("ssl.certificate.location", &kafka.certificate_file),
        ("ssl.key.location", &kafka.key_file),
    ] {
        if let Some(path) = path {
            config.set(property, path.to_string_lossy());
        }
    }
    if matches!(kafka.security, Security::SaslPlaintext | Security::SaslTls) {
        config.set("sasl.mechanisms", &kafka.sasl_mechanism);
        if let Some(username) = &kafka.username {
            config.set("sasl.username", username);
        }
        let password = Secret::of("kafka.password", kafka.password.as_ref(), kafka.password_file.as_deref());
        if let Some(password) = password.map_err(ClientError)? {
            config.set("sasl.password", password.reveal());
        }
    }
    for (property, value) in &kafka.properties {
        config.set(property, value);
    }
    Ok(config)
}

/// Whether clients log in with a token of their own asking.
pub fn needs_token(kafka: &Kafka) -> bool {
    matches!(kafka.security, Security::SaslPlaintext | Security::SaslTls)
        && kafka.sasl_mechanism == "OAUTHBEARER"
}

/// Sets what the operator did not set.
fn defaults(config: &mut ClientConfig, kafka: &Kafka, properties: &[(&str, &str)]) {
    for (property, value) in properties {
        if !kafka.properties.contains_key(*property) {
            config.set(*property, *value);
        }
    }
}

/// A consumer's settings, without a group that it joins. Never skips silently: it begins at the oldest record.
fn reading(kafka: &Kafka) -> Result<ClientConfig, ClientError> {
    let mut config = base(kafka)?;
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "earliest");
    config.set("isolation.level", "read_committed");
    defaults(
        &mut config,
        kafka,
        &[
            ("queued.min.messages", "20000"),
            ("queued.max.messages.kbytes", "65536"),
            ("fetch.queue.backoff.ms", "10"),
            ("fetch.wait.max.ms", "100"),
            ("fetch.max.bytes", "16777216"),
        ],
    );
    Ok(config)
}

/// A consumer of partitions that it is told, in no group.
///
/// # Errors
/// As [`base`].
pub fn reader(kafka: &Kafka) -> Result<ClientConfig, ClientError> {
    let mut config = reading(kafka)?;
    // The library wants a name for a group, even where none is joined.
    config.set("group.id", format!("{}-reader", kafka.group));
    Ok(config)
}

/// A member of `group`.
///
/// # Errors
/// As [`base`].
pub fn consumer(kafka: &Kafka, group: &str) -> Result<ClientConfig, ClientError> {
    let mut config = reading(kafka)?;
    config.set("group.id", group);
    config.set("statistics.interval.ms", "5000");
    match kafka.group_protocol {
        GroupProtocol::Classic => {
            config.set("group.protocol", "classic");
            // A static member that returns is given what it had, without a rebalance. When it was killed between the
            // two rounds of a cooperative rebalance, what it had to hand over is nobody's then, and stays so: static
            // members share out in one round.
            let strategy = if kafka.static_membership { "range" } else { "cooperative-sticky" };
            config.set("partition.assignment.strategy", strategy);
        }
        // Session, heartbeat and assignor are the broker's business then.
        GroupProtocol::Consumer => {
            config.set("group.protocol", "consumer");
        }
    }
    Ok(config)
}

/// A producer. Keys go where Java's clients put them.
///
/// # Errors
/// As [`base`].
pub fn producer(kafka: &Kafka) -> Result<ClientConfig, ClientError> {
    let mut config = base(kafka)?;
    config.set("enable.idempotence", "true");
    config.set("acks", "all");
    config.set("partitioner", "murmur2_random");
    defaults(
        &mut config,
        kafka,
        &[
            ("compression.codec", "lz4"),
            ("linger.ms", "5"),
            ("message.timeout.ms", "120000"),
            ("queue.buffering.max.kbytes", "65536"),
        ],
    );
    Ok(config)
}

/// How long a new client is polled for what it asks at once.
const GREETING: Duration = Duration::from_millis(5);

/// Creates a consumer. A client asks for its token (OAUTHBEARER) when it is polled and not before, so it is polled once:
/// questions to the broker may come before the first record does.
///
/// # Errors
/// When the library refuses a setting.
pub fn connect<C: ConsumerContext>(config: &ClientConfig, context: C) -> KafkaResult<BaseConsumer<C>> {
    let consumer: BaseConsumer<C> = config.create_with_context(context)?;
    // Nothing is subscribed or assigned yet: no record can be lost here.
    let _ = consumer.poll(GREETING);
    Ok(consumer)
}

/// Creates a producer, as [`connect`] does a consumer.
///
/// # Errors
/// When the library refuses a setting.
pub fn connect_producer<C: ProducerContext>(
    config: &ClientConfig,
    context: C,
) -> KafkaResult<BaseProducer<C>> {
    let producer: BaseProducer<C> = config.create_with_context(context)?;
    producer.poll(GREETING);
    Ok(producer)
}

/// Whether a connection was lost: the library's own log tells it, with more words and not at every attempt.
pub(super) fn is_connection_lost(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown)
}

/// Partitions of one topic, as the library lists them.
pub fn partitions(topic: &str, partitions: impl IntoIterator<Item = i32>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(topic, partition);
    }
    list
}

/// What every client's context does alike: logs go to the daemon's log, tokens come from their file.
#[derive(Clone, Debug)]
pub struct Credentials {
    token_file: Option<PathBuf>,
}

impl Credentials {
    /// The credentials of the configuration.
    pub fn new(kafka: &Kafka) -> Self {
        Self { token_file: kafka.token_file.clone() }
    }
}

impl ClientContext for Credentials {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // The operator's properties are laid over every kind of client; each takes what concerns it.
            _ if facility == "CONFWARN" => tracing::debug!(target: "kafka", facility, message),
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "kafka", facility, message);
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "kafka", facility, message);
            }
            _ => tracing::debug!(target: "kafka", facility, message),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is asked for, and arrives as a message as well.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if error.rdkafka_error_code().is_some_and(is_connection_lost) {
            tracing::debug!(target: "kafka", %error, reason);
        } else {
            tracing::warn!(target: "kafka", %error, reason);
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let file = self.token_file.as_deref().ok_or("kafka.token_file is not set")?;
        Ok(token(file)?)
    }
}

/// Makes a type the context of a client that logs and logs in by the credentials in one of its fields; what else the
/// context does follows in braces.
macro_rules! client_context {
    ($context:ty, $credentials:tt $(, { $($more:item)* })?) => {
        impl rdkafka::ClientContext for $context {
            const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

            fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
                self.$credentials.log(level, facility, message);
            }

            fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
                self.$credentials.error(error, reason);
            }

            fn generate_oauth_token(
                &self,
                config: Option<&str>,
            ) -> Result<rdkafka::client::OAuthToken, Box<dyn std::error::Error>> {
                self.$credentials.generate_oauth_token(config)
            }

            $($($more)*)?
        }
    };
}
pub(crate) use client_context;

/// The context of clients that need nothing else.
#[derive(Clone, Debug)]
pub struct PlainContext(Credentials);

impl PlainContext {
    /// With the credentials of the configuration.
    pub fn new(kafka: &Kafka) -> Self {
        Self(Credentials::new(kafka))
    }
}

client_context!(PlainContext, 0);

impl ConsumerContext for PlainContext {}

/// What a JSON web token says of itself.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    /// Seconds since 1970.
    exp: i64,
}

/// Reads the token and how long it lives. The file is read at every refresh: something else renews it.
fn token(file: &Path) -> Result<OAuthToken, ClientError> {
    let fault = |what: &str| ClientError(format!("kafka.token_file {}: {what}", file.display()));
    let secret = Secret::read(file).map_err(|error| fault(&format!("cannot be read: {error}")))?;
    let claims = claims(secret.reveal().trim())
        .ok_or_else(|| fault("is no JSON web token with an expiry (claim exp); let its issuer write one"))?;
    Ok(OAuthToken {
        token: secret.reveal().trim().to_owned(),
        principal_name: claims.sub,
        lifetime_ms: claims.exp.saturating_mul(1000),
    })
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn check(
        change: impl FnOnce(&mut Kafka),
        make: fn(&Kafka) -> Result<ClientConfig, ClientError>,
        expected: &[(&str, Option<&str>)],
    ) {
        let mut kafka = Config::default().kafka;
        change(&mut kafka);
        let config = make(&kafka).unwrap();
        for (property, value) in expected {
            assert_eq!(config.get(property), *value, "{property}");
        }
    }

    #[test]
    fn settings_follow_the_configuration() {
        check(|_| {}, base, &[("security.protocol", Some("plaintext")), ("sasl.mechanisms", None)]);
        check(
            |kafka| {
                kafka.security = Security::SaslTls;
                kafka.username = Some("cw".to_owned());
                kafka.password = Some(Secret::new("hunter2"));
                kafka.ca_file = Some("/etc/ca.pem".into());
            },
            base,
            &[
                ("security.protocol", Some("sasl_ssl")),
                ("sasl.mechanisms", Some("SCRAM-SHA-512")),
                ("sasl.username", Some("cw")),
                ("sasl.password", Some("hunter2")),
                ("ssl.ca.location", Some("/etc/ca.pem")),
            ],
        );
        check(
            |_| {},
            |kafka| consumer(kafka, "g"),
            &[
                ("group.id", Some("g")),
                ("partition.assignment.strategy", Some("cooperative-sticky")),
                ("auto.offset.reset", Some("earliest")),
                ("enable.auto.commit", Some("false")),
                ("isolation.level", Some("read_committed")),
            ],
        );
        check(
            |kafka| kafka.static_membership = true,
            |kafka| consumer(kafka, "g"),
            &[("partition.assignment.strategy", Some("range"))],
        );
        check(
            |kafka| kafka.group_protocol = GroupProtocol::Consumer,
            |kafka| consumer(kafka, "g"),
            &[("group.protocol", Some("consumer")), ("partition.assignment.strategy", None)],
        );
        check(
            |kafka| drop(kafka.properties.insert("linger.ms".to_owned(), "50".to_owned())),
            producer,
            &[
                ("linger.ms", Some("50")),
                ("enable.idempotence", Some("true")),
                ("partitioner", Some("murmur2_random")),
            ],
        );
    }

    #[test]
    fn the_library_takes_all_settings() {
        let kafka = Config::default().kafka;
        let consumer: rdkafka::consumer::BaseConsumer = consumer(&kafka, "g").unwrap().create().unwrap();
        drop(consumer);
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let mut config = producer(&kafka).unwrap();
            let producer: rdkafka::producer::BaseProducer =
                config.set("compression.codec", codec).create().unwrap();
            drop(producer);
        }
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] {
            let mut kafka = Config::default().kafka;
            kafka.security = Security::SaslTls;
            kafka.sasl_mechanism = mechanism.to_owned();
            kafka.username = Some("cw".to_owned());
            kafka.password = Some(Secret::new("hunter2"));
            let made = reader(&kafka)
                .unwrap()
                .create_with_context::<_, rdkafka::consumer::BaseConsumer<_>>(PlainContext::new(&kafka));
            assert!(made.is_ok(), "{mechanism}: {:?}", made.err());
        }
    }

    #[test]
    fn a_token_says_how_long_it_lives() {
        // {"alg":"none"} . {"sub":"contactwatch","exp":1791285456} . (no signature)
        let good = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjb250YWN0d2F0Y2giLCJleHAiOjE3OTEyODU0NTZ9.";
        let found = claims(good).map(|claims| (claims.sub, claims.exp));
        assert_eq!(found, Some(("contactwatch".to_owned(), 1_791_285_456)));
        for bad in ["", "abc", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."] {
            assert!(claims(bad).is_none(), "{bad}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "not a token\n").unwrap();
        let error = token(&file).err().unwrap().to_string();
        assert!(error.contains("is no JSON web token") && !error.contains("not a token"), "{error}");
    }
}
