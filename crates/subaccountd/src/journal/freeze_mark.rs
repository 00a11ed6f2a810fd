//! The mark of a freeze: a small file in the journal's folder, whose text is the reason.
//!
//! The daemon only ever reads it, and needs no lock for that. Everything under its name that is not a readable file is a
//! freeze as well: on a doubt nothing is written at Twilio.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rustix::fs::OFlags;
use subaccountd_core::{Freeze, text::sanitize_to};

use super::folder;

/// The name of the mark.
const NAME: &str = "frozen";
/// Its permissions: root may set it for a daemon of another user, which shows its reason. The folder keeps others out.
const MODE: u32 = 0o644;
/// The most characters of a reason.
pub(crate) const MAX_REASON: usize = 500;
/// The most bytes that are read of a mark: as many characters, of up to 4 bytes each.
const MAX_BYTES: u64 = 4 * MAX_REASON as u64 + 1;

/// The mark in one folder, set or not.
#[derive(Debug, Clone)]
pub(crate) struct FreezeMark {
    dir: PathBuf,
    path: PathBuf,
}

impl FreezeMark {
    /// The mark in the journal's folder `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), path: dir.join(NAME) }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true unless there is certainly no mark.
    pub(crate) fn is_set(&self) -> bool {
        !matches!(self.path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The freeze; `None` when there is certainly no mark.
    pub(crate) fn read(&self) -> Option<Freeze> {
        if !self.is_set() {
            return None;
        }
        match self.text() {
            Ok((text, since)) => Some(Freeze { reason: shown(&text), since }),
            // It was taken away in between.
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_set() => None,
            Err(error) => {
                let reason = format!("the mark {} cannot be read: {error}", self.path.display());
                Some(Freeze { reason: sanitize_to(&reason, MAX_REASON), since: None })
            }
        }
    }

    /// The text of the mark, and the time at which it was set. A link is not followed, and a pipe is not waited for.
    fn text(&self) -> io::Result<(String, Option<Timestamp>)> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        let since = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok((String::from_utf8_lossy(&bytes).into_owned(), since))
    }

    /// Sets the mark for this reason, durably and as a whole; a mark that is there is replaced.
    ///
    /// # Errors
    /// The folder does not exist, or cannot be written.
    pub(crate) fn set(&self, reason: &str) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".frozen-").tempfile_in(&self.dir)?;
        writeln!(file, "{reason}")?;
        file.as_file().set_permissions(Permissions::from_mode(MODE))?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        folder::sync(&self.dir)
    }

    /// Takes the mark away, durably. Returns false when there was none.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other?,
        }
        folder::sync(&self.dir)?;
        Ok(true)
    }
}

/// The reason as it is shown: one line of bounded length.
fn shown(text: &str) -> String {
    match text.trim() {
        "" => "no reason given".to_owned(),
        text => sanitize_to(text, MAX_REASON),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mark() -> (tempfile::TempDir, FreezeMark) {
        let dir = tempfile::tempdir().unwrap();
        let mark = FreezeMark::new(dir.path());
        (dir, mark)
    }

    fn reason(mark: &FreezeMark) -> Option<String> {
        mark.read().map(|freeze| freeze.reason)
    }

    #[test]
    fn mark_is_set_replaced_and_removed() {
        let (dir, mark) = mark();
        assert_eq!((mark.is_set(), mark.read()), (false, None));
        mark.set("carrier outage").unwrap();
        let freeze = mark.read().unwrap();
        assert_eq!(freeze.reason, "carrier outage");
        assert!(freeze.since.is_some());
        mark.set("audit").unwrap();
        assert_eq!(reason(&mark).as_deref(), Some("audit"));
        assert_eq!(mark.path().metadata().unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
        assert!(mark.remove().unwrap());
        assert_eq!((mark.is_set(), mark.remove().unwrap()), (false, false));
    }

    #[test]
    fn mark_that_others_wrote_is_shown_on_one_line_of_bounded_length() {
        let (_dir, mark) = mark();
        fs::write(mark.path(), "").unwrap();
        assert_eq!(reason(&mark).as_deref(), Some("no reason given"));
        fs::write(mark.path(), "two\nlines \u{1b}[31mred\u{202e}\n").unwrap();
        assert_eq!(reason(&mark).as_deref(), Some("two\u{fffd}lines \u{fffd}[31mred\u{fffd}"));
        fs::write(mark.path(), b"\xff\xfe not a text").unwrap();
        assert_eq!(reason(&mark).as_deref(), Some("\u{fffd}\u{fffd} not a text"));
        fs::write(mark.path(), "€".repeat(100_000)).unwrap();
        assert_eq!(reason(&mark).map(|reason| reason.chars().count()), Some(MAX_REASON + 1));
    }

    #[test]
    fn mark_that_is_no_readable_file_is_a_freeze() {
        let (dir, mark) = mark();
        let secret = dir.path().join("secret");
        fs::write(&secret, "a secret").unwrap();
        symlink(&secret, mark.path()).unwrap();
        assert!(
            reason(&mark)
                .is_some_and(|reason| !reason.contains("secret") && reason.contains("cannot be read"))
        );
        assert!(mark.remove().unwrap());
        assert!(secret.exists(), "a link is removed, and not what it leads to");
        symlink(dir.path().join("nothing"), mark.path()).unwrap();
        assert!(mark.is_set() && mark.read().is_some(), "a link that leads nowhere");
        fs::remove_file(mark.path()).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, mark.path(), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert!(reason(&mark).is_some_and(|reason| reason.contains("not a regular file")), "a pipe");
        assert!(mark.remove().unwrap());
        fs::create_dir(mark.path()).unwrap();
        assert!(reason(&mark).is_some_and(|reason| reason.contains("not a regular file")), "a folder");
        assert!(mark.remove().is_err());
    }

    #[test]
    fn mark_behind_what_is_no_folder_counts_as_set() {
        let (dir, _) = mark();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let mark = FreezeMark::new(&file);
        assert!(mark.is_set() && mark.read().is_some());
        assert!(mark.set("audit").is_err());
    }

    #[test]
    fn mark_is_not_set_in_a_folder_that_does_not_exist() {
        let (dir, _) = mark();
        let mark = FreezeMark::new(&dir.path().join("typo"));
        assert!(!mark.is_set());
        assert_eq!(mark.set("audit").unwrap_err().kind(), ErrorKind::NotFound);
    }
}
