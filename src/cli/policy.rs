//! `policy`: compile packs, show what is in force and who said so, compare, test.

mod test;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::policy::diff::{self, Change, EffectivePack};
use crate::trial::CaseReport;

use super::output::{BOLD, DIM, GREEN, RED, YELLOW};
use super::rules::{PolicyArgs, Rules};
use super::table::{Cell, Table};
use super::{Failure, Status, output};

/// Compile, show, compare and test policies
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    contactwatch policy check --policies ./policies\n  \
    contactwatch policy show --rule reply-overdue\n  \
    contactwatch policy diff ./policies                 the shipped policies against mine\n  \
    contactwatch policy test tests/corpus/timelines     inline cases and golden timelines")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile packs, overlays, exceptions, stores and lexicons, and run the inline cases of every pack
    ///
    /// Faults are reported with file, line and column (exit code 2); a case that fails exits with 1.
    Check(CheckArgs),
    /// Print the rules in force, every value with the layer that set it
    Show(ShowArgs),
    /// Print what changes from one set of policies to another
    Diff(DiffArgs),
    /// Run the inline cases of every pack, and golden timelines; every failure with what was expected and what came
    Test(test::Args),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Only this pack
    #[arg(long, value_name = "ID")]
    pack: Option<String>,
    /// Only this rule
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Write one JSON object per pack
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

#[derive(Debug, clap::Args)]
struct DiffArgs {
    /// Directory of policies
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another one; without it A is compared with the shipped policies
    #[arg(value_name = "B")]
    second: Option<PathBuf>,
    /// Write one JSON object per change
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Check(args) => check(args),
        Command::Show(args) => show(args),
        Command::Diff(args) => diff(args),
        Command::Test(args) => test::run(args),
    }
}

/// An inline test or a timeline that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Failed {
    /// File, line and column.
    place: String,
    /// The pack of an inline test; timelines have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<String>,
    /// Its name.
    name: String,
    /// What was expected, and what came.
    fault: String,
}

impl Failed {
    fn of(report: &CaseReport) -> Self {
        let CaseReport { case, faults, .. } = report;
        Self {
            place: case.place.to_string(),
            pack: Some(case.pack.to_string()),
            name: case.name.to_string(),
            fault: faults.join("; "),
        }
    }
}

#[derive(Serialize)]
struct CheckReport {
    v: u8,
    valid: bool,
    errors: Vec<String>,
    warnings: Vec<String>,
    packs: usize,
    cases: usize,
    failed: Vec<Failed>,
}

fn check(args: &CheckArgs) -> Result<Status, Failure> {
    let rules = match args.policy.load_on_trial() {
        Ok(rules) => rules,
        Err(Failure::Usage(errors)) if args.json => {
            let report = CheckReport {
                v: 1,
                valid: false,
                errors: errors.clone(),
                warnings: Vec::new(),
                packs: 0,
                cases: 0,
                failed: Vec::new(),
            };
            let mut out = output::records();
            output::record(&mut out, &report)?;
            out.flush()?;
            return Err(Failure::Usage(errors));
        }
        Err(failure) => return Err(failure),
    };
    let failed: Vec<Failed> = rules.policy.failing().map(Failed::of).collect();
    let warnings: Vec<String> = rules.policy.warnings.iter().map(ToString::to_string).collect();
    let mut page = output::page();
    if args.json {
        let report = CheckReport {
            v: 1,
            valid: failed.is_empty(),
            errors: Vec::new(),
            warnings,
            packs: rules.policy.packs(),
            cases: rules.policy.cases.len(),
            failed,
        };
        output::record(&mut page, &report)?;
        page.flush()?;
        return Ok(Status::findings(!report.valid));
    }
    for warning in &warnings {
        anstream::eprintln!("{YELLOW}warning{YELLOW:#}: {warning}");
    }
    write_packs(&mut page, &rules)?;
    write_failed(&mut page, &failed)?;
    write_verdict(&mut page, rules.policy.cases.len(), 0, failed.len())?;
    page.flush()?;
    Ok(Status::findings(!failed.is_empty()))
}

fn write_packs(out: &mut impl Write, rules: &Rules) -> io::Result<()> {
    let mut table = Table::new(&["pack", "version", "for", "mode", ">rules", "hash"]);
    for pack in &rules.policy.effective {
        let mode = pack.fields.iter().find(|field| field.name == "mode").map_or("", |field| &field.value);
        let place = pack
            .store
            .as_ref()
            .map_or(pack.platform.to_string(), |store| format!("{}/{store}", pack.platform));
        table.row(vec![
            Cell::text(&*pack.id),
            Cell::text(&*pack.version),
            Cell::text(place),
            Cell::text(mode),
            Cell::number(pack.rules.len() as u64),
            Cell::text(&*pack.hash).style(DIM),
        ]);
    }
    table.write(out)
}

fn write_failed(out: &mut impl Write, failed: &[Failed]) -> io::Result<()> {
    for Failed { place, pack, name, fault } in failed {
        let pack = pack.as_ref().map_or(String::new(), |pack| format!("{pack}: "));
        writeln!(out, "{RED}failed{RED:#}: {place}: {pack}{BOLD}{name}{BOLD:#}\n    {fault}")?;
    }
    Ok(())
}

fn write_verdict(out: &mut impl Write, cases: usize, timelines: usize, failed: usize) -> io::Result<()> {
    let cases = output::count(cases as u64, "inline case");
    let what = match timelines as u64 {
        0 => cases,
        n => format!("{cases} and {}", output::count(n, "timeline")),
    };
    match failed as u64 {
        0 => writeln!(out, "{GREEN}ok{GREEN:#}: {what} pass"),
        n => writeln!(out, "{RED}{}{RED:#} in {what}", output::count(n, "failure")),
    }
}

