//! The JSON Schema of the format, for editors and for checks without this program.
//!
//! The types below mirror the parser for the schema alone; no document is ever read into them. The patterns here describe
//! single fields, and a test checks that schema and parser accept the same documents.

#![expect(dead_code, reason = "the types exist for their schema: no value of them is ever made or read")]

mod windows;

use std::collections::BTreeMap;

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

use windows::{AllowanceSchema, WindowSchema};

/// The JSON Schema (draft 2020-12) of one document, pretty, with a newline at its end.
pub fn json_schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<DesiredStateSchema>();
    RecursiveTransform(tidy).transform(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Removes the null that an `Option` allows: a key may be omitted, but is never null. Joins the lines of descriptions.
fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({"type": "null"}));
        if let [Value::Object(only)] = choices.as_slice() {
            let only: Map<String, Value> = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}

/// Dates and times that the parser accepts. 29 February in any year and the end of the year 9999 pass here only.
const TIME: &str = concat!(
    "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))",
    "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\\.[0-9]{1,9})?)?",
    "([Zz]|[+-]([01][0-9]|2[0-5]):[0-5][0-9])?)?$"
);

/// Names that Twilio keeps as they are written: no blank at either end, no two in a row, no control character. Other
/// invisible characters and decomposed letters pass here only.
const KEPT_NAME: &str = "^[^\\s\\x00-\\x1f\\x7f-\\x9f]+( [^\\s\\x00-\\x1f\\x7f-\\x9f]+)*$";

/// One document of the desired state of the subaccounts of one Twilio main account. A state may be spread over
/// several documents and files; what is not listed in any of them is never changed.
#[derive(JsonSchema)]
#[schemars(
    title = "subaccountd desired state",
    rename_all = "camelCase",
    deny_unknown_fields,
    extend(
        "patternProperties" = {"^x-": true},
        "dependentRequired" = {"windows": ["mainAccount"], "allowances": ["mainAccount"]}
    )
)]
struct DesiredStateSchema {
    /// The version of this format.
    #[schemars(extend("const" = super::API_VERSION))]
    api_version: String,
    /// The kind of this document.
    #[schemars(extend("const" = super::KIND))]
    kind: String,
    /// true: report, but change nothing at all. One paused document pauses the whole state.
    paused: Option<bool>,
    /// Recurring times in which verbs are not used. Only in the document with `mainAccount`.
    #[schemars(length(max = 100))]
    windows: Option<Vec<WindowSchema>>,
    /// Limits that are raised for a time. Only in the document with `mainAccount`.
    #[schemars(length(max = 100))]
    allowances: Option<Vec<AllowanceSchema>>,
    /// The main account, which must be the account of the credentials. Exactly one document of the state names it.
    main_account: Option<MainAccount>,
    /// The managed subaccounts. A subaccount that is not listed is counted, but never changed.
    #[schemars(extend("uniqueItems" = true))]
    subaccounts: Option<Vec<Subaccount>>,
}

/// The main account: the account of the credentials that the state is for. Its status is never changed.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
struct MainAccount {
    /// The SID of the main account: AC and 32 hexadecimal digits.
    sid: AccountSidSchema,
    /// Phone numbers that the main account must own.
    #[schemars(extend("uniqueItems" = true))]
    numbers: Option<Vec<NumberSchema>>,
    /// Settings of every number that the main account claims, unless the claim names its own.
    number_defaults: Option<NumberSettingsSchema>,
    /// Resources for numbers that enter the main account and whose claim names none; also for `moveNumbersToMain`.
    transfer_defaults: Option<Vec<TransferDefaultSchema>>,
    /// The time up to which a suspension of any listed account may be lifted, by Twilio's date, when it is held only
    /// because the account is unknown to the journal.
    lift_suspensions_before: Option<Time>,
    /// Phone numbers that the main account must not have any more: given back to Twilio, each once over the whole state.
    #[schemars(extend("uniqueItems" = true))]
    release: Option<Vec<ReleaseSchema>>,
}

