//! Now, by two clocks: ours and Twilio's. What decides is Twilio's; where the two disagree, nothing is decided.

use jiff::{SignedDuration, Timestamp};

/// The most that the two clocks may differ.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The time of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Our clock.
    pub local: Timestamp,
    /// Twilio's `Date`, when it sent one.
    pub twilio: Option<Timestamp>,
}

impl Now {
    /// Twilio's time in whole seconds; `None` when it is missing, or too far from ours.
    pub fn trusted(self) -> Option<Timestamp> {
        let twilio = whole_seconds(self.twilio?);
        (twilio.duration_since(self.local).abs() <= TOLERANCE).then_some(twilio)
    }

    /// Twilio's time when it can be trusted, else ours: for pauses and for what is only shown.
    pub fn best(self) -> Timestamp {
        self.trusted().unwrap_or_else(|| whole_seconds(self.local))
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
    fn a_clock_five_minutes_off_is_trusted_and_one_second_more_is_not() {
        let local = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, trusted) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let twilio = local + SignedDuration::from_secs(seconds);
            let now = Now { local, twilio: Some(twilio) };
            assert_eq!(now.trusted(), trusted.then_some(twilio), "{seconds}");
        }
        assert_eq!(Now { local, twilio: None }.trusted(), None);
    }
}
