//! An outage in simulated time: every write is lost for an hour, a pass each minute.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use subaccountd_core::{ActionKind, Limit};
use twilio_sim::{AccountStatus, World};

use crate::support::{
    fleet::{Fleet, Trouble},
    scene::desired,
    text::long,
};

/// A reactivation, two transfers, two suspensions and a close.
const STATE: &str = r#"
    subaccounts:
    - {sid: AC01, status: active}
    - {sid: AC02, status: active, numbers: ["+15105550003", "+15105550004"]}
    - {sid: AC03, status: suspended}
    - {sid: AC04, status: suspended}
    - {sid: AC05, status: closed, close: {confirm: acme}}
    "#;
const WRITES: usize = 6;
/// The most passes in a row without a wait.
const IN_A_ROW: usize = 5;
const MINUTES: usize = 60;

fn fleet() -> Fleet {
    let mut world = World::builder(&long("AC00"), "token");
    for n in 1..=5 {
        let suspended = n == 1 || n == 5;
        let status = if suspended { AccountStatus::Suspended } else { AccountStatus::Active };
        world = world.account(&long(&format!("AC0{n}")), "acme", status);
    }
    for n in 3..=4 {
        let (sid, owner) = (long(&format!("PN0{n}")), long(&format!("AC0{n}")));
        world = world.number(&sid, &format!("+1510555000{n}"), &owner);
    }
    let mut fleet = Fleet::new(world.build(), desired(STATE));
    fleet.policy.close_after = SignedDuration::ZERO;
    fleet.limits.verbs = ActionKind::ALL.map(|kind| (kind, Limit::Percent(100))).into();
    fleet
}

/// Passes while every write is lost before it arrives: each minute as many in a row as the daemon makes at most.
fn outage(fleet: &mut Fleet, minutes: usize) -> BTreeMap<ActionKind, usize> {
    let mut tries = BTreeMap::new();
    for _ in 0..minutes {
        for executed in (0..IN_A_ROW).flat_map(|_| fleet.lossy_pass().execution.executed) {
            if executed.outcome.as_str() == "unknown" {
                *tries.entry(executed.planned.action.kind()).or_default() += 1;
            }
        }
        fleet.after(SignedDuration::from_mins(1));
    }
    tries
}

#[test]
fn outage_of_an_hour_costs_a_bounded_number_of_writes_and_bytes() {
    let mut fleet = fleet();
    let tries = outage(&mut fleet, MINUTES);
    let (events, bytes) = fleet.journal_size();
    let writes: usize = tries.values().sum();
    let before = IN_A_ROW * MINUTES * WRITES;
    println!(
        "{writes} writes ({tries:?}), {events} events, {bytes} bytes; 5 a minute would have been {before}"
    );
    // A try, its repeat at once, then pauses that double from 15 s.
    for (kind, objects) in [(ActionKind::Transfer, 2), (ActionKind::Suspend, 2), (ActionKind::Close, 1)] {
        assert!(tries[&kind] <= 10 * objects, "{kind}: {tries:?}");
    }
    // A reactivation restores service: it is tried every two minutes.
    assert!((30..=35).contains(&tries[&ActionKind::Reactivate]), "{tries:?}");
    assert!(writes * 20 < before, "{writes}");
    assert!(bytes < 128 * 1024, "{bytes} bytes");
    let history = serde_json::to_vec(&*fleet.history.lock().unwrap()).unwrap();
    println!("history: {} bytes", history.len());
    assert!(history.len() < 64 * 1024, "{} bytes", history.len());

    // A second hour costs less, and nothing was spent twice.
    let second: usize = outage(&mut fleet, MINUTES).values().sum();
    println!("{second} writes in the second hour");
    assert!(second < writes);
    for (kind, objects) in [(ActionKind::Reactivate, 1), (ActionKind::Transfer, 2), (ActionKind::Close, 1)] {
        let spent = fleet.history.lock().unwrap().spent(kind, fleet.time(), SignedDuration::from_hours(24));
        assert_eq!(spent, objects, "{kind}");
    }
}

/// Everything is done soon after the outage ends, also what was paused for an hour.
#[test]
fn fleet_converges_within_the_longest_pause_when_an_outage_ends() {
    let mut fleet = fleet();
    outage(&mut fleet, MINUTES);
    fleet.trouble(Vec::<Trouble>::new());
    for minute in 0..=61 {
        let pass = fleet.pass().unwrap();
        if pass.left.actions.is_empty() && pass.left.held.is_empty() && pass.execution.executed.is_empty() {
            println!("converged after {minute} minutes");
            return;
        }
        fleet.after(SignedDuration::from_mins(1));
    }
    panic!("it does not converge: {:?}", fleet.pass().unwrap().left.held);
}
