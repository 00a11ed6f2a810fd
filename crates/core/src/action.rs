//! An action: one write that the daemon may make at Twilio.
//!
//! There is no "set status": no value of these types can reopen an account, and a close carries the observation that it
//! was planned on, which is compared again right before the request.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountRef, AccountSid, AddressSid, BundleSid, CallEnd, FriendlyName, IdentitySid, Number,
    NumberSetting, NumberSettings, NumberSid, PhoneNumber, text::count,
};

/// The action kinds, in the order of their execution. The brake checks each of them separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionKind {
    /// Reactivates a suspended account.
    Reactivate,
    /// Creates an account, which cannot be undone.
    Create,
    /// Moves a phone number to another account.
    Transfer,
    /// Suspends an account.
    Suspend,
    /// Changes settings of a phone number.
    Configure,
    /// Ends the calls of a suspended account.
    EndCalls,
    /// Gives a phone number back to Twilio.
    Release,
    /// Closes an account, which cannot be undone.
    Close,
}

impl ActionKind {
    /// Every action kind, in order.
    pub const ALL: [Self; 8] = [
        Self::Reactivate,
        Self::Create,
        Self::Transfer,
        Self::Suspend,
        Self::Configure,
        Self::EndCalls,
        Self::Release,
        Self::Close,
    ];

    /// The name in plans, metrics and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reactivate => "reactivate",
            Self::Create => "create",
            Self::Transfer => "transfer",
            Self::Suspend => "suspend",
            Self::Configure => "configure",
            Self::EndCalls => "endCalls",
            Self::Release => "release",
            Self::Close => "close",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One write. Ordered as in a plan: by action kind, then by target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Reactivates a suspended account.
    Reactivate(AccountSid),
    /// Creates an account.
    Create(Create),
    /// Moves a phone number.
    Transfer(Transfer),
    /// Suspends an account.
    Suspend(AccountSid),
    /// Changes settings of a phone number.
    Configure(Configure),
    /// Ends calls.
    EndCalls(EndCalls),
    /// Gives a phone number back to Twilio.
    Release(Release),
    /// Closes an account.
    Close(Close),
}

/// The creation of an account for an entry without a SID. Only `plan::creates` makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Create {
    /// The friendly name of the account.
    pub name: FriendlyName,
}

/// The transfer of a phone number from one account to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// The receiving account.
    pub to: AccountSid,
    /// The phone number.
    pub phone: PhoneNumber,
    /// The account that owns it now; the path of the request at Twilio is below it.
    pub from: AccountSid,
    /// The number SID.
    pub number_sid: NumberSid,
    /// The resources of the receiving account that the transfer needs.
    pub resources: TransferResources,
    /// The settings that the number gets with it: those that the state names.
    pub settings: NumberSettings,
}

/// The change of settings of a phone number in the account that claims it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Configure {
    /// The account that owns and claims the number.
    pub account: AccountSid,
    /// The phone number.
    pub phone: PhoneNumber,
    /// The number SID.
    pub number_sid: NumberSid,
    /// The settings that differ, with the values that the state names.
    pub settings: NumberSettings,
    /// The digest of all settings that the state names for the number.
    pub desired: String,
}

/// Resources of the receiving account that a transfer names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferResources {
    /// Twilio's `AddressSid`.
    pub address_sid: Option<AddressSid>,
    /// Twilio's `BundleSid`.
    pub bundle_sid: Option<BundleSid>,
    /// Twilio's `IdentitySid`.
    pub identity_sid: Option<IdentitySid>,
    /// Twilio's `EmergencyAddressSid`.
    pub emergency_address_sid: Option<AddressSid>,
}

/// The calls of a suspended account to end, and the observation that this was planned on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndCalls {
    /// The account as it was observed.
    pub account: Account,
    /// The calls, by SID.
    pub calls: Vec<CallEnd>,
}

/// The release of a phone number, and the observation that it was planned on. Only `plan::releases` makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The phone number.
    pub phone: PhoneNumber,
    /// The account that owns the number, as it was observed.
    pub account: Account,
    /// The number as it was observed, without its settings.
    pub number: Number,
}

