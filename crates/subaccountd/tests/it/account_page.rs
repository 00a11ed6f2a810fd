//! The page of one account on the status listener.

use twilio_sim::AccountStatus;

use crate::support::{Setup, ac, entry, eventually, fleet, output, phone, state, world};

#[tokio::test]
async fn account_page_has_the_verdict_the_numbers_the_close_and_the_last_writes() {
    let entries = entry(1, "closed", ", close: {confirm: a1, release: [\"+15105550001\"]}")
        .replace("+15105550001", &phone(1))
        + &entry(2, "active", &format!(", numbers: [\"{}\"]", phone(2)));
    let setup = Setup::new(fleet(3, 2), &state(&entries)).await;
    let daemon = setup.daemon(&["--interval", "100ms", "--max-released-numbers", "5"]).await;
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    let page = async |path: &str| daemon.get(&format!("/accounts/{path}")).await;
    eventually("cooling off", async || page(&ac(1)).await.1.contains("CoolingOff")).await;
    let (code, closing) = page(&ac(1)).await;
    assert_eq!(code, 200);
    for words in [
        "suspended, desired closed; HELD: CoolingOff",
        &phone(1),
        "it is suspended",
        &format!("suspend {}: done (Twilio request RQ", ac(1)),
        "subaccountd explain",
    ] {
        assert!(closing.contains(words), "{words}: {closing}");
    }
    let (_, settled) = page(&ac(2).to_lowercase().replace("ac", "AC")).await;
    assert!(settled.contains("active: in sync") && settled.contains(&phone(2)), "{settled}");
    assert!(!settled.contains("id=\"held\"") && !settled.contains("id=\"close\""), "{settled}");
    let (_, unlisted) = page(&ac(3)).await;
    assert!(unlisted.contains("not listed in the state"), "{unlisted}");
    let (_, main) = page(&ac(0)).await;
    assert!(main.contains("the main account"), "{main}");
    assert!(page(&format!("{}?refresh=30", ac(2))).await.1.contains("content=\"30\""));
    let fleet_page = daemon.get("/").await.1;
    assert!(fleet_page.contains(&format!("href=\"accounts/{}\"", ac(1))), "{fleet_page}");
}

#[tokio::test]
async fn account_that_is_nowhere_has_no_page() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.settled().await;
    for path in [ac(7).as_str(), "AC1", "%3Cscript%3E", "..%2Fstatus", "AC"] {
        let (code, text) = daemon.get(&format!("/accounts/{path}")).await;
        assert_eq!(code, 404, "{path}");
        assert!(!text.contains("script>"), "{text}");
    }
}

#[tokio::test]
async fn text_from_outside_is_data_on_an_account_page() {
    let name = "</h1><script>alert(1)</script>\u{202e}";
    let world = world().account(&ac(1), name, AccountStatus::Active);
    let setup =
        Setup::new(world, &state(&entry(1, "suspended", ", paused: true, reason: \"<img src=x>\""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    let answer = daemon.http().get(format!("{}/accounts/{}", daemon.url(), ac(1))).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains('\u{202e}'), "{page}");
}

#[tokio::test]
async fn account_page_needs_the_token_of_the_status() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let token = setup.dir.path().join("token");
    std::fs::write(&token, "a-status-token-of-some-length").unwrap();
    let daemon = setup.daemon(&["--status-token-file", token.to_str().unwrap()]).await;
    let path = format!("{}/accounts/{}", daemon.url(), ac(1));
    assert_eq!(daemon.http().get(&path).send().await.unwrap().status(), 401);
    let with = daemon.http().get(&path).bearer_auth("a-status-token-of-some-length");
    eventually("a pass", async || with.try_clone().unwrap().send().await.unwrap().status() == 200).await;
    let explained = output(setup.command(&["explain", &ac(1)])).await;
    assert!(explained.status.success());
}
