//! Twilio's rules: the conditions of a change of an account, a transfer and a release, and their errors. A refused change
//! changes nothing; `date_updated` changes only when something else does.

use jiff::Timestamp;

use crate::{
    digest,
    world::{
        World,
        account::{Account, AccountStatus},
        behavior::{Policy, TransferEffect},
        error::ApiError,
        number::{Number, Origin},
        sid::{AccountSid, is_sid},
        transfer_resources::TransferResources,
    },
};

impl World {
    /// Creates a subaccount. Names need not be unique; without one, it is named after the time.
    pub fn create_account(&mut self, friendly_name: &str, now: Timestamp) -> Result<AccountSid, ApiError> {
        let given = self.switches().account_names.apply(friendly_name);
        let name = if given.is_empty() { default_name(now) } else { given };
        check_friendly_name(&name)?;
        let is_open =
            |account: &&Account| !self.is_main(&account.sid) && account.status != AccountStatus::Closed;
        if self.accounts().filter(is_open).count() >= self.switches().max_subaccounts {
            return Err(ApiError::new(21480));
        }
        let sid = self.unused_account_sid()?;
        self.put_account(Account::new(sid.clone(), name, now), now);
        Ok(sid)
    }

    /// Renames an account.
    pub fn rename_account(&mut self, sid: &str, friendly_name: &str, now: Timestamp) -> Result<(), ApiError> {
        let friendly_name = self.switches().account_names.apply(friendly_name);
        check_friendly_name(&friendly_name)?;
        let account = self.account(sid).ok_or_else(|| ApiError::not_found(sid))?;
        if account.friendly_name != friendly_name {
            let account = Account { friendly_name, date_updated: now, ..account.clone() };
            self.put_account(account, now);
        }
        Ok(())
    }

    /// Changes a status, given as Twilio's value, by the rules of the API. Closing releases every number of the account.
    pub fn change_status(&mut self, sid: &str, status: &str, now: Timestamp) -> Result<(), ApiError> {
        let Some(status) = self.check_status_change(sid, status)? else { return Ok(()) };
        if status == AccountStatus::Closed {
            self.release_all_of(sid, now);
        }
        if let Some(account) = self.account(sid) {
            self.put_account(Account { status, date_updated: now, ..account.clone() }, now);
        }
        Ok(())
    }

    /// The new status of the account; `None` when it already has it.
    pub(crate) fn check_status_change(
        &self,
        sid: &str,
        wanted: &str,
    ) -> Result<Option<AccountStatus>, ApiError> {
        use AccountStatus::{Active, Closed, Suspended};
        let account = self.account(sid).ok_or_else(|| ApiError::not_found(sid))?;
        if self.is_main(sid) {
            return Err(ApiError::new(21477));
        }
        let wanted = AccountStatus::parse(wanted).ok_or_else(|| ApiError::new(21475))?;
        if self.main().status != Active {
            return Err(ApiError::new(21476));
        }
        match (account.status, wanted) {
            (Active, Active) => Ok(None),
            (Active, Suspended) => Ok(Some(Suspended)),
            (Suspended, Active) if account.suspended_by_twilio => Err(ApiError::new(21478)),
            (Suspended, Active) => Ok(Some(Active)),
            (Suspended, Suspended) => already(self.switches().suspend_suspended, 21475),
            (Active | Suspended, Closed) => self.check_close(sid).map(|()| Some(Closed)),
            (Closed, Closed) => already(self.switches().close_closed, 21479),
            (Closed, Active | Suspended) => Err(ApiError::new(21479)),
        }
    }

    fn check_close(&self, sid: &str) -> Result<(), ApiError> {
        self.numbers_of(sid).try_for_each(check_port)
    }

