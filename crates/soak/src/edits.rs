//! Constant edits of the state, with and without faults.

mod nameless;
mod terms;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use fastrand::Rng;
use twilio_sim::{AccountStatus, Sim};

use crate::{
    judge::Judge,
    state::{Entry, FILES, Folder, State, Terms, Word, is_sid},
};

pub(crate) use terms::value;

/// The state as it is on the disk, and the edits that follow later.
pub(crate) struct Editor {
    pub(crate) sim: Sim,
    pub(crate) judge: Judge,
    pub(crate) folder: Folder,
    pub(crate) state: State,
    wrote: Vec<String>,
    removed: Vec<(String, Entry)>,
    repair_at: Option<Instant>,
    resume_at: Option<Instant>,
    /// The number of entries without a SID so far.
    nameless: u64,
    /// Closes that were withdrawn, and the times at which they are decided again.
    again: Vec<(Instant, String)>,
}

impl Editor {
    pub(crate) fn new(sim: Sim, judge: Judge, folder: Folder) -> Self {
        Self {
            sim,
            judge,
            folder,
            state: State::default(),
            wrote: Vec::new(),
            removed: Vec::new(),
            repair_at: None,
            resume_at: None,
            nameless: 0,
            again: Vec::new(),
        }
    }

    fn count(&self, what: &str) {
        self.judge.book().tally.count(format!("edit: {what}"));
    }

    /// Writes the state, which counts from then on.
    pub(crate) fn save(&mut self) {
        let since = Instant::now();
        self.folder.write(&self.state, &mut self.wrote);
        self.tell();
        self.judge.book().versions.push(since, Arc::new(self.state.clone()));
    }

    /// Tells what the state says differently from its last version.
    fn tell(&self) {
        let mut book = self.judge.book();
        let told = book.versions.changes(&self.state);
        for line in &told {
            book.tally.tell(line);
        }
    }

    fn pick(&self, rng: &mut Rng, which: impl Fn(&str, &Entry) -> bool) -> Option<String> {
        let fit: Vec<_> = self.state.entries.iter().filter(|(sid, entry)| which(sid, entry)).collect();
        (!fit.is_empty()).then(|| fit[rng.usize(0..fit.len())].0.clone())
    }

    fn is_closed(&self, sid: &str) -> bool {
        let status = self.sim.world().account(sid).map(|account| account.status);
        status.is_none_or(|status| status == AccountStatus::Closed)
    }

    fn rests(&self, sid: &str) -> bool {
        self.sim.world().status(sid) == Some(AccountStatus::Suspended)
    }

    /// Returns true when so many changes are pending that the limits would hold any more.
    fn is_behind(&self) -> bool {
        let world = self.sim.world();
        let active = |sid: &str| world.status(sid) == Some(AccountStatus::Active);
        let open = self.state.entries.iter().filter(|(sid, entry)| active(sid) && !entry.paused);
        let suspends = |(_, entry): &(&String, &Entry)| entry.word == Word::Suspended;
        let transfers = |(sid, entry): (&String, &Entry)| {
            let elsewhere =
                |phone: &&String| world.owner_of(phone).is_some_and(|owner| owner != sid.as_str());
            entry.numbers.iter().filter(elsewhere).count()
        };
        open.clone().filter(suspends).count() > 2 || open.map(transfers).sum::<usize>() > 3
    }

    /// The numbers of an account that a state can name.
    fn numbers_of(&self, sid: &str) -> Vec<String> {
        let world = self.sim.world();
        world.numbers_of(sid).filter(|number| number.is_e164()).map(|n| n.phone_number.clone()).collect()
    }

    pub(crate) fn name_of(&self, sid: &str) -> String {
        self.sim.world().account(sid).map(|account| account.friendly_name.clone()).unwrap_or_default()
    }

    /// Adds an entry for an account that has none.
    pub(crate) fn list(&mut self, sid: &str, rng: &mut Rng) {
        let numbers = self
            .numbers_of(sid)
            .into_iter()
            .filter(|phone| self.state.claimant(phone).is_none() && !self.state.is_named_in_a_release(phone));
        let numbers = numbers.filter(|_| rng.bool()).collect();
        let entry = Entry {
            numbers,
            end_calls: rng.bool(),
            defaults: terms::defaults(rng),
            ..Entry::new(Word::Active, rng.usize(0..FILES))
        };
        self.state.entries.insert(sid.to_owned(), entry);
        self.count("listed");
    }

