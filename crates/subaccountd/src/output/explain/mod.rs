//! The explanation of one account or number: the verdict in the first line, then what is desired, observed, planned and
//! held, and the history.

mod account;
mod close;
mod number;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::json;
use subaccountd_core::{
    AccountSid, Desired, Outcome, Policy, Target,
    history::Write,
    report::{ActionView, HeldView, NotKnownView},
    text::{count, first_of, rough, sanitize},
};

pub(crate) use account::account;
pub(crate) use number::number;

use crate::{
    output::render::{Style, View},
    reconcile::Observation,
};

/// The indentation of the words of a section.
const INDENT: &str = "              ";

/// The most writes that are shown.
const MAX_WRITES: usize = 10;

/// The input of an explanation.
pub(crate) struct ExplainContext<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) observation: &'a Observation,
    pub(crate) policy: &'a Policy,
    pub(crate) view: View<'a>,
}

/// An explanation: the verdict, and the sections in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The subject and the verdict, in one line.
    pub(crate) verdict: String,
    pub(crate) sections: Vec<Section>,
    /// The planned actions that the section `planned` describes.
    pub(crate) planned: Vec<ActionView>,
    /// The held items that the section `held` describes.
    pub(crate) held: Vec<HeldView>,
    /// The decisions that the section `not known` describes.
    pub(crate) not_known: Vec<NotKnownView>,
}

/// A section; one without lines is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// A line of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// For a step of a close, true when it is done.
    pub(crate) done: Option<bool>,
    pub(crate) words: String,
}

impl Explanation {
    /// Begins with `verdict`.
    fn new(verdict: String) -> Self {
        Self { verdict, sections: Vec::new(), planned: Vec::new(), held: Vec::new(), not_known: Vec::new() }
    }

    /// The next lines belong to `name`.
    fn section(&mut self, name: &'static str) {
        self.sections.push(Section { name, lines: Vec::new() });
    }

    fn line(&mut self, words: &str) {
        self.add(None, words);
    }

    fn step(&mut self, done: bool, words: &str) {
        self.add(Some(done), words);
    }

    fn add(&mut self, done: Option<bool>, words: &str) {
        let line = Line { done, words: words.to_owned() };
        self.sections.iter_mut().last().into_iter().for_each(|section| section.lines.push(line.clone()));
    }

    /// Returns true when the section that was begun last has no line.
    fn is_section_empty(&self) -> bool {
        self.sections.last().is_none_or(|section| section.lines.is_empty())
    }

    /// The lines of the section `name`.
    pub(crate) fn lines(&self, name: &str) -> &[Line] {
        self.sections.iter().find(|section| section.name == name).map_or(&[], |section| &section.lines)
    }

    /// The explanation for a terminal.
    pub(crate) fn text(&self, style: Style) -> String {
        let mut out = style.heading(&self.verdict) + "\n";
        for section in &self.sections {
            let mut name = section.name;
            for line in &section.lines {
                let first = format!("  {:<12}", std::mem::take(&mut name));
                let mark = line.done.map_or("", |done| if done { "[x] " } else { "[ ] " });
                out += &style.wrapped(&first, INDENT, &format!("{mark}{}", line.words));
            }
        }
        out
    }

    /// The explanation for programs: planned actions and held items as in `/status`, the rest in words.
    pub(crate) fn json(&self, id: &str, remarks: &[String]) -> serde_json::Value {
        let words = |name: &str| self.lines(name).iter().map(|line| line.words.clone()).collect::<Vec<_>>();
        let step = |line: &Line| json!({"done": line.done, "message": line.words});
        let close: Vec<_> = self.lines("close").iter().map(step).collect();
        json!({
            "id": id,
            "verdict": self.verdict,
            "desired": words("desired"),
            "observed": words("observed"),
            "planned": self.planned,
            "held": self.held,
            "notKnown": self.not_known,
            "close": close,
            "history": words("history"),
            "remarks": remarks,
        })
    }
}

