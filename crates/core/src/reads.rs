//! The number lists that the plan needs.

use std::collections::BTreeSet;

use crate::{AccountSid, Desired, History, Now, NumberLocation, Observed, PhoneNumber, Status};

/// The accounts whose numbers are read in any case: those that claim numbers or are to close, those where a claimed
/// number was seen last, and the main account when a closing account's numbers may move there.
pub fn first_lists(desired: &Desired, observed: &Observed, history: &History) -> BTreeSet<AccountSid> {
    let closing = || desired.accounts().filter(|entry| entry.close().is_some());
    let to_main = closing().any(|entry| entry.close().is_some_and(|terms| terms.move_numbers_to_main));
    let main = to_main.then_some(observed.main());
    let claimants = desired.claims().map(|(account, ..)| account);
    let owners = desired.claims().filter_map(|(_, number, _)| history.owner(number));
    // Read without the fault too: a number that is in two lists is on the move, and must not look settled in one.
    let doubtful = desired.frozen();
    let wanted = claimants.chain(owners).chain(closing().map(|entry| entry.sid)).chain(doubtful).chain(main);
    wanted.filter(|&account| has_a_list(observed, account)).collect()
}

/// The lists that are read besides, when a number that matters is in none of the first ones and a search is due.
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
    let not_read =
        |account: &AccountSid| matches!(observed.number_list(*account), crate::NumberList::NotRead);
    let all = observed.accounts().map(|account| account.sid);
    all.filter(|&account| has_a_list(observed, account)).filter(not_read).collect()
}

/// Numbers that are claimed, or that a closing account was seen with, and that are in no list that was read.
pub fn missing(desired: &Desired, observed: &Observed, history: &History) -> BTreeSet<PhoneNumber> {
    let claimed = desired.claims().map(|(_, number, _)| number);
    let closing = desired.accounts().filter(|entry| entry.close().is_some()).map(|entry| entry.sid);
    let seen = closing
        .filter(|account| has_a_list(observed, *account))
        .flat_map(|account| history.numbers_of(account).map(|(phone, _)| phone));
    claimed.chain(seen).filter(|number| observed.locate(*number) == NumberLocation::Nowhere).collect()
}

/// Returns true when `account` exists and is not closed: a closed account holds nothing.
pub fn has_a_list(observed: &Observed, account: AccountSid) -> bool {
    observed.account(account).is_some_and(|account| account.status.known() != Some(Status::Closed))
}
