//! The classification of Twilio's errors.
//!
//! The error code decides; without a known code, the HTTP status. The message never does. Codes: Twilio's error dictionary.

use std::{error::Error, fmt, path::PathBuf, time::Duration};

use jiff::Timestamp;
use subaccountd_core::{
    outcome::{Receipt, Refusal},
    remote::{ErrorKind, RemoteError},
    text::{self, clip, sanitize_to},
};

use crate::{credentials::TokenError, retry::FailureClass};

/// The longest cause that is shown.
pub(crate) const MAX_CAUSE: usize = 300;

/// The kind of an answer that is not 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RejectionKind {
    /// An account is not usable, or not allowed to do this: the main account, or the account of the request.
    AccountError,
    /// The credentials are Twilio's test credentials: stop the pass.
    TestCredentials,
    /// The main account is suspended: stop the pass.
    ParentSuspended,
    /// The page token is no longer valid: read the list from its start, once.
    StalePageToken,
    /// Too many requests: the request was not processed.
    NeverProcessed,
    /// Twilio failed: the request may have been processed.
    TryLater,
    /// The object changed since it was observed: the request may have been processed.
    ObserveAgain,
    /// The account is closed.
    AlreadyClosed,
    /// The request is refused until something else changes.
    Refused,
}

impl RejectionKind {
    /// The kind of an answer with this HTTP status and, if any, this error code.
    pub(crate) fn of(status: u16, code: Option<u32>) -> Self {
        match status {
            // A failing server may have processed the request, whatever the code.
            500.. => Self::TryLater,
            429 => Self::NeverProcessed,
            _ => code.and_then(Self::of_code).unwrap_or_else(|| Self::of_status(status)),
        }
    }

    fn of_code(code: u32) -> Option<Self> {
        Some(match code {
            10001 | 20003 | 20005 | 20006 | 20403 | 90010 => Self::AccountError,
            20008 => Self::TestCredentials,
            21476 => Self::ParentSuspended,
            21481 => Self::StalePageToken,
            20429 => Self::NeverProcessed,
            20500 | 20503 | 20504 => Self::TryLater,
            20404 | 20409 => Self::ObserveAgain,
            21479 => Self::AlreadyClosed,
            // Permanent refusals, then a missing address, bundle or identity.
            21470..=21475 | 21477 | 21478 | 21634 | 22121 | 22350 | 21613 | 21615 | 21631 | 21649..=21651 => {
                Self::Refused
            }
            // A call that is over.
            21220 => Self::Refused,
            _ => return None,
        })
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::AccountError,
            400..=499 if status != 404 && status != 409 => Self::Refused,
            _ => Self::ObserveAgain,
        }
    }
}

/// An answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Twilio's error code.
    pub(crate) code: Option<u32>,
    /// Twilio's message, sanitized; a description of the answer when there is none.
    pub(crate) message: String,
    /// Twilio's request id.
    pub(crate) request_id: Option<String>,
    /// Twilio's clock.
    pub(crate) date: Option<Timestamp>,
    /// The wait of `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// True when the answer is not Twilio's own: it says nothing about an account, and does not prove that Twilio did not get
    /// the request.
    pub(crate) foreign: bool,
}

impl Rejection {
    pub(crate) fn kind(&self) -> RejectionKind {
        match RejectionKind::of(self.status, self.code) {
            kind @ (RejectionKind::NeverProcessed | RejectionKind::TryLater) => kind,
            _ if self.foreign => RejectionKind::ObserveAgain,
            kind => kind,
        }
    }

