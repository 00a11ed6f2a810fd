//! The client: asks Twilio, and asks again when that is safe.
//!
//! Every HTTP attempt takes a place of the limiter, ends within the deadline and is measured once. No place is held
//! during a pause.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;
use subaccountd_core::AccountSid;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    credentials::{Token, TokenError, TokenSource},
    error::Failure,
    limit::{Limiter, Load},
    origin::{BadUrl, Origin},
    request::Request,
    retry::{Effect, Retry},
    telemetry::{RequestOutcome, Telemetry},
    transport::{Answer, Shown, Transport},
    wire::Shape,
};

/// How to reach Twilio.
pub struct Config {
    /// Where Twilio is: `https://api.twilio.com`.
    pub base_url: String,
    /// The main account.
    pub account_sid: AccountSid,
    /// Its auth token.
    pub token: TokenSource,
    /// How long one attempt may take, with its body and without pauses.
    pub request_timeout: Duration,
    /// How many requests may be in flight, at most.
    pub max_in_flight: usize,
    /// How requests are repeated.
    pub retry: Retry,
}

/// Twilio cannot be reached as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL cannot be where Twilio is.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The token cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nothing could ever be in flight.
    #[error("no request may be in flight: allow at least 1")]
    NothingInFlight,
    /// Nothing could ever be answered in time.
    #[error("a request may take no time at all: allow some seconds")]
    NoTime,
    /// There is nothing to check certificates with.
    #[error("TLS cannot be set up ({0}): install ca-certificates, or set SSL_CERT_FILE to a bundle of them")]
    Tls(String),
}

/// Talks to Twilio for one main account. Clones share their connections and their limit.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    origin: Origin,
    main: AccountSid,
    token: Token,
    transport: Transport,
    limiter: Limiter,
    retry: Retry,
    telemetry: Arc<dyn Telemetry>,
    stopped: watch::Sender<bool>,
}

impl Client {
    /// Checks `config`, which includes a look at the token file. Sends nothing yet.
    pub fn new(config: Config, telemetry: Arc<dyn Telemetry>) -> Result<Self, ConfigError> {
        let Config { base_url, account_sid, token, request_timeout, max_in_flight, retry } = config;
        if max_in_flight == 0 {
            return Err(ConfigError::NothingInFlight);
        }
        if request_timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let origin = Origin::parse(&base_url)?;
        let inner = Inner {
            main: account_sid,
            token: Token::new(token)?,
            transport: Transport::new(&origin, request_timeout).map_err(ConfigError::Tls)?,
            limiter: Limiter::new(max_in_flight, Arc::clone(&telemetry)),
            origin,
            retry,
            telemetry,
            stopped: watch::Sender::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Repeats nothing any more, here and in every clone: what is in flight ends, and nothing is waited for.
    pub fn stop_repeating(&self) {
        self.inner.stopped.send_replace(true);
    }

    /// How many requests may be in flight now.
    pub fn in_flight_limit(&self) -> usize {
        self.inner.limiter.limit()
    }

    pub(crate) fn main(&self) -> AccountSid {
        self.inner.main
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// What Twilio shows when asked `request`, repeated as far as that is safe.
    pub(crate) async fn ask<T: Shape>(&self, request: &Request) -> Result<Shown<T>, Failure> {
        let effect = if request.operation.writes() { Effect::Writes } else { Effect::Reads };
        let mut repeats = self.inner.retry.repeats(effect, fastrand::u64(..));
        loop {
            let failure = match self.attempt(request).await.and_then(Answer::shown) {
                Ok(shown) => return Ok(shown),
                Err(failure) => failure,
            };
            match repeats.after(failure.fault()) {
                Some(pause) if self.goes_on_after(pause).await => {}
                Some(_) | None => return Err(failure),
            }
        }
    }

    /// Waits; whether another attempt may begin then.
    async fn goes_on_after(&self, pause: Duration) -> bool {
        let mut stopped = self.inner.stopped.subscribe();
        tokio::select! {
            () = sleep(pause) => true,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        }
    }

    /// One attempt; a second one when Twilio refused a token that is no longer the one in the file.
    async fn attempt(&self, request: &Request) -> Result<Answer, Failure> {
        let token = self.inner.token.current()?;
        let answer = self.exchange(request, &token).await?;
        if answer.head.status != 401 {
            return Ok(answer);
        }
        match self.inner.token.other_than(&token) {
            Some(newer) => self.exchange(request, &newer).await,
            None => Ok(answer),
        }
    }

    async fn exchange(&self, request: &Request, token: &SecretString) -> Result<Answer, Failure> {
        let inner = &*self.inner;
        let permit = inner.limiter.acquire().await;
        let began = Instant::now();
        let answer = inner.transport.exchange(request, inner.main, token).await;
        let took = began.elapsed();
        let outcome = outcome(&answer);
        permit.end(load(outcome));
        inner.telemetry.request_ended(request.operation, outcome, took);
        log(request, &answer, outcome, took);
        answer
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("account_sid", &self.inner.main).finish_non_exhaustive()
    }
}

fn outcome(answer: &Result<Answer, Failure>) -> RequestOutcome {
    match answer {
        Ok(answer) => RequestOutcome::of_status(answer.head.status),
        Err(_) => RequestOutcome::NetworkError,
    }
}

const fn load(outcome: RequestOutcome) -> Load {
    match outcome {
        RequestOutcome::Ok | RequestOutcome::ClientError => Load::Fine,
        RequestOutcome::RateLimited => Load::TooMuch,
        RequestOutcome::ServerError | RequestOutcome::NetworkError => Load::Unclear,
    }
}

fn log(request: &Request, answer: &Result<Answer, Failure>, outcome: RequestOutcome, took: Duration) {
    let (status, request_id) = match answer {
        Ok(answer) => (Some(answer.head.status), answer.head.request_id.as_deref()),
        Err(failure) => (None, failure.request_id()),
    };
    let operation = request.operation.as_str();
    tracing::debug!(
        twilio.operation = operation,
        twilio.outcome = outcome.as_str(),
        twilio.request_id = request_id,
        http.status = status,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        error = answer.as_ref().err().map(tracing::field::display),
        "Twilio request {operation}: {}",
        outcome.as_str(),
    );
}
