//! Rows that cannot be read, among rows that can.

use subaccountd_core::{
    LiveStatus, Status,
    remote::{AccountList, ErrorKind, Observe, Tries, UnreadableRow},
};

use crate::support::{
    Reply, Server, account_json, account_sid, accounts_page, client, main, number_json, numbers_page, ok,
    raw, sub, words,
};

/// The list of the main account, of an account with the row `row`, and of a third one.
async fn list(row: &[u8]) -> AccountList {
    let page = accounts_page(
        &[account_json(main(), "active"), "ROW".into(), account_json(account_sid(2), "active")],
        None,
    );
    let server = Server::script([Reply::Whole(with_row(&page, row))]).await;
    let list = client(&server).accounts().await.unwrap();
    assert_eq!(server.seen().len(), 1, "another look would show the same");
    let sids: Vec<_> = list.accounts.iter().map(|account| account.sid).collect();
    assert_eq!(sids, [main(), account_sid(2)], "{list:?}");
    let shown = format!("{list:?}");
    assert!(!shown.contains("5ecre7"), "{shown}");
    list
}

/// The answer whose body is `page` with these bytes in the place of `ROW`.
fn with_row(page: &str, row: &[u8]) -> Vec<u8> {
    let (before, after) = page.split_once("ROW").unwrap();
    let body = [before.as_bytes(), row, after.as_bytes()].concat();
    let mut answer = raw(200, "", &"x".repeat(body.len()));
    answer.truncate(answer.len() - body.len());
    [answer, body].concat()
}

