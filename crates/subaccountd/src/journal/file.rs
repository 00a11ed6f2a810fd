//! The file of the journal: append-only, held by one process, rotated by size and age.
//!
//! What is noted is saved before anything that follows it. A write that fails half-way is cut off again, so that no
//! torn line ends up amid others; after a failed sync nothing is trusted any more, and nothing is saved.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{AccountSid, History};
use tracing::info;

use super::{
    format::{Header, Line, What, to_bytes},
    read::{Contents, JournalError, NAME, fold, is_journal, read},
};

/// A file is archived when it is this large,
const ROTATE_AT: u64 = 16 * 1024 * 1024;
/// or when it was begun this long ago.
const ROTATE_AFTER: SignedDuration = SignedDuration::from_hours(24 * 30);
/// An archive is kept this long.
const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);

const DIR_HELP: &str = "make the folder writable for the user that subaccountd runs as, choose another \
                        --journal-dir, or keep none with --journal-dir none";

/// See the module.
pub(crate) struct JournalFile {
    dir: PathBuf,
    header: Header,
    file: File,
    /// The length of what is known to be whole.
    length: u64,
    /// Lines that are not on disk yet, and where the last of them begins.
    unsaved: Vec<u8>,
    last: usize,
    /// Why nothing can be saved any more.
    broken: Option<String>,
    /// Held as long as the process lives.
    _lock: File,
}

impl JournalFile {
    /// Opens the journal in `dir`, begins it if there is none, and gives what it says.
    pub(super) fn open(
        dir: &Path,
        main: AccountSid,
        now: Timestamp,
    ) -> Result<(Self, History), JournalError> {
        fs::create_dir_all(dir).map_err(|error| JournalError::io(dir, error, DIR_HELP))?;
        let lock = lock(&dir.join("journal.lock"))?;
        let path = dir.join(NAME);
        let io_error = |error| JournalError::io(&path, error, DIR_HELP);
        let bytes = match read(&path)? {
            // A file without a first line was begun when the power went; nothing was ever promised on it.
            Some(bytes) if bytes.contains(&b'\n') => bytes,
            Some(_) | None => {
                begin(dir, &to_bytes(&Header::new(main, now))).map_err(io_error)?;
                info!(journal = %path.display(), "no journal was there, so a new one is begun: nothing is remembered of before");
                read(&path)?.unwrap_or_default()
            }
        };
        let Contents { header, history, whole } = fold(&path, &bytes, main)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(io_error)?;
        if whole < bytes.len() as u64 {
            // A torn last line was never promised either: it goes, so that the next one stands alone.
            file.set_len(whole).and_then(|()| file.sync_all()).map_err(io_error)?;
        }
        let journal = Self {
            dir: dir.to_owned(),
            header,
            file,
            length: whole,
            unsaved: Vec::new(),
            last: 0,
            broken: None,
            _lock: lock,
        };
        Ok((journal, history))
    }

    /// Adds `line` to what is to be saved.
    pub(super) fn note(&mut self, line: &Line) {
        self.last = self.unsaved.len();
        self.unsaved.extend(line.to_bytes());
    }

    /// Takes back the line that was noted last and could not be saved.
    pub(super) fn take_back(&mut self) {
        self.unsaved.truncate(self.last);
    }

    /// Saves what was noted, durably.
    pub(super) fn save(&mut self) -> Result<(), String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        if self.unsaved.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.unsaved) {
            // Half a line may be there: cut it off.
            if let Err(cut) = self.file.set_len(self.length) {
                self.broken =
                    Some(format!("half a line could not be cut off ({cut}): restart when the disk is well"));
            }
            return Err(error.to_string());
        }
        if let Err(error) = self.file.sync_data() {
            let why = format!("the disk did not keep what was written ({error}): restart when it is well");
            self.broken = Some(why.clone());
            return Err(why);
        }
        self.length += self.unsaved.len() as u64;
        self.unsaved.clear();
        self.last = 0;
        Ok(())
    }

    /// Archives the file when it is large or old, and begins another that carries over `history`.
    pub(super) fn rotate_when_due(&mut self, history: &History, now: Timestamp) -> io::Result<()> {
        let old = now.duration_since(self.header.time) >= ROTATE_AFTER;
        if (self.length >= ROTATE_AT || old) && self.unsaved.is_empty() && self.broken.is_none() {
            self.rotate(history, now)?;
        }
        Ok(())
    }

    fn rotate(&mut self, history: &History, now: Timestamp) -> io::Result<()> {
        let header = Header::new(self.header.main_account, now);
        let carried =
            Line { time: now, what: What::Carried { carried: Box::new(history.clone()) }, audit: None };
        // The archive is a second name of the old file until the new one takes the first: at no time is there none.
        let archive = self.dir.join(archive_name(self.header.time));
        match fs::hard_link(self.dir.join(NAME), &archive) {
            // An earlier try got this far.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        let begun = [to_bytes(&header), carried.to_bytes()].concat();
        begin(&self.dir, &begun)?;
        self.file = OpenOptions::new().append(true).open(self.dir.join(NAME))?;
        self.length = begun.len() as u64;
        self.header = header;
        self.drop_old(now)
    }

    fn drop_old(&self, now: Timestamp) -> io::Result<()> {
        let keep_from = archive_name(now - KEEP);
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| is_journal(name) && name != NAME && *name < *keep_from) {
                // It holds what was written for up to the age of a rotation after its name.
                let written =
                    entry.metadata()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                if written.is_some_and(|written| now.duration_since(written) > KEEP) {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl JournalFile {
    pub(super) fn begun(&self) -> Timestamp {
        self.header.time
    }

    pub(super) fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }
}

/// The name of the archive of a file begun at `time`; names sort as times do.
pub(super) fn archive_name(time: Timestamp) -> String {
    format!("journal-{}.jsonl", time.strftime("%Y%m%dT%H%M%SZ"))
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| JournalError::io(path, error, DIR_HELP))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Held(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(JournalError::io(path, error, DIR_HELP)),
    }
}

/// Puts a journal of these bytes in its place, whole or not at all.
fn begin(dir: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = dir.join(".journal.new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, dir.join(NAME))?;
    File::open(dir)?.sync_all()
}
