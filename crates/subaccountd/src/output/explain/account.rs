//! An account explained.

use std::fmt;

use subaccountd_core::{
    AccountSid, ActionKind, Entry, Number, NumberList, PhoneNumber, Target,
    text::{count, first_of},
};

use super::{ExplainContext, Explanation, at, close, quoted, touches};

/// The explanation of the account `sid`.
pub(crate) fn account(case: &ExplainContext<'_>, sid: AccountSid) -> Explanation {
    let entry = case.desired.entry(sid);
    let mut page = Explanation::new(format!("{}: {}", case.view.named(sid), verdict(case, sid)));
    desired(case, sid, entry, &mut page);
    observed(case, sid, &mut page);
    case.planned(&mut page, &case.actions(|action| action.account == sid || action.from == Some(sid)));
    super::holds(&mut page, &case.held(|held| held.account == sid));
    super::leaves_open(&mut page, &case.not_known(|open| open.account == Some(sid)));
    if let Some(entry) = entry
        && let Some(terms) = entry.close()
    {
        close::protocol(case, entry, terms, &mut page);
    }
    remembered(case, sid, &mut page);
    page
}

fn verdict(case: &ExplainContext<'_>, sid: AccountSid) -> String {
    let live = case.observation.observed.account(sid);
    let is = live.map_or_else(|| "not at Twilio".to_owned(), |account| account.status.to_string());
    if sid == case.observation.observed.main() {
        let moves = moves(case, sid);
        return format!("the main account, {is}; its status is never changed{moves}");
    }
    let Some(entry) = case.desired.entry(sid) else {
        return if case.desired.frozen().any(|frozen| frozen == sid) {
            format!("{is}; its entry has a fault and counts as absent: no action")
        } else if case.desired.may_be_listed(sid) {
            format!("{is}; not listed, or listed by an entry whose SID cannot be read: no action")
        } else {
            format!("{is}; not listed in the state: no action")
        };
    };
    let goal = entry.desired_status.status();
    let own = case.actions(|action| action.account == sid && action.number.is_none());
    let held = case.held(|held| held.account == sid && held.number.is_none());
    match (own.first(), held.first()) {
        (Some(action), Some(held)) => {
            format!(
                "{is}, desired {goal}; {} is planned; {} is HELD: {}",
                action.kind, held.kind, held.reason
            )
        }
        (Some(action), None) if action.kind == ActionKind::Close => {
            format!("{is}, desired {goal}; CLOSED IN THE NEXT PASS, for good")
        }
        (Some(action), None) => format!("{is}, desired {goal}; {} is planned", action.kind),
        (None, Some(held)) => format!("{is}, desired {goal}; HELD: {}", held.reason),
        (None, None) if !case.not_known(|open| open.account == Some(sid)).is_empty() => {
            format!("{is}, desired {goal}; NOT KNOWN from this snapshot")
        }
        (None, None) if live.is_none() => format!("{is}, desired {goal}: in sync"),
        (None, None) => format!("{is}: in sync{}", moves(case, sid)),
    }
}

fn numbers(numbers: &[impl fmt::Display]) -> String {
    if numbers.is_empty() {
        return "no number".to_owned();
    }
    format!("{}: {}", count(numbers.len(), "number"), first_of(numbers))
}

/// The planned and the held transfers of its numbers, as text.
fn moves(case: &ExplainContext<'_>, sid: AccountSid) -> String {
    let enter = case.actions(|action| action.account == sid && action.number.is_some()).len();
    let leave = case.actions(|action| action.from == Some(sid)).len();
    let held = case.held(|held| held.account == sid && held.number.is_some()).len();
    let words = [(enter, "to receive"), (leave, "to give away"), (held, "HELD")];
    let words = words.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<_> = words.map(|(number, what)| format!("; {} {what}", count(number, "number"))).collect();
    words.concat()
}

