//! What number lists have shown: a daemon cannot know more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use twilio_sim::{AccountsSeen, NumbersSeen};

/// The lists as they were answered.
#[derive(Default)]
pub(crate) struct Knowledge {
    numbers: BTreeMap<String, List>,
    /// The open accounts of the last account list that was sent to its end, by name in lower case.
    open: BTreeMap<String, String>,
    /// The rows of an account list that was not sent to its end yet.
    begun: BTreeMap<String, Option<String>>,
}

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
        let list = self.numbers.entry(seen.account.clone()).or_default();
        list.begun.extend(seen.phone_numbers.iter().cloned());
        if seen.is_last {
            for phone in std::mem::take(&mut list.begun) {
                list.shown.entry(phone).or_insert((now, now)).1 = now;
            }
            list.ends.push(now);
        }
    }

    pub(crate) fn accounts(&mut self, seen: &AccountsSeen) {
        if seen.is_first {
            self.begun.clear();
        }
        for row in &seen.rows {
            let is_open = row.status.as_deref() != Some("closed");
            let name = row.friendly_name.as_ref().filter(|_| is_open).map(|name| name.to_lowercase());
            self.begun.insert(row.sid.clone(), name);
        }
        if seen.is_last {
            let rows = std::mem::take(&mut self.begun).into_iter();
            self.open = rows.filter_map(|(sid, name)| Some((name?, sid))).collect();
        }
    }

    /// The open account that the last list showed with a name.
    pub(crate) fn listed(&self, name: &str) -> Option<&str> {
        self.open.get(&name.to_lowercase()).map(String::as_str)
    }

    /// Returns true when the list of an account has shown a number since it `entered`, or at any time.
    pub(crate) fn has_shown(&self, account: &str, phone: &str, entered: Option<Instant>) -> bool {
        let shown = self.numbers.get(account).and_then(|list| list.shown.get(phone));
        shown.is_some_and(|(_, last)| entered.is_none_or(|entered| *last >= entered))
    }

    /// The number of times that the list of an account was read to its end since an instant, and the age of the last read.
    pub(crate) fn reads(&self, account: &str, since: Instant, now: Instant) -> (usize, Option<Duration>) {
        let ends = self.numbers.get(account).map(|list| list.ends.as_slice()).unwrap_or_default();
        let reads = ends.iter().filter(|end| **end >= since).count();
        (reads, ends.last().map(|end| now - *end))
    }

    /// Forgets what was shown after an instant, as a daemon whose journal is lost or older does; all of it without one.
    pub(crate) fn forget(&mut self, after: Option<Instant>) {
        let Some(after) = after else { return self.numbers.clear() };
        for list in self.numbers.values_mut() {
            list.shown.retain(|_, (first, _)| *first <= after);
            list.shown.values_mut().for_each(|(_, last)| *last = (*last).min(after));
        }
    }
}
