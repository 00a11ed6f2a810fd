//! Links below the path of the state: who writes the state must not read the files of the machine that checks it.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{folder, valid, validate};
use crate::support::{Setup, code, entry, fleet, output, state, stderr, stdout};

const SECRET: &str = "a-line-that-only-the-runner-may-read";

/// A folder `state` with this link, beside a file and a folder with a secret.
fn linked(name: &str, target: &str) -> tempfile::TempDir {
    let secret = format!("password: {SECRET}\n");
    let dir = folder(&[
        ("state/a.yaml", &valid()),
        ("secret.yaml", &secret),
        ("runner/credentials.yaml", &secret),
        ("runner/state/b.yaml", &secret),
    ]);
    let link = dir.path().join("state").join(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(target.replace("DIR", dir.path().to_str().unwrap()), link).unwrap();
    dir
}

async fn assert_secret_is_kept(dir: &Path) {
    for output_of in ["text", "json", "github"] {
        let checked = output(validate(dir, &["state", "-o", output_of])).await;
        let shown = stdout(&checked) + &stderr(&checked);
        assert_eq!(code(&checked), 1, "{shown}");
        assert!(shown.contains("is a link that leads out") && !shown.contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn a_link_that_leads_out_is_a_fault_and_is_not_read() {
    for (name, target) in [
        ("link.yaml", "../secret.yaml"),
        ("link.yaml", "DIR/secret.yaml"),
        ("link.yml", "../runner/credentials.yaml"),
        ("more", "../runner"),
        ("deep/more", "DIR/runner"),
        ("link.yaml", "/proc/self/environ"),
        ("link.yaml", "/proc/self/root/etc/passwd"),
    ] {
        let dir = linked(name, target);
        assert_secret_is_kept(dir.path()).await;
    }
    let dir = linked("one.yaml", "two");
    symlink("../secret.yaml", dir.path().join("state/two")).unwrap();
    assert_secret_is_kept(dir.path()).await;
}

/// A checkout keeps the credentials of the runner in `.git/config`, inside of the folder when that is the root of a repository.
#[tokio::test]
async fn a_link_to_a_hidden_file_is_a_fault_and_is_not_read() {
    for (name, target) in [("link.yaml", ".git/config"), ("deep/link.yaml", "../.env"), ("more", ".git")] {
        let dir = linked(name, target);
        fs::create_dir_all(dir.path().join("state/.git")).unwrap();
        for hidden in [".git/config", ".git/config.yaml", ".env"] {
            fs::write(dir.path().join("state").join(hidden), format!("password: {SECRET}\n")).unwrap();
        }
        for output_of in ["text", "json", "github"] {
            let checked = output(validate(dir.path(), &["state", "-o", output_of])).await;
            let shown = stdout(&checked) + &stderr(&checked);
            assert_eq!(code(&checked), 1, "{shown}");
            assert!(shown.contains("is a link to a hidden file") && !shown.contains(SECRET), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_plan_and_a_daemon_do_not_read_it_either() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let (folder, secret) = (setup.dir.path().join("state"), setup.dir.path().join("secret.yaml"));
    fs::create_dir(&folder).unwrap();
    fs::rename(setup.state_path(), folder.join("desired.yaml")).unwrap();
    fs::write(&secret, format!("password: {SECRET}\n")).unwrap();
    symlink(&secret, folder.join("more.yaml")).unwrap();
    let mut plan = setup.command(&["plan", "-o", "markdown"]);
    plan.env("SUBACCOUNTD_DESIRED", &folder);
    let planned = output(plan).await;
    let shown = stdout(&planned) + &stderr(&planned);
    assert!(shown.contains("leads out") && !shown.contains(SECRET), "{shown}");
    let daemon = setup.daemon(&["--desired", folder.to_str().unwrap(), "--interval", "1h"]).await;
    daemon.first_pass().await;
    let shown = daemon.get("/status").await.1 + &daemon.get("/").await.1 + &daemon.log();
    assert!(shown.contains("leads out") && !shown.contains(SECRET), "{shown}");
    assert_eq!(setup.posts(), Vec::<String>::new(), "what the file would say is not known");
}

#[tokio::test]
async fn layouts_of_config_maps_and_git_sync_are_read() {
    let dir =
        folder(&[("volume/..2026/desired.yaml", &valid()), ("git/.worktrees/abc/state/a.yaml", &valid())]);
    let link = |target: &str, name: &str| symlink(target, dir.path().join(name)).unwrap();
    link("..2026", "volume/..data");
    link("..data/desired.yaml", "volume/desired.yaml");
    link(".worktrees/abc", "git/current");
    link("a.yaml", "git/.worktrees/abc/state/again.yaml");
    for path in ["volume", "volume/desired.yaml", "git", "git/current", "git/current/state"] {
        let checked = output(validate(dir.path(), &[path])).await;
        assert_eq!(stdout(&checked), "valid: 0 subaccounts, 0 numbers, 1 file\n", "{path}");
    }
}

#[tokio::test]
async fn a_lost_and_found_that_cannot_be_read_holds_nothing_and_another_folder_does() {
    let dir = folder(&[("state/a.yaml", &valid())]);
    let closed = |name: &str| {
        let folder = dir.path().join("state").join(name);
        fs::create_dir(&folder).unwrap();
        assert!(Command::new("chmod").arg("000").arg(&folder).status().unwrap().success());
    };
    // In a user namespace without its own root, no process may read what the modes forbid.
    let check = async || {
        let run = validate(dir.path(), &["state"]);
        let mut command = Command::new("unshare");
        command.arg("-U").arg(run.get_program()).args(run.get_args()).current_dir(dir.path());
        output(command).await
    };
    closed("lost+found");
    let checked = check().await;
    assert_eq!(code(&checked), 0, "{}", stdout(&checked));
    closed("private");
    let checked = check().await;
    assert_eq!(code(&checked), 1, "{}", stdout(&checked));
    assert!(stdout(&checked).contains("Permission denied"), "{}", stdout(&checked));
    for name in ["lost+found", "private"] {
        assert!(
            Command::new("chmod")
                .arg("700")
                .arg(dir.path().join("state").join(name))
                .status()
                .unwrap()
                .success()
        );
    }
}
