//! The port `Observe`: reads the fleet.
//!
//! A list is complete or an error: an account whose row cannot be read is listed as unreadable, and a phone number whose row
//! cannot be read makes its whole list unreadable.

use std::collections::{BTreeMap, BTreeSet};

use subaccountd_core::{
    Account, AccountSid, Address, Call, LiveStatus, Number, NumberSid, Status,
    remote::{AccountList, ErrorKind, Observe, RemoteError, Tries, UnreadableRow},
};

use crate::{
    client::{Client, ReadRoute},
    error::{Failure, Rejection, RejectionKind},
    pages::List,
    request::Request,
    rows::BadRow,
    transport::Parsed,
    wire::{AccountRow, AccountsPage, AddressesPage, NumberRow, NumbersPage},
};

/// The route of most reads.
const REPEATED: ReadRoute<'static> = ReadRoute::Alone(Tries::Repeated);

impl Observe for Client {
    async fn accounts(&self) -> Result<AccountList, RemoteError> {
        let request = Request::accounts(self.origin());
        let listed = self.list::<AccountsPage>(&request, REPEATED).await;
        listed.map(account_list).map_err(|failure| {
            let kind = kind_of_main(&failure).unwrap_or(ErrorKind::Unreadable);
            failure.into_error(kind, &request.task)
        })
    }

    async fn account(&self, sid: AccountSid) -> Result<Account, RemoteError> {
        self.read_account(sid, REPEATED).await
    }

    async fn numbers(&self, owner: AccountSid, tries: Tries) -> Result<Vec<Number>, RemoteError> {
        self.read_numbers(owner, ReadRoute::Alone(tries)).await
    }

    async fn addresses(&self, account: AccountSid) -> Result<Vec<Address>, RemoteError> {
        let request = Request::addresses(self.origin(), account);
        match self.read::<AddressesPage>(&request, REPEATED).await {
            Ok(parsed) => Ok(parsed.value.addresses(account)),
            Err(failure) => Err(self.read_failed(account, failure, &request, REPEATED).await),
        }
    }

    async fn calls(&self, owner: AccountSid) -> Result<Vec<Call>, RemoteError> {
        self.read_calls(owner).await
    }

    async fn number(&self, owner: AccountSid, number: NumberSid) -> Result<Option<Number>, RemoteError> {
        self.read_number(owner, number, REPEATED).await
    }
}

impl Client {
    /// One phone number, fetched; `None` when Twilio answers "not found".
    pub(crate) async fn read_number(
        &self,
        owner: AccountSid,
        number: NumberSid,
        route: ReadRoute<'_>,
    ) -> Result<Option<Number>, RemoteError> {
        let request = Request::number(self.origin(), owner, number);
        let failure = match self.read::<NumberRow>(&request, route).await {
            Ok(parsed) => match held_number(parsed, owner, number) {
                Ok(held) => return Ok(held),
                Err(failure) => failure,
            },
            Err(Failure::Rejected(rejection)) if rejection.is_not_found() => return Ok(None),
            Err(failure) => failure,
        };
        Err(self.read_failed(owner, failure, &request, route).await)
    }

    pub(crate) async fn read_account(
        &self,
        sid: AccountSid,
        route: ReadRoute<'_>,
    ) -> Result<Account, RemoteError> {
        let request = Request::account(self.origin(), sid);
        match self.fetch(sid, &request, route).await {
            Ok(account) => Ok(account),
            Err(failure) => Err(self.read_failed(sid, failure, &request, route).await),
        }
    }

    pub(crate) async fn read_numbers(
        &self,
        owner: AccountSid,
        route: ReadRoute<'_>,
    ) -> Result<Vec<Number>, RemoteError> {
        let request = Request::numbers(self.origin(), owner);
        let listed = self.list::<NumbersPage>(&request, route).await;
        match listed.and_then(|list| number_list(list, owner)) {
            Ok(numbers) => Ok(numbers),
            Err(failure) => Err(self.read_failed(owner, failure, &request, route).await),
        }
    }

    /// Checks the main account after an account error about `about`, when it is about one. The error is about that account alone when the main
    /// account still answers and is active.
    ///
    /// # Errors
    /// The problem of the main account, which stops the pass; or that the process is stopping, which does not.
    pub(crate) async fn check_main_account(
        &self,
        about: Option<AccountSid>,
        rejection: &Rejection,
        request: &Request,
        route: ReadRoute<'_>,
    ) -> Result<(), RemoteError> {
        let Request { task, .. } = request;
        if about == Some(self.main()) {
            return Err(rejection.clone().into_error(rejection.main_account_kind(), task));
        }
        let probe = Request::account(self.origin(), self.main());
        match self.fetch(self.main(), &probe, route).await {
            Ok(Account { status: LiveStatus::Known(Status::Active), .. }) => Ok(()),
            Ok(Account { status, .. }) => {
                let task = format!("{task} while the main account is `{status}`");
                Err(rejection.clone().into_error(ErrorKind::MainAccount, &task))
            }
            Err(failure @ Failure::Stopping) => Err(failure.into_error(ErrorKind::Unreadable, &probe.task)),
            Err(failure) => {
                let kind = kind_of_main(&failure).unwrap_or(ErrorKind::MainAccount);
                Err(failure.into_error(kind, &format!("{task} ({rejection}), nor {}", probe.task)))
            }
        }
    }

