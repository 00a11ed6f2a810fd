//! Rotation: when it is due, what is kept, and what a crash or another file in the way changes.

use std::{
    fs::{File, FileTimes},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::SystemTime,
};

use super::{
    super::{
        archive::{self, ArchiveName},
        folder,
        locked::{ForeignChange, LockedFile, SaveError},
    },
    *,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MIB: usize = 1024 * 1024;

fn archives(dir: &Path) -> Vec<String> {
    names(dir).into_iter().filter(|name| name.starts_with("journal-")).collect()
}

/// Rotates for the age of the file.
fn rotate(journal: &mut JournalFile, history: &History) -> Result<(), String> {
    let now = journal.header.time + DAY * 30;
    journal.rotate_when_due(history, now, Some(now))
}

fn first_archive(journal: &JournalFile) -> PathBuf {
    journal.dir.join(ArchiveName::new(journal.header.time, 1).to_string())
}

#[test]
fn rotation_carries_over_the_history_and_loses_no_line() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path());
    let before = fs::read(dir.path().join(NAME)).unwrap();
    let (mut journal, history) = open_file(dir.path());
    let archive = first_archive(&journal);
    rotate(&mut journal, &history).unwrap();
    assert_eq!(fs::read(archive).unwrap(), before);
    assert_eq!(names(dir.path()).len(), 2);
    save(&mut journal, &line(2)).unwrap();
    drop(journal);
    let shown = shown(dir.path());
    assert_eq!(shown.len(), events().len() + 2);
    assert!(matches!(&shown[events().len()].what, LineContent::Carried { carried } if **carried == history));
    let (journal, opened) = open_file(dir.path());
    assert!(opened.seen_active(account(2)));
    assert!(journal.carried > before.len() as u64 / 4, "{}", journal.carried);
    assert!(journal.carried < journal.file.length());
}

#[test]
fn rotation_for_age_waits_for_a_trusted_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    let begun = journal.header.time;
    let mut rotates = |local, trusted: Option<Timestamp>| {
        let before = archives(dir.path()).len();
        journal.rotate_when_due(&history, local, trusted).unwrap();
        archives(dir.path()).len() > before
    };
    assert!(!rotates(begun + DAY * 450, None));
    assert!(!rotates(begun + DAY * 29, Some(begun + DAY * 29)));
    assert!(rotates(begun + DAY * 30, Some(begun + DAY * 30)));
    assert!(!rotates(begun + DAY * 30, Some(begun + DAY * 30)), "once");
    assert!(rotates(begun, Some(begun)), "it was begun 30 days in the future");
}

#[test]
fn rotation_is_due_when_16_mib_were_appended_and_not_again_in_the_next_pass() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    for n in 0..15 {
        save(&mut journal, &long_line(n, MIB)).unwrap();
    }
    journal.rotate_when_due(&history, clock::now(), None).unwrap();
    assert_eq!(archives(dir.path()), Vec::<String>::new());
    save(&mut journal, &long_line(15, MIB)).unwrap();
    for _ in 0..3 {
        journal.rotate_when_due(&history, clock::now(), None).unwrap();
        assert_eq!(archives(dir.path()).len(), 1);
    }
}

/// A history of a little more than `bytes`.
fn long_history(bytes: usize) -> History {
    let mut history = History::default();
    history.apply(Event::SeenNamed { account: account(1), name: "e".repeat(bytes) });
    history
}

#[test]
fn rotation_waits_for_as_much_as_the_history_that_it_carries() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open_file(dir.path());
    rotate(&mut journal, &long_history(18 * MIB)).unwrap();
    assert!(journal.carried > 18 << 20);
    drop(journal);
    let (mut journal, history) = open_file(dir.path());
    assert_eq!(journal.carried, journal.file.length());
    for (appended, then) in [(17, 1), (2, 2)] {
        for n in 0..appended {
            save(&mut journal, &long_line(n, MIB)).unwrap();
        }
        for _ in 0..2 {
            journal.rotate_when_due(&history, clock::now(), None).unwrap();
        }
        assert_eq!(archives(dir.path()).len(), then, "after {appended} MiB more");
    }
}

#[test]
fn history_that_could_not_be_read_back_is_not_carried_over() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open_file(dir.path());
    let error = rotate(&mut journal, &long_history(64 * MIB)).unwrap_err();
    assert!(error.contains("the line is longer than 64 MiB"), "{error}");
    save(&mut journal, &line(1)).unwrap();
    drop(journal);
    assert!(open_file(dir.path()).1.seen_active(account(1)));
}

