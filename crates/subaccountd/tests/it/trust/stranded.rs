//! Suspended accounts accept no transfer, and may release none: a suspension waits for a transfer that failed.

use twilio_sim::{AccountStatus, Fault, Operation};

use crate::{
    support::{Setup, ac, code, entry, eventually, flat, fleet, phone, state},
    trust::views::{held_as, kill, switch, writes},
};

/// Account 1 claims the number that account 2 holds, and the state suspends account `suspended` of the two.
fn moving(suspended: u64, more: &str) -> String {
    let status = |n: u64| if n == suspended { "suspended" } else { "active" };
    state(&(entry(1, status(1), &format!(", numbers: [\"{}\"]{more}", phone(2))) + &entry(2, status(2), "")))
}

/// A world in which no number can leave a suspended account.
async fn setup(state: &str) -> Setup {
    let setup = Setup::new(fleet(2, 2), state).await;
    switch(&setup, "transferFromSuspended=refused");
    setup
}

fn refuses() -> Fault {
    Fault::status(400, 21631)
}

/// The asked statuses and owners, in order.
fn asked(setup: &Setup) -> Vec<String> {
    writes(setup).into_iter().map(|(_, asked)| asked).collect()
}

async fn waits_for_a_second_try(suspended: u64) {
    let setup = setup(&moving(suspended, "")).await;
    setup.sim.inject(refuses().on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, suspended, "suspend", "RefusedByTwilio").await;
    daemon.more_passes(3).await;
    assert_eq!(asked(&setup), [ac(1)], "it is not suspended in the same pass, nor in the next ones");
    // A changed entry ends the pause of the transfer.
    setup.write(&moving(suspended, ", reason: once more"));
    eventually("suspended", async || setup.status_of(suspended) == AccountStatus::Suspended).await;
    assert_eq!(setup.owner(2), ac(1), "the number came first");
    assert_eq!(asked(&setup), [ac(1), ac(1), "suspended".to_owned()]);
}

#[tokio::test]
async fn giver_is_not_suspended_when_its_transfer_failed_once() {
    waits_for_a_second_try(2).await;
}

#[tokio::test]
async fn receiver_is_not_suspended_when_its_transfer_failed_once() {
    waits_for_a_second_try(1).await;
}

#[tokio::test]
async fn suspension_waits_for_a_transfer_that_was_rate_limited() {
    let setup = setup(&moving(2, "")).await;
    setup.sim.inject(Fault::status(429, 20429).retry_after(1).on(Operation::UpdateNumber).times(2));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    let to = ac(1);
    assert_eq!(asked(&setup), [to.clone(), to.clone(), to, "suspended".to_owned()]);
}

#[tokio::test]
async fn suspension_waits_for_a_transfer_whose_answer_was_lost() {
    let setup = setup(&moving(2, "")).await;
    setup.sim.inject(Fault::reset().on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    assert_eq!(asked(&setup), [ac(1), ac(1), "suspended".to_owned()]);
}

#[tokio::test]
async fn suspension_still_waits_when_the_daemon_is_killed() {
    let setup = setup(&moving(2, "")).await;
    setup.sim.inject(refuses().on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 2, "suspend", "RefusedByTwilio").await;
    kill(daemon).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    held_as(&daemon, 2, "suspend", "RefusedByTwilio").await;
    daemon.more_passes(2).await;
    assert_eq!(asked(&setup), [ac(1)]);
}

/// Twilio never answers about the number: the suspension does not wait for ever, and the plan names the number that stays
/// behind.
#[tokio::test]
async fn suspension_goes_on_after_the_second_try_and_names_the_number_that_stays() {
    let setup = setup(&moving(2, "")).await;
    setup.sim.inject(Fault::status(500, 20500).on(Operation::UpdateNumber));
    assert_eq!(code(&setup.run(&["apply", "--verbs", "transfer"]).await), 1);
    assert_eq!(asked(&setup), [ac(1), ac(1)], "two tries");
    let plan = flat(&setup.run(&["plan"]).await);
    let told = format!("Twilio does not accept into a suspended account: {}", phone(2));
    assert!(plan.contains(&told), "{plan}");
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    eventually("suspended", async || setup.status_of(2) == AccountStatus::Suspended).await;
    held_as(&daemon, 1, "transfer", "Unconfirmed").await;
}

/// The transfer could not begin, because its receiver could not be reactivated at once.
#[tokio::test]
async fn giver_is_not_suspended_when_the_reactivation_of_the_receiver_failed_once() {
    let setup = setup(&moving(2, "")).await;
    setup.suspend_elsewhere(1);
    setup.sim.inject(refuses().on(Operation::UpdateAccount).account(&ac(1)).times(1));
    let daemon = setup.daemon(&["--interval", "100ms", "--reactivation", "always"]).await;
    held_as(&daemon, 1, "reactivate", "RefusedByTwilio").await;
    daemon.more_passes(3).await;
    assert_eq!(asked(&setup), ["active"]);
    setup.write(&moving(2, ", reason: once more"));
    eventually("suspended", async || setup.status_of(2) == AccountStatus::Suspended).await;
    assert_eq!(setup.owner(2), ac(1), "the number came first");
}
