//! Work for daemons, and what must come of it.

use std::collections::BTreeMap;

use contactwatch::alert::AlertTerms;
use contactwatch::config::Config;
use contactwatch::engine::{Answer, Effects, Engine};
use contactwatch::event::{Body, Decoded, Event, decode};
use contactwatch::policy::{Condition, Severity};
use contactwatch::state::{Retention, TaskState};
use contactwatch::time::{Millis, Span};

use super::Stage;
use super::client::{Record, Sees};

/// Partitions of every scenario's topics.
pub(crate) const PARTITIONS: i32 = 3;

/// An event for a topic.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// `messages` or `orders`.
    pub(crate) topic: &'static str,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The sample history of a fleet, over and over: each copy has stores of its own.
pub(crate) fn history(copies: usize) -> Vec<Work> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/history.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    let mut all = Vec::new();
    for line in text.lines() {
        for copy in 0..copies {
            let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
            let store = format!("{}{copy}", event["store"].as_str().unwrap());
            event["store"] = store.clone().into();
            let value = event.to_string();
            let orders = matches!(decode(value.as_bytes()).unwrap(), Decoded::One(event) if is_order(&event));
            all.push(Work {
                topic: if orders { "orders" } else { "messages" },
                key: format!("{}/{store}", event["platform"].as_str().unwrap()),
                value,
            });
        }
    }
    all
}

fn is_order(event: &Event<'_>) -> bool {
    matches!(event.body, Body::Order(_))
}

const ANSWERS: [&str; 5] = [
    "Здравствуйте! Заказ передан в доставку, ожидайте.",
    "Дарим скидку 10 % на следующий заказ!",
    "Добрый день. Размер соответствует таблице на странице товара.",
    "Позвоните мне по номеру +7 900 000-00-11.",
    "Hello! Your parcel will arrive on Friday.",
];

/// One turn of a conversation that happens now: a buyer asks, the seller answers, well or not.
pub(crate) fn turn(number: usize, at: Millis) -> [Work; 2] {
    let store = number % 17;
    let event = |author: &str, at: Millis, text: &str| Work {
        topic: "messages",
        key: format!("ozon/{store}"),
        value: serde_json::json!({
            "v": 1, "type": "message", "platform": "ozon", "store": store.to_string(), "agency": "acme",
            "conversation": format!("c{}", number % 101), "message_id": format!("{author}-{number}"),
            "author": author, "origin": "human", "occurred_at": at.to_string(), "buyer": "buyer-4711",
            "text": text,
        })
        .to_string(),
    };
    [
        event("buyer", at, "Когда придёт мой заказ?"),
        event("seller", at.plus(Span(1)), ANSWERS[number % ANSWERS.len()]),
    ]
}

/// Now.
pub(crate) fn now() -> Millis {
    Millis(jiff::Timestamp::now().as_millisecond())
}

/// Creates the six topics, by the command.
pub(crate) fn create_topics(stage: &Stage) {
    create_wide_topics(stage, PARTITIONS);
}

/// The same with so many partitions.
pub(crate) fn create_wide_topics(stage: &Stage, partitions: i32) {
    let (config, _) = super::daemon::Setup::default().write(stage);
    let partitions = partitions.to_string();
    let (code, out, err) =
        super::daemon::command(&["topics", "create", "--partitions", &partitions], &config);
    assert_eq!(code, 0, "{out}{err}");
}

pub(crate) fn produce<'a>(stage: &Stage, work: impl IntoIterator<Item = &'a Work>) -> usize {
    let sender = stage.client().producer();
    let mut sent = 0;
    for event in work {
        sender.send(&stage.topic(event.topic), &event.key, Some(event.value.as_bytes()));
        sent += 1;
    }
    sender.flush();
    sent
}

/// Work with records in it that nobody can read, one after so many good ones.
pub(crate) fn with_faults(work: Vec<Work>, every: usize) -> Vec<Work> {
    let mut all = Vec::new();
    for (number, event) in work.into_iter().enumerate() {
        let bad = (number % every == every - 1).then(|| fault(event.topic, &event.key, number));
        all.push(event);
        all.extend(bad);
    }
    all
}

