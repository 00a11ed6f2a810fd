//! The facts that a pass adds to history: from the desired state alone, and from an observation.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    AccountSid, ActionKind, CallList, Claim, CloseTerms, Desired, Entry, Now, NumberId, NumberLocation,
    NumberSid, Observed, PhoneNumber, Policy, Status, Target, endable,
    history::{Applied, Event, History, Write},
};

/// The most accounts in one event, so that no line of the journal grows without bound.
const MAX_ACCOUNTS: usize = 1000;
/// The longest pass that is never a gap.
const SHORT_PASS: SignedDuration = SignedDuration::from_mins(1);
/// The longest time between two recorded passes.
const ATTENDED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The facts of the desired state alone, independent of Twilio: a decision that is withdrawn during an outage counts as
/// withdrawn.
pub fn desired_events(history: &History, desired: &Desired, policy: &Policy, now: Now) -> Vec<Event> {
    let mut events = attention(history, policy, now);
    for entry in desired.accounts() {
        let (account, status) = (entry.sid, entry.desired_status.status());
        if history.desired_status(account) != Some(status) {
            events.push(Event::DesiredStatusChanged { account, status });
        }
    }
    events.append(&mut close_decisions(history, desired, now));
    events.append(&mut release_orders(history, desired, now));
    events
}

/// The closes that the desired state decides or withdraws, beside what was decided before.
fn close_decisions(history: &History, desired: &Desired, now: Now) -> Vec<Event> {
    let since = now.trusted();
    let decided =
        desired.accounts().filter_map(|entry| {
            let (account, terms) = (entry.sid, entry.close_digest()?);
            let known = history.close_decision(account).filter(|known| known.terms == terms);
            known
                .is_none_or(|known| known.since.is_none() && since.is_some())
                .then_some(Event::CloseDecided { account, terms, since })
        });
    let mut events: Vec<_> = decided.collect();
    let withdrawn = |account: &AccountSid| match desired.entry(*account) {
        Some(entry) => entry.close().is_none(),
        // An unreadable entry may still have it.
        None => !desired.faulty(),
    };
    let decided = history.close_decisions().map(|(account, _)| account).filter(withdrawn);
    events.extend(decided.map(|account| Event::CloseWithdrawn { account }));
    events
}

/// The releases that the desired state orders or withdraws, beside what was ordered before.
fn release_orders(history: &History, desired: &Desired, now: Now) -> Vec<Event> {
    let since = now.trusted();
    let ordered =
        desired.releases().filter_map(|(account, number, terms)| {
            let terms = terms.digest();
            let known = history.release_order(account, number);
            // With a fault, the terms may be those of another mention, and an order that is settled must not begin again.
            if desired.faulty() && known.is_some_and(|known| known.settled.is_some()) {
                return None;
            }
            let known = known.filter(|known| known.terms == terms);
            known
                .is_none_or(|known| known.since.is_none() && since.is_some())
                .then_some(Event::ReleaseOrdered { account, number, terms, since })
        });
    let mut events: Vec<_> = ordered.collect();
    let is_withdrawn = |(account, number): &(AccountSid, PhoneNumber)| {
        desired.release(*account, *number).is_none() && (!desired.faulty() || desired.reads(*account))
    };
    let known = history.release_orders().map(|(account, number, _)| (account, number)).filter(is_withdrawn);
    events.extend(known.map(|(account, number)| Event::ReleaseWithdrawn { account, number }));
    events
}

/// The facts of the desired state as it was read during a pass: a close or a release that is withdrawn then, or that gets other terms, rests
/// anew, even if the next pass finds it as it was.
pub fn events_during_pass(history: &History, desired: &Desired, policy: &Policy, now: Now) -> Vec<Event> {
    // The orders of an entry without a SID are those of its account.
    let desired = &*desired.resolved(|name| history.created(name));
    let mut events = attention(history, policy, now);
    events.append(&mut close_decisions(history, desired, now));
    events.append(&mut release_orders(history, desired, now));
    events
}

