//! `probe`: a health check of a running daemon, for images without a shell.

use reqwest::Url;
use subaccountd_core::text::sanitize;

use super::Exit;
use crate::{
    cli::{
        Probe,
        settings::{Listener, SettingsError},
    },
    http::client::DaemonClient,
};

/// The longest part of an answer that is shown, in characters.
const MAX_SAID: usize = 500;

pub(super) async fn probe(what: Probe, url: Option<&Url>) -> anyhow::Result<Exit> {
    let path = match what {
        Probe::Live => "livez",
        Probe::Ready => "readyz",
    };
    let url = Listener::Probes.url(url).map_err(SettingsError::from)?;
    let client = DaemonClient::new(&url, path)?;
    let answer = client.ask().await?;
    if answer.status.is_success() {
        return Ok(Exit::Done);
    }
    let said: String = String::from_utf8_lossy(&answer.body).trim().chars().take(MAX_SAID).collect();
    anyhow::bail!("{} answered {}: {}", client.url(), answer.status, sanitize(&said))
}
