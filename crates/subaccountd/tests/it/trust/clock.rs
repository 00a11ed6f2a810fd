//! Wrong clocks, ours and Twilio's, and answers that show the old value: none of them frees a budget, ends a rest or
//! deletes an archive.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use jiff::Timestamp;
use twilio_sim::{
    AccountStatus::{Closed, Suspended},
    Fault, FaultKind, Operation,
};

use super::steps::{arrived, asked, decide, held, step_twilio};
use crate::support::{Daemon, Setup, ac, code, entry, eventually, flat, fleet, output, phone, state, stderr};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const TWO: [&str; 3] = ["apply", "--max-suspends", "2"];

fn suspended(accounts: &[u64]) -> String {
    state(&accounts.iter().map(|&n| entry(n, "suspended", "")).collect::<String>())
}

fn count_suspended(setup: &Setup, accounts: u64) -> usize {
    (1..=accounts).filter(|&n| setup.status_of(n) == Suspended).count()
}

/// The clock of this machine, as the program reads it.
struct Clock {
    library: PathBuf,
    by: PathBuf,
}

impl Clock {
    /// Compiles the library that steps the clock into the folder of `setup`. The clock is right.
    fn new(setup: &Setup) -> Self {
        let library = setup.dir.path().join(".step.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/trust/step.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        assert!(compiler.status().unwrap().success());
        let clock = Self { library, by: setup.dir.path().join(".step-by") };
        clock.step(0);
        clock
    }

    /// Steps the clock to `seconds` ahead.
    fn step(&self, seconds: i64) {
        let new = self.by.with_extension("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, &self.by).unwrap();
    }

    fn load_into<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_PRELOAD", &self.library).env("STEP_BY", &self.by)
    }

    async fn run(&self, setup: &Setup, args: &[&str]) -> Output {
        let mut command = setup.command(args);
        self.load_into(&mut command);
        output(command).await
    }

    async fn daemon(&self, setup: &Setup, args: &[&str]) -> Daemon {
        let mut command = setup.command(&[&["run"], args].concat());
        self.load_into(&mut command);
        Daemon::start(command, &setup.dir.path().join(".log")).await
    }
}

// Budgets.

#[tokio::test]
async fn suspensions_made_while_our_clock_was_slow_are_spent_once_it_is_right() {
    for wrong in [-25 * HOUR, 25 * HOUR] {
        let setup = Setup::new(fleet(4, 0), &suspended(&[1, 2])).await;
        let clock = Clock::new(&setup);
        clock.step(wrong);
        assert_eq!(code(&clock.run(&setup, &TWO).await), 0);
        clock.step(0);
        setup.write(&suspended(&[3, 4]));
        let applied = clock.run(&setup, &TWO).await;
        assert_eq!(code(&applied), 3, "{wrong}: {}", flat(&applied));
        assert!(flat(&applied).contains("2 spent within"), "{wrong}: {}", flat(&applied));
        assert_eq!(count_suspended(&setup, 4), 2, "{wrong}");
    }
}

#[tokio::test]
async fn suspensions_made_while_twilios_clock_was_wrong_are_spent_once_it_is_right() {
    for wrong in [-25 * HOUR, 25 * HOUR] {
        let setup = Setup::new(fleet(4, 0), &suspended(&[1, 2])).await;
        step_twilio(&setup, wrong);
        assert_eq!(code(&setup.run(&TWO).await), 0);
        step_twilio(&setup, 0);
        setup.write(&suspended(&[3, 4]));
        let applied = setup.run(&TWO).await;
        assert!(flat(&applied).contains("2 spent within"), "{wrong}: {}", flat(&applied));
        assert_eq!(count_suspended(&setup, 4), 2, "{wrong}");
    }
}

#[tokio::test]
async fn budget_is_not_freed_by_a_clock_that_runs_ahead() {
    let setup = Setup::new(fleet(4, 0), &suspended(&[1, 2])).await;
    let clock = Clock::new(&setup);
    assert_eq!(code(&clock.run(&setup, &TWO).await), 0);
    setup.write(&suspended(&[3, 4]));
    for (ours, twilios, date) in [(25 * HOUR, 0, true), (0, 25 * HOUR, true), (25 * HOUR, 0, false)] {
        clock.step(ours);
        step_twilio(&setup, twilios);
        setup.sim.faults().omit_date = !date;
        let applied = clock.run(&setup, &TWO).await;
        assert!(flat(&applied).contains("2 spent within"), "{ours} {twilios} {date}: {}", flat(&applied));
    }
    assert_eq!(count_suspended(&setup, 4), 2);
}

#[tokio::test]
async fn budget_is_not_freed_when_both_clocks_jump_under_a_running_daemon() {
    let setup = Setup::new(fleet(4, 0), &suspended(&[1, 2])).await;
    let clock = Clock::new(&setup);
    let daemon = clock.daemon(&setup, &["--interval", "100ms", "--max-suspends", "2"]).await;
    daemon.settled().await;
    clock.step(25 * HOUR);
    step_twilio(&setup, 25 * HOUR);
    decide(&setup, &daemon, &suspended(&[3, 4])).await;
    daemon.more_passes(2).await;
    assert!(held(&daemon).await.contains("OverLimit"), "{}", held(&daemon).await);
    assert_eq!(count_suspended(&setup, 4), 2);
}

#[tokio::test]
async fn close_rests_on_when_both_clocks_jump_under_a_running_daemon() {
    let closed = entry(1, "closed", ", close: {confirm: a1}");
    let setup = Setup::new(fleet(1, 0), &state(&closed)).await;
    setup.suspend_elsewhere(1);
    let clock = Clock::new(&setup);
    // The time between two passes is no gap: three intervals are longer than the jump.
    let daemon = clock.daemon(&setup, &["--interval", "24h", "--close-after", "48h"]).await;
    daemon.first_pass().await;
    clock.step(50 * HOUR);
    step_twilio(&setup, 50 * HOUR);
    decide(&setup, &daemon, &state(&(closed + &entry(2, "active", "")))).await;
    assert!(held(&daemon).await.contains("CoolingOff"), "{}", held(&daemon).await);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn close_is_not_sent_when_the_machine_slept_after_its_look() {
    let closed = state(&entry(1, "closed", ", close: {confirm: a1}"));
    let setup = Setup::new(fleet(1, 0), &closed).await;
    setup.suspend_elsewhere(1);
    let clock = Clock::new(&setup);
    setup.sim.inject(Fault::latency(700).on(Operation::ListNumbers).skip(1).times(1));
    let daemon = clock.daemon(&setup, &["--interval", "1h", "--close-after", "0s"]).await;
    arrived(&setup, Operation::ListNumbers, 2).await;
    // A monotonic clock stops while the machine sleeps.
    clock.step(60);
    eventually("it ended", async || {
        daemon.log().contains("the proof is too old") || setup.status_of(1) == Closed
    })
    .await;
    assert_eq!(asked(&setup), Vec::<String>::new());
}

// Archives.

/// Puts an archive beside the journal, begun and last written `days` days ago.
fn put_archive(setup: &Setup, days: i64) -> PathBuf {
    let journal = setup.journal_dir().join("journal.jsonl");
    // The journal was written just now.
    let now = fs::metadata(&journal).unwrap().modified().unwrap();
    let time = now - Duration::from_secs(u64::try_from(days * DAY).unwrap());
    let begun = Timestamp::try_from(time).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
    let path = setup.journal_dir().join(format!("journal-{begun}.jsonl"));
    fs::copy(journal, &path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    path
}

#[tokio::test]
async fn archives_are_kept_by_a_pass_whose_clock_is_wrong() {
    for (ours, twilios, dated) in [(450, 0, true), (0, 450, true), (450, 0, false)] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
        let clock = Clock::new(&setup);
        assert_eq!(code(&setup.run(&["apply"]).await), 0);
        let archives = [10, 40, 390].map(|days| put_archive(&setup, days));
        clock.step(ours * DAY);
        step_twilio(&setup, twilios * DAY);
        setup.sim.faults().omit_date = !dated;
        let applied = clock.run(&setup, &["apply"]).await;
        assert_eq!(code(&applied), 0, "{}", stderr(&applied));
        for archive in archives {
            assert!(archive.exists(), "{ours} {twilios} {dated}: {}", archive.display());
        }
    }
}

#[tokio::test]
async fn archives_are_kept_when_both_clocks_jump_under_a_running_daemon() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let clock = Clock::new(&setup);
    let daemon = clock.daemon(&setup, &["--interval", "100ms"]).await;
    daemon.settled().await;
    let archive = put_archive(&setup, 10);
    clock.step(450 * DAY);
    step_twilio(&setup, 450 * DAY);
    daemon.more_passes(3).await;
    assert!(archive.exists());
}

// Answers that show the old value.

/// Runs `apply` for each state in turn.
async fn apply_each(setup: &Setup, states: &[String], args: &[&str]) {
    for text in states {
        setup.write(text);
        setup.run(&[&["apply"], args].concat()).await;
    }
}

#[tokio::test]
async fn suspensions_whose_answers_are_stale_are_spent() {
    let setup = Setup::new(fleet(8, 0), "").await;
    setup.sim.inject(Fault::stale().on(Operation::UpdateAccount));
    let pairs = [[1, 2], [3, 4], [5, 6], [7, 8]].map(|pair| suspended(&pair));
    apply_each(&setup, &pairs, &["--max-suspends", "2"]).await;
    assert_eq!(count_suspended(&setup, 8), 2);
}

#[tokio::test]
async fn suspensions_whose_answers_are_stale_are_spent_within_one_pass_of_a_daemon() {
    let setup = Setup::new(fleet(8, 0), &suspended(&[1, 2])).await;
    setup.sim.inject(Fault::stale().on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "2"]).await;
    daemon.settled().await;
    decide(&setup, &daemon, &suspended(&[3, 4])).await;
    daemon.more_passes(2).await;
    assert!(held(&daemon).await.contains("OverLimit"), "{}", held(&daemon).await);
    assert_eq!(count_suspended(&setup, 8), 2);
}

