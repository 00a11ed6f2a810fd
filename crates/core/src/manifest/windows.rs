//! The `windows` of a document. A window with a fault always lasts, because a guard that cannot be read may be in force.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, shown},
    entry::MAX_REASON,
    fields::{Fields, list, malformed, one_of, text, word},
    suggestions::WINDOW,
    times::duration,
    yaml::{Kind, Node},
};
use crate::{
    ActionKind, Schedule,
    window::{DEFAULT_VERBS, Window, WindowTimes},
};

/// The most items of `windows` and of `allowances`.
const MAX_ITEMS: usize = 100;

/// Reads the windows of a document.
pub(super) fn windows(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> Vec<Window> {
    let (nodes, all_read) = items(fields, "windows", diagnostics);
    let mut windows: Vec<_> = nodes.into_iter().map(|node| window(node, diagnostics)).collect();
    if !all_read {
        for window in &mut windows {
            window.times = None;
        }
        windows.push(Window { verbs: DEFAULT_VERBS.into(), reason: None, times: None });
    }
    windows
}

/// The items of the list `key`, which stands in the document with `mainAccount`, and true when they are all that it may
/// have.
pub(super) fn items<'a>(
    fields: &Fields<'a>,
    key: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> (Vec<&'a Node>, bool) {
    let before = diagnostics.count();
    let lists: Vec<_> = fields.all(key).collect();
    if !lists.is_empty() && fields.get("mainAccount").is_none() && !fields.is_mistaken("mainAccount") {
        diagnostics.add(
            DiagnosticCode::NotBesideMainAccount,
            fields.place_of(key),
            format!("`{key}` is in a document without `mainAccount`"),
            format!("move `{key}` to the document with `mainAccount`"),
        );
    }
    let nodes: Vec<_> = lists.iter().flat_map(|node| list(Some(node), key, diagnostics)).collect();
    if let Some(first_over) = nodes.get(MAX_ITEMS) {
        diagnostics.add(
            DiagnosticCode::ManyItems,
            first_over.location,
            format!("`{key}` has more than {MAX_ITEMS} items"),
            "join some of them",
        );
    }
    let all_read = lists.len() < 2 && diagnostics.count() == before;
    (nodes.into_iter().take(MAX_ITEMS).collect(), all_read)
}

fn window(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Window {
    let before = diagnostics.count();
    let what = "a window";
    let Some(fields) = Fields::open(node, what, WINDOW, diagnostics) else {
        return Window { verbs: DEFAULT_VERBS.into(), reason: None, times: None };
    };
    let verbs = verbs(&fields, diagnostics);
    let reason = fields.get("reason").and_then(|node| text(node, "reason", MAX_REASON, diagnostics));
    let time_zone = fields.get("timeZone").map_or(Some(TimeZone::UTC), |node| time_zone(node, diagnostics));
    let help = "write five cron fields, as in `schedule: \"0 18 * * 5\"` for every Friday at 18:00";
    let schedule = fields.require("schedule", what, help, diagnostics);
    let schedule = schedule
        .and_then(|node| schedule_of(node, time_zone.clone().unwrap_or(TimeZone::UTC), help, diagnostics));
    let duration = fields
        .require("duration", what, "write how long it lasts, as in `duration: 62h`", diagnostics)
        .and_then(|node| duration(node, "duration", diagnostics));
    let times = schedule.zip(duration).filter(|_| diagnostics.count() == before);
    let times = times.map(|(schedule, duration)| WindowTimes { schedule, duration });
    Window { verbs, reason: reason.map(str::to_owned), times }
}

/// The verbs of a window; the default ones when it names none, or none that can be read.
fn verbs(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> BTreeSet<ActionKind> {
    let words = ActionKind::ALL.map(ActionKind::as_str);
    let help = format!("write one of {}", words.join(", "));
    let mut verbs = BTreeSet::new();
    let before = diagnostics.count();
    for node in fields.all("verbs").collect::<Vec<_>>() {
        let items = list(Some(node), "verbs", diagnostics);
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            let help = "omit the key for the default verbs, or remove the window";
            diagnostics.add(DiagnosticCode::EmptyValue, node.location, "`verbs` is an empty list", help);
        }
        for item in items {
            let word = one_of(item, "verbs", &words, &help, diagnostics);
            verbs.extend(ActionKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == word));
        }
    }
    // What could not be read may have been any of them.
    if verbs.is_empty() || diagnostics.count() > before || fields.is_mistaken("verbs") {
        verbs.extend(DEFAULT_VERBS);
    }
    verbs
}

fn schedule_of(
    node: &Node,
    time_zone: TimeZone,
    help: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Schedule> {
    let text = word(node, "schedule", help, diagnostics)?;
    let refused = |why: String| {
        let what = (DiagnosticCode::MalformedSchedule, format!("`schedule`: {}", shown(&why)));
        malformed(node, ("schedule", text), what, help, diagnostics);
    };
    Schedule::new(text, time_zone).map_err(refused).ok()
}

/// Returns true when `name` is the name of a time zone, in its letters.
pub(super) fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

fn time_zone(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Option<TimeZone> {
    let help = "write a name of the IANA database, as in `Europe/Berlin` or `UTC`";
    let text = word(node, "timeZone", help, diagnostics)?;
    let found = TimeZone::get(text).ok().filter(|_| is_time_zone(text));
    if found.is_none() {
        let message = format!("`timeZone`: `{}` is not a time zone", shown(text));
        let what = (DiagnosticCode::UnknownTimeZone, message);
        malformed(node, ("timeZone", text), what, help, diagnostics);
    }
    found
}
