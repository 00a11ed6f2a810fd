//! Rows of the page: what is shown of one thing, cleaned.

use jiff::Timestamp;
use subaccountd_core::{
    AccountRef, ActionKind, Report,
    manifest::Diagnostic,
    report::{AccountView, ActionView, HeldView, PassResult, WindowChange, WindowView},
    text::{count, grouped},
    window::WindowEnd,
};

use super::{
    ACCOUNTS_SHOWN, HELD_SHOWN, TODO_SHOWN,
    class::Class,
    find::Index,
    query::Query,
    words::{Message, When, clean, took},
};
use crate::daemon::pass_history::{PassEntry, RESULTS, WriteEntry};

/// The lists that have pages.
#[derive(Debug, Clone, Copy)]
pub(super) enum List {
    Todo,
    Held,
    Accounts,
}

impl List {
    const fn rows(self) -> usize {
        match self {
            Self::Todo => TODO_SHOWN,
            Self::Held => HELD_SHOWN,
            Self::Accounts => ACCOUNTS_SHOWN,
        }
    }

    /// The last page of `matching` rows.
    pub(super) const fn last_page(self, matching: usize) -> usize {
        matching.saturating_sub(1) / self.rows()
    }

    const fn anchor(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Held => "held",
            Self::Accounts => "accounts",
        }
    }

    fn turn(self, query: &mut Query, page: usize) {
        match self {
            Self::Todo => query.pages.todo = page,
            Self::Held => query.pages.held = page,
            Self::Accounts => query.pages.accounts = page,
        }
    }
}

/// One page of a list.
pub(super) struct Listed<T> {
    pub(super) rows: Vec<T>,
    /// The range of the rows and the size of the whole list, as text.
    pub(super) words: String,
    pub(super) turns: Vec<Turn>,
}

/// A link to another page of the same list; without a link for the current page, and where there is no such page.
pub(super) struct Turn {
    pub(super) words: &'static str,
    pub(super) link: Option<String>,
}

impl<T> Listed<T> {
    /// The page `page` of `found`, or the last one when there are fewer pages.
    pub(super) fn of<V>(
        found: &[V],
        total: usize,
        list: List,
        page: usize,
        query: &Query,
        row: impl Fn(&V) -> T,
    ) -> Self {
        let (matching, rows) = (found.len(), list.rows());
        let last = list.last_page(matching);
        let page = page.min(last);
        let begin = page * rows;
        let end = matching.min(begin + rows);
        let part = if matching > rows {
            format!("{} to {} of {}", grouped(begin + 1), grouped(end), grouped(matching))
        } else {
            grouped(matching)
        };
        let of = if matching < total { format!(" that match, of {}", grouped(total)) } else { String::new() };
        let turn = |words, to: Option<usize>| Turn {
            words,
            link: to.map(|to| query.with(|query| list.turn(query, to)) + "#" + list.anchor()),
        };
        let turns = [
            turn("First", (page > 0).then_some(0)),
            turn("Previous", page.checked_sub(1)),
            turn("Next", (page < last).then_some(page + 1)),
            turn("Last", (page < last).then_some(last)),
        ];
        Self {
            rows: found[begin..end].iter().map(row).collect(),
            words: part + &of,
            turns: if last > 0 { turns.into() } else { Vec::new() },
        }
    }
}

/// An account by name and SID, with links.
pub(super) struct Who {
    pub(super) sid: String,
    pub(super) name: Option<String>,
    /// The link to its page; to the search for it while it has no SID.
    pub(super) link: String,
    /// The link to everything about it on this page.
    pub(super) search: String,
}

impl Who {
    fn of(account: &AccountRef, index: &Index<'_>) -> Self {
        let (name, search) = match account {
            AccountRef::Sid(sid) => {
                let view = index.account(account);
                (view.and_then(|view| view.friendly_name.as_deref()).map(clean), sid.to_string())
            }
            AccountRef::Name(name) => (Some(clean(name.as_str())), name.to_string()),
        };
        let sid = account.sid().map_or_else(|| "no SID yet".to_owned(), |sid| sid.to_string());
        let search = Query { search, ..Query::default() }.link();
        let link = account.sid().map_or_else(|| search.clone(), |sid| format!("accounts/{sid}"));
        Self { sid, name, link, search }
    }
}

