//! The world: one main account, its subaccounts, and their numbers, calls and addresses. Every number has exactly one owner,
//! and that owner exists.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod behavior;
pub(crate) mod builder;
pub(crate) mod call;
pub(crate) mod call_entry;
pub(crate) mod calls;
pub(crate) mod console;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod lag;
pub(crate) mod number;
pub(crate) mod rules;
pub(crate) mod settings;
pub(crate) mod sid;
pub(crate) mod transfer_resources;
pub(crate) mod when;
pub mod world_file;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;

use crate::world::{
    account::{Account, AccountStatus},
    address::Address,
    behavior::Behavior,
    call::Call,
    lag::Past,
    number::Number,
    sid::{AccountSid, AddressSid, CallSid, NumberSid},
};

/// A range of SIDs, for reading a list page by page.
pub(crate) type Stretch<'a> = (Bound<&'a str>, Bound<&'a str>);

/// A number that was released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The number, E.164.
    pub phone_number: String,
    /// The SID that it had.
    pub sid: NumberSid,
    /// The account that owned it.
    pub account: AccountSid,
    /// The time at which it was released.
    pub at: Timestamp,
}

/// The error of an unknown account or number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown account or number `{0}`")]
pub struct Unknown(pub String);

/// The state of Twilio for one main account. It has no I/O and reads no clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    main: AccountSid,
    accounts: BTreeMap<AccountSid, Account>,
    numbers: BTreeMap<NumberSid, Number>,
    holdings: BTreeMap<AccountSid, BTreeSet<NumberSid>>,
    phones: BTreeMap<String, NumberSid>,
    calls: BTreeMap<CallSid, Call>,
    addresses: BTreeMap<AddressSid, Address>,
    strangers: BTreeSet<AccountSid>,
    released: Vec<Release>,
    switches: Behavior,
    pub(crate) past: Past,
}

impl World {
    /// The `n`-th phone number of generated worlds, from +15105550001 on.
    pub fn phone_numbered(n: u64) -> String {
        format!("+1510{:07}", 5_550_000 + n)
    }

    pub(crate) fn empty(main: Account) -> Self {
        Self {
            main: main.sid.clone(),
            accounts: [(main.sid.clone(), main)].into_iter().collect(),
            numbers: BTreeMap::new(),
            holdings: BTreeMap::new(),
            phones: BTreeMap::new(),
            calls: BTreeMap::new(),
            addresses: BTreeMap::new(),
            strangers: BTreeSet::new(),
            released: Vec::new(),
            switches: Behavior::default(),
            past: Past::default(),
        }
    }

    /// The main account.
    pub fn main(&self) -> &Account {
        &self.accounts[&self.main]
    }

    /// Returns true when `sid` is the main account.
    pub fn is_main(&self, sid: &str) -> bool {
        self.main == *sid
    }

    /// The account, main or sub, with this SID.
    pub fn account(&self, sid: &str) -> Option<&Account> {
        self.accounts.get(sid)
    }

    /// All accounts, the main account among them, by SID.
    pub fn accounts(&self) -> impl DoubleEndedIterator<Item = &Account> {
        self.accounts.values()
    }

    /// The status of an account as Twilio shows it: while the main account is suspended, no subaccount is active.
    pub fn status(&self, sid: &str) -> Option<AccountStatus> {
        Some(self.account(sid)?.status.below(self.main().status))
    }

    /// The number with this SID or phone number.
    pub fn number(&self, sid_or_phone: &str) -> Option<&Number> {
        let sid = self.phones.get(sid_or_phone).map_or(sid_or_phone, NumberSid::as_str);
        self.numbers.get(sid)
    }

    /// All numbers, by SID.
    pub fn numbers(&self) -> impl DoubleEndedIterator<Item = &Number> {
        self.numbers.values()
    }

