//! The positions of the numbers in the lists of an observation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Number, NumberList};
use crate::{AccountSid, NumberId};

/// The position of each number in the lists that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NumberIndex {
    seen: BTreeMap<NumberId, Seen>,
    /// The accounts whose lists were added, in that order: [`Seen`] refers to them by index.
    holders: Vec<AccountSid>,
}

/// The position of a number in the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Once: the index of the holder, and the index in its list.
    Once(u32, u32),
    /// More than once.
    Moving,
}

/// The number lists by account.
type Lists = BTreeMap<AccountSid, Arc<NumberList>>;

/// A number as the index finds it.
pub(super) enum Found {
    /// In the list of this account, at this index.
    At(AccountSid, usize),
    /// In more than one place.
    Moving,
}

impl NumberIndex {
    /// Adds the list of `account`, which has none in the index.
    pub(super) fn add(&mut self, account: AccountSid, numbers: &[Number]) {
        let holder = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
        self.holders.push(account);
        for (at, number) in (0..).zip(numbers) {
            self.note(number.id(), Seen::Once(holder, at));
        }
    }

    fn note(&mut self, id: NumberId, at: Seen) {
        self.seen.entry(id).and_modify(|seen| *seen = Seen::Moving).or_insert(at);
    }

    /// Removes the numbers of one list; `others` are the lists that stay.
    pub(super) fn remove(&mut self, numbers: &[Number], others: &Lists) {
        let several: BTreeSet<_> = numbers
            .iter()
            .map(Number::id)
            .filter(|id| matches!(self.seen.remove(id), Some(Seen::Moving)))
            .collect();
        if several.is_empty() {
            return;
        }
        // The last index of an account is that of its present list.
        let holders: BTreeMap<_, u32> = self.holders.iter().copied().zip(0..).collect();
        for (account, list) in others {
            let (NumberList::Known(numbers), Some(holder)) = (&**list, holders.get(account)) else {
                continue;
            };
            for (at, number) in (0..).zip(numbers) {
                if several.contains(&number.id()) {
                    self.note(number.id(), Seen::Once(*holder, at));
                }
            }
        }
    }

    /// The place of the number in the lists.
    pub(super) fn find(&self, id: NumberId) -> Option<Found> {
        match *self.seen.get(&id)? {
            Seen::Once(holder, at) => {
                let account = *self.holders.get(usize::try_from(holder).ok()?)?;
                Some(Found::At(account, usize::try_from(at).ok()?))
            }
            Seen::Moving => Some(Found::Moving),
        }
    }

    /// The numbers that are in more than one place.
    pub(super) fn moving(&self) -> BTreeSet<NumberId> {
        let moving = self.seen.iter().filter(|(_, seen)| matches!(seen, Seen::Moving));
        moving.map(|(id, _)| *id).collect()
    }
}
