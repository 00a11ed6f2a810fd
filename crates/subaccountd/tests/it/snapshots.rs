//! Snapshots: taken by the daemon or by hand, and plans and explanations made from them without credentials.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, symlink},
    process::Command,
};

use serde_json::{Value, json};
use twilio_sim::AccountStatus;

use crate::support::{
    Setup, TOKEN, ac, bare, code, entry, eventually, flat, fleet, output, phone, state, stderr, stdout,
};

/// A command with this state and nothing else: no credentials, no journal.
fn with_state(setup: &Setup, args: &[&str]) -> Command {
    let mut command = bare(args);
    command.env("SUBACCOUNTD_DESIRED", setup.state_path());
    command
}

async fn plan_from(setup: &Setup, from: &str, more: &[&str]) -> (i32, Value) {
    let ended = output(with_state(setup, &[&["plan", "--from", from, "-o", "json"], more].concat())).await;
    (code(&ended), serde_json::from_str(&stdout(&ended)).unwrap_or_else(|_| panic!("{}", stderr(&ended))))
}

#[tokio::test]
async fn a_snapshot_replaces_a_file_and_no_link_pipe_or_folder() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let at = |name: &str| setup.dir.path().join(name);
    for name in ["there.json", "target"] {
        fs::write(at(name), "mine").unwrap();
    }
    symlink(at("target"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::create_dir(at("folder")).unwrap();
    for (name, words) in [
        ("link", "is a symlink to"),
        ("dangling", "is a symlink to"),
        ("pipe", "is not a regular file"),
        ("folder", "is a folder"),
        ("no/such", "does not exist: create it first"),
    ] {
        let before = at(name).symlink_metadata().ok().map(|there| (there.ino(), there.file_type()));
        let taken = setup.run(&["snapshot", "--out", at(name).to_str().unwrap()]).await;
        assert_eq!(code(&taken), 1, "{name}: {}", stderr(&taken));
        assert!(stderr(&taken).contains(words), "{}", stderr(&taken));
        let after = at(name).symlink_metadata().ok().map(|there| (there.ino(), there.file_type()));
        assert_eq!(before, after, "{name}");
    }
    assert_eq!(setup.sim.requests().len(), 0, "told before the fleet is read");
    assert_eq!(fs::read_to_string(at("target")).unwrap(), "mine");
    let taken = setup.run(&["snapshot", "--out", at("there.json").to_str().unwrap()]).await;
    assert_eq!(code(&taken), 0, "{}", stderr(&taken));
    assert!(fs::read_to_string(at("there.json")).unwrap().starts_with('{'));
}

/// The plan without its times.
fn timeless(mut plan: Value) -> Value {
    for held in plan["held"].as_array_mut().unwrap() {
        held["since"] = Value::Null;
    }
    plan
}

/// A state in which something is done, held for each of several reasons, and left for the next pass.
fn eventful() -> String {
    state(
        &(entry(1, "suspended", "")
            + &entry(2, "active", &format!(", numbers: [\"{}\", \"{}\"]", phone(3), phone(99)))
            + &entry(3, "closed", ", close: {confirm: a3}")
            + &entry(4, "closed", ", close: {confirm: another}")
            + &entry(5, "suspended", ", paused: true")
            + &entry(9, "active", "")),
    )
}

#[tokio::test]
async fn a_plan_from_the_daemons_own_snapshot_is_the_plan_of_its_status() {
    let setup = Setup::new(fleet(6, 4), &eventful()).await;
    let daemon = setup.daemon(&["--interval", "1h", "--max-transfers", "1", "--close-after", "5h"]).await;
    let writes_ended = async || {
        let status = daemon.status().await;
        status["lastPass"]["result"] == "success" && status["plan"]["actions"] == json!([])
    };
    eventually("what can be done is done", writes_ended).await;
    let status = daemon.status().await;
    let (code, plan) = plan_from(&setup, daemon.url(), &[]).await;
    assert_eq!(code, 3);
    assert!(plan["held"].as_array().unwrap().len() >= 5, "{plan}");
    assert_eq!(timeless(plan), timeless(status["plan"].clone()));
}

#[tokio::test]
async fn a_plan_from_a_snapshot_uses_the_settings_of_its_taker_but_those_that_are_given() {
    let setup = Setup::new(fleet(3, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--max-suspends", "1", "--interval", "1h"]).await;
    daemon.settled().await;
    let snapshot = setup.dir.path().join(".snapshot.json");
    fs::write(&snapshot, daemon.get("/snapshot").await.1).unwrap();
    setup.write(&state(&(1..=3).map(|n| entry(n, "suspended", "")).collect::<String>()));
    let from = snapshot.to_str().unwrap();
    let (_, held) = plan_from(&setup, from, &[]).await;
    assert_eq!(held["held"][0]["reason"], "OverLimit", "{held}");
    let (_, done) = plan_from(&setup, from, &["--max-suspends", "3"]).await;
    assert_eq!((done["actions"].as_array().unwrap().len(), &done["held"]), (3, &json!([])));
    let mut by_variable = with_state(&setup, &["plan", "--from", from]);
    by_variable.env("SUBACCOUNTD_MAX_SUSPENDS", "3");
    let text = flat(&output(by_variable).await);
    assert!(text.contains("with its settings, except --max-suspends 3"), "{text}");
    assert!(text.contains("3 to suspend"), "{text}");
}

#[tokio::test]
async fn a_snapshot_by_hand_has_every_list_and_one_of_the_daemon_says_which_it_lacks() {
    let setup = Setup::new(fleet(3, 3), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h", "--dry-run"]).await;
    daemon.settled().await;
    let of_daemon = setup.dir.path().join(".daemon.json");
    fs::write(&of_daemon, daemon.get("/snapshot").await.1).unwrap();
    let by_hand = setup.dir.path().join(".hand.json");
    let taken = setup.run(&["snapshot", "--out", by_hand.to_str().unwrap()]).await;
    assert_eq!((code(&taken), stdout(&taken).as_str()), (0, ""), "{}", stderr(&taken));
    setup.write(&state(
        &(entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))) + &entry(2, "active", "")),
    ));
    let (exit, lacks) = plan_from(&setup, of_daemon.to_str().unwrap(), &[]).await;
    assert_eq!((exit, &lacks["held"], &lacks["actions"]), (3, &json!([]), &json!([])));
    let message = format!(
        "{} is in no number list of the snapshot, which lacks 4 lists, the first that of {}",
        phone(2),
        ac(0)
    );
    let open = json!([{"kind": "transfer", "account": ac(1), "number": phone(2), "message": message}]);
    assert_eq!(lacks["notKnown"], open);
    let words = output(with_state(&setup, &["plan", "--from", of_daemon.to_str().unwrap()])).await;
    assert_eq!(code(&words), 3);
    for part in [
        "0 held; 1 not known from this snapshot",
        "Not known from this snapshot",
        &message,
        "`subaccountd snapshot`",
    ] {
        assert!(flat(&words).contains(part), "{part}: {}", stdout(&words));
    }
    let comment =
        output(with_state(&setup, &["plan", "--from", of_daemon.to_str().unwrap(), "-o", "markdown"])).await;
    assert!(stdout(&comment).contains("**Not known from this snapshot**"), "{}", stdout(&comment));
    let explained = with_state(&setup, &["explain", &phone(2), "--from", of_daemon.to_str().unwrap()]);
    assert!(flat(&output(explained).await).contains("NOT KNOWN from this snapshot"));
    let (exit, plan) = plan_from(&setup, by_hand.to_str().unwrap(), &["--detailed-exitcode"]).await;
    assert_eq!((exit, &plan["actions"][0]["from"]), (2, &ac(2).into()));
    assert_eq!(plan["notKnown"], json!([]));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_snapshot_comes_by_standard_input_too_and_says_how_old_it_is() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let mut snapshot: Value = serde_json::from_str(&stdout(&setup.run(&["snapshot"]).await)).unwrap();
    snapshot["takenAt"] = "2020-01-01T00:00:00Z".into();
    snapshot["twilioTime"] = "2020-01-01T00:00:00Z".into();
    // A key of a later version is ignored.
    snapshot["more"] = json!({"of": "it"});
    snapshot["accounts"][0]["more"] = 1.into();
    let file = setup.dir.path().join(".snapshot.json");
    fs::write(&file, snapshot.to_string()).unwrap();
    let mut command = with_state(&setup, &["plan", "--from", "-"]);
    command.stdin(fs::File::open(&file).unwrap());
    let ended = output(command).await;
    let text = stdout(&ended);
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert!(
        text.contains("Based on the snapshot of 2020-01-01T00:00:00Z") && text.contains("WARNING"),
        "{text}"
    );
    assert!(text.contains("1 to suspend"), "{text}");
}

#[tokio::test]
async fn invalid_snapshot_is_refused_with_its_reason() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let good: Value = serde_json::from_str(&stdout(&setup.run(&["snapshot"]).await)).unwrap();
    let with = |key: &str, value: Value| {
        let mut other = good.clone();
        other[key] = value;
        other.to_string()
    };
    for (text, words) in [
        (String::new(), "not a snapshot of subaccountd"),
        ("<html>".to_owned(), "not a snapshot of subaccountd"),
        ("{\"plan\": {}}".to_owned(), "not a snapshot of subaccountd"),
        (with("format", 2.into()), "format 2"),
        (with("mainAccount", ac(7).into()), "the snapshot is of AC00000000000000000000000000000007"),
        (with("accounts", json!([{}])), "cannot be read"),
        (with("accounts", json!([])), "is missing from Twilio's account list"),
        (with("settings", json!({"max-closes": "many"})), "the settings of the snapshot cannot be read"),
    ] {
        let file = setup.dir.path().join(".other.json");
        fs::write(&file, &text).unwrap();
        let ended = output(with_state(&setup, &["plan", "--from", file.to_str().unwrap()])).await;
        assert_eq!(code(&ended), 1, "{words}: {}", stdout(&ended));
        assert!(stderr(&ended).contains(words), "{words}: {}", stderr(&ended));
    }
    for (from, words) in [
        ("nowhere.json", "nowhere.json"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/snapshot"),
        (setup.sim.url().as_str(), "answered 401"),
    ] {
        let ended = output(with_state(&setup, &["plan", "--from", from])).await;
        assert_eq!(code(&ended), 1, "{from}");
        assert!(stderr(&ended).contains(words), "{from}: {}", stderr(&ended));
    }
}

#[tokio::test]
async fn the_daemon_has_no_snapshot_before_the_first_observation_and_keeps_the_last_one_after() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    setup.sim.inject(twilio_sim::Fault::status(503, 20503).on(twilio_sim::Operation::ListAccounts));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.first_pass().await;
    let (status, words) = daemon.get("/snapshot").await;
    assert_eq!(status, 503);
    assert!(words.contains("nothing was observed yet"), "{words}");
    setup.sim.faults().clear();
    eventually("a snapshot", async || daemon.get("/snapshot").await.0 == 200).await;
    setup.sim.inject(twilio_sim::Fault::status(503, 20503).on(twilio_sim::Operation::ListAccounts));
    eventually("a failed pass", async || daemon.status().await["lastPass"]["result"] == "failed").await;
    let taken = |text: &str| serde_json::from_str::<Value>(text).unwrap()["takenAt"].clone();
    let before = taken(&daemon.get("/snapshot").await.1);
    daemon.more_passes(1).await;
    assert_eq!(taken(&daemon.get("/snapshot").await.1), before);
}

