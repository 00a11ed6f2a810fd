//! The numbers of each account as they were last seen, for listed and unlisted accounts.
//!
//! A number that disappears from a list stays here until it is seen elsewhere, or is known to be gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountSid, NumberSid, PhoneNumber};

/// The numbers of each account as they were last seen. Stored in JSON as one object of numbers for each account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SeenNumbers {
    /// The numbers of each account, sorted, without spare capacity: a fleet has thousands, and most never change.
    by_account: BTreeMap<AccountSid, Vec<(PhoneNumber, NumberSid)>>,
    /// The account of each number that was last seen in exactly one.
    owners: BTreeMap<PhoneNumber, AccountSid>,
    /// The accounts of each number that was last seen in several.
    moving: BTreeMap<PhoneNumber, BTreeSet<AccountSid>>,
}

impl SeenNumbers {
    /// Records that the numbers were seen in `account`, and in no other account unless they are `moving`.
    pub(super) fn see(
        &mut self,
        account: AccountSid,
        numbers: BTreeMap<PhoneNumber, NumberSid>,
        moving: bool,
    ) {
        for phone in numbers.keys() {
            self.own(account, *phone, moving);
        }
        if numbers.is_empty() {
            return;
        }
        let known = self.by_account.entry(account).or_default();
        known.retain(|(phone, _)| !numbers.contains_key(phone));
        known.extend(numbers);
        known.sort_by_key(|(phone, _)| *phone);
        known.shrink_to_fit();
    }

    fn own(&mut self, account: AccountSid, phone: PhoneNumber, moving: bool) {
        let others: Vec<_> = self.accounts_of(phone).into_iter().filter(|other| *other != account).collect();
        if moving && !others.is_empty() {
            self.owners.remove(&phone);
            self.moving.entry(phone).or_default().extend(others.into_iter().chain([account]));
        } else {
            for other in others {
                self.take(other, phone);
            }
            self.moving.remove(&phone);
            self.owners.insert(phone, account);
        }
    }

    /// Forgets the number, which is gone.
    pub(super) fn forget(&mut self, phone: PhoneNumber) {
        for account in self.accounts_of(phone) {
            self.take(account, phone);
        }
        self.owners.remove(&phone);
        self.moving.remove(&phone);
    }

    /// The accounts that the number was last seen in: one, unless it is in transit.
    fn accounts_of(&self, phone: PhoneNumber) -> Vec<AccountSid> {
        let several = self.moving.get(&phone).into_iter().flatten();
        self.owners.get(&phone).into_iter().chain(several).copied().collect()
    }

    fn take(&mut self, account: AccountSid, phone: PhoneNumber) {
        if let Some(numbers) = self.by_account.get_mut(&account) {
            numbers.retain(|(known, _)| *known != phone);
            if numbers.is_empty() {
                self.by_account.remove(&account);
            }
        }
    }

    /// The numbers of `account`, in their order.
    pub(super) fn of(&self, account: AccountSid) -> &[(PhoneNumber, NumberSid)] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The account that the number was last seen in; `None` while it is in transit.
    pub(super) fn owner(&self, phone: PhoneNumber) -> Option<AccountSid> {
        self.owners.get(&phone).copied()
    }

    /// The SID under which the number was last seen in `account`, in transit or not.
    pub(super) fn has(&self, account: AccountSid, phone: PhoneNumber) -> Option<NumberSid> {
        let numbers = self.of(account);
        let at = numbers.binary_search_by_key(&phone, |(known, _)| *known).ok()?;
        Some(numbers[at].1)
    }
}

impl Serialize for SeenNumbers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let numbers =
            |numbers: &[(PhoneNumber, NumberSid)]| numbers.iter().copied().collect::<BTreeMap<_, _>>();
        to.collect_map(self.by_account.iter().map(|(account, known)| (account, numbers(known))))
    }
}

impl<'de> Deserialize<'de> for SeenNumbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut seen = Self::default();
        for (account, numbers) in BTreeMap::<AccountSid, BTreeMap<PhoneNumber, NumberSid>>::deserialize(from)?
        {
            seen.see(account, numbers, true);
        }
        Ok(seen)
    }
}
