//! The port `Apply`: a place in flight, the reads in it, one write, and the comparison of its answer with the request.
//!
//! A write is sent at most once. When its answer is not conclusive, the outcome is `Unknown`, never `Refused`.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    Account, AccountSid, Action, Configure, Create, EndCalls, Number, NumberSetting, NumberSettings,
    NumberSid, Release, SettingDifference, ShownSettings, Status, Transfer,
    outcome::{Outcome, Receipt, Refusal, Skip, SkipCause, UnknownOutcome},
    plan::RECLAIMED_WITHIN,
    remote::{Apply, ErrorKind, RemoteError, Sent, WriteSlot},
    text::sanitize_to,
};

use crate::{
    client::{Client, ReadRoute},
    error::{Failure, MAX_CAUSE, Rejection, RejectionKind},
    limit::Permit,
    request::Request,
    transport::Parsed,
    wire::{AccountRow, NumberRow},
};

/// The longest `Retry-After` that is passed on.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// A place in flight, for one write and the reads of its proof.
pub struct Slot<'a> {
    client: &'a Client,
    permit: Permit<'a>,
}

impl Apply for Client {
    type Place<'a> = Slot<'a>;

    async fn place(&self) -> Result<Slot<'_>, Skip> {
        let permit = self.acquire().await;
        let permit = permit.map_err(|_| Skip::new(SkipCause::Stopping, Failure::Stopping.to_string()))?;
        Ok(Slot { client: self, permit })
    }
}

impl WriteSlot for Slot<'_> {
    async fn account(&mut self, sid: AccountSid) -> Result<Account, RemoteError> {
        self.client.read_account(sid, ReadRoute::In(&self.permit)).await
    }

    async fn numbers(&mut self, owner: AccountSid) -> Result<Vec<Number>, RemoteError> {
        self.client.read_numbers(owner, ReadRoute::In(&self.permit)).await
    }

    async fn number(&mut self, owner: AccountSid, number: NumberSid) -> Result<Option<Number>, RemoteError> {
        self.client.read_number(owner, number, ReadRoute::In(&self.permit)).await
    }

    async fn send(&mut self, action: &Action) -> Sent {
        match action {
            Action::Reactivate(sid) => self.set_status(*sid, Status::Active).await,
            Action::Create(create) => self.create(create).await,
            Action::Suspend(sid) => self.set_status(*sid, Status::Suspended).await,
            Action::Close(close) => self.set_status(close.account.sid, Status::Closed).await,
            Action::Transfer(transfer) => self.transfer(transfer).await,
            Action::Configure(configure) => self.configure(configure).await,
            Action::EndCalls(end) => self.end_calls(end).await,
            Action::Release(release) => self.release(release).await,
        }
    }
}

impl Slot<'_> {
    async fn set_status(&self, sid: AccountSid, status: Status) -> Sent {
        let request = Request::status(self.client.origin(), sid, status);
        let permit = &self.permit;
        match self.client.write::<AccountRow>(&request, permit).await {
            Ok(parsed) => compare_account(parsed, sid, status, &request).into(),
            Err(Failure::Rejected(rejection))
                if status == Status::Closed && rejection.kind() == RejectionKind::AlreadyClosed =>
            {
                Outcome::Done(rejection.into_receipt()).into()
            }
            Err(failure) => self.client.write_failed(Some(sid), failure, &request, permit).await,
        }
    }

    async fn create(&self, create: &Create) -> Sent {
        let request = Request::create(self.client.origin(), create);
        let permit = &self.permit;
        match self.client.write::<AccountRow>(&request, permit).await {
            Ok(parsed) => created_account(parsed, self.client.main(), &request).into(),
            Err(failure) => self.client.write_failed(None, failure, &request, permit).await,
        }
    }

    /// Ends calls one after another, until one is not over.
    async fn end_calls(&self, end: &EndCalls) -> Sent {
        let mut receipt = Receipt::default();
        for call in &end.calls {
            match self.client.end_call(end.account.sid, call, &self.permit).await {
                Sent { outcome: Outcome::Done(one), stop: None } => receipt = one,
                sent => return sent,
            }
        }
        Outcome::Done(receipt).into()
    }

    /// Releases a number. "Not found" proves nothing: the next observation shows what became of it.
    async fn release(&self, release: &Release) -> Sent {
        let request = Request::release(self.client.origin(), release);
        match self.client.delete(&request, &self.permit).await {
            Ok(Parsed { value: (), request_id, date }) => {
                let note = Some(reclaim_note(date));
                Outcome::Done(Receipt { request_id, date, note, ..Receipt::default() }).into()
            }
            Err(failure) => {
                self.client.write_failed(Some(release.account.sid), failure, &request, &self.permit).await
            }
        }
    }

    async fn transfer(&self, transfer: &Transfer) -> Sent {
        let request = Request::transfer(self.client.origin(), transfer);
        let permit = &self.permit;
        match self.client.write::<NumberRow>(&request, permit).await {
            Ok(parsed) => compare_number(parsed, transfer, &request).into(),
            Err(failure) => self.client.write_failed(Some(transfer.from), failure, &request, permit).await,
        }
    }

    async fn configure(&self, configure: &Configure) -> Sent {
        let request = Request::configure(self.client.origin(), configure);
        let permit = &self.permit;
        match self.client.write::<NumberRow>(&request, permit).await {
            Ok(parsed) => compare_settings(parsed, configure, &request).into(),
            Err(failure) => {
                self.client.write_failed(Some(configure.account), failure, &request, permit).await
            }
        }
    }
}

