//! The transport: one HTTP exchange with Twilio.
//!
//! It ends within its deadline, including the body. The body is bounded, no redirect is followed, and nothing is retried
//! implicitly.

use std::{
    io::{self, Read},
    slice,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use subaccountd_core::{AccountSid, text::sanitize_to};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    connect::Connections,
    error::{Failure, MAX_CAUSE, Rejection, root_cause},
    gate::Stopped,
    origin::Origin,
    request::Request,
    response_body::ResponseBody,
    route::{Route, is_certificate_refused},
    wire::{self, ErrorBody},
};

/// The largest body that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The longest request id that is kept; Twilio's have 34 characters.
const MAX_REQUEST_ID: usize = 64;
/// The HTTP status of a success whose answer has no body.
const NO_CONTENT: u16 = 204;

/// Sends requests to one origin.
pub(crate) struct Transport {
    connections: Connections,
    route: Arc<Route>,
    timeout: Duration,
    #[cfg(any(test, feature = "simulation"))]
    simulated: Option<Arc<dyn crate::simulation::Responder>>,
}

/// A complete answer, with any status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) head: ResponseHead,
    body: Body,
}

/// The status and headers of an answer.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<Timestamp>,
    retry_after: Option<Duration>,
    /// The host of a redirect; its path and query may contain secrets.
    redirects_to: Option<String>,
    route: Arc<Route>,
}

/// The value of a 2xx answer, with its request id and its date.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    pub(crate) value: T,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<Timestamp>,
}

impl Transport {
    /// Prepares connections to `origin`. Opens none yet, and none for a write after `stopped` became true.
    pub(crate) fn new(
        origin: &Origin,
        timeout: Duration,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, String> {
        Ok(Self {
            connections: Connections::new(origin, timeout, stopped)?,
            route: Arc::new(Route::new(origin)),
            timeout,
            #[cfg(any(test, feature = "simulation"))]
            simulated: crate::simulation::exchange(),
        })
    }

    /// Reads the certificate authorities again.
    pub(crate) async fn reload_authorities(&self) {
        self.connections.reload_authorities().await;
    }

    /// Sends `request` once, and reads the complete answer.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        user: AccountSid,
        token: &SecretString,
    ) -> Result<Response, Failure> {
        #[cfg(any(test, feature = "simulation"))]
        if let Some(exchange) = &self.simulated {
            let prepared = prepare(&self.connections.for_write(), request, user, token);
            return self.carry(crate::simulation::send(&**exchange, prepared)).await;
        }
        if request.operation.writes() {
            let prepared = prepare(&self.connections.for_write(), request, user, token);
            // A write waits for nothing.
            return self.carry(self.send(prepared, false)).await;
        }
        let lease = self.connections.lease();
        let response = self.carry(self.send(prepare(lease.http(), request, user, token), true)).await;
        match &response {
            Ok(_) => lease.answered(),
            Err(Failure::ConnectFailed(_)) => lease.not_connected(),
            // The read was lost.
            Err(_) => drop(lease),
        }
        response
    }

    async fn carry(
        &self,
        sent: impl Future<Output = Result<reqwest::Response, Failure>>,
    ) -> Result<Response, Failure> {
        let deadline = Instant::now() + self.timeout;
        let response = timeout_at(deadline, sent).await.map_err(|_| self.too_late("no answer", None))??;
        let head = ResponseHead::of(&response, &self.route);
        let body = match timeout_at(deadline, read_body(response)).await {
            Ok(Ok(body)) => body,
            // The status alone proves that the request was not processed.
            _ if head.status == 429 => Body::default(),
            Ok(Err(cause)) => {
                let cause = format!("{cause} with {}", self.route);
                return Err(Failure::UnknownOutcome { cause, request_id: head.request_id, timed_out: false });
            }
            Err(_) => return Err(self.too_late("no complete answer", head.request_id)),
        };
        Ok(Response { head, body })
    }

