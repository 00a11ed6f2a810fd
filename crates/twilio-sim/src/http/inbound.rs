//! An inbound request: its credentials, resource, operation and parameters.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, header::AUTHORIZATION},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::http::{
    operation::{Operation, Resource},
    params::Params,
};

const BODY_LIMIT: usize = 64 * 1024;

/// User name and password of HTTP Basic.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

#[derive(Clone)]
pub(crate) struct Inbound {
    /// The `Twilio-Request-Id` of the answer.
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) query: Params,
    pub(crate) form: Params,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) resource: Option<Resource>,
    pub(crate) operation: Option<Operation>,
}

impl Inbound {
    /// Reads a complete request. A body that is too long or incomplete counts as empty.
    pub(crate) async fn read(request: Request, request_id: String) -> Self {
        let (head, body) = request.into_parts();
        let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
        let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let resource = Resource::parse(&path);
        Self {
            request_id,
            query: Params::parse(head.uri.query().unwrap_or_default().as_bytes()),
            form: Params::parse(&to_bytes(body, BODY_LIMIT).await.unwrap_or_default()),
            credentials: credentials(&head.headers),
            operation: resource.as_ref().and_then(|resource| resource.operation(&method).ok()),
            resource,
            method,
            path,
            target,
        }
    }

    /// The account that the path names.
    pub(crate) fn account(&self) -> Option<&str> {
        self.resource.as_ref().and_then(Resource::account)
    }

    /// Returns true for a write.
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "DELETE")
    }
}

fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credentials { user: user.to_owned(), password: password.to_owned() })
}
