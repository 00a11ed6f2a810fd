//! The status as a table, as `kubectl get` prints one.

use std::{collections::BTreeMap, fmt::Write};
use subaccountd_core::text::{count, sanitize};

use jiff::{SignedDuration, Timestamp};
use unicode_width::UnicodeWidthStr;

use super::{
    document::{Account, Held, StatusDocument},
    selection::troubled_first,
};

/// The most rows of the narrow table, unless accounts were chosen.
const MAX_ROWS: usize = 30;
/// The widest name of the narrow table.
const NAME_WIDTH: usize = 32;
/// The column that is coloured.
const SYNCED: usize = 4;

/// The style in which the table is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableStyle {
    pub(super) wide: bool,
    pub(super) colour: bool,
    /// True when nothing is left out, however many accounts there are.
    pub(super) whole: bool,
}

/// A table whose columns keep their widths when rows follow.
pub(super) struct Table {
    style: TableStyle,
    widths: Vec<usize>,
}

impl TableStyle {
    /// The accounts of `document` as a table, and the table itself for rows that follow.
    pub(super) fn accounts(self, document: &StatusDocument, now: Timestamp) -> (String, Table) {
        let mut rows = vec![self.head()];
        let remedies = remedies(document);
        let accounts = troubled_first(document);
        let shown = self.shown(&accounts);
        rows.extend(accounts.iter().take(shown).map(|account| self.row(account, &remedies, now)));
        let table = Table { style: self, widths: widths(&rows) };
        let mut text: String = rows.iter().map(|row| table.line(row)).collect();
        text += &left_out(accounts.len() - shown, "account");
        (text, table)
    }

    /// The number of accounts that are shown: of a large fleet those that are not in sync, as many as a person reads.
    fn shown(self, accounts: &[&Account]) -> usize {
        if self.whole || accounts.len() <= MAX_ROWS {
            return accounts.len();
        }
        accounts.iter().take_while(|account| !account.is_in_sync()).count().min(MAX_ROWS)
    }

    fn head(self) -> Vec<String> {
        let more: &[&str] = if self.wide { &["MESSAGE", "REMEDY", "ENTRY", "LABELS"] } else { &[] };
        let narrow = ["SID", "NAME", "DESIRED", "OBSERVED", "SYNCED", "REASON", "AGE"];
        narrow.iter().chain(more).map(ToString::to_string).collect()
    }

    fn row(self, account: &Account, remedies: &Remedies<'_>, now: Timestamp) -> Vec<String> {
        let none = super::document::Condition::default();
        let synced = account.synced().unwrap_or(&none);
        let name = account.friendly_name.as_deref().map_or_else(String::new, sanitize);
        let name = if self.wide { name } else { cut(&name, NAME_WIDTH) };
        let mut row = vec![
            sanitize(&account.sid),
            name,
            sanitize(&account.desired),
            account.observed.as_deref().map_or_else(String::new, sanitize),
            sanitize(&synced.status),
            sanitize(&synced.reason),
            synced.last_transition_time.map_or_else(String::new, |at| age(now.duration_since(at))),
        ];
        if self.wide {
            let labels: Vec<_> = account.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let key = (account.sid.as_str(), synced.reason.as_str(), synced.message.as_str());
            let said = if synced.status == "True" { "" } else { synced.message.as_str() };
            row.extend([
                sanitize(said),
                sanitize(remedies.get(&key).copied().unwrap_or_default()),
                account.reason.as_deref().map_or_else(String::new, sanitize),
                sanitize(&labels.join(",")),
            ]);
        }
        row
    }

