//! Passes over a fleet that lives by Twilio's rules: numbers are conserved whatever goes wrong, and when nothing goes
//! wrong any more the fleet converges, or all that is left is held with a reason.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use subaccountd_core::{ActionKind, Held, Limit, Outcome, Status};
use twilio_sim::{AccountStatus, CallStatus, SuspendedNumbers, World, WorldBuilder};

use crate::support::{
    draw::{self, fleet, phone_text},
    fleet::{Fleet, shown_setting},
    scene::{desired, sid},
    text::long,
};

/// Enough passes for anything in so small a world: one of them a rest, the others to try again.
const ENOUGH: usize = 12;

fn world(drawn: &draw::Fleet) -> World {
    let mut builder = World::builder(&long("AC00"), "token");
    for (n, account) in (1..).zip(&drawn.accounts) {
        let status = match account.status {
            Status::Active => AccountStatus::Active,
            Status::Suspended => AccountStatus::Suspended,
            Status::Closed => AccountStatus::Closed,
        };
        builder = builder.account(&long(&format!("AC{n:02}")), "acme", status);
    }
    for (n, number) in drawn.numbers.iter().enumerate() {
        let (sid, owner) = (long(&format!("PN{n:02}")), long(&format!("AC{:02}", number.holder)));
        builder = builder.number(&sid, &phone_text(n), &owner);
    }
    // Each account has a call that may be ended, and an emergency call.
    for n in 1..=drawn.accounts.len() {
        let owner = long(&format!("AC{n:02}"));
        let call = |builder: WorldBuilder, sid: String, to: &'static str| {
            builder.call_with(&long(&sid), &owner, CallStatus::InProgress, |call| to.clone_into(&mut call.to))
        };
        builder = call(builder, format!("CA{n:02}"), "+493012345678");
        builder = call(builder, format!("CA9{n}"), "911");
    }
    builder.build()
}

/// The behavior of Twilio's lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists {
    suspended: SuspendedNumbers,
    account_lag_ms: u64,
    number_lag_ms: u64,
}

pub(crate) fn lists() -> impl Strategy<Value = Lists> {
    let suspended = prop_oneof![
        Just(SuspendedNumbers::Rows),
        Just(SuspendedNumbers::Empty),
        Just(SuspendedNumbers::Unauthorized),
    ];
    let lag = || prop_oneof![2 => Just(0), 1 => Just(300), 2 => Just(3_000), 1 => Just(45_000)];
    (suspended, lag(), lag()).prop_map(|(suspended, account_lag_ms, number_lag_ms)| Lists {
        suspended,
        account_lag_ms,
        number_lag_ms,
    })
}

pub(crate) fn living(drawn: &draw::Fleet, lists: Lists) -> Fleet {
    let mut world = world(drawn);
    let switches = world.switches_mut();
    switches.suspended_numbers = lists.suspended;
    switches.account_list_lag_ms = lists.account_lag_ms;
    switches.number_list_lag_ms = lists.number_lag_ms;
    let mut fleet = Fleet::new(world, desired(&drawn.state()));
    fleet.limits.verbs = ActionKind::ALL.map(|kind| (kind, Limit::Percent(100))).into();
    fleet.limits.released_numbers = 100;
    fleet.policy.close_after = SignedDuration::from_hours(24);
    fleet
}

/// Every number is in one account, or was lost with an account whose close may lose it.
pub(crate) fn check_world(fleet: &Fleet, drawn: &draw::Fleet) {
    let world = fleet.world.lock().unwrap();
    let mut found: BTreeMap<_, usize> = BTreeMap::new();
    for account in world.accounts() {
        for number in world.numbers_of(&account.sid) {
            *found.entry(number.phone_number.clone()).or_default() += 1;
        }
    }
    for release in world.released() {
        // That it was named in `close.release` is checked at the very moment of the close.
        *found.entry(release.phone_number.clone()).or_default() += 1;
    }
    let all: BTreeMap<_, usize> = (0..drawn.numbers.len()).map(|n| (phone_text(n), 1)).collect();
    assert_eq!(found, all);
    assert_eq!(world.main().status, AccountStatus::Active);
}

/// Passes days apart, so that rests and pauses are over, until two in a row have nothing to do; gives how many did.
pub(crate) fn settle(fleet: &mut Fleet, drawn: &draw::Fleet) -> Option<usize> {
    let mut quiet = 0;
    for n in 0..ENOUGH {
        fleet.after(SignedDuration::from_hours(25));
        let pass = fleet.pass().unwrap();
        check_world(fleet, drawn);
        quiet =
            if pass.execution.executed.is_empty() && pass.left.actions.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 {
            return Some(n - 1);
        }
    }
    None
}

/// Checks that every difference between state and world is held with a reason.
pub(crate) fn check_the_rest_is_held(fleet: &Fleet) {
    let left = fleet.pass().unwrap().left;
    let world = fleet.world.lock().unwrap();
    for entry in fleet.desired.accounts() {
        let live = world.status(&entry.sid.to_string()).unwrap();
        let of_it = |held: &&Held| held.account == entry.sid && held.number.is_none();
        let (calls, held): (Vec<_>, Vec<_>) =
            left.held.iter().filter(of_it).partition(|held| held.kind == ActionKind::EndCalls);
        let held = !held.is_empty();
        let goes_on =
            |call: &twilio_sim::Call| *call.owner == *entry.sid.to_string() && !call.status.is_over();
        if entry.end_calls && live == AccountStatus::Suspended {
            let waits = !calls.is_empty() || held;
            let left = world.calls().filter(|call| goes_on(call)).count();
            assert!(left == 1 || waits, "{} has {left} calls", entry.sid);
        }
        assert_eq!(live.as_str() != entry.desired_status.status().as_str(), held, "{}", entry.sid);
    }
    for (claimant, number, claim) in fleet.desired.claims() {
        let owner = world.owner_of(&number.to_string());
        let held = left.held.iter().any(|held| held.number == Some(number));
        let elsewhere = owner.is_none_or(|owner| *owner != *claimant.to_string());
        let settings = claim.settings();
        let differs = world.number(&number.to_string()).is_some_and(|live| {
            settings.values().any(|(setting, value)| shown_setting(live, setting) != value)
        });
        let astray = elsewhere || differs;
        // Where a list is hidden, a number may be held that is where it belongs.
        let hidden = world.switches().suspended_numbers != SuspendedNumbers::Rows;
        assert!(if hidden { held || !astray } else { held == astray }, "{number}");
    }
}

