//! What number lists have shown: a daemon cannot know more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use twilio_sim::NumbersSeen;

/// The lists of all accounts as they were answered.
#[derive(Default)]
pub(crate) struct Knowledge(BTreeMap<String, List>);

#[derive(Default)]
struct List {
    /// The first and the last time at which it showed a number, by its name: the phone number or, without one, the SID.
    shown: BTreeMap<String, (Instant, Instant)>,
    /// The numbers on pages whose list was not sent to its end yet: a list that breaks off shows nothing.
    begun: BTreeSet<String>,
    /// The ends of the list that were sent.
    ends: Vec<Instant>,
}

impl Knowledge {
    pub(crate) fn page(&mut self, seen: &NumbersSeen, now: Instant) {
        let list = self.0.entry(seen.account.clone()).or_default();
        list.begun.extend(seen.phone_numbers.iter().cloned());
        if seen.is_last {
            for phone in std::mem::take(&mut list.begun) {
                list.shown.entry(phone).or_insert((now, now)).1 = now;
            }
            list.ends.push(now);
        }
    }

    /// Returns true when the list of an account has shown a number since it `entered`, or at any time.
    pub(crate) fn has_shown(&self, account: &str, phone: &str, entered: Option<Instant>) -> bool {
        let shown = self.0.get(account).and_then(|list| list.shown.get(phone));
        shown.is_some_and(|(_, last)| entered.is_none_or(|entered| *last >= entered))
    }

    /// The number of times that the list of an account was read to its end since an instant, and the age of the last read.
    pub(crate) fn reads(&self, account: &str, since: Instant, now: Instant) -> (usize, Option<Duration>) {
        let ends = self.0.get(account).map(|list| list.ends.as_slice()).unwrap_or_default();
        let reads = ends.iter().filter(|end| **end >= since).count();
        (reads, ends.last().map(|end| now - *end))
    }

    /// Forgets what was shown after an instant, as a daemon whose journal is lost or older does; all of it without one.
    pub(crate) fn forget(&mut self, after: Option<Instant>) {
        let Some(after) = after else { return self.0.clear() };
        for list in self.0.values_mut() {
            list.shown.retain(|_, (first, _)| *first <= after);
            list.shown.values_mut().for_each(|(_, last)| *last = (*last).min(after));
        }
    }
}
