//! Edits of entries without a SID.

use fastrand::Rng;

use super::Editor;
use crate::state::{Entry, FILES, Word, is_sid};

/// The most of them whose account is not there yet.
const MAX_WAITING: usize = 2;

impl Editor {
    fn waits(&self, name: &str) -> bool {
        !is_sid(name) && self.judge.book().names.accounts_of(name).next().is_none()
    }

    /// Adds an entry without a SID, gives one another name, or writes the SID into one.
    pub(super) fn edit_nameless(&mut self, rng: &mut Rng) {
        match rng.u8(0..8) {
            0 => self.edit_a_name(rng),
            1..4 => self.pin(rng),
            _ => self.add_nameless(rng),
        }
    }

    pub(crate) fn add_nameless(&mut self, rng: &mut Rng) {
        if self.state.entries.keys().filter(|key| self.waits(key)).count() >= MAX_WAITING {
            return;
        }
        let name = self.next_name(rng);
        let word = if rng.u8(0..4) == 0 { Word::Suspended } else { Word::Active };
        let entry = Entry {
            end_calls: rng.bool(),
            defaults: super::terms::defaults(rng),
            ..Entry::new(word, rng.usize(0..FILES))
        };
        self.state.entries.insert(name, entry);
        self.count("entries without a SID");
    }

    fn next_name(&mut self, rng: &mut Rng) -> String {
        self.nameless += 1;
        let n = self.nameless;
        [format!("new {n}"), format!("Neü-{n}"), format!("n{n} & <co>")][rng.usize(0..3)].clone()
    }

    /// A name is edited: that must not begin a second account.
    fn edit_a_name(&mut self, rng: &mut Rng) {
        if let Some(name) = self.pick(rng, |key, entry| !is_sid(key) && !entry.misspelt)
            && let Some(entry) = self.state.entries.remove(&name)
        {
            let name = self.next_name(rng);
            self.state.entries.insert(name, entry);
            self.count("names of entries edited");
        }
    }

    /// Writes the SID of the account into an entry, as `subaccountd pin` does; rarely into a second entry.
    fn pin(&mut self, rng: &mut Rng) {
        let account = |name: &str| {
            let book = self.judge.book();
            let account = book.names.accounts_of(name).next().map(str::to_owned);
            account.filter(|sid| !self.state.entries.contains_key(sid))
        };
        let Some(name) = self.pick(rng, |key, _| !is_sid(key) && account(key).is_some()) else { return };
        let Some(sid) = account(&name) else { return };
        let entry = if rng.u8(0..8) == 0 {
            Some(Entry::new(Word::Active, rng.usize(0..FILES)))
        } else {
            self.state.entries.remove(&name)
        };
        if let Some(entry) = entry {
            self.state.entries.insert(sid, entry);
            self.count("entries pinned");
        }
    }
}
