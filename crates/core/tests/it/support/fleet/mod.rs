//! A fleet that lives: Twilio's rules from the simulator's world, in memory, with faults on the way to it, and passes
//! over it as the daemon makes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, Action, ActionKind, CallList, Desired, Guardrails, History, KeptLists, Limits, Now, NumberId,
    NumberList, Pass, Plan, Policy, Stamp,
    execute::{self, Execution, execute},
    history::Event,
    pass::{Answer, Want},
};
use twilio_sim::World;

mod oracle;
mod ports;
mod twilio;

pub(crate) use twilio::shown_setting;

/// The failure of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// A read fails, a write is lost before it arrived.
    Before,
    /// A write is done and its answer lost, or the daemon dies before it can record it.
    After,
    /// The answer of a write is lost, and the write takes effect a minute later.
    Late,
    /// Twilio answers 2xx and does nothing.
    Ignored,
    /// Twilio does it, and its 2xx shows the old value.
    Stale,
    /// 429.
    Busy,
    /// The write is done, and an external change of a number or a status follows.
    Meddling,
}

/// An external change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum People {
    Rename,
    NameBack,
    Suspend,
    Reactivate,
}

/// The delay of a write whose answer was lost.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// Where in a write the daemon may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    BeforeIntent,
    AfterIntent,
    /// The call was made; between its end and the record of its outcome nothing else happens.
    BeforeOutcome,
}

impl Boundary {
    pub(crate) const ALL: [Self; 3] = [Self::BeforeIntent, Self::AfterIntent, Self::BeforeOutcome];
}

/// The crash of the daemon: its point, and whether it has happened.
#[derive(Debug, Default)]
struct Death {
    at: Option<(u64, Boundary)>,
    dead: bool,
    died: bool,
}

impl Death {
    /// Returns true when the daemon has crashed, now that the write `id` is at `boundary`.
    fn comes(&mut self, id: u64, boundary: Boundary) -> bool {
        if self.at == Some((id, boundary)) {
            *self = Self { at: None, dead: true, died: true };
        }
        self.dead
    }
}

/// Twilio with a daemon beside it.
pub(crate) struct Fleet {
    pub(crate) world: Mutex<World>,
    pub(crate) desired: Desired,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) history: Mutex<History>,
    pub(crate) now: Timestamp,
    trouble: Mutex<Vec<Trouble>>,
    /// The writes that arrived, as actions.
    pub(crate) written: Mutex<Vec<String>>,
    meddled: Mutex<u64>,
    death: Mutex<Death>,
    /// Writes whose effect is still to come.
    late: Mutex<Vec<(Timestamp, Action)>>,
    /// The errors of the local clock and of Twilio's clock.
    pub(crate) clock_error: (SignedDuration, SignedDuration),
    /// True when Twilio's answers have no `Date`.
    pub(crate) no_date: bool,
    /// Twilio's clock moved on as a monotonic one did.
    pub(crate) steady: bool,
    /// The state that is read after a number of places in flight were taken in a pass.
    edit: Mutex<Option<(usize, Desired)>>,
    /// The state as it is read right before a write, when that is another one than the pass began with.
    edited: Mutex<Option<Desired>>,
    /// The start of the current decision to close, as passes read it, moved by long gaps.
    decided: Mutex<BTreeMap<AccountSid, (String, Timestamp)>>,
    /// Where the daemon was shown each number that truly was there.
    shown: Mutex<BTreeMap<NumberId, AccountSid>>,
    /// Intents, and if they are free.
    free: Mutex<BTreeMap<String, bool>>,
    /// The changes by writes that are not exempt, with their times.
    effects: Mutex<Vec<(Timestamp, ActionKind)>>,
    /// Every write is lost before it arrives; reads are answered.
    loses_writes: Mutex<bool>,
    /// The accounts that were created, with the names that were sent.
    pub(crate) created: Mutex<Vec<(String, AccountSid)>>,
    /// Events, and bytes of their lines.
    journal: Mutex<(usize, usize)>,
    /// The number lists for the next pass, and the time for which they are good; `None` when none are kept.
    kept: Mutex<Option<(KeptLists, SignedDuration)>>,
    /// The accounts whose number lists this pass asked for.
    listed: Mutex<BTreeSet<AccountSid>>,
    /// The requests of passes.
    pub(crate) requests: Mutex<usize>,
}

