//! The adaptive limit of requests in flight: additive growth, halved when Twilio answers 429.
//!
//! The limit is between one and its maximum. Requests wait in order of arrival, and a dropped wait or request returns its
//! place.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::telemetry::Telemetry;

/// The number of accepted requests in a row after which the limit grows by one.
const SUCCESSES_TO_GROW: usize = 16;

/// Limits the requests in flight to the load that Twilio accepts.
pub(crate) struct Limiter {
    free: Semaphore,
    state: Mutex<State>,
    max: usize,
    telemetry: Arc<dyn Telemetry>,
}

struct State {
    limit: usize,
    /// The number of places in use beyond the limit, after it was halved.
    excess: usize,
    /// The number of accepted requests in a row.
    run: usize,
    /// The number of halvings, which separates late answers of one burst from a new burst.
    halvings: u64,
}

/// A place in flight, for consecutive exchanges. Returned on drop.
pub(crate) struct Permit<'a> {
    limiter: &'a Limiter,
}

/// One exchange in a place.
pub(crate) struct Exchange<'a> {
    limiter: &'a Limiter,
    halvings: u64,
}

/// The result of an exchange with regard to the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feedback {
    /// Twilio accepted the request.
    Accepted,
    /// Twilio answered 429.
    Overloaded,
    /// The result says nothing about the load.
    Unknown,
}

impl Limiter {
    /// A limiter that starts at `max`, which is at least one.
    pub(crate) fn new(max: usize, telemetry: Arc<dyn Telemetry>) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        telemetry.in_flight_limit(max);
        let state = Mutex::new(State { limit: max, excess: 0, run: 0, halvings: 0 });
        Self { free: Semaphore::new(max), state, max, telemetry }
    }

    /// The number of requests that may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.with_state(|state| state.limit)
    }

    /// Waits for a place.
    pub(crate) async fn acquire(&self) -> Permit<'_> {
        // The semaphore is never closed: there is no error to report.
        if let Ok(place) = self.free.acquire().await {
            place.forget();
        }
        Permit { limiter: self }
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn halve(&self, state: &mut State) {
        let limit = (state.limit / 2).max(1);
        let less = state.limit - limit;
        state.excess += less - self.free.forget_permits(less);
        state.limit = limit;
    }

    fn grow(&self, state: &mut State) {
        state.limit += 1;
        self.give_back(state);
    }

    fn give_back(&self, state: &mut State) {
        if state.excess > 0 {
            state.excess -= 1;
        } else {
            self.free.add_permits(1);
        }
    }
}

impl<'a> Permit<'a> {
    /// Begins an exchange.
    pub(crate) fn begin(&self) -> Exchange<'a> {
        Exchange { limiter: self.limiter, halvings: self.limiter.with_state(|state| state.halvings) }
    }
}

