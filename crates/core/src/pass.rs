//! The pass, without I/O: it names the reads that it needs, takes their results, and ends with an approved plan.
//!
//! The daemon, `plan --from`, `import`, the simulation and the tests all drive this sequence:
//!
//! 1. [`Pass::begin`] returns the facts of the desired state.
//! 2. [`Pass::see_accounts`] takes the account list, and [`Pass::use_kept`] the number lists of earlier passes, if any.
//! 3. [`Pass::wants`] names the next reads, until there are none; [`Pass::see`] takes each answer.
//! 4. [`Pass::facts`] returns the facts of the observation, and [`Pass::plan`] the approved plan.
//! 5. After its execution, [`Pass::keep`] returns the number lists for the next pass, and [`Pass::remaining`] the remaining
//!    plan.
//!
//! The driver applies the facts to its history before the next step.

mod kept;
mod wants;

use std::{borrow::Cow, collections::BTreeSet};

use jiff::Timestamp;

use crate::{
    Account, AccountSid, Address, ApprovedPlan, CallList, Desired, Guardrails, History, Now, Number,
    NumberId, NumberList, NumberLocation, NumberSid, Observed, PhoneNumber, PlanError, Target, approve,
    events::{attention, call_events, desired_events, end_of_pass},
    execute::Execution,
    history::{CloseDecision, DATE_TOLERANCE, Event},
    plan::{check_main_account, plan},
    reads::{has_a_list, missing},
    remote::AccountList,
};

/// One pass over the fleet, driven as the module describes.
#[derive(Debug, Clone)]
pub struct Pass<'a> {
    /// The desired state, in which each entry without a SID whose account was created is the entry of that account.
    desired: Cow<'a, Desired>,
    guardrails: &'a Guardrails,
    main: AccountSid,
    /// The digest of the desired state: a search for missing numbers is repeated when it changes.
    state: String,
    now: Now,
    observed: Observed,
    asked: BTreeSet<Want>,
    /// `None` when every list that the plan needs is read in this pass.
    kept: Option<kept::Kept>,
    /// The numbers with settings that the state names: the settings of other numbers are not kept.
    with_settings: BTreeSet<PhoneNumber>,
    searched: bool,
    /// Numbers that a fresh transfer of the daemon moved, and that their receiving account does not show.
    denied: BTreeSet<NumberId>,
    /// Numbers that are fetched because they may be gone, with the accounts that they were last seen in.
    vanished: BTreeSet<(AccountSid, NumberId)>,
    /// Facts from fetching single numbers.
    looks: Vec<Event>,
    /// The start of the pass by a trusted clock; `None` in the first pass of a process.
    began: Option<Timestamp>,
    /// The last attended time before this pass.
    attended: Option<Timestamp>,
    /// New decisions to close, dated before the first `Date` of Twilio in this pass.
    decided: Vec<(AccountSid, CloseDecision)>,
    /// New orders to release a number, dated likewise: the account, the number, the digest of the terms and the date.
    ordered: Vec<(AccountSid, PhoneNumber, String, Option<Timestamp>)>,
}

/// One read that a pass needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// One account, because the list contradicts a fresh write of the daemon.
    Account(AccountSid),
    /// The number list of an account.
    Numbers(AccountSid),
    /// One number of an account, because the lists contradict a fresh write of the daemon, or do not contain it.
    Number(AccountSid, NumberSid, NumberId),
    /// The first addresses of an account, because a number that it claims is held for an address or a bundle.
    Addresses(AccountSid),
    /// The calls of a suspended account that have not ended.
    Calls(AccountSid),
}

/// The answer to a [`Want`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// The account, or the reason why it could not be read.
    Account(AccountSid, Result<Account, String>),
    /// The number list of an account.
    Numbers(AccountSid, NumberList),
    /// The number, if the account owns it, or the reason why it could not be read.
    Number(AccountSid, NumberId, Result<Option<Number>, String>),
    /// The first addresses, or the reason why they could not be read.
    Addresses(AccountSid, Result<Vec<Address>, String>),
    /// The calls of an account.
    Calls(AccountSid, CallList),
}

