//! The cooling-off period counts from the decision: unbroken, on the same terms, and only while passes read the state.

use jiff::SignedDuration;
use subaccountd_core::history::Event;

use crate::support::scene::{Scene, sid};

const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}]";
const FAULT: &str = "- {sid: AC02, status: odd}";

/// The account was suspended for the close, and rested for `time`.
fn rested(time: &str) -> Scene {
    Scene::new(CLOSED).done().after(time)
}

fn is_closed(scene: &Scene) -> bool {
    scene.brief() == "close AC01"
}

#[test]
fn rest_begins_anew_when_the_close_was_withdrawn_beside_a_fault_of_another_entry() {
    let withdrawn = format!("subaccounts:\n- {{sid: AC01, status: suspended}}\n{FAULT}\n");
    let scene = rested("71h").says(&withdrawn).pass().says(CLOSED).pass();
    assert_eq!(scene.clone().after("71h 59m 59s").brief(), "CoolingOff close AC01");
    assert!(is_closed(&scene.after("72h")));
}

#[test]
fn rest_begins_anew_when_the_entry_was_missing_from_a_state_without_faults() {
    let scene = rested("71h").says("subaccounts: []").pass().says(CLOSED).pass().after("71h");
    assert_eq!(scene.brief(), "CoolingOff close AC01");
    // Beside a fault it may be the entry that cannot be read.
    let scene = rested("71h").says("subaccounts: [{sid: AC01, status: odd}]").pass().says(CLOSED).pass();
    assert!(is_closed(&scene.after("1h")));
}

#[test]
fn rest_begins_anew_when_the_terms_change() {
    let terms = [
        "close: {confirm: acme, release: ['+15105550101']}",
        "close: {confirm: acme, moveNumbersToMain: true}",
        "close: {confirm: hooli}",
    ];
    for terms in terms {
        let changed = format!("subaccounts: [{{sid: AC01, status: closed, {terms}}}]");
        let name = if terms.contains("hooli") { "hooli" } else { "acme" };
        let scene = rested("72h").with("AC01", |account| account.friendly_name = name.to_owned());
        let scene = scene.says(&changed).pass();
        assert_eq!(scene.clone().after("71h 59m 59s").brief(), "CoolingOff close AC01", "{terms}");
        assert!(is_closed(&scene.after("72h")), "{terms}");
    }
}

#[test]
fn rest_goes_on_when_only_its_reason_or_a_later_time_is_written() {
    let state = "subaccounts: [{sid: AC01, status: closed, reason: asked, close: {confirm: acme, notBefore: 2026-06-02}}]";
    assert!(is_closed(&rested("71h").says(state).pass().after("1h")));
}

#[test]
fn rest_begins_anew_when_the_close_was_withdrawn_during_an_outage() {
    let scene = rested("71h").says(SUSPENDED).blind_pass().says(CLOSED).blind_pass();
    assert_eq!(scene.clone().after("71h").brief(), "CoolingOff close AC01");
    assert!(is_closed(&scene.after("72h")));
}

#[test]
fn time_without_passes_does_not_count_towards_the_rest() {
    let scene = rested("10h").away("60h").pass();
    assert_eq!(scene.clone().after("2h").brief(), "CoolingOff close AC01");
    let shown = scene.shown();
    assert!(shown.contains("extended by 60h in which no pass read the desired state"), "{shown}");
    assert!(is_closed(&scene.after("62h")));
    // A pass during an outage of Twilio's reads the state.
    let mut blind = rested("1h");
    for _ in 0..10 {
        blind = blind.away("7h").blind_pass();
    }
    assert!(is_closed(&blind.after("1h")));
}