    /// The numbers that an account owns, by SID.
    pub fn numbers_of(&self, account: &str) -> impl DoubleEndedIterator<Item = &Number> {
        self.numbers_within(account, (Bound::Unbounded, Bound::Unbounded))
    }

    /// The account that owns the number with this SID or phone number.
    pub fn owner_of(&self, sid_or_phone: &str) -> Option<&AccountSid> {
        self.number(sid_or_phone).map(|number| &number.owner)
    }

    /// The call with this SID.
    pub fn call(&self, sid: &str) -> Option<&Call> {
        self.calls.get(sid)
    }

    /// All calls, by SID.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.calls.values()
    }

    /// The address with this SID.
    pub fn address(&self, sid: &str) -> Option<&Address> {
        self.addresses.get(sid)
    }

    /// All addresses, by SID.
    pub fn addresses(&self) -> impl DoubleEndedIterator<Item = &Address> {
        self.addresses.values()
    }

    /// The addresses of an account, by SID.
    pub fn addresses_of(&self, account: &str) -> impl DoubleEndedIterator<Item = &Address> {
        self.addresses.values().filter(move |address| address.owner == *account)
    }

    /// Every number that was released, in order.
    pub fn released(&self) -> &[Release] {
        &self.released
    }

    /// Accounts that exist but are neither the main account nor its subaccounts.
    pub fn strangers(&self) -> impl Iterator<Item = &AccountSid> {
        self.strangers.iter()
    }

    /// The switches for undocumented behavior.
    pub fn switches(&self) -> &Behavior {
        &self.switches
    }

    /// The switches for undocumented behavior, to be changed.
    pub fn switches_mut(&mut self) -> &mut Behavior {
        &mut self.switches
    }

    pub(crate) fn accounts_within(
        &self,
        stretch: Stretch<'_>,
    ) -> impl DoubleEndedIterator<Item = &Account> + use<'_> {
        self.accounts.range::<str, _>(stretch).map(|(_, account)| account)
    }

    pub(crate) fn numbers_within(
        &self,
        account: &str,
        stretch: Stretch<'_>,
    ) -> impl DoubleEndedIterator<Item = &Number> + use<'_> {
        let held = self.holdings.get(account).map(|held| held.range::<str, _>(stretch));
        held.into_iter().flatten().filter_map(|sid| self.numbers.get(sid))
    }

    pub(crate) fn is_stranger(&self, sid: &str) -> bool {
        self.strangers.contains(sid)
    }

    pub(crate) fn add_stranger(&mut self, sid: AccountSid) {
        self.strangers.insert(sid);
    }

    pub(crate) fn log_release(&mut self, release: Release) {
        self.released.push(release);
    }

    /// Adds an account without recording a change.
    pub(crate) fn insert_account(&mut self, account: Account) {
        self.accounts.insert(account.sid.clone(), account);
    }

    /// Adds an account, or replaces the one with its SID.
    pub(crate) fn put_account(&mut self, account: Account, at: Timestamp) {
        let sid = account.sid.clone();
        let before = self.accounts.insert(sid.clone(), account);
        self.past.note_account(&sid, before, at, &self.switches);
    }

    /// Removes an account that owns no numbers any more, with its calls and addresses.
    pub(crate) fn take_account(&mut self, sid: &str, at: Timestamp) {
        self.calls.retain(|_, call| call.owner != *sid);
        self.addresses.retain(|_, address| address.owner != *sid);
        let before = self.accounts.remove(sid);
        self.past.note_account(sid, before, at, &self.switches);
    }

    /// Adds a call without recording a change.
    pub(crate) fn insert_call(&mut self, call: Call) {
        self.calls.insert(call.sid.clone(), call);
    }

    /// Adds a call, or replaces the one with its SID.
    pub(crate) fn put_call(&mut self, call: Call, at: Timestamp) {
        let sid = call.sid.clone();
        let before = self.calls.insert(sid.clone(), call);
        self.past.note_call(&sid, before, at, &self.switches);
    }

    /// Removes a call.
    pub(crate) fn take_call(&mut self, sid: &str, at: Timestamp) {
        let before = self.calls.remove(sid);
        self.past.note_call(sid, before, at, &self.switches);
    }

    /// Adds an address, or replaces the one with its SID.
    pub(crate) fn put_address(&mut self, address: Address) {
        self.addresses.insert(address.sid.clone(), address);
    }

    /// Removes an address.
    pub(crate) fn take_address(&mut self, sid: &str) {
        self.addresses.remove(sid);
    }

    /// Adds a number without recording a change.
    pub(crate) fn insert_number(&mut self, number: Number) {
        self.holdings.entry(number.owner.clone()).or_default().insert(number.sid.clone());
        if !number.phone_number.is_empty() {
            self.phones.insert(number.phone_number.clone(), number.sid.clone());
        }
        self.numbers.insert(number.sid.clone(), number);
    }

    /// Adds a number, or replaces the one with its SID.
    pub(crate) fn put_number(&mut self, number: Number, at: Timestamp) {
        let before = self.remove_number(&number.sid);
        self.past.note_number(&number.sid, before, at, &self.switches);
        self.insert_number(number);
    }

    fn remove_number(&mut self, sid: &str) -> Option<Number> {
        let number = self.numbers.remove(sid)?;
        self.phones.remove(&number.phone_number);
        if let Some(held) = self.holdings.get_mut(&number.owner) {
            held.remove(sid);
            if held.is_empty() {
                self.holdings.remove(&number.owner);
            }
        }
        Some(number)
    }

    pub(crate) fn release(&mut self, sid: &str, at: Timestamp) {
        let Some(number) = self.remove_number(sid) else { return };
        self.past.note_number(sid, Some(number.clone()), at, &self.switches);
        let phone_number = number.name().to_owned();
        let Number { sid, owner, .. } = number;
        self.released.push(Release { phone_number, sid, account: owner, at });
    }

    pub(crate) fn release_all_of(&mut self, account: &str, at: Timestamp) {
        for number in self.holdings.get(account).cloned().unwrap_or_default() {
            self.release(&number, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_world_spreads_its_numbers_over_its_accounts() {
        let world = World::generated(3, 7);
        assert_eq!(world.accounts().count(), 4);
        let held: Vec<usize> = (0..=3).map(|n| world.numbers_of(&AccountSid::numbered(n)).count()).collect();
        assert_eq!(held, [0, 3, 2, 2]);
        assert_eq!(world.owner_of("+15105550004"), Some(&AccountSid::numbered(1)));
        assert_eq!(World::generated(0, 2).numbers_of(&AccountSid::numbered(0)).count(), 2);
    }

    #[test]
    fn a_number_that_moves_is_removed_from_its_old_owner() {
        let mut world = World::generated(2, 1);
        let number =
            Number { owner: AccountSid::numbered(2), ..world.number("+15105550001").unwrap().clone() };
        world.put_number(number, Timestamp::UNIX_EPOCH);
        assert_eq!(world.numbers_of(&AccountSid::numbered(1)).count(), 0);
        assert_eq!(world.numbers_of(&AccountSid::numbered(2)).count(), 1);
    }

    #[test]
    fn nothing_is_active_below_a_suspended_main_account() {
        let mut world = World::builder(&AccountSid::numbered(0), "t")
            .account(&AccountSid::numbered(1), "acme", AccountStatus::Active)
            .account(&AccountSid::numbered(2), "globex", AccountStatus::Closed)
            .build();
        let main = Account { status: AccountStatus::Suspended, ..world.main().clone() };
        world.put_account(main, Timestamp::UNIX_EPOCH);
        assert_eq!(world.status(&AccountSid::numbered(1)), Some(AccountStatus::Suspended));
        assert_eq!(world.status(&AccountSid::numbered(2)), Some(AccountStatus::Closed));
    }
}
