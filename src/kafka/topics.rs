//! The topics: looked at before anything is read, made when that is allowed.
//!
//! Inputs belong to their producers and are never made at a start; `contactwatch topics create` makes all six.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::client::{self, PlainContext};
use crate::clock;
use crate::config::Kafka;

/// How long one question to the broker may take.
const CALL: Duration = Duration::from_secs(10);
/// Questions to a broker that lets nothing be heard.
const ASKED: usize = 3;
/// How long errors are waited for when a question failed, and how many are looked at.
const GATHER: Duration = Duration::from_millis(50);
const TOLD: usize = 8;

/// How often a new topic is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the topics look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Of the inputs and the state.
    pub partitions: i32,
    /// Of the alerts.
    pub alerts_partitions: i32,
}

/// Why the daemon cannot work with the broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// Topics are not as they must be: each with what mends it.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The broker does not answer, or refuses.
    #[error("{0}")]
    Broker(String),
}

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Input,
    Output,
    State,
}

fn topics(kafka: &Kafka) -> [(&str, Use); 6] {
    let names = &kafka.topics;
    [
        (&names.messages, Use::Input),
        (&names.orders, Use::Input),
        (&names.verdicts, Use::Output),
        (&names.alerts, Use::Output),
        (&names.dead_letters, Use::Output),
        (&names.state, Use::State),
    ]
}

/// Settings of the state topic: only the last record of a key counts, and it is found soon.
const COMPACTED: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.2"), ("segment.ms", "3600000")];

