//! A setting of a phone number that the state can name, and the format of its value.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A setting of a phone number, in the order of Twilio's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberSetting {
    /// The name of the number.
    FriendlyName,
    /// The URL that Twilio requests for a call.
    VoiceUrl,
    /// The HTTP method of that request.
    VoiceMethod,
    /// The URL that Twilio requests when that request failed.
    VoiceFallbackUrl,
    /// The HTTP method of that request.
    VoiceFallbackMethod,
    /// The URL that Twilio requests for a message.
    SmsUrl,
    /// The HTTP method of that request.
    SmsMethod,
    /// The URL that Twilio requests when that request failed.
    SmsFallbackUrl,
    /// The HTTP method of that request.
    SmsFallbackMethod,
    /// The URL to which Twilio sends the states of calls.
    StatusCallback,
    /// The HTTP method of that request.
    StatusCallbackMethod,
    /// The application that handles calls, in place of the voice URLs.
    VoiceApplicationSid,
    /// The application that handles messages, in place of the SMS URLs.
    SmsApplicationSid,
    /// The SIP trunk that handles calls, in place of voice URLs and voice application.
    TrunkSid,
}

/// The format of the value of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingFormat {
    /// A name of 1 to 64 characters.
    Name,
    /// An absolute URL; empty for none.
    Url,
    /// `GET` or `POST`; Twilio's default is `POST`.
    Method,
    /// The SID of an application; empty for none.
    Application,
    /// The SID of a SIP trunk; empty for none.
    Trunk,
}

impl NumberSetting {
    /// Every setting, in order.
    pub const ALL: [Self; 14] = [
        Self::FriendlyName,
        Self::VoiceUrl,
        Self::VoiceMethod,
        Self::VoiceFallbackUrl,
        Self::VoiceFallbackMethod,
        Self::SmsUrl,
        Self::SmsMethod,
        Self::SmsFallbackUrl,
        Self::SmsFallbackMethod,
        Self::StatusCallback,
        Self::StatusCallbackMethod,
        Self::VoiceApplicationSid,
        Self::SmsApplicationSid,
        Self::TrunkSid,
    ];

    /// The key in the state, in plans and in snapshots.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FriendlyName => "friendlyName",
            Self::VoiceUrl => "voiceUrl",
            Self::VoiceMethod => "voiceMethod",
            Self::VoiceFallbackUrl => "voiceFallbackUrl",
            Self::VoiceFallbackMethod => "voiceFallbackMethod",
            Self::SmsUrl => "smsUrl",
            Self::SmsMethod => "smsMethod",
            Self::SmsFallbackUrl => "smsFallbackUrl",
            Self::SmsFallbackMethod => "smsFallbackMethod",
            Self::StatusCallback => "statusCallback",
            Self::StatusCallbackMethod => "statusCallbackMethod",
            Self::VoiceApplicationSid => "voiceApplicationSid",
            Self::SmsApplicationSid => "smsApplicationSid",
            Self::TrunkSid => "trunkSid",
        }
    }

    /// The format of its value.
    pub const fn format(self) -> SettingFormat {
        match self {
            Self::FriendlyName => SettingFormat::Name,
            Self::VoiceUrl
            | Self::VoiceFallbackUrl
            | Self::SmsUrl
            | Self::SmsFallbackUrl
            | Self::StatusCallback => SettingFormat::Url,
            Self::VoiceMethod
            | Self::VoiceFallbackMethod
            | Self::SmsMethod
            | Self::SmsFallbackMethod
            | Self::StatusCallbackMethod => SettingFormat::Method,
            Self::VoiceApplicationSid | Self::SmsApplicationSid => SettingFormat::Application,
            Self::TrunkSid => SettingFormat::Trunk,
        }
    }

    /// The value of a number for which nothing was set; `None` when it depends on the number.
    pub const fn default_value(self) -> Option<&'static str> {
        match self.format() {
            SettingFormat::Name => None,
            SettingFormat::Method => Some("POST"),
            SettingFormat::Url | SettingFormat::Application | SettingFormat::Trunk => Some(""),
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for NumberSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for NumberSetting {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for NumberSetting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Self::ALL
            .into_iter()
            .find(|setting| setting.as_str() == word)
            .ok_or_else(|| serde::de::Error::custom("not a setting of a phone number"))
    }
}

/// A set of settings, in two bytes: a fleet has thousands of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingSet(u16);

impl SettingSet {
    /// Returns true when `setting` is among them.
    pub const fn contains(self, setting: NumberSetting) -> bool {
        self.0 & setting.bit() != 0
    }

    /// Adds `setting`.
    pub const fn insert(&mut self, setting: NumberSetting) {
        self.0 |= setting.bit();
    }

    /// Returns true when the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The settings, in order.
    pub fn iter(self) -> impl Iterator<Item = NumberSetting> {
        NumberSetting::ALL.into_iter().filter(move |setting| self.contains(*setting))
    }
}

impl FromIterator<NumberSetting> for SettingSet {
    fn from_iter<I: IntoIterator<Item = NumberSetting>>(settings: I) -> Self {
        let mut all = Self::default();
        settings.into_iter().for_each(|setting| all.insert(setting));
        all
    }
}

impl Serialize for SettingSet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(NumberSetting::as_str))
    }
}

impl<'de> Deserialize<'de> for SettingSet {
    /// Ignores names that a later version added, which only loses a warning.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(NumberSetting::ALL
            .into_iter()
            .filter(|setting| words.iter().any(|word| word == setting.as_str()))
            .collect())
    }
}
