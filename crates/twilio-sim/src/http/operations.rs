//! The operations: each checks the credentials, reads or changes the world, and builds the answer. No I/O.

use std::iter;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    http::{
        inbound::{Credentials, Inbound},
        operation::Operation,
        paging::PageRequest,
        wire,
    },
    world::{
        World,
        account::{Account, AccountStatus},
        behavior::{ClosedNumbers, EmergencyRemoval, NamedSettings, Policy, SuspendedNumbers},
        error::ApiError,
        number::{EmergencyAddressStatus, Number},
        rules, settings,
        sid::AccountSid,
        transfer_resources::TransferResources,
    },
};

/// A success: the HTTP status and the body, `None` for a release.
pub(crate) type Success = (u16, Option<Value>);

/// The object that a request is about to update, before the update.
pub(crate) fn before(world: &mut World, inbound: &Inbound, now: Timestamp) -> Option<Value> {
    use Operation::{UpdateAccount, UpdateCall, UpdateNumber};
    if !matches!(inbound.operation, Some(UpdateAccount | UpdateNumber | UpdateCall)) {
        return None;
    }
    let fetch = Inbound { method: "GET".to_owned(), ..inbound.clone() };
    perform(world, &fetch, now).ok()?.1
}

/// Answers a request of Twilio's API.
pub(crate) fn perform(world: &mut World, inbound: &Inbound, now: Timestamp) -> Result<Success, ApiError> {
    let caller = authenticate(world, inbound.credentials.as_ref())?;
    let resource = inbound.resource.as_ref().ok_or_else(|| ApiError::not_found(&inbound.path))?;
    let operation = resource.operation(&inbound.method)?;
    let (account, number) = (resource.account().unwrap_or_default(), resource.number().unwrap_or_default());
    let call = resource.call().unwrap_or_default();
    let mut desk = Desk { world, inbound, caller, now };
    match operation {
        Operation::ListAccounts => desk.list_accounts(),
        Operation::CreateAccount => desk.create_account(),
        Operation::FetchAccount => desk.fetch_account(account),
        Operation::UpdateAccount => desk.update_account(account),
        Operation::ListNumbers => desk.list_numbers(account),
        Operation::FetchNumber => desk.fetch_number(account, number),
        Operation::UpdateNumber => desk.update_number(account, number),
        Operation::ReleaseNumber => desk.release_number(account, number),
        Operation::ListCalls => desk.list_calls(account),
        Operation::FetchCall => desk.fetch_call(account, call),
        Operation::UpdateCall => desk.update_call(account, call),
        Operation::ListAddresses => desk.list_addresses(account),
    }
}

/// The account of the credentials. Suspended and closed accounts are refused; a switch may allow a suspended main account.
fn authenticate(world: &World, credentials: Option<&Credentials>) -> Result<AccountSid, ApiError> {
    let refused = || ApiError::new(20003);
    let Credentials { user, password } = credentials.ok_or_else(refused)?;
    let account =
        world.account(user).filter(|account| account.auth_token == *password).ok_or_else(refused)?;
    let main_reads = world.is_main(user) && world.switches().suspended_main == Policy::Allowed;
    match world.status(user) {
        Some(AccountStatus::Active) => Ok(account.sid.clone()),
        Some(AccountStatus::Suspended) if main_reads => Ok(account.sid.clone()),
        Some(AccountStatus::Suspended | AccountStatus::Closed) | None => Err(refused()),
    }
}

