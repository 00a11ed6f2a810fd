//! The desired state on disk: its files, their content, and the digest and the revision that identify it.

pub(crate) mod file_access;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;

use std::{
    collections::BTreeSet,
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subaccountd_core::{
    hex,
    manifest::{self, Diagnostic, ParsedState, Source},
};
use tokio::task::spawn_blocking;

use crate::{
    clock,
    daemon::watch::{MAX_LINKS, first_link},
    desired::file_access::{FileAccess, NoAnswer, Noted, Steps},
};

/// The shortest time between two reads that must give the same bytes.
const APART: Duration = Duration::from_millis(50);
/// The number of times that a state that keeps changing is read again before the read fails.
const MAX_READS: usize = 40;
/// The most bytes of one file.
pub(crate) const MAX_FILE_SIZE: u64 = 8 * 1024 * 1024;
/// The most files of one state.
pub(crate) const MAX_FILES: usize = 10_000;
/// The deepest folder below a path.
const MAX_DEPTH: usize = 32;

/// The state as read from disk.
#[derive(Debug, Clone)]
pub(crate) struct LoadedState {
    pub(crate) reading: Arc<ParsedState>,
    pub(crate) sha256: String,
    pub(crate) revision: Option<String>,
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
    #[error("the parser failed: {0}")]
    Parser(tokio::task::JoinError),
}

/// Reads the state at one path. Its clones share the right to call into the file system.
#[derive(Debug, Clone)]
pub(crate) struct StateReader {
    path: PathBuf,
    files: FileAccess,
}

/// Reads the state at `path` once it is stable, for a one-shot command.
pub(crate) async fn read_stable(path: &Path) -> Result<LoadedState, ReadError> {
    StateReader::new(path).read_stable(None).await
}

impl StateReader {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), files: FileAccess::new() }
    }

    /// The path of the state.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The right to call into the file system, for other readers of the same files.
    pub(crate) const fn files(&self) -> &FileAccess {
        &self.files
    }

    /// Reads until two reads agree. What `known` holds was stable before: it needs no second read. Its bytes are not parsed
    /// again.
    pub(crate) async fn read_stable(&self, known: Option<&LoadedState>) -> Result<LoadedState, ReadError> {
        let mut read = self.read().await?;
        for _ in 0..MAX_READS {
            // A link that is swapped during the read gives the bytes of one commit and the name of another.
            if known.is_some_and(|known| (&known.sha256, &known.revision) == (&read.sha256, &read.revision)) {
                return read.parsed(known).await;
            }
            tokio::time::sleep(APART).await;
            let again = self.read().await?;
            if (&again.sha256, &again.revision) == (&read.sha256, &read.revision) {
                return again.parsed(known).await;
            }
            read = again;
        }
        Err(ReadError::KeepsChanging(self.path.clone()))
    }

    /// Reads once. The bytes of `known` are not parsed again.
    pub(crate) async fn read_once(&self, known: &LoadedState) -> Result<LoadedState, ReadError> {
        self.read().await?.parsed(Some(known)).await
    }

    async fn read(&self) -> Result<Files, NoAnswer> {
        let path = self.path.clone();
        self.files.run(move |progress| Files::read(&path, progress)).await
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
    sha256: String,
    revision: Option<String>,
}

impl Files {
    fn read(path: &Path, progress: &Steps) -> Self {
        let sources = walk(&[path.to_owned()], progress);
        let sha256 = sha256(&sources);
        Self { sources, sha256, revision: revision(path) }
    }

    /// The state that the files hold. Parsing takes a thread of its own, as it takes long for a large state.
    async fn parsed(self, known: Option<&LoadedState>) -> Result<LoadedState, ReadError> {
        let Self { sources, sha256, revision } = self;
        if let Some(known) = known.filter(|known| known.sha256 == sha256) {
            return Ok(LoadedState { revision, ..known.clone() });
        }
        let reading = Arc::new(parse(sources).await?);
        let loaded = LoadedState { reading, sha256, revision, loaded_at: clock::now() };
        let loaded_at = known.filter(|known| known.means_same_as(&loaded)).map(|known| known.loaded_at);
        Ok(LoadedState { loaded_at: loaded_at.unwrap_or(loaded.loaded_at), ..loaded })
    }
}

async fn parse(sources: Vec<Source>) -> Result<ParsedState, ReadError> {
    #[cfg(feature = "simulation")]
    if crate::simulation::local_time().is_some() {
        return Ok(manifest::parse(&sources));
    }
    spawn_blocking(move || manifest::parse(&sources)).await.map_err(ReadError::Parser)
}

/// Every file of `paths`, in path order, as one state. A path that cannot be read is a source that says so.
pub(crate) fn sources(paths: &[PathBuf]) -> Vec<Source> {
    walk(paths, &Steps::default())
}

fn walk(paths: &[PathBuf], progress: &Steps) -> Vec<Source> {
    let mut walk = SourceWalk { sources: Vec::new(), real: BTreeSet::new(), progress };
    for path in paths {
        let before = walk.sources.len();
        walk.path(path, 0, true);
        if walk.sources.len() == before {
            // A fault of an empty directory still needs a file name.
            walk.sources.push(Source { name: path.display().to_string(), content: Ok(Vec::new()) });
        }
    }
    walk.sources
}

struct SourceWalk<'a> {
    sources: Vec<Source>,
    real: BTreeSet<PathBuf>,
    progress: &'a Steps,
}

