//! The numbers of each account as they were last seen, whatever the state says of the account.
//!
//! A number that vanishes from a list stays here until it is seen elsewhere or is known to be gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountSid, NumberSid, PhoneNumber};

/// See the module. Kept in JSON as one object of numbers for each account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SeenNumbers {
    by_account: BTreeMap<AccountSid, BTreeMap<PhoneNumber, NumberSid>>,
    owners: BTreeMap<PhoneNumber, Owners>,
}

/// The accounts that a number was last seen in: one, unless it was on the move.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owners {
    One(AccountSid),
    Many(BTreeSet<AccountSid>),
}

impl Owners {
    fn each(&self) -> Vec<AccountSid> {
        match self {
            Self::One(account) => vec![*account],
            Self::Many(accounts) => accounts.iter().copied().collect(),
        }
    }
}

impl SeenNumbers {
    /// The number was seen in `account`, and in no other unless it is `moving`.
    pub(super) fn see(&mut self, account: AccountSid, phone: PhoneNumber, sid: NumberSid, moving: bool) {
        let owners = match self.owners.remove(&phone) {
            Some(before) if moving => {
                let all: BTreeSet<_> = before.each().into_iter().chain([account]).collect();
                if all.len() == 1 { Owners::One(account) } else { Owners::Many(all) }
            }
            Some(before) => {
                for other in before.each().into_iter().filter(|other| *other != account) {
                    self.take(other, phone);
                }
                Owners::One(account)
            }
            None => Owners::One(account),
        };
        self.owners.insert(phone, owners);
        self.by_account.entry(account).or_default().insert(phone, sid);
    }

    /// The number is nowhere any more.
    pub(super) fn forget(&mut self, phone: PhoneNumber) {
        for account in self.owners.remove(&phone).iter().flat_map(Owners::each) {
            self.take(account, phone);
        }
    }

    fn take(&mut self, account: AccountSid, phone: PhoneNumber) {
        if let Some(numbers) = self.by_account.get_mut(&account) {
            numbers.remove(&phone);
            if numbers.is_empty() {
                self.by_account.remove(&account);
            }
        }
    }

    /// The numbers of `account`.
    pub(super) fn of(&self, account: AccountSid) -> Option<&BTreeMap<PhoneNumber, NumberSid>> {
        self.by_account.get(&account)
    }

    /// The account that the number was last seen in; `None` also while it was on the move.
    pub(super) fn owner(&self, phone: PhoneNumber) -> Option<AccountSid> {
        match self.owners.get(&phone)? {
            Owners::One(account) => Some(*account),
            Owners::Many(_) => None,
        }
    }

    /// The SID under which the number was last seen in `account`, alone or on the move.
    pub(super) fn has(&self, account: AccountSid, phone: PhoneNumber) -> Option<NumberSid> {
        self.by_account.get(&account)?.get(&phone).copied()
    }
}

impl Serialize for SeenNumbers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.by_account.serialize(to)
    }
}

impl<'de> Deserialize<'de> for SeenNumbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut seen = Self::default();
        for (account, numbers) in BTreeMap::<AccountSid, BTreeMap<PhoneNumber, NumberSid>>::deserialize(from)?
        {
            for (phone, sid) in numbers {
                seen.see(account, phone, sid, true);
            }
        }
        Ok(seen)
    }
}
