//! A small fleet at Twilio and on the disk, as the events of a schedule change it.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::{
    chaos::Chaos,
    edits::Editor,
    small::fleet::{Desired, SmallFleet},
    state::{Entry, Terms, Word},
};

pub(crate) struct Stage {
    pub(crate) chaos: Chaos,
    pub(crate) editor: Editor,
    pub(crate) sids: Vec<String>,
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
            sids: Vec::new(),
            phones: Vec::new(),
            repair_at: None,
            held: vec![BTreeSet::new(); fleet.accounts.len()],
        };
        stage.sids = fleet.accounts.iter().map(|_| stage.chaos.open_empty_account()).collect();
        for number in &fleet.numbers {
            let holder = number.holder.map_or(crate::MAIN, |at| stage.sids[at].as_str()).to_owned();
            let phone = stage.chaos.buy_number(&holder);
            if let Some(at) = number.holder {
                stage.held[at].insert(phone.clone());
            }
            stage.phones.push(phone);
        }
        for (at, account) in fleet.accounts.iter().enumerate() {
            stage.chaos.set_status(&stage.sids[at].clone(), account.is.status());
            stage.put(at, account.desired);
        }
        for (phone, number) in stage.phones.clone().into_iter().zip(&fleet.numbers) {
            if let Some(at) = number.claimant {
                stage.entry(at).numbers.insert(phone);
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
        let sid = &self.sids[account];
        self.editor
            .state
            .entries
            .entry(sid.clone())
            .or_insert_with(|| Entry::new(Word::Active, account % crate::state::FILES))
    }

    fn put(&mut self, account: usize, desired: Desired) {
        let sid = self.sids[account].clone();
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
        if let Some(entry) = self.editor.state.entries.get_mut(&self.sids[account]) {
            edit(entry);
            self.editor.save();
        }
    }

    /// Only entries that may claim a number do, and only one of them.
    pub(crate) fn claim(&mut self, number: usize, claimant: Option<usize>) {
        let phone = self.phones[number].clone();
        let state = &mut self.editor.state;
        let claimant = claimant.map(|at| &self.sids[at]);
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
