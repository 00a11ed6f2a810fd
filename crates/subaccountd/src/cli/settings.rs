//! Settings: each is a flag and an environment variable, checked before anything else happens.

mod daemon_address;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod journal;
mod region;
mod values;
mod variables;
mod words;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use secrecy::SecretString;
use subaccountd_core::{AccountSid, ActionKind, Guardrails, Limit, Limits, Policy, Reactivation};
use subaccountd_twilio::{BadUrl, Client, Config, ConfigError, Retry, Telemetry, TokenSource};

use crate::http::access::Access;
pub(crate) use daemon_address::{AddressError, Listener};
pub(crate) use journal::{JournalArgs, JournalDir};
use region::RegionError;
pub(crate) use values::{account_sid, duration, listed};
use values::{address, address_or_none, boolean, in_flight, limit, log_filter, positive};
use variables::{NotText, missing_hint};
pub(crate) use variables::{Prepared, explain, prepare, unknown_variable, variable};
pub(crate) use words::FlagValues;

/// The desired state, the connection to Twilio, the journal, and the rules for changes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fleet")]
pub(crate) struct ReconcileArgs {
    /// The desired state: a file, or a directory of *.yaml and *.yml files; `-` is standard input, except in `run`
    #[arg(
        long,
        env = "SUBACCOUNTD_DESIRED",
        value_name = "PATH",
        default_value = "/etc/subaccountd/desired.yaml"
    )]
    pub(crate) desired: PathBuf,
    /// A file whose first word is the revision of the state, where no link of git-sync names it
    #[arg(long, env = "SUBACCOUNTD_REVISION_FILE", value_name = "PATH")]
    pub(crate) revision_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    #[command(flatten)]
    pub(crate) rules: GuardrailArgs,
}

/// The main account, and the way to reach it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Twilio")]
pub(crate) struct ConnectionArgs {
    /// The SID of the main account; required
    #[arg(long, env = "TWILIO_ACCOUNT_SID", value_name = "SID", value_parser = account_sid)]
    account_sid: Option<AccountSid>,
    /// A file with the auth token, re-read when it changes; or set the token itself in TWILIO_AUTH_TOKEN
    #[arg(long, env = "TWILIO_AUTH_TOKEN_FILE", value_name = "PATH")]
    auth_token_file: Option<PathBuf>,
    /// The URL of the Twilio API, by default `https://api.twilio.com`; plain http is accepted for loopback hosts only
    ///
    /// TWILIO_REGION and TWILIO_EDGE change the default as in Twilio's SDKs: `https://api.dublin.ie1.twilio.com`. The regions
    /// ie1, au1 and jp1 have an edge of their own; any other one needs TWILIO_EDGE. An edge alone is one of us1.
    #[arg(long, env = "SUBACCOUNTD_TWILIO_URL", value_name = "URL")]
    twilio_url: Option<String>,
    /// The most requests in flight; lowered on 429, and raised again afterwards
    #[arg(long, env = "SUBACCOUNTD_MAX_IN_FLIGHT", value_name = "N", default_value = "8", value_parser = in_flight)]
    pub(crate) max_in_flight: usize,
    /// The time limit of one request; shutdown waits this long for writes in flight, and 5 s more
    ///
    /// Connecting for a write takes at most 2 s of it, so that a write is sent right after its last check.
    #[arg(long, env = "SUBACCOUNTD_REQUEST_TIMEOUT", value_name = "DUR", default_value = "30s", value_parser = positive)]
    request_timeout: SignedDuration,
}

