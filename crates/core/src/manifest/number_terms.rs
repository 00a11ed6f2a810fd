//! The terms of claims: settings of numbers, and resources for their transfers.

use std::collections::BTreeMap;

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, shown},
    fields::{Fields, list, malformed, one_of, sid, text, word},
    location::Location,
    suggestions::{NUMBER_SETTINGS, TRANSFER_DEFAULT},
    yaml::Node,
};
use crate::{
    AddressSid, ApplicationSid, BundleSid, IdentitySid, NumberSetting, NumberSettings, NumberType,
    SettingFormat, TransferResources, TrunkSid,
    claim::{NumberDefaults, NumberPrefix, TransferDefault},
};

/// The methods of webhooks.
const METHODS: [&str; 2] = ["GET", "POST"];
/// The most characters of a URL.
const MAX_URL: usize = 2048;
/// The most characters of a friendly name; Twilio accepts up to 64 (OpenAPI, `FriendlyName`).
const MAX_NAME: usize = 64;

const ADDRESS_HELP: &str =
    "copy the SID of an address of the receiving account: AD and 32 hexadecimal digits";
const BUNDLE_HELP: &str = "copy the SID of a bundle of the receiving account: BU and 32 hexadecimal digits";
const IDENTITY_HELP: &str =
    "copy the SID of an identity of the receiving account: RI and 32 hexadecimal digits";

/// Reads the resources for a transfer.
pub(super) fn resources(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> TransferResources {
    let mut address = |key| {
        let node = fields.get(key)?;
        sid::<AddressSid>(node, key, AddressSid::PREFIX, ADDRESS_HELP, diagnostics)
    };
    let (address_sid, emergency_address_sid) = (address("addressSid"), address("emergencyAddressSid"));
    let bundle_sid = fields
        .get("bundleSid")
        .and_then(|node| sid(node, "bundleSid", BundleSid::PREFIX, BUNDLE_HELP, diagnostics));
    let identity_sid = fields
        .get("identitySid")
        .and_then(|node| sid(node, "identitySid", IdentitySid::PREFIX, IDENTITY_HELP, diagnostics));
    TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid }
}

