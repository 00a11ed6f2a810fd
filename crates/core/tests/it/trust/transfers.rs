//! Suspensions beside transfers: a number is not stranded because one try of its transfer failed.

use subaccountd_core::{Action, ActionKind, Outcome, Receipt};

use crate::support::{
    crew::{Ports, done},
    scene::{Scene, refused, skipped, unknown},
};

const NUMBER: &str = "+15105550101";
/// AC02, to suspend, gives a number to AC01.
const OUT: &str = r#"
    subaccounts:
    - {sid: AC01, status: active, numbers: ["+15105550101"]}
    - {sid: AC02, status: suspended}
    "#;
/// AC02, to suspend, takes a number from AC01.
const IN: &str = r#"
    subaccounts:
    - {sid: AC01, status: active}
    - {sid: AC02, status: suspended, numbers: ["+15105550101"]}
    "#;

fn out() -> Scene {
    Scene::new(OUT).active("AC02").holds("AC02", NUMBER)
}

fn into() -> Scene {
    Scene::new(IN).active("AC02").holds("AC01", NUMBER)
}

/// A pass whose transfers end so; the suspensions beside them are skipped, as executing does.
fn transfers_end(scene: Scene, outcome: &Outcome) -> Scene {
    let mut scene = scene.pass();
    for planned in scene.plan().actions {
        if matches!(planned.action, Action::Transfer(_) | Action::Reactivate(_)) {
            scene = scene.writes(&planned, Some(outcome));
        }
    }
    scene
}

fn is_planned(scene: &Scene, kind: ActionKind) -> bool {
    scene.plan().of(kind).next().is_some()
}

#[test]
fn suspension_waits_until_a_refused_transfer_was_tried_once_more() {
    for scene in [out(), into()] {
        let once = transfers_end(scene, &refused(21_470, "bad target"));
        assert!(!is_planned(&once, ActionKind::Suspend), "{}", once.brief());
        assert!(
            once.shown().contains("AC02 waits for one retry: Twilio refused to transfer"),
            "{}",
            once.shown()
        );
        let due = once.after("15s");
        assert!(
            is_planned(&due, ActionKind::Transfer) && is_planned(&due, ActionKind::Suspend),
            "{}",
            due.brief()
        );
        let twice = transfers_end(due, &refused(21_470, "bad target"));
        assert!(!is_planned(&twice, ActionKind::Transfer) && is_planned(&twice, ActionKind::Suspend));
        assert!(twice.shown().contains(&format!("does not accept into a suspended account: {NUMBER}")));
    }
}

#[test]
fn suspension_waits_until_an_unknown_transfer_was_tried_once_more() {
    for scene in [out(), into()] {
        let once = transfers_end(scene, &unknown());
        // The first repeat follows at once, and the suspension depends on it.
        assert!(
            is_planned(&once, ActionKind::Transfer) && is_planned(&once, ActionKind::Suspend),
            "{}",
            once.brief()
        );
        let twice = transfers_end(once, &unknown());
        assert!(!is_planned(&twice, ActionKind::Transfer) && is_planned(&twice, ActionKind::Suspend));
    }
}

#[test]
fn suspension_goes_on_with_the_transfer_when_that_was_skipped() {
    let skipped = transfers_end(out(), &skipped());
    assert!(is_planned(&skipped, ActionKind::Transfer) && is_planned(&skipped, ActionKind::Suspend));
    let done = transfers_end(skipped, &Outcome::Done(Receipt::default()));
    assert_eq!(done.brief(), "suspend AC02");
}

#[test]
fn suspension_does_not_wait_when_the_refused_transfer_is_no_longer_wanted() {
    let once = transfers_end(out(), &refused(21_470, "bad target"));
    let unclaimed = once.clone().says(&OUT.replace("\"+15105550101\"", ""));
    assert_eq!(unclaimed.brief(), "suspend AC02");
    // A changed entry tries the transfer at once, beside the suspension.
    let changed = once.says(&OUT.replace("status: active,", "status: active, reason: asked,"));
    assert_eq!(changed.brief(), "transfer +15105550101 from AC02 to AC01\nsuspend AC02");
}

/// A second try that may not be made is not waited for.
#[test]
fn suspension_does_not_wait_when_what_failed_once_is_held_for_another_reason() {
    for scene in [out(), into()] {
        let once = transfers_end(scene, &refused(21_470, "bad target"));
        assert!(!is_planned(&once, ActionKind::Suspend));
        assert!(is_planned(&once.after("15s").forbids(ActionKind::Transfer), ActionKind::Suspend));
    }
    let receiver = Scene::new(OUT).suspended("AC01").active("AC02").holds("AC02", NUMBER);
    let once = transfers_end(receiver, &refused(21_478, "no"));
    assert!(!is_planned(&once, ActionKind::Suspend));
    assert!(is_planned(&once.after("15s").forbids(ActionKind::Reactivate), ActionKind::Suspend));
}

