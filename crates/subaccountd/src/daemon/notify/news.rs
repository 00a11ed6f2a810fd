//! The news of passes: what was applied, newly held and no longer held, and faults that came or went.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use subaccountd_core::{
    AccountRef, ActionKind, Outcome, PhoneNumber, Reason, Report,
    report::{ActionView, HeldView},
    text::{count, first_of},
};

/// The most items of a list.
const MAX_ITEMS: usize = 50;
/// The time after which an item that only waits is told again.
const WAITS_TOLD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The identity of a held item.
type Key = (Reason, ActionKind, AccountRef, Option<PhoneNumber>);

fn key(held: &HeldView) -> Key {
    (held.reason, held.kind, held.account.clone(), held.number)
}

/// What was told, with which the next report is compared.
pub(super) struct Memory {
    /// Items that are held since before this time were told by the process before.
    started: Timestamp,
    last: Option<(Arc<Report>, usize)>,
    /// The items that only wait and when each was told, for a day.
    waits: BTreeMap<Key, Timestamp>,
}

/// A list that ends after some items, and the number of all.
#[derive(Default)]
struct Items<T> {
    shown: Vec<T>,
    count: usize,
}

/// The news of one or several passes.
pub(super) struct News {
    main_account: String,
    revision: Option<String>,
    applied: Items<ActionView>,
    held: Items<HeldView>,
    no_longer_held: Items<HeldView>,
    faults: usize,
    faults_changed: bool,
}

impl<T> Items<T> {
    fn new(all: impl IntoIterator<Item = T>) -> Self {
        let mut items = Self { shown: Vec::new(), count: 0 };
        items.extend(all);
        items
    }

    fn extend(&mut self, all: impl IntoIterator<Item = T>) {
        for item in all {
            self.count += 1;
            if self.shown.len() < MAX_ITEMS {
                self.shown.push(item);
            }
        }
    }

    fn join(&mut self, later: Self) {
        let more = later.count - later.shown.len();
        self.extend(later.shown);
        self.count += more;
    }
}

impl Items<HeldView> {
    /// Takes out each item that `other` has as well, and takes it out there.
    fn cancel(&mut self, other: &mut Self) {
        let keys: Vec<Key> = self.shown.iter().map(key).collect();
        let both: Vec<Key> = other.shown.iter().map(key).filter(|key| keys.contains(key)).collect();
        for items in [self, other] {
            let before = items.shown.len();
            items.shown.retain(|item| !both.contains(&key(item)));
            items.count -= before - items.shown.len();
        }
    }
}

impl Memory {
    pub(super) const fn new(started: Timestamp) -> Self {
        Self { started, last: None, waits: BTreeMap::new() }
    }

    /// The news of `report` at `now`; `None` when there is none.
    pub(super) fn compare(&mut self, report: &Arc<Report>, now: Timestamp) -> Option<News> {
        let faults = report.desired_state.fault_count;
        let last = self.last.replace((report.clone(), faults));
        let (before, faults_before) = match &last {
            Some((before, faults)) => (before.plan.held.as_slice(), *faults),
            None => (&[][..], 0),
        };
        let known: BTreeMap<Key, &HeldView> = before.iter().map(|held| (key(held), held)).collect();
        let current: BTreeMap<Key, &HeldView> =
            report.plan.held.iter().map(|held| (key(held), held)).collect();
        let is_new = |held: &HeldView| last.is_some() || held.since >= self.started;
        let mut newly: Vec<_> = current
            .iter()
            .filter(|(key, held)| !known.contains_key(key) && is_new(held))
            .map(|(_, held)| HeldView::clone(held))
            .collect();
        let gone: Vec<_> = known
            .iter()
            .filter(|(key, _)| !current.contains_key(key))
            .map(|(_, held)| HeldView::clone(held))
            .collect();
        // An item that waits comes and goes with each edit: it is told once a day, and its end only with something else.
        self.waits.retain(|_, told| now.duration_since(*told) < WAITS_TOLD_FOR);
        newly.retain(|held| !held.reason.only_waits() || !self.waits.contains_key(&key(held)));
        for held in newly.iter().filter(|held| held.reason.only_waits()) {
            self.waits.insert(key(held), now);
        }
        let applied = report.executed.iter().filter(|executed| matches!(executed.outcome, Outcome::Done(_)));
        let news = News {
            main_account: report.main_account.sid.to_string(),
            revision: report.desired_state.revision.clone(),
            applied: Items::new(applied.map(|executed| ActionView::from(&executed.planned))),
            held: Items::new(newly),
            no_longer_held: Items::new(gone.into_iter().filter(|held| !held.reason.only_waits())),
            faults,
            faults_changed: faults != faults_before,
        };
        (!news.is_empty()).then_some(news)
    }
}

