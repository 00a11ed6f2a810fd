//! The account of an entry: its SID or, while there is none, its friendly name.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use crate::{AccountSid, FriendlyName};

/// The account of an entry. Accounts with a SID come first, by SID; then those without one, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AccountRef {
    /// An account at Twilio.
    #[serde(rename = "account")]
    Sid(AccountSid),
    /// The account of an entry without a SID, while none was created for it.
    #[serde(rename = "name")]
    Name(FriendlyName),
}

impl AccountRef {
    /// The SID; `None` while there is none.
    pub const fn sid(&self) -> Option<AccountSid> {
        match self {
            Self::Sid(sid) => Some(*sid),
            Self::Name(_) => None,
        }
    }

    /// The name; `None` when there is a SID.
    pub const fn name(&self) -> Option<&FriendlyName> {
        match self {
            Self::Sid(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    /// The two keys `account` and `name` of views, of which one is null.
    pub(crate) fn as_two_keys<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("account", &self.sid())?;
        map.serialize_entry("name", &self.name())?;
        map.end()
    }

    /// The SID, or null.
    pub(crate) fn as_sid<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.sid().serialize(to)
    }
}

impl From<AccountSid> for AccountRef {
    fn from(sid: AccountSid) -> Self {
        Self::Sid(sid)
    }
}

impl From<&FriendlyName> for AccountRef {
    fn from(name: &FriendlyName) -> Self {
        Self::Name(name.clone())
    }
}

impl From<&Self> for AccountRef {
    fn from(account: &Self) -> Self {
        account.clone()
    }
}

impl PartialEq<AccountSid> for AccountRef {
    fn eq(&self, other: &AccountSid) -> bool {
        self.sid() == Some(*other)
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sid(sid) => sid.fmt(f),
            Self::Name(name) => write!(f, "{:?}", name.as_str()),
        }
    }
}
