//! The layout of an exported state: one value per line, and strings from outside that cannot break their line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use super::{API_VERSION, KIND};
use crate::{
    AccountSid, NumberId, NumberSetting, PhoneNumber, SettingFormat, Status,
    text::{is_plain, sanitize_to},
};

/// The most characters of a name in a comment.
const MAX_COMMENT: usize = 64;

/// One account, and the statement about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportItem {
    pub(super) sid: AccountSid,
    pub(super) name: String,
    pub(super) what: ExportStatement,
}

/// The statement about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExportStatement {
    Entry {
        status: Status,
        check_name: bool,
        numbers: ExportedNumbers,
    },
    /// A fact that cannot be an entry, in words that follow the SID.
    Remark(String),
    /// The state lists the account already, and claims none of these.
    Unclaimed(BTreeSet<PhoneNumber>),
}

/// The numbers of one account: its claims, and the skipped numbers with the reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExportedNumbers {
    /// The claimed numbers.
    pub(super) claims: BTreeMap<PhoneNumber, ExportedClaim>,
    /// The skipped numbers and the reasons; `None` stands for all numbers of the account.
    pub(super) left_out: BTreeMap<Option<NumberId>, String>,
}

/// A claim: its comment, and the settings of the number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExportedClaim {
    pub(super) note: &'static str,
    pub(super) settings: Vec<(NumberSetting, String)>,
    /// Settings whose values are not written.
    pub(super) skipped: Vec<NumberSetting>,
}

impl ExportedClaim {
    /// The skipped settings, each with the reason.
    pub(super) fn skipped_settings(&self) -> impl Iterator<Item = String> {
        self.skipped.iter().map(|setting| {
            let why = match setting.format() {
                SettingFormat::Url => {
                    "it carries user information, a query or a fragment, or is not a valid URL"
                }
                SettingFormat::Name
                | SettingFormat::Method
                | SettingFormat::Application
                | SettingFormat::Trunk => "a state cannot name its value",
            };
            format!("{setting} is skipped: {why}")
        })
    }

    fn write(&self, number: PhoneNumber, out: &mut String, indent: &str) {
        let Self { note, settings, .. } = self;
        if settings.is_empty() {
            let _ = writeln!(out, "{indent}  - \"{number}\"{note}");
        } else {
            let _ = writeln!(out, "{indent}  - number: \"{number}\"{note}");
        }
        for (setting, value) in settings {
            let _ = writeln!(out, "{indent}    {setting}: {}", Quoted(value));
        }
        for words in self.skipped_settings() {
            let _ = writeln!(out, "{indent}    # {words}");
        }
    }
}

/// The first lines of a document. One that `is_part` of a state has no main account: another document names it.
pub(super) fn head(is_part: bool) -> String {
    let what = if is_part {
        "# Written by `subaccountd import --missing`: accounts that the desired state does not list, as they are at Twilio."
    } else {
        "# Written by `subaccountd import`: the accounts as they are at Twilio; the plan of this state is empty.\n\
         # Edit it as needed. Accounts that it does not list are never changed."
    };
    format!(
        "# yaml-language-server: $schema=./desired-state.v1.schema.json\n{what}\napiVersion: {API_VERSION}\nkind: {KIND}\n"
    )
}

/// Adds the main account, with its numbers.
pub(super) fn main_account(out: &mut String, sid: AccountSid, numbers: &ExportedNumbers) {
    let _ = writeln!(out, "mainAccount:\n  sid: {sid}");
    numbers.write(out, "  ");
}

impl ExportItem {
    /// Returns true when it is an entry, not a comment.
    pub(super) const fn is_entry(&self) -> bool {
        matches!(self.what, ExportStatement::Entry { .. })
    }

    /// Adds its lines.
    pub(super) fn write(&self, out: &mut String) {
        let Self { sid, name, what } = self;
        let ExportStatement::Entry { status, check_name, numbers } = what else {
            let _ = writeln!(out, "  # {}", self.remark());
            if let ExportStatement::Unclaimed(numbers) = what {
                for number in numbers {
                    let _ = writeln!(out, "  #   - \"{number}\"");
                }
            }
            return;
        };
        let named = *check_name || *status == Status::Closed;
        let comment = Some(on_one_line(name)).filter(|name| !named && !name.is_empty());
        let comment = comment.map_or_else(String::new, |name| format!(" # {name}"));
        let _ = writeln!(out, "  - sid: {sid}{comment}");
        if *check_name {
            let _ = writeln!(out, "    friendlyName: {}", Quoted(name));
        }
        let _ = writeln!(out, "    status: {status}");
        if *status == Status::Closed {
            let _ = writeln!(out, "    close:\n      confirm: {}", Quoted(name));
        }
        numbers.write(out, "    ");
    }

    /// The remark on facts of the account that no entry states, after its SID and name; for an entry, only the SID
    /// and name.
    pub(super) fn remark(&self) -> String {
        let name = Some(on_one_line(&self.name)).filter(|name| !name.is_empty());
        let sid = name.map_or_else(|| self.sid.to_string(), |name| format!("{} ({name})", self.sid));
        match &self.what {
            ExportStatement::Entry { .. } => sid,
            ExportStatement::Remark(words) => format!("{sid} {words}"),
            ExportStatement::Unclaimed(_) => {
                format!("{sid} is listed, but the desired state does not claim all of its numbers")
            }
        }
    }
}

impl ExportedNumbers {
    fn write(&self, out: &mut String, indent: &str) {
        for (number, why) in &self.left_out {
            let _ = writeln!(out, "{indent}# {}", UnclaimedNumbers(*number, why));
        }
        if !self.claims.is_empty() {
            let _ = writeln!(out, "{indent}numbers:");
        }
        for (number, claim) in &self.claims {
            claim.write(*number, out, indent);
        }
    }
}

/// A skipped number, or all numbers of an account, and the reason.
pub(super) struct UnclaimedNumbers<'a>(pub(super) Option<NumberId>, pub(super) &'a str);

impl fmt::Display for UnclaimedNumbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, why) = self;
        match number {
            Some(number) => write!(f, "\"{number}\" is skipped: {why}"),
            None => write!(f, "its numbers are skipped: {why}"),
        }
    }
}

/// A string in double quotes, on one line, with every special character escaped. YAML has shorter styles; this one means
/// the same to every parser, for any string.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut before = ' ';
        for c in self.0.chars() {
            match c {
                // CI runners obey `##[command]` in the log of a job.
                '#' if before == '#' => f.write_str("\\x23")?,
                '"' | '\\' => write!(f, "\\{c}")?,
                c if is_plain(c) => f.write_char(c)?,
                c if u32::from(c) <= 0xffff => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "\\U{:08X}", u32::from(c))?,
            }
            before = c;
        }
        f.write_char('"')
    }
}

/// `name`, made safe for a comment of one line.
pub(super) fn on_one_line(name: &str) -> String {
    sanitize_to(name, MAX_COMMENT).trim().to_owned()
}
