//! Calls that are ended: when, which, how many, how often, and what holds them.

use subaccountd_core::{
    ActionKind, CallStatus, Outcome, Receipt, Status, Target, history::Event, pass::Want, plan::MAX_CALLS,
};

use crate::support::scene::{Scene, ignored, refused, sid, unknown};

const ENDED: &str = "subaccounts: [{sid: AC01, friendlyName: acme, status: suspended, endCalls: true}]";
const THEM: &str = "+493012345678";

/// Account 1, suspended as desired, with a call of each status.
fn scene() -> Scene {
    [(1, CallStatus::InProgress), (2, CallStatus::Ringing), (3, CallStatus::Queued)]
        .into_iter()
        .fold(Scene::new(ENDED), |scene, (n, status)| scene.calls("AC01", n, status, THEM))
}

fn reads_calls(scene: &Scene) -> bool {
    scene.asks().contains(&Want::Calls(sid("AC01")))
}

#[test]
fn calls_of_a_suspended_account_are_ended_until_a_look_finds_none() {
    let scene = scene();
    assert_eq!(scene.brief(), "end 3 calls of AC01");
    let scene = scene.done().calls("AC01", 4, CallStatus::Queued, THEM);
    assert_eq!(scene.brief(), "end 1 call of AC01");
    let scene = scene.done();
    assert!(reads_calls(&scene));
    assert_eq!(scene.brief(), "");
    let scene = scene.pass().calls("AC01", 5, CallStatus::InProgress, THEM);
    assert!(!reads_calls(&scene), "this suspension is settled");
    assert_eq!(scene.brief(), "");
    assert!(!reads_calls(&scene.clone().restarted().after("72h")), "over restarts and days too");
}

#[test]
fn calls_are_ended_once_more_after_another_suspension() {
    let settled = scene().done().pass().calls("AC01", 5, CallStatus::InProgress, THEM);
    let again = settled.clone().active("AC01").pass().suspended("AC01").touched("AC01");
    assert_eq!(again.brief(), "end 1 call of AC01");
    let unseen = settled.after("1h").touched("AC01");
    assert_eq!(unseen.brief(), "end 1 call of AC01", "another `date_updated` is another suspension");
}

#[test]
fn no_call_is_read_or_ended_unless_the_state_asks_and_the_account_is_suspended() {
    let bodies = [
        "subaccounts: [{sid: AC01, status: suspended}]",
        "subaccounts: [{sid: AC01, status: suspended, endCalls: false}]",
        "subaccounts: [{sid: AC01, status: active}]",
    ];
    for body in bodies {
        let scene = Scene::new(body).calls("AC01", 1, CallStatus::InProgress, THEM);
        assert!(!reads_calls(&scene.clone().suspended("AC01")), "{body}");
    }
    assert!(!reads_calls(&scene().active("AC01")), "it is suspended first");
    assert_eq!(scene().active("AC01").brief(), "suspend AC01");
    assert!(!reads_calls(&scene().odd_status("AC01")));
    assert!(!reads_calls(&scene().gone("AC01")));
}

#[test]
fn calls_are_read_in_the_pass_that_follows_the_suspension() {
    let scene = scene().active("AC01").done();
    assert!(reads_calls(&scene));
    assert_eq!(scene.brief(), "end 3 calls of AC01");
}

#[test]
fn emergency_calls_go_on_and_settle_the_suspension() {
    let scene = Scene::new(ENDED).calls("AC01", 1, CallStatus::InProgress, "911");
    assert_eq!(scene.brief(), "");
    assert!(!reads_calls(&scene.clone().pass()));
    let both = scene.calls("AC01", 2, CallStatus::InProgress, THEM);
    assert_eq!(both.brief(), "end 1 call of AC01");
    assert!(!reads_calls(&both.done().pass()));
}

#[test]
fn a_pass_ends_two_hundred_calls_at_most() {
    let crowd = (0..=250).fold(Scene::new(ENDED), |s, n| s.calls("AC01", n, CallStatus::InProgress, THEM));
    assert_eq!((MAX_CALLS, crowd.brief()), (200, "end 200 calls of AC01".to_owned()));
    let rest = crowd.done();
    assert_eq!(rest.brief(), "end 51 calls of AC01");
    assert_eq!(rest.done().brief(), "");
}

#[test]
fn calls_wait_while_the_account_is_paused_or_has_another_name() {
    for (body, reason) in [
        ("subaccounts: [{sid: AC01, status: suspended, endCalls: true, paused: true}]", "Paused"),
        ("paused: true\nsubaccounts: [{sid: AC01, status: suspended, endCalls: true}]", "Paused"),
        (
            "subaccounts: [{sid: AC01, friendlyName: globex, status: suspended, endCalls: true}]",
            "NameMismatch",
        ),
    ] {
        let scene = scene().says(body);
        assert!(!reads_calls(&scene), "{body}");
        assert_eq!(scene.brief(), format!("{reason} endCalls AC01"));
    }
}

#[test]
fn customer_cannot_keep_calls_by_renaming_the_account() {
    let renamed =
        scene().active("AC01").done().with("AC01", |account| account.friendly_name = "hooli".into());
    assert_eq!(renamed.brief(), "end 3 calls of AC01");
}