/// I9 for the widest document.
#[tokio::test]
async fn a_snapshot_holds_no_secret() {
    let setup = Setup::new(fleet(3, 3), &eventful()).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    eventually("a snapshot", async || daemon.get("/snapshot").await.0 == 200).await;
    let all = daemon.get("/snapshot").await.1 + &stdout(&setup.run(&["snapshot"]).await);
    assert!(all.contains(&ac(3)) && all.contains(&phone(3)));
    let world = setup.sim.world();
    for token in world.accounts().map(|account| account.auth_token.as_str()).chain([TOKEN]) {
        assert!(!all.contains(token), "a secret is in a snapshot");
    }
}

#[tokio::test]
async fn only_shows_one_account_and_exits_with_what_it_shows() {
    let entries = entry(1, "suspended", "") + &entry(2, "active", "") + &entry(9, "active", "");
    let setup = Setup::new(fleet(3, 0), &state(&entries)).await;
    for (n, expected) in [(1, 2), (2, 0), (3, 0), (9, 3)] {
        let ended = setup.run(&["plan", "--detailed-exitcode", "--only", &ac(n)]).await;
        assert_eq!(code(&ended), expected, "{n}: {}", stdout(&ended));
        assert!(flat(&ended).contains("The whole plan: 0 to reactivate, 0 to transfer, 1 to suspend"));
    }
    let unknown = setup.run(&["plan", "--only", &ac(77)]).await;
    assert_eq!(code(&unknown), 1);
    assert!(stderr(&unknown).contains("neither in the state nor among the accounts"), "{}", stderr(&unknown));
    let json: Value =
        serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json", "--only", &ac(2)]).await)).unwrap();
    let whole: Value = serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json"]).await)).unwrap();
    assert_eq!(
        (&json["digest"], &json["actions"], &json["held"]),
        (&whole["digest"], &json!([]), &json!([]))
    );
}

