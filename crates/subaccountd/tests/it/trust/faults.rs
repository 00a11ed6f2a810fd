//! A fault never makes the daemon do more: what cannot be read may have been a guard.

use std::{
    fs,
    fs::Permissions,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
};

use crate::{
    support::{Daemon, Setup, ac, bare, code, entry, eventually, fleet, output, phone, state, stdout},
    trust::views::{daemon_on_folder, held, held_as, write_in_folder, writes},
};

/// A document without a main account.
fn part(more: &str) -> String {
    format!("apiVersion: subaccountd/v1\nkind: DesiredState\n{more}")
}

/// Account 1 claims the number that account 2 holds.
fn claim() -> String {
    state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))))
}

/// A daemon on a folder whose `b.yaml` guards against what `a.yaml` asks for.
async fn guarded(asks: &str, guard: &str) -> (Setup, Daemon) {
    let setup = Setup::new(fleet(4, 4), "").await;
    write_in_folder(&setup, "a.yaml", asks);
    write_in_folder(&setup, "b.yaml", guard);
    let daemon = daemon_on_folder(&setup, &["--interval", "100ms"]).await;
    daemon.first_pass().await;
    daemon.more_passes(1).await;
    assert_eq!(writes(&setup), [], "the guard holds while it can be read");
    (setup, daemon)
}

/// Lets the daemon make passes on a state with a fault.
async fn passes_with_the_fault(daemon: &Daemon) {
    eventually("the fault is found", async || daemon.metric("subaccountd_desired_state_valid").await == 0.0)
        .await;
    daemon.more_passes(3).await;
}

/// Breaks the guard, expects no write, and shows that without the guard there would be one.
async fn breaks(asks: &str, guard: &str, broken: &str) -> Vec<(String, String, String)> {
    let (setup, daemon) = guarded(asks, guard).await;
    write_in_folder(&setup, "b.yaml", broken);
    passes_with_the_fault(&daemon).await;
    assert_eq!(writes(&setup), [], "{broken}");
    let held = held(&daemon, 1).await;
    fs::remove_file(setup.dir.path().join("state/b.yaml")).unwrap();
    eventually("the write without the guard", async || !writes(&setup).is_empty()).await;
    held
}

#[tokio::test]
async fn pause_of_the_state_holds_when_a_tab_breaks_its_file() {
    let asks = state(&entry(1, "suspended", ""));
    let guard = part("paused: true\n");
    let held = breaks(&asks, &guard, &guard.replace("paused", "\tpaused")).await;
    assert!(held[0].1 == "Paused" && held[0].2.contains("b.yaml"), "{held:?}");
}

#[tokio::test]
async fn pause_of_an_account_holds_when_a_tab_breaks_its_file() {
    let guard = part(&format!("subaccounts:\n{}", entry(2, "active", ", paused: true")));
    let held = breaks(&claim(), &guard, &format!("{guard}\t# by hand\n\tx-a: 1\n")).await;
    assert!(held[0].1 == "Paused" && held[0].2.contains("b.yaml"), "{held:?}");
}

#[tokio::test]
async fn rival_claim_counts_when_a_tab_breaks_its_file() {
    let guard =
        part(&format!("subaccounts:\n{}", entry(3, "active", &format!(", numbers: [\"{}\"]", phone(2)))));
    breaks(&claim(), &guard, &guard.replace("subaccounts:", "\tsubaccounts:")).await;
}

#[tokio::test]
async fn name_guard_holds_when_a_tab_breaks_its_file() {
    let guard = part(&format!("subaccounts:\n{}", entry(2, "active", ", friendlyName: globex")));
    breaks(&claim(), &guard, &guard.replace("subaccounts:", "\tsubaccounts:")).await;
}

#[tokio::test]
async fn pause_of_the_state_holds_when_its_document_is_of_another_kind() {
    let asks = state(&entry(1, "suspended", ""));
    let guard = part("paused: true\n");
    breaks(&asks, &guard, &guard.replace("DesiredState", "DesiredStat")).await;
    breaks(&asks, &guard, &guard.replace("subaccountd/v1", "subaccountd/v2")).await;
    breaks(&asks, &guard, "- paused: true\n").await;
    breaks(&asks, &guard, &guard.replace("paused: true", "paused: \"yes, until Monday\"")).await;
}

#[tokio::test]
async fn guard_holds_when_the_sid_of_its_entry_is_misspelt() {
    let guard = part(&format!("subaccounts:\n{}", entry(2, "active", ", paused: true")));
    let held = breaks(&claim(), &guard, &guard.replace(&ac(2), "AC2")).await;
    assert!(held[0].2.contains("an entry without a readable SID"), "{held:?}");
    breaks(&claim(), &guard, &guard.replace("status:", "statuss:")).await;
}

