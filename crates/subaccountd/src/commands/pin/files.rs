//! The files of a state, replaced with edited ones: each as a whole, with its rights, and only when it is as it was read.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use subaccountd_core::manifest::Source;
use tempfile::NamedTempFile;

/// A new file beside the one that it replaces.
struct Replacement {
    path: PathBuf,
    new: NamedTempFile,
}

/// Writes each of `files`, a source with its new bytes. All are prepared before the first one is replaced.
///
/// # Errors
/// When one of them is not a regular file, changed since it was read, or cannot be written.
pub(super) fn write_all(files: &[(&Source, &[u8])]) -> anyhow::Result<()> {
    let mut ready = Vec::new();
    for (source, bytes) in files {
        ready.push(prepare(source, bytes).with_context(|| source.name.clone())?);
    }
    for (source, _) in files {
        check_unchanged(source)?;
    }
    for Replacement { path, new } in ready {
        new.persist(&path).with_context(|| format!("{} cannot be replaced", path.display()))?;
        if let Some(folder) = path.parent() {
            // The file is whole in any case; this only makes the new name durable.
            let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
        }
    }
    Ok(())
}

fn prepare(source: &Source, bytes: &[u8]) -> anyhow::Result<Replacement> {
    check_unchanged(source)?;
    // A link stays a link: the file that it leads to is replaced. The reader has checked where it leads.
    let path = Path::new(&source.name).canonicalize()?;
    let metadata = path.metadata()?;
    ensure!(metadata.is_file(), "not a regular file: name the file of the state");
    let folder = path.parent().unwrap_or(Path::new("."));
    // Readers of a state skip names that start with a dot.
    let mut new = tempfile::Builder::new().prefix(".subaccountd-").tempfile_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().set_permissions(metadata.permissions())?;
    keep_owner(&new, &metadata)?;
    new.as_file().sync_all()?;
    Ok(Replacement { path, new })
}

/// Gives the new file the owner of the old one.
fn keep_owner(new: &NamedTempFile, old: &Metadata) -> io::Result<()> {
    let now = new.as_file().metadata()?;
    if (now.uid(), now.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    match fchown(new.as_file(), Some(old.uid()), Some(old.gid())) {
        // Only the superuser gives files away.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Checks that the file of `source` has the bytes that were read.
fn check_unchanged(source: &Source) -> anyhow::Result<()> {
    let Ok(read) = &source.content else { bail!("{}: not read", source.name) };
    ensure!(
        fs::read(&source.name).with_context(|| source.name.clone())? == *read,
        "{} changed while `pin` ran: nothing was written; run it again",
        source.name
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn source(path: &Path, text: &str) -> Source {
        Source { name: path.display().to_string(), content: Ok(text.as_bytes().to_vec()) }
    }

    #[test]
    fn file_keeps_its_rights_and_a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.yaml"), dir.path().join("link.yaml"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.yaml", &link).unwrap();
        write_all(&[(&source(&link, "old"), b"new")]).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn no_file_is_written_when_one_of_them_changed() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a.yaml", "b.yaml"].map(|name| dir.path().join(name));
        fs::write(&a, "old").unwrap();
        fs::write(&b, "edited").unwrap();
        let error = write_all(&[(&source(&a, "old"), b"new"), (&source(&b, "old"), b"new")]).unwrap_err();
        assert!(format!("{error:#}").contains("changed while `pin` ran"), "{error:#}");
        assert_eq!([&a, &b].map(|path| fs::read_to_string(path).unwrap()), ["old", "edited"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn standard_input_cannot_be_written() {
        assert!(write_all(&[(&source(Path::new("-"), "old"), b"new")]).is_err());
    }
}
