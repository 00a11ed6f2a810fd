//! Ports for an execution: they answer as the test defines, and log their calls.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use subaccountd_core::{
    Account, AccountSid, Action, Number, NumberSid, Outcome, Planned, Receipt, Skip, SkipCause,
    execute::{self, Execution, execute},
    record::{Precondition, Record, Stopwatch},
    remote::{Apply, ErrorKind, RemoteError, Sent, WriteSlot},
};

use super::{scene::Scene, text::short};

type Answer = Box<dyn Fn(&Action) -> Sent + Send + Sync>;
type Look = Box<dyn Fn(AccountSid) -> Result<(), RemoteError> + Send + Sync>;
type Say = Box<dyn Fn(&Action) -> Result<(), String> + Send + Sync>;
type Check = Box<dyn Fn(&Action) -> Result<(), Skip> + Send + Sync>;

/// Every port in one.
pub(crate) struct Ports {
    scene: Scene,
    pub(crate) answer: Answer,
    pub(crate) look: Look,
    pub(crate) gate: Check,
    pub(crate) intent: Say,
    /// The reason for which no place in flight is given.
    pub(crate) place: Box<dyn Fn() -> Result<(), Skip> + Send + Sync>,
    /// The log of calls, in order.
    pub(crate) log: Mutex<Vec<String>>,
    /// The time of the stopwatch, which only the ports move on.
    pub(crate) elapsed_ms: Arc<AtomicU64>,
    pub(crate) stopping: Arc<AtomicBool>,
    /// Called with each step, before it ends: a place, a check, and every line of the log.
    pub(crate) step: Box<dyn Fn(&str) + Send + Sync>,
    /// The second place in flight and those after it come only once the first write was answered.
    pub(crate) slow_places: bool,
    places: AtomicU64,
}

pub(crate) fn error(kind: ErrorKind, message: &str) -> RemoteError {
    RemoteError { kind, message: message.to_owned(), code: None, request_id: None }
}

/// A write that was done.
pub(crate) fn done() -> Sent {
    Outcome::Done(Receipt::default()).into()
}

impl Ports {
    /// Ports to the fleet of `scene`, at which every write is done.
    pub(crate) fn new(scene: &Scene) -> Self {
        Self {
            scene: scene.clone(),
            answer: Box::new(|_| done()),
            look: Box::new(|_| Ok(())),
            gate: Box::new(|_| Ok(())),
            intent: Box::new(|_| Ok(())),
            place: Box::new(|| Ok(())),
            log: Mutex::default(),
            elapsed_ms: Arc::default(),
            stopping: Arc::default(),
            step: Box::new(|_| ()),
            slow_places: false,
            places: AtomicU64::new(0),
        }
    }

    fn log(&self, line: &str) {
        (self.step)(&short(line));
        self.log.lock().unwrap().push(short(line));
    }

    /// Lets the step that begins so take that long.
    pub(crate) fn takes(mut self, step: &'static str, time: Duration) -> Self {
        let (elapsed, before) = (Arc::clone(&self.elapsed_ms), self.step);
        self.step = Box::new(move |line| {
            before(line);
            if line.starts_with(step) {
                elapsed.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
            }
        });
        self
    }

    /// The start of the step during which the process is stopped.
    pub(crate) fn stops_at(mut self, step: &'static str) -> Self {
        let stopping = Arc::clone(&self.stopping);
        self.step = Box::new(move |line| {
            if line.starts_with(step) {
                stopping.store(true, Ordering::Relaxed);
            }
        });
        self
    }

    /// Executes the plan of `scene`, two writes at once.
    pub(crate) fn run(&self, scene: &Scene) -> Execution {
        let ports =
            execute::Ports { apply: self, record: self, precondition: self, stopwatch: self, in_flight: 2 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(execute(scene.approved(), &ports))
    }

    /// The log of calls, followed by the outcome of each action.
    pub(crate) fn shown(&self, scene: &Scene) -> String {
        let execution = self.run(scene);
        let mut lines = std::mem::take(&mut *self.log.lock().unwrap());
        for executed in &execution.executed {
            let why = match executed.outcome.message() {
                "" => String::new(),
                why => format!(" {why}"),
            };
            lines.push(format!("{}: {}{why}", executed.planned.action, executed.outcome.as_str()));
        }
        if let Some(error) = execution.stopped {
            lines.push(format!("stopped: {error}"));
        }
        short(&lines.join("\n"))
    }
}

/// A place in flight.
pub(crate) struct Place<'a>(&'a Ports);

impl WriteSlot for Place<'_> {
    async fn account(&mut self, sid: AccountSid) -> Result<Account, RemoteError> {
        self.0.log(&format!("read {sid}"));
        (self.0.look)(sid)?;
        self.0.scene.accounts.get(&sid).cloned().ok_or_else(|| error(ErrorKind::Unreadable, "404"))
    }

    async fn numbers(&mut self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        self.0.log(&format!("read the numbers of {owner}"));
        self.0.scene.lists[&owner].clone().map_err(|why| error(ErrorKind::Unreadable, &why))
    }

    async fn number(&mut self, owner: AccountSid, number: NumberSid) -> Result<Option<Number>, RemoteError> {
        self.0.log(&format!("read {number} of {owner}"));
        (self.0.look)(owner)?;
        let list = self.0.scene.lists[&owner].clone().map_err(|why| error(ErrorKind::Unreadable, &why))?;
        Ok(list.into_iter().find(|held| held.sid == number))
    }

    async fn send(&mut self, action: &Action) -> Sent {
        self.0.log(&format!("write: {action}"));
        tokio::task::yield_now().await;
        let sent = (self.0.answer)(action);
        self.0.log(&format!("answer: {action}"));
        sent
    }
}

impl Apply for Ports {
    type Place<'a> = Place<'a>;

    async fn place(&self) -> Result<Place<'_>, Skip> {
        (self.step)("place");
        (self.place)()?;
        if self.slow_places && self.places.fetch_add(1, Ordering::Relaxed) > 0 {
            while !self.log.lock().unwrap().iter().any(|line| line.starts_with("outcome")) {
                tokio::task::yield_now().await;
            }
        }
        Ok(Place(self))
    }
}

impl Stopwatch for Ports {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::Relaxed))
    }
}

impl Record for Ports {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        (self.intent)(&planned.action)?;
        self.log(&format!("intent: {}", planned.action));
        Ok(0)
    }

    async fn skipped(&self, planned: &Planned, skip: &Skip) {
        (self.step)(&short(&format!("skipped: {} {:?}", planned.action, skip.cause)));
    }

    async fn outcome(&self, _: u64, planned: &Planned, outcome: &Outcome) {
        self.log(&format!("outcome: {} {}", planned.action, outcome.as_str()));
    }
}

impl Precondition for Ports {
    async fn check(&self, planned: &Planned) -> Result<(), Skip> {
        (self.step)("check");
        (self.gate)(&planned.action)
    }

    fn may_begin(&self) -> Result<(), Skip> {
        if self.stopping.load(Ordering::Relaxed) {
            Err(Skip::new(SkipCause::Stopping, "the process is stopping"))
        } else {
            Ok(())
        }
    }
}
