//! Writes, on real sockets.

use std::{fmt::Write, time::Duration};

use crate::support::{
    BASE64, Reply, Server, account_json, account_sid, client, close, end_call, error, hasty_client, main,
    number_json, ok, outcome, raw, reply, send, sub,
};
use subaccountd_core::{
    AccountSid, Action, Configure, Create, FriendlyName, LiveStatus, NumberSetting, NumberSettings, Status,
    Transfer, TransferResources,
    outcome::{Outcome, Skip, SkipCause},
    remote::{ErrorKind, RemoteError, Sent},
};

fn transfer(from: AccountSid, needs: TransferResources) -> Action {
    Action::Transfer(transfer_of(from, needs))
}

fn transfer_of(from: AccountSid, needs: TransferResources) -> Transfer {
    Transfer {
        to: account_sid(2),
        phone: "+15105550007".parse().unwrap(),
        from,
        number_sid: format!("PN{:032}", 7).parse().unwrap(),
        resources: needs,
        settings: NumberSettings::default(),
    }
}

/// The settings with these values.
fn settings(values: &[(NumberSetting, &str)]) -> NumberSettings {
    let mut settings = NumberSettings::default();
    for (setting, value) in values {
        settings.insert(*setting, value);
    }
    settings
}

fn configure(values: &[(NumberSetting, &str)]) -> Action {
    let settings = settings(values);
    Action::Configure(Configure {
        account: sub(),
        phone: "+15105550007".parse().unwrap(),
        number_sid: format!("PN{:032}", 7).parse().unwrap(),
        desired: settings.digest(),
        settings,
    })
}

/// A number of `holder` with these fields.
fn number_with(holder: AccountSid, fields: &str) -> String {
    format!(r#"{{"sid": "PN{:032}", "account_sid": "{holder}", "phone_number": "+15105550007"{fields}}}"#, 7)
}

fn plain_transfer() -> Action {
    transfer(sub(), TransferResources::default())
}

fn create() -> Action {
    Action::Create(Create { name: FriendlyName::new("Müller & Söhne").unwrap() })
}

/// Every kind of write.
fn writes() -> [Action; 7] {
    let configure = configure(&[(NumberSetting::VoiceUrl, "https://example.com/voice")]);
    [
        Action::Reactivate(sub()),
        create(),
        Action::Suspend(sub()),
        end_call(),
        close(sub()),
        plain_transfer(),
        configure,
    ]
}

/// One write against these replies, how often it was sent, and its outcome.
async fn write(action: &Action, replies: impl IntoIterator<Item = Reply>) -> (Outcome, usize) {
    let server = Server::script(replies).await;
    let written = outcome(&client(&server), action).await;
    let shown = format!("{written:?}");
    assert!(!shown.contains("5ecre7"), "{shown}");
    (written, server.posts())
}

#[tokio::test]
async fn a_status_change_is_one_post_and_done_when_the_answer_shows_it() {
    for (action, status, word) in [
        (Action::Reactivate(sub()), Status::Active, "active"),
        (Action::Suspend(sub()), Status::Suspended, "suspended"),
        (close(sub()), Status::Closed, "closed"),
    ] {
        let server = Server::script([ok(&account_json(sub(), word))]).await;
        let Outcome::Done(receipt) = outcome(&client(&server), &action).await else { panic!("{action}") };
        assert_eq!(receipt.request_id.as_deref(), Some("RQ1"));
        assert_eq!(receipt.date, Some("2026-11-21T09:00:00Z".parse().unwrap()));
        assert_eq!(receipt.date_updated, Some("2015-07-30T20:00:00Z".parse().unwrap()));
        let account = receipt.account.unwrap();
        assert_eq!((account.sid, account.status), (sub(), LiveStatus::Known(status)));
        let [seen] = &server.seen()[..] else { panic!("one request") };
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.target, format!("/2010-04-01/Accounts/{}.json", sub()));
        assert_eq!(seen.body, format!("Status={word}"));
        assert_eq!(seen.authorization, Some(format!("Basic {BASE64}")));
    }
}

#[tokio::test]
async fn a_create_is_one_post_and_done_with_any_new_account_whatever_its_name() {
    let server = Server::script([reply(201, &account_json(sub(), "active"))]).await;
    let Outcome::Done(receipt) = outcome(&client(&server), &create()).await else { panic!("not done") };
    assert_eq!((receipt.created, receipt.request_id.as_deref()), (Some(sub()), Some("RQ1")));
    let account = receipt.account.unwrap();
    assert_eq!((account.sid, account.status), (sub(), LiveStatus::Known(Status::Active)));
    assert_ne!(account.friendly_name, "Müller & Söhne");
    let [seen] = &server.seen()[..] else { panic!("one request") };
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/2010-04-01/Accounts.json"));
    assert_eq!(seen.body, "FriendlyName=M%C3%BCller+%26+S%C3%B6hne");
}

