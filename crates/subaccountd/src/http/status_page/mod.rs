//! The status page: the last report as HTML without script, in light and dark colours, for wide and narrow screens.
//!
//! External text is sanitized when a row is made, and escaped by the template. The content security policy allows one
//! style, by its digest, and nothing else.

mod account;
mod banners;
mod class;
mod find;
mod query;
mod rows;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::BTreeMap, sync::LazyLock};

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subaccountd_core::{
    AccountRef, AccountSid, ActionKind, Budget, Reason, Report, Status,
    report::{Mode, PassResult},
    text::{self, count},
};

use crate::{daemon::pass_history::PassEntry, snapshot::KeptPass};
use banners::{Banner, banners};
use class::Class;
use find::Index;
use query::{Query, Sort};
use rows::{AccountRow, FaultRow, HeldRow, Limit, List, Listed, PassRow, TodoRow, WindowRow};
use words::{When, clean};

const STYLE: &str = include_str!("../../../templates/status.css");
/// Rows on a page.
const ACCOUNTS_SHOWN: usize = 100;
const HELD_SHOWN: usize = 25;
const TODO_SHOWN: usize = 25;
/// Faults and numbers at risk that are named; further ones are counted.
const FAULTS_SHOWN: usize = 20;
const RISKS_SHOWN: usize = 20;
/// Entries of the passes that are shown at once; the rest opens.
const PASSES_OPEN: usize = 4;

/// The headers of every page. The only thing that may be loaded is the style in the page itself, and its icon.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// The answer with the page of `report`, or with the reason why there is no report yet.
pub(crate) fn answer(
    report: Result<&Report, &str>,
    passes: &[PassEntry],
    raw_query: &str,
    now: Timestamp,
) -> Response {
    let (status, page) = match report {
        Ok(report) => (StatusCode::OK, render(report, passes, raw_query, now)),
        Err(why) => {
            let page = Waiting { style: STYLE, why: clean(why) }.render();
            (StatusCode::SERVICE_UNAVAILABLE, page)
        }
    };
    secured(status, page)
}

/// The answer with the page of the account `sid`, or with the reason why there is none.
pub(crate) fn account_answer(
    sid: &str,
    seen: Option<(&Report, &KeptPass)>,
    passes: &[PassEntry],
    raw_query: &str,
    now: Timestamp,
) -> Response {
    let absent =
        |why: &str| secured(StatusCode::NOT_FOUND, Absent { style: STYLE, why: why.to_owned() }.render());
    let Ok(sid) = sid.parse::<AccountSid>() else {
        return absent("This is no account SID: AC and 32 hexadecimal digits.");
    };
    let Some((report, kept)) = seen else {
        let why = "Nothing was observed yet.".to_owned();
        return secured(StatusCode::SERVICE_UNAVAILABLE, Absent { style: STYLE, why }.render());
    };
    match account::render(sid, report, kept, passes, raw_query, now) {
        Some(page) => secured(StatusCode::OK, page),
        None => absent("This account is neither in the state nor among those at Twilio."),
    }
}

