//! Twilio's JSON, as far as we read it (OpenAPI: `twilio_api_v2010`).
//!
//! Nearly every field may be null or absent. No type here has a field for `auth_token`, which account objects contain.

mod address;
pub(crate) mod call;

use std::{borrow::Cow, io::Read, str::FromStr};

use jiff::{Timestamp, fmt::rfc2822};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use subaccountd_core::{
    Account, AccountSid, ApplicationSid, EmergencyStatus, LiveStatus, Number, NumberSetting, NumberSid,
    NumberType, ResourceRef, ResourceRefs, SettingFormat, SettingSet, ShownSettings, Status, TrunkSid,
    remote::UnreadableRow, text::sanitize_to,
};

pub(crate) use address::AddressesPage;
pub(crate) use call::{CallRow, CallsPage};

use crate::{response_body::ResponseBody, rows::Rows};

/// The longest error message of Twilio that is kept.
const MAX_MESSAGE: usize = 300;
/// The longest unknown status that is kept.
const MAX_STATUS: usize = 40;

/// One page of a list.
pub(crate) trait Page: ResponseBody {
    /// One element of the list.
    type Row: ResponseBody;

    /// The rows, and the URI of the next page.
    fn into_parts(self) -> (Rows<Self::Row>, Option<String>);
}

/// `ListAccountResponse`.
#[derive(Debug, Deserialize)]
pub(crate) struct AccountsPage {
    accounts: Rows<AccountRow>,
    next_page_uri: Option<String>,
}

/// `ListIncomingPhoneNumberResponse`.
#[derive(Debug, Deserialize)]
pub(crate) struct NumbersPage {
    incoming_phone_numbers: Rows<NumberRow>,
    next_page_uri: Option<String>,
}

/// `api.v2010.account`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountRow {
    sid: Option<String>,
    owner_account_sid: Option<String>,
    friendly_name: Option<String>,
    status: Option<String>,
    date_created: Option<String>,
    date_updated: Option<String>,
}

/// `api.v2010.account.incoming_phone_number`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of Twilio's resource")]
pub(crate) struct NumberRow {
    sid: Option<String>,
    account_sid: Option<String>,
    phone_number: Option<String>,
    address_requirements: Option<String>,
    #[serde(rename = "type")]
    number_type: Setting,
    emergency_address_status: Setting,
    friendly_name: Setting,
    voice_url: Setting,
    voice_method: Setting,
    voice_fallback_url: Setting,
    voice_fallback_method: Setting,
    sms_url: Setting,
    sms_method: Setting,
    sms_fallback_url: Setting,
    sms_fallback_method: Setting,
    status_callback: Setting,
    status_callback_method: Setting,
    voice_application_sid: Option<String>,
    sms_application_sid: Option<String>,
    trunk_sid: Option<String>,
    #[serde(deserialize_with = "is_given")]
    address_sid: bool,
    #[serde(deserialize_with = "is_given")]
    emergency_address_sid: bool,
    #[serde(deserialize_with = "is_given")]
    bundle_sid: bool,
    #[serde(deserialize_with = "is_given")]
    identity_sid: bool,
}

impl ResponseBody for AccountsPage {
    const EXPECTED: &'static str = "a page of `accounts`";
}

impl ResponseBody for NumbersPage {
    const EXPECTED: &'static str = "a page of `incoming_phone_numbers`";
}

impl ResponseBody for AccountRow {
    const EXPECTED: &'static str = "an account";
}

impl ResponseBody for NumberRow {
    const EXPECTED: &'static str = "a phone number";
}

impl Page for AccountsPage {
    type Row = AccountRow;

    fn into_parts(self) -> (Rows<AccountRow>, Option<String>) {
        (self.accounts, present(self.next_page_uri))
    }
}

impl Page for NumbersPage {
    type Row = NumberRow;

    fn into_parts(self) -> (Rows<NumberRow>, Option<String>) {
        (self.incoming_phone_numbers, present(self.next_page_uri))
    }
}

impl AccountRow {
    /// The account, or the error of the row.
    pub(crate) fn account(self) -> Result<Account, UnreadableRow> {
        let unreadable = |sid, why| UnreadableRow { sid, why };
        let sid = self.sid.ok_or_else(|| unreadable(None, "an account has no `sid`".to_owned()))?;
        let sid: AccountSid = sid
            .parse()
            .map_err(|error| unreadable(None, format!("an account has an invalid `sid`: {error}")))?;
        let owner = present(self.owner_account_sid).map(|owner| owner.parse()).transpose();
        let owner = owner.map_err(|error| {
            unreadable(Some(sid), format!("account {sid} has an invalid `owner_account_sid`: {error}"))
        })?;
        Ok(Account {
            sid,
            owner,
            friendly_name: self.friendly_name.unwrap_or_default(),
            status: live_status(&self.status.unwrap_or_default()),
            date_created: self.date_created.as_deref().and_then(timestamp),
            date_updated: self.date_updated.as_deref().and_then(timestamp),
        })
    }
}