/// Shows the numbers that the state orders to be released.
fn released(orders: impl Iterator<Item = PhoneNumber>, page: &mut Explanation) {
    let orders: Vec<_> = orders.collect();
    if !orders.is_empty() {
        page.line(&format!("in `release`: {}", numbers(&orders)));
    }
}

fn desired(case: &ExplainContext<'_>, sid: AccountSid, entry: Option<&Entry>, page: &mut Explanation) {
    page.section("desired");
    let orders =
        || case.desired.releases().filter(|(account, ..)| *account == sid).map(|(_, number, _)| number);
    let Some(entry) = entry else {
        let is_main = sid == case.observation.observed.main();
        let claims: Vec<_> = case.desired.claims().filter(|(to, ..)| *to == sid).map(|(_, n, _)| n).collect();
        page.line(&if is_main { numbers(&claims) } else { "not listed in the state".to_owned() });
        return released(orders(), page);
    };
    let claims: Vec<PhoneNumber> = entry.numbers.keys().copied().collect();
    match entry.close() {
        None => page.line(&format!("{}; {}", entry.desired_status.status(), numbers(&claims))),
        Some(terms) => {
            let release: Vec<_> = terms.release.iter().copied().collect();
            page.line(&format!("closed; the close may release {}", numbers(&release)));
            if terms.move_numbers_to_main {
                page.line("its other unclaimed numbers move to the main account");
            }
        }
    }
    released(orders(), page);
    if case.desired.paused() {
        page.line("the whole state is paused");
    } else if entry.paused {
        page.line("the entry is paused");
    }
    if let Some(name) = &entry.friendly_name {
        page.line(&format!("named {}", quoted(name)));
    }
    if entry.end_calls {
        page.line("its calls are ended once it is suspended, emergency calls excepted");
    }
    if let Some(until) = entry.lift_suspensions_before {
        page.line(&format!("external suspensions up to {until} are lifted"));
    }
    if let Some(why) = case.view.why(&sid.into()) {
        page.line(&format!("declared reason: {why}"));
    }
}

fn observed(case: &ExplainContext<'_>, sid: AccountSid, page: &mut Explanation) {
    page.section("observed");
    let now = case.observation.now.best();
    let Some(account) = case.observation.observed.account(sid) else {
        return page.line("not in Twilio's account list");
    };
    let changed =
        account.date_updated.map_or_else(String::new, |time| format!(", last changed {}", at(time, now)));
    page.line(&format!("{}, named {}{changed}", account.status, quoted(&account.friendly_name)));
    page.line(&match case.observation.observed.number_list(sid) {
        NumberList::Known(list) => numbers(&list.iter().map(Number::id).collect::<Vec<_>>()),
        NumberList::Unreadable(why) => format!("its numbers could not be read: {why}"),
        NumberList::NotInSnapshot => "its numbers are not in the snapshot".to_owned(),
        NumberList::NotRead => "its numbers were not read: the plan does not need them".to_owned(),
    });
}

fn remembered(case: &ExplainContext<'_>, sid: AccountSid, page: &mut Explanation) {
    let (history, now) = (&case.observation.history, case.observation.now.best());
    page.section("history");
    if let Some(status) = history.desired_status(sid) {
        let seen = if history.seen_active(sid) { "seen active" } else { "not seen active" };
        page.line(&format!("desired status: {status}; {seen} since that change"));
    }
    if history.found_suspended(sid) {
        page.line("suspended when first observed");
    }
    if let Some(own) = history.suspended_by_us(sid) {
        page.line(&format!("suspended by subaccountd at {}", at(own.at.at, now)));
    }
    let suspended = case.observation.observed.account(sid);
    if suspended.is_some_and(|account| history.calls_ended(sid, account.date_updated)) {
        page.line("no call is left to end in this suspension");
    }
    case.remembered(page, &Target::Account(sid), |write| touches(write, sid));
    page.line(&format!("more: `subaccountd journal --account {sid}`"));
}
