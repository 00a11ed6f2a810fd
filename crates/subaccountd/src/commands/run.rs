//! `run`: the daemon.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use subaccountd_core::{
    Report,
    report::{HeldView, Mode},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{Exit, open_journal, reconciler};
use crate::{
    metrics::Metrics,
    passes::Passes,
    reconcile::{Pass, Reconciler, VERSION},
    server::{self, Shown},
    settings::{Daemon, DryRun, Fleet, StatusListen, Words},
    shutdown,
    snapshot::Kept,
    state::{self, Loaded},
    wake::{self, Wake},
    watch::Watch,
};

/// The most passes that follow each other at once.
const MOST_AT_ONCE: usize = 5;
/// How long open connections to the endpoints may keep the process.
const GOODBYE: Duration = Duration::from_secs(2);

pub(super) async fn run(fleet: &Fleet, daemon: &Daemon, dry_run: &DryRun) -> anyhow::Result<Exit> {
    let stopping = shutdown::on_signals()?;
    let mode = if dry_run.dry_run { Mode::DryRun } else { Mode::Enforce };
    let metrics = Arc::new(Metrics::new());
    let reconciler = reconciler(fleet, mode, open_journal(fleet)?, &metrics, stopping.clone())?;
    let (report_to, report) = watch::channel(None);
    let (to, snapshot) = watch::channel(None);
    let (ready_to, ready) = watch::channel(Err("the first pass has not ended yet".to_owned()));
    let stuck_after = Duration::from_mins(5).max(daemon.interval() * 10);
    let passes = Arc::new(Passes::default());
    let shown = Arc::new(Shown {
        metrics: metrics.clone(),
        report,
        snapshot,
        passes: passes.clone(),
        ready,
        stuck_after,
    });
    info!(version = VERSION, desired = %fleet.desired.display(), account.sid = %reconciler.account_sid, mode = mode.as_str(), "starting");
    let served = CancellationToken::new();
    let server = server::bind(daemon.listen, daemon.status_listen, shown, served.clone()).await?;
    let mut server = tokio::spawn(server);
    let (poker, wake) = wake::wake();
    let watch = Watch::start(&fleet.desired, poker);
    let interval = daemon.interval();
    let snapshots = match daemon.status_listen {
        StatusListen::On(_) => Some(Snapshots { to, settings: Arc::new(fleet.rules.words()) }),
        // Nobody could ask for one.
        StatusListen::Off => None,
    };
    let mut daemon = Loop {
        reconciler,
        metrics,
        wake,
        watch,
        interval,
        report_to,
        snapshots,
        ready_to,
        passes,
        loaded: None,
        last: None,
    };
    let mut passes = pin!(daemon.until_stopped());
    tokio::select! {
        () = &mut passes => {}
        ended = &mut server => {
            // Without its endpoints nobody can see what it does: what is in flight is finished, then it fails.
            stopping.cancel();
            passes.await;
            ended.context("the server panicked")??;
            anyhow::bail!("the server ended by itself");
        }
    }
    // The endpoints answered until the last write in flight had ended.
    served.cancel();
    let _ = tokio::time::timeout(GOODBYE, server).await;
    info!("stopped");
    Ok(Exit::Done)
}

/// Where what a pass saw is kept, and the settings that go with it.
struct Snapshots {
    to: watch::Sender<Option<Arc<Kept>>>,
    settings: Arc<Words>,
}

struct Loop {
    reconciler: Reconciler,
    metrics: Arc<Metrics>,
    wake: Wake,
    watch: Watch,
    interval: Duration,
    report_to: watch::Sender<Option<Arc<Report>>>,
    snapshots: Option<Snapshots>,
    ready_to: watch::Sender<Result<(), String>>,
    passes: Arc<Passes>,
    loaded: Option<Loaded>,
    last: Option<Arc<Report>>,
}

impl Loop {
    async fn until_stopped(&mut self) {
        let mut at_once = 0;
        while !self.reconciler.stopping.is_cancelled() {
            let did_something = self.pass().await;
            at_once = if did_something { at_once + 1 } else { 0 };
            if at_once == 0 || at_once >= MOST_AT_ONCE {
                at_once = 0;
                self.sleep().await;
            }
        }
    }

