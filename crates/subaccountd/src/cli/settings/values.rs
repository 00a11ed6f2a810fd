//! The values of settings, read from the command line and from variables.

use std::net::SocketAddr;

use clap::{ValueEnum, builder::TypedValueParser};
use jiff::SignedDuration;
use subaccountd_core::{AccountSid, Limit};
use subaccountd_twilio::trimmed;

use super::StatusListen;
use crate::telemetry;

/// The SID of an account. White space around it is not part of it. No error shows a text that may be a secret.
pub(crate) fn account_sid(text: &str) -> Result<AccountSid, String> {
    let text = trimmed(text);
    if text.contains(['"', '\'', '`', '\u{201c}', '\u{201d}']) {
        return Err("remove the quotes, and leave only the SID".to_owned());
    }
    if text.contains(['=', ':']) {
        return Err("this is more than a SID: leave only the SID".to_owned());
    }
    if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("this may be an auth token: give the account SID (AC…) here, and the token in TWILIO_AUTH_TOKEN or a \
                    file"
            .to_owned());
    }
    if text.starts_with("SK") {
        return Err("this is an API key, and a main account's key cannot reach its subaccounts: give the account SID (AC…) \
                    and its auth token"
            .to_owned());
    }
    text.parse()
        .map_err(|_| "it is not a valid account SID: expected AC and 32 hexadecimal digits".to_owned())
}

/// One of the words of a list, with or without blanks around it.
pub(crate) fn listed<T: ValueEnum + Clone + Send + Sync + 'static>() -> impl TypedValueParser<Value = T> {
    Listed(clap::builder::EnumValueParser::<T>::new())
}

/// A parser that gets its value without the white space around it.
#[derive(Clone)]
struct Listed<P>(P);

impl<P: TypedValueParser> TypedValueParser for Listed<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<P::Value, clap::Error> {
        let bare = value.to_str().map_or(value, |text| trimmed(text).as_ref());
        self.0.parse_ref(command, arg, bare)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    telemetry::filter(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "this is not a filter: write a level or `target=level`, as in `info`".to_owned())
}

/// Durations as `90s`, `5m`, `24h`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let longest = SignedDuration::from_hours(24 * 400);
    parsed
        .filter(|duration| !duration.is_negative() && *duration <= longest)
        .ok_or_else(|| "write a duration as in 90s, 5m or 24h, of at most 400 days".to_owned())
}

pub(super) fn positive(text: &str) -> Result<SignedDuration, String> {
    let long_enough = |duration: &SignedDuration| *duration >= SignedDuration::from_millis(10);
    Some(duration(text)?)
        .filter(long_enough)
        .ok_or_else(|| "write a duration of at least 10ms, as in 60s".to_owned())
}

pub(super) fn in_flight(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| (1..=1000).contains(n))
        .ok_or_else(|| "write a number from 1 to 1000".to_owned())
}

pub(super) fn limit(text: &str) -> Result<Limit, String> {
    let parsed = match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(Limit::Percent),
        None => text.parse().ok().map(Limit::Count),
    };
    parsed.ok_or_else(|| "write a count as in 5, or a percentage from 0% to 100%".to_owned())
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("write true, false, 1 or 0".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.replace("localhost:", "127.0.0.1:");
    let text = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text };
    text.parse().map_err(|_| "write an address and a port, as in 127.0.0.1:8080".to_owned())
}

pub(super) fn address_or_none(text: &str) -> Result<StatusListen, String> {
    if text == "none" { Ok(StatusListen::Off) } else { address(text).map(StatusListen::On) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counts_or_per_cent_up_to_100() {
        assert_eq!(limit("5"), Ok(Limit::Count(5)));
        assert_eq!(limit("0%"), Ok(Limit::Percent(0)));
        assert_eq!(limit("100%"), Ok(Limit::Percent(100)));
        for wrong in ["101%", "-1", "5 %", "", "%", "many", "300%"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_as_they_are_documented() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("24h", 86_400), ("0s", 0)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for wrong in ["90", "-5m", "soon", "99999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(positive("0s").is_err());
    }
}
