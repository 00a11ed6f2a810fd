//! Outages: what does not answer is retried at a bounded pace, and delays nothing else.

use std::{fs, time::Duration};

use tokio::time::interval;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use crate::{
    support::{Daemon, Setup, ac, entry, eventually, fleet, phone, state},
    trust::views::{held_as, kill, requests_about, writes},
};

fn suspended(more: &str) -> String {
    state(&entry(1, "suspended", more))
}

/// A daemon whose only write always ends with `fault`.
async fn failing(fault: Fault) -> (Setup, Daemon) {
    let setup = Setup::new(fleet(2, 2), &suspended("")).await;
    setup.sim.inject(fault.on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 1, "suspend", "Unconfirmed").await;
    assert_eq!(writes(&setup).len(), 2, "the first try and one repeat");
    (setup, daemon)
}

#[tokio::test]
async fn write_that_always_ends_unknown_is_repeated_once_and_then_held() {
    let faults = [
        Fault::status(500, 20500),
        Fault::status(404, 20404),
        Fault::status(409, 20409),
        Fault::reset(),
        Fault::new(FaultKind::Status { http: 502, code: None, after: false, retry_after: None }),
    ];
    for fault in faults {
        let kind = fault.kind.clone();
        let (setup, daemon) = failing(fault).await;
        setup.sim.clear_requests();
        daemon.more_passes(5).await;
        assert_eq!(writes(&setup), [], "{kind:?}: it waits for 15 s");
        let lists =
            setup.sim.requests().iter().filter(|r| r.operation == Some(Operation::ListAccounts)).count();
        assert!(lists <= 8, "{kind:?}: no pass follows at once: {lists}");
    }
}

#[tokio::test]
async fn journal_does_not_grow_while_a_write_waits() {
    let (setup, daemon) = failing(Fault::status(500, 20500)).await;
    daemon.more_passes(2).await;
    let size = || fs::metadata(setup.journal_dir().join("journal.jsonl")).unwrap().len();
    let before = size();
    daemon.more_passes(20).await;
    // A line for the reads of the state may be added, but not one for each pass.
    assert!(size() <= before + 300, "{} bytes for 20 passes", size() - before);
}

#[tokio::test]
async fn pause_of_an_unknown_write_survives_a_kill_and_ends_with_an_edit() {
    let (setup, daemon) = failing(Fault::status(500, 20500)).await;
    kill(daemon).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 1, "suspend", "Unconfirmed").await;
    daemon.more_passes(2).await;
    assert_eq!(writes(&setup).len(), 2, "a restart is no new try");
    setup.sim.faults().clear();
    setup.write(&suspended(", reason: once more"));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn write_whose_process_is_killed_each_time_is_not_repeated_for_ever() {
    let setup = Setup::new(fleet(1, 0), &suspended("")).await;
    setup.sim.inject(Fault::new(FaultKind::Stall).on(Operation::UpdateAccount));
    for tries in 1..=2 {
        let daemon = setup.daemon(&["--interval", "100ms"]).await;
        eventually("in flight", async || writes(&setup).len() == tries).await;
        kill(daemon).await;
    }
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 1, "suspend", "Unconfirmed").await;
    daemon.more_passes(2).await;
    assert_eq!(writes(&setup).len(), 2);
}

#[tokio::test]
async fn outage_of_one_kind_of_write_ends_for_all_with_the_first_that_is_done() {
    let entries = entry(1, "suspended", "") + &entry(2, "suspended", "");
    let setup = Setup::new(fleet(3, 0), &state(&entries)).await;
    setup.sim.inject(Fault::status(500, 20500).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "3"]).await;
    held_as(&daemon, 1, "suspend", "Unconfirmed").await;
    held_as(&daemon, 2, "suspend", "Unconfirmed").await;
    setup.sim.faults().clear();
    setup.write(&state(&(entries + &entry(3, "suspended", ""))));
    eventually("all are suspended", async || (1..=3).all(|n| setup.status_of(n) == AccountStatus::Suspended))
        .await;
}

/// A daemon with an account whose number list never answers.
async fn darkened(setup: &Setup, dark: &[u64]) -> Daemon {
    for n in dark {
        setup.sim.inject(Fault::new(FaultKind::Stall).on(Operation::ListNumbers).account(&ac(*n)));
    }
    let daemon = setup.daemon(&["--interval", "100ms", "--request-timeout", "1s"]).await;
    daemon.first_pass().await;
    daemon
}

