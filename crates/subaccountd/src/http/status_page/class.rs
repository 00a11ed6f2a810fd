//! The classes of accounts on the page.

use subaccountd_core::{ConditionReason, ConditionStatus, report::AccountView};

/// The condition of an account; the classes that need a person come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Something should change and is not changed.
    Held,
    /// It could not be read.
    Unknown,
    /// Something is planned.
    Planned,
    /// It is in sync.
    InSync,
}

impl Class {
    pub(super) const ALL: [Self; 4] = [Self::Held, Self::Unknown, Self::Planned, Self::InSync];

    /// The word in queries and style sheets.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Planned => "planned",
            Self::InSync => "in-sync",
        }
    }

    /// The word on the page.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Held | Self::Unknown | Self::Planned => self.as_str(),
        }
    }

    pub(super) fn of(account: &AccountView) -> Self {
        let condition = &account.conditions[0];
        match (condition.status, condition.reason) {
            (ConditionStatus::True, _) => Self::InSync,
            (ConditionStatus::Unknown, _) => Self::Unknown,
            (ConditionStatus::False, ConditionReason::Planned(_)) => Self::Planned,
            (
                ConditionStatus::False,
                ConditionReason::Held(_) | ConditionReason::InSync | ConditionReason::Absent,
            ) => Self::Held,
        }
    }
}
