//! Faults: failures on the way to Twilio and back. A fault matches requests, skips some of them, and acts a number of times
//! or always. All faults that act on one request do so in the order in which they were added.

pub(crate) mod inject;
pub(crate) mod late;
pub(crate) mod row;

use serde::{Deserialize, Serialize};

use crate::{
    faults::row::RowPatch,
    http::{inbound::Inbound, operation::Operation},
};

/// The failure that a fault causes. As JSON, inside a [`Fault`]:
///
#[doc = concat!("```text\n", include_str!("faults.txt"), "```")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Answers with a status and an error: instead of performing the request, or `after` it.
    Status {
        /// The HTTP status.
        http: u16,
        /// Twilio's code; without one the body is a proxy's HTML.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
        /// Act after the effect.
        #[serde(default)]
        after: bool,
        /// Seconds of `Retry-After`, instead of [`Behavior::retry_after`](crate::Behavior::retry_after).
        #[serde(default, rename = "retryAfter", skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// Waits before performing the request.
    Latency {
        /// The length of the wait, in milliseconds.
        ms: u64,
    },
    /// Resets the TCP connection: instead of performing the request, or `after` it.
    Reset {
        /// Act after the effect.
        #[serde(default)]
        after: bool,
    },
    /// Never answers, and does not perform the request.
    Stall,
    /// Answers with a redirect instead of performing the request. Path and query are kept.
    Redirect {
        /// Scheme, host and port of the redirect.
        to: String,
        /// 302, or another redirect such as 307.
        #[serde(default = "found")]
        http: u16,
    },
    /// Performs a POST without its parameters: a 2xx that changes nothing.
    Ignore,
    /// Loses the answer at once, and performs a write later, on the world of that time.
    Late {
        /// The delay of the write, in milliseconds.
        ms: u64,
        /// The HTTP status of the answer; without one the connection is reset.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        http: Option<u16>,
        /// Twilio's code in that answer; without one its body is a proxy's HTML.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
    },
    /// Performs a POST to an account or a number, and shows the object as it was before in a 2xx.
    Stale,
    /// Performs the request, and sends only the first bytes of the answer, with the length of the whole.
    Truncate {
        /// The number of bytes that are sent.
        bytes: usize,
    },
    /// Performs the request, and answers 200 with a body that is not JSON.
    Junk,
    /// Performs the request, and pads the answer to a length.
    BigBody {
        /// The minimum length of the answer, in bytes.
        bytes: usize,
    },
    /// Sends an incomplete list.
    Rows {
        /// The number of rows to drop at the end of the page.
        #[serde(default)]
        drop: usize,
        /// Remove the link to the next page.
        #[serde(default)]
        end: bool,
    },
    /// Replaces rows of a list, or a single object, so that they cannot be decoded.
    Row(RowPatch),
    /// Links to the page itself as its next page.
    RepeatPage,
    /// Links to a next page on another host.
    ForeignNextPage {
        /// Scheme, host and port of the next page.
        to: String,
    },
}

fn found() -> u16 {
    302
}

/// A fault and the requests that it matches. Without a matcher, it matches every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Fault {
    /// The failure that it causes.
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// Matches this operation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Matches paths of this account only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Matches this method only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Matches requests whose path and query contain this text only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The number of matching requests to skip first.
    #[serde(default)]
    pub skip: u64,
    /// The number of requests that it acts on; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The number of matching requests so far.
    #[serde(default)]
    pub seen: u64,
}