/// A request of an authenticated caller, and the world that it reads and changes.
pub(super) struct Desk<'a> {
    pub(super) world: &'a mut World,
    pub(super) inbound: &'a Inbound,
    caller: AccountSid,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    fn list_accounts(&self) -> Result<Success, ApiError> {
        let query = &self.inbound.query;
        let request = PageRequest::parse(&self.inbound.path, query, &["FriendlyName", "Status"])?;
        let (name, status) = (query.filled("FriendlyName"), query.filled("Status"));
        let main = self.world.listed_main_status(self.now);
        let shown = |account: &Account| account.status.below(main);
        let rows = self.world.listed_accounts_within(request.stretch(), self.now).filter(|account| {
            self.reaches(&account.sid)
                && name.is_none_or(|name| account.friendly_name == name)
                && status.is_none_or(|status| shown(account).as_str() == status)
        });
        let show = |account: &Account| wire::account(self.world, account, shown(account));
        Ok((200, Some(request.answer("accounts", rows, |account| &account.sid, show))))
    }

    fn create_account(&mut self) -> Result<Success, ApiError> {
        if !self.is_main() {
            return Err(ApiError::new(21101));
        }
        let name = self.inbound.form.get("FriendlyName").unwrap_or_default();
        let sid = self.world.create_account(name, self.now)?;
        Ok((201, self.show_account(&sid)?))
    }

    fn fetch_account(&self, sid: &str) -> Result<Success, ApiError> {
        self.account(sid)?;
        Ok((200, self.show_account(sid)?))
    }

    fn show_account(&self, sid: &str) -> Result<Option<Value>, ApiError> {
        let account = self.world.account(sid).ok_or_else(|| ApiError::not_found(&self.inbound.path))?;
        let status = account.status.below(self.world.main().status);
        Ok(Some(wire::account(self.world, account, status)))
    }

    fn update_account(&mut self, sid: &str) -> Result<Success, ApiError> {
        self.account(sid)?;
        let (name, status) = (self.inbound.form.get("FriendlyName"), self.inbound.form.get("Status"));
        if let Some(status) = status {
            self.check_main(20006)?;
            self.world.check_status_change(sid, status)?;
        }
        if let Some(name) = name {
            self.world.rename_account(sid, name, self.now)?;
        }
        if let Some(status) = status {
            self.world.change_status(sid, status, self.now)?;
        }
        self.fetch_account(sid)
    }

    fn list_numbers(&self, account: &str) -> Result<Success, ApiError> {
        let account = &self.account(account)?.sid;
        let hidden = self.numbers_are_hidden(account)?;
        let query = &self.inbound.query;
        let filters = ["Beta", "FriendlyName", "PhoneNumber", "Origin"];
        let request = PageRequest::parse(&self.inbound.path, query, &filters)?;
        let [beta, name, part, origin] = filters.map(|filter| query.filled(filter));
        let part = part.map(|part| part.replace('*', ""));
        let rows = self.world.listed_numbers_within(account, request.stretch(), self.now).filter(|number| {
            !hidden
                && beta.is_none_or(|beta| number.beta == (beta == "true"))
                && name.is_none_or(|name| number.friendly_name == name)
                && part.as_ref().is_none_or(|part| number.phone_number.contains(part))
                && origin.is_none_or(|origin| number.origin.as_str() == origin)
        });
        let show = |number: &Number| wire::number(self.world.switches(), number);
        Ok((200, Some(request.answer("incoming_phone_numbers", rows, |number| &number.sid, show))))
    }

    /// Returns true when the list is shown empty, whatever it contains.
    fn numbers_are_hidden(&self, account: &str) -> Result<bool, ApiError> {
        let switches = self.world.switches();
        match self.world.listed_status(account, self.now) {
            None | Some(AccountStatus::Active) => Ok(false),
            Some(AccountStatus::Suspended) => match switches.suspended_numbers {
                SuspendedNumbers::Rows => Ok(false),
                SuspendedNumbers::Empty => Ok(true),
                SuspendedNumbers::Unauthorized => Err(ApiError::new(20003)),
                SuspendedNumbers::Forbidden => Err(ApiError::new(20403)),
            },
            Some(AccountStatus::Closed) => match switches.closed_numbers {
                ClosedNumbers::Empty => Ok(true),
                ClosedNumbers::NotFound => Err(ApiError::not_found(&self.inbound.path)),
                ClosedNumbers::Unauthorized => Err(ApiError::new(20003)),
            },
        }
    }

    fn fetch_number(&self, account: &str, sid: &str) -> Result<Success, ApiError> {
        let number = self.number(account, sid)?;
        Ok((200, Some(wire::number(self.world.switches(), number))))
    }

    fn update_number(&mut self, account: &str, sid: &str) -> Result<Success, ApiError> {
        let (number, switches) = (self.number(account, sid)?.clone(), *self.world.switches());
        let to = self.inbound.form.filled("AccountSid").filter(|to| number.owner != **to);
        let named = if to.is_some() { switches.transfer_settings } else { switches.update_settings };
        let mut edited = self.with_named_settings(&number, named)?;
        let papers = self.papers();
        papers.check()?;
        if let Some(to) = to {
            self.check_main(21474)?;
            self.world.transfer(sid, to, &papers, self.now)?;
            let moved = self.world.number(sid).ok_or_else(|| ApiError::not_found(&self.inbound.path))?;
            edited = self.with_named_settings(moved, named)?;
        } else {
            self.edit_resources(&mut edited, papers);
        }
        if edited != number {
            edited.date_updated = self.now;
        }
        let body = wire::number(&switches, &edited);
        self.world.put_number(edited, self.now);
        Ok((200, Some(body)))
    }

    /// The number with the settings of the form that this behavior honors. A value that Twilio does not take is refused anyway.
    fn with_named_settings(&self, number: &Number, named: NamedSettings) -> Result<Number, ApiError> {
        let (mut honored, mut all) = (number.clone(), number.clone());
        for (name, value) in self.inbound.form.iter() {
            let is_honored = match named {
                NamedSettings::Honored => true,
                NamedSettings::Ignored => false,
                NamedSettings::Half => settings::is_voice(name),
            };
            for edited in iter::once(&mut all).chain(is_honored.then_some(&mut honored)) {
                name_setting(edited, name, value)?;
            }
        }
        Ok(honored)
    }

    /// Changes the resources that the form of an update names.
    fn edit_resources(&self, edited: &mut Number, papers: TransferResources) {
        let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = papers;
        edited.address_sid = address_sid.or(edited.address_sid.take());
        edited.bundle_sid = bundle_sid.or(edited.bundle_sid.take());
        edited.identity_sid = identity_sid.or(edited.identity_sid.take());
        if emergency_address_sid.is_some() {
            edited.emergency_address_sid = emergency_address_sid;
            edited.emergency_address_status = None;
        } else if self.inbound.form.get("EmergencyAddressSid") == Some("")
            && edited.emergency_address_sid.take().is_some()
        {
            edited.emergency_address_status = match self.world.switches().emergency_removal {
                EmergencyRemoval::Pending => Some(EmergencyAddressStatus::PendingUnregistration),
                EmergencyRemoval::Immediate => None,
            };
        }
    }

    fn papers(&self) -> TransferResources {
        let given = |name| self.inbound.form.filled(name).map(str::to_owned);
        TransferResources {
            address_sid: given("AddressSid"),
            bundle_sid: given("BundleSid"),
            identity_sid: given("IdentitySid"),
            emergency_address_sid: given("EmergencyAddressSid"),
        }
    }

    fn release_number(&mut self, account: &str, sid: &str) -> Result<Success, ApiError> {
        self.number(account, sid)?;
        self.world.release_number(sid, self.now)?;
        Ok((204, None))
    }

    /// The account, if the caller may see it.
    pub(super) fn account(&self, sid: &str) -> Result<&Account, ApiError> {
        let account = self.world.account(sid).filter(|account| self.reaches(&account.sid));
        let account = account.filter(|account| !self.world.is_not_found_yet(&account.sid, self.now));
        account.ok_or_else(|| ApiError::not_found(&self.inbound.path))
    }

    /// The number, if the path names its owner and the caller may see it.
    fn number(&self, account: &str, sid: &str) -> Result<&Number, ApiError> {
        let owner = &self.account(account)?.sid;
        let number = self.world.number(sid).filter(|number| number.owner == *owner && number.sid == *sid);
        number.ok_or_else(|| ApiError::not_found(&self.inbound.path))
    }

    fn reaches(&self, account: &str) -> bool {
        self.is_main() || self.caller == *account
    }

    fn is_main(&self) -> bool {
        self.world.is_main(&self.caller)
    }

    fn check_main(&self, code: u32) -> Result<(), ApiError> {
        if self.is_main() { Ok(()) } else { Err(ApiError::new(code)) }
    }
}

/// Sets one setting of a number. `EmergencyStatus` is ignored, as Twilio does with warning 22222.
fn name_setting(number: &mut Number, name: &str, value: &str) -> Result<(), ApiError> {
    match name {
        "FriendlyName" => {
            rules::check_friendly_name(value)?;
            value.clone_into(&mut number.friendly_name);
            Ok(())
        }
        "EmergencyStatus" => Ok(()),
        _ => number.settings.set(name, value),
    }
}
