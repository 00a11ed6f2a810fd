//! The judge: checks every write at the simulator against the invariants and against the state that was on the disk.

mod calls;
mod closes;
mod creates;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use twilio_sim::{Moment, Sim, World, WriteSeen};

use crate::{
    MAIN, Rules,
    ask::{Ask, Settings},
    budget::{Budget, Effect},
    knowledge::Knowledge,
    names::Names,
    tally::Tally,
    versions::Versions,
};
use calls::Calls;
pub use creates::HIDDEN_NAMESAKE;

/// The longest time between the read of the state for a write and its arrival: a read, two looks and the flight.
pub(crate) const RACE: Duration = Duration::from_secs(6);
/// The longest time between the read of a list and its place in the journal: the pass waits for other lists.
const PASS: Duration = Duration::from_secs(4);
/// For so long a suspension is the late effect of a write whose outcome was unknown.
const LATE: Duration = Duration::from_secs(130);
/// The longest lag of a list.
const MAX_LAG: Duration = Duration::from_secs(3);

/// The ages of writes: the time since the state last asked for a write when it arrives.
const AGES: [&str; 6] = [
    "asked for",
    "not asked for since < 50 ms",
    "not asked for since < 250 ms",
    "not asked for since < 1 s",
    "not asked for since < 6 s",
    "not asked for",
];

/// The facts about an account.
#[derive(Default)]
struct Facts {
    suspended: Option<Suspension>,
    /// The last suspension that people ended, and when.
    before: Option<(Suspension, Instant)>,
    renamed: Option<Instant>,
    /// The last POST that asked to suspend it and whose answer may be lost.
    asked: Option<Instant>,
    /// The last time at which a suspension of it ended.
    reactivated: Option<Instant>,
}

impl Facts {
    /// The suspension that people lifted when the close may have been on its way.
    fn lifted(&self, now: Instant) -> Option<&Suspension> {
        self.before.as_ref().filter(|(_, lifted)| now - *lifted < RACE).map(|(suspension, _)| suspension)
    }
}

struct Suspension {
    since: Instant,
    by_us: bool,
    /// True when its number list was shown as empty at some time since.
    dark: bool,
}

/// The last move of a number.
struct Arrival {
    at: Instant,
    by_people: bool,
}

/// A write in flight.
struct Flight {
    at: Instant,
    ask: Ask,
    release: BTreeSet<String>,
    before: Option<String>,
}

pub(crate) struct Book {
    rules: Rules,
    began: Instant,
    pub(crate) versions: Versions,
    pub(crate) tally: Tally,
    pub(crate) arrivals: u64,
    /// The account that the last POST was about, and that of the last one that a fault struck.
    pub(crate) last: [Option<String>; 2],
    facts: BTreeMap<String, Facts>,
    moved: BTreeMap<String, Arrival>,
    flights: BTreeMap<String, Flight>,
    budget: Budget,
    pub(crate) names: Names,
    pub(crate) calls: Calls,
    released: usize,
    dark: bool,
    knowledge: Knowledge,
    /// The times about which the journal was lost: a write of them may take effect late.
    forgotten: Vec<Range<Instant>>,
    /// The lives of daemons that keep what they see, and their ends.
    lives: Vec<(Instant, Option<Instant>)>,
    /// The daemon that runs now makes no write.
    pub(crate) is_dry_run: bool,
}

/// The judge, shared between the simulator and the soak. The world is always locked before it.
#[derive(Clone)]
pub(crate) struct Judge(Arc<Mutex<Book>>);

impl Judge {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Book {
            budget: Budget::new(rules.clone()),
            rules,
            began: Instant::now(),
            versions: Versions::default(),
            tally: Tally::begin(),
            arrivals: 0,
            last: [None, None],
            facts: BTreeMap::new(),
            moved: BTreeMap::new(),
            flights: BTreeMap::new(),
            names: Names::default(),
            calls: Calls::default(),
            released: 0,
            dark: false,
            knowledge: Knowledge::default(),
            forgotten: Vec::new(),
            lives: Vec::new(),
            is_dry_run: false,
        })))
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }

    /// Sees every write and every list of the simulator from now on.
    pub(crate) fn observe(&self, sim: &Sim) {
        let (writes, lists, accounts) = (self.clone(), self.clone(), self.clone());
        sim.observe_accounts(move |seen| accounts.book().knowledge.accounts(seen));
        sim.observe_writes(move |seen, world| writes.see(seen, world));
        sim.observe_numbers(move |seen| {
            let mut book = lists.book();
            // A dry run keeps nothing of what it sees.
            if !book.is_dry_run {
                book.knowledge.page(seen, Instant::now());
            }
        });
    }

    fn see(&self, seen: &WriteSeen, world: &World) {
        let mut book = self.book();
        match seen.moment {
            Moment::Arrived => book.arrived(seen, world),
            Moment::Begins => book.begins(seen, world),
            Moment::Struck => book.struck(seen),
            Moment::Ended { done } => book.ended(seen, world, done),
            Moment::Answered { status } => {
                book.tally.tell(&format!("answered {status}"));
                book.answered(&seen.request_id, status);
            }
        }
    }
}

