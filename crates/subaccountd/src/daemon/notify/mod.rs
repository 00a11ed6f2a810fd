//! Notifications: one message to one address after a pass with news. Nothing waits for them, and a failure stops nothing.

mod news;
mod url;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{StatusCode, header::CONTENT_TYPE, redirect};
use subaccountd_core::Report;
use tokio::{sync::Notify, task::JoinHandle, time::sleep};
use tracing::{debug, warn};

use crate::{clock, daemon::metrics::Metrics};
use news::{Memory, News};

/// The shortest time between two messages; later news joins the next one.
const BETWEEN: Duration = Duration::from_secs(10);
/// The longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The tries of one message, and the pause after the first of them, which doubles.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Takes the reports of passes, and sends what is new in them.
pub(crate) struct Notifier {
    shared: Arc<Shared>,
    sending: JoinHandle<()>,
}

struct Shared {
    /// The news that was not sent yet.
    pending: Mutex<Pending>,
    /// Notified when there is some.
    news: Notify,
}

struct Pending {
    memory: Memory,
    news: Option<News>,
}

/// Sends messages to the address that a file names.
struct Sender {
    http: reqwest::Client,
    /// Read again for each message.
    url_file: PathBuf,
    metrics: Arc<Metrics>,
}

impl Notifier {
    /// Begins to send to the address in `url_file`.
    ///
    /// # Errors
    /// The file has no usable address, which no error shows.
    pub(crate) fn start(url_file: PathBuf, metrics: Arc<Metrics>) -> anyhow::Result<Self> {
        url::read(&url_file).map_err(anyhow::Error::msg)?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build()?;
        let pending = Mutex::new(Pending { memory: Memory::new(clock::now()), news: None });
        let shared = Arc::new(Shared { pending, news: Notify::new() });
        let sender = Sender { http, url_file, metrics };
        let sending = tokio::spawn(send_all(shared.clone(), sender));
        Ok(Self { shared, sending })
    }

    /// Takes the report of a pass.
    pub(crate) fn tell(&self, report: &Arc<Report>) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(news) = pending.memory.compare(report, clock::now()) else { return };
        pending.news = Some(match pending.news.take() {
            Some(earlier) => earlier.joined_by(news),
            None => news,
        });
        drop(pending);
        self.shared.news.notify_one();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send_all(shared: Arc<Shared>, sender: Sender) {
    loop {
        shared.news.notified().await;
        let news = shared.pending.lock().unwrap_or_else(PoisonError::into_inner).news.take();
        if let Some(news) = news.filter(|news| !news.is_empty()) {
            sender.send(&news).await;
            sleep(BETWEEN).await;
        }
    }
}

impl Sender {
    async fn send(&self, news: &News) {
        let body = news.document().to_string();
        let mut pause = FIRST_PAUSE;
        let mut failure = String::new();
        for attempt in 1..=TRIES {
            match self.post(body.clone()).await {
                Ok(()) => {
                    debug!("notification sent");
                    return self.metrics.notified(true);
                }
                Err(why) => failure = why,
            }
            if attempt < TRIES {
                sleep(pause).await;
                pause *= 2;
            }
        }
        self.metrics.notified(false);
        // The address is a secret, and no error of the client is shown, which may have it.
        warn!(error = %failure, "notification not sent after {TRIES} tries: check the address in `--notify-url-file`");
    }

    /// Posts once. The error does not show the address.
    async fn post(&self, body: String) -> Result<(), String> {
        let url = url::read(&self.url_file)?;
        let sent = self.http.post(url).header(CONTENT_TYPE, "application/json").body(body).send().await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) if answer.status().is_redirection() => Err(redirected(answer.status())),
            Ok(answer) => Err(format!("answered {}", answer.status())),
            Err(error) if error.is_timeout() => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
            Err(error) if error.is_connect() => Err("no connection".to_owned()),
            Err(_) => Err("the request failed".to_owned()),
        }
    }
}

fn redirected(status: StatusCode) -> String {
    format!("answered {status}, and redirects are not followed")
}
