//! Measurements of the requests to Twilio: one call per HTTP attempt, and one per change of the in-flight limit.
//!
//! They contain no SID, phone number or error message.

use std::time::Duration;

/// Receives measurements. Called on the request path: an implementation must not block.
pub trait Telemetry: Send + Sync {
    /// Records the end of one HTTP attempt; `took` includes reading the body.
    fn request_ended(&self, operation: Operation, outcome: RequestOutcome, took: Duration);

    /// Records a new limit of requests in flight.
    fn in_flight_limit(&self, limit: usize);
}

/// Ignores all measurements.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn request_ended(&self, _: Operation, _: RequestOutcome, _: Duration) {}

    fn in_flight_limit(&self, _: usize) {}
}

/// The operations of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `GET /Accounts.json`, one page.
    ListAccounts,
    /// `GET /Accounts/{Sid}.json`.
    FetchAccount,
    /// `POST /Accounts/{Sid}.json`.
    UpdateAccount,
    /// `POST /Accounts.json`.
    CreateAccount,
    /// `GET /Accounts/{AccountSid}/IncomingPhoneNumbers.json`, one page.
    ListNumbers,
    /// `GET /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`.
    FetchNumber,
    /// `POST /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`.
    UpdateNumber,
    /// `DELETE /Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json`.
    ReleaseNumber,
    /// `GET /Accounts/{AccountSid}/Addresses.json`, the first page.
    ListAddresses,
    /// `GET /Accounts/{AccountSid}/Calls.json`, one page.
    ListCalls,
    /// `POST /Accounts/{AccountSid}/Calls/{Sid}.json`.
    UpdateCall,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 11] = [
        Self::ListAccounts,
        Self::FetchAccount,
        Self::UpdateAccount,
        Self::CreateAccount,
        Self::ListNumbers,
        Self::FetchNumber,
        Self::UpdateNumber,
        Self::ReleaseNumber,
        Self::ListAddresses,
        Self::ListCalls,
        Self::UpdateCall,
    ];

    /// The name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListAccounts => "list_accounts",
            Self::FetchAccount => "fetch_account",
            Self::UpdateAccount => "update_account",
            Self::CreateAccount => "create_account",
            Self::ListNumbers => "list_numbers",
            Self::FetchNumber => "fetch_number",
            Self::UpdateNumber => "update_number",
            Self::ReleaseNumber => "release_number",
            Self::ListAddresses => "list_addresses",
            Self::ListCalls => "list_calls",
            Self::UpdateCall => "update_call",
        }
    }

    /// Returns true when the operation changes something at Twilio.
    pub const fn writes(self) -> bool {
        match self {
            Self::UpdateAccount
            | Self::CreateAccount
            | Self::UpdateNumber
            | Self::ReleaseNumber
            | Self::UpdateCall => true,
            Self::ListAccounts
            | Self::FetchAccount
            | Self::ListNumbers
            | Self::FetchNumber
            | Self::ListAddresses
            | Self::ListCalls => false,
        }
    }
}

/// The outcome of one HTTP attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    /// 2xx with a complete body.
    Ok,
    /// 3xx, or 4xx but 429.
    ClientError,
    /// 5xx.
    ServerError,
    /// 429.
    RateLimited,
    /// No complete answer: no connection, connection lost, timeout, or body too large.
    NetworkError,
}

impl RequestOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Ok, Self::ClientError, Self::ServerError, Self::RateLimited, Self::NetworkError];

    /// The name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::RateLimited => "rate_limited",
            Self::NetworkError => "network_error",
        }
    }

    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Ok,
            429 => Self::RateLimited,
            500.. => Self::ServerError,
            _ => Self::ClientError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_counts_under_its_class_and_429_under_its_own() {
        for (status, outcome) in [
            (200, RequestOutcome::Ok),
            (204, RequestOutcome::Ok),
            (302, RequestOutcome::ClientError),
            (401, RequestOutcome::ClientError),
            (429, RequestOutcome::RateLimited),
            (500, RequestOutcome::ServerError),
            (599, RequestOutcome::ServerError),
        ] {
            assert_eq!(RequestOutcome::of_status(status), outcome, "{status}");
        }
    }

    #[test]
    fn names_are_those_of_the_metrics() {
        assert_eq!(
            Operation::ALL.map(Operation::as_str),
            [
                "list_accounts",
                "fetch_account",
                "update_account",
                "create_account",
                "list_numbers",
                "fetch_number",
                "update_number",
                "release_number",
                "list_addresses",
                "list_calls",
                "update_call"
            ]
        );
        assert_eq!(
            RequestOutcome::ALL.map(RequestOutcome::as_str),
            ["ok", "client_error", "server_error", "rate_limited", "network_error"]
        );
    }
}
