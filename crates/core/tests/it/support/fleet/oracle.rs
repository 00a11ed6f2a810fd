//! The invariants at the moment of a write, checked against the real world and not against the observation.

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, Action, ActionKind, Desired, DesiredStatus, Number, NumberId, NumberSetting, PhoneNumber,
    Release, Status, Transfer,
};
use twilio_sim::{AccountStatus, ApiError, SuspendedNumbers, TransferResources, World};

use super::{
    Fleet,
    twilio::{configure, shown_setting},
};

impl Fleet {
    /// Keeps the numbers of a list that reached the daemon, as far as they truly are there.
    pub(super) fn was_shown(&self, account: AccountSid, listed: &[Number]) {
        let (world, owner) = (self.world.lock().unwrap(), account.to_string());
        for number in listed {
            if world.owner_of(&number.id().to_string()).is_some_and(|of| *of.as_str() == *owner) {
                self.shown.lock().unwrap().insert(number.id(), account);
            }
        }
    }

    /// The most changes of `kind` that cost, within `window`.
    pub(crate) fn most_effects(&self, kind: ActionKind, window: SignedDuration) -> usize {
        let effects = self.effects.lock().unwrap();
        let times: Vec<_> = effects.iter().filter(|(_, of)| *of == kind).map(|(at, _)| *at).collect();
        let within = |end: &Timestamp| {
            times.iter().filter(|at| **at <= *end && end.duration_since(**at) < window).count()
        };
        times.iter().map(within).max().unwrap_or_default()
    }

    /// Records the start of each decision to close, as the next pass reads it.
    pub(super) fn note_decisions(&self) {
        let mut decided = self.decided.lock().unwrap();
        let faulty = self.desired.faulty();
        decided.retain(|account, _| {
            self.desired.entry(*account).map_or(faulty, |entry| entry.close().is_some())
        });
        for entry in self.desired.accounts() {
            let Some(terms) = entry.close_digest() else { continue };
            let known = decided.get(&entry.sid).is_some_and(|(before, _)| *before == terms);
            if !known {
                decided.insert(entry.sid, (terms, self.now));
            }
        }
    }

    /// The current state.
    pub(super) fn current(&self) -> Desired {
        self.edited.lock().unwrap().clone().unwrap_or_else(|| self.desired.clone())
    }

    /// Checks that this pass asked for the lists on which `action` rests.
    fn check_lists(&self, action: &Action) {
        let accounts = match action {
            Action::Reactivate(_) | Action::Create(_) | Action::EndCalls(_) => Vec::new(),
            // The account of an entry without a SID may be found by this very pass, and has no list yet.
            Action::Transfer(transfer) => {
                let is_found = |account: &AccountSid| {
                    self.desired.unpinned().count() > 0 && self.desired.entry(*account).is_none()
                };
                let receiver = Some(transfer.to).filter(|to| !is_found(to));
                std::iter::once(transfer.from).chain(receiver).collect()
            }
            // Another suspension needs no list.
            Action::Suspend(account) => {
                let closes = |account: &AccountSid| {
                    self.desired.entry(*account).is_some_and(|entry| entry.close().is_some())
                };
                Some(*account).filter(closes).into_iter().collect()
            }
            Action::Configure(configure) => vec![configure.account],
            Action::Release(release) => vec![release.account.sid],
            Action::Close(close) => vec![close.account.sid],
        };
        let listed = self.listed.lock().unwrap();
        assert!(
            accounts.iter().all(|account| listed.contains(account)),
            "a list of an earlier pass: {action}"
        );
    }

    /// Checks at the start of a write that the current state contains it.
    pub(super) fn check_wanted(&self, action: &Action) {
        self.check_lists(action);
        let desired = self.current();
        let created = self.created.lock().unwrap().clone();
        let desired = desired
            .resolved(|name| created.iter().find(|(of, _)| of == name.as_str()).map(|(_, account)| *account));
        assert!(!desired.paused());
        let status = |sid: &AccountSid| desired.entry(*sid).map(|entry| entry.desired_status.status());
        match action {
            Action::Reactivate(sid) => assert_eq!(status(sid), Some(Status::Active), "{action}"),
            Action::Create(create) => {
                assert!(desired.unpinned().any(|(name, _)| *name == create.name), "{action}");
                assert!(!desired.faulty(), "{action}");
            }
            Action::Suspend(sid) => {
                assert!(matches!(status(sid), Some(Status::Suspended | Status::Closed)), "{action}");
            }
            Action::Transfer(transfer) => {
                let terms = desired.entry(transfer.from).and_then(|entry| entry.close());
                let hands_on = terms.is_some_and(|terms| terms.move_numbers_to_main);
                let claimant = desired.claim(transfer.phone).map(|(claimant, _)| claimant);
                assert!(claimant.map_or(hands_on, |claimant| claimant == transfer.to), "{action}");
            }
            Action::Configure(configure) => {
                let (claimant, claim) = desired.claim(configure.phone).unwrap();
                assert_eq!(claimant, configure.account, "{action}");
                let wanted = claim.settings();
                assert!(configure.settings.values().all(|(key, value)| wanted.value(key) == Some(value)));
            }
            Action::EndCalls(end) => {
                let entry = desired.entry(end.account.sid);
                assert!(entry.is_some_and(|entry| entry.end_calls), "{action}");
            }
            Action::Release(release) => {
                assert!(desired.release(release.account.sid, release.phone).is_some(), "{action}");
                assert!(!desired.faulty() && desired.claim(release.phone).is_none(), "{action}");
            }
            Action::Close(close) => assert_eq!(status(&close.account.sid), Some(Status::Closed), "{action}"),
        }
    }

