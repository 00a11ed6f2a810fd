//! Limits count existing objects, and a write with an unknown outcome gives its place to its own repeat only.

use twilio_sim::{AccountStatus, Fault, Operation};

use crate::{
    support::{Setup, ac, code, entry, eventually, fleet, phone, state, stdout},
    trust::views::{held_as, kill, writes},
};

fn suspensions(accounts: impl Iterator<Item = u64>) -> String {
    accounts.map(|n| entry(n, "suspended", "")).collect()
}

fn claims(to: u64, numbers: impl Iterator<Item = u64>) -> String {
    let numbers: Vec<_> = numbers.map(|n| format!("\"{}\"", phone(n))).collect();
    entry(to, "active", &format!(", numbers: [{}]", numbers.join(", ")))
}

#[tokio::test]
async fn entries_of_accounts_that_are_closed_or_gone_raise_no_limit() {
    let closed = (100..280).map(|n| entry(n, "closed", &format!(", close: {{confirm: a{n}}}")));
    let entries = suspensions(1..=20) + &closed.collect::<String>();
    // Half of them are closed, and half are absent.
    let world = (100..190)
        .fold(fleet(20, 0), |world, n| world.account(&ac(n), &format!("a{n}"), AccountStatus::Closed));
    let setup = Setup::new(world, &state(&entries)).await;
    let applied = setup.run(&["apply", "--max-suspends", "10%"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("over its limit of 2"), "{}", stdout(&applied));
    assert_eq!(writes(&setup), []);
}

#[tokio::test]
async fn entries_of_unknown_accounts_raise_no_limit() {
    let entries = suspensions(1..=4) + &(100..200).map(|n| entry(n, "active", "")).collect::<String>();
    let setup = Setup::new(fleet(4, 0), &state(&entries)).await;
    let applied = setup.run(&["apply", "--max-suspends", "10%"]).await;
    assert!(stdout(&applied).contains("over its limit of 2"), "{}", stdout(&applied));
    assert_eq!(writes(&setup), []);
}

#[tokio::test]
async fn claims_of_unknown_numbers_raise_no_limit() {
    let entries = claims(1, (2..=12).chain(500..600));
    let setup = Setup::new(fleet(12, 12), &state(&entries)).await;
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("over its limit of 10"), "{}", stdout(&applied));
    assert_eq!(writes(&setup), []);
}

/// Claims a number for one account after the other, while every answer is lost.
async fn claimed_in_turn(fault: Fault) -> Setup {
    let setup = Setup::new(fleet(6, 1), &state(&claims(2, 1..=1))).await;
    setup.sim.inject(fault.on(Operation::UpdateNumber));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-transfers", "1"]).await;
    eventually("the first", async || !writes(&setup).is_empty()).await;
    for to in 3..=6 {
        setup.write(&state(&claims(to, 1..=1)));
        held_as(&daemon, to, "transfer", "OverLimit").await;
    }
    setup
}

#[tokio::test]
async fn unknown_transfer_gives_its_place_to_no_transfer_to_another_account() {
    let setup = claimed_in_turn(Fault::reset_after()).await;
    assert!(writes(&setup).iter().all(|(_, to)| *to == ac(2)), "{:?}", writes(&setup));
    assert_eq!(setup.owner(1), ac(2));
    let setup = claimed_in_turn(Fault::status(500, 20500)).await;
    assert!(writes(&setup).iter().all(|(_, to)| *to == ac(2)), "{:?}", writes(&setup));
    assert_eq!(setup.owner(1), ac(1));
}

#[tokio::test]
async fn unknown_suspension_gives_its_place_to_no_other_account() {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::status(500, 20500).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "1"]).await;
    held_as(&daemon, 1, "suspend", "Unconfirmed").await;
    setup.sim.faults().clear();
    setup.write(&state(&(entry(1, "active", "") + &entry(2, "suspended", ""))));
    held_as(&daemon, 2, "suspend", "OverLimit").await;
    // Its own repeat is within the limit, and is the last.
    setup.write(&state(&(entry(1, "suspended", ", reason: again") + &entry(2, "active", ""))));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    setup.write(&state(&suspensions(1..=2)));
    held_as(&daemon, 2, "suspend", "OverLimit").await;
    assert_eq!(setup.status_of(2), AccountStatus::Active);
}

#[tokio::test]
async fn unknown_suspension_whose_effect_was_seen_gives_its_place_to_no_second_one() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::reset_after().on(Operation::UpdateAccount).times(1));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "1"]).await;
    daemon.settled().await;
    setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
    held_as(&daemon, 1, "suspend", "OverLimit").await;
    kill(daemon).await;
    // Nor after a restart.
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "1"]).await;
    held_as(&daemon, 1, "suspend", "OverLimit").await;
    assert_eq!(writes(&setup).len(), 1);
}
