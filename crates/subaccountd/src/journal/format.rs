//! The format: JSON Lines. The first line is the header; each other is one event with its time.
//!
//! Within a major version the format only grows: keys and events that this version does not know are passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subaccountd_core::{AccountSid, History, allowance::Allowance, history::Event, text::sanitize_to};

use super::read::MAX_CAUSE;

/// The `format` of the header.
pub(super) const FORMAT: &str = "subaccountd-journal";
/// The version that this program writes: major, and what was added since.
pub(super) const VERSION: (u32, u32) = (1, 0);

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: String,
    pub(super) main_account: AccountSid,
    /// The time at which the file was begun, by this machine's clock.
    pub(super) time: Timestamp,
}

/// One line: when, what, and for a write who asked for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct JournalLine {
    /// By Twilio's clock where it could be trusted.
    pub(crate) time: Timestamp,
    #[serde(flatten)]
    pub(crate) what: LineContent,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit: Option<Audit>,
}

/// A line with an event, as it is read: by itself, so that an error says which key is wrong.
#[derive(Deserialize)]
pub(super) struct EventLine {
    time: Timestamp,
    #[serde(flatten)]
    event: Event,
    audit: Option<Audit>,
}

/// A line with the history that a file begins with, as it is read.
#[derive(Deserialize)]
pub(super) struct CarriedLine {
    time: Timestamp,
    carried: Box<History>,
}

/// The content of a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every line is an event")]
pub(crate) enum LineContent {
    /// The history that was known when the file was begun.
    Carried { carried: Box<History> },
    /// One fact.
    Event(Event),
}

/// The origin of a write, and the answer of Twilio.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Audit {
    /// The SHA-256 of the state.
    pub(crate) state: String,
    /// The git commit of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    /// The file and the line of the entry that asks for the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    /// The accounts that a line is about, by which it is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<AccountSid>,
    /// The reason that the entry gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The labels of the entry.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// The allowances without which the write would have been over a limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowances: Vec<Allowance>,
    /// Twilio's request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// The result in words: what was done, or what went wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
}

impl From<EventLine> for JournalLine {
    fn from(EventLine { time, event, audit }: EventLine) -> Self {
        Self { time, what: LineContent::Event(event), audit }
    }
}

impl From<CarriedLine> for JournalLine {
    fn from(CarriedLine { time, carried }: CarriedLine) -> Self {
        Self { time, what: LineContent::Carried { carried }, audit: None }
    }
}

impl JournalLine {
    pub(super) fn of(time: Timestamp, event: Event) -> Self {
        Self { time, what: LineContent::Event(event), audit: None }
    }

    /// The line as it is kept, with its end.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        to_bytes(self)
    }
}

pub(super) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    // Keys are texts and values are plain, so this cannot fail; an empty line would be refused when read.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl Header {
    pub(super) fn new(main_account: AccountSid, time: Timestamp) -> Self {
        let version = format!("{}.{}", VERSION.0, VERSION.1);
        Self { format: FORMAT.to_owned(), version, main_account, time }
    }

    /// Parses the first line of a file.
    pub(super) fn parse(line: &[u8]) -> Result<Self, HeaderError> {
        if let Ok(Versioned { format, version }) = serde_json::from_slice::<Versioned>(line) {
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if format != FORMAT {
                return Err(HeaderError::Format(sanitize_to(&format, MAX_CAUSE)));
            }
            if major != Some(VERSION.0) {
                return Err(HeaderError::Version(sanitize_to(&version, MAX_CAUSE)));
            }
        }
        let unreadable =
            |error: serde_json::Error| HeaderError::Unreadable(sanitize_to(&error.to_string(), MAX_CAUSE));
        serde_json::from_slice(line).map_err(unreadable)
    }

    /// The problem, when the journal is that of another main account than `main`.
    pub(super) fn foreign_to(&self, main: AccountSid) -> Option<String> {
        (self.main_account != main).then(|| {
            format!(
                "it is the journal of {}, not of {main}: give each main account a folder of its own",
                self.main_account
            )
        })
    }
}

/// A first line that is not the header of a journal that this version reads.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("the format is `{0}`, not `{FORMAT}`")]
    Format(String),
    #[error("the journal has version {0}, this program reads {major}.x: use a newer program", major = VERSION.0)]
    Version(String),
    #[error("the header cannot be read: {0}")]
    Unreadable(String),
}

/// The part of a header that every version has.
#[derive(Deserialize)]
struct Versioned {
    format: String,
    version: String,
}
