//! The state that the HTTP handlers and the handle share: the world, the faults and the log, each behind its own lock. No
//! lock is held across an await.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    digest,
    faults::Faults,
    http::{
        answer::Answer,
        inbound::Inbound,
        observe::{ListObservers, Moment, Observer},
        operations::{self, Success},
        requests::RequestLog,
    },
    world::{World, error::ApiError, lag::Past},
};

pub(crate) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Mutex<RequestLog>,
    observer: Mutex<Option<Observer>>,
    list_observers: Mutex<ListObservers>,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    began: (Timestamp, Instant),
    /// The clock is the one of the runtime, since `began`, and not the one of this machine.
    goes_by_instant: bool,
    /// The number of writes whose answer is lost and that have not taken effect yet.
    pub(crate) late_writes: AtomicUsize,
    /// Cancelled when the simulator stops.
    pub(crate) stopping: CancellationToken,
    /// The tasks that run until the stop.
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn new(mut world: World, faults: Faults) -> Self {
        // The past of the world was dated by another clock.
        world.past = Past::default();
        Self {
            world: Mutex::new(world),
            faults: Mutex::new(faults),
            log: Mutex::default(),
            observer: Mutex::default(),
            list_observers: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            began: (clock(), Instant::now()),
            goes_by_instant: false,
            late_writes: AtomicUsize::new(0),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// The same on a clock that begins at `time` and goes on with the one of the runtime.
    pub(crate) fn with_clock(self, time: Timestamp) -> Self {
        Self { began: (time, Instant::now()), goes_by_instant: true, ..self }
    }

    /// The world. For lists that lag, every change until the guard is dropped happens at this instant.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.set_instant(self.instant());
        world
    }

    /// The time by which lists lag: monotonic, and with fractions of a second.
    fn instant(&self) -> Timestamp {
        let (timestamp, instant) = self.began;
        timestamp.saturating_add(instant.elapsed()).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the observer of every write from now on.
    pub(crate) fn set_observer(&self, observer: Observer) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    pub(crate) fn observe(&self, inbound: &Inbound, moment: Moment, world: &World) {
        let observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(observer) = observer {
            observer.see(inbound, moment, world);
        }
    }

    /// The observers of lists, to be changed.
    pub(crate) fn list_observers(&self) -> MutexGuard<'_, ListObservers> {
        self.list_observers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observe_list(&self, inbound: &Inbound, answer: &Answer) {
        let observers = self.list_observers().clone();
        observers.see(inbound, answer);
    }

    /// Performs the request, and calls the observer before and after it.
    pub(crate) fn perform(
        &self,
        world: &mut World,
        inbound: &Inbound,
        now: Timestamp,
    ) -> Result<Success, ApiError> {
        self.observe(inbound, Moment::Begins, world);
        let outcome = operations::perform(world, inbound, now);
        self.observe(inbound, Moment::Ended { done: outcome.is_ok() }, world);
        outcome
    }

    /// The time of the simulated Twilio, in whole seconds.
    pub(crate) fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(self.faults().clock_offset_seconds);
        let clock = if self.goes_by_instant { self.instant() } else { clock() };
        let now = clock.saturating_add(offset).unwrap_or(Timestamp::MAX);
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// A new request id.
    pub(crate) fn next_request_id(&self) -> String {
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("RQ{}", digest::hex32("request", &n.to_string()))
    }
}

/// The clock of the simulator.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
pub(crate) fn clock() -> Timestamp {
    Timestamp::now()
}

/// A request in flight. Counted until it is dropped, which includes a disconnected client.
pub(crate) struct Flight<'a> {
    shared: &'a Shared,
    /// The number of requests in flight when it began, including itself.
    pub(crate) concurrent: usize,
}

impl<'a> Flight<'a> {
    pub(crate) fn begin(shared: &'a Shared) -> Self {
        let concurrent = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        Self { shared, concurrent }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::world::{account::AccountStatus, sid::AccountSid};

    #[test]
    fn past_of_another_clock_is_dropped() {
        let sid = AccountSid::numbered(1);
        let mut world = World::generated(1, 0);
        world.switches_mut().account_list_lag_ms = 300;
        world.change_status(&sid, "suspended", Timestamp::MAX).unwrap();
        assert_eq!(world.listed_accounts(clock())[1].status, AccountStatus::Active);
        let shared = Shared::new(world, Faults::default());
        assert_eq!(shared.world().listed_accounts(clock())[1].status, AccountStatus::Suspended);
    }

    #[tokio::test(start_paused = true)]
    async fn lists_lag_by_fractions_of_a_second_independent_of_the_clocks() {
        let sid = AccountSid::numbered(1);
        let mut world = World::generated(1, 0);
        world.switches_mut().account_list_lag_ms = 300;
        let shared = Shared::new(world, Faults::default());
        let suspend = |account: &mut crate::Account| account.status = AccountStatus::Suspended;
        shared.world().edit_account(&sid, Timestamp::UNIX_EPOCH, suspend).unwrap();
        let listed = || shared.world().listed_accounts(shared.now())[1].status;
        assert_eq!(listed(), AccountStatus::Active);
        tokio::time::advance(Duration::from_millis(299)).await;
        for offset in [-90_000, 90_000] {
            shared.faults().clock_offset_seconds = offset;
            assert_eq!(listed(), AccountStatus::Active);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(listed(), AccountStatus::Suspended);
    }
}