#[tokio::test]
async fn explain_begins_with_the_verdict() {
    let entries = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))) + &entry(2, "suspended", "");
    let setup = Setup::new(fleet(3, 3), &state(&entries)).await;
    let first = async |setup: &Setup, id: &str| {
        let ended = setup.run(&["explain", id]).await;
        assert_eq!(code(&ended), 0, "{id}: {}", stderr(&ended));
        stdout(&ended).split("\n\n").next().unwrap().replace('\n', " ")
    };
    assert_eq!(
        first(&setup, &ac(2)).await,
        format!("{} (a2): active, desired suspended; suspend is planned", ac(2))
    );
    assert_eq!(
        first(&setup, &phone(2)).await,
        format!("{}: in {} (a2), desired in {} (a1); transfer is planned", phone(2), ac(2), ac(1))
    );
    // In a list that the plan does not need, and by its SID.
    for id in [phone(3), format!("PN{:032x}", 3)] {
        let words =
            format!("{}: in {} (a3); not claimed by any entry: it stays where it is", phone(3), ac(3));
        assert_eq!(first(&setup, &id).await, words);
    }
    for unknown in [ac(77), phone(77), format!("PN{:032x}", 77)] {
        let ended = setup.run(&["explain", &unknown]).await;
        assert_eq!(code(&ended), 1, "{unknown}");
        assert!(stderr(&ended).contains(&unknown), "{}", stderr(&ended));
    }
    for misspelt in ["AC0000001", "+0123", " "] {
        assert_eq!(code(&setup.run(&["explain", misspelt]).await), 64, "{misspelt:?}");
    }
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn account_is_explained_by_its_name_when_only_one_has_it() {
    let world = fleet(2, 2)
        .account(&ac(3), "twice", AccountStatus::Active)
        .account(&ac(4), "twice", AccountStatus::Suspended)
        .account(&ac(5), "a1", AccountStatus::Closed);
    let setup = Setup::new(world, &state(&entry(1, "suspended", ""))).await;
    let by_name = setup.run(&["explain", "a1"]).await;
    assert_eq!(code(&by_name), 0, "{}", stderr(&by_name));
    assert!(stdout(&by_name).starts_with(&format!("{} (a1): active", ac(1))), "a closed one has it too");
    let twice = setup.run(&["explain", "twice"]).await;
    assert_eq!(code(&twice), 1);
    assert!(stderr(&twice).contains(&ac(3)) && stderr(&twice).contains(&ac(4)), "{}", stderr(&twice));
    let nobody = setup.run(&["explain", "nobody"]).await;
    assert_eq!(code(&nobody), 1);
    assert!(stderr(&nobody).contains("no account is named \"nobody\""), "{}", stderr(&nobody));
}

