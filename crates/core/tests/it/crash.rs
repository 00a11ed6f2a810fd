//! A crash at every boundary of every write: the fleet converges afterwards, nothing is lost, nothing is destroyed that
//! would not have been, and no budget is exceeded.

use jiff::SignedDuration;
use subaccountd_core::{ActionKind, Limit};
use twilio_sim::{AccountStatus, CallStatus, SuspendedNumbers, World};

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
    let limits = [
        (ActionKind::Reactivate, 1),
        (ActionKind::Transfer, 3),
        (ActionKind::Suspend, 4),
        (ActionKind::Close, 2),
    ];
    fleet.limits.verbs = limits.map(|(kind, count)| (kind, Limit::Count(count))).into();
    fleet.limits.released_numbers = 1;
    fleet.limits.window = SignedDuration::from_hours(24 * 365);
    fleet.policy.window = fleet.limits.window;
    fleet.policy.close_after = SignedDuration::from_hours(24);
    fleet
}

/// The conditions of a crash.
#[derive(Debug, Clone, Copy)]
struct Conditions {
    suspended: SuspendedNumbers,
    lag_ms: u64,
    /// The error of the local clock around the crash, in hours.
    clock_hours: i64,
    /// The seconds between the first passes; the others are a day apart.
    seconds: i64,
}

const CONDITIONS: [Conditions; 5] = [
    Conditions { suspended: SuspendedNumbers::Rows, lag_ms: 0, clock_hours: 0, seconds: 90_000 },
    Conditions { suspended: SuspendedNumbers::Rows, lag_ms: 3_000, clock_hours: 0, seconds: 1 },
    Conditions { suspended: SuspendedNumbers::Empty, lag_ms: 300, clock_hours: 0, seconds: 20 },
    Conditions { suspended: SuspendedNumbers::Empty, lag_ms: 45_000, clock_hours: -25, seconds: 5 },
    Conditions { suspended: SuspendedNumbers::Rows, lag_ms: 45_000, clock_hours: 10_800, seconds: 40 },
];

impl Conditions {
    fn fleet(self) -> Fleet {
        let mut fleet = fleet();
        let world = fleet.world.get_mut().unwrap();
        world.switches_mut().suspended_numbers = self.suspended;
        world.switches_mut().account_list_lag_ms = self.lag_ms;
        world.switches_mut().number_list_lag_ms = self.lag_ms;
        fleet.clock_error.0 = SignedDuration::from_hours(self.clock_hours);
        fleet
    }
}

/// Passes until one has nothing left, with what is shown of the world afterwards.
fn settle(fleet: &mut Fleet, conditions: Conditions) -> (Vec<String>, Vec<String>) {
    for n in 0..24 {
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
        fleet.after(SignedDuration::from_secs(if n < 10 { conditions.seconds } else { 90_000 }));
        if n == 9 {
            fleet.clock_error.0 = SignedDuration::ZERO;
        }
    }
    panic!("it does not converge: {:?}", fleet.pass().unwrap().left.held);
}

/// An account that is suspended and whose calls are ended, and one that is closed after its calls were ended.
const CALLS: &str = r"
    mainAccount: {sid: AC00}
    subaccounts:
    - {sid: AC01, status: suspended, endCalls: true}
    - {sid: AC02, status: closed, endCalls: true, close: {confirm: acme}}
    ";

fn fleet_with_calls() -> Fleet {
    let mut world = World::builder(&long("AC00"), "token");
    for n in 1..=3 {
        let owner = long(&format!("AC0{n}"));
        world = world.account(&owner, "acme", AccountStatus::Active);
        for (call, to) in [(1, "+493012345678"), (2, "+493012345679"), (3, "112")] {
            let sid = long(&format!("CA{n}{call}"));
            world = world.call_with(&sid, &owner, CallStatus::InProgress, |call| to.clone_into(&mut call.to));
        }
    }
    let mut fleet = Fleet::new(world.build(), desired(CALLS));
    fleet.policy.close_after = SignedDuration::from_hours(24);
    fleet
}

#[test]
fn crash_at_any_boundary_of_the_end_of_calls_ends_the_same_calls() {
    let calls = |fleet: &Fleet| -> Vec<_> {
        fleet.world.lock().unwrap().calls().map(|call| (call.sid.clone(), call.status)).collect()
    };
    let mut expected = fleet_with_calls();
    settle(&mut expected, CONDITIONS[0]);
    let going_on = calls(&expected).into_iter().filter(|(_, status)| !status.is_over());
    let going_on: Vec<_> = going_on.map(|(sid, _)| sid.to_string()).collect();
    assert_eq!(going_on, ["CA13", "CA23", "CA31", "CA32", "CA33"].map(long));
    // Two suspensions, the calls of two accounts, and a close.
    for write in 0..5 {
        for boundary in Boundary::ALL {
            let mut fleet = fleet_with_calls();
            fleet.dies(write, boundary);
            settle(&mut fleet, CONDITIONS[0]);
            assert!(fleet.died(), "write {write}, {boundary:?}");
            assert_eq!(calls(&fleet), calls(&expected), "write {write}, {boundary:?}");
        }
    }
}

#[test]
fn crash_at_any_boundary_of_a_write_loses_nothing_and_destroys_no_more() {
    for conditions in CONDITIONS {
        let (expected, written) = settle(&mut conditions.fleet(), conditions);
        assert_eq!(written.len(), 10, "{conditions:?}: {written:?}");
        assert!(expected.contains(&"released +15105550005".to_owned()), "{conditions:?}: {expected:?}");
        for write in 0..10 {
            for boundary in Boundary::ALL {
                let mut fleet = conditions.fleet();
                fleet.dies(write, boundary);
                assert_eq!(
                    settle(&mut fleet, conditions),
                    (expected.clone(), written.clone()),
                    "write {write}, {boundary:?}, {conditions:?}"
                );
                assert!(fleet.died(), "write {write}, {boundary:?}, {conditions:?}");
            }
        }
    }
}
