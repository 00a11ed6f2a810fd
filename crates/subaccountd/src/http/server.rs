//! The endpoints of the daemon: probes and metrics on one address, the status on another or the same.
//!
//! A thread of their own serves them: they answer while a pass computes.

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use subaccountd_core::Report;
use tokio::{
    net::TcpListener,
    runtime,
    sync::{oneshot, watch},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    cli::settings::StatusListen,
    clock,
    daemon::{metrics::Metrics, pass_history::PassHistory},
    http::{
        access::{self, Access},
        document::SharedDocument,
        listener::serve,
        status_page,
    },
    snapshot::KeptPass,
};

/// The data that the endpoints show.
pub(crate) struct AppState {
    pub(crate) metrics: Arc<Metrics>,
    /// The last pass; `None` before the first.
    pub(crate) report: watch::Receiver<Option<Arc<Report>>>,
    /// The observation of the last pass that could observe; `None` before the first.
    pub(crate) snapshot: watch::Receiver<Option<Arc<KeptPass>>>,
    /// The last passes.
    pub(crate) passes: Arc<PassHistory>,
    /// `Ok` once one observation succeeded, else the reason why not.
    pub(crate) ready: watch::Receiver<Result<(), String>>,
    /// The time for which nothing may happen before the daemon counts as stuck.
    pub(crate) stuck_after: Duration,
    /// The rule by which the status is served.
    pub(crate) access: Arc<Access>,
    /// The documents that are being read.
    pub(crate) documents: SharedDocuments,
}

impl AppState {
    /// The time for which nothing has happened, when it is so long that the daemon counts as stuck.
    pub(crate) fn stuck_for(&self) -> Option<Duration> {
        Some(self.metrics.idle()).filter(|idle| *idle > self.stuck_after)
    }
}

/// See [`SharedDocument`].
#[derive(Default)]
pub(crate) struct SharedDocuments {
    status: SharedDocument<Report>,
    snapshot: SharedDocument<KeptPass>,
}

/// Binds the addresses and serves them until `stopping`. What is given tells that the serving ended.
///
/// # Errors
/// An address cannot be listened on.
pub(crate) async fn start(
    listen: SocketAddr,
    status_listen: StatusListen,
    shown: Arc<AppState>,
    stopping: CancellationToken,
) -> anyhow::Result<oneshot::Receiver<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (bound_to, bound) = oneshot::channel();
    let (ended_to, ended) = oneshot::channel();
    // Who no longer waits for a word needs none.
    let serve = async move {
        match bind(listen, status_listen, shown, stopping).await {
            Ok(serving) => {
                let _ = bound_to.send(Ok(ended));
                serving.await;
                let _ = ended_to.send(());
            }
            Err(error) => {
                let _ = bound_to.send(Err(error));
            }
        }
    };
    thread::Builder::new().name("endpoints".to_owned()).spawn(move || runtime.block_on(serve))?;
    bound.await.context("the server panicked")?
}

async fn bind(
    listen: SocketAddr,
    status_listen: StatusListen,
    shown: Arc<AppState>,
    stopping: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()>> {
    let main = listener(listen, "--listen").await?;
    let guarded = || status().layer(middleware::from_fn_with_state(shown.access.clone(), access::check));
    let (main_routes, status) = match status_listen {
        StatusListen::Off => (probes(), None),
        StatusListen::On(address) if address == listen => (probes().merge(guarded()), None),
        StatusListen::On(address) => {
            (probes(), Some((listener(address, "--status-listen").await?, guarded())))
        }
    };
    info!("serving probes and metrics on http://{}", main.local_addr()?);
    if let Some((status, _)) = &status {
        info!("serving the status on http://{}", status.local_addr()?);
    }
    Ok(async move {
        let probes = serve(main, main_routes.with_state(shown.clone()), stopping.clone());
        match status {
            Some((listener, routes)) => {
                tokio::join!(probes, serve(listener, routes.with_state(shown), stopping));
            }
            None => probes.await,
        }
    })
}

async fn listener(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{flag}: cannot listen on {address}"))
}

/// Probes and metrics.
pub(crate) fn probes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/livez", get(livez))
        .route("/healthz", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
}

/// The status and its page.
pub(crate) fn status() -> Router<Arc<AppState>> {
    Router::new()
        .route("/status", get(status_json))
        .route("/snapshot", get(snapshot))
        .route("/", get(page))
        .route("/accounts/{sid}", get(account_page))
}

async fn livez(State(shown): State<Arc<AppState>>) -> (StatusCode, String) {
    match shown.stuck_for() {
        Some(idle) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no pass began and no request ended for {} s\n", idle.as_secs()),
        ),
        None => (StatusCode::OK, "ok\n".to_owned()),
    }
}

async fn readyz(State(shown): State<Arc<AppState>>) -> (StatusCode, String) {
    match &*shown.ready.borrow() {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn metrics(State(shown): State<Arc<AppState>>) -> Response {
    match shown.metrics.render() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The last report, or the answer before there is one.
fn last_report(shown: &AppState) -> Result<Arc<Report>, impl IntoResponse> {
    shown.report.borrow().clone().ok_or_else(|| {
        let words = json!({"error": "the state has not been read yet"});
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], Json(words))
    })
}

async fn status_json(State(shown): State<Arc<AppState>>) -> Response {
    match last_report(&shown) {
        Ok(report) => shown.documents.status.of(&report, serde_json::to_vec),
        Err(not_yet) => not_yet.into_response(),
    }
}

/// Answers 503 before the first observation: a document without accounts could be taken for an empty fleet.
async fn snapshot(State(shown): State<Arc<AppState>>) -> Response {
    let kept = shown.snapshot.borrow().clone();
    let Some(kept) = kept else {
        let words = json!({"error": "nothing was observed yet: retry when `/readyz` answers 200"});
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], Json(words)).into_response();
    };
    shown.documents.snapshot.of(&kept, |kept| serde_json::to_vec(&kept.snapshot()))
}

async fn page(State(shown): State<Arc<AppState>>, RawQuery(query): RawQuery) -> Response {
    let report = shown.report.borrow().clone();
    let waits = shown.ready.borrow().clone().err().unwrap_or_default();
    let passes = shown.passes.newest_first();
    let report = report.as_deref().ok_or(waits.as_str());
    status_page::answer(report, &passes, query.as_deref().unwrap_or_default(), clock::now())
}

async fn account_page(
    State(shown): State<Arc<AppState>>,
    Path(sid): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let report = shown.report.borrow().clone();
    let kept = shown.snapshot.borrow().clone();
    let seen = report.as_deref().zip(kept.as_deref());
    let passes = shown.passes.newest_first();
    status_page::account_answer(&sid, seen, &passes, query.as_deref().unwrap_or_default(), clock::now())
}
