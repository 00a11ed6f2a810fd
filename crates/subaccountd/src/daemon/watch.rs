//! The watcher: wakes the loop when something changes near the files of the state, or near the file of its revision. It only saves time: the interval finds
//! every change as well.
//!
//! Editors replace files, a ConfigMap swaps `..data`, git-sync swaps a link. A watch on a file or on the link itself
//! ends with the first swap, so the folder of each link on the way is watched, and the folders of the real files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::{debug, info, warn};

use crate::{
    daemon::wake::Waker,
    desired::{
        file_access::{FileAccess, NoAnswer, Steps},
        mounts::mounted_file,
    },
};

/// The most links that are followed on the way to one file.
pub(crate) const MAX_LINKS: usize = 40;
/// The most folders that are watched; beyond them the interval finds the changes.
const MAX_FOLDERS: usize = 1_000;

/// The watched folders with their devices and inodes: a folder with another inode is another folder.
type Folders = BTreeMap<PathBuf, (u64, u64)>;

/// Watches the folders that lead to the state.
pub(crate) struct Watch {
    files: FileAccess,
    /// Locked on the blocking thread alone, one call at a time.
    watched: Arc<Mutex<Watched>>,
}

struct Watched {
    /// The path of the state, and then others.
    paths: Vec<PathBuf>,
    /// True once files that are mounted alone were looked for.
    is_checked: bool,
    watcher: Option<RecommendedWatcher>,
    folders: Folders,
    /// The folders that could not be watched, each of which was logged.
    unwatched: BTreeSet<PathBuf>,
}

impl Watch {
    /// Prepares to watch `paths`, of which the first is that of the state; [`refresh`](Self::refresh) begins it. Where the system allows no watcher, the interval
    /// alone finds changes.
    pub(crate) fn new(paths: Vec<PathBuf>, waker: Waker, files: FileAccess) -> Self {
        #[cfg(feature = "simulation")]
        if crate::simulation::keep_waker(&waker) {
            let watched = Watched {
                paths,
                is_checked: true,
                watcher: None,
                folders: Folders::new(),
                unwatched: BTreeSet::new(),
            };
            return Self { files, watched: Arc::new(Mutex::new(watched)) };
        }
        let handler = move |event: notify::Result<Event>| match event {
            // Reading the state raises access events itself.
            Ok(Event { kind: EventKind::Access(_), .. }) => {}
            Ok(_) => waker.wake(),
            Err(error) => {
                warn!(%error, "file watcher failed; changes are still found at the interval");
                waker.wake();
            }
        };
        let watcher = RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false));
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "no file watcher: changes are found only at the interval"))
            .ok();
        let watched = Watched {
            paths,
            is_checked: false,
            watcher,
            folders: Folders::new(),
            unwatched: BTreeSet::new(),
        };
        Self { files, watched: Arc::new(Mutex::new(watched)) }
    }

    /// Watches the folders that lead to the state now, and no others. Returns true when every one is watched.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub(crate) async fn refresh(&self) -> Result<bool, NoAnswer> {
        let watched = Arc::clone(&self.watched);
        self.files
            .run(move |progress| watched.lock().unwrap_or_else(PoisonError::into_inner).refresh(progress))
            .await
    }
}

impl Watched {
    /// Returns true when every folder is watched.
    fn refresh(&mut self, progress: &Steps) -> bool {
        if !std::mem::replace(&mut self.is_checked, true)
            && let Some(file) = self.paths.first().and_then(|path| mounted_file(path))
        {
            let file = file.display();
            warn!(file = %file, "{file} is mounted alone: a file that replaces it is never seen; mount its folder instead (in Kubernetes: without `subPath`), and restart after each change until then");
        }
        let Some(watcher) = &mut self.watcher else { return false };
        let now: Folders = self.paths.iter().flat_map(|path| folders(path, progress)).collect();
        for folder in
            self.folders.iter().filter(|(path, inode)| now.get(*path) != Some(inode)).map(|(path, _)| path)
        {
            progress.step();
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(folder);
        }
        let (mut watched, mut unwatched) = (Folders::new(), BTreeSet::new());
        for (path, inode) in now {
            progress.step();
            let known = self.folders.get(&path) == Some(&inode);
            match known.then_some(()).map_or_else(|| watcher.watch(&path, RecursiveMode::NonRecursive), Ok) {
                Ok(()) => {
                    watched.insert(path, inode);
                }
                Err(error) => {
                    if !self.unwatched.contains(&path) {
                        warn!(%error, folder = %path.display(), "folder {} is not watched; changes in it are found at the interval", path.display());
                    }
                    unwatched.insert(path);
                }
            }
        }
        if watched != self.folders {
            debug!(folders = watched.len(), "watching");
        }
        for folder in self.unwatched.difference(&unwatched) {
            info!(folder = %folder.display(), "folder {} is watched again, or needs no watch any more", folder.display());
        }
        (self.folders, self.unwatched) = (watched, unwatched);
        self.unwatched.is_empty()
    }
}

/// The folders in which a change can change what is read at `path`.
fn folders(path: &Path, progress: &Steps) -> Folders {
    let root = path.canonicalize().ok();
    let mut walk = FolderWalk { folders: Folders::new(), root, progress };
    if let Ok(path) = std::path::absolute(path) {
        walk.follow(&path, MAX_LINKS);
    }
    walk.folders
}

