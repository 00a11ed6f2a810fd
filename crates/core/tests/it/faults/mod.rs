//! No fault makes the daemon do more: what it does with a fault is a part of what it does without it.
//!
//! `FAULTS=2000 cargo test -p subaccountd-core faults` draws that many states for each kind of accident, others in each
//! run; without it they are few, and the same in every build.

mod cases;
mod mutation;
mod state;

use std::{cell::RefCell, collections::BTreeSet};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use subaccountd_core::{
    Desired, approve,
    manifest::{Source, parse},
    plan,
};

use self::{
    mutation::{ADDING, CERTAIN, Files, GARBLING, Mutation, sound, sources},
    state::{State, states},
};
use crate::support::scene::Scene;

/// The actions of an approved plan, without their resources.
fn actions(scene: &Scene, desired: Desired) -> BTreeSet<String> {
    let scene = Scene { desired, ..scene.clone() }.pass();
    let Ok(plan) = plan(&scene.desired, &scene.observe(), &scene.history, &scene.policy, scene.now) else {
        return BTreeSet::new();
    };
    let approved = approve(plan, &scene.limits, &scene.history, scene.now);
    approved.plan().actions.iter().map(|planned| planned.action.to_string()).collect()
}

/// The results of the accidents of one kind.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    faulty: u32,
    /// The state without the fault did something.
    acted: u32,
    /// The state with the fault still did something.
    still_acted: u32,
}

/// A runner with the number of cases for each of `per` kinds.
fn runner(cases: u32) -> TestRunner {
    let asked = std::env::var("FAULTS").ok().and_then(|count| count.parse().ok());
    let config = |cases| Config {
        cases,
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..Config::default()
    };
    match asked {
        Some(cases) => TestRunner::new(config(cases)),
        None => TestRunner::new_with_rng(
            config(cases),
            prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
        ),
    }
}

fn shown(before: &[Source], after: &[Source]) -> String {
    let text = |source: &Source| match &source.content {
        Ok(bytes) => format!("# {}\n{}\n", source.name, String::from_utf8_lossy(bytes)),
        Err(error) => format!("# {}: {error}\n", source.name),
    };
    let all = |sources: &[Source]| sources.iter().map(text).collect::<String>();
    let changed: Vec<_> = after.iter().filter(|source| !before.contains(source)).cloned().collect();
    format!("{}\nturned into\n\n{}", all(before), all(&changed)).replace(&"0".repeat(30), "")
}

fn check(state: &State, after: &[Source], seen: &RefCell<Seen>) -> Result<(), TestCaseError> {
    let before = sound(&state.files());
    let (sound, broken) = (parse(&before), parse(after));
    prop_assert!(sound.faults.is_empty(), "{:?}\n{}", sound.faults, shown(&before, &before));
    if broken.faults.is_empty() {
        return Ok(());
    }
    let scene = state.scene();
    let (without, with) = (actions(&scene, sound.desired), actions(&scene, broken.desired));
    let mut seen = seen.borrow_mut();
    seen.faulty += 1;
    seen.acted += u32::from(!without.is_empty());
    seen.still_acted += u32::from(!with.is_empty());
    let more: Vec<_> = with.difference(&without).collect();
    prop_assert!(more.is_empty(), "{more:#?}\n{}\n{:?}", shown(&before, after), scene.limits.verbs);
    Ok(())
}

/// Makes accidents of one kind happen to states.
fn run(kind: &Mutation, cases: u32) -> Result<Seen, String> {
    let seen = RefCell::default();
    let strategy = (states(), prop::collection::vec(any::<Index>(), 6));
    let result = runner(cases).run(&strategy, |(state, picks)| {
        let files = state.files();
        match (kind.apply)(Files::new(&files, &picks)) {
            Some(after) => check(&state, &sources(after), &seen),
            None => Ok(()),
        }
    });
    result.map_err(|error| format!("{}: {error}", kind.name))?;
    Ok(seen.into_inner())
}

#[test]
fn no_accident_makes_the_daemon_do_more() {
    let (mut still_acted, mut failed) = (0, Vec::new());
    for kind in GARBLING.iter().chain(ADDING) {
        let seen = match run(kind, 16) {
            Ok(seen) => seen,
            Err(error) => {
                failed.push(error);
                continue;
            }
        };
        if std::env::var_os("FAULTS").is_some() {
            println!("{:40} {seen:?}", kind.name);
        }
        if seen.faulty < 2 || seen.acted == 0 {
            failed.push(format!("{}: hardly ever a fault: {seen:?}", kind.name));
        }
        still_acted += seen.still_acted;
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(still_acted > 50, "{still_acted}");
}

#[test]
fn no_accident_after_another_makes_the_daemon_do_more() {
    let certain: Vec<_> = GARBLING.iter().filter(|kind| CERTAIN.contains(&kind.name)).collect();
    assert_eq!(certain.len(), CERTAIN.len());
    let seen = RefCell::default();
    let picks = || prop::collection::vec(any::<Index>(), 6);
    let strategy = (states(), 0..certain.len(), picks(), 0..certain.len(), picks());
    let result = runner(128).run(&strategy, |(state, first, picks, second, more_picks)| {
        let Some(once) = (certain[first].apply)(Files::new(&state.files(), &picks)) else { return Ok(()) };
        let once: Vec<_> = once.into_iter().map(|bytes| String::from_utf8(bytes.unwrap()).unwrap()).collect();
        match (certain[second].apply)(Files::new(&once, &more_picks)) {
            Some(twice) => check(&state, &sources(twice), &seen),
            None => Ok(()),
        }
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let seen = seen.into_inner();
    assert!(seen.faulty > 64 && seen.still_acted > 16, "{seen:?}");
}