    /// The held items that no row shows, as a table; nothing when there are none.
    pub(super) fn held_besides(self, document: &StatusDocument, now: Timestamp) -> String {
        let besides = document.held_besides();
        if besides.is_empty() {
            return String::new();
        }
        let more: &[&str] = if self.wide { &["MESSAGE", "REMEDY"] } else { &[] };
        let head = ["HELD", "ACCOUNT", "NUMBER", "REASON", "AGE"].iter().chain(more);
        let mut rows = vec![head.map(ToString::to_string).collect::<Vec<_>>()];
        let shown = if self.whole { besides.len() } else { besides.len().min(MAX_ROWS) };
        rows.extend(besides.iter().take(shown).map(|held| self.held(held, now)));
        let table = Table { style: Self { colour: false, ..self }, widths: widths(&rows) };
        let lines: String = rows.iter().map(|row| table.line(row)).collect();
        format!("\n{lines}{}", left_out(besides.len() - shown, "held item"))
    }

    fn held(self, held: &Held, now: Timestamp) -> Vec<String> {
        let mut row = vec![
            sanitize(&held.kind),
            held.name.as_ref().map_or_else(|| sanitize(&held.account), |name| sanitize(&format!("{name:?}"))),
            held.number.as_deref().map_or_else(String::new, sanitize),
            sanitize(&held.reason),
            held.since.map_or_else(String::new, |at| age(now.duration_since(at))),
        ];
        if self.wide {
            row.extend([sanitize(&held.message), sanitize(&held.remedy)]);
        }
        row
    }
}

impl Table {
    /// The row of an account, for one that changed.
    pub(super) fn row(&self, account: &Account, document: &StatusDocument, now: Timestamp) -> String {
        self.line(&self.style.row(account, &remedies(document), now))
    }

    fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
            let shown = if cell.is_empty() { "-" } else { cell };
            let gap = width.saturating_sub(shown.width()) + 3;
            let colour = match (self.style.colour && at == SYNCED, shown) {
                (true, "True") => Some("32"),
                (true, "False") => Some("33"),
                (true, "Unknown") => Some("35"),
                _ => None,
            };
            // Writing to a string does not fail.
            let _ = match colour {
                Some(code) => write!(line, "\u{1b}[{code}m{shown}\u{1b}[0m"),
                None => write!(line, "{shown}"),
            };
            line.extend(std::iter::repeat_n(' ', gap));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// The remedies for what a row shows, by SID, reason and message.
type Remedies<'a> = BTreeMap<(&'a str, &'a str, &'a str), &'a str>;

fn remedies(document: &StatusDocument) -> Remedies<'_> {
    let key = |held| {
        let Held { account, reason, message, remedy, .. }: &Held = held;
        ((account.as_str(), reason.as_str(), message.as_str()), remedy.as_str())
    };
    document.plan.held.iter().map(key).collect()
}

/// The note on rows that are left out.
fn left_out(number: usize, what: &str) -> String {
    if number == 0 {
        return String::new();
    }
    format!(
        "… and {}: `-o wide` shows all of them, `subaccountd status ID…` some\n",
        count(number, &format!("more {what}"))
    )
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
    (0..columns).map(|at| width(at).unwrap_or_default()).collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        shown.push(c);
        if shown.width() >= most {
            shown.pop();
            break;
        }
    }
    shown.push('…');
    shown
}

