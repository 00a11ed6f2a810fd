//! Repeating: what to do after an attempt failed.
//!
//! Reads are repeated while that may help. A write is repeated only when Twilio never processed it.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How often and how fast a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Repeats of one request after its first attempt.
    pub repeats: usize,
    /// The least pause before the first repeat; it doubles each time, and up to its own length is added at random.
    pub base: Duration,
    /// The longest pause, also when Twilio asks for a longer one.
    pub cap: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { repeats: 3, base: Duration::from_millis(500), cap: Duration::from_mins(1) }
    }
}

/// What a request does at Twilio when it is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Reads,
    /// Something.
    Writes,
}

/// How an attempt failed, as far as repeating is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429: Twilio did not process it, and may have said how long to wait.
    RateLimited(Option<Duration>),
    /// No connection came up: nothing was sent.
    NeverSent,
    /// No answer, half an answer, an answer that makes no sense, or 5xx. It may have been processed.
    Passing,
    /// An answer that another attempt would not change.
    Lasting,
}

/// The repeats that are left to one request.
pub(crate) struct Repeats {
    effect: Effect,
    cap: Duration,
    pauses: ExponentialBackoff,
}

impl Retry {
    /// The repeats of one request; `seed` makes the jitter.
    pub(crate) fn repeats(self, effect: Effect, seed: u64) -> Repeats {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.base)
            .with_max_delay(self.cap)
            .with_max_times(self.repeats)
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Repeats { effect, cap: self.cap, pauses }
    }
}

impl Repeats {
    /// The pause before the next attempt, or none when there must not be one.
    pub(crate) fn after(&mut self, fault: Fault) -> Option<Duration> {
        let asked = match (self.effect, fault) {
            (_, Fault::RateLimited(asked)) => asked,
            (_, Fault::NeverSent) | (Effect::Reads, Fault::Passing) => None,
            (Effect::Writes, Fault::Passing) | (_, Fault::Lasting) => return None,
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
    const LIMITED: Fault = Fault::RateLimited(None);

    fn pauses(effect: Effect, fault: Fault) -> usize {
        let mut repeats = RETRY.repeats(effect, 0);
        std::iter::from_fn(|| repeats.after(fault)).count()
    }

    #[test]
    fn only_what_is_safe_and_may_help_is_repeated() {
        for (effect, fault, repeats) in [
            (Effect::Reads, LIMITED, 3),
            (Effect::Reads, Fault::NeverSent, 3),
            (Effect::Reads, Fault::Passing, 3),
            (Effect::Reads, Fault::Lasting, 0),
            (Effect::Writes, LIMITED, 3),
            (Effect::Writes, Fault::NeverSent, 3),
            (Effect::Writes, Fault::Passing, 0),
            (Effect::Writes, Fault::Lasting, 0),
        ] {
            assert_eq!(pauses(effect, fault), repeats, "{effect:?} {fault:?}");
        }
    }

    #[test]
    fn a_fault_that_must_not_be_repeated_ends_it_even_while_repeats_are_left() {
        let mut repeats = RETRY.repeats(Effect::Writes, 0);
        assert!(repeats.after(LIMITED).is_some());
        assert_eq!(repeats.after(Fault::Passing), None);
    }

    #[test]
    fn a_longer_pause_that_twilio_asks_for_is_kept_up_to_the_cap() {
        for (asked, least, most) in [(0, 1, 2), (30, 30, 30), (3600, 60, 60)] {
            let asked = Fault::RateLimited(Some(Duration::from_secs(asked)));
            let pause = RETRY.repeats(Effect::Writes, 7).after(asked).unwrap();
            assert!((SECOND * least..=SECOND * most).contains(&pause), "{pause:?}");
        }
    }

    proptest! {
        #[test]
        fn pauses_double_and_jitter_stays_below_one_more_of_them(seed: u64) {
            let mut repeats = RETRY.repeats(Effect::Reads, seed);
            for least in [1, 2, 4] {
                let pause = repeats.after(Fault::Passing).unwrap();
                prop_assert!((SECOND * least..SECOND * least * 2).contains(&pause), "{:?}", pause);
            }
            prop_assert_eq!(repeats.after(Fault::Passing), None);
        }
    }

    #[test]
    fn two_clients_do_not_pause_alike() {
        let first = |seed| RETRY.repeats(Effect::Reads, seed).after(Fault::Passing);
        assert_ne!(first(1), first(2));
    }
}
