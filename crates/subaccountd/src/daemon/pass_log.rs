//! The log of passes: one line for each that did something or failed, and one for each new or ended hold.

use std::collections::BTreeSet;

use subaccountd_core::{Report, report::HeldView};
use tracing::{debug, error, info, warn};

use crate::{desired::LoadedState, reconcile::Pass};

/// Logs `pass`; `before` is the report of the one before it.
pub(super) fn log_pass(pass: &Pass, before: Option<&Report>) {
    let report = &pass.report;
    let key = |held: &HeldView| (held.account, held.number, held.kind, held.reason);
    let held = |report: &Report| report.plan.held.iter().map(key).collect::<BTreeSet<_>>();
    let held_before = before.map(held).unwrap_or_default();
    let held_now = held(report);
    for held in report.plan.held.iter().filter(|held| !held_before.contains(&key(held))) {
        let number = held.number.map(tracing::field::display);
        warn!(held.reason = %held.reason, account.sid = %held.account, number, remedy = held.remedy, "held: {}", held.message);
    }
    for (account, number, kind, reason) in held_before.difference(&held_now) {
        let target = number.map_or_else(|| account.to_string(), |number| number.to_string());
        let number = number.map(tracing::field::display);
        info!(held.reason = %reason, account.sid = %account, number, "no longer held: {kind} {target}");
    }
    let summary = &report.last_pass;
    let took = summary.finished_at.zip(summary.started_at).map(|(end, begin)| end.duration_since(begin));
    let duration_ms = took.and_then(|took| u64::try_from(took.as_millis()).ok());
    let (actions, held) = (report.plan.actions.len(), report.plan.held.len());
    match &summary.error {
        Some(error) => error!(duration_ms, requests = summary.requests, %error, "reconcile pass aborted"),
        None if pass.did_something || before.is_none() => {
            info!(duration_ms, requests = summary.requests, actions, held, "reconcile pass done");
        }
        None => debug!(duration_ms, requests = summary.requests, actions, held, "reconcile pass done"),
    }
}

/// Logs a state whose meaning differs from that of the last pass.
pub(super) fn log_state(loaded: &LoadedState) {
    info!(state.sha256 = %loaded.sha256, state.revision = loaded.revision, "desired state loaded");
    for fault in &loaded.reading.faults {
        error!("{}:{}:{}: {}; {}", fault.file, fault.line, fault.column, fault.message, fault.help);
    }
}
