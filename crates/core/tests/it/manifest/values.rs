//! Values: SIDs, statuses, numbers, times, texts, lists, booleans and what is empty.

use super::body;

#[test]
fn a_malformed_sid_costs_the_entry_and_no_account_can_be_frozen() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC1, status: active, numbers: ["+15105550101"]}
        - {sid: PN01, status: active}
        - {sid: 17, status: active}
        - {sid: AC04, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:9 `AC1`
      SD024 `sid`: `AC1` is not a valid account SID: expected AC and 32 hexadecimal digits
      = expected 32 digits after AC, found 1: copy the SID from the Twilio Console
    state.yaml:6:9 `PN01`
      SD024 `sid`: `PN01` is not a valid account SID: expected AC and 32 hexadecimal digits
      = use the SID of an account, which begins with AC: this is the SID of a phone number
    state.yaml:7:9 `17`
      SD020 `sid` is a number, not a string
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits
    left:
      main AC00 []
      AC04 active []
      frozen what is not listed
    ");
}

#[test]
fn a_malformed_sid_in_the_long_form_costs_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          numbers:
          - number: "+15105550101"
            addressSid: BU01
            bundleSid: AD01
            identitySid: RI1
            emergencyAddressSid: 5
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:9:17 `BU01`
      SD024 `addressSid`: `BU01` is not a valid address SID: expected AD and 32 hexadecimal digits
      = use the SID of an address, which begins with AD: this is the SID of a bundle
    state.yaml:10:16 `AD01`
      SD024 `bundleSid`: `AD01` is not a valid bundle SID: expected BU and 32 hexadecimal digits
      = use the SID of a bundle, which begins with BU: this is the SID of an address
    state.yaml:11:18 `RI1`
      SD024 `identitySid`: `RI1` is not a valid identity SID: expected RI and 32 hexadecimal digits
      = expected 32 digits after RI, found 1: copy the SID from the Twilio Console
    state.yaml:12:26 `5`
      SD020 `emergencyAddressSid` is a number, not a string
      = copy the SID of an address of the receiving account: AD and 32 hexadecimal digits
    left:
      main AC00 []
      frozen AC01
    ");
}

#[test]
fn a_malformed_sid_of_the_main_account_stops_everything() {
    let shown = super::whole(
        "
apiVersion: subaccountd/v1
kind: DesiredState
mainAccount: {sid: AC0}
subaccounts:
- {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:3:20 `AC0`
      SD024 `sid`: `AC0` is not a valid account SID: expected AC and 32 hexadecimal digits
      = expected 32 digits after AC, found 1: copy the SID from the Twilio Console
    left:
      no main: the SID of `mainAccount` is missing or not valid
      AC01 active []
    ");
}

#[test]
fn an_invalid_status_suggests_the_nearest_one() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: Active}
        - {sid: AC02, status: close}
        - {sid: AC03, status: paused}
        - {sid: AC04, status: true}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:53 `Active`
      SD027 `Active` is not a valid status
      = did you mean `active`?
      > active
    state.yaml:6:53 `close`
      SD027 `close` is not a valid status
      = did you mean `closed`?
    state.yaml:7:53 `paused`
      SD027 `paused` is not a valid status
      = write `paused: true` to stop all changes to the account, or `status: suspended` to suspend it
    state.yaml:8:53 `true`
      SD020 `status` is a boolean, not a string
      = write `active`, `suspended` or `closed`
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
    ");
}

