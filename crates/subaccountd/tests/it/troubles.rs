//! Troubles that last, as the log, the metrics and the status tell them: one line when one begins, and one when it ends.

use std::collections::BTreeMap;

use serde_json::Value;
use twilio_sim::{Fault, Operation};

use crate::support::{Daemon, Setup, ac, entry, eventually, fleet, state};

/// The lines of the log.
fn lines(daemon: &Daemon) -> Vec<Value> {
    daemon.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines about a trouble: level and message.
fn told(daemon: &Daemon, trouble: &str) -> Vec<String> {
    let lines = lines(daemon);
    let of_it = lines.iter().filter(|line| line["trouble"] == trouble);
    of_it
        .map(|line| format!("{} {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap()))
        .collect()
}

/// The number of lines from `from` on, by level.
fn by_level(daemon: &Daemon, from: usize) -> BTreeMap<String, usize> {
    let mut levels = BTreeMap::new();
    for line in lines(daemon).iter().skip(from) {
        *levels.entry(line["level"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    levels
}

#[tokio::test]
async fn outage_is_one_line_when_it_begins_and_one_when_it_ends() {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "20ms"]).await;
    daemon.settled().await;
    let steady = lines(&daemon).len();
    daemon.more_passes(20).await;
    assert_eq!(by_level(&daemon, steady), BTreeMap::new(), "at steady state: {}", daemon.log());
    setup.sim.inject(Fault::status(400, 20_001).on(Operation::ListAccounts));
    eventually("it is told", async || told(&daemon, "pass").len() == 1).await;
    daemon.more_passes(20).await;
    assert_eq!(daemon.status().await["lastPass"]["result"], "failed");
    setup.sim.faults().list.clear();
    eventually("its end is told", async || told(&daemon, "pass").len() == 2).await;
    daemon.more_passes(5).await;
    assert_eq!(
        told(&daemon, "pass"),
        ["ERROR reconcile pass aborted", "INFO reconcile passes come to their end again"]
    );
    let all = BTreeMap::from([("ERROR".to_owned(), 1), ("INFO".to_owned(), 1)]);
    assert_eq!(by_level(&daemon, steady), all, "{}", daemon.log());
    let end = lines(&daemon).into_iter().rfind(|line| line["trouble"] == "pass").unwrap();
    assert!(end["duration_ms"].as_u64().unwrap() > 0, "{end}");
}

#[tokio::test]
async fn pause_is_shown_by_the_log_and_a_metric_though_nothing_is_to_do() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    assert_eq!(daemon.metric("subaccountd_paused").await, 0.0);
    setup.write(&format!("{}paused: true\n", state(&entry(1, "active", ""))));
    eventually("paused", async || daemon.metric("subaccountd_paused").await == 1.0).await;
    eventually("the pause is told", async || told(&daemon, "paused").len() == 1).await;
    setup.write(&state(&entry(1, "active", "")));
    eventually("its end is told", async || told(&daemon, "paused").len() == 2).await;
    assert_eq!(
        told(&daemon, "paused"),
        [
            "INFO desired state is paused: nothing is changed at Twilio",
            "INFO desired state is no longer paused"
        ]
    );
    assert_eq!(daemon.metric("subaccountd_paused").await, 0.0);
}

#[tokio::test]
async fn clocks_that_disagree_are_told_once_and_measured() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "50ms"]).await;
    daemon.settled().await;
    assert!(daemon.metric("subaccountd_clock_skew_seconds").await.abs() < 60.0);
    setup.sim.faults().clock_offset_seconds = 900;
    eventually("the trouble is told", async || told(&daemon, "clock").len() == 1).await;
    daemon.more_passes(5).await;
    assert!((840.0..960.0).contains(&daemon.metric("subaccountd_clock_skew_seconds").await));
    setup.sim.faults().clock_offset_seconds = 0;
    eventually("its end is told", async || told(&daemon, "clock").len() == 2).await;
    assert!(told(&daemon, "clock")[0].starts_with("WARN clocks disagree"));
    assert_eq!(told(&daemon, "clock")[1], "INFO clocks agree again");
}

