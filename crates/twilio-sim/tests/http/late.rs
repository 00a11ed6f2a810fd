//! Writes that take effect after their answer was lost.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation};

use crate::client::{ACCOUNTS, Twilio, ac, account, fleet, number_of, receive};

const HOUR: u64 = 3_600_000;

/// The fleet, with writes that take effect an hour late and whose answers are lost by the fault.
async fn late(fault: Fault) -> Twilio {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.inject(fault);
    twilio
}

/// Lets the hour pass, and what is late happen.
async fn pass(twilio: &Twilio) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(HOUR)).await;
    tokio::time::resume();
    while twilio.sim.late_writes() > 0 {
        tokio::task::yield_now().await;
    }
}

async fn lose(twilio: &Twilio, method: Method, path: &str, form: &[(&str, &str)]) {
    let error = receive(twilio.as_main(method, path).form(form)).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
}

#[tokio::test]
async fn a_late_write_resets_the_connection_at_once_and_is_done_later() {
    let twilio = late(Fault::late(HOUR).times(3)).await;
    lose(&twilio, Method::POST, &account(1), &[("Status", "suspended")]).await;
    lose(&twilio, Method::POST, ACCOUNTS, &[("FriendlyName", "new")]).await;
    lose(&twilio, Method::DELETE, &number_of(1), &[]).await;
    assert_eq!((twilio.status(1), twilio.owner()), (AccountStatus::Active, Some(ac(1))));
    assert_eq!(twilio.sim.world().accounts().count(), 4);
    assert_eq!(twilio.steer(Method::GET, "requests", "").await.json()["lateWrites"], 3);
    twilio.sim.faults().clear();
    pass(&twilio).await;
    assert_eq!((twilio.status(1), twilio.owner()), (AccountStatus::Suspended, None));
    assert_eq!(twilio.sim.world().accounts().count(), 5);
    assert_eq!(twilio.steer(Method::GET, "requests", "").await.json()["lateWrites"], 0);
}

#[tokio::test]
async fn a_late_write_may_be_answered_with_an_error() {
    for (code, refusal) in [(Some(20500), Some((500, 20500))), (None, None)] {
        let twilio = late(Fault::new(FaultKind::Late { ms: HOUR, http: Some(500), code })).await;
        let answer = twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await;
        assert_eq!(answer.status, 500);
        assert_eq!(answer.text.starts_with('{').then(|| answer.refusal()), refusal);
        assert_eq!(twilio.owner(), Some(ac(1)));
        pass(&twilio).await;
        assert_eq!(twilio.owner(), Some(ac(0)));
    }
}

#[tokio::test]
async fn a_late_write_meets_the_world_as_it_is_then_and_its_rules() {
    let twilio = late(Fault::late(HOUR).on(Operation::UpdateNumber).times(1)).await;
    lose(&twilio, Method::POST, &number_of(1), &[("AccountSid", &ac(0))]).await;
    assert_eq!(twilio.post(&number_of(1), &[("VoiceUrl", "https://example.org/v")]).await.status, 200);
    pass(&twilio).await;
    assert_eq!(twilio.get(&number_of(0)).await.json()["voice_url"], "https://example.org/v");

    twilio.sim.inject(Fault::late(HOUR).times(1));
    lose(&twilio, Method::POST, &number_of(0), &[("AccountSid", &ac(1))]).await;
    twilio.post(&account(1), &[("Status", "suspended")]).await;
    pass(&twilio).await;
    assert_eq!(twilio.owner(), Some(ac(0)), "a suspended account receives nothing");
}

#[tokio::test]
async fn a_late_write_is_dated_when_it_is_done_and_lists_show_it_later_still() {
    let twilio = late(Fault::late(HOUR)).await;
    twilio.sim.world().switches_mut().account_list_lag_ms = HOUR;
    lose(&twilio, Method::POST, &account(1), &[("Status", "suspended")]).await;
    twilio.sim.faults().clear();
    let status = async || twilio.get(ACCOUNTS).await.json()["accounts"][1]["status"].clone();
    let ahead = r#"{"clockOffsetSeconds": 90000}"#;
    assert_eq!(twilio.steer(Method::PATCH, "faults", ahead).await.status, 200);
    pass(&twilio).await;
    let body = twilio.get(&account(1)).await;
    let age = |date: &str| jiff::fmt::rfc2822::parse(&date.replace("GMT", "+0000")).unwrap().timestamp();
    let (updated, date) =
        (age(body.json()["date_updated"].as_str().unwrap()), age(body.header("date").unwrap()));
    assert!(date.duration_since(updated) < jiff::SignedDuration::from_mins(10), "{updated} {date}");
    assert_eq!((&body.json()["status"], status().await), (&json!("suspended"), json!("active")));
    pass(&twilio).await;
    assert_eq!(status().await, "suspended");
}

#[tokio::test]
async fn a_late_read_is_only_lost() {
    let twilio = late(Fault::late(HOUR).times(1)).await;
    lose(&twilio, Method::GET, ACCOUNTS, &[]).await;
    assert_eq!(twilio.sim.late_writes(), 0);
}

#[tokio::test]
async fn a_simulator_that_stops_does_no_late_write() {
    let twilio = late(Fault::late(HOUR)).await;
    lose(&twilio, Method::POST, &account(1), &[("Status", "suspended")]).await;
    assert_eq!(twilio.sim.late_writes(), 1);
    twilio.sim.stop().await;
    assert_eq!((twilio.sim.late_writes(), twilio.status(1)), (0, AccountStatus::Active));
}