/// The end of a pass.
pub(crate) struct Passed {
    pub(crate) execution: Execution,
    /// The remaining plan.
    pub(crate) left: Plan,
}

impl Fleet {
    pub(crate) fn new(world: World, desired: Desired) -> Self {
        Self {
            world: Mutex::new(world),
            desired,
            policy: Policy::default(),
            limits: Limits::default(),
            history: Mutex::default(),
            now: "2026-06-01T12:00:00Z".parse().unwrap(),
            trouble: Mutex::default(),
            written: Mutex::default(),
            meddled: Mutex::default(),
            death: Mutex::default(),
            late: Mutex::default(),
            clock_error: (SignedDuration::ZERO, SignedDuration::ZERO),
            no_date: false,
            steady: true,
            edit: Mutex::default(),
            edited: Mutex::default(),
            decided: Mutex::default(),
            shown: Mutex::default(),
            free: Mutex::default(),
            effects: Mutex::default(),
            loses_writes: Mutex::default(),
            created: Mutex::default(),
            journal: Mutex::default(),
            kept: Mutex::default(),
            listed: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    /// Keeps number lists for `resync`.
    pub(crate) fn resyncs(&mut self, resync: SignedDuration) {
        *self.kept.get_mut().unwrap() = Some((KeptLists::new(resync), resync));
    }

    /// The number of lists that are kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept.lock().unwrap().as_ref().map_or(0, |(kept, _)| kept.len())
    }

    /// The failures of the next requests, the last one first.
    pub(crate) fn trouble(&self, trouble: Vec<Trouble>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// Lets the daemon die when write `id` comes to `boundary`.
    pub(crate) fn dies(&self, id: u64, boundary: Boundary) {
        self.death.lock().unwrap().at = Some((id, boundary));
    }

    pub(crate) fn died(&self) -> bool {
        self.death.lock().unwrap().died
    }

    /// Starts the daemon again. It knows what was recorded.
    pub(crate) fn restart(&self) {
        self.death.lock().unwrap().dead = false;
        if let Some((kept, resync)) = &mut *self.kept.lock().unwrap() {
            *kept = KeptLists::new(*resync);
        }
    }

    fn death(&self, id: u64, boundary: Boundary) -> bool {
        self.death.lock().unwrap().comes(id, boundary)
    }

    /// Edits the state after a number of places in flight were taken in the next pass.
    pub(crate) fn edit_during_pass(&self, places: usize, desired: Desired) {
        *self.edit.lock().unwrap() = Some((places, desired));
    }

    /// Takes over an edit that came during a pass.
    pub(crate) fn take_edit(&mut self) {
        let waiting = self.edit.get_mut().unwrap().take().map(|(_, desired)| desired);
        if let Some(desired) = self.edited.get_mut().unwrap().take().or(waiting) {
            self.desired = desired;
        }
    }

    /// Time goes on without the daemon, and what was late takes effect.
    pub(crate) fn away(&mut self, time: SignedDuration) {
        self.pass_time(time);
        if time > (self.policy.close_after / 10).max(self.policy.interval * 3) {
            self.decided.get_mut().unwrap().values_mut().for_each(|(_, since)| *since += time);
        }
    }

    /// Time goes on, and what was late takes effect.
    pub(crate) fn after(&mut self, time: SignedDuration) {
        self.pass_time(time);
        // The daemon went on reading the state.
        if self.history().attended().is_some()
            && let Some(at) = self.clock().trusted()
        {
            self.event(&Event::Attended { at });
        }
    }

    fn pass_time(&mut self, time: SignedDuration) {
        let until = self.now + time;
        let mut late = std::mem::take(&mut *self.late.lock().unwrap());
        late.sort_by_key(|(at, _)| *at);
        for (at, action) in late {
            if at > until {
                self.late.lock().unwrap().push((at, action));
                continue;
            }
            self.now = at;
            // Twilio may refuse it by now.
            let _ = self.change(&action);
        }
        self.now = until;
    }

    fn clock(&self) -> Now {
        let twilio = (!self.no_date).then(|| self.twilio_date());
        Now { steady: self.steady, ..Now::new(self.now + self.clock_error.0, twilio) }
    }

    fn twilio_date(&self) -> Timestamp {
        self.now + self.clock_error.1
    }

    fn stamp(&self) -> Stamp {
        self.clock().stamp()
    }

    fn next_trouble(&self) -> Trouble {
        self.trouble.lock().unwrap().pop().unwrap_or(Trouble::None)
    }

    /// A pass that reads and whose writes are all lost.
    pub(crate) fn lossy_pass(&self) -> Passed {
        *self.loses_writes.lock().unwrap() = true;
        let passed = self.pass().unwrap();
        *self.loses_writes.lock().unwrap() = false;
        passed
    }

    /// The events so far, and the bytes of their lines.
    pub(crate) fn journal_size(&self) -> (usize, usize) {
        *self.journal.lock().unwrap()
    }

    /// The time of a pass.
    pub(crate) fn time(&self) -> Now {
        self.clock()
    }

    /// One pass; `None` when it could not observe the accounts.
    pub(crate) fn pass(&self) -> Option<Passed> {
        self.note_decisions();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let guardrails = Guardrails { policy: self.policy.clone(), limits: self.limits.clone() };
        let (mut pass, events) =
            Pass::begin(&self.desired, &guardrails, main_sid(), &self.history(), self.clock());
        self.events(&events);
        *self.requests.lock().unwrap() += 1;
        pass.see_accounts(self.accounts().ok()?, self.clock()).unwrap();
        self.listed.lock().unwrap().clear();
        if let Some((kept, _)) = &*self.kept.lock().unwrap() {
            pass.use_kept(kept.clone());
        }
        loop {
            let wants = pass.wants(&self.history());
            if wants.is_empty() {
                break;
            }
            for want in wants {
                pass.see(self.answer(want), &self.history());
            }
        }
        self.events(&pass.facts(&self.history(), self.clock()));
        let approved = pass.plan(&self.history()).unwrap();
        let ports =
            execute::Ports { apply: self, record: self, precondition: self, stopwatch: self, in_flight: 3 };
        let execution = runtime.block_on(execute(approved.clone(), &ports));
        if let Some(lists) = pass.keep(&approved, &self.history())
            && let Some((kept, _)) = &mut *self.kept.lock().unwrap()
        {
            *kept = lists;
        }
        let left = pass.remaining(&execution, &self.history()).unwrap().plan().clone();
        Some(Passed { execution, left })
    }

    fn history(&self) -> History {
        self.history.lock().unwrap().clone()
    }

    fn events(&self, events: &[Event]) {
        for event in events {
            self.event(event);
        }
    }

    fn answer(&self, want: Want) -> Answer {
        let fails = self.next_trouble() == Trouble::Before;
        let failed = || "503".to_owned();
        *self.requests.lock().unwrap() += 1;
        if let Want::Numbers(account) = want {
            self.listed.lock().unwrap().insert(account);
        }
        match want {
            Want::Numbers(account) => match self.numbers(account) {
                Ok(numbers) if !fails => {
                    self.was_shown(account, &numbers);
                    Answer::Numbers(account, NumberList::Known(numbers))
                }
                _ => Answer::Numbers(account, NumberList::Unreadable(failed())),
            },
            Want::Addresses(account) => Answer::Addresses(account, Err(failed())),
            Want::Calls(account) if fails => Answer::Calls(account, CallList::Unreadable(failed())),
            Want::Calls(account) => Answer::Calls(account, CallList::Known(self.calls(account))),
            Want::Account(account) if fails => Answer::Account(account, Err(failed())),
            Want::Account(account) => Answer::Account(account, Ok(self.account(account))),
            Want::Number(account, _, phone) if fails => Answer::Number(account, phone, Err(failed())),
            Want::Number(account, sid, phone) => {
                Answer::Number(account, phone, Ok(self.number(account, sid)))
            }
        }
    }

    fn event(&self, event: &Event) {
        // The same as reading it from a journal.
        let line = serde_json::to_string(event).unwrap();
        let mut journal = self.journal.lock().unwrap();
        *journal = (journal.0 + 1, journal.1 + line.len() + 1);
        self.history.lock().unwrap().apply(serde_json::from_str(&line).unwrap());
    }
}

pub(crate) fn main_sid() -> AccountSid {
    super::scene::sid("AC00")
}
