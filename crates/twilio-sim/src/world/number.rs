//! A phone number of the world: it has exactly one owner until it is released.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::{
    settings::Settings,
    sid::{AccountSid, NumberSid},
};

/// The kind of address that the owner of a number needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressRequirements {
    /// No address.
    #[default]
    None,
    /// An address in any country.
    Any,
    /// An address in the country of the number.
    Local,
    /// An address outside the country of the number.
    Foreign,
}

impl AddressRequirements {
    /// Twilio's value.
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
    /// A number of Twilio.
    #[default]
    Twilio,
    /// A number of another carrier, hosted for messaging, which cannot be transferred.
    Hosted,
}

impl Origin {
    /// Twilio's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Hosted => "hosted",
        }
    }
}

/// The type of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// A local number.
    #[default]
    Local,
    /// A mobile number.
    Mobile,
    /// A toll-free number.
    TollFree,
    /// A national number.
    National,
}

impl NumberType {
    /// Twilio's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Mobile => "mobile",
            Self::TollFree => "toll-free",
            Self::National => "national",
        }
    }
}

/// The registration of an address for emergency calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmergencyAddressStatus {
    /// Emergency calls use the address.
    Registered,
    /// No address is registered.
    Unregistered,
    /// The registration takes its time.
    PendingRegistration,
    /// The registration failed.
    RegistrationFailure,
    /// The removal takes its time.
    PendingUnregistration,
    /// The removal failed.
    UnregistrationFailure,
}

impl EmergencyAddressStatus {
    /// Twilio's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
            Self::PendingRegistration => "pending-registration",
            Self::RegistrationFailure => "registration-failure",
            Self::PendingUnregistration => "pending-unregistration",
            Self::UnregistrationFailure => "unregistration-failure",
        }
    }

    /// Returns true when emergency calls may still use the address, so that the number cannot be released.
    pub(crate) fn is_in_use(self) -> bool {
        match self {
            Self::Registered
            | Self::PendingRegistration
            | Self::PendingUnregistration
            | Self::UnregistrationFailure => true,
            Self::Unregistered | Self::RegistrationFailure => false,
        }
    }
}

/// One phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its SID, which a transfer keeps.
    pub sid: NumberSid,
    /// The phone number in E.164, a short code, or a SIP address as in `sip:…`; empty for a number that has none.
    pub phone_number: String,
    /// The account that owns it.
    pub owner: AccountSid,
    /// The friendly name; by default the formatted phone number.
    pub friendly_name: String,
    /// The address requirements.
    pub address_requirements: AddressRequirements,
    /// Its address, `AD…`.
    pub address_sid: Option<String>,
    /// Its regulatory bundle, `BU…`; a number with one needs one to be transferred.
    pub bundle_sid: Option<String>,
    /// Its identity, `RI…`; a number with one needs one to be transferred.
    pub identity_sid: Option<String>,
    /// Its address for emergency calls, `AD…`.
    pub emergency_address_sid: Option<String>,
    /// The registration of that address; none follows the address: registered while there is one.
    pub emergency_address_status: Option<EmergencyAddressStatus>,
    /// Its origin.
    pub origin: Origin,
    /// Its type.
    pub number_type: NumberType,
    /// True when it is new to the platform.
    pub beta: bool,
    /// True when it is being ported out, so that it cannot be released.
    pub porting_out: bool,
    /// True when its SIP trunk serves emergency calls, so that it can be neither transferred nor released.
    pub trunk_in_emergency_use: bool,
    /// The code that refuses its release for another reason, such as 22400 for a route configuration.
    pub release_refusal: Option<u32>,
    /// Its webhooks, applications and trunk.
    pub settings: Settings,
    /// The time at which it was bought.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Number {
    /// A number of `owner` without requirements, created at `since`.
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
            emergency_address_status: None,
            origin: Origin::Twilio,
            number_type: NumberType::Local,
            beta: false,
            porting_out: false,
            trunk_in_emergency_use: false,
            release_refusal: None,
            settings: Settings::default(),
            date_created: since,
            date_updated: since,
        }
    }
}

impl Number {
    /// The phone number, or the SID of a number that has none.
    pub fn name(&self) -> &str {
        if self.phone_number.is_empty() { self.sid.as_str() } else { &self.phone_number }
    }

    /// The registration of its address for emergency calls.
    pub fn emergency_registration(&self) -> EmergencyAddressStatus {
        use EmergencyAddressStatus::{Registered, Unregistered};
        let by_address = if self.emergency_address_sid.is_some() { Registered } else { Unregistered };
        self.emergency_address_status.unwrap_or(by_address)
    }

    /// Returns true when its phone number is in E.164, so that a desired state can name it.
    pub fn is_e164(&self) -> bool {
        is_e164(&self.phone_number)
    }
}

/// Returns true when Twilio may show `text` as a phone number: E.164, a short code, a SIP address, or none.
pub(crate) fn is_number(text: &str) -> bool {
    let is_short_code = || {
        (3..=8).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && !text.starts_with('0')
    };
    text.is_empty() || is_e164(text) || text.starts_with("sip:") || is_short_code()
}

/// Returns true when `text` is a valid E.164 phone number.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// The default name of a number: `(510) 555-0101` in North America, elsewhere the phone number.
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
    fn short_codes_and_sip_addresses_are_shown_as_numbers() {
        for right in ["", "+15105550101", "38436", "sip:desk@example.com"] {
            assert!(is_number(right), "{right}");
        }
        for wrong in ["0151", "15105550101", "+1 510", "desk", "12"] {
            assert!(!is_number(wrong), "{wrong}");
        }
    }

    #[test]
    fn north_american_numbers_have_a_formatted_name() {
        assert_eq!(formatted("+15105550101"), "(510) 555-0101");
        assert_eq!(formatted("+493012345678"), "+493012345678");
    }
}
