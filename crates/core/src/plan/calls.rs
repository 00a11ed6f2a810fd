//! The decision to end the calls of a suspended account: once per suspension, until one look finds no call to end.

use super::{
    Context, Plan, Reason, accounts,
    held::{self, Hold, hold},
    not_known::not_known,
};
use crate::{Account, Action, CallList, DesiredStatus, EndCalls, Entry, Status, endable};

/// The most calls of one account that a pass ends.
pub const MAX_CALLS: usize = 200;

/// The state of the calls of an account whose entry has `endCalls`.
pub(crate) enum CallsPhase {
    /// The account is not suspended, or none of its calls is left to end.
    Settled,
    /// They must be ended, and are held.
    Held(Hold),
    /// They must be read.
    NotRead,
    /// These must be ended.
    End(EndCalls),
}

/// Decides on the calls of `account`, which is that of `entry`.
pub(crate) fn phase(context: &Context<'_>, entry: &Entry, account: &Account) -> CallsPhase {
    let is_suspended = account.status.known() == Some(Status::Suspended);
    let is_wanted = match entry.desired_status {
        DesiredStatus::Active => false,
        DesiredStatus::Suspended | DesiredStatus::Closed(_) => entry.end_calls,
    };
    if !is_wanted || !is_suspended || context.history.calls_ended(entry.sid, account.date_updated) {
        return CallsPhase::Settled;
    }
    let all = Action::EndCalls(EndCalls { account: account.clone(), calls: Vec::new() });
    let held = accounts::paused_or_misnamed(context, entry)
        .or_else(|| held::before_any_action(context, &all, &entry.digest()));
    if let Some(hold) = held {
        return CallsPhase::Held(hold);
    }
    match context.observed.calls(entry.sid) {
        None => CallsPhase::NotRead,
        Some(CallList::Unreadable(why)) => CallsPhase::Held(hold(
            Reason::Unreadable,
            format!("the calls of {} could not be read: {why}", entry.sid),
            "no action needed: they are read again in the next pass, after three failures with growing pauses",
        )),
        Some(CallList::NotInSnapshot) => {
            CallsPhase::Held(not_known(format!("the snapshot has no calls of {}", entry.sid)))
        }
        Some(CallList::Known(calls)) => {
            let mut calls = endable(calls);
            calls.truncate(MAX_CALLS);
            if calls.is_empty() {
                return CallsPhase::Settled;
            }
            CallsPhase::End(EndCalls { account: account.clone(), calls })
        }
    }
}

/// Plans or holds the end of the calls of `account`.
pub(super) fn decide(context: &Context<'_>, entry: &Entry, account: &Account, plan: &mut Plan) {
    match phase(context, entry, account) {
        CallsPhase::Settled | CallsPhase::NotRead => {}
        // The close of the account is held for the same reason.
        CallsPhase::Held(Hold { reason: Reason::Paused | Reason::NameMismatch, .. })
            if entry.close().is_some() => {}
        CallsPhase::Held(hold) => plan.hold(crate::ActionKind::EndCalls, entry.sid, None, hold),
        CallsPhase::End(end) => plan.add(context, Action::EndCalls(end), &entry.digest(), None),
    }
}