/// The rules for changes to the fleet.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct GuardrailArgs {
    /// The action kinds that are allowed; actions of other kinds are held as NotAllowed
    ///
    /// `create` and `release` are allowed only when they are named: `default,create` adds one to the default ones.
    #[arg(
        long,
        env = "SUBACCOUNTD_VERBS",
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "reactivate,transfer,suspend,configure,endCalls,close",
        value_parser = listed::<VerbName>()
    )]
    verbs: Vec<VerbName>,
    /// The rest: the time for which an account stays suspended before it is closed; 0s skips the rest and nothing else
    ///
    /// Counts from the latest of three times: Twilio's last change of the account, the daemon's own suspension, and the
    /// first pass of the unbroken run in which the desired status is `closed` under the same terms. Time without a pass
    /// that read the state does not count when it is longer than a tenth of the rest and three intervals.
    #[arg(long, env = "SUBACCOUNTD_CLOSE_AFTER", value_name = "DUR", default_value = "72h", value_parser = duration)]
    close_after: SignedDuration,
    /// The time from an order to release a number to its release; 0s skips it and nothing else
    ///
    /// Counts from the first pass of the unbroken run in which the state gave the order on the same terms. Time without a
    /// pass does not count, as for --close-after.
    #[arg(long, env = "SUBACCOUNTD_RELEASE_AFTER", value_name = "DUR", default_value = "24h", value_parser = duration)]
    release_after: SignedDuration,
    /// The suspensions that are lifted when the desired status is active: normal, strict or always
    ///
    /// normal: all but those of accounts that were seen active under this desired status, and of accounts that are new to
    /// the journal. strict: only the daemon's own, recognized by the date that Twilio gave its write; after any later
    /// change of the account its suspension counts as external. always: all.
    #[arg(long, env = "SUBACCOUNTD_REACTIVATION", value_name = "POLICY", default_value = "normal")]
    reactivation: ReactivationName,
    /// The allowances of the desired state, which raise limits for a time: honor or ignore
    #[arg(long, env = "SUBACCOUNTD_ALLOWANCES", value_name = "POLICY", default_value = "honor")]
    allowances: AllowancesName,
    #[command(flatten)]
    budgets: BudgetArgs,
}

/// The limits within the window.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Limits, each within --budget-window; N% is of the live accounts that the state lists, or of the numbers found"
)]
struct BudgetArgs {
    /// The most reactivations; N% is of the listed live accounts, at least 5. Lifting the daemon's own suspensions is free for 7 days
    #[arg(long, env = "SUBACCOUNTD_MAX_REACTIVATIONS", value_name = "N|N%", default_value = "25%", value_parser = limit)]
    max_reactivations: Limit,
    /// The most suspensions; N% is of the listed live accounts, at least 2
    #[arg(long, env = "SUBACCOUNTD_MAX_SUSPENDS", value_name = "N|N%", default_value = "10%", value_parser = limit)]
    max_suspends: Limit,
    /// The most closes; N% is of the listed live accounts, at least 1
    #[arg(long, env = "SUBACCOUNTD_MAX_CLOSES", value_name = "N|N%", default_value = "5%", value_parser = limit)]
    max_closes: Limit,
    /// The most transfers; N% is of the numbers that the state claims or moves and that were found, at least 10
    #[arg(long, env = "SUBACCOUNTD_MAX_TRANSFERS", value_name = "N|N%", default_value = "25%", value_parser = limit)]
    max_transfers: Limit,
    /// The most accounts that are created
    #[arg(long, env = "SUBACCOUNTD_MAX_CREATES", value_name = "N", default_value = "20")]
    max_creates: usize,
    /// The most changes of numbers' settings; N% is of the numbers that the state claims and that were found, at least 10
    #[arg(long, env = "SUBACCOUNTD_MAX_CONFIGURES", value_name = "N|N%", default_value = "25%", value_parser = limit)]
    max_configures: Limit,
    /// The most numbers that closes and releases may give back to Twilio together
    #[arg(long, env = "SUBACCOUNTD_MAX_RELEASED_NUMBERS", value_name = "N", default_value = "0")]
    max_released_numbers: usize,
    /// The rolling window of all limits
    #[arg(long, env = "SUBACCOUNTD_BUDGET_WINDOW", value_name = "DUR", default_value = "24h", value_parser = positive)]
    budget_window: SignedDuration,
}

/// The choice to write nothing; for the commands that may write.
#[derive(Debug, Args)]
pub(crate) struct DryRunArgs {
    /// Report only; writes neither to Twilio nor to the journal
    #[arg(
        long,
        env = "SUBACCOUNTD_DRY_RUN",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        value_parser = boolean
    )]
    pub(crate) dry_run: bool,
}

