//! Figures of a pass that only metrics and the page need.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Findings, WindowView};
use crate::{Budgets, Desired, Status, allowance::Allowance};

/// Figures that no other part of the report contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// The number of listed subaccounts, by desired status.
    pub desired: BTreeMap<Status, usize>,
    /// The number of subaccounts at Twilio, by status and by whether they are listed.
    pub observed: BTreeMap<(Status, bool), usize>,
    /// The number of phone numbers in the lists that were read, by whether they are claimed.
    pub numbers: BTreeMap<bool, usize>,
    /// The number of phone numbers that the pending closes would release.
    pub at_risk: usize,
    /// The budgets after the pass.
    pub budgets: Option<Budgets>,
    /// The windows of the state.
    pub windows: Vec<WindowView>,
    /// The allowances that count.
    pub allowances: Vec<Allowance>,
    /// Twilio's clock less the local one; `None` while Twilio's is not known.
    pub clock_skew: Option<SignedDuration>,
}

impl Figures {
    pub(super) fn of(found: &Findings<'_>) -> Self {
        let managed = |sid| found.desired.entry(sid).is_some();
        let mut observed: BTreeMap<_, usize> = BTreeMap::new();
        for account in found.observed.subaccounts() {
            if let Some(status) = account.status.known() {
                *observed.entry((status, managed(account.sid))).or_default() += 1;
            }
        }
        let claimed = found.desired.claimants();
        let mut numbers: BTreeMap<_, usize> = BTreeMap::new();
        for number in found.observed.lists().flat_map(|(_, list)| list) {
            *numbers.entry(number.phone.is_some_and(|phone| claimed.contains_key(&phone))).or_default() += 1;
        }
        Self {
            desired: by_status(found.desired),
            observed,
            numbers,
            at_risk: found.plan.numbers_at_risk,
            budgets: Some(found.budgets.clone()),
            windows: found.desired.windows().iter().map(|window| WindowView::of(window, found)).collect(),
            allowances: found.plan.allowances.iter().cloned().collect(),
            clock_skew: found.now.twilio.map(|twilio| twilio.duration_since(found.now.local)),
        }
    }
}

/// The number of listed subaccounts, by desired status.
pub(super) fn by_status(desired: &Desired) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    let pinned = desired.accounts().map(|entry| entry.desired_status.status());
    for status in pinned.chain(desired.unpinned().map(|(_, entry)| entry.desired_status.status())) {
        *counts.entry(status).or_default() += 1;
    }
    counts
}
