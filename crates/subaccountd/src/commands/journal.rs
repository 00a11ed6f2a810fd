//! `journal`: the writes, with their time, result, revision and reason.

use std::{collections::BTreeMap, fmt::Write};

use jiff::SignedDuration;
use subaccountd_core::{
    AccountSid, Outcome, Receipt, Target,
    history::{Event, Write as Wrote},
    text::{count, sanitize},
};

use super::{Exit, eprint, print};
use crate::{
    cli::{
        JournalFormat,
        settings::{JournalArgs, JournalDir},
    },
    clock,
    journal::{Audit, JournalLine, LineContent, lines},
    output::printed::Printed,
};

pub(super) fn journal(
    settings: &JournalArgs,
    since: Option<SignedDuration>,
    account: Option<AccountSid>,
    output: JournalFormat,
) -> anyhow::Result<Exit> {
    let JournalDir::Dir(dir) = settings.dir()? else {
        anyhow::bail!("`--journal-dir none` keeps no journal on disk: name the folder of a journal");
    };
    let from = since.map(|since| clock::now() - since);
    let recent = |line: &JournalLine| from.is_none_or(|from| line.time >= from);
    let shown = match output {
        JournalFormat::Json => lines(&dir, &|line| recent(line) && concerns(line, account))?,
        JournalFormat::Text => lines(&dir, &is_about_a_write)?,
    };
    print(&match output {
        JournalFormat::Json => Printed::json(&json(shown.lines.iter())?),
        JournalFormat::Text => {
            Printed::text(&text(&shown.lines, &|line| recent(line) && concerns(line, account)))
        }
    })?;
    for line in &shown.unreadable {
        eprint(&format!("warning: {}\n", sanitize(&line.to_string())));
    }
    Ok(Exit::Done)
}

fn is_about_a_write(line: &JournalLine) -> bool {
    matches!(line.what, LineContent::Event(Event::Intent { .. } | Event::Outcome { .. }))
}

fn concerns(line: &JournalLine, account: Option<AccountSid>) -> bool {
    account.is_none_or(|account| line.audit.as_ref().is_some_and(|audit| audit.accounts.contains(&account)))
}

fn json<'a>(lines: impl Iterator<Item = &'a JournalLine>) -> anyhow::Result<String> {
    let mut out = String::new();
    for line in lines {
        out += &serde_json::to_string(line)?;
        out.push('\n');
    }
    Ok(out)
}

/// One line for each write, with its outcome when one was recorded.
fn text(lines: &[JournalLine], shown: &dyn Fn(&JournalLine) -> bool) -> String {
    let mut begun: BTreeMap<u64, (&JournalLine, &Wrote)> = BTreeMap::new();
    let mut out = String::new();
    for line in lines {
        match &line.what {
            LineContent::Event(Event::Intent { id, write, .. }) => {
                begun.insert(*id, (line, write));
            }
            LineContent::Event(Event::Outcome { id, outcome, .. }) => {
                if let Some((_, write)) = begun.remove(id).filter(|_| shown(line)) {
                    one(&mut out, line, write, Some(outcome));
                }
            }
            LineContent::Event(_) | LineContent::Carried { .. } => {}
        }
    }
    for (line, write) in begun.into_values().filter(|(line, _)| shown(line)) {
        one(&mut out, line, write, None);
    }
    out
}

fn one(out: &mut String, line: &JournalLine, write: &Wrote, outcome: Option<&Outcome>) {
    let what = match (&write.target, write.transfer) {
        (Target::Number(number), Some((from, to))) => format!("{number} from {from} to {to}"),
        (Target::Number(number), None) => number.to_string(),
        (Target::Account(account), _) => account.to_string(),
        (Target::Name(name), _) => {
            let created =
                outcome.and_then(Outcome::created).map(|sid| format!(" as {sid}")).unwrap_or_default();
            format!("{:?}{created}", name.as_str())
        }
        (Target::Calls(account), _) => {
            format!("{} of {account}", count(write.calls.unwrap_or_default(), "call"))
        }
    };
    let ended = match outcome {
        Some(Outcome::Done(Receipt { calls: Some(over), .. })) => format!("done: {over} over"),
        Some(outcome) => {
            let code = outcome.code().map_or_else(String::new, |code| format!(" ({code})"));
            format!("{}{code}", outcome.as_str())
        }
        None => "unknown: no outcome was recorded".to_owned(),
    };
    let none = Audit::default();
    let audit = line.audit.as_ref().unwrap_or(&none);
    let _ = write!(out, "{}  {:<10} {what}  {ended}", line.time, write.kind.as_str());
    let short: String = audit.state.chars().take(12).collect();
    let labels =
        audit.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    for (name, value) in [
        ("state", Some(short.as_str())),
        ("revision", audit.revision.as_deref()),
        ("entry", audit.place.as_deref()),
        ("request", audit.request_id.as_deref()),
        ("labels", Some(labels.as_str())),
        ("reason", audit.reason.as_deref()),
        ("message", Some(audit.message.as_str())),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(out, "  {name}: {}", sanitize(value));
        }
    }
    out.push('\n');
}
