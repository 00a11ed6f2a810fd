//! Calls: the three lists of those that have not ended, and the end of one.

use std::collections::BTreeMap;

use subaccountd_core::{
    AccountSid, Call, CallEnd, CallSid, CallStatus, Outcome, Receipt,
    remote::{RemoteError, Sent, Tries},
};

use crate::{
    apply::{ignored, unknown},
    client::{Client, ReadRoute},
    error::Failure,
    limit::Permit,
    request::Request,
    rows::BadRow,
    transport::Parsed,
    wire::{CallRow, CallsPage},
};

/// Each list is requested once: the pass after the next failure asks again, with growing pauses.
const ONCE: ReadRoute<'static> = ReadRoute::Alone(Tries::Once);

impl Client {
    /// Every call of `owner` that has not ended. The lists are read in the order in which a call has their statuses, so that one
    /// that goes on meanwhile is in one of them; its later status counts.
    pub(crate) async fn read_calls(&self, owner: AccountSid) -> Result<Vec<Call>, RemoteError> {
        let mut calls: BTreeMap<CallSid, Call> = BTreeMap::new();
        for status in CallStatus::ALL {
            let request = Request::calls(self.origin(), owner, status);
            let listed = self.list::<CallsPage>(&request, ONCE).await;
            let read = listed.and_then(|list| {
                let call =
                    |row: Result<CallRow, BadRow>| row.map_err(|row| row.why).and_then(|row| row.call(owner));
                let rows: Result<Vec<Option<Call>>, String> = list.rows.into_iter().map(call).collect();
                rows.map_err(|cause| Failure::nonsense(&cause, list.request_id))
            });
            match read {
                Ok(rows) => calls.extend(rows.into_iter().flatten().map(|call| (call.sid, call))),
                Err(failure) => return Err(self.read_failed(owner, failure, &request, ONCE).await),
            }
        }
        Ok(calls.into_values().collect())
    }

    /// Ends one call of `owner`. A call that is over, or not there any more, is ended.
    pub(crate) async fn end_call(&self, owner: AccountSid, call: &CallEnd, permit: &Permit<'_>) -> Sent {
        let request = Request::end_call(self.origin(), owner, call);
        match self.write::<CallRow>(&request, permit).await {
            Ok(parsed) => compare_call(parsed, call, &request).into(),
            Err(Failure::Rejected(rejection)) if rejection.says_call_is_over() => {
                Outcome::Done(rejection.into_receipt()).into()
            }
            Err(failure) => self.write_failed(Some(owner), failure, &request, permit).await,
        }
    }
}

fn compare_call(parsed: Parsed<CallRow>, call: &CallEnd, request: &Request) -> Outcome {
    let Parsed { value, request_id, date } = parsed;
    match value.progress() {
        Ok((sid, _)) if sid != call.sid => {
            unknown(&format!("the answer contains call {sid}"), request_id, request)
        }
        Ok((_, None)) => Outcome::Done(Receipt { request_id, date, ..Receipt::default() }),
        Ok((sid, Some(status))) => ignored(&format!("call {sid} is `{status}`"), request_id, date),
        Err(cause) => unknown(&cause, request_id, request),
    }
}
