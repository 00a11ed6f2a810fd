//! The entries of a world file: accounts and numbers, with every field optional that has a default.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::{
    Release,
    account::{Account, AccountStatus},
    builder::{WorldBuilder, WorldError},
    number::{AddressRequirements, EmergencyAddressStatus, Number, NumberType, Origin},
    settings::Settings,
    when::When,
};

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn active() -> AccountStatus {
    AccountStatus::Active
}

/// An account, main or sub.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountEntry {
    pub(crate) sid: String,
    pub(crate) friendly_name: String,
    #[serde(default = "active")]
    status: AccountStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    suspended_by_twilio: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_created: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_updated: Option<When>,
}

impl AccountEntry {
    pub(crate) fn of(account: &Account) -> Self {
        let Account {
            sid,
            friendly_name,
            status,
            auth_token,
            suspended_by_twilio,
            date_created,
            date_updated,
        } = account;
        Self {
            sid: sid.to_string(),
            friendly_name: friendly_name.clone(),
            status: *status,
            auth_token: Some(auth_token.clone()),
            suspended_by_twilio: *suspended_by_twilio,
            date_created: Some(When::At(*date_created)),
            date_updated: Some(When::At(*date_updated)),
        }
    }

    pub(crate) fn into_account(self, now: Timestamp) -> Result<Account, WorldError> {
        let created = self.date_created.map_or(WorldBuilder::SINCE, |when| when.resolve(now));
        let account = Account::new(self.sid.parse()?, self.friendly_name, created);
        Ok(Account {
            status: self.status,
            auth_token: self.auth_token.unwrap_or(account.auth_token),
            suspended_by_twilio: self.suspended_by_twilio,
            date_updated: self.date_updated.map_or(created, |when| when.resolve(now)),
            ..account
        })
    }
}

/// A number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NumberEntry {
    sid: String,
    // Required, so that a misspelt key is noticed; null for a number that has none.
    #[serde(deserialize_with = "Option::deserialize")]
    phone_number: Option<String>,
    owner: String,
    #[serde(default)]
    address_requirements: AddressRequirements,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bundle_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emergency_address_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emergency_address_status: Option<EmergencyAddressStatus>,
    #[serde(default, skip_serializing_if = "is_default")]
    origin: Origin,
    #[serde(default, skip_serializing_if = "is_default", rename = "type")]
    number_type: NumberType,
    #[serde(default, skip_serializing_if = "is_default")]
    beta: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    porting_out: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    trunk_in_emergency_use: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release_refusal: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    settings: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_created: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_updated: Option<When>,
}

impl NumberEntry {
    pub(crate) fn of(number: &Number) -> Self {
        let number = number.clone();
        let settings = number.settings.made().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            settings: settings.collect(),
            sid: number.sid.to_string(),
            phone_number: Some(number.phone_number).filter(|phone| !phone.is_empty()),
            owner: number.owner.to_string(),
            address_requirements: number.address_requirements,
            friendly_name: Some(number.friendly_name),
            address_sid: number.address_sid,
            bundle_sid: number.bundle_sid,
            identity_sid: number.identity_sid,
            emergency_address_sid: number.emergency_address_sid,
            emergency_address_status: number.emergency_address_status,
            origin: number.origin,
            number_type: number.number_type,
            beta: number.beta,
            porting_out: number.porting_out,
            trunk_in_emergency_use: number.trunk_in_emergency_use,
            release_refusal: number.release_refusal,
            date_created: Some(When::At(number.date_created)),
            date_updated: Some(When::At(number.date_updated)),
        }
    }

    pub(crate) fn into_number(self, now: Timestamp) -> Result<Number, WorldError> {
        let settings = self.settings()?;
        let created = self.date_created.map_or(WorldBuilder::SINCE, |when| when.resolve(now));
        let number = Number::new(
            self.sid.parse()?,
            self.phone_number.unwrap_or_default(),
            self.owner.parse()?,
            created,
        );
        Ok(Number {
            friendly_name: self.friendly_name.unwrap_or(number.friendly_name),
            address_requirements: self.address_requirements,
            address_sid: self.address_sid,
            bundle_sid: self.bundle_sid,
            identity_sid: self.identity_sid,
            emergency_address_sid: self.emergency_address_sid,
            emergency_address_status: self.emergency_address_status,
            origin: self.origin,
            number_type: self.number_type,
            beta: self.beta,
            porting_out: self.porting_out,
            trunk_in_emergency_use: self.trunk_in_emergency_use,
            release_refusal: self.release_refusal,
            settings,
            date_updated: self.date_updated.map_or(created, |when| when.resolve(now)),
            ..number
        })
    }

    fn settings(&self) -> Result<Settings, WorldError> {
        let mut settings = Settings::default();
        for (name, value) in &self.settings {
            let number = self.phone_number.as_ref().unwrap_or(&self.sid);
            let wrong = |message| WorldError::Setting { number: number.clone(), message };
            settings.set(name, value).map_err(|error| wrong(error.message))?;
            if settings.get(name).is_none() {
                return Err(wrong(format!("`{name}` is not a setting of a number")));
            }
        }
        Ok(settings)
    }
}

/// A number that was released.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReleaseEntry {
    phone_number: String,
    sid: String,
    account: String,
    at: When,
}

impl ReleaseEntry {
    pub(crate) fn of(release: &Release) -> Self {
        let Release { phone_number, sid, account, at } = release;
        Self {
            phone_number: phone_number.clone(),
            sid: sid.to_string(),
            account: account.to_string(),
            at: When::At(*at),
        }
    }

    pub(crate) fn into_release(self, now: Timestamp) -> Result<Release, WorldError> {
        Ok(Release {
            phone_number: self.phone_number,
            sid: self.sid.parse()?,
            account: self.account.parse()?,
            at: self.at.resolve(now),
        })
    }
}
