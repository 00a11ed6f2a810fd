//! The end of a soak: the fleet is as the state says, or everything left is held with a reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use twilio_sim::{AccountStatus, Operation, World};

use crate::{
    Life, Soak,
    ask::Settings,
    names::Names,
    state::{Entry, State, Word, is_sid},
};

/// The longest time to converge once all faults have ended.
const CONVERGES: Duration = Duration::from_mins(15);
/// The time for which a fleet that has converged is watched.
const WATCHED: Duration = Duration::from_millis(1_600);
/// The reasons that end by themselves.
const PASSING: [&str; 2] = ["Unconfirmed", "Unreadable"];
/// What a fleet at rest is never asked for: calls, and what held a write back.
const NEVER_AT_REST: [Operation; 3] = [Operation::ListCalls, Operation::FetchCall, Operation::ListAddresses];
/// What is fetched only while lists may lag behind a write, and for a close.
const CONFIRMS: [Operation; 2] = [Operation::FetchAccount, Operation::FetchNumber];
/// The time after which no list lags behind a write any more.
const NO_LAG: Duration = Duration::from_secs(125);
/// The reasons that people must do something about: as long as they do not, nothing is written.
const FINAL: [&str; 9] = [
    "AlreadyClosed",
    "AmbiguousName",
    "Contested",
    "NameMismatch",
    "StillHoldsNumbers",
    "SuspendedElsewhere",
    "TargetNotActive",
    "UnknownAccount",
    "UnknownNumber",
];

impl<L: Life> Soak<L> {
    /// Ends all faults, and waits until everything is as the state says or held with a reason.
    pub(crate) async fn converge(&mut self) {
        self.chaos.end().await;
        self.editor.heal();
        self.end_clock_faults();
        self.process.spare();
        if self.process.was_killed(&mut self.rng) {
            self.ended();
        }
        if self.process.is_running() && self.is_dry_run {
            self.process.kill(&mut self.rng).await;
            self.ended();
        }
        if !self.process.is_running() {
            self.start(false);
        }
        let begin = Instant::now();
        let mut left = "nothing was observed".to_owned();
        let mut passes = BTreeSet::new();
        while begin.elapsed() < CONVERGES {
            sleep(Duration::from_millis(500)).await;
            if let Some(death) = self.process.death() {
                return self.violation(&death);
            }
            let Some(status) = self.process.status().await else { continue };
            passes.insert(status["lastPass"]["startedAt"].to_string());
            if passes.len() < 4 {
                continue;
            }
            left = self.left_to_do(&status);
            if left.is_empty() {
                self.process.count_passes().await;
                self.converged(begin, &status);
                self.stays(&status).await;
                return;
            }
        }
        self.violation(&format!("I6: no convergence within {CONVERGES:?}: {left}: {}", self.process.log()));
    }

    fn left_to_do(&self, status: &Value) -> String {
        let (world, book) = (self.chaos.sim.world(), self.judge.book());
        left_to_do(status, &self.editor.state, &world, &book.names, Patience::Short)
    }

    fn converged(&self, begin: Instant, status: &Value) {
        let took = begin.elapsed().as_secs_f64();
        let mut book = self.judge.book();
        book.tally.count(format!("converged within {:.0} s", (took / 10.0).ceil() * 10.0));
        for held in held_items(status) {
            book.tally.tell(&format!("held: {}: {}", held["reason"], held["message"]));
        }
        let held = |name: &str| held_items(status).any(|held| held["name"] == *name);
        let lost: Vec<_> = book.names.lost().map(str::to_owned).collect();
        for name in lost {
            book.tally.count("creates that took effect and whose answer may be lost");
            if self.editor.state.entries.contains_key(&name) && !held(&name) {
                book.tally.count("entries without a SID whose account was found again");
            }
        }
        for (reason, count) in reasons(status) {
            *book.tally.other.entry(format!("held in the end: {reason}")).or_default() += count;
        }
    }

    /// I5: a fleet that has converged gets no write.
    async fn stays(&self, status: &Value) {
        if !held_items(status).all(waits_for_people) {
            return;
        }
        // The calls of an account that was suspended last are listed, and ended, by the next pass.
        sleep(WATCHED / 2).await;
        let before = self.judge.book().arrivals;
        self.chaos.sim.clear_requests();
        sleep(WATCHED).await;
        let after = self.judge.book().arrivals;
        self.count("fleets that were watched after they converged");
        if after != before {
            self.violation(&format!("I5: {} writes to a fleet that had converged", after - before));
        }
        self.asked_for_none_of(&NEVER_AT_REST);
        let closes = |(sid, entry): (&String, &Entry)| {
            let status = self.chaos.sim.world().status(sid);
            entry.word == Word::Closed && status != Some(AccountStatus::Closed)
        };
        if self.seed.is_multiple_of(64) && !self.editor.state.entries.iter().any(closes) {
            sleep(NO_LAG).await;
            self.chaos.sim.clear_requests();
            sleep(WATCHED).await;
            self.asked_for_none_of(&CONFIRMS);
            self.count("fleets that were watched long after they converged");
        }
    }
}

impl<L: Life> Soak<L> {
    /// I5: a fleet at rest is asked for lists of accounts and numbers alone.
    fn asked_for_none_of(&self, never: &[Operation]) {
        let requests = self.chaos.sim.requests();
        let is_never = |asked: Operation| never.contains(&asked);
        if let Some(request) = requests.iter().find(|request| request.operation.is_some_and(is_never)) {
            self.violation(&format!("I5: {:?} of a fleet at rest: {}", request.operation, request.path));
        }
    }
}

/// The holds that are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// Those that end within seconds.
    Short,
    /// Those that last for many minutes as well.
    Long,
}

