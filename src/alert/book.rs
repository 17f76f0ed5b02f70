//! What is active: a pure state machine over the records of the alerts topic and the deliveries to sinks.
//!
//! Records with the same labels are one alert, active as long as one of them is. A record that no sink has taken yet does
//! not run out: an outage of hours loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::record::{AlertRecord, Status};
use crate::config;
use crate::time::{Millis, Span};

/// Ended alerts are sent for so long after their end, in case a sink missed it.
const FAREWELL: Span = Span::minutes(5);
/// Alertmanager forgets an alert that is not sent again within this many re-sends, as Prometheus has it.
const SENDS_PER_LIFE: i64 = 4;

/// Labels: the identity of an alert.
pub type Identity = BTreeMap<String, String>;

/// Lengths of time.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often active alerts are sent.
    pub resend_every: Span,
    /// What happened longer ago alerts nobody.
    pub max_age: Span,
}

impl From<&config::Alertmanager> for Timing {
    fn from(config: &config::Alertmanager) -> Self {
        Self { resend_every: config.resend_every, max_age: config.max_age }
    }
}

/// An alert as Alertmanager takes it (`POST /api/v2/alerts`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Postable {
    /// Identity.
    pub labels: Identity,
    /// Everything else.
    pub annotations: BTreeMap<String, String>,
    /// Never in the future.
    pub starts_at: String,
    /// Always set, never before the start.
    pub ends_at: String,
    /// Where the verdict can be read.
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
    /// Which state of the alert this is: what the book learns while it is under way is not in it.
    #[serde(skip)]
    pub revision: u64,
}

/// Why a record is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept.
    Kept,
    /// It ends one that was kept, or says nothing new.
    Done,
    /// It is about something too long ago.
    Expired,
}

/// Where a record stands in the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

#[derive(Debug)]
struct Kept {
    record: AlertRecord,
    place: Place,
    /// Since when it is in what is sent.
    revision: u64,
    starts: Millis,
    /// When it is over by itself, once a sink has taken it.
    ends: Millis,
    /// Sinks that have taken it.
    sinks: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Alert {
    records: BTreeMap<String, Kept>,
    /// Shown when no record is left.
    last: Option<Postable>,
    ended: Option<Millis>,
    /// By sink: when it was sent last, and whether it has changed since.
    sent: BTreeMap<usize, Millis>,
    changed: BTreeSet<usize>,
    /// Of its last change.
    revision: u64,
}

/// Everything that is active.
#[derive(Debug)]
pub struct Book {
    timing: Timing,
    sinks: usize,
    alerts: BTreeMap<Identity, Alert>,
    /// By partition, the offset after the last record read.
    read: BTreeMap<i32, i64>,
    /// Counts changes.
    revision: u64,
}

impl Book {
    /// An empty book for so many sinks.
    pub fn new(timing: Timing, sinks: usize) -> Self {
        Self { timing, sinks, alerts: BTreeMap::new(), read: BTreeMap::new(), revision: 0 }
    }

    /// Takes a record. `delivered`: a sink had taken it before a restart.
    pub fn take(&mut self, record: AlertRecord, place: Place, delivered: bool, now: Millis) -> Taken {
        self.read.insert(place.partition, place.offset + 1);
        self.revision += 1;
        let revision = self.revision;
        let time = |text: &str| Millis::parse(text).ok();
        let starts = time(&record.starts_at).unwrap_or(now).min(now);
        let ends = time(&record.ends_at).unwrap_or(now).max(starts);
        if record.status == Status::Resolved {
            if let Some(alert) = self.alerts.get_mut(&record.labels)
                && let Some(kept) = alert.records.remove(&record.alert_id)
            {
                alert.settle(&kept, now, self.sinks, revision);
            }
            return Taken::Done;
        }
        let occurred = record.annotations.get("occurred_at").and_then(|text| time(text)).unwrap_or(starts);
        if now.since(occurred) > self.timing.max_age {
            return Taken::Expired;
        }
        let alert = self.alerts.entry(record.labels.clone()).or_default();
        if alert.records.contains_key(&record.alert_id) {
            return Taken::Done;
        }
        let sinks = if delivered { (0..self.sinks).collect() } else { BTreeSet::new() };
        alert.ended = None;
        alert.change(self.sinks, revision);
        alert.records.insert(record.alert_id.clone(), Kept { record, place, revision, starts, ends, sinks });
        Taken::Kept
    }

