//! Calls: lists with their filters, ends, suspensions, edits.

use reqwest::Method;
use serde_json::{Value, json};
use twilio_sim::{AccountStatus, Behavior, CallSid, CallStatus, Fault, Operation, Policy, World};

use crate::client::{TOKEN, Twilio, ac, account, receive};

fn ca(n: u64) -> String {
    CallSid::numbered(n).to_string()
}

fn calls(owner: u64) -> String {
    format!("/2010-04-01/Accounts/{}/Calls.json", ac(owner))
}

fn call(owner: u64, n: u64) -> String {
    format!("/2010-04-01/Accounts/{}/Calls/{}.json", ac(owner), ca(n))
}

/// Account 1 with a call of each of five statuses, an hour apart, the newest last; account 2, suspended, with call 6.
async fn with(switches: Behavior) -> Twilio {
    use CallStatus::{Completed, InProgress, NoAnswer, Queued, Ringing};
    let mut builder = World::builder(&ac(0), TOKEN)
        .account(&ac(1), "acme", AccountStatus::Active)
        .account(&ac(2), "globex", AccountStatus::Suspended)
        .switches(switches);
    for (n, status) in (1..).zip([Completed, NoAnswer, InProgress, Ringing, Queued]) {
        builder = builder.call_with(&ca(n), &ac(1), status, |call| {
            let at = format!("2026-05-01T1{n}:00:00Z").parse().unwrap();
            call.date_created = at;
            call.start_time = call.start_time.map(|_| at);
            call.to = format!("+1510555020{n}");
        });
    }
    Twilio::of(builder.call_with(&ca(6), &ac(2), InProgress, |_| {}).build()).await
}

