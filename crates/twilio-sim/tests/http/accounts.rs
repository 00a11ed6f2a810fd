//! Accounts: authentication, contents and changes.

use reqwest::Method;
use serde_json::json;
use twilio_sim::{AccountStatus, Fault, Operation};

use crate::client::{ACCOUNTS, TOKEN, Twilio, ac, account, fleet, number_of, numbers, receive};

#[tokio::test]
async fn only_the_right_token_of_an_active_account_opens_the_door() {
    let twilio = Twilio::of(fleet()).await;
    let token = |n| twilio.sim.world().account(&ac(n)).unwrap().auth_token.clone();
    let cases = [
        (ac(0), TOKEN.to_owned(), 200),
        (ac(0), "wrong".to_owned(), 401),
        (ac(9), TOKEN.to_owned(), 401),
        ("SK00000000000000000000000000000000".to_owned(), TOKEN.to_owned(), 401),
        (ac(1), token(1), 200),
        (ac(1), TOKEN.to_owned(), 401),
        (ac(2), token(2), 401),
        (ac(3), token(3), 401),
    ];
    for (user, password, status) in cases {
        let request = twilio.request(Method::GET, ACCOUNTS).basic_auth(&user, Some(password));
        let answer = receive(request).await.unwrap();
        assert_eq!(answer.status, status, "{user}");
        if status == 401 {
            let expected = json!({"code": 20003, "message": "Authenticate", "status": 401,
                                  "more_info": "https://www.twilio.com/docs/errors/20003"});
            assert_eq!(answer.json(), expected);
        }
    }
    assert_eq!(receive(twilio.request(Method::GET, ACCOUNTS)).await.unwrap().refusal(), (401, 20003));
}

#[tokio::test]
async fn a_subaccount_sees_itself_and_nothing_else() {
    let twilio = Twilio::of(fleet()).await;
    let token = twilio.sim.world().account(&ac(1)).unwrap().auth_token.clone();
    let ask = |method, path: String| {
        receive(twilio.request(method, &path).basic_auth(ac(1), Some(&token)).form(&[("FriendlyName", "x")]))
    };
    let list = ask(Method::GET, ACCOUNTS.to_owned()).await.unwrap().json();
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(list["accounts"][0]["sid"], ac(1));
    assert_eq!(ask(Method::GET, account(1)).await.unwrap().status, 200);
    assert_eq!(ask(Method::GET, number_of(1)).await.unwrap().status, 200);
    for hidden in [account(0), account(2), numbers(0), number_of(0)] {
        assert_eq!(ask(Method::GET, hidden.clone()).await.unwrap().refusal(), (404, 20404), "{hidden}");
    }
    assert_eq!(ask(Method::POST, ACCOUNTS.to_owned()).await.unwrap().refusal(), (400, 21101));
}

#[tokio::test]
async fn a_subaccount_cannot_change_its_status_nor_give_its_numbers_away() {
    let twilio = Twilio::of(fleet()).await;
    let token = twilio.sim.world().account(&ac(1)).unwrap().auth_token.clone();
    let post = |path: String, form: [(&'static str, String); 1]| {
        receive(twilio.request(Method::POST, &path).basic_auth(ac(1), Some(&token)).form(&form))
    };
    let status = post(account(1), [("Status", "suspended".to_owned())]).await.unwrap();
    assert_eq!(status.refusal(), (403, 20006));
    let transfer = post(number_of(1), [("AccountSid", ac(0))]).await.unwrap();
    assert_eq!(transfer.refusal(), (400, 21474));
    assert_eq!((twilio.status(1), twilio.owner()), (AccountStatus::Active, Some(ac(1))));
}

#[tokio::test]
async fn the_list_holds_the_main_account_and_filters_exactly() {
    let twilio = Twilio::of(fleet()).await;
    let cases = [
        ("", vec![ac(0), ac(1), ac(2), ac(3)]),
        ("?Status=active", vec![ac(0), ac(1)]),
        ("?Status=closed", vec![ac(3)]),
        ("?Status=Closed", vec![]),
        ("?FriendlyName=globex", vec![ac(2)]),
        ("?FriendlyName=glob", vec![]),
        ("?status=closed", vec![ac(0), ac(1), ac(2), ac(3)]),
    ];
    for (query, expected) in cases {
        let list = twilio.get(&format!("{ACCOUNTS}{query}")).await.json();
        let found: Vec<_> =
            list["accounts"].as_array().unwrap().iter().map(|row| row["sid"].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn an_account_shows_its_owner_and_its_token() {
    let twilio = Twilio::of(fleet()).await;
    let body = twilio.get(&account(1)).await.json();
    assert_eq!(body["owner_account_sid"], ac(0));
    assert_eq!(body["auth_token"].as_str().unwrap().len(), 32);
    assert_eq!(body["date_updated"], "Mon, 01 Jan 2024 00:00:00 +0000");
    assert_eq!(twilio.get(&account(0)).await.json()["owner_account_sid"], ac(0));
}

#[tokio::test]
async fn a_status_is_changed_and_answered() {
    let twilio = Twilio::of(fleet()).await;
    for (n, status) in [(1, "suspended"), (1, "active"), (2, "active"), (1, "closed")] {
        let answer = twilio.post(&account(n), &[("Status", status)]).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!(status)));
        assert_eq!(twilio.status(n).as_str(), status);
    }
    assert_eq!(twilio.sim.world().released().len(), 1);
}

#[tokio::test]
async fn a_misspelt_parameter_is_ignored_with_success() {
    let twilio = Twilio::of(fleet()).await;
    let before = twilio.sim.world().clone();
    for form in [("status", "closed"), ("Staus", "closed"), ("STATUS", "closed")] {
        let answer = twilio.post(&account(1), &[form]).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("active")));
    }
    assert_eq!(twilio.post(&number_of(1), &[("accountSid", &ac(0))]).await.status, 200);
    assert_eq!(*twilio.sim.world(), before);
}

