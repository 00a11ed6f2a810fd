//! The judge of creates: I13.

use tokio::time::Instant;
use twilio_sim::{AccountStatus, World};

use super::{Book, RACE};

/// The count of creates that no list could warn of: one that lost rows shows no account of that name.
pub const HIDDEN_NAMESAKE: &str = "creates beside an account of that name that no list showed";

impl Book {
    /// I13: judges a create by what was created before, by what the last account list showed, and by what the state means.
    pub(super) fn creates(&mut self, name: &str, world: &World, now: Instant) {
        let twice = self.names.forbids(name, now);
        let is_open = |account: &&str| {
            world.account(account).is_some_and(|account| account.status != AccountStatus::Closed)
        };
        let listed = self.knowledge.listed(name).filter(is_open);
        let listed = listed.map(|account| format!("{account} was listed with this name"));
        let unmeant = self.unmeant(world, now).map(|of| format!("no entry means {of}"));
        for what in [twice, listed, unmeant].into_iter().flatten() {
            let story = self.versions.story(name, now);
            self.violation(&format!("I13: create of `{name}`: {what}{story}"));
        }
        if world
            .accounts()
            .any(|account| account.friendly_name == name && account.status != AccountStatus::Closed)
        {
            self.tally.count(HIDDEN_NAMESAKE);
        }
    }

    /// An account that was created, or that may be, and that no entry has meant since a daemon may have read the state.
    fn unmeant(&self, world: &World, now: Instant) -> Option<String> {
        let recent = || self.versions.back(now).take_while(|(_, end, _)| now - *end < RACE);
        let is_meant = |name: &str, account: Option<&str>| {
            recent().any(|(_, _, state)| {
                let mut accounts = self.names.accounts_of(name).chain(account);
                state.entries.contains_key(name) || accounts.any(|sid| state.entries.contains_key(sid))
            })
        };
        let is_open = |account: Option<&str>| {
            account.is_none_or(|sid| {
                world.account(sid).is_some_and(|account| account.status != AccountStatus::Closed)
            })
        };
        let mut unmeant =
            self.names.open(now).filter(|(name, account)| !is_meant(name, *account) && is_open(*account));
        unmeant.next().map(|(name, account)| format!("{account:?}, created as `{name}`"))
    }

    /// Records the account that a create made: the one that was not there before.
    pub(super) fn created(&mut self, request_id: &str, world: &World) {
        let is_new = |sid: &str| !world.is_main(sid) && !self.names.has(sid);
        let new = world.accounts().find(|account| is_new(account.sid.as_str()));
        if let Some(account) = new {
            self.names.created(request_id, &account.sid, &account.friendly_name);
            self.tally.tell(&format!("created {}", account.sid));
        }
    }
}
