//! The configuration: every key with its meaning, every default in one place ([`Config::default`]).
//!
//! Layers, each over the one before: defaults, the file, the environment (`CONTACTWATCH__SECTION__KEY`), flags.
//! [`load`] merges them and remembers which layer every value came from.

mod check;
mod layers;
mod secret;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use layers::{ConfigError, Flag, Loaded, load};
pub use secret::Secret;

use crate::time::Span;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What judges.
    pub policies: Policies,
    /// YAML file of stores: their parameters, packs, domains, capabilities and templates.
    pub stores: Option<PathBuf>,
    /// Which verdicts are written.
    pub verdicts: Verdicts,
    /// How long things are remembered after their last event, in event time.
    pub retention: Retention,
    /// What this process does.
    pub roles: Vec<Role>,
    /// Where events come from and verdicts go to.
    pub kafka: Kafka,
    /// Metrics, health, checks of drafts.
    pub http: Http,
    /// How much the metrics tell.
    pub metrics: Metrics,
    /// Where alerts go to.
    pub alertmanager: Alertmanager,
    /// What the daemon says of itself.
    pub log: Log,
}

/// What judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// Directory of packs, lexicons and domain lists, as `contactwatch init` writes it; the shipped ones when null.
    pub dir: Option<PathBuf>,
    /// Files that change packs, laid over in this order, after those in `dir`.
    pub overlays: Vec<PathBuf>,
    /// Files of exceptions, beside the one in `dir`.
    pub exceptions: Vec<PathBuf>,
    /// Which packs are in force where. A pack that is not named here is in force on its platform in its own mode.
    pub bindings: Vec<PackBinding>,
    /// How long a message waits, in event time, for a buyer message or order fact that may still arrive.
    #[serde(with = "span_text")]
    pub hold_back: Span,
    /// Whether the classifier gives a second opinion on every text; without it the frames decide alone.
    pub classifier: bool,
    /// File of the sentence encoder, as `make encoder` writes it, which is asked where the classifier is not sure.
    pub encoder: Option<PathBuf>,
    /// Whether the daemon loads policies and stores anew when one of their files changes.
    pub reload_on_change: bool,
}

/// Where a pack is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackBinding {
    /// Pack id.
    pub pack: String,
    /// Its mode there; its own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<BindingMode>,
    /// On these platforms; on its own when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Only for these stores, each as `platform/store`; for all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
}

/// What a binding makes of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingMode {
    /// Its findings count.
    Enforce,
    /// Its findings are listed and change nothing.
    Shadow,
    /// It is not in force.
    Off,
}

/// Which verdicts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Verdicts {
    /// Every verdict
    All,
    /// Only `review` and `violation`, and clean ones with shadow findings
    NotClean,
}

impl From<Verdicts> for crate::engine::Emit {
    fn from(verdicts: Verdicts) -> Self {
        match verdicts {
            Verdicts::All => Self::All,
            Verdicts::NotClean => Self::NotClean,
        }
    }
}

/// How long things are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Conversations.
    #[serde(with = "span_text")]
    pub conversation: Span,
    /// Orders.
    #[serde(with = "span_text")]
    pub order: Span,
    /// Orders with gift promises, after the last promise was closed.
    #[serde(with = "span_text")]
    pub promise: Span,
    /// Stores without any event.
    #[serde(with = "span_text")]
    pub store: Span,
}

impl From<Retention> for crate::state::Retention {
    fn from(Retention { conversation, order, promise, store }: Retention) -> Self {
        Self { conversation, order, promise, store }
    }
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Judges events.
    Score,
    /// Delivers alerts.
    Relay,
    /// Serves metrics, health and checks of drafts.
    Http,
}

