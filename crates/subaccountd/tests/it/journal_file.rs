//! The file of the journal under a running daemon.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use twilio_sim::AccountStatus;

use crate::support::{Setup, code, entry, eventually, fleet, output, state, stderr, stdout};

/// Waits until the daemon has found that the journal cannot be written, and its planned suspension was skipped.
async fn stopped_writing(setup: &Setup, daemon: &crate::support::Daemon, words: &str) {
    eventually("the daemon notices", async || daemon.log().contains(words)).await;
    setup.write(&state(&(entry(1, "suspended", "") + &entry(2, "suspended", ""))));
    eventually("the write is skipped", async || {
        daemon.metric("subaccountd_actions_total{kind=\"suspend\",result=\"skipped\"}").await >= 1.0
    })
    .await;
}

async fn daemon_with_a_write(setup: &Setup) -> crate::support::Daemon {
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("a write", async || setup.status_of(1) == AccountStatus::Suspended).await;
    daemon.settled().await;
    daemon
}

#[tokio::test]
async fn removed_journal_stops_the_writes_of_a_daemon_beside_a_second_one() {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "active", ""))).await;
    let mut daemon = daemon_with_a_write(&setup).await;
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    stopped_writing(&setup, &daemon, "the journal was removed or moved while in use").await;
    assert_eq!(setup.posts().len(), 1);
    // The folder is free for a second daemon, which works; the first one still does not.
    assert_eq!(code(&setup.run(&["apply", "--max-suspends", "100%"]).await), 0);
    assert_eq!(setup.posts().len(), 2);
    setup.write(&state(&(1..=3).map(|n| entry(n, "suspended", "")).collect::<String>()));
    daemon.more_passes(3).await;
    assert_eq!(setup.posts().len(), 2);
    // After a restart the daemon uses the journal that it finds.
    daemon.signal("TERM");
    daemon.ended().await;
    let _daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    eventually("a write", async || setup.status_of(3) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn journal_restored_in_place_stops_the_writes_of_a_daemon() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "active", ""))).await;
    let path = setup.journal_dir().join("journal.jsonl");
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "100%"]).await;
    daemon.settled().await;
    let backup = fs::read(&path).unwrap();
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("a write", async || setup.status_of(1) == AccountStatus::Suspended).await;
    daemon.settled().await;
    fs::write(&path, backup).unwrap();
    stopped_writing(&setup, &daemon, "the journal was changed while in use").await;
    assert_eq!(setup.posts().len(), 1);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn journal_is_for_its_owner_and_group_whatever_the_umask_is() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let apply = setup.command(&["apply"]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$@\"", "sh"]).arg(apply.get_program()).args(apply.get_args());
    command.env_clear();
    command.envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let applied = output(command).await;
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    assert_eq!(mode(&setup.journal_dir()), 0o750);
    assert_eq!(mode(&setup.journal_dir().join("journal.jsonl")), 0o640);
}

#[tokio::test]
async fn journal_command_names_the_line_of_an_archive_that_it_cannot_read() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    let damaged = journal.replacen('\n', "\n\u{0}\u{0}\u{0}\n", 1);
    fs::write(setup.journal_dir().join("journal-20200101T000000Z.jsonl"), damaged).unwrap();
    let shown = setup.run(&["journal"]).await;
    assert_eq!(code(&shown), 0);
    assert_eq!(stdout(&shown).lines().count(), 2, "{}", stdout(&shown));
    let said = stderr(&shown);
    assert!(said.contains("warning: ") && said.contains("journal-20200101T000000Z.jsonl:2: "), "{said}");
}

#[tokio::test]
async fn cause_of_an_unusable_journal_is_named_once() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    fs::write(setup.journal_dir(), "").unwrap();
    for command in ["apply", "plan", "journal"] {
        let ended = setup.run(&[command]).await;
        assert_eq!(code(&ended), 1, "{command}");
        assert_eq!(stderr(&ended).matches("os error").count(), 1, "{command}: {}", stderr(&ended));
    }
}
