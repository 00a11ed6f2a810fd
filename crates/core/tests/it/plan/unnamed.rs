//! Numbers that Twilio shows without an E.164 phone number: null, a short code, a SIP address.

use subaccountd_core::{
    AccountSid, History, NumberId, NumberList, NumberLocation, Outcome, SkipCause, Status, history::Event,
};

use crate::support::{
    crew::Ports,
    scene::{Scene, number, phone, sid},
};

/// A number as Twilio shows it, and the SID that it gets here.
const SHORT_CODE: &str = "38436";
const NUMBER: &str = "+15105550101";
const CLOSED: &str =
    "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}]";
const RELEASED: &str =
    "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, release: ['+15105550101']}}]";

fn numbers(history: &History, account: &str) -> Vec<NumberId> {
    history.numbers_of(sid(account)).map(|(number, _)| number).collect()
}

/// The account holds a short code, which it was seen with while it was active.
fn seen() -> Scene {
    Scene::new(CLOSED).holds("AC01", SHORT_CODE).pass()
}

#[test]
fn number_without_a_phone_number_blocks_the_close_under_its_sid_and_is_not_moved() {
    let scene = Scene::new(CLOSED).holds("AC01", SHORT_CODE).also_holds("AC01", NUMBER).pass();
    let shown = scene.shown();
    let sid = number(SHORT_CODE).sid.to_string();
    assert!(shown.starts_with(&format!("transfer {NUMBER} from AC01 to AC00\n")), "{shown}");
    assert!(shown.contains("StillHoldsNumbers: close of AC01"), "{shown}");
    let words = format!("1 without an E.164 phone number, which no desired state can name: {sid}");
    assert!(shown.contains(&words), "{shown}");
    assert!(shown.contains("in the Twilio Console"), "{shown}");
    // Its other numbers go, and it stays.
    let left = scene.done().after("999h").pass();
    assert_eq!(left.brief(), "StillHoldsNumbers close AC01");
    assert!(left.shown().contains(&words), "{}", left.shown());
}

#[test]
fn number_without_a_phone_number_hides_no_other_of_its_list() {
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [\"{NUMBER}\"]}}, {{sid: AC02, status: active}}]"
    );
    let scene = Scene::new(&state).holds("AC02", SHORT_CODE).holds("AC02", NUMBER);
    assert_eq!(scene.pass().brief(), format!("transfer {NUMBER} from AC02 to AC01"));
}

#[test]
fn number_without_a_phone_number_is_remembered_over_an_empty_list_and_a_restart() {
    let scene = seen().suspended("AC01").nowhere(SHORT_CODE).restarted().after("999h").pass();
    assert_eq!(numbers(&scene.history, "AC01"), [number(SHORT_CODE).id()]);
    assert_eq!(scene.brief(), "StillHoldsNumbers close AC01");
    let words = "1 without an E.164 phone number and in no number list any more: PN";
    assert!(scene.shown().contains(words), "{}", scene.shown());
    // Seen elsewhere, it is no longer answered for.
    let scene = scene.account("AC02", "hooli", Status::Active).also_holds("AC02", SHORT_CODE);
    let scene =
        scene.says(&format!("mainAccount: {{sid: AC00, numbers: ['+15105550109']}}\n{CLOSED}")).pass();
    assert_eq!(numbers(&scene.history, "AC01"), []);
}

#[test]
fn number_without_a_phone_number_is_gone_when_it_was_missing_twice_a_day_apart() {
    let scene = seen().nowhere(SHORT_CODE).pass();
    assert!(scene.history.missing_since(number(SHORT_CODE).id()).is_some());
    let early = scene.clone().after("23h 59m 59s").pass();
    assert_eq!(early.brief(), "StillHoldsNumbers close AC01");
    let late = scene.after("24h").pass();
    assert_eq!(numbers(&late.history, "AC01"), []);
    assert_eq!(late.brief(), "suspend AC01\nCoolingOff close AC01");
}

#[test]
fn number_that_gets_or_loses_its_phone_number_is_one_number() {
    let unnamed = |scene: Scene| scene.also_holds_with("AC01", NUMBER, |number| number.phone = None);
    let sid = NumberId::Sid(number(NUMBER).sid);
    // Twilio shows it without a phone number first.
    let scene = unnamed(Scene::new(RELEASED)).may_release(1).pass();
    assert_eq!(numbers(&scene.history, "AC01"), [sid]);
    assert_eq!(scene.brief(), "StillHoldsNumbers close AC01");
    let mut named = scene.clone();
    named.lists.insert(subaccount(), Ok(vec![number(NUMBER)]));
    let named = named.pass();
    assert_eq!(numbers(&named.history, "AC01"), [phone(NUMBER).into()]);
    assert_eq!(named.brief(), "suspend AC01\nCoolingOff close AC01");
    // And without one later: it is not covered by the release any more.
    let mut again = named.restarted();
    again.lists.insert(subaccount(), Ok(Vec::new()));
    let again = unnamed(again).pass();
    assert_eq!(numbers(&again.history, "AC01"), [sid]);
    assert_eq!(again.brief(), "StillHoldsNumbers close AC01");
}

fn subaccount() -> AccountSid {
    sid("AC01")
}

#[test]
fn number_that_another_account_shows_without_its_phone_number_stays_known_in_both() {
    let mut history = Scene::new(CLOSED).holds("AC01", NUMBER).pass().history;
    let sids = [(NumberId::Sid(number(NUMBER).sid), number(NUMBER).sid)].into();
    history.apply(Event::NumbersSeen { account: sid("AC02"), numbers: sids, in_transit: false });
    let json = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
    assert_eq!(numbers(&history, "AC01"), [phone(NUMBER).into()]);
    assert_eq!(numbers(&history, "AC02"), [NumberId::Sid(number(NUMBER).sid)]);
}

#[test]
fn close_is_skipped_when_a_number_without_a_phone_number_arrives_before_the_write() {
    for (arrives, swaps) in [(number(SHORT_CODE), false), (number("911"), false), (number(NUMBER), true)] {
        let scene = Scene::new(RELEASED).may_release(1).holds("AC01", NUMBER).pass();
        let scene = scene.suspended("AC01").pass().after("999h").pass();
        assert_eq!(scene.brief(), "close AC01");
        let mut list = vec![number(NUMBER)];
        if swaps {
            // The same number under the same SID, without its phone number.
            list[0].phone = None;
        } else {
            list.push(arrives);
        }
        let mut changed = scene.clone();
        changed.lists.insert(sid("AC01"), Ok(list));
        let execution = Ports::new(&changed).run(&scene);
        let is_skipped = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(skip) if skip.cause == SkipCause::ProofChanged);
        assert!(execution.any(is_skipped), "{execution:?}");
    }
}

#[test]
fn list_with_a_number_without_a_phone_number_survives_a_snapshot() {
    let scene = seen();
    let list = NumberList::Known(vec![number(SHORT_CODE)]);
    let json = serde_json::to_string(&list).unwrap();
    assert!(json.contains(r#""phone":null"#), "{json}");
    assert_eq!(serde_json::from_str::<NumberList>(&json).unwrap(), list);
    let located = scene.observe();
    assert!(matches!(
        located.locate(number(SHORT_CODE).id()),
        NumberLocation::In(account, _) if account == sid("AC01")
    ));
}
