//! `completions`: the completion script of a shell.

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Exit, print};
use crate::{cli::Cli, output::printed::Printed, version::VERSION};

pub(super) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    generate(shell, &mut visible(&Cli::command()), "subaccountd", &mut script);
    print(&Printed::own(String::from_utf8(script)?))?;
    Ok(Exit::Done)
}

/// `all` without its hidden commands, which the generators would offer.
fn visible(all: &Command) -> Command {
    Command::new("subaccountd")
        .version(VERSION)
        .args(all.get_arguments().cloned())
        .subcommands(all.get_subcommands().filter(|command| !command.is_hide_set()).cloned())
}
