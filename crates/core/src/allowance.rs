//! Allowances: limits of the brake that the desired state raises for a time.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{ActionKind, Now};

/// The longest time ahead for which an allowance counts.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One allowance. Until its end, the limit is the larger of its own and this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// The action kind, which has a limit.
    pub verb: ActionKind,
    /// The limit meanwhile.
    pub up_to: usize,
    /// Its end.
    pub until: Timestamp,
    /// The reason, in free text.
    pub reason: String,
}

impl Allowance {
    /// Returns true when it counts at `now`. While the clocks disagree, none does.
    pub fn counts(&self, now: Now) -> bool {
        now.trusted().is_some_and(|now| now < self.until && self.until.duration_since(now) <= MAX_AHEAD)
    }
}
