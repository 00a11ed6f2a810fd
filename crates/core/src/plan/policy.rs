//! The policy: the operator's settings, which limit what the state can ask for.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::ActionKind;

/// The shortest gap between passes that is recorded: times are whole seconds.
const MIN_GAP: SignedDuration = SignedDuration::from_secs(2);

/// The settings that the plan follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The allowed action kinds.
    pub verbs: BTreeSet<ActionKind>,
    /// The cooling-off period of a suspended account before it is closed; zero skips it.
    pub close_after: SignedDuration,
    /// The time from an order to release a number to its release; zero skips it.
    pub release_after: SignedDuration,
    /// The external suspensions that are lifted.
    pub reactivation: Reactivation,
    /// The rolling window of the budgets, and of the reverts that are counted.
    pub window: SignedDuration,
    /// The time between two passes: a gap of more than three intervals does not count towards a cooling-off period.
    pub interval: SignedDuration,
    /// True when allowances of the desired state raise limits.
    pub honors_allowances: bool,
    /// The write id from which on refused actions are not retried, as within one `apply`.
    pub no_retry_from: Option<u64>,
}

/// The external suspensions that are lifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reactivation {
    /// Those that were made before the desired status became `active`.
    #[default]
    Normal,
    /// None.
    Strict,
    /// All.
    Always,
}

impl Policy {
    /// The longest time without a pass that counts towards a rest of this length.
    pub(crate) fn longest_gap(&self, rest: SignedDuration) -> SignedDuration {
        (rest / 10).max(self.interval * 3).max(MIN_GAP)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            verbs: BTreeSet::from(ActionKind::ALL),
            close_after: SignedDuration::from_hours(72),
            release_after: SignedDuration::from_hours(24),
            reactivation: Reactivation::Normal,
            window: SignedDuration::from_hours(24),
            interval: SignedDuration::from_mins(1),
            honors_allowances: true,
            no_retry_from: None,
        }
    }
}
