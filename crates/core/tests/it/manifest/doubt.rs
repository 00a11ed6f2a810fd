//! The parts of the state that a fault puts in doubt: counted high, since a brake that weighs too much only holds.

use subaccountd_core::{
    Doubt, Pause,
    manifest::{Source, parse},
};

use crate::support::text::{dedent, long};

const HEAD: &str = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";

fn read(text: &str) -> (Doubt, Option<Pause>) {
    let source = Source { name: "state.yaml".to_owned(), content: Ok(long(text).into_bytes()) };
    let parsed = parse(&[source]);
    assert!(parsed.desired.faulty(), "{text}");
    (parsed.desired.doubt().clone(), parsed.desired.pause())
}

/// The doubt of a state whose body has a fault, and whether the whole state counts as paused.
fn of(body: &str) -> (Doubt, bool) {
    let (doubt, pause) = read(&format!("{HEAD}{}", dedent(body)));
    (doubt, pause.is_some())
}

/// The doubt of an entry without a status and with `keys`.
fn of_entry(keys: &str) -> Doubt {
    let (doubt, paused) = of(&format!("subaccounts: [{{sid: AC01, status: dormant, {keys}}}]"));
    assert!(!paused, "{keys}");
    assert_eq!((doubt.entries, doubt.unnamed), (1, false), "{keys}");
    doubt
}

fn claims(keys: &str) -> usize {
    of_entry(keys).claims
}

