//! What people do in the Console: edits that no rule of the API stops, dated like any other change.
//! The world stays one in which every number has an owner.

use jiff::Timestamp;

use crate::{
    account::{Account, AccountStatus},
    number::Number,
    world::{Unknown, World},
};

impl World {
    /// Edits an account. Its SID stays; a close releases its numbers; `date_updated` becomes `now` unless the edit sets it.
    pub fn edit_account(
        &mut self,
        sid: &str,
        now: Timestamp,
        edit: impl FnOnce(&mut Account),
    ) -> Result<(), Unknown> {
        let account = self.account_mut(sid).ok_or_else(|| Unknown(sid.to_owned()))?;
        let before = account.clone();
        edit(account);
        account.sid.clone_from(&before.sid);
        if *account == before {
            return Ok(());
        }
        if account.date_updated == before.date_updated {
            account.date_updated = now;
        }
        if account.status == AccountStatus::Closed && before.status != AccountStatus::Closed {
            self.release_all_of(sid, now);
        }
        Ok(())
    }

    /// Edits a number, by SID or digits. Its SID and digits stay; `date_updated` becomes `now` unless the edit sets it.
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
        number.phone_number.clone_from(&before.phone_number);
        if self.account(&number.owner).is_none() {
            return Err(Unknown(number.owner.to_string()));
        }
        if number != *before && number.date_updated == before.date_updated {
            number.date_updated = now;
        }
        self.put_number(number);
        Ok(())
    }

    /// Releases a number, by SID or digits, whatever speaks against it.
    pub fn drop_number(&mut self, sid_or_phone: &str, now: Timestamp) -> Result<(), Unknown> {
        let number = self.number(sid_or_phone).ok_or_else(|| Unknown(sid_or_phone.to_owned()))?;
        let sid = number.sid.clone();
        self.release(&sid, now);
        Ok(())
    }

    /// Makes a subaccount vanish with its numbers, as closed ones do after 30 days. The main account stays.
    pub fn forget_account(&mut self, sid: &str, now: Timestamp) -> Result<(), Unknown> {
        if self.account(sid).is_none() || self.is_main(sid) {
            return Err(Unknown(sid.to_owned()));
        }
        self.release_all_of(sid, now);
        self.take_account(sid);
        Ok(())
    }
}
