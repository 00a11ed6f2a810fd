//! Resource references: the resources of its owner that a phone number uses, which no transfer moves.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A resource of the owning account that a phone number refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceRef {
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

impl ResourceRef {
    /// Every resource reference, in the order of messages.
    pub const ALL: [Self; 7] = [
        Self::VoiceApplication,
        Self::SmsApplication,
        Self::Trunk,
        Self::Address,
        Self::EmergencyAddress,
        Self::Bundle,
        Self::Identity,
    ];

    /// The name in snapshots.
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

    /// The noun in messages.
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

/// The resource references of one number, in one byte: a fleet has thousands of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceRefs(u8);

impl ResourceRefs {
    /// Returns true when `resource_ref` is among them.
    pub const fn contains(self, resource_ref: ResourceRef) -> bool {
        self.0 & resource_ref.bit() != 0
    }

    /// Adds `resource_ref`.
    pub const fn insert(&mut self, resource_ref: ResourceRef) {
        self.0 |= resource_ref.bit();
    }

    /// Returns true when the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The resource references, in order.
    pub fn iter(self) -> impl Iterator<Item = ResourceRef> {
        ResourceRef::ALL.into_iter().filter(move |resource_ref| self.contains(*resource_ref))
    }
}

impl FromIterator<ResourceRef> for ResourceRefs {
    fn from_iter<I: IntoIterator<Item = ResourceRef>>(resource_refs: I) -> Self {
        let mut all = Self::default();
        resource_refs.into_iter().for_each(|resource_ref| all.insert(resource_ref));
        all
    }
}

impl Serialize for ResourceRefs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(ResourceRef::as_str))
    }
}

impl<'de> Deserialize<'de> for ResourceRefs {
    /// Ignores names that a later version added, which only loses a warning.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(ResourceRef::ALL
            .into_iter()
            .filter(|resource_ref| words.iter().any(|word| word == resource_ref.as_str()))
            .collect())
    }
}
