//! The command line.

pub(crate) mod settings;

use std::{collections::BTreeSet, path::PathBuf, str::FromStr};

use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, parser::ValueSource,
};
use clap_complete::Shell;

use jiff::SignedDuration;
use reqwest::Url;
use subaccountd_core::{AccountSid, NumberSid, PhoneNumber, Status, manifest::DiagnosticCode};

use crate::{
    cli::settings::{
        ConnectionArgs, DaemonArgs, DryRunArgs, GuardrailArgs, JournalArgs, LoggingArgs, ReconcileArgs,
        account_sid, duration,
    },
    http::client::daemon_url,
    snapshot::Source,
};

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
    pub(crate) logging: LoggingArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The daemon: watch the state, reconcile, serve probes, metrics and the status
    Run {
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
        #[command(flatten)]
        daemon: DaemonArgs,
        #[command(flatten)]
        dry_run: DryRunArgs,
    },
    /// Print what `run` would do, and what it would hold and why; writes nothing, neither to Twilio nor to the journal
    Plan {
        /// The format: text for a terminal, markdown for a pull request, json for programs
        #[arg(short, long, default_value = "text")]
        output: PlanFormat,
        /// Exit with 2 when changes are pending
        #[arg(long)]
        detailed_exitcode: bool,
        /// Show only what concerns this account: what is done to it, numbers that enter or leave it, what is held
        ///
        /// The exit code is about what is shown; the digest in json stays that of the whole plan.
        #[arg(long, value_name = "SID", value_parser = account_sid)]
        only: Option<AccountSid>,
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
    },
    /// Say of one account or number what is desired, observed, planned or held, why, and what to do
    Explain {
        /// An account SID (AC…), a number's SID (PN…) or a number in E.164 (+1…)
        #[arg(value_name = "ID")]
        id: Id,
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
    },
    /// Write what is at Twilio, and the history, as one document for `plan --from`; every number list is read
    ///
    /// It names customers and their numbers, and holds no secret.
    Snapshot {
        /// Write it to this file, whole or not at all; by default to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        connection: ConnectionArgs,
        #[command(flatten)]
        journal: JournalArgs,
        #[command(flatten)]
        rules: GuardrailArgs,
    },
    /// Reconcile until converged (at most 5 passes), then exit
    Apply {
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
        #[command(flatten)]
        dry_run: DryRunArgs,
    },
    /// Check desired-state files offline, or explain the code of a fault; needs no credentials
    ///
    /// All paths are read as one state, and every fault of all files is shown in one go, on standard output. Exits with
    /// 0 when there is none, with 1 on any fault, and with 64 when the command line is wrong.
    Validate {
        /// Files and directories; all of them are read as one state
        #[arg(required_unless_present = "explain", value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The format: text for a terminal, json for programs, github for annotations of a workflow
        #[arg(short, long, default_value = "text")]
        output: FaultFormat,
        /// Explain this code, as in SD014: the fault, its cost and its fix; `all` explains every code
        #[arg(long, value_name = "CODE", value_parser = explained, conflicts_with_all = ["paths", "output"])]
        explain: Option<Explained>,
    },
    /// Print the live accounts as a desired state whose plan is empty; writes nothing to Twilio
    ///
    /// This is how an existing fleet is adopted: import it, keep the file in git, and edit it from then on. Accounts
    /// come in the order of their SIDs, so that a second import differs only where the fleet does.
    #[command(after_long_help = IMPORT_EXAMPLES)]
    Import {
        #[command(flatten)]
        options: Box<ImportOptions>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Print who changed what, when, under which revision and for which reason
    Journal {
        #[command(flatten)]
        journal: JournalArgs,
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
    /// Print the status of a running daemon as a table, watch it, or wait for a revision to be applied
    ///
    /// Asks the daemon's /status over HTTP and needs no credentials. Without --wait it exits with 0 whatever it shows.
    Status(StatusArgs),
    /// Print the JSON Schema of the desired state
    Schema,
    /// Print the completions of a shell, for a file that the shell reads
    ///
    /// For bash: `subaccountd completions bash >~/.local/share/bash-completion/completions/subaccountd`. For zsh: into
    /// a file `_subaccountd` in a folder of `$fpath`. For fish: into
    /// `~/.config/fish/completions/subaccountd.fish`.
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages into a folder, for who packs the program
    #[command(hide = true)]
    Manual {
        /// The folder; it must exist
        dir: PathBuf,
    },
    /// Ask a running daemon whether it lives or is ready; exit 0 or 1
    Probe {
        /// What to ask for
        what: Probe,
        /// The address that the daemon's --listen serves
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = daemon_url)]
        url: Url,
    },
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  All active and suspended accounts, in one file:
    subaccountd import --out desired.yaml
  A folder with a file for each account, and main.yaml for the main account:
    subaccountd import --split-by account --out state/
  Later, what was created elsewhere and the state does not list yet:
    subaccountd import --missing --desired state/ --out state/new.yaml
  A few accounts to begin with, whose names must stay as they are for anything to be done to them:
    subaccountd import --name-prefix 'acme ' --check-names

What is not imported is not managed: it is never changed.";