/// The facts that a pass reads the desired state now, and the gap before it.
pub(crate) fn attention(history: &History, policy: &Policy, now: Now) -> Vec<Event> {
    attended_within(history, policy, now, longest_gap(history, policy))
}

/// The facts at the end of a pass. A short pass is not a gap.
pub fn end_of_pass(history: &History, policy: &Policy, now: Now) -> Vec<Event> {
    attended_within(history, policy, now, longest_gap(history, policy).max(SHORT_PASS))
}

/// The longest time without a pass that counts towards every cooling-off period that runs.
fn longest_gap(history: &History, policy: &Policy) -> SignedDuration {
    let of_closes = policy.longest_gap(policy.close_after);
    match history.open_release_orders().next() {
        Some(_) => of_closes.min(policy.longest_gap(policy.release_after)),
        None => of_closes,
    }
}

/// Returns true while a cooling-off period may run.
fn any_rests(history: &History) -> bool {
    history.close_decisions().next().is_some() || history.open_release_orders().next().is_some()
}

fn attended_within(history: &History, policy: &Policy, now: Now, longest: SignedDuration) -> Vec<Event> {
    let Some(at) = now.trusted() else { return Vec::new() };
    let every = ATTENDED_EVERY.min(longest_gap(history, policy) / 4);
    let Some(last) = history.attended() else { return vec![Event::Attended { at }] };
    let elapsed = at.duration_since(last);
    let mut events = Vec::new();
    if elapsed > longest && any_rests(history) {
        events.push(Event::Unattended { from: last, to: at });
    }
    let due = elapsed >= every && !elapsed.is_zero();
    if due || elapsed.is_negative() || history.has_doubtful_times() {
        events.push(Event::Attended { at });
    }
    events
}

/// The facts of this observation, in the order in which history applies them.
pub fn observation_events(history: &History, desired: &Desired, observed: &Observed, now: Now) -> Vec<Event> {
    let mut events = Vec::new();
    let late = late_suspensions(history, observed);
    attributed(history, desired, observed, &mut events);
    events.extend(late.iter().map(|(&account, &updated)| Event::SuspensionAttributed { account, updated }));
    resolved(history, desired, observed, &mut events);
    reverted(history, desired, observed, now, &mut events);
    settings_reverted(history, desired, observed, now, &mut events);
    first_sights(history, observed, &late, &mut events);
    sightings(history, desired, observed, now, &mut events);
    names(history, desired, observed, &mut events);
    numbers(history, observed, &mut events);
    orders(history, desired, observed, now, &mut events);
    events
}

/// Accounts that are the effect of creates with unknown outcome: of the name that was sent, never observed before, created
/// after the intent, and meant by no entry. And accounts that the daemon created and that are closed now.
fn attributed(history: &History, desired: &Desired, observed: &Observed, events: &mut Vec<Event>) {
    let created: BTreeSet<_> = history.created_accounts().map(|(_, account)| account).collect();
    let is_new = |account: AccountSid| {
        !history.observed(account) && desired.entry(account).is_none() && !created.contains(&account)
    };
    for (name, open) in history.open_creates() {
        let mut made = observed.subaccounts().filter(|account| {
            account.friendly_name == name.as_str() && is_new(account.sid) && open.surely_made(account)
        });
        // Of two, no fact says which is ours.
        if let (Some(account), None) = (made.next(), made.next()) {
            events.push(Event::AccountAttributed { id: open.id, account: account.sid });
        }
    }
    let closed = created
        .into_iter()
        .filter(|account| live(observed, *account) == Some(Status::Closed) && !history.seen_closed(*account));
    events.extend(closed.map(|account| Event::SeenClosed { account }));
}

