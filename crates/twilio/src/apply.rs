//! Writing: one request, and its answer compared with what was asked.
//!
//! A write of which nobody can say whether it happened is `Unknown`, never `Refused` and never repeated.

use jiff::Timestamp;
use subaccountd_core::{
    AccountSid, Action, Status, Transfer,
    remote::{Apply, ErrorKind, Lost, Receipt, Refusal, Written},
};

use crate::{
    client::Client,
    error::{Failure, Meaning},
    request::Request,
    transport::Shown,
    wire::{AccountRow, NumberRow},
    words::{MAX_CAUSE, fit_to_show},
};

impl Apply for Client {
    async fn apply(&self, action: &Action) -> Written {
        match action {
            Action::Reactivate(sid) => self.set_status(*sid, Status::Active).await,
            Action::Suspend(sid) => self.set_status(*sid, Status::Suspended).await,
            Action::Close(close) => self.set_status(close.account.sid, Status::Closed).await,
            Action::Transfer(transfer) => self.transfer(transfer).await,
        }
    }
}

impl Client {
    async fn set_status(&self, sid: AccountSid, status: Status) -> Written {
        let request = Request::status(self.origin(), sid, status);
        match self.ask::<AccountRow>(&request).await {
            Ok(shown) => compare_account(shown, sid, status, &request),
            Err(Failure::Rejected(rejection))
                if status == Status::Closed && rejection.meaning() == Meaning::AlreadyClosed =>
            {
                Written::Done(rejection.into_receipt())
            }
            Err(failure) => self.write_failed(sid, failure, &request).await,
        }
    }

    async fn transfer(&self, transfer: &Transfer) -> Written {
        let request = Request::transfer(self.origin(), transfer);
        match self.ask::<NumberRow>(&request).await {
            Ok(shown) => compare_number(shown, transfer, &request),
            Err(failure) => self.write_failed(transfer.from, failure, &request).await,
        }
    }

    async fn write_failed(&self, at: AccountSid, failure: Failure, request: &Request) -> Written {
        let task = &request.task;
        let rejection = match failure {
            Failure::Rejected(rejection) => rejection,
            Failure::Token(_) => return Written::Stop(failure.into_error(ErrorKind::Credentials, task)),
            Failure::NeverSent(_) => return Written::NotProcessed(format!("could not {task}: {failure}")),
            Failure::Lost { cause, request_id } | Failure::Nonsense { cause, request_id } => {
                return lost(&cause, request_id, request);
            }
        };
        match rejection.meaning() {
            Meaning::NeverProcessed => {
                Written::NotProcessed(rejection.into_error(ErrorKind::Unreadable, task).to_string())
            }
            Meaning::TryLater | Meaning::ObserveAgain => {
                lost(&rejection.to_string(), rejection.request_id, request)
            }
            Meaning::AccountError => match self.check_main_account(at, &rejection, request).await {
                Ok(()) => Written::Refused(rejection.into_refusal()),
                Err(error) => Written::Stop(error),
            },
            Meaning::TestCredentials => Written::Stop(rejection.into_error(ErrorKind::Credentials, task)),
            Meaning::ParentSuspended => Written::Stop(rejection.into_error(ErrorKind::MainAccount, task)),
            Meaning::StalePageToken | Meaning::AlreadyClosed | Meaning::Refused => {
                Written::Refused(rejection.into_refusal())
            }
        }
    }
}

fn compare_account(shown: Shown<AccountRow>, sid: AccountSid, status: Status, request: &Request) -> Written {
    let Shown { value, request_id, date } = shown;
    let account = match value.account() {
        Ok(account) if account.sid == sid => account,
        Ok(other) => return lost(&format!("the answer shows account {}", other.sid), request_id, request),
        Err(cause) => return lost(&cause, request_id, request),
    };
    match account.status.to_string().as_str() {
        "" => lost("the answer shows no status", request_id, request),
        shown if shown == status.as_str() => {
            Written::Done(Receipt { request_id, date, account: Some(account) })
        }
        shown => ignored(&format!("shows account {sid} with status `{shown}`"), request_id, date),
    }
}

fn compare_number(shown: Shown<NumberRow>, transfer: &Transfer, request: &Request) -> Written {
    let Shown { value, request_id, date } = shown;
    let Transfer { number, to, .. } = transfer;
    match value.identity() {
        Ok((sid, Some(holder))) if sid == *number && holder == *to => {
            Written::Done(Receipt { request_id, date, account: None })
        }
        Ok((sid, Some(holder))) if sid == *number => {
            ignored(&format!("shows the number in account {holder}"), request_id, date)
        }
        Ok((sid, None)) if sid == *number => lost("the answer shows no account", request_id, request),
        Ok((other, _)) => lost(&format!("the answer shows number {other}"), request_id, request),
        Err(cause) => lost(&cause, request_id, request),
    }
}

/// An answer that shows the object, and that it was left as it is or made something else.
fn ignored(what: &str, request_id: Option<String>, date: Option<Timestamp>) -> Written {
    Written::Refused(Refusal {
        code: None,
        message: format!("Twilio answered 2xx but {what}"),
        request_id,
        date,
    })
}

/// No answer, or one that neither shows the object as asked nor otherwise.
fn lost(cause: &str, request_id: Option<String>, request: &Request) -> Written {
    let message = format!("asked Twilio to {}: {}", request.task, fit_to_show(cause, MAX_CAUSE));
    Written::Unknown(Lost { message, request_id })
}
