//! Twilio's rules for calls, and edits of calls without rules. A call goes on when its account is suspended.

use jiff::Timestamp;

use crate::world::{
    Unknown, World,
    account::AccountStatus,
    address::Address,
    behavior::{CallEffect, Policy},
    call::{Call, CallStatus},
    error::ApiError,
};

impl World {
    /// Ends a call: `completed` for a call in progress, `canceled` for one that is queued or rings, given as Twilio's value.
    pub fn end_call(&mut self, sid: &str, status: &str, now: Timestamp) -> Result<(), ApiError> {
        let call = self.call(sid).ok_or_else(|| ApiError::not_found(sid))?;
        let wanted = [CallStatus::Completed, CallStatus::Canceled]
            .into_iter()
            .find(|wanted| wanted.as_str() == status);
        let wanted = wanted.ok_or_else(|| ApiError::new(20422).about(format!("Status {status}")))?;
        match self.call_effect(call.status, wanted) {
            CallEffect::Ignored => {}
            CallEffect::Refused => return Err(ApiError::new(21220).about(call.status.as_str())),
            CallEffect::Allowed => {
                let ended = Call { status: wanted, end_time: Some(now), date_updated: now, ..call.clone() };
                self.put_call(ended, now);
            }
        }
        Ok(())
    }

    fn call_effect(&self, status: CallStatus, wanted: CallStatus) -> CallEffect {
        let canceled = wanted == CallStatus::Canceled;
        match status {
            CallStatus::InProgress if canceled => self.switches().cancel_in_progress,
            CallStatus::InProgress => CallEffect::Allowed,
            CallStatus::Queued | CallStatus::Ringing if canceled => CallEffect::Allowed,
            CallStatus::Queued | CallStatus::Ringing => self.switches().complete_unanswered,
            CallStatus::Completed
            | CallStatus::Busy
            | CallStatus::Failed
            | CallStatus::NoAnswer
            | CallStatus::Canceled => CallEffect::Refused,
        }
    }

    /// Refuses requests about the calls of a suspended account, when the switch says so.
    pub(crate) fn check_calls_of(&self, account: &str) -> Result<(), ApiError> {
        let suspended = self.status(account) == Some(AccountStatus::Suspended);
        match self.switches().suspended_calls {
            Policy::Refused if suspended => Err(ApiError::new(20005)),
            Policy::Refused | Policy::Allowed => Ok(()),
        }
    }

    /// Begins a call, or replaces the one with its SID, without any check of the account's status.
    pub fn begin_call(&mut self, call: Call, now: Timestamp) -> Result<(), Unknown> {
        if self.account(&call.owner).is_none() {
            return Err(Unknown(call.owner.to_string()));
        }
        self.put_call(call, now);
        Ok(())
    }

    /// Edits a call. Its SID and its account stay; a call that the edit ends, ends now; `date_updated` becomes `now` unless the edit sets it.
    pub fn edit_call(
        &mut self,
        sid: &str,
        now: Timestamp,
        edit: impl FnOnce(&mut Call),
    ) -> Result<(), Unknown> {
        let before = self.call(sid).ok_or_else(|| Unknown(sid.to_owned()))?;
        let mut call = before.clone();
        edit(&mut call);
        call.sid = before.sid.clone();
        call.owner = before.owner.clone();
        if call == *before {
            return Ok(());
        }
        if call.status.is_over() && !before.status.is_over() {
            call.end_time = Some(now);
        }
        if call.date_updated == before.date_updated {
            call.date_updated = now;
        }
        self.put_call(call, now);
        Ok(())
    }

    /// Removes a call, as Twilio does some time after its end.
    pub fn drop_call(&mut self, sid: &str, now: Timestamp) -> Result<(), Unknown> {
        self.call(sid).ok_or_else(|| Unknown(sid.to_owned()))?;
        self.take_call(sid, now);
        Ok(())
    }

    /// Adds an address to an account, or replaces the one with its SID.
    pub fn add_address(&mut self, address: Address) -> Result<(), Unknown> {
        if self.account(&address.owner).is_none() {
            return Err(Unknown(address.owner.to_string()));
        }
        self.put_address(address);
        Ok(())
    }

