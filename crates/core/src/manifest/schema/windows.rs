//! The schema of `windows` and `allowances`.

use schemars::JsonSchema;

use super::{super::windows::is_time_zone, Time};

/// One part of a field, as a pattern: a number, a range, a range with a step, or a step.
macro_rules! part {
    ($number:literal) => {
        concat!("(", $number, "(-", $number, "(/(0?[1-9]|[1-5][0-9]))?)?|\\*/(0?[1-9]|[1-5][0-9]))")
    };
}

/// One field of a schedule, as a pattern.
macro_rules! field {
    ($number:literal) => {
        concat!("(\\*|", part!($number), "(,", part!($number), ")*)")
    };
}

/// The white space between two fields.
macro_rules! gap {
    () => {
        "[ \\t\\n\\f\\r]+"
    };
}

/// The five fields of a schedule. Ranges that go backwards pass here only.
const SCHEDULE: &str = concat!(
    "^[ \\t\\n\\f\\r]*",
    field!("[0-5]?[0-9]"),
    gap!(),
    field!("([01]?[0-9]|2[0-3])"),
    gap!(),
    field!("(0?[1-9]|[12][0-9]|3[01])"),
    gap!(),
    field!(
        "(0?[1-9]|1[0-2]|[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][Rr]|[Aa][Pp][Rr]|[Mm][Aa][Yy]|[Jj][Uu][Nn]|[Jj][Uu][Ll]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc])"
    ),
    gap!(),
    field!(
        "(0?[0-7]|[Ss][Uu][Nn]|[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt])"
    ),
    "[ \\t\\n\\f\\r]*$"
);

/// A recurring time in which verbs are not used.
#[derive(JsonSchema)]
#[schemars(rename = "Window", rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
pub(super) struct WindowSchema {
    /// When it begins, in five cron fields: minute, hour, day of month, month, day of week. When both days are given, either
    /// fits.
    #[schemars(regex(pattern = SCHEDULE), extend("examples" = ["0 18 * * 5"]))]
    schedule: String,
    /// The time that it lasts: from one minute to 366 days.
    duration: DurationSchema,
    /// The time zone of the schedule: a name of the IANA database, `UTC` by default.
    time_zone: Option<TimeZoneName>,
    /// The verbs that are not used meanwhile. By default `suspend`, `transfer`, `configure`, `endCalls`, `release` and `close`.
    #[schemars(length(min = 1))]
    verbs: Option<Vec<Verb>>,
    /// The reason, in free text: shown beside what waits.
    #[schemars(length(min = 1, max = 1024))]
    reason: Option<String>,
}

/// A verb.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum Verb {
    Reactivate,
    Create,
    Transfer,
    Suspend,
    Configure,
    EndCalls,
    Release,
    Close,
}

/// A limit that is raised for a time: until then it is the larger of its own and this one. A limit of 0 is never raised.
#[derive(JsonSchema)]
#[schemars(rename = "Allowance", rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
pub(super) struct AllowanceSchema {
    /// The verb whose limit is raised.
    verb: LimitedVerb,
    /// The limit meanwhile.
    #[schemars(range(min = 1, max = 999_999_999))]
    up_to: u32,
    /// The end. An allowance counts from 7 days before it.
    until: Time,
    /// The reason, in free text: kept in the journal beside each write that the allowance made possible.
    #[schemars(length(min = 1, max = 1024))]
    reason: String,
}

/// A verb that has a limit.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum LimitedVerb {
    Reactivate,
    Create,
    Transfer,
    Suspend,
    Configure,
    Release,
    Close,
}

/// The name of a time zone.
#[derive(JsonSchema)]
#[schemars(rename = "TimeZone", extend("enum" = time_zones(), "examples" = ["Europe/Berlin", "UTC"]))]
struct TimeZoneName(String);

/// The names of the time zones that this program knows.
fn time_zones() -> Vec<String> {
    let known = jiff::tz::db().available().map(|name| name.as_str().to_owned());
    let mut known: Vec<_> = known.filter(|name| is_time_zone(name)).collect();
    known.sort();
    known
}

/// A duration: a whole number and a unit. More than 366 days pass here only.
#[derive(JsonSchema)]
#[schemars(rename = "Duration", extend("examples" = ["90m", "62h", "7d"]))]
struct DurationSchema(
    #[schemars(regex(pattern = "^0*([1-9][0-9]*[mhd]|(6[0-9]|[7-9][0-9]|[1-9][0-9]{2,})s)$"))] String,
);
