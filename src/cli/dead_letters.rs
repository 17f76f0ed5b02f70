//! `dead-letters`: what could not be read, and how it is put back.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::config::Kafka;
use crate::kafka::dead_letter::Origin;
use crate::kafka::letters::{DeadLetter, Letters, LettersError, fault, put_back};

use super::output::{BOLD, DIM, GREEN};
use super::rules::ConfigFile;
use super::{Failure, Status, output};

/// See the records that could not be read, and put them back once they can
///
/// A record that the daemon cannot read goes to the topic of dead letters, with where it came from and why. Mend its
/// producer, or the record, then put it back: it is judged as if it had just arrived. An event that was judged before is
/// dropped by its id, so a replay that is repeated does no harm.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch dead-letters list                          why and how many; no text of messages\n  \
    contactwatch dead-letters export > letters.ndjson       the records themselves, to repair them\n  \
    contactwatch dead-letters replay letters.ndjson         put the repaired ones back\n  \
    contactwatch dead-letters replay                        put back what can be read by now (after an upgrade)\n\n\
    Exit codes: 0 fine; 1 some still cannot be read; 2 usage or configuration; 3 Kafka does not answer, or refuses.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say why records lie there and how many, and where each came from
    List(Selection),
    /// Write the letters as NDJSON, one per line: change `value`, then replay the file
    Export(Selection),
    /// Put records back into the topic and partition they came from
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
struct Selection {
    #[command(flatten)]
    file: ConfigFile,
    /// Also letters that were put back before
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct Replay {
    /// Repaired letters as `export` writes them, - for standard input; without a file the letters of the topic
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Say what would be put back, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// A letter as `export` writes it. Values that are no text are base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// A record that goes back.
struct Return {
    origin: Origin,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::List(selection) => list(selection),
        Command::Export(selection) => export(selection),
        Command::Replay(replay) => match &replay.file {
            Some(file) => replay_file(replay, file),
            None => replay_topic(replay),
        },
    }
}

fn kafka(selection: &Selection) -> Result<Kafka, Failure> {
    Ok(selection.file.load()?.config.kafka)
}

fn list(selection: &Selection) -> Result<Status, Failure> {
    let kafka = kafka(selection)?;
    let letters = Letters::open(&kafka, selection.all)?;
    let mut page = output::page();
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    letters.read(|dead| -> Result<(), Failure> {
        let place = format!("{DIM}{}/{}{DIM:#}", dead.partition, dead.offset);
        match dead.letter {
            Some(letter) => {
                let Origin { topic, partition, offset, .. } = &letter.origin;
                writeln!(page, "{place}  {topic}/{partition}/{offset}  {}: {}", letter.code, letter.error)?;
                *codes.entry(letter.code).or_default() += 1;
            }
            None => {
                writeln!(page, "{place}  not written by contactwatch")?;
                *codes.entry("foreign".to_owned()).or_default() += 1;
            }
        }
        Ok(())
    })?;
    let all: u64 = codes.values().sum();
    let told: Vec<String> = codes.iter().map(|(code, n)| format!("{code} {n}")).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    writeln!(
        page,
        "{BOLD}{} in {}{BOLD:#}{told}",
        output::count(all, "dead letter"),
        kafka.topics.dead_letters
    )?;
    page.flush()?;
    Ok(Status::Fine)
}

fn export(selection: &Selection) -> Result<Status, Failure> {
    let kafka = kafka(selection)?;
    let letters = Letters::open(&kafka, selection.all)?;
    let mut out = output::records();
    letters.read(|dead| -> Result<(), Failure> {
        let Some(letter) = dead.letter else { return Ok(()) };
        let (value, value_base64) = match String::from_utf8(dead.value) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        let Origin { topic, partition, offset, timestamp } = letter.origin;
        let line = Line {
            topic,
            partition,
            offset,
            timestamp,
            error_code: Some(letter.code),
            error: Some(letter.error),
            key: dead.key.map(|key| String::from_utf8_lossy(&key).into_owned()),
            value,
            value_base64,
        };
        output::record(&mut out, &line)
    })?;
    out.flush()?;
    Ok(Status::Fine)
}

/// Puts back what the daemon would read by now; the rest stays.
fn replay_topic(replay: &Replay) -> Result<Status, Failure> {
    let kafka = kafka(&replay.selection)?;
    let letters = Letters::open(&kafka, replay.selection.all)?;
    let mut back = Vec::new();
    let mut staying = Vec::new();
    letters.read(|dead| -> Result<(), Failure> {
        let DeadLetter { partition, offset, letter, key, value } = dead;
        match letter.filter(|letter| is_input(&kafka, &letter.origin.topic) && fault(&value).is_none()) {
            Some(letter) => back.push(Return { origin: letter.origin, key, value }),
            None => staying.push((partition, offset)),
        }
        Ok(())
    })?;
    put(&kafka, &back, staying.len(), replay.dry_run)?;
    if !replay.dry_run {
        letters.settle(&staying)?;
    }
    Ok(Status::findings(!staying.is_empty()))
}

/// Puts repaired letters back: all of them, or none when one is not as it must be.
fn replay_file(replay: &Replay, file: &Path) -> Result<Status, Failure> {
    let kafka = kafka(&replay.selection)?;
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|found| text = found)
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    let mut back = Vec::new();
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match parse(&kafka, line) {
            Ok(repaired) => back.push(repaired),
            Err(fault) => faults.push(format!("{}:{number}: {fault}", file.display())),
        }
    }
    if !faults.is_empty() {
        faults.push("nothing was put back; mend these lines, or take them out".to_owned());
        return Err(Failure::Usage(faults));
    }
    put(&kafka, &back, 0, replay.dry_run)?;
    Ok(Status::Fine)
}

