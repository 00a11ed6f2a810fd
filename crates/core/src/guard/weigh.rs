//! The weighing of the planned actions of one kind, and of the phone numbers that they release, against their limits.

use std::collections::BTreeSet;

use super::{Budget, Budgets, Limits, floor, limit_flag, take};
use crate::{
    AccountRef, Action, ActionKind, History, Now, PhoneNumber, Plan, Planned, Reason, allowance,
    history::Write,
    plan::{FIX_FAULTS, hold},
    text::{count as counted, first_of},
};

/// Holds the actions of `kind` when they are over its limit. Actions of urgent entries go on when they are within its floor.
pub(super) fn check_limit(
    kind: ActionKind,
    plan: &mut Plan,
    limits: &Limits,
    budgets: &Budgets,
    history: &History,
    now: Now,
) {
    let Some(Budget { limit: Some(limit), own, .. }) = budgets.verbs.get(&kind).copied() else { return };
    let costs = |planned: &Planned| planned.action.kind() == kind && !planned.exempt;
    let all = Weight::of(plan, costs, kind, budgets, limits, history, now);
    if all.count == 0 {
        return;
    }
    if all.total() <= limit {
        let allowance =
            plan.allowances.of(kind).filter(|_| own.is_some_and(|own| all.total() > own)).cloned();
        for planned in plan.actions.iter_mut().filter(|planned| costs(planned)) {
            planned.allowances.extend(allowance.clone());
        }
        return;
    }
    let is_urgent = {
        let urgent = plan.urgent.clone();
        move |planned: &Planned| urgent.contains(&planned.action.account())
    };
    let urgent = Weight::of(plan, |p| costs(p) && is_urgent(p), kind, budgets, limits, history, now);
    let floor = floor(kind).min(limit);
    let goes_on = urgent.count > 0 && urgent.total() <= floor;
    let (message, remedy) = over_limit(kind, plan, limits, &all, (limit, own), now);
    let message = match urgent.count {
        0 => format!("{message}; all of them are held ({})", accounts(plan, costs)),
        count if goes_on => {
            format!("{message}; {} of urgent entries go on, the others are held", counted(count, "action"))
        }
        count => format!(
            "{message}; all of them are held, as {} of urgent entries exceed its floor of {floor}",
            counted(count, "action")
        ),
    };
    if goes_on && own.is_some_and(|own| urgent.total() > own) {
        let allowance = plan.allowances.of(kind).cloned();
        for planned in plan.actions.iter_mut().filter(|planned| costs(planned) && is_urgent(planned)) {
            planned.allowances.extend(allowance.clone());
        }
    }
    for Planned { action, .. } in take(plan, |planned| costs(planned) && !(goes_on && is_urgent(planned))) {
        plan.hold(kind, action.account(), action.number(), hold(Reason::OverLimit, &message, &remedy));
    }
}

/// The actions of one kind, as the brake counts them.
struct Weight {
    /// The number of planned ones.
    count: usize,
    /// The writes within the window. A repeat of a write whose outcome is unknown takes the place of that write.
    spent: usize,
    /// The number that faults may hide.
    doubted: usize,
}

impl Weight {
    /// The weight of the actions that `which` selects, all of them of `kind`.
    fn of(
        plan: &Plan,
        which: impl Fn(&Planned) -> bool,
        kind: ActionKind,
        budgets: &Budgets,
        limits: &Limits,
        history: &History,
        now: Now,
    ) -> Self {
        let planned: Vec<_> = plan.actions.iter().filter(|planned| which(planned)).collect();
        let repeats =
            planned.iter().filter(|p| history.takes_a_place(&Write::from(**p), now, limits.window)).count();
        let spent = budgets.verbs.get(&kind).map_or(0, |budget| budget.spent);
        let doubted = plan.doubted.get(&kind).copied().unwrap_or_default();
        Self { count: planned.len(), spent: spent.saturating_sub(repeats), doubted }
    }

    fn total(&self) -> usize {
        (self.count + self.spent).saturating_add(self.doubted)
    }
}

/// The accounts of the actions that `which` selects, for people.
fn accounts(plan: &Plan, which: impl Fn(&Planned) -> bool) -> String {
    let accounts = plan.actions.iter().filter(|planned| which(planned));
    let accounts: BTreeSet<AccountRef> = accounts.map(|planned| planned.action.account()).collect();
    first_of(&accounts.into_iter().collect::<Vec<_>>())
}

