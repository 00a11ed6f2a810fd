//! The reconcile loop: a pass, then a pause, until shutdown.

use std::{sync::Arc, time::Duration};

use subaccountd_core::{Pause, Report};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};
use tracing::info;

use super::{
    change_budget::ChangeBudget,
    freeze_watch::FreezeWatch,
    notify::Notifier,
    pass_log::log_pass,
    pause::{LastRead, change_is_due},
    state_view::StateView,
    troubles::{Trouble, Troubles},
};
use crate::{
    cli::settings::FlagValues,
    daemon::{
        metrics::Metrics,
        pass_history::PassHistory,
        wake::{self, Wake},
        watch::Watch,
    },
    desired::LoadedState,
    reconcile::Reconciler,
    snapshot::KeptPass,
};

/// The most passes that follow each other at once.
const MAX_AT_ONCE: usize = 5;
/// The first pause after a pass in which Twilio did not accept a write and asked for no wait.
const MIN_BACKPRESSURE: Duration = Duration::from_secs(1);
/// The longest pause for which Twilio may ask, when the interval is shorter.
const MAX_BACKPRESSURE: Duration = Duration::from_mins(4);

/// The channels through which the endpoints get the results of passes.
pub(crate) struct Outputs {
    pub(crate) report: watch::Sender<Option<Arc<Report>>>,
    pub(crate) ready: watch::Sender<Result<(), String>>,
    pub(crate) passes: Arc<PassHistory>,
    /// `None` when nothing is told.
    pub(crate) notifier: Option<Notifier>,
    /// `None` when snapshots are not served.
    pub(crate) snapshots: Option<Snapshots>,
}

/// The channel for the last observation, and the settings that belong to it.
pub(crate) struct Snapshots {
    pub(crate) to: watch::Sender<Option<Arc<KeptPass>>>,
    pub(crate) settings: Arc<FlagValues>,
}

/// Makes passes until shutdown.
pub(crate) struct ReconcileLoop {
    reconciler: Reconciler,
    metrics: Arc<Metrics>,
    interval: Duration,
    outputs: Outputs,
    wake: Wake,
    view: StateView,
    budget: ChangeBudget,
    troubles: Troubles,
    /// `None` without a place for the mark of a freeze.
    freezes: Option<FreezeWatch>,
    /// Notified when everything that is read from files is to be read again.
    reload: Arc<Notify>,
}

/// The step that follows a pass.
struct AfterPass {
    /// True when another pass follows at once, because something was written.
    at_once: bool,
    /// The wait that Twilio asked for when it did not accept a write; zero when it asked for none.
    backpressure: Option<Duration>,
    /// The knowledge of the state with which the pause begins, if there is a pause.
    known: LastRead,
}

impl AfterPass {
    const PAUSE_UNREAD: Self = Self { at_once: false, backpressure: None, known: LastRead::Unread };
}

/// The pause after the n-th pass in a row in which Twilio did not accept a write: the wait that it asked for, else 1 s,
/// doubling up to the interval. It is always shorter than the time after which the process counts as stuck.
fn backpressure_pause(asked: Duration, n: u32, interval: Duration) -> Duration {
    if asked > Duration::ZERO {
        return asked.min(interval.max(MAX_BACKPRESSURE));
    }
    MIN_BACKPRESSURE.saturating_mul(1 << n.saturating_sub(1).min(16)).min(interval.max(MIN_BACKPRESSURE))
}

impl ReconcileLoop {
    pub(crate) fn new(
        reconciler: Reconciler,
        metrics: Arc<Metrics>,
        interval: Duration,
        outputs: Outputs,
        reload: Arc<Notify>,
    ) -> Self {
        let (waker, wake) = wake::channel();
        let reader = reconciler.state.clone();
        let watch = Watch::new(reader.watched_paths(), waker.clone(), reader.files().clone());
        let freezes = reader.freeze_mark().map(|mark| FreezeWatch::new(mark.clone(), waker));
        let view = StateView::new(reader, watch, metrics.clone(), outputs.report.clone());
        let budget = ChangeBudget::new(Instant::now());
        Self {
            reconciler,
            metrics,
            interval,
            outputs,
            wake,
            view,
            budget,
            troubles: Troubles::default(),
            freezes,
            reload,
        }
    }

