//! The desired state, valid by construction: only `manifest` makes one, without the doubtful parts.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    AccountRef, AccountSid, Freeze, FriendlyName, Now, PhoneNumber, Planned, Status,
    allowance::{Allowance, Allowances},
    claim::{Claim, NumberDefaults, OwnDetails},
    digest::digest,
    window::{Window, held_by},
};

/// The desired state, without everything that a fault makes doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Desired {
    pub(crate) main: Result<Main, String>,
    pub(crate) pause: Option<Pause>,
    /// The freeze that the reader of the files found beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) freeze: Option<Freeze>,
    pub(crate) faulty: bool,
    pub(crate) doubt: Doubt,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) windows: Vec<Window>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) accounts: BTreeMap<AccountSid, Entry>,
    /// The entries without a SID.
    pub(crate) unpinned: BTreeMap<FriendlyName, Unpinned>,
    /// The accounts whose entries have no SID, by the name under which they were created: see [`Desired::resolved`].
    pub(crate) by_name: BTreeMap<AccountSid, FriendlyName>,
    pub(crate) frozen: BTreeSet<AccountSid>,
}

/// The reason why the whole state is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Pause {
    /// A person stopped all writes.
    Frozen(Freeze),
    /// A readable document has `paused: true`, or a value that is not a boolean.
    Declared,
    /// A fault hides an unknown number of entries or guards; one of them may be a pause.
    Unreadable {
        /// The name of the first file with such a fault.
        file: String,
    },
}

/// The parts of the state that faults took out, for guards that must not weaken meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The number of entries that count as absent: each counts as one action of every action kind.
    pub entries: usize,
    /// The number of claims that count as absent: each counts as one transfer.
    pub claims: usize,
    /// True when an entry that counts as absent may move all numbers of its account to the main account: an unknown number
    /// of transfers.
    pub moves: bool,
    /// True when the account of an entry is unknown, so that it may be any account that no readable entry lists.
    pub unnamed: bool,
}

/// The main account: the account of the credentials that the state is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Main {
    /// Its SID.
    pub sid: AccountSid,
    /// The phone numbers that it must own.
    pub numbers: BTreeMap<PhoneNumber, OwnDetails>,
    /// The terms of the claims that they do not name themselves.
    #[serde(skip_serializing_if = "NumberDefaults::is_empty")]
    pub number_defaults: NumberDefaults,
    /// The time up to which suspensions of accounts unknown to the journal may be lifted.
    pub lift_suspensions_before: Option<Timestamp>,
    /// The phone numbers that it must not have any more: given back to Twilio.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub release: BTreeMap<PhoneNumber, ReleaseTerms>,
}

/// An entry without a SID, which means the one account that the journal created for its name.
pub type Unpinned = Entry<()>;

/// One listed subaccount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry<S = AccountSid> {
    /// Its SID.
    pub sid: S,
    /// The name that it must have at Twilio, else it is not changed.
    pub friendly_name: Option<String>,
    /// The desired status.
    pub desired_status: DesiredStatus,
    /// True when its calls are ended once it is suspended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end_calls: bool,
    /// True when its actions go on, within the floor of their kind, while the others of that kind are over the limit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The phone numbers that it must own.
    pub numbers: BTreeMap<PhoneNumber, OwnDetails>,
    /// The terms of the claims that they do not name themselves.
    #[serde(skip_serializing_if = "NumberDefaults::is_empty")]
    pub number_defaults: NumberDefaults,
    /// The phone numbers that it must not have any more: given back to Twilio.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub release: BTreeMap<PhoneNumber, ReleaseTerms>,
    /// True when the account is reported, but never changed.
    pub paused: bool,
    /// The time up to which external suspensions may be lifted.
    pub lift_suspensions_before: Option<Timestamp>,
    /// The reason of the entry, in free text.
    pub reason: Option<String>,
    /// Key-value pairs, shown in plans, logs and the journal.
    pub labels: BTreeMap<String, String>,
}

