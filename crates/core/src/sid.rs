//! SIDs: Twilio's identifiers, two letters that name the resource and 32 hexadecimal digits.
//!
//! A value of these types is well formed. SIDs are compared letter by letter, as Twilio prints them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text is not a SID of the wanted resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {article} SID: {prefix} and 32 hexadecimal digits")]
pub struct NotASid {
    text: String,
    article: &'static str,
    prefix: &'static str,
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $article:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The two letters that every SID of this resource starts with.
            pub const PREFIX: &'static str = $prefix;

            fn digits(&self) -> &str {
                str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl FromStr for $name {
            type Err = NotASid;

            fn from_str(text: &str) -> Result<Self, NotASid> {
                text.strip_prefix($prefix)
                    .and_then(|digits| <[u8; 32]>::try_from(digits.as_bytes()).ok())
                    .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                    .map(Self)
                    .ok_or_else(|| NotASid {
                        text: text.chars().take(80).collect(),
                        article: $article,
                        prefix: $prefix,
                    })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.digits())
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
    /// An account, main or sub.
    AccountSid, "AC", "an account"
);
sid!(
    /// An IncomingPhoneNumber: the resource, which keeps its SID through a transfer.
    NumberSid, "PN", "a phone number"
);
sid!(
    /// An Address of the receiving account.
    AddressSid, "AD", "an address"
);
sid!(
    /// A Regulatory Bundle of the receiving account.
    BundleSid, "BU", "a bundle"
);
sid!(
    /// An Identity of the receiving account.
    IdentitySid, "RI", "an identity"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_prints_as_it_was_written() {
        let text = "AC0123456789abcdefABCDEF0123456789";
        assert_eq!(text.parse::<AccountSid>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_not_a_sid_of_the_resource_is_refused() {
        for text in ["", "AC", "PN00000000000000000000000000000001", "AC0000000000000000000000000000000g"]
            .into_iter()
            .chain(["AC000000000000000000000000000000001", "ac00000000000000000000000000000001"])
        {
            let error = text.parse::<AccountSid>().unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is not an account SID: AC and 32 hexadecimal digits"));
        }
    }
}
