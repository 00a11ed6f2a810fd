//! The journal on disk, in process.

mod crash;
mod held;
mod read_back;
mod rotation;
mod shown;

use std::{fs, path::Path, process::Command};

use subaccountd_core::{
    ActionKind, NumberSid, PhoneNumber, Receipt, Refusal, SkipCause, Status, Target, UnknownOutcome,
    history::HeldItem,
};

use super::{read::NAME, *};

fn main_account() -> AccountSid {
    account(0)
}

fn account(n: u32) -> AccountSid {
    format!("AC{n:032x}").parse().unwrap()
}

fn events() -> Vec<Event> {
    let mut events = events_of_accounts_and_numbers();
    events.extend(events_of_calls());
    events
}

/// The facts about the calls of an account.
fn events_of_calls() -> [Event; 3] {
    let account = account(1);
    let second = Timestamp::from_second(1_800_000_000).unwrap();
    let (at, target) = (Stamp::sure(second), Target::Calls(account));
    let write = Write {
        kind: ActionKind::EndCalls,
        target,
        transfer: None,
        account: None,
        number_sid: None,
        releases: Vec::new(),
        settings: None,
        calls: Some(3),
        exempt: false,
        entry: "e".to_owned(),
    };
    let over = Outcome::Done(Receipt { calls: Some(2), ..Receipt::default() });
    [
        Event::Intent { id: 14, at, write },
        Event::Outcome { id: 14, at, outcome: over },
        Event::CallsEnded { account, updated: Some(second) },
    ]
}

fn events_of_accounts_and_numbers() -> Vec<Event> {
    let (account, number) = (account(1), "+15105550101".parse::<PhoneNumber>().unwrap());
    let second = Timestamp::from_second(1_800_000_000).unwrap();
    let (at, doubtful) = (Stamp::sure(second), Stamp { at: second, unsure: true });
    let number_sid = "PN00000000000000000000000000000001".parse().unwrap();
    let write = Write {
        kind: ActionKind::Transfer,
        target: Target::Number(number),
        transfer: Some((account, main_account())),
        account: None,
        number_sid: Some(number_sid),
        releases: vec![number],
        settings: None,
        calls: None,
        exempt: false,
        entry: "e".to_owned(),
    };
    let on_account = |kind| Write { target: Target::Account(account), kind, ..write.clone() };
    let refusal = |code| Refusal { code, message: "no".to_owned(), ..Refusal::default() };
    let unknown = UnknownOutcome { message: "lost".to_owned(), request_id: Some("RQ1".to_owned()) };
    let (kind, target) = (ActionKind::Close, Target::Account(account));
    let [entry, seen] = ["e", "s"].map(str::to_owned);
    let mut events = vec![
        Event::Attended { at: second },
        Event::DesiredStatusChanged { account, status: Status::Closed },
        Event::CloseDecided { account, terms: "t".to_owned(), since: Some(second) },
        Event::Unattended { from: second, to: second },
        Event::AccountsSeen { accounts: vec![account] },
        Event::FoundSuspended { account },
        Event::SeenActive { account },
        Event::SeenSuspended { account, at: second, updated: Some(second) },
        Event::SeenNamed { account, name: "acme".to_owned() },
        Event::NumbersSeen { account, numbers: [(number.into(), number_sid)].into(), in_transit: false },
        Event::NumbersSeen {
            account: main_account(),
            numbers: [(number.into(), number_sid)].into(),
            in_transit: true,
        },
        Event::ListSeenActive { account },
        Event::NumberMissing { number: number.into(), at: second },
        Event::Searched { at: second, state: "s".to_owned(), found: false },
        Event::Intent { id: 7, at, write: write.clone() },
        Event::Outcome { id: 7, at, outcome: Outcome::Done(Receipt::default()) },
        Event::Reverted { target: Target::Number(number), at },
        Event::Intent { id: 8, at: doubtful, write: on_account(ActionKind::Suspend) },
        Event::Outcome { id: 8, at: doubtful, outcome: Outcome::Unknown(unknown) },
        Event::SuspensionAttributed { account, updated: second },
        Event::AccountAttributed { id: 1, account },
        Event::SeenClosed { account },
        Event::Resolved { id: 8 },
        Event::Intent { id: 9, at, write: on_account(ActionKind::Reactivate) },
        Event::Outcome { id: 9, at, outcome: Outcome::Refused(refusal(Some(21472))) },
        Event::Intent { id: 10, at, write: on_account(ActionKind::Reactivate) },
        Event::Outcome { id: 10, at, outcome: Outcome::Ignored(refusal(None)) },
        Event::Intent { id: 11, at, write: on_account(ActionKind::Reactivate) },
        Event::Outcome { id: 11, at, outcome: Outcome::skipped(SkipCause::RateLimited, "429") },
        Event::ProofFailed { kind, target, at, entry, seen },
        Event::Superseded { target: Target::Account(account) },
        Event::NoLongerHeld { items: vec![held_item(account, "Paused")] },
        Event::Held {
            at: second,
            items: vec![held_item(account, "CoolingOff"), held_item(account, "of-the-future")],
        },
        Event::NumberGone { number: number.into() },
        Event::CloseWithdrawn { account },
    ];
    events.append(&mut settings_events(number, write, at));
    events.append(&mut release_events(number, number_sid, second));
    events
}

