//! History, queried directly: the open writes, their possible late effects, and the numbers as they were seen.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use subaccountd_core::{
    AccountSid, ActionKind, History, Now, NumberId, NumberSid, Outcome, Receipt, Status, Target,
    history::{Event, LAG, Write},
};

use crate::support::scene::{NOON, number, phone, refused, sid, skipped, time, unknown};

fn now(after: SignedDuration) -> Now {
    let at = time(NOON) + after;
    Now::new(at, Some(at))
}

fn done() -> Outcome {
    Outcome::Done(Receipt::default())
}

fn of_account(kind: ActionKind, account: &str) -> Write {
    Write {
        kind,
        target: Target::Account(sid(account)),
        transfer: None,
        account: None,
        number_sid: None,
        releases: Vec::new(),
        settings: None,
        calls: None,
        exempt: false,
        entry: "entry".to_owned(),
    }
}

/// Writes at noon, with their ids from 0 on, and their outcomes.
fn after(writes: &[(ActionKind, &str, Outcome)]) -> History {
    let mut history = History::default();
    let at = now(SignedDuration::ZERO).stamp();
    for (kind, account, outcome) in writes {
        let id = history.next_id();
        history.apply(Event::Intent { id, at, write: of_account(*kind, account) });
        history.apply(Event::Outcome { id, at, outcome: outcome.clone() });
    }
    history
}

fn open(history: &History) -> Vec<u64> {
    history.open_writes().map(|(id, _)| id).collect()
}

#[test]
fn open_writes_are_the_last_of_their_object_alone() {
    assert_eq!(
        open(&after(&[(ActionKind::Suspend, "AC01", unknown()), (ActionKind::Suspend, "AC02", unknown())])),
        [1, 0]
    );
    assert_eq!(
        open(&after(&[(ActionKind::Suspend, "AC01", unknown()), (ActionKind::Suspend, "AC01", unknown())])),
        [1]
    );
    assert!(
        open(&after(&[(ActionKind::Suspend, "AC01", unknown()), (ActionKind::Reactivate, "AC01", done())]))
            .is_empty()
    );
    // These never happened, so the one before them is still the last.
    for outcome in [skipped(), refused(20_003, "no")] {
        assert_eq!(
            open(&after(&[(ActionKind::Suspend, "AC01", unknown()), (ActionKind::Suspend, "AC01", outcome)])),
            [0]
        );
    }
}

#[test]
fn unknown_outcome_is_reported_from_its_id_until_it_is_superseded() {
    let history = after(&[(ActionKind::Suspend, "AC02", done()), (ActionKind::Suspend, "AC01", unknown())]);
    assert!(history.is_any_unknown_since(0) && history.is_any_unknown_since(1));
    assert!(!history.is_any_unknown_since(2));
    assert!(!after(&[(ActionKind::Suspend, "AC01", refused(20_003, "no"))]).is_any_unknown_since(0));
    let superseded =
        after(&[(ActionKind::Suspend, "AC01", unknown()), (ActionKind::Reactivate, "AC01", done())]);
    assert!(!superseded.is_any_unknown_since(0));
    let mut crashed = History::default();
    let at = now(SignedDuration::ZERO).stamp();
    crashed.apply(Event::Intent { id: 0, at, write: of_account(ActionKind::Suspend, "AC01") });
    assert!(crashed.is_any_unknown_since(0), "a crash came before its outcome");
}

#[test]
fn write_is_kept_for_the_window_and_for_ten_minutes_at_least() {
    for (window, kept) in [(24 * 60, 24 * 60), (1, 10)] {
        let [window, kept] = [window, kept].map(SignedDuration::from_mins);
        let mut history = after(&[(ActionKind::Suspend, "AC01", done())]);
        history.prune(now(kept - SignedDuration::from_secs(1)), window);
        assert_eq!(history.writes().count(), 1, "{kept:#} are not over");
        history.prune(now(kept), window);
        assert_eq!(history.writes().count(), 0, "{kept:#} are over");
    }
}

#[test]
fn state_may_be_a_late_effect_only_of_an_open_write_that_asked_for_it() {
    let history = after(&[
        (ActionKind::Suspend, "AC01", unknown()),
        (ActionKind::Suspend, "AC02", refused(20_003, "no")),
    ]);
    let late = |account: &str, status, after| {
        history.may_be_late(&Target::Account(sid(account)), Some(status), None, now(after))
    };
    assert!(late("AC01", Status::Suspended, SignedDuration::ZERO));
    assert!(late("AC01", Status::Suspended, LAG - SignedDuration::from_secs(1)));
    assert!(!late("AC01", Status::Suspended, LAG + SignedDuration::from_secs(1)));
    assert!(!late("AC01", Status::Active, SignedDuration::ZERO));
    assert!(!late("AC02", Status::Suspended, SignedDuration::ZERO), "it was refused");
    assert!(!late("AC03", Status::Suspended, SignedDuration::ZERO), "it was never written");
}

