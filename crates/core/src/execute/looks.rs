//! The looks right before a write that must rest on them: what is closed, released or silenced is read once more, and must
//! be as planned.

use super::Progress;
use crate::{
    Account, Action, Close, Number, Release, Skip, SkipCause,
    remote::{RemoteError, WriteSlot},
    text::count,
};

/// Returns true for the actions that need a look.
pub(super) const fn are_needed(action: &Action) -> bool {
    match action {
        Action::Close(_) | Action::Release(_) | Action::EndCalls(_) => true,
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Transfer(_)
        | Action::Suspend(_)
        | Action::Configure(_) => false,
    }
}

/// Returns true for the actions before which the state is read again after the looks.
pub(super) const fn cannot_be_undone(action: &Action) -> bool {
    match action {
        Action::Close(_) | Action::Release(_) => true,
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Transfer(_)
        | Action::Suspend(_)
        | Action::Configure(_)
        | Action::EndCalls(_) => false,
    }
}

/// The failure of a read of `object` right before `what`.
fn failed(object: &str, what: &str, error: RemoteError, progress: &Progress) -> Skip {
    let why = format!("{object} could not be read right before {what}: {error}");
    if error.stops_the_pass() {
        progress.stop(error);
    }
    Skip::new(SkipCause::ProofChanged, why)
}

/// Checks right before a release that the number and then its account, read once each, are as planned.
pub(super) async fn before_release(
    place: &mut impl WriteSlot,
    release: &Release,
    progress: &Progress,
) -> Result<(), Skip> {
    let Release { phone, account, number } = release;
    let read = place.number(account.sid, number.sid).await;
    let read =
        read.map_err(|error| failed(&format!("{phone} of {}", account.sid), "its release", error, progress))?;
    let changed = |now: String| {
        Skip::new(
            SkipCause::ProofChanged,
            format!("{phone} of {} changed since it was planned: {now}", account.sid),
        )
    };
    match read.map(Number::without_settings) {
        None => return Err(changed(format!("{} does not hold it any more", account.sid))),
        Some(live) if live.may_serve_emergency_calls() && !number.may_serve_emergency_calls() => {
            return Err(changed("it has an emergency address now".to_owned()));
        }
        Some(live) if live != *number => {
            return Err(changed("it is used or configured in another way now".to_owned()));
        }
        Some(_) => {}
    }
    at_account(place, account, "the release of one of its numbers", progress).await
}

/// Checks right before a close that the numbers and then the account, read once each, are as planned.
pub(super) async fn before_close(
    place: &mut impl WriteSlot,
    close: &Close,
    progress: &Progress,
) -> Result<(), Skip> {
    let sid = close.account.sid;
    let changed = |why: String| Skip::new(SkipCause::ProofChanged, why);
    let numbers = place.numbers(sid).await;
    let numbers = numbers.map_err(|error| failed(&sid.to_string(), "its close", error, progress))?;
    let same = numbers.len() == close.listed.len()
        && numbers
            .iter()
            .all(|number| number.phone.is_some_and(|phone| close.listed.get(&number.sid) == Some(&phone)));
    if !same {
        let listed: Vec<_> = numbers.iter().take(10).map(|number| number.id().to_string()).collect();
        let which = if listed.is_empty() { String::new() } else { format!(" ({})", listed.join(", ")) };
        return Err(changed(format!(
            "{sid} changed since it was planned: {} then, {} now{which}",
            count(close.listed.len(), "number"),
            numbers.len(),
        )));
    }
    at_account(place, &close.account, "its close", progress).await
}

/// Checks right before `what` that the account, read once, is as planned.
pub(super) async fn at_account(
    place: &mut impl WriteSlot,
    planned: &Account,
    what: &str,
    progress: &Progress,
) -> Result<(), Skip> {
    let sid = planned.sid;
    let changed = |why: String| Skip::new(SkipCause::ProofChanged, why);
    let account = place.account(sid).await;
    let account = account.map_err(|error| failed(&sid.to_string(), what, error, progress))?;
    if account != *planned {
        return Err(changed(format!(
            "{sid} changed since it was planned: now {} and named {:?}, last changed at {}",
            account.status,
            account.friendly_name,
            account.date_updated.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string())
        )));
    }
    Ok(())
}
