//! The operation on addresses: the list of one account.

use crate::{
    http::{
        operations::{Desk, Success},
        paging::PageRequest,
        wire,
    },
    world::error::ApiError,
};

impl Desk<'_> {
    pub(super) fn list_addresses(&self, account: &str) -> Result<Success, ApiError> {
        let account = &self.account(account)?.sid;
        let query = &self.inbound.query;
        let filters = ["CustomerName", "EmergencyEnabled", "FriendlyName", "IsoCountry"];
        let request = PageRequest::parse(&self.inbound.path, query, &filters)?;
        let [customer, emergency, name, country] = filters.map(|filter| query.filled(filter));
        let rows = self.world.addresses_of(account).filter(|address| {
            request.contains(&address.sid)
                && customer.is_none_or(|customer| address.customer_name == customer)
                && emergency.is_none_or(|emergency| address.emergency_enabled == (emergency == "true"))
                && name.is_none_or(|name| address.friendly_name == name)
                && country.is_none_or(|country| address.iso_country == country)
        });
        Ok((200, Some(request.answer("addresses", rows, |address| &address.sid, wire::address))))
    }
}
