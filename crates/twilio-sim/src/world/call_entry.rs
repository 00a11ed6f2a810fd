//! The entries of a world file for calls and addresses, with every field optional that has a default.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::{
    address::Address,
    builder::{WorldBuilder, WorldError},
    call::{Call, CallDirection, CallStatus},
    entry::is_default,
    when::When,
};

/// A call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CallEntry {
    pub(crate) sid: String,
    pub(crate) owner: String,
    status: CallStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    direction: CallDirection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_call_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_time: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_time: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_created: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_updated: Option<When>,
}

impl CallEntry {
    pub(crate) fn of(call: &Call) -> Self {
        let Call {
            sid,
            owner,
            status,
            from,
            to,
            direction,
            parent_call_sid,
            start_time,
            end_time,
            date_created,
            date_updated,
        } = call;
        Self {
            sid: sid.to_string(),
            owner: owner.to_string(),
            status: *status,
            from: Some(from.clone()),
            to: Some(to.clone()),
            direction: *direction,
            parent_call_sid: parent_call_sid.as_ref().map(ToString::to_string),
            start_time: start_time.map(When::At),
            end_time: end_time.map(When::At),
            date_created: Some(When::At(*date_created)),
            date_updated: Some(When::At(*date_updated)),
        }
    }

    /// Lets a call without times be created at `now`, for one that begins in a running simulator.
    pub(crate) fn created_at(&mut self, now: Timestamp) {
        self.date_created = self.date_created.or(self.start_time).or(Some(When::At(now)));
    }

    /// The call. It was created when it began, unless the entry says otherwise.
    pub(crate) fn into_call(self, now: Timestamp) -> Result<Call, WorldError> {
        let [begun, ended, created, updated] =
            [self.start_time, self.end_time, self.date_created, self.date_updated]
                .map(|when| when.map(|when| when.resolve(now)));
        let created = created.or(begun).unwrap_or(WorldBuilder::SINCE);
        let call = Call::new(self.sid.parse()?, self.owner.parse()?, self.status, created);
        Ok(Call {
            from: self.from.unwrap_or(call.from),
            to: self.to.unwrap_or(call.to),
            direction: self.direction,
            parent_call_sid: self.parent_call_sid.map(|sid| sid.parse()).transpose()?,
            start_time: begun.or(call.start_time),
            end_time: if self.status.is_over() { ended.or(begun).or(call.end_time) } else { None },
            date_updated: updated.unwrap_or(created),
            ..call
        })
    }
}

/// An address.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AddressEntry {
    pub(crate) sid: String,
    owner: String,
    #[serde(default = "united_states")]
    iso_country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street_secondary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    emergency_enabled: bool,
    #[serde(default = "yes")]
    validated: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_created: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_updated: Option<When>,
}

fn united_states() -> String {
    "US".to_owned()
}

fn yes() -> bool {
    true
}

impl AddressEntry {
    pub(crate) fn of(address: &Address) -> Self {
        let address = address.clone();
        Self {
            sid: address.sid.to_string(),
            owner: address.owner.to_string(),
            iso_country: address.iso_country,
            friendly_name: Some(address.friendly_name),
            customer_name: Some(address.customer_name),
            street: Some(address.street),
            street_secondary: address.street_secondary,
            city: Some(address.city),
            region: Some(address.region),
            postal_code: Some(address.postal_code),
            emergency_enabled: address.emergency_enabled,
            validated: address.validated,
            verified: address.verified,
            date_created: Some(When::At(address.date_created)),
            date_updated: Some(When::At(address.date_updated)),
        }
    }

    pub(crate) fn into_address(self, now: Timestamp) -> Result<Address, WorldError> {
        let created = self.date_created.map_or(WorldBuilder::SINCE, |when| when.resolve(now));
        let address = Address::new(self.sid.parse()?, self.owner.parse()?, &self.iso_country, created);
        Ok(Address {
            friendly_name: self.friendly_name.unwrap_or(address.friendly_name),
            customer_name: self.customer_name.unwrap_or(address.customer_name),
            street: self.street.unwrap_or(address.street),
            street_secondary: self.street_secondary,
            city: self.city.unwrap_or(address.city),
            region: self.region.unwrap_or(address.region),
            postal_code: self.postal_code.unwrap_or(address.postal_code),
            emergency_enabled: self.emergency_enabled,
            validated: self.validated,
            verified: self.verified,
            date_updated: self.date_updated.map_or(created, |when| when.resolve(now)),
            ..address
        })
    }
}
