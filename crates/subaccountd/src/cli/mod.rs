//! The command line.

mod explain;
pub(crate) mod pin;
pub(crate) mod settings;
mod status;

use std::{collections::BTreeSet, path::PathBuf};

use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, parser::ValueSource,
};
use clap_complete::Shell;

use jiff::SignedDuration;
use reqwest::Url;
use subaccountd_core::{AccountSid, Status, manifest::DiagnosticCode, text::is_plain};
use subaccountd_twilio::trimmed;

pub(crate) use explain::{ExplainFormat, ID_FORMS, Id};
pub(crate) use status::{StatusArgs, StatusFormat};

use crate::{
    cli::{
        pin::PinArgs,
        settings::{
            ConnectionArgs, DaemonArgs, DryRunArgs, GuardrailArgs, JournalArgs, LoggingArgs, Prepared,
            ReconcileArgs, account_sid, duration, explain, prepare, variable,
        },
    },
    http::client::daemon_url,
    journal::MAX_REASON,
    output::terminal::Color,
    snapshot::Source,
};

/// Reconciles the subaccounts of one Twilio main account with a desired state in YAML
///
/// subaccountd reads the desired status of each subaccount and the owner of each phone number, compares both with
/// Twilio, and reactivates, suspends and closes accounts and transfers numbers until the two agree. A change that it
/// does not make is held, with a reason and a remedy.
#[derive(Debug, Parser)]
#[command(
    name = "subaccountd",
    version,
    after_help = "Every setting is a flag and an environment variable; the flag wins. Exit codes: 0 done, \
    1 failed, 2 changes are pending (plan --detailed-exitcode), 3 something is held, 64 wrong usage."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) logging: LoggingArgs,
}

