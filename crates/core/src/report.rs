//! The report: one pass as a value. Logs, metrics, `/status`, the status page, plans in every format and exit codes are made
//! from it alone.

mod account;
mod figures;
mod windows;

use std::{collections::BTreeMap, fmt};

pub use account::AccountView;
pub use figures::Figures;
use figures::by_status;
pub use windows::{WindowChange, WindowView};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    AccountRef, AccountSid, Action, ActionKind, Budgets, Desired, Entry, Freeze, History, Now, Observed,
    PhoneNumber, Plan, Planned, Reason,
    execute::Executed,
    guard::stages,
    manifest::Diagnostic,
    plan::NotKnown,
    remote::{RemoteError, with_request_id},
};

/// The findings and actions of one pass. Its serialized form is the document of `/status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of the program.
    pub version: &'static str,
    /// The mode.
    pub mode: Mode,
    /// The main account.
    pub main_account: MainAccount,
    /// The state as it was read.
    pub desired_state: DesiredState,
    /// The pass itself.
    pub last_pass: PassSummary,
    /// The plan that remains after it.
    pub plan: PlanView,
    /// The listed accounts: by SID, then those without one by name.
    pub accounts: Vec<AccountView>,
    /// The end of the last pass that observed the fleet, by the local clock.
    #[serde(skip)]
    pub observed_at: Option<Timestamp>,
    /// The reason why the journal cannot be written; set by the daemon, which keeps it.
    #[serde(skip)]
    pub journal_error: Option<String>,
    /// Further figures for metrics.
    #[serde(skip)]
    pub figures: Figures,
    /// The writes of the pass.
    #[serde(skip)]
    pub executed: Vec<Executed>,
}

/// The main account of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MainAccount {
    /// Its SID, which is that of the credentials.
    pub sid: AccountSid,
    /// Its name at Twilio, as last seen.
    pub friendly_name: Option<String>,
}

/// The mode of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mode {
    /// The daemon writes to Twilio.
    #[serde(rename = "enforce")]
    Enforce,
    /// The daemon only reports.
    #[serde(rename = "dry-run")]
    DryRun,
}

impl Mode {
    /// The name in `/status` and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::DryRun => "dry-run",
        }
    }
}

/// The state as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredState {
    /// True when it has no fault.
    pub valid: bool,
    /// True when the whole state is paused, or counts as paused.
    pub paused: bool,
    /// The freeze under which nothing is written.
    pub frozen: Option<Freeze>,
    /// The SHA-256 over all files.
    pub sha256: String,
    /// The git commit, when the path resolves through a link of git-sync.
    pub revision: Option<String>,
    /// The time at which the state with this meaning was loaded. An edit of a comment does not change it.
    pub loaded_at: Timestamp,
    /// The first 1,000 faults; when there are more, the last one gives their number.
    pub faults: Vec<Diagnostic>,
    /// The number of all faults.
    #[serde(skip)]
    pub fault_count: usize,
}

/// The summary of a pass. Empty before the first pass ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassSummary {
    /// The result: success when the pass was completed, and no write was refused, unknown or kept from the journal.
    pub result: Option<PassResult>,
    /// The start time, by the local clock.
    pub started_at: Option<Timestamp>,
    /// The end time, by the local clock.
    pub finished_at: Option<Timestamp>,
    /// The number of requests to Twilio.
    pub requests: u64,
    /// The error that aborted it, or that kept a write from the journal.
    pub error: Option<PassError>,
    /// True when it was aborted.
    #[serde(skip)]
    pub aborted: bool,
}

/// The error that aborted a pass. Displayed as the message, followed by the request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassError {
    /// The message.
    pub message: String,
    /// Twilio's id of the failed request, which differs each time.
    pub request_id: Option<String>,
}

impl From<RemoteError> for PassError {
    fn from(error: RemoteError) -> Self {
        Self { message: error.message, request_id: error.request_id }
    }
}

impl From<String> for PassError {
    fn from(message: String) -> Self {
        Self { message, request_id: None }
    }
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_request_id(f, &self.message, self.request_id.as_deref())
    }
}

