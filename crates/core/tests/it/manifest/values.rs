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
      SD024 `sid`: `AC1` is not an account SID: AC and 32 hexadecimal digits
      = after AC come 32 digits, here 1: copy the SID from the Twilio Console
    state.yaml:6:9 `PN01`
      SD024 `sid`: `PN01` is not an account SID: AC and 32 hexadecimal digits
      = this is the SID of a number; that of an account begins with AC
    state.yaml:7:9 `17`
      SD020 `sid` is a number, not a text
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
      SD024 `addressSid`: `BU01` is not an address SID: AD and 32 hexadecimal digits
      = this is the SID of a bundle; that of an address begins with AD
    state.yaml:10:16 `AD01`
      SD024 `bundleSid`: `AD01` is not a bundle SID: BU and 32 hexadecimal digits
      = this is the SID of an address; that of a bundle begins with BU
    state.yaml:11:18 `RI1`
      SD024 `identitySid`: `RI1` is not an identity SID: RI and 32 hexadecimal digits
      = after RI come 32 digits, here 1: copy the SID from the Twilio Console
    state.yaml:12:26 `5`
      SD020 `emergencyAddressSid` is a number, not a text
      = copy the SID of an address of the account that gains the number: AD and 32 hexadecimal digits
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
      SD024 `sid`: `AC0` is not an account SID: AC and 32 hexadecimal digits
      = after AC come 32 digits, here 1: copy the SID from the Twilio Console
    left:
      no main: the SID of `mainAccount` cannot be read
      AC01 active []
    ");
}

#[test]
fn a_status_that_is_none_is_told_the_nearest() {
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
      SD027 `Active` is not a status
      = did you mean `active`?
      > active
    state.yaml:6:53 `close`
      SD027 `close` is not a status
      = did you mean `closed`?
    state.yaml:7:53 `paused`
      SD027 `paused` is not a status
      = write `paused: true` to leave the account alone, or `status: suspended` to suspend it
    state.yaml:8:53 `true`
      SD020 `status` is a boolean, not a text
      = write active, suspended or closed
    left:
      main AC00 []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
    ");
}

#[test]
fn an_unquoted_number_is_told_to_be_quoted() {
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
      SD021 `numbers`: +15105550101 is not quoted, so YAML reads it as a number and loses the plus
      = quote it: "+15105550101"
      > "+15105550101"
    state.yaml:5:85 `15105550102`
      SD021 `numbers`: 15105550102 is not quoted, so YAML reads it as a number and loses the plus
      = quote it: "+15105550102"
    state.yaml:6:80 `+493012345678`
      SD021 `number`: +493012345678 is not quoted, so YAML reads it as a number and loses the plus
      = quote it: "+493012345678"
      > "+493012345678"
    state.yaml:7:94 `+15105550103`
      SD021 `release`: +15105550103 is not quoted, so YAML reads it as a number and loses the plus
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
      SD021 `numbers`: +15105550100 is not quoted, so YAML reads it as a number and loses the plus
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
      SD025 `numbers`: `15105550101` is not a phone number in E.164: a plus, then 2 to 15 digits, the first of them not 0
      = write the number as it is dialled from abroad, as in "+15105550101"
    state.yaml:6:71 `"+1 510 555 0102"`
      SD025 `numbers`: `+1 510 555 0102` is not a phone number in E.164: a plus, then 2 to 15 digits, the first of them not 0
      = did you mean "+15105550102"?
      > "+15105550102"
    state.yaml:7:71 `"+0151"`
      SD025 `numbers`: `+0151` is not a phone number in E.164: a plus, then 2 to 15 digits, the first of them not 0
      = write the number as it is dialled from abroad, as in "+15105550101"
    state.yaml:8:80 `tel`
      SD025 `number`: `tel` is not a phone number in E.164: a plus, then 2 to 15 digits, the first of them not 0
      = write the number as it is dialled from abroad, as in "+15105550101"
    state.yaml:9:71 `[`
      SD020 `numbers` is a list, not a text
      = write the number as it is dialled from abroad, as in "+15105550101"
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
      SD026 `liftSuspensionsBefore`: `tomorrow` is not a date or a time
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:6:84 `"2026-02-30"`
      SD026 `liftSuspensionsBefore`: `2026-02-30` is not a date or a time
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:7:84 `2026`
      SD020 `liftSuspensionsBefore` is a number, not a text
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:8:84 `"2026-12-24T08:00[Europe/Berlin]"`
      SD026 `liftSuspensionsBefore`: `2026-12-24T08:00[Europe/Berlin]` is not a date or a time
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:9:95 `"24.12.2026"`
      SD026 `notBefore`: `24.12.2026` is not a date or a time
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:10:95 `"2026-W52-4"`
      SD026 `notBefore`: `2026-W52-4` is not a date or a time
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
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
      SD029 `status: closed` without `close`: a close must be confirmed
      = add `close:` with `confirm:` and the account's friendly name as Twilio shows it
    state.yaml:6:61 `close`
      SD028 `close` is given, but `status` is active
      = remove `close`, or write `status: closed`
      & state.yaml:6:53 `active` the status
    state.yaml:7:64 `close`
      SD028 `close` is given, but `status` is suspended
      = remove `close`, or write `status: closed`
      & state.yaml:7:53 `suspended` the status
    left:
      main AC00 []
      AC04 closed release {} []
      frozen AC01
      frozen AC02
      frozen AC03
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
      SD030 numbers under an account that is to be closed
      = list them under the account that shall own them, or under `close.release` to let them go
      & state.yaml:6:11 `closed` the status
    left:
      main AC00 []
      AC02 closed release {} []
      frozen AC01
    ");
}

