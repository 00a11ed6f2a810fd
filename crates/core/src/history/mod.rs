//! History: the facts of past passes, built from events. One pass knows nothing else about another.
//!
//! Every fact comes in through [`History::apply`], so that a history read from a journal and one kept in memory are equal.
//! The same fact twice in a row counts once. Facts are about accounts and numbers, not about the text of the state: an edit
//! erases none.

mod creates;
mod event;
mod facts;
mod held;
mod numbers;
mod pairs;
mod releases;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use creates::Creates;
pub use creates::{OpenCreate, WATCHED};
pub use event::{Event, Write};
use facts::{AccountFacts, CallsEnded};
pub use facts::{Applied, CloseDecision, OwnSuspension, SeenSuspension};
pub use held::{HeldItem, held_events};
use numbers::SeenNumbers;
use releases::Releases;
pub use releases::{ReleaseOrder, SettledRelease};
pub(crate) use writes::DATE_TOLERANCE;
use writes::WriteRecord;
pub use writes::{Backoff, LAG, pause};

use crate::{AccountSid, ActionKind, Now, NumberId, NumberSid, PhoneNumber, Stamp, Status, Target};

/// The time between two fetches of a missing number, before it counts as gone.
pub const GONE_AFTER: SignedDuration = SignedDuration::from_hours(24);
const SEARCH_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The most gaps between passes that are kept separately.
const MAX_GAPS: usize = 64;
/// The shortest time for which writes are kept, whatever the budget window is: late effects are recognized by them.
const MIN_KEPT: SignedDuration = SignedDuration::from_mins(10);

/// The facts of past passes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct History {
    /// True when it outlives the process.
    durable: bool,
    // Facts that grow with the fleet are shared with read-only copies until they change.
    accounts: Arc<BTreeMap<AccountSid, AccountFacts>>,
    numbers: Arc<SeenNumbers>,
    #[serde(with = "pairs::shared", skip_serializing_if = "pairs::is_empty")]
    held: Arc<BTreeMap<HeldItem, Timestamp>>,
    #[serde(skip_serializing_if = "Creates::is_none")]
    creates: Arc<Creates>,
    #[serde(skip_serializing_if = "Releases::is_none")]
    releases: Arc<Releases>,
    missing: BTreeMap<NumberId, Timestamp>,
    writes: Vec<WriteRecord>,
    #[serde(with = "pairs")]
    refused: BTreeMap<(ActionKind, Target), Backoff>,
    #[serde(with = "pairs")]
    unconfirmed: BTreeMap<(ActionKind, Target), Backoff>,
    #[serde(with = "pairs")]
    unproven: BTreeMap<(ActionKind, Target), Backoff>,
    #[serde(with = "pairs")]
    last_applied: BTreeMap<Target, Applied>,
    /// The digest of the desired settings of each number that the daemon configured last, unless that is known to be reverted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    configured: BTreeMap<PhoneNumber, String>,
    #[serde(with = "pairs")]
    reverted: BTreeMap<Target, Vec<Stamp>>,
    search: Option<(Timestamp, String, u32)>,
    attended: Option<Timestamp>,
    gaps: Vec<(Timestamp, Timestamp)>,
    next_id: u64,
}

impl History {
    /// Marks the history as outliving the process. Then a suspension that it does not know is not lifted.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Returns true when it outlives the process.
    pub const fn is_durable(&self) -> bool {
        self.durable
    }