#[test]
fn archive_of_the_same_name_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    let begun = journal.header.time;
    let path = |number| dir.path().join(ArchiveName::new(begun, number).to_string());
    save(&mut journal, &line(1)).unwrap();
    let lines = fs::read(dir.path().join(NAME)).unwrap();
    // One is of another journal, one has a line more than this one, and one is not a regular file.
    let more = [lines.as_slice(), b"{}\n"].concat();
    fs::write(path(1), "another journal\n").unwrap();
    fs::write(path(2), &more).unwrap();
    assert!(Command::new("mkfifo").arg(path(3)).status().unwrap().success());
    rotate(&mut journal, &history).unwrap();
    assert_eq!(fs::read_to_string(path(1)).unwrap(), "another journal\n");
    assert_eq!(fs::read(path(2)).unwrap(), more);
    assert!(fs::metadata(path(3)).unwrap().file_type().is_fifo());
    assert_eq!(fs::read(path(4)).unwrap(), lines);
}

#[test]
fn rotation_is_not_repeated_in_every_pass_when_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    // A file cannot be created under the name of a folder.
    fs::create_dir(dir.path().join(folder::NEW)).unwrap();
    let now = journal.header.time + DAY * 31;
    let minute = SignedDuration::from_mins(1);
    let pass = |journal: &mut JournalFile, at| journal.rotate_when_due(&history, at, Some(at));
    assert!(pass(&mut journal, now).is_err());
    assert_eq!(pass(&mut journal, now + minute), Ok(()), "paused");
    assert!(pass(&mut journal, now + minute * 60).is_err(), "an hour later");
    assert_eq!(pass(&mut journal, now + minute * 61), Ok(()), "paused");
    save(&mut journal, &long_line(1, MIB)).unwrap();
    assert!(pass(&mut journal, now + minute * 62).is_err(), "a megabyte later");
    assert_eq!(archives(dir.path()), Vec::<String>::new());
    fs::remove_dir(dir.path().join(folder::NEW)).unwrap();
    assert_eq!(pass(&mut journal, now + minute * 63), Ok(()), "paused");
    assert_eq!(archives(dir.path()), Vec::<String>::new());
    assert_eq!(pass(&mut journal, now), Ok(()), "an hour back counts as well");
    assert_eq!(archives(dir.path()).len(), 1);
}

#[test]
fn rotation_on_a_full_disk_leaves_nothing_behind() {
    let name = "journal::tests::rotation::rotation_on_a_full_disk_leaves_nothing_behind";
    in_a_small_disk(name, "3m", |disk| {
        let dir = disk.join("journal");
        let (mut journal, history) = open_file(&dir);
        save(&mut journal, &long_line(1, 2 * MIB)).unwrap();
        for hour in 0..3 {
            let now = journal.header.time + DAY * 30 + SignedDuration::from_hours(hour);
            let error = journal.rotate_when_due(&history, now, Some(now)).unwrap_err();
            assert!(error.contains("No space left"), "{error}");
            assert_eq!(names(&dir), [NAME]);
        }
        save(&mut journal, &line(2)).unwrap();
        drop(journal);
        assert!(open_file(&dir).1.seen_active(account(2)));
    });
}

#[test]
fn journal_is_held_while_it_is_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut tries = 0;
            while !done.load(Ordering::Relaxed) {
                let opened = JournalFile::open(dir.path(), main_account(), clock::now());
                assert!(matches!(opened, Err(JournalError::Held(_))));
                tries += 1;
            }
            tries
        });
        for _ in 0..100 {
            journal.rotate(&history, clock::now(), None).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(second.join().unwrap() > 0);
    });
}

/// A crash during a rotation can leave each of these states of the folder; the next rotation completes it.
#[test]
fn rotation_that_was_cut_short_is_made_again() {
    type Crash = fn(&Path, &Path);
    let crashes: [(&str, Crash); 5] = [
        ("a part of the new file", |dir, _| fs::write(dir.join(folder::NEW), "{\"form").unwrap()),
        ("a part of the copy", |dir, _| fs::write(dir.join(folder::COPY), "{\"form").unwrap()),
        ("a name without a copy", |_, archive| fs::write(archive, "").unwrap()),
        ("a copy with its name", |dir, archive| {
            fs::copy(dir.join(NAME), archive).unwrap();
        }),
        ("a copy from before the last line, and a new file", |dir, archive| {
            fs::copy(dir.join(NAME), archive).unwrap();
            fs::copy(dir.join(NAME), dir.join(folder::NEW)).unwrap();
            append(dir, std::str::from_utf8(&line(2).to_bytes()).unwrap());
        }),
    ];
    for (what, crash) in crashes {
        let dir = tempfile::tempdir().unwrap();
        kept(dir.path());
        let (journal, _) = open_file(dir.path());
        let archive = first_archive(&journal);
        drop(journal);
        crash(dir.path(), &archive);
        let before = fs::read(dir.path().join(NAME)).unwrap();
        let (mut journal, history) = open_file(dir.path());
        rotate(&mut journal, &history).unwrap();
        drop(journal);
        assert_eq!(fs::read(&archive).unwrap(), before, "{what}");
        assert_eq!(names(dir.path()).len(), 2, "{what}");
        assert_eq!(open_file(dir.path()).1, history, "{what}");
    }
}

