//! The budget of passes that changes of the state may begin: ten at once, then one every five seconds.

use std::time::Duration;

use tokio::time::Instant;

/// The most passes that changes begin at once.
const MAX_AT_ONCE: u32 = 10;
/// The time until one more may begin.
const REFILL: Duration = Duration::from_secs(5);

/// A token bucket, represented by the time at which it is full again.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeBudget {
    full_at: Instant,
}

impl ChangeBudget {
    /// A full budget.
    pub(super) const fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes the token for a pass that begins now.
    ///
    /// # Errors
    /// The time of the next token, when there is none now.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let full_at = self.full_at.max(now) + REFILL;
        let most = now + REFILL * MAX_AT_ONCE;
        if full_at > most {
            return Err(now + (full_at - most));
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn ten_passes_begin_at_once_and_then_one_every_five_seconds() {
        let begin = Instant::now();
        let mut budget = ChangeBudget::new(begin);
        let taken = (0..100).filter(|_| budget.take(begin).is_ok()).count();
        assert_eq!(taken, 10);
        assert_eq!(budget.take(begin), Err(begin + seconds(5)));
        assert_eq!(budget.take(begin + seconds(4)), Err(begin + seconds(5)));
        assert_eq!(budget.take(begin + seconds(5)), Ok(()));
        assert_eq!(budget.take(begin + seconds(5)), Err(begin + seconds(10)));
    }

    #[test]
    fn a_long_rest_fills_the_budget_and_not_more() {
        let begin = Instant::now();
        let mut budget = ChangeBudget::new(begin);
        for _ in 0..10 {
            budget.take(begin).unwrap();
        }
        let later = begin + seconds(86_400);
        assert_eq!((0..100).filter(|_| budget.take(later).is_ok()).count(), 10);
    }

    #[test]
    fn no_stretch_of_time_has_more_than_the_budget_allows() {
        let begin = Instant::now();
        let mut budget = ChangeBudget::new(begin);
        // A change every 0.3 s for 5 minutes.
        let passes: Vec<_> = (0..1_000)
            .map(|n| begin + Duration::from_millis(300) * n)
            .filter(|now| budget.take(*now).is_ok())
            .collect();
        for (first, start) in passes.iter().enumerate() {
            for (last, end) in passes.iter().enumerate().skip(first) {
                let most = 10 + (*end - *start).as_secs() / 5;
                assert!(((last - first) as u64) < most + 1, "{first} to {last} in {:?}", *end - *start);
            }
        }
        assert!(passes.len() >= 10 + 290 / 5, "none is lost: {}", passes.len());
    }
}
