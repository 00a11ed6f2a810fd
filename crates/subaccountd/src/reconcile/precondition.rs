//! The checks right before a write: the desired state, read again, and a signal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use subaccountd_core::{AccountRef, Action, Desired, PhoneNumber, Skip, SkipCause, record::Precondition};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::desired::{LoadedState, StateReader};

/// One look at the state serves all writes that begin within this time.
const SHARED_FOR: Duration = Duration::from_millis(250);

/// Allows a write while the daemon is not stopping and the desired state of its objects is as planned.
pub(crate) struct StatePrecondition<'a> {
    state: &'a StateReader,
    stopping: &'a CancellationToken,
    /// The state as it was read for the plan.
    read: &'a LoadedState,
    /// The state that was planned for.
    planned: &'a Desired,
    /// The last look: the time at which it began, and its result.
    last: Mutex<Option<(Instant, Result<LoadedState, String>)>>,
    changed: AtomicBool,
}

impl<'a> StatePrecondition<'a> {
    pub(crate) fn new(
        state: &'a StateReader,
        stopping: &'a CancellationToken,
        read: &'a LoadedState,
        planned: &'a Desired,
    ) -> Self {
        Self { state, stopping, read, planned, last: Mutex::default(), changed: AtomicBool::default() }
    }

    /// Returns true when a write was skipped because the state changed or could not be read.
    pub(crate) fn saw_a_change(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// The state as it is now. An irreversible write never shares the look of another write.
    async fn look(&self, share: bool) -> Result<LoadedState, String> {
        let mut last = self.last.lock().await;
        if let Some((began, found)) = &*last
            && share
            && began.elapsed() < SHARED_FOR
        {
            return found.clone();
        }
        let began = Instant::now();
        let read = self.state.read_once(self.read).await;
        let found = read.map_err(|error| format!("the desired state cannot be read: {error}"));
        *last = Some((began, found.clone()));
        found
    }
}

impl Precondition for StatePrecondition<'_> {
    async fn check(&self, action: &Action) -> Result<(), Skip> {
        let stopping = || Skip::new(SkipCause::Stopping, "stopping");
        if self.is_stopping() {
            return Err(stopping());
        }
        let share = !matches!(action, Action::Close(_) | Action::Create(_) | Action::Release(_));
        let found = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return Err(stopping()),
            found = self.look(share) => found,
        };
        let changed = |why: String| {
            self.changed.store(true, Ordering::Relaxed);
            Skip::new(SkipCause::StateChanged, why)
        };
        let now = found.map_err(changed)?;
        let (accounts, numbers) = objects(action);
        if now.reading.desired.agrees_on(self.planned, &accounts, &numbers) {
            Ok(())
        } else {
            Err(changed(format!("the desired state changed since `{action}` was planned")))
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }
}

/// The accounts and numbers whose desired state must not have changed.
fn objects(action: &Action) -> (Vec<AccountRef>, Vec<PhoneNumber>) {
    match action {
        Action::Reactivate(_) | Action::Create(_) | Action::Suspend(_) | Action::EndCalls(_) => {
            (vec![action.account()], Vec::new())
        }
        Action::Transfer(transfer) => (vec![transfer.to.into(), transfer.from.into()], vec![transfer.phone]),
        Action::Configure(configure) => (vec![configure.account.into()], vec![configure.phone]),
        Action::Release(release) => (vec![release.account.sid.into()], vec![release.phone]),
        Action::Close(close) => {
            let numbers = close.listed.values().chain(&close.at_risk).copied().collect();
            (vec![close.account.sid.into()], numbers)
        }
    }
}
