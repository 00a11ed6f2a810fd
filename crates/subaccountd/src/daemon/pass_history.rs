//! The last passes, for people: a ring of bounded size in which passes in a row that ended alike and wrote nothing are
//! one entry.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountRef, AccountSid, Action, ActionKind, PhoneNumber, Report,
    execute::Executed,
    report::{PassError, PassResult},
};

/// The most entries that are kept.
const KEPT: usize = 20;
/// The most writes of a pass that are kept; failed ones come first.
const WRITES_KEPT: usize = 10;
/// The longest error text that is kept, in characters.
const MAX_WORDS: usize = 400;

/// The results of a write in the order in which they are kept and shown.
pub(crate) const RESULTS: [&str; 4] = ["refused", "unknown", "done", "skipped"];

/// The last passes.
#[derive(Debug, Default)]
pub(crate) struct PassHistory(Mutex<VecDeque<PassEntry>>);

/// A pass, or several in a row that ended alike and wrote nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PassEntry {
    /// The number of passes that it represents.
    pub(crate) times: u32,
    /// The time at which the first of them ended.
    pub(crate) since: Timestamp,
    /// The time at which the last of them ended.
    pub(crate) finished_at: Timestamp,
    /// The duration of the last of them.
    pub(crate) took: SignedDuration,
    /// The number of requests that the last of them made.
    pub(crate) requests: u64,
    pub(crate) result: PassResult,
    pub(crate) error: Option<PassError>,
    /// The number of writes by result, in the order of [`RESULTS`].
    pub(crate) counts: [usize; 4],
    /// The first of these writes.
    pub(crate) writes: Vec<WriteEntry>,
}

/// A write and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteEntry {
    pub(crate) kind: ActionKind,
    pub(crate) account: AccountRef,
    pub(crate) number: Option<PhoneNumber>,
    pub(crate) from: Option<AccountSid>,
    pub(crate) result: &'static str,
    /// The reason for which it was not done.
    pub(crate) why: Option<String>,
}

impl PassHistory {
    /// Adds the pass of `report`; one that has not ended adds nothing.
    pub(crate) fn add(&self, report: &Report) {
        let Some(entry) = PassEntry::of(report) else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.front_mut() {
            Some(last) if last.is_like(&entry) => {
                *last = PassEntry { times: last.times.saturating_add(1), since: last.since, ..entry };
            }
            _ => {
                kept.truncate(KEPT - 1);
                kept.push_front(entry);
            }
        }
    }

    /// The kept entries, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<PassEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl PassEntry {
    fn of(report: &Report) -> Option<Self> {
        let pass = &report.last_pass;
        let (result, started_at, finished_at) = (pass.result?, pass.started_at?, pass.finished_at?);
        let of_result = |result: &'static str| {
            report.executed.iter().filter(move |executed| executed.outcome.as_str() == result)
        };
        Some(Self {
            times: 1,
            since: finished_at,
            finished_at,
            took: finished_at.duration_since(started_at),
            requests: pass.requests,
            result,
            error: pass.error.clone().map(|error| PassError { message: short(&error.message), ..error }),
            counts: RESULTS.map(|result| of_result(result).count()),
            writes: RESULTS
                .iter()
                .flat_map(|result| of_result(result))
                .take(WRITES_KEPT)
                .map(WriteEntry::of)
                .collect(),
        })
    }

    /// Returns true when both wrote nothing and ended alike.
    fn is_like(&self, other: &Self) -> bool {
        self.writes.is_empty()
            && other.writes.is_empty()
            && self.result == other.result
            && self.error.as_ref().map(|error| &error.message)
                == other.error.as_ref().map(|error| &error.message)
    }
}

impl WriteEntry {
    fn of(executed: &Executed) -> Self {
        let action = &executed.planned.action;
        let from = match action {
            Action::Transfer(transfer) => Some(transfer.from),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => None,
        };
        let message = executed.outcome.message();
        let why = (!message.is_empty()).then(|| match executed.outcome.code() {
            Some(code) => format!("{code}: {message}"),
            None => message.to_owned(),
        });
        Self {
            kind: action.kind(),
            account: action.account(),
            number: action.number(),
            from,
            result: executed.outcome.as_str(),
            why: why.as_deref().map(short),
        }
    }
}

