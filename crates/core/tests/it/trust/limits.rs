//! Limits: what counts, and whose place a repeat takes.

use std::fmt::Write;

use subaccountd_core::{ActionKind, Limit, Status};

use crate::support::scene::{Scene, ignored, refused, skipped, unknown};

/// A state with a desired status for a range of accounts.
fn entries(from: usize, to: usize, status: &str) -> String {
    (from..=to).fold(String::new(), |mut text, n| {
        let close = if status == "closed" { ", close: {confirm: acme}" } else { "" };
        writeln!(text, "- {{sid: AC{n:02}, status: {status}{close}}}").unwrap();
        text
    })
}

fn suspending(accounts: usize, limit: usize) -> Scene {
    let mut scene = Scene::new(&format!("subaccounts:\n{}", entries(1, accounts, "suspended")));
    for n in 1..=accounts {
        scene = scene.active(&format!("AC{n:02}"));
    }
    scene.limit(ActionKind::Suspend, Limit::Count(limit))
}

#[test]
fn limit_in_per_cent_counts_only_accounts_that_are_there_and_not_closed() {
    let state = format!("subaccounts:\n{}{}", entries(1, 20, "suspended"), entries(21, 99, "closed"));
    let mut scene = Scene::new(&state).limit(ActionKind::Suspend, Limit::Percent(10));
    for n in 1..=20 {
        scene = scene.active(&format!("AC{n:02}"));
    }
    for n in 21..=60 {
        scene = scene.is(&format!("AC{n:02}"), Status::Closed);
    }
    for n in 61..=99 {
        scene = scene.gone(&format!("AC{n:02}"));
    }
    let plan = scene.approved();
    assert_eq!(plan.budgets().verbs[&ActionKind::Suspend].limit, Some(2), "10 % of 20");
    assert_eq!(plan.plan().actions, []);
    assert_eq!(plan.plan().held.len(), 20);
}

#[test]
fn limit_in_per_cent_counts_only_numbers_that_were_found() {
    let claims: Vec<_> = (10..50).map(|n| format!("'+1510555{n:02}00'")).collect();
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: ['+15105550101', {}]}}, {{sid: AC02, status: active}}]",
        claims.join(", ")
    );
    let mut scene = Scene::new(&state).holds("AC02", "+15105550101");
    for n in 10..50 {
        scene = scene.nowhere(&format!("+1510555{n:02}00"));
    }
    // Below its floor a share allows ten; 100 would be the share that lifts it.
    let plan = scene.limit(ActionKind::Transfer, Limit::Percent(99)).approved();
    assert_eq!(plan.plan().found_numbers, 1);
    assert_eq!(plan.budgets().verbs[&ActionKind::Transfer].limit, Some(10));
}

#[test]
fn numbers_that_a_close_hands_over_raise_no_limit_while_the_state_has_faults() {
    let found = |more: &str| {
        let state = format!(
            "subaccounts:\n\
             - {{sid: AC01, status: active, numbers: ['+15105550101', '+15105550102']}}\n\
             - {{sid: AC02, status: active}}\n\
             - {{sid: AC03, status: closed, close: {{confirm: acme, moveNumbersToMain: true}}}}\n{more}"
        );
        let scene = Scene::new(&state).holds("AC02", "+15105550102");
        scene.holds("AC03", "+15105550103").holds("AC03", "+15105550104").plan().found_numbers
    };
    assert_eq!(found(""), 4, "one in place, one to move, two to hand over");
    assert_eq!(found("- {sid: AC04, status: dormant}\n"), 2);
}

#[test]
fn ignored_write_costs_as_much_as_one_that_was_done() {
    let scene = suspending(2, 2).does(&ignored("Twilio answered with status active"));
    let scene = scene.says(&format!("subaccounts:\n{}", entries(3, 4, "suspended")));
    let scene = scene.account("AC03", "acme", Status::Active).account("AC04", "acme", Status::Active);
    assert_eq!(scene.brief(), "OverLimit suspend AC03\nOverLimit suspend AC04");
}

