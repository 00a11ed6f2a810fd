//! The condition of a listed account, as Kubernetes writes conditions.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{ActionKind, Reason};

/// A condition, as Kubernetes writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Synced`.
    pub r#type: &'static str,
    /// `True` when Twilio is as the state says.
    pub status: ConditionStatus,
    /// One word.
    pub reason: ConditionReason,
    /// For people.
    pub message: Cow<'static, str>,
    /// The time at which the status changed last, as Kubernetes has it; the reason may have changed since.
    pub last_transition_time: Timestamp,
}

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ConditionStatus {
    /// The account is in sync.
    True,
    /// Something is planned or held.
    False,
    /// It could not be read.
    Unknown,
}

/// The reason of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionReason {
    /// Twilio is as the state says.
    InSync,
    /// The account is closed, and gone from Twilio's list.
    Absent,
    /// An action is planned.
    Planned(ActionKind),
    /// Something is held.
    Held(Reason),
}

impl ConditionReason {
    /// The word in `/status` and on the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Absent => "Absent",
            Self::Planned(ActionKind::Reactivate) => "Reactivating",
            Self::Planned(ActionKind::Transfer) => "Transferring",
            Self::Planned(ActionKind::Suspend) => "Suspending",
            Self::Planned(ActionKind::Close) => "Closing",
            Self::Held(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for ConditionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ConditionReason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}
