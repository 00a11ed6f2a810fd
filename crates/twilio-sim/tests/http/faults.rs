//! Faults: their effects on answers and on the world, and their number.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::json;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation, World};

use crate::client::{ACCOUNTS, Twilio, ac, account, fleet, number_of, numbers, pn, receive};

async fn with(fault: Fault) -> Twilio {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.inject(fault);
    twilio
}

#[tokio::test]
async fn an_error_before_the_effect_leaves_the_world_as_it_was() {
    let twilio = with(Fault::status(503, 20503).times(1)).await;
    let form = [("Status", "suspended")];
    assert_eq!(twilio.post(&account(1), &form).await.refusal(), (503, 20503));
    assert_eq!(twilio.status(1), AccountStatus::Active);
    assert_eq!(twilio.post(&account(1), &form).await.status, 200);
}

#[tokio::test]
async fn an_error_after_the_effect_hides_a_transfer_that_happened() {
    let twilio = with(Fault::status_after(500, 20500).on(Operation::UpdateNumber)).await;
    assert_eq!(twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await.refusal(), (500, 20500));
    assert_eq!(twilio.owner(), Some(ac(0)));
}

#[tokio::test]
async fn an_error_without_a_code_is_a_proxys_html() {
    let twilio =
        with(Fault::new(FaultKind::Status { http: 502, code: None, after: false, retry_after: None })).await;
    let answer = twilio.get(ACCOUNTS).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (502, Some("text/html")));
    assert!(answer.text.starts_with("<html>"));
}

#[tokio::test]
async fn an_error_may_have_a_retry_after_on_selected_requests() {
    let text = json!({"operation": "update_account", "account": ac(1), "times": 1,
        "fault": {"kind": "status", "http": 429, "code": 20429, "retryAfter": 15}});
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.world().switches_mut().retry_after = Some(7);
    assert_eq!(twilio.steer(Method::POST, "faults", &text.to_string()).await.status, 204);
    let html = FaultKind::Status { http: 503, code: None, after: true, retry_after: Some(20) };
    twilio.sim.inject(Fault::new(html).on(Operation::ListNumbers));
    let suspended = [("Status", "suspended")];
    assert_eq!(twilio.post(&account(2), &suspended).await.header("retry-after"), None);
    assert_eq!(twilio.get(&account(1)).await.status, 200);
    let answer = twilio.post(&account(1), &suspended).await;
    assert_eq!((answer.refusal(), answer.header("retry-after")), ((429, 20429), Some("15")));
    assert_eq!(twilio.status(1), AccountStatus::Active);
    let answer = twilio.get(&numbers(1)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("20")));
    twilio.sim.inject(Fault::status(429, 20429).retry_after(3).times(1));
    assert_eq!(twilio.get(ACCOUNTS).await.header("retry-after"), Some("3"));
    twilio.sim.inject(Fault::status(429, 20429));
    assert_eq!(twilio.get(ACCOUNTS).await.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn a_stale_success_shows_the_object_as_it_was_before_the_write() {
    let twilio = with(Fault::stale()).await;
    let (old, old_number) = (twilio.get(&account(1)).await.json(), twilio.get(&number_of(1)).await.json());
    let answer = twilio.post(&account(1), &[("Status", "suspended"), ("FriendlyName", "new")]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, old));
    assert_eq!(twilio.status(1), AccountStatus::Suspended);
    assert_eq!(twilio.get(&account(1)).await.json()["friendly_name"], "new");
    let answer = twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, old_number));
    assert_eq!(twilio.owner(), Some(ac(0)));
}

#[tokio::test]
async fn a_stale_answer_does_not_replace_a_refusal_a_create_or_a_release() {
    let twilio = with(Fault::stale()).await;
    assert_eq!(twilio.post(&account(3), &[("Status", "active")]).await.refusal(), (400, 21479));
    let created = twilio.post(ACCOUNTS, &[("FriendlyName", "new")]).await;
    assert_eq!((created.status.as_u16(), &created.json()["friendly_name"]), (201, &json!("new")));
    assert_eq!(twilio.delete(&number_of(1)).await.status, 204);
    assert_eq!(twilio.owner(), None);
}

#[tokio::test]
async fn a_reset_breaks_the_connection_before_or_after_the_effect() {
    for (fault, owner) in [(Fault::reset(), ac(1)), (Fault::reset_after(), ac(0))] {
        let twilio = with(fault.times(1)).await;
        let request = twilio.as_main(Method::POST, &number_of(1)).form(&[("AccountSid", ac(0))]);
        let error = receive(request).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(twilio.owner(), Some(owner));
        assert_eq!(twilio.sim.requests()[0].status, None);
        assert_eq!(twilio.get(ACCOUNTS).await.status, 200);
    }
}