/// The looks at calls: that none is left to end, or that they could not be read. The account is still suspended when its calls
/// are read after the account list, or else has another `date_updated` from then on.
pub(crate) fn call_events(history: &History, desired: &Desired, observed: &Observed, now: Now) -> Vec<Event> {
    let mut events = Vec::new();
    for (account, calls) in observed.call_lists() {
        let target = Target::Calls(account);
        match calls {
            CallList::Known(calls) if endable(calls).is_empty() => {
                let ended = history.open_writes().filter(|(_, write)| write.target == target);
                events.extend(ended.map(|(id, _)| Event::Resolved { id }));
                let updated = observed.account(account).and_then(|account| account.date_updated);
                events.push(Event::CallsEnded { account, updated });
            }
            CallList::Known(_) | CallList::NotInSnapshot => {}
            CallList::Unreadable(why) => {
                let Some(entry) = desired.entry(account).map(Entry::digest) else { continue };
                let (kind, at, seen) = (ActionKind::EndCalls, now.stamp(), why.clone());
                events.push(Event::ProofFailed { kind, target, at, entry, seen });
            }
        }
    }
    events
}

fn live(observed: &Observed, account: AccountSid) -> Option<Status> {
    observed.account(account)?.status.known()
}

/// Suspensions that are late effects of the daemon's own writes, with their dates.
fn late_suspensions(history: &History, observed: &Observed) -> BTreeMap<AccountSid, Timestamp> {
    let suspended =
        observed.subaccounts().filter(|account| account.status.known() == Some(Status::Suspended));
    let dated = suspended.filter_map(|account| Some((account.sid, account.date_updated?)));
    dated
        .filter(|(account, updated)| history.own_suspension(*account, Some(*updated)).is_none())
        .filter(|(account, updated)| history.is_late_suspension(*account, *updated))
        .collect()
}

/// Open writes whose effect is observed.
fn resolved(history: &History, desired: &Desired, observed: &Observed, events: &mut Vec<Event>) {
    let shows = |write: &Write| match (&write.target, write.kind) {
        (&Target::Account(account), _) => {
            write.status().is_some() && live(observed, account) == write.status()
        }
        (&Target::Number(number), ActionKind::Configure) => {
            write.settings.is_some()
                && desired
                    .claim(number)
                    .and_then(|claim| settings_at(claim, observed, number))
                    .is_some_and(|(settings, as_desired)| as_desired && Some(settings) == write.settings)
        }
        (&Target::Number(number), ActionKind::Release) => {
            write.account.is_some_and(|account| has_left(observed, account, number, write.number_sid))
        }
        (&Target::Number(number), _) => matches!(
            (observed.locate(number), write.transfer),
            (NumberLocation::In(owner, _), Some((_, to))) if owner == to
        ),
        // No observation shows what ended a call, and an account is attributed to its create.
        (Target::Calls(_) | Target::Name(_), _) => false,
    };
    for (id, write) in history.open_writes() {
        if shows(write) {
            events.push(Event::Resolved { id });
        }
    }
}

/// Returns true when `account` certainly does not hold `number` under the SID `sid`: its whole list was read without it while the
/// account was active, the number is elsewhere, or the account is closed. Twilio may show the list of a suspended account as
/// empty.
fn has_left(observed: &Observed, account: AccountSid, number: PhoneNumber, sid: Option<NumberSid>) -> bool {
    match observed.locate(number) {
        NumberLocation::In(owner, live) => owner != account || Some(live.sid) != sid,
        NumberLocation::InTransit => false,
        NumberLocation::Nowhere => match live(observed, account) {
            Some(Status::Active) => observed.numbers(account).is_some(),
            Some(Status::Closed) => true,
            Some(Status::Suspended) | None => false,
        },
    }
}

/// The orders to release a number whose account was read: the number that each of them means, or that its account does not
/// hold that number.
fn orders(history: &History, desired: &Desired, observed: &Observed, now: Now, events: &mut Vec<Event>) {
    for (account, number, order) in history.open_release_orders() {
        // An edit during the pass may have begun another order.
        if desired.release(account, number).is_none_or(|terms| terms.digest() != order.terms) {
            continue;
        }
        match (observed.locate(number), order.number_sid) {
            (NumberLocation::In(owner, live), None) if owner == account => {
                events.push(Event::ReleaseSeen { account, number, sid: live.sid });
            }
            (NumberLocation::In(..) | NumberLocation::InTransit | NumberLocation::Nowhere, sid) => {
                if has_left(observed, account, number, sid) {
                    events.push(Event::ReleaseSettled { account, number, at: now.best() });
                }
            }
        }
    }
}