#[test]
fn a_paused_that_is_no_boolean_counts_as_true_for_the_state() {
    let shown = body(
        r"
        paused: yes
        subaccounts:
        - {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:9 `yes`
      SD020 `paused` is a text, not a boolean
      = write true or false
      > true
    left:
      paused
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_paused_that_is_no_boolean_freezes_the_entry() {
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
      = write true or false
    state.yaml:6:69 `"false"`
      SD020 `paused` is a text, not a boolean
      = write true or false
      > false
    state.yaml:7:61 `paused`
      SD019 `paused` is empty, not a boolean
      = write true or false
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
fn move_numbers_to_main_that_is_no_boolean_costs_the_entry() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: closed, close: {confirm: acme, moveNumbersToMain: yes}}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:103 `yes`
      SD020 `moveNumbersToMain` is a text, not a boolean
      = write true or false
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
      SD020 `numbers` is a text, not a list
      = write a list: one item a line after a dash, or [] for none
      > ["+15105550101"]
    state.yaml:6:68 `acme`
      SD020 `close` is a text, not a mapping
      = write its keys, one a line: confirm, notBefore, moveNumbersToMain, release
    state.yaml:7:69 `[`
      SD020 `labels` is a list, not a mapping
      = write `labels: {owner: billing}`
    state.yaml:8:93 `{`
      SD020 `release` is a mapping, not a list
      = write a list: one item a line after a dash, or [] for none
    state.yaml:9:3 `AC05`
      SD020 a subaccount is a text, not a mapping
      = write its keys, one a line: sid, friendlyName, status, numbers, paused, liftSuspensionsBefore, reason, labels, close
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
fn subaccounts_that_are_no_list_are_a_fault() {
    let shown = body(
        r"
        subaccounts: {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:14 `{`
      SD020 `subaccounts` is a mapping, not a list
      = write a list: one item a line after a dash, or [] for none
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
      = write true or false
    state.yaml:6:3 `sid`
      SD019 `sid` is empty, not a text
      = copy the SID from the Twilio Console: AC and 32 hexadecimal digits
    state.yaml:7:3 `status`
      SD019 `status` is empty, not a text
      = write active, suspended or closed
    state.yaml:8:3 `friendlyName`
      SD019 `friendlyName` is empty, not a text
      = write a text, or leave the key out
    state.yaml:9:3 `numbers`
      SD019 `numbers` is empty, not a list
      = write a list: one item a line after a dash, or [] for none
    state.yaml:10:3 `liftSuspensionsBefore`
      SD019 `liftSuspensionsBefore` is empty, not a text
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:11:3 `reason`
      SD019 `reason` is empty, not a text
      = write a text, or leave the key out
    state.yaml:12:3 `labels`
      SD019 `labels` is empty, not a mapping
      = write `labels: {owner: billing}`
    state.yaml:13:3 `close`
      SD019 `close` is empty, not a mapping
      = write its keys, one a line: confirm, notBefore, moveNumbersToMain, release
    state.yaml:14:69 `confirm`
      SD019 `confirm` is empty, not a text
      = write a text, or leave the key out
    state.yaml:14:80 `notBefore`
      SD019 `notBefore` is empty, not a text
      = write a date as in "2026-12-24" or a time as in "2026-12-24T08:00:00Z"
    state.yaml:14:93 `moveNumbersToMain`
      SD019 `moveNumbersToMain` is empty, not a boolean
      = write true or false
    state.yaml:14:114 `release`
      SD019 `release` is empty, not a list
      = write a list: one item a line after a dash, or [] for none
    state.yaml:15:2 ``
      SD019 a subaccount is empty, not a mapping
      = write its keys, one a line: sid, friendlyName, status, numbers, paused, liftSuspensionsBefore, reason, labels, close
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
      = write a list: one item a line after a dash, or [] for none
    left:
      counts as paused: state.yaml
      main AC00 []
    ");
}

#[test]
fn texts_may_be_long_but_not_endless() {
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
      SD023 more than 64 labels
      = keep the ones that people search for
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
fn empty_texts_are_faults() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, reason: "", friendlyName: ""}
        - {sid: AC02, status: active, labels: {"": a, b: ""}}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `""`
      SD019 `reason` is an empty text
      = write a text, or leave the key out
    state.yaml:5:87 `""`
      SD019 `friendlyName` is an empty text
      = write a text, or leave the key out
    state.yaml:6:70 `""`
      SD019 `labels` is an empty text
      = write a text, or leave the key out
    state.yaml:6:80 `""`
      SD019 `labels.b` is an empty text
      = write a text, or leave the key out
    left:
      main AC00 []
      frozen AC01
      frozen AC02
    "#);
}

#[test]
fn texts_that_yaml_takes_for_something_else_are_to_be_quoted() {
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
      SD020 `reason` is a number, not a text
      = quote it: "4711"
      > "4711"
    state.yaml:6:75 `true`
      SD020 `friendlyName` is a boolean, not a text
      = quote it: "true"
      > "true"
    state.yaml:7:78 `12`
      SD020 `labels.ticket` is a number, not a text
      = quote it: "12"
      > "12"
    state.yaml:7:89 `[`
      SD020 `labels.owner` is a list, not a text
      = write a text, or leave the key out
    state.yaml:8:78 `0x1F`
      SD020 `confirm` is a number, not a text
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
fn a_main_account_that_is_no_mapping_stops_everything() {
    let shown = super::whole(
        "
apiVersion: subaccountd/v1
kind: DesiredState
mainAccount: AC00
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:3:14 `AC00`
      SD020 `mainAccount` is a text, not a mapping
      = write its keys, one a line: sid, numbers, liftSuspensionsBefore
    left:
      no main: the SID of `mainAccount` cannot be read
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