/// The look of output, for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Colours in output, log and diagnostics: auto, always or never; auto colours terminals
    ///
    /// With auto, NO_COLOR and TERM=dumb turn colours off, and CLICOLOR_FORCE turns them on.
    #[arg(long, env = "SUBACCOUNTD_COLOR", value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: watch the desired state, reconcile, and serve probes, metrics and the status
    Run {
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
        #[command(flatten)]
        daemon: DaemonArgs,
        #[command(flatten)]
        dry_run: DryRunArgs,
    },
    /// Print the changes that `run` would make or hold, and why; writes neither to Twilio nor to the journal
    Plan {
        /// The output format: text for a terminal, markdown for a pull request, json for programs
        #[arg(short, long, default_value = "text")]
        output: PlanFormat,
        /// Exit with 2 when changes are pending
        #[arg(long)]
        detailed_exitcode: bool,
        /// Show only this account: its actions, the numbers that enter or leave it, and its held items
        ///
        /// The exit code refers to the part that is shown. The digest in json is that of the whole plan.
        #[arg(long, value_name = "SID", value_parser = account_sid)]
        only: Option<AccountSid>,
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
    },
    /// Explain one account or phone number: what is desired, observed, planned and held, why, and the remedy
    Explain {
        /// An account SID (AC…), the friendly name of one account, a number SID (PN…) or a phone number in E.164 (+1…)
        #[arg(value_name = "ID")]
        id: Id,
        /// The output format: text for a terminal, json for programs
        #[arg(short, long, default_value = "text")]
        output: ExplainFormat,
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        fleet: Box<ReconcileArgs>,
    },
    /// Write the accounts and numbers at Twilio, and the history, as one document for `plan --from`
    ///
    /// Reads the number list of every open account. The document names customers and their numbers, and holds no
    /// secret.
    Snapshot {
        /// The file to write, whole or not at all; standard output unless given
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
    /// Check desired-state files offline, or explain a fault code; needs no credentials
    ///
    /// All paths are read as one state, and the faults of all files are shown together, on standard output. The exit
    /// code is 0 without a fault, 1 with any fault, and 64 for a wrong command line.
    Validate {
        /// Files and directories, read as one state
        #[arg(required_unless_present = "explain", value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The output format: text for a terminal, json for programs, github for workflow annotations
        #[arg(short, long, default_value = "text")]
        output: FaultFormat,
        /// Explain a fault code such as SD014: the fault, its effect and its fix; `all` explains every code
        #[arg(long, value_name = "CODE", value_parser = explained, conflicts_with_all = ["paths", "output"])]
        explain: Option<Explained>,
    },
    /// Print the live accounts as a desired state whose plan is empty; writes nothing to Twilio
    ///
    /// To adopt an existing fleet, import it, keep the file in git, and edit the file from then on. Accounts are in the
    /// order of their SIDs, so that a second import differs only where the fleet changed.
    #[command(after_long_help = IMPORT_EXAMPLES)]
    Import {
        #[command(flatten)]
        options: Box<ImportOptions>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Write the SIDs of created accounts into the entries that have none; writes nothing to Twilio
    ///
    /// The SIDs come from the journal, or with --from from a daemon. Each is added as `sid:` before the `friendlyName` of
    /// its entry; comments, layout, quotes and line ends stay as they are. The edited state must mean the same, which is
    /// checked before anything is written, and a file that changed meanwhile is not written.
    Pin {
        /// Files and directories, read as one state
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        args: PinArgs,
        #[command(flatten)]
        connection: Box<ConnectionArgs>,
        #[command(flatten)]
        journal: JournalArgs,
    },
    /// Print the writes in the journal: what changed, when, under which revision and for which reason
    Journal {
        #[command(flatten)]
        journal: JournalArgs,
        /// Show only lines from within this time, as in 24h
        #[arg(long, value_name = "DUR", value_parser = duration)]
        since: Option<SignedDuration>,
        /// Show only lines about this account
        #[arg(long, value_name = "SID", value_parser = account_sid)]
        account: Option<AccountSid>,
        /// The output format: text, one line for each write; json, every line as it is stored
        #[arg(short, long, default_value = "text")]
        output: JournalFormat,
    },
    /// Print the status of a running daemon as a table, watch it, or wait for a revision to be applied
    ///
    /// Reads `/status` of the daemon over HTTP; needs no credentials. Accounts that need a person come first. Of a large fleet
    /// the default format leaves out what is in sync; IDs, filters and the other formats leave out nothing. Without --wait the
    /// exit code is 0, whatever the status is.
    Status(StatusArgs),
    /// Stop all writes of the daemon on this journal, at once and until `unfreeze`
    ///
    /// Leaves a mark in the journal's folder, which the daemon looks at right before each write, also after a restart; a
    /// request that has begun is not taken back. Needs no credentials and no running daemon. In a container, run it there:
    /// `kubectl exec deploy/subaccountd -- subaccountd freeze --reason '…'`.
    Freeze {
        /// The reason, which every held item, the status page and the log show
        #[arg(long, value_name = "TEXT", value_parser = freeze_reason)]
        reason: String,
        #[command(flatten)]
        journal: JournalArgs,
    },
    /// Resume the writes of the daemon on this journal
    Unfreeze {
        #[command(flatten)]
        journal: JournalArgs,
    },
    /// Print the JSON Schema of the desired state
    Schema,
    /// Print the completion script of a shell
    ///
    /// For bash: `subaccountd completions bash >~/.local/share/bash-completion/completions/subaccountd`. For zsh: write
    /// to a file `_subaccountd` in a folder of `$fpath`. For fish: write to
    /// `~/.config/fish/completions/subaccountd.fish`.
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Check that a running daemon is live or ready; exits with 0 or 1
    Probe {
        /// The probe
        what: Probe,
        /// The address of the daemon's --listen; by default that of SUBACCOUNTD_LISTEN, else http://127.0.0.1:8080
        #[arg(long, env = "SUBACCOUNTD_URL", value_name = "URL", help_heading = "Probe", value_parser = daemon_url)]
        url: Option<Url>,
    },
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  All active and suspended accounts, in one file:
    subaccountd import --out desired.yaml
  A folder with a file for each account, and main.yaml for the main account:
    subaccountd import --split-by account --out state/
  Later, the accounts that the state does not list yet:
    subaccountd import --missing --desired state/ --out state/new.yaml
  Only some accounts, each with its present name as a check:
    subaccountd import --name-prefix 'acme ' --check-names

Accounts that are not imported are not managed: their status never changes.";

/// The part of the fleet that is imported, and the destination.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct ImportOptions {
    /// Write to this file, or with --split-by account to this folder; standard output unless given
    #[arg(long, value_name = "PATH", required_if_eq("split_by", "account"))]
    pub(crate) out: Option<PathBuf>,
    /// none: one file; account: a file for each account, named after its SID, and main.yaml
    #[arg(long, default_value = "none")]
    pub(crate) split_by: SplitBy,
    /// Overwrite existing files
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Import only what the state at --desired does not list, for a file beside it
    #[arg(long)]
    pub(crate) missing: bool,
    /// The state that --missing compares with; ignored without --missing
    #[arg(
        long,
        env = "SUBACCOUNTD_DESIRED",
        value_name = "PATH",
        default_value = "/etc/subaccountd/desired.yaml"
    )]
    pub(crate) desired: PathBuf,
    /// Import only accounts with one of these statuses; the main account's numbers count as active
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "active,suspended", value_parser = status)]
    pub(crate) status: Vec<Status>,
    /// Import only accounts whose friendly name begins with this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) name_prefix: Option<String>,
    /// Import only this account; may be repeated, or take a list
    #[arg(long, value_name = "SID", value_delimiter = ',', value_parser = account_sid)]
    pub(crate) sid: Vec<AccountSid>,
    /// all: claim every number for its present owner; none: leave numbers unmanaged, and do not read them
    #[arg(long, default_value = "all")]
    pub(crate) numbers: Numbers,
    /// Write the settings of each number that are not Twilio's defaults; URLs with user information or a query are left out
    ///
    /// The state then keeps these settings: what others change is changed back.
    #[arg(long)]
    pub(crate) number_settings: bool,
    /// Write friendly names as checks: while the live name differs, only a suspension can change the account
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
    Status::from_word(trimmed(word))
        .ok_or_else(|| "write active, suspended or closed, separated by commas".to_owned())
}

