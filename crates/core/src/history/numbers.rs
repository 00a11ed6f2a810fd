//! The numbers of each account as they were last seen, for listed and unlisted accounts.
//!
//! A number that disappears from a list stays here until it is seen elsewhere, or is known to be gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountSid, NumberId, NumberSid};

/// The numbers of each account as they were last seen. Stored in JSON as one object of numbers for each account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SeenNumbers {
    /// The numbers of each account, sorted, without spare capacity: a fleet has thousands, and most never change.
    by_account: BTreeMap<AccountSid, Vec<(NumberId, NumberSid)>>,
    /// The account of each number that was last seen in exactly one.
    owners: BTreeMap<NumberId, AccountSid>,
    /// The accounts of each number that was last seen in several.
    moving: BTreeMap<NumberId, BTreeSet<AccountSid>>,
}

impl SeenNumbers {
    /// Records that the numbers were seen in `account`, and in no other account unless they are `moving`. A number that was
    /// known by its SID alone, or is from now on, is not counted twice.
    pub(super) fn see(&mut self, account: AccountSid, numbers: BTreeMap<NumberId, NumberSid>, moving: bool) {
        for (number, sid) in &numbers {
            match number {
                NumberId::Phone(_) => self.forget(NumberId::Sid(*sid)),
                NumberId::Sid(_) => self.forget_phone_of(account, *sid),
            }
        }
        self.insert(account, numbers, moving);
    }

    fn insert(&mut self, account: AccountSid, numbers: BTreeMap<NumberId, NumberSid>, moving: bool) {
        for number in numbers.keys() {
            self.own(account, *number, moving);
        }
        if numbers.is_empty() {
            return;
        }
        let known = self.by_account.entry(account).or_default();
        known.retain(|(number, _)| !numbers.contains_key(number));
        known.extend(numbers);
        known.sort_by_key(|(number, _)| *number);
        known.shrink_to_fit();
    }

    fn own(&mut self, account: AccountSid, number: NumberId, moving: bool) {
        let others: Vec<_> = self.accounts_of(number).into_iter().filter(|other| *other != account).collect();
        if moving && !others.is_empty() {
            self.owners.remove(&number);
            self.moving.entry(number).or_default().extend(others.into_iter().chain([account]));
        } else {
            for other in others {
                self.take(other, number);
            }
            self.moving.remove(&number);
            self.owners.insert(number, account);
        }
    }

    /// Forgets the number, which is gone.
    pub(super) fn forget(&mut self, number: NumberId) {
        for account in self.accounts_of(number) {
            self.take(account, number);
        }
        self.owners.remove(&number);
        self.moving.remove(&number);
    }

    /// Forgets the phone number of the number `sid` of `account`, which is shown without it.
    fn forget_phone_of(&mut self, account: AccountSid, sid: NumberSid) {
        let known = self.of(account).iter();
        let phone =
            known.filter(|(number, of)| *of == sid && number.phone().is_some()).map(|(number, _)| *number);
        for number in phone.collect::<Vec<_>>() {
            self.forget(number);
        }
    }

    /// The accounts that the number was last seen in: one, unless it is in transit.
    fn accounts_of(&self, number: NumberId) -> Vec<AccountSid> {
        let several = self.moving.get(&number).into_iter().flatten();
        self.owners.get(&number).into_iter().chain(several).copied().collect()
    }

    fn take(&mut self, account: AccountSid, number: NumberId) {
        if let Some(numbers) = self.by_account.get_mut(&account) {
            numbers.retain(|(known, _)| *known != number);
            if numbers.is_empty() {
                self.by_account.remove(&account);
            }
        }
    }

    /// The numbers of `account`, in their order.
    pub(super) fn of(&self, account: AccountSid) -> &[(NumberId, NumberSid)] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The account that the number was last seen in; `None` while it is in transit.
    pub(super) fn owner(&self, number: NumberId) -> Option<AccountSid> {
        self.owners.get(&number).copied()
    }

    /// The SID under which the number was last seen in `account`, in transit or not.
    pub(super) fn has(&self, account: AccountSid, number: NumberId) -> Option<NumberSid> {
        let numbers = self.of(account);
        let at = numbers.binary_search_by_key(&number, |(known, _)| *known).ok()?;
        Some(numbers[at].1)
    }
}

impl Serialize for SeenNumbers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let numbers = |numbers: &[(NumberId, NumberSid)]| numbers.iter().copied().collect::<BTreeMap<_, _>>();
        to.collect_map(self.by_account.iter().map(|(account, known)| (account, numbers(known))))
    }
}

impl<'de> Deserialize<'de> for SeenNumbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut seen = Self::default();
        for (account, numbers) in BTreeMap::<AccountSid, BTreeMap<NumberId, NumberSid>>::deserialize(from)? {
            seen.insert(account, numbers, true);
        }
        Ok(seen)
    }
}
