//! The explanation of one account or number: the verdict in the first line, then what is desired, observed, planned and
//! held, and the history.

mod account;
mod close;
mod number;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
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
    pub(crate) style: Style,
}

/// The text so far.
struct ExplainText {
    out: String,
    /// The name of the section that the next line belongs to, until a line has it.
    section: &'static str,
    style: Style,
}

impl ExplainText {
    /// Begins with `verdict`.
    fn new(verdict: &str, style: Style) -> Self {
        Self { out: style.heading(verdict) + "\n", section: "", style }
    }

    /// The next lines belong to `section`.
    fn section(&mut self, section: &'static str) {
        self.section = section;
    }

    fn line(&mut self, words: &str) {
        let first = format!("  {:<12}", std::mem::take(&mut self.section));
        self.out += &self.style.wrapped(&first, INDENT, words);
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

    fn planned(&self, page: &mut ExplainText, actions: &[&ActionView]) {
        page.section("planned");
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
    fn remembered(&self, page: &mut ExplainText, target: &Target, concerns: impl Fn(&Write) -> bool) {
        let history = &self.observation.history;
        let writes: Vec<_> = history.writes().filter(|(_, write, _)| concerns(write)).collect();
        if writes.len() > MAX_WRITES {
            page.line(&format!("the last {MAX_WRITES} of {} writes:", writes.len()));
        }
        for (at, write, result) in writes.iter().skip(writes.len().saturating_sub(MAX_WRITES)) {
            page.line(&format!("{} {}: {}", at.at, what(write), ended(*result)));
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
        if !page.section.is_empty() {
            page.line(&format!("no write within {:#}", self.policy.window));
        }
    }
}

fn holds(page: &mut ExplainText, held: &[&HeldView]) {
    page.section("held");
    for one in held {
        let number = one.number.map_or_else(String::new, |number| format!(" {number}"));
        page.line(&format!("{}{number}: {}", one.kind, one.reason));
        page.line(&one.message);
        page.line(&format!("fix: {}", one.remedy));
    }
}

fn leaves_open(page: &mut ExplainText, open: &[&NotKnownView]) {
    page.section("not known");
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
