//! Held items: actions that are not done, each with its reason, a message and a remedy.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Context;
use crate::{
    AccountRef, Action, ActionKind, Entry, Pause, PhoneNumber, Status, Target, Transfer,
    history::{Backoff, LAG},
    text::hidden_difference,
};

/// The number of reverted writes of one target after which it is held.
const CONTESTED_AFTER: usize = 2;
/// Twilio's code for the most subaccounts of a main account: 1,000 by default, closed ones do not count.
const MOST_ACCOUNTS: u32 = 21480;
/// The number of tries in a row with a failed proof after which the action is held.
const MAX_UNPROVEN: u32 = 3;

/// The reason for which something is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Reason {
    /// The account is not among the main account's subaccounts.
    UnknownAccount,
    /// Several accounts may be meant by an entry without a SID.
    AmbiguousName,
    /// The last tries of the write ended unknown.
    Unconfirmed,
    /// No account that was read holds the number.
    UnknownNumber,
    /// The account is closed, and cannot be reopened.
    AlreadyClosed,
    /// A required fact could not be read.
    Unreadable,
    /// The state, the account, or an account that it exchanges a number with is paused.
    Paused,
    /// The state and Twilio name the account differently.
    NameMismatch,
    /// The account was suspended externally.
    SuspendedElsewhere,
    /// The receiving account is not active.
    TargetNotActive,
    /// The transfer needs an address.
    NeedsAddress,
    /// The transfer needs a regulatory bundle.
    NeedsBundle,
    /// The number to release has a registered emergency address.
    EmergencyAddress,
    /// The state has faults.
    StateFaults,
    /// The account to close still holds numbers.
    StillHoldsNumbers,
    /// The cooling-off period before a close or a release is not over.
    CoolingOff,
    /// Writes of the daemon were reverted externally twice.
    Contested,
    /// Twilio refused the action.
    RefusedByTwilio,
    /// The action kind is not allowed.
    NotAllowed,
    /// A window of the state holds the action kind.
    OutsideWindow,
    /// The action kind is over its limit.
    OverLimit,
}

impl Reason {
    /// Returns true when it needs no action: it ends with time, or when the person who paused it resumes it.
    pub const fn only_waits(self) -> bool {
        match self {
            Self::CoolingOff | Self::Paused | Self::OutsideWindow => true,
            Self::UnknownAccount
            | Self::AmbiguousName
            | Self::Unconfirmed
            | Self::UnknownNumber
            | Self::AlreadyClosed
            | Self::Unreadable
            | Self::NameMismatch
            | Self::SuspendedElsewhere
            | Self::TargetNotActive
            | Self::NeedsAddress
            | Self::NeedsBundle
            | Self::EmergencyAddress
            | Self::StateFaults
            | Self::StillHoldsNumbers
            | Self::Contested
            | Self::RefusedByTwilio
            | Self::NotAllowed
            | Self::OverLimit => false,
        }
    }

    /// Every reason, in the order of the contract.
    pub const ALL: [Self; 21] = [
        Self::UnknownAccount,
        Self::AmbiguousName,
        Self::Unconfirmed,
        Self::UnknownNumber,
        Self::AlreadyClosed,
        Self::Unreadable,
        Self::Paused,
        Self::NameMismatch,
        Self::SuspendedElsewhere,
        Self::TargetNotActive,
        Self::NeedsAddress,
        Self::NeedsBundle,
        Self::EmergencyAddress,
        Self::StateFaults,
        Self::StillHoldsNumbers,
        Self::CoolingOff,
        Self::Contested,
        Self::RefusedByTwilio,
        Self::NotAllowed,
        Self::OutsideWindow,
        Self::OverLimit,
    ];