/// One managed subaccount.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend(
        "patternProperties" = {"^x-": true},
        "if" = {"properties": {"status": {"const": "closed"}}, "required": ["status"]},
        "then" = {"required": ["close"], "properties": {"numbers": {"maxItems": 0}}},
        "else" = {"properties": {"close": false}},
        "anyOf" = [{"required": ["sid"]}, {
            "required": ["friendlyName"],
            "properties": {
                "friendlyName": {"pattern": KEPT_NAME},
                "status": {"enum": ["active", "suspended"]}
            }
        }],
        "allOf" = [{
            "if": {"properties": {"status": {"const": "active"}}, "required": ["status"]},
            "then": {"properties": {"endCalls": {"const": false}}}
        }]
    )
)]
struct Subaccount {
    /// The SID of the subaccount, unique over the whole state. Without it, the entry means the one account that subaccountd
    /// creates for its `friendlyName`.
    sid: Option<AccountSidSchema>,
    /// The name that the account must have at Twilio. While the live name differs, the account is not changed. Required
    /// without `sid`, and then unique over the whole state.
    friendly_name: Option<Name>,
    /// The status that the account must have. A closed account cannot be reopened; `closed` needs `close`.
    status: StatusSchema,
    /// true: once the account is suspended, its calls are ended, emergency calls excepted. Needs `suspended` or `closed`.
    end_calls: Option<bool>,
    /// The phone numbers that the account must own, each claimed once over the whole state. Not allowed with `closed`.
    #[schemars(extend("uniqueItems" = true))]
    numbers: Option<Vec<NumberSchema>>,
    /// Settings of every number that the account claims, unless the claim names its own.
    number_defaults: Option<NumberSettingsSchema>,
    /// Resources for numbers that enter the account and whose claim names none.
    transfer_defaults: Option<Vec<TransferDefaultSchema>>,
    /// Phone numbers that the account must not have any more: given back to Twilio, each once over the whole state.
    #[schemars(extend("uniqueItems" = true))]
    release: Option<Vec<ReleaseSchema>>,
    /// true: report, but never act on this account.
    paused: Option<bool>,
    /// true: what it asks for goes on, up to the floor of the verb, while the rest of that verb is over its limit.
    urgent: Option<bool>,
    /// The time up to which an external suspension of this account may be lifted, by Twilio's date.
    lift_suspensions_before: Option<Time>,
    /// The reason, in free text: shown in plan, journal, logs and status.
    #[schemars(length(min = 1, max = 1024))]
    reason: Option<String>,
    /// Any key-value pairs: shown like `reason`.
    labels: Option<Labels>,
    /// The terms of a close: required with `status: closed`, forbidden without it.
    close: Option<CloseSchema>,
}

/// A status of an account.
#[derive(JsonSchema)]
#[schemars(rename = "Status", rename_all = "lowercase", inline)]
enum StatusSchema {
    Active,
    Suspended,
    Closed,
}

/// The terms of a close, which cannot be undone and releases every number that the account still holds.
#[derive(JsonSchema)]
#[schemars(rename = "Close", rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
struct CloseSchema {
    /// The account's friendly name at Twilio: a confirmation beside the SID.
    confirm: Name,
    /// The account is not closed before this time.
    not_before: Option<Time>,
    /// true: numbers of the account that no entry claims and `release` does not list move to the main account.
    move_numbers_to_main: Option<bool>,
    /// Phone numbers that may be released with the account. None by default.
    release: Option<Vec<PhoneNumberSchema>>,
}

/// An order to release a phone number. It ends with the release, and begins anew when it changes.
#[derive(JsonSchema)]
#[schemars(
    rename = "Release",
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true})
)]
struct ReleaseSchema {
    /// The phone number.
    number: PhoneNumberSchema,
    /// The number is not released before this time.
    not_before: Option<Time>,
    /// The reason, in free text.
    #[schemars(length(min = 1, max = 1024))]
    reason: Option<String>,
}

/// A phone number: alone, or with the resources that its transfer needs and the settings that it must have.
#[derive(JsonSchema)]
#[schemars(rename = "Number", untagged)]
enum NumberSchema {
    Short(PhoneNumberSchema),
    Long(Box<LongNumber>),
}

