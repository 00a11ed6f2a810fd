//! `apply`: passes until nothing is left to do, then exits.

use std::{io, sync::Arc};

use subaccountd_core::{Report, report::Mode};

use super::{Exit, colour, exit, look_at_journal, open_journal, print, print_faults, reconciler};
use crate::{
    metrics::Metrics,
    progress::while_passing,
    reconcile::Pass,
    render::{self, View},
    settings::{DryRun, Fleet},
    shutdown::Shutdown,
    wake,
};

/// The most passes of one `apply`.
const MOST_PASSES: usize = 5;

pub(super) async fn apply(fleet: &Fleet, dry_run: &DryRun) -> anyhow::Result<Exit> {
    let mode = if dry_run.dry_run { Mode::DryRun } else { Mode::Enforce };
    let shutdown = Shutdown::on_signals(fleet.connection.request_timeout())?;
    let stopping = shutdown.stopping.clone();
    let journal = if dry_run.dry_run {
        look_at_journal(&fleet.journal, &fleet.connection)?
    } else {
        open_journal(fleet)?
    };
    let mut reconciler = reconciler(fleet, mode, journal, &Arc::new(Metrics::new()), shutdown)?;
    reconciler.rules.policy.no_retry_from = Some(reconciler.journal.history().next_id());
    let (_, wake) = wake::channel();
    let mut last: Option<Pass> = None;
    let mut told = None;
    for _ in 0..MOST_PASSES {
        let loaded = reconciler.state.read_stable(None).await?;
        if told.as_ref() != Some(&loaded.sha256) {
            print_faults(&loaded);
            told = Some(loaded.sha256.clone());
        }
        let previous = last.as_ref().map(|pass| &pass.report);
        let pass = while_passing(&reconciler.requests, reconciler.pass(&loaded, &wake, previous)).await;
        let again = pass.completed && mode == Mode::Enforce && (pass.did_something || pass.skipped());
        last = Some(pass);
        if !again || stopping.is_cancelled() {
            break;
        }
    }
    let Some(pass) = last else { return Ok(Exit::Failed) };
    end(&pass, mode)
}

fn end(pass: &Pass, mode: Mode) -> anyhow::Result<Exit> {
    let report: &Report = &pass.report;
    let observed = pass.sight.as_ref().map(|sight| &sight.observed);
    if let Some(error) = &report.last_pass.error {
        anyhow::bail!("the pass did not come to its end: {error}");
    }
    print(&render::text(&View::of(report, observed), colour(&io::stdout())))?;
    if pass.left_unknown() {
        anyhow::bail!(
            "a write ended so that nobody knows its outcome: run `subaccountd plan` to see what is so"
        );
    }
    let exit = exit(report.desired_state.valid, &report.plan, false);
    let undone = mode == Mode::Enforce && !report.plan.actions.is_empty();
    Ok(if exit == Exit::Done && undone { Exit::Held } else { exit })
}
