//! Time: one pessimistic value of three clocks. Twilio's clock decides; while it, the local clock and a monotonic clock
//! disagree, no cooling-off period ends and no budget is freed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The largest difference between two clocks that agree.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The time of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The local clock.
    pub local: Timestamp,
    /// Twilio's `Date`, or the last one advanced by a monotonic clock; `None` when unknown.
    pub twilio: Option<Timestamp>,
    /// True when Twilio's clock advanced since the last pass as much as a monotonic clock.
    pub steady: bool,
}

/// The time of a fact in history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Twilio's time in whole seconds, or the local time.
    pub at: Timestamp,
    /// True when the clocks disagreed. The fact counts as recent until a later pass has a trusted time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

impl Now {
    /// The time by the local clock and, when it is known, by Twilio's.
    pub const fn new(local: Timestamp, twilio: Option<Timestamp>) -> Self {
        Self { local, twilio, steady: true }
    }

    /// Twilio's time in whole seconds; `None` when it is missing or another clock contradicts it.
    pub fn trusted(self) -> Option<Timestamp> {
        let twilio = whole_seconds(self.twilio?);
        let near = twilio.duration_since(self.local).abs() <= CLOCK_TOLERANCE;
        (near && self.steady).then_some(twilio)
    }

    /// Twilio's time when it is trusted, else the local time: for pauses and for display.
    pub fn best(self) -> Timestamp {
        self.trusted().unwrap_or_else(|| whole_seconds(self.local))
    }

    /// The earlier time of the two clocks: for permissions that must not begin too early.
    pub fn earliest(self) -> Timestamp {
        self.twilio.map_or(self.local, |twilio| twilio.min(self.local))
    }

    /// The earliest and the latest time of the two clocks.
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        (self.earliest(), self.twilio.map_or(self.local, |twilio| twilio.max(self.local)))
    }

    /// The stamp of a fact of this moment.
    pub fn stamp(self) -> Stamp {
        Stamp { at: self.best(), unsure: self.trusted().is_none() }
    }
}

impl Stamp {
    /// Returns true when the fact is within the last `window`. Always true while the clocks disagree, and when they disagreed
    /// at the time of the fact.
    pub fn within(self, now: Now, window: SignedDuration) -> bool {
        self.unsure || now.trusted().is_none_or(|now| now.duration_since(self.at) < window)
    }

    /// Returns true when the fact is certainly within the last `window`: false while the clocks disagree, and when they
    /// disagreed at the time of the fact.
    pub fn surely_within(self, now: Now, window: SignedDuration) -> bool {
        !self.unsure && now.trusted().is_some_and(|now| now.duration_since(self.at) < window)
    }

    /// Returns true when a pause that began at this time is over. A time in the future comes from a wrong clock, and the
    /// pause counts as over.
    pub fn is_over(self, now: Now, pause: SignedDuration) -> bool {
        let elapsed = now.best().duration_since(self.at);
        elapsed >= pause || elapsed < -CLOCK_TOLERANCE
    }

    /// The stamp of a time by Twilio's clock.
    pub const fn sure(at: Timestamp) -> Self {
        Self { at, unsure: false }
    }
}

/// `time` without its fraction of a second, as Twilio's dates have none.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_trusted_up_to_five_minutes_and_not_one_second_more() {
        let local = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, trusted) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let twilio = local + SignedDuration::from_secs(seconds);
            let now = Now::new(local, Some(twilio));
            assert_eq!(now.trusted(), trusted.then_some(twilio), "{seconds}");
            assert_eq!(Now { steady: false, ..now }.trusted(), None, "both clocks jumped");
        }
        assert_eq!(Now::new(local, None).trusted(), None);
    }

    #[test]
    fn fact_of_a_doubtful_time_stays_in_every_window() {
        let now = Now::new(
            Timestamp::from_second(1_000_000).unwrap(),
            Some(Timestamp::from_second(1_000_000).unwrap()),
        );
        let window = SignedDuration::from_hours(24);
        let old = Timestamp::from_second(1).unwrap();
        assert!(!Stamp::sure(old).within(now, window));
        assert!(Stamp { at: old, unsure: true }.within(now, window));
        assert!(Stamp::sure(old).within(Now { steady: false, ..now }, window));
        let recent = now.best();
        assert!(Stamp::sure(recent).surely_within(now, window));
        assert!(!Stamp::sure(old).surely_within(now, window));
        assert!(!Stamp { at: recent, unsure: true }.surely_within(now, window));
        assert!(!Stamp::sure(recent).surely_within(Now { steady: false, ..now }, window));
    }

    #[test]
    fn pause_that_began_in_the_future_is_over() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let now = Now::new(at(1_000_000), Some(at(1_000_000)));
        let pause = SignedDuration::from_secs(15);
        assert!(!Stamp::sure(at(999_990)).is_over(now, pause));
        assert!(Stamp::sure(at(999_985)).is_over(now, pause));
        assert!(!Stamp::sure(at(1_000_200)).is_over(now, pause));
        assert!(!Stamp::sure(at(1_000_300)).is_over(now, pause));
        assert!(Stamp::sure(at(1_000_301)).is_over(now, pause));
    }
}