#[test]
fn an_unquoted_number_has_the_quoted_one_as_fix() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, numbers: [+15105550101, 15105550102]}
        - {sid: AC02, status: active, numbers: [{number: +493012345678}]}
        - {sid: AC03, status: closed, close: {confirm: acme, release: [+15105550103]}}
        - {sid: AC04, status: active}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:71 `+15105550101`
      SD021 `numbers`: +15105550101 is not quoted: YAML reads it as an integer and drops the plus
      = quote it: "+15105550101"
      > "+15105550101"
    state.yaml:5:85 `15105550102`
      SD021 `numbers`: 15105550102 is not quoted: YAML reads it as an integer and drops the plus
      = quote it: "+15105550102"
    state.yaml:6:80 `+493012345678`
      SD021 `number`: +493012345678 is not quoted: YAML reads it as an integer and drops the plus
      = quote it: "+493012345678"
      > "+493012345678"
    state.yaml:7:94 `+15105550103`
      SD021 `release`: +15105550103 is not quoted: YAML reads it as an integer and drops the plus
      = quote it: "+15105550103"
      > "+15105550103"
    left:
      main AC00 []
      AC04 active []
      frozen AC01
      frozen AC02
      frozen AC03
    "#);
}

#[test]
fn an_unquoted_number_of_the_main_account_costs_its_claims() {
    let shown = super::whole(
        "
apiVersion: subaccountd/v1
kind: DesiredState
mainAccount:
  sid: AC00
  numbers: [+15105550100]
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:13 `+15105550100`
      SD021 `numbers`: +15105550100 is not quoted: YAML reads it as an integer and drops the plus
      = quote it: "+15105550100"
      > "+15105550100"
    left:
      main AC00 []
      frozen AC00
    "#);
}

#[test]
fn a_malformed_number_costs_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["15105550101"]}
        - {sid: AC02, status: active, numbers: ["+1 510 555 0102"]}
        - {sid: AC03, status: active, numbers: ["+0151"]}
        - {sid: AC04, status: active, numbers: [{number: tel}]}
        - {sid: AC05, status: active, numbers: [[a]]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:71 `"15105550101"`
      SD025 `numbers`: `15105550101` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0
      = write the phone number in E.164, as in "+15105550101"
    state.yaml:6:71 `"+1 510 555 0102"`
      SD025 `numbers`: `+1 510 555 0102` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0
      = did you mean "+15105550102"?
      > "+15105550102"
    state.yaml:7:71 `"+0151"`
      SD025 `numbers`: `+0151` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0
      = write the phone number in E.164, as in "+15105550101"
    state.yaml:8:80 `tel`
      SD025 `number`: `tel` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0
      = write the phone number in E.164, as in "+15105550101"
    state.yaml:9:71 `[`
      SD020 `numbers` is a list, not a string
      = write the phone number in E.164, as in "+15105550101"
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
      frozen AC05
    "#);
}

#[test]
fn a_malformed_time_costs_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, liftSuspensionsBefore: tomorrow}
        - {sid: AC02, status: active, liftSuspensionsBefore: "2026-02-30"}
        - {sid: AC03, status: active, liftSuspensionsBefore: 2026}
        - {sid: AC04, status: active, liftSuspensionsBefore: "2026-12-24T08:00[Europe/Berlin]"}
        - {sid: AC05, status: closed, close: {confirm: acme, notBefore: "24.12.2026"}}
        - {sid: AC06, status: closed, close: {confirm: acme, notBefore: "2026-W52-4"}}
        - {sid: AC07, status: active, liftSuspensionsBefore: 2026-12-24}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:84 `tomorrow`
      SD026 `liftSuspensionsBefore`: `tomorrow` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:6:84 `"2026-02-30"`
      SD026 `liftSuspensionsBefore`: `2026-02-30` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:7:84 `2026`
      SD020 `liftSuspensionsBefore` is a number, not a string
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:8:84 `"2026-12-24T08:00[Europe/Berlin]"`
      SD026 `liftSuspensionsBefore`: `2026-12-24T08:00[Europe/Berlin]` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:9:95 `"24.12.2026"`
      SD026 `notBefore`: `24.12.2026` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:10:95 `"2026-W52-4"`
      SD026 `notBefore`: `2026-W52-4` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    left:
      main AC00 []
      AC07 active []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
      frozen AC05
      frozen AC06
    "#);
}

