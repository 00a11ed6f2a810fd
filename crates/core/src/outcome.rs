//! The outcome of a write: one type from the client to the journal, the log and the status page.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Account, AccountSid, ShownSettings};

/// The outcome of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Verified: the answer shows the requested change, or it was already made.
    Done(Receipt),
    /// Twilio refused the write with an error.
    Refused(Refusal),
    /// Twilio answered 2xx, but the answer does not show the requested change, which may have happened.
    Ignored(Refusal),
    /// The answer was lost or is not conclusive: the write may have happened, and the next observation resolves it.
    Unknown(UnknownOutcome),
    /// Twilio did not process the write, or it was not sent.
    Skipped(Skip),
}

/// The proof of a write that was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Twilio's request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Twilio's clock at the answer, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// Twilio's `date_updated` of the account after a status change, which identifies the daemon's own suspensions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_updated: Option<Timestamp>,
    /// The SID of the account that a create made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<AccountSid>,
    /// For the end of calls, the number of those that are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
    /// The account as the answer shows it, after a status change or a create.
    #[serde(skip)]
    pub account: Option<Account>,
    /// The settings as the answer shows them, after a write to a number.
    #[serde(skip)]
    pub settings: Option<Box<ShownSettings>>,
    /// The part of the request that the answer does not show, although the write was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A write that Twilio refused or ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Twilio's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Twilio's message, or a description of the 2xx answer.
    pub message: String,
    /// Twilio's request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Twilio's clock at the answer, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
}

/// A write that may have happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnknownOutcome {
    /// The failure.
    pub message: String,
    /// Twilio's request id, when an answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A write that did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skip {
    /// The cause.
    pub cause: SkipCause,
    /// The message, for people.
    pub message: String,
    /// The wait that Twilio asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<SignedDuration>,
}

/// The cause of a skipped write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SkipCause {
    /// Twilio answered 429.
    RateLimited,
    /// The connection failed, so nothing was sent.
    ConnectFailed,
    /// The auth token was rotated between proof and write.
    TokenRotated,
    /// The process is stopping.
    Stopping,
    /// The desired state no longer contains it, or can no longer be read.
    StateChanged,
    /// The check right before the write found a difference from the plan, or failed.
    ProofChanged,
    /// The proof was too old when the write could begin.
    ProofTooOld,
    /// A write on which it depends was not done.
    Dependency,
    /// Its intent could not be recorded in the journal.
    NotRecorded,
    /// An error aborted the pass.
    PassAborted,
}

impl SkipCause {
    /// Returns true when the write was ready and Twilio could not accept it. The next pass follows after the wait that Twilio
    /// asks for.
    pub const fn is_backpressure(self) -> bool {
        match self {
            Self::RateLimited | Self::ConnectFailed | Self::TokenRotated => true,
            Self::Stopping
            | Self::StateChanged
            | Self::ProofChanged
            | Self::ProofTooOld
            | Self::Dependency
            | Self::NotRecorded
            | Self::PassAborted => false,
        }
    }

    /// Returns true when the proof of the write failed. An action with three of these in a row is held.
    pub const fn is_proof(self) -> bool {
        match self {
            Self::ProofChanged | Self::ProofTooOld => true,
            Self::RateLimited
            | Self::ConnectFailed
            | Self::TokenRotated
            | Self::Stopping
            | Self::StateChanged
            | Self::Dependency
            | Self::NotRecorded
            | Self::PassAborted => false,
        }
    }
}

impl Skip {
    /// A skipped write without a wait.
    pub fn new(cause: SkipCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), retry_after: None }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Outcome {
    /// A write skipped for `cause`.
    pub fn skipped(cause: SkipCause, message: impl Into<String>) -> Self {
        Self::Skipped(Skip::new(cause, message))
    }

    /// The value of the label `result` in metrics, and of the field in logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) | Self::Ignored(_) => "refused",
            Self::Unknown(_) => "unknown",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Twilio's request id.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Done(receipt) => receipt.request_id.as_deref(),
            Self::Refused(refusal) | Self::Ignored(refusal) => refusal.request_id.as_deref(),
            Self::Unknown(unknown) => unknown.request_id.as_deref(),
            Self::Skipped(_) => None,
        }
    }

    /// Twilio's clock at the answer.
    pub const fn date(&self) -> Option<Timestamp> {
        match self {
            Self::Done(receipt) => receipt.date,
            Self::Refused(refusal) | Self::Ignored(refusal) => refusal.date,
            Self::Unknown(_) | Self::Skipped(_) => None,
        }
    }

    /// The account that a create made.
    pub const fn created(&self) -> Option<AccountSid> {
        match self {
            Self::Done(receipt) => receipt.created,
            Self::Refused(_) | Self::Ignored(_) | Self::Unknown(_) | Self::Skipped(_) => None,
        }
    }

    /// Twilio's error code.
    pub const fn code(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) | Self::Ignored(refusal) => refusal.code,
            Self::Done(_) | Self::Unknown(_) | Self::Skipped(_) => None,
        }
    }

    /// The message of a write that was not done; for one that was, its note, if any, else empty.
    pub fn message(&self) -> &str {
        match self {
            Self::Done(receipt) => receipt.note.as_deref().unwrap_or_default(),
            Self::Refused(refusal) | Self::Ignored(refusal) => &refusal.message,
            Self::Unknown(unknown) => &unknown.message,
            Self::Skipped(skip) => &skip.message,
        }
    }

    /// Returns true when the write was or may have been done, so that it counts against its budget.
    pub const fn may_have_happened(&self) -> bool {
        match self {
            Self::Done(_) | Self::Ignored(_) | Self::Unknown(_) => true,
            Self::Refused(_) | Self::Skipped(_) => false,
        }
    }

    /// Returns true when it is unknown whether the write happened.
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Ignored(_) | Self::Unknown(_) => true,
            Self::Done(_) | Self::Refused(_) | Self::Skipped(_) => false,
        }
    }
}
