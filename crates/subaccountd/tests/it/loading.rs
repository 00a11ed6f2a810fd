//! The state is read after each change, and a change of its meaning, not of its bytes, begins a pass.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio::time::{MissedTickBehavior, interval};
use twilio_sim::AccountStatus;

use crate::support::{Daemon, Setup, bare, code, entry, eventually, fleet, output, state, stderr, time};

fn sha256(text: &str) -> String {
    subaccountd_core::hex(&Sha256::digest(text))
}

async fn shows(daemon: &Daemon, text: &str) {
    let wanted = sha256(text);
    eventually("the state is shown", async || {
        daemon.status().await["desiredState"]["sha256"] == wanted.as_str()
    })
    .await;
}

async fn passes(daemon: &Daemon) -> f64 {
    daemon.metric("subaccountd_passes_total{result=\"success\"}").await
        + daemon.metric("subaccountd_passes_total{result=\"failed\"}").await
}

#[tokio::test]
async fn a_comment_that_changes_all_the_time_is_shown_and_begins_no_pass() {
    let text = state(&entry(1, "suspended", ""));
    let setup = Setup::new(fleet(1, 0), &text).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    eventually("the pass after the write", async || passes(&daemon).await == 2.0).await;
    let (before, requests) = (daemon.status().await, setup.sim.requests().len());
    let cpu = daemon.metric("process_cpu_seconds_total").await;
    let mut ticks = interval(Duration::from_millis(300));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = String::new();
    for n in 0..17 {
        ticks.tick().await;
        last = format!("# {n}\n{text}");
        setup.write(&last);
    }
    shows(&daemon, &last).await;
    let after = daemon.status().await;
    assert_eq!(passes(&daemon).await, 2.0);
    assert_eq!(setup.sim.requests().len(), requests);
    assert_eq!(after["lastPass"], before["lastPass"]);
    assert_eq!(after["desiredState"]["loadedAt"], before["desiredState"]["loadedAt"], "it means the same");
    let used = daemon.metric("process_cpu_seconds_total").await - cpu;
    assert!(used < 1.5, "{used} s of processor time in 5 s");
}

#[tokio::test]
async fn a_fault_is_shown_where_it_stands_now_without_a_pass() {
    let text = state(&entry(1, "suspnded", ""));
    let setup = Setup::new(fleet(1, 0), &text).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    assert_eq!(daemon.status().await["desiredState"]["faults"][0]["line"], 5);
    let mut moved = text;
    // A pass for the first comment would be the one that reads the second.
    for comment in ["# two", "# one"] {
        moved = format!("{comment}\n{moved}");
        setup.write(&moved);
        shows(&daemon, &moved).await;
    }
    assert_eq!(daemon.status().await["desiredState"]["faults"][0]["line"], 7);
    // Another fault changes the meaning.
    setup.write(&moved.replace("suspnded", "suspendd"));
    eventually("the pass for the other fault", async || {
        let status = daemon.status().await;
        let (started, loaded) = (&status["lastPass"]["startedAt"], &status["desiredState"]["loadedAt"]);
        let message = status["desiredState"]["faults"][0]["message"].to_string();
        message.contains("suspendd") && time(started) >= time(loaded)
    })
    .await;
    assert_eq!(passes(&daemon).await, 2.0, "none for the comments");
}

#[tokio::test]
async fn many_edits_begin_a_bounded_number_of_passes_and_the_last_one_counts() {
    let text = |n: u32| state(&entry(1, "active", &format!(", reason: \"{n}\"")));
    let setup = Setup::new(fleet(1, 0), &text(0)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let begin = Instant::now();
    let mut edits = 0;
    while begin.elapsed() < Duration::from_secs(6) {
        edits += 1;
        setup.write(&text(edits));
        shows(&daemon, &text(edits)).await;
    }
    let (passes, took) = (passes(&daemon).await, begin.elapsed());
    let most = 11.0 + took.as_secs_f64() / 5.0;
    assert!(passes <= most, "{passes} passes for {edits} edits in {took:?}");
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("the last edit takes effect", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn waiting_for_a_revision_does_not_take_the_plan_of_the_state_before_for_its_own() {
    let text = |n: u32| state(&entry(1, "active", &format!(", reason: \"{n}\"")));
    let setup = Setup::new(fleet(1, 0), &text(0)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let wait = async |text: &str, timeout: &str| -> Output {
        let sha = sha256(text);
        let args = ["status", "--url", daemon.url(), "--wait", "--timeout", timeout, "--revision", &sha];
        output(bare(&args)).await
    };
    let commented = format!("# no pass\n{}", text(0));
    setup.write(&commented);
    let waited = wait(&commented, "20s").await;
    assert_eq!((code(&waited), passes(&daemon).await), (0, 1.0), "{}", stderr(&waited));
    // The budget of passes that edits may begin is used up: the state is shown long before its pass.
    for n in 1..=12 {
        setup.write(&text(n));
        shows(&daemon, &text(n)).await;
    }
    let last = state(&entry(1, "suspended", ""));
    setup.write(&last);
    shows(&daemon, &last).await;
    let waited = wait(&last, "20s").await;
    assert_eq!(code(&waited), 0, "{}", stderr(&waited));
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}