#[tokio::test]
async fn a_truncated_body_ends_before_its_length() {
    let twilio = with(Fault::new(FaultKind::Truncate { bytes: 40 })).await;
    let mut response = twilio.as_main(Method::GET, ACCOUNTS).send().await.unwrap();
    let length: usize = response.headers()[header::CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    assert!(length > 1000);
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 40);
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn junk_is_an_unreadable_success() {
    let twilio = with(Fault::new(FaultKind::Junk)).await;
    let answer = twilio.post(&account(1), &[("Status", "suspended")]).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&answer.text).is_err());
    assert_eq!(twilio.status(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn a_stalled_request_is_never_answered_and_counts_until_the_client_hangs_up() {
    let twilio = with(Fault::new(FaultKind::Stall).times(1)).await;
    let request = twilio.as_main(Method::POST, &account(1)).form(&[("Status", "suspended")]);
    let stalled = tokio::spawn(receive(request));
    while twilio.sim.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let concurrent = async || {
        let answer = twilio.get(ACCOUNTS).await;
        answer.header("twilio-concurrent-requests").map(str::to_owned)
    };
    assert_eq!(concurrent().await.as_deref(), Some("2"));
    assert!(!stalled.is_finished());
    stalled.abort();
    while concurrent().await.as_deref() != Some("1") {
        tokio::task::yield_now().await;
    }
    assert_eq!(twilio.status(1), AccountStatus::Active);
    assert_eq!(twilio.sim.requests()[0].status, None);
}

#[tokio::test]
async fn latency_delays_the_answer() {
    let twilio = with(Fault::latency(30)).await;
    let begun = std::time::Instant::now();
    assert_eq!(twilio.get(ACCOUNTS).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn an_incomplete_list_lacks_rows_and_the_next_page() {
    let twilio = Twilio::of(World::generated(4, 0)).await;
    twilio.sim.inject(Fault::new(FaultKind::Rows { drop: 1, end: true }).on(Operation::ListAccounts));
    let page = twilio.get(&format!("{ACCOUNTS}?PageSize=3")).await.json();
    assert_eq!(page["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(page["next_page_uri"], json!(null));
}

#[tokio::test]
async fn a_row_of_a_list_or_a_fetch_cannot_be_decoded() {
    let twilio = Twilio::of(fleet()).await;
    let half_a_pair = r#"{"operation": "list_accounts",
        "fault": {"kind": "row", "sid": "SID", "key": "friendly_name", "raw": "\"\\ud83d\""}}"#;
    let half_a_pair = half_a_pair.replace("SID", &ac(1));
    assert_eq!(twilio.steer(Method::POST, "faults", &half_a_pair).await.status, 204);
    let text = twilio.get(ACCOUNTS).await.text;
    assert!(text.contains(r#""friendly_name":"\ud83d""#), "{text}");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
    assert_eq!(twilio.get(&account(1)).await.json()["friendly_name"], "acme");

    twilio.sim.faults().clear();
    twilio.sim.inject(Fault::raw_value(&ac(2), "status", "7").method("GET"));
    twilio.sim.inject(Fault::raw_value(&pn(1), "sid", "null").on(Operation::ListNumbers));
    twilio.sim.inject(Fault::raw_row(&ac(3), "[]"));
    let rows = twilio.get(ACCOUNTS).await.json()["accounts"].clone();
    assert_eq!((&rows[1]["status"], &rows[2]["status"], &rows[3]), (&json!("active"), &json!(7), &json!([])));
    assert_eq!(rows[2]["sid"], ac(2));
    assert_eq!(twilio.get(&account(2)).await.json()["status"], 7);
    assert_eq!(twilio.get(&numbers(1)).await.json()["incoming_phone_numbers"][0]["sid"], json!(null));
    assert_eq!(twilio.get(&number_of(1)).await.json()["sid"], pn(1));
    let page = twilio.get(&format!("{ACCOUNTS}?PageSize=1&Status=closed")).await.json();
    assert_eq!(page["accounts"], json!([[]]), "the list is filtered and paged before");
    assert_eq!(twilio.post(&account(2), &[("Status", "active")]).await.json()["status"], "active");
    assert_eq!(twilio.get(&account(9)).await.refusal(), (404, 20404));
}

#[tokio::test]
async fn a_page_may_name_itself_or_another_host_as_the_next() {
    let twilio = Twilio::of(World::generated(4, 0)).await;
    let list = format!("{ACCOUNTS}?PageSize=3");
    let honest = twilio.get(&list).await.json();
    twilio.sim.inject(Fault::new(FaultKind::RepeatPage).times(1));
    let page = twilio.get(&list).await.json();
    assert_eq!(page["next_page_uri"], page["uri"]);
    let to = "http://127.0.0.1:9".to_owned();
    twilio.sim.inject(Fault::new(FaultKind::ForeignNextPage { to: to.clone() }));
    let page = twilio.get(&list).await.json();
    assert_eq!(page["next_page_uri"], format!("{to}{}", honest["next_page_uri"].as_str().unwrap()));
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_path_elsewhere_and_changes_nothing() {
    let to = "http://127.0.0.1:9".to_owned();
    let twilio = with(Fault::new(FaultKind::Redirect { to, http: 307 })).await;
    let answer = twilio.post(&account(1), &[("Status", "closed")]).await;
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some(format!("http://127.0.0.1:9{}", account(1)).as_str()));
    assert_eq!(twilio.status(1), AccountStatus::Active);
}

#[tokio::test]
async fn a_big_body_is_as_big_as_asked_and_still_json() {
    let twilio = with(Fault::new(FaultKind::BigBody { bytes: 1_000_000 })).await;
    let answer = twilio.get(ACCOUNTS).await;
    assert!(answer.text.len() >= 1_000_000);
    assert_eq!(answer.json()["accounts"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_ignored_write_is_a_success_that_changed_nothing() {
    let twilio = with(Fault::new(FaultKind::Ignore)).await;
    let before = twilio.sim.world().clone();
    let answer = twilio.post(&account(1), &[("Status", "closed")]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("active")));
    let answer = twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["account_sid"]), (200, &json!(ac(1))));
    assert_eq!(*twilio.sim.world(), before);
    assert_eq!(twilio.sim.requests()[0].param("Status"), Some("closed"));
}

#[tokio::test]
async fn a_fault_acts_only_on_matching_requests() {
    let base = || Fault::status(500, 20500);
    let cases = [
        (base().on(Operation::ListNumbers), [200, 200, 500, 500, 200]),
        (base().account(&ac(1)), [200, 500, 500, 200, 500]),
        (base().method("POST"), [200, 200, 200, 200, 500]),
        (base().path("PageSize=7"), [500, 200, 200, 200, 200]),
        (base().on(Operation::ListNumbers).skip(1), [200, 200, 200, 500, 200]),
        (base().times(2), [500, 500, 200, 200, 200]),
    ];
    for (fault, expected) in cases {
        let twilio = with(fault.clone()).await;
        let found = [
            twilio.get(&format!("{ACCOUNTS}?PageSize=7")).await,
            twilio.get(&account(1)).await,
            twilio.get(&numbers(1)).await,
            twilio.get(&numbers(2)).await,
            twilio.post(&account(1), &[]).await,
        ];
        assert_eq!(found.map(|answer| answer.status.as_u16()), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn faults_that_match_the_same_request_act_together() {
    let twilio = with(Fault::latency(20)).await;
    twilio.sim.inject(Fault::new(FaultKind::Rows { drop: 2, end: false }));
    twilio.sim.inject(Fault::new(FaultKind::RepeatPage));
    let begun = std::time::Instant::now();
    let page = twilio.get(ACCOUNTS).await.json();
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert_eq!(page["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(page["next_page_uri"], page["uri"]);
}

#[tokio::test]
async fn above_the_concurrency_limit_nothing_is_done() {
    let twilio = with(Fault::new(FaultKind::Stall).times(2)).await;
    twilio.sim.faults().concurrency_limit = Some(2);
    let stalled: Vec<_> =
        (0..2).map(|_| tokio::spawn(receive(twilio.as_main(Method::GET, ACCOUNTS)))).collect();
    while twilio.sim.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    let answer = twilio.post(&account(1), &[("Status", "suspended")]).await;
    assert_eq!(answer.refusal(), (429, 20429));
    assert_eq!(answer.header("twilio-concurrent-requests"), Some("3"));
    assert_eq!((twilio.status(1), twilio.sim.max_in_flight()), (AccountStatus::Active, 3));
    stalled.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_wrong_clock_shows_in_every_date_or_in_none() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.faults().clock_offset_seconds = -400 * 24 * 3600;
    let answer = twilio.post(&account(1), &[("Status", "suspended")]).await;
    let date = answer.header("date").unwrap().replace("GMT", "+0000");
    assert_eq!(answer.json()["date_updated"], date);
    let year = |answer: &crate::client::Answer| answer.header("date").unwrap()[12..16].to_owned();
    let wrong = year(&answer);
    twilio.sim.faults().clear();
    assert_ne!(year(&twilio.get(ACCOUNTS).await), wrong);
    twilio.sim.faults().omit_date = true;
    assert_eq!(twilio.get(ACCOUNTS).await.header("date"), None);
}
