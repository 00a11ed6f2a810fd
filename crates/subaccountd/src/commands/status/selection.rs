//! The selection: the accounts, held items and actions that a person asked for; and their order, trouble first.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;
use subaccountd_core::Reason;

use super::{
    Asked,
    document::{Account, Action, Held, Key, StatusDocument},
};
use crate::cli::StatusArgs;

/// What is asked for; empty parts ask for everything.
pub(super) struct Selection {
    ids: Vec<String>,
    held: bool,
    reasons: Vec<String>,
    labels: Vec<(String, String)>,
}

/// The urgency of an account, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// A person has to do something, or the account could not be read.
    NeedsYou,
    /// It is held, and only time or the person who paused it ends that.
    Waiting,
    /// An action is planned.
    Planned,
    InSync,
}

impl Urgency {
    fn new(account: &Account) -> Self {
        let Some(synced) = account.synced() else { return Self::NeedsYou };
        let held = Reason::ALL.into_iter().find(|reason| reason.as_str() == synced.reason);
        match (synced.status.as_str(), held) {
            ("True", _) => Self::InSync,
            ("False", Some(reason)) if reason.only_waits() => Self::Waiting,
            // A planned action has a reason that is none of a held item.
            ("False", None) if synced.reason.ends_with("ing") => Self::Planned,
            (_, _) => Self::NeedsYou,
        }
    }
}

/// The accounts, the most urgent first, and in the order of the document among equals.
pub(super) fn troubled_first(document: &StatusDocument) -> Vec<&Account> {
    let mut accounts: Vec<_> = document.accounts.iter().collect();
    accounts.sort_by_key(|account| Urgency::new(account));
    accounts
}

impl Selection {
    pub(super) fn new(args: &StatusArgs) -> Self {
        let StatusArgs { ids, held, reason, label, .. } = args;
        Self { ids: ids.clone(), held: *held, reasons: reason.clone(), labels: label.clone() }
    }

    /// Returns true when everything is asked for.
    pub(super) const fn is_all(&self) -> bool {
        self.ids.is_empty() && !self.held && self.reasons.is_empty() && self.labels.is_empty()
    }

    /// The IDs that name no listed account, and not the main account.
    pub(super) fn unknown_ids(&self, document: &StatusDocument) -> Vec<&str> {
        let is_known = |id: &str| {
            is_main(document, id)
                || document
                    .accounts
                    .iter()
                    .any(|account| names(id, &account.sid, account.friendly_name.as_deref()))
        };
        self.ids.iter().map(String::as_str).filter(|id| !is_known(id)).collect()
    }

    /// The selected part of a status.
    ///
    /// # Errors
    /// The status is none.
    pub(super) fn of(&self, asked: Asked) -> anyhow::Result<Asked> {
        if self.is_all() {
            return Ok(asked);
        }
        let document = &asked.document;
        let by_name: BTreeSet<Key<'_>> =
            document.accounts.iter().filter(|account| self.names(account)).map(Account::key).collect();
        let held: Vec<bool> =
            document.plan.held.iter().map(|held| self.shows_held(held, &by_name, document)).collect();
        let troubled: BTreeSet<Key<'_>> = document
            .plan
            .held
            .iter()
            .zip(&held)
            .filter(|(_, kept)| **kept)
            .map(|(held, _)| held.key())
            .collect();
        let shows = |account: &&Account| {
            by_name.contains(&account.key())
                && (!self.held || troubled.contains(&account.key()))
                && (self.reasons.is_empty()
                    || troubled.contains(&account.key())
                    || account.synced().is_some_and(|synced| self.has_reason(&synced.reason)))
        };
        let accounts: BTreeSet<Key<'_>> = document.accounts.iter().filter(shows).map(Account::key).collect();
        let is_shown = |account: &Account| accounts.contains(&account.key());
        let accounts_kept: Vec<bool> = document.accounts.iter().map(is_shown).collect();
        let acts = |action: &Action| {
            let from = action.from.as_deref().map(|from| (from, None));
            accounts.contains(&action.key()) || from.is_some_and(|from| accounts.contains(&from))
        };
        let actions: Vec<bool> = document.plan.actions.iter().map(acts).collect();
        let mut whole: Value = serde_json::from_str(&asked.text)?;
        for (path, kept) in [("/accounts", accounts_kept), ("/plan/actions", actions), ("/plan/held", held)] {
            let Some(Value::Array(items)) = whole.pointer_mut(path) else { continue };
            let mut kept = kept.into_iter();
            items.retain(|_| kept.next().unwrap_or(false));
        }
        let text = serde_json::to_string(&whole)?;
        let document = serde_json::from_str(&text).context("the status cannot be read")?;
        Ok(Asked { text, document })
    }

    /// Returns true when the IDs and the labels are those of `account`.
    fn names(&self, account: &Account) -> bool {
        let is_named = || self.ids.iter().any(|id| names(id, &account.sid, account.friendly_name.as_deref()));
        (self.ids.is_empty() || is_named())
            && self.labels.iter().all(|(key, value)| account.labels.get(key) == Some(value))
    }

