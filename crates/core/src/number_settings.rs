//! The settings that the state names for a phone number. Their values may carry credentials, and are only shown as
//! [`ShownSetting`]s.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{NumberSetting, SettingSet, ShownSetting, digest::digest};

/// The settings that the state names for a phone number, with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NumberSettings(BTreeMap<NumberSetting, SettingValue>);

/// The value of a setting, as it is sent. It may carry credentials, so it has no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SettingValue(Arc<str>);

impl fmt::Debug for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[not shown]")
    }
}

/// The serialized form is made for digests alone.
impl Serialize for SettingValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl NumberSettings {
    /// No settings.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Names `setting` with `value`.
    pub fn insert(&mut self, setting: NumberSetting, value: &str) {
        self.0.insert(setting, SettingValue(value.into()));
    }

    /// Returns true when no setting is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `setting`, as it is sent; `None` when it is not named. It may carry credentials.
    pub fn value(&self, setting: NumberSetting) -> Option<&str> {
        self.0.get(&setting).map(|value| &*value.0)
    }

    /// The value of `setting`, as it may be shown.
    pub fn shown(&self, setting: NumberSetting) -> Option<ShownSetting> {
        self.value(setting).map(|value| ShownSetting::new(setting, value))
    }

    /// The settings and their values, as they are sent. They may carry credentials.
    pub fn values(&self) -> impl Iterator<Item = (NumberSetting, &str)> {
        self.0.iter().map(|(&setting, value)| (setting, &*value.0))
    }

    /// The settings that are named.
    pub fn names(&self) -> SettingSet {
        self.0.keys().copied().collect()
    }

    /// These settings, and those of `defaults` that they do not name.
    #[must_use]
    pub fn or(&self, defaults: &Self) -> Self {
        let mut all = defaults.0.clone();
        all.extend(self.0.iter().map(|(&setting, value)| (setting, value.clone())));
        Self(all)
    }

    /// The part of these settings that `which` selects.
    #[must_use]
    pub fn only(&self, which: SettingSet) -> Self {
        let chosen = self.0.iter().filter(|(setting, _)| which.contains(**setting));
        Self(chosen.map(|(&setting, value)| (setting, value.clone())).collect())
    }

    /// A digest that changes with any name or value, for the journal, which keeps no value.
    pub fn digest(&self) -> String {
        digest(self)
    }
}
