//! Calls: the lists of those that have not ended, and the end of one.

use serde_json::json;
use subaccountd_core::{
    Action, Call, CallDirection, CallEnd, CallStatus, EndCalls, Outcome, endable,
    remote::{ErrorKind, Observe},
};
use twilio_sim::{AccountSid, CallSid, Fault, Operation, Policy, Sim, World};

use crate::support::{
    Reply, Server, account_sid, call_sid, client, client_with, config, end_call, error, ok, outcome, page,
    sub,
};

const US: &str = "+15105550101";
const THEM: &str = "+493012345678";

fn row(n: u32, status: &str) -> serde_json::Value {
    json!({
        "sid": call_sid(n), "account_sid": sub(), "status": status, "direction": "outbound-api",
        "from": US, "to": THEM, "parent_call_sid": null,
    })
}

/// The calls that a client reads from a list with this row of calls in progress, and two empty ones.
async fn read(row: &serde_json::Value) -> Result<Vec<Call>, String> {
    let listed = page("calls", &[row.to_string()], None);
    let empty = page("calls", &[], None);
    let server = Server::script([ok(&empty), ok(&empty), ok(&listed)]).await;
    client(&server).calls(sub()).await.map_err(|error| error.message)
}

#[tokio::test]
async fn calls_are_listed_by_status_in_the_order_in_which_a_call_has_them() {
    let pages = [row(1, "queued"), row(2, "ringing"), row(2, "in-progress")];
    let replies = pages.map(|row| ok(&page("calls", &[row.to_string()], None)));
    let server = Server::script(replies).await;
    let calls = client(&server).calls(sub()).await.unwrap();
    let seen: Vec<_> = calls.iter().map(|call| (call.sid, call.status)).collect();
    assert_eq!(seen, [(call_sid(1), CallStatus::Queued), (call_sid(2), CallStatus::InProgress)]);
    let path = format!("GET /2010-04-01/Accounts/{}/Calls.json?PageSize=1000&Status=", sub());
    let targets = ["queued", "ringing", "in-progress"].map(|status| format!("{path}{status}"));
    assert_eq!(server.targets(), targets);
}

#[tokio::test]
async fn list_of_calls_that_fails_is_unreadable_and_not_asked_again() {
    let server = Server::script([error(503, 20503, "no"), error(503, 20503, "no")]).await;
    let failed = client(&server).calls(sub()).await.unwrap_err();
    assert_eq!((failed.kind, server.targets().len()), (ErrorKind::Unreadable, 1));
}

#[tokio::test]
async fn call_has_its_ends_its_direction_and_its_parent() {
    let mut inbound = row(1, "in-progress");
    inbound["direction"] = "inbound".into();
    inbound["from"] = "911".into();
    inbound["parent_call_sid"] = json!(call_sid(2));
    let [call] = &read(&inbound).await.unwrap()[..] else { panic!("one call") };
    assert_eq!((call.direction, call.parent, call.from), (CallDirection::Inbound, Some(call_sid(2)), None));
    assert_eq!(call.to, THEM.parse().ok());
    for (key, value) in [("direction", json!("trunking-terminating")), ("direction", json!(null))] {
        let mut odd = row(1, "in-progress");
        odd[key] = value;
        assert_eq!(read(&odd).await.unwrap()[0].direction, CallDirection::Unknown);
    }
    assert_eq!(read(&row(1, "completed")).await, Ok(Vec::new()), "it ended while it was listed");
}

#[tokio::test]
async fn row_of_a_call_that_cannot_be_read_makes_the_list_unreadable() {
    for (key, value, words) in [
        ("sid", json!(null), "a call has no `sid`"),
        ("sid", json!("CA1"), "a call has an invalid `sid`"),
        ("account_sid", json!(account_sid(2)), "belongs to another account"),
        ("account_sid", json!(null), "invalid `account_sid`"),
        ("parent_call_sid", json!("CA1"), "invalid `parent_call_sid`"),
        ("status", json!("parked"), "the unknown status `parked`"),
        ("to", json!(7), "a row of the list is not a call"),
    ] {
        let mut odd = row(1, "in-progress");
        odd[key] = value;
        let why = read(&odd).await.unwrap_err();
        assert!(why.contains(words), "{key}: {why}");
    }
}