#[test]
fn owner_may_be_a_late_effect_only_of_an_open_transfer_to_it() {
    let (from, to, moved) = (sid("AC01"), sid("AC02"), number("+15105550101"));
    let write = Write {
        target: Target::Number(moved.phone.unwrap()),
        transfer: Some((from, to)),
        account: None,
        number_sid: Some(moved.sid),
        ..of_account(ActionKind::Transfer, "AC01")
    };
    let mut history = History::default();
    history.apply(Event::Intent { id: 0, at: now(SignedDuration::ZERO).stamp(), write });
    let late = |number: &str, owner| {
        history.may_be_late(&Target::Number(phone(number)), None, Some(owner), now(SignedDuration::ZERO))
    };
    assert!(late("+15105550101", to));
    assert!(!late("+15105550101", from));
    assert!(!late("+15105550102", to));
}

/// Numbers seen in an account, whether on the move or not.
fn seen(history: &mut History, account: &str, numbers: &[&str], moving: bool) {
    let numbers = numbers.iter().map(|text| (number(text).id(), number(text).sid)).collect();
    history.apply(Event::NumbersSeen { account: sid(account), numbers, in_transit: moving });
}

fn numbers_of(history: &History, account: &str) -> Vec<(NumberId, NumberSid)> {
    history.numbers_of(sid(account)).collect()
}

fn of(texts: &[&str]) -> Vec<(NumberId, NumberSid)> {
    texts.iter().map(|text| (number(text).id(), number(text).sid)).collect()
}

const A: &str = "+15105550101";
const B: &str = "+15105550102";
const C: &str = "+15105550103";

#[test]
fn numbers_of_an_account_are_kept_in_order_however_they_are_seen() {
    let mut history = History::default();
    seen(&mut history, "AC01", &[B], false);
    seen(&mut history, "AC01", &[A, C], false);
    seen(&mut history, "AC01", &[B], false);
    assert_eq!(numbers_of(&history, "AC01"), of(&[A, B, C]));
    // The same number under another SID: it was released and bought again.
    let again: NumberSid = "PN0000000000000000000000000000abcd".parse().unwrap();
    let numbers = BTreeMap::from([(phone(B).into(), again)]);
    history.apply(Event::NumbersSeen { account: sid("AC01"), numbers, in_transit: false });
    assert_eq!(history.numbers_of(sid("AC01")).nth(1), Some((phone(B).into(), again)));
    assert_eq!(numbers_of(&history, "AC01").len(), 3);
}

#[test]
fn number_is_in_the_account_that_shows_it_last_unless_it_is_moving() {
    let mut history = History::default();
    let owner = |history: &History| history.owner(phone(A));
    let held = |history: &History| -> Vec<AccountSid> {
        ["AC01", "AC02", "AC03"]
            .map(sid)
            .into_iter()
            .filter(|of| history.numbers_of(*of).count() > 0)
            .collect()
    };
    seen(&mut history, "AC01", &[A], true);
    assert_eq!((owner(&history), held(&history)), (Some(sid("AC01")), vec![sid("AC01")]), "in one list only");
    seen(&mut history, "AC02", &[A], true);
    assert_eq!((owner(&history), held(&history)), (None, vec![sid("AC01"), sid("AC02")]));
    seen(&mut history, "AC02", &[A], true);
    assert_eq!((owner(&history), held(&history)), (None, vec![sid("AC01"), sid("AC02")]));
    let json = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history, "a restart forgets none of it");
    seen(&mut history, "AC03", &[A], false);
    assert_eq!((owner(&history), held(&history)), (Some(sid("AC03")), vec![sid("AC03")]));
    seen(&mut history, "AC01", &[A], true);
    history.apply(Event::NumberGone { number: phone(A).into() });
    assert_eq!((owner(&history), held(&history)), (None, Vec::new()));
    assert_eq!(history, History::default(), "nothing of it is left");
}

#[test]
fn number_that_is_seen_again_is_no_longer_missing() {
    let mut history = History::default();
    let at = time(NOON);
    seen(&mut history, "AC01", &[A, B], false);
    for text in [A, B] {
        history.apply(Event::NumberMissing { number: phone(text).into(), at });
    }
    seen(&mut history, "AC01", &[A], false);
    assert_eq!((history.missing_since(phone(A)), history.missing_since(phone(B))), (None, Some(at)));
    // The first time stays.
    history.apply(Event::NumberMissing { number: phone(B).into(), at: at + SignedDuration::from_hours(1) });
    assert_eq!(history.missing_since(phone(B)), Some(at));
}
