//! Signals: SIGTERM and its kind end the process in time, whatever hangs, after the writes in flight; SIGHUP reloads.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use crate::{
    hang::Hang,
    support::{Daemon, Setup, ac, entry, eventually, fleet, state},
};

/// The time within which a process without writes in flight ends.
const PROMISED: Duration = Duration::from_secs(5);
/// The delay that a busy machine may add.
const LAG: Duration = Duration::from_secs(1);

/// Sends SIGTERM, and returns the exit code of the daemon and the time that it took.
async fn terminated(daemon: &mut Daemon) -> (Option<i32>, Duration) {
    let begin = Instant::now();
    daemon.signal("TERM");
    (daemon.ended().await.code(), begin.elapsed())
}

/// A daemon with one active account in sync, and with calls that can be made to hang.
async fn hanging(setup: &Setup, what: &str, value: &OsStr) -> (Daemon, Hang) {
    let hang = Hang::new(setup);
    let mut command = setup.command(&["run", "--interval", "1h", "--request-timeout", "1m"]);
    hang.load_into(&mut command).env(what, value);
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    (daemon, hang)
}

#[tokio::test]
async fn eight_writes_that_stall_end_with_their_time_out_and_no_other_begins() {
    let entries: String = (1..=12).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(12, 0), &state(&entries)).await;
    setup.sim.inject(Fault::new(FaultKind::Stall).on(Operation::UpdateAccount));
    let mut daemon =
        setup.daemon(&["--interval", "1h", "--max-suspends", "100%", "--request-timeout", "3s"]).await;
    eventually("eight writes in flight", async || setup.posts().len() == 8).await;
    let (code, took) = terminated(&mut daemon).await;
    assert_eq!(code, Some(0), "{}", daemon.log());
    assert!(took < Duration::from_secs(3) + PROMISED, "{took:?}");
    assert_eq!(setup.posts().len(), 8);
}

#[tokio::test]
async fn a_write_in_flight_is_waited_for_longer_than_all_else() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::latency(6_500).on(Operation::UpdateAccount));
    let mut daemon = setup.daemon(&["--interval", "1h", "--request-timeout", "20s"]).await;
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    let (code, took) = terminated(&mut daemon).await;
    assert_eq!(code, Some(0), "{}", daemon.log());
    assert!(took > PROMISED, "{took:?}");
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert!(daemon.log().contains(r#""action.result":"done""#), "{}", daemon.log());
}

#[tokio::test]
async fn a_file_system_that_hangs_does_not_outlive_sigterm_and_stops_no_endpoint() {
    // In the read for the first pass, and in one after a wake.
    for hangs_at_once in [true, false] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
        let hang = Hang::new(&setup);
        let mut command = setup.command(&["run", "--interval", "1h"]);
        hang.load_into(&mut command).env("HANG_PATH", setup.state_path());
        if hangs_at_once {
            hang.begin();
        }
        let mut daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
        if !hangs_at_once {
            daemon.settled().await;
            hang.begin();
            setup.write(&state(&entry(1, "suspended", "")));
        }
        hang.reached().await;
        assert_eq!(daemon.get("/livez").await.0, 200);
        assert_eq!(daemon.get("/status").await.0, if hangs_at_once { 503 } else { 200 });
        let (code, took) = terminated(&mut daemon).await;
        assert_eq!(code, Some(0), "nothing was in flight: {}", daemon.log());
        // Neither the loop nor the runtime waits for the thread that hangs.
        assert!(took < PROMISED, "{took:?}");
    }
}

#[tokio::test]
async fn a_watcher_that_hangs_does_not_outlive_sigterm() {
    let setup = Setup::new(fleet(1, 0), "").await;
    let folder = setup.dir.path().join("state");
    let (file, link) = (folder.join("desired.yaml"), folder.join("link.yaml"));
    fs::create_dir(&folder).unwrap();
    fs::write(&file, state(&entry(1, "active", ""))).unwrap();
    // Only the watcher asks where a link below the folder leads.
    symlink(&file, &link).unwrap();
    let hang = Hang::new(&setup);
    let mut command = setup.command(&["run", "--interval", "1h"]);
    hang.load_into(&mut command).env("HANG_LINK", &link).env("SUBACCOUNTD_DESIRED", &folder);
    let mut daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    hang.begin();
    fs::write(&file, state(&entry(1, "suspended", ""))).unwrap();
    hang.reached().await;
    let (code, took) = terminated(&mut daemon).await;
    assert_eq!(code, Some(0), "nothing was in flight: {}", daemon.log());
    assert!(took < PROMISED, "{took:?}");
}

#[tokio::test]
async fn a_file_system_that_answers_again_is_read_without_a_wake() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (daemon, hang) = hanging(&setup, "HANG_PATH", setup.state_path().as_os_str()).await;
    hang.begin();
    setup.write(&state(&entry(1, "suspended", "")));
    hang.reached().await;
    hang.end();
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    assert!(daemon.log().contains("desired state loaded"));
}

