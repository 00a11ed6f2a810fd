//! The errors of the API: a code from Twilio's dictionary, its HTTP status, and a message.

use serde_json::{Value, json};

/// A refusal by Twilio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Twilio's error code.
    pub code: u32,
    /// The HTTP status.
    pub status: u16,
    /// Twilio's error message.
    pub message: String,
}

/// Code, HTTP status and message, sorted by code.
const DICTIONARY: [(u32, u16, &str); 42] = [
    (20002, 400, "Invalid FriendlyName"),
    (20003, 401, "Authenticate"),
    (20004, 405, "Method not allowed"),
    (20005, 403, "Account not active"),
    (20006, 403, "Access Denied"),
    (20007, 400, "Page size too large"),
    (20008, 403, "Test Credentials"),
    (20403, 403, "Forbidden"),
    (20404, 404, "The requested resource was not found"),
    (20409, 409, "Conflict"),
    (20422, 400, "Invalid Parameter"),
    (20423, 400, "Invalid SID"),
    (20429, 429, "Too Many Requests"),
    (20500, 500, "Internal Server Error"),
    (20503, 503, "Service unavailable"),
    (20504, 504, "Twilio Internal Error"),
    (21101, 400, "Subaccounts cannot contain subaccounts"),
    (21220, 400, "Invalid call state"),
    (21402, 400, "Invalid Url"),
    (21403, 400, "Invalid Method"),
    (21420, 400, "ApplicationSid is not accessible"),
    (21470, 400, "Invalid AccountSid"),
    (21471, 400, "Account does not exist"),
    (21472, 400, "Account is not active"),
    (
        21473,
        400,
        "AccountSid you are transferring to is not related to the originating owner of the phone number",
    ),
    (21474, 400, "API User must be the parent account to transfer phone numbers."),
    (21475, 400, "Unable to update Status, invalid Status."),
    (21476, 400, "Unable to update Status for subaccount, parent account is suspended."),
    (21477, 400, "Unable to update Status for parent accounts"),
    (21478, 400, "Unable to update Status for subaccount, subaccount has been suspended by Twilio"),
    (21479, 400, "Unable to update Status for subaccount, subaccount has been closed."),
    (21480, 400, "Reached maximum number of subaccounts"),
    (21481, 400, "Invalid PageToken"),
    (21613, 400, "PhoneNumber Requires Certification"),
    (21615, 400, "Phone Number Requires a Local Address"),
    (21631, 400, "Phone Number Requires an Address"),
    (21634, 400, "SIP Trunk is in use for emergency calling"),
    (21649, 400, "Phone Number Requires a Bundle"),
    (21650, 400, "Phone Number Requires a Verified Identity Document"),
    (22121, 400, "Unable to Transfer Hosted Number"),
    (22350, 400, "The Phone Number cannot be released because it is being ported out of Twilio"),
    (22400, 400, "The Phone Number has a route configuration"),
];

impl ApiError {
    /// The error with this code, with status and message from the dictionary; 400 for unknown codes.
    pub fn new(code: u32) -> Self {
        let (status, message) = DICTIONARY
            .binary_search_by_key(&code, |entry| entry.0)
            .map_or((400, "Error"), |at| (DICTIONARY[at].1, DICTIONARY[at].2));
        Self { code, status, message: message.to_owned() }
    }

    /// 404: the resource does not exist, or is not visible to the caller.
    pub fn not_found(path: &str) -> Self {
        Self { message: format!("The requested resource {path} was not found"), ..Self::new(20404) }
    }

    /// The same error, with its subject in the message.
    #[must_use]
    pub(crate) fn about(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{}: {what}", self.message), ..self }
    }

    /// Returns true when its HTTP status is one of those that Twilio does not document.
    pub(crate) fn status_is_unknown(&self) -> bool {
        self.code == 20005 || (21470..=21480).contains(&self.code)
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_sorted_so_that_every_code_is_found() {
        assert!(DICTIONARY.is_sorted_by_key(|entry| entry.0));
        for (code, status, message) in DICTIONARY {
            let error = ApiError::new(code);
            assert_eq!((error.status, error.message.as_str()), (status, message));
        }
    }

    #[test]
    fn a_body_has_the_four_keys_of_twilio() {
        let body = ApiError::new(21472).body();
        assert_eq!(
            body,
            json!({"code": 21472, "message": "Account is not active", "status": 400,
                   "more_info": "https://www.twilio.com/docs/errors/21472"})
        );
    }
}
