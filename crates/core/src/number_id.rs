//! The identity of a phone number at Twilio: its E.164 number or, when it has none, its SID.
//!
//! Twilio's `phone_number` may be null, a short code or a SIP address. Such a number is held by its account like any other,
//! but no desired state can name it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{NumberSid, PhoneNumber};

/// The identity of a number in lists and in history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberId {
    /// A phone number in E.164.
    Phone(PhoneNumber),
    /// The SID of a number without an E.164 number.
    Sid(NumberSid),
}

impl NumberId {
    /// The phone number, when it is in E.164.
    pub const fn phone(self) -> Option<PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Sid(_) => None,
        }
    }
}

impl From<PhoneNumber> for NumberId {
    fn from(phone: PhoneNumber) -> Self {
        Self::Phone(phone)
    }
}

impl From<NumberSid> for NumberId {
    fn from(sid: NumberSid) -> Self {
        Self::Sid(sid)
    }
}

/// The error of a text that is neither an E.164 phone number nor a number SID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}, or a number SID (PN…)")]
pub struct NotANumberId(crate::NotE164);

impl FromStr for NumberId {
    type Err = NotANumberId;

    fn from_str(text: &str) -> Result<Self, NotANumberId> {
        text.parse().map(Self::Sid).or_else(|_| text.parse().map(Self::Phone).map_err(NotANumberId))
    }
}

impl fmt::Display for NumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Sid(sid) => sid.fmt(f),
        }
    }
}

impl fmt::Debug for NumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NumberId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NumberId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_read_as_it_is_written() {
        for text in ["+15105550101", "PN00000000000000000000000000000001"] {
            let id: NumberId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(id.phone().is_some(), text.starts_with('+'));
        }
        for text in ["", "38436", "AC00000000000000000000000000000001", "sip:a@example.com"] {
            assert!(text.parse::<NumberId>().is_err(), "{text}");
        }
    }
}
