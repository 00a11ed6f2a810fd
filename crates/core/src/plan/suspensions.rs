//! Suspensions of accounts with transfers: Twilio accepts no transfer into a suspended account, and may refuse one out of
//! it. So a failed transfer is retried once before the account is suspended without it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, Held, Plan, Reason,
    held::{FIX_FAULTS, Hold, hold},
};
use crate::{AccountSid, Action, ActionKind, NumberLocation, PhoneNumber, Target, text::first_of};

/// Holds each suspension whose account has a failed transfer that was not retried yet. A transfer also counts as failed
/// when the reactivation of its receiver failed.
pub(super) fn wait_for_transfers(context: &Context<'_>, plan: &mut Plan) {
    let failed: BTreeMap<PhoneNumber, &Held> = plan
        .held
        .iter()
        .filter(|held| held.reason == Reason::RefusedByTwilio && held.kind == ActionKind::Transfer)
        .filter_map(|held| Some((held.number?, held)))
        .filter(|(phone, _)| was_tried_once(context, ActionKind::Transfer, &Target::Number(*phone)))
        .collect();
    let receivers: BTreeMap<AccountSid, &Held> = plan
        .held
        .iter()
        .filter(|held| held.reason == Reason::RefusedByTwilio && held.kind == ActionKind::Reactivate)
        .filter_map(|held| Some((held.account.sid()?, held)))
        .filter(|(account, _)| was_tried_once(context, ActionKind::Reactivate, &Target::Account(*account)))
        .collect();
    let mut waiting: BTreeMap<AccountSid, &Held> = BTreeMap::new();
    for wanted in &plan.wanted_transfers {
        if let Some(held) = failed.get(&wanted.phone).or_else(|| receivers.get(&wanted.to)) {
            waiting.entry(wanted.from).or_insert(held);
            waiting.entry(wanted.to).or_insert(held);
        }
    }
    let unclaimed = unclaimed_failures(context, plan);
    let holds: Vec<_> = plan
        .of(ActionKind::Suspend)
        .filter_map(|planned| {
            let account = planned.action.account().sid()?;
            match (waiting.get(&account), unclaimed.get(&account)) {
                (Some(held), _) => {
                    let message = format!("{account} waits for one retry: {}", held.message);
                    Some((account, hold(held.reason, message, held.remedy.clone())))
                }
                (None, Some(phone)) => Some((account, waits_for_faults(account, *phone))),
                (None, None) => None,
            }
        })
        .collect();
    for (account, hold) in holds {
        plan.actions.retain(|planned| planned.action != Action::Suspend(account));
        plan.hold(ActionKind::Suspend, account, None, hold);
    }
}

/// Numbers whose transfer failed once and whose claim is gone, perhaps because of a fault, by the accounts that hold them:
/// a fault must not let a suspension continue.
fn unclaimed_failures(context: &Context<'_>, plan: &Plan) -> BTreeMap<AccountSid, PhoneNumber> {
    if !context.desired.faulty() {
        return BTreeMap::new();
    }
    let wanted: BTreeSet<_> = plan.wanted_transfers.iter().map(|wanted| wanted.phone).collect();
    let failed = context.history.refused_once(ActionKind::Transfer).filter_map(|target| match target {
        Target::Number(phone) if !wanted.contains(&phone) => Some(phone),
        Target::Number(_) | Target::Account(_) | Target::Calls(_) | Target::Name(_) => None,
    });
    let held_by = failed.filter_map(|phone| match context.observed.locate(phone) {
        NumberLocation::In(owner, _) => Some((owner, phone)),
        NumberLocation::InTransit | NumberLocation::Nowhere => Some((context.history.owner(phone)?, phone)),
    });
    held_by.collect()
}

fn waits_for_faults(account: AccountSid, phone: PhoneNumber) -> Hold {
    hold(
        Reason::RefusedByTwilio,
        format!(
            "{account} waits for one retry of the transfer of {phone}, whose claim may be hidden by a fault"
        ),
        FIX_FAULTS,
    )
}

fn was_tried_once(context: &Context<'_>, kind: ActionKind, target: &Target) -> bool {
    let mut refusals = context.history.refusals(target);
    refusals.any(|(of, refused)| of == kind && refused.times == 1)
}

/// Adds to each planned suspension a note with the numbers whose transfers are held.
pub(crate) fn note_what_stays_behind(plan: &mut Plan) {
    let held: BTreeSet<_> = plan
        .held
        .iter()
        .filter(|held| held.kind == ActionKind::Transfer)
        .filter_map(|held| held.number)
        .collect();
    let mut staying: BTreeMap<AccountSid, Vec<PhoneNumber>> = BTreeMap::new();
    for wanted in plan.wanted_transfers.iter().filter(|wanted| held.contains(&wanted.phone)) {
        for account in [wanted.from, wanted.to] {
            staying.entry(account).or_default().push(wanted.phone);
        }
    }
    for planned in plan.actions.iter_mut().filter(|planned| planned.action.kind() == ActionKind::Suspend) {
        let Some(numbers) = planned.action.account().sid().and_then(|sid| staying.get(&sid)) else {
            continue;
        };
        let words = format!(
            "held transfers, which Twilio does not accept into a suspended account: {}",
            first_of(numbers)
        );
        planned.note = Some(planned.note.take().map_or(words.clone(), |note| format!("{note}; {words}")));
    }
}
