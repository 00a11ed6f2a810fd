//! The only place of the daemon where clocks are read: ours, a monotonic one, and Twilio's as it was last told.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{CLOCK_TOLERANCE, Now};

/// Both other clocks may have jumped together while this process stood still: after so long without another jump the new
/// time is believed.
const BELIEVED_AFTER: Duration = Duration::from_hours(1);

/// Now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the edge at which the clock is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Twilio's clock as it was last told, moved on by a monotonic one.
#[derive(Debug, Default)]
pub(crate) struct TwilioClock {
    told: Option<(Timestamp, Instant)>,
    /// The last time at which what was told and what was expected lay too far apart.
    jumped: Option<Instant>,
}

impl TwilioClock {
    /// Takes in the `Date` of an answer that came just now.
    pub(crate) fn tell(&mut self, date: Timestamp) {
        self.tell_at(date, Instant::now());
    }

    fn tell_at(&mut self, date: Timestamp, at: Instant) {
        if let Some(expected) = self.expected(at)
            && date.duration_since(expected).abs() > CLOCK_TOLERANCE
        {
            self.jumped = Some(at);
        }
        self.told = Some((date, at));
    }

    /// The time by all clocks.
    pub(crate) fn now(&self) -> Now {
        self.at(now(), Instant::now())
    }

    fn at(&self, local: Timestamp, at: Instant) -> Now {
        let steady = self.jumped.is_none_or(|jumped| at.saturating_duration_since(jumped) >= BELIEVED_AFTER);
        Now { local, twilio: self.expected(at), steady }
    }

    fn expected(&self, at: Instant) -> Option<Timestamp> {
        let (date, told_at) = self.told?;
        let elapsed = SignedDuration::try_from(at.saturating_duration_since(told_at)).ok()?;
        date.checked_add(elapsed).ok()
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
        clock.tell_at(second(1_000_000), begin);
        let later = begin + Duration::from_secs(90);
        assert_eq!(clock.at(second(1_000_090), later).trusted(), Some(second(1_000_090)));
        let ours_stepped = clock.at(second(2_000_000), later);
        assert_eq!((ours_stepped.twilio, ours_stepped.trusted()), (Some(second(1_000_090)), None));
    }

    #[test]
    fn two_clocks_that_jump_together_are_believed_after_an_hour() {
        let (mut clock, begin) = (TwilioClock::default(), Instant::now());
        clock.tell_at(second(1_000_000), begin);
        let minute = begin + Duration::from_mins(1);
        let day_later = second(1_000_060 + 25 * 3600);
        clock.tell_at(day_later, minute);
        assert_eq!(clock.at(day_later, minute).trusted(), None);
        let almost = minute + Duration::from_secs(3599);
        let after = |seconds| day_later + SignedDuration::from_secs(seconds);
        clock.tell_at(after(3599), almost);
        assert_eq!(clock.at(after(3599), almost).trusted(), None);
        let hour = minute + Duration::from_hours(1);
        assert_eq!(clock.at(after(3600), hour).trusted(), Some(after(3600)));
    }
}
