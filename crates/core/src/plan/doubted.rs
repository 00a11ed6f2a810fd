//! The number of actions that faults may hide from a plan: the brake counts them as planned, so that no fault brings an
//! action kind below its limit.

use std::collections::BTreeMap;

use super::{Context, Held, Plan, Reason};
use crate::{ActionKind, NumberLocation, Status};

/// The most actions of each kind that the faults of the state may hide from `plan`; `usize::MAX` when unknown.
pub(super) fn doubted(context: &Context<'_>, plan: &Plan) -> BTreeMap<ActionKind, usize> {
    if !context.desired.faulty() {
        return BTreeMap::new();
    }
    let doubt = context.desired.doubt();
    let count = |which: &dyn Fn(&Held) -> bool| plan.held.iter().filter(|held| which(held)).count();
    let moves = count(&|held| held.kind == ActionKind::Transfer && waits_for_faults(context, held));
    let transfers = if doubt.moves {
        usize::MAX
    } else {
        doubt.entries.saturating_add(doubt.claims).saturating_add(moves)
    };
    let closes = |held: &Held| held.kind == ActionKind::Close && held.reason == Reason::StateFaults;
    // An empty active account is suspended before its close, so the held close hides a suspension.
    let emptied = count(&|held| closes(held) && is_active(context, held));
    // Each claim that counts as absent may have named settings, and so may each claim of such an entry.
    let configures = doubt.entries.saturating_add(doubt.claims);
    [
        (ActionKind::Reactivate, doubt.entries),
        (ActionKind::Create, doubt.entries),
        (ActionKind::Transfer, transfers),
        (ActionKind::Suspend, doubt.entries.saturating_add(emptied)),
        (ActionKind::Configure, configures),
        (ActionKind::Close, doubt.entries.saturating_add(count(&closes))),
    ]
    .into()
}

fn is_active(context: &Context<'_>, held: &Held) -> bool {
    let account = held.account.sid().and_then(|sid| context.observed.account(sid));
    account.and_then(|account| account.status.known()) == Some(Status::Active)
}

/// Returns true when a transfer is held for a fault, not for a pause that the state declares.
fn waits_for_faults(context: &Context<'_>, held: &Held) -> bool {
    let says_paused = |sid| context.desired.entry(sid).is_some_and(|entry| entry.paused);
    let from = held.number.map(|number| context.observed.locate(number));
    let from_paused = matches!(from, Some(NumberLocation::In(holder, _)) if says_paused(holder));
    match held.reason {
        Reason::StateFaults => true,
        Reason::Paused => !held.account.sid().is_some_and(says_paused) && !from_paused,
        Reason::UnknownAccount
        | Reason::AmbiguousName
        | Reason::Unconfirmed
        | Reason::UnknownNumber
        | Reason::AlreadyClosed
        | Reason::Unreadable
        | Reason::NameMismatch
        | Reason::SuspendedElsewhere
        | Reason::TargetNotActive
        | Reason::NeedsAddress
        | Reason::NeedsBundle
        | Reason::EmergencyAddress
        | Reason::StillHoldsNumbers
        | Reason::CoolingOff
        | Reason::Contested
        | Reason::RefusedByTwilio
        | Reason::NotAllowed
        | Reason::OutsideWindow
        | Reason::OverLimit => false,
    }
}
