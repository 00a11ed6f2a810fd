//! The pauses of number lists that could not be read: a dark account delays no other.
//!
//! A list that failed is unreadable in the passes that follow, and asked for beside them after pauses that grow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use subaccountd_core::AccountSid;
use tokio::time::Instant;

/// The first pause after a failure. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// The lists that failed. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListPauses(Arc<Mutex<BTreeMap<AccountSid, Failing>>>);

#[derive(Debug)]
struct Failing {
    why: String,
    times: u32,
    retry_at: Instant,
    /// The digest of the entry of the account: an edit of it ends the pause.
    entry: String,
}

impl ListPauses {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountSid, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reason for which the list of `account` is not asked for in a pass.
    pub(crate) fn failing(&self, account: AccountSid) -> Option<String> {
        self.lock().get(&account).map(|failing| failing.why.clone())
    }

    /// The list of `account` failed; `entry` is the digest of its entry.
    pub(crate) fn failed(&self, account: AccountSid, why: String, entry: String) {
        let mut lists = self.lock();
        let times = lists.get(&account).map_or(0, |failing| failing.times).saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << times.saturating_sub(1).min(10)).min(MAX_PAUSE);
        lists.insert(account, Failing { why, times, retry_at: Instant::now() + pause, entry });
    }

    /// The list of `account` was read.
    pub(crate) fn recovered(&self, account: AccountSid) {
        self.lock().remove(&account);
    }

    /// Ends the pauses of the accounts whose entries changed.
    pub(crate) fn end_changed(&self, entry: impl Fn(AccountSid) -> String) {
        self.lock().retain(|account, failing| entry(*account) == failing.entry);
    }

    /// The accounts whose pause is over, the one that waited longest first, each with the digest of its entry.
    pub(crate) fn due(&self) -> Vec<(AccountSid, String)> {
        let now = Instant::now();
        let lists = self.lock();
        let mut due: Vec<_> = lists.iter().filter(|(_, failing)| failing.retry_at <= now).collect();
        due.sort_by_key(|(_, failing)| failing.retry_at);
        due.into_iter().map(|(account, failing)| (*account, failing.entry.clone())).collect()
    }

    /// The number of lists that are failing.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn account() -> AccountSid {
        "AC00000000000000000000000000000001".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn pause_doubles_from_15_seconds_to_ten_minutes() {
        let pauses = ListPauses::default();
        for seconds in [15, 30, 60, 120, 240, 480, 600, 600] {
            pauses.failed(account(), "503".to_owned(), "a".to_owned());
            advance(Duration::from_secs(seconds - 1)).await;
            assert_eq!(pauses.due(), [], "{seconds}");
            advance(Duration::from_secs(1)).await;
            assert_eq!(pauses.due(), [(account(), "a".to_owned())], "{seconds}");
        }
        pauses.recovered(account());
        assert_eq!((pauses.failing(account()), pauses.count()), (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn pause_ends_when_the_entry_changes_and_not_otherwise() {
        let pauses = ListPauses::default();
        pauses.failed(account(), "503".to_owned(), "a".to_owned());
        pauses.end_changed(|_| "a".to_owned());
        assert_eq!(pauses.failing(account()), Some("503".to_owned()));
        pauses.end_changed(|_| "b".to_owned());
        assert_eq!(pauses.failing(account()), None);
    }
}
