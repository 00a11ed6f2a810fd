//! Windows of the state hold action kinds for a time.

use subaccountd_core::{ActionKind, Now, Status};

use crate::support::scene::{Scene, time};

/// AC01 is to be suspended, and AC02 to be reactivated, with a window from `schedule` on; scenes begin on a Monday at noon.
fn scene(window: &str) -> Scene {
    Scene::new(&format!(
        "windows: [{window}]\nmainAccount: {{sid: AC00}}\nsubaccounts: [{{sid: AC01, status: suspended}}, {{sid: AC02, status: active}}]"
    ))
    .active("AC01")
}

#[test]
fn window_holds_its_verbs_until_it_ends() {
    let shown = scene("{schedule: '0 9 * * 1', duration: 8h, reason: release day}").shown();
    insta::assert_snapshot!(shown, @r#"
    OutsideWindow: suspend of AC01
      `suspend` is held until 2026-06-01T17:00:00Z by a window of the desired state ("release day"); waiting: 1 action
      = wait, or shorten the window in `windows` of the desired state
    "#);
    assert_eq!(
        scene("{schedule: '0 9 * * 1', duration: 3h}").shown(),
        "suspend AC01\n",
        "its end is not part of it"
    );
    assert_eq!(scene("{schedule: '0 12 * * 1', duration: 1m}").after("1m").shown(), "suspend AC01\n");
    assert_eq!(scene("{schedule: '1 12 * * 1', duration: 1h}").shown(), "suspend AC01\n", "it has not begun");
    assert_eq!(scene("{schedule: '0 9 * * 1', duration: 8h, verbs: [close]}").shown(), "suspend AC01\n");
}

#[test]
fn windows_that_overlap_end_with_the_last_of_them() {
    let windows = "{schedule: '0 9 * * *', duration: 4h}, {schedule: '0 13 * * *', duration: 2h}, \
                   {schedule: '30 14 * * *', duration: 1h, verbs: [close]}";
    insta::assert_snapshot!(scene(windows).shown(), @r"
    OutsideWindow: suspend of AC01
      `suspend` is held until 2026-06-01T15:00:00Z by a window of the desired state; waiting: 1 action
      = wait, or shorten the window in `windows` of the desired state
    ");
    insta::assert_snapshot!(scene("{schedule: '*/10 * * * *', duration: 10m}").shown(), @r"
    OutsideWindow: suspend of AC01
      `suspend` is held by windows of the desired state that join each other, until 2026-06-02T04:40:00Z at the earliest; waiting: 1 action
      = wait, or shorten the window in `windows` of the desired state
    ");
}

#[test]
fn window_never_holds_what_undoes_a_write_of_the_daemon() {
    let state = |status: &str| {
        format!(
            "windows: [{{schedule: '* * * * *', duration: 1h, verbs: [reactivate]}}]\nmainAccount: {{sid: AC00}}\n\
             subaccounts: [{{sid: AC01, status: {status}}}, {{sid: AC02, status: active}}]"
        )
    };
    let scene = Scene::new(&state("suspended")).active("AC01").done().says(&state("active")).after("1h");
    assert_eq!(scene.shown(), "reactivate AC01, free\n");
}

#[test]
fn window_does_not_end_while_the_clocks_disagree() {
    let ended = || scene("{schedule: '0 9 * * 1', duration: 2h}");
    let clocks = |local: &str, twilio: Option<&str>| {
        let mut scene = ended();
        scene.now = Now::new(time(local), twilio.map(time));
        scene.shown()
    };
    let free = "suspend AC01\n";
    assert_eq!(clocks("2026-06-01T12:00:00Z", Some("2026-06-01T12:00:00Z")), free);
    let held = clocks("2026-06-01T10:00:00Z", Some("2026-06-01T12:00:00Z"));
    insta::assert_snapshot!(held, @r"
    OutsideWindow: suspend of AC01
      `suspend` is held by a window of the desired state, which does not end while the clocks disagree; waiting: 1 action
      = set the clock of this machine (NTP)
    ");
    assert_eq!(clocks("2026-06-01T12:00:00Z", Some("2026-06-01T10:00:00Z")), held, "by Twilio's it goes on");
    assert_eq!(clocks("2026-06-01T12:00:00Z", Some("2026-05-31T12:00:00Z")), held, "it lies between them");
    assert_eq!(clocks("2026-06-01T13:00:00Z", Some("2026-06-01T12:00:00Z")), free, "both are behind it");
}

#[test]
fn window_that_was_in_force_at_the_last_trusted_time_does_not_end_by_a_jump_of_both_clocks() {
    let mut scene = scene("{schedule: '0 12 * * 1', duration: 1h}").pass();
    assert!(scene.shown().contains("OutsideWindow"));
    let later = time("2026-06-01T20:00:00Z");
    scene.now = Now { steady: false, ..Now::new(later, Some(later)) };
    assert!(scene.shown().contains("does not end while the clocks disagree"), "{}", scene.shown());
}

#[test]
fn faulty_window_always_holds_its_verbs_or_the_default_ones() {
    insta::assert_snapshot!(scene("{schedule: never, duration: 1h, verbs: [suspend]}").shown(), @r"
    OutsideWindow: suspend of AC01
      `suspend` is held: a window of the desired state has a fault, and lasts until it is corrected; waiting: 1 action
      = run `subaccountd validate` and correct what it lists
    ");
    for window in [
        "{schedule: '0 9 * * 1'}",
        "{duration: 1h}",
        "{schedule: '0 9 * * 1', duration: 1h, timeZone: Europe/Berlim}",
        "{schedule: '0 9 * * 1', duration: 1h, verbs: suspend}",
        "{schedule: '0 9 * * 1', duration: 1h, verbs: []}",
        "{schedule: '0 9 * * 1', duration: 1h, verbs: [close, suspned]}",
        "{schedule: '0 9 * * 1', duration: 1h, verb: [close]}",
        "{schedule: '0 9 * * 1', duration: 400d}",
        "{schedule: '0 9 * * 1', duration: 1h, colour: red}",
        "night",
    ] {
        let shown = scene(window).shown();
        assert!(shown.contains("OutsideWindow: suspend of AC01"), "{window}: {shown}");
    }
    let shown = scene("{schedule: never, duration: 1h, verbs: [close]}").shown();
    assert_eq!(shown, "suspend AC01\n");
}

#[test]
fn window_that_never_comes_holds_nothing() {
    assert_eq!(scene("{schedule: '0 0 30 2 *', duration: 1d}").shown(), "suspend AC01\n");
}

#[test]
fn close_that_waits_tells_the_window_at_its_end() {
    let state = "windows: [{schedule: '0 0 * * *', duration: 24h, verbs: [close]}]\nmainAccount: {sid: AC00}\n\
                 subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let scene = Scene::new(state).is("AC01", Status::Suspended).pass();
    insta::assert_snapshot!(scene.shown(), @r"
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-04T12:00:00Z at the earliest: cooling-off period of 72h since 2026-06-01T12:00:00Z; then it is held as `OutsideWindow`: a window of the desired state is in force then
      = wait; to keep the account, change its `status` before then; before that, shorten the window, when it should not hold it
    ");
}

#[test]
fn window_is_before_the_limit_of_its_verb_and_after_what_it_may_use() {
    let zero = scene("{schedule: '0 9 * * 1', duration: 8h}")
        .limit(ActionKind::Suspend, subaccountd_core::Limit::Count(0));
    assert!(zero.shown().starts_with("OutsideWindow"), "{}", zero.shown());
    let mut forbidden = scene("{schedule: '0 9 * * 1', duration: 8h}");
    forbidden.policy.verbs.remove(&ActionKind::Suspend);
    assert!(forbidden.shown().starts_with("NotAllowed"), "{}", forbidden.shown());
}
