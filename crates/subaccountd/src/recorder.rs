//! The recorder: each write in the journal and in the log, with what its entry says.

use subaccountd_core::{Action, Planned, execute::Outcome, record::Record};
use tracing::{info, warn};

use crate::{
    journal::{Audit, Journal},
    state::LoadedState,
};

/// Records writes in the journal, and logs how each ended with what its entry says.
pub(crate) struct Recorder<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) loaded: &'a LoadedState,
}

impl Record for Recorder<'_> {
    async fn intent(&self, planned: &Planned) -> Result<u64, String> {
        let id = self.journal.intent(planned, self.audit(planned, None, &planned.action.to_string()))?;
        let action = &planned.action;
        info!(journal.id = id, action.kind = %action.verb(), account.sid = %action.account(), "about to {action}");
        Ok(id)
    }

    async fn outcome(&self, id: u64, planned: &Planned, outcome: &Outcome) {
        let (request_id, words) = match outcome {
            Outcome::Done(receipt) => (receipt.request_id.as_deref(), ""),
            Outcome::Refused(refusal) => (refusal.request_id.as_deref(), refusal.message.as_str()),
            Outcome::Unknown(lost) => (lost.request_id.as_deref(), lost.message.as_str()),
            Outcome::Skipped(why) => (None, why.as_str()),
        };
        self.journal.outcome(id, outcome, self.audit(planned, request_id, words));
        // What was skipped is told in one place, with what never came to an intent.
        if !matches!(outcome, Outcome::Skipped(_)) {
            tell(self.loaded, planned, outcome);
        }
    }
}

impl Recorder<'_> {
    fn audit(&self, planned: &Planned, request_id: Option<&str>, message: &str) -> Audit {
        let action = &planned.action;
        let giver = match action {
            Action::Transfer(transfer) => Some(transfer.from),
            Action::Reactivate(_) | Action::Suspend(_) | Action::Close(_) => None,
        };
        let entry = self.loaded.reading.desired.entry(action.account());
        Audit {
            state: self.loaded.sha256.clone(),
            revision: self.loaded.revision.clone(),
            accounts: [action.account()].into_iter().chain(giver).collect(),
            reason: entry.and_then(|entry| entry.reason.clone()),
            labels: entry.map(|entry| entry.labels.clone()).unwrap_or_default(),
            request_id: request_id.map(str::to_owned),
            message: message.to_owned(),
        }
    }
}

/// One line for a write, with what its entry says.
pub(crate) fn tell(loaded: &LoadedState, planned: &Planned, outcome: &Outcome) {
    let action = &planned.action;
    let entry = loaded.reading.desired.entry(action.account());
    let reason = entry.and_then(|entry| entry.reason.as_deref());
    let labels = entry.filter(|entry| !entry.labels.is_empty());
    let labels = labels.map(|entry| serde_json::json!(entry.labels).to_string());
    let (request_id, code, words) = match outcome {
        Outcome::Done(receipt) => (receipt.request_id.as_deref(), None, ""),
        Outcome::Refused(refusal) => (refusal.request_id.as_deref(), refusal.code, refusal.message.as_str()),
        Outcome::Unknown(lost) => (lost.request_id.as_deref(), None, lost.message.as_str()),
        Outcome::Skipped(why) => (None, None, why.as_str()),
    };
    macro_rules! line {
        ($level:ident) => {
            $level!(
                action.kind = %action.verb(),
                action.result = outcome.as_str(),
                account.sid = %action.account(),
                number = action.number().map(tracing::field::display),
                twilio.code = code,
                twilio.request_id = request_id,
                entry.reason = reason,
                entry.labels = labels,
                state.sha256 = %loaded.sha256,
                state.revision = loaded.revision,
                "{action}: {}{}{words}",
                outcome.as_str(),
                if words.is_empty() { "" } else { ": " }
            )
        };
    }
    match outcome {
        Outcome::Done(_) | Outcome::Skipped(_) => line!(info),
        Outcome::Refused(_) | Outcome::Unknown(_) => line!(warn),
    }
}
