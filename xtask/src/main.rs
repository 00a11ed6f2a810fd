//! Makes the files of this repository that are generated, checks that they are up to date, and plants bugs that its tests must
//! notice.
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
#[cfg(test)]
mod notices;
mod planted;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use planted::PlantedArgs;
use subaccountd_core::manifest::schema::json_schema;

/// Makes the files of this repository that are generated, and plants bugs.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// Change nothing; fail when a file is not up to date.
    #[arg(long, global = true)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// The pages of the guide that come from the schema, the command line and the fault codes.
    Guide,
    /// The JSON Schema of the desired state.
    Schema,
    /// The manual pages, one for the program and one for each command, for packagers.
    Manual {
        /// The folder; it must exist.
        dir: PathBuf,
    },
    /// Plant known bugs one by one in a copy, and show which layer of tests notices each.
    Planted(PlantedArgs),
}

impl Task {
    fn run(&self, check: bool) -> anyhow::Result<()> {
        match self {
            Self::Planted(planted) => planted.run(check),
            Self::Guide => keep(guide::pages(), check),
            Self::Schema => keep(vec![("config/schema/desired-state.v1.schema.json", json_schema())], check),
            Self::Manual { dir } => {
                ensure!(!check, "the manual pages are not kept in the repository: there is nothing to check");
                clap_mangen::generate_to(subaccountd::command(), dir)
                    .with_context(|| format!("cannot write manual pages to {}", dir.display()))
            }
        }
    }
}

/// Writes `files`, named relative to the root of the repository, or checks that they are up to date.
fn keep(files: Vec<(&'static str, String)>, check: bool) -> anyhow::Result<()> {
    for (name, made) in files {
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

    #[test]
    fn there_is_a_manual_page_for_every_command() {
        let dir = tempfile::tempdir().unwrap();
        Task::Manual { dir: dir.path().to_owned() }.run(false).unwrap();
        let page = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(page("subaccountd.1").contains("subaccountd\\-plan(1)"));
        assert!(page("subaccountd-run.1").contains("SUBACCOUNTD_INTERVAL"));
        assert!(Task::Manual { dir: "/nowhere/at/all".into() }.run(false).is_err());
        assert!(Task::Manual { dir: dir.path().to_owned() }.run(true).is_err());
    }
}
