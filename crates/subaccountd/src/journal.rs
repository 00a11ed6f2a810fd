//! The journal: the history of what passes saw and did, fed by events alone.
//!
//! It lives in memory: what a restarted process must know is not kept yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    History, Now, Planned,
    execute::Outcome,
    history::{Event, Write, WriteResult},
};

use crate::clock;

/// The history, and the clock of the present pass by which its events are dated.
#[derive(Debug)]
pub(crate) struct Journal {
    inner: Mutex<(History, Now)>,
}

impl Journal {
    /// A journal that knows nothing.
    pub(crate) fn in_memory() -> Self {
        Self { inner: Mutex::new((History::default(), Now { local: clock::now(), twilio: None })) }
    }

    fn lock(&self) -> MutexGuard<'_, (History, Now)> {
        // A panic ends the process, so nobody sees what it left behind.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history as it is now.
    pub(crate) fn history(&self) -> History {
        self.lock().0.clone()
    }

    /// Begins a pass at `now`, and forgets what is older than `window`.
    pub(crate) fn begin(&self, now: Now, window: SignedDuration) {
        let mut inner = self.lock();
        inner.0.prune(now, window);
        inner.1 = now;
    }

    /// Takes in what a pass noticed.
    pub(crate) fn take_in(&self, events: Vec<Event>) {
        let mut inner = self.lock();
        for event in events {
            inner.0.apply(event);
        }
    }

    /// Keeps the intent of a write and gives its id.
    pub(crate) fn intent(&self, planned: &Planned) -> u64 {
        let mut inner = self.lock();
        let (id, at) = (inner.0.next_id(), time(inner.1, None));
        inner.0.apply(Event::Intent { id, at, write: Write::of(planned) });
        id
    }

    /// Keeps how a write ended.
    pub(crate) fn outcome(&self, id: u64, outcome: &Outcome) {
        let date = match outcome {
            Outcome::Done(receipt) => receipt.date,
            Outcome::Refused(refusal) => refusal.date,
            Outcome::Unknown(_) | Outcome::Skipped(_) => None,
        };
        let mut inner = self.lock();
        let at = time(inner.1, date);
        inner.0.apply(Event::Outcome { id, at, result: WriteResult::of(outcome) });
    }
}

/// The time by Twilio's clock, as far as it can be trusted: its `date`, or the pass's clock moved on.
fn time(pass: Now, date: Option<Timestamp>) -> Timestamp {
    let local = clock::now();
    let moved_on = || pass.twilio.map(|twilio| twilio + local.duration_since(pass.local));
    Now { local, twilio: date.or_else(moved_on) }.best()
}