    /// Lets time pass: what has run out ends. Returns how many records a sink never took, by sink.
    pub fn pass(&mut self, now: Millis) -> BTreeMap<usize, usize> {
        let mut missed = BTreeMap::new();
        self.revision += 1;
        for alert in self.alerts.values_mut() {
            let over: Vec<String> = alert
                .records
                .iter()
                .filter(|(_, kept)| kept.ends <= now && !kept.sinks.is_empty())
                .map(|(id, _)| id.clone())
                .collect();
            for kept in over.iter().filter_map(|id| alert.records.remove(id)).collect::<Vec<_>>() {
                for sink in (0..self.sinks).filter(|sink| !kept.sinks.contains(sink)) {
                    *missed.entry(sink).or_default() += 1;
                }
                alert.settle(&kept, now, self.sinks, self.revision);
            }
        }
        self.alerts.retain(|_, alert| {
            !alert.records.is_empty() || alert.ended.is_some_and(|ended| now.since(ended) < FAREWELL)
        });
        missed
    }

    /// What is to be sent to `sink` now: what changed, and what was sent too long ago. Stores stay together.
    pub fn due(&self, sink: usize, now: Millis) -> Vec<Postable> {
        let due = |alert: &&Alert| {
            alert.changed.contains(&sink)
                || alert.sent.get(&sink).is_none_or(|at| now.since(*at) >= self.timing.resend_every)
        };
        let mut due: Vec<Postable> =
            self.alerts.values().filter(due).filter_map(|alert| alert.post(now, self.timing)).collect();
        due.sort_by(|a, b| {
            let store = |alert: &Postable| {
                (alert.labels.get("platform").cloned(), alert.labels.get("store").cloned())
            };
            store(a).cmp(&store(b))
        });
        due
    }

    /// `sink` took these alerts as they were at a revision, or will never take them. Returns, for each that it took for the first time, how long
    /// that took from its detection.
    pub fn taken_by<'a>(
        &mut self,
        sink: usize,
        alerts: impl IntoIterator<Item = (&'a Identity, u64)>,
        now: Millis,
    ) -> Vec<Span> {
        let mut first = Vec::new();
        for (identity, revision) in alerts {
            let Some(alert) = self.alerts.get_mut(identity) else { continue };
            alert.sent.insert(sink, now);
            if alert.revision <= revision {
                alert.changed.remove(&sink);
            }
            for kept in alert.records.values_mut().filter(|kept| kept.revision <= revision) {
                if kept.sinks.is_empty() {
                    // It is held from its first delivery on.
                    kept.ends = kept.ends.max(now.plus(kept.ends.since(kept.starts)));
                }
                if kept.sinks.insert(sink) {
                    first.push(now.since(kept.starts));
                }
            }
        }
        first
    }

    /// Alerts that `sink` has not taken yet.
    pub fn queued(&self, sink: usize) -> usize {
        let waits = |alert: &&Alert| alert.records.values().any(|kept| !kept.sinks.contains(&sink));
        self.alerts.values().filter(waits).count()
    }

    /// Active alerts by severity.
    pub fn active(&self) -> BTreeMap<&str, usize> {
        let mut active = BTreeMap::from([("info", 0), ("warning", 0), ("critical", 0)]);
        for (identity, _) in self.alerts.iter().filter(|(_, alert)| !alert.records.is_empty()) {
            if let Some(severity) = identity.get("severity") {
                *active.entry(severity).or_default() += 1;
            }
        }
        active
    }

    /// By partition: the offset from which a restart must read, and the offset before which every record was taken by
    /// a sink.
    pub fn offsets(&self) -> BTreeMap<i32, (i64, i64)> {
        let mut offsets: BTreeMap<i32, (i64, i64)> =
            self.read.iter().map(|(partition, next)| (*partition, (*next, *next))).collect();
        for kept in self.alerts.values().flat_map(|alert| alert.records.values()) {
            if let Some((from, delivered)) = offsets.get_mut(&kept.place.partition) {
                *from = (*from).min(kept.place.offset);
                if kept.sinks.is_empty() {
                    *delivered = (*delivered).min(kept.place.offset);
                }
            }
        }
        offsets
    }

    /// A partition went: another relay keeps up what it holds.
    pub fn forget(&mut self, partition: i32) {
        self.read.remove(&partition);
        for alert in self.alerts.values_mut() {
            alert.records.retain(|_, kept| kept.place.partition != partition);
        }
        self.alerts.retain(|_, alert| !alert.records.is_empty() || alert.ended.is_some());
    }
}

impl Alert {
    /// Every sink has to be told.
    fn change(&mut self, sinks: usize, revision: u64) {
        self.changed.extend(0..sinks);
        self.revision = revision;
    }

    /// A record is over. With the last one the alert ends.
    fn settle(&mut self, kept: &Kept, now: Millis, sinks: usize, revision: u64) {
        self.change(sinks, revision);
        if self.records.is_empty() {
            self.ended = Some(now);
            self.last = Some(postable(&kept.record, kept.starts, now, 0));
        }
    }

