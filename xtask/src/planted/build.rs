//! The programs of a layer, built by cargo.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::copy::Copy;

/// A program that cargo built, and the folder of its package.
pub(crate) struct Program {
    pub(crate) executable: PathBuf,
    pub(crate) package: PathBuf,
}

/// Builds what `args` name in `copy`.
///
/// # Errors
/// It does not compile: that is a mistake of the patch, and no catch.
pub(crate) fn build(copy: &Copy, args: &[&str]) -> anyhow::Result<Vec<Program>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(args)
        .args(["--locked", "--message-format=json-diagnostic-short"])
        .current_dir(copy.root())
        .env("CARGO_TARGET_DIR", copy.target())
        .stderr(Stdio::null())
        .output()
        .context("cargo does not start")?;
    let lines = String::from_utf8_lossy(&built.stdout);
    let messages: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !built.status.success() {
        let errors = messages.iter().filter(|message| message["message"]["level"] == "error");
        let errors: Vec<_> = errors.filter_map(|error| error["message"]["rendered"].as_str()).collect();
        bail!("cargo {} does not compile:\n{}", args.join(" "), errors.concat());
    }
    let programs = messages.iter().filter_map(|message| {
        let executable = message["executable"].as_str()?.into();
        let manifest = PathBuf::from(message["manifest_path"].as_str()?);
        let is_asked_for = message["profile"]["test"] == true || args[0] == "build";
        is_asked_for.then(|| Program { executable, package: manifest.parent().unwrap_or(&manifest).into() })
    });
    Ok(programs.collect())
}