/// The part of the fleet that is imported, and the place that it is written to.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct ImportOptions {
    /// Write to this file, or with --split-by account to this folder; standard output unless given
    #[arg(long, value_name = "PATH", required_if_eq("split_by", "account"))]
    pub(crate) out: Option<PathBuf>,
    /// none: one file; account: a file for each account, named by its SID, and main.yaml
    #[arg(long, default_value = "none")]
    pub(crate) split_by: SplitBy,
    /// Overwrite files that are there
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Only what the state at --desired does not list, to be put beside it
    #[arg(long)]
    pub(crate) missing: bool,
    /// The state that --missing compares with; it is read for nothing else
    #[arg(
        long,
        env = "SUBACCOUNTD_DESIRED",
        value_name = "PATH",
        default_value = "/etc/subaccountd/desired.yaml"
    )]
    pub(crate) desired: PathBuf,
    /// Accounts with one of these statuses; the main account's numbers count as active
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "active,suspended", value_parser = status)]
    pub(crate) status: Vec<Status>,
    /// Accounts whose friendly name begins so
    #[arg(long, value_name = "TEXT")]
    pub(crate) name_prefix: Option<String>,
    /// This account only; may be repeated, or a list
    #[arg(long, value_name = "SID", value_delimiter = ',', value_parser = account_sid)]
    pub(crate) sid: Vec<AccountSid>,
    /// all: claim every number where it is; none: leave numbers unmanaged, and do not read them
    #[arg(long, default_value = "all")]
    pub(crate) numbers: Numbers,
    /// Write names as checks: while the live name differs, nothing is done to the account but a suspension
    #[arg(long)]
    pub(crate) check_names: bool,
    /// Leave out the numbers of accounts whose list cannot be read, instead of failing
    #[arg(long)]
    pub(crate) skip_unreadable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitBy {
    None,
    Account,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Numbers {
    All,
    None,
}

fn status(word: &str) -> Result<Status, String> {
    Status::from_word(word).ok_or_else(|| "write active, suspended or closed, with commas between".to_owned())
}

/// The snapshot that is planned on instead of Twilio.
#[derive(Debug, Args)]
pub(crate) struct From {
    /// Plan on a snapshot instead of Twilio: a file, - for standard input, or the address of a daemon's --status-listen
    ///
    /// Needs no credentials and no journal: the snapshot brings its history, its time and its settings. Settings that
    /// are given here, as a flag or as a variable, take the place of those of the snapshot.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) from: Option<Source>,
}

/// The subject of `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Id {
    Account(AccountSid),
    Number(NumberSid),
    Phone(PhoneNumber),
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let account = || text.parse().ok().map(Self::Account);
        let number = || text.parse().ok().map(Self::Number);
        let phone = || text.parse().ok().map(Self::Phone);
        let other = "give an account SID (AC and 32 hexadecimal digits), a number's SID (PN…) or a number in E.164 (+…)";
        account().or_else(number).or_else(phone).ok_or_else(|| other.to_owned())
    }
}

/// The flags of the command that were given, on the command line or as a variable, by their names.
pub(crate) type ExplicitFlags = BTreeSet<String>;

/// The command line, and what of it was given.
pub(crate) fn parse() -> Result<(Cli, ExplicitFlags), clap::Error> {
    let matches = Cli::command().try_get_matches()?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, matches.subcommand().map(|(_, matches)| explicit_flags(matches)).unwrap_or_default()))
}

fn explicit_flags(matches: &ArgMatches) -> ExplicitFlags {
    let is_given = |id: &&clap::Id| {
        matches!(matches.value_source(id.as_str()), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    matches.ids().filter(is_given).map(|id| id.as_str().replace('_', "-")).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultFormat {
    Text,
    Json,
    Github,
}

/// The codes that `validate --explain` explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explained {
    One(DiagnosticCode),
    All,
}

fn explained(text: &str) -> Result<Explained, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Explained::All);
    }
    DiagnosticCode::from_text(text).map(Explained::One).ok_or_else(|| {
        let hint =
            DiagnosticCode::near(text).map_or_else(String::new, |code| format!("did you mean {code}? "));
        let [first, .., last] = DiagnosticCode::ALL else { return hint };
        format!("{hint}codes go from {first} to {last}; `all` explains every one")
    })
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

/// The arguments of `status`, which asks a running daemon.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The address that the daemon's --status-listen serves
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081", value_parser = daemon_url)]
    pub(crate) url: Url,
    /// The format: text, a table; wide, with messages, remedies and labels; json, the document of /status as it is
    #[arg(short, long, default_value = "text")]
    pub(crate) output: StatusFormat,
    /// Go on, and print each row again that changes, until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    /// Wait until nothing is left to do: exit 0; 3 when something is held; 1 on faults, in a dry run, or too late
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait for this git commit, or this SHA-256 of the state: at least its first 7 digits
    #[arg(long, value_name = "SHA", requires = "wait", value_parser = revision)]
    pub(crate) revision: Option<String>,
    /// How long to wait
    #[arg(long, value_name = "DUR", requires = "wait", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    Text,
    Wide,
    Json,
}

fn revision(text: &str) -> Result<String, String> {
    let is_one = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_one
        .then(|| text.to_owned())
        .ok_or_else(|| "write 7 to 64 hexadecimal digits, as `git rev-parse HEAD` prints them".to_owned())
}