fn sids(page: &Value) -> Vec<String> {
    let rows = page["calls"].as_array().unwrap();
    rows.iter().map(|row| row["sid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_of_calls_is_filtered_and_shows_the_newest_first() {
    let twilio = with(Behavior::default()).await;
    let cases: [(&str, &[u64]); 12] = [
        ("", &[5, 4, 3, 2, 1]),
        ("?Status=in-progress", &[3]),
        ("?Status=queued", &[5]),
        ("?Status=In-Progress", &[]),
        ("?To=%2B15105550204", &[4]),
        ("?From=%2B15105550190&Status=ringing", &[4]),
        ("?StartTime=2026-05-01", &[4, 3, 2, 1]),
        ("?StartTime=2026-05-02", &[]),
        ("?StartTime=2026-05-01T00:00:00Z", &[4, 3, 2, 1]),
        ("?StartTime%3E=2026-05-01T13:00:00Z", &[4, 3]),
        ("?StartTime%3C=2026-05-01T12:00:00Z", &[2, 1]),
        ("?StartTime%3E=2026-05-01T12:00:00Z&StartTime%3C=2026-05-01T13:00:00Z", &[3, 2]),
    ];
    for (query, expected) in cases {
        let list = twilio.get(&format!("{}{query}", calls(1))).await.json();
        assert_eq!(sids(&list), expected.iter().map(|n| ca(*n)).collect::<Vec<_>>(), "{query}");
    }
    assert_eq!(twilio.get(&format!("{}?StartTime=soon", calls(1))).await.refusal(), (400, 20422));
    assert_eq!(sids(&twilio.get(&calls(0)).await.json()), Vec::<String>::new());
}

#[tokio::test]
async fn pages_of_calls_lead_forth_and_back() {
    let twilio = with(Behavior::default()).await;
    let first = twilio.get(&format!("{}?PageSize=2", calls(1))).await.json();
    let second = twilio.get(first["next_page_uri"].as_str().unwrap()).await.json();
    let third = twilio.get(second["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!(sids(&first), [ca(5), ca(4)]);
    assert_eq!(sids(&second), [ca(3), ca(2)]);
    assert_eq!((sids(&third), &third["next_page_uri"]), (vec![ca(1)], &json!(null)));
    let back = twilio.get(third["previous_page_uri"].as_str().unwrap()).await.json();
    assert_eq!(sids(&back), sids(&second));
}

#[tokio::test]
async fn a_call_ends_as_its_status_asks() {
    let twilio = with(Behavior::default()).await;
    for (n, status) in [(3, "completed"), (4, "canceled"), (5, "canceled")] {
        let body = twilio.post(&call(1, n), &[("Status", status)]).await.json();
        assert_eq!((&body["status"], &body["account_sid"]), (&json!(status), &json!(ac(1))));
        assert_eq!(twilio.get(&call(1, n)).await.json(), body);
        assert_eq!(twilio.post(&call(1, n), &[("Status", status)]).await.refusal(), (400, 21220));
    }
    for n in [1, 2] {
        assert_eq!(twilio.post(&call(1, n), &[("Status", "completed")]).await.refusal(), (400, 21220));
    }
    assert_eq!(sids(&twilio.get(&format!("{}?Status=in-progress", calls(1))).await.json()).len(), 0);
}

#[tokio::test]
async fn a_call_is_found_under_its_own_account_only() {
    let twilio = with(Behavior::default()).await;
    for path in [call(0, 3), call(2, 3), call(1, 9)] {
        assert_eq!(twilio.get(&path).await.refusal(), (404, 20404));
        assert_eq!(twilio.post(&path, &[("Status", "completed")]).await.refusal(), (404, 20404));
    }
    let token = twilio.sim.world().account(&ac(1)).unwrap().auth_token.clone();
    let as_acme = |path: String| receive(twilio.request(Method::GET, &path).basic_auth(ac(1), Some(&token)));
    assert_eq!(as_acme(calls(1)).await.unwrap().status, 200);
    assert_eq!(as_acme(calls(2)).await.unwrap().refusal(), (404, 20404));
    assert_eq!(twilio.sim.world().calls().filter(|call| !call.status.is_over()).count(), 4);
}

#[tokio::test]
async fn a_misspelt_status_parameter_ends_no_call() {
    let twilio = with(Behavior::default()).await;
    assert_eq!(twilio.post(&call(1, 3), &[("status", "completed")]).await.json()["status"], "in-progress");
    assert_eq!(twilio.post(&call(1, 3), &[("Status", "Completed")]).await.refusal(), (400, 20422));
}

#[tokio::test]
async fn calls_go_on_in_a_suspended_account_and_are_shown_or_refused() {
    for (suspended_calls, refusal) in [(Policy::Allowed, (200, 0)), (Policy::Refused, (403, 20005))] {
        let twilio = with(Behavior { suspended_calls, ..Behavior::default() }).await;
        assert_eq!(twilio.post(&account(1), &[("Status", "suspended")]).await.status, 200);
        assert_eq!(twilio.get(&calls(2)).await.refusal(), refusal);
        assert_eq!(twilio.post(&call(2, 6), &[("Status", "completed")]).await.refusal(), refusal);
        assert_eq!(twilio.sim.world().call(&ca(3)).unwrap().status, CallStatus::InProgress);
    }
}

#[tokio::test]
async fn an_answer_about_a_call_is_stale_or_lost() {
    let twilio = with(Behavior::default()).await;
    twilio.sim.inject(Fault::stale().on(Operation::UpdateCall).times(1));
    let body = twilio.post(&call(1, 3), &[("Status", "completed")]).await.json();
    assert_eq!(body["status"], "in-progress");
    twilio.sim.inject(Fault::reset_after().on(Operation::UpdateCall).times(1));
    let form = [("Status", "canceled")];
    assert!(receive(twilio.as_main(Method::POST, &call(1, 4)).form(&form)).await.is_err());
    let world = twilio.sim.world();
    let status = |n| world.call(&ca(n)).unwrap().status;
    assert_eq!((status(3), status(4)), (CallStatus::Completed, CallStatus::Canceled));
}

#[tokio::test]
async fn calls_begin_and_end_by_edits() {
    let twilio = with(Behavior::default()).await;
    let begin = json!({"sid": ca(7), "owner": ac(2), "status": "ringing", "to": "911"}).to_string();
    assert_eq!(twilio.steer(Method::POST, "calls", &begin).await.status, 204);
    assert_eq!(twilio.steer(Method::POST, "calls", &begin).await.status, 400);
    let list = twilio.get(&calls(2)).await.json();
    assert_eq!(sids(&list), [ca(7), ca(6)], "it begins now, so it is the newest");
    assert_eq!(list["calls"][0]["to"], "911");
    let path = format!("calls/{}", ca(7));
    assert_eq!(twilio.steer(Method::POST, &path, r#"{"status": "busy"}"#).await.status, 204);
    let body = twilio.get(&call(2, 7)).await.json();
    assert_eq!(body["status"], "busy");
    assert!(body["end_time"].is_string());
    for (wrong, status) in
        [(json!({"owner": ac(1)}), 400), (json!({"sid": ca(8)}), 400), (json!({"status": "gone"}), 400)]
    {
        assert_eq!(twilio.steer(Method::POST, &path, &wrong.to_string()).await.status, status, "{wrong}");
    }
    let stray = json!({"sid": ca(8), "owner": ac(9), "status": "queued"}).to_string();
    assert_eq!(twilio.steer(Method::POST, "calls", &stray).await.status, 404);
    assert_eq!(twilio.steer(Method::DELETE, &path, "").await.status, 204);
    assert_eq!(twilio.get(&call(2, 7)).await.refusal(), (404, 20404));
}

#[tokio::test]
async fn an_observer_sees_the_call_that_a_write_names() {
    let twilio = with(Behavior::default()).await;
    let (send, receive) = std::sync::mpsc::channel();
    twilio.sim.observe_writes(move |seen, _| send.send((seen.operation, seen.call.clone())).unwrap());
    twilio.post(&call(1, 3), &[("Status", "completed")]).await;
    assert_eq!(receive.try_recv().unwrap(), (Some(Operation::UpdateCall), Some(ca(3))));
}
