//! `config`: is the configuration right, and where does each value come from?

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;

use crate::config::{Config, Loaded};

use super::output::{DIM, GREEN};
use super::rules::{ConfigFile, Rules};
use super::{Failure, Status, output};

/// Check the configuration, or show it with the layer of every value
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch config check contactwatch.yaml\n  \
    CONTACTWATCH__KAFKA__WORKERS=4 contactwatch config show")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the configuration and everything it names: unknown keys, bad values and faulty policies are errors
    Check(Which),
    /// Print the effective configuration as YAML, secrets redacted, each value with the layer it comes from
    Show(Which),
}

/// Which configuration, named with or without `--config`.
#[derive(Debug, clap::Args)]
struct Which {
    /// The same as --config, and goes before it
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Which {
    fn file(&self) -> ConfigFile {
        ConfigFile { config: self.file.clone().or_else(|| self.config.config.clone()) }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Check(which) => check(&which.file()),
        Command::Show(which) => show(&which.file()),
    }
}

fn check(file: &ConfigFile) -> Result<Status, Failure> {
    let loaded = file.load()?;
    let rules = Rules::load(&loaded.config)?;
    let mut page = output::page();
    let name = file
        .config
        .as_ref()
        .map_or("the default configuration".to_owned(), |path| path.display().to_string());
    writeln!(page, "{GREEN}{name} is valid{GREEN:#}: {} packs in force", rules.policy.effective.len())?;
    page.flush()?;
    Ok(Status::Fine)
}

fn show(file: &ConfigFile) -> Result<Status, Failure> {
    let loaded = file.load()?;
    let mut page = output::page();
    write(&mut page, &loaded)?;
    page.flush()?;
    Ok(Status::Fine)
}

/// YAML of the configuration, every value followed by its layer.
fn write(out: &mut impl Write, loaded: &Loaded) -> io::Result<()> {
    let yaml = serde_saphyr::to_string(&loaded.config).map_err(io::Error::other)?;
    let defaults = serde_json::to_value(Config::default())?;
    let mut path: Vec<(usize, String)> = Vec::new();
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        let key = line.trim_start().split_once(':').filter(|_| !line.trim_start().starts_with('-'));
        let Some((key, value)) = key else {
            writeln!(out, "{line}")?;
            continue;
        };
        path.retain(|(depth, _)| *depth < indent);
        path.push((indent, key.trim_matches(['"', '\'']).to_owned()));
        let dotted = path.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        let section = value.trim().is_empty()
            && !loaded.origins.contains_key(&dotted)
            && is_section(&dotted, &defaults);
        if section {
            writeln!(out, "{line}")?;
        } else {
            let origin = loaded.origins.get(&dotted).map_or("default", String::as_str);
            writeln!(out, "{line}  {DIM}# {origin}{DIM:#}")?;
        }
    }
    Ok(())
}

/// Whether a key has keys below it.
fn is_section(key: &str, defaults: &serde_json::Value) -> bool {
    let found = defaults.pointer(&format!("/{}", key.replace('.', "/")));
    found.and_then(serde_json::Value::as_object).is_some_and(|map| !map.is_empty())
}
