//! An account as the world holds it: the main account and its subaccounts differ only in who owns them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{digest, world::sid::AccountSid};

/// The status of an account. `Closed` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Stopped; keeps its numbers.
    Suspended,
    /// Gone; its numbers were released.
    Closed,
}

impl AccountStatus {
    /// The word that Twilio uses; Twilio reads it case-sensitively.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The status that Twilio shows of an account with this one, below a main account with that one.
    pub(crate) fn below(self, main: Self) -> Self {
        if self == Self::Active { main } else { self }
    }

    /// The status that Twilio's word `text` means.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Closed].into_iter().find(|status| status.as_str() == text)
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The name that people gave it.
    pub friendly_name: String,
    /// The status set on the account itself; `World::status` knows a suspended main account as well.
    pub status: AccountStatus,
    /// The token that opens the API in its name.
    pub auth_token: String,
    /// Twilio itself suspended it: only Twilio can reactivate it.
    pub suspended_by_twilio: bool,
    /// The time at which it was created.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Account {
    /// An active account with a token derived from its SID, as old as `since`.
    pub fn new(sid: AccountSid, friendly_name: impl Into<String>, since: Timestamp) -> Self {
        Self {
            auth_token: derived_token(&sid),
            sid,
            friendly_name: friendly_name.into(),
            status: AccountStatus::Active,
            suspended_by_twilio: false,
            date_created: since,
            date_updated: since,
        }
    }
}

/// The auth token of an account that was given none: the same in every run, and useless elsewhere.
pub(crate) fn derived_token(sid: &AccountSid) -> String {
    digest::hex32("auth token", sid.as_str())
}