#[test]
fn suspension_waits_when_a_fault_may_hide_the_claim_whose_transfer_was_refused() {
    let fault = "- {sid: AC03, status: dormant}\n";
    let unclaimed = OUT.replace("\"+15105550101\"", "");
    let once = transfers_end(out(), &refused(21_470, "bad target"));
    let hidden = once.clone().says(&format!("{}    {fault}", unclaimed.trim_end_matches(' ')));
    assert_eq!(hidden.plan().of(ActionKind::Suspend).count(), 0, "{}", hidden.shown());
    assert!(
        hidden.shown().contains(&format!("transfer of {NUMBER}, whose claim may be hidden by a fault")),
        "{}",
        hidden.shown()
    );
    // No list shows it any more: it was seen in the account last.
    assert_eq!(hidden.clone().nowhere(NUMBER).plan().of(ActionKind::Suspend).count(), 0);
    // A list that is read shows it in another account: no suspension waits for it.
    let other = "numbers: [\"+15105550102\"]";
    let read = OUT.replace("numbers: [\"+15105550101\"]", other);
    let elsewhere = hidden.says(&format!("{}    {fault}", read.trim_end_matches(' ')));
    let elsewhere = elsewhere.holds("AC01", "+15105550102").holds("AC01", NUMBER);
    assert!(is_planned(&elsewhere, ActionKind::Suspend), "{}", elsewhere.shown());
    // Two tries are enough.
    let twice = transfers_end(once.clone().after("15s"), &refused(21_470, "bad target"));
    let hidden = twice.says(&format!("{}    {fault}", unclaimed.trim_end_matches(' ')));
    assert!(is_planned(&hidden, ActionKind::Suspend), "{}", hidden.shown());
    // A claim that is read is tried again beside the suspension, even when other entries have faults.
    let read = once.says(&format!("{}    {fault}", OUT.trim_end_matches(' '))).after("15s");
    assert!(
        is_planned(&read, ActionKind::Transfer) && is_planned(&read, ActionKind::Suspend),
        "{}",
        read.shown()
    );
}

#[test]
fn note_of_a_suspension_names_the_numbers_of_held_transfers() {
    let held = out().forbids(ActionKind::Transfer);
    let shown = held.shown();
    assert!(shown.starts_with("suspend AC02 (held transfers"), "{shown}");
    assert!(shown.lines().next().unwrap().contains(NUMBER), "{shown}");
    // A brake counts as well.
    let over = out().limit(ActionKind::Transfer, subaccountd_core::Limit::Count(0)).shown();
    assert!(over.lines().next().unwrap().contains(NUMBER), "{over}");
    // A suspension beside transfers that are not held has no note.
    assert_eq!(out().shown().lines().nth(1), Some("suspend AC02"));
}

#[test]
fn suspension_on_the_way_to_a_close_waits_in_the_same_way() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: closed, close: {confirm: acme}}
        "#;
    let scene = Scene::new(state).holds("AC02", NUMBER);
    let mut scene = transfers_end(scene, &refused(21_470, "bad target"));
    for _ in 0..4 {
        assert!(
            !is_planned(&scene, ActionKind::Suspend),
            "an account to close is emptied while it is active"
        );
        scene = transfers_end(scene.after("2h"), &refused(21_470, "bad target"));
    }
}

#[test]
fn suspension_waits_until_the_reactivation_of_the_receiver_was_tried_once_more() {
    let scene = Scene::new(OUT).suspended("AC01").active("AC02").holds("AC02", NUMBER);
    let once = transfers_end(scene, &refused(21_478, "no"));
    // The transfer itself was never tried.
    assert!(!is_planned(&once, ActionKind::Suspend), "{}", once.brief());
    let twice = transfers_end(once.after("15s"), &refused(21_478, "no"));
    assert!(is_planned(&twice, ActionKind::Suspend), "{}", twice.brief());
    assert!(twice.shown().contains(NUMBER));
}

#[test]
fn suspension_is_skipped_in_the_pass_in_which_a_transfer_out_of_or_into_its_account_fails() {
    for scene in [out(), into()] {
        for end in [refused(21_470, "bad target"), unknown(), skipped()] {
            let mut ports = Ports::new(&scene);
            let answer = end.clone();
            ports.answer = Box::new(
                move |action| if action.number().is_some() { answer.clone().into() } else { done() },
            );
            let executed = ports.run(&scene).executed;
            let ends: Vec<_> = executed.iter().map(|executed| executed.outcome.as_str()).collect();
            assert_eq!(ends, [end.as_str(), "skipped"], "{}", scene.brief());
        }
    }
}
