//! An address of the world, which a transfer into its account may name.

use jiff::Timestamp;

use crate::world::sid::{AccountSid, AddressSid};

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its SID.
    pub sid: AddressSid,
    /// The account that it belongs to.
    pub owner: AccountSid,
    /// The friendly name.
    pub friendly_name: String,
    /// The name of the customer at this address.
    pub customer_name: String,
    /// House number and street.
    pub street: String,
    /// The second line of the street.
    pub street_secondary: Option<String>,
    /// The city.
    pub city: String,
    /// The state or region.
    pub region: String,
    /// The postal code.
    pub postal_code: String,
    /// The ISO code of the country.
    pub iso_country: String,
    /// True when emergency calls may use it.
    pub emergency_enabled: bool,
    /// True when it was validated.
    pub validated: bool,
    /// True when it was verified.
    pub verified: bool,
    /// The time at which it was created.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Address {
    /// A validated address of `owner` in the country, created at `since`, with placeholders for its other texts.
    pub fn new(sid: AddressSid, owner: AccountSid, iso_country: &str, since: Timestamp) -> Self {
        Self {
            sid,
            owner,
            friendly_name: String::new(),
            customer_name: "customer".to_owned(),
            street: "1 Main Street".to_owned(),
            street_secondary: None,
            city: "City".to_owned(),
            region: "Region".to_owned(),
            postal_code: "00000".to_owned(),
            iso_country: iso_country.to_owned(),
            emergency_enabled: false,
            validated: true,
            verified: false,
            date_created: since,
            date_updated: since,
        }
    }
}