#[test]
fn rotation_never_takes_the_name_from_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open_file(dir.path());
    let new = LockedFile::create(&dir.path().join(folder::NEW), b"new\n").unwrap();
    fs::remove_file(dir.path().join(NAME)).unwrap();
    fs::write(dir.path().join(NAME), "another daemon's\n").unwrap();
    assert!(matches!(
        journal.put_in_place(new),
        Err(SaveError::Changed { change: ForeignChange::Replaced, .. })
    ));
    assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), "another daemon's\n");
}

#[test]
fn copy_of_fewer_bytes_than_were_written_is_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open_file(dir.path());
    let length = journal.file.length() + 1;
    let path = dir.path().join(folder::COPY);
    assert!(archive::copy(journal.file.reader().unwrap(), length, &path, clock::now()).is_err());
}

#[test]
fn unfinished_files_are_removed_when_the_journal_is_opened_or_rotated() {
    let dir = tempfile::tempdir().unwrap();
    for name in [folder::NEW, folder::COPY] {
        fs::write(dir.path().join(name), "x").unwrap();
    }
    let (mut journal, history) = open_file(dir.path());
    assert_eq!(names(dir.path()), [NAME]);
    // A rotation that could not clean up is cleaned up by the next one.
    for name in [folder::NEW, folder::COPY] {
        fs::write(dir.path().join(name), "x").unwrap();
    }
    rotate(&mut journal, &history).unwrap();
    assert_eq!(names(dir.path()).len(), 2);
}

#[test]
fn archive_is_a_copy_for_the_owner_and_group_only_and_needs_no_hard_link() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    let archive = first_archive(&journal);
    let before = fs::metadata(dir.path().join(NAME)).unwrap();
    rotate(&mut journal, &history).unwrap();
    let (archive, after) = (fs::metadata(archive).unwrap(), fs::metadata(dir.path().join(NAME)).unwrap());
    assert_ne!(archive.ino(), before.ino());
    for file in [archive, after] {
        assert_eq!(file.permissions().mode() & 0o777 & !0o640, 0, "{:o}", file.permissions().mode());
    }
}

#[test]
fn archive_is_dated_by_its_latest_line_when_the_clock_is_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open_file(dir.path());
    drop(journal);
    let latest = Timestamp::from_second(1_900_000_000).unwrap();
    append(dir.path(), std::str::from_utf8(&JournalLine { time: latest, ..line(1) }.to_bytes()).unwrap());
    let (mut journal, history) = open_file(dir.path());
    for further in [SignedDuration::ZERO, DAY] {
        let archive = first_archive(&journal);
        save(&mut journal, &JournalLine { time: latest + further, ..line(2) }).unwrap();
        rotate(&mut journal, &history).unwrap();
        let dated = fs::metadata(archive).unwrap().modified().unwrap();
        assert_eq!(dated, SystemTime::from(latest + further));
    }
}

#[test]
fn archive_is_deleted_when_its_name_and_its_date_are_older_than_400_days() {
    let dir = tempfile::tempdir().unwrap();
    let now = clock::now();
    let old = now - DAY * 400 - SignedDuration::from_secs(2);
    let young = now - DAY * 400 + SignedDuration::from_secs(2);
    let file = |name: &str, written: Timestamp| {
        let file = File::create(dir.path().join(name)).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::from(written))).unwrap();
    };
    let name = |begun, number| ArchiveName::new(begun, number).to_string();
    file(&name(old, 1), old);
    file(&name(old, 2), young);
    file(&name(young, 1), old);
    file(&name(old, 3), old);
    file("journal-20200101.jsonl", old);
    archive::delete_old(dir.path(), now).unwrap();
    let mut left = [name(old, 2), name(young, 1), "journal-20200101.jsonl".to_owned()];
    left.sort();
    assert_eq!(names(dir.path()), left);
}

#[test]
fn archive_is_kept_when_no_time_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, history) = open_file(dir.path());
    rotate(&mut journal, &history).unwrap();
    assert_eq!(archives(dir.path()).len(), 1);
    let ahead = clock::now() + DAY * 450;
    // It is large enough to be rotated whatever the time is.
    save(&mut journal, &long_line(1, 16 * MIB)).unwrap();
    journal.rotate_when_due(&history, ahead, None).unwrap();
    assert_eq!(archives(dir.path()).len(), 2);
    // With a time that both clocks agree on, the same pass deletes what is old by it, and nothing else.
    let later = ahead + DAY * 30;
    journal.rotate_when_due(&history, later, Some(later)).unwrap();
    assert_eq!(archives(dir.path()).len(), 2, "{:?}", archives(dir.path()));
}
