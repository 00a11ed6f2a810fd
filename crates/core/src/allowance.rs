//! Allowances: limits of the brake that the desired state raises for a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{ActionKind, Now};

/// The longest time ahead for which an allowance counts.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One allowance. Until its end, the limit is the larger of its own and this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// The action kind, which has a limit.
    pub verb: ActionKind,
    /// The limit meanwhile.
    pub up_to: usize,
    /// Its end.
    pub until: Timestamp,
    /// The reason, in free text.
    pub reason: String,
}

/// The allowances of a state at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowances {
    /// The highest one that counts, by action kind.
    counting: BTreeMap<ActionKind, Allowance>,
    /// The reasons for which others, that are not over, do not count.
    idle: BTreeMap<ActionKind, &'static str>,
    /// True when the operator lets them count.
    pub(crate) honored: bool,
}

impl Allowances {
    /// The ones of `all` at `now`; none counts unless they are `honored`, nor while the clocks disagree.
    pub(crate) fn at(all: &[Allowance], honored: bool, now: Now) -> Self {
        let mut found = Self { honored, ..Self::default() };
        for allowance in all.iter().filter(|allowance| now.best() < allowance.until) {
            let why = match now.trusted() {
                _ if !honored => "under `--allowances ignore`, allowances of the desired state do not count",
                None => "while the clocks disagree, allowances do not count",
                Some(now) if allowance.until.duration_since(now) > MAX_AHEAD => {
                    "an allowance that ends more than 7 days ahead does not count yet"
                }
                Some(_) => {
                    let highest = found.counting.entry(allowance.verb).or_insert_with(|| allowance.clone());
                    if highest.up_to < allowance.up_to {
                        *highest = allowance.clone();
                    }
                    continue;
                }
            };
            found.idle.entry(allowance.verb).or_insert(why);
        }
        found
    }

    /// The allowance that counts for `kind`.
    pub fn of(&self, kind: ActionKind) -> Option<&Allowance> {
        self.counting.get(&kind)
    }

    /// The allowances that count.
    pub fn iter(&self) -> impl Iterator<Item = &Allowance> {
        self.counting.values()
    }

    /// The limit of `kind`, raised from its own one. A lifted limit stays lifted, and a limit of 0 is never raised.
    pub(crate) fn raise(&self, kind: ActionKind, own: Option<usize>) -> Option<usize> {
        match own {
            None | Some(0) => own,
            Some(own) => Some(self.of(kind).map_or(own, |allowance| allowance.up_to.max(own))),
        }
    }

    /// The reason for which an allowance for `kind` does not count.
    pub(crate) fn idle(&self, kind: ActionKind) -> Option<&'static str> {
        self.idle.get(&kind).copied()
    }
}

/// The allowance to paste, which would raise the limit of `kind` to `up_to` from `now` for a day and a part of one.
pub(crate) fn to_paste(kind: ActionKind, up_to: usize, now: Now) -> String {
    let until = now.best().checked_add(SignedDuration::from_hours(48)).unwrap_or(Timestamp::MAX);
    let until = until.to_zoned(TimeZone::UTC).date();
    format!("allowances: [{{verb: {kind}, upTo: {up_to}, until: \"{until}\", reason: \"write why\"}}]")
}
