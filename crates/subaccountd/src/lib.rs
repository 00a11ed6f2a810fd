//! The program `subaccountd`: it reconciles the subaccounts of one Twilio main account with a desired state in YAML.
//!
//! The binary calls [`main`], and `cargo xtask guide` calls [`command`]; the rest is private.

mod cli;
mod clock;
mod commands;
mod daemon;
mod desired;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod journal;
mod output;
mod process;
mod reconcile;
#[cfg(feature = "simulation")]
pub mod simulation;
mod snapshot;
mod telemetry;
mod version;

use std::{io, process::ExitCode};

use clap::CommandFactory;
use subaccountd_core::text::sanitize;

use crate::{
    commands::Exit,
    output::{printed::Printed, standard_error, terminal},
};

/// The command line, with every command and setting.
pub fn command() -> clap::Command {
    cli::Cli::command()
}

/// Carries out the command line of the process, and gives the code it exits with.
pub fn main() -> ExitCode {
    process::harden();
    let exit = carry_out();
    standard_error::drain();
    exit.into()
}

fn carry_out() -> Exit {
    cli::color_without_parsing().choose();
    let (cli, explicit_flags) = match cli::parse() {
        Ok(parsed) => parsed,
        Err(error) => return print_usage(&error),
    };
    cli.output.color.choose();
    match on_runtime(check_and_carry_out(cli, &explicit_flags)) {
        Ok(exit) => exit,
        Err((exit, error)) => {
            print_failure(&error);
            exit
        }
    }
}

fn print_failure(error: &anyhow::Error) {
    // A reader that went away needs no words.
    if !error.is::<commands::OutputClosed>() {
        let words: Vec<_> = error.chain().map(ToString::to_string).collect();
        print_error(&words.join(": "));
    }
}

/// Runs `command` to its end, and waits for nothing else: a call into a file system that hangs never returns.
fn on_runtime(
    command: impl Future<Output = Result<Exit, (Exit, anyhow::Error)>>,
) -> Result<Exit, (Exit, anyhow::Error)> {
    // One thread: a connection that another one served would wake this one for every answer.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| (Exit::Failed, anyhow::Error::from(error).context("no runtime")))?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

async fn check_and_carry_out(
    cli: cli::Cli,
    explicit_flags: &cli::ExplicitFlags,
) -> Result<Exit, (Exit, anyhow::Error)> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    if let Some(unknown) = cli::settings::unknown_variable(&command(), names) {
        let meant = unknown.meant.map_or_else(
            || "check its spelling, or unset it".to_owned(),
            |meant| format!("did you mean `{meant}`? Correct it, or unset it"),
        );
        let error = anyhow::anyhow!("{} is not a setting: {meant} (see --help)", unknown.name);
        return Err((Exit::Usage, error));
    }
    telemetry::start(&cli.logging).map_err(|error| (Exit::Usage, error))?;
    Box::pin(commands::dispatch(cli.command, explicit_flags)).await.map_err(|error| {
        let exit = if error.is::<cli::settings::SettingsError>() { Exit::Usage } else { Exit::Failed };
        (exit, error)
    })
}

fn print_error(words: &str) {
    // The words may quote a file or an answer.
    let lines: Vec<_> = words.lines().map(sanitize).collect();
    commands::eprint(&format!("subaccountd: {}\n", lines.join("\n")));
}

/// Prints help, or an error of the command line, which may quote a word of it.
fn print_usage(error: &clap::Error) -> Exit {
    let words = error.render();
    let text = |in_colour| if in_colour { words.ansi().to_string() } else { words.to_string() };
    if error.use_stderr() {
        commands::eprint(&text(terminal::colour(&io::stderr())));
        return Exit::Usage;
    }
    match commands::print(&Printed::own(text(terminal::colour(&io::stdout())))) {
        Ok(()) => Exit::Done,
        Err(error) => {
            print_failure(&error);
            Exit::Failed
        }
    }
}
