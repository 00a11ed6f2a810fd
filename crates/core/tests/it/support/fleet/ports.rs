//! The other ports of an execution: the record, the precondition, and a stopwatch that does not advance.

use std::time::Duration;

use subaccountd_core::{
    AccountRef, Action, Outcome, PhoneNumber, Planned, Skip, SkipCause,
    history::{Event, Write},
    record::{Precondition, Record, Stopwatch},
};

use super::{Boundary, Fleet};

impl Record for Fleet {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        let id = self.history.lock().unwrap().next_id();
        if self.death(id, Boundary::BeforeIntent) {
            return Err("dead".to_owned());
        }
        self.free.lock().unwrap().insert(planned.action.to_string(), planned.exempt);
        self.event(&Event::Intent { id, at: self.stamp(), write: Write::from(planned) });
        self.death(id, Boundary::AfterIntent);
        Ok(id)
    }

    async fn skipped(&self, planned: &Planned, skip: &Skip) {
        if skip.cause.is_proof() && !self.death.lock().unwrap().dead {
            let (kind, target) = (planned.action.kind(), planned.action.target());
            let (entry, seen) = (planned.entry.clone(), skip.message.clone());
            self.event(&Event::ProofFailed { kind, target, at: self.stamp(), entry, seen });
        }
    }

    async fn outcome(&self, id: u64, _: &Planned, outcome: &Outcome) {
        if self.death(id, Boundary::BeforeOutcome) {
            return;
        }
        // Half of the lost ones are crashes: nothing was recorded.
        if !(matches!(outcome, Outcome::Unknown(_)) && id.is_multiple_of(2)) {
            self.event(&Event::Outcome { id, at: self.stamp(), outcome: outcome.clone() });
        }
    }
}

impl Precondition for Fleet {
    async fn check(&self, planned: &Planned) -> Result<(), Skip> {
        let (accounts, numbers) = objects(&planned.action);
        let history = self.history();
        let planned = self.desired.resolved(|name| history.created(name));
        if planned.agrees_on(&self.current(), &accounts, &numbers) {
            Ok(())
        } else {
            Err(Skip::new(SkipCause::StateChanged, "the state changed"))
        }
    }

    fn may_begin(&self) -> Result<(), Skip> {
        Ok(())
    }
}

impl Stopwatch for Fleet {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// The accounts and numbers that `action` is about.
fn objects(action: &Action) -> (Vec<AccountRef>, Vec<PhoneNumber>) {
    match action {
        Action::Reactivate(_) | Action::Create(_) | Action::Suspend(_) | Action::EndCalls(_) => {
            (vec![action.account()], Vec::new())
        }
        Action::Transfer(transfer) => (vec![transfer.from.into(), transfer.to.into()], vec![transfer.phone]),
        Action::Configure(configure) => (vec![configure.account.into()], vec![configure.phone]),
        Action::Release(release) => (vec![release.account.sid.into()], vec![release.phone]),
        Action::Close(close) => (vec![close.account.sid.into()], close.listed.values().copied().collect()),
    }
}
