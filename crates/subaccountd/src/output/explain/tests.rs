//! The text of `explain`.

use serde_json::json;

use super::*;
use crate::snapshot::scene::{Replay, ac, phone};

fn explained(scene: &Replay, which: Result<u64, u64>) -> String {
    let played = scene.play();
    let (desired, policy) = (&played.loaded.reading.desired, &played.rules.policy());
    let view = View::of(&played.report, Some(&played.observation.observed));
    let case = ExplainContext { desired, observation: &played.observation, policy, view };
    let explanation = match which {
        Ok(account) => super::account(&case, ac(account).parse().unwrap()),
        Err(number) => super::number(&case, phone(number).parse().unwrap()),
    };
    explanation.text(Style::PLAIN)
}

fn scene() -> Replay {
    let state = format!(
        r#"  - {{sid: {}, status: active, numbers: ["{}", "{}"], reason: a good customer, friendlyName: acme}}
  - {{sid: {}, status: closed, close: {{confirm: globex, release: ["{}"], notBefore: "2026-12-24"}}}}
  - {{sid: {}, status: suspended, paused: true}}
  - {{sid: {}, status: closed, close: {{confirm: umbrella, release: ["{}"]}}}}
"#,
        ac(1),
        phone(1),
        phone(3),
        ac(2),
        phone(2),
        ac(3),
        ac(5),
        phone(5),
    );
    let write = |id: u64, verb: &str, n: u64| {
        json!({"id": id, "at": "2026-05-31T12:00:00Z", "outcome": {"result": "done"},
               "write": {"kind": verb, "target": {"account": ac(n)}, "transfer": null, "releases": [], "exempt": false, "entry": "e"}})
    };
    Replay::new(&state)
        .setting("max-released-numbers", "9")
        .account(1, "acme", "suspended", &[1])
        .account(2, "globex", "suspended", &[2])
        .account(3, "hooli", "active", &[3, 4])
        .account(4, "initech", "active", &[])
        .account(5, "umbrella", "suspended", &[5])
        .uses(3, &["voiceApplication"])
        .history(json!({
            "accounts": {
                ac(1): {"desiredStatus": "active", "seenActive": true, "observed": true},
                ac(2): {"desiredStatus": "closed", "seenActive": true, "listSeenActive": true,
                        "suspendedByUs": {"at": "2026-05-31T12:00:00Z", "updated": "2026-05-31T12:00:00Z"}},
                ac(5): {"desiredStatus": "closed", "seenActive": true, "listSeenActive": true,
                        "suspendedByUs": {"at": "2026-05-01T12:00:00Z", "updated": "2026-05-01T12:00:00Z"},
                        "seenSuspended": {"at": "2026-05-31T12:00:00Z", "updated": "2026-05-31T12:00:00Z"}},
            },
            "writes": [write(0, "suspend", 2)],
        }))
        .decided(2, "2026-05-31T11:00:00Z")
        .decided(5, "2026-05-01T11:00:00Z")
        .setting("close-after", "72h")
        .setting("budget-window", "48h")
}

#[test]
fn an_account_is_explained() {
    for (name, account) in [("held", 1), ("closing", 2), ("paused", 3), ("unlisted", 4), ("main", 0)] {
        insta::assert_snapshot!(name, explained(&scene(), Ok(account)));
    }
}

#[test]
fn planned_close_is_in_capitals() {
    let scene = scene().setting("close-after", "1h");
    insta::assert_snapshot!("closed_next", explained(&scene, Ok(5)));
    insta::assert_snapshot!("number_released", explained(&scene, Err(5)));
}

#[test]
fn a_number_is_explained() {
    for (name, number) in [("number_in_place", 1), ("number_held", 3), ("number_unclaimed", 4)] {
        insta::assert_snapshot!(name, explained(&scene(), Err(number)));
    }
}
