//! The desired state on disk: its files, their content, and the digest and the revision that identify it.

pub(crate) mod file_access;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;

pub(crate) mod mounts;
mod revision;
mod walk;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subaccountd_core::{
    hex,
    manifest::{self, Diagnostic, ParsedState, Source},
};
use tokio::task::spawn_blocking;

pub(crate) use walk::{MAX_FILE_SIZE, MAX_FILES};

use crate::{
    clock,
    desired::{
        file_access::{FileAccess, NoAnswer, Steps},
        walk::{is_stream, walk},
    },
    journal::FreezeMark,
};

/// The shortest time between two reads that must give the same bytes.
const APART: Duration = Duration::from_millis(50);
/// The number of times that a state that keeps changing is read again before the read fails.
const MAX_READS: usize = 40;
/// The longest time that the parser may take for one file.
const MAX_PARSING: Duration = Duration::from_secs(30);

/// The state as read from disk.
#[derive(Debug, Clone)]
pub(crate) struct LoadedState {
    pub(crate) reading: Arc<ParsedState>,
    pub(crate) sha256: String,
    pub(crate) revision: Option<String>,
    /// The reason why the revision file names none.
    pub(crate) revision_error: Option<String>,
    /// The load time of the first state that meant the same: an edit of a comment does not change it.
    pub(crate) loaded_at: Timestamp,
}

/// The reason why the state was not loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("{} keeps changing: no two reads gave the same bytes; stop what rewrites it", .0.display())]
    KeepsChanging(PathBuf),
    #[error("the state is not parsed within {} s for each file; split it, or shorten what is in brackets", MAX_PARSING.as_secs())]
    TooSlow,
}

/// Reads the state at one path. Its clones share the right to call into the file system.
#[derive(Debug, Clone)]
pub(crate) struct StateReader {
    path: PathBuf,
    /// The file that names the revision where no link does.
    revision_file: Option<PathBuf>,
    files: FileAccess,
    parser: StateParser,
    /// The content of a path that can be read only once.
    stream: Arc<OnceLock<Vec<Source>>>,
    /// The mark of a freeze, which is read with the state and counts as a part of it.
    freeze: Option<FreezeMark>,
}

/// Parses on a thread of its own, one state at a time; a state that takes too long is given up.
#[derive(Debug, Clone)]
pub(crate) struct StateParser(FileAccess);

/// Reads the state at `path` once it is stable, for a one-shot command.
pub(crate) async fn read_stable(path: &Path) -> Result<LoadedState, ReadError> {
    StateReader::new(path).read_stable(None).await
}

/// Reads every file of `paths` once, in path order, and parses them as one state.
pub(crate) async fn read_all(paths: &[PathBuf]) -> Result<(Arc<Vec<Source>>, ParsedState), ReadError> {
    let sources = Arc::new(read_sources(paths.to_vec(), &FileAccess::new()).await?);
    let reading = StateParser::new().parse(sources.clone()).await?;
    Ok((sources, reading))
}

async fn read_sources(paths: Vec<PathBuf>, files: &FileAccess) -> Result<Vec<Source>, NoAnswer> {
    let stream = paths.clone();
    if files.run(move |_| stream.iter().any(|path| is_stream(path))).await? {
        // What writes a pipe may take its time.
        return spawn_blocking(move || walk(&paths, &Steps::default())).await.map_err(|_| NoAnswer);
    }
    files.run(move |progress| walk(&paths, progress)).await
}

impl StateReader {
    pub(crate) fn new(path: &Path) -> Self {
        let (files, parser) = (FileAccess::new(), StateParser::new());
        let (path, stream) = (path.to_owned(), Arc::default());
        Self { path, revision_file: None, files, parser, stream, freeze: None }
    }

    /// The same reader, which reads the revision from this file where no link names it.
    pub(crate) fn with_revision_file(self, revision_file: Option<PathBuf>) -> Self {
        Self { revision_file, ..self }
    }

