//! What past passes saw and did, folded from events. It is all that one pass may know of another.
//!
//! Every fact comes in through [`History::apply`], so that a history read from a journal and one kept in memory are
//! the same value.

mod event;
mod pairs;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use event::{Event, Write, WriteResult};

use crate::{AccountSid, Now, Object, PhoneNumber, Status, Verb};

/// A write and what is known of its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    id: u64,
    at: Timestamp,
    write: Write,
    /// `None` while it is under way; after a crash for ever, which is as good as unknown.
    result: Option<WriteResult>,
    /// A later write of the same verb on the same object took its place.
    replaced: bool,
    /// The unknown write whose place this one took.
    replaces: Option<u64>,
    /// For a suspension, when the daemon had suspended the account before.
    suspended_before: Option<Timestamp>,
}

impl Kept {
    /// Whether it was done, or may have been.
    const fn may_have_happened(&self) -> bool {
        match self.result {
            None | Some(WriteResult::Done | WriteResult::Unknown) => true,
            Some(WriteResult::Refused { .. } | WriteResult::Skipped) => false,
        }
    }

    const fn is_unknown(&self) -> bool {
        matches!(self.result, None | Some(WriteResult::Unknown))
    }
}

/// What is known of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountFacts {
    word: Option<Status>,
    seen_active: bool,
    suspended_by_us: Option<Timestamp>,
    closing: Option<Closing>,
}

/// What is known of an account since the state says `closed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closing {
    /// Since when, by Twilio's clock; `None` while that clock could not be trusted.
    pub since: Option<Timestamp>,
    /// The numbers it was seen with and that were not seen elsewhere since.
    pub unaccounted: BTreeSet<PhoneNumber>,
    /// Whether its whole list was read while it was active.
    pub list_seen_active: bool,
}

/// A refusal that is not to be repeated yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The id of the write that was refused last.
    pub id: u64,
    /// When that was.
    pub at: Timestamp,
    /// How often in a row.
    pub times: u32,
    /// Twilio's error code.
    pub code: Option<u32>,
    /// Twilio's words.
    pub message: String,
    /// The digest of the entry that asked for it.
    pub entry: String,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct History {
    accounts: BTreeMap<AccountSid, AccountFacts>,
    writes: Vec<Kept>,
    #[serde(with = "pairs")]
    refused: BTreeMap<(Verb, Object), Refused>,
    #[serde(with = "pairs")]
    standing: BTreeMap<Object, Write>,
    #[serde(with = "pairs")]
    undone: BTreeMap<Object, Vec<Timestamp>>,
    holders: BTreeMap<PhoneNumber, AccountSid>,
    search: Option<(Timestamp, String, u32)>,
    next_id: u64,
}

/// The n-th pause of a sequence that doubles from `first` up to one hour.
pub fn pause(first: SignedDuration, times: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(times.saturating_sub(1).min(20)).unwrap_or(i32::MAX);
    first.checked_mul(factor).unwrap_or(SignedDuration::MAX).min(SignedDuration::from_hours(1))
}

/// The first pause after a refusal.
pub(crate) const REFUSAL_PAUSE: SignedDuration = SignedDuration::from_secs(15);
const SEARCH_PAUSE: SignedDuration = SignedDuration::from_mins(1);

