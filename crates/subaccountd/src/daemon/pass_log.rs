//! The log of passes: one line for each that did something, one for each new or ended hold, and one for the begin and the end
//! of a trouble.

use std::collections::BTreeMap;

use subaccountd_core::{
    AccountRef, ActionKind, CLOCK_TOLERANCE, PhoneNumber, Reason, Report, report::HeldView, text::count,
};
use tracing::{debug, error, info, warn};

use super::troubles::{Trouble, Troubles};
use crate::{desired::LoadedState, reconcile::Pass};

/// The most lines about one reason in one pass. The others are counted in one more.
const MAX_LINES: usize = 20;

/// The parts of a held item that make it the same over passes.
type Key = (AccountRef, Option<PhoneNumber>, ActionKind);

/// Logs `pass`; `before` is the report of the one before it.
pub(super) fn log_pass(pass: &Pass, before: Option<&Report>, troubles: &mut Troubles) {
    let report = &pass.report;
    // A pass that was aborted shows the plan of the one before it.
    if !report.last_pass.aborted {
        log_held(report, before);
        if before.is_none() {
            log_held_as_before(report);
        }
    }
    let summary = &report.last_pass;
    let took = summary.finished_at.zip(summary.started_at).map(|(end, begin)| end.duration_since(begin));
    let duration_ms = took.and_then(|took| u64::try_from(took.as_millis()).ok());
    let (actions, held) = (report.plan.actions.len(), report.plan.held.len());
    let error = summary.error.as_ref().filter(|_| summary.aborted).map(|error| error.message.as_str());
    troubles.note(Trouble::Pass, error);
    if let (Some(skew), true) = (report.figures.clock_skew, pass.observation.is_some()) {
        let cause = format!("this machine differs from Twilio by more than {CLOCK_TOLERANCE:#}");
        troubles.note(Trouble::Clock, (skew.abs() > CLOCK_TOLERANCE).then_some(cause.as_str()));
    }
    if pass.did_something || (before.is_none() && !summary.aborted) {
        info!(duration_ms, requests = summary.requests, actions, held.count = held, "reconcile pass done");
    } else {
        debug!(duration_ms, requests = summary.requests, actions, held.count = held, "reconcile pass ended");
    }
}

/// Logs what is newly held, and what is no longer held. Another reason for the same item is one line.
///
/// An item is new when it is held since the end of this pass; a restart makes none new.
fn log_held(report: &Report, before: Option<&Report>) {
    let key = |held: &HeldView| -> Key { (held.account.clone(), held.number, held.kind) };
    let reasons = |report: &Report| -> BTreeMap<Key, Reason> {
        report.plan.held.iter().map(|held| (key(held), held.reason)).collect()
    };
    let held_before = before.map(reasons).unwrap_or_default();
    let held_now = reasons(report);
    let mut lines = Lines::default();
    for held in report.plan.held.iter().filter(|held| is_new(report, held)) {
        if !lines.has_room(held.reason) {
            continue;
        }
        let number = held.number.map(tracing::field::display);
        macro_rules! line {
            ($level:ident) => {
                $level!(held.reason = %held.reason, account.sid = held.account.sid().map(display), account.name = held.account.name().map(display), number, remedy = held.remedy, "held: {}", held.message)
            };
        }
        if held.reason.only_waits() { line!(info) } else { line!(warn) }
    }
    lines.tell_the_rest("held");
    let mut lines = Lines::default();
    for ((account, number, kind), reason) in
        held_before.iter().filter(|(key, _)| !held_now.contains_key(*key))
    {
        if !lines.has_room(*reason) {
            continue;
        }
        let target = number.map_or_else(|| account.to_string(), |number| number.to_string());
        let number = number.map(tracing::field::display);
        info!(held.reason = %reason, account.sid = account.sid().map(display), account.name = account.name().map(display), number, "no longer held: {kind} {target}");
    }
    lines.tell_the_rest("no longer held");
}

/// Returns true for an item that is held since this pass.
fn is_new(report: &Report, held: &HeldView) -> bool {
    report.last_pass.finished_at.is_none_or(|end| held.since >= end)
}

/// Logs one line for what was held before the process started, and was told then.
fn log_held_as_before(report: &Report) {
    let items = report.plan.held.iter().filter(|held| !is_new(report, held)).count();
    if items > 0 {
        info!(held.count = items, "held as before the restart: {}", count(items, "item"));
    }
}

/// The lines of one pass, by reason.
#[derive(Default)]
struct Lines(BTreeMap<Reason, usize>);

impl Lines {
    /// Counts a line about `reason`, and returns true when it is to be written.
    fn has_room(&mut self, reason: Reason) -> bool {
        let lines = self.0.entry(reason).or_default();
        *lines += 1;
        *lines <= MAX_LINES
    }

    fn tell_the_rest(&self, what: &str) {
        for (reason, lines) in self.0.iter().filter(|(_, lines)| **lines > MAX_LINES) {
            let more = lines - MAX_LINES;
            warn!(held.reason = %reason, more, "{what}: {more} more for {reason}; `/status` has all");
        }
    }
}

/// Logs a state whose meaning differs from that of the last pass.
pub(super) fn log_state(loaded: &LoadedState) {
    info!(state.sha256 = %loaded.sha256, state.revision = loaded.revision, "desired state loaded");
    for fault in &loaded.reading.faults {
        error!("{}:{}:{}: {}; {}", fault.file, fault.line, fault.column, fault.message, fault.help);
    }
}
