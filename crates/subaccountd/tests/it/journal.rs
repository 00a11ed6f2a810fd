//! The journal over restarts.

use std::fs;

use twilio_sim::{AccountStatus, Fault, Operation};

use crate::{
    namespace::inside,
    support::{Daemon, Setup, ac, code, entry, eventually, flat, fleet, phone, state, stderr, stdout},
};

fn intents(setup: &Setup) -> usize {
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    journal.lines().filter(|line| line.contains(r#""event":"intent""#)).count()
}

/// I8: the brake holds over restarts.
#[tokio::test]
async fn a_budget_is_not_full_again_after_a_restart() {
    let setup = Setup::new(fleet(4, 0), "").await;
    for n in 1..=2 {
        setup.write(&state(&entry(n, "suspended", "")));
        assert_eq!(code(&setup.run(&["apply", "--max-suspends", "2"]).await), 0);
    }
    setup.write(&state(&entry(3, "suspended", "")));
    let applied = setup.run(&["apply", "--max-suspends", "2"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("2 spent within"), "{}", stdout(&applied));
    assert!(stdout(&setup.run(&["plan", "--max-suspends", "2"]).await).contains("OverLimit"));
    assert_eq!(setup.posts().len(), 2);
    // Without the journal the budget is full again: the check can fail.
    assert_eq!(code(&setup.run(&["apply", "--max-suspends", "2", "--journal-dir", "none"]).await), 0);
}

/// I8: a write with an unknown outcome is spent, also after a crash between the intent and the outcome.
#[tokio::test]
async fn a_write_cut_by_a_crash_is_spent() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::new(twilio_sim::FaultKind::Stall).on(Operation::UpdateAccount).times(1));
    let mut daemon = setup.daemon(&["--interval", "1h", "--max-suspends", "1"]).await;
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    daemon.signal("KILL");
    daemon.ended().await;
    assert_eq!(intents(&setup), 1);
    setup.write(&state(&(entry(1, "active", "") + &entry(2, "suspended", ""))));
    let applied = setup.run(&["apply", "--max-suspends", "1"]).await;
    assert_eq!(code(&applied), 3, "{}", stdout(&applied));
    assert!(stdout(&applied).contains("1 spent within"), "{}", stdout(&applied));
    // The same write takes the place of the lost one.
    setup.write(&state(&entry(1, "suspended", "")));
    assert_eq!(code(&setup.run(&["apply", "--max-suspends", "1"]).await), 0);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn a_suspension_made_by_others_while_the_daemon_was_away_is_not_lifted() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    setup.suspend_elsewhere(1);
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("SuspendedElsewhere"), "{}", stdout(&applied));
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    // The state lifts it, as the remedy says.
    let said = stdout(&applied);
    let until =
        said.split("liftSuspensionsBefore: \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    setup.write(&state(&entry(1, "active", &format!(", liftSuspensionsBefore: \"{until}\""))));
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(setup.status_of(1), AccountStatus::Active);
}

#[tokio::test]
async fn a_rest_goes_on_over_restarts() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
    let due = |text: String| text.split("is closed at ").nth(1).map(|rest| rest[..20].to_owned()).unwrap();
    let first = due(stdout(&setup.run(&["apply"]).await));
    setup.sim.faults().clock_offset_seconds = 2;
    assert_eq!(due(stdout(&setup.run(&["apply"]).await)), first);
    assert_eq!(due(stdout(&setup.run(&["plan"]).await)), first);
}

/// The case "the journal is lost" of SAFETY.md: what is forgotten, and that no rest becomes shorter.
#[tokio::test]
async fn a_lost_journal_fills_the_budgets_and_begins_every_rest_anew() {
    let closing = entry(1, "closed", ", close: {confirm: a1}");
    let setup = Setup::new(fleet(3, 0), &state(&closing)).await;
    let args = ["apply", "--max-suspends", "1"];
    let due = |text: String| text.split("is closed at ").nth(1).map(|rest| rest[..20].to_owned()).unwrap();
    let before = due(stdout(&setup.run(&args).await));
    setup.write(&state(&(closing + &entry(2, "suspended", ""))));
    let full = setup.run(&args).await;
    assert!(stdout(&full).contains("OverLimit"), "{}", stdout(&full));
    // With the journal, the rest would still end when it was to end before.
    setup.sim.faults().clock_offset_seconds = 2;
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    let applied = setup.run(&args).await;
    assert!(stderr(&applied).contains("starting a new one without history"), "{}", stderr(&applied));
    assert!(due(stdout(&applied)) > before, "{}", stdout(&applied));
    assert_eq!(
        (setup.status_of(1), setup.status_of(2)),
        (AccountStatus::Suspended, AccountStatus::Suspended),
        "no close, and room for a suspension again"
    );
}

