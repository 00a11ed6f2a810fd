//! The connections: reads share kept connections; each write opens its own, through the gate.
//!
//! A firewall or a NAT that silently drops connections drops all kept ones. So after a lost read, none of them is reused:
//! the next reads share new connections. The same happens when the files of the certificate authorities changed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{redirect, retry};
use tokio::{sync::watch, task::spawn_blocking};

use crate::{
    authorities::{self, Authorities},
    error::root_cause,
    gate::Gate,
    origin::Origin,
};

/// The longest wait for a connection.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for the connection of a write.
pub(crate) const MAX_WRITE_CONNECT: Duration = Duration::from_secs(2);
/// The time for which an idle connection is kept: longer than the default interval between two passes.
const IDLE: Duration = Duration::from_secs(90);

/// The connections to one origin.
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    origin: Origin,
    timeout: Duration,
    stopped: watch::Receiver<bool>,
    kept: Mutex<KeptConnections>,
    writes: Mutex<reqwest::Client>,
    authorities: Authorities,
}

/// The connections that reads share.
struct KeptConnections {
    http: reqwest::Client,
    /// The number of renewals: of many reads that are lost together, only one renews.
    generation: u64,
    /// True when a read was answered, so that there may be a connection to reuse.
    reusable: bool,
    /// True when a read was lost since, perhaps on a reused connection.
    suspect: bool,
}

/// The use of the kept connections by one read. A lease that is dropped before its end counts as lost.
pub(crate) struct Lease<'a> {
    connections: &'a Shared,
    http: reqwest::Client,
    generation: u64,
    ended: bool,
}

impl Connections {
    /// Prepares connections to `origin` for requests that take up to `timeout`. Opens none yet, and none for a write after
    /// `stopped` became true.
    pub(crate) fn new(
        origin: &Origin,
        timeout: Duration,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, String> {
        // A second installation is refused, which is fine: the process already has a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let kept = KeptConnections {
            http: keeping(origin, timeout)?,
            generation: 0,
            reusable: false,
            suspect: false,
        };
        let writes = Mutex::new(opening(origin, timeout, stopped.clone())?);
        let files = if origin.is_plain() { 0 } else { authorities::fingerprint() };
        let (origin, kept) = (origin.clone(), Mutex::new(kept));
        let authorities = Authorities::new(files);
        Ok(Self(Arc::new(Shared { origin, timeout, stopped, kept, writes, authorities })))
    }

    /// The connections for a write.
    pub(crate) fn for_write(&self) -> reqwest::Client {
        self.look_at_authorities();
        self.0.writes().clone()
    }

    /// The connections for a read; new ones when an earlier read was lost.
    pub(crate) fn lease(&self) -> Lease<'_> {
        self.look_at_authorities();
        let mut kept = self.0.kept();
        if kept.suspect {
            match keeping(&self.0.origin, self.0.timeout) {
                Ok(http) => kept.replace(http),
                // There are no other connections than the kept ones.
                Err(error) => tracing::warn!(error, "connections to Twilio could not be renewed: {error}"),
            }
        }
        Lease { connections: &self.0, http: kept.http.clone(), generation: kept.generation, ended: false }
    }

    /// Looks at the files of the authorities when that is due, and reads them when they changed. Waits for nothing: the
    /// requests after it use them.
    fn look_at_authorities(&self) {
        if !self.0.origin.is_plain() && self.0.authorities.is_look_due() {
            let shared = Arc::clone(&self.0);
            spawn_blocking(move || shared.read_authorities(false));
        }
    }

    /// Reads the authorities again after a certificate was refused, unless that was done a short time ago.
    pub(crate) fn certificate_refused(&self) {
        if self.0.authorities.is_reading_due() {
            let shared = Arc::clone(&self.0);
            spawn_blocking(move || shared.read_authorities(true));
        }
    }

    /// Reads the authorities again now.
    pub(crate) async fn reload_authorities(&self) {
        if self.0.origin.is_plain() {
            return;
        }
        let shared = Arc::clone(&self.0);
        // It ends early only with the runtime.
        let _ = spawn_blocking(move || shared.read_authorities(true)).await;
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, KeptConnections> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writes(&self) -> MutexGuard<'_, reqwest::Client> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the authorities when their files changed, or `always`. The former ones stay in use when none can be read.
    fn read_authorities(&self, always: bool) {
        // Before they are read: a file that changes meanwhile is seen by the next look.
        let changed = self.authorities.looked(authorities::fingerprint());
        if !changed && !always {
            return;
        }
        let kept = keeping(&self.origin, self.timeout);
        let read =
            kept.and_then(|kept| Ok((kept, opening(&self.origin, self.timeout, self.stopped.clone())?)));
        match read {
            Ok((kept, writes)) => {
                self.kept().replace(kept);
                *self.writes() = writes;
                if changed {
                    tracing::info!("certificate authorities changed; read again");
                }
            }
            Err(error) => {
                tracing::warn!(
                    error,
                    "certificate authorities could not be read again; the former ones stay in use: {error}"
                );
            }
        }
    }
}

