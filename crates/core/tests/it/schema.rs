//! The JSON Schema: it is committed, and it answers as the parser does.

use std::{env, fs, path::Path, sync::LazyLock};

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use subaccountd_core::manifest::{Source, parse, schema::json_schema};

use crate::support::text::long;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

/// `UPDATE_SCHEMA=1 cargo nextest run -p subaccountd-core` writes it anew.
#[test]
fn committed_schema_equals_the_printed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schema/desired-state.v1.schema.json");
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, json_schema()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), json_schema(), "run it again with UPDATE_SCHEMA=1");
}

/// Returns true when the parser accepts the document. One without a `mainAccount` is read with another that has it.
fn parses(document: &Value) -> bool {
    let source = |name: &str, document: &Value| Source {
        name: name.to_owned(),
        content: Ok(document.to_string().into_bytes()),
    };
    let mut sources = vec![source("state.yaml", document)];
    if document.is_object() && document.get("mainAccount").is_none() {
        let main = json!({"sid": format!("AC{}", "f".repeat(32))});
        let head = json!({"apiVersion": "subaccountd/v1", "kind": "DesiredState", "mainAccount": main});
        sources.push(source("main.yaml", &head));
    }
    parse(&sources).faults.is_empty()
}

fn assert_both(document: &Value, take_it: bool) {
    assert_eq!(parses(document), take_it, "the parser: {document}");
    assert_eq!(VALIDATOR.is_valid(document), take_it, "the schema: {document}");
}

fn assert_alike(document: &Value) {
    assert_eq!(parses(document), VALIDATOR.is_valid(document), "parser against schema: {document}");
}

/// A document that shows every key.
fn full() -> Value {
    let text = r#"{
        "apiVersion": "subaccountd/v1", "kind": "DesiredState", "paused": false, "x-a": null,
        "windows": [{"schedule": " 0,30 18-20/2 */2 JAN-mar FRI-SUN", "duration": "62h", "timeZone": "Europe/Berlin",
                     "verbs": ["reactivate", "create", "transfer", "suspend", "configure", "endCalls", "release", "close"],
                     "reason": "weekends", "x-a": 1},
                    {"schedule": "* * * * *", "duration": "1m"}],
        "allowances": [{"verb": "suspend", "upTo": 40, "until": "2026-12-01T12:00:00Z", "reason": "trials", "x-a": 1}],
        "mainAccount": {"sid": "AC00", "numbers": ["+15105550100"], "x-a": 1, "release": [{"number": "+15105550105"}],
                        "numberDefaults": {"smsUrl": "", "smsApplicationSid": "AP02", "x-a": 1},
                        "transferDefaults": [{"prefix": "+1"}]},
        "subaccounts": [
            {"sid": "AC01", "friendlyName": "acme", "status": "active", "paused": true,
             "numbers": ["+15105550101", {"number": "+15105550102", "addressSid": "AD01", "bundleSid": "BU01",
                         "identitySid": "RI01", "emergencyAddressSid": "AD02", "x-a": [],
                         "friendlyName": "desk", "voiceUrl": "https://example.com/voice", "voiceMethod": "GET",
                         "voiceFallbackUrl": "http://example.com", "voiceFallbackMethod": "POST",
                         "smsUrl": "https://user:pass@example.com/sms?a=b", "smsMethod": "POST",
                         "smsFallbackUrl": "", "smsFallbackMethod": "GET", "statusCallback": "https://example.com:8080/",
                         "statusCallbackMethod": "GET", "voiceApplicationSid": "AP01", "smsApplicationSid": "",
                         "trunkSid": ""}],
             "numberDefaults": {"voiceUrl": "https://example.com/voice"},
             "transferDefaults": [{"prefix": "+4930", "type": "toll-free", "addressSid": "AD01", "bundleSid": "BU01",
                                   "identitySid": "RI01", "x-a": 1}],
             "liftSuspensionsBefore": "2026-11-21T09:00:00Z", "endCalls": false, "urgent": true, "reason": "why",
             "release": [{"number": "+15105550104", "notBefore": "2026-12-24", "reason": "over", "x-a": 1}],
             "labels": {"a": "b", "x-a": "c"},
             "x-a": {}},
            {"sid": "AC02", "status": "closed", "endCalls": true, "numbers": [],
             "close": {"confirm": "globex", "notBefore": "2026-12-24", "moveNumbersToMain": true,
                       "release": ["+15105550103"], "x-a": "y"}},
            {"sid": "AC03", "status": "suspended", "endCalls": true},
            {"friendlyName": "new one", "status": "suspended"}
        ]}"#;
    serde_json::from_str(&long(text)).unwrap()
}

