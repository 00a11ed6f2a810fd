//! The checks right before a write: the desired state, read again, a freeze, and a signal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use subaccountd_core::{
    AccountRef, Action, Desired, PhoneNumber, Planned, Skip, SkipCause, record::Precondition,
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    desired::{LoadedState, StateReader},
    journal::{FreezeMark, Journal},
};

/// One look at the state serves all writes that begin within this time.
const SHARED_FOR: Duration = Duration::from_millis(250);

/// Allows a write while the daemon is neither stopping nor frozen, the desired state of its objects is as planned, and no
/// window holds it.
pub(crate) struct StatePrecondition<'a> {
    state: &'a StateReader,
    stopping: &'a CancellationToken,
    /// The state as it was read for the plan.
    read: &'a LoadedState,
    /// The state that was planned for.
    planned: &'a Desired,
    /// Knows the time.
    journal: &'a Journal,
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
        journal: &'a Journal,
    ) -> Self {
        Self {
            state,
            stopping,
            read,
            planned,
            journal,
            last: Mutex::default(),
            changed: AtomicBool::default(),
        }
    }

    /// Returns true when a write was skipped because the state changed or could not be read.
    pub(crate) fn saw_a_change(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// A skip after which the state is planned for again.
    fn changed(&self, why: String) -> Skip {
        self.changed.store(true, Ordering::Relaxed);
        Skip::new(SkipCause::StateChanged, why)
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
    async fn check(&self, planned: &Planned) -> Result<(), Skip> {
        let action = &planned.action;
        self.may_begin()?;
        let share = !matches!(action, Action::Close(_) | Action::Create(_) | Action::Release(_));
        let found = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return Err(stopping()),
            found = self.look(share) => found,
        };
        let found = found.map_err(|why| self.changed(why))?;
        let (accounts, numbers) = objects(action);
        let desired = &found.reading.desired;
        if !desired.agrees_on(self.planned, &accounts, &numbers) {
            return Err(self.changed(format!("the desired state changed since `{action}` was planned")));
        }
        let (attended, now) = (self.journal.history().attended(), self.journal.now());
        if !desired.still_allows(planned, now) {
            return Err(self.changed(format!("an allowance that `{action}` needs does not count any more")));
        }
        match desired.window(planned, now, attended) {
            Some(_) => {
                Err(self.changed(format!("a window of the desired state began since `{action}` was planned")))
            }
            None => Ok(()),
        }
    }

    fn may_begin(&self) -> Result<(), Skip> {
        if self.stopping.is_cancelled() {
            return Err(stopping());
        }
        if self.state.freeze_mark().is_some_and(FreezeMark::is_set) {
            return Err(self.changed("frozen since it was planned".to_owned()));
        }
        Ok(())
    }
}

fn stopping() -> Skip {
    Skip::new(SkipCause::Stopping, "stopping")
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STATE: &str = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00000000000000000000000000000000}\nsubaccounts:\n  - {sid: AC00000000000000000000000000000001, status: suspended}\n";

    fn suspension() -> Planned {
        Planned {
            action: Action::Suspend("AC00000000000000000000000000000001".parse().unwrap()),
            exempt: false,
            entry: String::new(),
            note: None,
            allowances: Vec::new(),
        }
    }

    /// The plan was made before the window, or took its start for a moment that had not come.
    #[tokio::test]
    async fn write_may_not_begin_in_a_window_unless_it_undoes_one_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desired.yaml");
        fs::write(&path, format!("windows: [{{schedule: '* * * * *', duration: 1h}}]\n{STATE}")).unwrap();
        let state = StateReader::new(&path);
        let read = state.read_stable(None).await.unwrap();
        let (stopping, desired, journal) =
            (CancellationToken::new(), &read.reading.desired, Journal::in_memory());
        let precondition = StatePrecondition::new(&state, &stopping, &read, desired, &journal);
        for date in [None, Some(crate::clock::now())] {
            journal.tell_date(date);
            let skip = precondition.check(&suspension()).await.unwrap_err();
            assert_eq!((skip.cause, precondition.saw_a_change()), (SkipCause::StateChanged, true));
            precondition.check(&Planned { exempt: true, ..suspension() }).await.unwrap();
        }
    }

    /// The state was read, the looks were made and the intent is durable: the freeze still comes in time.
    #[tokio::test]
    async fn write_may_not_begin_once_the_mark_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desired.yaml");
        fs::write(&path, STATE).unwrap();
        let mark = FreezeMark::new(dir.path());
        let state = StateReader::new(&path).with_freeze_mark(Some(mark.clone()));
        let read = state.read_stable(None).await.unwrap();
        let (stopping, desired, journal) =
            (CancellationToken::new(), &read.reading.desired, Journal::in_memory());
        let precondition = StatePrecondition::new(&state, &stopping, &read, desired, &journal);
        let suspension = suspension();
        precondition.check(&suspension).await.unwrap();
        precondition.may_begin().unwrap();
        mark.set("audit").unwrap();
        let skip = precondition.may_begin().unwrap_err();
        assert_eq!((skip.cause, precondition.saw_a_change()), (SkipCause::StateChanged, true));
        assert!(precondition.check(&suspension).await.is_err(), "a shared look does not hide it");
        mark.remove().unwrap();
        precondition.may_begin().unwrap();
        // Set and taken away again meanwhile: what was planned is as planned.
        precondition.check(&suspension).await.unwrap();
    }

    /// The freeze counts as a part of the state: a plan that was made without it is no plan under it.
    #[tokio::test]
    async fn state_under_a_freeze_means_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desired.yaml");
        fs::write(&path, STATE).unwrap();
        let mark = FreezeMark::new(dir.path());
        let state = StateReader::new(&path).with_freeze_mark(Some(mark.clone()));
        let free = state.read_stable(None).await.unwrap();
        mark.set("audit").unwrap();
        let frozen = state.read_once(&free).await.unwrap();
        assert!(!free.means_same_as(&frozen) && frozen.reading.desired.paused());
        assert!(!free.reading.desired.agrees_on(&frozen.reading.desired, &[], &[]));
        mark.remove().unwrap();
        assert!(state.read_stable(Some(&frozen)).await.unwrap().means_same_as(&free));
    }
}
