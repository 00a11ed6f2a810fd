//! Edits in the Console: the rules of the API do not apply, and edits are dated like any other change. Every number still has
//! an owner.

use jiff::Timestamp;

use crate::{
    digest,
    world::{
        Unknown, World,
        account::{Account, AccountStatus},
        number::Number,
        sid::NumberSid,
    },
};

impl World {
    /// Edits an account. Its SID stays; a close releases its numbers; `date_updated` becomes `now` unless the edit sets it.
    pub fn edit_account(
        &mut self,
        sid: &str,
        now: Timestamp,
        edit: impl FnOnce(&mut Account),
    ) -> Result<(), Unknown> {
        let before = self.account(sid).ok_or_else(|| Unknown(sid.to_owned()))?.clone();
        let mut account = before.clone();
        edit(&mut account);
        account.sid.clone_from(&before.sid);
        if account == before {
            return Ok(());
        }
        if account.date_updated == before.date_updated {
            account.date_updated = now;
        }
        if account.status == AccountStatus::Closed && before.status != AccountStatus::Closed {
            self.release_all_of(sid, now);
        }
        self.put_account(account, now);
        Ok(())
    }

    /// Edits a number, by SID or phone number. The SID stays, and so does the phone number when another number has the new
    /// one; `date_updated` becomes `now` unless the edit sets it.
    pub fn edit_number(
        &mut self,
        sid_or_phone: &str,
        now: Timestamp,
        edit: impl FnOnce(&mut Number),
    ) -> Result<(), Unknown> {
        let before = self.number(sid_or_phone).ok_or_else(|| Unknown(sid_or_phone.to_owned()))?;
        let mut number = before.clone();
        edit(&mut number);
        number.sid = before.sid.clone();
        if self.number(number.name()).is_some_and(|other| other.sid != number.sid) {
            number.phone_number.clone_from(&before.phone_number);
        }
        if self.account(&number.owner).is_none() {
            return Err(Unknown(number.owner.to_string()));
        }
        if number != *before && number.date_updated == before.date_updated {
            number.date_updated = now;
        }
        self.put_number(number, now);
        Ok(())
    }

    /// Buys a number for an account, if it does not exist yet. Returns its SID.
    pub fn buy_number(&mut self, phone: &str, owner: &str, now: Timestamp) -> Result<NumberSid, Unknown> {
        let unknown = || Unknown(owner.to_owned());
        let owner = self.account(owner).ok_or_else(unknown)?.sid.clone();
        let sid: NumberSid =
            format!("PN{}", digest::hex32("number", phone)).parse().map_err(|_| unknown())?;
        if self.number(phone).is_none() {
            self.put_number(Number::new(sid.clone(), phone, owner, now), now);
        }
        Ok(sid)
    }

    /// Releases a number, by SID or phone number, without any check.
    pub fn drop_number(&mut self, sid_or_phone: &str, now: Timestamp) -> Result<(), Unknown> {
        let number = self.number(sid_or_phone).ok_or_else(|| Unknown(sid_or_phone.to_owned()))?;
        let sid = number.sid.clone();
        self.release(&sid, now);
        Ok(())
    }

    /// Removes a subaccount with its numbers, as Twilio does 30 days after a close. The main account stays.
    pub fn forget_account(&mut self, sid: &str, now: Timestamp) -> Result<(), Unknown> {
        if self.account(sid).is_none() || self.is_main(sid) {
            return Err(Unknown(sid.to_owned()));
        }
        self.release_all_of(sid, now);
        self.take_account(sid, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::sid::AccountSid;

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_edit_can_reopen_an_account() {
        let (mut world, sid) = (World::generated(1, 1), AccountSid::numbered(1));
        world.edit_account(&sid, now(), |account| account.status = AccountStatus::Closed).unwrap();
        assert_eq!(world.released().len(), 1);
        world.edit_account(&sid, now(), |account| account.status = AccountStatus::Active).unwrap();
        let account = world.account(&sid).unwrap();
        assert_eq!((account.status, account.date_updated), (AccountStatus::Active, now()));
    }

    #[test]
    fn an_edit_that_changes_nothing_leaves_the_date() {
        let (mut world, sid) = (World::generated(1, 1), AccountSid::numbered(1));
        let before = world.clone();
        world.edit_account(&sid, now(), |_| {}).unwrap();
        world.edit_number("+15105550001", now(), |_| {}).unwrap();
        assert_eq!(world, before);
    }

    #[test]
    fn an_edit_may_set_the_date_itself() {
        let (mut world, sid) = (World::generated(1, 0), AccountSid::numbered(1));
        let then = "2026-04-01T00:00:00Z".parse().unwrap();
        world.edit_account(&sid, now(), |account| account.date_updated = then).unwrap();
        assert_eq!(world.account(&sid).unwrap().date_updated, then);
    }

    #[test]
    fn a_number_is_bought_once() {
        let (mut world, sid) = (World::generated(2, 0), AccountSid::numbered(1));
        let bought = world.buy_number("+15105550001", &sid, now()).unwrap();
        assert_eq!(world.buy_number("+15105550001", &AccountSid::numbered(2), now()), Ok(bought.clone()));
        assert_eq!(
            world.number("+15105550001").map(|number| (&number.sid, &number.owner)),
            Some((&bought, &sid))
        );
        assert!(world.buy_number("+15105550002", &AccountSid::numbered(9), now()).is_err());
    }

    #[test]
    fn a_number_cannot_get_an_unknown_owner() {
        let mut world = World::generated(1, 1);
        let unknown = AccountSid::numbered(9);
        assert!(world.edit_number("+15105550001", now(), |number| number.owner = unknown).is_err());
        assert_eq!(world.owner_of("+15105550001"), Some(&AccountSid::numbered(1)));
    }

    #[test]
    fn an_account_that_is_removed_releases_its_numbers() {
        let (mut world, sid) = (World::generated(2, 2), AccountSid::numbered(1));
        world.forget_account(&sid, now()).unwrap();
        assert!(world.account(&sid).is_none());
        assert_eq!((world.released().len(), world.numbers().count()), (1, 1));
        assert!(world.forget_account(&AccountSid::numbered(0), now()).is_err());
    }
}
