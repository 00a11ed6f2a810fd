//! Events: the facts that make up history, as the journal stores them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::HeldItem;
use crate::{AccountSid, ActionKind, NumberId, NumberSid, Outcome, PhoneNumber, Stamp, Status, Target};

/// One fact. The journal is a list of events.
#[expect(missing_docs, reason = "the line above each variant says what its fields are")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A pass read the desired state, at this time by a trusted clock.
    Attended { at: Timestamp },
    /// No pass read the desired state in this period, which does not count towards any cooling-off period.
    Unattended { from: Timestamp, to: Timestamp },
    /// The desired status of an account changed.
    DesiredStatusChanged { account: AccountSid, status: Status },
    /// The desired status is `closed` on these terms, since `since` by Twilio's clock; `None` while no clock is trusted.
    CloseDecided { account: AccountSid, terms: String, since: Option<Timestamp> },
    /// The desired status is no longer `closed`.
    CloseWithdrawn { account: AccountSid },
    /// The state orders the release of a number on these terms, since `since` by Twilio's clock; `None` while no clock is
    /// trusted.
    ReleaseOrdered { account: AccountSid, number: PhoneNumber, terms: String, since: Option<Timestamp> },
    /// The state no longer orders the release of a number.
    ReleaseWithdrawn { account: AccountSid, number: PhoneNumber },
    /// The account of an order held its number under this SID when it was first read.
    ReleaseSeen { account: AccountSid, number: PhoneNumber, sid: NumberSid },
    /// The account of an order did not hold its number: the order is settled.
    ReleaseSettled { account: AccountSid, number: PhoneNumber, at: Timestamp },
    /// These subaccounts were observed for the first time.
    AccountsSeen { accounts: Vec<AccountSid> },
    /// An account was suspended when it was observed for the first time.
    FoundSuspended { account: AccountSid },
    /// An account was seen active for the first time since its desired status changed.
    SeenActive { account: AccountSid },
    /// An account to close was seen suspended externally: the suspension that Twilio dates `updated`, for the first time.
    SeenSuspended { account: AccountSid, at: Timestamp, updated: Option<Timestamp> },
    /// The suspension that Twilio dates `updated` is a write of the daemon.
    SuspensionAttributed { account: AccountSid, updated: Timestamp },
    /// An account was seen under the name of its entry.
    SeenNamed { account: AccountSid, name: String },
    /// These numbers were seen in an account, and in no other unless they are `in_transit`.
    NumbersSeen { account: AccountSid, numbers: BTreeMap<NumberId, NumberSid>, in_transit: bool },
    /// The whole number list of an account was read while it was active.
    ListSeenActive { account: AccountSid },
    /// A number is in no list, and its account does not have it when it is fetched.
    NumberMissing { number: NumberId, at: Timestamp },
    /// A number was missing twice: it was ported out or released externally.
    NumberGone { number: NumberId },
    /// All number lists were read to find a number; `found` is true when none is missing any more.
    Searched { at: Timestamp, state: String, found: bool },
    /// An account is the effect of the create `id`, whose outcome is unknown.
    AccountAttributed { id: u64, account: AccountSid },
    /// An account that the daemon created was seen closed.
    SeenClosed { account: AccountSid },
    /// An account was seen suspended, at this `date_updated`, without a call that is to be ended.
    CallsEnded { account: AccountSid, updated: Option<Timestamp> },
    /// The effect of a write with unknown outcome was observed.
    Resolved { id: u64 },
    /// A write of the daemon was reverted externally.
    Reverted { target: Target, at: Stamp },
    /// A write of the daemon is no longer desired.
    Superseded { target: Target },
    /// Settings that the daemon made were changed externally.
    SettingsReverted { number: PhoneNumber, at: Stamp },
    /// Settings that the daemon made are no longer desired.
    SettingsSuperseded { number: PhoneNumber },
    /// These items are held since this time, by the local clock.
    Held { at: Timestamp, items: Vec<HeldItem> },
    /// These items are no longer held.
    NoLongerHeld { items: Vec<HeldItem> },
    /// A write was skipped because its proof failed.
    ProofFailed { kind: ActionKind, target: Target, at: Stamp, entry: String, seen: String },
    /// A write is about to begin.
    Intent { id: u64, at: Stamp, write: Write },
    /// A write ended.
    Outcome {
        id: u64,
        at: Stamp,
        #[serde(flatten)]
        outcome: Outcome,
    },
}

impl Event {
    /// The tags of all events of this version, as the journal writes them.
    pub const KINDS: [&str; 33] = [
        "attended",
        "unattended",
        "desiredStatusChanged",
        "closeDecided",
        "closeWithdrawn",
        "releaseOrdered",
        "releaseWithdrawn",
        "releaseSeen",
        "releaseSettled",
        "accountsSeen",
        "foundSuspended",
        "seenActive",
        "seenSuspended",
        "suspensionAttributed",
        "seenNamed",
        "numbersSeen",
        "listSeenActive",
        "numberMissing",
        "numberGone",
        "searched",
        "accountAttributed",
        "seenClosed",
        "callsEnded",
        "resolved",
        "reverted",
        "superseded",
        "settingsReverted",
        "settingsSuperseded",
        "held",
        "noLongerHeld",
        "proofFailed",
        "intent",
        "outcome",
    ];
}

/// A write as history stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// The action kind.
    pub kind: ActionKind,
    /// The target.
    pub target: Target,
    /// For a transfer, the losing and the receiving account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<(AccountSid, AccountSid)>,
    /// For a release, the account that holds the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountSid>,
    /// For a transfer, a configure or a release, the number SID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_sid: Option<NumberSid>,
    /// For a close or a release, the phone numbers that it may release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<PhoneNumber>,
    /// For a configure, the digest of all settings that the state names for the number. Their values are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// For the end of calls, their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
    /// True when it undoes a write of the daemon, which costs no budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exempt: bool,
    /// The digest of the entry that it comes from.
    pub entry: String,
}

/// The fact about a target that a write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WrittenFact {
    Status,
    Owner,
    Settings,
    Calls,
    Existence,
}

impl Write {
    /// The status of the account after the write; `None` when the write leaves it as it is.
    pub const fn status(&self) -> Option<Status> {
        match self.kind {
            ActionKind::Reactivate => Some(Status::Active),
            ActionKind::Suspend => Some(Status::Suspended),
            ActionKind::Close => Some(Status::Closed),
            ActionKind::Create
            | ActionKind::Transfer
            | ActionKind::Configure
            | ActionKind::EndCalls
            | ActionKind::Release => None,
        }
    }

    /// Returns true when `other` is the same write: same action kind, target and, for a transfer or a release, accounts, for a
    /// configure, settings.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.target == other.target
            && self.transfer == other.transfer
            && self.account == other.account
            && self.settings == other.settings
    }

    /// The fact that the write changes: the status of an account, the owner of a number, its settings, the calls of an
    /// account, or its existence. Writes to different facts neither repeat nor supersede each other.
    pub(super) const fn fact(&self) -> (&Target, WrittenFact) {
        let fact = match self.kind {
            ActionKind::Reactivate | ActionKind::Suspend | ActionKind::Close => WrittenFact::Status,
            ActionKind::Transfer | ActionKind::Release => WrittenFact::Owner,
            ActionKind::Configure => WrittenFact::Settings,
            ActionKind::EndCalls => WrittenFact::Calls,
            ActionKind::Create => WrittenFact::Existence,
        };
        (&self.target, fact)
    }
}
