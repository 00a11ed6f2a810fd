//! The plan: the actions that bring the fleet to the desired state, and the held items with their reasons.
//!
//! `plan` is a function of values. It walks the desired state, never the observation, so that nothing is destroyed because
//! it is missing; each desired item ends as settled, as an action or as held.

mod accounts;
mod alike;
mod calls;
mod close;
mod configures;
mod creates;
mod doubted;
mod following;
mod held;
mod not_known;
mod numbers;
mod obstacles;
mod policy;
mod releases;
mod suspensions;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

pub use calls::MAX_CALLS;
pub(crate) use calls::{CallsPhase, phase as calls_phase};
pub use close::{CloseProgress, CoolingOff};
pub use held::{Held, Reason};
pub use not_known::NotKnown;
pub use policy::{Policy, Reactivation};
pub use releases::RECLAIMED_WITHIN;

use crate::{
    AccountRef, AccountSid, Action, ActionKind, Desired, Entry, History, Now, Observed, PhoneNumber, Status,
    TransferResources,
    allowance::{Allowance, Allowances},
    digest::digest,
};
pub(crate) use configures::inactive;
pub(crate) use held::{FIX_FAULTS, Hold, hold};
pub(crate) use numbers::{not_active, receivers_in_need};
pub(crate) use obstacles::tell_limits;
pub(crate) use suspensions::note_what_stays_behind;

/// The actions, in the order in which they are shown, and the held items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// The planned actions.
    pub actions: Vec<Planned>,
    /// The held items, by account, number and action kind.
    pub held: Vec<Held>,
    /// The decisions that the snapshot of the plan leaves open, by account, number and action kind; empty for a plan on an observation.
    pub not_known: Vec<NotKnown>,
    /// Listed accounts with the desired status `closed` that Twilio's list no longer contains.
    pub absent: BTreeSet<AccountSid>,
    /// The number of phone numbers that the pending closes and releases would release, held or not.
    pub numbers_at_risk: usize,
    /// The number of these by account.
    pub(crate) at_risk: BTreeMap<AccountSid, usize>,
    /// The number of listed subaccounts that exist and are not closed; limits in per cent refer to it.
    pub live_accounts: usize,
    /// The number of phone numbers that the state claims or moves and that were found; limits in per cent refer to it.
    pub found_numbers: usize,
    /// The number of these that the state claims; limits of configures in per cent refer to it.
    pub found_claims: usize,
    /// The most further actions of an action kind that faults may hide; the brake counts them too.
    pub doubted: BTreeMap<ActionKind, usize>,
    /// The accounts whose entries are urgent.
    pub(crate) urgent: BTreeSet<AccountRef>,
    /// The allowances of the state.
    pub allowances: Allowances,
    /// The transfers of numbers that were found, planned or held.
    pub(crate) wanted_transfers: Vec<WantedTransfer>,
}

/// An action with the facts for the brake and the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The write.
    pub action: Action,
    /// True when it undoes a write of the daemon, which costs no budget.
    pub exempt: bool,
    /// The digest of the entry that it comes from.
    pub entry: String,
    /// The note to show beside it.
    pub note: Option<String>,
    /// The allowances without which it would be over a limit.
    pub allowances: Vec<Allowance>,
}

/// A phone number that is not in its desired account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedTransfer {
    pub(crate) phone: PhoneNumber,
    pub(crate) from: AccountSid,
    pub(crate) to: AccountSid,
    pub(crate) resources: TransferResources,
    /// The digest of the part of the state that asks for it.
    pub(crate) entry: String,
}

/// The reason why nothing at all can be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub String);

impl PlanError {
    /// The error of a state for another main account than that of the credentials.
    pub(crate) fn other_main_account(state: AccountSid, credentials: AccountSid) -> Self {
        Self(format!(
            "the desired state is for the main account {state}, but the credentials belong to {credentials}"
        ))
    }
}

/// The inputs of the decisions.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The desired state.
    pub desired: &'a Desired,
    /// The observed fleet.
    pub observed: &'a Observed,
    /// The facts of past passes.
    pub history: &'a History,
    /// The operator's settings.
    pub policy: &'a Policy,
    /// The time of the pass.
    pub now: Now,
}

/// Makes the plan.
///
/// # Errors
/// When the state names no usable main account, or another one than the observed one, or when that account is not active
/// or not its own owner. Then nothing at all is changed.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    history: &History,
    policy: &Policy,
    now: Now,
) -> Result<Plan, PlanError> {
    check_main_account(desired, observed)?;
    let desired = &*desired.resolved(|name| history.created(name));
    let context = Context { desired, observed, history, policy, now };
    let mut plan = Plan::default();
    for entry in desired.accounts() {
        accounts::decide(&context, entry, &mut plan);
    }
    let moves = numbers::wanted(&context);
    let reactivating: BTreeSet<_> =
        plan.of(ActionKind::Reactivate).filter_map(|planned| planned.action.account().sid()).collect();
    for wanted in &moves {
        numbers::decide(&context, wanted, &reactivating, &mut plan);
    }
    creates::decide(&context, &mut plan);
    releases::decide(&context, &mut plan);
    alike::pause_with_refused(&context, &mut plan);
    suspensions::wait_for_transfers(&context, &mut plan);
    windows::hold_outside(&context, &mut plan);
    plan.urgent = desired.urgent().collect();
    plan.allowances = Allowances::at(&desired.allowances, policy.honors_allowances, now);
    plan.doubted = doubted::doubted(&context, &plan);
    plan.sort();
    Ok(plan)
}