    /// Moves a number to another account of the same main account.
    pub fn transfer(
        &mut self,
        number: &str,
        to: &str,
        papers: &TransferResources,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let number = self.number(number).ok_or_else(|| ApiError::not_found(number))?;
        if number.owner == *to {
            return Ok(());
        }
        self.check_transfer(number, to, papers)?;
        let (receiver, switches) = (to.parse().map_err(|_| ApiError::new(21470))?, *self.switches());
        let mut number = number.clone();
        number.owner = receiver;
        number.address_sid.clone_from(&papers.address_sid);
        number.bundle_sid.clone_from(&papers.bundle_sid);
        number.identity_sid.clone_from(&papers.identity_sid);
        number.emergency_address_sid.clone_from(&papers.emergency_address_sid);
        number.emergency_address_status = None;
        match switches.webhooks {
            TransferEffect::Kept => {}
            TransferEffect::Cleared => number.settings.clear_webhooks(),
            TransferEffect::Half => number.settings.clear_all_but_voice(),
        }
        match switches.trunk {
            TransferEffect::Kept | TransferEffect::Half => {}
            TransferEffect::Cleared => number.settings.clear_trunk(),
        }
        number.date_updated = now;
        self.put_number(number, now);
        Ok(())
    }

    pub(crate) fn check_transfer(
        &self,
        number: &Number,
        to: &str,
        papers: &TransferResources,
    ) -> Result<(), ApiError> {
        self.check_receiver(to)?;
        let giver = self.status(&number.owner);
        if giver == Some(AccountStatus::Suspended)
            && self.switches().transfer_from_suspended == Policy::Refused
        {
            return Err(ApiError::new(20005));
        }
        if number.origin == Origin::Hosted {
            return Err(ApiError::new(22121));
        }
        if number.trunk_in_emergency_use {
            return Err(ApiError::new(21634));
        }
        papers.check()?;
        papers.check_for(number)?;
        self.check_address(to, papers)
    }

    /// Refuses an address that the receiving account does not have. Without addresses in the world, any is taken for one.
    fn check_address(&self, to: &str, papers: &TransferResources) -> Result<(), ApiError> {
        let Some(sid) = &papers.address_sid else { return Ok(()) };
        let mut listed = self.addresses_of(to).peekable();
        if listed.peek().is_none() || listed.any(|address| address.sid == **sid) {
            return Ok(());
        }
        Err(ApiError::new(21631).about(sid))
    }

    fn check_receiver(&self, to: &str) -> Result<(), ApiError> {
        if !is_sid("AC", to) {
            return Err(ApiError::new(21470));
        }
        match self.status(to) {
            Some(AccountStatus::Active) => Ok(()),
            Some(AccountStatus::Suspended | AccountStatus::Closed) => Err(ApiError::new(21472)),
            None if self.is_stranger(to) => Err(ApiError::new(21473)),
            None => Err(ApiError::new(21471)),
        }
    }

    /// Releases a number.
    pub fn release_number(&mut self, number: &str, now: Timestamp) -> Result<(), ApiError> {
        let number = self.number(number).ok_or_else(|| ApiError::not_found(number))?;
        self.check_release(number)?;
        let sid = number.sid.clone();
        self.release(&sid, now);
        Ok(())
    }

    fn check_release(&self, number: &Number) -> Result<(), ApiError> {
        check_port(number)?;
        let suspended = self.status(&number.owner) == Some(AccountStatus::Suspended);
        if suspended && self.switches().release_from_suspended == Policy::Refused {
            return Err(ApiError::new(20005));
        }
        let emergency = number.emergency_registration().is_in_use()
            && self.switches().emergency_release == Policy::Refused;
        if number.trunk_in_emergency_use || emergency {
            return Err(ApiError::new(21634).about(number.name()));
        }
        number.release_refusal.map_or(Ok(()), |code| Err(ApiError::new(code).about(number.name())))
    }

    /// An unused, pseudo-random SID that is the same in every run.
    fn unused_account_sid(&self) -> Result<AccountSid, ApiError> {
        let first = self.accounts().count();
        (first..=first * 2)
            .map(|n| format!("AC{}", digest::hex32("account", &n.to_string())))
            .find(|sid| self.account(sid).is_none())
            .and_then(|sid| sid.parse().ok())
            .ok_or_else(|| ApiError::new(20500))
    }
}

