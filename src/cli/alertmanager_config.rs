//! `alertmanager-config`: who is told of what, as Alertmanager reads it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::alert::contacts::{Bot, Contacts};
use crate::alert::routing::{Reader, Routing};
use crate::policy::stores::StoresSpec;
use crate::policy::{PolicyError, read_yaml};
use crate::shipped::Part;

use super::output::GREEN;
use super::rules::{read_text, tree};
use super::{Failure, Status, output};

/// The words that messages are made of; `--output` puts them beside the configuration.
const TEMPLATES: &str = include_str!("../../dashboards/alertmanager/templates/contactwatch.tmpl");

/// Write the configuration of Alertmanager: a route and receivers for every agency
///
/// Which agencies there are is in the file of stores; who is told is in a file of contacts, which --example begins for
/// you. Critical alerts are told at once, warnings by day, the rest on working days. An agency without a contact, or
/// one that nobody knows, is told to operations: no alert reaches nobody.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch alertmanager-config --stores stores.yaml --example > contacts.yaml\n  \
    contactwatch alertmanager-config --stores stores.yaml --contacts contacts.yaml --output alertmanager.yml\n  \
    amtool check-config alertmanager.yml\n  \
    contactwatch alertmanager-config --stores stores.yaml --contacts contacts.yaml --check alertmanager.yml\n\n\
    Exit codes: 0 fine; 1 --check: the file says something else; 2 usage, stores or contacts; 3 files that cannot be \
    written.")]
pub(super) struct Args {
    /// Who is told (see --example)
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    contacts: Option<PathBuf>,
    /// Stores with their agencies [default: those of the configuration]
    #[arg(long, value_name = "FILE")]
    stores: Option<PathBuf>,
    /// Configuration file that names the stores
    #[arg(long, value_name = "FILE", env = "CONTACTWATCH_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Write a file of contacts to begin with, with the agencies of the stores
    #[arg(long, conflicts_with_all = ["contacts", "output", "check"])]
    example: bool,
    /// Write to this file, for its owner alone, and templates/contactwatch.tmpl beside it
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Write nothing; look whether this file says what would be written
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Which Alertmanager reads it: 0.25 has no bot_token_file, so the token itself is written
    #[arg(long, value_name = "VERSION", default_value = "0.25")]
    alertmanager: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// 0.25, as Debian 12 has it
    #[value(name = "0.25")]
    V025,
    /// 0.26 and later
    #[value(name = "0.26")]
    V026,
}

