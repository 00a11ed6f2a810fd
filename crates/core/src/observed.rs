//! The observation of one pass at Twilio: the accounts, and the number lists that were read.
//!
//! A list that was not read, or could not be read, is a value of its own and never an empty list.

mod account;
mod number;
mod number_index;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use account::{Account, AccountList, LiveStatus, UnreadableRow};
pub use number::Number;
use number_index::{Found, NumberIndex};

use crate::{AccountSid, Address, Call, NumberId, NumberSettings, PhoneNumber, ShownSettings};

/// The numbers of one account, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberList {
    /// The whole list.
    Known(Vec<Number>),
    /// Reading failed, with this error; the numbers are unknown.
    Unreadable(String),
    /// The snapshot of the plan does not contain the list.
    NotInSnapshot,
    /// The list was not needed, and was not read.
    NotRead,
}

/// The calls of one account that have not ended, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallList {
    /// All of them.
    Known(Vec<Call>),
    /// Reading failed, with this error; the calls are unknown.
    Unreadable(String),
    /// The snapshot of the plan does not contain them.
    NotInSnapshot,
}

/// The remedy for a list that could not be read.
pub(crate) const RETRIED: &str = "no action needed: the list is retried in the next pass";

impl NumberList {
    /// The reason why the list could not be read, and the remedy; `None` when it was read, or not needed.
    pub fn unreadable(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Unreadable(why) => Some((why, RETRIED)),
            Self::Known(_) | Self::NotInSnapshot | Self::NotRead => None,
        }
    }
}

/// The location in which a phone number was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberLocation<'a> {
    /// In exactly one account.
    In(AccountSid, &'a Number),
    /// In more than one list of the same observation: a transfer is in progress.
    InTransit,
    /// In no list that was read.
    Nowhere,
}

/// One observation of the fleet of one main account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    main: AccountSid,
    accounts: BTreeMap<AccountSid, Account>,
    /// Accounts that exist and could not be read, and the reasons.
    unreadable: BTreeMap<AccountSid, String>,
    /// The error of a row of the account list without a readable SID: a missing account may be that row.
    unnamed: Option<String>,
    /// Lists that other passes share are not copied.
    number_lists: BTreeMap<AccountSid, Arc<NumberList>>,
    calls: BTreeMap<AccountSid, CallList>,
    /// Numbers that were fetched one by one, in accounts whose lists are unknown.
    placed: BTreeMap<NumberId, (AccountSid, Number)>,
    /// Numbers for which the lists contradict a fresh write of the daemon.
    doubtful: BTreeSet<NumberId>,
    /// The first addresses of accounts that receive numbers which need one.
    addresses: BTreeMap<AccountSid, Vec<Address>>,
    index: NumberIndex,
}

/// The parts of an observation that are neither accounts nor number lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Doubts {
    /// Accounts that exist and could not be read, and the reasons.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unreadable: BTreeMap<AccountSid, String>,
    /// The error of a row of the account list without a readable SID.
    #[serde(skip_serializing_if = "Option::is_none")]
    unnamed: Option<String>,
    /// Numbers that were fetched one by one, in accounts whose lists are unknown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    placed: BTreeMap<NumberId, (AccountSid, Number)>,
    /// Numbers for which the lists contradict a fresh write of the daemon.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    doubtful: BTreeSet<NumberId>,
}

impl Observed {
    /// The observation of `accounts`, before any number list is read. Accounts with another owner than `main` are
    /// ignored: they are not its subaccounts.
    pub fn new(main: AccountSid, accounts: impl IntoIterator<Item = Account>) -> Self {
        let ours = |account: &Account| account.owner.is_none_or(|owner| owner == main) || account.sid == main;
        let accounts = accounts.into_iter().filter(ours).map(|account| (account.sid, account)).collect();
        Self {
            main,
            accounts,
            unreadable: BTreeMap::new(),
            unnamed: None,
            number_lists: BTreeMap::new(),
            calls: BTreeMap::new(),
            placed: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            addresses: BTreeMap::new(),
            index: NumberIndex::default(),
        }
    }

    /// The observation of an account list, before any number list is read.
    pub fn from_list(main: AccountSid, list: AccountList) -> Self {
        let mut observed = Self::new(main, list.accounts);
        for UnreadableRow { sid, why } in list.unreadable {
            match sid {
                Some(sid) => observed.set_unreadable(sid, why),
                None => observed.unnamed = Some(why),
            }
        }
        observed
    }

    /// Marks `account` as unreadable, for the reason `why`: it may exist, and nothing else is known.
    pub fn set_unreadable(&mut self, account: AccountSid, why: String) {
        self.accounts.remove(&account);
        self.unreadable.insert(account, why);
    }

    /// The reason why `account` could not be read; a row without a readable SID may be that account.
    pub fn unreadable_account(&self, account: AccountSid) -> Option<&str> {
        if self.accounts.contains_key(&account) {
            return None;
        }
        self.unreadable.get(&account).or(self.unnamed.as_ref()).map(String::as_str)
    }

