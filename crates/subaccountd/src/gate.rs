//! What stands right before a write: the gate, and reads that do not outlast a signal.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use subaccountd_core::{
    Account, AccountSid, Action, Number,
    record::Gate,
    remote::{AccountList, Apply, ErrorKind, Observe, RemoteError, Written},
};

use crate::{reconcile::Reconciler, state::LoadedState, wake::Wake};

/// How long the state counts as unchanged without being read again, between two writes.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Reads that end when the process is to stop: what comes before a write is not waited for.
pub(crate) struct Interruptible<'a>(pub(crate) &'a Reconciler);

impl Interruptible<'_> {
    async fn unless_stopping<T>(
        &self,
        read: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, RemoteError> {
        tokio::select! {
            read = read => read,
            () = self.0.stopping.cancelled() => Err(RemoteError {
                kind: ErrorKind::Unreadable,
                message: "stopping".to_owned(),
                code: None,
                request_id: None,
            }),
        }
    }
}

impl Observe for Interruptible<'_> {
    async fn accounts(&self) -> Result<AccountList, RemoteError> {
        self.unless_stopping(self.0.client.accounts()).await
    }

    async fn account(&self, sid: AccountSid) -> Result<Account, RemoteError> {
        self.unless_stopping(self.0.client.account(sid)).await
    }

    async fn numbers(&self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        self.unless_stopping(self.0.client.numbers(owner)).await
    }
}

/// Writes that the end of the process waits for.
pub(crate) struct Counted<'a>(pub(crate) &'a Reconciler);

impl Apply for Counted<'_> {
    async fn apply(&self, action: &Action) -> Written {
        let Some(_in_flight) = self.0.writes.begin() else {
            return Written::NotProcessed("stopping".to_owned());
        };
        self.0.client.apply(action).await
    }
}

/// Lets a write begin while nobody wants us to stop and the state is the one that was planned for.
pub(crate) struct StateGate<'a> {
    reconciler: &'a Reconciler,
    loaded: &'a LoadedState,
    wake: Wake,
    /// When the state was last seen to be the same.
    last_read: Mutex<Option<Instant>>,
    changed: AtomicBool,
}

impl<'a> StateGate<'a> {
    pub(crate) fn new(reconciler: &'a Reconciler, loaded: &'a LoadedState, wake: Wake) -> Self {
        Self { reconciler, loaded, wake, last_read: Mutex::default(), changed: AtomicBool::default() }
    }

    /// Whether the state changed since it was planned for.
    pub(crate) fn saw_a_change(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// The state is read again before a close and after a wake, and before other writes now and then, as a watcher
    /// may miss a change.
    fn must_read(&self, action: &Action) -> bool {
        let fresh = |at: &Instant| at.elapsed() < READ_AGAIN_AFTER;
        matches!(action, Action::Close(_))
            || self.wake.was_woken()
            || !self.last_read.lock().is_ok_and(|at| at.as_ref().is_some_and(fresh))
    }
}

impl Gate for StateGate<'_> {
    async fn open(&self, action: &Action) -> Result<(), String> {
        if self.reconciler.stopping.is_cancelled() {
            return Err("stopping".to_owned());
        }
        if self.must_read(action) {
            let read = self
                .reconciler
                .state
                .read_once(self.loaded)
                .await
                .map_err(|error| format!("the state cannot be read: {error}"))?;
            if !read.means_same_as(self.loaded) {
                self.changed.store(true, Ordering::Relaxed);
                return Err("the state changed since it was planned".to_owned());
            }
            if let Ok(mut last_read) = self.last_read.lock() {
                *last_read = Some(Instant::now());
            }
        }
        Ok(())
    }
}