#[test]
fn closed_needs_a_close_and_nothing_else_may_have_one() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: closed}
        - {sid: AC02, status: active, close: {confirm: acme}}
        - {sid: AC03, status: suspended, close: {confirm: acme}}
        - {sid: AC04, status: closed, close: {confirm: acme}}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:53 `closed`
      SD029 `status: closed` without `close`: confirmation required
      = add `close:` with `confirm:` and the account's friendly name at Twilio
    state.yaml:6:61 `close`
      SD028 `close` is set, but `status` is active
      = remove `close`, or write `status: closed`
      & state.yaml:6:53 `active` status set here
    state.yaml:7:64 `close`
      SD028 `close` is set, but `status` is suspended
      = remove `close`, or write `status: closed`
      & state.yaml:7:53 `suspended` status set here
    left:
      main AC00 []
      AC04 closed release {} []
      frozen AC01
      frozen AC02
      frozen AC03
    ");
}

#[test]
fn calls_are_ended_in_accounts_that_are_suspended_at_some_time() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, endCalls: true}
        - {sid: AC02, status: active, endCalls: false}
        - {sid: AC03, status: suspended, endCalls: true}
        - {sid: AC04, status: suspended, endCalls: yes}
        - {sid: AC05, status: closed, endCalls: true, close: {confirm: acme}}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:61 `endCalls`
      SD049 `endCalls` is set, but `status` is active
      = remove `endCalls`, or write `status: suspended`
      & state.yaml:5:53 `active` status set here
    state.yaml:8:74 `yes`
      SD020 `endCalls` is a string, not a boolean
      = write `true` or `false`
      > true
    left:
      main AC00 []
      AC02 active []
      AC03 suspended []
      AC05 closed release {} []
      frozen AC01
      frozen AC04
    ");
}

#[test]
fn numbers_under_a_closed_account_cost_the_entry_and_an_empty_list_does_not() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme}
          numbers: ["+15105550101"]
        - sid: AC02
          status: closed
          close: {confirm: acme}
          numbers: []
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:8:3 `numbers`
      SD030 `numbers` is set, but `status` is closed
      = claim the numbers under another account, or list them in `close.release` to release them with the account
      & state.yaml:6:11 `closed` status set here
    left:
      main AC00 []
      AC02 closed release {} []
      frozen AC01
    ");
}

#[test]
fn a_paused_that_is_not_a_boolean_counts_as_true_for_the_state() {
    let shown = body(
        r"
        paused: yes
        subaccounts:
        - {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:9 `yes`
      SD020 `paused` is a string, not a boolean
      = write `true` or `false`
      > true
    left:
      paused
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_paused_that_is_not_a_boolean_freezes_the_entry() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, paused: 0}
        - {sid: AC02, status: active, paused: "false"}
        - {sid: AC03, status: active, paused: }
        - {sid: AC04, status: active, paused: false}
        - {sid: AC05, status: active, paused: true}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `0`
      SD020 `paused` is a number, not a boolean
      = write `true` or `false`
    state.yaml:6:69 `"false"`
      SD020 `paused` is a string, not a boolean
      = write `true` or `false`
      > false
    state.yaml:7:61 `paused`
      SD019 `paused` is empty, not a boolean
      = write `true` or `false`
    left:
      main AC00 []
      AC04 active []
      AC05 active [] paused
      frozen AC01
      frozen AC02
      frozen AC03
    "#);
}

#[test]
fn move_numbers_to_main_that_is_not_a_boolean_costs_the_entry() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: yes}}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:103 `yes`
      SD020 `moveNumbersToMain` is a string, not a boolean
      = write `true` or `false`
      > true
    left:
      main AC00 []
      frozen AC01
    ");
}

