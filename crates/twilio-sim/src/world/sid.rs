//! The SIDs of Twilio's resources: two letters and 32 hexadecimal digits, checked once when text is parsed.

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr};

/// The error of a text that is not a valid SID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid SID: expected {prefix} and 32 hexadecimal digits")]
pub struct SidError {
    /// The text.
    pub text: String,
    /// The expected first two letters.
    pub prefix: &'static str,
}

/// Returns true when `text` is a SID of the kind that begins with `prefix`.
pub(crate) fn is_sid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// The SID whose digits are the number `n`, as in generated worlds.
            pub fn numbered(n: u64) -> Self {
                Self(format!(concat!($prefix, "{:032x}"), n))
            }

            /// The SID as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = SidError;

            fn from_str(text: &str) -> Result<Self, SidError> {
                if is_sid($prefix, text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(SidError { text: text.to_owned(), prefix: $prefix })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

sid! {
    /// The SID of an account, `AC…`.
    AccountSid, "AC"
}

sid! {
    /// The SID of a phone number, `PN…`.
    NumberSid, "PN"
}

sid! {
    /// The SID of a call, `CA…`.
    CallSid, "CA"
}

sid! {
    /// The SID of an address, `AD…`.
    AddressSid, "AD"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_its_prefix_and_32_hexadecimal_digits() {
        assert!("AC0123456789abcdefABCDEF0123456789".parse::<AccountSid>().is_ok());
        for wrong in
            ["", "AC", "AC0", "PN0123456789abcdefABCDEF0123456789", "AC0123456789abcdefABCDEF012345678g"]
        {
            assert!(wrong.parse::<AccountSid>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_numbered_sid_parses_again() {
        let sid = NumberSid::numbered(255);
        assert_eq!(sid, "PN000000000000000000000000000000ff");
        assert_eq!(sid.parse::<NumberSid>().unwrap(), sid);
    }
}
