//! The document of `/status` as it is read. The daemon may be older or newer, so only the keys that identify the
//! document are required.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusDocument {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) mode: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) main_account: MainAccount,
    pub(super) desired_state: State,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) last_pass: LastPass,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) plan: Plan,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) accounts: Vec<Account>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MainAccount {
    #[serde(deserialize_with = "or_default")]
    pub(super) sid: String,
    pub(super) friendly_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) paused: bool,
    pub(super) frozen: Option<Freeze>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) sha256: String,
    pub(super) revision: Option<String>,
    pub(super) loaded_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) faults: Vec<Fault>,
}

/// A freeze. A daemon that is frozen says so, whatever else it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Freeze {
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    pub(super) since: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    #[serde(deserialize_with = "or_default")]
    pub(super) file: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) line: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) column: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LastPass {
    pub(super) result: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Plan {
    #[serde(deserialize_with = "or_default")]
    pub(super) actions: Vec<Action>,
    #[serde(deserialize_with = "or_default")]
    pub(super) held: Vec<Held>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) account: String,
    pub(super) name: Option<String>,
    /// The account that loses the number of a transfer.
    pub(super) from: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Held {
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) account: String,
    /// The name of the entry, when its account is not known yet.
    pub(super) name: Option<String>,
    pub(super) number: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) remedy: String,
    pub(super) since: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(deserialize_with = "or_default")]
    pub(super) sid: String,
    pub(super) friendly_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) desired: String,
    pub(super) observed: Option<String>,
    pub(super) reason: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(deserialize_with = "or_default")]
    pub(super) r#type: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    pub(super) last_transition_time: Option<Timestamp>,
}

/// An account in the document: its SID, or its name while it has none.
pub(super) type Key<'a> = (&'a str, Option<&'a str>);

fn key<'a>(sid: &'a str, name: Option<&'a str>) -> Key<'a> {
    (sid, name.filter(|_| sid.is_empty()))
}

impl Held {
    /// The account that it is about.
    pub(super) fn key(&self) -> Key<'_> {
        key(&self.account, self.name.as_deref())
    }
}

impl Action {
    /// The account that it is about.
    pub(super) fn key(&self) -> Key<'_> {
        key(&self.account, self.name.as_deref())
    }
}

impl Account {
    /// Its key, which actions and held items have as well.
    pub(super) fn key(&self) -> Key<'_> {
        key(&self.sid, self.friendly_name.as_deref())
    }

    /// The condition `Synced`.
    pub(super) fn synced(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.r#type == "Synced")
    }

    /// Returns true when the account is as desired.
    pub(super) fn is_in_sync(&self) -> bool {
        self.synced().is_some_and(|condition| condition.status == "True")
    }
}

impl StatusDocument {
    /// The held items that no row of an account shows.
    pub(super) fn held_besides(&self) -> Vec<&Held> {
        let shown: BTreeSet<_> = self
            .accounts
            .iter()
            .filter_map(|account| {
                let synced = account.synced()?;
                Some((account.key(), synced.reason.as_str(), synced.message.as_str()))
            })
            .collect();
        let is_shown =
            |held: &Held| shown.contains(&(held.key(), held.reason.as_str(), held.message.as_str()));
        self.plan.held.iter().filter(|held| !is_shown(held)).collect()
    }
}

/// Reads null as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_another_version_is_read() {
        let text = r#"{"new": 1, "desiredState": {"sha256": null, "more": []}, "plan": {"held": null},
            "accounts": [{"sid": "AC1", "labels": null, "conditions": [{"type": "Synced", "status": "True"}]}, {}]}"#;
        let document: StatusDocument = serde_json::from_str(text).unwrap();
        assert_eq!(document.accounts[0].synced().map(|it| it.status.as_str()), Some("True"));
        assert_eq!((document.accounts.len(), document.plan.held.len()), (2, 0));
        assert!(serde_json::from_str::<StatusDocument>(r#"{"error": "not yet"}"#).is_err());
    }

    #[test]
    fn held_item_without_a_row_is_listed_besides() {
        let text = r#"{"desiredState": {}, "plan": {"held": [
            {"account": "AC0", "reason": "UnknownNumber", "message": "a"},
            {"account": "AC1", "reason": "Paused", "message": "b"},
            {"account": "AC1", "reason": "Paused", "message": "c"}]},
            "accounts": [{"sid": "AC1", "conditions": [{"type": "Synced", "reason": "Paused", "message": "b"}]}]}"#;
        let document: StatusDocument = serde_json::from_str(text).unwrap();
        let besides: Vec<_> = document.held_besides().iter().map(|held| held.message.as_str()).collect();
        assert_eq!(besides, ["a", "c"]);
    }
}
