//! The number lists that the passes of one process share, so that a list is read again only once within a resync.
//!
//! A kept list is knowledge, never proof: no write rests on it, and no fact of history comes from it that was not recorded
//! when it was read. [`Pass`](crate::Pass) reads it again before either.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use crate::{AccountSid, Desired, LiveStatus, NumberList, Observed, PhoneNumber, reads::entry_digest};

/// The number lists of earlier passes. A copy shares the lists.
#[derive(Debug, Clone)]
pub struct KeptLists {
    /// The age at which a list is read again.
    resync: SignedDuration,
    /// The time of the first pass: a list that was never read is due within a resync of it.
    began: Option<Timestamp>,
    /// The digest of the desired state of the last pass.
    state: String,
    lists: BTreeMap<AccountSid, Arc<KeptList>>,
    /// The accounts whose lists a write or a fetch contradicts: they are read in the next pass.
    unsettled: BTreeSet<AccountSid>,
}

/// One number list, and what it is good for.
#[derive(Debug)]
pub(crate) struct KeptList {
    /// The list, which was read whole.
    pub(crate) list: Arc<NumberList>,
    /// The start of the pass that read it.
    pub(crate) read_at: Timestamp,
    /// The status of the account in that pass, and its date.
    status: (LiveStatus, Option<Timestamp>),
    /// The digest of the entry of the account in that pass.
    entry: Box<str>,
}

impl KeptLists {
    /// No list yet. Each will be good for `resync`.
    pub const fn new(resync: SignedDuration) -> Self {
        Self { resync, began: None, state: String::new(), lists: BTreeMap::new(), unsettled: BTreeSet::new() }
    }

    /// The number of lists.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Returns true when there is no list.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The lists that still stand: nothing that this pass knows changed since they were read.
    pub(crate) fn standing(
        &self,
        (desired, state): (&Desired, &str),
        observed: &Observed,
        with_settings: &BTreeSet<PhoneNumber>,
    ) -> BTreeMap<AccountSid, Arc<KeptList>> {
        let changed = self.state != state;
        let stands = |account: AccountSid, kept: &KeptList| {
            status(observed, account).as_ref() == Some(&kept.status)
                && (!changed
                    || (*kept.entry == *entry_digest(desired, account) && kept.has_settings(with_settings)))
        };
        let standing = self.lists.iter().filter(|(account, kept)| stands(**account, kept));
        standing.map(|(account, kept)| (*account, Arc::clone(kept))).collect()
    }

    /// The accounts among `open` whose lists are due at `now`: those of which `standing` lacks a list that was kept, and those
    /// of age. Each has a moment of its own within every resync, so that the reads are spread evenly, and none is missed when
    /// a pass is late.
    pub(crate) fn due(
        &self,
        open: &BTreeSet<AccountSid>,
        standing: &BTreeMap<AccountSid, Arc<KeptList>>,
        now: Timestamp,
    ) -> BTreeSet<AccountSid> {
        let period = self.resync.as_millis().max(1);
        let now = i128::from(now.as_millisecond());
        let count = i128::try_from(open.len()).unwrap_or(i128::MAX).max(1);
        let is_due = |(rank, account): &(i128, AccountSid)| {
            let changed = self.lists.contains_key(account) && !standing.contains_key(account);
            if changed || self.unsettled.contains(account) {
                return true;
            }
            let phase = period * rank / count;
            let moment = (now - phase).div_euclid(period) * period + phase;
            let read_at = self.lists.get(account).map(|kept| kept.read_at).or(self.began);
            let Some(read_at) = read_at.map(|at| i128::from(at.as_millisecond())) else { return false };
            // A time in the future comes from a wrong clock.
            moment > read_at || read_at > now
        };
        (0..).zip(open.iter().copied()).filter(is_due).map(|(_, account)| account).collect()
    }

    /// No list yet, after a pass that listed the accounts at `at`, for the state with the digest `state`.
    pub(crate) fn after(&self, state: &str, at: Timestamp, unsettled: BTreeSet<AccountSid>) -> Self {
        let began = self.began.or(Some(at));
        Self { began, state: state.to_owned(), unsettled, ..Self::new(self.resync) }
    }

