//! Reading the fleet.
//!
//! A row that cannot be trusted costs its whole list: a list is never shorter than what Twilio holds.

use std::collections::BTreeMap;

use subaccountd_core::{
    Account, AccountSid, LiveStatus, Number, Status,
    remote::{AccountList, ErrorKind, Observe, RemoteError},
};

use crate::{
    client::Client,
    error::{Failure, Meaning, Rejection},
    pages::List,
    request::Request,
    wire::{AccountRow, AccountsPage, NumbersPage},
};

impl Observe for Client {
    async fn accounts(&self) -> Result<AccountList, RemoteError> {
        let request = Request::accounts(self.origin());
        let listed = self.list::<AccountsPage>(&request).await.and_then(|list| {
            let date = list.date;
            let accounts = each_once(list, AccountRow::account, |account| account.sid)?;
            Ok(AccountList { accounts, date })
        });
        listed.map_err(|failure| {
            let kind = kind_of_main(&failure).unwrap_or(ErrorKind::Unreadable);
            failure.into_error(kind, &request.task)
        })
    }

    async fn account(&self, sid: AccountSid) -> Result<Account, RemoteError> {
        let request = Request::account(self.origin(), sid);
        match self.fetch(sid, &request).await {
            Ok(account) => Ok(account),
            Err(failure) => Err(self.read_failed(sid, failure, &request).await),
        }
    }

    async fn numbers(&self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        let request = Request::numbers(self.origin(), owner);
        let listed = self.list::<NumbersPage>(&request).await;
        match listed.and_then(|list| each_once(list, |row| row.number(owner), |number| number.sid)) {
            Ok(numbers) => Ok(numbers),
            Err(failure) => Err(self.read_failed(owner, failure, &request).await),
        }
    }
}

impl Client {
    /// Looks at the main account after an account error about `about`. It is about that account alone when the
    /// main account still answers and is active; else the error says what is wrong with the main account.
    pub(crate) async fn check_main_account(
        &self,
        about: AccountSid,
        rejection: &Rejection,
        request: &Request,
    ) -> Result<(), RemoteError> {
        let Request { task, .. } = request;
        if about == self.main() {
            return Err(rejection.clone().into_error(rejection.main_account_kind(), task));
        }
        let probe = Request::account(self.origin(), self.main());
        match self.fetch(self.main(), &probe).await {
            Ok(Account { status: LiveStatus::Known(Status::Active), .. }) => Ok(()),
            Ok(Account { status, .. }) => {
                let task = format!("{task} while the main account is `{status}`");
                Err(rejection.clone().into_error(ErrorKind::MainAccount, &task))
            }
            Err(failure) => {
                let kind = kind_of_main(&failure).unwrap_or(ErrorKind::MainAccount);
                Err(failure.into_error(kind, &format!("{task} ({rejection}), nor {}", probe.task)))
            }
        }
    }

    async fn fetch(&self, sid: AccountSid, request: &Request) -> Result<Account, Failure> {
        let shown = self.ask::<AccountRow>(request).await?;
        let account = shown.value.account().and_then(|account| {
            if account.sid == sid {
                Ok(account)
            } else {
                Err(format!("the answer shows account {}", account.sid))
            }
        });
        account.map_err(|cause| Failure::nonsense(&cause, shown.request_id))
    }

    async fn read_failed(&self, about: AccountSid, failure: Failure, request: &Request) -> RemoteError {
        if let Failure::Rejected(rejection) = &failure
            && rejection.meaning() == Meaning::AccountError
            && let Err(error) = self.check_main_account(about, rejection, request).await
        {
            return error;
        }
        let kind = kind_of_any(&failure).unwrap_or(ErrorKind::Unreadable);
        failure.into_error(kind, &request.task)
    }
}

/// How a failure stops the pass when it was met on the way to the main account, if it does.
fn kind_of_main(failure: &Failure) -> Option<ErrorKind> {
    match failure {
        Failure::Rejected(rejection) if rejection.meaning() == Meaning::AccountError => {
            Some(rejection.main_account_kind())
        }
        failure => kind_of_any(failure),
    }
}

/// How a failure stops the pass wherever it was met, if it does.
fn kind_of_any(failure: &Failure) -> Option<ErrorKind> {
    match failure {
        Failure::Token(_) => Some(ErrorKind::Credentials),
        Failure::Rejected(rejection) => match rejection.meaning() {
            Meaning::TestCredentials => Some(ErrorKind::Credentials),
            Meaning::ParentSuspended => Some(ErrorKind::MainAccount),
            Meaning::AccountError
            | Meaning::StalePageToken
            | Meaning::NeverProcessed
            | Meaning::TryLater
            | Meaning::ObserveAgain
            | Meaning::AlreadyClosed
            | Meaning::Refused => None,
        },
        Failure::NeverSent(_) | Failure::Lost { .. } | Failure::Nonsense { .. } => None,
    }
}

/// Every row as what it shows, by its SID; of a row that came twice the later one, which was read later.
fn each_once<R, T, K: Ord>(
    list: List<R>,
    show: impl Fn(R) -> Result<T, String>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, Failure> {
    let List { rows, request_id, .. } = list;
    let shown: Result<BTreeMap<K, T>, String> =
        rows.into_iter().map(|row| show(row).map(|shown| (key(&shown), shown))).collect();
    match shown {
        Ok(shown) => Ok(shown.into_values().collect()),
        Err(cause) => Err(Failure::nonsense(&cause, request_id)),
    }
}
