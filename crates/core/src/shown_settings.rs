//! The settings of a phone number as Twilio shows them, without the parts of URLs that may be credentials.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    NumberSetting, NumberSettings, SettingSet, digest::digest, number_setting::SettingFormat,
    text::sanitize_to,
};

/// The most characters of a value that are shown.
const MAX_SHOWN: usize = 200;
/// The mark of a hidden part.
const HIDDEN: &str = "…";

/// The value of a setting without user information, query and fragment, which may be credentials. A digest of the whole
/// value stands for them, so that values can be compared without being kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShownSetting {
    text: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Box<str>>,
}

impl ShownSetting {
    /// The shown form of `value`.
    pub fn new(setting: NumberSetting, value: &str) -> Self {
        let text = match setting.format() {
            SettingFormat::Url => sanitize_to(&without_credentials(value), MAX_SHOWN),
            SettingFormat::Name
            | SettingFormat::Method
            | SettingFormat::Application
            | SettingFormat::Trunk => sanitize_to(value, MAX_SHOWN),
        };
        let digest = (text != value).then(|| digest(&value).into());
        Self { text: text.into(), digest }
    }

    /// Returns true when the text is the whole value.
    pub const fn is_whole(&self) -> bool {
        self.digest.is_none()
    }

    /// The text, which is empty for an empty value.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns true when `other` has the same text and another value.
    pub fn differs_in_hidden_part(&self, other: &Self) -> bool {
        self.text == other.text && self.digest != other.digest
    }
}

impl fmt::Display for ShownSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "(empty)" } else { &self.text })
    }
}

/// `url` without user information, query and fragment. A text that is no valid URL loses everything that may be one of them.
fn without_credentials(url: &str) -> String {
    let (bare, hidden) = match url.find(['?', '#']) {
        Some(at) => (&url[..at], format!("{}{HIDDEN}", &url[at..=at])),
        None => (url, String::new()),
    };
    let scheme = bare.find("://").map_or("", |at| &bare[..at + 3]);
    match bare.rsplit_once('@') {
        Some((_, after)) => format!("{scheme}{HIDDEN}@{after}{hidden}"),
        // A password with one of these characters that is not escaped.
        None if url.contains('@') && !is_host(&bare[scheme.len()..]) => format!("{scheme}{HIDDEN}"),
        None => bare.to_owned() + &hidden,
    }
}

/// Returns true when `rest`, which follows the scheme of a URL, begins with a host and a numeric port, if any.
fn is_host(rest: &str) -> bool {
    let authority = rest.split(['/', '\\']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    !authority.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The settings of one number as Twilio shows them. What is not among them has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShownSettings {
    values: BTreeMap<NumberSetting, ShownSetting>,
    /// Settings whose values cannot be read.
    #[serde(skip_serializing_if = "SettingSet::is_empty")]
    unreadable: SettingSet,
}

/// A setting whose value at Twilio is not the one that the state names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDifference {
    /// The setting.
    pub setting: NumberSetting,
    /// The value at Twilio.
    pub live: ShownSetting,
    /// The value that the state names.
    pub desired: ShownSetting,
}

impl ShownSettings {
    /// Adds the `value` that Twilio shows for `setting`. A value that is empty or absent is the default.
    pub fn insert(&mut self, setting: NumberSetting, value: &str) {
        if value.is_empty() || setting.default_value() == Some(value) {
            self.values.remove(&setting);
        } else {
            self.values.insert(setting, ShownSetting::new(setting, value));
        }
        self.unreadable = self.unreadable.iter().filter(|unreadable| *unreadable != setting).collect();
    }

    /// Marks the value of `setting` as unreadable.
    pub fn set_unreadable(&mut self, setting: NumberSetting) {
        self.values.remove(&setting);
        self.unreadable.insert(setting);
    }

    /// The value of `setting`; `None` when it cannot be read.
    pub fn get(&self, setting: NumberSetting) -> Option<ShownSetting> {
        if self.unreadable.contains(setting) {
            return None;
        }
        let default = || ShownSetting::new(setting, setting.default_value().unwrap_or_default());
        Some(self.values.get(&setting).cloned().unwrap_or_else(default))
    }

    /// The settings with another value than the default, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (NumberSetting, &ShownSetting)> {
        self.values.iter().map(|(&setting, value)| (setting, value))
    }

    /// The settings that `desired` names with another value, in order.
    ///
    /// # Errors
    /// The first setting that `desired` names and that cannot be read.
    pub fn differences(&self, desired: &NumberSettings) -> Result<Vec<SettingDifference>, NumberSetting> {
        let mut found = Vec::new();
        for (setting, value) in desired.values() {
            let live = self.get(setting).ok_or(setting)?;
            let desired = ShownSetting::new(setting, value);
            if live != desired {
                found.push(SettingDifference { setting, live, desired });
            }
        }
        Ok(found)
    }
}

