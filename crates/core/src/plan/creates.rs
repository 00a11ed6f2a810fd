//! The decision to create the account of an entry without a SID. The first match wins. Only this file makes a create.
//!
//! A name is no identity at Twilio: several accounts may have it, and people change it. So nothing is created while an
//! account may be the one that an entry means, and no account is taken for the one of an entry by its name alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, Plan, Reason,
    held::{FIX_FAULTS, Hold, hold, whole_state_paused},
    numbers::{moving, nowhere},
};
use crate::{
    Account, AccountSid, Action, ActionKind, Create, Entry, FriendlyName, NumberLocation, PhoneNumber, Stamp,
    Status, Unpinned, folded,
    history::{OpenCreate, WATCHED},
    text::first_of,
};

/// The facts that concern every create of a plan.
struct Facts<'a> {
    /// The subaccounts that are not closed, by folded name.
    open_by_name: BTreeMap<String, Vec<AccountSid>>,
    /// Accounts that the daemon created and no entry means, with the names of their entries.
    unmeant: Vec<(&'a FriendlyName, AccountSid)>,
    /// Subaccounts that no entry means and that the daemon did not knowingly create.
    unknown: Vec<&'a Account>,
    /// Creates with unknown outcome whose name no entry has.
    orphans: Vec<(&'a FriendlyName, &'a OpenCreate)>,
}

/// Decides on every entry whose account is not known.
pub(super) fn decide(context: &Context<'_>, plan: &mut Plan) {
    if context.desired.unpinned().next().is_none() {
        return;
    }
    let facts = Facts::new(context);
    for (name, entry) in context.desired.unpinned() {
        let held = plan.held.len();
        if let Some(hold) = facts.held(context, name, entry) {
            plan.hold(ActionKind::Create, name, None, hold);
        } else {
            let action = Action::Create(Create { name: name.clone() });
            plan.add(context, action, &entry.digest(), None);
        }
        let reason = plan.held.get(held).map_or(Reason::TargetNotActive, |held| held.reason);
        for phone in entry.numbers.keys() {
            let hold = waits(context, name, *phone, reason);
            plan.hold(ActionKind::Transfer, name, Some(*phone), hold);
        }
    }
}

/// The hold of an account that the daemon created for `entry` and that Twilio no longer lists.
pub(super) fn gone(context: &Context<'_>, entry: &Entry) -> Option<Hold> {
    let (name, _) = context.history.created_accounts().find(|(_, account)| *account == entry.sid)?;
    Some(hold(
        Reason::AlreadyClosed,
        format!(
            "{}, which was created as {:?}, is no longer among the subaccounts",
            entry.sid,
            name.as_str()
        ),
        format!(
            "remove the entry, or write `sid: {}` and `status: closed`; for another account, use another name",
            entry.sid
        ),
    ))
}

/// The hold of a number that an entry claims whose account is not created yet.
fn waits(context: &Context<'_>, name: &FriendlyName, phone: PhoneNumber, reason: Reason) -> Hold {
    let name = name.as_str();
    match context.observed.locate(phone) {
        NumberLocation::InTransit => moving(phone),
        NumberLocation::Nowhere => nowhere(context, phone),
        NumberLocation::In(..) => hold(
            reason,
            format!("{phone} cannot move to {name:?}, whose account is not created yet"),
            "no action needed for the number: it moves in the pass after its account was created",
        ),
    }
}

impl<'a> Facts<'a> {
    fn new(context: &Context<'a>) -> Self {
        let Context { desired, observed, history, .. } = *context;
        let mut open_by_name: BTreeMap<String, Vec<AccountSid>> = BTreeMap::new();
        for account in observed.subaccounts().filter(|a| a.status.known() != Some(Status::Closed)) {
            open_by_name.entry(folded(&account.friendly_name)).or_default().push(account.sid);
        }
        let created: BTreeSet<_> = history.created_accounts().map(|(_, account)| account).collect();
        let is_meant = |account: AccountSid| desired.entry(account).is_some();
        let unmeant = history.created_accounts();
        let unmeant = unmeant.filter(|(_, account)| !is_meant(*account) && !history.seen_closed(*account));
        let unknown = observed.subaccounts();
        let unknown = unknown.filter(|account| !is_meant(account.sid) && !created.contains(&account.sid));
        let names: BTreeSet<_> = desired.unpinned().map(|(name, _)| name).collect();
        let orphans = history.open_creates().filter(|(name, _)| !names.contains(name));
        Self {
            open_by_name,
            unmeant: unmeant.collect(),
            unknown: unknown.collect(),
            orphans: orphans.collect(),
        }
    }

    fn held(&self, context: &Context<'_>, name: &FriendlyName, entry: &Unpinned) -> Option<Hold> {
        self.ambiguous(context, name)
            .or_else(|| self.unconfirmed(context, name))
            .or_else(|| unreadable(context, name))
            .or_else(|| paused(context, name, entry))
            .or_else(|| state_faults(context, name))
    }