    async fn fetch(
        &self,
        sid: AccountSid,
        request: &Request,
        route: ReadRoute<'_>,
    ) -> Result<Account, Failure> {
        let parsed = self.read::<AccountRow>(request, route).await?;
        let account = parsed.value.account().map_err(|row| row.why).and_then(|account| {
            if account.sid == sid {
                Ok(account)
            } else {
                Err(format!("the answer contains account {}", account.sid))
            }
        });
        account.map_err(|cause| Failure::nonsense(&cause, parsed.request_id))
    }

    pub(crate) async fn read_failed(
        &self,
        about: AccountSid,
        failure: Failure,
        request: &Request,
        route: ReadRoute<'_>,
    ) -> RemoteError {
        if let Failure::Rejected(rejection) = &failure
            && rejection.kind() == RejectionKind::AccountError
            && let Err(error) = self.check_main_account(Some(about), rejection, request, route).await
        {
            return error;
        }
        let kind = kind_of_any(&failure).unwrap_or(ErrorKind::Unreadable);
        failure.into_error(kind, &request.task)
    }
}

/// The kind of error of a failed request about the main account, when it stops the pass.
fn kind_of_main(failure: &Failure) -> Option<ErrorKind> {
    match failure {
        Failure::Rejected(rejection) if rejection.kind() == RejectionKind::AccountError => {
            Some(rejection.main_account_kind())
        }
        failure => kind_of_any(failure),
    }
}

/// The kind of error of any failed request, when it stops the pass.
fn kind_of_any(failure: &Failure) -> Option<ErrorKind> {
    match failure {
        Failure::Token(_) => Some(ErrorKind::Credentials),
        Failure::Rejected(rejection) => match rejection.kind() {
            RejectionKind::TestCredentials => Some(ErrorKind::Credentials),
            RejectionKind::ParentSuspended => Some(ErrorKind::MainAccount),
            RejectionKind::AccountError
            | RejectionKind::StalePageToken
            | RejectionKind::NeverProcessed
            | RejectionKind::TryLater
            | RejectionKind::ObserveAgain
            | RejectionKind::AlreadyClosed
            | RejectionKind::Refused => None,
        },
        Failure::Stopping
        | Failure::TokenLate { .. }
        | Failure::TokenRotated
        | Failure::ConnectFailed(_)
        | Failure::UnknownOutcome { .. }
        | Failure::Nonsense { .. } => None,
    }
}

/// The accounts of a list. The later one of duplicate rows counts, unless one of them could not be read: then the account
/// is unreadable.
fn account_list(list: List<AccountRow>) -> AccountList {
    let mut accounts = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut bad_sids = BTreeSet::new();
    for row in list.rows {
        match row.map_err(UnreadableRow::from).and_then(AccountRow::account) {
            Ok(account) => drop(accounts.insert(account.sid, account)),
            Err(row) if row.sid.is_none_or(|sid| bad_sids.insert(sid)) => unreadable.push(row),
            Err(_) => {}
        }
    }
    accounts.retain(|sid, _| !bad_sids.contains(sid));
    AccountList { accounts: accounts.into_values().collect(), unreadable, date: list.date }
}

/// The phone number `sid` when the answer shows it in `owner`; `None` when it is in another account.
fn held_number(
    parsed: Parsed<NumberRow>,
    owner: AccountSid,
    sid: NumberSid,
) -> Result<Option<Number>, Failure> {
    let Parsed { value: row, request_id, .. } = parsed;
    let number = match row.identity() {
        Ok((other, _)) if other != sid => Err(format!("the answer contains phone number {other}")),
        Ok((_, Some(holder))) if holder != owner => Ok(None),
        Ok(_) => row.number(owner).map(Some),
        Err(cause) => Err(cause),
    };
    number.map_err(|cause| Failure::nonsense(&cause, request_id))
}

/// The numbers of the list of `owner`. The later one of duplicate rows counts.
fn number_list(list: List<NumberRow>, owner: AccountSid) -> Result<Vec<Number>, Failure> {
    let List { rows, request_id, .. } = list;
    let number = |row: Result<NumberRow, BadRow>| {
        let number = row.map_err(|row| row.why).and_then(|row| row.number(owner))?;
        Ok((number.sid, number))
    };
    let numbers: Result<BTreeMap<_, _>, String> = rows.into_iter().map(number).collect();
    match numbers {
        Ok(numbers) => Ok(numbers.into_values().collect()),
        Err(cause) => Err(Failure::nonsense(&cause, request_id)),
    }
}
