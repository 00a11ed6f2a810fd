//! The status of an account, and what leads from one to another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The three statuses of a Twilio account (Twilio's `account_enum_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Usable.
    Active,
    /// Not usable, keeps its numbers, can be reactivated.
    Suspended,
    /// Gone for good, with every number it held.
    Closed,
}

/// The way of an account from the observed status to the desired one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It is there.
    Settled,
    /// Lift a suspension.
    Reactivate,
    /// Suspend, which can be undone.
    Suspend,
    /// Empty it, suspend it, let it rest, close it.
    SuspendThenClose,
    /// Let it rest, close it.
    Close,
    /// Twilio never reopens a closed account (error 21479).
    Impossible,
}

impl Status {
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    /// The word that Twilio and the desired state use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The status that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The table: observed against desired.
pub const fn transition(observed: Status, desired: Status) -> Transition {
    use Status::{Active, Closed, Suspended};
    match (observed, desired) {
        (Active, Active) | (Suspended, Suspended) | (Closed, Closed) => Transition::Settled,
        (Suspended, Active) => Transition::Reactivate,
        (Active, Suspended) => Transition::Suspend,
        (Active, Closed) => Transition::SuspendThenClose,
        (Suspended, Closed) => Transition::Close,
        (Closed, Active | Suspended) => Transition::Impossible,
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
