//! Keys: unknown, misspelt, duplicate and required ones, and x- keys.

use super::{body, files, whole};

#[test]
fn an_unknown_key_of_a_document_pauses_the_state() {
    let shown = body(
        r#"
        suspended: []
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:1 `suspended`
      SD014 unknown key `suspended` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    left:
      counts as paused: state.yaml
      main AC00 []
      AC01 active [+15105550101]
    ");
}

#[test]
fn a_misspelt_key_has_a_suggestion() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, friendly_name: acme}
        - {sid: AC02, status: active, Paused: true}
        - {sid: AC03, status: active, liftSuspensionBefore: "2026-01-01"}
        - {sid: AC04, state: active, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:61 `friendly_name`
      SD014 unknown key `friendly_name` in a subaccount
      = did you mean `friendlyName`?
      > friendlyName
    state.yaml:6:61 `Paused`
      SD014 unknown key `Paused` in a subaccount
      = did you mean `paused`?
      > paused
    state.yaml:7:61 `liftSuspensionBefore`
      SD014 unknown key `liftSuspensionBefore` in a subaccount
      = did you mean `liftSuspensionsBefore`?
      > liftSuspensionsBefore
    state.yaml:8:45 `state`
      SD014 unknown key `state` in a subaccount
      = did you mean `status`?
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
    ");
}

#[test]
fn an_unknown_key_in_an_entry_costs_the_entry_and_freezes_its_account() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          colour: blue
          numbers: ["+15105550101"]
        - {sid: AC02, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:7:3 `colour`
      SD014 unknown key `colour` in a subaccount
      = known keys: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close; keys that start with `x-` are ignored
    left:
      main AC00 []
      AC02 active []
      frozen AC01
    ");
}

#[test]
fn an_unknown_key_in_the_main_account_costs_its_claims() {
    let shown = whole(
        r#"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount:
          sid: AC00
          owner: me
          numbers: ["+15105550100"]
        subaccounts:
        - {sid: AC01, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:3 `owner`
      SD014 unknown key `owner` in `mainAccount`
      = known keys: sid, numbers, numberDefaults, transferDefaults, liftSuspensionsBefore, release; keys that start with `x-` are ignored
    left:
      main AC00 []
      AC01 active []
      frozen AC00
    ");
}

#[test]
fn unknown_keys_in_a_close_and_in_a_number_cost_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme, releases: ["+15105550101"]}
        - sid: AC02
          status: active
          numbers:
          - {number: "+15105550102", address: AD01}
        - {sid: AC03, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:7:26 `releases`
      SD014 unknown key `releases` in `close`
      = did you mean `release`?
      > release
    state.yaml:11:30 `address`
      SD014 unknown key `address` in a phone number
      = known keys: number, addressSid, bundleSid, identitySid, emergencyAddressSid, friendlyName, voiceUrl, voiceMethod, voiceFallbackUrl, voiceFallbackMethod, smsUrl, smsMethod, smsFallbackUrl, smsFallbackMethod, statusCallback, statusCallbackMethod, voiceApplicationSid, smsApplicationSid, trunkSid; keys that start with `x-` are ignored
    left:
      main AC00 []
      AC03 active []
      frozen AC01
      frozen AC02
    ");
}

#[test]
fn keys_that_start_with_x_are_ignored_at_every_level() {
    let shown = whole(
        r#"
        x-head: [1, null, {a: b}]
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00, x-main: 1}
        subaccounts:
        - sid: AC01
          x-entry: note
          status: closed
          close: {confirm: acme, x-close: 2}
        - sid: AC02
          status: active
          numbers: [{number: "+15105550101", x-number: 3}]
          labels: {x-label: kept}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 closed release {} []
      AC02 active [+15105550101]
    ");
}

#[test]
fn a_key_twice_in_an_entry_costs_the_entry() {
    let shown = body(
        r"
        subaccounts:
        - sid: AC01
          status: active
          status: suspended
        - {sid: AC02, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:7:3 `status`
      SD015 duplicate key `status` in a subaccount: first on line 6
      = keep one of the two
      & state.yaml:6:3 `status` first defined here
    left:
      main AC00 []
      AC02 active []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn a_sid_twice_in_one_entry_freezes_both_accounts() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, sid: AC02}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:61 `sid`
      SD015 duplicate key `sid` in a subaccount: first on line 5
      = keep one of the two
      & state.yaml:5:4 `sid` first defined here
    left:
      main AC00 []
      frozen AC01
      frozen AC02
    ");
}

#[test]
fn numbers_twice_in_one_entry_are_guarded_both() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          numbers: ["+15105550101"]
          numbers: ["+15105550102"]
        - sid: AC02
          status: active
          numbers: ["+15105550102", "+15105550103"]
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:8:3 `numbers`
      SD015 duplicate key `numbers` in a subaccount: first on line 7
      = keep one of the two
      & state.yaml:7:3 `numbers` first defined here
    state.yaml:11:13 `"+15105550102"`
      SD032 +15105550102 is claimed twice: also on line 8
      = keep one of the two claims: a phone number has one owner
      & state.yaml:8:13 `"+15105550102"` first claimed here
    left:
      main AC00 []
      AC02 active [+15105550103]
      frozen AC01
      frozen what is not listed
    "#);
}

#[test]
fn a_close_twice_in_one_entry_costs_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme}
          close: {confirm: globex, release: ["+15105550102"]}
        - {sid: AC02, status: active, numbers: ["+15105550102", "+15105550103"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:8:3 `close`
      SD015 duplicate key `close` in a subaccount: first on line 7
      = keep one of the two
      & state.yaml:7:3 `close` first defined here
    state.yaml:8:38 `"+15105550102"`
      SD033 +15105550102 is in `release` and claimed: also on line 9
      = remove it from `release`, or remove the claim
      & state.yaml:9:71 `"+15105550102"` claimed here
    left:
      main AC00 []
      AC02 active [+15105550103]
      frozen AC01
      frozen what is not listed
    "#);
}

#[test]
fn subaccounts_twice_in_one_document_cost_all_entries_of_both() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active}
        subaccounts:
        - {sid: AC02, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:1 `subaccounts`
      SD015 duplicate key `subaccounts` in the document: first on line 4
      = keep one of the two
      & state.yaml:4:1 `subaccounts` first defined here
    left:
      main AC00 []
      frozen AC01
      frozen AC02
    ");
}

