//! The reads that a pass needs, kind by kind.

use std::collections::{BTreeMap, BTreeSet};

use super::{Pass, Want};
use crate::{
    AccountSid, Claim, Entry, History, LiveStatus, NumberId, NumberList, NumberLocation, PhoneNumber, Status,
    Target,
    events::vanished,
    history::{GONE_AFTER, Write},
    plan::{CallsPhase, Context, calls_phase, receivers_in_need},
    reads::{first_lists, further_lists},
};

impl Pass<'_> {
    /// The accounts for which the list shows another status than a fresh write of the daemon.
    pub(super) fn contradicting_accounts(&mut self, history: &History) -> Vec<Want> {
        let writes = history.fresh_writes(self.now);
        let contradicts = |account: AccountSid, status: Status| {
            self.observed.account(account).is_some_and(|live| live.status != LiveStatus::Known(status))
        };
        let wants = writes.filter_map(|(write, _)| match (&write.target, write.status()) {
            (&Target::Account(account), Some(status)) if contradicts(account, status) => {
                Some(Want::Account(account))
            }
            // A list may show a new account late.
            (Target::Name(name), _) => {
                let created = history.created(name)?;
                self.observed.account(created).is_none().then_some(Want::Account(created))
            }
            (Target::Account(_) | Target::Calls(_) | Target::Number(_), _) => None,
        });
        wants.collect()
    }

    pub(super) fn first_lists(&mut self, history: &History) -> Vec<Want> {
        let mut lists = self.lists(first_lists(&self.desired, &self.observed, history));
        lists.append(&mut self.due_lists());
        lists
    }

    pub(super) fn further_lists(&mut self, history: &History) -> Vec<Want> {
        if self.searched {
            return Vec::new();
        }
        let mut lists = further_lists(&self.desired, &self.observed, history, &self.state, self.now);
        // What a search did not find in lists that were read for it, the lists as they are read again will show.
        let again = history.searched_in_vain(&self.state);
        lists.retain(|account| self.is_unread(*account) || (!again && self.is_older(*account)));
        self.searched = !lists.is_empty();
        lists.into_iter().map(Want::Numbers).collect()
    }

    /// The number lists that are not read yet.
    fn lists(&self, accounts: BTreeSet<AccountSid>) -> Vec<Want> {
        accounts.into_iter().filter(|account| self.is_unread(*account)).map(Want::Numbers).collect()
    }

    pub(super) fn is_unread(&self, account: AccountSid) -> bool {
        *self.observed.number_list(account) == NumberList::NotRead
    }

    /// The numbers that a fresh transfer of the daemon moved and the lists show elsewhere, and missing numbers.
    pub(super) fn numbers(&mut self, history: &History) -> Vec<Want> {
        let mut wants = Vec::new();
        let is_fresh = |(write, _): (&Write, bool)| matches!(write.target, Target::Number(_));
        let any_fresh = history.fresh_writes(self.now).any(is_fresh);
        let claims = if any_fresh { self.desired.claims_by_number() } else { BTreeMap::new() };
        for (write, _) in history.fresh_writes(self.now) {
            let Target::Number(phone) = write.target else { continue };
            let id = NumberId::Phone(phone);
            wants.extend(claims.get(&phone).and_then(|claim| self.contradicting_settings(phone, *claim)));
            wants.extend(self.released_but_listed(phone, write));
            let Some(((_, to), sid)) = write.transfer.zip(write.number_sid) else { continue };
            match self.observed.locate(id) {
                NumberLocation::In(owner, _) if owner == to => {}
                // The receiver does not show the number: the list is right when the owner shows it.
                NumberLocation::In(owner, number) if self.denied.contains(&id) => {
                    wants.push(Want::Number(owner, number.sid, id));
                }
                NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere => {
                    wants.push(Want::Number(to, sid, id));
                }
            }
        }
        wants.extend(self.left_closing_accounts(history));
        if let Some(now) = self.now.trusted() {
            let due = |id: NumberId| {
                history.missing_since(id).is_none_or(|since| now.duration_since(since) >= GONE_AFTER)
            };
            for (account, id, sid) in vanished(history, &self.desired, &self.observed) {
                if due(id) {
                    self.vanished.insert((account, id));
                    wants.push(Want::Number(account, sid, id));
                }
            }
        }
        wants
    }

    /// The number `phone`, which the daemon released recently, when the list of its account shows it all the same: the list
    /// may lag.
    fn released_but_listed(&self, phone: PhoneNumber, write: &Write) -> Option<Want> {
        let account = write.account?;
        match self.observed.locate(phone) {
            NumberLocation::In(owner, number) if owner == account && Some(number.sid) == write.number_sid => {
                Some(Want::Number(account, number.sid, NumberId::Phone(phone)))
            }
            NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere => None,
        }
    }

    /// The number `phone`, to which the daemon wrote recently, when its list does not show the desired settings: the list may
    /// lag.
    fn contradicting_settings(
        &self,
        phone: PhoneNumber,
        (claimant, claim): (AccountSid, Claim<'_>),
    ) -> Option<Want> {
        let NumberLocation::In(owner, number) = self.observed.locate(phone) else { return None };
        let differences = number.settings.as_ref()?.differences(&claim.settings());
        let differs = owner == claimant && differences != Ok(Vec::new());
        differs.then_some(Want::Number(owner, number.sid, NumberId::Phone(phone)))
    }

    /// The numbers that an account to close was seen with and that another list shows now: that list may lag, and the close
    /// must not forget the number.
    fn left_closing_accounts(&self, history: &History) -> Vec<Want> {
        let closing = self.desired.accounts().filter(|entry| entry.close().is_some()).map(|entry| entry.sid);
        let held =
            closing.flat_map(|account| history.numbers_of(account).map(move |number| (account, number)));
        let elsewhere = held.filter_map(|(account, (id, _))| match self.observed.locate(id) {
            NumberLocation::In(owner, number) if owner != account => {
                Some(Want::Number(owner, number.sid, id))
            }
            NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere => None,
        });
        elsewhere.collect()
    }

    /// The accounts whose claims are held because a transfer needs an address or a bundle: their addresses are named.
    pub(super) fn addresses(&mut self, history: &History) -> Vec<Want> {
        let policy = &self.guardrails.policy;
        let needing = receivers_in_need(&self.desired, &self.observed, history, policy, self.now);
        needing.into_iter().map(Want::Addresses).collect()
    }

    /// The calls of accounts that were seen suspended and whose calls are to be ended.
    pub(super) fn calls(&mut self, history: &History) -> Vec<Want> {
        let context = self.context(history);
        let not_read = |entry: &&Entry| {
            let account = self.observed.account(entry.sid);
            account
                .is_some_and(|account| matches!(calls_phase(&context, entry, account), CallsPhase::NotRead))
        };
        self.desired.accounts().filter(not_read).map(|entry| Want::Calls(entry.sid)).collect()
    }

    fn context<'b>(&'b self, history: &'b History) -> Context<'b> {
        let (desired, observed, policy) = (&*self.desired, &self.observed, &self.guardrails.policy);
        Context { desired, observed, history, policy, now: self.now }
    }
}
