//! The log of requests to the simulator, without credentials. It keeps the latest and counts all.

use std::collections::VecDeque;

use serde::Serialize;

use crate::http::{inbound::Inbound, operation::Operation};

const KEPT: usize = 100_000;

/// One request, and the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the query, in order.
    pub query: Vec<(String, String)>,
    /// The parameters of the form, in order.
    pub form: Vec<(String, String)>,
    /// The operation, if the path and method name one.
    pub operation: Option<Operation>,
    /// The account that the path names.
    pub account: Option<String>,
    /// The HTTP status of the answer; `None` before the answer, and when there never is one.
    pub status: Option<u16>,
    /// The `Twilio-Request-Id` of the answer.
    pub request_id: String,
}

impl RequestRecord {
    /// The value of a form parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// The log.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    kept: VecDeque<RequestRecord>,
    first: u64,
    writes: u64,
    max_in_flight: usize,
}

impl RequestLog {
    /// Records a request. Returns the number for [`finish`](Self::finish).
    pub(crate) fn begin(&mut self, inbound: &Inbound, in_flight: usize, request_id: &str) -> u64 {
        self.writes += u64::from(inbound.is_write());
        self.max_in_flight = self.max_in_flight.max(in_flight);
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(RequestRecord {
            method: inbound.method.clone(),
            path: inbound.path.clone(),
            query: inbound.query.to_vec(),
            form: inbound.form.to_vec(),
            operation: inbound.operation,
            account: inbound.account().map(str::to_owned),
            status: None,
            request_id: request_id.to_owned(),
        });
        self.first + self.kept.len() as u64 - 1
    }

    pub(crate) fn finish(&mut self, number: u64, status: u16) {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(record) = at.and_then(|at| self.kept.get_mut(at)) {
            record.status = Some(status);
        }
    }

    /// Clears all requests and counts. Answers to cleared requests are not recorded.
    pub(crate) fn clear(&mut self) {
        let first = self.first + self.kept.len() as u64;
        *self = Self { first, ..Self::default() };
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    pub(crate) fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }
}
