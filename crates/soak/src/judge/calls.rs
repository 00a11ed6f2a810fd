//! The judge of the ends of calls.

use std::collections::BTreeMap;

use tokio::time::Instant;
use twilio_sim::{AccountStatus, World};

use super::{Book, RACE};

/// The calls of the world.
#[derive(Default)]
pub(crate) struct Calls(BTreeMap<String, Begun>);

struct Begun {
    at: Instant,
    /// It is an emergency call, or of the family of one.
    protected: bool,
}

impl Calls {
    pub(crate) fn began(&mut self, call: &str, protected: bool) {
        self.0.insert(call.to_owned(), Begun { at: Instant::now(), protected });
    }

    pub(crate) fn is_protected(&self, call: &str) -> bool {
        self.0.get(call).is_some_and(|begun| begun.protected)
    }
}

impl Book {
    /// A call is ended in the account that it belongs to and that is suspended; never an emergency call, and never one that began
    /// after a reactivation.
    pub(super) fn ends_call(&mut self, account: &str, call: &str, world: &World, now: Instant) {
        let owner = world.call(call).map(|call| call.owner.as_str());
        if owner.is_some_and(|owner| owner != account) {
            self.violation(&format!("calls: {call} of {owner:?} was ended as one of {account}"));
        }
        let Some(begun) = self.calls.0.get(call) else {
            return self.violation(&format!("calls: {call}, which is not known"));
        };
        let lifted = self.facts.get(account).and_then(|facts| facts.reactivated);
        let is_suspended = world.status(account) == Some(AccountStatus::Suspended);
        let wrong = match lifted {
            _ if begun.protected => Some("it is an emergency call, or of the family of one".to_owned()),
            _ if is_suspended => None,
            None => Some(format!("{account} was never suspended")),
            Some(lifted) if begun.at >= lifted => Some("it began after a reactivation".to_owned()),
            Some(lifted) if now - lifted > RACE => {
                Some(format!("{account} is active since {:?}", now - lifted))
            }
            Some(_) => None,
        };
        match wrong {
            Some(what) => self.violation(&format!("calls: the end of {call}: {what}")),
            None if !is_suspended => {
                self.tally.count("ends of calls whose account was reactivated since the last look");
            }
            None => {}
        }
    }
}
