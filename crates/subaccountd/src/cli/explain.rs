//! The subject of `explain`, and its formats.

use std::str::FromStr;

use clap::ValueEnum;
use subaccountd_core::{AccountSid, NumberSid, PhoneNumber};
use subaccountd_twilio::trimmed;

/// The subject of `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    Account(AccountSid),
    Number(NumberSid),
    Phone(PhoneNumber),
    /// The friendly name of an account, which need not be unique.
    Name(String),
}

/// The forms of an ID that is no name.
pub(crate) const ID_FORMS: &str =
    "write an account SID (AC and 32 hexadecimal digits), a number SID (PN…) or a phone number in E.164 (+…)";

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = trimmed(text);
        let account = || id.parse().ok().map(Self::Account);
        let number = || id.parse().ok().map(Self::Number);
        let phone = || id.parse().ok().map(Self::Phone);
        let name = || (!id.is_empty() && !is_misspelt(id)).then(|| Self::Name(text.to_owned()));
        account()
            .or_else(number)
            .or_else(phone)
            .or_else(name)
            .ok_or_else(|| format!("{ID_FORMS}, or a friendly name"))
    }
}

/// Returns true for a text that is meant as a SID or a phone number, and is none.
fn is_misspelt(id: &str) -> bool {
    let hex = |rest: &str| rest.len() > 6 && rest.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit());
    ["AC", "PN"].into_iter().any(|prefix| id.strip_prefix(prefix).is_some_and(hex))
        || id.strip_prefix('+').is_some_and(digits)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    Text,
    Json,
}