    pub(crate) async fn until_stopped(&mut self) {
        let stopping = self.reconciler.stopping.clone();
        let recovered = self.reconciler.recovered.clone();
        let (mut at_once, mut refused) = (0, 0);
        let probing = self.reconciler.probe_lists();
        let watching_freezes = self.freezes.take().map(FreezeWatch::spawn);
        while !stopping.is_cancelled() {
            let next = self.load_and_pass().await;
            refused = next.backpressure.map_or(0, |_| refused + 1);
            at_once += 1;
            if next.at_once && next.backpressure.is_none() && at_once < MAX_AT_ONCE {
                continue;
            }
            at_once = 0;
            let jitter = 0.9 + 0.2 * fastrand::f64();
            let interval = self.interval.mul_f64(jitter);
            let pause =
                next.backpressure.map_or(interval, |asked| backpressure_pause(asked, refused, interval));
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = recovered.notified() => {}
                () = self.reload.notified() => self.reload_files().await,
                () = sleep(pause) => {}
                () = change_is_due(&mut self.budget, &mut self.wake, next.known, &mut self.view) => {}
            }
        }
        probing.abort();
        watching_freezes.iter().for_each(JoinHandle::abort);
    }

    /// Reads the certificate authorities again. The state and a token file are read by the pass that follows.
    async fn reload_files(&self) {
        info!(
            "reloading: a pass begins with the state, the token and the certificate authorities as they are now"
        );
        self.reconciler.client.reload_authorities().await;
    }

    async fn load_and_pass(&mut self) -> AfterPass {
        self.metrics.pass_begins();
        self.wake.forget();
        let loaded = tokio::select! {
            biased;
            // Shutdown does not wait for a file system that hangs.
            () = self.reconciler.stopping.cancelled() => return AfterPass::PAUSE_UNREAD,
            loaded = self.view.for_pass() => loaded,
        };
        match loaded {
            Ok(loaded) => {
                self.troubles.note(Trouble::State, None);
                self.troubles.note(Trouble::Revision, loaded.revision_error.as_deref());
                self.note_pause(loaded.reading.desired.pause());
                self.pass(&loaded).await
            }
            Err(why) => {
                self.troubles.note(Trouble::State, Some(&why.to_string()));
                self.metrics.pass_failed();
                self.not_ready(format!("the desired state cannot be read: {why}"));
                AfterPass::PAUSE_UNREAD
            }
        }
    }

    fn note_pause(&mut self, pause: Option<Pause>) {
        let (paused, frozen) = match pause {
            Some(Pause::Frozen(freeze)) => (None, Some(freeze.to_string())),
            Some(Pause::Declared) => (Some("a document has `paused: true`".to_owned()), None),
            Some(Pause::Unreadable { file }) => (Some(format!("`{file}` cannot be read in full")), None),
            None => (None, None),
        };
        // A pause may last under a freeze.
        if frozen.is_none() {
            self.troubles.note(Trouble::Paused, paused.as_deref());
        }
        self.troubles.note(Trouble::Frozen, frozen.as_deref());
    }

    async fn pass(&mut self, loaded: &LoadedState) -> AfterPass {
        let previous = self.outputs.report.borrow().clone();
        if previous.is_none() {
            let report = self.reconciler.before_the_first_pass(loaded);
            self.metrics.publish_state(&report);
            self.outputs.report.send_replace(Some(Arc::new(report)));
        }
        let pass = self.reconciler.pass(loaded, previous.as_deref()).await;
        log_pass(&pass, previous.as_deref(), &mut self.troubles);
        let known = if pass.state_changed { LastRead::Changed } else { LastRead::Read };
        let next = AfterPass { at_once: pass.did_something, backpressure: pass.backpressure(), known };
        if pass.observation.is_some() {
            let _ = self.outputs.ready.send_replace(Ok(()));
        } else {
            let error = pass.report.last_pass.error.as_ref();
            self.not_ready(error.map_or_else(String::new, ToString::to_string));
        }
        if let Some((observation, Snapshots { to, settings })) =
            pass.observation.zip(self.outputs.snapshots.as_ref())
        {
            let kept = KeptPass::of(observation, settings.clone()).for_state(loaded.reading.clone());
            to.send_replace(Some(Arc::new(kept)));
        }
        self.metrics.health().set_oldest_list(pass.oldest_list);
        let report = Arc::new(pass.report);
        self.outputs.report.send_replace(Some(report.clone()));
        self.outputs.notifier.iter().for_each(|notifier| notifier.tell(&report));
        // Counted last: a pass that is counted is already visible everywhere else.
        self.outputs.passes.add(&report);
        self.metrics.publish(&report, pass.credentials_valid);
        next
    }

    /// Records why the daemon is not ready. Once ready, it stays ready.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_after_backpressure_is_what_twilio_asks_for_or_doubles_up_to_the_interval() {
        let seconds = Duration::from_secs;
        let interval = Duration::from_mins(1);
        let paused: Vec<_> =
            (1..=8).map(|n| backpressure_pause(Duration::ZERO, n, interval).as_secs()).collect();
        assert_eq!(paused, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backpressure_pause(Duration::ZERO, 3, Duration::from_millis(100)), seconds(1));
        assert_eq!(backpressure_pause(seconds(15), 3, Duration::from_millis(100)), seconds(15));
        assert_eq!(
            backpressure_pause(seconds(600), 1, interval),
            Duration::from_mins(4),
            "it would seem to be stuck"
        );
        assert_eq!(backpressure_pause(seconds(600), 1, Duration::from_mins(5)), Duration::from_mins(5));
    }
}
