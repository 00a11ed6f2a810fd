//! A small fleet at Twilio and on the disk, as the events of a schedule change it.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::{
    chaos::Chaos,
    edits::Editor,
    small::fleet::{Desired, Is, SmallFleet},
    state::{Entry, Terms, Word, is_sid},
};

/// The URL that a claim names for a number that is elsewhere in the beginning.
const URL: &str = "https://example.com/number";
/// The settings with that URL.
const SETTINGS: [&str; 2] = ["SmsUrl", "VoiceUrl"];

pub(crate) struct Stage {
    pub(crate) chaos: Chaos,
    pub(crate) editor: Editor,
    /// The keys of the accounts in the state: names for those that are absent in the beginning.
    keys: Vec<String>,
    pub(crate) phones: Vec<String>,
    /// The end of a pause or of a broken file.
    pub(crate) repair_at: Option<Instant>,
    /// The numbers that each account holds in the beginning.
    held: Vec<BTreeSet<String>>,
}

impl Stage {
    pub(crate) fn new(fleet: &SmallFleet, chaos: Chaos, editor: Editor) -> Self {
        let mut stage = Self {
            chaos,
            editor,
            keys: Vec::new(),
            phones: Vec::new(),
            repair_at: None,
            held: vec![BTreeSet::new(); fleet.accounts.len()],
        };
        for (at, account) in fleet.accounts.iter().enumerate() {
            let key = match account.is {
                Is::Active | Is::Suspended | Is::Closed => stage.chaos.open_empty_account(),
                Is::Absent => format!("customer {at}"),
            };
            stage.keys.push(key);
        }
        for number in &fleet.numbers {
            let holder = number.holder.map_or(crate::MAIN, |at| stage.keys[at].as_str()).to_owned();
            let phone = stage.chaos.buy_number(&holder);
            if let Some(at) = number.holder {
                stage.held[at].insert(phone.clone());
            }
            stage.phones.push(phone);
        }
        for (at, account) in fleet.accounts.iter().enumerate() {
            if let Some(status) = account.is.status() {
                stage.chaos.set_status(&stage.keys[at], status);
            }
            stage.put(at, account.desired);
        }
        for (phone, number) in stage.phones.clone().into_iter().zip(&fleet.numbers) {
            if let Some(at) = number.claimant {
                let entry = stage.entry(at);
                if number.holder != Some(at) {
                    let named = SETTINGS.map(|name| (name.to_owned(), URL.to_owned())).into();
                    entry.own.insert(phone.clone(), named);
                }
                entry.numbers.insert(phone);
            }
        }
        // What is claimed is not released.
        for at in 0..fleet.accounts.len() {
            stage.put(at, fleet.accounts[at].desired);
        }
        stage.editor.save();
        stage
    }

    fn entry(&mut self, account: usize) -> &mut Entry {
        let key = &self.keys[account];
        self.editor
            .state
            .entries
            .entry(key.clone())
            .or_insert_with(|| Entry::new(Word::Active, account % crate::state::FILES))
    }

    /// The SID of an account; none before it was created.
    pub(crate) fn sid(&self, account: usize) -> Option<String> {
        let key = &self.keys[account];
        if is_sid(key) {
            return Some(key.clone());
        }
        self.editor.judge.book().names.accounts_of(key).next().map(str::to_owned)
    }

    /// A close needs the SID: it is written into the entry first.
    fn pin(&mut self, account: usize) -> bool {
        let Some(sid) = self.sid(account) else { return false };
        if let Some(entry) = self.editor.state.entries.remove(&self.keys[account]) {
            self.editor.state.entries.insert(sid.clone(), entry);
        }
        self.keys[account] = sid;
        true
    }

    fn put(&mut self, account: usize, desired: Desired) {
        if desired.closes() && !self.pin(account) {
            return;
        }
        let sid = self.keys[account].clone();
        if desired == Desired::Unlisted {
            self.editor.state.entries.remove(&sid);
            return;
        }
        let confirm = self.editor.name_of(&sid);
        let claimed = |phone: &&String| {
            let claims = |(by, entry): (&String, &Entry)| *by != sid && entry.numbers.contains(*phone);
            self.editor.state.entries.iter().any(claims)
        };
        let release = self.held[account].iter().filter(|phone| !claimed(phone)).cloned().collect();
        let entry = self.entry(account);
        entry.word = match desired {
            Desired::Unlisted | Desired::Active => Word::Active,
            Desired::Suspended => Word::Suspended,
            Desired::ClosedReleasing | Desired::ClosedBare | Desired::ClosedToMain => Word::Closed,
        };
        entry.terms = Terms {
            confirm: if desired.closes() { confirm } else { String::new() },
            release: if desired == Desired::ClosedReleasing { release } else { BTreeSet::new() },
            to_main: desired == Desired::ClosedToMain,
        };
        if desired.closes() {
            entry.numbers.clear();
        }
    }

    /// The state says something else about an account.
    pub(crate) fn say(&mut self, account: usize, desired: Desired) {
        self.put(account, desired);
        self.editor.save();
    }

    pub(crate) fn edit(&mut self, account: usize, edit: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.editor.state.entries.get_mut(&self.keys[account]) {
            edit(entry);
            self.editor.save();
        }
    }

    /// Only entries that may claim a number do, and only one of them.
    pub(crate) fn claim(&mut self, number: usize, claimant: Option<usize>) {
        let phone = self.phones[number].clone();
        let state = &mut self.editor.state;
        let claimant = claimant.map(|at| &self.keys[at]);
        let may =
            claimant.and_then(|sid| state.entries.get(sid)).is_some_and(|entry| entry.word != Word::Closed);
        if claimant.is_some() && (!may || state.is_named_in_a_release(&phone)) {
            return;
        }
        for (sid, entry) in &mut state.entries {
            if Some(sid) == claimant {
                entry.numbers.insert(phone.clone());
            } else {
                entry.numbers.remove(&phone);
            }
        }
        self.editor.save();
    }

    /// Others create an account with the name of an entry without a SID.
    pub(crate) fn create_a_namesake(&mut self, account: usize) {
        let key = self.keys[account].clone();
        if !is_sid(&key) {
            self.chaos.create(&key);
        }
    }

    pub(crate) fn set_lag(&self, ms: u64) {
        let mut world = self.chaos.sim.world();
        world.switches_mut().account_list_lag_ms = ms;
        world.switches_mut().number_list_lag_ms = ms;
    }

    /// Ends what is over.
    pub(crate) fn tick(&mut self) {
        if self.repair_at.take_if(|at| *at <= Instant::now()).is_some() {
            (self.editor.state.paused, self.editor.state.tab) = (false, None);
            self.editor.save();
        }
    }
}