impl Client {
    pub(crate) async fn write_failed(
        &self,
        at: Option<AccountSid>,
        failure: Failure,
        request: &Request,
        permit: &Permit<'_>,
    ) -> Sent {
        match failure {
            Failure::Rejected(rejection) => self.write_rejected(at, rejection, request, permit).await,
            Failure::Token(_) => stop(failure.into_error(ErrorKind::Credentials, &request.task)),
            Failure::Stopping => unsent(SkipCause::Stopping, &failure, request),
            Failure::TokenLate { .. } => unsent(SkipCause::ProofTooOld, &failure, request),
            Failure::TokenRotated => unsent(SkipCause::TokenRotated, &failure, request),
            Failure::ConnectFailed(_) => unsent(SkipCause::ConnectFailed, &failure, request),
            Failure::UnknownOutcome { cause, request_id, .. } | Failure::Nonsense { cause, request_id } => {
                unknown(&cause, request_id, request).into()
            }
        }
    }

    async fn write_rejected(
        &self,
        at: Option<AccountSid>,
        rejection: Rejection,
        request: &Request,
        permit: &Permit<'_>,
    ) -> Sent {
        let task = &request.task;
        match rejection.kind() {
            RejectionKind::NeverProcessed => {
                let retry_after = rejection.retry_after.map(|wait| wait.min(MAX_RETRY_AFTER));
                let message = rejection.into_error(ErrorKind::Unreadable, task).to_string();
                skipped(SkipCause::RateLimited, message, retry_after).into()
            }
            RejectionKind::TryLater | RejectionKind::ObserveAgain => {
                unknown(&rejection.to_string(), rejection.request_id, request).into()
            }
            RejectionKind::AccountError => {
                match self.check_main_account(at, &rejection, request, ReadRoute::In(permit)).await {
                    Ok(()) => Outcome::Refused(rejection.into_refusal()).into(),
                    Err(error) if error.stops_the_pass() => stop(error),
                    // The account of the error stays unknown, but the write was not done.
                    Err(error) => {
                        let message = format!("could not {task}: {rejection}; {error}");
                        skipped(SkipCause::Stopping, message, None).into()
                    }
                }
            }
            RejectionKind::TestCredentials => stop(rejection.into_error(ErrorKind::Credentials, task)),
            RejectionKind::ParentSuspended => stop(rejection.into_error(ErrorKind::MainAccount, task)),
            RejectionKind::StalePageToken | RejectionKind::AlreadyClosed | RejectionKind::Refused => {
                Outcome::Refused(rejection.into_refusal()).into()
            }
        }
    }
}

/// The note of a release that Twilio answered at `date`.
fn reclaim_note(date: Option<Timestamp>) -> String {
    let until = date.and_then(|date| date.checked_add(RECLAIMED_WITHIN).ok());
    let until = until.map_or_else(|| "for 10 days".to_owned(), |until| format!("until {until}"));
    format!(
        "by Twilio's documentation it can be had back in the Twilio Console {until}, at the price of a new number"
    )
}

fn compare_account(
    parsed: Parsed<AccountRow>,
    sid: AccountSid,
    status: Status,
    request: &Request,
) -> Outcome {
    let Parsed { value, request_id, date } = parsed;
    let account = match value.account() {
        Ok(account) if account.sid == sid => account,
        Ok(other) => {
            return unknown(&format!("the answer contains account {}", other.sid), request_id, request);
        }
        Err(row) => return unknown(&row.why, request_id, request),
    };
    match account.status.to_string().as_str() {
        "" => unknown("the answer contains no status", request_id, request),
        parsed if parsed == status.as_str() => {
            let date_updated = account.date_updated;
            let account = Some(account);
            Outcome::Done(Receipt { request_id, date, date_updated, account, ..Receipt::default() })
        }
        parsed => ignored(&format!("account {sid} has the status `{parsed}`"), request_id, date),
    }
}

/// The outcome of a create: a 2xx with an account of `main` has created it, whatever name it shows.
fn created_account(parsed: Parsed<AccountRow>, main: AccountSid, request: &Request) -> Outcome {
    let Parsed { value, request_id, date } = parsed;
    let account = match value.account() {
        Ok(account) if account.sid != main && account.owner.is_none_or(|owner| owner == main) => account,
        Ok(other) => {
            let cause = format!("the answer contains account {}, not a new subaccount", other.sid);
            return unknown(&cause, request_id, request);
        }
        Err(row) => return unknown(&row.why, request_id, request),
    };
    let (created, date_updated) = (Some(account.sid), account.date_updated);
    let account = Some(account);
    Outcome::Done(Receipt { request_id, date, date_updated, created, account, ..Receipt::default() })
}

