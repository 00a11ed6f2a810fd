//! The plan: what brings the fleet to the desired state, and what is held back and why.
//!
//! `plan` is a function of values. It walks what is desired, never what was observed, so that absence cannot destroy;
//! each desired thing ends as settled, as an action or as held.

mod accounts;
mod close;
mod doubted;
mod following;
mod held;
mod numbers;
mod policy;

use std::collections::{BTreeMap, BTreeSet};

pub use close::rests;
pub use held::{Held, Reason};
pub use policy::{Policy, Reactivation};

use crate::{
    AccountSid, Action, Desired, Entry, History, Now, Observed, PhoneNumber, Status, Verb, digest::digest,
};
pub(crate) use close::counted;
pub(crate) use held::{FIX_FAULTS, Hold, hold};
pub(crate) use numbers::not_active;

/// Actions in the order in which they are shown, and everything that is held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// What will be done.
    pub actions: Vec<Planned>,
    /// What is held, by account, number and verb.
    pub held: Vec<Held>,
    /// Listed accounts that are closed because they are gone from Twilio's list.
    pub absent: BTreeSet<AccountSid>,
    /// Numbers that the closes still to come would release, held or not.
    pub numbers_at_risk: usize,
    /// How many subaccounts the state lists; limits in per cent refer to it.
    pub listed_accounts: usize,
    /// How many numbers the state lists or moves; limits in per cent refer to it.
    pub listed_numbers: usize,
    /// How many more actions of a verb there may be that faults keep out; the brake weighs them too.
    pub doubted: BTreeMap<Verb, usize>,
}

/// An action with what the brake and a reader want to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The write.
    pub action: Action,
    /// It undoes what the daemon did, and costs nothing.
    pub free: bool,
    /// The digest of the entry that asks for it.
    pub entry: String,
    /// What a reader should know beside it.
    pub note: Option<String>,
}

/// Why nothing at all can be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unplannable(pub String);

/// What the decisions look at.
struct Context<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    history: &'a History,
    policy: &'a Policy,
    now: Now,
}

/// Makes the plan.
///
/// # Errors
/// When the state names no usable main account, or not the one that was observed, or that one is not active or not
/// its own owner: then nothing at all is changed.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    history: &History,
    policy: &Policy,
    now: Now,
) -> Result<Plan, Unplannable> {
    check_main_account(desired, observed)?;
    let context = Context { desired, observed, history, policy, now };
    let mut plan = Plan { listed_accounts: desired.accounts().count(), ..Plan::default() };
    for entry in desired.accounts() {
        accounts::decide(&context, entry, &mut plan);
    }
    let moves = numbers::wanted(&context);
    // While the state has faults, what closes would move is held and must not raise the limit of what is not.
    plan.listed_numbers = moves.iter().filter(|wanted| !(desired.faulty() && wanted.leaves())).count();
    let reactivating: BTreeSet<_> =
        plan.of(Verb::Reactivate).map(|planned| planned.action.account()).collect();
    for wanted in &moves {
        numbers::decide(&context, wanted, &reactivating, &mut plan);
    }
    plan.doubted = doubted::doubted(&context, &plan);
    plan.sort();
    Ok(plan)
}

/// Whether the state is meant for the account of the credentials, and that account can be worked with.
pub fn check_main_account(desired: &Desired, observed: &Observed) -> Result<(), Unplannable> {
    let main = desired.main().map_err(|why| Unplannable(why.to_owned()))?;
    if main.sid != observed.main() {
        return Err(Unplannable(format!(
            "the state is for the main account {}, but the credentials are those of {}",
            main.sid,
            observed.main()
        )));
    }
    check_credentials(observed)
}

/// Whether the account of the credentials is a main account that can be worked with.
pub fn check_credentials(observed: &Observed) -> Result<(), Unplannable> {
    let main = observed.main();
    let Some(account) = observed.main_account() else {
        return Err(Unplannable(format!("Twilio's account list does not show the main account {main}")));
    };
    if account.owner != Some(main) {
        return Err(Unplannable(format!(
            "{main} is not a main account: Twilio does not show it as its own owner"
        )));
    }
    if account.status.known() != Some(Status::Active) {
        return Err(Unplannable(format!("the main account {main} is not active")));
    }
    Ok(())
}

impl Plan {
    /// The planned actions of one verb.
    pub fn of(&self, verb: Verb) -> impl Iterator<Item = &Planned> {
        self.actions.iter().filter(move |planned| planned.action.verb() == verb)
    }

    /// A digest that changes when the plan does.
    pub fn digest(&self) -> String {
        let actions: Vec<_> = self.actions.iter().map(|planned| planned.action.to_string()).collect();
        let held: Vec<_> =
            self.held.iter().map(|held| (held.reason, held.kind, held.account, held.number)).collect();
        digest(&(actions, held))
    }

    pub(crate) fn sort(&mut self) {
        self.actions.sort_by(|a, b| a.action.cmp(&b.action));
        self.held.sort_by_key(|held| (held.account, held.number, held.kind, held.reason));
    }

    pub(crate) fn hold(&mut self, kind: Verb, account: AccountSid, number: Option<PhoneNumber>, hold: Hold) {
        let Hold { reason, message, remedy } = hold;
        self.held.push(Held { reason, kind, account, number, message, remedy });
    }

    /// Plans `action` for `entry`, unless something holds every action of its kind.
    fn add(&mut self, context: &Context<'_>, action: Action, entry: &str, note: Option<String>) {
        if let Some(hold) = held::before_any_action(context, &action, entry) {
            return self.hold(action.verb(), action.account(), action.number(), hold);
        }
        let free = context.is_free(&action);
        self.actions.push(Planned { action, free, entry: entry.to_owned(), note });
    }
}

impl Context<'_> {
    fn is_free(&self, action: &Action) -> bool {
        let (now, window) = (self.now, self.policy.window);
        match action {
            Action::Reactivate(account) => self.history.reactivation_is_free(*account, now, window),
            Action::Transfer(transfer) => {
                self.history.transfer_is_free(transfer.phone, transfer.from, transfer.to, now, window)
            }
            Action::Suspend(_) | Action::Close(_) => false,
        }
    }

    /// Why nothing is done to the account of `entry`, or to its numbers, when Twilio shows it by another name.
    fn name_mismatch(&self, entry: &Entry) -> Option<Hold> {
        let live = &self.observed.account(entry.sid)?.friendly_name;
        entry.misnames(live).then(|| held::name_mismatch(entry, live))
    }
}