#[test]
fn calls_are_not_read_while_the_verb_is_not_allowed() {
    let scene = scene().forbids(ActionKind::EndCalls);
    assert!(!reads_calls(&scene));
    assert_eq!(scene.brief(), "NotAllowed endCalls AC01");
}

#[test]
fn calls_that_cannot_be_read_are_read_again_with_growing_pauses() {
    let mut scene = scene().unreadable_calls("AC01");
    for _ in 0..3 {
        assert!(reads_calls(&scene));
        assert_eq!(scene.brief(), "Unreadable endCalls AC01");
        scene = scene.pass();
    }
    assert!(!reads_calls(&scene), "three looks in a row failed");
    assert_eq!(scene.brief(), "Unreadable endCalls AC01");
    let scene = scene.after("15s");
    assert!(reads_calls(&scene));
    assert!(!reads_calls(&scene.pass().after("15s")), "the next pause is twice as long");
}

#[test]
fn end_that_is_refused_or_unknown_is_tried_again_later() {
    for outcome in [refused(20005, "Account not active"), ignored("it goes on")] {
        let scene = scene().does(&outcome);
        assert_eq!(scene.brief(), "RefusedByTwilio endCalls AC01");
        assert!(!reads_calls(&scene));
        assert_eq!(scene.after("15s").brief(), "end 3 calls of AC01");
    }
    let once = scene().does(&unknown());
    assert_eq!(once.brief(), "end 3 calls of AC01", "the first is repeated after a look");
    assert_eq!(once.does(&unknown()).brief(), "Unconfirmed endCalls AC01");
}

#[test]
fn look_that_finds_no_call_resolves_an_unknown_end() {
    let scene = scene().does(&unknown());
    let from = 0;
    assert!(scene.history.is_any_unknown_since(from));
    let mut over = scene;
    over.calls.clear();
    assert!(!over.pass().history.is_any_unknown_since(from));
}

#[test]
fn crash_between_intent_and_outcome_ends_calls_after_another_look() {
    let scene = scene().pass();
    let planned = scene.plan().actions.remove(0);
    let crashed = scene.writes(&planned, None).restarted();
    assert!(reads_calls(&crashed));
    assert_eq!(crashed.brief(), "end 3 calls of AC01");
}

#[test]
fn write_on_calls_hides_no_write_on_the_account() {
    let suspended = scene().active("AC01").done();
    let at = Receipt::default();
    let ended = suspended.does(&Outcome::Done(at));
    let own = ended.history.suspended_by_us(sid("AC01"));
    assert!(own.is_some(), "the suspension stays the daemon's own");
    let fresh: Vec<_> =
        ended.history.fresh_writes(ended.now).map(|(write, _)| write.target.clone()).collect();
    assert_eq!(fresh, [Target::Calls(sid("AC01")), Target::Account(sid("AC01"))]);
}

const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, endCalls: true, close: {confirm: acme}}]";

#[test]
fn close_waits_until_the_calls_of_the_account_are_ended() {
    let scene = Scene::new(CLOSED).policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
    let scene = scene.calls("AC01", 1, CallStatus::InProgress, THEM).done();
    assert_eq!(scene.brief(), "end 1 call of AC01\nCoolingOff close AC01");
    let scene = scene.done();
    assert_eq!(scene.brief(), "close AC01", "the look that found none and the close are of one pass");
    assert_eq!(scene.done().brief(), "");
}

#[test]
fn close_waits_while_calls_cannot_be_read_or_must_not_be_ended() {
    let scene = Scene::new(CLOSED).policy(|policy| policy.close_after = jiff::SignedDuration::ZERO).done();
    let dark = scene.clone().unreadable_calls("AC01");
    assert_eq!(dark.brief(), "Unreadable endCalls AC01\nUnreadable close AC01");
    let forbidden = scene.forbids(ActionKind::EndCalls);
    assert_eq!(forbidden.brief(), "NotAllowed endCalls AC01\nNotAllowed close AC01");
}

#[test]
fn paused_account_to_close_is_held_once() {
    let paused = CLOSED.replace("endCalls: true", "endCalls: true, paused: true");
    assert_eq!(Scene::new(CLOSED).suspended("AC01").says(&paused).brief(), "Paused close AC01");
}

#[test]
fn suspension_without_a_call_is_settled_by_one_look() {
    let scene = Scene::new(ENDED);
    assert!(reads_calls(&scene));
    let (history, ()) = scene.drive(|_, _| ());
    let updated = scene.accounts[&sid("AC01")].date_updated;
    assert!(history.calls_ended(sid("AC01"), updated));
    assert!(!history.calls_ended(sid("AC01"), None));
    let seen = scene.event(Event::CallsEnded { account: sid("AC01"), updated });
    assert!(!reads_calls(&seen));
    let reopened = seen.event(Event::SeenActive { account: sid("AC01") });
    assert!(reads_calls(&reopened));
    assert_eq!(reopened.is("AC01", Status::Suspended).brief(), "");
}
