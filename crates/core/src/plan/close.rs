//! The decision on a close: the only place that makes an [`Action::Close`](crate::Action::Close).
//!
//! An account is emptied while active, then suspended, and closed after a cooling-off period. A close is planned only
//! for an account whose whole number list was read, when `close.release` names every number, listed or seen before.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};

use super::{
    Context, Reason,
    calls::{self, CallsPhase},
    held::{FIX_FAULTS, Hold, hold},
    not_known::not_known,
};
use crate::{
    Account, AccountSid, Close, CloseTerms, Entry, Number, NumberId, NumberList, NumberSid, PhoneNumber,
    Status,
    clock::CLOCK_TOLERANCE,
    history::LAG,
    observed,
    text::{count, first_of},
};

/// The next step on an account's way to its close.
pub(super) enum ClosePhase {
    /// Nothing can be done yet.
    Wait(Hold),
    /// The account is empty and active: suspend it. The close itself is held.
    Suspend(Hold),
    /// The cooling-off period is over: close it.
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
            format!("{} is not closed while the desired state has faults", entry.sid),
            FIX_FAULTS,
        ));
    }
    let listed = match context.observed.number_list(entry.sid) {
        NumberList::Known(numbers) => numbers,
        list @ (NumberList::Unreadable(_) | NumberList::NotInSnapshot | NumberList::NotRead) => {
            return ClosePhase::Wait(unreadable(entry.sid, list));
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
                "{} {} and is still active: it is suspended first, and closed after the cooling-off period",
                entry.sid,
                if at_risk.is_empty() { "is empty" } else { "holds only numbers in `close.release`" }
            ),
            format!(
                "wait: the cooling-off period of {:#} starts with the suspension",
                context.policy.close_after
            ),
        ));
    }
    match waiting(context, entry, terms, &progress).or_else(|| waits_for_calls(context, entry, account)) {
        Some(hold) => ClosePhase::Wait(hold),
        None => ClosePhase::Close {
            close: Close {
                account: account.clone(),
                // A number without a phone number is among those that are kept.
                listed: listed.iter().filter_map(|number| Some((number.sid, number.phone?))).collect(),
                at_risk: at_risk.iter().copied().collect(),
            },
            note: weaker_proof(context, entry),
        },
    }
}

/// The number of phone numbers that the account's close would release, as far as they are known.
pub(super) fn at_risk(context: &Context<'_>, entry: &Entry, terms: &CloseTerms) -> usize {
    split(context, entry, terms).0.len()
}

/// Every number that counts as held by the account, as far as its numbers are known: those in `close.release`, and the
/// others.
fn split(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
) -> (BTreeSet<PhoneNumber>, BTreeSet<NumberId>) {
    let seen_before = context.history.numbers_of(entry.sid).map(|(number, _)| number);
    let listed = context.observed.numbers(entry.sid).unwrap_or_default();
    let shown: BTreeSet<_> = listed.iter().map(Number::id).collect();
    let (mut released, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for number in listed.iter().map(Number::id).chain(seen_before) {
        // A number that is shown is released by its own order, with its own checks, before the account is closed.
        let is_released = |phone: &PhoneNumber| {
            terms.release.contains(phone) || (!shown.contains(&number) && entry.release.contains_key(phone))
        };
        match number.phone().filter(is_released) {
            Some(phone) => released.insert(phone),
            None => kept.insert(number),
        };
    }
    (released, kept)
}

/// The facts on which a close is decided, for an account whose desired status is `closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseProgress {
    /// The numbers that the close would release.
    pub at_risk: BTreeSet<PhoneNumber>,
    /// The numbers that count as held by the account and must not be lost: listed, or seen before.
    pub kept: BTreeSet<NumberId>,
    /// The cooling-off period of a suspended account; `None` when it is zero, or when its start cannot be determined.
    pub cooling_off: Option<CoolingOff>,
    /// True when the account is suspended and its cooling-off period is over, by a trusted clock.
    pub is_cooled_off: bool,
    /// True when `close.notBefore` is reached, by a trusted clock.
    pub is_due: bool,
}

