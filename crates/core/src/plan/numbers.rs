//! The decision on one phone number and its desired account. The first match wins.

use std::collections::BTreeSet;

use super::{
    Context, Plan, Reason, WantedTransfer, configures, following,
    held::{FIX_FAULTS, Hold, hold, whole_state_paused},
    not_known::not_known,
};
use crate::{
    AccountSid, Action, ActionKind, Address, Claim, Desired, Entry, History, Now, Number, NumberLocation,
    NumberSettings, Observed, PhoneNumber, Policy, ResourceRef, Status, Transfer, TransferResources,
    claim::NumberDefaults, desired::Main, digest::digest, text::count,
};

/// A phone number and its desired account.
pub(super) struct Wanted<'a> {
    to: AccountSid,
    phone: PhoneNumber,
    terms: Claim<'a>,
    /// The account to close that the number leaves for the main account, when no entry claims it.
    leaves: Option<AccountSid>,
}

/// The defaults of a state without a usable main account.
const NO_DEFAULTS: &NumberDefaults = &NumberDefaults::NONE;

impl Wanted<'_> {
    /// The settings that the number gets with its transfer.
    fn settings(&self) -> NumberSettings {
        if self.leaves() { NumberSettings::default() } else { self.terms.settings() }
    }

    /// Returns true when it moves to the main account because its account is to close and no entry claims it.
    pub(super) const fn leaves(&self) -> bool {
        self.leaves.is_some()
    }
}

/// Every claim, and the numbers that accounts to close move to the main account.
pub(super) fn wanted<'a>(context: &Context<'a>) -> Vec<Wanted<'a>> {
    let claimed: BTreeSet<_> = context.desired.claimants().into_keys().collect();
    let claims = context.desired.claims().map(|(to, phone, terms)| Wanted { to, phone, terms, leaves: None });
    // An unclaimed number gets the resources of the main account's defaults, and none of its settings.
    let defaults = context.desired.main().ok().map_or(NO_DEFAULTS, |main| &main.number_defaults);
    let of_main = Claim::new(None, defaults);
    let mut all: Vec<_> = claims.collect();
    let mut leaving = BTreeSet::new();
    for entry in context.desired.accounts() {
        let Some(terms) = entry.close().filter(|terms| terms.move_numbers_to_main) else { continue };
        let listed = context.observed.numbers(entry.sid).unwrap_or_default();
        let unclaimed = |phone: &PhoneNumber| {
            !claimed.contains(phone) && !terms.release.contains(phone) && !entry.release.contains_key(phone)
        };
        let phones = listed.iter().filter_map(|number| number.phone).filter(unclaimed);
        let (to, leaves) = (context.observed.main(), Some(entry.sid));
        // A number in transit between two accounts to close is in both lists.
        let new: Vec<_> = phones.filter(|phone| leaving.insert(*phone)).collect();
        all.extend(new.into_iter().map(|phone| Wanted { to, phone, terms: of_main, leaves }));
    }
    all
}

/// Decides on `wanted`: settled, planned or held.
pub(super) fn decide(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    reactivating: &BTreeSet<AccountSid>,
    plan: &mut Plan,
) {
    let phone = wanted.phone;
    let (from, number) = match context.observed.locate(phone) {
        NumberLocation::In(holder, number) if holder == wanted.to => {
            plan.found_numbers += 1;
            if !wanted.leaves() {
                plan.found_claims += 1;
                configures::decide(context, (holder, phone), wanted.terms, number, reactivating, plan);
            }
            return;
        }
        NumberLocation::In(holder, number) => (holder, number),
        NumberLocation::InTransit => {
            return plan.hold(ActionKind::Transfer, wanted.to, Some(phone), moving(phone));
        }
        NumberLocation::Nowhere => {
            return plan.hold(ActionKind::Transfer, wanted.to, Some(phone), nowhere(context, phone));
        }
    };
    // While the state has faults, moves for a close are held, and must not raise the limit of other transfers.
    plan.found_numbers += usize::from(!(context.desired.faulty() && wanted.leaves()));
    plan.found_claims += usize::from(!wanted.leaves());
    let resources = wanted.terms.resources(phone, number.number_type);
    let entry = transfer_digest(context, wanted);
    plan.wanted_transfers.push(WantedTransfer {
        phone,
        from,
        to: wanted.to,
        resources,
        entry: entry.clone(),
    });
    if let Some(hold) = held(context, wanted, from, number, reactivating) {
        return plan.hold(ActionKind::Transfer, wanted.to, Some(phone), hold);
    }
    let transfer = Transfer {
        to: wanted.to,
        phone,
        from,
        number_sid: number.sid,
        resources,
        settings: wanted.settings(),
    };
    let warning = following::warning(&transfer, number);
    plan.add(context, Action::Transfer(transfer), &entry, warning);
}