impl Fault {
    /// A fault that acts on every request.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, operation: None, account: None, method: None, path: None, skip: 0, times: None, seen: 0 }
    }

    /// [`FaultKind::Status`] with one of Twilio's codes, before the effect.
    pub fn status(http: u16, code: u32) -> Self {
        Self::new(FaultKind::Status { http, code: Some(code), after: false, retry_after: None })
    }

    /// [`FaultKind::Status`] with one of Twilio's codes, after the effect.
    pub fn status_after(http: u16, code: u32) -> Self {
        Self::new(FaultKind::Status { http, code: Some(code), after: true, retry_after: None })
    }

    /// [`FaultKind::Reset`] before the effect.
    pub fn reset() -> Self {
        Self::new(FaultKind::Reset { after: false })
    }

    /// [`FaultKind::Reset`] after the effect.
    pub fn reset_after() -> Self {
        Self::new(FaultKind::Reset { after: true })
    }

    /// [`FaultKind::Latency`].
    pub fn latency(ms: u64) -> Self {
        Self::new(FaultKind::Latency { ms })
    }

    /// [`FaultKind::Stale`].
    pub fn stale() -> Self {
        Self::new(FaultKind::Stale)
    }

    /// [`FaultKind::Late`] with a reset connection.
    pub fn late(ms: u64) -> Self {
        Self::new(FaultKind::Late { ms, http: None, code: None })
    }

    /// [`FaultKind::Row`] that puts raw JSON in the place of one value of the account or number `sid`.
    pub fn raw_value(sid: &str, key: &str, raw: &str) -> Self {
        let (sid, key, raw) = (Some(sid.to_owned()), Some(key.to_owned()), Some(raw.to_owned()));
        Self::new(FaultKind::Row(RowPatch { sid, index: None, key, raw }))
    }

    /// [`FaultKind::Row`] that puts raw JSON in the place of the account or number `sid`.
    pub fn raw_row(sid: &str, raw: &str) -> Self {
        let (sid, raw) = (Some(sid.to_owned()), Some(raw.to_owned()));
        Self::new(FaultKind::Row(RowPatch { sid, raw, ..RowPatch::default() }))
    }

    /// Adds `Retry-After` to a [`FaultKind::Status`]; other kinds stay as they are.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        if let FaultKind::Status { retry_after, .. } = &mut self.kind {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Limits the fault to this operation.
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Limits the fault to paths of this account.
    pub fn account(self, sid: &str) -> Self {
        Self { account: Some(sid.to_owned()), ..self }
    }

    /// Limits the fault to this method.
    pub fn method(self, method: &str) -> Self {
        Self { method: Some(method.to_owned()), ..self }
    }

    /// Limits the fault to requests whose path and query contain this text.
    pub fn path(self, part: &str) -> Self {
        Self { path: Some(part.to_owned()), ..self }
    }

    /// Skips this number of matching requests first.
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Limits the number of requests that the fault acts on.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    fn matches(&self, inbound: &Inbound) -> bool {
        self.operation.is_none_or(|operation| inbound.operation == Some(operation))
            && self.account.as_deref().is_none_or(|account| inbound.account() == Some(account))
            && self.method.as_deref().is_none_or(|method| inbound.method == method)
            && self.path.as_deref().is_none_or(|part| inbound.target.contains(part))
    }

    /// Counts a matching request. Returns true when the fault acts on it.
    fn strikes(&mut self) -> bool {
        let turn = self.seen.checked_sub(self.skip);
        self.seen += 1;
        turn.is_some_and(|turn| self.times.is_none_or(|times| turn < times))
    }
}

/// All faults, and the settings that affect every request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Faults {
    /// The faults, in the order in which they were added.
    pub list: Vec<Fault>,
    /// The number of requests in flight above which the answer is 429/20429, and nothing is performed.
    pub concurrency_limit: Option<usize>,
    /// The number of seconds by which Twilio's clock is ahead, in `Date` and in all dates of resources.
    pub clock_offset_seconds: i64,
    /// True to answer without `Date`.
    pub omit_date: bool,
}

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Removes all faults and settings.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Counts the request for the faults that match it, and returns those that act on it.
    pub(crate) fn strike(&mut self, inbound: &Inbound) -> Vec<FaultKind> {
        let matching = self.list.iter_mut().filter(|fault| fault.matches(inbound));
        matching.filter_map(|fault| fault.strikes().then(|| fault.kind.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_some_requests_and_acts_a_number_of_times() {
        let strikes = |mut fault: Fault| (0..5).map(|_| fault.strikes()).collect::<Vec<_>>();
        assert_eq!(strikes(Fault::reset().skip(1).times(2)), [false, true, true, false, false]);
        assert_eq!(strikes(Fault::reset().skip(3)), [false, false, false, true, true]);
        assert_eq!(strikes(Fault::reset().times(0)), [false; 5]);
    }

    #[test]
    fn the_json_of_a_fault_is_read_as_documented() {
        let text = r#"{"operation": "update_number", "times": 1, "fault": {"kind": "reset", "after": true}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault, Fault::reset_after().on(Operation::UpdateNumber).times(1));
        let stall: Fault = serde_json::from_str(r#"{"fault": {"kind": "stall"}}"#).unwrap();
        assert_eq!(stall, Fault::new(FaultKind::Stall));
    }

    #[test]
    fn every_fault_of_the_help_is_valid() {
        for line in include_str!("faults.txt").lines() {
            let json = serde_json::Deserializer::from_str(line).into_iter::<Fault>().next();
            assert!(json.unwrap().is_ok(), "{line}");
        }
    }

    #[test]
    fn a_misspelt_fault_is_an_error() {
        for wrong in [
            r#"{"fault": {"kind": "resett"}}"#,
            r#"{"fault": {"kind": "reset", "afterwards": true}}"#,
            r#"{"fault": {"kind": "reset"}, "time": 1}"#,
            r#"{"fault": {"kind": "row", "row": 1}}"#,
            r#"{"fault": {"kind": "reset"}, "operation": "move_number"}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(wrong).is_err(), "{wrong}");
        }
    }
}