fn compare_number(parsed: Parsed<NumberRow>, transfer: &Transfer, request: &Request) -> Outcome {
    let Parsed { value, request_id, date } = parsed;
    let Transfer { number_sid: number, to, settings, .. } = transfer;
    match value.identity() {
        Ok((sid, Some(holder))) if sid == *number && holder == *to => {
            let shown = value.settings();
            // The owner decides. What the settings lack is made good by a configure.
            let note = differences(&shown, settings).err();
            let note = note.map(|differs| format!("the answer shows other settings: {differs}"));
            let settings = Some(Box::new(shown));
            Outcome::Done(Receipt { request_id, date, settings, note, ..Receipt::default() })
        }
        Ok((sid, Some(holder))) if sid == *number => {
            ignored(&format!("the phone number is in account {holder}"), request_id, date)
        }
        Ok((sid, None)) if sid == *number => unknown("the answer contains no account", request_id, request),
        Ok((other, _)) => unknown(&format!("the answer contains phone number {other}"), request_id, request),
        Err(cause) => unknown(&cause, request_id, request),
    }
}

fn compare_settings(parsed: Parsed<NumberRow>, configure: &Configure, request: &Request) -> Outcome {
    let Parsed { value, request_id, date } = parsed;
    let Configure { number_sid: number, account, settings, .. } = configure;
    match value.identity() {
        Ok((sid, Some(holder))) if sid == *number && holder == *account => {}
        Ok((sid, Some(holder))) if sid == *number => {
            return unknown(&format!("the phone number is in account {holder}"), request_id, request);
        }
        Ok((sid, None)) if sid == *number => {
            return unknown("the answer contains no account", request_id, request);
        }
        Ok((other, _)) => {
            return unknown(&format!("the answer contains phone number {other}"), request_id, request);
        }
        Err(cause) => return unknown(&cause, request_id, request),
    }
    let shown = value.settings();
    match differences(&shown, settings) {
        Ok(()) => {
            let settings = Some(Box::new(shown));
            Outcome::Done(Receipt { request_id, date, settings, ..Receipt::default() })
        }
        Err(Differs::Shown(words)) => ignored(&format!("the settings differ: {words}"), request_id, date),
        Err(Differs::Unreadable(setting)) => {
            unknown(&format!("the answer does not show {setting}"), request_id, request)
        }
    }
}

/// The way in which the settings of an answer are not those of the request.
enum Differs {
    /// Other values, in words without credentials.
    Shown(String),
    /// A setting that cannot be read.
    Unreadable(NumberSetting),
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(words) => f.write_str(words),
            Self::Unreadable(setting) => write!(f, "{setting} cannot be read"),
        }
    }
}

/// Checks that an answer shows the settings that were asked for.
fn differences(shown: &ShownSettings, asked: &NumberSettings) -> Result<(), Differs> {
    let differences = shown.differences(asked).map_err(Differs::Unreadable)?;
    if differences.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = differences
        .iter()
        .map(|SettingDifference { setting, live, desired }| {
            format!("{setting} is {live}, and {desired} was asked for")
        })
        .collect();
    Err(Differs::Shown(words.join("; ")))
}

/// The outcome of an answer that shows the object without the requested change. The change may have happened: an answer may
/// be stale.
pub(crate) fn ignored(what: &str, request_id: Option<String>, date: Option<Timestamp>) -> Outcome {
    let message = format!("Twilio answered 2xx, but {what}");
    Outcome::Ignored(Refusal { code: None, message, request_id, date })
}

/// The outcome without an answer, or with one that does not show the object.
pub(crate) fn unknown(cause: &str, request_id: Option<String>, request: &Request) -> Outcome {
    let message = format!("sent the request to {}: {}", request.task, sanitize_to(cause, MAX_CAUSE));
    Outcome::Unknown(UnknownOutcome { message, request_id })
}

/// The result of a write that was not sent, or was refused for a rotated token.
fn unsent(cause: SkipCause, failure: &Failure, request: &Request) -> Sent {
    skipped(cause, format!("could not {}: {failure}", request.task), None).into()
}

/// The result of a write that was not processed, for a reason that affects every other request.
fn stop(error: RemoteError) -> Sent {
    let outcome = skipped(SkipCause::PassAborted, format!("the pass was aborted: {error}"), None);
    Sent { outcome, stop: Some(error) }
}

fn skipped(cause: SkipCause, message: String, retry_after: Option<Duration>) -> Outcome {
    let retry_after = retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
    Outcome::Skipped(Skip { cause, message, retry_after })
}
