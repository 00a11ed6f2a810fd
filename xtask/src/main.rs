//! Makes the files of this repository that are generated, and checks that they are up to date.
//!
//! `cargo xtask` lists its tasks. The tests of this crate check every generated file, and every command line that a
//! document shows.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a task panics on an unexpected input"
)]

#[cfg(test)]
mod command_lines;
mod guide;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use subaccountd_core::manifest::schema::json_schema;

/// Makes the files of this repository that are generated.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// Change nothing; fail when a file is not up to date.
    #[arg(long, global = true)]
    check: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Task {
    /// The pages of the guide that come from the schema, the command line and the fault codes.
    Guide,
    /// The JSON Schema of the desired state.
    Schema,
}

impl Task {
    /// The files, relative to the root of the repository, and their contents.
    fn files(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Guide => guide::pages(),
            Self::Schema => vec![("config/schema/desired-state.v1.schema.json", json_schema())],
        }
    }

    fn run(self, check: bool) -> anyhow::Result<()> {
        for (name, made) in self.files() {
            let path = root().join(name);
            if check {
                let kept = fs::read_to_string(&path).with_context(|| name.to_owned())?;
                ensure!(kept == made, "{name} is not up to date: run `make guide schema`");
            } else {
                fs::write(&path, made).with_context(|| name.to_owned())?;
            }
        }
        Ok(())
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    cli.task.run(cli.check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_up_to_date() {
        for task in [Task::Guide, Task::Schema] {
            task.run(true).unwrap();
        }
    }
}
