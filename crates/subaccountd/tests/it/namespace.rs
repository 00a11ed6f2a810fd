//! The binary in user and mount namespaces of its own, in which a test may take from it what a machine can take.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// `run` after the shell `script`, as root of its namespaces.
pub(crate) fn inside(script: &str, run: &Command) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("{script} && exec \"$@\"");
    command.args(["-U", "-r", "-m", "sh", "-c", &script, "sh"]).arg(run.get_program()).args(run.get_args());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The place of `path`, as the process `pid` sees it, for this process.
pub(crate) fn path_in(pid: u32, path: &Path) -> PathBuf {
    Path::new(&format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap())
}
