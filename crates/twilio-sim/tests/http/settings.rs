//! The settings of numbers: what an update and a transfer change, what they leave, and what a release waits for.

use serde_json::{Value, json};
use twilio_sim::{
    AccountStatus, Behavior, EmergencyRemoval, NamedSettings, NumberTypes, TransferEffect, World,
};

use crate::client::{PHONE, TOKEN, Twilio, ac, number_of, pn};

const OLD: &str = "https://example.org/old";
const NEW: &str = "https://example.org/new";

async fn with(switches: Behavior) -> Twilio {
    let world = World::builder(&ac(0), TOKEN)
        .account(&ac(1), "acme", AccountStatus::Active)
        .number_with(&pn(1), PHONE, &ac(1), |number| {
            for name in ["VoiceUrl", "SmsUrl", "StatusCallback"] {
                number.settings.set(name, OLD).unwrap();
            }
        })
        .switches(switches)
        .build();
    Twilio::of(world).await
}

/// Voice URL, message URL, status callback and name.
fn shown(body: &Value) -> [Value; 4] {
    ["voice_url", "sms_url", "status_callback", "friendly_name"].map(|key| body[key].clone())
}

const NAME: &str = "(510) 555-0101";

#[tokio::test]
async fn an_update_changes_what_it_names_and_a_blank_empties() {
    let twilio = with(Behavior::default()).await;
    let body = twilio.post(&number_of(1), &[("SmsUrl", NEW), ("StatusCallback", "")]).await.json();
    assert_eq!(shown(&body), [json!(OLD), json!(NEW), json!(""), json!(NAME)]);
    let body = twilio.post(&number_of(1), &[("EmergencyStatus", "Active")]).await.json();
    assert_eq!(body["emergency_status"], "Inactive", "warning 22222: it cannot be updated");
}

#[tokio::test]
async fn settings_that_an_update_names_are_honored_ignored_or_half_honored() {
    use NamedSettings::{Half, Honored, Ignored};
    let cases =
        [(Honored, [NEW, NEW, OLD, "desk"]), (Ignored, [OLD, OLD, OLD, NAME]), (Half, [NEW, OLD, OLD, NAME])];
    for (update_settings, expected) in cases {
        let twilio = with(Behavior { update_settings, ..Behavior::default() }).await;
        let form = [("VoiceUrl", NEW), ("SmsUrl", NEW), ("FriendlyName", "desk")];
        let answer = twilio.post(&number_of(1), &form).await;
        assert_eq!(answer.status, 200);
        assert_eq!(shown(&answer.json()), expected.map(Value::from), "{update_settings:?}");
        assert_eq!(shown(&twilio.get(&number_of(1)).await.json()), expected.map(Value::from));
        assert_eq!(twilio.post(&number_of(1), &[("SmsUrl", "nowhere")]).await.refusal(), (400, 21402));
    }
}

#[tokio::test]
async fn a_transfer_keeps_clears_and_sets_settings_as_the_switches_say() {
    use NamedSettings::{Half, Honored, Ignored};
    let cases = [
        (TransferEffect::Kept, Honored, [json!(NEW), json!(NEW), json!(OLD)]),
        (TransferEffect::Cleared, Honored, [json!(NEW), json!(NEW), json!("")]),
        (TransferEffect::Half, Honored, [json!(NEW), json!(NEW), json!("")]),
        (TransferEffect::Kept, Half, [json!(NEW), json!(OLD), json!(OLD)]),
        (TransferEffect::Cleared, Half, [json!(NEW), json!(""), json!("")]),
        (TransferEffect::Cleared, Ignored, [json!(null), json!(""), json!("")]),
        (TransferEffect::Half, Ignored, [json!(OLD), json!(""), json!("")]),
    ];
    for (webhooks, transfer_settings, expected) in cases {
        let twilio = with(Behavior { webhooks, transfer_settings, ..Behavior::default() }).await;
        let form = [("AccountSid", &*ac(0)), ("VoiceUrl", NEW), ("SmsUrl", NEW)];
        let body = twilio.post(&number_of(1), &form).await.json();
        assert_eq!(body["account_sid"], ac(0));
        assert_eq!(shown(&body)[..3], expected, "{webhooks:?} {transfer_settings:?}");
        assert_eq!(shown(&twilio.get(&number_of(0)).await.json())[..3], expected);
    }
}

#[tokio::test]
async fn an_emergency_address_is_removed_before_a_release() {
    let address = format!("AD{:032x}", 1);
    for (emergency_removal, status) in
        [(EmergencyRemoval::Pending, "pending-unregistration"), (EmergencyRemoval::Immediate, "unregistered")]
    {
        let twilio = with(Behavior { emergency_removal, ..Behavior::default() }).await;
        let body = twilio.post(&number_of(1), &[("EmergencyAddressSid", &address)]).await.json();
        assert_eq!(body["emergency_address_status"], "registered");
        assert_eq!(twilio.delete(&number_of(1)).await.refusal(), (400, 21634));
        let body = twilio.post(&number_of(1), &[("EmergencyAddressSid", "")]).await.json();
        assert_eq!(
            (&body["emergency_address_status"], &body["emergency_address_sid"]),
            (&json!(status), &json!(null))
        );
        if emergency_removal == EmergencyRemoval::Pending {
            assert_eq!(twilio.delete(&number_of(1)).await.refusal(), (400, 21634));
            let done = r#"{"emergencyAddressStatus": "unregistered"}"#;
            let path = format!("numbers/{}", pn(1));
            assert_eq!(twilio.steer(reqwest::Method::POST, &path, done).await.status, 204);
        }
        assert_eq!(twilio.delete(&number_of(1)).await.status, 204);
    }
}

#[tokio::test]
async fn type_of_a_number_is_shown_or_absent() {
    for (number_types, expected) in [(NumberTypes::Shown, Some(&json!("local"))), (NumberTypes::Absent, None)]
    {
        let twilio = with(Behavior { number_types, ..Behavior::default() }).await;
        assert_eq!(twilio.get(&number_of(1)).await.json().get("type"), expected);
    }
}