    /// The same reader, which also reads the mark of a freeze.
    pub(crate) fn with_freeze_mark(self, freeze: Option<FreezeMark>) -> Self {
        Self { freeze, ..self }
    }

    /// The mark of a freeze, when there is a place for one.
    pub(crate) const fn freeze_mark(&self) -> Option<&FreezeMark> {
        self.freeze.as_ref()
    }

    /// The paths in whose folders changes are to be noticed.
    pub(crate) fn watched_paths(&self) -> Vec<PathBuf> {
        [&self.path].into_iter().chain(&self.revision_file).cloned().collect()
    }

    /// The right to call into the file system, for other readers of the same files.
    pub(crate) const fn files(&self) -> &FileAccess {
        &self.files
    }

    /// Returns true when the state comes from a path that can be read only once.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub(crate) async fn is_stream(&self) -> Result<bool, NoAnswer> {
        let path = self.path.clone();
        self.files.run(move |_| is_stream(&path)).await
    }

    /// Reads until two reads agree. What `known` holds was stable before: it needs no second read. Its bytes are not parsed
    /// again.
    pub(crate) async fn read_stable(&self, known: Option<&LoadedState>) -> Result<LoadedState, ReadError> {
        Ok(self.under_freeze(self.read_files_stable(known).await?))
    }

    /// `loaded`, under the freeze as it is now.
    fn under_freeze(&self, loaded: LoadedState) -> LoadedState {
        let freeze = self.freeze.as_ref().and_then(FreezeMark::read);
        if loaded.reading.desired.freeze() == freeze.as_ref() {
            return loaded;
        }
        let mut reading = ParsedState::clone(&loaded.reading);
        reading.desired = reading.desired.with_freeze(freeze);
        LoadedState { reading: Arc::new(reading), ..loaded }
    }

    async fn read_files_stable(&self, known: Option<&LoadedState>) -> Result<LoadedState, ReadError> {
        // The bytes of the first read are not kept: those of the second are the same.
        let mut read = self.read().await?.digest;
        if let Some(known) = known.filter(|known| read.is_of(known)) {
            return Ok(known.clone());
        }
        for _ in 0..MAX_READS {
            tokio::time::sleep(APART).await;
            let again = self.read().await?;
            // A link that is swapped during the read gives the bytes of one commit and the name of another.
            if again.digest == read || known.is_some_and(|known| again.digest.is_of(known)) {
                return self.parsed(again, known).await;
            }
            read = again.digest;
        }
        Err(ReadError::KeepsChanging(self.path.clone()))
    }

    /// Reads once. The bytes of `known` are not parsed again.
    pub(crate) async fn read_once(&self, known: &LoadedState) -> Result<LoadedState, ReadError> {
        Ok(self.under_freeze(self.parsed(self.read().await?, Some(known)).await?))
    }

    async fn read(&self) -> Result<Files, NoAnswer> {
        let (path, revision_file) = (self.path.clone(), self.revision_file.clone());
        let sources = if let Some(sources) = self.stream.get() {
            Some(sources.clone())
        } else if self.is_stream().await? {
            let sources = read_sources(vec![path.clone()], &self.files).await?;
            Some(self.stream.get_or_init(|| sources).clone())
        } else {
            None
        };
        let read = move |progress: &Steps| {
            let sources = sources.unwrap_or_else(|| walk(std::slice::from_ref(&path), progress));
            Files::new(sources, &path, revision_file.as_deref())
        };
        self.files.run(read).await
    }

    /// The state that `files` hold.
    async fn parsed(&self, files: Files, known: Option<&LoadedState>) -> Result<LoadedState, ReadError> {
        let Files { sources, digest: FilesDigest { sha256, revision }, revision_error } = files;
        if let Some(known) = known.filter(|known| known.sha256 == sha256) {
            return Ok(LoadedState { revision, revision_error, ..known.clone() });
        }
        let reading = Arc::new(self.parser.parse(Arc::new(sources)).await?);
        let loaded = LoadedState { reading, sha256, revision, revision_error, loaded_at: clock::now() };
        let loaded_at = known.filter(|known| known.means_same_as(&loaded)).map(|known| known.loaded_at);
        Ok(LoadedState { loaded_at: loaded_at.unwrap_or(loaded.loaded_at), ..loaded })
    }
}