fn already(verdict: Policy, code: u32) -> Result<Option<AccountStatus>, ApiError> {
    match verdict {
        Policy::Allowed => Ok(None),
        Policy::Refused => Err(ApiError::new(code)),
    }
}

/// Checks that a name has 1 to 64 characters.
pub(crate) fn check_friendly_name(name: &str) -> Result<(), ApiError> {
    if (1..=64).contains(&name.chars().count()) { Ok(()) } else { Err(ApiError::new(20002)) }
}

/// The name that Twilio gives to an account without one.
fn default_name(now: Timestamp) -> String {
    format!("SubAccount Created at {}", now.strftime("%Y-%m-%d %I:%M %p"))
}

/// Refuses the loss of a number that is being ported out, by a release and by a close.
fn check_port(number: &Number) -> Result<(), ApiError> {
    if number.porting_out { Err(ApiError::new(22350).about(&number.phone_number)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{
        address::Address,
        behavior::Behavior,
        sid::{AddressSid, NumberSid},
    };

    const PHONE: &str = "+15105550001";

    type Change = fn(&mut Number);

    fn sid(n: u64) -> AccountSid {
        AccountSid::numbered(n)
    }

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    /// Active 1, suspended 2, closed 3, suspended by Twilio 4, a stranger 5; one number with account 1.
    fn world(change: impl FnOnce(&mut Number)) -> World {
        World::builder(&sid(0), "token")
            .account(&sid(1), "active", AccountStatus::Active)
            .account(&sid(2), "suspended", AccountStatus::Suspended)
            .account(&sid(3), "closed", AccountStatus::Closed)
            .account_with(&sid(4), "fraud", AccountStatus::Suspended, |account| {
                account.suspended_by_twilio = true;
            })
            .stranger(&sid(5))
            .number_with(&NumberSid::numbered(1), PHONE, &sid(1), change)
            .build()
    }

    fn plain() -> World {
        world(|_| {})
    }

    fn code<T>(outcome: Result<T, ApiError>) -> u32 {
        outcome.err().map_or(0, |error| error.code)
    }

    #[test]
    fn a_status_changes_or_is_refused_as_twilio_documents() {
        let cases = [
            (1, "active", 0),
            (1, "suspended", 0),
            (1, "closed", 0),
            (2, "active", 0),
            (2, "suspended", 0),
            (2, "closed", 0),
            (3, "active", 21479),
            (3, "suspended", 21479),
            (3, "closed", 21479),
            (4, "active", 21478),
            (4, "suspended", 0),
            (4, "closed", 0),
            (1, "Closed", 21475),
            (1, "", 21475),
            (0, "suspended", 21477),
            (9, "active", 20404),
        ];
        for (account, status, expected) in cases {
            let (mut world, before) = (plain(), plain());
            assert_eq!(
                code(world.change_status(&sid(account), status, now())),
                expected,
                "{account} {status}"
            );
            if expected == 0 {
                assert_eq!(world.account(&sid(account)).unwrap().status.as_str(), status);
            } else {
                assert_eq!(world, before, "a refused change changes nothing");
            }
        }
    }

    #[test]
    fn switches_decide_on_a_change_to_the_same_status() {
        let mut world = plain();
        *world.switches_mut() = Behavior {
            close_closed: Policy::Allowed,
            suspend_suspended: Policy::Refused,
            ..Behavior::default()
        };
        assert_eq!(code(world.change_status(&sid(3), "closed", now())), 0);
        assert_eq!(code(world.change_status(&sid(2), "suspended", now())), 21475);
    }

    #[test]
    fn no_status_changes_while_the_main_account_is_suspended() {
        let mut world = plain();
        world.edit_account(&sid(0), now(), |main| main.status = AccountStatus::Suspended).unwrap();
        assert_eq!(code(world.change_status(&sid(2), "active", now())), 21476);
        assert_eq!(code(world.transfer(PHONE, &sid(1), &TransferResources::default(), now())), 0);
        assert_eq!(code(world.transfer(PHONE, &sid(0), &TransferResources::default(), now())), 21472);
    }

    #[test]
    fn date_changes_only_with_another_change() {
        let mut world = plain();
        let before = world.account(&sid(1)).unwrap().date_updated;
        world.change_status(&sid(1), "active", now()).unwrap();
        world.rename_account(&sid(1), "active", now()).unwrap();
        assert_eq!(world.account(&sid(1)).unwrap().date_updated, before);
        world.change_status(&sid(1), "suspended", now()).unwrap();
        assert_eq!(world.account(&sid(1)).unwrap().date_updated, now());
    }

    #[test]
    fn a_close_releases_every_number_of_the_account_and_no_other() {
        let mut world = World::generated(2, 5);
        world.change_status(&sid(1), "closed", now()).unwrap();
        let released: Vec<_> = world
            .released()
            .iter()
            .map(|release| (release.phone_number.as_str(), release.account.clone(), release.at))
            .collect();
        let lost = ["+15105550001", "+15105550003", "+15105550005"];
        assert_eq!(released, lost.map(|phone| (phone, sid(1), now())));
        assert_eq!(world.numbers().count(), 2);
        assert_eq!(world.numbers_of(&sid(2)).count(), 2);
    }

    #[test]
    fn a_number_that_is_ported_out_cannot_be_released_nor_its_account_closed() {
        let mut world = world(|number| number.porting_out = true);
        assert_eq!(code(world.release_number(PHONE, now())), 22350);
        assert_eq!(code(world.change_status(&sid(1), "closed", now())), 22350);
        assert_eq!(world.status(&sid(1)), Some(AccountStatus::Active));
        assert!(world.released().is_empty());
    }

    #[test]
    fn a_transfer_needs_an_active_account_of_the_same_main_account() {
        let cases = [
            (sid(0).to_string(), 0),
            (sid(1).to_string(), 0),
            (sid(2).to_string(), 21472),
            (sid(3).to_string(), 21472),
            (sid(5).to_string(), 21473),
            (sid(9).to_string(), 21471),
            ("AC1".to_owned(), 21470),
        ];
        for (to, expected) in cases {
            let mut world = plain();
            assert_eq!(
                code(world.transfer(PHONE, &to, &TransferResources::default(), now())),
                expected,
                "{to}"
            );
            let owner = if expected == 0 { to } else { sid(1).to_string() };
            assert_eq!(world.owner_of(PHONE).unwrap(), owner.as_str());
        }
    }

    #[test]
    fn a_transfer_needs_the_resources_that_the_number_requires() {
        use crate::AddressRequirements::{Any, Foreign, Local};
        type SettingChange = fn(&mut Number);
        let (address, bundle, identity) =
            (Some(format!("AD{:032x}", 1)), Some(format!("BU{:032x}", 1)), Some(format!("RI{:032x}", 1)));
        let none = TransferResources::default();
        let all = TransferResources {
            address_sid: address.clone(),
            bundle_sid: bundle.clone(),
            identity_sid: identity.clone(),
            emergency_address_sid: address.clone(),
        };
        let malformed = TransferResources { address_sid: Some("AD1".to_owned()), ..none.clone() };
        let cases: [(SettingChange, &TransferResources, u32); 12] = [
            (|_| {}, &none, 0),
            (|_| {}, &malformed, 20423),
            (|number| number.address_requirements = Any, &none, 21631),
            (|number| number.address_requirements = Foreign, &none, 21631),
            (|number| number.address_requirements = Local, &none, 21615),
            (|number| number.address_requirements = Local, &all, 0),
            (|number| number.bundle_sid = Some(format!("BU{:032x}", 7)), &none, 21649),
            (|number| number.bundle_sid = Some(format!("BU{:032x}", 7)), &all, 0),
            (|number| number.identity_sid = Some(format!("RI{:032x}", 7)), &none, 21650),
            (|number| number.origin = Origin::Hosted, &all, 22121),
            (|number| number.trunk_in_emergency_use = true, &all, 21634),
            (|number| number.porting_out = true, &none, 0),
        ];
        for (at, (change, papers, expected)) in cases.into_iter().enumerate() {
            let mut world = world(change);
            assert_eq!(code(world.transfer(PHONE, &sid(0), papers, now())), expected, "case {at}");
        }
    }

    #[test]
    fn a_transferred_number_keeps_its_sid_and_has_the_given_resources() {
        let mut world = world(|number| number.address_sid = Some(format!("AD{:032x}", 7)));
        let papers =
            TransferResources { bundle_sid: Some(format!("BU{:032x}", 1)), ..TransferResources::default() };
        world.transfer(PHONE, &sid(0), &papers, now()).unwrap();
        let number = world.number(PHONE).unwrap();
        assert_eq!((number.sid.clone(), number.owner.clone()), (NumberSid::numbered(1), sid(0)));
        assert_eq!((&number.bundle_sid, &number.address_sid), (&papers.bundle_sid, &None));
        assert_eq!(number.date_updated, now());
    }

    #[test]
    fn a_suspended_account_gives_numbers_away_unless_the_switch_forbids_it() {
        for (verdict, expected) in [(Policy::Allowed, 0), (Policy::Refused, 20005)] {
            let mut world = plain();
            world.switches_mut().transfer_from_suspended = verdict;
            world.change_status(&sid(1), "suspended", now()).unwrap();
            assert_eq!(code(world.transfer(PHONE, &sid(0), &TransferResources::default(), now())), expected);
        }
    }

    #[test]
    fn switches_decide_whether_webhooks_and_trunk_survive_a_transfer() {
        let trunk = format!("TK{:032x}", 1);
        for (webhooks, on_trunk) in
            [(TransferEffect::Kept, TransferEffect::Cleared), (TransferEffect::Cleared, TransferEffect::Kept)]
        {
            let mut world = world(|number| {
                number.settings.set("SmsUrl", "https://example.org/sms").unwrap();
                number.settings.set("TrunkSid", &trunk).unwrap();
            });
            *world.switches_mut() = Behavior { webhooks, trunk: on_trunk, ..Behavior::default() };
            world.transfer(PHONE, &sid(0), &TransferResources::default(), now()).unwrap();
            let settings = &world.number(PHONE).unwrap().settings;
            assert_eq!(settings.get("SmsUrl").is_some(), webhooks == TransferEffect::Kept);
            assert_eq!(settings.get("TrunkSid").is_some(), on_trunk == TransferEffect::Kept);
        }
    }

    #[test]
    fn new_accounts_get_unused_sids() {
        let mut world = plain();
        let (one, two) =
            (world.create_account("one", now()).unwrap(), world.create_account("two", now()).unwrap());
        world.forget_account(&one, now()).unwrap();
        let three = world.create_account("three", now()).unwrap();
        assert_ne!(two, three);
        assert_eq!(world.account(&three).unwrap().friendly_name, "three");
        assert_eq!(code(world.create_account(&"x".repeat(65), now())), 20002);
        assert_eq!(code(world.create_account(&"x".repeat(64), now())), 0);
    }

    #[test]
    fn names_of_new_accounts_may_repeat_and_are_normalized_by_the_switch() {
        use crate::world::behavior::AccountNames::{AsGiven, Collapsed, Trimmed};
        for (names, shown) in [(AsGiven, " a  b "), (Trimmed, "a  b"), (Collapsed, "a b")] {
            let mut world = plain();
            world.switches_mut().account_names = names;
            for _ in 0..2 {
                let sid = world.create_account(" a  b ", now()).unwrap();
                assert_eq!(world.account(&sid).unwrap().friendly_name, shown);
            }
            let unnamed = world.create_account("", now()).unwrap();
            let name = &world.account(&unnamed).unwrap().friendly_name;
            assert_eq!(name, "SubAccount Created at 2026-05-01 10:00 AM");
        }
    }

    #[test]
    fn no_account_is_created_over_the_limit_in_which_closed_ones_do_not_count() {
        let mut world = plain();
        world.switches_mut().max_subaccounts = 4;
        assert_eq!(code(world.create_account("fits", now())), 0, "three of four are open");
        assert_eq!(code(world.create_account("one more", now())), 21480);
        world.change_status(&sid(2), "closed", now()).unwrap();
        assert_eq!(code(world.create_account("one more", now())), 0);
    }

    #[test]
    fn a_new_account_is_listed_and_found_late() {
        let mut world = plain();
        world.switches_mut().new_account_list_lag_ms = 2_000;
        world.switches_mut().new_account_fetch_lag_ms = 1_000;
        let new = world.create_account("new", now()).unwrap();
        let listed = |world: &World, s| {
            let then = now() + jiff::SignedDuration::from_secs(s);
            (world.listed_accounts(then).iter().any(|it| it.sid == new), !world.is_not_found_yet(&new, then))
        };
        assert_eq!([0, 1, 2].map(|s| listed(&world, s)), [(false, false), (false, true), (true, true)]);
        world.rename_account(&new, "other", now() + jiff::SignedDuration::from_secs(1)).unwrap();
        assert_eq!([1, 2].map(|s| listed(&world, s)), [(false, true), (true, true)]);
    }

    #[test]
    fn an_address_of_a_transfer_belongs_to_the_receiver_when_the_world_knows_its_addresses() {
        let mut world = plain();
        let address = Address::new(AddressSid::numbered(1), sid(0), "US", now());
        world.add_address(address).unwrap();
        let papers = |n| TransferResources {
            address_sid: Some(AddressSid::numbered(n).to_string()),
            ..TransferResources::default()
        };
        assert_eq!(code(world.transfer(PHONE, &sid(0), &papers(2), now())), 21631);
        assert_eq!(code(world.transfer(PHONE, &sid(0), &papers(1), now())), 0);
        assert_eq!(code(world.transfer(PHONE, &sid(1), &papers(7), now())), 0);
    }

    #[test]
    fn a_number_is_not_released_while_something_needs_it() {
        use crate::world::number::EmergencyAddressStatus::{PendingUnregistration, Registered, Unregistered};
        let address = || Some(format!("AD{:032x}", 7));
        let cases: [(Change, u32); 5] = [
            (|number| number.porting_out = true, 22350),
            (|number| number.trunk_in_emergency_use = true, 21634),
            (|number| number.release_refusal = Some(22400), 22400),
            (|number| number.emergency_address_status = Some(Registered), 21634),
            (|number| number.emergency_address_status = Some(PendingUnregistration), 21634),
        ];
        for (change, expected) in cases {
            assert_eq!(code(world(change).release_number(PHONE, now())), expected);
        }
        let mut registered = world(|number| number.emergency_address_sid = address());
        assert_eq!(code(registered.release_number(PHONE, now())), 21634);
        registered
            .edit_number(PHONE, now(), |number| number.emergency_address_status = Some(Unregistered))
            .unwrap();
        assert_eq!(code(registered.release_number(PHONE, now())), 0);
        let mut allowed = world(|number| number.emergency_address_sid = address());
        allowed.switches_mut().emergency_release = Policy::Allowed;
        assert_eq!(code(allowed.release_number(PHONE, now())), 0);
    }

    #[test]
    fn a_number_of_a_suspended_account_is_released_unless_the_switch_forbids_it() {
        for (policy, expected) in [(Policy::Allowed, 0), (Policy::Refused, 20005)] {
            let mut world = plain();
            world.switches_mut().release_from_suspended = policy;
            world.change_status(&sid(1), "suspended", now()).unwrap();
            assert_eq!(code(world.release_number(PHONE, now())), expected);
        }
    }
}