/// The message and the remedy of an action kind over its `limit`, which is `own` without an allowance.
fn over_limit(
    kind: ActionKind,
    plan: &Plan,
    limits: &Limits,
    weight: &Weight,
    (limit, own): (usize, Option<usize>),
    now: Now,
) -> (String, String) {
    let Weight { count, spent, doubted } = weight;
    let message = format!(
        "`{kind}` is over its limit of {limit}{}: {count} planned, {spent} spent within {:#}{}{}",
        if Some(limit) == own { "" } else { " by an allowance" },
        limits.window,
        in_doubt(*doubted),
        plan.allowances.idle(kind).map(|why| format!("; {why}")).unwrap_or_default()
    );
    let needed = count + spent;
    if needed <= limit {
        return (message, FIX_FAULTS.to_owned());
    }
    let paste = paste(plan, kind, own, needed, now);
    let flag = limit_flag(kind).unwrap_or_default();
    let remedy = format!(
        "check that all of them are intended, then {paste}raise `{flag}` to at least {needed}, or change the desired state \
         in smaller steps"
    );
    (message, remedy)
}

/// The part of the remedy about an allowance that raises the limit of `kind` to `needed`, when one can.
fn paste(plan: &Plan, kind: ActionKind, own: Option<usize>, needed: usize, now: Now) -> String {
    if own == Some(0) || !plan.allowances.honored {
        return String::new();
    }
    format!("add `{}` beside `mainAccount`, or ", allowance::to_paste(kind, needed, now))
}

/// The part of the message about actions that faults may hide.
fn in_doubt(doubted: usize) -> String {
    match doubted {
        0 => String::new(),
        usize::MAX => ", and an entry with a fault that may move any number of phone numbers".to_owned(),
        doubted => format!(", {doubted} possibly hidden by faults"),
    }
}

/// The phone numbers that an action releases.
fn releases(action: &Action) -> &[PhoneNumber] {
    match action {
        Action::Release(release) => std::slice::from_ref(&release.phone),
        Action::Close(close) => &close.at_risk,
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Transfer(_)
        | Action::Suspend(_)
        | Action::Configure(_)
        | Action::EndCalls(_) => &[],
    }
}

/// Checks releases, then closes, one by one for the phone numbers that they release, each against the budget that the earlier
/// ones leave. One whose last try ended unknown replaces that try in the budget.
pub(super) fn weigh_releases(
    plan: &mut Plan,
    limits: &Limits,
    budgets: &Budgets,
    history: &History,
    now: Now,
) {
    let own = limits.released_numbers;
    let limit = budgets.release.limit.unwrap_or(own);
    let mut spent = budgets.release.spent;
    let (mut over, mut held) = (BTreeSet::new(), 0);
    plan.sort();
    let allowance = plan.allowances.of(ActionKind::Release).cloned();
    for Planned { action, allowances, .. } in &mut plan.actions {
        let releases = releases(action).len();
        let tried = history.released_by_open(action.kind(), &action.target(), now, limits.window);
        let after = spent.saturating_sub(tried) + releases;
        if releases == 0 {
            continue;
        }
        if after <= limit {
            spent = after;
            if after > own {
                allowances.extend(allowance.clone());
            }
        } else {
            over.insert((action.kind(), action.target()));
            held += releases.saturating_sub(tried);
        }
    }
    // All of them fit once the limit is this.
    let needed = spent + held;
    let is_over = |planned: &Planned| over.contains(&(planned.action.kind(), planned.action.target()));
    for Planned { action, .. } in take(plan, is_over) {
        let releases = releases(&action).len();
        let message = format!(
            "{} would release {}, over the limit of {}: {} already released or planned within {:#}",
            match &action {
                Action::Close(close) => format!("closing {}", close.account.sid),
                other @ (Action::Reactivate(_)
                | Action::Create(_)
                | Action::Transfer(_)
                | Action::Suspend(_)
                | Action::Configure(_)
                | Action::EndCalls(_)
                | Action::Release(_)) => format!("`{other}`"),
            },
            counted(releases, "number"),
            limit,
            spent,
            limits.window
        );
        let message = match plan.allowances.idle(ActionKind::Release) {
            Some(why) => format!("{message}; {why}"),
            None => message,
        };
        let paste = paste(plan, ActionKind::Release, Some(own), needed, now);
        let remedy = format!(
            "check that the numbers may be lost, then {paste}raise `--max-released-numbers` to at least {needed}, or {}",
            if action.kind() == ActionKind::Close { "move the numbers" } else { "change the desired state" }
        );
        // What the limit keeps back is not at risk.
        plan.numbers_at_risk = plan.numbers_at_risk.saturating_sub(releases);
        plan.hold(action.kind(), action.account(), action.number(), hold(Reason::OverLimit, message, remedy));
    }
}
