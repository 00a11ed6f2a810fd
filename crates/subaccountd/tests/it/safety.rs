//! The invariants of the design, end to end.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use crate::support::{
    Setup, TOKEN, ac, bare, code, entry, eventually, fleet, output, phone, state, stderr, stdout,
};

/// I3: the main account is never a target of a status change, even when the state says so.
#[tokio::test]
async fn the_main_account_is_never_suspended() {
    let entries = entry(0, "suspended", "") + &entry(1, "suspended", "");
    let setup = Setup::new(fleet(1, 0), &state(&entries)).await;
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 1);
    assert!(stderr(&applied).contains("is the main account, not a subaccount"), "{}", stderr(&applied));
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
    assert!(setup.posts().iter().all(|path| !path.contains(&format!("Accounts/{}.json", ac(0)))));
}

/// I4: a transfer that took effect despite a failed answer is not made twice, and no number is lost.
#[tokio::test]
async fn a_transfer_that_happened_behind_a_lost_answer_is_not_made_twice() {
    let entries = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2)));
    let setup = Setup::new(fleet(2, 2), &state(&entries)).await;
    setup.sim.inject(Fault::reset_after().on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    assert_eq!(setup.posts().len(), 1);
    assert_eq!(setup.owner(2), ac(1));
    assert_eq!(daemon.metric("subaccountd_actions_total{kind=\"transfer\",result=\"unknown\"}").await, 1.0);
}

/// I1: a list that lost a row between the two looks stops the close.
#[tokio::test]
async fn a_close_is_not_made_when_the_second_look_differs() {
    let entries = entry(1, "closed", &format!(", close: {{confirm: a1, release: [\"{}\"]}}", phone(1)));
    let setup = Setup::new(fleet(1, 1), &state(&entries)).await;
    setup.suspend_elsewhere(1);
    // The first look sees the number, the second one a list without it.
    setup.sim.inject(
        Fault::new(FaultKind::Rows { drop: 1, end: false }).on(Operation::ListNumbers).skip(1).times(1),
    );
    let applied = setup.run(&["apply", "--close-after", "0s", "--max-released-numbers", "1"]).await;
    assert!(
        stderr(&applied).contains("changed since it was planned: 1 number then, 0 now"),
        "{}",
        stderr(&applied)
    );
    let posts = setup.posts();
    assert_eq!(posts.len(), 1, "the close is made by a later pass only: {posts:?}");
}

