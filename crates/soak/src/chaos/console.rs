//! What people do in the Console besides statuses and places of numbers: new accounts, names, settings of numbers; and calls.

use fastrand::Rng;
use twilio_sim::{
    Behavior, Call, CallDirection, CallSid, CallStatus, NamedSettings, NumberSid, Sim, TransferEffect,
};

use super::Chaos;
use crate::{ask::SETTINGS, edits::value};

/// The called ends of emergency calls.
const EMERGENCY: [&str; 3] = ["911", "112", "+911"];

impl Chaos {
    /// People create an account with the name of an entry without a SID, or with one that differs in case, or give such a name
    /// to another account.
    pub(super) fn take_a_name(&mut self, sid: &str, rng: &mut Rng) {
        let names = self.judge.book().versions.nameless();
        if names.is_empty() {
            return;
        }
        let name = names[rng.usize(0..names.len())].clone();
        match rng.u8(0..3) {
            0 => self.create(&name),
            1 => self.create(&name.to_uppercase()),
            _ => self.edit(sid, "renames to the name of an entry", |account, book| {
                account.friendly_name = name;
                book.renamed(&account.sid);
            }),
        }
    }

    pub(crate) fn create(&mut self, name: &str) {
        let now = self.sim.now();
        let mut world = self.sim.world();
        // The main account may have its most subaccounts.
        if let Ok(sid) = world.create_account(name, now) {
            self.judge.book().names.made_by_people(&sid, name);
            self.count("people: accounts created with the name of an entry");
        }
    }

    /// Changes a setting of a number.
    pub(super) fn configure(&self, rng: &mut Rng) {
        let numbers: Vec<NumberSid> = self.sim.world().numbers().map(|number| number.sid.clone()).collect();
        if numbers.is_empty() {
            return;
        }
        let sid = &numbers[rng.usize(0..numbers.len())];
        let name = SETTINGS[rng.usize(0..SETTINGS.len())];
        let value = value(name, rng);
        let edited = self.sim.edit_number(sid, |number| match name {
            "FriendlyName" => number.friendly_name = value,
            _ => number.settings.set(name, &value).unwrap(),
        });
        edited.unwrap();
        self.count("people: settings of numbers");
    }

    /// Calls of an account begin, some of them emergency calls with a family.
    pub(super) fn begin_calls(&mut self, sid: &str, rng: &mut Rng) {
        if rng.u8(0..4) == 0 {
            let parent = self.begin_call(sid, Call::TO, None, CallStatus::InProgress, true);
            self.begin_call(sid, EMERGENCY[rng.usize(0..3)], Some(&parent), CallStatus::InProgress, true);
            self.begin_call(sid, Call::TO, Some(&parent), CallStatus::Ringing, true);
            self.count("emergency calls with a family");
        }
        for _ in 0..rng.u8(1..3) {
            let status = [CallStatus::Queued, CallStatus::Ringing, CallStatus::InProgress][rng.usize(0..3)];
            self.begin_call(sid, Call::TO, None, status, false);
        }
        self.count("calls begun");
    }

    fn begin_call(
        &mut self,
        owner: &str,
        to: &str,
        parent: Option<&CallSid>,
        status: CallStatus,
        protected: bool,
    ) -> CallSid {
        self.calls += 1;
        let (sid, now) = (CallSid::numbered(self.calls), self.sim.now());
        let call = Call::new(sid.clone(), owner.parse().unwrap(), status, now);
        let (to, parent_call_sid) = (to.to_owned(), parent.cloned());
        let call = Call { to, parent_call_sid, direction: CallDirection::OutboundApi, ..call };
        let mut world = self.sim.world();
        self.judge.book().calls.began(&sid, protected);
        world.begin_call(call, now).unwrap();
        sid
    }

    /// A call goes on: it is answered, or it ends. Emergency calls and their families last.
    pub(super) fn carry_on_a_call(&self, rng: &mut Rng) {
        let (now, mut world) = (self.sim.now(), self.sim.world());
        let open = world.calls().filter(|call| !call.status.is_over()).map(|call| call.sid.clone());
        let open: Vec<_> = open.filter(|sid| !self.judge.book().calls.is_protected(sid)).collect();
        if open.is_empty() {
            return;
        }
        let edited = world.edit_call(&open[rng.usize(0..open.len())], now, |call| {
            call.status = match call.status {
                CallStatus::Queued => CallStatus::Ringing,
                CallStatus::Ringing if rng.bool() => CallStatus::InProgress,
                CallStatus::Ringing => CallStatus::NoAnswer,
                _ => CallStatus::Completed,
            }
        });
        edited.unwrap();
    }

    /// What a transfer does to settings, what is done with settings that are named, and how late lists show new accounts and
    /// calls.
    pub(crate) fn change_habits(&self, rng: &mut Rng) {
        let effects = [TransferEffect::Kept, TransferEffect::Cleared, TransferEffect::Half];
        let named = [NamedSettings::Honored, NamedSettings::Ignored, NamedSettings::Half];
        let mut lag = || if rng.bool() { 0 } else { rng.u64(300..3_000) };
        let lags = [lag(), lag(), lag()];
        let mut world = self.sim.world();
        let switches = world.switches_mut();
        [switches.new_account_list_lag_ms, switches.new_account_fetch_lag_ms, switches.call_list_lag_ms] =
            lags;
        switches.webhooks = effects[rng.usize(0..3)];
        switches.transfer_settings = named[rng.usize(0..3)];
        switches.update_settings = named[rng.usize(0..5).saturating_sub(2)];
        self.count("changes of what happens to settings and new accounts");
    }
}

/// Ends what [`Chaos::change_habits`] and the like changed.
pub(super) fn end_habits(sim: &Sim) {
    let mut world = sim.world();
    let max_subaccounts = world.switches().max_subaccounts;
    *world.switches_mut() = Behavior { max_subaccounts, ..Behavior::default() };
}
