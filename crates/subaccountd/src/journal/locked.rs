//! One file of lines that this process holds by a lock on the file itself, and the known content of that file.
//!
//! A lock belongs to the file, not to its name. So a file is written only while its name still leads to it and it is
//! as this process left it: otherwise another process could hold a file of that name, or the lines could be lost.

use std::{
    fmt,
    fs::{self, File, Permissions, TryLockError},
    io::{self, ErrorKind, Seek, Write},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tracing::warn;

use super::{
    folder,
    read::{DIR_HELP, JournalError},
};

/// The bytes at the end of the file that are compared before each write.
const TAIL: usize = 4096;
/// The number of times that opening starts over, because the file was replaced between opening and locking.
const MAX_TRIES: usize = 16;

/// A file that is held, see the module.
pub(super) struct LockedFile {
    path: PathBuf,
    file: File,
    device: u64,
    inode: u64,
    /// The length of what is known to be whole.
    length: u64,
    /// The last bytes of that.
    tail: Vec<u8>,
}

/// A failure to save.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    /// Nothing was written; the next try may succeed.
    #[error("{0}: {1}")]
    Retry(PathBuf, io::Error),
    /// The file is not as this process left it.
    #[error("{path}: {change}; nothing is written until a restart: {}", .change.remedy())]
    Changed { path: PathBuf, change: ForeignChange },
    /// The disk failed, so its content is not known.
    #[error("{path}: {problem} ({error}); nothing is written until a restart: fix the disk, then restart")]
    Damaged { path: PathBuf, problem: &'static str, error: io::Error },
}

impl SaveError {
    /// Returns true when no later try can succeed in this process.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Retry(..) => false,
            Self::Changed { .. } | Self::Damaged { .. } => true,
        }
    }
}

/// A change of the file that this process did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForeignChange {
    /// No file has its name.
    Removed,
    /// Another file has its name.
    Replaced,
    /// It is shorter, or longer, than what was written.
    Length { known: u64, found: u64 },
    /// Its last bytes are different.
    Content,
}

impl fmt::Display for ForeignChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the journal was removed or moved while in use"),
            Self::Replaced => f.write_str("the journal was replaced by another file while in use"),
            Self::Length { known, found } => {
                write!(f, "the journal was changed while in use: it has {found} bytes, not {known}")
            }
            Self::Content => {
                f.write_str("the journal was changed while in use: its last lines are not the ones written")
            }
        }
    }
}

impl ForeignChange {
    fn remedy(self) -> &'static str {
        match self {
            Self::Removed => "put the file back, then restart",
            Self::Replaced | Self::Length { .. } | Self::Content => {
                "keep the journal that has the latest lines, then restart"
            }
        }
    }
}

