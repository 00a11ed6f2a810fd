//! The client of a running daemon: one GET without a secret, with a limit for its time and for the size of the answer.

use std::time::Duration;
use subaccountd_core::text::root_cause;

use anyhow::Context;
use reqwest::{StatusCode, Url, redirect};

/// The longest time for an answer: a health check that hangs has failed.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read. The status of a fleet of ten thousand takes 5 MiB.
pub(crate) const MAX_BODY: usize = 64 * 1024 * 1024;

/// The client that asks a daemon at one address.
#[derive(Debug)]
pub(crate) struct DaemonClient {
    http: reqwest::Client,
    url: Url,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl DaemonClient {
    /// Asks for `path` below `base`.
    pub(crate) fn new(base: &Url, path: &str) -> anyhow::Result<Self> {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(path);
        }
        Self::at(url, TIMEOUT)
    }

    /// Asks at `url`, where an answer may take `timeout`.
    pub(crate) fn at(url: Url, timeout: Duration) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().timeout(timeout).redirect(redirect::Policy::none());
        let builder = if url.scheme() == "http" {
            // Plain HTTP is for a private network: it needs no proxy and no certificate authority.
            builder.no_proxy().tls_certs_only([])
        } else {
            builder
        };
        let http = builder.build().context("cannot create an HTTP client")?;
        Ok(Self { http, url })
    }

    /// The address that is asked.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Asks once. No error shows the password that a URL may hold.
    pub(crate) async fn ask(&self) -> anyhow::Result<Response> {
        let mut answer = self
            .http
            .get(self.url.clone())
            .send()
            .await
            .map_err(|error| self.failed("no answer from", &error))?;
        let (status, mut body) = (answer.status(), Vec::new());
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| self.failed("incomplete answer from", &error))?
        {
            anyhow::ensure!(
                body.len() + chunk.len() <= MAX_BODY,
                "the answer of {} is larger than 64 MiB: check that this is the address of a subaccountd",
                self.name()
            );
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, body })
    }

    fn failed(&self, what: &str, error: &reqwest::Error) -> anyhow::Error {
        anyhow::anyhow!("{what} {}: {}", self.name(), root_cause(error))
    }

    fn name(&self) -> String {
        let mut shown = self.url.clone();
        // Every URL with a host can have these.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.to_string()
    }
}

/// The address of a daemon, for the command line.
pub(crate) fn daemon_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| "write a URL as in http://127.0.0.1:8081".to_owned())?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err("write a URL that begins with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave out the user and the password: the daemon uses neither".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_http_or_https_and_carries_no_secret() {
        for wrong in [
            "",
            "127.0.0.1:8081",
            "localhost:8081",
            "file:///etc/passwd",
            "http://",
            "http://a:b@c/",
            "http://a@c/",
        ] {
            assert!(daemon_url(wrong).is_err(), "{wrong}");
        }
        for (base, asked) in [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081/status"),
            ("https://ops.example/fleet/", "https://ops.example/fleet/status"),
            ("http://[::1]:1/fleet", "http://[::1]:1/fleet/status"),
        ] {
            let client = DaemonClient::new(&daemon_url(base).unwrap(), "status").unwrap();
            assert_eq!(client.url().as_str(), asked);
        }
    }
}