/// The events about orders to release `number`.
fn release_events(number: PhoneNumber, sid: NumberSid, at: Timestamp) -> Vec<Event> {
    let account = account(2);
    let write = Write {
        kind: ActionKind::Release,
        target: Target::Number(number),
        transfer: None,
        account: Some(account),
        number_sid: Some(sid),
        releases: vec![number],
        settings: None,
        calls: None,
        exempt: false,
        entry: "e".to_owned(),
    };
    let stamp = Stamp::sure(at);
    let order = |terms: &str, since| {
        let terms = terms.to_owned();
        Event::ReleaseOrdered { account, number, terms, since }
    };
    vec![
        order("t", None),
        order("t", Some(at)),
        Event::ReleaseSeen { account, number, sid },
        Event::Intent { id: 15, at: stamp, write },
        Event::Outcome { id: 15, at: stamp, outcome: Outcome::Done(Receipt::default()) },
        Event::ReleaseWithdrawn { account, number },
        order("u", Some(at)),
        Event::ReleaseSettled { account, number, at },
    ]
}

/// The events about the settings of `number`; `transfer` is a write to it.
fn settings_events(number: PhoneNumber, transfer: Write, at: Stamp) -> Vec<Event> {
    let configure = Write {
        kind: ActionKind::Configure,
        transfer: None,
        releases: Vec::new(),
        settings: Some("s".to_owned()),
        ..transfer
    };
    let done =
        |note: Option<&str>| Outcome::Done(Receipt { note: note.map(str::to_owned), ..Receipt::default() });
    vec![
        Event::Intent { id: 12, at, write: configure.clone() },
        Event::Outcome { id: 12, at, outcome: done(None) },
        Event::SettingsReverted { number, at },
        Event::SettingsSuperseded { number },
        Event::Intent { id: 13, at, write: configure },
        Event::Outcome { id: 13, at, outcome: done(Some("n")) },
    ]
}

/// Opens a journal once no other part of this process holds it.
///
/// A lock lives on for a moment in a child that another test is about to start: from its fork until its exec.
fn patiently<T>(open: impl Fn() -> Result<T, JournalError>) -> Result<T, JournalError> {
    let begin = std::time::Instant::now();
    loop {
        match open() {
            Err(JournalError::Held(_)) if begin.elapsed().as_secs() < 5 => std::thread::yield_now(),
            other => return other,
        }
    }
}

fn open(dir: &Path) -> Journal {
    patiently(|| Journal::open(dir, main_account())).unwrap_or_else(|error| panic!("{error}"))
}

