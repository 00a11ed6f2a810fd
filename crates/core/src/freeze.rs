//! A freeze: a person stopped all writes, beside the desired state.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::whole_seconds;

/// The mark of a person who stopped all writes. It only ever makes the daemon do less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Freeze {
    /// The reason that the person gave, or the reason why the mark cannot be read, sanitized.
    pub reason: String,
    /// The time at which the mark was set, by the clock of its file system.
    pub since: Option<Timestamp>,
}

/// Displayed as in `frozen since 2026-11-28T15:00:00Z: "carrier outage"`.
impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, since } = self;
        f.write_str("frozen")?;
        if let Some(since) = since {
            write!(f, " since {}", whole_seconds(*since))?;
        }
        write!(f, ": {reason:?}")
    }
}
