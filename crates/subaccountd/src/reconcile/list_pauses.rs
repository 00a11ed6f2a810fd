//! The pauses of number lists that could not be read: an account whose list fails delays no other.
//!
//! A list that failed counts as unreadable in the passes that follow, and is retried beside them after growing pauses.

use std::{
    collections::{BTreeMap, BTreeSet},
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
pub(crate) struct ListPauses(Arc<Mutex<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    failing: BTreeMap<AccountSid, Failing>,
    /// Those whose pause ended: the next pass reads them.
    ended: BTreeSet<AccountSid>,
    /// The time since which there is always a list that fails, and the most that failed at once.
    trouble: Option<(Instant, usize)>,
}

#[derive(Debug)]
struct Failing {
    why: String,
    times: u32,
    retry_at: Instant,
    /// The digest of the entry of the account: an edit of it ends the pause.
    entry: String,
}

impl ListPauses {
    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lists that a pass does not request, each with the reason.
    pub(crate) fn failing(&self) -> Vec<(AccountSid, String)> {
        self.lock().failing.iter().map(|(account, failing)| (*account, failing.why.clone())).collect()
    }

    /// The lists whose pause ended since the last call.
    pub(crate) fn take_ended(&self) -> BTreeSet<AccountSid> {
        std::mem::take(&mut self.lock().ended)
    }

    /// Records that the list of `account` failed; `entry` is the digest of its entry.
    pub(crate) fn failed(&self, account: AccountSid, why: String, entry: String) {
        let Lists { failing, trouble, .. } = &mut *self.lock();
        let times = failing.get(&account).map_or(0, |failing| failing.times).saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << times.saturating_sub(1).min(10)).min(MAX_PAUSE);
        failing.insert(account, Failing { why, times, retry_at: Instant::now() + pause, entry });
        let (since, most) = trouble.unwrap_or_else(|| (Instant::now(), 0));
        *trouble = Some((since, most.max(failing.len())));
    }

    /// The end of the trouble, once no list fails: how long it was, and the most lists that failed at once.
    pub(crate) fn take_end(&self) -> Option<(Duration, usize)> {
        let mut lists = self.lock();
        let (since, most) = lists.failing.is_empty().then(|| lists.trouble.take())??;
        Some((since.elapsed(), most))
    }

    /// Records that the list of `account` was read.
    pub(crate) fn recovered(&self, account: AccountSid) {
        let mut lists = self.lock();
        if lists.failing.remove(&account).is_some() {
            lists.ended.insert(account);
        }
    }

    /// Ends the pauses of the accounts whose entries changed.
    pub(crate) fn end_changed(&self, entry: impl Fn(AccountSid) -> String) {
        let Lists { failing, ended, .. } = &mut *self.lock();
        ended.extend(
            failing
                .extract_if(.., |account, failing| entry(*account) != failing.entry)
                .map(|(account, _)| account),
        );
    }

    /// Forgets the lists of accounts that no longer have one.
    pub(crate) fn keep(&self, has_a_list: impl Fn(AccountSid) -> bool) {
        let Lists { failing, ended, .. } = &mut *self.lock();
        failing.retain(|account, _| has_a_list(*account));
        ended.retain(|account| has_a_list(*account));
    }

    /// The accounts whose pause is over, the one that waited longest first, each with the digest of its entry.
    pub(crate) fn due(&self) -> Vec<(AccountSid, String)> {
        let now = Instant::now();
        let lists = self.lock();
        let mut due: Vec<_> = lists.failing.iter().filter(|(_, failing)| failing.retry_at <= now).collect();
        due.sort_by_key(|(_, failing)| failing.retry_at);
        due.into_iter().map(|(account, failing)| (*account, failing.entry.clone())).collect()
    }

    /// The earliest time at which a list can be due, one that is failing or one that fails only now.
    pub(crate) fn next_due(&self) -> Instant {
        let retry_at = self.lock().failing.values().map(|failing| failing.retry_at).min();
        let of_a_new_failure = Instant::now() + FIRST_PAUSE;
        retry_at.map_or(of_a_new_failure, |at| at.min(of_a_new_failure))
    }

    /// The number of lists that are failing.
    pub(crate) fn count(&self) -> usize {
        self.lock().failing.len()
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
        assert_eq!(pauses.take_end(), None);
        pauses.recovered(account());
        assert_eq!((pauses.failing(), pauses.count()), (Vec::new(), 0));
        assert_eq!(pauses.take_end(), Some((Duration::from_secs(2_145), 1)));
        assert_eq!(pauses.take_end(), None, "it is told once");
        assert_eq!(pauses.take_ended(), [account()].into());
        assert_eq!(pauses.take_ended(), [].into(), "it is read once");
    }

    #[tokio::test(start_paused = true)]
    async fn next_time_is_that_of_the_first_list_due_or_of_one_that_fails_only_now() {
        let pauses = ListPauses::default();
        assert_eq!(pauses.next_due(), Instant::now() + FIRST_PAUSE);
        pauses.failed(account(), "503".to_owned(), "a".to_owned());
        advance(Duration::from_secs(5)).await;
        assert_eq!(pauses.next_due(), Instant::now() + Duration::from_secs(10));
        advance(Duration::from_secs(10)).await;
        pauses.failed(account(), "503".to_owned(), "a".to_owned());
        assert_eq!(
            pauses.next_due(),
            Instant::now() + FIRST_PAUSE,
            "it is due in 30 s, and another may fail now"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pause_ends_when_the_entry_changes_and_not_otherwise() {
        let pauses = ListPauses::default();
        pauses.failed(account(), "503".to_owned(), "a".to_owned());
        pauses.end_changed(|_| "a".to_owned());
        assert_eq!(pauses.failing(), [(account(), "503".to_owned())]);
        assert_eq!(pauses.take_ended(), [].into());
        pauses.end_changed(|_| "b".to_owned());
        assert_eq!((pauses.failing(), pauses.take_ended()), (Vec::new(), [account()].into()));
    }

    #[tokio::test(start_paused = true)]
    async fn list_of_an_account_that_has_none_any_more_is_forgotten() {
        let pauses = ListPauses::default();
        pauses.failed(account(), "404".to_owned(), "a".to_owned());
        pauses.keep(|_| true);
        assert_eq!(pauses.count(), 1);
        pauses.keep(|_| false);
        assert_eq!((pauses.count(), pauses.take_ended()), (0, [].into()));
    }
}
