//! A freeze: the mark that stops all writes, set and taken away beside a running daemon.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use serde_json::Value;
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{
    Daemon, Setup, ac, bare, code, entry, eventually, flat, fleet, output, state, stderr, stdout,
};

const FAST: [&str; 4] = ["--interval", "100ms", "--max-suspends", "100%"];

fn suspended(accounts: u64) -> String {
    state(&(1..=accounts).map(|n| entry(n, "suspended", "")).collect::<String>())
}

fn active(accounts: u64) -> String {
    state(&(1..=accounts).map(|n| entry(n, "active", "")).collect::<String>())
}

/// Runs `freeze` or `unfreeze` as `kubectl exec` does: with the environment of the container, and nothing else.
async fn ran(setup: &Setup, args: &[&str]) -> String {
    let mut command = bare(args);
    command.env("SUBACCOUNTD_JOURNAL_DIR", setup.journal_dir());
    let output = output(command).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    stdout(&output)
}

async fn freeze(setup: &Setup) {
    let said = ran(setup, &["freeze", "--reason", "carrier outage"]).await;
    assert!(said.starts_with("frozen by ") && said.contains("no write begins"), "{said}");
}

async fn frozen(daemon: &Daemon) -> bool {
    daemon.metric("subaccountd_frozen").await == 1.0
}

fn held(status: &Value) -> Vec<(String, String)> {
    let items = status["plan"]["held"].as_array().unwrap();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    items.iter().map(|item| (text(item, "reason"), text(item, "message"))).collect()
}

