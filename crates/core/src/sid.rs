//! SIDs: Twilio's identifiers, two letters that name the resource and 32 hexadecimal digits.
//!
//! A value of these types is valid. Digits in upper and lower case are the same SID, which is displayed in lower case, as at
//! Twilio; the two letters are upper case. SIDs are stored in fewer bytes than they display, because a fleet has thousands
//! of them, each in many places.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::sanitize_to;

/// The most characters of an invalid text that its error shows.
const MAX_SHOWN: usize = 80;

/// The error of a text that is not a valid SID of the expected resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {resource} SID: expected {prefix} and 32 hexadecimal digits")]
pub struct NotASid {
    text: String,
    resource: &'static str,
    prefix: &'static str,
}

/// 32 hexadecimal digits, two in a byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits([u8; 16]);

impl Digits {
    fn read(text: &str) -> Option<Self> {
        let digits = <[u8; 32]>::try_from(text.as_bytes()).ok()?;
        let mut read = Self([0; 16]);
        for (at, digit) in digits.into_iter().enumerate() {
            let value = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
            read.0[at / 2] |= if at % 2 == 0 { value << 4 } else { value };
        }
        Some(read)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        for (at, letter) in text.iter_mut().enumerate() {
            let value = if at % 2 == 0 { self.0[at / 2] >> 4 } else { self.0[at / 2] & 15 };
            *letter = b"0123456789abcdef"[usize::from(value)];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $resource:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digits);

        impl $name {
            /// The two letters at the start of every SID of this resource.
            pub const PREFIX: &'static str = $prefix;
        }

        impl FromStr for $name {
            type Err = NotASid;

            fn from_str(text: &str) -> Result<Self, NotASid> {
                text.strip_prefix($prefix)
                    .and_then(Digits::read)
                    .map(Self)
                    .ok_or_else(|| NotASid {
                        text: sanitize_to(text, MAX_SHOWN),
                        resource: $resource,
                        prefix: $prefix,
                    })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

sid!(
    /// The SID of an account, main or sub.
    AccountSid, "AC", "account"
);
sid!(
    /// The SID of a call.
    CallSid, "CA", "call"
);
sid!(
    /// The SID of an IncomingPhoneNumber, which a transfer keeps.
    NumberSid, "PN", "phone number"
);
sid!(
    /// The SID of an Address of the receiving account.
    AddressSid, "AD", "address"
);
sid!(
    /// The SID of a Regulatory Bundle of the receiving account.
    BundleSid, "BU", "bundle"
);
sid!(
    /// The SID of an Identity of the receiving account.
    IdentitySid, "RI", "identity"
);
sid!(
    /// The SID of an Application, which handles the calls or messages of a number.
    ApplicationSid, "AP", "application"
);
sid!(
    /// The SID of a SIP Trunk, which handles the calls of a number.
    TrunkSid, "TK", "trunk"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sid_in_either_case_is_the_same_and_prints_in_lower_case() {
        let lower = "AC0123456789abcdefabcdef0123456789";
        for text in [lower, "AC0123456789ABCDEFABCDEF0123456789", "AC0123456789abcdefABCDEF0123456789"] {
            let sid = text.parse::<AccountSid>().unwrap();
            assert_eq!(sid, lower.parse().unwrap());
            assert_eq!(sid.to_string(), lower);
        }
    }

    #[test]
    fn error_shows_no_control_character_and_not_all_of_a_long_text() {
        let error = format!("AC\u{1b}[2J{}", "x".repeat(100)).parse::<AccountSid>().unwrap_err();
        assert!(error.to_string().starts_with("`AC\u{fffd}[2Jx"), "{error}");
        assert!(error.to_string().chars().count() < 160, "{error}");
    }

    #[test]
    fn sid_of_another_resource_is_refused() {
        for text in ["", "AC", "PN00000000000000000000000000000001", "AC0000000000000000000000000000000g"]
            .into_iter()
            .chain(["AC000000000000000000000000000000001", "ac00000000000000000000000000000001"])
        {
            let error = text.parse::<AccountSid>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("`{text}` is not a valid account SID: expected AC and 32 hexadecimal digits")
            );
        }
    }
}
