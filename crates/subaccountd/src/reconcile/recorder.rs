//! The recorder: each write in the journal and in the log, with the reason and the labels of its entry.

use subaccountd_core::{
    AccountRef, AccountSid, Action, Desired, Outcome, Planned, Skip, SkipCause, record::Record,
};
use tracing::{debug, info, warn};

use crate::{
    desired::LoadedState,
    journal::{Audit, Journal},
};

/// Records writes in the journal, and logs each with its result and the reason and the labels of its entry.
pub(crate) struct Recorder<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) loaded: &'a LoadedState,
    /// The state that was planned for.
    pub(crate) desired: &'a Desired,
}

impl Record for Recorder<'_> {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        let id = self.journal.intent(planned, self.audit(planned, None, &planned.action.to_string()))?;
        let action = &planned.action;
        info!(journal.id = id, action.kind = %action.kind(), account.sid = action.account().sid().map(display), account.name = action.account().name().map(display), "about to {action}");
        Ok(id)
    }

    async fn outcome(&self, id: u64, planned: &Planned, outcome: &Outcome) {
        let mut audit = self.audit(planned, outcome.request_id(), outcome.message());
        audit.accounts.extend(outcome.created());
        self.journal.outcome(id, outcome, audit);
        self.log(planned, outcome);
    }

    async fn skipped(&self, planned: &Planned, skip: &Skip) {
        if skip.cause.is_proof() {
            self.journal.proof_failed(planned, skip);
        }
        self.log(planned, &Outcome::Skipped(skip.clone()));
    }
}

impl Recorder<'_> {
    fn audit(&self, planned: &Planned, request_id: Option<&str>, message: &str) -> Audit {
        let action = &planned.action;
        let account = action.account();
        let (_, labels) = self.desired.notes(&account).unzip();
        Audit {
            state: self.loaded.sha256.clone(),
            revision: self.loaded.revision.clone(),
            place: self.place(action),
            accounts: account.sid().into_iter().chain(giver(action)).collect(),
            reason: self.reason(action).map(str::to_owned),
            labels: labels.cloned().unwrap_or_default(),
            allowances: planned.allowances.clone(),
            request_id: request_id.map(str::to_owned),
            message: message.to_owned(),
        }
    }

    /// The reason that the state gives for `action`: for a release that of its order, if it has one.
    fn reason(&self, action: &Action) -> Option<&str> {
        let of_entry = || self.desired.notes(&action.account()).and_then(|(reason, _)| reason);
        let order = match action {
            Action::Release(release) => self.desired.release(release.account.sid, release.phone),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Transfer(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Close(_) => None,
        };
        order.and_then(|order| order.reason.as_deref()).or_else(of_entry)
    }

    /// The file and the line of the entry that asks for `action`.
    fn place(&self, action: &Action) -> Option<String> {
        let account = match action {
            // The entry of an account to close asks for the move of a number that nothing claims.
            Action::Transfer(transfer) if self.desired.claim(transfer.phone).is_none() => {
                transfer.from.into()
            }
            Action::Transfer(_)
            | Action::Reactivate(_)
            | Action::Create(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => action.account(),
        };
        let places = &self.loaded.reading.places;
        let by_name = || Some(AccountRef::from(self.desired.name_of(account.sid()?)?));
        places.place_of(&account).or_else(|| places.place_of(&by_name()?))
    }

    /// Logs one line for a write, with the reason and the labels of its entry.
    fn log(&self, planned: &Planned, outcome: &Outcome) {
        let (loaded, action) = (self.loaded, &planned.action);
        let account = action.account();
        let (_, labels) = self.desired.notes(&account).unzip();
        let reason = self.reason(action);
        let labels = labels.filter(|labels| !labels.is_empty()).map(|labels| {
            let pairs = labels.iter().map(|(key, value)| format!("{key}={value}"));
            pairs.collect::<Vec<_>>().join(",")
        });
        let (place, message) = (self.place(action), outcome.message());
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    action.kind = %action.kind(),
                    action.result = outcome.as_str(),
                    account.sid = account.sid().or(outcome.created()).map(display),
                    account.name = account.name().map(display),
                    number = action.number().map(display),
                    transfer.from = giver(action).map(display),
                    twilio.code = outcome.code(),
                    twilio.request_id = outcome.request_id(),
                    entry.reason = reason,
                    entry.labels = labels,
                    entry.place = place,
                    state.sha256 = %loaded.sha256,
                    state.revision = loaded.revision,
                    "{action}: {}{}{message}",
                    outcome.as_str(),
                    if message.is_empty() { "" } else { ": " }
                )
            };
        }
        match outcome {
            // The journal logs its trouble once.
            Outcome::Skipped(skip) if skip.cause == SkipCause::NotRecorded => line!(debug),
            Outcome::Done(_) | Outcome::Skipped(_) => line!(info),
            Outcome::Refused(_) | Outcome::Ignored(_) | Outcome::Unknown(_) => line!(warn),
        }
    }
}

/// The account that a transfer takes the number from.
const fn giver(action: &Action) -> Option<AccountSid> {
    match action {
        Action::Transfer(transfer) => Some(transfer.from),
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Suspend(_)
        | Action::Configure(_)
        | Action::EndCalls(_)
        | Action::Release(_)
        | Action::Close(_) => None,
    }
}