/// Reads one repaired letter, and looks that the daemon will read it too.
fn parse(kafka: &Kafka, line: &str) -> Result<Return, String> {
    let line: Line =
        serde_json::from_str(line).map_err(|error| format!("no letter as export writes it: {error}"))?;
    if !is_input(kafka, &line.topic) {
        return Err(format!(
            "topic {} is no input; expected {} or {}",
            line.topic, kafka.topics.messages, kafka.topics.orders
        ));
    }
    let value = match (line.value, line.value_base64) {
        (Some(value), None) => value.into_bytes(),
        (None, Some(value)) => STANDARD.decode(value).map_err(|error| format!("value_base64: {error}"))?,
        _ => return Err("expected value or value_base64, and not both".to_owned()),
    };
    if let Some((code, told)) = fault(&value) {
        return Err(format!("it still cannot be read: {code}: {told}"));
    }
    let Line { topic, partition, offset, timestamp, key, .. } = line;
    let origin = Origin { topic, partition, offset, timestamp };
    Ok(Return { origin, key: key.map(String::into_bytes), value })
}

fn is_input(kafka: &Kafka, topic: &str) -> bool {
    topic == kafka.topics.messages || topic == kafka.topics.orders
}

fn put(kafka: &Kafka, back: &[Return], staying: usize, dry_run: bool) -> Result<(), Failure> {
    if !dry_run {
        put_back(kafka, back.iter().map(|record| (&record.origin, record.key.as_deref(), &*record.value)))?;
    }
    let mut page = output::page();
    let done = if dry_run { "would go back" } else { "put back" };
    writeln!(page, "{GREEN}{} {done}{GREEN:#}", output::count(back.len() as u64, "record"))?;
    if staying > 0 {
        writeln!(
            page,
            "{} still cannot be read and stay; `contactwatch dead-letters export` writes them for repair",
            output::count(staying as u64, "letter")
        )?;
    }
    page.flush()?;
    Ok(())
}

impl From<LettersError> for Failure {
    fn from(error: LettersError) -> Self {
        match error {
            LettersError::Setting(fault) => Self::usage(fault),
            LettersError::Broker(fault) => Self::Runtime(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn check(line: &str, expected: Result<(&str, &str), &str>) {
        let kafka = Config::default().kafka;
        match (parse(&kafka, line), expected) {
            (Ok(found), Ok((place, value))) => {
                let Origin { topic, partition, offset, .. } = &found.origin;
                assert_eq!(format!("{topic}/{partition}/{offset}"), place);
                assert_eq!(String::from_utf8(found.value).unwrap(), value);
            }
            (Err(fault), Err(words)) => assert!(fault.contains(words), "\"{words}\" in \"{fault}\""),
            (found, expected) => {
                panic!("{line}: {:?}, expected {expected:?}", found.map(|found| found.value))
            }
        }
    }

    #[test]
    fn repaired_letters_are_looked_at_before_they_go_back() {
        let event = r#"{"v":1,"type":"enforcement","platform":"p","store":"s","event_id":"e","occurred_at":"2026-10-01T09:00:00Z","kind":"freeze"}"#;
        let line = |topic: &str, value: &str| {
            format!(r#"{{"topic":"contact.{topic}","partition":1,"offset":2,"key":"p/s",{value}}}"#)
        };
        let text = serde_json::to_string(event).unwrap();
        check(&line("messages", &format!(r#""value":{text}"#)), Ok(("contact.messages/1/2", event)));
        let encoded = STANDARD.encode(event);
        check(&line("orders", &format!(r#""value_base64":"{encoded}""#)), Ok(("contact.orders/1/2", event)));
        for (line, words) in [
            (line("verdicts", r#""value":"{}""#), "topic contact.verdicts is no input"),
            (line("messages", r#""value":"{""#), "it still cannot be read: invalid_json"),
            (line("messages", r#""error":"x""#), "expected value or value_base64"),
            (line("messages", r#""value_base64":"?""#), "value_base64: "),
            ("nonsense".to_owned(), "no letter as export writes it"),
        ] {
            check(&line, Err(words));
        }
    }
}
