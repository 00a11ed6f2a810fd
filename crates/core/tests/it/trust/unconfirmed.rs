//! Writes that end unknown again and again: the first is repeated at once, then with pauses.

use subaccountd_core::{ActionKind, Outcome, Receipt, Status};

use crate::support::scene::{Scene, unknown};

const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const HELD: &str = "Unconfirmed suspend AC01";

fn suspending() -> Scene {
    Scene::new(SUSPENDED).active("AC01")
}

/// Tries until the pauses are these, in seconds.
fn check_pauses(mut scene: Scene, held: &str, planned: &str, pauses: &[u64]) {
    scene = scene.does(&unknown());
    assert_eq!(scene.brief(), planned, "the first repeat follows at once");
    scene = scene.does(&unknown());
    for pause in pauses {
        assert_eq!(scene.clone().after(&format!("{}s", pause - 1)).brief(), held, "{pause} s");
        scene = scene.restarted().after(&format!("{pause}s"));
        assert_eq!(scene.brief(), planned, "{pause} s");
        scene = scene.does(&unknown());
    }
}

#[test]
fn unknown_write_is_repeated_at_once_then_with_pauses_up_to_an_hour() {
    let pauses = [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600];
    check_pauses(suspending(), HELD, "suspend AC01", &pauses);
    let state = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}, {sid: AC02, status: active}]"#;
    let transfer = Scene::new(state).holds("AC02", "+15105550101");
    let (held, planned) =
        ("Unconfirmed transfer AC01 +15105550101", "transfer +15105550101 from AC02 to AC01");
    check_pauses(transfer, held, planned, &pauses);
}

#[test]
fn unknown_reactivation_is_repeated_with_pauses_up_to_two_minutes() {
    let scene = Scene::new("subaccounts: [{sid: AC01, status: active}]").suspended("AC01");
    let held = "Unconfirmed reactivate AC01";
    check_pauses(scene, held, "reactivate AC01", &[15, 30, 60, 120, 120, 120, 120]);
}

#[test]
fn unconfirmed_write_names_the_object_the_tries_and_the_time_of_the_next_one() {
    let scene = suspending().does(&unknown()).does(&unknown()).does(&unknown());
    insta::assert_snapshot!(scene.shown(), @r"
    Unconfirmed: suspend of AC01
      suspend AC01: unknown outcome of the last 2 tries: timed out
      = wait: retried at 2026-06-01T12:00:15Z; check Twilio's status page, and the object in the Console
    ");
}

#[test]
fn pause_of_an_unknown_write_ends_when_the_entry_changes() {
    let scene = suspending().does(&unknown()).does(&unknown());
    assert_eq!(scene.brief(), HELD);
    let changed = "subaccounts: [{sid: AC01, status: suspended, reason: unpaid}]";
    assert_eq!(scene.clone().says(changed).brief(), "suspend AC01");
    let elsewhere = format!("{SUSPENDED}\nmainAccount: {{sid: AC00, numbers: []}}");
    assert_eq!(scene.says(&elsewhere).brief(), HELD, "another entry");
}

#[test]
fn pause_of_an_unknown_write_ends_when_a_write_of_the_same_kind_was_done() {
    let state = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}]";
    let scene = Scene::new(state).active("AC01").suspended("AC02").does(&unknown()).does(&unknown());
    assert_eq!(scene.brief(), HELD);
    // Twilio answers again: AC02 is suspended.
    let answers = scene.active("AC02").done();
    assert_eq!(answers.brief(), "suspend AC01");
    let state = r#"
        subaccounts:
        - {sid: AC01, status: suspended}
        - {sid: AC02, status: active, numbers: ["+15105550101"]}
        "#;
    let scene = Scene::new(state).active("AC01").does(&unknown()).does(&unknown());
    let another = scene.holds("AC00", "+15105550101").done();
    assert_eq!(another.brief(), HELD, "a transfer proves nothing of suspensions");
}

#[test]
fn intent_without_an_outcome_counts_as_a_try_that_ended_unknown() {
    let scene = suspending().pass();
    let planned = scene.plan().actions.remove(0);
    let crashed = scene.writes(&planned, None).restarted();
    assert_eq!(crashed.brief(), "suspend AC01", "repeated at once");
    let again = crashed.writes(&planned, None).restarted();
    assert_eq!(again.brief(), HELD);
    assert_eq!(again.clone().after("14s").brief(), HELD);
    assert_eq!(again.after("15s").brief(), "suspend AC01");
}

#[test]
fn skipped_and_refused_tries_do_not_count_as_unknown() {
    let scene = suspending().does(&unknown());
    let skipped = scene.clone().does(&crate::support::scene::skipped());
    assert_eq!(skipped.brief(), "suspend AC01");
    let refused = scene.does(&crate::support::scene::refused(21_475, "no"));
    assert_eq!(refused.brief(), "RefusedByTwilio suspend AC01");
    let after = refused.after("15s").does(&unknown());
    assert_eq!(after.brief(), "suspend AC01", "that was the first of its kind");
}

#[test]
fn pause_ends_when_the_effect_of_an_unknown_write_is_seen() {
    let scene = suspending().does(&unknown()).does(&unknown()).suspended("AC01").touched("AC01").pass();
    assert_eq!(scene.brief(), "");
    // Others lift it: the next try is a first one.
    let lifted = scene.active("AC01").touched("AC01").pass();
    assert_eq!(lifted.brief(), "suspend AC01");
}

#[test]
fn unknown_close_is_paused_like_any_other_write() {
    let state = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let scene = Scene::new(state).done().after("72h").does(&unknown());
    assert_eq!(scene.brief(), "close AC01");
    let scene = scene.does(&unknown());
    assert_eq!(scene.brief(), "Unconfirmed close AC01");
    assert_eq!(scene.clone().after("15s").brief(), "close AC01");
    assert_eq!(scene.is("AC01", Status::Closed).brief(), "");
}

/// The brake stays as it was: the pause frees no budget and costs none.
#[test]
fn unknown_tries_cost_one_place_however_often_they_are_repeated() {
    let mut scene = suspending();
    for _ in 0..12 {
        scene = scene.does(&unknown()).after("1h");
    }
    assert_eq!(scene.history.spent(ActionKind::Suspend, scene.now, scene.limits.window), 1);
    assert_eq!(scene.does(&Outcome::Done(Receipt::default())).brief(), "");
}
