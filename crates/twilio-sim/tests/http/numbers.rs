//! Numbers: lists, transfers, releases.

use serde_json::json;
use twilio_sim::{AccountStatus, Origin, World};

use crate::client::{PHONE, TOKEN, Twilio, ac, fleet, number_of, numbers, pn};

#[tokio::test]
async fn a_number_goes_to_another_account_and_keeps_its_sid() {
    let twilio = Twilio::of(fleet()).await;
    let answer = twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["sid"], &body["account_sid"]), (&json!(pn(1)), &json!(ac(0))));
    assert_eq!(twilio.owner(), Some(ac(0)));
    assert_eq!(twilio.get(&number_of(1)).await.refusal(), (404, 20404));
    assert_eq!(twilio.get(&number_of(0)).await.json(), body);
}

#[tokio::test]
async fn a_number_goes_from_one_subaccount_straight_to_another() {
    let twilio = Twilio::of(World::generated(2, 1)).await;
    let answer = twilio.post(&number_of(1), &[("AccountSid", &ac(2))]).await;
    assert_eq!(answer.json()["account_sid"], ac(2));
}

#[tokio::test]
async fn a_transfer_that_twilio_refuses_changes_nothing() {
    let twilio = Twilio::of(fleet()).await;
    let before = twilio.sim.world().clone();
    for (to, code) in [(ac(2), 21472), (ac(3), 21472), (ac(9), 21471), ("nobody".to_owned(), 21470)] {
        let form = [("AccountSid", to.as_str()), ("FriendlyName", "renamed")];
        assert_eq!(twilio.post(&number_of(1), &form).await.refusal(), (400, code));
    }
    assert_eq!(*twilio.sim.world(), before);
}

#[tokio::test]
async fn a_transfer_sets_the_given_resources() {
    let world = World::builder(&ac(0), TOKEN)
        .account(&ac(1), "acme", AccountStatus::Active)
        .number_with(&pn(1), PHONE, &ac(1), |number| {
            number.address_requirements = twilio_sim::AddressRequirements::Any;
            number.bundle_sid = Some(format!("BU{:032x}", 1));
        })
        .build();
    let twilio = Twilio::of(world).await;
    let (address, bundle) = (format!("AD{:032x}", 2), format!("BU{:032x}", 2));
    let to = ac(0);
    let mut form = vec![("AccountSid", to.as_str())];
    assert_eq!(twilio.post(&number_of(1), &form).await.refusal(), (400, 21631));
    form.push(("AddressSid", &address));
    assert_eq!(twilio.post(&number_of(1), &form).await.refusal(), (400, 21649));
    form.push(("BundleSid", &bundle));
    let body = twilio.post(&number_of(1), &form).await.json();
    assert_eq!((&body["address_sid"], &body["bundle_sid"]), (&json!(address), &json!(bundle)));
    assert_eq!(body["account_sid"], to);
}

#[tokio::test]
async fn a_number_is_configured_without_being_moved() {
    let twilio = Twilio::of(fleet()).await;
    let form = [("VoiceUrl", "https://example.org/voice"), ("VoiceMethod", "GET"), ("FriendlyName", "desk")];
    let body = twilio.post(&number_of(1), &form).await.json();
    assert_eq!(
        (&body["voice_url"], &body["voice_method"], &body["friendly_name"], &body["account_sid"]),
        (&json!("https://example.org/voice"), &json!("GET"), &json!("desk"), &json!(ac(1)))
    );
    assert_ne!(body["date_updated"], body["date_created"]);
    assert_eq!(twilio.post(&number_of(1), &[("VoiceUrl", "nowhere")]).await.refusal(), (400, 21402));
}

#[tokio::test]
async fn a_change_to_the_same_value_does_not_change_the_date() {
    let twilio = Twilio::of(fleet()).await;
    let before = twilio.sim.world().clone();
    assert_eq!(twilio.post(&number_of(1), &[("AccountSid", &ac(1))]).await.status, 200);
    assert_eq!(twilio.post(&crate::client::account(1), &[("Status", "active")]).await.status, 200);
    assert_eq!(twilio.post(&crate::client::account(2), &[("Status", "suspended")]).await.status, 200);
    assert_eq!(*twilio.sim.world(), before);
    assert_eq!(twilio.sim.writes(), 3);
}

#[tokio::test]
async fn a_release_takes_the_number_from_the_world() {
    let twilio = Twilio::of(fleet()).await;
    assert_eq!(twilio.delete(&number_of(0)).await.refusal(), (404, 20404));
    let answer = twilio.delete(&number_of(1)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(twilio.owner(), None);
    let world = twilio.sim.world();
    assert_eq!((world.released()[0].phone_number.as_str(), world.released().len()), (PHONE, 1));
}

#[tokio::test]
async fn a_list_of_numbers_filters_by_part_of_the_number_and_exactly_by_the_rest() {
    let world = World::builder(&ac(0), TOKEN)
        .number(&pn(1), "+15105550101", &ac(0))
        .number_with(&pn(2), "+15105550202", &ac(0), |number| {
            number.friendly_name = "desk".to_owned();
            number.beta = true;
        })
        .number_with(&pn(3), "+493012345678", &ac(0), |number| number.origin = Origin::Hosted)
        .build();
    let twilio = Twilio::of(world).await;
    let cases = [
        ("", vec![pn(1), pn(2), pn(3)]),
        ("?PhoneNumber=5550", vec![pn(1), pn(2)]),
        ("?PhoneNumber=%2B15105550202", vec![pn(2)]),
        ("?FriendlyName=desk", vec![pn(2)]),
        ("?FriendlyName=des", vec![]),
        ("?Beta=true", vec![pn(2)]),
        ("?Origin=hosted", vec![pn(3)]),
        ("?Origin=twilio&Beta=false", vec![pn(1)]),
    ];
    for (query, expected) in cases {
        let list = twilio.get(&format!("{}{query}", numbers(0))).await.json();
        let rows = list["incoming_phone_numbers"].as_array().unwrap();
        let found: Vec<_> = rows.iter().map(|row| row["sid"].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
}