/// The journal in `dir` as the daemon holds it, with the history that it was opened with.
fn open_file(dir: &Path) -> (JournalFile, History) {
    let opened = patiently(|| JournalFile::open(dir, main_account(), clock::now()));
    opened.unwrap_or_else(|error| panic!("{error}"))
}

fn held_item(account: AccountSid, reason: &str) -> HeldItem {
    HeldItem { reason: reason.to_owned(), kind: ActionKind::Close, account: account.into(), number: None }
}

/// A line about the account `n`.
fn line(n: u32) -> JournalLine {
    JournalLine::of(clock::now(), Event::SeenActive { account: account(n) })
}

/// A line of a little more than `bytes`.
fn long_line(n: u32, bytes: usize) -> JournalLine {
    JournalLine { audit: Some(Audit { message: "x".repeat(bytes), ..Audit::default() }), ..line(n) }
}

fn save(journal: &mut JournalFile, line: &JournalLine) -> Result<(), String> {
    journal.note(line);
    journal.save()
}

fn shown(dir: &Path) -> Vec<JournalLine> {
    let shown = lines(dir, &|_| true).unwrap_or_else(|error| panic!("{error}"));
    assert!(shown.unreadable.is_empty(), "{:?}", shown.unreadable);
    shown.lines
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Runs `body`, the test `name`, in a process that may mount, with a folder that has room for `size`.
fn in_a_small_disk(name: &str, size: &str, body: impl FnOnce(&Path)) {
    if let Some(disk) = std::env::var_os("SUBACCOUNTD_TEST_DISK") {
        return body(Path::new(&disk));
    }
    let disk = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size={size} tmpfs \"$SUBACCOUNTD_TEST_DISK\" && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["-U", "-r", "-m", "sh", "-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("SUBACCOUNTD_TEST_DISK", disk.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn refusal(dir: &Path, main: AccountSid) -> String {
    match patiently(|| Journal::open(dir, main)) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

fn append(dir: &Path, text: &str) {
    let path = dir.join(NAME);
    fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
}

/// A journal with every kind of event, closed again, and the history that it was closed with.
fn kept(dir: &Path) -> Arc<History> {
    let journal = open(dir);
    journal.take_in(events());
    journal.history()
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept(dir.path());
    assert_eq!(open(dir.path()).history(), kept);
    assert_eq!(
        Journal::read_only(dir.path(), main_account()).unwrap_or_else(|e| panic!("{e}")).history(),
        kept
    );
    let read: Vec<_> = shown(dir.path()).into_iter().map(|line| line.what).collect();
    assert_eq!(read, events().into_iter().map(LineContent::Event).collect::<Vec<_>>());
}

#[test]
fn every_kind_of_event_is_known_by_its_tag() {
    let tag = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    let tags: std::collections::BTreeSet<_> = events().iter().map(tag).collect();
    assert_eq!(tags, Event::KINDS.iter().map(|&kind| kind.to_owned()).collect());
}

#[test]
fn a_torn_last_line_is_cut_off_and_nothing_else_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept(dir.path());
    append(dir.path(), "{\"time\":\"2026-11-2");
    assert_eq!(
        Journal::read_only(dir.path(), main_account()).unwrap_or_else(|e| panic!("{e}")).history(),
        kept
    );
    let journal = open(dir.path());
    assert_eq!(journal.history(), kept);
    journal.take_in(vec![Event::SeenActive { account: account(2) }]);
    drop(journal);
    assert!(open(dir.path()).history().seen_active(account(2)));
}

#[test]
fn another_unreadable_line_is_refused_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path());
    append(dir.path(), "{\"time\":\"2026-11-2\n");
    let refusal = refusal(dir.path(), main_account());
    assert!(refusal.contains("journal.jsonl:54: this line is not a valid journal entry"), "{refusal}");
    assert!(Journal::read_only(dir.path(), main_account()).is_err());
}

#[test]
fn refusal_of_a_line_names_the_key_that_is_wrong() {
    for (line, problem) in [
        (r#"{"time":"2026-11-21T00:00:00Z","event":"seenActive","acount":"AC1"}"#, "missing field `account`"),
        (r#"{"time":"2026-11-21T00:00:00Z","carried":{"nextId":"x"}}"#, "invalid type: string \"x\""),
        (r#"{"time":"2026-11-21T00:00:00Z"}"#, "missing field `carried`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        kept(dir.path());
        append(dir.path(), &format!("{line}\n"));
        let refusal = refusal(dir.path(), main_account());
        assert!(refusal.contains(problem), "{refusal}");
    }
}

#[test]
fn an_event_of_a_later_minor_version_is_passed_over_and_a_later_major_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept(dir.path());
    append(dir.path(), "{\"time\":\"2026-11-21T00:00:00Z\",\"event\":\"yodelled\",\"loud\":true}\n");
    assert_eq!(open(dir.path()).history(), kept);
    let path = dir.path().join(NAME);
    let newer = fs::read_to_string(&path).unwrap().replacen("\"version\":\"1.0\"", "\"version\":\"2.0\"", 1);
    fs::write(&path, newer).unwrap();
    let refusal = refusal(dir.path(), main_account());
    assert!(refusal.contains("has version 2.0") && refusal.contains("use a newer program"), "{refusal}");
}

#[test]
fn the_journal_of_another_main_account_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    kept(dir.path());
    let refusal = refusal(dir.path(), account(9));
    assert!(refusal.contains("it is the journal of AC00000000000000000000000000000000"), "{refusal}");
}

#[test]
fn second_daemon_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let refused = Journal::open(dir.path(), main_account()).err().unwrap().to_string();
    assert!(refused.contains("another daemon holds this journal"), "{refused}");
    assert!(Journal::read_only(dir.path(), main_account()).is_ok());
    drop(first);
    open(dir.path());
}

#[test]
fn folder_that_cannot_be_written_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let refused = refusal(&dir.path().join("file/below"), main_account());
    assert!(refused.contains("--journal-dir none"), "{refused}");
}

