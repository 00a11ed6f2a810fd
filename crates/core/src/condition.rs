//! The condition of a listed account, in the form of Kubernetes conditions.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{ActionKind, Reason};

/// A condition, in the form of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Synced`.
    pub r#type: &'static str,
    /// `True` when the account is in sync.
    pub status: ConditionStatus,
    /// The reason, in one word.
    pub reason: ConditionReason,
    /// The message, for people.
    pub message: Cow<'static, str>,
    /// The time of the last change of the status, as in Kubernetes; the reason may have changed since.
    pub last_transition_time: Timestamp,
}

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ConditionStatus {
    /// The account is in sync.
    True,
    /// Something is planned or held.
    False,
    /// The account could not be read.
    Unknown,
}

/// The reason of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionReason {
    /// The account at Twilio equals its desired state.
    InSync,
    /// The account is closed, and no longer in Twilio's list.
    Absent,
    /// An action is planned.
    Planned(ActionKind),
    /// Something is held.
    Held(Reason),
}

impl ConditionReason {
    /// The name in `/status` and on the status page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Absent => "Absent",
            Self::Planned(ActionKind::Reactivate) => "Reactivating",
            Self::Planned(ActionKind::Create) => "Creating",
            Self::Planned(ActionKind::Transfer) => "Transferring",
            Self::Planned(ActionKind::Suspend) => "Suspending",
            Self::Planned(ActionKind::Configure) => "Configuring",
            Self::Planned(ActionKind::EndCalls) => "EndingCalls",
            Self::Planned(ActionKind::Release) => "Releasing",
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
