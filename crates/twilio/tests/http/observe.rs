//! Reads, on real sockets.

use std::{
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::support::{
    BASE64, Reply, Seen, Server, account_json, account_sid, accounts_page, client, client_with, config,
    counted_client, error, hasty_client, main, number_json, numbers_page, ok, raw, reply, sub, words,
};
use subaccountd_core::{
    LiveStatus, NumberSetting, NumberType, ResourceRef, ResourceRefs, SettingSet, Status,
    remote::{ErrorKind, Observe, Tries},
};
use subaccountd_twilio::{Config, Operation, RequestOutcome, Retry};

const ACCOUNTS: &str = "/2010-04-01/Accounts.json?PageSize=1000";

fn one_account() -> String {
    accounts_page(&[account_json(main(), "active")], None)
}

/// Pages of 1000 as Twilio gives them, over `total` accounts.
fn big_fleet(total: u32) -> impl Fn(usize, &Seen) -> Reply {
    move |_, request| {
        let page: u32 = request.target.split("&Page=").nth(1).map_or(0, |rest| rest[..1].parse().unwrap());
        assert!(request.target.contains("PageSize=1000"), "{}", request.target);
        let rows: Vec<_> = (page * 1000..total.min(page * 1000 + 1000))
            .map(|n| account_json(account_sid(n), "active"))
            .collect();
        let more = (page + 1) * 1000 < total;
        let next = format!("/2010-04-01/Accounts.json?PageSize=1000&Page={}&PageToken=PA{page}", page + 1);
        ok(&accounts_page(&rows, more.then_some(next.as_str())))
    }
}

#[tokio::test]
async fn the_account_list_is_read_with_the_fewest_requests() {
    for (total, requests) in [(2_500, 3), (2_501, 3), (1_000, 1), (1, 1)] {
        let server = Server::start(big_fleet(total)).await;
        let list = client(&server).accounts().await.unwrap();
        assert_eq!((list.accounts.len(), server.seen().len()), (total as usize, requests));
    }
}

#[tokio::test]
async fn an_account_is_shown_as_twilio_has_it_and_the_list_carries_twilios_clock() {
    let server = Server::script([ok(&one_account())]).await;
    let list = client(&server).accounts().await.unwrap();
    assert_eq!(list.date, Some("2026-11-21T09:00:00Z".parse().unwrap()));
    let [account] = &list.accounts[..] else { panic!("{list:?}") };
    assert_eq!((account.sid, account.owner), (main(), Some(main())));
    assert_eq!(
        (account.friendly_name.as_str(), &account.status),
        ("acme", &LiveStatus::Known(Status::Active))
    );
    assert_eq!(account.date_updated, Some("2015-07-30T20:00:00Z".parse().unwrap()));
    assert_eq!(server.targets(), [format!("GET {ACCOUNTS}")]);
    assert_eq!(server.seen()[0].authorization, Some(format!("Basic {BASE64}")));
}

#[tokio::test]
async fn a_clock_that_is_missing_or_unreadable_is_none() {
    for date in ["", "Date: yesterday\r\n"] {
        let body = one_account();
        let bytes = format!("HTTP/1.1 200 OK\r\n{date}Content-Length: {}\r\n\r\n{body}", body.len());
        let server = Server::script([Reply::Whole(bytes.into())]).await;
        assert_eq!(client(&server).accounts().await.unwrap().date, None);
    }
}

#[tokio::test]
async fn nearly_every_field_may_be_null_and_an_unknown_status_is_kept() {
    let long = "x".repeat(5_000);
    for (status, kept) in [
        ("null".to_owned(), String::new()),
        (r#""""#.to_owned(), String::new()),
        (r#""Active""#.to_owned(), "Active".to_owned()),
        (r#""pending-review""#.to_owned(), "pending-review".to_owned()),
        (r#""act\u0000ive""#.to_owned(), "act\u{fffd}ive".to_owned()),
        (format!("\"{long}\""), format!("{}…", &long[..40])),
    ] {
        let row = format!(
            r#"{{"sid": "{}", "owner_account_sid": "", "friendly_name": null, "status": {status}, "date_updated": "?"}}"#,
            sub()
        );
        let server = Server::script([ok(&accounts_page(&[row], Some("")))]).await;
        let accounts = client(&server).accounts().await.unwrap().accounts;
        assert_eq!(accounts[0].status, LiveStatus::Unknown(kept));
        assert_eq!((accounts[0].owner, accounts[0].date_updated), (None, None));
        assert_eq!(accounts[0].friendly_name, "");
    }
}

#[tokio::test]
async fn a_row_that_comes_twice_counts_once_as_it_was_seen_last() {
    let server = Server::script([
        ok(&accounts_page(
            &[account_json(main(), "active"), account_json(sub(), "active")],
            Some(&format!("{ACCOUNTS}&Page=1")),
        )),
        ok(&accounts_page(&[account_json(sub(), "suspended")], None)),
    ])
    .await;
    let accounts = client(&server).accounts().await.unwrap().accounts;
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[1].status, LiveStatus::Known(Status::Suspended));
}

#[tokio::test]
async fn a_number_is_read_with_the_resources_that_it_uses() {
    let row = |key: &str| {
        format!(
            r#"{{"sid": "PN{:032}", "phone_number": "+15105550001", "{key}": "XX1", "trunk_sid": ""}}"#,
            1
        )
    };
    for (key, resource_ref) in [
        ("voice_application_sid", ResourceRef::VoiceApplication),
        ("sms_application_sid", ResourceRef::SmsApplication),
        ("address_sid", ResourceRef::Address),
        ("emergency_address_sid", ResourceRef::EmergencyAddress),
        ("bundle_sid", ResourceRef::Bundle),
        ("identity_sid", ResourceRef::Identity),
    ] {
        let server = Server::script([ok(&numbers_page(&[row(key)], Some("")))]).await;
        let numbers = client(&server).numbers(sub(), Tries::Repeated).await.unwrap();
        assert_eq!(numbers[0].resource_refs, ResourceRefs::from_iter([resource_ref]), "{key}");
    }
}

#[tokio::test]
async fn a_number_is_read_with_its_needs_for_a_transfer() {
    let row = |more: &str| format!(r#"{{"sid": "PN{:032}", "phone_number": "+15105550001"{more}}}"#, 1);
    for (more, needs_address, has_bundle) in [
        ("", false, false),
        (r#", "address_requirements": null, "bundle_sid": null, "account_sid": null"#, false, false),
        (r#", "address_requirements": "none", "bundle_sid": "", "account_sid": """#, false, false),
        (r#", "address_requirements": "any", "bundle_sid": "BU1""#, true, true),
        (r#", "address_requirements": "a-new-word""#, true, false),
    ] {
        let server = Server::script([ok(&numbers_page(&[row(more)], Some("")))]).await;
        let numbers = client(&server).numbers(sub(), Tries::Repeated).await.unwrap();
        assert_eq!(numbers[0].id().to_string(), "+15105550001");
        assert_eq!(
            (numbers[0].needs_address, numbers[0].resource_refs.contains(ResourceRef::Bundle)),
            (needs_address, has_bundle),
            "{more}"
        );
        assert_eq!(
            server.targets(),
            [format!("GET /2010-04-01/Accounts/{}/IncomingPhoneNumbers.json?PageSize=1000", sub())]
        );
    }
}

#[tokio::test]
async fn a_number_is_read_with_its_type_and_settings_without_credentials() {
    let row = |more: &str| format!(r#"{{"sid": "PN{:032}", "phone_number": "+15105550001"{more}}}"#, 1);
    let url =
        r#", "voice_url": "https://a:5ecre7@example.com/v?t=5ecre7", "sms_url": "", "status_callback": null"#;
    let application =
        r#", "voice_application_sid": "AP0000000000000000000000000000000A", "voice_method": "POST""#;
    let server = Server::script([ok(&numbers_page(
        &[row(&format!(r#"{url}{application}, "type": "toll-free""#))],
        None,
    ))])
    .await;
    let numbers = client(&server).numbers(sub(), Tries::Repeated).await.unwrap();
    let shown = format!("{numbers:?}{}", serde_json::to_string(&numbers).unwrap());
    assert!(!shown.contains("5ecre7"), "{shown}");
    assert_eq!(numbers[0].number_type, Some(NumberType::TollFree));
    assert_eq!(numbers[0].urls, [NumberSetting::VoiceUrl].into_iter().collect::<SettingSet>());
    let settings = numbers[0].settings.as_deref().unwrap();
    assert_eq!(settings.get(NumberSetting::VoiceUrl).unwrap().text(), "https://…@example.com/v?…");
    // In either case it is the same SID.
    assert_eq!(
        settings.get(NumberSetting::VoiceApplicationSid).unwrap().text(),
        "AP0000000000000000000000000000000a"
    );
    // Those of a fleet take no memory for what is not set.
    assert_eq!(settings.iter().count(), 2, "{settings:?}");
}

#[tokio::test]
async fn the_first_addresses_of_an_account_are_one_request() {
    let row = |n: u32, more: &str| format!(r#"{{"sid": "AD{n:032}", "account_sid": "{}"{more}}}"#, sub());
    let rows = [
        row(1, r#", "city": "Berlin\u001b[2J", "iso_country": "DE", "street": "5ecre7""#),
        row(2, ""),
        row(3, r#", "city": 7"#),
        format!(r#"{{"sid": "AD{:032}", "account_sid": "{}"}}"#, 4, main()),
        r#"{"sid": "XX"}"#.to_owned(),
        "7".to_owned(),
    ];
    let body = format!(r#"{{"addresses": [{}], "next_page_uri": "/2010-04-01/next"}}"#, rows.join(","));
    let server = Server::script([ok(&body)]).await;
    let addresses = client(&server).addresses(sub()).await.unwrap();
    let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [format!("AD{:032} (Berlin\u{fffd}[2J, DE)", 1), format!("AD{:032}", 2), format!("AD{:032}", 3),]
    );
    assert_eq!(server.targets(), [format!("GET /2010-04-01/Accounts/{}/Addresses.json?PageSize=6", sub())]);
}

#[tokio::test]
async fn setting_of_a_wrong_type_hides_no_number() {
    let row = |more: &str| format!(r#"{{"sid": "PN{:032}", "phone_number": "+15105550001"{more}}}"#, 1);
    for (more, setting) in [
        (r#", "voice_url": 7"#, NumberSetting::VoiceUrl),
        (r#", "sms_method": ["GET"]"#, NumberSetting::SmsMethod),
        (r#", "friendly_name": {}"#, NumberSetting::FriendlyName),
    ] {
        let row = row(&format!(r#"{more}, "type": false"#));
        let server = Server::script([ok(&numbers_page(&[row], None))]).await;
        let numbers = client(&server).numbers(sub(), Tries::Repeated).await.unwrap();
        let settings = numbers[0].settings.as_deref().unwrap();
        assert_eq!((settings.get(setting), numbers[0].number_type), (None, None), "{more}");
        let others = NumberSetting::ALL.into_iter().filter(|other| *other != setting);
        assert!(others.into_iter().all(|other| settings.get(other).is_some()), "{more}");
    }
}

#[tokio::test]
async fn an_invalid_number_makes_its_list_unreadable() {
    for (row, wrong) in [
        (r#"{"phone_number": "+15105550001"}"#.to_owned(), "a phone number has no `sid`"),
        (
            r#"{"sid": "XX1", "phone_number": "+15105550001"}"#.to_owned(),
            "a phone number has an invalid `sid`: `XX1`",
        ),
        (number_json(1, account_sid(2)), "belongs to another account: AC00000000000000000000000000000002"),
    ] {
        let server = Server::script([ok(&numbers_page(&[number_json(7, sub()), row], None))]).await;
        let error = client(&server).numbers(sub(), Tries::Repeated).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable);
        assert!(words(&error).contains(wrong), "{error}");
        assert_eq!(server.seen().len(), 1, "a retry would not help");
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_list_is_never_an_empty_list() {
    for body in [
        "",
        "null",
        "{}",
        "[]",
        "<html>maintenance</html>",
        r#"{"accounts": null, "next_page_uri": null}"#,
        r#"{"accounts": {}, "next_page_uri": null}"#,
        r#"{"accounts": "5ecre7-of-a-subaccount"}"#,
        r#"{"incoming_phone_numbers": [], "next_page_uri": null}"#,
        r#"{"accounts": [], "next_page_uri": null"#,
        r#"{"accounts": [], "next_page_uri": 7}"#,
    ] {
        let server = Server::script([ok(body)]).await;
        let error = client(&server).accounts().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable, "{body}");
        assert!(words(&error).contains("a page of `accounts` (line 1, column"), "{error}");
        assert_eq!(server.seen().len(), 4, "{body}: a read is repeated three times");
    }
}

#[tokio::test]
async fn a_read_survives_faults_that_pass() {
    let cut = raw(200, "", &one_account())[..150].to_vec();
    for fault in [
        error(500, 20500, "oops"),
        reply(503, "<html>"),
        error(429, 20429, "slow down"),
        Reply::Whole(raw(429, "Retry-After: 0\r\n", "")),
        Reply::BrokenOff(cut),
        Reply::BrokenOff(Vec::new()),
        Reply::BrokenOff(b"garbage\r\n\r\n".to_vec()),
        Reply::Reset,
        ok("{"),
    ] {
        let server = Server::script([fault.clone(), fault.clone(), fault.clone(), ok(&one_account())]).await;
        let list = client(&server).accounts().await;
        assert_eq!(list.map(|list| list.accounts.len()), Ok(1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_list_with_a_page_that_fails_for_good_fails_whole() {
    let first = ok(&accounts_page(&[account_json(main(), "active")], Some(&format!("{ACCOUNTS}&Page=1"))));
    let server = Server::script([first, error(500, 20500, "oops")]).await;
    let failed = client(&server).accounts().await.unwrap_err();
    assert_eq!((failed.kind, failed.code), (ErrorKind::Unreadable, Some(20500)));
    assert_eq!(
        words(&failed).split(" RemoteError").next().unwrap(),
        "could not list the accounts: HTTP 500, Twilio error 20500: oops (Twilio request RQ1)"
    );
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_body_that_stalls_ends_with_the_deadline() {
    let stalled = raw(200, "", &one_account())[..150].to_vec();
    for (stalled, request_id) in [(stalled, Some("RQ1")), (Vec::new(), None)] {
        let server = Server::script([Reply::Stalled(stalled)]).await;
        let failed = hasty_client(&server, Duration::from_millis(200)).accounts().await.unwrap_err();
        assert!(words(&failed).contains("answer within 200ms"), "{failed}");
        assert_eq!(failed.request_id.as_deref(), request_id);
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let huge = format!(r#"{{"accounts": [], "next_page_uri": "{}"}}"#, "x".repeat(17 << 20));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{huge}\r\n0\r\n\r\n",
        huge.len()
    );
    for bytes in [raw(200, "", &huge), chunked.into_bytes()] {
        let server = Server::script([Reply::Whole(bytes)]).await;
        let failed = client(&server).accounts().await.unwrap_err();
        assert!(words(&failed).contains("larger than 16 MiB"), "{failed}");
    }
}

#[tokio::test]
async fn pages_that_go_in_a_circle_fail_the_list_and_it_is_not_begun_again() {
    let next = format!("{ACCOUNTS}&Page=1");
    let server = Server::script([ok(&accounts_page(&[], Some(&next)))]).await;
    let failed = client(&server).accounts().await.unwrap_err();
    assert!(words(&failed).contains("`next_page_uri` repeats a page"), "{failed}");
    assert_eq!(server.targets(), [format!("GET {ACCOUNTS}"), format!("GET {next}")]);
}

#[tokio::test]
async fn a_list_without_end_fails_after_400_pages() {
    let server =
        Server::start(|n, _| ok(&accounts_page(&[], Some(&format!("{ACCOUNTS}&Page={}", n + 1))))).await;
    let failed = client(&server).accounts().await.unwrap_err();
    assert!(words(&failed).contains("more than 400 pages"), "{failed}");
    assert_eq!(server.seen().len(), 400);
}

#[tokio::test]
async fn a_list_of_more_rows_than_400_full_pages_hold_fails() {
    let body = |rows: usize| accounts_page(&vec!["{}".to_owned(); rows], None);
    let server = Server::script([ok(&body(400_001))]).await;
    let failed = client(&server).accounts().await.unwrap_err();
    assert!(words(&failed).contains("more than 400000 rows"), "{failed}");
    let server = Server::script([ok(&body(400_000))]).await;
    assert_eq!(client(&server).accounts().await.unwrap().unreadable.len(), 400_000);
}

#[tokio::test]
async fn a_page_token_that_twilio_forgot_costs_one_new_start() {
    let first = || ok(&accounts_page(&[account_json(main(), "active")], Some(&format!("{ACCOUNTS}&Page=1"))));
    let last = ok(&accounts_page(&[account_json(sub(), "active")], None));
    let stale = || error(400, 21481, "Invalid PageToken");
    let server = Server::script([first(), stale(), first(), last]).await;
    assert_eq!(client(&server).accounts().await.unwrap().accounts.len(), 2);

    let server = Server::script([first(), stale(), first(), stale(), first()]).await;
    let failed = client(&server).accounts().await.unwrap_err();
    assert_eq!((failed.kind, failed.code), (ErrorKind::Unreadable, Some(21481)));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn an_account_that_cannot_be_found_is_unreadable() {
    let server = Server::script([error(404, 20404, "not found")]).await;
    let failed = client(&server).account(sub()).await.unwrap_err();
    assert_eq!((failed.kind, failed.code), (ErrorKind::Unreadable, Some(20404)));
    assert_eq!(server.targets(), [format!("GET /2010-04-01/Accounts/{}.json", sub())]);
}

#[tokio::test]
async fn another_account_than_the_one_asked_for_is_unreadable() {
    let server = Server::script([ok(&account_json(account_sid(2), "active"))]).await;
    let failed = client(&server).account(sub()).await.unwrap_err();
    assert!(
        words(&failed).contains("the answer contains account AC00000000000000000000000000000002"),
        "{failed}"
    );
    assert_eq!(failed.kind, ErrorKind::Unreadable);
}

#[tokio::test]
async fn an_account_error_of_the_account_list_stops_the_pass() {
    for (status, code, kind) in [
        (401, 20003, ErrorKind::Credentials),
        (403, 20003, ErrorKind::Credentials),
        (403, 20005, ErrorKind::MainAccount),
        (403, 20006, ErrorKind::MainAccount),
        (403, 20403, ErrorKind::MainAccount),
        (400, 10001, ErrorKind::MainAccount),
        (400, 90010, ErrorKind::MainAccount),
        (403, 20008, ErrorKind::Credentials),
        (400, 21476, ErrorKind::MainAccount),
    ] {
        let server = Server::script([error(status, code, "no")]).await;
        let failed = client(&server).accounts().await.unwrap_err();
        assert_eq!((failed.kind, failed.code), (kind, Some(code)));
        assert_eq!(server.seen().len(), 1, "{code}");
    }
    for (status, kind) in [(401, ErrorKind::Credentials), (403, ErrorKind::MainAccount)] {
        let server = Server::script([reply(status, "")]).await;
        assert_eq!(client(&server).accounts().await.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn error_of_wrong_credentials_names_the_settings_to_check() {
    let server = Server::script([error(401, 20003, "Authenticate")]).await;
    let failed = words(&client(&server).accounts().await.unwrap_err());
    assert!(failed.contains("check `TWILIO_ACCOUNT_SID` and the auth token"), "{failed}");
    assert!(failed.contains("API keys (SK…) cannot access subaccounts"), "{failed}");
}

#[tokio::test]
async fn an_account_error_of_one_subaccount_is_about_it_alone_while_the_main_account_is_active() {
    for answer in [error(401, 20003, "Authenticate"), error(403, 20005, "Account not active"), reply(403, "")]
    {
        let server = Server::start(move |_, request| {
            if request.target.contains(&main().to_string()) {
                ok(&account_json(main(), "active"))
            } else {
                answer.clone()
            }
        })
        .await;
        for failed in [
            client(&server).numbers(sub(), Tries::Repeated).await.unwrap_err(),
            client(&server).account(sub()).await.unwrap_err(),
        ] {
            assert_eq!(failed.kind, ErrorKind::Unreadable, "{failed}");
        }
        assert_eq!(server.seen().len(), 4);
    }
}

#[tokio::test]
async fn an_account_error_stops_the_pass_when_the_main_account_is_not_well() {
    for (answer, kind, says) in [
        (
            ok(&account_json(main(), "suspended")),
            ErrorKind::MainAccount,
            "while the main account is `suspended`",
        ),
        (error(401, 20003, "no"), ErrorKind::Credentials, "nor read account AC0"),
        (error(403, 20005, "no"), ErrorKind::MainAccount, "nor read account AC0"),
        (error(500, 20500, "no"), ErrorKind::MainAccount, "nor read account AC0"),
        (ok("{}"), ErrorKind::MainAccount, "nor read account AC0"),
        (reply(403, "<html>"), ErrorKind::MainAccount, "an HTML page, which is not an answer of Twilio"),
    ] {
        let server = Server::start(move |_, request| {
            if request.target.contains(&main().to_string()) {
                answer.clone()
            } else {
                error(403, 20005, "no")
            }
        })
        .await;
        let failed = client(&server).numbers(sub(), Tries::Repeated).await.unwrap_err();
        assert_eq!(failed.kind, kind, "{failed}");
        assert!(words(&failed).contains(says), "{failed}");
        assert!(!says.contains("HTML") || !words(&failed).contains("Console"), "{failed}");
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_judges_no_account() {
    for status in [400, 401, 402, 403, 407, 451] {
        for page in ["<html><body>Blocked</body></html>", "\r\n <!DOCTYPE html>", "Access denied", "[]"] {
            let server = Server::script([reply(status, page)]).await;
            let failed = client(&server).accounts().await.unwrap_err();
            assert_eq!(failed.kind, ErrorKind::Unreadable, "{status} {page}: {failed}");
            let host = server.url.trim_start_matches("http://");
            let says = format!(
                "which is not an answer of Twilio: a proxy, firewall or filter answered in the place of {host}"
            );
            assert!(words(&failed).contains(&says) && !words(&failed).contains("Console"), "{failed}");
            assert!(!words(&failed).contains("Blocked"), "{failed}");
        }
        // JSON may be Twilio's, whatever it says.
        let server = Server::script([reply(status, "{}")]).await;
        let failed = client(&server).accounts().await.unwrap_err();
        assert!(!words(&failed).contains("not an answer of Twilio"), "{failed}");
    }
}

#[tokio::test]
async fn an_account_error_of_the_main_accounts_own_numbers_needs_no_second_look() {
    let server = Server::script([error(403, 20005, "no")]).await;
    let failed = client(&server).numbers(main(), Tries::Repeated).await.unwrap_err();
    assert_eq!((failed.kind, server.seen().len()), (ErrorKind::MainAccount, 1));
}

#[tokio::test]
async fn every_attempt_is_measured_once() {
    let server = Server::script([
        Reply::Reset,
        error(429, 20429, "slow down"),
        error(500, 20500, "oops"),
        ok(&numbers_page(&[], None)),
        error(404, 20404, "not found"),
    ])
    .await;
    let (client, counts) = counted_client(&server.url);
    client.numbers(sub(), Tries::Repeated).await.unwrap();
    client.account(sub()).await.unwrap_err();
    assert_eq!(
        *counts.ended.lock().unwrap(),
        [
            (Operation::ListNumbers, RequestOutcome::NetworkError),
            (Operation::ListNumbers, RequestOutcome::RateLimited),
            (Operation::ListNumbers, RequestOutcome::ServerError),
            (Operation::ListNumbers, RequestOutcome::Ok),
            (Operation::FetchAccount, RequestOutcome::ClientError),
        ]
    );
}

#[tokio::test]
async fn a_429_halves_the_limit_and_accepted_requests_restore_it() {
    let server =
        Server::start(|n, _| if n == 0 { error(429, 20429, "slow") } else { ok(&one_account()) }).await;
    let (client, counts) = counted_client(&server.url);
    client.accounts().await.unwrap();
    assert_eq!(client.in_flight_limit(), 4);
    for _ in 0..64 {
        client.accounts().await.unwrap();
    }
    assert_eq!(client.in_flight_limit(), 8);
    assert_eq!(*counts.limits.lock().unwrap(), [8, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_request_that_pauses_leaves_its_place_to_others() {
    let account = || ok(&account_json(sub(), "active"));
    let server = Server::script([error(429, 20429, "slow"), ok(&numbers_page(&[], None)), account()]).await;
    let retry = Retry { repeats: 1, base: Duration::from_millis(40), cap: Duration::from_millis(40) };
    let client = client_with(Config { max_in_flight: 1, retry, ..config(&server.url) });
    let began = Instant::now();
    let (account, numbers) = tokio::join!(client.account(sub()), client.numbers(main(), Tries::Repeated));
    assert!(account.is_ok() && numbers.is_ok());
    assert!(began.elapsed() >= Duration::from_millis(40));
    let order: Vec<_> =
        server.seen().iter().map(|seen| seen.target.contains("IncomingPhoneNumbers")).collect();
    assert_eq!(order, [false, true, false]);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let app = axum::Router::new().fallback({
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        move || async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            numbers_page(&[], None)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    let client = client_with(Config { max_in_flight: 3, ..config(&url) });
    let reads: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.numbers(sub(), Tries::Repeated).await.unwrap() })
        })
        .collect();
    for read in reads {
        read.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn connections_are_kept_over_passes() {
    let connections = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(|| async { one_account() });
    let counted = Arc::clone(&connections);
    let listener = axum::serve::ListenerExt::tap_io(listener, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    tokio::spawn(async { axum::serve(listener, app).await });
    let client = client_with(config(&url));
    for _ in 0..10 {
        client.clone().accounts().await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
