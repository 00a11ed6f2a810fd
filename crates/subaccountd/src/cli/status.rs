//! The arguments of `status`.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use reqwest::Url;
use subaccountd_core::text::is_plain;

use super::settings::duration;
use crate::http::client::daemon_url;

/// The arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Show only these accounts: SIDs, or friendly names
    #[arg(value_name = "ID", conflicts_with = "wait")]
    pub(crate) ids: Vec<String>,
    /// Show only accounts with held items, and these items
    #[arg(long, conflicts_with = "wait")]
    pub(crate) held: bool,
    /// Show only accounts and held items with this reason, as in OverLimit; may be repeated, or take a list
    #[arg(long, value_name = "REASON", value_delimiter = ',', conflicts_with = "wait")]
    pub(crate) reason: Vec<String>,
    /// Show only accounts with this label, as in owner=billing; repeated, with all of them
    #[arg(long, value_name = "KEY=VALUE", value_parser = label, conflicts_with = "wait")]
    pub(crate) label: Vec<(String, String)>,
    /// The address of the daemon's --status-listen; by default that of SUBACCOUNTD_STATUS_LISTEN, else
    /// http://127.0.0.1:8081
    #[arg(long, env = "SUBACCOUNTD_URL", value_name = "URL", help_heading = "Status", value_parser = daemon_url)]
    pub(crate) url: Option<Url>,
    /// The output format: text, a table; wide, with messages, remedies and labels; json, the document of `/status`; name, the
    /// SID of each account on a line
    #[arg(short, long, default_value = "text")]
    pub(crate) output: StatusFormat,
    /// Keep running, and print each row that changes, until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    /// Wait until nothing is left to do: exit 0; 3 when something is held; 1 on faults, on a timeout, or in dry-run mode
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait for this git commit or this SHA-256 of the state, at least the first 7 digits; or for this word of a revision file
    #[arg(long, value_name = "SHA", requires = "wait", value_parser = revision)]
    pub(crate) revision: Option<String>,
    /// The longest time to wait
    #[arg(long, value_name = "DUR", requires = "wait", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    Text,
    Wide,
    Json,
    Name,
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or_else(|| "write KEY=VALUE, as in owner=billing".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

fn revision(text: &str) -> Result<String, String> {
    let is_hex = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_one = if is_hex {
        (7..=64).contains(&text.len())
    } else {
        (1..=200).contains(&text.chars().count()) && text.chars().all(|c| is_plain(c) && !c.is_whitespace())
    };
    is_one.then(|| text.to_owned()).ok_or_else(|| {
        "write 7 to 64 hexadecimal digits, as `git rev-parse HEAD` prints them, or the whole word of a revision file"
            .to_owned()
    })
}
