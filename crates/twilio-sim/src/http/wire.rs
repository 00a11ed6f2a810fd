//! The JSON of the resources, every field that Twilio documents. Dates are RFC 2822.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    account::{Account, AccountStatus},
    behavior::{Behavior, NoSid},
    number::Number,
};

/// Subresources of an account: the key and the last part of the path.
const SUBRESOURCES: [(&str, &str); 20] = [
    ("addresses", "Addresses"),
    ("applications", "Applications"),
    ("authorized_connect_apps", "AuthorizedConnectApps"),
    ("available_phone_numbers", "AvailablePhoneNumbers"),
    ("balance", "Balance"),
    ("calls", "Calls"),
    ("conferences", "Conferences"),
    ("connect_apps", "ConnectApps"),
    ("incoming_phone_numbers", "IncomingPhoneNumbers"),
    ("keys", "Keys"),
    ("messages", "Messages"),
    ("notifications", "Notifications"),
    ("outgoing_caller_ids", "OutgoingCallerIds"),
    ("queues", "Queues"),
    ("recordings", "Recordings"),
    ("short_codes", "SMS/ShortCodes"),
    ("signing_keys", "SigningKeys"),
    ("sip", "SIP"),
    ("transcriptions", "Transcriptions"),
    ("usage", "Usage"),
];

/// The JSON of an account, with this status.
pub(crate) fn account(world: &World, account: &Account, status: AccountStatus) -> Value {
    let base = format!("/2010-04-01/Accounts/{}", account.sid);
    let subresources: Map<String, Value> = SUBRESOURCES
        .iter()
        .map(|(key, tail)| ((*key).to_owned(), format!("{base}/{tail}.json").into()))
        .collect();
    json!({
        "auth_token": account.auth_token,
        "date_created": rfc2822(account.date_created),
        "date_updated": rfc2822(account.date_updated),
        "friendly_name": account.friendly_name,
        "owner_account_sid": world.main().sid.as_str(),
        "sid": account.sid.as_str(),
        "status": status.as_str(),
        "subresource_uris": subresources,
        "type": "Full",
        "uri": format!("{base}.json"),
    })
}

/// The JSON of a number.
pub(crate) fn number(switches: &Behavior, number: &Number) -> Value {
    let no_sid = match switches.no_sid {
        NoSid::AsNull => Value::Null,
        NoSid::AsBlank => "".into(),
    };
    let sid = |sid: &Option<String>| sid.as_deref().map_or_else(|| no_sid.clone(), Value::from);
    let registered = if number.emergency_address_sid.is_some() { "registered" } else { "unregistered" };
    let mut body = json!({
        "account_sid": number.owner.as_str(),
        "address_requirements": number.address_requirements.as_str(),
        "address_sid": sid(&number.address_sid),
        "beta": number.beta,
        "bundle_sid": sid(&number.bundle_sid),
        "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false},
        "date_created": rfc2822(number.date_created),
        "date_updated": rfc2822(number.date_updated),
        "emergency_address_sid": sid(&number.emergency_address_sid),
        "emergency_address_status": registered,
        "friendly_name": number.friendly_name,
        "identity_sid": sid(&number.identity_sid),
        "origin": number.origin.as_str(),
        "phone_number": (!number.phone_number.is_empty()).then_some(&number.phone_number),
        "sid": number.sid.as_str(),
        "status": "in-use",
        "type": number.number_type.as_str(),
        "uri": format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json", number.owner, number.sid),
    });
    for (field, value) in number.settings.fields(&no_sid) {
        body[field] = value;
    }
    body
}

/// A time in the format of resources.
pub(crate) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A time in the format of the `Date` header.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
