//! Troubles that last: one line in the log when one begins, and one when it ends, with how long it was.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tracing::{debug, error, info, warn};

/// The most causes of one trouble that are logged. A cause that was logged before is not logged again.
const MAX_CAUSES: usize = 5;

/// The things that can be in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The state cannot be read.
    State,
    /// The revision file names no revision.
    Revision,
    /// Passes are aborted.
    Pass,
    /// Twilio's clock and the one of this machine disagree.
    Clock,
    /// The whole state is paused.
    Paused,
    /// A person stopped all writes.
    Frozen,
}

impl Trouble {
    const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Revision => "revision",
            Self::Pass => "pass",
            Self::Clock => "clock",
            Self::Paused => "paused",
            Self::Frozen => "frozen",
        }
    }

    const fn begins(self) -> &'static str {
        match self {
            Self::State => "desired state cannot be read: no pass is made",
            Self::Revision => "revision of the desired state is unknown",
            Self::Pass => "reconcile pass aborted",
            Self::Clock => {
                "clocks disagree: no rest ends and no budget is freed; set the clock of this machine (NTP)"
            }
            Self::Paused => "desired state is paused: nothing is changed at Twilio",
            Self::Frozen => "frozen: nothing is changed at Twilio until `subaccountd unfreeze`",
        }
    }

    const fn ends(self) -> &'static str {
        match self {
            Self::State => "desired state can be read again",
            Self::Revision => "revision of the desired state is known again",
            Self::Pass => "reconcile passes come to their end again",
            Self::Clock => "clocks agree again",
            Self::Paused => "desired state is no longer paused",
            Self::Frozen => "no longer frozen",
        }
    }
}

struct Lasting {
    since: Instant,
    causes: Vec<String>,
}

/// The troubles that last now.
#[derive(Default)]
pub(super) struct Troubles(BTreeMap<Trouble, Lasting>);

impl Troubles {
    /// Takes note that `trouble` is there with this cause, or that it is not.
    pub(super) fn note(&mut self, trouble: Trouble, cause: Option<&str>) {
        let Some(cause) = cause else {
            if let Some(lasted) = self.0.remove(&trouble) {
                let duration_ms = lasted.since.elapsed().as_millis();
                let duration_ms = u64::try_from(duration_ms).unwrap_or(u64::MAX);
                info!(trouble = trouble.name(), duration_ms, "{}", trouble.ends());
            }
            return;
        };
        let new = || Lasting { since: Instant::now(), causes: Vec::new() };
        let lasting = self.0.entry(trouble).or_insert_with(new);
        let is_known = lasting.causes.iter().any(|known| known == cause);
        if is_known || lasting.causes.len() >= MAX_CAUSES {
            return debug!(trouble = trouble.name(), error = cause, "{}", trouble.begins());
        }
        lasting.causes.push(cause.to_owned());
        match trouble {
            Trouble::State | Trouble::Pass => {
                error!(trouble = trouble.name(), error = cause, "{}", trouble.begins());
            }
            Trouble::Clock | Trouble::Frozen | Trouble::Revision => {
                warn!(trouble = trouble.name(), error = cause, "{}", trouble.begins());
            }
            Trouble::Paused => info!(trouble = trouble.name(), error = cause, "{}", trouble.begins()),
        }
    }
}
