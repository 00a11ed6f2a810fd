//! The listed accounts of a report, each with its condition.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use serde::Serialize;

use super::{Findings, PassSummary, PlanView, Report};
use crate::{
    AccountRef, Condition, ConditionReason, ConditionStatus, Entry, FriendlyName, LiveStatus, Plan, Reason,
    Status, Unpinned,
};

/// A listed account of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its SID, null while there is none.
    #[serde(rename = "sid", serialize_with = "AccountRef::as_sid")]
    pub account: AccountRef,
    /// Its name at Twilio; that of its entry while there is no account.
    pub friendly_name: Option<String>,
    /// The desired status.
    pub desired: Status,
    /// The status at Twilio, or the unknown word given instead.
    pub observed: Option<LiveStatus>,
    /// The end of the last pass that observed the fleet with this account in the state.
    #[serde(skip)]
    pub observed_at: Option<Timestamp>,
    /// The reason of the entry.
    pub reason: Option<String>,
    /// The labels of the entry.
    pub labels: BTreeMap<String, String>,
    /// The condition `Synced`.
    pub conditions: [Condition; 1],
}

impl AccountView {
    /// The account as the pass observed it.
    pub(super) fn of(
        entry: &Entry,
        found: &Findings<'_>,
        plan: &PlanView,
        at: Timestamp,
        previous: Option<&Report>,
    ) -> Self {
        let live = found.observed.account(entry.sid);
        Self {
            friendly_name: live.map(|account| account.friendly_name.clone()),
            observed: live.map(|account| account.status.clone()),
            observed_at: Some(at),
            ..Self::new(entry.sid.into(), entry, synced(&entry.sid.into(), found.plan, plan), at, previous)
        }
    }

    /// The entry whose account is not known, after a pass that observed the fleet.
    pub(super) fn unpinned(
        name: &FriendlyName,
        entry: &Unpinned,
        found: &Findings<'_>,
        plan: &PlanView,
        at: Timestamp,
        previous: Option<&Report>,
    ) -> Self {
        let account = AccountRef::from(name);
        let synced = synced(&account, found.plan, plan);
        Self { observed_at: Some(at), ..Self::new(account, entry, synced, at, previous) }
    }

    /// The account as it was last seen, after a pass that did not observe it.
    pub(super) fn last_seen<S>(
        account: AccountRef,
        entry: &Entry<S>,
        last_pass: &PassSummary,
        at: Timestamp,
        previous: Option<&Report>,
    ) -> Self {
        let before = previous.and_then(|report| report.account(account.clone()));
        let observed_at = before.and_then(|account| account.observed_at);
        let message = match (observed_at, last_pass.result) {
            (Some(at), _) => format!("not observed since {at:.0}: the last pass failed").into(),
            (None, Some(_)) => "not observed yet: the last pass failed".into(),
            (None, None) => "not observed yet: the first pass has not ended".into(),
        };
        let synced = (ConditionStatus::Unknown, ConditionReason::Held(Reason::Unreadable), message);
        Self {
            observed: before.and_then(|account| account.observed.clone()),
            observed_at,
            friendly_name: before.and_then(|account| account.friendly_name.clone()).or_else(|| {
                let name = account.name()?;
                Some(name.to_string())
            }),
            ..Self::new(account, entry, synced, at, previous)
        }
    }

    /// The facts of the entry, with a condition.
    fn new<S>(
        account: AccountRef,
        entry: &Entry<S>,
        (status, reason, message): (ConditionStatus, ConditionReason, Cow<'static, str>),
        at: Timestamp,
        previous: Option<&Report>,
    ) -> Self {
        let before = previous.and_then(|report| report.account(account.clone())).map(|it| &it.conditions[0]);
        let same = before.filter(|before| before.status == status);
        let last_transition_time = same.map_or(at, |before| before.last_transition_time);
        Self {
            friendly_name: account.name().map(ToString::to_string),
            account,
            desired: entry.desired_status.status(),
            observed: None,
            observed_at: None,
            reason: entry.reason.clone(),
            labels: entry.labels.clone(),
            conditions: [Condition { r#type: "Synced", status, reason, message, last_transition_time }],
        }
    }
}

/// The status, reason and message of the condition `Synced`. A planned action comes before a held item.
fn synced(
    account: &AccountRef,
    plan: &Plan,
    view: &PlanView,
) -> (ConditionStatus, ConditionReason, Cow<'static, str>) {
    if let Some(action) = view.actions.iter().find(|action| action.account == *account) {
        let message = format!("planned: {}", action.kind).into();
        return (ConditionStatus::False, ConditionReason::Planned(action.kind), message);
    }
    if let Some(held) = view.held.iter().find(|held| held.account == *account) {
        let unread = held.reason == Reason::Unreadable;
        let status = if unread { ConditionStatus::Unknown } else { ConditionStatus::False };
        return (status, ConditionReason::Held(held.reason), held.message.clone().into());
    }
    if account.sid().is_some_and(|sid| plan.absent.contains(&sid)) {
        return (
            ConditionStatus::True,
            ConditionReason::Absent,
            "closed, and no longer in Twilio's list".into(),
        );
    }
    (ConditionStatus::True, ConditionReason::InSync, "in sync".into())
}
