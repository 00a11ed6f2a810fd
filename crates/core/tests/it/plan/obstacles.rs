//! Obstacles that will certainly hold a close later are told while it waits.

use subaccountd_core::{ActionKind, Limit, Reason};

use crate::support::scene::Scene;

/// A close that may release two numbers, which the account holds.
fn releasing() -> Scene {
    let numbers = r#"["+15105550101", "+15105550102"]"#;
    Scene::new(&format!(
        "subaccounts: [{{sid: AC01, status: closed, close: {{confirm: acme, release: {numbers}}}}}]"
    ))
    .holds("AC01", "+15105550101")
    .holds("AC01", "+15105550102")
}

/// The reason, message and remedy of the close.
fn close(scene: &Scene) -> (Reason, String, String) {
    let plan = scene.plan();
    let held = plan.held.iter().find(|held| held.kind == ActionKind::Close).unwrap();
    (held.reason, held.message.clone(), held.remedy.clone())
}

/// The close while the account is active, and while it rests.
fn waiting(scene: &Scene) -> [(Reason, String, String); 2] {
    [close(scene), close(&scene.clone().done().after("1h"))]
}

#[test]
fn limit_of_released_numbers_is_told_while_the_close_waits() {
    for (allowed, is_told) in [(0, true), (1, true), (2, false), (3, false)] {
        for (reason, message, remedy) in waiting(&releasing().may_release(allowed)) {
            assert_eq!(reason, Reason::CoolingOff);
            let told = format!(
                "; then it is held as `OverLimit`: it would release 2 numbers, over the limit of {allowed}"
            );
            assert_eq!(message.ends_with(&told), is_told, "{message}");
            let fix = "; before that, raise `--max-released-numbers` to at least 2, or move the numbers";
            assert_eq!(remedy.ends_with(fix), is_told, "{remedy}");
        }
    }
    // It is as it was told.
    let later = close(&releasing().may_release(1).done().after("72h"));
    assert_eq!(later.0, Reason::OverLimit);
}

#[test]
fn forbidden_close_is_told_while_it_waits() {
    for (reason, message, remedy) in waiting(&releasing().may_release(2).forbids(ActionKind::Close)) {
        assert_eq!(reason, Reason::CoolingOff);
        assert!(
            message.ends_with("held as `NotAllowed`: `close` is not among the allowed verbs"),
            "{message}"
        );
        assert!(remedy.ends_with("; before that, add `close` to `--verbs`"), "{remedy}");
    }
}

#[test]
fn limit_of_no_close_is_told_while_it_waits() {
    for limit in [Limit::Count(0), Limit::Percent(0)] {
        for (reason, message, remedy) in waiting(&releasing().may_release(2).limit(ActionKind::Close, limit))
        {
            assert_eq!(reason, Reason::CoolingOff);
            assert!(message.ends_with("held as `OverLimit`: `--max-closes` is 0"), "{message}");
            assert!(remedy.ends_with("; before that, raise `--max-closes`"), "{remedy}");
        }
    }
    let [(_, message, _), _] = waiting(&releasing().may_release(2).limit(ActionKind::Close, Limit::Count(1)));
    assert!(!message.contains("then it is held"), "{message}");
}

#[test]
fn several_obstacles_are_told_together() {
    let (_, message, remedy) = close(&releasing().forbids(ActionKind::Close));
    assert!(message.contains("`NotAllowed`") && message.contains("`OverLimit`"), "{message}");
    assert!(remedy.contains("`--verbs`") && remedy.contains("`--max-released-numbers`"), "{remedy}");
}

#[test]
fn close_that_waits_for_transfers_tells_its_obstacles_too() {
    let scene = releasing().also_holds("AC01", "+15105550103");
    let (reason, message, _) = close(&scene);
    assert_eq!(reason, Reason::StillHoldsNumbers);
    assert!(message.contains("it would release 2 numbers, over the limit of 0"), "{message}");
}

#[test]
fn number_that_vanished_counts_as_told() {
    let seen = releasing().pass().nowhere("+15105550102").may_release(1);
    let (_, message, _) = close(&seen);
    assert!(message.contains("it would release 2 numbers, over the limit of 1"), "{message}");
}
