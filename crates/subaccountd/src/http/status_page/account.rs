//! The page of one account: what `explain` says of it, from the last observation.

use askama::Template;
use jiff::Timestamp;
use subaccountd_core::{AccountSid, Report, report::HeldView};

use super::{
    STYLE,
    banners::{Banner, banners},
    class::Class,
    query::Refresh,
    words::{Message, When, clean},
};
use crate::{
    daemon::pass_history::PassEntry,
    output::{
        explain::{self, ExplainContext, Explanation, Line},
        render::View,
    },
    snapshot::KeptPass,
};

/// The page of the documentation on held reasons, where the build names one.
const DOCS_URL: Option<&str> = option_env!("SUBACCOUNTD_DOCS_URL");
/// Numbers and lines of a section that are shown; further ones are counted.
const NUMBERS_SHOWN: usize = 100;
const LINES_SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    style: &'static str,
    title: String,
    sid: AccountSid,
    name: Option<String>,
    verdict: String,
    class: Option<Class>,
    now: When,
    seen: When,
    refresh: Refresh,
    version: &'static str,
    banners: Vec<Banner>,
    held: Vec<Held<'a>>,
    numbers: Vec<String>,
    numbers_not_shown: usize,
    parts: Vec<Part>,
    close: Vec<Step>,
}

/// A held item of the account.
struct Held<'a> {
    reason: &'static str,
    /// The section of the documentation about the reason.
    docs: Option<String>,
    item: &'a HeldView,
    message: Message,
    remedy: Message,
    since: When,
}

/// A section of the explanation, in words.
struct Part {
    id: &'static str,
    title: &'static str,
    lines: Vec<Message>,
    not_shown: usize,
}

/// A step of the close.
struct Step {
    is_done: bool,
    words: Message,
}

/// The page of `sid`; `None` when neither the state nor Twilio has the account.
pub(super) fn render(
    sid: AccountSid,
    report: &Report,
    kept: &KeptPass,
    passes: &[PassEntry],
    raw_query: &str,
    now: Timestamp,
) -> Option<askama::Result<String>> {
    let observation = kept.observation();
    let history = &observation.history;
    let desired = kept.reading()?.desired.resolved(|name| history.created(name));
    let policy = kept.policy();
    let view = View::of(report, Some(&observation.observed));
    let case = ExplainContext { desired: &desired, observation: &observation, policy: &policy, view };
    if !case.view.knows(sid) {
        return None;
    }
    let explanation = explain::account(&case, sid);
    let listed = report.account(sid);
    let seen = observation.observed.account(sid);
    let name = listed.and_then(|account| account.friendly_name.as_deref());
    let name = name.or_else(|| seen.map(|account| account.friendly_name.as_str())).map(clean);
    let numbers = observation.observed.numbers(sid).unwrap_or_default();
    let shown: Vec<_> = numbers.iter().map(|number| number.id().to_string()).collect();
    let verdict = verdict(&explanation, sid);
    let page = AccountPage {
        style: STYLE,
        title: format!("{} · subaccountd", name.clone().unwrap_or_else(|| sid.to_string())),
        sid,
        name,
        verdict,
        class: listed.map(Class::of),
        now: When::new(now, now),
        seen: When::new(report.observed_at.unwrap_or(observation.now.local), now),
        refresh: Refresh::read(raw_query),
        version: report.version,
        banners: banners(report, passes, now),
        held: explanation.held.iter().map(|item| Held::new(item, now)).collect(),
        numbers_not_shown: shown.len().saturating_sub(NUMBERS_SHOWN),
        numbers: shown.into_iter().take(NUMBERS_SHOWN).collect(),
        close: explanation.lines("close").iter().map(Step::new).collect(),
        parts: [
            ("planned", "Planned"),
            ("desired", "Desired"),
            ("observed", "Observed"),
            ("history", "History and last writes"),
        ]
        .into_iter()
        .filter_map(|(id, title)| Part::new(id, title, &explanation))
        .collect(),
    };
    Some(page.render())
}

/// The verdict without the name and the SID, which stand above it.
fn verdict(explanation: &Explanation, sid: AccountSid) -> String {
    let words = &explanation.verdict;
    let rest =
        words.strip_prefix(&sid.to_string()).and_then(|rest| rest.rsplit_once("): ").map(|(_, rest)| rest));
    clean(rest.or_else(|| words.split_once(": ").map(|(_, rest)| rest)).unwrap_or(words))
}

impl<'a> Held<'a> {
    fn new(item: &'a HeldView, now: Timestamp) -> Self {
        let reason = item.reason.as_str();
        Self {
            reason,
            docs: DOCS_URL.map(|docs| format!("{docs}#{}", reason.to_ascii_lowercase())),
            item,
            message: Message::new(&item.message),
            remedy: Message::new(&item.remedy),
            since: When::new(item.since, now),
        }
    }
}

impl Part {
    fn new(id: &'static str, title: &'static str, explanation: &Explanation) -> Option<Self> {
        let lines = explanation.lines(id);
        let shown = lines.iter().take(LINES_SHOWN).map(|line| Message::new(&line.words)).collect();
        let not_shown = lines.len().saturating_sub(LINES_SHOWN);
        (!lines.is_empty()).then_some(Self { id, title, lines: shown, not_shown })
    }
}

impl Step {
    fn new(line: &Line) -> Self {
        Self { is_done: line.done == Some(true), words: Message::new(&line.words) }
    }
}

impl AccountPage<'_> {
    /// The class of the verdict in the style.
    fn tone(&self) -> &'static str {
        self.class.map_or("", Class::as_str)
    }
}
