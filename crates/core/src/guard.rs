//! The brake: checks each action kind against its limit and its spent budget. Only the brake makes an [`ApprovedPlan`].
//!
//! When an action kind is over its limit, all of its actions are held, and no other kind. Actions that undo the daemon's
//! own writes are exempt.

mod weigh;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AccountSid, Action, ActionKind, Configure, History, Now, Plan, Planned, Transfer,
    plan::{Hold, Policy, inactive, not_active, note_what_stays_behind, tell_limits},
};
use weigh::{check_limit, weigh_releases};

/// The operator's settings for passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guardrails {
    /// The settings that the plan follows.
    pub policy: Policy,
    /// The limits of the action kinds.
    pub limits: Limits,
}

impl Guardrails {
    /// The default policy without limits, for a plan that is only shown.
    pub fn unlimited() -> Self {
        let verbs = ActionKind::ALL.map(|kind| (kind, Limit::Percent(100))).into();
        Self {
            limits: Limits { verbs, released_numbers: usize::MAX, ..Limits::default() },
            ..Self::default()
        }
    }
}

/// The limits on writes within the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The limit of each action kind.
    pub verbs: BTreeMap<ActionKind, Limit>,
    /// The most phone numbers that closes and releases may release together.
    pub released_numbers: usize,
    /// The rolling window in which a write counts.
    pub window: jiff::SignedDuration,
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A number of writes.
    Count(usize),
    /// A share of the live targets that the state lists, 0 to 100; rounded down, but not below the floor of the action kind.
    Percent(u8),
}

impl Default for Limits {
    fn default() -> Self {
        let verbs = [
            (ActionKind::Reactivate, Limit::Percent(25)),
            (ActionKind::Create, Limit::Count(20)),
            (ActionKind::Transfer, Limit::Percent(25)),
            (ActionKind::Suspend, Limit::Percent(10)),
            (ActionKind::Configure, Limit::Percent(25)),
            (ActionKind::Close, Limit::Percent(5)),
        ];
        Self { verbs: verbs.into(), released_numbers: 0, window: jiff::SignedDuration::from_hours(24) }
    }
}

impl Limit {
    /// The number of writes that it allows of an action kind with `base` targets; `None` when it is lifted.
    pub fn allows(self, kind: ActionKind, base: usize) -> Option<usize> {
        match self {
            Self::Count(count) => Some(count),
            Self::Percent(0) => Some(0),
            Self::Percent(percent) if percent >= 100 => None,
            Self::Percent(percent) => Some((base * usize::from(percent) / 100).max(floor(kind))),
        }
    }
}

/// The least that a limit in per cent allows, unless it is 0: otherwise it would allow nothing in a small fleet.
const fn floor(kind: ActionKind) -> usize {
    match kind {
        ActionKind::Reactivate => 5,
        ActionKind::Create => 20,
        ActionKind::Transfer | ActionKind::Configure => 10,
        ActionKind::Suspend => 2,
        ActionKind::Close => 1,
        // They have no limit of this kind: released numbers have their own.
        ActionKind::EndCalls | ActionKind::Release => 0,
    }
}

/// The budget of one action kind, or of released phone numbers: a limit, and the amount spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The limit, raised by an allowance; `None` when it is lifted.
    pub limit: Option<usize>,
    /// The limit without an allowance.
    pub own: Option<usize>,
    /// The amount that was spent within the window.
    pub spent: usize,
}

impl Budget {
    /// The amount that is left; `None` when the limit is lifted.
    pub fn remaining(&self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_sub(self.spent))
    }
}

/// The budgets of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// By action kind, of those that have a limit.
    pub verbs: BTreeMap<ActionKind, Budget>,
    /// The budget of phone numbers released by closes and releases together.
    pub release: Budget,
}

/// A plan that passed the brake, and the only thing that [`execute`](crate::execute::execute) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ApprovedPlan {
    plan: Plan,
    budgets: Budgets,
}

impl ApprovedPlan {
    /// The plan as it will be executed, with what the brake held.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The budgets before it is executed.
    pub const fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Holds the actions for which `why` gives a hold. They still count against the limits: an approved plan only gets smaller.
    pub(crate) fn hold(&mut self, why: impl Fn(&Action) -> Option<Hold>) {
        for planned in std::mem::take(&mut self.plan.actions) {
            let action = &planned.action;
            match why(action) {
                Some(hold) => self.plan.hold(action.kind(), action.account(), action.number(), hold),
                None => self.plan.actions.push(planned),
            }
        }
        self.plan.sort();
    }

    /// The actions, in the order of their stages.
    pub(crate) fn into_stages(self) -> [Vec<Planned>; STAGES] {
        let stage = stages(&self.plan);
        let mut stages = <[Vec<Planned>; STAGES]>::default();
        for planned in self.plan.actions {
            stages[stage(&planned.action)].push(planned);
        }
        stages
    }
}

/// The number of stages of an execution.
const STAGES: usize = 5;

