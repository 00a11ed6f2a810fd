//! Lines for showing, from archives that are not all readable.

use super::{super::archive::ArchiveName, *};

const ARCHIVE: &str = "journal-20250101T000000Z.jsonl";

fn archive(dir: &Path, name: &str, lines: &[&str]) {
    let header = r#"{"format":"subaccountd-journal","version":"1.0","mainAccount":"AC00000000000000000000000000000000","time":"2025-01-01T00:00:00Z"}"#;
    fs::write(dir.join(name), [&[header], lines].concat().join("\n") + "\n").unwrap();
}

fn text(n: u32) -> String {
    String::from_utf8(line(n).to_bytes()).unwrap().trim().to_owned()
}

fn accounts(lines: &[JournalLine]) -> Vec<AccountSid> {
    let account = |line: &JournalLine| match line.what {
        LineContent::Event(Event::SeenActive { account }) => account,
        _ => panic!("{line:?}"),
    };
    lines.iter().map(account).collect()
}

fn faults(shown: &show::ShownLines) -> Vec<String> {
    shown.unreadable.iter().map(ToString::to_string).collect()
}

#[test]
fn unreadable_line_of_an_archive_is_named_and_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open_file(dir.path());
    save(&mut journal, &line(3)).unwrap();
    archive(dir.path(), ARCHIVE, &[&text(1), "\u{0}\u{0}", &text(2), "{\"time\":\"torn"]);
    let shown = lines(dir.path(), &|_| true).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(accounts(&shown.lines), [1, 2, 3].map(account));
    let faults = faults(&shown);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("journal-20250101T000000Z.jsonl:3: this line is not a valid journal entry"),
        "{}",
        faults[0]
    );
    assert!(faults[1].contains(".jsonl:5:"), "{}", faults[1]);
}

#[test]
fn archive_of_another_version_is_named_and_not_read() {
    let dir = tempfile::tempdir().unwrap();
    archive(dir.path(), ARCHIVE, &[&text(1)]);
    let path = dir.path().join(ARCHIVE);
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("\"1.0\"", "\"2.1\"", 1)).unwrap();
    archive(dir.path(), "journal-20250102T000000Z.jsonl", &[&text(2)]);
    let shown = lines(dir.path(), &|_| true).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(accounts(&shown.lines), [account(2)]);
    let faults = faults(&shown);
    assert!(faults.len() == 1 && faults[0].contains(".jsonl:1: the journal has version 2.1"), "{faults:?}");
}

#[test]
fn unreadable_lines_of_one_file_are_named_up_to_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    archive(dir.path(), ARCHIVE, &["x"; 25]);
    let shown = lines(dir.path(), &|_| true).unwrap_or_else(|error| panic!("{error}"));
    let faults = faults(&shown);
    assert_eq!(faults.len(), 10);
    assert!(faults[9].ends_with("(and 15 more lines of this file)"), "{}", faults[9]);
}

#[test]
fn archives_are_shown_in_order_and_other_files_are_not() {
    let dir = tempfile::tempdir().unwrap();
    for (name, n) in [
        ("journal-20250101T000000Z_10.jsonl", 3),
        ("journal-20250101T000000Z_2.jsonl", 2),
        (ARCHIVE, 1),
        ("journal-20250102T000000Z.jsonl", 4),
        ("journal-backup.jsonl", 9),
        ("journal-20250101T000000Z_1.jsonl", 9),
        ("journal-20250101T000000Z_02.jsonl", 9),
        (".journal.copy", 9),
    ] {
        archive(dir.path(), name, &[&text(n)]);
    }
    fs::write(dir.path().join("journal-20250103T000000Z.jsonl"), "").unwrap();
    assert_eq!(accounts(&shown(dir.path())), [1, 2, 3, 4].map(account));
}

#[test]
fn archive_name_is_parsed_as_it_was_written() {
    let begun = Timestamp::from_second(1_800_000_000).unwrap();
    for number in [1, 2, 1000] {
        let name = ArchiveName::new(begun, number);
        assert_eq!(ArchiveName::parse(&name.to_string()), Some(name));
    }
    for other in
        [NAME, "journal-.jsonl", "journal-20251301T000000Z.jsonl", "journal-20250101T000000Z_0.jsonl"]
    {
        assert_eq!(ArchiveName::parse(other), None, "{other}");
    }
}
