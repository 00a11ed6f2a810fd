//! Observing: the number lists of many accounts, read side by side.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use subaccountd_core::{
    AccountSid, Holdings, Observed,
    remote::{Observe, RemoteError},
};
use tracing::warn;

/// Reads the number lists of `accounts`, at most `in_flight` at once, and adds them to `observed`.
///
/// # Errors
/// When an answer is about the credentials or the main account. What concerns one list alone makes that list
/// unreadable.
pub(crate) async fn read_lists(
    observe: &impl Observe,
    in_flight: usize,
    observed: &mut Observed,
    accounts: BTreeSet<AccountSid>,
) -> Result<(), RemoteError> {
    let read = |account| async move { (account, observe.numbers(account).await) };
    let mut lists = stream::iter(accounts).map(read).buffer_unordered(in_flight);
    while let Some((account, list)) = lists.next().await {
        match list {
            Ok(numbers) => observed.add_holdings(account, Holdings::Known(numbers)),
            Err(error) if error.stops_the_pass() => return Err(error),
            Err(error) => {
                warn!(account.sid = %account, %error, "the numbers of {account} could not be read");
                observed.add_holdings(account, Holdings::Unreadable(error.to_string()));
            }
        }
    }
    Ok(())
}
