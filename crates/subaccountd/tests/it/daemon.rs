//! The daemon: an edit of the file changes the fleet.

use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{Setup, ac, entry, eventually, fleet, phone, state};

#[tokio::test]
async fn a_state_is_carried_out_and_then_nothing_is_written() {
    let entries = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2)))
        + &entry(3, "suspended", ", reason: unpaid")
        + &entry(4, "closed", ", close: {confirm: a4}");
    let setup = Setup::new(fleet(5, 3), &state(&entries)).await;
    setup.observed().await;
    setup.suspend_elsewhere(1);
    let daemon = setup.daemon(&["--close-after", "0s", "--interval", "100ms"]).await;
    daemon.settled().await;
    assert_eq!(setup.status_of(1), AccountStatus::Active);
    assert_eq!(setup.owner(2), ac(1));
    assert_eq!(setup.status_of(3), AccountStatus::Suspended);
    assert_eq!(setup.status_of(4), AccountStatus::Closed);
    assert_eq!((setup.status_of(2), setup.status_of(5)), (AccountStatus::Active, AccountStatus::Active));
    assert_eq!(setup.sim.world().released().len(), 0);
    setup.sim.clear_requests();
    daemon.more_passes(3).await;
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn an_edit_takes_effect_long_before_the_interval() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn a_close_empties_suspends_and_rests_first() {
    let entries = entry(1, "closed", ", close: {confirm: a1, moveNumbersToMain: true}");
    let setup = Setup::new(fleet(1, 1), &state(&entries)).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("it rests", async || {
        daemon.status().await["plan"]["held"][0]["message"]
            .as_str()
            .is_some_and(|words| words.contains("at the earliest"))
    })
    .await;
    assert_eq!(setup.owner(1), ac(0));
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert_eq!(daemon.status().await["plan"]["held"][0]["reason"], "CoolingOff");
    daemon.more_passes(2).await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn a_fleet_of_2500_with_2300_numbers_in_one_is_read_in_six_requests() {
    let mut world = fleet(2500, 0);
    for n in 1..=2300 {
        world = world.number(&format!("PN{n:032x}"), &phone(n), &ac(7));
    }
    let claims: Vec<_> = (1..=2300).map(|n| format!("\"{}\"", phone(n))).collect();
    let entries = entry(7, "active", &format!(", numbers: [{}]", claims.join(", ")));
    let setup = Setup::new(world, &state(&entries)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    assert_eq!(daemon.status().await["lastPass"]["requests"], 6);
    let sum = |active: f64, of_others: f64| (active, of_others);
    assert_eq!(
        sum(
            daemon.metric("subaccountd_observed_subaccounts{managed=\"false\",status=\"active\"}").await,
            daemon.metric("subaccountd_observed_numbers{managed=\"true\"}").await
        ),
        (2499.0, 2300.0)
    );
}

#[tokio::test]
async fn a_state_that_changes_during_a_pass_stops_the_writes_not_yet_begun() {
    let entries: String = (1..=8).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(8, 0), &state(&entries)).await;
    setup.sim.inject(Fault::latency(300).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "1h", "--max-in-flight", "1", "--max-suspends", "100%"]).await;
    eventually("the first write", async || setup.status_of(1) == AccountStatus::Suspended).await;
    setup.write(&state(&entry(1, "suspended", "")));
    daemon.settled().await;
    assert_eq!(setup.status_of(8), AccountStatus::Active);
    assert!(daemon.metric("subaccountd_actions_total{kind=\"suspend\",result=\"skipped\"}").await >= 1.0);
}

#[tokio::test]
async fn the_first_signal_lets_a_write_in_flight_end_and_begins_no_other() {
    let entries: String = (1..=3).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(3, 0), &state(&entries)).await;
    setup.sim.inject(Fault::latency(500).on(Operation::UpdateAccount));
    let mut daemon =
        setup.daemon(&["--interval", "1h", "--max-in-flight", "1", "--max-suspends", "100%"]).await;
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(setup.posts().len(), 1);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert!(daemon.log().contains(r#""action.result":"done""#));
}

#[tokio::test]
async fn outage_of_twilio_is_reported_and_survived() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::status(503, 20503).on(Operation::ListAccounts).times(8));
    let mut daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("a failed pass", async || {
        daemon.metric("subaccountd_passes_total{result=\"failed\"}").await >= 1.0
    })
    .await;
    assert_eq!(daemon.get("/readyz").await.0, 503);
    assert_eq!(daemon.get("/livez").await.0, 200);
    assert!(daemon.runs());
    daemon.settled().await;
    assert_eq!(daemon.get("/readyz").await.0, 200);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn wrong_credentials_stop_the_pass_and_show_in_the_metric() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let mut command = setup.command(&["run", "--interval", "100ms"]);
    command.env("TWILIO_AUTH_TOKEN", "not-the-token");
    let daemon = crate::support::Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.more_passes(1).await;
    assert_eq!(daemon.metric("subaccountd_credentials_valid").await, 0.0);
    let error = daemon.status().await["lastPass"]["error"].to_string();
    assert!(error.contains("20003") || error.contains("401"), "{error}");
    assert_eq!(setup.status_of(1), AccountStatus::Active);
}

#[tokio::test]
async fn the_first_signal_does_not_wait_for_pauses_or_reads() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let switches = setup.sim.world().switches().with("retryAfter=50").unwrap();
    *setup.sim.world().switches_mut() = switches;
    setup.sim.inject(Fault::status(429, 20429).on(Operation::UpdateAccount));
    let mut daemon = setup.daemon(&["--interval", "1h"]).await;
    eventually("a write answered 429", async || !setup.posts().is_empty()).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}