#[tokio::test]
async fn end_of_a_call_is_one_post_and_done_when_the_call_is_over() {
    for status in ["completed", "canceled", "busy", "failed", "no-answer"] {
        let server = Server::script([ok(&row(1, status).to_string())]).await;
        let Outcome::Done(receipt) = outcome(&client(&server), &end_call()).await else { panic!("{status}") };
        assert_eq!(receipt.request_id.as_deref(), Some("RQ1"));
        let [seen] = &server.seen()[..] else { panic!("one request") };
        assert_eq!((seen.method.as_str(), seen.body.as_str()), ("POST", "Status=completed"));
        assert_eq!(seen.target, format!("/2010-04-01/Accounts/{}/Calls/{}.json", sub(), call_sid(1)));
    }
    for (status, code) in [(400, 21220), (404, 20404), (409, 21220)] {
        let server = Server::script([error(status, code, "no")]).await;
        let ended = outcome(&client(&server), &end_call()).await;
        assert!(matches!(ended, Outcome::Done(_)), "{ended:?}");
    }
}

#[tokio::test]
async fn call_that_goes_on_or_another_one_is_not_ended() {
    let server = Server::script([ok(&row(1, "in-progress").to_string())]).await;
    let written = outcome(&client(&server), &end_call()).await;
    assert!(matches!(&written, Outcome::Ignored(refusal) if refusal.message.ends_with("is `in-progress`")));
    for reply in [ok(&row(2, "completed").to_string()), ok(&row(1, "parked").to_string()), Reply::Reset] {
        let server = Server::script([reply]).await;
        let written = outcome(&client(&server), &end_call()).await;
        assert!(matches!(written, Outcome::Unknown(_)), "{written:?}");
        assert_eq!(server.posts(), 1);
    }
}

/// A simulator whose account 1 has a call of each status, and an emergency call.
async fn sim() -> (Sim, subaccountd_twilio::Client) {
    use twilio_sim::CallStatus::{Completed, InProgress, Queued, Ringing};
    let mut world = World::generated(1, 0);
    for (n, status) in (1..).zip([Queued, Ringing, InProgress, Completed, InProgress]) {
        let mut call = twilio_sim::Call::new(
            CallSid::numbered(n),
            AccountSid::numbered(1),
            status,
            "2026-05-01T00:00:00Z".parse().unwrap(),
        );
        if n == 5 {
            "911".clone_into(&mut call.to);
        }
        world.begin_call(call, "2026-05-01T00:00:00Z".parse().unwrap()).unwrap();
    }
    world
        .change_status(&AccountSid::numbered(1), "suspended", "2026-05-01T00:00:01Z".parse().unwrap())
        .unwrap();
    let sim = Sim::start(world).await.unwrap();
    let client = client_with(subaccountd_twilio::Config {
        token: subaccountd_twilio::TokenSource::Fixed("demo-token".into()),
        ..config(&sim.url())
    });
    (sim, client)
}

/// The end of every call that may be ended.
async fn end_all(client: &subaccountd_twilio::Client) -> Outcome {
    let calls: Vec<CallEnd> = endable(&client.calls(sub()).await.unwrap());
    let account = client.account(sub()).await.unwrap();
    outcome(client, &Action::EndCalls(EndCalls { account, calls })).await
}

#[tokio::test]
async fn calls_of_the_simulator_end_as_their_status_asks_and_emergency_calls_go_on() {
    let (sim, client) = sim().await;
    assert_eq!(client.calls(sub()).await.unwrap().len(), 4);
    assert!(matches!(end_all(&client).await, Outcome::Done(_)));
    let statuses: Vec<_> = sim.world().calls().map(|call| call.status.as_str()).collect();
    assert_eq!(statuses, ["canceled", "canceled", "completed", "completed", "in-progress"]);
    assert_eq!(endable(&client.calls(sub()).await.unwrap()), []);
}

#[tokio::test]
async fn calls_that_twilio_refuses_stay_and_stop_no_pass() {
    let (sim, client) = sim().await;
    sim.inject(Fault::status(403, 20005).on(Operation::UpdateCall));
    assert!(matches!(end_all(&client).await, Outcome::Refused(refusal) if refusal.code == Some(20005)));
    sim.world().switches_mut().suspended_calls = Policy::Refused;
    assert_eq!(client.calls(sub()).await.unwrap_err().kind, ErrorKind::Unreadable);
}
