//! The files of the state: found below the paths that were given, and read within bounds.
//!
//! The author of a change to the state is not trusted with the files of the machine that checks it: a link that leads out
//! of the path that was given is not opened.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use subaccountd_core::manifest::{Source, Unread};

use super::file_access::{Noted, Steps};

/// The most bytes of one file.
pub(crate) const MAX_FILE_SIZE: u64 = 8 * MIB;
/// The most bytes of all files of one state.
const MAX_SIZE: u64 = 64 * MIB;
/// The most files of one state.
pub(crate) const MAX_FILES: usize = 10_000;
/// The deepest folder below a path.
const MAX_DEPTH: usize = 32;
const MIB: u64 = 1024 * 1024;

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Every file of `paths`, in path order, as one state. A path that cannot be read is a source that says so.
pub(super) fn walk(paths: &[PathBuf], progress: &Steps) -> Vec<Source> {
    let mut walk = SourceWalk { sources: Vec::new(), real: BTreeSet::new(), left: MAX_SIZE, progress };
    for path in paths {
        let before = walk.sources.len();
        walk.named(path);
        if walk.sources.len() == before {
            // A fault of an empty directory still needs a file name.
            walk.add(path, Ok(Vec::new()));
        }
    }
    walk.sources
}

/// Returns true when what is at `path` can be read only once, such as a pipe.
pub(crate) fn is_stream(path: &Path) -> bool {
    let is_other = |metadata: Metadata| !metadata.is_file() && !metadata.is_dir();
    path == Path::new(STANDARD_INPUT) || path.metadata().is_ok_and(is_other)
}

struct SourceWalk<'a> {
    sources: Vec<Source>,
    real: BTreeSet<PathBuf>,
    /// The bytes that the files to come may have.
    left: u64,
    progress: &'a Steps,
}

impl SourceWalk<'_> {
    /// Reads a path that was given: it is resolved, wherever it leads.
    fn named(&mut self, path: &Path) {
        if path == Path::new(STANDARD_INPUT) {
            if self.real.insert(path.to_owned()) {
                let content = self.content(io::stdin().lock());
                self.add(path, content);
            }
            return;
        }
        match path.metadata() {
            Ok(_) if is_stream(path) => {
                let content = File::open(path).map_err(|error| system(&error));
                let content = content.and_then(|file| self.content(file));
                self.add(path, content);
            }
            Ok(metadata) => match path.canonicalize() {
                Ok(root) if metadata.is_dir() => self.folder(path, &root, &root.clone(), 0),
                Ok(real) => self.file(path, &real),
                Err(error) => self.add(path, Err(system(&error))),
            },
            Err(error) => self.add(path, Err(system(&error))),
        }
    }

    /// Reads a path below `root`, the real path of a folder that was given.
    fn below(&mut self, path: &Path, root: &Path, depth: usize) {
        self.progress.step();
        if self.sources.len() >= MAX_FILES || depth > MAX_DEPTH {
            let reason = format!("more than {MAX_FILES} files, or folders deeper than {MAX_DEPTH}");
            return self.add(path, Err(Unread { reason, help: "write more accounts into one file" }));
        }
        let is_directory = match path.metadata() {
            Ok(metadata) => metadata.is_dir(),
            // A dangling link is an error only where it has the name of a state file.
            Err(_) if !is_yaml(path) => return,
            Err(error) => return self.add(path, Err(system(&error))),
        };
        if !is_directory && !is_yaml(path) {
            return;
        }
        match path.canonicalize() {
            Ok(real) => match real.strip_prefix(root) {
                Err(_) => self.add(path, Err(leads_out())),
                Ok(inside) if is_hidden(inside, is_directory) => self.add(path, Err(leads_to_hidden())),
                Ok(_) if is_directory => self.folder(path, &real, root, depth),
                Ok(_) => self.file(path, &real),
            },
            Err(error) => self.add(path, Err(system(&error))),
        }
    }

    fn folder(&mut self, path: &Path, real: &Path, root: &Path, depth: usize) {
        if !self.real.insert(real.to_owned()) {
            return;
        }
        match children(path) {
            Ok(children) => children.iter().for_each(|child| self.below(child, root, depth + 1)),
            // The file system keeps it for itself, at the root of a volume.
            Err(_) if depth > 0 && path.file_name().is_some_and(|name| name == "lost+found") => {}
            Err(error) => self.add(path, Err(system(&error))),
        }
    }

    fn file(&mut self, path: &Path, real: &Path) {
        if !self.real.insert(real.to_owned()) {
            return;
        }
        let content = open(real).and_then(|file| self.content(file));
        self.add(path, content);
    }

    fn content(&mut self, from: impl Read) -> Result<Vec<u8>, Unread> {
        let most = MAX_FILE_SIZE.min(self.left);
        let mut bytes = Vec::new();
        let read = Noted(from, self.progress).take(most + 1).read_to_end(&mut bytes);
        read.map_err(|error| system(&error))?;
        let size = bytes.len() as u64;
        if size > MAX_FILE_SIZE {
            let reason = format!("it is larger than {} MiB", MAX_FILE_SIZE / MIB);
            return Err(Unread { reason, help: "split it into files in one folder" });
        }
        if size > self.left {
            let reason = format!("the files of the state have more than {} MiB together", MAX_SIZE / MIB);
            return Err(Unread {
                reason,
                help: "take the files that are no part of the state out of its folder",
            });
        }
        self.left -= size;
        Ok(bytes)
    }

    fn add(&mut self, path: &Path, content: Result<Vec<u8>, Unread>) {
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

fn system(error: &io::Error) -> Unread {
    error.to_string().into()
}

/// Returns true for a path below the folder of the state that only a link may lead to, and that may hold credentials: a
/// checkout keeps them in `.git`, and other tools in files such as `.env`. Layouts of Kubernetes and git-sync have hidden
/// folders, and no hidden files.
fn is_hidden(inside: &Path, is_directory: bool) -> bool {
    let is_in_git = inside.components().any(|name| name.as_os_str().eq_ignore_ascii_case(".git"));
    let name = inside.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
    is_in_git || (!is_directory && name.starts_with(b"."))
}

fn leads_out() -> Unread {
    let reason = "it is a link that leads out of the folder of the state, and is not opened".to_owned();
    Unread { reason, help: "put the file itself into the folder of the state" }
}

fn leads_to_hidden() -> Unread {
    let reason = "it is a link to a hidden file, and is not opened".to_owned();
    Unread { reason, help: "put the file itself into the folder of the state" }
}

/// Opens the file at `real`, a path without links. A link may take the place of one of its parts at any time: the file
/// that was opened must still be the one at that path.
fn open(real: &Path) -> Result<File, Unread> {
    // Opening a pipe would wait for its other end.
    if !real.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        let reason = "it is not a regular file".to_owned();
        return Err(Unread { reason, help: "put a file there, or take it out of the folder of the state" });
    }
    let file = File::open(real).map_err(|error| system(&error))?;
    if is_at(&file, real) { Ok(file) } else { Err("it was replaced while it was opened".to_owned().into()) }
}

