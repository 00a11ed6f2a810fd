//! Windows of the state: they hold action kinds for a time. Undoing a write of the daemon is never held.

use jiff::Timestamp;

use super::{Context, FIX_FAULTS, Hold, Plan, Planned, Reason, held::hold};
use crate::{
    ActionKind, Now,
    text::count,
    window::{InForce, WindowEnd, held_by, in_force},
};

/// The remedy for a window that ends by itself.
const WAIT: &str = "wait, or shorten the window in `windows` of the desired state";

/// Holds the actions whose kind is held by a window.
pub(super) fn hold_outside(context: &Context<'_>, plan: &mut Plan) {
    for kind in ActionKind::ALL {
        let waits = |planned: &Planned| planned.action.kind() == kind && !planned.exempt;
        if !plan.actions.iter().any(waits) {
            continue;
        }
        let (windows, attended) = (&context.desired.windows, context.history.attended());
        let Some(found) = in_force(windows, kind, context.now, attended) else { continue };
        let waiting: Vec<_> = plan.actions.extract_if(.., |planned| waits(planned)).collect();
        for Planned { action, .. } in &waiting {
            plan.hold(kind, action.account(), action.number(), outside(kind, &found, waiting.len()));
        }
    }
}

/// Returns true when a window holds `kind` at `time`.
pub(super) fn holds_at(context: &Context<'_>, kind: ActionKind, time: Timestamp) -> bool {
    held_by(&context.desired.windows, kind, Now::new(time, Some(time)), None).is_some()
}

fn outside(kind: ActionKind, InForce { window, ends }: &InForce, waiting: usize) -> Hold {
    let reason = window.reason.as_ref().map(|reason| format!(" ({reason:?})")).unwrap_or_default();
    let wait = format!("waiting: {}", count(waiting, "action"));
    let (message, remedy, due) = match ends {
        WindowEnd::At(end) => (
            format!("`{kind}` is held until {end} by a window of the desired state{reason}; {wait}"),
            WAIT,
            Some(*end),
        ),
        WindowEnd::After(end) => (
            format!(
                "`{kind}` is held by windows of the desired state that join each other{reason}, until {end} at the \
                 earliest; {wait}"
            ),
            WAIT,
            None,
        ),
        WindowEnd::WhenClocksAgree => (
            format!(
                "`{kind}` is held by a window of the desired state{reason}, which does not end while the clocks disagree; \
                 {wait}"
            ),
            "set the clock of this machine (NTP)",
            None,
        ),
        WindowEnd::WhenCorrected => (
            format!(
                "`{kind}` is held: a window of the desired state has a fault, and lasts until it is corrected; {wait}"
            ),
            FIX_FAULTS,
            None,
        ),
    };
    let mut held = hold(Reason::OutsideWindow, message, remedy);
    held.due = due;
    held
}
