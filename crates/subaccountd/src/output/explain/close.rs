//! An account's way to its close, step by step, with what is done and when the next step is due.

use subaccountd_core::{
    ActionKind, CloseTerms, Entry, NumberList, PhoneNumber, Status, plan::rest, text::first_of,
};

use super::{ExplainContext, ExplainText, at, quoted};

/// The steps of the close of `entry`.
pub(super) fn protocol(case: &ExplainContext<'_>, entry: &Entry, terms: &CloseTerms, page: &mut ExplainText) {
    let (sid, now) = (entry.sid, case.observation.now.best());
    let Some(account) = case.observation.observed.account(sid) else { return };
    let live = account.status.known();
    page.section("close");
    if live == Some(Status::Closed) {
        return page.line("[x] closed");
    }
    let decision = case.observation.history.close_decision(sid);
    let since = decision.and_then(|decision| decision.since).unwrap_or(now);
    step(page, true, &format!("the state says closed, noticed {}", at(since, now)));
    let name = &account.friendly_name;
    let confirmed = !entry.name_mismatches(name);
    step(
        page,
        confirmed,
        &format!("its live name {} is confirmed by {}", quoted(name), quoted(&terms.confirm)),
    );
    let kept = kept(case, entry, terms);
    let (emptied, words) = match &kept {
        Some(kept) if kept.is_empty() => (true, "it holds no number that may not be lost".to_owned()),
        Some(kept) => (false, format!("it still counts as holding {}", first_of(kept))),
        None => (false, "its numbers are not known".to_owned()),
    };
    step(page, emptied, &words);
    let suspended = live == Some(Status::Suspended);
    step(page, suspended, "it is suspended");
    let close_after = case.policy.close_after;
    let rested = if close_after.is_zero() {
        step(page, suspended, "no rest is asked for");
        suspended
    } else if suspended && let Some(rest) = rest(&case.observation.history, account, close_after, now) {
        let rested = case.observation.now.trusted().is_some_and(|now| now >= rest.due);
        step(page, rested, &format!("{rest}: until {}", at(rest.due, now)));
        rested
    } else {
        step(page, false, &format!("it rests {close_after:#}, from when it is suspended"));
        false
    };
    let mut may = rested;
    if let Some(not_before) = terms.not_before {
        may = may && now >= not_before;
        step(page, now >= not_before, &format!("not before {}", at(not_before, now)));
    }
    let planned = case.actions(|action| action.account == sid && action.kind == ActionKind::Close);
    let next = match (planned.first(), may && emptied && confirmed) {
        (Some(_), _) => "closed: IN THE NEXT PASS, after a second look",
        (None, true) => "closed, when it is no longer held",
        (None, false) => "closed, after a second look",
    };
    step(page, false, next);
}

fn step(page: &mut ExplainText, done: bool, words: &str) {
    page.line(&format!("[{}] {words}", if done { "x" } else { " " }));
}

/// The numbers that the account counts as holding and that may not be lost; `None` when its numbers
/// are not known.
fn kept(case: &ExplainContext<'_>, entry: &Entry, terms: &CloseTerms) -> Option<Vec<PhoneNumber>> {
    let numbers = match case.observation.observed.number_list(entry.sid) {
        NumberList::Known(numbers) => numbers,
        NumberList::Unreadable(_) | NumberList::NotInSnapshot | NumberList::NotRead => return None,
    };
    let seen = case.observation.history.numbers_of(entry.sid).map(|(phone, _)| phone);
    let listed = numbers.iter().map(|number| number.phone);
    let all: std::collections::BTreeSet<_> = listed.chain(seen).collect();
    Some(all.into_iter().filter(|number| !terms.release.contains(number)).collect())
}