/// The digest of the part of the state that asks for the transfer: an edit of it ends the pauses after failures.
fn transfer_digest(context: &Context<'_>, wanted: &Wanted<'_>) -> String {
    let Some(account) = wanted.leaves else { return entry_digest(context, wanted.to) };
    let of_entry = entry_digest(context, account);
    let of_main = context.desired.main().ok().map(|main| &main.number_defaults.transfers);
    match of_main.filter(|transfers| !transfers.is_empty()) {
        Some(transfers) => digest(&(of_entry, transfers)),
        None => of_entry,
    }
}

/// The digest of the entry of `account`, or of the main account.
pub(super) fn entry_digest(context: &Context<'_>, account: AccountSid) -> String {
    let of_main = || context.desired.main().map(Main::digest).unwrap_or_default();
    context.desired.entry(account).map_or_else(of_main, Entry::digest)
}

pub(super) fn moving(phone: PhoneNumber) -> Hold {
    hold(
        Reason::Unreadable,
        format!("{phone} was seen in two accounts at once: a transfer is in progress"),
        "wait for the next pass, which reads the lists again",
    )
}

pub(super) fn nowhere(context: &Context<'_>, phone: PhoneNumber) -> Hold {
    if let Some((first, lists)) = context.observed.not_in_snapshot() {
        return not_known(format!(
            "{phone} is in no number list of the snapshot, which lacks {}, the first that of {first}",
            count(lists, "list")
        ));
    }
    match context.observed.unreadable_list() {
        Some((unread, why, remedy)) => hold(
            Reason::Unreadable,
            format!(
                "{phone} is in no readable number list, and the list of {unread} could not be read: {why}"
            ),
            remedy,
        ),
        None if let Some((account, why)) = context.observed.any_unreadable_account() => {
            let account =
                account.map_or_else(|| "an account without a valid SID".to_owned(), |sid| sid.to_string());
            hold(
                Reason::Unreadable,
                format!("{phone} is in no readable number list, and {account} cannot be read: {why}"),
                "check the account in the Twilio Console",
            )
        }
        None => hold(
            Reason::UnknownNumber,
            format!("{phone} is in no number list that was read"),
            "check the phone number; buy or port it first, or remove the claim",
        ),
    }
}

fn held(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    from: AccountSid,
    number: &Number,
    reactivating: &BTreeSet<AccountSid>,
) -> Option<Hold> {
    let stays = format!("{} is not moved", wanted.phone);
    paused(context.desired, [wanted.to, from], &stays)
        .or_else(|| closed_or_unknown(context, wanted))
        .or_else(|| unreadable_status(context, [wanted.to, from], &stays))
        .or_else(|| name_mismatch(context, [wanted.to, from], &stays))
        .or_else(|| state_faults(context, wanted))
        .or_else(|| target_not_active(context, wanted, reactivating))
        .or_else(|| resources(context, wanted, number))
}

/// The hold of a change to a number that concerns `accounts`; `stays` is the start of its message.
pub(super) fn paused<const N: usize>(
    desired: &Desired,
    accounts: [AccountSid; N],
    stays: &str,
) -> Option<Hold> {
    let sid = accounts.into_iter().find(|sid| desired.paused_for_numbers(*sid))?;
    Some(if let Some(pause) = desired.pause() {
        whole_state_paused(&pause, stays)
    } else if desired.entry(sid).is_some() {
        let message = format!("{stays}: the entry of {sid} is paused");
        hold(Reason::Paused, message, format!("remove `paused: true` from the entry of {sid}"))
    } else if desired.may_be_listed(sid) {
        let message = format!("{stays}: {sid} may be the account of an entry without a readable SID");
        hold(Reason::Paused, message, FIX_FAULTS)
    } else {
        let message = format!("{stays}: {sid} has a fault in the desired state");
        hold(Reason::Paused, message, FIX_FAULTS)
    })
}

fn closed_or_unknown(context: &Context<'_>, wanted: &Wanted<'_>) -> Option<Hold> {
    let (to, phone) = (wanted.to, wanted.phone);
    match context.observed.account(to).map(|account| account.status.known()) {
        None if context.observed.unreadable_account(to).is_some() => None,
        None => Some(hold(
            Reason::UnknownAccount,
            format!(
                "{to}, which claims {phone}, is not among the subaccounts of {}",
                context.observed.main()
            ),
            "check the SID",
        )),
        Some(Some(Status::Closed)) => Some(hold(
            Reason::AlreadyClosed,
            format!("{to}, which claims {phone}, is closed"),
            "claim the number under another account",
        )),
        Some(_) => None,
    }
}