/// I2: no number is released except one that is named.
#[tokio::test]
async fn account_that_holds_an_unnamed_number_is_not_closed() {
    let entries = entry(1, "closed", ", close: {confirm: a1}");
    let setup = Setup::new(fleet(1, 1), &state(&entries)).await;
    let applied = setup.run(&["apply", "--close-after", "0s", "--max-released-numbers", "9"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("StillHoldsNumbers"), "{}", stdout(&applied));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

/// I7: a command that must not write sends nothing but GET.
#[tokio::test]
async fn a_plan_and_a_dry_run_send_nothing_but_get() {
    let entries = entry(1, "suspended", "") + &entry(2, "active", &format!(", numbers: [\"{}\"]", phone(1)));
    let setup = Setup::new(fleet(2, 1), &state(&entries)).await;
    for args in
        [vec!["plan"], vec!["plan", "-o", "json"], vec!["apply", "--dry-run"], vec!["apply", "--dry-run=1"]]
            .into_iter()
            .chain([vec!["plan", "-o", "markdown", "--only", &ac(1)], vec!["snapshot"]])
            .chain([vec!["explain", &ac(1)], vec!["explain", &phone(1)], vec!["explain", &phone(9)]])
    {
        setup.run(&args).await;
    }
    let daemon = setup.daemon(&["--dry-run", "--interval", "50ms"]).await;
    daemon.more_passes(2).await;
    assert_eq!(daemon.metric("subaccountd_planned_actions{kind=\"suspend\"}").await, 1.0);
    assert_eq!(setup.posts(), Vec::<String>::new());
    assert!(setup.sim.requests().len() > 10);
}

/// I9: no secret is shown anywhere, at the most verbose level, when everything fails.
#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let entries = entry(1, "suspended", "")
        + &entry(2, "active", &format!(", numbers: [\"{}\"]", phone(1)))
        + &entry(3, "closed", ", close: {confirm: a3}");
    let setup = Setup::new(fleet(3, 1), &state(&entries)).await;
    setup.sim.inject(Fault::new(FaultKind::Junk).on(Operation::ListNumbers).times(2));
    setup.sim.inject(Fault::status(500, 20500).on(Operation::UpdateAccount).times(1));
    setup.sim.inject(Fault::status(401, 20003).on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&["--interval", "100ms", "--close-after", "0s", "--log", "trace"]).await;
    eventually("closed", async || setup.status_of(3) == AccountStatus::Closed).await;
    daemon.more_passes(2).await;
    let mut shown = daemon.log();
    for path in ["/status", "/metrics", "/"] {
        shown += &daemon.get(path).await.1;
    }
    let plan = setup.run(&["plan", "--log", "trace"]).await;
    shown += &(stdout(&plan) + &stderr(&plan));
    let tokens: Vec<String> = setup
        .sim
        .world()
        .accounts()
        .map(|account| account.auth_token.clone())
        .chain([TOKEN.to_owned()])
        .collect();
    assert!(tokens.len() >= 4 && shown.len() > 10_000, "{}", shown.len());
    for token in tokens {
        assert!(!shown.contains(&token), "a secret is shown");
    }
    let basic = "QUMwMDAw";
    assert!(!shown.contains(basic), "an authorization header is shown");
}

/// The state file cannot hold a secret.
#[tokio::test]
async fn the_state_has_no_place_for_a_secret() {
    let schema = stdout(&output(bare(&["schema"])).await);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut keys = BTreeSet::new();
    property_names(&schema, &mut keys);
    assert!(keys.contains("confirm") && keys.contains("addressSid"), "{keys:?}");
    for key in keys {
        let key = key.to_lowercase();
        for word in ["token", "secret", "password", "key", "auth", "credential"] {
            assert!(!key.contains(word), "{key}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.yaml");
    fs::write(&path, state("").replace("subaccounts:\n", "authToken: x\n")).unwrap();
    let ended = output(bare(&["validate", path.to_str().unwrap()])).await;
    assert_eq!(code(&ended), 1);
    assert!(stdout(&ended).contains("unknown key `authToken`"), "{}", stdout(&ended));
}

/// The names of all properties, at every level of a JSON Schema.
fn property_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                names.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| property_names(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| property_names(value, names)),
        _ => {}
    }
}

/// A wrong clock stops closes and nothing else.
#[tokio::test]
async fn nothing_is_closed_while_the_clocks_disagree() {
    let entries = entry(1, "closed", ", close: {confirm: a1}") + &entry(2, "suspended", "");
    let setup = Setup::new(fleet(2, 0), &state(&entries)).await;
    setup.sim.faults().clock_offset_seconds = 600;
    let applied = setup.run(&["apply", "--close-after", "0s"]).await;
    assert_eq!(code(&applied), 3);
    assert!(stdout(&applied).contains("CoolingOff"), "{}", stdout(&applied));
    assert_eq!(
        (setup.status_of(1), setup.status_of(2)),
        (AccountStatus::Suspended, AccountStatus::Suspended)
    );
}

/// A limit holds an action kind as a whole, and the other kinds go on.
#[tokio::test]
async fn too_many_suspensions_are_held_whole_and_a_reactivation_goes_on() {
    let mut entries: String = (1..=3).map(|n| entry(n, "suspended", "")).collect();
    entries += &entry(4, "active", "");
    let setup = Setup::new(fleet(4, 0), &state(&entries)).await;
    setup.observed().await;
    setup.suspend_elsewhere(4);
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 3);
    assert!(
        stdout(&applied).contains("OverLimit") && stdout(&applied).contains("--max-suspends"),
        "{}",
        stdout(&applied)
    );
    assert_eq!(setup.posts().len(), 1);
    assert_eq!(setup.status_of(4), AccountStatus::Active);
}

/// An error page in place of the account list is not an empty fleet.
#[tokio::test]
async fn a_half_account_list_changes_nothing() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "suspended", ""))).await;
    setup.sim.inject(Fault::new(FaultKind::Junk).on(Operation::ListAccounts));
    let applied = setup.run(&["apply"]).await;
    assert_eq!(code(&applied), 1);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