impl Serialize for PassError {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The result of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PassResult {
    /// The pass was completed, and no write was refused, unknown or kept from the journal.
    Success,
    /// The pass was aborted, or a write was refused, unknown or kept from the journal.
    Failed,
}

/// The plan of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanView {
    /// The digest of the plan; `None` before the first plan.
    pub digest: Option<String>,
    /// The planned actions.
    pub actions: Vec<ActionView>,
    /// The held items.
    pub held: Vec<HeldView>,
    /// The decisions that a snapshot leaves open; empty for a plan on an observation.
    #[serde(rename = "notKnown")]
    pub not_known: Vec<NotKnownView>,
}

/// A decision that a snapshot leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotKnownView {
    /// The action kind of the decision.
    pub kind: ActionKind,
    /// The account; for a number, the account that claims it.
    pub account: Option<AccountSid>,
    /// The phone number.
    pub number: Option<PhoneNumber>,
    /// The list that the snapshot lacks.
    pub message: String,
}

/// An action of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionView {
    /// The action kind.
    pub kind: ActionKind,
    /// The account; for a transfer, the receiving one, for a configure, the owner. Two keys: `account` and `name`, one of
    /// them null.
    #[serde(flatten, serialize_with = "AccountRef::as_two_keys")]
    pub account: AccountRef,
    /// The phone number of a transfer or a configure.
    pub number: Option<PhoneNumber>,
    /// The losing account of a transfer.
    pub from: Option<AccountSid>,
    /// The receiving account of a transfer.
    pub to: Option<AccountSid>,
    /// The number of calls that it ends.
    pub count: Option<usize>,
    /// The stage of its execution, from 0 to 4.
    #[serde(skip)]
    pub stage: usize,
    /// The note to show beside it.
    #[serde(skip)]
    pub note: Option<String>,
    /// The phone numbers that a close releases.
    #[serde(skip)]
    pub at_risk: Vec<PhoneNumber>,
}

/// A held item of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldView {
    /// The reason for which it is held.
    pub reason: Reason,
    /// The action kind that is held.
    pub kind: ActionKind,
    /// The account of the held action. Two keys: `account` and `name`, one of them null.
    #[serde(flatten, serialize_with = "AccountRef::as_two_keys")]
    pub account: AccountRef,
    /// The phone number of the held action.
    pub number: Option<PhoneNumber>,
    /// The facts.
    pub message: String,
    /// The steps that a person can take.
    pub remedy: String,
    /// The time since which it is held for this reason.
    pub since: Timestamp,
    /// The earliest time at which it ends by itself, when that is known.
    #[serde(skip)]
    pub due: Option<Timestamp>,
}

/// The findings of a pass at its end.
#[derive(Debug)]
pub struct Findings<'a> {
    /// The desired state.
    pub desired: &'a Desired,
    /// The observation, after the writes of the pass.
    pub observed: &'a Observed,
    /// The plan that remains.
    pub plan: &'a Plan,
    /// The history, with what the pass added to it.
    pub history: &'a History,
    /// The budgets.
    pub budgets: Budgets,
    /// The time of the pass.
    pub now: Now,
}

/// The facts of a pass that did not observe the fleet.
#[derive(Debug, Clone, Copy)]
pub struct NotObserved<'a> {
    /// The desired state.
    pub desired: &'a Desired,
    /// The main account of the credentials.
    pub main_account: AccountSid,
}