/// The settings of the daemon: the way it runs, and what it serves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Daemon")]
pub(crate) struct DaemonArgs {
    /// The time between passes, with a jitter of ±10 %; a change of the state begins a pass at once
    ///
    /// Up to three intervals without a pass count towards the rest of --close-after, however short it is.
    #[arg(long, env = "SUBACCOUNTD_INTERVAL", value_name = "DUR", default_value = "60s", value_parser = positive)]
    interval: SignedDuration,
    /// The time for which a number list is good; 0s: each pass reads every list that the plan needs
    ///
    /// The lists of all open accounts, listed in the state or not, are read again within this time, spread over the passes.
    /// No write rests on a list that is older than its pass: what a pass would act on, and what changed, it reads first.
    #[arg(long, env = "SUBACCOUNTD_RESYNC", value_name = "DUR", default_value = "10m", value_parser = duration)]
    resync: SignedDuration,
    /// The address for probes and metrics
    #[arg(long, env = "SUBACCOUNTD_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The address for the status, which names customers; `none` turns it off; the address of --listen serves both
    #[arg(
        long,
        env = "SUBACCOUNTD_STATUS_LISTEN",
        value_name = "ADDR|none",
        default_value = "127.0.0.1:8081",
        value_parser = address_or_none
    )]
    pub(crate) status_listen: StatusListen,
    /// A file with the token that everything on the status listener then needs: as a bearer token, or as the password of any user
    ///
    /// It is read again for each request. The commands that read a status send the token in the file that the variable names.
    #[arg(long, env = "SUBACCOUNTD_STATUS_TOKEN_FILE", value_name = "PATH")]
    status_token_file: Option<PathBuf>,
    /// The host names under which the status is served without a token, beside addresses, names without a dot, and names
    /// under .svc and .svc.cluster.local
    ///
    /// A request for another host is refused with 421: a page elsewhere could read the status by rebinding its name.
    #[arg(long, env = "SUBACCOUNTD_STATUS_HOSTS", value_name = "LIST", value_delimiter = ',')]
    status_hosts: Vec<String>,
    /// A file with the address that changes are told to, by one POST of JSON after a pass with news; none unless given
    ///
    /// The address is a secret, and needs https, loopback hosts aside. It is read again for each message.
    #[arg(long, env = "SUBACCOUNTD_NOTIFY_URL_FILE", value_name = "PATH")]
    pub(crate) notify_url_file: Option<PathBuf>,
}

/// The address of the status, when it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusListen {
    Off,
    On(SocketAddr),
}