/// A phone number with the resources of the receiving account that its transfer needs, and the settings that it must have.
#[derive(JsonSchema)]
#[schemars(
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true}, "not" = trunk_and_application())
)]
struct LongNumber {
    /// The phone number.
    number: PhoneNumberSchema,
    /// An address of the receiving account, for numbers with address requirements.
    address_sid: Option<AddressSidSchema>,
    /// A regulatory bundle of the receiving account, for numbers that have one.
    bundle_sid: Option<BundleSidSchema>,
    /// An identity of the receiving account.
    identity_sid: Option<IdentitySidSchema>,
    /// An emergency address of the receiving account.
    emergency_address_sid: Option<AddressSidSchema>,
    /// The name of the number.
    friendly_name: Option<Name>,
    /// The URL that Twilio requests for a call. Not used while a voice application or a trunk is set.
    voice_url: Option<UrlSchema>,
    /// The HTTP method for `voiceUrl`.
    voice_method: Option<MethodSchema>,
    /// The URL that Twilio requests when the request to `voiceUrl` failed.
    voice_fallback_url: Option<UrlSchema>,
    /// The HTTP method for `voiceFallbackUrl`.
    voice_fallback_method: Option<MethodSchema>,
    /// The URL that Twilio requests for a message. Not used while an SMS application is set.
    sms_url: Option<UrlSchema>,
    /// The HTTP method for `smsUrl`.
    sms_method: Option<MethodSchema>,
    /// The URL that Twilio requests when the request to `smsUrl` failed.
    sms_fallback_url: Option<UrlSchema>,
    /// The HTTP method for `smsFallbackUrl`.
    sms_fallback_method: Option<MethodSchema>,
    /// The URL to which Twilio sends the states of calls.
    status_callback: Option<UrlSchema>,
    /// The HTTP method for `statusCallback`.
    status_callback_method: Option<MethodSchema>,
    /// The application that handles calls. Twilio removes the trunk when it is set.
    voice_application_sid: Option<ApplicationSidSchema>,
    /// The application that handles messages.
    sms_application_sid: Option<ApplicationSidSchema>,
    /// The SIP trunk that handles calls. Twilio removes the voice application when it is set.
    trunk_sid: Option<TrunkSidSchema>,
}

/// A trunk beside a voice application: Twilio keeps one of the two.
fn trunk_and_application() -> Value {
    json!({
        "required": ["voiceApplicationSid", "trunkSid"],
        "properties": {"voiceApplicationSid": {"minLength": 1}, "trunkSid": {"minLength": 1}}
    })
}

/// Settings of phone numbers. A setting that is not named is never changed.
#[derive(JsonSchema)]
#[schemars(
    rename = "NumberSettings",
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true}, "not" = trunk_and_application())
)]
struct NumberSettingsSchema {
    /// The name of the number.
    friendly_name: Option<Name>,
    /// The URL that Twilio requests for a call. Not used while a voice application or a trunk is set.
    voice_url: Option<UrlSchema>,
    /// The HTTP method for `voiceUrl`.
    voice_method: Option<MethodSchema>,
    /// The URL that Twilio requests when the request to `voiceUrl` failed.
    voice_fallback_url: Option<UrlSchema>,
    /// The HTTP method for `voiceFallbackUrl`.
    voice_fallback_method: Option<MethodSchema>,
    /// The URL that Twilio requests for a message. Not used while an SMS application is set.
    sms_url: Option<UrlSchema>,
    /// The HTTP method for `smsUrl`.
    sms_method: Option<MethodSchema>,
    /// The URL that Twilio requests when the request to `smsUrl` failed.
    sms_fallback_url: Option<UrlSchema>,
    /// The HTTP method for `smsFallbackUrl`.
    sms_fallback_method: Option<MethodSchema>,
    /// The URL to which Twilio sends the states of calls.
    status_callback: Option<UrlSchema>,
    /// The HTTP method for `statusCallback`.
    status_callback_method: Option<MethodSchema>,
    /// The application that handles calls. Twilio removes the trunk when it is set.
    voice_application_sid: Option<ApplicationSidSchema>,
    /// The application that handles messages.
    sms_application_sid: Option<ApplicationSidSchema>,
    /// The SIP trunk that handles calls. Twilio removes the voice application when it is set.
    trunk_sid: Option<TrunkSidSchema>,
}