/// A conversation with the broker about topics.
struct Broker<'a> {
    kafka: &'a Kafka,
    consumer: BaseConsumer<PlainContext>,
    /// The library gives the admin client no token: with OAUTHBEARER it has nothing to say.
    admin: Option<AdminClient<PlainContext>>,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Broker<'a> {
    fn connect(kafka: &'a Kafka) -> Result<Self, TopicsError> {
        let setting = |error: &dyn std::fmt::Display| TopicsError::Setting(error.to_string());
        let config = client::reader(kafka).map_err(|error| setting(&error))?;
        let consumer = client::connect(&config, PlainContext::new(kafka)).map_err(|error| setting(&error))?;
        let admin = match client::needs_token(kafka) {
            true => None,
            false => {
                let config = client::base(kafka).map_err(|error| setting(&error))?;
                Some(config.create_with_context(PlainContext::new(kafka)).map_err(|error| setting(&error))?)
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| setting(&error))?;
        Ok(Self { kafka, consumer, admin, runtime })
    }

    /// Partition counts of the topics that exist.
    fn partitions(&self) -> Result<BTreeMap<String, i32>, TopicsError> {
        let unreachable = |error: &dyn std::fmt::Display| {
            TopicsError::Broker(format!(
                "no answer from Kafka at {}: {error}; is it running, and are kafka.brokers and kafka.security right? \
                 (log.level: debug shows every attempt)",
                self.kafka.brokers.join(", ")
            ))
        };
        let metadata = self.metadata().map_err(|error| unreachable(&error))?;
        let count = |topic: &rdkafka::metadata::MetadataTopic| {
            let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
            (topic.error().is_none() && partitions > 0).then(|| (topic.name().to_owned(), partitions))
        };
        Ok(metadata.topics().iter().filter_map(count).collect())
    }

    /// Asks for all topics. That no broker was reached says less than why not, which the library tells to who polls. Of a
    /// broker that is slow to greet nothing is told at all: it is asked again.
    fn metadata(&self) -> Result<Metadata, KafkaError> {
        let mut asked = 0;
        loop {
            asked += 1;
            let error = match self.consumer.fetch_metadata(None, CALL) {
                Err(error)
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::BrokerTransportFailure) =>
                {
                    error
                }
                answer => return answer,
            };
            // Nothing is subscribed or assigned: there is no record to lose.
            let told = std::iter::from_fn(|| self.consumer.poll(GATHER)).filter_map(Result::err);
            let told: Vec<KafkaError> = told.take(TOLD).collect();
            if told.is_empty() && asked < ASKED {
                continue;
            }
            let refused = Some(RDKafkaErrorCode::Authentication);
            let cause = told.into_iter().find(|cause| cause.rdkafka_error_code() == refused);
            return Err(cause.unwrap_or(error));
        }
    }

    /// The clean-up policy of the state topic; `None` when the broker does not tell.
    fn cleanup_policy(&self) -> Option<String> {
        let topic = ResourceSpecifier::Topic(&self.kafka.topics.state);
        let options = AdminOptions::new().request_timeout(Some(CALL));
        let asked = self.admin.as_ref()?.describe_configs([&topic], &options);
        let described = self.runtime.block_on(asked).ok()?;
        let resource = described.into_iter().next()?.ok()?;
        resource.entry_map().get("cleanup.policy").and_then(|entry| entry.value.clone())
    }

    fn create(&self, wanted: &[(&str, Use)], partitions: i32, replicas: i32) -> Result<(), TopicsError> {
        let topics: Vec<NewTopic<'_>> = wanted
            .iter()
            .map(|(name, used)| {
                let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
                match used {
                    Use::State => COMPACTED.iter().fold(topic, |topic, (key, value)| topic.set(key, value)),
                    Use::Input | Use::Output => topic,
                }
            })
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
        let refused = |error: &dyn std::fmt::Display| {
            TopicsError::Broker(format!("Kafka does not create topics: {error}"))
        };
        let Some(admin) = &self.admin else {
            return Err(TopicsError::Faults(vec![format!(
                "topics cannot be created over OAUTHBEARER by this program; use Kafka's own tools, for each of {}: \
                 kafka-topics.sh --create --partitions {partitions} --topic …, and for {} also --config \
                 cleanup.policy=compact",
                wanted.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
                self.kafka.topics.state
            )]));
        };
        let created = self.runtime.block_on(admin.create_topics(&topics, &options));
        let mut faults = Vec::new();
        for result in created.map_err(|error: KafkaError| refused(&error))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => faults.push(format!("topic {topic} cannot be created: {code}")),
            }
        }
        if !faults.is_empty() {
            return Err(TopicsError::Faults(faults));
        }
        self.wait_for(wanted)
    }

    /// Waits until every broker that is asked knows the new topics: creation is told to them one after the other.
    fn wait_for(&self, wanted: &[(&str, Use)]) -> Result<(), TopicsError> {
        let began = clock::instant();
        loop {
            let known = self.partitions()?;
            let missing = wanted.iter().find(|(name, _)| !known.contains_key(*name));
            match missing {
                None => return Ok(()),
                Some((name, _)) if began.elapsed() > CALL => {
                    return Err(TopicsError::Broker(format!("topic {name} was created, and is not there")));
                }
                Some(_) => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

/// Looks at the topics; makes missing outputs when `kafka.create_topics` allows it.
///
/// # Errors
/// Everything that is not as it must be, with the command that mends it.
pub fn prepare(kafka: &Kafka) -> Result<Layout, TopicsError> {
    let broker = Broker::connect(kafka)?;
    let mut known = broker.partitions()?;
    let inputs = inputs(kafka, &known);
    if let (true, Ok(partitions)) = (kafka.create_topics, &inputs) {
        let missing: Vec<(&str, Use)> =
            topics(kafka).into_iter().filter(|(name, _)| !known.contains_key(*name)).collect();
        if !missing.is_empty() {
            let replicas = if kafka.replication_factor == 0 { -1 } else { kafka.replication_factor.into() };
            broker.create(&missing, *partitions, replicas)?;
            tracing::info!(topics = ?missing.iter().map(|(name, _)| name).collect::<Vec<_>>(), "created");
            known.extend(missing.iter().map(|(name, _)| ((*name).to_owned(), *partitions)));
        }
    }
    judge(kafka, &known, || broker.cleanup_policy())
}

/// Looks at the topics, and changes nothing.
///
/// # Errors
/// As [`prepare`].
pub fn check(kafka: &Kafka) -> Result<Layout, TopicsError> {
    let broker = Broker::connect(kafka)?;
    judge(kafka, &broker.partitions()?, || broker.cleanup_policy())
}

/// Makes every topic that is missing, inputs too. Returns their names.
///
/// # Errors
/// When the broker refuses.
pub fn create(kafka: &Kafka, partitions: i32, replicas: i32) -> Result<Vec<String>, TopicsError> {
    let broker = Broker::connect(kafka)?;
    let known = broker.partitions()?;
    let missing: Vec<(&str, Use)> =
        topics(kafka).into_iter().filter(|(name, _)| !known.contains_key(*name)).collect();
    if !missing.is_empty() {
        // What exists already sets the count.
        let partitions = inputs(kafka, &known).unwrap_or(partitions);
        broker.create(&missing, partitions, replicas)?;
    }
    Ok(missing.into_iter().map(|(name, _)| name.to_owned()).collect())
}

/// The partition count that the inputs share.
fn inputs(kafka: &Kafka, known: &BTreeMap<String, i32>) -> Result<i32, Vec<String>> {
    let names = [&kafka.topics.messages, &kafka.topics.orders];
    let missing: Vec<String> = names
        .iter()
        .filter(|name| !known.contains_key(name.as_str()))
        .map(|name| {
            format!(
                "topic {name} does not exist; its producers' partition count decides how far the daemon scales: \
                 contactwatch topics create --partitions 12"
            )
        })
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let (messages, orders) = (known[names[0].as_str()], known[names[1].as_str()]);
    if messages == orders {
        return Ok(messages);
    }
    let (fewer, most) = if messages < orders { (names[0], orders) } else { (names[1], messages) };
    Err(vec![format!(
        "topic {} has {messages} partitions, {} has {orders}: a store's messages and orders must meet in one; before \
         producers write keys: kafka-topics.sh --alter --topic {fewer} --partitions {most}",
        names[0], names[1]
    )])
}

fn judge(
    kafka: &Kafka,
    known: &BTreeMap<String, i32>,
    cleanup_policy: impl FnOnce() -> Option<String>,
) -> Result<Layout, TopicsError> {
    let inputs = inputs(kafka, known);
    let mut faults = inputs.clone().err().unwrap_or_default();
    for (name, used) in topics(kafka) {
        match (used, known.get(name)) {
            (Use::Input, _) | (Use::Output, Some(_)) => {}
            (Use::Output | Use::State, None) => faults.push(format!(
                "topic {name} does not exist: contactwatch topics create, or kafka.create_topics: true"
            )),
            (Use::State, Some(found)) => {
                if let Ok(wanted) = inputs
                    && *found != wanted
                {
                    faults.push(format!(
                        "topic {name} has {found} partitions, the inputs have {wanted}: state belongs to the partition \
                         it was made from; delete the topic and judge the inputs anew with another kafka.group"
                    ));
                }
            }
        }
    }
    if known.contains_key(&kafka.topics.state) {
        match cleanup_policy() {
            Some(policy) if policy == "compact" => {}
            Some(policy) => faults.push(format!(
                "topic {0} has cleanup.policy={policy}, which loses state: kafka-configs.sh --alter --entity-type topics \
                 --entity-name {0} --add-config cleanup.policy=compact",
                kafka.topics.state
            )),
            None => tracing::warn!(
                topic = kafka.topics.state,
                "the broker does not tell the topic's clean-up policy; it has to be compact"
            ),
        }
    }
    match (faults.is_empty(), inputs) {
        (true, Ok(partitions)) => {
            let alerts_partitions = known.get(&kafka.topics.alerts).copied().unwrap_or(1);
            Ok(Layout { partitions, alerts_partitions })
        }
        _ => Err(TopicsError::Faults(faults)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn check(known: &[(&str, i32)], policy: Option<&str>, expected: Result<(i32, i32), &[&str]>) {
        let kafka = Config::default().kafka;
        let counts = known.iter().map(|(name, count)| (format!("contact.{name}"), *count)).collect();
        let result = judge(&kafka, &counts, || policy.map(str::to_owned));
        match (result, expected) {
            (Ok(layout), Ok(expected)) => {
                assert_eq!((layout.partitions, layout.alerts_partitions), expected, "{known:?}");
            }
            (Err(TopicsError::Faults(faults)), Err(expected)) => {
                assert_eq!(faults.len(), expected.len(), "{known:?}: {faults:#?}");
                for (fault, words) in faults.iter().zip(expected) {
                    for word in words.split(" … ") {
                        assert!(fault.contains(word), "\"{word}\" in \"{fault}\"");
                    }
                }
            }
            (result, expected) => panic!("{known:?}: {result:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn every_fault_names_its_topic_and_what_mends_it() {
        let good = [
            ("messages", 4),
            ("orders", 4),
            ("verdicts", 4),
            ("alerts", 2),
            ("dead-letters", 1),
            ("state", 4),
        ];
        let with = |name: &str, count: Option<i32>| -> Vec<(&str, i32)> {
            let changed = good.iter().filter_map(|(topic, partitions)| match (*topic == name, count) {
                (false, _) => Some((*topic, *partitions)),
                (true, count) => count.map(|count| (*topic, count)),
            });
            changed.collect()
        };
        check(&good, Some("compact"), Ok((4, 2)));
        check(&good, None, Ok((4, 2)));
        check(&good, Some("delete"), Err(&["contact.state … cleanup.policy=delete … kafka-configs.sh"]));
        check(
            &with("orders", None),
            Some("compact"),
            Err(&["contact.orders does not exist … topics create --partitions"]),
        );
        check(
            &with("orders", Some(3)),
            Some("compact"),
            Err(&["has 4 partitions … --topic contact.orders --partitions 4"]),
        );
        check(
            &with("state", Some(8)),
            Some("compact"),
            Err(&["contact.state has 8 partitions, the inputs have 4"]),
        );
        check(
            &with("alerts", None),
            Some("compact"),
            Err(&["contact.alerts does not exist … create_topics"]),
        );
        check(
            &[],
            None,
            Err(&[
                "contact.messages",
                "contact.orders",
                "contact.verdicts",
                "contact.alerts",
                "dead-letters",
                "contact.state",
            ]),
        );
    }
}
