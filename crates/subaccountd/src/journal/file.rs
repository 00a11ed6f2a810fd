//! The file of the journal: append-only, held by one process, rotated by size and age.
//!
//! Lines are saved in the order in which they are noted. A write that fails half-way is cut off again, so that no torn
//! line stays between others; after a failed sync, and after a change by another process, nothing is saved any more.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use subaccountd_core::{AccountSid, History};
use tracing::info;

use super::{
    folder,
    format::{Header, JournalLine, to_bytes},
    locked::{LockedFile, SaveError},
    read::{Contents, DIR_HELP, JournalError, NAME, fold},
};

/// The most unsaved bytes that are kept while the disk accepts none.
const MAX_UNSAVED: usize = 64 * 1024 * 1024;

/// A rotation that failed: the length of the file then, and the time.
pub(super) struct FailedRotation {
    pub(super) length: u64,
    pub(super) at: Timestamp,
}

/// The file that this process writes, see the module.
pub(crate) struct JournalFile {
    pub(super) dir: PathBuf,
    pub(super) header: Header,
    pub(super) file: LockedFile,
    /// The length of the lines with which the file began.
    pub(super) carried: u64,
    /// The latest time of a line.
    pub(super) newest: Timestamp,
    pub(super) failed_rotation: Option<FailedRotation>,
    /// Lines that are not on disk yet.
    pub(super) unsaved: Vec<u8>,
    /// The position in `unsaved` at which the last line begins.
    last: usize,
    /// The reason for which nothing can be saved any more.
    pub(super) broken: Option<String>,
}

impl JournalFile {
    /// Opens the journal in `dir`, starts one if there is none, and returns its history.
    pub(super) fn open(
        dir: &Path,
        main: AccountSid,
        now: Timestamp,
    ) -> Result<(Self, History), JournalError> {
        folder::create(dir).map_err(|error| JournalError::io(dir, error, DIR_HELP))?;
        let path = dir.join(NAME);
        let io_error = |error| JournalError::io(&path, error, DIR_HELP);
        let mut file = LockedFile::open(&path)?;
        // The next rotation reports a file that cannot be removed.
        let _ = folder::remove_unfinished(dir);
        let contents = fold(&path, file.reader().map_err(io_error)?, main)?;
        let Contents { header, history, whole, carried, newest } = match contents {
            Some(contents) => contents,
            None => begin(dir, &mut file, Header::new(main, now)).map_err(io_error)?,
        };
        if whole < file.length() {
            // A torn last line was never acknowledged: it is cut off, so that the next one is whole.
            file.cut(whole).map_err(io_error)?;
        }
        let dir = dir.to_owned();
        let (failed_rotation, unsaved, last, broken) = (None, Vec::new(), 0, None);
        let journal = Self { dir, header, file, carried, newest, failed_rotation, unsaved, last, broken };
        Ok((journal, history))
    }

    /// Adds `line` to what is saved next.
    pub(super) fn note(&mut self, line: &JournalLine) {
        self.last = self.unsaved.len();
        if self.broken.is_some() {
            // The line would never be saved, and memory stays bounded without a restart.
            return;
        }
        self.newest = self.newest.max(line.time);
        self.unsaved.extend(line.to_bytes());
        if self.unsaved.len() > MAX_UNSAVED {
            self.unsaved = Vec::new();
            self.last = 0;
            self.broken = Some(format!(
                "{}: {} MiB of lines could not be saved; nothing is written until a restart: fix the disk, then restart",
                self.dir.join(NAME).display(),
                MAX_UNSAVED / 1024 / 1024
            ));
        }
    }

    /// Removes the line that was noted last and could not be saved.
    pub(super) fn take_back(&mut self) {
        self.unsaved.truncate(self.last);
    }

    /// Saves what was noted, durably, in the file that has the journal's name.
    pub(super) fn save(&mut self) -> Result<(), String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        if self.unsaved.is_empty() {
            return Ok(());
        }
        self.file.append(&self.unsaved).map_err(|error| self.keep_if_lasting(&error))?;
        // The first pass of a large fleet notes many lines: their memory is freed.
        self.unsaved = Vec::new();
        self.last = 0;
        Ok(())
    }

    /// Checks that the journal is as this process left it; when it is not, nothing is saved any more.
    pub(super) fn check(&mut self) -> Result<(), String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        self.file.check().map_err(|error| self.keep_if_lasting(&error))
    }

    /// The message of `error`, which is remembered when no later try can succeed.
    pub(super) fn keep_if_lasting(&mut self, error: &SaveError) -> String {
        let message = error.to_string();
        if error.is_lasting() {
            self.broken = Some(message.clone());
            self.unsaved = Vec::new();
            self.last = 0;
        }
        message
    }
}

/// Begins the journal in a file that has no whole first line yet.
fn begin(dir: &Path, file: &mut LockedFile, header: Header) -> io::Result<Contents> {
    info!(journal.file = %dir.join(NAME).display(), "journal not found; starting a new one without history");
    let bytes = to_bytes(&header);
    file.cut(0)?;
    file.append(&bytes).map_err(|error| match error {
        SaveError::Retry(_, error) | SaveError::Damaged { error, .. } => error,
        SaveError::Changed { change, .. } => io::Error::other(change.to_string()),
    })?;
    folder::sync(dir)?;
    let whole = bytes.len() as u64;
    Ok(Contents { newest: header.time, header, history: History::default(), whole, carried: whole })
}
