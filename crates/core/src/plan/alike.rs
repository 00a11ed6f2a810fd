//! Transfers that are alike: those into one account with the same resources. When Twilio refused one of them because of a
//! resource, the others would be refused as well, and wait for its retry.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, Plan, Reason, WantedTransfer,
    held::{Hold, hold},
};
use crate::{
    AccountSid, Action, ActionKind, PhoneNumber, Planned, Target, TransferResources, history::Backoff,
};

/// The error codes of a transfer that lacks a resource, or names one that does not fit: an address, a bundle, an identity.
const RESOURCE_CODES: [u32; 6] = [21613, 21615, 21631, 21649, 21650, 21651];

/// Holds the planned transfers that are alike to a refused one, until that one is done.
pub(super) fn pause_with_refused(context: &Context<'_>, plan: &mut Plan) {
    let refused = refused(context, plan);
    if refused.is_empty() {
        return;
    }
    let alike = |planned: &Planned| match &planned.action {
        Action::Transfer(transfer) => refused
            .get(&(transfer.to, transfer.resources))
            .filter(|refused| !refused.phones.contains(&transfer.phone))
            .map(|refused| (transfer.to, transfer.phone, refused.hold(transfer.phone))),
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Suspend(_)
        | Action::Configure(_)
        | Action::EndCalls(_)
        | Action::Release(_)
        | Action::Close(_) => None,
    };
    let holds: Vec<_> = plan.actions.iter().filter_map(alike).collect();
    let waiting: BTreeSet<_> = holds.iter().map(|(_, phone, _)| Target::Number(*phone)).collect();
    let waits = |action: &Action| action.kind() == ActionKind::Transfer && waiting.contains(&action.target());
    plan.actions.retain(|planned| !waits(&planned.action));
    for (to, phone, hold) in holds {
        plan.hold(ActionKind::Transfer, to, Some(phone), hold);
    }
}

/// The refused transfers that share a receiver and resources.
struct Refused<'a> {
    phones: Vec<PhoneNumber>,
    first: &'a Backoff,
}

impl Refused<'_> {
    fn hold(&self, phone: PhoneNumber) -> Hold {
        let Backoff { code, message, .. } = self.first;
        let code = code.map_or_else(String::new, |code| format!(" (error {code})"));
        let first = self.phones.first().map_or_else(String::new, ToString::to_string);
        hold(
            Reason::RefusedByTwilio,
            format!(
                "{phone} waits for the transfer of {first}, which Twilio refused with the same resources{code}: {message}"
            ),
            "fix the address, bundle or identity that both name; all of them go on when that transfer is done",
        )
    }
}

/// The transfers that Twilio refused because of a resource and that are retried in this pass or after their pause, by
/// receiver and resources.
fn refused<'a>(context: &Context<'a>, plan: &Plan) -> BTreeMap<(AccountSid, TransferResources), Refused<'a>> {
    let planned = plan.of(ActionKind::Transfer).filter_map(|planned| planned.action.number());
    let paused = plan
        .held
        .iter()
        .filter(|held| held.kind == ActionKind::Transfer && held.reason == Reason::RefusedByTwilio)
        .filter_map(|held| held.number);
    let retried: BTreeSet<PhoneNumber> = planned.chain(paused).collect();
    let named = |wanted: &&WantedTransfer| {
        wanted.resources != TransferResources::default() && retried.contains(&wanted.phone)
    };
    let mut all: BTreeMap<_, Refused<'a>> = BTreeMap::new();
    for wanted in plan.wanted_transfers.iter().filter(named) {
        let target = Target::Number(wanted.phone);
        let refused = context.history.refused(ActionKind::Transfer, &target, &wanted.entry);
        let lacks = |refused: &&Backoff| refused.code.is_some_and(|code| RESOURCE_CODES.contains(&code));
        let Some(first) = refused.filter(lacks) else { continue };
        let alike = all.entry((wanted.to, wanted.resources));
        alike.or_insert(Refused { phones: Vec::new(), first }).phones.push(wanted.phone);
    }
    all
}
