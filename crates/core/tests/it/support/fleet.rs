//! A fleet that lives: Twilio's rules from the simulator's world, in memory, with faults on the way to it, and passes
//! over it as the daemon makes them.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    Account, AccountSid, Action, Desired, Goal, History, Holdings, Limits, LiveStatus, Now, Number, Observed,
    Plan, Planned, Policy, Status, Ties, approve,
    execute::{Crew, Execution, Outcome, execute},
    history::{Event, Write, WriteResult},
    notice, plan,
    reads::{first_lists, further_lists, missing},
    record::{Gate, Record},
    remote::{AccountList, Apply, ErrorKind, Lost, Observe, Receipt, Refusal, RemoteError, Written},
};
use twilio_sim::{AccountStatus, ApiError, SuspendedNumbers, TransferPapers, World};

use super::crew::error;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// A read fails, a write is lost before it arrived.
    Before,
    /// A write is done and its answer lost, or the daemon dies before it can record it.
    After,
    /// Twilio answers 2xx and does nothing.
    Ignored,
    /// 429.
    Busy,
    /// The write is done, and somebody else moves a number or changes a status right after it.
    Meddling,
}

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

/// When the daemon is to die, and whether it has.
#[derive(Debug, Default)]
struct Death {
    at: Option<(u64, Boundary)>,
    dead: bool,
    died: bool,
}

impl Death {
    /// Whether it is dead, now that write `id` has come to `boundary`.
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
}

/// How a pass ended.
pub(crate) struct Pass {
    pub(crate) execution: Execution,
    /// What remained after it.
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
        }
    }

    /// What goes wrong with the next requests, the last of these first.
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
    }

    fn death(&self, id: u64, boundary: Boundary) -> bool {
        self.death.lock().unwrap().comes(id, boundary)
    }

    pub(crate) fn after(&mut self, time: SignedDuration) {
        self.now += time;
    }

    fn clock(&self) -> Now {
        Now { local: self.now, twilio: Some(self.now) }
    }

    fn next_trouble(&self) -> Trouble {
        self.trouble.lock().unwrap().pop().unwrap_or(Trouble::None)
    }

    /// One pass; `None` when it could not observe the accounts.
    pub(crate) fn pass(&self) -> Option<Pass> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let list = self.accounts().await.ok()?;
            let mut observed = Observed::new(main_sid(), list.accounts);
            let first = first_lists(&self.desired, &observed, &self.history.lock().unwrap());
            self.read(&mut observed, first).await;
            let history = self.history.lock().unwrap().clone();
            let further = further_lists(&self.desired, &observed, &history, "state", self.clock());
            if !further.is_empty() {
                self.read(&mut observed, further).await;
                let found = missing(&self.desired, &observed, &history).is_empty();
                self.event(&Event::Searched { at: self.now, state: "state".to_owned(), found });
            }
            let history = self.history.lock().unwrap().clone();
            for event in notice(&history, &self.desired, &observed, self.clock()) {
                self.event(&event);
            }
            let plan = self.plan(&observed);
            let history = self.history.lock().unwrap().clone();
            let approved = approve(plan, &self.limits, &history, self.clock());
            let crew = Crew { observe: self, apply: self, record: self, gate: self, in_flight: 3 };
            let execution = execute(approved, &crew).await;
            let after = execution.after(observed);
            let history = self.history.lock().unwrap().clone();
            let left = approve(self.plan(&after), &self.limits, &history, self.clock()).plan().clone();
            Some(Pass { execution, left })
        })
    }

    fn plan(&self, observed: &Observed) -> Plan {
        plan(&self.desired, observed, &self.history.lock().unwrap(), &self.policy, self.clock()).unwrap()
    }

    async fn read(&self, observed: &mut Observed, accounts: impl IntoIterator<Item = AccountSid>) {
        for account in accounts {
            let holdings = match self.numbers(account).await {
                Ok(numbers) => Holdings::Known(numbers),
                Err(why) => Holdings::Unreadable(why.to_string()),
            };
            observed.add_holdings(account, holdings);
        }
    }

    fn event(&self, event: &Event) {
        // As it would be read from a journal.
        let line = serde_json::to_string(event).unwrap();
        self.history.lock().unwrap().apply(serde_json::from_str(&line).unwrap());
    }

    fn change(&self, action: &Action) -> Result<(), ApiError> {
        let mut world = self.world.lock().unwrap();
        match action {
            Action::Reactivate(sid) => world.change_status(&sid.to_string(), "active", self.now),
            Action::Suspend(sid) => world.change_status(&sid.to_string(), "suspended", self.now),
            Action::Transfer(transfer) => world.transfer(
                &transfer.phone.to_string(),
                &transfer.to.to_string(),
                &TransferPapers::default(),
                self.now,
            ),
            Action::Close(close) => {
                self.check_close(&world, close.account.sid);
                world.change_status(&close.account.sid.to_string(), "closed", self.now)
            }
        }
    }

    /// What must hold at the very moment of a close, whatever was planned on what sight.
    fn check_close(&self, world: &World, sid: AccountSid) {
        let entry = self.desired.entry(sid).unwrap();
        let Goal::Closed(terms) = &entry.goal else { panic!("{sid} is not to be closed") };
        assert!(!self.desired.faulty() && !entry.paused && !self.desired.paused());
        let account = world.account(&sid.to_string()).unwrap();
        assert_eq!(account.status, AccountStatus::Suspended, "{sid} did not rest");
        assert_eq!(account.friendly_name, terms.confirm);
        assert!(self.now.duration_since(account.date_updated) >= self.policy.close_after);
        for number in world.numbers_of(&sid.to_string()) {
            assert!(terms.release.contains(&number.phone_number.parse().unwrap()), "{sid} loses a number");
        }
    }

    /// Somebody else moves a number or changes a status, as one may.
    pub(crate) fn meddle(&self) {
        let mut n = self.meddled.lock().unwrap();
        *n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut world = self.world.lock().unwrap();
        let pick = |from: usize, shift: u32| usize::try_from(*n >> shift).unwrap() % from.max(1);
        let accounts: Vec<_> = world.accounts().map(|account| account.sid.to_string()).collect();
        let numbers: Vec<_> = world.numbers().map(|number| number.phone_number.clone()).collect();
        let account = accounts[pick(accounts.len(), 33)].clone();
        // What Twilio refuses does not happen.
        let _ = match (pick(3, 50), numbers.get(pick(numbers.len(), 40))) {
            (0, _) => world.change_status(&account, "suspended", self.now),
            (1, _) => world.change_status(&account, "active", self.now),
            (_, Some(number)) => world.transfer(number, &account, &TransferPapers::default(), self.now),
            (_, None) => Ok(()),
        };
    }
}

