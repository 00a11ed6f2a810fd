//! Requests to a simulator in the same process: everything of the client but its connections, on the clock of the runtime.

use std::{cell::RefCell, pin::Pin, sync::Arc};

use crate::error::{Failure, root_cause};

/// The way of a request to a simulator.
pub trait Responder: Send + Sync {
    /// The answer to `request`.
    ///
    /// # Errors
    /// No answer came.
    fn exchange(&self, request: http::Request<Vec<u8>>) -> Answering<'_>;
}

/// A request on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<http::Response<Vec<u8>>, NoAnswer>> + Send + 'a>>;

/// The reason why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection came up: the request did not arrive.
    Refused,
    /// The connection broke off.
    BrokeOff,
}

thread_local! {
    static EXCHANGE: RefCell<Option<Arc<dyn Responder>>> = const { RefCell::new(None) };
}

/// Lets the clients that this thread makes from now on send their requests over `exchange`.
pub fn send_over(exchange: Option<Arc<dyn Responder>>) {
    EXCHANGE.set(exchange);
}

/// The way for a client that is made now.
pub(crate) fn exchange() -> Option<Arc<dyn Responder>> {
    EXCHANGE.with_borrow(Clone::clone)
}

/// Sends `request` over `exchange`.
pub(crate) async fn send(
    exchange: &dyn Responder,
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, Failure> {
    let not_built = |error| Failure::ConnectFailed(format!(": {}", root_cause(&error)));
    let request = http::Request::<reqwest::Body>::try_from(request.build().map_err(not_built)?);
    let request = request.map_err(not_built)?;
    let request = request.map(|body| body.as_bytes().unwrap_or_default().to_vec());
    match exchange.exchange(request).await {
        Ok(response) => Ok(response.into()),
        Err(NoAnswer::Refused) => {
            Err(Failure::ConnectFailed("at the simulator: connection refused".to_owned()))
        }
        Err(NoAnswer::BrokeOff) => Err(Failure::UnknownOutcome {
            cause: "the connection broke off".to_owned(),
            request_id: None,
            timed_out: false,
        }),
    }
}