    /// Makes the edits that are due.
    pub(crate) fn tick(&mut self, rng: &mut Rng) {
        let now = Instant::now();
        if self.repair_at.take_if(|at| *at <= now).is_some() {
            self.state.tab = None;
            self.state.entries.values_mut().for_each(|entry| entry.misspelt = false);
            self.save();
            return;
        }
        if self.resume_at.take_if(|at| *at <= now).is_some() {
            self.state.paused = false;
            self.save();
            return;
        }
        if let Some(at) = self.again.iter().position(|(at, _)| *at <= now) {
            let (_, sid) = self.again.swap_remove(at);
            if self.state.entries.contains_key(&sid) {
                self.close_again(&sid);
                self.save();
            }
            return;
        }
        // The close of a renamed account is confirmed with the new name.
        let mistaken = |sid: &str, entry: &Entry| {
            entry.word == Word::Closed && !self.is_closed(sid) && entry.terms.confirm != self.name_of(sid)
        };
        if rng.u8(0..20) == 0
            && let Some(sid) = self.pick(rng, mistaken)
        {
            let name = self.name_of(&sid);
            self.state.entries.get_mut(&sid).unwrap().terms.confirm = name;
            self.count("confirmations corrected");
            self.save();
            return;
        }
        // Closed accounts leave the state after a while.
        if let Some(sid) = self.pick(rng, |sid, entry| entry.word == Word::Closed && self.is_closed(sid))
            && rng.u8(0..10) == 0
        {
            self.state.entries.remove(&sid);
            self.count("closed entries removed");
            self.save();
        }
    }

    /// Withdraws what the last write was for, or one in flight: a delayed write would be noticed.
    pub(crate) fn contradict(&mut self, rng: &mut Rng) {
        let last = self.judge.book().last[rng.usize(0..2)].take();
        let Some(sid) = last.filter(|sid| self.state.entries.contains_key(sid)) else { return };
        let word = self.state.entries[&sid].word;
        match (word, rng.u8(0..8)) {
            (_, 0) => {
                if let Some(entry) = self.state.entries.remove(&sid) {
                    self.removed.push((sid, entry));
                }
            }
            (_, 1) => self.state.entries.get_mut(&sid).unwrap().paused ^= true,
            (_, 2) if !self.state.paused => {
                self.state.paused = true;
                self.resume_at = Some(Instant::now() + Duration::from_millis(rng.u64(50..9_000)));
            }
            (Word::Closed, _) => self.withdraw(&sid, rng),
            (Word::Active, 3..6) => self.state.entries.get_mut(&sid).unwrap().numbers.clear(),
            (Word::Active, _) => self.state.entries.get_mut(&sid).unwrap().word = Word::Suspended,
            (Word::Suspended, _) => self.state.entries.get_mut(&sid).unwrap().word = Word::Active,
        }
        self.count("contradictions of the last write");
        self.save();
    }

    fn close_again(&mut self, sid: &str) {
        let name = self.name_of(sid);
        let entry = self.state.entries.get_mut(sid).unwrap();
        entry.numbers.clear();
        entry.word = Word::Closed;
        if entry.terms.confirm.is_empty() {
            entry.terms.confirm = name;
        }
        let Terms { release, .. } = entry.terms.clone();
        // A number that is claimed meanwhile cannot be released.
        let free: BTreeSet<_> =
            release.into_iter().filter(|phone| self.state.claimant(phone).is_none()).collect();
        if let Some(entry) = self.state.entries.get_mut(sid) {
            entry.terms.release = free;
        }
        self.count("closes decided again");
    }

    fn close(&mut self, sid: &str, rng: &mut Rng) {
        let free = self.numbers_of(sid).into_iter().filter(|phone| {
            self.state.claimant(phone).is_none_or(|claimant| claimant == sid)
                && !self.state.is_named_in_a_release(phone)
        });
        let to_main = rng.u8(0..3) == 0;
        let few = rng.u8(0..3) == 0;
        let release = free.filter(|_| !to_main && (!few || rng.bool())).collect();
        let confirm = if rng.u8(0..12) == 0 { "wrong".to_owned() } else { self.name_of(sid) };
        if let Some(entry) = self.state.entries.get_mut(sid) {
            entry.word = Word::Closed;
            entry.numbers.clear();
            entry.paused = false;
            entry.terms = Terms { confirm, release, to_main };
        }
        self.count("closes decided");
    }

    fn withdraw(&mut self, sid: &str, rng: &mut Rng) {
        if let Some(entry) = self.state.entries.get_mut(sid) {
            entry.word = if rng.u8(0..4) > 0 { Word::Suspended } else { Word::Active };
            self.count("closes withdrawn");
            if rng.u8(0..4) > 0 {
                let later = [rng.u64(20..400), rng.u64(400..3_000), rng.u64(3_000..15_000)][rng.usize(0..3)];
                self.again.push((Instant::now() + Duration::from_millis(later), sid.to_owned()));
            }
        }
    }

    fn extend(&mut self, sid: &str) {
        let held = self
            .numbers_of(sid)
            .into_iter()
            .filter(|phone| self.state.claimant(phone).is_none() && !self.state.is_named_in_a_release(phone));
        let held: Vec<_> = held.collect();
        let confirm = self.name_of(sid);
        if let Some(entry) = self.state.entries.get_mut(sid) {
            entry.terms.release.extend(held);
            entry.terms.confirm = confirm;
            self.count("close.release extended");
        }
    }

