//! The gate of write connections: a connection that passes it carries its request at once.
//!
//! A connection that took too long, or that came up after the stop, is not used: the proof of the write is too old.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tower::{Layer, Service};

/// The error that the connector of a client may fail with.
type BoxError = Box<dyn Error + Send + Sync>;

/// The gate, around any connector.
#[derive(Clone)]
pub(crate) struct Gate {
    /// The longest wait for a connection.
    pub(crate) within: Duration,
    /// True after the stop.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// A connector behind the gate.
#[derive(Clone)]
pub(crate) struct Gated<S> {
    gate: Gate,
    connector: S,
}

/// The error of a connection that was not used, because the process is stopping.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process is stopping")
    }
}

impl Error for Stopped {}

impl Stopped {
    /// Returns true when `error` or one of its causes is this error.
    pub(crate) fn is_root_of(error: &(dyn Error + 'static)) -> bool {
        error.is::<Self>() || error.source().is_some_and(Self::is_root_of)
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, connector: S) -> Gated<S> {
        Gated { gate: self.clone(), connector }
    }
}

impl<S, T> Service<T> for Gated<S>
where
    S: Service<T>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: T) -> Self::Future {
        let began = Instant::now();
        let connecting = self.connector.call(to);
        let Gate { within, mut stopped } = self.gate.clone();
        Box::pin(async move {
            let connection = tokio::select! {
                // When both are ready, the stop wins.
                biased;
                Ok(_) = stopped.wait_for(|stopped| *stopped) => return Err(Stopped.into()),
                connection = connecting => connection.map_err(Into::into)?,
            };
            // A timer does not fire while the process is frozen, so the time is checked afterwards.
            if began.elapsed() > within {
                return Err(format!("the connection took longer than {within:?}").into());
            }
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;

    const WITHIN: Duration = Duration::from_millis(20);

    /// The result of a connection at the gate when `connecting` runs before it comes up.
    async fn connect(stopped: &watch::Sender<bool>, connecting: fn()) -> Result<(), BoxError> {
        let connector = service_fn(move |()| async move {
            connecting();
            Ok::<_, Infallible>(())
        });
        let gate = Gate { within: WITHIN, stopped: stopped.subscribe() };
        gate.layer(connector).oneshot(()).await
    }

    #[tokio::test]
    async fn a_connection_passes_in_time() {
        let stopped = watch::Sender::new(false);
        // Far above the bound, which is short in the other tests.
        let gate = Gate { within: Duration::from_mins(1), stopped: stopped.subscribe() };
        let connector = service_fn(|()| std::future::ready(Ok::<_, Infallible>(7)));
        assert_eq!(gate.layer(connector).oneshot(()).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_connection_that_came_up_while_the_process_was_frozen_is_not_used() {
        let stopped = watch::Sender::new(false);
        let late = connect(&stopped, || std::thread::sleep(WITHIN * 2)).await.unwrap_err();
        assert_eq!(late.to_string(), "the connection took longer than 20ms");
        assert!(!Stopped::is_root_of(&*late));
    }

    #[tokio::test]
    async fn a_connection_that_comes_up_after_the_stop_is_not_used() {
        let stopped = watch::Sender::new(true);
        let refused = connect(&stopped, || {}).await.unwrap_err();
        assert!(Stopped::is_root_of(&*refused), "{refused}");
    }

    #[tokio::test]
    async fn a_connection_is_not_waited_for_after_the_stop() {
        let stopped = watch::Sender::new(false);
        let gate = Gate { within: Duration::from_mins(1), stopped: stopped.subscribe() };
        let connector = service_fn(|()| std::future::pending::<Result<(), Infallible>>());
        let (refused, _) =
            tokio::join!(gate.layer(connector).oneshot(()), async { stopped.send_replace(true) });
        assert!(Stopped::is_root_of(&*refused.unwrap_err()));
    }
}
