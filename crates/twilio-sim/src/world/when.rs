//! A time in a world file: RFC 3339, or relative to now, as in `"-96h"` and `10d ago`.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time, absolute or relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(Timestamp),
    Ago(SignedDuration),
}

impl When {
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.saturating_add(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let ago = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
        match ago {
            Ok(ago) if !ago.is_positive() => Ok(Self::Ago(ago)),
            Ok(_) | Err(_) => {
                Err(format!("`{text}` is not a valid time: expected RFC 3339, or a time ago as in `-96h`"))
            }
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::Ago(ago) => write!(f, "{ago:#}"),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_relative() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let cases = [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("-96h", "2026-01-27T12:00:00Z"),
            ("10d ago", "2026-01-21T12:00:00Z"),
            ("90s ago", "2026-01-31T11:58:30Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<When>().unwrap().resolve(now).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_future_or_invalid_time_is_refused() {
        for wrong in ["96h", "yesterday", "", "1 month ago"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