impl<'a> Pass<'a> {
    /// Begins a pass over the fleet of `main`, the account of the credentials, and returns the facts of the desired state,
    /// which count even when Twilio cannot be observed.
    pub fn begin(
        desired: &'a Desired,
        guardrails: &'a Guardrails,
        main: AccountSid,
        history: &History,
        now: Now,
    ) -> (Self, Vec<Event>) {
        let state = desired.digest();
        let desired = desired.resolved(|name| history.created(name));
        let events = desired_events(history, &desired, &guardrails.policy, now);
        let dated = events.iter().filter_map(|event| {
            let Event::CloseDecided { account, terms, since } = event else { return None };
            Some((*account, CloseDecision { terms: terms.clone(), since: *since }))
        });
        let ordered = events.iter().filter_map(|event| {
            let Event::ReleaseOrdered { account, number, terms, since } = event else { return None };
            Some((*account, *number, terms.clone(), *since))
        });
        let with_settings = desired.numbers_with_settings();
        let pass = Self {
            desired,
            guardrails,
            main,
            state,
            now,
            observed: Observed::new(main, []),
            asked: BTreeSet::new(),
            kept: None,
            with_settings,
            searched: false,
            denied: BTreeSet::new(),
            vanished: BTreeSet::new(),
            looks: Vec::new(),
            began: now.trusted(),
            attended: history.attended(),
            decided: dated.collect(),
            ordered: ordered.collect(),
        };
        (pass, events)
    }

    /// Checks that the state is for the account of the credentials. Needs no request.
    ///
    /// # Errors
    /// The reason why nothing can be planned.
    pub fn check_state(&self) -> Result<(), PlanError> {
        let main = self.desired.main().map_err(|why| PlanError(why.to_owned()))?;
        if main.sid == self.main { Ok(()) } else { Err(PlanError::other_main_account(main.sid, self.main)) }
    }

    /// Takes the account list, read at `now`.
    ///
    /// # Errors
    /// The reason why nothing can be planned.
    pub fn see_accounts(&mut self, list: AccountList, now: Now) -> Result<(), PlanError> {
        self.now = now;
        self.observed = Observed::from_list(self.main, list);
        check_main_account(&self.desired, &self.observed)
    }

    /// Takes the observation of a snapshot, and reads nothing else: a list that the snapshot lacks is not known, and never
    /// empty. Single accounts and numbers were confirmed when the snapshot was taken.
    ///
    /// # Errors
    /// The reason why nothing can be planned.
    pub fn recall(&mut self, observed: Observed, history: &History) -> Result<(), PlanError> {
        self.observed = observed;
        check_main_account(&self.desired, &self.observed)?;
        let accounts: Vec<_> = self.observed.accounts().map(|account| account.sid).collect();
        for account in accounts {
            if has_a_list(&self.observed, account) && self.is_unread(account) {
                self.observed.add_number_list(account, NumberList::NotInSnapshot);
            }
        }
        loop {
            let wants = self.wants(history);
            if wants.is_empty() {
                return Ok(());
            }
            for want in wants {
                match want {
                    Want::Calls(account) => {
                        self.see(Answer::Calls(account, CallList::NotInSnapshot), history);
                    }
                    // Every list is in the observation, or known to lack.
                    Want::Account(_) | Want::Numbers(_) | Want::Number(..) | Want::Addresses(_) => {}
                }
            }
        }
    }

    /// The next reads; empty when the plan can be made. First the accounts for which the list contradicts a fresh write, then
    /// the number lists that the plan needs or that are due, then kept lists that others contradict, then all other lists while
    /// a number is missing, then single numbers, then the addresses of accounts whose claims are held for one, then calls, then
    /// kept lists on which an action rests.
    pub fn wants(&mut self, history: &History) -> Vec<Want> {
        let stages = [
            Self::contradicting_accounts,
            Self::first_lists,
            Self::contradicted_lists,
            Self::further_lists,
            Self::numbers,
            Self::addresses,
            Self::calls,
            Self::lists_to_act_on,
        ];
        for stage in stages {
            let wants: Vec<_> =
                stage(self, history).into_iter().filter(|want| self.asked.insert(*want)).collect();
            if !wants.is_empty() {
                return wants;
            }
        }
        Vec::new()
    }

