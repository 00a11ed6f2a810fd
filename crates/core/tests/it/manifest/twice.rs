//! Duplicates across the state: accounts, numbers, main accounts.

use super::{body, files};

#[test]
fn an_account_listed_twice_is_absent_and_frozen() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
        - {sid: AC01, status: suspended}
        - {sid: AC02, status: active}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:9 `AC01`
      SD031 AC01 is listed twice: also on line 5
      = keep one of the entries; until then, all of them are ignored
      & state.yaml:5:9 `AC01` first listed here
    left:
      main AC00 []
      AC02 active []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn an_account_listed_three_times_is_absent_and_frozen() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active}
        - {sid: AC01, status: active}
        - {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:9 `AC01`
      SD031 AC01 is listed twice: also on line 5
      = keep one of the entries; until then, all of them are ignored
      & state.yaml:5:9 `AC01` first listed here
    state.yaml:7:9 `AC01`
      SD031 AC01 is listed twice: also on line 5
      = keep one of the entries; until then, all of them are ignored
      & state.yaml:5:9 `AC01` first listed here
    left:
      main AC00 []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn an_account_listed_in_two_files_is_absent() {
    let shown = files(&[
        (
            "a.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        subaccounts:
        - {sid: AC01, status: active}
",
        ),
        (
            "b.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        subaccounts:
        - {sid: AC02, status: active}
        - {sid: AC01, status: closed, close: {confirm: acme}}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:5:9 `AC01`
      SD031 AC01 is listed twice: also in a.yaml:5
      = keep one of the entries; until then, all of them are ignored
      & a.yaml:5:9 `AC01` first listed here
    left:
      main AC00 []
      AC02 active []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn a_faulty_entry_still_counts_for_listed_twice() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active}
        - {sid: AC01, status: nonsense}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:9 `AC01`
      SD031 AC01 is listed twice: also on line 5
      = keep one of the entries; until then, all of them are ignored
      & state.yaml:5:9 `AC01` first listed here
    state.yaml:6:53 `nonsense`
      SD027 `nonsense` is not a valid status
      = write `active`, `suspended` or `closed`
    left:
      main AC00 []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn an_alias_of_an_entry_lists_it_twice() {
    let shown = body(
        r"
        subaccounts:
        - &acme {sid: AC01, status: active}
        - *acme
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:3 `*acme`
      SD031 AC01 is listed twice: also on line 5
      = keep one of the entries; until then, all of them are ignored
      & state.yaml:5:15 `AC01` first listed here
    left:
      main AC00 []
      frozen AC01
      frozen what is not listed
    ");
}

#[test]
fn a_number_claimed_twice_costs_both_claims_and_no_other() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101", "+15105550102"]}
        - {sid: AC02, status: active, numbers: ["+15105550103", {number: "+15105550101"}]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:6:96 `"+15105550101"`
      SD032 +15105550101 is claimed twice: also on line 5
      = keep one of the two claims: a phone number has one owner
      & state.yaml:5:71 `"+15105550101"` first claimed here
    left:
      main AC00 []
      AC01 active [+15105550102]
      AC02 active [+15105550103]
    "#);
}

#[test]
fn a_number_claimed_twice_by_one_account_costs_both_claims() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101", "+15105550101", "+15105550102"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:87 `"+15105550101"`
      SD032 +15105550101 is claimed twice: also on line 5
      = keep one of the two claims: a phone number has one owner
      & state.yaml:5:71 `"+15105550101"` first claimed here
    left:
      main AC00 []
      AC01 active [+15105550102]
    "#);
}

#[test]
fn a_number_claimed_by_main_and_by_a_subaccount_in_another_file_costs_both_claims() {
    let shown = files(&[
        (
            "a.yaml",
            r#"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount:
          sid: AC00
          numbers: ["+15105550101", "+15105550100"]
"#,
        ),
        (
            "b.yaml",
            r#"
        apiVersion: subaccountd/v1
        kind: DesiredState
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550101"]}
"#,
        ),
    ]);
    insta::assert_snapshot!(shown, @r#"
    b.yaml:4:71 `"+15105550101"`
      SD032 +15105550101 is claimed twice: also in a.yaml:5
      = keep one of the two claims: a phone number has one owner
      & a.yaml:5:13 `"+15105550101"` first claimed here
    left:
      main AC00 [+15105550100]
      AC01 active []
    "#);
}

#[test]
fn a_claim_of_a_faulty_entry_still_guards_its_number() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: nonsense, numbers: ["+15105550101"]}
        - {sid: AC02, status: active, numbers: ["+15105550101", "+15105550102"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:53 `nonsense`
      SD027 `nonsense` is not a valid status
      = write `active`, `suspended` or `closed`
    state.yaml:6:71 `"+15105550101"`
      SD032 +15105550101 is claimed twice: also on line 5
      = keep one of the two claims: a phone number has one owner
      & state.yaml:5:73 `"+15105550101"` first claimed here
    left:
      main AC00 []
      AC02 active [+15105550102]
      frozen AC01
    "#);
}

#[test]
fn a_number_claimed_and_in_a_release_is_neither() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme, release: ["+15105550101", "+15105550103"]}
        - {sid: AC02, status: active, numbers: ["+15105550101", "+15105550102"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:7:36 `"+15105550101"`
      SD033 +15105550101 is in `release` and claimed: also on line 8
      = remove it from `release`, or remove the claim
      & state.yaml:8:71 `"+15105550101"` claimed here
    left:
      main AC00 []
      AC01 closed release {+15105550103} []
      AC02 active [+15105550102]
    "#);
}

#[test]
fn a_release_of_a_faulty_entry_still_guards_its_number() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: closed
          close: {confirm: acme, release: ["+15105550101"], colour: blue}
        - {sid: AC02, status: active, numbers: ["+15105550101"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:7:36 `"+15105550101"`
      SD033 +15105550101 is in `release` and claimed: also on line 8
      = remove it from `release`, or remove the claim
      & state.yaml:8:71 `"+15105550101"` claimed here
    state.yaml:7:53 `colour`
      SD014 unknown key `colour` in `close`
      = known keys: confirm, notBefore, moveNumbersToMain, release; keys that start with `x-` are ignored
    left:
      main AC00 []
      AC02 active []
      frozen AC01
    "#);
}

#[test]
fn two_main_accounts_stop_everything() {
    let shown = files(&[
        (
            "a.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
",
        ),
        (
            "b.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        subaccounts:
        - {sid: AC01, status: active}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:3:1 `mainAccount`
      SD035 second `mainAccount`: also in a.yaml:3
      = keep one of the two, and run a separate daemon for each main account
      & a.yaml:3:1 `mainAccount` first defined here
    left:
      no main: the desired state has more than one `mainAccount`
      AC01 active []
    ");
}

#[test]
fn two_main_accounts_in_two_documents_of_one_file_stop_everything() {
    let shown = files(&[(
        "a.yaml",
        r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        ---
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC01}
",
    )]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:7:1 `mainAccount`
      SD035 second `mainAccount`: also on line 3
      = keep one of the two, and run a separate daemon for each main account
      & a.yaml:3:1 `mainAccount` first defined here
    left:
      no main: the desired state has more than one `mainAccount`
    ");
}

#[test]
fn the_main_account_among_the_subaccounts_is_frozen() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC00, status: closed, close: {confirm: main}}
        - {sid: AC01, status: active}
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:9 `AC00`
      SD034 AC00 is the main account, not a subaccount
      = remove the entry, and list the numbers of the main account under `mainAccount`
    left:
      main AC00 []
      AC01 active []
      frozen AC00
      frozen what is not listed
    ");
}

#[test]
fn no_main_account_stops_everything() {
    let shown = files(&[(
        "a.yaml",
        r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        subaccounts:
        - {sid: AC01, status: active}
",
    )]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:1:1 `a`
      SD036 the desired state has no `mainAccount`
      = add `mainAccount: {sid: AC…}` to exactly one document
    left:
      no main: the desired state has no `mainAccount`
      AC01 active []
    ");
}

#[test]
fn a_number_released_twice_is_a_fault_and_its_orders_stay() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, release: [{number: "+15105550109"}]}
        - {sid: AC02, status: active, release: [{number: "+15105550109", reason: over}]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:6:80 `"+15105550109"`
      SD050 +15105550109 is in `release` twice: also on line 5
      = keep one of the two, under the account that holds the number
      & state.yaml:5:80 `"+15105550109"` first released here
    left:
      main AC00 []
      AC01 active [] releasing +15105550109
      AC02 active [] releasing +15105550109
    "#);
}

#[test]
fn a_number_claimed_and_in_a_release_of_an_account_costs_the_claim() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, numbers: ["+15105550109"]}
        - {sid: AC02, status: active, release: [{number: "+15105550109"}]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:6:80 `"+15105550109"`
      SD033 +15105550109 is in `release` and claimed: also on line 5
      = remove it from `release`, or remove the claim
      & state.yaml:5:71 `"+15105550109"` claimed here
    left:
      main AC00 []
      AC01 active []
      AC02 active [] releasing +15105550109
    "#);
}

/// The list of `close.release` with the indentation of an entry is no order.
#[test]
fn an_order_to_release_is_a_mapping() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, release: ["+15105550109"]}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:71 `"+15105550109"`
      SD020 an item of `release` is a string, not a mapping
      = write `number: "+15105550109"` to release the number; if it may be lost with the account, move it into `close.release`
    left:
      main AC00 []
      frozen AC01
    "#);
}
