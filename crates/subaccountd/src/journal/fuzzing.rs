//! The check of `make fuzz` on journals: reading, opening for writing, appending, rotating, and planning with what was read.
//!
//! An input is the bytes of `journal.jsonl` of the main account `AC0…0`.

use std::{fs, path::Path, sync::Arc};

use subaccountd_core::{AccountSid, History, Status, history::Event};

use super::{
    Journal, JournalFile, lines,
    read::{self, NAME},
};
use crate::{clock, fuzzing::check_text, snapshot::fuzzing::plan_with};

/// The most characters of an error without the path in it.
const MAX_ERROR: usize = 1_000;

/// Reads `input` as a journal, and goes on writing it where it can be read.
///
/// # Panics
/// On a defect.
pub fn journal(input: &[u8]) {
    let (Ok(folder), Some(main)) = (tempfile::tempdir(), main_account()) else { return };
    let (dir, path) = (folder.path(), folder.path().join(NAME));
    if fs::write(&path, input).is_err() {
        return;
    }
    check_lines(dir);
    let read = Journal::read_only(dir, main).map(|journal| journal.history());
    assert_eq!(fs::read(&path).ok().as_deref(), Some(input), "reading changed the file");
    match (read, Journal::open(dir, main)) {
        (Ok(read), Ok(journal)) => {
            assert_eq!(journal.history(), read, "opening for writing read another history");
            let whole = input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let kept = fs::read(&path).unwrap_or_default();
            assert!(kept.starts_with(&input[..whole]), "whole lines were lost");
            check_append(dir, main, journal);
            check_rotation(dir, main);
            plan_with(read.as_ref().clone());
        }
        (Err(_), Err(error)) => {
            assert_eq!(fs::read(&path).ok().as_deref(), Some(input), "a journal that was refused changed");
            check_error(&error, dir);
        }
        (Ok(_), Err(error)) => panic!("it is read, and not opened: {error}"),
        (Err(error), Ok(_)) => panic!("it is opened, and not read: {error}"),
    }
}

fn main_account() -> Option<AccountSid> {
    format!("AC{:032x}", 0).parse().ok()
}

/// Shows the lines, of which each that cannot be read has a name.
fn check_lines(dir: &Path) {
    let Ok(shown) = lines(dir, &|_| true) else { panic!("the lines are not shown") };
    for line in &shown.unreadable {
        check_error(line, dir);
    }
    for line in shown.lines {
        let bytes = line.to_bytes();
        let again = read::parse(&bytes);
        assert_eq!(again, Ok(Some(line)), "{}", String::from_utf8_lossy(&bytes));
    }
}

/// Appends facts, which are read back with all that was there.
fn check_append(dir: &Path, main: AccountSid, journal: Journal) {
    let Some(account) = format!("AC{:032x}", 1).parse().ok() else { return };
    journal.take_in(vec![
        Event::DesiredStatusChanged { account, status: Status::Active },
        Event::SeenActive { account },
    ]);
    let expected = journal.history();
    drop(journal);
    assert_eq!(read_again(dir, main), expected, "the journal was read back otherwise");
}

/// Rotates the journal, which then begins with the same history.
fn check_rotation(dir: &Path, main: AccountSid) {
    let now = clock::now();
    let Ok((mut file, history)) = JournalFile::open(dir, main, now) else { panic!("it is not opened again") };
    if let Err(error) = file.rotate(&history, now, Some(now)) {
        panic!("it cannot be rotated: {error}");
    }
    drop(file);
    assert_eq!(*read_again(dir, main), history.durable(), "a rotated journal was read otherwise");
}

fn read_again(dir: &Path, main: AccountSid) -> Arc<History> {
    match Journal::read_only(dir, main) {
        Ok(journal) => journal.history(),
        Err(error) => panic!("it is not read again: {error}"),
    }
}

fn check_error(error: &impl std::error::Error, dir: &Path) {
    check_text(&error.to_string().replace(&dir.display().to_string(), ""), MAX_ERROR);
}
