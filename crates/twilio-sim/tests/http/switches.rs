//! Switches: each answers one question that Twilio's documentation leaves open.

use serde_json::json;
use twilio_sim::{
    AccountStatus, Behavior, ClosedNumbers, Fault, NoSid, Policy, SuspendedNumbers, TransferEffect, World,
};

use crate::client::{ACCOUNTS, PHONE, TOKEN, Twilio, ac, account, number_of, numbers, pn};

/// Suspended 1 with a number, closed 2 that still holds one, active 3.
async fn with(switches: Behavior) -> Twilio {
    let world = World::builder(&ac(0), TOKEN)
        .account(&ac(1), "suspended", AccountStatus::Suspended)
        .account(&ac(2), "closed", AccountStatus::Closed)
        .account(&ac(3), "active", AccountStatus::Active)
        .number_with(&pn(1), PHONE, &ac(1), |number| {
            number.settings.set("VoiceUrl", "https://example.org/voice").unwrap();
        })
        .number(&pn(2), "+15105550102", &ac(2))
        .switches(switches)
        .build();
    Twilio::of(world).await
}

#[tokio::test]
async fn the_numbers_of_a_suspended_account_are_shown_hidden_or_refused() {
    use SuspendedNumbers::{Empty, Forbidden, Rows, Unauthorized};
    for (suspended_numbers, status, rows) in
        [(Rows, 200, Some(1)), (Empty, 200, Some(0)), (Unauthorized, 401, None), (Forbidden, 403, None)]
    {
        let twilio = with(Behavior { suspended_numbers, ..Behavior::default() }).await;
        let answer = twilio.get(&numbers(1)).await;
        let found = answer.json()["incoming_phone_numbers"].as_array().map(Vec::len);
        assert_eq!((answer.status.as_u16(), found), (status, rows), "{suspended_numbers:?}");
    }
}

#[tokio::test]
async fn the_numbers_of_a_closed_account_are_none_or_refused() {
    use ClosedNumbers::{Empty, NotFound, Unauthorized};
    for (closed_numbers, status, rows) in
        [(Empty, 200, Some(0)), (NotFound, 404, None), (Unauthorized, 401, None)]
    {
        let twilio = with(Behavior { closed_numbers, ..Behavior::default() }).await;
        let answer = twilio.get(&numbers(2)).await;
        let found = answer.json()["incoming_phone_numbers"].as_array().map(Vec::len);
        assert_eq!((answer.status.as_u16(), found), (status, rows), "{closed_numbers:?}");
    }
}

#[tokio::test]
async fn a_transfer_out_of_a_suspended_account_is_done_or_refused() {
    for (verdict, refusal) in [(Policy::Allowed, (200, 0)), (Policy::Refused, (403, 20005))] {
        let twilio = with(Behavior { transfer_from_suspended: verdict, ..Behavior::default() }).await;
        assert_eq!(twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await.refusal(), refusal);
    }
}

#[tokio::test]
async fn webhooks_survive_a_transfer_or_not() {
    for (webhooks, url) in
        [(TransferEffect::Kept, json!("https://example.org/voice")), (TransferEffect::Cleared, json!(null))]
    {
        let twilio = with(Behavior { webhooks, ..Behavior::default() }).await;
        let body = twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await.json();
        assert_eq!(body["voice_url"], url);
    }
}

#[tokio::test]
async fn refusals_have_the_http_status_of_the_switch_in_their_body() {
    let twilio = with(Behavior { refusal_status: Some(403), ..Behavior::default() }).await;
    let answer = twilio.post(&account(2), &[("Status", "active")]).await;
    assert_eq!((answer.refusal(), &answer.json()["status"]), ((403, 21479), &json!(403)));
    assert_eq!(twilio.post(&account(3), &[("FriendlyName", "")]).await.refusal(), (400, 20002));
    assert_eq!(twilio.get(&format!("{ACCOUNTS}?PageToken=x")).await.refusal(), (400, 21481));
}

#[tokio::test]
async fn closing_a_closed_and_suspending_a_suspended_account_is_done_or_refused() {
    let twilio = with(Behavior::default()).await;
    assert_eq!(twilio.post(&account(2), &[("Status", "closed")]).await.refusal(), (400, 21479));
    assert_eq!(twilio.post(&account(1), &[("Status", "suspended")]).await.status, 200);
    let other =
        Behavior { close_closed: Policy::Allowed, suspend_suspended: Policy::Refused, ..Behavior::default() };
    let twilio = with(other).await;
    assert_eq!(twilio.post(&account(2), &[("Status", "closed")]).await.status, 200);
    assert_eq!(twilio.post(&account(1), &[("Status", "suspended")]).await.refusal(), (400, 21475));
}

#[tokio::test]
async fn a_suspended_main_account_reads_or_is_locked_out() {
    for (suspended_main, list, write) in
        [(Policy::Allowed, 200, (400, 21476)), (Policy::Refused, 401, (401, 20003))]
    {
        let twilio = with(Behavior { suspended_main, ..Behavior::default() }).await;
        twilio.sim.edit_account(&ac(0), |main| main.status = AccountStatus::Suspended).unwrap();
        let answer = twilio.get(ACCOUNTS).await;
        assert_eq!(answer.status, list);
        if list == 200 {
            assert!(
                answer.json()["accounts"].as_array().unwrap().iter().all(|row| row["status"] != "active")
            );
        }
        assert_eq!(twilio.post(&account(1), &[("Status", "active")]).await.refusal(), write);
    }
}

#[tokio::test]
async fn retry_after_comes_with_429_or_not() {
    for (retry_after, header) in [(None, None), (Some(7), Some("7"))] {
        let twilio = with(Behavior { retry_after, ..Behavior::default() }).await;
        twilio.sim.inject(Fault::status(429, 20429));
        assert_eq!(twilio.get(ACCOUNTS).await.header("retry-after"), header);
    }
}

#[tokio::test]
async fn a_sid_that_is_not_set_is_null_or_blank() {
    for (no_sid, written) in [(NoSid::AsNull, json!(null)), (NoSid::AsBlank, json!(""))] {
        let twilio = with(Behavior { no_sid, ..Behavior::default() }).await;
        let body = twilio.get(&number_of(1)).await.json();
        assert_eq!((&body["bundle_sid"], &body["trunk_sid"]), (&written, &written));
    }
}
