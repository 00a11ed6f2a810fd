//! Ties: what a number uses of the account that holds it, and what therefore no transfer takes along.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A resource of the account that holds a number, which the number refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// Twilio's `voice_application_sid`.
    VoiceApplication,
    /// Twilio's `sms_application_sid`.
    SmsApplication,
    /// Twilio's `trunk_sid`.
    Trunk,
    /// Twilio's `address_sid`.
    Address,
    /// Twilio's `emergency_address_sid`.
    EmergencyAddress,
    /// Twilio's `bundle_sid`.
    Bundle,
    /// Twilio's `identity_sid`.
    Identity,
}

impl Tie {
    /// Every tie, in the order in which they are named.
    pub const ALL: [Self; 7] = [
        Self::VoiceApplication,
        Self::SmsApplication,
        Self::Trunk,
        Self::Address,
        Self::EmergencyAddress,
        Self::Bundle,
        Self::Identity,
    ];

    /// The word in snapshots.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VoiceApplication => "voiceApplication",
            Self::SmsApplication => "smsApplication",
            Self::Trunk => "trunk",
            Self::Address => "address",
            Self::EmergencyAddress => "emergencyAddress",
            Self::Bundle => "bundle",
            Self::Identity => "identity",
        }
    }

    /// The noun in sentences.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::VoiceApplication => "voice application",
            Self::SmsApplication => "SMS application",
            Self::Trunk => "trunk",
            Self::Address => "address",
            Self::EmergencyAddress => "emergency address",
            Self::Bundle => "regulatory bundle",
            Self::Identity => "identity",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The ties of one number, in one byte: a fleet has thousands of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ties(u8);

impl Ties {
    /// Returns true when `tie` is among them.
    pub const fn contains(self, tie: Tie) -> bool {
        self.0 & tie.bit() != 0
    }

    /// Adds `tie`.
    pub const fn insert(&mut self, tie: Tie) {
        self.0 |= tie.bit();
    }

    /// Returns true when there is none.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Tie> {
        Tie::ALL.into_iter().filter(move |tie| self.contains(*tie))
    }
}

impl FromIterator<Tie> for Ties {
    fn from_iter<I: IntoIterator<Item = Tie>>(ties: I) -> Self {
        let mut all = Self::default();
        ties.into_iter().for_each(|tie| all.insert(tie));
        all
    }
}

impl Serialize for Ties {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Tie::as_str))
    }
}

impl<'de> Deserialize<'de> for Ties {
    /// A word that a later version added is passed over: it costs a warning.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(Tie::ALL.into_iter().filter(|tie| words.iter().any(|word| word == tie.as_str())).collect())
    }
}
