//! A scene: a state, the fleet that fits it, a history and a time. A test changes one thing and looks at the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    Account, AccountSid, Action, ApprovedPlan, Desired, Goal, History, Holdings, Limit, Limits, LiveStatus,
    Now, Number, Observed, PhoneNumber, Plan, Policy, Status, Ties, Unplannable, Verb, approve,
    history::{Event, Write as Journaled, WriteResult},
    notice, plan,
    reads::{first_lists, further_lists},
    spec::{Source, read},
};

use super::text::{dedent, long, short};

/// When the first pass of a scene is made.
pub(crate) const NOON: &str = "2026-06-01T12:00:00Z";

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) desired: Desired,
    pub(crate) accounts: BTreeMap<AccountSid, Account>,
    pub(crate) lists: BTreeMap<AccountSid, Result<Vec<Number>, String>>,
    pub(crate) history: History,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) now: Now,
}

pub(crate) fn sid(short: &str) -> AccountSid {
    long(short).parse().unwrap()
}

pub(crate) fn phone(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

pub(crate) fn number(text: &str) -> Number {
    let sid = format!("PN{:0>32}", text.trim_start_matches('+')).parse().unwrap();
    Number { sid, phone: phone(text), needs_address: false, ties: Ties::default() }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The state of `body`, which needs no head and no main account.
pub(crate) fn desired(body: &str) -> Desired {
    let body = dedent(body);
    let main = if body.contains("mainAccount") { "" } else { "mainAccount: {sid: AC00}\n" };
    let text = long(&format!("apiVersion: subaccountd/v1\nkind: DesiredState\n{main}{body}"));
    read(&[Source { name: "state.yaml".to_owned(), content: Ok(text.into_bytes()) }]).desired
}

impl Scene {
    /// The scene in which the fleet is as `body` says; closed accounts are still active.
    pub(crate) fn new(body: &str) -> Self {
        let desired = desired(body);
        let now = time(NOON);
        let mut scene = Self {
            desired,
            accounts: BTreeMap::new(),
            lists: BTreeMap::new(),
            history: History::default(),
            policy: Policy::default(),
            limits: Limits::default(),
            now: Now { local: now, twilio: Some(now) },
        }
        .account("AC00", "main", Status::Active);
        for entry in scene.desired.clone().accounts() {
            let (name, status) = match &entry.goal {
                Goal::Active => (None, Status::Active),
                Goal::Suspended => (None, Status::Suspended),
                Goal::Closed(terms) => (Some(&terms.confirm), Status::Active),
            };
            let name = name.or(entry.friendly_name.as_ref()).map_or("acme", String::as_str);
            scene = scene.account(&entry.sid.to_string(), name, status);
        }
        for (account, number, _) in scene.desired.clone().claims() {
            scene = scene.holds(&account.to_string(), &number.to_string());
        }
        scene
    }

    /// The state changes.
    pub(crate) fn says(mut self, body: &str) -> Self {
        self.desired = desired(body);
        self
    }

    pub(crate) fn account(mut self, account: &str, name: &str, status: Status) -> Self {
        let sid = sid(account);
        let account = Account {
            sid,
            owner: Some(self::sid("AC00")),
            friendly_name: name.to_owned(),
            status: LiveStatus::Known(status),
            date_updated: Some(time("2026-01-01T00:00:00Z")),
        };
        self.accounts.insert(sid, account);
        self.lists.entry(sid).or_insert_with(|| Ok(Vec::new()));
        self
    }

    /// Changes an account.
    pub(crate) fn with(mut self, account: &str, change: impl FnOnce(&mut Account)) -> Self {
        change(self.accounts.get_mut(&sid(account)).unwrap());
        self
    }

    pub(crate) fn is(self, account: &str, status: Status) -> Self {
        self.with(account, |account| account.status = LiveStatus::Known(status))
    }

    pub(crate) fn suspended(self, account: &str) -> Self {
        self.is(account, Status::Suspended)
    }

    pub(crate) fn active(self, account: &str) -> Self {
        self.is(account, Status::Active)
    }

    pub(crate) fn odd_status(self, account: &str) -> Self {
        self.with(account, |account| account.status = LiveStatus::Unknown("dormant".to_owned()))
    }

    pub(crate) fn gone(mut self, account: &str) -> Self {
        self.accounts.remove(&sid(account));
        self.lists.remove(&sid(account));
        self
    }

    /// The list of an account cannot be read.
    pub(crate) fn unreadable(mut self, account: &str) -> Self {
        self.lists.insert(sid(account), Err("a page failed".to_owned()));
        self
    }

    /// Every list can be read again, and is empty where it could not.
    pub(crate) fn readable(mut self) -> Self {
        for list in self.lists.values_mut().filter(|list| list.is_err()) {
            *list = Ok(Vec::new());
        }
        self
    }

    /// A number leaves all lists.
    pub(crate) fn nowhere(mut self, number: &str) -> Self {
        for list in self.lists.values_mut().flatten() {
            list.retain(|held| held.phone != phone(number));
        }
        self
    }

    /// A number is in this list and in no other.
    pub(crate) fn holds(self, account: &str, number: &str) -> Self {
        self.nowhere(number).also_holds(account, number)
    }

    /// A number is in this list too.
    pub(crate) fn also_holds(self, account: &str, number: &str) -> Self {
        self.also_holds_with(account, number, |_| {})
    }

    pub(crate) fn also_holds_with(
        mut self,
        account: &str,
        text: &str,
        change: impl FnOnce(&mut Number),
    ) -> Self {
        let mut number = number(text);
        change(&mut number);
        if let Some(Ok(list)) = self.lists.get_mut(&sid(account)) {
            list.push(number);
        }
        self
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn forbids(mut self, verb: Verb) -> Self {
        self.policy.verbs.remove(&verb);
        self
    }

    pub(crate) fn limit(mut self, verb: Verb, limit: Limit) -> Self {
        self.limits.verbs.insert(verb, limit);
        self
    }

    pub(crate) fn may_release(mut self, numbers: usize) -> Self {
        self.limits.released_numbers = numbers;
        self
    }

    pub(crate) fn event(mut self, event: Event) -> Self {
        self.history.apply(event);
        self
    }

    /// Time goes on, as in "72h".
    pub(crate) fn after(mut self, time: &str) -> Self {
        let time: SignedDuration = time.parse().unwrap();
        self.now.local += time;
        self.now.twilio = self.now.twilio.map(|twilio| twilio + time);
        self
    }

    /// Twilio's clock is off by that much, or there is none.
    pub(crate) fn clock_off(mut self, by: Option<&str>) -> Self {
        self.now.twilio = by.map(|by| self.now.local + by.parse::<SignedDuration>().unwrap());
        self
    }

    /// What a pass would read now.
    pub(crate) fn observe(&self) -> Observed {
        let mut observed = Observed::new(sid("AC00"), self.accounts.values().cloned());
        let first = first_lists(&self.desired, &observed, &self.history);
        self.read(&mut observed, first);
        let further = further_lists(&self.desired, &observed, &self.history, "state", self.now);
        self.read(&mut observed, further);
        observed
    }

    fn read(&self, observed: &mut Observed, wanted: BTreeSet<AccountSid>) {
        for account in wanted {
            let holdings = match &self.lists[&account] {
                Ok(numbers) => Holdings::Known(numbers.clone()),
                Err(why) => Holdings::Unreadable(why.clone()),
            };
            observed.add_holdings(account, holdings);
        }
    }

    /// A pass that observes, notices and does nothing.
    pub(crate) fn pass(mut self) -> Self {
        let observed = self.observe();
        for event in notice(&self.history, &self.desired, &observed, self.now) {
            self.history.apply(event);
        }
        self
    }

    /// The plan of a pass before the brake.
    pub(crate) fn try_plan(&self) -> Result<Plan, Unplannable> {
        let scene = self.clone().pass();
        plan(&scene.desired, &scene.observe(), &scene.history, &scene.policy, scene.now)
    }

    /// The plan of a pass after the brake.
    pub(crate) fn approved(&self) -> ApprovedPlan {
        let scene = self.clone().pass();
        approve(self.try_plan().unwrap(), &scene.limits, &scene.history, scene.now)
    }

    pub(crate) fn plan(&self) -> Plan {
        self.approved().plan().clone()
    }

    /// The plan as an operator reads it.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        let plan = self.plan();
        for planned in &plan.actions {
            write!(out, "{}", planned.action).unwrap();
            if let Action::Close(close) = &planned.action {
                write!(out, ", losing {:?}", close.at_risk).unwrap();
            }
            out.push_str(if planned.free { ", free" } else { "" });
            writeln!(out, "{}", planned.note.as_ref().map_or_else(String::new, |note| format!(" ({note})")))
                .unwrap();
        }
        for held in &plan.held {
            let number = held.number.map_or_else(String::new, |number| format!(" {number}"));
            writeln!(out, "{}: {} of {}{number}", held.reason, held.kind, held.account).unwrap();
            writeln!(out, "  {}\n  = {}", held.message, held.remedy).unwrap();
        }
        for account in &plan.absent {
            writeln!(out, "{account} is absent").unwrap();
        }
        short(&out)
    }

    /// The plan in short: actions, and the reasons with what they hold.
    pub(crate) fn brief(&self) -> String {
        let plan = self.plan();
        let mut lines: Vec<_> = plan.actions.iter().map(|planned| planned.action.to_string()).collect();
        lines.extend(plan.held.iter().map(|held| {
            let number = held.number.map_or_else(String::new, |number| format!(" {number}"));
            format!("{} {} {}{number}", held.reason, held.kind, held.account)
        }));
        short(&lines.join("\n"))
    }

    /// Makes a pass whose writes end as `result` and change the fleet when they are done, or unknown.
    pub(crate) fn does(mut self, result: &WriteResult) -> Self {
        self = self.pass();
        let at = self.now.best();
        for planned in self.plan().actions {
            let id = self.history.next_id();
            self = self.event(Event::Intent { id, at, write: Journaled::of(&planned) });
            self = self.event(Event::Outcome { id, at, result: result.clone() });
            if matches!(result, WriteResult::Done) {
                self = self.happens(&planned.action);
            }
        }
        self
    }

    /// Makes a pass in which all that is planned is done.
    pub(crate) fn done(self) -> Self {
        self.does(&WriteResult::Done)
    }

    fn happens(self, action: &Action) -> Self {
        let at = self.now.best();
        let touch = |account: &mut Account, status| {
            account.status = LiveStatus::Known(status);
            account.date_updated = Some(at);
        };
        match action {
            Action::Reactivate(sid) => self.with(&sid.to_string(), |account| touch(account, Status::Active)),
            Action::Suspend(sid) => self.with(&sid.to_string(), |account| touch(account, Status::Suspended)),
            Action::Transfer(transfer) => self.holds(&transfer.to.to_string(), &transfer.phone.to_string()),
            Action::Close(close) => {
                let sid = close.account.sid;
                let mut scene = self.with(&sid.to_string(), |account| touch(account, Status::Closed));
                scene.lists.insert(sid, Ok(Vec::new()));
                scene
            }
        }
    }
}
