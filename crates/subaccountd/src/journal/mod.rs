//! The journal: the history of what passes saw and did, built from events, and kept in a file when there is one.
//!
//! The intent of a write is on disk before the write begins; where that fails, the write does not happen.

mod archive;
mod file;
mod folder;
mod format;
mod freeze_mark;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod locked;
mod read;
mod rotate;
mod show;
#[cfg(test)]
mod tests;

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, History, Now, Outcome, Planned, Skip, Stamp,
    history::{Event, Write},
};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::clock::{self, TwilioClock};
pub(crate) use file::JournalFile;
pub(crate) use format::{Audit, JournalLine, LineContent};
pub(crate) use freeze_mark::{FreezeMark, MAX_REASON};
pub(crate) use read::{JournalError, NAME as JOURNAL};
pub(crate) use show::lines;

/// The history, the clock that dates events, and the store that keeps them.
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

struct Inner {
    /// The failure to write that lasts: since when, and why.
    failing: Option<(Instant, String)>,
    /// Shared with its readers: it is copied only when it changes while they hold it.
    history: Arc<History>,
    clock: TwilioClock,
    store: Store,
}

/// The store of events.
enum Store {
    /// In a file that this process holds.
    File(Box<JournalFile>),
    /// In memory, on top of a journal that another process may write.
    ReadOnly { dir: PathBuf, main: AccountSid, seen: Option<Fingerprint> },
    /// In memory only.
    Memory,
}

impl Journal {
    fn new(history: History, store: Store) -> Self {
        let (history, clock) = (Arc::new(history), TwilioClock::default());
        Self { inner: Mutex::new(Inner { failing: None, history, clock, store }) }
    }

    /// A journal in memory, which is lost with the process.
    pub(crate) fn in_memory() -> Self {
        Self::new(History::default(), Store::Memory)
    }

    /// Opens the journal in `dir` for writing, for `main` alone.
    pub(crate) fn open(dir: &Path, main: AccountSid) -> Result<Self, JournalError> {
        let (file, history) = JournalFile::open(dir, main, clock::now())?;
        Ok(Self::new(history.durable(), Store::File(Box::new(file))))
    }

