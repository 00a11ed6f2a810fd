//! The items that were held after the last pass, and since when each of them is: a restart does not begin it anew.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, History};
use crate::{AccountRef, ActionKind, Held, PhoneNumber, Plan};

/// A held item, as history identifies it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldItem {
    /// The name of the reason. Another version may have others.
    pub reason: String,
    /// The action kind that is held.
    pub kind: ActionKind,
    /// The account of the held action, or the name of its entry while there is none.
    #[serde(flatten)]
    pub account: AccountRef,
    /// The phone number of the held action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PhoneNumber>,
}

impl From<&Held> for HeldItem {
    fn from(held: &Held) -> Self {
        let Held { reason, kind, account, number, .. } = held;
        Self { reason: reason.as_str().to_owned(), kind: *kind, account: account.clone(), number: *number }
    }
}

/// The facts of a plan that remains after a pass: what is newly held since `at`, and what is no longer held.
pub fn held_events(history: &History, plan: &Plan, at: Timestamp) -> Vec<Event> {
    let now: BTreeSet<HeldItem> = plan.held.iter().map(HeldItem::from).collect();
    let ended: Vec<_> = history.held.keys().filter(|item| !now.contains(item)).cloned().collect();
    let begun: Vec<_> = now.into_iter().filter(|item| !history.held.contains_key(item)).collect();
    let mut events = Vec::new();
    if !ended.is_empty() {
        events.push(Event::NoLongerHeld { items: ended });
    }
    if !begun.is_empty() {
        events.push(Event::Held { at, items: begun });
    }
    events
}

impl History {
    /// The time since which `item` is held, as far as a pass recorded it.
    pub fn held_since(&self, item: &HeldItem) -> Option<Timestamp> {
        self.held.get(item).copied()
    }

    pub(super) fn began_to_be_held(&mut self, at: Timestamp, items: Vec<HeldItem>) {
        let held = Arc::make_mut(&mut self.held);
        for item in items {
            held.entry(item).or_insert(at);
        }
    }

    pub(super) fn ended_to_be_held(&mut self, items: &[HeldItem]) {
        let held = Arc::make_mut(&mut self.held);
        for item in items {
            held.remove(item);
        }
    }
}
