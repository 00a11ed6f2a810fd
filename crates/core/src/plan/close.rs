//! Where a close is decided: the only place that makes an [`Action::Close`](crate::Action::Close).
//!
//! An account is emptied while active, then suspended, then rests, then is closed. A close is planned only for an
//! account whose whole list was read, and in which every number, listed or seen before, is named in `close.release`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    Context, Reason,
    held::{FIX_FAULTS, Hold, hold},
};
use crate::{Account, Close, CloseTerms, Entry, History, Holdings, Number, PhoneNumber, Status};

/// What comes next on an account's way to its close.
pub(super) enum Step {
    /// Nothing can be done now.
    Wait(Hold),
    /// It is empty and active: suspend it. The close itself is held.
    Suspend(Hold),
    /// It rested long enough.
    Close { close: Close, note: Option<String> },
}

pub(super) fn next_step(context: &Context<'_>, entry: &Entry, terms: &CloseTerms, account: &Account) -> Step {
    if context.desired.faulty() {
        return Step::Wait(hold(
            Reason::StateFaults,
            format!("{} is not closed while the state has faults", entry.sid),
            FIX_FAULTS,
        ));
    }
    let listed = match context.observed.holdings(entry.sid) {
        Holdings::Known(numbers) => numbers,
        Holdings::Unreadable(why) => return Step::Wait(unreadable(entry, why)),
        Holdings::NotRead => return Step::Wait(unreadable(entry, "it was not read")),
    };
    let (at_risk, kept) = split(context, entry, terms, listed);
    if !kept.is_empty() {
        return Step::Wait(still_holds(context, entry, terms, &kept, listed));
    }
    if account.status.known() == Some(Status::Active) {
        return Step::Suspend(hold(
            Reason::CoolingOff,
            format!(
                "{} {} and is still active: it is suspended first, then rests, then is closed",
                entry.sid,
                if at_risk.is_empty() { "is empty" } else { "holds only what is in `close.release`" }
            ),
            format!("wait: the rest of {:#} begins when it is suspended", context.policy.close_after),
        ));
    }
    match rest(context, entry, terms, account) {
        Some(hold) => Step::Wait(hold),
        None => Step::Close {
            close: Close {
                account: account.clone(),
                listed: listed.iter().map(|number| (number.sid, number.phone)).collect::<BTreeMap<_, _>>(),
                at_risk: at_risk.into_iter().collect(),
            },
            note: weaker_proof(context, entry),
        },
    }
}

/// How many numbers the account's close would release, as far as its numbers are known.
pub(super) fn at_risk(context: &Context<'_>, entry: &Entry, terms: &CloseTerms) -> usize {
    split(context, entry, terms, context.observed.numbers(entry.sid).unwrap_or_default()).0.len()
}

/// Every number that counts as held by the account: those that may be released, and the others.
fn split(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    listed: &[Number],
) -> (BTreeSet<PhoneNumber>, BTreeSet<PhoneNumber>) {
    let seen_before = context.history.closing(entry.sid).map(|closing| &closing.unaccounted);
    let listed = listed.iter().map(|number| number.phone);
    listed
        .chain(seen_before.into_iter().flatten().copied())
        .partition(|number| terms.release.contains(number))
}

fn unreadable(entry: &Entry, why: &str) -> Hold {
    hold(
        Reason::Unreadable,
        format!("the numbers of {} could not be read: {why}", entry.sid),
        "nothing is closed unread; it is read again in the next pass",
    )
}