impl Context<'_> {
    /// The facts on which the close of `account` is decided.
    pub fn close_progress(&self, entry: &Entry, terms: &CloseTerms, account: &Account) -> CloseProgress {
        let (at_risk, kept) = split(self, entry, terms);
        let length = self.policy.close_after;
        let is_suspended = account.status.known() == Some(Status::Suspended);
        let cooling_off = (is_suspended && !length.is_zero()).then(|| cooling_off(self, account)).flatten();
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

/// The hold while the numbers of `account` are not known.
pub(super) fn unreadable(account: AccountSid, list: &NumberList) -> Hold {
    if *list == NumberList::NotInSnapshot {
        return not_known(format!("the snapshot has no number list of {account}"));
    }
    let (why, remedy) = list.unreadable().unwrap_or(("it was not read", observed::RETRIED));
    hold(Reason::Unreadable, format!("the numbers of {account} could not be read: {why}"), remedy)
}

fn still_holds(
    context: &Context<'_>,
    entry: &Entry,
    terms: &CloseTerms,
    kept: &BTreeSet<NumberId>,
    listed: &[Number],
) -> Hold {
    let listed: BTreeSet<_> = listed.iter().map(Number::id).collect();
    let (shown, vanished): (Vec<NumberId>, Vec<_>) = kept.iter().partition(|number| listed.contains(number));
    let (shown, unnamed) = by_phone(shown);
    let (vanished, vanished_unnamed) = by_phone(vanished);
    let claimants = context.desired.claimants();
    let ordered = |number: &PhoneNumber| entry.release.contains_key(number);
    let (ordered, shown): (Vec<PhoneNumber>, Vec<_>) = shown.into_iter().partition(ordered);
    let moving = |number: &PhoneNumber| claimants.contains_key(number) || terms.move_numbers_to_main;
    let (moving, stuck): (Vec<PhoneNumber>, Vec<_>) = shown.into_iter().partition(moving);
    let groups = [
        (moving.len(), "waiting for a transfer", first_of(&moving), "wait for the transfers"),
        (
            ordered.len(),
            "waiting for a release",
            first_of(&ordered),
            "wait for the releases, or see why they are held",
        ),
        (
            stuck.len(),
            "not claimed by any entry",
            first_of(&stuck),
            "claim the unclaimed numbers under another account, set `close.moveNumbersToMain`, or list them in \
             `close.release`",
        ),
        (
            unnamed.len(),
            "without an E.164 phone number, which no desired state can name",
            first_of(&unnamed),
            "move or release the numbers without an E.164 phone number in the Twilio Console",
        ),
        (
            vanished.len(),
            "in no number list any more",
            first_of(&vanished),
            "find the missing numbers; if they are gone, list them in `close.release`",
        ),
        (
            vanished_unnamed.len(),
            "without an E.164 phone number and in no number list any more",
            first_of(&vanished_unnamed),
            "find the missing numbers in the Twilio Console; they are forgotten once the active account was read without \
             them and Twilio answered 404 for their SIDs, twice and 24 h apart",
        ),
    ];
    let groups = groups.iter().filter(|(number, ..)| *number > 0);
    let says: Vec<_> =
        groups.clone().map(|(number, what, which, _)| format!("{number} {what}: {which}")).collect();
    let remedies: Vec<_> = groups.map(|(.., remedy)| *remedy).collect();
    hold(
        Reason::StillHoldsNumbers,
        format!("{} was seen with {}: {}", entry.sid, count(kept.len(), "number"), says.join("; ")),
        remedies.join("; "),
    )
}

/// The phone numbers among `numbers`, and the SIDs of the others.
fn by_phone(numbers: Vec<NumberId>) -> (Vec<PhoneNumber>, Vec<NumberSid>) {
    let (mut phones, mut sids) = (Vec::new(), Vec::new());
    for number in numbers {
        match number {
            NumberId::Phone(phone) => phones.push(phone),
            NumberId::Sid(sid) => sids.push(sid),
        }
    }
    (phones, sids)
}

/// The hold of a close whose time has not come, by Twilio's clock.
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
            format!(
                "{sid} is not closed: Twilio's clock is missing, or more than 5 minutes from the local clock"
            ),
            "set the clock of this machine (NTP); nothing is closed while the clocks disagree",
        ));
    }
    if !progress.is_cooled_off {
        return Some(match progress.cooling_off {
            Some(rest) => wait_until(sid, rest.due, &rest.to_string()),
            None => hold(
                Reason::CoolingOff,
                format!("cannot determine when {sid} was suspended: Twilio gives no readable `date_updated`"),
                "check the account in the Twilio Console; it is read again in the next pass",
            ),
        });
    }
    let not_before = terms.not_before.filter(|_| !progress.is_due)?;
    Some(wait_until(sid, not_before, "`close.notBefore` is not reached"))
}