#[tokio::test]
async fn a_refused_name_leaves_the_status_alone() {
    let twilio = Twilio::of(fleet()).await;
    let answer = twilio.post(&account(1), &[("Status", "suspended"), ("FriendlyName", "")]).await;
    assert_eq!(answer.refusal(), (400, 20002));
    let answer = twilio.post(&account(1), &[("Status", "gone"), ("FriendlyName", "new")]).await;
    assert_eq!(answer.refusal(), (400, 21475));
    assert_eq!(twilio.status(1), AccountStatus::Active);
    assert_eq!(twilio.sim.world().account(&ac(1)).unwrap().friendly_name, "acme");
}

#[tokio::test]
async fn a_new_account_is_created_active() {
    let twilio = Twilio::of(fleet()).await;
    let answer = twilio.post(ACCOUNTS, &[("FriendlyName", "hooli")]).await;
    assert_eq!(answer.status, 201);
    let body = answer.json();
    assert_eq!((&body["friendly_name"], &body["status"]), (&json!("hooli"), &json!("active")));
    let sid = body["sid"].as_str().unwrap();
    assert_eq!(twilio.get(&format!("/2010-04-01/Accounts/{sid}.json")).await.json(), body);
}

#[tokio::test]
async fn a_new_account_may_have_a_used_name_or_none() {
    let twilio = Twilio::of(fleet()).await;
    let body = twilio.post(ACCOUNTS, &[("FriendlyName", "acme")]).await.json();
    assert_eq!(body["friendly_name"], "acme");
    assert_ne!(body["sid"], ac(1));
    for form in [vec![], vec![("FriendlyName", "")], vec![("friendlyname", "x")]] {
        let body = twilio.post(ACCOUNTS, &form).await.json();
        assert!(body["friendly_name"].as_str().unwrap().starts_with("SubAccount Created at "), "{body}");
    }
    let long = "x".repeat(65);
    assert_eq!(twilio.post(ACCOUNTS, &[("FriendlyName", &long)]).await.refusal(), (400, 20002));
}

#[tokio::test]
async fn an_account_is_created_although_the_answer_is_lost() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.inject(Fault::reset_after().on(Operation::CreateAccount).times(1));
    let lost = receive(twilio.as_main(Method::POST, ACCOUNTS).form(&[("FriendlyName", "hooli")])).await;
    assert!(lost.is_err());
    let world = twilio.sim.world();
    assert_eq!(world.accounts().filter(|account| account.friendly_name == "hooli").count(), 1);
}

#[tokio::test]
async fn a_new_account_is_refused_over_the_limit() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.world().switches_mut().max_subaccounts = 2;
    assert_eq!(twilio.post(ACCOUNTS, &[("FriendlyName", "hooli")]).await.refusal(), (400, 21480));
    assert_eq!(twilio.post(&account(2), &[("Status", "closed")]).await.status, 200);
    assert_eq!(twilio.post(ACCOUNTS, &[("FriendlyName", "hooli")]).await.status, 201);
}

#[tokio::test]
async fn a_new_account_is_answered_before_it_is_found() {
    let twilio = Twilio::of(fleet()).await;
    twilio.sim.world().switches_mut().new_account_fetch_lag_ms = 3_600_000;
    twilio.sim.world().switches_mut().new_account_list_lag_ms = 3_600_000;
    let answer = twilio.post(ACCOUNTS, &[("FriendlyName", "hooli")]).await;
    assert_eq!(answer.status, 201);
    let path = format!("/2010-04-01/Accounts/{}.json", answer.json()["sid"].as_str().unwrap());
    assert_eq!(twilio.get(&path).await.refusal(), (404, 20404));
    assert_eq!(twilio.get(ACCOUNTS).await.json()["accounts"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn missing_resource_is_404_and_wrong_method_405() {
    let twilio = Twilio::of(fleet()).await;
    let unknown = account(9);
    let answer = twilio.get(&unknown).await;
    assert_eq!(answer.refusal(), (404, 20404));
    assert_eq!(answer.json()["message"], format!("The requested resource {unknown} was not found"));
    assert_eq!(twilio.get("/2010-04-01/Accounts").await.refusal(), (404, 20404));
    assert_eq!(twilio.delete(&account(1)).await.refusal(), (405, 20004));
    assert_eq!(twilio.post(&numbers(1), &[]).await.refusal(), (405, 20004));
}

#[tokio::test]
async fn every_answer_has_the_headers_of_twilio() {
    let twilio = Twilio::of(fleet()).await;
    let mut ids = Vec::new();
    for answer in [twilio.get(ACCOUNTS).await, twilio.get(&account(9)).await] {
        assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"));
        assert_eq!(answer.header("twilio-concurrent-requests"), Some("1"));
        assert!(answer.header("twilio-request-duration").unwrap().parse::<f64>().is_ok());
        assert!(answer.header("date").unwrap().ends_with(" GMT"));
        let id = answer.header("twilio-request-id").unwrap().to_owned();
        assert!(id.starts_with("RQ") && id.len() == 34, "{id}");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let logged: Vec<_> = twilio.sim.requests().into_iter().map(|request| request.request_id).collect();
    assert_eq!(logged, ids);
}