    /// Sends `prepared`; asks a proxy that refused the connection for its reason when `asks` is true.
    async fn send(
        &self,
        prepared: reqwest::RequestBuilder,
        asks: bool,
    ) -> Result<reqwest::Response, Failure> {
        let error = match prepared.send().await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        if is_certificate_refused(&error) {
            self.connections.certificate_refused();
        }
        Err(if Stopped::is_root_of(&error) {
            Failure::Stopping
        } else if error.is_connect() || error.is_builder() {
            // In a box, as it is rare: it makes no other request larger.
            Failure::ConnectFailed(Box::pin(self.route.connect_failed(&error, asks)).await)
        } else {
            let cause = format!("{} with {}", broke_off(&error), self.route);
            Failure::UnknownOutcome { cause, request_id: None, timed_out: false }
        })
    }

    fn too_late(&self, what: &str, request_id: Option<String>) -> Failure {
        Failure::UnknownOutcome {
            cause: format!("{what} within {:?} from {}", self.timeout, self.route),
            request_id,
            timed_out: true,
        }
    }
}

fn prepare(
    http: &reqwest::Client,
    request: &Request,
    user: AccountSid,
    token: &SecretString,
) -> reqwest::RequestBuilder {
    let method = request.method();
    let is_form = method == Method::POST;
    let prepared = http
        .request(method, request.url.clone())
        .header(header::ACCEPT, "application/json")
        .basic_auth(user, Some(token.expose_secret()));
    if is_form { prepared.form(&request.form) } else { prepared }
}

impl ResponseHead {
    fn of(response: &reqwest::Response, route: &Arc<Route>) -> Self {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text(header::DATE.as_str()).and_then(wire::timestamp);
        let location = text(header::LOCATION.as_str()).and_then(|to| response.url().join(to).ok());
        Self {
            status: response.status().as_u16(),
            request_id: text("twilio-request-id").map(|id| sanitize_to(id, MAX_REQUEST_ID)),
            date,
            retry_after: text(header::RETRY_AFTER.as_str()).and_then(|wait| retry_after(wait, date)),
            redirects_to: location.and_then(|to| to.host_str().map(|host| sanitize_to(host, MAX_CAUSE))),
            route: Arc::clone(route),
        }
    }
}

impl Response {
    /// The value of the answer, when it is a 2xx.
    pub(crate) fn parse<T: ResponseBody>(self) -> Result<Parsed<T>, Failure> {
        if !(200..300).contains(&self.head.status) {
            return Err(Failure::Rejected(self.rejection()));
        }
        let foreign = self.body.foreign().map(|what| self.head.route.not_twilio(what));
        let ResponseHead { request_id, date, .. } = self.head;
        let read = match self.body.text() {
            Some(text) => wire::read_text(text),
            None => wire::read(self.body.reader()).or_else(|cause| {
                self.body.with_bad_bytes_marked().map_or(Err(cause), |text| wire::read_text(&text))
            }),
        };
        match read {
            Ok(value) => Ok(Parsed { value, request_id, date }),
            Err(cause) => {
                let cause = foreign.map_or(cause.clone(), |foreign| format!("{cause}: {foreign}"));
                Err(Failure::UnknownOutcome { cause, request_id, timed_out: false })
            }
        }
    }

    /// The success of a request whose answer has no body. Another 2xx is not the documented answer, and proves nothing.
    pub(crate) fn parse_empty(self) -> Result<Parsed<()>, Failure> {
        if !(200..300).contains(&self.head.status) {
            return Err(Failure::Rejected(self.rejection()));
        }
        let foreign = self.body.foreign().map(|what| self.head.route.not_twilio(what));
        let ResponseHead { status, request_id, date, .. } = self.head;
        if status == NO_CONTENT {
            return Ok(Parsed { value: (), request_id, date });
        }
        let cause = format!("the answer has the HTTP status {status}, not {NO_CONTENT}");
        let cause = foreign.map_or(cause.clone(), |foreign| format!("{cause}: {foreign}"));
        Err(Failure::UnknownOutcome { cause, request_id, timed_out: false })
    }

