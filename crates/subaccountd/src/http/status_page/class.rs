//! The classes of accounts on the page.

use subaccountd_core::{ConditionReason, ConditionStatus, Reason, report::AccountView};

/// The condition of an account; the classes that need a person come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Something should change and is not changed, until a person does something.
    Held,
    /// It could not be read.
    Unknown,
    /// Something is held that only time, or the person who paused it, ends.
    Waiting,
    /// Something is planned.
    Planned,
    /// It is in sync.
    InSync,
}

impl Class {
    pub(super) const ALL: [Self; 5] = [Self::Held, Self::Unknown, Self::Waiting, Self::Planned, Self::InSync];

    /// The word in queries and style sheets.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Planned => "planned",
            Self::InSync => "in-sync",
        }
    }

    /// The word on the page.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Held => "needs you",
            Self::InSync => "in sync",
            Self::Unknown | Self::Waiting | Self::Planned => self.as_str(),
        }
    }

    /// What the verdict says of so many accounts.
    pub(super) const fn predicate(self, number: usize) -> &'static str {
        match self {
            Self::Held if number == 1 => "needs you",
            Self::Held => "need you",
            Self::Unknown | Self::Waiting | Self::Planned | Self::InSync => self.label(),
        }
    }

    /// The class of an account for which something is held.
    pub(super) const fn of_held(reason: Reason) -> Self {
        if reason.only_waits() { Self::Waiting } else { Self::Held }
    }

    pub(super) fn of(account: &AccountView) -> Self {
        let condition = &account.conditions[0];
        match (condition.status, condition.reason) {
            (ConditionStatus::True, _) => Self::InSync,
            (ConditionStatus::Unknown, _) => Self::Unknown,
            (ConditionStatus::False, ConditionReason::Planned(_)) => Self::Planned,
            (ConditionStatus::False, ConditionReason::Held(reason)) => Self::of_held(reason),
            (ConditionStatus::False, ConditionReason::InSync | ConditionReason::Absent) => Self::Held,
        }
    }
}
