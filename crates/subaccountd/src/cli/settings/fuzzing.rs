//! The check of `make fuzz` on settings: a command line and variables, up to the values that a command starts with. Nothing
//! is started, and no file is read.
//!
//! An input is one argument a line. A line `NAME=value` with the name of a variable takes the place of its flag: the
//! environment of the process is not changed, and clap reads both alike.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use clap::{CommandFactory, FromArgMatches};

use super::{ConnectionArgs, DaemonArgs, GuardrailArgs, JournalArgs, LoggingArgs, unknown_variable};
use crate::{
    cli::{Cli, Command, explicit_flags},
    telemetry,
};

/// Parses `input` as a command line with variables, and takes the settings from it.
///
/// # Panics
/// On a defect.
pub fn settings(input: &[u8]) {
    let mut command = Cli::command();
    command.build();
    let lines: Vec<_> = input.split(|byte| *byte == b'\n').collect();
    let names =
        lines.iter().filter_map(|line| String::from_utf8(line.split(|b| *b == b'=').next()?.to_vec()).ok());
    if let Some(unknown) = unknown_variable(&command, names) {
        // In another case it is a typo as well.
        assert!(unknown.name.to_ascii_uppercase().starts_with("SUBACCOUNTD_"), "{unknown:?}");
    }
    let arguments = lines.iter().map(|line| argument(&command, line));
    let arguments = std::iter::once(OsString::from("subaccountd")).chain(arguments);
    match command.clone().try_get_matches_from(arguments) {
        Ok(matches) => {
            if let Some((_, matches)) = matches.subcommand() {
                assert!(explicit_flags(matches).len() <= lines.len() * 2, "{:?}", explicit_flags(matches));
            }
            if let Ok(cli) = Cli::from_arg_matches(&matches) {
                check(cli);
            }
        }
        Err(error) => drop(error.to_string()),
    }
}

/// The argument that `line` is: a variable is its flag.
fn argument(command: &clap::Command, line: &[u8]) -> OsString {
    let variable = || {
        let at = line.iter().position(|byte| *byte == b'=')?;
        let name = str::from_utf8(&line[..at]).ok()?;
        let flags = command.get_subcommands().flat_map(clap::Command::get_arguments);
        let flag = flags
            .chain(command.get_arguments())
            .find(|flag| flag.get_env().is_some_and(|env| env == name))?;
        Some([b"--", flag.get_long()?.as_bytes(), &line[at..]].concat())
    };
    OsString::from_vec(variable().unwrap_or_else(|| line.to_vec()))
}

fn check(cli: Cli) {
    check_logging(&cli.logging);
    match cli.command {
        Command::Run { fleet, daemon, dry_run: _ } => {
            check_daemon(&daemon);
            check_fleet(&fleet.connection, &fleet.journal, &fleet.rules);
        }
        Command::Plan { fleet, .. } | Command::Explain { fleet, .. } | Command::Apply { fleet, .. } => {
            check_fleet(&fleet.connection, &fleet.journal, &fleet.rules);
        }
        Command::Snapshot { connection, journal, rules, .. } => check_fleet(&connection, &journal, &rules),
        Command::Import { connection, .. } => check_connection(&connection),
        Command::Pin { connection, journal, .. } => {
            check_connection(&connection);
            let _ = journal.dir();
        }
        Command::Validate { .. }
        | Command::Journal { .. }
        | Command::Status(_)
        | Command::Freeze { .. }
        | Command::Unfreeze { .. }
        | Command::Schema
        | Command::Completions { .. }
        | Command::Probe { .. } => {}
    }
}

fn check_fleet(connection: &ConnectionArgs, journal: &JournalArgs, rules: &GuardrailArgs) {
    check_connection(connection);
    let _ = journal.dir();
    let (guardrails, words) = (rules.guardrails(), rules.words());
    assert!(guardrails.limits.window.is_positive() && !guardrails.policy.close_after.is_negative());
    assert!(!guardrails.policy.release_after.is_negative());
    match GuardrailArgs::from_words(&words) {
        Ok(again) => assert_eq!(again.guardrails(), guardrails, "{words:?}"),
        Err(error) => panic!("{words:?}: {error}"),
    }
}

fn check_connection(connection: &ConnectionArgs) {
    let _ = connection.account();
    assert!((1..=1000).contains(&connection.max_in_flight) && !connection.request_timeout().is_zero());
    // The tests of that crate check it where the feature is off.
    #[cfg(feature = "fuzzing")]
    if let Ok(url) = connection.base_url() {
        subaccountd_twilio::fuzzing::origin(&url);
    }
}

fn check_daemon(daemon: &DaemonArgs) {
    assert!(!daemon.interval().is_zero());
}

fn check_logging(logging: &LoggingArgs) {
    let _ = telemetry::filter(&logging.log);
}