impl News {
    /// This news and what came later, of which what was undone meanwhile is none.
    pub(super) fn joined_by(mut self, mut later: Self) -> Self {
        self.held.cancel(&mut later.no_longer_held);
        self.no_longer_held.cancel(&mut later.held);
        self.applied.join(later.applied);
        self.held.join(later.held);
        self.no_longer_held.join(later.no_longer_held);
        let faults_changed = self.faults_changed || later.faults_changed;
        Self { revision: later.revision, faults: later.faults, faults_changed, ..self }
    }

    /// Returns true when there is nothing to tell.
    pub(super) const fn is_empty(&self) -> bool {
        self.applied.count == 0
            && self.held.count == 0
            && self.no_longer_held.count == 0
            && !self.faults_changed
    }

    /// The message.
    pub(super) fn document(&self) -> Value {
        json!({
            "text": self.text(),
            "mainAccount": self.main_account,
            "revision": self.revision,
            "applied": self.applied.shown,
            "held": self.held.shown,
            "noLongerHeld": self.no_longer_held.shown,
            "faults": self.faults,
        })
    }

    /// The message for people: counts, SIDs and reasons, and no words from outside.
    fn text(&self) -> String {
        let mut parts = Vec::new();
        let applied: Vec<_> = self
            .applied
            .shown
            .iter()
            .map(|action| format!("{} {}", action.kind, named(&action.account)))
            .collect();
        parts.extend(part("applied", &applied, self.applied.count));
        let held = |items: &[HeldView]| -> Vec<String> {
            items.iter().map(|held| format!("{} {}", held.reason, named(&held.account))).collect()
        };
        parts.extend(part("newly held", &held(&self.held.shown), self.held.count));
        parts.extend(part("no longer held", &held(&self.no_longer_held.shown), self.no_longer_held.count));
        if self.faults_changed {
            parts.push(format!("{} in the state", count(self.faults, "fault")));
        }
        format!("subaccountd {}: {}", self.main_account, parts.join("; "))
    }
}

/// The number of items, and the first of them.
fn part(what: &str, items: &[String], number: usize) -> Option<String> {
    let more = number - items.len();
    let more = if more > 0 { format!(", and {more} further") } else { String::new() };
    (number > 0).then(|| format!("{number} {what}: {}{more}", first_of(items)))
}

