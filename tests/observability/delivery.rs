//! The relay and a real Alertmanager: fire, group, inhibit, silence, restart, resolve; and what people read.

use std::path::Path;
use std::time::Duration;

use contactwatch::alert::contacts::Contacts;
use contactwatch::alert::relay::{self, Setting};
use contactwatch::alert::routing::{Reader, Routing};
use contactwatch::alert::{AlertRecord, AlertTerms, Status};
use contactwatch::config::{Config, Kafka};
use contactwatch::engine::{Around, BareText, Engine};
use contactwatch::event::Surface;
use contactwatch::kafka::embedded::EmbeddedBroker;
use contactwatch::metrics::Metrics;
use contactwatch::runtime::readiness::Readiness;
use contactwatch::runtime::shutdown::Shutdown;
use contactwatch::time::{Millis, Span};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};

use crate::files::text;
use crate::harness::{eventually, post};
use crate::listener::Listener;
use crate::servers::Alertmanager;
use crate::support;

const CONTACTS: &str = "\
operations: {webhook: 'LISTENER/operations'}
audit: {webhook: 'LISTENER/audit'}
telegram: {bot_token: '1:t', api_url: 'LISTENER'}
agencies:
  acme:
    urgent: {webhook: 'LISTENER/urgent', telegram: -5}
    daily: {webhook: 'LISTENER/daily'}
    info: {webhook: 'LISTENER/info'}
";

