//! A crew for executing: ports that answer as the test says and keep what they were asked.

use std::sync::Mutex;

use subaccountd_core::{
    Account, AccountSid, Action, Number, Planned,
    execute::{Crew, Execution, Outcome, execute},
    record::{Gate, Record},
    remote::{AccountList, Apply, ErrorKind, Observe, Receipt, RemoteError, Written},
};

use super::{scene::Scene, text::short};

type Answer = Box<dyn Fn(&Action) -> Written + Send + Sync>;
type Look = Box<dyn Fn(AccountSid) -> Result<(), RemoteError> + Send + Sync>;
type Say = Box<dyn Fn(&Action) -> Result<(), String> + Send + Sync>;

/// Every port in one.
pub(crate) struct Ports {
    scene: Scene,
    pub(crate) answer: Answer,
    pub(crate) look: Look,
    pub(crate) gate: Say,
    pub(crate) intent: Say,
    /// What happened, in order.
    pub(crate) log: Mutex<Vec<String>>,
}

pub(crate) fn error(kind: ErrorKind, message: &str) -> RemoteError {
    RemoteError { kind, message: message.to_owned(), code: None, request_id: None }
}

impl Ports {
    /// Ports to the fleet of `scene`, at which every write is done.
    pub(crate) fn new(scene: &Scene) -> Self {
        Self {
            scene: scene.clone(),
            answer: Box::new(|_| Written::Done(Receipt::default())),
            look: Box::new(|_| Ok(())),
            gate: Box::new(|_| Ok(())),
            intent: Box::new(|_| Ok(())),
            log: Mutex::default(),
        }
    }

    fn log(&self, line: &str) {
        self.log.lock().unwrap().push(short(line));
    }

    /// Executes the plan of `scene`, two writes at once.
    pub(crate) fn run(&self, scene: &Scene) -> Execution {
        let crew = Crew { observe: self, apply: self, record: self, gate: self, in_flight: 2 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(execute(scene.approved(), &crew))
    }

    /// What happened, then how each action ended.
    pub(crate) fn shown(&self, scene: &Scene) -> String {
        let execution = self.run(scene);
        let mut lines = std::mem::take(&mut *self.log.lock().unwrap());
        for executed in &execution.executed {
            let why = match &executed.outcome {
                Outcome::Done(_) => String::new(),
                Outcome::Refused(refusal) => format!(" {}", refusal.message),
                Outcome::Unknown(lost) => format!(" {}", lost.message),
                Outcome::Skipped(why) => format!(" {why}"),
            };
            lines.push(format!("{}: {}{why}", executed.planned.action, executed.outcome.as_str()));
        }
        if let Some(error) = execution.stopped {
            lines.push(format!("stopped: {error}"));
        }
        short(&lines.join("\n"))
    }
}

impl Observe for Ports {
    async fn accounts(&self) -> Result<AccountList, RemoteError> {
        let accounts = self.scene.accounts.values().cloned().collect();
        Ok(AccountList { accounts, date: self.scene.now.twilio })
    }

    async fn account(&self, sid: AccountSid) -> Result<Account, RemoteError> {
        self.log(&format!("read {sid}"));
        (self.look)(sid)?;
        self.scene.accounts.get(&sid).cloned().ok_or_else(|| error(ErrorKind::Unreadable, "404"))
    }

    async fn numbers(&self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        self.log(&format!("read the numbers of {owner}"));
        self.scene.lists[&owner].clone().map_err(|why| error(ErrorKind::Unreadable, &why))
    }
}

impl Apply for Ports {
    async fn apply(&self, action: &Action) -> Written {
        self.log(&format!("write: {action}"));
        tokio::task::yield_now().await;
        let written = (self.answer)(action);
        self.log(&format!("answer: {action}"));
        written
    }
}

impl Record for Ports {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        (self.intent)(&planned.action)?;
        self.log(&format!("intent: {}", planned.action));
        Ok(0)
    }

    async fn outcome(&self, _: u64, planned: &Planned, outcome: &Outcome) {
        self.log(&format!("outcome: {} {}", planned.action, outcome.as_str()));
    }
}

impl Gate for Ports {
    async fn open(&self, action: &Action) -> Result<(), String> {
        (self.gate)(action)
    }
}