#[test]
fn unsaved_line_is_no_intent_and_no_torn_line_later() {
    let name = "journal::tests::unsaved_line_is_no_intent_and_no_torn_line_later";
    in_a_small_disk(name, "64k", |disk| {
        let dir = disk.join("journal");
        let journal = open(&dir);
        let before = fs::read(dir.join(NAME)).unwrap();
        let planned = Planned {
            action: subaccountd_core::Action::Suspend(account(1)),
            exempt: false,
            entry: "e".repeat(100_000),
            note: None,
            allowances: Vec::new(),
        };
        let error = journal.intent(&planned, Audit::default()).unwrap_err();
        assert!(error.contains("No space left"), "{error}");
        assert_eq!(journal.history(), Arc::new(History::default().durable()));
        assert_eq!(fs::read(dir.join(NAME)).unwrap(), before);
        journal.intent(&Planned { entry: "e".to_owned(), ..planned }, Audit::default()).unwrap();
        let kept = journal.history();
        drop(journal);
        assert_eq!(open(&dir).history(), kept);
    });
}

#[test]
fn an_outcome_closes_its_intent() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let planned = Planned {
        action: subaccountd_core::Action::Suspend(account(1)),
        exempt: false,
        entry: "e".to_owned(),
        note: None,
        allowances: Vec::new(),
    };
    let now = Now::new(clock::now(), Some(clock::now()));
    let window = SignedDuration::from_hours(1);
    let id = journal.intent(&planned, Audit::default()).unwrap();
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(journal.history().spent(ActionKind::Suspend, now, window), 1);
    assert_eq!(journal.history().open_writes().count(), 1);
    journal.outcome(id, &Outcome::Done(Receipt::default()), Audit::default());
    drop(journal);
    let history = open(dir.path()).history();
    assert_eq!(history.spent(ActionKind::Suspend, now, window), 1);
    assert_eq!(history.open_writes().count(), 0);
    assert!(history.next_id() > id);
}
