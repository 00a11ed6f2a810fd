//! A call of the world. It belongs to one account, and goes on when the account is suspended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::world::sid::{AccountSid, CallSid};

/// The status of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// The call waits to be dialed.
    Queued,
    /// The call rings.
    Ringing,
    /// The call was answered and goes on.
    InProgress,
    /// The call was answered and has ended.
    Completed,
    /// The other end was busy.
    Busy,
    /// The call could not be connected.
    Failed,
    /// The other end did not answer.
    NoAnswer,
    /// The call was canceled before it was answered.
    Canceled,
}

impl CallStatus {
    /// Twilio's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Returns true when the call has ended.
    pub fn is_over(self) -> bool {
        match self {
            Self::Queued | Self::Ringing | Self::InProgress => false,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => true,
        }
    }
}

/// The direction of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallDirection {
    /// A call to a number of the account.
    Inbound,
    /// A call that was begun by the API.
    #[default]
    OutboundApi,
    /// A call that was begun by a `<Dial>`.
    OutboundDial,
}

impl CallDirection {
    /// Twilio's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its SID.
    pub sid: CallSid,
    /// The account that it belongs to.
    pub owner: AccountSid,
    /// Its status.
    pub status: CallStatus,
    /// The caller: E.164, a short code, `sip:…` or `client:…`.
    pub from: String,
    /// The called end, likewise.
    pub to: String,
    /// Its direction.
    pub direction: CallDirection,
    /// The call whose `<Dial>` began it, `CA…`.
    pub parent_call_sid: Option<CallSid>,
    /// The time at which it began; none while it is queued.
    pub start_time: Option<Timestamp>,
    /// The time at which it ended.
    pub end_time: Option<Timestamp>,
    /// The time at which it was created.
    pub date_created: Timestamp,
    /// The time of the last change to it.
    pub date_updated: Timestamp,
}

impl Call {
    /// The default caller of a call.
    pub const FROM: &str = "+15105550190";
    /// The default called end of a call.
    pub const TO: &str = "+15105550191";

    /// A call of `owner` with this status, created at `since`: begun then unless it is queued, and ended then if it is over.
    pub fn new(sid: CallSid, owner: AccountSid, status: CallStatus, since: Timestamp) -> Self {
        Self {
            sid,
            owner,
            status,
            from: Self::FROM.to_owned(),
            to: Self::TO.to_owned(),
            direction: CallDirection::default(),
            parent_call_sid: None,
            start_time: (status != CallStatus::Queued).then_some(since),
            end_time: status.is_over().then_some(since),
            date_created: since,
            date_updated: since,
        }
    }

    /// The key of its place in a list, newest first.
    pub(crate) fn place(&self) -> String {
        let age = u64::MAX - self.date_created.as_second().unsigned_abs();
        format!("{age:020} {}", self.sid)
    }

    /// The time from begin to end, once it has ended.
    pub(crate) fn duration(&self) -> Option<SignedDuration> {
        Some(self.end_time?.duration_since(self.start_time?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_call_comes_first() {
        let call = |n: u64, at: i64| {
            let since = Timestamp::from_second(at).unwrap();
            Call::new(CallSid::numbered(n), AccountSid::numbered(1), CallStatus::Queued, since).place()
        };
        assert!(call(1, 1_900_000_000) < call(2, 1_800_000_000));
        assert!(call(1, 1_800_000_000) < call(2, 1_800_000_000));
    }

    #[test]
    fn every_status_and_direction_is_written_as_twilio_does() {
        let all =
            ["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"];
        for text in all {
            let status: CallStatus = serde_json::from_value(text.into()).unwrap();
            assert_eq!(status.as_str(), text);
        }
        for text in ["inbound", "outbound-api", "outbound-dial"] {
            let direction: CallDirection = serde_json::from_value(text.into()).unwrap();
            assert_eq!(direction.as_str(), text);
        }
    }
}