/// The answer with `page`, under the policy of every page.
fn secured(status: StatusCode, page: askama::Result<String>) -> Response {
    let Some(policy) = POLICY.clone() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the page has no policy\n").into_response();
    };
    let secure = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    match page {
        Ok(page) => (status, secure, Html(page)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The page of an account that is not there.
#[derive(Template)]
#[template(path = "absent.html")]
struct Absent {
    style: &'static str,
    why: String,
}

/// The page before the state was read. It reloads by itself.
#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    style: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    style: &'static str,
    report: &'a Report,
    title: String,
    /// The class of the worst fact; `None` when a pass failed or the state has faults. It colours the icon.
    worst: Option<Class>,
    /// What restricts writing: frozen, paused, dry run; else that it enforces.
    mode: String,
    verdict: String,
    now: When,
    loaded: When,
    ended: Option<When>,
    revision: Option<String>,
    main_account: Option<String>,
    banners: Vec<Banner>,
    tiles: Vec<Tile>,
    /// The reasons that need a person, and those that only wait.
    reasons: [Vec<ReasonCount>; 2],
    risk: Option<Risk>,
    limits: Vec<Limit>,
    windows: Vec<WindowRow>,
    passes: Vec<PassRow>,
    faults: Vec<FaultRow>,
    query: &'a Query,
    search: String,
    canonical: String,
    todo: Listed<TodoRow>,
    held: Listed<HeldRow>,
    accounts: Listed<AccountRow>,
}

/// The number of accounts of a class, with a link to them.
struct Tile {
    class: Class,
    count: usize,
    link: String,
    is_shown: bool,
}

/// The number of items that are held for a reason, with a link to them.
struct ReasonCount {
    reason: Reason,
    count: usize,
    link: String,
    is_shown: bool,
}

/// The closes and the releases of numbers, which cannot be undone.
struct Risk {
    closes: usize,
    numbers: usize,
    named: Vec<String>,
    not_named: usize,
}

/// The page of `report` for a query, as it is at `now`.
fn render(report: &Report, passes: &[PassEntry], raw_query: &str, now: Timestamp) -> askama::Result<String> {
    let mut query = Query::read(raw_query);
    let index = Index::of(report);
    let found = index.find(&query);
    let pages = &mut query.pages;
    pages.todo = pages.todo.min(List::Todo.last_page(found.todo.len()));
    pages.held = pages.held.min(List::Held.last_page(found.held.len()));
    pages.accounts = pages.accounts.min(List::Accounts.last_page(found.accounts.len()));
    let tiles = tiles(report, &query);
    let (verdict, worst) = verdict(report);
    let is_dry = report.mode == Mode::DryRun;
    let frozen = report.desired_state.frozen.is_some();
    let modes = [(frozen, "frozen"), (report.desired_state.paused, "paused"), (is_dry, "dry run")];
    let modes: Vec<_> = modes.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    let mode: String = modes.iter().flat_map(|word| [word, " · "]).collect();
    let restrictions = if modes.is_empty() { "enforcing".to_owned() } else { modes.join(", ") };
    let pages = query.pages;
    let page = Page {
        style: STYLE,
        report,
        title: format!("{verdict} · {mode}subaccountd"),
        worst,
        mode: restrictions,
        verdict,
        now: When::new(now, now),
        loaded: When::new(report.desired_state.loaded_at, now),
        ended: report.last_pass.finished_at.map(|at| When::new(at, now)),
        revision: report.desired_state.revision.as_deref().map(clean),
        main_account: report.main_account.friendly_name.as_deref().map(clean),
        banners: banners(report, passes, now),
        tiles,
        reasons: reasons(report, &query),
        risk: risk(report),
        limits: rows::limits(report),
        windows: rows::windows(report, now),
        passes: passes.iter().map(|entry| PassRow::of(entry, &index, now)).collect(),
        faults: report.desired_state.faults.iter().take(FAULTS_SHOWN).map(FaultRow::of).collect(),
        search: clean(&query.search),
        canonical: query.link(),
        todo: Listed::of(&found.todo, report.plan.actions.len(), List::Todo, pages.todo, &query, |action| {
            TodoRow::of(action, &index)
        }),
        held: Listed::of(&found.held, report.plan.held.len(), List::Held, pages.held, &query, |item| {
            HeldRow::of(item, &index, now)
        }),
        accounts: Listed::of(
            &found.accounts,
            report.accounts.len(),
            List::Accounts,
            pages.accounts,
            &query,
            |account| AccountRow::of(account, &index, now),
        ),
        query: &query,
    };
    page.render()
}

fn tiles(report: &Report, query: &Query) -> Vec<Tile> {
    let mut counts = Class::ALL.map(|class| (class, 0));
    for account in &report.accounts {
        let class = Class::of(account);
        counts.iter_mut().filter(|(of, _)| *of == class).for_each(|(_, count)| *count += 1);
    }
    let tile = |(class, count)| Tile {
        class,
        count,
        link: Query { show: Some(class), sort: query.sort, refresh: query.refresh, ..Query::default() }
            .link(),
        is_shown: query.show == Some(class),
    };
    counts.into_iter().map(tile).collect()
}

fn reasons(report: &Report, query: &Query) -> [Vec<ReasonCount>; 2] {
    [false, true].map(|waits| {
        let counted = Reason::ALL.into_iter().filter(|reason| reason.only_waits() == waits);
        let counted = counted.map(|reason| ReasonCount {
            reason,
            count: report.plan.held.iter().filter(|item| item.reason == reason).count(),
            link: Query {
                reason: Some(reason),
                sort: query.sort,
                refresh: query.refresh,
                ..Query::default()
            }
            .link(),
            is_shown: query.reason == Some(reason),
        });
        let mut reasons: Vec<_> = counted.filter(|reason| reason.count > 0 || reason.is_shown).collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        reasons
    })
}

/// The verdict in a few words, and the class of the worst fact in it. It counts accounts, the main account among them.
fn verdict(report: &Report) -> (String, Option<Class>) {
    let mut accounts: BTreeMap<AccountRef, Class> =
        report.accounts.iter().map(|account| (account.account.clone(), Class::of(account))).collect();
    let main = AccountRef::from(report.main_account.sid);
    let held = report.plan.held.iter().filter(|item| item.account == main);
    if let Some(class) = held.map(|item| Class::of_held(item.reason)).min() {
        accounts.insert(main, class);
    }
    let of = |class| accounts.values().filter(|of| **of == class).count();
    let faults = report.desired_state.faults.len();
    let mut words = Vec::new();
    match (report.last_pass.result, &report.last_pass.error) {
        (None, _) => words.push("first pass under way".to_owned()),
        (Some(PassResult::Failed), Some(_)) => words.push("last pass aborted".to_owned()),
        (Some(PassResult::Failed), None) => words.push("a write failed".to_owned()),
        (Some(PassResult::Success), _) => {}
    }
    words.extend(report.journal_error.is_some().then(|| "journal not writable".to_owned()));
    let broken = report.last_pass.error.is_some() || report.journal_error.is_some() || faults > 0;
    words.extend((faults > 0).then(|| count(faults, "fault")));
    let troubled = Class::ALL.into_iter().filter(|class| *class != Class::InSync && of(*class) > 0);
    let mut is_first = true;
    for class in troubled.clone() {
        let number = of(class);
        let accounts = if is_first { count(number, "account") } else { text::grouped(number) };
        words.push(format!("{accounts} {}", class.predicate(number)));
        is_first = false;
    }
    let worst = match troubled.min() {
        _ if broken => None,
        Some(class) => Some(class),
        None if report.last_pass.result.is_none() => Some(Class::Unknown),
        None => Some(Class::InSync),
    };
    if words.is_empty() {
        words.push(if report.accounts.is_empty() { "no account listed" } else { "all in sync" }.to_owned());
    }
    (words.join(", "), worst)
}

fn risk(report: &Report) -> Option<Risk> {
    let actions = || report.plan.actions.iter();
    let closes = actions().filter(|action| action.kind == ActionKind::Close).count();
    let named: Vec<_> = actions().flat_map(|action| &action.at_risk).map(ToString::to_string).collect();
    let numbers = report.figures.at_risk;
    let not_named = numbers.saturating_sub(named.len().min(RISKS_SHOWN));
    let named = named.into_iter().take(RISKS_SHOWN).collect();
    (closes + numbers > 0).then_some(Risk { closes, numbers, named, not_named })
}

impl Page<'_> {
    fn is_dry_run(&self) -> bool {
        self.report.mode == Mode::DryRun
    }

    /// The number of held closes, which lead to something that cannot be undone.
    fn held_closes(&self) -> usize {
        self.report
            .plan
            .held
            .iter()
            .filter(|item| item.kind == ActionKind::Close && item.number.is_none())
            .count()
    }

    /// The last pass that wrote, when it is not the last one.
    fn last_wrote(&self) -> Option<&PassRow> {
        let wrote = self.passes.iter().position(|pass| !pass.counts.is_empty());
        wrote.filter(|at| *at > 0).map(|at| &self.passes[at])
    }

    /// The colour of the icon.
    fn icon(&self) -> &'static str {
        match self.worst {
            Some(Class::InSync) => "1a7f37",
            Some(Class::Planned) => "0b57d0",
            Some(Class::Unknown) => "5d3fa8",
            Some(Class::Held) => "a15c00",
            Some(Class::Waiting) => "566069",
            None => "b3261e",
        }
    }

    /// The reasons of a group, with its title.
    fn reason_groups(&self) -> impl Iterator<Item = (&'static str, &Vec<ReasonCount>)> {
        ["Held items: needs you", "Held items: waiting"]
            .into_iter()
            .zip(&self.reasons)
            .filter(|(_, reasons)| !reasons.is_empty())
    }

    /// Returns true when something is held for the main account.
    fn is_main_held(&self) -> bool {
        let main = AccountRef::from(self.report.main_account.sid);
        self.report.plan.held.iter().any(|item| item.account == main)
    }

    /// Returns true when accounts in sync are left out on a narrow screen.
    fn is_short(&self) -> bool {
        !self.query.narrows() && self.accounts.rows.iter().any(|row| row.class == Class::InSync)
    }

    fn faults_not_shown(&self) -> usize {
        self.report.desired_state.faults.len() - self.faults.len()
    }

    fn first_passes(&self) -> &[PassRow] {
        &self.passes[..self.passes.len().min(PASSES_OPEN)]
    }

    fn further_passes(&self) -> &[PassRow] {
        &self.passes[self.passes.len().min(PASSES_OPEN)..]
    }
}
