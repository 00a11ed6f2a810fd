//! An answer before it is sent: status, headers, and a body that faults may still change.

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};

use crate::{
    http::operations::Success,
    world::{behavior::Behavior, error::ApiError},
};

const JSON: &str = "application/json;charset=utf-8";

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    Html(&'static str),
    /// Text that is sent as JSON, but is not valid JSON.
    Junk(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    headers: Vec<(HeaderName, String)>,
    /// Raw texts that replace their placeholders.
    raw: Vec<String>,
}

impl Answer {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self { status, content, headers: Vec::new(), raw: Vec::new() }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Converts the outcome of a request into the answer of Twilio under these switches.
    pub(crate) fn of(outcome: Result<Success, ApiError>, switches: &Behavior) -> Self {
        match outcome {
            Ok((status, Some(body))) => Self::new(status, Content::Json(body)),
            Ok((status, None)) => Self::new(status, Content::Empty),
            Err(error) => Self::refusal(error, switches),
        }
    }

    /// A refusal, with its HTTP status under these switches.
    pub(crate) fn refusal(mut error: ApiError, switches: &Behavior) -> Self {
        if let Some(status) = switches.refusal_status.filter(|_| error.status_is_unknown()) {
            error.status = status;
        }
        Self::error(&error, switches)
    }

    /// An error, with the headers of its HTTP status.
    pub(crate) fn error(error: &ApiError, switches: &Behavior) -> Self {
        let answer = Self::new(error.status, Content::Json(error.body()));
        match (error.status, switches.retry_after) {
            (401, _) => answer.with(header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\""),
            (429, Some(seconds)) => answer.with(header::RETRY_AFTER, seconds.to_string()),
            _ => answer,
        }
    }

    /// Edits the page of a list; other answers stay as they are.
    pub(crate) fn edit_page(&mut self, edit: impl FnOnce(&mut Map<String, Value>)) {
        if let Content::Json(Value::Object(body)) = &mut self.content
            && body.contains_key("next_page_uri")
        {
            edit(body);
        }
    }

    /// Stores raw text for the body, which need not be JSON. Returns its placeholder.
    pub(crate) fn hold(&mut self, raw: &str) -> Value {
        self.raw.push(raw.to_owned());
        placeholder(self.raw.len() - 1).into()
    }

    /// The bytes of the body.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.content {
            Content::Empty => Bytes::new(),
            Content::Json(body) => {
                let fill = |text: String, (n, raw): (usize, &String)| {
                    text.replace(&format!("\"{}\"", placeholder(n)), raw)
                };
                self.raw.iter().enumerate().fold(body.to_string(), fill).into()
            }
            Content::Html(text) | Content::Junk(text) => Bytes::from_static(text.as_bytes()),
        }
    }

    /// The response.
    pub(crate) fn into_response(self) -> Response {
        let body = Body::from(self.bytes());
        self.send(body)
    }

    /// The response, with this body instead.
    pub(crate) fn send(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = match self.content {
            Content::Empty => None,
            Content::Json(_) | Content::Junk(_) => Some(JSON),
            Content::Html(_) => Some("text/html"),
        };
        let kind = kind.map(|kind| (header::CONTENT_TYPE, kind.to_owned()));
        for (name, value) in kind.into_iter().chain(self.headers) {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The placeholder of the raw text `n`, which no resource contains.
fn placeholder(n: usize) -> String {
    format!("\u{e000}raw {n}\u{e000}")
}