/// Checks that the state is for the account of the credentials, and that this account is an active main account.
pub fn check_main_account(desired: &Desired, observed: &Observed) -> Result<(), PlanError> {
    let main = desired.main().map_err(|why| PlanError(why.to_owned()))?;
    if main.sid != observed.main() {
        return Err(PlanError::other_main_account(main.sid, observed.main()));
    }
    check_credentials(observed)
}

/// Checks that the account of the credentials is an active main account.
pub fn check_credentials(observed: &Observed) -> Result<(), PlanError> {
    let main = observed.main();
    let Some(account) = observed.main_account() else {
        if let Some(why) = observed.unreadable_account(main) {
            return Err(PlanError(format!("the main account {main} cannot be read: {why}")));
        }
        return Err(PlanError(format!("the main account {main} is missing from Twilio's account list")));
    };
    if account.owner != Some(main) {
        return Err(PlanError(format!(
            "{main} is not a main account: its `owner_account_sid` at Twilio is not its own SID"
        )));
    }
    if account.status.known() != Some(Status::Active) {
        return Err(PlanError(format!("the main account {main} is not active")));
    }
    Ok(())
}

impl Plan {
    /// The planned actions of one action kind.
    pub fn of(&self, kind: ActionKind) -> impl Iterator<Item = &Planned> {
        self.actions.iter().filter(move |planned| planned.action.kind() == kind)
    }

    /// A digest that changes when the plan does.
    pub fn digest(&self) -> String {
        let actions: Vec<_> = self.actions.iter().map(|planned| planned.action.to_string()).collect();
        let held: Vec<_> = self
            .held
            .iter()
            .map(|held| (held.reason, held.kind, held.account.clone(), held.number))
            .collect();
        if self.not_known.is_empty() {
            return digest(&(actions, held));
        }
        let open: Vec<_> = self.not_known.iter().map(|open| (open.kind, open.account, open.number)).collect();
        digest(&(actions, held, open))
    }

    pub(crate) fn sort(&mut self) {
        self.actions.sort_by(|a, b| a.action.cmp(&b.action));
        let key = |held: &Held| (held.number, held.kind, held.reason);
        self.held.sort_by(|a, b| a.account.cmp(&b.account).then_with(|| key(a).cmp(&key(b))));
        self.not_known.sort();
    }

    pub(crate) fn hold(
        &mut self,
        kind: ActionKind,
        account: impl Into<AccountRef>,
        number: Option<PhoneNumber>,
        hold: Hold,
    ) {
        let account = account.into();
        let Hold { reason, message, remedy, due, lacks_a_list } = hold;
        if lacks_a_list {
            self.not_known.push(NotKnown { account: account.sid(), number, kind, message });
            return;
        }
        self.held.push(Held { reason, kind, account, number, message, remedy, due });
    }

    /// Plans `action` for the entry with the digest `entry`, unless it is held.
    fn add(&mut self, context: &Context<'_>, action: Action, entry: &str, note: Option<String>) {
        if let Some(hold) = held::before_any_action(context, &action, entry) {
            return self.hold(action.kind(), action.account(), action.number(), hold);
        }
        let free = context.is_exempt(&action);
        self.actions.push(Planned {
            action,
            exempt: free,
            entry: entry.to_owned(),
            note,
            allowances: Vec::new(),
        });
    }
}

impl Context<'_> {
    fn is_exempt(&self, action: &Action) -> bool {
        let (now, window) = (self.now, self.policy.window);
        match action {
            Action::Reactivate(account) => {
                let updated = self.observed.account(*account).and_then(|account| account.date_updated);
                self.history.reactivation_is_exempt(*account, updated, now)
            }
            Action::Transfer(transfer) => {
                self.history.transfer_is_exempt(transfer.phone, transfer.from, transfer.to, now, window)
            }
            Action::Create(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => false,
        }
    }

    /// The hold of the account of `entry` and of its numbers, when its name at Twilio is another one.
    fn name_mismatch(&self, entry: &Entry) -> Option<Hold> {
        let live = &self.observed.account(entry.sid)?.friendly_name;
        entry.name_mismatches(live).then(|| held::name_mismatch(entry, live))
    }
}

impl From<&Planned> for crate::history::Write {
    fn from(planned: &Planned) -> Self {
        let action = &planned.action;
        let (transfer, number_sid, releases, settings) = match action {
            Action::Transfer(transfer) => {
                (Some((transfer.from, transfer.to)), Some(transfer.number_sid), Vec::new(), None)
            }
            Action::Configure(configure) => {
                (None, Some(configure.number_sid), Vec::new(), Some(configure.desired.clone()))
            }
            Action::Release(release) => (None, Some(release.number.sid), vec![release.phone], None),
            Action::Close(close) => (None, None, close.at_risk.clone(), None),
            Action::Reactivate(_) | Action::Create(_) | Action::Suspend(_) | Action::EndCalls(_) => {
                (None, None, Vec::new(), None)
            }
        };
        let (kind, target, calls) = (action.kind(), action.target(), action.calls());
        let account = match action {
            Action::Release(release) => Some(release.account.sid),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Transfer(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Close(_) => None,
        };
        Self {
            kind,
            target,
            transfer,
            account,
            number_sid,
            releases,
            settings,
            calls,
            exempt: planned.exempt,
            entry: planned.entry.clone(),
        }
    }
}
