//! The desired state, valid by construction: only `manifest` makes one, and what was doubtful is not in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::{AccountSid, PhoneNumber, Status, TransferResources, digest::digest};

/// The content of the state, less everything that a fault makes doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Desired {
    pub(crate) main: Result<Main, String>,
    pub(crate) pause: Option<Pause>,
    pub(crate) faulty: bool,
    pub(crate) doubt: Doubt,
    pub(crate) accounts: BTreeMap<AccountSid, Entry>,
    pub(crate) frozen: BTreeSet<AccountSid>,
}

/// The reason for which nothing at all is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Pause {
    /// A readable document says `paused: true`, or something that is not a boolean.
    Declared,
    /// A fault hides an unknown number of entries or guards; one of these may have been a pause.
    Unreadable {
        /// The first file with such a fault, as a person would write it.
        file: String,
    },
}

/// The parts of the state that faults took out, for guards that must not weaken while it is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Entries that count as absent: each counts as one action of every action kind.
    pub entries: usize,
    /// Claims that count as absent: each counts as one transfer.
    pub claims: usize,
    /// An entry that counts as absent may hand all numbers of its account to the main account: transfers without number.
    pub moves: bool,
    /// The account of an entry cannot be told, so any account that no readable entry lists may be meant.
    pub unnamed: bool,
}

/// The resources that a claim names for its transfer. The short form names none, and nearly all of thousands
/// of claims have it.
pub type ClaimResources = Option<Box<TransferResources>>;

/// The main account, by which the state says for which credentials it is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Main {
    /// Its SID.
    pub sid: AccountSid,
    /// The numbers that must sit in it.
    pub numbers: BTreeMap<PhoneNumber, ClaimResources>,
    /// Suspensions of any account that the journal did not know may be lifted up to this time.
    pub lift_suspensions_before: Option<Timestamp>,
}

/// One listed subaccount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its SID.
    pub sid: AccountSid,
    /// The name it must have for anything to be done to it.
    pub friendly_name: Option<String>,
    /// The status it must have.
    pub desired_status: DesiredStatus,
    /// The numbers it must own.
    pub numbers: BTreeMap<PhoneNumber, ClaimResources>,
    /// Report, never act.
    pub paused: bool,
    /// Suspensions made by others up to this time may be lifted.
    pub lift_suspensions_before: Option<Timestamp>,
    /// The reason, in free text.
    pub reason: Option<String>,
    /// Anything, for plans, logs and the journal.
    pub labels: BTreeMap<String, String>,
}

/// A desired status. A close carries its terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum DesiredStatus {
    /// Usable.
    Active,
    /// Suspended.
    Suspended,
    /// Closed, on these terms.
    Closed(Box<CloseTerms>),
}

/// The terms that the state gives for a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseTerms {
    /// The friendly name as Twilio shows it: a second witness beside the SID.
    pub confirm: String,
    /// Not closed before this time.
    pub not_before: Option<Timestamp>,
    /// True when the numbers that it still holds, that no entry claims and that are not in `release`, move to
    /// the main account.
    pub move_numbers_to_main: bool,
    /// Numbers that may be lost with the account.
    pub release: BTreeSet<PhoneNumber>,
}

impl DesiredStatus {
    /// The word of the state.
    pub const fn status(&self) -> Status {
        match self {
            Self::Active => Status::Active,
            Self::Suspended => Status::Suspended,
            Self::Closed(_) => Status::Closed,
        }
    }
}

impl Doubt {
    /// Adds what else is in doubt.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { entries, claims, moves, unnamed } = other;
        self.entries += entries;
        self.claims += claims;
        self.moves |= moves;
        self.unnamed |= unnamed;
    }
}

impl CloseTerms {
    /// A digest that changes when the decision to close does: who is meant, what may be lost, where the rest goes. A
    /// later `not_before` is the same decision.
    pub fn digest(&self) -> String {
        let Self { confirm, not_before: _, move_numbers_to_main, release } = self;
        digest(&(confirm, move_numbers_to_main, release))
    }
}

impl Main {
    /// A digest that changes when anything that the state says of the main account changes.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl Entry {
    /// The terms of its close, when it is to be closed.
    pub const fn close(&self) -> Option<&CloseTerms> {
        match &self.desired_status {
            DesiredStatus::Closed(terms) => Some(terms),
            DesiredStatus::Active | DesiredStatus::Suspended => None,
        }
    }