    /// Checks the invariants at the moment of a close, independent of its plan.
    pub(super) fn check_close(&self, world: &World, sid: AccountSid) {
        let desired = self.current();
        let entry = desired.entry(sid).unwrap();
        let DesiredStatus::Closed(terms) = &entry.desired_status else { panic!("{sid} is not to be closed") };
        assert!(!desired.faulty() && !entry.paused && !desired.paused());
        let (_, since) = self.decided.lock().unwrap()[&sid];
        let rested = self.now.duration_since(since);
        assert!(rested >= self.policy.close_after, "{sid} rested {rested:#} since the decision");
        let account = world.account(&sid.to_string()).unwrap();
        assert_eq!(account.status, AccountStatus::Suspended, "{sid} did not rest");
        assert_eq!(account.friendly_name, terms.confirm);
        assert!(self.now.duration_since(account.date_updated) >= self.policy.close_after);
        for number in world.numbers_of(&sid.to_string()) {
            let phone = number.phone_number.parse::<PhoneNumber>().ok();
            let id = phone.map_or_else(|| NumberId::Sid(number.sid.parse().unwrap()), NumberId::Phone);
            // Where the lists of suspended accounts look empty, no one can know of a number that was never shown.
            let hidden = world.switches().suspended_numbers == SuspendedNumbers::Empty
                && self.shown.lock().unwrap().get(&id) != Some(&sid);
            let named = phone.is_some_and(|phone| terms.release.contains(&phone));
            assert!(hidden || named, "{sid} loses {id}");
        }
    }

    pub(super) fn change(&self, action: &Action) -> Result<(), ApiError> {
        let mut world = self.world.lock().unwrap();
        let before = at(&world, action);
        let result = match action {
            Action::Reactivate(sid) => world.change_status(&sid.to_string(), "active", self.now),
            Action::Create(create) => {
                let created = world.create_account(create.name.as_str(), self.now)?;
                self.created
                    .lock()
                    .unwrap()
                    .push((create.name.to_string(), created.as_str().parse().unwrap()));
                Ok(())
            }
            Action::Suspend(sid) => world.change_status(&sid.to_string(), "suspended", self.now),
            Action::Transfer(transfer) => world
                .transfer(
                    &transfer.phone.to_string(),
                    &transfer.to.to_string(),
                    &TransferResources::default(),
                    self.now,
                )
                .inspect(|()| {
                    let phone = transfer.phone.to_string();
                    world
                        .edit_number(&phone, self.now, |number| configure(number, &transfer.settings))
                        .unwrap();
                }),
            Action::Configure(wanted) => {
                let phone = wanted.phone.to_string();
                if world.owner_of(&phone).is_none_or(|owner| owner.as_str() != wanted.account.to_string()) {
                    return Err(ApiError::not_found(&phone));
                }
                world.edit_number(&phone, self.now, |number| configure(number, &wanted.settings)).unwrap();
                Ok(())
            }
            Action::Release(release) => {
                let phone = release.phone.to_string();
                let sid = release.number.sid.to_string();
                let number = world.number(&phone).filter(|number| *number.sid == *sid);
                if number.is_none_or(|number| *number.owner != *release.account.sid.to_string()) {
                    return Err(ApiError::not_found(&phone));
                }
                world.release_number(&phone, self.now)
            }
            Action::EndCalls(end) => {
                let sid = end.account.sid.to_string();
                assert_eq!(world.status(&sid), Some(AccountStatus::Suspended), "{action}");
                end.calls.iter().try_for_each(|call| {
                    let sid = call.sid.to_string();
                    let ended = world.call(&sid).unwrap();
                    assert_eq!(*ended.owner, *end.account.sid.to_string(), "{action}");
                    assert!(ended.to.starts_with('+'), "{action}: an emergency call");
                    match world.end_call(&sid, call.status.ends_as(), self.now) {
                        Err(error) if error.code == 21220 => Ok(()),
                        result => result,
                    }
                })
            }
            Action::Close(close) => {
                self.check_close(&world, close.account.sid);
                world.change_status(&close.account.sid.to_string(), "closed", self.now)
            }
        };
        let free = self.free.lock().unwrap().get(&action.to_string()).copied().unwrap_or_default();
        if at(&world, action) != before && !free {
            self.effects.lock().unwrap().push((self.now, action.kind()));
        }
        result
    }
}

/// The status of the account, or the owner or the settings of the number, that `action` is about.
fn at(world: &World, action: &Action) -> Option<String> {
    match action {
        Action::Transfer(Transfer { phone, .. }) | Action::Release(Release { phone, .. }) => {
            world.owner_of(&phone.to_string()).map(|owner| owner.as_str().to_owned())
        }
        Action::Create(_) => Some(world.accounts().count().to_string()),
        Action::Configure(configure) => {
            let number = world.number(&configure.phone.to_string())?;
            Some(NumberSetting::ALL.map(|setting| shown_setting(number, setting)).join(" "))
        }
        // It has no budget.
        Action::EndCalls(_) => None,
        Action::Reactivate(_) | Action::Suspend(_) | Action::Close(_) => {
            let status = world.status(&action.account().to_string());
            status.map(|status| status.as_str().to_owned())
        }
    }
}
