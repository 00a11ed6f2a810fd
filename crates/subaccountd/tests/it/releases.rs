//! Numbers that are given back to Twilio, by the real binary: which, when, how often, and which never.

use serde_json::{Value, json};
use twilio_sim::{EmergencyAddressStatus, Fault, Operation};

use crate::support::{Setup, ac, code, entry, eventually, fleet, phone, state, stdout};

/// Flags under which a release is due at once.
const DUE: [&str; 6] = ["--verbs", "default,release", "--release-after", "0s", "--max-released-numbers", "5"];

fn apply(more: &[&'static str]) -> Vec<&'static str> {
    [&["apply"], &DUE[..], more].concat()
}

fn ordered() -> String {
    state(&entry(1, "active", &format!(", release: [{{number: {:?}, reason: over}}]", phone(1))))
}

/// Accounts 1 to 3, each with its number; the release of the one of account 1 is ordered.
async fn setup() -> Setup {
    Setup::new(fleet(3, 3), &ordered()).await
}

fn asked(setup: &Setup, operation: Operation) -> usize {
    setup.sim.requests().iter().filter(|request| request.operation == Some(operation)).count()
}

fn held(plan: &Value) -> Vec<(String, String)> {
    let item =
        |item: &Value| (item["reason"].as_str().unwrap().into(), item["kind"].as_str().unwrap().into());
    plan["held"].as_array().unwrap().iter().map(item).collect()
}

async fn plan(setup: &Setup, flags: &[&str]) -> Value {
    let output = setup.run(&[&["plan", "-o", "json"], flags].concat()).await;
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_opt_in_waits_and_has_a_limit_of_zero() {
    let setup = setup().await;
    let by_default = plan(&setup, &[]).await;
    assert_eq!(held(&by_default), [("CoolingOff".to_owned(), "release".to_owned())]);
    let message = by_default["held"][0]["message"].as_str().unwrap();
    assert!(message.contains("`NotAllowed`") && message.contains("`OverLimit`"), "{message}");
    let at_once = plan(&setup, &["--release-after", "0s"]).await;
    assert_eq!(held(&at_once)[0].0, "NotAllowed");
    let allowed = plan(&setup, &["--release-after", "0s", "--verbs", "default,release"]).await;
    assert_eq!(held(&allowed)[0].0, "OverLimit");
    let planned = plan(&setup, &DUE).await;
    assert_eq!(
        planned["actions"],
        json!([{"kind": "release", "account": ac(1), "number": phone(1), "from": null, "to": null, "name": null,
                "count": null}])
    );
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_number_is_released_once_on_fresh_looks_and_told_for_ten_days() {
    let setup = setup().await;
    let applied = setup.run(&apply(&[])).await;
    assert_eq!(code(&applied), 0, "{}", stdout(&applied));
    let released: Vec<_> =
        setup.sim.world().released().iter().map(|release| release.phone_number.clone()).collect();
    assert_eq!(released, [phone(1)]);
    let requests = setup.sim.requests();
    let at = requests.iter().position(|r| r.operation == Some(Operation::ReleaseNumber)).unwrap();
    let before: Vec<_> = requests[at - 2..at].iter().map(|r| r.operation.unwrap()).collect();
    assert_eq!(before, [Operation::FetchNumber, Operation::FetchAccount]);
    let journal = stdout(&setup.run(&["journal"]).await);
    assert!(journal.contains("it can be had back in the Twilio Console until"), "{journal}");
    assert!(journal.contains("over"), "the reason of the order: {journal}");
    let explained = stdout(&setup.run(&["explain", &phone(1)]).await);
    let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(explained.contains("its release is settled") && explained.contains("released at"), "{explained}");
    assert!(explained.contains("can be had back in the Twilio Console"), "{explained}");
    // A person has it back, and the order is spent.
    let now = setup.sim.now();
    setup.sim.world().buy_number(&phone(1), &ac(1), now).unwrap();
    let again = setup.run(&apply(&[])).await;
    assert_eq!((code(&again), asked(&setup, Operation::ReleaseNumber)), (3, 1), "{}", stdout(&again));
    assert_eq!(held(&plan(&setup, &DUE).await), [("Contested".to_owned(), "release".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_lagging_lists_release_nothing_twice() {
    let setup = setup().await;
    setup.sim.inject(Fault::reset_after().on(Operation::ReleaseNumber).times(1));
    let daemon = setup.daemon(&[&DUE[..], &["--interval", "200ms"]].concat()).await;
    eventually("it is released", async || setup.sim.world().released().len() == 1).await;
    daemon.settled().await;
    daemon.more_passes(2).await;
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 1, "the list showed that it was done");
    let unknown = r#"subaccountd_actions_total{kind="release",result="unknown"}"#;
    assert!((daemon.metric(unknown).await - 1.0).abs() < 0.5);
    assert!((daemon.metric(r#"subaccountd_budget_remaining{kind="release"}"#).await - 4.0).abs() < 0.5);
    assert!(daemon.metric("subaccountd_numbers_at_risk").await < 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_an_emergency_address_is_kept() {
    let setup = setup().await;
    setup
        .sim
        .edit_number(&phone(1), |number| {
            number.emergency_address_status = Some(EmergencyAddressStatus::PendingUnregistration);
        })
        .unwrap();
    assert_eq!(code(&setup.run(&apply(&[])).await), 3);
    assert_eq!(held(&plan(&setup, &DUE).await)[0].0, "EmergencyAddress");
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 0);
    setup
        .sim
        .edit_number(&phone(1), |number| {
            number.emergency_address_status = Some(EmergencyAddressStatus::Unregistered);
        })
        .unwrap();
    assert_eq!(code(&setup.run(&apply(&[])).await), 0);
    assert_eq!(setup.sim.world().released().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_person_moves_between_plan_and_send_is_kept() {
    let setup = setup().await;
    setup.sim.inject(Fault::latency(1_500).on(Operation::FetchNumber).times(1));
    let running = tokio::spawn({
        let command = setup.command(&apply(&[]));
        async move { crate::support::output(command).await }
    });
    eventually("the look", async || asked(&setup, Operation::FetchNumber) == 1).await;
    setup.sim.edit_number(&phone(1), |number| number.owner = ac(2).parse().unwrap()).unwrap();
    running.await.unwrap();
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 0);
    assert_eq!(setup.sim.world().released().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_between_plan_and_send_keeps_the_number() {
    let setup = setup().await;
    setup.sim.inject(Fault::latency(1_500).on(Operation::FetchNumber).times(1));
    let running = tokio::spawn({
        let command = setup.command(&apply(&[]));
        async move { crate::support::output(command).await }
    });
    eventually("the look", async || asked(&setup, Operation::FetchNumber) == 1).await;
    setup.write(&state(&entry(1, "active", "")));
    running.await.unwrap();
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_offboarded_with_a_release_and_a_close() {
    let terms =
        format!(", release: [{{number: {:?}}}], close: {{confirm: a1, moveNumbersToMain: true}}", phone(1));
    let setup = Setup::new(fleet(1, 1), &state(&entry(1, "closed", &terms))).await;
    let flags = [&DUE[..], &["--interval", "200ms", "--close-after", "0s", "--max-closes", "100%"]].concat();
    let daemon = setup.daemon(&flags).await;
    eventually("it is closed", async || setup.status_of(1) == twilio_sim::AccountStatus::Closed).await;
    daemon.settled().await;
    assert_eq!(asked(&setup, Operation::ReleaseNumber), 1);
    assert_eq!(setup.sim.world().released().len(), 1, "the close lost no other number");
}
