//! The decision on a close: the only place that makes an [`Action::Close`](crate::Action::Close).
//!
//! An account is emptied while active, then suspended, then rests, then is closed. A close is planned only for an
//! account whose whole list was read, and in which every number, listed or seen before, is named in `close.release`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Context, Reason,
    held::{FIX_FAULTS, Hold, hold},
};
use crate::{
    Account, Close, CloseTerms, Entry, History, Number, NumberList, PhoneNumber, Status,
    clock::CLOCK_TOLERANCE,
    history::LAG,
    observed,
    text::{count, first_of},
};

/// The next step on an account's way to its close.
pub(super) enum ClosePhase {
    /// Nothing can be done now.
    Wait(Hold),
    /// It is empty and active: suspend it. The close itself is held.
    Suspend(Hold),
    /// It rested long enough.
    Close { close: Close, note: Option<String> },
}

pub(super) fn next_step(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    account: &Account,
) -> ClosePhase {
    if context.desired.faulty() {
        return ClosePhase::Wait(hold(
            Reason::StateFaults,
            format!("{} is not closed while the state has faults", entry.sid),
            FIX_FAULTS,
        ));
    }
    let listed = match context.observed.number_list(entry.sid) {
        NumberList::Known(numbers) => numbers,
        list @ (NumberList::Unreadable(_) | NumberList::NotInSnapshot | NumberList::NotRead) => {
            return ClosePhase::Wait(unreadable(entry, list));
        }
    };
    let progress = context.close_progress(entry, terms, account);
    let CloseProgress { at_risk, kept, .. } = &progress;
    if !kept.is_empty() {
        return ClosePhase::Wait(still_holds(context, entry, terms, kept, listed));
    }
    if account.status.known() == Some(Status::Active) {
        return ClosePhase::Suspend(hold(
            Reason::CoolingOff,
            format!(
                "{} {} and is still active: it is suspended first, then rests, then is closed",
                entry.sid,
                if at_risk.is_empty() { "is empty" } else { "holds only what is in `close.release`" }
            ),
            format!("wait: the rest of {:#} begins when it is suspended", context.policy.close_after),
        ));
    }
    match waiting(context, entry, terms, &progress) {
        Some(hold) => ClosePhase::Wait(hold),
        None => ClosePhase::Close {
            close: Close {
                account: account.clone(),
                listed: listed.iter().map(|number| (number.sid, number.phone)).collect::<BTreeMap<_, _>>(),
                at_risk: at_risk.iter().copied().collect(),
            },
            note: weaker_proof(context, entry),
        },
    }
}

/// The count of numbers that the account's close would release, as far as its numbers are known.
pub(super) fn at_risk(context: &Context<'_>, entry: &Entry, terms: &CloseTerms) -> usize {
    split(context, entry, terms).0.len()
}

/// Every number that counts as held by the account, as far as its numbers are known: those that may be released, and the
/// others.
fn split(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
) -> (BTreeSet<PhoneNumber>, BTreeSet<PhoneNumber>) {
    let seen_before = context.history.numbers_of(entry.sid).map(|(phone, _)| phone);
    let listed = context.observed.numbers(entry.sid).unwrap_or_default();
    let listed = listed.iter().map(|number| number.phone);
    listed.chain(seen_before).partition(|number| terms.release.contains(number))
}

/// The facts on which a close is decided, for an account whose desired status is `closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseProgress {
    /// The numbers that the close would release.
    pub at_risk: BTreeSet<PhoneNumber>,
    /// The numbers that count as held by the account and may not be lost: listed, or seen before.
    pub kept: BTreeSet<PhoneNumber>,
    /// The cooling-off of a suspended account; `None` when none is asked for, or when its begin cannot be determined.
    pub cooling_off: Option<CoolingOff>,
    /// True when the account is suspended and its cooling-off is over, by a clock that can be trusted.
    pub is_cooled_off: bool,
    /// True when `close.notBefore` is over, by a clock that can be trusted.
    pub is_due: bool,
}

impl Context<'_> {
    /// The facts on which the close of `account` is decided.
    pub fn close_progress(&self, entry: &Entry, terms: &CloseTerms, account: &Account) -> CloseProgress {
        let (at_risk, kept) = split(self, entry, terms);
        let length = self.policy.close_after;
        let is_suspended = account.status.known() == Some(Status::Suspended);
        let cooling_off = (is_suspended && !length.is_zero())
            .then(|| cooling_off(self.history, account, length, self.now.best()))
            .flatten();
        let is_over = |due: Timestamp| self.now.trusted().is_some_and(|now| now >= due);
        let is_cooled_off = is_suspended
            && self.now.trusted().is_some()
            && (length.is_zero() || cooling_off.is_some_and(|rest| is_over(rest.due)));
        CloseProgress {
            at_risk,
            kept,
            cooling_off,
            is_cooled_off,
            is_due: terms.not_before.is_none_or(is_over),
        }
    }
}

