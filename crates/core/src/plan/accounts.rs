//! The decision on the status of one account. The first match wins.

use super::{
    Context, Plan, Reactivation, Reason, calls, close, creates,
    held::{Hold, hold, kind, whole_state_paused},
    obstacles::with_obstacles,
};
use crate::{
    Account, Action, ActionKind, CloseTerms, DesiredStatus, Entry, LiveStatus, Status, Transition,
    clock::CLOCK_TOLERANCE, status::transition,
};

/// Decides on `entry`: settled, planned or held.
pub(super) fn decide(context: &Context<'_>, entry: &Entry, plan: &mut Plan) {
    let Some(account) = context.observed.account(entry.sid) else {
        if let Some(why) = context.observed.unreadable_account(entry.sid) {
            return plan.hold(kind(entry), entry.sid, None, unreadable_account(entry, why));
        }
        match entry.desired_status {
            DesiredStatus::Closed(_) => {
                plan.absent.insert(entry.sid);
            }
            DesiredStatus::Active | DesiredStatus::Suspended => {
                let hold = creates::gone(context, entry).unwrap_or_else(|| unknown_account(context, entry));
                plan.hold(kind(entry), entry.sid, None, hold);
            }
        }
        return;
    };
    let live = match &account.status {
        LiveStatus::Known(live) => *live,
        LiveStatus::Unknown(word) => {
            plan.hold(kind(entry), entry.sid, None, unreadable_status(entry, word));
            return;
        }
    };
    plan.live_accounts += usize::from(live != Status::Closed);
    calls::decide(context, entry, account, plan);
    let transition = transition(live, entry.desired_status.status());
    if let (Transition::SuspendThenClose | Transition::Close, Some(terms)) = (transition, entry.close()) {
        let at_risk = close::at_risk(context, entry, terms);
        plan.numbers_at_risk += at_risk;
        plan.at_risk.insert(entry.sid, at_risk);
    }
    match (transition, &entry.desired_status) {
        (Transition::Settled, _) => {
            // An entry without a SID has nothing but the name to find its account by.
            if context.desired.name_of(entry.sid).is_some()
                && let Some(hold) = context.name_mismatch(entry)
            {
                plan.hold(kind(entry), entry.sid, None, hold);
            }
        }
        (Transition::Impossible, _) => plan.hold(kind(entry), entry.sid, None, already_closed(entry)),
        (
            Transition::Reactivate | Transition::Suspend | Transition::SuspendThenClose | Transition::Close,
            DesiredStatus::Active | DesiredStatus::Suspended | DesiredStatus::Closed(_),
        ) => match paused_or_misnamed(context, entry) {
            Some(hold) => plan.hold(kind(entry), entry.sid, None, hold),
            None => change(context, entry, account, transition, plan),
        },
    }
}

/// The hold of any change of the account: it is paused, or has another name.
pub(super) fn paused_or_misnamed(context: &Context<'_>, entry: &Entry) -> Option<Hold> {
    let mismatch = || context.name_mismatch(entry).filter(|_| !is_renamed(context, entry));
    paused(context, entry).or_else(mismatch)
}

/// Returns true when the desired status is `suspended` and the account was once seen under the name of its entry: a
/// customer cannot prevent a suspension by renaming the account.
fn is_renamed(context: &Context<'_>, entry: &Entry) -> bool {
    let seen = context.history.seen_named(entry.sid);
    entry.desired_status == DesiredStatus::Suspended
        && seen.is_some()
        && seen == entry.friendly_name.as_deref()
}

fn change(context: &Context<'_>, entry: &Entry, account: &Account, transition: Transition, plan: &mut Plan) {
    let digest = entry.digest();
    match (transition, &entry.desired_status) {
        (Transition::Reactivate, _) => match suspended_elsewhere(context, entry, account) {
            Some(hold) => plan.hold(kind(entry), entry.sid, None, hold),
            None => plan.add(context, Action::Reactivate(entry.sid), &digest, None),
        },
        (Transition::Suspend, _) => {
            let note = context.name_mismatch(entry).map(|_| {
                let name = &account.friendly_name;
                format!("renamed to {name:?} since it was last seen under the name of its entry")
            });
            plan.add(context, Action::Suspend(entry.sid), &digest, note);
        }
        (Transition::SuspendThenClose | Transition::Close, DesiredStatus::Closed(terms)) => {
            change_to_closed(context, entry, terms, account, plan);
        }
        (
            Transition::SuspendThenClose | Transition::Close,
            DesiredStatus::Active | DesiredStatus::Suspended,
        )
        | (Transition::Settled | Transition::Impossible, _) => {}
    }
}

