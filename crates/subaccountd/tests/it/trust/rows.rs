//! A row that cannot be read, or differs each time, costs only its object, and is reported.

use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use crate::{
    support::{Daemon, Setup, ac, entry, eventually, fleet, phone, state},
    trust::{
        firewall::Firewall,
        views::{held, held_as, requests_about, writes},
    },
};

/// The state suspends account 1; something about account 2 cannot be read.
async fn suspended_beside(fault: Fault) -> (Setup, Daemon) {
    let entries = entry(1, "suspended", "") + &entry(2, "suspended", "");
    let setup = Setup::new(fleet(2, 2), &state(&entries)).await;
    setup.sim.inject(fault);
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    (setup, daemon)
}

#[tokio::test]
async fn row_that_cannot_be_decoded_costs_its_account_alone() {
    let spoilt = [
        Fault::raw_value(&ac(2), "friendly_name", "\"\\ud83d\""),
        Fault::raw_value(&ac(2), "status", "7"),
        Fault::raw_value(&ac(2), "status", "\"frozen\""),
        Fault::raw_value(&ac(2), "friendly_name", "{}"),
        Fault::raw_value(&ac(2), "owner_account_sid", "[\"\\ud83d\"]"),
    ];
    for fault in spoilt {
        let kind = fault.kind.clone();
        let (setup, daemon) = suspended_beside(fault.on(Operation::ListAccounts)).await;
        held_as(&daemon, 2, "suspend", "Unreadable").await;
        daemon.more_passes(1).await;
        assert_eq!(setup.status_of(2), AccountStatus::Active, "{kind:?}");
        assert_eq!(daemon.status().await["lastPass"]["result"], "success", "{kind:?}");
    }
}

#[tokio::test]
async fn row_without_a_readable_sid_is_no_absent_account() {
    // The state closes account 2, which would be in sync if it were absent.
    let entries = entry(1, "suspended", "") + &entry(2, "closed", ", close: {confirm: a2}");
    let setup = Setup::new(fleet(3, 2), &state(&entries)).await;
    setup.sim.inject(Fault::raw_value(&ac(2), "sid", "\"AC\\ud83d\"").on(Operation::ListAccounts));
    let daemon =
        setup.daemon(&["--interval", "100ms", "--close-after", "0s", "--max-released-numbers", "9"]).await;
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    held_as(&daemon, 2, "close", "Unreadable").await;
    assert_eq!(setup.sim.world().released().len(), 0);
}

#[tokio::test]
async fn number_row_that_cannot_be_decoded_costs_its_list_alone() {
    let claim = |n: u64, number: u64| entry(n, "active", &format!(", numbers: [\"{}\"]", phone(number)));
    let entries = claim(1, 2) + &claim(3, 4);
    let setup = Setup::new(fleet(4, 4), &state(&entries)).await;
    setup.sim.inject(Fault::raw_value(&phone(2), "friendly_name", "\"\\ud83d\"").on(Operation::ListNumbers));
    setup.sim.inject(Fault::raw_value(&phone(2), "account_sid", "7").on(Operation::ListNumbers));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("the other moves", async || setup.owner(4) == ac(3)).await;
    held_as(&daemon, 1, "transfer", "Unreadable").await;
    assert_eq!(setup.owner(2), ac(2));
}

/// Searches for it are paused by then; the list that hid it is read when it answers.
#[tokio::test]
async fn number_is_found_when_the_list_that_hid_it_answers() {
    let entries = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2)));
    let setup = Setup::new(fleet(4, 4), &state(&entries)).await;
    setup.sim.inject(Fault::raw_value(&phone(2), "account_sid", "7").on(Operation::ListNumbers));
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    held_as(&daemon, 1, "transfer", "Unreadable").await;
    setup.sim.faults().clear();
    eventually("it moves", async || setup.owner(2) == ac(1)).await;
}

#[tokio::test]
async fn row_of_the_main_account_that_cannot_be_decoded_stops_all() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::raw_value(&ac(0), "status", "7").on(Operation::ListAccounts));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.more_passes(3).await;
    assert_eq!(writes(&setup), []);
    assert_eq!(daemon.status().await["lastPass"]["result"], "failed");
}

/// A daemon behind a firewall, with eight connections open.
async fn behind_a_firewall(setup: &Setup) -> (Firewall, Daemon) {
    let firewall = Firewall::before(setup.sim.address()).await;
    setup.sim.inject(Fault::latency(300).on(Operation::ListNumbers));
    let mut command = setup.command(&["run", "--interval", "1h", "--request-timeout", "1s"]);
    command.env("SUBACCOUNTD_TWILIO_URL", firewall.url());
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    setup.sim.faults().clear();
    assert!(firewall.connections() >= 4, "{} connections are open", firewall.connections());
    (firewall, daemon)
}