#[tokio::test]
async fn explanation_for_programs_has_planned_and_held_as_the_status_has_them() {
    let entries = entry(1, "closed", ", close: {confirm: a1}") + &entry(9, "active", "");
    let setup = Setup::new(fleet(1, 1), &state(&entries)).await;
    let of = async |id: &str| -> Value {
        let output = setup.run(&["explain", id, "-o", "json"]).await;
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let plan: Value = serde_json::from_str(&stdout(&setup.run(&["plan", "-o", "json"]).await)).unwrap();
    let explained = of(&ac(1)).await;
    let held = &plan["held"].as_array().unwrap().iter().find(|held| held["account"] == ac(1)).unwrap();
    let but_since = |held: &Value| [held["reason"].clone(), held["message"].clone(), held["remedy"].clone()];
    assert_eq!(but_since(&explained["held"][0]), but_since(held));
    assert_eq!(explained["id"], ac(1));
    assert!(explained["verdict"].as_str().unwrap().contains("HELD: StillHoldsNumbers"), "{explained}");
    assert!(explained["close"].as_array().unwrap().iter().any(|step| step["done"] == false), "{explained}");
    let number = of(&phone(1)).await;
    assert_eq!((&number["id"], &number["close"]), (&json!(phone(1)), &json!([])));
    for key in ["desired", "observed", "planned", "history", "remarks"] {
        assert!(number[key].is_array(), "{key}: {number}");
    }
}

#[tokio::test]
async fn explain_reads_a_snapshot_and_the_journal_of_its_taker() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.settled().await;
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    let snapshot = setup.dir.path().join(".snapshot.json");
    fs::write(&snapshot, daemon.get("/snapshot").await.1).unwrap();
    setup.write(&state(&entry(1, "active", "")));
    let ended = output(with_state(&setup, &["explain", &ac(1), "--from", snapshot.to_str().unwrap()])).await;
    let text = stdout(&ended);
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert!(text.contains(&format!("suspend {}: done", ac(1))), "{text}");
    assert!(text.contains("Based on the snapshot of "), "{text}");
}
