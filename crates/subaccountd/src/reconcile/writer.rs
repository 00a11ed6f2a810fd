//! The writer: sends writes through the client, stops on a signal, and counts the writes in flight for the shutdown. A
//! dry run has none.

use subaccountd_core::{
    Account, AccountSid, Action, Number, NumberSid, Outcome, Skip, SkipCause,
    remote::{Apply, ErrorKind, RemoteError, Sent, WriteSlot},
};
use subaccountd_twilio::Client;
use tokio_util::sync::CancellationToken;

use crate::daemon::shutdown::InFlight;

/// See the module.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) client: Client,
    /// The writes that the end of the process waits for.
    pub(crate) writes: InFlight,
    /// No new write begins once it is cancelled.
    pub(crate) stopping: CancellationToken,
}

/// A place in flight.
pub(crate) struct Slot<'a> {
    inner: <Client as Apply>::Place<'a>,
    writer: &'a Writer,
}

fn stopping() -> Skip {
    Skip::new(SkipCause::Stopping, "stopping")
}

impl Apply for Writer {
    type Place<'a> = Slot<'a>;

    async fn place(&self) -> Result<Slot<'_>, Skip> {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err(stopping()),
            place = self.client.place() => Ok(Slot { inner: place?, writer: self }),
        }
    }
}

impl Slot<'_> {
    /// Ends `read` on a signal: shutdown does not wait for anything that comes before a write.
    async fn unless_stopping<T>(
        stopping: &CancellationToken,
        read: impl Future<Output = Result<T, RemoteError>> + Send,
    ) -> Result<T, RemoteError> {
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(RemoteError {
                kind: ErrorKind::Unreadable,
                message: "stopping".to_owned(),
                code: None,
                request_id: None,
            }),
            read = read => read,
        }
    }
}

impl WriteSlot for Slot<'_> {
    async fn account(&mut self, sid: AccountSid) -> Result<Account, RemoteError> {
        Self::unless_stopping(&self.writer.stopping, self.inner.account(sid)).await
    }

    async fn numbers(&mut self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        Self::unless_stopping(&self.writer.stopping, self.inner.numbers(owner)).await
    }

    async fn number(&mut self, owner: AccountSid, number: NumberSid) -> Result<Option<Number>, RemoteError> {
        Self::unless_stopping(&self.writer.stopping, self.inner.number(owner, number)).await
    }

    async fn send(&mut self, action: &Action) -> Sent {
        let Some(_in_flight) = self.writer.writes.begin() else {
            return Outcome::Skipped(stopping()).into();
        };
        self.inner.send(action).await
    }
}