fn eight_claims(status: &str) -> String {
    let claims = (1..=8).map(|n| entry(n, "active", &format!(", numbers: [\"{}\"]", phone(n))));
    state(&(claims.collect::<String>() + &entry(9, status, "")))
}

#[tokio::test]
async fn connections_that_a_firewall_dropped_are_not_tried_one_after_the_other() {
    let setup = Setup::new(fleet(9, 8), &eight_claims("active")).await;
    let (firewall, _daemon) = behind_a_firewall(&setup).await;
    firewall.drop_connections();
    setup.write(&eight_claims("suspended"));
    eventually("suspended", async || setup.status_of(9) == AccountStatus::Suspended).await;
    assert!(firewall.lost() <= 2, "{} requests were lost on dropped connections", firewall.lost());
}

#[tokio::test]
async fn write_is_not_lost_on_a_connection_that_a_firewall_dropped_after_the_reads() {
    let setup = Setup::new(fleet(9, 8), &eight_claims("active")).await;
    let (firewall, daemon) = behind_a_firewall(&setup).await;
    setup.sim.inject(Fault::latency(500).on(Operation::ListNumbers).account(&ac(1)));
    setup.sim.clear_requests();
    setup.write(&eight_claims("suspended"));
    eventually("the account list is read", async || {
        setup.sim.requests().iter().any(|r| r.operation == Some(Operation::ListNumbers))
    })
    .await;
    firewall.drop_connections();
    eventually("suspended", async || setup.status_of(9) == AccountStatus::Suspended).await;
    // A list whose answer was dropped is asked for again after its pause, long before the interval is over.
    daemon.settled().await;
    assert_eq!(writes(&setup).len(), 1, "the write was not tried twice: it has a connection of its own");
}

fn closing(more: &str) -> String {
    state(&(entry(1, "closed", &format!(", close: {{confirm: a1}}{more}")) + &entry(2, "active", "")))
}

/// The number of fetches of account 1.
fn looks(setup: &Setup) -> usize {
    requests_about(setup, Operation::FetchAccount, 1)
}

/// A daemon that would close account 1, if the look right before it did not fail with `fault`.
async fn unproven(fault: Fault) -> (Setup, Daemon) {
    let setup = Setup::new(fleet(2, 0), &closing("")).await;
    setup.suspend_elsewhere(1);
    setup.sim.inject(fault.on(Operation::FetchAccount).account(&ac(1)));
    let daemon = setup.daemon(&["--interval", "100ms", "--close-after", "0s"]).await;
    held_as(&daemon, 1, "close", "Unreadable").await;
    (setup, daemon)
}

#[tokio::test]
async fn close_whose_second_look_always_differs_is_held_after_three_tries() {
    let (setup, daemon) = unproven(Fault::raw_value(&ac(1), "friendly_name", "\"another\"")).await;
    let before = looks(&setup);
    assert_eq!(before, 3);
    daemon.more_passes(3).await;
    assert_eq!(looks(&setup), before, "it waits");
    assert!(held(&daemon, 1).await[0].2.contains("another"), "what was seen is told");
    assert_eq!(writes(&setup), []);
    // An edit ends the pause.
    setup.sim.faults().clear();
    setup.write(&closing(", reason: look again"));
    eventually("closed", async || setup.status_of(1) == AccountStatus::Closed).await;
}

#[tokio::test]
async fn close_whose_second_look_always_fails_is_held_and_delays_no_other_write() {
    let (setup, _daemon) = unproven(Fault::status(503, 20503)).await;
    assert_eq!(looks(&setup), 3);
    setup.write(&closing("").replace("active", "suspended"));
    eventually("the other", async || setup.status_of(2) == AccountStatus::Suspended).await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn close_whose_second_look_never_answers_is_not_made() {
    let setup = Setup::new(fleet(2, 0), &closing("")).await;
    setup.suspend_elsewhere(1);
    setup.sim.inject(Fault::new(FaultKind::Stall).on(Operation::FetchAccount).account(&ac(1)));
    let daemon =
        setup.daemon(&["--interval", "100ms", "--close-after", "0s", "--request-timeout", "500ms"]).await;
    held_as(&daemon, 1, "close", "Unreadable").await;
    assert_eq!(writes(&setup), []);
}