pub(super) struct TodoRow {
    pub(super) kind: ActionKind,
    pub(super) who: Who,
    pub(super) number: Option<String>,
    pub(super) from: Option<Who>,
    /// The number of calls that it ends, the note of the action, and the reason that the entry gives.
    pub(super) notes: Vec<String>,
    pub(super) at_risk: usize,
}

impl TodoRow {
    pub(super) fn of(action: &ActionView, index: &Index<'_>) -> Self {
        let why = index.account(&action.account).and_then(|account| account.reason.as_ref());
        let calls = action.count.map(|calls| count(calls, "call"));
        Self {
            kind: action.kind,
            who: Who::of(&action.account, index),
            number: action.number.map(|number| number.to_string()),
            from: action.from.map(|from| Who::of(&from.into(), index)),
            notes: calls.iter().chain(&action.note).chain(why).map(|words| clean(words)).collect(),
            at_risk: action.at_risk.len(),
        }
    }
}

pub(super) struct HeldRow {
    pub(super) reason: &'static str,
    pub(super) kind: ActionKind,
    pub(super) who: Who,
    pub(super) number: Option<String>,
    pub(super) message: Message,
    pub(super) remedy: Message,
    pub(super) since: When,
}

impl HeldRow {
    pub(super) fn of(item: &HeldView, index: &Index<'_>, now: Timestamp) -> Self {
        Self {
            reason: item.reason.as_str(),
            kind: item.kind,
            who: Who::of(&item.account, index),
            number: item.number.map(|number| number.to_string()),
            message: Message::new(&item.message),
            remedy: Message::new(&item.remedy),
            since: When::new(item.since, now),
        }
    }
}

pub(super) struct AccountRow {
    pub(super) class: Class,
    pub(super) who: Who,
    pub(super) desired: &'static str,
    /// The status that Twilio shows, also an unknown one; `None` when the account was not seen.
    pub(super) observed: Option<String>,
    pub(super) reason: &'static str,
    pub(super) message: Option<Message>,
    /// The number of further held items.
    pub(super) more: usize,
    pub(super) why: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) since: When,
}

impl AccountRow {
    pub(super) fn of(account: &AccountView, index: &Index<'_>, now: Timestamp) -> Self {
        let condition = &account.conditions[0];
        let class = Class::of(account);
        let held = index.held(&account.account).len();
        Self {
            class,
            who: Who::of(&account.account, index),
            desired: account.desired.as_str(),
            observed: account.observed.as_ref().map(|status| clean(&status.to_string())),
            reason: condition.reason.as_str(),
            message: (class != Class::InSync).then(|| Message::new(&condition.message)),
            more: if matches!(class, Class::Held | Class::Waiting) { held.saturating_sub(1) } else { held },
            why: account.reason.as_deref().map(clean),
            labels: account.labels.iter().map(|(key, value)| clean(&format!("{key}={value}"))).collect(),
            since: When::new(condition.last_transition_time, now),
        }
    }
}

pub(super) struct FaultRow {
    pub(super) code: &'static str,
    pub(super) place: String,
    pub(super) message: Message,
    pub(super) help: Message,
}

impl FaultRow {
    pub(super) fn of(fault: &Diagnostic) -> Self {
        Self {
            code: fault.code.as_str(),
            place: clean(&format!("{}:{}:{}", fault.file, fault.line, fault.column)),
            message: Message::new(&fault.message),
            help: Message::new(&fault.help),
        }
    }
}

/// The use of a limit within the window.
pub(super) struct Limit {
    pub(super) of: &'static str,
    pub(super) spent: usize,
    pub(super) most: Option<usize>,
    pub(super) is_used_up: bool,
}

