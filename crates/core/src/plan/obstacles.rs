//! The obstacles that are certain to hold a close or a release at the end of its wait. They are told while it waits, because only then is
//! there time to remove them.

use std::fmt::Write;

use super::{Context, Hold, Plan, Reason, windows};
use crate::{ActionKind, guard::Budgets, text::count};

/// Adds to a hold of `kind` that waits what will hold it then: `--verbs`, or a window of the state at that time.
pub(super) fn with_obstacles(context: &Context<'_>, kind: ActionKind, mut hold: Hold) -> Hold {
    if !waits(hold.reason) {
        return hold;
    }
    if !context.policy.verbs.contains(&kind) {
        add(
            (&mut hold.message, &mut hold.remedy),
            Reason::NotAllowed,
            &format!("`{kind}` is not among the allowed verbs"),
            &format!("add `{kind}` to `--verbs`"),
        );
    } else if hold.due.is_some_and(|due| windows::holds_at(context, kind, due)) {
        add(
            (&mut hold.message, &mut hold.remedy),
            Reason::OutsideWindow,
            "a window of the desired state is in force then",
            "shorten the window, when it should not hold it",
        );
    }
    hold
}

/// Adds to each close and release that waits the limits that it exceeds by itself, whatever is spent.
pub(crate) fn tell_limits(plan: &mut Plan, budgets: &Budgets) {
    let Plan { held, at_risk, .. } = plan;
    for held in held.iter_mut().filter(|held| waits(held.reason)) {
        let words = (&mut held.message, &mut held.remedy);
        let releases = match held.kind {
            ActionKind::Close => {
                held.account.sid().and_then(|sid| at_risk.get(&sid)).copied().unwrap_or_default()
            }
            ActionKind::Release => 1,
            ActionKind::Reactivate
            | ActionKind::Create
            | ActionKind::Transfer
            | ActionKind::Suspend
            | ActionKind::Configure
            | ActionKind::EndCalls => continue,
        };
        match (budgets.release.limit, budgets.verbs.get(&held.kind).map(|budget| budget.limit)) {
            (_, Some(Some(0))) => {
                add(words, Reason::OverLimit, "`--max-closes` is 0", "raise `--max-closes`");
            }
            (Some(limit), _) if releases > limit => add(
                words,
                Reason::OverLimit,
                &format!("it would release {}, over the limit of {limit}", count(releases, "number")),
                &format!("raise `--max-released-numbers` to at least {releases}, or move the numbers"),
            ),
            _ => {}
        }
    }
}

/// Returns true for the reasons whose remedy says to wait.
const fn waits(reason: Reason) -> bool {
    matches!(reason, Reason::CoolingOff | Reason::StillHoldsNumbers)
}

fn add((message, remedy): (&mut String, &mut String), reason: Reason, what: &str, fix: &str) {
    // Writing to a string does not fail.
    let _ = write!(message, "; then it is held as `{reason}`: {what}");
    let _ = write!(remedy, "; before that, {fix}");
}