#[tokio::test]
async fn pause_of_the_state_holds_when_its_file_cannot_be_read() {
    let (setup, daemon) = guarded(&state(&entry(1, "suspended", "")), &part("paused: true\n")).await;
    let file = setup.dir.path().join("state/b.yaml");
    fs::remove_file(&file).unwrap();
    // Between these two the file is gone, which is an edit: it must not be seen alone.
    drop(daemon);
    symlink("nowhere.yaml", &file).unwrap();
    let daemon = daemon_on_folder(&setup, &["--interval", "100ms"]).await;
    passes_with_the_fault(&daemon).await;
    assert_eq!(writes(&setup), []);
    assert!(held_as(&daemon, 1, "suspend", "Paused").await.contains("b.yaml"));
}

/// A folder may hold a guard as well as a file may.
#[tokio::test]
async fn folder_that_cannot_be_read_is_a_fault() {
    let setup = Setup::new(fleet(1, 0), "").await;
    write_in_folder(&setup, "a.yaml", &state(&entry(1, "suspended", "")));
    let (folder, guards) = (setup.dir.path().join("state"), setup.dir.path().join("state/guards"));
    fs::create_dir(&guards).unwrap();
    fs::write(guards.join("b.yaml"), part("paused: true\n")).unwrap();
    let mode = |mode| Permissions::from_mode(mode);
    fs::set_permissions(&guards, mode(0o000)).unwrap();
    let mut validate = bare(&["validate", folder.to_str().unwrap()]);
    if fs::read_dir(&guards).is_ok() {
        // No folder is closed to root: another user looks at it, with a copy of the program where that user may go.
        let copy = setup.dir.path().join("program");
        fs::copy(validate.get_program(), &copy).unwrap();
        fs::set_permissions(setup.dir.path(), mode(0o755)).unwrap();
        validate = std::process::Command::new(copy);
        validate.args(["validate", folder.to_str().unwrap()]).env_clear().uid(65_534);
    }
    let validated = output(validate).await;
    fs::set_permissions(&guards, mode(0o755)).unwrap();
    assert_eq!(code(&validated), 1, "{}", stdout(&validated));
    let shown = stdout(&validated);
    assert!(shown.contains("the file cannot be read") && shown.contains("state/guards"), "{shown}");
}

#[tokio::test]
async fn limit_is_not_slipped_under_by_a_fault() {
    let three = state(&(1..=3).map(|n| entry(n, "suspended", "")).collect::<String>());
    let setup = Setup::new(fleet(4, 0), &three).await;
    let daemon = setup.daemon(&["--interval", "100ms", "--max-suspends", "2"]).await;
    held_as(&daemon, 1, "suspend", "OverLimit").await;
    setup.write(&three.replacen("suspended", "suspnded", 1));
    passes_with_the_fault(&daemon).await;
    let message = held_as(&daemon, 2, "suspend", "OverLimit").await;
    assert!(message.contains("possibly hidden by faults"), "{message}");
    assert_eq!(writes(&setup), []);
}

#[tokio::test]
async fn fault_that_comes_right_before_a_write_stops_it() {
    let setup = Setup::new(fleet(4, 4), "").await;
    write_in_folder(&setup, "a.yaml", &state(&entry(1, "active", "")));
    let daemon = daemon_on_folder(&setup, &["--interval", "1h"]).await;
    daemon.settled().await;
    // The transfer is planned while the lists are read; the rival claim comes meanwhile, in a file that cannot be read.
    setup.sim.inject(twilio_sim::Fault::latency(1_000).on(twilio_sim::Operation::ListNumbers));
    setup.sim.clear_requests();
    write_in_folder(&setup, "a.yaml", &claim());
    eventually("the lists are read", async || {
        setup
            .sim
            .requests()
            .iter()
            .any(|request| request.operation == Some(twilio_sim::Operation::ListNumbers))
    })
    .await;
    write_in_folder(&setup, "b.yaml", "\tapiVersion: subaccountd/v1\n");
    passes_with_the_fault_of_one_interval(&daemon).await;
    assert_eq!(writes(&setup), []);
}

/// The same for a daemon whose passes follow edits only.
async fn passes_with_the_fault_of_one_interval(daemon: &Daemon) {
    let message = held_as(daemon, 1, "transfer", "Paused").await;
    assert!(message.contains("b.yaml"), "{message}");
}
