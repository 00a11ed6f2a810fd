//! Output files: written whole or not at all, never over an existing file without `--force`, and never in the place of a
//! symlink, a device or a pipe: the new file would replace `/dev/null` itself.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use subaccountd_core::text::first_of;

/// Checks that each of `paths` may be written.
///
/// # Errors
/// When one exists and `force` is not given, or is something that cannot be replaced.
pub(crate) fn check<'a>(paths: impl IntoIterator<Item = &'a Path>, force: bool) -> anyhow::Result<()> {
    let mut there = Vec::new();
    for path in paths {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            anyhow::bail!("{} is a folder: name a file in it", path.display());
        }
        if metadata.is_symlink() {
            let target = fs::read_link(path).unwrap_or_default();
            anyhow::bail!(
                "{} is a symlink to {}; refusing to overwrite it: name a regular file",
                path.display(),
                target.display()
            );
        }
        if !metadata.is_file() {
            anyhow::bail!("{} is not a regular file: name another", path.display());
        }
        if !force {
            there.push(path.display().to_string());
        }
    }
    anyhow::ensure!(
        there.is_empty(),
        "existing files are not overwritten: {}; give `--force` to replace them, with every edit in them",
        first_of(&there)
    );
    Ok(())
}

/// The readers of a new file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Readers {
    /// Those that the umask allows.
    ByUmask,
    /// Its owner.
    Owner,
}

impl Readers {
    const fn mode(self) -> u32 {
        match self {
            Self::ByUmask => 0o666,
            Self::Owner => 0o600,
        }
    }
}

/// Writes `text` to `path`, so that the file has the whole text or its previous content.
pub(crate) fn write(path: &Path, text: &str, force: bool, readers: Readers) -> io::Result<()> {
    let folder = folder_of(path);
    // Readers of a state skip names that start with a dot.
    let permissions = fs::Permissions::from_mode(readers.mode());
    let mut file =
        tempfile::Builder::new().prefix(".subaccountd-").permissions(permissions).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_data()?;
    if force { file.persist(path) } else { file.persist_noclobber(path) }?;
    Ok(())
}

/// Checks that `path` is a folder or can become one.
pub(crate) fn check_folder(path: &Path) -> anyhow::Result<()> {
    let is_no_folder = path.symlink_metadata().is_ok() && !path.is_dir();
    anyhow::ensure!(
        !is_no_folder,
        "{} is not a folder: name a folder for `--split-by account`",
        path.display()
    );
    Ok(())
}

/// Checks that the folder of `path` exists.
pub(crate) fn check_parent(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    anyhow::ensure!(
        folder.is_dir(),
        "the folder {} of {} does not exist: create it first",
        folder.display(),
        path.display()
    );
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