#[test]
fn claims_of_a_faulty_entry_are_all_items_of_its_numbers() {
    assert_eq!(claims("numbers: []"), 0);
    assert_eq!(claims(r#"numbers: ["+15105550101", "+15105550102"]"#), 2);
    assert_eq!(claims("numbers: [null, true, oops]"), 3);
    assert_eq!(claims(r#"numbers: "+15105550101, +15105550102""#), 2);
    assert_eq!(claims("numbers: oops"), 1);
    assert_eq!(claims(r#"numbers: [{number: "+15105550101", addressSid: AD01}]"#), 1);
    assert_eq!(claims("numbers: [{addressSid: AD01}]"), 1);
    assert_eq!(claims("numbers: [{}]"), 0);
    // Two items ran into one.
    assert_eq!(claims(r#"numbers: [{number: "+15105550101", nmuber: "+15105550102"}]"#), 2);
}

#[test]
fn claims_of_a_faulty_entry_may_stand_under_a_misspelt_key() {
    assert_eq!(claims(r#"numbres: ["+15105550101", "+15105550102"]"#), 2);
    assert_eq!(claims(r#"number: "+15105550101""#), 1);
    assert_eq!(claims(r#"x: "+15105550101""#), 1);
    assert_eq!(claims(r#"? "+15105550101" : "+15105550102""#), 2);
    assert_eq!(claims(r#"? "+15105550101" : ["+15105550102"]"#), 2);
}

#[test]
fn words_of_other_keys_count_as_claims_only_when_they_look_like_numbers() {
    for none in [
        "reason: unpaid",
        "reason: invoice 4711",
        "reason: abcde12345",
        "reason: PN00000000000000000000000000000001",
        "labels: {team: billing}",
        "reason: [a, b]",
        "labels: [null]",
    ] {
        assert_eq!(claims(none), 0, "{none}");
    }
    assert_eq!(claims("reason: \"+1\""), 1);
    assert_eq!(claims("reason: 15105550101"), 1);
    assert_eq!(claims("reason: call 15105550101 or 15105550102"), 2);
    assert_eq!(claims("reason: abcd12345"), 1);
    assert_eq!(claims(r#"labels: {a: "+15105550101", "+15105550102": b}"#), 2);
}

#[test]
fn faulty_entry_may_move_its_numbers_unless_its_flag_is_false() {
    let moves = |keys| of_entry(keys).moves;
    assert!(moves("close: {moveNumbersToMain: true}"));
    assert!(moves("close: {moveNumbersToMain: oops}"));
    assert!(moves("close: {mvoeNumbersToMain: true}"));
    assert!(moves("close: {movenumbers: true}"));
    assert!(moves("close: [{moveNumbersToMain: true}]"));
    assert!(moves("close: moveNumbersToMain"));
    assert!(!moves("close: {moveNumbersToMain: false}"));
    assert!(!moves("close: {confirm: acme}"));
    assert!(!moves("paused: false"));
    assert!(!moves("reason: moved"));
}

#[test]
fn entry_is_doubted_once_however_many_of_its_keys_are_faulty_unless_two_ran_into_one() {
    let (doubt, _) = of("subaccounts: [{sid: AC01, status: dormant, paused: maybe, reason: [1]}]");
    assert_eq!(doubt, Doubt { entries: 1, claims: 0, moves: false, unnamed: false });
    let (doubt, _) = of("
        subaccounts:
        - sid: AC01
          status: active
          numbers: [\"+15105550101\"]
          sid: AC02
          status: active
          numbers: [\"+15105550102\"]
        ");
    assert_eq!(doubt, Doubt { entries: 2, claims: 2, moves: false, unnamed: false });
    let (doubt, _) = of("subaccounts: [{status: active, numbers: [\"+15105550101\"]}]");
    assert_eq!(doubt, Doubt { entries: 1, claims: 1, moves: false, unnamed: true });
}

#[test]
fn number_that_is_claimed_twice_is_doubted_by_each_claim_and_no_more() {
    let (doubt, _) = of(r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: active, numbers: ["+15105550101", "+15105550102"]}
        "#);
    assert_eq!(doubt, Doubt { entries: 0, claims: 2, moves: false, unnamed: false });
    // One of the entries is faulty as well: its other claim is doubted with it.
    let (doubt, _) = of(r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC02, status: dormant, numbers: ["+15105550101", "+15105550102"]}
        "#);
    assert_eq!(doubt, Doubt { entries: 1, claims: 3, moves: false, unnamed: false });
}

#[test]
fn account_that_is_listed_twice_takes_both_entries_with_it() {
    let (doubt, _) = of(r#"
        subaccounts:
        - sid: AC01
          status: closed
          numbers: ["+15105550101"]
          close: {confirm: acme, moveNumbersToMain: true}
        - {sid: AC01, status: active, numbers: ["+15105550102"]}
        "#);
    assert_eq!(doubt, Doubt { entries: 2, claims: 2, moves: true, unnamed: true });
    // Both are sound by themselves.
    let (doubt, _) = of(r#"
        subaccounts:
        - {sid: AC01, status: suspended, numbers: ["+15105550101", "+15105550103"]}
        - {sid: AC01, status: active, numbers: ["+15105550102"]}
        "#);
    assert_eq!(doubt, Doubt { entries: 2, claims: 3, moves: false, unnamed: true });
    let (doubt, _) = of("
        subaccounts:
        - {sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: true}}
        - {sid: AC01, status: active}
        ");
    assert_eq!(doubt, Doubt { entries: 2, claims: 0, moves: true, unnamed: true });
}

#[test]
fn claims_of_a_faulty_main_account_are_doubted() {
    let text = long(
        "apiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts: [{sid: AC01, status: dormant, numbers: [\"+15105550103\"]}]\n\
         mainAccount: {sid: AC00, oops: 1, numbers: [\"+15105550101\", \"+15105550102\"]}\n",
    );
    let (doubt, pause) = read(&text);
    assert_eq!((doubt, pause), (Doubt { entries: 1, claims: 3, moves: false, unnamed: false }, None));
}

#[test]
fn value_that_is_not_understood_pauses_the_state_when_entries_may_stand_in_it() {
    let paused = |body: &str| of(body).1;
    // A wrong indentation swallows what follows.
    assert!(paused("subaccounts:\n- sid: AC01\n  status: active\n  labels:\n    paused: true\n"));
    assert!(paused("subaccounts:\n- sid: AC01\n  status: active\n  labels:\n    subaccounts: []\n"));
    assert!(paused("subaccounts: {sid: AC01, status: active}"));
    assert!(paused("accounts: [{Sid: AC01}]"));
    assert!(paused("subaccounts: [{sid: AC01, status: active, x: {sid: AC02}}]"));
    assert!(paused("subaccounts: [{sid: AC01, status: active, x: [[{paused: true}]]}]"));
    assert!(paused("subaccounts: [{sid: AC01, status: active, x: {{a: b}: c}}]"));
    assert!(paused("subaccounts: [{sid: AC01, status: active, x: {1: {sid: AC02}}}]"));
    // A key that is no text hides nothing in an entry; in the document it may have been any.
    assert!(!paused("subaccounts: [{sid: AC01, status: active, 1: x}]"));
    assert!(paused("subaccounts: [{sid: AC01, status: active}]\n1: x"));
    // Words of a label, whole and faulty.
    assert!(!paused("subaccounts: [{sid: AC01, status: oops, labels: {paused: 'true'}}]"));
    assert!(!paused("subaccounts: [{sid: AC01, status: active, labels: {team: true, kind: 3, sid: 5}}]"));
    // The SID of a number begins no entry.
    assert!(!paused("subaccounts: [{sid: AC01, status: active, x: {sid: PN01}}]"));
    assert!(!paused("subaccounts: [{sid: AC01, status: active, x: {a: [1, true, null, b]}}]"));
}

#[test]
fn file_that_ends_within_an_entry_pauses_the_state() {
    let ends = |text: &str| {
        read(&format!("{HEAD}subaccounts:\n- {{sid: AC03, status: active}}\n{text}")).1.is_some()
    };
    assert!(ends("- sid: AC01\n"), "`status` is missing");
    assert!(ends("- sid: AC01\n  status:\n"), "the value is missing");
    assert!(ends("- sid: AC01\n  status: closed\n"), "`close` is missing");
    assert!(ends("- sid: AC01\n  status: act"), "the last line has no end");
    assert!(!ends("- sid: AC01\n  status: act\n"), "it is whole, and wrong");
    assert!(!ends("- {sid: AC01}\n"), "its braces are closed");
    assert!(!ends("- sid: AC01\n- {sid: AC02, status: active}\n"), "another entry follows");
    assert!(!ends("- sid: AC01\n- sid: AC02\n  status: active\n"), "another entry follows");
    assert!(
        !ends("- sid: AC01\n  status: act\n- sid: AC02\n  status: active"),
        "the fault is not in the last line"
    );
    // Nor when the document is another one.
    let before = format!("{HEAD}subaccounts:\n- sid: AC01\n---\n{HEAD}");
    let before = before.replace(
        "---\napiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n",
        "---\napiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts:\n- {sid: AC02, status: active}\n",
    );
    assert_eq!(read(&before).1, None);
}