/// A desired status. A close carries its terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum DesiredStatus {
    /// The account is usable.
    Active,
    /// The account is suspended.
    Suspended,
    /// The account is closed, on these terms.
    Closed(Box<CloseTerms>),
}

/// The terms of a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseTerms {
    /// The friendly name at Twilio, as a check of the SID.
    pub confirm: String,
    /// The earliest time of the close.
    pub not_before: Option<Timestamp>,
    /// True when numbers of the account that no entry claims and `release` does not list move to the main account.
    pub move_numbers_to_main: bool,
    /// The phone numbers that may be released with the account.
    pub release: BTreeSet<PhoneNumber>,
}

/// The terms of an order to release one phone number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseTerms {
    /// The earliest time of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The reason of the order, in free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReleaseTerms {
    /// A digest that changes with any change of the order. Another one is another order.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl DesiredStatus {
    /// The status, without terms.
    pub const fn status(&self) -> Status {
        match self {
            Self::Active => Status::Active,
            Self::Suspended => Status::Suspended,
            Self::Closed(_) => Status::Closed,
        }
    }
}

impl Doubt {
    /// Adds the doubts of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { entries, claims, moves, unnamed } = other;
        self.entries += entries;
        self.claims += claims;
        self.moves |= moves;
        self.unnamed |= unnamed;
    }
}

impl CloseTerms {
    /// A digest of the decision to close: it changes with the name, the released numbers and the move to the main account.
    /// Another `not_before` is the same decision.
    pub fn digest(&self) -> String {
        let Self { confirm, not_before: _, move_numbers_to_main, release } = self;
        digest(&(confirm, move_numbers_to_main, release))
    }
}

impl Main {
    /// A digest that changes with any change of the main account in the state.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl Unpinned {
    /// The same entry for the account `sid`.
    pub fn pinned(self, sid: AccountSid) -> Entry {
        let Self { sid: (), friendly_name, desired_status, numbers, number_defaults, release, .. } = self;
        let Self { paused, lift_suspensions_before, end_calls, urgent, reason, labels, .. } = self;
        Entry {
            sid,
            friendly_name,
            desired_status,
            end_calls,
            urgent,
            numbers,
            number_defaults,
            release,
            paused,
            lift_suspensions_before,
            reason,
            labels,
        }
    }
}

impl<S> Entry<S> {
    /// The terms of its close, when its desired status is `closed`.
    pub const fn close(&self) -> Option<&CloseTerms> {
        match &self.desired_status {
            DesiredStatus::Closed(terms) => Some(terms),
            DesiredStatus::Active | DesiredStatus::Suspended => None,
        }
    }

    /// The digest of its decision to close, when its desired status is `closed`. A number in its own `release` answers for a
    /// number that the account was seen with, so another one is another decision.
    pub fn close_digest(&self) -> Option<String> {
        let terms = self.close()?.digest();
        let released: BTreeSet<_> = self.release.keys().collect();
        Some(if released.is_empty() { terms } else { digest(&(terms, released)) })
    }

    /// A digest that changes with any change of the entry.
    pub fn digest(&self) -> String
    where
        S: Serialize,
    {
        digest(self)
    }

    /// Returns true when the entry has another name for the account than `live_name`, its name at Twilio.
    pub fn name_mismatches(&self, live_name: &str) -> bool {
        self.friendly_name.as_ref().is_some_and(|name| name != live_name)
            || self.close().is_some_and(|terms| terms.confirm != live_name)
    }
}

impl Desired {
    /// The main account, or the reason why nothing at all can be done.
    pub fn main(&self) -> Result<&Main, &str> {
        self.main.as_ref().map_err(String::as_str)
    }

    /// Returns true when the whole state is paused, counts as paused, or is frozen.
    pub const fn paused(&self) -> bool {
        self.freeze.is_some() || self.pause.is_some()
    }