fn row(fields: &str) -> Vec<u8> {
    format!(r#"{{"sid": "{}", "auth_token": "5ecre7", {fields}}}"#, sub()).into_bytes()
}

#[tokio::test]
async fn an_account_whose_row_cannot_be_read_costs_no_other_row() {
    for fields in [
        r#""status": 7"#,
        r#""status": ["5ecre7"]"#,
        r#""status": 1e999"#,
        r#""friendly_name": {"5ecre7": 1}"#,
        r#""friendly_name": "acme \ud83d""#,
        r#""friendly_name": "\udc00acme", "status": "active""#,
        r#""date_updated": true"#,
        r#""owner_account_sid": 1"#,
        r#""owner_account_sid": "AC1""#,
        r#""status": "active", "status": "closed""#,
    ] {
        let list = list(&row(fields)).await;
        let [UnreadableRow { sid: Some(sid), .. }] = list.unreadable[..] else { panic!("{fields} {list:?}") };
        assert_eq!(sid, sub(), "{fields}");
    }
}

#[tokio::test]
async fn an_account_whose_row_is_not_utf_8_costs_no_other_row() {
    // The escapes must not complete a pair with the mark of the invalid bytes.
    for name in [&b"caf\xe9"[..], b"\xed\xa0\xbd", b"\xff\\udc00", b"\\ud83d\xff", b"\xf0\x9f"] {
        let mut row = row(r#""status": "active", "friendly_name": "NAME""#);
        row.truncate(row.len() - r#"NAME"}"#.len());
        let row = [&row[..], name, b"\"}"].concat();
        let list = list(&row).await;
        let [UnreadableRow { sid: Some(sid), .. }] = list.unreadable[..] else { panic!("{list:?}") };
        assert_eq!(sid, sub());
    }
}

#[tokio::test]
async fn a_row_without_a_sid_that_can_be_read_is_unreadable_without_one() {
    for row in [
        "7",
        "null",
        "[]",
        r#"["AC00000000000000000000000000000001", null, "5ecre7", "active", null]"#,
        "{}",
        r#"{"status": "active"}"#,
        r#"{"sid": null}"#,
        r#"{"sid": 1}"#,
        r#"{"sid": ["5ecre7"]}"#,
        r#"{"sid": "AC1", "status": "active"}"#,
        r#"{"sid": "AC0000000000000000000000000000000\ud800"}"#,
        r#"{"sid": "AC00000000000000000000000000000001", "sid": "AC00000000000000000000000000000009"}"#,
    ] {
        let list = list(row.as_bytes()).await;
        assert!(matches!(list.unreadable[..], [UnreadableRow { sid: None, .. }]), "{row} {list:?}");
    }
}

#[tokio::test]
async fn an_account_that_came_twice_is_unreadable_when_either_row_is() {
    let bad = String::from_utf8(row(r#""status": 7"#)).unwrap();
    for rows in [
        [bad.clone(), account_json(sub(), "active")],
        [account_json(sub(), "active"), bad.clone()],
        [bad.clone(), bad],
    ] {
        let server = Server::script([ok(&accounts_page(&rows, None))]).await;
        let list = client(&server).accounts().await.unwrap();
        assert_eq!((list.accounts.len(), list.unreadable.len()), (0, 1), "{list:?}");
    }
}

#[tokio::test]
async fn fields_that_are_not_read_may_hold_anything() {
    let page = accounts_page(&["ROW".into()], None);
    for field in [&br#""type": "\ud800""#[..], b"\"type\": \"\xff\"", br#""type": [{"status": 7}]"#] {
        let row =
            [br#"{"sid": "AC00000000000000000000000000000001", "status": "active", "#, field, b"}"].concat();
        let server = Server::script([Reply::Whole(with_row(&page, &row))]).await;
        let list = client(&server).accounts().await.unwrap();
        assert_eq!(list.accounts[0].status, LiveStatus::Known(Status::Active));
        assert_eq!(list.unreadable, []);
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_outside_of_a_text_fail_the_list() {
    let page = accounts_page(&["ROW".into()], None);
    for row in [&b"{}, \xff"[..], b"\xff", br#"{"a": "\"#, b"{\"a\": \"\\\xff\"}"] {
        let server = Server::script([Reply::Whole(with_row(&page, row))]).await;
        let failed = client(&server).accounts().await.unwrap_err();
        assert!(
            words(&failed).contains("the answer is not valid JSON, expected a page of `accounts`"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn a_number_row_that_cannot_be_read_makes_its_list_unreadable() {
    for row in [
        format!(r#"{{"sid": "PN{:032}", "phone_number": 15105550001}}"#, 1),
        format!(r#"{{"sid": "PN{:032}", "phone_number": "+1510\ud8005550001"}}"#, 1),
        format!(r#"{{"sid": "PN{:032}", "phone_number": "+15105550001", "trunk_sid": {{}}}}"#, 1),
        "null".to_owned(),
        "[]".to_owned(),
    ] {
        let server = Server::script([ok(&numbers_page(&[number_json(7, sub()), row], None))]).await;
        let error = client(&server).numbers(sub(), Tries::Repeated).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable);
        assert!(
            words(&error).contains("is not a phone number")
                || words(&error).contains("is not valid JSON, expected a phone number"),
            "{error}"
        );
        assert_eq!(server.seen().len(), 1, "another look would show the same");
    }
}

#[tokio::test]
async fn a_number_without_an_e164_phone_number_is_known_by_its_sid_and_hides_no_other() {
    let sid = format!("PN{:032}", 1);
    for phone in
        ["null", r#""""#, r#""38436""#, r#""sip:desk@example.com""#, r#""15105550001""#, r#"" +15105550001""#]
    {
        for row in [
            format!(r#"{{"sid": "{sid}", "phone_number": {phone}}}"#),
            format!(r#"{{"sid": "{sid}", "address_requirements": "any"}}"#),
        ] {
            let page = numbers_page(&[row.clone(), number_json(7, sub())], None);
            let server = Server::script([ok(&page), ok(&row)]).await;
            let client = client(&server);
            let numbers = client.numbers(sub(), Tries::Repeated).await.unwrap();
            let ids: Vec<_> = numbers.iter().map(|number| number.id().to_string()).collect();
            assert_eq!(ids, [sid.clone(), "+15105550007".to_owned()], "{row}");
            let fetched = client.number(sub(), sid.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!((fetched.phone, fetched.id().to_string()), (None, sid.clone()), "{row}");
        }
    }
    // A field of a wrong type says nothing about the number.
    for phone in ["{}", "true", "38436", "[\"+15105550001\"]"] {
        let row = format!(r#"{{"sid": "{sid}", "phone_number": {phone}}}"#);
        let server = Server::script([ok(&numbers_page(&[row, number_json(7, sub())], None))]).await;
        let failed = client(&server).numbers(sub(), Tries::Repeated).await.unwrap_err();
        assert!(words(&failed).contains("is not a phone number"), "{phone}: {failed}");
    }
}

#[tokio::test]
async fn an_account_that_is_fetched_and_cannot_be_read_is_an_error() {
    for row in
        [row(r#""status": 7"#), row(r#""friendly_name": "\ud800""#), row(r#""owner_account_sid": "AC1""#)]
    {
        let server = Server::script([ok(&String::from_utf8(row).unwrap())]).await;
        assert_eq!(client(&server).account(sub()).await.unwrap_err().kind, ErrorKind::Unreadable);
    }
}
