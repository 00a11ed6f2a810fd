//! Creates: the accounts that the daemon created, and the creates whose outcome is unknown.
//!
//! Nothing here is forgotten with the budget window: an account is created at most once for an entry.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DATE_TOLERANCE, History};
use crate::{Account, AccountSid, FriendlyName, Outcome, Stamp};

/// The time after a create whose outcome is unknown, by Twilio's clock, in which the account may still appear.
pub const WATCHED: SignedDuration = SignedDuration::from_mins(15);

/// The time before a create of a doubtful time in which Twilio may date the account.
const DOUBTFUL: SignedDuration = SignedDuration::from_hours(24);

/// The facts about creates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Creates {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    created: BTreeMap<FriendlyName, AccountSid>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    open: BTreeMap<FriendlyName, OpenCreate>,
    /// Created accounts that were seen closed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    closed: BTreeSet<AccountSid>,
}

/// The creates for one name whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenCreate {
    /// The id of the last one.
    pub id: u64,
    /// The earliest time at which Twilio can have created the account; `None` while the clocks disagreed at an intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The time of the last intent.
    pub last: Stamp,
    /// The one before the last, which is open again when the last was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<OpenCreate>>,
}

impl OpenCreate {
    /// Returns true when Twilio dates `account` so that it may be the effect of these creates.
    pub fn may_have_made(&self, account: &Account) -> bool {
        let Some(created) = account.date_created else { return true };
        let after = match self.since {
            Some(since) => created.duration_since(since) >= -DATE_TOLERANCE,
            None => created.duration_since(self.last.at) >= -DOUBTFUL,
        };
        // A date of a doubtful clock bounds nothing.
        after && (self.last.unsure || created.duration_since(self.last.at) <= WATCHED)
    }

    /// Returns true when Twilio certainly dates `account` after the first intent.
    pub fn surely_made(&self, account: &Account) -> bool {
        self.since.is_some() && account.date_created.is_some() && self.may_have_made(account)
    }
}

impl Creates {
    pub(super) fn is_none(this: &Arc<Self>) -> bool {
        **this == Self::default()
    }

    pub(super) fn begin(&mut self, name: &FriendlyName, id: u64, at: Stamp) {
        let before = self.open.remove(name).map(|before| OpenCreate { before: None, ..before });
        let since = match &before {
            Some(before) => before.since.filter(|_| !at.unsure),
            None => (!at.unsure).then_some(at.at),
        };
        let open = OpenCreate { id, since, last: at, before: before.map(Box::new) };
        self.open.insert(name.clone(), open);
    }

    fn name(&self, id: u64) -> Option<FriendlyName> {
        self.open.iter().find(|(_, open)| open.id == id).map(|(name, _)| name.clone())
    }

    pub(super) fn is_open(&self, id: u64) -> bool {
        self.open.values().any(|open| open.id == id)
    }

    pub(super) fn end(&mut self, id: u64, outcome: &Outcome) {
        let Some(name) = self.name(id) else { return };
        match outcome {
            Outcome::Done(receipt) => {
                if let Some(account) = receipt.created {
                    self.attribute(id, account);
                }
            }
            // Earlier creates of this name stay open.
            Outcome::Refused(_) | Outcome::Skipped(_) => {
                if let Some(before) = self.open.remove(&name).and_then(|open| open.before) {
                    self.open.insert(name, *before);
                }
            }
            Outcome::Ignored(_) | Outcome::Unknown(_) => {}
        }
    }

    pub(super) fn attribute(&mut self, id: u64, account: AccountSid) {
        let Some(name) = self.name(id) else { return };
        self.open.remove(&name);
        self.created.entry(name).or_insert(account);
    }

    pub(super) fn saw_closed(&mut self, account: AccountSid) {
        self.closed.insert(account);
    }

    /// Dates creates of a doubtful time: none of them is later than a trusted `at`. Their start stays unknown.
    pub(super) fn date(&mut self, at: Timestamp) {
        for open in self.open.values_mut().filter(|open| open.last.unsure) {
            open.last = Stamp::sure(at);
        }
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (&FriendlyName, &OpenCreate)> {
        self.open.iter()
    }
}

impl History {
    /// The account that was created for the entry with this name.
    pub fn created(&self, name: &FriendlyName) -> Option<AccountSid> {
        self.creates.created.get(name).copied()
    }

    /// Every account that the daemon created, with the name that its entry had.
    pub fn created_accounts(&self) -> impl Iterator<Item = (&FriendlyName, AccountSid)> {
        self.creates.created.iter().map(|(name, account)| (name, *account))
    }

    /// The creates for `name` whose outcome is unknown.
    pub fn open_create(&self, name: &FriendlyName) -> Option<&OpenCreate> {
        self.creates.open.get(name)
    }

    /// All creates whose outcome is unknown.
    pub fn open_creates(&self) -> impl Iterator<Item = (&FriendlyName, &OpenCreate)> {
        self.creates.open()
    }

    /// Returns true when `account`, which the daemon created, was seen closed.
    pub fn seen_closed(&self, account: AccountSid) -> bool {
        self.creates.closed.contains(&account)
    }
}