impl ExplainContext<'_> {
    fn actions(&self, which: impl Fn(&ActionView) -> bool) -> Vec<&ActionView> {
        self.view.plan().actions.iter().filter(|action| which(action)).collect()
    }

    fn held(&self, which: impl Fn(&HeldView) -> bool) -> Vec<&HeldView> {
        self.view.plan().held.iter().filter(|held| which(held)).collect()
    }

    fn not_known(&self, which: impl Fn(&NotKnownView) -> bool) -> Vec<&NotKnownView> {
        self.view.plan().not_known.iter().filter(|open| which(open)).collect()
    }

    fn planned(&self, page: &mut Explanation, actions: &[&ActionView]) {
        page.section("planned");
        page.planned = actions.iter().copied().cloned().collect();
        for action in actions {
            page.line(&match (action.number, action.from) {
                (Some(number), Some(from)) => {
                    let (from, to) = (self.view.named(from), self.view.named(&action.account));
                    format!("transfer {number} from {from} to {to}")
                }
                (Some(number), None) => {
                    format!("{} {number} of {}", action.kind, self.view.named(&action.account))
                }
                (None, _) => format!("{} {}", action.kind, action.account),
            });
            if action.number.is_none() && !action.at_risk.is_empty() {
                page.line(&format!("releasing {}", first_of(&action.at_risk)));
            }
            if let Some(note) = &action.note {
                page.line(&format!("note: {note}"));
            }
        }
    }

    /// Shows the writes, the refusals and the external reverts that the journal still knows.
    fn remembered(&self, page: &mut Explanation, target: &Target, concerns: impl Fn(&Write) -> bool) {
        let history = &self.observation.history;
        let writes: Vec<_> = history.writes().filter(|(_, write, _)| concerns(write)).collect();
        if writes.len() > MAX_WRITES {
            page.line(&format!("the last {MAX_WRITES} of {} writes:", writes.len()));
        }
        for (at, write, result) in writes.iter().skip(writes.len().saturating_sub(MAX_WRITES)) {
            let request = result.and_then(Outcome::request_id);
            let request = request.map_or_else(String::new, |id| format!(" (Twilio request {id})"));
            page.line(&format!("{} {}: {}{request}", at.at, what(write), ended(*result)));
        }
        for (kind, refused) in history.refusals(target) {
            let code = refused.code.map_or_else(|| "no code".to_owned(), |code| format!("error {code}"));
            let times =
                if refused.times == 1 { "once".to_owned() } else { format!("{} times", refused.times) };
            page.line(&format!(
                "{kind} was refused {times}, last at {} ({code}): {}",
                refused.at.at, refused.message
            ));
        }
        let reverted = history.times_reverted(target, self.observation.now, self.policy.window);
        if reverted > 0 {
            page.line(&format!(
                "reverted externally {} within {:#}",
                count(reverted, "time"),
                self.policy.window
            ));
        }
        if page.is_section_empty() {
            page.line(&format!("no write within {:#}", self.policy.window));
        }
    }
}

fn holds(page: &mut Explanation, held: &[&HeldView]) {
    page.section("held");
    page.held = held.iter().copied().cloned().collect();
    for one in held {
        let number = one.number.map_or_else(String::new, |number| format!(" {number}"));
        page.line(&format!("{}{number}: {}", one.kind, one.reason));
        page.line(&one.message);
        page.line(&format!("fix: {}", one.remedy));
    }
}

fn leaves_open(page: &mut Explanation, open: &[&NotKnownView]) {
    page.section("not known");
    page.not_known = open.iter().copied().cloned().collect();
    for one in open {
        let number = one.number.map_or_else(String::new, |number| format!(" {number}"));
        page.line(&format!("{}{number}: {}", one.kind, one.message));
    }
}

fn what(write: &Write) -> String {
    match (&write.target, write.transfer) {
        (Target::Number(number), Some((from, to))) => format!("{} {number} from {from} to {to}", write.kind),
        (Target::Number(number), None) => format!("{} {number}", write.kind),
        (Target::Account(account), _) => format!("{} {account}", write.kind),
        (Target::Name(name), _) => format!("{} {}", write.kind, quoted(name.as_str())),
        (Target::Calls(account), _) => {
            format!("{} {account}: {}", write.kind, count(write.calls.unwrap_or_default(), "call"))
        }
    }
}

fn ended(outcome: Option<&Outcome>) -> &'static str {
    outcome.map_or("unknown", Outcome::as_str)
}

/// `time`, and its distance from `now`.
fn at(time: Timestamp, now: Timestamp) -> String {
    let time = subaccountd_core::whole_seconds(time);
    let until = time.duration_since(now);
    let far = rough(until);
    if until.is_positive() { format!("{time} (in {far})") } else { format!("{time} ({far} ago)") }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", sanitize(text))
}

/// Returns true when a write touches `account`.
fn touches(write: &Write, account: AccountSid) -> bool {
    matches!(write.target, Target::Account(of) | Target::Calls(of) if of == account)
        || write.account == Some(account)
        || write.transfer.is_some_and(|(from, to)| from == account || to == account)
}
