//! The facts that a pass adds: each once, and only external changes against the state count as reverts.

use jiff::SignedDuration;
use subaccountd_core::{ActionKind, History, Limit, Reactivation, Target, events::observation_events};

use crate::support::scene::{self, Scene, phone, sid};

const NUMBER: &str = "+15105550101";
const ACTIVE: &str = "subaccounts: [{sid: AC01, status: active}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
const HANDED: &str =
    "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]";
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// AC01 claims a number that sits in AC02.
fn claimed() -> Scene {
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [\"{NUMBER}\"]}}, {{sid: AC02, status: active}}]"
    );
    Scene::new(&state).holds("AC02", NUMBER)
}

fn times_reverted(scene: &Scene, target: &Target) -> usize {
    scene.history.times_reverted(target, scene.now, WINDOW)
}

#[test]
fn unchanged_fact_is_recorded_once() {
    let scenes = [
        Scene::new(ACTIVE),
        Scene::new(ACTIVE).suspended("AC01"),
        Scene::new(ACTIVE).suspended("AC01").done(),
        Scene::new(SUSPENDED).active("AC01"),
        Scene::new(SUSPENDED).active("AC01").done(),
        Scene::new(CLOSED).holds("AC01", NUMBER),
        Scene::new(CLOSED).holds("AC01", NUMBER).suspended("AC01"),
        Scene::new(CLOSED).done(),
        Scene::new(HANDED).holds("AC01", NUMBER).done(),
        claimed(),
        claimed().done(),
    ];
    for (n, scene) in scenes.into_iter().enumerate() {
        let scene = scene.pass();
        let again = observation_events(&scene.history, &scene.desired, &scene.observe(), scene.now);
        assert_eq!(again, [], "scene {n}");
    }
}

#[test]
fn reactivations_that_others_undo_are_contested_and_those_that_stand_are_not() {
    let account = Target::Account(sid("AC01"));
    let always = |scene: Scene| scene.policy(|policy| policy.reactivation = Reactivation::Always);
    let stands = always(Scene::new(ACTIVE).suspended("AC01")).done().pass().pass();
    assert_eq!(times_reverted(&stands, &account), 0);
    let once = stands.suspended("AC01").pass();
    assert_eq!(times_reverted(&once, &account), 1);
    assert_eq!(once.brief(), "reactivate AC01");
    assert_eq!(once.done().suspended("AC01").brief(), "Contested reactivate AC01");
}

/// The claim is removed, and a later change of the number is not a revert.
#[test]
fn a_number_that_the_state_no_longer_hands_to_the_main_account_may_return() {
    let number = Target::Number(phone(NUMBER));
    let released = format!(
        "subaccounts: [{{sid: AC01, status: closed, close: {{confirm: acme, moveNumbersToMain: true, release: [\"{NUMBER}\"]}}}}]"
    );
    for withdrawn in [CLOSED, &released] {
        let mut scene = Scene::new(HANDED).holds("AC01", NUMBER);
        for _ in 0..2 {
            scene = scene.says(HANDED).done().says(withdrawn).holds("AC01", NUMBER).pass();
        }
        assert_eq!(times_reverted(&scene, &number), 0, "{withdrawn}");
        assert_eq!(
            scene.says(HANDED).brief().lines().next(),
            Some("transfer +15105550101 from AC01 to AC00")
        );
    }
}

/// A fraud guard suspends it later: that must not look like the suspension that the daemon once found.
#[test]
fn an_account_that_others_reactivated_was_seen_active() {
    let held = Scene::new(ACTIVE).suspended("AC01").limit(ActionKind::Reactivate, Limit::Count(0)).pass();
    let later = held.active("AC01").pass().suspended("AC01").limit(ActionKind::Reactivate, Limit::Count(9));
    assert_eq!(later.brief(), "SuspendedElsewhere reactivate AC01");
}

