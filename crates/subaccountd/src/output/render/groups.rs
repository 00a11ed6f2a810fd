//! A plan by account, in the order of execution; and the held items of accounts without actions, by reason where many
//! share one.

use std::collections::{BTreeMap, BTreeSet};

use subaccountd_core::{
    AccountRef, Reason,
    report::{ActionView, HeldView, PlanView},
};

/// The number of held items above which those that share a reason are shown under the reason.
const MANY: usize = 8;

/// The actions and the held items of one account.
pub(super) struct Group<'a> {
    pub(super) account: &'a AccountRef,
    /// In the order of their execution.
    pub(super) actions: Vec<&'a ActionView>,
    pub(super) held: Vec<&'a HeldView>,
}

/// A plan by account.
pub(super) struct Grouped<'a> {
    /// Accounts with something to do, each where its first action comes.
    pub(super) acting: Vec<Group<'a>>,
    /// Accounts with nothing but held items, by SID.
    pub(super) waiting: Vec<Group<'a>>,
    /// Items of such accounts that share a reason with many others.
    pub(super) many: BTreeMap<Reason, Vec<&'a HeldView>>,
}

/// `plan` by account.
pub(super) fn grouped(plan: &PlanView) -> Grouped<'_> {
    let mut actions: Vec<_> = plan.actions.iter().collect();
    actions.sort_by_key(|action| action.stage);
    let (mut acting, mut places): (Vec<Group<'_>>, BTreeMap<&AccountRef, usize>) = Default::default();
    for action in actions {
        let account = &action.account;
        let at = *places.entry(account).or_insert(acting.len());
        if at == acting.len() {
            acting.push(Group { account, actions: Vec::new(), held: Vec::new() });
        }
        acting[at].actions.push(action);
    }
    let mut waits = Vec::new();
    for held in &plan.held {
        match places.get(&held.account) {
            Some(&at) => acting[at].held.push(held),
            None => waits.push(held),
        }
    }
    let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
    for held in &waits {
        *counts.entry(held.reason).or_default() += 1;
    }
    // An action kind over its limit, or outside its window, is one fact about all its items.
    let is_one = |reason| matches!(reason, Reason::OverLimit | Reason::OutsideWindow);
    let most = |reason: Reason| if is_one(reason) { 1 } else { MANY };
    let shared: BTreeSet<_> = counts
        .into_iter()
        .filter(|(reason, count)| *count > most(*reason))
        .map(|(reason, _)| reason)
        .collect();
    let (mut waiting, mut many): (BTreeMap<_, Group<'_>>, BTreeMap<_, Vec<_>>) = Default::default();
    for held in waits {
        if shared.contains(&held.reason) {
            many.entry(held.reason).or_default().push(held);
        } else {
            let account = &held.account;
            let none = || Group { account, actions: Vec::new(), held: Vec::new() };
            waiting.entry(account).or_insert_with(none).held.push(held);
        }
    }
    Grouped { acting, waiting: waiting.into_values().collect(), many }
}
