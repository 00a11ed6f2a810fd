//! The revision of the state: the commit that a link of git-sync names, else the first word of a file.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use subaccountd_core::text::is_plain;

use crate::daemon::watch::{MAX_LINKS, first_link};

/// The most bytes that are read of the file.
const MAX_BYTES: u64 = 4096;
/// The longest revision, in characters.
const MAX_REVISION: usize = 200;

/// The git commit that a link on the way to `path` points at, as git-sync lays it out: a folder named by the commit.
pub(super) fn linked(path: &Path) -> Option<String> {
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

/// The first word of the file at `path`.
///
/// # Errors
/// The reason why there is none.
pub(super) fn in_file(path: &Path) -> Result<String, String> {
    let bytes = first_bytes(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let word = text.trim_start_matches('\u{feff}').split_whitespace().next().unwrap_or_default();
    if word.is_empty() {
        return Err(format!("{} is empty: write the revision as its first word", path.display()));
    }
    if word.chars().count() > MAX_REVISION
        || !word.chars().all(|c| is_plain(c) && c != char::REPLACEMENT_CHARACTER)
    {
        return Err(format!(
            "{}: its first word is no revision: write at most {MAX_REVISION} characters of plain text",
            path.display()
        ));
    }
    Ok(word.to_owned())
}

/// The first bytes of a regular file. A pipe is not waited for.
fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn linked_revision_is_the_commit_that_a_git_sync_link_points_at() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".worktrees").join(commit)).unwrap();
        fs::write(dir.path().join(".worktrees").join(commit).join("desired.yaml"), "x").unwrap();
        symlink(format!(".worktrees/{commit}"), dir.path().join("current")).unwrap();
        symlink("current", dir.path().join("link")).unwrap();
        assert_eq!(linked(&dir.path().join("current/desired.yaml")), Some(commit.to_owned()));
        assert_eq!(linked(&dir.path().join("link/desired.yaml")), Some(commit.to_owned()));
        assert_eq!(linked(&dir.path().join(".worktrees")), None);
    }

    #[test]
    fn revision_of_a_file_is_its_first_word() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("revision");
        let of = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            in_file(&path)
        };
        assert_eq!(of(b"v1.4.2\n").as_deref(), Ok("v1.4.2"));
        assert_eq!(of("\u{feff}  0a1b2c refs/heads/main\n".as_bytes()).as_deref(), Ok("0a1b2c"));
        assert!(of(b" \n").unwrap_err().contains("is empty"));
        for text in ["\u{1b}[31m".as_bytes(), b"\xff", "x".repeat(201).as_bytes()] {
            assert!(of(text).unwrap_err().contains("no revision"), "{text:?}");
        }
        fs::remove_file(&path).unwrap();
        assert!(in_file(&path).unwrap_err().contains("cannot be read"));
        assert!(in_file(dir.path()).unwrap_err().contains("not a regular file"));
    }
}
