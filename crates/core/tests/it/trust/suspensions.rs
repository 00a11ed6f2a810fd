//! Whose suspension it is: a lost journal, strict, times up to which suspensions are lifted, renamed accounts.

use subaccountd_core::{ActionKind, Limit, Reactivation, Status};

use crate::support::scene::{Scene, unknown};

const ACTIVE: &str = "subaccounts: [{sid: AC01, status: active}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const HELD: &str = "SuspendedElsewhere reactivate AC01";

fn until(time: &str) -> String {
    format!("subaccounts: [{{sid: AC01, status: active, liftSuspensionsBefore: '{time}'}}]")
}

fn main_until(time: &str) -> String {
    format!("mainAccount: {{sid: AC00, liftSuspensionsBefore: '{time}'}}\n{ACTIVE}")
}

/// Suspended before the first pass of a durable journal.
fn found() -> Scene {
    Scene::new(ACTIVE).suspended("AC01").durable().pass()
}

fn strict(scene: Scene) -> Scene {
    scene.policy(|policy| policy.reactivation = Reactivation::Strict)
}

#[test]
fn suspension_is_held_when_a_durable_journal_does_not_know_the_account() {
    let lost = found();
    assert_eq!(lost.brief(), HELD);
    assert!(lost.shown().contains("was suspended before it was first observed"), "{}", lost.shown());
    assert_eq!(lost.clone().restarted().after("999h").pass().brief(), HELD);
    // Without a journal the first sight follows the state.
    assert_eq!(Scene::new(ACTIVE).suspended("AC01").pass().brief(), "reactivate AC01");
}

#[test]
fn suspension_is_held_when_the_first_passes_could_not_observe_the_account() {
    let blind = Scene::new(ACTIVE).suspended("AC01").durable().blind_pass().blind_pass();
    assert_eq!(blind.pass().brief(), HELD);
    let unreadable = Scene::new(ACTIVE).durable().unreadable_row(Some("AC01")).pass();
    assert_eq!(unreadable.brief(), "Unreadable reactivate AC01");
    let mut readable = unreadable.account("AC01", "acme", Status::Suspended);
    readable.unreadable_rows.clear();
    assert_eq!(readable.pass().brief(), HELD);
    let odd = Scene::new(ACTIVE).durable().odd_status("AC01").pass().suspended("AC01");
    assert_eq!(odd.pass().brief(), HELD);
}

#[test]
fn suspension_that_was_found_is_lifted_when_the_desired_status_changes_or_the_account_was_active() {
    assert_eq!(found().says(SUSPENDED).pass().says(ACTIVE).brief(), "reactivate AC01");
    let active = found().active("AC01").pass();
    assert!(!active.history.found_suspended(crate::support::scene::sid("AC01")));
    // An account that was observed while no entry listed it is known.
    let unlisted = Scene::new("subaccounts: []").account("AC01", "acme", Status::Suspended).durable().pass();
    assert_eq!(unlisted.says(ACTIVE).brief(), "reactivate AC01");
}

#[test]
fn suspension_that_was_found_stays_held_when_the_entry_is_unlisted_for_a_while() {
    assert_eq!(found().says("subaccounts: []").pass().says(ACTIVE).pass().brief(), HELD);
    assert_eq!(found().says(&ACTIVE.replace("active", "active, reason: asked")).pass().brief(), HELD);
}

#[test]
fn lift_suspensions_before_lifts_nothing_when_it_lies_in_the_future() {
    let suspended = || Scene::new(ACTIVE).pass().suspended("AC01");
    for (time, lifts) in [
        ("2099-01-01", false),
        ("2026-06-01T12:05:01Z", false),
        ("2026-06-01T12:05:00Z", true),
        ("2026-01-01T00:00:00Z", true),
        ("2025-12-31T23:59:59Z", false),
    ] {
        let expected = if lifts { "reactivate AC01" } else { HELD };
        assert_eq!(suspended().says(&until(time)).brief(), expected, "{time}");
        assert_eq!(found().says(&main_until(time)).brief(), expected, "{time}");
    }
    // The earlier of two clocks decides.
    let ahead = suspended().says(&until("2026-06-02"));
    assert_eq!(ahead.clone().clock_off(Some("24h")).brief(), HELD);
    let mut local_ahead = ahead;
    local_ahead.now.local += jiff::SignedDuration::from_hours(24);
    assert_eq!(local_ahead.brief(), HELD);
}

#[test]
fn lift_suspensions_before_of_the_main_account_lifts_only_what_the_journal_did_not_know() {
    let state = main_until("2026-06-01");
    assert_eq!(found().says(&state).brief(), "reactivate AC01");
    // This one was seen active: others suspended it since.
    let elsewhere = Scene::new(ACTIVE).durable().pass().suspended("AC01").pass();
    assert_eq!(elsewhere.says(&state).brief(), HELD);
    assert_eq!(strict(found()).says(&state).brief(), HELD);
    // After the account was seen active, the next suspension is external.
    assert_eq!(found().active("AC01").pass().suspended("AC01").says(&state).brief(), HELD);
}

