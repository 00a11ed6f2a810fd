//! The writes that still matter: those that count against a budget, are open, or must not be retried yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Applied, History, OwnSuspension, Write};
use crate::{AccountSid, ActionKind, Now, NumberId, Outcome, PhoneNumber, Stamp, Status, Target};

/// The longest lag of a list behind a write, and the longest delay of a write whose answer was lost.
pub const LAG: SignedDuration = SignedDuration::from_mins(2);
/// The first pause after a refusal, or after a second write with unknown outcome.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// The longest pause before the retry of a reactivation with unknown outcome.
const MAX_REACTIVATION_PAUSE: SignedDuration = SignedDuration::from_mins(2);
/// The time in which lifting the daemon's own suspension costs no budget.
const FREE_REACTIVATION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The tolerance between dates of Twilio, which are whole seconds and arrive with the answers.
pub(crate) const DATE_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// The n-th pause of a sequence that doubles from `first` up to one hour.
pub fn pause(first: SignedDuration, times: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(times.saturating_sub(1).min(20)).unwrap_or(i32::MAX);
    first.checked_mul(factor).unwrap_or(SignedDuration::MAX).min(SignedDuration::from_hours(1))
}

/// A write, and its outcome as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriteRecord {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) at: Stamp,
    pub(super) write: Write,
    /// `None` while the write is in flight; after a crash, `None` forever, which counts as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// True when a later write took its place in the budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) replaced: bool,
    /// The open write whose place this one took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces: Option<u64>,
    /// True when it was open and its effect was observed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) resolved: bool,
}

impl WriteRecord {
    fn may_have_happened(&self) -> bool {
        self.outcome.as_ref().is_none_or(Outcome::may_have_happened)
    }

    /// Returns true when its outcome is unknown.
    fn is_open(&self) -> bool {
        !self.resolved && self.outcome.as_ref().is_none_or(Outcome::is_open)
    }

    fn costs(&self, kind: ActionKind, now: Now, window: SignedDuration) -> bool {
        self.write.kind == kind
            && !self.write.exempt
            && !self.replaced
            && self.may_have_happened()
            && self.at.within(now, window)
    }
}

/// A write that must not be retried yet: it was refused, its outcome is unknown, or its proof failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The id of the last write, when it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The time of the last try.
    #[serde(flatten)]
    pub at: Stamp,
    /// The number of tries in a row with this result.
    pub times: u32,
    /// Twilio's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The message of the last try.
    pub message: String,
    /// The digest of the entry that it comes from.
    pub entry: String,
}

impl Backoff {
    /// The pause before the next try, when the first `free` tries have no pause.
    pub fn pause(&self, kind: ActionKind, free: u32) -> SignedDuration {
        let times = self.times.saturating_sub(free);
        if times == 0 {
            return SignedDuration::ZERO;
        }
        let pause = pause(FIRST_PAUSE, times);
        if kind == ActionKind::Reactivate && free > 0 { pause.min(MAX_REACTIVATION_PAUSE) } else { pause }
    }
}

/// The tries in a row with unknown outcome: `before`, and one more.
fn one_more_unknown(before: Option<Backoff>, id: u64, at: Stamp, message: String, entry: String) -> Backoff {
    let before = before.filter(|before| before.entry == entry);
    let times = before.map_or(0, |before| before.times).saturating_add(1);
    Backoff { id: Some(id), at, times, code: None, message, entry }
}

impl History {
    pub(super) fn began(&mut self, id: u64, at: Stamp, write: Write) {
        if self.writes.last().is_some_and(|last| last.id == id) {
            return;
        }
        self.next_id = self.next_id.max(id.saturating_add(1));
        if let (ActionKind::Create, Target::Name(name)) = (write.kind, &write.target) {
            Arc::make_mut(&mut self.creates).begin(name, id, at);
        }
        let replaces = self.open_repeat(&write).map(|record| record.id);
        if let Some(record) = self.writes.iter_mut().rev().find(|record| Some(record.id) == replaces) {
            record.replaced = true;
        }
        // The process crashed before the outcome of the last try, which is therefore unknown.
        if let Some(backoff) = self.with_crash(write.kind, &write.target) {
            self.unconfirmed.insert((write.kind, write.target.clone()), backoff);
        }
        self.writes.push(WriteRecord {
            id,
            at,
            write,
            outcome: None,
            replaced: false,
            replaces,
            resolved: false,
        });
    }

