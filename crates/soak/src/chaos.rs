//! The faults of Twilio, and the changes that people make outside of the daemon.

mod console;

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use fastrand::Rng;
use twilio_sim::{AccountStatus, Fault, FaultKind, Operation, Sim, SuspendedNumbers};

use crate::judge::Judge;

/// Of so many numbers of new customers one has no E.164 phone number.
const UNNAMED: u64 = 7;
const DAY: i64 = 26 * 3600;
/// Another host, to which nothing may be sent.
const ELSEWHERE: &str = "http://elsewhere.example";

/// The faults that last for a while, and their ends.
pub(crate) struct Chaos {
    pub(crate) sim: Sim,
    pub(crate) judge: Judge,
    clock_until: Option<Instant>,
    listens_again: Option<Instant>,
    names: u64,
    phones: u64,
    calls: u64,
}

impl Chaos {
    pub(crate) fn new(sim: Sim, judge: Judge) -> Self {
        Self { sim, judge, clock_until: None, listens_again: None, names: 0, phones: 0, calls: 0 }
    }

    fn count(&self, what: impl Into<String>) {
        self.judge.book().tally.count(what);
    }

    /// Ends the faults whose time is over.
    pub(crate) async fn tick(&mut self) {
        let over = |until: &mut Option<Instant>| until.take_if(|until| *until <= Instant::now()).is_some();
        if over(&mut self.clock_until) {
            self.sim.faults().clock_offset_seconds = 0;
        }
        if over(&mut self.listens_again) {
            self.sim.resume_listening().await.unwrap();
        }
        self.sim
            .faults()
            .list
            .retain(|fault| fault.times.is_none_or(|times| fault.seen < fault.skip + times));
    }

    /// Ends all faults.
    pub(crate) async fn end(&mut self) {
        self.clock_until = None;
        self.listens_again = None;
        self.sim.resume_listening().await.unwrap();
        self.sim.faults().clear();
        console::end_habits(&self.sim);
        self.judge.book().dark(false);
    }

    /// Returns true while Twilio's clock is wrong.
    pub(crate) fn clock_is_wrong(&self) -> bool {
        self.clock_until.is_some()
    }

    /// The status of every account, and the holder of every number, released ones included.
    pub(crate) fn fleet(&self) -> BTreeMap<String, String> {
        let world = self.sim.world();
        let accounts =
            world.accounts().map(|account| (account.sid.to_string(), account.status.as_str().to_owned()));
        let numbers = world.numbers().map(|number| (number.name().to_owned(), number.owner.to_string()));
        let released =
            world.released().iter().map(|release| (release.phone_number.clone(), "released".to_owned()));
        accounts.chain(numbers).chain(released).collect()
    }

    pub(crate) fn step_the_clock(&mut self, rng: &mut Rng) {
        let offset = if rng.bool() { DAY } else { -DAY };
        self.sim.faults().clock_offset_seconds = offset;
        self.clock_until = Some(Instant::now() + Duration::from_millis(rng.u64(500..6_000)));
        self.count("clock steps");
        if rng.bool() {
            let live = self.live();
            self.set_status(&live[rng.usize(0..live.len())], AccountStatus::Suspended);
        }
    }

    pub(crate) async fn refuse_connections(&mut self, rng: &mut Rng) {
        self.sim.pause_listening().await.unwrap();
        self.listens_again = Some(Instant::now() + Duration::from_millis(rng.u64(200..2_500)));
        self.count("fault: connections refused");
    }

    pub(crate) fn change_lag(&self, rng: &mut Rng) {
        let lag = |rng: &mut Rng| if rng.u8(0..3) == 0 { 0 } else { rng.u64(300..3_000) };
        let mut world = self.sim.world();
        world.switches_mut().account_list_lag_ms = lag(rng);
        world.switches_mut().number_list_lag_ms = lag(rng);
        self.count("changes of lag");
    }

    pub(crate) fn change_darkness(&self, rng: &mut Rng) {
        let dark = rng.bool();
        let mut world = self.sim.world();
        world.switches_mut().suspended_numbers =
            if dark { SuspendedNumbers::Empty } else { SuspendedNumbers::Rows };
        self.judge.book().dark(dark);
        self.count("changes of suspendedNumbers");
    }