/// Reads the settings among `fields`, each with its location.
pub(super) fn settings(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> ReadSettings {
    let mut read = ReadSettings::default();
    for setting in NumberSetting::ALL {
        let Some(node) = fields.get(setting.as_str()) else { continue };
        read.locations.insert(setting, node.location);
        if let Some(value) = setting_value(node, setting, diagnostics) {
            read.settings.insert(setting, &value);
        }
    }
    read
}

/// Settings as they were read.
#[derive(Default)]
pub(super) struct ReadSettings {
    pub(super) settings: NumberSettings,
    locations: BTreeMap<NumberSetting, Location>,
}

impl ReadSettings {
    /// Adds a diagnostic when these settings, together with `defaults`, name both a trunk and a voice application.
    pub(super) fn check(&self, defaults: &NumberSettings, diagnostics: &mut Diagnostics<'_>) {
        let pair = [NumberSetting::VoiceApplicationSid, NumberSetting::TrunkSid];
        let all = self.settings.or(defaults);
        let is_set = |setting| all.value(setting).is_some_and(|value| !value.is_empty());
        let Some((setting, location)) =
            pair.into_iter().find_map(|setting| Some((setting, self.locations.get(&setting)?)))
        else {
            return;
        };
        if !pair.into_iter().all(is_set) {
            return;
        }
        let other = if setting == pair[0] { pair[1] } else { pair[0] };
        let message =
            format!("`{setting}` and `{other}` are both set: Twilio removes one when it gets the other");
        let related = self.locations.get(&other).copied();
        let help = format!("keep one of the two, and write `\"\"` for the other, as in `{other}: \"\"`");
        let found = diagnostics.add(DiagnosticCode::SettingsConflict, *location, message, help);
        if let Some(related) = related {
            found.with_related(related, "also set here");
        }
    }
}

fn setting_value(node: &Node, setting: NumberSetting, diagnostics: &mut Diagnostics<'_>) -> Option<String> {
    let key = setting.as_str();
    match setting.format() {
        SettingFormat::Name => text(node, key, MAX_NAME, diagnostics).map(str::to_owned),
        SettingFormat::Url => url(node, key, diagnostics),
        SettingFormat::Method => method(node, key, diagnostics),
        SettingFormat::Application => {
            let help = "copy the SID of an application of the account: AP and 32 hexadecimal digits";
            sid_or_none::<ApplicationSid>(node, key, ApplicationSid::PREFIX, help, diagnostics)
        }
        SettingFormat::Trunk => {
            let help = "copy the SID of a SIP trunk of the account: TK and 32 hexadecimal digits";
            sid_or_none::<TrunkSid>(node, key, TrunkSid::PREFIX, help, diagnostics)
        }
    }
}

/// Reads a SID, or an empty string, which removes it.
fn sid_or_none<T: std::str::FromStr<Err = crate::NotASid> + ToString>(
    node: &Node,
    key: &str,
    prefix: &str,
    help: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<String> {
    if word(node, key, help, diagnostics)?.is_empty() {
        return Some(String::new());
    }
    sid::<T>(node, key, prefix, help, diagnostics).map(|sid| sid.to_string())
}

/// Returns true when `url` contains a whole placeholder of a template. Its characters are valid in a URL one by one.
fn holds_placeholder(url: &str) -> bool {
    let pairs = [("{{", "}}"), ("${", "}")];
    pairs.iter().any(|(open, close)| url.find(open).is_some_and(|at| url[at..].contains(close)))
}

/// Returns true when a state can name the `value` of `setting`.
pub(super) fn is_valid(setting: NumberSetting, value: &str) -> bool {
    match setting.format() {
        SettingFormat::Name => (1..=MAX_NAME).contains(&value.chars().count()),
        SettingFormat::Url => value.is_empty() || url_error(value).is_none(),
        SettingFormat::Method => METHODS.contains(&value),
        SettingFormat::Application => value.is_empty() || value.parse::<ApplicationSid>().is_ok(),
        SettingFormat::Trunk => value.is_empty() || value.parse::<TrunkSid>().is_ok(),
    }
}

/// Reads an absolute URL, or an empty string, which removes it. No message shows its credentials.
fn url(node: &Node, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<String> {
    let help = "write an absolute URL of at most 2048 characters, as in `https://example.com/voice`, or `\"\"` to remove it";
    let text = word(node, key, help, diagnostics)?;
    let Some(why) = Some(text).filter(|text| !text.is_empty()).and_then(url_error) else {
        return Some(text.to_owned());
    };
    let what = (DiagnosticCode::MalformedUrl, format!("`{key}` {why}"));
    // `malformed` quotes nothing but placeholders.
    malformed(node, (key, text), what, help, diagnostics);
    None
}

/// The reason why `text` is not a valid URL.
fn url_error(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if holds_placeholder(text) {
        Some("is not a URL")
    } else if text.chars().nth(MAX_URL).is_some() {
        Some("is too long")
    } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("contains white space or a control character")
    } else if !text.is_ascii() {
        Some("contains a character that is not ASCII: percent-encode it")
    } else if let Some(rest) = rest {
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some("has no host")
    } else {
        Some("does not begin with `https://` or `http://`")
    }
}

fn method(node: &Node, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<String> {
    let help = "write `GET` or `POST`; Twilio's default is `POST`";
    one_of(node, key, &METHODS, help, diagnostics).map(str::to_owned)
}

/// Reads `numberDefaults` and `transferDefaults` of an account.
pub(super) fn defaults(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> NumberDefaults {
    let mut settings = NumberSettings::default();
    if let Some(node) = fields.get("numberDefaults")
        && let Some(fields) = Fields::open(node, "`numberDefaults`", NUMBER_SETTINGS, diagnostics)
    {
        let read = self::settings(&fields, diagnostics);
        read.check(&NumberSettings::default(), diagnostics);
        settings = read.settings;
    }
    let mut firsts: BTreeMap<(NumberPrefix, Option<NumberType>), Location> = BTreeMap::new();
    let mut transfers = Vec::new();
    for node in list(fields.get("transferDefaults"), "transferDefaults", diagnostics) {
        let Some((location, default)) = transfer_default(node, diagnostics) else { continue };
        let key = (default.prefix.clone(), default.number_type);
        if let Some(first) = firsts.get(&key) {
            let of = default.number_type.map_or_else(String::new, |of| format!(" and the type {of}"));
            let message = format!("second transfer default for the prefix {}{of}", default.prefix.as_str());
            diagnostics
                .add(DiagnosticCode::DefaultTwice, location, message, "keep one of the two")
                .with_related(*first, "first defined here");
        } else {
            firsts.insert(key, location);
        }
        transfers.push(default);
    }
    NumberDefaults { settings, transfers }
}

fn transfer_default(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Option<(Location, TransferDefault)> {
    let what = "a transfer default";
    let fields = Fields::open(node, what, TRANSFER_DEFAULT, diagnostics)?;
    let help = "write a plus and the first digits of the numbers, as in `prefix: \"+4930\"`";
    let prefix = fields.require("prefix", what, help, diagnostics);
    let prefix = prefix.and_then(|node| number_prefix(node, help, diagnostics));
    let number_type = fields.get("type").and_then(|node| {
        let help = "write `local`, `mobile`, `toll-free` or `national`, or omit the key";
        one_of(node, "type", &NumberType::ALL.map(NumberType::as_str), help, diagnostics)
            .and_then(NumberType::from_word)
    });
    let TransferResources { address_sid, bundle_sid, identity_sid, .. } = resources(&fields, diagnostics);
    let location = fields.get("prefix").map_or_else(|| fields.location(), |node| node.location);
    Some((location, TransferDefault { prefix: prefix?, number_type, address_sid, bundle_sid, identity_sid }))
}

fn number_prefix(node: &Node, help: &str, diagnostics: &mut Diagnostics<'_>) -> Option<NumberPrefix> {
    let text = word(node, "prefix", help, diagnostics)?;
    let prefix = NumberPrefix::new(text);
    if prefix.is_none() {
        let message = format!("`prefix`: `{}` is not the beginning of an E.164 phone number", shown(text));
        malformed(node, ("prefix", text), (DiagnosticCode::MalformedNumber, message), help, diagnostics);
    }
    prefix
}
