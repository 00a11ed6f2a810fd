//! The arguments of `pin`.

use clap::Args;

use crate::snapshot::Source;

/// The accounts that are pinned, and the source of their SIDs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pin")]
pub(crate) struct PinArgs {
    /// Write nothing, and exit with 2 when there is something to pin
    #[arg(long)]
    pub(crate) check: bool,
    /// Also pin the one open account that has the name of an entry, though subaccountd did not create it: check each
    ///
    /// Needs the credentials, or --from.
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Read the created accounts from a snapshot instead of the journal: a file, - for standard input, or the address of a
    /// daemon's --status-listen
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) from: Option<Source>,
}
