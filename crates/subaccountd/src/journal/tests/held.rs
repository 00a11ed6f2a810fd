//! The lock on the journal, and what happens to the file while it is held.

use std::{
    fs::{File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    sync::{Arc, Barrier},
    thread,
};

use super::{
    super::{
        folder,
        locked::{ForeignChange, LockedFile, SaveError},
    },
    *,
};

#[test]
fn lock_is_on_the_journal_and_leaves_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open_file(dir.path());
    assert_eq!(names(dir.path()), [NAME]);
    assert!(matches!(
        JournalFile::open(dir.path(), main_account(), clock::now()),
        Err(JournalError::Held(path)) if path == dir.path().join(NAME)
    ));
    drop(journal);
    open_file(dir.path());
}

#[test]
fn journal_is_held_by_one_of_the_daemons_that_start_together() {
    const DAEMONS: usize = 4;
    for _ in 0..25 {
        let dir = tempfile::tempdir().unwrap();
        let (begin, end) = (Arc::new(Barrier::new(DAEMONS)), Arc::new(Barrier::new(DAEMONS)));
        let daemons = (0..DAEMONS).map(|_| {
            let (dir, begin, end) = (dir.path().to_owned(), Arc::clone(&begin), Arc::clone(&end));
            thread::spawn(move || {
                begin.wait();
                let opened = JournalFile::open(&dir, main_account(), clock::now());
                end.wait();
                opened.is_ok()
            })
        });
        let daemons: Vec<_> = daemons.collect();
        let held = daemons.into_iter().map(|daemon| daemon.join().unwrap());
        assert_eq!(held.filter(|&held| held).count(), 1);
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap().lines().count(), 1);
    }
}

#[test]
fn lock_of_a_file_that_lost_its_name_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join(NAME), dir.path().join("old"));
    let (journal, _) = open_file(dir.path());
    drop(journal);
    let lock = || patiently(|| LockedFile::lock(File::open(&old).unwrap(), &path));
    fs::rename(&path, &old).unwrap();
    assert!(lock().unwrap_or_else(|error| panic!("{error}")).is_none(), "no file has the name");
    let (_journal, _) = open_file(dir.path());
    assert!(lock().unwrap_or_else(|error| panic!("{error}")).is_none(), "another has it");
}

/// Something that happens to the folder while the journal in it is held, and the error that names it.
type Attack = (&'static str, fn(&Path), &'static str);

const ATTACKS: [Attack; 12] = [
    ("the file is removed", |dir| fs::remove_file(dir.join(NAME)).unwrap(), "removed or moved"),
    ("the file is moved", |dir| fs::rename(dir.join(NAME), dir.join("old")).unwrap(), "removed or moved"),
    ("the folder is removed", |dir| fs::remove_dir_all(dir).unwrap(), "removed or moved"),
    ("the folder is moved", |dir| fs::rename(dir, dir.with_extension("old")).unwrap(), "removed or moved"),
    (
        "a file is where the folder was",
        |dir| {
            fs::remove_dir_all(dir).unwrap();
            fs::write(dir, "").unwrap();
        },
        "removed or moved",
    ),
    (
        "a copy of the folder takes its place",
        |dir| {
            let old = dir.with_extension("old");
            fs::rename(dir, &old).unwrap();
            fs::create_dir(dir).unwrap();
            fs::copy(old.join(NAME), dir.join(NAME)).unwrap();
        },
        "replaced by another file",
    ),
    (
        "an editor writes the same lines to another file",
        |dir| {
            fs::copy(dir.join(NAME), dir.join("new")).unwrap();
            fs::rename(dir.join("new"), dir.join(NAME)).unwrap();
        },
        "replaced by another file",
    ),
    (
        "the file is moved, and a link leads to it",
        |dir| {
            fs::rename(dir.join(NAME), dir.join("old")).unwrap();
            symlink(dir.join("old"), dir.join(NAME)).unwrap();
        },
        "replaced by another file",
    ),
    (
        "a second daemon starts after the file was removed",
        |dir| {
            fs::remove_file(dir.join(NAME)).unwrap();
            let (mut second, _) = open_file(dir);
            save(&mut second, &line(7)).unwrap();
        },
        "replaced by another file",
    ),
    ("the file is truncated", |dir| fs::write(dir.join(NAME), "").unwrap(), "it has 0 bytes, not "),
    (
        "another process appends a line",
        |dir| append(dir, "{\"time\":\"2026-11-21T00:00:00Z\",\"event\":\"later\"}\n"),
        "changed while in use: it has ",
    ),
    (
        "a backup of the same length is restored in place",
        |dir| {
            let text = fs::read_to_string(dir.join(NAME)).unwrap();
            let other = text.replace(&account(1).to_string(), &account(2).to_string());
            assert!(other != text && other.len() == text.len());
            fs::write(dir.join(NAME), other).unwrap();
        },
        "its last lines are not the ones written",
    ),
];

#[test]
fn save_writes_nothing_after_others_changed_the_file() {
    for (what, attack, words) in ATTACKS {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("journal");
        let (mut journal, _) = open_file(&dir);
        save(&mut journal, &line(1)).unwrap();
        attack(&dir);
        let left = fs::read(dir.join(NAME)).ok();
        let error = save(&mut journal, &line(3)).expect_err(what);
        assert!(error.contains(words) && error.contains("then restart"), "{what}: {error}");
        assert_eq!(fs::read(dir.join(NAME)).ok(), left, "{what}");
        // No line is kept to be written later.
        assert_eq!(save(&mut journal, &line(4)).expect_err(what), error, "{what}");
        assert!(journal.unsaved.is_empty(), "{what}");
        assert!(journal.rotate_when_due(&History::default(), clock::now(), None).is_ok(), "{what}");
        assert_eq!(fs::read(dir.join(NAME)).ok(), left, "{what}");
    }
}

