//! Addresses: the list of an account, and their use in a transfer.

use reqwest::Method;
use serde_json::json;
use twilio_sim::{AccountStatus, AddressRequirements, AddressSid, World};

use crate::client::{PHONE, TOKEN, Twilio, ac, number_of, pn};

fn ad(n: u64) -> String {
    AddressSid::numbered(n).to_string()
}

fn addresses(owner: u64) -> String {
    format!("/2010-04-01/Accounts/{}/Addresses.json", ac(owner))
}

async fn two_addresses() -> Twilio {
    let world = World::builder(&ac(0), TOKEN)
        .account(&ac(1), "acme", AccountStatus::Active)
        .account(&ac(2), "globex", AccountStatus::Active)
        .number_with(&pn(1), PHONE, &ac(1), |number| number.address_requirements = AddressRequirements::Any)
        .address_with(&ad(1), &ac(2), "US", |_| {})
        .address_with(&ad(2), &ac(2), "DE", |address| {
            "Globex GmbH".clone_into(&mut address.customer_name);
        })
        .build();
    Twilio::of(world).await
}

#[tokio::test]
async fn a_list_of_addresses_is_filtered() {
    let twilio = two_addresses().await;
    let cases = [
        ("", vec![ad(1), ad(2)]),
        ("?IsoCountry=DE", vec![ad(2)]),
        ("?CustomerName=Globex+GmbH", vec![ad(2)]),
        ("?CustomerName=Globex", vec![]),
        ("?EmergencyEnabled=true", vec![]),
        ("?PageSize=1", vec![ad(1)]),
    ];
    for (query, expected) in cases {
        let list = twilio.get(&format!("{}{query}", addresses(2))).await.json();
        let rows = list["addresses"].as_array().unwrap();
        let found: Vec<_> = rows.iter().map(|row| row["sid"].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
    let first = twilio.get(&format!("{}?PageSize=1", addresses(2))).await.json();
    let second = twilio.get(first["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!(second["addresses"][0]["sid"], ad(2));
    assert_eq!(twilio.get(&addresses(1)).await.json()["addresses"], json!([]));
    assert_eq!(twilio.get(&addresses(9)).await.refusal(), (404, 20404));
}

#[tokio::test]
async fn an_address_of_another_account_does_not_serve_a_transfer() {
    let twilio = two_addresses().await;
    let form = |to: u64, address: u64| [("AccountSid", ac(to)), ("AddressSid", ad(address))];
    let post = async |to, address| {
        let form = form(to, address);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        twilio.post(&number_of(1), &form).await
    };
    assert_eq!(post(2, 9).await.refusal(), (400, 21631));
    assert_eq!(post(2, 2).await.json()["address_sid"], ad(2));
}

#[tokio::test]
async fn addresses_come_and_go_by_edits() {
    let twilio = two_addresses().await;
    let add = json!({"sid": ad(3), "owner": ac(1), "isoCountry": "DE", "city": "Berlin"}).to_string();
    assert_eq!(twilio.steer(Method::POST, "addresses", &add).await.status, 204);
    let list = twilio.get(&addresses(1)).await.json();
    assert_eq!(
        (&list["addresses"][0]["sid"], &list["addresses"][0]["city"]),
        (&json!(ad(3)), &json!("Berlin"))
    );
    assert_eq!(twilio.steer(Method::DELETE, &format!("addresses/{}", ad(3)), "").await.status, 204);
    assert_eq!(twilio.steer(Method::DELETE, &format!("addresses/{}", ad(3)), "").await.status, 404);
    let stray = json!({"sid": ad(3), "owner": ac(9)}).to_string();
    assert_eq!(twilio.steer(Method::POST, "addresses", &stray).await.status, 404);
}
