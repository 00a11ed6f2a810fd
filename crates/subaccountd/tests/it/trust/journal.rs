//! The journal: a dry run, a lost journal and a second daemon do not change what it remembers.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use twilio_sim::AccountStatus::{Active, Suspended};

use super::steps::{asked, decide, step_twilio};
use crate::support::{Daemon, Setup, ac, code, entry, eventually, flat, fleet, state, stderr, stdout};

const NAME: &str = "journal.jsonl";

fn active(accounts: u64, more: &str) -> String {
    state(&(1..=accounts).map(|n| entry(n, "active", more)).collect::<String>())
}

/// Every file of the journal, with its bytes.
fn kept(setup: &Setup) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(setup.journal_dir()).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

async fn holds_the_suspensions(setup: &Setup, accounts: u64, args: &[&str]) {
    let applied = setup.run(&[&["apply"], args].concat()).await;
    assert_eq!(code(&applied), 3, "{}{}", flat(&applied), stderr(&applied));
    assert!(flat(&applied).contains("SuspendedElsewhere"), "{}", flat(&applied));
    for n in 1..=accounts {
        assert_eq!(setup.status_of(n), Suspended, "{n}");
    }
}

// The ways to lift an external suspension.

#[tokio::test]
async fn dry_run_of_another_state_lifts_no_suspension() {
    let setup = Setup::new(fleet(1, 0), &active(1, "")).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    setup.suspend_elsewhere(1);
    holds_the_suspensions(&setup, 1, &[]).await;
    let before = kept(&setup);
    setup.write(&state(&entry(1, "suspended", "")));
    assert_eq!(code(&setup.run(&["apply", "--dry-run"]).await), 0);
    {
        let watcher = setup.daemon(&["--dry-run", "--interval", "50ms"]).await;
        watcher.more_passes(2).await;
    }
    assert_eq!(kept(&setup), before);
    setup.write(&active(1, ""));
    holds_the_suspensions(&setup, 1, &[]).await;
}

#[tokio::test]
async fn commands_that_only_read_leave_the_journal_as_it_is() {
    let setup = Setup::new(fleet(1, 0), &active(1, "")).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    let before = kept(&setup);
    let written = || fs::metadata(setup.journal_dir().join(NAME)).unwrap().modified().unwrap();
    let time = written();
    setup.write(&state(&(entry(1, "closed", ", close: {confirm: a1}"))));
    for args in [&["plan"][..], &["explain", &ac(1)], &["snapshot"], &["journal"], &["apply", "--dry-run"]] {
        setup.run(args).await;
    }
    assert_eq!((kept(&setup), written()), (before, time));
}

#[tokio::test]
async fn lost_journal_lifts_no_suspension() {
    let setup = Setup::new(fleet(5, 0), &active(5, "")).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    (1..=5).for_each(|n| setup.suspend_elsewhere(n));
    holds_the_suspensions(&setup, 5, &[]).await;
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    for _ in 0..2 {
        holds_the_suspensions(&setup, 5, &[]).await;
    }
    // The edit that its remedy names lifts it.
    let lifted = active(5, "").replace("}\nsub", ", liftSuspensionsBefore: \"2026-01-01\"}\nsub");
    setup.write(&lifted);
    holds_the_suspensions(&setup, 5, &[]).await;
}

#[tokio::test]
async fn lost_journal_beside_a_time_in_the_future_lifts_no_suspension() {
    let future = active(5, "").replace("}\nsub", ", liftSuspensionsBefore: \"2099-01-01T00:00:00Z\"}\nsub");
    assert!(future.contains("2099"), "{future}");
    let setup = Setup::new(fleet(5, 0), &future).await;
    (1..=5).for_each(|n| setup.suspend_elsewhere(n));
    holds_the_suspensions(&setup, 5, &[]).await;
}

#[tokio::test]
async fn time_in_the_future_lifts_no_suspension_that_comes_later() {
    let setup =
        Setup::new(fleet(1, 0), &active(1, ", liftSuspensionsBefore: \"2099-01-01T00:00:00Z\"")).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    setup.suspend_elsewhere(1);
    holds_the_suspensions(&setup, 1, &[]).await;
    // Nor when Twilio's clock runs ahead of that time.
    step_twilio(&setup, 80 * 365 * 24 * 3600);
    holds_the_suspensions(&setup, 1, &[]).await;
}

/// The daemon suspends account 1; a person lifts that and suspends it again, unseen.
async fn suspended_by_both(setup: &Setup) {
    setup.write(&state(&entry(1, "suspended", "")));
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(asked(setup), ["suspended"]);
    // Twilio's dates are whole seconds.
    step_twilio(setup, 60);
    setup.sim.edit_account(&ac(1), |account| account.status = Active).unwrap();
    setup.suspend_elsewhere(1);
    setup.write(&active(1, ""));
}

#[tokio::test]
async fn strict_policy_lifts_no_suspension_for_one_that_the_daemon_made_before() {
    let setup = Setup::new(fleet(1, 0), &active(1, "")).await;
    suspended_by_both(&setup).await;
    holds_the_suspensions(&setup, 1, &["--reactivation", "strict"]).await;
    assert_eq!(asked(&setup), ["suspended"]);
}

