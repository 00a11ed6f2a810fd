//! The looks right before a write: their order, their age, and a process that stops in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use subaccountd_core::{
    Outcome, Skip, SkipCause,
    remote::{ErrorKind, Sent},
};

use crate::support::{
    crew::{Ports, error},
    scene::Scene,
};

const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}, {sid: AC03, status: suspended}]";

/// AC01 rested for long enough.
fn closing() -> Scene {
    Scene::new(CLOSED).done().after("72h")
}

/// AC01 and AC02 have the desired status `suspended`.
fn suspending() -> Scene {
    Scene::new(SUSPENDED).active("AC01").active("AC02")
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The log of calls, and the causes of skipped writes.
fn run(ports: &Ports, scene: &Scene) -> (Vec<String>, Vec<SkipCause>) {
    let execution = ports.run(scene);
    let causes = execution.executed.iter().filter_map(|executed| match &executed.outcome {
        Outcome::Skipped(skip) => Some(skip.cause),
        Outcome::Done(_) | Outcome::Refused(_) | Outcome::Ignored(_) | Outcome::Unknown(_) => None,
    });
    let causes = causes.collect();
    (std::mem::take(&mut *ports.log.lock().unwrap()), causes)
}

fn intents(log: &[String]) -> usize {
    log.iter().filter(|line| line.starts_with("intent")).count()
}

fn writes(log: &[String]) -> usize {
    log.iter().filter(|line| line.starts_with("write")).count()
}

#[test]
fn close_reads_numbers_and_account_once_each_when_a_read_fails() {
    let scene = closing();
    let mut ports = Ports::new(&scene);
    ports.look = Box::new(|_| Err(error(ErrorKind::Unreadable, "503")));
    let (log, causes) = run(&ports, &scene);
    assert_eq!(log, ["read the numbers of AC01", "read AC01"]);
    assert_eq!(causes, [SkipCause::ProofChanged]);
}

#[test]
fn close_is_skipped_when_the_account_is_reactivated_while_its_numbers_are_read() {
    let scene = closing();
    // The second look sees what the world is after the read of the numbers.
    let reactivated = scene.clone().active("AC01");
    let (log, causes) = run(&Ports::new(&reactivated), &scene);
    assert_eq!(log, ["read the numbers of AC01", "read AC01"]);
    assert_eq!(causes, [SkipCause::ProofChanged]);
}

#[test]
fn close_is_skipped_when_its_looks_are_too_old() {
    let too_old = [SkipCause::ProofTooOld];
    let cases: [(&'static str, f64, &[SkipCause]); 9] = [
        ("place", 3600.0, &[]),
        ("read the numbers", 7.0, &[]),
        ("read the numbers", 7.1, &too_old),
        ("read AC01", 7.0, &[]),
        ("read AC01", 7.1, &too_old),
        ("check", 2.0, &[]),
        ("check", 2.1, &too_old),
        ("intent", 2.0, &[]),
        ("intent", 2.1, &too_old),
    ];
    for (step, took, expected) in cases {
        let scene = closing();
        let (log, causes) = run(&Ports::new(&scene).takes(step, seconds(took)), &scene);
        assert_eq!(causes, expected, "{step} took {took} s");
        assert_eq!(writes(&log), usize::from(expected.is_empty()), "{step} took {took} s");
        if step == "intent" && !expected.is_empty() {
            assert_eq!(log.last().unwrap(), "outcome: close AC01 skipped", "its intent has an end");
        } else if !expected.is_empty() {
            assert_eq!(intents(&log), 0, "{step}: no intent is made for what is too old by then");
        }
    }
}

#[test]
fn suspension_is_skipped_when_the_state_was_read_too_long_before_it() {
    for (step, took, skipped) in
        [("place", 3600.0, 0), ("check", 2.0, 0), ("check", 2.1, 1), ("intent", 2.0, 0), ("intent", 2.1, 1)]
    {
        let scene = Scene::new(SUSPENDED).active("AC01");
        let (log, causes) = run(&Ports::new(&scene).takes(step, seconds(took)), &scene);
        assert_eq!(causes, vec![SkipCause::ProofTooOld; skipped], "{step} took {took} s");
        assert_eq!(writes(&log), 1 - skipped, "{step} took {took} s");
    }
}

#[test]
fn write_is_skipped_when_the_state_changes_while_it_waits_for_its_place() {
    let scene = suspending();
    let changed = Arc::new(AtomicBool::new(false));
    let mut ports = Ports::new(&scene);
    let at_place = Arc::clone(&changed);
    ports.place = Box::new(move || {
        at_place.store(true, Ordering::Relaxed);
        Ok(())
    });
    ports.gate = Box::new(move |_| {
        if changed.load(Ordering::Relaxed) {
            Err(Skip::new(SkipCause::StateChanged, "the state changed"))
        } else {
            Ok(())
        }
    });
    let (log, causes) = run(&ports, &scene);
    assert_eq!((writes(&log), causes), (0, vec![SkipCause::StateChanged; 2]));
}

#[test]
fn write_is_skipped_when_the_pass_is_aborted_while_it_waits_for_its_place() {
    let scene = suspending();
    let mut ports = Ports::new(&scene);
    ports.slow_places = true;
    ports.answer = Box::new(|_| Sent {
        outcome: Outcome::skipped(SkipCause::PassAborted, "401"),
        stop: Some(error(ErrorKind::Credentials, "401 from Twilio")),
    });
    let (log, causes) = run(&ports, &scene);
    assert_eq!(log.iter().filter(|line| line.starts_with("intent")).count(), 1, "{log:?}");
    assert_eq!(causes, [SkipCause::PassAborted; 2]);
}

#[test]
fn write_does_not_begin_when_the_process_stops_at_any_step_before_it() {
    let close = ["place", "check", "read the numbers", "read AC01", "intent"];
    for step in close {
        let scene = closing();
        let (log, causes) = run(&Ports::new(&scene).stops_at(step), &scene);
        assert_eq!((writes(&log), causes), (0, vec![SkipCause::Stopping]), "{step}");
        assert_eq!(intents(&log), usize::from(step == "intent"), "{step}");
    }
}

#[test]
fn write_is_skipped_when_no_place_is_given_any_more() {
    let scene = suspending();
    let mut ports = Ports::new(&scene);
    ports.place = Box::new(|| Err(Skip::new(SkipCause::Stopping, "stopping")));
    assert_eq!(run(&ports, &scene), (Vec::new(), vec![SkipCause::Stopping; 2]));
}

/// A number that moves in between the pass and the close is seen by the look at the numbers.
#[test]
fn close_is_skipped_when_a_number_moved_in_since_the_pass() {
    let scene = closing();
    let moved_in = scene.clone().holds("AC01", "+15105550101");
    let (log, causes) = run(&Ports::new(&moved_in), &scene);
    assert_eq!(log, ["read the numbers of AC01"]);
    assert_eq!(causes, [SkipCause::ProofChanged]);
    let under_another_sid = |scene: Scene, sid: &str| {
        let sid = crate::support::text::long(sid).parse().unwrap();
        scene.also_holds_with("AC01", "+15105550101", |number| number.sid = sid)
    };
    let state =
        r#"subaccounts: [{sid: AC01, status: closed, close: {confirm: acme, release: ["+15105550101"]}}]"#;
    let scene = under_another_sid(Scene::new(state), "PN01").may_release(1).done().after("72h");
    assert_eq!(scene.brief(), "close AC01");
    let replaced = under_another_sid(scene.clone().nowhere("+15105550101"), "PN02");
    assert_eq!(run(&Ports::new(&replaced), &scene).1, [SkipCause::ProofChanged]);
}
