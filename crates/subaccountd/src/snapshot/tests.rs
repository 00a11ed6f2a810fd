//! Documents from unknown sources.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{parse, report, scene::*};
use crate::cli::settings::GuardrailArgs;

/// A fleet with one of everything that a snapshot can hold.
fn scene() -> Replay {
    let entries = format!(
        "  - {{sid: {}, status: active, numbers: [\"{}\", \"{}\"]}}\n  - {{sid: {}, status: closed, close: {{confirm: globex, moveNumbersToMain: true}}}}\n  - {{sid: {}, status: suspended}}\n",
        ac(1),
        phone(2),
        phone(7),
        ac(2),
        ac(3)
    );
    let write = |id: u64, outcome: Value| {
        json!({"id": id, "at": NOON, "outcome": outcome,
               "write": {"kind": "suspend", "target": {"account": ac(3)}, "transfer": null, "releases": [],
                         "exempt": false, "entry": "e"}})
    };
    Replay::new(&entries)
        .account(1, "acme", "suspended", &[1])
        .account(2, "globex", "suspended", &[2, 3])
        .account_with(3, "hooli", "active", &json!({"unreadable": "503"}))
        .account_with(4, "initech", "active", &json!("notRead"))
        .history(json!({
            "durable": true,
            "accounts": {
                ac(2): {"desiredStatus": "closed", "seenActive": true, "observed": true, "listSeenActive": true,
                        "suspendedByUs": {"at": NOON, "updated": NOON}, "close": {"terms": "t", "since": NOON}},
                ac(1): {"foundSuspended": true, "seenNamed": "acme"},
            },
            "numbers": {ac(2): {phone(3): format!("PN{:032x}", 3)}}, "missing": {phone(9): NOON},
            "writes": [write(0, json!({"result": "done"})), write(1, Value::Null)],
            "refused": [[["suspend", {"account": ac(3)}],
                {"id": 1, "at": NOON, "times": 3, "code": 20500, "message": "no", "entry": "e"}]],
            "unconfirmed": [[["suspend", {"account": ac(3)}],
                {"id": 1, "at": NOON, "times": 2, "message": "no", "entry": "e"}]],
            "unproven": [[["close", {"account": ac(2)}],
                {"at": NOON, "unsure": true, "times": 2, "message": "no", "entry": "e"}]],
            "lastApplied": [[{"account": ac(3)}, {"kind": "suspend"}]],
            "reverted": [[{"account": ac(3)}, [{"at": NOON}]]],
            "attended": NOON, "gaps": [[NOON, NOON]], "search": [NOON, "state", 2], "nextId": 2,
        }))
}

/// Plans on `text` as far as it can be read.
fn plan(text: &[u8]) -> Result<usize, String> {
    let snapshot = parse(text)?;
    let rules = GuardrailArgs::from_words(&snapshot.settings).map_err(|error| error.to_string())?;
    let (report, _) = report(snapshot, &scene().loaded(), &rules).map_err(|error| error.to_string())?;
    Ok(report.plan.actions.len() + report.plan.held.len())
}

#[test]
fn a_snapshot_is_written_as_it_is_read() {
    let text = serde_json::to_vec(scene().document()).unwrap();
    let again = serde_json::to_vec(&parse(&text).unwrap()).unwrap();
    assert_eq!(serde_json::to_vec(&parse(&again).unwrap()).unwrap(), again);
    assert!(plan(&text).unwrap() >= 3);
    assert_eq!(plan(&text), plan(&again));
}

#[test]
fn times_at_the_end_of_time_break_nothing() {
    let text = scene().document().to_string();
    for time in ["9999-12-30T22:00:00.999999999Z", "-009999-01-02T01:59:59Z", "0000-01-01T00:00:00Z"] {
        for whole in [true, false] {
            let times = if whole { usize::MAX } else { 3 };
            let text = text.replacen(NOON, time, times);
            plan(text.as_bytes()).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_snapshot_is_refused_or_planned_on(damage in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
        let mut text = serde_json::to_vec(scene().document()).unwrap();
        for (at, byte) in damage {
            let at = usize::from(at) % text.len();
            text[at] = b"0123456789\"{}[],:nulltrue+-ZACPN\\ \x00\xff"[usize::from(byte) % 36];
        }
        // It does not panic.
        let _ = plan(&text);
    }
}