/// The hold of a close whose account has calls to end, or calls that are not known.
fn waits_for_calls(context: &Context<'_>, entry: &Entry, account: &Account) -> Option<Hold> {
    match calls::phase(context, entry, account) {
        CallsPhase::Settled => None,
        CallsPhase::NotRead | CallsPhase::End(_) => Some(hold(
            Reason::CoolingOff,
            format!("{} is closed once its calls are ended", entry.sid),
            "wait: the calls are ended first",
        )),
        CallsPhase::Held(held) => Some(held),
    }
}

/// The cooling-off period of an account before its close, or of an order to release a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoolingOff {
    /// Its start: the latest of Twilio's `date_updated`, the daemon's own suspension, the first pass of the unbroken
    /// decision, and the first pass that saw the suspension when Twilio dates it long before that.
    pub since: Timestamp,
    /// Its length.
    pub length: SignedDuration,
    /// The time since then in which no pass read the state, which does not count.
    pub unattended: SignedDuration,
    /// Its end.
    pub due: Timestamp,
}

impl fmt::Display for CoolingOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cooling-off period of {:#} since {}", self.length, self.since)?;
        if self.unattended.is_zero() {
            return Ok(());
        }
        write!(f, ", extended by {:#} in which no pass read the desired state", self.unattended)
    }
}

/// The cooling-off period of `account`, which is suspended; `None` when Twilio gives no time of the suspension.
fn cooling_off(context: &Context<'_>, account: &Account) -> Option<CoolingOff> {
    let (history, now) = (context.history, context.now.best());
    // A decision that history does not know starts now.
    let decided = history.close_decision(account.sid).and_then(|decision| decision.since).unwrap_or(now);
    let own = history.suspended_by_us(account.sid).map(|own| own.at.at);
    let updated = account.date_updated?;
    // When Twilio dates an external suspension long before it was seen, the clock that dated it was wrong.
    let ours = history.own_suspension(account.sid, Some(updated)).is_some();
    let misdated = |seen: &Timestamp| !ours && seen.duration_since(updated) > LAG + CLOCK_TOLERANCE;
    let seen = history.seen_suspended(account.sid).map(|seen| seen.at).filter(misdated);
    let since = own.into_iter().chain(seen).fold(updated.max(decided), Timestamp::max);
    Some(CoolingOff::new(context, since, context.policy.close_after))
}

impl CoolingOff {
    /// The rest of `length` that began at `since`.
    pub(super) fn new(context: &Context<'_>, since: Timestamp, length: SignedDuration) -> Self {
        let longest = context.policy.longest_gap(length);
        let unattended = context.history.unattended(since, context.now.best(), longest);
        let due = since.checked_add(length.saturating_add(unattended)).unwrap_or(Timestamp::MAX);
        Self { since, length, unattended, due }
    }
}

fn wait_until(sid: AccountSid, due: Timestamp, why: &str) -> Hold {
    let held = hold(
        Reason::CoolingOff,
        format!("{sid} is closed at {due} at the earliest: {why}"),
        "wait; to keep the account, change its `status` before then",
    );
    Hold { due: Some(due), ..held }
}

fn weaker_proof(context: &Context<'_>, entry: &Entry) -> Option<String> {
    let seen_active = context.history.list_seen_active(entry.sid);
    (!seen_active).then(|| {
        "weaker proof that the account is empty: its numbers were only read while it was suspended".to_owned()
    })
}