    /// Returns true when Twilio's error code is "not found". A 404 without the code does not count: it may come from a proxy.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code == Some(20404) && self.kind() == RejectionKind::ObserveAgain
    }

    /// Returns true when the error says that a call has ended: it is over, or not found.
    pub(crate) fn says_call_is_over(&self) -> bool {
        self.is_not_found() || (self.code == Some(21220) && self.kind() == RejectionKind::Refused)
    }

    /// The kind of the error when it is about the main account.
    pub(crate) fn main_account_kind(&self) -> ErrorKind {
        if self.status == 401 || self.code == Some(20003) {
            ErrorKind::Credentials
        } else {
            ErrorKind::MainAccount
        }
    }

    pub(crate) fn into_receipt(self) -> Receipt {
        Receipt { request_id: self.request_id, date: self.date, ..Receipt::default() }
    }

    /// The error of the failed `task`.
    pub(crate) fn into_error(self, kind: ErrorKind, task: &str) -> RemoteError {
        let message = format!("could not {task}: {self}{}", self.remedy(kind));
        RemoteError { kind, message, code: self.code, request_id: self.request_id }
    }

    fn remedy(&self, kind: ErrorKind) -> &'static str {
        if self.foreign {
            // The message names what answered; Twilio knows nothing of it.
            return "";
        }
        match (self.kind(), kind) {
            (RejectionKind::TestCredentials, _) => {
                "; use the live auth token: test credentials are not supported"
            }
            (RejectionKind::ParentSuspended, _) | (_, ErrorKind::MainAccount) => {
                "; check the main account in the Twilio Console"
            }
            (_, ErrorKind::Credentials) => {
                "; check `TWILIO_ACCOUNT_SID` and the auth token: both must belong to the main account, since API keys \
                 (SK…) cannot access subaccounts; Twilio gives the same answer for a suspended or closed account"
            }
            (_, ErrorKind::Unreadable) => "",
        }
    }

    pub(crate) fn into_refusal(self) -> Refusal {
        Refusal { code: self.code, message: self.message, request_id: self.request_id, date: self.date }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, ", Twilio error {code}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The failure of a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The auth token cannot be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The process is stopping; nothing was sent, or the answer is not waited for.
    #[error("the process is stopping")]
    Stopping,
    /// Reading the auth token took too long; nothing was sent.
    #[error("the auth token file {} was not read within {limit:?}: check its file system", .path.display())]
    TokenLate {
        /// The file.
        path: PathBuf,
        /// The longest time for it.
        limit: Duration,
    },
    /// Twilio refused the auth token, and the file now contains another one.
    #[error(
        "Twilio refused the auth token, and its file now contains another one: the next pass uses that one"
    )]
    TokenRotated,
    /// The connection failed; nothing was sent. The text names the host.
    #[error("no connection to Twilio {0}")]
    ConnectFailed(String),
    /// The request was sent, and no usable answer came back.
    #[error("{cause}")]
    UnknownOutcome {
        /// The cause.
        cause: String,
        /// Twilio's request id, when the answer had started.
        request_id: Option<String>,
        /// True when the request timed out.
        timed_out: bool,
    },
    /// Twilio answered, but not 2xx.
    #[error("{0}")]
    Rejected(Rejection),
    /// Every answer was valid, but the content is contradictory or not the requested one.
    #[error("{cause}")]
    Nonsense {
        /// The problem in the answers.
        cause: String,
        /// Twilio's request id of the last answer.
        request_id: Option<String>,
    },
}

impl Failure {
    /// The failure of a contradictory answer; `cause` may quote it, and is sanitized.
    pub(crate) fn nonsense(cause: &str, request_id: Option<String>) -> Self {
        Self::Nonsense { cause: sanitize_to(cause, MAX_CAUSE), request_id }
    }

    /// Returns true when the request timed out.
    pub(crate) const fn is_time_out(&self) -> bool {
        matches!(self, Self::UnknownOutcome { timed_out: true, .. })
    }

    /// The class of the failure, which decides on a retry.
    pub(crate) fn fault(&self) -> FailureClass {
        match self {
            Self::ConnectFailed(_) => FailureClass::NeverSent,
            Self::UnknownOutcome { .. } => FailureClass::Transient,
            Self::Token(_)
            | Self::Stopping
            | Self::TokenLate { .. }
            | Self::TokenRotated
            | Self::Nonsense { .. } => FailureClass::Permanent,
            Self::Rejected(rejection) => match rejection.kind() {
                RejectionKind::NeverProcessed => FailureClass::RateLimited(rejection.retry_after),
                RejectionKind::TryLater => FailureClass::Transient,
                RejectionKind::AccountError
                | RejectionKind::TestCredentials
                | RejectionKind::ParentSuspended
                | RejectionKind::StalePageToken
                | RejectionKind::ObserveAgain
                | RejectionKind::AlreadyClosed
                | RejectionKind::Refused => FailureClass::Permanent,
            },
        }
    }