impl Report {
    /// The report of a pass. The start times of holds and conditions come from `previous`, and so do the plan of a pass
    /// without one, and what was last seen of the accounts.
    pub fn new(
        version: &'static str,
        mode: Mode,
        desired_state: DesiredState,
        last_pass: PassSummary,
        found: Result<Findings<'_>, NotObserved<'_>>,
        executed: Vec<Executed>,
        previous: Option<&Self>,
    ) -> Self {
        let at = last_pass.finished_at.unwrap_or(desired_state.loaded_at);
        let main_account = MainAccount::of(&found, previous);
        let (plan, accounts, figures, observed_at) = match found {
            Ok(found) => {
                let plan = PlanView::of(found.plan, found.history, at, previous);
                let view = |entry| AccountView::of(entry, &found, &plan, at, previous);
                let unpinned =
                    |(name, entry)| AccountView::unpinned(name, entry, &found, &plan, at, previous);
                let accounts = found.desired.accounts().map(view);
                let accounts = accounts.chain(found.desired.unpinned().map(unpinned)).collect();
                (plan, accounts, Figures::of(&found), Some(at))
            }
            Err(NotObserved { desired, .. }) => {
                let view =
                    |entry: &Entry| AccountView::last_seen(entry.sid.into(), entry, &last_pass, at, previous);
                let unpinned = |(name, entry)| {
                    AccountView::last_seen(AccountRef::from(name), entry, &last_pass, at, previous)
                };
                let accounts = desired.accounts().map(view).chain(desired.unpinned().map(unpinned)).collect();
                let (plan, mut figures) =
                    previous.map(|p| (p.plan.clone(), p.figures.clone())).unwrap_or_default();
                figures.desired = by_status(desired);
                (plan, accounts, figures, previous.and_then(|report| report.observed_at))
            }
        };
        let journal_error = None;
        Self {
            version,
            mode,
            main_account,
            desired_state,
            last_pass,
            plan,
            accounts,
            observed_at,
            journal_error,
            figures,
            executed,
        }
    }

    /// The account, when the state lists it.
    pub fn account(&self, account: impl Into<AccountRef>) -> Option<&AccountView> {
        let account = account.into();
        let at = self.accounts.binary_search_by(|view| view.account.cmp(&account)).ok()?;
        self.accounts.get(at)
    }
}

impl MainAccount {
    fn of(found: &Result<Findings<'_>, NotObserved<'_>>, previous: Option<&Report>) -> Self {
        let (sid, seen) = match found {
            Ok(found) => (found.observed.main(), found.observed.main_account()),
            Err(not_observed) => (not_observed.main_account, None),
        };
        let before = || previous.map(|report| &report.main_account).filter(|main| main.sid == sid);
        let friendly_name = seen
            .map(|account| account.friendly_name.clone())
            .or_else(|| before().and_then(|main| main.friendly_name.clone()));
        Self { sid, friendly_name }
    }
}

impl PlanView {
    /// The view of `plan`; `at` is the start time of held items that neither history nor the report before knows.
    pub fn of(plan: &Plan, history: &History, at: Timestamp, previous: Option<&Report>) -> Self {
        let key = |held: &HeldView| (held.reason, held.kind, held.account.clone(), held.number);
        let before: BTreeMap<_, _> = previous
            .iter()
            .flat_map(|report| &report.plan.held)
            .map(|held| (key(held), held.since))
            .collect();
        let held = plan.held.iter().map(|held| HeldView {
            reason: held.reason,
            kind: held.kind,
            account: held.account.clone(),
            number: held.number,
            message: held.message.clone(),
            remedy: held.remedy.clone(),
            due: held.due,
            since: history.held_since(&held.into()).unwrap_or_else(|| {
                *before.get(&(held.reason, held.kind, held.account.clone(), held.number)).unwrap_or(&at)
            }),
        });
        let stage = stages(plan);
        let action = |planned: &Planned| ActionView::of(planned, stage(&planned.action));
        Self {
            digest: Some(plan.digest()),
            actions: plan.actions.iter().map(action).collect(),
            held: held.collect(),
            not_known: plan.not_known.iter().cloned().map(NotKnownView::from).collect(),
        }
    }
}

impl From<NotKnown> for NotKnownView {
    fn from(open: NotKnown) -> Self {
        let NotKnown { account, number, kind, message } = open;
        Self { kind, account, number, message }
    }
}

impl From<&Planned> for ActionView {
    /// The view of an action by itself, in no plan.
    fn from(planned: &Planned) -> Self {
        Self::of(planned, 0)
    }
}

impl ActionView {
    fn of(planned: &Planned, stage: usize) -> Self {
        let action = &planned.action;
        let (from, to, at_risk) = match action {
            Action::Transfer(transfer) => (Some(transfer.from), Some(transfer.to), Vec::new()),
            Action::Close(close) => (None, None, close.at_risk.clone()),
            Action::Release(release) => (None, None, vec![release.phone]),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_) => (None, None, Vec::new()),
        };
        let (kind, account, number) = (action.kind(), action.account(), action.number());
        let (count, note) = (action.calls(), planned.note.clone());
        Self { kind, account, number, from, to, count, stage, note, at_risk }
    }
}
