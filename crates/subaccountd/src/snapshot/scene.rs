//! A scene for tests: a snapshot and a state, and the report and the observation that result from them.

use std::sync::Arc;

use serde_json::{Value, json};
use subaccountd_core::{
    Report,
    manifest::{Source, parse},
};

use super::report;
use crate::{cli::settings::GuardrailArgs, desired::LoadedState, reconcile::Observation};

/// The time at which every scene plays.
pub(crate) const NOON: &str = "2026-06-01T12:00:00Z";

/// See the module.
pub(crate) struct Replay {
    snapshot: Value,
    state: String,
}

/// The result of a scene.
pub(crate) struct Replayed {
    pub(crate) report: Report,
    pub(crate) observation: Observation,
    pub(crate) rules: GuardrailArgs,
    pub(crate) loaded: LoadedState,
}

/// The n-th account SID; 0 is the main account.
pub(crate) fn ac(n: u64) -> String {
    format!("AC{n:032x}")
}

/// The n-th number.
pub(crate) fn phone(n: u64) -> String {
    format!("+1510555{n:04}")
}

impl Replay {
    /// A main account without numbers, and these entries.
    pub(crate) fn new(entries: &str) -> Self {
        let scene = Self {
            snapshot: json!({
                "format": 1, "version": "0.1.0", "takenAt": NOON, "twilioTime": NOON, "mainAccount": ac(0),
                "settings": {}, "accounts": [], "history": {},
            }),
            state: format!(
                "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {{sid: {}}}\nsubaccounts:\n{entries}",
                ac(0)
            ),
        };
        scene.account(0, "main", "active", &[])
    }

    /// With a setting of the daemon that took the snapshot.
    pub(crate) fn setting(mut self, flag: &str, value: &str) -> Self {
        self.snapshot["settings"][flag] = value.into();
        self
    }

    /// With a history.
    pub(crate) fn history(mut self, history: Value) -> Self {
        self.snapshot["history"] = history;
        self
    }

    /// With the close of account `n` decided at this time, under the terms of its entry.
    pub(crate) fn decided(mut self, n: u64, since: &str) -> Self {
        let loaded = self.loaded();
        let entry = loaded.reading.desired.entry(ac(n).parse().unwrap()).unwrap();
        let terms = entry.close().unwrap().digest();
        self.snapshot["history"]["accounts"][ac(n)]["close"] = json!({"terms": terms, "since": since});
        self
    }

    /// With an account that holds these numbers.
    pub(crate) fn account(self, n: u64, name: &str, status: &str, numbers: &[u64]) -> Self {
        let row = |n: &u64| json!({"sid": format!("PN{n:032x}"), "phone": phone(*n), "needsAddress": false, "resourceRefs": []});
        let numbers: Vec<_> = numbers.iter().map(row).collect();
        self.account_with(n, name, status, &json!({ "known": numbers }))
    }

    /// With an account that has this number list.
    pub(crate) fn account_with(mut self, n: u64, name: &str, status: &str, numbers: &Value) -> Self {
        let account = json!({
            "sid": ac(n), "owner": ac(0), "friendlyName": name, "status": status,
            "dateUpdated": "2026-05-31T12:00:00Z", "numbers": numbers,
        });
        self.snapshot["accounts"].as_array_mut().unwrap().push(account);
        self
    }

    /// With number `n` using these resources of its account.
    pub(crate) fn uses(mut self, n: u64, resource_refs: &[&str]) -> Self {
        let accounts = self.snapshot["accounts"].as_array_mut().unwrap().iter_mut();
        let lists = accounts.filter_map(|account| account["numbers"]["known"].as_array_mut());
        for number in lists.flatten().filter(|number| number["phone"] == phone(n)) {
            number["resourceRefs"] = resource_refs.into();
        }
        self
    }

    /// The document.
    pub(crate) fn document(&self) -> &Value {
        &self.snapshot
    }

    /// The state.
    pub(crate) fn loaded(&self) -> LoadedState {
        let source = Source { name: "desired.yaml".to_owned(), content: Ok(self.state.clone().into_bytes()) };
        let loaded_at = NOON.parse().unwrap();
        let reading = Arc::new(parse(&[source]));
        LoadedState { reading, sha256: "0".repeat(64), revision: None, revision_error: None, loaded_at }
    }

    /// The plan for it.
    pub(crate) fn play(&self) -> Replayed {
        let loaded = self.loaded();
        let bytes = serde_json::to_vec(&self.snapshot).unwrap();
        let snapshot = super::parse(&bytes).unwrap();
        let rules = GuardrailArgs::from_words(&snapshot.settings).unwrap();
        let (report, observation) = report(snapshot, &loaded, &rules).unwrap();
        Replayed { report, observation, rules, loaded }
    }
}
