//! The command line: one file per subcommand.
//!
//! Exit codes: 0 fine; 1 findings, or over budget; 2 usage or configuration; 3 runtime failure. A reader of standard
//! output that goes away ends the program quietly.

mod alertmanager_config;
mod backtest;
mod config;
mod corpus;
mod dead_letters;
mod demo;
mod failure;
mod findings;
mod init;
mod input;
mod lint;
mod output;
mod policy;
mod replay;
mod rules;
mod run;
mod schema;
mod score;
mod summary;
mod table;
mod timelines;
mod topics;
mod underline;

use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use failure::{Failure, Status};

/// Judges seller-to-buyer messages on Ozon, Wildberries and Yandex Market.
#[derive(Debug, Parser)]
#[command(
    name = "contactwatch",
    version,
    about = "Judges what sellers write to buyers on Ozon, Wildberries and Yandex Market, and says why.",
    long_about = "Judges what sellers write to buyers on Ozon, Wildberries and Yandex Market, and says why.\n\n\
        Every seller message is held against the policy pack of its platform, with the history of its conversation \
        and order at hand. A verdict is clean, review or violation; its findings cite the clause and the exact words. \
        The policies are shipped inside the program: every command works without any file.",
    after_help = "Examples:\n  \
        contactwatch demo                                    the whole system, without any Kafka\n  \
        contactwatch lint \"Дарим скидку 10 % за отзыв!\"      will this text pass?\n  \
        contactwatch score history.ndjson > verdicts.ndjson  judge a history\n  \
        contactwatch score --summary history.ndjson          the same, as a table for people\n  \
        contactwatch init ./policies                         write the policies out, to edit them\n\n\
        Exit codes: 0 fine; 1 findings, or over budget; 2 usage or configuration; 3 runtime failure.",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 110
)]
struct Cli {
    /// Colours in what people read
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 1000)]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Topics(topics::Args),
    DeadLetters(dead_letters::Args),
    AlertmanagerConfig(alertmanager_config::Args),
    Score(score::Args),
    Lint(lint::Args),
    Backtest(backtest::Args),
    Replay(replay::Args),
    Init(init::Args),
    Policy(policy::Args),
    Config(config::Args),
    Schema(schema::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    // Usage errors, help and version end the process here: 2, 0 and 0.
    let cli = Cli::parse();
    match cli.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    let result = match &cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Run(args) => run::run(args),
        Command::Topics(args) => topics::run(args),
        Command::DeadLetters(args) => dead_letters::run(args),
        Command::AlertmanagerConfig(args) => alertmanager_config::run(args),
        Command::Score(args) => score::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Backtest(args) => backtest::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Init(args) => init::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Config(args) => config::run(args),
        Command::Schema(args) => schema::run(args),
    };
    match result {
        Ok(status) => ExitCode::from(status.code()),
        Err(failure) => ExitCode::from(failure.report()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
