//! Names that differ invisibly, and files that are mounted alone.

use std::{fs, process::Command};

use super::valid;
use crate::{
    namespace,
    support::{Daemon, Setup, ac, entry, fleet, state, stdout, world},
};
use twilio_sim::AccountStatus;

#[tokio::test]
async fn names_that_look_alike_are_told_apart_by_code_point() {
    for (written, live, told) in [
        (
            "\u{430}cme",
            "acme",
            "character 1: `\u{430}` (U+0430, Cyrillic) in the state, `a` (U+0061) at Twilio",
        ),
        ("ac\u{200b}me", "acme", "character 3: U+200B in the state, `m` (U+006D) at Twilio"),
        ("Muller Co", "Muller\u{a0}Co", "character 7: U+0020, a space in the state, U+00A0 at Twilio"),
        ("bi11", "bill", "character 3: `1` (U+0031) in the state, `l` (U+006C) at Twilio"),
    ] {
        let entries = entry(1, "suspended", &format!(", friendlyName: \"{written}\""));
        let setup = Setup::new(world().account(&ac(1), live, AccountStatus::Active), &state(&entries)).await;
        let planned = stdout(&setup.run(&["plan", "-o", "json"]).await);
        let plan: serde_json::Value = serde_json::from_str(&planned).unwrap();
        let held = &plan["held"][0];
        assert_eq!(held["reason"], "NameMismatch", "{planned}");
        assert!(held["message"].as_str().unwrap().contains(told), "{held}");
    }
}

#[tokio::test]
async fn a_block_text_shows_its_line_break_and_the_way_to_leave_it_out() {
    let entries = format!("  - sid: {}\n    status: suspended\n    friendlyName: |\n      a1\n", ac(1));
    let setup = Setup::new(fleet(1, 0), &state(&entries)).await;
    let planned = stdout(&setup.run(&["plan", "-o", "json"]).await);
    let plan: serde_json::Value = serde_json::from_str(&planned).unwrap();
    let held = &plan["held"][0];
    assert_eq!(held["reason"], "NameMismatch", "{planned}");
    assert!(held["message"].as_str().unwrap().contains(r#"`friendlyName` is "a1\n""#), "{held}");
    assert!(held["remedy"].as_str().unwrap().contains("`|-` instead of `|`"), "{held}");
    setup.write(&state(&entries.replace("|\n", "|-\n")));
    let planned = stdout(&setup.run(&["plan", "-o", "json"]).await);
    assert!(!planned.contains("NameMismatch"), "{planned}");
}

/// A daemon with the state at `state/desired.yaml`, after `script`.
async fn mounted(script: &str) -> (Setup, Daemon) {
    let setup = Setup::new(fleet(1, 0), &valid()).await;
    let folder = setup.dir.path().join("state");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("desired.yaml"), "").unwrap();
    let mut run = setup.command(&["run", "--desired", folder.join("desired.yaml").to_str().unwrap()]);
    run.args(["--interval", "200ms"]).env("SUBACCOUNTD_LISTEN", "127.0.0.1:0");
    run.env("SUBACCOUNTD_STATUS_LISTEN", "127.0.0.1:0").env("SUBACCOUNTD_LOG_FORMAT", "json");
    let script = script.replace("DIR", setup.dir.path().to_str().unwrap());
    let command: Command = namespace::inside(&script, &run);
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    (setup, daemon)
}

#[tokio::test]
async fn a_file_that_is_mounted_alone_is_told_once() {
    let (_setup, daemon) = mounted("mount --bind DIR/desired.yaml DIR/state/desired.yaml").await;
    daemon.more_passes(3).await;
    let log = daemon.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains("is mounted alone")).collect();
    assert!(matches!(told[..], [line] if line.contains("WARN") && line.contains("subPath")), "{log}");
    assert!(told[0].contains("state/desired.yaml"), "{log}");
}

#[tokio::test]
async fn a_folder_that_is_mounted_is_not_told() {
    let script = "mkdir DIR/real && cp DIR/desired.yaml DIR/real && mount --bind DIR/real DIR/state";
    let (_setup, daemon) = mounted(script).await;
    daemon.more_passes(2).await;
    assert!(!daemon.log().contains("is mounted alone"), "{}", daemon.log());
}
