//! The limits of a soak, drawn from its seed.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Kind, Scale,
    onboarding::{BATCH, WINDOW},
};

/// The kinds that have a limit, their flags, and what may take effect in 90 s.
const LIMITS: [(&str, &str, u64); 7] = [
    ("suspend", "suspends", 10),
    ("reactivate", "reactivations", 5),
    ("transfer", "transfers", 12),
    ("close", "closes", 7),
    ("release", "released-numbers", 14),
    ("create", "creates", 6),
    ("configure", "configures", 10),
];

/// The limits, for the daemon and for the judge.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) kind: Kind,
    pub(crate) interval: Duration,
    /// The time for which number lists are good.
    resync: Duration,
    pub(crate) close_after: Duration,
    pub(crate) window: Duration,
    pub(crate) limits: BTreeMap<&'static str, usize>,
}

impl Rules {
    /// Every other seed has a window of a minute, the others one that is longer than the soak; every fourth has limits so low
    /// that they are what decides.
    pub(crate) fn new(seed: u64, scale: Scale) -> Self {
        let short = seed.is_multiple_of(2);
        let of = |n: u64| {
            let n = if seed.is_multiple_of(4) { n.div_ceil(2) } else { n };
            let whole = (n * scale.lasts.as_secs() / 90).max(n);
            let limit = if scale.kind == Kind::Quiet { 1_000 } else { [whole, n][usize::from(short)] };
            usize::try_from(limit).unwrap()
        };
        Self {
            kind: scale.kind,
            interval: Duration::from_millis(500),
            // Whole seconds, as Twilio's clock has them; two of three seeds keep lists.
            resync: Duration::from_secs([0, 2, 5][usize::try_from(seed % 3).unwrap()]),
            close_after: Duration::from_secs(5),
            window: Duration::from_secs(if short { 60 } else { 24 * 3600 }),
            limits: LIMITS.map(|(kind, _, n)| (kind, of(n))).into(),
        }
    }

    /// For schedules of a few accounts: few passes, and limits that are far away.
    pub(crate) fn small() -> Self {
        Self {
            kind: Kind::Usual,
            interval: Duration::from_secs(1),
            resync: Duration::ZERO,
            close_after: Duration::from_secs(5),
            window: Duration::from_hours(24),
            limits: LIMITS.map(|(kind, ..)| (kind, 100)).into(),
        }
    }

    /// For an onboarding: the default interval, and a limit of creates that a batch uses up.
    pub(crate) fn onboarding() -> Self {
        let limit = |kind| if kind == "create" { BATCH } else { 100 };
        Self {
            interval: Duration::from_mins(1),
            window: WINDOW,
            limits: LIMITS.map(|(kind, ..)| (kind, limit(kind))).into(),
            ..Self::small()
        }
    }

    /// The time after which a running daemon has surely read the state: three intervals.
    pub(crate) fn unseen(&self) -> Duration {
        self.interval * 3 + Duration::from_millis(700)
    }

    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = vec![
            format!("--close-after={}s", self.close_after.as_secs()),
            format!("--budget-window={}s", self.window.as_secs()),
            format!("--interval={}ms", self.interval.as_millis()),
            format!("--resync={}s", self.resync.as_secs()),
            "--request-timeout=2s".into(),
            "--verbs=default,create".into(),
        ];
        for (kind, flag, _) in LIMITS {
            args.push(format!("--max-{flag}={}", self.limits[kind]));
        }
        if self.kind == Kind::WithoutJournal {
            args.push("--journal-dir=none".into());
        }
        args
    }
}
