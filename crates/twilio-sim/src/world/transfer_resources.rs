//! The resources that a transfer names for the receiving account, and the errors when it lacks one.

use crate::world::{
    error::ApiError,
    number::{AddressRequirements, Number},
    sid::is_sid,
};

/// The resources of the receiving account that a transfer names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferResources {
    /// `AddressSid`.
    pub address_sid: Option<String>,
    /// `BundleSid`.
    pub bundle_sid: Option<String>,
    /// `IdentitySid`.
    pub identity_sid: Option<String>,
    /// `EmergencyAddressSid`.
    pub emergency_address_sid: Option<String>,
}

impl TransferResources {
    /// Refuses a text that is not a valid SID of its kind.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let given = [
            ("AD", &self.address_sid),
            ("BU", &self.bundle_sid),
            ("RI", &self.identity_sid),
            ("AD", &self.emergency_address_sid),
        ];
        for (prefix, sid) in given {
            if let Some(sid) = sid.as_deref().filter(|sid| !is_sid(prefix, sid)) {
                return Err(ApiError::new(20423).about(sid));
            }
        }
        Ok(())
    }

    /// Refuses a transfer without a resource that the number needs.
    pub(super) fn check_for(&self, number: &Number) -> Result<(), ApiError> {
        let address = match number.address_requirements {
            AddressRequirements::None => None,
            AddressRequirements::Any | AddressRequirements::Foreign => Some(21631),
            AddressRequirements::Local => Some(21615),
        };
        let needed = [
            (address, &self.address_sid),
            (number.bundle_sid.as_ref().map(|_| 21649), &self.bundle_sid),
            (number.identity_sid.as_ref().map(|_| 21650), &self.identity_sid),
        ];
        let missing = needed.into_iter().find_map(|(code, given)| code.filter(|_| given.is_none()));
        missing.map_or(Ok(()), |code| Err(ApiError::new(code)))
    }
}