/// An age in one unit, as kubectl writes it.
pub(super) fn age(passed: SignedDuration) -> String {
    match passed.as_secs().max(0) {
        seconds @ ..120 => format!("{seconds}s"),
        seconds @ ..7200 => format!("{}m", seconds / 60),
        seconds @ ..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// The summary of the status, in a few lines for the end of the table.
pub(super) fn summary(document: &StatusDocument, now: Timestamp) -> String {
    let state = &document.desired_state;
    let pass = &document.last_pass;
    let mode = match document.mode.as_str() {
        "dry-run" => "DRY RUN, nothing is written",
        "enforce" => "enforcing",
        other => other,
    };
    let ended = match (&pass.result, pass.finished_at) {
        (Some(result), Some(at)) => format!("last pass {result} {} ago", age(now.duration_since(at))),
        _ => "the first pass has not ended yet".to_owned(),
    };
    let short: String = state.revision.as_deref().unwrap_or(&state.sha256).chars().take(12).collect();
    let mut lines = vec![
        format!("{mode}; {ended}; state {short}"),
        format!("{}: {}", count(document.accounts.len(), "account"), counts(document)),
    ];
    let main = &document.main_account;
    if !main.sid.is_empty() {
        let name = main.friendly_name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        lines.insert(1, format!("main account {}{name}", main.sid));
    }
    if let Some(freeze) = &state.frozen {
        let since =
            freeze.since.map_or_else(String::new, |at| format!(" for {}", age(now.duration_since(at))));
        lines.push(format!("FROZEN{since}, nothing is changed at Twilio: {}", freeze.reason));
    }
    if state.paused {
        lines.push("PAUSED: the whole state is paused, and nothing is changed at Twilio".to_owned());
    }
    let (todo, held) = (document.plan.actions.len(), document.plan.held.len());
    let closes = document.plan.actions.iter().filter(|action| action.kind == "close").count();
    lines.push(format!("{} to do, {} held", count(todo, "action"), count(held, "item")));
    if closes > 0 {
        lines.push(format!("CANNOT BE UNDONE: {closes} to close"));
    }
    if let Some(error) = &pass.error {
        lines.push(format!("the last pass was aborted: {error}"));
    }
    if !state.faults.is_empty() {
        lines.push(format!("{} in the state; nothing is closed until they are fixed:", faults(document)));
    }
    for fault in state.faults.iter().take(10) {
        lines.push(format!("  {}:{}:{}: {}", fault.file, fault.line, fault.column, fault.message));
    }
    lines.iter().map(|line| sanitize(line) + "\n").collect()
}

/// `1 fault`, `2 faults`.
pub(super) fn faults(document: &StatusDocument) -> String {
    count(document.desired_state.faults.len(), "fault")
}

fn counts(document: &StatusDocument) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for condition in document.accounts.iter().filter_map(Account::synced) {
        *counts.entry(condition.status.as_str()).or_default() += 1;
    }
    let of = |status| counts.get(status).copied().unwrap_or_default();
    let [synced, not, unknown] = ["True", "False", "Unknown"].map(of);
    format!("{synced} in sync, {not} not in sync, {unknown} unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_for_any_name() {
        let text = r#"{"desiredState": {"sha256": "abcdef"}, "accounts": [
            {"sid": "AC1", "friendlyName": "日本\u001b[31m", "desired": "active", "observed": "active",
             "conditions": [{"type": "Synced", "status": "True", "reason": "InSync", "lastTransitionTime": "2026-11-21T08:59:00Z"}]},
            {"sid": "AC2", "friendlyName": "a name that is longer than it can be shown here", "desired": "suspended",
             "conditions": [{"type": "Synced", "status": "Unknown", "reason": "Unreadable", "lastTransitionTime": "2026-11-18T09:00:00Z"}]}]}"#;
        let document: StatusDocument = serde_json::from_str(text).unwrap();
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        let (plain, _) = TableStyle { wide: false, colour: false, whole: false }.accounts(&document, now);
        insta::assert_snapshot!(plain, @r"
        SID   NAME                               DESIRED     OBSERVED   SYNCED    REASON       AGE
        AC2   a name that is longer than it c…   suspended   -          Unknown   Unreadable   3d
        AC1   日本�[31m                          active      active     True      InSync       60s
        ");
        let (coloured, _) = TableStyle { wide: true, colour: true, whole: true }.accounts(&document, now);
        assert!(coloured.contains("\u{1b}[32mTrue\u{1b}[0m"), "{coloured}");
        assert!(!coloured.contains("\u{1b}[31m"), "{coloured}");
        assert!(coloured.contains("longer than it can be shown here"), "{coloured}");
    }

    #[test]
    fn ages_are_written_as_kubectl_does() {
        for (seconds, words) in
            [(-5, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")]
        {
            assert_eq!(age(SignedDuration::from_secs(seconds)), words);
        }
    }
}
