//! Calls that are ended after a suspension, by the real binary: which, when, how often, and which never.

use std::fs;

use serde_json::{Value, json};
use twilio_sim::{CallStatus, Fault, Operation, Policy};

use crate::support::{Setup, ac, code, entry, eventually, fleet, state, stdout};

const EAGER: [&str; 4] = ["--interval", "200ms", "--max-suspends", "100%"];

fn ca(n: u64) -> String {
    format!("CA{n:032x}")
}

/// The entry of account 1, whose calls are ended.
fn ended() -> String {
    state(&entry(1, "suspended", ", endCalls: true"))
}

/// Accounts 1 and 2 with a call in progress, a ringing and a queued one each, and an emergency call of account 1.
async fn setup(text: &str) -> Setup {
    let setup = Setup::new(fleet(2, 0), text).await;
    for account in [1, 2] {
        for (n, status) in
            [CallStatus::InProgress, CallStatus::Ringing, CallStatus::Queued].iter().enumerate()
        {
            let sid = ca(10 * account + u64::try_from(n).unwrap());
            setup.sim.begin_call(&sid, &ac(account), *status).unwrap();
        }
    }
    setup.sim.begin_call(&ca(99), &ac(1), CallStatus::InProgress).unwrap();
    setup.sim.edit_call(&ca(99), |call| "911".clone_into(&mut call.to)).unwrap();
    setup
}

/// The statuses of the calls, by SID.
fn statuses(setup: &Setup) -> Vec<&'static str> {
    setup.sim.world().calls().map(|call| call.status.as_str()).collect()
}

fn asked(setup: &Setup, operation: Operation) -> usize {
    setup.sim.requests().iter().filter(|request| request.operation == Some(operation)).count()
}

