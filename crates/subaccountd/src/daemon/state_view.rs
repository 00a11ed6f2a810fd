//! The state as the daemon reads and shows it: read after each wake, shown as read, and compared with that of the last
//! pass.

use std::sync::Arc;

use subaccountd_core::{Freeze, Report};
use tokio::sync::watch;
use tracing::debug;

use super::{
    pass_log::log_state,
    pause::{CheckState, StateCheck},
};
use crate::{
    daemon::{metrics::Metrics, watch::Watch},
    desired::{LoadedState, ReadError, StateReader},
    reconcile::shown,
};

/// See the module.
pub(super) struct StateView {
    reader: StateReader,
    watch: Watch,
    metrics: Arc<Metrics>,
    report_to: watch::Sender<Option<Arc<Report>>>,
    /// The state as it was read last.
    loaded: Option<LoadedState>,
    /// The state with which the last pass began.
    passed: Option<LoadedState>,
}

impl StateView {
    pub(super) const fn new(
        reader: StateReader,
        watch: Watch,
        metrics: Arc<Metrics>,
        report_to: watch::Sender<Option<Arc<Report>>>,
    ) -> Self {
        Self { reader, watch, metrics, report_to, loaded: None, passed: None }
    }

    /// Reads the state for a pass.
    pub(super) async fn for_pass(&mut self) -> Result<LoadedState, ReadError> {
        let loaded = self.read().await?;
        if !self.is_passed(&loaded) {
            log_state(&loaded);
        }
        self.passed = Some(loaded.clone());
        Ok(loaded)
    }

    /// Reads the state, and shows it when it changed.
    async fn read(&mut self) -> Result<LoadedState, ReadError> {
        // Watched before it is read, so that no change is missed.
        self.metrics.health().set_watched(self.watch.refresh().await?);
        let loaded = self.reader.read_stable(self.loaded.as_ref()).await?;
        let shown_as_is = |known: &LoadedState| shown_facts(known) == shown_facts(&loaded);
        if !self.loaded.as_ref().is_some_and(shown_as_is) {
            self.show(&loaded);
        }
        self.metrics.health().state_was_read(loaded.revision.as_deref());
        self.loaded = Some(loaded.clone());
        Ok(loaded)
    }

    fn show(&self, loaded: &LoadedState) {
        self.report_to.send_if_modified(|report| {
            // Before the first pass there is nothing to correct.
            let Some(report) = report else { return false };
            Arc::make_mut(report).desired_state = shown(loaded);
            self.metrics.publish_state(report);
            true
        });
    }

    fn is_passed(&self, loaded: &LoadedState) -> bool {
        self.passed.as_ref().is_some_and(|passed| passed.means_same_as(loaded))
    }
}

/// The facts of a state that are shown between passes.
fn shown_facts(loaded: &LoadedState) -> (&str, Option<&str>, Option<&Freeze>) {
    (&loaded.sha256, loaded.revision.as_deref(), loaded.reading.desired.freeze())
}

impl CheckState for StateView {
    async fn look(&mut self) -> StateCheck {
        match self.read().await {
            Ok(loaded) if self.is_passed(&loaded) => StateCheck::Same,
            Ok(_) => StateCheck::Changed,
            Err(error) => {
                debug!(%error, "desired state cannot be read; retrying");
                match error {
                    ReadError::NoAnswer(_) => StateCheck::NoAnswer,
                    ReadError::KeepsChanging(_) | ReadError::TooSlow => StateCheck::Unstable,
                }
            }
        }
    }

    async fn answered(&self) {
        self.reader.files().is_free().await;
    }
}
