//! The budgets within the window, and the allowances that raise them.

use prometheus::GaugeVec;
use subaccountd_core::report::Figures;

use super::{Maker, count, seconds};

/// The gauges of the budgets, by action kind.
pub(super) struct BudgetGauges {
    limit: GaugeVec,
    remaining: GaugeVec,
    allowance_until: GaugeVec,
}

impl BudgetGauges {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        Self {
            limit: make.gauges(
                "budget_limit",
                "Limit within the window, by action kind; +Inf if unlimited.",
                &["kind"],
            ),
            remaining: make.gauges(
                "budget_remaining",
                "Budget left within the window, by action kind; +Inf if unlimited.",
                &["kind"],
            ),
            allowance_until: make.gauges(
                "allowance_until_timestamp_seconds",
                "End of the allowance that counts, by action kind; 0 if none.",
                &["kind"],
            ),
        }
    }

    /// Shows the budgets of `figures`; nothing before they are known.
    pub(super) fn set(&self, figures: &Figures) {
        let Some(budgets) = &figures.budgets else { return };
        let verbs = budgets.verbs.iter().map(|(kind, budget)| (kind.as_str(), budget));
        for (kind, budget) in verbs.chain([("release", &budgets.release)]) {
            let or_lifted = |amount: Option<usize>| amount.map_or(f64::INFINITY, count);
            self.remaining.with_label_values(&[kind]).set(or_lifted(budget.remaining()));
            self.limit.with_label_values(&[kind]).set(or_lifted(budget.limit));
            let allowance = figures.allowances.iter().find(|allowance| allowance.verb.as_str() == kind);
            let until = allowance.map_or(0.0, |allowance| seconds(allowance.until));
            self.allowance_until.with_label_values(&[kind]).set(until);
        }
    }
}
