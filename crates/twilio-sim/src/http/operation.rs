//! The operations: the resource of a path, and the effect of a method on it.

use serde::{Deserialize, Serialize};

use crate::world::error::ApiError;

/// The operation of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `GET /Accounts.json`.
    ListAccounts,
    /// `POST /Accounts.json`.
    CreateAccount,
    /// `GET /Accounts/{Sid}.json`.
    FetchAccount,
    /// `POST /Accounts/{Sid}.json`.
    UpdateAccount,
    /// `GET /Accounts/{AccountSid}/IncomingPhoneNumbers.json`.
    ListNumbers,
    /// `GET /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`.
    FetchNumber,
    /// `POST /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`: transfers, among others.
    UpdateNumber,
    /// `DELETE /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`.
    ReleaseNumber,
    /// `GET /Accounts/{AccountSid}/Calls.json`.
    ListCalls,
    /// `GET /Accounts/{AccountSid}/Calls/{Sid}.json`.
    FetchCall,
    /// `POST /Accounts/{AccountSid}/Calls/{Sid}.json`.
    UpdateCall,
    /// `GET /Accounts/{AccountSid}/Addresses.json`.
    ListAddresses,
}

/// The resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Accounts,
    Account(String),
    Numbers { account: String },
    Number { account: String, sid: String },
    Calls { account: String },
    Call { account: String, sid: String },
    Addresses { account: String },
}

impl Resource {
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/2010-04-01/")?.strip_suffix(".json")?;
        let owned = str::to_owned;
        match path.split('/').collect::<Vec<_>>()[..] {
            ["Accounts"] => Some(Self::Accounts),
            ["Accounts", sid] => Some(Self::Account(owned(sid))),
            ["Accounts", account, "IncomingPhoneNumbers"] => Some(Self::Numbers { account: owned(account) }),
            ["Accounts", account, "IncomingPhoneNumbers", sid] => {
                Some(Self::Number { account: owned(account), sid: owned(sid) })
            }
            ["Accounts", account, "Calls"] => Some(Self::Calls { account: owned(account) }),
            ["Accounts", account, "Calls", sid] => {
                Some(Self::Call { account: owned(account), sid: owned(sid) })
            }
            ["Accounts", account, "Addresses"] => Some(Self::Addresses { account: owned(account) }),
            _ => None,
        }
    }

    /// The account that the path names.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Accounts => None,
            Self::Account(sid) => Some(sid),
            Self::Numbers { account }
            | Self::Number { account, .. }
            | Self::Calls { account }
            | Self::Call { account, .. }
            | Self::Addresses { account } => Some(account),
        }
    }

    /// The number that the path names.
    pub(crate) fn number(&self) -> Option<&str> {
        match self {
            Self::Number { sid, .. } => Some(sid),
            Self::Accounts
            | Self::Account(_)
            | Self::Numbers { .. }
            | Self::Calls { .. }
            | Self::Call { .. }
            | Self::Addresses { .. } => None,
        }
    }

    /// The call that the path names.
    pub(crate) fn call(&self) -> Option<&str> {
        match self {
            Self::Call { sid, .. } => Some(sid),
            Self::Accounts
            | Self::Account(_)
            | Self::Numbers { .. }
            | Self::Number { .. }
            | Self::Calls { .. }
            | Self::Addresses { .. } => None,
        }
    }

    /// The operation that `method` performs on the resource.
    pub(crate) fn operation(&self, method: &str) -> Result<Operation, ApiError> {
        match (self, method) {
            (Self::Accounts, "GET") => Ok(Operation::ListAccounts),
            (Self::Accounts, "POST") => Ok(Operation::CreateAccount),
            (Self::Account(_), "GET") => Ok(Operation::FetchAccount),
            (Self::Account(_), "POST") => Ok(Operation::UpdateAccount),
            (Self::Numbers { .. }, "GET") => Ok(Operation::ListNumbers),
            (Self::Number { .. }, "GET") => Ok(Operation::FetchNumber),
            (Self::Number { .. }, "POST") => Ok(Operation::UpdateNumber),
            (Self::Number { .. }, "DELETE") => Ok(Operation::ReleaseNumber),
            (Self::Calls { .. }, "GET") => Ok(Operation::ListCalls),
            (Self::Call { .. }, "GET") => Ok(Operation::FetchCall),
            (Self::Call { .. }, "POST") => Ok(Operation::UpdateCall),
            (Self::Addresses { .. }, "GET") => Ok(Operation::ListAddresses),
            (
                Self::Accounts
                | Self::Account(_)
                | Self::Numbers { .. }
                | Self::Number { .. }
                | Self::Calls { .. }
                | Self::Call { .. }
                | Self::Addresses { .. },
                _,
            ) => Err(ApiError::new(20004)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_and_method_has_its_operation() {
        use Operation as O;
        let cases = [
            ("GET", "/2010-04-01/Accounts.json", Some(Ok(O::ListAccounts))),
            ("POST", "/2010-04-01/Accounts.json", Some(Ok(O::CreateAccount))),
            ("DELETE", "/2010-04-01/Accounts.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts/AC1.json", Some(Ok(O::FetchAccount))),
            ("POST", "/2010-04-01/Accounts/AC1.json", Some(Ok(O::UpdateAccount))),
            ("DELETE", "/2010-04-01/Accounts/AC1.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json", Some(Ok(O::ListNumbers))),
            ("GET", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json", Some(Ok(O::FetchNumber))),
            ("POST", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json", Some(Ok(O::UpdateNumber))),
            ("DELETE", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json", Some(Ok(O::ReleaseNumber))),
            ("PUT", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts/AC1/Calls.json", Some(Ok(O::ListCalls))),
            ("POST", "/2010-04-01/Accounts/AC1/Calls.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts/AC1/Calls/CA1.json", Some(Ok(O::FetchCall))),
            ("POST", "/2010-04-01/Accounts/AC1/Calls/CA1.json", Some(Ok(O::UpdateCall))),
            ("DELETE", "/2010-04-01/Accounts/AC1/Calls/CA1.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts/AC1/Addresses.json", Some(Ok(O::ListAddresses))),
            ("POST", "/2010-04-01/Accounts/AC1/Addresses.json", Some(Err(20004))),
            ("GET", "/2010-04-01/Accounts", None),
            ("GET", "/2010-04-01/Accounts/AC1/Messages.json", None),
            ("GET", "/2008-08-01/Accounts.json", None),
        ];
        for (method, path, expected) in cases {
            let found =
                Resource::parse(path).map(|resource| resource.operation(method).map_err(|error| error.code));
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
