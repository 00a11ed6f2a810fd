//! YAML itself: tabs, tags, aliases, and what two readers do not read alike.

use super::body;

#[test]
fn a_tab_in_the_indentation_is_called_a_tab() {
    let shown = body("subaccounts:\n- sid: AC01\n\tstatus: active\n");
    insta::assert_snapshot!(shown, @r"
    state.yaml:6:1 `	`
      SD004 tab in the indentation: YAML allows only spaces
      = replace the tab with spaces
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_tab_after_a_dash_is_called_a_tab() {
    let shown = body("subaccounts:\n-\tsid: AC01\n \tstatus: active\n");
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:2 `	`
      SD004 tab in the indentation: YAML allows only spaces
      = replace the tab with spaces
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_tab_after_a_key_is_called_a_tab() {
    let shown = body("subaccounts:\n- sid:\tAC01\n  status: active\t# so\n");
    insta::assert_snapshot!(shown, @r"
    state.yaml:5:7 `	`
      SD004 tab in a place that not every YAML parser accepts
      = replace the tab with a space
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_tag_is_a_fault() {
    let shown = body("subaccounts: !list []\n");
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:14 `!`
      SD006 YAML tag (`!…`): not supported
      = remove the tag, or quote a string that begins with `!`; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_tag_of_the_core_schema_is_a_fault() {
    let shown = body("subaccounts:\n- {sid: AC01, status: active, reason: !!str 4711}\n");
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `!!str 4711`
      SD008 `reason` is an ambiguous scalar, not a string
      = quote it: "4711"
      > "4711"
    left:
      main AC00 []
      frozen AC01
    "#);
}

#[test]
fn an_alias_repeats_a_value() {
    let shown = body(
        r"
        x-labels: &labels {owner: billing}
        subaccounts:
        - {sid: AC01, status: active, labels: *labels}
        - {sid: AC02, status: active, labels: *labels}
",
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
      AC02 active []
    ");
}

#[test]
fn an_alias_of_nothing_is_a_fault() {
    let shown = body(
        r"
        subaccounts: *nothing
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:14 `*`
      SD005 YAML alias (`*…`): no anchor (`&…`) above it
      = define the anchor above it in the same document, or quote a string that begins with `*`; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn an_alias_of_itself_is_a_fault() {
    let shown = body(
        r"
        x-a: &a [*a]
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:10 `*a`
      SD007 invalid YAML: nested too deeply: this alias is inside its own anchor
      = remove the alias; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn aliases_that_multiply_are_a_fault() {
    let shown = body(
        r"
        x-a: &a [x, x, x, x, x, x, x, x, x, x]
        x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
        x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
        x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
        x-f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
        x-g: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
",
    );
    insta::assert_snapshot!(shown, @r"
    state.yaml:9:30 `*e`
      SD007 invalid YAML: more than 750,000 values after aliases are expanded
      = use fewer aliases, or split the file; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn nesting_without_end_is_a_fault() {
    let shown = body(&format!("x-deep: {}\n", "[".repeat(10_000)));
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:1009 `[`
      SD007 invalid YAML: nested too deeply: more than 1000 brackets are not closed
      = close the brackets, also those in texts and comments; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn nesting_that_ends_too_deep_is_a_fault() {
    let shown = body(&format!("x-deep: {}{}\n", "[".repeat(500), "]".repeat(500)));
    insta::assert_snapshot!(shown, @r"
    state.yaml:4:136 `[`
      SD007 invalid YAML: nested too deeply
      = reduce the nesting, and use no alias inside its own anchor; until then, this file is not loaded
    left:
      counts as paused: state.yaml
      no main: no desired state: no readable document with `apiVersion` and `kind`
    ");
}

#[test]
fn a_quoted_string_stays_a_string() {
    let shown = body(
        r#"
        subaccounts:
        - {sid: AC01, status: active, reason: "4711", friendlyName: 'true', labels: {a: "null"}}
"#,
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn strings_over_several_lines_are_read() {
    let shown = body(
        r"
        subaccounts:
        - sid: AC01
          status: active
          reason: >
            the invoice
            is unpaid
          labels:
            note: |
              one
              two
",
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn an_octal_number_is_not_a_string() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, reason: 0o17}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:69 `0o17`
      SD020 `reason` is a number, not a string
      = quote it: "0o17"
      > "0o17"
    left:
      main AC00 []
      frozen AC01
    "#);
}

#[test]
fn an_ambiguous_scalar_costs_only_its_entry() {
    let shown = body(
        r"
        paused: 0b1
        x-ignored: 017
        subaccounts:
        - {sid: AC01, status: active, reason: 0b11}
        - {sid: AC02, status: active, numbers: [0b11]}
        - {sid: AC03, status: active, 0b11: a}
        - {sid: AC04, status: active, numbers: 017}
        - {sid: AC05, status: active, x-ignored: 017}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:4:9 `0b1`
      SD008 `paused` is an ambiguous scalar, not a boolean
      = write `true` or `false`
    state.yaml:7:69 `0b11`
      SD008 `reason` is an ambiguous scalar, not a string
      = quote it: "0b11"
      > "0b11"
    state.yaml:8:71 `0b11`
      SD008 `numbers` is an ambiguous scalar, not a string
      = write the phone number in E.164, as in "+15105550101"
    state.yaml:9:61 `0b11`
      SD008 a key of a subaccount is an ambiguous scalar, not a string
      = known keys: sid, friendlyName, status, numbers, numberDefaults, transferDefaults, paused, liftSuspensionsBefore, reason, labels, endCalls, release, urgent, close
    state.yaml:10:70 `017`
      SD008 `numbers` is an ambiguous scalar, not a list
      = write a list: one item per line after a dash, or `[]` for none
    left:
      paused
      main AC00 []
      AC05 active []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
    "#);
}

#[test]
fn a_string_in_a_list_keeps_its_line_breaks_for_both_parsers() {
    let shown = body(
        r#"
        subaccounts:
        - sid: AC01
          status: active
          reason: "one\u0085two\
            three"
"#,
    );
    insta::assert_snapshot!(shown, @r"
    left:
      main AC00 []
      AC01 active []
    ");
}

#[test]
fn numbers_in_other_bases_are_not_strings() {
    let shown = body(
        r"
        subaccounts:
        - {sid: AC01, status: active, labels: {a: 0x1f}}
        - {sid: AC02, status: active, labels: {a: 1e3}}
        - {sid: AC03, status: active, labels: {a: .inf}}
        - {sid: AC04, status: active, labels: {a: 99999999999999999999999999}}
        - {sid: AC05, status: active, labels: {a: 0b11}}
        - {sid: AC06, status: active, labels: {a: 017}}
        - {sid: AC07, status: active, labels: {a: Null}}
        - {sid: AC08, status: active, labels: {a: 1_000}}
",
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:73 `0x1f`
      SD020 `labels.a` is a number, not a string
      = quote it: "0x1f"
      > "0x1f"
    state.yaml:6:73 `1e3`
      SD020 `labels.a` is a number, not a string
      = quote it: "1e3"
      > "1e3"
    state.yaml:7:73 `.inf`
      SD020 `labels.a` is a number, not a string
      = quote it: ".inf"
      > ".inf"
    state.yaml:8:73 `99999999999999999999999999`
      SD020 `labels.a` is a number, not a string
      = quote it: "99999999999999999999999999"
      > "99999999999999999999999999"
    state.yaml:9:73 `0b11`
      SD008 `labels.a` is an ambiguous scalar, not a string
      = quote it: "0b11"
      > "0b11"
    state.yaml:10:73 `017`
      SD008 `labels.a` is an ambiguous scalar, not a string
      = quote it: "017"
      > "017"
    state.yaml:11:73 `Null`
      SD019 `labels.a` is empty, not a string
      = write a string, or omit the key
    left:
      main AC00 []
      AC08 active []
      frozen AC01
      frozen AC02
      frozen AC03
      frozen AC04
      frozen AC05
      frozen AC06
      frozen AC07
    "#);
}

#[test]
fn a_small_file_does_not_expand_into_millions_of_values() {
    let (items, aliases) = ("x, ".repeat(1000), "*a, ".repeat(1000));
    let shown = body(&format!("x-a: &a [{items}]\nx-b: [{aliases}]\n"));
    assert!(shown.contains("more than 750,000 values after aliases are expanded"), "{shown}");
    assert!(shown.contains("use fewer aliases"), "{shown}");
}

/// One parser reads a paragraph separator as a line break, and the other as an ordinary character.
#[test]
fn a_string_that_parsers_fold_differently_is_a_fault() {
    let shown = body("subaccounts:\n- {sid: AC01, status: active, reason: 'a\u{2029}  b'}\n");
    assert!(shown.contains("SD008 `reason` is an ambiguous scalar"), "{shown}");
}

#[test]
fn fault_of_the_second_parser_has_its_location() {
    let shown = body("subaccounts:\n- sid: AC01\n  status: active\n  reason: \"a\n  b\"\n");
    assert!(shown.starts_with("state.yaml:7:11 `\"`\n  SD008 YAML parsers disagree"), "{shown}");
}
