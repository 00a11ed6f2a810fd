//! Windows, allowances and urgent entries of the desired state, with the real binary.

use std::fs;

use jiff::ToSpan;
use serde_json::Value;
use twilio_sim::AccountStatus;

use crate::support::{Setup, code, entry, eventually, flat, fleet, state, stderr};

/// The state of `entries`, with `lists` beside its main account.
fn with(lists: &str, entries: &str) -> String {
    format!("{lists}\n{}", state(entries))
}

/// `n` accounts that are to be suspended.
fn to_suspend(n: u64) -> String {
    (1..=n).map(|n| entry(n, "suspended", "")).collect()
}

#[tokio::test]
async fn window_holds_what_takes_away_and_lets_the_rest_go_on() {
    let entries = entry(1, "suspended", "") + &entry(2, "active", "");
    let always = "windows: [{schedule: '* * * * *', duration: 1h, timeZone: Asia/Kathmandu, reason: no changes today}]";
    let setup = Setup::new(fleet(2, 0), &state(&entry(2, "active", ""))).await;
    setup.observed().await;
    setup.suspend_elsewhere(2);
    setup.write(&with(always, &entries));
    let applied = setup.run(&["apply", "--reactivation", "always"]).await;
    assert_eq!(code(&applied), 3, "{}", stderr(&applied));
    let shown = flat(&applied);
    assert!(shown.contains("OutsideWindow") && shown.contains("no changes today"), "{shown}");
    assert_eq!(
        (setup.status_of(1), setup.status_of(2)),
        (AccountStatus::Active, AccountStatus::Active),
        "a reactivation is not among the default verbs of a window"
    );
    setup.write(&with("windows: []", &entries));
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn window_that_is_written_into_the_state_holds_a_running_daemon_until_it_is_removed() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    let window = "windows: [{schedule: '*/5 * * * *', duration: 1h}]";
    setup.write(&with(window, &entry(1, "suspended", "")));
    eventually("the window holds", async || {
        let status = daemon.status().await;
        status["plan"]["held"][0]["reason"] == "OutsideWindow"
            && status["accounts"][0]["conditions"][0]["reason"] == "OutsideWindow"
    })
    .await;
    assert_eq!(setup.posts(), Vec::<String>::new());
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("it is suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
}

#[tokio::test]
async fn allowance_lets_a_wave_go_on_and_the_journal_names_it() {
    let setup = Setup::new(fleet(4, 0), &state(&to_suspend(4))).await;
    let until = setup.sim.now() + 24.hours();
    let allowance =
        format!("allowances: [{{verb: suspend, upTo: 4, until: \"{until}\", reason: end of the trials}}]");
    let held = flat(&setup.run(&["plan"]).await);
    assert!(held.contains("add `allowances: [{verb: suspend, upTo: 4, until: "), "{held}");
    setup.write(&with(&allowance, &to_suspend(4)));
    let ignored = setup.run(&["apply", "--allowances", "ignore"]).await;
    assert_eq!(code(&ignored), 3);
    let ignored = flat(&ignored);
    assert!(
        ignored.contains("under `--allowances ignore`, allowances of the desired state do not count"),
        "{ignored}"
    );
    assert_eq!(setup.posts(), Vec::<String>::new());
    assert_eq!(code(&setup.run(&["apply"]).await), 0);
    assert_eq!(setup.posts().len(), 4);
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let intents: Vec<_> = lines.filter(|line| line["event"] == "intent").collect();
    assert_eq!(intents.len(), 4);
    for intent in intents {
        assert_eq!(intent["audit"]["allowances"][0]["reason"], "end of the trials", "{intent}");
        assert_eq!(intent["audit"]["allowances"][0]["upTo"], 4);
    }
}

#[tokio::test]
async fn urgent_entry_goes_on_while_the_others_of_its_verb_wait() {
    let entries = to_suspend(3) + &entry(4, "suspended", ", urgent: true");
    let setup = Setup::new(fleet(4, 0), &state(&entries)).await;
    assert_eq!(code(&setup.run(&["apply"]).await), 3);
    assert_eq!(setup.status_of(4), AccountStatus::Suspended);
    assert_eq!(setup.posts().len(), 1);
}