/// A close, and the observation that it was planned on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Close {
    /// The account as it was observed.
    pub account: Account,
    /// Every phone number of its list. `close.release` names all of them.
    pub listed: BTreeMap<NumberSid, PhoneNumber>,
    /// The phone numbers that the close may release: those listed, and those that the account was seen with before and
    /// that were not seen elsewhere since.
    pub at_risk: Vec<PhoneNumber>,
}

/// The target of a write: an account, the calls of one, for a transfer, a configure or a release a phone number, for a
/// create a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// An account whose status is changed.
    Account(AccountSid),
    /// The calls of an account.
    Calls(AccountSid),
    /// A phone number that is moved, configured or released.
    Number(PhoneNumber),
    /// The friendly name of an account that is created.
    Name(FriendlyName),
}

impl Action {
    /// The action kind.
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::Reactivate(_) => ActionKind::Reactivate,
            Self::Create(_) => ActionKind::Create,
            Self::Transfer(_) => ActionKind::Transfer,
            Self::Suspend(_) => ActionKind::Suspend,
            Self::Configure(_) => ActionKind::Configure,
            Self::EndCalls(_) => ActionKind::EndCalls,
            Self::Release(_) => ActionKind::Release,
            Self::Close(_) => ActionKind::Close,
        }
    }

    /// The account that plans show it under: the changed or created one, for a transfer the receiving one, for a configure
    /// or a release the owner.
    pub fn account(&self) -> AccountRef {
        match self {
            Self::Reactivate(sid) | Self::Suspend(sid) => (*sid).into(),
            Self::Create(create) => (&create.name).into(),
            Self::Transfer(transfer) => transfer.to.into(),
            Self::Configure(configure) => configure.account.into(),
            Self::EndCalls(end) => end.account.sid.into(),
            Self::Release(release) => release.account.sid.into(),
            Self::Close(close) => close.account.sid.into(),
        }
    }

    /// The phone number that is moved, configured or released, if any.
    pub const fn number(&self) -> Option<PhoneNumber> {
        match self {
            Self::Transfer(transfer) => Some(transfer.phone),
            Self::Configure(configure) => Some(configure.phone),
            Self::Release(release) => Some(release.phone),
            Self::Reactivate(_) | Self::Create(_) | Self::Suspend(_) | Self::EndCalls(_) | Self::Close(_) => {
                None
            }
        }
    }

    /// The number of calls that it ends, if it ends calls.
    pub const fn calls(&self) -> Option<usize> {
        match self {
            Self::EndCalls(end) => Some(end.calls.len()),
            Self::Reactivate(_)
            | Self::Create(_)
            | Self::Transfer(_)
            | Self::Suspend(_)
            | Self::Configure(_)
            | Self::Release(_)
            | Self::Close(_) => None,
        }
    }

    /// The target of the action.
    pub fn target(&self) -> Target {
        match self {
            Self::Transfer(transfer) => Target::Number(transfer.phone),
            Self::Configure(configure) => Target::Number(configure.phone),
            Self::Release(release) => Target::Number(release.phone),
            Self::Create(create) => Target::Name(create.name.clone()),
            Self::EndCalls(end) => Target::Calls(end.account.sid),
            Self::Reactivate(sid) | Self::Suspend(sid) => Target::Account(*sid),
            Self::Close(close) => Target::Account(close.account.sid),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reactivate(sid) => write!(f, "reactivate {sid}"),
            Self::Create(create) => write!(f, "create {:?}", create.name.as_str()),
            Self::Transfer(Transfer { to, phone, from, .. }) => {
                write!(f, "transfer {phone} from {from} to {to}")
            }
            Self::Suspend(sid) => write!(f, "suspend {sid}"),
            Self::Configure(Configure { account, phone, settings, .. }) => {
                let names: Vec<_> = settings.names().iter().map(NumberSetting::as_str).collect();
                write!(f, "configure {phone} of {account} ({})", names.join(", "))
            }
            Self::EndCalls(EndCalls { account, calls }) if calls.is_empty() => {
                write!(f, "end the calls of {}", account.sid)
            }
            Self::EndCalls(EndCalls { account, calls }) => {
                write!(f, "end {} of {}", count(calls.len(), "call"), account.sid)
            }
            Self::Release(Release { phone, account, .. }) => write!(f, "release {phone} of {}", account.sid),
            Self::Close(close) => write!(f, "close {}", close.account.sid),
        }
    }
}
