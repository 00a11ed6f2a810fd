//! Unreadable facts are values: rows, and repeated differences right before a write.

use std::time::Duration;

use subaccountd_core::{ActionKind, Outcome, SkipCause, Status, history::Event};

use crate::support::{
    crew::Ports,
    scene::{Scene, sid},
};

const NUMBER: &str = "+15105550101";
const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";

#[test]
fn row_that_cannot_be_read_holds_its_account_and_no_other() {
    let state = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}]";
    let scene = Scene::new(state).active("AC01").active("AC02").unreadable_row(Some("AC01"));
    assert_eq!(scene.brief(), "suspend AC02\nUnreadable suspend AC01");
    assert!(scene.shown().contains("AC01 cannot be read: `status` is no text"), "{}", scene.shown());
}

#[test]
fn account_to_close_is_not_taken_as_absent_when_its_row_cannot_be_read() {
    assert_eq!(Scene::new(CLOSED).gone("AC01").shown(), "AC01 is absent\n");
    let unreadable = Scene::new(CLOSED).unreadable_row(Some("AC01"));
    assert_eq!(unreadable.brief(), "Unreadable close AC01");
    let unnamed = Scene::new(CLOSED).gone("AC01").unreadable_row(None);
    assert_eq!(unnamed.brief(), "Unreadable close AC01", "it may be that row");
    let unknown = Scene::new("subaccounts: [{sid: AC01, status: active}]").gone("AC01").unreadable_row(None);
    assert_eq!(unknown.brief(), "Unreadable reactivate AC01");
}

#[test]
fn number_is_unreadable_and_not_unknown_while_a_row_cannot_be_read() {
    let state = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}]"#;
    let scene = Scene::new(state).account("AC02", "hooli", Status::Active).nowhere(NUMBER);
    assert_eq!(scene.brief(), "UnknownNumber transfer AC01 +15105550101");
    for row in [Some("AC02"), None] {
        let unreadable = scene.clone().unreadable_row(row);
        assert_eq!(unreadable.brief(), "Unreadable transfer AC01 +15105550101", "{row:?}");
    }
    let receiver = Scene::new(state).holds("AC00", NUMBER).pass().unreadable_row(Some("AC01"));
    let receiver = receiver.brief();
    assert!(receiver.contains("Unreadable transfer AC01 +15105550101"), "{receiver}");
}

#[test]
fn pass_fails_only_when_the_row_of_the_main_account_cannot_be_read() {
    let scene = Scene::new(CLOSED).unreadable_row(Some("AC00"));
    let error = scene.try_plan().unwrap_err().to_string();
    assert!(error.contains("cannot be read: `status` is no text"), "{error}");
}

#[test]
fn decision_and_holdings_survive_a_row_that_cannot_be_read() {
    let scene = Scene::new(CLOSED).holds("AC01", NUMBER).pass();
    let spoilt = scene.unreadable_row(Some("AC01")).pass();
    assert!(spoilt.history.close_decision(sid("AC01")).is_some());
    let mut back = spoilt.account("AC01", "acme", Status::Suspended).nowhere(NUMBER);
    back.unreadable_rows.clear();
    assert_eq!(back.after("999h").brief(), "StillHoldsNumbers close AC01");
}

/// A close whose second look differs: what the daemon records of it.
fn look_fails(scene: Scene) -> Scene {
    let planned = scene.plan().actions.remove(0);
    let (kind, target, entry) = (planned.action.kind(), planned.action.target(), planned.entry);
    let (at, seen) = (scene.stamp(), "it is active".to_owned());
    scene.event(Event::ProofFailed { kind, target, at, entry, seen })
}

#[test]
fn close_is_held_as_unreadable_when_its_second_look_differs_three_times() {
    let mut scene = Scene::new(CLOSED).done().after("72h");
    for _ in 0..2 {
        scene = look_fails(scene);
        assert_eq!(scene.brief(), "close AC01");
    }
    scene = look_fails(scene).restarted();
    assert_eq!(scene.brief(), "Unreadable close AC01");
    assert!(scene.shown().contains("the check right before the write failed 3 times: it is active"));
    // Retried with pauses that grow.
    assert_eq!(scene.clone().after("14s").brief(), "Unreadable close AC01");
    scene = look_fails(scene.after("15s"));
    assert_eq!(scene.clone().after("29s").brief(), "Unreadable close AC01");
    assert_eq!(scene.clone().after("30s").brief(), "close AC01");
    // It begins anew with another entry.
    assert_eq!(
        scene.says(&CLOSED.replace("closed,", "closed, reason: asked,")).pass().after("72h").brief(),
        "close AC01"
    );
}

#[test]
fn failed_looks_in_a_row_are_forgotten_when_one_succeeds() {
    let scene = look_fails(look_fails(Scene::new(CLOSED).done().after("72h")));
    let scene = look_fails(look_fails(scene.does(&crate::support::scene::refused(20_001, "no")).after("1h")));
    assert_eq!(scene.brief(), "close AC01");
    assert_eq!(look_fails(scene).brief(), "Unreadable close AC01");
}

/// A disk that takes four seconds to keep an intent makes every proof too old: that is no success for ever.
#[test]
fn write_is_held_as_unreadable_when_keeping_its_intent_makes_it_too_old_three_times() {
    let mut scene = Scene::new("subaccounts: [{sid: AC01, status: suspended}]").active("AC01").pass();
    for _ in 0..3 {
        assert_eq!(scene.brief(), "suspend AC01");
        let ports = Ports::new(&scene).takes("intent", Duration::from_secs(4));
        let mut executed = ports.run(&scene).executed;
        let executed = executed.remove(0);
        let Outcome::Skipped(skip) = &executed.outcome else { panic!("{executed:?}") };
        assert_eq!(skip.cause, SkipCause::ProofTooOld);
        scene = scene.writes(&executed.planned, Some(&executed.outcome));
    }
    assert_eq!(scene.brief(), "Unreadable suspend AC01");
    assert_eq!(scene.history.spent(ActionKind::Suspend, scene.now, scene.limits.window), 0);
    let done = scene.after("15s").done();
    assert_eq!(done.brief(), "");
}