/// A record that nobody can read.
pub(crate) fn fault(topic: &'static str, key: &str, number: usize) -> Work {
    Work { topic, key: key.to_owned(), value: format!("no event {number}") }
}

/// What must come of the inputs, by the engine alone: every verdict as JSON (but for hashes), every alert, and every
/// record that cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) verdicts: Vec<String>,
    /// Ids of alert records, with their status.
    pub(crate) alerts: Vec<String>,
    /// Places of dead letters: topic, partition, offset.
    pub(crate) letters: Vec<String>,
}

impl Expected {
    fn sorted(mut self) -> Self {
        [&mut self.verdicts, &mut self.alerts, &mut self.letters].into_iter().for_each(|all| all.sort());
        self
    }

    /// What is counted of it.
    pub(crate) fn told(&self) -> String {
        let Self { verdicts, alerts, letters } = self;
        let (verdicts, alerts, letters) = (verdicts.len(), alerts.len(), letters.len());
        format!("{verdicts} verdicts, {alerts} alert records, {letters} dead letters")
    }
}

/// What the engine is told beside the events.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) retention: Retention,
    /// How far behind the clock deadlines fire.
    pub(crate) lateness: Span,
}

impl Default for Terms {
    fn default() -> Self {
        Self { retention: Retention::default(), lateness: Span::seconds(5) }
    }
}

/// For [`Terms::lateness`]: the clock lets nothing fire, only events do. So a history may arrive in parts.
pub(crate) const CLOCKLESS: &str = "lateness: 4000d";

/// Judges what the input topics hold, partition by partition, in the order of event times.
pub(crate) fn expected(stage: &Stage, engine: &Engine) -> Expected {
    expected_on(stage, engine, Terms::default())
}

/// The same, on other terms.
pub(crate) fn expected_on(stage: &Stage, engine: &Engine, terms: Terms) -> Expected {
    let Terms { retention, lateness } = terms;
    let alerts = AlertTerms::from(&Config::default().alertmanager);
    let mut expected = Expected::default();
    for merged in merged(stage) {
        let mut state = TaskState::new(retention);
        let mut effects = Effects::default();
        for record in &merged {
            if decode(record.value.as_deref().unwrap_or_default()).is_err() {
                let topic = &record.topic;
                expected.letters.push(format!("{topic} {} {}", record.partition, record.offset));
            }
            for event in events(record) {
                engine.process(&mut state, &event, &mut effects);
            }
        }
        // What the clock lets fire.
        engine.advance(&mut state, now().minus(lateness), &mut effects);
        for verdict in &effects.verdicts {
            expected.verdicts.push(without_hashes(&serde_json::to_string(verdict).unwrap()));
            let firing = alerts.firing(verdict, now());
            expected.alerts.extend(firing.into_iter().map(|alert| format!("{} firing", alert.alert_id)));
        }
        for answer in &effects.answers {
            let resolved = alerts.resolved(answer, None, &deadlines(engine, answer), now());
            expected.alerts.extend(resolved.into_iter().map(|alert| format!("{} resolved", alert.alert_id)));
        }
    }
    expected.sorted()
}

/// Rules that alert about a buyer who waits, in the severities that they alert with: once each, whatever packs say.
fn deadlines<'a>(engine: &'a Engine, answer: &Answer) -> Vec<(&'a str, Severity)> {
    let store = &answer.store;
    let packs = engine.ruleset().packs_for(&store.platform, &store.store, now());
    let mut rules: Vec<(&str, Severity)> = packs
        .flat_map(|pack| &pack.rules)
        .filter(|rule| matches!(rule.condition, Condition::Unanswered(_)))
        .flat_map(|rule| [(&*rule.id, rule.severity), (&*rule.id, Severity::Info)])
        .collect();
    rules.sort();
    rules.dedup();
    rules
}

