//! The journal: the history of what passes saw and did, fed by events alone, and kept in a file when there is one.
//!
//! The intent of a write is on disk before the write begins; where that fails, the write does not happen.

mod archive;
mod file;
mod folder;
mod format;
mod locked;
mod read;
mod rotate;
mod show;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, History, Now, Planned,
    execute::Outcome,
    history::{Event, Write, WriteResult},
};
use tracing::{debug, warn};

use crate::clock;
pub(crate) use file::JournalFile;
pub(crate) use format::{Audit, Line, What};
pub(crate) use read::JournalError;
pub(crate) use show::lines;

/// The history, and where it is kept.
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Shared with whoever looks at it: it is copied only when it changes meanwhile.
    history: Arc<History>,
    /// The clock of the present pass, by which events are dated.
    now: Now,
    /// `None` keeps everything in memory.
    file: Option<JournalFile>,
}

impl Journal {
    fn new(history: History, file: Option<JournalFile>) -> Self {
        let now = Now { local: clock::now(), twilio: None };
        Self { inner: Mutex::new(Inner { history: Arc::new(history), now, file }) }
    }

    /// A journal that forgets with the process.
    pub(crate) fn in_memory() -> Self {
        Self::new(History::default(), None)
    }

    /// Opens the journal in `dir` for writing, for `main` alone.
    pub(crate) fn open(dir: &Path, main: AccountSid) -> Result<Self, JournalError> {
        let (file, history) = JournalFile::open(dir, main, clock::now())?;
        Ok(Self::new(history, Some(file)))
    }

    /// What the journal in `dir` says, for looking only; a journal that is not there says nothing.
    pub(crate) fn look(dir: &Path, main: AccountSid) -> Result<Self, JournalError> {
        Ok(Self::new(read::history(dir, main)?, None))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic ends the process, so nobody sees what it left behind.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history as it is now.
    pub(crate) fn history(&self) -> Arc<History> {
        Arc::clone(&self.lock().history)
    }

    /// Begins a pass at `now`, and forgets what is older than `window`.
    pub(crate) fn begin(&self, now: Now, window: SignedDuration) {
        let mut inner = self.lock();
        if inner.history.is_ripe(now, window) {
            Arc::make_mut(&mut inner.history).prune(now, window);
        }
        inner.now = now;
        inner.rotate();
    }

    /// Takes in what a pass noticed.
    pub(crate) fn take_in(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let time = time(inner.now, None);
        for event in events {
            debug!(?event, "noticed");
            inner.note(&Line::of(time, event.clone()));
            Arc::make_mut(&mut inner.history).apply(event);
        }
        // No intent is written before these are.
        if let Err(error) = inner.save() {
            warn!(%error, "the journal cannot be written: nothing is changed at Twilio until it can");
        }
    }

    /// Makes the intent of a write durable and gives its id.
    pub(crate) fn intent(&self, planned: &Planned, audit: Audit) -> Result<u64, String> {
        let mut inner = self.lock();
        let (id, at) = (inner.history.next_id(), time(inner.now, None));
        let event = Event::Intent { id, at, write: Write::of(planned) };
        inner.save()?;
        inner.note(&Line { audit: Some(audit), ..Line::of(at, event.clone()) });
        if let Err(error) = inner.save() {
            inner.take_back();
            return Err(error);
        }
        Arc::make_mut(&mut inner.history).apply(event);
        Ok(id)
    }

    /// Keeps how a write ended. It need not be durable: an intent without an outcome counts as unknown.
    pub(crate) fn outcome(&self, id: u64, outcome: &Outcome, audit: Audit) {
        let date = match outcome {
            Outcome::Done(receipt) => receipt.date,
            Outcome::Refused(refusal) => refusal.date,
            Outcome::Unknown(_) | Outcome::Skipped(_) => None,
        };
        let mut inner = self.lock();
        let at = time(inner.now, date);
        let event = Event::Outcome { id, at, result: WriteResult::of(outcome) };
        inner.note(&Line { audit: Some(audit), ..Line::of(at, event.clone()) });
        Arc::make_mut(&mut inner.history).apply(event);
        if let Err(error) = inner.save() {
            warn!(%error, "the journal cannot be written: nothing is changed at Twilio until it can");
        }
    }
}

impl Inner {
    fn note(&mut self, line: &Line) {
        if let Some(file) = &mut self.file {
            file.note(line);
        }
    }

    fn save(&mut self) -> Result<(), String> {
        self.file.as_mut().map_or(Ok(()), JournalFile::save)
    }

    fn take_back(&mut self) {
        if let Some(file) = &mut self.file {
            file.take_back();
        }
    }

    fn rotate(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.rotate_when_due(&self.history, clock::now(), self.now.trusted()) {
            warn!(%error, "journal check or rotation failed");
        }
    }
}

/// The time by Twilio's clock, as far as it can be trusted: its `date`, or the pass's clock moved on.
fn time(pass: Now, date: Option<Timestamp>) -> Timestamp {
    let local = clock::now();
    let moved_on = || pass.twilio.map(|twilio| twilio + local.duration_since(pass.local));
    Now { local, twilio: date.or_else(moved_on) }.best()
}
