//! The decision to give a phone number back to Twilio: the only place that makes an [`Action::Release`]. The first match
//! wins.
//!
//! A release is planned only for the very number that the account held when its order was first seen, and an order is good
//! for one release.

use jiff::Timestamp;

use super::{
    Context, CoolingOff, Plan, Reason, close,
    held::{FIX_FAULTS, Hold, hold},
    numbers,
    obstacles::with_obstacles,
};
use crate::{
    AccountSid, Action, ActionKind, Number, NumberLocation, PhoneNumber, Release, ReleaseTerms, Status,
    history::ReleaseOrder,
};

/// The time in which a released number can be had back in the Twilio Console (Twilio's documentation).
pub const RECLAIMED_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(10 * 24);

/// The note of a planned release.
const RECLAIM_NOTE: &str = "by Twilio's documentation it can be had back in the Twilio Console for 10 days, at the price of a new number";

/// The state of an order to release a number.
enum Step<'a> {
    /// The account does not hold the number.
    Settled,
    /// A required fact could not be read.
    Unreadable(Hold),
    /// The order is settled, and the account holds the number all the same.
    Back(Hold),
    /// The account holds the number that the order means.
    Holds(&'a Number),
}

/// Decides on every order to release a number: settled, planned or held.
pub(super) fn decide(context: &Context<'_>, plan: &mut Plan) {
    for (account, phone, terms) in context.desired.releases() {
        let number = match step(context, account, phone, terms) {
            Step::Settled => continue,
            Step::Unreadable(hold) | Step::Back(hold) => {
                plan.hold(ActionKind::Release, account, Some(phone), hold);
                continue;
            }
            Step::Holds(number) => number,
        };
        if !is_lost_with_its_account(context, account, phone) {
            plan.numbers_at_risk += 1;
        }
        if let Some(hold) = held(context, account, phone, terms, number) {
            let hold = with_obstacles(context, ActionKind::Release, hold);
            plan.hold(ActionKind::Release, account, Some(phone), hold);
            continue;
        }
        let Some(live) = context.observed.account(account) else { continue };
        let release = Release { phone, account: live.clone(), number: number.clone().without_settings() };
        let entry = numbers::entry_digest(context, account);
        plan.add(context, Action::Release(release), &entry, Some(RECLAIM_NOTE.to_owned()));
    }
}

/// Returns true when the close of the account counts the number already.
fn is_lost_with_its_account(context: &Context<'_>, account: AccountSid, phone: PhoneNumber) -> bool {
    let close = context.desired.entry(account).and_then(crate::Entry::close);
    close.is_some_and(|terms| terms.release.contains(&phone))
}

fn step<'a>(
    context: &Context<'a>,
    account: AccountSid,
    phone: PhoneNumber,
    terms: &ReleaseTerms,
) -> Step<'a> {
    let live = context.observed.account(account).map(|account| account.status.known());
    if live == Some(Some(Status::Closed))
        || (live.is_none() && context.observed.unreadable_account(account).is_none())
    {
        return Step::Settled;
    }
    let stays = stays(phone);
    if let Some(hold) = numbers::unreadable_status(context, [account], &stays) {
        return Step::Unreadable(hold);
    }
    let number = match context.observed.locate(phone) {
        NumberLocation::In(owner, number) if owner == account => number,
        NumberLocation::In(..) => return Step::Settled,
        NumberLocation::InTransit => return Step::Unreadable(numbers::moving(phone)),
        NumberLocation::Nowhere if context.observed.numbers(account).is_some() => {
            let is_remembered = context.history.owner(phone) == Some(account);
            return if live == Some(Some(Status::Suspended)) && is_remembered {
                Step::Unreadable(hidden(account, phone))
            } else {
                Step::Settled
            };
        }
        NumberLocation::Nowhere => {
            return Step::Unreadable(close::unreadable(account, context.observed.number_list(account)));
        }
    };
    match order(context, account, phone, terms).filter(|order| is_spent(order, number)) {
        Some(order) => Step::Back(back(account, phone, order, number)),
        None => Step::Holds(number),
    }
}

/// The order as history knows it; `None` when it begins now.
fn order<'a>(
    context: &Context<'a>,
    account: AccountSid,
    phone: PhoneNumber,
    terms: &ReleaseTerms,
) -> Option<&'a ReleaseOrder> {
    let known = context.history.release_order(account, phone)?;
    (known.terms == terms.digest()).then_some(known)
}

