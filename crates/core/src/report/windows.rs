//! The windows of the state at the end of a pass, for people.

use jiff::Timestamp;

use super::Findings;
use crate::{
    ActionKind,
    window::{Window, WindowEnd, in_force},
};

/// One window, and its next change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowView {
    /// The action kinds that it holds.
    pub verbs: Vec<ActionKind>,
    /// The schedule, the time zone and the duration, as the state names them; `None` when a fault hides them.
    pub times: Option<String>,
    /// The reason, in free text.
    pub reason: Option<String>,
    /// The next change.
    pub change: WindowChange,
}

/// The next change of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowChange {
    /// It is in force, with this end.
    Ends(WindowEnd),
    /// It begins at this time.
    Begins(Timestamp),
    /// It never comes.
    Never,
}

impl WindowView {
    pub(super) fn of(window: &Window, found: &Findings<'_>) -> Self {
        let windows = std::slice::from_ref(window);
        let now = |kind: &ActionKind| in_force(windows, *kind, found.now, found.history.attended());
        let next = || window.times.as_ref()?.schedule.next(found.now.best());
        let change = match (window.verbs.iter().find_map(now), next()) {
            (Some(in_force), _) => WindowChange::Ends(in_force.ends),
            (None, Some(next)) => WindowChange::Begins(next),
            (None, None) => WindowChange::Never,
        };
        let times = window.times.as_ref().map(|times| {
            format!("{} {}, {:#}", times.schedule.text(), times.schedule.time_zone(), times.duration)
        });
        let verbs = window.verbs.iter().copied().collect();
        Self { verbs, times, reason: window.reason.clone(), change }
    }
}
