//! The release of a number: one `DELETE`, and only 204 says that it was done.

use subaccountd_core::{
    Account, Action, EmergencyStatus, LiveStatus, Number, NumberSid, Outcome, Release, ResourceRef, Status,
    remote::{Apply, Observe, Tries, WriteSlot},
};

use crate::support::{Reply, Server, client, error, number_json, numbers_page, ok, outcome, reply, sub};

fn number_sid() -> NumberSid {
    format!("PN{:032x}", 1).parse().unwrap()
}

fn release() -> Action {
    let account = Account {
        sid: sub(),
        owner: None,
        friendly_name: "acme".to_owned(),
        status: LiveStatus::Known(Status::Active),
        date_created: None,
        date_updated: None,
    };
    let phone = "+15105550101".parse().unwrap();
    Action::Release(Release { phone, account, number: Number::new(number_sid(), Some(phone)) })
}

async fn answered(reply: Reply) -> (Outcome, Server) {
    let server = Server::script([reply]).await;
    let outcome = outcome(&client(&server), &release()).await;
    (outcome, server)
}

#[tokio::test]
async fn release_is_one_delete_at_the_path_of_the_owner() {
    let server = Server::script([reply(204, "")]).await;
    let outcome = outcome(&client(&server), &release()).await;
    let Outcome::Done(receipt) = outcome else { panic!("{outcome:?}") };
    let note = receipt.note.unwrap();
    assert!(note.contains("until 2026-12-01T09:00:00Z") && note.contains("price of a new number"), "{note}");
    let path = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json", sub(), number_sid());
    assert_eq!(server.targets(), [format!("DELETE {path}")]);
}

#[tokio::test]
async fn another_success_a_404_and_a_failing_server_are_unknown() {
    for answer in [
        ok(&number_json(1, sub())),
        ok(""),
        reply(202, ""),
        error(404, 20404, "not found"),
        error(409, 20409, "changed"),
        error(500, 20500, "no"),
    ] {
        let (outcome, server) = answered(answer).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        assert_eq!(server.targets().len(), 1, "it is not repeated");
    }
}

#[tokio::test]
async fn refusals_of_twilio_are_refused_with_their_codes() {
    for code in [21634, 22350, 22400, 20005] {
        let main = crate::support::account_json(crate::support::main(), "active");
        let server = Server::script([error(400, code, "no"), ok(&main)]).await;
        let outcome = outcome(&client(&server), &release()).await;
        assert_eq!(outcome.code(), Some(code), "{outcome:?}");
    }
    let (outcome, _) = answered(error(429, 20429, "slow down")).await;
    assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
}

#[tokio::test]
async fn number_is_fetched_once_in_the_place_of_its_release() {
    let server = Server::script([ok(&number_json(1, sub())), error(404, 20404, "not found")]).await;
    let client = client(&server);
    let mut place = client.place().await.unwrap();
    assert_eq!(place.number(sub(), number_sid()).await.unwrap().unwrap().sid, number_sid());
    assert_eq!(place.number(sub(), number_sid()).await.unwrap(), None);
    drop(place);
    let failing = Server::script([error(503, 20503, "no")]).await;
    let client = crate::support::client(&failing);
    assert!(client.place().await.unwrap().number(sub(), number_sid()).await.is_err());
    assert_eq!(failing.targets().len(), 1, "a look is not repeated");
}

#[tokio::test]
async fn emergency_address_is_read_with_its_status() {
    let with = |status: serde_json::Value| {
        let mut row: serde_json::Value = serde_json::from_str(&number_json(1, sub())).unwrap();
        row["emergency_address_sid"] = format!("AD{:032x}", 1).into();
        row["emergency_address_status"] = status;
        row.to_string()
    };
    for (status, read) in [
        ("registered".into(), Some(EmergencyStatus::Registered)),
        ("pending-unregistration".into(), Some(EmergencyStatus::PendingUnregistration)),
        ("unregistered".into(), Some(EmergencyStatus::Unregistered)),
        ("odd".into(), Some(EmergencyStatus::Unknown)),
        (serde_json::json!(7), Some(EmergencyStatus::Unknown)),
        ("".into(), None),
        (serde_json::Value::Null, None),
    ] {
        let server = Server::script([ok(&numbers_page(&[with(status)], None))]).await;
        let numbers = client(&server).numbers(sub(), Tries::Once).await.unwrap();
        assert_eq!(numbers[0].emergency_status, read);
        assert!(numbers[0].resource_refs.contains(ResourceRef::EmergencyAddress));
    }
}