impl NumberRow {
    /// The phone number in the list of `owner`, or the error of the row.
    pub(crate) fn number(self, owner: AccountSid) -> Result<Number, String> {
        let (sid, holder) = self.identity()?;
        if let Some(other) = holder.filter(|holder| *holder != owner) {
            return Err(format!("phone number {sid} belongs to another account: {other}"));
        }
        let (resource_refs, settings) = (self.resource_refs(), self.settings());
        let is_set = |(setting, _): &(NumberSetting, _)| setting.format() == SettingFormat::Url;
        let urls: SettingSet = settings.iter().filter(is_set).map(|(setting, _)| setting).collect();
        let emergency_status = match self.emergency_address_status.text() {
            Some("") => None,
            Some(word) => Some(EmergencyStatus::from_word(word)),
            None => Some(EmergencyStatus::Unknown),
        };
        let number_type = self.number_type.text().and_then(NumberType::from_word);
        Ok(Number {
            sid,
            // Null by the specification, or a short code or a SIP address: known by its SID.
            phone: self.phone_number.and_then(|phone| phone.parse().ok()),
            resource_refs,
            needs_address: present(self.address_requirements).is_some_and(|needs| needs != "none"),
            number_type,
            emergency_status,
            urls,
            settings: Some(Box::new(settings)),
        })
    }

    fn resource_refs(&self) -> ResourceRefs {
        let has = |resource_ref: &ResourceRef| match resource_ref {
            ResourceRef::VoiceApplication => is_sid(self.voice_application_sid.as_ref()),
            ResourceRef::SmsApplication => is_sid(self.sms_application_sid.as_ref()),
            ResourceRef::Trunk => is_sid(self.trunk_sid.as_ref()),
            ResourceRef::Address => self.address_sid,
            ResourceRef::EmergencyAddress => self.emergency_address_sid,
            ResourceRef::Bundle => self.bundle_sid,
            ResourceRef::Identity => self.identity_sid,
        };
        ResourceRef::ALL.into_iter().filter(has).collect()
    }

    /// The settings. One that is of a wrong type is unreadable, and makes nothing else so.
    pub(crate) fn settings(&self) -> ShownSettings {
        let mut shown = ShownSettings::default();
        for setting in NumberSetting::ALL {
            match self.setting(setting) {
                Some(value) => shown.insert(setting, &value),
                None => shown.set_unreadable(setting),
            }
        }
        shown
    }

    /// The value of `setting`, empty when it is not set; `None` when it cannot be read.
    fn setting(&self, setting: NumberSetting) -> Option<Cow<'_, str>> {
        let field = match setting {
            NumberSetting::FriendlyName => &self.friendly_name,
            NumberSetting::VoiceUrl => &self.voice_url,
            NumberSetting::VoiceMethod => &self.voice_method,
            NumberSetting::VoiceFallbackUrl => &self.voice_fallback_url,
            NumberSetting::VoiceFallbackMethod => &self.voice_fallback_method,
            NumberSetting::SmsUrl => &self.sms_url,
            NumberSetting::SmsMethod => &self.sms_method,
            NumberSetting::SmsFallbackUrl => &self.sms_fallback_url,
            NumberSetting::SmsFallbackMethod => &self.sms_fallback_method,
            NumberSetting::StatusCallback => &self.status_callback,
            NumberSetting::StatusCallbackMethod => &self.status_callback_method,
            NumberSetting::VoiceApplicationSid => {
                return Some(canonical::<ApplicationSid>(self.voice_application_sid.as_deref()));
            }
            NumberSetting::SmsApplicationSid => {
                return Some(canonical::<ApplicationSid>(self.sms_application_sid.as_deref()));
            }
            NumberSetting::TrunkSid => return Some(canonical::<TrunkSid>(self.trunk_sid.as_deref())),
        };
        field.text().map(Cow::Borrowed)
    }

    /// The number SID and the SID of the owning account, or the error of the row.
    pub(crate) fn identity(&self) -> Result<(NumberSid, Option<AccountSid>), String> {
        let sid = self.sid.as_deref().ok_or("a phone number has no `sid`")?;
        let sid: NumberSid =
            sid.parse().map_err(|error| format!("a phone number has an invalid `sid`: {error}"))?;
        let holder = self.account_sid.as_deref().filter(|holder| !holder.is_empty());
        let holder = holder.map(str::parse).transpose();
        Ok((
            sid,
            holder.map_err(|error| format!("phone number {sid} has an invalid `account_sid`: {error}"))?,
        ))
    }
}

