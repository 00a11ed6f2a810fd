//! The ports to Twilio: `Observe` reads, `Apply` writes. A run that must not write has no `Apply`.

use std::{fmt, future::Future};

use crate::{Account, AccountSid, Action, Address, Call, Number, NumberSid, Outcome, Skip};

pub use crate::observed::{AccountList, UnreadableRow};

/// Reads the fleet. Every list is complete, or an error.
pub trait Observe: Sync {
    /// Every account of the main account's list, including the main account.
    fn accounts(&self) -> impl Future<Output = Result<AccountList, RemoteError>> + Send;

    /// One account, fetched.
    fn account(&self, sid: AccountSid) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// Every phone number that `owner` owns.
    fn numbers(
        &self,
        owner: AccountSid,
        tries: Tries,
    ) -> impl Future<Output = Result<Vec<Number>, RemoteError>> + Send;

    /// The first addresses of `account`: enough to name some, in one request.
    fn addresses(
        &self,
        account: AccountSid,
    ) -> impl Future<Output = Result<Vec<Address>, RemoteError>> + Send;

    /// Every call of `owner` that has not ended, each list once.
    fn calls(&self, owner: AccountSid) -> impl Future<Output = Result<Vec<Call>, RemoteError>> + Send;

    /// The phone number with the SID `number`; `None` when `owner` does not own it.
    fn number(
        &self,
        owner: AccountSid,
        number: NumberSid,
    ) -> impl Future<Output = Result<Option<Number>, RemoteError>> + Send;
}

/// The retry behavior of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// A failed request is retried a few times.
    Repeated,
    /// Each request is made once.
    Once,
}

/// Writes. No layer below repeats a write, or waits within one.
pub trait Apply: Sync {
    /// A place in flight for one write.
    type Place<'a>: WriteSlot
    where
        Self: 'a;

    /// Waits for a place in flight.
    ///
    /// # Errors
    /// The process is stopping, so no place is available.
    fn place(&self) -> impl Future<Output = Result<Self::Place<'_>, Skip>> + Send;
}

/// A place in flight for one write, or for the ends of the calls of one account. The reads of its proof and the write itself
/// use this place; each request is sent once.
pub trait WriteSlot: Send {
    /// One account, fetched.
    fn account(&mut self, sid: AccountSid) -> impl Future<Output = Result<Account, RemoteError>> + Send;

    /// Every phone number that `owner` owns, listed.
    fn numbers(&mut self, owner: AccountSid)
    -> impl Future<Output = Result<Vec<Number>, RemoteError>> + Send;

    /// The phone number with the SID `number`, fetched; `None` when `owner` does not own it.
    fn number(
        &mut self,
        owner: AccountSid,
        number: NumberSid,
    ) -> impl Future<Output = Result<Option<Number>, RemoteError>> + Send;

    /// Sends the write of `action`, and compares the answer with the request. Of an action that ends calls, sends one request
    /// for each call until one is not over.
    fn send(&mut self, action: &Action) -> impl Future<Output = Sent> + Send;
}

/// The result of sending a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its outcome.
    pub outcome: Outcome,
    /// The error that stops the pass, because every other request would fail as well.
    pub stop: Option<RemoteError>,
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, stop: None }
    }
}

/// The effect on the pass of a failed read, or of a write that stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The credentials are not accepted: stop the pass.
    Credentials,
    /// The main account is not usable: stop the pass.
    MainAccount,
    /// This one object could not be read; others may be readable.
    Unreadable,
}

/// A failed request to Twilio. Contains no body and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RemoteError {
    /// Its effect on the pass.
    pub kind: ErrorKind,
    /// The message: the request, the answer and, when it is known, the remedy.
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

/// Writes a message, followed by the request id for Twilio's support.
pub(crate) fn with_request_id(f: &mut fmt::Formatter<'_>, message: &str, id: Option<&str>) -> fmt::Result {
    match id {
        Some(id) => write!(f, "{message} (Twilio request {id})"),
        None => f.write_str(message),
    }
}

impl RemoteError {
    /// Returns true when every other request would fail as well, so that the pass stops.
    pub const fn stops_the_pass(&self) -> bool {
        match self.kind {
            ErrorKind::Credentials | ErrorKind::MainAccount => true,
            ErrorKind::Unreadable => false,
        }
    }
}
