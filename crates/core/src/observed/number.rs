//! A phone number as Twilio shows it.

use serde::{Deserialize, Serialize};

use crate::{NumberId, NumberSid, NumberType, PhoneNumber, ResourceRefs, SettingSet, ShownSettings};

/// A phone number in the list of the account that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
            urls: SettingSet::default(),
            settings: None,
        }
    }

    /// Its identity: the phone number, or the SID of one that has none.
    pub fn id(&self) -> NumberId {
        self.phone.map_or(NumberId::Sid(self.sid), NumberId::Phone)
    }
}
