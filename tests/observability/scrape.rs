//! The daemon, as the demo runs it, scraped by a real Prometheus with the shipped rules, whose alerts reach a person by a
//! real Alertmanager with the shipped routes.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::delivery::hurry;
use crate::demo::{Demo, TOKEN};
use crate::exposition;
use crate::files::text;
use crate::harness::{ask, eventually};
use crate::listener::Listener;
use crate::servers::{Alertmanager, Prometheus};

/// One store more than the fleet has, which only the file of stores knows.
const STORES: &str = "stores: [{platform: ozon, store: '1', agency: acme}]\n";

/// The shipped configuration, in seconds instead of minutes.
fn prometheus(dir: &Path, port: u16, alertmanager: &str) -> Prometheus {
    let alertmanager = alertmanager.trim_start_matches("http://");
    let configuration = text("dashboards/prometheus/prometheus.yml")
        .replace("_interval: 30s", "_interval: 1s")
        .replace("scrape_timeout: 10s", "scrape_timeout: 1s")
        .replace("localhost:9093", alertmanager)
        .replace("localhost:9466", &format!("127.0.0.1:{port}"));
    fs::write(dir.join("prometheus.yml"), configuration).unwrap();
    for file in ["contactwatch.rules.yml", "contactwatch.alerts.yml"] {
        let rules = text(format!("dashboards/prometheus/{file}"));
        let rules =
            rules.replace("  interval: 1m\n", "  interval: 1s\n").replace("    for: 2m\n", "    for: 2s\n");
        fs::write(dir.join(file), rules).unwrap();
    }
    Prometheus::start(dir)
}

fn is(name: &str) -> impl Fn(&Value) -> bool {
    move |alert| alert["labels"]["alertname"] == name
}

pub(crate) fn demo_to_prometheus_to_receiver(dir: &Path) -> String {
    let listener = Listener::start();
    let routes =
        text("dashboards/alertmanager/alertmanager.yml").replace("http://127.0.0.1:9099", &listener.url);
    fs::write(dir.join("alertmanager.yml"), hurry(&routes)).unwrap();
    fs::create_dir_all(dir.join("templates")).unwrap();
    fs::write(
        dir.join("templates/contactwatch.tmpl"),
        text("dashboards/alertmanager/templates/contactwatch.tmpl"),
    )
    .unwrap();
    let alertmanager = Alertmanager::start(dir);
    let url = alertmanager.url();
    let args = ["--stores", "30", "--seconds", "60", "--alertmanager", &url];
    let demo = Demo::start(dir, STORES, "", &args);
    let prometheus = prometheus(dir, demo.port, &url);

    eventually("the daemon is scraped", 30, || prometheus.query("up{job=\"contactwatch\"} == 1").len() == 1);
    // Every rule can be evaluated on what the daemon really exposes: a join over doubles would fail here.
    eventually("stores have agencies and platforms delays", 60, || {
        prometheus
            .query("count(platform_store:contactwatch_agency:info)")
            .iter()
            .any(|one| one["value"][1] == "31")
            && !prometheus.query("platform:contactwatch_end_to_end_seconds:p99_rate10m >= 0").is_empty()
            && !prometheus.query("topic:contactwatch_events_consumed:rate10m > 0").is_empty()
    });
    let groups = prometheus.api("rules");
    let mut evaluated = 0;
    for rule in
        groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap())
    {
        assert!(rule["health"] != "err", "{}: {}", rule["name"], rule["lastError"]);
        evaluated += 1;
    }
    assert!(evaluated >= 50, "{evaluated}");

    // By Prometheus: the watchdog. By the daemon itself: what stores did, to the copy and, of agencies that have no
    // contact here, to operations.
    eventually("the watchdog barks", 60, || listener.count("/watchdog", is("ContactwatchWatchdog")) > 0);
    let own = |alert: &Value| alert["labels"]["source"] == "contactwatch";
    eventually("the daemon tells", 60, || {
        listener.count("/audit", own) > 0 && listener.count("/operations", own) > 0
    });
    eventually("the marketplace acted", 90, || {
        listener.count("/operations", is("ContactwatchMarketplaceActed")) > 0
    });
    which_rules_fire_in_a_store(&demo, &listener);
    let mut text = String::new();
    eventually("everything that is documented is exposed", 60, || {
        text = demo.metrics().unwrap();
        exposition::missing(&text).is_empty()
    });
    let (series, exposed) = exposition::check(dir, &text);

    drop(demo);
    let down = |alert: &Value| is("ContactwatchDown")(alert) && alert["status"] == "firing";
    eventually("its end is told", 60, || listener.count("/operations", down) > 0);
    format!(
        "{evaluated} rules on {series} series of {exposed} families; watchdog, findings, an act and an end were told"
    )
}

/// Whoever reads an alert asks the daemon about its store.
fn which_rules_fire_in_a_store(demo: &Demo, listener: &Listener) {
    let alert = listener.at("/audit")[0].body["alerts"][0]["labels"].clone();
    let [platform, store, rule] = ["platform", "store", "rule"].map(|label| alert[label].as_str().unwrap());
    let (status, answer) = ask(&format!("{}/v1/stores/{platform}/{store}/verdicts", demo.url()), TOKEN);
    assert_eq!((status, &answer["owned"]), (200, &true.into()), "{answer}");
    let told = |key: &str| answer[key].as_array().unwrap();
    let counted = told("rules").iter().find(|counted| counted["rule"] == rule);
    assert!(counted.is_some_and(|counted| counted["verdicts"].as_u64() > Some(0)), "{rule}: {answer}");
    assert!(!told("verdicts").is_empty(), "{answer}");
    assert!(!answer.to_string().contains("excerpt"), "{answer}");
    let (status, answer) = ask(&format!("{}/v1/stores/{platform}/none/verdicts", demo.url()), TOKEN);
    assert!(status == 404 && answer["error"].to_string().contains("the verdicts topic"), "{answer}");
}
