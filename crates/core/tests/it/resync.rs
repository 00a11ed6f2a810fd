//! Number lists that are good for a while: what a fleet at rest costs, what is read before a write, and what a kept list must
//! never be believed for.

use std::fmt::Write;

use jiff::SignedDuration;
use subaccountd_core::{KeptLists, Now, Pass, Reason, remote::AccountList};
use twilio_sim::{AccountStatus, World};

use crate::support::{
    fleet::{Fleet, People, Trouble},
    scene::{NOON, Scene, desired, phone, sid, time},
    text::long,
};

const NUMBER: &str = "+15105550101";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const RESYNC: SignedDuration = SignedDuration::from_mins(10);

/// AC01 claims [`NUMBER`] and has it; AC02 is listed, AC03 is not. A pass was made, and every list is kept.
fn small() -> Fleet {
    let mut world = World::builder(&long("AC00"), "token");
    for account in ["AC01", "AC02", "AC03"] {
        world = world.account(&long(account), "acme", AccountStatus::Active);
    }
    let world = world.number(&long("PN01"), NUMBER, &long("AC01")).build();
    let mut fleet = Fleet::new(world, desired(&state("active", "active")));
    fleet.resyncs(RESYNC);
    rest(&mut fleet, 11);
    assert_eq!(fleet.kept(), 4);
    fleet
}

/// The state, with these statuses of AC01 and AC02.
fn state(first: &str, second: &str) -> String {
    format!(
        "subaccounts: [{{sid: AC01, status: {first}, numbers: [\"{NUMBER}\"]}}, {{sid: AC02, status: {second}}}]"
    )
}

/// The state in which AC02 claims the number.
fn claimed_by_second() -> String {
    format!(
        "subaccounts: [{{sid: AC01, status: active}}, {{sid: AC02, status: active, numbers: [\"{NUMBER}\"]}}]"
    )
}

/// Passes, one a minute.
fn rest(fleet: &mut Fleet, passes: usize) {
    for _ in 0..passes {
        let _ = fleet.pass().unwrap();
        fleet.after(MINUTE);
    }
}

/// The requests of one pass.
fn cost(fleet: &Fleet) -> usize {
    let before = *fleet.requests.lock().unwrap();
    let _ = fleet.pass();
    *fleet.requests.lock().unwrap() - before
}

fn moves(fleet: &Fleet, to: &str) {
    let owner = long(to).parse().unwrap();
    fleet.world.lock().unwrap().edit_number(NUMBER, fleet.now, |number| number.owner = owner).unwrap();
}

fn written(fleet: &Fleet) -> Vec<String> {
    std::mem::take(&mut *fleet.written.lock().unwrap())
}

/// The world and the state of 1,000 accounts with a number each, of which 900 are listed.
fn thousand() -> Fleet {
    let (mut world, mut state) = (World::builder(&long("AC00"), "token"), "subaccounts:\n".to_owned());
    for n in 1..=1_000 {
        let account = format!("AC{n:032}");
        world = world.account(&account, &format!("customer {n}"), AccountStatus::Active);
        let number = format!("+1510{n:07}");
        world = world.number(&format!("PN{n:032}"), &number, &account);
        if n <= 900 {
            writeln!(state, "- {{sid: {account}, status: active, numbers: [{number:?}]}}").unwrap();
        }
    }
    let mut fleet = Fleet::new(world.build(), desired(&state));
    fleet.resyncs(RESYNC);
    fleet
}

#[test]
fn thousand_accounts_at_rest_cost_the_account_list_and_a_tenth_of_the_lists_a_minute() {
    let mut fleet = thousand();
    assert_eq!(cost(&fleet), 1 + 900, "the first pass reads what it needs");
    fleet.after(MINUTE);
    rest(&mut fleet, 12);
    assert_eq!(fleet.kept(), 1_001);
    let before = *fleet.requests.lock().unwrap();
    for minute in 0..60 {
        let cost = cost(&fleet);
        assert!((100..=102).contains(&cost), "minute {minute}: {cost}");
        fleet.after(MINUTE);
    }
    let hour = *fleet.requests.lock().unwrap() - before;
    assert!((6_060..=6_070).contains(&hour), "{hour}");
    assert_eq!(written(&fleet), [""; 0]);
}

