//! The end of a soak: the fleet is as the state says, or everything left is held with a reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use twilio_sim::{AccountStatus, World};

use crate::{
    Life, Soak,
    state::{State, Word},
};

/// The longest time to converge once all faults have ended.
const CONVERGES: Duration = Duration::from_mins(15);
/// The time for which a fleet that has converged is watched.
const WATCHED: Duration = Duration::from_millis(1_600);
/// The reasons that end by themselves.
const PASSING: [&str; 2] = ["Unconfirmed", "Unreadable"];
/// The reasons that people must do something about: as long as they do not, nothing is written.
const FINAL: [&str; 8] = [
    "AlreadyClosed",
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
            left = left_to_do(&status, &self.editor.state, &self.chaos.sim.world());
            if left.is_empty() {
                self.process.count_passes().await;
                self.converged(begin, &status);
                self.stays(&status).await;
                return;
            }
        }
        self.violation(&format!("I6: no convergence within {CONVERGES:?}: {left}: {}", self.process.log()));
    }

    fn converged(&self, begin: Instant, status: &Value) {
        let took = begin.elapsed().as_secs_f64();
        let mut book = self.judge.book();
        book.tally.count(format!("converged within {:.0} s", (took / 10.0).ceil() * 10.0));
        for held in status["plan"]["held"].as_array().into_iter().flatten() {
            book.tally.tell(&format!("held: {}: {}", held["reason"], held["message"]));
        }
        for (reason, count) in reasons(status) {
            *book.tally.other.entry(format!("held in the end: {reason}")).or_default() += count;
        }
    }

    /// I5: a fleet that has converged gets no write.
    async fn stays(&self, status: &Value) {
        let mut held = status["plan"]["held"].as_array().into_iter().flatten();
        if !held.all(waits_for_people) {
            return;
        }
        let before = self.judge.book().arrivals;
        sleep(WATCHED).await;
        let after = self.judge.book().arrivals;
        self.count("fleets that were watched after they converged");
        if after != before {
            self.violation(&format!("I5: {} writes to a fleet that had converged", after - before));
        }
    }
}

/// Everything that is neither as the state says nor held, in words; empty when there is nothing.
pub(crate) fn left_to_do(status: &Value, state: &State, world: &World) -> String {
    let plan = &status["plan"];
    if status["lastPass"]["result"] != "success" || plan["actions"] != Value::Array(Vec::new()) {
        return format!("{} {}", status["lastPass"], plan["actions"]);
    }
    let held = |key: &str, what: &str| plan["held"].as_array().unwrap().iter().any(|held| held[key] == *what);
    if let Some(rest) = plan["held"].as_array().unwrap().iter().find(|held| is_over_soon(held, status)) {
        return rest["message"].to_string();
    }
    if let Some(passing) = plan["held"].as_array().unwrap().iter().find(|held| ends_by_itself(held, world)) {
        return passing["message"].to_string();
    }
    if status["desiredState"]["valid"] == false {
        return format!("the state has faults: {}", status["desiredState"]["faults"]);
    }
    for (sid, entry) in &state.entries {
        let wanted = match entry.word {
            Word::Active => AccountStatus::Active,
            Word::Suspended => AccountStatus::Suspended,
            Word::Closed => AccountStatus::Closed,
        };
        let is = world.account(sid).map(|account| account.status);
        if is.is_some_and(|is| is != wanted) && !held("account", sid) {
            return format!("{sid} is {is:?}, wanted {wanted:?}, and is not held");
        }
        for phone in &entry.numbers {
            let owner = world.owner_of(phone).map(twilio_sim::AccountSid::as_str);
            if owner != Some(sid) && !held("number", phone) {
                return format!("{phone} is in {owner:?}, wanted in {sid}, and is not held");
            }
        }
    }
    String::new()
}

/// Returns true when what holds it ends by itself: a refusal with no code of Twilio's is a fault, and a number that exists is found by a
/// later search.
fn ends_by_itself(held: &Value, world: &World) -> bool {
    let message = held["message"].as_str().unwrap_or_default();
    let refused = held["reason"] == "RefusedByTwilio" && message.contains("no error code");
    let searched = ["in no number list", "in no readable number list"].iter().any(|words| {
        let sought = message.split(words).nth(1).and_then(|rest| rest.split(';').next());
        let text = if message.starts_with('+') { Some(message) } else { sought };
        is_searched(message)
            && text.is_some_and(|text| world.numbers().any(|number| text.contains(number.name())))
    });
    refused || searched || PASSING.iter().any(|reason| held["reason"] == *reason)
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
    for held in status["plan"]["held"].as_array().into_iter().flatten() {
        *reasons.entry(held["reason"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    reasons
}
