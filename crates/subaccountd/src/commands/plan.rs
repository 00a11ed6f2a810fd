//! `plan`: one observation, and what `run` would do about it.

use std::{io, sync::Arc};

use subaccountd_core::report::Mode;
use tokio_util::sync::CancellationToken;

use super::{Exit, colour, exit, look_at_journal, print, print_faults, reconciler};
use crate::{
    cli::PlanFormat, metrics::Metrics, progress::while_reading, render, settings::Fleet, state, wake,
};

pub(super) async fn plan(fleet: &Fleet, output: PlanFormat, detailed_exitcode: bool) -> anyhow::Result<Exit> {
    let reconciler = reconciler(
        fleet,
        Mode::DryRun,
        look_at_journal(fleet)?,
        &Arc::new(Metrics::new()),
        CancellationToken::new(),
    )?;
    let loaded = state::settled(&fleet.desired, None).await?;
    print_faults(&loaded);
    let (_, wake) = wake::wake();
    let pass = while_reading(&reconciler.requests, reconciler.pass(&loaded, &wake, None)).await;
    if let Some(error) = &pass.report.last_pass.error {
        anyhow::bail!("no plan could be made: {error}");
    }
    print(&match output {
        PlanFormat::Text => render::text(&pass.report, colour(&io::stdout())),
        PlanFormat::Json => serde_json::to_string_pretty(&pass.report.plan)? + "\n",
        PlanFormat::Markdown => render::markdown(&pass.report),
    })?;
    Ok(exit(&pass.report, detailed_exitcode))
}