impl Exchange<'_> {
    /// Ends the exchange, and adapts the limit to `feedback`.
    pub(crate) fn end(self, feedback: Feedback) {
        let limiter = self.limiter;
        let changed = limiter.with_state(|state| {
            let before = state.limit;
            match feedback {
                Feedback::Overloaded => {
                    state.run = 0;
                    // Answers to requests that left before the last halving belong to its burst.
                    if state.halvings == self.halvings {
                        state.halvings += 1;
                        limiter.halve(state);
                    }
                }
                Feedback::Unknown => state.run = 0,
                Feedback::Accepted => {
                    state.run += 1;
                    if state.run >= SUCCESSES_TO_GROW && state.limit < limiter.max {
                        state.run = 0;
                        limiter.grow(state);
                    }
                }
            }
            (state.limit != before).then_some(state.limit)
        });
        if let Some(limit) = changed {
            limiter.telemetry.in_flight_limit(limit);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limiter.with_state(|state| self.limiter.give_back(state));
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use proptest::prelude::*;

    use super::*;
    use crate::telemetry::NoTelemetry;

    fn limiter(max: usize) -> Limiter {
        Limiter::new(max, Arc::new(NoTelemetry))
    }

    /// A place, when one is free.
    fn try_acquire(limiter: &Limiter) -> Option<Permit<'_>> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pin!(limiter.acquire()).poll(&mut context) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    fn take_all(limiter: &Limiter) -> Vec<Permit<'_>> {
        std::iter::from_fn(|| try_acquire(limiter)).collect()
    }

    fn end(limiter: &Limiter, feedback: Feedback) {
        try_acquire(limiter).unwrap().begin().end(feedback);
    }

    #[test]
    fn requests_in_flight_do_not_exceed_the_limit() {
        let limiter = limiter(3);
        let taken = take_all(&limiter);
        assert_eq!(taken.len(), 3);
        drop(taken);
        assert_eq!(take_all(&limiter).len(), 3);
    }

    #[test]
    fn a_burst_of_429_halves_the_limit_once() {
        let limiter = limiter(8);
        let permits = take_all(&limiter);
        let flying: Vec<_> = permits.iter().map(Permit::begin).collect();
        for exchange in flying {
            exchange.end(Feedback::Overloaded);
        }
        drop(permits);
        assert_eq!(limiter.limit(), 4);
        assert_eq!(take_all(&limiter).len(), 4);
    }

    #[test]
    fn a_429_to_a_later_request_halves_the_limit_again_but_never_below_one() {
        let limiter = limiter(8);
        for limit in [4, 2, 1, 1, 1] {
            end(&limiter, Feedback::Overloaded);
            assert_eq!(limiter.limit(), limit);
        }
        assert_eq!(take_all(&limiter).len(), 1);
    }

    #[test]
    fn every_exchange_in_a_place_counts() {
        let limiter = limiter(8);
        let permit = try_acquire(&limiter).unwrap();
        for limit in [4, 2] {
            permit.begin().end(Feedback::Overloaded);
            assert_eq!(limiter.limit(), limit);
        }
        for _ in 0..SUCCESSES_TO_GROW {
            permit.begin().end(Feedback::Accepted);
        }
        assert_eq!(limiter.limit(), 3);
        drop(permit);
        assert_eq!(take_all(&limiter).len(), 3);
    }

    #[test]
    fn limit_grows_by_one_after_a_run_of_accepted_requests_up_to_the_maximum() {
        let limiter = limiter(4);
        end(&limiter, Feedback::Overloaded);
        for limit in [3, 4, 4] {
            for _ in 0..SUCCESSES_TO_GROW {
                end(&limiter, Feedback::Accepted);
            }
            assert_eq!(limiter.limit(), limit);
        }
        assert_eq!(take_all(&limiter).len(), 4);
    }

    #[test]
    fn run_starts_again_after_a_failure() {
        let limiter = limiter(4);
        end(&limiter, Feedback::Overloaded);
        for _ in 0..SUCCESSES_TO_GROW * 4 {
            end(&limiter, Feedback::Accepted);
            end(&limiter, Feedback::Unknown);
        }
        assert_eq!(limiter.limit(), 2);
    }

    #[test]
    fn dropped_wait_returns_its_place() {
        let limiter = limiter(1);
        let held = try_acquire(&limiter).unwrap();
        {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let mut first = Box::pin(limiter.acquire());
            assert!(first.as_mut().poll(&mut context).is_pending());
            // The place now belongs to the waiter, which is dropped.
            drop(held);
        }
        assert_eq!(take_all(&limiter).len(), 1);
    }

    #[tokio::test]
    async fn waiting_request_comes_next() {
        let limiter = limiter(1);
        let held = limiter.acquire().await;
        let (waited, ()) = tokio::join!(limiter.acquire(), async { drop(held) });
        assert!(try_acquire(&limiter).is_none());
        drop(waited);
    }

    proptest! {
        #[test]
        fn number_of_places_stays_the_same(steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 0..300)) {
            let limiter = limiter(8);
            let mut flying = Vec::new();
            for (step, which) in steps {
                match (step, flying.len()) {
                    (0, _) | (_, 0) => flying.extend(try_acquire(&limiter)),
                    (_, len) => {
                        let permit: Permit<'_> = flying.swap_remove(which.index(len));
                        match step {
                            1 => permit.begin().end(Feedback::Accepted),
                            2 => permit.begin().end(Feedback::Overloaded),
                            _ => drop(permit),
                        }
                    }
                }
                prop_assert!((1..=8).contains(&limiter.limit()));
            }
            drop(flying);
            prop_assert_eq!(take_all(&limiter).len(), limiter.limit());
        }
    }
}
