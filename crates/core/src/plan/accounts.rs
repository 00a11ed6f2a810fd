//! What becomes of one account's status. The first match wins.

use super::{
    Context, Plan, Reactivation, Reason, close,
    held::{Hold, hold, kind, whole_state_paused},
};
use crate::{Account, Action, CloseTerms, Entry, Goal, LiveStatus, Status, Transition, status::transition};

/// Decides on `entry`: settled, planned or held.
pub(super) fn decide(context: &Context<'_>, entry: &Entry, plan: &mut Plan) {
    let Some(account) = context.observed.account(entry.sid) else {
        match entry.goal {
            Goal::Closed(_) => {
                plan.absent.insert(entry.sid);
            }
            Goal::Active | Goal::Suspended => {
                plan.hold(kind(entry), entry.sid, None, unknown_account(context, entry));
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
    let transition = transition(live, entry.goal.status());
    if let (Transition::SuspendThenClose | Transition::Close, Some(terms)) = (transition, entry.close()) {
        plan.numbers_at_risk += close::at_risk(context, entry, terms);
    }
    match (transition, &entry.goal) {
        (Transition::Settled, _) => {}
        (Transition::Impossible, _) => plan.hold(kind(entry), entry.sid, None, already_closed(entry)),
        (
            Transition::Reactivate | Transition::Suspend | Transition::SuspendThenClose | Transition::Close,
            Goal::Active | Goal::Suspended | Goal::Closed(_),
        ) => match paused(context, entry).or_else(|| context.name_mismatch(entry)) {
            Some(hold) => plan.hold(kind(entry), entry.sid, None, hold),
            None => change(context, entry, account, transition, plan),
        },
    }
}

fn change(context: &Context<'_>, entry: &Entry, account: &Account, transition: Transition, plan: &mut Plan) {
    let digest = entry.digest();
    match (transition, &entry.goal) {
        (Transition::Reactivate, _) => match suspended_elsewhere(context, entry, account) {
            Some(hold) => plan.hold(kind(entry), entry.sid, None, hold),
            None => plan.add(context, Action::Reactivate(entry.sid), &digest, None),
        },
        (Transition::Suspend, _) => plan.add(context, Action::Suspend(entry.sid), &digest, None),
        (Transition::SuspendThenClose | Transition::Close, Goal::Closed(terms)) => {
            change_to_closed(context, entry, terms, account, plan);
        }
        (Transition::SuspendThenClose | Transition::Close, Goal::Active | Goal::Suspended)
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
        close::Step::Wait(hold) => plan.hold(kind(entry), entry.sid, None, hold),
        close::Step::Suspend(hold) => {
            plan.add(context, Action::Suspend(entry.sid), &digest, None);
            plan.hold(kind(entry), entry.sid, None, hold);
        }
        close::Step::Close { close, note } => plan.add(context, Action::Close(close), &digest, note),
    }
}

fn unknown_account(context: &Context<'_>, entry: &Entry) -> Hold {
    hold(
        Reason::UnknownAccount,
        format!("{} is not among the subaccounts of {}", entry.sid, context.observed.main()),
        "check the SID; if the account was closed long ago, remove the entry or write `status: closed`",
    )
}

fn unreadable_status(entry: &Entry, word: &str) -> Hold {
    hold(
        Reason::Unreadable,
        format!("Twilio gives {} the status {word:?}, which is none of active, suspended, closed", entry.sid),
        "look at the account in the Twilio Console; nothing is done to it until its status can be read",
    )
}

fn already_closed(entry: &Entry) -> Hold {
    hold(
        Reason::AlreadyClosed,
        format!("{} is closed, and the state wants it {}", entry.sid, entry.goal.status()),
        "a closed account cannot be reopened: write `status: closed`, or remove the entry",
    )
}

fn paused(context: &Context<'_>, entry: &Entry) -> Option<Hold> {
    if let Some(pause) = context.desired.pause() {
        return Some(whole_state_paused(&pause, &format!("{} stays as it is", entry.sid)));
    }
    entry.paused.then(|| {
        hold(
            Reason::Paused,
            format!("the entry of {} is paused", entry.sid),
            "remove `paused: true` from the entry",
        )
    })
}

/// Whether the suspension that the account is in is not ours to lift.
fn suspended_elsewhere(context: &Context<'_>, entry: &Entry, account: &Account) -> Option<Hold> {
    let lifted =
        entry.lift_suspensions_before.zip(account.date_updated).is_some_and(|(until, since)| until >= since);
    let elsewhere = match context.policy.reactivation {
        Reactivation::Normal => {
            context.history.word(entry.sid) == Some(Status::Active) && context.history.seen_active(entry.sid)
        }
        Reactivation::Strict => context.history.suspended_by_us(entry.sid).is_none(),
        Reactivation::Always => false,
    };
    (elsewhere && !lifted).then(|| {
        let (since, remedy) = match account.date_updated {
            Some(since) => (
                since.to_string(),
                format!("to lift it, write `liftSuspensionsBefore: \"{since}\"` in the entry"),
            ),
            None => ("an unknown time".to_owned(), "lift it in the Twilio Console".to_owned()),
        };
        hold(
            Reason::SuspendedElsewhere,
            format!(
                "{} was suspended by somebody else, last changed at {since}: a fraud circuit breaker or a person",
                entry.sid
            ),
            format!("find out why it was suspended; {remedy}"),
        )
    })
}
