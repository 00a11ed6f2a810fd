//! The numbers of an account and the time of the decision to close it are remembered, whatever the state says meanwhile.

use twilio_sim::{
    AccountStatus::{Active, Closed, Suspended},
    Fault, Operation,
};

use super::steps::{decide, held, move_number, step_twilio, switch};
use crate::support::{Daemon, Setup, ac, code, entry, flat, fleet, phone, state, stderr};

const AT_ONCE: [&str; 3] = ["apply", "--close-after", "0s"];

fn claims(n: u64, numbers: &[u64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(|&number| format!("\"{}\"", phone(number))).collect();
    entry(n, "active", &format!(", numbers: [{}]", numbers.join(", ")))
}

fn closed(n: u64, more: &str) -> String {
    entry(n, "closed", &format!(", close: {{confirm: a{n}{more}}}"))
}

/// Account 1 with numbers 1 and 2, account 2 with number 3.
async fn holding(text: &str) -> Setup {
    let number = |n: u64| (format!("PN{n:032x}"), phone(n));
    let ((first, one), (second, two), (third, three)) = (number(1), number(2), number(3));
    let world = fleet(2, 0).number(&first, &one, &ac(1)).number(&second, &two, &ac(1));
    let setup = Setup::new(world.number(&third, &three, &ac(2)), text).await;
    switch(&setup, "suspendedNumbers=empty");
    setup
}

/// Account 1 is suspended externally, its list shows nothing any more, and the state closes it: it must not be closed.
async fn is_not_closed_once_it_is_dark(setup: &Setup) {
    setup.suspend_elsewhere(1);
    setup.write(&state(&(closed(1, "") + &entry(2, "active", ""))));
    for _ in 0..2 {
        let applied = setup.run(&AT_ONCE).await;
        assert_eq!(code(&applied), 3, "{}{}", flat(&applied), stderr(&applied));
        assert!(flat(&applied).contains("StillHoldsNumbers"), "{}", flat(&applied));
    }
    assert_eq!(setup.status_of(1), Suspended);
    assert_eq!(setup.sim.world().released(), []);
}

#[tokio::test]
async fn close_answers_for_the_numbers_that_the_account_claimed_while_it_was_active() {
    let setup = holding(&state(&(claims(1, &[1, 2]) + &entry(2, "active", "")))).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 0);
    is_not_closed_once_it_is_dark(&setup).await;
}

#[tokio::test]
async fn close_answers_for_the_numbers_of_an_entry_that_was_missing_for_one_pass() {
    let with = state(&(closed(1, "") + &entry(2, "active", "")));
    let setup = holding(&with).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 3);
    setup.write(&state(&entry(2, "active", "")));
    assert_eq!(code(&setup.run(&AT_ONCE).await), 0);
    is_not_closed_once_it_is_dark(&setup).await;
}

#[tokio::test]
async fn close_answers_for_the_numbers_of_an_entry_that_had_a_fault_for_one_pass() {
    let setup = holding(&state(&(closed(1, "") + &entry(2, "active", "")))).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 3);
    setup.write(&state(&(entry(1, "clsoed", "") + &entry(2, "active", ""))));
    assert_eq!(code(&setup.run(&AT_ONCE).await), 1);
    is_not_closed_once_it_is_dark(&setup).await;
}

#[tokio::test]
async fn close_answers_for_the_numbers_of_an_account_that_was_unlisted_when_they_were_read() {
    // The search for an unknown number reads the lists of all accounts.
    let setup = holding(&state(&claims(2, &[3, 9]))).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 3);
    is_not_closed_once_it_is_dark(&setup).await;
}

#[tokio::test]
async fn close_answers_for_the_numbers_of_an_account_that_the_daemon_suspended_itself() {
    let setup = holding(&state(&(claims(1, &[1, 2]) + &entry(2, "active", "")))).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 0);
    setup.write(&state(&(entry(1, "suspended", "") + &entry(2, "active", ""))));
    assert_eq!(code(&setup.run(&AT_ONCE).await), 0);
    is_not_closed_once_it_is_dark(&setup).await;
}

#[tokio::test]
async fn close_no_longer_answers_for_a_number_that_was_seen_elsewhere() {
    let setup = holding(&state(&(claims(1, &[1, 2]) + &claims(2, &[3])))).await;
    assert_eq!(code(&setup.run(&AT_ONCE).await), 0);
    move_number(&setup, 1, &ac(2));
    move_number(&setup, 2, &ac(2));
    setup.suspend_elsewhere(1);
    setup.write(&state(&(closed(1, "") + &claims(2, &[1, 2, 3]))));
    let applied = setup.run(&AT_ONCE).await;
    assert_eq!(code(&applied), 0, "{}{}", flat(&applied), stderr(&applied));
    assert_eq!(setup.status_of(1), Closed);
    assert_eq!(setup.sim.world().released(), []);
}

// The rest of a new decision. Twilio's clock is stepped, so that no test waits for it.

/// The rest of these tests, and a step of the clock that is longer.
const RESTS: &str = "120s";
const STEP: i64 = 130;

/// A daemon that makes a pass when the state changes, and for which a step of the clock is not a time without passes.
async fn patient(setup: &Setup, more: &[&str]) -> Daemon {
    setup.daemon(&[&["--interval", "1h", "--close-after", RESTS][..], more].concat()).await
}

/// Account 1 is suspended, and account 2 active.
async fn resting(text: &str) -> Setup {
    let setup = Setup::new(fleet(2, 0).number(&format!("PN{:032x}", 1), &phone(1), &ac(1)), text).await;
    setup.suspend_elsewhere(1);
    setup
}

