//! Events: the facts that history is folded from, as the journal keeps them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountSid, ActionKind, NumberSid, Outcome, PhoneNumber, Stamp, Status, Target};

/// One fact. The journal is a list of these.
#[expect(missing_docs, reason = "the line above each variant says what its fields are")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A pass read the desired state, at this time by a trusted clock.
    Attended { at: Timestamp },
    /// No pass read the desired state for this long: the time does not count towards any rest.
    Unattended { from: Timestamp, to: Timestamp },
    /// The desired status of an account is another than before.
    DesiredStatusChanged { account: AccountSid, status: Status },
    /// The state says `closed` under these terms, by Twilio's clock since `since`; none while no clock can be trusted.
    CloseDecided { account: AccountSid, terms: String, since: Option<Timestamp> },
    /// The state no longer says `closed`.
    CloseWithdrawn { account: AccountSid },
    /// These subaccounts were observed for the first time.
    AccountsSeen { accounts: Vec<AccountSid> },
    /// An account that was never observed before is suspended.
    FoundSuspended { account: AccountSid },
    /// An account was seen active for the first time since its desired status changed.
    SeenActive { account: AccountSid },
    /// An account that is to close was seen suspended by others for the first time since it was last seen active.
    SeenSuspended { account: AccountSid, at: Timestamp, updated: Option<Timestamp> },
    /// A suspension is a write of the daemon's own: Twilio dates it `updated`.
    SuspensionAttributed { account: AccountSid, updated: Timestamp },
    /// An account was seen under the name that its entry gives.
    SeenNamed { account: AccountSid, name: String },
    /// These numbers were seen in an account, and in no other unless they are `in_transit`.
    NumbersSeen { account: AccountSid, numbers: BTreeMap<PhoneNumber, NumberSid>, in_transit: bool },
    /// The whole number list of an account was read while it was active.
    ListSeenActive { account: AccountSid },
    /// A number is in no list, and its account does not have it.
    NumberMissing { number: PhoneNumber, at: Timestamp },
    /// A number was missing twice: it was ported out or released by people.
    NumberGone { number: PhoneNumber },
    /// All number lists were read to find a number; `found` says that none is missing any more.
    Searched { at: Timestamp, state: String, found: bool },
    /// The effect of a write whose outcome was unknown was seen.
    Resolved { id: u64 },
    /// A write of the daemon's was reverted by others.
    Reverted { target: Target, at: Stamp },
    /// A write of the daemon's is no longer wanted.
    Superseded { target: Target },
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
    pub const KINDS: [&str; 22] = [
        "attended",
        "unattended",
        "desiredStatusChanged",
        "closeDecided",
        "closeWithdrawn",
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
        "resolved",
        "reverted",
        "superseded",
        "proofFailed",
        "intent",
        "outcome",
    ];
}

/// A write as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// The action kind.
    pub kind: ActionKind,
    /// The target.
    pub target: Target,
    /// For a transfer, the accounts that lose and gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<(AccountSid, AccountSid)>,
    /// For a transfer, the SID of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_sid: Option<NumberSid>,
    /// Numbers that may be lost with a close.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<PhoneNumber>,
    /// It undoes a write of the daemon's, and costs nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exempt: bool,
    /// The digest of the entry that asks for it.
    pub entry: String,
}

impl Write {
    /// The status that an account has after it; `None` for a transfer.
    pub const fn status(&self) -> Option<Status> {
        match self.kind {
            ActionKind::Reactivate => Some(Status::Active),
            ActionKind::Suspend => Some(Status::Suspended),
            ActionKind::Close => Some(Status::Closed),
            ActionKind::Transfer => None,
        }
    }

    /// Returns true when `other` asks for the very same: action kind, target, and for a transfer both accounts.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.target == other.target && self.transfer == other.transfer
    }
}
