//! The client: sends requests to Twilio, and retries reads while that may help.
//!
//! Every HTTP attempt has a place of the limiter, ends within the deadline and is measured once. No place is held
//! during a pause. A write is sent once, and no request begins after a stop.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;
use subaccountd_core::{AccountSid, remote::Tries};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    credentials::{Token, TokenError, TokenSource},
    error::Failure,
    limit::{Feedback, Limiter, Permit},
    origin::{BadUrl, Origin},
    request::Request,
    response_body::ResponseBody,
    retry::Retry,
    telemetry::{Operation, RequestOutcome, Telemetry},
    transport::{Parsed, Response, Transport},
};

/// The longest time for reading the auth token of a write, which is not sent late.
const MAX_TOKEN_READ: Duration = Duration::from_millis(500);

/// The settings of the client.
pub struct Config {
    /// The base URL of Twilio: `https://api.twilio.com`.
    pub base_url: String,
    /// The SID of the main account.
    pub account_sid: AccountSid,
    /// The auth token of the main account.
    pub token: TokenSource,
    /// The timeout of one attempt, including the body, without pauses.
    pub request_timeout: Duration,
    /// The most requests in flight.
    pub max_in_flight: usize,
    /// The rules for retrying reads.
    pub retry: Retry,
}

/// The error of a configuration that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL is not valid as the URL of Twilio.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The auth token cannot be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The limit of requests in flight is 0.
    #[error("the limit of requests in flight is 0: set it to at least 1")]
    NothingInFlight,
    /// The request timeout is 0.
    #[error("the request timeout is 0: set it to some seconds")]
    NoTime,
    /// There are no certificate authorities.
    #[error("TLS cannot be set up ({0}): install ca-certificates, or set SSL_CERT_FILE to a bundle of them")]
    Tls(String),
}

/// The client of one main account. Clones share their connections and their limit.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    origin: Origin,
    main: AccountSid,
    token: Token,
    transport: Transport,
    /// The timeout of one attempt, and of reading the token for it.
    timeout: Duration,
    limiter: Limiter,
    retry: Retry,
    telemetry: Arc<dyn Telemetry>,
    stopped: watch::Sender<bool>,
}

/// The place in flight and the retries of a read.
#[derive(Clone, Copy)]
pub(crate) enum ReadRoute<'a> {
    /// Every attempt takes its own place in flight.
    Alone(Tries),
    /// Every request is sent once, in this place.
    In(&'a Permit<'a>),
}

impl ReadRoute<'_> {
    /// Returns true when a request may be retried.
    pub(crate) fn repeats(self) -> bool {
        match self {
            Self::Alone(tries) => tries == Tries::Repeated,
            Self::In(_) => false,
        }
    }
}