    /// Removes an address.
    pub fn drop_address(&mut self, sid: &str) -> Result<(), Unknown> {
        self.address(sid).ok_or_else(|| Unknown(sid.to_owned()))?;
        self.take_address(sid);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::sid::{AccountSid, CallSid};

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    fn world(status: CallStatus) -> World {
        let mut world = World::generated(1, 0);
        let call = Call::new(CallSid::numbered(1), AccountSid::numbered(1), status, Timestamp::UNIX_EPOCH);
        world.begin_call(call, now()).unwrap();
        world
    }

    #[test]
    fn a_call_ends_or_is_refused_as_its_status_asks() {
        use CallStatus::{Busy, Canceled, Completed, Failed, InProgress, NoAnswer, Queued, Ringing};
        let cases = [
            (Queued, "canceled", 0),
            (Ringing, "canceled", 0),
            (InProgress, "canceled", 21220),
            (Queued, "completed", 0),
            (Ringing, "completed", 0),
            (InProgress, "completed", 0),
            (Completed, "completed", 21220),
            (Canceled, "canceled", 21220),
            (Busy, "completed", 21220),
            (Failed, "completed", 21220),
            (NoAnswer, "canceled", 21220),
            (InProgress, "Completed", 20422),
            (InProgress, "busy", 20422),
        ];
        for (status, wanted, code) in cases {
            let mut world = world(status);
            let before = world.clone();
            let refused =
                world.end_call(&CallSid::numbered(1), wanted, now()).err().map_or(0, |error| error.code);
            assert_eq!(refused, code, "{status:?} {wanted}");
            let call = world.call(&CallSid::numbered(1)).unwrap();
            if code == 0 {
                assert_eq!((call.status.as_str(), call.end_time), (wanted, Some(now())));
            } else {
                assert_eq!(world, before, "a refused change changes nothing");
            }
        }
    }

    #[test]
    fn switches_decide_on_a_status_that_does_not_fit() {
        for effect in [CallEffect::Allowed, CallEffect::Refused, CallEffect::Ignored] {
            for (status, wanted) in [(CallStatus::InProgress, "canceled"), (CallStatus::Queued, "completed")]
            {
                let mut world = world(status);
                world.switches_mut().cancel_in_progress = effect;
                world.switches_mut().complete_unanswered = effect;
                let refused = world.end_call(&CallSid::numbered(1), wanted, now()).is_err();
                assert_eq!(refused, effect == CallEffect::Refused);
                let over = world.call(&CallSid::numbered(1)).unwrap().status.is_over();
                assert_eq!(over, effect == CallEffect::Allowed, "{effect:?} {wanted}");
            }
        }
    }

    #[test]
    fn calls_go_on_when_their_account_is_suspended_and_go_with_it() {
        let (mut world, sid) = (world(CallStatus::InProgress), AccountSid::numbered(1));
        world.change_status(&sid, "suspended", now()).unwrap();
        assert!(!world.call(&CallSid::numbered(1)).unwrap().status.is_over());
        world.forget_account(&sid, now()).unwrap();
        assert_eq!(world.calls().count(), 0);
    }

    #[test]
    fn an_edit_can_begin_end_and_remove_a_call() {
        let (mut world, sid) = (world(CallStatus::Ringing), CallSid::numbered(1));
        world.edit_call(&sid, now(), |call| call.status = CallStatus::NoAnswer).unwrap();
        assert_eq!(world.call(&sid).unwrap().end_time, Some(now()));
        let owner = AccountSid::numbered(9);
        let stray = Call::new(CallSid::numbered(2), owner, CallStatus::Queued, now());
        assert!(world.begin_call(stray, now()).is_err());
        world.drop_call(&sid, now()).unwrap();
        assert!(world.drop_call(&sid, now()).is_err());
    }

    #[test]
    fn a_call_list_shows_a_change_once_its_lag_is_over() {
        let (mut world, sid) = (world(CallStatus::InProgress), CallSid::numbered(1));
        world.switches_mut().call_list_lag_ms = 300;
        world.end_call(&sid, "completed", now()).unwrap();
        let over = |ms| {
            let then = now() + jiff::SignedDuration::from_millis(ms);
            world.listed_calls_of(&AccountSid::numbered(1), then)[0].status.is_over()
        };
        assert_eq!((over(299), over(300)), (false, true));
    }
}