    fn shows_held(&self, held: &Held, by_name: &BTreeSet<Key<'_>>, document: &StatusDocument) -> bool {
        // The main account is not listed, and has no labels.
        let of_main = || is_main(document, &held.account) && self.labels.is_empty();
        let is_main_asked = || self.ids.is_empty() || self.ids.iter().any(|id| is_main(document, id));
        (by_name.contains(&held.key()) || (of_main() && is_main_asked()))
            && (self.reasons.is_empty() || self.has_reason(&held.reason))
    }

    fn has_reason(&self, reason: &str) -> bool {
        self.reasons.iter().any(|asked| asked.trim().eq_ignore_ascii_case(reason))
    }
}

/// Returns true when `id` is this SID, in any case, or this name.
fn names(id: &str, sid: &str, name: Option<&str>) -> bool {
    (!sid.is_empty() && sid.eq_ignore_ascii_case(id.trim())) || name == Some(id)
}

fn is_main(document: &StatusDocument, id: &str) -> bool {
    names(id, &document.main_account.sid, document.main_account.friendly_name.as_deref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(sid: &str, name: &str, status: &str, reason: &str, owner: &str) -> Value {
        json!({"sid": sid, "friendlyName": name, "labels": {"owner": owner},
            "conditions": [{"type": "Synced", "status": status, "reason": reason, "message": reason}]})
    }

    fn asked() -> Asked {
        let held =
            |account: &str, reason: &str| json!({"account": account, "reason": reason, "message": reason});
        let text = json!({"desiredState": {}, "mainAccount": {"sid": "AC0", "friendlyName": "us"},
            "plan": {"held": [held("AC0", "UnknownNumber"), held("AC2", "CoolingOff"), held("AC3", "OverLimit"),
                held("AC4", "NeedsAddress")],
                "actions": [{"kind": "suspend", "account": "AC4"}, {"kind": "transfer", "account": "AC1", "from": "AC2"}]},
            "accounts": [account("AC1", "acme", "True", "InSync", "ops"), account("AC2", "b", "False", "CoolingOff", "ops"),
                account("AC3", "c", "False", "OverLimit", "billing"), account("AC4", "d", "False", "Suspending", "billing"),
                account("AC5", "e", "Unknown", "Unreadable", "ops")]});
        let text = text.to_string();
        Asked { document: serde_json::from_str(&text).unwrap(), text }
    }

    fn none() -> Selection {
        Selection { ids: Vec::new(), held: false, reasons: Vec::new(), labels: Vec::new() }
    }

    /// The accounts, held items and number of actions that `selection` leaves.
    fn selected(selection: &Selection) -> (Vec<String>, Vec<String>, usize) {
        let document = selection.of(asked()).unwrap().document;
        let accounts = document.accounts.iter().map(|account| account.sid.clone()).collect();
        let held = document.plan.held.iter().map(|held| held.account.clone()).collect();
        (accounts, held, document.plan.actions.len())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn accounts_come_in_the_order_of_their_urgency() {
        let asked = asked();
        let order: Vec<_> =
            troubled_first(&asked.document).iter().map(|account| account.sid.as_str()).collect();
        assert_eq!(order, ["AC3", "AC5", "AC2", "AC4", "AC1"]);
    }

    #[test]
    fn ids_are_sids_in_any_case_and_names() {
        let of = |ids: &[&str]| Selection { ids: texts(ids), ..none() };
        assert_eq!(selected(&of(&["ac3", "acme"])), (texts(&["AC1", "AC3"]), texts(&["AC3"]), 1));
        assert_eq!(selected(&of(&["us"])), (texts(&[]), texts(&["AC0"]), 0), "the main account");
        assert_eq!(of(&["us", "AC5", "nobody"]).unknown_ids(&asked().document), ["nobody"]);
        assert_eq!(selected(&of(&["nobody"])), (Vec::new(), Vec::new(), 0));
    }

    #[test]
    fn held_reasons_and_labels_select() {
        let held = Selection { held: true, ..none() };
        assert_eq!(selected(&held), (texts(&["AC2", "AC3", "AC4"]), texts(&["AC0", "AC2", "AC3", "AC4"]), 2));
        let reason = Selection { reasons: texts(&["overlimit", "Unreadable"]), ..none() };
        assert_eq!(selected(&reason), (texts(&["AC3", "AC5"]), texts(&["AC3"]), 0));
        let labels = |value: &str| Selection { labels: vec![("owner".into(), value.into())], ..none() };
        assert_eq!(selected(&labels("billing")), (texts(&["AC3", "AC4"]), texts(&["AC3", "AC4"]), 1));
        assert_eq!(selected(&labels("")), (Vec::new(), Vec::new(), 0));
    }

    #[test]
    fn everything_is_as_it_was_answered() {
        let (before, after) = (asked().text, none().of(asked()).unwrap().text);
        assert_eq!(before, after);
    }
}
