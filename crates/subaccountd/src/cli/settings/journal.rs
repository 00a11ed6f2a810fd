//! The place of the journal.

use std::path::PathBuf;

use clap::Args;

use super::SettingsError;

/// The folder of the journal.
#[derive(Debug, Args)]
#[command(next_help_heading = "Journal")]
pub(crate) struct JournalArgs {
    /// The folder of the journal, or `none` to keep the history in memory only
    ///
    /// Only one daemon can write a journal: it locks the file. By default $STATE_DIRECTORY, else /var/lib/subaccountd for
    /// root, else $XDG_STATE_HOME/subaccountd.
    #[arg(long, env = "SUBACCOUNTD_JOURNAL_DIR", value_name = "DIR|none")]
    journal_dir: Option<PathBuf>,
}

/// The place of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JournalDir {
    /// In memory.
    None,
    /// In this folder.
    Dir(PathBuf),
}

impl JournalArgs {
    /// The place of the journal.
    pub(crate) fn dir(&self) -> Result<JournalDir, SettingsError> {
        match &self.journal_dir {
            Some(dir) if dir.as_os_str() == "none" => Ok(JournalDir::None),
            Some(dir) => Ok(JournalDir::Dir(dir.clone())),
            None => default_journal_dir().map(JournalDir::Dir).ok_or(SettingsError::NoJournalDir),
        }
    }
}

fn default_journal_dir() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd separates several folders by colons; the first is ours.
    let first = |dirs: PathBuf| dirs.to_str().and_then(|dirs| dirs.split(':').next()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    variable("STATE_DIRECTORY")
        .and_then(first)
        .or_else(|| rustix::process::geteuid().is_root().then(|| PathBuf::from("/var/lib/subaccountd")))
        .or_else(|| variable("XDG_STATE_HOME").or_else(home).map(|state| state.join("subaccountd")))
}
