//! Changes of the state, made in each common way, are found.

use std::{fs, os::unix::fs::symlink};

use twilio_sim::AccountStatus;

use crate::{
    namespace::inside,
    support::{Daemon, Setup, ac, entry, eventually, fleet, state},
};

#[tokio::test]
async fn config_map_swap_is_loaded() {
    let setup = Setup::new(fleet(1, 0), "").await;
    let at = |name: &str| setup.dir.path().join("mount").join(name);
    fs::create_dir_all(at("..1")).unwrap();
    fs::write(at("..1/desired.yaml"), state(&entry(1, "active", ""))).unwrap();
    symlink("..1", at("..data")).unwrap();
    symlink("..data/desired.yaml", at("desired.yaml")).unwrap();
    let mut command = setup.command(&["run", "--interval", "1h"]);
    command.env("SUBACCOUNTD_DESIRED", setup.dir.path().join("mount"));
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    fs::create_dir(at("..2")).unwrap();
    fs::write(at("..2/desired.yaml"), state(&entry(1, "suspended", ""))).unwrap();
    symlink("..2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn git_sync_swap_is_loaded_with_its_revision_every_time() {
    let setup = Setup::new(fleet(1, 0), "").await;
    let at = |name: &str| setup.dir.path().join(name);
    let commit = |n: u32| format!("{n:040x}");
    let mut command = setup.command(&["run", "--interval", "1h"]);
    command.env("SUBACCOUNTD_DESIRED", at("current/desired.yaml"));
    let mut daemon = None;
    for (n, status) in [(1, "active"), (2, "suspended"), (3, "active"), (4, "suspended")] {
        let tree = at(&format!(".worktrees/{}", commit(n)));
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("desired.yaml"), state(&entry(1, status, ""))).unwrap();
        symlink(&tree, at("next")).unwrap();
        fs::rename(at("next"), at("current")).unwrap();
        if daemon.is_none() {
            let log = setup.dir.path().join(".log");
            daemon = Some(Daemon::start(setup_command(&mut command), &log).await);
        }
        let daemon = daemon.as_ref().unwrap();
        eventually("the revision is shown", async || {
            daemon.status().await["desiredState"]["revision"] == commit(n).as_str()
        })
        .await;
        daemon.settled().await;
        assert_eq!(setup.status_of(1).as_str(), status);
    }
}

/// Moves the command out of its place.
fn setup_command(command: &mut std::process::Command) -> std::process::Command {
    std::mem::replace(command, std::process::Command::new("true"))
}

#[tokio::test]
async fn the_interval_finds_what_a_broken_watcher_does_not() {
    // It may watch nothing at all, or may not even ask to.
    for (limit, words) in [("watches", "is not watched"), ("instances", "no file watcher")] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
        let run = setup.command(&["run", "--interval", "200ms"]);
        let command = inside(&format!("echo 0 > /proc/sys/user/max_inotify_{limit}"), &run);
        let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
        daemon.settled().await;
        assert!(daemon.log().contains(words), "{}", daemon.log());
        assert_eq!(daemon.metric("subaccountd_watcher_healthy").await, 0.0);
        daemon.more_passes(3).await;
        assert_eq!(daemon.log().matches(words).count(), 1, "{}", daemon.log());
        setup.write(&state(&entry(1, "suspended", "")));
        eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    }
}

#[tokio::test]
async fn faulty_state_costs_its_entry_and_the_next_good_one_is_loaded() {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "active", ""))).await;
    let mut daemon =
        setup.daemon(&["--interval", "1h", "--close-after", "0s", "--max-suspends", "100%"]).await;
    daemon.settled().await;
    let faulty =
        entry(1, "suspnded", "") + &entry(2, "suspended", "") + &entry(3, "closed", ", close: {confirm: a3}");
    setup.write(&state(&faulty));
    eventually("the sound entry is carried out", async || setup.status_of(2) == AccountStatus::Suspended)
        .await;
    // The fault is shown before the pass that begins with it ends.
    eventually("the plan with it is shown", async || {
        daemon.status().await["plan"]["held"][0]["reason"] == "StateFaults"
    })
    .await;
    assert_eq!(daemon.metric("subaccountd_desired_state_valid").await, 0.0);
    let status = daemon.status().await;
    assert_eq!(status["desiredState"]["faults"][0]["line"], 5);
    assert_eq!(status["desiredState"]["faults"][0]["help"], "did you mean `suspended`?");
    assert_eq!((setup.status_of(1), setup.status_of(3)), (AccountStatus::Active, AccountStatus::Active));
    assert!(daemon.runs());
    setup.write(&state(&faulty.replace("suspnded", "suspended")));
    eventually("closed", async || setup.status_of(3) == AccountStatus::Closed).await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert_eq!(ac(1).len(), 34);
}

#[tokio::test]
async fn a_state_that_is_gone_empty_cut_or_unreadable_changes_nothing() {
    let good = state(&entry(1, "active", ""));
    let setup = Setup::new(fleet(2, 0), &good).await;
    let mut daemon = setup.daemon(&["--interval", "50ms"]).await;
    daemon.settled().await;
    let worse = state(&(entry(1, "suspended", "") + &entry(2, "suspended", "")));
    setup.sim.clear_requests();
    let path = setup.state_path();
    fs::remove_file(&path).unwrap();
    daemon.more_passes(2).await;
    setup.write("");
    daemon.more_passes(2).await;
    setup.write(&worse[..worse.len() - 30]);
    daemon.more_passes(2).await;
    setup.write("\u{0}\u{1}");
    daemon.more_passes(2).await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    daemon.more_passes(2).await;
    assert!(daemon.runs());
    assert_eq!(setup.posts(), Vec::<String>::new());
    assert_eq!(daemon.metric("subaccountd_desired_state_valid").await, 0.0);
    fs::remove_dir(&path).unwrap();
    setup.write(&good);
    daemon.settled().await;
}