#[tokio::test]
async fn transfers_whose_answers_are_stale_are_spent() {
    let setup = Setup::new(fleet(4, 4), "").await;
    setup.sim.inject(Fault::stale().on(Operation::UpdateNumber));
    let claims = [2, 3, 4].map(|n| state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(n)))));
    apply_each(&setup, &claims, &["--max-transfers", "1"]).await;
    let moved = (2..=4).filter(|&n| setup.owner(n) == ac(1)).count();
    assert_eq!(moved, 1);
}

#[tokio::test]
async fn numbers_released_by_closes_whose_answers_are_stale_are_spent() {
    let setup = Setup::new(fleet(3, 3), "").await;
    (1..=3).for_each(|n| setup.suspend_elsewhere(n));
    setup.sim.inject(Fault::stale().on(Operation::UpdateAccount));
    let closes = [1, 2, 3].map(|n| {
        state(&entry(n, "closed", &format!(", close: {{confirm: a{n}, release: [\"{}\"]}}", phone(n))))
    });
    let args = ["--close-after", "0s", "--max-closes", "100%", "--max-released-numbers", "1"];
    apply_each(&setup, &closes, &args).await;
    assert_eq!(setup.sim.world().released().len(), 1);
}

#[tokio::test]
async fn suspensions_that_twilio_answers_and_ignores_are_spent() {
    let setup = Setup::new(fleet(6, 0), "").await;
    setup.sim.inject(Fault::new(FaultKind::Ignore).on(Operation::UpdateAccount));
    let pairs = [[1, 2], [3, 4], [5, 6]].map(|pair| suspended(&pair));
    apply_each(&setup, &pairs, &["--max-suspends", "2"]).await;
    // They may still take effect: their outcome is unknown.
    assert_eq!(setup.posts().len(), 2, "{:?}", setup.posts());
}
