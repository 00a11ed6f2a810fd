//! The outcome of a write: one type from the client to the journal, the log and the status page.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Account;

/// The end of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Verified: the answer shows what was asked, or it was already so.
    Done(Receipt),
    /// Twilio refused it with an error.
    Refused(Refusal),
    /// Twilio answered 2xx and showed something else than what was asked: it may have happened.
    Ignored(Refusal),
    /// The answer was lost or says nothing: it may have happened, and the next observation resolves it.
    Unknown(UnknownOutcome),
    /// Twilio never processed it, or it was never sent.
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
    /// Twilio's `date_updated` of the account after a status change: the mark by which a suspension is known as ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_updated: Option<Timestamp>,
    /// The account as the answer shows it, after a status change.
    #[serde(skip)]
    pub account: Option<Account>,
}

/// A write that Twilio refused or ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Twilio's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Twilio's message, or ours for a 2xx.
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
    /// The kind of reason.
    pub cause: SkipCause,
    /// The reason, for people.
    pub message: String,
    /// The wait that Twilio asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<SignedDuration>,
}

/// The kind of reason for which a write was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SkipCause {
    /// Twilio answered 429.
    RateLimited,
    /// No connection came up, so nothing was sent.
    ConnectFailed,
    /// The auth token was rotated between the proof and the write.
    TokenRotated,
    /// The process is stopping.
    Stopping,
    /// The desired state no longer asks for it, or can no longer be read.
    StateChanged,
    /// The look right before the write differs from what was planned, or failed.
    ProofChanged,
    /// The proof was too old by the time at which the write could begin.
    ProofTooOld,
    /// Another write on which it depends was not done.
    Dependency,
    /// Its intent could not be kept in the journal.
    NotRecorded,
    /// An error ended the pass.
    PassAborted,
}

impl SkipCause {
    /// Returns true when the write was ready and Twilio could not take it: the next pass follows at the pace
    /// that Twilio asks for.
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
    /// A skipped write for which Twilio asked no wait.
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

    /// The value of the label `result` in metrics, and the word in logs.
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

    /// Twilio's error code.
    pub const fn code(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) | Self::Ignored(refusal) => refusal.code,
            Self::Done(_) | Self::Unknown(_) | Self::Skipped(_) => None,
        }
    }

    /// The reason of a write that was not done, empty for one that was.
    pub fn message(&self) -> &str {
        match self {
            Self::Done(_) => "",
            Self::Refused(refusal) | Self::Ignored(refusal) => &refusal.message,
            Self::Unknown(unknown) => &unknown.message,
            Self::Skipped(skip) => &skip.message,
        }
    }

    /// Returns true when the write was done, or may have been: it weighs on its budget.
    pub const fn may_have_happened(&self) -> bool {
        match self {
            Self::Done(_) | Self::Ignored(_) | Self::Unknown(_) => true,
            Self::Refused(_) | Self::Skipped(_) => false,
        }
    }

    /// Returns true when it is open whether the write happened.
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Ignored(_) | Self::Unknown(_) => true,
            Self::Done(_) | Self::Refused(_) | Self::Skipped(_) => false,
        }
    }
}