#[tokio::test]
async fn strict_policy_lifts_the_suspension_that_the_daemon_made() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    setup.write(&active(1, ""));
    assert_eq!(code(&setup.run(&["apply", "--reactivation", "strict"]).await), 0);
    assert_eq!(setup.status_of(1), Active);
}

#[tokio::test]
async fn strict_policy_lifts_no_suspension_on_a_lost_journal() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    setup.write(&active(1, ""));
    holds_the_suspensions(&setup, 1, &["--reactivation", "strict"]).await;
    // An edit before the first pass on a new journal does not refer to what that pass finds.
    holds_the_suspensions(&setup, 1, &[]).await;
}

// The holder of the journal.

/// Runs `apply` beside a daemon, and asserts that it does not start.
async fn second_is_refused(setup: &Setup, dir: &Path) {
    let mut command = setup.command(&["apply"]);
    command.env("SUBACCOUNTD_JOURNAL_DIR", dir);
    let second = crate::support::output(command).await;
    assert_eq!(code(&second), 1, "{}{}", stdout(&second), stderr(&second));
    assert!(stderr(&second).contains("another daemon holds this journal"), "{}", stderr(&second));
}

#[tokio::test]
async fn second_daemon_is_refused_when_every_other_file_was_removed() {
    let setup = Setup::new(fleet(2, 0), &active(1, "")).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    for name in kept(&setup).into_keys().filter(|name| name != NAME) {
        fs::remove_file(setup.journal_dir().join(name)).unwrap();
    }
    setup.write(&state(&entry(2, "suspended", ", paused: true")));
    second_is_refused(&setup, &setup.journal_dir()).await;
}

#[tokio::test]
async fn second_daemon_is_refused_on_the_way_through_a_link() {
    let setup = Setup::new(fleet(2, 0), &active(1, "")).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    let (link, folder) = (setup.dir.path().join(".link"), setup.dir.path().join(".other"));
    symlink(setup.journal_dir(), &link).unwrap();
    second_is_refused(&setup, &link).await;
    // The same file under a second name.
    fs::create_dir(&folder).unwrap();
    fs::hard_link(setup.journal_dir().join(NAME), folder.join(NAME)).unwrap();
    second_is_refused(&setup, &folder).await;
}

#[tokio::test]
async fn one_of_many_daemons_that_start_together_writes() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let start = || {
        let mut command = setup.command(&["run", "--interval", "100ms"]);
        command.env("SUBACCOUNTD_LISTEN", "127.0.0.1:0").env("SUBACCOUNTD_STATUS_LISTEN", "127.0.0.1:0");
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut daemons: Vec<_> = (0..6).map(|_| start()).collect();
    eventually("all but one ended", async || {
        let running =
            daemons.iter_mut().filter_map(|daemon| daemon.try_wait().unwrap().is_none().then_some(()));
        running.count() == 1
    })
    .await;
    eventually("a write", async || setup.status_of(1) == Suspended).await;
    for mut daemon in daemons {
        let _ = daemon.kill();
        daemon.wait().unwrap();
    }
    let journal = fs::read_to_string(setup.journal_dir().join(NAME)).unwrap();
    assert_eq!(journal.matches("subaccountd-journal").count(), 1, "{journal}");
    assert_eq!(setup.posts().len(), 1);
}

/// A daemon that made one suspension.
async fn daemon_with_a_write(setup: &Setup) -> Daemon {
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    decide(setup, &daemon, &state(&entry(1, "suspended", ""))).await;
    daemon.settled().await;
    assert_eq!(setup.posts().len(), 1);
    daemon
}

/// Asserts that the daemon plans a suspension and does not make it.
async fn makes_no_write(setup: &Setup, daemon: &Daemon) {
    decide(setup, daemon, &state(&(entry(1, "suspended", "") + &entry(2, "suspended", "")))).await;
    daemon.more_passes(2).await;
    assert_eq!(setup.posts().len(), 1, "a write whose intent is in no journal");
    let skipped = "subaccountd_actions_total{kind=\"suspend\",result=\"skipped\"}";
    assert!(daemon.metric(skipped).await >= 1.0);
}

#[tokio::test]
async fn no_write_is_made_once_the_folder_of_the_journal_is_gone() {
    let setup = Setup::new(fleet(2, 0), &active(1, "")).await;
    let daemon = daemon_with_a_write(&setup).await;
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    makes_no_write(&setup, &daemon).await;
}

#[tokio::test]
async fn no_write_is_made_once_the_journal_is_another_file() {
    for attack in ["moved", "truncated", "replaced", "linked"] {
        let setup = Setup::new(fleet(2, 0), &active(1, "")).await;
        let path = setup.journal_dir().join(NAME);
        let aside = path.with_extension("aside");
        let daemon = daemon_with_a_write(&setup).await;
        let bytes = fs::read(&path).unwrap();
        match attack {
            "moved" => fs::rename(&path, &aside).unwrap(),
            "truncated" => fs::write(&path, "").unwrap(),
            "replaced" => {
                // The same bytes in another file.
                fs::write(&aside, bytes).unwrap();
                fs::rename(&aside, &path).unwrap();
            }
            _ => {
                fs::write(&aside, bytes).unwrap();
                fs::remove_file(&path).unwrap();
                symlink(&aside, &path).unwrap();
            }
        }
        makes_no_write(&setup, &daemon).await;
    }
}
