//! The service manager: systemd is told when the daemon has started, what its last pass did, and that it goes on.
//!
//! This is the protocol of `Type=notify` and of `WatchdogSec`. Without `NOTIFY_SOCKET` no message is sent.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use sd_notify::{NotifyState, notify};
use subaccountd_core::{Report, report::PassResult, text::count};
use tokio::{sync::watch, time::interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// The pause between two looks at the daemon when there is no watchdog.
const STATUS_PAUSE: Duration = Duration::from_secs(10);

/// Tells the service manager that the daemon has started: its settings are valid, it holds the journal, and it listens. It
/// does not wait for Twilio, because a restart would not help.
pub(crate) fn started() {
    send(&[NotifyState::Ready, NotifyState::Status("waiting for the first pass")]);
}

/// Keeps the service manager informed, until the process ends: of the result of the last pass, of the stop, and while
/// `is_live` that the daemon is not stuck. The caller polls it beside the passes, so a thread that hangs is noticed.
pub(crate) async fn inform(
    report: &watch::Receiver<Option<Arc<Report>>>,
    is_live: impl Fn() -> bool,
    stopping: &CancellationToken,
) -> Infallible {
    let watchdog = sd_notify::watchdog_enabled();
    // Two messages fit into the period of the watchdog.
    let mut looks =
        interval(watchdog.map_or(STATUS_PAUSE, |period| period / 2).max(Duration::from_millis(10)));
    let mut shown = String::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stopping.cancelled() => break,
        }
        if watchdog.is_some() && is_live() {
            send(&[NotifyState::Watchdog]);
        }
        let status = report.borrow().as_deref().map(status);
        if let Some(status) = status.filter(|status| *status != shown) {
            send(&[NotifyState::Status(&status)]);
            shown = status;
        }
    }
    stopping_now();
    pending().await
}

/// Tells the service manager that the daemon drains; told twice, it is the same.
pub(crate) fn stopping_now() {
    send(&[NotifyState::Stopping, NotifyState::Status("finishing the writes in flight")]);
}

/// One line about the last pass, without text from outside.
fn status(report: &Report) -> String {
    let result = match report.last_pass.result {
        Some(PassResult::Success) => "last pass succeeded",
        Some(PassResult::Failed) => "last pass failed",
        None => "no pass yet",
    };
    let (actions, held) = (count(report.plan.actions.len(), "action"), report.plan.held.len());
    format!("{} mode; {result}; {actions} planned, {held} held", report.mode.as_str())
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        debug!(error = %error, "message to the service manager not sent");
    }
}
