//! A crash at every boundary of every write: the fleet converges afterwards, nothing is lost, nothing is destroyed that
//! would not have been, and no budget is exceeded.

use jiff::SignedDuration;
use subaccountd_core::{Limit, Verb};
use twilio_sim::{AccountStatus, World};

use crate::support::{
    fleet::{Boundary, Fleet},
    scene::desired,
    text::long,
};

/// A reactivation, transfers into and out of it, suspensions, an emptied account and one that loses a number, to close.
const STATE: &str = r#"
    mainAccount: {sid: AC00}
    subaccounts:
    - {sid: AC01, status: active, numbers: ["+15105550002", "+15105550003"]}
    - {sid: AC02, status: suspended}
    - {sid: AC03, status: suspended}
    - {sid: AC04, status: closed, close: {confirm: acme, moveNumbersToMain: true}}
    - {sid: AC05, status: closed, close: {confirm: acme, release: ["+15105550005"]}}
    "#;

fn fleet() -> Fleet {
    let mut world = World::builder(&long("AC00"), "token");
    for n in 1..=5 {
        let status = if n == 1 { AccountStatus::Suspended } else { AccountStatus::Active };
        world = world.account(&long(&format!("AC0{n}")), "acme", status);
    }
    for n in 1..=5 {
        let (sid, owner) = (long(&format!("PN0{n}")), long(&format!("AC0{n}")));
        world = world.number(&sid, &format!("+1510555000{n}"), &owner);
    }
    let mut fleet = Fleet::new(world.build(), desired(STATE));
    // Exactly what the run without a crash needs: one write more would be held.
    let limits = [(Verb::Reactivate, 1), (Verb::Transfer, 3), (Verb::Suspend, 4), (Verb::Close, 2)];
    fleet.limits.verbs = limits.map(|(verb, count)| (verb, Limit::Count(count))).into();
    fleet.limits.released_numbers = 1;
    fleet.limits.window = SignedDuration::from_hours(24 * 365);
    fleet.policy.window = fleet.limits.window;
    fleet.policy.close_after = SignedDuration::from_hours(24);
    fleet
}

/// Passes a day apart until one has nothing left, with what is shown of the world afterwards.
fn settle(fleet: &mut Fleet) -> (Vec<String>, Vec<String>) {
    for _ in 0..8 {
        let pass = fleet.pass().unwrap();
        fleet.restart();
        if pass.execution.executed.is_empty() && pass.left.actions.is_empty() && pass.left.held.is_empty() {
            let world = fleet.world.lock().unwrap();
            let accounts = world
                .accounts()
                .map(|account| format!("{} {}", account.sid.as_str(), account.status.as_str()));
            let numbers =
                world.numbers().map(|number| format!("{} {}", number.phone_number, number.owner.as_str()));
            let released =
                world.released().iter().map(|release| format!("released {}", release.phone_number));
            let mut written = fleet.written.lock().unwrap().clone();
            written.sort();
            return (accounts.chain(numbers).chain(released).collect(), written);
        }
        fleet.after(SignedDuration::from_hours(25));
    }
    panic!("it does not converge: {:?}", fleet.pass().unwrap().left.held);
}

#[test]
fn a_crash_at_any_boundary_of_a_write_loses_nothing_and_destroys_no_more() {
    let (expected, written) = settle(&mut fleet());
    assert_eq!(written.len(), 10, "{written:?}");
    assert!(expected.contains(&"released +15105550005".to_owned()), "{expected:?}");
    for write in 0..10 {
        for boundary in Boundary::ALL {
            let mut fleet = fleet();
            fleet.dies(write, boundary);
            assert_eq!(
                settle(&mut fleet),
                (expected.clone(), written.clone()),
                "write {write}, {boundary:?}"
            );
            assert!(fleet.died(), "write {write}, {boundary:?}");
        }
    }
}
