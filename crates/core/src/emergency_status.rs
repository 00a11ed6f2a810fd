//! The state of a phone number's registration for emergency calls: Twilio's `emergency_address_status`.

use serde::{Deserialize, Serialize};

/// The state of the emergency address of a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmergencyStatus {
    /// Emergency calls use the address.
    Registered,
    /// The address is being registered.
    PendingRegistration,
    /// The registration failed.
    RegistrationFailure,
    /// The address is being removed, which takes time.
    PendingUnregistration,
    /// No address is registered.
    Unregistered,
    /// The removal failed.
    UnregistrationFailure,
    /// A word that this version does not know, or a field that cannot be read.
    #[serde(other)]
    Unknown,
}

impl EmergencyStatus {
    /// The state that Twilio names with `word`.
    pub fn from_word(word: &str) -> Self {
        match word {
            "registered" => Self::Registered,
            "pending-registration" => Self::PendingRegistration,
            "registration-failure" => Self::RegistrationFailure,
            "pending-unregistration" => Self::PendingUnregistration,
            "unregistered" => Self::Unregistered,
            "unregistration-failure" => Self::UnregistrationFailure,
            _ => Self::Unknown,
        }
    }

    /// The word of Twilio, or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::PendingRegistration => "pending-registration",
            Self::RegistrationFailure => "registration-failure",
            Self::PendingUnregistration => "pending-unregistration",
            Self::Unregistered => "unregistered",
            Self::UnregistrationFailure => "unregistration-failure",
            Self::Unknown => "unknown",
        }
    }
}
