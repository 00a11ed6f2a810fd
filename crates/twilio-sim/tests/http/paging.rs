//! Paging: a walk sees every row that stays, in as few pages as there can be.

use std::collections::BTreeSet;

use serde_json::Value;
use twilio_sim::World;

use crate::client::{ACCOUNTS, Twilio, ac, account, numbers, pn};

/// Follows the links from `first`; the rows of each page.
async fn walk(twilio: &Twilio, first: &str, rows: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(uri) = next {
        let page = twilio.get(&uri).await.json();
        pages.push(page[rows].as_array().unwrap().clone());
        next = page["next_page_uri"].as_str().map(str::to_owned);
    }
    pages
}

fn distinct(pages: &[Vec<Value>]) -> usize {
    pages.iter().flatten().map(|row| row["sid"].as_str().unwrap()).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn a_walk_over_many_accounts_is_complete_and_minimal() {
    let twilio = Twilio::of(World::generated(2499, 2500)).await;
    let pages = walk(&twilio, &format!("{ACCOUNTS}?PageSize=1000"), "accounts").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    assert_eq!(distinct(&pages), 2500);
}

#[tokio::test]
async fn a_walk_over_many_numbers_is_complete_and_minimal() {
    let twilio = Twilio::of(World::generated(1, 2500)).await;
    let pages = walk(&twilio, &format!("{}?PageSize=1000", numbers(1)), "incoming_phone_numbers").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    assert_eq!(distinct(&pages), 2500);
}

#[tokio::test]
async fn a_list_that_fills_its_last_page_has_no_empty_one_after_it() {
    let twilio = Twilio::of(World::generated(99, 0)).await;
    let pages = walk(&twilio, ACCOUNTS, "accounts").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
    assert_eq!(walk(&twilio, &numbers(1), "incoming_phone_numbers").await, [Vec::<Value>::new()]);
}

#[tokio::test]
async fn envelope_has_the_position_of_the_page() {
    let twilio = Twilio::of(World::generated(4, 0)).await;
    let first = twilio.get(&format!("{ACCOUNTS}?PageSize=2&Status=active")).await.json();
    assert_eq!((&first["page"], &first["start"], &first["end"]), (&0.into(), &0.into(), &1.into()));
    assert_eq!(first["previous_page_uri"], Value::Null);
    let second = twilio.get(first["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!((&second["page"], &second["start"], &second["end"]), (&1.into(), &2.into(), &3.into()));
    assert_eq!(second["uri"], first["next_page_uri"]);
    assert_eq!(second["first_page_uri"], first["uri"]);
    let back = twilio.get(second["previous_page_uri"].as_str().unwrap()).await.json();
    assert_eq!(back["accounts"], first["accounts"]);
    let all = [&first, &second, &back].map(|page| page["page_size"].clone());
    assert_eq!(all, [2, 2, 2]);
}

#[tokio::test]
async fn filters_hold_on_every_page() {
    let twilio = Twilio::of(World::generated(5, 0)).await;
    twilio.post(&account(3), &[("Status", "suspended")]).await;
    let pages = walk(&twilio, &format!("{ACCOUNTS}?Status=active&PageSize=2"), "accounts").await;
    assert_eq!((pages.len(), distinct(&pages)), (3, 5));
    assert!(pages.iter().flatten().all(|row| row["status"] == "active"));
}

#[tokio::test]
async fn rows_may_come_and_go_between_two_pages() {
    let twilio = Twilio::of(World::generated(2, 8)).await;
    let first = twilio.get(&format!("{}?PageSize=2", numbers(1))).await.json();
    let (shown, hidden) = (pn(3), pn(7));
    for number in [shown, hidden] {
        let path = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{number}.json", ac(1));
        assert_eq!(twilio.post(&path, &[("AccountSid", &ac(2))]).await.status, 200);
    }
    let second = twilio.get(first["next_page_uri"].as_str().unwrap()).await.json();
    let rows = second["incoming_phone_numbers"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["sid"].clone()).collect::<Vec<_>>(), [pn(5)]);
    assert_eq!(second["next_page_uri"], Value::Null);
}

#[tokio::test]
async fn invalid_page_is_refused() {
    let twilio = Twilio::of(World::generated(3, 0)).await;
    for (query, refusal) in [
        ("PageSize=1001", (400, 20007)),
        ("PageToken=PT0123", (400, 21481)),
        ("Page=1", (400, 21481)),
        ("PageSize=all", (400, 20422)),
    ] {
        assert_eq!(twilio.get(&format!("{ACCOUNTS}?{query}")).await.refusal(), refusal, "{query}");
    }
}