    pub(super) fn ended(&mut self, id: u64, at: Stamp, outcome: Outcome) {
        // The record of the write may be gone by now, and the account must not be forgotten.
        if self.creates.is_open(id) {
            Arc::make_mut(&mut self.creates).end(id, &outcome);
        }
        let open = |record: &&mut WriteRecord| record.id == id && record.outcome.is_none();
        let Some(record) = self.writes.iter_mut().rev().find(open) else { return };
        record.outcome = Some(outcome.clone());
        let (write, replaces) = (record.write.clone(), record.replaces);
        let key = (write.kind, write.target.clone());
        if !matches!(outcome, Outcome::Skipped(_)) {
            self.unproven.remove(&key);
        }
        if !outcome.may_have_happened() {
            // The write whose place this one took counts again.
            if let Some(before) = self.writes.iter_mut().rev().find(|before| Some(before.id) == replaces) {
                before.replaced = false;
            }
        }
        match outcome {
            Outcome::Done(receipt) => {
                self.unconfirmed.retain(|(kind, _), _| *kind != write.kind);
                self.refused.remove(&key);
                self.applied(&write, at, receipt.date_updated);
            }
            Outcome::Refused(refusal) | Outcome::Ignored(refusal) => {
                self.unconfirmed.remove(&key);
                let before = self.refused.remove(&key).filter(|refused| refused.entry == write.entry);
                let times = before.map_or(0, |refused| refused.times).saturating_add(1);
                let (code, message, entry) = (refusal.code, refusal.message, write.entry);
                self.refused.insert(key, Backoff { id: Some(id), at, times, code, message, entry });
            }
            Outcome::Unknown(unknown) => {
                let before = self.unconfirmed.remove(&key);
                let backoff = one_more_unknown(before, id, at, unknown.message, write.entry);
                self.unconfirmed.insert(key, backoff);
            }
            Outcome::Skipped(skip) => {
                // The proof became too old while the intent was recorded.
                if skip.cause.is_proof() {
                    self.proof_failed(write.kind, write.target, at, write.entry, skip.message);
                }
            }
        }
    }

    /// Records that a write took effect, as its answer or an observation shows.
    fn applied(&mut self, write: &Write, at: Stamp, updated: Option<Timestamp>) {
        match (&write.target, write.kind) {
            (&Target::Account(account), ActionKind::Suspend) => {
                self.facts(account).suspended_by_us = Some(Box::new(OwnSuspension { at, updated }));
            }
            (&Target::Account(account), ActionKind::Reactivate) => self.saw_active(account),
            (
                Target::Account(_),
                ActionKind::Create
                | ActionKind::Transfer
                | ActionKind::Configure
                | ActionKind::EndCalls
                | ActionKind::Release
                | ActionKind::Close,
            )
            | (Target::Calls(_) | Target::Name(_), _) => return,
            (&Target::Number(number), ActionKind::Configure) => {
                if let Some(settings) = &write.settings {
                    self.configured.insert(number, settings.clone());
                }
                return;
            }
            (Target::Number(_), ActionKind::Release) => return self.released_number(write, at),
            (&Target::Number(number), _) => {
                // What becomes of the settings is not an external change of them.
                self.configured.remove(&number);
                if let (Some((_, to)), Some(sid)) = (write.transfer, write.number_sid) {
                    Arc::make_mut(&mut self.numbers).see(to, BTreeMap::from([(number.into(), sid)]), false);
                }
            }
        }
        self.last_applied
            .insert(write.target.clone(), Applied { kind: write.kind, transfer: write.transfer });
    }

    /// Records that the effect of the open write `id` was observed.
    pub(super) fn resolve(&mut self, id: u64) {
        let Some(record) = self.writes.iter_mut().rev().find(|record| record.id == id) else { return };
        record.resolved = true;
        let (write, at) = (record.write.clone(), record.at);
        let key = (write.kind, write.target.clone());
        self.unconfirmed.remove(&key);
        self.refused.remove(&key);
        let updated = match write.target {
            Target::Account(account) => self.suspended_by_us(account),
            Target::Calls(_) | Target::Number(_) | Target::Name(_) => None,
        };
        self.applied(&write, at, updated.and_then(|own| own.updated));
    }

    pub(super) fn proof_failed(
        &mut self,
        kind: ActionKind,
        target: Target,
        at: Stamp,
        entry: String,
        seen: String,
    ) {
        let key = (kind, target);
        let before = self.unproven.remove(&key).filter(|before| before.entry == entry);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        self.unproven.insert(key, Backoff { id: None, at, times, code: None, message: seen, entry });
    }

    /// The last write to the target of `write`, when it is the same write and still open: a repeat takes its place in the
    /// budget. An exempt write does not take the place of one that is not.
    fn open_repeat(&self, write: &Write) -> Option<&WriteRecord> {
        let last = self
            .writes
            .iter()
            .rev()
            .find(|record| record.write.fact() == write.fact() && record.may_have_happened())?;
        (last.is_open() && last.write.is_same(write) && last.write.exempt == write.exempt).then_some(last)
    }

