//! The whole, as `/status`, the page and `status` show it: the main account, a pause, an outage, and wrong clocks.

use serde_json::{Value, json};
use twilio_sim::{Fault, FaultKind, Operation};

use crate::support::{Daemon, Setup, ac, bare, entry, eventually, fleet, output, phone, state, stdout};

/// A daemon with short passes on these entries.
async fn running(entries: &str, more: &str) -> (Setup, Daemon) {
    let setup = Setup::new(fleet(3, 1), &(state(entries) + more)).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.first_pass().await;
    (setup, daemon)
}

fn condition(status: &Value, n: usize) -> &Value {
    &status["accounts"][n]["conditions"][0]
}

async fn page(daemon: &Daemon) -> String {
    let (code, page) = daemon.get("/").await;
    assert_eq!(code, 200);
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn table(daemon: &Daemon) -> String {
    stdout(&output(bare(&["status", "--url", daemon.url()])).await)
}

#[tokio::test]
async fn main_account_is_shown_everywhere() {
    let (setup, daemon) = running(&entry(1, "active", ""), "").await;
    let name = setup.sim.world().account(&ac(0)).unwrap().friendly_name.clone();
    assert_eq!(daemon.status().await["mainAccount"], json!({"sid": ac(0), "friendlyName": name}));
    let page = page(&daemon).await;
    assert!(page.contains(&ac(0)) && page.contains(&name), "{page}");
    assert!(table(&daemon).await.contains(&format!("main account {} ({name})", ac(0))));
}

#[tokio::test]
async fn main_account_has_no_name_before_it_was_seen() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    setup.sim.inject(Fault::new(FaultKind::Status {
        http: 503,
        code: None,
        after: false,
        retry_after: None,
    }));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.more_passes(1).await;
    let status = daemon.status().await;
    assert_eq!(status["mainAccount"], json!({"sid": ac(0), "friendlyName": null}));
    assert_eq!(condition(&status, 0)["message"], "not observed yet: the last pass failed");
    assert_eq!(status["accounts"][0]["observed"], Value::Null);
    assert!(page(&daemon).await.contains("The last pass was aborted."));
}

#[tokio::test]
async fn pause_is_shown_even_when_nothing_is_to_do() {
    let (setup, daemon) = running(&entry(1, "active", ""), "paused: true\n").await;
    let status = daemon.status().await;
    assert_eq!(status["desiredState"]["paused"], true);
    assert_eq!(status["plan"]["held"], json!([]));
    let shown = page(&daemon).await;
    assert!(
        shown.contains("<b>Paused.</b>") && shown.contains("all in sync · paused · subaccountd"),
        "{shown}"
    );
    assert!(table(&daemon).await.contains("PAUSED"));
    setup.write(&state(&entry(1, "active", "")));
    eventually("no pause", async || daemon.status().await["desiredState"]["paused"] == false).await;
    assert!(!page(&daemon).await.contains("Paused.") && !table(&daemon).await.contains("PAUSED"));
    // What cannot be read may have been a pause.
    setup.write("apiVersion: [\n");
    eventually("a pause", async || daemon.status().await["desiredState"]["paused"] == true).await;
    assert!(page(&daemon).await.contains("and correct the fault that counts as a pause"));
}

