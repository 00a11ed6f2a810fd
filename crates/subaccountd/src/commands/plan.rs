//! `plan`: the actions that `run` would take on one observation, or on a snapshot.

use subaccountd_core::AccountSid;

use super::{Exit, eprint, exit, plan_input::sighting, print};
use crate::{
    cli::{ExplicitFlags, PlanFormat, settings::ReconcileArgs},
    output::{
        printed::Printed,
        render::{self, Style, View},
    },
    snapshot::Source,
};

/// The basis of a plan, and the form in which the plan is shown.
#[derive(Debug, Clone)]
pub(super) struct PlanArgs<'a> {
    pub(super) output: PlanFormat,
    pub(super) detailed_exitcode: bool,
    pub(super) only: Option<AccountSid>,
    pub(super) from: Option<&'a Source>,
    pub(super) explicit_flags: &'a ExplicitFlags,
}

pub(super) async fn plan(fleet: ReconcileArgs, how: &PlanArgs<'_>) -> anyhow::Result<Exit> {
    let sighting = sighting(fleet, how.from, how.explicit_flags).await?;
    let report = &sighting.report;
    let mut view = View::of(report, Some(&sighting.observation.observed)).remarked(sighting.remarks.clone());
    if let Some(sid) = how.only {
        if !view.knows(sid) {
            anyhow::bail!("{sid} is neither in the state nor among the accounts at Twilio: check the SID");
        }
        view = view.only(sid);
    }
    print(&match how.output {
        PlanFormat::Text => Printed::text(&render::text(&view, Style::of_stdout())),
        PlanFormat::Json => {
            // The document has no key for them.
            for words in &sighting.remarks {
                eprint(&format!("{words}\n"));
            }
            Printed::json(&(serde_json::to_string_pretty(view.plan())? + "\n"))
        }
        PlanFormat::Markdown => Printed::text(&render::markdown(&view)),
    })?;
    Ok(exit(report.desired_state.valid, view.plan(), how.detailed_exitcode))
}
