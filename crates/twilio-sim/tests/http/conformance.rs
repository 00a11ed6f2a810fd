//! Conformance: every answer has all the fields of Twilio's specification, of the right shape, and no others.

use jsonschema::Validator;
use serde_json::{Value, json};
use twilio_sim::{AccountStatus, World};

use crate::client::{ACCOUNTS, TOKEN, Twilio, ac, account, fleet, number_of, numbers};

fn schema(name: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(include_str!("twilio-v2010.schema.json")).unwrap();
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn assert_conforms(body: &Value, name: &str) {
    let faults: Vec<_> = schema(name).iter_errors(body).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?}");
}

#[tokio::test]
async fn accounts_and_numbers_conform() {
    let twilio = Twilio::of(fleet()).await;
    let account_schema = "api.v2010.account";
    let number_schema = "api.v2010.account.incoming_phone_number";
    for n in 0..=3 {
        assert_conforms(&twilio.get(&account(n)).await.json(), account_schema);
    }
    assert_conforms(&twilio.post(&account(1), &[("FriendlyName", "new")]).await.json(), account_schema);
    assert_conforms(&twilio.post(ACCOUNTS, &[]).await.json(), account_schema);
    assert_conforms(&twilio.get(&number_of(1)).await.json(), number_schema);
    let (trunk, address) = (format!("TK{:032x}", 1), format!("AD{:032x}", 1));
    let form = [
        ("TrunkSid", trunk.as_str()),
        ("EmergencyAddressSid", &address),
        ("VoiceCallerIdLookup", "true"),
        ("SmsUrl", "https://example.org/sms"),
    ];
    let body = twilio.post(&number_of(1), &form).await.json();
    assert_eq!((&body["trunk_sid"], &body["voice_caller_id_lookup"]), (&json!(trunk), &json!(true)));
    assert_conforms(&body, number_schema);
}

#[tokio::test]
async fn lists_conform_on_every_page() {
    let twilio = Twilio::of(World::generated(3, 4)).await;
    for (list, name) in
        [(ACCOUNTS.to_owned(), "ListAccountResponse"), (numbers(1), "ListIncomingPhoneNumberResponse")]
    {
        let mut next = Some(format!("{list}?PageSize=1"));
        while let Some(uri) = next {
            let page = twilio.get(&uri).await.json();
            assert_conforms(&page, name);
            next = page["next_page_uri"].as_str().map(str::to_owned);
        }
    }
    assert_conforms(&twilio.get(&numbers(0)).await.json(), "ListIncomingPhoneNumberResponse");
}

#[tokio::test]
async fn calls_and_addresses_conform() {
    use twilio_sim::CallStatus::{Completed, InProgress, Queued};
    let call = |n: u64| format!("CA{n:032x}");
    let mut builder = World::builder(&ac(0), TOKEN).account(&ac(1), "acme", AccountStatus::Active);
    for (n, status) in [(1, Queued), (2, InProgress), (3, Completed)] {
        builder = builder.call_with(&call(n), &ac(1), status, |_| {});
    }
    let twilio =
        Twilio::of(builder.address_with(&format!("AD{:032x}", 1), &ac(1), "DE", |_| {}).build()).await;
    let base = format!("/2010-04-01/Accounts/{}", ac(1));
    assert_conforms(&twilio.get(&format!("{base}/Calls.json?PageSize=1")).await.json(), "ListCallResponse");
    assert_conforms(&twilio.get(&format!("{base}/Calls.json")).await.json(), "ListCallResponse");
    let one = format!("{base}/Calls/{}.json", call(2));
    assert_conforms(&twilio.post(&one, &[("Status", "completed")]).await.json(), "api.v2010.account.call");
    assert_conforms(&twilio.get(&one).await.json(), "api.v2010.account.call");
    assert_conforms(&twilio.get(&format!("{base}/Addresses.json")).await.json(), "ListAddressResponse");
}

#[test]
fn the_schema_notices_a_missing_and_a_wrong_field() {
    let schema = schema("api.v2010.account");
    assert!(!schema.is_valid(&json!({"sid": "AC00000000000000000000000000000001"})));
    assert!(!schema.is_valid(&json!({"sid": 1})));
}
