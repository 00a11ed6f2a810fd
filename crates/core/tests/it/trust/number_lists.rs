//! The numbers of an account are remembered, independent of its entry and of the list of a suspended account.

use jiff::SignedDuration;
use subaccountd_core::{History, history::Event};

use crate::support::scene::{Scene, number, phone, sid, unknown};

const NUMBER: &str = "+15105550101";
const CLAIMED: &str = r#"subaccounts: [{sid: AC01, status: active, numbers: ["+15105550101"]}]"#;
const EMPTY: &str = "subaccounts: []";
const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
const HANDED: &str =
    "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]";

type Spoil = fn(Scene) -> Scene;

fn numbers(history: &History, account: &str) -> Vec<String> {
    history.numbers_of(sid(account)).map(|(phone, _)| phone.to_string()).collect()
}

/// The account holds the number and has the desired status `closed`; its list no longer shows the number.
fn vanished() -> Scene {
    Scene::new(CLOSED).holds("AC01", NUMBER).pass().nowhere(NUMBER)
}

#[test]
fn close_answers_for_numbers_that_were_seen_before_the_decision() {
    // A fraud guard suspends it, and Twilio shows the list of a suspended account as empty.
    let scene = Scene::new(CLAIMED).pass().suspended("AC01").nowhere(NUMBER).says(CLOSED);
    assert_eq!(scene.pass().after("999h").brief(), "StillHoldsNumbers close AC01");
}

#[test]
fn close_answers_for_numbers_seen_before_a_pass_in_which_the_entry_was_missing() {
    for between in [EMPTY, "subaccounts: [{sid: AC01, status: odd}]", CLAIMED] {
        let scene = Scene::new(CLOSED).holds("AC01", NUMBER).pass().says(between).pass();
        let scene = scene.suspended("AC01").nowhere(NUMBER).pass().says(CLOSED).pass();
        assert_eq!(scene.after("999h").brief(), "StillHoldsNumbers close AC01", "{between}");
    }
}

#[test]
fn close_answers_for_numbers_seen_before_a_restart() {
    let scene = Scene::new(CLAIMED).pass().suspended("AC01").nowhere(NUMBER).restarted().says(CLOSED).pass();
    assert_eq!(scene.after("999h").restarted().brief(), "StillHoldsNumbers close AC01");
}

#[test]
fn number_that_was_seen_in_two_lists_counts_for_both_accounts_after_a_restart() {
    let scene = Scene::new(CLOSED).account("AC02", "hooli", subaccountd_core::Status::Active);
    let scene = scene.holds("AC01", NUMBER).also_holds("AC02", NUMBER);
    // Both lists are read, because another number is searched for.
    let scene = scene.says(
        &CLOSED.replace("subaccounts", "mainAccount: {sid: AC00, numbers: ['+15105550109']}\nsubaccounts"),
    );
    let scene = scene.pass().restarted();
    assert_eq!(numbers(&scene.history, "AC01"), [NUMBER]);
    assert_eq!(numbers(&scene.history, "AC02"), [NUMBER]);
    assert_eq!(scene.history.owner(phone(NUMBER)), None);
}

#[test]
fn number_is_no_longer_answered_for_when_it_is_seen_elsewhere() {
    let scene = vanished().suspended("AC01").account("AC02", "hooli", subaccountd_core::Status::Active);
    let scene = scene.also_holds("AC02", NUMBER).pass();
    assert_eq!(numbers(&scene.history, "AC01"), Vec::<String>::new());
    assert_eq!(scene.after("999h").brief(), "close AC01");
}

