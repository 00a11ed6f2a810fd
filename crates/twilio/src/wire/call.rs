//! Calls that have not ended.

use serde::Deserialize;
use subaccountd_core::{AccountSid, Call, CallDirection, CallSid, CallStatus, subscriber, text::sanitize_to};

use super::{MAX_STATUS, Page, present};
use crate::{response_body::ResponseBody, rows::Rows};

/// The statuses of a call that is over.
pub(crate) const OVER: [&str; 5] = ["completed", "canceled", "busy", "failed", "no-answer"];

/// `ListCallResponse`.
#[derive(Debug, Deserialize)]
pub(crate) struct CallsPage {
    calls: Rows<CallRow>,
    next_page_uri: Option<String>,
}

/// `api.v2010.account.call`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CallRow {
    sid: Option<String>,
    account_sid: Option<String>,
    parent_call_sid: Option<String>,
    status: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl ResponseBody for CallsPage {
    const EXPECTED: &'static str = "a page of `calls`";
}

impl ResponseBody for CallRow {
    const EXPECTED: &'static str = "a call";
}

impl Page for CallsPage {
    type Row = CallRow;

    fn into_parts(self) -> (Rows<CallRow>, Option<String>) {
        (self.calls, present(self.next_page_uri))
    }
}

impl CallRow {
    /// The call in the list of `owner`; `None` when it is over. An error when anything is unreadable that a decision needs.
    pub(crate) fn call(self, owner: AccountSid) -> Result<Option<Call>, String> {
        let (sid, status) = self.progress()?;
        let invalid = |key: &str, error| format!("call {sid} has an invalid `{key}`: {error}");
        let holder = self.account_sid.as_deref().unwrap_or_default().parse::<AccountSid>();
        let holder = holder.map_err(|error| invalid("account_sid", error))?;
        if holder != owner {
            return Err(format!("call {sid} belongs to another account: {holder}"));
        }
        let parent = present(self.parent_call_sid).map(|parent| parent.parse()).transpose();
        let parent = parent.map_err(|error| invalid("parent_call_sid", error))?;
        let direction = match self.direction.as_deref() {
            Some("inbound") => CallDirection::Inbound,
            Some("outbound-api" | "outbound-dial") => CallDirection::Outbound,
            Some(_) | None => CallDirection::Unknown,
        };
        let end = |end: Option<String>| end.as_deref().and_then(subscriber);
        let (from, to) = (end(self.from), end(self.to));
        Ok(status.map(|status| Call { sid, parent, status, direction, from, to }))
    }

    /// The SID and the status, `None` of a call that is over; or the error of the row.
    pub(crate) fn progress(&self) -> Result<(CallSid, Option<CallStatus>), String> {
        let sid = self.sid.as_deref().ok_or("a call has no `sid`")?;
        let sid: CallSid = sid.parse().map_err(|error| format!("a call has an invalid `sid`: {error}"))?;
        let word = self.status.as_deref().unwrap_or_default();
        if let Some(status) = CallStatus::ALL.into_iter().find(|status| status.as_str() == word) {
            return Ok((sid, Some(status)));
        }
        if OVER.contains(&word) {
            return Ok((sid, None));
        }
        Err(format!("call {sid} has the unknown status `{}`", sanitize_to(word, MAX_STATUS)))
    }
}
