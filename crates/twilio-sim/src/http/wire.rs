//! The JSON of the resources, every field that Twilio documents. Dates are RFC 2822.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    account::{Account, AccountStatus},
    address::Address,
    behavior::{Behavior, NoSid, NumberTypes},
    call::Call,
    number::{Number, formatted},
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
        "emergency_address_status": number.emergency_registration().as_str(),
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
    if switches.number_types == NumberTypes::Absent
        && let Some(body) = body.as_object_mut()
    {
        body.remove("type");
    }
    body
}

/// Subresources of a call: the key and the last part of the path.
const CALL_SUBRESOURCES: [(&str, &str); 9] = [
    ("events", "Events"),
    ("notifications", "Notifications"),
    ("payments", "Payments"),
    ("recordings", "Recordings"),
    ("siprec", "Siprec"),
    ("streams", "Streams"),
    ("transcriptions", "Transcriptions"),
    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
    ("user_defined_messages", "UserDefinedMessages"),
];

/// The JSON of a call.
pub(crate) fn call(call: &Call) -> Value {
    let base = format!("/2010-04-01/Accounts/{}/Calls/{}", call.owner, call.sid);
    let subresources: Map<String, Value> = CALL_SUBRESOURCES
        .iter()
        .map(|(key, tail)| ((*key).to_owned(), format!("{base}/{tail}.json").into()))
        .collect();
    json!({
        "account_sid": call.owner.as_str(),
        "answered_by": null,
        "api_version": "2010-04-01",
        "caller_name": null,
        "date_created": rfc2822(call.date_created),
        "date_updated": rfc2822(call.date_updated),
        "direction": call.direction.as_str(),
        "duration": call.duration().map(|duration| duration.as_secs().to_string()),
        "end_time": call.end_time.map(rfc2822),
        "forwarded_from": null,
        "from": call.from,
        "from_formatted": formatted(&call.from),
        "group_sid": null,
        "parent_call_sid": call.parent_call_sid.as_deref(),
        "phone_number_sid": null,
        "price": null,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid.as_str(),
        "start_time": call.start_time.map(rfc2822),
        "status": call.status.as_str(),
        "subresource_uris": subresources,
        "to": call.to,
        "to_formatted": formatted(&call.to),
        "trunk_sid": null,
        "uri": format!("{base}.json"),
    })
}

/// The JSON of an address.
pub(crate) fn address(address: &Address) -> Value {
    json!({
        "account_sid": address.owner.as_str(),
        "city": address.city,
        "customer_name": address.customer_name,
        "date_created": rfc2822(address.date_created),
        "date_updated": rfc2822(address.date_updated),
        "emergency_enabled": address.emergency_enabled,
        "friendly_name": address.friendly_name,
        "iso_country": address.iso_country,
        "postal_code": address.postal_code,
        "region": address.region,
        "sid": address.sid.as_str(),
        "street": address.street,
        "street_secondary": address.street_secondary,
        "uri": format!("/2010-04-01/Accounts/{}/Addresses/{}.json", address.owner, address.sid),
        "validated": address.validated,
        "verified": address.verified,
    })
}

/// A time in the format of resources.
pub(crate) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A time in the format of the `Date` header.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