    /// One pass; whether it did something.
    async fn pass(&mut self) -> bool {
        self.metrics.pass_begins();
        self.wake.forget();
        self.watch.refresh();
        let loaded = match self.load().await {
            Ok(loaded) => loaded,
            Err(why) => {
                error!(error = %why, "the state cannot be read");
                self.metrics.pass_failed();
                self.not_ready(format!("the state cannot be read: {why}"));
                return false;
            }
        };
        if self.last.is_none() {
            let report = self.reconciler.before_the_first_pass(&loaded);
            self.metrics.publish_state(&report);
            self.report_to.send_replace(Some(Arc::new(report)));
        }
        let pass = self.reconciler.pass(&loaded, &self.wake, self.last.as_deref()).await;
        self.tell(&pass);
        self.passes.add(&pass.report);
        self.metrics.publish(&pass.report, pass.credentials_valid);
        if pass.sight.is_some() {
            let _ = self.ready_to.send_replace(Ok(()));
        } else {
            self.not_ready(pass.report.last_pass.error.clone().unwrap_or_default());
        }
        let did_something = pass.did_something;
        if let Some((sight, Snapshots { to, settings })) = pass.sight.zip(self.snapshots.as_ref()) {
            to.send_replace(Some(Arc::new(Kept::of(sight, settings.clone()))));
        }
        let report = Arc::new(pass.report);
        self.last = Some(report.clone());
        self.report_to.send_replace(Some(report));
        did_something
    }

    /// Reads the state, and tells when it is another.
    async fn load(&mut self) -> std::io::Result<Loaded> {
        let loaded = state::settled(&self.reconciler.path, self.loaded.as_ref()).await?;
        if self.loaded.as_ref().is_none_or(|known| known.sha256 != loaded.sha256) {
            info!(state.sha256 = %loaded.sha256, state.revision = loaded.revision, "the state was taken up");
            for fault in &loaded.reading.faults {
                error!("{}:{}:{}: {}; {}", fault.file, fault.line, fault.column, fault.message, fault.help);
            }
            self.loaded = Some(loaded.clone());
        }
        Ok(loaded)
    }

    /// Once ready, the daemon stays so.
    fn not_ready(&self, why: String) {
        self.ready_to.send_if_modified(|ready| {
            let waits = ready.is_err();
            if waits {
                *ready = Err(why);
            }
            waits
        });
    }

    /// One line for a pass, and one for each new or ended hold.
    fn tell(&self, pass: &Pass) {
        let report = &pass.report;
        let key = |held: &HeldView| (held.account, held.number, held.kind, held.reason);
        let held = |report: &Report| report.plan.held.iter().map(key).collect::<BTreeSet<_>>();
        let before = self.last.as_deref().map(held).unwrap_or_default();
        let now = held(report);
        for held in report.plan.held.iter().filter(|held| !before.contains(&key(held))) {
            let number = held.number.map(tracing::field::display);
            warn!(held.reason = %held.reason, account.sid = %held.account, number, remedy = held.remedy, "held: {}", held.message);
        }
        for (account, number, kind, reason) in before.difference(&now) {
            let number = number.map(tracing::field::display);
            info!(held.reason = %reason, account.sid = %account, number, "no longer held: {kind}");
        }
        let summary = &report.last_pass;
        let took = summary.finished_at.zip(summary.started_at).map(|(end, begin)| end.duration_since(begin));
        let duration_ms = took.and_then(|took| u64::try_from(took.as_millis()).ok());
        let (actions, held) = (report.plan.actions.len(), report.plan.held.len());
        match &summary.error {
            Some(error) => {
                error!(duration_ms, requests = summary.requests, %error, "the pass did not come to its end");
            }
            None if pass.did_something || self.last.is_none() => {
                info!(duration_ms, requests = summary.requests, actions, held, "pass done");
            }
            None => debug!(duration_ms, requests = summary.requests, actions, held, "pass done"),
        }
    }

    /// Waits for the interval, for another state, or for the end.
    async fn sleep(&mut self) {
        let jitter = 0.9 + 0.2 * fastrand::f64();
        let interval = tokio::time::sleep(self.interval.mul_f64(jitter));
        tokio::pin!(interval);
        loop {
            tokio::select! {
                () = &mut interval => return,
                () = self.reconciler.stopping.cancelled() => return,
                () = self.wake.woken() => {
                    self.watch.refresh();
                    if self.state_changed().await {
                        return;
                    }
                }
            }
        }
    }

    async fn state_changed(&self) -> bool {
        let known = self.loaded.as_ref().map(|loaded| loaded.sha256.as_str());
        state::digest(&self.reconciler.path).await.map_or(true, |now| Some(now.as_str()) != known)
    }
}
