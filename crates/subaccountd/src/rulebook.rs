//! The rulebook: what the settings allow, and the one way from what is known to an approved plan.

use subaccountd_core::{
    ApprovedPlan, Desired, History, Limits, Now, Observed, Policy, Unplannable, approve, plan,
};

/// What may be done, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct Rulebook {
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
}

impl Rulebook {
    /// What is to be done, past the brake.
    pub(crate) fn approved(
        &self,
        desired: &Desired,
        observed: &Observed,
        history: &History,
        now: Now,
    ) -> Result<ApprovedPlan, Unplannable> {
        let plan = plan(desired, observed, history, &self.policy, now)?;
        Ok(approve(plan, &self.limits, history, now))
    }
}