/// Values of every kind, right and wrong for one key or another.
fn values() -> Vec<Value> {
    let mut values = vec![json!(null), json!(true), json!(7), json!(1.5), json!([]), json!({}), json!([[]])];
    values.extend([json!([null]), json!({"x-a": 1}), json!({"number": "+15105550109"})]);
    let long_text = |n: usize| Value::from("ä".repeat(n));
    values.extend([0, 1, 64, 65, 256, 257, 1024, 1025].map(long_text));
    let words = [
        "active",
        "Active",
        "suspended",
        "closed",
        "subaccountd/v1",
        "DesiredState",
        "+15105550109",
        "+12",
        "+1",
        "+0123",
        "+1234567890123456",
        "15105550109",
        "2026-12-24",
        "2026-02-30",
        "2026-12-24 08:30",
        "2026-12-24T08:30:60.5+25:59",
        "2026-12-24T08:30+26:00",
        "2026-12-24T08:30[UTC]",
        "2026-12-24\n",
        "AC09",
        "AD09",
        "BU09",
        "RI09",
        "AP09",
        "GET",
        "get",
        "mobile",
        "+49",
        "https://example.com/a?b#c",
        "https://",
        "https://?a",
        "https:///a",
        "https://example.com/a b",
        "https://exämple.com",
        "HTTPS://example.com",
        "example.com",
        "AC9",
    ];
    values.extend(words.map(|word| Value::from(long(word))));
    values.push(Value::from(format!("AC{}\n", "0".repeat(32))));
    values.extend([2048, 2049].map(|n| Value::from(format!("https://{}", "a".repeat(n - 8)))));
    values.push((0..65).map(|n| (format!("l{n}"), json!("a"))).collect());
    values
}

/// Every place in `value`, as JSON pointers.
fn places(value: &Value, here: &str, out: &mut Vec<String>) {
    out.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{at}"), out);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                places(item, &format!("{here}/{key}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn all_places() -> Vec<String> {
    let mut out = Vec::new();
    places(&full(), "", &mut out);
    out
}

/// Removes the value at `place`.
fn remove(document: &mut Value, place: &str) {
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(entries)) => drop(entries.remove(key)),
        Some(Value::Array(items)) => {
            if let Ok(at) = key.parse::<usize>() {
                items.remove(at.min(items.len() - 1));
            }
        }
        _ => {}
    }
}

#[test]
fn a_document_with_every_key_is_taken_by_both() {
    assert_both(&full(), true);
}

#[test]
fn schema_and_parser_agree_with_any_value_anywhere() {
    for place in all_places() {
        for value in values() {
            let mut document = full();
            *document.pointer_mut(&place).unwrap() = value.clone();
            // An empty document is skipped, which no schema can express.
            if !document.is_null() {
                assert_alike(&document);
            }
        }
    }
}

#[test]
fn schema_and_parser_agree_with_any_key_added_or_removed() {
    for place in all_places() {
        let mut document = full();
        remove(&mut document, &place);
        assert_alike(&document);
        for key in ["x-", "x-b", "X-b", "colour", "close", "numbers", "status", ""] {
            let mut document = full();
            let Some(Value::Object(entries)) = document.pointer_mut(&place) else { continue };
            if entries.insert(key.to_owned(), json!("a")).is_none() {
                assert_alike(&document);
            }
        }
    }
}

#[test]
fn invalid_document_is_refused_by_schema_and_parser() {
    let cases = [
        ("/apiVersion", json!("subaccountd/v2")),
        ("/kind", json!("desiredState")),
        ("/paused", json!("true")),
        ("/mainAccount", json!({})),
        ("/subaccounts/3", json!({"status": "active"})),
        ("/subaccounts/3/friendlyName", json!(" new one")),
        ("/subaccounts/3/friendlyName", json!("new\u{a0}one")),
        ("/subaccounts/3", json!({"friendlyName": "new", "status": "closed", "close": {"confirm": "new"}})),
        ("/subaccounts/0/status", json!("closed")),
        ("/subaccounts/1/status", json!("suspended")),
        ("/subaccounts/1/numbers", json!(["+15105550109"])),
        ("/subaccounts/1/close", json!({"confirm": ""})),
        ("/subaccounts/0/numbers", json!(["+15105550109", "+15105550109"])),
        ("/subaccounts/0/numbers", json!([15_105_550_101_u64])),
        ("/subaccounts/0/labels", json!({"a": 1})),
        ("/subaccounts/0/numberDefaults", json!({"voiceMethod": ""})),
        ("/subaccounts/0/numberDefaults", json!({"friendlyName": ""})),
        ("/subaccounts/0/numberDefaults", json!({"voiceUrl": "example.com"})),
        ("/subaccounts/0/transferDefaults", json!([{"addressSid": long("AD01")}])),
        ("/subaccounts/0/transferDefaults", json!([{"prefix": "4930"}])),
    ];
    for (place, value) in cases {
        let mut document = full();
        *document.pointer_mut(place).unwrap() = value;
        assert_both(&document, false);
    }
}

#[test]
fn schema_and_parser_refuse_a_subaccount_listed_twice() {
    let mut document = full();
    document["subaccounts"][2] = document["subaccounts"][1].clone();
    assert_both(&document, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_parser_agree_after_a_few_changes(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..4)
    ) {
        let mut document = full();
        for (place, value, removed) in changes {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            let place = place.get(&all);
            if removed {
                remove(&mut document, place);
            } else if !place.is_empty() {
                *document.pointer_mut(place).unwrap() = value.get(&values()).clone();
            }
        }
        // Only the parser knows of a number or an account that two places name.
        let text = document.to_string();
        let twice = |word: &str| text.matches(&long(word)).count() > 1;
        prop_assume!(!twice("+15105550109") && !twice("AC09") && !twice("+12\""));
        prop_assert_eq!(parses(&document), VALIDATOR.is_valid(&document), "{}", document);
    }
}
