//! The judge of closes: I1, and the numbers that go with an account (I2).

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use twilio_sim::World;

use super::{Book, MAX_LAG, RACE};
use crate::{Kind, state::Terms};

/// Twilio's dates are whole seconds, and so are the times that the daemon keeps; the lists may be a little older than what they
/// are dated by.
const ROUNDING: Duration = Duration::from_millis(2_300);
/// The most by which a clock that drifts is wrong.
const DRIFT: Duration = Duration::from_millis(1_100);

impl Book {
    /// I1: judges a close by the terms that the state has now, or had when the daemon may have read it. Gives the numbers that
    /// they release.
    pub(super) fn closes(&mut self, sid: &str, world: &World, now: Instant) -> BTreeSet<String> {
        let read = |end: Instant| now.saturating_duration_since(end) < RACE;
        let versions = self.versions.back(now).take_while(|(_, end, _)| read(*end));
        let mut all: Vec<_> = versions.filter_map(|(_, _, state)| state.terms(sid).cloned()).collect();
        all.dedup();
        let judged: Vec<_> = all.iter().map(|terms| (terms, self.close(sid, terms, world, now))).collect();
        if let Some((terms, _)) = judged.iter().find(|(_, wrong)| wrong.is_empty()) {
            return terms.release.clone();
        }
        let (terms, wrong) = judged.into_iter().next().unzip();
        for what in wrong.unwrap_or_else(|| vec!["no state closes it".to_owned()]) {
            let dated = world.account(sid).map(|account| account.date_updated);
            let story = format!("; Twilio dates it {dated:?}{}", self.versions.story(sid, now));
            self.violation(&format!("I1: close of {sid}: {what}{story}"));
        }
        terms.map(|terms| terms.release.clone()).unwrap_or_default()
    }

    /// I1, without what I12 covers: the problems of this close.
    fn close(&mut self, sid: &str, terms: &Terms, world: &World, now: Instant) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some(account) = world.account(sid) else { return vec!["there is no such account".into()] };
        let facts = self.facts.get(sid);
        let renamed = facts.and_then(|facts| facts.renamed);
        if account.friendly_name != terms.confirm && renamed.is_none_or(|at| now - at > RACE) {
            wrong.push(format!("`{}` was confirmed, and it is {}", terms.confirm, account.friendly_name));
        }
        let drift = if self.rules.kind == Kind::Drift { DRIFT } else { Duration::ZERO };
        let rest = self.rules.close_after.saturating_sub(ROUNDING + drift);
        let suspended = facts.and_then(|facts| facts.suspended.as_ref().or_else(|| facts.lifted(now)));
        let suspended = suspended.map(|suspension| suspension.since);
        match suspended.map(|since| now - since) {
            Some(rested) if rested >= rest => {}
            rested => wrong.push(format!("suspended for {rested:?} of {:?}", self.rules.close_after)),
        }
        let (reads, age) = self.knowledge.reads(sid, suspended.unwrap_or(now), now);
        if reads < 2 || age.is_none_or(|age| age > RACE) {
            wrong.push(format!(
                "its numbers were read {reads} times since it was suspended, last {age:?} before"
            ));
        }
        let (decided, unseen) =
            self.versions.decided(sid, terms, now, |begin, end| self.was_read_between(begin, end));
        if decided < rest {
            wrong.push(format!("decided for {decided:?} of {:?}", self.rules.close_after));
        } else if unseen {
            self.tally
                .count("closes after a withdrawal that was on the disk for too short a time to be seen");
        }
        for number in world.numbers_of(sid).filter(|number| !terms.release.contains(number.name())) {
            if let Some(what) = self.unnamed(sid, number.name(), now) {
                wrong.push(what);
            }
        }
        wrong
    }

    /// A number that goes with an account although no entry named it: a violation, unless the daemon could not know.
    pub(super) fn unnamed(&mut self, sid: &str, phone: &str, arrived: Instant) -> Option<String> {
        let entered = self.moved.get(phone);
        let suspension = self.facts.get(sid).and_then(|facts| facts.suspended.as_ref());
        if let Some(entered) = entered {
            let before = arrived.saturating_duration_since(entered.at);
            let in_a_race = entered.by_people
                && (before < RACE + MAX_LAG
                    || suspension.is_some_and(|suspension| {
                        suspension.dark
                            && suspension.since.saturating_duration_since(entered.at) < RACE + MAX_LAG
                    }));
            if in_a_race {
                self.tally
                    .count("numbers that people moved into an account where no list could show them in time");
                return None;
            }
        }
        let by_us = entered.is_some_and(|arrival| !arrival.by_people);
        if !by_us && !self.knowledge.has_shown(sid, phone, entered.map(|arrival| arrival.at)) {
            self.tally.count("numbers of a closed account that no list ever showed");
            return None;
        }
        let entered =
            entered.map(|arrival| (arrived.saturating_duration_since(arrival.at), arrival.by_people));
        let dark = suspension.map(|suspension| suspension.dark);
        Some(format!("it holds {phone}, which no entry names; it entered {entered:?} before, dark: {dark:?}"))
    }

    /// Returns true when a daemon that keeps what it sees has surely read the state between two instants.
    fn was_read_between(&self, begin: Instant, end: Instant) -> bool {
        let lived = |(born, died): &(Instant, Option<Instant>)| {
            died.unwrap_or(end).min(end).saturating_duration_since((*born).max(begin))
        };
        self.lives.iter().any(|life| lived(life) >= self.rules.unseen())
    }
}
