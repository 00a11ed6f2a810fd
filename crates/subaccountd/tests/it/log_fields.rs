//! The fields of the log, as an index of another program keeps them.

use std::collections::BTreeMap;

use serde_json::Value;
use twilio_sim::{Fault, Operation};

use crate::support::{Setup, ac, entry, eventually, fleet, phone, state, stderr};

fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[tokio::test]
async fn transfer_is_logged_with_its_giver_and_its_entry() {
    let claim =
        format!(", numbers: [\"{}\"], reason: moved, labels: {{tier: free, team: billing}}", phone(2));
    let setup =
        Setup::new(fleet(2, 2), &state(&(entry(1, "active", &claim) + &entry(2, "active", "")))).await;
    let applied = setup.run(&["apply", "--log-format", "json"]).await;
    let lines = lines(&stderr(&applied));
    let done = lines.iter().find(|line| line["action.result"] == "done").unwrap();
    for (field, value) in [
        ("action.kind", "transfer".to_owned()),
        ("account.sid", ac(1)),
        ("transfer.from", ac(2)),
        ("number", phone(2)),
        ("entry.reason", "moved".to_owned()),
        ("entry.labels", "team=billing,tier=free".to_owned()),
    ] {
        assert_eq!(done[field], value, "{field}: {done}");
    }
}

/// An index cannot hold a field that is a value beside one that has it as its first part, nor one of two types.
#[tokio::test]
async fn fields_of_a_busy_daemon_fit_into_one_index() {
    let claim = format!(", numbers: [\"{}\"], labels: {{team: billing}}", phone(2));
    let entries = entry(1, "active", &claim)
        + &entry(2, "active", "")
        + &entry(3, "closed", ", close: {confirm: a3}")
        + &entry(4, "suspended", ", friendlyName: other");
    let setup = Setup::new(fleet(4, 3), &state(&entries)).await;
    setup.sim.inject(Fault::status(500, 20_500).on(Operation::ListNumbers).account(&ac(3)));
    let daemon = setup.daemon(&["--interval", "100ms", "--log", "debug"]).await;
    eventually("moved", async || setup.owner(2) == ac(1)).await;
    setup.sim.faults().list.clear();
    setup.sim.inject(Fault::status(400, 20_001).on(Operation::ListAccounts));
    eventually("an outage", async || daemon.log().contains("pass aborted")).await;
    setup.sim.faults().list.clear();
    setup.write(&state(&(entries + "  - {sid: AC1, status: active}\n")));
    eventually("a fault", async || daemon.log().contains("not a valid account SID")).await;
    let mut types: BTreeMap<String, &str> = BTreeMap::new();
    for line in lines(&daemon.log()) {
        for (field, value) in line.as_object().unwrap() {
            let of_value = match value {
                Value::String(_) => "text",
                Value::Number(_) => "number",
                Value::Bool(_) => "boolean",
                Value::Null | Value::Array(_) | Value::Object(_) => panic!("{field}: {line}"),
            };
            assert_eq!(*types.entry(field.clone()).or_insert(of_value), of_value, "{field}: {line}");
        }
    }
    for field in types.keys() {
        let below = types.keys().find(|other| other.starts_with(&format!("{field}.")));
        assert_eq!(below, None, "{field} is a value as well");
    }
    for seen in ["journal.id", "held.reason", "held.count", "lists.failing", "trouble", "duration_ms"] {
        assert!(types.contains_key(seen), "{seen}: {types:?}");
    }
}