fn unreadable(entry: &Entry, list: &NumberList) -> Hold {
    let (why, remedy) = list.unreadable().unwrap_or(("it was not read", observed::RETRIED));
    hold(Reason::Unreadable, format!("the numbers of {} could not be read: {why}", entry.sid), remedy)
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
        says.push(format!("{} that are to move: {}", moving.len(), first_of(&moving)));
        remedies.push("wait for the transfers");
    }
    if !stuck.is_empty() {
        says.push(format!("{} that no entry claims: {}", stuck.len(), first_of(&stuck)));
        remedies.push("claim them under another account, set `close.moveNumbersToMain`, or name them in `close.release`");
    }
    if !vanished.is_empty() {
        says.push(format!(
            "{} that its list no longer shows and no other list shows yet: {}",
            vanished.len(),
            first_of(&vanished)
        ));
        remedies.push("find where the vanished numbers went; if they are gone, name them in `close.release`");
    }
    hold(
        Reason::StillHoldsNumbers,
        format!("{} was seen with {}: {}", entry.sid, count(kept.len(), "number"), says.join("; ")),
        remedies.join("; "),
    )
}

/// The hold of a rest that is not over. Everything here is by Twilio's clock.
fn waiting(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    progress: &CloseProgress,
) -> Option<Hold> {
    let sid = entry.sid;
    if context.now.trusted().is_none() {
        return Some(hold(
            Reason::CoolingOff,
            format!("Twilio's clock is missing or more than 5 minutes from ours, so {sid} is not closed"),
            "set this machine's clock (NTP); nothing is closed while the two disagree",
        ));
    }
    if !progress.is_cooled_off {
        return Some(match progress.cooling_off {
            Some(rest) => wait_until(sid, rest.due, &rest.to_string()),
            None => hold(
                Reason::CoolingOff,
                format!("cannot determine when {sid} was suspended: Twilio gives no readable `date_updated`"),
                "look at the account in the Twilio Console; it is read again in the next pass",
            ),
        });
    }
    let not_before = terms.not_before.filter(|_| !progress.is_due)?;
    Some(wait_until(sid, not_before, "`close.notBefore` says so"))
}

/// The cooling-off of an account before its close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoolingOff {
    /// The latest of Twilio's `date_updated`, our own suspension, the first pass of the unbroken decision, and, when Twilio
    /// dates the suspension long before it, the first pass that saw it.
    pub since: Timestamp,
    /// Its length.
    pub length: SignedDuration,
    /// The time since then in which no pass read the state. It does not count.
    pub unattended: SignedDuration,
    /// The time at which it is over.
    pub due: Timestamp,
}

impl fmt::Display for CoolingOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it rests {:#} since {}", self.length, self.since)?;
        if self.unattended.is_zero() {
            return Ok(());
        }
        write!(f, ", of which {:#} do not count, because no pass read the state then", self.unattended)
    }
}

/// The cooling-off of `account`, which is suspended; `None` when Twilio gives no time for it.
fn cooling_off(
    history: &History,
    account: &Account,
    length: SignedDuration,
    now: Timestamp,
) -> Option<CoolingOff> {
    // A state that was never noticed to say `closed` says so since now.
    let decided = history.close_decision(account.sid).and_then(|decision| decision.since).unwrap_or(now);
    let own = history.suspended_by_us(account.sid).map(|own| own.at.at);
    let updated = account.date_updated?;
    // A suspension by others that Twilio dates long before it was seen was dated by a clock that was wrong.
    let ours = history.own_suspension(account.sid, Some(updated)).is_some();
    let misdated = |seen: &Timestamp| !ours && seen.duration_since(updated) > LAG + CLOCK_TOLERANCE;
    let seen = history.seen_suspended(account.sid).map(|seen| seen.at).filter(misdated);
    let since = own.into_iter().chain(seen).fold(updated.max(decided), Timestamp::max);
    let unattended = history.unattended(since, now);
    let due = since.checked_add(length.saturating_add(unattended)).unwrap_or(Timestamp::MAX);
    Some(CoolingOff { since, length, unattended, due })
}

fn wait_until(sid: crate::AccountSid, due: Timestamp, why: &str) -> Hold {
    hold(
        Reason::CoolingOff,
        format!("{sid} is closed at {due} at the earliest: {why}"),
        "wait; to keep the account, write another status before then",
    )
}

fn weaker_proof(context: &Context<'_>, entry: &Entry) -> Option<String> {
    let seen_active = context.history.list_seen_active(entry.sid);
    (!seen_active).then(|| {
        "its numbers were only ever read while it was suspended, which is weaker proof that it holds none"
            .to_owned()
    })
}
