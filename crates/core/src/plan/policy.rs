//! The policy: what the operator allows by settings, whatever the state says.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::ActionKind;

/// Settings that the plan obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The action kinds that may be used.
    pub verbs: BTreeSet<ActionKind>,
    /// The time for which an account rests suspended before it is closed; zero skips the rest.
    pub close_after: SignedDuration,
    /// The suspensions made by others that are lifted.
    pub reactivation: Reactivation,
    /// The time for which a write weighs on its budget, and for which an undoing counts.
    pub window: SignedDuration,
    /// The time between two passes: a longer absence than three of these does not count towards a rest.
    pub interval: SignedDuration,
    /// Actions refused since the write of this id are not retried at all, as within one `apply`.
    pub no_retry_from: Option<u64>,
}

/// The suspensions made by others that are lifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reactivation {
    /// Those that the account was in when the state began to say `active`.
    #[default]
    Normal,
    /// None.
    Strict,
    /// All.
    Always,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            verbs: BTreeSet::from(ActionKind::ALL),
            close_after: SignedDuration::from_hours(72),
            reactivation: Reactivation::Normal,
            window: SignedDuration::from_hours(24),
            interval: SignedDuration::from_mins(1),
            no_retry_from: None,
        }
    }
}