    /// Returns true when the state itself is paused, or counts as paused, frozen or not.
    pub const fn paused_by_itself(&self) -> bool {
        self.pause.is_some()
    }

    /// The reason why the whole state is paused. A freeze comes before a declared pause, and that before a fault.
    pub fn pause(&self) -> Option<Pause> {
        self.freeze.clone().map(Pause::Frozen).or_else(|| self.pause.clone())
    }

    /// The freeze under which nothing is written.
    pub const fn freeze(&self) -> Option<&Freeze> {
        self.freeze.as_ref()
    }

    /// The same state under `freeze`, or under none.
    #[must_use]
    pub fn with_freeze(self, freeze: Option<Freeze>) -> Self {
        Self { freeze, ..self }
    }

    /// The parts of the state that faults took out.
    pub const fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Returns true when there is any fault.
    pub const fn faulty(&self) -> bool {
        self.faulty
    }

    /// The windows in which action kinds are not used.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The window that holds `planned` at `now`. Undoing a write of the daemon is never held.
    pub fn window(&self, planned: &Planned, now: Now, attended: Option<Timestamp>) -> Option<&Window> {
        let kind = planned.action.kind();
        (!planned.exempt).then(|| held_by(&self.windows, kind, now, attended)).flatten()
    }

    /// Returns true when the allowances that `planned` needs still count.
    pub fn still_allows(&self, planned: &Planned, now: Now) -> bool {
        let counts =
            |needed: &Allowance| Allowances::at(&self.allowances, true, now).of(needed.verb) == Some(needed);
        planned.allowances.iter().all(counts)
    }

    /// The limits that are raised for a time.
    pub fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    /// The accounts whose entries have a fault.
    pub fn frozen(&self) -> impl Iterator<Item = AccountSid> {
        self.frozen.iter().copied()
    }

