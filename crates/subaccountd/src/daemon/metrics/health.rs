//! The health of the daemon: its state, its credentials, and what is off, paused, skewed, unwatched or not writable.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{Gauge, GaugeVec};
use subaccountd_core::{Report, report::Mode};

use super::{Maker, count, seconds};
use crate::clock;

/// The gauges of the daemon itself.
pub(crate) struct Health {
    valid: Gauge,
    faults: Gauge,
    last_change: Gauge,
    state_info: GaugeVec,
    last_read: Gauge,
    paused: Gauge,
    dry_run: Gauge,
    frozen: Gauge,
    journal_writable: Gauge,
    watcher_healthy: Gauge,
    interval: Gauge,
    /// Absent until Twilio told its time.
    clock_skew: GaugeVec,
    /// Absent until Twilio judged them.
    credentials: GaugeVec,
    /// Absent until a list was read.
    oldest_list: GaugeVec,
}

impl Health {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        Self {
            valid: make.gauge("desired_state_valid", "1 if the desired state has no fault, else 0."),
            faults: make.gauge("desired_state_faults", "Number of faults in the desired state."),
            last_change: make.gauge(
                "desired_state_last_change_timestamp_seconds",
                "Time of the last change in the meaning of the desired state.",
            ),
            credentials: make.gauges(
                "credentials_valid",
                "1 if Twilio accepted the credentials last, 0 if it refused them; absent before it judged them.",
                &[],
            ),
            oldest_list: make.gauges(
                "number_lists_oldest_timestamp_seconds",
                "Time at which the oldest number list that counts was read; absent until a list was read.",
                &[],
            ),
            state_info: make.gauges(
                "desired_state_info",
                "Revision of the desired state; always 1. Empty when unknown.",
                &["revision"],
            ),
            last_read: make.gauge(
                "desired_state_last_read_timestamp_seconds",
                "Time at which the desired state was last read.",
            ),
            paused: make.gauge("paused", "1 if the whole desired state is paused, else 0."),
            dry_run: make.gauge("dry_run", "1 if nothing is written to Twilio, else 0."),
            frozen: make.gauge("frozen", "1 if `subaccountd freeze` stopped all writes, else 0."),
            journal_writable: make.gauge("journal_writable", "1 if the journal can be written, else 0."),
            watcher_healthy: make.gauge(
                "watcher_healthy",
                "1 if changes of the desired state are noticed at once, 0 if only at the interval.",
            ),
            interval: make.gauge("interval_seconds", "Time between passes, without its jitter."),
            clock_skew: make.gauges(
                "clock_skew_seconds",
                "Twilio's clock less the one of this machine; absent before Twilio told its time.",
                &[],
            ),
        }
    }

    /// Publishes that the state was read, at this revision.
    pub(crate) fn state_was_read(&self, revision: Option<&str>) {
        self.last_read.set(seconds(clock::now()));
        self.state_info.reset();
        self.state_info.with_label_values(&[revision.unwrap_or_default()]).set(1.0);
    }

    /// Publishes whether every folder of the state is watched.
    pub(crate) fn set_watched(&self, is_watched: bool) {
        self.watcher_healthy.set(f64::from(is_watched));
    }

    /// Publishes the time between passes.
    pub(crate) fn set_interval(&self, interval: Duration) {
        self.interval.set(interval.as_secs_f64());
    }

    /// Publishes the time at which the oldest number list was read, when there is one.
    pub(crate) fn set_oldest_list(&self, read_at: Option<Timestamp>) {
        if let Some(read_at) = read_at {
            self.oldest_list.with_label_values::<&str>(&[]).set(seconds(read_at));
        }
    }

    pub(super) fn publish_state(&self, report: &Report) {
        let state = &report.desired_state;
        self.valid.set(f64::from(state.valid));
        self.faults.set(count(state.fault_count));
        self.last_change.set(seconds(state.loaded_at));
        self.paused.set(f64::from(state.paused));
        self.frozen.set(f64::from(state.frozen.is_some()));
        self.dry_run.set(f64::from(report.mode == Mode::DryRun));
    }

    /// Publishes what a pass showed.
    pub(super) fn publish(&self, report: &Report, credentials_valid: Option<bool>) {
        if let Some(valid) = credentials_valid {
            self.credentials.with_label_values::<&str>(&[]).set(f64::from(valid));
        }
        self.journal_writable.set(f64::from(report.journal_error.is_none()));
        if let Some(skew) = report.figures.clock_skew {
            self.clock_skew.with_label_values::<&str>(&[]).set(skew.as_secs_f64());
        }
    }
}
