//! The brake: each action kind against its limit, whole and alone.

use subaccountd_core::{ActionKind, Limit, Outcome, Status, approve};

use crate::support::scene::{Scene, ignored, refused, skipped, unknown};

/// `n` accounts with the desired status `status`.
fn fleet(n: usize, status: &str) -> String {
    let entry = |n| format!("- {{sid: AC{n:02}, status: {status}}}\n");
    format!("subaccounts:\n{}", (1..=n).map(entry).collect::<String>())
}

/// `n` accounts with the desired status `suspended`, of which `active` are active.
fn to_suspend(n: usize, active: usize) -> Scene {
    (1..=active).fold(Scene::new(&fleet(n, "suspended")), |scene, n| scene.active(&format!("AC{n:02}")))
}

/// AC01 claims `n` numbers that sit in AC02.
fn to_move(n: usize) -> Scene {
    let number = |n: usize| format!("+151055501{n:02}");
    let claims: Vec<_> = (0..n).map(|n| format!("'{}'", number(n))).collect();
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [{}]}}, {{sid: AC02, status: active}}]",
        claims.join(", ")
    );
    (0..n).fold(Scene::new(&state), |scene, n| scene.holds("AC02", &number(n)))
}

/// AC01 and so on rest for long enough; each holds a number that may go.
fn to_close(n: usize) -> Scene {
    let entry = |n| {
        format!(
            "- {{sid: AC{n:02}, status: closed, close: {{confirm: acme, release: ['+151055501{n:02}']}}}}\n"
        )
    };
    let state = format!("subaccounts:\n{}", (1..=n).map(entry).collect::<String>());
    let scene = Scene::new(&state)
        .limit(ActionKind::Suspend, Limit::Percent(100))
        .limit(ActionKind::Close, Limit::Percent(100));
    (1..=n)
        .fold(scene, |scene, n| scene.holds(&format!("AC{n:02}"), &format!("+151055501{n:02}")))
        .done()
        .after("72h")
}