/// Resources for the transfer of numbers that begin with a prefix. The longest prefix that fits a number counts.
#[derive(JsonSchema)]
#[schemars(
    rename = "TransferDefault",
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true})
)]
struct TransferDefaultSchema {
    /// A plus and the first digits of the numbers, in quotes.
    #[schemars(regex(pattern = "^\\+[1-9][0-9]{0,14}$"))]
    prefix: String,
    /// The type of the numbers as Twilio shows it. Without it, numbers of any type fit.
    r#type: Option<NumberTypeSchema>,
    /// An address of the receiving account.
    address_sid: Option<AddressSidSchema>,
    /// A regulatory bundle of the receiving account.
    bundle_sid: Option<BundleSidSchema>,
    /// An identity of the receiving account.
    identity_sid: Option<IdentitySidSchema>,
}

/// The type of a phone number.
#[derive(JsonSchema)]
#[schemars(rename = "NumberType", rename_all = "kebab-case", inline)]
enum NumberTypeSchema {
    Local,
    Mobile,
    TollFree,
    National,
}

/// An absolute URL; empty to remove it.
#[derive(JsonSchema)]
#[schemars(rename = "WebhookUrl")]
#[schemars(extend("examples" = ["https://example.com/voice"]))]
struct UrlSchema(
    #[schemars(regex(pattern = "^(https?://[!-\"$-.0->@-~][!-~]*)?$"), length(max = 2048))]
    String,
);

/// The method of a webhook.
#[derive(JsonSchema)]
#[schemars(rename = "WebhookMethod", inline)]
enum MethodSchema {
    #[schemars(rename = "GET")]
    Get,
    #[schemars(rename = "POST")]
    Post,
}

/// The SID of an application; empty to remove it.
#[derive(JsonSchema)]
#[schemars(rename = "ApplicationSid")]
struct ApplicationSidSchema(#[schemars(regex(pattern = "^(AP[0-9a-fA-F]{32})?$"))] String);

/// The SID of a SIP trunk; empty to remove it.
#[derive(JsonSchema)]
#[schemars(rename = "TrunkSid")]
struct TrunkSidSchema(#[schemars(regex(pattern = "^(TK[0-9a-fA-F]{32})?$"))] String);

/// Labels: any keys, each with a string.
#[derive(JsonSchema)]
#[schemars(
    inline,
    extend("maxProperties" = 64, "propertyNames" = {"minLength": 1, "maxLength": 256})
)]
struct Labels(BTreeMap<String, Label>);

/// The value of a label.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Label(#[schemars(length(min = 1, max = 256))] String);

/// A friendly name.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Name(#[schemars(length(min = 1, max = 64))] String);

/// A date, which means its midnight, or a time; in UTC unless it has an offset.
#[derive(JsonSchema)]
#[schemars(extend("examples" = ["2026-12-24", "2026-12-24T08:00:00Z"]))]
struct Time(#[schemars(regex(pattern = TIME))] String);

/// A phone number in E.164, in quotes: without quotes, YAML reads an integer.
#[derive(JsonSchema)]
#[schemars(rename = "PhoneNumber")]
#[schemars(extend("examples" = ["+15105550101"]))]
struct PhoneNumberSchema(#[schemars(regex(pattern = "^\\+[1-9][0-9]{1,14}$"))] String);

/// The SID of an account.
#[derive(JsonSchema)]
#[schemars(rename = "AccountSid")]
struct AccountSidSchema(#[schemars(regex(pattern = "^AC[0-9a-fA-F]{32}$"))] String);

/// The SID of an address.
#[derive(JsonSchema)]
#[schemars(rename = "AddressSid")]
struct AddressSidSchema(#[schemars(regex(pattern = "^AD[0-9a-fA-F]{32}$"))] String);

/// The SID of a regulatory bundle.
#[derive(JsonSchema)]
#[schemars(rename = "BundleSid")]
struct BundleSidSchema(#[schemars(regex(pattern = "^BU[0-9a-fA-F]{32}$"))] String);

/// The SID of an identity.
#[derive(JsonSchema)]
#[schemars(rename = "IdentitySid")]
struct IdentitySidSchema(#[schemars(regex(pattern = "^RI[0-9a-fA-F]{32}$"))] String);
