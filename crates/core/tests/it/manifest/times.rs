//! Times: which texts are one, and which instant they mean.

use subaccountd_core::manifest::{Source, parse};

use crate::support::text::long;

fn instant(written: &str) -> Option<String> {
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";
    let entry = format!("subaccounts: [{{sid: AC01, status: active, liftSuspensionsBefore: '{written}'}}]\n");
    let content = Ok(long(&format!("{head}{entry}")).into_bytes());
    let reading = parse(&[Source { name: "state.yaml".to_owned(), content }]);
    let time = reading.desired.accounts().next().and_then(|entry| entry.lift_suspensions_before);
    assert_eq!(time.is_none(), reading.desired.faulty(), "{written}");
    time.map(|time| time.to_string())
}

#[test]
fn a_time_is_utc_unless_it_has_an_offset() {
    for (written, meant) in [
        ("2026-12-24", "2026-12-24T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2026-12-24T08:30", "2026-12-24T08:30:00Z"),
        ("2026-12-24T08:30:15", "2026-12-24T08:30:15Z"),
        ("2026-12-24 08:30:15", "2026-12-24T08:30:15Z"),
        ("2026-12-24T08:30:15.25Z", "2026-12-24T08:30:15.25Z"),
        ("2026-12-24t08:30:15z", "2026-12-24T08:30:15Z"),
        ("2026-12-24T08:30+01:00", "2026-12-24T07:30:00Z"),
        ("2026-12-24T20:30:15-05:30", "2026-12-25T02:00:15Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
    ] {
        assert_eq!(instant(written).as_deref(), Some(meant), "{written}");
    }
}

#[test]
fn partial_time_is_a_fault() {
    for written in [
        "2026",
        "2026-12",
        "2026-1-2",
        "2026-13-01",
        "2026-02-29",
        "20261224",
        "2026-12-24T",
        "2026-12-24T08",
        "2026-12-24T8:30",
        "2026-12-24T24:00",
        "2026-12-24T08:60",
        "2026-12-24T08:30:61",
        "2026-12-24T08:30:15.Z",
        "2026-12-24T08:30:15.1234567890Z",
        "2026-12-24T08:30Zulu",
        "2026-12-24T08:30+1",
        "2026-12-24T08:30+01:00[Europe/Berlin]",
        "2026-12-24Z",
        " 2026-12-24",
        "2026-12-24 ",
        "+002026-12-24",
        "-2026-12-24",
        "２026-12-24",
    ] {
        assert_eq!(instant(written), None, "{written}");
    }
}
