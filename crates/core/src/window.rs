//! Windows: recurring times in which action kinds are not used.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{ActionKind, Now, Schedule};

/// The most starts that are followed to find the end of windows that join each other.
const MAX_JOINED: usize = 100;

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The action kinds that are not used meanwhile.
    pub verbs: BTreeSet<ActionKind>,
    /// The reason, in free text.
    pub reason: Option<String>,
    /// The times of the window; `None` when a fault hides them, and then it always lasts.
    pub times: Option<WindowTimes>,
}

/// The times of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowTimes {
    /// Its starts.
    pub schedule: Schedule,
    /// The time that it lasts, by a clock without daylight saving.
    pub duration: SignedDuration,
}

/// The action kinds that a window holds when it names none: all that take something away or change what works.
pub const DEFAULT_VERBS: [ActionKind; 6] = [
    ActionKind::Suspend,
    ActionKind::Transfer,
    ActionKind::Configure,
    ActionKind::EndCalls,
    ActionKind::Release,
    ActionKind::Close,
];

/// A window that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The window; of several that overlap, the first of the state.
    pub window: Window,
    /// The end of it and of all windows that join it.
    pub ends: WindowEnd,
}

/// The end of a window that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEnd {
    /// It ends at this time.
    At(Timestamp),
    /// It ends after this time at the earliest: the next one joins it again and again.
    After(Timestamp),
    /// It ends when the clocks agree that it is over.
    WhenClocksAgree,
    /// It ends when its fault is corrected.
    WhenCorrected,
}

/// The window that holds `kind` at `now`, with its end.
pub fn in_force(
    windows: &[Window],
    kind: ActionKind,
    now: Now,
    attended: Option<Timestamp>,
) -> Option<InForce> {
    let window = held_by(windows, kind, now, attended)?.clone();
    let ends = match (&window.times, now.trusted()) {
        (None, _) => WindowEnd::WhenCorrected,
        (Some(_), None) => WindowEnd::WhenClocksAgree,
        (Some(_), Some(now)) => {
            let of_kind = || windows.iter().filter(|window| window.verbs.contains(&kind));
            end(|| of_kind().filter_map(|window| window.times.as_ref()), now)
        }
    };
    Some(InForce { window, ends })
}

/// The window that holds `kind` at `now`. While the clocks disagree, a window that any of them may still be in does not end:
/// it is enough that it was in force at any time since `attended`, the last trusted time.
pub fn held_by(
    windows: &[Window],
    kind: ActionKind,
    now: Now,
    attended: Option<Timestamp>,
) -> Option<&Window> {
    let (earliest, latest) = now.trusted().map_or_else(
        || {
            let (earliest, latest) = now.bounds();
            (attended.map_or(earliest, |attended| attended.min(earliest)), latest)
        },
        |now| (now, now),
    );
    let holds = |times: &WindowTimes| times.last_end(latest).is_some_and(|end| end > earliest);
    let of_kind = || windows.iter().filter(|window| window.verbs.contains(&kind));
    let faulty = of_kind().find(|window| window.times.is_none());
    faulty.or_else(|| of_kind().find(|window| window.times.as_ref().is_some_and(holds)))
}

/// The first time after `from` at which none of `windows` is in force.
fn end<'a, W: Iterator<Item = &'a WindowTimes>>(windows: impl Fn() -> W, from: Timestamp) -> WindowEnd {
    let mut at = from;
    for _ in 0..MAX_JOINED {
        match windows().filter_map(|times| times.end_at(at)).max() {
            Some(end) => at = end,
            None => return WindowEnd::At(at),
        }
    }
    WindowEnd::After(at)
}

impl WindowTimes {
    /// The end of the window, when it is in force at `time`.
    pub fn end_at(&self, time: Timestamp) -> Option<Timestamp> {
        self.last_end(time).filter(|end| *end > time)
    }

    /// The end of the last window that began at or before `time`.
    fn last_end(&self, time: Timestamp) -> Option<Timestamp> {
        Some(self.schedule.last(time)?.checked_add(self.duration).unwrap_or(Timestamp::MAX))
    }
}
