//! A scene: a state, the fleet that fits it, a history and a time. A test changes one thing and looks at the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    Account, AccountSid, Action, ActionKind, Address, Call, CallDirection, CallStatus, Desired,
    DesiredStatus, Guardrails, History, Limit, Limits, LiveStatus, Now, Number, Outcome, PhoneNumber,
    Planned, Policy, Receipt, Refusal, ShownSettings, SkipCause, Stamp, Status, UnknownOutcome,
    history::{Event, Write as Journaled},
    manifest::{Source, parse},
    remote::UnreadableRow,
    subscriber,
};

use super::text::{dedent, long, short};

/// When the first pass of a scene is made.
pub(crate) const NOON: &str = "2026-06-01T12:00:00Z";

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) desired: Desired,
    pub(crate) accounts: BTreeMap<AccountSid, Account>,
    pub(crate) lists: BTreeMap<AccountSid, Result<Vec<Number>, String>>,
    /// The calls of accounts that have not ended.
    pub(crate) calls: BTreeMap<AccountSid, Result<Vec<Call>, String>>,
    /// Rows of the account list that cannot be read.
    pub(crate) unreadable_rows: Vec<UnreadableRow>,
    /// Accounts that a single fetch shows otherwise than the lagging list.
    pub(crate) truth: BTreeMap<AccountSid, Account>,
    /// Owners of numbers that a single fetch shows otherwise than the lagging lists.
    pub(crate) number_truth: BTreeMap<PhoneNumber, AccountSid>,
    /// Numbers that are gone, while the lagging lists still show them.
    pub(crate) gone_numbers: BTreeSet<PhoneNumber>,
    /// Settings of numbers that a single fetch shows otherwise than the lagging lists.
    pub(crate) settings_truth: BTreeMap<PhoneNumber, ShownSettings>,
    pub(crate) addresses: BTreeMap<AccountSid, Vec<Address>>,
    pub(crate) history: History,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) now: Now,
}

/// The outcome of a write whose answer was lost.
pub(crate) fn unknown() -> Outcome {
    Outcome::Unknown(UnknownOutcome { message: "timed out".to_owned(), request_id: None })
}

/// The outcome of a write that Twilio answered with 429.
pub(crate) fn skipped() -> Outcome {
    Outcome::skipped(SkipCause::RateLimited, "429")
}

/// The outcome of a write that Twilio refused.
pub(crate) fn refused(code: u32, message: &str) -> Outcome {
    Outcome::Refused(Refusal { code: Some(code), message: message.to_owned(), ..Refusal::default() })
}

/// The outcome of a write that Twilio answered with 2xx and the old value.
pub(crate) fn ignored(message: &str) -> Outcome {
    Outcome::Ignored(Refusal { message: message.to_owned(), ..Refusal::default() })
}

pub(crate) fn sid(short: &str) -> AccountSid {
    long(short).parse().unwrap()
}

