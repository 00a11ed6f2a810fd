//! Archives: their names, which are never used twice, and the age at which they are deleted.

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::folder;

/// The time for which an archive is kept.
const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);
/// The most archives whose journals were begun in the same second.
const MAX_NUMBER: u32 = 1000;
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The name of an archive: the time at which its file was begun, and a number where several were begun in one second.
///
/// Names sort as values do, for up to nine of a second: `journal-20261121T233745Z.jsonl` comes before
/// `journal-20261121T233745Z_2.jsonl`, and both before `journal.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArchiveName {
    begun: Timestamp,
    number: u32,
}

impl ArchiveName {
    pub(super) fn new(begun: Timestamp, number: u32) -> Self {
        Self { begun, number }
    }

    /// Parses a file name; `None` for every other file, also for a renamed archive.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("journal-")?.strip_suffix(".jsonl")?;
        let (begun, number) = rest.split_once('_').unwrap_or((rest, "1"));
        let begun = DateTime::strptime(FORMAT, begun).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let parsed = Self::new(begun, number.parse().ok()?);
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal-{}", self.begun.strftime(FORMAT))?;
        if self.number > 1 {
            write!(f, "_{}", self.number)?;
        }
        f.write_str(".jsonl")
    }
}

/// Copies the first `length` bytes of `journal` to a new file at `path`, durably.
///
/// The file is dated `newest`, by which its deletion is decided: the clock of this machine, by which the system would
/// date it, may be wrong.
pub(super) fn copy(mut journal: &File, length: u64, path: &Path, newest: Timestamp) -> io::Result<()> {
    let mut copy = folder::options().append(false).write(true).create_new(true).open(path)?;
    if io::copy(&mut (&mut journal).take(length), &mut copy)? != length {
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the journal is shorter than what was written to it",
        ));
    }
    // Where a file cannot be dated, it has the time at which it was written.
    let _ = copy.set_modified(SystemTime::from(newest));
    copy.sync_all()
}

/// Moves the copy of a journal that was begun at `begun` to a name of an archive. No other archive is replaced.
///
/// `read` opens the journal that the copy was made of, from its first byte.
pub(super) fn publish<R: Read>(
    copy: &Path,
    begun: Timestamp,
    read: impl Fn() -> io::Result<R>,
) -> io::Result<()> {
    for number in 1..=MAX_NUMBER {
        let path = copy.with_file_name(ArchiveName::new(begun, number).to_string());
        // Renaming would replace what has the name, so the name is taken first: by an empty file.
        match folder::options().create_new(true).open(&path) {
            Ok(_) => {
                return fs::rename(copy, &path).inspect_err(|_| {
                    let _ = fs::remove_file(&path);
                });
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            // A rotation that a crash cut short got this far; the copy has all its lines.
            Err(_) if is_earlier_copy(&path, read()?)? => return fs::rename(copy, &path),
            Err(_) => {}
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("{MAX_NUMBER} archives have the time {begun}")))
}

/// Returns true when the file at `path` is the beginning of `journal`, and false when it cannot be read.
fn is_earlier_copy(path: &Path, journal: impl Read) -> io::Result<bool> {
    // Opening anything else may block for ever.
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(false);
    }
    let Ok(file) = File::open(path) else { return Ok(false) };
    let (mut earlier, mut journal) = (BufReader::new(file), BufReader::new(journal));
    let (mut left, mut right) = ([0; 8192], [0; 8192]);
    loop {
        let Ok(count) = earlier.read(&mut left) else { return Ok(false) };
        if count == 0 {
            return Ok(true);
        }
        match journal.read_exact(&mut right[..count]) {
            Ok(()) if left[..count] == right[..count] => {}
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
            Ok(()) | Err(_) => return Ok(false),
        }
    }
}

/// Deletes the archives in `dir` whose lines are all older than 400 days, by their name and their date.
///
/// `now` is a time on which this machine and Twilio agree.
pub(super) fn delete_old(dir: &Path, now: Timestamp) -> io::Result<()> {
    let is_old = |time: Timestamp| now.duration_since(time) > KEEP;
    let mut result = Ok(());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_str().and_then(ArchiveName::parse);
        if !name.is_some_and(|name| is_old(name.begun)) {
            continue;
        }
        // The name is the time of the first line, the date of the file that of the last one.
        let written = entry.metadata()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        if written.is_some_and(is_old) {
            result = result.and(fs::remove_file(entry.path()));
        }
    }
    result
}

/// The archives in `dir`, oldest first.
pub(super) fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(ArchiveName::parse) {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}