fn still_holds(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    kept: &BTreeSet<PhoneNumber>,
    listed: &[Number],
) -> Hold {
    let listed: BTreeSet<_> = listed.iter().map(|number| number.phone).collect();
    let (shown, vanished): (Vec<&PhoneNumber>, Vec<_>) =
        kept.iter().partition(|number| listed.contains(number));
    let claimants = context.desired.claimants();
    let moving = |number: &&&PhoneNumber| claimants.contains_key(**number) || terms.move_numbers_to_main;
    let (moving, stuck): (Vec<&PhoneNumber>, Vec<&PhoneNumber>) =
        shown.iter().partition(|number| moving(number));
    let mut says = Vec::new();
    let mut remedies = Vec::new();
    if !moving.is_empty() {
        says.push(format!("{} that are to move: {}", moving.len(), words(&moving)));
        remedies.push("wait for the transfers");
    }
    if !stuck.is_empty() {
        says.push(format!("{} that nobody claims: {}", stuck.len(), words(&stuck)));
        remedies.push("claim them under another account, set `close.moveNumbersToMain`, or let them go in `close.release`");
    }
    if !vanished.is_empty() {
        says.push(format!(
            "{} that its list no longer shows and no other list shows yet: {}",
            vanished.len(),
            words(&vanished)
        ));
        remedies.push("look where the vanished ones went; if they are gone, name them in `close.release`");
    }
    hold(
        Reason::StillHoldsNumbers,
        format!("{} was seen with {}: {}", entry.sid, counted(kept.len()), says.join("; ")),
        remedies.join("; "),
    )
}

/// So many numbers, in words.
pub(crate) fn counted(numbers: usize) -> String {
    if numbers == 1 { "1 number".to_owned() } else { format!("{numbers} numbers") }
}

/// Up to ten numbers, and how many more there are.
fn words(numbers: &[&PhoneNumber]) -> String {
    let shown: Vec<_> = numbers.iter().take(10).map(ToString::to_string).collect();
    let more = numbers.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// What the account still waits for. Everything here is by Twilio's clock.
fn rest(context: &Context<'_>, entry: &Entry, terms: &CloseTerms, account: &Account) -> Option<Hold> {
    let sid = entry.sid;
    let Some(now) = context.now.trusted() else {
        return Some(hold(
            Reason::CoolingOff,
            format!("Twilio's clock is missing or more than 5 minutes from ours, so {sid} is not closed"),
            "set this machine's clock (NTP); nothing is closed while the two disagree",
        ));
    };
    let close_after = context.policy.close_after;
    if !close_after.is_zero() {
        let Some((since, due)) = rests(context.history, account, close_after, now) else {
            return Some(hold(
                Reason::CoolingOff,
                format!("it is not known since when {sid} rests: Twilio gives no readable `date_updated`"),
                "look at the account in the Twilio Console; it is read again in the next pass",
            ));
        };
        if now < due {
            return Some(wait_until(sid, due, &format!("it rests {close_after:#} since {since}")));
        }
    }
    let not_before = terms.not_before.filter(|not_before| now < *not_before)?;
    Some(wait_until(sid, not_before, "`close.notBefore` says so"))
}

/// Since when `account`, which is suspended, rests, and when it has rested for `close_after`; `None` when Twilio gives no
/// time for it.
pub fn rests(
    history: &History,
    account: &Account,
    close_after: SignedDuration,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    // A state that was never noticed to say `closed` says so since now.
    let decided = history.closing(account.sid).and_then(|closing| closing.since).unwrap_or(now);
    let suspended = history.suspended_by_us(account.sid);
    let since = suspended.into_iter().fold(account.date_updated?.max(decided), Timestamp::max);
    Some((since, since.checked_add(close_after).unwrap_or(Timestamp::MAX)))
}

fn wait_until(sid: crate::AccountSid, due: Timestamp, why: &str) -> Hold {
    hold(
        Reason::CoolingOff,
        format!("{sid} is closed at {due} at the earliest: {why}"),
        "wait; to keep the account, write another status before then",
    )
}

fn weaker_proof(context: &Context<'_>, entry: &Entry) -> Option<String> {
    let seen_active = context.history.closing(entry.sid).is_some_and(|closing| closing.list_seen_active);
    (!seen_active).then(|| {
        "its numbers were only ever read while it was suspended, which is weaker proof that it holds none"
            .to_owned()
    })
}