    /// A digest that changes when anything the entry says changes.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// Returns true when the entry names the account otherwise than Twilio does.
    pub fn name_mismatches(&self, live_name: &str) -> bool {
        self.friendly_name.as_ref().is_some_and(|name| name != live_name)
            || self.close().is_some_and(|terms| terms.confirm != live_name)
    }
}

impl Desired {
    /// The main account, or why nothing at all can be done.
    pub fn main(&self) -> Result<&Main, &str> {
        self.main.as_ref().map_err(String::as_str)
    }

    /// True when the whole state is paused, or counts as paused.
    pub const fn paused(&self) -> bool {
        self.pause.is_some()
    }

    /// The reason for which the whole state is paused. A pause that a document declares comes before a fault.
    pub fn pause(&self) -> Option<Pause> {
        self.pause.clone()
    }

    /// The parts of the state that faults took out.
    pub const fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Returns true when there is any fault.
    pub const fn faulty(&self) -> bool {
        self.faulty
    }

    /// Accounts of which the state says something that has a fault.
    pub fn frozen(&self) -> impl Iterator<Item = AccountSid> {
        self.frozen.iter().copied()
    }

    /// The listed subaccounts, by SID.
    pub fn accounts(&self) -> impl Iterator<Item = &Entry> {
        self.accounts.values()
    }

    /// The entry of `sid`.
    pub fn entry(&self, sid: AccountSid) -> Option<&Entry> {
        self.accounts.get(&sid)
    }

    /// Returns true when no number may enter or leave `sid`: the state is paused, the entry of `sid` is
    /// paused, or that entry is faulty or may be.
    pub fn paused_for_numbers(&self, sid: AccountSid) -> bool {
        self.paused()
            || self.frozen.contains(&sid)
            || self.accounts.get(&sid).map_or_else(|| self.may_be_listed(sid), |entry| entry.paused)
    }

    /// Returns true when no readable entry lists `sid`, and an entry whose account cannot be told may be
    /// about that account.
    pub fn may_be_listed(&self, sid: AccountSid) -> bool {
        let is_main = self.main.as_ref().is_ok_and(|main| main.sid == sid);
        self.doubt.unnamed && !is_main && !self.accounts.contains_key(&sid)
    }

    /// Every claim: the account that must own the number, the number, and what the transfer needs.
    pub fn claims(&self) -> impl Iterator<Item = (AccountSid, PhoneNumber, Option<&TransferResources>)> {
        let of_main = self.main.iter().map(|main| (main.sid, &main.numbers));
        let of_entries = self.accounts.values().map(|entry| (entry.sid, &entry.numbers));
        of_main.chain(of_entries).flat_map(|(sid, numbers)| {
            numbers.iter().map(move |(number, resources)| (sid, *number, resources.as_deref()))
        })
    }

    /// The account that claims `number`, and what its claim says of the transfer.
    pub fn claim(&self, number: PhoneNumber) -> Option<(AccountSid, Option<&TransferResources>)> {
        let of_main = self.main.iter().map(|main| (main.sid, &main.numbers));
        let of_entries = self.accounts.values().map(|entry| (entry.sid, &entry.numbers));
        of_main
            .chain(of_entries)
            .find_map(|(sid, numbers)| numbers.get(&number).map(|resources| (sid, resources.as_deref())))
    }

    /// A digest that changes exactly when the meaning of the state does: not with a place, a comment or an order.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// Returns true when `other` says the same of these accounts and numbers, and of what concerns all of
    /// them: the main account, pauses, faults and what is in doubt.
    pub fn agrees_on(&self, other: &Self, accounts: &[AccountSid], numbers: &[PhoneNumber]) -> bool {
        let fleet = |state: &Self| {
            let main = state.main.as_ref().map(|main| (main.sid, main.lift_suspensions_before)).ok();
            (main, state.pause(), state.faulty, state.doubt.clone())
        };
        let same_account = |sid: &AccountSid| {
            self.accounts.get(sid) == other.accounts.get(sid)
                && self.frozen.contains(sid) == other.frozen.contains(sid)
        };
        let same_number = |number: &PhoneNumber| self.claim(*number) == other.claim(*number);
        fleet(self) == fleet(other) && accounts.iter().all(same_account) && numbers.iter().all(same_number)
    }

    /// Every claimed number and the account that claims it.
    pub fn claimants(&self) -> BTreeMap<PhoneNumber, AccountSid> {
        self.claims().map(|(account, number, _)| (number, account)).collect()
    }
}
