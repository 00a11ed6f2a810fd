//! The copy of the tree in which bugs are planted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use super::patch::Patch;

/// A copy of the tracked files, with the target folder that builds of it use.
pub(crate) struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies the tracked files as they are now. Files that are the same keep their times, so that little is built again.
    pub(crate) fn of_tree(target: &Path) -> anyhow::Result<Self> {
        let from = crate::root().canonicalize()?;
        let root = target.join("planted/tree");
        fs::create_dir_all(&root)?;
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(&from).output()?;
        ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let listed = String::from_utf8(listed.stdout)?;
        let names: Vec<&str> = listed.split_terminator('\0').collect();
        let copy = Self { root: root.canonicalize()?, target: target.canonicalize()? };
        for name in &names {
            // A tracked file may be deleted in the tree.
            if from.join(name).is_file() {
                copy.take(&from, name)?;
            } else if copy.root.join(name).exists() {
                fs::remove_file(copy.root.join(name))?;
            }
        }
        copy.remove_others(Path::new(""), &names)?;
        Ok(copy)
    }

    /// The root of the copy.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Does `work` with `patch` applied, and takes it back.
    pub(crate) fn with<T>(
        &self,
        patch: &Patch,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        patch.apply(&self.root, &[])?;
        let done = work().with_context(|| patch.name.clone());
        patch.apply(&self.root, &["--reverse"])?;
        done
    }

    fn take(&self, from: &Path, name: &str) -> anyhow::Result<()> {
        let (from, to) = (from.join(name), self.root.join(name));
        let bytes = fs::read(&from).with_context(|| name.to_owned())?;
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::copy(from, to).with_context(|| name.to_owned())?;
        Ok(())
    }

    /// Removes the source files that are not tracked: a test folder compiles what is in it.
    fn remove_others(&self, below: &Path, tracked: &[&str]) -> anyhow::Result<()> {
        for file in fs::read_dir(self.root.join(below))? {
            let name = below.join(file?.file_name());
            if self.root.join(&name).is_dir() {
                self.remove_others(&name, tracked)?;
            } else if !tracked.iter().any(|file| Path::new(file) == name) {
                fs::remove_file(self.root.join(&name))?;
            }
        }
        Ok(())
    }
}
