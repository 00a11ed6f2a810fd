//! A plan for people: as text for a terminal, and as markdown for a pull request.

#[cfg(test)]
mod comment;
mod groups;
mod inline;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

use std::{borrow::Cow, collections::BTreeMap};

use subaccountd_core::{
    AccountRef, AccountSid, ActionKind, Freeze, NumberLocation, Observed, Report,
    report::{AccountView, ActionView, NotKnownView, PlanView},
};

pub(crate) use markdown::markdown;
pub(crate) use text::{Style, text};

/// The part of a report that is shown.
pub(crate) struct View<'a> {
    report: &'a Report,
    plan: Cow<'a, PlanView>,
    only: Option<AccountSid>,
    /// The notes that come before the plan, such as the origin of the observation.
    remarks: Vec<String>,
    listed: BTreeMap<AccountRef, &'a AccountView>,
    observed: Option<&'a Observed>,
}

impl<'a> View<'a> {
    /// The whole plan of `report`.
    pub(crate) fn of(report: &'a Report, observed: Option<&'a Observed>) -> Self {
        let listed = report.accounts.iter().map(|view| (view.account.clone(), view)).collect();
        let plan = Cow::Borrowed(&report.plan);
        let frozen = report.desired_state.frozen.as_ref();
        let remarks = frozen.map(frozen_remark).into_iter().collect();
        Self { report, plan, only: None, remarks, listed, observed }
    }

    /// Limits the view to what concerns `sid`. The digest stays that of the whole plan.
    pub(crate) fn only(mut self, sid: AccountSid) -> Self {
        let holds = |number| {
            let location = self.observed.map(|observed| observed.locate(number));
            matches!(location, Some(NumberLocation::In(holder, _)) if holder == sid)
        };
        let plan = &self.report.plan;
        let actions = plan.actions.iter().filter(|action| action.account == sid || action.from == Some(sid));
        let held = plan.held.iter().filter(|held| held.account == sid || held.number.is_some_and(holds));
        let open =
            plan.not_known.iter().filter(|open| open.account == Some(sid) || open.number.is_some_and(holds));
        self.plan = Cow::Owned(PlanView {
            digest: plan.digest.clone(),
            actions: actions.cloned().collect(),
            held: held.cloned().collect(),
            not_known: open.cloned().collect(),
        });
        self.only = Some(sid);
        self
    }

    /// Adds notes that come before the plan.
    pub(crate) fn remarked(mut self, remarks: Vec<String>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    /// The part of the plan that is shown.
    pub(crate) fn plan(&self) -> &PlanView {
        &self.plan
    }

    /// Returns true when `sid` is listed, or was seen at Twilio.
    pub(crate) fn knows(&self, sid: AccountSid) -> bool {
        self.listed.contains_key(&sid.into()) || self.observed.is_some_and(|seen| seen.account(sid).is_some())
    }

    /// The note on a plan that is shown in part: the account of the part, and the counts of the whole plan.
    fn part(&self) -> Option<String> {
        let sid = self.only?;
        Some(format!("Only {} is shown. The whole plan: {}", self.named(sid), counts(&self.report.plan)))
    }

    /// The account with the name that it has at Twilio.
    pub(crate) fn named(&self, account: impl Into<AccountRef>) -> String {
        let account = account.into();
        let AccountRef::Sid(sid) = account else { return format!("{account} (not created)") };
        let listed = self.listed.get(&account).and_then(|account| account.friendly_name.as_deref());
        let seen = || self.observed?.account(sid).map(|account| account.friendly_name.as_str());
        match listed.or_else(seen) {
            Some(name) => format!("{sid} ({name})"),
            None => sid.to_string(),
        }
    }

    /// The reason that the entry gives, and its labels.
    pub(crate) fn why(&self, account: &AccountRef) -> Option<String> {
        let account = self.listed.get(account)?;
        let labels = account.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let words: Vec<_> = account.reason.iter().cloned().chain(labels).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// The closes and releases, which cannot be undone.
    fn irreversible(&self) -> impl Iterator<Item = &ActionView> {
        let kinds = [ActionKind::Close, ActionKind::Release];
        self.plan.actions.iter().filter(move |action| kinds.contains(&action.kind))
    }

    /// The accounts that are closed and the numbers that are released, in one line.
    fn risk(&self) -> Option<String> {
        let closes = self.irreversible().filter(|action| action.kind == ActionKind::Close).count();
        let lost: usize = self.irreversible().map(|action| action.at_risk.len()).sum();
        let accounts = if closes == 1 { "1 account is".to_owned() } else { format!("{closes} accounts are") };
        let numbers = match lost {
            0 => "no number is released".to_owned(),
            1 => "1 number is released".to_owned(),
            n => format!("{n} numbers are released"),
        };
        match (closes, lost) {
            (0, 0) => None,
            (0, _) => Some(format!("CANNOT BE UNDONE: {numbers}")),
            (_, _) => Some(format!("CANNOT BE UNDONE: {accounts} closed for good, {numbers}")),
        }
    }
}

/// The note on a plan under `freeze`.
fn frozen_remark(freeze: &Freeze) -> String {
    format!(
        "{}. Nothing is written at Twilio until `subaccountd unfreeze`.",
        freeze.to_string().replacen("frozen", "FROZEN", 1)
    )
}

/// The number of actions of each kind, and of held items, as text.
fn counts(plan: &PlanView) -> String {
    let of = |kind: ActionKind| plan.actions.iter().filter(|action| action.kind == kind).count();
    let (held, open) = (plan.held.len(), plan.not_known.len());
    if plan.actions.is_empty() && held + open == 0 {
        return "Nothing to do: Twilio matches the desired state.".to_owned();
    }
    let words = |kind: ActionKind| match (kind, of(kind)) {
        // These are told when there are any.
        (ActionKind::Create | ActionKind::Configure | ActionKind::EndCalls | ActionKind::Release, 0) => None,
        (ActionKind::EndCalls, number) => Some(format!("{number} with calls to end")),
        (kind, number) => Some(format!("{number} to {kind}")),
    };
    let words: Vec<_> = ActionKind::ALL.into_iter().filter_map(words).collect();
    let open = if open == 0 { String::new() } else { format!("; {open} not known from this snapshot") };
    format!("{}; {held} held{open}.", words.join(", "))
}

/// The subject of a decision that the snapshot leaves open, as text.
fn subject(view: &View<'_>, open: &NotKnownView) -> String {
    let number = open.number.map(|number| number.to_string());
    let account = open.account.map(|account| view.named(account));
    number.into_iter().chain(account).collect::<Vec<_>>().join(" for ")
}

/// The numbers that a close releases.
fn lost(close: &ActionView) -> String {
    let numbers: Vec<_> = close.at_risk.iter().map(ToString::to_string).collect();
    if numbers.is_empty() { "no number".to_owned() } else { numbers.join(", ") }
}
