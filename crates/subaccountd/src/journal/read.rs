//! Reading journals, a line at a time. A torn last line is tolerated; any other line that cannot be read is not.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use subaccountd_core::{AccountSid, History, history::Event, text::sanitize_to};

use super::format::{CarriedLine, EventLine, FORMAT, Header, JournalLine, LineContent};

/// The file of the present.
pub(crate) const NAME: &str = "journal.jsonl";
/// The longest line that is read or written; a file has any length.
pub(super) const MAX_LINE: usize = 64 * 1024 * 1024;
/// The longest header; the rest of a file that has no line is not looked at.
const MAX_HEADER: usize = 4096;
/// The longest cause of an error that is shown; it may quote the line.
pub(super) const MAX_CAUSE: usize = 300;

pub(super) const DIR_HELP: &str = "make the folder writable for the user that subaccountd runs as, choose another \
                                   --journal-dir, or keep none with --journal-dir none";
const READ_HELP: &str =
    "make it readable for the user that subaccountd runs as, or choose another --journal-dir";

/// A journal that cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The system said no.
    #[error("{path}: {cause}; {help}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error that the system gave.
        cause: io::Error,
        help: &'static str,
    },
    /// A line, or the whole file, is not what it should be.
    #[error("{0}; move the file away to start a new journal, which forgets budgets and rests")]
    Unreadable(UnreadableLine),
    /// Another process writes it.
    #[error("{0}: another daemon holds this journal; stop it first, or give this one another --journal-dir")]
    Held(PathBuf),
}

impl JournalError {
    pub(super) fn io(path: &Path, cause: io::Error, help: &'static str) -> Self {
        Self::Io { path: path.to_owned(), cause, help }
    }
}

/// A line that cannot be read, and its place.
#[derive(Debug, thiserror::Error)]
#[error("{path}:{line}: {problem}")]
pub(crate) struct UnreadableLine {
    pub(super) path: PathBuf,
    pub(super) line: usize,
    pub(super) problem: String,
}

/// A file as it was read.
pub(super) struct Contents {
    pub(super) header: Header,
    pub(super) history: History,
    /// Its length without a torn last line.
    pub(super) whole: u64,
    /// The length of the lines before the first event.
    pub(super) carried: u64,
    /// The latest time of a line.
    pub(super) newest: Timestamp,
}

/// Folds the journal in `dir`, without a lock. A journal that is not there, or has no line yet, says nothing.
pub(crate) fn history(dir: &Path, main: AccountSid) -> Result<History, JournalError> {
    let path = dir.join(NAME);
    match File::open(&path) {
        Ok(file) => Ok(fold(&path, file, main)?.map(|contents| contents.history).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(History::default()),
        Err(error) => Err(JournalError::io(&path, error, READ_HELP)),
    }
}

/// The next line of a file.
pub(super) enum NextLine {
    /// The buffer holds it, with its end.
    Line,
    /// It is longer than a line may be, and was passed over.
    TooLong,
    /// There is none. The buffer holds what follows the last end.
    End,
}

/// The lines of a file, of which one is in memory.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    pub(super) buffer: Vec<u8>,
    /// The number of the line in the buffer, from 1.
    pub(super) number: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, reader), buffer: Vec::new(), number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<NextLine> {
        self.buffer.clear();
        self.reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut self.buffer)?;
        self.number += 1;
        if self.buffer.ends_with(b"\n") {
            Ok(NextLine::Line)
        } else if self.buffer.len() < MAX_LINE {
            Ok(NextLine::End)
        } else {
            self.buffer = Vec::new();
            self.reader.skip_until(b'\n')?;
            Ok(NextLine::TooLong)
        }
    }
}

/// Folds the lines of `reader`, the file at `path`; `None` when it was begun and has no whole line yet.
pub(super) fn fold(
    path: &Path,
    reader: impl Read,
    main: AccountSid,
) -> Result<Option<Contents>, JournalError> {
    let mut lines = Lines::new(reader);
    let refuse = |line: usize, problem: String| {
        JournalError::Unreadable(UnreadableLine { path: path.to_owned(), line, problem })
    };
    let too_long = || format!("the line is longer than {} MiB", MAX_LINE / 1024 / 1024);
    let io_error = |error| JournalError::io(path, error, READ_HELP);
    match lines.next().map_err(io_error)? {
        NextLine::Line => {}
        NextLine::TooLong => return Err(refuse(1, too_long())),
        NextLine::End if is_begun(&lines.buffer) => return Ok(None),
        NextLine::End => return Err(refuse(1, "the file is not a journal: it has no header".to_owned())),
    }
    let header = Header::parse(&lines.buffer).map_err(|error| refuse(1, error.to_string()))?;
    if let Some(problem) = header.foreign_to(main) {
        return Err(refuse(1, problem));
    }
    let (mut whole, mut newest) = (lines.buffer.len() as u64, header.time);
    let (mut carried, mut has_events) = (whole, false);
    let mut history = History::default();
    loop {
        match lines.next().map_err(io_error)? {
            NextLine::Line => {}
            NextLine::TooLong => return Err(refuse(lines.number, too_long())),
            NextLine::End => return Ok(Some(Contents { header, history, whole, carried, newest })),
        }
        whole += lines.buffer.len() as u64;
        let line = parse(&lines.buffer).map_err(|problem| refuse(lines.number, problem))?;
        newest = newest.max(line.as_ref().map_or(newest, |line| line.time));
        match line.map(|line| line.what) {
            Some(LineContent::Carried { carried }) => history = *carried,
            Some(LineContent::Event(event)) => {
                history.apply(event);
                has_events = true;
            }
            None => has_events = true,
        }
        if !has_events {
            carried = whole;
        }
    }
}

/// Returns whether `bytes`, a file without a line, is a journal whose begin a crash cut short: nothing was promised on
/// it. Anything else may be a journal that was damaged, which is not to be overwritten.
fn is_begun(bytes: &[u8]) -> bool {
    let header = format!("{{\"format\":\"{FORMAT}\"");
    let common = bytes.len().min(header.len());
    bytes.len() <= MAX_HEADER && bytes[..common] == header.as_bytes()[..common]
}

/// A line; `None` for an event that a later minor version added.
pub(super) fn parse(line: &[u8]) -> Result<Option<JournalLine>, String> {
    #[derive(Deserialize)]
    struct Tag {
        event: Option<String>,
    }
    let read = match from_json::<Tag>(line)?.event {
        Some(event) if !Event::KINDS.contains(&event.as_str()) => return Ok(None),
        Some(_) => from_json::<EventLine>(line)?.into(),
        None => from_json::<CarriedLine>(line)?.into(),
    };
    Ok(Some(read))
}

fn from_json<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        format!("this line is not a valid journal entry: {}", sanitize_to(&error.to_string(), MAX_CAUSE))
    })
}