#[test]
fn edit_is_acted_on_in_its_pass_whoever_holds_the_number() {
    for holder in ["AC01", "AC03"] {
        let mut fleet = small();
        moves(&fleet, holder);
        fleet.desired = desired(&claimed_by_second());
        let _ = fleet.pass().unwrap();
        assert_eq!(written(&fleet), [format!("transfer {NUMBER} from {} to {}", long(holder), long("AC02"))]);
    }
}

#[test]
fn number_that_somebody_else_moved_is_brought_back_within_the_resync() {
    for to in ["AC00", "AC02", "AC03"] {
        let mut fleet = small();
        moves(&fleet, to);
        rest(&mut fleet, 11);
        assert_eq!(written(&fleet), [format!("transfer {NUMBER} from {} to {}", long(to), long("AC01"))]);
    }
}

#[test]
fn number_in_two_lists_of_different_times_is_not_in_transit() {
    for (to, wait) in ["AC00", "AC02", "AC03"].into_iter().flat_map(|to| (0..10).map(move |wait| (to, wait)))
    {
        let mut fleet = small();
        rest(&mut fleet, wait);
        moves(&fleet, to);
        for _ in 0..11 {
            let passed = fleet.pass().unwrap();
            assert_eq!(passed.left.held, [], "{to} {wait}");
            fleet.after(MINUTE);
        }
        assert_eq!(written(&fleet).len(), 1, "{to} {wait}");
    }
}

/// The evidence about numbers that the state does not name stays right as well: closes rest on it.
#[test]
fn number_between_unlisted_accounts_is_never_seen_in_two() {
    for (to, wait) in ["AC00", "AC03"].into_iter().flat_map(|to| (0..10).map(move |wait| (to, wait))) {
        let mut fleet = small();
        fleet.desired = desired("subaccounts: [{sid: AC02, status: active}]");
        rest(&mut fleet, wait);
        moves(&fleet, to);
        for _ in 0..11 {
            let _ = fleet.pass().unwrap();
            let owner = fleet.history.lock().unwrap().owner(phone(NUMBER));
            assert!(owner.is_some(), "{to} {wait}");
            fleet.after(MINUTE);
        }
        assert_eq!(fleet.history.lock().unwrap().owner(phone(NUMBER)), Some(sid(to)), "{wait}");
    }
}

/// No account claims the number, which AC03 holds; then AC02 does.
fn claimed_out_of_an_unlisted_account() -> Fleet {
    let mut fleet = small();
    fleet.desired = desired("subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: active}]");
    moves(&fleet, "AC03");
    rest(&mut fleet, 11);
    fleet.desired = desired(&claimed_by_second());
    fleet
}

#[test]
fn giver_of_a_transfer_is_read_right_before_it() {
    let fleet = claimed_out_of_an_unlisted_account();
    moves(&fleet, "AC01");
    let _ = fleet.pass().unwrap();
    assert_eq!(written(&fleet), [format!("transfer {NUMBER} from {} to {}", long("AC01"), long("AC02"))]);
}

#[test]
fn kept_list_is_not_believed_when_its_next_read_fails() {
    let fleet = claimed_out_of_an_unlisted_account();
    let kept = fleet.kept();
    // The account list and that of AC02, whose entry changed, are answered; that of AC03 is not.
    fleet.trouble(vec![Trouble::Before, Trouble::None, Trouble::None]);
    let passed = fleet.pass().unwrap();
    assert_eq!(written(&fleet), [""; 0]);
    let reasons: Vec<_> = passed.left.held.iter().map(|held| held.reason).collect();
    assert_eq!(reasons, [Reason::Unreadable]);
    assert_eq!(fleet.kept(), kept - 1);
}

#[test]
fn list_is_read_again_when_the_status_of_its_account_changed() {
    let mut fleet = small();
    assert!(cost(&fleet) <= 2);
    fleet.people(sid("AC03"), People::Suspend);
    fleet.after(SignedDuration::from_secs(1));
    assert_eq!(cost(&fleet), 2, "the account list, and the list of AC03");
}

