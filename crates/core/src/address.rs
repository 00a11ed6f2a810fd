//! An address of an account, as far as a person needs it to choose one for a transfer.

use std::fmt;

use crate::{AccountSid, AddressSid, text::sanitize_to};

/// The most characters of a text from outside that are kept.
const MAX_TEXT: usize = 40;
/// The most addresses that a message names.
const MAX_NAMED: usize = 5;

/// An address: its SID, and words to recognize it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its SID.
    pub sid: AddressSid,
    /// Its city and country, as Twilio shows them.
    place: String,
}

impl Address {
    /// The address `sid` in this city and country, which come from outside.
    pub fn new(sid: AddressSid, city: &str, country: &str) -> Self {
        let words = [city, country].map(|word| sanitize_to(word, MAX_TEXT));
        let words: Vec<_> = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
        Self { sid, place: words.join(", ") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(f, "{}", self.sid),
            place => write!(f, "{} ({place})", self.sid),
        }
    }
}

/// The words for the `addresses` of `account`, up to five by name.
pub(crate) fn words(account: AccountSid, addresses: &[Address]) -> String {
    let named: Vec<_> = addresses.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    let more = if addresses.len() > MAX_NAMED { " and more" } else { "" };
    if named.is_empty() {
        format!("{account} has no address: create one first")
    } else {
        format!("addresses of {account}: {}{more}", named.join("; "))
    }
}
