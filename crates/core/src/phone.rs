//! Phone numbers in E.164: a plus, a country code and a subscriber number, 2 to 15 digits in all.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::sanitize_to;

/// The most characters of an invalid text that its error shows.
const MAX_SHOWN: usize = 80;

/// A phone number in E.164. Ordered by its value as a number, which is never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(NonZeroU64);

/// The error of a text that is not a valid E.164 phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid E.164 phone number: expected a plus and 2 to 15 digits, the first not 0")]
pub struct NotE164(String);

impl FromStr for PhoneNumber {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<Self, NotE164> {
        text.strip_prefix('+')
            .filter(|digits| (2..=15).contains(&digits.len()))
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0'))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| NotE164(sanitize_to(text, MAX_SHOWN)))
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_prints_as_it_was_written() {
        for text in ["+15105550101", "+493012345678", "+12", "+999999999999999"] {
            assert_eq!(text.parse::<PhoneNumber>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_e164_is_refused() {
        for text in ["", "+", "+1", "15105550101", "+0151", "+1510555010l", "+1 510", "+1234567890123456"] {
            assert!(text.parse::<PhoneNumber>().is_err(), "{text}");
        }
        let error = "+1\u{1b}[2J".parse::<PhoneNumber>().unwrap_err();
        assert!(error.to_string().starts_with("`+1\u{fffd}[2J`"), "{error}");
    }
}