#[tokio::test]
async fn a_journal_that_hangs_does_not_outlive_sigterm() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let hang = Hang::new(&setup);
    let mut command = setup.command(&["run", "--interval", "1h", "--request-timeout", "1s"]);
    hang.load_into(&mut command).env("HANG_SYNC", "1");
    let mut daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    hang.begin();
    setup.write(&state(&entry(1, "suspended", "")));
    hang.reached().await;
    let (code, took) = terminated(&mut daemon).await;
    assert_eq!(code, Some(1), "{}", daemon.log());
    assert!(took < Duration::from_secs(1) + PROMISED + LAG, "{took:?}");
    assert!(daemon.log().contains("aborted: the process did not end in time"), "{}", daemon.log());
    assert_eq!(setup.posts(), Vec::<String>::new(), "an intent that is not durable is not sent");
}

/// A daemon with a write in flight that takes some seconds.
async fn writing(setup: &Setup) -> Daemon {
    setup.sim.inject(Fault::latency(2_500).on(Operation::UpdateAccount));
    let daemon = setup.daemon(&["--interval", "1h", "--request-timeout", "20s"]).await;
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    daemon
}

fn suspending() -> String {
    state(&entry(1, "suspended", ""))
}

#[tokio::test]
async fn sigterm_sigint_and_sigquit_wait_for_a_write_and_their_repeats_are_the_same_signal() {
    for name in ["TERM", "INT", "QUIT"] {
        let setup = Setup::new(fleet(1, 0), &suspending()).await;
        let mut daemon = writing(&setup).await;
        // As wrappers and terminals send them.
        for signal in [name, "TERM", name] {
            daemon.signal(signal);
            sleep(Duration::from_millis(4)).await;
        }
        assert_eq!(daemon.ended().await.code(), Some(0), "{name}: {}", daemon.log());
        assert!(daemon.log().contains(r#""action.result":"done""#), "{}", daemon.log());
    }
}

#[tokio::test]
async fn a_second_signal_after_a_second_aborts() {
    let setup = Setup::new(fleet(1, 0), &suspending()).await;
    setup.sim.inject(Fault::new(FaultKind::Stall).on(Operation::UpdateAccount));
    let mut daemon = setup.daemon(&["--interval", "1h", "--request-timeout", "20s"]).await;
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    let begin = Instant::now();
    daemon.signal("TERM");
    sleep(Duration::from_millis(1_100)).await;
    assert!(daemon.runs());
    daemon.signal("QUIT");
    assert_eq!(daemon.ended().await.code(), Some(1));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(daemon.log().contains("aborted by a second signal"), "{}", daemon.log());
}

#[tokio::test]
async fn signals_without_a_meaning_do_nothing() {
    let setup = Setup::new(fleet(1, 0), &suspending()).await;
    let mut daemon = writing(&setup).await;
    for name in ["USR1", "USR2", "PIPE", "ALRM", "VTALRM", "PROF", "IO", "XFSZ", "WINCH", "CHLD", "URG"] {
        daemon.signal(name);
    }
    daemon.settled().await;
    assert!(daemon.runs());
    assert_eq!(terminated(&mut daemon).await.0, Some(0));
}

#[tokio::test]
async fn sighup_begins_a_pass_and_ends_nothing() {
    let setup = Setup::new(fleet(1, 0), &suspending()).await;
    let mut daemon = writing(&setup).await;
    // During a write, and during the pause.
    daemon.signal("HUP");
    daemon.settled().await;
    setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
    daemon.signal("HUP");
    eventually("suspended again", async || setup.status_of(1) == AccountStatus::Suspended).await;
    assert_eq!(terminated(&mut daemon).await.0, Some(0), "{}", daemon.log());
}

#[tokio::test]
async fn apply_drains_on_sighup() {
    let setup = Setup::new(fleet(1, 0), &suspending()).await;
    setup.sim.inject(Fault::latency(2_500).on(Operation::UpdateAccount));
    let mut apply = setup.command(&["apply"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("a write in flight", async || !setup.posts().is_empty()).await;
    for name in ["HUP", "USR1", "HUP"] {
        assert!(Command::new("kill").args(["-s", name, &apply.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(ended(&mut apply).await.code(), Some(0));
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn apply_ends_in_time_when_the_state_cannot_be_read() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let hang = Hang::new(&setup);
    let mut command = setup.command(&["apply"]);
    hang.load_into(&mut command).env("HANG_PATH", setup.state_path()).stderr(Stdio::piped());
    hang.begin();
    let mut apply = command.spawn().unwrap();
    hang.reached().await;
    let begin = Instant::now();
    let pid = apply.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    assert_eq!(ended(&mut apply).await.code(), Some(1));
    assert!(begin.elapsed() < PROMISED + LAG, "{:?}", begin.elapsed());
    assert_eq!(setup.posts(), Vec::<String>::new());
}

async fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    eventually("the process ends", async || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}