/// Where events come from and verdicts go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// `host:port` of brokers to begin with.
    pub brokers: Vec<String>,
    /// Consumer group; also the prefix of transactional ids.
    pub group: String,
    /// Name of this process within the group, the same after a restart: what a crash left open is then taken back at
    /// once. Two processes never share one. Chosen anew at every start when null.
    pub instance: Option<String>,
    /// Whether the workers of a named process are static members: a restart within the session time-out moves no
    /// partition.
    pub static_membership: bool,
    /// How the group shares out partitions.
    pub group_protocol: GroupProtocol,
    /// Topic names.
    pub topics: Topics,
    /// Whether missing output topics are created.
    pub create_topics: bool,
    /// Replicas of created topics; 0 means what the broker has for its default.
    pub replication_factor: u16,
    /// What a crash may repeat.
    pub delivery: Delivery,
    /// Worker threads; 0 means one per core.
    pub workers: u16,
    /// How often verdicts, state and offsets are committed.
    pub commit_interval_ms: u32,
    /// Events after which they are committed earlier.
    pub commit_events: u32,
    /// How long after its deadline a timer of an idle store fires by the wall clock: events of before the deadline
    /// may take so long to arrive.
    #[serde(with = "span_text")]
    pub lateness: Span,
    /// When unreadable records stop the daemon.
    pub dead_letter_limits: DeadLetterLimits,
    /// How the connection is protected.
    pub security: Security,
    /// User name for SASL.
    pub username: Option<String>,
    /// Password for SASL: by environment, or by `password_file`.
    pub password: Option<Secret>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// SASL mechanism: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub sasl_mechanism: String,
    /// File that holds the token (a JWT) for OAUTHBEARER; read again before the token expires.
    pub token_file: Option<PathBuf>,
    /// Certificate authorities, PEM; those of the system when null.
    pub ca_file: Option<PathBuf>,
    /// Client certificate, PEM.
    pub certificate_file: Option<PathBuf>,
    /// Key of the client certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// Further librdkafka properties. Those that the daemon's guarantees rest on cannot be set.
    pub properties: BTreeMap<String, String>,
}

/// How a consumer group shares out partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupProtocol {
    /// By its members, cooperative-sticky.
    Classic,
    /// By the broker (KIP-848, Kafka 4.0 and later).
    Consumer,
}

/// When unreadable records stop the daemon instead of going to the dead letters: a broken producer is to be mended, not
/// drained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetterLimits {
    /// So many in a row in one partition.
    pub run: u32,
    /// This share of the last thousand records of one partition.
    pub ratio: f64,
}

/// Topic names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// In: messages, registries, dispositions, enforcement.
    pub messages: String,
    /// In: orders.
    pub orders: String,
    /// Out: verdicts.
    pub verdicts: String,
    /// Out and in: alerts.
    pub alerts: String,
    /// Out: records that cannot be read.
    pub dead_letters: String,
    /// Out and in: changelog of the state, compacted.
    pub state: String,
}

/// What a crash may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Nothing: verdicts, alerts, state and offsets are committed in one Kafka transaction.
    ExactlyOnce,
    /// The records of one commit interval. For brokers without transactions.
    AtLeastOnce,
}

/// How a connection to Kafka is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Not at all.
    Plaintext,
    /// TLS.
    Tls,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL over TLS.
    SaslTls,
}

/// The HTTP listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port; loopback by default.
    pub listen: SocketAddr,
    /// Token of the routes that write or show text, which are off without one: by environment, or by
    /// `bearer_token_file`.
    pub bearer_token: Option<Secret>,
    /// File that holds the token.
    pub bearer_token_file: Option<PathBuf>,
}

/// How much the metrics tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether six families carry a label `store`.
    pub store_label: StoreLabel,
    /// So many stores have series of their own; the rest are counted as `other`.
    pub max_stores: u32,
    /// Share of seller messages that may be misjudged: a line on dashboards.
    pub misjudgment_budget: f64,
}

/// Whether metrics carry a label `store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreLabel {
    /// They do.
    PerStore,
    /// All stores of a platform are one series.
    Off,
}

