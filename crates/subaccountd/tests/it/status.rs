//! `status`: a running daemon as a table, watched, and waited for.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Output, Stdio},
};

use twilio_sim::{Fault, Operation};

use crate::support::{
    Daemon, Setup, ac, bare, code, entry, eventually, fleet, output, phone, state, stderr, stdout,
};

async fn status(daemon: &Daemon, args: &[&str]) -> Output {
    output(bare(&[&["status", "--url", daemon.url()], args].concat())).await
}

/// The cells of a line.
fn cells(line: &str) -> Vec<&str> {
    line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[tokio::test]
async fn table_of_a_fleet_in_sync_says_so() {
    let setup = Setup::new(fleet(2, 0), &state(&(entry(1, "active", "") + &entry(2, "suspended", "")))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.settled().await;
    let ended = status(&daemon, &[]).await;
    let text = stdout(&ended);
    let lines: Vec<_> = text.lines().map(cells).collect();
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert_eq!(lines[0], ["SID", "NAME", "DESIRED", "OBSERVED", "SYNCED", "REASON", "AGE"]);
    assert_eq!(lines[1][..6], [&ac(1), "a1", "active", "active", "True", "InSync"]);
    assert_eq!(lines[2][..6], [&ac(2), "a2", "suspended", "suspended", "True", "InSync"]);
    assert!(
        text.contains("enforcing; last pass success") && text.contains("0 actions to do, 0 items held"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colour in a pipe");
    let json = stdout(&status(&daemon, &["-o", "json"]).await);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["accounts"][1]["sid"], ac(2));
}

#[tokio::test]
async fn held_item_without_a_row_is_shown() {
    let claims = format!(
        ", numbers: [\"{}\", \"{}\"], paused: true, reason: unpaid, labels: {{owner: ops}}",
        phone(8),
        phone(9)
    );
    let entries = entry(1, "suspended", &claims);
    let whole =
        state(&entries).replace("mainAccount: {", &format!("mainAccount: {{numbers: [\"{}\"], ", phone(7)));
    let setup = Setup::new(fleet(2, 0), &whole).await;
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    let text = stdout(&status(&daemon, &[]).await);
    let held: Vec<_> = text.lines().skip_while(|line| !line.starts_with("HELD")).map(cells).collect();
    let of = |n| held.iter().find(|line| line.contains(&phone(n).as_str())).unwrap()[..4].to_vec();
    assert_eq!(of(7), ["transfer", &ac(0), &phone(7), "UnknownNumber"], "{text}");
    assert_eq!(of(8)[1..3], [&ac(1), &phone(8)], "{text}");
    assert!(text.contains("0 in sync, 1 not in sync, 0 unknown"), "{text}");
    let wide = stdout(&status(&daemon, &["-o", "wide"]).await);
    assert!(wide.contains("remove `paused: true` from the entry"), "{wide}");
    assert!(wide.contains("owner=ops") && wide.contains("unpaid"), "{wide}");
}

#[tokio::test]
async fn large_fleet_in_sync_is_shown_in_a_few_lines_and_its_trouble_first() {
    let entries: String = (1..=200)
        .map(|n| {
            let more = if n == 150 { ", paused: true, labels: {owner: billing}" } else { "" };
            entry(n, if (149..=150).contains(&n) { "suspended" } else { "active" }, more)
        })
        .collect();
    let setup = Setup::new(fleet(200, 0), &state(&entries)).await;
    let daemon = setup.daemon(&["--verbs", "transfer"]).await;
    daemon.first_pass().await;
    let text = stdout(&status(&daemon, &[]).await);
    let lines: Vec<_> = text.lines().map(cells).collect();
    assert!(lines.len() <= 12, "{text}");
    assert_eq!(lines[1][0..2], [&ac(149), "a149"], "what needs a person comes first: {text}");
    assert_eq!(lines[2][0..2], [&ac(150), "a150"], "{text}");
    assert!(text.contains("… and 198 more accounts: `-o wide` shows all of them"), "{text}");
    assert!(text.contains("198 in sync, 2 not in sync, 0 unknown"), "{text}");
    let names = async |args: &[&str]| {
        let output = status(&daemon, &[args, &["-o", "name"]].concat()).await;
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]).await.len(), 200);
    assert_eq!(names(&["--held"]).await, [ac(149), ac(150)]);
    assert_eq!(names(&["--reason", "Paused"]).await, [ac(150)]);
    assert_eq!(names(&["--label", "owner=billing", "--held"]).await, [ac(150)]);
    assert_eq!(names(&["a7", &ac(149).to_lowercase()]).await, [ac(149), ac(7)]);
    let json = stdout(&status(&daemon, &["-o", "json", "--reason", "Paused"]).await);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(json["plan"]["held"].as_array().unwrap().len(), 1);
    let unknown = status(&daemon, &["nobody"]).await;
    assert_eq!(code(&unknown), 0);
    assert!(stderr(&unknown).contains("\"nobody\" is neither"), "{}", stderr(&unknown));
    for args in [&["status", "--label", "owner"][..], &["status", "a7", "--wait"]] {
        assert_eq!(code(&output(bare(args)).await), 64, "{args:?}");
    }
}

#[tokio::test]
async fn name_cannot_control_the_terminal() {
    let world = fleet(0, 0).account(&ac(1), "\u{1b}]0;owned\u{7}name", twilio_sim::AccountStatus::Active);
    let setup = Setup::new(world, &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.settled().await;
    for format in ["text", "wide", "json"] {
        let text = stdout(&status(&daemon, &["-o", format]).await);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && text.contains("owned"), "{text}");
    }
}

#[tokio::test]
async fn unreachable_daemon_is_an_error_with_its_fix() {
    let nobody = output(bare(&["status", "--url", "http://127.0.0.1:1"])).await;
    assert_eq!(code(&nobody), 1);
    assert!(stderr(&nobody).contains("--status-listen"), "{}", stderr(&nobody));
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let mut command = setup.command(&["run", "--listen", "127.0.0.1:0", "--status-listen", "none"]);
    command.env("SUBACCOUNTD_LOG_FORMAT", "json");
    let probes = Daemon::start_as_is(command, &setup.dir.path().join(".log")).await;
    let wrong = status(&probes, &[]).await;
    assert_eq!(code(&wrong), 1);
    assert!(
        stderr(&wrong).contains("404") && stderr(&wrong).contains("--status-listen"),
        "{}",
        stderr(&wrong)
    );
    for args in [
        &["status", "--url", "file:///etc/passwd"][..],
        &["status", "--wait", "--revision", "abc"],
        &["status", "--revision", "abcdef0"],
    ] {
        assert_eq!(code(&output(bare(args)).await), 64, "{args:?}");
    }
}

#[tokio::test]
async fn waiting_ends_with_0_when_the_revision_is_applied_and_not_before() {
    let setup = Setup::new(fleet(2, 0), "").await;
    let commit = |revision: &str, word: &str| {
        let folder = setup.dir.path().join("sync").join(revision);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("desired.yaml"), state(&entry(1, word, ""))).unwrap();
        // As git-sync swaps them.
        symlink(&folder, setup.dir.path().join("sync/.new")).unwrap();
        fs::rename(setup.dir.path().join("sync/.new"), setup.dir.path().join("sync/current")).unwrap();
    };
    let (first, second) = ("1".repeat(40), "abcdef".repeat(6) + "0000");
    commit(&first, "active");
    let mut command = setup.command(&["run", "--interval", "1h"]);
    command.env("SUBACCOUNTD_DESIRED", setup.dir.path().join("sync/current/desired.yaml"));
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.settled().await;
    let early = status(&daemon, &["--wait", "--revision", &second[..7], "--timeout", "1s"]).await;
    assert_eq!(code(&early), 1);
    let said = stderr(&early);
    assert!(said.contains(&format!("the daemon has {first}")) && said.contains("--timeout"), "{said}");
    setup.sim.inject(Fault::latency(1_000).on(Operation::UpdateAccount));
    let args = ["--wait", "--revision", &second[..7], "--timeout", "1m"];
    let (ended, ()) = tokio::join!(status(&daemon, &args), async { commit(&second, "suspended") });
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert_eq!(setup.status_of(1), twilio_sim::AccountStatus::Suspended);
    let digest = daemon.status().await["desiredState"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(code(&status(&daemon, &["--wait", "--revision", &digest]).await), 0);
}

#[tokio::test]
async fn waiting_ends_with_3_when_something_is_held_and_with_1_on_a_fault_or_in_a_dry_run() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(9, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    let held = status(&daemon, &["--wait", "--timeout", "20s"]).await;
    assert_eq!(code(&held), 3, "{}", stderr(&held));
    assert!(stdout(&held).contains("UnknownAccount"), "{}", stdout(&held));
    setup.write(&state(&entry(1, "activ", "")));
    eventually("the fault", async || daemon.status().await["desiredState"]["valid"] == false).await;
    let faulty = status(&daemon, &["--wait", "--timeout", "20s"]).await;
    assert_eq!(code(&faulty), 1, "{}", stderr(&faulty));
    assert!(stdout(&faulty).contains("`activ` is not a valid status"), "{}", stdout(&faulty));
    drop(daemon);
    setup.write(&state(&entry(1, "suspended", "")));
    let dry = setup.daemon(&["--dry-run", "--journal-dir", "none"]).await;
    dry.first_pass().await;
    let stuck = status(&dry, &["--wait", "--timeout", "20s"]).await;
    assert_eq!(code(&stuck), 1);
    assert!(stderr(&stuck).contains("in dry-run mode"), "{}", stderr(&stuck));
}

#[tokio::test]
async fn watching_prints_what_changes_and_ends_cleanly_with_a_signal() {
    let setup = Setup::new(fleet(2, 0), &state(&(entry(1, "active", "") + &entry(2, "active", "")))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    let printed = setup.dir.path().join(".printed");
    let mut command = bare(&["status", "--watch", "--url", daemon.url()]);
    command.stdout(fs::File::create(&printed).unwrap()).stderr(Stdio::null());
    let mut watching = command.spawn().unwrap();
    let text = || fs::read_to_string(&printed).unwrap();
    eventually("the table", async || text().contains("2 accounts: 2 in sync")).await;
    setup.write(&state(&(entry(1, "active", "") + &entry(2, "suspended", ""))));
    eventually("the change", async || text().matches(&ac(2)).count() == 2).await;
    assert_eq!(text().matches(&ac(1)).count(), 1, "{}", text());
    assert!(text().contains("suspended   suspended   True"), "{}", text());
    let pid = watching.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || watching.wait().unwrap()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}
