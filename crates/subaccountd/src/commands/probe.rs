//! `probe`: asks a running daemon, for health checks in images without a shell.

use std::time::Duration;

use anyhow::Context;

use super::Exit;
use crate::cli::Probe;

/// A health check that hangs is a failed one.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn probe(what: Probe, url: &str) -> anyhow::Result<Exit> {
    let path = match what {
        Probe::Live => "livez",
        Probe::Ready => "readyz",
    };
    let url = format!("{}/{path}", url.trim_end_matches('/'));
    // A probe goes to plain http: no proxy and no certificate authority is needed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build();
    let client = client.context("making an HTTP client")?;
    let answer = client.get(&url).send().await.with_context(|| format!("asking {url}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(Exit::Done);
    }
    anyhow::bail!("{url} answered {status}: {}", answer.text().await.unwrap_or_default().trim())
}