    /// Takes the answer of one read.
    pub fn see(&mut self, answer: Answer, history: &History) {
        match answer {
            Answer::Account(_, Ok(account)) => self.observed.set_account(account),
            Answer::Account(account, Err(why)) => self.observed.set_unreadable(account, why),
            Answer::Numbers(account, mut list) => {
                if let NumberList::Known(numbers) = &mut list {
                    for number in numbers {
                        self.keep_named_settings(number);
                    }
                }
                self.is_read_now(account);
                self.observed.add_number_list(account, list);
            }
            Answer::Addresses(account, Ok(addresses)) => self.observed.set_addresses(account, addresses),
            // They only make a remedy more useful.
            Answer::Addresses(_, Err(_)) => {}
            Answer::Number(account, id, mut number) => {
                if let Ok(Some(number)) = &mut number {
                    self.keep_named_settings(number);
                }
                self.compare_with_lists(account, id, &number);
                self.see_number(account, id, number, history);
            }
            Answer::Calls(account, calls) => self.observed.set_calls(account, Some(calls)),
        }
    }

    /// Drops the settings of a number for which the state names none: a fleet has many of them.
    fn keep_named_settings(&self, number: &mut Number) {
        if number.phone.is_none_or(|phone| !self.with_settings.contains(&phone)) {
            number.settings = None;
        }
    }

    fn see_number(
        &mut self,
        account: AccountSid,
        id: NumberId,
        number: Result<Option<Number>, String>,
        history: &History,
    ) {
        let verified = history
            .fresh_writes(self.now)
            .filter(|(write, verified)| {
                *verified && id.phone().map(Target::Number).as_ref() == Some(&write.target)
            })
            .find_map(|(write, _)| write.transfer);
        match (number, verified) {
            (Ok(Some(number)), _) => {
                // Twilio shows it under another phone number, or without one: the lists are not believed either.
                if number.id() != id {
                    self.observed.doubt_number(id);
                }
                self.observed.place_number(account, number);
            }
            (Ok(None), Some((_, to))) if account == to => match self.observed.locate(id) {
                NumberLocation::In(..) => {
                    self.denied.insert(id);
                }
                // A single 404 does not disprove the answer that showed the number there.
                NumberLocation::InTransit | NumberLocation::Nowhere => self.observed.doubt_number(id),
            },
            (Ok(None) | Err(_), Some(_)) => self.observed.doubt_number(id),
            // The list of the account lags behind the release.
            (Ok(None), None) if history.released_freshly(account, id, self.now) => {
                self.observed.remove_number(account, id);
            }
            // A missing number at the receiver of a lost transfer says nothing about the account that it did not leave.
            (Ok(None), None)
                if self.vanished.contains(&(account, id))
                    && self.observed.locate(id) == NumberLocation::Nowhere =>
            {
                let Some(at) = self.now.trusted() else { return };
                self.looks.push(match history.missing_since(id) {
                    None => Event::NumberMissing { number: id, at },
                    Some(_) => Event::NumberGone { number: id },
                });
            }
            // The list may lag: the number may still be in the account to close.
            (Ok(None) | Err(_), None) => match self.observed.locate(id) {
                NumberLocation::In(owner, _) if owner == account => self.observed.doubt_number(id),
                NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere => {}
            },
        }
    }

    /// The facts of the observation, once nothing more is wanted. `now` is the time after the last read: what a pass saw may
    /// have happened after it began.
    pub fn facts(&mut self, history: &History, now: Now) -> Vec<Event> {
        let mut events = self.gap(history, now);
        events.append(&mut self.dated_decisions(history, now));
        events.append(&mut self.dated_orders(history, now));
        self.now = now;
        events.append(&mut self.observed_facts(history));
        events.append(&mut call_events(history, &self.desired, &self.observed, self.now));
        events.append(&mut self.looks);
        if self.searched {
            let found = missing(&self.desired, &self.observed, history).is_empty();
            events.push(Event::Searched { at: self.now.best(), state: self.state.clone(), found });
        }
        events
    }

    /// The gap before this pass, when it was unknown at the start: a new process has no trusted time before Twilio's first
    /// answer. What was read of the state since then was recorded with its own gap.
    fn gap(&self, history: &History, now: Now) -> Vec<Event> {
        let policy = &self.guardrails.policy;
        if self.began.is_none() && history.attended() == self.attended {
            attention(history, policy, self.now)
        } else {
            end_of_pass(history, policy, now)
        }
    }