/// What the inputs hold, by partition, in the order in which it is judged.
pub(crate) fn merged(stage: &Stage) -> Vec<Vec<Record>> {
    let client = stage.client();
    let inputs = ["messages", "orders"].map(|name| client.read(&stage.topic(name), Sees::Committed));
    let of = |records: &[Record], partition: i32| -> Vec<Record> {
        records.iter().filter(|record| record.partition == partition).cloned().collect()
    };
    (0..PARTITIONS).map(|partition| merge(of(&inputs[0], partition), of(&inputs[1], partition))).collect()
}

fn events(record: &Record) -> Vec<Event<'_>> {
    match decode(record.value.as_deref().unwrap_or_default()) {
        Ok(Decoded::One(event)) => vec![event],
        Ok(Decoded::Many(events)) => events,
        Ok(Decoded::Skipped(_)) | Err(_) => Vec::new(),
    }
}

/// Oldest first; within a topic its own order stands. The rule of the daemon, written again in the plainest way.
fn merge(messages: Vec<Record>, orders: Vec<Record>) -> Vec<Record> {
    let mut inputs = [messages, orders].map(|records| {
        let mut last = Millis(i64::MIN);
        let timed = records.into_iter().map(move |record| {
            last = events(&record).iter().map(|event| event.occurred_at).min().unwrap_or(last);
            (last, record)
        });
        timed.collect::<std::collections::VecDeque<_>>()
    });
    let mut merged = Vec::new();
    loop {
        let next = match (inputs[0].front(), inputs[1].front()) {
            (None, None) => return merged,
            (Some(_), None) => 0,
            (None, Some(_)) => 1,
            (Some((message, _)), Some((order, _))) => usize::from(order < message),
        };
        merged.extend(inputs[next].pop_front().map(|(_, record)| record));
    }
}

/// What has come of it, as readers of committed records see it.
pub(crate) fn outcome(stage: &Stage) -> Expected {
    let client = stage.client();
    let committed = |name: &str| client.committed(&stage.topic(name));
    let status = |alert: &serde_json::Value| {
        format!("{} {}", alert["alert_id"].as_str().unwrap(), alert["status"].as_str().unwrap())
    };
    let place = |letter: &Record| {
        let header = |name: &str| &letter.headers[name];
        format!("{} {} {}", header("topic"), header("partition"), header("offset"))
    };
    Expected {
        verdicts: committed("verdicts").iter().map(|record| without_hashes(&record.text())).collect(),
        alerts: committed("alerts").iter().map(|record| status(&record.json())).collect(),
        letters: committed("dead-letters").iter().map(place).collect(),
    }
    .sorted()
}

/// The packs' hashes cover the lexicons as files, which the engine of this test was not given.
fn without_hashes(verdict: &str) -> String {
    let mut parts = verdict.split("\"hash\":\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| text.push_str(part.split_once('"').unwrap().1));
    text
}

impl Expected {
    /// Panics with what is missing, what is doubled, and what nobody expects.
    pub(crate) fn same_as(&self, expected: &Self, what: &str) {
        for (kind, found, wanted) in [
            ("verdict", &self.verdicts, &expected.verdicts),
            ("alert record", &self.alerts, &expected.alerts),
            ("dead letter", &self.letters, &expected.letters),
        ] {
            let count = |all: &[String]| {
                let mut counts: BTreeMap<String, i64> = BTreeMap::new();
                all.iter().for_each(|one| *counts.entry(one.clone()).or_default() += 1);
                counts
            };
            let (found, wanted) = (count(found), count(wanted));
            let keys: std::collections::BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
            let differing: Vec<String> = keys
                .into_iter()
                .filter(|key| found.get(*key) != wanted.get(*key))
                .map(|key| {
                    let times = |counts: &BTreeMap<String, i64>| counts.get(key).copied().unwrap_or(0);
                    format!("{} times instead of {}: {key}", times(&found), times(&wanted))
                })
                .collect();
            let shown: Vec<&str> = differing.iter().take(6).map(String::as_str).collect();
            assert!(
                differing.is_empty(),
                "{what}: {} {kind}s differ:\n{}",
                differing.len(),
                shown.join("\n")
            );
        }
    }
}
