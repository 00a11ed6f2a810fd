//! The limits of a soak, drawn from its seed.

use std::{collections::BTreeMap, time::Duration};

use crate::{Kind, Scale};

/// The limits, for the daemon and for the judge.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) kind: Kind,
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
            close_after: Duration::from_secs(5),
            window: Duration::from_secs(if short { 60 } else { 24 * 3600 }),
            limits: [("suspend", 10), ("reactivate", 5), ("transfer", 12), ("close", 7), ("release", 14)]
                .map(|(kind, n)| (kind, of(n)))
                .into(),
        }
    }

    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = vec![
            format!("--close-after={}s", self.close_after.as_secs()),
            format!("--budget-window={}s", self.window.as_secs()),
            "--interval=500ms".into(),
            "--request-timeout=2s".into(),
        ];
        for (flag, kind) in [
            ("suspends", "suspend"),
            ("reactivations", "reactivate"),
            ("transfers", "transfer"),
            ("closes", "close"),
            ("released-numbers", "release"),
        ] {
            args.push(format!("--max-{flag}={}", self.limits[kind]));
        }
        if self.kind == Kind::WithoutJournal {
            args.push("--journal-dir=none".into());
        }
        args
    }
}