    /// Returns true when `write` would take the place of an open write in the budget at `now`.
    pub fn takes_a_place(&self, write: &Write, now: Now, window: SignedDuration) -> bool {
        self.open_repeat(write).is_some_and(|record| record.costs(write.kind, now, window))
    }

    /// The number of writes of `kind` that were spent within `window`.
    pub fn spent(&self, kind: ActionKind, now: Now, window: SignedDuration) -> usize {
        self.writes.iter().filter(|record| record.costs(kind, now, window)).count()
    }

    /// The number of phone numbers that were or may have been released within `window`.
    pub fn released(&self, now: Now, window: SignedDuration) -> usize {
        let costs = |record: &&WriteRecord| {
            !record.replaced && record.may_have_happened() && record.at.within(now, window)
        };
        self.writes.iter().filter(costs).map(|record| record.write.releases.len()).sum()
    }

    /// The part of [`released`](Self::released) that the open write of `kind` to `target` may have released; a repeat takes
    /// its place.
    pub(crate) fn released_by_open(
        &self,
        kind: ActionKind,
        target: &Target,
        now: Now,
        window: SignedDuration,
    ) -> usize {
        let of_it = |record: &&WriteRecord| {
            record.write.target == *target
                && record.write.kind == kind
                && record.is_open()
                && !record.replaced
                && record.at.within(now, window)
        };
        self.writes.iter().filter(of_it).map(|record| record.write.releases.len()).sum()
    }

    /// Returns true when lifting the suspension of `account`, which Twilio dates `updated`, undoes a write that the daemon made
    /// within `FREE_REACTIVATION`.
    pub fn reactivation_is_exempt(&self, account: AccountSid, updated: Option<Timestamp>, now: Now) -> bool {
        self.own_suspension(account, updated).is_some_and(|own| own.at.surely_within(now, FREE_REACTIVATION))
    }

    /// Returns true when moving `number` from `from` to `to` undoes the daemon's last transfer of it, which was made within
    /// `window` and was not exempt itself.
    pub fn transfer_is_exempt(
        &self,
        number: PhoneNumber,
        from: AccountSid,
        to: AccountSid,
        now: Now,
        window: SignedDuration,
    ) -> bool {
        let moved = |record: &&WriteRecord| {
            record.write.kind == ActionKind::Transfer
                && record.write.target == Target::Number(number)
                && record.may_have_happened()
        };
        let last = self.writes.iter().rev().find(moved);
        last.is_some_and(|record| {
            record.write.transfer == Some((to, from))
                && !record.write.exempt
                && record.at.surely_within(now, window)
        })
    }

    /// The last write to each fact of a target that may have happened less than [`LAG`] ago, and true when it was verified. A list that
    /// does not show its effect may lag.
    pub fn fresh_writes(&self, now: Now) -> impl Iterator<Item = (&Write, bool)> {
        let mut seen = BTreeSet::new();
        self.writes.iter().rev().filter_map(move |record| {
            let fresh =
                record.may_have_happened() && seen.insert(record.write.fact()) && record.at.within(now, LAG);
            fresh.then(|| (&record.write, !record.is_open()))
        })
    }

    /// Returns true when a verified release took `number` from `account` less than [`LAG`] ago: a list that shows it may lag.
    pub(crate) fn released_freshly(&self, account: AccountSid, number: NumberId, now: Now) -> bool {
        self.fresh_writes(now).any(|(write, verified)| {
            verified
                && write.kind == ActionKind::Release
                && write.account == Some(account)
                && number.phone().map(Target::Number).as_ref() == Some(&write.target)
        })
    }

    /// The open writes that are the last ones to their facts. An observed effect resolves them.
    pub fn open_writes(&self) -> impl Iterator<Item = (u64, &Write)> {
        let mut seen = BTreeSet::new();
        self.writes.iter().rev().filter_map(move |record| {
            let last = record.may_have_happened() && seen.insert(record.write.fact());
            (last && record.is_open()).then_some((record.id, &record.write))
        })
    }

    /// Returns true when the outcome of the write with the id `from`, or of any later write, is still unknown.
    pub fn is_any_unknown_since(&self, from: u64) -> bool {
        let unknown = |record: &&WriteRecord| matches!(record.outcome, None | Some(Outcome::Unknown(_)));
        let open: BTreeSet<_> = self.open_writes().map(|(id, _)| id).collect();
        self.writes.iter().filter(unknown).any(|record| record.id >= from && open.contains(&record.id))
    }