/// Logging, for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingArgs {
    /// The log format: text or json; by default text on a TTY, else json
    #[arg(long, env = "SUBACCOUNTD_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub(crate) log_format: Option<LogFormat>,
    /// The log filter, as in `info` or `subaccountd=debug,warn`
    #[arg(long, env = "SUBACCOUNTD_LOG", value_name = "FILTER", default_value = "info", global = true, value_parser = log_filter)]
    pub(crate) log: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VerbName {
    /// All those that are allowed when none is named.
    Default,
    Reactivate,
    Create,
    Transfer,
    Suspend,
    Configure,
    #[value(name = "endCalls")]
    EndCalls,
    Release,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AllowancesName {
    Honor,
    Ignore,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReactivationName {
    Normal,
    Strict,
    Always,
}

impl VerbName {
    /// The action kinds that the name stands for.
    const fn kinds(self) -> &'static [ActionKind] {
        match self {
            Self::Default => &[
                ActionKind::Reactivate,
                ActionKind::Transfer,
                ActionKind::Suspend,
                ActionKind::Configure,
                ActionKind::EndCalls,
                ActionKind::Close,
            ],
            Self::Reactivate => &[ActionKind::Reactivate],
            Self::Create => &[ActionKind::Create],
            Self::Transfer => &[ActionKind::Transfer],
            Self::Suspend => &[ActionKind::Suspend],
            Self::Configure => &[ActionKind::Configure],
            Self::EndCalls => &[ActionKind::EndCalls],
            Self::Release => &[ActionKind::Release],
            Self::Close => &[ActionKind::Close],
        }
    }
}

/// Invalid settings, found after the command line was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("main account not set: {0}give its SID with `--account-sid` or `TWILIO_ACCOUNT_SID`")]
    NoAccount(String),
    #[error("auth token not set: {0}set `TWILIO_AUTH_TOKEN`, or name a file with `--auth-token-file`")]
    NoToken(String),
    #[error(transparent)]
    NotText(#[from] NotText),
    #[error(transparent)]
    Region(#[from] RegionError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("{0}: {1}")]
    Url(&'static str, BadUrl),
    #[error(
        "journal folder not set: name one with `--journal-dir`, or keep no journal with `--journal-dir none`"
    )]
    NoJournalDir,
    #[error("{0}")]
    StatusToken(String),
    #[error("`run` reads the state again and again, and {} can be read only once: name a file or a folder", .0.display())]
    StateIsStream(PathBuf),
    #[error(transparent)]
    Client(#[from] ConfigError),
}

impl ConnectionArgs {
    /// The SID of the main account.
    pub(crate) fn account(&self) -> Result<AccountSid, SettingsError> {
        let missing = || missing_hint(&["TWILIO_ACCOUNT_SID"], &["ACCOUNT", "ACCOUNTSID", "MAIN", "SID"]);
        self.account_sid.ok_or_else(|| SettingsError::NoAccount(missing()))
    }

    /// The longest time for one request.
    pub(crate) const fn request_timeout(&self) -> Duration {
        self.request_timeout.unsigned_abs()
    }

    /// The URL of Twilio: the one that was given, or that of the region and edge of the environment.
    fn base_url(&self) -> Result<String, SettingsError> {
        match &self.twilio_url {
            Some(url) => Ok(url.clone()),
            None => {
                Ok(region::url(variable("TWILIO_REGION")?.as_deref(), variable("TWILIO_EDGE")?.as_deref())?)
            }
        }
    }

    fn token(&self) -> Result<TokenSource, SettingsError> {
        if let Some(path) = &self.auth_token_file {
            return Ok(TokenSource::File(path.clone()));
        }
        let missing = || {
            missing_hint(
                &["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FILE"],
                &["ACCOUNT", "AUTH", "AUTHTOKEN", "FILE", "TOKEN"],
            )
        };
        let token = variable("TWILIO_AUTH_TOKEN")?.ok_or_else(|| SettingsError::NoToken(missing()))?;
        Ok(TokenSource::Fixed(SecretString::from(token)))
    }

    /// The Twilio client.
    pub(crate) fn client(&self, telemetry: std::sync::Arc<dyn Telemetry>) -> Result<Client, SettingsError> {
        let config = Config {
            base_url: self.base_url()?,
            account_sid: self.account()?,
            token: self.token()?,
            request_timeout: self.request_timeout(),
            max_in_flight: self.max_in_flight,
            retry: Retry::default(),
        };
        Client::new(config, telemetry).map_err(|error| match error {
            ConfigError::Url(error) => SettingsError::Url(self.url_setting(), error),
            error => error.into(),
        })
    }

    /// The name of the setting that the URL comes from.
    fn url_setting(&self) -> &'static str {
        const VARIABLE: &str = "SUBACCOUNTD_TWILIO_URL";
        let is_variable = variable(VARIABLE).is_ok_and(|value| value.is_some() && value == self.twilio_url);
        if is_variable { VARIABLE } else { "--twilio-url" }
    }
}

impl GuardrailArgs {
    /// The guardrails of these rules: the policy and the limits.
    pub(crate) fn guardrails(&self) -> Guardrails {
        Guardrails { policy: self.policy(), limits: self.limits() }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            verbs: self.verbs.iter().flat_map(|name| name.kinds()).copied().collect(),
            close_after: self.close_after,
            release_after: self.release_after,
            reactivation: match self.reactivation {
                ReactivationName::Normal => Reactivation::Normal,
                ReactivationName::Strict => Reactivation::Strict,
                ReactivationName::Always => Reactivation::Always,
            },
            window: self.budgets.budget_window,
            honors_allowances: self.allowances == AllowancesName::Honor,
            ..Policy::default()
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let budgets = &self.budgets;
        let verbs = [
            (ActionKind::Reactivate, budgets.max_reactivations),
            (ActionKind::Create, Limit::Count(budgets.max_creates)),
            (ActionKind::Transfer, budgets.max_transfers),
            (ActionKind::Suspend, budgets.max_suspends),
            (ActionKind::Configure, budgets.max_configures),
            (ActionKind::Close, budgets.max_closes),
        ];
        Limits {
            verbs: verbs.into(),
            released_numbers: budgets.max_released_numbers,
            window: budgets.budget_window,
        }
    }
}

impl DaemonArgs {
    /// The rule by which the status is served.
    pub(crate) fn access(&self) -> Result<Access, SettingsError> {
        let hosts: Vec<_> = self.status_hosts.iter().map(|host| host.trim().to_owned()).collect();
        Access::new(self.status_token_file.as_deref(), &hosts).map_err(SettingsError::StatusToken)
    }

    pub(crate) const fn interval(&self) -> Duration {
        self.interval.unsigned_abs()
    }

    /// The time for which a number list is good; `None` when it is good for one pass only.
    pub(crate) fn resync(&self) -> Option<SignedDuration> {
        (!self.resync.is_zero()).then_some(self.resync)
    }
}