    pub(crate) fn fault(&self, rng: &mut Rng) {
        let on_writes = rng.u8(0..3) > 0;
        let (name, fault) = if on_writes { write_fault(rng) } else { self.read_fault(rng) };
        // Some faults last longer.
        let times = if rng.u8(0..8) == 0 { 12 } else { rng.u64(1..4) };
        let fault = fault.skip(rng.u64(0..2)).times(times);
        let fault = if on_writes {
            fault.on(match rng.u8(0..8) {
                0..5 => Operation::UpdateAccount,
                5 | 6 => Operation::UpdateNumber,
                _ => [Operation::CreateAccount, Operation::UpdateCall][rng.usize(0..2)],
            })
        } else {
            fault.method("GET")
        };
        self.sim.inject(fault);
        self.count(format!("fault: {name} ({})", if on_writes { "POST" } else { "GET" }));
    }

    fn read_fault(&self, rng: &mut Rng) -> (&'static str, Fault) {
        match rng.u8(0..15) {
            14 => ("400", Fault::status(400, 20001)),
            0 => ("500", Fault::status(500, 20500)),
            // A list of calls without the emergency call shows its family as any other.
            10 | 11 => {
                let list = [Operation::ListAccounts, Operation::ListNumbers][rng.usize(0..2)];
                ("rows lost", Fault::new(FaultKind::Rows { drop: rng.usize(1..3), end: true }).on(list))
            }
            12 => ("page repeated", Fault::new(FaultKind::RepeatPage)),
            13 => ("page elsewhere", Fault::new(FaultKind::ForeignNextPage { to: ELSEWHERE.to_owned() })),
            1 => ("429 with Retry-After", Fault::status(429, 20429).retry_after(1)),
            2 => ("reset", Fault::reset()),
            3 => ("latency", Fault::latency(rng.u64(50..1_500))),
            4 => ("junk", Fault::new(FaultKind::Junk)),
            5 => ("truncated", Fault::new(FaultKind::Truncate { bytes: 50 })),
            6 => ("stall", Fault::new(FaultKind::Stall)),
            7 => ("404", Fault::status(404, 20404).on(Operation::ListNumbers)),
            _ => {
                let world = self.sim.world();
                let accounts: Vec<_> = world.accounts().filter(|a| !world.is_main(&a.sid)).collect();
                let sid = accounts[rng.usize(0..accounts.len())].sid.to_string();
                let raw = ["7", "\"\\ud83d\"", "null"][rng.usize(0..3)];
                ("undecodable row", Fault::raw_value(&sid, ["status", "friendly_name"][rng.usize(0..2)], raw))
            }
        }
    }

    /// A new customer with some numbers.
    pub(crate) fn open_account(&mut self, rng: &mut Rng) -> String {
        let sid = self.open_empty_account();
        for _ in 0..rng.u8(0..4) {
            let phone = self.buy_number(&sid);
            if self.phones.is_multiple_of(UNNAMED) {
                self.take_the_phone_number(&phone);
            }
        }
        sid
    }

    /// Makes a number one that no state can name: a short code, or one without a phone number.
    fn take_the_phone_number(&mut self, phone: &str) {
        let short_code =
            (self.phones / UNNAMED).is_multiple_of(2).then(|| (30_000 + self.phones).to_string());
        let edit = |number: &mut twilio_sim::Number| number.phone_number = short_code.unwrap_or_default();
        self.sim.edit_number(phone, edit).unwrap();
        self.count("numbers without an E.164 phone number");
    }

    pub(crate) fn open_empty_account(&mut self) -> String {
        let now = self.sim.now();
        self.names += 1;
        let name = format!("c{}", self.names);
        let mut world = self.sim.world();
        let sid = world.create_account(&name, now).unwrap().to_string();
        self.judge.book().names.made_by_people(&sid, &name);
        sid
    }

    pub(crate) fn buy_number(&mut self, holder: &str) -> String {
        let now = self.sim.now();
        self.phones += 1;
        let phone = format!("+1510{:07}", 6_000_000 + self.phones);
        self.sim.world().buy_number(&phone, holder, now).unwrap();
        phone
    }

    /// The accounts that are not closed.
    pub(crate) fn live(&self) -> Vec<String> {
        let world = self.sim.world();
        let live = |account: &&twilio_sim::Account| {
            !world.is_main(&account.sid) && account.status != AccountStatus::Closed
        };
        world.accounts().filter(live).map(|account| account.sid.to_string()).collect()
    }

    /// Removes closed accounts when there are many.
    pub(crate) fn forget_closed(&self) {
        let now = self.sim.now();
        let mut world = self.sim.world();
        let closed = world.accounts().filter(|account| account.status == AccountStatus::Closed);
        let closed: Vec<_> = closed.map(|account| account.sid.clone()).collect();
        if closed.len() > 30 {
            world.forget_account(&closed[0], now).unwrap();
        }
    }