#[test]
fn an_account_is_seen_active_again_after_its_desired_status_changed() {
    let kept = Scene::new(SUSPENDED).active("AC01").forbids(ActionKind::Suspend).pass();
    assert_eq!(kept.says(ACTIVE).pass().suspended("AC01").brief(), "SuspendedElsewhere reactivate AC01");
}

#[test]
fn a_list_first_read_while_suspended_becomes_full_proof_once_it_is_read_while_active() {
    let suspended = Scene::new(CLOSED).suspended("AC01").pass();
    assert!(suspended.clone().after("999h").shown().contains("weaker proof"));
    let seen = suspended.active("AC01").done().after("72h");
    assert_eq!(seen.shown(), "close AC01, losing []\n");
}

#[test]
fn taking_a_transfer_back_is_free_also_after_other_writes() {
    let entries = |first: &str, second: &str| {
        format!(
            "subaccounts:\n- {{sid: AC01, status: active, numbers: [{first}]}}\n\
             - {{sid: AC02, status: active, numbers: [{second}]}}\n- {{sid: AC03, status: active}}\n"
        )
    };
    let both = entries(&format!("\"{NUMBER}\", \"+15105550102\""), "");
    let scene = Scene::new(&both).holds("AC02", NUMBER).holds("AC03", "+15105550102").done();
    let back = scene.says(&entries("\"+15105550102\"", &format!("\"{NUMBER}\"")));
    assert_eq!(back.shown(), "transfer +15105550101 from AC01 to AC02, free\n");
}

/// A rotated journal carries it on as JSON.
#[test]
fn history_is_the_same_after_json() {
    let refused = scene::refused(21_478, "no");
    let scene = Scene::new(SUSPENDED).active("AC01").done().active("AC01").pass().does(&refused);
    let scene = scene.says(HANDED).holds("AC01", NUMBER).done();
    let verbs: Vec<_> = scene.history.writes().map(|(_, write, _)| write.kind).collect();
    assert_eq!(verbs, [ActionKind::Suspend, ActionKind::Suspend, ActionKind::Transfer]);
    let target = Target::Account(sid("AC01"));
    let refusals = scene.history.refusals(&target);
    assert_eq!(refusals.map(|(kind, _)| kind).collect::<Vec<_>>(), [ActionKind::Suspend]);
    let json = serde_json::to_string(&scene.history).unwrap();
    for part in ["refused", "lastApplied", "reverted", "writes"] {
        assert!(!json.contains(&format!("\"{part}\":[]")), "{part}: {json}");
    }
    assert_eq!(serde_json::from_str::<History>(&json).unwrap(), scene.history);
}

/// The daemon forgets what is out of the window, and nothing else.
#[test]
fn history_drops_what_is_older_than_the_window() {
    let kept = |scene: &Scene, key: &str| {
        let json = serde_json::to_value(&scene.history).unwrap();
        json[key].as_array().map_or(0, Vec::len)
    };
    let mut scene = Scene::new(SUSPENDED).active("AC01").done().active("AC01").pass();
    assert_eq!((kept(&scene, "writes"), kept(&scene, "reverted")), (1, 1));
    assert!(!scene.history.is_ripe(scene.now, WINDOW));
    scene.history.prune(scene.now, WINDOW);
    assert_eq!((kept(&scene, "writes"), kept(&scene, "reverted")), (1, 1));
    assert_eq!(times_reverted(&scene, &Target::Account(sid("AC01"))), 1);
    let mut unsure = scene.clone().after("24h").clock_off(None);
    assert!(!unsure.history.is_ripe(unsure.now, WINDOW));
    unsure.history.prune(unsure.now, WINDOW);
    assert_eq!((kept(&unsure, "writes"), kept(&unsure, "reverted")), (1, 1));
    let mut later = scene.after("24h");
    assert!(later.history.is_ripe(later.now, WINDOW));
    later.history.prune(later.now, WINDOW);
    assert_eq!((kept(&later, "writes"), kept(&later, "reverted")), (0, 0));
}
