//! The change that a request asks Twilio for.

use std::collections::BTreeMap;

use twilio_sim::{Operation, World, WriteSeen};

/// Settings of a number: their values by Twilio's parameter.
pub(crate) type Settings = BTreeMap<String, String>;

/// The settings that a state names, by Twilio's parameter.
pub(crate) const SETTINGS: [&str; 6] =
    ["FriendlyName", "SmsMethod", "SmsUrl", "StatusCallback", "VoiceMethod", "VoiceUrl"];
/// The parameters of a transfer that are no settings.
const NO_SETTINGS: [&str; 5] =
    ["AccountSid", "AddressSid", "BundleSid", "EmergencyAddressSid", "IdentitySid"];

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Ask {
    Suspend(String),
    Reactivate(String),
    Close(String),
    Transfer {
        phone: String,
        from: String,
        to: String,
    },
    /// An account for the entry with this name.
    Create(String),
    Configure {
        phone: String,
        account: String,
    },
    EndCall {
        account: String,
        call: String,
    },
}

impl Ask {
    /// The change that a request asks for, and the settings that it names.
    pub(crate) fn of(seen: &WriteSeen, world: &World) -> Option<(Self, Settings)> {
        if seen.operation == Some(Operation::CreateAccount) {
            return Some((Self::Create(seen.param("FriendlyName")?.to_owned()), Settings::new()));
        }
        let account = seen.account.clone()?;
        match seen.operation? {
            Operation::UpdateAccount => {
                let ask = match seen.param("Status")? {
                    "suspended" => Self::Suspend(account),
                    "active" => Self::Reactivate(account),
                    "closed" => Self::Close(account),
                    _ => return None,
                };
                Some((ask, Settings::new()))
            }
            Operation::UpdateNumber => {
                let phone = world.number(seen.number.as_ref()?)?.name().to_owned();
                let ask = match seen.param("AccountSid") {
                    Some(to) => Self::Transfer { phone, from: account, to: to.to_owned() },
                    None => Self::Configure { phone, account },
                };
                let named = seen.form.iter().filter(|(name, _)| !NO_SETTINGS.contains(&name.as_str()));
                Some((ask, named.cloned().collect()))
            }
            Operation::UpdateCall => {
                Some((Self::EndCall { account, call: seen.call.clone()? }, Settings::new()))
            }
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Suspend(_) => "suspend",
            Self::Reactivate(_) => "reactivate",
            Self::Close(_) => "close",
            Self::Transfer { .. } => "transfer",
            Self::Create(_) => "create",
            Self::Configure { .. } => "configure",
            Self::EndCall { .. } => "endCalls",
        }
    }

    /// The account, name or number that it changes; for the settings of a number and for a call, the account.
    pub(crate) fn object(&self) -> &str {
        match self {
            Self::Suspend(sid) | Self::Reactivate(sid) | Self::Close(sid) => sid,
            Self::Transfer { phone, .. } => phone,
            Self::Create(name) => name,
            Self::Configure { account, .. } | Self::EndCall { account, .. } => account,
        }
    }

    /// The entry that it is for: the SID or, for a create, the name.
    pub(crate) fn entry(&self) -> &str {
        match self {
            Self::Transfer { to, .. } => to,
            Self::Suspend(_)
            | Self::Reactivate(_)
            | Self::Close(_)
            | Self::Create(_)
            | Self::Configure { .. }
            | Self::EndCall { .. } => self.object(),
        }
    }

    /// The object whose writes repeat and undo each other.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Configure { phone, .. } => format!("the settings of {phone}"),
            Self::EndCall { call, .. } => call.clone(),
            Self::Suspend(_)
            | Self::Reactivate(_)
            | Self::Close(_)
            | Self::Transfer { .. }
            | Self::Create(_) => self.object().to_owned(),
        }
    }

    /// The part of the world that it changes, as text: another one after its effect.
    pub(crate) fn part(&self, world: &World) -> String {
        let part = match self {
            Self::Transfer { phone, .. } => world.owner_of(phone).map(ToString::to_string),
            Self::Suspend(sid) | Self::Reactivate(sid) | Self::Close(sid) => {
                world.account(sid).map(|account| account.status.as_str().to_owned())
            }
            Self::Create(_) => Some(world.accounts().count().to_string()),
            Self::Configure { phone, .. } => {
                let number = world.number(phone);
                number.map(|number| format!("{} {:?}", number.friendly_name, number.settings))
            }
            Self::EndCall { call, .. } => world.call(call).map(|call| call.status.as_str().to_owned()),
        };
        part.unwrap_or_default()
    }
}
