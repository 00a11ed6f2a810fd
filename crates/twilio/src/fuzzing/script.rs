//! Answers written as text: one after another, separated by a line `%%`. Each is its status, its headers, an empty line and
//! its body. After the last one the connection breaks off.
//!
//! ```text
//! 200
//! Date: Sat, 21 Nov 2026 09:00:00 GMT
//!
//! {"accounts": []}
//! %%
//! 429
//! ```

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri};

use super::{AUTHORIZATION, ORIGIN};
use crate::simulation::{Answering, NoAnswer, Responder};

/// The answers to come, and the requests that came.
#[derive(Default)]
pub(super) struct Script(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    answers: VecDeque<Response<Vec<u8>>>,
    requests: Vec<Request>,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    authorization: Vec<HeaderValue>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the next requests as `input` says.
    pub(super) fn begin(&self, input: &[u8]) {
        *self.lock() = Inner { answers: answers(input).collect(), requests: Vec::new() };
    }

    /// The requests since it began.
    pub(super) fn end(&self) -> Vec<Request> {
        mem::take(&mut *self.lock()).requests
    }
}

impl Responder for Script {
    fn exchange(&self, request: http::Request<Vec<u8>>) -> Answering<'_> {
        let mut inner = self.lock();
        let authorization = request.headers().get_all(http::header::AUTHORIZATION).iter().cloned().collect();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        inner.requests.push(Request { method, uri, authorization });
        let answer = inner.answers.pop_front().ok_or(NoAnswer::BrokeOff);
        Box::pin(async { answer })
    }
}

impl Request {
    /// Checks that the credentials go to the origin, and that nothing else goes anywhere.
    pub(super) fn check(&self) {
        let Self { uri, authorization, .. } = self;
        let origin = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        let origin = uri.port_u16().map_or_else(|| origin.clone(), |port| format!("{origin}:{port}"));
        assert_eq!(origin, ORIGIN, "{uri}");
        assert!(uri.path().starts_with("/2010-04-01/Accounts"), "{uri}");
        assert!(uri.authority().is_some_and(|authority| !authority.as_str().contains('@')), "{uri}");
        assert_eq!(authorization, &[AUTHORIZATION], "{uri}");
    }

    /// Returns true for a read of one account, by which an account error is told from one of the main account.
    pub(super) fn is_of_account(&self) -> bool {
        self.uri.path().matches('/').count() == 3
    }
}

/// The answers that `input` describes.
pub(super) fn answers(input: &[u8]) -> impl Iterator<Item = Response<Vec<u8>>> {
    split(input, b"\n%%\n").into_iter().map(answer)
}

fn answer(text: &[u8]) -> Response<Vec<u8>> {
    let (head, body) = match find(text, b"\n\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| StatusCode::from_bytes(line).ok()).unwrap_or_default();
    let mut response = Response::new(body.to_vec());
    *response.status_mut() = status;
    for line in lines {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..at]);
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn split<'a>(mut text: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = find(text, separator) {
        parts.push(&text[..at]);
        text = &text[at + separator.len()..];
    }
    parts.push(text);
    parts
}
