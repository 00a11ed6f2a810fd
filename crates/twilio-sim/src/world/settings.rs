//! The settings of a number for calls and messages, by Twilio's parameter names.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::{error::ApiError, sid::is_sid};

/// The kind of value that Twilio accepts for a setting.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Url,
    Method,
    Flag,
    OneOf(&'static [&'static str]),
    Sid(&'static str),
}

struct Setting {
    param: &'static str,
    field: &'static str,
    default: Option<&'static str>,
    kind: Kind,
}

const fn setting(
    param: &'static str,
    field: &'static str,
    default: Option<&'static str>,
    kind: Kind,
) -> Setting {
    Setting { param, field, default, kind }
}

const TRUNK: &str = "TrunkSid";

const SETTINGS: [Setting; 17] = [
    setting("ApiVersion", "api_version", Some("2010-04-01"), Kind::Text),
    setting("EmergencyStatus", "emergency_status", Some("Inactive"), Kind::OneOf(&["Active", "Inactive"])),
    setting("SmsApplicationSid", "sms_application_sid", None, Kind::Sid("AP")),
    setting("SmsFallbackMethod", "sms_fallback_method", Some("POST"), Kind::Method),
    setting("SmsFallbackUrl", "sms_fallback_url", Some(""), Kind::Url),
    setting("SmsMethod", "sms_method", Some("POST"), Kind::Method),
    setting("SmsUrl", "sms_url", Some(""), Kind::Url),
    setting("StatusCallback", "status_callback", Some(""), Kind::Url),
    setting("StatusCallbackMethod", "status_callback_method", Some("POST"), Kind::Method),
    setting(TRUNK, "trunk_sid", None, Kind::Sid("TK")),
    setting("VoiceApplicationSid", "voice_application_sid", None, Kind::Sid("AP")),
    setting("VoiceCallerIdLookup", "voice_caller_id_lookup", Some("false"), Kind::Flag),
    setting("VoiceFallbackMethod", "voice_fallback_method", Some("POST"), Kind::Method),
    setting("VoiceFallbackUrl", "voice_fallback_url", None, Kind::Url),
    setting("VoiceMethod", "voice_method", Some("POST"), Kind::Method),
    setting("VoiceReceiveMode", "voice_receive_mode", Some("voice"), Kind::OneOf(&["voice", "fax"])),
    setting("VoiceUrl", "voice_url", None, Kind::Url),
];

/// The settings that are set; all others have Twilio's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// The value of `param`, if it is set.
    pub fn get(&self, param: &str) -> Option<&str> {
        self.0.get(param).map(String::as_str)
    }

    /// Sets `param`; an empty value restores the default. Unknown parameters are ignored, as at Twilio.
    pub fn set(&mut self, param: &str, value: &str) -> Result<(), ApiError> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.param == param) else { return Ok(()) };
        if value.is_empty() {
            self.0.remove(setting.param);
            return Ok(());
        }
        setting.kind.check(param, value)?;
        match param {
            TRUNK => self.0.remove("VoiceApplicationSid"),
            "VoiceApplicationSid" => self.0.remove(TRUNK),
            _ => None,
        };
        self.0.insert(setting.param, value.to_owned());
        Ok(())
    }

    /// Clears everything but the trunk, as a transfer may do.
    pub(crate) fn clear_webhooks(&mut self) {
        self.0.retain(|param, _| *param == TRUNK);
    }

    /// Clears everything that is not about voice, as a transfer may do.
    pub(crate) fn clear_all_but_voice(&mut self) {
        self.0.retain(|param, _| is_voice(param));
    }

    /// Clears the trunk, as a transfer may do.
    pub(crate) fn clear_trunk(&mut self) {
        self.0.remove(TRUNK);
    }

    /// The settings that are set, by parameter name.
    pub(crate) fn made(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(param, value)| (*param, value.as_str()))
    }

    /// Every setting as field and value of the JSON; `no_sid` is the value of a SID that is not set.
    pub(crate) fn fields(&self, no_sid: &Value) -> impl Iterator<Item = (&'static str, Value)> {
        SETTINGS.iter().map(move |setting| {
            let value = match (self.get(setting.param).or(setting.default), setting.kind) {
                (Some(value), Kind::Flag) => Value::Bool(value == "true"),
                (Some(value), Kind::Text | Kind::Url | Kind::Method | Kind::OneOf(_) | Kind::Sid(_)) => {
                    Value::from(value)
                }
                (None, Kind::Sid(_)) => no_sid.clone(),
                (None, Kind::Text | Kind::Url | Kind::Method | Kind::Flag | Kind::OneOf(_)) => Value::Null,
            };
            (setting.field, value)
        })
    }
}

/// Returns true when `param` is a setting for calls.
pub(crate) fn is_voice(param: &str) -> bool {
    param.starts_with("Voice") || param == TRUNK
}

impl Kind {
    fn check(self, param: &str, value: &str) -> Result<(), ApiError> {
        let (fits, code) = match self {
            Self::Text => (true, 20422),
            Self::Url => (value.starts_with("http://") || value.starts_with("https://"), 21402),
            Self::Method => (matches!(value, "GET" | "POST"), 21403),
            Self::Flag => (matches!(value, "true" | "false"), 20422),
            Self::OneOf(words) => (words.contains(&value), 20422),
            Self::Sid("AP") => (is_sid("AP", value), 21420),
            Self::Sid(prefix) => (is_sid(prefix, value), 20423),
        };
        if fits { Ok(()) } else { Err(ApiError::new(code).about(format!("{param} {value}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_checked_as_twilio_would() {
        let cases = [
            ("VoiceUrl", "https://example.org/voice", None),
            ("VoiceUrl", "nowhere", Some(21402)),
            ("SmsMethod", "PUT", Some(21403)),
            ("VoiceReceiveMode", "telex", Some(20422)),
            ("SmsApplicationSid", "AP1", Some(21420)),
            ("TrunkSid", "TK1", Some(20423)),
            ("voiceurl", "nowhere", None),
        ];
        for (param, value, code) in cases {
            let refused = Settings::default().set(param, value).err().map(|error| error.code);
            assert_eq!(refused, code, "{param}={value}");
        }
    }

    #[test]
    fn a_trunk_replaces_the_voice_application_and_vice_versa() {
        let (trunk, application) = (format!("TK{:032x}", 1), format!("AP{:032x}", 1));
        let mut settings = Settings::default();
        settings.set("VoiceApplicationSid", &application).unwrap();
        settings.set(TRUNK, &trunk).unwrap();
        assert_eq!((settings.get("VoiceApplicationSid"), settings.get(TRUNK)), (None, Some(trunk.as_str())));
        settings.set("VoiceApplicationSid", &application).unwrap();
        assert_eq!(settings.get(TRUNK), None);
    }
}
