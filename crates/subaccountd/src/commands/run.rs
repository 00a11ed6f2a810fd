//! `run`: the daemon.

use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::SignedDuration;
use subaccountd_core::KeptLists;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Exit, reconciler};
use crate::{
    cli::settings::{DaemonArgs, DryRunArgs, ReconcileArgs, SettingsError, StatusListen},
    daemon::{
        Notifier, Outputs, ReconcileLoop, Snapshots,
        metrics::Metrics,
        pass_history::PassHistory,
        service_manager,
        shutdown::{OnHangup, Shutdown},
    },
    desired::StateReader,
    http::server::{self, AppState, SharedDocuments},
    version::VERSION,
};

/// The longest time for which open connections to the endpoints delay the end of the process.
const GOODBYE: Duration = Duration::from_secs(2);

/// The loop of passes as the settings say, and what its endpoints show.
pub(crate) fn assemble(
    fleet: &ReconcileArgs,
    daemon: &DaemonArgs,
    dry_run: &DryRunArgs,
    shutdown: Shutdown,
) -> anyhow::Result<(ReconcileLoop, AppState)> {
    let metrics = Arc::new(Metrics::new());
    let reload = shutdown.reload.clone();
    let mut reconciler = reconciler(fleet, dry_run.dry_run, &metrics, shutdown)?;
    reconciler.guardrails.policy.interval = SignedDuration::try_from(daemon.interval())?;
    reconciler.kept = daemon.resync().map(KeptLists::new).into();
    metrics.health().set_interval(daemon.interval());
    let (report_to, report) = watch::channel(None);
    let (to, snapshot) = watch::channel(None);
    let (ready_to, ready) = watch::channel(Err("the first pass has not ended yet".to_owned()));
    let (access, documents) = (Arc::new(daemon.access()?), SharedDocuments::default());
    let stuck_after = Duration::from_mins(5).max(daemon.interval() * 10);
    let passes = Arc::new(PassHistory::default());
    let shown = AppState {
        metrics: metrics.clone(),
        report,
        snapshot,
        passes: passes.clone(),
        ready,
        stuck_after,
        access,
        documents,
    };
    info!(version = VERSION, desired = %fleet.desired.display(), account.sid = %reconciler.account_sid, mode = reconciler.mode().as_str(), "starting");
    let snapshots = match daemon.status_listen {
        StatusListen::On(_) => Some(Snapshots { to, settings: Arc::new(fleet.rules.words()) }),
        // No listener serves snapshots.
        StatusListen::Off => None,
    };
    let notify = |file: &PathBuf| Notifier::start(file.clone(), metrics.clone());
    let notifier = daemon.notify_url_file.as_ref().map(notify).transpose()?;
    let outputs = Outputs { report: report_to, ready: ready_to, passes, notifier, snapshots };
    Ok((ReconcileLoop::new(reconciler, metrics, daemon.interval(), outputs, reload), shown))
}

pub(super) async fn run(
    fleet: &ReconcileArgs,
    daemon: &DaemonArgs,
    dry_run: &DryRunArgs,
) -> anyhow::Result<Exit> {
    let shutdown = Shutdown::on_signals(fleet.connection.request_timeout(), OnHangup::Reload)?;
    // A file system that does not answer shows in the first pass.
    if StateReader::new(&fleet.desired).is_stream().await.unwrap_or(false) {
        return Err(SettingsError::StateIsStream(fleet.desired.clone()).into());
    }
    let stopping = shutdown.stopping.clone();
    let (mut reconcile_loop, shown) = assemble(fleet, daemon, dry_run, shutdown)?;
    let (shown, served) = (Arc::new(shown), CancellationToken::new());
    let mut server =
        server::start(daemon.listen, daemon.status_listen, shown.clone(), served.clone()).await?;
    service_manager::started();
    let is_live = || shown.stuck_for().is_none();
    let informed = service_manager::inform(&shown.report, is_live, &stopping);
    let mut passes = pin!(reconcile_loop.until_stopped());
    tokio::select! {
        // The service manager hears of a drain before the passes end.
        biased;
        never = informed => match never {},
        () = &mut passes => {}
        ended = &mut server => {
            // Without endpoints the daemon cannot be observed: it finishes the writes in flight, then fails.
            stopping.cancel();
            passes.await;
            ended.context("the server panicked")?;
            anyhow::bail!("the server stopped unexpectedly");
        }
    }
    service_manager::stopping_now();
    // The endpoints answer until the last write in flight has ended.
    served.cancel();
    let _ = tokio::time::timeout(GOODBYE, server).await;
    info!("stopped");
    Ok(Exit::Done)
}
