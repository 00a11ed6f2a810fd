//! Reading files of any length, a line at a time.

use std::io::{Read, Write};

use super::{
    super::read::{Lines, MAX_LINE, NextLine},
    *,
};

#[test]
fn journal_of_more_than_256_mib_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept(dir.path());
    let mut file = fs::OpenOptions::new().append(true).open(dir.path().join(NAME)).unwrap();
    let pad = format!(
        "{{\"time\":\"2026-11-21T00:00:00Z\",\"event\":\"later\",\"pad\":\"{}\"}}\n",
        "x".repeat(1 << 20)
    );
    for _ in 0..257 {
        file.write_all(pad.as_bytes()).unwrap();
    }
    file.write_all(&line(2).to_bytes()).unwrap();
    drop(file);
    let (journal, history) = open_file(dir.path());
    assert!(history.seen_active(account(2)));
    assert_eq!(history.next_id(), kept.next_id());
    assert!(journal.file.length() > 256 << 20);
}

#[test]
fn line_that_is_too_long_is_passed_over_without_being_held() {
    let long = std::io::repeat(b'x').take(MAX_LINE as u64 + 1);
    let mut lines = Lines::new(long.chain(&b"\nnext\ntorn"[..]));
    assert!(matches!(lines.next(), Ok(NextLine::TooLong)));
    assert_eq!(lines.buffer.capacity(), 0);
    assert!(matches!(lines.next(), Ok(NextLine::Line)));
    assert_eq!((lines.number, lines.buffer.as_slice()), (2, &b"next\n"[..]));
    assert!(matches!(lines.next(), Ok(NextLine::End)));
    assert_eq!(lines.buffer, b"torn");
}

#[test]
fn journal_with_a_line_that_is_too_long_is_refused_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_file(dir.path()));
    let mut file = fs::OpenOptions::new().append(true).open(dir.path().join(NAME)).unwrap();
    file.write_all(&vec![b' '; MAX_LINE]).unwrap();
    file.write_all(b"\n").unwrap();
    let refused = refusal(dir.path(), main_account());
    assert!(refused.contains("journal.jsonl:2: the line is longer than 64 MiB"), "{refused}");
}
