//! The input of `plan` and `explain`: the plan for a state, and the observation or the snapshot that it was made from.

use std::sync::Arc;

use jiff::SignedDuration;
use subaccountd_core::{Report, text::rough};

use super::{print_faults, reconciler};
use crate::{
    cli::{
        ExplicitFlags,
        settings::{GuardrailArgs, ReconcileArgs},
    },
    clock,
    daemon::{metrics::Metrics, shutdown::Shutdown},
    desired as state,
    desired::LoadedState,
    output::progress::while_reading,
    reconcile::{Observation, Reconciler},
    snapshot::{self, Snapshot, Source},
};

/// The age above which a snapshot causes a warning.
const OLD: SignedDuration = SignedDuration::from_hours(1);

/// See the module.
pub(super) struct PlanInput {
    pub(super) report: Report,
    pub(super) observation: Observation,
    pub(super) rules: GuardrailArgs,
    pub(super) loaded: LoadedState,
    /// The notes on the origin of the plan, for its reader.
    pub(super) remarks: Vec<String>,
    /// The connection to Twilio; `None` for a plan on a snapshot.
    pub(super) reconciler: Option<Reconciler>,
}

/// Plans for the state of `fleet`. Prints its faults.
pub(super) async fn sighting(
    fleet: ReconcileArgs,
    from: Option<&Source>,
    explicit_flags: &ExplicitFlags,
) -> anyhow::Result<PlanInput> {
    match from {
        Some(source) => recalled(fleet, source, explicit_flags).await,
        None => observed(fleet).await,
    }
}

async fn observed(fleet: ReconcileArgs) -> anyhow::Result<PlanInput> {
    let metrics = Arc::new(Metrics::new());
    let reconciler = reconciler(&fleet, true, &metrics, Shutdown::new())?;
    let loaded = reconciler.state.read_stable(None).await?;
    print_faults(&loaded);
    let pass = while_reading(&reconciler.requests, reconciler.pass(&loaded, None)).await;
    let error = pass.report.last_pass.error.clone();
    let Some(observation) = pass.observation.filter(|_| error.is_none()) else {
        anyhow::bail!("cannot plan: {}", error.map_or_else(String::new, |error| error.to_string()));
    };
    let (report, rules) = (pass.report, fleet.rules);
    Ok(PlanInput { report, observation, rules, loaded, remarks: Vec::new(), reconciler: Some(reconciler) })
}

async fn recalled(
    fleet: ReconcileArgs,
    source: &Source,
    explicit_flags: &ExplicitFlags,
) -> anyhow::Result<PlanInput> {
    let loaded = state::read_stable(&fleet.desired).await?;
    print_faults(&loaded);
    let snapshot = snapshot::read(source).await?;
    let mut words = snapshot.settings.clone().into_owned();
    let here = fleet.rules.words();
    let mut changed = Vec::new();
    for (flag, value) in here.into_iter().filter(|(flag, _)| explicit_flags.contains(flag)) {
        if words.get(&flag) != Some(&value) {
            changed.push(format!("--{flag} {value}"));
        }
        words.insert(flag, value);
    }
    let rules = GuardrailArgs::from_words(&words).map_err(|error| {
        anyhow::anyhow!("{}: the settings of the snapshot cannot be read: {}", source.name(), error.kind())
    })?;
    let remarks = remarks(&snapshot, &changed);
    let (report, observation) = snapshot::report(snapshot, &loaded, &rules)?;
    Ok(PlanInput { report, observation, rules, loaded, remarks, reconciler: None })
}

fn remarks(snapshot: &Snapshot<'_>, changed: &[String]) -> Vec<String> {
    let (taken, now) = (snapshot.taken_at, clock::now());
    let but = if changed.is_empty() { String::new() } else { format!(", except {}", changed.join(", ")) };
    let mut remarks = vec![format!(
        "Based on the snapshot of {} ({} old), taken by subaccountd {}, with its settings{but}.",
        subaccountd_core::whole_seconds(taken),
        rough(now.duration_since(taken).max(SignedDuration::ZERO)),
        snapshot.taker()
    )];
    if now.duration_since(taken) > OLD {
        remarks.push("WARNING: the snapshot is old and lacks all later changes. Take a new one.".to_owned());
    }
    remarks
}
