//! A claim of a phone number: its own terms, and those that the account gives for all of its claims.

use serde::Serialize;

use crate::{AddressSid, BundleSid, IdentitySid, NumberSettings, NumberType, PhoneNumber, TransferResources};

/// The terms that a claim names itself, in the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimDetails {
    /// The resources for its transfer.
    pub resources: TransferResources,
    /// The settings that the number must have.
    #[serde(skip_serializing_if = "NumberSettings::is_empty")]
    pub settings: NumberSettings,
}

/// The details of a claim. `None` for the short form, which nearly all of thousands of claims have.
pub type OwnDetails = Option<Box<ClaimDetails>>;

/// The terms that an account gives for every number that it claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NumberDefaults {
    /// The settings of numbers whose claims do not name them.
    #[serde(skip_serializing_if = "NumberSettings::is_empty")]
    pub settings: NumberSettings,
    /// The resources for transfers into the account, of numbers whose claims name none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferDefault>,
}

/// The resources for the transfer of numbers that begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferDefault {
    /// The first digits of the numbers.
    pub prefix: NumberPrefix,
    /// The type of the numbers; `None` for any, shown or not.
    pub number_type: Option<NumberType>,
    /// Twilio's `AddressSid`.
    pub address_sid: Option<AddressSid>,
    /// Twilio's `BundleSid`.
    pub bundle_sid: Option<BundleSid>,
    /// Twilio's `IdentitySid`.
    pub identity_sid: Option<IdentitySid>,
}

/// A plus and the first 1 to 15 digits of phone numbers in E.164.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NumberPrefix(Box<str>);

impl NumberPrefix {
    /// The prefix that `text` is.
    pub fn new(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_valid = (1..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        is_valid.then(|| Self(text.into()))
    }

    /// The prefix as it is written.
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

/// A claim with all of its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    own: Option<&'a ClaimDetails>,
    defaults: &'a NumberDefaults,
}

impl<'a> Claim<'a> {
    /// The claim with these details of its own, in an account with these defaults.
    pub const fn new(own: Option<&'a ClaimDetails>, defaults: &'a NumberDefaults) -> Self {
        Self { own, defaults }
    }

    /// The settings that the number must have: its own, and the defaults of the others.
    pub fn settings(&self) -> NumberSettings {
        let own = self.own.map(|own| &own.settings).filter(|own| !own.is_empty());
        own.map_or_else(|| self.defaults.settings.clone(), |own| own.or(&self.defaults.settings))
    }

    /// Returns true when any setting of the number is named.
    pub fn names_settings(&self) -> bool {
        !self.defaults.settings.is_empty() || self.own.is_some_and(|own| !own.settings.is_empty())
    }

    /// The resources for the transfer of `phone`, which Twilio shows with `number_type`: those that the claim names; when it
    /// names neither address, bundle nor identity, those of the default that fits.
    pub fn resources(&self, phone: PhoneNumber, number_type: Option<NumberType>) -> TransferResources {
        let own = self.own.map(|own| own.resources).unwrap_or_default();
        let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = own;
        if address_sid.is_some() || bundle_sid.is_some() || identity_sid.is_some() {
            return own;
        }
        let default = self.defaults.transfer(phone, number_type);
        default.map_or(own, |default| TransferResources {
            address_sid: default.address_sid,
            bundle_sid: default.bundle_sid,
            identity_sid: default.identity_sid,
            emergency_address_sid,
        })
    }
}

impl NumberDefaults {
    /// No terms.
    pub const NONE: Self = Self { settings: NumberSettings::NONE, transfers: Vec::new() };

    /// Returns true when there are none.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.transfers.is_empty()
    }

    /// The transfer default with the longest prefix of `phone`; of two with the same prefix, the one with its type.
    fn transfer(&self, phone: PhoneNumber, number_type: Option<NumberType>) -> Option<&TransferDefault> {
        let phone = phone.to_string();
        let fits = |default: &&TransferDefault| {
            phone.starts_with(default.prefix.as_str())
                && (default.number_type.is_none() || default.number_type == number_type)
        };
        let rank =
            |default: &&TransferDefault| (default.prefix.as_str().len(), default.number_type.is_some());
        self.transfers.iter().filter(fits).max_by_key(rank)
    }
}
