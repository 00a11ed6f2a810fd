//! The ports to Twilio: `Observe` reads, `Apply` writes. A run that must not write is given no `Apply`.

use std::{fmt, future::Future};

use crate::{Account, AccountSid, Action, Number, NumberSid, Outcome, Skip};

pub use crate::observed::{AccountList, UnreadableRow};

/// Reads the fleet. Every list is whole or an error.
pub trait Observe: Sync {
    /// Every account of the main account's list, the main account included.
    fn accounts(&self) -> impl Future<Output = Result<AccountList, RemoteError>> + Send;

    /// One account, read afresh.
    fn account(&self, sid: AccountSid) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// Every number that `owner` holds.
    fn numbers(
        &self,
        owner: AccountSid,
        tries: Tries,
    ) -> impl Future<Output = Result<Vec<Number>, RemoteError>> + Send;

    /// The number `number` as `owner` holds it; `None` when `owner` does not hold it.
    fn number(
        &self,
        owner: AccountSid,
        number: NumberSid,
    ) -> impl Future<Output = Result<Option<Number>, RemoteError>> + Send;
}

/// The number of tries of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// A try that failed is repeated a few times.
    Repeated,
    /// Each request is made once.
    Once,
}

/// Writes. Nothing below it repeats a write or waits inside one.
pub trait Apply: Sync {
    /// A place in flight.
    type Place<'a>: WriteSlot
    where
        Self: 'a;

    /// Waits for a place in flight.
    ///
    /// # Errors
    /// The reason for which no place is given any more: the process is stopping.
    fn place(&self) -> impl Future<Output = Result<Self::Place<'_>, Skip>> + Send;
}

/// A place in flight for one write. Its looks and the write itself use this place; each request is made once.
pub trait WriteSlot: Send {
    /// One account, read afresh.
    fn account(&mut self, sid: AccountSid) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// Every number that `owner` holds, read afresh.
    fn numbers(&mut self, owner: AccountSid)
    -> impl Future<Output = Result<Vec<Number>, RemoteError>> + Send;

    /// Makes the one write that `action` says and compares the answer with what was asked.
    fn send(self, action: &Action) -> impl Future<Output = Sent> + Send;
}

/// A write that was sent, or could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its end.
    pub outcome: Outcome,
    /// The error after which nothing else would fare better in this pass.
    pub stop: Option<RemoteError>,
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, stop: None }
    }
}

/// The consequence for us of a failed read, or of a write that stopped the pass.
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
    /// Its consequence for us.
    pub kind: ErrorKind,
    /// The request, the answer and, when it is known, the remedy.
    pub message: String,
    /// Twilio's error code.
    pub code: Option<u32>,
    /// Twilio's request id.
    pub request_id: Option<String>,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_request_id(f, &self.message, self.request_id.as_deref())
    }
}

/// Shows a message, and after it the id by which Twilio's support finds the request.
pub(crate) fn with_request_id(f: &mut fmt::Formatter<'_>, message: &str, id: Option<&str>) -> fmt::Result {
    match id {
        Some(id) => write!(f, "{message} (Twilio request {id})"),
        None => f.write_str(message),
    }
}

impl RemoteError {
    /// Returns true when nothing else would fare better in this pass.
    pub const fn stops_the_pass(&self) -> bool {
        match self.kind {
            ErrorKind::Credentials | ErrorKind::MainAccount => true,
            ErrorKind::Unreadable => false,
        }
    }
}
