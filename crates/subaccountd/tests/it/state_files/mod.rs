//! The state that people write, and that tools write for them: hostile, odd, linked, piped, encrypted or mounted.

mod counts;
mod hostile;
mod links;
mod names;
mod streams;

use std::{fs, path::Path, process::Command};

use crate::support::{bare, state};

/// `validate` with these arguments in `folder`.
fn validate(folder: &Path, args: &[&str]) -> Command {
    let mut command = bare(&[&["validate"], args].concat());
    command.current_dir(folder);
    command
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// A valid state without accounts.
fn valid() -> String {
    state("  []\n")
}