impl History {
    /// Takes in one fact.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Word { account, word } => {
                let facts = self.accounts.entry(account).or_default();
                facts.word = Some(word);
                facts.seen_active = false;
            }
            Event::SeenActive { account } => self.saw_active(account),
            Event::ClosingSince { account, since } => {
                self.closing_mut(account).since.get_or_insert(since);
            }
            Event::ClosingEnded { account } => self.accounts.entry(account).or_default().closing = None,
            Event::SeenHolding { account, numbers, while_active } => {
                let closing = self.closing_mut(account);
                closing.list_seen_active |= while_active;
                closing.unaccounted.extend(numbers);
            }
            Event::SeenElsewhere { account, number } => {
                self.closing_mut(account).unaccounted.remove(&number);
            }
            Event::SeenIn { number, account } => {
                self.holders.insert(number, account);
            }
            Event::Searched { at, state, found } => {
                let failures =
                    self.search.take().filter(|(_, of, _)| *of == state).map_or(0, |(.., failures)| failures);
                self.search = (!found).then_some((at, state, failures + 1));
            }
            Event::Undone { object, at } => {
                self.standing.remove(&object);
                self.undone.entry(object).or_default().push(at);
            }
            Event::Forgotten { object } => {
                self.standing.remove(&object);
            }
            Event::Intent { id, at, write } => self.began(id, at, write),
            Event::Outcome { id, at, result } => self.ended(id, at, result),
        }
    }

    fn closing_mut(&mut self, account: AccountSid) -> &mut Closing {
        self.accounts.entry(account).or_default().closing.get_or_insert_default()
    }

    fn saw_active(&mut self, account: AccountSid) {
        let facts = self.accounts.entry(account).or_default();
        facts.seen_active = true;
        facts.suspended_by_us = None;
    }

    fn began(&mut self, id: u64, at: Timestamp, write: Write) {
        self.next_id = self.next_id.max(id + 1);
        let same = |kept: &&mut Kept| {
            kept.write.verb == write.verb && kept.write.object == write.object && kept.may_have_happened()
        };
        // A free write costs nothing, so it must not take the place of one that does.
        let last = self.writes.iter_mut().rev().find(same).filter(|last| last.is_unknown() && !write.free);
        let replaces = last.map(|last| {
            last.replaced = true;
            last.id
        });
        // Until its end is known it may have happened, after a crash for ever.
        let suspended_before = match (write.verb, write.object) {
            (Verb::Suspend, Object::Account(account)) => {
                self.accounts.entry(account).or_default().suspended_by_us.replace(at)
            }
            _ => None,
        };
        self.writes.push(Kept { id, at, write, result: None, replaced: false, replaces, suspended_before });
    }

    /// The write `id` did not happen: the one whose place it took weighs again.
    fn did_not_happen(&mut self, write: &Write, replaces: Option<u64>, suspended_before: Option<Timestamp>) {
        if let Some(kept) = self.writes.iter_mut().rev().find(|kept| Some(kept.id) == replaces) {
            kept.replaced = false;
        }
        if let (Verb::Suspend, Object::Account(account)) = (write.verb, write.object) {
            self.accounts.entry(account).or_default().suspended_by_us = suspended_before;
        }
    }

    fn ended(&mut self, id: u64, at: Timestamp, result: WriteResult) {
        let Some(kept) = self.writes.iter_mut().rev().find(|kept| kept.id == id) else { return };
        kept.result = Some(result.clone());
        let (write, happened) = (kept.write.clone(), kept.may_have_happened());
        let (replaces, suspended_before) = (kept.replaces, kept.suspended_before);
        let key = (write.verb, write.object);
        if !happened {
            self.did_not_happen(&write, replaces, suspended_before);
        }
        if let WriteResult::Refused { code, message } = result {
            let before = self.refused.remove(&key).filter(|refused| refused.entry == write.entry);
            let times = before.map_or(0, |refused| refused.times) + 1;
            self.refused.insert(key, Refused { id, at, times, code, message, entry: write.entry });
            return;
        }
        if !happened {
            return;
        }
        self.refused.remove(&key);
        if let Object::Account(account) = write.object {
            match write.verb {
                Verb::Suspend => self.accounts.entry(account).or_default().suspended_by_us = Some(at),
                Verb::Reactivate if result == WriteResult::Done => self.saw_active(account),
                Verb::Reactivate | Verb::Transfer | Verb::Close => {}
            }
        }
        if result == WriteResult::Done {
            self.saw_moved(&write);
            self.standing.insert(write.object, write);
        }
    }

    /// The verified answer to a transfer shows the number in the account that gained it.
    fn saw_moved(&mut self, write: &Write) {
        if let (Object::Number(number), Some((from, _))) = (write.object, write.transfer)
            && let Some(closing) = self.accounts.get_mut(&from).and_then(|facts| facts.closing.as_mut())
        {
            closing.unaccounted.remove(&number);
        }
    }

    /// An id for the next write.
    pub const fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The last word that the state had for `account`.
    pub fn word(&self, account: AccountSid) -> Option<Status> {
        self.accounts.get(&account)?.word
    }

    /// Whether `account` was seen active since the state's present word.
    pub fn seen_active(&self, account: AccountSid) -> bool {
        self.accounts.get(&account).is_some_and(|facts| facts.seen_active)
    }

    /// When the daemon suspended `account`, unless it was seen active since.
    pub fn suspended_by_us(&self, account: AccountSid) -> Option<Timestamp> {
        self.accounts.get(&account)?.suspended_by_us
    }

    /// What is known of `account` since the state says `closed`.
    pub fn closing(&self, account: AccountSid) -> Option<&Closing> {
        self.accounts.get(&account)?.closing.as_ref()
    }

    /// The accounts for which the state was last known to say `closed`.
    pub fn closing_accounts(&self) -> impl Iterator<Item = (AccountSid, &Closing)> {
        self.accounts.iter().filter_map(|(&account, facts)| Some((account, facts.closing.as_ref()?)))
    }

    /// What the daemon did last to each object and what still stands, as far as is known.
    pub fn standing(&self) -> impl Iterator<Item = (Object, &Write)> {
        self.standing.iter().map(|(&object, write)| (object, write))
    }

    /// How often what the daemon did to `object` was undone by others within `window`.
    pub fn times_undone(&self, object: Object, now: Now, window: SignedDuration) -> usize {
        let undone = self.undone.get(&object).map_or(&[][..], Vec::as_slice);
        undone.iter().filter(|&&at| within(at, now, window)).count()
    }

    /// The refusal that a write of `verb` on `object` met last, if the entry that asks for it is still the same.
    pub fn refused(&self, verb: Verb, object: Object, entry: &str) -> Option<&Refused> {
        self.refused.get(&(verb, object)).filter(|refused| refused.entry == entry)
    }

    /// The writes that still weigh on a budget, oldest first: when, what, and how it ended when that is known.
    pub fn writes(&self) -> impl Iterator<Item = (Timestamp, &Write, Option<&WriteResult>)> {
        self.writes.iter().map(|kept| (kept.at, &kept.write, kept.result.as_ref()))
    }

    /// The refusals that writes on `object` met last.
    pub fn refusals(&self, object: Object) -> impl Iterator<Item = (Verb, &Refused)> {
        let of_it =
            move |((verb, of), refused): (&(Verb, Object), _)| (*of == object).then_some((*verb, refused));
        self.refused.iter().filter_map(of_it)
    }

    /// Where a claimed number was seen last, if it ever was elsewhere.
    pub fn holder(&self, number: PhoneNumber) -> Option<AccountSid> {
        self.holders.get(&number).copied()
    }

    /// Whether all number lists may be read again to find a missing number.
    pub fn may_search(&self, state: &str, now: Now) -> bool {
        self.search.as_ref().is_none_or(|(at, of, failures)| {
            of != state || now.best().duration_since(*at) >= pause(SEARCH_PAUSE, *failures)
        })
    }

    /// The objects on which a write of `verb` was spent within `window`; each with whether its last one is unknown.
    pub fn spent(&self, verb: Verb, now: Now, window: SignedDuration) -> Vec<(Object, bool)> {
        let costs = |kept: &&Kept| {
            kept.write.verb == verb
                && !kept.write.free
                && !kept.replaced
                && kept.may_have_happened()
                && within(kept.at, now, window)
        };
        self.writes.iter().filter(costs).map(|kept| (kept.write.object, kept.is_unknown())).collect()
    }

    /// How many numbers were or may have been released within `window`.
    pub fn released(&self, now: Now, window: SignedDuration) -> usize {
        let costs = |kept: &&Kept| !kept.replaced && kept.may_have_happened() && within(kept.at, now, window);
        self.writes.iter().filter(costs).map(|kept| kept.write.releases.len()).sum()
    }

    /// How many of them the last close of `account` may have released, while nobody knows how it ended.
    pub(crate) fn released_by_unknown(&self, account: AccountSid, now: Now, window: SignedDuration) -> usize {
        let of_it = |kept: &&Kept| {
            kept.write.object == Object::Account(account)
                && kept.write.verb == Verb::Close
                && kept.is_unknown()
                && !kept.replaced
                && within(kept.at, now, window)
        };
        self.writes.iter().filter(of_it).map(|kept| kept.write.releases.len()).sum()
    }

    /// Whether lifting the suspension of `account` undoes what the daemon did within `window`.
    pub fn reactivation_is_free(&self, account: AccountSid, now: Now, window: SignedDuration) -> bool {
        self.suspended_by_us(account).is_some_and(|at| within(at, now, window))
    }

    /// Whether moving `number` from `from` to `to` takes back a transfer of the daemon's within `window`.
    pub fn transfer_is_free(
        &self,
        number: PhoneNumber,
        from: AccountSid,
        to: AccountSid,
        now: Now,
        window: SignedDuration,
    ) -> bool {
        let moved = |kept: &&Kept| kept.write.object == Object::Number(number) && kept.may_have_happened();
        let last = self.writes.iter().rev().find(moved);
        last.is_some_and(|kept| {
            kept.write.transfer == Some((to, from)) && !kept.write.free && within(kept.at, now, window)
        })
    }

    /// Whether [`prune`](Self::prune) would drop anything.
    pub fn is_ripe(&self, now: Now, window: SignedDuration) -> bool {
        let undone = self.undone.values().flatten().copied();
        let mut times = self.writes.iter().map(|kept| kept.at).chain(undone);
        now.trusted().is_some() && times.any(|at| !within(at, now, window))
    }

    /// Drops writes that are older than `window`; nothing is dropped while the clocks disagree.
    pub fn prune(&mut self, now: Now, window: SignedDuration) {
        if now.trusted().is_some() {
            self.writes.retain(|kept| within(kept.at, now, window));
            for undone in self.undone.values_mut() {
                undone.retain(|&at| within(at, now, window));
            }
            self.undone.retain(|_, undone| !undone.is_empty());
        }
    }
}

/// Whether `at` is within the last `window`. While the clocks disagree nothing falls out of a window.
fn within(at: Timestamp, now: Now, window: SignedDuration) -> bool {
    now.trusted().is_none_or(|now| now.duration_since(at) < window)
}