#[tokio::test]
async fn outage_keeps_what_was_last_seen_and_says_since_when() {
    let entries = entry(1, "active", "") + &entry(2, "suspended", ", paused: true");
    let (setup, daemon) = running(&entries, "").await;
    let before = daemon.status().await;
    assert_eq!(before["accounts"][1]["observed"], "active");
    setup.sim.inject(
        Fault::new(FaultKind::Status { http: 503, code: None, after: false, retry_after: None })
            .on(Operation::ListAccounts),
    );
    eventually("a failed pass", async || daemon.status().await["lastPass"]["result"] == "failed").await;
    daemon.more_passes(2).await;
    // An entry that is new meanwhile was never seen.
    setup.write(&state(&(entries.clone() + &entry(3, "active", ""))));
    eventually("the new entry", async || daemon.status().await["accounts"].as_array().unwrap().len() == 3)
        .await;
    daemon.more_passes(1).await;
    let status = daemon.status().await;
    assert_eq!(status["mainAccount"], before["mainAccount"]);
    for n in [0, 1] {
        for key in ["observed", "friendlyName"] {
            assert_eq!(status["accounts"][n][key], before["accounts"][n][key], "{key}");
        }
        assert_eq!(condition(&status, n)["status"], "Unknown");
        assert_eq!(condition(&status, n)["reason"], "Unreadable");
        let message = condition(&status, n)["message"].as_str().unwrap();
        let since = message.strip_prefix("not observed since ").unwrap().split(": ").next().unwrap();
        assert!(since.parse::<jiff::Timestamp>().is_ok(), "{message}");
    }
    assert_eq!(status["accounts"][2]["observed"], Value::Null);
    assert_eq!(condition(&status, 2)["message"], "not observed yet: the last pass failed");
    let shown = page(&daemon).await;
    for words in [
        "The last pass was aborted.",
        "Failing since",
        "accounts last observed",
        "The plan below is the last known one.",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(table(&daemon).await.contains(" active "));
    setup.sim.faults().clear();
    eventually("a success", async || daemon.status().await["lastPass"]["result"] == "success").await;
    let after = daemon.status().await;
    assert_eq!(condition(&after, 0)["status"], "True");
    assert_eq!(after["accounts"][2]["observed"], "active");
    assert!(!page(&daemon).await.contains("was aborted"));
}

#[tokio::test]
async fn counts_name_what_they_count() {
    // One account with two held numbers, and the main account with a third.
    let claims = format!(", numbers: [\"{}\", \"{}\"]", phone(8), phone(9));
    let desired = state(&entry(1, "active", &claims))
        .replace(&format!("{{sid: {}}}", ac(0)), &format!("{{sid: {}, numbers: [\"{}\"]}}", ac(0), phone(7)));
    let setup = Setup::new(fleet(1, 0), &desired).await;
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    let shown = page(&daemon).await;
    assert!(shown.contains("<title>2 accounts need you · subaccountd</title>"), "{shown}");
    assert!(shown.contains("Listed accounts") && shown.contains("Held items: needs you"), "{shown}");
    assert!(shown.contains("Beside them, items are held for the main account"), "{shown}");
    let summary = table(&daemon).await;
    assert!(
        summary.contains("1 account: 0 in sync, 1 not in sync") && summary.contains("3 items held"),
        "{summary}"
    );
    assert!(!summary.contains("1 accounts"), "{summary}");
}

#[tokio::test]
async fn clock_that_is_wrong_has_a_banner() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.first_pass().await;
    assert!(!page(&daemon).await.contains("The clocks disagree."));
    setup.sim.faults().clock_offset_seconds = 15 * 60 + 30;
    eventually("the banner", async || page(&daemon).await.contains("is 15 min behind Twilio")).await;
}

#[tokio::test]
async fn name_of_the_main_account_is_data() {
    let hostile = "<script>##[x]\n::y";
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    setup.sim.edit_account(&ac(0), |account| account.friendly_name = hostile.to_owned()).unwrap();
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    assert!(!page(&daemon).await.contains("<script>"));
    let summary = table(&daemon).await;
    assert!(
        !summary.contains("##[") && !summary.lines().any(|line| line.trim_start().starts_with("::")),
        "{summary}"
    );
}

#[tokio::test]
async fn obstacle_of_a_close_is_told_on_the_first_day() {
    let terms = format!(", close: {{confirm: a1, release: [\"{}\"]}}", phone(1));
    let setup = Setup::new(fleet(1, 1), &state(&entry(1, "closed", &terms))).await;
    setup.observed().await;
    let close = async |args: &[&str]| {
        let ended = setup.run(&[&["plan", "-o", "json"], args].concat()).await;
        let plan: Value = serde_json::from_str(&stdout(&ended)).unwrap();
        let held = plan["held"].as_array().unwrap().iter().find(|held| held["kind"] == "close").unwrap();
        assert_eq!(held["reason"], "CoolingOff");
        (held["message"].as_str().unwrap().to_owned(), held["remedy"].as_str().unwrap().to_owned())
    };
    let (message, remedy) = close(&[]).await;
    assert!(
        message.contains("then it is held as `OverLimit`: it would release 1 number, over the limit of 0"),
        "{message}"
    );
    assert!(remedy.contains("raise `--max-released-numbers` to at least 1"), "{remedy}");
    let (message, _) = close(&["--max-released-numbers", "1"]).await;
    assert!(!message.contains("then it is held"), "{message}");
    let (message, remedy) = close(&["--max-released-numbers", "1", "--verbs", "suspend"]).await;
    assert!(
        message.contains("`NotAllowed`") && remedy.contains("add `close` to `--verbs`"),
        "{message}; {remedy}"
    );
}