/// Asserts that the last pass did not change account 1, because its rest has just begun.
async fn rests_anew(setup: &Setup, daemon: &Daemon) {
    let held = held(daemon).await;
    assert!(held.contains("CoolingOff"), "{held}");
    assert_eq!(setup.status_of(1), Suspended);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

fn with_neighbour(first: &str) -> String {
    state(&(first.to_owned() + &entry(2, "active", "")))
}

/// The same state with another reason, for another pass.
fn reworded(first: &str) -> String {
    state(&(first.to_owned() + &entry(2, "active", ", reason: customer")))
}

/// Account 1 has no number.
async fn empty(text: &str) -> Setup {
    let setup = resting(text).await;
    move_number(&setup, 1, &ac(2));
    setup
}

#[tokio::test]
async fn close_comes_after_its_rest_when_only_words_changed_meanwhile() {
    let setup = empty(&with_neighbour(&closed(1, ""))).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    step_twilio(&setup, STEP);
    // Neither ends the run of the decision. Without a new decision the rest is over.
    let worded = entry(1, "closed", ", close: {confirm: a1}, reason: unpaid, labels: {ticket: OPS-12}");
    decide(&setup, &daemon, &with_neighbour(&worded)).await;
    assert_eq!(setup.status_of(1), Closed, "{}", held(&daemon).await);
}

#[tokio::test]
async fn close_rests_anew_after_it_was_withdrawn_beside_a_fault_elsewhere() {
    let text = with_neighbour(&closed(1, ""));
    let setup = empty(&text).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &state(&(entry(1, "suspended", "") + &entry(2, "atcive", "")))).await;
    decide(&setup, &daemon, &text).await;
    rests_anew(&setup, &daemon).await;
}

#[tokio::test]
async fn close_rests_anew_after_its_entry_was_gone() {
    let text = with_neighbour(&closed(1, ""));
    let setup = empty(&text).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &state(&entry(2, "active", ""))).await;
    decide(&setup, &daemon, &text).await;
    rests_anew(&setup, &daemon).await;
}

#[tokio::test]
async fn close_does_not_rest_while_the_state_is_not_read() {
    let text = with_neighbour(&closed(1, ""));
    let setup = empty(&text).await;
    let args = ["--interval", "1s", "--close-after", RESTS];
    {
        let daemon = setup.daemon(&args).await;
        daemon.more_passes(2).await;
        assert!(held(&daemon).await.contains("CoolingOff"));
    }
    // It is withdrawn and decided again while the daemon is away.
    step_twilio(&setup, STEP);
    let daemon = setup.daemon(&args).await;
    daemon.more_passes(2).await;
    rests_anew(&setup, &daemon).await;
    assert!(
        held(&daemon).await.contains("in which no pass read the desired state"),
        "{}",
        held(&daemon).await
    );
}

#[tokio::test]
async fn close_does_not_rest_between_two_runs_of_apply() {
    let setup = empty(&with_neighbour(&closed(1, ""))).await;
    let args = ["apply", "--close-after", RESTS];
    assert_eq!(code(&setup.run(&args).await), 3);
    // Longer than three intervals.
    step_twilio(&setup, 250);
    let applied = setup.run(&args).await;
    assert!(flat(&applied).contains("CoolingOff"), "{}", flat(&applied));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn close_rests_anew_for_a_number_that_was_added_to_its_release() {
    let setup = resting(&with_neighbour(&closed(1, ""))).await;
    let daemon = patient(&setup, &["--max-released-numbers", "1"]).await;
    daemon.first_pass().await;
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &reworded(&closed(1, ""))).await;
    assert!(held(&daemon).await.contains("StillHoldsNumbers"));
    let released = closed(1, &format!(", release: [\"{}\"]", phone(1)));
    decide(&setup, &daemon, &with_neighbour(&released)).await;
    rests_anew(&setup, &daemon).await;
    assert_eq!(setup.owner(1), ac(1));
}

#[tokio::test]
async fn close_rests_anew_when_it_confirms_another_name() {
    let setup = empty(&with_neighbour(&entry(1, "closed", ", close: {confirm: b1}"))).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &reworded(&entry(1, "closed", ", close: {confirm: b1}"))).await;
    assert!(held(&daemon).await.contains("NameMismatch"));
    decide(&setup, &daemon, &with_neighbour(&closed(1, ""))).await;
    rests_anew(&setup, &daemon).await;
}

#[tokio::test]
async fn close_rests_anew_when_it_was_withdrawn_while_twilio_did_not_answer() {
    let text = with_neighbour(&closed(1, ""));
    let setup = empty(&text).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    setup.sim.inject(Fault::status(404, 20404).on(Operation::ListAccounts));
    decide(&setup, &daemon, &with_neighbour(&entry(1, "suspended", ""))).await;
    setup.sim.faults().clear();
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &text).await;
    rests_anew(&setup, &daemon).await;
    assert_eq!(setup.status_of(2), Active);
}

#[tokio::test]
async fn close_rests_from_the_time_that_twilio_tells_in_the_pass_of_its_decision() {
    let setup = empty(&with_neighbour(&entry(1, "suspended", ""))).await;
    let daemon = patient(&setup, &[]).await;
    daemon.first_pass().await;
    // As after a sleep of the machine, and of the clock that advances Twilio's time.
    step_twilio(&setup, STEP);
    decide(&setup, &daemon, &with_neighbour(&closed(1, ""))).await;
    rests_anew(&setup, &daemon).await;
}