/// The number of cases: `PROPTEST_CASES`, or what a busy machine does in a few seconds.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fleet_converges_and_is_left_alone_when_nothing_disturbs_it(drawn in fleet(), lists in lists()) {
        let drawn = drawn.settle_claims();
        let mut fleet = living(&drawn, lists);
        let passes = settle(&mut fleet, &drawn);
        // Empty, suspend, close; and a reactivation may go before, a look after it.
        prop_assert!(passes.is_some_and(|passes| passes <= 5), "{passes:?}");
        check_the_rest_is_held(&fleet);
        let writes = fleet.written.lock().unwrap().len();
        for _ in 0..3 {
            fleet.after(SignedDuration::from_hours(25));
            prop_assert!(fleet.pass().unwrap().execution.executed.is_empty());
        }
        prop_assert_eq!(fleet.written.lock().unwrap().len(), writes);
    }

    /// Lists lag behind: the passes follow each other within seconds, and nothing is written twice.
    #[test]
    fn fleet_gets_each_write_once_when_lists_lag(drawn in fleet(), lists in lists(), seconds in 1_i64..40) {
        let drawn = drawn.settle_claims();
        let mut fleet = living(&drawn, lists);
        for _ in 0..10 {
            let _ = fleet.pass();
            fleet.after(SignedDuration::from_secs(seconds));
        }
        let mut written = fleet.written.lock().unwrap().clone();
        let all = written.len();
        written.sort();
        written.dedup();
        prop_assert_eq!(written.len(), all, "{:?}", fleet.written.lock().unwrap());
    }
}

#[test]
fn a_converged_fleet_gets_no_write() {
    let state = r#"
        subaccounts:
        - {sid: AC01, friendlyName: customer-1, status: active, numbers: ["+15105550001"]}
        - {sid: AC02, friendlyName: customer-2, status: active, numbers: ["+15105550002"]}
        "#;
    let fleet = Fleet::new(World::generated(3, 3), desired(state));
    let pass = fleet.pass().unwrap();
    assert_eq!((pass.execution.executed.len(), pass.left.held.len()), (0, 0));
    assert_eq!(*fleet.written.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn a_full_account_is_emptied_suspended_and_closed_and_nothing_is_lost() {
    let state = r#"
        subaccounts:
        - {sid: AC01, status: closed, close: {confirm: customer-1, moveNumbersToMain: true}}
        - {sid: AC02, status: active, numbers: ["+15105550001", "+15105550002"]}
        "#;
    let mut fleet = Fleet::new(World::generated(2, 5), desired(state));
    for _ in 0..4 {
        fleet.pass().unwrap();
        fleet.after(SignedDuration::from_hours(72));
    }
    let written = fleet
        .written
        .lock()
        .unwrap()
        .iter()
        .map(|action| crate::support::text::short(action))
        .collect::<Vec<_>>();
    insta::assert_snapshot!(written.join("\n"), @r"
    transfer +15105550003 from AC01 to AC00
    transfer +15105550005 from AC01 to AC00
    transfer +15105550001 from AC01 to AC02
    suspend AC01
    close AC01
    ");
    let world = fleet.world.lock().unwrap();
    assert_eq!(world.released(), []);
    assert_eq!(world.status(&long("AC01")), Some(AccountStatus::Closed));
}

#[test]
fn account_suspended_by_twilio_is_refused_and_retried_later() {
    let world = World::builder(&long("AC00"), "token")
        .account_with(&long("AC01"), "acme", AccountStatus::Suspended, |account| {
            account.suspended_by_twilio = true;
        })
        .build();
    let mut fleet = Fleet::new(world, desired("subaccounts: [{sid: AC01, status: active}]"));
    let first = fleet.pass().unwrap();
    assert!(
        first
            .execution
            .any(|outcome| matches!(outcome, Outcome::Refused(refusal) if refusal.code == Some(21_478)))
    );
    assert_eq!(first.left.held[0].reason.as_str(), "RefusedByTwilio");
    assert!(fleet.pass().unwrap().execution.executed.is_empty());
    fleet.after(SignedDuration::from_secs(15));
    assert_eq!(fleet.pass().unwrap().execution.executed.len(), 1);
    assert_eq!(first.left.held[0].account, sid("AC01"));
}

#[test]
fn a_number_that_was_moved_out_is_not_reported_as_vanished() {
    let state =
        "subaccounts: [{sid: AC01, status: closed, close: {confirm: customer-1, moveNumbersToMain: true}}]";
    let fleet = Fleet::new(World::generated(1, 1), desired(state));
    let left = fleet.pass().unwrap().left;
    let held: Vec<_> = left.held.iter().map(|held| held.reason.as_str()).collect();
    let to_do: Vec<_> = left.actions.iter().map(|planned| planned.action.kind()).collect();
    assert_eq!((held, to_do), (vec!["CoolingOff"], vec![ActionKind::Suspend]));
}
