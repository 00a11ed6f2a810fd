//! The switches: one for each behavior that Twilio does not document, by default the most likely one.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The decision to allow or refuse an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The operation is performed.
    Allowed,
    /// The operation is refused with an error.
    Refused,
}

/// The answer to a request for the number list of a suspended account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuspendedNumbers {
    /// The list contains the numbers.
    Rows,
    /// The list is empty.
    Empty,
    /// 401/20003.
    Unauthorized,
    /// 403/20403.
    Forbidden,
}

/// The answer to a request for the number list of a closed account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClosedNumbers {
    /// The list is empty.
    Empty,
    /// 404/20404.
    NotFound,
    /// 401/20003.
    Unauthorized,
}

/// The effect of a transfer on a setting of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferEffect {
    /// The setting is kept.
    Kept,
    /// The setting is cleared.
    Cleared,
    /// The setting is kept when it is about voice, and cleared otherwise.
    Half,
}

/// The effect of a request on the settings of a number that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedSettings {
    /// The settings get the named values.
    Honored,
    /// The settings stay as they are; the answer is 2xx.
    Ignored,
    /// Only the settings for voice get the named values; the answer is 2xx.
    Half,
}

/// The effect of a request on a call whose status does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallEffect {
    /// The call ends.
    Allowed,
    /// 400/21220.
    Refused,
    /// The call goes on; the answer is 2xx.
    Ignored,
}

/// The name of an account, compared with the name that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountNames {
    /// The name as it was given.
    AsGiven,
    /// The name without blanks at its ends.
    Trimmed,
    /// The same, with one space for each run of blanks.
    Collapsed,
}

impl AccountNames {
    /// The name that an account gets.
    pub(crate) fn apply(self, given: &str) -> String {
        match self {
            Self::AsGiven => given.to_owned(),
            Self::Trimmed => given.trim().to_owned(),
            Self::Collapsed => given.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// The `type` of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberTypes {
    /// The field is shown.
    Shown,
    /// The field is missing, as before it was introduced.
    Absent,
}

/// The removal of an address for emergency calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmergencyRemoval {
    /// The address is pending-unregistration until an edit in the Console ends that.
    Pending,
    /// The address is unregistered at once.
    Immediate,
}

/// The JSON of a SID that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NoSid {
    /// `null`.
    AsNull,
    /// `""`.
    AsBlank,
}

/// All switches. In files and over HTTP, the default first:
///
#[doc = concat!("```text\n", include_str!("switches.txt"), "```")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Behavior {
    /// A transfer out of a suspended account; refused is 20005.
    pub transfer_from_suspended: Policy,
    /// The number list of a suspended account.
    pub suspended_numbers: SuspendedNumbers,
    /// The number list of a closed account.
    pub closed_numbers: ClosedNumbers,
    /// The HTTP status of 20005 and 214xx but 21481; null is each code's own, 400 for 214xx.
    pub refusal_status: Option<u16>,
    /// Closing a closed account; refused is 21479.
    pub close_closed: Policy,
    /// Suspending a suspended account; refused is 21475.
    pub suspend_suspended: Policy,
    /// The credentials of a suspended main account; refused is 401/20003, allowed permits reads, and answers 21476 to changes of
    /// a status.
    pub suspended_main: Policy,
    /// Webhooks and applications on a transfer.
    pub webhooks: TransferEffect,
    /// The trunk on a transfer.
    pub trunk: TransferEffect,
    /// Seconds of `Retry-After` with 429, if any.
    pub retry_after: Option<u32>,
    /// SIDs that are not set.
    pub no_sid: NoSid,
    /// The lag of the account list, in milliseconds; changes made before this was set do not lag.
    pub account_list_lag_ms: u64,
    /// The lag of the lists of numbers, in milliseconds; changes made before this was set do not lag.
    pub number_list_lag_ms: u64,
    /// The lag of the lists of calls, in milliseconds; changes made before this was set do not lag.
    pub call_list_lag_ms: u64,
    /// The time for which the account list does not show a new account, in milliseconds.
    pub new_account_list_lag_ms: u64,
    /// The time for which a new account is 404/20404 under its own path, in milliseconds.
    pub new_account_fetch_lag_ms: u64,
    /// The number of subaccounts that are not closed at which a create is 21480.
    pub max_subaccounts: usize,
    /// The names of accounts that are created or renamed.
    pub account_names: AccountNames,
    /// The settings that a transfer names.
    pub transfer_settings: NamedSettings,
    /// The settings that an update names.
    pub update_settings: NamedSettings,
    /// The field `type` of numbers.
    pub number_types: NumberTypes,
    /// The removal of an address for emergency calls.
    pub emergency_removal: EmergencyRemoval,
    /// The release of a number with a registered address for emergency calls; refused is 21634.
    pub emergency_release: Policy,
    /// The release of a number of a suspended account; refused is 20005.
    pub release_from_suspended: Policy,
    /// The calls of a suspended account, listed, fetched and updated; refused is 20005.
    pub suspended_calls: Policy,
    /// `canceled` for a call in progress.
    pub cancel_in_progress: CallEffect,
    /// `completed` for a queued or ringing call.
    pub complete_unanswered: CallEffect,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            transfer_from_suspended: Policy::Allowed,
            suspended_numbers: SuspendedNumbers::Rows,
            closed_numbers: ClosedNumbers::Empty,
            refusal_status: None,
            close_closed: Policy::Refused,
            suspend_suspended: Policy::Allowed,
            suspended_main: Policy::Allowed,
            webhooks: TransferEffect::Kept,
            trunk: TransferEffect::Kept,
            retry_after: None,
            no_sid: NoSid::AsNull,
            account_list_lag_ms: 0,
            number_list_lag_ms: 0,
            call_list_lag_ms: 0,
            new_account_list_lag_ms: 0,
            new_account_fetch_lag_ms: 0,
            max_subaccounts: 1000,
            account_names: AccountNames::AsGiven,
            transfer_settings: NamedSettings::Honored,
            update_settings: NamedSettings::Honored,
            number_types: NumberTypes::Shown,
            emergency_removal: EmergencyRemoval::Pending,
            emergency_release: Policy::Refused,
            release_from_suspended: Policy::Allowed,
            suspended_calls: Policy::Allowed,
            cancel_in_progress: CallEffect::Refused,
            complete_unanswered: CallEffect::Allowed,
        }
    }
}

