//! A patch: one planted bug, as a file of the folder `xtask/planted`.
//!
//! Its first line says what the bug is, the second which invariant it breaks, and the rest is a unified diff.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

/// One planted bug.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Patch {
    /// Its number and words: the name of its file.
    pub(crate) name: String,
    /// The bug, in one sentence.
    pub(crate) what: String,
    /// The invariant that it breaks.
    pub(crate) breaks: String,
    path: PathBuf,
    diff: String,
}

impl Patch {
    /// All patches, by number.
    pub(crate) fn all() -> anyhow::Result<Vec<Self>> {
        let folder = crate::root().join("xtask/planted").canonicalize()?;
        let files = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut patches = Vec::new();
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "patch") {
                patches.push(Self::read(&path).with_context(|| path.display().to_string())?);
            }
        }
        patches.sort();
        Ok(patches)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)?;
        let (head, diff) =
            text.split_once("\n\n").context("the first lines need an empty line after them")?;
        let (what, breaks) = head.split_once("\nBreaks: ").context("the second line must be `Breaks: …`")?;
        ensure!(!what.contains('\n'), "the first line must say what the bug is");
        ensure!(diff.starts_with("diff --git "), "no diff follows the first lines");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (what, breaks, diff) = (what.to_owned(), breaks.to_owned(), diff.to_owned());
        Ok(Self { name, what, breaks, path: path.to_owned(), diff })
    }

    /// Its number, by which it is chosen.
    pub(crate) fn number(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Returns true when `word` is its number or a part of its name.
    pub(crate) fn is_named(&self, word: &str) -> bool {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            self.number().trim_start_matches('0') == word.trim_start_matches('0')
        } else {
            self.name.contains(word)
        }
    }

    /// The folders below `crates` in which it changes something.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &str> {
        self.files().filter_map(|file| file.strip_prefix("crates/")?.split('/').next())
    }

    /// The files that it changes.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.diff.lines().filter_map(|line| line.strip_prefix("+++ b/"))
    }

    /// Checks that it applies to the tree of the user.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.apply(&crate::root(), &["--check"])
    }

    /// Applies it to the files below `root`.
    pub(crate) fn apply(&self, root: &Path, more: &[&str]) -> anyhow::Result<()> {
        let root = root.canonicalize()?;
        // Without a repository above it, git applies a patch to the folder in which it is called.
        let above = root.parent().unwrap_or(&root);
        let mut git = Command::new("git");
        git.arg("apply").args(more).arg(&self.path).current_dir(&root).env("GIT_CEILING_DIRECTORIES", above);
        let applied = git.output().context("git does not start")?;
        let words = String::from_utf8_lossy(&applied.stderr);
        ensure!(applied.status.success(), "{} does not apply: {}", self.name, words.trim());
        Ok(())
    }
}
