//! The way to a close: emptied, suspended, rested, closed; and everything that stops it.

use subaccountd_core::{ActionKind, Outcome, Status, history::Event};

use crate::support::scene::{Scene, phone, refused, sid, skipped, time, unknown};

const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
const RELEASING: &str =
    r#"subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, release: ["+15105550101"]}}]"#;

/// AC01 is active and empty, and has the desired status `closed`.
fn closing() -> Scene {
    Scene::new(CLOSED)
}

/// AC01 was suspended by the daemon at noon.
fn resting() -> Scene {
    closing().done()
}

fn releasing() -> Scene {
    Scene::new(RELEASING).holds("AC01", "+15105550101")
}

#[test]
fn an_empty_active_account_is_suspended_and_its_close_waits() {
    let shown = closing().shown();
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff: close of AC01
      AC01 is empty and is still active: it is suspended first, and closed after the cooling-off period
      = wait: the cooling-off period of 72h starts with the suspension
    ");
}

#[test]
fn an_account_rests_from_its_suspension_and_is_then_closed() {
    let shown = [
        resting().after("1h").shown(),
        resting().after("71h 59m 59s").shown(),
        resting().after("72h").shown(),
    ]
    .join("--\n");
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-04T12:00:00Z at the earliest: cooling-off period of 72h since 2026-06-01T12:00:00Z
      = wait; to keep the account, change its `status` before then
    --
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-04T12:00:00Z at the earliest: cooling-off period of 72h since 2026-06-01T12:00:00Z
      = wait; to keep the account, change its `status` before then
    --
    close AC01, losing []
    ");
}