    /// Makes a change as a person in the Console does.
    pub(crate) fn people(&mut self, rng: &mut Rng) {
        let live = self.live();
        let last = self.judge.book().last[0].clone().filter(|sid| live.contains(sid) && rng.bool());
        let sid = last.unwrap_or_else(|| live[rng.usize(0..live.len())].clone());
        match rng.u8(0..18) {
            0..4 => self.people_move(&sid, rng),
            4..6 => self.set_status(&sid, AccountStatus::Suspended),
            6..9 => self.set_status(&sid, AccountStatus::Active),
            9 => self.rename(&sid),
            10 => self.take_a_name(&sid, rng),
            11..14 => self.begin_calls(&sid, rng),
            14 | 15 => self.carry_on_a_call(rng),
            _ => self.configure(rng),
        }
    }

    pub(crate) fn rename(&mut self, sid: &str) {
        self.names += 1;
        let name = format!("r{}", self.names);
        self.edit(sid, "renames", |account, book| {
            account.friendly_name = name;
            book.renamed(&account.sid);
        });
    }

    fn edit(
        &self,
        sid: &str,
        what: &str,
        edit: impl FnOnce(&mut twilio_sim::Account, &mut crate::judge::Book),
    ) {
        let edited = self.sim.edit_account(sid, |account| {
            let mut book = self.judge.book();
            if account.status != AccountStatus::Closed {
                edit(account, &mut book);
                book.tally.count(format!("people: {what}"));
            }
        });
        edited.unwrap();
    }

    pub(crate) fn set_status(&self, sid: &str, status: AccountStatus) {
        self.edit(sid, status.as_str(), |account, book| {
            if account.status != status {
                account.status = status;
                match status {
                    AccountStatus::Active => book.reactivated(&account.sid, false),
                    AccountStatus::Suspended | AccountStatus::Closed => book.suspended(&account.sid, false),
                }
            }
        });
    }

    /// Moves a number of the account to another active one, as Twilio's rules require.
    fn people_move(&self, from: &str, rng: &mut Rng) {
        let (phone, to) = {
            let world = self.sim.world();
            let numbers: Vec<_> = world.numbers_of(from).map(|number| number.name().to_owned()).collect();
            let active = world.accounts().filter(|account| account.status == AccountStatus::Active);
            let active: Vec<_> = active.map(|account| account.sid.clone()).collect();
            if numbers.is_empty() {
                return;
            }
            (numbers[rng.usize(0..numbers.len())].clone(), active[rng.usize(0..active.len())].to_string())
        };
        self.move_number(&phone, &to);
    }

    /// Moves a number to another account if that is active.
    pub(crate) fn move_number(&self, phone: &str, to: &str) {
        let to = {
            let world = self.sim.world();
            let active = |account: &&twilio_sim::Account| account.status == AccountStatus::Active;
            let to = world.account(to).filter(active).map(|account| account.sid.clone());
            match to.filter(|to| world.owner_of(phone) != Some(to)) {
                Some(to) => to,
                None => return,
            }
        };
        let moved = self.sim.edit_number(phone, |number| {
            number.owner = to;
            let mut book = self.judge.book();
            book.moved(phone, true);
            book.tally.count("people: moved numbers");
        });
        // The number may have been released meanwhile.
        let _ = moved;
    }
}

fn write_fault(rng: &mut Rng) -> (&'static str, Fault) {
    let late = rng.u64(300..2_500);
    match rng.u8(0..15) {
        0 => ("500", Fault::status(500, 20500)),
        1 => ("500 after the effect", Fault::status_after(500, 20500)),
        2 => ("404", Fault::status(404, 20404)),
        3 => ("404 after the effect", Fault::status_after(404, 20404)),
        4 => ("409", Fault::status(409, 20409)),
        5 | 6 => ("429 with Retry-After", Fault::status(429, 20429).retry_after(rng.u32(1..8))),
        7 => ("reset", Fault::reset()),
        8 => ("reset after the effect", Fault::reset_after()),
        9 => ("late", Fault::late(late)),
        10 => ("late with 500", Fault::new(FaultKind::Late { ms: late, http: Some(500), code: Some(20500) })),
        11 => ("stale", Fault::stale()),
        12 => ("ignored", Fault::new(FaultKind::Ignore)),
        13 => ("junk", Fault::new(FaultKind::Junk)),
        _ => ("latency", Fault::latency(rng.u64(50..1_900))),
    }
}
