//! `schema`: JSON Schemas of what goes in and comes out.

use std::io::Write;

use clap::ValueEnum;

use super::{Failure, Status, output};

/// Print the JSON Schema (draft 2020-12) of a format, for editors and producers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch schema event > event.schema.json\n  \
    contactwatch schema policy > pack.schema.json   for the YAML support of an editor")]
pub(super) struct Args {
    /// Which format
    #[arg(value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Events that `score` and the daemon read
    Event,
    /// Verdicts that they write
    Verdict,
    /// Alert records
    Alert,
    /// Policy packs
    Policy,
}

impl Format {
    fn schema(self) -> &'static str {
        match self {
            Self::Event => include_str!("schemas/event.json"),
            Self::Verdict => include_str!("schemas/verdict.json"),
            Self::Alert => include_str!("schemas/alert.json"),
            Self::Policy => include_str!("schemas/policy.json"),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    let mut out = output::records();
    out.write_all(args.format.schema().as_bytes())?;
    out.flush()?;
    Ok(Status::Fine)
}
