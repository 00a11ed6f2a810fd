//! The status of an account, and the transitions between statuses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The three statuses of a Twilio account (Twilio's `account_enum_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The account is usable.
    Active,
    /// The account is not usable, keeps its numbers, and can be reactivated.
    Suspended,
    /// The account is permanently closed, and its numbers are released.
    Closed,
}

/// The transition of an account from its observed status to its desired status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The statuses are equal.
    Settled,
    /// Reactivate the account.
    Reactivate,
    /// Suspend the account, which can be undone.
    Suspend,
    /// Empty the account, suspend it, and close it after the cooling-off period.
    SuspendThenClose,
    /// Close the account after the cooling-off period.
    Close,
    /// The account is closed, and Twilio never reopens it (error 21479).
    Impossible,
}

impl Status {
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    /// The value at Twilio and in the desired state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The status with the value `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The transition for each pair of observed and desired status.
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
