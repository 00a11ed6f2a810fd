//! Windows and allowances: their faults and places.

use subaccountd_core::{
    ActionKind,
    manifest::{Source, parse},
};

use super::{body, files};
use crate::support::text::long;

#[test]
fn faults_of_windows_name_their_place() {
    let shown = body(
        r#"
        windows:
        - {schedule: "0 25 * * 5", duration: 62h}
        - {schedule: 0 18 * * 5, duration: 62 hours, timeZone: Berlin}
        - {schedule: 5, duration: 90, verbs: [suspend, closed], reason: ""}
        - {duraton: 1h}
        - weekend
        - {schedule: "0 18 * * 5", duration: 0h}
        - {schedule: "0 18 * * 5", duration: 1h, verbs: []}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:14 `"0 25 * * 5"`
      SD053 `schedule`: hour `25`: 25 is not from 0 to 23
      = write five cron fields, as in `schedule: "0 18 * * 5"` for every Friday at 18:00
    state.yaml:6:36 `62 hours`
      SD055 `duration`: `62 hours` is not a valid duration
      = write a duration of at least one minute and at most 366 days, as in `90m`, `62h` or `7d`
    state.yaml:6:56 `Berlin`
      SD054 `timeZone`: `Berlin` is not a time zone
      = write a name of the IANA database, as in `Europe/Berlin` or `UTC`
    state.yaml:7:14 `5`
      SD020 `schedule` is a number, not a string
      = write five cron fields, as in `schedule: "0 18 * * 5"` for every Friday at 18:00
    state.yaml:7:27 `90`
      SD020 `duration` is a number, not a string
      = write a duration of at least one minute and at most 366 days, as in `90m`, `62h` or `7d`
    state.yaml:7:48 `closed`
      SD046 `verbs`: `closed` is not a valid value
      = did you mean `close`?
      > close
    state.yaml:7:65 `""`
      SD019 `reason` is an empty string
      = write a string, or omit the key
    state.yaml:8:3 `{`
      SD018 missing key `schedule` in a window
      = write five cron fields, as in `schedule: "0 18 * * 5"` for every Friday at 18:00
    state.yaml:8:4 `duraton`
      SD014 unknown key `duraton` in a window
      = did you mean `duration`?
      > duration
    state.yaml:9:3 `weekend`
      SD020 a window is a string, not a mapping
      = write its keys, one per line: schedule, duration, timeZone, verbs, reason
    state.yaml:10:38 `0h`
      SD055 `duration`: `0h` is not a valid duration
      = write a duration of at least one minute and at most 366 days, as in `90m`, `62h` or `7d`
    state.yaml:11:49 `[`
      SD019 `verbs` is an empty list
      = omit the key for the default verbs, or remove the window
    left:
      main AC00 []
    "#);
}

#[test]
fn windows_elsewhere_than_beside_the_main_account_are_a_fault_and_last() {
    let main = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";
    let other = "apiVersion: subaccountd/v1\nkind: DesiredState\nwindows: [{schedule: '0 18 * * 5', duration: 1h}]\n\
                 allowances: [{verb: close, upTo: 4, until: '2026-12-24', reason: tidy}]\n";
    insta::assert_snapshot!(files(&[("a.yaml", main), ("b.yaml", other)]), @r"
    b.yaml:3:1 `windows`
      SD051 `windows` is in a document without `mainAccount`
      = move `windows` to the document with `mainAccount`
    b.yaml:4:1 `allowances`
      SD051 `allowances` is in a document without `mainAccount`
      = move `allowances` to the document with `mainAccount`
    left:
      main AC00 []
    ");
    let source = |text: &str| Source { name: "x.yaml".to_owned(), content: Ok(long(text).into_bytes()) };
    let desired = parse(&[source(main), source(other)]).desired;
    assert!(desired.windows().iter().all(|window| window.times.is_none()));
    assert_eq!(desired.windows()[1].verbs.len(), 6, "what else it says is not known");
    assert_eq!(desired.allowances(), []);
}

#[test]
fn faults_of_allowances_name_their_place_and_count_as_none() {
    let shown = body(
        r#"
        allowances:
        - {verb: endCalls, upTo: 4, until: "2026-12-24", reason: tidy}
        - {verb: close, upTo: 0, until: soon, reason: tidy}
        - {verb: close, upTo: "4", until: "2026-12-24"}
        - {verb: close, upTo: 1e3, until: "2026-12-24", reason: tidy}
"#,
    );
    insta::assert_snapshot!(shown, @r#"
    state.yaml:5:10 `endCalls`
      SD046 `verb`: `endCalls` is not a valid value
      = write the verb whose limit it raises: one of reactivate, create, transfer, suspend, configure, release, close
    state.yaml:6:23 `0`
      SD056 `upTo`: 0 is not a whole number from 1 to 999999999
      = write the limit meanwhile, as in `upTo: 40`
    state.yaml:6:33 `soon`
      SD026 `until`: `soon` is not a valid date or time
      = write a date, as in "2026-12-24", or a time, as in "2026-12-24T08:00:00Z"
    state.yaml:7:3 `{`
      SD018 missing key `reason` in an allowance
      = write why the limit is raised
    state.yaml:7:23 `"4"`
      SD020 `upTo` is a string, not a number
      = write the limit meanwhile, as in `upTo: 40`
    state.yaml:8:23 `1e3`
      SD056 `upTo`: 1e3 is not a whole number from 1 to 999999999
      = write the limit meanwhile, as in `upTo: 40`
    left:
      main AC00 []
    "#);
}

#[test]
fn one_of_several_faulty_allowances_leaves_the_others() {
    let text = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\nallowances:\n\
                - {verb: close, upTo: 4, until: '2026-12-24', reason: tidy}\n- {verb: close}\n";
    let source = Source { name: "x.yaml".to_owned(), content: Ok(long(text).into_bytes()) };
    let desired = parse(&[source]).desired;
    let [only] = desired.allowances() else { panic!("{:?}", desired.allowances()) };
    assert_eq!((only.verb, only.up_to, only.reason.as_str()), (ActionKind::Close, 4, "tidy"));
}
