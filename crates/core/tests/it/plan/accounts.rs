//! The decision on the status of an account. The first match wins.

use subaccountd_core::{ActionKind, Reactivation, Status};

use crate::support::scene::{Scene, time};

const ACTIVE: &str = "subaccounts: [{sid: AC01, status: active}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";

#[test]
fn account_in_sync_is_settled() {
    let shown =
        Scene::new("subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: suspended}]").shown();
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn an_account_that_is_not_listed_is_never_changed() {
    let shown = Scene::new("")
        .account("AC01", "acme", Status::Suspended)
        .account("AC02", "globex", Status::Active)
        .holds("AC02", "+15105550101")
        .shown();
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn a_suspended_account_with_desired_status_active_is_reactivated() {
    let shown = Scene::new(ACTIVE).suspended("AC01").shown();
    insta::assert_snapshot!(shown, @r"
    reactivate AC01
    ");
}

#[test]
fn an_active_account_with_desired_status_suspended_is_suspended() {
    let shown = Scene::new(SUSPENDED).active("AC01").shown();
    insta::assert_snapshot!(shown, @r"
    suspend AC01
    ");
}

#[test]
fn a_missing_account_is_unknown() {
    let shown = Scene::new(ACTIVE).gone("AC01").shown();
    insta::assert_snapshot!(shown, @r"
    UnknownAccount: reactivate of AC01
      AC01 is not among the subaccounts of AC00
      = check the SID; if the account was closed long ago, remove the entry or write `status: closed`
    ");
}

#[test]
fn a_missing_account_with_desired_status_suspended_is_unknown() {
    let shown = Scene::new(SUSPENDED).gone("AC01").brief();
    insta::assert_snapshot!(shown, @r"
    UnknownAccount suspend AC01
    ");
}

#[test]
fn an_account_of_another_owner_is_unknown() {
    let shown = Scene::new(ACTIVE).with("AC01", |account| account.owner = Some(account.sid)).brief();
    insta::assert_snapshot!(shown, @r"
    UnknownAccount reactivate AC01
    ");
}

#[test]
fn a_missing_account_with_desired_status_closed_is_settled() {
    let shown = Scene::new(CLOSED).gone("AC01").shown();
    insta::assert_snapshot!(shown, @r"
    AC01 is absent
    ");
}

#[test]
fn a_closed_account_with_desired_status_closed_is_settled() {
    let shown = Scene::new(CLOSED).is("AC01", Status::Closed).shown();
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn a_closed_account_cannot_come_back() {
    let shown = Scene::new(ACTIVE).is("AC01", Status::Closed).shown();
    insta::assert_snapshot!(shown, @r"
    AlreadyClosed: reactivate of AC01
      AC01 is closed, but its desired status is active
      = write `status: closed`, or remove the entry: a closed account cannot be reopened
    ");
}

#[test]
fn a_closed_account_cannot_be_suspended() {
    let shown = Scene::new(SUSPENDED).is("AC01", Status::Closed).shown();
    insta::assert_snapshot!(shown, @r"
    AlreadyClosed: suspend of AC01
      AC01 is closed, but its desired status is suspended
      = write `status: closed`, or remove the entry: a closed account cannot be reopened
    ");
}

#[test]
fn a_status_that_is_none_of_the_three_is_unreadable() {
    let shown = Scene::new(ACTIVE).odd_status("AC01").shown();
    insta::assert_snapshot!(shown, @r#"
    Unreadable: reactivate of AC01
      AC01 has the unknown status "dormant" at Twilio
      = check the account in the Twilio Console; it is not changed until its status is known
    "#);
}

#[test]
fn a_paused_entry_is_held() {
    let shown =
        Scene::new("subaccounts: [{sid: AC01, status: active, paused: true}]").suspended("AC01").shown();
    insta::assert_snapshot!(shown, @r"
    Paused: reactivate of AC01
      the entry of AC01 is paused
      = remove `paused: true` from the entry
    ");
}

#[test]
fn a_paused_state_holds_every_account() {
    let shown = Scene::new("paused: true\nsubaccounts: [{sid: AC01, status: active}, {sid: AC02, status: suspended}, {sid: AC03, status: closed, close: {confirm: acme}}]").suspended("AC01").active("AC02").shown();
    insta::assert_snapshot!(shown, @r"
    Paused: reactivate of AC01
      AC01 is not changed: the whole desired state is paused
      = set `paused: false` in every document
    Paused: suspend of AC02
      AC02 is not changed: the whole desired state is paused
      = set `paused: false` in every document
    Paused: close of AC03
      AC03 is not changed: the whole desired state is paused
      = set `paused: false` in every document
    ");
}

#[test]
fn a_live_name_that_differs_holds_the_account() {
    let shown = Scene::new("subaccounts: [{sid: AC01, friendlyName: acme, status: active}]")
        .suspended("AC01")
        .with("AC01", |account| account.friendly_name = "globex".to_owned())
        .shown();
    insta::assert_snapshot!(shown, @r#"
    NameMismatch: reactivate of AC01
      AC01 is named "globex" at Twilio, but `friendlyName` is "acme"
      = check that AC01 is the right account, then write its live name in `friendlyName`
    "#);
}

#[test]
fn a_confirmation_that_differs_holds_the_close() {
    let shown = Scene::new(CLOSED).with("AC01", |account| account.friendly_name = "Acme".to_owned()).shown();
    insta::assert_snapshot!(shown, @r#"
    NameMismatch: close of AC01
      AC01 is named "Acme" at Twilio, but `close.confirm` is "acme"
      = check that AC01 is the right account, then write its live name in `close.confirm`
    "#);
}

#[test]
fn a_confirmation_and_a_friendly_name_must_both_match() {
    let shown = Scene::new(
        "subaccounts: [{sid: AC01, friendlyName: globex, status: closed, close: {confirm: acme}}]",
    )
    .shown();
    insta::assert_snapshot!(shown, @r#"
    NameMismatch: close of AC01
      AC01 is named "acme" at Twilio, but `friendlyName` is "globex"
      = check that AC01 is the right account, then write its live name in `friendlyName`
    "#);
}

#[test]
fn a_mismatch_of_the_confirmation_does_not_name_the_friendly_name() {
    let shown = Scene::new(
        "subaccounts: [{sid: AC01, friendlyName: globex, status: closed, close: {confirm: acme}}]",
    )
    .with("AC01", |account| account.friendly_name = "globex".to_owned())
    .shown();
    assert!(shown.contains("`close.confirm` is \"acme\""), "{shown}");
}

#[test]
fn unreadable_comes_before_paused_and_paused_before_the_name() {
    let shown = {
        let scene =
            Scene::new("subaccounts: [{sid: AC01, friendlyName: acme, status: active, paused: true}]")
                .with("AC01", |account| account.friendly_name = "globex".to_owned());
        [
            scene.clone().odd_status("AC01"),
            scene.clone().is("AC01", Status::Closed),
            scene.clone(),
            scene.suspended("AC01"),
        ]
        .map(|scene| scene.brief())
        .join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    Unreadable reactivate AC01
    --
    AlreadyClosed reactivate AC01
    --

    --
    Paused reactivate AC01
    ");
}

#[test]
fn a_suspension_after_the_account_was_seen_active_is_not_fought() {
    let shown = Scene::new(ACTIVE)
        .pass()
        .suspended("AC01")
        .with("AC01", |account| account.date_updated = Some(time("2026-06-01T12:30:00Z")))
        .after("1h")
        .shown();
    insta::assert_snapshot!(shown, @r#"
    SuspendedElsewhere: reactivate of AC01
      AC01 was suspended externally, by a fraud circuit breaker or a person; last changed at 2026-06-01T12:30:00Z
      = find out why it was suspended; to lift the suspension, write `liftSuspensionsBefore: "2026-06-01T12:30:00Z"` in the entry
    "#);
}

#[test]
fn a_suspension_without_a_date_is_not_fought_either() {
    let shown = Scene::new(ACTIVE)
        .pass()
        .suspended("AC01")
        .with("AC01", |account| account.date_updated = None)
        .shown();
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere: reactivate of AC01
      AC01 was suspended externally, by a fraud circuit breaker or a person; last changed at an unknown time
      = find out why it was suspended; reactivate the account in the Twilio Console
    ");
}

#[test]
fn a_suspension_elsewhere_comes_after_the_name_and_before_the_verbs() {
    let shown = {
        let scene = Scene::new("subaccounts: [{sid: AC01, friendlyName: acme, status: active}]")
            .policy(|policy| policy.verbs.clear())
            .pass()
            .suspended("AC01");
        [scene.clone(), scene.with("AC01", |account| account.friendly_name = "globex".to_owned())]
            .map(|scene| scene.brief())
            .join("\n--\n")
    };
    insta::assert_snapshot!(shown, @r"
    SuspendedElsewhere reactivate AC01
    --
    NameMismatch reactivate AC01
    ");
}

#[test]
fn a_verb_that_is_not_allowed_is_held() {
    let shown = Scene::new(SUSPENDED).active("AC01").forbids(ActionKind::Suspend).shown();
    insta::assert_snapshot!(shown, @r"
    NotAllowed: suspend of AC01
      suspend AC01: `suspend` is not among the allowed verbs
      = add `suspend` to `--verbs` (`SUBACCOUNTD_VERBS`), or do it manually
    ");
}

#[test]
fn under_strict_only_the_daemons_own_suspension_is_lifted() {
    let shown = {
        let strict = |scene: Scene| scene.policy(|policy| policy.reactivation = Reactivation::Strict);
        let others = strict(Scene::new(ACTIVE).suspended("AC01"));
        let own = strict(Scene::new(SUSPENDED).active("AC01").done().says(ACTIVE));
        format!("{}--\n{}", others.shown(), own.shown())
    };
    insta::assert_snapshot!(shown, @r#"
    SuspendedElsewhere: reactivate of AC01
      AC01 was suspended externally, by a fraud circuit breaker or a person; last changed at 2026-01-01T00:00:00Z
      = find out why it was suspended; to lift the suspension, write `liftSuspensionsBefore: "2026-01-01T00:00:00Z"` in the entry
    --
    reactivate AC01, free
    "#);
}

#[test]
fn under_always_every_suspension_is_lifted() {
    let shown = Scene::new(ACTIVE)
        .policy(|policy| policy.reactivation = Reactivation::Always)
        .pass()
        .suspended("AC01")
        .shown();
    insta::assert_snapshot!(shown, @r"
    reactivate AC01
    ");
}
