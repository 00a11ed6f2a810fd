//! An account of the world: the main account and its subaccounts differ only in their owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{digest, world::sid::AccountSid};

/// The status of an account. `Closed` is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// The account is usable.
    Active,
    /// The account is not usable, and keeps its numbers.
    Suspended,
    /// The account is closed, and its numbers were released.
    Closed,
}

impl AccountStatus {
    /// Twilio's value, which is case-sensitive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The status that Twilio shows for an account with this status, when the main account has the status `main`.
    pub(crate) fn below(self, main: Self) -> Self {
        if self == Self::Active { main } else { self }
    }

    /// The status with Twilio's value `text`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Closed].into_iter().find(|status| status.as_str() == text)
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The friendly name.
    pub friendly_name: String,
    /// The status of the account itself; `World::status` also considers a suspended main account.
    pub status: AccountStatus,
    /// The auth token.
    pub auth_token: String,
    /// True when Twilio itself suspended it, so that only Twilio can reactivate it.
    pub suspended_by_twilio: bool,
    /// The time at which it was created.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Account {
    /// An active account with a token derived from its SID, created at `since`.
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

/// The default auth token of an account: the same in every run.
pub(crate) fn derived_token(sid: &AccountSid) -> String {
    digest::hex32("auth token", sid.as_str())
}
