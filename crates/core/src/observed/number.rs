//! A phone number as Twilio shows it.

use serde::{Deserialize, Serialize};

use crate::{
    EmergencyStatus, NumberId, NumberSid, NumberType, PhoneNumber, ResourceRef, ResourceRefs, SettingSet,
    ShownSettings,
};

/// A phone number in the list of the account that holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// Its SID, which a transfer keeps.
    pub sid: NumberSid,
    /// The number itself; `None` when Twilio gives none, or one that is not in E.164.
    pub phone: Option<PhoneNumber>,
    /// True when Twilio's `address_requirements` is not `none`.
    pub needs_address: bool,
    /// The resources of the owning account that it uses.
    pub resource_refs: ResourceRefs,
    /// Its type; `None` when Twilio gives none, or an unknown word.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub number_type: Option<NumberType>,
    /// The state of its registration for emergency calls; `None` when Twilio gives none.
    #[serde(rename = "emergencyAddressStatus", default, skip_serializing_if = "Option::is_none")]
    pub emergency_status: Option<EmergencyStatus>,
    /// The URLs that are set.
    #[serde(default, skip_serializing_if = "SettingSet::is_empty")]
    pub urls: SettingSet,
    /// Its settings; `None` when they are not kept, because the state names none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Box<ShownSettings>>,
}

impl Number {
    /// The number `sid` with this phone number, and nothing that a transfer needs or may lose.
    pub fn new(sid: NumberSid, phone: Option<PhoneNumber>) -> Self {
        Self {
            sid,
            phone,
            needs_address: false,
            resource_refs: ResourceRefs::default(),
            number_type: None,
            emergency_status: None,
            urls: SettingSet::default(),
            settings: None,
        }
    }

    /// Returns true when emergency calls may use an address of this number, so that it must not be released. What is not
    /// known counts as registered.
    pub const fn may_serve_emergency_calls(&self) -> bool {
        match self.emergency_status {
            Some(EmergencyStatus::Unregistered) => false,
            None | Some(EmergencyStatus::RegistrationFailure) => {
                self.resource_refs.contains(ResourceRef::EmergencyAddress)
            }
            Some(
                EmergencyStatus::Registered
                | EmergencyStatus::PendingRegistration
                | EmergencyStatus::PendingUnregistration
                | EmergencyStatus::UnregistrationFailure
                | EmergencyStatus::Unknown,
            ) => true,
        }
    }

    /// The same number without its settings, which are only kept where the state names some.
    #[must_use]
    pub fn without_settings(mut self) -> Self {
        self.settings = None;
        self
    }

    /// Its identity: the phone number, or the SID of one that has none.
    pub fn id(&self) -> NumberId {
        self.phone.map_or(NumberId::Sid(self.sid), NumberId::Phone)
    }
}