    /// Applies facts, in their order.
    pub fn apply_all(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.apply(event));
    }

    /// Applies one fact.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Attended { at } => self.attend(at),
            Event::Unattended { from, to } => self.add_gap(from, to),
            Event::DesiredStatusChanged { account, status } => self.desired_status_changed(account, status),
            Event::CloseDecided { account, terms, since } => {
                self.facts(account).close = Some(Box::new(CloseDecision { terms, since }));
            }
            Event::CloseWithdrawn { account } => self.facts(account).close = None,
            Event::ReleaseOrdered { account, number, terms, since } => {
                self.orders().order(account, number, terms, since);
            }
            Event::ReleaseWithdrawn { account, number } => self.orders().withdraw(account, number),
            Event::ReleaseSeen { account, number, sid } => self.orders().see(account, number, sid),
            Event::ReleaseSettled { account, number, at } => self.orders().end(account, number, at),
            Event::AccountsSeen { accounts } => {
                for account in accounts {
                    self.facts(account).observed = true;
                }
            }
            Event::FoundSuspended { account } => self.facts(account).found_suspended = true,
            Event::SeenActive { account } => self.saw_active(account),
            Event::SeenSuspended { account, at, updated } => {
                self.facts(account).seen_suspended = Some(SeenSuspension { at, updated });
            }
            Event::SuspensionAttributed { account, updated } => self.attributed(account, updated),
            Event::SeenNamed { account, name } => self.facts(account).seen_named = Some(name),
            Event::NumbersSeen { account, numbers, in_transit: moving } => {
                self.missing.retain(|number, _| !numbers.contains_key(number));
                Arc::make_mut(&mut self.numbers).see(account, numbers, moving);
            }
            Event::ListSeenActive { account } => self.facts(account).list_seen_active = true,
            Event::NumberMissing { number, at } => {
                self.missing.entry(number).or_insert(at);
            }
            Event::NumberGone { number } => {
                self.missing.remove(&number);
                Arc::make_mut(&mut self.numbers).forget(number);
            }
            Event::Searched { at, state, found } => self.searched(at, state, found),
            Event::AccountAttributed { id, account } => {
                Arc::make_mut(&mut self.creates).attribute(id, account);
                self.resolve(id);
            }
            Event::SeenClosed { account } => Arc::make_mut(&mut self.creates).saw_closed(account),
            Event::CallsEnded { account, updated } => {
                self.facts(account).calls_ended = Some(CallsEnded { updated });
                self.unproven.remove(&(ActionKind::EndCalls, Target::Calls(account)));
            }
            Event::Resolved { id } => self.resolve(id),
            Event::Reverted { target, at } => {
                // A write is reverted once.
                let stood = self.last_applied.remove(&target).is_some();
                self.reverted(target, at, stood);
            }
            Event::SettingsReverted { number, at } => {
                let stood = self.configured.remove(&number).is_some();
                self.reverted(Target::Number(number), at, stood);
            }
            Event::SettingsSuperseded { number } => {
                self.configured.remove(&number);
            }
            Event::Held { at, items } => self.began_to_be_held(at, items),
            Event::NoLongerHeld { items } => self.ended_to_be_held(&items),
            Event::Superseded { target } => drop(self.last_applied.remove(&target)),
            Event::ProofFailed { kind, target, at, entry, seen } => {
                self.proof_failed(kind, target, at, entry, seen);
            }
            Event::Intent { id, at, write } => self.began(id, at, write),
            Event::Outcome { id, at, outcome } => self.ended(id, at, outcome),
        }
    }

    fn desired_status_changed(&mut self, account: AccountSid, status: Status) {
        let facts = self.facts(account);
        facts.desired_status = Some(status);
        facts.seen_active = false;
        // An edit before the first observation cannot refer to what it finds.
        facts.found_suspended = false;
    }

    fn attributed(&mut self, account: AccountSid, updated: Timestamp) {
        let own = OwnSuspension { at: Stamp::sure(updated), updated: Some(updated) };
        self.facts(account).suspended_by_us = Some(Box::new(own));
    }

    fn reverted(&mut self, target: Target, at: Stamp, stood: bool) {
        let times = self.reverted.entry(target).or_default();
        if stood || !times.contains(&at) {
            times.push(at);
        }
    }

    fn facts(&mut self, account: AccountSid) -> &mut AccountFacts {
        Arc::make_mut(&mut self.accounts).entry(account).or_default()
    }

    fn saw_active(&mut self, account: AccountSid) {
        let facts = self.facts(account);
        facts.seen_active = true;
        facts.found_suspended = false;
        facts.seen_suspended = None;
        facts.suspended_by_us = None;
        facts.calls_ended = None;
    }

    fn searched(&mut self, at: Timestamp, state: String, found: bool) {
        let before = self.search.take().filter(|(_, of, _)| *of == state);
        let failures = before.map_or(0, |(.., failures)| failures);
        self.search = (!found).then(|| (at, state, failures.saturating_add(1)));
    }

    /// Records a pass, and dates facts of a doubtful time: none of them is later than a trusted `at`.
    fn attend(&mut self, at: Timestamp) {
        self.attended = Some(at);
        if !self.has_doubtful_times() {
            return;
        }
        Arc::make_mut(&mut self.creates).date(at);
        let accounts = Arc::make_mut(&mut self.accounts);
        let own = accounts.values_mut().filter_map(|facts| facts.suspended_by_us.as_mut());
        let writes = self.writes.iter_mut().map(|record| &mut record.at).chain(own.map(|own| &mut own.at));
        let reverted = self.reverted.values_mut().flatten();
        let backoffs = self.refused.values_mut().chain(self.unconfirmed.values_mut());
        let backoffs = backoffs.chain(self.unproven.values_mut()).map(|backoff| &mut backoff.at);
        for stamp in writes.chain(reverted).chain(backoffs).filter(|stamp| stamp.unsure) {
            *stamp = Stamp::sure(at);
        }
    }

    fn add_gap(&mut self, from: Timestamp, to: Timestamp) {
        let closes = self.accounts.values().filter_map(|facts| facts.close.as_ref()?.since);
        let first = closes.chain(self.open_release_orders().filter_map(|(.., order)| order.since)).min();
        self.gaps.retain(|(_, until)| first.is_some_and(|first| *until > first));
        if !self.gaps.contains(&(from, to)) {
            self.gaps.push((from, to));
        }
        if self.gaps.len() > MAX_GAPS {
            // Two gaps and the time between them become one longer gap: a cooling-off period only grows.
            let (_, to) = self.gaps.remove(1);
            self.gaps[0].1 = to;
        }
    }

    /// The time of the last recorded pass, by a trusted clock.
    pub const fn attended(&self) -> Option<Timestamp> {
        self.attended
    }

    /// The time between `from` and `to` in which no pass read the state for longer than `longest`.
    pub fn unattended(&self, from: Timestamp, to: Timestamp, longest: SignedDuration) -> SignedDuration {
        let within = |(begin, end): &(Timestamp, Timestamp)| {
            end.min(&to).duration_since(*begin.max(&from)).max(SignedDuration::ZERO)
        };
        let long = |(begin, end): &&(Timestamp, Timestamp)| end.duration_since(*begin) > longest;
        self.gaps.iter().filter(long).map(within).fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// Returns true when any fact has a doubtful time.
    pub fn has_doubtful_times(&self) -> bool {
        let own = self.accounts.values().filter_map(|facts| facts.suspended_by_us.as_ref()).map(|own| own.at);
        let writes = self.writes.iter().map(|record| record.at);
        let backoffs = self.refused.values().chain(self.unconfirmed.values()).chain(self.unproven.values());
        let backoffs = backoffs.map(|backoff| backoff.at);
        let reverted = self.reverted.values().flatten().copied();
        let reverted = reverted.chain(self.creates.open().map(|(_, open)| open.last));
        own.chain(writes).chain(backoffs).chain(reverted).any(|stamp| stamp.unsure)
    }

    /// The desired status of `account` in the last pass that listed it.
    pub fn desired_status(&self, account: AccountSid) -> Option<Status> {
        self.accounts.get(&account)?.desired_status
    }

    /// Returns true when `account` was seen active since its desired status changed.
    pub fn seen_active(&self, account: AccountSid) -> bool {
        self.accounts.get(&account).is_some_and(|facts| facts.seen_active)
    }

    /// Returns true when `account` was suspended at its first observation, and was neither seen active nor had its desired
    /// status changed since.
    pub fn found_suspended(&self, account: AccountSid) -> bool {
        self.accounts.get(&account).is_some_and(|facts| facts.found_suspended)
    }

    /// The external suspension of `account` that was seen last while it was to close, since it was last seen active.
    pub fn seen_suspended(&self, account: AccountSid) -> Option<SeenSuspension> {
        self.accounts.get(&account)?.seen_suspended
    }

    /// Returns true when an earlier pass observed `account`.
    pub fn observed(&self, account: AccountSid) -> bool {
        self.accounts.get(&account).is_some_and(|facts| facts.observed)
    }

    /// The daemon's suspension of `account`, unless the account was seen active since.
    pub fn suspended_by_us(&self, account: AccountSid) -> Option<OwnSuspension> {
        self.accounts.get(&account)?.suspended_by_us.as_deref().copied()
    }

    /// The daemon's suspension of `account`, if Twilio dates it `updated`.
    pub fn own_suspension(&self, account: AccountSid, updated: Option<Timestamp>) -> Option<OwnSuspension> {
        self.suspended_by_us(account).filter(|own| own.updated.is_some() && own.updated == updated)
    }

    /// Returns true when a look found no call to end in the suspension of `account` that Twilio dates `updated`.
    pub fn calls_ended(&self, account: AccountSid, updated: Option<Timestamp>) -> bool {
        let ended = self.accounts.get(&account).and_then(|facts| facts.calls_ended);
        ended.is_some_and(|ended| ended.updated == updated)
    }

    /// The name of its entry under which `account` was last seen.
    pub fn seen_named(&self, account: AccountSid) -> Option<&str> {
        self.accounts.get(&account)?.seen_named.as_deref()
    }

    /// The current decision to close `account`.
    pub fn close_decision(&self, account: AccountSid) -> Option<&CloseDecision> {
        self.accounts.get(&account)?.close.as_deref()
    }

    /// The current decisions to close accounts.
    pub fn close_decisions(&self) -> impl Iterator<Item = (AccountSid, &CloseDecision)> {
        self.accounts.iter().filter_map(|(&account, facts)| Some((account, facts.close.as_deref()?)))
    }

    /// Returns true when the whole number list of `account` was read while it was active.
    pub fn list_seen_active(&self, account: AccountSid) -> bool {
        self.accounts.get(&account).is_some_and(|facts| facts.list_seen_active)
    }

    /// The numbers that `account` was last seen with, and that were not seen elsewhere since.
    pub fn numbers_of(&self, account: AccountSid) -> impl Iterator<Item = (NumberId, NumberSid)> {
        self.numbers.of(account).iter().copied()
    }

    /// The account that `number` was last seen in; `None` while it is in transit.
    pub fn owner(&self, number: impl Into<NumberId>) -> Option<AccountSid> {
        self.numbers.owner(number.into())
    }

    /// Returns true when `number` is known to be in `account` under this SID: only there or, if `moving` is true, also in
    /// transit.
    pub(crate) fn knows_number(
        &self,
        account: AccountSid,
        number: NumberId,
        sid: NumberSid,
        moving: bool,
    ) -> bool {
        let known = self.numbers.has(account, number) == Some(sid);
        known
            && (moving || self.numbers.owner(number) == Some(account))
            && !self.missing.contains_key(&number)
    }

    /// The time since which `number` is missing.
    pub fn missing_since(&self, number: impl Into<NumberId>) -> Option<Timestamp> {
        self.missing.get(&number.into()).copied()
    }

    /// The last write to each target that took effect and is not known to be reverted.
    pub fn last_applied(&self) -> impl Iterator<Item = (Target, Applied)> {
        self.last_applied.iter().map(|(target, &applied)| (target.clone(), applied))
    }

    /// The numbers whose settings the daemon made as desired, each with the digest of the desired settings.
    pub fn configured(&self) -> impl Iterator<Item = (PhoneNumber, &str)> {
        self.configured.iter().map(|(&number, settings)| (number, settings.as_str()))
    }

    /// The number of external reverts of the daemon's writes to `target` within `window`.
    pub fn times_reverted(&self, target: &Target, now: Now, window: SignedDuration) -> usize {
        let reverted = self.reverted.get(target).map_or(&[][..], Vec::as_slice);
        reverted.iter().filter(|at| at.within(now, window)).count()
    }

    /// Returns true when all number lists may be read again to find a missing number.
    pub fn may_search(&self, state: &str, now: Now) -> bool {
        self.search.as_ref().is_none_or(|(at, of, failures)| {
            of != state || Stamp::sure(*at).is_over(now, pause(SEARCH_PAUSE, *failures))
        })
    }

    /// Returns true when the last search for missing numbers of this state found some in no list.
    pub(crate) fn searched_in_vain(&self, state: &str) -> bool {
        self.search.as_ref().is_some_and(|(_, of, _)| of == state)
    }

    /// Returns true when [`prune`](Self::prune) would drop anything.
    pub fn is_ripe(&self, now: Now, window: SignedDuration) -> bool {
        let kept = window.max(MIN_KEPT);
        let reverted = self.reverted.values().flatten().any(|at| !at.within(now, window));
        reverted || self.writes.iter().any(|record| !record.at.within(now, kept))
    }

    /// Drops writes that are older than `window`; nothing is dropped while the clocks disagree.
    pub fn prune(&mut self, now: Now, window: SignedDuration) {
        let kept = window.max(MIN_KEPT);
        self.writes.retain(|record| record.at.within(now, kept));
        for reverted in self.reverted.values_mut() {
            reverted.retain(|at| at.within(now, window));
        }
        self.reverted.retain(|_, reverted| !reverted.is_empty());
    }

    /// The subaccounts that were never observed among `accounts`.
    pub(crate) fn unobserved(&self, accounts: impl Iterator<Item = AccountSid>) -> BTreeSet<AccountSid> {
        accounts.filter(|account| !self.observed(*account)).collect()
    }
}