    /// The name in plans, status and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "UnknownAccount",
            Self::AmbiguousName => "AmbiguousName",
            Self::Unconfirmed => "Unconfirmed",
            Self::UnknownNumber => "UnknownNumber",
            Self::AlreadyClosed => "AlreadyClosed",
            Self::Unreadable => "Unreadable",
            Self::Paused => "Paused",
            Self::NameMismatch => "NameMismatch",
            Self::SuspendedElsewhere => "SuspendedElsewhere",
            Self::TargetNotActive => "TargetNotActive",
            Self::NeedsAddress => "NeedsAddress",
            Self::NeedsBundle => "NeedsBundle",
            Self::EmergencyAddress => "EmergencyAddress",
            Self::StateFaults => "StateFaults",
            Self::StillHoldsNumbers => "StillHoldsNumbers",
            Self::CoolingOff => "CoolingOff",
            Self::Contested => "Contested",
            Self::RefusedByTwilio => "RefusedByTwilio",
            Self::NotAllowed => "NotAllowed",
            Self::OutsideWindow => "OutsideWindow",
            Self::OverLimit => "OverLimit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An action that the state asks for and that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The reason for which it is held.
    pub reason: Reason,
    /// The action kind that is held.
    pub kind: ActionKind,
    /// The account; for a number, the account that claims it.
    pub account: AccountRef,
    /// The phone number, for a hold of a transfer, a configure or a release.
    pub number: Option<PhoneNumber>,
    /// The facts, which name the targets.
    pub message: String,
    /// The steps that a person can take.
    pub remedy: String,
    /// The earliest time at which it ends by itself, when that is known.
    pub due: Option<Timestamp>,
}

/// A reason with its message and remedy, before it is assigned to an action.
pub(crate) struct Hold {
    pub(super) reason: Reason,
    pub(super) message: String,
    pub(super) remedy: String,
    pub(super) due: Option<Timestamp>,
    /// True when it is not a hold of the daemon's: the snapshot of the plan lacks a list.
    pub(super) lacks_a_list: bool,
}

pub(crate) fn hold(reason: Reason, message: impl Into<String>, remedy: impl Into<String>) -> Hold {
    Hold { reason, message: message.into(), remedy: remedy.into(), due: None, lacks_a_list: false }
}

/// The remedy for a hold that a fault causes.
pub(crate) const FIX_FAULTS: &str = "run `subaccountd validate` and correct what it lists";

/// The remedy for a hold under a freeze.
const UNFREEZE: &str =
    "run `subaccountd unfreeze` where the journal of the daemon is, once its reason no longer applies";

/// The hold of an action while the whole state is paused; `stays` is the start of its message.
pub(super) fn whole_state_paused(pause: &Pause, stays: &str) -> Hold {
    match pause {
        Pause::Frozen(freeze) => hold(Reason::Paused, format!("{stays}: subaccountd is {freeze}"), UNFREEZE),
        Pause::Declared => hold(
            Reason::Paused,
            format!("{stays}: the whole desired state is paused"),
            "set `paused: false` in every document",
        ),
        Pause::Unreadable { file } => hold(
            Reason::Paused,
            format!(
                "{stays}: the whole desired state counts as paused while `{file}` cannot be read in full"
            ),
            FIX_FAULTS,
        ),
    }
}

pub(super) fn name_mismatch(entry: &Entry, live: &str) -> Hold {
    let (key, written) = match (&entry.friendly_name, entry.close()) {
        (Some(name), _) if name != live => ("friendlyName", name.as_str()),
        (_, Some(terms)) => ("close.confirm", terms.confirm.as_str()),
        (_, None) => ("friendlyName", ""),
    };
    let difference = hidden_difference(written, live).map(|words| format!("; {words}")).unwrap_or_default();
    let remedy = if written.trim_end_matches('\n') == live {
        format!("write `{key}` on one line, or with `|-` instead of `|`, which keeps the line break")
    } else {
        format!("check that {} is the right account, then write its live name in `{key}`", entry.sid)
    };
    hold(
        Reason::NameMismatch,
        format!("{} is named {live:?} at Twilio, but `{key}` is {written:?}{difference}", entry.sid),
        remedy,
    )
}

/// The hold that applies to any action: reverted externally, unknown outcome, failed proof, refused, or not allowed. The
/// first match wins.
pub(super) fn before_any_action(context: &Context<'_>, action: &Action, entry: &str) -> Option<Hold> {
    contested(context, action)
        .or_else(|| unconfirmed(context, action, entry))
        .or_else(|| close_may_follow(context, action))
        .or_else(|| unproven(context, action, entry))
        .or_else(|| refused(context, action, entry))
        .or_else(|| not_allowed(context, action))
}

fn contested(context: &Context<'_>, action: &Action) -> Option<Hold> {
    let times = context.history.times_reverted(&action.target(), context.now, context.policy.window);
    (times >= CONTESTED_AFTER).then(|| {
        hold(
            Reason::Contested,
            format!("reverted externally {times} times; not retrying `{action}`"),
            format!(
                "find what else changes it (the Console, a script, a usage trigger) and keep one owner; \
                 retried when these reverts are older than {:#}",
                context.policy.window
            ),
        )
    })
}