/// Seconds instead of minutes, and nobody sleeps: the time of the day is no matter of this test.
pub(crate) fn hurry(configuration: &str) -> String {
    let lines = configuration.lines().filter(|line| !line.contains("mute_time_intervals"));
    let lines = lines.map(|line| match line.trim_start().split_once(": ") {
        Some(("group_wait", _)) => format!("{}group_wait: 1s\n", indent(line)),
        Some(("group_interval", _)) => format!("{}group_interval: 1s\n", indent(line)),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The alerts topic, and what is written to it.
struct Topic {
    producer: BaseProducer,
    name: String,
    engine: Engine,
    terms: AlertTerms,
}

fn now() -> Millis {
    Millis::parse(&jiff::Timestamp::now().to_string()).unwrap()
}

impl Topic {
    fn write(&self, record: &AlertRecord) {
        let value = serde_json::to_vec(record).unwrap();
        let sent = BaseRecord::to(&self.name).key(&record.alert_id).payload(&value);
        assert!(self.producer.send(sent).is_ok());
        self.producer.flush(Duration::from_secs(10)).unwrap();
    }

    /// The records that the daemon writes when a store sends a text.
    fn violate(&self, agency: Option<&str>, store: &str, text: &str) -> Vec<AlertRecord> {
        let id = format!("ozon/{store}/m/{}/sent", text.len());
        let bare = BareText {
            platform: "ozon",
            store: Some(store),
            surface: Surface::Chat,
            text,
            id: &id,
            at: now(),
            around: Around::default(),
        };
        let mut records = self.terms.firing(&self.engine.check_text(&bare, None), now());
        for record in &mut records {
            record.labels.extend(agency.map(|agency| ("agency".to_owned(), agency.to_owned())));
            self.write(record);
        }
        records
    }
}

fn is(store: &str, name: &str) -> impl Fn(&Value) -> bool {
    move |alert| {
        alert["labels"]["store"] == store && (name.is_empty() || alert["labels"]["alertname"] == name)
    }
}

pub(crate) fn relay_to_alertmanager(dir: &Path) -> String {
    let listener = Listener::start();
    let contacts = CONTACTS.replace("LISTENER", &listener.url);
    let contacts = Contacts::read("contacts.yaml", &contacts, &["acme"]).unwrap();
    let routing = Routing { contacts: &contacts, token: None, reader: Reader::V025 }.to_string();
    std::fs::write(dir.join("alertmanager.yml"), hurry(&routing)).unwrap();
    std::fs::create_dir_all(dir.join("templates")).unwrap();
    let messages = text("dashboards/alertmanager/templates/contactwatch.tmpl");
    std::fs::write(dir.join("templates/contactwatch.tmpl"), messages).unwrap();
    let mut alertmanager = Alertmanager::start(dir);

    let mut config = Config::default();
    config.alertmanager.urls = vec![alertmanager.url()];
    config.alertmanager.resend_every = Span::seconds(1);
    config.alertmanager.runbook_url = Some("https://wiki.example/RUNBOOKS.md#".to_owned());
    let broker = EmbeddedBroker::start(&config.kafka.topics, 1).unwrap();
    let kafka: Kafka = broker.connect(config.kafka.clone());
    let shutdown = Shutdown::default();
    let metrics = Metrics::new(&config).unwrap();
    let relay = relay::spawn(Setting {
        kafka: kafka.clone(),
        alertmanager: config.alertmanager.clone(),
        metrics: metrics.relay(),
        readiness: Readiness::default(),
        shutdown: shutdown.clone(),
    })
    .unwrap();
    let topic = Topic {
        producer: ClientConfig::new().set("bootstrap.servers", kafka.brokers.join(",")).create().unwrap(),
        name: kafka.topics.alerts.clone(),
        engine: support::engine(),
        terms: AlertTerms::from(&config.alertmanager),
    };

    fires_and_groups(&topic, &listener);
    tells_people(&listener);
    inhibits(&topic, &listener, &alertmanager);
    silences(&topic, &listener, &alertmanager);
    survives_a_restart(&topic, &listener, &mut alertmanager);
    resolves(&topic, &listener);

    shutdown.begin();
    relay.join().unwrap().unwrap();
    let rendered = String::from_utf8(metrics.render()).unwrap();
    assert!(
        rendered.contains("contactwatch_alert_sends_total{result=\"rejected\",sink=\"alertmanager-0\"} 0"),
        "{rendered}"
    );
    let told = ["/urgent", "/daily", "/operations", "/audit"].map(|path| listener.at(path).len());
    format!("notifications: {} urgent, {} daily, {} operations, {} audit", told[0], told[1], told[2], told[3])
}

/// Two critical findings of one message are one notification; the agency nobody knows reaches a person.
fn fires_and_groups(topic: &Topic, listener: &Listener) {
    let text = "Пришлите ваш адрес <сюда>, 微信 和 телефон: +7 916 123-45-67";
    let records = topic.violate(Some("acme"), "7", text);
    let critical = records.iter().filter(|record| record.labels["severity"] == "critical").count();
    assert!(critical >= 2, "{records:?}");
    topic.violate(Some("acme"), "7", "Дарим скидку 10 % на следующий заказ");
    topic.violate(Some("stranger"), "9", "Дарим скидку 10 % на следующий заказ");
    eventually("both are told in one", 30, || {
        listener.at("/urgent").iter().any(|told| told.alerts(is("7", "")) == critical)
    });
    eventually("the warning is told by day", 30, || listener.count("/daily", is("7", "Promo")) == 1);
    eventually("operations hear of a stranger", 30, || listener.count("/operations", is("9", "Promo")) == 1);
    eventually("everything has its copy", 30, || {
        listener.count("/audit", is("7", "Promo")) == 1 && listener.count("/audit", is("9", "Promo")) == 1
    });
    assert_eq!(
        listener.count("/operations", is("7", "")),
        0,
        "what an agency is told is no matter of operations"
    );
    let told = listener.at("/urgent");
    let text = told[0].body.to_string();
    assert!(!text.contains("123-45"), "a phone number is told: {text}");
    for annotation in ["clause", "evidence", "advice", "occurred_at", "runbook_url"] {
        assert!(told[0].body["alerts"][0]["annotations"][annotation].is_string(), "{annotation} in {text}");
    }
}

/// What the bot writes: three scripts survive, and words of a seller are no markup.
fn tells_people(listener: &Listener) {
    // The group may be told before its last alert arrives, and is told again then.
    let whole = |body: &Value| body["text"].as_str().is_some_and(|text| text.contains("&lt;сюда&gt;"));
    let messages = || listener.at("/bot1:t/sendMessage");
    eventually("the bot writes", 30, || messages().iter().any(|told| whole(&told.body)));
    let told = messages().into_iter().find(|told| whole(&told.body)).unwrap().body;
    let text = told["text"].as_str().unwrap();
    assert_eq!((told["chat_id"].as_str(), told["parse_mode"].as_str()), (Some("-5"), Some("HTML")), "{told}");
    for words in ["Пришлите ваш адрес", "🔴 <b>", "→ ", "<i>", "<a href=\"https://wiki.example/RUNBOOKS.md#"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!text.contains("<сюда>") && !text.contains("123-45"), "{text}");
    assert!(text.chars().count() < 4096, "{text}");
}

/// An overdue reply silences its own warning time.
fn inhibits(topic: &Topic, listener: &Listener, alertmanager: &Alertmanager) {
    let mut record = topic.violate(Some("acme"), "11", "Дарим скидку 10 % на следующий заказ").remove(0);
    eventually("the warning is told", 30, || listener.count("/daily", is("11", "Promo")) == 1);
    record.alert_id.push_str("-info");
    record.labels.insert("severity".to_owned(), "info".to_owned());
    topic.write(&record);
    eventually("the milder one is inhibited", 30, || {
        let milder = |alert: &Value| is("11", "Promo")(alert) && alert["labels"]["severity"] == "info";
        alertmanager
            .alerts(milder)
            .iter()
            .any(|alert| !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty())
    });
    assert_eq!(listener.count("/info", is("11", "")), 0);
}

fn silences(topic: &Topic, listener: &Listener, alertmanager: &Alertmanager) {
    let moment = |hours: i64| now().plus(Span::hours(hours)).to_string();
    let silence = json!({
        "matchers": [{ "name": "store", "value": "8", "isRegex": false, "isEqual": true }],
        "startsAt": moment(0), "endsAt": moment(2), "createdBy": "test", "comment": "a campaign that is being stopped",
    });
    post(&format!("{}/api/v2/silences", alertmanager.url()), &silence);
    topic.violate(Some("acme"), "8", "Дарим скидку 10 % на следующий заказ");
    eventually("it is silenced", 30, || {
        alertmanager
            .alerts(is("8", "Promo"))
            .iter()
            .any(|alert| !alert["status"]["silencedBy"].as_array().unwrap().is_empty())
    });
    // Another store of the same agency is told afterwards, so the silenced one would have been.
    topic.violate(Some("acme"), "10", "Дарим скидку 10 % на следующий заказ");
    eventually("the other one is told", 30, || listener.count("/daily", is("10", "Promo")) == 1);
    assert_eq!(listener.count("/daily", is("8", "")), 0);
}

/// It forgets all alerts, is told them anew, and tells nobody twice.
fn survives_a_restart(topic: &Topic, listener: &Listener, alertmanager: &mut Alertmanager) {
    let known = |alertmanager: &Alertmanager| {
        let mut known: Vec<String> =
            alertmanager.alerts(|_| true).iter().map(|alert| alert["fingerprint"].to_string()).collect();
        known.sort();
        known
    };
    let before = known(alertmanager);
    assert!(before.len() >= 6, "{before:?}");
    alertmanager.restart();
    eventually("it knows them again", 60, || known(alertmanager) == before);
    topic.violate(Some("acme"), "12", "Дарим скидку 10 % на следующий заказ");
    eventually("a new one is told", 30, || listener.count("/daily", is("12", "Promo")) == 1);
    for store in ["7", "10", "11"] {
        assert_eq!(listener.count("/daily", is(store, "Promo")), 1, "store {store} is told once");
    }
    assert_eq!(listener.count("/daily", is("8", "")), 0, "the silence is kept");
}

fn resolves(topic: &Topic, listener: &Listener) {
    let mut record = topic.violate(Some("acme"), "13", "Дарим скидку 10 % на следующий заказ").remove(0);
    eventually("it is told", 30, || listener.count("/daily", is("13", "Promo")) == 1);
    record.status = Status::Resolved;
    topic.write(&record);
    eventually("its end is told", 30, || {
        listener.count("/daily", |alert| is("13", "Promo")(alert) && alert["status"] == "resolved") == 1
    });
}