/// The reason of a freeze: one line of text.
fn freeze_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say why, for whoever finds it frozen".to_owned());
    }
    if text.chars().count() > MAX_REASON {
        return Err(format!("write at most {MAX_REASON} characters"));
    }
    if text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write one line of plain text".to_owned())
    }
}

/// The snapshot that is planned on instead of Twilio.
#[derive(Debug, Args)]
pub(crate) struct From {
    /// Plan on a snapshot instead of Twilio: a file, - for standard input, or the address of a daemon's --status-listen
    ///
    /// Needs no credentials and no journal: the snapshot has its own history, time and settings. A setting that is given
    /// here, as a flag or as a variable, overrides that of the snapshot.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) from: Option<Source>,
}

/// The flags of the command that were given, on the command line or as a variable, by their names.
pub(crate) type ExplicitFlags = BTreeSet<String>;

/// The command line, and the flags that were given.
pub(crate) fn parse() -> Result<(Cli, ExplicitFlags), clap::Error> {
    let given: Vec<_> = std::env::args_os().collect();
    let Prepared { command, args } = prepare(Cli::command(), given.clone())?;
    let matches = command.try_get_matches_from(args);
    let matches = matches.map_err(|error| explain(error, &Cli::command(), &given))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, matches.subcommand().map(|(_, matches)| explicit_flags(matches)).unwrap_or_default()))
}

/// The choice of colours for help and for an error of the command line, which leave nothing parsed.
pub(crate) fn color_without_parsing() -> Color {
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.take_while(|arg| arg != "--").collect();
    let given = args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix("--color")? {
        "" => args.get(at + 1).cloned(),
        rest => rest.strip_prefix('=').map(str::to_owned),
    });
    let value = given.or_else(|| variable("SUBACCOUNTD_COLOR").ok().flatten());
    value.and_then(|value| Color::from_str(&value, false).ok()).unwrap_or(Color::Auto)
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
