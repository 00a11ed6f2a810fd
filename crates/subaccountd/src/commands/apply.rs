//! `apply`: reconciles until nothing is left to do, then exits.

use std::{sync::Arc, time::Duration};

use subaccountd_core::{Report, report::Mode};
use tokio::time::sleep;

use super::{Exit, exit, print, print_faults, reconciler};
use crate::{
    cli::settings::{DryRunArgs, ReconcileArgs},
    daemon::{
        metrics::Metrics,
        shutdown::{OnHangup, Shutdown},
    },
    output::{
        printed::Printed,
        progress::while_passing,
        render::{self, Style, View},
    },
    reconcile::Pass,
};

/// The most passes of one `apply`.
const MAX_PASSES: usize = 5;
/// The wait before the next pass when Twilio did not accept a write and asked for no wait.
const MIN_WAIT: Duration = Duration::from_secs(1);

pub(super) async fn apply(fleet: &ReconcileArgs, dry_run: &DryRunArgs) -> anyhow::Result<Exit> {
    let shutdown = Shutdown::on_signals(fleet.connection.request_timeout(), OnHangup::Drain)?;
    let stopping = shutdown.stopping.clone();
    let mut reconciler = reconciler(fleet, dry_run.dry_run, &Arc::new(Metrics::new()), shutdown)?;
    let first_write = reconciler.journal.history().next_id();
    reconciler.guardrails.policy.no_retry_from = Some(first_write);
    let mode = reconciler.mode();
    let mut last: Option<Pass> = None;
    let mut told = None;
    for n in 1..=MAX_PASSES {
        let loaded = tokio::select! {
            biased;
            // The writer of a pipe may never close it.
            () = stopping.cancelled(), if last.is_none() => anyhow::bail!("stopped while reading the state"),
            loaded = reconciler.state.read_stable(None) => loaded?,
        };
        if told.as_ref() != Some(&loaded.sha256) {
            print_faults(&loaded);
            told = Some(loaded.sha256.clone());
        }
        let previous = last.as_ref().map(|pass| &pass.report);
        let pass = while_passing(&reconciler.requests, reconciler.pass(&loaded, previous)).await;
        let again =
            !pass.report.last_pass.aborted && mode == Mode::Enforce && (pass.did_something || pass.skipped());
        let wait = pass.backpressure().map(|wait| wait.max(MIN_WAIT)).unwrap_or_default();
        last = Some(pass);
        if !again || n == MAX_PASSES {
            break;
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stopping.cancelled() => break,
        }
        if stopping.is_cancelled() {
            break;
        }
    }
    let Some(pass) = last else { return Ok(Exit::Failed) };
    let left_unknown = reconciler.journal.history().is_any_unknown_since(first_write);
    // The reader of the result may be a pager. Meanwhile another process may have the journal.
    drop(reconciler);
    end(&pass, mode, left_unknown)
}

fn end(pass: &Pass, mode: Mode, left_unknown: bool) -> anyhow::Result<Exit> {
    let report: &Report = &pass.report;
    let observed = pass.observation.as_ref().map(|observation| &observation.observed);
    let error = report.last_pass.error.as_ref();
    if let Some(error) = error.filter(|_| report.last_pass.aborted) {
        anyhow::bail!("reconcile pass aborted: {error}");
    }
    let text = render::text(&View::of(report, observed), Style::of_stdout());
    // What was done does not depend on who reads the result.
    let _ = print(&Printed::text(&text));
    if left_unknown {
        anyhow::bail!("the outcome of a write is unknown: run `subaccountd plan` to see the current state");
    }
    if let Some(error) = error {
        anyhow::bail!("not every write was made: {error}");
    }
    let exit = exit(report.desired_state.valid, &report.plan, false);
    let undone = mode == Mode::Enforce && !report.plan.actions.is_empty();
    Ok(if exit == Exit::Done && undone { Exit::Held } else { exit })
}