#[test]
fn lists_of_a_write_are_read_again_in_the_next_pass() {
    let mut fleet = small();
    fleet.desired = desired(&claimed_by_second());
    let _ = fleet.pass().unwrap();
    assert_eq!(fleet.kept(), 2, "main and AC03");
    fleet.after(SignedDuration::from_secs(1));
    assert_eq!(cost(&fleet), 3);
}

#[test]
fn restarted_daemon_reads_what_the_plan_needs_at_once_and_the_rest_within_the_resync() {
    let mut fleet = small();
    fleet.restart();
    assert_eq!(cost(&fleet), 2, "the account list, and the list of AC01");
    fleet.after(MINUTE);
    rest(&mut fleet, 10);
    assert_eq!(fleet.kept(), 4);
}

#[test]
fn account_is_suspended_on_its_way_to_a_close_only_when_this_pass_saw_it_empty() {
    let mut fleet = small();
    fleet.policy.close_after = SignedDuration::ZERO;
    let closing = "subaccounts: [{sid: AC01, status: active}, {sid: AC02, status: closed, paused: true, close: {confirm: acme}}]";
    fleet.desired = desired(closing);
    rest(&mut fleet, 2);
    // The account is empty in the kept list, and the entry changes only in what holds it.
    moves(&fleet, "AC02");
    fleet.desired = desired(&closing.replace("paused: true, ", ""));
    let passed = fleet.pass().unwrap();
    assert_eq!(written(&fleet), [""; 0]);
    assert_eq!(passed.left.held[0].reason, Reason::StillHoldsNumbers);
}

#[test]
fn numbers_that_hold_a_close_are_looked_for_in_every_pass() {
    let mut fleet = small();
    let closing = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    fleet.desired = desired(closing);
    assert_eq!(fleet.pass().unwrap().left.held[0].reason, Reason::StillHoldsNumbers);
    fleet.after(MINUTE);
    moves(&fleet, "AC03");
    rest(&mut fleet, 11);
    assert_eq!(written(&fleet), [format!("suspend {}", long("AC01"))]);
}

/// The time moves on while a pass reads, and an action becomes due after the pass chose what to read.
#[test]
fn action_that_becomes_due_while_the_pass_reads_waits_for_the_next_one() {
    let state = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";
    let mut scene = Scene::new(state).suspended("AC01");
    scene.policy.close_after = SignedDuration::from_hours(1);
    scene.policy.interval = scene.policy.close_after;
    let mut kept = KeptLists::new(SignedDuration::from_hours(10));
    let mut plans = Vec::new();
    for (start, end) in [(0, 0), (3_590, 3_601), (3_630, 3_630)] {
        let at = |second| {
            let at = time(NOON) + SignedDuration::from_secs(second);
            Now::new(at, Some(at))
        };
        let guardrails = scene.guardrails();
        let (mut pass, facts) =
            Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, at(start));
        scene.history.apply_all(facts);
        let accounts = scene.accounts.values().cloned().collect();
        pass.see_accounts(AccountList { accounts, ..AccountList::default() }, at(start)).unwrap();
        pass.use_kept(kept);
        loop {
            let wants = pass.wants(&scene.history);
            if wants.is_empty() {
                break;
            }
            for want in wants {
                pass.see(scene.answer(want), &scene.history);
            }
        }
        let facts = pass.facts(&scene.history, at(end));
        let mut history = scene.history.clone();
        history.apply_all(facts);
        let approved = pass.plan(&history).unwrap();
        let held: Vec<_> = approved.plan().held.iter().map(|held| held.reason).collect();
        plans.push((approved.plan().actions.len(), held));
        kept = pass.keep(&approved, &history).unwrap();
        scene.history = history;
    }
    assert_eq!(plans[0], (0, vec![Reason::CoolingOff]));
    assert_eq!(plans[1], (0, vec![Reason::Unreadable]));
    assert_eq!(plans[2].0, 1, "{plans:?}");
}