impl Book {
    pub(crate) fn violation(&mut self, what: &str) {
        let at = self.began.elapsed().as_secs_f64();
        self.tally.violation(format!("at {at:.2}s: {what}"));
    }

    fn arrived(&mut self, seen: &WriteSeen, world: &World) {
        let now = Instant::now();
        self.arrivals += 1;
        let Some((ask, settings)) = Ask::of(seen, world) else {
            // A number that was released meanwhile has no owner; the rules refuse the write.
            self.tally.count(format!("POSTs about nothing ({:?})", seen.operation));
            return;
        };
        *self.tally.posts.entry(ask.kind().to_owned()).or_default() += 1;
        self.tally.tell(&format!("POST {ask:?} {settings:?}"));
        if self.is_dry_run {
            self.violation(&format!("I7: {ask:?} of a dry run"));
        }
        self.last[0] = Some(ask.entry().to_owned());
        if ask.object() == MAIN {
            self.violation("I3: a POST to the main account");
        }
        self.still_asked(&ask, &settings, now);
        let mut release = BTreeSet::new();
        match &ask {
            Ask::Close(sid) => release = self.closes(sid, world, now),
            Ask::Suspend(sid) => self.facts.entry(sid.clone()).or_default().asked = Some(now),
            Ask::Create(name) => {
                self.creates(name, world, now);
                self.names.sent(&seen.request_id, name, now);
            }
            Ask::EndCall { account, call } => self.ends_call(account, call, world, now),
            Ask::Reactivate(_) | Ask::Transfer { .. } | Ask::Configure { .. } => {}
        }
        if !settings.is_empty() {
            self.tally.count(format!("POSTs of a {} with settings", ask.kind()));
        }
        self.budget.arrived(&seen.request_id, &ask, now);
        let flight = Flight { at: now, ask, release, before: None };
        self.flights.insert(seen.request_id.clone(), flight);
    }

    fn answered(&mut self, request_id: &str, status: u16) {
        self.budget.answered(request_id, status);
        // 404 and 409 are unknown to the daemon.
        if (400..500).contains(&status) && ![404, 409].contains(&status) {
            self.names.refused(request_id);
        } else if (200..300).contains(&status) {
            self.names.answered(request_id);
        }
    }

    fn struck(&mut self, seen: &WriteSeen) {
        self.budget.struck(&seen.request_id);
        let [last, struck] = &mut self.last;
        struck.clone_from(last);
    }

    /// I12: a write that the state no longer asks for is not sent.
    fn still_asked(&mut self, ask: &Ask, settings: &Settings, now: Instant) {
        let asks = self.versions.latest(now, |state| state.asks(ask, settings, &self.names));
        let age = asks.map(|(age, _)| age);
        let bucket = match age {
            Some(Duration::ZERO) => AGES[0],
            Some(age) if age < Duration::from_millis(50) => AGES[1],
            Some(age) if age < Duration::from_millis(250) => AGES[2],
            Some(age) if age < Duration::from_secs(1) => AGES[3],
            Some(age) if age < RACE => AGES[4],
            Some(_) | None => AGES[5],
        };
        *self.tally.ages.entry(bucket).or_default() += 1;
        if age.is_none_or(|age| age >= RACE) {
            let story = self.versions.story(ask.entry(), now);
            self.violation(&format!(
                "I12: {ask:?} with {settings:?} was last asked for {age:?} before{story}"
            ));
        }
    }

    /// I12, for all writes: hardly any write may be for a state that changed before the last look at it.
    pub(crate) fn check_ages(&mut self) {
        let of = |age: &str| self.tally.ages.get(age).copied().unwrap_or_default();
        let late = of(AGES[3]) + of(AGES[4]);
        let all: u64 = self.tally.ages.values().sum();
        if late * 100 > all + 200 {
            self.violation(&format!("I12: {late} of {all} POSTs were not asked for since 250 ms and more"));
        }
    }

    fn begins(&mut self, seen: &WriteSeen, world: &World) {
        if let Some(flight) = self.flights.get_mut(&seen.request_id) {
            flight.before = Some(flight.ask.part(world));
        }
    }

