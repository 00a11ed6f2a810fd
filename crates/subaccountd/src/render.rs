//! A plan in words: as text for a terminal, as markdown for a pull request.

use std::{collections::BTreeMap, fmt::Write};

use subaccountd_core::{
    AccountSid, Report, Verb,
    report::{AccountView, ActionView},
};

use crate::diagnostics::printable;

/// The plan of `report` as text; with colour when the terminal shows it.
pub(crate) fn text(report: &Report, colour: bool) -> String {
    let bold = |words: &str| if colour { format!("\u{1b}[1m{words}\u{1b}[0m") } else { words.to_owned() };
    let red = |words: &str| if colour { format!("\u{1b}[1;31m{words}\u{1b}[0m") } else { words.to_owned() };
    let names = Names::of(report);
    let mut out = format!("{}\n", bold(&counts(report)));
    if let Some(risk) = risk(report) {
        let _ = writeln!(out, "{}", red(&risk));
    }
    if !report.plan.actions.is_empty() {
        out += "\nTo do, in this order of verbs:\n";
    }
    for action in &report.plan.actions {
        let _ = writeln!(out, "  {}", printable(&names.line(action)));
        if let Some(note) = &action.note {
            let _ = writeln!(out, "      note: {note}");
        }
        if let Some(why) = names.why(action.account) {
            let _ = writeln!(out, "      why:  {}", printable(&why));
        }
    }
    if !report.plan.held.is_empty() {
        out += "\nHeld:\n";
    }
    for held in &report.plan.held {
        let of = held.number.map_or_else(String::new, |number| format!("{number} for "));
        let name = printable(&names.named(held.account));
        let _ = writeln!(out, "  {} {of}{name} ({})", bold(held.reason.as_str()), held.kind);
        let _ = writeln!(out, "      {}", printable(&held.message));
        let _ = writeln!(out, "      to mend it: {}", printable(&held.remedy));
    }
    out
}

/// The plan of `report` as markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let names = Names::of(report);
    let mut out = format!("### subaccountd: {}\n", counts(report));
    if let Some(risk) = risk(report) {
        let _ = writeln!(out, "\n> [!CAUTION]\n> {}", escaped(&risk));
    }
    if !report.plan.actions.is_empty() {
        out += "\n| action | account | number | from | why |\n| --- | --- | --- | --- | --- |\n";
    }
    for action in &report.plan.actions {
        let cells = [
            action.kind.to_string(),
            names.named(action.account),
            action.number.map_or_else(String::new, |number| number.to_string()),
            action.from.map_or_else(String::new, |from| names.named(from)),
            names.why(action.account).into_iter().chain(action.note.clone()).collect::<Vec<_>>().join("; "),
        ];
        let _ = writeln!(out, "| {} |", cells.map(|cell| escaped(&cell)).join(" | "));
    }
    if !report.plan.held.is_empty() {
        out += "\n| held | account | what is so | what to do |\n| --- | --- | --- | --- |\n";
    }
    for held in &report.plan.held {
        let cells =
            [held.reason.to_string(), names.named(held.account), held.message.clone(), held.remedy.clone()];
        let _ = writeln!(out, "| {} |", cells.map(|cell| escaped(&cell)).join(" | "));
    }
    out
}

/// What markdown would take for its own, written so that it does not.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\t' => out.push(' '),
            // A mention would notify somebody.
            '@' => out += "&#64;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn counts(report: &Report) -> String {
    let of = |verb: Verb| report.plan.actions.iter().filter(|action| action.kind == verb).count();
    let [reactivate, transfer, suspend, close] = Verb::ALL.map(of);
    let held = report.plan.held.len();
    if reactivate + transfer + suspend + close + held == 0 {
        return "Nothing to do: Twilio is as the state says.".to_owned();
    }
    format!(
        "{reactivate} to reactivate, {transfer} to transfer, {suspend} to suspend, {close} to close; {held} held."
    )
}

/// What cannot be undone.
fn risk(report: &Report) -> Option<String> {
    let closes: Vec<_> = report.plan.actions.iter().filter(|action| action.kind == Verb::Close).collect();
    let lost: Vec<_> = closes.iter().flat_map(|close| &close.at_risk).map(ToString::to_string).collect();
    if closes.is_empty() {
        return None;
    }
    let lost = match lost.len() {
        0 => "no number is released".to_owned(),
        1 => format!("1 number is released: {}", lost.join(", ")),
        n => format!("{n} numbers are released: {}", lost.join(", ")),
    };
    Some(format!("CANNOT BE UNDONE: {} closed, {lost}", closes.len()))
}

/// The listed accounts, for their names and reasons.
struct Names<'a>(BTreeMap<AccountSid, &'a AccountView>);

impl<'a> Names<'a> {
    fn of(report: &'a Report) -> Self {
        Self(report.accounts.iter().map(|account| (account.sid, account)).collect())
    }

    fn named(&self, sid: AccountSid) -> String {
        match self.0.get(&sid).and_then(|account| account.friendly_name.as_deref()) {
            Some(name) => format!("{sid} ({name})"),
            None => sid.to_string(),
        }
    }

    fn why(&self, sid: AccountSid) -> Option<String> {
        let account = self.0.get(&sid)?;
        let labels = account.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let words: Vec<_> = account.reason.iter().cloned().chain(labels).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn line(&self, action: &ActionView) -> String {
        match (action.number, action.from) {
            (Some(number), Some(from)) => {
                format!("transfer   {number} from {} to {}", self.named(from), self.named(action.account))
            }
            _ => format!("{:<10} {}", action.kind.as_str(), self.named(action.account)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_cell() {
        assert_eq!(escaped("a|b\n<img src=x> @all *x*"), "a\\|b\u{fffd}&lt;img src=x&gt; &#64;all \\*x\\*");
    }
}
