//! Pinning: the text with the SIDs in it, and everything else as it was.

use std::collections::BTreeMap;

use subaccountd_core::{
    AccountSid, FriendlyName,
    manifest::{NotPinned, Source, parse, pin},
};

use crate::support::{
    scene::sid,
    text::{long, short},
};

const HEAD: &str = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";

fn sids() -> BTreeMap<FriendlyName, AccountSid> {
    let name = |text: &str| FriendlyName::new(text).unwrap();
    [(name("acme"), sid("AC01")), (name("globex"), sid("AC02"))].into()
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), content: Ok(long(text).into_bytes()) }
}

fn pinned(text: &str) -> Result<String, NotPinned> {
    let sources = [source("state.yaml", text)];
    let mut changed = pin(&sources, &sids())?;
    let text = changed.remove(&0).map_or_else(|| long(text), |bytes| String::from_utf8(bytes).unwrap());
    Ok(short(&text))
}

/// The body with the head of a state, pinned; without the head.
fn body(text: &str) -> String {
    let pinned = pinned(&format!("{HEAD}{text}")).unwrap();
    pinned.strip_prefix(HEAD).unwrap_or_else(|| panic!("{pinned}")).to_owned()
}

#[test]
fn sid_is_added_before_the_name_and_nothing_else_changes() {
    for (before, after) in [
        (
            "subaccounts:\n- friendlyName: acme # ours\n  status: active\n",
            "subaccounts:\n- sid: AC01\n  friendlyName: acme # ours\n  status: active\n",
        ),
        (
            "subaccounts:\n    # first\n    -   status: active\n        friendlyName: 'acme'\n\n    # second\n    - friendlyName: \"globex\"\n      status: suspended",
            "subaccounts:\n    # first\n    -   status: active\n        sid: AC01\n        friendlyName: 'acme'\n\n    # second\n    - sid: AC02\n      friendlyName: \"globex\"\n      status: suspended",
        ),
        (
            "subaccounts: [{friendlyName: acme, status: active}, {status: active, friendlyName: globex}]\n",
            "subaccounts: [{sid: AC01, friendlyName: acme, status: active}, {status: active, sid: AC02, friendlyName: globex}]\n",
        ),
        (
            "subaccounts:\n- {\n    friendlyName: acme,\n    status: active,\n  }\n",
            "subaccounts:\n- {\n    sid: AC01,\n    friendlyName: acme,\n    status: active,\n  }\n",
        ),
        (
            "subaccounts:\n- \"friendlyName\": acme\n  status: active\n",
            "subaccounts:\n- \"sid\": AC01\n  \"friendlyName\": acme\n  status: active\n",
        ),
        (
            "subaccounts:\n-\n  friendlyName: &name acme\n  status: active\n  reason: *name\n",
            "subaccounts:\n-\n  sid: AC01\n  friendlyName: &name acme\n  status: active\n  reason: *name\n",
        ),
        (
            "x-a: &acme\n  friendlyName: acme\n  status: active\nsubaccounts:\n- *acme\n",
            "x-a: &acme\n  sid: AC01\n  friendlyName: acme\n  status: active\nsubaccounts:\n- *acme\n",
        ),
        (
            "subaccounts:\n- friendlyName: >-\n    acme\n  status: active\n",
            "subaccounts:\n- sid: AC01\n  friendlyName: >-\n    acme\n  status: active\n",
        ),
    ] {
        assert_eq!(body(before), after);
        assert_eq!(body(after), after, "it is done once");
    }
}

#[test]
fn line_ends_byte_order_mark_and_further_documents_stay() {
    let text = format!(
        "{HEAD}subaccounts:\n- friendlyName: acme\n  status: active\n---\napiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts:\n- friendlyName: globex\n  status: active"
    );
    let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let expected = text
        .replace("- friendlyName: acme", "- sid: AC01\n  friendlyName: acme")
        .replace("- friendlyName: globex", "- sid: AC02\n  friendlyName: globex");
    assert_eq!(pinned(&text).unwrap(), expected);
    assert_eq!(pinned(&crlf).unwrap(), format!("\u{feff}{}", expected.replace('\n', "\r\n")));
}

#[test]
fn json_stays_json() {
    let text = r#"{"apiVersion": "subaccountd/v1", "kind": "DesiredState", "mainAccount": {"sid": "AC00"},
  "subaccounts": [
    {
      "friendlyName": "acme",
      "status": "active"
    },
    {"status": "active", "friendlyName":"globex"}
  ]}"#;
    let pinned = pinned(text).unwrap();
    assert!(pinned.contains("{\n      \"sid\": \"AC01\",\n      \"friendlyName\": \"acme\","), "{pinned}");
    assert!(pinned.contains(r#"{"status": "active", "sid": "AC02", "friendlyName":"globex"}"#), "{pinned}");
    serde_json::from_str::<serde_json::Value>(&pinned).unwrap();
}

#[test]
fn names_outside_ascii_before_the_key_do_not_move_the_place() {
    let text = "subaccounts: [{reason: \"für Müller 👍\", friendlyName: acme, status: active}]\n";
    assert_eq!(body(text), text.replace("friendlyName", "sid: AC01, friendlyName"));
}

#[test]
fn only_files_with_such_entries_are_changed_and_the_state_means_the_same() {
    let sources = [
        source("a.yaml", &format!("{HEAD}subaccounts: [{{sid: AC03, status: active}}]\n")),
        source(
            "b.yaml",
            "apiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts: [{friendlyName: acme, status: active}, {friendlyName: other, status: active}]\n",
        ),
    ];
    let changed = pin(&sources, &sids()).unwrap();
    assert_eq!(changed.keys().collect::<Vec<_>>(), [&1]);
    let mut after = sources.clone();
    after[1].content = Ok(changed[&1].clone());
    let after = parse(&after);
    assert_eq!(after.faults, []);
    assert_eq!(after.desired.unpinned().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["other"]);
    assert!(after.desired.entry(sid("AC01")).is_some());
}

#[test]
fn text_that_cannot_be_edited_safely_is_left_to_a_person() {
    let explicit = format!("{HEAD}subaccounts:\n- ? friendlyName\n  : acme\n  status: active\n");
    let error = pinned(&explicit).unwrap_err().to_string();
    assert!(error.contains("add") && error.contains("by hand"), "{error}");
    let escaped = format!("{HEAD}subaccounts: [{{\"friendly\\u004eame\": acme, status: active}}]\n");
    let error = short(&pinned(&escaped).unwrap_err().to_string());
    assert!(error.starts_with("state.yaml:4:16: the `sid` of \"acme\" cannot be added"), "{error}");
    let anchored =
        format!("{HEAD}subaccounts:\n- &key friendlyName: acme\n  status: active\n  reason: *key\n");
    assert!(pinned(&anchored).is_err());
    let faulty =
        format!("{HEAD}subaccounts: [{{friendlyName: acme, status: active}}, {{sid: x, status: active}}]\n");
    assert!(pinned(&faulty).is_err(), "a state with a fault is not edited");
    let taken = format!(
        "{HEAD}subaccounts: [{{friendlyName: acme, status: active}}, {{sid: AC01, status: active}}]\n"
    );
    assert!(pinned(&taken).is_err(), "the account is listed already");
}