    fn ambiguous(&self, context: &Context<'_>, name: &FriendlyName) -> Option<Hold> {
        let text = name.as_str();
        if let Some(account) = context.history.created(name) {
            return Some(hold(
                Reason::AmbiguousName,
                format!("{account} was created for {text:?}, and another entry lists it"),
                format!("keep one of the two entries: with `sid: {account}`"),
            ));
        }
        if let Some(accounts) = self.open_by_name.get(&folded(text)) {
            let names = first_of(accounts);
            let (has, was) = if accounts.len() == 1 { ("has", "was") } else { ("have", "were") };
            return Some(hold(
                Reason::AmbiguousName,
                format!(
                    "{text:?} is not created: {names} {has} this name, and {was} not created by this journal for it"
                ),
                "run `subaccountd pin --adopt`, which shows the account and writes its SID into the entry, or use another name",
            ));
        }
        if self.unmeant.is_empty() {
            return None;
        }
        let accounts: Vec<_> = self
            .unmeant
            .iter()
            .map(|(name, account)| format!("{account} (created as {:?})", name.as_str()))
            .collect();
        Some(hold(
            Reason::AmbiguousName,
            format!("{text:?} is not created while no entry means {}", first_of(&accounts)),
            "list the account with its `sid`, in this entry when its name was edited, or in an entry of its own",
        ))
    }

    /// The hold while the account of a create with unknown outcome may exist: one for this name, or for a name that no entry
    /// has any more, because an edited name must not begin a second account.
    fn unconfirmed(&self, context: &Context<'_>, name: &FriendlyName) -> Option<Hold> {
        let own = context.history.open_create(name).map(|open| (name, open));
        own.into_iter().chain(self.orphans.iter().copied()).find_map(|(sent, open)| {
            let (text, sent) = (name.as_str(), sent.as_str());
            if let Some(account) = self.unknown.iter().find(|account| open.may_have_made(account)) {
                return Some(hold(
                    Reason::Unconfirmed,
                    format!(
                        "{text:?} is not created: the outcome of creating {sent:?} at {} is unknown, and {} ({:?}), which no \
                         entry lists, was created since",
                        open.last.at, account.sid, account.friendly_name
                    ),
                    format!(
                        "check in the Twilio Console who created {0}; then list it with `sid: {0}`, in this entry when it is \
                         the account, else in an entry of its own",
                        account.sid
                    ),
                ));
            }
            let until = open.last.at.checked_add(WATCHED).unwrap_or(jiff::Timestamp::MAX);
            (!is_over(context, open.last)).then(|| {
                hold(
                    Reason::Unconfirmed,
                    format!(
                        "{text:?} is not created: the outcome of creating {sent:?} at {} is unknown, and the account may \
                         still appear in Twilio's list",
                        open.last.at
                    ),
                    format!("wait: planned again at {until}, unless the account appears"),
                )
            })
        })
    }
}

/// Returns true when the time in which the account of a create at `last` may still appear is certainly over.
fn is_over(context: &Context<'_>, last: Stamp) -> bool {
    let elapsed = context.now.trusted().map(|now| now.duration_since(last.at));
    !last.unsure && elapsed.is_some_and(|elapsed| elapsed >= WATCHED)
}

/// The hold while an account of this name may be hidden, or while no time can be told to recognize the account by.
fn unreadable(context: &Context<'_>, name: &FriendlyName) -> Option<Hold> {
    let name = name.as_str();
    if let Some((account, why)) = context.observed.any_unreadable_account() {
        let which =
            account.map_or_else(|| "an account without a valid SID".to_owned(), |sid| sid.to_string());
        return Some(hold(
            Reason::Unreadable,
            format!("{name:?} is not created: {which} cannot be read, and may have this name: {why}"),
            "check the account in the Twilio Console; nothing is created until the whole list can be read",
        ));
    }
    context.now.trusted().is_none().then(|| {
        hold(
            Reason::Unreadable,
            format!("{name:?} is not created: Twilio's clock is unknown, or differs from the local clock"),
            "correct the local clock (NTP); without it, an account whose answer was lost cannot be recognized",
        )
    })
}

fn paused(context: &Context<'_>, name: &FriendlyName, entry: &Unpinned) -> Option<Hold> {
    let name = name.as_str();
    if let Some(pause) = context.desired.pause() {
        return Some(whole_state_paused(&pause, &format!("{name:?} is not created")));
    }
    entry.paused.then(|| {
        hold(
            Reason::Paused,
            format!("{name:?} is not created: its entry is paused"),
            "remove `paused: true` from the entry",
        )
    })
}

fn state_faults(context: &Context<'_>, name: &FriendlyName) -> Option<Hold> {
    context.desired.faulty().then(|| {
        hold(
            Reason::StateFaults,
            format!("{:?} is not created while the desired state has faults", name.as_str()),
            FIX_FAULTS,
        )
    })
}