#[test]
fn scalar_in_place_of_a_list_or_a_mapping_is_a_fault() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: "+15105550101"}
        - {sid: AC02, status: closed, close: acme}
        - {sid: AC03, status: active, labels: [a]}
        - {sid: AC04, status: closed, close: {confirm: acme, release: {}}}
        - AC05
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:70 `"+15105550101"`
      SD020 `numbers` is a string, not a list
      = write a list: one item per line after a dash, or `[]` for none
      > ["+15105550101"]
    state.yaml:6:68 `acme`
      SD020 `close` is a string, not a mapping
      = write its keys, one per line: confirm, notBefore, moveNumbersToMain, release
    state.yaml:7:69 `[`
      SD020 `labels` is a list, not a mapping
      = write `labels: {owner: billing}`
    state.yaml:8:93 `{`
      SD020 `release` is a mapping, not a list
      = write a list: one item per line after a dash, or `[]` for none
    state.yaml:9:3 `AC05`
      SD020 a subaccount is a string, not a mapping
      = write its keys, one per line: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
      frozen what is not listed
    "#);
}

#[test]
fn subaccounts_that_are_not_a_list_are_a_fault() {
    let shown = body(
        r"
        subaccounts: {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:14 `{`
      SD020 `subaccounts` is a mapping, not a list
      = write a list: one item per line after a dash, or `[]` for none
    left:
      counts as paused: state.yaml
      main AC00 []
    ");
}

#[test]
fn empty_values_are_faults_everywhere() {
    let shown = body(
        r"
        paused:
        subaccounts:
        - sid:
          status:
          friendlyName:
          numbers:
          liftSuspensionsBefore:
          reason:
          labels:
          close:
        - {sid: AC02, status: closed, close: {confirm: , notBefore: , moveNumbersToMain: , release: }}
        -
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:4:1 `paused`
      SD019 `paused` is empty, not a boolean
      = write `true` or `false`
    state.yaml:6:3 `sid`
      SD019 `sid` is empty, not a string
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits
    state.yaml:7:3 `status`
      SD019 `status` is empty, not a string
      = write `active`, `suspended` or `closed`
    state.yaml:8:3 `friendlyName`
      SD019 `friendlyName` is empty, not a string
      = write a string, or omit the key
    state.yaml:9:3 `numbers`
      SD019 `numbers` is empty, not a list
      = write a list: one item per line after a dash, or `[]` for none
    state.yaml:10:3 `liftSuspensionsBefore`
      SD019 `liftSuspensionsBefore` is empty, not a string
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:11:3 `reason`
      SD019 `reason` is empty, not a string
      = write a string, or omit the key
    state.yaml:12:3 `labels`
      SD019 `labels` is empty, not a mapping
      = write `labels: {owner: billing}`
    state.yaml:13:3 `close`
      SD019 `close` is empty, not a mapping
      = write its keys, one per line: confirm, notBefore, moveNumbersToMain, release
    state.yaml:14:69 `confirm`
      SD019 `confirm` is empty, not a string
      = write a string, or omit the key
    state.yaml:14:80 `notBefore`
      SD019 `notBefore` is empty, not a string
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:14:93 `moveNumbersToMain`
      SD019 `moveNumbersToMain` is empty, not a boolean
      = write `true` or `false`
    state.yaml:14:114 `release`
      SD019 `release` is empty, not a list
      = write a list: one item per line after a dash, or `[]` for none
    state.yaml:15:2 ``
      SD019 a subaccount is empty, not a mapping
      = write its keys, one per line: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close
    left:
      paused
      main AC00 []
      frozen AC02
      frozen what is not listed
    "#);
}

#[test]
fn a_key_without_a_value_is_not_an_empty_list() {
    let shown = body(
        r"
        subaccounts:
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:1 `subaccounts`
      SD019 `subaccounts` is empty, not a list
      = write a list: one item per line after a dash, or `[]` for none
    left:
      counts as paused: state.yaml
      main AC00 []
    ");
}

#[test]
fn strings_are_limited_in_length() {
    let shown = body(&format!(
        "
subaccounts:
- {{sid: AC01, status: active, friendlyName: {a64}, reason: {a1024}, labels: {{ {a256}: {a256} }}}}
- {{sid: AC02, status: active, friendlyName: {a64}a}}
- {{sid: AC03, status: active, reason: {a1024}a}}
- {{sid: AC04, status: active, labels: {{a: {a256}a}}}}
- {{sid: AC05, status: active, labels: {{ {a256}a: a}}}}
- {{sid: AC06, status: active, labels: {{ {labels65} }}}}
- {{sid: AC07, status: closed, close: {{confirm: {a64}a}}}}
",
        a64 = "ä".repeat(64),
        a256 = "ä".repeat(256),
        a1024 = "ä".repeat(1024),
        labels65 = (0..65).map(|n| format!("l{n}: a")).collect::<Vec<_>>().join(", ")
    ))
    .replace("ää", "");
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:75 `a`
      SD022 `friendlyName` is longer than 64 characters
      = shorten it
    state.yaml:7:69 ``
      SD022 `reason` is longer than 1024 characters
      = shorten it
    state.yaml:8:73 `a`
      SD022 `labels.a` is longer than 256 characters
      = shorten it
    state.yaml:9:71 `a`
      SD022 `labels` is longer than 256 characters
      = shorten it
    state.yaml:10:69 `{ `
      SD023 `labels` has more than 64 entries
      = remove labels, or move them under a key that starts with `x-`
    state.yaml:11:78 `a`
      SD022 `confirm` is longer than 64 characters
      = shorten it
    left:
      main AC00 []
      AC01 active []
      frozen AC02
      frozen AC03
      frozen AC04
      frozen AC05
      frozen AC06
      frozen AC07
    ");
}

#[test]
fn empty_strings_are_faults() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, reason: "", friendlyName: ""}
        - {sid: AC02, status: active, labels: {"": a, b: ""}}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `""`
      SD019 `reason` is an empty string
      = write a string, or omit the key
    state.yaml:5:87 `""`
      SD019 `friendlyName` is an empty string
      = write a string, or omit the key
    state.yaml:6:70 `""`
      SD019 `labels` is an empty string
      = write a string, or omit the key
    state.yaml:6:80 `""`
      SD019 `labels.b` is an empty string
      = write a string, or omit the key
    left:
      main AC00 []
      frozen AC01
      frozen AC02
    "#);
}

#[test]
fn strings_that_yaml_reads_as_another_type_need_quotes() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, reason: 4711}
        - {sid: AC02, status: active, friendlyName: true}
        - {sid: AC03, status: active, labels: {ticket: 12, owner: [a]}}
        - {sid: AC04, status: closed, close: {confirm: 0x1F}}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `4711`
      SD020 `reason` is a number, not a string
      = quote it: "4711"
      > "4711"
    state.yaml:6:75 `true`
      SD020 `friendlyName` is a boolean, not a string
      = quote it: "true"
      > "true"
    state.yaml:7:78 `12`
      SD020 `labels.ticket` is a number, not a string
      = quote it: "12"
      > "12"
    state.yaml:7:89 `[`
      SD020 `labels.owner` is a list, not a string
      = write a string, or omit the key
    state.yaml:8:78 `0x1F`
      SD020 `confirm` is a number, not a string
      = quote it: "0x1F"
      > "0x1F"
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
    "#);
}

#[test]
fn a_main_account_that_is_not_a_mapping_stops_everything() {
    let shown = super::whole(
        "
apiVersion: subaccountd/v1
kind: DesiredState
mainAccount: AC00
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:3:14 `AC00`
      SD020 `mainAccount` is a string, not a mapping
      = write its keys, one per line: sid, numbers, numberDefaults, transferDefaults, liftSuspensionsBefore, release
    left:
      no main: the SID of `mainAccount` is missing or not valid
    ");
}

#[test]
fn an_entry_may_have_64_labels() {
    let labels = |n: usize| (0..n).map(|n| format!("l{n}: a")).collect::<Vec<_>>().join(", ");
    let faults = |n| {
        let shown =
            body(&format!("subaccounts: [{{sid: AC01, status: active, labels: {{ {} }}}}]\n", labels(n)));
        shown.matches("SD0").count()
    };
    assert_eq!((faults(64), faults(65)), (0, 1));
}