/// A change that no watcher reported is found right before the close.
#[tokio::test]
async fn a_close_is_not_made_when_the_state_changed_unnoticed() {
    let setup = Setup::new(fleet(2, 0), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
    setup.suspend_elsewhere(1);
    // One-shot runs watch nothing: the change falls between reading the state and the close.
    setup.sim.inject(Fault::latency(1_000).on(Operation::ListNumbers).times(1));
    let command = setup.command(&["apply", "--close-after", "0s"]);
    let applied = tokio::spawn(output(command));
    eventually("it looks", async || {
        setup.sim.requests().iter().any(|r| r.operation == Some(Operation::ListNumbers))
    })
    .await;
    setup.write(&state(&entry(2, "active", "")));
    let applied = applied.await.unwrap();
    assert!(stderr(&applied).contains("the desired state changed since"), "{}", stderr(&applied));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

/// One-shot runs watch nothing, and still begin no write for a state that was replaced.
#[tokio::test]
async fn apply_stops_writing_when_the_state_changes() {
    let entries: String = (1..=8).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(8, 0), &state(&entries)).await;
    setup.sim.inject(Fault::latency(300).on(Operation::UpdateAccount));
    let command = setup.command(&["apply", "--max-in-flight", "1", "--max-suspends", "100%"]);
    let applied = tokio::spawn(output(command));
    eventually("the first write", async || setup.status_of(1) == AccountStatus::Suspended).await;
    setup.write(&state(&entry(1, "suspended", "")));
    assert_eq!(code(&applied.await.unwrap()), 0);
    assert_eq!(setup.status_of(8), AccountStatus::Active);
}

/// A decision that was withdrawn and made again during one long pass was withdrawn.
#[tokio::test]
async fn close_withdrawn_during_a_long_pass_rests_anew() {
    let closed = state(&entry(1, "closed", ", close: {confirm: a1}"));
    let setup = Setup::new(fleet(1, 0), &closed).await;
    setup.suspend_elsewhere(1);
    let daemon = setup.daemon(&["--interval", "200ms"]).await;
    let held = async || daemon.status().await["plan"]["held"][0]["message"].to_string();
    eventually("it rests", async || held().await.contains("cooling-off period of 72h since")).await;
    let before = held().await;
    setup.sim.faults().clock_offset_seconds = 4;
    daemon.more_passes(2).await;
    setup.sim.inject(Fault::latency(4_000).on(Operation::ListAccounts).times(1));
    let struck = || setup.sim.faults().list[0].seen > 0;
    eventually("a long pass", async || struck()).await;
    setup.write(&state(&entry(1, "suspended", "")));
    let journal = setup.journal_dir().join("journal.jsonl");
    let withdrawn = || fs::read_to_string(&journal).unwrap().contains("closeWithdrawn");
    eventually("it is withdrawn", async || withdrawn()).await;
    let unanswered = setup.sim.requests().iter().filter(|request| request.status.is_none()).count();
    assert_eq!(unanswered, 1, "the pass is over");
    setup.write(&closed);
    daemon.more_passes(2).await;
    eventually("a new rest", async || {
        let after = held().await;
        after.contains("cooling-off period of 72h since") && after != before
    })
    .await;
}

/// A decision that is withdrawn while Twilio is unreachable counts as withdrawn.
#[tokio::test]
async fn a_close_withdrawn_during_an_outage_rests_anew() {
    let closed = state(&entry(1, "closed", ", close: {confirm: a1}"));
    let setup = Setup::new(fleet(1, 0), &closed).await;
    setup.suspend_elsewhere(1);
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    let held = async || daemon.status().await["plan"]["held"][0]["message"].to_string();
    eventually("it rests", async || held().await.contains("cooling-off period of 72h since")).await;
    let before = held().await;
    // Times are whole seconds, and on a busy machine an answer is taken in a second or two after its date.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    setup.sim.inject(Fault::status(404, 20404).on(Operation::ListAccounts));
    setup.write(&state(&entry(1, "suspended", "")));
    daemon.more_passes(2).await;
    setup.write(&closed);
    daemon.more_passes(2).await;
    setup.sim.faults().clear();
    daemon.more_passes(2).await;
    eventually("a new rest", async || {
        let after = held().await;
        after.contains("cooling-off period of 72h since") && after != before
    })
    .await;
}
