//! The revision of the state and the places of its entries, in the status, the journal and the log.

use std::fs;

use serde_json::Value;

use crate::support::{Setup, ac, code, entry, eventually, fleet, output, phone, state, stderr, stdout};

/// The lines of the journal with this event.
fn lines(setup: &Setup, event: &str) -> Vec<Value> {
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    let all = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|line| line["event"] == event).collect()
}

#[tokio::test]
async fn revision_of_a_file_is_told_and_followed() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let file = setup.dir.path().join("revisions").join("current");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "v1.4.2 of the fleet\n").unwrap();
    let path = file.display().to_string();
    let daemon = setup.daemon(&["--interval", "1h", "--revision-file", &path]).await;
    daemon.settled().await;
    assert_eq!(daemon.status().await["desiredState"]["revision"], "v1.4.2");
    assert_eq!(daemon.metric(r#"subaccountd_desired_state_info{revision="v1.4.2"}"#).await, 1.0);
    fs::write(&file, "v1.4.3\n").unwrap();
    let wait = |revision: &str| {
        let mut command = setup.command(&["status", "--wait", "--timeout", "20s", "--revision", revision]);
        command.arg("--url").arg(daemon.url());
        output(command)
    };
    let waited = wait("v1.4.3").await;
    assert_eq!(code(&waited), 0, "{}", stderr(&waited));
    fs::remove_file(&file).unwrap();
    setup.write(&state(&entry(1, "active", ", reason: edited")));
    eventually("no revision", async || daemon.status().await["desiredState"]["revision"] == Value::Null)
        .await;
    eventually("told", async || daemon.log().contains("revision of the desired state is unknown")).await;
    fs::write(&file, "v1.4.4").unwrap();
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("suspended", async || !lines(&setup, "outcome").is_empty()).await;
    assert_eq!(lines(&setup, "intent")[0]["audit"]["revision"], "v1.4.4");
}

#[tokio::test]
async fn commit_of_a_link_comes_before_the_word_of_a_file() {
    let setup = Setup::new(fleet(1, 0), "").await;
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let folder = setup.dir.path().join(commit);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("desired.yaml"), state(&entry(1, "suspended", ""))).unwrap();
    std::os::unix::fs::symlink(commit, setup.dir.path().join("current")).unwrap();
    let file = setup.dir.path().join("revision");
    fs::write(&file, "another").unwrap();
    let mut command = setup.command(&["apply"]);
    command.env("SUBACCOUNTD_DESIRED", setup.dir.path().join("current/desired.yaml"));
    command.env("SUBACCOUNTD_REVISION_FILE", &file);
    assert_eq!(code(&output(command).await), 0);
    assert_eq!(lines(&setup, "intent")[0]["audit"]["revision"], commit);
}

/// The journal says which line of which file asked for a write; what nothing claims is moved for the entry that closes.
#[tokio::test]
async fn journal_names_the_file_and_the_line_of_the_entry_behind_each_write() {
    let setup = Setup::new(fleet(3, 3), "").await;
    fs::remove_file(setup.state_path()).unwrap();
    let folder = setup.state_path().join("customers");
    fs::create_dir_all(&folder).unwrap();
    fs::write(setup.state_path().join("main.yaml"), state("  []\n")).unwrap();
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts:\n";
    let claim = format!(", numbers: [\"{}\"]", phone(2));
    fs::write(folder.join("acme.yaml"), format!("{head}{}", entry(1, "active", &claim))).unwrap();
    let close = ", close: {confirm: a3, moveNumbersToMain: true}";
    let two = entry(2, "suspended", "") + "  # to be closed\n" + &entry(3, "closed", close);
    fs::write(folder.join("globex.yaml"), format!("{head}{two}")).unwrap();
    let applied = setup.run(&["apply", "--log-format", "json"]).await;
    let place = |file: &str, line: u32| format!("{}:{line}", folder.join(file).display());
    let mut places: Vec<_> = lines(&setup, "intent")
        .iter()
        .map(|line| {
            let kind = line["write"]["kind"].as_str().unwrap().to_owned();
            (kind, line["audit"]["place"].as_str().unwrap().to_owned())
        })
        .collect();
    places.sort();
    let expected = [
        ("suspend", place("globex.yaml", 4)),
        ("suspend", place("globex.yaml", 6)),
        ("transfer", place("acme.yaml", 4)),
        ("transfer", place("globex.yaml", 6)),
    ];
    assert_eq!(places, expected.map(|(kind, place)| (kind.to_owned(), place)), "{}", stderr(&applied));
    let done = lines(&setup, "outcome");
    assert!(done.iter().all(|line| line["audit"]["place"].is_string()), "{done:?}");
    let log = stderr(&applied);
    assert!(log.contains(&format!(r#""entry.place":"{}""#, place("acme.yaml", 4))), "{log}");
    let shown = stdout(&setup.run(&["journal"]).await);
    assert!(shown.contains(&format!("entry: {}", place("acme.yaml", 4))), "{shown}");
}

#[tokio::test]
async fn created_account_is_named_by_the_place_of_its_entry() {
    let entries = "  - friendlyName: acme\n    status: suspended\n";
    let setup = Setup::new(fleet(1, 0), &state(entries)).await;
    let applied = setup.run(&["apply", "--verbs", "default,create"]).await;
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    let place = format!("{}:5", setup.state_path().display());
    let places: Vec<_> = lines(&setup, "intent").iter().map(|line| line["audit"]["place"].clone()).collect();
    assert_eq!(places, [place.clone(), place], "the create, and then the suspension of {}", ac(1));
}
