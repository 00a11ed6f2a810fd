//! The certificate authorities: the files that they are read from, and when these are looked at again.
//!
//! A file system may hang, so the files are looked at on a blocking thread, one at a time, and no request waits for it.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The shortest time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The shortest time between two readings because of refused certificates.
const REFUSED_EVERY: Duration = Duration::from_secs(10);
/// The most files of a folder that are looked at.
const MAX_FILES: usize = 10_000;

/// The files of the authorities as they were read last, and the time of the last look at them.
pub(crate) struct Authorities(Mutex<State>);

struct State {
    read: u64,
    looked: Instant,
    refused: Option<Instant>,
    busy: bool,
}

impl Authorities {
    /// The authorities that are read now, from `files`.
    pub(crate) fn new(files: u64) -> Self {
        Self(Mutex::new(State { read: files, looked: Instant::now(), refused: None, busy: false }))
    }

    /// Returns true when the files are to be looked at now, which then must end with [`Self::looked`].
    pub(crate) fn is_look_due(&self) -> bool {
        let mut state = self.state();
        let is_due = !state.busy && state.looked.elapsed() >= LOOK_EVERY;
        state.busy |= is_due;
        is_due
    }

    /// Returns true when the files are to be read now because a certificate was refused, which then must end with
    /// [`Self::looked`].
    pub(crate) fn is_reading_due(&self) -> bool {
        let mut state = self.state();
        let is_due = !state.busy && state.refused.is_none_or(|refused| refused.elapsed() >= REFUSED_EVERY);
        if is_due {
            state.busy = true;
            state.refused = Some(Instant::now());
        }
        is_due
    }

    /// Records that the files were looked at, and returns true when they are others than before.
    pub(crate) fn looked(&self, files: u64) -> bool {
        let mut state = self.state();
        (state.busy, state.looked) = (false, Instant::now());
        std::mem::replace(&mut state.read, files) != files
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fingerprint of all files that the authorities are read from; it changes with each of them.
pub(crate) fn fingerprint() -> u64 {
    let paths = openssl_probe::probe();
    let mut hasher = DefaultHasher::new();
    paths.cert_file.iter().for_each(|file| hash(file, &mut hasher));
    for dir in &paths.cert_dir {
        hash(dir, &mut hasher);
        let mut files: Vec<_> =
            fs::read_dir(dir).into_iter().flatten().flatten().map(|file| file.path()).collect();
        files.sort();
        files.iter().take(MAX_FILES).for_each(|file| hash(file, &mut hasher));
    }
    hasher.finish()
}

fn hash(path: &Path, hasher: &mut impl Hasher) {
    path.hash(hasher);
    let file = fs::metadata(path).ok();
    let marks =
        file.map(|file| (file.dev(), file.ino(), file.size(), file.mtime(), file.ctime(), file.ctime_nsec()));
    marks.hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn files_are_looked_at_once_a_second_and_read_for_refusals_once_in_ten() {
        let authorities = Authorities::new(0);
        assert!(!authorities.is_look_due());
        tokio::time::advance(LOOK_EVERY).await;
        assert!(authorities.is_look_due());
        assert!(!authorities.is_look_due() && !authorities.is_reading_due(), "one look at a time");
        assert!(authorities.looked(1), "other files");
        assert!(!authorities.looked(1), "the same files");
        assert!(authorities.is_reading_due());
        authorities.looked(1);
        tokio::time::advance(LOOK_EVERY).await;
        assert!(!authorities.is_reading_due());
        tokio::time::advance(REFUSED_EVERY).await;
        assert!(authorities.is_reading_due());
    }

    #[test]
    fn fingerprint_changes_with_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bundle.pem");
        let of = |path: &Path| {
            let mut hasher = DefaultHasher::new();
            hash(path, &mut hasher);
            hasher.finish()
        };
        let absent = of(&path);
        fs::write(&path, "one").unwrap();
        let (first, other) = (of(&path), dir.path().join("other.pem"));
        assert_ne!(first, absent);
        assert_eq!(of(&path), first);
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(of(&path), first);
    }
}
