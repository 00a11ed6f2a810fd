//! Creates under crashes, lost answers and late lists: each entry gets exactly one account, which is found again.

use jiff::SignedDuration;
use subaccountd_core::{ActionKind, FriendlyName, History, Limit};
use twilio_sim::World;

use crate::support::{
    fleet::{Boundary, Fleet, Trouble},
    scene::desired,
    text::long,
};

const NAMES: [&str; 3] = ["acme", "globex", "initech"];
const STATE: &str = r#"
    subaccounts:
    - {friendlyName: acme, status: active, numbers: ["+15105550001"]}
    - {friendlyName: globex, status: suspended}
    - {friendlyName: initech, status: active}
    "#;

fn fleet(lag_ms: u64) -> Fleet {
    let world = World::builder(&long("AC00"), "token");
    let mut world = world.number(&long("PN01"), "+15105550001", &long("AC00")).build();
    world.switches_mut().account_list_lag_ms = lag_ms;
    let mut fleet = Fleet::new(world, desired(STATE));
    *fleet.history.get_mut().unwrap() = History::default().durable();
    // Exactly what is needed: one create more would be held.
    fleet.limits.verbs.insert(ActionKind::Create, Limit::Count(3));
    fleet
}

/// Passes until nothing is left, with what was created; the daemon starts again after each crash.
fn settle(fleet: &mut Fleet) -> Vec<String> {
    for _ in 0..60 {
        let passed = fleet.pass();
        fleet.restart();
        if passed.is_some_and(|passed| {
            passed.execution.executed.is_empty()
                && passed.left.actions.is_empty()
                && passed.left.held.is_empty()
        }) {
            break;
        }
        fleet.after(SignedDuration::from_secs(50));
    }
    let mut created: Vec<_> = fleet.created.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    created.sort();
    created
}

fn check(fleet: &Fleet, case: &str) {
    let history = fleet.history.lock().unwrap();
    let world = fleet.world.lock().unwrap();
    for (name, sid) in &*fleet.created.lock().unwrap() {
        assert_eq!(history.created(&FriendlyName::new(name).unwrap()), Some(*sid), "{case}: {name}");
        let status = world.status(&sid.to_string()).unwrap();
        assert_eq!(status.as_str(), if name == "globex" { "suspended" } else { "active" }, "{case}: {name}");
    }
    let acme = history.created(&FriendlyName::new("acme").unwrap()).unwrap();
    assert_eq!(world.owner_of("+15105550001").unwrap().as_str(), acme.to_string(), "{case}");
}

#[test]
fn crash_at_any_boundary_of_a_create_leads_to_no_second_account() {
    for lag_ms in [0, 3_000, 45_000, 600_000] {
        for write in 0..3 {
            for boundary in Boundary::ALL {
                let case = format!("write {write}, {boundary:?}, lists {lag_ms} ms late");
                let mut fleet = fleet(lag_ms);
                fleet.dies(write, boundary);
                assert_eq!(settle(&mut fleet), NAMES, "{case}");
                assert!(fleet.died(), "{case}");
                check(&fleet, &case);
            }
        }
    }
}

#[test]
fn lost_late_and_refused_requests_lead_to_no_second_account() {
    let troubles = [Trouble::Before, Trouble::After, Trouble::Late, Trouble::Busy];
    for lag_ms in [0, 45_000, 600_000] {
        for (first, second) in troubles.iter().flat_map(|one| troubles.map(|other| (*one, other))) {
            let case = format!("{first:?}, {second:?}, lists {lag_ms} ms late");
            let mut fleet = fleet(lag_ms);
            // The account list and the number lists are read before.
            let reads = [Trouble::None; 2];
            fleet.trouble([second, first].into_iter().chain(reads).collect());
            assert_eq!(settle(&mut fleet), NAMES, "{case}");
            check(&fleet, &case);
        }
    }
}