impl KeptConnections {
    /// Replaces the connections by new ones.
    fn replace(&mut self, http: reqwest::Client) {
        let generation = self.generation + 1;
        *self = Self { http, generation, reusable: false, suspect: false };
    }
}

impl Lease<'_> {
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Ends the lease after a complete answer: the connection may be reused.
    pub(crate) fn answered(mut self) {
        self.end(|kept| kept.reusable = true);
    }

    /// Ends the lease after a failed connection, which says nothing about the kept ones.
    pub(crate) fn not_connected(mut self) {
        self.end(|_| {});
    }

    fn end(&mut self, note: impl FnOnce(&mut KeptConnections)) {
        self.ended = true;
        let mut kept = self.connections.kept();
        // A late answer on connections that were replaced says nothing about their successors.
        if kept.generation == self.generation {
            note(&mut kept);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // When no connection was ever reused, the lost one was new, and another new one is no better: a slow server
            // causes no renewals.
            self.end(|kept| kept.suspect = kept.reusable);
        }
    }
}

/// A client that keeps its connections.
fn keeping(origin: &Origin, timeout: Duration) -> Result<reqwest::Client, String> {
    // Half of the request timeout, so that a failed connection is distinct from a late answer.
    build(origin, |builder| builder.pool_idle_timeout(IDLE).connect_timeout(MAX_CONNECT.min(timeout / 2)))
}

/// A client that opens a connection for each request. A kept connection may be silently broken, and a request that waits
/// for a busy one could start at any time.
fn opening(
    origin: &Origin,
    timeout: Duration,
    stopped: watch::Receiver<bool>,
) -> Result<reqwest::Client, String> {
    let within = MAX_WRITE_CONNECT.min(timeout / 2);
    build(origin, |builder| {
        builder.pool_max_idle_per_host(0).connect_timeout(within).connector_layer(Gate { within, stopped })
    })
}

fn build(
    origin: &Origin,
    connecting: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("subaccountd/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false);
    let builder = if origin.is_plain() {
        // No proxy sees an unencrypted token, and no certificate authority is needed.
        builder.no_proxy().tls_certs_only([])
    } else {
        builder.https_only(true)
    };
    connecting(builder).build().map_err(|error| root_cause(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections() -> Connections {
        let origin = Origin::parse("http://localhost").unwrap();
        Connections::new(&origin, Duration::from_secs(1), watch::channel(false).1).unwrap()
    }

    fn generation(connections: &Connections) -> u64 {
        let lease = connections.lease();
        let generation = lease.generation;
        lease.not_connected();
        generation
    }

    #[test]
    fn connections_are_renewed_after_a_lost_read_when_one_may_have_been_used_again() {
        let connections = connections();
        connections.lease().answered();
        drop(connections.lease());
        assert_eq!(generation(&connections), 1);
        assert_eq!(generation(&connections), 1, "once");
    }

    #[test]
    fn connections_are_kept_while_a_slow_server_answers_nothing() {
        let connections = connections();
        for _ in 0..3 {
            drop(connections.lease());
            assert_eq!(generation(&connections), 0);
        }
    }

    #[test]
    fn connections_are_kept_when_one_did_not_come_up() {
        let connections = connections();
        connections.lease().answered();
        connections.lease().not_connected();
        assert_eq!(generation(&connections), 0);
    }

    #[test]
    fn reads_that_are_lost_together_renew_the_connections_once() {
        let connections = connections();
        connections.lease().answered();
        let together: Vec<_> = (0..8).map(|_| connections.lease()).collect();
        for lost in together {
            drop(lost);
            connections.lease().answered();
        }
        assert_eq!(generation(&connections), 1);
    }

    #[test]
    fn an_answer_on_replaced_connections_does_not_affect_the_new_ones() {
        let connections = connections();
        connections.lease().answered();
        let late = connections.lease();
        drop(connections.lease());
        assert_eq!(generation(&connections), 1);
        late.answered();
        drop(connections.lease());
        assert_eq!(generation(&connections), 1);
    }
}
