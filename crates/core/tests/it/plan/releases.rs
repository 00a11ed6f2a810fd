//! Releases: an order is good for the one number that its account held, and for one release.

use std::sync::atomic::{AtomicUsize, Ordering};

use insta::assert_snapshot;
use subaccountd_core::{
    ActionKind, EmergencyStatus, NumberSid, Outcome, Receipt, ResourceRef, Skip, SkipCause, Status, Target,
    events::events_during_pass, history::Event,
};

use crate::support::{
    crew::Ports,
    scene::{Scene, phone, refused, sid, unknown},
};

const NUMBER: &str = "+15105550109";
const ORDER: &str = r#"
    subaccounts:
    - {sid: AC01, status: active, release: [{number: "+15105550109"}]}
    - {sid: AC02, status: active}
    "#;

/// The account holds the number, and a pass read the order.
fn ordered() -> Scene {
    Scene::new(ORDER).holds("AC01", NUMBER).may_release(9).pass()
}

/// The order has rested.
fn due() -> Scene {
    ordered().after("24h")
}

const RELEASE: &str = "release +15105550109 of AC01";

#[test]
fn a_number_is_released_after_the_rest_of_its_order() {
    assert_snapshot!(ordered().shown(), @"
    CoolingOff: release of AC01 +15105550109
      +15105550109 is released at 2026-06-02T12:00:00Z at the earliest: cooling-off period of 24h since 2026-06-01T12:00:00Z
      = wait; to keep the number, remove it from `release` before then
    ");
    assert_eq!(ordered().after("23h").brief(), "CoolingOff release AC01 +15105550109");
    assert_snapshot!(due().shown(), @"release +15105550109 of AC01 (by Twilio's documentation it can be had back in the Twilio Console for 10 days, at the price of a new number)");
    assert_eq!(due().done().brief(), "");
}

#[test]
fn release_after_of_zero_skips_the_rest_and_nothing_else() {
    let at_once = ordered().policy(|policy| policy.release_after = jiff::SignedDuration::ZERO);
    assert_eq!(at_once.brief(), RELEASE);
    let clocks = at_once.clone().clock_off(Some("6m"));
    assert_eq!(clocks.brief(), "CoolingOff release AC01 +15105550109");
    assert_eq!(at_once.clock_off(None).brief(), "CoolingOff release AC01 +15105550109");
}

#[test]
fn the_main_account_releases_its_own_numbers() {
    let state = r#"mainAccount: {sid: AC00, release: [{number: "+15105550109"}]}"#;
    let scene = Scene::new(state).holds("AC00", NUMBER).may_release(1).pass().after("24h");
    assert_eq!(scene.brief(), "release +15105550109 of AC00");
    assert_eq!(scene.done().brief(), "");
}

#[test]
fn not_before_holds_a_release_longer_than_its_rest() {
    let state =
        ORDER.replace(r#""+15105550109"}"#, r#""+15105550109", notBefore: 2026-06-20, reason: over}"#);
    let scene = Scene::new(&state).holds("AC01", NUMBER).may_release(9).pass();
    assert_eq!(scene.clone().after("432h").brief(), "CoolingOff release AC01 +15105550109");
    assert_eq!(scene.after("456h").brief(), RELEASE);
}

#[test]
fn another_word_in_between_begins_the_rest_anew() {
    let without = ORDER.replace(r#", release: [{number: "+15105550109"}]"#, "");
    let again = ordered().after("20h").says(&without).pass().says(ORDER).pass();
    assert_eq!(again.clone().after("23h").brief(), "CoolingOff release AC01 +15105550109");
    assert_eq!(again.after("24h").brief(), RELEASE);
    let reason = ORDER.replace(r#""+15105550109"}"#, r#""+15105550109", reason: over}"#);
    let other = ordered().after("20h").says(&reason).pass().after("4h");
    assert_eq!(other.brief(), "CoolingOff release AC01 +15105550109");
}

#[test]
fn an_edit_of_another_part_of_the_entry_keeps_the_rest() {
    let edited = ORDER.replace("status: active, release", "reason: x, status: active, release");
    assert_eq!(ordered().after("20h").says(&edited).pass().after("4h").brief(), RELEASE);
}

#[test]
fn a_time_without_passes_does_not_count_towards_the_rest() {
    let scene = ordered().away("12h").pass().after("13h");
    assert_eq!(scene.brief(), "CoolingOff release AC01 +15105550109");
    assert_eq!(scene.after("11h").brief(), RELEASE);
}

#[test]
fn an_order_survives_a_restart_and_a_fault_in_its_entry() {
    let faulty = ORDER.replace("status: active, release", "status: actve, release");
    let scene = ordered().after("12h").says(&faulty).pass().restarted().after("6h").says(ORDER).pass();
    assert_eq!(scene.after("6h").brief(), RELEASE);
}

/// The order says nothing of a number that was bought, ported or moved later.
#[test]
fn an_order_for_a_number_that_is_not_held_is_spent() {
    let scene = Scene::new(ORDER).may_release(9).pass();
    assert_eq!(scene.brief(), "");
    let back = scene.after("48h").holds("AC01", NUMBER).pass().after("48h");
    assert_snapshot!(back.shown(), @"
    Contested: release of AC01 +15105550109
      +15105550109 is not released: AC01 did not hold it at 2026-06-01T12:00:00Z, and AC01 holds it now as PN00000000000000000000015105550109
      = remove the number from `release` to keep it; to release it again, change its `reason` in `release` of AC01
    ");
    let reason = ORDER.replace(r#""+15105550109"}"#, r#""+15105550109", reason: again}"#);
    assert_eq!(back.says(&reason).pass().after("24h").brief(), RELEASE);
}

#[test]
fn a_number_that_comes_back_after_its_release_is_left_alone() {
    let back = due().done().after("1h").pass().holds("AC01", NUMBER).pass().after("48h");
    assert_eq!(back.brief(), "Contested release AC01 +15105550109");
    assert_eq!(back.restarted().pass().brief(), "Contested release AC01 +15105550109");
}

#[test]
fn a_number_that_moves_to_another_account_is_settled_and_stays_so_when_it_returns() {
    let away = ordered().after("12h").holds("AC02", NUMBER).pass();
    assert_eq!(away.brief(), "");
    let back = away.after("20h").holds("AC01", NUMBER).pass();
    assert_eq!(back.brief(), "Contested release AC01 +15105550109");
}

#[test]
fn another_number_sid_under_the_same_phone_number_is_left_alone() {
    let other: NumberSid = "PN000000000000000000000000000000aa".parse().unwrap();
    let bought = ordered().nowhere(NUMBER).also_holds_with("AC01", NUMBER, |number| number.sid = other);
    assert_eq!(bought.pass().after("48h").brief(), "Contested release AC01 +15105550109");
}

#[test]
fn a_number_in_two_lists_or_in_no_readable_one_is_unreadable() {
    let unreadable = "Unreadable release AC01 +15105550109";
    let read = ORDER.replace("{sid: AC02,", r#"{sid: AC02, numbers: ["+15105550102"],"#);
    let both = due().says(&read).holds("AC02", "+15105550102").also_holds("AC02", NUMBER);
    assert_eq!(both.brief(), unreadable);
    assert_eq!(due().unreadable("AC01").brief(), unreadable);
    let again = due().unreadable("AC01").pass().readable().holds("AC01", NUMBER).pass();
    assert_eq!(again.brief(), RELEASE, "a failed read settles nothing");
}

#[test]
fn the_reasons_of_a_release_come_in_their_order() {
    let hold = |scene: &Scene| scene.brief().split(' ').next().unwrap_or_default().to_owned();
    let paused = ORDER.replace("{sid: AC01,", "{sid: AC01, paused: true,");
    let misnamed = ORDER.replace("{sid: AC01,", "{sid: AC01, friendlyName: hooli,");
    let emergency = |scene: Scene| {
        scene.nowhere(NUMBER).also_holds_with("AC01", NUMBER, |number| {
            number.emergency_status = Some(EmergencyStatus::Registered);
        })
    };
    let faulty = format!("{ORDER}- {{sid: AC03}}\n");
    let all = emergency(ordered()).forbids(ActionKind::Release);
    assert_eq!(hold(&all.clone().says(&paused)), "Paused");
    assert_eq!(hold(&all.clone().says(&misnamed)), "NameMismatch");
    assert_eq!(hold(&all.clone().says(&faulty)), "StateFaults");
    assert_eq!(hold(&all), "EmergencyAddress");
    let without = ordered().forbids(ActionKind::Release);
    assert!(without.shown().contains("then it is held as `NotAllowed`"), "{}", without.shown());
    assert_eq!(hold(&without.clone()), "CoolingOff");
    assert_eq!(hold(&without.after("24h")), "NotAllowed");
}

#[test]
fn an_emergency_address_that_is_not_certainly_gone_holds_the_release() {
    use EmergencyStatus::{
        PendingRegistration, PendingUnregistration, Registered, RegistrationFailure, Unknown, Unregistered,
        UnregistrationFailure,
    };

    let with = |status: Option<EmergencyStatus>, has_sid: bool| {
        due().nowhere(NUMBER).also_holds_with("AC01", NUMBER, |number| {
            number.emergency_status = status;
            if has_sid {
                number.resource_refs.insert(ResourceRef::EmergencyAddress);
            }
        })
    };
    for status in [Registered, PendingRegistration, PendingUnregistration, UnregistrationFailure, Unknown] {
        for has_sid in [false, true] {
            let held = with(Some(status), has_sid).brief();
            assert_eq!(held, "EmergencyAddress release AC01 +15105550109", "{status:?}");
        }
    }
    assert_eq!(with(None, true).brief(), "EmergencyAddress release AC01 +15105550109");
    assert_eq!(with(Some(RegistrationFailure), true).brief(), "EmergencyAddress release AC01 +15105550109");
    for free in [with(None, false), with(Some(RegistrationFailure), false), with(Some(Unregistered), true)] {
        assert_eq!(free.brief(), RELEASE);
    }
}

#[test]
fn releases_and_closes_share_one_limit_and_each_is_held_alone() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: active, release: [{number: "+15105550101"}, {number: "+15105550102"}]}
        - {sid: AC02, status: closed, close: {confirm: acme, release: ["+15105550103"]}}
        "#;
    let scene = Scene::new(state)
        .holds("AC01", "+15105550101")
        .also_holds("AC01", "+15105550102")
        .holds("AC02", "+15105550103")
        .suspended("AC02")
        .pass()
        .after("72h");
    let all = "release +15105550101 of AC01\nrelease +15105550102 of AC01\nclose AC02";
    assert_eq!(scene.clone().may_release(3).brief(), all);
    let two = scene.clone().may_release(2);
    assert_eq!(
        two.brief(),
        "release +15105550101 of AC01\nrelease +15105550102 of AC01\nOverLimit close AC02"
    );
    let one = scene.clone().may_release(1);
    assert_eq!(
        one.brief(),
        "release +15105550101 of AC01\nOverLimit release AC01 +15105550102\nOverLimit close AC02"
    );
    assert_eq!(one.plan().numbers_at_risk, 1, "what the limit keeps back is not at risk");
    assert!(one.shown().contains("raise `--max-released-numbers` to at least 3"), "{}", one.shown());
    let spent = one.done().pass();
    assert_eq!(spent.brief(), "OverLimit release AC01 +15105550102\nOverLimit close AC02");
    assert!(spent.shown().contains("1 already released or planned within 24h"), "{}", spent.shown());
}

#[test]
fn a_wait_tells_the_limit_that_will_hold_the_release() {
    let told = ordered().may_release(0).shown();
    assert!(told.contains("then it is held as `OverLimit`"), "{told}");
}

#[test]
fn a_lost_answer_is_resolved_by_a_list_without_the_number() {
    let lost = due().does(&unknown());
    assert_eq!(lost.clone().brief(), RELEASE, "the first repeat follows a look");
    let gone = lost.nowhere(NUMBER).pass();
    assert_eq!(gone.brief(), "");
    let order = gone.history.release_order(sid("AC01"), phone(NUMBER)).unwrap();
    assert!(order.settled.unwrap().by_us);
    assert_eq!(gone.history.owner(phone(NUMBER)), None, "its account holds it no more");
    let back = gone.holds("AC01", NUMBER).pass();
    assert_eq!(back.brief(), "Contested release AC01 +15105550109");
}

#[test]
fn a_crash_after_the_intent_counts_as_a_release_that_ended_unknown() {
    let planned = due().plan().actions.remove(0);
    let crashed = due().may_release(1).writes(&planned, None).restarted();
    assert_eq!(crashed.clone().pass().brief(), RELEASE, "a repeat takes its own place in the limit");
    assert_eq!(
        crashed.nowhere(NUMBER).pass().holds("AC01", NUMBER).pass().brief(),
        "Contested release AC01 +15105550109"
    );
}

#[test]
fn a_list_that_lags_behind_a_release_is_not_believed() {
    let lagging = due().lags_number(NUMBER, Scene::done).after("1m").pass();
    assert_eq!(lagging.brief(), "");
    assert_eq!(lagging.history.owner(phone(NUMBER)), None);
    assert_eq!(lagging.after("2m").pass().brief(), "Contested release AC01 +15105550109", "then it is");
}

#[test]
fn a_release_that_twilio_refuses_is_paused_until_the_entry_changes() {
    let scene = due().does(&refused(22350, "being ported out"));
    assert_eq!(scene.brief(), "RefusedByTwilio release AC01 +15105550109");
}

#[test]
fn a_close_waits_for_the_release_of_a_number_and_forgets_it_then() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: closed, release: [{number: "+15105550109"}], close: {confirm: acme, moveNumbersToMain: true}}
        "#;
    let scene = Scene::new(state).holds("AC01", NUMBER).may_release(1).pass().after("1h");
    assert_eq!(scene.brief(), "StillHoldsNumbers close AC01\nCoolingOff release AC01 +15105550109");
    assert!(scene.shown().contains("waiting for a release: +15105550109"), "{}", scene.shown());
    let released = scene.after("24h").done();
    assert_eq!(released.brief(), "suspend AC01\nCoolingOff close AC01");
    let rested = released.done().after("72h").pass();
    assert_eq!(rested.clone().may_release(0).brief(), "close AC01", "it loses no number");
    assert_eq!(rested.plan().numbers_at_risk, 0);
}

/// The list of a suspended account may be shown empty while it holds the number: neither an order nor an unknown release is
/// settled by that, and a close answers for the number.
#[test]
fn an_empty_list_of_a_suspended_account_settles_no_order() {
    let hidden = due().suspended("AC01").nowhere(NUMBER).pass();
    assert_eq!(hidden.brief(), "SuspendedElsewhere reactivate AC01\nUnreadable release AC01 +15105550109");
    let back = hidden.active("AC01").also_holds("AC01", NUMBER).pass();
    assert_eq!(back.brief(), RELEASE, "the order is as good as before");

    let lost = due().does(&unknown()).suspended("AC01").nowhere(NUMBER).pass();
    let closing = lost
        .says("subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]")
        .pass()
        .after("72h")
        .pass();
    assert_eq!(closing.brief(), "StillHoldsNumbers close AC01", "the number is not forgotten");
}

/// The pasted order is the first one of its number, and the file has a fault.
#[test]
fn a_fault_does_not_begin_a_settled_order_again() {
    let state = |orders: &str| format!("subaccounts: [{{sid: AC01, status: active, release: [{orders}]}}]");
    let one = "{number: \"+15105550109\", reason: over}";
    let ordered = Scene::new(&state(one)).holds("AC01", NUMBER).may_release(9).pass().after("24h");
    let back = ordered.done().pass().also_holds("AC01", NUMBER).pass();
    assert_eq!(back.brief(), "Contested release AC01 +15105550109");
    let twice = back.says(&state(&format!("{{number: \"+15105550109\", reason: pasted}}, {one}"))).pass();
    let mended = twice.says(&state(one)).pass().after("48h").pass();
    assert_eq!(mended.brief(), "Contested release AC01 +15105550109");
}

/// The list of a suspended account may look empty while the number is there: the close counts it as lost.
#[test]
fn a_close_counts_a_number_with_an_order_that_its_list_does_not_show() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: closed, release: [{number: "+15105550109"}], close: {confirm: acme}}
        "#;
    let scene = Scene::new(state).holds("AC01", NUMBER).pass().suspended("AC01").nowhere(NUMBER).pass();
    let rested = scene.after("72h").pass();
    assert_eq!(rested.brief(), "OverLimit close AC01\nUnreadable release AC01 +15105550109");
    assert_eq!(rested.may_release(1).brief(), "close AC01\nUnreadable release AC01 +15105550109");
}

#[test]
fn numbers_with_an_order_do_not_move_to_the_main_account() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: closed, release: [{number: "+15105550109"}], close: {confirm: acme, moveNumbersToMain: true}}
        "#;
    let scene = Scene::new(state).holds("AC01", NUMBER).also_holds("AC01", "+15105550108").pass();
    assert_eq!(
        scene.brief(),
        "transfer +15105550108 from AC01 to AC00\nStillHoldsNumbers close AC01\nCoolingOff release AC01 +15105550109"
    );
}

