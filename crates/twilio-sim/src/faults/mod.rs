//! Faults: what goes wrong on the way to Twilio and back. A fault waits for requests that it matches, lets some pass, and strikes
//! a number of times or for ever. All that strike one request act on it, in the order in which they were added.

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
    /// Answers with a status and an error: instead of doing what was asked, or `after` having done it.
    Status {
        /// The HTTP status.
        http: u16,
        /// Twilio's code; without one the body is a proxy's HTML.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
        /// Strike after the effect.
        #[serde(default)]
        after: bool,
        /// Seconds of `Retry-After`, whatever [`Behavior::retry_after`](crate::Behavior::retry_after) says.
        #[serde(default, rename = "retryAfter", skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// Waits before doing what was asked.
    Latency {
        /// The length of the wait, in milliseconds.
        ms: u64,
    },
    /// Resets the TCP connection: instead of doing what was asked, or `after` having done it.
    Reset {
        /// Strike after the effect.
        #[serde(default)]
        after: bool,
    },
    /// Never answers, nor does what was asked.
    Stall,
    /// Answers a redirect to another place instead of doing what was asked; the path and query are kept.
    Redirect {
        /// Scheme, host and port to go to.
        to: String,
        /// 302, or another redirect such as 307.
        #[serde(default = "found")]
        http: u16,
    },
    /// Does a POST as if it had no parameters: a 2xx that changed nothing.
    Ignore,
    /// Loses the answer at once, and does a write later, by the rules and to the world of then.
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
    /// Does a POST to an account or a number, and answers its 2xx with the object as it was before.
    Stale,
    /// Does what was asked and sends the first bytes of the answer, under the length of the whole.
    Truncate {
        /// The number of bytes that get through.
        bytes: usize,
    },
    /// Does what was asked and answers 200 with a body that is not JSON.
    Junk,
    /// Does what was asked and sends an answer that is far too long.
    BigBody {
        /// The least length of the answer, in bytes.
        bytes: usize,
    },
    /// Tells half of a list.
    Rows {
        /// The number of rows that are left out at the end of the page.
        #[serde(default)]
        drop: usize,
        /// Say that there is no next page.
        #[serde(default)]
        end: bool,
    },
    /// Spoils rows of a list, or a single object, so that they cannot be decoded.
    Row(RowPatch),
    /// Names the page itself as its next page.
    RepeatPage,
    /// Names a next page on another host.
    ForeignNextPage {
        /// Scheme, host and port of the next page.
        to: String,
    },
}

fn found() -> u16 {
    302
}

/// A fault and the requests that it waits for. Without a matcher it waits for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Fault {
    /// The failure that it causes.
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// Only these operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Only paths that name this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path and query contain this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The number of matching requests that pass before it strikes.
    #[serde(default)]
    pub skip: u64,
    /// The number of times that it strikes; none is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The number of matching requests so far.
    #[serde(default)]
    pub seen: u64,
}

impl Fault {
    /// A fault that strikes every request.
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

    /// Only requests of this operation.
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Only requests whose path names this account.
    pub fn account(self, sid: &str) -> Self {
        Self { account: Some(sid.to_owned()), ..self }
    }

    /// Only requests of this method.
    pub fn method(self, method: &str) -> Self {
        Self { method: Some(method.to_owned()), ..self }
    }

    /// Only requests whose path and query contain this text.
    pub fn path(self, part: &str) -> Self {
        Self { path: Some(part.to_owned()), ..self }
    }

    /// Lets this many matching requests pass.
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Strikes only so often.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    fn matches(&self, inbound: &Inbound) -> bool {
        self.operation.is_none_or(|operation| inbound.operation == Some(operation))
            && self.account.as_deref().is_none_or(|account| inbound.account() == Some(account))
            && self.method.as_deref().is_none_or(|method| inbound.method == method)
            && self.path.as_deref().is_none_or(|part| inbound.target.contains(part))
    }

    /// Counts a matching request; whether the fault strikes it.
    fn strikes(&mut self) -> bool {
        let turn = self.seen.checked_sub(self.skip);
        self.seen += 1;
        turn.is_some_and(|turn| self.times.is_none_or(|times| turn < times))
    }
}

/// All faults, and what is wrong with the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Faults {
    /// The faults, in the order in which they were added.
    pub list: Vec<Fault>,
    /// Requests in flight above which the answer is 429/20429 and nothing is done.
    pub concurrency_limit: Option<usize>,
    /// By how many seconds Twilio's clock is ahead: in `Date` and in all dates that it writes.
    pub clock_offset_seconds: i64,
    /// Answer without `Date`.
    pub omit_date: bool,
}

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Mends everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Counts the request with the faults that match it; those that strike.
    pub(crate) fn strike(&mut self, inbound: &Inbound) -> Vec<FaultKind> {
        let matching = self.list.iter_mut().filter(|fault| fault.matches(inbound));
        matching.filter_map(|fault| fault.strikes().then(|| fault.kind.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_some_pass_and_strikes_so_often() {
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
    fn every_fault_of_the_help_is_understood() {
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
