//! Ten thousand stores, scraped by a real Prometheus: how many series they are, and how long a scrape takes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::demo::Demo;
use crate::harness::eventually;
use crate::servers::Prometheus;

const STORES: usize = 10_000;
const PLATFORMS: [&str; 3] = ["ozon", "wildberries", "yandex_market"];
/// Series of a store: two directions, three severities, two results, open questions, the oldest of them, its agency.
const PER_STORE: usize = 10;
/// Series of everything else: packs, rules, partitions, histograms.
const FIXED: usize = 1_500;
/// What the shipped prometheus.yml gives a scrape, in seconds; a test build gets half of it.
const SCRAPE_TIMEOUT: f64 = 10.0;

fn stores() -> String {
    let mut text = "stores:\n".to_owned();
    for number in 0..STORES {
        let (platform, agency) = (PLATFORMS[number % 3], number % 40);
        writeln!(text, "- {{platform: {platform}, store: 's{number}', agency: agency-{agency}}}").unwrap();
    }
    text
}

struct Seen {
    series: usize,
    seconds: f64,
    stores: usize,
}

/// What one target costs, once its fleet is at work. Of several scrapes the quickest counts: the others measure what else
/// this machine does.
fn scraped(prometheus: &Prometheus, job: &str, stores: usize) -> Seen {
    let number = |expr: &str| {
        let found = prometheus.query(&expr.replace("JOB", &format!("job=\"{job}\"")));
        found.first().and_then(|one| one["value"][1].as_str()?.parse::<f64>().ok())
    };
    eventually(&format!("{job} counts messages of stores that are not in the file"), 60, || {
        number("sum(contactwatch_messages_scored_total{JOB, store!~\"s[0-9]+\"})").is_some_and(|n| n > 100.0)
    });
    // Scrapes that were cut off have no samples.
    let whole_ones =
        format!("(scrape_duration_seconds{{JOB}} and scrape_samples_scraped{{JOB}} > {})[5m:1s]", stores * 9);
    let quickest = format!("min_over_time({whole_ones})");
    eventually(&format!("{job} is scraped whole several times"), 90, || {
        number(&format!("changes({whole_ones})")).is_some_and(|changes| changes >= 2.0)
    });
    let whole = |expr: &str| number(expr).unwrap() as usize;
    Seen {
        series: whole("scrape_samples_scraped{JOB}"),
        seconds: number(&quickest).unwrap(),
        stores: whole(
            "count(count by (platform, store) (contactwatch_violations_total{JOB, store!=\"other\"}))",
        ),
    }
}

pub(crate) fn ten_thousand_stores(dir: &Path) -> String {
    // The cap as it is shipped, and one that has room for all of them and for the fleet of the demo.
    let caps = [("shipped", "", 2_000), ("wide", "metrics: {max_stores: 20000}\n", STORES + 30)];
    let mut targets = String::new();
    let demos = caps.map(|(job, configuration, _)| {
        let place = dir.join(job);
        fs::create_dir_all(&place).unwrap();
        let demo = Demo::start(&place, &stores(), configuration, &["--stores", "30", "--seconds", "120"]);
        let port = demo.port;
        writeln!(targets, "- {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}")
            .unwrap();
        demo
    });
    let configuration =
        format!("global: {{scrape_interval: 5s, scrape_timeout: 5s}}\nscrape_configs:\n{targets}");
    fs::write(dir.join("prometheus.yml"), configuration).unwrap();
    let prometheus = Prometheus::start(dir);
    let mut told = Vec::new();
    for (job, _, cap) in caps {
        let Seen { series, seconds, stores } = scraped(&prometheus, job, cap);
        assert_eq!(stores, cap, "{job}");
        assert!(series <= cap * PER_STORE + FIXED, "{job}: {series} series of {cap} stores");
        assert!(seconds < SCRAPE_TIMEOUT / 2.0, "{job}: {seconds} s for {series} series");
        told.push(format!("{stores} stores are {series} series, scraped in {seconds:.2} s"));
    }
    // What is folded away is counted, and only there.
    let capped = |job: &str| {
        let found =
            prometheus.query(&format!("contactwatch_metrics_series_capped_total{{job=\"{job}\"}} > 0"));
        !found.is_empty()
    };
    assert!(capped("shipped") && !capped("wide"));
    drop(demos);
    told.join("; ")
}