/// Where alerts go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alertmanager {
    /// Base URLs; every one of them gets every alert.
    pub urls: Vec<String>,
    /// How long a violation that is over in an instant stays active.
    #[serde(with = "span_text")]
    pub active_for: Span,
    /// How long an overdue reply stays active when nobody answers.
    #[serde(with = "span_text")]
    pub unanswered_for: Span,
    /// Alerts about anything older than this are not delivered: a replayed history alerts nobody.
    #[serde(with = "span_text")]
    pub max_age: Span,
    /// How often active alerts are sent again.
    #[serde(with = "span_text")]
    pub resend_every: Span,
    /// How long one delivery may take.
    #[serde(with = "span_text")]
    pub timeout: Span,
    /// Token for Alertmanager: by environment, or by `bearer_token_file`.
    pub bearer_token: Option<Secret>,
    /// File that holds the token.
    pub bearer_token_file: Option<PathBuf>,
    /// User name for basic authentication.
    pub username: Option<String>,
    /// Its password: by environment, or by `password_file`.
    pub password: Option<Secret>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// Certificate authorities for https, PEM; the well-known ones when null.
    pub ca_file: Option<PathBuf>,
    /// Where people read verdicts: the base of `generatorURL`.
    pub external_url: Option<String>,
    /// Where runbooks lie: the rule id is appended, as a page below it, or as a section when it ends with `#`.
    pub runbook_url: Option<String>,
}

/// What the daemon says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// From which level on.
    pub level: Level,
    /// How lines look.
    pub format: LogFormat,
}

/// Log levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object per line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        let topic = |name: &str| format!("contact.{name}");
        Self {
            policies: Policies {
                dir: None,
                overlays: Vec::new(),
                exceptions: Vec::new(),
                bindings: Vec::new(),
                hold_back: Span::minutes(2),
                classifier: true,
                encoder: None,
                reload_on_change: true,
            },
            stores: None,
            verdicts: Verdicts::All,
            retention: Retention {
                conversation: Span::days(400),
                order: Span::days(200),
                promise: Span::days(180),
                store: Span::days(800),
            },
            roles: vec![Role::Score, Role::Relay, Role::Http],
            kafka: Kafka {
                brokers: vec!["localhost:9092".to_owned()],
                group: "contactwatch".to_owned(),
                instance: None,
                static_membership: false,
                group_protocol: GroupProtocol::Classic,
                topics: Topics {
                    messages: topic("messages"),
                    orders: topic("orders"),
                    verdicts: topic("verdicts"),
                    alerts: topic("alerts"),
                    dead_letters: topic("dead-letters"),
                    state: topic("state"),
                },
                create_topics: true,
                replication_factor: 0,
                delivery: Delivery::ExactlyOnce,
                workers: 0,
                commit_interval_ms: 200,
                commit_events: 10_000,
                lateness: Span::seconds(5),
                dead_letter_limits: DeadLetterLimits { run: 100, ratio: 0.5 },
                security: Security::Plaintext,
                username: None,
                password: None,
                password_file: None,
                sasl_mechanism: "SCRAM-SHA-512".to_owned(),
                token_file: None,
                ca_file: None,
                certificate_file: None,
                key_file: None,
                properties: BTreeMap::new(),
            },
            http: Http {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9466)),
                bearer_token: None,
                bearer_token_file: None,
            },
            metrics: Metrics {
                store_label: StoreLabel::PerStore,
                max_stores: 2000,
                misjudgment_budget: 0.003,
            },
            alertmanager: Alertmanager {
                urls: Vec::new(),
                active_for: Span::hours(1),
                unanswered_for: Span::hours(48),
                max_age: Span::hours(24),
                resend_every: Span::minutes(1),
                timeout: Span::seconds(10),
                bearer_token: None,
                bearer_token_file: None,
                username: None,
                password: None,
                password_file: None,
                ca_file: None,
                external_url: None,
                runbook_url: None,
            },
            log: Log { level: Level::Info, format: LogFormat::Text },
        }
    }
}

/// A section that a file leaves out, or half out, is filled from the one place above.
macro_rules! sections {
    ($($name:ident = $($path:ident).+),+ $(,)?) => {
        $(impl Default for $name { fn default() -> Self { Config::default().$($path).+ } })+
    };
}
sections!(
    Policies = policies,
    Retention = retention,
    Kafka = kafka,
    Topics = kafka.topics,
    DeadLetterLimits = kafka.dead_letter_limits,
    Http = http,
    Metrics = metrics,
    Alertmanager = alertmanager,
    Log = log,
);

/// Lengths of time as people write them: `90m`, `48h`, `10d`.
mod span_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::time::Span;

    pub(super) fn serialize<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(span)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = String::deserialize(deserializer)?;
        Span::parse(&text).map_err(|error| D::Error::custom(format_args!("\"{text}\" is {error}")))
    }
}
