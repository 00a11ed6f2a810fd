//! Decisions that a snapshot leaves open: it lacks a list on which the decision rests.

use super::held::{Hold, hold};
use crate::{AccountSid, ActionKind, PhoneNumber, Reason};

/// A decision that cannot be made from a snapshot. The daemon, which reads the list, may act, hold or be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotKnown {
    /// The account; for a number, the account that claims it. `None` when it is not known yet.
    pub account: Option<AccountSid>,
    /// The phone number.
    pub number: Option<PhoneNumber>,
    /// The action kind of the decision.
    pub kind: ActionKind,
    /// The list that the snapshot lacks.
    pub message: String,
}

impl NotKnown {
    /// The remedy for all of them.
    pub const REMEDY: &str = "use a snapshot that has every list: of `subaccountd snapshot`, or of a daemon that ran for its `--resync`";
}

/// The end of a decision for which the snapshot lacks a list.
pub(super) fn not_known(message: impl Into<String>) -> Hold {
    Hold { lacks_a_list: true, ..hold(Reason::Unreadable, message, NotKnown::REMEDY) }
}