/// The SID; the name of an entry without one is a word from outside.
fn named(account: &AccountRef) -> String {
    account.sid().map_or_else(|| "an account without a SID".to_owned(), |sid| sid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::scene::{Replay, ac};

    const NOON: &str = "2026-06-01T12:00:00Z";

    /// The report of a pass in which these accounts are paused, and these are held because they are unknown.
    fn report(paused: &[u64], unknown: &[u64], faults: usize) -> Arc<Report> {
        let entries: String = paused
            .iter()
            .map(|n| format!("  - {{sid: {}, status: suspended, paused: true}}\n", ac(*n)))
            .chain(unknown.iter().map(|n| format!("  - {{sid: {}, status: active}}\n", ac(*n))))
            .collect();
        let entries = if entries.is_empty() { "  []\n".to_owned() } else { entries };
        let scene =
            paused.iter().fold(Replay::new(&entries), |scene, n| scene.account(*n, "a", "active", &[]));
        let mut report = scene.play().report;
        report.desired_state.fault_count = faults;
        Arc::new(report)
    }

    fn at(hours: i64) -> Timestamp {
        NOON.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    fn text(news: Option<News>) -> String {
        news.map_or_else(|| "nothing".to_owned(), |news| news.text()).replace(&"0".repeat(28), "")
    }

    /// A memory that has seen a fleet without news.
    fn memory() -> Memory {
        let mut memory = Memory::new(at(-1));
        assert!(memory.compare(&report(&[], &[], 0), at(0)).is_none());
        memory
    }

    #[test]
    fn held_items_and_faults_are_told_when_they_come_and_go() {
        let mut memory = memory();
        let mut next = |unknown: &[u64], faults| text(memory.compare(&report(&[], unknown, faults), at(0)));
        let main = "subaccountd AC0000";
        assert_eq!(next(&[8], 0), format!("{main}: 1 newly held: UnknownAccount AC0008"));
        assert_eq!(next(&[8], 0), "nothing");
        assert_eq!(
            next(&[9], 2),
            format!(
                "{main}: 1 newly held: UnknownAccount AC0009; 1 no longer held: UnknownAccount AC0008; 2 faults in the state"
            )
        );
        assert_eq!(next(&[9], 2), "nothing");
        assert_eq!(next(&[9], 0), format!("{main}: 0 faults in the state"));
    }

    #[test]
    fn items_that_only_wait_are_told_once_a_day() {
        let mut memory = memory();
        let mut next = |paused: &[u64], hours| text(memory.compare(&report(paused, &[], 0), at(hours)));
        assert!(next(&[1], 0).contains("1 newly held: Paused AC0001"));
        assert_eq!(next(&[], 1), "nothing", "its end is no news");
        assert_eq!(next(&[1], 2), "nothing");
        assert_eq!(next(&[], 24), "nothing");
        assert!(next(&[1], 25).contains("1 newly held: Paused AC0001"));
    }

    #[test]
    fn process_that_starts_tells_no_item_of_the_one_before() {
        let held = report(&[], &[8], 0);
        assert!(Memory::new(at(0) + SignedDuration::from_hours(1)).compare(&held, at(2)).is_none());
        assert!(Memory::new(at(-1)).compare(&held, at(0)).is_some());
    }

    #[test]
    fn later_news_joins_and_what_was_undone_is_none() {
        let mut memory = memory();
        let mut next = |unknown: &[u64]| memory.compare(&report(&[], unknown, 0), at(0)).unwrap();
        let (came, went, other) = (next(&[7, 8]), next(&[8]), next(&[8, 9]));
        let joined = came.joined_by(went).joined_by(other);
        assert_eq!(
            text(Some(joined)),
            "subaccountd AC0000: 2 newly held: UnknownAccount AC0008, UnknownAccount AC0009"
        );
        let (came, went) = (next(&[6, 8, 9]), next(&[8, 9]));
        assert!(came.joined_by(went).is_empty());
    }

    #[test]
    fn lists_end_at_fifty_and_the_text_has_no_words_from_outside() {
        let unknown: Vec<u64> = (1..=80).collect();
        let news = memory().compare(&report(&[], &unknown, 0), at(0)).unwrap();
        let document = news.document();
        assert_eq!(document["held"].as_array().unwrap().len(), MAX_ITEMS);
        assert_eq!(document["held"][0]["reason"], "UnknownAccount");
        let text = document["text"].as_str().unwrap();
        assert!(text.contains("80 newly held: ") && text.ends_with("and 40 more, and 30 further"), "{text}");
        let keys: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["applied", "faults", "held", "mainAccount", "noLongerHeld", "revision", "text"]);
    }
}
