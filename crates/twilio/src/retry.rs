//! Retries of failed reads.
//!
//! Reads are retried while that may help. A write is never retried here: the next pass proves it again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The number of retries of a read, and the pauses before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The number of retries of one read after its first attempt.
    pub repeats: usize,
    /// The shortest pause before the first retry. It doubles with each retry, and a random jitter of up to its length is added.
    pub base: Duration,
    /// The longest pause, even when Twilio asks for a longer one.
    pub cap: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { repeats: 3, base: Duration::from_millis(500), cap: Duration::from_mins(1) }
    }
}

/// The class of a failed attempt, which decides on a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// 429: Twilio did not process the request, and may have asked for a wait.
    RateLimited(Option<Duration>),
    /// The connection failed: nothing was sent.
    NeverSent,
    /// No answer, an incomplete or unreadable one, or 5xx.
    Transient,
    /// A failure that another attempt would not change.
    Permanent,
}

/// The remaining retries of one read.
pub(crate) struct Repeats {
    cap: Duration,
    pauses: ExponentialBackoff,
}

impl Retry {
    /// The retries of one read; `seed` determines the jitter.
    pub(crate) fn repeats(self, seed: u64) -> Repeats {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.base)
            .with_max_delay(self.cap)
            .with_max_times(self.repeats)
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Repeats { cap: self.cap, pauses }
    }
}

impl Repeats {
    /// The pause before the next attempt; `None` when there must not be one.
    pub(crate) fn after(&mut self, fault: FailureClass) -> Option<Duration> {
        let asked = match fault {
            FailureClass::RateLimited(asked) => asked,
            FailureClass::NeverSent | FailureClass::Transient => None,
            FailureClass::Permanent => return None,
        };
        let pause = self.pauses.next()?;
        Some(pause.max(asked.unwrap_or_default()).min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RETRY: Retry = Retry { repeats: 3, base: SECOND, cap: Duration::from_mins(1) };
    const LIMITED: FailureClass = FailureClass::RateLimited(None);

    #[test]
    fn only_failures_that_may_pass_are_retried() {
        for (fault, repeats) in [
            (LIMITED, 3),
            (FailureClass::NeverSent, 3),
            (FailureClass::Transient, 3),
            (FailureClass::Permanent, 0),
        ] {
            let mut left = RETRY.repeats(0);
            assert_eq!(std::iter::from_fn(|| left.after(fault)).count(), repeats, "{fault:?}");
        }
    }

    #[test]
    fn a_permanent_failure_ends_the_retries() {
        let mut repeats = RETRY.repeats(0);
        assert!(repeats.after(LIMITED).is_some());
        assert_eq!(repeats.after(FailureClass::Permanent), None);
    }

    #[test]
    fn a_longer_pause_that_twilio_asks_for_is_kept_up_to_the_cap() {
        for (asked, least, most) in [(0, 1, 2), (30, 30, 30), (3600, 60, 60)] {
            let asked = FailureClass::RateLimited(Some(Duration::from_secs(asked)));
            let pause = RETRY.repeats(7).after(asked).unwrap();
            assert!((SECOND * least..=SECOND * most).contains(&pause), "{pause:?}");
        }
    }

    proptest! {
        #[test]
        fn pauses_double_and_jitter_stays_below_one_pause(seed: u64) {
            let mut repeats = RETRY.repeats(seed);
            for least in [1, 2, 4] {
                let pause = repeats.after(FailureClass::Transient).unwrap();
                prop_assert!((SECOND * least..SECOND * least * 2).contains(&pause), "{:?}", pause);
            }
            prop_assert_eq!(repeats.after(FailureClass::Transient), None);
        }
    }

    #[test]
    fn two_clients_do_not_pause_alike() {
        let first = |seed| RETRY.repeats(seed).after(FailureClass::Transient);
        assert_ne!(first(1), first(2));
    }
}