impl From<Version> for Reader {
    fn from(version: Version) -> Self {
        match version {
            Version::V025 => Self::V025,
            Version::V026 => Self::V026,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let agencies = agencies(args)?;
    let Some(path) = &args.contacts else {
        let mut out = output::records();
        out.write_all(example(&agencies).as_bytes())?;
        out.flush()?;
        return Ok(Status::Fine);
    };
    let name = path.display().to_string();
    let known: Vec<&str> = agencies.iter().map(String::as_str).collect();
    let contacts = Contacts::read(&name, &read_text(path, "file of contacts")?, &known).map_err(faults)?;
    for agency in &agencies {
        if !contacts.agencies.0.iter().any(|(id, _)| id.value == *agency) {
            anstream::eprintln!("{name}: agency \"{agency}\" has no contact: its alerts go to operations");
        }
    }
    let reader = Reader::from(args.alertmanager);
    let token = token(path, &contacts, reader)?;
    let text = Routing { contacts: &contacts, token: token.as_deref(), reader }.to_string();
    if token.is_some() {
        anstream::eprintln!("the configuration holds the token of the bot: keep it from other eyes");
    }
    match (&args.check, &args.output) {
        (Some(file), _) => check(file, &text),
        (None, Some(file)) => {
            write(file, &text)?;
            anstream::eprintln!("{} and templates/contactwatch.tmpl written", file.display());
            Ok(Status::Fine)
        }
        (None, None) => {
            let mut out = output::records();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(Status::Fine)
        }
    }
}

fn faults(errors: Vec<PolicyError>) -> Failure {
    Failure::Usage(errors.iter().map(ToString::to_string).collect())
}

/// The agencies that stores name, each once.
fn agencies(args: &Args) -> Result<Vec<String>, Failure> {
    let files = match &args.stores {
        Some(path) => vec![(path.display().to_string(), read_text(path, "file of stores")?)],
        None => {
            let config = super::rules::load_config(args.config.as_deref(), &[])?.config;
            match &config.stores {
                Some(path) => vec![(path.display().to_string(), read_text(path, "file of stores")?)],
                None => {
                    let tree = tree(config.policies.dir.as_deref())?;
                    let files = tree.part(Part::Stores).into_iter();
                    files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
                }
            }
        }
    };
    let mut agencies = Vec::new();
    for (name, text) in &files {
        let name: Arc<str> = name.as_str().into();
        let spec: StoresSpec = read_yaml(&name, text).map_err(|error| faults(vec![error]))?;
        agencies.extend(spec.stores.into_iter().filter_map(|store| store.value.agency));
    }
    agencies.retain(|agency| !agency.is_empty());
    agencies.sort_unstable();
    agencies.dedup();
    if agencies.is_empty() {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Failure::usage(format!(
            "no store of {} names its agency; write `agency: NAME` to each store, and name the file with --stores",
            names.join(", ")
        )));
    }
    Ok(agencies)
}

/// The token of the bot, when its reader cannot read it from its file. Paths are relative to the contacts.
fn token(contacts: &Path, read: &Contacts, reader: Reader) -> Result<Option<String>, Failure> {
    let Some(Bot { bot_token: None, bot_token_file: Some(file), .. }) = &read.telegram else {
        return Ok(None);
    };
    if reader == Reader::V026 {
        return Ok(None);
    }
    let path = contacts.parent().unwrap_or(Path::new("")).join(&file.value);
    let place = crate::policy::Place::at(&contacts.display().to_string().into(), file.referenced);
    let fault = |what: &dyn std::fmt::Display| {
        let error = PolicyError::new(place.clone(), format!("bot_token_file {}: {what}", path.display()));
        let fix =
            "Alertmanager 0.25 cannot read it, so it is read here; for a later one say --alertmanager 0.26";
        Failure::usage(error.fix(fix))
    };
    let token = fs::read_to_string(&path).map_err(|error| fault(&error))?;
    match token.trim() {
        "" => Err(fault(&"the file is empty")),
        token => Ok(Some(token.to_owned())),
    }
}

fn check(file: &Path, text: &str) -> Result<Status, Failure> {
    let found = read_text(file, "configuration of Alertmanager")?;
    let mut page = output::page();
    let status = match found.lines().zip(text.lines()).position(|(found, wanted)| found != wanted) {
        None if found == text => {
            writeln!(page, "{GREEN}{} says what would be written{GREEN:#}", file.display())?;
            Status::Fine
        }
        differs => {
            let line = differs.unwrap_or_else(|| found.lines().count().min(text.lines().count())) + 1;
            // The line may hold a secret: only its number is told.
            writeln!(page, "{}:{line}: something else would be written; see --output", file.display())?;
            Status::Findings
        }
    };
    page.flush()?;
    Ok(status)
}

/// Writes both files. The configuration may hold a token: nobody else may read it.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let cannot =
        |path: &Path, error: io::Error| Failure::runtime(format!("cannot write {}: {error}", path.display()));
    let dir = file.parent().unwrap_or(Path::new("")).join("templates");
    fs::create_dir_all(&dir).map_err(|error| cannot(&dir, error))?;
    let templates = dir.join("contactwatch.tmpl");
    fs::write(&templates, TEMPLATES).map_err(|error| cannot(&templates, error))?;
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut opened| {
        // A file that was there keeps its mode when it is opened.
        #[cfg(unix)]
        opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        opened.write_all(text.as_bytes())
    });
    written.map_err(|error| cannot(file, error))
}

/// A file of contacts to begin with.
fn example(agencies: &[String]) -> String {
    let mut text = EXAMPLE.to_owned();
    for agency in agencies {
        let id = agency.replace('\'', "''");
        text.push_str(&format!(
            "  '{id}':\n    urgent: {{telegram: -1000000000000}}\n    # daily: {{telegram: -1000000000001}}\n    \
             # info: {{email: compliance@agency.example}}\n    # time_zone: Europe/Moscow\n"
        ));
    }
    text
}

const EXAMPLE: &str = "\
# Who is told of alerts. Each receiver names one or more of telegram (a chat, below 0 for groups), email and webhook.
#
# Whoever runs contactwatch; is also told of agencies that have no contact below.
operations: {webhook: 'http://127.0.0.1:9099/operations'}
# Whoever raises the alarm when the watchdog stays away.
# watchdog: {webhook: 'http://127.0.0.1:9099/watchdog'}
# A copy of everything that a store caused.
# audit: {webhook: 'http://127.0.0.1:9099/audit'}

telegram:
  bot_token: CHANGE_ME
  # bot_token_file: /etc/contactwatch/telegram-token
# email: {smarthost: 'mail.agency.example:587', from: contactwatch@agency.example, username: contactwatch, password_file: /etc/contactwatch/mail-password}

# Warnings wait for the morning, info for a working day.
night: {from: '22:00', to: '08:00'}
time_zone: Europe/Moscow

# urgent: critical, at any hour. daily: warnings (as urgent when absent). info: the rest (as daily when absent).
agencies:
";