    fn claim(&mut self, rng: &mut Rng) {
        let taken =
            |phone: &str| self.state.claimant(phone).is_some() || self.state.is_named_in_a_release(phone);
        let free: Vec<_> = {
            let world = self.sim.world();
            let numbers = world.numbers().filter(|number| number.is_e164());
            numbers.map(|n| n.phone_number.clone()).filter(|phone| !taken(phone)).collect()
        };
        let Some(sid) = self.pick(rng, |_, entry| entry.word == Word::Active) else { return };
        if free.is_empty() {
            return;
        }
        let phone = free[rng.usize(0..free.len())].clone();
        self.state.entries.get_mut(&sid).unwrap().numbers.insert(phone);
        self.count("numbers claimed");
    }

    /// Moves a claim: it is removed here, and added elsewhere in a later edit.
    fn unclaim(&mut self, rng: &mut Rng) {
        if let Some(sid) = self.pick(rng, |_, entry| !entry.numbers.is_empty()) {
            let numbers = &mut self.state.entries.get_mut(&sid).unwrap().numbers;
            let phone = numbers.iter().nth(rng.usize(0..numbers.len())).cloned().unwrap();
            numbers.remove(&phone);
            self.count("claims removed");
        }
    }

    fn fault(&mut self, rng: &mut Rng) {
        if self.state.is_faulty() {
            return;
        }
        if rng.bool() {
            self.state.tab = Some(rng.usize(0..FILES));
            self.count("tabs");
        } else if let Some(sid) = self.pick(rng, |_, _| true) {
            self.state.entries.get_mut(&sid).unwrap().misspelt = true;
            self.count("misspelt keys");
        }
        let longest = if rng.u8(0..4) == 0 { 10_000 } else { 4_000 };
        self.repair_at = Some(Instant::now() + Duration::from_millis(rng.u64(50..longest)));
    }

    /// Makes one edit of one file.
    pub(crate) fn edit(&mut self, rng: &mut Rng, calm: bool) {
        let closing = self.state.entries.values().filter(|entry| entry.word == Word::Closed).count();
        let behind = self.is_behind();
        let active = |key: &str, entry: &Entry| is_sid(key) && entry.word != Word::Closed;
        match rng.u8(0..116) {
            100..106 => self.edit_nameless(rng),
            106..113 => self.edit_settings(rng),
            113.. => self.edit_end_calls(rng),
            0..22 => {
                if closing < 7
                    && !behind
                    && let Some(sid) = self.pick(rng, active)
                {
                    self.close(&sid, rng);
                }
            }
            22..30 => {
                if let Some(sid) = self.pick(rng, |sid, entry| {
                    entry.word == Word::Closed && (self.rests(sid) || !calm && !self.is_closed(sid))
                }) {
                    self.withdraw(&sid, rng);
                }
            }
            30..40 => {
                if let Some(sid) =
                    self.pick(rng, |sid, entry| entry.word == Word::Closed && !self.is_closed(sid))
                    && (!calm || self.numbers_of(&sid).len() > self.state.entries[&sid].terms.release.len())
                {
                    self.extend(&sid);
                }
            }
            40..52 => {
                if !behind && let Some(sid) = self.pick(rng, |_, entry| entry.word == Word::Active) {
                    self.state.entries.get_mut(&sid).unwrap().word = Word::Suspended;
                    self.count("suspended");
                }
            }
            52..64 => {
                if let Some(sid) = self.pick(rng, |_, entry| entry.word == Word::Suspended) {
                    self.state.entries.get_mut(&sid).unwrap().word = Word::Active;
                    self.count("reactivated");
                }
            }
            64..76 if !behind => self.claim(rng),
            64..82 => self.unclaim(rng),
            82..86 => self.remove_or_put_back(rng, calm),
            86..90 => {
                if let Some(sid) = self.pick(rng, |_, entry| entry.paused || !calm) {
                    let entry = self.state.entries.get_mut(&sid).unwrap();
                    entry.paused = !entry.paused && !calm;
                    self.count("entries paused or resumed");
                }
            }
            90..94 => {
                if !self.state.paused && !calm {
                    self.state.paused = true;
                    self.resume_at = Some(Instant::now() + Duration::from_millis(rng.u64(50..4_000)));
                    self.count("all paused and resumed");
                }
            }
            _ => {
                if !calm {
                    self.fault(rng);
                }
            }
        }
        self.save();
    }

    fn remove_or_put_back(&mut self, rng: &mut Rng, calm: bool) {
        if let Some((sid, mut entry)) = self.removed.pop() {
            let free = |phone: &String| {
                self.state.claimant(phone).is_none() && !self.state.is_named_in_a_release(phone)
            };
            entry.numbers.retain(free);
            entry.terms.release.retain(free);
            self.state.entries.entry(sid).or_insert(entry);
            self.count("entries put back");
        } else if let Some(sid) = self.pick(rng, |_, entry| !calm && !entry.misspelt) {
            let entry = self.state.entries.remove(&sid).unwrap();
            self.removed.push((sid, entry));
            self.count("entries removed");
        }
    }

    /// Removes all faults and pauses from the state.
    pub(crate) fn heal(&mut self) {
        self.again.clear();
        self.state.tab = None;
        self.state.paused = false;
        for entry in self.state.entries.values_mut() {
            (entry.misspelt, entry.paused) = (false, false);
        }
        self.save();
    }
}