    /// The decisions of the start, dated again by Twilio's clock in this pass when that differs: the earlier time was advanced
    /// by a clock that may have stopped while the machine slept. Other decisions without a date, of an earlier pass or of an
    /// edit during this one, are dated `now`. No cooling-off period starts before its decision.
    fn dated_decisions(&mut self, history: &History, now: Now) -> Vec<Event> {
        let (listed, now) = (self.now.trusted(), now.trusted());
        let is_right = |since: Option<Timestamp>| is_date_right(listed, since);
        // An edit during the pass may have withdrawn or changed a decision.
        let mut began = std::mem::take(&mut self.decided);
        began.retain(|(account, decision)| history.close_decision(*account) == Some(decision));
        let undated = history.close_decisions().filter(|(account, decision)| {
            decision.since.is_none() && now.is_some() && began.iter().all(|(other, _)| other != account)
        });
        let undated = undated.map(|(account, decision)| (account, decision.terms.clone(), now));
        let wrong = began.iter().filter(|(_, decision)| !is_right(decision.since));
        let redated = wrong.map(|(account, decision)| (*account, decision.terms.clone(), listed));
        let dated = redated.chain(undated);
        dated.map(|(account, terms, since)| Event::CloseDecided { account, terms, since }).collect()
    }

    /// The orders of the start, dated again as the decisions are, and other orders without a date.
    fn dated_orders(&mut self, history: &History, now: Now) -> Vec<Event> {
        let (listed, now) = (self.now.trusted(), now.trusted());
        let mut began = std::mem::take(&mut self.ordered);
        // An edit during the pass may have withdrawn or changed an order.
        began.retain(|(account, number, terms, since)| {
            let order = history.release_order(*account, *number);
            order.is_some_and(|order| order.terms == *terms && order.since == *since)
        });
        let is_new = |of: AccountSid, which: PhoneNumber| {
            began.iter().any(|(account, number, ..)| (*account, *number) == (of, which))
        };
        let undated = history.release_orders().filter(|(account, number, order)| {
            order.since.is_none() && now.is_some() && !is_new(*account, *number)
        });
        let undated = undated.map(|(account, number, order)| (account, number, order.terms.clone(), now));
        let wrong = began.iter().filter(|(.., since)| !is_date_right(listed, *since));
        let redated = wrong.map(|(account, number, terms, _)| (*account, *number, terms.clone(), listed));
        let dated = redated.chain(undated);
        dated
            .map(|(account, number, terms, since)| Event::ReleaseOrdered { account, number, terms, since })
            .collect()
    }

    /// The approved plan, after the facts were applied to history.
    ///
    /// # Errors
    /// The reason why nothing can be planned.
    pub fn plan(&self, history: &History) -> Result<ApprovedPlan, PlanError> {
        let mut approved = self.approve(history)?;
        self.hold_unproven(&mut approved);
        Ok(approved)
    }

    fn approve(&self, history: &History) -> Result<ApprovedPlan, PlanError> {
        let plan = plan(&self.desired, &self.observed, history, &self.guardrails.policy, self.now)?;
        Ok(approve(plan, &self.guardrails.limits, history, self.now))
    }

    /// Takes the execution, and returns the remaining plan.
    ///
    /// # Errors
    /// The reason why nothing can be planned.
    pub fn remaining(&mut self, execution: &Execution, history: &History) -> Result<ApprovedPlan, PlanError> {
        let observed = std::mem::replace(&mut self.observed, Observed::new(self.main, []));
        self.observed = execution.after(observed);
        if let Cow::Owned(resolved) = self.desired.resolved(|name| history.created(name)) {
            self.desired = Cow::Owned(resolved);
        }
        self.plan(history)
    }

    /// The desired state, in which each entry without a SID whose account was created is the entry of that account.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The current observation.
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// The time of the pass.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// The desired state, the observation and its time, at the end of the pass.
    pub fn into_parts(self) -> (Cow<'a, Desired>, Observed, Now) {
        (self.desired, self.observed, self.now)
    }
}

/// Returns true when `since` is the date of a decision that a pass read at `listed`, by Twilio's clock.
fn is_date_right(listed: Option<Timestamp>, since: Option<Timestamp>) -> bool {
    match (listed, since) {
        (Some(listed), Some(since)) => listed.duration_since(since) <= DATE_TOLERANCE,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
