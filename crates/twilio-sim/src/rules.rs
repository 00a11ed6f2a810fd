//! Twilio's rules: what a change of an account, a transfer and a release ask for, and the error when they do not get it.
//! A refused change changes nothing; `date_updated` moves when something changed and at no other time.

use jiff::Timestamp;

use crate::{
    account::{Account, AccountStatus},
    digest,
    error::ApiError,
    number::{AddressRequirements, Number, Origin},
    sid::{AccountSid, is_sid},
    switches::{Fate, Verdict},
    world::World,
};

/// What a transfer brings along for the receiving account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferPapers {
    /// `AddressSid`.
    pub address_sid: Option<String>,
    /// `BundleSid`.
    pub bundle_sid: Option<String>,
    /// `IdentitySid`.
    pub identity_sid: Option<String>,
    /// `EmergencyAddressSid`.
    pub emergency_address_sid: Option<String>,
}

impl TransferPapers {
    /// Refuses what is no SID of its kind.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let given = [
            ("AD", &self.address_sid),
            ("BU", &self.bundle_sid),
            ("RI", &self.identity_sid),
            ("AD", &self.emergency_address_sid),
        ];
        for (prefix, sid) in given {
            if let Some(sid) = sid.as_deref().filter(|sid| !is_sid(prefix, sid)) {
                return Err(ApiError::new(20423).about(sid));
            }
        }
        Ok(())
    }

    /// Refuses what the number needs and the papers lack.
    fn check_for(&self, number: &Number) -> Result<(), ApiError> {
        let address = match number.address_requirements {
            AddressRequirements::None => None,
            AddressRequirements::Any | AddressRequirements::Foreign => Some(21631),
            AddressRequirements::Local => Some(21615),
        };
        let needed = [
            (address, &self.address_sid),
            (number.bundle_sid.as_ref().map(|_| 21649), &self.bundle_sid),
            (number.identity_sid.as_ref().map(|_| 21650), &self.identity_sid),
        ];
        let missing = needed.into_iter().find_map(|(code, given)| code.filter(|_| given.is_none()));
        missing.map_or(Ok(()), |code| Err(ApiError::new(code)))
    }
}

impl World {
    /// Opens a subaccount.
    pub fn create_account(&mut self, friendly_name: &str, now: Timestamp) -> Result<AccountSid, ApiError> {
        check_friendly_name(friendly_name)?;
        let sid = self.unused_account_sid()?;
        self.put_account(Account::new(sid.clone(), friendly_name, now));
        Ok(sid)
    }

    /// Renames an account.
    pub fn rename_account(&mut self, sid: &str, friendly_name: &str, now: Timestamp) -> Result<(), ApiError> {
        check_friendly_name(friendly_name)?;
        let account = self.account_mut(sid).ok_or_else(|| ApiError::not_found(sid))?;
        if account.friendly_name != friendly_name {
            friendly_name.clone_into(&mut account.friendly_name);
            account.date_updated = now;
        }
        Ok(())
    }

    /// Asks for a status as Twilio's API would, in Twilio's words. Closing releases every number of the account.
    pub fn change_status(&mut self, sid: &str, status: &str, now: Timestamp) -> Result<(), ApiError> {
        let Some(status) = self.check_status_change(sid, status)? else { return Ok(()) };
        if status == AccountStatus::Closed {
            self.release_all_of(sid, now);
        }
        if let Some(account) = self.account_mut(sid) {
            account.status = status;
            account.date_updated = now;
        }
        Ok(())
    }

    /// The status that the account will change to; none when it has it already.
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
        self.numbers_of(sid).try_for_each(check_release)
    }

    /// Moves a number to another account of the family.
    pub fn transfer(
        &mut self,
        number: &str,
        to: &str,
        papers: &TransferPapers,
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
        if switches.webhooks == Fate::Cleared {
            number.settings.clear_webhooks();
        }
        if switches.trunk == Fate::Cleared {
            number.settings.clear_trunk();
        }
        number.date_updated = now;
        self.put_number(number);
        Ok(())
    }

    pub(crate) fn check_transfer(
        &self,
        number: &Number,
        to: &str,
        papers: &TransferPapers,
    ) -> Result<(), ApiError> {
        self.check_receiver(to)?;
        let giver = self.status(&number.owner);
        if giver == Some(AccountStatus::Suspended)
            && self.switches().transfer_from_suspended == Verdict::Refused
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
        papers.check_for(number)
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

    /// Gives a number back to Twilio.
    pub fn release_number(&mut self, number: &str, now: Timestamp) -> Result<(), ApiError> {
        let number = self.number(number).ok_or_else(|| ApiError::not_found(number))?;
        check_release(number)?;
        let sid = number.sid.clone();
        self.release(&sid, now);
        Ok(())
    }

    /// A SID that looks random, is the same in every run, and is not in use.
    fn unused_account_sid(&self) -> Result<AccountSid, ApiError> {
        let first = self.accounts().count();
        (first..=first * 2)
            .map(|n| format!("AC{}", digest::hex32("account", &n.to_string())))
            .find(|sid| self.account(sid).is_none())
            .and_then(|sid| sid.parse().ok())
            .ok_or_else(|| ApiError::new(20500))
    }
}

fn already(verdict: Verdict, code: u32) -> Result<Option<AccountStatus>, ApiError> {
    match verdict {
        Verdict::Allowed => Ok(None),
        Verdict::Refused => Err(ApiError::new(code)),
    }
}

/// Names have 1 to 64 characters.
pub(crate) fn check_friendly_name(name: &str) -> Result<(), ApiError> {
    if (1..=64).contains(&name.chars().count()) { Ok(()) } else { Err(ApiError::new(20002)) }
}

fn check_release(number: &Number) -> Result<(), ApiError> {
    if number.porting_out { Err(ApiError::new(22350).about(&number.phone_number)) } else { Ok(()) }
}
