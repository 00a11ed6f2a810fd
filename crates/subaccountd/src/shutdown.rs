//! Stopping: the first signal drains, the second aborts.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::progress;

/// Listens for SIGTERM and SIGINT. The token is cancelled by the first; the second ends the process.
pub(crate) fn on_signals() -> io::Result<CancellationToken> {
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopping = CancellationToken::new();
    tokio::spawn(listen(stopping.clone(), terminate, interrupt));
    Ok(stopping)
}

async fn listen(stopping: CancellationToken, mut terminate: Signal, mut interrupt: Signal) {
    next(&mut terminate, &mut interrupt).await;
    info!("stopping: what is in flight is finished; a second signal aborts");
    stopping.cancel();
    next(&mut terminate, &mut interrupt).await;
    warn!("aborted by a second signal: the outcome of writes in flight is unknown");
    progress::clear();
    std::process::exit(1);
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