/// A text field of a number that must not make the row unreadable.
#[derive(Debug, Default)]
enum Setting {
    /// The field has no text, or is missing: for a setting, it is not set.
    #[default]
    None,
    /// The text.
    Text(String),
    /// The field is of a wrong type.
    Unreadable,
}

impl Setting {
    /// The text, empty when there is none; `None` when the field cannot be read.
    const fn text(&self) -> Option<&str> {
        match self {
            Self::None => Some(""),
            Self::Text(text) => Some(text.as_str()),
            Self::Unreadable => None,
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(from)? {
            Value::Null => Self::None,
            Value::String(text) => Self::Text(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Self::Unreadable,
        })
    }
}

/// Returns true when a SID field is set.
fn is_sid(field: Option<&String>) -> bool {
    field.is_some_and(|sid| !sid.is_empty())
}

/// The SID in the case in which the state has it, empty when there is none; what is not a SID, as it is.
fn canonical<T: FromStr + ToString>(field: Option<&str>) -> Cow<'_, str> {
    let text = field.unwrap_or_default();
    text.parse::<T>().map_or(Cow::Borrowed(text), |sid| Cow::Owned(sid.to_string()))
}

/// Reads the body of a 2xx answer. The error gives the location of the problem, and no part of the body.
pub(crate) fn read<T: ResponseBody>(body: impl Read) -> Result<T, String> {
    serde_json::from_reader(body).map_err(|error| unreadable::<T>(&error))
}

/// Reads the body of a 2xx answer that is already text, as [`read`] does.
pub(crate) fn read_text<T: ResponseBody>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| unreadable::<T>(&error))
}

fn unreadable<T: ResponseBody>(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "is not" } else { "is not valid JSON, expected" };
    format!("the answer {what} {} (line {}, column {})", T::EXPECTED, error.line(), error.column())
}

/// The body of an answer that is an error.
#[derive(Debug)]
pub(crate) struct ErrorBody {
    /// Twilio's code.
    pub(crate) code: Option<u32>,
    /// Twilio's message.
    pub(crate) message: Option<String>,
    /// True for a JSON object with keys, none of which is a key of Twilio's errors alone. Gateways have a message as well.
    pub(crate) is_of_another: bool,
}

/// Reads the body of an error, as far as it can be read.
pub(crate) fn read_error(body: impl Read) -> ErrorBody {
    let body: Value = serde_json::from_reader(body).unwrap_or_default();
    let is_of_another = body.as_object().is_some_and(|object| {
        !object.is_empty() && !["code", "status", "more_info"].iter().any(|key| object.contains_key(*key))
    });
    let code = body["code"].as_u64().and_then(|code| u32::try_from(code).ok());
    let message = body["message"].as_str().map(|words| sanitize_to(words, MAX_MESSAGE));
    ErrorBody { code, message: message.filter(|words| !words.trim().is_empty()), is_of_another }
}

/// A date of Twilio or of an HTTP header (RFC 2822, also with `GMT`).
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    const DATES: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    DATES.parse_timestamp(text).ok()
}

fn live_status(word: &str) -> LiveStatus {
    Status::from_word(word)
        .map_or_else(|| LiveStatus::Unknown(sanitize_to(word, MAX_STATUS)), LiveStatus::Known)
}

/// Returns true when a SID field is set. The SID itself is not needed, and thousands of them would take memory.
fn is_given<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(present(Option::deserialize(from)?).is_some())
}

/// The text, unless it is empty: Twilio also writes null as `""`.
fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_twilio_and_http_are_read_with_any_weekday() {
        let nine = "2026-11-21T09:00:00Z".parse().ok();
        for text in [
            "Sat, 21 Nov 2026 09:00:00 GMT",
            "Sat, 21 Nov 2026 09:00:00 +0000",
            "Sat, 21 Nov 2026 10:00:00 +0100",
            "Mon, 21 Nov 2026 09:00:00 +0000",
        ] {
            assert_eq!(timestamp(text), nine, "{text}");
        }
        for text in ["", "2026-11-21T09:00:00Z", "Sat, 31 Nov 2026 09:00:00 GMT"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn an_error_body_is_read_as_far_as_it_is_valid() {
        for (body, code, message) in [
            (r#"{"code": 20404, "message": "not found"}"#, Some(20404), Some("not found")),
            (r#"{"code": 20404, "message": " "}"#, Some(20404), None),
            (r#"{"code": 20404, "message": {}}"#, Some(20404), None),
            (r#"{"code": -1, "message": "no"}"#, None, Some("no")),
            (r#"{"code": 99999999999, "message": "no"}"#, None, Some("no")),
            (r#"["code"]"#, None, None),
            ("<html>", None, None),
            ("", None, None),
        ] {
            let error = read_error(body.as_bytes());
            assert_eq!((error.code, error.message.as_deref()), (code, message), "{body}");
        }
    }
}