#[tokio::test]
async fn a_number_that_vanished_from_a_closing_account_is_remembered_over_restarts() {
    let setup = Setup::new(fleet(1, 1), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
    let args = ["apply", "--close-after", "0s"];
    assert!(stdout(&setup.run(&args).await).contains("StillHoldsNumbers"));
    setup.sim.world().drop_number(&phone(1), jiff::Timestamp::UNIX_EPOCH).unwrap();
    let applied = setup.run(&args).await;
    assert_eq!(code(&applied), 3);
    assert!(flat(&applied).contains("in no number list any more"), "{}", stdout(&applied));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn journal_shows_what_changed_when_and_why() {
    let entries = entry(1, "suspended", ", reason: invoice 4711, labels: {ticket: OPS-12}")
        + &entry(2, "active", &format!(", numbers: [\"{}\"]", phone(1)));
    let setup = Setup::new(fleet(2, 1), &state(&entries)).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    let told = stdout(&setup.run(&["journal"]).await);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].contains(&format!("transfer   {} from {} to {}  done", phone(1), ac(1), ac(2))),
        "{told}"
    );
    for words in
        ["suspend", "done", "request: RQ", "labels: ticket=OPS-12", "reason: invoice 4711", "state: "]
    {
        assert!(lines[1].contains(words), "{words}: {told}");
    }
    assert_eq!(stdout(&setup.run(&["journal", "--account", &ac(2)]).await).lines().count(), 1);
    assert_eq!(stdout(&setup.run(&["journal", "--since", "0s"]).await), "");
    let json = stdout(&setup.run(&["journal", "-o", "json"]).await);
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(json.lines().count() >= 4, "{json}");
}

#[tokio::test]
async fn journal_that_cannot_be_read_or_locked_stops_the_start() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    fs::create_dir(setup.journal_dir()).unwrap();
    fs::write(setup.journal_dir().join("journal.jsonl"), "no header\n").unwrap();
    for command in ["run", "apply", "plan"] {
        let ended = setup.run(&[command]).await;
        assert_eq!(code(&ended), 1, "{command}");
        assert!(stderr(&ended).contains("journal.jsonl:1:"), "{}", stderr(&ended));
    }
    fs::remove_dir_all(setup.journal_dir()).unwrap();
    let watcher = setup.daemon(&["--dry-run"]).await;
    watcher.first_pass().await;
    assert!(!setup.journal_dir().exists(), "a dry run makes no journal");
    setup.write(&state(""));
    let _daemon = setup.daemon(&[]).await;
    setup.write(&state(&entry(1, "suspended", ", paused: true")));
    let second = setup.run(&["apply"]).await;
    assert_eq!(code(&second), 1);
    assert!(stderr(&second).contains("another daemon holds this journal"), "{}", stderr(&second));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_disk_makes_zero_writes() {
    let entries: String = (1..=40).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(40, 0), &state(&entries)).await;
    // In a mount namespace of its own the folder of the journal has room for one page.
    let run = setup.command(&["run", "--interval", "100ms", "--max-suspends", "100%"]);
    fs::create_dir(setup.journal_dir()).unwrap();
    let mount = format!("mount -t tmpfs -o size=4k tmpfs {}", setup.journal_dir().display());
    let command = inside(&mount, &run);
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.more_passes(3).await;
    assert!(daemon.log().contains("No space left"), "{}", daemon.log());
    assert!(daemon.metric("subaccountd_actions_total{kind=\"suspend\",result=\"skipped\"}").await >= 40.0);
    assert_eq!(setup.posts(), Vec::<String>::new());
}
