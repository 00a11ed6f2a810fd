//! The plan as a whole: its main account, its order, and its digest.

use subaccountd_core::{ActionKind, Status};

use crate::support::scene::{Scene, sid};

const STATE: &str = r#"
    mainAccount: {sid: AC00, numbers: ["+15105550100"]}
    subaccounts:
    - {sid: AC04, status: closed, close: {confirm: acme}}
    - {sid: AC03, status: suspended}
    - {sid: AC02, status: active, numbers: ["+15105550102"]}
    - {sid: AC01, status: active, numbers: ["+15105550101"]}
    "#;

/// Everything is otherwise than it should be.
fn upside_down() -> Scene {
    Scene::new(STATE)
        .active("AC03")
        .suspended("AC02")
        .holds("AC00", "+15105550101")
        .holds("AC01", "+15105550102")
        .holds("AC02", "+15105550100")
}

fn why_not(scene: &Scene) -> String {
    crate::support::text::short(&scene.try_plan().unwrap_err().to_string())
}

#[test]
fn nothing_is_changed_for_another_main_account() {
    let shown = why_not(&Scene::new("mainAccount: {sid: AC07}"));
    insta::assert_snapshot!(shown, @r"
    the desired state is for the main account AC07, but the credentials belong to AC00
    ");
}

#[test]
fn nothing_is_changed_without_a_main_account_in_the_state() {
    let shown = why_not(&upside_down().says("mainAccount: AC00"));
    insta::assert_snapshot!(shown, @r"
    the SID of `mainAccount` is missing or not valid
    ");
}

#[test]
fn nothing_is_changed_when_the_main_account_is_not_shown() {
    let shown = why_not(&upside_down().gone("AC00"));
    insta::assert_snapshot!(shown, @r"
    the main account AC00 is missing from Twilio's account list
    ");
}

#[test]
fn nothing_is_changed_when_the_main_account_is_not_active() {
    let shown = [
        why_not(&upside_down().suspended("AC00")),
        why_not(&upside_down().is("AC00", Status::Closed)),
        why_not(&upside_down().odd_status("AC00")),
    ]
    .join("\n");
    insta::assert_snapshot!(shown, @r"
    the main account AC00 is not active
    the main account AC00 is not active
    the main account AC00 is not active
    ");
}

#[test]
fn nothing_is_changed_when_the_account_of_the_credentials_is_a_subaccount() {
    let shown = [
        why_not(&upside_down().with("AC00", |main| main.owner = Some(sid("AC09")))),
        why_not(&upside_down().with("AC00", |main| main.owner = None)),
    ]
    .join("\n");
    insta::assert_snapshot!(shown, @r"
    AC00 is not a main account: its `owner_account_sid` at Twilio is not its own SID
    AC00 is not a main account: its `owner_account_sid` at Twilio is not its own SID
    ");
}

#[test]
fn actions_are_in_the_order_of_their_stages() {
    let shown = upside_down().shown();
    insta::assert_snapshot!(shown, @r"
    reactivate AC02
    transfer +15105550100 from AC02 to AC00
    transfer +15105550101 from AC00 to AC01
    transfer +15105550102 from AC01 to AC02
    suspend AC03
    suspend AC04
    CoolingOff: close of AC04
      AC04 is empty and is still active: it is suspended first, and closed after the cooling-off period
      = wait: the cooling-off period of 72h starts with the suspension
    ");
}

#[test]
fn held_items_are_sorted_by_account_then_number() {
    let shown = upside_down().policy(|policy| policy.verbs.clear()).brief();
    insta::assert_snapshot!(shown, @r"
    NotAllowed transfer AC00 +15105550100
    NotAllowed transfer AC01 +15105550101
    NotAllowed reactivate AC02
    TargetNotActive transfer AC02 +15105550102
    NotAllowed suspend AC03
    NotAllowed suspend AC04
    CoolingOff close AC04
    ");
}

#[test]
fn limits_refer_to_what_the_state_lists() {
    let shown = {
        let plan = upside_down().holds("AC04", "+15105550109").plan();
        format!("{} accounts, {} numbers", plan.live_accounts, plan.found_numbers)
    };
    insta::assert_snapshot!(shown, @r"
    4 accounts, 3 numbers
    ");
}

#[test]
fn the_digest_changes_when_the_plan_does() {
    let digest = |scene: Scene| scene.plan().digest();
    let (first, again) = (digest(upside_down()), digest(upside_down()));
    assert_eq!(first, again);
    assert_ne!(first, digest(upside_down().active("AC02")));
    assert_ne!(first, digest(upside_down().forbids(ActionKind::Suspend)));
    assert_eq!(first.len(), 16);
}