impl Client {
    /// Checks `config`, and reads the token file. Sends nothing yet.
    pub fn new(config: Config, telemetry: Arc<dyn Telemetry>) -> Result<Self, ConfigError> {
        let Config { base_url, account_sid, token, request_timeout, max_in_flight, retry } = config;
        if max_in_flight == 0 {
            return Err(ConfigError::NothingInFlight);
        }
        if request_timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let origin = Origin::parse(&base_url)?;
        let stopped = watch::Sender::new(false);
        let inner = Inner {
            main: account_sid,
            token: Token::new(token)?,
            transport: Transport::new(&origin, request_timeout, stopped.subscribe())
                .map_err(ConfigError::Tls)?,
            timeout: request_timeout,
            limiter: Limiter::new(max_in_flight, Arc::clone(&telemetry)),
            origin,
            retry,
            telemetry,
            stopped,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Stops this client and every clone: no request begins any more, reads end at once, and a write that was sent is waited
    /// for.
    pub fn stop(&self) {
        self.inner.stopped.send_replace(true);
    }

    /// Reads the certificate authorities again, for the requests that begin afterwards. They are also read when their files
    /// change, and after a certificate was refused. A file system that hangs delays the end, and no request.
    pub async fn reload_authorities(&self) {
        self.inner.transport.reload_authorities().await;
    }

    /// The number of requests that may be in flight now.
    pub fn in_flight_limit(&self) -> usize {
        self.inner.limiter.limit()
    }

    pub(crate) fn main(&self) -> AccountSid {
        self.inner.main
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// Sends `request`, which only reads, and retries it as `route` allows.
    pub(crate) async fn read<T: ResponseBody>(
        &self,
        request: &Request,
        route: ReadRoute<'_>,
    ) -> Result<Parsed<T>, Failure> {
        let mut repeats = route.repeats().then(|| self.inner.retry.repeats(fastrand::u64(..)));
        loop {
            let failure = match self.attempt(request, route).await.and_then(Response::parse) {
                Ok(parsed) => return Ok(parsed),
                Err(failure) => failure,
            };
            // A list that does not answer costs a pass one timeout, not several.
            if failure.is_time_out() && request.operation == Operation::ListNumbers {
                return Err(failure);
            }
            match repeats.as_mut().and_then(|repeats| repeats.after(failure.fault())) {
                Some(pause) => self.unless_stopped(sleep(pause)).await?,
                None => return Err(failure),
            }
        }
    }

    /// Makes one attempt, and a second one when Twilio refused a token that the file no longer contains.
    async fn attempt(&self, request: &Request, route: ReadRoute<'_>) -> Result<Response, Failure> {
        let own;
        let permit = match route {
            ReadRoute::In(permit) => permit,
            ReadRoute::Alone(_) => {
                own = self.acquire().await?;
                &own
            }
        };
        let token = self.unless_stopped(self.inner.token.current(self.inner.timeout)).await??;
        let response = self.unless_stopped(self.exchange(request, &token, permit)).await??;
        if response.head.status != 401 || matches!(route, ReadRoute::In(_)) {
            return Ok(response);
        }
        match self.unless_stopped(self.inner.token.other_than(&token, self.inner.timeout)).await? {
            // In a box, as it is rare: it makes no other request larger.
            Some(newer) => self.unless_stopped(Box::pin(self.exchange(request, &newer, permit))).await?,
            None => Ok(response),
        }
    }

    /// Sends `request`, which writes, at most once. Only reading the token and connecting come before it, and both are
    /// bounded.
    pub(crate) async fn write<T: ResponseBody>(
        &self,
        request: &Request,
        permit: &Permit<'_>,
    ) -> Result<Parsed<T>, Failure> {
        self.send_once(request, permit).await?.parse()
    }

    /// Sends `request`, which deletes, as [`write`](Self::write) does.
    pub(crate) async fn delete(&self, request: &Request, permit: &Permit<'_>) -> Result<Parsed<()>, Failure> {
        self.send_once(request, permit).await?.parse_empty()
    }

    async fn send_once(&self, request: &Request, permit: &Permit<'_>) -> Result<Response, Failure> {
        if *self.inner.stopped.borrow() {
            return Err(Failure::Stopping);
        }
        let token = self.inner.token.current(MAX_TOKEN_READ).await?;
        let response = self.exchange(request, &token, permit).await?;
        if response.head.status == 401 && self.inner.token.other_than(&token, MAX_TOKEN_READ).await.is_some()
        {
            return Err(Failure::TokenRotated);
        }
        Ok(response)
    }

    /// Waits for a place in flight.
    pub(crate) async fn acquire(&self) -> Result<Permit<'_>, Failure> {
        self.unless_stopped(self.inner.limiter.acquire()).await
    }

    /// The result of `work`, unless the client is stopped before `work` ends.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut stopped = self.inner.stopped.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => Err(Failure::Stopping),
            done = work => Ok(done),
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        token: &SecretString,
        permit: &Permit<'_>,
    ) -> Result<Response, Failure> {
        let inner = &*self.inner;
        let exchange = permit.begin();
        let began = Instant::now();
        let response = inner.transport.exchange(request, inner.main, token).await;
        let took = began.elapsed();
        let outcome = outcome(&response);
        exchange.end(feedback(outcome));
        inner.telemetry.request_ended(request.operation, outcome, took);
        log(request, &response, outcome, took);
        response
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("account_sid", &self.inner.main).finish_non_exhaustive()
    }
}

fn outcome(response: &Result<Response, Failure>) -> RequestOutcome {
    match response {
        Ok(response) => RequestOutcome::of_status(response.head.status),
        Err(_) => RequestOutcome::NetworkError,
    }
}

const fn feedback(outcome: RequestOutcome) -> Feedback {
    match outcome {
        RequestOutcome::Ok | RequestOutcome::ClientError => Feedback::Accepted,
        RequestOutcome::RateLimited => Feedback::Overloaded,
        RequestOutcome::ServerError | RequestOutcome::NetworkError => Feedback::Unknown,
    }
}

fn log(request: &Request, response: &Result<Response, Failure>, outcome: RequestOutcome, took: Duration) {
    let (status, request_id) = match response {
        Ok(response) => (Some(response.head.status), response.head.request_id.as_deref()),
        Err(failure) => (None, failure.request_id()),
    };
    let operation = request.operation.as_str();
    tracing::debug!(
        twilio.operation = operation,
        twilio.outcome = outcome.as_str(),
        twilio.request_id = request_id,
        http.status = status,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        error = response.as_ref().err().map(tracing::field::display),
        "Twilio request {operation}: {}",
        outcome.as_str(),
    );
}
