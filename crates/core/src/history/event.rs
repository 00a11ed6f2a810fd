//! Events: the facts that history is folded from, as the journal keeps them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountSid, Action, Object, PhoneNumber, Planned, Status, Verb, execute::Outcome};

/// One fact. The journal is a list of these.
#[expect(missing_docs, reason = "the line above each variant says what its fields are")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The state's word for an account is another than before.
    Word { account: AccountSid, word: Status },
    /// An account was seen active for the first time since the state's present word.
    SeenActive { account: AccountSid },
    /// The state says `closed`, by Twilio's clock since `since`.
    ClosingSince { account: AccountSid, since: Timestamp },
    /// The state no longer says `closed`.
    ClosingEnded { account: AccountSid },
    /// A closing account was seen with these numbers, or its whole list was seen while it was active.
    SeenHolding { account: AccountSid, numbers: Vec<PhoneNumber>, while_active: bool },
    /// A number that a closing account was seen with was seen in another account.
    SeenElsewhere { account: AccountSid, number: PhoneNumber },
    /// A claimed number was seen in this account, which is or was not the one that claims it.
    SeenIn { number: PhoneNumber, account: AccountSid },
    /// All number lists were read to find a number; `found` says that none is missing any more.
    Searched { at: Timestamp, state: String, found: bool },
    /// What the daemon did to an object was undone by others.
    Undone { object: Object, at: Timestamp },
    /// What the daemon did to an object is no longer wanted.
    Forgotten { object: Object },
    /// A write is about to begin.
    Intent { id: u64, at: Timestamp, write: Write },
    /// A write came to its end.
    Outcome { id: u64, at: Timestamp, result: WriteResult },
}

impl Event {
    /// The tags of all events of this version, as the journal writes them.
    pub const KINDS: [&str; 12] = [
        "word",
        "seenActive",
        "closingSince",
        "closingEnded",
        "seenHolding",
        "seenElsewhere",
        "seenIn",
        "searched",
        "undone",
        "forgotten",
        "intent",
        "outcome",
    ];
}

/// A write as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// The verb.
    pub verb: Verb,
    /// What is written to.
    pub object: Object,
    /// For a transfer, the accounts that lose and gain.
    pub transfer: Option<(AccountSid, AccountSid)>,
    /// Numbers that may be lost with a close.
    pub releases: Vec<PhoneNumber>,
    /// It undoes what the daemon did, and costs nothing.
    pub free: bool,
    /// The digest of the entry that asks for it.
    pub entry: String,
}

impl Write {
    /// The write that `planned` asks for.
    pub fn of(planned: &Planned) -> Self {
        let action = &planned.action;
        let (transfer, releases) = match action {
            Action::Transfer(transfer) => (Some((transfer.from, transfer.to)), Vec::new()),
            Action::Close(close) => (None, close.at_risk.clone()),
            Action::Reactivate(_) | Action::Suspend(_) => (None, Vec::new()),
        };
        let (verb, object) = (action.verb(), action.object());
        Self { verb, object, transfer, releases, free: planned.free, entry: planned.entry.clone() }
    }
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum WriteResult {
    /// Verified.
    Done,
    /// Refused, with Twilio's code and words.
    Refused {
        /// Twilio's error code; `None` for a 2xx that did not do it.
        code: Option<u32>,
        /// Twilio's words.
        message: String,
    },
    /// Nobody knows.
    Unknown,
    /// It was never processed.
    Skipped,
}

impl WriteResult {
    /// What history keeps of `outcome`.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::Refused(refusal) => {
                Self::Refused { code: refusal.code, message: refusal.message.clone() }
            }
            Outcome::Unknown(_) => Self::Unknown,
            Outcome::Skipped(_) => Self::Skipped,
        }
    }
}
