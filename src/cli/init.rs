//! `init`: the shipped configuration, written out for editing.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::shipped::Tree;

use super::{Failure, Status, output};

/// Write the shipped configuration, packs, lexicons and domain lists to a directory, for editing
///
/// Nothing that is there already is overwritten without --force.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch init ./policies\n  \
    contactwatch policy check --policies ./policies\n  \
    contactwatch score --policies ./policies history.ndjson")]
pub(super) struct Args {
    /// Directory; it is created when it is missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Overwrite files that differ from the shipped ones
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    if args.dir.exists() && !args.dir.is_dir() {
        return Err(Failure::usage(format!("{} is a file; name a directory", args.dir.display())));
    }
    let shipped = Tree::shipped();
    let target = |path: &str| args.dir.join(path);
    if !args.force {
        // A file that says the same is in nobody's way.
        let differs = |path: &Path, text: &str| match std::fs::read(path) {
            Ok(bytes) => bytes != text.as_bytes(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        let standing: Vec<String> = shipped
            .files()
            .iter()
            .map(|file| (target(&file.path), &file.text))
            .filter(|(path, text)| differs(path, text))
            .map(|(path, _)| format!("  {}", path.display()))
            .collect();
        if !standing.is_empty() {
            return Err(Failure::usage(format!(
                "these files are there already and differ; name another directory, or add --force to overwrite \
                 them:\n{}",
                standing.join("\n")
            )));
        }
    }
    for file in shipped.files() {
        let path = target(&file.path);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        written
            .and_then(|()| std::fs::write(&path, file.text.as_bytes()))
            .map_err(|error| Failure::runtime(format!("cannot write {}: {error}", path.display())))?;
    }
    let mut page = output::page();
    let dir = args.dir.display();
    writeln!(
        page,
        "{} files written to {dir}\n\nEdit them, then:\n  contactwatch policy check --policies {dir}\n  \
         contactwatch policy diff {dir}        what differs from the shipped policies",
        shipped.files().len(),
    )?;
    page.flush()?;
    Ok(Status::Fine)
}
