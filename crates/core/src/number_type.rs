//! The type of a phone number, as Twilio shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a phone number. Twilio may show none, or another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// A local number.
    Local,
    /// A mobile number.
    Mobile,
    /// A toll-free number.
    TollFree,
    /// A national number.
    National,
}

impl NumberType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Local, Self::Mobile, Self::TollFree, Self::National];

    /// The word in the state and at Twilio.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Mobile => "mobile",
            Self::TollFree => "toll-free",
            Self::National => "national",
        }
    }

    /// The type that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|number_type| number_type.as_str() == word)
    }
}

impl fmt::Display for NumberType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