    /// The same state, in which each entry without a SID whose account `created` names is the entry of that account. An account
    /// that another entry lists stays with that entry.
    pub fn resolved(&self, created: impl Fn(&FriendlyName) -> Option<AccountSid>) -> Cow<'_, Self> {
        let mut found: BTreeMap<AccountSid, FriendlyName> = BTreeMap::new();
        for name in self.unpinned.keys() {
            if let Some(sid) = created(name).filter(|sid| !self.accounts.contains_key(sid)) {
                found.entry(sid).or_insert_with(|| name.clone());
            }
        }
        if found.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut resolved = self.clone();
        for (sid, name) in found {
            if let Some(entry) = resolved.unpinned.remove(&name) {
                resolved.accounts.insert(sid, entry.pinned(sid));
                resolved.by_name.insert(sid, name);
            }
        }
        Cow::Owned(resolved)
    }

    /// The entries whose account is not known, by name.
    pub fn unpinned(&self) -> impl Iterator<Item = (&FriendlyName, &Unpinned)> {
        self.unpinned.iter()
    }

    /// The accounts whose entries are urgent.
    pub(crate) fn urgent(&self) -> impl Iterator<Item = AccountRef> {
        let listed = self.accounts.values().filter(|entry| entry.urgent).map(|entry| entry.sid.into());
        let unpinned = self.unpinned.iter().filter(|(_, entry)| entry.urgent);
        listed.chain(unpinned.map(|(name, _)| name.into()))
    }

    /// The name that the entry of `sid` has instead of a SID.
    pub fn name_of(&self, sid: AccountSid) -> Option<&FriendlyName> {
        self.by_name.get(&sid)
    }

    /// The number of listed subaccounts, with those whose account is not known.
    pub fn entry_count(&self) -> usize {
        self.accounts.len() + self.unpinned.len()
    }

    /// The number of claims, with those of entries whose account is not known.
    pub fn claim_count(&self) -> usize {
        self.claims().count() + self.unpinned_claims().count()
    }

    /// Every claim of an entry whose account is not known.
    pub fn unpinned_claims(&self) -> impl Iterator<Item = (&FriendlyName, PhoneNumber)> {
        self.unpinned.iter().flat_map(|(name, entry)| entry.numbers.keys().map(move |number| (name, *number)))
    }

    /// The reason and the labels of the entry of `account`.
    pub fn notes(&self, account: &AccountRef) -> Option<(Option<&str>, &BTreeMap<String, String>)> {
        match account {
            AccountRef::Sid(sid) => self.entry(*sid).map(|entry| (entry.reason.as_deref(), &entry.labels)),
            AccountRef::Name(name) => {
                self.unpinned.get(name).map(|entry| (entry.reason.as_deref(), &entry.labels))
            }
        }
    }

    /// The listed subaccounts, by SID.
    pub fn accounts(&self) -> impl Iterator<Item = &Entry> {
        self.accounts.values()
    }

    /// The entry of `sid`.
    pub fn entry(&self, sid: AccountSid) -> Option<&Entry> {
        self.accounts.get(&sid)
    }

    /// Returns true when no number may enter or leave `sid`: the state or the entry of `sid` is paused, or that entry has or
    /// may have a fault.
    pub fn paused_for_numbers(&self, sid: AccountSid) -> bool {
        self.paused()
            || self.frozen.contains(&sid)
            || self.accounts.get(&sid).map_or_else(|| self.may_be_listed(sid), |entry| entry.paused)
    }

    /// Returns true when no readable entry lists `sid`, and an entry without a readable SID may be its entry.
    pub fn may_be_listed(&self, sid: AccountSid) -> bool {
        let is_main = self.main.as_ref().is_ok_and(|main| main.sid == sid);
        self.doubt.unnamed && !is_main && !self.accounts.contains_key(&sid)
    }

    /// Every claim: the account that must own the phone number, the number, and the terms.
    pub fn claims(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, Claim<'_>)> {
        self.claimants_with_numbers().flat_map(|(sid, numbers, defaults)| {
            numbers.iter().map(move |(number, own)| (sid, *number, Claim::new(own.as_deref(), defaults)))
        })
    }

    /// The account that claims `number`, and the terms.
    pub fn claim(&self, number: PhoneNumber) -> Option<(AccountSid, Claim<'_>)> {
        self.claimants_with_numbers().find_map(|(sid, numbers, defaults)| {
            numbers.get(&number).map(|own| (sid, Claim::new(own.as_deref(), defaults)))
        })
    }

    /// Every account that may claim numbers, with its claims and defaults.
    fn claimants_with_numbers(
        &self,
    ) -> impl Iterator<Item = (AccountSid, &BTreeMap<PhoneNumber, OwnDetails>, &NumberDefaults)> {
        let of_main = self.main.iter().map(|main| (main.sid, &main.numbers, &main.number_defaults));
        let of_entries =
            self.accounts.values().map(|entry| (entry.sid, &entry.numbers, &entry.number_defaults));
        of_main.chain(of_entries)
    }

    /// Every order to release a phone number: the account that must not have it any more, the number, and the terms.
    pub fn releases(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, &ReleaseTerms)> {
        let of_main = self.main.iter().map(|main| (main.sid, &main.release));
        let of_entries = self.accounts.values().map(|entry| (entry.sid, &entry.release));
        let orders = of_main.chain(of_entries);
        orders.flat_map(|(sid, release)| release.iter().map(move |(number, terms)| (sid, *number, terms)))
    }

    /// The terms of the order to release `number` of `account`.
    pub fn release(&self, account: AccountSid, number: PhoneNumber) -> Option<&ReleaseTerms> {
        let of_main = self.main.as_ref().ok().filter(|main| main.sid == account).map(|main| &main.release);
        let of_entry = || self.accounts.get(&account).map(|entry| &entry.release);
        of_main.or_else(of_entry)?.get(&number)
    }

    /// Returns true when the state says readably what it wants of `account`.
    pub(crate) fn reads(&self, account: AccountSid) -> bool {
        let is_main = self.main.as_ref().is_ok_and(|main| main.sid == account);
        (is_main || self.accounts.contains_key(&account)) && !self.frozen.contains(&account)
    }

    /// Every claim by number, for many look-ups.
    pub fn claims_by_number(&self) -> BTreeMap<PhoneNumber, (AccountSid, Claim<'_>)> {
        self.claims().map(|(account, number, claim)| (number, (account, claim))).collect()
    }

    /// The numbers with settings that the state names. The settings of other numbers are not needed.
    pub fn numbers_with_settings(&self) -> BTreeSet<PhoneNumber> {
        self.claims().filter(|(.., claim)| claim.names_settings()).map(|(_, number, _)| number).collect()
    }

    /// A digest that changes exactly with the meaning of the state: not with locations, comments or order.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// Returns true when `other` agrees on these accounts, names of entries without a SID and numbers, and on everything that affects all of them: the main
    /// account, pauses, faults and doubts.
    pub fn agrees_on(&self, other: &Self, accounts: &[AccountRef], numbers: &[PhoneNumber]) -> bool {
        // An account that was found by its name in one of the states is the same in the other.
        let (of_self, of_other) = (self.created(), other.created());
        let ours = self.resolved(|name| of_other.get(name).copied());
        let theirs = other.resolved(|name| of_self.get(name).copied());
        ours.agrees_with(&theirs, accounts, numbers)
    }

    /// The accounts that entries without a SID were resolved to.
    fn created(&self) -> BTreeMap<&FriendlyName, AccountSid> {
        self.by_name.iter().map(|(sid, name)| (name, *sid)).collect()
    }

    fn agrees_with(&self, other: &Self, accounts: &[AccountRef], numbers: &[PhoneNumber]) -> bool {
        let fleet = |state: &Self| {
            let main = state.main.as_ref().map(|main| (main.sid, main.lift_suspensions_before)).ok();
            (main, state.pause(), state.faulty, state.doubt.clone(), state.windows.clone())
        };
        let same_account = |account: &AccountRef| match account {
            AccountRef::Sid(sid) => {
                self.accounts.get(sid) == other.accounts.get(sid)
                    && self.frozen.contains(sid) == other.frozen.contains(sid)
                    && self.defaults_of_main(*sid) == other.defaults_of_main(*sid)
            }
            AccountRef::Name(name) => self.unpinned.get(name) == other.unpinned.get(name),
        };
        let waits = |state: &Self, number: PhoneNumber| {
            state.unpinned_claims().find(|(_, of)| *of == number).map(|(name, _)| name.clone())
        };
        let same_number = |number: &PhoneNumber| {
            self.claim(*number) == other.claim(*number) && waits(self, *number) == waits(other, *number)
        };
        let same_order = |account: &AccountRef, number: &PhoneNumber| {
            account.sid().is_none_or(|sid| self.release(sid, *number) == other.release(sid, *number))
        };
        let same_orders = |number: &PhoneNumber| accounts.iter().all(|account| same_order(account, number));
        fleet(self) == fleet(other)
            && accounts.iter().all(same_account)
            && numbers.iter().all(|number| same_number(number) && same_orders(number))
    }

    /// The terms that `sid` gives for its numbers, when it is the main account.
    fn defaults_of_main(&self, sid: AccountSid) -> Option<&NumberDefaults> {
        let main = self.main.as_ref().ok().filter(|main| main.sid == sid);
        main.map(|main| &main.number_defaults)
    }

    /// Every claimed number and the account that claims it.
    pub fn claimants(&self) -> BTreeMap<PhoneNumber, AccountRef> {
        let known = self.claims().map(|(account, number, _)| (number, account.into()));
        known.chain(self.unpinned_claims().map(|(name, number)| (number, name.into()))).collect()
    }
}
