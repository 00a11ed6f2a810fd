//! Facts that one pass keeps for the next: external suspensions, reverts, refusals, searches, unknown writes.

use subaccountd_core::{
    Outcome, Reactivation, Receipt, Status, Target,
    events::{desired_events, observation_events},
    history::Event,
};

use crate::support::scene::{self, Scene, desired, ignored, phone, sid, skipped, unknown};

const ACTIVE: &str = "subaccounts: [{sid: AC01, status: active}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const UNLISTED: &str = "subaccounts: []";

/// AC01 claims a number that sits in AC02.
fn claimed() -> Scene {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: active}
        "#;
    Scene::new(state).holds("AC02", "+15105550101")
}

fn refused() -> Outcome {
    scene::refused(21_478, "Account is suspended by Twilio")
}

#[test]
fn a_suspension_elsewhere_is_held_until_the_account_is_seen_active_again() {
    let shown = {
        let held = Scene::new(ACTIVE).pass().suspended("AC01").pass();
        let again = held.clone().active("AC01").pass().suspended("AC01");
        [held.brief(), again.brief()].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    SuspendedElsewhere reactivate AC01
    ");
}

#[test]
fn a_suspension_elsewhere_is_held_until_the_desired_status_changes() {
    let shown = {
        let held = Scene::new(ACTIVE).pass().suspended("AC01").pass();
        held.says(SUSPENDED).pass().says(ACTIVE).brief()
    };
    insta::assert_snapshot!(shown, @r"
    reactivate AC01
    ");
}

#[test]
fn being_unlisted_or_paused_in_between_changes_nothing() {
    let shown = {
        let held = Scene::new(ACTIVE).pass().suspended("AC01").pass();
        let unlisted = held.clone().says(UNLISTED).pass().says(ACTIVE);
        let paused =
            held.says("subaccounts: [{sid: AC01, status: active, paused: true}]").pass().says(ACTIVE);
        [unlisted.brief(), paused.brief()].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    SuspendedElsewhere reactivate AC01
    ");
}

#[test]
fn being_seen_active_while_paused_counts() {
    let shown = Scene::new("subaccounts: [{sid: AC01, status: active, paused: true}]")
        .pass()
        .suspended("AC01")
        .says(ACTIVE)
        .brief();
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    ");
}

#[test]
fn a_suspension_elsewhere_is_lifted_when_twilio_dates_it_in_time() {
    let shown = {
        let until = |time: &str| {
            let state =
                format!("subaccounts: [{{sid: AC01, status: active, liftSuspensionsBefore: '{time}'}}]");
            Scene::new(ACTIVE).pass().suspended("AC01").says(&state).brief()
        };
        [until("2025-12-31T23:59:59Z"), until("2026-01-01T00:00:00Z"), until("2026-06-01")].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    reactivate AC01
    reactivate AC01
    ");
}

#[test]
fn strict_lifts_suspensions_that_the_state_allows() {
    let shown = Scene::new("subaccounts: [{sid: AC01, status: active, liftSuspensionsBefore: 2026-06-01}]")
        .policy(|policy| policy.reactivation = Reactivation::Strict)
        .suspended("AC01")
        .brief();
    insta::assert_snapshot!(shown, @r"
    reactivate AC01
    ");
}

#[test]
fn strict_does_not_take_for_its_own_what_was_active_in_between() {
    let shown = {
        let scene = Scene::new(SUSPENDED).active("AC01").done().active("AC01").pass().suspended("AC01");
        scene.policy(|policy| policy.reactivation = Reactivation::Strict).says(ACTIVE).brief()
    };
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    ");
}

#[test]
fn suspension_is_our_own_when_its_outcome_was_lost_and_twilio_dates_it_in_time() {
    let shown = {
        let open = |result: Option<Outcome>| {
            let scene = Scene::new(SUSPENDED).active("AC01").pass();
            let planned = scene.plan().actions.remove(0);
            let at = scene.stamp();
            let scene = scene.event(Event::Intent {
                id: 7,
                at,
                write: subaccountd_core::history::Write::from(&planned),
            });
            let scene = match result {
                Some(outcome) => scene.event(Event::Outcome { id: 7, at, outcome }),
                None => scene,
            };
            let at = scene.stamp().at;
            scene
                .suspended("AC01")
                .with("AC01", |account| account.date_updated = Some(at))
                .says(ACTIVE)
                .policy(|policy| policy.reactivation = Reactivation::Strict)
                .shown()
        };
        let refused = open(Some(refused()));
        assert_eq!(refused, open(Some(skipped())));
        [open(None), open(Some(unknown())), refused].join("--\n")
    };
    insta::assert_snapshot!(shown, @r#"
    reactivate AC01, free
    --
    reactivate AC01, free
    --
    SuspendedElsewhere: reactivate of AC01
      AC01 was suspended externally, by a fraud circuit breaker or a person; last changed at 2026-06-01T12:00:00Z
      = find out why it was suspended; to lift the suspension, write `liftSuspensionsBefore: "2026-06-01T12:00:00Z"` in the entry
    "#);
}

#[test]
fn write_is_contested_when_others_reverted_it_twice() {
    let shown = {
        let mut scene = Scene::new(SUSPENDED).active("AC01");
        let mut steps = Vec::new();
        for _ in 0..3 {
            steps.push(scene.brief());
            scene = scene.done().active("AC01").after("1h");
        }
        steps.push(scene.shown());
        steps.push(scene.clone().after("21h 59m").brief());
        steps.push(scene.after("22h 1s").brief());
        steps.join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    suspend AC01
    Contested suspend AC01
    Contested: suspend of AC01
      reverted externally 2 times; not retrying `suspend AC01`
      = find what else changes it (the Console, a script, a usage trigger) and keep one owner; retried when these reverts are older than 24h

    Contested suspend AC01
    suspend AC01
    ");
}

#[test]
fn contested_number_stays_where_others_put_it() {
    let shown = {
        let mut scene = claimed();
        for _ in 0..2 {
            scene = scene.done().holds("AC02", "+15105550101").pass();
        }
        scene.shown()
    };
    insta::assert_snapshot!(shown, @r"
    Contested: transfer of AC01 +15105550101
      reverted externally 2 times; not retrying `transfer +15105550101 from AC02 to AC01`
      = find what else changes it (the Console, a script, a usage trigger) and keep one owner; retried when these reverts are older than 24h
    ");
}

#[test]
fn a_number_that_others_bring_back_into_a_closing_account_is_contested() {
    let shown = {
        let state =
            "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]";
        let mut scene = Scene::new(state).holds("AC01", "+15105550101");
        for _ in 0..2 {
            scene = scene.done().holds("AC01", "+15105550101").pass();
        }
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    Contested transfer AC00 +15105550101
    StillHoldsNumbers close AC01
    ");
}

#[test]
fn write_reverted_by_the_state_is_not_contested() {
    let shown = {
        let mut scene = Scene::new(SUSPENDED).active("AC01");
        for _ in 0..3 {
            scene = scene.done().says(ACTIVE).done().says(SUSPENDED);
        }
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    OverLimit suspend AC01
    ");
}

#[test]
fn an_undoing_counts_once() {
    let shown = {
        let scene = Scene::new(SUSPENDED).active("AC01").done().active("AC01").pass().pass().pass();
        assert_eq!(
            scene.history.times_reverted(&Target::Account(sid("AC01")), scene.now, scene.policy.window),
            1
        );
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    ");
}

#[test]
fn refused_write_pauses_longer_each_time_up_to_an_hour() {
    let shown = {
        let mut scene = Scene::new(SUSPENDED).active("AC01").does(&refused());
        let mut steps = vec![scene.shown()];
        for pause in [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            let before = scene.clone().after(&format!("{}s", pause - 1));
            assert!(before.brief().starts_with("RefusedByTwilio"), "{pause}");
            scene = scene.after(&format!("{pause}s"));
            assert_eq!(scene.brief(), "suspend AC01", "{pause}");
            scene = scene.does(&refused());
        }
        steps.push(scene.brief());
        steps.join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio: suspend of AC01
      Twilio refused to suspend AC01 (error 21478): Account is suspended by Twilio
      = see https://www.twilio.com/docs/errors/21478; fix the cause that Twilio names, or change the entry; retried at 2026-06-01T12:00:15Z
    --
    RefusedByTwilio suspend AC01
    ");
}

#[test]
fn a_refusal_ends_when_the_entry_changes() {
    let shown = {
        let scene = Scene::new(SUSPENDED).active("AC01").does(&refused());
        let changed = scene.clone().says("subaccounts: [{sid: AC01, status: suspended, reason: unpaid}]");
        let elsewhere = scene
            .says("subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: active}]")
            .account("AC02", "hooli", Status::Active);
        [changed.brief(), elsewhere.brief()].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    RefusedByTwilio suspend AC01
    ");
}

#[test]
fn a_refused_transfer_to_the_main_account_ends_when_the_main_account_changes() {
    let shown = {
        let state = r#"mainAccount: {sid: AC00, numbers: ["+15105550100"]}"#;
        let scene = Scene::new(state)
            .account("AC01", "hooli", Status::Active)
            .holds("AC01", "+15105550100")
            .does(&refused());
        let changed = scene
            .clone()
            .says(r#"mainAccount: {sid: AC00, numbers: [{number: "+15105550100", addressSid: AD01}]}"#);
        [scene.brief(), changed.brief()].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio transfer AC00 +15105550100
    transfer +15105550100 from AC01 to AC00
    ");
}

#[test]
fn ignored_write_is_held_as_refused_without_a_code() {
    let shown =
        Scene::new(SUSPENDED).active("AC01").does(&ignored("Twilio answered with status active")).shown();
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio: suspend of AC01
      Twilio refused to suspend AC01 (no error code): Twilio answered with status active
      = fix the cause that Twilio names, or change the entry; retried at 2026-06-01T12:00:15Z
    ");
}

#[test]
fn refused_write_is_not_retried_within_one_apply() {
    let shown = {
        let scene = Scene::new(SUSPENDED).active("AC01").does(&refused()).after("2h");
        let before = scene.clone().policy(|policy| policy.no_retry_from = Some(1));
        [scene.policy(|policy| policy.no_retry_from = Some(0)).shown(), before.shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio: suspend of AC01
      Twilio refused to suspend AC01 (error 21478): Account is suspended by Twilio
      = see https://www.twilio.com/docs/errors/21478; fix the cause that Twilio names, or change the entry; retried in the next run
    --
    suspend AC01
    ");
}

#[test]
fn a_success_forgets_the_refusals_before_it() {
    let shown = {
        let scene = Scene::new(SUSPENDED)
            .active("AC01")
            .does(&refused())
            .after("15s")
            .done()
            .active("AC01")
            .does(&refused());
        scene.after("15s").brief()
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    ");
}

#[test]
fn a_refusal_comes_after_contested_and_before_the_verbs() {
    let shown = {
        let refused =
            Scene::new(SUSPENDED).active("AC01").does(&refused()).policy(|policy| policy.verbs.clear());
        let reverted =
            |scene: &Scene| Event::Reverted { target: Target::Account(sid("AC01")), at: scene.stamp() };
        let (first, second) = (reverted(&refused), reverted(&refused.clone().after("1s")));
        [refused.brief(), refused.clone().event(first).event(second).brief()].join("\n")
    };
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio suspend AC01
    Contested suspend AC01
    ");
}

#[test]
fn a_missing_number_is_searched_for_with_pauses_that_grow() {
    let shown = {
        let mut scene = claimed().account("AC03", "hooli", Status::Active).holds("AC03", "+15105550101");
        let found = scene.brief();
        scene = scene.nowhere("+15105550101");
        let reads_all = |scene: &Scene| scene.observe().numbers(sid("AC03")).is_some();
        for pause in [0, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            if pause > 0 {
                assert!(!reads_all(&scene.clone().after(&format!("{}s", pause - 1))), "{pause}");
            }
            scene = scene.after(&format!("{pause}s"));
            assert!(reads_all(&scene), "{pause}");
            let at = scene.now.best();
            let state = scene.desired.digest();
            scene = scene.event(Event::Searched { at, state, found: false });
        }
        let at = scene.now.best();
        assert!(reads_all(&scene.clone().event(Event::Searched {
            at,
            state: scene.desired.digest(),
            found: true
        })));
        assert!(reads_all(&scene.clone().event(Event::Searched {
            at,
            state: "another".to_owned(),
            found: false
        })));
        format!("{found}\n{}", scene.brief())
    };
    insta::assert_snapshot!(shown, @r"
    transfer +15105550101 from AC03 to AC01
    UnknownNumber transfer AC01 +15105550101
    ");
}

#[test]
fn a_number_that_a_closing_account_was_seen_with_is_searched_for() {
    let shown = {
        let state = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
        let scene =
            Scene::new(state).account("AC03", "hooli", Status::Active).holds("AC01", "+15105550101").pass();
        assert_eq!(scene.observe().numbers(sid("AC03")), None);
        let scene = scene.holds("AC03", "+15105550101");
        assert!(scene.observe().numbers(sid("AC03")).is_some());
        let scene = scene.pass();
        assert_eq!(scene.observe().numbers(sid("AC03")), None);
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff close AC01
    ");
}

#[test]
fn an_unknown_write_is_resolved_by_the_next_observation() {
    let shown = {
        let lost = claimed().does(&unknown());
        [lost.brief(), lost.holds("AC01", "+15105550101").brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    transfer +15105550101 from AC02 to AC01
    --
    ");
}

#[test]
fn a_number_that_went_back_by_the_states_will_is_free_and_going_there_again_is_not() {
    let shown = {
        let there = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}, {sid: AC02, status: active}]"#;
        let back = r#"subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: active, numbers: ["+15105550101"]}]"#;
        let moved = Scene::new(there).holds("AC02", "+15105550101").done().says(back);
        let again = moved.clone().done().says(there);
        [moved.shown(), moved.clone().after("24h").shown(), again.shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    transfer +15105550101 from AC01 to AC02, free
    --
    transfer +15105550101 from AC01 to AC02
    --
    transfer +15105550101 from AC02 to AC01
    ");
}

#[test]
fn reactivation_of_our_own_suspension_is_free_for_seven_days() {
    let shown = {
        let suspended = Scene::new(SUSPENDED).active("AC01").done().says(ACTIVE);
        [suspended.clone().after("167h 59m 59s").shown(), suspended.after("168h").shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    reactivate AC01, free
    --
    reactivate AC01
    ");
}

#[test]
fn a_history_read_from_its_events_is_the_same() {
    let shown = {
        let mut events = Vec::new();
        let mut scene = claimed();
        for event in observation_events(&scene.history, &scene.desired, &scene.observe(), scene.now) {
            events.push(event);
        }
        let planned = scene.plan().actions.remove(0);
        let at = scene.stamp();
        events.push(Event::Intent { id: 3, at, write: subaccountd_core::history::Write::from(&planned) });
        events.push(Event::Outcome { id: 3, at, outcome: refused() });
        events.push(Event::Reverted { target: Target::Number(phone("+15105550101")), at });
        events.push(Event::Unattended { from: at.at, to: at.at });
        let mut read = subaccountd_core::History::default();
        let mut repeated = read.clone();
        for event in events {
            repeated.apply_all([event.clone(), event.clone()]);
            read.apply(serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap());
            scene = scene.event(event);
        }
        assert_eq!(read, scene.history);
        assert_eq!(repeated, scene.history, "a line that was written twice is harmless");
        assert_eq!(read.next_id(), 4);
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    RefusedByTwilio transfer AC01 +15105550101
    ");
}

#[test]
fn a_number_found_elsewhere_is_looked_for_there_without_another_search() {
    let scene = claimed().account("AC03", "hooli", Status::Active).account("AC04", "initech", Status::Active);
    let mut scene = scene.forbids(subaccountd_core::ActionKind::Transfer).holds("AC03", "+15105550101");
    let reads = |scene: &Scene, account: &str| scene.observe().numbers(sid(account)).is_some();
    assert!(reads(&scene, "AC03") && reads(&scene, "AC04"), "the first look is a search");
    scene = scene.pass();
    assert!(reads(&scene, "AC03") && !reads(&scene, "AC04"), "the second one knows where to look");
    // It moves on: the account where it was seen last no longer has it, so it is searched for again.
    scene = scene.nowhere("+15105550101").also_holds("AC04", "+15105550101");
    assert!(reads(&scene, "AC04"));
    scene = scene.pass().nowhere("+15105550101").also_holds("AC01", "+15105550101").pass();
    assert!(
        !reads(&scene, "AC03") && !reads(&scene, "AC04"),
        "where it belongs it is not looked for elsewhere"
    );
}

#[test]
fn desired_status_that_changed_during_an_outage_is_recorded() {
    let closed = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let mut history = Scene::new(closed).pass().history;
    assert!(history.close_decision(sid("AC01")).is_some());
    // No account list, only the state.
    let policy = subaccountd_core::Policy::default();
    let now = Scene::new(ACTIVE).now;
    let heed = |history: &subaccountd_core::History, desired: &subaccountd_core::Desired| {
        desired_events(history, desired, &policy, now)
    };
    for event in heed(&history.clone(), &desired(SUSPENDED)) {
        history.apply(event);
    }
    assert_eq!(history.desired_status(sid("AC01")), Some(Status::Suspended));
    assert!(
        history.close_decision(sid("AC01")).is_none(),
        "the decision was taken back, so the rest begins anew"
    );
    assert_eq!(heed(&history, &desired(SUSPENDED)), []);
    for event in heed(&history.clone(), &desired(ACTIVE)) {
        history.apply(event);
    }
    assert!(!history.seen_active(sid("AC01")), "a new word is a new beginning");
}

#[test]
fn a_faulty_state_ends_no_closing() {
    let closed = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let history = Scene::new(closed).pass().history;
    let policy = subaccountd_core::Policy::default();
    let state = desired("subaccounts: [{sid: AC02, status: odd}]");
    assert_eq!(desired_events(&history, &state, &policy, Scene::new(ACTIVE).now), []);
}

#[test]
fn a_reactivation_that_was_verified_is_a_sight_of_the_active_account_and_a_lost_one_is_not() {
    let suspended = Scene::new(ACTIVE).suspended("AC01");
    let verified = suspended.clone().does(&Outcome::Done(Receipt::default())).suspended("AC01");
    assert_eq!(verified.brief(), "SuspendedElsewhere reactivate AC01", "others suspended it right after");
    let lost = suspended.does(&unknown());
    assert_eq!(lost.brief(), "reactivate AC01");
}

/// A fact that no longer counts is dropped: a journal that goes on for years does not grow with it.
#[test]
fn history_is_ripe_when_a_write_or_an_undoing_is_older_than_the_window() {
    let ripe = |scene: &Scene| scene.history.is_ripe(scene.now, scene.policy.window);
    let written = Scene::new(SUSPENDED).active("AC01").done();
    let empty = Scene::new(SUSPENDED);
    let at = empty.stamp();
    let undone = empty.event(Event::Reverted { target: Target::Account(sid("AC01")), at });
    for scene in [written, undone] {
        assert!(!ripe(&scene));
        let mut later = scene.after("24h");
        assert!(ripe(&later));
        later.history.prune(later.now, later.policy.window);
        assert!(!ripe(&later));
    }
}

/// Only one whose outcome is unknown is tried again sooner, as it undoes a suspension.
#[test]
fn refused_reactivation_pauses_up_to_an_hour_as_any_refused_write() {
    let mut scene = Scene::new(ACTIVE).suspended("AC01");
    for _ in 0..12 {
        scene = scene.does(&refused()).after("1h");
    }
    let scene = scene.does(&refused());
    assert_eq!(scene.clone().after("59m 59s").brief(), "RefusedByTwilio reactivate AC01");
    assert_eq!(scene.after("1h").brief(), "reactivate AC01");
}
