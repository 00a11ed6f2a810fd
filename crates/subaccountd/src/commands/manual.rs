//! `manual`: the manual pages, one for the program and one for each command.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use super::Exit;
use crate::cli::Cli;

pub(super) fn manual(dir: &Path) -> anyhow::Result<Exit> {
    clap_mangen::generate_to(Cli::command(), dir)
        .with_context(|| format!("cannot write manual pages to {}", dir.display()))?;
    Ok(Exit::Done)
}
