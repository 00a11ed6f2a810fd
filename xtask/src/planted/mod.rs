//! Planted bugs: patches that each break one guard, and the layers of tests that must notice.
//!
//! A layer that stays green on a planted bug does not test that guard; a bug that no layer notices is a hole in all of them.
//! The tree of the user is never changed: a copy of its tracked files below the target folder is.

mod build;
mod copy;
mod layer;
mod patch;
mod table;

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Args;

use copy::Copy;
use layer::{LAYERS, Layer, Verdict};
use patch::Patch;
use table::{Row, table};

/// The bugs to plant, and the layers to run.
#[derive(Debug, Args)]
pub(crate) struct PlantedArgs {
    /// Only the patches with these numbers, or with these words in their names
    #[arg(long, value_delimiter = ',', value_name = "PATCH")]
    only: Vec<String>,
    /// Only these layers
    #[arg(long, value_delimiter = ',', value_name = "LAYER", default_values_t = LAYERS.map(|layer| layer.name.to_owned()))]
    layers: Vec<String>,
    /// The most seeds of a layer that has seeds
    #[arg(long, default_value_t = 1500)]
    seeds: u64,
    /// Go on with the next patch after the first test that fails
    #[arg(long)]
    first: bool,
    /// With `--check`: compile each patch as well
    #[arg(long)]
    build: bool,
    /// Do not run the layers without a patch first
    #[arg(long)]
    trust_head: bool,
}

impl PlantedArgs {
    /// Plants each bug in turn and prints the table; with `check`, only applies the patches.
    ///
    /// # Errors
    /// A patch does not apply or does not compile, a layer is red without a patch, or no layer noticed a patch.
    pub(crate) fn run(&self, check: bool) -> anyhow::Result<()> {
        let patches = self.patches()?;
        for patch in &patches {
            patch.check()?;
        }
        let layers = self.layers()?;
        if check && !self.build {
            return Ok(());
        }
        let copy = Copy::of_tree(&target())?;
        if check {
            return patches.iter().try_for_each(|patch| copy.with(patch, || compile(&copy)));
        }
        if !self.trust_head {
            self.check_head(&layers, &copy)?;
        }
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        for patch in &patches {
            match self.plant(patch, &layers, &copy) {
                Ok(row) if row.is_noticed() => rows.push(row),
                Ok(row) => {
                    wrong.push(format!("no layer noticed {}", patch.name));
                    rows.push(row);
                }
                // The others are worth their time.
                Err(error) => wrong.push(format!("{error:#}")),
            }
        }
        table(&rows, &layers);
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    fn patches(&self) -> anyhow::Result<Vec<Patch>> {
        let mut patches = Patch::all()?;
        patches.retain(|patch| self.only.is_empty() || self.only.iter().any(|word| patch.is_named(word)));
        ensure!(!patches.is_empty(), "no patch is named {}", self.only.join(", "));
        Ok(patches)
    }

    fn layers(&self) -> anyhow::Result<Vec<&'static Layer>> {
        let of = |name: &String| LAYERS.iter().find(|layer| layer.name == name);
        if let Some(unknown) = self.layers.iter().find(|name| of(name).is_none()) {
            bail!("unknown layer `{unknown}`: use one of {}", LAYERS.map(|layer| layer.name).join(", "));
        }
        Ok(LAYERS.iter().filter(|layer| self.layers.iter().any(|name| name == layer.name)).collect())
    }

    /// Without a patch every layer must be green: otherwise it would notice everything.
    fn check_head(&self, layers: &[&'static Layer], copy: &Copy) -> anyhow::Result<()> {
        for layer in layers {
            let verdict = layer.run(copy, self.seeds, false)?;
            say(&format!("without a patch, {}: {}", layer.name, verdict.words()));
            ensure!(matches!(verdict, Verdict::Green { .. }), "`{}` is red without a patch", layer.name);
        }
        Ok(())
    }

    fn plant<'a>(&self, patch: &'a Patch, layers: &[&'static Layer], copy: &Copy) -> anyhow::Result<Row<'a>> {
        say(&format!("{}: {}", patch.name, patch.what));
        copy.with(patch, || {
            let mut verdicts = Vec::new();
            for layer in layers.iter().filter(|layer| layer.contains(patch)) {
                let verdict = layer.run(copy, self.seeds, self.first)?;
                say(&format!("  {}: {}", layer.name, verdict.words()));
                let is_red = matches!(verdict, Verdict::Red { .. });
                verdicts.push((layer.name, verdict));
                if is_red && self.first {
                    break;
                }
            }
            Ok(Row { patch, verdicts })
        })
    }
}

/// Compiles everything that a patch may change.
fn compile(copy: &Copy) -> anyhow::Result<()> {
    build::build(copy, &["check", "-p", "simulation"]).map(drop)
}

/// The target folder, which the copy shares: its dependencies are built once.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| super::root().join("target"), PathBuf::from)
}

#[expect(clippy::print_stderr, reason = "progress, for people")]
fn say(words: &str) {
    eprintln!("{words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refactoring that breaks a patch has to carry it along, or the guard that it breaks is no longer proved.
    #[test]
    fn every_patch_applies_and_says_what_it_breaks() {
        let patches = Patch::all().unwrap();
        assert!(patches.len() >= 25, "{}", patches.len());
        for patch in &patches {
            patch.check().unwrap();
        }
        let numbers: std::collections::BTreeSet<_> = patches.iter().map(Patch::number).collect();
        assert_eq!(numbers.len(), patches.len(), "two patches have the same number");
    }

    #[test]
    fn patches_change_no_test() {
        for patch in Patch::all().unwrap() {
            assert!(patch.files().all(|file| file.starts_with("crates/") && file.contains("/src/")));
            assert!(!patch.files().any(|file| file.contains("test")), "{}", patch.name);
        }
    }
}