    fn rejection(self) -> Rejection {
        let ErrorBody { code, message, is_of_another } = wire::read_error(self.body.reader());
        let foreign = self.body.foreign().or_else(|| is_of_another.then_some("JSON of another service"));
        let ResponseHead { status, request_id, date, retry_after, redirects_to, route } = self.head;
        let message =
            message.filter(|_| foreign.is_none()).unwrap_or_else(|| match (redirects_to, foreign) {
                (Some(host), _) if (300..400).contains(&status) => {
                    route.not_twilio(&format!("redirect to {host}, not followed"))
                }
                (_, Some(what)) => route.not_twilio(what),
                (_, None) => "no error message of Twilio in the answer".to_owned(),
            });
        Rejection { status, code, message, request_id, date, retry_after, foreign: foreign.is_some() }
    }
}

/// The wait of `Retry-After`: seconds, or a date by the clock of the same answer.
fn retry_after(text: &str, date: Option<Timestamp>) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => wire::timestamp(text)?.duration_since(date?).try_into().ok(),
    }
}

/// The bytes of an answer, in blocks: a page of 1,000 accounts takes 2 MB, and the allocator would not return the memory of
/// one large piece.
#[derive(Debug, Default)]
struct Body(Vec<Vec<u8>>);

impl Body {
    const BLOCK: usize = 32 * 1024;

    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.0.last().is_none_or(|block| block.len() == Self::BLOCK) {
                self.0.push(Vec::with_capacity(Self::BLOCK.min(bytes.len().max(1024))));
            }
            if let Some(block) = self.0.last_mut() {
                let (now, later) = bytes.split_at(bytes.len().min(Self::BLOCK - block.len()));
                block.extend_from_slice(now);
                bytes = later;
            }
        }
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The kind of text that stands in the place of Twilio's JSON object; `None` when that may be in the body, or nothing is.
    fn foreign(&self) -> Option<&'static str> {
        let first = self.0.iter().flatten().find(|byte| !byte.is_ascii_whitespace())?;
        match first {
            b'{' => None,
            b'<' => Some("an HTML page"),
            _ => Some("a text"),
        }
    }

    /// The body as text, when it is UTF-8 in one block, as nearly every list is: parsing text is several times as fast.
    fn text(&self) -> Option<&str> {
        let [block] = self.0.as_slice() else { return None };
        str::from_utf8(block).ok()
    }

    /// The body with a mark in the place of each piece that is not UTF-8. The mark is invalid JSON in any string, so that only
    /// the value around it cannot be read. `None` when there is no such piece, or too many of them.
    fn with_bad_bytes_marked(&self) -> Option<String> {
        // Half a surrogate pair, with spaces so that it completes no escape before or after it.
        const MARK: &str = r" \ud800 ";
        let bytes = self.0.concat();
        str::from_utf8(&bytes).err()?;
        let mut text = String::with_capacity(bytes.len() + MARK.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.push_str(if chunk.invalid().is_empty() { "" } else { MARK });
            if text.len() > MAX_BODY {
                return None;
            }
        }
        Some(text)
    }

    fn reader(&self) -> BodyReader<'_> {
        BodyReader { blocks: self.0.iter(), block: &[] }
    }
}

struct BodyReader<'a> {
    blocks: slice::Iter<'a, Vec<u8>>,
    block: &'a [u8],
}

impl Read for BodyReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.block.is_empty() {
            self.block = self.blocks.next().map_or(&[], Vec::as_slice);
        }
        self.block.read(to)
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Body, String> {
    let mut body = Body::default();
    while let Some(chunk) = response.chunk().await.map_err(|error| broke_off(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err("the answer is larger than 16 MiB".to_owned());
        }
        body.push(&chunk);
    }
    Ok(body)
}

fn broke_off(error: &reqwest::Error) -> String {
    format!("connection lost ({})", root_cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = wire::timestamp("Sat, 21 Nov 2026 09:00:00 GMT");
        for (text, wait) in [
            ("0", Some(0)),
            (" 17 ", Some(17)),
            ("Sat, 21 Nov 2026 09:00:42 GMT", Some(42)),
            ("Sat, 21 Nov 2026 08:59:59 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), wait.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after("Sat, 21 Nov 2026 09:00:42 GMT", None), None, "the local clock is not read");
    }
}