#[test]
fn a_release_rests_on_a_fresh_look_at_its_number_and_account() {
    let scene = due();
    assert_snapshot!(Ports::new(&scene).shown(&scene), @"
    read PN00000000000000000000015105550109 of AC01
    read AC01
    intent: release +15105550109 of AC01
    write: release +15105550109 of AC01
    answer: release +15105550109 of AC01
    outcome: release +15105550109 of AC01 done
    release +15105550109 of AC01: done
    ");
    let changed = [
        ("moved by a person", due().holds("AC02", NUMBER)),
        (
            "a voice URL",
            due().nowhere(NUMBER).also_holds_with("AC01", NUMBER, |number| {
                number.resource_refs.insert(ResourceRef::Trunk);
            }),
        ),
        (
            "an emergency address",
            due().nowhere(NUMBER).also_holds_with("AC01", NUMBER, |number| {
                number.emergency_status = Some(EmergencyStatus::PendingRegistration);
            }),
        ),
        ("suspended", due().suspended("AC01")),
        ("renamed", due().account("AC01", "hooli", Status::Active)),
    ];
    for (what, now) in changed {
        let shown = Ports::new(&now).shown(&scene);
        assert!(!shown.contains("intent") && !shown.contains("write"), "{what}: {shown}");
        assert!(shown.contains("changed since it was planned"), "{what}: {shown}");
    }
}

#[test]
fn a_release_is_skipped_when_the_state_changes_during_its_looks() {
    let scene = due();
    let mut ports = Ports::new(&scene);
    let checks = AtomicUsize::new(0);
    ports.gate = Box::new(move |_| match checks.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(()),
        _ => Err(Skip::new(SkipCause::StateChanged, "the state changed")),
    });
    let shown = ports.shown(&scene);
    assert!(!shown.contains("intent") && !shown.contains("write"), "{shown}");
}

/// A settled order that began anew would release a number that came back.
#[test]
fn a_read_during_a_pass_withdraws_no_order_of_an_entry_without_a_sid() {
    let state = r#"
        subaccounts:
        - {friendlyName: acme, status: active, release: [{number: "+15105550109"}]}
        "#;
    let scene = Scene::new(state).durable().done().pass();
    assert!(scene.history.release_order(sid("AC81"), phone(NUMBER)).unwrap().settled.is_some());
    let facts = events_during_pass(&scene.history, &scene.desired, &scene.policy, scene.now);
    assert!(!facts.iter().any(|fact| matches!(fact, Event::ReleaseWithdrawn { .. })), "{facts:?}");
}

#[test]
fn a_release_takes_back_what_history_knew_of_the_number() {
    let scene = due().pass();
    let at = scene.stamp();
    let released = scene.event(Event::ProofFailed {
        kind: ActionKind::Release,
        target: Target::Number(phone(NUMBER)),
        at,
        entry: "entry".to_owned(),
        seen: "changed".to_owned(),
    });
    let released = released.does(&Outcome::Done(Receipt::default()));
    assert_eq!(released.history.numbers_of(sid("AC01")).count(), 0);
    assert_eq!(released.history.open_release_orders().count(), 0);
}