#[test]
fn the_whole_way_from_a_full_account_to_a_closed_one() {
    let shown = {
        let state = r#"
            subaccounts:
            - {sid: AC01, status: closed, close: {confirm: acme}}
            - {sid: AC02, status: active, numbers: ["+15105550101"]}
            "#;
        let mut scene = Scene::new(state).holds("AC01", "+15105550101");
        let mut steps = Vec::new();
        for pause in ["0s", "1h", "1h", "71h", "1h"] {
            scene = scene.after(pause);
            steps.push(scene.brief());
            scene = scene.done();
        }
        assert_eq!(scene.brief(), "");
        steps.join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    transfer +15105550101 from AC01 to AC02
    StillHoldsNumbers close AC01
    --
    suspend AC01
    CoolingOff close AC01
    --
    CoolingOff close AC01
    --
    close AC01
    --
    ");
}

#[test]
fn externally_suspended_account_cools_off_from_the_decision() {
    let shown = {
        let scene = closing().suspended("AC01").pass();
        [scene.clone().after("71h").shown(), scene.after("72h").shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-04T12:00:00Z at the earliest: cooling-off period of 72h since 2026-06-01T12:00:00Z
      = wait; to keep the account, change its `status` before then
    --
    close AC01, losing [] (weaker proof that the account is empty: its numbers were only read while it was suspended)
    ");
}

#[test]
fn an_account_that_was_changed_later_rests_from_then() {
    let shown = resting()
        .with("AC01", |account| account.date_updated = Some(time("2026-06-03T12:00:00Z")))
        .after("72h")
        .brief();
    insta::assert_snapshot!(shown, @r"
    CoolingOff close AC01
    ");
}

/// Twilio's own clock was wrong when the account was suspended externally, long after the decision.
#[test]
fn rest_begins_when_the_suspension_was_seen_if_twilio_dates_it_long_before() {
    let number = "+15105550101";
    let holding = closing().holds("AC01", number).pass().after("100h").pass();
    let yesterday = time("2026-06-04T14:00:00Z");
    let suspended = holding.clone().after("1m").suspended("AC01").holds("AC00", number);
    let misdated = suspended.clone().with("AC01", |account| account.date_updated = Some(yesterday)).pass();
    let shown = [
        misdated.clone().shown(),
        misdated.clone().after("71h").brief(),
        misdated.clone().after("72h").brief(),
        // Seen active, and suspended once more: a rest of its own.
        misdated
            .active("AC01")
            .after("71h")
            .holds("AC01", number)
            .pass()
            .suspended("AC01")
            .after("1h")
            .holds("AC00", number)
            .brief(),
        // A date that is a little late is what lists that lag show.
        suspended
            .with("AC01", |account| account.date_updated = Some(time("2026-06-05T15:54:00Z")))
            .pass()
            .after("71h 55m")
            .brief(),
    ]
    .join("--\n");
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-08T16:01:00Z at the earliest: cooling-off period of 72h since 2026-06-05T16:01:00Z
      = wait; to keep the account, change its `status` before then
    --
    CoolingOff close AC01--
    close AC01--
    CoolingOff close AC01--
    close AC01
    ");
}

/// Between two passes others reactivated the account and suspended it again, under a clock of Twilio's that was wrong.
#[test]
fn rest_begins_anew_when_another_suspension_is_seen_however_long_ago_twilio_dates_it() {
    let number = "+15105550101";
    let holding = closing().holds("AC01", number).pass().after("100h").pass();
    let suspended = holding.after("1m").suspended("AC01").holds("AC00", number);
    let first = time("2026-06-04T14:00:00Z");
    let seen =
        suspended.with("AC01", |account| account.date_updated = Some(first)).pass().after("71h").pass();
    let again = |hours: i64| {
        let other = first - jiff::SignedDuration::from_hours(hours);
        seen.clone().with("AC01", |account| account.date_updated = Some(other)).pass()
    };
    // The suspension that was seen first was ours.
    let ours = closing().pass().after("1m").done().pass().after("71h").pass();
    let long_ago = time("2026-05-30T14:00:00Z");
    let not_ours = ours.clone().with("AC01", |account| account.date_updated = Some(long_ago)).pass();
    let shown = [
        seen.clone().after("1h").brief(),
        again(26).after("1h").brief(),
        again(26).after("71h").brief(),
        again(26).after("72h").brief(),
        again(-1).after("71h").brief(),
        ours.after("1h").brief(),
        not_ours.clone().after("71h").brief(),
        not_ours.after("72h").brief(),
    ]
    .join("--\n");
    insta::assert_snapshot!(shown, @"
    close AC01--
    CoolingOff close AC01--
    CoolingOff close AC01--
    close AC01--
    CoolingOff close AC01--
    close AC01--
    CoolingOff close AC01--
    close AC01
    ");
}

#[test]
fn a_new_decision_begins_a_new_rest() {
    let shown = {
        let active = "subaccounts: [{sid: AC01, status: suspended}]";
        let unlisted = "subaccounts: []";
        let faulty = "subaccounts: [{sid: AC01, status: nonsense}]";
        let broken_by =
            |state: &str| resting().after("24h").says(state).pass().says(CLOSED).after("48h").brief();
        [broken_by(CLOSED), broken_by(active), broken_by(unlisted), broken_by(faulty)].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    close AC01
    --
    CoolingOff close AC01
    --
    CoolingOff close AC01
    --
    close AC01
    ");
}

#[test]
fn a_rest_of_nothing_is_skipped_but_nothing_else_is() {
    let shown = {
        let scene = closing().policy(|policy| policy.close_after = jiff::SignedDuration::ZERO);
        let clock_off = scene.clone().done().clock_off(Some("301s"));
        let later = scene.clone().says(&CLOSED.replace("acme", "acme, notBefore: 2026-06-02")).done();
        let full = scene.clone().holds("AC01", "+15105550101");
        [scene.brief(), scene.done().brief(), clock_off.brief(), later.brief(), full.brief()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff close AC01
    --
    close AC01
    --
    CoolingOff close AC01
    --
    CoolingOff close AC01
    --
    StillHoldsNumbers close AC01
    ");
}

#[test]
fn not_before_is_waited_for() {
    let shown = {
        let scene =
            Scene::new(&CLOSED.replace("acme", "acme, notBefore: \"2026-06-10T08:00:00+02:00\"")).done();
        let at = |time| scene.clone().after(time).shown();
        [at("72h"), at("209h 59m 59s"), at("210h")].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-10T06:00:00Z at the earliest: `close.notBefore` is not reached
      = wait; to keep the account, change its `status` before then
    --
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-10T06:00:00Z at the earliest: `close.notBefore` is not reached
      = wait; to keep the account, change its `status` before then
    --
    close AC01, losing []
    ");
}

#[test]
fn nothing_is_closed_while_the_clocks_disagree() {
    let shown = {
        let scene = resting().after("73h");
        [
            scene.clone().clock_off(None),
            scene.clone().clock_off(Some("301s")),
            scene.clone().clock_off(Some("-301s")),
            scene.clone().clock_off(Some("300s")),
            scene.clock_off(Some("-300s")),
        ]
        .map(|scene| scene.shown())
        .join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      AC01 is not closed: Twilio's clock is missing, or more than 5 minutes from the local clock
      = set the clock of this machine (NTP); nothing is closed while the clocks disagree
    --
    CoolingOff: close of AC01
      AC01 is not closed: Twilio's clock is missing, or more than 5 minutes from the local clock
      = set the clock of this machine (NTP); nothing is closed while the clocks disagree
    --
    CoolingOff: close of AC01
      AC01 is not closed: Twilio's clock is missing, or more than 5 minutes from the local clock
      = set the clock of this machine (NTP); nothing is closed while the clocks disagree
    --
    close AC01, losing []
    --
    close AC01, losing []
    ");
}

#[test]
fn a_decision_by_a_clock_that_was_off_does_not_count() {
    let shown = closing()
        .suspended("AC01")
        .clock_off(None)
        .pass()
        .after("72h")
        .clock_off(Some("0s"))
        .pass()
        .after("71h")
        .brief();
    insta::assert_snapshot!(shown, @r"
    CoolingOff close AC01
    ");
}

#[test]
fn account_is_not_closed_when_it_has_no_date() {
    let shown = resting().with("AC01", |account| account.date_updated = None).after("999h").shown();
    insta::assert_snapshot!(shown, @r"
    CoolingOff: close of AC01
      cannot determine when AC01 was suspended: Twilio gives no readable `date_updated`
      = check the account in the Twilio Console; it is read again in the next pass
    ");
}

#[test]
fn a_fault_anywhere_stops_a_close_and_the_suspension_before_it() {
    let shown = {
        let faulty = format!("x-note: 1\nx-note: 2\n{CLOSED}");
        [closing().says(&faulty).shown(), resting().after("72h").says(&faulty).shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    StateFaults: close of AC01
      AC01 is not closed while the desired state has faults
      = run `subaccountd validate` and correct what it lists
    --
    StateFaults: close of AC01
      AC01 is not closed while the desired state has faults
      = run `subaccountd validate` and correct what it lists
    ");
}

#[test]
fn an_unreadable_list_stops_a_close() {
    let shown = [closing().unreadable("AC01").shown(), resting().after("72h").unreadable("AC01").brief()]
        .join("--\n");
    insta::assert_snapshot!(shown, @"
    Unreadable: close of AC01
      the numbers of AC01 could not be read: a page failed
      = no action needed: the list is retried in the next pass
    --
    Unreadable close AC01
    ");
}

#[test]
fn an_account_that_holds_a_number_is_not_suspended_and_not_closed() {
    let shown = [
        closing().holds("AC01", "+15105550101").shown(),
        resting().after("72h").holds("AC01", "+15105550101").brief(),
    ]
    .join("--\n");
    insta::assert_snapshot!(shown, @r"
    StillHoldsNumbers: close of AC01
      AC01 was seen with 1 number: 1 not claimed by any entry: +15105550101
      = claim the unclaimed numbers under another account, set `close.moveNumbersToMain`, or list them in `close.release`
    --
    StillHoldsNumbers close AC01
    ");
}

#[test]
fn many_numbers_are_counted_and_not_all_shown() {
    let shown = (10..23).fold(closing(), |scene, n| scene.holds("AC01", &format!("+151055501{n}"))).shown();
    insta::assert_snapshot!(shown, @r"
    StillHoldsNumbers: close of AC01
      AC01 was seen with 13 numbers: 13 not claimed by any entry: +15105550110, +15105550111, +15105550112, +15105550113, +15105550114, +15105550115, +15105550116, +15105550117, +15105550118, +15105550119 and 3 more
      = claim the unclaimed numbers under another account, set `close.moveNumbersToMain`, or list them in `close.release`
    ");
}

#[test]
fn a_number_that_vanished_counts_as_held_until_it_is_seen_elsewhere() {
    let shown = {
        let seen = closing().holds("AC01", "+15105550101").pass();
        let vanished = seen.clone().nowhere("+15105550101");
        let elsewhere = seen.account("AC02", "hooli", Status::Active).holds("AC02", "+15105550101");
        [vanished.shown(), elsewhere.shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    StillHoldsNumbers: close of AC01
      AC01 was seen with 1 number: 1 in no number list any more: +15105550101
      = find the missing numbers; if they are gone, list them in `close.release`
    --
    suspend AC01
    CoolingOff: close of AC01
      AC01 is empty and is still active: it is suspended first, and closed after the cooling-off period
      = wait: the cooling-off period of 72h starts with the suspension
    ");
}

#[test]
fn a_number_that_came_back_counts_as_held_again() {
    let shown = {
        let scene = closing().account("AC02", "hooli", Status::Active).holds("AC01", "+15105550101").pass();
        let scene = scene.holds("AC02", "+15105550101").pass();
        let gone = scene.clone().nowhere("+15105550101").brief();
        let back = scene.holds("AC01", "+15105550101").pass().nowhere("+15105550101").brief();
        format!("{gone}\n--\n{back}")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff close AC01
    --
    StillHoldsNumbers close AC01
    ");
}

#[test]
fn a_number_in_transit_counts_as_held() {
    let shown = closing()
        .account("AC02", "hooli", Status::Active)
        .holds("AC01", "+15105550101")
        .pass()
        .also_holds("AC02", "+15105550101")
        .brief();
    insta::assert_snapshot!(shown, @r"
    StillHoldsNumbers close AC01
    ");
}

#[test]
fn a_number_in_release_does_not_stop_the_suspension() {
    let shown = releasing().shown();
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff: close of AC01
      AC01 holds only numbers in `close.release` and is still active: it is suspended first, and closed after the cooling-off period; then it is held as `OverLimit`: it would release 1 number, over the limit of 0
      = wait: the cooling-off period of 72h starts with the suspension; before that, raise `--max-released-numbers` to at least 1, or move the numbers
    ");
}

#[test]
fn a_close_that_would_release_more_than_is_left_is_held_alone() {
    let shown = {
        let two = RELEASING.replace("}}]", "}}, {sid: AC02, status: closed, close: {confirm: acme}}]");
        Scene::new(&two)
            .holds("AC01", "+15105550101")
            .done()
            .after("72h")
            .limit(ActionKind::Close, subaccountd_core::Limit::Count(2))
            .shown()
    };
    insta::assert_snapshot!(shown, @r"
    close AC02, losing []
    OverLimit: close of AC01
      closing AC01 would release 1 number, over the limit of 0: 0 already released or planned within 24h
      = check that the numbers may be lost, then raise `--max-released-numbers` to at least 1, or move the numbers
    ");
}

#[test]
fn a_close_may_release_what_the_state_and_the_limit_allow() {
    let shown = releasing().may_release(1).done().after("72h").shown();
    insta::assert_snapshot!(shown, @r"
    close AC01, losing [+15105550101]
    ");
}

#[test]
fn a_vanished_number_in_release_counts_as_released() {
    let shown = releasing().pass().nowhere("+15105550101").may_release(1).done().after("72h").shown();
    insta::assert_snapshot!(shown, @r"
    close AC01, losing [+15105550101]
    ");
}

#[test]
fn a_vanished_number_in_release_needs_the_limit() {
    let shown = releasing().pass().nowhere("+15105550101").done().after("72h").brief();
    insta::assert_snapshot!(shown, @r"
    OverLimit close AC01
    ");
}

#[test]
fn a_list_read_only_while_suspended_is_weaker_proof() {
    let shown = {
        let always = closing().suspended("AC01").pass().after("72h");
        let unread_while_active =
            closing().unreadable("AC01").pass().suspended("AC01").readable().pass().after("72h");
        [always.shown(), unread_while_active.shown()].join("--\n")
    };
    insta::assert_snapshot!(shown, @r"
    close AC01, losing [] (weaker proof that the account is empty: its numbers were only read while it was suspended)
    --
    close AC01, losing [] (weaker proof that the account is empty: its numbers were only read while it was suspended)
    ");
}

#[test]
fn a_suspension_on_the_way_that_is_held_is_shown_beside_the_close() {
    let shown = closing().forbids(ActionKind::Suspend).shown();
    insta::assert_snapshot!(shown, @r"
    NotAllowed: suspend of AC01
      suspend AC01: `suspend` is not among the allowed verbs
      = add `suspend` to `--verbs` (`SUBACCOUNTD_VERBS`), or do it manually
    CoolingOff: close of AC01
      AC01 is empty and is still active: it is suspended first, and closed after the cooling-off period
      = wait: the cooling-off period of 72h starts with the suspension
    ");
}

#[test]
fn a_close_that_is_not_allowed_is_held_at_its_end() {
    let shown = resting().after("72h").forbids(ActionKind::Close).shown();
    insta::assert_snapshot!(shown, @r"
    NotAllowed: close of AC01
      close AC01: `close` is not among the allowed verbs
      = add `close` to `--verbs` (`SUBACCOUNTD_VERBS`), or do it manually
    ");
}

#[test]
fn an_account_that_others_reactivate_while_it_rests_is_suspended_again_and_rests_anew() {
    let shown = {
        let scene = resting()
            .after("71h")
            .active("AC01")
            .with("AC01", |account| account.date_updated = Some(time("2026-06-04T10:00:00Z")));
        let again = scene.clone().done().after("71h");
        [scene.brief(), again.shown()].join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    CoolingOff close AC01
    --
    CoolingOff: close of AC01
      AC01 is closed at 2026-06-07T11:00:00Z at the earliest: cooling-off period of 72h since 2026-06-04T11:00:00Z
      = wait; to keep the account, change its `status` before then
    ");
}

#[test]
fn a_close_whose_end_is_unknown_is_tried_again_when_it_did_not_happen() {
    let shown = resting().after("72h").does(&unknown()).after("1m").brief();
    insta::assert_snapshot!(shown, @r"
    close AC01
    ");
}

/// AC01 was to close, and is to be active with a number of AC02, after a close of it was sent with this outcome.
fn wanted_back(outcome: Option<&Outcome>) -> Scene {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: active}
        "#;
    let close = resting().after("72h");
    let planned = close.plan().actions[0].clone();
    let scene = close.writes(&planned, outcome).account("AC02", "globex", Status::Active);
    scene.says(state).holds("AC02", "+15105550101").active("AC01").pass()
}

#[test]
fn no_number_enters_an_account_whose_close_may_take_effect_late() {
    for outcome in [Some(unknown()), None] {
        let scene = wanted_back(outcome.as_ref());
        assert_eq!(scene.brief(), "Unconfirmed transfer AC01 +15105550101", "{outcome:?}");
        let restarted = scene.clone().restarted();
        assert_eq!(restarted.brief(), scene.brief(), "{outcome:?}");
        assert_eq!(scene.clone().after("1m 59s").brief(), scene.brief(), "{outcome:?}");
        assert_eq!(scene.after("2m 1s").brief(), "transfer +15105550101 from AC02 to AC01", "{outcome:?}");
    }
    let refused = refused(20_001, "no");
    assert_eq!(wanted_back(Some(&refused)).brief(), "transfer +15105550101 from AC02 to AC01");
    assert_eq!(wanted_back(Some(&skipped())).brief(), "transfer +15105550101 from AC02 to AC01");
}

#[test]
fn numbers_stay_known_when_a_close_is_withdrawn_and_decided_again() {
    let shown = {
        let scene = releasing().pass();
        assert!(
            scene.history.numbers_of(sid("AC01")).any(|(number, _)| number == phone("+15105550101").into())
        );
        let scene = scene.says("subaccounts: [{sid: AC01, status: active}]").pass();
        assert_eq!(scene.history.close_decision(sid("AC01")), None);
        scene
            .says(CLOSED)
            .nowhere("+15105550101")
            .event(Event::Superseded { target: subaccountd_core::Target::Account(sid("AC09")) })
            .brief()
    };
    insta::assert_snapshot!(shown, @"StillHoldsNumbers close AC01");
}

#[test]
fn the_daemons_own_suspension_counts_when_twilio_dates_it_earlier() {
    let scene =
        resting().with("AC01", |account| account.date_updated = Some(time("2026-05-01T00:00:00Z"))).pass();
    let longer_ago = Scene::new(CLOSED).suspended("AC01").pass().after("24h").active("AC01").done();
    let longer_ago =
        longer_ago.with("AC01", |account| account.date_updated = Some(time("2026-05-01T00:00:00Z"))).pass();
    assert_eq!(scene.after("72h").brief(), "close AC01");
    assert_eq!(longer_ago.clone().after("71h 59m").brief(), "CoolingOff close AC01");
    assert_eq!(longer_ago.after("72h").brief(), "close AC01");
}

#[test]
fn a_number_seen_in_its_own_account_again_is_not_seen_elsewhere() {
    let mut seen = closing().holds("AC01", "+15105550101");
    for _ in 0..3 {
        seen = seen.pass();
        assert_eq!(seen.clone().nowhere("+15105550101").brief(), "StillHoldsNumbers close AC01");
    }
}

#[test]
fn external_change_that_the_state_does_not_contradict_is_no_revert() {
    let account = subaccountd_core::Target::Account(sid("AC01"));
    let scene = resting().says("subaccounts: [{sid: AC01, status: active}]").active("AC01").pass();
    let scene = scene.says(CLOSED).pass();
    assert_eq!(scene.history.times_reverted(&account, scene.now, scene.policy.window), 0);
}

#[test]
fn number_lost_with_a_closed_account_is_not_searched_for() {
    let scene =
        releasing().may_release(1).done().after("72h").done().account("AC03", "hooli", Status::Active);
    assert_eq!(scene.accounts[&sid("AC01")].status.known(), Some(Status::Closed));
    assert_eq!(scene.observe().numbers(sid("AC03")), None);
}

#[test]
fn numbers_are_at_risk_from_when_they_may_be_lost_until_they_are() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: closed, close: {confirm: acme, release: ["+15105550101", "+15105550102"]}}
        "#;
    let scene = Scene::new(state)
        .holds("AC01", "+15105550101")
        .also_holds("AC01", "+15105550102")
        .may_release(2)
        .pass();
    assert_eq!(scene.plan().numbers_at_risk, 2, "while it is still active");
    let resting = scene.suspended("AC01").pass();
    assert_eq!(resting.plan().numbers_at_risk, 2, "while it rests");
    let held = resting.clone().may_release(0).after("100h");
    assert_eq!((held.brief().as_str(), held.plan().numbers_at_risk), ("OverLimit close AC01", 0));
    assert_eq!(resting.is("AC01", Status::Closed).plan().numbers_at_risk, 0);
}