    /// The first account that could not be read, and the reason.
    pub fn any_unreadable_account(&self) -> Option<(Option<AccountSid>, &str)> {
        let named = self.unreadable.iter().next().map(|(&account, why)| (Some(account), why.as_str()));
        named.or_else(|| self.unnamed.as_deref().map(|why| (None, why)))
    }

    /// The accounts, their number lists and the doubts, without the index.
    pub fn into_parts(
        self,
    ) -> (BTreeMap<AccountSid, Account>, BTreeMap<AccountSid, Arc<NumberList>>, Doubts) {
        let Self { accounts, number_lists, unreadable, unnamed, placed, doubtful, .. } = self;
        (accounts, number_lists, Doubts { unreadable, unnamed, placed, doubtful })
    }

    /// The same observation with these doubts.
    #[must_use]
    pub fn with_doubts(mut self, doubts: Doubts) -> Self {
        let Doubts { unreadable, unnamed, placed, doubtful } = doubts;
        for (account, why) in unreadable {
            self.set_unreadable(account, why);
        }
        Self { unnamed, placed, doubtful, ..self }
    }

    /// The main account's SID.
    pub const fn main(&self) -> AccountSid {
        self.main
    }

    /// Adds the number list of `account`, in the place of an earlier one. Duplicate rows count once: pages may repeat them.
    pub fn add_number_list(&mut self, account: AccountSid, list: NumberList) {
        let list = match list {
            NumberList::Known(numbers) => {
                let mut sids = BTreeSet::new();
                let mut numbers: Vec<_> =
                    numbers.into_iter().filter(|number| sids.insert(number.sid)).collect();
                // Thousands of lists are kept, and their vectors have spare capacity from paging.
                numbers.shrink_to_fit();
                NumberList::Known(numbers)
            }
            other => other,
        };
        self.add_shared_list(account, Arc::new(list));
    }

    /// Adds the number list of `account`, each number once, in the place of an earlier one.
    pub(crate) fn add_shared_list(&mut self, account: AccountSid, list: Arc<NumberList>) {
        let before = self.number_lists.remove(&account);
        if let Some(NumberList::Known(numbers)) = before.as_deref() {
            self.index.remove(numbers, &self.number_lists);
        }
        if let NumberList::Known(numbers) = &*list {
            self.index.add(account, numbers);
        }
        self.number_lists.insert(account, list);
    }

    /// The number list of `account`, to share; `None` when it was not read.
    pub(crate) fn shared_list(&self, account: AccountSid) -> Option<&Arc<NumberList>> {
        self.number_lists.get(&account)
    }

    /// The numbers that more than one list shows.
    pub(crate) fn in_several_lists(&self) -> BTreeSet<NumberId> {
        self.index.moving()
    }

    /// The main account, when the list contains it.
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

    /// The number list of `account`, as far as it is known.
    pub fn number_list(&self, account: AccountSid) -> &NumberList {
        self.number_lists.get(&account).map_or(&NumberList::NotRead, |list| list)
    }

    /// The numbers of `account`, when its list was read.
    pub fn numbers(&self, account: AccountSid) -> Option<&[Number]> {
        match self.number_list(account) {
            NumberList::Known(numbers) => Some(numbers),
            NumberList::Unreadable(_) | NumberList::NotInSnapshot | NumberList::NotRead => None,
        }
    }

    /// Every number list that was read, by account.
    pub fn lists(&self) -> impl Iterator<Item = (AccountSid, &[Number])> {
        self.number_lists.keys().filter_map(|&account| Some((account, self.numbers(account)?)))
    }

    /// The calls of `account`; `None` when they were not read.
    pub fn calls(&self, account: AccountSid) -> Option<&CallList> {
        self.calls.get(&account)
    }

    /// Every list of calls that was read, or could not be read.
    pub fn call_lists(&self) -> impl Iterator<Item = (AccountSid, &CallList)> {
        self.calls.iter().map(|(&account, calls)| (account, calls))
    }

    /// Sets the calls of `account`; `None` forgets them.
    pub fn set_calls(&mut self, account: AccountSid, calls: Option<CallList>) {
        match calls {
            Some(calls) => drop(self.calls.insert(account, calls)),
            None => drop(self.calls.remove(&account)),
        }
    }

    /// The first account whose list could not be read, the reason, and the remedy.
    pub fn unreadable_list(&self) -> Option<(AccountSid, &str, &'static str)> {
        self.number_lists.iter().find_map(|(&account, list)| {
            let (why, remedy) = list.unreadable()?;
            Some((account, why, remedy))
        })
    }

    /// The first account whose list the snapshot lacks, and their number; `None` when it lacks none.
    pub fn not_in_snapshot(&self) -> Option<(AccountSid, usize)> {
        let lacking = || self.number_lists.iter().filter(|(_, list)| ***list == NumberList::NotInSnapshot);
        lacking().next().map(|(&account, _)| (account, lacking().count()))
    }

