//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use jiff::SignedDuration;
use subaccountd_core::AccountSid;

use crate::settings::{Daemon, DryRun, Fleet, JournalSettings, Logging, account_sid, duration};

/// Keeps the subaccounts of one Twilio main account as a YAML file says
///
/// subaccountd reads the desired state of subaccounts (their statuses, and who owns which number), compares it with
/// Twilio, and suspends, reactivates, transfers and closes until the two agree. What it does not do, it holds with a
/// reason and a remedy.
#[derive(Debug, Parser)]
#[command(
    name = "subaccountd",
    version,
    after_help = "Every setting is a flag with an environment twin. Exit codes: 0 done, \
    1 failed, 2 changes are pending (plan --detailed-exitcode), 3 something is held, 64 wrong usage."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The daemon: watch the state, reconcile, serve probes, metrics and the status
    Run {
        #[command(flatten)]
        fleet: Box<Fleet>,
        #[command(flatten)]
        daemon: Daemon,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Print what `run` would do, and what it would hold and why; writes nothing
    Plan {
        #[command(flatten)]
        fleet: Box<Fleet>,
        /// The format: text for a terminal, markdown for a pull request, json for programs
        #[arg(short, long, default_value = "text")]
        output: PlanFormat,
        /// Exit with 2 when changes are pending
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Pass until nothing is left to do, at most 5 times, then exit
    Apply {
        #[command(flatten)]
        fleet: Box<Fleet>,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Check desired-state files offline; needs no credentials
    Validate {
        /// Files and directories; all of them are read as one state
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Print who changed what, when, under which revision and for which reason
    Journal {
        #[command(flatten)]
        journal: JournalSettings,
        /// Only what happened within this time, as in 24h
        #[arg(long, value_name = "DUR", value_parser = duration)]
        since: Option<SignedDuration>,
        /// Only what concerns this account
        #[arg(long, value_name = "SID", value_parser = account_sid)]
        account: Option<AccountSid>,
        /// The format: text, a line for each write; json, every line as it is kept
        #[arg(short, long, default_value = "text")]
        output: JournalFormat,
    },
    /// Print the JSON Schema of the desired state
    Schema,
    /// Ask a running daemon whether it lives or is ready; exit 0 or 1
    Probe {
        /// What to ask for
        what: Probe,
        /// The address that the daemon's --listen serves
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        url: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probe {
    Live,
    Ready,
}
