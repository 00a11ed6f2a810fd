//! What faults do to one request: before it reaches the world, and to the answer on its way back.

use std::{convert::Infallible, future::pending, io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::Response,
};
use futures_util::stream;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    answer::{Answer, Content},
    error::ApiError,
    faults::FaultKind,
    inbound::Inbound,
    switches::Switches,
};

const PROXY_ERROR: &str =
    "<html><head><title>Error</title></head><body><h1>Upstream error</h1></body></html>";
const CHUNK: usize = 64 * 1024;

/// The connection on which a request came: it can be cut.
#[derive(Clone)]
pub(crate) struct Line(pub(crate) CancellationToken);

impl Line {
    /// Cuts the connection, and with it whoever waits for this.
    async fn cut(&self) -> Infallible {
        self.0.cancel();
        pending().await
    }
}

/// Lets the faults act that strike before the effect; an answer that takes the place of the real one.
pub(crate) async fn before(
    faults: &[FaultKind],
    inbound: &mut Inbound,
    line: &Line,
    switches: &Switches,
) -> Option<Answer> {
    for fault in faults {
        match fault {
            FaultKind::Latency { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            FaultKind::Stall => pending().await,
            FaultKind::Reset { after: false } => match line.cut().await {},
            FaultKind::Status { http, code, after: false } => {
                return Some(status(*http, *code, switches));
            }
            FaultKind::Redirect { to, http } => {
                let answer = Answer::new(*http, Content::Empty);
                return Some(answer.with(header::LOCATION, format!("{to}{}", inbound.target)));
            }
            FaultKind::Ignore => inbound.form.clear(),
            FaultKind::Status { after: true, .. }
            | FaultKind::Reset { after: true }
            | FaultKind::Truncate { .. }
            | FaultKind::Junk
            | FaultKind::BigBody { .. }
            | FaultKind::Rows { .. }
            | FaultKind::RepeatPage
            | FaultKind::ForeignNextPage { .. } => {}
        }
    }
    None
}

/// Lets the faults act that strike after the effect, and sends what is left of the answer.
pub(crate) async fn after(
    faults: &[FaultKind],
    mut answer: Answer,
    line: &Line,
    switches: &Switches,
) -> Response {
    for fault in faults {
        match fault {
            FaultKind::Reset { after: true } => match line.cut().await {},
            FaultKind::Status { http, code, after: true } => answer = status(*http, *code, switches),
            FaultKind::Junk => answer = Answer::new(200, Content::Html("{\"accounts\": [<junk>")),
            FaultKind::Rows { .. } | FaultKind::RepeatPage | FaultKind::ForeignNextPage { .. } => {
                if let Content::Json(page) = &mut answer.content {
                    spoil_page(page, fault);
                }
            }
            FaultKind::Truncate { .. }
            | FaultKind::BigBody { .. }
            | FaultKind::Status { after: false, .. }
            | FaultKind::Reset { after: false }
            | FaultKind::Latency { .. }
            | FaultKind::Stall
            | FaultKind::Redirect { .. }
            | FaultKind::Ignore => {}
        }
    }
    send(answer, faults)
}

fn status(http: u16, code: Option<u32>, switches: &Switches) -> Answer {
    match code {
        Some(code) => {
            let unknown = Switches { refusal_status: None, ..*switches };
            Answer::refusal(ApiError { status: http, ..ApiError::new(code) }, &unknown)
        }
        None => Answer::new(http, Content::Html(PROXY_ERROR)),
    }
}

/// Makes a page of a list lie; what is no page stays.
fn spoil_page(page: &mut Value, fault: &FaultKind) {
    let Some(uri) = page.get("uri").and_then(Value::as_str).map(str::to_owned) else { return };
    let Some(next) = page.get("next_page_uri").map(|next| next.as_str().unwrap_or(&uri).to_owned()) else {
        return;
    };
    match fault {
        FaultKind::Rows { drop, end } => {
            for rows in page.as_object_mut().into_iter().flat_map(|page| page.values_mut()) {
                if let Value::Array(rows) = rows {
                    rows.truncate(rows.len().saturating_sub(*drop));
                }
            }
            if *end {
                page["next_page_uri"] = Value::Null;
            }
        }
        FaultKind::RepeatPage => page["next_page_uri"] = uri.into(),
        FaultKind::ForeignNextPage { to } => page["next_page_uri"] = format!("{to}{next}").into(),
        FaultKind::Status { .. }
        | FaultKind::Latency { .. }
        | FaultKind::Reset { .. }
        | FaultKind::Stall
        | FaultKind::Redirect { .. }
        | FaultKind::Ignore
        | FaultKind::Truncate { .. }
        | FaultKind::Junk
        | FaultKind::BigBody { .. } => {}
    }
}

fn send(answer: Answer, faults: &[FaultKind]) -> Response {
    let bytes = answer.bytes();
    for fault in faults {
        match *fault {
            FaultKind::Truncate { bytes: kept } if kept < bytes.len() => {
                let body = Body::from_stream(broken_off(bytes.slice(..kept)));
                return answer.with(header::CONTENT_LENGTH, bytes.len().to_string()).into_response(body);
            }
            FaultKind::BigBody { bytes: at_least } => {
                return answer.into_response(Body::from_stream(padded(bytes, at_least)));
            }
            _ => {}
        }
    }
    answer.into_response(Body::from(bytes))
}

/// The bytes, and then a connection that breaks once they were sent.
fn broken_off(bytes: Bytes) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(bytes), |left| async {
        if let Some(bytes) = left {
            return Some((Ok(bytes), None));
        }
        // The server sends what it has when the body makes it wait, and drops it when the body fails.
        tokio::task::yield_now().await;
        Some((Err(io::ErrorKind::ConnectionReset.into()), None))
    })
}

/// The bytes, and spaces after them until there are at least so many.
fn padded(bytes: Bytes, at_least: usize) -> impl stream::Stream<Item = io::Result<Bytes>> {
    let missing = at_least.saturating_sub(bytes.len()).div_ceil(CHUNK);
    let padding = std::iter::repeat_n(Bytes::from(vec![b' '; CHUNK]), missing);
    stream::iter(std::iter::once(bytes).chain(padding).map(Ok))
}
