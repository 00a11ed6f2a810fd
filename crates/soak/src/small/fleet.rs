//! Small fleets: every status, every desired status, every place of every number, and every claim.

use twilio_sim::AccountStatus;

use crate::small::event::Event;

/// A small fleet and its state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SmallFleet {
    pub(crate) accounts: Vec<SmallAccount>,
    pub(crate) numbers: Vec<SmallNumber>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SmallAccount {
    pub(crate) is: Is,
    pub(crate) desired: Desired,
}

/// The status of an account in the beginning; a suspension was made by others. One that is absent has an entry without a SID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Is {
    Active,
    Suspended,
    Closed,
    Absent,
}

impl Is {
    pub(crate) fn status(self) -> Option<AccountStatus> {
        match self {
            Self::Active => Some(AccountStatus::Active),
            Self::Suspended => Some(AccountStatus::Suspended),
            Self::Closed => Some(AccountStatus::Closed),
            Self::Absent => None,
        }
    }

    fn holds_numbers(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

/// The entry of an account in the state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Desired {
    Unlisted,
    Active,
    Suspended,
    /// A close that releases every number that the account holds in the beginning and no entry claims.
    ClosedReleasing,
    /// A close that names no number.
    ClosedBare,
    /// A close that moves the numbers to the main account.
    ClosedToMain,
}

impl Desired {
    pub(crate) const ALL: [Self; 6] = [
        Self::Unlisted,
        Self::Active,
        Self::Suspended,
        Self::ClosedReleasing,
        Self::ClosedBare,
        Self::ClosedToMain,
    ];

    fn claims(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }

    pub(crate) fn closes(self) -> bool {
        matches!(self, Self::ClosedReleasing | Self::ClosedBare | Self::ClosedToMain)
    }
}

/// A number: who holds it, and who claims it. Without a holder the main account has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SmallNumber {
    pub(crate) holder: Option<usize>,
    pub(crate) claimant: Option<usize>,
}

impl SmallFleet {
    /// All fleets with so many accounts and numbers, each once: accounts differ in nothing but what is said about them, and so
    /// do numbers.
    pub fn all(accounts: usize, numbers: usize) -> Vec<Self> {
        let each = [Is::Active, Is::Suspended, Is::Closed]
            .into_iter()
            .flat_map(|is| Desired::ALL.map(|desired| SmallAccount { is, desired }));
        let absent =
            [Desired::Active, Desired::Suspended].map(|desired| SmallAccount { is: Is::Absent, desired });
        let rows = choices(&each.chain(absent).collect::<Vec<_>>(), accounts);
        let mut all = Vec::new();
        for accounts in rows {
            let places: Vec<_> = (0..accounts.len()).map(Some).chain([None]).collect();
            let holders =
                places.iter().filter(|place| place.is_none_or(|at| accounts[at].is.holds_numbers()));
            let claimants: Vec<_> =
                places.iter().filter(|place| place.is_none_or(|at| accounts[at].desired.claims())).collect();
            let each: Vec<_> = holders
                .flat_map(|&holder| claimants.iter().map(move |&&claimant| SmallNumber { holder, claimant }))
                .collect();
            for numbers in choices(&each, numbers) {
                let fleet = Self { accounts: accounts.clone(), numbers };
                if fleet.is_the_first_of_its_kind() {
                    all.push(fleet);
                }
            }
        }
        all
    }

    /// Returns true when an event can happen to this fleet: only an entry without a SID has a namesake.
    pub(crate) fn allows(&self, event: Event) -> bool {
        match event {
            Event::Namesake(account) => self.accounts[account].is == Is::Absent,
            Event::Fault(_)
            | Event::StaleList
            | Event::KillBefore
            | Event::KillAfter
            | Event::Edit(..)
            | Event::Claim(..)
            | Event::PauseAll
            | Event::BreakFile
            | Event::Status(..)
            | Event::Rename(_)
            | Event::Move(..) => true,
        }
    }

    /// Returns true when no fleet that differs only in the order of accounts and numbers comes before it.
    fn is_the_first_of_its_kind(&self) -> bool {
        orders(self.accounts.len()).iter().all(|order| {
            let place =
                |at: Option<usize>| at.map(|at| order.iter().position(|&old| old == at).unwrap_or(at));
            let accounts = order.iter().map(|&old| self.accounts[old]).collect();
            let moved = |number: &SmallNumber| SmallNumber {
                holder: place(number.holder),
                claimant: place(number.claimant),
            };
            let mut numbers: Vec<_> = self.numbers.iter().map(moved).collect();
            numbers.sort();
            *self <= Self { accounts, numbers }
        })
    }
}

/// All rows of a length whose items are from `each`.
fn choices<T: Clone>(each: &[T], length: usize) -> Vec<Vec<T>> {
    (0..length).fold(vec![Vec::new()], |rows, _| {
        let longer = |row: Vec<T>| each.iter().map(move |item| [row.clone(), vec![item.clone()]].concat());
        rows.into_iter().flat_map(longer).collect()
    })
}

/// All orders of so many things.
fn orders(length: usize) -> Vec<Vec<usize>> {
    let all = choices(&(0..length).collect::<Vec<_>>(), length);
    all.into_iter().filter(|order| (0..length).all(|at| order.contains(&at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fleet_is_there_once() {
        let of = |accounts, numbers| SmallFleet::all(accounts, numbers).len();
        // 3 statuses and 6 desired ones, and absent with 2 of them.
        assert_eq!(of(1, 0), 20);
        // 20 of them in pairs whose order does not matter.
        assert_eq!(of(2, 0), 20 * 21 / 2);
        // Held by it or by the main account unless it is closed or absent, and claimed by it or by no entry when its desired
        // status allows.
        assert_eq!(of(1, 1), 2 * 2 * (2 * 2 + 4) + (2 * 2 + 4) + 2 * 2);
    }
}
