//! Changes by customers, colleagues and bots: they block no work of the daemon.

use std::time::Duration;

use tokio::time::interval;
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::{
    support::{Setup, ac, entry, eventually, fleet, phone, state},
    trust::views::{held_as, kill, writes},
};

fn named(status: &str, more: &str) -> String {
    state(&entry(1, status, &format!(", friendlyName: a1{more}")))
}

fn rename(setup: &Setup) {
    setup.sim.edit_account(&ac(1), |account| "paid in full".clone_into(&mut account.friendly_name)).unwrap();
}

#[tokio::test]
async fn renamed_account_is_suspended_when_it_was_seen_under_the_name_of_its_entry() {
    let setup = Setup::new(fleet(1, 0), &named("active", "")).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    rename(&setup);
    daemon.more_passes(2).await;
    setup.write(&named("suspended", ""));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn renamed_account_is_suspended_when_the_daemon_was_away_as_it_was_renamed() {
    let setup = Setup::new(fleet(1, 0), &named("active", "")).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    kill(daemon).await;
    rename(&setup);
    setup.write(&named("suspended", ""));
    let _daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn account_that_was_never_seen_under_the_name_of_its_entry_is_left_alone() {
    let setup = Setup::new(fleet(1, 0), &named("suspended", "")).await;
    rename(&setup);
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 1, "suspend", "NameMismatch").await;
    // The name of another entry is not a proof.
    setup.write(&state(&entry(1, "active", ", friendlyName: paid in full")));
    daemon.settled().await;
    setup.write(&named("suspended", ""));
    held_as(&daemon, 1, "suspend", "NameMismatch").await;
    assert_eq!(writes(&setup), []);
}

#[tokio::test]
async fn renamed_account_is_neither_closed_nor_given_numbers() {
    let setup = Setup::new(fleet(2, 2), &named("active", "")).await;
    let daemon =
        setup.daemon(&["--interval", "100ms", "--close-after", "0s", "--max-released-numbers", "9"]).await;
    daemon.settled().await;
    rename(&setup);
    daemon.more_passes(1).await;
    setup.write(&named("active", &format!(", numbers: [\"{}\"]", phone(2))));
    held_as(&daemon, 1, "transfer", "NameMismatch").await;
    setup.write(&named("closed", &format!(", close: {{confirm: a1, release: [\"{}\"]}}", phone(1))));
    held_as(&daemon, 1, "close", "NameMismatch").await;
    assert_eq!(writes(&setup), []);
}

/// The window of the budgets is short here, so that it ends before the merge is undone.
#[tokio::test]
async fn bad_merge_is_undone_freely_after_the_window() {
    let entries = |status: &str| state(&(1..=2).map(|n| entry(n, status, "")).collect::<String>());
    let setup = Setup::new(fleet(3, 0), &entries("suspended")).await;
    let limits = ["--budget-window", "3s", "--max-reactivations", "0", "--max-suspends", "2"];
    let daemon = setup.daemon(&[&["--interval", "100ms"], &limits[..]].concat()).await;
    daemon.settled().await;
    for left in [0.0, 2.0] {
        eventually("the budget is spent, and then the window is over", async || {
            daemon.metric("subaccountd_budget_remaining{kind=\"suspend\"}").await == left
        })
        .await;
    }
    // Also by another process.
    kill(daemon).await;
    setup.write(&entries("active"));
    let daemon = setup.daemon(&[&["--interval", "100ms"], &limits[..]].concat()).await;
    daemon.settled().await;
    assert_eq!((setup.status_of(1), setup.status_of(2)), (AccountStatus::Active, AccountStatus::Active));
    // Lifting an external suspension is not free, even when the state asks for it.
    setup.suspend_elsewhere(3);
    let since = setup.sim.world().account(&ac(3)).unwrap().date_updated;
    setup.write(&state(&entry(3, "active", &format!(", liftSuspensionsBefore: \"{since}\""))));
    held_as(&daemon, 3, "reactivate", "OverLimit").await;
}

/// Edits the entry of account 2 all the time, until account 1 is suspended.
async fn committed_to(bot: impl Fn(u32) -> String) {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    // Whatever is planned, a commit comes before it can be written.
    setup.sim.inject(Fault::latency(600).on(Operation::ListAccounts));
    let mut ticks = interval(Duration::from_millis(250));
    let mut commits = 0;
    while setup.status_of(1) != AccountStatus::Suspended {
        ticks.tick().await;
        commits += 1;
        assert!(commits < 60, "every write was skipped in {commits} commits");
        setup.write(&state(&(entry(1, "suspended", "") + &bot(commits))));
    }
}

#[tokio::test]
async fn bot_that_commits_all_the_time_stops_no_write_of_other_entries() {
    committed_to(|n| entry(2, "active", &format!(", reason: \"{n}\""))).await;
}

#[tokio::test]
async fn bot_that_adds_and_removes_entries_all_the_time_stops_no_write_of_other_entries() {
    committed_to(|n| (0..n % 7).map(|more| entry(100 + u64::from(more), "active", "")).collect()).await;
}

#[tokio::test]
async fn commit_to_the_very_entry_stops_its_write() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    setup.sim.inject(Fault::latency(700).on(Operation::ListAccounts).times(1));
    setup.sim.clear_requests();
    setup.write(&state(&(entry(1, "suspended", "") + &entry(2, "suspended", ""))));
    eventually("it observes", async || !setup.sim.requests().is_empty()).await;
    setup.write(&state(&(entry(1, "active", "") + &entry(2, "suspended", ""))));
    eventually("the other", async || setup.status_of(2) == AccountStatus::Suspended).await;
    daemon.settled().await;
    assert_eq!(writes(&setup), [(ac(2), "suspended".to_owned())]);
}
