//! A snapshot: what was observed, the history and the rules in force, as one document from which plans are made
//! elsewhere. It names customers and their numbers; nothing in it is a secret.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod planning;
#[cfg(test)]
pub(crate) mod scene;
mod source;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subaccountd_core::{
    Account, AccountSid, Doubts, History, Now, NumberList, Policy, manifest::ParsedState, text::sanitize_to,
};

use crate::{
    cli::settings::{FlagValues, GuardrailArgs},
    reconcile::Observation,
    version::VERSION,
};
pub(crate) use planning::report;
pub(crate) use source::{Source, read};

/// The version of the document. Within it keys are added and none changes its meaning.
const FORMAT: u32 = 1;
/// The longest cause of an error that is shown; it may quote the document.
const MAX_CAUSE: usize = 300;
/// The longest version that is shown.
const MAX_VERSION: usize = 40;

/// The document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot<'a> {
    /// See [`FORMAT`].
    format: u32,
    /// The version of the program that took it.
    version: Cow<'a, str>,
    /// The time at which it was taken, by the taker's clock.
    pub(crate) taken_at: Timestamp,
    /// The time at which it was taken, by Twilio's clock.
    pub(crate) twilio_time: Option<Timestamp>,
    /// True when a monotonic clock confirmed Twilio's.
    #[serde(default = "yes")]
    pub(crate) steady: bool,
    pub(crate) main_account: AccountSid,
    /// The rules that the taker plans by, as its flags.
    pub(crate) settings: Cow<'a, FlagValues>,
    pub(crate) accounts: Vec<SnapshotAccount<'a>>,
    /// The other facts that are not known.
    #[serde(default)]
    pub(crate) doubts: Cow<'a, Doubts>,
    pub(crate) history: Cow<'a, History>,
}

const fn yes() -> bool {
    true
}

/// One account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SnapshotAccount<'a> {
    #[serde(flatten)]
    pub(crate) account: Cow<'a, Account>,
    pub(crate) numbers: Cow<'a, NumberList>,
}

impl Snapshot<'_> {
    /// The time at which it was taken, by both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { local: self.taken_at, twilio: self.twilio_time, steady: self.steady }
    }

    /// The version of the program that took it, for people.
    pub(crate) fn taker(&self) -> String {
        sanitize_to(&self.version, MAX_VERSION)
    }
}

/// The parts of a pass that the daemon keeps, until the next one, to answer with a snapshot.
#[derive(Debug)]
pub(crate) struct KeptPass {
    now: Now,
    main: AccountSid,
    accounts: BTreeMap<AccountSid, Account>,
    number_lists: BTreeMap<AccountSid, Arc<NumberList>>,
    doubts: Doubts,
    history: Arc<History>,
    settings: Arc<FlagValues>,
    /// The state that the pass was made for; a snapshot needs none.
    reading: Option<Arc<ParsedState>>,
}

impl KeptPass {
    /// Makes the kept parts of `observation`, which was made under `settings`.
    pub(crate) fn of(observation: Observation, settings: Arc<FlagValues>) -> Self {
        let Observation { now, observed, history } = observation;
        let main = observed.main();
        let (accounts, number_lists, doubts) = observed.into_parts();
        Self { now, main, accounts, number_lists, doubts, history, settings, reading: None }
    }

    /// The same, with the state that the pass was made for.
    pub(crate) fn for_state(self, reading: Arc<ParsedState>) -> Self {
        Self { reading: Some(reading), ..self }
    }

    /// The state that the pass was made for.
    pub(crate) fn reading(&self) -> Option<&ParsedState> {
        self.reading.as_deref()
    }

    /// The policy that the pass was planned by.
    pub(crate) fn policy(&self) -> Policy {
        // They were written from rules, so they can be read.
        GuardrailArgs::from_words(&self.settings).map(|rules| rules.policy()).unwrap_or_default()
    }

    /// The observation, made again from its parts.
    pub(crate) fn observation(&self) -> Observation {
        let rows = self.snapshot().accounts;
        let observed = planning::observed(self.main, rows).with_doubts(self.doubts.clone());
        Observation { now: self.now, observed, history: self.history.clone() }
    }

    /// The document.
    pub(crate) fn snapshot<'a>(&'a self) -> Snapshot<'a> {
        let row = |account: &'a Account| {
            let numbers = self.number_lists.get(&account.sid);
            let numbers = numbers.map_or(Cow::Owned(NumberList::NotRead), |list| Cow::Borrowed(&**list));
            SnapshotAccount { account: Cow::Borrowed(account), numbers }
        };
        Snapshot {
            format: FORMAT,
            version: VERSION.into(),
            taken_at: self.now.local,
            twilio_time: self.now.twilio,
            steady: self.now.steady,
            main_account: self.main,
            settings: Cow::Borrowed(&self.settings),
            accounts: self.accounts.values().map(row).collect(),
            doubts: Cow::Borrowed(&self.doubts),
            history: Cow::Borrowed(&self.history),
        }
    }
}

/// Parses a document. The error is the problem and the remedy.
pub(crate) fn parse(bytes: &[u8]) -> Result<Snapshot<'static>, String> {
    #[derive(Deserialize)]
    struct SnapshotHead {
        format: u32,
        version: Option<String>,
    }
    let cause = |error: serde_json::Error| sanitize_to(&error.to_string(), MAX_CAUSE);
    let head: SnapshotHead = serde_json::from_slice(bytes).map_err(|error| {
        format!("not a snapshot of subaccountd ({}): take one with `subaccountd snapshot`", cause(error))
    })?;
    if head.format != FORMAT {
        let by = head.version.map_or_else(String::new, |version| {
            format!(", written by subaccountd {}", sanitize_to(&version, MAX_VERSION))
        });
        return Err(format!(
            "the snapshot has format {}{by}, and this is subaccountd {VERSION}, which reads format {FORMAT}: use the \
             version that took it",
            head.format
        ));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| format!("the snapshot cannot be read ({}): take a new one", cause(error)))
}