    fn post(&self, now: Millis, timing: Timing) -> Option<Postable> {
        let Some(newest) = self.records.values().max_by_key(|kept| (kept.starts, kept.place)) else {
            return self.last.clone().map(|last| Postable { revision: self.revision, ..last });
        };
        let starts = self.records.values().map(|kept| kept.starts).min().unwrap_or(now);
        let ends = now.plus(Span(timing.resend_every.0.max(Span::minutes(1).0) * SENDS_PER_LIFE));
        let posted = postable(&newest.record, starts, ends, self.records.len());
        Some(Postable { revision: self.revision, ..posted })
    }
}

fn postable(record: &AlertRecord, starts: Millis, ends: Millis, count: usize) -> Postable {
    let mut annotations = record.annotations.clone();
    if count > 0 {
        annotations.insert("count".to_owned(), count.to_string());
    }
    Postable {
        labels: record.labels.clone(),
        annotations,
        starts_at: starts.to_string(),
        ends_at: ends.max(starts).to_string(),
        generator_url: record.generator_url.clone(),
        revision: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many minutes after some midnight.
    fn minute(n: i64) -> Millis {
        Millis(1_790_000_000_000).plus(Span::minutes(n))
    }

    fn record(id: &str, store: &str, status: Status, at: i64, lasts: i64) -> AlertRecord {
        let text = |n: i64| minute(n).to_string();
        AlertRecord {
            v: 1,
            alert_id: id.to_owned(),
            status,
            labels: BTreeMap::from([
                ("store".to_owned(), store.to_owned()),
                ("severity".to_owned(), "warning".to_owned()),
            ]),
            annotations: BTreeMap::from([
                ("occurred_at".to_owned(), text(at)),
                ("summary".to_owned(), id.to_owned()),
            ]),
            starts_at: text(at),
            ends_at: text(at + lasts),
            generator_url: None,
        }
    }

    /// A timeline for two sinks. Steps `minute what`: `+a 7` alert a of store 7 is read, `-a 7` its end, `?0` what sink
    /// 0 is due, which it takes, `!0` the same but it fails, `<0` the same but it is under way until `>0`, when it is
    /// taken; `o` offsets of partition 0, `p` time passes. Due alerts are told as `store:newest×count` or `store:ended`.
    fn check(steps: &str, expected: &[&str]) {
        let timing = Timing { resend_every: Span::minutes(1), max_age: Span::hours(24) };
        let mut book = Book::new(timing, 2);
        let mut offset = 0;
        let mut told = Vec::new();
        let mut under_way: Vec<Postable> = Vec::new();
        for step in steps.split(", ") {
            let mut words = step.split(' ');
            let at: i64 = words.next().unwrap().parse().unwrap();
            let now = minute(at);
            book.pass(now);
            let what = words.next().unwrap();
            let store = words.next().unwrap_or_default();
            match what.split_at(1) {
                (sign @ ("+" | "-"), id) => {
                    let status = if sign == "+" { Status::Firing } else { Status::Resolved };
                    let place = Place { partition: 0, offset };
                    offset += 1;
                    book.take(record(id, store, status, at, 60), place, false, now);
                }
                ("p", _) => {}
                ("o", _) => told.push(format!("{:?}", book.offsets()[&0])),
                (">", sink) => {
                    let taken = under_way.iter().map(|alert| (&alert.labels, alert.revision));
                    book.taken_by(sink.parse().unwrap(), taken, now);
                }
                (sign, sink) => {
                    let sink = sink.parse().unwrap();
                    let due = book.due(sink, now);
                    told.push(
                        due.iter()
                            .map(|alert| match Millis::parse(&alert.ends_at).unwrap() > now {
                                true => format!(
                                    "{}:{}×{}",
                                    alert.labels["store"],
                                    alert.annotations["summary"],
                                    alert.annotations["count"]
                                ),
                                false => format!("{}:ended", alert.labels["store"]),
                            })
                            .collect::<Vec<_>>()
                            .join(" "),
                    );
                    if sign == "?" {
                        book.taken_by(sink, due.iter().map(|alert| (&alert.labels, alert.revision)), now);
                    } else if sign == "<" {
                        under_way = due;
                    }
                }
            }
        }
        assert_eq!(told, expected, "{steps}");
    }

    #[test]
    fn alerts_are_kept_up_and_ended() {
        for (steps, expected) in [
            // Fires, is sent again each minute, ends after its hour, is taken leave of for five minutes.
            (
                "0 +a 7, 0 ?0, 0 ?0, 1 ?0, 60 ?0, 61 ?0, 64 ?0, 66 ?0",
                &["7:a×1", "", "7:a×1", "7:ended", "7:ended", "7:ended", ""][..],
            ),
            // Two findings of one rule in one store are one alert.
            ("0 +a 7, 0 +b 7, 0 +c 8, 0 ?0", &["7:b×2 8:c×1"]),
            ("0 +a 7, 0 ?0, 0 +b 7, 0 ?0", &["7:a×1", "7:b×2"]),
            // The same record twice is one.
            ("0 +a 7, 0 +a 7, 0 ?0", &["7:a×1"]),
            // An answer ends it; another one keeps it up.
            ("0 +a 7, 0 ?0, 5 -a 7, 5 ?0", &["7:a×1", "7:ended"]),
            ("0 +a 7, 0 +b 7, 0 ?0, 5 -a 7, 5 ?0", &["7:b×2", "7:b×1"]),
            ("0 -a 7, 0 ?0", &[""]),
            // It fires again while it is taken leave of.
            ("0 +a 7, 0 ?0, 5 -a 7, 5 ?0, 6 +b 7, 6 ?0", &["7:a×1", "7:ended", "7:b×1"]),
            // What becomes known while a request is under way was not in it, and is sent at once.
            ("0 +a 7, 0 <0, 0 +b 7, 0 >0, 0 ?0, 0 ?0", &["7:a×1", "7:b×2", ""]),
            ("0 +a 7, 0 <0, 0 -a 7, 0 >0, 0 ?0, 0 ?0", &["7:a×1", "7:ended", ""]),
            ("0 +a 7, 0 ?0, 5 -a 7, 5 <0, 5 +b 7, 5 >0, 5 ?0", &["7:a×1", "7:ended", "7:b×1"]),
            // Sinks go their own ways; a dead one is told as long as the alert lasts.
            ("0 +a 7, 0 !0, 0 ?1, 5 !0, 5 ?1, 9 ?0", &["7:a×1", "7:a×1", "7:a×1", "7:a×1", "7:a×1"]),
            // Nobody took it for two hours: it does not run out, and holds its hour from then on.
            (
                "0 +a 7, 0 !0, 120 !0, 120 ?1, 179 ?1, 181 ?1",
                &["7:a×1", "7:a×1", "7:a×1", "7:a×1", "7:ended"],
            ),
        ] {
            check(steps, expected);
        }
    }

    #[test]
    fn offsets_wait_for_what_is_active() {
        for (steps, expected) in [
            // (read from here after a restart, delivered before here)
            ("0 +a 7, 0 +b 8, 0 o", &["(0, 0)"][..]),
            ("0 +a 7, 0 ?0, 0 +b 8, 0 o", &["7:a×1", "(0, 1)"]),
            ("0 +a 7, 0 ?0, 5 +b 8, 5 ?0, 5 -a 7, 5 o", &["7:a×1", "7:a×1 8:b×1", "(1, 3)"]),
            ("0 +a 7, 0 ?0, 70 p, 70 o", &["7:a×1", "(1, 1)"]),
            ("0 +a 7, 0 !0, 70 p, 70 o", &["7:a×1", "(0, 0)"]),
            // The second came while the first was under way: nobody has it.
            ("0 +a 7, 0 <0, 0 +b 7, 0 >0, 0 o", &["7:a×1", "(0, 1)"]),
        ] {
            check(steps, expected);
        }
    }

    #[test]
    fn what_lies_long_back_alerts_nobody() {
        let timing = Timing { resend_every: Span::minutes(1), max_age: Span::hours(24) };
        let now = minute(100_000);
        for (minutes_ago, expected) in
            [(0, Taken::Kept), (24 * 60, Taken::Kept), (24 * 60 + 1, Taken::Expired)]
        {
            let mut book = Book::new(timing, 1);
            let at = 100_000 - minutes_ago;
            let place = Place { partition: 0, offset: 0 };
            assert_eq!(book.take(record("a", "7", Status::Firing, at, 60), place, false, now), expected);
        }
    }

    #[test]
    fn a_restart_goes_on_with_what_was_active() {
        let timing = Timing { resend_every: Span::minutes(1), max_age: Span::hours(24) };
        let mut book = Book::new(timing, 1);
        let now = minute(90);
        // The first was delivered before the restart, and is over; the second never was; the third is active.
        for (offset, at, delivered) in [(0, 0, true), (1, 10, false), (2, 80, true)] {
            let place = Place { partition: 0, offset };
            let store = offset.to_string();
            book.take(record(&store, &store, Status::Firing, at, 60), place, delivered, now);
        }
        book.pass(now);
        let stores: Vec<String> = book
            .due(0, now)
            .iter()
            .filter(|alert| Millis::parse(&alert.ends_at).unwrap() > now)
            .map(|alert| alert.labels["store"].clone())
            .collect();
        assert_eq!(stores, ["1", "2"]);
    }
}
