//! The folder of the journal: created for its owner and group only, and synced where a name in it changed.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// The permissions of a new file and of a new folder, before the umask restricts them.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// The names of the files of an unfinished rotation. Only the process that holds the journal creates them.
pub(super) const NEW: &str = ".journal.new";
pub(super) const COPY: &str = ".journal.copy";

/// Creates `dir` and what is missing above it. An existing folder keeps its permissions.
pub(super) fn create(dir: &Path) -> io::Result<()> {
    let missing = dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    let missing: Vec<_> = missing.collect();
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(dir)?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // A parent that only others may read cannot be synced by this process.
        match sync(parent) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            other => other?,
        }
    }
    Ok(())
}

/// Makes the names in `dir` durable. A file system that cannot sync folders is tolerated.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    match File::open(dir)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// The options by which files are created: read and appended to.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(FILE_MODE);
    options
}

/// Removes what a rotation left unfinished.
pub(super) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for name in [NEW, COPY] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}
