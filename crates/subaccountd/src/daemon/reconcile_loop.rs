//! The loop: a pass, a pause, until the process is to stop.

use std::{sync::Arc, time::Duration};

use subaccountd_core::Report;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tracing::error;

use super::{
    change_budget::ChangeBudget,
    pass_log::log_pass,
    pause::{Known, change_is_due},
    state_view::StateView,
};
use crate::{
    metrics::Metrics,
    passes::Passes,
    reconcile::Reconciler,
    settings::Words,
    snapshot::Kept,
    state::LoadedState,
    wake::{self, Wake},
    watch::Watch,
};

/// The most passes that follow each other at once.
const MAX_AT_ONCE: usize = 5;

/// The places in which the endpoints find what passes see and do.
pub(crate) struct Outputs {
    pub(crate) report: watch::Sender<Option<Arc<Report>>>,
    pub(crate) ready: watch::Sender<Result<(), String>>,
    pub(crate) passes: Arc<Passes>,
    /// `None` when snapshots are not served.
    pub(crate) snapshots: Option<Snapshots>,
}

/// The place of what a pass saw, and the settings that go with it.
pub(crate) struct Snapshots {
    pub(crate) to: watch::Sender<Option<Arc<Kept>>>,
    pub(crate) settings: Arc<Words>,
}

/// Makes passes until the process is to stop.
pub(crate) struct ReconcileLoop {
    reconciler: Reconciler,
    metrics: Arc<Metrics>,
    interval: Duration,
    outputs: Outputs,
    wake: Wake,
    view: StateView,
    budget: ChangeBudget,
    last: Option<Arc<Report>>,
}

/// What follows a pass.
struct Next {
    /// Another pass at once, as something was written.
    at_once: bool,
    /// What the pause begins with, if there is one.
    known: Known,
}

impl Next {
    const PAUSE_UNREAD: Self = Self { at_once: false, known: Known::Unread };
}

impl ReconcileLoop {
    pub(crate) fn new(
        reconciler: Reconciler,
        metrics: Arc<Metrics>,
        interval: Duration,
        outputs: Outputs,
    ) -> Self {
        let (waker, wake) = wake::channel();
        let reader = reconciler.state.clone();
        let watch = Watch::new(reader.path(), waker, reader.files().clone());
        let view = StateView::new(reader, watch, metrics.clone(), outputs.report.clone());
        let budget = ChangeBudget::new(Instant::now());
        Self { reconciler, metrics, interval, outputs, wake, view, budget, last: None }
    }

    pub(crate) async fn until_stopped(&mut self) {
        let stopping = self.reconciler.stopping.clone();
        let mut at_once = 0;
        while !stopping.is_cancelled() {
            let next = self.load_and_pass().await;
            at_once += 1;
            if next.at_once && at_once < MAX_AT_ONCE {
                continue;
            }
            at_once = 0;
            let jitter = 0.9 + 0.2 * fastrand::f64();
            tokio::select! {
                () = stopping.cancelled() => {}
                () = sleep(self.interval.mul_f64(jitter)) => {}
                () = change_is_due(&mut self.budget, &mut self.wake, next.known, &mut self.view) => {}
            }
        }
    }

    async fn load_and_pass(&mut self) -> Next {
        self.metrics.pass_begins();
        self.wake.forget();
        let loaded = tokio::select! {
            loaded = self.view.for_pass() => loaded,
            // A file system that hangs is not waited for.
            () = self.reconciler.stopping.cancelled() => return Next::PAUSE_UNREAD,
        };
        match loaded {
            Ok(loaded) => self.pass(&loaded).await,
            Err(why) => {
                error!(error = %why, "the state cannot be read");
                self.metrics.pass_failed();
                self.not_ready(format!("the state cannot be read: {why}"));
                Next::PAUSE_UNREAD
            }
        }
    }

    async fn pass(&mut self, loaded: &LoadedState) -> Next {
        if self.last.is_none() {
            let report = self.reconciler.before_the_first_pass(loaded);
            self.metrics.publish_state(&report);
            self.outputs.report.send_replace(Some(Arc::new(report)));
        }
        let pass = self.reconciler.pass(loaded, &self.wake, self.last.as_deref()).await;
        log_pass(&pass, self.last.as_deref());
        self.outputs.passes.add(&pass.report);
        self.metrics.publish(&pass.report, pass.credentials_valid);
        if pass.sight.is_some() {
            let _ = self.outputs.ready.send_replace(Ok(()));
        } else {
            self.not_ready(pass.report.last_pass.error.clone().unwrap_or_default());
        }
        let known = if pass.state_changed { Known::Changed } else { Known::Read };
        let next = Next { at_once: pass.did_something, known };
        if let Some((sight, Snapshots { to, settings })) = pass.sight.zip(self.outputs.snapshots.as_ref()) {
            to.send_replace(Some(Arc::new(Kept::of(sight, settings.clone()))));
        }
        let report = Arc::new(pass.report);
        self.last = Some(report.clone());
        self.outputs.report.send_replace(Some(report));
        next
    }

    /// Once ready, the daemon stays so.
    fn not_ready(&self, why: String) {
        self.outputs.ready.send_if_modified(|ready| {
            let waits = ready.is_err();
            if waits {
                *ready = Err(why);
            }
            waits
        });
    }
}