#[test]
fn number_is_gone_when_it_was_missing_twice_a_day_apart() {
    let scene = vanished().pass();
    assert!(scene.history.missing_since(phone(NUMBER)).is_some());
    let early = scene.clone().after("23h 59m 59s").pass();
    assert_eq!(numbers(&early.history, "AC01"), [NUMBER]);
    assert_eq!(early.brief(), "StillHoldsNumbers close AC01");
    let late = scene.clone().after("24h").pass();
    assert_eq!(numbers(&late.history, "AC01"), Vec::<String>::new());
    assert_eq!(late.brief(), "suspend AC01\nCoolingOff close AC01");
    // Seen in between, it begins anew.
    let seen = scene.after("23h").also_holds("AC01", NUMBER).pass().nowhere(NUMBER).after("2h").pass();
    assert_eq!(numbers(&seen.history, "AC01"), [NUMBER]);
}

#[test]
fn number_is_not_gone_when_its_account_is_suspended_or_its_list_is_unreadable_or_clocks_disagree() {
    let spoilt: [(&str, Spoil); 4] = [
        ("suspended", |scene| scene.suspended("AC01")),
        ("unreadable", |scene| scene.unreadable("AC01")),
        ("no clock", |scene| scene.clock_off(None)),
        ("jumped", Scene::jumped),
    ];
    for (what, spoil) in spoilt {
        let mut scene = spoil(vanished());
        for _ in 0..4 {
            scene = scene.pass().after("25h");
        }
        assert_eq!(numbers(&scene.history, "AC01"), [NUMBER], "{what}");
    }
}

#[test]
fn history_forgets_a_number_that_is_gone_and_knows_it_again_when_it_is_seen() {
    let mut history = Scene::new(CLOSED).holds("AC01", NUMBER).pass().history;
    let at = Scene::new(CLOSED).now.best();
    history.apply(Event::NumberMissing { number: phone(NUMBER).into(), at });
    history
        .apply(Event::NumberMissing { number: phone(NUMBER).into(), at: at + SignedDuration::from_hours(1) });
    assert_eq!(history.missing_since(phone(NUMBER)), Some(at), "the first look counts");
    history.apply(Event::NumberGone { number: phone(NUMBER).into() });
    assert_eq!((numbers(&history, "AC01"), history.missing_since(phone(NUMBER))), (Vec::new(), None));
    let seen = [(phone(NUMBER).into(), number(NUMBER).sid)].into();
    history.apply(Event::NumbersSeen { account: sid("AC02"), numbers: seen, in_transit: false });
    assert_eq!(numbers(&history, "AC02"), [NUMBER]);
}

/// The receiver of a lost transfer does not have the number, which may still be in the losing account.
#[test]
fn number_is_not_gone_when_the_receiver_of_a_lost_transfer_does_not_have_it() {
    let scene = Scene::new(HANDED).holds("AC01", NUMBER).does(&unknown());
    // A fraud guard suspends the account, and its list is shown as empty.
    let mut scene = scene.suspended("AC01").touched("AC01").nowhere(NUMBER);
    for _ in 0..4 {
        scene = scene.after("20s").pass();
    }
    assert_eq!(numbers(&scene.history, "AC01"), [NUMBER]);
    assert_eq!(scene.after("999h").brief(), "StillHoldsNumbers close AC01");
}

/// A list that lags shows the number where it was before it was moved into the closing account.
#[test]
fn number_of_a_closing_account_is_believed_elsewhere_only_when_that_account_has_it() {
    let state = "mainAccount: {sid: AC00, numbers: ['+15105550109']}\nsubaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let scene = Scene::new(state).account("AC02", "hooli", subaccountd_core::Status::Active);
    let scene = scene.nowhere("+15105550109").holds("AC01", NUMBER).pass().pass();
    let scene = scene.also_holds("AC02", NUMBER).after("61s").pass();
    let mut scene = scene.suspended("AC01").touched("AC01");
    scene.lists.insert(sid("AC01"), Ok(Vec::new()));
    scene.number_truth.insert(phone(NUMBER), sid("AC01"));
    let scene = scene.after("1h").pass();
    assert_eq!(numbers(&scene.history, "AC01"), [NUMBER]);
    let scene = scene.nowhere(NUMBER).after("999h").pass();
    assert!(scene.brief().contains("StillHoldsNumbers close AC01"), "{}", scene.brief());
}