#[tokio::test]
async fn a_2xx_of_a_create_without_a_new_subaccount_is_unknown() {
    for (body, words) in [
        (account_json(main(), "active"), "not a new subaccount"),
        (
            account_json(sub(), "active").replace(&main().to_string(), &account_sid(9).to_string()),
            "not a new subaccount",
        ),
        (account_json(sub(), "active").replace(&sub().to_string(), ""), "invalid `sid`"),
        ("{}".to_owned(), "no `sid`"),
        (r#"{"accounts": []}"#.to_owned(), "no `sid`"),
        ("<html>".to_owned(), "is not valid JSON"),
    ] {
        let (written, posts) = write(&create(), [ok(&body)]).await;
        let Outcome::Unknown(unknown) = written else { panic!("{body}: {written:?}") };
        assert!(unknown.message.contains(words), "{}", unknown.message);
        assert_eq!(posts, 1);
    }
}

#[tokio::test]
async fn a_create_over_the_account_limit_is_refused() {
    let (written, posts) =
        write(&create(), [error(400, 21480, "Maximum number of subaccounts reached")]).await;
    let Outcome::Refused(refusal) = written else { panic!("{written:?}") };
    assert_eq!((refusal.code, posts), (Some(21480), 1));
}

#[tokio::test]
async fn an_account_error_of_a_create_is_a_refusal_while_the_main_account_answers() {
    let (written, posts) =
        write(&create(), [error(403, 20003, "no"), ok(&account_json(main(), "active"))]).await;
    assert!(matches!(written, Outcome::Refused(_)), "{written:?}");
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_transfer_is_one_post_at_the_current_owners_path() {
    let server = Server::script([ok(&number_json(7, account_sid(2)))]).await;
    let needs = TransferResources {
        address_sid: Some(format!("AD{:032}", 1).parse().unwrap()),
        bundle_sid: Some(format!("BU{:032}", 2).parse().unwrap()),
        identity_sid: Some(format!("RI{:032}", 3).parse().unwrap()),
        emergency_address_sid: Some(format!("AD{:032}", 4).parse().unwrap()),
    };
    for needs in [TransferResources::default(), needs] {
        let written = outcome(&client(&server), &transfer(sub(), needs)).await;
        let Outcome::Done(receipt) = written else { panic!("{written:?}") };
        assert_eq!((receipt.request_id.as_deref(), receipt.date_updated), (Some("RQ1"), None));
    }
    let [plain, full] = &server.seen()[..] else { panic!("two requests") };
    assert_eq!(plain.target, format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/PN{:032}.json", sub(), 7));
    assert_eq!(plain.body, format!("AccountSid={}", account_sid(2)));
    assert_eq!(
        full.body,
        format!(
            "AccountSid={}&AddressSid=AD{:032}&BundleSid=BU{:032}&IdentitySid=RI{:032}&EmergencyAddressSid=AD{:032}",
            account_sid(2),
            1,
            2,
            3,
            4
        )
    );
}

/// Every setting, by the parameter that Twilio documents for it.
const PARAMETERS: [(NumberSetting, &str, &str); 14] = [
    (NumberSetting::FriendlyName, "FriendlyName", "desk"),
    (NumberSetting::VoiceUrl, "VoiceUrl", "https://example.com/1"),
    (NumberSetting::VoiceMethod, "VoiceMethod", "GET"),
    (NumberSetting::VoiceFallbackUrl, "VoiceFallbackUrl", "https://example.com/2"),
    (NumberSetting::VoiceFallbackMethod, "VoiceFallbackMethod", "GET"),
    (NumberSetting::SmsUrl, "SmsUrl", "https://example.com/3"),
    (NumberSetting::SmsMethod, "SmsMethod", "GET"),
    (NumberSetting::SmsFallbackUrl, "SmsFallbackUrl", "https://example.com/4"),
    (NumberSetting::SmsFallbackMethod, "SmsFallbackMethod", "GET"),
    (NumberSetting::StatusCallback, "StatusCallback", "https://example.com/5"),
    (NumberSetting::StatusCallbackMethod, "StatusCallbackMethod", "GET"),
    (NumberSetting::VoiceApplicationSid, "VoiceApplicationSid", "AP00000000000000000000000000000001"),
    (NumberSetting::SmsApplicationSid, "SmsApplicationSid", "AP00000000000000000000000000000002"),
    (NumberSetting::TrunkSid, "TrunkSid", "TK00000000000000000000000000000001"),
];

#[tokio::test]
async fn a_configure_is_one_post_with_what_is_named_and_nothing_else() {
    for (setting, parameter, value) in PARAMETERS {
        let field = parameter.chars().fold(String::new(), |field, c| match c {
            c if c.is_ascii_uppercase() && !field.is_empty() => format!("{field}_{}", c.to_ascii_lowercase()),
            c => field + &c.to_ascii_lowercase().to_string(),
        });
        let answer =
            number_with(sub(), &format!(r#", "{field}": "{value}", "sms_url": "https://other.example""#));
        let answer = if field == "sms_url" {
            number_with(sub(), &format!(r#", "sms_url": "{value}""#))
        } else {
            answer
        };
        let server = Server::script([ok(&answer)]).await;
        let written = outcome(&client(&server), &configure(&[(setting, value)])).await;
        let Outcome::Done(receipt) = written else { panic!("{parameter}: {written:?}") };
        assert_eq!(receipt.settings.unwrap().get(setting).unwrap().text(), value);
        let [seen] = &server.seen()[..] else { panic!("one request") };
        assert_eq!(
            seen.target,
            format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/PN{:032}.json", sub(), 7)
        );
        let encoded = value.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(seen.body, format!("{parameter}={encoded}"));
    }
    let server = Server::script([ok(&number_with(sub(), r#", "voice_url": null, "trunk_sid": """#))]).await;
    let emptied = configure(&[(NumberSetting::VoiceUrl, ""), (NumberSetting::TrunkSid, "")]);
    assert!(matches!(outcome(&client(&server), &emptied).await, Outcome::Done(_)));
    assert_eq!(server.seen()[0].body, "VoiceUrl=&TrunkSid=");
}

#[tokio::test]
async fn a_configure_is_done_only_when_the_answer_shows_the_settings() {
    let asked =
        [(NumberSetting::VoiceUrl, "https://a:5ecre7@example.com/v?t=5ecre7"), (NumberSetting::SmsUrl, "")];
    let url = r#", "voice_url": "https://a:5ecre7@example.com/v?t=5ecre7""#;
    for (answer, result, words) in [
        (
            number_with(sub(), &format!(r#"{url}, "sms_url": "https://example.com/sms""#)),
            "refused",
            "smsUrl is https://example.com/sms, and (empty) was asked for",
        ),
        (
            number_with(sub(), r#", "voice_url": "https://a:0ld5ecre7@example.com/v?""#),
            "refused",
            "voiceUrl is https://…@example.com/v?…, and https://…@example.com/v?… was asked for",
        ),
        (number_with(sub(), r#", "voice_url": 7"#), "unknown", "the answer does not show voiceUrl"),
        (
            number_with(account_sid(2), url),
            "unknown",
            "the phone number is in account AC00000000000000000000000000000002",
        ),
        (number_json(8, sub()), "unknown", "the answer contains phone number PN"),
        ("{}".to_owned(), "unknown", "has no `sid`"),
    ] {
        let (written, posts) = write(&configure(&asked), [ok(&answer)]).await;
        assert_eq!((written.as_str(), posts), (result, 1), "{written:?}");
        assert!(written.message().contains(words), "{}", written.message());
    }
}

#[tokio::test]
async fn a_transfer_carries_its_settings_and_tells_which_were_lost() {
    let moved = Transfer {
        settings: settings(&[
            (NumberSetting::VoiceUrl, "https://a:5ecre7@example.com/"),
            (NumberSetting::SmsMethod, "GET"),
        ]),
        ..transfer_of(sub(), TransferResources::default())
    };
    let server = Server::script([ok(&number_with(account_sid(2), r#", "sms_method": "GET""#))]).await;
    let Outcome::Done(receipt) = outcome(&client(&server), &Action::Transfer(moved)).await else {
        panic!("done")
    };
    let body = &server.seen()[0].body;
    assert_eq!(
        *body,
        format!(
            "AccountSid={}&VoiceUrl=https%3A%2F%2Fa%3A5ecre7%40example.com%2F&SmsMethod=GET",
            account_sid(2)
        )
    );
    assert_eq!(
        receipt.note.as_deref(),
        Some(
            "the answer shows other settings: voiceUrl is (empty), and https://…@example.com/ was asked for"
        )
    );
}

#[tokio::test]
async fn a_2xx_that_shows_something_else_is_ignored() {
    for (action, answer, words) in [
        (close(sub()), account_json(sub(), "suspended"), "has the status `suspended`"),
        (Action::Suspend(sub()), account_json(sub(), "Suspended"), "has the status `Suspended`"),
        (Action::Reactivate(sub()), account_json(sub(), "in-review"), "has the status `in-review`"),
        (
            plain_transfer(),
            number_json(7, sub()),
            "the phone number is in account AC00000000000000000000000000000001",
        ),
    ] {
        let (written, posts) = write(&action, [ok(&answer)]).await;
        let Outcome::Ignored(refusal) = written else { panic!("{written:?}") };
        assert_eq!((refusal.code, refusal.request_id.as_deref(), posts), (None, Some("RQ1"), 1));
        assert_eq!(refusal.date, Some("2026-11-21T09:00:00Z".parse().unwrap()));
        assert!(refusal.message.starts_with("Twilio answered 2xx, but "), "{}", refusal.message);
        assert!(refusal.message.ends_with(words), "{}", refusal.message);
    }
}

#[tokio::test]
async fn a_2xx_that_does_not_show_the_object_proves_nothing() {
    let no_status = format!(r#"{{"sid": "{}"}}"#, sub());
    let no_holder = format!(r#"{{"sid": "PN{:032}"}}"#, 7);
    for (action, answer) in [
        (close(sub()), account_json(account_sid(2), "closed")),
        (close(sub()), no_status),
        (close(sub()), "{}".to_owned()),
        (plain_transfer(), number_json(8, account_sid(2))),
        (plain_transfer(), no_holder),
        (plain_transfer(), "{}".to_owned()),
    ] {
        let (written, posts) = write(&action, [ok(&answer)]).await;
        assert!(
            matches!(&written, Outcome::Unknown(lost) if lost.request_id.as_deref() == Some("RQ1")),
            "{written:?}"
        );
        assert_eq!(posts, 1);
    }
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_unknown_and_never_repeated() {
    let whole = raw(200, "", &account_json(sub(), "active"));
    let huge = raw(200, "", &" ".repeat(17 << 20));
    let mut bad_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bad_chunk.extend_from_slice(b"zz\r\n");
    for action in writes() {
        for answer in [
            error(500, 20500, "oops"),
            error(503, 20503, "oops"),
            reply(504, "<html>"),
            error(500, 21472, "oops"),
            reply(404, ""),
            error(409, 20409, "conflict"),
            reply(302, ""),
            reply(204, ""),
            ok(""),
            ok("null"),
            ok("<html>"),
            ok(r#"{"sid": 7}"#),
            Reply::BrokenOff(whole[..whole.len() - 2].to_vec()),
            Reply::BrokenOff(whole[..40].to_vec()),
            Reply::BrokenOff(Vec::new()),
            Reply::BrokenOff(bad_chunk.clone()),
            Reply::Reset,
            Reply::Whole(huge.clone()),
        ] {
            let (written, posts) = write(&action, [answer.clone()]).await;
            assert!(matches!(written, Outcome::Unknown(_)), "{action} {written:?}");
            assert_eq!(posts, 1, "{action} {written:?}");
        }
        // A call that is not found is over.
        if !matches!(action, Action::EndCalls(_)) {
            let (written, posts) = write(&action, [error(404, 20404, "not found")]).await;
            assert!(matches!(written, Outcome::Unknown(_)) && posts == 1, "{action} {written:?}");
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_stalls_is_unknown() {
    let whole = raw(200, "", &account_json(sub(), "suspended"));
    for (bytes, request_id) in [(Vec::new(), None), (whole[..whole.len() - 2].to_vec(), Some("RQ1"))] {
        let server = Server::script([Reply::Stalled(bytes)]).await;
        let written =
            outcome(&hasty_client(&server, Duration::from_millis(200)), &Action::Suspend(sub())).await;
        let Outcome::Unknown(lost) = written else { panic!("{written:?}") };
        assert_eq!(lost.request_id.as_deref(), request_id);
        let host = server.url.trim_start_matches("http://");
        assert!(lost.message.ends_with(&format!("answer within 200ms from {host}")), "{}", lost.message);
        assert_eq!(server.posts(), 1);
    }
}

#[tokio::test]
async fn every_other_4xx_is_refused_with_twilios_code_and_message() {
    for (status, code) in [
        (400, 21475),
        (400, 21477),
        (400, 21478),
        (400, 21470),
        (404, 21471),
        (409, 21472),
        (401, 21474),
        (400, 21631),
        (400, 21649),
        (400, 22121),
        (400, 22350),
        (402, 12345),
        (422, 20422),
    ] {
        let (written, posts) = write(&plain_transfer(), [error(status, code, "Twilio's words")]).await;
        let Outcome::Refused(refusal) = written else { panic!("{status} {code} {written:?}") };
        assert_eq!((refusal.code, refusal.message.as_str(), posts), (Some(code), "Twilio's words", 1));
        assert_eq!(refusal.request_id.as_deref(), Some("RQ1"));
        assert_eq!(refusal.date, Some("2026-11-21T09:00:00Z".parse().unwrap()));
    }
}

#[tokio::test]
async fn twilios_messages_are_bounded_and_sanitized() {
    let mut words = String::from(r"a\u001b[2Jb\n");
    write!(words, "{}", "x".repeat(9_999)).unwrap();
    let (written, _) = write(&plain_transfer(), [error(400, 21475, &words)]).await;
    let Outcome::Refused(refusal) = written else { panic!("{written:?}") };
    assert!(refusal.message.starts_with("a\u{fffd}[2Jb\u{fffd}x"), "{}", refusal.message);
    assert_eq!(refusal.message.chars().count(), 301);
    assert!(refusal.message.ends_with("x…"));
}

#[tokio::test]
async fn closing_what_is_closed_is_done_and_reopening_it_is_refused() {
    for (action, done) in
        [(close(sub()), true), (Action::Suspend(sub()), false), (Action::Reactivate(sub()), false)]
    {
        for status in [400, 409] {
            let (written, _) = write(&action, [error(status, 21479, "has been closed")]).await;
            match written {
                Outcome::Done(receipt) if done => {
                    assert_eq!((receipt.request_id.as_deref(), receipt.account), (Some("RQ1"), None));
                    assert!(receipt.date.is_some());
                }
                Outcome::Refused(refusal) if !done => assert_eq!(refusal.code, Some(21479)),
                other => panic!("{action} {other:?}"),
            }
        }
    }
}

/// The error that stops the pass; the write itself was skipped.
fn stopped(Sent { outcome, stop }: Sent) -> RemoteError {
    let skipped = matches!(&outcome, Outcome::Skipped(Skip { cause: SkipCause::PassAborted, message, .. }) if message.starts_with("the pass was aborted: "));
    assert!(skipped, "{outcome:?}");
    stop.unwrap()
}

/// Answers writes with `answer`, and reads of the main account with `of_main`.
async fn split(answer: Reply, of_main: Reply) -> Server {
    Server::start(move |_, request| if request.method == "POST" { answer.clone() } else { of_main.clone() })
        .await
}

#[tokio::test]
async fn an_account_error_refuses_the_write_while_the_main_account_is_active() {
    for action in writes() {
        let server =
            split(error(403, 20005, "Account not active"), ok(&account_json(main(), "active"))).await;
        let written = outcome(&client(&server), &action).await;
        assert!(matches!(&written, Outcome::Refused(refusal) if refusal.code == Some(20005)), "{written:?}");
        assert_eq!(server.targets()[1..], [format!("GET /2010-04-01/Accounts/{}.json", main())]);
    }
}

#[tokio::test]
async fn an_account_error_stops_the_pass_when_the_main_account_does_not_answer_or_is_not_active() {
    for (of_main, kind) in [
        (error(401, 20003, "no"), ErrorKind::Credentials),
        (error(403, 20005, "no"), ErrorKind::MainAccount),
        (error(500, 20500, "no"), ErrorKind::MainAccount),
        (ok(&account_json(main(), "suspended")), ErrorKind::MainAccount),
    ] {
        let server = split(error(403, 20005, "no"), of_main).await;
        let written = send(&client(&server), &close(sub())).await;
        assert_eq!(stopped(written).kind, kind);
    }
}

#[tokio::test]
async fn an_account_error_at_the_main_accounts_own_path_stops_the_pass_at_once() {
    let server = Server::script([error(403, 20403, "no")]).await;
    let written = send(&client(&server), &transfer(main(), TransferResources::default())).await;
    assert_eq!(stopped(written).kind, ErrorKind::MainAccount);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn test_credentials_and_a_suspended_parent_stop_the_pass() {
    for (status, code, kind, remedy) in [
        (403, 20008, ErrorKind::Credentials, "use the live auth token"),
        (400, 21476, ErrorKind::MainAccount, "check the main account"),
    ] {
        let server = Server::script([error(status, code, "no")]).await;
        let error = stopped(send(&client(&server), &Action::Reactivate(sub())).await);
        assert_eq!((error.kind, error.code, server.posts()), (kind, Some(code), 1));
        assert!(error.message.contains(remedy), "{}", error.message);
    }
}