#[test]
fn gap_counts_only_when_it_is_longer_than_a_tenth_of_the_rest_and_three_intervals() {
    assert!(is_closed(&rested("10h").away("7h 12m").pass().after("54h 48m")));
    assert!(!is_closed(&rested("10h").away("7h 12m 1s").pass().after("54h 47m 59s")));
    let short = |scene: Scene| scene.policy(|policy| policy.close_after = SignedDuration::from_mins(10));
    assert!(is_closed(&short(rested("5m")).away("3m").pass().after("2m")), "three intervals of a minute");
    assert!(!is_closed(&short(rested("5m")).away("3m 1s").pass().after("1m 59s")));
}

#[test]
fn gap_is_remembered_when_the_daemon_restarts() {
    let scene = rested("10h").restarted().away("60h").restarted().pass().restarted();
    assert_eq!(scene.clone().after("61h").brief(), "CoolingOff close AC01");
    assert!(is_closed(&scene.after("62h")));
}

#[test]
fn many_gaps_make_the_rest_longer_and_never_shorter() {
    let mut scene = rested("1h");
    for _ in 0..100 {
        scene = scene.away("8h").pass().after("10m");
    }
    let rested = SignedDuration::from_hours(1) + SignedDuration::from_mins(1000);
    let unattended = scene.history.unattended(
        scene.history.close_decision(sid("AC01")).unwrap().since.unwrap(),
        scene.now.best(),
        SignedDuration::ZERO,
    );
    assert!(unattended >= SignedDuration::from_hours(800), "{unattended:?}");
    assert!(!is_closed(&scene));
    let json = serde_json::to_string(&scene.history).unwrap();
    assert!(json.len() < 10_000, "{} bytes after {rested:?}", json.len());
}

/// 64 are kept one by one; then the two that are oldest and the time between them are one.
#[test]
fn gaps_are_exact_up_to_their_bound() {
    let unattended = |gaps: i64| {
        let mut scene = Scene::new(CLOSED).pass();
        let begin = scene.now.best();
        for gap in 0..gaps {
            let from = begin + SignedDuration::from_hours(gap);
            scene = scene.event(Event::Unattended { from, to: from + SignedDuration::from_mins(1) });
        }
        scene.history.unattended(begin, begin + SignedDuration::from_hours(999), SignedDuration::ZERO)
    };
    assert_eq!(unattended(64), SignedDuration::from_mins(64));
    assert_eq!(unattended(65), SignedDuration::from_mins(65 + 59));
}

#[test]
fn rest_does_not_begin_while_no_clock_can_be_trusted() {
    let scene = Scene::new(CLOSED).suspended("AC01").clock_off(None).pass().after("999h");
    assert_eq!(scene.history.close_decision(sid("AC01")).unwrap().since, None);
    let scene = scene.clock_off(Some("0s")).pass();
    assert_eq!(scene.clone().after("71h 59m 59s").brief(), "CoolingOff close AC01");
    assert!(is_closed(&scene.after("72h")));
}

#[test]
fn rest_counts_from_our_own_suspension_when_twilio_dates_it_earlier() {
    // Decided at noon; the suspension came ten hours later.
    let decided = Scene::new(CLOSED).forbids(subaccountd_core::ActionKind::Suspend).pass().after("10h");
    let scene = decided.policy(|policy| policy.verbs = subaccountd_core::ActionKind::ALL.into()).done();
    let earlier = "2026-01-01T00:00:00Z".parse().unwrap();
    let scene = scene.with("AC01", |account| account.date_updated = Some(earlier)).pass();
    assert_eq!(scene.clone().after("71h 59m 59s").brief(), "CoolingOff close AC01");
    assert!(is_closed(&scene.after("72h")));
}

#[test]
fn decision_and_its_end_are_recorded_once() {
    let scene = rested("1h");
    let again = scene.clone().pass();
    assert_eq!(again.history, scene.history.clone());
    let ended = scene.says(SUSPENDED).pass();
    assert_eq!(ended.history.close_decision(sid("AC01")), None);
    assert_eq!(ended.clone().pass().history, ended.history);
    let mut history = ended.history;
    history.apply(Event::CloseWithdrawn { account: sid("AC01") });
    assert_eq!(history.close_decision(sid("AC01")), None);
}
