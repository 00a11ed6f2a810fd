//! Executing the end of calls: one place, one intent, a request for each call, and no request on an old proof.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use subaccountd_core::{
    CallStatus, Outcome, Receipt, Skip, SkipCause,
    remote::{ErrorKind, Sent},
};

use crate::support::{
    crew::{Ports, done, error},
    scene::{self, Scene},
};

/// Account 1, suspended as desired, with `calls` calls.
fn scene(calls: u8) -> Scene {
    let body = "subaccounts: [{sid: AC01, status: suspended, endCalls: true}]";
    (1..=calls)
        .fold(Scene::new(body), |scene, n| scene.calls("AC01", n, CallStatus::InProgress, "+493012345678"))
}

/// Ports that answer the n-th request, from 0, with `answers(n)`.
fn answering(scene: &Scene, answers: impl Fn(usize) -> Sent + Send + Sync + 'static) -> Ports {
    let (mut ports, sent) = (Ports::new(scene), AtomicUsize::new(0));
    ports.answer = Box::new(move |_| answers(sent.fetch_add(1, Ordering::Relaxed)));
    ports
}

/// The outcome of the only action.
fn outcome(ports: &Ports, scene: &Scene) -> Outcome {
    let mut executed = ports.run(scene).executed;
    assert_eq!(executed.len(), 1);
    executed.remove(0).outcome
}

fn over(calls: usize) -> Outcome {
    Outcome::Done(Receipt { calls: Some(calls), ..Receipt::default() })
}

fn writes(ports: &Ports) -> usize {
    ports.log.lock().unwrap().iter().filter(|line| line.starts_with("write")).count()
}

fn looks(ports: &Ports) -> usize {
    ports.log.lock().unwrap().iter().filter(|line| line.starts_with("read")).count()
}

#[test]
fn calls_end_one_by_one_under_one_intent_after_a_look_at_the_account() {
    let shown = {
        let scene = scene(2);
        Ports::new(&scene).shown(&scene)
    };
    insta::assert_snapshot!(shown, @"
    read AC01
    intent: end 2 calls of AC01
    write: end 1 call of AC01
    answer: end 1 call of AC01
    write: end 1 call of AC01
    answer: end 1 call of AC01
    outcome: end 2 calls of AC01 done
    end 2 calls of AC01: done
    ");
}

#[test]
fn no_call_is_ended_in_an_account_that_changed_since_it_was_planned() {
    let planned = scene(2);
    let changed = planned.clone().active("AC01").touched("AC01");
    let ports = Ports::new(&changed);
    let outcome = outcome(&ports, &planned);
    assert!(matches!(&outcome, Outcome::Skipped(Skip { cause: SkipCause::ProofChanged, .. })), "{outcome:?}");
    assert_eq!(writes(&ports), 0);
    assert!(ports.log.lock().unwrap().iter().all(|line| !line.starts_with("intent")));
}

#[test]
fn proof_is_renewed_before_it_is_too_old_and_calls_stop_when_it_changed() {
    let scene = scene(6);
    let ports = Ports::new(&scene).takes("answer", Duration::from_millis(900));
    assert_eq!(outcome(&ports, &scene), over(6));
    assert_eq!((writes(&ports), looks(&ports)), (6, 2), "a look serves for two seconds");

    let mut ports = Ports::new(&scene).takes("answer", Duration::from_millis(2_500));
    let reads = AtomicUsize::new(0);
    ports.look = Box::new(move |_| {
        if reads.fetch_add(1, Ordering::Relaxed) < 3 {
            Ok(())
        } else {
            Err(error(ErrorKind::Unreadable, "404"))
        }
    });
    assert_eq!(outcome(&ports, &scene), over(3), "what was ended counts");
    assert_eq!(writes(&ports), 3);

    let mut ports = Ports::new(&scene).takes("answer", Duration::from_millis(2_500));
    let checks = AtomicUsize::new(0);
    ports.gate = Box::new(move |_| {
        let first = checks.fetch_add(1, Ordering::Relaxed) == 0;
        if first { Ok(()) } else { Err(Skip::new(SkipCause::StateChanged, "the state changed")) }
    });
    assert_eq!(outcome(&ports, &scene), over(1));
}

#[test]
fn calls_stop_with_the_process_and_after_a_minute() {
    let scene = scene(6);
    let ports = Ports::new(&scene).stops_at("answer");
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (over(1), 1));
    let ports = Ports::new(&scene).takes("answer", Duration::from_secs(25));
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (over(3), 3));
}

#[test]
fn call_that_is_refused_or_unknown_hides_no_other() {
    let scene = scene(3);
    let refused = || scene::refused(20422, "Invalid Parameter");
    let ports = answering(&scene, move |n| if n == 0 { refused().into() } else { done() });
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (refused(), 3));
    let ports = answering(&scene, move |n| match n {
        0 => refused().into(),
        1 => scene::unknown().into(),
        _ => done(),
    });
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (scene::unknown(), 3), "unknown comes first");
}

#[test]
fn calls_stop_when_twilio_accepts_no_more_and_when_the_pass_stops() {
    let scene = scene(3);
    let ports = answering(&scene, |n| if n == 1 { scene::skipped().into() } else { done() });
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (over(1), 2));
    let ports = answering(&scene, |_| scene::skipped().into());
    assert_eq!((outcome(&ports, &scene), writes(&ports)), (scene::skipped(), 1));
    let stop = || Sent { outcome: scene::skipped(), stop: Some(error(ErrorKind::MainAccount, "suspended")) };
    let ports = answering(&scene, move |_| stop());
    assert!(ports.run(&scene).stopped.is_some());
    assert_eq!(writes(&ports), 1);
}

#[test]
fn calls_that_were_ended_are_listed_again_before_anything_else_is_planned() {
    let scene = scene(2);
    let execution = Ports::new(&scene).run(&scene);
    let after = execution.after(scene.observe());
    assert!(after.calls(scene::sid("AC01")).is_none());
}