struct FolderWalk<'a> {
    folders: Folders,
    /// The real path of the state: a link below it that leads out is not followed.
    root: Option<PathBuf>,
    progress: &'a Steps,
}

impl FolderWalk<'_> {
    fn add(&mut self, folder: &Path) {
        if self.folders.len() < MAX_FOLDERS
            && let Ok(metadata) = folder.metadata()
            && metadata.is_dir()
        {
            self.folders.insert(folder.to_owned(), (metadata.dev(), metadata.ino()));
        }
    }

    /// Adds the folder of each link on the way to `path`, and what it leads to.
    fn follow(&mut self, path: &Path, links: usize) {
        self.progress.step();
        if let Some((target, rest)) = first_link(path) {
            let link = path.ancestors().nth(rest.components().count());
            if let Some(folder) = link.and_then(Path::parent) {
                self.add(folder);
            }
            if let Some(links) = links.checked_sub(1) {
                self.follow(&target.join(rest), links);
            }
        } else if path.is_dir() {
            // A failure here shows when the state is read.
            let _ = self.below(path, links);
        } else if let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) {
            self.add(folder);
        }
    }

    fn leads_out(&self, link: &Path) -> bool {
        let real = link.canonicalize();
        real.is_ok_and(|real| self.root.as_ref().is_some_and(|root| !real.starts_with(root)))
    }

    fn below(&mut self, folder: &Path, links: usize) -> io::Result<()> {
        if self.folders.contains_key(folder) {
            return Ok(());
        }
        self.add(folder);
        for entry in fs::read_dir(folder)? {
            self.progress.step();
            let entry = entry?;
            let kind = entry.file_type()?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if kind.is_dir() {
                self.below(&entry.path(), links)?;
            } else if kind.is_symlink()
                && !self.leads_out(&entry.path())
                && let Some(links) = links.checked_sub(1)
            {
                self.follow(&entry.path(), links);
            }
        }
        Ok(())
    }
}

/// The first link on the way to `path`, an absolute one: where it leads, and what of the path comes after it.
pub(crate) fn first_link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut walked = PathBuf::new();
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        walked.push(part);
        if let Ok(target) = fs::read_link(&walked) {
            let folder = walked.parent()?;
            return Some((normal(&folder.join(target)), parts.as_path().to_owned()));
        }
    }
    None
}

/// `path` without `.` and `..`, which a link's target may hold.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, time::Duration};

    use super::*;
    use crate::daemon::wake::{self, Wake};

    async fn is_woken(wake: &mut Wake) -> bool {
        tokio::time::timeout(Duration::from_secs(5), wake.woken()).await.is_ok()
    }

    async fn watching(path: &Path) -> (Watch, Wake) {
        let (waker, wake) = wake::channel();
        let watch = Watch::new(vec![path.to_owned()], waker, FileAccess::new());
        watch.refresh().await.unwrap();
        (watch, wake)
    }

    #[tokio::test]
    async fn an_editor_that_replaces_the_file_wakes_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("desired.yaml");
        fs::write(&file, "0").unwrap();
        let (watch, mut wake) = watching(&file).await;
        for round in 1..4 {
            fs::write(dir.path().join(".swap"), round.to_string()).unwrap();
            fs::rename(dir.path().join(".swap"), &file).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_config_map_swap_wakes_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("..0")).unwrap();
        fs::write(at("..0/desired.yaml"), "0").unwrap();
        symlink("..0", at("..data")).unwrap();
        symlink("..data/desired.yaml", at("desired.yaml")).unwrap();
        let (watch, mut wake) = watching(dir.path()).await;
        for round in 1..4 {
            let new = format!("..{round}");
            fs::create_dir(at(&new)).unwrap();
            fs::write(at(&new).join("desired.yaml"), &new).unwrap();
            symlink(&new, at("..data_tmp")).unwrap();
            wake.forget();
            fs::rename(at("..data_tmp"), at("..data")).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_git_sync_swap_wakes_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at(".worktrees/0")).unwrap();
        fs::write(at(".worktrees/0/desired.yaml"), "0").unwrap();
        symlink(".worktrees/0", at("current")).unwrap();
        let (watch, mut wake) = watching(&at("current/desired.yaml")).await;
        for round in 1..4 {
            let new = format!(".worktrees/{round}");
            fs::create_dir(at(&new)).unwrap();
            fs::write(at(&new).join("desired.yaml"), &new).unwrap();
            symlink(&new, at("next")).unwrap();
            wake.forget();
            fs::rename(at("next"), at("current")).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh().await.unwrap();
        }
    }

    #[tokio::test]
    async fn reading_the_state_does_not_wake() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("desired.yaml");
        fs::write(&file, "0").unwrap();
        let (_watch, mut wake) = watching(&file).await;
        fs::read(&file).unwrap();
        fs::read_dir(dir.path()).unwrap().count();
        assert!(tokio::time::timeout(Duration::from_millis(200), wake.woken()).await.is_err());
    }

    #[test]
    fn a_missing_file_is_awaited_in_the_nearest_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folders = folders(&dir.path().join("not/yet/there.yaml"), &Steps::default());
        assert_eq!(folders.keys().collect::<Vec<_>>(), [dir.path()]);
    }
}