impl fmt::Display for SettingDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, live, desired } = self;
        if live.differs_in_hidden_part(desired) {
            return write!(f, "{setting}: {desired}, which differs in a part that is not shown");
        }
        write!(f, "{setting}: {live} → {desired}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_shown_without_user_information_query_and_fragment() {
        for (url, shown) in [
            ("https://example.com/voice", "https://example.com/voice"),
            ("https://user:pass@example.com/voice?token=1#x", "https://…@example.com/voice?…"),
            ("https://example.com/voice#rc=3", "https://example.com/voice#…"),
            ("https://user:p/a@ss@example.com/", "https://…@example.com/"),
            ("https:///user:pass@example.com/", "https://…@example.com/"),
            ("https:/user:pass@example.com/", "…@example.com/"),
            ("user:pass@example.com", "…@example.com"),
            ("https://user:pass?@example.com", "https://…"),
            ("https://user:pass#@example.com", "https://…"),
            ("https://example.com:8443/a?to=b@example.com", "https://example.com:8443/a?…"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(url), shown, "{url}");
        }
    }

    #[test]
    fn values_with_hidden_parts_are_compared_whole() {
        let shown = |value| ShownSetting::new(NumberSetting::VoiceUrl, value);
        let (one, other) = (shown("https://a:1@example.com"), shown("https://a:2@example.com"));
        assert_eq!(one, shown("https://a:1@example.com"));
        assert_ne!(one, other);
        assert!(one.differs_in_hidden_part(&other) && !one.is_whole());
        assert_ne!(shown("https://…@example.com"), one, "a value that looks like the shown form");
    }

    #[test]
    fn default_and_missing_values_are_the_same() {
        let mut shown = ShownSettings::default();
        shown.insert(NumberSetting::VoiceMethod, "POST");
        shown.insert(NumberSetting::VoiceUrl, "");
        assert_eq!(shown, ShownSettings::default());
        let mut desired = NumberSettings::default();
        desired.insert(NumberSetting::VoiceMethod, "POST");
        desired.insert(NumberSetting::TrunkSid, "");
        assert_eq!(shown.differences(&desired), Ok(Vec::new()));
        shown.set_unreadable(NumberSetting::TrunkSid);
        assert_eq!(shown.differences(&desired), Err(NumberSetting::TrunkSid));
    }

    #[test]
    fn difference_shows_no_credentials() {
        let mut shown = ShownSettings::default();
        shown.insert(NumberSetting::SmsUrl, "https://a:old@example.com/sms?t=old");
        let mut desired = NumberSettings::default();
        desired.insert(NumberSetting::SmsUrl, "https://a:new@example.com/sms?t=new");
        desired.insert(NumberSetting::SmsMethod, "GET");
        let found = shown.differences(&desired).unwrap();
        let words: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "smsUrl: https://…@example.com/sms?…, which differs in a part that is not shown",
                "smsMethod: POST → GET",
            ]
        );
        for text in [format!("{shown:?}{desired:?}{found:?}"), serde_json::to_string(&shown).unwrap()] {
            assert!(!text.contains("old") && !text.contains("new"), "{text}");
        }
    }
}
