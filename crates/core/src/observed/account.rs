//! An account as Twilio shows it, and the list of all of them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountSid, Status};

/// An account as Twilio shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The parent account; a main account is its own. `None` when Twilio gives none.
    pub owner: Option<AccountSid>,
    /// The friendly name, empty when Twilio gives none.
    pub friendly_name: String,
    /// The status, or the unknown word that Twilio gives instead.
    pub status: LiveStatus,
    /// The time at which Twilio created the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_created: Option<Timestamp>,
    /// The time at which Twilio last changed the account.
    pub date_updated: Option<Timestamp>,
}

/// A status as read: Twilio may add values to its enumerations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LiveStatus {
    /// One of the three known statuses.
    Known(Status),
    /// Another word, or none: no decision is made on it.
    Unknown(String),
}

impl fmt::Display for LiveStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(status) => status.fmt(f),
            Self::Unknown(word) => f.write_str(word),
        }
    }
}

impl LiveStatus {
    /// The status, when it is one of the three.
    pub const fn known(&self) -> Option<Status> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Unknown(_) => None,
        }
    }
}

/// The account list, and Twilio's clock when it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountList {
    /// The accounts, each once.
    pub accounts: Vec<Account>,
    /// Rows that could not be read.
    pub unreadable: Vec<UnreadableRow>,
    /// The `Date` of the answer, in whole seconds.
    pub date: Option<Timestamp>,
}

/// A row of the account list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Its account; `None` when not even the SID can be read.
    pub sid: Option<AccountSid>,
    /// The error of the row.
    pub why: String,
}