fn short(words: &str) -> String {
    words.chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use subaccountd_core::{
        Outcome, Planned, Receipt, Refusal,
        report::{DesiredState, MainAccount, Mode, PassSummary, PlanView},
    };

    use super::*;

    fn pass(second: i64, error: Option<(&str, Option<&str>)>, executed: Vec<Executed>) -> Report {
        let at = |second| Timestamp::from_second(second).ok();
        let failed = error.is_some() || executed.iter().any(|e| matches!(e.outcome, Outcome::Refused(_)));
        Report {
            version: "0",
            mode: Mode::Enforce,
            main_account: MainAccount {
                sid: "AC00000000000000000000000000000000".parse().unwrap(),
                friendly_name: None,
            },
            desired_state: DesiredState {
                valid: true,
                paused: false,
                frozen: None,
                sha256: String::new(),
                revision: None,
                loaded_at: Timestamp::UNIX_EPOCH,
                faults: Vec::new(),
                fault_count: 0,
            },
            last_pass: PassSummary {
                result: Some(if failed { PassResult::Failed } else { PassResult::Success }),
                started_at: at(second),
                finished_at: at(second + 1),
                requests: 1,
                error: error.map(|(message, request_id)| PassError {
                    message: message.to_owned(),
                    request_id: request_id.map(str::to_owned),
                }),
                aborted: error.is_some(),
            },
            plan: PlanView::default(),
            accounts: Vec::new(),
            observed_at: None,
            journal_error: None,
            figures: subaccountd_core::report::Figures::default(),
            executed,
        }
    }

    fn suspend(refused: bool) -> Executed {
        let sid = "AC00000000000000000000000000000001".parse().unwrap();
        let outcome = if refused {
            let message = "x".repeat(10_000);
            Outcome::Refused(Refusal { code: Some(21478), message, request_id: None, date: None })
        } else {
            Outcome::Done(Receipt::default())
        };
        Executed {
            planned: Planned {
                action: Action::Suspend(sid),
                exempt: false,
                entry: String::new(),
                note: None,
                allowances: Vec::new(),
            },
            outcome,
        }
    }

    #[test]
    fn passes_in_a_row_that_ended_alike_and_wrote_nothing_are_one_entry() {
        let passes = PassHistory::default();
        for second in 0..30 {
            passes.add(&pass(second, None, Vec::new()));
        }
        passes.add(&pass(30, Some(("away", Some("RQ1"))), Vec::new()));
        passes.add(&pass(31, Some(("away", Some("RQ2"))), Vec::new()));
        passes.add(&pass(32, Some(("wrong token", None)), Vec::new()));
        passes.add(&pass(33, None, vec![suspend(false)]));
        passes.add(&pass(34, None, vec![suspend(false)]));
        let kept: Vec<_> = passes
            .newest_first()
            .into_iter()
            .map(|e| (e.times, e.since.as_second(), e.error.map(|error| error.to_string())))
            .collect();
        let words = |words: &str| Some(words.to_owned());
        assert_eq!(
            kept,
            [
                (1, 35, None),
                (1, 34, None),
                (1, 33, words("wrong token")),
                (2, 31, words("away (Twilio request RQ2)")),
                (30, 1, None)
            ]
        );
    }

    #[test]
    fn ring_is_bounded_and_keeps_failed_writes() {
        let passes = PassHistory::default();
        for second in 0..100 {
            let done = std::iter::repeat_with(|| suspend(false)).take(1000);
            passes.add(&pass(second, None, done.chain([suspend(true)]).collect()));
        }
        let kept = passes.newest_first();
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept[0].finished_at.as_second(), 100);
        assert_eq!((kept[0].counts, kept[0].writes.len()), ([1, 0, 1000, 0], WRITES_KEPT));
        assert_eq!(kept[0].writes[0].result, "refused");
        assert_eq!(kept[0].writes[0].why.as_ref().map(String::len), Some(MAX_WORDS));
    }

    #[test]
    fn pass_that_has_not_ended_is_not_kept() {
        let passes = PassHistory::default();
        let mut report = pass(0, None, Vec::new());
        report.last_pass = PassSummary::default();
        passes.add(&report);
        assert_eq!(passes.newest_first(), []);
    }
}
