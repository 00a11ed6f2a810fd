//! The invariants of any plan, for any state and any fleet.

use std::collections::BTreeSet;

use proptest::prelude::*;
use subaccountd_core::{
    AccountRef, Action, ActionKind, DesiredStatus, Limit, PhoneNumber, Plan, Status, Target,
};

use crate::support::{
    draw::{Fleet, fleet},
    scene::{Scene, sid},
};

/// A scene some passes and days into its history, with everything allowed.
fn grown(fleet: &Fleet, before: &Fleet, done: bool, days: i32, broken: Option<usize>) -> Scene {
    let mut scene = before.scene().policy(|policy| policy.close_after = jiff::SignedDuration::from_hours(24));
    scene.limits.verbs = ActionKind::ALL.map(|kind| (kind, Limit::Percent(100))).into();
    scene.limits.released_numbers = 100;
    scene = if done { scene.done() } else { scene.pass() };
    let now = fleet.scene();
    scene.desired = now.desired;
    if !done {
        (scene.accounts, scene.lists) = (now.accounts, now.lists);
    }
    scene = scene.pass().after(&format!("{}h", 24 * days));
    match broken {
        Some(n) => scene.unreadable(&format!("AC{n:02}")),
        None => scene,
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let broken = prop::option::weighted(0.2, 0..=4_usize);
    (fleet(), fleet(), any::<bool>(), 0..3, broken).prop_map(|(fleet, before, done, days, broken)| {
        grown(&fleet.settle_claims(), &before.settle_claims(), done, days, broken)
    })
}

/// Every close is of an account that may be closed, and of nothing else.
fn check_closes(scene: &Scene, plan: &Plan) -> Result<(), TestCaseError> {
    for planned in plan.of(ActionKind::Close) {
        let Action::Close(close) = &planned.action else { continue };
        let account = &close.account;
        prop_assert!(!scene.desired.faulty());
        prop_assert_eq!(account.status.known(), Some(Status::Suspended));
        let entry = scene.desired.entry(account.sid).unwrap();
        let DesiredStatus::Closed(terms) = &entry.desired_status else {
            return Err(TestCaseError::fail("a close that the state does not say"));
        };
        prop_assert_eq!(&terms.confirm, &account.friendly_name);
        prop_assert!(!entry.paused && !scene.desired.paused());
        let held = scene.lists[&account.sid].as_ref().unwrap();
        let named = |phone: Option<PhoneNumber>| phone.is_some_and(|phone| terms.release.contains(&phone));
        prop_assert!(held.iter().all(|number| named(number.phone)));
        prop_assert!(
            held.iter().all(|number| number.phone.is_some_and(|phone| close.at_risk.contains(&phone)))
        );
        prop_assert!(close.at_risk.iter().all(|number| terms.release.contains(number)));
        prop_assert!(scene.history.numbers_of(account.sid).all(|(number, _)| named(number.phone())));
    }
    Ok(())
}

/// Checks that every difference is either an action or held.
fn check_nothing_is_forgotten(scene: &Scene, plan: &Plan) -> Result<(), TestCaseError> {
    let acts: BTreeSet<_> = plan.actions.iter().map(|planned| planned.action.target()).collect();
    prop_assert_eq!(acts.len(), plan.actions.len(), "an object in two actions");
    let holds: BTreeSet<_> = plan
        .held
        .iter()
        .map(|held| match (&held.account, held.number) {
            (_, Some(number)) => Target::Number(number),
            (AccountRef::Sid(sid), None) if held.kind == ActionKind::EndCalls => Target::Calls(*sid),
            (AccountRef::Sid(sid), None) => Target::Account(*sid),
            (AccountRef::Name(name), None) => Target::Name(name.clone()),
        })
        .collect();
    for entry in scene.desired.accounts() {
        let target = Target::Account(entry.sid);
        let live = scene.accounts.get(&entry.sid).and_then(|account| account.status.known());
        let settled = live == Some(entry.desired_status.status());
        prop_assert_eq!(settled, !acts.contains(&target) && !holds.contains(&target));
    }
    for (claimant, phone, claim) in scene.desired.claims() {
        let target = Target::Number(phone);
        let as_desired = |number: &subaccountd_core::Number| {
            let differences = number.settings.as_deref().map(|shown| shown.differences(&claim.settings()));
            number.phone == Some(phone)
                && matches!(differences, Some(Ok(differences)) if differences.is_empty())
        };
        let settled = scene.lists[&claimant].iter().flatten().any(as_desired);
        prop_assert_eq!(settled, !acts.contains(&target) && !holds.contains(&target));
        prop_assert!(!(acts.contains(&target) && holds.contains(&target)));
    }
    for held in &plan.held {
        prop_assert!(!held.message.is_empty() && !held.remedy.is_empty());
        let named = held.number.map_or(held.account.to_string(), |number| number.to_string());
        prop_assert!(held.message.contains(&named), "{} does not name {named}", held.message);
    }
    Ok(())
}

/// Nothing is done to what the state does not list, and nothing at all to the main account's status.
fn check_only_what_is_listed(scene: &Scene, plan: &Plan) -> Result<(), TestCaseError> {
    let claimants = scene.desired.claimants();
    for planned in &plan.actions {
        match &planned.action {
            Action::Reactivate(account) => {
                prop_assert_eq!(
                    scene.desired.entry(*account).map(|e| e.desired_status.status()),
                    Some(Status::Active)
                );
            }
            Action::Create(create) => {
                prop_assert!(scene.desired.unpinned().any(|(name, _)| *name == create.name));
            }
            Action::Suspend(account) => {
                prop_assert!(
                    scene.desired.entry(*account).is_some_and(|e| e.desired_status != DesiredStatus::Active)
                );
            }
            Action::Transfer(transfer) => {
                let leaves = || {
                    let terms = scene.desired.entry(transfer.from).and_then(subaccountd_core::Entry::close);
                    transfer.to == sid("AC00")
                        && terms
                            .is_some_and(|t| t.move_numbers_to_main && !t.release.contains(&transfer.phone))
                };
                prop_assert!(claimants.get(&transfer.phone).map_or_else(leaves, |to| *to == transfer.to));
                for account in [transfer.from, transfer.to] {
                    prop_assert!(!scene.desired.paused_for_numbers(account));
                }
            }
            Action::Configure(configure) => {
                prop_assert_eq!(claimants.get(&configure.phone), Some(&configure.account.into()));
                prop_assert!(!scene.desired.paused_for_numbers(configure.account));
            }
            Action::EndCalls(end) => {
                let entry = scene.desired.entry(end.account.sid);
                prop_assert!(entry.is_some_and(|entry| entry.end_calls && !entry.paused));
                prop_assert_eq!(end.account.status.known(), Some(Status::Suspended));
            }
            Action::Release(release) => {
                let account = release.account.sid;
                prop_assert!(scene.desired.release(account, release.phone).is_some());
                prop_assert!(!claimants.contains_key(&release.phone) && !scene.desired.faulty());
                prop_assert!(!scene.desired.paused_for_numbers(account));
            }
            Action::Close(_) => {}
        }
        prop_assert!(planned.action.number().is_some() || planned.action.account() != sid("AC00"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_keeps_the_invariants(scene in scenes()) {
        let plan = scene.plan();
        prop_assert_eq!(&plan, &scene.plan(), "the same facts, another plan");
        check_closes(&scene, &plan)?;
        check_nothing_is_forgotten(&scene, &plan)?;
        check_only_what_is_listed(&scene, &plan)?;
        let closing: BTreeSet<_> = plan.of(ActionKind::Close).map(|planned| planned.action.account()).collect();
        let emptied = |planned: &subaccountd_core::Planned| match &planned.action {
            Action::Transfer(transfer) => [transfer.from, transfer.to].iter().any(|sid| closing.contains(&AccountRef::Sid(*sid))),
            _ => false,
        };
        prop_assert!(!plan.actions.iter().any(emptied), "a transfer and a close of one account in one plan");
    }

    #[test]
    fn a_paused_state_plans_nothing(scene in scenes(), text in fleet()) {
        let scene = scene.says(&format!("paused: true\n{}", text.settle_claims().state()));
        prop_assert_eq!(scene.plan().actions, vec![]);
    }

    #[test]
    fn a_plan_after_the_plan_was_done_asks_for_less(scene in scenes()) {
        let mut scene = scene.readable();
        for _ in 0..4 {
            scene = scene.done().after("25h");
        }
        prop_assert_eq!(scene.plan().actions, vec![], "{}", scene.brief());
    }
}