    /// Reads the journal in `dir` and never writes to it; a missing journal is empty.
    pub(crate) fn read_only(dir: &Path, main: AccountSid) -> Result<Self, JournalError> {
        let seen = fingerprint(dir);
        let history = read::history(dir, main)?.durable();
        Ok(Self::new(history, Store::ReadOnly { dir: dir.to_owned(), main, seen }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic ends the process, so no reader sees an unfinished change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history as it is now.
    pub(crate) fn history(&self) -> Arc<History> {
        Arc::clone(&self.lock().history)
    }

    /// The reason for which it cannot be written.
    pub(crate) fn failure(&self) -> Option<String> {
        self.lock().failing.as_ref().map(|(_, error)| error.clone())
    }

    /// The time by all clocks.
    pub(crate) fn now(&self) -> Now {
        self.lock().clock.now()
    }

    /// Records the `Date` of an answer that just arrived, and returns the time; without a date Twilio's clock is missing.
    pub(crate) fn tell_date(&self, date: Option<Timestamp>) -> Now {
        let mut inner = self.lock();
        match date {
            Some(date) => {
                inner.clock.tell(date);
                inner.clock.now()
            }
            None => Now { twilio: None, ..inner.clock.now() },
        }
    }

    /// Begins a pass: forgets what is older than `window`, rotates the file when it is due, and reads again what another
    /// process wrote.
    pub(crate) fn begin(&self, now: Now, window: SignedDuration) {
        let mut inner = self.lock();
        inner.refresh();
        // A journal that others changed, and one that can be written again, show though nothing is to be written.
        let _ = inner.save().and_then(|()| inner.check());
        if inner.history.is_ripe(now, window) {
            Arc::make_mut(&mut inner.history).prune(now, window);
        }
        inner.rotate(now);
    }

    /// Records the facts that a pass found.
    pub(crate) fn take_in(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let time = inner.clock.now().best();
        for event in events {
            if let Event::NumberGone { number } = &event {
                info!(%number, "{number} is gone: it was ported out or released externally, and no longer counts as held");
            }
            debug!(?event, "new fact");
            inner.note(&JournalLine::of(time, event.clone()));
            Arc::make_mut(&mut inner.history).apply(event);
        }
        // A failure is told; they are saved before the next intent.
        let _ = inner.save();
    }

    /// Makes the intent of a write durable and returns its id.
    pub(crate) fn intent(&self, planned: &Planned, audit: Audit) -> Result<u64, String> {
        let mut inner = self.lock();
        let (id, at) = (inner.history.next_id(), inner.clock.now().stamp());
        let event = Event::Intent { id, at, write: Write::from(planned) };
        inner.save()?;
        inner.check()?;
        inner.note(&JournalLine { audit: Some(audit), ..JournalLine::of(at.at, event.clone()) });
        if let Err(error) = inner.save() {
            inner.take_back();
            return Err(error);
        }
        Arc::make_mut(&mut inner.history).apply(event);
        Ok(id)
    }

    /// Records the outcome of a write. It need not be durable: an intent without an outcome counts as unknown.
    pub(crate) fn outcome(&self, id: u64, outcome: &Outcome, audit: Audit) {
        let mut inner = self.lock();
        let at = inner.stamp(outcome.date());
        let event = Event::Outcome { id, at, outcome: outcome.clone() };
        inner.note(&JournalLine { audit: Some(audit), ..JournalLine::of(at.at, event.clone()) });
        Arc::make_mut(&mut inner.history).apply(event);
        // A failure is told, and the next intent tries again.
        let _ = inner.save();
    }

    /// Records that the proof of a write failed right before it.
    pub(crate) fn proof_failed(&self, planned: &Planned, skip: &Skip) {
        let (kind, target) = (planned.action.kind(), planned.action.target());
        let (entry, seen) = (planned.entry.clone(), skip.message.clone());
        let at = self.lock().stamp(None);
        self.take_in(vec![Event::ProofFailed { kind, target, at, entry, seen }]);
    }
}

impl Inner {
    /// The time of a fact, by Twilio's `date` of it when there is one.
    fn stamp(&self, date: Option<Timestamp>) -> Stamp {
        let now = self.clock.now();
        Now { twilio: date.or(now.twilio), ..now }.stamp()
    }

    fn note(&mut self, line: &JournalLine) {
        if let Store::File(file) = &mut self.store {
            file.note(line);
        }
    }

    fn save(&mut self) -> Result<(), String> {
        let saved = match &mut self.store {
            Store::File(file) => file.save(),
            Store::ReadOnly { .. } | Store::Memory => Ok(()),
        };
        self.tell(saved.as_ref().err());
        saved
    }

    fn check(&mut self) -> Result<(), String> {
        let checked = match &mut self.store {
            Store::File(file) => file.check(),
            Store::ReadOnly { .. } | Store::Memory => Ok(()),
        };
        if checked.is_err() {
            self.tell(checked.as_ref().err());
        }
        checked
    }

    /// Logs one line when the journal cannot be written any more, and one when it can again.
    fn tell(&mut self, error: Option<&String>) {
        match (&self.failing, error) {
            (None, Some(error)) => {
                error!(trouble = "journal", %error, "journal cannot be written: no write is sent to Twilio until it can");
                self.failing = Some((Instant::now(), error.clone()));
            }
            (Some((since, _)), Some(error)) => self.failing = Some((*since, error.clone())),
            (Some((since, _)), None) => {
                let duration_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                info!(trouble = "journal", duration_ms, "journal can be written again");
                self.failing = None;
            }
            (None, None) => {}
        }
    }

    fn take_back(&mut self) {
        if let Store::File(file) = &mut self.store {
            file.take_back();
        }
    }

    fn refresh(&mut self) {
        let Store::ReadOnly { dir, main, seen } = &mut self.store else { return };
        let now = fingerprint(dir);
        if now == *seen {
            return;
        }
        match read::history(dir, *main) {
            Ok(history) => (self.history, *seen) = (Arc::new(history.durable()), now),
            // It may be in rotation; the next pass reads it again.
            Err(error) => debug!(%error, "journal cannot be read; retrying in the next pass"),
        }
    }

    fn rotate(&mut self, now: Now) {
        let Store::File(file) = &mut self.store else { return };
        if let Err(error) = file.rotate_when_due(&self.history, now.local, now.trusted()) {
            warn!(%error, "journal check or rotation failed");
        }
    }
}

/// The identity of the journal file: device, inode, length, and the time of the last change.
type Fingerprint = (u64, u64, u64, i64, i64);

fn fingerprint(dir: &Path) -> Option<Fingerprint> {
    let file = dir.join(read::NAME).metadata().ok()?;
    Some((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}
