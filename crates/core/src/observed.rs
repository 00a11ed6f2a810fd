//! What one pass saw at Twilio: the accounts, and the number lists that were read.
//!
//! What was not read, or could not be read, is a value of its own and never an empty list.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountSid, NumberSid, PhoneNumber, Status, Ties};

/// An account as Twilio shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The parent; a main account is its own. `None` when Twilio did not say.
    pub owner: Option<AccountSid>,
    /// The friendly name, empty when Twilio gave none.
    pub friendly_name: String,
    /// The status, or the word that stood in its place.
    pub status: LiveStatus,
    /// When Twilio last changed the account.
    pub date_updated: Option<Timestamp>,
}

/// A status as read: Twilio's enumerations may grow (facts: "unknown enum values occur").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LiveStatus {
    /// One of the three.
    Known(Status),
    /// Another word, or none: nothing may be decided on it.
    Unknown(String),
}

impl fmt::Display for LiveStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(status) => status.fmt(f),
            Self::Unknown(word) => f.write_str(word),
        }
    }
}

impl LiveStatus {
    /// The status, when it is one of the three.
    pub const fn known(&self) -> Option<Status> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Unknown(_) => None,
        }
    }
}

/// A phone number in the list of the account that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// Its SID, which a transfer keeps.
    pub sid: NumberSid,
    /// The number itself.
    pub phone: PhoneNumber,
    /// Twilio's `address_requirements` is something else than `none`.
    pub needs_address: bool,
    /// What it uses of the account that holds it.
    pub ties: Ties,
}

/// The numbers of one account, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Holdings {
    /// The whole list.
    Known(Vec<Number>),
    /// Reading failed, for the reason given; nothing is known.
    Unreadable(String),
    /// The plan did not ask for it.
    NotRead,
}

/// Where a phone number was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts<'a> {
    /// In exactly one account.
    In(AccountSid, &'a Number),
    /// In more than one list of the same observation: it is on the move.
    Moving,
    /// In no list that was read.
    Nowhere,
}

/// One observation of the fleet of one main account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    main: AccountSid,
    accounts: BTreeMap<AccountSid, Account>,
    holdings: BTreeMap<AccountSid, Holdings>,
    seen: BTreeMap<PhoneNumber, Seen>,
    /// The accounts whose lists were added, in that order: [`Seen`] names them by their places here.
    holders: Vec<AccountSid>,
}

/// Where a number stands among the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Once: in the list of the holder at the first place, at the second.
    Once(u32, u32),
    /// More than once.
    Moving,
}

impl Observed {
    /// The observation of `accounts`, before any number list was read. Accounts of another owner than
    /// `main` are left out: they are not among its subaccounts.
    pub fn new(main: AccountSid, accounts: impl IntoIterator<Item = Account>) -> Self {
        let ours = |account: &Account| account.owner.is_none_or(|owner| owner == main) || account.sid == main;
        let accounts = accounts.into_iter().filter(ours).map(|account| (account.sid, account)).collect();
        Self { main, accounts, holdings: BTreeMap::new(), seen: BTreeMap::new(), holders: Vec::new() }
    }

    /// The accounts, and what is known of their numbers, without what makes them quick to search.
    pub fn into_parts(self) -> (BTreeMap<AccountSid, Account>, BTreeMap<AccountSid, Holdings>) {
        (self.accounts, self.holdings)
    }

    /// The main account's SID.
    pub const fn main(&self) -> AccountSid {
        self.main
    }

    /// Adds what reading the numbers of `account` gave. Rows that came twice, as pages may repeat them, count once.
    pub fn add_holdings(&mut self, account: AccountSid, holdings: Holdings) {
        let holdings = match holdings {
            Holdings::Known(numbers) => {
                let mut sids = BTreeSet::new();
                let mut numbers: Vec<_> =
                    numbers.into_iter().filter(|number| sids.insert(number.sid)).collect();
                // Thousands of lists are kept, and the pages they came on left room for more.
                numbers.shrink_to_fit();
                let holder = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
                self.holders.push(account);
                for (at, number) in (0..).zip(&numbers) {
                    let seen = self.seen.entry(number.phone);
                    seen.and_modify(|seen| *seen = Seen::Moving).or_insert(Seen::Once(holder, at));
                }
                Holdings::Known(numbers)
            }
            other => other,
        };
        self.holdings.insert(account, holdings);
    }

    /// The main account, when the list had it.
    pub fn main_account(&self) -> Option<&Account> {
        self.accounts.get(&self.main)
    }

    /// The account `sid`, main or sub.
    pub fn account(&self, sid: AccountSid) -> Option<&Account> {
        self.accounts.get(&sid)
    }

    /// The main account and its subaccounts, by SID.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The subaccounts, by SID.
    pub fn subaccounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(|account| account.sid != self.main)
    }

    /// What is known of the numbers of `account`.
    pub fn holdings(&self, account: AccountSid) -> &Holdings {
        self.holdings.get(&account).unwrap_or(&Holdings::NotRead)
    }

    /// The numbers of `account`, when its list was read.
    pub fn numbers(&self, account: AccountSid) -> Option<&[Number]> {
        match self.holdings(account) {
            Holdings::Known(numbers) => Some(numbers),
            Holdings::Unreadable(_) | Holdings::NotRead => None,
        }
    }

    /// Every number list that was read, by account.
    pub fn lists(&self) -> impl Iterator<Item = (AccountSid, &[Number])> {
        self.holdings.keys().filter_map(|&account| Some((account, self.numbers(account)?)))
    }

    /// The first account whose list could not be read, and why.
    pub fn unreadable_list(&self) -> Option<(AccountSid, &str)> {
        self.holdings.iter().find_map(|(&account, held)| match held {
            Holdings::Unreadable(why) => Some((account, why.as_str())),
            Holdings::Known(_) | Holdings::NotRead => None,
        })
    }

    /// Where `phone` was seen.
    pub fn whereabouts(&self, phone: PhoneNumber) -> Whereabouts<'_> {
        match self.seen.get(&phone) {
            Some(&Seen::Once(holder, at)) => self
                .numbered(holder, at)
                .map_or(Whereabouts::Nowhere, |(account, number)| Whereabouts::In(account, number)),
            Some(Seen::Moving) => Whereabouts::Moving,
            None => Whereabouts::Nowhere,
        }
    }

    fn numbered(&self, holder: u32, at: u32) -> Option<(AccountSid, &Number)> {
        let account = *self.holders.get(usize::try_from(holder).ok()?)?;
        let number = self.numbers(account)?.get(usize::try_from(at).ok()?)?;
        Some((account, number))
    }

    /// The same observation after Twilio answered a status change with `account`.
    pub fn set_account(&mut self, account: Account) {
        self.accounts.insert(account.sid, account);
    }

    /// The same observation after each of these numbers went to the account beside it.
    pub fn move_numbers(&mut self, moves: &BTreeMap<PhoneNumber, AccountSid>) {
        let mut taken = Vec::new();
        for held in self.holdings.values_mut() {
            if let Holdings::Known(numbers) = held {
                taken.extend(numbers.extract_if(.., |number| moves.contains_key(&number.phone)));
            }
        }
        for number in taken {
            if let Some(Holdings::Known(numbers)) = self.holdings.get_mut(&moves[&number.phone]) {
                numbers.push(number);
            }
        }
        self.seen.clear();
        self.holders.clear();
        for (account, held) in std::mem::take(&mut self.holdings) {
            self.add_holdings(account, held);
        }
    }
}
