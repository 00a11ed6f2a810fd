//! Documents and files: their heads, documents of another kind, and the effect of an unreadable file.

use subaccountd_core::manifest::Source;

use super::{files, sources, whole};

#[test]
fn missing_files_are_no_state() {
    let shown = sources(&[]);
    insta::assert_snapshot!(shown, @r"
    :1:1 ``
      SD037 no desired state: no readable document with `apiVersion` and `kind`
      = there is no text at all: check that what holds the state is mounted there, with files that end in `.yaml` or `.yml`, or write the state
    left:
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn empty_documents_are_skipped() {
    let shown = files(&[
        (
            "a.yaml",
            r"
        ---
        ---
        # nothing
        ---
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        subaccounts:
        - {sid: AC01, status: active}
        ---
        ~
",
        ),
        (
            "b.yaml",
            r"
        # only a comment
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn only_empty_documents_are_no_state() {
    let shown = files(&[
        (
            "a.yaml",
            r"
        ---
        ---
",
        ),
        (
            "b.yaml", r"

",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:1:1 `-`
      SD037 no desired state: no readable document with `apiVersion` and `kind`
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    left:
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn several_documents_and_files_are_one_state() {
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
        ---
        apiVersion: subaccountd/v1
        kind: DesiredState
        subaccounts:
        - {sid: AC03, status: active}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
      AC02 active []
      AC03 active []
    ");
}

#[test]
fn one_paused_document_pauses_the_state() {
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
        paused: true
        ---
        apiVersion: subaccountd/v1
        kind: DesiredState
        paused: false
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    left:
      paused
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_wrong_version_costs_the_file() {
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
        apiVersion: subaccountd/v2
        kind: DesiredState
        colour: blue
        subaccounts:
        - {sid: AC02, status: active}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:1:13 `subaccountd/v2`
      SD012 `apiVersion` is `subaccountd/v2`, not `subaccountd/v1`
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded; for another version, run the subaccountd release that reads it
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_wrong_kind_costs_the_file_with_its_other_documents() {
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
        ---
        apiVersion: subaccountd/v1
        kind: desiredState
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:7:7 `desiredState`
      SD013 `kind` is `desiredState`, not `DesiredState`
      = write `kind: DesiredState`; until then, this file is not loaded
      > DesiredState
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_missing_head_costs_the_file() {
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
        subaccounts:
        - {sid: AC02, status: active}
",
        ),
        (
            "c.yaml",
            r"
        kind: DesiredState
        apiVersion: 1
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:1:1 `subaccounts`
      SD011 missing key `apiVersion` in the document
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    b.yaml:1:1 `subaccounts`
      SD011 missing key `kind` in the document
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    c.yaml:2:13 `1`
      SD020 `apiVersion` is a number, not a string
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_file_that_is_absent_still_pauses_the_state() {
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
        paused: true
        ---
        apiVersion: subaccountd/v2
        kind: DesiredState
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:5:13 `subaccountd/v2`
      SD012 `apiVersion` is `subaccountd/v2`, not `subaccountd/v1`
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded; for another version, run the subaccountd release that reads it
    left:
      paused
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_document_that_is_not_a_mapping_needs_its_head() {
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
        - sid: AC02
          status: active
",
        ),
        (
            "c.yaml",
            r"
        just a text
",
        ),
        (
            "d.yaml",
            r"
        --- 5
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:1:1 `-`
      SD011 the document is not a mapping: it needs `apiVersion` and `kind`
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    c.yaml:1:1 `just a text`
      SD011 the document is not a mapping: it needs `apiVersion` and `kind`
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    d.yaml:1:5 `5`
      SD011 the document is not a mapping: it needs `apiVersion` and `kind`
      = start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_wrong_head_of_the_only_file_stops_everything_with_one_fault() {
    let shown = files(&[(
        "a.yaml",
        r"
        apiVersion: subaccountd/v2
        kind: DesiredState
        mainAccount: {sid: AC00}
        subaccounts:
        - {sid: AC01, status: active}
",
    )]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:1:13 `subaccountd/v2`
      SD012 `apiVersion` is `subaccountd/v2`, not `subaccountd/v1`
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded; for another version, run the subaccountd release that reads it
    left:
      counts as paused: a.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn the_file_of_the_main_account_unreadable_stops_everything_with_one_fault() {
    let shown = files(&[
        (
            "a.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        subaccounts:
        - {sid: AC01, status: active}
          oops: [
",
        ),
        (
            "b.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        subaccounts:
        - {sid: AC02, status: active}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    a.yaml:6:3 `o`
      SD003 invalid YAML: this line does not continue the mapping (did not find expected key)
      = align it with the keys that it belongs to, and check the quotes and brackets before it; until then, this file is not loaded
    left:
      counts as paused: a.yaml
      no main: the desired state has no `mainAccount`
      AC02 active []
    ");
}

#[test]
fn invalid_yaml_costs_the_file() {
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
        subaccounts: [}
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:3:15 `}`
      SD003 invalid YAML: missing value (did not find expected node content)
      = write the value, close the bracket before it, or quote a value that begins with a comma or a bracket; until then, this file is not loaded
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn invalid_yaml_costs_the_file_with_its_earlier_documents() {
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
        ---
        {
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:6:1 `{`
      SD003 invalid YAML: missing value (did not find expected node content)
      = write the value, close the bracket before it, or quote a value that begins with a comma or a bracket; until then, this file is not loaded
    left:
      counts as paused: b.yaml
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn a_file_that_is_not_utf8_costs_the_file() {
    let shown = sources(&[
        Source {
            name: "a.yaml".to_owned(),
            content: Ok(crate::support::text::long(
                "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n",
            )
            .into_bytes()),
        },
        Source { name: "b.yaml".to_owned(), content: Ok(b"kind: \xff\n".to_vec()) },
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:1:7 `�`
      SD002 the file is not UTF-8: byte 7 is not valid
      = save the file as UTF-8; until then, this file is not loaded
    left:
      counts as paused: b.yaml
      main AC00 []
    ");
}

#[test]
fn a_file_that_cannot_be_read_costs_the_file() {
    let shown = sources(&[
        Source {
            name: "a.yaml".to_owned(),
            content: Ok(crate::support::text::long(
                "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n",
            )
            .into_bytes()),
        },
        Source { name: "b.yaml".to_owned(), content: Err("permission denied".to_owned().into()) },
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:1:1 ``
      SD001 the file cannot be read: permission denied
      = make the file readable for the user that subaccountd runs as
    left:
      counts as paused: b.yaml
      main AC00 []
    ");
}

#[test]
fn a_byte_order_mark_is_ignored() {
    let shown = whole(
        "\u{feff}apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\ncolour: blue\n",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:1 `colour`
      SD014 unknown key `colour` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    left:
      counts as paused: state.yaml
      main AC00 []
    ");
}

#[test]
fn a_byte_order_mark_does_not_shift_locations() {
    let shown = whole("\u{feff}apiVersion: subaccountd/v2\nkind: DesiredState\nmainAccount: {sid: AC00}\n");
    insta::assert_snapshot!(shown, @r"
    state.yaml:1:13 `subaccountd/v2`
      SD012 `apiVersion` is `subaccountd/v2`, not `subaccountd/v1`
      = write `apiVersion: subaccountd/v1`; until then, this file is not loaded; for another version, run the subaccountd release that reads it
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let shown = whole(
        "apiVersion: subaccountd/v1\r\nkind: DesiredState\r\nmainAccount: {sid: AC00}\r\nsubaccounts:\r\n- {sid: AC01, status: active, colour: blue}\r\n- {sid: AC02, status: active}\r\n",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:61 `colour`
      SD014 unknown key `colour` in a subaccount
      = known keys: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close; keys that start with `x-` are ignored
    left:
      main AC00 []
      AC02 active []
      frozen AC01
    ");
}

#[test]
fn columns_count_characters() {
    let shown = whole(
        "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {x-ö: ü€😀, sid: AC00, colour: blue}\n",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:3:66 `colour`
      SD014 unknown key `colour` in `mainAccount`
      = known keys: sid, numbers, numberDefaults, transferDefaults, liftSuspensionsBefore, release; keys that start with `x-` are ignored
    left:
      main AC00 []
      frozen AC00
    ");
}

#[test]
fn all_faults_of_all_files_come_in_one_go_by_place() {
    let shown = files(&[
        (
            "b.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        b: 1
        a: 2
",
        ),
        (
            "a.yaml",
            r"
        apiVersion: subaccountd/v1
        kind: DesiredState
        mainAccount: {sid: AC00}
        c: 3
        ---
        apiVersion: subaccountd/v1
        kind: DesiredState
        d: 4
",
        ),
    ]);
    insta::assert_snapshot!(shown, @r"
    b.yaml:3:1 `b`
      SD014 unknown key `b` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    b.yaml:4:1 `a`
      SD014 unknown key `a` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    a.yaml:4:1 `c`
      SD014 unknown key `c` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    a.yaml:8:1 `d`
      SD014 unknown key `d` in the document
      = known keys: apiVersion, kind, paused, windows, allowances, mainAccount, subaccounts; keys that start with `x-` are ignored
    left:
      counts as paused: b.yaml
      main AC00 []
    ");
}
