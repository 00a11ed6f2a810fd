//! The lines of a journal and its archives, for showing: a line that cannot be read is named, and hides no other.

use std::{
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    archive,
    format::{Header, HeaderError, JournalLine},
    read::{JournalError, Lines, NAME, NextLine, UnreadableLine, parse},
};

/// The most unreadable lines of one file that are named.
const MAX_NAMED: usize = 10;
const HELP: &str = "name the folder of the journal with --journal-dir";

/// Lines of a journal, oldest first.
#[derive(Default)]
pub(crate) struct ShownLines {
    pub(crate) lines: Vec<JournalLine>,
    /// The lines that could not be read.
    pub(crate) unreadable: Vec<UnreadableLine>,
}

/// The lines of every file in `dir` for which `keep` returns true.
pub(crate) fn lines(dir: &Path, keep: &dyn Fn(&JournalLine) -> bool) -> Result<ShownLines, JournalError> {
    let current = dir.join(NAME);
    // The current file is opened first: when it is archived meanwhile, its lines are shown twice rather than not at all.
    let file = File::open(&current);
    let archives = archive::list(dir).map_err(|error| JournalError::io(dir, error, HELP))?;
    let mut shown = ShownLines::default();
    for path in archives {
        let file = File::open(&path);
        shown.add(path, file, keep);
    }
    shown.add(current, file, keep);
    Ok(shown)
}

impl ShownLines {
    fn add(&mut self, path: PathBuf, file: std::io::Result<File>, keep: &dyn Fn(&JournalLine) -> bool) {
        let mut faults = Faults { path, named: Vec::new(), more: 0 };
        match file {
            Ok(file) => self.read(&mut Lines::new(file), &mut faults, keep),
            // An archive may be deleted for its age meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => faults.add(1, error.to_string()),
        }
        self.unreadable.extend(faults.into_named());
    }

    fn read(&mut self, lines: &mut Lines<File>, faults: &mut Faults, keep: &dyn Fn(&JournalLine) -> bool) {
        loop {
            match lines.next() {
                Ok(NextLine::Line) if lines.number == 1 => {
                    let Err(error) = Header::parse(&lines.buffer) else { continue };
                    faults.add(1, error.to_string());
                    match error {
                        // Its lines could mean something else.
                        HeaderError::Format(_) | HeaderError::Version(_) => return,
                        HeaderError::Unreadable(_) => {}
                    }
                }
                Ok(NextLine::Line) => match parse(&lines.buffer) {
                    Ok(line) => self.lines.extend(line.filter(|line| keep(line))),
                    Err(problem) => faults.add(lines.number, problem),
                },
                Ok(NextLine::TooLong) => faults.add(lines.number, "the line is too long".to_owned()),
                Ok(NextLine::End) => return,
                Err(error) => {
                    faults.add(lines.number, error.to_string());
                    return;
                }
            }
        }
    }
}

/// The unreadable lines of one file.
struct Faults {
    path: PathBuf,
    named: Vec<UnreadableLine>,
    more: usize,
}

impl Faults {
    fn add(&mut self, line: usize, problem: String) {
        if self.named.len() < MAX_NAMED {
            self.named.push(UnreadableLine { path: self.path.clone(), line, problem });
        } else {
            self.more += 1;
        }
    }

    fn into_named(mut self) -> Vec<UnreadableLine> {
        let more = self.more;
        if let Some(last) = self.named.last_mut().filter(|_| more > 0) {
            last.problem = format!("{} (and {more} more lines of this file)", last.problem);
        }
        self.named
    }
}
