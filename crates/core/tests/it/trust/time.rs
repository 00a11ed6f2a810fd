//! Time: while clocks disagree, no budget is freed and no cooling-off period ends.

use subaccountd_core::{ActionKind, Limit};

use crate::support::scene::Scene;

const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";

/// Four active accounts to suspend, two a day: AC03 and AC04 are listed by the second edit.
fn suspending() -> Scene {
    let scene = Scene::new(&state(2)).limit(ActionKind::Suspend, Limit::Count(2));
    let scene = scene.active("AC01").active("AC02");
    scene.account("AC03", "acme", subaccountd_core::Status::Active).account(
        "AC04",
        "acme",
        subaccountd_core::Status::Active,
    )
}

fn state(accounts: usize) -> String {
    let entries = (1..=accounts).map(|n| format!("{{sid: AC{n:02}, status: suspended}}"));
    format!("subaccounts: [{}]", entries.collect::<Vec<_>>().join(", "))
}

const OVER: &str = "OverLimit suspend AC03\nOverLimit suspend AC04";
const FREE: &str = "suspend AC03\nsuspend AC04";

/// Our clock is 25 h slow for the first writes, then right.
#[test]
fn budget_is_not_freed_when_a_slow_clock_is_set_right() {
    let slow = suspending().clock_off(Some("25h")).done();
    let right = slow.clocks_right().says(&state(4));
    assert_eq!(right.brief(), OVER);
    // A trusted clock dates the writes: a day later they weigh no more.
    let right = right.pass();
    assert_eq!(right.clone().after("23h 59m 59s").brief(), OVER);
    assert_eq!(right.after("24h").brief(), FREE);
}

#[test]
fn budget_is_not_freed_when_twilio_gives_no_time_at_the_writes_or_after_them() {
    let without = suspending().clock_off(None).done();
    assert_eq!(without.clone().says(&state(4)).after("999h").brief(), OVER);
    let later = without.clock_off(Some("0s")).says(&state(4)).pass();
    assert_eq!(later.clone().after("23h 59m 59s").brief(), OVER);
    assert_eq!(later.after("24h").brief(), FREE);
    let after = suspending().done().says(&state(4)).after("999h");
    assert_eq!(after.clone().clock_off(None).brief(), OVER);
    assert_eq!(after.brief(), FREE);
}

#[test]
fn nothing_is_freed_when_both_clocks_jump() {
    let jumped = suspending().done().says(&state(4)).after("999h").jumped();
    assert_eq!(jumped.brief(), OVER);
    let closing = Scene::new(CLOSED).done().after("72h").jumped();
    assert_eq!(closing.brief(), "CoolingOff close AC01");
}

#[test]
fn nothing_is_closed_when_clocks_disagree_even_without_a_rest() {
    let closing = Scene::new(CLOSED).done().policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
    assert_eq!(closing.brief(), "close AC01");
    for off in [None, Some("5m 1s"), Some("-5m 1s"), Some("450d")] {
        let off = off.map(|off| if off == "450d" { "10800h" } else { off });
        assert_eq!(closing.clone().clock_off(off).brief(), "CoolingOff close AC01", "{off:?}");
    }
    for near in ["5m", "-5m"] {
        assert_eq!(closing.clone().clock_off(Some(near)).brief(), "close AC01", "{near}");
    }
}

/// The suspension was made at a doubtful time, 25 h slow: the rest counts from the first time that can be trusted.
#[test]
fn rest_counts_from_the_first_trusted_time_when_the_suspension_was_made_at_a_doubtful_one() {
    let scene = Scene::new(CLOSED).clock_off(Some("25h")).done().clocks_right();
    let scene =
        scene.with("AC01", |account| account.date_updated = Some("2026-01-01T00:00:00Z".parse().unwrap()));
    let scene = scene.after("1h").pass();
    assert_eq!(scene.clone().after("71h 59m 59s").brief(), "CoolingOff close AC01");
    assert_eq!(scene.after("72h").brief(), "close AC01");
}

/// Time during which no clock could be trusted counts towards no rest.
#[test]
fn rest_does_not_go_on_while_clocks_disagree() {
    let scene = Scene::new(CLOSED).done().after("1h").clock_off(None);
    let mut scene = scene;
    for _ in 0..10 {
        scene = scene.after("10h").pass();
    }
    let scene = scene.clock_off(Some("0s")).pass();
    assert_eq!(scene.clone().after("70h 59m 59s").brief(), "CoolingOff close AC01");
    assert_eq!(scene.after("71h").brief(), "close AC01");
}

/// An action that undoes the daemon's own write is exempt within seven days only, which is unknown while clocks disagree.
#[test]
fn reactivation_costs_while_no_clock_can_be_trusted() {
    let active = state(2).replace("suspended", "active");
    let scene = suspending().done().limit(ActionKind::Reactivate, Limit::Count(0)).says(&active);
    assert_eq!(scene.brief(), "reactivate AC01\nreactivate AC02");
    let held = "OverLimit reactivate AC01\nOverLimit reactivate AC02";
    let late = scene.after("999h");
    assert_eq!(late.brief(), held);
    assert_eq!(late.clone().clock_off(None).brief(), held);
    assert_eq!(late.clone().clock_off(Some("-999h")).brief(), held);
    assert_eq!(late.jumped().brief(), held);
}

#[test]
fn transfer_back_costs_while_no_clock_can_be_trusted() {
    let there = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}, {sid: AC02, status: active}]"#;
    let back = r#"subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: active, numbers: ["+15105550101"]}]"#;
    let moved = Scene::new(there).holds("AC02", "+15105550101").done().says(back);
    let moved = moved.limit(ActionKind::Transfer, Limit::Count(0));
    assert_eq!(moved.brief(), "transfer +15105550101 from AC01 to AC02");
    let late = moved.after("999h");
    assert_eq!(late.brief(), "OverLimit transfer AC02 +15105550101");
    assert_eq!(late.clock_off(None).brief(), "OverLimit transfer AC02 +15105550101");
}
