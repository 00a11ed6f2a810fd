//! The status page: the last report as HTML without script, in light and dark colours, for wide and narrow screens.
//!
//! External text is sanitized when a row is made, and escaped by the template. The content security policy allows one
//! style, by its digest, and nothing else.

mod banners;
mod class;
mod find;
mod query;
mod rows;
#[cfg(test)]
mod tests;
mod words;

use std::sync::LazyLock;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subaccountd_core::{
    ActionKind, Budget, Reason, Report, Status,
    report::{Mode, PassResult},
    text::{self, count},
};

use crate::daemon::pass_history::PassEntry;
use banners::{Banner, banners};
use class::Class;
use find::Index;
use query::{Query, Sort};
use rows::{AccountRow, FaultRow, HeldRow, Limit, List, Listed, PassRow, TodoRow};
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
    verdict: String,
    now: When,
    loaded: When,
    ended: Option<When>,
    revision: Option<String>,
    main_account: Option<String>,
    banners: Vec<Banner>,
    tiles: Vec<Tile>,
    reasons: Vec<ReasonCount>,
    risk: Option<Risk>,
    limits: Vec<Limit>,
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
    let (verdict, worst) = verdict(report, &tiles);
    let is_dry = report.mode == Mode::DryRun;
    let frozen = report.desired_state.frozen.is_some();
    let modes = [(frozen, "frozen · "), (report.desired_state.paused, "paused · "), (is_dry, "dry run · ")];
    let mode: String = modes.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    let pages = query.pages;
    let page = Page {
        style: STYLE,
        report,
        title: format!("{verdict} · {mode}subaccountd"),
        worst,
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
        link: Query { show: Some(class), sort: query.sort, ..Query::default() }.link(),
        is_shown: query.show == Some(class),
    };
    counts.into_iter().map(tile).collect()
}

fn reasons(report: &Report, query: &Query) -> Vec<ReasonCount> {
    let counted = Reason::ALL.into_iter().map(|reason| ReasonCount {
        reason,
        count: report.plan.held.iter().filter(|item| item.reason == reason).count(),
        link: Query { reason: Some(reason), sort: query.sort, ..Query::default() }.link(),
        is_shown: query.reason == Some(reason),
    });
    let mut reasons: Vec<_> = counted.filter(|reason| reason.count > 0 || reason.is_shown).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    reasons
}

/// The verdict in a few words, and the class of the worst fact in it.
fn verdict(report: &Report, tiles: &[Tile]) -> (String, Option<Class>) {
    let unknown = tiles.iter().find(|tile| tile.class == Class::Unknown).map_or(0, |tile| tile.count);
    let (held, todo) = (report.plan.held.len(), report.plan.actions.len());
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
    // The tiles count accounts, of which one may have several items and actions, and the main account none.
    words.extend((held > 0).then(|| format!("{} held", count(held, "item"))));
    words.extend((unknown > 0).then(|| format!("{} unknown", count(unknown, "account"))));
    words.extend((todo > 0).then(|| format!("{} to do", count(todo, "action"))));
    let worst = match () {
        () if broken => None,
        () if held > 0 => Some(Class::Held),
        () if unknown > 0 || report.last_pass.result.is_none() => Some(Class::Unknown),
        () if todo > 0 => Some(Class::Planned),
        () => Some(Class::InSync),
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
            None => "b3261e",
        }
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
