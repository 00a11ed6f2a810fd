//! Schedules in the five fields of cron, on the clock of a time zone.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Serialize, Serializer};

/// The five fields.
const FIELDS: [Field; 5] = [
    Field { what: "minute", first: 0, last: 59, names: &[] },
    Field { what: "hour", first: 0, last: 23, names: &[] },
    Field { what: "day of month", first: 1, last: 31, names: &[] },
    Field {
        what: "month",
        first: 1,
        last: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field {
        what: "day of week",
        first: 0,
        last: 7,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    },
];
/// A clock repeats or leaves out less than this at once.
const MOST_REPEATED: i64 = 25;

/// A recurring start. A start that the clock of the time zone leaves out comes at the next minute that there is; one that
/// comes twice counts once, the first time.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    time_zone: TimeZone,
    /// `None` when it never comes, as on 30 February.
    cron: Option<Box<Cron>>,
}

impl Schedule {
    /// Reads `text`: minute, hour, day of month, month and day of week. When both days are given, either fits.
    ///
    /// # Errors
    /// The part that cannot be read, in words.
    pub fn new(text: &str, time_zone: TimeZone) -> Result<Self, String> {
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(format!(
                "{} fields, not 5: minute, hour, day of month, month, day of week",
                fields.len()
            ));
        }
        for (text, field) in fields.iter().zip(&FIELDS) {
            field.check(text).map_err(|why| format!("{} `{text}`: {why}", field.what))?;
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        // A step of 1 leaves nothing out, so that a day with it is not given.
        let is_all = |field: &str| field.split(',').any(|part| part == "*/1");
        let meant: Vec<_> = fields.iter().map(|field| if is_all(field) { "*" } else { *field }).collect();
        let parse = |text: &str| parser.parse(text).map_err(|error| error.to_string());
        let days = parse(&format!("0 0 {}", meant[2..].join(" ")))?;
        let cron = parse(&meant.join(" "))?;
        let cron = comes(&days).then(|| Box::new(cron));
        Ok(Self { text: fields.join(" "), time_zone, cron })
    }

    /// The five fields.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the time zone.
    pub fn time_zone(&self) -> &str {
        self.time_zone.iana_name().unwrap_or("UTC")
    }

    /// Returns true when no day of the calendar fits.
    pub const fn never_comes(&self) -> bool {
        self.cron.is_none()
    }

    /// The last start at or before `time`.
    pub fn last(&self, time: Timestamp) -> Option<Timestamp> {
        let cron = self.cron.as_deref()?;
        let mut civil = self.around(time).into_iter().max()?;
        loop {
            let found = cron.find_previous_occurrence(&utc(civil)?, true).ok()?.datetime();
            match self.at(found)? {
                start if start <= time => return Some(start),
                _ => civil = found.checked_sub(1.minute()).ok()?,
            }
        }
    }

    /// The first start after `time`.
    pub fn next(&self, time: Timestamp) -> Option<Timestamp> {
        let cron = self.cron.as_deref()?;
        let mut civil = self.around(time).into_iter().min()?;
        loop {
            let found = next(cron, civil)?;
            match self.at(found)? {
                start if start > time => return Some(start),
                _ => civil = found.checked_add(1.minute()).ok()?,
            }
        }
    }

    /// The times of the wall clock at `time`, by its offset and by those before and after a jump nearby.
    fn around(&self, time: Timestamp) -> [DateTime; 3] {
        [-MOST_REPEATED, 0, MOST_REPEATED].map(|hours| {
            let nearby = time.checked_add(hours.hours()).unwrap_or(time);
            self.time_zone.to_offset(nearby).to_datetime(time)
        })
    }

    /// The moment at which the wall clock shows `civil`.
    fn at(&self, civil: DateTime) -> Option<Timestamp> {
        let ambiguous = self.time_zone.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
            // The clock jumps over it: the moment of the jump.
            AmbiguousOffset::Gap { .. } => {
                let before = ambiguous.earlier().ok()?;
                Some(self.time_zone.following(before).next()?.timestamp())
            }
        }
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.time_zone()) == (&other.text, other.time_zone())
    }
}

impl Eq for Schedule {}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (&self.text, self.time_zone()).serialize(to)
    }
}

/// Returns true when a day of a leap year fits `days`. croner searches for one that never comes until the year 5000.
fn comes(days: &Cron) -> bool {
    let first = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
    let day = |n: i64| utc(first.checked_add(n.days()).ok()?);
    (0..366).filter_map(day).any(|day| days.is_time_matching(&day).unwrap_or_default())
}