#[test]
fn strict_lifts_our_own_suspension_only_while_twilio_dates_it_as_ours() {
    let own = strict(Scene::new(SUSPENDED).active("AC01").done()).says(ACTIVE);
    assert_eq!(own.brief(), "reactivate AC01");
    // Others lifted it and suspended the account again, and no pass saw it active.
    assert_eq!(own.clone().after("1h").touched("AC01").brief(), HELD);
    let undated = own.with("AC01", |account| account.date_updated = None);
    assert_eq!(undated.brief(), HELD);
}

#[test]
fn strict_holds_a_suspension_that_others_made_before_ours() {
    let scene = strict(Scene::new(SUSPENDED)).pass().says(ACTIVE);
    assert_eq!(scene.brief(), HELD);
    // A suspension two minutes and a second after a lost one of the daemon is external.
    let lost = strict(Scene::new(SUSPENDED).active("AC01").does(&unknown()));
    let ours = lost.clone().after("2m").suspended("AC01").touched("AC01").says(ACTIVE);
    assert_eq!(ours.brief(), "reactivate AC01");
    let theirs = lost.after("2m 1s").suspended("AC01").touched("AC01").says(ACTIVE);
    assert_eq!(theirs.brief(), HELD);
}

/// The free reactivation is for the very suspension that the daemon made.
#[test]
fn reactivation_is_free_for_seven_days_and_only_of_our_own_suspension() {
    let own = Scene::new(SUSPENDED)
        .active("AC01")
        .done()
        .says(ACTIVE)
        .limit(ActionKind::Reactivate, Limit::Count(0));
    assert_eq!(own.clone().after("167h 59m 59s").brief(), "reactivate AC01");
    assert_eq!(own.clone().after("168h").brief(), "OverLimit reactivate AC01");
    assert_eq!(own.after("1h").touched("AC01").brief(), "OverLimit reactivate AC01");
}

#[test]
fn reactivation_is_free_after_a_restart() {
    let own = Scene::new(SUSPENDED).active("AC01").done().restarted();
    let mut own = own.says(ACTIVE).limit(ActionKind::Reactivate, Limit::Count(0)).after("72h");
    let (now, window) = (own.now, own.limits.window);
    own.history.prune(now, window);
    assert_eq!(own.history.writes().count(), 0);
    assert_eq!(own.restarted().brief(), "reactivate AC01");
}

fn named(status: &str) -> String {
    format!("subaccounts: [{{sid: AC01, friendlyName: acme, status: {status}}}]")
}

fn renamed(scene: Scene) -> Scene {
    scene.with("AC01", |account| "free forever".clone_into(&mut account.friendly_name))
}

#[test]
fn renamed_account_is_suspended_when_it_was_seen_under_the_name_of_its_entry() {
    let seen = Scene::new(&named("active")).pass().says(&named("suspended"));
    assert_eq!(
        renamed(seen.clone()).shown(),
        "suspend AC01 (renamed to \"free forever\" since it was last seen under the name of its entry)\n"
    );
    assert_eq!(renamed(seen).restarted().brief(), "suspend AC01");
}

#[test]
fn renamed_account_is_not_suspended_when_it_was_never_seen_under_that_name() {
    assert_eq!(renamed(Scene::new(&named("suspended")).active("AC01")).brief(), "NameMismatch suspend AC01");
    // The name of another entry's account, or of an older state, is none.
    let seen = Scene::new(&named("active")).pass();
    let edited = seen.says(&named("suspended").replace("acme", "hooli"));
    assert_eq!(edited.brief(), "NameMismatch suspend AC01");
}

#[test]
fn renamed_account_is_neither_reactivated_nor_closed_and_keeps_its_numbers() {
    let seen = Scene::new(&named("suspended")).pass();
    assert_eq!(renamed(seen.says(&named("active"))).brief(), "NameMismatch reactivate AC01");
    let closed = "subaccounts: [{sid: AC01, friendlyName: acme, status: closed, close: {confirm: acme}}]";
    assert_eq!(renamed(Scene::new(closed).pass()).brief(), "NameMismatch close AC01");
    let claims =
        "subaccounts: [{sid: AC01, friendlyName: acme, status: suspended, numbers: ['+15105550101']}]";
    let claims = Scene::new(claims).active("AC01").holds("AC00", "+15105550101").pass();
    assert_eq!(renamed(claims).brief(), "suspend AC01\nNameMismatch transfer AC01 +15105550101");
}
