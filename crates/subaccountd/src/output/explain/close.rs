//! The steps of a close: which are done, and when the next one is due.

use subaccountd_core::{
    ActionKind, CloseTerms, Entry, Status,
    plan::{CloseProgress, Context},
    text::first_of,
};

use super::{ExplainContext, Explanation, at, quoted};
use crate::reconcile::Observation;

/// The steps of the close of `entry`.
pub(super) fn protocol(case: &ExplainContext<'_>, entry: &Entry, terms: &CloseTerms, page: &mut Explanation) {
    let (sid, now) = (entry.sid, case.observation.now.best());
    let Some(account) = case.observation.observed.account(sid) else { return };
    let live = account.status.known();
    page.section("close");
    if live == Some(Status::Closed) {
        return page.step(true, "closed");
    }
    let Observation { observed, history, now: clock } = case.observation;
    let (desired, policy) = (case.desired, case.policy);
    let context = Context { desired, observed, history, policy, now: *clock };
    let CloseProgress { kept, cooling_off, is_cooled_off, is_due, .. } =
        context.close_progress(entry, terms, account);
    let since = history.close_decision(sid).and_then(|decision| decision.since).unwrap_or(now);
    page.step(true, &format!("the desired status is closed since {}", at(since, now)));
    let name = &account.friendly_name;
    let confirmed = !entry.name_mismatches(name);
    page.step(
        confirmed,
        &format!("its live name {} matches `confirm`: {}", quoted(name), quoted(&terms.confirm)),
    );
    let is_read = observed.numbers(sid).is_some();
    let emptied = is_read && kept.is_empty();
    let words = match (is_read, emptied) {
        (false, _) => "its numbers are not known".to_owned(),
        (true, true) => "it holds no number outside `close.release`".to_owned(),
        (true, false) => {
            format!("it still counts as holding {}", first_of(&kept.into_iter().collect::<Vec<_>>()))
        }
    };
    page.step(emptied, &words);
    let suspended = live == Some(Status::Suspended);
    page.step(suspended, "it is suspended");
    let words = match cooling_off {
        _ if policy.close_after.is_zero() => "no cooling-off period is required".to_owned(),
        Some(rest) => format!("{rest}: until {}", at(rest.due, now)),
        None => format!("cooling-off period of {:#} once it is suspended", policy.close_after),
    };
    page.step(is_cooled_off, &words);
    if let Some(not_before) = terms.not_before {
        page.step(is_due, &format!("not before {}", at(not_before, now)));
    }
    let may = is_cooled_off && is_due;
    let planned = case.actions(|action| action.account == sid && action.kind == ActionKind::Close);
    let next = match (planned.first(), may && emptied && confirmed) {
        (Some(_), _) => "it is closed IN THE NEXT PASS, after a second look",
        (None, true) => "it is closed once the close is no longer held",
        (None, false) => "it is closed, after a second look",
    };
    page.step(false, next);
}
