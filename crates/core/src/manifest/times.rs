//! Dates and times, as the format writes them.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil, tz::TimeZone};

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, shown},
    fields::{malformed, word},
    yaml::Node,
};

/// Reads a date or a time, in UTC unless it has an offset.
pub(super) fn time(node: &Node, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<Timestamp> {
    let help = "write a date, as in \"2026-12-24\", or a time, as in \"2026-12-24T08:00:00Z\"";
    let written = word(node, key, help, diagnostics)?;
    let time = looks_like_a_time(written).then(|| instant(written)).flatten();
    if time.is_none() {
        let what = (
            DiagnosticCode::MalformedTime,
            format!("`{key}`: `{}` is not a valid date or time", shown(written)),
        );
        malformed(node, (key, written), what, help, diagnostics);
    }
    time
}

/// The most digits of a duration.
const MAX_DIGITS: usize = 8;
/// The longest duration.
const MAX_DURATION: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Reads a duration of at least a minute and at most 366 days: a number and a unit, as in `90m`, `62h` and `7d`.
pub(super) fn duration(node: &Node, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<SignedDuration> {
    let help = "write a duration of at least one minute and at most 366 days, as in `90m`, `62h` or `7d`";
    let written = word(node, key, help, diagnostics)?;
    let found =
        one_unit(written).filter(|found| (SignedDuration::from_mins(1)..=MAX_DURATION).contains(found));
    if found.is_none() {
        let message = format!("`{key}`: `{}` is not a valid duration", shown(written));
        malformed(node, (key, written), (DiagnosticCode::MalformedDuration, message), help, diagnostics);
    }
    found
}

/// The duration of a whole number and one unit. jiff accepts more.
fn one_unit(written: &str) -> Option<SignedDuration> {
    let number = written.strip_suffix(['s', 'm', 'h', 'd'])?;
    let is_number = number.len() <= MAX_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
    let span: Span = written.parse().ok().filter(|_| is_number)?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

fn instant(written: &str) -> Option<Timestamp> {
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let local = || written.parse::<civil::DateTime>().ok().and_then(utc);
    written.parse::<Timestamp>().ok().or_else(local)
}

/// Returns true when `written` has the format of a date or a time. jiff accepts more: week dates, and zone names, which it
/// ignores where there is no offset.
fn looks_like_a_time(written: &str) -> bool {
    let Some(rest) = after_template(written, "0000-00-00") else { return false };
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']).and_then(|rest| after_template(rest, "00:00")) else {
        return false;
    };
    let rest = after_template(rest, ":00").map_or(rest, |rest| {
        let fraction =
            rest.strip_prefix('.').map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()));
        fraction.unwrap_or(rest)
    });
    let offset = rest.strip_prefix(['+', '-']).and_then(|rest| after_template(rest, "00:00"));
    matches!(rest, "" | "Z" | "z") || offset == Some("")
}

/// The rest of `text` after a part that matches `template`, in which 0 is any digit.
fn after_template<'a>(text: &'a str, template: &str) -> Option<&'a str> {
    let (part, rest) = text.split_at_checked(template.len())?;
    let fits = |(c, like): (u8, u8)| if like == b'0' { c.is_ascii_digit() } else { c == like };
    part.bytes().zip(template.bytes()).all(fits).then_some(rest)
}