impl StateParser {
    pub(crate) fn new() -> Self {
        Self(FileAccess::with_silence(MAX_PARSING))
    }

    /// Parses `sources` as one state.
    ///
    /// # Errors
    /// When it takes too long, or the thread of an earlier state that took too long is not done.
    pub(crate) async fn parse(&self, sources: Arc<Vec<Source>>) -> Result<ParsedState, ReadError> {
        let parse = move |progress: &Steps| manifest::parse_with(&sources, &mut || progress.step());
        self.0.run(parse).await.map_err(|NoAnswer| ReadError::TooSlow)
    }
}

impl LoadedState {
    /// Returns true when `other` means the same: the same state and the same faults, on any lines.
    pub(crate) fn means_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.reading, &other.reading) || same_meaning(&self.reading, &other.reading)
    }
}

fn same_meaning(one: &ParsedState, other: &ParsedState) -> bool {
    fn key(fault: &Diagnostic) -> (&str, manifest::DiagnosticCode, &str, &str) {
        (&fault.file, fault.code, &fault.message, &fault.help)
    }
    one.desired == other.desired && one.faults.iter().map(key).eq(other.faults.iter().map(key))
}

/// The result of one read.
struct Files {
    sources: Vec<Source>,
    digest: FilesDigest,
    revision_error: Option<String>,
}

/// The identity of the files that were read.
#[derive(PartialEq, Eq)]
struct FilesDigest {
    sha256: String,
    revision: Option<String>,
}

impl Files {
    fn new(sources: Vec<Source>, path: &Path, revision_file: Option<&Path>) -> Self {
        let (revision, revision_error) = match (revision::linked(path), revision_file.map(revision::in_file))
        {
            (Some(linked), _) => (Some(linked), None),
            (None, Some(read)) => (read.clone().ok(), read.err()),
            (None, None) => (None, None),
        };
        Self { digest: FilesDigest { sha256: sha256(&sources), revision }, sources, revision_error }
    }
}

impl FilesDigest {
    fn is_of(&self, known: &LoadedState) -> bool {
        (&known.sha256, &known.revision) == (&self.sha256, &self.revision)
    }
}

fn sha256(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    if let [Source { content: Ok(bytes), .. }] = sources {
        // The digest of a single file is what `sha256sum` prints.
        hash.update(bytes);
    } else {
        for source in sources {
            let (kind, bytes) = match &source.content {
                Ok(bytes) => (b'+', bytes.as_slice()),
                Err(unread) => (b'-', unread.reason.as_bytes()),
            };
            hash.update((source.name.len() as u64).to_le_bytes());
            hash.update(source.name.as_bytes());
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// The bytes and the name of a commit are read one after the other, and a swap may come in between.
    #[tokio::test]
    async fn revision_is_believed_when_two_reads_agree_on_it() {
        let dir = tempfile::tempdir().unwrap();
        let commits = ["0", "1"].map(|digit| digit.repeat(40));
        for commit in &commits {
            fs::create_dir_all(dir.path().join(commit)).unwrap();
            fs::write(dir.path().join(commit).join("desired.yaml"), "the same").unwrap();
        }
        let link = |commit: &str| {
            symlink(commit, dir.path().join("next")).unwrap();
            fs::rename(dir.path().join("next"), dir.path().join("current")).unwrap();
        };
        link(&commits[0]);
        let reader = StateReader::new(&dir.path().join("current/desired.yaml"));
        let first = reader.read_stable(None).await.unwrap();
        link(&commits[1]);
        let begin = std::time::Instant::now();
        let second = reader.read_stable(Some(&first)).await.unwrap();
        assert!(begin.elapsed() >= APART, "it was read once, {:?} after the swap", begin.elapsed());
        assert_eq!([first.revision, second.revision], commits.map(Some));
        assert_eq!(first.loaded_at, second.loaded_at);
    }
}