#[tokio::test]
async fn what_is_not_known_yet_has_no_series() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    setup.sim.inject(Fault::status(503, 20_503));
    let daemon = setup.daemon(&["--interval", "100ms", "--dry-run"]).await;
    eventually("a failed pass", async || {
        daemon.metric("subaccountd_passes_total{result=\"failed\"}").await > 0.0
    })
    .await;
    let text = daemon.get("/metrics").await.1;
    for unknown in ["credentials_valid", "clock_skew_seconds", "budget_remaining", "budget_limit"] {
        let series = format!("\nsubaccountd_{unknown}");
        assert!(!text.contains(&series), "{series}");
    }
    for (series, value) in [
        ("subaccountd_desired_state_info{revision=\"\"}", 1.0),
        ("subaccountd_dry_run", 1.0),
        ("subaccountd_paused", 0.0),
        ("subaccountd_journal_writable", 1.0),
        ("subaccountd_watcher_healthy", 1.0),
        ("subaccountd_interval_seconds", 0.1),
        ("subaccountd_next_close_timestamp_seconds", 0.0),
        ("subaccountd_log_lines_dropped_total", 0.0),
    ] {
        assert_eq!(daemon.metric(series).await, value, "{series}");
    }
    assert!(daemon.metric("subaccountd_desired_state_last_read_timestamp_seconds").await > 1e9);
    setup.sim.faults().list.clear();
    daemon.settled().await;
    assert_eq!(daemon.metric("subaccountd_credentials_valid").await, 1.0);
    assert_eq!(daemon.metric("subaccountd_budget_limit{kind=\"close\"}").await, 1.0);
    assert_eq!(daemon.metric("subaccountd_budget_limit{kind=\"release\"}").await, 0.0);
}

#[tokio::test]
async fn next_close_is_when_the_first_rest_ends() {
    let close = |n: u64| entry(n, "closed", &format!(", close: {{confirm: a{n}}}"));
    let setup = Setup::new(fleet(2, 0), &state(&(close(1) + &close(2)))).await;
    let daemon = setup.daemon(&["--interval", "1h", "--max-suspends", "100%"]).await;
    eventually("both rest", async || {
        let held = daemon.status().await["plan"]["held"].clone();
        held.as_array()
            .is_some_and(|held| held.len() == 2 && held.iter().all(|one| one["reason"] == "CoolingOff"))
            && daemon.metric("subaccountd_next_close_timestamp_seconds").await > 0.0
    })
    .await;
    let due = daemon.metric("subaccountd_next_close_timestamp_seconds").await;
    let now = daemon.metric("subaccountd_last_pass_timestamp_seconds").await;
    assert!((71.0..73.0).contains(&((due - now) / 3600.0)), "{due} {now}");
}

/// A reason that many items share is not a line for each of them, and one that only waits is no warning.
#[tokio::test]
async fn many_held_items_are_few_lines() {
    let entries: String = (1..=150).map(|n| entry(n, "suspended", ", friendlyName: another")).collect();
    let setup = Setup::new(fleet(150, 0), &state(&entries)).await;
    let daemon = setup.daemon(&["--interval", "50ms"]).await;
    daemon.first_pass().await;
    daemon.more_passes(5).await;
    let held: Vec<_> =
        lines(&daemon).into_iter().filter(|line| line["held.reason"] == "NameMismatch").collect();
    assert_eq!(held.len(), 21, "{}", daemon.log());
    assert_eq!(held[20]["message"], "held: 130 more for NameMismatch; `/status` has all");
    setup.write(&state(&entry(1, "suspended", ", paused: true")));
    let paused = async || {
        let lines = lines(&daemon);
        lines.into_iter().find(|line| {
            line["held.reason"] == "Paused" && line["message"].as_str().unwrap().starts_with("held: ")
        })
    };
    eventually("the pause is told", async || paused().await.is_some()).await;
    assert_eq!(paused().await.unwrap()["level"], "INFO");
    assert_eq!(paused().await.unwrap()["account.sid"], ac(1));
}
