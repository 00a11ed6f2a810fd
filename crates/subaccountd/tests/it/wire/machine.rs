//! The machine: a disk that fills up while the daemon runs, and pipes among the files of the state.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::Path,
    process::Command,
};

use serde_json::Value;
use twilio_sim::AccountStatus;

use super::started;
use crate::{
    namespace::{inside, path_in},
    support::{Setup, entry, eventually, fleet, state},
};

const ACCOUNTS: u64 = 60;

/// Writes to `path` until the disk is full.
fn fill(path: &Path) {
    let mut filler = File::create(path).unwrap();
    for size in [4096, 1] {
        let full = loop {
            if let Err(error) = filler.write_all(&[0; 4096][..size]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }
}

/// The events of the journal, each of which can be read.
fn events(journal: &Path, event: &str) -> usize {
    let text = fs::read_to_string(journal).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == event).count()
}

/// The journal is on a small disk of its own. More intents than fit into the rest of its last page are to be written.
#[tokio::test]
async fn disk_that_fills_up_stops_the_writes_until_there_is_room() {
    let setup = Setup::new(fleet(ACCOUNTS, 0), &state(&entry(1, "active", ""))).await;
    fs::create_dir(setup.journal_dir()).unwrap();
    let mount = format!("mount -t tmpfs -o size=256k tmpfs {}", setup.journal_dir().display());
    let run = setup.command(&["run", "--interval", "100ms", "--max-suspends", "100%"]);
    let mut daemon = started(&setup, inside(&mount, &run)).await;
    daemon.settled().await;
    let disk = path_in(daemon.pid(), &setup.journal_dir());
    let journal = disk.join("journal.jsonl");
    fill(&disk.join("filler"));
    let entries: String = (1..=ACCOUNTS).map(|n| entry(n, "suspended", "")).collect();
    setup.write(&state(&entries));
    eventually("the disk is full", async || daemon.log().contains("No space left")).await;
    daemon.more_passes(2).await;
    let written = setup.posts().len();
    assert!(written < 30, "{written} writes");
    daemon.more_passes(2).await;
    assert_eq!(setup.posts().len(), written, "no write without an intent");
    assert!(events(&journal, "intent") >= written);
    let pass = daemon.status().await["lastPass"].clone();
    assert_eq!(pass["result"], "failed", "{pass}");
    assert!(pass["error"].as_str().unwrap().contains("No space left on device"), "{pass}");
    assert_eq!(daemon.metric("subaccountd_journal_writable").await.to_string(), "0");
    let page = daemon.get("/").await.1;
    assert!(page.contains("The journal cannot be written."), "{page}");
    assert_eq!((daemon.get("/livez").await.0, daemon.get("/readyz").await.0), (200, 200));
    assert!(daemon.runs());
    fs::remove_file(disk.join("filler")).unwrap();
    daemon.settled().await;
    assert!((1..=ACCOUNTS).all(|n| setup.status_of(n) == AccountStatus::Suspended));
    assert_eq!(setup.posts().len(), usize::try_from(ACCOUNTS).unwrap());
    assert_eq!(events(&journal, "intent"), setup.posts().len());
    assert_eq!(events(&journal, "outcome"), setup.posts().len());
    assert_eq!(daemon.metric("subaccountd_journal_writable").await.to_string(), "1");
    let log = daemon.log();
    let told = |words| log.matches(words).count();
    assert_eq!((told("journal cannot be written"), told("journal can be written again")), (1, 1), "{log}");
}

#[tokio::test]
async fn pipe_in_the_folder_of_the_state_pauses_it_and_is_named() {
    let setup = Setup::new(fleet(1, 0), "").await;
    let folder = setup.dir.path().join("state");
    fs::create_dir(&folder).unwrap();
    let pipe = folder.join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(folder.join("desired.yaml"), state(&entry(1, "suspended", ""))).unwrap();
    let mut run = setup.command(&["run", "--interval", "100ms"]);
    run.env("SUBACCOUNTD_DESIRED", &folder);
    let mut daemon = started(&setup, run).await;
    daemon.first_pass().await;
    daemon.more_passes(2).await;
    let status = daemon.status().await;
    let fault = &status["desiredState"]["faults"][0];
    assert_eq!(fault["file"], pipe.to_str().unwrap());
    assert!(fault["message"].to_string().contains("it is not a regular file"), "{fault}");
    assert!(!fault["help"].as_str().unwrap_or_default().is_empty(), "{fault}");
    assert_eq!(status["plan"]["held"][0]["reason"], "Paused");
    assert_eq!((daemon.get("/livez").await.0, daemon.get("/readyz").await.0), (200, 200));
    assert_eq!(setup.posts(), Vec::<String>::new());
    fs::remove_file(pipe).unwrap();
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}
