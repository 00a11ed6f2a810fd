//! A process that saves and rotates, killed again and again.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::Stdio,
};

use super::*;

const DIR: &str = "SUBACCOUNTD_TEST_JOURNAL";

/// Saves lines and rotates without end; prints the number of each account whose line is saved.
#[test]
#[ignore = "the process that `no_promised_line_is_lost_when_the_process_is_killed` kills"]
fn endless_writer() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (mut journal, mut history) = open_file(Path::new(&dir));
    let begin = (1..u32::MAX).find(|&n| !history.seen_active(account(n))).unwrap();
    for n in begin.. {
        save(&mut journal, &line(n)).unwrap();
        history.apply(Event::SeenActive { account: account(n) });
        println!("promised {n}");
        if n % 3 == 0 {
            journal.rotate(&history, clock::now(), None).unwrap();
        }
    }
}

#[test]
fn no_promised_line_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut promised = BTreeSet::new();
    for round in 0..20_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::tests::crash::endless_writer", "--ignored", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut killed = false;
        for (count, line) in lines.enumerate() {
            if let Some(n) = line.strip_prefix("promised ") {
                promised.insert(n.parse::<u32>().unwrap());
                // Each round is killed at another point of what follows a promise.
                if !killed && count as u64 > 3 + round % 3 {
                    std::thread::sleep(std::time::Duration::from_micros(round * 150));
                    child.kill().unwrap();
                    killed = true;
                }
            }
        }
        assert!(killed, "the writer ended by itself");
        child.wait().unwrap();
        let (_, history) = open_file(dir.path());
        assert!(promised.iter().all(|&n| history.seen_active(account(n))), "round {round}");
        let noted: BTreeSet<_> = shown(dir.path()).into_iter().filter_map(|line| account_of(&line)).collect();
        assert!(promised.iter().all(|&n| noted.contains(&account(n))), "round {round}");
    }
    // Copies that were made again replaced the ones from before the crash.
    let (mut journal, history) = open_file(dir.path());
    journal.rotate(&history, clock::now(), None).unwrap();
    let mut noted: Vec<_> = shown(dir.path()).into_iter().filter_map(|line| account_of(&line)).collect();
    let count = noted.len();
    noted.sort();
    noted.dedup();
    assert_eq!(count, noted.len(), "a line is in two archives");
}

fn account_of(line: &JournalLine) -> Option<AccountSid> {
    match line.what {
        LineContent::Event(Event::SeenActive { account }) => Some(account),
        _ => None,
    }
}