    pub(crate) fn insert(&mut self, account: AccountSid, kept: Arc<KeptList>) {
        self.lists.insert(account, kept);
    }
}

impl KeptList {
    /// The list of `account`, read in the pass that listed the accounts at `read_at`; `None` when it was not read whole.
    pub(crate) fn new(
        account: AccountSid,
        desired: &Desired,
        observed: &Observed,
        read_at: Timestamp,
    ) -> Option<Self> {
        let list = Arc::clone(observed.shared_list(account)?);
        let status = status(observed, account)?;
        let entry = entry_digest(desired, account).into();
        matches!(*list, NumberList::Known(_)).then_some(Self { list, read_at, status, entry })
    }

    /// Returns true when it has the settings of each of its numbers for which the state names some now.
    fn has_settings(&self, named: &BTreeSet<PhoneNumber>) -> bool {
        match &*self.list {
            NumberList::Known(numbers) => numbers
                .iter()
                .filter(|number| number.phone.is_some_and(|phone| named.contains(&phone)))
                .all(|number| number.settings.is_some()),
            NumberList::Unreadable(_) | NumberList::NotInSnapshot | NumberList::NotRead => false,
        }
    }
}

fn status(observed: &Observed, account: AccountSid) -> Option<(LiveStatus, Option<Timestamp>)> {
    observed.account(account).map(|account| (account.status.clone(), account.date_updated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    fn accounts(count: usize) -> BTreeSet<AccountSid> {
        (0..count).map(|n| format!("AC{n:032x}").parse().unwrap()).collect()
    }

    /// Passes at `times`: the number of lists that are read in each, and the age of the oldest list after it.
    fn passes(count: usize, times: &[i64]) -> Vec<(usize, i64)> {
        let open = accounts(count);
        let mut kept = KeptLists::new(SignedDuration::from_mins(10));
        let mut passes = Vec::new();
        for &time in times {
            let due = kept.due(&open, &kept.lists, at(time));
            let lists = std::mem::take(&mut kept.lists);
            kept = KeptLists { lists, ..kept.after("", at(time), BTreeSet::new()) };
            for account in &due {
                let list = Arc::new(NumberList::Known(Vec::new()));
                let status = (LiveStatus::Known(crate::Status::Active), None);
                kept.insert(
                    *account,
                    Arc::new(KeptList { list, read_at: at(time), status, entry: "".into() }),
                );
            }
            let oldest = open.iter().map(|account| {
                time - kept.lists.get(account).map_or(kept.began.unwrap(), |kept| kept.read_at).as_second()
                    + at(0).as_second()
            });
            passes.push((due.len(), oldest.max().unwrap()));
        }
        passes
    }

    #[test]
    fn lists_are_read_evenly_and_each_within_the_resync() {
        let every_minute: Vec<_> = (0..60).map(|minute| minute * 60).collect();
        let passes = passes(1_000, &every_minute);
        assert_eq!(passes[0], (0, 0), "the first pass reads what it needs");
        assert!(passes[1..].iter().all(|(read, _)| (99..=101).contains(read)), "{passes:?}");
        assert!(passes.iter().all(|(_, oldest)| *oldest < 600), "{passes:?}");
    }

    #[test]
    fn list_is_not_missed_when_a_pass_is_late_and_not_read_twice_when_many_follow_at_once() {
        let late = passes(100, &[0, 60, 2_000]);
        assert_eq!(late[2], (100, 0));
        let at_once = passes(100, &[0, 60, 60, 61, 61, 62]);
        let read: usize = at_once.iter().map(|(read, _)| read).sum();
        assert!((9..=11).contains(&read), "{at_once:?}");
    }

    #[test]
    fn every_list_is_due_after_the_clock_was_set_back() {
        let back = passes(10, &[0, 600, 1_200, -50_000]);
        assert_eq!(back[3].0, 10, "{back:?}");
    }
}