/// Everything that is held.
fn held_items(status: &Value) -> impl Iterator<Item = &Value> {
    status["plan"]["held"].as_array().into_iter().flatten()
}

/// Everything that is neither as the state says nor held, in words; empty when there is nothing.
pub(crate) fn left_to_do(
    status: &Value,
    state: &State,
    world: &World,
    names: &Names,
    patience: Patience,
) -> String {
    let plan = &status["plan"];
    if status["lastPass"]["result"] != "success" || plan["actions"] != Value::Array(Vec::new()) {
        return format!("{} {}", status["lastPass"], plan["actions"]);
    }
    if let Some(rest) =
        held_items(status).find(|held| is_over_soon(held, status) || ends_by_itself(held, world, patience))
    {
        return rest["message"].to_string();
    }
    if status["desiredState"]["valid"] == false {
        return format!("the state has faults: {}", status["desiredState"]["faults"]);
    }
    let is_held = |key: &str, what: &str| held_items(status).any(|held| held[key] == *what);
    let mut left = state.entries.iter().filter_map(|(key, entry)| {
        let accounts: Vec<_> =
            if is_sid(key) { vec![key.as_str()] } else { names.accounts_of(key).collect() };
        if accounts.is_empty() && !is_held("name", key) {
            return Some(format!("`{key}` is not created, and is not held"));
        }
        let of_account = status_left(entry, &accounts, world);
        let is_account_held = || is_held("name", key) || accounts.iter().any(|sid| is_held("account", sid));
        let of_numbers = || {
            let mut numbers = entry.numbers.iter().filter(|phone| !is_held("number", phone));
            numbers.find_map(|phone| number_left(phone, entry, &accounts, world))
        };
        of_account.filter(|_| !is_account_held()).or_else(of_numbers)
    });
    left.next().unwrap_or_default()
}

/// The status of the account of an entry, when it is not as the entry says.
fn status_left(entry: &Entry, accounts: &[&str], world: &World) -> Option<String> {
    let wanted = match entry.word {
        Word::Active => AccountStatus::Active,
        Word::Suspended => AccountStatus::Suspended,
        Word::Closed => AccountStatus::Closed,
    };
    let are: Vec<_> =
        accounts.iter().filter_map(|sid| world.account(sid)).map(|account| account.status).collect();
    (!are.is_empty() && !are.contains(&wanted))
        .then(|| format!("{accounts:?} is {are:?}, wanted {wanted:?}, and is not held"))
}

/// The place or the settings of a number, when they are not as an entry says.
fn number_left(phone: &str, entry: &Entry, accounts: &[&str], world: &World) -> Option<String> {
    let Some(number) = world.number(phone) else {
        return Some(format!("{phone} is nowhere, and is not held"));
    };
    if !accounts.contains(&number.owner.as_str()) {
        return Some(format!("{phone} is in {}, wanted in {accounts:?}, and is not held", number.owner));
    }
    let has = |name: &String| match name.as_str() {
        "FriendlyName" => number.friendly_name.clone(),
        "SmsMethod" | "VoiceMethod" => number.settings.get(name).unwrap_or("POST").to_owned(),
        _ => number.settings.get(name).unwrap_or_default().to_owned(),
    };
    let named: Settings = entry.named(phone);
    let mut wrong = named.iter().filter(|(name, value)| has(name) != **value);
    wrong.next().map(|(name, value)| {
        format!("{name} of {phone} is `{}`, wanted `{value}`, and is not held", has(name))
    })
}

/// Returns true when what holds it ends by itself: a refusal with no code of Twilio's is a fault, and a number that exists is found by a
/// later search.
fn ends_by_itself(held: &Value, world: &World, patience: Patience) -> bool {
    let message = held["message"].as_str().unwrap_or_default();
    let refused = held["reason"] == "RefusedByTwilio" && message.contains("no error code");
    let searched = ["in no number list", "in no readable number list"].iter().any(|words| {
        let sought = message.split(words).nth(1).and_then(|rest| rest.split(';').next());
        let text = if message.starts_with('+') { Some(message) } else { sought };
        is_searched(message)
            && text.is_some_and(|text| world.numbers().any(|number| text.contains(number.name())))
    });
    refused
        || searched
        || (PASSING.iter().any(|reason| held["reason"] == *reason)
            && (patience == Patience::Long || !is_long(message)))
}

/// Returns true when it lasts for many minutes: a create whose outcome is unknown is watched for 15 minutes, and after a clock
/// jumped, none begins for an hour.
fn is_long(message: &str) -> bool {
    let waits = message.contains("is not created: the outcome of creating")
        || message.contains("Twilio's clock is unknown");
    waits || message.contains("whose account is not created yet")
}

fn is_searched(message: &str) -> bool {
    message.contains("in no number list") || message.contains("in no readable number list")
}

/// Returns true when only people can end what holds it. The search for a number that is in no list goes on.
fn waits_for_people(held: &Value) -> bool {
    let searched = held["message"].as_str().is_some_and(is_searched);
    FINAL.iter().any(|reason| held["reason"] == *reason) && !searched
}

/// Returns true when an account rests for a minute at most: what was dated by a clock that was wrong may rest for days.
fn is_over_soon(held: &Value, status: &Value) -> bool {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let message = held["message"].as_str().unwrap_or_default();
    let due = message.split("is closed at ").nth(1).and_then(|rest| time(rest.split(' ').next()?));
    let now = status["lastPass"]["finishedAt"].as_str().and_then(time);
    due.zip(now).is_some_and(|(due, now)| due.duration_since(now) < jiff::SignedDuration::from_mins(1))
}

fn reasons(status: &Value) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for held in held_items(status) {
        *reasons.entry(held["reason"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    reasons
}