/// The hold of tries with unknown outcome. The first one is retried at once, after an observation.
fn unconfirmed(context: &Context<'_>, action: &Action, entry: &str) -> Option<Hold> {
    let kind = action.kind();
    let tried = context.history.unconfirmed(kind, &action.target(), entry)?;
    let retry_at = waits_until(context, &tried, tried.pause(kind, 1))?;
    Some(hold(
        Reason::Unconfirmed,
        format!("{action}: unknown outcome of the last {} tries: {}", tried.times, tried.message),
        format!("wait: retried at {retry_at}; check Twilio's status page, and the object in the Console"),
    ))
}

/// The hold of a number on its way into an account whose close was sent and not answered. The close may take effect late,
/// and would release the number.
fn close_may_follow(context: &Context<'_>, action: &Action) -> Option<Hold> {
    let Action::Transfer(Transfer { to, phone, .. }) = action else { return None };
    let close = Target::Account(*to);
    context.history.may_be_late(&close, Some(Status::Closed), None, context.now).then(|| {
        hold(
            Reason::Unconfirmed,
            format!(
                "{phone} is not moved to {to}: a close of {to} was sent and not answered, and would release the number \
                 if it took effect late"
            ),
            format!("wait: retried {LAG:#} after the close was sent"),
        )
    })
}

/// The hold of tries whose proof failed right before the write, three times in a row.
fn unproven(context: &Context<'_>, action: &Action, entry: &str) -> Option<Hold> {
    let kind = action.kind();
    let tried = context.history.unproven(kind, &action.target(), entry)?;
    let retry_at = waits_until(context, tried, tried.pause(kind, MAX_UNPROVEN - 1))?;
    Some(hold(
        Reason::Unreadable,
        format!("{action}: the check right before the write failed {} times: {}", tried.times, tried.message),
        format!("find what changes it or slows down Twilio; retried at {retry_at}"),
    ))
}

/// The end of the pause; `None` when it is over.
fn waits_until(context: &Context<'_>, tried: &Backoff, pause: SignedDuration) -> Option<Timestamp> {
    (!tried.at.is_over(context.now, pause)).then(|| tried.at.at.checked_add(pause).unwrap_or(Timestamp::MAX))
}

fn refused(context: &Context<'_>, action: &Action, entry: &str) -> Option<Hold> {
    let refused = context.history.refused(action.kind(), &action.target(), entry)?;
    let never_again =
        context.policy.no_retry_from.is_some_and(|from| refused.id.is_some_and(|refused| refused >= from));
    let retry_at = waits_until(context, refused, refused.pause(action.kind(), 0));
    let when = match retry_at {
        _ if never_again => "in the next run".to_owned(),
        Some(retry_at) => format!("at {retry_at}"),
        None => return None,
    };
    let code = refused.code.map_or_else(|| "no error code".to_owned(), |code| format!("error {code}"));
    let fix = match refused.code {
        Some(MOST_ACCOUNTS) => {
            "close accounts that are no longer needed, or ask Twilio's support for more subaccounts"
        }
        Some(_) | None => "fix the cause that Twilio names, or change the entry",
    };
    let page = refused
        .code
        .map_or_else(String::new, |code| format!("see https://www.twilio.com/docs/errors/{code}; "));
    Some(hold(
        Reason::RefusedByTwilio,
        format!("Twilio refused to {action} ({code}): {}", refused.message),
        format!("{page}{fix}; retried {when}"),
    ))
}

fn not_allowed(context: &Context<'_>, action: &Action) -> Option<Hold> {
    let kind = action.kind();
    if !context.policy.verbs.contains(&kind) {
        return Some(hold(
            Reason::NotAllowed,
            format!("{action}: `{kind}` is not among the allowed verbs"),
            format!("add `{kind}` to `--verbs` (`SUBACCOUNTD_VERBS`), or do it manually"),
        ));
    }
    (kind == ActionKind::Create && !context.history.is_durable()).then(|| {
        hold(
            Reason::NotAllowed,
            format!("{action}: without a journal, a restart could create the account again"),
            "keep a journal: set `--journal-dir` (`SUBACCOUNTD_JOURNAL_DIR`) to a folder that outlives the process",
        )
    })
}

/// The action kind of an account's hold: the one of its desired status.
pub(super) const fn kind(entry: &Entry) -> ActionKind {
    match entry.desired_status {
        crate::DesiredStatus::Active => ActionKind::Reactivate,
        crate::DesiredStatus::Suspended => ActionKind::Suspend,
        crate::DesiredStatus::Closed(_) => ActionKind::Close,
    }
}
