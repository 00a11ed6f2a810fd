//! Lists that lag behind writes: our own change is not taken for an external one, and no write is made twice.

use jiff::Timestamp;
use twilio_sim::{Account, AccountStatus, Fault, Operation};

use crate::{
    support::{Daemon, Setup, ac, entry, eventually, fleet, phone, state},
    trust::views::{held_as, kill, listed, lists_numbers, switch, writes},
};

fn suspended(accounts: &[u64]) -> String {
    state(&accounts.iter().map(|n| entry(*n, "suspended", "")).collect::<String>())
}

fn active(accounts: &[u64]) -> String {
    state(&accounts.iter().map(|n| entry(*n, "active", "")).collect::<String>())
}

fn claims(n: u64, number: u64) -> String {
    state(&entry(n, "active", &format!(", numbers: [\"{}\"]", phone(number))))
}

/// A daemon that has seen the fleet in sync, on lists that lag by `lag` from now on.
async fn lagging(setup: &Setup, lag: &str, args: &[&str]) -> Daemon {
    let daemon = setup.daemon(&[&["--interval", "100ms"], args].concat()).await;
    daemon.settled().await;
    switch(setup, &format!("accountListLagMs={lag}"));
    switch(setup, &format!("numberListLagMs={lag}"));
    daemon
}

#[tokio::test]
async fn suspensions_are_made_once_and_cost_once_when_the_account_list_lags() {
    let setup = Setup::new(fleet(2, 0), &active(&[1, 2])).await;
    let daemon = lagging(&setup, "2000", &["--max-suspends", "9"]).await;
    setup.write(&suspended(&[1, 2]));
    listed(&setup, 1, AccountStatus::Suspended).await;
    listed(&setup, 2, AccountStatus::Suspended).await;
    daemon.more_passes(2).await;
    assert_eq!(writes(&setup).len(), 2, "{:?}", writes(&setup));
    assert_eq!(daemon.metric("subaccountd_budget_remaining{kind=\"suspend\"}").await, 7.0);
}

#[tokio::test]
async fn transfer_is_made_once_when_the_number_lists_lag() {
    let setup = Setup::new(fleet(2, 2), &active(&[1, 2])).await;
    let daemon = lagging(&setup, "2000", &[]).await;
    setup.write(&claims(1, 2));
    eventually("moved", async || setup.owner(2) == ac(1)).await;
    lists_numbers(&setup, 1, 2).await;
    daemon.more_passes(2).await;
    assert_eq!(writes(&setup).len(), 1, "{:?}", writes(&setup));
    assert_eq!(daemon.metric("subaccountd_budget_remaining{kind=\"transfer\"}").await, 9.0);
}

#[tokio::test]
async fn suspension_of_ours_is_lifted_when_the_account_is_wanted_back_within_the_lag() {
    let setup = Setup::new(fleet(1, 0), &active(&[1])).await;
    let daemon = lagging(&setup, "1500", &[]).await;
    setup.write(&suspended(&[1]));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    setup.write(&active(&[1]));
    // The list shows the suspension only now, and later the reactivation.
    listed(&setup, 1, AccountStatus::Suspended).await;
    eventually("active again", async || setup.status_of(1) == AccountStatus::Active).await;
    listed(&setup, 1, AccountStatus::Active).await;
    daemon.settled().await;
    daemon.more_passes(2).await;
    let sid = ac(1);
    assert_eq!(writes(&setup), [(sid.clone(), "suspended".into()), (sid, "active".into())]);
}

#[tokio::test]
async fn one_reversion_is_not_counted_twice_when_the_list_lags() {
    let setup = Setup::new(fleet(1, 0), &active(&[1])).await;
    let daemon = lagging(&setup, "1500", &[]).await;
    setup.write(&suspended(&[1]));
    for reversions in 1..=2 {
        listed(&setup, 1, AccountStatus::Suspended).await;
        daemon.more_passes(2).await;
        assert!(!daemon.log().contains("Contested"), "after {} reversions", reversions - 1);
        setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
        if reversions == 1 {
            eventually("suspended again", async || setup.status_of(1) == AccountStatus::Suspended).await;
        }
    }
    held_as(&daemon, 1, "suspend", "Contested").await;
    assert_eq!(writes(&setup).len(), 2, "{:?}", writes(&setup));
}