#[test]
fn ignored_release_costs_as_much_as_one_that_was_done() {
    let state = |account: &str, number: &str| {
        format!(
            "subaccounts: [{{sid: {account}, status: closed, close: {{confirm: acme, release: ['{number}']}}}}]"
        )
    };
    let scene = Scene::new(&state("AC01", "+15105550101")).holds("AC01", "+15105550101").may_release(1);
    let scene = scene.done().after("72h").limit(ActionKind::Close, Limit::Count(9)).does(&ignored("no"));
    assert_eq!(scene.history.released(scene.now, scene.limits.window), 1);
    let scene = scene.account("AC02", "acme", Status::Suspended).holds("AC02", "+15105550102");
    let scene = scene.policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
    assert_eq!(scene.says(&state("AC02", "+15105550102")).brief(), "OverLimit close AC02");
}

/// Each claim has another account: an unknown transfer gives its place only to the same transfer.
#[test]
fn unknown_write_gives_its_place_only_to_its_very_repeat() {
    let state = |claimant: usize| {
        let claims = |n: usize| if n == claimant { "'+15105550101'" } else { "" };
        let entries = (1..=5).map(|n| format!("{{sid: AC{n:02}, status: active, numbers: [{}]}}", claims(n)));
        format!("subaccounts: [{}]", entries.collect::<Vec<_>>().join(", "))
    };
    let scene =
        Scene::new(&state(1)).holds("AC05", "+15105550101").limit(ActionKind::Transfer, Limit::Count(1));
    let scene = scene.does(&unknown());
    assert_eq!(scene.brief(), "transfer +15105550101 from AC05 to AC01");
    for claimant in 2..=4 {
        let other = scene.clone().says(&state(claimant));
        assert_eq!(other.brief(), format!("OverLimit transfer AC0{claimant} +15105550101"));
    }
    // From another account it is another transfer.
    let elsewhere = scene.holds("AC04", "+15105550101");
    assert_eq!(elsewhere.brief(), "OverLimit transfer AC01 +15105550101");
}

#[test]
fn unknown_write_gives_its_place_only_while_its_effect_was_not_seen() {
    let scene = suspending(1, 1).does(&unknown());
    assert_eq!(scene.brief(), "suspend AC01");
    let seen = scene.suspended("AC01").pass().active("AC01");
    assert_eq!(seen.brief(), "OverLimit suspend AC01", "it happened, and others reverted it");
}

#[test]
fn unknown_write_costs_again_when_its_repeat_did_not_happen() {
    let more = format!("subaccounts:\n{}", entries(1, 2, "suspended"));
    for end in [skipped(), refused(21_475, "no")] {
        let scene = suspending(1, 1).does(&unknown()).does(&end).suspended("AC01").says(&more);
        let scene = scene.account("AC02", "acme", Status::Active);
        assert_eq!(scene.brief(), "OverLimit suspend AC02", "{end:?}");
    }
}

#[test]
fn intent_without_an_outcome_costs_after_a_restart() {
    let scene = suspending(2, 1).says(&format!("subaccounts:\n{}", entries(1, 1, "suspended"))).pass();
    let planned = scene.plan().actions.remove(0);
    let scene = scene.writes(&planned, None).restarted();
    let both = format!("subaccounts:\n{}", entries(1, 2, "suspended"));
    assert_eq!(scene.suspended("AC01").says(&both).brief(), "OverLimit suspend AC02");
}

#[test]
fn writes_of_one_plan_are_held_together_when_one_of_them_repeats_an_unknown_one() {
    let scene = suspending(1, 2).does(&unknown());
    let three = format!("subaccounts:\n{}", entries(1, 3, "suspended"));
    let scene =
        scene.says(&three).account("AC02", "acme", Status::Active).account("AC03", "acme", Status::Active);
    let held = "OverLimit suspend AC01\nOverLimit suspend AC02\nOverLimit suspend AC03";
    assert_eq!(scene.brief(), held);
    assert_eq!(scene.limit(ActionKind::Suspend, Limit::Count(3)).brief().lines().count(), 3);
}

/// The first try costs, because no clock can be trusted; its repeat is free. It may not free the place of the first.
#[test]
fn free_repeat_does_not_take_the_place_of_an_unknown_write_that_costs() {
    let active = "subaccounts: [{sid: AC01, status: active}]";
    let scene = suspending(1, 1).done().says(active).clock_off(None).does(&unknown());
    let spent = |scene: &Scene| scene.history.spent(ActionKind::Reactivate, scene.now, scene.limits.window);
    assert_eq!(spent(&scene), 1);
    let repeated = scene.clock_off(Some("0s"));
    assert!(repeated.shown().contains("reactivate AC01, free"), "{}", repeated.shown());
    assert_eq!(spent(&repeated.does(&unknown())), 1);
}
