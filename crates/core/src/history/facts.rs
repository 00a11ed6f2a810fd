//! The facts about one account, and about the last write to a target.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountSid, ActionKind, Stamp, Status};

/// The facts about one account.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AccountFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desired_status: Option<Status>,
    /// True when it was seen active since the desired status changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) seen_active: bool,
    /// True when it was suspended at its first observation, and neither seen active nor decided on since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) found_suspended: bool,
    /// The external suspension that was seen last while it was to close, since it was last seen active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen_suspended: Option<SeenSuspension>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) observed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suspended_by_us: Option<Box<OwnSuspension>>,
    /// True when its whole number list was read while it was active.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) list_seen_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) close: Option<Box<CloseDecision>>,
    /// The suspension, by Twilio's `date_updated`, in which a look found no call to end, since it was last seen active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) calls_ended: Option<CallsEnded>,
    /// The name of its entry under which it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen_named: Option<String>,
}

/// A suspension by others, as passes saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenSuspension {
    /// The first pass that saw it, by a trusted clock.
    pub at: Timestamp,
    /// Twilio's `date_updated` of it. Another date is another suspension, however old it says to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
}

/// A suspension without a call to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallsEnded {
    /// Twilio's `date_updated` of it. Another date is another suspension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) updated: Option<Timestamp>,
}

/// A suspension that the daemon made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnSuspension {
    /// The time of the write.
    #[serde(flatten)]
    pub at: Stamp,
    /// Twilio's `date_updated` of the suspension, which identifies it; `None` while unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
}

/// The unbroken run of passes with the desired status `closed` on the same terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseDecision {
    /// The digest of the terms.
    pub terms: String,
    /// The time of the first pass of the run, by Twilio's clock; `None` while no clock was trusted.
    pub since: Option<Timestamp>,
}

/// The last write to a target that took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Its action kind.
    pub kind: ActionKind,
    /// For a transfer, the losing and the receiving account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<(AccountSid, AccountSid)>,
}
