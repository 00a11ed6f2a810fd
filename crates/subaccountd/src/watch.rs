//! The watcher: pokes when something changes near the state's files. It is a convenience: the interval finds every
//! change as well.
//!
//! Editors replace files, a ConfigMap swaps `..data`, git-sync swaps a link. A watch on a file or on the link itself
//! dies with the first swap, so the folder of each link on the way is watched, and the folders of the real files.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::{debug, warn};

use crate::wake::Poker;

/// The most links that are followed on the way to one file.
pub(crate) const MOST_LINKS: usize = 40;
/// The most folders that are watched; beyond them the interval finds the changes.
const MOST_FOLDERS: usize = 1_000;

/// A folder is another one when its inode is.
type Folders = BTreeMap<PathBuf, (u64, u64)>;

/// Watches the folders that lead to the state.
pub(crate) struct Watch {
    path: PathBuf,
    watcher: Option<RecommendedWatcher>,
    folders: Folders,
}

impl Watch {
    /// Starts watching `path`. Where the system allows no watcher, the interval alone finds changes.
    pub(crate) fn start(path: &Path, poker: Poker) -> Self {
        let handler = move |event: notify::Result<Event>| match event {
            // Reading the state raises access events itself.
            Ok(Event { kind: EventKind::Access(_), .. }) => {}
            Ok(_) => poker.poke(),
            Err(error) => {
                warn!(%error, "the file watcher reports an error; the interval still finds changes");
                poker.poke();
            }
        };
        let watcher = RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false));
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "no file watcher: changes are found at the interval only"))
            .ok();
        let mut watch = Self { path: path.to_owned(), watcher, folders: Folders::new() };
        watch.refresh();
        watch
    }

    /// Watches the folders that lead to the state now, and no others.
    pub(crate) fn refresh(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let now = folders(&self.path);
        for folder in
            self.folders.iter().filter(|(path, inode)| now.get(*path) != Some(inode)).map(|(path, _)| path)
        {
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(folder);
        }
        let mut watched = Folders::new();
        for (path, inode) in now {
            let known = self.folders.get(&path) == Some(&inode);
            match known.then_some(()).map_or_else(|| watcher.watch(&path, RecursiveMode::NonRecursive), Ok) {
                Ok(()) => {
                    watched.insert(path, inode);
                }
                Err(error) => {
                    warn!(%error, folder = %path.display(), "this folder is not watched; the interval still finds changes");
                }
            }
        }
        if watched != self.folders {
            debug!(folders = watched.len(), "watching");
        }
        self.folders = watched;
    }
}

/// The folders in which a change can change what is read at `path`.
fn folders(path: &Path) -> Folders {
    let mut folders = Folders::new();
    if let Ok(path) = std::path::absolute(path) {
        follow(&path, &mut folders, MOST_LINKS);
    }
    folders
}

fn add(folder: &Path, folders: &mut Folders) {
    if folders.len() < MOST_FOLDERS
        && let Ok(metadata) = folder.metadata()
        && metadata.is_dir()
    {
        folders.insert(folder.to_owned(), (metadata.dev(), metadata.ino()));
    }
}

/// Adds the folder of each link on the way to `path`, and what it leads to.
fn follow(path: &Path, folders: &mut Folders, links: usize) {
    if let Some((target, rest)) = first_link(path) {
        let link = path.ancestors().nth(rest.components().count());
        if let Some(folder) = link.and_then(Path::parent) {
            add(folder, folders);
        }
        if let Some(links) = links.checked_sub(1) {
            follow(&target.join(rest), folders, links);
        }
    } else if path.is_dir() {
        // A failure here shows when the state is read.
        let _ = below(path, folders, links);
    } else if let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) {
        add(folder, folders);
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

fn below(folder: &Path, folders: &mut Folders, links: usize) -> io::Result<()> {
    if folders.contains_key(folder) {
        return Ok(());
    }
    add(folder, folders);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() {
            below(&entry.path(), folders, links)?;
        } else if kind.is_symlink()
            && let Some(links) = links.checked_sub(1)
        {
            follow(&entry.path(), folders, links);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, time::Duration};

    use super::*;
    use crate::wake::{Wake, wake};

    async fn is_woken(wake: &mut Wake) -> bool {
        tokio::time::timeout(Duration::from_secs(5), wake.woken()).await.is_ok()
    }

    fn watching(path: &Path) -> (Watch, Wake) {
        let (poker, wake) = wake();
        (Watch::start(path, poker), wake)
    }

    #[tokio::test]
    async fn an_editor_that_replaces_the_file_wakes_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("desired.yaml");
        fs::write(&file, "0").unwrap();
        let (mut watch, mut wake) = watching(&file);
        for round in 1..4 {
            fs::write(dir.path().join(".swap"), round.to_string()).unwrap();
            fs::rename(dir.path().join(".swap"), &file).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh();
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
        let (mut watch, mut wake) = watching(dir.path());
        for round in 1..4 {
            let new = format!("..{round}");
            fs::create_dir(at(&new)).unwrap();
            fs::write(at(&new).join("desired.yaml"), &new).unwrap();
            symlink(&new, at("..data_tmp")).unwrap();
            wake.forget();
            fs::rename(at("..data_tmp"), at("..data")).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh();
        }
    }

    #[tokio::test]
    async fn a_git_sync_swap_wakes_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at(".worktrees/0")).unwrap();
        fs::write(at(".worktrees/0/desired.yaml"), "0").unwrap();
        symlink(".worktrees/0", at("current")).unwrap();
        let (mut watch, mut wake) = watching(&at("current/desired.yaml"));
        for round in 1..4 {
            let new = format!(".worktrees/{round}");
            fs::create_dir(at(&new)).unwrap();
            fs::write(at(&new).join("desired.yaml"), &new).unwrap();
            symlink(&new, at("next")).unwrap();
            wake.forget();
            fs::rename(at("next"), at("current")).unwrap();
            assert!(is_woken(&mut wake).await, "round {round}");
            watch.refresh();
        }
    }

    #[tokio::test]
    async fn reading_the_state_wakes_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("desired.yaml");
        fs::write(&file, "0").unwrap();
        let (_watch, mut wake) = watching(&file);
        fs::read(&file).unwrap();
        fs::read_dir(dir.path()).unwrap().count();
        assert!(tokio::time::timeout(Duration::from_millis(200), wake.woken()).await.is_err());
    }

    #[test]
    fn a_missing_file_is_awaited_in_the_nearest_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folders = folders(&dir.path().join("not/yet/there.yaml"));
        assert_eq!(folders.keys().collect::<Vec<_>>(), [dir.path()]);
    }
}