fn change_to_closed(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    account: &Account,
    plan: &mut Plan,
) {
    let digest = entry.digest();
    match close::next_step(context, entry, terms, account) {
        close::ClosePhase::Wait(hold) => {
            plan.hold(kind(entry), entry.sid, None, with_obstacles(context, ActionKind::Close, hold));
        }
        close::ClosePhase::Suspend(hold) => {
            plan.add(context, Action::Suspend(entry.sid), &digest, None);
            plan.hold(kind(entry), entry.sid, None, with_obstacles(context, ActionKind::Close, hold));
        }
        close::ClosePhase::Close { close, note } => plan.add(context, Action::Close(close), &digest, note),
    }
}

fn unknown_account(context: &Context<'_>, entry: &Entry) -> Hold {
    hold(
        Reason::UnknownAccount,
        format!("{} is not among the subaccounts of {}", entry.sid, context.observed.main()),
        "check the SID; if the account was closed long ago, remove the entry or write `status: closed`",
    )
}

fn unreadable_account(entry: &Entry, why: &str) -> Hold {
    hold(
        Reason::Unreadable,
        format!("{} cannot be read: {why}", entry.sid),
        "check the account in the Twilio Console; it is not changed until it can be read",
    )
}

fn unreadable_status(entry: &Entry, word: &str) -> Hold {
    hold(
        Reason::Unreadable,
        format!("{} has the unknown status {word:?} at Twilio", entry.sid),
        "check the account in the Twilio Console; it is not changed until its status is known",
    )
}

fn already_closed(entry: &Entry) -> Hold {
    hold(
        Reason::AlreadyClosed,
        format!("{} is closed, but its desired status is {}", entry.sid, entry.desired_status.status()),
        "write `status: closed`, or remove the entry: a closed account cannot be reopened",
    )
}

fn paused(context: &Context<'_>, entry: &Entry) -> Option<Hold> {
    if let Some(pause) = context.desired.pause() {
        return Some(whole_state_paused(&pause, &format!("{} is not changed", entry.sid)));
    }
    entry.paused.then(|| {
        hold(
            Reason::Paused,
            format!("the entry of {} is paused", entry.sid),
            "remove `paused: true` from the entry",
        )
    })
}

/// The hold of an external suspension that must not be lifted.
fn suspended_elsewhere(context: &Context<'_>, entry: &Entry, account: &Account) -> Option<Hold> {
    let (history, sid) = (context.history, entry.sid);
    let seen_active = history.desired_status(sid) == Some(Status::Active) && history.seen_active(sid);
    let found = history.found_suspended(sid);
    let own = history.own_suspension(sid, account.date_updated).is_some();
    let (elsewhere, of_unknown_origin) = match context.policy.reactivation {
        // A late suspension by the daemon may appear after the account was seen active.
        Reactivation::Normal => (!own && (seen_active || found), found),
        Reactivation::Strict => (!own, false),
        Reactivation::Always => (false, false),
    };
    let of_main = context.desired.main().ok().and_then(|main| main.lift_suspensions_before);
    let lifting = entry.lift_suspensions_before.into_iter().chain(of_main.filter(|_| of_unknown_origin));
    let lifted = lifting
        .filter(|before| is_past(context, *before))
        .any(|before| account.date_updated.is_some_and(|since| before >= since));
    (elsewhere && !lifted).then(|| {
        let (since, remedy) = match account.date_updated {
            Some(since) => (
                since.to_string(),
                format!(
                    "to lift the suspension, write `liftSuspensionsBefore: \"{since}\"` in the entry{}",
                    if of_unknown_origin {
                        ", or in `mainAccount` for all accounts unknown to the journal"
                    } else {
                        ""
                    }
                ),
            ),
            None => ("an unknown time".to_owned(), "reactivate the account in the Twilio Console".to_owned()),
        };
        let message = if of_unknown_origin {
            format!(
                "{sid} was suspended before it was first observed, by a fraud circuit breaker, a person, \
                 or this daemon with a lost journal; last changed at {since}"
            )
        } else {
            format!(
                "{sid} was suspended externally, by a fraud circuit breaker or a person; last changed at {since}"
            )
        };
        hold(Reason::SuspendedElsewhere, message, format!("find out why it was suspended; {remedy}"))
    })
}

/// Returns true when `before` is not in the future. A time in the future lifts nothing: it could lift a suspension
/// that is not made yet.
fn is_past(context: &Context<'_>, before: jiff::Timestamp) -> bool {
    before.duration_since(context.now.earliest()) <= CLOCK_TOLERANCE
}
