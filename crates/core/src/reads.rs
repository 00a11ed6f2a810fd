//! The number lists that the plan needs.

use std::collections::BTreeSet;

use crate::{
    AccountSid, Desired, Entry, History, Now, NumberId, NumberLocation, Observed, Status, desired::Main,
};

/// The accounts whose number lists are always read: those that claim or release numbers, those to close, those where a
/// claimed number was last seen, and the main account when the numbers of an account to close may move there.
pub fn first_lists(desired: &Desired, observed: &Observed, history: &History) -> BTreeSet<AccountSid> {
    let closing = || desired.accounts().filter(|entry| entry.close().is_some());
    let to_main = closing().any(|entry| entry.close().is_some_and(|terms| terms.move_numbers_to_main));
    let main = to_main.then_some(observed.main());
    let claimants = desired.claims().map(|(account, ..)| account);
    let releasing = desired.releases().map(|(account, ..)| account);
    let waiting = desired.unpinned_claims().map(|(_, number)| number);
    let claimed = desired.claims().map(|(_, number, _)| number).chain(waiting);
    let owners = claimed.filter_map(|number| history.owner(number));
    // Without the fault, these would be read too: a number in transit is in two lists, and must not look settled in one.
    let doubtful = desired.frozen();
    let claimants = claimants.chain(releasing);
    let wanted = claimants.chain(owners).chain(closing().map(|entry| entry.sid)).chain(doubtful).chain(main);
    wanted.filter(|&account| has_a_list(observed, account)).collect()
}

/// The lists to search, when a relevant number is in none of the first ones and a search is due.
pub fn further_lists(
    desired: &Desired,
    observed: &Observed,
    history: &History,
    state: &str,
    now: Now,
) -> BTreeSet<AccountSid> {
    if missing(desired, observed, history).is_empty() || !history.may_search(state, now) {
        return BTreeSet::new();
    }
    let all = observed.accounts().map(|account| account.sid);
    all.filter(|&account| has_a_list(observed, account)).collect()
}

/// The numbers that are claimed, or that an account to close was seen with, and that are in no list that was read.
pub fn missing(desired: &Desired, observed: &Observed, history: &History) -> BTreeSet<NumberId> {
    let waiting = desired.unpinned_claims().map(|(_, number)| number);
    let claimed = desired.claims().map(|(_, number, _)| number).chain(waiting).map(NumberId::Phone);
    let closing = desired.accounts().filter(|entry| entry.close().is_some()).map(|entry| entry.sid);
    let seen = closing
        .filter(|account| has_a_list(observed, *account))
        .flat_map(|account| history.numbers_of(account).map(|(number, _)| number));
    claimed.chain(seen).filter(|number| observed.locate(*number) == NumberLocation::Nowhere).collect()
}

/// Returns true when `account` exists and is not closed: a closed account owns no numbers.
pub fn has_a_list(observed: &Observed, account: AccountSid) -> bool {
    observed.account(account).is_some_and(|account| account.status.known() != Some(Status::Closed))
}

/// The digest of the part of the state about `account`; empty when there is none.
pub fn entry_digest(desired: &Desired, account: AccountSid) -> String {
    let main = || desired.main().ok().filter(|main| main.sid == account).map(Main::digest);
    desired.entry(account).map(Entry::digest).or_else(main).unwrap_or_default()
}
