//! A phone number as the world holds it: it has exactly one owner until it is released.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::{
    settings::Settings,
    sid::{AccountSid, NumberSid},
};

/// The kind of address that a country asks for before the number may belong to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressRequirements {
    /// None.
    #[default]
    None,
    /// One anywhere.
    Any,
    /// One in the country of the number.
    Local,
    /// One outside the country of the number.
    Foreign,
}

impl AddressRequirements {
    /// The word that Twilio uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Any => "any",
            Self::Local => "local",
            Self::Foreign => "foreign",
        }
    }
}

/// The origin of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Twilio's own.
    #[default]
    Twilio,
    /// Another carrier's, hosted for messaging: it cannot be transferred.
    Hosted,
}

impl Origin {
    /// The word that Twilio uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Hosted => "hosted",
        }
    }
}

/// The kind of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// Of a place.
    #[default]
    Local,
    /// Of a mobile network.
    Mobile,
    /// Free for the caller.
    TollFree,
    /// Of a country.
    National,
}

impl NumberType {
    /// The word that Twilio uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Mobile => "mobile",
            Self::TollFree => "toll-free",
            Self::National => "national",
        }
    }
}

/// One phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its SID, which a transfer keeps.
    pub sid: NumberSid,
    /// The number itself, E.164.
    pub phone_number: String,
    /// The account that owns it.
    pub owner: AccountSid,
    /// The name that people gave it; by default the number, formatted.
    pub friendly_name: String,
    /// The kind of address that it needs.
    pub address_requirements: AddressRequirements,
    /// The address it has, `AD…`.
    pub address_sid: Option<String>,
    /// Its regulatory bundle, `BU…`; a number with one needs one to be transferred.
    pub bundle_sid: Option<String>,
    /// Its identity, `RI…`; a number with one needs one to be transferred.
    pub identity_sid: Option<String>,
    /// Its address for emergency calls, `AD…`.
    pub emergency_address_sid: Option<String>,
    /// Twilio's own or hosted.
    pub origin: Origin,
    /// The kind of number that it is.
    pub number_type: NumberType,
    /// New to the platform.
    pub beta: bool,
    /// On its way to another carrier: it cannot be released.
    pub porting_out: bool,
    /// Its SIP trunk serves emergency calls: it cannot be transferred.
    pub trunk_in_emergency_use: bool,
    /// Webhooks, applications, trunk.
    pub settings: Settings,
    /// The time at which it was bought.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Number {
    /// A plain number of `owner`, as old as `since`.
    pub fn new(sid: NumberSid, phone_number: impl Into<String>, owner: AccountSid, since: Timestamp) -> Self {
        let phone_number = phone_number.into();
        Self {
            sid,
            friendly_name: formatted(&phone_number),
            phone_number,
            owner,
            address_requirements: AddressRequirements::None,
            address_sid: None,
            bundle_sid: None,
            identity_sid: None,
            emergency_address_sid: None,
            origin: Origin::Twilio,
            number_type: NumberType::Local,
            beta: false,
            porting_out: false,
            trunk_in_emergency_use: false,
            settings: Settings::default(),
            date_created: since,
            date_updated: since,
        }
    }
}

/// Returns true when `text` is an E.164 number.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// The name that Twilio gives a number: `(510) 555-0101` in North America, elsewhere the number itself.
pub(crate) fn formatted(phone_number: &str) -> String {
    match phone_number.strip_prefix("+1") {
        Some(local) if local.len() == 10 && local.is_ascii() => {
            format!("({}) {}-{}", &local[..3], &local[3..6], &local[6..])
        }
        Some(_) | None => phone_number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_a_phone_number() {
        for right in ["+15105550101", "+493012345678", "+290000"] {
            assert!(is_e164(right), "{right}");
        }
        for wrong in ["15105550101", "+05105550101", "+1 510", "+", "+1", "+1234567890123456"] {
            assert!(!is_e164(wrong), "{wrong}");
        }
    }

    #[test]
    fn north_american_numbers_are_named_as_people_write_them() {
        assert_eq!(formatted("+15105550101"), "(510) 555-0101");
        assert_eq!(formatted("+493012345678"), "+493012345678");
    }
}