impl LockedFile {
    /// Opens the file at `path` and locks it; creates an empty one when there is none.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        for _ in 0..MAX_TRIES {
            let file = folder::options().create(true).open(path);
            if let Some(locked) = Self::lock(file.map_err(|e| JournalError::io(path, e, DIR_HELP))?, path)? {
                return Ok(locked);
            }
        }
        Err(JournalError::io(
            path,
            io::Error::other("the file is replaced repeatedly"),
            "stop what replaces it",
        ))
    }

    /// Locks `file`, which was opened at `path`; `None` when `path` leads to another file meanwhile, whose lock counts.
    pub(super) fn lock(file: File, path: &Path) -> Result<Option<Self>, JournalError> {
        let io_error = |error| JournalError::io(path, error, DIR_HELP);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        let held = file.metadata().map_err(io_error)?;
        let named = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io_error)?,
        };
        if named.is_symlink() || !held.is_file() {
            // The next rotation would replace the link, and with it the lock.
            let problem = io::Error::new(ErrorKind::InvalidInput, "not a regular file");
            return Err(JournalError::io(path, problem, "name the folder that holds the journal itself"));
        }
        if (named.dev(), named.ino()) != (held.dev(), held.ino()) {
            return Ok(None);
        }
        narrow(&file, path, held.permissions().mode());
        let locked = Self::known(file, path, &held).map_err(io_error)?;
        Ok(Some(locked))
    }

    /// Creates the file at `path` with these bytes, locked before it can get another name. The path must be free.
    pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut file = folder::options().create_new(true).open(path)?;
        file.try_lock()?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let metadata = file.metadata()?;
        Self::known(file, path, &metadata)
    }

    fn known(file: File, path: &Path, metadata: &fs::Metadata) -> io::Result<Self> {
        let (device, inode, length) = (metadata.dev(), metadata.ino(), metadata.len());
        let mut locked = Self { path: path.to_owned(), file, device, inode, length, tail: Vec::new() };
        locked.read_tail()?;
        Ok(locked)
    }

    fn read_tail(&mut self) -> io::Result<()> {
        let begin = self.length.saturating_sub(TAIL as u64);
        self.tail = vec![0; usize::try_from(self.length - begin).unwrap_or(TAIL)];
        self.file.read_exact_at(&mut self.tail, begin)
    }

    /// The length of what is known to be whole.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The file, for reading from its first byte.
    pub(super) fn reader(&self) -> io::Result<&File> {
        (&self.file).rewind()?;
        Ok(&self.file)
    }

    /// Cuts off what follows the first `length` bytes.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()?;
        self.length = length;
        self.read_tail()
    }

    /// Checks that the path still leads to this file, and that the file is as it was left.
    pub(super) fn check(&self) -> Result<(), SaveError> {
        self.check_name()?;
        let mut tail = vec![0; self.tail.len()];
        let begin = self.length - tail.len() as u64;
        match self.file.read_exact_at(&mut tail, begin) {
            Ok(()) if tail == self.tail => Ok(()),
            Ok(()) => Err(self.changed(ForeignChange::Content)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(self.changed(ForeignChange::Content))
            }
            Err(error) => Err(self.retry(error)),
        }
    }

    fn check_name(&self) -> Result<(), SaveError> {
        use ErrorKind::{NotADirectory, NotFound, StaleNetworkFileHandle};
        let named = match fs::symlink_metadata(&self.path) {
            Ok(named) => named,
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | StaleNetworkFileHandle) => {
                return Err(self.changed(ForeignChange::Removed));
            }
            Err(error) => return Err(self.retry(error)),
        };
        if (named.dev(), named.ino()) != (self.device, self.inode) {
            return Err(self.changed(ForeignChange::Replaced));
        }
        if named.len() != self.length {
            return Err(self.changed(ForeignChange::Length { known: self.length, found: named.len() }));
        }
        Ok(())
    }

    /// Checks the file, then appends `bytes` durably: all of them or none.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.check()?;
        self.write(bytes)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        if let Err(error) = self.file.write_all(bytes) {
            if let Err(cut) = self.file.set_len(self.length) {
                return Err(self.damaged("a partial line could not be removed", cut));
            }
            return Err(self.retry(error));
        }
        if let Err(error) = self.file.sync_data() {
            return Err(self.damaged("the sync failed", error));
        }
        self.length += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        // The name may have changed since the last check: the lines may be in a file without a name.
        self.check_name()
    }

    /// Renames the file to `path`, replacing a file of that name.
    pub(super) fn rename(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    pub(super) fn retry(&self, error: io::Error) -> SaveError {
        SaveError::Retry(self.path.clone(), error)
    }

    pub(super) fn damaged(&self, problem: &'static str, error: io::Error) -> SaveError {
        SaveError::Damaged { path: self.path.clone(), problem, error }
    }

    fn changed(&self, change: ForeignChange) -> SaveError {
        SaveError::Changed { path: self.path.clone(), change }
    }
}

/// Removes the permissions of others. The group keeps its own: some platforms share volumes with a group.
fn narrow(file: &File, path: &Path, mode: u32) {
    if mode & 0o007 != 0
        && let Err(error) = file.set_permissions(Permissions::from_mode(mode & 0o7770))
    {
        warn!(journal.file = %path.display(), %error, "journal is accessible to others and its mode cannot be changed");
    }
}