impl SourceWalk<'_> {
    fn path(&mut self, path: &Path, depth: usize, named: bool) {
        self.progress.step();
        if self.sources.len() >= MAX_FILES || depth > MAX_DEPTH {
            let limit = format!("more than {MAX_FILES} files, or folders deeper than {MAX_DEPTH}");
            return self.add(path, Err(limit));
        }
        let is_directory = match path.metadata() {
            Ok(metadata) => metadata.is_dir(),
            // A dangling link is an error only where it has the name of a state file.
            Err(_) if !named && !is_yaml(path) => return,
            Err(error) => return self.add(path, Err(error.to_string())),
        };
        if !is_directory && !named && !is_yaml(path) {
            return;
        }
        let new = path.canonicalize().map_or(true, |real| self.real.insert(real));
        if !new {
            return;
        }
        if is_directory {
            match children(path) {
                Ok(children) => children.iter().for_each(|child| self.path(child, depth + 1, false)),
                Err(error) => self.add(path, Err(error.to_string())),
            }
        } else {
            self.add(path, content(path, self.progress));
        }
    }

    fn add(&mut self, path: &Path, content: Result<Vec<u8>, String>) {
        self.sources.push(Source { name: path.display().to_string(), content });
    }
}

fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            children.push(entry.path());
        }
    }
    children.sort();
    Ok(children)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn content(path: &Path, progress: &Steps) -> Result<Vec<u8>, String> {
    // Opening a pipe would wait for its other end.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a regular file".to_owned());
    }
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    Noted(file, progress)
        .take(MAX_FILE_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(format!("it is larger than {} MiB", MAX_FILE_SIZE / 1024 / 1024));
    }
    Ok(bytes)
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
                Err(error) => (b'-', error.as_bytes()),
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

/// The git commit that a link on the way to `path` points at, as git-sync lays it out: a folder named by the commit.
fn revision(path: &Path) -> Option<String> {
    let is_commit = |name: &str| matches!(name.len(), 40 | 64) && name.bytes().all(|b| b.is_ascii_hexdigit());
    let mut path = std::path::absolute(path).ok()?;
    let mut commit = None;
    for _ in 0..MAX_LINKS {
        let Some((target, rest)) = first_link(&path) else { break };
        let mut names = target.components().filter_map(|part| part.as_os_str().to_str());
        commit = names.rfind(|name| is_commit(name)).map(str::to_owned).or(commit);
        path = target.join(rest);
    }
    commit
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let short = |source: Source| source.name.replace(&format!("{}/", path.display()), "");
        sources(&[path.to_owned()]).into_iter().map(short).collect()
    }

    #[test]
    fn a_directory_is_read_recursively_in_path_order_and_each_real_file_once() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        fs::create_dir_all(at(".hidden")).unwrap();
        for name in ["a.yaml", "b/deep/c.yml", "notes.txt", ".hidden/x.yaml", "z.yaml"] {
            fs::write(at(name), name).unwrap();
        }
        symlink(at("a.yaml"), at("q.yaml")).unwrap();
        symlink(dir.path(), at("b/loop")).unwrap();
        assert_eq!(names(dir.path()), ["a.yaml", "b/deep/c.yml", "z.yaml"]);
    }

    #[test]
    fn a_file_mounted_from_a_config_map_is_read_through_its_links() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..2026")).unwrap();
        fs::write(dir.path().join("..2026/desired.yaml"), "x").unwrap();
        symlink("..2026", dir.path().join("..data")).unwrap();
        symlink("..data/desired.yaml", dir.path().join("desired.yaml")).unwrap();
        assert_eq!(names(dir.path()), ["desired.yaml"]);
    }

    #[test]
    fn a_missing_path_and_an_empty_directory_keep_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.yaml");
        let sources_of_missing = sources(std::slice::from_ref(&missing));
        assert_eq!(sources_of_missing[0].name, missing.display().to_string());
        assert!(sources_of_missing[0].content.as_ref().is_err_and(|error| error.contains("No such file")));
        assert_eq!(sources(&[dir.path().to_owned()])[0].content, Ok(Vec::new()));
    }

    #[test]
    fn a_file_over_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let large = dir.path().join("large.yaml");
        fs::File::create(&large).unwrap().set_len(MAX_FILE_SIZE + 1).unwrap();
        assert_eq!(sources(&[large])[0].content, Err("it is larger than 8 MiB".to_owned()));
    }

    #[test]
    fn pipe_and_dangling_link_do_not_stop_the_read() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("a.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("nowhere", dir.path().join("notes")).unwrap();
        let read = sources(&[dir.path().to_owned()]);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].content, Err("it is not a regular file".to_owned()));
    }

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

    #[test]
    fn the_revision_is_the_commit_that_a_git_sync_link_points_at() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".worktrees").join(commit)).unwrap();
        fs::write(dir.path().join(".worktrees").join(commit).join("desired.yaml"), "x").unwrap();
        symlink(format!(".worktrees/{commit}"), dir.path().join("current")).unwrap();
        symlink("current", dir.path().join("link")).unwrap();
        assert_eq!(revision(&dir.path().join("current/desired.yaml")), Some(commit.to_owned()));
        assert_eq!(revision(&dir.path().join("link/desired.yaml")), Some(commit.to_owned()));
        assert_eq!(revision(&dir.path().join(".worktrees")), None);
    }
}