impl Behavior {
    /// The time by which the account list lags behind.
    pub(crate) fn account_list_lag(&self) -> SignedDuration {
        millis(self.account_list_lag_ms)
    }

    /// The time by which the lists of numbers lag behind.
    pub(crate) fn number_list_lag(&self) -> SignedDuration {
        millis(self.number_list_lag_ms)
    }

    /// The time by which the lists of calls lag behind.
    pub(crate) fn call_list_lag(&self) -> SignedDuration {
        millis(self.call_list_lag_ms)
    }

    /// The time for which the account list does not show a new account.
    pub(crate) fn new_account_list_lag(&self) -> SignedDuration {
        millis(self.new_account_list_lag_ms)
    }

    /// The time for which a new account is not found under its path.
    pub(crate) fn new_account_fetch_lag(&self) -> SignedDuration {
        millis(self.new_account_fetch_lag_ms)
    }

    /// These switches, with the keys of the JSON object `patch` replaced.
    pub fn patched(&self, patch: &Value) -> Result<Self, serde_json::Error> {
        let mut all = serde_json::to_value(self)?;
        crate::control::json::overlay(&mut all, patch);
        serde_json::from_value(all)
    }

    /// These switches, with the `assignment` of one of them: `name=value`, as on the command line.
    pub fn with(&self, assignment: &str) -> Result<Self, BehaviorError> {
        let (name, value) = assignment.split_once('=').ok_or(BehaviorError::Shape)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(self.patched(&Value::Object([(name.to_owned(), value)].into_iter().collect()))?)
    }
}

fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// The error of an assignment to a switch.
#[derive(Debug, thiserror::Error)]
pub enum BehaviorError {
    /// The assignment is not `name=value`.
    #[error("not an assignment to a switch: write `name=value`")]
    Shape,
    /// The switch or its value does not exist.
    #[error("unknown switch or value")]
    Unknown(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_changes_one_switch() {
        let switches = Behavior::default().with("suspendedNumbers=empty").unwrap();
        assert_eq!(switches.suspended_numbers, SuspendedNumbers::Empty);
        assert_eq!(switches, Behavior { suspended_numbers: SuspendedNumbers::Empty, ..Behavior::default() });
        assert_eq!(Behavior::default().with("retryAfter=7").unwrap().retry_after, Some(7));
    }

    #[test]
    fn the_help_names_every_switch_and_its_default_first() {
        let all = serde_json::to_value(Behavior::default()).unwrap();
        let documented = include_str!("switches.txt").lines().map(|line| {
            let (name, rest) = line.split_once('=').unwrap();
            let default = rest.split_whitespace().next().unwrap();
            let default = serde_json::from_str(default).unwrap_or_else(|_| default.into());
            (name.trim().to_owned(), default)
        });
        assert_eq!(Value::Object(documented.collect()), all);
    }

    #[test]
    fn an_unknown_switch_or_value_is_an_error() {
        for wrong in ["suspendedNumbers", "suspendedNumber=empty", "suspendedNumbers=none"] {
            assert!(Behavior::default().with(wrong).is_err(), "{wrong}");
        }
    }
}