const DONE: [&str; 7] =
    ["completed", "canceled", "canceled", "in-progress", "ringing", "queued", "in-progress"];

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_suspended_account_end_and_those_of_others_and_emergency_calls_go_on() {
    let setup = setup(&ended()).await;
    let applied = setup.run(&["apply", "--max-suspends", "100%"]).await;
    assert_eq!(code(&applied), 0, "{}", stdout(&applied));
    assert_eq!(statuses(&setup), DONE);
    let writes: Vec<_> =
        setup.sim.requests().into_iter().filter(|request| request.method == "POST").collect();
    assert_eq!(writes[0].operation, Some(Operation::UpdateAccount), "it is suspended first");
    assert_eq!(writes.len(), 4);
    for request in &writes[1..] {
        assert_eq!(request.account.as_deref(), Some(ac(1).as_str()));
    }
    let journal = setup.run(&["journal"]).await;
    assert!(
        stdout(&journal).contains(&format!("3 calls of {}  done: 3 over", ac(1))),
        "{}",
        stdout(&journal)
    );
    let explained = stdout(&setup.run(&["explain", &ac(1)]).await);
    assert!(explained.contains("no call is left to end in this suspension"), "{explained}");
    assert!(explained.contains("its calls are ended once it is suspended"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_at_rest_makes_no_request_for_calls() {
    let setup = setup(&ended()).await;
    let daemon = setup.daemon(&EAGER).await;
    eventually("the calls end", async || statuses(&setup) == DONE).await;
    daemon.settled().await;
    daemon.more_passes(1).await;
    let before = asked(&setup, Operation::ListCalls);
    setup.sim.begin_call(&ca(50), &ac(1), CallStatus::InProgress).unwrap();
    daemon.more_passes(3).await;
    drop(daemon);
    let daemon = setup.daemon(&EAGER).await;
    daemon.more_passes(2).await;
    assert_eq!(asked(&setup, Operation::ListCalls), before, "over a restart too");
    assert_eq!(setup.sim.world().call(&ca(50)).unwrap().status, CallStatus::InProgress);
    let ended = r#"subaccountd_twilio_requests_total{operation="list_calls",outcome="ok"}"#;
    assert!(daemon.metric(ended).await.abs() < 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_status_show_how_many_calls_end_and_send_nothing() {
    let setup = setup(&ended()).await;
    setup.suspend_elsewhere(1);
    let planned = setup.run(&["plan", "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&stdout(&planned)).unwrap();
    let expected = json!([{"kind": "endCalls", "account": ac(1), "number": null, "from": null, "to": null, "name": null, "count": 3}]);
    assert_eq!(plan["actions"], expected);
    let text = stdout(&setup.run(&["plan"]).await);
    assert!(text.contains("1 with calls to end") && text.contains("endCalls    3 calls"), "{text}");
    let markdown = stdout(&setup.run(&["plan", "-o", "markdown"]).await);
    assert!(markdown.contains("| endCalls |") && markdown.contains("| `3` calls |"), "{markdown}");
    let daemon = setup.daemon(&["--dry-run", "--interval", "200ms"]).await;
    daemon.first_pass().await;
    let status = daemon.status().await;
    assert_eq!(status["accounts"][0]["conditions"][0]["reason"], "EndingCalls");
    let planned = r#"subaccountd_planned_actions{kind="endCalls"}"#;
    assert!((daemon.metric(planned).await - 1.0).abs() < 0.5);
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_ended_when_the_account_was_reactivated_right_before() {
    let setup = setup(&ended()).await;
    setup.suspend_elsewhere(1);
    setup.observed().await;
    // A person reactivates it between the look at its calls and their end.
    setup.sim.inject(Fault::latency(1_500).on(Operation::FetchAccount).times(1));
    let running = tokio::spawn({
        let command = setup.command(&["apply", "--verbs", "endCalls"]);
        async move { crate::support::output(command).await }
    });
    eventually("the look before the end", async || asked(&setup, Operation::FetchAccount) == 1).await;
    setup.sim.edit_account(&ac(1), |account| account.status = twilio_sim::AccountStatus::Active).unwrap();
    setup.sim.begin_call(&ca(70), &ac(1), CallStatus::InProgress).unwrap();
    running.await.unwrap();
    assert_eq!(asked(&setup, Operation::UpdateCall), 0);
    assert_eq!(setup.sim.world().call(&ca(70)).unwrap().status, CallStatus::InProgress);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_end_although_answers_are_lost_and_a_call_that_is_over_is_over() {
    let setup = setup(&ended()).await;
    for fault in [
        Fault::reset_after().on(Operation::UpdateCall).times(1),
        Fault::status(400, 21220).on(Operation::UpdateCall).skip(1).times(1),
        Fault::status(404, 20404).on(Operation::UpdateCall).skip(2).times(1),
    ] {
        setup.sim.inject(fault);
    }
    let daemon = setup.daemon(&EAGER).await;
    eventually("the calls end", async || statuses(&setup) == DONE).await;
    daemon.settled().await;
    let unknown = r#"subaccountd_actions_total{kind="endCalls",result="unknown"}"#;
    assert!((daemon.metric(unknown).await - 1.0).abs() < 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_between_intent_and_outcome_does_no_harm() {
    let setup = setup(&ended()).await;
    setup.sim.inject(Fault::latency(60_000).on(Operation::UpdateCall).skip(1).times(1));
    let daemon = setup.daemon(&EAGER).await;
    eventually("the second end is sent", async || asked(&setup, Operation::UpdateCall) == 2).await;
    drop(daemon);
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    assert!(journal.lines().last().unwrap().contains(r#""calls":3"#), "the intent is there, and no outcome");
    let daemon = setup.daemon(&EAGER).await;
    eventually("the calls end", async || statuses(&setup) == DONE).await;
    daemon.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_twilio_does_not_show_are_told_and_asked_for_with_pauses() {
    let setup = setup(&ended()).await;
    setup.sim.world().switches_mut().suspended_calls = Policy::Refused;
    let daemon = setup.daemon(&EAGER).await;
    eventually("three looks", async || asked(&setup, Operation::ListCalls) >= 3).await;
    daemon.more_passes(5).await;
    assert_eq!(asked(&setup, Operation::ListCalls), 3);
    let status = daemon.status().await;
    let held = &status["plan"]["held"][0];
    assert_eq!((&held["reason"], &held["kind"]), (&json!("Unreadable"), &json!("endCalls")));
}

#[tokio::test(flavor = "multi_thread")]
async fn account_is_closed_only_after_its_calls_were_ended() {
    let text = state(&entry(1, "closed", ", endCalls: true, close: {confirm: a1}"));
    let setup = setup(&text).await;
    let daemon = setup.daemon(&[&EAGER[..], &["--close-after", "0s", "--max-closes", "100%"]].concat()).await;
    eventually("it is closed", async || setup.status_of(1) == twilio_sim::AccountStatus::Closed).await;
    let changes: Vec<_> = setup
        .sim
        .requests()
        .into_iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.param("Status").unwrap().to_owned())
        .collect();
    assert_eq!(changes, ["suspended", "completed", "canceled", "canceled", "closed"]);
    drop(daemon);
}