#[test]
fn a_verb_over_its_limit_is_held_whole() {
    let shown = to_suspend(9, 3).shown();
    insta::assert_snapshot!(shown, @r#"
    OverLimit: suspend of AC01
      `suspend` is over its limit of 2: 3 planned, 0 spent within 24h; all of them are held (AC01, AC02, AC03)
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 3, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 3, or change the desired state in smaller steps
    OverLimit: suspend of AC02
      `suspend` is over its limit of 2: 3 planned, 0 spent within 24h; all of them are held (AC01, AC02, AC03)
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 3, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 3, or change the desired state in smaller steps
    OverLimit: suspend of AC03
      `suspend` is over its limit of 2: 3 planned, 0 spent within 24h; all of them are held (AC01, AC02, AC03)
      = check that all of them are intended, then add `allowances: [{verb: suspend, upTo: 3, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-suspends` to at least 3, or change the desired state in smaller steps
    "#);
}

#[test]
fn a_verb_at_its_limit_goes_on() {
    let shown = to_suspend(9, 2).shown();
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    suspend AC02
    ");
}

#[test]
fn a_verb_over_its_limit_is_held_alone() {
    let shown = to_suspend(3, 3)
        .says(
            &fleet(3, "suspended")
                .replace("AC01, status: suspended", "AC01, status: active, numbers: [\"+15105550101\"]"),
        )
        .suspended("AC01")
        .active("AC02")
        .active("AC03")
        .limit(ActionKind::Suspend, Limit::Count(1))
        .holds("AC02", "+15105550101")
        .brief();
    insta::assert_snapshot!(shown, @r"
    reactivate AC01
    transfer +15105550101 from AC02 to AC01
    OverLimit suspend AC02
    OverLimit suspend AC03
    ");
}

#[test]
fn the_message_shows_ten_accounts_and_counts_the_others() {
    let shown = {
        let scene = to_suspend(30, 13);
        let plan = scene.plan();
        assert_eq!(plan.held.len(), 13);
        crate::support::text::short(&plan.held[0].message)
    };
    insta::assert_snapshot!(shown, @r"
    `suspend` is over its limit of 3: 13 planned, 0 spent within 24h; all of them are held (AC01, AC02, AC03, AC04, AC05, AC06, AC07, AC08, AC09, AC10 and 3 more)
    ");
}

#[test]
fn a_share_is_rounded_down_but_not_below_the_floor() {
    let of = |kind: ActionKind, limit: Limit, base: usize| limit.allows(kind, base);
    assert_eq!(of(ActionKind::Suspend, Limit::Percent(10), 39), Some(3));
    for (kind, floor) in [
        (ActionKind::Reactivate, 5),
        (ActionKind::Suspend, 2),
        (ActionKind::Close, 1),
        (ActionKind::Transfer, 10),
    ] {
        assert_eq!(of(kind, Limit::Percent(1), 3), Some(floor));
        assert_eq!(of(kind, Limit::Percent(1), 0), Some(floor));
        assert_eq!(of(kind, Limit::Percent(0), 1000), Some(0));
        assert_eq!(of(kind, Limit::Percent(100), 1000), None);
        assert_eq!(of(kind, Limit::Percent(99), 1000), Some(990));
        assert_eq!(of(kind, Limit::Count(0), 1000), Some(0));
        assert_eq!(of(kind, Limit::Count(3), 1), Some(3));
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let shown = {
        let limits = subaccountd_core::Limits::default();
        format!("{:?}, released {}, within {:#}", limits.verbs, limits.released_numbers, limits.window)
    };
    insta::assert_snapshot!(shown, @r"
    {Reactivate: Percent(25), Create: Count(20), Transfer: Percent(25), Suspend: Percent(10), Configure: Percent(25), Close: Percent(5)}, released 0, within 24h
    ");
}

#[test]
fn a_limit_of_zero_allows_only_what_is_free() {
    let shown = {
        let scene =
            to_suspend(2, 1).done().says(&fleet(2, "active")).limit(ActionKind::Reactivate, Limit::Count(0));
        [scene.shown(), scene.clone().limit(ActionKind::Reactivate, Limit::Percent(0)).brief()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    reactivate AC01, free
    OverLimit: reactivate of AC02
      `reactivate` is over its limit of 0: 1 planned, 0 spent within 24h; all of them are held (AC02)
      = check that all of them are intended, then raise `--max-reactivations` to at least 1, or change the desired state in smaller steps
    --
    reactivate AC01
    OverLimit reactivate AC02
    ");
}

#[test]
fn a_lifted_limit_lets_everything_through() {
    let shown = format!(
        "{} actions",
        to_suspend(30, 30).limit(ActionKind::Suspend, Limit::Percent(100)).plan().actions.len()
    );
    insta::assert_snapshot!(shown, @r"
    30 actions
    ");
}

#[test]
fn a_verb_without_a_limit_is_held() {
    let shown = {
        let mut scene = to_suspend(3, 1);
        scene.limits.verbs.clear();
        scene.brief()
    };
    insta::assert_snapshot!(shown, @r"
    OverLimit suspend AC01
    ");
}

#[test]
fn writes_within_the_window_count() {
    let shown = {
        let spent = to_suspend(3, 2).done().active("AC03");
        [spent.brief(), spent.clone().after("23h 59m 59s").brief(), spent.after("24h").brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    OverLimit suspend AC03
    --
    OverLimit suspend AC03
    --
    suspend AC03
    ");
}

#[test]
fn nothing_falls_out_of_the_window_while_the_clocks_disagree() {
    let shown = to_suspend(3, 2).done().active("AC03").after("999h").clock_off(None).brief();
    insta::assert_snapshot!(shown, @r"
    OverLimit suspend AC03
    ");
}

#[test]
fn budget_counts_unknown_and_ignored_writes_and_no_skipped_ones() {
    let shown = {
        let then = |result: Outcome| {
            to_suspend(4, 2)
                .does(&result)
                .after("2h")
                .suspended("AC01")
                .suspended("AC02")
                .active("AC03")
                .active("AC04")
                .brief()
        };
        [then(unknown()), then(skipped()), then(ignored("no"))].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @"
    OverLimit suspend AC03
    OverLimit suspend AC04
    --
    suspend AC03
    suspend AC04
    --
    OverLimit suspend AC03
    OverLimit suspend AC04
    ");
}

#[test]
fn write_takes_the_place_of_its_unknown_try() {
    let shown = {
        let tried = to_suspend(3, 2).does(&unknown());
        let again = tried.clone().does(&unknown()).after("1h").does(&unknown()).after("1h");
        let done = again.clone().done().active("AC03");
        [tried.brief(), again.brief(), done.brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    suspend AC02
    --
    suspend AC01
    suspend AC02
    --
    OverLimit suspend AC03
    ");
}

#[test]
fn an_unknown_try_weighs_again_when_the_next_one_did_not_happen() {
    let shown = {
        let tried = to_suspend(3, 2).does(&unknown()).does(&skipped());
        let third = tried.clone().suspended("AC01").suspended("AC02").active("AC03");
        [tried.brief(), third.brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    suspend AC02
    --
    OverLimit suspend AC03
    ");
}

#[test]
fn a_write_that_was_done_is_paid_for_again_when_it_is_made_again() {
    let shown = to_suspend(3, 2).done().active("AC01").brief();
    insta::assert_snapshot!(shown, @r"
    OverLimit suspend AC01
    ");
}

#[test]
fn free_actions_go_on_when_the_rest_of_their_verb_is_held() {
    let shown = {
        let scene = to_suspend(8, 2).done().says(&fleet(8, "active"));
        scene.shown()
    };
    insta::assert_snapshot!(shown, @r#"
    reactivate AC01, free
    reactivate AC02, free
    OverLimit: reactivate of AC03
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    OverLimit: reactivate of AC04
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    OverLimit: reactivate of AC05
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    OverLimit: reactivate of AC06
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    OverLimit: reactivate of AC07
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    OverLimit: reactivate of AC08
      `reactivate` is over its limit of 5: 6 planned, 0 spent within 24h; all of them are held (AC03, AC04, AC05, AC06, AC07, AC08)
      = check that all of them are intended, then add `allowances: [{verb: reactivate, upTo: 6, until: "2026-06-03", reason: "write why"}]` beside `mainAccount`, or raise `--max-reactivations` to at least 6, or change the desired state in smaller steps
    "#);
}

#[test]
fn transfers_are_weighed_against_the_numbers() {
    let shown = [
        to_move(10).brief().lines().count().to_string(),
        to_move(11).plan().held[0].message.clone().replace(&"0".repeat(30), ""),
        to_move(48).plan().actions.len().to_string(),
        to_move(10).limit(ActionKind::Transfer, Limit::Count(9)).brief(),
    ]
    .join("\n");
    insta::assert_snapshot!(shown, @r"
    10
    `transfer` is over its limit of 10: 11 planned, 0 spent within 24h; all of them are held (AC01)
    0
    OverLimit transfer AC01 +15105550100
    OverLimit transfer AC01 +15105550101
    OverLimit transfer AC01 +15105550102
    OverLimit transfer AC01 +15105550103
    OverLimit transfer AC01 +15105550104
    OverLimit transfer AC01 +15105550105
    OverLimit transfer AC01 +15105550106
    OverLimit transfer AC01 +15105550107
    OverLimit transfer AC01 +15105550108
    OverLimit transfer AC01 +15105550109
    ");
}

#[test]
fn a_transfer_waits_when_the_reactivation_of_its_receiver_is_over_the_limit() {
    let shown = {
        let state = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}, {sid: AC02, status: active, numbers: ["+15105550102"]}, {sid: AC03, status: active}]"#;
        Scene::new(state)
            .suspended("AC01")
            .holds("AC03", "+15105550101")
            .holds("AC03", "+15105550102")
            .limit(ActionKind::Reactivate, Limit::Count(0))
            .limit(ActionKind::Transfer, Limit::Count(1))
            .shown()
    };
    insta::assert_snapshot!(shown, @r"
    transfer +15105550102 from AC03 to AC02
    OverLimit: reactivate of AC01
      `reactivate` is over its limit of 0: 1 planned, 0 spent within 24h; all of them are held (AC01)
      = check that all of them are intended, then raise `--max-reactivations` to at least 1, or change the desired state in smaller steps
    TargetNotActive: transfer of AC01 +15105550101
      +15105550101 cannot move to AC01, which is not active: Twilio accepts transfers into active accounts only
      = make the receiving account active first; it can be suspended again after the transfer
    ");
}

#[test]
fn closes_are_weighed_as_a_verb_before_what_they_release() {
    let shown = to_close(2).may_release(9).limit(ActionKind::Close, Limit::Count(1)).brief();
    insta::assert_snapshot!(shown, @r"
    OverLimit close AC01
    OverLimit close AC02
    ");
}

#[test]
fn a_close_may_use_what_the_closes_before_it_leave() {
    let shown = to_close(3).may_release(2).brief();
    insta::assert_snapshot!(shown, @r"
    close AC01
    close AC02
    OverLimit close AC03
    ");
}

#[test]
fn numbers_released_within_the_window_count() {
    let shown = {
        let scene = to_close(2).may_release(1).done();
        [scene.brief(), scene.after("24h").brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    OverLimit close AC02
    --
    close AC02
    ");
}

#[test]
fn a_close_takes_the_place_of_its_unknown_try_in_what_it_releases() {
    let shown = {
        let tried = to_close(1).may_release(1).does(&unknown());
        let another = tried.clone().is("AC01", Status::Closed).says(
            "subaccounts: [{sid: AC02, status: closed, close: {confirm: acme, release: ['+15105550102']}}]",
        );
        let another = another
            .account("AC02", "acme", Status::Suspended)
            .holds("AC02", "+15105550102")
            .pass()
            .after("23h")
            .policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
        [tried.brief(), another.brief(), another.after("1h").brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    close AC01
    --
    OverLimit close AC02
    --
    close AC02
    ");
}

#[test]
fn budgets_show_what_is_left() {
    let shown = {
        let scene = to_close(2).may_release(3).done().pass();
        let approved = approve(scene.try_plan().unwrap(), &scene.limits, &scene.history, scene.now);
        let budgets = approved.budgets();
        let verbs: Vec<_> =
            budgets.verbs.iter().map(|(kind, budget)| format!("{kind} {:?}", budget.remaining())).collect();
        format!("{}; release {:?}", verbs.join(", "), budgets.release.remaining())
    };
    insta::assert_snapshot!(shown, @r"
    reactivate Some(5), create Some(20), transfer Some(10), suspend None, configure Some(10), close None; release Some(1)
    ");
}

#[test]
fn a_close_that_releases_nothing_needs_no_budget_for_it() {
    let scene = to_close(2).may_release(2).done().may_release(0);
    let empty = "subaccounts: [{sid: AC03, status: closed, close: {confirm: acme}}]";
    let scene = scene.account("AC03", "acme", Status::Suspended).says(empty).pass();
    let scene = scene.policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
    assert_eq!(scene.limit(ActionKind::Close, Limit::Count(3)).brief(), "close AC03");
}

#[test]
fn exempt_write_is_not_spent() {
    let back = to_suspend(3, 2)
        .done()
        .says(&fleet(3, "active"))
        .limit(ActionKind::Reactivate, Limit::Count(0))
        .done();
    assert_eq!(back.brief(), "OverLimit reactivate AC03");
    assert_eq!(back.limit(ActionKind::Reactivate, Limit::Count(1)).brief(), "reactivate AC03");
}

#[test]
fn budget_counts_the_tries_of_one_write_once() {
    let tried = to_suspend(3, 2).limit(ActionKind::Suspend, Limit::Count(3)).does(&unknown());
    let done = tried.does(&unknown()).after("1h").done().active("AC03");
    assert_eq!(done.brief(), "suspend AC03");
}

#[test]
fn a_free_write_does_not_take_the_place_of_one_that_costs() {
    let there =
        "subaccounts: [{sid: AC01, status: active, numbers: ['+15105550100']}, {sid: AC02, status: active}]";
    let back =
        "subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: active, numbers: ['+15105550100']}]";
    let more =
        "subaccounts: [{sid: AC01, status: active, numbers: ['+15105550101']}, {sid: AC02, status: active}]";
    // The first transfer is unknown, and was done; the second takes it back for nothing.
    let scene = Scene::new(there).limit(ActionKind::Transfer, Limit::Count(1)).holds("AC02", "+15105550100");
    let scene = scene.does(&unknown()).holds("AC01", "+15105550100").says(back).done();
    assert_eq!(
        scene.says(more).holds("AC02", "+15105550101").brief(),
        "OverLimit transfer AC01 +15105550101"
    );
}

#[test]
fn a_changed_entry_begins_its_refusals_anew() {
    let refused = || refused(21_475, "no");
    let scene = to_suspend(1, 1).does(&refused()).after("1h").does(&refused()).after("1h").does(&refused());
    assert_eq!(scene.clone().after("15s").brief(), "RefusedByTwilio suspend AC01");
    let changed =
        scene.says("subaccounts: [{sid: AC01, status: suspended, reason: unpaid}]").does(&refused());
    assert_eq!(changed.after("15s").brief(), "suspend AC01");
}
