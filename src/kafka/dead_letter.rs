//! Records that cannot be read: what is written of them, and when there are too many.

use std::collections::VecDeque;
use std::fmt;

use rdkafka::message::{BorrowedHeaders, Header, Headers, OwnedHeaders};

/// So many records of a partition are remembered for the ratio.
const WINDOW: usize = 1000;
/// The ratio says nothing about fewer.
const ENOUGH: usize = 200;

/// Where a record came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970, as the record had it.
    pub timestamp: Option<i64>,
}

/// The headers of a dead letter; its key and value are those of the record.
pub fn headers(origin: &Origin, code: &str, error: &str) -> OwnedHeaders {
    let partition = origin.partition.to_string();
    let offset = origin.offset.to_string();
    let timestamp = origin.timestamp.map(|timestamp| timestamp.to_string());
    let mut headers = OwnedHeaders::new();
    for (key, value) in [
        ("topic", Some(origin.topic.as_str())),
        ("partition", Some(&partition)),
        ("offset", Some(&offset)),
        ("timestamp", timestamp.as_deref()),
        ("error_code", Some(code)),
        ("error", Some(error)),
        ("version", Some(env!("CARGO_PKG_VERSION"))),
    ] {
        if let Some(value) = value {
            headers = headers.insert(Header { key, value: Some(value) });
        }
    }
    headers
}

/// What the headers of a dead letter say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where the record came from.
    pub origin: Origin,
    /// Why it is here, in a word.
    pub code: String,
    /// Why it is here.
    pub error: String,
}

impl Letter {
    /// Reads the headers; `None` when the record was not written by [`headers`].
    pub fn of(headers: &BorrowedHeaders) -> Option<Self> {
        let text = |name: &str| {
            let header = headers.iter().find(|header| header.key == name)?;
            std::str::from_utf8(header.value?).ok()
        };
        Some(Self {
            origin: Origin {
                topic: text("topic")?.to_owned(),
                partition: text("partition")?.parse().ok()?,
                offset: text("offset")?.parse().ok()?,
                timestamp: text("timestamp").and_then(|text| text.parse().ok()),
            },
            code: text("error_code").unwrap_or("unknown").to_owned(),
            error: text("error").unwrap_or_default().to_owned(),
        })
    }
}

/// Watches one input of one partition: a broken producer is to be mended, not drained into the dead letters.
#[derive(Clone, Debug)]
pub struct Limits {
    run: u32,
    ratio: f64,
    in_a_row: u32,
    window: VecDeque<bool>,
    bad: usize,
}

/// A limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breach {
    /// So many in a row.
    Run(u32),
    /// So many of so many.
    Ratio(usize, usize),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "{run} records in a row cannot be read"),
            Self::Ratio(bad, all) => write!(f, "{bad} of the last {all} records cannot be read"),
        }
    }
}

impl Limits {
    /// Allows fewer than `run` in a row, and no more than `ratio` of the last thousand.
    pub fn new(run: u32, ratio: f64) -> Self {
        Self { run, ratio, in_a_row: 0, window: VecDeque::new(), bad: 0 }
    }

    /// Takes note of one record.
    pub fn observe(&mut self, readable: bool) -> Option<Breach> {
        if self.window.len() == WINDOW && self.window.pop_front() == Some(false) {
            self.bad -= 1;
        }
        self.window.push_back(readable);
        if readable {
            self.in_a_row = 0;
            return None;
        }
        self.bad += 1;
        self.in_a_row += 1;
        let all = self.window.len();
        if self.in_a_row >= self.run {
            return Some(Breach::Run(self.in_a_row));
        }
        (all >= ENOUGH && self.bad as f64 > self.ratio * all as f64).then_some(Breach::Ratio(self.bad, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_unreadable_records_are_a_breach() {
        // (run, ratio, records: how many good, how many bad, …), and after how many records it breaks
        for (run, ratio, records, expected) in [
            (3, 1.0, &[5, 2, 1, 2, 1][..], None),
            (3, 1.0, &[5, 3], Some((8, Breach::Run(3)))),
            (1, 1.0, &[0, 1], Some((1, Breach::Run(1)))),
            (1000, 0.5, &[100, 99], None),
            (1000, 0.5, &[100, 101], Some((201, Breach::Ratio(101, 201)))),
            (1000, 0.0, &[199, 1], Some((200, Breach::Ratio(1, 200)))),
            // What lies more than a thousand records back counts no more.
            (1000, 0.4, &[1000, 399, 1000, 399], None),
        ] {
            let mut limits = Limits::new(run, ratio);
            let mut seen = 0;
            let mut breach = None;
            for (index, count) in records.iter().enumerate() {
                for _ in 0..*count {
                    seen += 1;
                    let found = limits.observe(index % 2 == 0);
                    breach = breach.or(found.map(|breach| (seen, breach)));
                }
            }
            assert_eq!(breach, expected, "{run} {ratio} {records:?}");
        }
    }
}