pub(super) fn limits(report: &Report) -> Vec<Limit> {
    let Some(budgets) = &report.figures.budgets else { return Vec::new() };
    let verbs = budgets.verbs.iter().map(|(kind, budget)| (kind.as_str(), budget));
    let limit = |(of, budget): (&'static str, &super::Budget)| Limit {
        of,
        spent: budget.spent,
        most: budget.limit,
        is_used_up: budget.spent > 0 && budget.remaining() == Some(0),
    };
    verbs.chain([("release of numbers", &budgets.release)]).map(limit).collect()
}

/// A window of the state, and its next change.
pub(super) struct WindowRow {
    pub(super) verbs: String,
    pub(super) times: String,
    pub(super) reason: Option<String>,
    pub(super) is_in_force: bool,
    pub(super) change: &'static str,
    pub(super) at: Option<When>,
}

pub(super) fn windows(report: &Report, now: Timestamp) -> Vec<WindowRow> {
    let row = |window: &WindowView| {
        let (is_in_force, change, at) = match window.change {
            WindowChange::Ends(WindowEnd::At(at)) => (true, "ends", Some(at)),
            WindowChange::Ends(WindowEnd::After(at)) => {
                (true, "joined by the next one, at least until", Some(at))
            }
            WindowChange::Ends(WindowEnd::WhenClocksAgree) => {
                (true, "does not end while the clocks disagree", None)
            }
            WindowChange::Ends(WindowEnd::WhenCorrected) => {
                (true, "lasts until its fault is corrected", None)
            }
            WindowChange::Begins(at) => (false, "begins", Some(at)),
            WindowChange::Never => (false, "never comes", None),
        };
        let verbs: Vec<_> = window.verbs.iter().map(|verb| verb.as_str()).collect();
        WindowRow {
            verbs: verbs.join(", "),
            times: window.times.as_deref().map_or_else(|| "faulty".to_owned(), clean),
            reason: window.reason.as_deref().map(clean),
            is_in_force,
            change,
            at: at.map(|at| When::new(at, now)),
        }
    };
    report.figures.windows.iter().map(row).collect()
}

/// One entry of the last passes.
pub(super) struct PassRow {
    pub(super) ended: When,
    pub(super) is_success: bool,
    /// The number of passes and the end of the first, when the entry represents several.
    pub(super) repeated: Option<(u32, When)>,
    pub(super) requests: String,
    pub(super) took: String,
    pub(super) error: Option<String>,
    /// The number of writes by result, as text.
    pub(super) counts: String,
    pub(super) writes: Vec<WriteRow>,
    pub(super) not_shown: usize,
}

pub(super) struct WriteRow {
    pub(super) kind: ActionKind,
    pub(super) who: Who,
    pub(super) number: Option<String>,
    pub(super) from: Option<Who>,
    pub(super) result: &'static str,
    pub(super) why: Option<String>,
}

impl PassRow {
    pub(super) fn of(entry: &PassEntry, index: &Index<'_>, now: Timestamp) -> Self {
        let counts = RESULTS.iter().zip(entry.counts).filter(|(_, count)| *count > 0);
        let words: Vec<_> = counts.map(|(result, n)| format!("{} {result}", grouped(n))).collect();
        let write = |write: &WriteEntry| WriteRow {
            kind: write.kind,
            who: Who::of(&write.account, index),
            number: write.number.map(|number| number.to_string()),
            from: write.from.map(|from| Who::of(&from.into(), index)),
            result: write.result,
            why: write.why.as_deref().map(clean),
        };
        Self {
            ended: When::new(entry.finished_at, now),
            is_success: entry.result == PassResult::Success,
            repeated: (entry.times > 1).then(|| (entry.times, When::new(entry.since, now))),
            requests: count(usize::try_from(entry.requests).unwrap_or(usize::MAX), "request"),
            took: took(entry.took),
            error: entry.error.as_ref().map(|error| clean(&error.to_string())),
            counts: words.join(", "),
            writes: entry.writes.iter().map(write).collect(),
            not_shown: entry.counts.iter().sum::<usize>() - entry.writes.len(),
        }
    }
}
