//! The client of a running daemon: one GET, with the token of the status where there is one, and with a limit for its time and for the size of the answer.

use std::{path::Path, time::Duration};

use anyhow::Context;
use reqwest::{StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use subaccountd_core::text::root_cause;

use super::access::read_token;

/// The longest time for an answer: a health check that hangs has failed.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read. The status of a fleet of ten thousand takes 5 MiB.
pub(crate) const MAX_BODY: usize = 64 * 1024 * 1024;

/// The variable that names the file with the token of the status.
const STATUS_TOKEN_FILE: &str = "SUBACCOUNTD_STATUS_TOKEN_FILE";

/// The client that asks a daemon at one address.
#[derive(Debug)]
pub(crate) struct DaemonClient {
    http: reqwest::Client,
    url: Url,
    /// Sent to plain HTTP as well: the daemon speaks no other.
    token: Option<SecretString>,
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
        Ok(Self { http, url, token: None })
    }

    /// Sends the token of the status, when the environment names its file.
    pub(crate) fn with_status_token(self) -> anyhow::Result<Self> {
        let path = std::env::var_os(STATUS_TOKEN_FILE).filter(|path| !path.is_empty());
        let token = path.map(|path| read_token(Path::new(&path)).map_err(anyhow::Error::msg)).transpose()?;
        Ok(Self { token, ..self })
    }

    /// The address that is asked.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// Asks once. No error shows the password that a URL may hold.
    pub(crate) async fn ask(&self) -> anyhow::Result<Response> {
        let mut request = self.http.get(self.url.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|error| self.failed("no answer from", &error))?;
        self.check_access(answer.status())?;
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

    /// The errors of a status that is not for everybody.
    fn check_access(&self, status: StatusCode) -> anyhow::Result<()> {
        let name = self.name();
        match status {
            StatusCode::UNAUTHORIZED if self.token.is_none() => {
                anyhow::bail!(
                    "{name} answered 401: it needs the status token; name its file in `{STATUS_TOKEN_FILE}`"
                )
            }
            StatusCode::UNAUTHORIZED => anyhow::bail!(
                "{name} answered 401: it refuses the status token; `{STATUS_TOKEN_FILE}` must name the token of that daemon"
            ),
            StatusCode::MISDIRECTED_REQUEST => anyhow::bail!(
                "{name} answered 421: it does not serve this host name; list it in the daemon's `--status-hosts`"
            ),
            _ => Ok(()),
        }
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
