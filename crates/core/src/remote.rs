//! The ports to Twilio: `Observe` reads, `Apply` writes. A run that must not write is given no `Apply`.

use std::{fmt, future::Future};

use jiff::Timestamp;

use crate::{Account, AccountSid, Action, Number};

/// Reads the fleet. Every list is whole or an error.
pub trait Observe: Sync {
    /// Every account of the main account's list, the main account included.
    fn accounts(&self) -> impl Future<Output = Result<AccountList, RemoteError>> + Send;

    /// One account, read afresh.
    fn account(&self, sid: AccountSid) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// Every number that `owner` holds.
    fn numbers(&self, owner: AccountSid) -> impl Future<Output = Result<Vec<Number>, RemoteError>> + Send;
}

/// Writes.
pub trait Apply: Sync {
    /// Makes the one write that `action` says and compares the answer with what was asked.
    fn apply(&self, action: &Action) -> impl Future<Output = Written> + Send;
}

/// The account list, and Twilio's clock when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountList {
    /// The accounts, each once.
    pub accounts: Vec<Account>,
    /// The `Date` of the answer, in whole seconds.
    pub date: Option<Timestamp>,
}

/// What a failed read, or a write that stopped the pass, means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The credentials are not accepted: stop the pass.
    Credentials,
    /// The main account cannot be worked with: stop the pass.
    MainAccount,
    /// This one thing could not be read; others may be.
    Unreadable,
}

/// A failure at Twilio, in words for a person. Carries no body and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RemoteError {
    /// What it means for us.
    pub kind: ErrorKind,
    /// What was asked, what came, and when known what to do.
    pub message: String,
    /// Twilio's error code.
    pub code: Option<u32>,
    /// Twilio's request id.
    pub request_id: Option<String>,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (Twilio request {id})")?;
        }
        Ok(())
    }
}

impl RemoteError {
    /// Whether nothing else would fare better in this pass.
    pub const fn stops_the_pass(&self) -> bool {
        match self.kind {
            ErrorKind::Credentials | ErrorKind::MainAccount => true,
            ErrorKind::Unreadable => false,
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The answer shows what was asked, or it was already so.
    Done(Receipt),
    /// Twilio refused, or answered 2xx and did something else.
    Refused(Refusal),
    /// Nobody knows; the next observation will tell.
    Unknown(Lost),
    /// Twilio never processed it: it was never sent, or answered with 429.
    NotProcessed(String),
    /// Refused for a reason that stops the whole pass.
    Stop(RemoteError),
}

/// The proof of a write that was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Twilio's request id.
    pub request_id: Option<String>,
    /// Twilio's clock at the answer, in whole seconds.
    pub date: Option<Timestamp>,
    /// The account as the answer shows it, after a status change.
    pub account: Option<Account>,
}

/// A write that Twilio refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Twilio's error code; `None` when a 2xx did not do what was asked.
    pub code: Option<u32>,
    /// Twilio's words, or ours for a 2xx.
    pub message: String,
    /// Twilio's request id.
    pub request_id: Option<String>,
    /// Twilio's clock at the answer, in whole seconds.
    pub date: Option<Timestamp>,
}

/// A write whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What broke off.
    pub message: String,
    /// Twilio's request id, when an answer came.
    pub request_id: Option<String>,
}