    /// Returns true when a suspension of `account` that Twilio dates `updated` may be the late effect of a write that was
    /// ignored, had an unknown outcome, or had no date in its answer.
    pub fn is_late_suspension(&self, account: AccountSid, updated: Timestamp) -> bool {
        self.writes.iter().rev().any(|record| {
            let undated = match &record.outcome {
                None | Some(Outcome::Unknown(_) | Outcome::Ignored(_)) => true,
                Some(Outcome::Done(receipt)) => receipt.date_updated.is_none(),
                Some(Outcome::Refused(_) | Outcome::Skipped(_)) => false,
            };
            let since = updated.duration_since(record.at.at);
            undated
                && record.write.kind == ActionKind::Suspend
                && record.write.target == Target::Account(account)
                && !record.at.unsure
                && (-DATE_TOLERANCE..=LAG).contains(&since)
        })
    }

    /// Returns true when the observed `status` or `owner` of a target may be the late effect of a write of the daemon.
    pub fn may_be_late(
        &self,
        target: &Target,
        status: Option<Status>,
        owner: Option<AccountSid>,
        now: Now,
    ) -> bool {
        self.writes.iter().rev().any(|record| {
            let open = record.outcome.as_ref().is_none_or(Outcome::is_open);
            let effect = match target {
                Target::Account(_) | Target::Calls(_) => record.write.status() == status,
                Target::Number(_) => owner.is_some() && record.write.transfer.map(|(_, to)| to) == owner,
                Target::Name(_) => false,
            };
            record.write.target == *target && open && effect && record.at.within(now, LAG)
        })
    }

    /// Returns true when the settings of `number` may be the late effect of a configure of the daemon.
    pub fn may_configure_late(&self, number: PhoneNumber, now: Now) -> bool {
        self.writes.iter().rev().any(|record| {
            record.write.kind == ActionKind::Configure
                && record.write.target == Target::Number(number)
                && record.outcome.as_ref().is_none_or(Outcome::is_open)
                && record.at.within(now, LAG)
        })
    }

    /// The refusals in a row of a write of `kind` to `target`, if its entry has not changed.
    pub fn refused(&self, kind: ActionKind, target: &Target, entry: &str) -> Option<&Backoff> {
        self.refused.get(&(kind, target.clone())).filter(|backoff| backoff.entry == entry)
    }

    /// The tries in a row with unknown outcome of a write of `kind` to `target`, if its entry has not changed.
    pub fn unconfirmed(&self, kind: ActionKind, target: &Target, entry: &str) -> Option<Backoff> {
        let known = || self.unconfirmed.get(&(kind, target.clone())).cloned();
        self.with_crash(kind, target).or_else(known).filter(|backoff| backoff.entry == entry)
    }

    /// The tries in a row with unknown outcome, when the process crashed before the outcome of the last one.
    fn with_crash(&self, kind: ActionKind, target: &Target) -> Option<Backoff> {
        let of_it = |record: &&WriteRecord| record.write.kind == kind && record.write.target == *target;
        let last = self.writes.iter().rev().find(of_it)?;
        (last.outcome.is_none() && !last.resolved).then(|| {
            let before = self.unconfirmed.get(&(kind, target.clone())).cloned();
            let message = "no outcome was recorded".to_owned();
            one_more_unknown(before, last.id, last.at, message, last.write.entry.clone())
        })
    }

    /// The tries in a row with a failed proof of a write of `kind` to `target`, if its entry has not changed.
    pub fn unproven(&self, kind: ActionKind, target: &Target, entry: &str) -> Option<&Backoff> {
        self.unproven.get(&(kind, target.clone())).filter(|backoff| backoff.entry == entry)
    }

    /// The current refusals of writes to `target`, by action kind.
    pub fn refusals<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = (ActionKind, &'a Backoff)> {
        let of_it = move |((kind, of), backoff): (&(ActionKind, Target), _)| {
            (of == target).then_some((*kind, backoff))
        };
        self.refused.iter().filter_map(of_it)
    }

    /// The targets of writes of `kind` that were refused once and not retried.
    pub(crate) fn refused_once(&self, kind: ActionKind) -> impl Iterator<Item = Target> {
        let once =
            move |((of, _), backoff): &(&(ActionKind, Target), &Backoff)| *of == kind && backoff.times == 1;
        self.refused.iter().filter(once).map(|((_, target), _)| target.clone())
    }

    /// The writes that are still kept, oldest first: time, write, and outcome when it is known.
    pub fn writes(&self) -> impl Iterator<Item = (Stamp, &Write, Option<&Outcome>)> {
        self.writes.iter().map(|record| (record.at, &record.write, record.outcome.as_ref()))
    }

    /// The id of the next write.
    pub const fn next_id(&self) -> u64 {
        self.next_id
    }
}
