//! The source of a snapshot: a file, standard input, or a daemon's status listener.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use reqwest::Url;

use super::{Snapshot, parse};
use crate::http::client::{DaemonClient, MAX_BODY};

/// The largest document that is read, wherever it comes from.
const MAX_SNAPSHOT: u64 = MAX_BODY as u64;
/// The longest time for fetching it.
const TIMEOUT: Duration = Duration::from_mins(1);
const PATH: &str = "/snapshot";

/// The place of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A status listener, or its `/snapshot`.
    Url(Url),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let mut url: Url = text.parse().map_err(|error| format!("not a URL: {error}"))?;
        if !url.path().ends_with(PATH) {
            let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Self::Url(url))
    }
}

impl Source {
    /// Its name, without a password.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => {
                let mut shown = url.clone();
                // Not every URL has a place for these.
                let _ = shown.set_username("");
                let _ = shown.set_password(None);
                shown.to_string()
            }
        }
    }
}

/// Reads the snapshot at `source`.
pub(crate) async fn read(source: &Source) -> anyhow::Result<Snapshot<'static>> {
    let name = source.name();
    let bytes = match source {
        Source::Stdin => bounded(io::stdin().lock()).with_context(|| name.clone())?,
        Source::File(path) => {
            let open = || File::open(path).map_err(anyhow::Error::from).and_then(bounded);
            open().with_context(|| name.clone())?
        }
        Source::Url(url) => fetch(url.clone()).await.with_context(|| name.clone())?,
    };
    parse(&bytes).map_err(|why| anyhow::anyhow!("{name}: {why}"))
}

fn bounded(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_SNAPSHOT + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= MAX_SNAPSHOT, "larger than {} MiB", MAX_SNAPSHOT / 1024 / 1024);
    Ok(bytes)
}

async fn fetch(url: Url) -> anyhow::Result<Vec<u8>> {
    let answer = DaemonClient::at(url, TIMEOUT)?.with_status_token()?.ask().await?;
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let words: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    bail!("answered {}: {}; give the address of a daemon's `--status-listen`", answer.status, words.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_standard_input_a_file_or_the_snapshot_of_a_listener() {
        for (text, name) in [
            ("-", "standard input"),
            ("snapshot.json", "snapshot.json"),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081/snapshot"),
            ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/snapshot"),
            ("http://127.0.0.1:8081/snapshot", "http://127.0.0.1:8081/snapshot"),
            ("https://me:secret@status.example.com/eu", "https://status.example.com/eu/snapshot"),
        ] {
            assert_eq!(text.parse().map(|source: Source| source.name()), Ok(name.to_owned()));
        }
        assert!(Source::from_str("http://").is_err());
    }

    #[test]
    fn more_than_64_mib_are_not_read() {
        assert!(bounded(io::repeat(b' ')).is_err());
        assert!(bounded(io::repeat(b' ').take(MAX_SNAPSHOT)).is_ok());
    }
}
