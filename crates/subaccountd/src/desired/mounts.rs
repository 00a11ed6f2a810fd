//! Files of the state that are mounted alone: Kubernetes with `subPath`, or a bind mount of one file.
//!
//! Such a mount stays on the file that it was made with: a file that replaces that one is never seen.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// The mounts of this process, as Linux lists them.
const MOUNTS: &str = "/proc/self/mountinfo";

/// The first file of the state at `path` that is mounted alone; `None` when there is none, or it is not known.
pub(crate) fn mounted_file(path: &Path) -> Option<PathBuf> {
    let mounts = fs::read(MOUNTS).ok()?;
    let real = path.canonicalize().ok()?;
    mount_points(&mounts).find(|point| point.starts_with(&real) && point.is_file())
}

/// The mount points in a list of mounts: the fifth field of each line, in which some characters are octal escapes.
fn mount_points(mounts: &[u8]) -> impl Iterator<Item = PathBuf> {
    let field = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).map(unescaped);
    mounts.split(|byte| *byte == b'\n').filter_map(field)
}

fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            path.push(byte);
            rest = &after[3..];
        } else {
            path.push(*first);
            rest = after;
        }
    }
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        let mounts = b"22 1 8:1 / / rw - ext4 /dev/root rw\n\
            36 22 0:5 /v /etc/my\\040state/desired.yaml ro,relatime shared:1 - tmpfs none rw\n\
            37 22 0:5 / /back\\134slash rw - tmpfs none rw\n\nshort line\n";
        let points: Vec<_> = mount_points(mounts).collect();
        assert_eq!(points, ["/", "/etc/my state/desired.yaml", "/back\\slash"].map(PathBuf::from));
    }

    #[test]
    fn a_file_in_a_plain_folder_is_not_mounted_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("desired.yaml"), "").unwrap();
        assert_eq!(mounted_file(dir.path()), None);
        assert_eq!(mounted_file(&dir.path().join("desired.yaml")), None);
    }
}