pub(crate) fn phone(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

/// The number that Twilio shows as `text`, in E.164 or not.
pub(crate) fn number(text: &str) -> Number {
    let sid = format!("PN{:0>32}", text.trim_start_matches('+')).parse().unwrap();
    Number { settings: Some(Box::default()), ..Number::new(sid, text.parse().ok()) }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The state of `body`, which needs no head and no main account.
pub(crate) fn desired(body: &str) -> Desired {
    let body = dedent(body);
    let main = if body.contains("mainAccount") { "" } else { "mainAccount: {sid: AC00}\n" };
    let text = long(&format!("apiVersion: subaccountd/v1\nkind: DesiredState\n{main}{body}"));
    parse(&[Source { name: "state.yaml".to_owned(), content: Ok(text.into_bytes()) }]).desired
}

impl Scene {
    /// A scene whose fleet equals the state `body`; accounts to close are still active.
    pub(crate) fn new(body: &str) -> Self {
        let desired = desired(body);
        let now = time(NOON);
        let mut scene = Self {
            desired,
            accounts: BTreeMap::new(),
            lists: BTreeMap::new(),
            calls: BTreeMap::new(),
            unreadable_rows: Vec::new(),
            truth: BTreeMap::new(),
            number_truth: BTreeMap::new(),
            gone_numbers: BTreeSet::new(),
            settings_truth: BTreeMap::new(),
            addresses: BTreeMap::new(),
            history: History::default(),
            policy: Policy::default(),
            limits: Limits::default(),
            now: Now::new(now, Some(now)),
        }
        .account("AC00", "main", Status::Active);
        for entry in scene.desired.clone().accounts() {
            let (name, status) = match &entry.desired_status {
                DesiredStatus::Active => (None, Status::Active),
                DesiredStatus::Suspended => (None, Status::Suspended),
                DesiredStatus::Closed(terms) => (Some(&terms.confirm), Status::Active),
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
            date_created: Some(time("2026-01-01T00:00:00Z")),
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

    /// The row of an account cannot be read; `None` is one that does not even show its SID.
    pub(crate) fn unreadable_row(mut self, account: Option<&str>) -> Self {
        let sid = account.map(sid);
        if let Some(sid) = sid {
            self.accounts.remove(&sid);
        }
        self.unreadable_rows.push(UnreadableRow { sid, why: "`status` is no text".to_owned() });
        self
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
            list.retain(|held| held.id() != self::number(number).id());
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

    /// Twilio shows other settings of a number in this list; without a change, the defaults.
    pub(crate) fn shows(
        mut self,
        account: &str,
        text: &str,
        change: impl FnOnce(&mut ShownSettings),
    ) -> Self {
        let list = self.lists.get_mut(&sid(account)).unwrap().as_mut().unwrap();
        let number = list.iter_mut().find(|held| held.id() == number(text).id()).unwrap();
        change(number.settings.get_or_insert_default());
        self
    }

    /// A call of the account `CA<n>` to the number or address `to` begins.
    pub(crate) fn calls(mut self, account: &str, n: u8, status: CallStatus, to: &str) -> Self {
        let call = Call {
            sid: format!("CA{n:032x}").parse().unwrap(),
            parent: None,
            status,
            direction: CallDirection::Outbound,
            from: subscriber("+15105550100"),
            to: subscriber(to),
        };
        if let Ok(calls) = self.calls.entry(sid(account)).or_insert(Ok(Vec::new())) {
            calls.push(call);
        }
        self
    }

    /// The calls of an account cannot be read.
    pub(crate) fn unreadable_calls(mut self, account: &str) -> Self {
        self.calls.insert(sid(account), Err("503".to_owned()));
        self
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn forbids(mut self, kind: ActionKind) -> Self {
        self.policy.verbs.remove(&kind);
        self
    }

    pub(crate) fn limit(mut self, kind: ActionKind, limit: Limit) -> Self {
        self.limits.verbs.insert(kind, limit);
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

    /// Time goes on, as in "72h", with passes that read the state and find nothing new.
    pub(crate) fn after(self, time: &str) -> Self {
        let scene = self.away(time);
        match (scene.history.attended(), scene.now.trusted()) {
            (Some(_), Some(at)) => scene.event(Event::Attended { at }),
            (None, _) | (_, None) => scene,
        }
    }

    /// Time goes on without a pass.
    pub(crate) fn away(mut self, time: &str) -> Self {
        let time: SignedDuration = time.parse().unwrap();
        self.now.local += time;
        self.now.twilio = self.now.twilio.map(|twilio| twilio + time);
        self
    }

    /// Both clocks jumped since the last pass.
    pub(crate) fn jumped(mut self) -> Self {
        self.now.steady = false;
        self
    }

    /// Every clock is right again.
    pub(crate) fn clocks_right(mut self) -> Self {
        let now = self.now.twilio.unwrap_or(self.now.local);
        self.now = Now::new(now, Some(now));
        self
    }

    /// The daemon starts anew and reads its journal.
    pub(crate) fn restarted(mut self) -> Self {
        let json = serde_json::to_string(&self.history).unwrap();
        self.history = serde_json::from_str(&json).unwrap();
        self
    }

    /// The history outlives the process.
    pub(crate) fn durable(mut self) -> Self {
        self.history = self.history.durable();
        self
    }

    /// Twilio last changed the account now.
    pub(crate) fn touched(self, account: &str) -> Self {
        let at = self.now.best();
        self.with(account, |account| account.date_updated = Some(at))
    }

    /// Twilio's clock is off by that much, or there is none.
    pub(crate) fn clock_off(mut self, by: Option<&str>) -> Self {
        self.now.twilio = by.map(|by| self.now.local + by.parse::<SignedDuration>().unwrap());
        self
    }

    pub(crate) fn guardrails(&self) -> Guardrails {
        Guardrails { policy: self.policy.clone(), limits: self.limits.clone() }
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
            out.push_str(if planned.exempt { ", free" } else { "" });
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

    /// Makes a pass whose writes end as `outcome` and change the fleet when they are done.
    pub(crate) fn does(mut self, outcome: &Outcome) -> Self {
        self = self.pass();
        for planned in self.plan().actions {
            self = self.writes(&planned, Some(outcome));
        }
        self
    }

    /// A write of which no outcome is recorded when there is none.
    pub(crate) fn writes(mut self, planned: &Planned, outcome: Option<&Outcome>) -> Self {
        let (id, at) = (self.history.next_id(), self.now.stamp());
        self = self.event(Event::Intent { id, at, write: Journaled::from(planned) });
        let Some(outcome) = outcome else { return self };
        let outcome = match outcome {
            Outcome::Done(_) => {
                self = self.happens(&planned.action);
                let account = planned.action.account().sid().and_then(|sid| self.accounts.get(&sid));
                let date_updated = account.and_then(|account| account.date_updated);
                let created = self.created_last(&planned.action);
                Outcome::Done(Receipt { date_updated, created, ..Receipt::default() })
            }
            other => other.clone(),
        };
        self.event(Event::Outcome { id, at, outcome })
    }

    /// Makes a pass in which all that is planned is done.
    pub(crate) fn done(self) -> Self {
        self.does(&Outcome::Done(Receipt::default()))
    }

    /// A write with this very outcome, which changes nothing else.
    pub(crate) fn writes_as(self, planned: &Planned, outcome: &Outcome) -> Self {
        let (id, at) = (self.history.next_id(), self.now.stamp());
        let scene = self.event(Event::Intent { id, at, write: Journaled::from(planned) });
        scene.event(Event::Outcome { id, at, outcome: outcome.clone() })
    }

    /// The present moment as a fact keeps it.
    pub(crate) fn stamp(&self) -> Stamp {
        self.now.stamp()
    }

    /// Keeps `account` as it is now in the account list, while `then` changes it.
    pub(crate) fn lags_account(self, account: &str, then: impl FnOnce(Self) -> Self) -> Self {
        let sid = sid(account);
        let listed = self.accounts[&sid].clone();
        let mut after = then(self);
        let truth = after.accounts.insert(sid, listed).unwrap();
        after.truth.insert(sid, truth);
        after
    }

    /// Keeps `number` as it is now in the number lists, while `then` changes it.
    pub(crate) fn lags_number(self, number: &str, then: impl FnOnce(Self) -> Self) -> Self {
        let phone = phone(number);
        let listed = self.lists.clone();
        let mut after = then(self);
        if let Some((owner, number)) = after.listed(phone.into()) {
            after.number_truth.insert(phone, owner);
            after.settings_truth.insert(phone, *number.settings.unwrap_or_default());
        } else {
            after.gone_numbers.insert(phone);
        }
        after.lists = listed;
        after
    }

    /// Twilio creates an account.
    pub(crate) fn creates(self, name: &str) -> Self {
        let (at, free) = (self.now.best(), (81..).map(|n| sid(&format!("AC{n}"))));
        let sid = free.into_iter().find(|sid| !self.accounts.contains_key(sid)).unwrap().to_string();
        self.account(&sid, name, Status::Active).with(&sid, |account| {
            (account.date_created, account.date_updated) = (Some(at), Some(at));
        })
    }

    /// The account that `action` has just created.
    fn created_last(&self, action: &Action) -> Option<AccountSid> {
        let Action::Create(create) = action else { return None };
        let named = self.accounts.values().filter(|account| account.friendly_name == create.name.as_str());
        named.max_by_key(|account| (account.date_created, account.sid)).map(|account| account.sid)
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
            Action::Create(create) => self.creates(create.name.as_str()),
            Action::Transfer(transfer) => {
                let (to, phone, settings) =
                    (transfer.to.to_string(), transfer.phone.to_string(), transfer.settings.clone());
                self.holds(&to, &phone).shows(&to, &phone, |shown| {
                    settings.values().for_each(|(setting, value)| shown.insert(setting, value));
                })
            }
            Action::Configure(configure) => {
                let settings = configure.settings.clone();
                self.shows(&configure.account.to_string(), &configure.phone.to_string(), |shown| {
                    settings.values().for_each(|(setting, value)| shown.insert(setting, value));
                })
            }
            Action::EndCalls(end) => {
                let mut scene = self;
                if let Some(Ok(calls)) = scene.calls.get_mut(&end.account.sid) {
                    calls.retain(|call| end.calls.iter().all(|ended| ended.sid != call.sid));
                }
                scene
            }
            Action::Release(release) => self.nowhere(&release.phone.to_string()),
            Action::Close(close) => {
                let sid = close.account.sid;
                let mut scene = self.with(&sid.to_string(), |account| touch(account, Status::Closed));
                scene.lists.insert(sid, Ok(Vec::new()));
                scene
            }
        }
    }
}