fn show(args: &ShowArgs) -> Result<Status, Failure> {
    let rules = args.policy.load_on_trial()?;
    let wanted = |pack: &&EffectivePack| args.pack.as_ref().is_none_or(|id| **id == *pack.id);
    let packs: Vec<&EffectivePack> = rules.policy.effective.iter().filter(wanted).collect();
    if packs.is_empty() {
        let known: Vec<&str> = rules.policy.effective.iter().map(|pack| &*pack.id).collect();
        let asked = args.pack.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
            "no pack \"{asked}\" is in force; expected {}",
            known.join(", ")
        )));
    }
    let shown = |id: &str| args.rule.as_ref().is_none_or(|rule| rule == id);
    if let Some(rule) = &args.rule
        && !packs.iter().any(|pack| pack.rules.iter().any(|known| *known.id == **rule))
    {
        let known: Vec<&str> =
            packs.iter().flat_map(|pack| pack.rules.iter().map(|rule| &*rule.id)).collect();
        let hint = crate::policy::nearest(rule, &known).map(|near| format!("; did you mean \"{near}\"?"));
        return Err(Failure::usage(format!("no pack has a rule \"{rule}\"{}", hint.unwrap_or_default())));
    }
    let mut page = output::page();
    for pack in packs {
        if args.json {
            output::record(&mut page, &pack_json(pack, &shown))?;
            continue;
        }
        let store = pack
            .store
            .as_ref()
            .map_or(String::new(), |store| format!(" for store {}/{store}", pack.platform));
        writeln!(page, "{BOLD}pack {} {}{BOLD:#}{store}  {DIM}{}{DIM:#}", pack.id, pack.version, pack.title)?;
        write_fields(&mut page, &pack.fields)?;
        for rule in pack.rules.iter().filter(|rule| shown(&rule.id)) {
            writeln!(page, "\n{BOLD}{}{BOLD:#}", rule.id)?;
            write_fields(&mut page, &rule.fields)?;
        }
        writeln!(page)?;
    }
    page.flush()?;
    Ok(Status::Fine)
}

fn write_fields(out: &mut impl Write, fields: &[diff::EffectiveField]) -> io::Result<()> {
    for field in fields {
        let param = field.param.as_ref().map_or(String::new(), |param| format!(" (${param})"));
        writeln!(
            out,
            "  {}: {}{param}  {DIM}# {}, {}{DIM:#}",
            field.name, field.value, field.layer, field.place
        )?;
    }
    Ok(())
}

fn pack_json(pack: &EffectivePack, shown: &impl Fn(&str) -> bool) -> serde_json::Value {
    let fields = |fields: &[diff::EffectiveField]| -> serde_json::Value {
        let field = |field: &diff::EffectiveField| {
            let value = serde_json::json!({
                "value": field.value,
                "param": field.param,
                "layer": field.layer.to_string(),
                "place": field.place.to_string(),
            });
            (field.name.clone(), value)
        };
        serde_json::Value::Object(fields.iter().map(field).collect())
    };
    let rules: Vec<serde_json::Value> = pack
        .rules
        .iter()
        .filter(|rule| shown(&rule.id))
        .map(|rule| serde_json::json!({"rule": &*rule.id, "fields": fields(&rule.fields)}))
        .collect();
    serde_json::json!({
        "v": 1,
        "pack": &*pack.id,
        "version": &*pack.version,
        "title": pack.title,
        "hash": &*pack.hash,
        "platform": &*pack.platform,
        "store": pack.store.as_deref(),
        "fields": fields(&pack.fields),
        "rules": rules,
    })
}

fn diff(args: &DiffArgs) -> Result<Status, Failure> {
    let args_of = |dir: Option<&PathBuf>| PolicyArgs { policies: dir.cloned(), ..PolicyArgs::default() };
    let load = |dir| args_of(dir).load_on_trial();
    let (old, new) = match &args.second {
        Some(second) => (load(Some(&args.first))?, load(Some(second))?),
        None => (load(None)?, load(Some(&args.first))?),
    };
    let changes = diff::diff(&old.policy.effective, &new.policy.effective);
    let mut page = output::page();
    for change in &changes {
        if args.json {
            output::record(&mut page, &change_json(change))?;
        } else {
            writeln!(page, "{change}")?;
        }
    }
    // Words are part of a policy, too: the hash of a pack covers them.
    let hashes = |rules: &Rules| -> BTreeMap<String, String> {
        rules.policy.effective.iter().map(|pack| (pack.id.to_string(), pack.hash.to_string())).collect()
    };
    if changes.is_empty() && !args.json {
        let same = hashes(&old) == hashes(&new);
        let word =
            if same { "nothing changes" } else { "no rule changes, but texts, lexicons or domain lists do" };
        writeln!(page, "{word}")?;
    }
    page.flush()?;
    Ok(Status::Fine)
}

fn change_json(change: &Change) -> serde_json::Value {
    use serde_json::json;
    match change {
        Change::PackAdded(pack) => json!({"v": 1, "change": "pack_added", "pack": &**pack}),
        Change::PackRemoved(pack) => json!({"v": 1, "change": "pack_removed", "pack": &**pack}),
        Change::RuleAdded { pack, rule } => {
            json!({"v": 1, "change": "rule_added", "pack": &**pack, "rule": &**rule})
        }
        Change::RuleRemoved { pack, rule } => {
            json!({"v": 1, "change": "rule_removed", "pack": &**pack, "rule": &**rule})
        }
        Change::Changed { pack, rule, field, old, new } => json!({
            "v": 1,
            "change": "value",
            "pack": &**pack,
            "rule": rule.as_deref(),
            "field": field,
            "old": old,
            "new": new,
        }),
    }
}
