//! Lists that lag: what they show, and what stays current.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use twilio_sim::{AccountStatus, World};

use crate::client::{ACCOUNTS, Twilio, ac, account, fleet, number_of, numbers, pn};

const LAG: Duration = Duration::from_hours(1);

/// The fleet, with lists that lag one hour.
async fn lagging(world: World) -> Twilio {
    let twilio = Twilio::of(world).await;
    let ms = LAG.as_millis();
    let patch = format!(r#"{{"accountListLagMs": {ms}, "numberListLagMs": {ms}}}"#);
    assert_eq!(twilio.steer(Method::PATCH, "switches", &patch).await.status, 200);
    twilio
}

/// Lets the lag pass.
async fn pass() {
    tokio::time::pause();
    tokio::time::advance(LAG).await;
    tokio::time::resume();
}

/// The values of a field in the rows of a list, over all its pages.
async fn column(twilio: &Twilio, list: &str, rows: &str, field: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), Some(list.to_owned()));
    while let Some(uri) = next {
        let page = twilio.get(&uri).await.json();
        found.extend(page[rows].as_array().unwrap().iter().map(|row| row[field].clone()));
        next = page["next_page_uri"].as_str().map(str::to_owned);
    }
    found
}

async fn statuses(twilio: &Twilio, query: &str) -> Vec<Value> {
    column(twilio, &format!("{ACCOUNTS}{query}"), "accounts", "status").await
}

async fn sids(twilio: &Twilio, list: &str) -> Vec<Value> {
    column(twilio, list, "incoming_phone_numbers", "sid").await
}

#[tokio::test]
async fn the_account_list_lags_behind_writes_and_fetches() {
    let twilio = lagging(fleet()).await;
    let body = twilio.post(&account(1), &[("Status", "suspended")]).await.json();
    assert_eq!(body["status"], "suspended");
    twilio.post(ACCOUNTS, &[("FriendlyName", "new")]).await;
    assert_eq!(twilio.get(&account(1)).await.json()["status"], "suspended");
    assert_eq!(statuses(&twilio, "").await, ["active", "active", "suspended", "closed"]);
    pass().await;
    assert_eq!(statuses(&twilio, "").await, ["active", "suspended", "suspended", "closed", "active"]);
}

#[tokio::test]
async fn filters_and_pages_are_those_of_the_lagging_list() {
    let twilio = lagging(fleet()).await;
    twilio.post(&account(1), &[("Status", "suspended")]).await;
    twilio.sim.edit_account(&ac(2), |it| it.status = AccountStatus::Active).unwrap();
    assert_eq!(statuses(&twilio, "?Status=active").await, ["active", "active"]);
    assert_eq!(twilio.steer(Method::DELETE, &format!("accounts/{}", ac(2)), "").await.status, 204);
    assert_eq!(statuses(&twilio, "?PageSize=1").await, ["active", "active", "suspended", "closed"]);
    let gone = twilio.get(&account(2)).await;
    assert_eq!(gone.refusal(), (404, 20404));
    pass().await;
    assert_eq!(statuses(&twilio, "?Status=active").await, ["active"]);
    assert_eq!(statuses(&twilio, "?PageSize=1").await, ["active", "suspended", "closed"]);
}

#[tokio::test]
async fn a_number_stays_in_the_list_of_its_giver_until_the_lag_is_over() {
    let twilio = lagging(fleet()).await;
    assert_eq!(twilio.post(&number_of(1), &[("AccountSid", &ac(0))]).await.status, 200);
    assert_eq!(twilio.get(&number_of(1)).await.status, 404);
    assert_eq!(twilio.get(&number_of(0)).await.status, 200);
    assert_eq!(sids(&twilio, &numbers(1)).await, [pn(1)]);
    assert!(sids(&twilio, &numbers(0)).await.is_empty());
    let owner = column(&twilio, &numbers(1), "incoming_phone_numbers", "account_sid").await;
    assert_eq!(owner, [ac(1)]);
    pass().await;
    assert!(sids(&twilio, &numbers(1)).await.is_empty());
    assert_eq!(sids(&twilio, &numbers(0)).await, [pn(1)]);
}

#[tokio::test]
async fn a_changed_setting_and_a_release_show_in_the_list_when_the_lag_is_over() {
    let twilio = lagging(fleet()).await;
    let name = async || column(&twilio, &numbers(1), "incoming_phone_numbers", "friendly_name").await;
    let old = name().await;
    assert_eq!(twilio.post(&number_of(1), &[("FriendlyName", "hotline")]).await.status, 200);
    assert_eq!(name().await, old);
    pass().await;
    assert_eq!(name().await, ["hotline"]);
    assert_eq!(twilio.delete(&number_of(1)).await.status, 204);
    assert_eq!(name().await, ["hotline"]);
    pass().await;
    assert!(name().await.is_empty());
}

#[tokio::test]
async fn an_account_that_was_reactivated_still_hides_its_numbers_until_the_lag_is_over() {
    let twilio = Twilio::of(fleet()).await;
    let hide = r#"{"suspendedNumbers": "empty"}"#;
    twilio.steer(Method::PATCH, "switches", hide).await;
    twilio.post(&account(1), &[("Status", "suspended")]).await;
    let lag = format!(r#"{{"numberListLagMs": {}}}"#, LAG.as_millis());
    twilio.steer(Method::PATCH, "switches", &lag).await;
    twilio.post(&account(1), &[("Status", "active")]).await;
    assert_eq!(statuses(&twilio, "").await[1], "active");
    assert!(sids(&twilio, &numbers(1)).await.is_empty());
    pass().await;
    assert_eq!(sids(&twilio, &numbers(1)).await, [pn(1)]);
}