/// Accounts 1 and 2 claim their numbers, and account 3 has the desired status `status`.
fn beside_dark(status: &str, reason: u32) -> String {
    let claim = |n: u64| entry(n, "active", &format!(", numbers: [\"{}\"]", phone(n)));
    state(
        &(claim(1)
            + &claim(2)
            + &entry(3, status, "")
            + &entry(4, "active", &format!(", reason: \"{reason}\""))),
    )
}

#[tokio::test]
async fn account_whose_list_never_answers_delays_no_edit_of_another() {
    for dark in [&[1][..], &[1, 2]] {
        let setup = Setup::new(fleet(4, 2), &beside_dark("active", 0)).await;
        let daemon = darkened(&setup, dark).await;
        setup.sim.clear_requests();
        setup.write(&beside_dark("suspended", 0));
        eventually("suspended", async || setup.status_of(3) == AccountStatus::Suspended).await;
        let asked: usize = dark.iter().map(|n| requests_about(&setup, Operation::ListNumbers, *n)).sum();
        assert!(asked <= 1, "the dark lists were asked for {asked} times before the write");
        held_as(&daemon, 1, "transfer", "Unreadable").await;
    }
}

#[tokio::test]
async fn edits_that_go_on_do_not_stop_the_work_beside_a_dark_account() {
    let setup = Setup::new(fleet(4, 2), &beside_dark("active", 0)).await;
    let _daemon = darkened(&setup, &[1]).await;
    let mut ticks = interval(Duration::from_millis(300));
    let mut edits = 0;
    while setup.status_of(3) != AccountStatus::Suspended {
        ticks.tick().await;
        edits += 1;
        assert!(edits < 60, "nothing was done in {edits} edits");
        setup.write(&beside_dark("suspended", edits));
    }
}

#[tokio::test]
async fn list_that_answers_again_is_read_once_its_entry_is_edited() {
    let claim = |more: &str| {
        state(&(entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))) + &entry(2, "active", more)))
    };
    let setup = Setup::new(fleet(2, 2), &claim("")).await;
    let daemon = darkened(&setup, &[2]).await;
    held_as(&daemon, 1, "transfer", "Unreadable").await;
    setup.sim.faults().clear();
    daemon.more_passes(3).await;
    assert_eq!(setup.owner(2), ac(2), "a list that failed is not asked for in each pass");
    setup.write(&claim(", reason: now"));
    eventually("moved", async || setup.owner(2) == ac(1)).await;
    let log = daemon.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains("number lists ")).collect();
    let [begin, end] = told[..] else { panic!("{log}") };
    assert!(begin.contains("\"WARN\"") && begin.contains("unreadable: 1 new, 1 in all"), "{begin}");
    assert!(end.contains("\"INFO\"") && end.contains("readable again: all, of up to 1"), "{end}");
    assert!(end.contains("\"duration_ms\":"), "{end}");
}

#[tokio::test]
async fn comments_that_change_all_the_time_make_no_requests() {
    let setup = Setup::new(fleet(2, 0), &beside_dark("active", 0)).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    // A claimed number is missing, which asks for every list.
    let before = setup.sim.requests().len();
    let mut ticks = interval(Duration::from_millis(100));
    for n in 0..20 {
        ticks.tick().await;
        setup.write(&format!("# {n}\n{}", beside_dark("active", 0)));
    }
    let read = daemon.status().await["desiredState"]["sha256"].clone();
    setup.write(&format!("# last\n{}", beside_dark("active", 0)));
    eventually("the last one is read", async || daemon.status().await["desiredState"]["sha256"] != read)
        .await;
    assert_eq!(setup.sim.requests().len(), before);
}

#[tokio::test]
async fn account_list_that_never_answers_does_not_outlive_sigterm() {
    let setup = Setup::new(fleet(1, 0), &suspended("")).await;
    setup.sim.inject(Fault::new(FaultKind::Stall));
    let mut daemon = setup.daemon(&["--interval", "100ms", "--request-timeout", "5m"]).await;
    eventually("it is asked for", async || !setup.sim.requests().is_empty()).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0), "{}", daemon.log());
    assert_eq!(writes(&setup), []);
}
