//! Addresses, as far as they are shown.

use serde::Deserialize;
use subaccountd_core::{AccountSid, Address};

use super::Setting;
use crate::{response_body::ResponseBody, rows::Rows};

/// `ListAddressResponse`, of which only the first page is read.
#[derive(Debug, Deserialize)]
pub(crate) struct AddressesPage {
    addresses: Rows<AddressRow>,
}

/// `api.v2010.account.address`, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AddressRow {
    sid: Option<String>,
    account_sid: Option<String>,
    city: Setting,
    iso_country: Setting,
}

impl ResponseBody for AddressesPage {
    const EXPECTED: &'static str = "a page of `addresses`";
}

impl ResponseBody for AddressRow {
    const EXPECTED: &'static str = "an address";
}

impl AddressesPage {
    /// The addresses of `account` that can be read.
    pub(crate) fn addresses(self, account: AccountSid) -> Vec<Address> {
        let address = |row: AddressRow| {
            let owner: AccountSid = row.account_sid?.parse().ok()?;
            let (city, country) =
                (row.city.text().unwrap_or_default(), row.iso_country.text().unwrap_or_default());
            (owner == account).then_some(Address::new(row.sid?.parse().ok()?, city, country))
        };
        self.addresses.0.into_iter().filter_map(Result::ok).filter_map(address).collect()
    }
}
