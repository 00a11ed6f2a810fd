//! The operations: each checks the credentials, reads or changes the world, and builds the answer. No I/O.

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
        behavior::{ClosedNumbers, Policy, SuspendedNumbers},
        error::ApiError,
        number::Number,
        rules,
        sid::AccountSid,
        transfer_resources::TransferResources,
    },
};

/// A success: the HTTP status and the body, `None` for a release.
pub(crate) type Success = (u16, Option<Value>);

/// The object that a request is about to update, before the update.
pub(crate) fn before(world: &mut World, inbound: &Inbound, now: Timestamp) -> Option<Value> {
    if !matches!(inbound.operation, Some(Operation::UpdateAccount | Operation::UpdateNumber)) {
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

struct Desk<'a> {
    world: &'a mut World,
    inbound: &'a Inbound,
    caller: AccountSid,
    now: Timestamp,
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
        let default = format!("SubAccount Created at {}", self.now.strftime("%Y-%m-%d %I:%M %p"));
        let name = self.inbound.form.filled("FriendlyName").unwrap_or(&default);
        let sid = self.world.create_account(name, self.now)?;
        self.fetch_account(&sid).map(|(_, body)| (201, body))
    }

    fn fetch_account(&self, sid: &str) -> Result<Success, ApiError> {
        let account = self.account(sid)?;
        let status = account.status.below(self.world.main().status);
        Ok((200, Some(wire::account(self.world, account, status))))
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
        let edited = self.edited_number(self.number(account, sid)?)?;
        let form = &self.inbound.form;
        let receiver = form.filled("AccountSid").filter(|to| edited.owner != **to);
        let papers = self.papers();
        papers.check()?;
        if let Some(to) = receiver {
            self.check_main(21474)?;
            self.world.check_transfer(&edited, to, &papers)?;
        }
        self.world.put_number(edited, self.now);
        if let Some(to) = receiver {
            self.world.transfer(sid, to, &papers, self.now)?;
        }
        let number = self.world.number(sid).ok_or_else(|| ApiError::not_found(&self.inbound.path))?;
        Ok((200, Some(wire::number(self.world.switches(), number))))
    }

    /// The number with the parameters of the form, except its owner.
    fn edited_number(&self, number: &Number) -> Result<Number, ApiError> {
        let mut edited = number.clone();
        for (name, value) in self.inbound.form.iter() {
            if name == "FriendlyName" {
                rules::check_friendly_name(value)?;
                value.clone_into(&mut edited.friendly_name);
            }
            edited.settings.set(name, value)?;
        }
        if self.inbound.form.filled("AccountSid").is_none_or(|to| number.owner == *to) {
            let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } =
                self.papers();
            edited.address_sid = address_sid.or(edited.address_sid);
            edited.bundle_sid = bundle_sid.or(edited.bundle_sid);
            edited.identity_sid = identity_sid.or(edited.identity_sid);
            edited.emergency_address_sid = emergency_address_sid.or(edited.emergency_address_sid);
        }
        if edited != *number {
            edited.date_updated = self.now;
        }
        Ok(edited)
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
    fn account(&self, sid: &str) -> Result<&Account, ApiError> {
        let account = self.world.account(sid).filter(|account| self.reaches(&account.sid));
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