/// The stage, from 0 to 4, in which an action of `plan` is executed.
pub(crate) fn stages(plan: &Plan) -> impl Fn(&Action) -> usize + use<> {
    let touched: BTreeSet<AccountSid> = plan.actions.iter().flat_map(|p| touched(&p.action)).collect();
    move |action| match action {
        Action::Reactivate(_) | Action::Create(_) => 0,
        Action::Suspend(account) if !touched.contains(account) => 0,
        Action::Transfer(_) => 1,
        Action::Suspend(_) => 2,
        Action::Configure(_) | Action::EndCalls(_) | Action::Release(_) => 3,
        Action::Close(_) => 4,
    }
}

/// The accounts that a transfer touches.
fn touched(action: &Action) -> Vec<AccountSid> {
    match action {
        Action::Transfer(transfer) => vec![transfer.from, transfer.to],
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Suspend(_)
        | Action::Configure(_)
        | Action::EndCalls(_)
        | Action::Release(_)
        | Action::Close(_) => Vec::new(),
    }
}

/// Holds the actions of `plan` that are over their limits, and adds a note to each suspension with held transfers.
/// Reactivations are checked first, because transfers and configures may depend on them.
pub fn approve(mut plan: Plan, limits: &Limits, history: &History, now: Now) -> ApprovedPlan {
    let budgets = budgets(&plan, limits, history, now);
    for kind in ActionKind::ALL {
        if kind == ActionKind::Transfer {
            hold_numbers_without_target(&mut plan);
        }
        check_limit(kind, &mut plan, limits, &budgets, history, now);
    }
    weigh_releases(&mut plan, limits, &budgets, history, now);
    tell_limits(&mut plan, &budgets);
    note_what_stays_behind(&mut plan);
    plan.sort();
    ApprovedPlan { plan, budgets }
}

/// The budgets before `plan`.
pub fn budgets(plan: &Plan, limits: &Limits, history: &History, now: Now) -> Budgets {
    let of = |kind: ActionKind| {
        let base = match kind {
            ActionKind::Transfer => plan.found_numbers,
            ActionKind::Configure => plan.found_claims,
            ActionKind::Reactivate
            | ActionKind::Create
            | ActionKind::Suspend
            | ActionKind::EndCalls
            | ActionKind::Release
            | ActionKind::Close => plan.live_accounts,
        };
        let own = limits.verbs.get(&kind).map_or(Some(0), |limit| limit.allows(kind, base));
        let limit = plan.allowances.raise(kind, own);
        Budget { limit, own, spent: history.spent(kind, now, limits.window) }
    };
    let own = Some(limits.released_numbers);
    let limit = plan.allowances.raise(ActionKind::Release, own);
    let release = Budget { limit, own, spent: history.released(now, limits.window) };
    let limited = ActionKind::ALL.into_iter().filter(|kind| limit_flag(*kind).is_some());
    Budgets { verbs: limited.map(|kind| (kind, of(kind))).collect(), release }
}

/// Takes the actions that `which` selects out of `plan`.
fn take(plan: &mut Plan, which: impl Fn(&Planned) -> bool) -> Vec<Planned> {
    plan.actions.extract_if(.., |planned| which(planned)).collect()
}

/// Holds the transfers into accounts, and the configures in accounts, whose reactivation is held.
fn hold_numbers_without_target(plan: &mut Plan) {
    let held = plan.held.iter().filter(|held| held.kind == ActionKind::Reactivate);
    let inactive_targets: BTreeSet<_> = held.filter_map(|held| held.account.sid()).collect();
    let in_inactive = |planned: &Planned| match &planned.action {
        Action::Transfer(Transfer { to, .. }) => inactive_targets.contains(to),
        Action::Configure(Configure { account, .. }) => inactive_targets.contains(account),
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Suspend(_)
        | Action::EndCalls(_)
        | Action::Release(_)
        | Action::Close(_) => false,
    };
    for Planned { action, .. } in take(plan, in_inactive) {
        // Without the faults, the reactivations may be within their limit, and then these actions count.
        if let Some(doubted) = plan.doubted.get_mut(&action.kind()) {
            *doubted = doubted.saturating_add(1);
        }
        let hold = match &action {
            Action::Transfer(transfer) => not_active(transfer.to, transfer.phone),
            Action::Configure(configure) => inactive(configure.account, configure.phone),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Suspend(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => continue,
        };
        plan.hold(action.kind(), action.account(), action.number(), hold);
    }
}

/// The flag of the limit of an action kind. Ending calls has none of its own: it follows a suspension, which has. A release
/// has that of released numbers, which it shares with closes.
pub(crate) const fn limit_flag(kind: ActionKind) -> Option<&'static str> {
    match kind {
        ActionKind::Reactivate => Some("--max-reactivations"),
        ActionKind::Create => Some("--max-creates"),
        ActionKind::Transfer => Some("--max-transfers"),
        ActionKind::Suspend => Some("--max-suspends"),
        ActionKind::Configure => Some("--max-configures"),
        ActionKind::EndCalls | ActionKind::Release => None,
        ActionKind::Close => Some("--max-closes"),
    }
}