    /// The location in which the number was seen.
    pub fn locate(&self, number: impl Into<NumberId>) -> NumberLocation<'_> {
        let id = number.into();
        if self.doubtful.contains(&id) {
            return NumberLocation::InTransit;
        }
        match self.index.find(id) {
            Some(Found::At(account, at)) => self
                .numbers(account)
                .and_then(|numbers| numbers.get(at))
                .map_or(NumberLocation::Nowhere, |number| NumberLocation::In(account, number)),
            Some(Found::Moving) => NumberLocation::InTransit,
            None => self
                .placed
                .get(&id)
                .map_or(NumberLocation::Nowhere, |(account, number)| NumberLocation::In(*account, number)),
        }
    }

    /// Replaces `account`, as the answer to a status change or a fetch shows it.
    pub fn set_account(&mut self, account: Account) {
        self.accounts.insert(account.sid, account);
    }

    /// Adds the first addresses of `account`.
    pub fn set_addresses(&mut self, account: AccountSid, addresses: Vec<Address>) {
        self.addresses.insert(account, addresses);
    }

    /// The first addresses of `account`, when they were read.
    pub fn addresses(&self, account: AccountSid) -> Option<&[Address]> {
        self.addresses.get(&account).map(Vec::as_slice)
    }

    /// Places `number` in `account` and nowhere else, as a fetch of this number shows.
    pub fn place_number(&mut self, account: AccountSid, number: Number) {
        let id = number.id();
        let is_it = |held: &Number| held.id() == id || held.sid == number.sid;
        self.change_lists(is_it, |numbers| numbers.retain(|held| !is_it(held)));
        if let Some(NumberList::Known(numbers)) = self.number_lists.get_mut(&account).map(Arc::make_mut) {
            numbers.push(number);
        } else {
            self.placed.insert(id, (account, number));
        }
        self.rebuild_index();
    }

    /// Marks the number as in transit: a list contradicts a fresh write, and no fetch resolved that.
    pub fn doubt_number(&mut self, number: impl Into<NumberId>) {
        self.doubtful.insert(number.into());
    }

    /// Changes the settings of each of these numbers, where they are kept: to those that the answer to a write shows, or
    /// without such an answer to the ones that were asked for.
    pub fn change_settings(
        &mut self,
        changes: &BTreeMap<PhoneNumber, (&NumberSettings, Option<&ShownSettings>)>,
    ) {
        if changes.is_empty() {
            return;
        }
        let change = |number: &mut Number| {
            let Some(settings) = &mut number.settings else { return };
            match number.phone.and_then(|phone| changes.get(&phone)) {
                Some((_, Some(shown))) => **settings = (*shown).clone(),
                Some((asked, None)) => {
                    asked.values().for_each(|(setting, value)| settings.insert(setting, value));
                }
                None => {}
            }
        };
        let is_changed = |number: &Number| number.phone.is_some_and(|phone| changes.contains_key(&phone));
        self.change_lists(is_changed, |numbers| numbers.iter_mut().for_each(change));
        self.placed.values_mut().for_each(|(_, number)| change(number));
    }

    /// Changes the lists that have such a number. A list that other passes share is copied first.
    fn change_lists(&mut self, which: impl Fn(&Number) -> bool, mut change: impl FnMut(&mut Vec<Number>)) {
        for list in self.number_lists.values_mut() {
            let NumberList::Known(numbers) = &**list else { continue };
            if numbers.iter().any(&which)
                && let NumberList::Known(numbers) = Arc::make_mut(list)
            {
                change(numbers);
            }
        }
    }

    /// Moves each of these numbers to the account beside it.
    pub fn move_numbers(&mut self, moves: &BTreeMap<PhoneNumber, AccountSid>) {
        if moves.is_empty() {
            return;
        }
        let target = |id: NumberId| moves.get(&id.phone()?).copied();
        let mut taken: Vec<_> = self
            .placed
            .extract_if(.., |id, _| target(*id).is_some())
            .map(|(_, (_, number))| number)
            .collect();
        self.doubtful.retain(|id| target(*id).is_none());
        let leaves = |number: &Number| target(number.id()).is_some();
        self.change_lists(leaves, |numbers| {
            taken.extend(numbers.extract_if(.., |number| target(number.id()).is_some()));
        });
        for number in taken {
            let to = target(number.id()).and_then(|to| self.number_lists.get_mut(&to));
            if let Some(NumberList::Known(numbers)) = to.map(Arc::make_mut) {
                numbers.push(number);
            }
        }
        self.rebuild_index();
    }

    /// Removes the number from `account`, which does not hold it any more.
    pub fn remove_number(&mut self, account: AccountSid, number: impl Into<NumberId>) {
        let id = number.into();
        if let Some(list) = self.number_lists.get_mut(&account)
            && let NumberList::Known(numbers) = Arc::make_mut(list)
        {
            numbers.retain(|number| number.id() != id);
        }
        self.placed.retain(|placed, (owner, _)| *placed != id || *owner != account);
        self.rebuild_index();
    }

    fn rebuild_index(&mut self) {
        self.index = NumberIndex::default();
        for (account, list) in &self.number_lists {
            if let NumberList::Known(numbers) = &**list {
                self.index.add(*account, numbers);
            }
        }
    }
}