#[test]
fn pass_notices_that_the_file_is_gone_before_any_intent() {
    for (what, attack, words) in ATTACKS {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("journal");
        let (mut journal, _) = open_file(&dir);
        save(&mut journal, &line(1)).unwrap();
        let kept = parent.path().join("kept");
        fs::hard_link(dir.join(NAME), &kept).unwrap();
        attack(&dir);
        let error = journal.rotate_when_due(&History::default(), clock::now(), None).expect_err(what);
        assert!(error.contains(words), "{what}: {error}");
        // Another daemon may have written meanwhile, so writes do not resume when the file is put back.
        let _ = fs::remove_file(&dir);
        fs::create_dir_all(&dir).unwrap();
        fs::rename(kept, dir.join(NAME)).unwrap();
        assert_eq!(save(&mut journal, &line(3)).expect_err(what), error, "{what}");
    }
}

#[test]
fn file_that_is_mounted_over_is_noticed() {
    in_a_small_disk("journal::tests::held::file_that_is_mounted_over_is_noticed", "1m", |disk| {
        let dir = disk.join("journal");
        let (mut journal, _) = open_file(&dir);
        save(&mut journal, &line(1)).unwrap();
        let other = disk.join("other");
        fs::copy(dir.join(NAME), &other).unwrap();
        let mounted = Command::new("mount").arg("--bind").args([&other, &dir.join(NAME)]).status().unwrap();
        assert!(mounted.success());
        let error = save(&mut journal, &line(2)).unwrap_err();
        assert!(error.contains("replaced by another file"), "{error}");
    });
}

#[test]
fn write_notices_a_change_that_the_check_before_it_could_not_see() {
    for (attack, expected) in [
        ((|path| fs::remove_file(path).unwrap()) as fn(&Path), ForeignChange::Removed),
        (|path| fs::write(path, "").unwrap(), ForeignChange::Length { known: 8, found: 4 }),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        let mut file = LockedFile::create(&path, b"one\n").unwrap();
        attack(&path);
        match file.write(b"two\n") {
            Err(SaveError::Changed { change, .. }) => assert_eq!(change, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn folder_that_cannot_be_looked_into_stops_writes_until_it_can() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("journal");
    let (mut journal, _) = open_file(&dir);
    // A link to itself does not show whether the file exists.
    let old = dir.with_extension("old");
    fs::rename(&dir, &old).unwrap();
    symlink(&dir, &dir).unwrap();
    journal.note(&line(1));
    assert!(journal.save().is_err());
    fs::remove_file(&dir).unwrap();
    fs::rename(&old, &dir).unwrap();
    journal.save().unwrap();
    drop(journal);
    assert!(open_file(&dir).1.seen_active(account(1)));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn journal_is_created_for_its_owner_and_group_only() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    drop(open_file(&dir));
    for folder in [&dir, &parent.path().join("a")] {
        assert_eq!(mode(folder) & !0o750, 0, "{:o}", mode(folder));
    }
    assert_eq!(mode(&dir.join(NAME)) & !0o640, 0, "{:o}", mode(&dir.join(NAME)));
}

#[test]
fn rights_of_others_are_taken_from_a_journal_and_left_on_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    drop(open_file(dir.path()));
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    drop(open_file(dir.path()));
    assert_eq!((mode(&path), mode(dir.path())), (0o660, 0o777));
}

#[test]
fn link_in_place_of_the_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    drop(open_file(elsewhere.path()));
    symlink(elsewhere.path().join(NAME), dir.path().join(NAME)).unwrap();
    let refused = refusal(dir.path(), main_account());
    assert!(refused.contains("not a regular file"), "{refused}");
}

#[test]
fn journal_whose_begin_was_cut_short_is_begun_again() {
    for text in ["", "{\"form", "{\"format\":\"subaccountd-journal\",\"version\":\"1.0\",\"mainAcc"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), text).unwrap();
        assert_eq!(
            Journal::read_only(dir.path(), main_account()).unwrap_or_else(|e| panic!("{e}")).history(),
            Arc::new(History::default().durable())
        );
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), text, "a reader writes nothing");
        let (mut journal, _) = open_file(dir.path());
        save(&mut journal, &line(1)).unwrap();
        drop(journal);
        assert!(open_file(dir.path()).1.seen_active(account(1)));
    }
}

#[test]
fn file_that_is_not_a_journal_is_not_overwritten() {
    let begun_and_long = format!("{{\"format\":\"subaccountd-journal\",{}", " ".repeat(5000));
    for text in ["\0\0\0\0", "no journal", &begun_and_long] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), text).unwrap();
        let refused = refusal(dir.path(), main_account());
        assert!(refused.contains("journal.jsonl:1: the file is not a journal"), "{refused}");
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), text);
    }
}

#[test]
fn folder_whose_file_system_cannot_sync_folders_is_tolerated() {
    assert!(File::open("/proc").unwrap().sync_all().is_err());
    folder::sync(Path::new("/proc")).unwrap();
}

#[test]
fn lines_that_wait_for_a_full_disk_are_bounded() {
    let name = "journal::tests::held::lines_that_wait_for_a_full_disk_are_bounded";
    in_a_small_disk(name, "1m", |disk| {
        let (mut journal, _) = open_file(&disk.join("journal"));
        let long = long_line(1, 4 * 1024 * 1024);
        let errors: Vec<_> = (0..20).map(|_| save(&mut journal, &long).unwrap_err()).collect();
        assert!(errors[0].contains("No space left"), "{}", errors[0]);
        assert!(errors[19].contains("64 MiB of lines could not be saved"), "{}", errors[19]);
        assert!(journal.unsaved.is_empty());
    });
}