pub(crate) fn main_sid() -> AccountSid {
    super::scene::sid("AC00")
}

fn status(word: AccountStatus) -> LiveStatus {
    LiveStatus::Known(Status::from_word(word.as_str()).unwrap())
}

fn show(world: &World, account: &twilio_sim::Account) -> Account {
    Account {
        sid: account.sid.as_str().parse().unwrap(),
        owner: Some(main_sid()),
        friendly_name: account.friendly_name.clone(),
        status: status(world.status(&account.sid).unwrap()),
        date_updated: Some(account.date_updated),
    }
}

impl Observe for Fleet {
    async fn accounts(&self) -> Result<AccountList, RemoteError> {
        if self.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        let world = self.world.lock().unwrap();
        let accounts = world.accounts().map(|account| show(&world, account)).collect();
        Ok(AccountList { accounts, date: Some(self.now) })
    }

    async fn account(&self, sid: AccountSid) -> Result<Account, RemoteError> {
        if self.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "503"));
        }
        let world = self.world.lock().unwrap();
        Ok(show(&world, world.account(&sid.to_string()).unwrap()))
    }

    async fn numbers(&self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        let world = self.world.lock().unwrap();
        let owner = owner.to_string();
        let hidden = world.switches().suspended_numbers == SuspendedNumbers::Unauthorized
            && world.status(&owner) == Some(AccountStatus::Suspended);
        if hidden || self.next_trouble() == Trouble::Before {
            return Err(error(ErrorKind::Unreadable, "401 or 503"));
        }
        let number = |number: &twilio_sim::Number| Number {
            sid: number.sid.as_str().parse().unwrap(),
            phone: number.phone_number.parse().unwrap(),
            needs_address: false,
            ties: Ties::default(),
        };
        Ok(world.numbers_of(&owner).map(number).collect())
    }
}

impl Apply for Fleet {
    async fn apply(&self, action: &Action) -> Written {
        let lost = || Written::Unknown(Lost { message: "timed out".to_owned(), request_id: None });
        let refused = |code, message: &str| {
            Written::Refused(Refusal {
                code,
                message: message.to_owned(),
                request_id: None,
                date: Some(self.now),
            })
        };
        if self.death.lock().unwrap().dead {
            return lost();
        }
        let trouble = self.next_trouble();
        match trouble {
            Trouble::Before => return lost(),
            Trouble::Ignored => return refused(None, "Twilio answered 2xx and did nothing"),
            Trouble::Busy => return Written::NotProcessed("429".to_owned()),
            Trouble::None | Trouble::After | Trouble::Meddling => {}
        }
        self.written.lock().unwrap().push(action.to_string());
        let result = self.change(action);
        if trouble == Trouble::Meddling {
            self.meddle();
        }
        match (result, trouble) {
            (_, Trouble::After) => lost(),
            (Ok(()), _) => Written::Done(Receipt { date: Some(self.now), ..Receipt::default() }),
            (Err(error), _) => refused(Some(error.code), &error.message),
        }
    }
}

impl Record for Fleet {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        let id = self.history.lock().unwrap().next_id();
        if self.death(id, Boundary::BeforeIntent) {
            return Err("dead".to_owned());
        }
        self.event(&Event::Intent { id, at: self.now, write: Write::of(planned) });
        self.death(id, Boundary::AfterIntent);
        Ok(id)
    }

    async fn outcome(&self, id: u64, _: &Planned, outcome: &Outcome) {
        if self.death(id, Boundary::BeforeOutcome) {
            return;
        }
        // Half of the lost ones are crashes: nothing was recorded.
        if !(matches!(outcome, Outcome::Unknown(_)) && id.is_multiple_of(2)) {
            self.event(&Event::Outcome { id, at: self.now, result: WriteResult::of(outcome) });
        }
    }
}

impl Gate for Fleet {
    async fn open(&self, _: &Action) -> Result<(), String> {
        Ok(())
    }
}