/// The digest of the desired settings of `number`, and true when it has them in the account that claims it. `None` when they
/// are not known, or the number is elsewhere.
fn settings_at(
    (claimant, claim): (AccountSid, Claim<'_>),
    observed: &Observed,
    number: PhoneNumber,
) -> Option<(String, bool)> {
    let NumberLocation::In(owner, live) = observed.locate(number) else { return None };
    let settings = claim.settings();
    let differences = live.settings.as_ref()?.differences(&settings).ok()?;
    (owner == claimant).then(|| (settings.digest(), differences.is_empty()))
}

/// Settings of numbers that the daemon made and that were changed externally while they are still desired.
fn settings_reverted(
    history: &History,
    desired: &Desired,
    observed: &Observed,
    now: Now,
    events: &mut Vec<Event>,
) {
    let mut configured = history.configured().peekable();
    if configured.peek().is_none() {
        return;
    }
    let claims = desired.claims_by_number();
    for (number, made) in configured {
        let claim = claims.get(&number).copied();
        match claim.and_then(|claim| settings_at(claim, observed, number)) {
            Some((settings, true)) if settings == made => {}
            Some((settings, false)) if settings == made && !history.may_configure_late(number, now) => {
                events.push(Event::SettingsReverted { number, at: now.stamp() });
            }
            Some(_) => events.push(Event::SettingsSuperseded { number }),
            // A claim that a fault hides may still be desired.
            None if claim.is_none() && !desired.faulty() => {
                events.push(Event::SettingsSuperseded { number });
            }
            None => {}
        }
    }
}

/// Writes of the daemon that were reverted externally while they are still desired.
fn reverted(history: &History, desired: &Desired, observed: &Observed, now: Now, events: &mut Vec<Event>) {
    let claimants = desired.claimants();
    for (target, Applied { kind, transfer }) in history.last_applied() {
        let (wanted, stands, late) = match &target {
            &Target::Account(account) => {
                let Some(live) = live(observed, account) else { continue };
                let Some(entry) = desired.entry(account) else { continue };
                let active = entry.desired_status.status() == Status::Active;
                let late = history.may_be_late(&target, Some(live), None, now);
                match kind {
                    ActionKind::Reactivate => (active, live == Status::Active, late),
                    ActionKind::Suspend => (!active, live != Status::Active, late),
                    ActionKind::Create
                    | ActionKind::Transfer
                    | ActionKind::Configure
                    | ActionKind::EndCalls
                    | ActionKind::Release
                    | ActionKind::Close => continue,
                }
            }
            &Target::Number(number) => {
                let Some((from, to)) = transfer else { continue };
                let NumberLocation::In(owner, _) = observed.locate(number) else { continue };
                let wanted = match claimants.get(&number) {
                    Some(claimant) => *claimant == to,
                    None => to == observed.main() && moves_to_main(desired, from, number),
                };
                (wanted, owner == to, history.may_be_late(&target, None, Some(owner), now))
            }
            Target::Calls(_) | Target::Name(_) => continue,
        };
        if wanted && !stands && !late {
            events.push(Event::Reverted { target, at: now.stamp() });
        } else if (wanted && !stands) || (!wanted && !desired.faulty()) {
            // A write that a fault hides may still be desired.
            events.push(Event::Superseded { target });
        }
    }
}

/// Returns true when the close of `account` moves `number`, which no entry claims, to the main account.
fn moves_to_main(desired: &Desired, account: AccountSid, number: PhoneNumber) -> bool {
    desired.entry(account).is_some_and(|entry| {
        let moves = |terms: &CloseTerms| terms.move_numbers_to_main && !terms.release.contains(&number);
        entry.close().is_some_and(moves) && !entry.release.contains_key(&number)
    })
}

/// Subaccounts that no earlier pass observed. The origin of a suspension of one of these is unknown.
fn first_sights(
    history: &History,
    observed: &Observed,
    late: &BTreeMap<AccountSid, Timestamp>,
    events: &mut Vec<Event>,
) {
    if !history.is_durable() {
        return;
    }
    let new: Vec<_> =
        history.unobserved(observed.subaccounts().map(|account| account.sid)).into_iter().collect();
    let suspended = |account: &&AccountSid| live(observed, **account) == Some(Status::Suspended);
    for &account in new.iter().filter(suspended).filter(|account| !late.contains_key(account)) {
        events.push(Event::FoundSuspended { account });
    }
    // Accounts whose status cannot be read stay unknown.
    let readable: Vec<_> = new.into_iter().filter(|account| live(observed, *account).is_some()).collect();
    events
        .extend(readable.chunks(MAX_ACCOUNTS).map(|chunk| Event::AccountsSeen { accounts: chunk.to_vec() }));
}

/// Accounts that are seen active for the first time since their desired status changed; and accounts to close that are
/// seen suspended externally.
fn sightings(history: &History, desired: &Desired, observed: &Observed, now: Now, events: &mut Vec<Event>) {
    for account in observed.subaccounts().filter(|account| account.status.known() == Some(Status::Active)) {
        let sid = account.sid;
        let listed = desired.entry(sid).is_some() && !history.seen_active(sid);
        let suspended_before = history.suspended_by_us(sid).is_some()
            || history.found_suspended(sid)
            || history.seen_suspended(sid).is_some();
        if listed || suspended_before {
            events.push(Event::SeenActive { account: sid });
        }
    }
    let Some(at) = now.trusted() else { return };
    for (account, _) in history.close_decisions() {
        let Some(live) = observed.account(account) else { continue };
        let updated = live.date_updated;
        let known = history.own_suspension(account, updated).is_some()
            || history.seen_suspended(account).is_some_and(|seen| seen.updated == updated);
        if !known && live.status.known() == Some(Status::Suspended) {
            events.push(Event::SeenSuspended { account, at, updated });
        }
    }
}

/// Accounts that are seen under the names of their entries.
fn names(history: &History, desired: &Desired, observed: &Observed, events: &mut Vec<Event>) {
    for entry in desired.accounts() {
        let Some(name) = &entry.friendly_name else { continue };
        let live = observed.account(entry.sid).map(|account| &account.friendly_name);
        if live == Some(name) && history.seen_named(entry.sid) != Some(name.as_str()) {
            events.push(Event::SeenNamed { account: entry.sid, name: name.clone() });
        }
    }
}

/// The numbers of every list that was read, as far as history does not know them.
fn numbers(history: &History, observed: &Observed, events: &mut Vec<Event>) {
    for (account, list) in observed.lists() {
        let (mut alone, mut moving) = (BTreeMap::<NumberId, NumberSid>::new(), BTreeMap::new());
        for number in list {
            let moves = observed.locate(number.id()) == NumberLocation::InTransit;
            if !history.knows_number(account, number.id(), number.sid, moves) {
                let news = if moves { &mut moving } else { &mut alone };
                news.insert(number.id(), number.sid);
            }
        }
        for (numbers, moving) in [(alone, false), (moving, true)] {
            if !numbers.is_empty() {
                events.push(Event::NumbersSeen { account, numbers, in_transit: moving });
            }
        }
        if live(observed, account) == Some(Status::Active) && !history.list_seen_active(account) {
            events.push(Event::ListSeenActive { account });
        }
    }
}

/// The numbers that an active account to close was last seen with, and that no list contains now, its own included: they
/// may be gone for good.
pub(crate) fn vanished(
    history: &History,
    desired: &Desired,
    observed: &Observed,
) -> BTreeSet<(AccountSid, NumberId, NumberSid)> {
    let closing = desired.accounts().filter(|entry| entry.close().is_some()).map(|entry| entry.sid);
    let readable = closing.filter(|account| {
        live(observed, *account) == Some(Status::Active) && observed.numbers(*account).is_some()
    });
    readable
        .flat_map(|account| history.numbers_of(account).map(move |(number, sid)| (account, number, sid)))
        .filter(|(_, number, _)| observed.locate(*number) == NumberLocation::Nowhere)
        .collect()
}