/// Returns true when the order does not mean `number`: it is settled, or began with another number SID.
fn is_spent(order: &ReleaseOrder, number: &Number) -> bool {
    order.settled.is_some() || order.number_sid.is_some_and(|sid| sid != number.sid)
}

/// The hold of a number that its suspended account was seen with, and does not show.
fn hidden(account: AccountSid, phone: PhoneNumber) -> Hold {
    hold(
        Reason::Unreadable,
        format!(
            "{}: {account} was last seen with it, but does not show it while it is suspended",
            stays(phone)
        ),
        "reactivate the account to release the number, or remove the order when the number is gone",
    )
}

fn stays(phone: PhoneNumber) -> String {
    format!("{phone} is not released")
}

/// The hold of a number that came back after its order was settled.
fn back(account: AccountSid, phone: PhoneNumber, order: &ReleaseOrder, number: &Number) -> Hold {
    let before = match order.settled {
        Some(end) if end.by_us => format!("it was released at {}", end.at),
        Some(end) => format!("{account} did not hold it at {}", end.at),
        None => "the order began with another number SID".to_owned(),
    };
    hold(
        Reason::Contested,
        format!("{}: {before}, and {account} holds it now as {}", stays(phone), number.sid),
        format!(
            "remove the number from `release` to keep it; to release it again, change its `reason` in `release` of {account}"
        ),
    )
}

fn held(
    context: &Context<'_>,
    account: AccountSid,
    phone: PhoneNumber,
    terms: &ReleaseTerms,
    number: &Number,
) -> Option<Hold> {
    let stays = stays(phone);
    numbers::paused(context.desired, [account], &stays)
        .or_else(|| numbers::name_mismatch(context, [account], &stays))
        .or_else(|| state_faults(context, &stays))
        .or_else(|| emergency_address(account, number, &stays))
        .or_else(|| cooling_off(context, account, phone, terms))
}

fn state_faults(context: &Context<'_>, stays: &str) -> Option<Hold> {
    let message = || format!("{stays} while the desired state has faults");
    context.desired.faulty().then(|| hold(Reason::StateFaults, message(), FIX_FAULTS))
}

fn emergency_address(account: AccountSid, number: &Number, stays: &str) -> Option<Hold> {
    number.may_serve_emergency_calls().then(|| {
        let status = number
            .emergency_status
            .map_or_else(|| "of unknown status".to_owned(), |status| format!("`{}`", status.as_str()));
        hold(
            Reason::EmergencyAddress,
            format!("{stays}: it has an emergency address in {account} ({status}), which Twilio wants removed first"),
            "remove the emergency address of the number in the Twilio Console, and wait until it is unregistered; that takes \
             time",
        )
    })
}

/// The hold of an order whose time has not come, by Twilio's clock.
fn cooling_off(
    context: &Context<'_>,
    account: AccountSid,
    phone: PhoneNumber,
    terms: &ReleaseTerms,
) -> Option<Hold> {
    let Some(now) = context.now.trusted() else {
        return Some(hold(
            Reason::CoolingOff,
            format!(
                "{}: Twilio's clock is missing, or more than 5 minutes from the local clock",
                stays(phone)
            ),
            "set the clock of this machine (NTP); nothing is released while the clocks disagree",
        ));
    };
    let length = context.policy.release_after;
    // An order that history does not know starts now.
    let since = order(context, account, phone, terms).and_then(|order| order.since).unwrap_or(now);
    let rest = CoolingOff::new(context, since, length);
    if !length.is_zero() && now < rest.due {
        return Some(wait_until(phone, rest.due, &rest.to_string()));
    }
    let not_before = terms.not_before.filter(|not_before| now < *not_before)?;
    Some(wait_until(phone, not_before, "its `notBefore` is not reached"))
}

fn wait_until(phone: PhoneNumber, due: Timestamp, why: &str) -> Hold {
    let held = hold(
        Reason::CoolingOff,
        format!("{phone} is released at {due} at the earliest: {why}"),
        "wait; to keep the number, remove it from `release` before then",
    );
    Hold { due: Some(due), ..held }
}
