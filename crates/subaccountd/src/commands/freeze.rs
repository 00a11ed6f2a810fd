//! `freeze` and `unfreeze`: the mark that stops all writes of a daemon, set and taken away.

use std::path::Path;

use anyhow::Context;

use super::{Exit, eprint, print};
use crate::{
    cli::settings::{JournalArgs, JournalDir},
    journal::{FreezeMark, JOURNAL},
    output::printed::Printed,
};

pub(super) fn freeze(reason: &str, journal: &JournalArgs) -> anyhow::Result<Exit> {
    let dir = folder(journal)?;
    let mark = FreezeMark::new(&dir);
    let before = mark.read();
    mark.set(reason)
        .with_context(|| format!("freeze failed: {} cannot be written", mark.path().display()))?;
    if !dir.join(JOURNAL).exists() {
        eprint(&format!(
            "warning: there is no journal in {} yet: check that it is the folder of the daemon\n",
            dir.display()
        ));
    }
    let replaced = before.map_or_else(String::new, |freeze| format!("; replaced: {freeze}"));
    print(&Printed::text(&format!(
        "frozen by {}: no write begins any more, and a request that has begun ends{replaced}\n",
        mark.path().display()
    )))?;
    Ok(Exit::Done)
}

pub(super) fn unfreeze(journal: &JournalArgs) -> anyhow::Result<Exit> {
    let dir = folder(journal)?;
    let mark = FreezeMark::new(&dir);
    let before = mark.read();
    let was_set = mark
        .remove()
        .with_context(|| format!("unfreeze failed: {} cannot be removed", mark.path().display()))?;
    let words = match before {
        Some(freeze) if was_set => format!("no longer {freeze}"),
        Some(_) | None => format!("not frozen: there is no mark in {}", dir.display()),
    };
    print(&Printed::text(&format!("{words}\n")))?;
    Ok(Exit::Done)
}

/// The folder of the mark, which must exist: a mark in another folder would stop nothing.
fn folder(journal: &JournalArgs) -> anyhow::Result<Box<Path>> {
    let JournalDir::Dir(dir) = journal.dir()? else {
        anyhow::bail!(
            "a daemon with `--journal-dir none` has no folder for the mark, and cannot be frozen: set `paused: true` in \
             the state, or stop it"
        );
    };
    anyhow::ensure!(
        dir.is_dir(),
        "journal folder {} does not exist: name the one of the daemon with `--journal-dir` (`SUBACCOUNTD_JOURNAL_DIR`)",
        dir.display()
    );
    Ok(dir.into())
}