/// The first civil time at or after `from` that fits `cron`.
fn next(cron: &Cron, from: DateTime) -> Option<DateTime> {
    Some(cron.find_next_occurrence(&utc(from)?, true).ok()?.datetime())
}

/// A civil time on a clock that never jumps: the library has rules of its own for jumps.
fn utc(civil: DateTime) -> Option<Zoned> {
    civil.to_zoned(TimeZone::UTC).ok()
}

/// One of the five fields.
struct Field {
    what: &'static str,
    first: u8,
    last: u8,
    /// The words for its numbers, from `first` on.
    names: &'static [&'static str],
}

impl Field {
    /// Checks that `text` has a form that every cron knows: the library reads signs as well that others do not.
    fn check(&self, text: &str) -> Result<(), String> {
        if text == "*" {
            return Ok(());
        }
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let is_one = match range.split_once('-') {
                Some((from, to)) => {
                    let (from, to) = (self.number(from)?, self.number(to)?);
                    // A week may end with the day that it begins with.
                    if from > to && !(self.last == 7 && to == 0) {
                        return Err(format!("the range {range} goes backwards"));
                    }
                    false
                }
                None if range == "*" && step.is_some() => false,
                None if range == "*" => return Err("`*` beside others means all: write `*` alone".to_owned()),
                None => self.number(range).map(|_| true)?,
            };
            match step {
                Some(_) if is_one => {
                    return Err("a step needs `*` or a range before it, as in `*/2` or `0-30/2`".to_owned());
                }
                Some(step) if !is_digits(step) || !matches!(step.parse(), Ok(1..=59)) => {
                    return Err("a step is a number from 1 to 59".to_owned());
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// The number that `text` is or names.
    fn number(&self, text: &str) -> Result<u8, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(at) = named.and_then(|at| u8::try_from(at).ok()) {
            return Ok(self.first + at);
        }
        if !is_digits(text) {
            return Err("write numbers, `*`, ranges as in `1-5`, and steps as in `*/2`, separated by commas"
                .to_owned());
        }
        let number = text.parse().ok().filter(|number| (self.first..=self.last).contains(number));
        number.ok_or_else(|| format!("{text} is not from {} to {}", self.first, self.last))
    }
}

/// Returns true for one or two digits.
fn is_digits(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str, zone: &str) -> Schedule {
        Schedule::new(text, TimeZone::get(zone).unwrap()).unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The starts from `from` until before `until`, found by both searches.
    fn starts(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
        let (from, until) = (time(from), time(until));
        let mut forwards = Vec::new();
        let mut at = from - 1.second();
        while let Some(next) = schedule.next(at).filter(|next| *next < until) {
            forwards.push(next.to_string());
            at = next;
        }
        let mut backwards = Vec::new();
        let mut at = until - 1.second();
        while let Some(last) = schedule.last(at).filter(|last| *last >= from) {
            backwards.push(last.to_string());
            at = last - 1.second();
        }
        backwards.reverse();
        assert_eq!(forwards, backwards);
        forwards
    }

    #[test]
    fn schedule_starts_by_the_clock_of_its_time_zone() {
        let fridays = schedule("0 18 * * 5", "Europe/Berlin");
        let found = starts(&fridays, "2026-10-15T00:00:00Z", "2026-11-07T00:00:00Z");
        assert_eq!(
            found,
            ["2026-10-16T16:00:00Z", "2026-10-23T16:00:00Z", "2026-10-30T17:00:00Z", "2026-11-06T17:00:00Z"]
        );
    }

    #[test]
    fn start_that_the_clock_leaves_out_comes_at_the_next_minute_that_there_is() {
        // On 29 March 2026 the clock of Berlin goes from 02:00 to 03:00, at 01:00 UTC.
        for text in ["30 2 * * *", "0 2 * * *", "59 2 * * *"] {
            let daily = schedule(text, "Europe/Berlin");
            let found = starts(&daily, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
            assert_eq!(found, ["2026-03-29T01:00:00Z"], "{text}");
        }
        // In New York from 02:00 to 03:00 on 8 March, at 07:00 UTC; on Lord Howe Island by half an hour, on 4 October.
        let found = starts(
            &schedule("15 2 * * *", "America/New_York"),
            "2026-03-08T00:00:00Z",
            "2026-03-09T00:00:00Z",
        );
        assert_eq!(found, ["2026-03-08T07:00:00Z"]);
        let found = starts(
            &schedule("10 2 * * *", "Australia/Lord_Howe"),
            "2026-10-03T12:00:00Z",
            "2026-10-04T12:00:00Z",
        );
        assert_eq!(found, ["2026-10-03T15:30:00Z"]);
        // Several that are left out are one start, and the first after them stands for itself.
        let found = starts(
            &schedule("*/20 2,3 * * *", "Europe/Berlin"),
            "2026-03-28T12:00:00Z",
            "2026-03-29T12:00:00Z",
        );
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"]);
    }

    #[test]
    fn start_that_comes_twice_counts_once() {
        // On 25 October 2026 the clock of Berlin goes from 03:00 back to 02:00, at 01:00 UTC.
        let found =
            starts(&schedule("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(found, ["2026-10-25T00:30:00Z"]);
        let found = starts(
            &schedule("*/30 2,3 * * *", "Europe/Berlin"),
            "2026-10-24T12:00:00Z",
            "2026-10-25T12:00:00Z",
        );
        let expected =
            ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"];
        assert_eq!(found, expected);
    }

    #[test]
    fn day_that_a_time_zone_left_out_has_no_starts_of_its_own() {
        // Samoa had no 30 December 2011.
        let found =
            starts(&schedule("0 12 * * *", "Pacific/Apia"), "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z");
        assert_eq!(found, ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]);
    }

    #[test]
    fn both_days_given_means_either() {
        let either = schedule("0 0 13 * 5", "UTC");
        let found = starts(&either, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let days: Vec<_> = found.iter().map(|start| &start[8..10]).collect();
        assert_eq!(days, ["06", "13", "20", "27"]);
        let every = schedule("0 0 */1 * 1", "UTC");
        assert_eq!(starts(&every, "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"), ["2026-11-02T00:00:00Z"]);
        let stepped = schedule("0 0 */10 * 1", "UTC");
        let found = starts(&stepped, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let days: Vec<_> = found.iter().map(|start| &start[8..10]).collect();
        assert_eq!(days, ["01", "02", "09", "11", "16", "21", "23", "30"]);
    }

    #[test]
    fn schedule_that_no_day_fits_never_comes() {
        let never = schedule("0 0 30 2 *", "UTC");
        assert!(never.never_comes());
        assert_eq!(
            (never.last(time("2026-01-01T00:00:00Z")), never.next(time("2026-01-01T00:00:00Z"))),
            (None, None)
        );
        assert!(!schedule("0 0 29 2 *", "UTC").never_comes());
        assert!(!schedule("0 0 30 2 1", "UTC").never_comes());
    }

    #[test]
    fn names_of_months_and_days_are_read_in_their_fields_alone() {
        let named = schedule("0 0 1 jan-MAR Sun", "UTC");
        assert_eq!(named, schedule("0 0  1 jan-MAR Sun", "UTC"));
        assert!(Schedule::new("0 JAN * * *", TimeZone::UTC).is_err());
        assert!(Schedule::new("0 0 * MON *", TimeZone::UTC).is_err());
    }

    #[test]
    fn text_that_not_every_cron_reads_is_refused_with_its_field() {
        let refused = |text: &str| Schedule::new(text, TimeZone::UTC).unwrap_err();
        insta::assert_snapshot!(refused("* * * *"), @"4 fields, not 5: minute, hour, day of month, month, day of week");
        for text in
            ["@daily", "", "0 0 * * * *", "0 0 L * *", "0 0 15W * *", "0 0 * * 1#2", "0 0 ? * *", "H H * * *"]
        {
            refused(text);
        }
        for text in ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8"] {
            refused(text);
        }
        for text in [
            "5/10 * * * *",
            "*/0 * * * *",
            "10-5 * * * *",
            "1,,2 * * * *",
            "1- * * * *",
            "*,5 * * * *",
            "-5 * * * *",
            "+1 * * * *",
        ] {
            refused(text);
        }
        insta::assert_snapshot!(refused("0 0 L * *"), @"day of month `L`: write numbers, `*`, ranges as in `1-5`, and steps as in `*/2`, separated by commas");
        insta::assert_snapshot!(refused("60 * * * *"), @"minute `60`: 60 is not from 0 to 59");
        insta::assert_snapshot!(refused("10-5 * * * *"), @"minute `10-5`: the range 10-5 goes backwards");
        insta::assert_snapshot!(refused("5/10 * * * *"), @"minute `5/10`: a step needs `*` or a range before it, as in `*/2` or `0-30/2`");
    }
}
