//! The clocks of the daemon: this machine's, a monotonic one, and Twilio's as last reported.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{CLOCK_TOLERANCE, Now};
use tokio::time::Instant;

/// The time after which a new time is believed when this machine's and Twilio's clocks jumped together and a monotonic
/// one did not, as after a stop of this process.
const BELIEVED_AFTER: Duration = Duration::from_hours(1);

/// Now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the edge at which the clock is read")]
pub(crate) fn now() -> Timestamp {
    #[cfg(feature = "simulation")]
    if let Some(now) = crate::simulation::local_time() {
        return now;
    }
    Timestamp::now()
}

/// Twilio's clock as last reported, advanced by a monotonic one.
#[derive(Debug, Default)]
pub(crate) struct TwilioClock {
    told: Option<Told>,
    /// The last time on which this machine's and Twilio's clocks agreed and that the monotonic one confirmed.
    believed: Option<Told>,
    /// The first time on which the two agreed after their last jump, which the monotonic one did not confirm.
    jumped: Option<Told>,
}

/// A reported time, and the monotonic time of the report.
#[derive(Debug, Clone, Copy)]
struct Told {
    time: Timestamp,
    at: Instant,
}

impl Told {
    /// The time at `at`, advanced by the monotonic clock.
    fn moved_on(self, at: Instant) -> Option<Timestamp> {
        let elapsed = SignedDuration::try_from(at.saturating_duration_since(self.at)).ok()?;
        self.time.checked_add(elapsed).ok()
    }

    /// Returns true when the monotonic clock confirms `later`.
    fn leads_to(self, later: Self) -> bool {
        self.moved_on(later.at).is_some_and(|expected| is_near(expected, later.time))
    }
}

fn is_near(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= CLOCK_TOLERANCE
}

impl TwilioClock {
    /// Records the `Date` of an answer that just arrived.
    pub(crate) fn tell(&mut self, date: Timestamp) {
        self.tell_at(date, now(), Instant::now());
    }

    fn tell_at(&mut self, date: Timestamp, local: Timestamp, at: Instant) {
        let told = Told { time: date, at };
        self.told = Some(told);
        if !is_near(date, local) {
            // One of the two is wrong: no time is believed meanwhile.
            return;
        }
        if self.believed.is_none_or(|believed| believed.leads_to(told)) {
            (self.believed, self.jumped) = (Some(told), None);
            return;
        }
        let jumped = *self.jumped.get_or_insert(told);
        if !jumped.leads_to(told) {
            self.jumped = Some(told);
        } else if at.saturating_duration_since(jumped.at) >= BELIEVED_AFTER {
            (self.believed, self.jumped) = (Some(told), None);
        }
    }

    /// The time by all clocks.
    pub(crate) fn now(&self) -> Now {
        self.at(now(), Instant::now())
    }

    fn at(&self, local: Timestamp, at: Instant) -> Now {
        let twilio = self.told.and_then(|told| told.moved_on(at));
        // This machine's clock may jump to a report that it contradicted when the report arrived.
        let confirmed =
            self.told.is_none_or(|told| self.believed.is_some_and(|believed| believed.leads_to(told)));
        Now { local, twilio, steady: self.jumped.is_none() && confirmed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn time_moves_on_by_a_monotonic_clock_whatever_ours_does() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        assert_eq!(clock.at(second(0), begin).twilio, None);
        clock.tell_at(second(1_000_000), second(1_000_000), begin);
        let later = begin + Duration::from_secs(90);
        assert_eq!(clock.at(second(1_000_090), later).trusted(), Some(second(1_000_090)));
        let ours_stepped = clock.at(second(2_000_000), later);
        assert_eq!((ours_stepped.twilio, ours_stepped.trusted()), (Some(second(1_000_090)), None));
    }

    #[test]
    fn clock_that_was_wrong_alone_is_believed_as_soon_as_it_is_right_again() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        clock.tell_at(second(1_000_000), second(1_000_000), begin);
        for (minutes, twilio_off, ours_off) in [(1, 90_000, 0), (2, 0, 0), (3, 0, -90_000), (4, 0, 0)] {
            let at = begin + Duration::from_mins(minutes);
            let right = 1_000_000 + 60 * i64::try_from(minutes).unwrap();
            let (date, local) = (second(right + twilio_off), second(right + ours_off));
            clock.tell_at(date, local, at);
            let trusted = (twilio_off == 0 && ours_off == 0).then_some(date);
            assert_eq!(clock.at(local, at).trusted(), trusted, "minute {minutes}");
        }
    }

    #[test]
    fn clock_that_jumps_to_the_last_wrong_report_of_the_other_is_not_believed() {
        for first in [1_000_000, 1_090_000] {
            let (mut clock, begin) = (TwilioClock::default(), Instant::now());
            clock.tell_at(second(first), second(1_000_000), begin);
            let minute = begin + Duration::from_mins(1);
            clock.tell_at(second(1_090_060), second(1_000_060), minute);
            // No answer arrives meanwhile, and this machine's clock jumps as well.
            assert_eq!(clock.at(second(1_090_060), minute).trusted(), None, "{first}");
        }
    }

    #[test]
    fn two_clocks_that_jump_together_are_believed_after_an_hour() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        clock.tell_at(second(1_000_000), second(1_000_000), begin);
        let minute = begin + Duration::from_mins(1);
        let after = |seconds| second(1_000_060 + 25 * 3600 + seconds);
        for (elapsed, believed) in [(0, false), (1800, false), (3599, false), (3600, true), (3660, true)] {
            let at = minute + Duration::from_secs(elapsed);
            let time = after(i64::try_from(elapsed).unwrap());
            clock.tell_at(time, time, at);
            assert_eq!(clock.at(time, at).trusted(), believed.then_some(time), "{elapsed} s");
        }
    }

    #[test]
    fn hour_begins_again_when_two_clocks_jump_again() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        clock.tell_at(second(1_000_000), second(1_000_000), begin);
        for (minutes, hours_ahead, believed) in
            [(1, 25, false), (60, 50, false), (62, 50, false), (119, 50, false), (120, 50, true)]
        {
            let at = begin + Duration::from_mins(minutes);
            let time = second(1_000_000 + 60 * i64::try_from(minutes).unwrap() + 3600 * hours_ahead);
            clock.tell_at(time, time, at);
            assert_eq!(clock.at(time, at).trusted(), believed.then_some(time), "minute {minutes}");
        }
    }

    #[test]
    fn two_clocks_that_jump_back_together_are_believed_at_once() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        clock.tell_at(second(1_000_000), second(1_000_000), begin);
        let minute = begin + Duration::from_mins(1);
        clock.tell_at(second(1_090_060), second(1_090_060), minute);
        assert_eq!(clock.at(second(1_090_060), minute).trusted(), None);
        let later = begin + Duration::from_mins(2);
        clock.tell_at(second(1_000_120), second(1_000_120), later);
        assert_eq!(clock.at(second(1_000_120), later).trusted(), Some(second(1_000_120)));
    }
}
