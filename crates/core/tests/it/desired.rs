//! The comparison of two states: digests, and agreement on the targets of a write.

use jiff::Timestamp;
use subaccountd_core::{CloseTerms, Desired, Entry};

use crate::support::scene::{desired, phone, sid};

const STATE: &str = r#"
mainAccount: {sid: AC00, numbers: ["+15105550100"]}
subaccounts:
- {sid: AC01, status: active, numbers: ["+15105550101", {number: "+15105550102", addressSid: AD01}]}
- {sid: AC02, status: suspended, numbers: ["+15105550103"], labels: {a: b}}
- {sid: AC03, status: closed, close: {confirm: acme, release: ["+15105550104"]}}
"#;

fn state() -> Desired {
    desired(STATE)
}

/// The state with one thing written otherwise.
fn with(old: &str, new: &str) -> Desired {
    assert!(STATE.contains(old));
    desired(&STATE.replacen(old, new, 1))
}

#[test]
fn digest_changes_with_every_part_of_the_state() {
    let changes = [
        ("mainAccount:", "paused: true\nmainAccount:"),
        ("mainAccount:", "x-note: 1\nx-note: 2\nmainAccount:"),
        ("mainAccount:", "colour: blue\nmainAccount:"),
        ("sid: AC00", "sid: AC09"),
        ("sid: AC00", "colour: blue, sid: AC00"),
        ("sid: AC00", "liftSuspensionsBefore: 2026-01-01T00:00:00Z, sid: AC00"),
        ("+15105550100", "+15105550109"),
        ("sid: AC01", "sid: AC04"),
        ("sid: AC01", "paused: true, sid: AC01"),
        ("sid: AC01", "friendlyName: acme, sid: AC01"),
        ("sid: AC01", "reason: why, sid: AC01"),
        ("sid: AC01", "liftSuspensionsBefore: 2026-01-01T00:00:00Z, sid: AC01"),
        ("addressSid: AD01", "addressSid: AD02"),
        ("addressSid: AD01", "bundleSid: BU01"),
        ("status: suspended", "status: active"),
        ("status: suspended", "status: nonsense"),
        ("a: b", "a: c"),
        ("confirm: acme", "confirm: acme2"),
        ("confirm: acme", "notBefore: 2026-01-01, confirm: acme"),
        ("confirm: acme", "moveNumbersToMain: true, confirm: acme"),
        ("+15105550104", "+15105550105"),
    ];
    let mut digests: Vec<_> = changes.iter().map(|(old, new)| with(old, new).digest()).collect();
    digests.push(state().digest());
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn digest_is_the_same_for_the_same_meaning() {
    let same = [
        ("mainAccount:", "# a comment\n\nx-note: 1\nmainAccount:"),
        ("sid: AC01, status: active", "status: active, x-note: {a: b}, sid: AC01"),
        ("\"+15105550103\"", "{number: \"+15105550103\"}"),
        ("confirm: acme, release: [\"+15105550104\"]", "release: [\"+15105550104\"], confirm: 'acme'"),
    ];
    for (old, new) in same {
        assert_eq!(with(old, new).digest(), state().digest(), "{old}");
    }
}

#[test]
fn states_agree_on_objects_when_only_others_changed() {
    let changed = with("status: suspended", "status: active, reason: paid");
    assert!(state().agrees_on(
        &changed,
        &[sid("AC00").into(), sid("AC01").into(), sid("AC03").into()],
        &[phone("+15105550102")]
    ));
    assert!(!state().agrees_on(&changed, &[sid("AC02").into()], &[]));
    assert!(!changed.agrees_on(&state(), &[sid("AC01").into(), sid("AC02").into()], &[]));
}

#[test]
fn states_disagree_on_a_number_whose_claim_changed() {
    let numbers = [phone("+15105550102")];
    for (old, new) in [
        ("addressSid: AD01", "addressSid: AD02"),
        (", {number: \"+15105550102\", addressSid: AD01}", ""),
        ("[\"+15105550100\"]", "[\"+15105550100\", \"+15105550102\"]"),
    ] {
        assert!(!state().agrees_on(&with(old, new), &[], &numbers), "{new}");
    }
    assert!(state().agrees_on(&with("\"+15105550101\", ", ""), &[], &numbers));
}

#[test]
fn states_disagree_on_an_account_that_only_one_of_them_freezes() {
    let faulty = |sid: &str| desired(&format!("{STATE}- {{sid: {sid}, status: nonsense}}\n"));
    assert!(faulty("AC08").agrees_on(&faulty("AC09"), &[sid("AC01").into()], &[]));
    assert!(!faulty("AC08").agrees_on(&faulty("AC09"), &[sid("AC08").into()], &[]));
    assert!(!faulty("AC08").agrees_on(&faulty("AC09"), &[sid("AC09").into()], &[]));
}

#[test]
fn states_disagree_on_everything_when_what_concerns_all_changed() {
    for (old, new) in [
        ("mainAccount:", "paused: true\nmainAccount:"),
        ("sid: AC00", "sid: AC09"),
        ("sid: AC00", "liftSuspensionsBefore: 2026-01-01, sid: AC00"),
        ("status: suspended", "status: nonsense"),
        ("labels: {a: b}", "labels: [a]"),
    ] {
        assert!(!state().agrees_on(&with(old, new), &[], &[]), "{new}");
        assert!(!with(old, new).agrees_on(&state(), &[], &[]), "{new}");
    }
}

#[test]
fn terms_of_a_close_have_a_digest_without_their_date() {
    let terms = |state: &Desired| state.entry(sid("AC03")).and_then(Entry::close).map(CloseTerms::digest);
    let same = with("confirm: acme", "notBefore: 2026-01-01, confirm: acme");
    assert_eq!(terms(&state()), terms(&same));
    for (old, new) in [
        ("confirm: acme", "confirm: acme2"),
        ("confirm: acme", "moveNumbersToMain: true, confirm: acme"),
        ("+15105550104", "+15105550105"),
        ("[\"+15105550104\"]", "[]"),
    ] {
        assert_ne!(terms(&state()), terms(&with(old, new)), "{new}");
    }
}

#[test]
fn main_account_lifts_suspensions_before_a_time() {
    let lifts = |state: &Desired| state.main().unwrap().lift_suspensions_before;
    assert_eq!(lifts(&state()), None);
    let until: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(lifts(&with("sid: AC00", "liftSuspensionsBefore: 2026-01-01, sid: AC00")), Some(until));
    let faulty = with("sid: AC00", "liftSuspensionsBefore: soon, sid: AC00");
    assert!(faulty.faulty());
    assert_eq!(lifts(&faulty), None);
}