#[tokio::test]
async fn freeze_stops_a_running_daemon_until_unfreeze() {
    let setup = Setup::new(fleet(2, 0), &active(2)).await;
    let daemon = setup.daemon(&FAST).await;
    daemon.settled().await;
    assert!(!frozen(&daemon).await);
    freeze(&setup).await;
    setup.write(&suspended(2));
    eventually("held", async || held(&daemon.status().await).len() == 2).await;
    let status = daemon.status().await;
    for (reason, message) in held(&status) {
        assert_eq!(reason, "Paused");
        assert!(message.contains("frozen since 20") && message.contains(r#""carrier outage""#), "{message}");
    }
    assert_eq!(status["desiredState"]["frozen"]["reason"], "carrier outage");
    assert_eq!(status["desiredState"]["paused"], false, "the state itself is not paused");
    assert!(frozen(&daemon).await);
    assert_eq!(daemon.metric("subaccountd_paused").await, 0.0);
    let page = daemon.get("/").await.1;
    assert!(page.contains("Frozen.") && page.contains("carrier outage"), "{page}");
    assert!(daemon.log().contains("frozen: nothing is changed at Twilio"), "{}", daemon.log());
    let shown = output({
        let mut status = setup.command(&["status", "--url"]);
        status.arg(daemon.url());
        status
    })
    .await;
    assert!(
        stdout(&shown).contains("FROZEN") && stdout(&shown).contains("carrier outage"),
        "{}",
        stdout(&shown)
    );
    assert_eq!(setup.posts(), Vec::<String>::new());
    let said = ran(&setup, &["unfreeze"]).await;
    assert!(said.contains("no longer frozen since") && said.contains("carrier outage"), "{said}");
    daemon.settled().await;
    assert_eq!(setup.status_of(2), AccountStatus::Suspended);
    assert_eq!(daemon.status().await["desiredState"]["frozen"], Value::Null);
    eventually("no longer frozen", async || !frozen(&daemon).await).await;
    assert!(ran(&setup, &["unfreeze"]).await.starts_with("not frozen"));
}

#[tokio::test]
async fn freeze_shows_within_seconds_though_the_interval_is_long() {
    let setup = Setup::new(fleet(1, 0), &active(1)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    freeze(&setup).await;
    eventually("frozen", async || frozen(&daemon).await).await;
    ran(&setup, &["unfreeze"]).await;
    eventually("not frozen", async || !frozen(&daemon).await).await;
}

#[tokio::test]
async fn freeze_outlives_a_restart() {
    let setup = Setup::new(fleet(1, 0), &active(1)).await;
    setup.observed().await;
    freeze(&setup).await;
    setup.write(&suspended(1));
    let daemon = setup.daemon(&FAST).await;
    daemon.more_passes(2).await;
    assert!(frozen(&daemon).await);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn freeze_stops_writes_that_stand_in_line() {
    let setup = Setup::new(fleet(8, 0), &suspended(8)).await;
    // The client lets only one or two requests fly at once.
    setup.sim.inject(Fault::status(429, 20429).on(Operation::ListAccounts).times(2));
    setup.sim.inject(Fault::latency(700).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&FAST).await;
    eventually("the first write", async || !setup.posts().is_empty()).await;
    freeze(&setup).await;
    daemon.more_passes(1).await;
    eventually("frozen", async || frozen(&daemon).await).await;
    let posts = setup.posts().len();
    assert!(posts <= 2, "{posts}");
    daemon.more_passes(2).await;
    assert_eq!(setup.posts().len(), posts);
}

/// The mark is set while the close looks at its numbers: after the state was read, and before the intent.
#[tokio::test]
async fn freeze_between_the_proof_and_the_request_stops_the_close() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
    setup.suspend_elsewhere(1);
    let second = Fault::latency(1500).on(Operation::ListNumbers).account(&ac(1)).skip(1).times(1);
    setup.sim.inject(second);
    let daemon = setup.daemon(&["--interval", "100ms", "--close-after", "0s"]).await;
    let lists = || {
        let of_it = |request: &&twilio_sim::RequestRecord| request.operation == Some(Operation::ListNumbers);
        setup.sim.requests().iter().filter(of_it).count()
    };
    eventually("the second look", async || lists() >= 2).await;
    freeze(&setup).await;
    daemon.more_passes(1).await;
    eventually("frozen", async || frozen(&daemon).await).await;
    assert_eq!(setup.posts(), Vec::<String>::new());
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    assert!(!journal.contains(r#""event":"intent""#), "{journal}");
}

#[tokio::test]
async fn freeze_holds_apply_and_is_told_by_plan() {
    let setup = Setup::new(fleet(1, 0), &active(1)).await;
    setup.observed().await;
    freeze(&setup).await;
    setup.write(&suspended(1));
    let applied = setup.run(&["apply"]).await;
    assert_eq!((code(&applied), setup.posts().len()), (3, 0), "{}", stdout(&applied));
    for args in [&["plan"][..], &["plan", "-o", "markdown"]] {
        let plan = setup.run(args).await;
        assert_eq!(code(&plan), 3);
        let shown = flat(&plan);
        assert!(shown.contains("FROZEN since") && shown.contains("carrier outage"), "{shown}");
    }
    ran(&setup, &["unfreeze"]).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

/// On a doubt nothing is written: a link, a folder and what cannot be read are marks as well.
#[tokio::test]
async fn mark_of_any_kind_freezes() {
    let setup = Setup::new(fleet(1, 0), &active(1)).await;
    setup.observed().await;
    setup.write(&suspended(1));
    let mark = setup.journal_dir().join("frozen");
    let is_held = async || {
        let applied = setup.run(&["apply"]).await;
        code(&applied) == 3 && flat(&applied).contains("Paused") && setup.posts().is_empty()
    };
    symlink("/nowhere", &mark).unwrap();
    assert!(is_held().await, "a link");
    ran(&setup, &["unfreeze"]).await;
    fs::create_dir(&mark).unwrap();
    assert!(is_held().await, "a folder");
    let unfreeze = setup.run(&["unfreeze"]).await;
    assert_eq!(code(&unfreeze), 1);
    assert!(stderr(&unfreeze).contains("cannot be removed"), "{}", stderr(&unfreeze));
    fs::remove_dir(&mark).unwrap();
    fs::write(&mark, b"\xff\x00").unwrap();
    assert!(is_held().await, "garbled");
}

#[tokio::test]
async fn freeze_that_stops_nothing_is_an_error() {
    let setup = Setup::new(fleet(1, 0), &active(1)).await;
    let failed = async |dir: &str| {
        let mut command = bare(&["freeze", "--reason", "x", "--journal-dir"]);
        command.arg(dir);
        let output = output(command).await;
        assert_eq!(code(&output), 1, "{dir}");
        stderr(&output)
    };
    assert!(failed("none").await.contains("cannot be frozen"));
    assert!(failed(&setup.journal_dir().join("typo").display().to_string()).await.contains("does not exist"));
    let readable = setup.dir.path().join("readable");
    fs::create_dir(&readable).unwrap();
    fs::set_permissions(&readable, fs::Permissions::from_mode(0o500)).unwrap();
    // Root writes everywhere.
    if fs::write(readable.join("probe"), "").is_err() {
        assert!(failed(&readable.display().to_string()).await.contains("cannot be written"));
    }
    for reason in ["", " ", "two\nlines", &"x".repeat(501)] {
        let refused = setup.run(&["freeze", "--reason", reason]).await;
        assert_eq!(code(&refused), 64, "{reason:?}");
    }
}
