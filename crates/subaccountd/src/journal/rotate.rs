//! Rotation: the lines become an archive, and a new file begins with what is carried over.
//!
//! The archive is a copy that has its name before the new file takes the name of the journal, and the new file is
//! locked before it does. So a crash at any point leaves a journal with all its lines, no other process can hold the
//! journal in between, and no hard links are needed.

use std::io;

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::History;

use super::{
    archive,
    file::{FailedRotation, JournalFile},
    folder,
    format::{Header, JournalLine, LineContent, to_bytes},
    locked::{LockedFile, SaveError},
    read::{self, NAME},
};

/// The number of appended bytes at which a file is archived; more when it began with more.
const ROTATE_AT: u64 = 16 * 1024 * 1024;
/// The age at which a file is archived.
const ROTATE_AFTER: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The number of appended bytes after which a failed rotation is retried.
const RETRY_AT: u64 = 1024 * 1024;
/// The time after which a failed rotation is retried.
const RETRY_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl JournalFile {
    /// Checks the file, archives it when it is large or old, and begins another that carries over `history`.
    ///
    /// `local` is the clock of this machine. `trusted` is a time on which it and Twilio agree: without one, nothing is
    /// archived for its age, and no archive is deleted.
    pub(super) fn rotate_when_due(
        &mut self,
        history: &History,
        local: Timestamp,
        trusted: Option<Timestamp>,
    ) -> Result<(), String> {
        if self.broken.is_some() {
            // The problem is logged when it is found, and again by every save.
            return Ok(());
        }
        self.check()?;
        if !self.unsaved.is_empty() || !self.is_due(trusted) || !self.may_try(local) {
            return Ok(());
        }
        if let Err(error) = self.rotate(history, local, trusted) {
            self.failed_rotation = Some(FailedRotation { length: self.file.length(), at: local });
            return Err(self.keep_if_lasting(&error));
        }
        self.failed_rotation = None;
        let deleted = trusted.map_or(Ok(()), |now| archive::delete_old(&self.dir, now));
        deleted.map_err(|error| format!("{}: cannot delete old archives: {error}", self.dir.display()))
    }

    fn is_due(&self, trusted: Option<Timestamp>) -> bool {
        let appended = self.file.length() - self.carried;
        // A file that was begun by a wrong clock may have been begun in the future.
        let is_old = |now: Timestamp| now.duration_since(self.header.time).abs() >= ROTATE_AFTER;
        appended >= ROTATE_AT.max(self.carried) || trusted.is_some_and(is_old)
    }

    fn may_try(&self, local: Timestamp) -> bool {
        self.failed_rotation.as_ref().is_none_or(|failed| {
            self.file.length() >= failed.length + RETRY_AT
                || local.duration_since(failed.at).abs() >= RETRY_AFTER
        })
    }

    pub(super) fn rotate(
        &mut self,
        history: &History,
        local: Timestamp,
        trusted: Option<Timestamp>,
    ) -> Result<(), SaveError> {
        let header = Header::new(self.header.main_account, trusted.unwrap_or(local));
        let begun = carry_over(&header, history).map_err(|error| self.file.retry(error))?;
        let replaced = self.replace(&begun, self.newest.max(local));
        if replaced.is_err() {
            // When this fails as well, the next rotation does it first.
            let _ = folder::remove_unfinished(&self.dir);
        }
        replaced?;
        self.header = header;
        self.carried = self.file.length();
        Ok(())
    }

    /// Archives the file and puts one with the bytes `begun` in its place.
    fn replace(&mut self, begun: &[u8], newest: Timestamp) -> Result<(), SaveError> {
        let (new, copy) = (self.dir.join(folder::NEW), self.dir.join(folder::COPY));
        let prepare = || {
            folder::remove_unfinished(&self.dir)?;
            let new = LockedFile::create(&new, begun)?;
            archive::copy(self.file.reader()?, self.file.length(), &copy, newest)?;
            archive::publish(&copy, self.header.time, || self.file.reader())?;
            folder::sync(&self.dir)?;
            Ok(new)
        };
        let new = prepare().map_err(|error| self.file.retry(error))?;
        self.put_in_place(new)
    }

    /// Gives `new` the name of the journal, provided that the file of that name is the one that this process holds.
    pub(super) fn put_in_place(&mut self, mut new: LockedFile) -> Result<(), SaveError> {
        self.file.check()?;
        new.rename(&self.dir.join(NAME)).map_err(|error| self.file.retry(error))?;
        self.file = new;
        folder::sync(&self.dir).map_err(|error| self.file.damaged("the sync of its folder failed", error))
    }
}

/// The first lines of a file that carries over `history`, read back once before anything depends on them.
fn carry_over(header: &Header, history: &History) -> io::Result<Vec<u8>> {
    let carried = LineContent::Carried { carried: Box::new(history.clone()) };
    let carried = JournalLine { time: header.time, what: carried, audit: None }.to_bytes();
    let bytes = [to_bytes(header), carried].concat();
    let read = read::fold(NAME.as_ref(), bytes.as_slice(), header.main_account).map_err(io::Error::other)?;
    if read.is_none_or(|read| to_bytes(&read.history) != to_bytes(history)) {
        return Err(io::Error::other("the history that was read back differs from the one that was written"));
    }
    Ok(bytes)
}
