//! Reading journals. A torn last line is tolerated; any other line that cannot be read is not.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use subaccountd_core::{AccountSid, History, history::Event};

use super::format::{Header, Line, What};

/// The file of the present.
pub(super) const NAME: &str = "journal.jsonl";
/// The largest file that is read.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A journal that cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The system said no.
    #[error("{path}: {source}; {help}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: io::Error,
        help: &'static str,
    },
    /// A line, or the whole file, is not what it should be.
    #[error("{path}:{line}: {why}; move the file away to begin anew, which forgets budgets and rests")]
    Unreadable { path: PathBuf, line: usize, why: String },
    /// Another process writes it.
    #[error("{0}: another daemon holds this journal; stop it first, or give this one another --journal-dir")]
    Held(PathBuf),
}

impl JournalError {
    pub(super) fn io(path: &Path, source: io::Error, help: &'static str) -> Self {
        Self::Io { path: path.to_owned(), source, help }
    }
}

/// A file as it was read.
pub(super) struct Contents {
    pub(super) header: Header,
    pub(super) history: History,
    /// Its length without a torn last line.
    pub(super) whole: u64,
}

/// Folds the journal in `dir`, without a lock. A journal that is not there says nothing.
pub(crate) fn history(dir: &Path, main: AccountSid) -> Result<History, JournalError> {
    let path = dir.join(NAME);
    match read(&path)? {
        Some(bytes) => Ok(fold(&path, &bytes, main)?.history),
        None => Ok(History::default()),
    }
}

/// The bytes of `path`; `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let help = "make it readable for the user that subaccountd runs as, or choose another --journal-dir";
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::io(path, error, help)),
        Ok(metadata) if metadata.len() > LARGEST => {
            let why = format!("it is larger than {} MiB", LARGEST / 1024 / 1024);
            return Err(JournalError::Unreadable { path: path.to_owned(), line: 1, why });
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(|error| JournalError::io(path, error, help))
}

/// The lines of `bytes` that end, with their numbers; what follows the last end is torn.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate().map(|(at, line)| (at + 1, line))
}

pub(super) fn fold(path: &Path, bytes: &[u8], main: AccountSid) -> Result<Contents, JournalError> {
    let refuse = |line: usize, why: String| JournalError::Unreadable { path: path.to_owned(), line, why };
    let mut lines = whole_lines(bytes);
    let (_, first) = lines.next().ok_or_else(|| refuse(1, "it has no first line".to_owned()))?;
    let header: Header = serde_json::from_slice(first)
        .map_err(|error| refuse(1, format!("the header cannot be read: {error}")))?;
    if let Some(why) = header.refusal(main) {
        return Err(refuse(1, why));
    }
    let mut whole = first.len() as u64;
    let mut history = History::default();
    for (number, line) in lines {
        whole += line.len() as u64;
        match parse(line).map_err(|why| refuse(number, why))?.map(|line| line.what) {
            Some(What::Carried { carried }) => history = *carried,
            Some(What::Event(event)) => history.apply(event),
            None => {}
        }
    }
    Ok(Contents { header, history, whole })
}

/// A line; `None` for an event that a later minor version added.
fn parse(line: &[u8]) -> Result<Option<Line>, String> {
    #[derive(Deserialize)]
    struct Tag {
        event: Option<String>,
    }
    let tag: Tag =
        serde_json::from_slice(line).map_err(|error| format!("this line cannot be read: {error}"))?;
    if tag.event.is_some_and(|event| !Event::KINDS.contains(&event.as_str())) {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|error| format!("this line cannot be read: {error}"))
}

/// The lines of every file in `dir`, oldest first, for showing.
pub(crate) fn lines(dir: &Path) -> Result<Vec<Line>, JournalError> {
    let help = "name the folder of the journal with --journal-dir";
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| JournalError::io(dir, error, help))? {
        let path = entry.map_err(|error| JournalError::io(dir, error, help))?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_journal) {
            names.push(path);
        }
    }
    // Archives are named by their time, and `journal-` sorts before `journal.`.
    names.sort();
    let mut all = Vec::new();
    for path in names {
        let bytes = read(&path)?.unwrap_or_default();
        for (number, line) in whole_lines(&bytes).skip(1) {
            let unreadable = |why| JournalError::Unreadable { path: path.clone(), line: number, why };
            all.extend(parse(line).map_err(unreadable)?);
        }
    }
    Ok(all)
}

/// Whether `name` is that of a journal or of an archived one.
pub(super) fn is_journal(name: &str) -> bool {
    name == NAME || name.strip_prefix("journal-").is_some_and(|rest| rest.strip_suffix(".jsonl").is_some())
}