fn is_at(file: &File, real: &Path) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let is_real = real.canonicalize().is_ok_and(|now| now == real);
    is_real && real.symlink_metadata().ok().map(id) == file.metadata().ok().map(id)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn sources(paths: &[PathBuf]) -> Vec<Source> {
        walk(paths, &Steps::default())
    }

    fn names(path: &Path) -> Vec<String> {
        let short = |source: Source| source.name.replace(&format!("{}/", path.display()), "");
        sources(&[path.to_owned()]).into_iter().map(short).collect()
    }

    /// The files and folders of a state, some of them links, in a folder of their own beside `secret.yaml`.
    fn folder(links: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["state/sub", "state/.git", "state/.kept", "outside"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in [
            "secret.yaml",
            "outside/b.yaml",
            "state/a.yaml",
            "state/sub/c.yaml",
            "state/.kept/d.yaml",
            "state/.git/config",
        ] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        for (name, target) in links {
            symlink(target.replace("DIR", dir.path().to_str().unwrap()), dir.path().join(name)).unwrap();
        }
        dir
    }

    fn contents(path: &Path) -> Vec<Result<String, String>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        sources(&[path.to_owned()])
            .into_iter()
            .map(|source| source.content.map(text).map_err(|unread| unread.reason))
            .collect()
    }

    fn reason(source: &Source) -> &str {
        &source.content.as_ref().unwrap_err().reason
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
        assert_eq!(contents(dir.path()), [Ok("x".to_owned())]);
        assert_eq!(contents(&dir.path().join("desired.yaml")), [Ok("x".to_owned())]);
    }

    #[test]
    fn a_path_that_is_a_link_is_read_where_it_leads() {
        let links = [("current", "outside"), ("file.yaml", "secret.yaml"), ("state/x.yaml", ".kept/d.yaml")];
        let dir = folder(&links);
        assert_eq!(contents(&dir.path().join("current")), [Ok("outside/b.yaml".to_owned())]);
        assert_eq!(contents(&dir.path().join("file.yaml")), [Ok("secret.yaml".to_owned())]);
        let inside = ["state/a.yaml", "state/sub/c.yaml", "state/.kept/d.yaml"];
        assert_eq!(contents(&dir.path().join("state")), inside.map(|text| Ok(text.to_owned())));
    }

    #[test]
    fn links_that_lead_out_are_not_opened() {
        for (name, target) in [
            ("state/link.yaml", "../secret.yaml"),
            ("state/link.yaml", "DIR/secret.yaml"),
            ("state/link.yaml", "sub/../../secret.yaml"),
            ("state/link.yml", "/etc/passwd"),
            ("state/link.yaml", "/proc/self/environ"),
            ("state/link.yaml", "/dev/zero"),
            ("state/more", "../outside"),
            ("state/more", "/"),
            ("state/sub/up", "../.."),
        ] {
            let dir = folder(&[(name, target)]);
            let read = contents(&dir.path().join("state"));
            let faults: Vec<_> = read.iter().filter_map(|content| content.as_ref().err()).collect();
            assert!(matches!(&faults[..], [fault] if fault.contains("leads out")), "{target}: {read:?}");
            assert_eq!(read.iter().filter(|content| content.is_ok()).count(), 2, "{target}");
        }
    }

    #[test]
    fn links_to_hidden_files_are_not_opened() {
        for (name, target) in [
            ("link.yaml", ".git/config"),
            ("sub/link.yaml", "../.git/config"),
            ("git", ".git"),
            ("e.yaml", ".env"),
        ] {
            let dir = folder(&[(&format!("state/{name}"), target)]);
            fs::write(dir.path().join("state/.env"), "secret").unwrap();
            let read = contents(&dir.path().join("state"));
            let faults: Vec<_> = read.iter().filter_map(|content| content.as_ref().err()).collect();
            assert!(matches!(&faults[..], [fault] if fault.contains("a hidden file")), "{target}: {read:?}");
        }
    }

    #[test]
    fn a_link_to_a_link_is_judged_by_where_it_leads() {
        let dir = folder(&[
            ("state/one.yaml", "sub/two.yaml"),
            ("state/sub/two.yaml", "../../outside/three"),
            ("outside/three", "DIR/state/.kept/d.yaml"),
        ]);
        let read = contents(&dir.path().join("state"));
        assert!(read.contains(&Ok("state/.kept/d.yaml".to_owned())), "it comes back: {read:?}");
        let dir = folder(&[("state/one.yaml", "sub/two"), ("state/sub/two", "../../secret.yaml")]);
        let read = contents(&dir.path().join("state"));
        assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        assert!(
            read.iter().any(|read| read.as_ref().is_err_and(|why| why.contains("leads out"))),
            "{read:?}"
        );
    }

    #[test]
    fn a_file_that_is_replaced_by_a_link_is_not_read() {
        let dir = folder(&[]);
        let real = dir.path().canonicalize().unwrap().join("state/sub/c.yaml");
        let file = File::open(&real).unwrap();
        assert!(is_at(&file, &real));
        fs::rename(dir.path().join("state/sub"), dir.path().join("moved")).unwrap();
        symlink("../outside", dir.path().join("state/sub")).unwrap();
        fs::write(dir.path().join("outside/c.yaml"), "another").unwrap();
        assert!(!is_at(&file, &real), "another file has its path");
        assert!(!is_at(&File::open(&real).unwrap(), &real), "its folder is a link now");
    }

    #[test]
    fn a_lost_and_found_that_cannot_be_read_is_skipped() {
        // Root reads everything, so that only a test that is not root sees the error.
        use std::os::unix::fs::PermissionsExt;
        let dir = folder(&[]);
        let closed = |name: &str| {
            let folder = dir.path().join("state").join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
            fs::read_dir(&folder).is_err()
        };
        let is_refused = closed("lost+found");
        assert_eq!(names(&dir.path().join("state")), ["a.yaml", "sub/c.yaml"]);
        closed("private");
        let expected: &[&str] =
            if is_refused { &["a.yaml", "private", "sub/c.yaml"] } else { &["a.yaml", "sub/c.yaml"] };
        assert_eq!(names(&dir.path().join("state")), expected);
    }

    #[test]
    fn a_missing_path_and_an_empty_directory_keep_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.yaml");
        let sources_of_missing = sources(std::slice::from_ref(&missing));
        assert_eq!(sources_of_missing[0].name, missing.display().to_string());
        assert!(
            sources_of_missing[0].content.as_ref().is_err_and(|error| error.reason.contains("No such file"))
        );
        assert_eq!(sources(&[dir.path().to_owned()])[0].content, Ok(Vec::new()));
    }

    #[test]
    fn a_file_over_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let large = dir.path().join("large.yaml");
        File::create(&large).unwrap().set_len(MAX_FILE_SIZE + 1).unwrap();
        assert_eq!(reason(&sources(&[large])[0]), "it is larger than 8 MiB");
    }

    #[test]
    fn files_over_the_bound_of_the_state_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for n in 10..30 {
            File::create(dir.path().join(format!("{n}.yaml"))).unwrap().set_len(MAX_FILE_SIZE).unwrap();
        }
        let read = sources(&[dir.path().to_owned()]);
        assert!(read[..8].iter().all(|source| source.content.is_ok()));
        assert!(read[8..].iter().all(|source| source.content.is_err()));
        assert_eq!(reason(&read[8]), "the files of the state have more than 64 MiB together");
    }

    #[test]
    fn pipe_and_dangling_link_do_not_stop_the_read() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("a.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("nowhere", dir.path().join("notes")).unwrap();
        let read = sources(&[dir.path().to_owned()]);
        assert_eq!(read.len(), 1);
        assert_eq!(reason(&read[0]), "it is not a regular file");
    }
}
