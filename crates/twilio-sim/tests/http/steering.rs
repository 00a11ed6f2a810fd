//! The steering door, and the life of the simulator.

use reqwest::Method;
use serde_json::json;
use twilio_sim::{AccountStatus, Fault, Operation, Sim, World};

use crate::client::{ACCOUNTS, PHONE, Twilio, ac, account, fleet, number_of, pn, receive};

#[tokio::test]
async fn the_world_is_shown_and_replaced() {
    let twilio = Twilio::of(fleet()).await;
    let shown = twilio.steer(Method::GET, "world", "").await;
    assert_eq!(shown.json()["main"]["sid"], ac(0));
    let before = twilio.sim.world().clone();
    *twilio.sim.world() = World::generated(1, 1);
    assert_eq!(twilio.steer(Method::PUT, "world", &shown.text).await.status, 204);
    assert_eq!(*twilio.sim.world(), before);
    let answer = twilio.steer(Method::PUT, "world", "main: {sid: AC1}").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"].as_str().unwrap().starts_with("world:1: "), "{}", answer.text);
    assert_eq!(*twilio.sim.world(), before);
}

#[tokio::test]
async fn faults_are_shown_replaced_added_and_removed() {
    let twilio = Twilio::of(fleet()).await;
    let one = r#"{"operation": "list_accounts", "times": 1, "fault": {"kind": "status", "http": 500}}"#;
    assert_eq!(twilio.steer(Method::POST, "faults", one).await.status, 204);
    assert_eq!(twilio.get(ACCOUNTS).await.status, 500);
    assert_eq!(twilio.steer(Method::GET, "faults", "").await.json()["list"][0]["seen"], 1);
    let all = r#"{"list": [{"fault": {"kind": "junk"}}], "omitDate": true}"#;
    assert_eq!(twilio.steer(Method::PUT, "faults", all).await.status, 204);
    assert_eq!(twilio.get(ACCOUNTS).await.header("date"), None);
    assert_eq!(twilio.steer(Method::DELETE, "faults", "").await.status, 204);
    assert_eq!(twilio.get(ACCOUNTS).await.json()["page"], 0);
    assert_eq!(twilio.steer(Method::PUT, "faults", r#"{"lists": []}"#).await.status, 400);
}

#[tokio::test]
async fn the_clock_is_stepped_while_faults_stay() {
    let twilio = Twilio::of(fleet()).await;
    let stale = r#"{"times": 5, "fault": {"kind": "stale"}}"#;
    assert_eq!(twilio.steer(Method::POST, "faults", stale).await.status, 204);
    let date = async || twilio.get(ACCOUNTS).await.header("date").unwrap()[12..16].to_owned();
    let year = date().await;
    let step = format!(r#"{{"clockOffsetSeconds": {}}}"#, 400 * 24 * 3600);
    let answer = twilio.steer(Method::PATCH, "faults", &step).await.json();
    assert_eq!((&answer["list"][0]["seen"], &answer["list"][0]["times"]), (&json!(1), &json!(5)));
    assert_ne!(date().await, year);
    assert_eq!(twilio.steer(Method::PATCH, "faults", r#"{"clockOffsetSeconds": 0}"#).await.status, 200);
    assert_eq!(date().await, year);
    assert_eq!(twilio.steer(Method::PATCH, "faults", r#"{"clockOffset": 0}"#).await.status, 400);
    assert_eq!(twilio.sim.faults().list.len(), 1);
}

#[tokio::test]
async fn a_paused_port_refuses_and_cuts_connections_until_it_listens_again() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.inject(Fault::new(twilio_sim::FaultKind::Stall).times(1));
    let stalled = tokio::spawn(receive(twilio.as_main(Method::GET, ACCOUNTS)));
    while twilio.sim.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        twilio.sim.pause_listening().await.unwrap();
        let error = tokio::net::TcpStream::connect(twilio.sim.address()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    assert!(stalled.await.unwrap().is_err());
    for _ in 0..2 {
        twilio.sim.resume_listening().await.unwrap();
        assert_eq!(twilio.get(ACCOUNTS).await.status, 200);
    }
    twilio.sim.pause_listening().await.unwrap();
    twilio.sim.resume_listening().await.unwrap();
    assert_eq!(twilio.get(ACCOUNTS).await.status, 200);
    twilio.sim.stop().await;
    assert!(tokio::net::TcpStream::connect(twilio.sim.address()).await.is_err());
}

#[tokio::test]
async fn switches_are_changed_by_name() {
    let twilio = Twilio::of(fleet()).await;
    let answer = twilio.steer(Method::PATCH, "switches", r#"{"noSid": "asBlank"}"#).await;
    assert_eq!(answer.json()["noSid"], "asBlank");
    assert_eq!(twilio.steer(Method::GET, "switches", "").await.json(), answer.json());
    assert_eq!(twilio.get(&number_of(1)).await.json()["bundle_sid"], "");
    assert_eq!(twilio.steer(Method::PATCH, "switches", r#"{"noSids": "asBlank"}"#).await.status, 400);
}

#[tokio::test]
async fn requests_are_shown_without_credentials() {
    let twilio = Twilio::of(fleet()).await;
    twilio.post(&account(1), &[("Status", "suspended"), ("Reason", "unpaid")]).await;
    twilio.get(&format!("{ACCOUNTS}?PageSize=7")).await;
    let answer = twilio.steer(Method::GET, "requests", "").await;
    let told = answer.json();
    assert_eq!((&told["writes"], &told["maxInFlight"]), (&json!(1), &json!(1)));
    let first = &told["requests"][0];
    assert_eq!(first["form"], json!([["Status", "suspended"], ["Reason", "unpaid"]]));
    assert_eq!((&first["operation"], &first["status"]), (&json!("update_account"), &json!(200)));
    assert_eq!(told["requests"][1]["query"], json!([["PageSize", "7"]]));
    assert!(!answer.text.contains("demo-token") && !answer.text.contains("Basic"));
    assert_eq!(twilio.sim.requests()[0].operation, Some(Operation::UpdateAccount));
    assert_eq!(twilio.steer(Method::DELETE, "requests", "").await.status, 204);
    assert_eq!((twilio.sim.requests().len(), twilio.sim.writes()), (0, 0));
}

#[tokio::test]
async fn an_edit_ignores_the_rules_of_the_api() {
    let twilio = Twilio::of(fleet()).await;
    let path = format!("accounts/{}", ac(3));
    let edit = r#"{"status": "active", "friendlyName": "back", "suspendedByTwilio": true}"#;
    assert_eq!(twilio.steer(Method::POST, &path, edit).await.status, 204);
    let body = twilio.get(&account(3)).await.json();
    assert_eq!((&body["status"], &body["friendly_name"]), (&json!("active"), &json!("back")));
    assert_ne!(body["date_updated"], body["date_created"]);

    let to = json!({"owner": ac(2), "portingOut": true}).to_string();
    assert_eq!(twilio.steer(Method::POST, &format!("numbers/{}", pn(1)), &to).await.status, 204);
    assert_eq!(twilio.owner(), Some(ac(2)));
    assert_eq!(twilio.steer(Method::DELETE, &format!("numbers/{PHONE}"), "").await.status, 204);
    assert_eq!(twilio.owner(), None);

    assert_eq!(twilio.steer(Method::DELETE, &path, "").await.status, 204);
    assert_eq!(twilio.get(&account(3)).await.refusal(), (404, 20404));
}

#[tokio::test]
async fn a_number_may_have_no_e164_phone_number() {
    let twilio = Twilio::of(fleet()).await;
    let path = format!("numbers/{}", pn(1));
    for (shown, edit) in [
        (json!(null), json!({"phoneNumber": null})),
        (json!("38436"), json!({"phoneNumber": "38436"})),
        (json!("sip:desk@example.com"), json!({"phoneNumber": "sip:desk@example.com"})),
        (json!(PHONE), json!({"phoneNumber": PHONE})),
    ] {
        assert_eq!(twilio.steer(Method::POST, &path, &edit.to_string()).await.status, 204, "{edit}");
        let row = twilio.get(&number_of(1)).await.json();
        assert_eq!((&row["phone_number"], &row["sid"]), (&shown, &json!(pn(1))), "{edit}");
        // The world is the same after it was written and read.
        let world = twilio.steer(Method::GET, "world", "").await.json();
        assert_eq!(twilio.steer(Method::PUT, "world", &world.to_string()).await.status, 204, "{edit}");
        assert_eq!(twilio.get(&number_of(1)).await.json()["phone_number"], shown, "{edit}");
    }
}

#[tokio::test]
async fn an_invalid_edit_is_refused() {
    let twilio = Twilio::of(fleet()).await;
    let before = twilio.sim.world().clone();
    let cases = [
        (format!("accounts/{}", ac(9)), r#"{"status": "active"}"#.to_owned(), 404),
        (format!("accounts/{}", ac(1)), r#"{"status": "asleep"}"#.to_owned(), 400),
        (format!("accounts/{}", ac(1)), r#"{"owner": "x"}"#.to_owned(), 400),
        (format!("accounts/{}", ac(1)), json!({"sid": ac(8)}).to_string(), 400),
        (format!("numbers/{}", pn(1)), json!({"owner": ac(9)}).to_string(), 404),
        (format!("numbers/{}", pn(1)), r#"{"phoneNumber": "0151"}"#.to_owned(), 400),
        (format!("numbers/{}", pn(1)), json!({"sid": pn(9)}).to_string(), 400),
    ];
    for (path, edit, status) in cases {
        assert_eq!(twilio.steer(Method::POST, &path, &edit).await.status, status, "{path} {edit}");
    }
    assert_eq!(*twilio.sim.world(), before);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone_with_all_its_connections() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.inject(Fault::new(twilio_sim::FaultKind::Stall));
    let stalled = tokio::spawn(receive(twilio.as_main(Method::GET, ACCOUNTS)));
    while twilio.sim.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    twilio.sim.stop().await;
    assert!(stalled.await.unwrap().is_err());
    assert!(tokio::net::TcpStream::connect(twilio.sim.address()).await.is_err());
}

#[tokio::test]
async fn the_last_clone_that_is_dropped_stops_the_simulator() {
    let sim = Sim::start(fleet()).await.unwrap();
    let (clone, address) = (sim.clone(), sim.address());
    drop(sim);
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    assert_eq!(clone.world().status(&ac(1)), Some(AccountStatus::Active));
    drop(clone);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