    fn ended(&mut self, seen: &WriteSeen, world: &World, done: bool) {
        let now = Instant::now();
        let Some(flight) = self.flights.remove(&seen.request_id) else { return };
        if !done {
            self.budget.refused(&seen.request_id);
            self.names.refused(&seen.request_id);
            return;
        }
        if flight.before == Some(flight.ask.part(world)) {
            self.tally.count(format!("{} that changed nothing", flight.ask.kind()));
            return;
        }
        let late = now - flight.at;
        self.tally.count(format!("{} that took effect", flight.ask.kind()));
        self.tally.tell(&format!("took effect: {:?}", flight.ask));
        let lost = &world.released()[self.released..];
        self.released = world.released().len();
        let unnamed: Vec<String> = lost
            .iter()
            .map(|release| release.phone_number.clone())
            .filter(|phone| !flight.release.contains(phone))
            .collect();
        let lost = lost.len();
        for phone in unnamed {
            let what = match &flight.ask {
                Ask::Close(sid) => self.unnamed(sid, &phone, flight.at),
                ask => Some(format!("{phone} was lost by {ask:?}")),
            };
            if let Some(what) = what {
                self.violation(&format!("I2: {:?}, {late:?} after it arrived: {what}", flight.ask));
            }
        }
        let free = self.is_free(&flight.ask, now);
        let effect = Effect { at: now, ask: flight.ask.clone(), free, released: lost, repeat: false };
        let is_forgotten = self.forgotten.iter().any(|times| times.contains(&flight.at));
        if !is_forgotten && let Some(what) = self.budget.took_effect(&seen.request_id, effect) {
            self.violation(&what);
        }
        match &flight.ask {
            Ask::Suspend(sid) => self.suspended(sid, true),
            Ask::Reactivate(sid) => self.reactivated(sid, true),
            Ask::Transfer { phone, .. } => self.moved(phone, false),
            Ask::Create(_) => self.created(&seen.request_id, world),
            Ask::Close(_) | Ask::Configure { .. } | Ask::EndCall { .. } => {}
        }
        for _ in 0..lost {
            self.tally.count("numbers released");
        }
    }

    /// Returns true when a reactivation undoes a suspension that the daemon made, as far as can be known.
    fn is_free(&self, ask: &Ask, now: Instant) -> bool {
        let Ask::Reactivate(sid) = ask else { return false };
        let facts = self.facts.get(sid);
        let ours =
            facts.and_then(|facts| facts.suspended.as_ref()).is_some_and(|suspension| suspension.by_us);
        ours || facts.and_then(|facts| facts.asked).is_some_and(|asked| now - asked < LATE)
    }

    pub(crate) fn suspended(&mut self, sid: &str, by_us: bool) {
        let suspension = Suspension { since: Instant::now(), by_us, dark: self.dark };
        self.facts.entry(sid.to_owned()).or_default().suspended = Some(suspension);
    }

    pub(crate) fn reactivated(&mut self, sid: &str, by_us: bool) {
        let facts = self.facts.entry(sid.to_owned()).or_default();
        facts.reactivated = Some(Instant::now());
        let lifted = facts.suspended.take().filter(|_| !by_us);
        facts.before = lifted.map(|suspension| (suspension, Instant::now()));
    }

    pub(crate) fn renamed(&mut self, sid: &str) {
        self.facts.entry(sid.to_owned()).or_default().renamed = Some(Instant::now());
    }

    pub(crate) fn moved(&mut self, phone: &str, by_people: bool) {
        self.moved.insert(phone.to_owned(), Arrival { at: Instant::now(), by_people });
    }

    /// Records that number lists of suspended accounts are shown as empty from now on, or no longer.
    pub(crate) fn dark(&mut self, dark: bool) {
        self.dark = dark;
        if dark {
            let suspensions = self.facts.values_mut().filter_map(|facts| facts.suspended.as_mut());
            suspensions.for_each(|suspension| suspension.dark = true);
        }
    }

    /// Records that a daemon starts.
    pub(crate) fn starts(&mut self, is_dry_run: bool) {
        self.is_dry_run = is_dry_run;
        if !is_dry_run {
            self.lives.push((Instant::now(), None));
        }
    }

    /// Records that the daemon ended.
    pub(crate) fn ends(&mut self) {
        if let Some((_, end)) = self.lives.last_mut() {
            end.get_or_insert_with(Instant::now);
        }
    }

    /// Records that the daemon was killed: the answers to its last writes may be lost.
    pub(crate) fn killed(&mut self) {
        self.ends();
        self.budget.killed();
        self.names.killed();
        // What the last pass saw may not be in the journal yet.
        self.knowledge.forget(Instant::now().checked_sub(PASS));
    }

    /// Records that the journal is lost, or replaced by the one of an earlier instant: what it knew since then is unknown.
    pub(crate) fn journal_lost(&mut self, since: Option<Instant>) {
        self.forgotten.push(since.unwrap_or(self.began)..Instant::now());
        self.lives.retain(|(born, _)| since.is_some_and(|since| *born < since));
        if let (Some((_, end)), Some(since)) = (self.lives.last_mut(), since) {
            *end = end.map(|end| end.min(since));
        }
        self.budget.forget(since);
        self.names.forget(since);
        self.knowledge.forget(since);
    }
}