#[tokio::test]
async fn suspension_is_made_once_when_the_daemon_is_killed_within_the_lag() {
    let setup = Setup::new(fleet(1, 1), &active(&[1])).await;
    let daemon = lagging(&setup, "3000", &[]).await;
    setup.write(&suspended(&[1]));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    kill(daemon).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    listed(&setup, 1, AccountStatus::Suspended).await;
    daemon.more_passes(2).await;
    assert_eq!(writes(&setup).len(), 1, "{:?}", writes(&setup));
}

#[tokio::test]
async fn suspension_by_others_within_the_lag_of_our_reactivation_is_not_lifted() {
    let setup = Setup::new(fleet(1, 0), &active(&[1])).await;
    let daemon = lagging(&setup, "1500", &[]).await;
    setup.write(&suspended(&[1]));
    listed(&setup, 1, AccountStatus::Suspended).await;
    setup.write(&active(&[1]));
    eventually("lifted", async || setup.status_of(1) == AccountStatus::Active).await;
    let fraud = |account: &mut Account| {
        account.status = AccountStatus::Suspended;
        "fraud".clone_into(&mut account.friendly_name);
    };
    setup.sim.edit_account(&ac(1), fraud).unwrap();
    // The list shows our suspension, our reactivation and theirs, one after the other.
    eventually("the list shows theirs", async || {
        let accounts = setup.sim.world().listed_accounts(Timestamp::UNIX_EPOCH);
        accounts.iter().any(|account| account.friendly_name == "fraud")
    })
    .await;
    daemon.more_passes(2).await;
    held_as(&daemon, 1, "reactivate", "SuspendedElsewhere").await;
    assert_eq!(writes(&setup).len(), 2, "{:?}", writes(&setup));
}

#[tokio::test]
async fn suspension_that_takes_effect_late_is_ours_to_lift() {
    let setup = Setup::new(fleet(1, 0), &active(&[1])).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    setup.sim.inject(Fault::late(1_500).on(Operation::UpdateAccount).times(1));
    // The pass after the lost answer observes slowly, so that the edit comes before its write.
    setup.sim.inject(Fault::latency(700).on(Operation::ListAccounts));
    setup.write(&suspended(&[1]));
    eventually("the answer is lost", async || setup.sim.late_writes() == 1).await;
    setup.write(&active(&[1]));
    eventually("it takes effect", async || setup.sim.late_writes() == 0).await;
    assert_eq!(writes(&setup).len(), 1, "{:?}", writes(&setup));
    eventually("lifted", async || setup.status_of(1) == AccountStatus::Active).await;
    daemon.settled().await;
    assert_eq!(writes(&setup).len(), 2, "{:?}", writes(&setup));
}

#[tokio::test]
async fn number_goes_on_from_where_it_is_when_it_is_claimed_elsewhere_within_the_lag() {
    let setup = Setup::new(fleet(3, 2), &active(&[1, 2, 3])).await;
    let daemon = lagging(&setup, "2000", &[]).await;
    setup.write(&claims(1, 2));
    eventually("moved", async || setup.owner(2) == ac(1)).await;
    setup.write(&claims(3, 2));
    eventually("moved on", async || setup.owner(2) == ac(3)).await;
    lists_numbers(&setup, 3, 1).await;
    daemon.settled().await;
    daemon.more_passes(2).await;
    let transfers: Vec<_> =
        setup.sim.requests().into_iter().filter(|r| r.operation == Some(Operation::UpdateNumber)).collect();
    assert_eq!(transfers.iter().map(|r| r.status).collect::<Vec<_>>(), [Some(200), Some(200)]);
    assert_eq!(transfers[1].account, Some(ac(1)), "from its real owner");
}

#[tokio::test]
async fn closing_account_is_emptied_once_and_closed_without_a_loss_when_lists_lag() {
    let setup = Setup::new(fleet(2, 2), &active(&[1, 2])).await;
    let daemon = lagging(&setup, "1000", &["--close-after", "0s"]).await;
    setup.write(&state(&entry(1, "closed", ", close: {confirm: a1, moveNumbersToMain: true}")));
    eventually("closed", async || setup.status_of(1) == AccountStatus::Closed).await;
    listed(&setup, 1, AccountStatus::Closed).await;
    daemon.settled().await;
    let asked: Vec<_> = writes(&setup).into_iter().map(|(_, asked)| asked).collect();
    assert_eq!(asked, [ac(0), "suspended".to_owned(), "closed".to_owned()]);
    let released = setup.sim.world().released().len();
    assert_eq!((released, setup.owner(1)), (0, ac(0)));
}