pub(super) fn unreadable_status<const N: usize>(
    context: &Context<'_>,
    accounts: [AccountSid; N],
    stays: &str,
) -> Option<Hold> {
    let unreadable =
        |sid: &AccountSid| context.observed.account(*sid).is_none_or(|a| a.status.known().is_none());
    accounts.into_iter().find(unreadable).map(|sid| {
        hold(
            Reason::Unreadable,
            format!("{stays}: the status of {sid} cannot be read"),
            "check the account in the Twilio Console",
        )
    })
}

pub(super) fn name_mismatch<const N: usize>(
    context: &Context<'_>,
    accounts: [AccountSid; N],
    stays: &str,
) -> Option<Hold> {
    let mut entries = accounts.into_iter().filter_map(|sid| context.desired.entry(sid));
    let mut hold = entries.find_map(|entry| context.name_mismatch(entry))?;
    hold.message = format!("{stays}: {}", hold.message);
    Some(hold)
}

fn state_faults(context: &Context<'_>, wanted: &Wanted<'_>) -> Option<Hold> {
    let leaves = wanted.leaves.filter(|_| context.desired.faulty())?;
    Some(hold(
        Reason::StateFaults,
        format!(
            "{} is not moved from {leaves} to the main account while the desired state has faults",
            wanted.phone
        ),
        FIX_FAULTS,
    ))
}

fn target_not_active(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    reactivating: &BTreeSet<AccountSid>,
) -> Option<Hold> {
    let status = context.observed.account(wanted.to)?.status.known()?;
    (status != Status::Active && !reactivating.contains(&wanted.to))
        .then(|| not_active(wanted.to, wanted.phone))
}

/// The hold of a transfer of `phone` to `to`, which is not active in this pass.
pub(crate) fn not_active(to: AccountSid, phone: PhoneNumber) -> Hold {
    hold(
        Reason::TargetNotActive,
        format!(
            "{phone} cannot move to {to}, which is not active: Twilio accepts transfers into active accounts only"
        ),
        "make the receiving account active first; it can be suspended again after the transfer",
    )
}

/// The accounts that receive a number which is held because its transfer needs an address or a bundle.
pub(crate) fn receivers_in_need(
    desired: &Desired,
    observed: &Observed,
    history: &History,
    policy: &Policy,
    now: Now,
) -> BTreeSet<AccountSid> {
    let context = Context { desired, observed, history, policy, now };
    // Whether they will be reactivated in this pass is not known yet.
    let active = observed.accounts().map(|account| account.sid).collect();
    let needs = |wanted: &Wanted<'_>| match observed.locate(wanted.phone) {
        NumberLocation::In(from, number) if from != wanted.to => {
            held(&context, wanted, from, number, &active)
                .is_some_and(|hold| matches!(hold.reason, Reason::NeedsAddress | Reason::NeedsBundle))
        }
        NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere => false,
    };
    wanted(&context).into_iter().filter(needs).map(|wanted| wanted.to).collect()
}

fn resources(context: &Context<'_>, wanted: &Wanted<'_>, number: &Number) -> Option<Hold> {
    let Wanted { to, phone, terms, leaves } = wanted;
    let place = if leaves.is_some() { "under `mainAccount.numbers`" } else { "in the claim" };
    let TransferResources { address_sid, bundle_sid, .. } = terms.resources(*phone, number.number_type);
    let (reason, has, key, placeholder) = if number.needs_address && address_sid.is_none() {
        (Reason::NeedsAddress, "address requirements", "addressSid", "AD…")
    } else if number.resource_refs.contains(ResourceRef::Bundle) && bundle_sid.is_none() {
        (Reason::NeedsBundle, "a regulatory bundle", "bundleSid", "BU…")
    } else {
        return None;
    };
    let addresses = context.observed.addresses(*to);
    let first = addresses.and_then(<[Address]>::first).map(|address| address.sid.to_string());
    let sids = match (reason == Reason::NeedsAddress, first) {
        (true, Some(address)) => format!("{key}: {address}"),
        (false, Some(address)) => format!("{key}: {placeholder}, addressSid: {address}"),
        (_, None) => format!("{key}: {placeholder}"),
    };
    let addresses = addresses
        .map_or_else(String::new, |addresses| format!("; {}", crate::address::words(*to, addresses)));
    Some(hold(
        reason,
        format!("{phone} has {has}, but the desired state gives no `{key}` of {to}"),
        format!(
            "write `{{number: \"{phone}\", {sids}}}` {place}, with SIDs of {to}, or a `transferDefaults` for its \
             prefix{addresses}"
        ),
    ))
}
