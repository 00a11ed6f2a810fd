//! The kept lists of a pass: which of them it believes, and which it reads again before it acts.
//!
//! A pass plans on kept lists and reads those on which its actions rest, until no action rests on one. What holds an action
//! and could be gone is read again too.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Pass, Want};
use crate::{
    AccountSid, Action, ApprovedPlan, Held, History, Number, NumberId, NumberLocation, Reason,
    events::{call_events, observation_events, vanished},
    history::{Event, Write},
    kept_lists::{KeptList, KeptLists},
    observed::RETRIED,
    plan::hold,
    reads::has_a_list,
};

/// The lists of earlier passes in this one.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// As they were handed in.
    lists: KeptLists,
    /// The start of this pass.
    at: Timestamp,
    /// The lists that this pass believes and has not read.
    older: BTreeMap<AccountSid, Arc<KeptList>>,
    /// The accounts whose lists are to be read in this pass because of their age.
    due: BTreeSet<AccountSid>,
    /// The accounts whose lists a fetch of one number contradicts: they may lag, and are not kept.
    contradicted: BTreeSet<AccountSid>,
}

impl Pass<'_> {
    /// Takes the lists of earlier passes, after the account list. Without them a pass reads every list that it needs.
    pub fn use_kept(&mut self, lists: KeptLists) {
        let open = self.observed.accounts().map(|account| account.sid);
        let open: BTreeSet<_> = open.filter(|account| has_a_list(&self.observed, *account)).collect();
        let at = self.now.best();
        let mut older = lists.standing((&self.desired, &self.state), &self.observed, &self.with_settings);
        older.retain(|account, _| open.contains(account));
        let due = lists.due(&open, &older, at);
        for (account, kept) in &older {
            self.observed.add_shared_list(*account, Arc::clone(&kept.list));
        }
        self.kept = Some(Kept { lists, at, older, due, contradicted: BTreeSet::new() });
    }

    /// The lists to hand to the next pass, after `approved` was executed and before [`remaining`](Self::remaining); `None` when
    /// none are kept. What a write touched is read again.
    pub fn keep(&self, approved: &ApprovedPlan, history: &History) -> Option<KeptLists> {
        let Kept { lists, at, older, contradicted, .. } = self.kept.as_ref()?;
        let written = approved.plan().actions.iter().flat_map(|planned| touched(&planned.action));
        let fresh = history.fresh_writes(self.now).filter_map(|(write, _): (&Write, bool)| write.transfer);
        let mut changed: BTreeSet<_> = written.chain(fresh.flat_map(|(from, to)| [from, to])).collect();
        changed.extend(contradicted);
        let mut kept = lists.after(&self.state, *at, changed.clone());
        let accounts = self.observed.accounts().map(|account| account.sid);
        let is_kept =
            |account: &AccountSid| has_a_list(&self.observed, *account) && !changed.contains(account);
        for account in accounts.filter(is_kept) {
            let read_now = || KeptList::new(account, &self.desired, &self.observed, *at).map(Arc::new);
            if let Some(list) = older.get(&account).cloned().or_else(read_now) {
                kept.insert(account, list);
            }
        }
        Some(kept)
    }

    /// The time at which the oldest list of this observation was read: the start of its pass. `None` without any list.
    pub fn oldest_list(&self) -> Option<Timestamp> {
        let at = self.kept.as_ref().map_or_else(|| self.now.best(), |kept| kept.at);
        let older = self.kept.as_ref().map(|kept| &kept.older);
        let read_at = |account| older.and_then(|older| older.get(&account)).map_or(at, |kept| kept.read_at);
        self.observed.lists().map(|(account, _)| read_at(account)).min()
    }

    /// Returns true when the list of `account` was not read in this pass.
    pub(super) fn is_older(&self, account: AccountSid) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.older.contains_key(&account))
    }

    /// Records that the list of `account` was read, or could not be read: what was kept of it is not believed any more.
    pub(super) fn is_read_now(&mut self, account: AccountSid) {
        if let Some(kept) = &mut self.kept {
            kept.older.remove(&account);
        }
    }

    /// Records what a fetch of the number `id` in `account` says of the lists: those that it contradicts are not kept.
    pub(super) fn compare_with_lists(
        &mut self,
        account: AccountSid,
        id: NumberId,
        fetched: &Result<Option<Number>, String>,
    ) {
        let Some(kept) = &mut self.kept else { return };
        let located = self.observed.locate(id);
        if matches!((located, fetched), (NumberLocation::In(owner, row), Ok(Some(number))) if owner == account && row == number)
        {
            return;
        }
        let shows = |numbers: &[Number]| numbers.iter().any(|number| number.id() == id);
        let holders = self.observed.lists().filter(|(_, numbers)| shows(numbers)).map(|(holder, _)| holder);
        kept.contradicted.extend(holders);
        kept.contradicted.insert(account);
    }

    /// The lists that are due because of their age.
    pub(super) fn due_lists(&self) -> Vec<Want> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let unread = |account: &&AccountSid| self.is_older(**account) || self.is_unread(**account);
        kept.due.iter().filter(unread).copied().map(Want::Numbers).collect()
    }

    /// Kept lists that another one contradicts, or on which a fact would rest: a number in two lists of different times is not
    /// in transit, and one that an old list lacks is not missing.
    pub(super) fn contradicted_lists(&mut self, history: &History) -> Vec<Want> {
        let Some(kept) = self.kept.as_ref().filter(|kept| !kept.older.is_empty()) else { return Vec::new() };
        let several = self.observed.in_several_lists();
        let shows_one = |account: &AccountSid| {
            let numbers = self.observed.numbers(*account).unwrap_or_default();
            numbers.iter().any(|number| several.contains(&number.id()))
        };
        let in_several =
            kept.older.keys().copied().filter(|account| !several.is_empty() && shows_one(account));
        let missed = vanished(history, &self.desired, &self.observed);
        let missed =
            missed.into_iter().map(|(account, ..)| account).filter(|account| self.is_older(*account));
        let all: BTreeSet<_> = in_several.chain(missed).collect();
        all.into_iter().map(Want::Numbers).collect()
    }

    /// Kept lists on which an action of the plan rests, and those that may no longer hold one.
    pub(super) fn lists_to_act_on(&mut self, history: &History) -> Vec<Want> {
        if self.kept.as_ref().is_none_or(|kept| kept.older.is_empty()) {
            return Vec::new();
        }
        let mut facts = self.observed_facts(history);
        facts.append(&mut call_events(history, &self.desired, &self.observed, self.now));
        facts.extend(self.looks.iter().cloned());
        let mut history = Cow::Borrowed(history);
        if !facts.is_empty() {
            history.to_mut().apply_all(facts);
        }
        // The driver gets the error from the same plan.
        let Ok(approved) = self.approve(&history) else { return Vec::new() };
        let plan = approved.plan();
        let acted_on = plan.actions.iter().flat_map(|planned| touched(&planned.action));
        let waiting = plan.held.iter().filter_map(|held| self.may_be_lifted(held));
        let accounts: BTreeSet<_> =
            acted_on.chain(waiting).filter(|account| self.is_older(*account)).collect();
        accounts.into_iter().map(Want::Numbers).collect()
    }

    /// The facts of the observation, without those on orders that only a list of an earlier pass tells: it may be older than
    /// the order.
    pub(super) fn observed_facts(&self, history: &History) -> Vec<Event> {
        let mut facts = observation_events(history, &self.desired, &self.observed, self.now);
        facts.retain(|fact| {
            !matches!(
                fact,
                Event::ReleaseSeen { account, .. } | Event::ReleaseSettled { account, .. } if self.is_older(*account)
            )
        });
        facts
    }

    /// The account whose list may end `held`, when it is read.
    fn may_be_lifted(&self, held: &Held) -> Option<AccountSid> {
        let on_its_way = |number| matches!(self.observed.locate(number), NumberLocation::InTransit);
        let is_it = match held.reason {
            Reason::StillHoldsNumbers | Reason::UnknownNumber | Reason::EmergencyAddress => true,
            Reason::Unreadable => held.number.is_some_and(on_its_way),
            Reason::UnknownAccount
            | Reason::AmbiguousName
            | Reason::Unconfirmed
            | Reason::AlreadyClosed
            | Reason::Paused
            | Reason::NameMismatch
            | Reason::SuspendedElsewhere
            | Reason::TargetNotActive
            | Reason::NeedsAddress
            | Reason::NeedsBundle
            | Reason::StateFaults
            | Reason::CoolingOff
            | Reason::Contested
            | Reason::RefusedByTwilio
            | Reason::NotAllowed
            | Reason::OutsideWindow
            | Reason::OverLimit => false,
        };
        is_it.then(|| held.account.sid()).flatten()
    }

    /// Holds each action that rests on a list of an earlier pass, and what would go on beside it. That can only be one that
    /// became due while this pass read: the next one reads the list first.
    pub(super) fn hold_unproven(&self, approved: &mut ApprovedPlan) {
        let Some(kept) = self.kept.as_ref().filter(|kept| !kept.older.is_empty()) else { return };
        let accounts: Vec<BTreeSet<_>> =
            approved.plan().actions.iter().map(|planned| touched(&planned.action).collect()).collect();
        let mut stale: BTreeSet<_> =
            accounts.iter().flatten().copied().filter(|account| kept.older.contains_key(account)).collect();
        if stale.is_empty() {
            return;
        }
        loop {
            let beside = accounts.iter().filter(|of| !of.is_disjoint(&stale));
            let more: BTreeSet<_> = beside.flatten().copied().collect();
            if more.is_subset(&stale) {
                break;
            }
            stale.extend(more);
        }
        approved.hold(|action| {
            let account = touched(action).find(|account| stale.contains(account))?;
            let message = format!("{action}: the number list of {account} was not read in this pass");
            Some(hold(Reason::Unreadable, message, RETRIED))
        });
    }
}

/// The accounts that `action` changes.
fn touched(action: &Action) -> impl Iterator<Item = AccountSid> {
    let giver = if let Action::Transfer(transfer) = action { Some(transfer.from) } else { None };
    action.account().sid().into_iter().chain(giver)
}
