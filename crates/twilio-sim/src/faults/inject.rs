//! The effects of faults on one request before it reaches the world, and on its answer.

use std::{convert::Infallible, future::pending, io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::Response,
};
use futures_util::stream;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    faults::{FaultKind, late},
    http::{
        answer::{Answer, Content},
        inbound::Inbound,
    },
    shared::Shared,
    world::{behavior::Behavior, error::ApiError},
};

const PROXY_ERROR: &str =
    "<html><head><title>Error</title></head><body><h1>Upstream error</h1></body></html>";
const JUNK: &str = "{\"accounts\": [<!-- not JSON";
const NEXT: &str = "next_page_uri";
const OWN: &str = "uri";
const CHUNK: usize = 64 * 1024;

/// The connection of a request, which a fault can reset.
#[derive(Clone)]
pub(crate) struct Line(pub(crate) CancellationToken);

impl Line {
    /// Resets the connection, which also drops the caller of this function.
    async fn cut(&self) -> Infallible {
        self.0.cancel();
        pending().await
    }
}

/// Applies the faults that act before the effect. Returns the answer that replaces the real one, if any.
pub(crate) async fn before(
    faults: &[FaultKind],
    inbound: &mut Inbound,
    line: &Line,
    switches: &Behavior,
    shared: &Arc<Shared>,
) -> Option<Answer> {
    for fault in faults {
        match fault {
            FaultKind::Latency { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            FaultKind::Stall => pending().await,
            FaultKind::Reset { after: false } => match line.cut().await {},
            FaultKind::Status { http, code, after: false, retry_after } => {
                return Some(status(*http, *code, *retry_after, switches));
            }
            FaultKind::Redirect { to, http } => {
                let answer = Answer::new(*http, Content::Empty);
                return Some(answer.with(header::LOCATION, format!("{to}{}", inbound.target)));
            }
            FaultKind::Late { ms, http, code } => {
                late::perform_later(shared, inbound, Duration::from_millis(*ms));
                match http {
                    Some(http) => return Some(status(*http, *code, None, switches)),
                    None => match line.cut().await {},
                }
            }
            FaultKind::Ignore => inbound.form.clear(),
            FaultKind::Status { after: true, .. }
            | FaultKind::Reset { after: true }
            | FaultKind::Stale
            | FaultKind::Truncate { .. }
            | FaultKind::Junk
            | FaultKind::BigBody { .. }
            | FaultKind::Rows { .. }
            | FaultKind::Row(_)
            | FaultKind::RepeatPage
            | FaultKind::ForeignNextPage { .. } => {}
        }
    }
    None
}

/// Applies the faults that act after the effect, and returns the remaining answer, whole.
pub(crate) async fn after(
    faults: &[FaultKind],
    mut answer: Answer,
    line: &Line,
    switches: &Behavior,
) -> Answer {
    for fault in faults {
        match fault {
            FaultKind::Reset { after: true } => match line.cut().await {},
            FaultKind::Status { http, code, after: true, retry_after } => {
                answer = status(*http, *code, *retry_after, switches);
            }
            FaultKind::Junk => answer = Answer::new(200, Content::Junk(JUNK)),
            FaultKind::Rows { drop, end } => answer.edit_page(|page| tell_half(page, *drop, *end)),
            FaultKind::Row(patch) => patch.apply(&mut answer),
            FaultKind::RepeatPage => answer.edit_page(repeat),
            FaultKind::ForeignNextPage { to } => answer.edit_page(|page| lead_away(page, to)),
            FaultKind::Truncate { .. }
            | FaultKind::BigBody { .. }
            | FaultKind::Status { after: false, .. }
            | FaultKind::Reset { after: false }
            | FaultKind::Latency { .. }
            | FaultKind::Stall
            | FaultKind::Redirect { .. }
            | FaultKind::Late { .. }
            | FaultKind::Ignore
            | FaultKind::Stale => {}
        }
    }
    answer
}

/// Returns true when the faults send only a part of the answer.
pub(crate) fn breaks_off(faults: &[FaultKind]) -> bool {
    faults.iter().any(|fault| matches!(fault, FaultKind::Truncate { .. }))
}

/// Sends the answer: whole, only its first bytes, or padded to a length.
pub(crate) fn send(faults: &[FaultKind], answer: Answer) -> Response {
    let (mut kept, mut at_least) = (usize::MAX, 0);
    for fault in faults {
        if let FaultKind::Truncate { bytes } = fault {
            kept = *bytes;
        } else if let FaultKind::BigBody { bytes } = fault {
            at_least = *bytes;
        }
    }
    let bytes = answer.bytes();
    if kept < bytes.len() {
        let body = Body::from_stream(broken_off(bytes.slice(..kept)));
        return answer.with(header::CONTENT_LENGTH, bytes.len().to_string()).send(body);
    }
    if at_least > bytes.len() {
        return answer.send(Body::from_stream(padded(bytes, at_least)));
    }
    answer.into_response()
}

fn status(http: u16, code: Option<u32>, retry_after: Option<u32>, switches: &Behavior) -> Answer {
    let answer = match code {
        Some(code) => Answer::error(&ApiError { status: http, ..ApiError::new(code) }, switches),
        None => Answer::new(http, Content::Html(PROXY_ERROR)),
    };
    match retry_after {
        Some(seconds) => answer.with(header::RETRY_AFTER, seconds.to_string()),
        None => answer,
    }
}

fn tell_half(page: &mut Map<String, Value>, drop: usize, end: bool) {
    for rows in page.values_mut().filter_map(Value::as_array_mut) {
        rows.truncate(rows.len().saturating_sub(drop));
    }
    if end {
        page.insert(NEXT.to_owned(), Value::Null);
    }
}

fn repeat(page: &mut Map<String, Value>) {
    let own = page.get(OWN).cloned().unwrap_or_default();
    page.insert(NEXT.to_owned(), own);
}

fn lead_away(page: &mut Map<String, Value>, to: &str) {
    let next = [NEXT, OWN].into_iter().find_map(|link| page.get(link)?.as_str()).unwrap_or_default();
    let away = format!("{to}{next}");
    page.insert(NEXT.to_owned(), away.into());
}

/// The bytes, followed by an error that breaks the connection.
fn broken_off(bytes: Bytes) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(bytes), |left| async {
        if let Some(bytes) = left {
            return Some((Ok(bytes), None));
        }
        // The server flushes its buffer while the body is pending, and drops it when the body fails.
        tokio::task::yield_now().await;
        Some((Err(io::ErrorKind::ConnectionReset.into()), None))
    })
}

/// The bytes, padded with spaces to the length `at_least`.
fn padded(bytes: Bytes, at_least: usize) -> impl stream::Stream<Item = io::Result<Bytes>> {
    let missing = at_least.saturating_sub(bytes.len()).div_ceil(CHUNK);
    let padding = std::iter::repeat_n(Bytes::from(vec![b' '; CHUNK]), missing);
    stream::iter(std::iter::once(bytes).chain(padding).map(Ok))
}