#[test]
fn main_account_twice_in_one_document_stops_everything() {
    let shown = whole(
        r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        mainAccount: {sid: AC01}
        subaccounts:
        - {sid: AC02, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:1 `mainAccount`
      SD015 duplicate key `mainAccount` in the document: first on line 3
      = keep one of the two
      & state.yaml:3:1 `mainAccount` first defined here
    left:
      no main: the SID of `mainAccount` is missing or not valid
      AC02 active []
    ");
}

#[test]
fn a_main_account_with_two_sids_stops_everything() {
    let shown = whole(
        r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00, sid: AC01}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:3:56 `sid`
      SD015 duplicate key `sid` in `mainAccount`: first on line 3
      = keep one of the two
      & state.yaml:3:15 `sid` first defined here
    left:
      no main: the SID of `mainAccount` is missing or not valid
    ");
}

#[test]
fn paused_twice_counts_as_true_when_one_of_them_does() {
    let shown = body(
        r"
        paused: false
        paused: true
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:1 `paused`
      SD015 duplicate key `paused` in the document: first on line 4
      = keep one of the two
      & state.yaml:4:1 `paused` first defined here
    left:
      paused
      main AC00 []
    ");
}

#[test]
fn api_version_twice_must_be_right_twice() {
    let shown = files(&[(
        "a.yaml",
        r"
        apiVersion: subaccountd/v1
        apiVersion: subaccountd/v2
        kind: DesiredState
        mainAccount: {sid: AC00}
",
    )]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:2:13 `subaccountd/v2`
      SD012 `apiVersion` is `subaccountd/v2`, not `subaccountd/v1`
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded; for another version, run the subaccountd release that reads it
    left:
      counts as paused: a.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_label_twice_costs_the_entry() {
    let shown = body(
        r"
        subaccounts:
        - sid: AC01
          status: active
          labels: {owner: billing, owner: sales}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:7:28 `owner`
      SD015 duplicate label `owner`
      = keep one of the two
      & state.yaml:7:12 `owner` first defined here
    left:
      main AC00 []
      frozen AC01
    ");
}

#[test]
fn a_key_in_a_close_and_in_a_number_twice_costs_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme, confirm: globex}
        - sid: AC02
          status: active
          numbers:
          - {number: "+15105550101", number: "+15105550102"}
        - {sid: AC03, status: active, numbers: ["+15105550101", "+15105550102"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:7:26 `confirm`
      SD015 duplicate key `confirm` in `close`: first on line 7
      = keep one of the two
      & state.yaml:7:11 `confirm` first defined here
    state.yaml:11:30 `number`
      SD015 duplicate key `number` in a phone number: first on line 11
      = keep one of the two
      & state.yaml:11:6 `number` first defined here
    state.yaml:12:71 `"+15105550101"`
      SD032 +15105550101 is claimed twice: also on line 11
      = keep one of the two claims: a phone number has one owner
      & state.yaml:11:14 `"+15105550101"` first claimed here
    state.yaml:12:87 `"+15105550102"`
      SD032 +15105550102 is claimed twice: also on line 11
      = keep one of the two claims: a phone number has one owner
      & state.yaml:11:38 `"+15105550102"` first claimed here
    left:
      main AC00 []
      AC03 active []
      frozen AC01
      frozen AC02
    "#);
}

#[test]
fn a_key_that_is_not_a_string_is_a_fault() {
    let shown = body(
        r"
        1: one
        subaccounts:
        - {sid: AC01, status: active, true: yes}
        - {sid: AC02, status: active, labels: {1: one}}
        - {sid: AC03, status: active, [a]: b}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:4:1 `1`
      SD016 a key of the document is a number, not a string
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts
    state.yaml:6:61 `true`
      SD016 a key of a subaccount is a boolean, not a string
      = known keys: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close
    state.yaml:7:70 `1`
      SD020 `labels` is a number, not a string
      = quote it: "1"
      > "1"
    state.yaml:8:61 `[`
      SD016 a key of a subaccount is a list, not a string
      = known keys: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close
    left:
      counts as paused: state.yaml
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
    "#);
}

#[test]
fn a_merge_key_is_not_supported() {
    let shown = body(
        r"
        x-defaults: &defaults {status: active}
        subaccounts:
        - <<: *defaults
          sid: AC01
          status: active
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:3 `<<`
      SD017 unknown key `<<` in a subaccount
      = write the keys out, or use an alias for a whole value: merge keys are not supported
    left:
      main AC00 []
      frozen AC01
    ");
}

#[test]
fn an_entry_without_sid_or_status_is_a_fault() {
    let shown = body(
        r"
        subaccounts:
        - {status: active}
        - {sid: AC02}
        - {}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:3 `{`
      SD018 missing key `sid` in a subaccount
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits; for an account that is to be created, write `friendlyName`
    state.yaml:6:3 `{`
      SD018 missing key `status` in a subaccount
      = write `active`, `suspended` or `closed`
    state.yaml:7:3 `{`
      SD018 missing key `sid` in a subaccount
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits; for an account that is to be created, write `friendlyName`
    state.yaml:7:3 `{`
      SD018 missing key `status` in a subaccount
      = write `active`, `suspended` or `closed`
    left:
      main AC00 []
      frozen AC02
      frozen what is not listed
    ");
}

#[test]
fn a_main_account_a_close_and_a_number_have_keys_that_must_be_there() {
    let shown = whole(
        r#"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {numbers: ["+15105550100"]}
        subaccounts:
        - {sid: AC01, status: closed, close: {}}
        - {sid: AC02, status: active, numbers: [{addressSid: AD01}]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:3:14 `{`
      SD018 missing key `sid` in `mainAccount`
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits
    state.yaml:5:68 `{`
      SD018 missing key `confirm` in `close`
      = write the account's friendly name at Twilio
    state.yaml:6:71 `{`
      SD018 missing key `number` in a phone number
      = write `number: "+15105550101"`
    left:
      no main: the SID of `mainAccount` is missing or not valid
      frozen AC01
      frozen AC02
    "#);
}
