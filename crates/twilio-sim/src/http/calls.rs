//! The operations on calls: the list of one account with its filters, newest first; one call; and its end.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    http::{
        operations::{Desk, Success},
        paging::PageRequest,
        params::Params,
        wire,
    },
    world::{call::Call, error::ApiError},
};

/// The unit of the times of a call.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

impl Desk<'_> {
    pub(super) fn list_calls(&self, account: &str) -> Result<Success, ApiError> {
        let account = &self.account(account)?.sid;
        self.world.check_calls_of(account)?;
        let query = &self.inbound.query;
        let filters = [
            "To",
            "From",
            "ParentCallSid",
            "Status",
            "StartTime",
            "StartTime<",
            "StartTime>",
            "EndTime",
            "EndTime<",
            "EndTime>",
        ];
        let request = PageRequest::parse(&self.inbound.path, query, &filters)?;
        let (started, ended) = (Times::parse(query, "StartTime")?, Times::parse(query, "EndTime")?);
        let [to, from, parent, status] =
            ["To", "From", "ParentCallSid", "Status"].map(|filter| query.filled(filter));
        let rows: Vec<(String, &Call)> = self
            .world
            .listed_calls_of(account, self.now)
            .into_iter()
            .filter(|call| {
                to.is_none_or(|to| call.to == to)
                    && from.is_none_or(|from| call.from == from)
                    && parent.is_none_or(|parent| call.parent_call_sid.as_deref() == Some(parent))
                    && status.is_none_or(|status| call.status.as_str() == status)
                    && started.contain(call.start_time)
                    && ended.contain(call.end_time)
            })
            .map(|call| (call.place(), call))
            .filter(|(place, _)| request.contains(place))
            .collect();
        Ok((200, Some(request.answer("calls", rows.iter(), |row| &row.0, |row| wire::call(row.1)))))
    }

    pub(super) fn fetch_call(&self, account: &str, sid: &str) -> Result<Success, ApiError> {
        Ok((200, Some(wire::call(self.call(account, sid)?))))
    }

    /// Ends a call. Other parameters, such as `Url`, change nothing here.
    pub(super) fn update_call(&mut self, account: &str, sid: &str) -> Result<Success, ApiError> {
        self.call(account, sid)?;
        if let Some(status) = self.inbound.form.filled("Status") {
            self.world.end_call(sid, status, self.now)?;
        }
        self.fetch_call(account, sid)
    }

    /// The call, if the path names its account and the caller may see it.
    fn call(&self, account: &str, sid: &str) -> Result<&Call, ApiError> {
        let owner = &self.account(account)?.sid;
        self.world.check_calls_of(owner)?;
        let call = self.world.call(sid).filter(|call| call.owner == *owner && call.sid == *sid);
        call.ok_or_else(|| ApiError::not_found(&self.inbound.path))
    }
}

/// The filters on one time of a call: `StartTime=` means the UTC day of its value, as the SDKs send midnight for a date;
/// `StartTime<=` and `StartTime>=` mean the time itself.
struct Times {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Times {
    fn parse(query: &Params, name: &str) -> Result<Self, ApiError> {
        let given = |name: String| match query.filled(&name) {
            None => Ok(None),
            Some(text) => {
                parse(text).map(Some).ok_or_else(|| ApiError::new(20422).about(format!("{name} {text}")))
            }
        };
        let day = given(name.to_owned())?.map(|at| at.to_zoned(TimeZone::UTC).date());
        let begin = day.and_then(midnight);
        let end = day.and_then(|day| day.tomorrow().ok()).and_then(midnight);
        Ok(Self {
            since: begin.max(given(format!("{name}>"))?),
            until: end.map(|end| end - SECOND).into_iter().chain(given(format!("{name}<"))?).min(),
        })
    }

    /// Returns true when the time fits. A call without the time fits no filter on it.
    fn contain(&self, at: Option<Timestamp>) -> bool {
        let (since, until) = (self.since, self.until);
        match at {
            Some(at) => since.is_none_or(|since| since <= at) && until.is_none_or(|until| at <= until),
            None => since.is_none() && until.is_none(),
        }
    }
}

/// The time that a filter's value names: a time, or the midnight of a day.
fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| midnight(text.parse().ok()?))
}

fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
