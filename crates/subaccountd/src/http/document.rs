//! A document that is made once for all clients that are reading it, and freed with the last of them: many slow clients
//! cost one copy.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// See the module. The source of the last document, and its bytes while they are being read.
pub(super) struct SharedDocument<T>(Mutex<(Weak<T>, Weak<Vec<u8>>)>);

impl<T> Default for SharedDocument<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The bytes, as the owner of a body.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T> SharedDocument<T> {
    /// The answer with the JSON of `source`, which `make` makes unless it is being read.
    pub(super) fn of(
        &self,
        source: &Arc<T>,
        make: impl FnOnce(&T) -> serde_json::Result<Vec<u8>>,
    ) -> Response {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if last.0.ptr_eq(&Arc::downgrade(source)) { last.1.upgrade() } else { None };
        let bytes = match known.map_or_else(|| make(source).map(Arc::new), Ok) {
            Ok(bytes) => bytes,
            Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        };
        *last = (Arc::downgrade(source), Arc::downgrade(&bytes));
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (headers, Body::from(Bytes::from_owner(Shared(bytes)))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn text(answer: Response) -> Bytes {
        to_bytes(answer.into_body(), usize::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn document_is_made_once_while_it_is_being_read() {
        let document = SharedDocument::default();
        let (first, second) = (Arc::new(1), Arc::new(2));
        let made = std::cell::Cell::new(0);
        let make = |source: &i32| {
            made.set(made.get() + 1);
            serde_json::to_vec(source)
        };
        let reading = (document.of(&first, make), document.of(&first, make));
        assert_eq!(made.get(), 1);
        assert_eq!(text(document.of(&second, make)).await, "2");
        assert_eq!((text(reading.0).await, text(reading.1).await), ("1".into(), "1".into()));
        assert_eq!(made.get(), 2);
        document.of(&second, make);
        assert_eq!(made.get(), 3, "it has no reader any more");
    }
}