    /// Twilio's request id.
    pub(crate) fn request_id(&self) -> Option<&str> {
        match self {
            Self::UnknownOutcome { request_id, .. } | Self::Nonsense { request_id, .. } => {
                request_id.as_deref()
            }
            Self::Rejected(rejection) => rejection.request_id.as_deref(),
            Self::Token(_)
            | Self::Stopping
            | Self::TokenLate { .. }
            | Self::TokenRotated
            | Self::ConnectFailed(_) => None,
        }
    }

    /// The error of the failed `task`.
    pub(crate) fn into_error(self, kind: ErrorKind, task: &str) -> RemoteError {
        let error = |message| RemoteError { kind, message, code: None, request_id: None };
        match self {
            Self::Rejected(rejection) => rejection.into_error(kind, task),
            Self::Token(_)
            | Self::Stopping
            | Self::TokenLate { .. }
            | Self::TokenRotated
            | Self::ConnectFailed(_) => error(format!("could not {task}: {self}")),
            Self::UnknownOutcome { ref cause, ref request_id, .. }
            | Self::Nonsense { ref cause, ref request_id } => {
                RemoteError { request_id: request_id.clone(), ..error(format!("could not {task}: {cause}")) }
            }
        }
    }
}

/// The innermost cause, bounded.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    clip(&text::root_cause(error), MAX_CAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relevant_code_has_its_kind() {
        for (kind, codes) in [
            (RejectionKind::AccountError, &[20003, 20005, 20006, 20403, 10001, 90010][..]),
            (RejectionKind::TestCredentials, &[20008]),
            (RejectionKind::ParentSuspended, &[21476]),
            (RejectionKind::StalePageToken, &[21481]),
            (RejectionKind::NeverProcessed, &[20429]),
            (RejectionKind::TryLater, &[20500, 20503, 20504]),
            (RejectionKind::ObserveAgain, &[20409, 20404]),
            (RejectionKind::AlreadyClosed, &[21479]),
            (
                RejectionKind::Refused,
                &[21475, 21477, 21478, 21470, 21471, 21472, 21473, 21474, 22121, 22350, 21634],
            ),
            (RejectionKind::Refused, &[21220]),
            (RejectionKind::Refused, &[21613, 21615, 21631, 21649, 21650, 21651]),
        ] {
            for &code in codes {
                for status in [400, 401, 403, 404, 409] {
                    assert_eq!(RejectionKind::of(status, Some(code)), kind, "{status} {code}");
                }
            }
        }
    }

    #[test]
    fn status_decides_when_the_code_is_missing_or_unknown() {
        for code in [None, Some(20010), Some(0)] {
            for (status, kind) in [
                (400, RejectionKind::Refused),
                (401, RejectionKind::AccountError),
                (402, RejectionKind::Refused),
                (403, RejectionKind::AccountError),
                (404, RejectionKind::ObserveAgain),
                (409, RejectionKind::ObserveAgain),
                (410, RejectionKind::Refused),
                (499, RejectionKind::Refused),
                (302, RejectionKind::ObserveAgain),
                (304, RejectionKind::ObserveAgain),
            ] {
                assert_eq!(RejectionKind::of(status, code), kind, "{status} {code:?}");
            }
        }
    }

    #[test]
    fn no_code_makes_a_5xx_certain_or_a_429_processed() {
        for code in [None, Some(20003), Some(21472), Some(21479), Some(20404)] {
            for status in [500, 502, 503, 504, 599] {
                assert_eq!(RejectionKind::of(status, code), RejectionKind::TryLater, "{status} {code:?}");
            }
            assert_eq!(RejectionKind::of(429, code), RejectionKind::NeverProcessed, "{code:?}");
        }
    }
}
