//! The JSON Schema of the format, for editors and for checks without this program.
//!
//! The types below mirror the parser for the schema alone; no document is ever read into them. What one field must
//! look like stands in the patterns here, and a test holds schema and parser to the same answers.

#![expect(dead_code, reason = "the types exist for their schema: nothing makes or reads a value of them")]

use std::collections::BTreeMap;

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of one document, pretty, with a newline at its end.
pub fn json_schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<DesiredStateSchema>();
    RecursiveTransform(tidy).transform(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A key may be left out, but it is never null: takes back what an `Option` allows. Descriptions become one line.
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
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({"type": "null"}));
        if let [Value::Object(only)] = choices.as_slice() {
            let only: Map<String, Value> = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}

/// Dates and times: what the parser reads, but for 29 February in years without one and the end of the year 9999.
const TIME: &str = concat!(
    "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))",
    "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\\.[0-9]{1,9})?)?",
    "([Zz]|[+-]([01][0-9]|2[0-5]):[0-5][0-9])?)?$"
);

/// One document of the desired state of the subaccounts of one Twilio main account. A state may be spread over
/// several documents and files; what is not listed in any of them is never changed.
#[derive(JsonSchema)]
#[schemars(
    title = "subaccountd desired state",
    rename_all = "camelCase",
    deny_unknown_fields,
    extend("patternProperties" = {"^x-": true})
)]
struct DesiredStateSchema {
    /// The version of this format.
    #[schemars(extend("const" = super::API_VERSION))]
    api_version: String,
    /// What this document is.
    #[schemars(extend("const" = super::KIND))]
    kind: String,
    /// true: report, but change nothing at all. One paused document pauses the whole state.
    paused: Option<bool>,
    /// The main account, which must be the account of the credentials. It stands in exactly one document of the state.
    main_account: Option<MainAccount>,
    /// The subaccounts that are managed. One that is not listed is counted, but never changed.
    #[schemars(extend("uniqueItems" = true))]
    subaccounts: Option<Vec<Subaccount>>,
}

/// The main account: it says for which credentials the state is meant. Its status is never changed.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
struct MainAccount {
    /// The SID of the main account: AC and 32 hexadecimal digits.
    sid: AccountSidSchema,
    /// Numbers that must sit in the main account.
    #[schemars(extend("uniqueItems" = true))]
    numbers: Option<Vec<NumberSchema>>,
    /// A suspension of any listed account that is held only because the journal did not know it may be lifted when
    /// Twilio dates it at or before this time.
    lift_suspensions_before: Option<Time>,
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
        "else" = {"properties": {"close": false}}
    )
)]
struct Subaccount {
    /// The SID of the subaccount, unique over the whole state.
    sid: AccountSidSchema,
    /// The name that the account must have at Twilio. While the live name differs, nothing is done to the account.
    friendly_name: Option<Name>,
    /// The status that the account must have. A closed account cannot be reopened; `closed` needs `close`.
    status: StatusSchema,
    /// The numbers that the account must own, each claimed once over the whole state. Not for `closed`.
    #[schemars(extend("uniqueItems" = true))]
    numbers: Option<Vec<NumberSchema>>,
    /// true: report, but never act on this account.
    paused: Option<bool>,
    /// A suspension of this account by others may be lifted when Twilio dates it at or before this time.
    lift_suspensions_before: Option<Time>,
    /// Why, in free text: carried into plan, journal, logs and status.
    #[schemars(length(min = 1, max = 1024))]
    reason: Option<String>,
    /// Anything else, text by text: carried along like `reason`.
    labels: Option<Labels>,
    /// The terms of a close: required with `status: closed`, forbidden without it.
    close: Option<CloseSchema>,
}

/// A status that Twilio knows.
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
    /// The account's friendly name as Twilio shows it: a second witness beside the SID.
    confirm: Name,
    /// The account is not closed before this time.
    not_before: Option<Time>,
    /// true: what the account still holds, is claimed by no entry and not in `release` moves to the main account.
    move_numbers_to_main: Option<bool>,
    /// Numbers that may be lost with the account. None when left out.
    release: Option<Vec<PhoneNumberSchema>>,
}

/// A number: by itself, or with what the gaining account needs for a transfer.
#[derive(JsonSchema)]
#[schemars(rename = "Number", untagged)]
enum NumberSchema {
    Short(PhoneNumberSchema),
    Long(LongNumber),
}

/// A number with the resources of the gaining account that its transfer names.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
struct LongNumber {
    /// The number itself.
    number: PhoneNumberSchema,
    /// An address of the account that gains the number, for numbers with address requirements.
    address_sid: Option<AddressSidSchema>,
    /// A regulatory bundle of the account that gains the number, for numbers that carry one.
    bundle_sid: Option<BundleSidSchema>,
    /// An identity of the account that gains the number.
    identity_sid: Option<IdentitySidSchema>,
    /// An emergency address of the account that gains the number.
    emergency_address_sid: Option<AddressSidSchema>,
}

/// Labels: any keys, each with a text.
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

/// A date (then its midnight) or a time; UTC unless it says otherwise.
#[derive(JsonSchema)]
#[schemars(extend("examples" = ["2026-12-24", "2026-12-24T08:00:00Z"]))]
struct Time(#[schemars(regex(pattern = TIME))] String);

/// A phone number in E.164, in quotes: YAML takes one without quotes for an integer.
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
